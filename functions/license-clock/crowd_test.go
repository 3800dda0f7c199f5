package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/crowd"
	"opiq/local/fault"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/license"
	"opiq/shared/table"
)

// post is the queue "clock" of a test: what was not done comes again at once, at last out of order, and after some times rests
// among the dead.
type post struct {
	sync.Mutex
	waiting                []message
	dead                   []license.Shard
	sent, received, abroad int // messages; abroad are those that a worker has
}

type message struct {
	body     license.Shard
	received int
}

// receives are how often a message comes, as the queue of template.yaml has it.
const receives = 5

func (p *post) Send(_ context.Context, m any) error {
	p.Lock()
	defer p.Unlock()
	p.waiting, p.sent = append(p.waiting, message{body: m.(license.Shard)}), p.sent+1
	return nil
}

func (p *post) SendAll(ctx context.Context, messages []any) (int, error) {
	for _, m := range messages {
		_ = p.Send(ctx, m) // it takes all
	}
	return len(messages), nil
}

// take is a message, once there is one; not ok when there is none and none can come.
func (p *post) take() (m message, ok bool) {
	for {
		p.Lock()
		if n := len(p.waiting); n > 0 {
			m = p.waiting[0]
			p.waiting = p.waiting[1:]
			m.received++
			p.received, p.abroad = p.received+1, p.abroad+1
			p.Unlock()
			return m, true
		}
		ends := p.abroad == 0
		p.Unlock()
		if ends {
			return m, false
		}
		time.Sleep(time.Millisecond)
	}
}

// end takes a message back from a worker.
func (p *post) end(m message, done bool) {
	p.Lock()
	defer p.Unlock()
	p.abroad--
	switch {
	case done:
	case m.received == receives:
		p.dead = append(p.dead, m.body)
	default:
		p.waiting = append(p.waiting, m)
	}
}

// work handles messages until there are none.
func (p *post) work(handle func(context.Context, license.Shard) error) {
	for m, ok := p.take(); ok; m, ok = p.take() {
		p.end(m, handle(context.Background(), m.body) == nil)
	}
}

// process is one that dies at one of its calls, before it arrives or after: nothing that it does from then on arrives.
type process struct {
	next  aws.HTTPClient
	post  *post
	mu    sync.Mutex
	calls int  // until its death; 0 is never
	after bool // the last call arrives
	die   context.CancelFunc
	dead  bool
}

// call makes one call of the process, unless it dies of it.
func (p *process) call(do func()) (alive bool) {
	p.mu.Lock()
	p.calls--
	last := p.calls == 0
	if p.dead || last && !p.after {
		p.dead = true
		p.mu.Unlock()
		p.die()
		return false
	}
	p.mu.Unlock()
	do()
	if last {
		p.mu.Lock()
		p.dead = true
		p.mu.Unlock()
		p.die()
	}
	return !last
}

func (p *process) Do(r *http.Request) (out *http.Response, err error) {
	if !p.call(func() { out, err = p.next.Do(r) }) {
		if out != nil {
			out.Body.Close()
		}
		return nil, fault.ErrLost
	}
	return out, err
}

func (p *process) Send(ctx context.Context, m any) (err error) {
	if !p.call(func() { err = p.post.Send(ctx, m) }) {
		return fault.ErrLost
	}
	return err
}

// fate is what happens to workers: so many deaths and messages that come again though they were handled, and no more, or what was
// handed on twice would be handed on for ever.
type fate struct {
	sync.Mutex
	dice          *rand.Rand
	deaths, again int
}

func (f *fate) roll(n int) int {
	f.Lock()
	defer f.Unlock()
	return f.dice.IntN(n)
}

// calls are how many calls a process lives for, or 0 where it does not die.
func (f *fate) calls() int {
	calls, dies := 1+f.roll(150), f.roll(2) == 0
	f.Lock()
	defer f.Unlock()
	if !dies || f.deaths == 0 {
		return 0
	}
	f.deaths--
	return calls
}

