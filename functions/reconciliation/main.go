// Reconciliation shows people who look after the money what the bank told of it, and takes their decisions about it.
//
//	GET  /v1/reconciliation
//	GET  /v1/reconciliation/{entry}
//	POST /v1/reconciliation/{entry}/decision
package main

import (
	"context"
	"errors"
	"time"

	"opiq/shared/account"
	"opiq/shared/cloud"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/reconciliation"
	"opiq/shared/table"
	"opiq/shared/web"
)

type store interface {
	Actor(ctx context.Context, authorization, cookie string, r account.Right, now time.Time) (account.Actor, error)
	Entries(ctx context.Context, s reconciliation.State, after string, most int) ([]reconciliation.Entry, string, error)
	Entry(context.Context, reconciliation.ID) (reconciliation.Entry, error)
	Books(context.Context, ...order.Number) ([]payment.Book, error)
	Reconcile(context.Context, reconciliation.Outcome, ...account.Act) error
}

type desk struct {
	store  store
	cookie web.Cookie
	now    func() time.Time
}

func main() {
	web.Start(desk{table.Open(cloud.Config(), cloud.Env("TABLE")), web.CookieAt(cloud.Env("PUBLIC_URL")), time.Now}.routes())
}

func (d desk) routes() web.Routes {
	return web.Routes{
		"GET /v1/reconciliation": d.list, "GET /v1/reconciliation/{entry}": d.one, "POST /v1/reconciliation/{entry}/decision": d.decide,
	}
}

// actor is who asks, if they may.
func (d desk) actor(ctx context.Context, r web.Request) (account.Actor, error) {
	return d.store.Actor(ctx, r.Header("Authorization"), d.cookie.Of(r), account.Reconciliation, d.now())
}

func (d desk) list(ctx context.Context, r web.Request) (web.Response, error) {
	if _, err := d.actor(ctx, r); err != nil {
		return web.Response{}, err
	}
	asked := r.Query()
	state, after, limit, err := reconciliation.Query{State: asked.Get("state"), After: asked.Get("after"), Limit: asked.Get("limit")}.Read()
	if err != nil {
		return web.Response{}, err
	}
	entries, next, err := d.store.Entries(ctx, state, after, limit)
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(reconciliation.PageOf(entries, next)), nil
}

func (d desk) one(ctx context.Context, r web.Request) (web.Response, error) {
	if _, err := d.actor(ctx, r); err != nil {
		return web.Response{}, err
	}
	e, err := d.entry(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(e.Document()), nil
}

func (d desk) entry(ctx context.Context, r web.Request) (reconciliation.Entry, error) {
	id, ok := reconciliation.ParseID(r.Path("entry"))
	if !ok {
		return reconciliation.Entry{}, reconciliation.ErrNotFound
	}
	return d.store.Entry(ctx, id)
}

// tries are how often a decision is taken again where somebody else was quicker.
const tries = 3

func (d desk) decide(ctx context.Context, r web.Request) (web.Response, error) {
	who, err := d.actor(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	var in reconciliation.Decision
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	for try := 0; ; try++ {
		e, err := d.take(ctx, r, in, who)
		if errors.Is(err, table.ErrChanged) && try < tries {
			continue
		}
		if err != nil {
			return web.Response{}, err
		}
		return web.OK(e.Document()), nil
	}
}

// take takes the decision about the entry and the orders as they stand.
func (d desk) take(ctx context.Context, r web.Request, in reconciliation.Decision, who account.Actor) (reconciliation.Entry, error) {
	before, err := d.entry(ctx, r)
	if err != nil {
		return before, err
	}
	found, err := d.store.Books(ctx, in.Needs(before)...)
	if err != nil {
		return before, err
	}
	books := map[order.Number]payment.Book{}
	for _, b := range found {
		books[b.Order.Number] = b
	}
	now := d.now()
	out, err := in.Take(before, books, who.String(), now)
	if err != nil {
		return before, err
	}
	return out.Entry, d.store.Reconcile(ctx, out, in.Act(before, out, who, now))
}
