package sources

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"opiq/local/lambda"
	"opiq/local/template"
)

func TestSchedulesFireAtTheirMinutes(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		expression string
		every      time.Duration
		at         string
		due        bool
	}{
		{"rate(5 minutes)", 5 * time.Minute, "2026-09-01T10:35:00Z", true},
		{"rate(5 minutes)", 5 * time.Minute, "2026-09-01T10:36:00Z", false},
		{"rate(1 day)", 24 * time.Hour, "2026-09-01T00:00:00Z", true},
		{"rate(1 day)", 24 * time.Hour, "2026-09-01T01:00:00Z", false},
		{"cron(0 3 * * ? *)", 0, "2026-09-01T03:00:00Z", true},
		{"cron(0 3 * * ? *)", 0, "2026-09-01T03:01:00Z", false},
		{"cron(0/15 8-17 ? * 2-6 *)", 0, "2026-09-01T09:45:00Z", true}, // a Tuesday
		{"cron(0/15 8-17 ? * 2-6 *)", 0, "2026-09-06T09:45:00Z", false},
		{"cron(*/20 * * * ? *)", 0, "2026-09-01T09:40:00Z", true},
		{"cron(5,35 * 1,15 9 ? 2026-2027)", 0, "2026-09-15T09:35:00Z", true},
		{"cron(5,35 * 1,15 9 ? 2027)", 0, "2026-09-15T09:35:00Z", false},
	} {
		s := Schedule{Schedule: template.Schedule{Expression: c.expression, Every: c.every}}
		due, err := s.due(at(c.at))
		if err != nil || due != c.due {
			t.Errorf("%s at %s: %v, %v", c.expression, c.at, due, err)
		}
	}
	for _, e := range []string{"", "at(2026-09-01T00:00:00)", "cron(0 3 * * ?)", "cron(0 3 L * ? *)", "cron(60 * * * ? *)", "cron(0 3 ? * MON *)", "cron(5-1 * * * ? *)", "cron(*/0 * * * ? *)"} {
		if err := (Schedules{List: []Schedule{{Schedule: template.Schedule{Expression: e}}}}).Check(); err == nil {
			t.Errorf("%q is taken", e)
		}
	}
}

func TestAScheduleFiresAsIfItWereThatInstant(t *testing.T) {
	var seen string
	var fails error
	s := Schedules{
		List: []Schedule{{Function: "license-expiry", Schedule: template.Schedule{Every: time.Minute, Input: `{"time":"<aws.scheduler.scheduled-time>"}`}}},
		Invoke: func(_ context.Context, function string, payload []byte) ([]byte, error) {
			seen = function + " " + string(payload)
			return []byte(`{"ended":2}`), fails
		},
		Log: io.Discard,
	}
	post := func(target string) (int, string) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("POST", target, nil))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	if code, body := post("/_local/schedule/license-expiry?time=2026-09-01T02:00:00%2B02:00"); code != 200 || body != `{"ended":2}` {
		t.Errorf("%d %s", code, body)
	}
	if seen != `license-expiry {"time":"2026-09-01T00:00:00Z"}` {
		t.Errorf("the function saw %s", seen)
	}
	for target, want := range map[string]int{
		"/_local/schedule/checkout?time=2026-09-01T00:00:00Z": 404,
		"/_local/schedule/":                             404,
		"/_local/schedule/license-expiry":               400,
		"/_local/schedule/license-expiry?time=tomorrow": 400,
	} {
		if code, _ := post(target); code != want {
			t.Errorf("%s: %d", target, code)
		}
	}
	fails = &lambda.Error{Type: "errorString", Message: "no luck"}
	if code, body := post("/_local/schedule/license-expiry?time=2026-09-01T00:00:00Z"); code != 502 || !strings.Contains(body, "no luck") {
		t.Errorf("%d %s", code, body)
	}
}

func TestAThrottledCallIsNoFailure(t *testing.T) {
	tries := 0
	invoke := Invoke(func(context.Context, string, []byte) ([]byte, error) {
		if tries++; tries < 3 {
			return nil, lambda.ErrThrottled
		}
		return nil, errors.New("failed")
	})
	if _, err := invoke.patiently(t.Context(), "f", nil); err == nil || errors.Is(err, lambda.ErrThrottled) || tries != 3 {
		t.Errorf("%v after %d tries", err, tries)
	}
}
