// Package schedule is the edge to EventBridge Scheduler: one instant in, all that is due at it done.
//
// The instant is the event's own, never the clock's: a schedule that fires late, twice or by hand means the same.
package schedule

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// Event is what template.yaml makes the scheduler send.
type Event struct {
	Time time.Time `json:"time"`
}

// Handler does what is due at an instant. Its context ends a little before the function is killed; what is left then is
// still due at the next instant.
type Handler func(ctx context.Context, now time.Time) error

// Start serves schedules for as long as Lambda lets the process live.
func Start(h Handler) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	lambda.Start(h.Handle)
}

var errNoTime = errors.New("schedule: the event has no time")

const margin = time.Second

// Handle handles one event.
func (h Handler) Handle(ctx context.Context, e Event) error {
	if e.Time.IsZero() {
		return errNoTime
	}
	if end, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, end.Add(-margin))
		defer stop()
	}
	return h(ctx, e.Time)
}
