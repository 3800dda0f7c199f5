package activity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"opiq/shared/account"
	"opiq/shared/catalog"
)

var noon = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// whole is a line of each kind with all that it must have.
func whole(w What) Line {
	l := Of("mari", w, "request", "192.0.2.17", noon)
	r := rules[w]
	if r.anonymous {
		l = Seen(w, noon)
	}
	if r.work {
		l.Work = "w001"
	}
	if r.chapter {
		l.Chapter = 1
	}
	if r.file {
		l.File = "w001.pdf"
	}
	if r.query {
		l.Query = "liitmine"
	}
	return l
}

func TestALineSaysWhatItsKindSays(t *testing.T) {
	for w := range rules {
		if err := whole(w).Err(); err != nil {
			t.Errorf("%s: %v", w, err)
		}
		for name, breaks := range map[string]func(*Line){
			"no name":         func(l *Line) { l.ID = "" },
			"no time":         func(l *Line) { l.At = time.Time{} },
			"no such kind":    func(l *Line) { l.What = "flown" },
			"a long name":     func(l *Line) { l.ID = strings.Repeat("x", 101) },
			"another chapter": func(l *Line) { l.Chapter = (l.Chapter + 1) % 2 },
			"no chapter":      func(l *Line) { l.Chapter = -1 },
			"another work":    func(l *Line) { l.Work = catalog.WorkID(other(string(l.Work))) },
			"another file":    func(l *Line) { l.File = other(l.File) },
			"a long file":     func(l *Line) { l.File = strings.Repeat("x", 1025) },
			"many words":      func(l *Line) { l.Query = strings.Repeat("õ", 201) },
		} {
			l := whole(w)
			if breaks(&l); l.Err() == nil {
				t.Errorf("%s, %s: %+v is taken", w, name, l)
			}
		}
	}
}

// other is nothing for something, and something for nothing.
func other(s string) string {
	if s == "" {
		return "w002"
	}
	return ""
}

