// Checkout places orders and sends their buyers to pay.
//
//	POST /v1/orders
//	POST /v1/orders/{number}/payments
package main

import (
	"context"
	"crypto/rsa"
	"log"
	"maps"
	"slices"
	"time"

	"opiq/shared/account"
	"opiq/shared/banklink"
	"opiq/shared/cloud"
	"opiq/shared/license"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/problem"
	"opiq/shared/secret"
	"opiq/shared/table"
	"opiq/shared/web"
)

type store interface {
	Buyer(context.Context, account.Token, order.Number, time.Time) (account.Account, order.Order, bool, error)
	Place(context.Context, order.Order) (order.Order, error)
	Purchase(context.Context, account.Token, order.Number, time.Time) (account.Account, payment.Book, *license.License, error)
	Attempt(context.Context, order.Attempt) (order.Attempt, error)
	Spend(context.Context, string, account.Limit, time.Time) (time.Duration, error)
}

// desk is a bank that buyers can be sent to.
type desk struct {
	link *banklink.Link
	key  *rsa.PrivateKey
}

type checkout struct {
	store     store
	banks     map[banklink.Bank]desk
	publicURL string
	cookie    web.Cookie
	now       func() time.Time
}

func main() {
	cfg := cloud.Config()
	banks, err := open(context.Background(), secret.Open(cfg, cloud.Env("SECRETS")), banklink.Banks(cloud.Env("BANKS")))
	if err != nil {
		log.Fatal(err)
	}
	publicURL := cloud.Env("PUBLIC_URL")
	web.Start(checkout{table.Open(cfg, cloud.Env("TABLE")), banks, publicURL, web.CookieAt(publicURL), time.Now}.routes())
}

// open reads the agreements with the banks and the keys that our orders to them are signed with.
func open(ctx context.Context, secrets *secret.Store, names []banklink.Bank) (map[banklink.Bank]desk, error) {
	var wanted []string
	for _, b := range names {
		wanted = append(wanted, b.AgreementParameter(), b.KeyParameter())
	}
	parameters, err := secrets.Strings(ctx, wanted...)
	if err != nil {
		return nil, err
	}
	links, err := banklink.Links(names, parameters, secrets.Prod())
	if err != nil {
		return nil, err
	}
	keys, err := banklink.Keys(names, parameters)
	if err != nil {
		return nil, err
	}
	banks := map[banklink.Bank]desk{}
	for _, b := range names {
		banks[b] = desk{links[b], keys[b]}
	}
	return banks, nil
}

func (c checkout) routes() web.Routes {
	return web.Routes{"POST /v1/orders": c.place, "POST /v1/orders/{number}/payments": c.pay}
}

func (c checkout) place(ctx context.Context, r web.Request) (web.Response, error) {
	token, err := account.ParseToken(c.cookie.Of(r))
	if err != nil {
		return web.Response{}, err
	}
	var wish order.Wish
	if err := r.Decode(&wish); err != nil {
		return web.Response{}, err
	}
	key := r.Header("Idempotency-Key")
	if err := order.CheckKey(key); err != nil {
		return web.Response{}, err
	}
	for number := range order.Numbers(token.Account, key) {
		who, o, there, err := c.store.Buyer(ctx, token, number, c.now())
		if err != nil {
			return web.Response{}, err
		}
		if !there {
			if o, err = order.Place(who, wish, key, c.now()); err != nil {
				return web.Response{}, err
			}
			wait, err := c.store.Spend(ctx, r.RouteKey()+" "+string(who.ID), account.OrderTries, c.now())
			if err != nil {
				return web.Response{}, err
			}
			if wait > 0 {
				return web.Response{}, order.ErrTooMany.After(wait)
			}
			o.Number = number
			if o, err = c.store.Place(ctx, o); err != nil {
				return web.Response{}, err
			}
		}
		if !o.Under(who.ID, key) {
			continue // the number is somebody else's: take the next
		}
		if o, err = o.Repeat(wish); err != nil {
			return web.Response{}, err
		}
		return web.Created("/v1/orders/"+string(o.Number), o.Document()), nil
	}
	return web.Response{}, order.ErrStillTaken
}

// started is where a buyer is sent to pay.
type started struct {
	Attempt order.AttemptDocument `json:"attempt"`
	Form    banklink.Form         `json:"form"`
}

func (c checkout) pay(ctx context.Context, r web.Request) (web.Response, error) {
	token, err := account.ParseToken(c.cookie.Of(r))
	if err != nil {
		return web.Response{}, err
	}
	var way order.Way
	if err := r.Decode(&way); err != nil {
		return web.Response{}, err
	}
	if err := problem.Wrong(way.Check(slices.Sorted(maps.Keys(c.banks)))); err != nil {
		return web.Response{}, err
	}
	number, ok := order.ParseNumber(r.Path("number"))
	if !ok {
		return web.Response{}, order.ErrNotFound
	}
	who, book, _, err := c.store.Purchase(ctx, token, number, c.now())
	if err != nil {
		return web.Response{}, err
	}
	wanted, err := book.Order.Start(way, r.Header("Idempotency-Key"), who.Language, book.Attempts, c.now())
	if err != nil {
		return web.Response{}, err
	}
	attempt, err := c.store.Attempt(ctx, wanted)
	if err != nil {
		return web.Response{}, err
	}
	if attempt.Bank != wanted.Bank {
		return web.Response{}, order.ErrKeyReused
	}
	b := c.banks[attempt.Bank]
	form, err := b.link.Form(b.key, attempt.Banklink(c.publicURL+"/v1/callbacks/banklink/"+string(attempt.Bank), c.now()))
	if err != nil {
		return web.Response{}, err
	}
	return web.Created("/v1/orders/"+string(number), started{attempt.Document(), form}), nil
}
