// Package queue is the edge to SQS and to the table's stream: one message in, done or again.
//
// A consumer's main gives Start a function of one message. The package decodes, calls it once per record and reports the
// records that must come again (ReportBatchItemFailures), so that one bad message never takes its neighbours with it. A
// message that cannot be read or that fails for good is retried like any other until the queue's redrive policy parks it
// in the dead-letter queue, where an alarm waits: nothing is dropped here.
package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Handler handles one message. It may be called more than once for the same one.
type Handler[M any] func(context.Context, M) error

// Start consumes a queue for as long as Lambda lets the process live.
func Start[M any](h Handler[M]) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	lambda.Start(h.Handle)
}

// Handle calls h for each record of a batch and reports the records that failed.
func (h Handler[M]) Handle(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
	var out events.SQSEventResponse
	if end, ok := ctx.Deadline(); ok { // what is done is said before the function is killed
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, end.Add(-margin))
		defer stop()
	}
	for _, r := range e.Records {
		if err := h.one(ctx, r); err != nil {
			slog.ErrorContext(ctx, "message failed", "message", r.MessageId, "received", r.Attributes["ApproximateReceiveCount"], "error", err.Error())
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: r.MessageId})
		}
	}
	return out, nil
}

const margin = time.Second / 2

func (h Handler[M]) one(ctx context.Context, r events.SQSMessage) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	var m M
	if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
		return errors.New("the message is not what this queue carries")
	}
	return h(ctx, m)
}

// Queue is a queue to send to.
type Queue struct {
	client *sqs.Client
	url    string
}

// Open makes a queue of its URL.
func Open(cfg aws.Config, url string) *Queue {
	return &Queue{sqs.NewFromConfig(cfg), url}
}

// Send puts one message on the queue. After nil it is kept until a consumer has done it.
func (q *Queue) Send(ctx context.Context, message any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String(string(body))})
	return err
}

// SendAll puts at most ten messages on the queue in one call and answers how many, from the first, were taken: some of
// those after the first that was not may be on the queue as well.
func (q *Queue) SendAll(ctx context.Context, messages []any) (taken int, err error) {
	entries := make([]types.SendMessageBatchRequestEntry, len(messages))
	for i, m := range messages {
		body, err := json.Marshal(m)
		if err != nil {
			return 0, err
		}
		entries[i] = types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(body))}
	}
	out, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries})
	if err != nil {
		return 0, err
	}
	taken = len(messages)
	for _, f := range out.Failed {
		i, err := strconv.Atoi(aws.ToString(f.Id))
		if err != nil {
			return 0, err
		}
		taken = min(taken, i)
	}
	return taken, nil
}
