package reading

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// TestAPlaceIsWhereSomebodyReadLast, in whatever order it is heard of, and however often.
func TestAPlaceIsWhereSomebodyReadLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type read struct{ chapter, second int }
		reads := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) read {
			return read{rapid.IntRange(1, 9).Draw(t, "chapter"), rapid.IntRange(0, 20).Draw(t, "second")}
		}), 1, 20).Draw(t, "reads")
		var places []Place
		for _, order := range [][]read{reads, rapid.Permutation(append(slices.Clone(reads), reads...)).Draw(t, "order")} {
			p := Place{Work: "w001", Bookmarks: []Bookmark{{1, noon}}}
			for _, r := range order {
				p, _ = p.Read(r.chapter, noon.Add(time.Duration(r.second)*time.Second))
			}
			places = append(places, p)
		}
		last := slices.MaxFunc(reads, func(a, b read) int { return a.second - b.second })
		a, b := places[0], places[1]
		if a.Chapter != b.Chapter || !a.At.Equal(b.At) || !a.At.Equal(noon.Add(time.Duration(last.second)*time.Second)) || len(b.Bookmarks) != 1 {
			t.Errorf("%+v and %+v of %v", a, b, reads)
		}
	})
}

func TestReadingTheSameAgainChangesNothing(t *testing.T) {
	p, first := Place{}.Read(2, noon)
	if _, again := p.Read(2, noon); !first || again {
		t.Errorf("first %t, again %t", first, again)
	}
}

func TestBookmarks(t *testing.T) {
	p := Place{Work: "w001", Chapter: 1, At: noon}
	for _, chapter := range []int{3, 1, 2, 3} {
		p, _ = p.Mark(chapter, noon)
	}
	if got := fmt.Sprint(chaptersOf(p)); got != "[1 2 3]" {
		t.Errorf("the bookmarks are at %s", got)
	}
	before := p
	p, changed, err := p.Unmark(2)
	if got := fmt.Sprint(chaptersOf(p)); !changed || err != nil || got != "[1 3]" || len(before.Bookmarks) != 3 {
		t.Errorf("without the second: %s (%v)", got, err)
	}
	if _, changed, err := p.Unmark(2); changed || !errors.Is(err, ErrNoBookmark) {
		t.Errorf("taken away twice: %t, %v", changed, err)
	}
	if _, changed := p.Mark(3, noon.Add(time.Hour)); changed {
		t.Error("set twice, it changed")
	}
	if _, err := p.Bookmark(2); !errors.Is(err, ErrNoBookmark) {
		t.Error(err)
	}
	if p.Chapter != 1 || !p.At.Equal(noon) {
		t.Errorf("the place moved: %+v", p)
	}
}

func chaptersOf(p Place) (all []int) {
	for _, b := range p.Bookmarks {
		all = append(all, b.Chapter)
	}
	return all
}

func TestNamesOfNotes(t *testing.T) {
	for s, ok := range map[string]bool{
		"a": true, "5b1f-1": true, strings.Repeat("9", 40): true,
		"": false, strings.Repeat("9", 41): false, "A": false, "a_b": false, "a#b": false, "õ": false, "a\n": false,
	} {
		if id, err := ParseNoteID(s); (err == nil) != ok || ok && string(id) != s || !ok && !errors.Is(err, ErrNoNote) {
			t.Errorf("%q: %q, %v", s, id, err)
		}
	}
}

func TestWordsAreCleaned(t *testing.T) {
	for in, want := range map[string]string{
		" one\r\ntwo\t\n ":           "one\ntwo",
		"a\x00b\x1bc\u0085d\x7f":     "abcd",
		"o\u0303hk":                  "õhk",
		"<b>not bold</b>":            "<b>not bold</b>",
		"broken \xff":                "broken",
		strings.Repeat("õ ", 500):    strings.TrimSpace(strings.Repeat("õ ", 500)),
		"one\n\n\ntwo, the end.\n\n": "one\n\n\ntwo, the end.",
	} {
		w := Words{Chapter: 1, Text: in}
		if wrong := w.Check(); len(wrong) != 0 || w.Text != want {
			t.Errorf("%q is %q (%v)", in, w.Text, wrong)
		}
	}
}

