package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"pgregory.net/rapid"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/activity"
	"opiq/shared/catalog"
	"opiq/shared/queue"
	"opiq/shared/reading"
	"opiq/shared/table"
)

func open(cfg aws.Config, name string) keeper { return keeper{table.Open(cfg, name)} }

// read is a line about a chapter that somebody read, at so many seconds past noon.
func read(who account.ID, w catalog.WorkID, chapter, second int) activity.Line {
	l := activity.Of(who, activity.ChapterRead, fmt.Sprint("r", second), "192.0.2.17", people.Noon.Add(time.Duration(second)*time.Second))
	l.Work, l.Chapter = w, chapter
	return l
}

func TestEvents(t *testing.T) {
	golden.Events(t, "activity", func(t *testing.T, _ string, event []byte) any {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		var e events.SQSEvent
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		answer, err := queue.Batch[activity.Line](open(cfg, name).handle).Handle(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		l := ledger.Holds(t, cfg, name)
		out := map[string]any{"answer": answer, "lines": l.Lines, "places": l.Places}
		slices.SortFunc(l.Lines, func(a, b activity.Line) int { return strings.Compare(a.ID, b.ID) })
		slices.SortFunc(l.Places, func(a, b ledger.Place) int {
			return strings.Compare(string(a.Work)+string(a.Account), string(b.Work)+string(b.Account))
		})
		for _, who := range []account.ID{people.Mari, people.Jaan} {
			c, err := s.ReadBy(t.Context(), who)
			if err != nil {
				t.Fatal(err)
			}
			out["read by "+string(who[:1])] = c
		}
		for _, ip := range []string{"192.0.2.17", "2001:db8:7:1::"} {
			c, err := s.ReadAt(t.Context(), ip)
			if err != nil {
				t.Fatal(err)
			}
			out["read at "+ip] = c
		}
		return out
	})
}

// batch makes one error of those of a batch.
func batch(ctx context.Context, k keeper, lines ...activity.Line) error {
	return errors.Join(k.handle(ctx, lines)...)
}

func TestABatchWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		k := open(broken(cfg), name)
		act := func(ctx context.Context) error {
			return batch(ctx, k, read(people.Mari, "w001", 2, 2), read(people.Mari, "w001", 1, 1), read(people.Mari, "w002", 1, 3))
		}
		return act, func(t *testing.T) {
			places, err := s.Places(t.Context(), people.Mari)
			by, unread := s.ReadBy(t.Context(), people.Mari)
			at, failed := s.ReadAt(t.Context(), "192.0.2.17")
			if err := errors.Join(err, unread, failed); err != nil {
				t.Fatal(err)
			}
			if len(places) != 2 || places[0].Work != "w002" || places[1].Chapter != 2 || by.Count != 3 || at.Count != 3 {
				t.Errorf("places %+v, %d by her, %d at the address", places, by.Count, at.Count)
			}
			if l := ledger.Holds(t, cfg, name); len(l.Lines) != 3 {
				t.Errorf("%d lines", len(l.Lines))
			}
		}
	})
}

