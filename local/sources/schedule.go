package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"opiq/local/lambda"
	"opiq/local/template"
)

// Schedule calls a function by the clock.
type Schedule struct {
	template.Schedule
	Function   string
	Retries    int    // of a call that the function fails, as for every asynchronous call
	FailureURL string // the queue for calls that were given up, or ""
}

// Schedules are all schedules of a template. Its handler fires one as if it were another time:
// POST …/{function}?time=RFC3339, answered when the function has answered.
type Schedules struct {
	List     []Schedule
	Failures *sqs.Client
	Invoke   Invoke
	Log      io.Writer
}

// Check refuses expressions that this package cannot read.
func (s Schedules) Check() error {
	for _, one := range s.List {
		if _, err := one.due(time.Now()); err != nil {
			return fmt.Errorf("the schedule %s of %s: %w", one.Name, one.Function, err)
		}
	}
	return nil
}

// Run fires what is due at each full minute until ctx ends.
func (s Schedules) Run(ctx context.Context) {
	for {
		next := time.Now().Truncate(time.Minute).Add(time.Minute)
		if !pause(ctx, time.Until(next)) {
			return
		}
		for _, one := range s.List {
			if due, err := one.due(next.UTC()); err == nil && due {
				go s.hand(ctx, one, next)
			}
		}
	}
}

// hand calls the function as Lambda does for an event that nobody waits for: again after a minute, then after two.
func (s Schedules) hand(ctx context.Context, one Schedule, at time.Time) {
	var answer []byte
	var err error
	for tries := 1; ; tries++ {
		answer, err = s.Invoke.patiently(ctx, one.Function, one.event(at))
		if err == nil || stopped(err) || ctx.Err() != nil {
			return
		}
		if tries > one.Retries {
			break
		}
		if !pause(ctx, time.Duration(tries)*time.Minute) {
			return
		}
	}
	fmt.Fprintf(s.Log, "the schedule of %s: %v\n", one.Function, err)
	if one.FailureURL == "" {
		return
	}
	record := map[string]any{"requestPayload": json.RawMessage(one.event(at)), "responsePayload": nil}
	if json.Valid(answer) {
		record["responsePayload"] = json.RawMessage(answer)
	}
	if e, ok := errors.AsType[*lambda.Error](err); ok {
		record["responsePayload"] = e
	}
	if err := park(ctx, s.Failures, one.FailureURL, record, one.Function, "RetriesExhausted", one.Retries+1); err != nil {
		fmt.Fprintf(s.Log, "the schedule of %s: given up and not parked: %v\n", one.Function, err)
	}
}

// ServeHTTP fires the schedule of the function that the path's last step names.
func (s Schedules) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	for _, one := range s.List {
		if one.Function != name {
			continue
		}
		at, err := time.Parse(time.RFC3339, r.URL.Query().Get("time"))
		if err != nil {
			http.Error(w, "time must be given as in 2026-09-01T00:00:00Z (RFC 3339; write + as %2B)", http.StatusBadRequest)
			return
		}
		out, err := s.Invoke.patiently(r.Context(), name, one.event(at))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(out)
		return
	}
	http.Error(w, "no schedule calls a function of that name", http.StatusNotFound)
}

// event is what the function gets.
func (one Schedule) event(at time.Time) []byte {
	if one.Input == "" {
		return []byte("{}")
	}
	return []byte(strings.ReplaceAll(one.Input, "<aws.scheduler.scheduled-time>", at.UTC().Format(time.RFC3339)))
}

// due tells whether the schedule fires at a full minute, in UTC. Rates count from midnight of an epoch long ago, so that
// a restart does not move them.
func (one Schedule) due(at time.Time) (bool, error) {
	if one.Every > 0 {
		return at.Unix()%int64(one.Every/time.Second) == 0, nil
	}
	fields := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(one.Expression, "cron("), ")"))
	if !strings.HasPrefix(one.Expression, "cron(") || len(fields) != 6 {
		return false, fmt.Errorf("%q is neither rate(…) nor cron(…) with six fields", one.Expression)
	}
	due := true
	for i, f := range []struct{ value, low, high int }{
		{at.Minute(), 0, 59}, {at.Hour(), 0, 23}, {at.Day(), 1, 31}, {int(at.Month()), 1, 12}, {int(at.Weekday()) + 1, 1, 7}, {at.Year(), 1970, 2199},
	} {
		fits, err := field(fields[i], f.value, f.low, f.high)
		if err != nil {
			return false, fmt.Errorf("%q: %w", one.Expression, err)
		}
		due = due && fits
	}
	return due, nil
}

// field tells whether a value fits a field of cron: *, ?, 5, 1-5, */10, 5/10 and lists of these.
func field(text string, value, low, high int) (fits bool, err error) {
	for part := range strings.SplitSeq(text, ",") {
		span, step, stepped := strings.Cut(part, "/")
		from, to, ranged := strings.Cut(span, "-")
		a, b, n := low, high, 1
		if span != "*" && span != "?" {
			if a, err = strconv.Atoi(from); err != nil {
				return false, fmt.Errorf("%s is not understood here", part)
			}
			if b = a; ranged {
				b, err = strconv.Atoi(to)
			} else if stepped {
				b = high
			}
		}
		if stepped && err == nil {
			n, err = strconv.Atoi(step)
		}
		if err != nil || a < low || b > high || a > b || n < 1 {
			return false, fmt.Errorf("%s is not understood here", part)
		}
		fits = fits || a <= value && value <= b && (value-a)%n == 0
	}
	return fits, nil
}
