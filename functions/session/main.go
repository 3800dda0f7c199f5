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
	"time"

	"opiq/shared/account"
	"opiq/shared/cloud"
	"opiq/shared/letter"
	"opiq/shared/problem"
	"opiq/shared/secret"
	"opiq/shared/table"
	"opiq/shared/web"
)

type store interface {
	ByAddress(context.Context, account.Address) (account.Account, error)
	SignedIn(context.Context, account.Token, time.Time) (account.Account, error)
	ChangeAccount(context.Context, account.Account, ...letter.Letter) error
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
	passwords := account.NewPasswords(secret.Pepper(cfg, cloud.Env("SECRETS")))
	web.Start(session{table.Open(cfg, cloud.Env("TABLE")), passwords, web.CookieAt(cloud.Env("PUBLIC_URL")), time.Now}.routes())
}

func (s session) routes() web.Routes {
	return web.Routes{"POST /v1/session": s.signIn, "GET /v1/session": s.who, "DELETE /v1/session": s.signOut}
}

type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// Check names the missing fields.
func (in *credentials) Check() []problem.Field {
	return append(account.Required("/email", in.Email), account.Required("/password", in.Password)...)
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
	name := account.Tried(r.RouteKey(), address, r.IP())
	wait, err := s.store.Spend(ctx, name, account.SignInTries, now)
	if err != nil {
		return web.Response{}, err
	}
	if wait > 0 {
		return web.Response{}, account.ErrTooManyTries.After(wait)
	}
	a, token, err := s.open(ctx, address, in.Password)
	if err != nil {
		return web.Response{}, err
	}
	if err := s.store.Forgive(ctx, name); err != nil {
		return web.Response{}, err
	}
	out := web.OK(answer{a.Document(now)})
	out.Cookies = []string{s.cookie.Set(token.String(), account.SessionLives)}
	return out, nil
}

// open begins a session, again where the account changed meanwhile.
func (s session) open(ctx context.Context, address account.Address, password string) (account.Account, account.Token, error) {
	for try := 0; ; try++ {
		a, err := s.store.ByAddress(ctx, address)
		if err != nil {
			return account.Account{}, account.Token{}, err
		}
		if !s.passwords.Match(a.Password, password) {
			return account.Account{}, account.Token{}, account.ErrCredentials
		}
		if a.Leaked() { // said only to who knows the password
			return account.Account{}, account.Token{}, account.ErrLeaked
		}
		a, token := a.SignIn(s.now())
		if err := s.store.ChangeAccount(ctx, a); !errors.Is(err, table.ErrChanged) || try == tries {
			return a, token, err
		}
	}
}

// tries are how often a change is made again where somebody else was quicker.
const tries = 10

func (s session) who(ctx context.Context, r web.Request) (web.Response, error) {
	token, err := account.ParseToken(s.cookie.Of(r))
	if err != nil {
		return web.Response{}, err
	}
	a, err := s.store.SignedIn(ctx, token, s.now())
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(answer{a.Document(s.now())}), nil
}

func (s session) signOut(ctx context.Context, r web.Request) (web.Response, error) {
	token, err := account.ParseToken(s.cookie.Of(r))
	if err == nil {
		err = s.end(ctx, token)
	}
	if err != nil && !errors.Is(err, account.ErrSignedOut) {
		return web.Response{}, err
	}
	out := web.NoContent()
	out.Cookies = []string{s.cookie.Set("", 0)}
	return out, nil
}

func (s session) end(ctx context.Context, token account.Token) error {
	for try := 0; ; try++ {
		a, err := s.store.SignedIn(ctx, token, s.now())
		if err != nil {
			return err
		}
		if err := s.store.ChangeAccount(ctx, a.SignOut(token)); !errors.Is(err, table.ErrChanged) || try == tries {
			return err
		}
	}
}
