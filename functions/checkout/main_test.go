package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/bank"
	"opiq/local/everypay"
	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/parameters"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/banklink"
	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/secret"
	"opiq/shared/service"
	"opiq/shared/table"
	"opiq/shared/web"
)

const names = "swedbank,seb,lhv,luminor,coop"

// agreements are those with the stand-in banks, with keys that are the same each time, and with the card provider.
func agreements(t *testing.T, stage string) map[string]parameters.Value {
	t.Helper()
	values, banks, err := bank.Local(people.PublicURL, stage)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(banks.Close)
	provider := everypay.Open(everypay.Options{PublicURL: people.PublicURL})
	t.Cleanup(provider.Close)
	card, err := provider.Parameters(stage)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(values, card)
	return values
}

func counter(t *testing.T, cfg aws.Config, name string) checkout {
	c, err := open(t.Context(), secret.Open(stage.Parameters(t, cfg, agreements(t, "/opiq/dev")), "/opiq/dev"), banklink.Banks(names))
	if err != nil {
		t.Fatal(err)
	}
	c.store, c.cards, c.publicURL, c.cookie, c.now = table.Open(cfg, name), &provider{}, people.PublicURL, web.CookieAt(people.PublicURL), people.Now
	return c
}

// simple is a checkout without banks and cards.
func simple(cfg aws.Config, name string) checkout {
	return checkout{
		store: table.Open(cfg, name), invoices: people.Desk, publicURL: people.PublicURL, cookie: web.CookieAt(people.PublicURL), now: people.Now,
	}
}

// before is what happened before an event.
var before = map[string]func(*testing.T, *table.Table){
	"invoice-again":              func(t *testing.T, s *table.Table) { people.Invoice(t, s, people.Waiting, nil) },
	"invoice-to-a-school-again":  func(t *testing.T, s *table.Table) { people.Invoice(t, s, people.Waiting, &people.School) },
	"invoice-made-out-otherwise": func(t *testing.T, s *table.Table) { people.Invoice(t, s, people.Waiting, nil) },
	"invoice-of-a-cancelled-order": func(t *testing.T, s *table.Table) {
		book, err := s.Book(t.Context(), people.Waiting)
		if err != nil {
			t.Fatal(err)
		}
		cancelled, _, err := book.Cancel(people.Noon)
		if err := errors.Join(err, s.Settle(t.Context(), cancelled)); err != nil {
			t.Fatal(err)
		}
	},
	"invoice-of-an-expired-order": func(t *testing.T, s *table.Table) { people.Expire(t, s, people.Waiting, people.Noon.Add(order.Lives)) },
	"invoice-of-a-reopened-order": func(t *testing.T, s *table.Table) { people.TakeBack(t, s, people.Running, people.Noon) },
	"pay-what-is-left": func(t *testing.T, s *table.Table) {
		people.Invoice(t, s, people.Waiting, nil)
		people.Transfer(t, s, people.Waiting, 200, 1, people.Noon)
	},
	"card-again": func(t *testing.T, s *table.Table) {
		charge(t, s, people.Waiting, "card-again", "00000000000000aa")
	},
	"card-that-was-paid-in-part": func(t *testing.T, s *table.Table) {
		charge(t, s, people.Waiting, "card-that-was-paid-in-part", "00000000000000aa")
		people.Transfer(t, s, people.Waiting, 200, 1, people.Noon)
	},
	"card-that-failed": func(t *testing.T, s *table.Table) {
		a := charge(t, s, people.Waiting, "card-that-failed", "00000000000000aa")
		a.Revision++
		a, _ = a.End(order.Failed, people.Noon)
		if err := s.Settle(t.Context(), payment.Change{Attempt: &a}); err != nil {
			t.Fatal(err)
		}
	},
	"pay-a-reopened-order": func(t *testing.T, s *table.Table) { people.TakeBack(t, s, people.Running, people.Noon) },
	"pay-on-hold":          suspend,
	"invoice-on-hold":      suspend,
	"pay-a-reopened-order-on-hold": func(t *testing.T, s *table.Table) {
		people.TakeBack(t, s, people.Running, people.Noon)
		suspend(t, s)
	},
}

