// Takedown-reports takes anybody's word that a work infringes a right. What is made of it staff decide (works).
//
//	POST /v1/works/{id}/takedown-reports
//
// Nobody is signed in here and no address is proved: whoever reports is told a number, nothing about others, and gets no mail.
package main

import (
	"context"
	"time"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/cloud"
	"opiq/shared/metric"
	"opiq/shared/table"
	"opiq/shared/takedown"
	"opiq/shared/web"
)

type store interface {
	Shelf(context.Context) (catalog.Shelf, error)
	Spend(ctx context.Context, name string, l account.Limit, now time.Time) (wait time.Duration, err error)
	Report(context.Context, takedown.Report) (news bool, err error)
}

type door struct {
	store store
	now   func() time.Time
}

func main() { web.Start(door{table.Open(cloud.Config(), cloud.Env("TABLE")), time.Now}.routes()) }

func (d door) routes() web.Routes {
	return web.Routes{"POST /v1/works/{id}/takedown-reports": d.report}
}

func (d door) report(ctx context.Context, r web.Request) (web.Response, error) {
	var in takedown.Claim
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	shelf, err := d.store.Shelf(ctx)
	if err != nil {
		return web.Response{}, err
	}
	now := d.now()
	w, err := shelf.Find(catalog.WorkID(r.Path("id")), civil.DateOf(now, civil.Tallinn))
	if err != nil {
		return web.Response{}, err
	}
	network := account.Network(r.IP())
	wait, err := d.store.Spend(ctx, "takedown from "+network, takedown.Tries, now)
	switch {
	case err != nil:
		return web.Response{}, err
	case wait > 0:
		return web.Response{}, takedown.ErrTooMany.After(wait)
	}
	report := in.Report(w.ID, network, now)
	news, err := d.store.Report(ctx, report)
	if err != nil {
		return web.Response{}, err
	}
	if news {
		metric.Count("TakedownReported", string(w.Status(civil.DateOf(now, civil.Tallinn))), string(w.ID)+" "+string(report.ID))
	}
	return web.JSON(202, report.Receipt()), nil
}
