package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/sources"
	"opiq/local/stage"
	"opiq/shared/letter"
	"opiq/shared/queue"
	"opiq/shared/reconciliation"
	"opiq/shared/stream"
)

// sent keeps what is sent, and takes nothing from a message on that it is told to refuse.
type sent struct {
	messages []any
	refuse   any
	err      error
}

func (s *sent) SendAll(_ context.Context, messages []any) (taken int, err error) {
	for i, m := range messages {
		if m == s.refuse {
			return i, s.err
		}
		s.messages = append(s.messages, m)
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
		var mail, entries, statements, cards sent
		answer, err := stream.Handler(routes(&mail, &entries, &statements, &cards).handle).Handle(t.Context(), read(t, event))
		if err != nil {
			t.Fatal(err)
		}
		return map[string]any{
			"answer": answer, "mail": mail.messages, "bank-entries": entries.messages, "statements": statements.messages, "cards": cards.messages,
		}
	})
}

// TestTheTemplateHandsOverWhatIsToBeSent: of the records of the events, those that somebody has to be told of pass its filters.
func TestTheTemplateHandsOverWhatIsToBeSent(t *testing.T) {
	var patterns []string
	for _, f := range stage.Template(t).Functions {
		if f.Name == "dispatch" {
			patterns = f.Streams[0].Filters
		}
	}
	filter, err := sources.Compile(patterns)
	if err != nil || len(patterns) == 0 || len(patterns) > 5 { // more than five are to be asked of AWS
		t.Fatal(patterns, err)
	}
	files, _ := filepath.Glob("../../events/dispatch/*.json") // the pattern is a good one
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var raw struct{ Records []any }
		if err := json.Unmarshal(text, &raw); err != nil {
			t.Fatal(err)
		}
		for i, r := range read(t, text).Records {
			var all sent
			d := routes(&all, &all, &all, &all)
			if _, err := stream.Handler(d.handle).Handle(t.Context(), events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{r}}); err != nil {
				t.Fatal(err)
			}
			if len(all.messages) > 0 && !filter.Passes(raw.Records[i]) {
				t.Errorf("%s: record %d is not handed over", name, i)
			}
		}
	}
}

// batch is a batch of the stream with new things of these kinds in turn, numbered from 0: refunds are the card provider's.
func batch(n int, kinds ...string) (e events.DynamoDBEvent) {
	for i := range n {
		e.Records = append(e.Records, events.DynamoDBEventRecord{EventName: "INSERT", Change: events.DynamoDBStreamRecord{
			SequenceNumber: fmt.Sprintf("%03d", i),
			NewImage: map[string]events.DynamoDBAttributeValue{
				"kind": events.NewStringAttribute(kinds[i%len(kinds)]), "id": events.NewStringAttribute(fmt.Sprintf("thing/%03d", i)),
				"way": events.NewStringAttribute("card"), "state": events.NewStringAttribute("requested"),
			},
		}})
	}
	return e
}

func TestWhatIsNotTakenComesAgainFromThereOn(t *testing.T) {
	mail := sent{refuse: letter.Ready{Letter: "thing/013"}}
	answer, err := stream.Handler(routes(&mail, &sent{}, &sent{}, &sent{}).handle).Handle(t.Context(), batch(25, "mail"))
	if err != nil || len(answer.BatchItemFailures) != 1 || answer.BatchItemFailures[0].ItemIdentifier != "013" {
		t.Errorf("%+v %v", answer, err)
	}
}

// TestAQueueThatTakesNothingHoldsUpNoOther: the first record that is left comes again, of whichever queue it is.
func TestAQueueThatTakesNothingHoldsUpNoOther(t *testing.T) {
	for _, c := range []struct {
		mail, entries sent
		want          string
		mails, booked int
	}{
		{sent{refuse: letter.Ready{Letter: "thing/004"}}, sent{}, "004", 2, 25},
		{sent{}, sent{refuse: reconciliation.Ready{Entry: "thing/003"}}, "003", 25, 1},
		{sent{refuse: letter.Ready{Letter: "thing/040"}, err: errAgain}, sent{refuse: reconciliation.Ready{Entry: "thing/021"}}, "021", 20, 10},
		{sent{refuse: letter.Ready{Letter: "thing/020"}}, sent{refuse: reconciliation.Ready{Entry: "thing/041"}}, "020", 10, 20},
	} {
		answer, err := stream.Handler(routes(&c.mail, &c.entries, &sent{}, &sent{}).handle).Handle(t.Context(), batch(50, "mail", "entry"))
		if err != nil || len(answer.BatchItemFailures) != 1 || answer.BatchItemFailures[0].ItemIdentifier != c.want ||
			len(c.mail.messages) != c.mails || len(c.entries.messages) != c.booked {
			t.Errorf("%+v, not %s; %d letters and %d entries sent (%v)", answer, c.want, len(c.mail.messages), len(c.entries.messages), err)
		}
	}
}

func TestWhatHasNoQueueIsPassedOver(t *testing.T) {
	var mail, entries sent
	answer, err := stream.Handler(routes(&mail, &entries, &sent{}, &sent{}).handle).Handle(t.Context(), batch(9, "mail", "order", "entry"))
	if err != nil || len(answer.BatchItemFailures) != 0 || len(mail.messages) != 3 || len(entries.messages) != 3 {
		t.Errorf("%+v; %v and %v sent (%v)", answer, mail.messages, entries.messages, err)
	}
}

var errAgain = errors.New("some records come again")

func TestDispatchingWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, mail, entries := stage.Config(t), stage.Queue(t, "mail"), stage.Queue(t, "bank-entries")
		statements, cards := stage.Queue(t, "statements"), stage.Queue(t, "cards")
		client := broken(cfg)
		d := routes(queue.Open(client, mail), queue.Open(client, entries), queue.Open(client, statements), queue.Open(client, cards))
		return func(ctx context.Context) error {
				answer, err := stream.Handler(d.handle).Handle(ctx, batch(48, "mail", "entry", "statement", "refund"))
				if err == nil && len(answer.BatchItemFailures) > 0 {
					err = errAgain
				}
				return err
			}, func(t *testing.T) {
				for url, c := range map[string]struct {
					format string
					from   int
				}{
					mail: {`{"letter":"thing/%03d"}`, 0}, entries: {`{"entry":"thing/%03d"}`, 1},
					statements: {`{"statement":"thing/%03d"}`, 2}, cards: {`{"refund":"thing/%03d"}`, 3},
				} {
					seen := receive(t, cfg, url)
					for i := c.from; i < 48; i += 4 {
						if w := fmt.Sprintf(c.format, i); !seen[w] {
							t.Errorf("%s is lost", w)
						}
					}
					if len(seen) != 12 {
						t.Errorf("%d messages for 12 things", len(seen))
					}
				}
			}
	})
}

// receive takes all messages off a queue.
func receive(t *testing.T, cfg aws.Config, url string) map[string]bool {
	t.Helper()
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
	return seen
}
