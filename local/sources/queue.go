package sources

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"opiq/local/lambda"
	"opiq/local/template"
)

// Queue calls a function with the messages of a queue.
type Queue struct {
	template.QueueSource
	Function string // its name
	URL, ARN string // of the queue
	Client   *sqs.Client
	Invoke   Invoke
	Log      io.Writer
}

// abreast is how many batches a queue without a limit of its own has at work at once.
const abreast = 5

// Run receives until ctx ends, and returns when the batches at work have ended.
func (q Queue) Run(ctx context.Context) {
	n := q.Concurrency
	if n == 0 {
		n = abreast
	}
	turns := make(chan struct{}, n)
	var batches sync.WaitGroup
	defer batches.Wait()
	for ctx.Err() == nil {
		turns <- struct{}{}
		batch, err := q.receive(ctx)
		if err != nil && ctx.Err() == nil {
			fmt.Fprintf(q.Log, "%s: %v\n", q.Queue, err)
			pause(ctx, time.Second)
		}
		batches.Go(func() {
			defer func() { <-turns }()
			if len(batch) > 0 {
				q.work(context.WithoutCancel(ctx), batch)
			}
		})
	}
}

// receive waits for messages, and after the first ones as long as the window says for more.
func (q Queue) receive(ctx context.Context) (batch []types.Message, err error) {
	wait, end := 20*time.Second, time.Time{}
	for len(batch) < q.BatchSize && wait >= time.Second {
		out, err := q.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl:                    &q.URL,
			MaxNumberOfMessages:         int32(min(10, q.BatchSize-len(batch))),
			WaitTimeSeconds:             int32(wait / time.Second),
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
			MessageAttributeNames:       []string{"All"},
		})
		if err != nil {
			return batch, err // what has come by now is worked on all the same
		}
		if end.IsZero() {
			end = time.Now().Add(q.Window)
		}
		batch = append(batch, out.Messages...)
		wait = time.Until(end)
	}
	return batch, nil
}

// work gives one batch to the function and deletes what was handled. The rest comes again when its visibility ends.
func (q Queue) work(ctx context.Context, batch []types.Message) {
	payload, err := json.Marshal(q.event(batch))
	if err != nil {
		fmt.Fprintf(q.Log, "%s: %v\n", q.Queue, err)
		return
	}
	out, err := q.Invoke.patiently(ctx, q.Function, payload)
	if err != nil {
		return // the host has told; nothing is deleted
	}
	done := batch
	if q.PartialFailures {
		failed, err := unhandled(out)
		for _, id := range failed {
			if !slices.ContainsFunc(batch, func(m types.Message) bool { return aws.ToString(m.MessageId) == id }) {
				err = fmt.Errorf("%s reports a message that is not in its batch: %q", q.Function, id)
			}
		}
		if err != nil {
			fmt.Fprintf(q.Log, "%s: %v\n", q.Queue, err)
			return
		}
		done = slices.DeleteFunc(slices.Clone(batch), func(m types.Message) bool { return slices.Contains(failed, aws.ToString(m.MessageId)) })
	}
	for part := range slices.Chunk(done, 10) {
		q.delete(ctx, part)
	}
}

func (q Queue) delete(ctx context.Context, done []types.Message) {
	var entries []types.DeleteMessageBatchRequestEntry
	for _, m := range done {
		entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle})
	}
	if _, err := q.Client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q.URL, Entries: entries}); err != nil {
		fmt.Fprintf(q.Log, "%s: handled but not deleted: %v\n", q.Queue, err) // they come twice
	}
}

func (q Queue) event(batch []types.Message) events.SQSEvent {
	var e events.SQSEvent
	for _, m := range batch {
		r := events.SQSMessage{
			MessageId:         aws.ToString(m.MessageId),
			ReceiptHandle:     aws.ToString(m.ReceiptHandle),
			Body:              aws.ToString(m.Body),
			Md5OfBody:         aws.ToString(m.MD5OfBody),
			Attributes:        m.Attributes,
			MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSource:       "aws:sqs",
			EventSourceARN:    q.ARN,
			AWSRegion:         lambda.Region,
		}
		for name, v := range m.MessageAttributes {
			r.MessageAttributes[name] = events.SQSMessageAttribute{
				StringValue: v.StringValue, BinaryValue: v.BinaryValue, StringListValues: []string{}, BinaryListValues: [][]byte{}, DataType: aws.ToString(v.DataType),
			}
		}
		e.Records = append(e.Records, r)
	}
	return e
}
