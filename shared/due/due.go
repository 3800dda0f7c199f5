// Package due works off what has a next moment: everything in the shards of an index whose time has come, a page at a time.
//
// It can be cut off by its context, run late, and run twice at once: what is moved is one conditional change, and what was cut
// off is still due. What fails, or panics, stops nothing beside it. The package knows neither clock nor table.
package due

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Left is how far a shard was drained.
type Left struct {
	Moved int    // so many things
	More  bool   // time was up before the shard's end
	After string // then: where to go on
}

// Forward tells whether somebody who goes on there gets anywhere: some things moved, or all were looked at from the place where
// this one began up to another. So whoever hands on only what goes forward comes to an end, even where all fails.
func (l Left) Forward(began string, fault error) bool {
	return l.More && (l.Moved > 0 || fault == nil && l.After != began)
}

// Drain takes each thing that is due in a shard one step on, from a place on: a page after another, until next is empty, and of a
// page so many things at once. Page lists what comes after a place, and beside an error what it could read; step answers whether
// it moved the thing: not where it was not due after all, or somebody was quicker.
func Drain[T any](
	ctx context.Context, abreast int, after string, page func(ctx context.Context, after string) (things []T, next string, err error),
	step func(context.Context, T) (moved bool, err error),
) (Left, error) {
	left, faults := Left{After: after}, new(faults)
	for {
		things, next, err := page(ctx, left.After)
		faults.add(ctx, err)
		left.Moved += together(ctx, abreast, things, step, faults)
		if left.More = ctx.Err() != nil; left.More || next == "" {
			return left, faults.err()
		}
		left.After = next
	}
}

// Work drains all shards, of each one thing after another, and answers how many things moved.
func Work[T any](
	ctx context.Context, shards int, page func(ctx context.Context, shard int, after string) (things []T, next string, err error),
	step func(context.Context, T) (moved bool, err error),
) (int, error) {
	var moved atomic.Int64
	work := new(errgroup.Group)
	work.SetLimit(8)
	for shard := range shards {
		work.Go(func() error {
			left, err := Drain(ctx, 1, "", func(ctx context.Context, after string) ([]T, string, error) { return page(ctx, shard, after) }, step)
			moved.Add(int64(left.Moved))
			return err
		})
	}
	err := work.Wait()
	return int(moved.Load()), err
}

// together takes the things of a page a step on, and answers how many moved.
func together[T any](ctx context.Context, abreast int, things []T, step func(context.Context, T) (bool, error), faults *faults) int {
	var moved atomic.Int64
	work := new(errgroup.Group)
	work.SetLimit(abreast)
	for _, t := range things {
		if ctx.Err() != nil {
			break
		}
		work.Go(func() error {
			ok, err := safely(ctx, t, step)
			if ok {
				moved.Add(1)
			}
			faults.add(ctx, err)
			return nil
		})
	}
	_ = work.Wait() // the faults have been told
	return int(moved.Load())
}

// safely is a step whose panic is an error like others.
func safely[T any](ctx context.Context, t T, step func(context.Context, T) (bool, error)) (moved bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return step(ctx, t)
}

// faults are what went wrong: the first of them, and how many there are. Where everything fails these may be very many.
type faults struct {
	sync.Mutex
	first error
	count int
}

// add counts an error, unless it only says that time is up.
func (f *faults) add(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	f.Lock()
	defer f.Unlock()
	if f.count++; f.count == 1 {
		f.first = err
	}
}

func (f *faults) err() error {
	if f.count > 1 {
		return fmt.Errorf("%w (and %d more)", f.first, f.count-1)
	}
	return f.first
}
