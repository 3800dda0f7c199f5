// Dispatch reads the table's stream and puts each new letter on the queue "mail": what a transaction wrote is what is sent,
// and nothing is published from memory.
package main

import (
	"context"

	"opiq/shared/cloud"
	"opiq/shared/letter"
	"opiq/shared/queue"
	"opiq/shared/stream"
)

type sender interface {
	SendAll(context.Context, []any) (taken int, err error)
}

type dispatch struct{ mail sender }

func main() {
	stream.Start(dispatch{queue.Open(cloud.Config(), cloud.Env("MAIL_QUEUE"))}.handle)
}

// handle sends the letters ten at a time. One that is sent twice is known by its consumer.
func (d dispatch) handle(ctx context.Context, letters []letter.ID) (done int, err error) {
	for rest := letters; len(rest) > 0; rest = letters[done:] {
		var batch []any
		for _, id := range rest[:min(10, len(rest))] {
			batch = append(batch, letter.Ready{Letter: id})
		}
		taken, err := d.mail.SendAll(ctx, batch)
		if done += taken; err != nil || taken < len(batch) {
			return done, err
		}
	}
	return done, nil
}
