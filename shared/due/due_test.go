package due

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// shelf is an index of things that are due: some shards, in pages of three, with what is on them and whether it moved.
type shelf struct {
	sync.Mutex
	shards  [][]string
	moved   map[string]int
	broken  map[string]error // things, and pages by "page <shard> <after>", that meet an error
	stepped func(string)
}

func (s *shelf) page(_ context.Context, shard int, after string) (page []string, next string, err error) {
	if err := s.broken[fmt.Sprintf("page %d %s", shard, after)]; err != nil {
		return nil, "", err
	}
	for _, thing := range s.shards[shard] {
		if thing <= after {
			continue
		}
		if len(page) == 3 {
			return page, page[2], nil
		}
		page = append(page, thing)
	}
	return page, "", nil
}

func (s *shelf) step(_ context.Context, thing string) (bool, error) {
	if s.stepped != nil {
		s.stepped(thing)
	}
	s.Lock()
	defer s.Unlock()
	if err := s.broken[thing]; err != nil {
		return false, err
	}
	s.moved[thing]++
	return s.moved[thing] == 1, nil // somebody who is second moves nothing
}

func (s *shelf) work(ctx context.Context) (int, error) {
	return Work(ctx, len(s.shards), s.page, s.step)
}

// filled is a shelf of some shards with so many things each: "a00", "a01", … in the first.
func filled(shards, each int) *shelf {
	s := &shelf{shards: make([][]string, shards), moved: map[string]int{}, broken: map[string]error{}}
	for i := range s.shards {
		for n := range each {
			s.shards[i] = append(s.shards[i], fmt.Sprintf("%c%02d", 'a'+i, n))
		}
	}
	return s
}

func TestEverythingInAllShardsMovesOnce(t *testing.T) {
	for _, each := range []int{0, 1, 3, 4, 20} {
		s := filled(20, each)
		if n, err := s.work(t.Context()); n != 20*each || err != nil || len(s.moved) != 20*each {
			t.Errorf("%d in each shard: %d moved, %d were looked at (%v)", each, n, len(s.moved), err)
		}
	}
}

func TestWhatSomebodyElseMovedDoesNotCount(t *testing.T) {
	s := filled(4, 5)
	for round, want := range []int{20, 0} {
		if n, err := s.work(t.Context()); n != want || err != nil {
			t.Errorf("round %d: %d moved (%v)", round, n, err)
		}
	}
}

func TestAFaultStopsNoOther(t *testing.T) {
	s := filled(3, 7)
	thing, page := errors.New("a thing"), errors.New("a page")
	s.broken = map[string]error{"a01": thing, "a02": thing, "b00": thing, "page 2 c02": page}
	n, err := s.work(t.Context())
	if !errors.Is(err, thing) && !errors.Is(err, page) {
		t.Error(err)
	}
	if n != 7-2+7-1+3 {
		t.Errorf("%d moved: %v", n, s.moved)
	}
	s.broken = nil
	if n, err := s.work(t.Context()); n != 2+1+4 || err != nil {
		t.Errorf("the next time %d move (%v)", n, err)
	}
}

func TestTwoAtOnceMoveEachThingOnce(t *testing.T) {
	s := filled(16, 30)
	var sum [2]int
	var wait sync.WaitGroup
	for w := range sum {
		wait.Go(func() {
			n, err := s.work(t.Context())
			if err != nil {
				t.Error(err)
			}
			sum[w] = n
		})
	}
	wait.Wait()
	if sum[0]+sum[1] != 16*30 {
		t.Errorf("%v moved", sum)
	}
}

// TestWhatIsCutOffIsLeftForTheNextTime: time runs out in the middle of a page. What was not reached is neither moved nor a fault.
func TestWhatIsCutOffIsLeftForTheNextTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := filled(16, 40)
		s.stepped = func(string) { time.Sleep(time.Second) }
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second+time.Millisecond)
		defer stop()
		first, err := s.work(ctx)
		if err != nil || first == 0 || first == 16*40 {
			t.Errorf("%d moved (%v)", first, err)
		}
		rest, err := s.work(t.Context())
		if err != nil || first+rest != 16*40 {
			t.Errorf("%d moved, and then %d (%v)", first, rest, err)
		}
	})
}

