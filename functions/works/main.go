// Works is for staff who look after what is offered: the works as their publishers let them be distributed, what people report about
// them, and the price lists.
//
//	GET  /v1/works
//	GET  /v1/works/{id}
//	PUT  /v1/works/{id}/distribution
//	GET  /v1/takedown-reports
//	POST /v1/takedown-reports/{id}/decision
//	GET  /v1/price-lists
//	PUT  /v1/price-lists/{validFrom}
package main

import (
	"context"
	"time"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/cloud"
	"opiq/shared/page"
	"opiq/shared/table"
	"opiq/shared/takedown"
	"opiq/shared/web"
)

type store interface {
	Actor(ctx context.Context, authorization, cookie string, r account.Right, now time.Time) (account.Actor, error)
	Shelf(context.Context) (catalog.Shelf, error)
	ChangeWork(context.Context, catalog.Change, account.Act) (catalog.Change, error)
	SetPrices(context.Context, catalog.List, account.Act) (catalog.List, error)
	Takedowns(ctx context.Context, s takedown.State, after string, most int) ([]takedown.Report, string, error)
	Takedown(context.Context, takedown.ID) (takedown.Report, error)
	DecideTakedown(context.Context, takedown.Outcome) (takedown.Report, error)
	Record(context.Context, account.Act) error
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
		"GET /v1/works": d.works, "GET /v1/works/{id}": d.work, "PUT /v1/works/{id}/distribution": d.redistribute,
		"GET /v1/takedown-reports": d.reports, "POST /v1/takedown-reports/{id}/decision": d.decide,
		"GET /v1/price-lists": d.prices, "PUT /v1/price-lists/{validFrom}": d.price,
	}
}

// actor is who asks, if they may.
func (d desk) actor(ctx context.Context, r web.Request) (account.Actor, error) {
	return d.store.Actor(ctx, r.Header("Authorization"), d.cookie.Of(r), account.Works, d.now())
}

// shelf is the library as it stands, for whoever may see it so.
func (d desk) shelf(ctx context.Context, r web.Request) (catalog.Shelf, error) {
	if _, err := d.actor(ctx, r); err != nil {
		return catalog.Shelf{}, err
	}
	return d.store.Shelf(ctx)
}

func (d desk) today() civil.Date { return civil.DateOf(d.now(), civil.Tallinn) }

func (d desk) works(ctx context.Context, r web.Request) (web.Response, error) {
	shelf, err := d.shelf(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	asked := r.Query()
	register, err := shelf.Register(catalog.RegisterQuery{Status: asked.Get("status"), After: asked.Get("after"), Limit: asked.Get("limit")}, d.today())
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(register), nil
}

func (d desk) work(ctx context.Context, r web.Request) (web.Response, error) {
	shelf, err := d.shelf(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	record, err := shelf.Record(catalog.WorkID(r.Path("id")), d.today())
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(record), nil
}

func (d desk) redistribute(ctx context.Context, r web.Request) (web.Response, error) {
	who, err := d.actor(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	var in catalog.Redistribution
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	id := catalog.WorkID(r.Path("id"))
	var out catalog.Record
	err = table.Again(ctx, func() error {
		shelf, err := d.store.Shelf(ctx)
		if err != nil {
			return err
		}
		change, act, news, err := shelf.Redistribute(id, in, who, d.now())
		if err == nil && news {
			change, err = d.store.ChangeWork(ctx, change, act)
		}
		if err == nil {
			out, err = shelf.With(change).Record(id, d.today())
		}
		return err
	})
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(out), nil
}

func (d desk) reports(ctx context.Context, r web.Request) (web.Response, error) {
	who, err := d.actor(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	asked := r.Query()
	state, after, limit, err := page.Read(page.Query{State: asked.Get("state"), After: asked.Get("after"), Limit: asked.Get("limit")}, takedown.Open, takedown.States)
	if err != nil {
		return web.Response{}, err
	}
	reports, next, err := d.store.Takedowns(ctx, state, after, limit)
	if err != nil {
		return web.Response{}, err
	}
	if err := d.store.Record(ctx, takedown.Seen(state, reports, who, d.now())); err != nil { // nothing is shown that is not remembered
		return web.Response{}, err
	}
	return web.OK(takedown.PageOf(reports, next)), nil
}

func (d desk) decide(ctx context.Context, r web.Request) (web.Response, error) {
	who, err := d.actor(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	var in takedown.Decision
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	id, ok := takedown.ParseID(r.Path("id"))
	if !ok {
		return web.Response{}, takedown.ErrUnknown
	}
	var report takedown.Report
	err = table.Again(ctx, func() (err error) {
		report, err = d.take(ctx, id, in, who)
		return err
	})
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(report), nil
}

// take takes the decision about the report and its work as they stand.
func (d desk) take(ctx context.Context, id takedown.ID, in takedown.Decision, who account.Actor) (takedown.Report, error) {
	report, err := d.store.Takedown(ctx, id)
	if err != nil {
		return report, err
	}
	shelf, err := d.store.Shelf(ctx)
	if err != nil {
		return report, err
	}
	out, news, err := in.Take(report, shelf.Change(report.Work), who, d.now())
	switch {
	case err != nil:
		return report, err
	case !news:
		return out.Report, d.store.Record(ctx, takedown.Seen(report.State, []takedown.Report{report}, who, d.now()))
	}
	return d.store.DecideTakedown(ctx, out)
}

type priceLists struct {
	Lists []catalog.ListDocument `json:"lists"`
}

func (d desk) prices(ctx context.Context, r web.Request) (web.Response, error) {
	shelf, err := d.shelf(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(priceLists{shelf.ListDocuments(d.today())}), nil
}

func (d desk) price(ctx context.Context, r web.Request) (web.Response, error) {
	who, err := d.actor(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	var in catalog.Pricing
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	from, err := civil.Parse(r.Path("validFrom"))
	if err != nil {
		return web.Response{}, catalog.ErrListUnknown
	}
	var out catalog.ListDocument
	err = table.Again(ctx, func() error {
		shelf, err := d.store.Shelf(ctx)
		if err != nil {
			return err
		}
		list, act, news, err := shelf.Reprice(from, in, who, d.now())
		if err == nil && news {
			list, err = d.store.SetPrices(ctx, list, act)
		}
		out = shelf.ListDocument(list, d.today())
		return err
	})
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(out), nil
}
