package main

import (
	"context"
	"errors"

	"opiq/shared/account"
	"opiq/shared/order"
	"opiq/shared/problem"
	"opiq/shared/web"
)

// actor is who asks, if they look after orders of others.
func (o orders) actor(ctx context.Context, r web.Request) (account.Actor, error) {
	return o.store.Actor(ctx, r.Header("Authorization"), o.cookie.Of(r), account.Orders, o.now())
}

// find finds the order of a number, or those of an address.
func (o orders) find(ctx context.Context, r web.Request) (web.Response, error) {
	who, err := o.actor(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	var found []order.Order
	sought := r.Query().Get("find")
	if n, ok := order.Sought(sought); ok {
		found, err = o.numbered(ctx, n)
	} else if address, ok := account.ParseAddress(sought); ok {
		found, err = o.addressed(ctx, address, who)
	} else {
		err = problem.Wrong([]problem.Field{{Pointer: "/find", Code: "nothing_to_find", Detail: "Look for the number of an order, for its reference number or for the e-mail address of its buyer."}})
	}
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(listOf(found)), nil
}

func (o orders) numbered(ctx context.Context, n order.Number) ([]order.Order, error) {
	found, err := o.store.Order(ctx, n)
	switch {
	case errors.Is(err, order.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []order.Order{found}, nil
}

func (o orders) addressed(ctx context.Context, address account.Address, who account.Actor) ([]order.Order, error) {
	buyer, err := o.store.ByAddress(ctx, address)
	if err != nil {
		return nil, err
	}
	if err := o.store.Record(ctx, address.Sought(buyer, who, o.now())); err != nil { // nothing is shown that is not remembered, not even that there is nobody
		return nil, err
	}
	if buyer.ID == "" {
		return nil, nil
	}
	return o.store.OrdersOf(ctx, buyer.ID)
}

// sale is an order with its buyer and its history.
func (o orders) sale(ctx context.Context, r web.Request) (web.Response, error) {
	who, err := o.actor(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	number, ok := order.ParseNumber(r.Path("number"))
	if !ok {
		return web.Response{}, errNoSale
	}
	books, err := o.store.Books(ctx, number)
	if err != nil {
		return web.Response{}, err
	}
	if len(books) == 0 {
		return web.Response{}, errNoSale
	}
	book := books[0]
	buyer, err := o.store.Account(ctx, book.Order.Account)
	if err != nil {
		return web.Response{}, err
	}
	if err := o.store.Record(ctx, book.Seen(who, o.now())); err != nil {
		return web.Response{}, err
	}
	return web.OK(book.Sale(buyer, o.now())), nil
}

// errNoSale is order.ErrNotFound in words for who did not place it.
var errNoSale = problem.New(problem.NotFound, "sale_not_found", "There is no such order.")
