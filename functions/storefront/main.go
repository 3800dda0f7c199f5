// Storefront shows the pages of the shop in a browser, in four languages.
//
//	GET, HEAD /
//	GET, HEAD /{page+}
//
// What everybody sees alike (works, plans, terms, help) is written here and reads without a script. A page of a person's own is a
// frame that is the same for everybody: its script fills it by the API under /v1, with the session of the browser. The function knows
// nobody, and of the table it reads the one partition that says what staff set for everybody. That works were asked for it tells, as
// catalog does for programs, without a word about who it was: what CloudFront fetched anew, which is less than what people looked at.
package main

import (
	"context"
	"strings"
	"time"

	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/cloud"
	"opiq/shared/problem"
	"opiq/shared/queue"
	"opiq/shared/table"
	"opiq/shared/web"
)

// fresh is how long CloudFront may keep a page: a new price or a takedown reaches everybody within it. Browsers ask each time.
const fresh = 5 * time.Minute

type store interface {
	Shelf(context.Context) (catalog.Shelf, error)
}

type sender interface {
	Send(ctx context.Context, message any) error
}

type storefront struct {
	store    store
	activity sender
	now      func() time.Time
}

func main() {
	cfg := cloud.Config()
	web.Start(storefront{table.Open(cfg, cloud.Env("TABLE")).Window(time.Now), queue.Open(cfg, cloud.Env("ACTIVITY_QUEUE")), time.Now}.routes())
}

func (s storefront) routes() web.Routes {
	return web.Routes{"GET /": s.show, "HEAD /": s.show, "GET /{page+}": s.show, "HEAD /{page+}": s.show} // of a head the gateway leaves the body away
}

func (s storefront) today() civil.Date { return civil.DateOf(s.now(), civil.Tallinn) }

var errNoPage = problem.New(problem.NotFound, "not_found", "There is nothing here.")

// show answers a page, or what a page is made of.
func (s storefront) show(ctx context.Context, r web.Request) (web.Response, error) {
	place := "/" + r.Path("page")
	for _, serve := range files {
		if parameters, ok := serve.at.match(place); ok {
			return serve.answer(s, r, parameters)
		}
	}
	if strings.HasPrefix(place, "/v1/") { // a program asks
		return web.Response{}, errNoPage
	}
	for _, p := range pages {
		if parameters, ok := p.at.match(place); ok {
			return s.page(ctx, p, visit{r, place, parameters, spokenTo(r)})
		}
	}
	return s.page(ctx, missing, visit{r, place, nil, spokenTo(r)})
}