func TestThatTimeIsUpIsNoFault(t *testing.T) {
	for _, where := range []string{"a01", "page 0 a02"} {
		s := filled(1, 7)
		ctx, stop := context.WithCancel(t.Context())
		s.stepped = func(thing string) {
			if thing == "a01" {
				stop()
			}
		}
		s.broken[where] = context.Canceled
		if _, err := s.work(ctx); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
}

// drain drains the first shard of a shelf, so many things at once.
func (s *shelf) drain(ctx context.Context, abreast int, after string) (Left, error) {
	return Drain(ctx, abreast, after, func(ctx context.Context, after string) ([]string, string, error) { return s.page(ctx, 0, after) }, s.step)
}

func TestAShardIsDrainedFromAPlaceOn(t *testing.T) {
	for _, abreast := range []int{1, 2, 16} {
		s := filled(1, 20)
		left, err := s.drain(t.Context(), abreast, "a04")
		if left != (Left{Moved: 15, After: left.After}) || err != nil || s.moved["a04"] != 0 || s.moved["a05"] != 1 {
			t.Errorf("%d at once: %+v (%v), %v", abreast, left, err, s.moved)
		}
	}
}

func TestAPageIsWorkedOffSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, began := filled(1, 30), time.Now()
		s.stepped = func(string) { time.Sleep(time.Second) }
		if left, err := s.drain(t.Context(), 3, ""); left.Moved != 30 || err != nil {
			t.Errorf("%+v (%v)", left, err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("ten pages take %s", took)
		}
	})
}

// TestWhoGoesOnWhereTimeWasUpMovesTheRest: whatever was left in the page that was cut off is moved too, and nothing twice.
func TestWhoGoesOnWhereTimeWasUpMovesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, moved, after := filled(1, 40), 0, ""
		s.stepped = func(string) { time.Sleep(time.Second) }
		for handed := 0; ; handed++ {
			ctx, stop := context.WithTimeout(t.Context(), 5500*time.Millisecond)
			left, err := s.drain(ctx, 2, after)
			stop()
			moved += left.Moved
			if !left.More {
				break
			}
			if err != nil || !left.Forward(after, err) || handed > 10 {
				t.Fatalf("%+v from %q on (%v)", left, after, err)
			}
			after = left.After
		}
		if moved != 40 {
			t.Errorf("%d moved", moved)
		}
	})
}

func TestWhoGoesForward(t *testing.T) {
	wrong := errors.New("wrong")
	for _, c := range []struct {
		left    Left
		fault   error
		forward bool
	}{
		{Left{}, nil, false},                                // it is done,
		{Left{Moved: 3}, wrong, false},                      // but for what failed
		{Left{More: true, After: "b"}, nil, true},           // all were looked at
		{Left{More: true, After: "a"}, nil, false},          // nothing was
		{Left{More: true, After: "a", Moved: 1}, nil, true}, // some moved
		{Left{More: true, After: "b"}, wrong, false},        // all failed
		{Left{More: true, After: "a", Moved: 1}, wrong, true},
	} {
		if got := c.left.Forward("a", c.fault); got != c.forward {
			t.Errorf("%+v (%v): %t", c.left, c.fault, got)
		}
	}
}

func TestWhatPanicsStopsNoOther(t *testing.T) {
	s := filled(1, 10)
	s.stepped = func(thing string) {
		if thing == "a02" {
			panic("broken")
		}
	}
	if left, err := s.drain(t.Context(), 4, ""); left.Moved != 9 || err == nil || err.Error() != "panic: broken" {
		t.Errorf("%+v (%v)", left, err)
	}
}

// TestVeryManyFaultsAreOneLine: a table that takes nothing does not fill the log.
func TestVeryManyFaultsAreOneLine(t *testing.T) {
	s := filled(1, 90)
	for _, thing := range s.shards[0] {
		s.broken[thing] = errors.New("no table")
	}
	if _, err := s.drain(t.Context(), 4, ""); err == nil || err.Error() != "no table (and 89 more)" {
		t.Error(err)
	}
}
