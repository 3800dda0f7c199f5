// Catalog shows the works and the plans to everybody.
//
//	GET /v1/catalog/works
//	GET /v1/catalog/works/{id}
//	GET /v1/catalog/plans
//
// Works and prices are part of the program; what staff changed of them it reads from the one partition that it has a right on, once in
// some seconds for everybody. That it was asked it tells without a word about who it was; nobody waits for that. What a cache
// answers, CloudFront's or somebody's own, is not counted.
package main

import (
	"context"
	"time"

	"opiq/shared/activity"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/cloud"
	"opiq/shared/metric"
	"opiq/shared/money"
	"opiq/shared/queue"
	"opiq/shared/table"
	"opiq/shared/web"
)

// fresh is how long caches may keep an answer: a new price or a takedown reaches everybody within it.
const fresh = 5 * time.Minute

type store interface {
	Shelf(context.Context) (catalog.Shelf, error)
}

type sender interface {
	Send(ctx context.Context, message any) error
}

type shop struct {
	store    store
	activity sender
	now      func() time.Time
}

func main() {
	cfg := cloud.Config()
	web.Start(shop{table.Open(cfg, cloud.Env("TABLE")).Window(time.Now), queue.Open(cfg, cloud.Env("ACTIVITY_QUEUE")), time.Now}.routes())
}

func (s shop) routes() web.Routes {
	return web.Routes{
		"GET /v1/catalog/works":      s.works,
		"GET /v1/catalog/works/{id}": s.work,
		"GET /v1/catalog/plans":      s.plans,
	}
}

func (s shop) today() civil.Date { return civil.DateOf(s.now(), civil.Tallinn) }

// seen answers a value that is the same for everybody, and tells that somebody saw it.
func (s shop) seen(ctx context.Context, r web.Request, what activity.What, w catalog.WorkID, v any) web.Response {
	answer := web.Public(r, v, fresh)
	if answer.Status == 200 {
		line := activity.Seen(what, s.now())
		line.Work = w
		line.Tell(ctx, s.activity, metric.Count)
	}
	return answer
}

func (s shop) works(ctx context.Context, r web.Request) (web.Response, error) {
	shelf, err := s.store.Shelf(ctx)
	if err != nil {
		return web.Response{}, err
	}
	asked := r.Query()
	page, err := shelf.Search(catalog.Query{
		Text:      asked.Get("q"),
		Subject:   asked.Get("subject"),
		Grade:     asked.Get("grade"),
		Language:  asked.Get("language"),
		Publisher: asked.Get("publisher"),
		Cursor:    asked.Get("cursor"),
		Limit:     asked.Get("limit"),
	}, s.today())
	if err != nil {
		return web.Response{}, err
	}
	return s.seen(ctx, r, activity.CatalogSearched, "", page), nil
}

type work struct {
	catalog.Work
	Status catalog.Status `json:"status"`
}

func (s shop) work(ctx context.Context, r web.Request) (web.Response, error) {
	shelf, err := s.store.Shelf(ctx)
	if err != nil {
		return web.Response{}, err
	}
	w, err := shelf.Find(catalog.WorkID(r.Path("id")), s.today())
	if err != nil {
		return web.Response{}, err
	}
	return s.seen(ctx, r, activity.WorkViewed, w.ID, work{w, w.Status(s.today())}), nil
}

type plan struct {
	ID       catalog.PlanID `json:"id"`
	Months   int            `json:"months"`
	Price    money.Price    `json:"price"`
	PerMonth money.Amount   `json:"perMonth"` // of the gross price, rounded to the cent
}

type priceList struct {
	Plans     []plan     `json:"plans"`
	Currency  string     `json:"currency"`
	ValidFrom civil.Date `json:"validFrom"`
}

func (s shop) plans(ctx context.Context, r web.Request) (web.Response, error) {
	shelf, err := s.store.Shelf(ctx)
	if err != nil {
		return web.Response{}, err
	}
	list := shelf.PlansOn(s.today())
	answer := priceList{Plans: []plan{}, Currency: "EUR", ValidFrom: list.ValidFrom}
	for _, p := range list.Plans {
		price := p.Price(s.today())
		answer.Plans = append(answer.Plans, plan{p.ID(), p.Months, price, price.Gross.Share(p.Months)})
	}
	return web.Public(r, answer, fresh), nil
}
