// Card-callback is the door at which the card provider knocks, and at which buyers come back from it.
//
//	GET  /v1/callbacks/card              the provider's callback
//	POST /v1/callbacks/card              the same
//	GET  /v1/callbacks/card/{attempt}    a buyer who returns
//
// Nothing that comes here is signed, so it is only a hint: it is queued for card-settlement, which asks the provider about payments
// that are ours. The door holds no secret, has no right on the table and decides nothing about money. The provider hears 200 when its
// hint is queued; a person goes on to the order's page, whose truth does not hang on this hint.
package main

import (
	"context"
	"net/url"
	"time"

	"opiq/shared/cloud"
	"opiq/shared/everypay"
	"opiq/shared/metric"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/problem"
	"opiq/shared/queue"
	"opiq/shared/web"
)

type sender interface {
	Send(ctx context.Context, message any) error
}

// patience is how long a person waits for the queue. What it did not take by then the janitor asks for.
const patience = 3 * time.Second

var errNoReference = problem.New(problem.Malformed, "no_payment_reference", "There must be one payment_reference, of 16 to 128 hexadecimal digits.")

type door struct {
	cards     sender
	publicURL string
	now       func() time.Time
}

func (d door) routes() web.Routes {
	return web.Routes{"GET /v1/callbacks/card": d.hear, "POST /v1/callbacks/card": d.hear, "GET /v1/callbacks/card/{attempt}": d.welcome}
}

// hear takes what the provider says. What could not be queued it hears 500 for, and says again.
func (d door) hear(ctx context.Context, r web.Request) (web.Response, error) {
	said, err := everypay.ReadCallback(fields(r))
	if err != nil {
		metric.Count("CardCallbackRefused", "reference", r.Method())
		return web.Response{}, errNoReference
	}
	if err := d.queue(ctx, said); err != nil {
		return web.Response{}, err
	}
	return web.Response{Header: map[string]string{"Content-Type": "text/plain"}, Body: "OK"}, nil
}

// fields are what the provider says, in the query or in the body of a form.
func fields(r web.Request) url.Values {
	if said := r.Query(); said.Has("payment_reference") {
		return said
	}
	form, err := r.Form()
	if err != nil {
		return nil // and so without a reference
	}
	return form
}

// welcome lets a buyer's return hasten the answer, and sends them on whatever comes of it.
func (d door) welcome(ctx context.Context, r web.Request) (web.Response, error) {
	if said, err := everypay.ReadCallback(r.Query()); err == nil {
		ctx, stop := context.WithTimeout(ctx, patience)
		defer stop()
		_ = d.queue(ctx, said) // it is counted
	}
	return web.SeeOther(d.orderPage(r.Path("attempt"))), nil
}

func (d door) queue(ctx context.Context, said everypay.Callback) error {
	err := d.cards.Send(ctx, payment.CardMessage{Reference: said.Reference, Event: said.Event, At: d.now().UTC()})
	if err != nil {
		metric.Count("CardCallbackNotQueued", "queue", string(said.Reference)+": "+err.Error())
	}
	return err
}

// orderPage is where a person sees what became of the payment: the order's page, or all orders where the stamp is not one of ours.
func (d door) orderPage(stamp string) string {
	number, _, ok := order.ParseStamp(stamp)
	if !ok {
		return d.publicURL + "/orders"
	}
	return d.publicURL + "/orders/" + string(number)
}

func main() {
	web.Start(door{queue.Open(cloud.Config(), cloud.Env("CARDS_QUEUE")), cloud.Env("PUBLIC_URL"), time.Now}.routes())
}