// twice tells whether a message comes again that was handled.
func (f *fate) twice() bool {
	comes := f.roll(6) == 0
	f.Lock()
	defer f.Unlock()
	if !comes || f.again == 0 {
		return false
	}
	f.again--
	return true
}

// TestAllLicensesOfASchoolYearEndInTheSameMinute: ten thousand, spread over the shards, and three workers that run out of time, are
// killed in the middle of whatever they do, and get messages again that were handled. Every license moves once, and every letter is
// written once.
func TestAllLicensesOfASchoolYearEndInTheSameMinute(t *testing.T) {
	const many, workers = 10_000, 3
	cfg, name := stage.Table(t)
	fill(t, cfg, name, many)
	s, now := table.Open(cfg, name), crowd.Ends()
	t.Run("each is listed once", func(t *testing.T) { listed(t, s, now, many) })

	p := new(post)
	ring := func() {
		t.Helper()
		licenses := []license.Bell{{Kind: table.Activation, Shards: table.Shards}, {Kind: table.Expiry, Shards: table.Shards}}
		if err := license.Ring(t.Context(), p, now, licenses...); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	for range 2 { // the schedule does not wait for what it rang for
		ring()
	}
	f := &fate{dice: rand.New(rand.NewPCG(2026, 11)), deaths: 100, again: 50}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for m, ok := p.take(); ok; m, ok = p.take() {
				ctx, die := context.WithTimeout(t.Context(), margin+time.Duration(200+f.roll(2000))*time.Millisecond)
				worker := &process{next: cfg.HTTPClient, post: p, after: f.roll(2) == 0, calls: f.calls(), die: die}
				mortal := cfg.Copy()
				mortal.HTTPClient = worker
				err := clock{table.Open(mortal, name), worker, people.Now}.handle(ctx, m.body)
				die()
				p.end(m, err == nil && !worker.dead && !f.twice())
			}
		})
	}
	all.Wait()
	t.Logf("%d messages came %d times, %d were given up, in %.0f s", p.sent, p.received, len(p.dead), time.Since(began).Seconds())
	if f.deaths > 50 || f.again > 40 || p.sent <= 4*table.Shards {
		t.Errorf("that was too easy: %d deaths and %d messages that come twice are left", f.deaths, f.again)
	}

	// The schedule rings again, and nobody dies any more.
	ring()
	p.work(clock{s, p, people.Now}.handle)
	w := read(t, cfg, name)
	if len(w.licenses) != many || len(w.letters) != many {
		t.Errorf("%d licenses, letters about %d", len(w.licenses), len(w.letters))
	}
	for id := range w.licenses {
		once(t, w, id)
	}
}

// listed wants each license to be listed once, in pages that go on where the one before ended, though all are due at the same instant;
// and the shards to be as even as chance makes them.
func listed(t *testing.T, s *table.Table, now time.Time, many int) {
	seen, chi := map[license.ID]bool{}, 0.0
	for shard := range table.Shards {
		var last license.ID
		count, pages := 0, 0
		for after, more := "", true; more; more = after != "" {
			page, next, err := s.DueLicenses(t.Context(), table.Expiry, shard, now, after)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range page {
				if !l.EndsAt.Equal(now) || l.ID <= last || seen[l.ID] {
					t.Fatalf("%s, which ends at %s, comes after %s", l.ID, l.EndsAt, last)
				}
				seen[l.ID], last = true, l.ID
			}
			after, count, pages = next, count+len(page), pages+1
		}
		if pages < 5 {
			t.Errorf("shard %d has %d pages", shard, pages)
		}
		even := float64(many) / table.Shards
		chi += (float64(count) - even) * (float64(count) - even) / even
	}
	t.Logf("%d licenses, χ² = %.1f", len(seen), chi)
	if len(seen) != many || chi > 37.7 { // one in a thousand, with 15 degrees of freedom
		t.Errorf("%d licenses are listed, χ² = %.1f", len(seen), chi)
	}
}
