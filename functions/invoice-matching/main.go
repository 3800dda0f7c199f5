// Command invoice-matching finds out what money on the account was for. It takes new bank entries from the queue "bank-entries",
// ten at a time, and walks each down the ladder (package reconciliation): to the orders that it pays, or to a person, with what
// they may make of it.
package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"opiq/shared/account"
	"opiq/shared/cloud"
	"opiq/shared/invoice"
	"opiq/shared/metric"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/queue"
	"opiq/shared/reconciliation"
	"opiq/shared/table"
)

type store interface {
	EntriesOf(context.Context, ...reconciliation.ID) (map[reconciliation.ID]reconciliation.Entry, error)
	Invoiced(context.Context, ...invoice.Number) (map[invoice.Number]order.Number, error)
	Books(context.Context, ...order.Number) ([]payment.Book, error)
	OpenAt(context.Context, money.Amount) ([]order.Order, error)
	PaidFrom(ctx context.Context, iban string) ([]payment.Payment, error)
	Reconcile(context.Context, reconciliation.Outcome, ...account.Act) error
}

type matching struct {
	store store
	now   func() time.Time
}

func main() {
	queue.StartBatch(matching{table.Open(cloud.Config(), cloud.Env("TABLE")), time.Now}.handle)
}

// handle matches the entries of a batch; returns last, because what they take back may have come with them.
func (m matching) handle(ctx context.Context, messages []reconciliation.Ready) []error {
	var ids []reconciliation.ID
	for _, r := range messages {
		if !slices.Contains(ids, r.Entry) {
			ids = append(ids, r.Entry)
		}
	}
	became := map[reconciliation.ID]error{}
	b, err := m.read(ctx, ids)
	for _, returns := range []bool{false, true} {
		turn := slices.DeleteFunc(slices.Clone(ids), func(id reconciliation.ID) bool { return b.entries[id].Return() != returns })
		for len(turn) > 0 && err == nil {
			turn, err = b.round(ctx, turn, became)
		}
	}
	errs := make([]error, len(messages))
	for i, r := range messages {
		var tried bool
		if errs[i], tried = became[r.Entry]; !tried {
			errs[i] = err
		}
	}
	return errs
}

// round gives each entry a turn, and answers those that have another because something moved meanwhile: for as long as the call
// lasts, and none waits for one that moves all the time.
func (b batch) round(ctx context.Context, turn []reconciliation.ID, became map[reconciliation.ID]error) (again []reconciliation.ID, err error) {
	for _, id := range turn {
		became[id] = b.match(ctx, id)
		if errors.Is(became[id], table.ErrChanged) {
			again = append(again, id)
		}
	}
	if len(again) == 0 {
		return nil, nil
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(time.Duration(rand.IntN(50)) * time.Millisecond):
		return again, b.look(ctx, again)
	}
}

// match decides about an entry on what stands in the table. One that was decided before is done; ErrChanged is to be decided again.
func (b batch) match(ctx context.Context, id reconciliation.ID) error {
	e, ok := b.entries[id]
	if !ok {
		return reconciliation.ErrNotFound
	}
	out, news, err := b.decide(ctx, e)
	if err != nil || !news {
		return err
	}
	err = b.store.Reconcile(ctx, out)
	for _, a := range out.Entry.Allocations { // these books are read again by the next that needs them
		delete(b.books, a.Order)
	}
	if err == nil && out.Entry.State == reconciliation.Waiting {
		metric.Count("EntryWaiting", string(out.Entry.Reason), string(id))
	}
	return err
}

// decide walks an entry down the ladder. Not news is one that somebody has looked at.
func (b batch) decide(ctx context.Context, e reconciliation.Entry) (out reconciliation.Outcome, news bool, err error) {
	if e.State != reconciliation.New {
		return out, false, nil
	}
	k, err := b.known(ctx, e)
	if err != nil {
		return out, false, err
	}
	out, news = reconciliation.Decide(e, k, b.now())
	if out.Entry.State == reconciliation.Waiting {
		out.Entry, err = b.suggest(ctx, out.Entry, k)
	}
	return out, news, err
}
