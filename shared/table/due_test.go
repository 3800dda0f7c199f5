package table

import (
	"fmt"
	"testing"
	"time"

	"opiq/local/stage"
	"opiq/shared/letter"
	"opiq/shared/license"
)

// TestAShardOfSeveralPagesIsListedWhole: every license once, though many are due at the same instant.
func TestAShardOfSeveralPagesIsListedWhole(t *testing.T) {
	cfg, name := stage.Table(t)
	s := Open(cfg, name)
	at := time.Date(2026, 8, 31, 21, 0, 0, 0, time.UTC)
	const many = 2*duePage + 7
	made, shard := 0, duePartition(Activation, 3)
	for i := 0; made < many; i++ {
		l := license.License{ID: license.Of(fmt.Sprint(1_000_000_000 + i)), Account: "mari", StartsAt: at.Add(time.Duration(i%2) * time.Hour), EndsAt: at.AddDate(1, 0, 0), Stage: license.Scheduled}
		if licenseRow(l).due != shard {
			continue
		}
		tell := letter.Letter{ID: letter.ID("license/" + string(l.ID)), Account: "mari"}
		if moved, err := s.Advance(t.Context(), l, tell); err != nil || !moved {
			t.Fatal(moved, err)
		}
		made++
	}
	seen, pages := map[license.ID]bool{}, 0
	for after, more := "", true; more; more = after != "" {
		page, next, err := s.DueLicenses(t.Context(), Activation, 3, at.Add(time.Hour), after)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range page {
			seen[l.ID] = true
		}
		after, pages = next, pages+1
	}
	if len(seen) != many || pages != 3 {
		t.Errorf("%d of %d in %d pages", len(seen), many, pages)
	}
}
