package table

import (
	"context"
	"crypto/rand"
	"maps"
	"strings"
	"time"
)

// patience is how long each kind of thing waits for whoever has to do with it before it is sent to them again. It waits twice as
// long after each time.
var patience = map[string]time.Duration{
	"attempt":   2 * time.Minute,  // the card provider is asked
	"entry":     30 * time.Minute, // of many at once, the last ones wait for a quarter of an hour
	"mail":      10 * time.Minute,
	"refund":    10 * time.Minute,
	"statement": time.Hour, // a long one takes its time
}

// wait is how long a thing waits that was sent again so many times.
func wait(kind string, nudged int) time.Duration { return patience[kind] << min(nudged, 10) }

// waits lists the row among what is stuck, should nobody do it in time.
func (r row) waits(name string, since time.Time, nudged int) row {
	r.due, r.at = duePartition(Stuck, shard(name)), instant(since.Add(wait(r.kind, nudged)))+"#"+name
	return r
}

// Overdue is a thing that waited too long: its kind, its id, and how often it was sent again before.
type Overdue struct {
	Kind   string
	ID     string
	Nudged int
	item   item
}

// Overdue is a page of what waits for longer than it should: candidates, as the index lists them.
func (t *Table) Overdue(ctx context.Context, shard int, now time.Time, after string) (page []Overdue, next string, err error) {
	items, next, err := t.dueItems(ctx, Stuck, shard, now, after)
	for _, i := range items {
		page = append(page, Overdue{textOf(i["kind"]), textOf(i["id"]), numberOf(i["nudged"]), i})
	}
	return page, next, err
}

// Nudge writes a thing again as it is, but for the count: by the stream dispatch hears of it, and sends it again. So nobody has to
// know here who does what, and what was written is sent, whatever happens to us. Not moved where somebody was quicker. Where we
// are late ourselves, it waits from now on: nothing is made up for.
func (t *Table) Nudge(ctx context.Context, w Overdue, now time.Time) (bool, error) {
	at, name, _ := strings.Cut(textOf(w.item["dueAt"]), "#")
	due, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return false, err
	}
	next := due.Add(wait(w.Kind, w.Nudged))
	if !next.After(now) {
		next = now.Add(wait(w.Kind, w.Nudged))
	}
	i := maps.Clone(w.item)
	i["nudged"], i["dueAt"] = number(int64(w.Nudged)+1), text(instant(next)+"#"+name)
	return quicker(t.putOne(ctx, t.conditional(i, numberOf(w.item["revision"]), rand.Text())))
}
