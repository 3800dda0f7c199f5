package main

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/schedule"
	"opiq/shared/table"
)

func TestEvents(t *testing.T) {
	golden.Events(t, "license-expiry", func(t *testing.T, _ string, event []byte) any {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		var e schedule.Event
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the scheduler fires at least once
			if err := schedule.Handler(clock{s}.handle).Handle(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		letters, stages := ledger.Holds(t, cfg, name).Told()
		return map[string]any{"letters": letters, "stages": stages}
	})
}

func TestTheClockWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		due := people.License(t, s, people.Running).EndsAt
		work := clock{table.Open(broken(cfg), name)}
		return func(ctx context.Context) error { return work.handle(ctx, due) }, func(t *testing.T) {
			letters, stages := ledger.Holds(t, cfg, name).Told()
			if len(letters) != 2 {
				t.Errorf("%v, %v", letters, stages)
			}
		}
	})
}
