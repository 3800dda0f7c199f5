// Command card-settlement takes from the queue "cards" which payments the card provider has to be asked about, and makes what it says
// what it means: a paid order with its license, a failed attempt, money that went back. It also gives money back there.
//
// It asks about payments that we have made, and no others: whoever knocks at the door says nothing but "ask".
package main

import (
	"context"
	"errors"
	"log"
	"slices"
	"time"

	"opiq/shared/account"
	"opiq/shared/acquirer"
	"opiq/shared/cloud"
	"opiq/shared/everypay"
	"opiq/shared/metric"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/queue"
	"opiq/shared/secret"
	"opiq/shared/table"
)

type store interface {
	Charged(context.Context, everypay.Reference) (order.Number, order.AttemptID, error)
	Book(context.Context, order.Number) (payment.Book, error)
	Settle(context.Context, payment.Change) error
	Refuse(context.Context, payment.Refused) error
	Spend(context.Context, string, account.Limit, time.Time) (time.Duration, error)
}

// provider is the card provider.
type provider interface {
	Payment(context.Context, everypay.Reference) (everypay.Payment, error)
	Refund(context.Context, everypay.Refund) (everypay.Payment, error)
}

type settlement struct {
	store    store
	provider provider
	now      func() time.Time
}

func main() {
	cfg := cloud.Config()
	secrets := secret.Open(cfg, cloud.Env("SECRETS"))
	parameters, err := secrets.Strings(context.Background(), everypay.AgreementParameter, everypay.SecretParameter)
	if err != nil {
		log.Fatal(err)
	}
	agreement, password, err := everypay.Open(parameters, secrets.Prod())
	if err != nil {
		log.Fatal(err)
	}
	queue.Start(settlement{table.Open(cfg, cloud.Env("TABLE")), acquirer.Open(agreement, password, nil), time.Now}.handle)
}

// What comes again.
var (
	errNothing = errors.New("the message is about nothing that we know")
	errEarly   = errors.New("the provider tells of what is not to be seen yet")
)

// early is for how long something may be told of before it can be seen: a payment that is not stored yet, a state that the provider
// does not answer with yet.
const early = 3 * time.Minute

// late are the events by which money comes back to us. Nobody asks again about a payment that has ended, so these wait for their answer.
var late = []everypay.Event{everypay.RefundFailed, everypay.DisputeReversed}

func (s settlement) handle(ctx context.Context, m payment.CardMessage) error {
	switch {
	case m.Refund != "":
		return s.giveBack(ctx, m.Refund)
	case m.Reference == "":
		return errNothing
	}
	young := s.now().Sub(m.At) < early
	number, attempt, err := s.store.Charged(ctx, m.Reference)
	if errors.Is(err, payment.UnknownAttempt) {
		if young {
			return errEarly
		}
		metric.Count("CardUnknown", "reference", string(m.Reference))
		return nil
	}
	if err != nil {
		return err
	}
	if !m.At.IsZero() { // whoever has a reference can knock as often as they like; the janitor asks in any case
		if wait, err := s.store.Spend(ctx, "card "+string(m.Reference), account.CardTries, s.now()); err != nil || wait > 0 {
			return err
		}
	}
	changed, err := s.ask(ctx, number, attempt, m.Reference, m.Event)
	switch {
	case errors.Is(err, acquirer.ErrUnavailable) && m.At.IsZero():
		return nil // the janitor asks again by itself
	case err == nil && !changed && young && slices.Contains(late, m.Event):
		return errEarly
	}
	return err
}

// ask makes what the provider says of a payment what it means, until nothing is new. The book is read before the provider is asked: no
// answer is older than what it is held against.
func (s settlement) ask(ctx context.Context, n order.Number, attempt order.AttemptID, r everypay.Reference, event everypay.Event) (changed bool, err error) {
	for more := true; more && err == nil; {
		err = table.Again(ctx, func() error {
			more = false
			book, err := s.store.Book(ctx, n)
			if err != nil {
				return err
			}
			said, err := s.state(ctx, r)
			if err != nil {
				return err
			}
			c, news, err := payment.Card(book, attempt, said, event, s.now())
			if why, ok := errors.AsType[payment.Refusal](err); ok {
				changed = true
				metric.Count("CardTrouble", string(why), string(r))
				return s.store.Refuse(ctx, payment.Refused{Reason: why, Card: &said, At: s.now().UTC()})
			}
			if err != nil || !news {
				return err
			}
			if err := s.store.Settle(ctx, c); err != nil {
				return err
			}
			alarm(said, event, c)
			changed, more, event = true, payment.Several(said, event), everypay.NoEvent // the event is heard
			return nil
		})
	}
	return changed, err
}

// state asks the provider. A payment that it does not know, though it named it to us, is in no state that we know: it is asked about for
// some days, like any other.
func (s settlement) state(ctx context.Context, r everypay.Reference) (everypay.Payment, error) {
	said, err := s.provider.Payment(ctx, r)
	if refused, ok := errors.AsType[*acquirer.Refused](err); ok && refused.Status == 404 {
		return everypay.Payment{Reference: r, State: "not_found"}, nil
	}
	return said, err
}

// alarm counts what a person has to look at: each of it when it is news.
func alarm(said everypay.Payment, event everypay.Event, c payment.Change) {
	detail := string(said.Reference) + " " + string(said.State)
	m := said.State.Meaning()
	if !said.State.Known() {
		metric.Count("CardTrouble", "state", detail)
	}
	if event.Tell() && m != everypay.Pending && m != everypay.Failed { // nobody disputes what was not paid
		metric.Count("CardTrouble", string(event), detail)
	}
	if said.OpenBanking() && (m == everypay.Refunded || m == everypay.Voided) { // noted there; whether money moved, its bank's statement shows
		metric.Count("CardTrouble", "open_banking_refund", detail)
	}
	if slices.ContainsFunc(c.Cases, func(k payment.Case) bool { return k.Reason == payment.Charged }) {
		metric.Count("CardTrouble", "charged_back", detail)
	}
}

// giveBack asks the provider to give money back, as often as it takes, and once. What became of it the provider's payment says, whatever
// it answered to that. What it refuses may be on its way all the same, by a request before this one: so a refund is failed only after a
// while, by one of the janitor's messages.
func (s settlement) giveBack(ctx context.Context, id payment.RefundID) error {
	_, number, ok := payment.ParseRefundID(string(id))
	if !ok {
		return errNothing
	}
	book, err := s.store.Book(ctx, number)
	if err != nil {
		return err
	}
	r, err := book.ForProvider(id)
	if err != nil || r == nil {
		return err
	}
	_, attempt, err := s.store.Charged(ctx, r.Payment)
	if err != nil {
		return err
	}
	_, err = s.provider.Refund(ctx, *r)
	refused, no := errors.AsType[*acquirer.Refused](err)
	if err != nil && !no && !errors.Is(err, acquirer.ErrDiffers) {
		return err
	}
	if _, err := s.ask(ctx, number, attempt, r.Payment, everypay.NoEvent); err != nil || !no {
		return err
	}
	return table.Again(ctx, func() error {
		book, err := s.store.Book(ctx, number)
		if err != nil {
			return err
		}
		c, ok, err := book.GiveUp(id, string(refused.Code), s.now())
		if err != nil || !ok {
			return err
		}
		if err = s.store.Settle(ctx, c); err == nil {
			metric.Count("CardTrouble", "refund_refused", string(id))
		}
		return err
	})
}
