// Orders shows buyers what they ordered, and cancels what they have not paid.
//
//	GET    /v1/orders
//	GET    /v1/orders/{number}
//	DELETE /v1/orders/{number}
package main

import (
	"context"
	"errors"
	"time"

	"opiq/shared/account"
	"opiq/shared/cloud"
	"opiq/shared/license"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/table"
	"opiq/shared/web"
)

type store interface {
	Orders(context.Context, account.Token, time.Time) ([]order.Order, error)
	Purchase(context.Context, account.Token, order.Number, time.Time) (account.Account, payment.Book, *license.License, error)
	ChangeOrder(context.Context, order.Order) error
}

type orders struct {
	store  store
	cookie web.Cookie
	now    func() time.Time
}

func main() {
	web.Start(orders{table.Open(cloud.Config(), cloud.Env("TABLE")), web.CookieAt(cloud.Env("PUBLIC_URL")), time.Now}.routes())
}

func (o orders) routes() web.Routes {
	return web.Routes{"GET /v1/orders": o.list, "GET /v1/orders/{number}": o.one, "DELETE /v1/orders/{number}": o.cancel}
}

type list struct {
	Orders []order.Document `json:"orders"` // the latest hundred, the newest first, without attempts and license
}

func (o orders) list(ctx context.Context, r web.Request) (web.Response, error) {
	token, err := account.ParseToken(o.cookie.Of(r))
	if err != nil {
		return web.Response{}, err
	}
	found, err := o.store.Orders(ctx, token, o.now())
	if err != nil {
		return web.Response{}, err
	}
	out := list{Orders: []order.Document{}}
	for _, one := range found {
		out.Orders = append(out.Orders, one.Document())
	}
	return web.OK(out), nil
}

func (o orders) one(ctx context.Context, r web.Request) (web.Response, error) {
	book, owned, err := o.purchase(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(book.Document(owned, o.now())), nil
}

func (o orders) purchase(ctx context.Context, r web.Request) (payment.Book, *license.License, error) {
	token, err := account.ParseToken(o.cookie.Of(r))
	if err != nil {
		return payment.Book{}, nil, err
	}
	number, ok := order.ParseNumber(r.Path("number"))
	if !ok {
		return payment.Book{}, nil, order.ErrNotFound
	}
	_, book, owned, err := o.store.Purchase(ctx, token, number, o.now())
	return book, owned, err
}

func (o orders) cancel(ctx context.Context, r web.Request) (web.Response, error) {
	for try := 0; ; try++ {
		book, _, err := o.purchase(ctx, r)
		if err != nil {
			return web.Response{}, err
		}
		cancelled, err := book.Order.Cancel(o.now())
		if err != nil {
			return web.Response{}, err
		}
		if cancelled.State == book.Order.State {
			return web.NoContent(), nil // it was before
		}
		if err := o.store.ChangeOrder(ctx, cancelled); !errors.Is(err, table.ErrChanged) || try == 3 {
			return web.NoContent(), err
		}
	}
}
