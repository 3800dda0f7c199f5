// Package queue is the edge to SQS: one message in, done or again.
//
// A consumer's main gives Start a function of one message, or StartBatch a function of all that came at once. The package
// decodes and reports the records that must come again (ReportBatchItemFailures), so that one bad message never takes its
// neighbours with it. A message that cannot be read or that fails for good is retried like any other until the queue's
// redrive policy parks it in the dead-letter queue, where an alarm waits: nothing is dropped here.
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
func Start[M any](h Handler[M]) { StartBatch(h.each) }

// Handle calls h for each record of a batch and reports the records that failed.
func (h Handler[M]) Handle(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
	return Batch[M](h.each).Handle(ctx, e)
}

func (h Handler[M]) each(ctx context.Context, messages []M) []error {
	errs := make([]error, len(messages))
	for i, m := range messages {
		errs[i] = h.one(ctx, m)
	}
	return errs
}

func (h Handler[M]) one(ctx context.Context, m M) (err error) {
	defer recovered(&err)
	return h(ctx, m)
}

// Batch handles messages that came at once and answers what became of each: nil, or why it must come again. It may be called
// more than once for the same ones.
type Batch[M any] func(context.Context, []M) []error

// StartBatch consumes a queue, many messages at a time, for as long as Lambda lets the process live.
func StartBatch[M any](h Batch[M]) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	lambda.Start(h.Handle)
}

// Handle calls h with the messages of a batch that can be read and reports the records that failed.
func (h Batch[M]) Handle(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
	var out events.SQSEventResponse
	if end, ok := ctx.Deadline(); ok { // what is done is said before the function is killed
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, end.Add(-margin))
		defer stop()
	}
	errs := make([]error, len(e.Records))
	var messages []M
	var at []int // the record of each message
	for i, r := range e.Records {
		var m M
		if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
			errs[i] = errors.New("the message is not what this queue carries")
			continue
		}
		messages, at = append(messages, m), append(at, i)
	}
	for i, err := range h.all(ctx, messages) {
		errs[at[i]] = err
	}
	for i, r := range e.Records {
		if errs[i] != nil {
			slog.ErrorContext(ctx, "message failed", "message", r.MessageId, "received", r.Attributes["ApproximateReceiveCount"], "error", errs[i].Error())
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: r.MessageId})
		}
	}
	return out, nil
}

const margin = time.Second / 2

// all handles messages together. Where that panics, it handles each for itself: so only the one that cannot be handled fails.
func (h Batch[M]) all(ctx context.Context, messages []M) []error {
	if len(messages) == 0 {
		return nil
	}
	errs, err := h.try(ctx, messages)
	if err == nil {
		return errs
	}
	if len(messages) == 1 {
		return []error{err}
	}
	errs = nil
	for i := range messages {
		errs = append(errs, h.all(ctx, messages[i:i+1])...)
	}
	return errs
}

func (h Batch[M]) try(ctx context.Context, messages []M) (errs []error, err error) {
	defer recovered(&err)
	if errs = h(ctx, messages); len(errs) != len(messages) {
		err = fmt.Errorf("%d answers to %d messages", len(errs), len(messages))
	}
	return errs, err
}

// recovered makes a panic an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v", p)
	}
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
