// Command license-expiry tells the owners of licenses that end so, a fortnight and three days ahead and when it is over. Access does
// not wait for it.
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
	moved, err := license.Advance(ctx, c.store, table.Expiry, table.Shards, now)
	slog.InfoContext(ctx, "license-expiry", "time", now, "moved", moved)
	return err
}
