package license

import (
	"context"
	"time"

	"opiq/shared/due"
	"opiq/shared/letter"
)

// Store is what advancing needs of the table.
type Store interface {
	DueLicenses(ctx context.Context, kind string, shard int, now time.Time, after string) (page []License, next string, err error)
	Advance(context.Context, License, letter.Letter) (moved bool, err error)
}

// Advance takes every license of a kind that is due at an instant to its stage, and answers how many moved.
func Advance(ctx context.Context, s Store, kind string, shards int, now time.Time) (int, error) {
	page := func(ctx context.Context, shard int, after string) ([]License, string, error) {
		return s.DueLicenses(ctx, kind, shard, now, after)
	}
	return due.Work(ctx, shards, page, func(ctx context.Context, l License) (bool, error) {
		l, tell, ok := l.Step(now)
		if !ok {
			return false, nil
		}
		return s.Advance(ctx, l, tell)
	})
}
