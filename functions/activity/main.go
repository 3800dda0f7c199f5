// Command activity takes from the queue "activity" what people did in the library: it writes each line into the log, counts how much was
// read by an account and from a network, and keeps where somebody was in a work.
//
// Lines come out of order, twice, and to two of these at once. A line stands under its own name, a count remembers the lines that it
// counted last, and a place moves forward in time only: so no transaction holds them together, what fails is done again from the start,
// and a line costs one write for each of the four things, or less where a batch holds several of one account.
package main

import (
	"context"
	"errors"
	"sync"

	"opiq/shared/account"
	"opiq/shared/activity"
	"opiq/shared/catalog"
	"opiq/shared/cloud"
	"opiq/shared/queue"
	"opiq/shared/reading"
	"opiq/shared/table"
)

type store interface {
	Log(context.Context, activity.Line) error
	ReadBy(context.Context, account.ID) (activity.Count, error)
	CountBy(context.Context, account.ID, activity.Count) error
	ReadAt(ctx context.Context, ip string) (activity.Count, error)
	CountAt(ctx context.Context, ip string, c activity.Count) error
	PlaceIn(context.Context, account.ID, catalog.WorkID) (reading.Place, error)
	KeepPlace(context.Context, account.ID, reading.Place) error
}

type keeper struct{ store store }

func main() {
	queue.StartBatch(keeper{table.Open(cloud.Config(), cloud.Env("TABLE"))}.handle)
}

// subject is what several lines of a batch are about: an account, a network, or an account's reading in a work.
type subject struct {
	account account.ID
	network string
	work    catalog.WorkID
}

// handle does all that follows from lines, side by side. A line has to come again where any of it failed.
func (k keeper) handle(ctx context.Context, lines []activity.Line) []error {
	errs := make([]error, len(lines))
	about := map[subject][]int{}
	var all sync.WaitGroup
	var mu sync.Mutex
	do := func(which []int, what func() error) {
		all.Go(func() {
			err := what()
			mu.Lock()
			defer mu.Unlock()
			for _, i := range which {
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	for i, l := range lines {
		if errs[i] = l.Err(); errs[i] != nil {
			continue
		}
		do([]int{i}, func() error { return k.store.Log(ctx, l) })
		for _, s := range subjects(l) {
			about[s] = append(about[s], i)
		}
	}
	for s, which := range about {
		var of []activity.Line
		for _, i := range which {
			of = append(of, lines[i])
		}
		do(which, func() error { return k.follow(ctx, s, of) })
	}
	all.Wait()
	return errs
}

func subjects(l activity.Line) (all []subject) {
	if l.Counts() {
		all = append(all, subject{account: l.Account})
	}
	if l.Counts() && l.IP != "" {
		all = append(all, subject{network: account.Network(l.IP)})
	}
	if l.What == activity.ChapterRead {
		all = append(all, subject{account: l.Account, work: l.Work})
	}
	return all
}

// follow stores what follows from lines for what they are about.
func (k keeper) follow(ctx context.Context, s subject, lines []activity.Line) error {
	switch {
	case s.network != "":
		return change(ctx,
			func() (activity.Count, error) { return k.store.ReadAt(ctx, s.network) },
			func(c activity.Count) (activity.Count, bool) { return c.With(account.ReadTriesAt, lines) },
			func(c activity.Count) error { return k.store.CountAt(ctx, s.network, c) })
	case s.work != "":
		return change(ctx,
			func() (reading.Place, error) { return k.store.PlaceIn(ctx, s.account, s.work) },
			func(p reading.Place) (reading.Place, bool) { return furthest(p, lines) },
			func(p reading.Place) error { return k.store.KeepPlace(ctx, s.account, p) })
	default:
		return change(ctx,
			func() (activity.Count, error) { return k.store.ReadBy(ctx, s.account) },
			func(c activity.Count) (activity.Count, bool) { return c.With(account.ReadTries, lines) },
			func(c activity.Count) error { return k.store.CountBy(ctx, s.account, c) })
	}
}

// furthest is the place after the chapters of lines were read.
func furthest(p reading.Place, lines []activity.Line) (_ reading.Place, changed bool) {
	for _, l := range lines {
		var moved bool
		p, moved = p.Read(l.Chapter, l.At)
		changed = changed || moved
	}
	return p, changed
}

// change reads a thing, changes it and writes it.
func change[T any](ctx context.Context, read func() (T, error), with func(T) (T, bool), keep func(T) error) error {
	return table.Again(ctx, func() error {
		v, err := read()
		if err != nil {
			return err
		}
		v, changed := with(v)
		if !changed {
			return nil
		}
		return keep(v)
	})
}
