package license

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"opiq/shared/letter"
)

// Store is what advancing needs of the table. Due lists a page after another, until next is empty. ChangeLicense refuses
// where somebody was quicker.
type Store interface {
	Due(ctx context.Context, kind string, shard int, now time.Time, after string) (page []License, next string, err error)
	ChangeLicense(context.Context, License, ...letter.Letter) error
}

// Advance takes every license of a kind that is due at an instant to its stage, in all shards, a page at a time, and answers
// how many moved. It can be cut off by its context, run late, and run twice at once: each step is one conditional change
// with its letter.
func Advance(ctx context.Context, s Store, kind string, shards int, now time.Time, overtaken error) (int, error) {
	var moved atomic.Int64
	work := new(errgroup.Group) // one shard's fault does not stop the others
	work.SetLimit(8)
	for shard := range shards {
		work.Go(func() error {
			var faults error
			for after, more := "", true; more && ctx.Err() == nil; more = after != "" {
				page, next, err := s.Due(ctx, kind, shard, now, after)
				if err != nil && ctx.Err() == nil {
					faults = errors.Join(faults, err)
				}
				if err != nil {
					return faults
				}
				after = next
				for _, l := range page {
					l, tell, due := l.Step(now)
					if !due {
						continue
					}
					switch err := s.ChangeLicense(ctx, l, tell); {
					case err == nil:
						moved.Add(1)
					case !errors.Is(err, overtaken) && ctx.Err() == nil:
						faults = errors.Join(faults, err) // and on with the next
					}
				}
			}
			return faults
		})
	}
	err := work.Wait()
	return int(moved.Load()), err // what was cut off is no fault: it is still due
}
