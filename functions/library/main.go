// Library is the reading room: what somebody may read, decided when they ask.
//
//	GET /v1/licenses
//	GET /v1/licenses/{id}
//	GET /v1/entitlements
//	GET /v1/library
//	GET /v1/library/search
//	GET /v1/library/works/{id}
//	GET /v1/library/works/{id}/chapters/{n}
//	GET /v1/library/works/{id}/files
//	GET /v1/library/works/{id}/files/{name+}
//
// It writes nothing. What was opened, read, looked for and linked it tells the activity log, in a moment or not at all.
package main

import (
	"context"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"opiq/shared/account"
	"opiq/shared/activity"
	"opiq/shared/bucket"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/cloud"
	"opiq/shared/license"
	"opiq/shared/metric"
	"opiq/shared/order"
	"opiq/shared/queue"
	"opiq/shared/reading"
	"opiq/shared/table"
	"opiq/shared/web"
)

type store interface {
	Reader(ctx context.Context, token account.Token, ip string, now time.Time) (license.Reader, error)
	Places(context.Context, account.ID) ([]reading.Place, error)
}

type files interface {
	List(ctx context.Context, prefix string) ([]bucket.Object, error)
	Download(ctx context.Context, key, contentType, name string, lives time.Duration) (bucket.Link, error)
}

type sender interface {
	Send(ctx context.Context, message any) error
}

type library struct {
	store    store
	files    files
	activity sender
	cookie   web.Cookie
	now      func() time.Time
}

func main() {
	cfg := cloud.Config()
	web.Start(library{
		table.Open(cfg, cloud.Env("TABLE")), bucket.Open(cfg, cloud.Env("BUCKET")), queue.Open(cfg, cloud.Env("ACTIVITY_QUEUE")),
		web.CookieAt(cloud.Env("PUBLIC_URL")), time.Now,
	}.routes())
}

func (l library) routes() web.Routes {
	return web.Routes{
		"GET /v1/licenses": l.licenses, "GET /v1/licenses/{id}": l.license, "GET /v1/entitlements": l.entitlement,
		"GET /v1/library": l.room, "GET /v1/library/search": l.search, "GET /v1/library/works/{id}": l.work,
		"GET /v1/library/works/{id}/chapters/{n}": l.chapter, "GET /v1/library/works/{id}/files": l.folder,
		"GET /v1/library/works/{id}/files/{name+}": l.link,
	}
}

func (l library) reader(ctx context.Context, r web.Request) (license.Reader, error) {
	token, err := account.ParseToken(l.cookie.Of(r))
	if err != nil {
		return license.Reader{}, err
	}
	return l.store.Reader(ctx, token, r.IP(), l.now())
}

func (l library) did(what activity.What, reader license.Reader, r web.Request) activity.Line {
	return activity.Of(reader.Who.ID, what, r.ID(), r.IP(), l.now())
}

// ---- What I may open, and where I was

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
	out := list{license.AccessOf(reader.Owned, civil.Tallinn, order.Horizon, l.now()), []license.Document{}}
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

// entitlement answers the decision about a work, or about the library where none is named. Also a "no" is an answer.
func (l library) entitlement(ctx context.Context, r web.Request) (web.Response, error) {
	reader, err := l.reader(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	if work := r.Query().Get("work"); work != "" {
		_, decision := reader.Work(catalog.WorkID(work), l.now())
		return web.OK(decision), nil
	}
	return web.OK(reader.Library(l.now())), nil
}

// room is the library as its reader finds it. Where they were is theirs: they see it also where the library does not open.
type room struct {
	license.Decision
	Access   license.Access `json:"access"`
	Continue []place        `json:"continue"` // the latest first
}

type place struct {
	Work      catalog.Work `json:"work"`
	Chapter   int          `json:"chapter"` // read last
	At        time.Time    `json:"at"`      // when
	Bookmarks int          `json:"bookmarks"`
	Allowed   bool         `json:"allowed"` // to go on
	Code      license.Code `json:"code"`
}

const maxContinue = 20

func (l library) room(ctx context.Context, r web.Request) (web.Response, error) {
	token, err := account.ParseToken(l.cookie.Of(r))
	if err != nil {
		return web.Response{}, err
	}
	var reader license.Reader
	var places []reading.Place // of whom the token names: nobody sees them unless it signs them in
	both, inner := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		reader, err = l.store.Reader(inner, token, r.IP(), l.now())
		return err
	})
	both.Go(func() (err error) {
		places, err = l.store.Places(inner, token.Account)
		return err
	})
	if err := both.Wait(); err != nil {
		return web.Response{}, err
	}
	out := room{reader.Library(l.now()), license.AccessOf(reader.Owned, civil.Tallinn, order.Horizon, l.now()), []place{}}
	for _, p := range places {
		work, d := reader.Work(p.Work, l.now())
		if work.ID != "" && len(out.Continue) < maxContinue {
			out.Continue = append(out.Continue, place{work, p.Chapter, p.At, len(p.Bookmarks), d.Allowed, d.Code})
		}
	}
	return web.OK(out), nil
}

