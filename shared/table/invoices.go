package table

import (
	"context"
	"errors"
	"slices"

	"opiq/shared/account"
	"opiq/shared/invoice"
	"opiq/shared/order"
	"opiq/shared/payment"
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
	var i invoice.Invoice
	err := t.number(ctx, year, func(n invoice.Number) (order.Number, []row, error) {
		made, err := issue(n)
		i = made.Invoice
		return i.Order, append(letterRows(made.Letters), row{key: invoiceKey(i.Order, n), kind: "invoice", value: i}, orderRow(made.Order)), err
	})
	return i, err
}

// GiveBack stores what giving money back came to, whole or not at all, with its act. Where a credit invoice is made it has the
// next number of the year, like an invoice; year 0 is none. ErrChanged where money of the order moved meanwhile.
func (t *Table) GiveBack(ctx context.Context, year int, decide func(invoice.Number) (payment.Refunding, account.Act, error)) (out payment.Refunding, err error) {
	rows := func(n invoice.Number) (of order.Number, rows []row, err error) {
		var act account.Act
		if out, act, err = decide(n); err != nil {
			return "", nil, err
		}
		rows = changeRows(out.Change)
		if out.Other != nil {
			rows = append(rows, changeRows(*out.Other)...)
		}
		if out.Change.Credit != nil {
			of = out.Change.Credit.Order
		}
		return of, append(rows, actRow(act, rows[0])), nil
	}
	if year != 0 {
		err = t.number(ctx, year, rows)
		return out, err
	}
	_, all, err := rows("")
	if err == nil {
		err = t.commit(ctx, all...)
	}
	return out, err
}

// number stores what make makes of the next number of a year's series.
func (t *Table) number(ctx context.Context, year int, make func(invoice.Number) (order.Number, []row, error)) error {
	for try, tried := 0, 0; ; try++ {
		s, err := t.series(ctx, year)
		if err != nil {
			return err
		}
		if s.Last < tried || try == issueTries { // the number is still free: it was the order that moved
			return ErrChanged
		}
		s.Last++
		tried = s.Last
		n := invoice.NumberOf(year, s.Last)
		of, rows, err := make(n)
		if err != nil {
			return err
		}
		err = t.commit(ctx, append(rows,
			row{key: seriesKey(year), kind: "series", value: s, revision: s.Revision},
			row{key: numberedKey(n), kind: "numbered", value: numbered{of}},
		)...)
		if !errors.Is(err, ErrChanged) {
			return err
		}
		if err := pause(ctx, min(try, 6)); err != nil {
			return err
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

// Credit reads a credit invoice of an order; invoice.ErrNoCredit where there is no such.
func (t *Table) Credit(ctx context.Context, n order.Number, number invoice.Number) (c invoice.Credit, err error) {
	if err = t.one(ctx, creditKey(n, number), &c); errors.Is(err, errNone) {
		err = invoice.ErrNoCredit
	}
	return c, err
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
