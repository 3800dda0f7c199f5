package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

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
	"opiq/shared/letter"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/queue"
	"opiq/shared/table"
)

func open(cfg aws.Config, name string) settlement {
	return settlement{table.Open(cfg, name), people.Now}
}

// begin starts an attempt of what is left to pay of an order.
func begin(t *testing.T, s *table.Table, n order.Number, key string) order.Attempt {
	t.Helper()
	book, err := s.Book(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	a, err := book.Order.Start(order.Way{Method: order.BankLink, Bank: "lhv"}, key, lang.Estonian, book.Attempts, people.Noon)
	if err != nil {
		t.Fatal(err)
	}
	if a, err = s.Attempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return a
}

// late is when an order that nobody paid has expired, and a day on which its license was to run.
var late = people.Noon.AddDate(0, 0, 20)

// before is what happened before an event.
var before = map[string]func(*testing.T, *table.Table){
	"paid-what-was-left": func(t *testing.T, s *table.Table) {
		people.Transfer(t, s, people.Waiting, 200, 1, people.Noon)
		begin(t, s, people.Waiting, "what is left")
	},
	"paid-whole-after-a-part": func(t *testing.T, s *table.Table) { people.Transfer(t, s, people.Waiting, 200, 1, people.Noon) },
	"paid-after-it-expired":   func(t *testing.T, s *table.Table) { people.Expire(t, s, people.Waiting, late) },
	"paid-a-reopened-order": func(t *testing.T, s *table.Table) {
		people.TakeBack(t, s, people.Running, people.Noon)
		begin(t, s, people.Running, "again")
	},
}

func TestEvents(t *testing.T) {
	played := maps.Clone(before)
	golden.Events(t, "payment-settlement", func(t *testing.T, name string, event []byte) any {
		cfg, mine := stage.Table(t)
		s := table.Open(cfg, mine)
		people.MoveIn(t, s)
		settle := open(cfg, mine)
		if prepare := before[name]; prepare != nil {
			prepare(t, s)
			delete(played, name)
			settle.now = func() time.Time { return late }
		}
		var e events.SQSEvent
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		written := kinds(ledger.Holds(t, cfg, mine))
		answer, err := queue.Handler[payment.Message](settle.handle).Handle(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		after := ledger.Holds(t, cfg, mine)
		letters := []letter.Kind{}
		for _, k := range slices.Sorted(maps.Keys(kinds(after))) {
			letters = append(letters, slices.Repeat([]letter.Kind{k}, kinds(after)[k]-written[k])...)
		}
		out := map[string]any{"answer": answer, "refused": after.Refused, "letters": letters}
		for _, n := range []order.Number{people.Running, people.Waiting} {
			_, book, err := s.Purchase(t.Context(), people.Token(people.Mari), n, people.Noon)
			if err != nil {
				t.Fatal(err)
			}
			out[string(n)] = book.Document(settle.now())
		}
		return out
	})
	for name := range played {
		t.Errorf("there is no event %s", name)
	}
}

// kinds counts the letters of each kind.
func kinds(l ledger.Ledger) map[letter.Kind]int {
	n := map[letter.Kind]int{}
	for _, x := range l.Letters {
		n[x.Kind]++
	}
	return n
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

// TestMoneyForWhatIsOverWithEveryCallBroken: an attempt that began in time is honored after the order expired, and money for a reopened
// order opens its license again.
func TestMoneyForWhatIsOverWithEveryCallBroken(t *testing.T) {
	for event, c := range map[string]struct {
		order order.Number
		tells letter.Kind
	}{
		"paid-after-it-expired": {people.Waiting, letter.PaymentReceipt},
		"paid-a-reopened-order": {people.Running, letter.LicenseRestored},
	} {
		t.Run(event, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				cfg, name := stage.Table(t)
				s := table.Open(cfg, name)
				people.MoveIn(t, s)
				before[event](t, s)
				book, err := s.Book(t.Context(), c.order)
				if err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(book.Attempts, func(a order.Attempt) bool { return a.State == order.Started })
				written := kinds(ledger.Holds(t, cfg, name))[c.tells]
				notice, settle := people.Paid(book.Attempts[i], "79"), open(broken(cfg), name)
				return func(ctx context.Context) error { return settle.handle(ctx, payment.Message{Banklink: &notice}) }, func(t *testing.T) {
					book, err := s.Book(t.Context(), c.order)
					if err != nil || book.Order.State != order.Paid || book.License == nil || len(book.License.Holds) != 0 {
						t.Errorf("the order is %s, its license %+v (%v)", book.Order.State, book.License, err)
					}
					if n := kinds(ledger.Holds(t, cfg, name))[c.tells] - written; n != 1 {
						t.Errorf("%d letters %s", n, c.tells)
					}
				}
			})
		})
	}
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
			if change, ok, err := book.Cancel(people.Noon); ok && err == nil {
				_ = s.Settle(t.Context(), change) // refused where the money was first
			}
		})
		wait.Wait()
	}
	if l := ledger.Holds(t, cfg, name); len(l.Payments) != 22 {
		t.Errorf("%d payments", len(l.Payments))
	}
}
