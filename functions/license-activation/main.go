// Command license-activation tells the owners of licenses that start that they have started. Access does not wait for it.
package main

import (
	"context"
	"log/slog"
	"time"

	"opiq/shared/cloud"
	"opiq/shared/license"
	"opiq/shared/schedule"
	"opiq/shared/table"
)

type clock struct{ store license.Store }

func main() {
	schedule.Start(clock{table.Open(cloud.Config(), cloud.Env("TABLE"))}.handle)
}

func (c clock) handle(ctx context.Context, now time.Time) error {
	moved, err := license.Advance(ctx, c.store, table.Activation, table.Shards, now)
	slog.InfoContext(ctx, "license-activation", "time", now, "moved", moved)
	return err
}
