// Package fault breaks the calls that a function makes to AWS, one after the other, and sees whether all comes right when the
// same event comes again.
//
// A call is broken in two ways: lost (it never arrives) and answer lost (it arrives, is carried out, and nobody hears of it).
// The second is the one that doubles payments. EveryCall does both to call 0, then in a new world to call 1, and so on until
// a run has no call left to break: no position is forgotten when the code grows.
//
// The package breaks nothing that does not go through an aws.Config, and judges nothing: what must hold is in the test.
package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// ErrLost is what a call meets that is lost before it arrives.
var ErrLost = errors.New("fault: the call is lost")

// Play sets up a fresh world for one run. It gives the configuration of the code that is tested to cfg, and uses what comes
// back for it; calls of the test's own, made with the configuration as it was, are never broken. It returns
//
//   - act, the event: it is called with one call broken and may fail then; it is called again with nothing broken, as the
//     event would be sent again, and must return nil. Of an HTTP request that means: make an error of a status that the
//     sender could not live with.
//   - check, which looks at the world afterwards: everything happened, and once.
type Play func(t *testing.T, cfg func(aws.Config) aws.Config) (act func(context.Context) error, check func(*testing.T))

type mode struct {
	name       string
	answerLost bool
	retries    bool // the SDK tries again by itself, as in Lambda
}

var modes = []mode{
	{name: "lost"},
	{name: "answer lost", answerLost: true},
	{name: "answer lost, the SDK retries", answerLost: true, retries: true},
}

// most is more calls than any event makes; a run that makes more turns in a circle.
const most = 300

// EveryCall plays once for each way to break each call, and at last with nothing broken; then too the event comes twice.
func EveryCall(t *testing.T, play Play) {
	t.Helper()
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			start := time.Now()
			for i := range most {
				broken := false
				ok := t.Run(fmt.Sprintf("call %d", i), func(t *testing.T) { broken = once(t, play, m, i) })
				if !ok {
					t.Fatalf("call %d is not survived; the later ones were not tried", i)
				}
				if !broken {
					t.Logf("%d of %d calls broken, %v", i, i, time.Since(start).Round(time.Millisecond))
					return
				}
			}
			t.Fatalf("more than %d calls: this never ends", most)
		})
	}
}

// once plays with call i broken and tells whether there was one.
func once(t *testing.T, play Play, m mode, i int) bool {
	t.Helper()
	b := &breaker{mode: m, at: i}
	act, check := play(t, b.wrap)
	if b.next == nil {
		t.Fatal("the play gave no configuration to cfg: nothing can be broken")
	}

	b.arm(true)
	err := act(t.Context())
	broken := b.arm(false)
	if broken == "" && err != nil {
		t.Fatalf("it fails with nothing broken: %v", err)
	}
	if broken != "" {
		t.Logf("%s: %s; the event ended with: %v", m.name, broken, err)
	}
	b.fresh()
	if err := act(t.Context()); err != nil {
		t.Fatalf("the event came again, with nothing broken, and fails: %v", err)
	}
	check(t)
	return broken != ""
}

// breaker is an aws.HTTPClient that breaks one call.
type breaker struct {
	mode mode
	at   int
	next aws.HTTPClient

	mu     sync.Mutex
	armed  bool
	count  int
	broken string // the call that was broken
}

func (b *breaker) wrap(cfg aws.Config) aws.Config {
	b.next = cfg.HTTPClient
	if b.next == nil {
		b.next = http.DefaultClient
	}
	cfg.HTTPClient = b
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	if b.mode.retries {
		cfg.Retryer = func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
		}
	}
	return cfg
}

func (b *breaker) arm(on bool) (broken string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.armed = on
	return b.broken
}

// fresh lets no later call have a connection of an earlier one. Calls that were given up together with the broken one may
// still be closing theirs, and here no retry of the SDK covers for that.
func (b *breaker) fresh() {
	if c, ok := b.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Do sends a request, or breaks it.
func (b *breaker) Do(r *http.Request) (*http.Response, error) {
	if !b.turn(r) {
		return b.next.Do(r)
	}
	if !b.mode.answerLost {
		return nil, ErrLost
	}
	answer, err := b.next.Do(r)
	if err == nil {
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	return nil, io.ErrUnexpectedEOF
}

// turn tells whether this is the call to break.
func (b *breaker) turn(r *http.Request) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.armed {
		return false
	}
	b.count++
	if b.count-1 != b.at {
		return false
	}
	b.broken = name(r)
	return true
}

// name is the call in the words of AWS: "DynamoDB_20120810.PutItem", or "POST /" where it does not say.
func name(r *http.Request) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target
	}
	if r.GetBody != nil && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if body, err := r.GetBody(); err == nil {
			start, _ := io.ReadAll(io.LimitReader(body, 100))
			if action, ok := strings.CutPrefix(string(start), "Action="); ok {
				action, _, _ = strings.Cut(action, "&")
				return action
			}
		}
	}
	return r.Method + " " + r.URL.Path
}
