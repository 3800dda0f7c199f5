package main

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/letter"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/table"
	"opiq/shared/web"
)

func open(cfg aws.Config, name string) orders {
	return orders{table.Open(cfg, name), web.CookieAt(people.PublicURL), people.Now}
}

// part is an invoice of which a part was paid.
func part(t *testing.T, s *table.Table) {
	people.Invoice(t, s, people.Waiting, nil)
	people.Transfer(t, s, people.Waiting, 200, 1, people.Noon)
	people.Transfer(t, s, people.Waiting, 96, 2, people.Noon)
}

// before is what happened before an event.
var before = map[string]func(*testing.T, *table.Table){
	"invoiced":            func(t *testing.T, s *table.Table) { people.Invoice(t, s, people.Waiting, &people.School) },
	"paid-in-part":        part,
	"cancel-paid-in-part": part,
	"expired": func(t *testing.T, s *table.Table) {
		part(t, s)
		people.Expire(t, s, people.Waiting, people.Noon.AddDate(0, 0, 32))
	},
	"cancel-expired":                    func(t *testing.T, s *table.Table) { people.Expire(t, s, people.Waiting, people.Noon.Add(order.Lives)) },
	"reopened":                          func(t *testing.T, s *table.Table) { people.TakeBack(t, s, people.Running, people.Noon) },
	"cancel-reopened":                   func(t *testing.T, s *table.Table) { people.TakeBack(t, s, people.Running, people.Noon) },
	"paid-too-much-and-taken-back":      takenBack,
	"sale-paid-too-much-and-taken-back": takenBack,
}

func takenBack(t *testing.T, s *table.Table) {
	people.Transfer(t, s, people.Waiting, 600, 1, people.Noon)
	people.TakeBack(t, s, people.Waiting, people.Noon)
}

func TestEvents(t *testing.T) {
	played := maps.Clone(before)
	golden.Events(t, "orders", func(t *testing.T, name string, event []byte) any {
		cfg, mine := stage.Table(t)
		s := table.Open(cfg, mine)
		people.MoveIn(t, s)
		people.Employ(t, s)
		people.Program(t, s, account.Orders)
		if prepare := before[name]; prepare != nil {
			prepare(t, s)
			delete(played, name)
		}
		answer := people.Answer(t, open(cfg, mine).routes(), event)
		ledger.Holds(t, cfg, mine)
		return answer
	})
	for name := range played {
		t.Errorf("there is no event %s", name)
	}
}

var errStatus = errors.New("an answer that a browser would try again")

// give gives Mari's order up.
func give(ctx context.Context, o orders, n order.Number) error {
	out, err := o.routes().Handle(ctx, people.Request("DELETE /v1/orders/{number}", people.Mari, map[string]string{"number": string(n)}, nil))
	if err == nil && out.StatusCode != 204 {
		err = errStatus
	}
	return err
}

func TestCancellingWithEveryCallBroken(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(*testing.T, *table.Table)
		lines  int // of the order's history
		back   int // payments of it
	}{
		{"not paid", func(*testing.T, *table.Table) {}, 2, 0},
		{"paid in part", part, 5, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				cfg, name := stage.Table(t)
				s := table.Open(cfg, name)
				people.MoveIn(t, s)
				c.before(t, s)
				o := open(broken(cfg), name)
				return func(ctx context.Context) error { return give(ctx, o, people.Waiting) }, func(t *testing.T) {
					book, err := s.Book(t.Context(), people.Waiting)
					if err != nil || book.Order.State != order.Cancelled || len(book.Order.History) != c.lines || len(book.Cases) != c.back {
						t.Errorf("%+v, cases %+v (%v)", book.Order, book.Cases, err)
					}
					for _, x := range book.Cases {
						if x.Reason != payment.Cancelled {
							t.Errorf("%s goes back because it is %s", x.Amount, x.Reason)
						}
					}
					if n := ledger.Holds(t, cfg, name).Count(letter.RefundCase); n != c.back {
						t.Errorf("%d letters", n)
					}
				}
			})
		})
	}
}

// TestCancellingTwiceAtOnceIsCancellingOnce: what had come goes back once.
func TestCancellingTwiceAtOnceIsCancellingOnce(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	part(t, s)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if err := give(t.Context(), open(cfg, name), people.Waiting); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if l := ledger.Holds(t, cfg, name); len(l.Cases) != 2 || l.Count(letter.RefundCase) != 2 {
		t.Errorf("%d cases, %d letters", len(l.Cases), l.Count(letter.RefundCase))
	}
}
