// Statement-import takes in bank statements from staff and machines: at once what fits into a request, and larger files by an
// upload, which function statement-intake reads.
//
//	POST /v1/statements
//	GET  /v1/statements/{id}
//	POST /v1/statements/uploads
package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"opiq/shared/account"
	"opiq/shared/bucket"
	"opiq/shared/cloud"
	"opiq/shared/intake"
	"opiq/shared/reconciliation"
	"opiq/shared/secret"
	"opiq/shared/statement"
	"opiq/shared/table"
	"opiq/shared/web"
)

type store interface {
	Actor(ctx context.Context, authorization, cookie string, r account.Right, now time.Time) (account.Actor, error)
	KeepEntries(context.Context, []reconciliation.Entry) ([]reconciliation.Kept, error)
	Statement(context.Context, intake.ID) (intake.Import, error)
	ChangeStatement(context.Context, intake.Import, ...account.Act) error
	Record(context.Context, account.Act) error
}

type uploads interface {
	Upload(ctx context.Context, key, contentType string, size int64, lives time.Duration) (bucket.Link, error)
	Open(ctx context.Context, key string) (object io.ReadCloser, size int64, err error)
}

type statements struct {
	store    store
	uploads  uploads
	accounts []string // ours
	cookie   web.Cookie
	name     func() intake.ID // of an upload
	now      func() time.Time
}

func main() {
	cfg := cloud.Config()
	desk := secret.Desk(cfg, cloud.Env("SECRETS"))
	web.Start(statements{
		table.Open(cfg, cloud.Env("TABLE")), bucket.Open(cfg, cloud.Env("BUCKET")), desk.IBANs(),
		web.CookieAt(cloud.Env("PUBLIC_URL")), intake.NewUpload, time.Now,
	}.routes())
}

func (s statements) routes() web.Routes {
	return web.Routes{"POST /v1/statements": s.receive, "GET /v1/statements/{id}": s.show, "POST /v1/statements/uploads": s.upload}
}

func (s statements) actor(ctx context.Context, r web.Request) (account.Actor, error) {
	return s.store.Actor(ctx, r.Header("Authorization"), s.cookie.Of(r), account.Statements, s.now())
}

// kinds are what a statement may be sent as; whether it is gzip, its first bytes say.
var kinds = []string{"application/xml", "text/xml", "application/gzip", "application/x-gzip", "application/octet-stream"}

func (s statements) receive(ctx context.Context, r web.Request) (web.Response, error) {
	who, err := s.actor(ctx, r)
	switch {
	case err != nil:
		return web.Response{}, err
	case r.Type() == "application/json":
		return s.handIn(ctx, r, who)
	case slices.Contains(kinds, r.Type()):
		return s.take(ctx, r, who)
	}
	return web.Response{}, intake.ErrType
}

// How many bytes there may be. Lambda takes 6 MB, and what is not text comes in base64, which is a third longer.
const (
	mostText     = 5 << 20  // of a body that is text,
	mostBinary   = 4 << 20  // and of one that is not
	mostUnpacked = 64 << 20 // of what is in it
)

// take keeps the entries of a statement that came with the request.
func (s statements) take(ctx context.Context, r web.Request, who account.Actor) (web.Response, error) {
	file, err := r.Bytes()
	switch {
	case err != nil:
		return web.Response{}, err
	case len(file) > mostText, r.Binary() && len(file) > mostBinary:
		return web.Response{}, intake.ErrBody
	}
	if err := intake.Check(bytes.NewReader(file), mostUnpacked, s.accounts); err != nil {
		return web.Response{}, err
	}
	if r.Mangled() {
		return web.Response{}, statement.ErrEncoding
	}
	i := intake.Receive(intake.IDOf(file), who, s.now())
	taking := intake.Taking{Accounts: s.accounts, Most: mostUnpacked, Keep: s.store.KeepEntries, By: i.By, Now: s.now()}
	summary, _, err := taking.Take(ctx, i, bytes.NewReader(file))
	if err != nil {
		return web.Response{}, err
	}
	done, act := i.End(summary, s.now())
	if err = s.store.ChangeStatement(ctx, done, act); errors.Is(err, table.ErrChanged) {
		if _, missing := s.store.Statement(ctx, i.ID); missing == nil { // it was imported before, and stays as it was
			err = s.store.Record(ctx, done.Repeated())
		}
	}
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(done.Document()), nil
}

// handIn passes an upload on to be read.
func (s statements) handIn(ctx context.Context, r web.Request, who account.Actor) (web.Response, error) {
	var in intake.Handing
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	object, _, err := s.uploads.Open(ctx, in.Upload.Object())
	if err != nil {
		return web.Response{}, err
	}
	object.Close() // it is there: that was the question
	i := intake.Receive(in.Upload, who, s.now())
	if err = s.store.ChangeStatement(ctx, i); errors.Is(err, table.ErrChanged) { // it was handed in before
		i, err = s.store.Statement(ctx, in.Upload)
	}
	if err != nil {
		return web.Response{}, err
	}
	answer := web.JSON(202, i.Document())
	answer.Header["Location"] = "/v1/statements/" + string(i.ID)
	return answer, nil
}

func (s statements) show(ctx context.Context, r web.Request) (web.Response, error) {
	if _, err := s.actor(ctx, r); err != nil {
		return web.Response{}, err
	}
	id, ok := intake.ParseID(r.Path("id"))
	if !ok {
		return web.Response{}, intake.ErrNotFound
	}
	i, err := s.store.Statement(ctx, id)
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(i.Document()), nil
}

// linkLives is how long somebody has to begin an upload.
const linkLives = time.Hour

// link is where a file is to be put.
type link struct {
	Upload intake.ID `json:"upload"`
	bucket.Link
}

func (s statements) upload(ctx context.Context, r web.Request) (web.Response, error) {
	if _, err := s.actor(ctx, r); err != nil {
		return web.Response{}, err
	}
	var wish intake.Wish
	if err := r.Decode(&wish); err != nil {
		return web.Response{}, err
	}
	id := s.name()
	to, err := s.uploads.Upload(ctx, id.Object(), wish.Type, wish.Size, linkLives)
	if err != nil {
		return web.Response{}, err
	}
	return web.JSON(201, link{id, to}), nil
}
