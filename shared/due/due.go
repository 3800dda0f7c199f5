// Package due works off what has a next moment: everything in the shards of an index whose time has come, a page at a time.
//
// It can be cut off by its context, run late, and run twice at once: what is moved is one conditional change, and what was cut
// off is still due. The package knows neither clock nor table.
package due

import (
	"context"
	"errors"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Work takes each thing that is due one step on, in all shards, and answers how many moved. Page lists a shard, a page after
// another, until next is empty; step answers whether it moved the thing: not where it was not due after all, or somebody was
// quicker. A fault does not stop the others.
func Work[T any](
	ctx context.Context, shards int, page func(ctx context.Context, shard int, after string) (things []T, next string, err error),
	step func(context.Context, T) (moved bool, err error),
) (int, error) {
	var moved atomic.Int64
	work := new(errgroup.Group)
	work.SetLimit(8)
	for shard := range shards {
		work.Go(func() (faults error) {
			for after, more := "", true; more && ctx.Err() == nil; more = after != "" {
				things, next, err := page(ctx, shard, after)
				if err != nil {
					return fault(ctx, faults, err)
				}
				after = next
				for _, t := range things {
					ok, err := step(ctx, t)
					if ok {
						moved.Add(1)
					}
					faults = fault(ctx, faults, err)
				}
			}
			return faults
		})
	}
	err := work.Wait()
	return int(moved.Load()), err
}

// fault adds an error to those before, unless it only says that time is up.
func fault(ctx context.Context, before, err error) error {
	if ctx.Err() != nil {
		return before
	}
	return errors.Join(before, err)
}
