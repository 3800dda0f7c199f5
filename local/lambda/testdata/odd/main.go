// Odd is a function that does what the host's tests tell it to.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type order struct {
	Do   string
	Wait time.Duration
}

type answer struct {
	Process  int
	Request  string
	Function string
	Left     time.Duration
	Env      []string
}

func main() {
	fmt.Println(`{"level":"INFO","msg":"up"}`)
	lambda.Start(func(ctx context.Context, o order) (answer, error) {
		switch o.Do {
		case "fail":
			return answer{}, errors.New("no luck")
		case "panic":
			panic("oh")
		case "exit":
			os.Exit(3)
		}
		fmt.Println(`{"level":"INFO","msg":"at work"}`)
		time.Sleep(o.Wait)
		c, _ := lambdacontext.FromContext(ctx)
		end, _ := ctx.Deadline()
		return answer{os.Getpid(), c.AwsRequestID, lambdacontext.FunctionName, time.Until(end), os.Environ()}, nil
	})
}
