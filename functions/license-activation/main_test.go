package main

import (
	"context"
	"encoding/json"
	"testing"

	"opiq/local/golden"
	"opiq/shared/schedule"
)

// rung keeps what is put on the queue.
type rung struct{ messages []any }

func (q *rung) SendAll(_ context.Context, messages []any) (int, error) {
	q.messages = append(q.messages, messages...)
	return len(messages), nil
}

func TestEvents(t *testing.T) {
	golden.Events(t, "license-activation", func(t *testing.T, _ string, event []byte) any {
		var e schedule.Event
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		q := new(rung)
		if err := schedule.Handler(bell{q}.handle).Handle(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		return map[string]any{"messages": q.messages}
	})
}
