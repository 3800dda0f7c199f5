// Command payment-settlement takes what providers said from the queue "payments" and makes it what it means: a paid order with its
// license, a failed attempt, or money to give back. Whatever makes money a license does it by package payment, in one transaction.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"opiq/shared/banklink"
	"opiq/shared/cloud"
	"opiq/shared/metric"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/queue"
	"opiq/shared/table"
)

type store interface {
	Book(context.Context, order.Number) (payment.Book, error)
	Settle(context.Context, payment.Change) error
	Refuse(context.Context, payment.Refused) error
}

type settlement struct {
	store store
	now   func() time.Time
}

func main() {
	queue.Start(settlement{table.Open(cloud.Config(), cloud.Env("TABLE")), time.Now}.handle)
}

var errNothing = errors.New("the message names no provider that we know")

func (s settlement) handle(ctx context.Context, m payment.Message) error {
	if m.Banklink == nil {
		return errNothing
	}
	err := s.settle(ctx, *m.Banklink)
	if why, ok := errors.AsType[payment.Refusal](err); ok {
		metric.Count("PaymentRefused", string(why), fmt.Sprintf("%s %s", m.Banklink.Bank, m.Banklink.Stamp))
		return s.store.Refuse(ctx, payment.Refuse(*m.Banklink, why, s.now()))
	}
	return err
}

// settle decides on what stands in the table.
func (s settlement) settle(ctx context.Context, n banklink.Notice) error {
	number, _, ok := order.ParseStamp(n.Stamp)
	if !ok {
		return payment.UnknownAttempt
	}
	return table.Again(ctx, func() error {
		book, err := s.store.Book(ctx, number)
		if errors.Is(err, order.ErrNotFound) {
			return payment.UnknownAttempt
		}
		if err != nil {
			return err
		}
		change, news, err := payment.Settle(book, n, s.now())
		if err != nil || !news {
			return err
		}
		return s.store.Settle(ctx, change)
	})
}
