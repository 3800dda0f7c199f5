package hold

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"opiq/shared/letter"
)

// group is a table with one hold and the members of its group.
type group struct {
	record  Record
	members []string // sorted
	letters []letter.ID
	size    int                        // of a page
	before  func(g *group) (cut error) // happens before each write
	after   func() (lost error)        // happens after it
}

func (g *group) Members(_ context.Context, _, after string) (page []string, next string, _ error) {
	for _, m := range g.members {
		if m > after {
			if len(page) == g.size {
				return page, page[len(page)-1], nil
			}
			page = append(page, m)
		}
	}
	return page, "", nil
}

func (g *group) Written(_ context.Context, ids ...letter.ID) (map[letter.ID]bool, error) {
	written := map[letter.ID]bool{}
	for _, id := range ids {
		written[id] = slices.Contains(g.letters, id)
	}
	return written, nil
}

var errCut = errors.New("killed")

func (g *group) Tell(_ context.Context, r Record, letters []letter.Letter) (bool, error) {
	if g.before != nil {
		if err := g.before(g); err != nil {
			return false, err
		}
	}
	if r.Revision != g.record.Revision {
		return false, nil
	}
	for _, l := range letters {
		if slices.Contains(g.letters, l.ID) {
			return false, nil
		}
	}
	for _, l := range letters {
		g.letters = append(g.letters, l.ID)
	}
	g.change(r)
	if g.after != nil {
		return true, g.after()
	}
	return true, nil
}

func (g *group) change(r Record) {
	r.Revision++
	g.record = r
}

func (g *group) join(name string) {
	if slices.Contains(g.members, name) {
		return
	}
	g.members = append(g.members, name)
	slices.Sort(g.members)
	if id := g.record.LetterID(name, ToldPlaced); g.record.State == Standing && !slices.Contains(g.letters, id) {
		g.letters = append(g.letters, id)
	}
}

func (g *group) leave(name string) {
	g.members = slices.DeleteFunc(g.members, func(m string) bool { return m == name })
}

func TestMembersAreToldAMinuteLaterPageByPage(t *testing.T) {
	g := &group{record: placed(t, suspending(class, Harmful), About{}), size: 2}
	for i := range 5 {
		g.members = append(g.members, fmt.Sprintf("m%d", i))
	}
	if moved, err := Notify(t.Context(), g, g.record, noon.Add(59*time.Second)); moved || err != nil {
		t.Error("too early:", moved, err)
	}
	if moved, err := Notify(t.Context(), g, g.record, noon.Add(time.Minute)); !moved || err != nil || len(g.letters) != 5 || g.record.Telling != nil {
		t.Errorf("%t (%v): %v", moved, err, g.letters)
	}
	if moved, err := Notify(t.Context(), g, g.record, noon.Add(time.Hour)); moved || err != nil {
		t.Error("all were told:", moved, err)
	}
}

func TestNobodyIsToldOfWhatNobodyIsOwed(t *testing.T) {
	w := suspending(class, Harmful)
	w.ForceMajeure, w.Reason = true, "The authorities forbid it"
	r := placed(t, w, About{})
	lifted, err := r.Lift(liis, "over", noon)
	if r.Telling != nil || lifted.Telling != nil || err != nil {
		t.Errorf("%+v, %+v (%v)", r.Telling, lifted.Telling, err)
	}
	if one := placed(t, suspending(person, Harmful), About{}); one.Telling != nil {
		t.Error("a person is no group")
	}
}

// TestEachMemberIsToldOnceInTheRightOrder: however often it is killed and run, by two at once, while people join and leave, and though
// the hold is lifted in the middle.
func TestEachMemberIsToldOnceInTheRightOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := suspending(class, Harmful)
		r, err := w.Place("once", About{}, liis, noon)
		if err != nil {
			t.Fatal(err)
		}
		g := &group{record: r, size: rapid.IntRange(1, 3).Draw(t, "page")}
		for i := range rapid.IntRange(0, 7).Draw(t, "members") {
			g.members = append(g.members, fmt.Sprintf("m%d", i))
		}
		left := map[string]bool{} // at some time: they may be members again
		founders := slices.Clone(g.members)
		now, until := noon.Add(2*time.Minute), rapid.IntRange(0, 12).Draw(t, "killed until")
		calls := 0
		lift := func() {
			if lifted, err := g.record.Lift(liis, "over", now); err == nil {
				g.change(lifted)
			}
		}
		g.before = func(g *group) error {
			if calls++; calls > until {
				return nil
			}
			switch name := fmt.Sprintf("m%d", rapid.IntRange(0, 9).Draw(t, "who")); rapid.IntRange(0, 5).Draw(t, "meanwhile") {
			case 0:
				return errCut
			case 1:
				g.join(name)
			case 2:
				g.leave(name)
				left[name] = true
			case 3:
				lift()
			case 4: // another worker is quicker
				calls += until
				_, _ = Notify(context.Background(), g, g.record, now)
				calls -= until
			}
			return nil
		}
		g.after = func() error {
			if calls <= until && rapid.Bool().Draw(t, "the answer is lost") {
				return errCut
			}
			return nil
		}
		ends := rapid.Bool().Draw(t, "lifted at last")
		for range 60 {
			now = now.Add(2 * time.Minute)
			_, err := Notify(context.Background(), g, g.record, now)
			if err == nil && g.record.Telling == nil && ends {
				lift()
				ends = false
			}
		}
		if g.record.Telling != nil {
			t.Fatalf("it never ends: %+v", g.record)
		}
		for i, id := range g.letters {
			if slices.Contains(g.letters[:i], id) {
				t.Fatalf("%s twice", id)
			}
		}
		for _, m := range append(founders, g.members...) {
			placed, lifted := slices.Index(g.letters, g.record.LetterID(m, ToldPlaced)), slices.Index(g.letters, g.record.LetterID(m, ToldLifted))
			if lifted >= 0 && (placed < 0 || placed > lifted) {
				t.Fatalf("%s heard of the end, and not before of the hold: %v", m, g.letters)
			}
			if g.record.State == Standing && placed < 0 && !left[m] {
				t.Fatalf("%s was not told: %v", m, g.letters)
			}
			if g.record.State == Lifted && (placed >= 0) != (lifted >= 0) && !left[m] {
				t.Fatalf("%s was told of the hold, and not of its end: %v", m, g.letters)
			}
		}
	})
}
