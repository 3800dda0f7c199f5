package table

import (
	"context"
	"errors"
	"sync"
	"time"

	"opiq/shared/catalog"
)

// Shelf is the library as staff have left it, in one read.
func (t *Table) Shelf(ctx context.Context) (catalog.Shelf, error) { return t.shelf(ctx, true) }

func (t *Table) shelf(ctx context.Context, consistent bool) (s catalog.Shelf, err error) {
	items, err := t.query(ctx, shelfPartition, "", consistent)
	if err != nil {
		return s, err
	}
	s.Changes = map[catalog.WorkID]catalog.Change{}
	for _, i := range items {
		switch textOf(i["kind"]) {
		case "work":
			var c catalog.Change
			err = errors.Join(err, decode(i, &c))
			s.Changes[c.ID] = c
		case "group":
			var g catalog.Group
			err = errors.Join(err, decode(i, &g))
			s.Groups = append(s.Groups, g.Holds...)
		case "prices":
			s.Lists, err = more(s.Lists, i, err)
		}
	}
	return s, err
}

// Window is the shelf for whoever only looks: as it was a moment ago, and read for all of them once in that moment.
type Window struct {
	table *Table
	now   func() time.Time
	mu    sync.Mutex
	shelf catalog.Shelf
	at    time.Time
}

// moment is how long a window shows the same. Those who look have answers that caches keep for much longer.
const moment = 5 * time.Second

// Window makes a window on the table's shelf.
func (t *Table) Window(now func() time.Time) *Window { return &Window{table: t, now: now} }

// Shelf is the library as staff have left it a moment ago. A read that fails is not kept.
func (w *Window) Shelf(ctx context.Context) (catalog.Shelf, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now().Round(0) // as the wall has it: the process's own clock may stand still between two calls
	if age := now.Sub(w.at); 0 <= age && age < moment {
		return w.shelf, nil
	}
	s, err := w.table.shelf(ctx, false)
	if err == nil {
		w.shelf, w.at = s, now
	}
	return s, err
}

func changeRow(c catalog.Change) row {
	return row{key: changeKey(c.ID), kind: "work", value: c, revision: c.Revision}
}

func groupRow(g catalog.Group) row {
	return row{key: groupKey(g.ID), kind: "group", value: g, revision: g.Revision}
}

func pricesRow(l catalog.List) row {
	return row{key: pricesKey(l), kind: "prices", value: l, revision: l.Revision}
}
