package main

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"opiq/shared/invoice"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/reconciliation"
)

// batch is what was read for the entries of a batch.
type batch struct {
	matching
	entries map[reconciliation.ID]reconciliation.Entry
	names   map[reconciliation.ID]reconciliation.Names
	books   map[order.Number]payment.Book // without an order where there is none
}

// read reads the entries, and all about the orders that they name, each once.
func (m matching) read(ctx context.Context, ids []reconciliation.ID) (b batch, err error) {
	b = batch{m, map[reconciliation.ID]reconciliation.Entry{}, map[reconciliation.ID]reconciliation.Names{}, map[order.Number]payment.Book{}}
	if err = b.look(ctx, ids); err != nil {
		return b, err
	}
	var invoices []invoice.Number
	for id, e := range b.entries {
		if e.State == reconciliation.New {
			b.names[id] = reconciliation.NamesOf(e.Bank)
			invoices = append(invoices, b.names[id].Invoices...)
		}
	}
	slices.Sort(invoices)
	orders, err := m.store.Invoiced(ctx, slices.Compact(invoices)...)
	if err != nil {
		return b, err
	}
	var named []order.Number
	for id, n := range b.names {
		b.names[id] = n.With(orders)
		named = slices.Concat(named, b.names[id].Sure, b.names[id].Text)
	}
	_, err = b.of(ctx, named...)
	return b, err
}

// of are the books of those of some orders that there are; what was not read is read.
func (b batch) of(ctx context.Context, numbers ...order.Number) (books []payment.Book, err error) {
	var unread []order.Number
	for _, n := range numbers {
		if _, ok := b.books[n]; !ok && !slices.Contains(unread, n) {
			unread = append(unread, n)
		}
	}
	if len(unread) > 0 {
		found, err := b.store.Books(ctx, unread...)
		if err != nil {
			return nil, err
		}
		for _, n := range unread {
			b.books[n] = payment.Book{}
		}
		for _, book := range found {
			b.books[book.Order.Number] = book
		}
	}
	for _, n := range numbers {
		if book := b.books[n]; book.Order.Number != "" {
			books = append(books, book)
		}
	}
	return books, nil
}

// look reads entries as they stand; no answer is none.
func (b batch) look(ctx context.Context, ids []reconciliation.ID) error {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id reconciliation.ID) bool {
		_, ok := reconciliation.ParseID(string(id))
		return !ok
	})
	if len(ids) == 0 {
		return nil
	}
	found, err := b.store.EntriesOf(ctx, ids...)
	maps.Copy(b.entries, found)
	return err
}

// known is what the table holds about an entry.
func (b batch) known(ctx context.Context, e reconciliation.Entry) (k reconciliation.Known, err error) {
	k.Names = b.names[e.ID]
	if k.Sure, err = b.of(ctx, k.Names.Sure...); err != nil {
		return k, err
	}
	if k.Text, err = b.of(ctx, k.Names.Text...); err != nil {
		return k, err
	}
	if !e.Return() || len(k.Sure)+len(k.Text) > 0 {
		return k, nil
	}
	paid, err := b.store.PaidFrom(ctx, e.Bank.Other.Account)
	if err != nil {
		return k, err
	}
	var numbers []order.Number
	for _, p := range paid {
		if p.Amount == e.Bank.Amount && !slices.Contains(numbers, p.Order) {
			numbers = append(numbers, p.Order)
		}
	}
	k.Payer, err = b.of(ctx, numbers...)
	return k, err
}

// suggest adds what a person may make of an entry that waits.
func (b batch) suggest(ctx context.Context, e reconciliation.Entry, k reconciliation.Known) (reconciliation.Entry, error) {
	h := reconciliation.Hints{Names: k.Names, Named: slices.Concat(k.Sure, k.Text)}
	both, inner := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		h.Open, err = b.store.OpenAt(inner, e.Bank.Amount)
		return err
	})
	both.Go(func() error {
		paid, err := b.store.PaidFrom(inner, e.Bank.Other.Account)
		for _, p := range paid {
			h.Buyers = append(h.Buyers, p.Buyer)
		}
		return err
	})
	err := both.Wait()
	return e.Suggest(h), err
}
