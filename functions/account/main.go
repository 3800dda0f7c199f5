// Account keeps what belongs to a person who has one: what they say of themselves, what they agree to, their password, and its end.
//
//	POST   /v1/password/forgot
//	POST   /v1/password/reset
//	PATCH  /v1/account
//	PUT    /v1/account/consents/marketing
//	DELETE /v1/account/consents/marketing
//	POST   /v1/account/acceptances
//	POST   /v1/account/password
//	POST   /v1/account/closing
package main

import (
	"context"
	"time"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/cloud"
	"opiq/shared/hold"
	"opiq/shared/letter"
	"opiq/shared/payment"
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
	Forgive(context.Context, string) error
	BooksOf(context.Context, account.ID) ([]payment.Book, error)
	CloseAccount(context.Context, account.Closed) error
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
	return web.Routes{
		"POST /v1/password/forgot": a.forgot, "POST /v1/password/reset": a.reset,
		"PATCH /v1/account": a.describe, "PUT /v1/account/consents/marketing": a.consent, "DELETE /v1/account/consents/marketing": a.withdraw,
		"POST /v1/account/acceptances": a.accept, "POST /v1/account/password": a.replace, "POST /v1/account/closing": a.close,
	}
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
	var in accepting
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	_, err := a.change(ctx, r, func(who account.Account) (account.Account, error) { return who.Accept(in.Accept, a.now(), r.IP()) })
	return web.NoContent(), err
}

type answer struct {
	Account account.Document `json:"account"`
}

func (a accounts) describe(ctx context.Context, r web.Request) (web.Response, error) {
	var in account.Details
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	who, err := a.change(ctx, r, func(who account.Account) (account.Account, error) { return who.With(in), nil })
	return web.OK(answer{who.Document(a.now())}), err
}

func (a accounts) consent(ctx context.Context, r web.Request) (web.Response, error) {
	_, err := a.change(ctx, r, func(who account.Account) (account.Account, error) { return who.Consents(a.now()), nil })
	return web.NoContent(), err
}

func (a accounts) withdraw(ctx context.Context, r web.Request) (web.Response, error) {
	_, err := a.change(ctx, r, func(who account.Account) (account.Account, error) { return who.Withdraws(a.now()), nil })
	return web.NoContent(), err
}

// change stores what who is signed in becomes, and answers it.
func (a accounts) change(ctx context.Context, r web.Request, become func(account.Account) (account.Account, error)) (who account.Account, err error) {
	token, err := account.ParseToken(a.cookie.Of(r))
	if err != nil {
		return who, err
	}
	err = table.Again(ctx, func() error {
		if who, err = a.store.SignedIn(ctx, token, a.now()); err != nil {
			return err
		}
		if who, err = become(who); err != nil {
			return err
		}
		return a.store.ChangeAccount(ctx, who)
	})
	return who, err
}

func (a accounts) replace(ctx context.Context, r web.Request) (web.Response, error) {
	var in account.Replacement
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	token, err := a.prove(ctx, r, "/old", in.Old)
	if err != nil {
		return web.Response{}, err
	}
	hash := a.passwords.Hash(in.New)
	var fresh account.Token
	err = table.Again(ctx, func() error {
		who, err := a.store.SignedIn(ctx, token, a.now())
		if err != nil {
			return err
		}
		who, fresh = who.Replace(hash, a.now())
		return a.store.ChangeAccount(ctx, who, who.ChangedLetter(a.now()))
	})
	out := web.NoContent()
	out.Cookies = []string{a.cookie.Set(fresh.String(), account.SessionLives)}
	return out, err
}

// prove wants who is signed in to know the password too. After ten wrong ones the session ends: one that somebody stole guesses no further.
func (a accounts) prove(ctx context.Context, r web.Request, pointer, password string) (account.Token, error) {
	token, err := account.ParseToken(a.cookie.Of(r))
	if err != nil {
		return token, err
	}
	who, err := a.store.SignedIn(ctx, token, a.now())
	if err != nil {
		return token, err
	}
	name := "password in " + string(token.Session())
	wait, err := a.store.Spend(ctx, name, account.ProofTries, a.now())
	switch {
	case err != nil:
		return token, err
	case wait > 0:
		if _, err := a.change(ctx, r, func(who account.Account) (account.Account, error) { return who.SignOut(token), nil }); err != nil {
			return token, err
		}
		return token, account.ErrSignedOut
	case !a.passwords.Match(who.Password, password):
		return token, account.WrongPassword(pointer)
	}
	return token, a.store.Forgive(ctx, name)
}

type closing struct {
	Password string `json:"password"`
}

// Check names the missing field.
func (in *closing) Check() []problem.Field { return account.Required("/password", in.Password) }

func (a accounts) close(ctx context.Context, r web.Request) (web.Response, error) {
	var in closing
	if err := r.Decode(&in); err != nil {
		return web.Response{}, err
	}
	token, err := a.prove(ctx, r, "/password", in.Password)
	if err != nil {
		return web.Response{}, err
	}
	out := web.NoContent()
	out.Cookies = []string{a.cookie.Set("", 0)}
	return out, table.Again(ctx, func() error { return a.end(ctx, token) })
}

// end closes the account, unless money is under way. An order that is placed at this very moment ends with the account's others, by time.
func (a accounts) end(ctx context.Context, token account.Token) error {
	who, err := a.store.SignedIn(ctx, token, a.now())
	if err != nil {
		return err
	}
	closed, err := who.Close(a.now())
	if err != nil {
		return err
	}
	books, err := a.store.BooksOf(ctx, who.ID)
	if err == nil {
		err = payment.Settled(books)
	}
	if err != nil {
		return err
	}
	return a.store.CloseAccount(ctx, closed)
}
