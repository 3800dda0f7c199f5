package catalog

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"opiq/shared/civil"
	"opiq/shared/lang"
)

var today = civil.Date{Year: 2026, Month: 9, Day: 1}

func TestTheLibraryIsWhole(t *testing.T) {
	all := works()
	if len(all) != 300 {
		t.Errorf("%d works", len(all))
	}
	ids, titles := map[WorkID]bool{}, map[string]bool{}
	publishers, statuses, languages, taught := map[string]bool{}, map[Status]int{}, map[lang.Code]int{}, map[string]bool{}
	grades := map[int]bool{}
	for _, w := range all {
		if ids[w.ID] || titles[w.Title] {
			t.Errorf("%s %q stands twice", w.ID, w.Title)
		}
		ids[w.ID], titles[w.Title] = true, true
		publishers[w.Publisher], taught[w.Subject] = true, true
		statuses[w.Status(today)]++
		languages[w.Language]++
		for _, g := range w.Grades {
			grades[g] = true
		}
		switch _, known := lang.Parse(string(w.Language)); {
		case !known:
			t.Errorf("%s: language %q", w.ID, w.Language)
		case subjects[w.Subject] == "":
			t.Errorf("%s: subject %q", w.ID, w.Subject)
		case w.Agreement == "":
			t.Errorf("%s is offered without an agreement (R-042)", w.ID)
		case w.Title == "" || w.Publisher == "" || slices.Contains(w.Authors, ""):
			t.Errorf("%s lacks a title, a publisher or an author", w.ID)
		case len(w.Grades) == 0 || w.Grades[0] < 1 || w.Grades[len(w.Grades)-1] > 12:
			t.Errorf("%s: grades %v", w.ID, w.Grades)
		case !w.Distribution.From.Before(w.Distribution.Until):
			t.Errorf("%s is distributed from %v until %v", w.ID, w.Distribution.From, w.Distribution.Until)
		}
	}
	if len(publishers) < 6 || len(grades) != 12 || len(taught) != len(subjects) {
		t.Errorf("%d publishers, %d grades, %d subjects", len(publishers), len(grades), len(taught))
	}
	if statuses[StatusWithdrawn] != 8 || statuses[StatusSuspended] != 2 {
		t.Errorf("statuses %v", statuses)
	}
	for _, l := range lang.All {
		if languages[l] < 40 {
			t.Errorf("%d works in %s", languages[l], l)
		}
	}
}

func TestStatus(t *testing.T) {
	until := civil.Date{Year: 2026, Month: 8, Day: 31}
	w := Work{Distribution: Distribution{From: civil.Date{Year: 2023, Month: 9, Day: 1}, Until: until}}
	suspended := w
	suspended.Suspended = true
	for name, c := range map[string]struct {
		work Work
		day  civil.Date
		want Status
	}{
		"in its time":               {w, until.AddDays(-300), StatusOffered},
		"before its first day":      {w, w.Distribution.From.AddDays(-1), StatusAhead},
		"on its first day":          {w, w.Distribution.From, StatusOffered},
		"on the last day":           {w, until, StatusOffered},
		"on the day after":          {w, until.AddDays(1), StatusWithdrawn},
		"under suspicion":           {suspended, until, StatusSuspended},
		"under suspicion and ended": {suspended, until.AddDays(1), StatusSuspended},
	} {
		if got := c.work.Status(c.day); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestFind(t *testing.T) {
	w, err := Shelf{}.Find("w001", today)
	if err != nil || w.Title != "Numbrirada. Matemaatika 1. klassile" {
		t.Errorf("w001 is %q (%v)", w.Title, err)
	}
	if _, err := (Shelf{}).Find("w001", w.Distribution.From); err != nil {
		t.Errorf("on the day of publication: %v", err)
	}
	if _, err := (Shelf{}).Find("w001", w.Distribution.Until.AddDays(1)); err != nil {
		t.Errorf("after its end: %v", err)
	}
	if _, err := (Shelf{}).Find("w001", w.Distribution.From.AddDays(-1)); !errors.Is(err, ErrUnknown) {
		t.Errorf("before its publication: %v", err)
	}
	for _, id := range []WorkID{"", "w000", "w999", "W001"} {
		if _, err := (Shelf{}).Find(id, today); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestALineWithAMistakeIsRefused(t *testing.T) {
	for name, line := range map[string]string{
		"columns":    "w1\tTitle",
		"grade":      "w1\tTitle\tart\tfirst\ten\tP\tA\t2024-01-01\t2030-01-01\tX-1\t",
		"last grade": "w1\tTitle\tart\t1-\ten\tP\tA\t2024-01-01\t2030-01-01\tX-1\t",
		"from":       "w1\tTitle\tart\t1\ten\tP\tA\t2024-02-30\t2030-01-01\tX-1\t",
		"until":      "w1\tTitle\tart\t1\ten\tP\tA\t2024-01-01\tforever\tX-1\t",
	} {
		if _, err := read("the heads\n" + line + "\n"); err == nil || !strings.HasPrefix(err.Error(), "works.tsv:2: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNamesOfWorks(t *testing.T) {
	for _, w := range (Shelf{}).All() {
		if id, err := ParseWorkID(string(w.ID)); id != w.ID || err != nil {
			t.Errorf("%s is %q, %v", w.ID, id, err)
		}
	}
	for _, s := range []string{"", "W001", "w001#", "w 1", "õ", strings.Repeat("w", 51)} {
		if id, err := ParseWorkID(s); id != "" || !errors.Is(err, ErrUnknown) {
			t.Errorf("%q is %q, %v", s, id, err)
		}
	}
}
