package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"opiq/local/stage"
	"opiq/local/template"
)

// consumer is a function that fails the bodies it is told to and remembers what it saw.
type consumer struct {
	mu      sync.Mutex
	seen    []string
	fail    func(body string) bool
	whole   bool // fails the batch instead of the message
	most    int  // at work at once
	working int
}

func (c *consumer) invoke(_ context.Context, _ string, payload []byte) ([]byte, error) {
	c.mu.Lock()
	c.working++
	c.most = max(c.most, c.working)
	c.mu.Unlock()
	time.Sleep(20 * time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.working--
	var e events.SQSEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	var out events.SQSEventResponse
	for _, r := range e.Records {
		c.seen = append(c.seen, r.Body)
		if c.fail != nil && c.fail(r.Body) {
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: r.MessageId})
		}
	}
	if c.whole && len(out.BatchItemFailures) > 0 {
		return nil, errors.New("failed")
	}
	return json.Marshal(out)
}

func (c *consumer) times(body string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.seen {
		if s == body {
			n++
		}
	}
	return n
}

// run starts a source for the time of the test.
func run(t *testing.T, source func(context.Context)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { source(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// queues makes a queue with a second of visibility that gives a message up after two receives, and the queue it goes to.
func queues(t *testing.T) (client *sqs.Client, url, dead string) {
	t.Helper()
	client = sqs.NewFromConfig(stage.Config(t))
	url, dead = stage.Queue(t, "work"), stage.Queue(t, "dead")
	arn, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &dead, AttributeNames: []types.QueueAttributeName{"QueueArn"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{
		"VisibilityTimeout": "1",
		"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"2"}`, arn.Attributes["QueueArn"]),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return client, url, dead
}

func send(t *testing.T, client *sqs.Client, url string, bodies ...string) {
	t.Helper()
	for _, b := range bodies {
		if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(b)}); err != nil {
			t.Fatal(err)
		}
	}
}

func waiting(t *testing.T, client *sqs.Client, url string) (bodies []string) {
	t.Helper()
	out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, VisibilityTimeout: 0})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range out.Messages {
		bodies = append(bodies, aws.ToString(m.Body))
	}
	slices.Sort(bodies)
	return bodies
}

func TestOnlyTheFailedMessageComesAgainAndEndsInTheDeadLetterQueue(t *testing.T) {
	client, url, dead := queues(t)
	send(t, client, url, "good", "bad", "fine")
	c := &consumer{fail: func(body string) bool { return body == "bad" }}
	run(t, Queue{QueueSource: template.QueueSource{BatchSize: 10, PartialFailures: true}, Function: "f", URL: url, Client: client, Invoke: c.invoke, Log: t.Output()}.Run)
	eventually(t, "bad in the dead-letter queue", func() bool { return slices.Equal(waiting(t, client, dead), []string{"bad"}) })
	if c.times("good") != 1 || c.times("fine") != 1 || c.times("bad") != 2 {
		t.Errorf("seen %v", c.seen)
	}
}

func TestAFailedFunctionDeletesNothing(t *testing.T) {
	client, url, dead := queues(t)
	c := &consumer{fail: func(body string) bool { return body == "bad" }, whole: true}
	send(t, client, url, "good", "bad")
	run(t, Queue{QueueSource: template.QueueSource{BatchSize: 10, Window: time.Second, PartialFailures: true}, Function: "f", URL: url, Client: client, Invoke: c.invoke, Log: t.Output()}.Run)
	eventually(t, "both in the dead-letter queue", func() bool { return slices.Equal(waiting(t, client, dead), []string{"bad", "good"}) })
}

func TestASourceWithoutReportsDeletesWhatDidNotFail(t *testing.T) {
	client, url, dead := queues(t)
	c := &consumer{fail: func(string) bool { return true }} // reports, and nobody reads it
	send(t, client, url, "a")
	run(t, Queue{QueueSource: template.QueueSource{BatchSize: 10}, Function: "f", URL: url, Client: client, Invoke: c.invoke, Log: t.Output()}.Run)
	time.Sleep(2500 * time.Millisecond)
	if c.times("a") != 1 || len(waiting(t, client, dead)) != 0 {
		t.Errorf("seen %v", c.seen)
	}
}

func TestNoMoreBatchesAtOnceThanTheTemplateAllows(t *testing.T) {
	client, url, _ := queues(t)
	var bodies []string
	for i := range 12 {
		bodies = append(bodies, fmt.Sprint(i))
	}
	send(t, client, url, bodies...)
	c := &consumer{}
	run(t, Queue{QueueSource: template.QueueSource{BatchSize: 1, Concurrency: 2}, Function: "f", URL: url, Client: client, Invoke: c.invoke, Log: t.Output()}.Run)
	eventually(t, "all twelve", func() bool {
		return !slices.ContainsFunc(bodies, func(b string) bool { return c.times(b) == 0 })
	})
	if c.most != 2 {
		t.Errorf("%d batches at once", c.most)
	}
}

func TestAReportThatMakesNoSenseDeletesNothing(t *testing.T) {
	for _, out := range []string{`{"batchItemFailures":[{"itemIdentifier":"nobody"}]}`, `{"batchItemFailures":[{"itemIdentifier":""}]}`, `{"batchItemFailures":"x"}`, `oops`} {
		t.Run(out, func(t *testing.T) {
			t.Parallel()
			client, url, dead := queues(t)
			send(t, client, url, "a")
			invoke := func(context.Context, string, []byte) ([]byte, error) { return []byte(out), nil }
			run(t, Queue{QueueSource: template.QueueSource{BatchSize: 10, PartialFailures: true}, Function: "f", URL: url, Client: client, Invoke: invoke, Log: t.Output()}.Run)
			eventually(t, "the message in the dead-letter queue", func() bool { return len(waiting(t, client, dead)) == 1 })
		})
	}
}

func TestAMessageReachesTheFunctionAsOnAWS(t *testing.T) {
	client, url, _ := queues(t)
	_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(`{"a":1}`), MessageAttributes: map[string]types.MessageAttributeValue{
		"kind": {DataType: aws.String("String"), StringValue: aws.String("x")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan events.SQSEvent, 1)
	invoke := func(_ context.Context, _ string, payload []byte) ([]byte, error) {
		var e events.SQSEvent
		err := json.Unmarshal(payload, &e)
		got <- e
		return nil, err
	}
	run(t, Queue{QueueSource: template.QueueSource{BatchSize: 10}, Function: "f", URL: url, ARN: "arn:aws:sqs:eu-north-1:000000000000:work", Client: client, Invoke: invoke, Log: t.Output()}.Run)
	r := (<-got).Records[0]
	if r.MessageId == "" || r.ReceiptHandle == "" || r.Body != `{"a":1}` || r.Md5OfBody == "" || r.EventSource != "aws:sqs" || r.AWSRegion != "eu-north-1" ||
		r.EventSourceARN != "arn:aws:sqs:eu-north-1:000000000000:work" || r.Attributes["ApproximateReceiveCount"] != "1" || r.Attributes["SentTimestamp"] == "" ||
		aws.ToString(r.MessageAttributes["kind"].StringValue) != "x" {
		t.Errorf("%+v", r)
	}
}
