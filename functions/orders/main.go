// Orders shows buyers what they ordered, and cancels what they have not paid. It shows orders to staff who look after them.
//
//	GET    /v1/orders
//	GET    /v1/orders/{number}
//	DELETE /v1/orders/{number}
//	GET    /v1/staff/orders
//	GET    /v1/staff/orders/{number}
package main

import (
	"context"
	"errors"
	"time"

	"opiq/shared/account"
	"opiq/shared/cloud"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/table"
	"opiq/shared/web"
)

type store interface {
	Orders(context.Context, account.Token, time.Time) ([]order.Order, error)
	Purchase(context.Context, account.Token, order.Number, time.Time) (account.Account, payment.Book, error)
	Settle(context.Context, payment.Change) error
	Actor(ctx context.Context, authorization, cookie string, r account.Right, now time.Time) (account.Actor, error)
	Order(context.Context, order.Number) (order.Order, error)
	Books(context.Context, ...order.Number) ([]payment.Book, error)
	ByAddress(context.Context, account.Address) (account.Account, error)
	OrdersOf(context.Context, account.ID) ([]order.Order, error)
	Account(context.Context, account.ID) (account.Account, error)
	Record(context.Context, account.Act) error
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
	return web.Routes{
		"GET /v1/orders": o.list, "GET /v1/orders/{number}": o.one, "DELETE /v1/orders/{number}": o.cancel,
		"GET /v1/staff/orders": o.find, "GET /v1/staff/orders/{number}": o.sale,
	}
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
	return web.OK(listOf(found)), nil
}

func listOf(found []order.Order) list {
	out := list{Orders: []order.Document{}}
	for _, one := range found {
		out.Orders = append(out.Orders, one.Document())
	}
	return out
}

func (o orders) one(ctx context.Context, r web.Request) (web.Response, error) {
	book, err := o.purchase(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(book.Document(o.now())), nil
}

func (o orders) purchase(ctx context.Context, r web.Request) (payment.Book, error) {
	token, err := account.ParseToken(o.cookie.Of(r))
	if err != nil {
		return payment.Book{}, err
	}
	number, ok := order.ParseNumber(r.Path("number"))
	if !ok {
		return payment.Book{}, order.ErrNotFound
	}
	_, book, err := o.store.Purchase(ctx, token, number, o.now())
	return book, err
}

func (o orders) cancel(ctx context.Context, r web.Request) (web.Response, error) {
	for try := 0; ; try++ {
		book, err := o.purchase(ctx, r)
		if err != nil {
			return web.Response{}, err
		}
		cancelled, news, err := book.Cancel(o.now())
		if err != nil || !news { // it was before
			return web.NoContent(), err
		}
		if err := o.store.Settle(ctx, cancelled); !errors.Is(err, table.ErrChanged) || try == 3 {
			return web.NoContent(), err
		}
	}
}
