package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/civil"
	"opiq/shared/letter"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/schedule"
	"opiq/shared/table"
)

// The orders that have an invoice, beside the one that waits without: not paid, and paid in part.
const (
	invoiced order.Number = "1111111114"
	inPart   order.Number = "1111111115"
)

// The instants at which something happens to an invoice of the people's noon.
var (
	reminded = at("2026-12-03T07:00:00Z")
	overdue  = at("2026-12-09T07:00:00Z")
	over     = at("2026-12-23T22:00:00Z") // also for those that were paid in part, which have three days more
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// world is a table in which three orders wait for their money.
func world(t *testing.T) (aws.Config, string) {
	t.Helper()
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	for _, n := range []order.Number{invoiced, inPart} {
		people.Buy(t, s, n, civil.Date{Year: 2026, Month: 12, Day: 1}, false)
		people.Invoice(t, s, n, nil)
	}
	people.Transfer(t, s, inPart, 200, 1, people.Noon)
	people.Transfer(t, s, inPart, 96, 2, people.Noon)
	return cfg, name
}

// waiting is what became of an order.
type waiting struct {
	State   order.State   `json:"state"`
	Open    string        `json:"open"`
	Letters []letter.Kind `json:"letters,omitempty"`
	Back    []string      `json:"back,omitempty"`
}

// told is what became of the three.
func told(l ledger.Ledger) map[order.Number]waiting {
	all := map[order.Number]waiting{}
	for _, o := range l.Orders {
		if o.Number == people.Running || o.Number == people.Ahead {
			continue
		}
		w := waiting{State: o.State, Open: o.Open().String()}
		for _, x := range l.Letters {
			if x.Facts["order"] == string(o.Number) && x.CreatedAt.After(people.Noon) {
				w.Letters = append(w.Letters, x.Kind)
			}
		}
		for _, c := range l.Cases {
			if c.Order == o.Number {
				w.Back = append(w.Back, fmt.Sprintf("%s %s", c.Amount, c.Reason))
			}
		}
		slices.Sort(w.Letters)
		slices.Sort(w.Back)
		all[o.Number] = w
	}
	return all
}

func TestEvents(t *testing.T) {
	golden.Events(t, "payment-janitor", func(t *testing.T, _ string, event []byte) any {
		cfg, name := world(t)
		var e schedule.Event
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the scheduler fires at least once
			if err := schedule.Handler(janitor{table.Open(cfg, name)}.handle).Handle(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		return told(ledger.Holds(t, cfg, name))
	})
}

// TestAnInvoiceThatNobodyPays is the whole story, every quarter of an hour.
func TestAnInvoiceThatNobodyPays(t *testing.T) {
	cfg, name := world(t)
	j := janitor{table.Open(cfg, name)}
	for _, instant := range []time.Time{reminded, overdue, over, over.Add(15 * time.Minute), over.AddDate(1, 0, 0)} {
		if err := j.handle(t.Context(), instant); err != nil {
			t.Fatal(err)
		}
	}
	l := ledger.Holds(t, cfg, name)
	for kind, want := range map[letter.Kind]int{letter.PaymentReminder: 2, letter.PaymentOverdue: 2, letter.OrderExpired: 3, letter.RefundCase: 2} {
		if got := l.Count(kind); got != want {
			t.Errorf("%d letters %s", got, kind)
		}
	}
}

func TestEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := world(t)
		j := janitor{table.Open(broken(cfg), name)}
		return func(ctx context.Context) error { return j.handle(ctx, over) }, func(t *testing.T) {
			l := ledger.Holds(t, cfg, name)
			for n, w := range told(l) {
				if w.State != order.Expired {
					t.Errorf("order %s is %s", n, w.State)
				}
			}
			if len(l.Cases) != 2 || l.Count(letter.OrderExpired) != 3 || l.Count(letter.PaymentReminder)+l.Count(letter.PaymentOverdue) != 0 {
				t.Errorf("%+v", told(l))
			}
		}
	})
}

