// Package sources is what calls functions besides HTTP: queues, the table's stream and schedules, each as template.yaml
// says and as Lambda's event source mappings and EventBridge Scheduler do it.
//
// A message or record is handled at least once and never dropped: what fails comes again until its queue's redrive policy
// or the source's own limit moves it to the queue for failures. The package changes nothing in an event and knows nothing
// of what is in it but for the stream's filter.
package sources

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"opiq/local/lambda"
)

// Invoke calls a function by its name, as lambda.Host.Invoke does.
type Invoke func(ctx context.Context, function string, payload []byte) ([]byte, error)

// patiently calls a function that may be throttled: that is no failure of the event.
func (invoke Invoke) patiently(ctx context.Context, function string, payload []byte) ([]byte, error) {
	for {
		out, err := invoke(ctx, function, payload)
		if !errors.Is(err, lambda.ErrThrottled) || !pause(ctx, 200*time.Millisecond) {
			return out, err
		}
	}
}

// stopped tells whether a call failed only because everything here ends.
func stopped(err error) bool { return errors.Is(err, lambda.ErrStopped) }

// pause waits, and tells whether to go on after it.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// unhandled reads which items of a batch a function reports as failed. No report, as from a function that answers nothing,
// means none.
func unhandled(out []byte) ([]string, error) {
	var report struct {
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if len(out) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return nil, fmt.Errorf("the report of failures cannot be read: %w", err)
	}
	var ids []string
	for _, f := range report.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids, nil
}

// park puts what was given up onto the queue for failures, in the form of Lambda's destinations.
func park(ctx context.Context, client *sqs.Client, url string, record map[string]any, function, condition string, tries int) error {
	record["version"] = "1.0"
	record["timestamp"] = time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	record["requestContext"] = map[string]any{
		"requestId":              rand.Text(),
		"functionArn":            arn(function),
		"condition":              condition,
		"approximateInvokeCount": tries,
	}
	record["responseContext"] = map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
	body, err := json.Marshal(record)
	if err != nil {
		return err
	}
	_, err = client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(string(body))})
	return err
}

func arn(function string) string {
	return "arn:aws:lambda:" + lambda.Region + ":000000000000:function:" + function
}
