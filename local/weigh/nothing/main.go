// Nothing is the function that does nothing: what every other function is weighed against.
package main

import "github.com/aws/aws-lambda-go/lambda"

func main() {
	lambda.Start(func() error { return nil })
}