// ---- Reading

// open is who reads and the work that they may read in now, or why they may not.
func (l library) open(ctx context.Context, r web.Request) (license.Reader, catalog.Work, error) {
	reader, err := l.reader(ctx, r)
	if err != nil {
		return reader, catalog.Work{}, err
	}
	work, decision := reader.Work(catalog.WorkID(r.Path("id")), l.now())
	return reader, work, reader.Refuse(decision)
}

// opened is a work as the decision leaves it: its contents only where it may be read.
type opened struct {
	license.Decision
	Work     catalog.Work      `json:"work"`
	Contents []reading.Heading `json:"contents,omitempty"`
}

func (l library) work(ctx context.Context, r web.Request) (web.Response, error) {
	reader, err := l.reader(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	work, decision := reader.Work(catalog.WorkID(r.Path("id")), l.now())
	if work.ID == "" {
		return web.Response{}, decision.Err()
	}
	out := opened{Decision: decision, Work: work}
	if decision.Allowed {
		out.Contents = reading.Contents(work)
		line := l.did(activity.WorkOpened, reader, r)
		line.Work = work.ID
		line.Tell(ctx, l.activity, metric.Count)
	}
	return web.OK(out), nil
}

func (l library) chapter(ctx context.Context, r web.Request) (web.Response, error) {
	reader, work, err := l.open(ctx, r)
	if err != nil {
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
	line := l.did(activity.ChapterRead, reader, r)
	line.Work, line.Chapter = work.ID, n
	line.Tell(ctx, l.activity, metric.Count)
	return web.OK(chapter), nil
}

func (l library) search(ctx context.Context, r web.Request) (web.Response, error) {
	reader, err := l.reader(ctx, r)
	if err == nil {
		err = reader.Refuse(reader.Library(l.now()))
	}
	if err != nil {
		return web.Response{}, err
	}
	asked := r.Query()
	query := reading.Query{Text: asked.Get("q"), Language: asked.Get("language"), After: asked.Get("after"), Limit: asked.Get("limit")}
	found, err := reading.Search(query, reader.Shelf, civil.DateOf(l.now(), civil.Tallinn))
	if err != nil {
		return web.Response{}, err
	}
	line := l.did(activity.Searched, reader, r)
	line.Query = query.Text
	line.Tell(ctx, l.activity, metric.Count)
	return web.OK(found), nil
}

type folder struct {
	Files []file `json:"files"`
}

// file is a publisher's file.
type file struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int64  `json:"size"` // bytes
}

func (l library) folder(ctx context.Context, r web.Request) (web.Response, error) {
	_, work, err := l.open(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	objects, err := l.files.List(ctx, reading.Folder(work.ID))
	if err != nil {
		return web.Response{}, err
	}
	out := folder{[]file{}}
	for _, o := range objects {
		name := strings.TrimPrefix(o.Key, reading.Folder(work.ID))
		if _, err := reading.File(work.ID, name); err == nil { // and not a folder, as people make them in S3's console
			out.Files = append(out.Files, file{name, reading.Kind(name), o.Size})
		}
	}
	return web.OK(out), nil
}

// linkLives is how long somebody has to begin to fetch a file.
const linkLives = 5 * time.Minute

// linked is a file with a link to it, which is good for whoever has it, for a moment.
type linked struct {
	file
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expiresAt"`
}

func (l library) link(ctx context.Context, r web.Request) (web.Response, error) {
	reader, work, err := l.open(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	name := r.Path("name")
	key, err := reading.File(work.ID, name)
	if err != nil {
		return web.Response{}, err
	}
	found, err := l.files.List(ctx, key)
	if err != nil {
		return web.Response{}, err
	}
	if len(found) == 0 || found[0].Key != key { // a name stands before the longer ones that begin with it
		return web.Response{}, reading.ErrNoFile
	}
	to, err := l.files.Download(ctx, key, reading.Kind(name), path.Base(name), linkLives)
	if err != nil {
		return web.Response{}, err
	}
	line := l.did(activity.FileLinked, reader, r)
	line.Work, line.File = work.ID, name
	line.Tell(ctx, l.activity, metric.Count)
	return web.OK(linked{file{name, reading.Kind(name), found[0].Size}, to.URL, to.ExpiresAt}), nil
}
