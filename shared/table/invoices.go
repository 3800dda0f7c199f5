package table

import (
	"context"
	"errors"
	"slices"

	"opiq/shared/invoice"
	"opiq/shared/order"
)

// series is the last number of a year's invoices.
type series struct {
	Last     int `json:"last"`
	Revision int `json:"revision"`
}

// numbered says whose an invoice's number is.
type numbered struct {
	Order order.Number `json:"order"`
}

// Issue gives an invoice the next number of its year, and stores with it what issue makes of that number: the invoice, its order
// and their letters, or nothing. So numbers rise without a gap. ErrChanged where the order moved meanwhile.
func (t *Table) Issue(ctx context.Context, year int, issue func(invoice.Number) (invoice.Issued, error)) (invoice.Invoice, error) {
	for try, tried := 0, 0; ; try++ {
		s, err := t.series(ctx, year)
		if err != nil {
			return invoice.Invoice{}, err
		}
		if s.Last < tried || try == issueTries { // the number is still free: it was the order that moved
			return invoice.Invoice{}, ErrChanged
		}
		s.Last++
		tried = s.Last
		made, err := issue(invoice.NumberOf(year, s.Last))
		if err != nil {
			return invoice.Invoice{}, err
		}
		i := made.Invoice
		err = t.commit(ctx, append(letterRows(made.Letters),
			row{key: seriesKey(year), kind: "series", value: s, revision: s.Revision},
			row{key: numberedKey(i.Number), kind: "numbered", value: numbered{i.Order}},
			row{key: invoiceKey(i.Order, i.Number), kind: "invoice", value: i},
			orderRow(made.Order),
		)...)
		if !errors.Is(err, ErrChanged) {
			return i, err
		}
		if err := pause(ctx, min(try, 6)); err != nil {
			return invoice.Invoice{}, err
		}
	}
}

// issueTries are how often somebody else may be quicker.
const issueTries = 50

func (t *Table) series(ctx context.Context, year int) (s series, err error) {
	if err = t.one(ctx, seriesKey(year), &s); errors.Is(err, errNone) {
		err = nil
	}
	return s, err
}

// Invoice reads the invoice of an order; invoice.ErrNone where there is none.
func (t *Table) Invoice(ctx context.Context, n order.Number, number invoice.Number) (i invoice.Invoice, err error) {
	if err = t.one(ctx, invoiceKey(n, number), &i); errors.Is(err, errNone) {
		err = invoice.ErrNone
	}
	return i, err
}

// Invoiced are the orders of those of some invoices that there are, each named once, in one round trip for a hundred.
func (t *Table) Invoiced(ctx context.Context, numbers ...invoice.Number) (map[invoice.Number]order.Number, error) {
	orders := map[invoice.Number]order.Number{}
	for some := range slices.Chunk(numbers, 100) {
		var keys []key
		for _, n := range some {
			keys = append(keys, numberedKey(n))
		}
		items, err := t.get(ctx, keys...)
		for j, k := range keys {
			if i, ok := items[k]; ok {
				var n numbered
				err = errors.Join(err, decode(i, &n))
				orders[some[j]] = n.Order
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return orders, nil
}
