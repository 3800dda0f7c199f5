package main

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/golden"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/table"
	"opiq/shared/web"
)

func open(cfg aws.Config, name string) library {
	return library{table.Open(cfg, name), web.CookieAt(people.PublicURL), people.Now}
}

func TestEvents(t *testing.T) {
	golden.Events(t, "library", func(t *testing.T, _ string, event []byte) any {
		cfg, name := stage.Table(t)
		people.MoveIn(t, table.Open(cfg, name))
		return people.Answer(t, open(cfg, name).routes(), event)
	})
}

// counter notes the calls that go out.
type counter struct {
	next  aws.HTTPClient
	calls []string
}

func (c *counter) Do(r *http.Request) (*http.Response, error) {
	c.calls = append(c.calls, r.Header.Get("X-Amz-Target"))
	return c.next.Do(r)
}

func TestADecisionIsOneReadAndNoWrite(t *testing.T) {
	cfg, name := stage.Table(t)
	people.MoveIn(t, table.Open(cfg, name))
	seen := &counter{next: cfg.HTTPClient}
	if seen.next == nil {
		seen.next = http.DefaultClient
	}
	cfg.HTTPClient = seen
	routes := open(cfg, name).routes()
	path := map[string]string{"id": "w001", "n": "1"}
	out, err := routes.Handle(t.Context(), people.Request("GET /v1/library/works/{id}/chapters/{n}", people.Mari, path, nil))
	if err != nil || out.StatusCode != 200 {
		t.Fatal(out.StatusCode, err)
	}
	if !slices.Equal(seen.calls, []string{"DynamoDB_20120810.Query"}) {
		t.Errorf("it made the calls %v", seen.calls)
	}
}

func TestTheDoorOpensAndClosesByTheClockAlone(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	l := open(cfg, name)
	path := map[string]string{"id": "w001", "n": "1"}
	read := func(who account.ID, at time.Time) int {
		l.now = func() time.Time { return at }
		out, err := l.routes().Handle(t.Context(), people.Request("GET /v1/library/works/{id}/chapters/{n}", who, path, nil))
		if err != nil {
			t.Fatal(err)
		}
		return out.StatusCode
	}
	running := people.License(t, s, people.Running)
	for at, want := range map[time.Time]int{
		running.StartsAt: 200, running.EndsAt.Add(-time.Nanosecond): 200, running.EndsAt: 403,
	} {
		if got := read(people.Mari, at); got != want {
			t.Errorf("at %s: %d, not %d", at, got, want)
		}
	}
	if got := read(people.Jaan, people.Noon); got != 403 {
		t.Errorf("without a license: %d", got)
	}
}
