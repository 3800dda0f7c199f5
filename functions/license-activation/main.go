// Command license-activation rings for licenses that begin and for holds of groups: license-clock tells owners and members. Access does
// not wait for it.
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
	return license.Ring(ctx, b.clock, now, license.Bell{Kind: table.Activation, Shards: table.Shards}, license.Bell{Kind: table.Notices, Shards: 1})
}
