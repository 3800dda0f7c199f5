// Signup registers people: what they typed waits until the link in their mail is used.
//
//	POST /v1/signup
//	POST /v1/signup/verify
//	POST /v1/signup/resend
//
// It never tells whether an address is known: the answer is the same, after the same work, and the truth goes by mail.
package main

import (
	"context"
	"slices"
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
	Addressee(ctx context.Context, door string, a account.Address, ip string, now time.Time) (account.Account, error)
	Waiting(context.Context, account.Address, time.Time) ([]account.SignUp, error)
	SignUp(context.Context, account.SignUpID) (account.SignUp, error)
	Keep(context.Context, account.SignUp, letter.Letter) error
	KeepLetter(context.Context, letter.Letter) error
	Found(context.Context, account.SignUp, ...letter.Letter) error
	Spend(context.Context, string, account.Limit, time.Time) (time.Duration, error)
}

type signup struct {
	store     store
	passwords account.Passwords
	tokens    account.Tokens
	now       func() time.Time
}

func main() {
	cfg := cloud.Config()
	pepper := secret.Pepper(cfg, cloud.Env("SECRETS"))
	web.Start(signup{table.Open(cfg, cloud.Env("TABLE")), account.NewPasswords(pepper), account.NewTokens(pepper), time.Now}.routes())
}

func (s signup) routes() web.Routes {
	return web.Routes{"POST /v1/signup": s.register, "POST /v1/signup/verify": s.verify, "POST /v1/signup/resend": s.resend}
}

func (s signup) register(ctx context.Context, r web.Request) (web.Response, error) {
	var in account.Registration
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	now := s.now()
	waiting, err := account.Register(in, s.passwords, now, r.IP())
	if err != nil {
		return web.Response{}, err
	}
	known, err := s.store.Addressee(ctx, r.RouteKey(), waiting.Account.Address, r.IP(), now)
	if err != nil {
		return web.Response{}, err
	}
	return web.Accepted(), s.store.Keep(ctx, waiting, waiting.Letter(known, now))
}

type verifying struct {
	Token string `json:"token"`
}

// Check names the missing field.
func (in *verifying) Check() []problem.Field { return account.Required("/token", in.Token) }

func (s signup) verify(ctx context.Context, r web.Request) (web.Response, error) {
	var in verifying
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	id, err := s.tokens.Open(account.Verify, in.Token, s.now())
	if err != nil {
		return web.Response{}, err
	}
	this, err := s.store.SignUp(ctx, account.SignUpID(id))
	if err != nil {
		return web.Response{}, err
	}
	waiting, err := s.store.Waiting(ctx, this.Account.Address, s.now())
	if err != nil {
		return web.Response{}, err
	}
	used, reset, err := this.Use(waiting, s.now())
	if err != nil {
		return web.Response{}, err
	}
	if reset {
		return web.NoContent(), s.store.Found(ctx, used, used.Account.ResetLetter(s.now()))
	}
	return web.NoContent(), s.store.Found(ctx, used)
}

type resending struct {
	Email string `json:"email"`
}

// Check names the wrong field.
func (in *resending) Check() []problem.Field { return account.CheckAddress("/email", in.Email) }

func (s signup) resend(ctx context.Context, r web.Request) (web.Response, error) {
	var in resending
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	now := s.now()
	address, _ := account.ParseAddress(in.Email)
	known, err := s.store.Addressee(ctx, r.RouteKey(), address, r.IP(), now)
	if err != nil {
		return web.Response{}, err
	}
	waiting, err := s.store.Waiting(ctx, address, now)
	if err != nil {
		return web.Response{}, err
	}
	if len(waiting) == 0 { // as many writes, and no letter
		_, err := s.store.Spend(ctx, "nobody "+address.Hash(), account.LetterTries, now)
		return web.Accepted(), err
	}
	latest := slices.MaxFunc(waiting, func(a, b account.SignUp) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
	return web.Accepted(), s.store.KeepLetter(ctx, latest.Letter(known, now))
}
