// Checkout says how an order can be paid, places orders and sends their buyers to pay.
//
//	GET  /v1/payment-methods
//	POST /v1/orders
//	POST /v1/orders/{number}/payments
package main

import (
	"context"
	"crypto/rsa"
	"log"
	"time"

	"opiq/shared/account"
	"opiq/shared/acquirer"
	"opiq/shared/banklink"
	"opiq/shared/catalog"
	"opiq/shared/cloud"
	"opiq/shared/everypay"
	"opiq/shared/invoice"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/problem"
	"opiq/shared/secret"
	"opiq/shared/table"
	"opiq/shared/web"
	"opiq/shared/words"
)

type store interface {
	Buyer(context.Context, account.Token, order.Number, time.Time) (account.Account, order.Order, bool, error)
	Shelf(context.Context) (catalog.Shelf, error)
	Place(context.Context, order.Order) (order.Order, error)
	Purchase(context.Context, account.Token, order.Number, time.Time) (account.Account, payment.Book, error)
	Issue(context.Context, int, func(invoice.Number) (invoice.Issued, error)) (invoice.Invoice, error)
	Attempt(context.Context, order.Attempt) (order.Attempt, error)
	Charge(context.Context, order.Attempt) error
	Spend(context.Context, string, account.Limit, time.Time) (time.Duration, error)
}

// desk is a bank that buyers can be sent to.
type desk struct {
	link *banklink.Link
	key  *rsa.PrivateKey
}

type checkout struct {
	store     store
	cards     cards
	names     []banklink.Bank // of the banks, in the order in which they are offered
	banks     map[banklink.Bank]desk
	invoices  invoice.Desk
	publicURL string
	cookie    web.Cookie
	now       func() time.Time
}

func main() {
	cfg := cloud.Config()
	c, err := open(context.Background(), secret.Open(cfg, cloud.Env("SECRETS")), banklink.Banks(cloud.Env("BANKS")))
	if err != nil {
		log.Fatal(err)
	}
	c.store, c.publicURL, c.now = table.Open(cfg, cloud.Env("TABLE")), cloud.Env("PUBLIC_URL"), time.Now
	c.cookie = web.CookieAt(c.publicURL)
	web.Start(c.routes())
}

// open reads the agreements with the banks and the card provider, the keys that our orders to banks are signed with, and how we
// invoice.
func open(ctx context.Context, secrets *secret.Store, names []banklink.Bank) (c checkout, err error) {
	wanted := []string{invoice.DeskParameter, everypay.AgreementParameter, everypay.SecretParameter}
	for _, b := range names {
		wanted = append(wanted, b.AgreementParameter(), b.KeyParameter())
	}
	parameters, err := secrets.Strings(ctx, wanted...)
	if err != nil {
		return c, err
	}
	links, err := banklink.Links(names, parameters, secrets.Prod())
	if err != nil {
		return c, err
	}
	keys, err := banklink.Keys(names, parameters)
	if err != nil {
		return c, err
	}
	c.names, c.banks = names, map[banklink.Bank]desk{}
	for _, b := range names {
		c.banks[b] = desk{links[b], keys[b]}
	}
	agreement, password, err := everypay.Open(parameters, secrets.Prod())
	if err != nil {
		return c, err
	}
	c.cards = acquirer.Open(agreement, password, nil)
	c.invoices, err = invoice.ParseDesk(parameters[invoice.DeskParameter])
	return c, err
}

func (c checkout) routes() web.Routes {
	return web.Routes{"GET /v1/payment-methods": c.methods, "POST /v1/orders": c.place, "POST /v1/orders/{number}/payments": c.pay}
}

// fresh is how long a browser may keep the ways to pay.
const fresh = 5 * time.Minute

// methods are the ways to pay, and the banks that there are links to.
type methods struct {
	Methods []order.Method `json:"methods"`
	Banks   []bankName     `json:"banks"`
}

type bankName struct {
	Bank banklink.Bank `json:"bank"`
	Name string        `json:"name"`
}

