// Account keeps what belongs to a person who has one: a new password for a forgotten one, and what they agree to.
//
//	POST /v1/password/forgot
//	POST /v1/password/reset
//	POST /v1/account/acceptances
package main

import (
	"context"
	"time"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/cloud"
	"opiq/shared/hold"
	"opiq/shared/letter"
	"opiq/shared/problem"
	"opiq/shared/secret"
	"opiq/shared/service"
	"opiq/shared/table"
	"opiq/shared/web"
)

type store interface {
	Addressee(ctx context.Context, door string, a account.Address, ip string, now time.Time) (account.Account, error)
	Account(context.Context, account.ID) (account.Account, error)
	SignedIn(context.Context, account.Token, time.Time) (account.Account, error)
	ChangeAccount(context.Context, account.Account, ...letter.Letter) error
	HoldsOf(context.Context, ...hold.ID) ([]hold.Record, error)
	Shelf(context.Context) (catalog.Shelf, error)
	Decide(context.Context, service.Decision) error
	KeepLetter(context.Context, letter.Letter) error
	Spend(context.Context, string, account.Limit, time.Time) (time.Duration, error)
}

type accounts struct {
	store     store
	passwords account.Passwords
	tokens    account.Tokens
	cookie    web.Cookie
	now       func() time.Time
}

func main() {
	cfg := cloud.Config()
	pepper := secret.Pepper(cfg, cloud.Env("SECRETS"))
	web.Start(accounts{
		table.Open(cfg, cloud.Env("TABLE")), account.NewPasswords(pepper), account.NewTokens(pepper), web.CookieAt(cloud.Env("PUBLIC_URL")), time.Now,
	}.routes())
}

func (a accounts) routes() web.Routes {
	return web.Routes{"POST /v1/password/forgot": a.forgot, "POST /v1/password/reset": a.reset, "POST /v1/account/acceptances": a.accept}
}

type forgetting struct {
	Email string `json:"email"`
}

// Check names the wrong field.
func (in *forgetting) Check() []problem.Field { return account.CheckAddress("/email", in.Email) }

func (a accounts) forgot(ctx context.Context, r web.Request) (web.Response, error) {
	var in forgetting
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	now := a.now()
	address, _ := account.ParseAddress(in.Email)
	who, err := a.store.Addressee(ctx, r.RouteKey(), address, r.IP(), now)
	if err != nil {
		return web.Response{}, err
	}
	if who.ID == "" { // nobody: as many writes, and no letter
		_, err := a.store.Spend(ctx, "nobody "+address.Hash(), account.LetterTries, now)
		return web.Accepted(), err
	}
	return web.Accepted(), a.store.KeepLetter(ctx, who.ResetLetter(now))
}

func (a accounts) reset(ctx context.Context, r web.Request) (web.Response, error) {
	var in account.NewPassword
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	subject, err := a.tokens.Open(account.Reset, in.Token, a.now())
	if err != nil {
		return web.Response{}, err
	}
	hash := a.passwords.Hash(in.Password)
	return web.NoContent(), table.Again(ctx, func() error {
		who, err := a.store.Account(ctx, account.SplitReset(subject))
		if err != nil {
			return err
		}
		leaked := who.Holds.Recorded(hold.CredentialLeak)
		who, err = who.Reset(subject, hash)
		if err != nil {
			return err
		}
		recovered, err := a.recover(ctx, who, leaked)
		if err != nil {
			return err
		}
		return a.store.Decide(ctx, recovered)
	})
}

// recover is the person with a new password, and without the holds that were placed for the old one.
func (a accounts) recover(ctx context.Context, who account.Account, leaked []hold.ID) (service.Decision, error) {
	var groups hold.Set
	leaks, err := a.store.HoldsOf(ctx, leaked...)
	if err == nil && len(leaks) > 0 { // they are told whether a group of theirs is on hold besides
		var shelf catalog.Shelf
		shelf, err = a.store.Shelf(ctx)
		groups = shelf.Groups
	}
	if err != nil {
		return service.Decision{}, err
	}
	return service.Recover(who, groups, leaks, a.now())
}

type accepting struct {
	Accept []account.Accepting `json:"accept"`
}

// Check names the wrong fields.
func (in *accepting) Check() []problem.Field { return account.CheckAccept("/accept", in.Accept) }

func (a accounts) accept(ctx context.Context, r web.Request) (web.Response, error) {
	token, err := account.ParseToken(a.cookie.Of(r))
	if err != nil {
		return web.Response{}, err
	}
	var in accepting
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	who, err := a.store.SignedIn(ctx, token, a.now())
	if err != nil {
		return web.Response{}, err
	}
	who, err = who.Accept(in.Accept, a.now(), r.IP())
	if err != nil {
		return web.Response{}, err
	}
	return web.NoContent(), a.store.ChangeAccount(ctx, who)
}
