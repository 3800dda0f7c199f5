// Library is the reading room: what somebody may read, decided when they ask.
//
//	GET /v1/licenses
//	GET /v1/licenses/{id}
//	GET /v1/library/works/{id}
//	GET /v1/library/works/{id}/chapters/{n}
//
// It writes nothing.
package main

import (
	"context"
	"slices"
	"strconv"
	"time"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/cloud"
	"opiq/shared/license"
	"opiq/shared/reading"
	"opiq/shared/table"
	"opiq/shared/web"
)

type store interface {
	Reader(ctx context.Context, token account.Token, ip string, now time.Time) (license.Reader, error)
}

type library struct {
	store  store
	cookie web.Cookie
	now    func() time.Time
}

func main() {
	web.Start(library{table.Open(cloud.Config(), cloud.Env("TABLE")), web.CookieAt(cloud.Env("PUBLIC_URL")), time.Now}.routes())
}

func (l library) routes() web.Routes {
	return web.Routes{
		"GET /v1/licenses": l.licenses, "GET /v1/licenses/{id}": l.license,
		"GET /v1/library/works/{id}": l.work, "GET /v1/library/works/{id}/chapters/{n}": l.chapter,
	}
}

func (l library) reader(ctx context.Context, r web.Request) (license.Reader, error) {
	token, err := account.ParseToken(l.cookie.Of(r))
	if err != nil {
		return license.Reader{}, err
	}
	return l.store.Reader(ctx, token, r.IP(), l.now())
}

type list struct {
	Access   license.Access     `json:"access"`   // what they come to
	Licenses []license.Document `json:"licenses"` // the last to end first
}

func (l library) licenses(ctx context.Context, r web.Request) (web.Response, error) {
	reader, err := l.reader(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	slices.SortFunc(reader.Owned, func(a, b license.License) int { return b.EndsAt.Compare(a.EndsAt) })
	out := list{license.AccessOf(reader.Owned, civil.Tallinn, l.now()), []license.Document{}}
	for _, one := range reader.Owned {
		out.Licenses = append(out.Licenses, one.Document(l.now()))
	}
	return web.OK(out), nil
}

func (l library) license(ctx context.Context, r web.Request) (web.Response, error) {
	reader, err := l.reader(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	i := slices.IndexFunc(reader.Owned, func(o license.License) bool { return string(o.ID) == r.Path("id") })
	if i < 0 {
		return web.Response{}, license.ErrNotFound
	}
	return web.OK(reader.Owned[i].Document(l.now())), nil
}

// opened is a work as the decision leaves it: its contents only where it may be read.
type opened struct {
	license.Decision
	Work     catalog.Work      `json:"work"`
	Contents []reading.Heading `json:"contents,omitempty"`
}

func (l library) work(ctx context.Context, r web.Request) (web.Response, error) {
	work, decision, err := l.decide(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	out := opened{Decision: decision, Work: work}
	if decision.Allowed {
		out.Contents = reading.Contents(work)
	}
	return web.OK(out), nil
}

func (l library) chapter(ctx context.Context, r web.Request) (web.Response, error) {
	work, decision, err := l.decide(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	if err := decision.Err(); err != nil {
		return web.Response{}, err
	}
	n, err := strconv.Atoi(r.Path("n"))
	if err != nil {
		return web.Response{}, reading.ErrNoChapter
	}
	chapter, err := reading.Read(work, n)
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(chapter), nil
}

func (l library) decide(ctx context.Context, r web.Request) (catalog.Work, license.Decision, error) {
	reader, err := l.reader(ctx, r)
	if err != nil {
		return catalog.Work{}, license.Decision{}, err
	}
	work, decision := reader.Work(catalog.WorkID(r.Path("id")), l.now())
	return work, decision, nil
}
