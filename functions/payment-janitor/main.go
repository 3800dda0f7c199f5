// Command payment-janitor tells buyers of invoices that are due and overdue, and ends orders that were not paid in time: what had
// come of their price goes back. Whether an order can still be set out to be paid does not wait for it.
package main

import (
	"context"
	"log/slog"
	"time"

	"opiq/shared/cloud"
	"opiq/shared/due"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/schedule"
	"opiq/shared/table"
)

type store interface {
	DueOrders(ctx context.Context, shard int, now time.Time, after string) (page []order.Order, next string, err error)
	Unlicensed(context.Context, order.Number) (payment.Book, error)
	Age(context.Context, payment.Change) (moved bool, err error)
}

type janitor struct{ store store }

func main() {
	schedule.Start(janitor{table.Open(cloud.Config(), cloud.Env("TABLE"))}.handle)
}

func (j janitor) handle(ctx context.Context, now time.Time) error {
	page := func(ctx context.Context, shard int, after string) ([]order.Order, string, error) {
		return j.store.DueOrders(ctx, shard, now, after)
	}
	moved, err := due.Work(ctx, table.Shards, page, func(ctx context.Context, o order.Order) (bool, error) { return j.step(ctx, o, now) })
	slog.InfoContext(ctx, "payment-janitor", "time", now, "moved", moved)
	return err
}

// step takes an order one step on. Its payments are read only where they go back.
func (j janitor) step(ctx context.Context, o order.Order, now time.Time) (bool, error) {
	book := payment.Book{Order: o}
	change, ok := book.Step(now)
	if ok && change.Order.State == order.Expired && o.Received > 0 {
		var err error
		if book, err = j.store.Unlicensed(ctx, o.Number); err != nil {
			return false, err
		}
		change, ok = book.Step(now)
	}
	if !ok {
		return false, nil
	}
	return j.store.Age(ctx, change)
}
