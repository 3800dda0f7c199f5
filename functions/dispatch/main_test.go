package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/stage"
	"opiq/shared/letter"
	"opiq/shared/queue"
	"opiq/shared/stream"
)

// sent keeps what is sent, and refuses the letters that it is told to.
type sent struct {
	ids    []letter.ID
	refuse letter.ID
}

func (s *sent) SendAll(_ context.Context, messages []any) (taken int, err error) {
	for i, m := range messages {
		id := m.(letter.Ready).Letter
		if id == s.refuse {
			return i, nil
		}
		s.ids = append(s.ids, id)
	}
	return len(messages), nil
}

func read(t *testing.T, event []byte) (e events.DynamoDBEvent) {
	t.Helper()
	if err := json.Unmarshal(event, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEvents(t *testing.T) {
	golden.Events(t, "dispatch", func(t *testing.T, _ string, event []byte) any {
		var mail sent
		answer, err := stream.Handler(dispatch{&mail}.handle).Handle(t.Context(), read(t, event))
		if err != nil {
			t.Fatal(err)
		}
		return map[string]any{"answer": answer, "sent": mail.ids}
	})
}

// batch is a batch of the stream with new letters.
func batch(n int) (e events.DynamoDBEvent) {
	for i := range n {
		e.Records = append(e.Records, events.DynamoDBEventRecord{EventName: "INSERT", Change: events.DynamoDBStreamRecord{
			SequenceNumber: fmt.Sprintf("%03d", i),
			NewImage: map[string]events.DynamoDBAttributeValue{
				"kind": events.NewStringAttribute("mail"), "id": events.NewStringAttribute(fmt.Sprintf("order/%03d/receipt", i)),
			},
		}})
	}
	return e
}

func TestWhatIsNotTakenComesAgainFromThereOn(t *testing.T) {
	mail := sent{refuse: "order/013/receipt"}
	answer, err := stream.Handler(dispatch{&mail}.handle).Handle(t.Context(), batch(25))
	if err != nil || len(answer.BatchItemFailures) != 1 || answer.BatchItemFailures[0].ItemIdentifier != "013" {
		t.Errorf("%+v %v", answer, err)
	}
}

var errAgain = errors.New("some records come again")

func TestDispatchingWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, url := stage.Config(t), stage.Queue(t, "mail")
		d := dispatch{queue.Open(broken(cfg), url)}
		return func(ctx context.Context) error {
				answer, err := stream.Handler(d.handle).Handle(ctx, batch(12))
				if err == nil && len(answer.BatchItemFailures) > 0 {
					err = errAgain
				}
				return err
			}, func(t *testing.T) {
				client, seen := sqs.NewFromConfig(cfg), map[string]bool{}
				for range 20 {
					out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
					if err != nil {
						t.Fatal(err)
					}
					if len(out.Messages) == 0 {
						break
					}
					for _, m := range out.Messages {
						seen[*m.Body] = true
					}
				}
				var want []string
				for i := range 12 {
					want = append(want, fmt.Sprintf(`{"letter":"order/%03d/receipt"}`, i))
				}
				for _, w := range want {
					if !seen[w] {
						t.Errorf("%s is lost", w)
					}
				}
				if len(seen) != len(want) {
					t.Errorf("%d messages for %d letters", len(seen), len(want))
				}
			}
	})
}
