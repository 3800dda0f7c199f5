// Command license-clock drains the shards that the queue "clock" names: it tells the owners of licenses that begin, end soon and
// have ended, and the members of groups of holds. What it has no time for it hands on, as another message. Access does not wait for it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"opiq/shared/cloud"
	"opiq/shared/due"
	"opiq/shared/hold"
	"opiq/shared/license"
	"opiq/shared/queue"
	"opiq/shared/table"
)

type store interface {
	license.Store
	hold.Store
	DueLicenses(ctx context.Context, kind string, shard int, now time.Time, after string) (page []license.License, next string, err error)
	DueNotices(ctx context.Context, shard int, now time.Time, after string) (page []hold.Record, next string, err error)
}

type sender interface {
	Send(context.Context, any) error
}

type clock struct {
	store store
	queue sender
	now   func() time.Time
}

func main() {
	cfg := cloud.Config()
	queue.Start(clock{table.Open(cfg, cloud.Env("TABLE")), queue.Open(cfg, cloud.Env("CLOCK_QUEUE")), time.Now}.handle)
}

var errStill = errors.New("time is up, and nothing has moved")

// handle drains a shard, and hands on what is left. Where something failed the message comes again, from the place where it began,
// and rests in the end with those that nobody could handle; what else was due has moved by then.
func (c clock) handle(ctx context.Context, m license.Shard) error {
	left, fault := c.drain(ctx, m)
	slog.InfoContext(ctx, "license-clock", "kind", m.Kind, "shard", m.Shard, "time", m.Now, "moved", left.Moved, "more", left.More)
	if !left.More {
		return fault
	}
	if !left.Forward(m.After, fault) {
		return errors.Join(fault, errStill)
	}
	m.After = left.After
	return errors.Join(fault, c.queue.Send(ctx, m))
}

const (
	abreast = 16              // so many things move at once
	margin  = 5 * time.Second // of a call's time, to hand on what is left
)

func (c clock) drain(ctx context.Context, m license.Shard) (due.Left, error) {
	if end, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, end.Add(-margin))
		defer stop()
	}
	now := m.Now
	if late := c.now(); late.After(now) { // what waited for days must not say what was true then
		now = late
	}
	switch m.Kind {
	case table.Activation, table.Expiry:
		page := func(ctx context.Context, after string) ([]license.License, string, error) {
			return c.store.DueLicenses(ctx, m.Kind, m.Shard, now, after)
		}
		return due.Drain(ctx, abreast, m.After, page, func(ctx context.Context, l license.License) (bool, error) {
			return license.Advance(ctx, c.store, l, now)
		})
	case table.Notices:
		page := func(ctx context.Context, after string) ([]hold.Record, string, error) {
			return c.store.DueNotices(ctx, m.Shard, now, after)
		}
		return due.Drain(ctx, abreast, m.After, page, func(ctx context.Context, r hold.Record) (bool, error) {
			return hold.Notify(ctx, c.store, r, now)
		})
	}
	return due.Left{}, fmt.Errorf("the message names no kind that we know: %q", m.Kind)
}
