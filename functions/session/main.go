// Session signs people in and out, and tells who is signed in.
//
//	POST   /v1/session
//	GET    /v1/session
//	DELETE /v1/session
//
// An unknown address and a wrong password get the same answer after the same work.
package main

import (
	"context"
	"errors"
	"log"
	"time"

	"opiq/shared/account"
	"opiq/shared/cloud"
	"opiq/shared/secret"
	"opiq/shared/table"
	"opiq/shared/web"
)

type store interface {
	ByAddress(context.Context, account.Address) (account.Account, error)
	Session(context.Context, account.Token, time.Time) (account.Session, account.Account, error)
	PutSession(context.Context, account.Session) error
	Spend(context.Context, string, account.Limit, time.Time) (time.Duration, error)
	Forgive(context.Context, string) error
}

type session struct {
	store     store
	passwords account.Passwords
	cookie    web.Cookie
	now       func() time.Time
}

func main() {
	cfg := cloud.Config()
	pepper, err := secret.Open(cfg, cloud.Env("SECRETS")).Pepper(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	web.Start(session{table.Open(cfg, cloud.Env("TABLE")), account.NewPasswords(pepper), web.CookieAt(cloud.Env("PUBLIC_URL")), time.Now}.routes())
}

func (s session) routes() web.Routes {
	return web.Routes{"POST /v1/session": s.signIn, "GET /v1/session": s.who, "DELETE /v1/session": s.signOut}
}

type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

type answer struct {
	Account account.Document `json:"account"`
}

func (s session) signIn(ctx context.Context, r web.Request) (web.Response, error) {
	var in credentials
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	now := s.now()
	address, _ := account.ParseAddress(in.Email)
	tries := "sign-in " + address.Hash() + " " + r.IP()
	wait, err := s.store.Spend(ctx, tries, account.SignInTries, now)
	if err != nil {
		return web.Response{}, err
	}
	if wait > 0 {
		return web.Response{}, account.ErrTooManyTries.After(wait)
	}
	a, err := s.store.ByAddress(ctx, address)
	if err != nil {
		return web.Response{}, err
	}
	if !s.passwords.Match(a.Password, in.Password) {
		return web.Response{}, account.ErrCredentials
	}
	begun, token := a.SignIn(now)
	if err := errors.Join(s.store.PutSession(ctx, begun), s.store.Forgive(ctx, tries)); err != nil {
		return web.Response{}, err
	}
	out := web.OK(answer{a.Document(now)})
	out.Cookies = []string{s.cookie.Set(token.String(), account.SessionLives)}
	return out, nil
}

func (s session) who(ctx context.Context, r web.Request) (web.Response, error) {
	_, a, err := s.store.Session(ctx, account.ParseToken(s.cookie.Of(r)), s.now())
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(answer{a.Document(s.now())}), nil
}

func (s session) signOut(ctx context.Context, r web.Request) (web.Response, error) {
	open, _, err := s.store.Session(ctx, account.ParseToken(s.cookie.Of(r)), s.now())
	if err == nil {
		open.EndedAt = s.now().UTC()
		err = s.store.PutSession(ctx, open)
	}
	if err != nil && !errors.Is(err, account.ErrSignedOut) {
		return web.Response{}, err
	}
	out := web.NoContent()
	out.Cookies = []string{s.cookie.Set("", 0)}
	return out, nil
}