func (c checkout) methods(_ context.Context, r web.Request) (web.Response, error) {
	out := methods{Methods: order.Methods, Banks: []bankName{}}
	for _, b := range c.names {
		name, _ := words.Bank(string(b)) // each of ours has one
		out.Banks = append(out.Banks, bankName{b, name})
	}
	return web.Public(r, out, fresh), nil
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
			shelf, err := c.store.Shelf(ctx)
			if err != nil {
				return web.Response{}, err
			}
			if o, err = order.Place(who, shelf, wish, key, c.now()); err != nil {
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

// choice is the way to pay that a buyer chose: a bank, or an invoice, made out to them or to somebody they name.
type choice struct {
	Method order.Method   `json:"method"`
	Bank   banklink.Bank  `json:"bank"`
	Buyer  *invoice.Buyer `json:"buyer"`

	banks []banklink.Bank // that there are
}

// Check names every wrong field.
func (c *choice) Check() []problem.Field {
	wrong := c.way().Check(c.banks)
	switch {
	case c.Buyer == nil:
	case c.Method == order.ByInvoice:
		wrong = append(wrong, c.Buyer.Check()...)
	case c.Method == order.BankLink || c.Method == order.ByCard:
		wrong = append(wrong, problem.Field{Pointer: "/buyer", Code: "not_asked", Detail: "Only an invoice is made out to somebody."})
	}
	return wrong
}

func (c *choice) way() order.Way { return order.Way{Method: c.Method, Bank: c.Bank} }

// payable tells why its buyer cannot set out to pay an order now, or nil.
func (c checkout) payable(ctx context.Context, who account.Account, o order.Order) error {
	shelf, err := c.store.Shelf(ctx)
	if err != nil {
		return err
	}
	return o.PayableBy(who, shelf.Groups, c.now())
}

// started is where a buyer is sent to pay.
type started struct {
	Attempt  order.AttemptDocument `json:"attempt"`
	Form     *banklink.Form        `json:"form,omitempty"`     // to send to the bank, or
	Redirect string                `json:"redirect,omitempty"` // where to go: the card provider's page
}

func (c checkout) pay(ctx context.Context, r web.Request) (web.Response, error) {
	token, err := account.ParseToken(c.cookie.Of(r))
	if err != nil {
		return web.Response{}, err
	}
	chosen := choice{banks: c.names}
	if err := r.Decode(&chosen); err != nil {
		return web.Response{}, err
	}
	number, ok := order.ParseNumber(r.Path("number"))
	if !ok {
		return web.Response{}, order.ErrNotFound
	}
	if chosen.Method == order.ByInvoice {
		return c.invoice(ctx, token, number, chosen.Buyer)
	}
	who, book, err := c.store.Purchase(ctx, token, number, c.now())
	if err != nil {
		return web.Response{}, err
	}
	if err := c.payable(ctx, who, book.Order); err != nil {
		return web.Response{}, err
	}
	wanted, err := book.Order.Start(chosen.way(), r.Header("Idempotency-Key"), who.Language, book.Attempts, c.now())
	if err != nil {
		return web.Response{}, err
	}
	attempt, err := c.store.Attempt(ctx, wanted)
	if err != nil {
		return web.Response{}, err
	}
	if attempt.Method != wanted.Method || attempt.Bank != wanted.Bank || attempt.Amount != wanted.Amount { // a part was paid meanwhile: it is another payment
		return web.Response{}, order.ErrKeyReused
	}
	if attempt.Method == order.ByCard {
		return c.card(ctx, attempt, wanted, who, r.IP())
	}
	b := c.banks[attempt.Bank]
	form, err := b.link.Form(b.key, attempt.Banklink(c.publicURL+"/v1/callbacks/banklink/"+string(attempt.Bank), c.now()))
	if err != nil {
		return web.Response{}, err
	}
	return web.Created("/v1/orders/"+string(number), started{Attempt: attempt.Document(), Form: &form}), nil
}
