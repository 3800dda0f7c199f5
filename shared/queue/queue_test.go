package queue

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

type message struct {
	Name string `json:"name"`
}

func TestOneBadMessageTakesNoneOfItsNeighboursAlong(t *testing.T) {
	var seen []string
	handle := Handler[message](func(_ context.Context, m message) error {
		seen = append(seen, m.Name)
		switch m.Name {
		case "bad":
			return errors.New("bad")
		case "worse":
			panic("worse")
		}
		return nil
	})
	batch := events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "1", Body: `{"name":"good"}`}, {MessageId: "2", Body: `{"name":"bad"}`}, {MessageId: "3", Body: `{"name":`},
		{MessageId: "4", Body: `{"name":"worse"}`}, {MessageId: "5", Body: `{"name":"fine"}`},
	}}
	out, err := handle.Handle(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	if again := again(out); !slices.Equal(seen, []string{"good", "bad", "worse", "fine"}) || again != "2 3 4" {
		t.Errorf("handled %v, to come again %s", seen, again)
	}
}

func again(out events.SQSEventResponse) string {
	var all []string
	for _, f := range out.BatchItemFailures {
		all = append(all, f.ItemIdentifier)
	}
	return strings.Join(all, " ")
}

// batch are messages of these names, numbered from 1.
func batch(names ...string) (e events.SQSEvent) {
	for i, name := range names {
		e.Records = append(e.Records, events.SQSMessage{MessageId: strconv.Itoa(i + 1), Body: `{"name":"` + name + `"}`})
	}
	return e
}

func TestABatchIsHandedOverAtOnceWithoutWhatCannotBeRead(t *testing.T) {
	var calls [][]message
	handle := Batch[message](func(_ context.Context, all []message) []error {
		calls = append(calls, all)
		return []error{nil, errors.New("bad"), nil}
	})
	e := batch("good", "broken", "bad", "fine")
	e.Records[1].Body = "{"
	out, err := handle.Handle(t.Context(), e)
	if err != nil || len(calls) != 1 || !slices.Equal(calls[0], []message{{"good"}, {"bad"}, {"fine"}}) || again(out) != "2 3" {
		t.Errorf("handled %v, to come again %s (%v)", calls, again(out), err)
	}
}

func TestWhatPanicsInABatchFailsAlone(t *testing.T) {
	done := map[string]bool{}
	handle := Batch[message](func(_ context.Context, all []message) []error {
		for _, m := range all {
			if m.Name == "worse" {
				panic("worse")
			}
			done[m.Name] = true
		}
		return make([]error, len(all))
	})
	out, err := handle.Handle(t.Context(), batch("good", "worse", "fine"))
	if err != nil || again(out) != "2" || !done["good"] || !done["fine"] {
		t.Errorf("done %v, to come again %s (%v)", done, again(out), err)
	}
}

func TestMessagesWithoutAnAnswerComeAgain(t *testing.T) {
	handle := Batch[message](func(context.Context, []message) []error { return nil })
	if out, err := handle.Handle(t.Context(), batch("one", "two")); err != nil || again(out) != "1 2" {
		t.Errorf("to come again %s (%v)", again(out), err)
	}
}

func TestABatchOfNothingReadableCallsNobody(t *testing.T) {
	handle := Batch[message](func(context.Context, []message) []error { panic("called") })
	if out, err := handle.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "1", Body: "["}}}); err != nil || again(out) != "1" {
		t.Errorf("to come again %s (%v)", again(out), err)
	}
}
