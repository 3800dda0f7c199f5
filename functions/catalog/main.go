// Catalog shows the works and the plans to everybody.
//
//	GET /v1/catalog/works
//	GET /v1/catalog/works/{id}
//	GET /v1/catalog/plans
//
// Works and prices are part of the program; what staff changed of them it reads from the one partition that it has a right on.
package main

import (
	"context"
	"time"

	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/cloud"
	"opiq/shared/money"
	"opiq/shared/table"
	"opiq/shared/web"
)

// fresh is how long caches may keep an answer: a new price or a takedown reaches everybody within it.
const fresh = 5 * time.Minute

type store interface {
	Shelf(context.Context) (catalog.Shelf, error)
}

type shop struct {
	store store
	now   func() time.Time
}

func main() { web.Start(shop{table.Open(cloud.Config(), cloud.Env("TABLE")), time.Now}.routes()) }

func (s shop) routes() web.Routes {
	return web.Routes{
		"GET /v1/catalog/works":      s.works,
		"GET /v1/catalog/works/{id}": s.work,
		"GET /v1/catalog/plans":      s.plans,
	}
}

func (s shop) today() civil.Date { return civil.DateOf(s.now(), civil.Tallinn) }

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
	return web.Public(r, page, fresh), nil
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
	return web.Public(r, work{w, w.Status(s.today())}, fresh), nil
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
