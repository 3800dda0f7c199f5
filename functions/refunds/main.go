// Refunds gives money back, as people decide who look after it: what waits for that, and what orders have taken.
//
//	POST /v1/orders/{number}/refunds
//	GET  /v1/orders/{number}/refunds
//	POST /v1/orders/{number}/refunds/{refund}/rejection
//	GET  /v1/refunds
//	GET  /v1/payouts/{id}
package main

import (
	"context"
	"errors"
	"log"
	"strings"
	"time"

	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/cloud"
	"opiq/shared/invoice"
	"opiq/shared/order"
	"opiq/shared/page"
	"opiq/shared/payment"
	"opiq/shared/payout"
	"opiq/shared/secret"
	"opiq/shared/table"
	"opiq/shared/web"
)

type store interface {
	Actor(ctx context.Context, authorization, cookie string, r account.Right, now time.Time) (account.Actor, error)
	Books(context.Context, ...order.Number) ([]payment.Book, error)
	Account(context.Context, account.ID) (account.Account, error)
	GiveBack(context.Context, int, func(invoice.Number) (payment.Refunding, account.Act, error)) (payment.Refunding, error)
	OpenCases(ctx context.Context, after string, most int) ([]payment.Case, string, error)
	Refunds(ctx context.Context, s payment.RefundState, after string, most int) ([]payment.Refund, string, error)
	Payout(context.Context, payout.ID) (payout.Payout, error)
	Record(context.Context, account.Act) error
}

type desk struct {
	store    store
	invoices invoice.Desk
	cookie   web.Cookie
	now      func() time.Time
}

func main() {
	log.SetPrefix("refunds: ")
	cfg := cloud.Config()
	invoices := secret.Desk(cfg, cloud.Env("SECRETS"))
	web.Start(desk{table.Open(cfg, cloud.Env("TABLE")), invoices, web.CookieAt(cloud.Env("PUBLIC_URL")), time.Now}.routes())
}

func (d desk) routes() web.Routes {
	return web.Routes{
		"POST /v1/orders/{number}/refunds": d.ask, "GET /v1/orders/{number}/refunds": d.show,
		"POST /v1/orders/{number}/refunds/{refund}/rejection": d.reject, "GET /v1/refunds": d.list, "GET /v1/payouts/{id}": d.file,
	}
}

// actor is who asks, if they may.
func (d desk) actor(ctx context.Context, r web.Request) (account.Actor, error) {
	return d.store.Actor(ctx, r.Header("Authorization"), d.cookie.Of(r), account.Refunds, d.now())
}

// tries are how often a refund is decided again where somebody else was quicker.
const tries = 3

