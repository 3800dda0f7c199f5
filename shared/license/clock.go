package license

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"opiq/shared/letter"
)

// Shard is what the queue "clock" carries: a shard of a kind of things that have a next moment, to be drained of what is due at
// an instant; after a place, where somebody came that far.
type Shard struct {
	Kind  string    `json:"kind"`
	Shard int       `json:"shard"`
	Now   time.Time `json:"now"`
	After string    `json:"after,omitempty"`
}

// Clock is what ringing needs of the queue: it takes ten messages at once, and answers how many it took.
type Clock interface {
	SendAll(context.Context, []any) (taken int, err error)
}

// Bell is a kind of things that have a next moment, and over how many shards they are spread.
type Bell struct {
	Kind   string
	Shards int
}

// Ring puts a message for each shard of some kinds on the queue. What is not taken is an error, and keeps no other from it; a
// shard that is rung twice is drained twice, and moves once.
func Ring(ctx context.Context, c Clock, now time.Time, bells ...Bell) (faults error) {
	var all []any
	for _, b := range bells {
		for shard := range b.Shards {
			all = append(all, Shard{Kind: b.Kind, Shard: shard, Now: now})
		}
	}
	for batch := range slices.Chunk(all, 10) {
		taken, err := c.SendAll(ctx, batch)
		if err == nil && taken < len(batch) {
			err = fmt.Errorf("license: the clock's queue took %d of %d messages", taken, len(batch))
		}
		faults = errors.Join(faults, err)
	}
	return faults
}

// Store is what advancing needs of the table.
type Store interface {
	Advance(context.Context, License, letter.Letter) (moved bool, err error)
}

// Advance takes a license to the stage whose time has come at an instant, with its letter, and answers whether it moved.
func Advance(ctx context.Context, s Store, l License, now time.Time) (bool, error) {
	next, tell, ok := l.Step(now)
	if !ok {
		return false, nil
	}
	moved, err := s.Advance(ctx, next, tell)
	if err != nil {
		err = fmt.Errorf("license %s: %w", l.ID, err)
	}
	return moved, err
}
