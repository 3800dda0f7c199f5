package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"opiq/local/golden"
	"opiq/local/parameters"
	"opiq/local/stage"
	"opiq/shared/secret"
)

const word = "test-word-of-the-distribution-2026-11"

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func at(instant *time.Time) func() time.Time { return func() time.Time { return *instant } }

func TestEvents(t *testing.T) {
	cfg := stage.Parameters(t, stage.Config(t), map[string]parameters.Value{"/opiq/dev/origin": {Text: word}})
	d := &door{store: secret.Open(cfg, "/opiq/dev"), now: at(&noon)}
	golden.Events(t, "door", func(t *testing.T, _ string, event []byte) any {
		var r request
		if err := json.Unmarshal(event, &r); err != nil {
			t.Fatal(err)
		}
		answer, err := d.open(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	})
}

// words are a store that somebody changes, or that is down.
type words struct {
	are  []string
	down error
}

func (w *words) Origin(context.Context) ([]string, error) { return w.are, w.down }

// says tells whether the door opens for a distribution that says a word.
func says(t *testing.T, d *door, word string) bool {
	t.Helper()
	a, err := d.open(t.Context(), request{Headers: map[string]string{"opiq-door": word, "opiq-viewer": "192.0.2.17"}})
	if err != nil {
		t.Fatal(err)
	}
	return a.IsAuthorized
}

func TestNobodyIsTurnedAwayWhileTheWordChanges(t *testing.T) {
	store, now := &words{are: []string{"old"}}, noon
	d := &door{store: store, now: at(&now)}
	for _, step := range []struct {
		are  []string
		said string
	}{
		{[]string{"old"}, "old"}, {[]string{"new", "old"}, "old"}, {[]string{"new", "old"}, "new old"}, {[]string{"new"}, "new old"}, {[]string{"new"}, "new"},
	} {
		store.are = step.are
		if !says(t, d, step.said) {
			t.Errorf("%q is turned away before the door has heard of %q", step.said, step.are)
		}
		now = now.Add(fresh)
		if !says(t, d, step.said) {
			t.Errorf("%q is turned away by %q", step.said, step.are)
		}
	}
	if says(t, d, "old") {
		t.Error("the old word opens for ever")
	}
}

func TestWhereTheStoreIsDownTheDoorOpensForWhomItKnows(t *testing.T) {
	store, now := &words{are: []string{word}}, noon
	d := &door{store: store, now: at(&now)}
	if !says(t, d, word) {
		t.Fatal("it does not open")
	}
	store.down, store.are = errors.New("down"), nil
	now = now.Add(fresh)
	if !says(t, d, word) || says(t, d, "another") {
		t.Error("it forgot what it knew")
	}
	if _, err := (&door{store: store, now: at(&now)}).open(t.Context(), request{}); err == nil {
		t.Error("a door that never knew a word decides")
	}
}

// TestAWordThatIsWrongWakesSomebody: when the distribution says another than the door knows, all people and all banks are turned away.
func TestAWordThatIsWrongWakesSomebody(t *testing.T) {
	d := &door{store: &words{are: []string{word}}, now: at(&noon)}
	counted := golden.Counted(t, func() {
		says(t, d, "another")
		says(t, d, word)
	})
	if !slices.Equal(counted, []string{"DoorRefused word "}) {
		t.Errorf("counted are %q", counted)
	}
}

func TestNobodyComesWithoutAnAddress(t *testing.T) {
	d := &door{store: &words{are: []string{word}}, now: at(&noon)}
	if a, err := d.open(t.Context(), request{Headers: map[string]string{"opiq-door": word}}); err != nil || a.IsAuthorized {
		t.Error(a, err)
	}
}
