// Command card-settlement takes from the queue "cards" which payments the card provider has to be asked about, and makes what it says
// what it means: a paid order with its license, a failed attempt, money that went back. It also gives money back there.
//
// It asks about payments that we have made, and no others: whoever knocks at the door says nothing but "ask".
package main

import (
	"context"
	"errors"
	"log"
	"math/rand/v2"
	"time"

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
	errEarly   = errors.New("the provider tells of a payment that is not stored yet")
)

// early is how long a payment may be told of before it is stored.
const early = 5 * time.Minute

func (s settlement) handle(ctx context.Context, m payment.CardMessage) error {
	if m.Refund != "" {
		return s.giveBack(ctx, m.Refund)
	}
	if m.Reference == "" {
		return errNothing
	}
	number, attempt, err := s.store.Charged(ctx, m.Reference)
	if errors.Is(err, payment.UnknownAttempt) {
		if s.now().Sub(m.At) < early {
			return errEarly
		}
		metric.Count("CardUnknown", "reference", string(m.Reference))
		return nil
	}
	if err != nil {
		return err
	}
	said, err := s.provider.Payment(ctx, m.Reference)
	if refused, ok := errors.AsType[*acquirer.Refused](err); ok {
		metric.Count("CardTrouble", "refused", string(m.Reference)+" "+refused.Error())
	}
	if err != nil {
		return err
	}
	if !said.State.Known() {
		metric.Count("CardTrouble", "state", string(m.Reference)+" "+string(said.State))
	}
	if m.Event.Tell() {
		metric.Count("CardTrouble", string(m.Event), string(m.Reference))
	}
	err = s.change(ctx, number, func(b payment.Book) (payment.Change, bool, error) {
		return payment.Card(b, attempt, said, m.Event, s.now())
	})
	if why, ok := errors.AsType[payment.Refusal](err); ok {
		metric.Count("CardTrouble", string(why), string(m.Reference))
		return s.store.Refuse(ctx, payment.Refused{Reason: why, Card: &said, At: s.now().UTC()})
	}
	return err
}

// change decides on what stands in the table, again where it moved meanwhile, and until nothing is new.
func (s settlement) change(ctx context.Context, n order.Number, decide func(payment.Book) (payment.Change, bool, error)) error {
	for {
		book, err := s.store.Book(ctx, n)
		if err != nil {
			return err
		}
		c, news, err := decide(book)
		if err != nil || !news {
			return err
		}
		if err := s.store.Settle(ctx, c); err != nil && !errors.Is(err, table.ErrChanged) {
			return err
		} else if err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(rand.IntN(50)) * time.Millisecond):
		}
	}
}

// giveBack asks the provider to give money back, as often as it takes, and once.
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
	_, err = s.provider.Refund(ctx, *r)
	trouble := ""
	if refused, ok := errors.AsType[*acquirer.Refused](err); ok {
		trouble = string(refused.Code)
	} else if errors.Is(err, acquirer.ErrDiffers) {
		trouble = "differs"
	} else if err != nil {
		return err
	}
	return s.change(ctx, number, func(b payment.Book) (payment.Change, bool, error) {
		if r, err := b.ForProvider(id); r == nil {
			return payment.Change{}, false, err
		}
		if trouble != "" {
			return b.Fail(id, trouble, s.now())
		}
		return b.Finish(id, "", s.now())
	})
}
