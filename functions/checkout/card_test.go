package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/acquirer"
	"opiq/shared/everypay"
	"opiq/shared/lang"
	"opiq/shared/order"
	"opiq/shared/table"
	"opiq/shared/web"
)

// provider is a card provider that names its payments in their order, and keeps what it was asked for.
type provider struct {
	mu    sync.Mutex
	asked []everypay.Oneoff
	err   error
}

func (p *provider) Create(_ context.Context, o everypay.Oneoff) (everypay.Payment, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, o)
	ref := fmt.Sprintf("%016x", len(p.asked))
	return everypay.Payment{Reference: everypay.Reference(ref), Order: o.Order, Link: "https://pay.example/" + ref}, p.err
}

// charge is an attempt by card under a key, with its payment at the provider.
func charge(t *testing.T, s *table.Table, n order.Number, key string, ref everypay.Reference) order.Attempt {
	t.Helper()
	book, err := s.Book(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	a, err := book.Order.Start(order.Way{Method: order.ByCard}, key, lang.Estonian, book.Attempts, people.Noon)
	if err != nil {
		t.Fatal(err)
	}
	if a, err = s.Attempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	a.Reference, a.Link = ref, "https://pay.example/"+string(ref)
	if err := s.Charge(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return a
}

func byCard(ctx context.Context, routes web.Routes) (started, error) {
	path := map[string]string{"number": string(people.Waiting)}
	out, err := routes.Handle(ctx, people.Request("POST /v1/orders/{number}/payments", people.Mari, path, order.Way{Method: order.ByCard}))
	if err == nil && out.StatusCode != 201 {
		err = fmt.Errorf("%w: %d %s", errStatus, out.StatusCode, out.Body)
	}
	var answer started
	if err == nil {
		err = json.Unmarshal([]byte(out.Body), &answer)
	}
	return answer, err
}

func TestTheCardProviderIsToldWhatItHasToKnow(t *testing.T) {
	cfg, name := stage.Table(t)
	people.MoveIn(t, table.Open(cfg, name))
	c, at := simple(cfg, name), &provider{}
	c.cards = at
	answer, err := byCard(t.Context(), c.routes())
	if err != nil {
		t.Fatal(err)
	}
	o := at.asked[0]
	stamp := string(people.Waiting) + string(answer.Attempt.ID)
	if o.Order != stamp || o.Amount != answer.Attempt.Amount || o.Return != people.PublicURL+"/v1/callbacks/card/"+stamp || o.Email != "mari@example.ee" ||
		o.Reference != people.Waiting.Reference() || o.Language != lang.Estonian {
		t.Errorf("%+v", o)
	}
	if answer.Redirect != "https://pay.example/0000000000000001" {
		t.Errorf("the buyer is sent to %s", answer.Redirect)
	}
}

func TestPayingByCardManyTimesAtOnceIsOnePayment(t *testing.T) {
	cfg, name := stage.Table(t)
	people.MoveIn(t, table.Open(cfg, name))
	c := simple(cfg, name)
	c.cards = &provider{}
	routes := c.routes()
	var wait sync.WaitGroup
	pages := make([]string, 12)
	for i := range pages {
		wait.Go(func() {
			answer, err := byCard(t.Context(), routes)
			pages[i] = fmt.Sprint(answer.Redirect, err)
		})
	}
	wait.Wait()
	for _, p := range pages {
		if p != pages[0] || !strings.HasPrefix(p, "https://pay.example/") {
			t.Errorf("%s is not %s", p, pages[0])
		}
	}
	ledger.Holds(t, cfg, name)
}

func TestPayingByCardWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		c := simple(broken(cfg), name)
		c.cards = &provider{}
		routes, page := c.routes(), ""
		return func(ctx context.Context) error {
				answer, err := byCard(ctx, routes)
				if page != "" && page != answer.Redirect {
					t.Errorf("the buyer is sent to %s and to %s", page, answer.Redirect)
				}
				page = answer.Redirect
				return err
			}, func(t *testing.T) {
				ledger.Holds(t, cfg, name)
				book, err := s.Book(t.Context(), people.Waiting)
				if err != nil || len(book.Attempts) != 2 || book.Attempts[0].Link+book.Attempts[1].Link != page {
					t.Errorf("%+v, and the buyer was sent to %s (%v)", book.Attempts, page, err)
				}
			}
	})
}

func TestAProviderThatDoesNotTakeItIsNotTheBuyersFault(t *testing.T) {
	for name, why := range map[string]error{"refused": &acquirer.Refused{Status: 401, Code: "4001"}, "away": acquirer.ErrUnavailable} {
		t.Run(name, func(t *testing.T) {
			cfg, mine := stage.Table(t)
			people.MoveIn(t, table.Open(cfg, mine))
			c := simple(cfg, mine)
			c.cards = &provider{err: why}
			if _, err := byCard(t.Context(), c.routes()); !errors.Is(err, errStatus) || !strings.Contains(err.Error(), "503") || !strings.Contains(err.Error(), "card_unavailable") {
				t.Errorf("%v", err)
			}
		})
	}
}
