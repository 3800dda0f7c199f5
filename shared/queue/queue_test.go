package queue

import (
	"context"
	"errors"
	"slices"
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
	var again []string
	for _, f := range out.BatchItemFailures {
		again = append(again, f.ItemIdentifier)
	}
	if !slices.Equal(seen, []string{"good", "bad", "worse", "fine"}) || !slices.Equal(again, []string{"2", "3", "4"}) {
		t.Errorf("handled %v, to come again %v", seen, again)
	}
}
