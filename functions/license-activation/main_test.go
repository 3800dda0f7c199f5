package main

import (
	"context"
	"encoding/json"
	"slices"
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

// told are the letters about licenses, and how far each license is.
func told(t *testing.T, cfg aws.Config, name string) (letters, stages []string) {
	t.Helper()
	l, err := ledger.Read(t.Context(), cfg, name)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range l.Check() {
		t.Error(b)
	}
	for _, x := range l.Letters {
		if x.Facts["license"] != "" {
			letters = append(letters, string(x.ID))
		}
	}
	for _, x := range l.Licenses {
		stages = append(stages, string(x.ID)+" "+string(x.Stage))
	}
	slices.Sort(letters)
	slices.Sort(stages)
	return letters, stages
}

func TestEvents(t *testing.T) {
	golden.Events(t, "license-activation", func(t *testing.T, _ string, event []byte) any {
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
		letters, stages := told(t, cfg, name)
		return map[string]any{"letters": letters, "stages": stages}
	})
}

func TestTheClockWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		due := people.License(t, s, people.Ahead).StartsAt
		work := clock{table.Open(broken(cfg), name)}
		return func(ctx context.Context) error { return work.handle(ctx, due) }, func(t *testing.T) {
			letters, stages := told(t, cfg, name)
			if len(letters) != 2 {
				t.Errorf("%v, %v", letters, stages)
			}
		}
	})
}