func TestTwoAtOnceDoEachThingOnce(t *testing.T) {
	cfg, name := world(t)
	for i := range 40 {
		people.Buy(t, table.Open(cfg, name), order.Number(fmt.Sprint(3_000_000_000+i)), civil.Date{Year: 2026, Month: 12, Day: 1}, false)
	}
	for _, instant := range []time.Time{reminded, over} {
		var wait sync.WaitGroup
		for range 2 {
			wait.Go(func() {
				if err := (janitor{table.Open(cfg, name)}).handle(t.Context(), instant); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
	}
	l := ledger.Holds(t, cfg, name)
	if l.Count(letter.PaymentReminder) != 2 || l.Count(letter.OrderExpired) != 43 || l.Count(letter.RefundCase) != 2 {
		t.Errorf("%d reminders, %d have expired, %d go back", l.Count(letter.PaymentReminder), l.Count(letter.OrderExpired), l.Count(letter.RefundCase))
	}
}

// slow ends the janitor's time after some calls.
type slow struct {
	aws.HTTPClient
	left atomic.Int32
	stop context.CancelFunc
}

func (s *slow) Do(r *http.Request) (*http.Response, error) {
	if s.left.Add(-1) == 0 {
		s.stop()
	}
	return s.HTTPClient.Do(r)
}

func TestCutOffItGoesOnTheNextTime(t *testing.T) {
	cfg, name := world(t)
	for i := range 40 {
		people.Buy(t, table.Open(cfg, name), order.Number(fmt.Sprint(3_000_000_000+i)), civil.Date{Year: 2026, Month: 12, Day: 1}, false)
	}
	ctx, stop := context.WithCancel(t.Context())
	hurried := cfg.Copy()
	client := &slow{HTTPClient: cfg.HTTPClient, stop: stop}
	client.left.Store(30)
	hurried.HTTPClient = client
	if err := (janitor{table.Open(hurried, name)}).handle(ctx, over); err != nil {
		t.Errorf("that time is up is a fault: %v", err)
	}
	if n := ledger.Holds(t, cfg, name).Count(letter.OrderExpired); n == 0 || n == 43 {
		t.Fatalf("%d have expired before it was cut off", n)
	}
	if err := (janitor{table.Open(cfg, name)}).handle(t.Context(), over); err != nil {
		t.Error(err)
	}
	if n := ledger.Holds(t, cfg, name).Count(letter.OrderExpired); n != 43 {
		t.Errorf("%d have expired", n)
	}
}

// TestMoneyAndTheEndAtOnce: whichever is first, the order is paid or its money waits to go back.
func TestMoneyAndTheEndAtOnce(t *testing.T) {
	cfg, name := world(t)
	s := table.Open(cfg, name)
	var wait sync.WaitGroup
	for i := range 10 {
		n := order.Number(fmt.Sprint(3_000_000_000 + i))
		people.Buy(t, s, n, civil.Date{Year: 2026, Month: 12, Day: 1}, false)
		book, err := s.Book(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		notice := people.Paid(book.Attempts[0], "1")
		wait.Go(func() {
			for {
				book, err := s.Book(t.Context(), n)
				if err != nil {
					t.Error(err)
					return
				}
				c, _, err := payment.Settle(book, notice, over)
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Settle(t.Context(), c); err == nil {
					return
				}
			}
		})
	}
	wait.Go(func() {
		if err := (janitor{s}).handle(t.Context(), over); err != nil {
			t.Error(err)
		}
	})
	wait.Wait()
	paid := 0
	for n, w := range told(ledger.Holds(t, cfg, name)) {
		if strings.HasPrefix(string(n), "3") && w.State == order.Paid {
			paid++
		}
	}
	if paid != 10 {
		t.Errorf("%d of 10 are paid: their attempts began in time", paid)
	}
}

// TestAnOrderInVeryManyPartsEnds: all that came of it goes back in one transaction.
func TestAnOrderInVeryManyPartsEnds(t *testing.T) {
	cfg, name := world(t)
	s := table.Open(cfg, name)
	for i := range order.MaxParts {
		people.Transfer(t, s, people.Waiting, 1, 100+i, people.Noon)
	}
	if err := (janitor{s}).handle(t.Context(), over); err != nil {
		t.Fatal(err)
	}
	if w := told(ledger.Holds(t, cfg, name))[people.Waiting]; w.State != order.Expired || len(w.Back) != order.MaxParts {
		t.Errorf("it is %s, and %d parts go back", w.State, len(w.Back))
	}
}
