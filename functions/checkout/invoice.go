package main

import (
	"context"
	"errors"

	"opiq/shared/account"
	"opiq/shared/invoice"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/table"
	"opiq/shared/web"
)

// invoiced is what a buyer needs to pay an invoice.
type invoiced struct {
	Invoice order.InvoiceDocument `json:"invoice"`
}

// invoice makes the order's invoice, once: asked for again it is the same.
func (c checkout) invoice(ctx context.Context, token account.Token, number order.Number, buyer *invoice.Buyer) (web.Response, error) {
	for try := 0; ; try++ {
		i, open, err := c.issue(ctx, token, number, buyer)
		if errors.Is(err, table.ErrChanged) && try < 3 {
			continue
		}
		if err != nil {
			return web.Response{}, err
		}
		return web.Created("/v1/orders/"+string(number), invoiced{i.Document(open)}), nil
	}
}

// issue answers the invoice, and what is left to pay of it.
func (c checkout) issue(ctx context.Context, token account.Token, number order.Number, buyer *invoice.Buyer) (i invoice.Invoice, open money.Amount, err error) {
	who, book, err := c.store.Purchase(ctx, token, number, c.now())
	if err != nil {
		return i, 0, err
	}
	open = book.Order.Open()
	if err := c.payable(ctx, who, book.Order); err != nil {
		return i, 0, err
	}
	if book.Invoice != nil {
		i, err = book.Invoice.Repeat(buyer)
		return i, open, err
	}
	draft := c.invoices.Draft(book.Order, who, buyer, c.now())
	if draft.Buyer.Email != "" {
		if err := c.spend(ctx, who.ID, draft.Buyer.Email); err != nil {
			return i, 0, err
		}
	}
	i, err = c.store.Issue(ctx, draft.IssuedOn.Year, func(n invoice.Number) (invoice.Issued, error) {
		return c.invoices.Issue(n, draft, book.Order, c.now())
	})
	return i, open, err
}

// spend counts a letter to somebody who may not have asked for it.
func (c checkout) spend(ctx context.Context, id account.ID, address string) error {
	name := "invoice copies " + string(id)
	wait, err := c.store.Spend(ctx, name+" "+address, account.CopyTriesTo, c.now())
	if err == nil && wait == 0 {
		wait, err = c.store.Spend(ctx, name, account.CopyTries, c.now())
	}
	if err == nil && wait > 0 {
		err = account.ErrTooManyLetters.After(wait)
	}
	return err
}
