package catalog

import (
	"errors"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"opiq/shared/hold"
	"opiq/shared/problem"
)

// kept is a shelf on which staff have changed something of everything.
var kept = Shelf{Changes: map[WorkID]Change{
	"w002": {ID: "w002", Holds: hold.Set{{ID: "1", On: "work:w002", Basis: hold.SuspectedIP}}, Revision: 1},
	"w007": {ID: "w007", Distribution: &Distribution{day("2023-08-15"), day("2026-08-31")}, Agreement: "LK-2023-02", Revision: 2},
	"w008": {ID: "w008", Distribution: &Distribution{day("2027-01-01"), day("2036-08-31")}, Agreement: "LK-2026-11", Revision: 1},
}}

// TestEveryWorkIsInTheRegisterOnce: under its status, whatever the size of the pages.
func TestEveryWorkIsInTheRegisterOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := strconv.Itoa(rapid.IntRange(1, 100).Draw(t, "limit"))
		seen := map[WorkID]bool{}
		for _, status := range statuses {
			after := ""
			for {
				page, err := kept.Register(RegisterQuery{Status: string(status), After: after, Limit: limit}, today)
				if err != nil {
					t.Fatal(err)
				}
				for _, w := range page.Works {
					if seen[w.ID] || w.Status != status || w.Agreement == "" || w.Holds == nil {
						t.Fatalf("%+v, seen %t", w, seen[w.ID])
					}
					seen[w.ID] = true
				}
				if page.Next == nil {
					break
				}
				after = *page.Next
			}
		}
		if len(seen) != len(works()) {
			t.Fatalf("%d works of %d", len(seen), len(works()))
		}
	})
}

func TestWhatStaffSeeOfAWork(t *testing.T) {
	for id, want := range map[WorkID]struct {
		status          Status
		holds, revision int
	}{"w001": {StatusOffered, 0, 0}, "w002": {StatusSuspended, 1, 1}, "w007": {StatusWithdrawn, 0, 2}, "w008": {StatusAhead, 0, 1}, "w183": {StatusSuspended, 0, 0}} {
		r, err := kept.Record(id, today)
		if err != nil || r.Status != want.status || len(r.Holds) != want.holds || r.Revision != want.revision {
			t.Errorf("%+v (%v)", r, err)
		}
	}
	if _, err := kept.Record("w999", today); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}

func TestEveryWrongParameterOfTheRegisterIsNamed(t *testing.T) {
	_, err := kept.Register(RegisterQuery{"lost", "w001", "0"}, today)
	if p, ok := errors.AsType[*problem.Error](err); !ok || codes(p.Fields) != "/status unknown, /after unknown, /limit out_of_range" {
		t.Error(err)
	}
}