func TestWrongWordsAreNamed(t *testing.T) {
	for _, c := range []struct {
		words Words
		want  string
	}{
		{Words{Chapter: 1, Text: " \n\t\x00 "}, "/text length"},
		{Words{Chapter: 1, Text: strings.Repeat("õ", 1001)}, "/text length"},
		{Words{Chapter: 0, Text: "x"}, "/chapter out_of_range"},
		{Words{Chapter: -1, Text: ""}, "/chapter out_of_range, /text length"},
		{Words{Chapter: 1, Paragraph: -1, Text: "x"}, "/paragraph out_of_range"},
	} {
		var got []string
		for _, f := range c.words.Check() {
			got = append(got, f.Pointer+" "+f.Code)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%+v: %q", c.words, got)
		}
	}
}

func TestANoteStandsWhereThereIsSomething(t *testing.T) {
	c := Chapter{Paragraphs: []string{"one", "two"}}
	for paragraph, ok := range map[int]bool{0: true, 1: true, 2: true, 3: false} {
		if err := (Words{Chapter: 1, Paragraph: paragraph, Text: "x"}).In(c); (err == nil) != ok {
			t.Errorf("at paragraph %d: %v", paragraph, err)
		}
	}
}

func TestANoteFromTheFirstWordToTheLast(t *testing.T) {
	n := Find(nil, "w001", "n")
	if _, _, err := n.Remove(noon); n.Stands() || !errors.Is(err, ErrNoNote) {
		t.Errorf("what was not there is removed: %v", err)
	}
	n, changed, err := n.Write(Words{Chapter: 1, Text: "first"}, nil, noon)
	if !changed || err != nil || !n.Stands() || !n.CreatedAt.Equal(noon) {
		t.Errorf("written: %+v (%v)", n, err)
	}
	if _, changed, err := n.Write(Words{Chapter: 1, Text: "first"}, []Note{n}, noon.Add(time.Minute)); changed || err != nil {
		t.Errorf("the same again: %t (%v)", changed, err)
	}
	n, changed, err = n.Write(Words{Chapter: 2, Text: "second"}, []Note{n}, noon.Add(time.Minute))
	if !changed || err != nil || n.Chapter != 2 || !n.CreatedAt.Equal(noon) || !n.ChangedAt.Equal(noon.Add(time.Minute)) {
		t.Errorf("changed: %+v (%v)", n, err)
	}
	n, changed, err = n.Remove(noon.Add(time.Hour))
	if !changed || err != nil || n.Stands() || n.Text != "" || !n.DeletedAt.Equal(noon.Add(time.Hour)) {
		t.Errorf("removed: %+v (%v)", n, err)
	}
	if again, changed, err := n.Remove(noon.Add(2 * time.Hour)); changed || err != nil || again != n {
		t.Errorf("removed again: %+v (%v)", again, err)
	}
	n, _, err = n.Write(Words{Chapter: 1, Text: "anew"}, []Note{n}, noon.Add(3*time.Hour))
	if err != nil || !n.Stands() || !n.CreatedAt.Equal(noon.Add(3*time.Hour)) {
		t.Errorf("anew: %+v (%v)", n, err)
	}
}

func TestAWorkHoldsAHundredNotes(t *testing.T) {
	notes := func(standing, gone int) (all []Note) {
		for i := range standing + gone {
			n := Note{ID: NoteID(fmt.Sprint(i)), Work: "w001", Chapter: 1, Text: "x", CreatedAt: noon, ChangedAt: noon}
			if i >= standing {
				n, _, _ = n.Remove(noon)
			}
			all = append(all, n)
		}
		return all
	}
	for _, c := range []struct {
		standing, gone int
		id             NoteID
		fits           bool
	}{
		{99, 0, "new", true}, {100, 0, "new", false}, {99, 500, "new", true}, {99, 999, "new", true}, {99, 1000, "new", false},
		{100, 0, "7", true},    // one of them may change
		{99, 1, "99", true},    // and one that was removed come again
		{99, 1000, "99", true}, // however many were removed,
		{100, 1, "100", false}, // where there is room
	} {
		all := notes(c.standing, c.gone)
		_, changed, err := Find(all, "w001", c.id).Write(Words{Chapter: 1, Text: "y"}, all, noon)
		want := ErrTooManyNotes
		if c.standing < MaxNotes {
			want = ErrTooManyRemoved
		}
		if changed != c.fits || !c.fits && !errors.Is(err, want) {
			t.Errorf("%d and %d removed, %s: %t, %v", c.standing, c.gone, c.id, changed, err)
		}
	}
}
