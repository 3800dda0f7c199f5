package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/banklink"
	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/queue"
	"opiq/shared/table"
)

func open(cfg aws.Config, name string) settlement {
	return settlement{table.Open(cfg, name), people.Now}
}

func TestEvents(t *testing.T) {
	golden.Events(t, "payment-settlement", func(t *testing.T, _ string, event []byte) any {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		var e events.SQSEvent
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		before := len(ledger.Holds(t, cfg, name).Letters)
		answer, err := queue.Handler[payment.Message](open(cfg, name).handle).Handle(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		after := ledger.Holds(t, cfg, name)
		out := map[string]any{"answer": answer, "refused": after.Refused, "letters": len(after.Letters) - before}
		for _, n := range []order.Number{people.Running, people.Waiting} {
			_, book, owned, err := s.Purchase(t.Context(), people.Token(people.Mari), n, people.Noon)
			if err != nil {
				t.Fatal(err)
			}
			out[string(n)] = book.Document(owned, people.Noon)
		}
		return out
	})
}

func waiting(t *testing.T, s *table.Table) []order.Attempt {
	t.Helper()
	book, err := s.Book(t.Context(), people.Waiting)
	if err != nil {
		t.Fatal(err)
	}
	return book.Attempts
}

func TestAPaymentWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		notice := people.Paid(waiting(t, s)[0], "77")
		settle := open(broken(cfg), name)
		return func(ctx context.Context) error { return settle.handle(ctx, payment.Message{Banklink: &notice}) }, func(t *testing.T) {
			l := ledger.Holds(t, cfg, name)
			if len(l.Payments) != 3 || len(l.Licenses) != 3 || len(l.Cases) != 0 {
				t.Errorf("%d payments, %d licenses, %d cases", len(l.Payments), len(l.Licenses), len(l.Cases))
			}
		}
	})
}

func TestASecondPaymentWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		book, err := s.Book(t.Context(), people.Running)
		if err != nil {
			t.Fatal(err)
		}
		notice := people.Paid(book.Attempts[0], "2")
		settle := open(broken(cfg), name)
		return func(ctx context.Context) error { return settle.handle(ctx, payment.Message{Banklink: &notice}) }, func(t *testing.T) {
			if l := ledger.Holds(t, cfg, name); len(l.Payments) != 3 || len(l.Licenses) != 2 || len(l.Cases) != 1 {
				t.Errorf("%d payments, %d licenses, %d cases", len(l.Payments), len(l.Licenses), len(l.Cases))
			}
		}
	})
}

func TestARefusalWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		notice := people.Paid(waiting(t, s)[0], "77")
		notice.Amount = "1.00"
		settle := open(broken(cfg), name)
		return func(ctx context.Context) error { return settle.handle(ctx, payment.Message{Banklink: &notice}) }, func(t *testing.T) {
			if l := ledger.Holds(t, cfg, name); len(l.Refused) != 1 || len(l.Payments) != 2 {
				t.Errorf("%d refused, %d payments", len(l.Refused), len(l.Payments))
			}
		}
	})
}

// TestSixteenPaymentsOfOneOrderAtOnce: one is booked for it, every other waits to be given back.
func TestSixteenPaymentsOfOneOrderAtOnce(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	book, err := s.Book(t.Context(), people.Waiting)
	if err != nil {
		t.Fatal(err)
	}
	var notices []banklink.Notice
	for i := range 16 {
		a, err := book.Order.Start(order.Way{Method: order.BankLink, Bank: "seb"}, fmt.Sprint(i), lang.Estonian, nil, people.Noon)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Attempt(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		notices = append(notices, people.Paid(a, fmt.Sprint(i)))
	}
	var wait sync.WaitGroup
	for _, n := range append(notices, notices...) { // each comes twice
		wait.Go(func() {
			if err := open(cfg, name).handle(t.Context(), payment.Message{Banklink: &n}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	l := ledger.Holds(t, cfg, name)
	book, err = s.Book(t.Context(), people.Waiting)
	if err != nil || len(book.Payments) != 16 || len(book.Cases) != 15 || book.Order.State != order.Paid || len(l.Licenses) != 3 {
		t.Errorf("%d payments, %d cases, order %s, %d licenses (%v)", len(book.Payments), len(book.Cases), book.Order.State, len(l.Licenses), err)
	}
}

// TestPayingAndCancellingAtOnce: whichever is first, no money is lost.
func TestPayingAndCancellingAtOnce(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	for i := range 20 {
		n := order.Number(fmt.Sprintf("12345678%02d", i))
		people.Buy(t, s, n, civil.Date{Year: 2026, Month: 12, Day: 1}, false)
		book, err := s.Book(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		wait.Go(func() {
			notice := people.Paid(book.Attempts[0], "1")
			if err := open(cfg, name).handle(t.Context(), payment.Message{Banklink: &notice}); err != nil {
				t.Error(err)
			}
		})
		wait.Go(func() {
			if o, err := book.Order.Cancel(people.Noon); err == nil {
				_ = s.ChangeOrder(t.Context(), o) // refused where the money was first
			}
		})
		wait.Wait()
	}
	if l := ledger.Holds(t, cfg, name); len(l.Payments) != 22 {
		t.Errorf("%d payments", len(l.Payments))
	}
}
