// Dispatch reads the table's stream and puts each new letter on the queue "mail": what a transaction wrote is what is sent,
// and nothing is published from memory.
package main

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"opiq/shared/cloud"
	"opiq/shared/letter"
	"opiq/shared/queue"
	"opiq/shared/table"
)

type sender interface {
	SendAll(context.Context, []any) (failed []int, err error)
}

type dispatch struct{ mail sender }

func main() {
	lambda.Start(dispatch{queue.Open(cloud.Config(), cloud.Env("MAIL_QUEUE"))}.handle)
}

// handle sends the letters of a batch, ten at a time. What was not taken comes again from the first such record on; a letter
// that comes twice is known by its consumer.
func (d dispatch) handle(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	var messages []any
	var records []string
	for _, r := range e.Records {
		if id, ok := table.NewLetter(r); ok {
			messages, records = append(messages, letter.Ready{Letter: id}), append(records, r.Change.SequenceNumber)
		}
	}
	for len(messages) > 0 {
		n := min(10, len(messages))
		failed, err := d.mail.SendAll(ctx, messages[:n])
		if err != nil {
			slog.ErrorContext(ctx, "letters not queued", "error", err.Error())
			failed = []int{0}
		}
		if len(failed) > 0 {
			again := events.DynamoDBBatchItemFailure{ItemIdentifier: records[failed[0]]}
			return events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{again}}, nil
		}
		messages, records = messages[n:], records[n:]
	}
	return events.DynamoDBEventResponse{}, nil
}
