package table

import (
	"context"
	"errors"
	"slices"

	"opiq/shared/account"
	"opiq/shared/activity"
	"opiq/shared/catalog"
	"opiq/shared/reading"
)

// Log writes a line of the activity log, once however often it comes.
func (t *Table) Log(ctx context.Context, l activity.Line) error {
	if err := t.commit(ctx, lineRow(l)); !errors.Is(err, ErrChanged) {
		return err
	}
	return nil
}

func lineRow(l activity.Line) row {
	return row{key: lineKey(l), kind: "activity", value: l, expires: l.Until()}
}

// ReadBy is how much an account has read.
func (t *Table) ReadBy(ctx context.Context, id account.ID) (activity.Count, error) {
	return t.count(ctx, readKey(id))
}

// ReadAt is how much was read from the network of an address.
func (t *Table) ReadAt(ctx context.Context, ip string) (activity.Count, error) {
	return t.count(ctx, triesKey(readAt(ip)))
}

func (t *Table) count(ctx context.Context, k key) (c activity.Count, err error) {
	if err = t.one(ctx, k, &c); errors.Is(err, errNone) {
		err = nil
	}
	return c, err
}

// CountBy stores how much an account has read. ErrChanged where somebody was quicker.
func (t *Table) CountBy(ctx context.Context, id account.ID, c activity.Count) error {
	return t.commit(ctx, countRow(readKey(id), c))
}

// CountAt stores how much was read from the network of an address. ErrChanged where somebody was quicker.
func (t *Table) CountAt(ctx context.Context, ip string, c activity.Count) error {
	return t.commit(ctx, countRow(triesKey(readAt(ip)), c))
}

func countRow(k key, c activity.Count) row {
	return row{key: k, kind: "tries", value: c, revision: c.Revision, expires: c.Over()}
}

// PlaceIn is what is kept of somebody's reading in a work: nothing, where they have not read in it.
func (t *Table) PlaceIn(ctx context.Context, id account.ID, w catalog.WorkID) (reading.Place, error) {
	p := reading.Place{Work: w}
	err := t.one(ctx, placeKey(id, w), &p)
	if errors.Is(err, errNone) {
		err = nil
	}
	return p, err
}

// KeepPlace stores a place. ErrChanged where somebody was quicker.
func (t *Table) KeepPlace(ctx context.Context, id account.ID, p reading.Place) error {
	return t.commit(ctx, row{key: placeKey(id, p.Work), kind: "place", value: p, revision: p.Revision})
}

// Places are the works that somebody read in and where they were, the latest first.
func (t *Table) Places(ctx context.Context, id account.ID) (all []reading.Place, err error) {
	items, err := t.partition(ctx, accountPartition(id), placePrefix)
	if err != nil {
		return nil, err
	}
	for _, i := range items {
		all, err = more(all, i, err)
	}
	all = slices.DeleteFunc(all, func(p reading.Place) bool { return p.Chapter == 0 })
	slices.SortFunc(all, func(a, b reading.Place) int { return b.At.Compare(a.At) })
	return all, err
}

// Notes are the notes that somebody wrote in a work, with those that were removed of late.
func (t *Table) Notes(ctx context.Context, id account.ID, w catalog.WorkID) (all []reading.Note, err error) {
	items, err := t.partition(ctx, accountPartition(id), notePrefix(w))
	if err != nil {
		return nil, err
	}
	for _, i := range items {
		all, err = more(all, i, err)
	}
	return all, err
}

// KeepNote stores a note. ErrChanged where somebody was quicker.
func (t *Table) KeepNote(ctx context.Context, id account.ID, n reading.Note) error {
	r := row{key: noteKey(id, n), kind: "note", value: n, revision: n.Revision}
	if !n.Stands() {
		r.expires = n.DeletedAt.Add(reading.Left)
	}
	return t.commit(ctx, r)
}
