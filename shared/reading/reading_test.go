package reading

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/lang"
)

var today = civil.Date{Year: 2026, Month: 9, Day: 1}

func library(t testing.TB) []catalog.Work {
	t.Helper()
	var all []catalog.Work
	for i := 1; i <= 300; i++ {
		w, err := catalog.Shelf{}.Find(catalog.WorkID(fmt.Sprintf("w%03d", i)), today)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	return all
}

func TestEveryWorkCanBeReadFromCoverToCover(t *testing.T) {
	for _, w := range library(t) {
		contents := Contents(w)
		if len(contents) < 3 || len(contents) > 5 {
			t.Errorf("%s %q has %d chapters", w.ID, w.Title, len(contents))
		}
		titles := map[string]bool{}
		for i, h := range contents {
			c, err := Read(w, h.Number)
			if err != nil {
				t.Fatalf("%s, chapter %d: %v", w.ID, h.Number, err)
			}
			if h.Number != i+1 || c.Number != h.Number || c.Title != h.Title || titles[h.Title] {
				t.Errorf("%s: %+v opens %d %q", w.ID, h, c.Number, c.Title)
			}
			titles[h.Title] = true
			if len(c.Paragraphs) < 2 {
				t.Errorf("%s %q: %d paragraphs", w.ID, c.Title, len(c.Paragraphs))
			}
			for _, p := range c.Paragraphs {
				if strings.ContainsAny(p, "{}<>&") {
					t.Errorf("%s %q: %q", w.ID, c.Title, p)
				}
				if cyrillic := strings.ContainsFunc(p, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) }); cyrillic != (w.Language == lang.Russian || w.Language == lang.Kazakh) {
					t.Errorf("%s is in %s: %q", w.ID, w.Language, p)
				}
			}
		}
		for _, n := range []int{-1, 0, len(contents) + 1} {
			if _, err := Read(w, n); !errors.Is(err, ErrNoChapter) {
				t.Errorf("%s, chapter %d: %v", w.ID, n, err)
			}
		}
	}
}

func TestAChapter(t *testing.T) {
	w, err := catalog.Shelf{}.Find("w001", today)
	if err != nil {
		t.Fatal(err)
	}
	first, err := Read(w, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(first.Paragraphs[0], "„Numbrirada. Matemaatika 1. klassile“") || len(first.Paragraphs) != 3 {
		t.Errorf("the first chapter does not welcome: %q", first.Paragraphs)
	}
	again, _ := Read(w, 1)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Error(diff)
	}
	last, err := Read(w, len(Contents(w)))
	if err != nil || len(last.Paragraphs) != 3 {
		t.Errorf("the last chapter does not take leave: %q (%v)", last.Paragraphs, err)
	}
}

func TestChildrenGetTextsForTheirAge(t *testing.T) {
	for _, w := range library(t) {
		for _, c := range chapters(w) {
			if c.to < w.Grades[0] || c.from > w.Grades[len(w.Grades)-1] {
				t.Errorf("%s for grades %v has %q for %d to %d", w.ID, w.Grades, c.title, c.from, c.to)
			}
		}
	}
}

func TestNoTextIsMissingInALanguage(t *testing.T) {
	shape := func(l lang.Code) (out []string) {
		for section, topics := range texts[l]() {
			for i, topic := range topics {
				out = append(out, fmt.Sprintf("%s %d: %d-%d, %d paragraphs", section, i, topic.from, topic.to, len(topic.paragraphs)))
			}
		}
		slices.Sort(out)
		return out
	}
	want := shape(lang.Estonian)
	for _, l := range lang.All[1:] {
		if diff := cmp.Diff(want, shape(l)); diff != "" {
			t.Errorf("%s is not shaped as et:\n%s", l, diff)
		}
	}
}

func TestAFileWithAMistakeIsRefused(t *testing.T) {
	for name, file := range map[string]string{
		"grades":            "# art\n= all Title\nText.\n",
		"last grade":        "# art\n= 1 Title\nText.\n",
		"text but no title": "# art\nText.\n",
	} {
		if _, err := parse(file); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

// What a new process pays at its first chapter.
func BenchmarkFirstChapter(b *testing.B) {
	file, err := files.ReadFile("kk.txt")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := parse(string(file)); err != nil {
			b.Fatal(err)
		}
	}
}
