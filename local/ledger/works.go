package ledger

import (
	"slices"

	"opiq/shared/catalog"
	"opiq/shared/hold"
	"opiq/shared/takedown"
)

// works holds what staff set against the acts that tell of it, and each report that a work was stopped for against the hold's record.
func (l Ledger) works(breach func(string, ...any)) {
	told := map[string]int{}
	for _, a := range l.Acts {
		told[string(a.What)+" "+a.Object]++
	}
	for _, p := range l.Prices {
		if n := told[string(catalog.PricesSet)+" prices:"+p.Version()]; n != p.Revision {
			breach("the price list of %s was set %d times, and %d acts tell of it", p.Version(), p.Revision, n)
		}
	}
	for _, w := range l.Works {
		if n := told[string(catalog.WorkRedistributed)+" work:"+string(w.ID)]; (n > 0) != (w.Distribution != nil) || w.Distribution != nil && w.Agreement == "" {
			breach("work %s is distributed %v under %q, and %d acts tell of it", w.ID, w.Distribution, w.Agreement, n)
		}
	}
	stopped := map[hold.ID]takedown.ID{}
	for _, r := range l.Takedowns {
		want := 1
		if r.State == takedown.Open {
			want = 0
		}
		if n := told[string(takedown.ReportDecided)+" takedown:"+string(r.ID)]; n != want || (r.Decided != nil) != (want == 1) {
			breach("report %s is %s, and %d acts tell of it", r.ID, r.State, n)
		}
		held := r.Decided != nil && r.Decided.Hold != ""
		if held != (r.State == takedown.Suspended) {
			breach("report %s is %s, and has a hold: %t", r.ID, r.State, held)
		}
		if held {
			stopped[r.Decided.Hold] = r.ID
		}
	}
	for _, h := range l.Holds {
		if id, ok := stopped[h.ID]; ok && !slices.Equal(h.Evidence, []string{"takedown:" + string(id)}) {
			breach("hold %s is not for report %s", h.ID, id)
		}
		delete(stopped, h.ID)
	}
	for h, id := range stopped {
		breach("a work was stopped for report %s by hold %s, which there is none of", id, h)
	}
}
