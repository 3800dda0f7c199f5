package table

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"opiq/shared/account"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/reconciliation"
)

// booking is a booking of the bank that was broken down.
type booking struct {
	Parts int `json:"parts"`
}

// KeepEntries stores those bank entries of a batch that are new, each once whoever hands it in how often, and answers what became of
// each. One that waits bare learns what the bank says of it by now. At most fifty. What was stored before an error is known the next time.
func (t *Table) KeepEntries(ctx context.Context, entries []reconciliation.Entry) ([]reconciliation.Kept, error) {
	var keys []key
	groups := map[string][]int{} // by booking: its parts come after each other
	for i, e := range entries {
		if groups[e.Bank.Booking] == nil {
			keys = append(keys, bookingKey(e.Bank.Booking))
		}
		groups[e.Bank.Booking] = append(groups[e.Bank.Booking], i)
		if k := entryKey(e.ID); e.Bank.Parts > 1 && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	there, err := t.get(ctx, keys...)
	if err != nil {
		return nil, err
	}
	kept := make([]reconciliation.Kept, len(entries))
	all, inner := errgroup.WithContext(ctx)
	all.SetLimit(16)
	for _, members := range groups {
		all.Go(func() (err error) {
			for _, i := range members {
				if kept[i], err = t.keep(inner, entries[i], there); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return kept, all.Wait()
}

// keep stores one entry, if it is new, after what was there before.
func (t *Table) keep(ctx context.Context, e reconciliation.Entry, there map[key]item) (reconciliation.Kept, error) {
	head, own := bookingKey(e.Bank.Booking), entryKey(e.ID)
	for {
		parts, err := partsOf(there[head])
		if err != nil {
			return 0, err
		}
		if parts != 0 && parts != e.Bank.Parts {
			return reconciliation.IsParted, nil
		}
		if i, ok := there[own]; ok {
			var before reconciliation.Entry
			if err := decode(i, &before); err != nil {
				return 0, err
			}
			if e.Bank.Contradicts(before.Bank) {
				return t.keepReused(ctx, e)
			}
			fuller, more := before.Learn(e)
			if more {
				err = t.queueUp(ctx, entryRow(fuller))
			}
			if !errors.Is(err, ErrChanged) {
				return reconciliation.IsKnown, err
			}
		} else {
			if parts == 0 && e.Bank.Parts > 1 {
				err = t.queueUp(ctx, row{key: head, kind: "booking", value: booking{e.Bank.Parts}})
			}
			if err == nil {
				err = t.queueUp(ctx, entryRow(e))
			}
			if !errors.Is(err, ErrChanged) {
				return reconciliation.IsNew, err
			}
		}
		if there, err = t.get(ctx, slices.Compact([]key{head, own})...); err != nil {
			return 0, err
		}
	}
}

// partsOf is into how many parts a booking was broken down; none where it is not there.
func partsOf(head item) (int, error) {
	switch textOf(head["kind"]) {
	case "":
		return 0, nil
	case "entry":
		return 1, nil
	}
	var b booking
	err := decode(head, &b)
	return b.Parts, err
}

// keepReused stores a payment whose identity another one has: under what is its own, so that it too is stored once.
func (t *Table) keepReused(ctx context.Context, e reconciliation.Entry) (reconciliation.Kept, error) {
	err := t.queueUp(ctx, entryRow(e.Reuse()))
	if errors.Is(err, ErrChanged) {
		return reconciliation.IsKnown, nil
	}
	return reconciliation.IsReused, err
}

// queueUp is commit for what comes by the thousand, and all into one list of the index: it waits where that takes no more for the
// moment.
func (t *Table) queueUp(ctx context.Context, r row) error {
	for try := 0; ; try++ {
		err := t.commit(ctx, r)
		if !throttled(err) || try == attempts {
			return err
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

func entryRow(e reconciliation.Entry) row {
	r := row{
		key: entryKey(e.ID), kind: "entry", value: e, revision: e.Revision, list: entryList(e.State), on: e.Bank.Booked.String() + "#" + string(e.ID),
	}
	if e.State == reconciliation.New {
		r = r.waits(string(e.ID), e.History[len(e.History)-1].At, e.Nudged)
	}
	return r
}

// Entry reads a bank entry; reconciliation.ErrNotFound where there is none.
func (t *Table) Entry(ctx context.Context, id reconciliation.ID) (e reconciliation.Entry, err error) {
	err = t.one(ctx, entryKey(id), &e)
	if errors.Is(err, errNone) || err == nil && e.ID == "" { // the head of a booking that was broken down is none
		err = reconciliation.ErrNotFound
	}
	return e, err
}

// EntriesOf are those of some bank entries that there are, each named once, in one round trip. At most a hundred.
func (t *Table) EntriesOf(ctx context.Context, ids ...reconciliation.ID) (map[reconciliation.ID]reconciliation.Entry, error) {
	var keys []key
	for _, id := range ids {
		keys = append(keys, entryKey(id))
	}
	items, err := t.get(ctx, keys...)
	entries := map[reconciliation.ID]reconciliation.Entry{}
	for _, i := range items {
		var e reconciliation.Entry
		err = errors.Join(err, decode(i, &e))
		if e.ID != "" { // the head of a booking that was broken down is none
			entries[e.ID] = e
		}
	}
	return entries, err
}

// Entries is a page of the bank entries of a state, the oldest booking first: candidates, as the index lists them. Next continues
// after it; empty is the end, and the beginning.
func (t *Table) Entries(ctx context.Context, s reconciliation.State, after string, most int) (page []reconciliation.Entry, next string, err error) {
	return listed[reconciliation.Entry](ctx, t, entryList(s), after, most, true)
}

// OpenAt are the orders with an invoice of which so much is left to pay, the latest of them, as the index lists them.
func (t *Table) OpenAt(ctx context.Context, left money.Amount) ([]order.Order, error) {
	page, _, err := listed[order.Order](ctx, t, openList(left), "", latest, false)
	return page, err
}

// PaidFrom are the payments that came from an account, the latest of them, as the index lists them.
func (t *Table) PaidFrom(ctx context.Context, iban string) ([]payment.Payment, error) {
	if iban == "" {
		return nil, nil
	}
	page, _, err := listed[payment.Payment](ctx, t, payerList(iban), "", latest, false)
	return page, err
}

// latest is how many things of a list are looked at where somebody looks for one of them: what fits into one answer.
const latest = 500

func listed[T any](ctx context.Context, t *Table, list, after string, most int, forward bool) (page []T, next string, err error) {
	in := &dynamodb.QueryInput{
		TableName: &t.name, IndexName: aws.String("listed"), Limit: aws.Int32(int32(most)), ScanIndexForward: &forward, KeyConditionExpression: aws.String("#list = :l AND listAt > :a"),
		ExpressionAttributeNames: map[string]string{"#list": "list"}, ExpressionAttributeValues: item{":l": text(list), ":a": text(after + " ")},
	}
	out, err := t.client.Query(ctx, in)
	if err != nil {
		return nil, "", err
	}
	for _, i := range out.Items {
		if page, err = more(page, i, err); err != nil {
			return nil, "", err
		}
		next = textOf(i["listAt"])
	}
	if out.LastEvaluatedKey == nil {
		next = ""
	}
	return page, next, nil
}

// Reconcile stores what an entry came to, whole or not at all: the entry, what it does to orders, and the acts of a person.
// ErrChanged where any of it moved meanwhile: decide again.
func (t *Table) Reconcile(ctx context.Context, o reconciliation.Outcome, acts ...account.Act) error {
	rows := []row{entryRow(o.Entry)}
	for _, c := range o.Changes {
		rows = append(rows, changeRows(c)...)
	}
	for _, a := range acts {
		rows = append(rows, actRow(a, rows[0]))
	}
	return t.commit(ctx, rows...)
}