func (d desk) ask(ctx context.Context, r web.Request) (web.Response, error) {
	who, err := d.actor(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	var in payment.Ask
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	number, ok := order.ParseNumber(r.Path("number"))
	if !ok {
		return web.Response{}, order.ErrNotFound
	}
	for try := 0; ; try++ {
		given, err := d.give(ctx, number, in, who)
		if errors.Is(err, table.ErrChanged) && try < tries {
			continue
		}
		if err != nil {
			return web.Response{}, err
		}
		return web.Created("/v1/orders/"+string(number)+"/refunds", given), nil
	}
}

// give gives money of an order back as it stands; or tells again what was given back for this ask before.
func (d desk) give(ctx context.Context, n order.Number, in payment.Ask, who account.Actor) (none payment.RequestedDocument, err error) {
	book, other, err := d.books(ctx, n, in.Offset)
	if err != nil {
		return none, err
	}
	now := d.now()
	before, err := book.Asked(in)
	if err != nil || len(before) > 0 {
		return book.Requested(before, now), err
	}
	buyer, err := d.store.Account(ctx, book.Order.Account)
	if err != nil {
		return none, err
	}
	year := 0
	if in.Credits() {
		year = civil.DateOf(now, book.Order.Zone).Year
	}
	counter := payment.Desk{Invoices: d.invoices, Buyer: buyer, By: who.String(), Now: now}
	out, err := d.store.GiveBack(ctx, year, func(number invoice.Number) (payment.Refunding, account.Act, error) {
		out, err := book.Refund(in, other, number, counter)
		if err != nil {
			return out, account.Act{}, err
		}
		return out, in.Act(book, out, who, now), nil
	})
	if err != nil {
		return none, err
	}
	return book.After(out).Requested(out.Refunds, now), nil
}

// books are those of an order and of another one, if there is one that is to be paid with its money.
func (d desk) books(ctx context.Context, n, offset order.Number) (book payment.Book, other *payment.Book, err error) {
	numbers := []order.Number{n}
	if offset != "" && offset != n {
		numbers = append(numbers, offset)
	}
	found, err := d.store.Books(ctx, numbers...)
	for i, b := range found {
		if b.Order.Number == n {
			book = b
		} else {
			other = &found[i]
		}
	}
	if err == nil && book.Order.Number == "" {
		err = order.ErrNotFound
	}
	return book, other, err
}

func (d desk) show(ctx context.Context, r web.Request) (web.Response, error) {
	if _, err := d.actor(ctx, r); err != nil {
		return web.Response{}, err
	}
	number, ok := order.ParseNumber(r.Path("number"))
	if !ok {
		return web.Response{}, order.ErrNotFound
	}
	book, _, err := d.books(ctx, number, "")
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(book.Dossier(d.now())), nil
}

func (d desk) reject(ctx context.Context, r web.Request) (web.Response, error) {
	who, err := d.actor(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	var in payment.Rejection
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	id, number, ok := payment.ParseRefundID(r.Path("refund"))
	if !ok || string(number) != r.Path("number") {
		return web.Response{}, payment.ErrRefundUnknown
	}
	for try := 0; ; try++ {
		book, _, err := d.books(ctx, number, "")
		if err != nil {
			return web.Response{}, err
		}
		out, err := d.store.GiveBack(ctx, 0, func(invoice.Number) (payment.Refunding, account.Act, error) { return in.Take(book, id, who, d.now()) })
		if errors.Is(err, table.ErrChanged) && try < tries {
			continue
		}
		if err != nil {
			return web.Response{}, err
		}
		return web.OK(book.After(out).Requested(out.Refunds, d.now())), nil
	}
}

func (d desk) list(ctx context.Context, r web.Request) (web.Response, error) {
	if _, err := d.actor(ctx, r); err != nil {
		return web.Response{}, err
	}
	asked := r.Query()
	list, after, limit, err := page.Read(page.Query{State: asked.Get("state"), After: asked.Get("after"), Limit: asked.Get("limit")}, payment.OpenCases, payment.Lists)
	if err != nil {
		return web.Response{}, err
	}
	if list == payment.OpenCases {
		cases, next, err := d.store.OpenCases(ctx, after, limit)
		return web.OK(payment.CasesOf(cases, next)), err
	}
	refunds, next, err := d.store.Refunds(ctx, payment.RefundState(list), after, limit)
	return web.OK(payment.RefundsOf(refunds, next)), err
}

func (d desk) file(ctx context.Context, r web.Request) (web.Response, error) {
	who, err := d.actor(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	name, ok := strings.CutSuffix(r.Path("id"), ".xml")
	if _, _, known := payment.ParseRefundID(name); !ok || !known {
		return web.Response{}, payout.ErrNotFound
	}
	p, err := d.store.Payout(ctx, payout.ID(name))
	if err != nil {
		return web.Response{}, err
	}
	file, err := p.XML()
	if err != nil {
		return web.Response{}, err
	}
	if err := d.store.Record(ctx, payment.Fetched(p.ID, who, d.now())); err != nil {
		return web.Response{}, err
	}
	return web.Download("application/xml", name+".xml", file), nil
}