// TestALineAboutAnybodyTellsNothingAboutThem: no account, no address, no words, and no second by which an access log would find it.
func TestALineAboutAnybodyTellsNothingAboutThem(t *testing.T) {
	for _, w := range []What{WorkViewed, CatalogSearched} {
		for name, tells := range map[string]func(*Line){
			"who":    func(l *Line) { l.Account = "mari" },
			"where":  func(l *Line) { l.IP = "192.0.2.17" },
			"words":  func(l *Line) { l.Query = "x" },
			"when":   func(l *Line) { l.At = noon.Add(time.Second) },
			"a file": func(l *Line) { l.File = "x" },
		} {
			l := whole(w)
			if tells(&l); l.Err() == nil {
				t.Errorf("%s tells %s: %+v", w, name, l)
			}
		}
	}
	a, b := Seen(WorkViewed, noon.Add(59*time.Minute)), Seen(WorkViewed, noon)
	if a.ID == b.ID || !a.At.Equal(b.At) {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestALineOfSomebodySaysWho(t *testing.T) {
	l := whole(Searched)
	l.Account = ""
	if l.Err() == nil {
		t.Error("a line about nobody is taken")
	}
}

func TestLinesAreForgotten(t *testing.T) {
	if got := whole(ChapterRead).Until(); !got.Equal(noon.AddDate(1, 0, 0)) {
		t.Errorf("who read what is kept until %s", got)
	}
	if got := whole(WorkViewed).Until(); !got.Equal(noon.AddDate(0, 0, 90)) {
		t.Errorf("what was viewed is kept until %s", got)
	}
}

// slow takes a message only when nobody waits for it any more.
type slow struct{}

func (slow) Send(ctx context.Context, _ any) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestNobodyWaitsForTheLog(t *testing.T) {
	var lost []string
	start := time.Now()
	whole(ChapterRead).Tell(t.Context(), slow{}, func(name, reason, _ string) { lost = append(lost, name+" "+reason) })
	if took := time.Since(start); took < patience || took > 10*patience || !slices.Equal(lost, []string{"ActivityLost chapter_read"}) {
		t.Errorf("it took %v, and is counted as %q", took, lost)
	}
}

type full struct{}

func (full) Send(context.Context, any) error { return errors.New("the queue is away") }

func TestWhatIsLostIsCountedWithoutSayingWho(t *testing.T) {
	whole(Searched).Tell(t.Context(), full{}, func(name, reason, detail string) {
		if all := name + reason + detail; strings.Contains(all, "mari") || strings.Contains(all, "192.0.2.17") || strings.Contains(all, "liitmine") {
			t.Errorf("counted is %s", all)
		}
	})
}

// reads are lines of chapters read, at so many minutes past noon.
func reads(minutes ...int) (all []Line) {
	for i, m := range minutes {
		l := whole(ChapterRead)
		l.ID, l.At = fmt.Sprint(i, "-", m), noon.Add(time.Duration(m)*time.Minute)
		all = append(all, l)
	}
	return all
}

var three = account.Limit{Max: 3, Per: time.Hour}

func TestACountIsOfAnHour(t *testing.T) {
	c, _ := Count{}.With(three, reads(59, 0))
	if c.Count != 2 || c.Wait(three, noon.Add(59*time.Minute)) != 0 {
		t.Errorf("after two of three: %+v", c)
	}
	c, _ = c.With(three, reads(1, 2, 30))
	if wait := c.Wait(three, noon.Add(40*time.Minute)); c.Count != 3 || wait != 20*time.Minute {
		t.Errorf("after five of three: %+v, wait %v", c, wait)
	}
	next, _ := c.With(three, reads(60, 58))
	if next.Count != 1 || next.Wait(three, noon.Add(time.Hour)) != 0 {
		t.Errorf("in the next hour: %+v", next)
	}
	if wait := c.Wait(three, noon.Add(time.Hour)); wait != 0 {
		t.Errorf("when the hour is over, wait %v", wait)
	}
}

func TestAFullCountIsNotWrittenAgain(t *testing.T) {
	c, changed := Count{}.With(three, reads(0, 1, 2))
	again, more := c.With(three, reads(3, 4))
	if !changed || more || again.Count != 3 {
		t.Errorf("%+v, then %+v", c, again)
	}
}

func TestOnlyWhatIsReadLookedForOrMarkedCounts(t *testing.T) {
	for w := range rules {
		_, got := Count{}.With(three, []Line{whole(w)})
		if want := slices.Contains([]What{ChapterRead, Searched, FileLinked, BookmarkSet, NoteWritten}, w); got != want {
			t.Errorf("%s counts: %t", w, got)
		}
	}
}

// TestALineThatComesTwiceCountsOnce: in any order, in any batches, among fifty lines.
func TestALineThatComesTwiceCountsOnce(t *testing.T) {
	limit := account.Limit{Max: 100, Per: time.Hour}
	rapid.Check(t, func(t *rapid.T) {
		minutes := rapid.SliceOfN(rapid.IntRange(0, 119), 1, remembered).Draw(t, "minutes")
		lines := reads(minutes...)
		late := func(m int) bool { return m >= 60 }
		want := 0
		for _, m := range minutes {
			if late(m) || !slices.ContainsFunc(minutes, late) {
				want++
			}
		}
		var c Count
		messages := rapid.Permutation(append(slices.Clone(lines), lines...)).Draw(t, "order")
		for batch := range slices.Chunk(messages, rapid.IntRange(1, 10).Draw(t, "batch")) {
			c, _ = c.With(limit, batch)
		}
		if c.Count != want || len(c.Lines) > remembered {
			t.Errorf("%d are counted, not %d: %+v", c.Count, want, c)
		}
	})
}

func TestACountRemembersNoMoreThanItCanHold(t *testing.T) {
	limit := account.Limit{Max: 1000, Per: time.Hour}
	lines := reads(make([]int, 500)...)
	c, _ := Count{}.With(limit, lines)
	if c.Count != 500 || len(c.Lines) != remembered {
		t.Errorf("%d counted, %d remembered", c.Count, len(c.Lines))
	}
	if again, changed := c.With(limit, lines[len(lines)-remembered:]); changed || again.Count != 500 {
		t.Errorf("the last fifty come again: %d", again.Count)
	}
}