// TestTwoConsumersOfTheSameLines: each batch comes to both, in another order.
func TestTwoConsumersOfTheSameLines(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	var lines []activity.Line
	for i := range 40 {
		lines = append(lines, read(people.Mari, catalog.WorkID(fmt.Sprintf("w00%d", 1+i%2)), 1+i%3, i))
	}
	var wait sync.WaitGroup
	for seed := range uint64(2) {
		mine := slices.Clone(lines)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
		wait.Go(func() {
			for b := range slices.Chunk(mine, 10) {
				if err := batch(t.Context(), open(cfg, name), b...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	places, err := s.Places(t.Context(), people.Mari)
	if err != nil || len(places) != 2 || places[0].Work != "w002" || places[0].Chapter != 1 || places[1].Chapter != 3 {
		t.Errorf("places %+v (%v)", places, err)
	}
	by, err := s.ReadBy(t.Context(), people.Mari)
	if err != nil || by.Count != 40 {
		t.Errorf("counted %d (%v)", by.Count, err)
	}
	if l := ledger.Holds(t, cfg, name); len(l.Lines) != 40 {
		t.Errorf("%d lines", len(l.Lines))
	}
}

// TestWhoReadsSixHundredChaptersInAnHourWaitsForTheRestOfIt, and somebody else at the address does not.
func TestWhoReadsSixHundredChaptersInAnHourWaitsForTheRestOfIt(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	wait := func(who account.ID, ip string, after time.Duration) time.Duration {
		r, err := s.Reader(t.Context(), people.Token(who), ip, people.Noon.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		return r.Wait
	}
	k, n := open(cfg, name), 0
	chapters := func(count int) {
		for n += count; count > 0; count -= 10 {
			var lines []activity.Line
			for i := range min(count, 10) {
				lines = append(lines, read(people.Mari, "w001", 1, n-count+i))
			}
			if err := batch(t.Context(), k, lines...); err != nil {
				t.Fatal(err)
			}
		}
	}
	chapters(599)
	if w := wait(people.Mari, "192.0.2.17", 10*time.Minute); w != 0 {
		t.Errorf("after 599 chapters she waits %v", w)
	}
	chapters(1)
	if w := wait(people.Mari, "192.0.2.17", 10*time.Minute); w != 50*time.Minute {
		t.Errorf("after 600 chapters in ten minutes she waits %v", w)
	}
	if w := wait(people.Mari, "198.51.100.7", 10*time.Minute); w != 50*time.Minute {
		t.Errorf("at another address she waits %v", w)
	}
	if w := wait(people.Jaan, "192.0.2.17", 10*time.Minute); w != 0 {
		t.Errorf("Jaan waits %v", w)
	}
	if w := wait(people.Mari, "192.0.2.17", time.Hour); w != 0 {
		t.Errorf("after the hour she waits %v", w)
	}
	n = 3600
	chapters(1)
	if by, err := s.ReadBy(t.Context(), people.Mari); err != nil || by.Count != 1 {
		t.Errorf("of the next hour %d are counted (%v)", by.Count, err)
	}
}

// TestASchoolThatReadsTooMuchWaitsTogether: a network is an address, or the /64 of one.
func TestASchoolThatReadsTooMuchWaitsTogether(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	most := activity.Count{Tries: account.Tries{Count: account.ReadTriesAt.Max - 1, Until: people.Noon.Add(time.Hour)}}
	l := read(people.Mari, "w001", 1, 0)
	l.IP = "2001:db8:7:1:a::1"
	if err := errors.Join(s.CountAt(t.Context(), l.IP, most), batch(t.Context(), open(cfg, name), l)); err != nil {
		t.Fatal(err)
	}
	for ip, want := range map[string]time.Duration{"2001:db8:7:1:b::2": time.Hour, "2001:db8:7:2::1": 0} {
		if r, err := s.Reader(t.Context(), people.Token(people.Jaan), ip, people.Noon); err != nil || r.Wait != want {
			t.Errorf("at %s he waits %v (%v)", ip, r.Wait, err)
		}
	}
}

// TestALineOfSomebodyWhoHasLeftIsKept: whoever closed their account meanwhile did read.
func TestALineOfSomebodyWhoHasLeftIsKept(t *testing.T) {
	cfg, name := stage.Table(t)
	gone := account.ID(strings.Repeat("9", 32))
	if err := batch(t.Context(), open(cfg, name), read(gone, "w001", 1, 0)); err != nil {
		t.Error(err)
	}
}

// counter counts the calls that go out, by their names.
type counter struct {
	next  aws.HTTPClient
	mu    sync.Mutex
	calls map[string]int
}

func (c *counter) Do(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.calls[strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")]++
	c.mu.Unlock()
	return c.next.Do(r)
}

// TestWhatALineCosts: three reads and four writes of a kilobyte at most for a chapter alone, and 1.3 writes for each of ten in a work.
func TestWhatALineCosts(t *testing.T) {
	ten := make([]activity.Line, 10)
	for i := range ten {
		ten[i] = read(people.Mari, "w001", 1, i)
	}
	for _, c := range []struct {
		lines []activity.Line
		want  map[string]int
	}{
		{ten[:1], map[string]int{"GetItem": 3, "PutItem": 4}},
		{ten, map[string]int{"GetItem": 3, "PutItem": 13}},
	} {
		cfg, name := stage.Table(t)
		people.MoveIn(t, table.Open(cfg, name))
		seen := &counter{next: cfg.HTTPClient, calls: map[string]int{}}
		if seen.next == nil {
			seen.next = http.DefaultClient
		}
		cfg.HTTPClient = seen
		if err := batch(t.Context(), open(cfg, name), c.lines...); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(seen.calls) != fmt.Sprint(c.want) {
			t.Errorf("%d lines: %v, not %v", len(c.lines), seen.calls, c.want)
		}
	}
}

// memory is a table of which a call may be lost, or its answer.
type memory struct {
	mu        sync.Mutex
	chance    *rand.Rand
	lines     map[string]activity.Line
	by        map[account.ID]activity.Count
	at        map[string]activity.Count
	places    map[subject]reading.Place
	revisions map[any]int
}

var errAway = errors.New("the table is away")

func (m *memory) do(call func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch m.chance.IntN(20) {
	case 0: // lost
		return errAway
	case 1: // done, and nobody hears of it
		return errors.Join(call(), errAway)
	}
	return call()
}

// keep stores under a condition, as the table does.
func (m *memory) keep(key any, revision *int, put func()) error {
	return m.do(func() error {
		if m.revisions[key] != *revision {
			return table.ErrChanged
		}
		*revision++
		m.revisions[key] = *revision
		put()
		return nil
	})
}

func (m *memory) Log(_ context.Context, l activity.Line) error {
	return m.do(func() error { m.lines[l.ID] = l; return nil })
}

func (m *memory) ReadBy(_ context.Context, id account.ID) (c activity.Count, err error) {
	err = m.do(func() error { c = m.by[id]; return nil })
	return c, err
}

func (m *memory) ReadAt(_ context.Context, ip string) (c activity.Count, err error) {
	err = m.do(func() error { c = m.at[ip]; return nil })
	return c, err
}

func (m *memory) PlaceIn(_ context.Context, id account.ID, w catalog.WorkID) (p reading.Place, err error) {
	err = m.do(func() error { p = m.places[subject{account: id, work: w}]; p.Work = w; return nil })
	return p, err
}

func (m *memory) CountBy(_ context.Context, id account.ID, c activity.Count) error {
	return m.keep(id, &c.Revision, func() { m.by[id] = c })
}

func (m *memory) CountAt(_ context.Context, ip string, c activity.Count) error {
	return m.keep(ip, &c.Revision, func() { m.at[ip] = c })
}

func (m *memory) KeepPlace(_ context.Context, id account.ID, p reading.Place) error {
	s := subject{account: id, work: p.Work}
	return m.keep(s, &p.Revision, func() { m.places[s] = p })
}

// TestLinesInAnyOrder: lines of two hours come out of order and twice, to two consumers whose calls break, until every message was
// done. Then each stands once, each place is the last, and each count is of the later hour, to the line.
func TestLinesInAnyOrder(t *testing.T) {
	kinds := []activity.What{activity.WorkOpened, activity.ChapterRead, activity.ChapterRead, activity.ChapterRead, activity.FileLinked, activity.NoteRemoved}
	rapid.Check(t, func(t *rapid.T) {
		var lines []activity.Line
		for i := range rapid.IntRange(1, 25).Draw(t, "lines") {
			who := rapid.SampledFrom([]account.ID{people.Mari, people.Jaan}).Draw(t, "who")
			ip := rapid.SampledFrom([]string{"192.0.2.17", "192.0.2.18"}).Draw(t, "ip")
			at := people.Noon.Add(time.Duration(rapid.IntRange(0, 7199).Draw(t, "second")) * time.Second)
			l := activity.Of(who, rapid.SampledFrom(kinds).Draw(t, "what"), fmt.Sprint(i), ip, at)
			l.Work = rapid.SampledFrom([]catalog.WorkID{"w001", "w002"}).Draw(t, "work")
			switch l.What {
			case activity.ChapterRead, activity.NoteRemoved:
				l.Chapter = rapid.IntRange(1, 4).Draw(t, "chapter")
			case activity.FileLinked:
				l.File = "a.pdf"
			}
			lines = append(lines, l)
		}
		messages := rapid.Permutation(append(slices.Clone(lines), lines...)).Draw(t, "order")
		m := &memory{
			chance: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "chance"), 0)), lines: map[string]activity.Line{}, by: map[account.ID]activity.Count{},
			at: map[string]activity.Count{}, places: map[subject]reading.Place{}, revisions: map[any]int{},
		}
		var wait sync.WaitGroup
		for half := range slices.Chunk(messages, max(1, len(lines))) {
			wait.Go(func() { consume(keeper{m}, half) })
		}
		wait.Wait()
		check(t, m, lines)
	})
}

// consume handles messages ten at a time, and again what failed, as the queue would hand it over.
func consume(k keeper, messages []activity.Line) {
	for len(messages) > 0 {
		n := min(10, len(messages))
		now := messages[:n]
		messages = messages[n:]
		for i, err := range k.handle(context.Background(), now) {
			if err != nil {
				messages = append(slices.Clone(messages), now[i])
			}
		}
	}
}

func check(t *rapid.T, m *memory, lines []activity.Line) {
	by, at, places := map[account.ID]map[time.Time]int{}, map[string]map[time.Time]int{}, map[subject]reading.Place{}
	for _, l := range lines {
		if m.lines[l.ID] != l {
			t.Errorf("the log has %+v for %+v", m.lines[l.ID], l)
		}
		hour := l.At.Truncate(time.Hour).Add(time.Hour)
		if l.Counts() {
			count(by, l.Account, hour)
			count(at, l.IP, hour)
		}
		if s := (subject{account: l.Account, work: l.Work}); l.What == activity.ChapterRead {
			places[s], _ = places[s].Read(l.Chapter, l.At)
		}
	}
	for s, want := range places {
		if got := m.places[s]; got.Chapter != want.Chapter || !got.At.Equal(want.At) {
			t.Errorf("the place is %+v, not %+v", got, want)
		}
	}
	for who, hours := range by {
		if c := m.by[who]; c.Count != latest(hours) {
			t.Errorf("counted %d of %v", c.Count, hours)
		}
	}
	for ip, hours := range at {
		if c := m.at[ip]; c.Count != latest(hours) {
			t.Errorf("counted %d of %v at %s", c.Count, hours, ip)
		}
	}
	if len(m.lines) != len(lines) || len(m.places) != len(places) {
		t.Errorf("%d lines, %d places", len(m.lines), len(m.places))
	}
}

func count[K comparable](all map[K]map[time.Time]int, k K, hour time.Time) {
	if all[k] == nil {
		all[k] = map[time.Time]int{}
	}
	all[k][hour]++
}

func latest(hours map[time.Time]int) int {
	var last time.Time
	for h := range hours {
		if h.After(last) {
			last = h
		}
	}
	return hours[last]
}
