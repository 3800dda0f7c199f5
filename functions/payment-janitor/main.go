// Command payment-janitor does what is left where nobody else comes by. It tells buyers of invoices that are due and overdue, and ends
// orders that were not paid in time: what had come of their price goes back. It sends again what waits for a queue for too long. And it
// looks at each paid order once, whether its license and its letters are there. Of accounts that their owners closed it ends the orders, and
// erases after a while what says who they were. Whether an order can still be set out to be paid, and whether a license is open, does not
// wait for it.
package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"opiq/shared/account"
	"opiq/shared/cloud"
	"opiq/shared/due"
	"opiq/shared/letter"
	"opiq/shared/metric"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/schedule"
	"opiq/shared/table"
)

type store interface {
	DueOrders(ctx context.Context, kind string, shard int, now time.Time, after string) (page []order.Order, next string, err error)
	Overdue(ctx context.Context, shard int, now time.Time, after string) (page []table.Overdue, next string, err error)
	Book(context.Context, order.Number) (payment.Book, error)
	Written(context.Context, ...letter.ID) (map[letter.ID]bool, error)
	Age(context.Context, payment.Change) (moved bool, err error)
	Nudge(ctx context.Context, w table.Overdue, now time.Time) (moved bool, err error)
	DueAccounts(ctx context.Context, shard int, now time.Time, after string) (page []account.Account, next string, err error)
	BooksOf(context.Context, account.ID) ([]payment.Book, error)
	Erase(ctx context.Context, id account.ID, now time.Time) (all bool, err error)
	Fade(context.Context, account.Account) (moved bool, err error)
}

type janitor struct{ store store }

func main() {
	schedule.Start(janitor{table.Open(cloud.Config(), cloud.Env("TABLE"))}.handle)
}

// handle does its four kinds of work side by side: none waits for another, or fails with it.
func (j janitor) handle(ctx context.Context, now time.Time) error {
	orders := func(kind string, step func(context.Context, order.Order, time.Time) (bool, error)) func() (int, error) {
		return func() (int, error) {
			page := func(ctx context.Context, shard int, after string) ([]order.Order, string, error) {
				return j.store.DueOrders(ctx, kind, shard, now, after)
			}
			return due.Work(ctx, table.Shards, page, func(ctx context.Context, o order.Order) (bool, error) { return step(ctx, o, now) })
		}
	}
	stuck := func() (int, error) {
		page := func(ctx context.Context, shard int, after string) ([]table.Overdue, string, error) {
			return j.store.Overdue(ctx, shard, now, after)
		}
		return due.Work(ctx, table.Shards, page, func(ctx context.Context, w table.Overdue) (bool, error) { return j.nudge(ctx, w, now) })
	}
	leaving := func() (int, error) {
		page := func(ctx context.Context, shard int, after string) ([]account.Account, string, error) {
			return j.store.DueAccounts(ctx, shard, now, after)
		}
		return due.Work(ctx, table.Shards, page, func(ctx context.Context, a account.Account) (bool, error) { return j.fade(ctx, a, now) })
	}
	var moved [4]int
	var faults [4]error
	var all sync.WaitGroup
	for i, work := range []func() (int, error){orders(table.Unpaid, j.age), stuck, orders(table.Unchecked, j.check), leaving} {
		all.Go(func() { moved[i], faults[i] = work() })
	}
	all.Wait()
	slog.InfoContext(ctx, "payment-janitor", "time", now, "aged", moved[0], "nudged", moved[1], "checked", moved[2], "left", moved[3])
	return errors.Join(faults[:]...)
}

// age takes an unpaid order one step on. Its payments are read only where they go back.
func (j janitor) age(ctx context.Context, o order.Order, now time.Time) (bool, error) {
	book := payment.Book{Order: o}
	change, ok := book.Step(now)
	if ok && change.Order.State == order.Expired && o.Received > 0 {
		var err error
		if book, err = j.store.Book(ctx, o.Number); err != nil {
			return false, err
		}
		change, ok = book.Step(now)
	}
	if !ok {
		return false, nil
	}
	return j.store.Age(ctx, change)
}

// nudge has a thing sent again. Once may be chance, twice is for somebody to look at; but a payment that the buyer takes their time
// over is asked about for as long as that.
func (j janitor) nudge(ctx context.Context, w table.Overdue, now time.Time) (bool, error) {
	moved, err := j.store.Nudge(ctx, w, now)
	if moved && w.Nudged > 0 && w.Kind != "attempt" {
		metric.Count("Stuck", w.Kind, w.ID)
	}
	return moved, err
}

// check looks whether a paid order has all that follows from that, and writes what it has not.
func (j janitor) check(ctx context.Context, o order.Order, now time.Time) (bool, error) {
	book, err := j.store.Book(ctx, o.Number)
	if err != nil {
		return false, err
	}
	change, ok := book.Check(now)
	if !ok {
		return false, nil
	}
	var ids []letter.ID
	for _, l := range change.Letters {
		ids = append(ids, l.ID)
	}
	written, err := j.store.Written(ctx, ids...)
	if err != nil {
		return false, err
	}
	change, missing := change.Missing(written)
	moved, err := j.store.Age(ctx, change)
	if moved {
		for _, what := range missing {
			metric.Count("Repaired", what, string(o.Number))
		}
	}
	return moved, err
}

// fade takes an account that its owner closed a step on: its orders end, and at the end of the waiting time it is erased.
func (j janitor) fade(ctx context.Context, a account.Account, now time.Time) (bool, error) {
	at, ok := a.Next()
	switch {
	case !ok || now.Before(at):
		return false, nil
	case a.EndedAt.IsZero():
		return j.end(ctx, a, now)
	}
	all, err := j.store.Erase(ctx, a.ID, now)
	if err != nil || !all { // there is more, for the next time
		return false, err
	}
	books, err := j.store.BooksOf(ctx, a.ID)
	if err != nil {
		return false, err
	}
	return j.store.Fade(ctx, a.Erase(payment.Named(books), now))
}

// end ends every order of a closed account that money would still pay, also one that was placed while it closed: what comes from then on goes
// back. One that was paid meanwhile has a license that nobody opens: somebody has to look at it.
func (j janitor) end(ctx context.Context, a account.Account, now time.Time) (bool, error) {
	books, err := j.store.BooksOf(ctx, a.ID)
	if err != nil {
		return false, err
	}
	for _, b := range books {
		if change, ok := b.Leave(now); ok {
			if moved, err := j.store.Age(ctx, change); err != nil || !moved {
				return false, err
			}
		}
	}
	moved, err := j.store.Fade(ctx, a.End(now))
	for _, b := range books {
		if moved && b.PaidSince(a.ClosedAt) {
			metric.Count("Stuck", "account", string(b.Order.Number))
		}
	}
	return moved, err
}
