package schedule

import (
	"context"
	"testing"
	"time"
)

func TestNowIsTheEventsInstant(t *testing.T) {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	var got time.Time
	h := Handler(func(_ context.Context, now time.Time) error { got = now; return nil })
	if err := h.Handle(t.Context(), Event{at}); err != nil || !got.Equal(at) {
		t.Error(got, err)
	}
	if err := h.Handle(t.Context(), Event{}); err == nil {
		t.Error("an event without a time is handled")
	}
}

func TestTheContextEndsBeforeTheFunctionIsKilled(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	killed, _ := ctx.Deadline()
	err := Handler(func(ctx context.Context, _ time.Time) error {
		if end, ok := ctx.Deadline(); !ok || killed.Sub(end) != margin {
			t.Errorf("it ends at %s, the function at %s", end, killed)
		}
		return nil
	}).Handle(ctx, Event{time.Now()})
	if err != nil {
		t.Error(err)
	}
}