// suspend stops the service for Mari.
func suspend(t *testing.T, s *table.Table) {
	a, err := s.Account(t.Context(), people.Mari)
	if err != nil {
		t.Fatal(err)
	}
	on := hold.On(hold.OnAccount, a.ID)
	w := hold.Wish{On: on, Basis: hold.Harmful, Measure: hold.Suspend, ReviewOn: civil.Date{Year: 2026, Month: 12, Day: 1}, Evidence: []string{"ticket 7"}}
	d, err := service.Place(w, "key", service.Thing{Account: &a}, account.Actor{Account: people.Liis}, people.Noon)
	if err == nil {
		err = s.Decide(t.Context(), d)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestEvents(t *testing.T) {
	played := maps.Clone(before)
	golden.Events(t, "checkout", func(t *testing.T, name string, event []byte) any {
		cfg, mine := stage.Table(t)
		s := table.Open(cfg, mine)
		people.MoveIn(t, s)
		if prepare := before[name]; prepare != nil {
			prepare(t, s)
			delete(played, name)
		}
		answer := people.Answer(t, counter(t, cfg, mine).routes(), event)
		ledger.Holds(t, cfg, mine)
		return answer
	})
	for name := range played {
		t.Errorf("there is no event %s", name)
	}
}

var wish = order.Wish{Months: 6, StartsOn: civil.Date{Year: 2026, Month: 12, Day: 1}, OrderTerms: "2017-07-01", ImmediateSupply: true}

var errStatus = errors.New("an answer that a browser would try again")

func TestOrderingWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		people.MoveIn(t, table.Open(cfg, name))
		routes := simple(broken(cfg), name).routes()
		return func(ctx context.Context) error {
				out, err := routes.Handle(ctx, people.Request("POST /v1/orders", people.Jaan, nil, wish))
				if err == nil && out.StatusCode != 201 {
					err = errStatus
				}
				return err
			}, func(t *testing.T) {
				l := ledger.Holds(t, cfg, name)
				orders, err := table.Open(cfg, name).Orders(t.Context(), people.Token(people.Jaan), people.Noon)
				if len(orders) != 1 || len(l.Orders) != 4 || err != nil {
					t.Errorf("Jaan has %d orders of %d (%v)", len(orders), len(l.Orders), err)
				}
			}
	})
}

func TestStartingToPayWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		c := counter(t, cfg, name)
		c.store = table.Open(broken(cfg), name)
		routes := c.routes()
		path := map[string]string{"number": string(people.Waiting)}
		return func(ctx context.Context) error {
				out, err := routes.Handle(ctx, people.Request("POST /v1/orders/{number}/payments", people.Mari, path, order.Way{Method: order.BankLink, Bank: "seb"}))
				if err == nil && out.StatusCode != 201 {
					err = errStatus
				}
				return err
			}, func(t *testing.T) {
				book, err := s.Book(t.Context(), people.Waiting)
				if err != nil || len(book.Attempts) != 2 {
					t.Errorf("%d attempts (%v)", len(book.Attempts), err)
				}
			}
	})
}

func TestTheSameOrderManyTimesAtOnceIsOneOrder(t *testing.T) {
	cfg, name := stage.Table(t)
	people.MoveIn(t, table.Open(cfg, name))
	routes := simple(cfg, name).routes()
	var wait sync.WaitGroup
	answers := make([]string, 16)
	for i := range answers {
		wait.Go(func() {
			out, err := routes.Handle(t.Context(), people.Request("POST /v1/orders", people.Jaan, nil, wish))
			answers[i] = fmt.Sprint(out.StatusCode, out.Body, err)
		})
	}
	wait.Wait()
	for _, a := range answers {
		if a != answers[0] || a[:3] != "201" {
			t.Errorf("%s\n is not\n%s", a, answers[0])
		}
	}
}

func TestTheSameOrderLaterGetsTheSameAnswer(t *testing.T) {
	cfg, name := stage.Table(t)
	people.MoveIn(t, table.Open(cfg, name))
	routes := simple(cfg, name).routes()
	send := func() string {
		out, err := routes.Handle(t.Context(), people.Request("POST /v1/orders", people.Jaan, nil, wish))
		return fmt.Sprint(out.StatusCode, out.Body, err)
	}
	first := send()
	var placed order.Document
	if err := json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimPrefix(first, "201"), "<nil>")), &placed); err != nil {
		t.Fatal(first, err)
	}
	book, err := table.Open(cfg, name).Book(t.Context(), placed.Number)
	if err != nil {
		t.Fatal(err)
	}
	cancelled, _, err := book.Cancel(people.Noon)
	if err := errors.Join(err, table.Open(cfg, name).Settle(t.Context(), cancelled)); err != nil {
		t.Fatal(err)
	}
	if again := send(); again != first {
		t.Errorf("%s\n is not\n%s", again, first)
	}
}

func TestAProdStageDoesNotStartWithTestKeys(t *testing.T) {
	cfg := stage.Parameters(t, stage.Config(t), agreements(t, "/opiq/prod"))
	if _, err := open(t.Context(), secret.Open(cfg, "/opiq/prod"), banklink.Banks(names)); !errors.Is(err, secret.ErrTest) {
		t.Errorf("it opens: %v", err)
	}
	if _, err := secret.Open(cfg, "/opiq/prod").Pepper(t.Context()); !errors.Is(err, secret.ErrTest) {
		t.Errorf("the pepper is taken: %v", err)
	}
}
