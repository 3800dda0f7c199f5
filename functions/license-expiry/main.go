// Command license-expiry rings for licenses that end soon or have ended: license-clock tells their owners. Access does not wait for it.
package main

import (
	"context"
	"time"

	"opiq/shared/cloud"
	"opiq/shared/license"
	"opiq/shared/queue"
	"opiq/shared/schedule"
	"opiq/shared/table"
)

type bell struct{ clock license.Clock }

func main() {
	schedule.Start(bell{queue.Open(cloud.Config(), cloud.Env("CLOCK_QUEUE"))}.handle)
}

func (b bell) handle(ctx context.Context, now time.Time) error {
	return license.Ring(ctx, b.clock, now, license.Bell{Kind: table.Expiry, Shards: table.Shards})
}
