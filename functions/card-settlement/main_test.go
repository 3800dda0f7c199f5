package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/everypay"
	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/acquirer"
	"opiq/shared/civil"
	card "opiq/shared/everypay"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/queue"
	"opiq/shared/table"
)

// house is a shop with its people and a card provider.
type house struct {
	cfg      aws.Config
	name     string
	store    *table.Table
	acquirer *acquirer.Acquirer
	url      string
	desk     *everypay.Provider
}

func open(t *testing.T) house {
	t.Helper()
	cfg, name := stage.Table(t)
	h := house{cfg: cfg, name: name, store: table.Open(cfg, name)}
	people.MoveIn(t, h.store)
	server := httptest.NewUnstartedServer(nil)
	h.url = "http://" + server.Listener.Addr().String()
	h.desk = everypay.Open(everypay.Options{PublicURL: h.url, Callback: h.url + "/nobody-listens"})
	server.Config.Handler = h.desk
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(h.desk.Close)
	values, err := h.desk.Parameters("")
	if err != nil {
		t.Fatal(err)
	}
	plain := map[string]string{}
	for k, v := range values {
		plain[strings.TrimPrefix(k, "/")] = v.Text
	}
	agreement, password, err := card.Open(plain, false)
	if err != nil {
		t.Fatal(err)
	}
	h.acquirer = acquirer.Open(agreement, password, nil)
	return h
}

func (h house) settlement(cfg aws.Config, now time.Time) settlement {
	return settlement{table.Open(cfg, h.name), h.acquirer, func() time.Time { return now }}
}

// charge is an attempt by card, with its payment at the provider.
func (h house) charge(t *testing.T, n order.Number, key string) order.Attempt {
	t.Helper()
	b := h.book(t, n)
	a, err := b.Order.Start(order.Way{Method: order.ByCard}, key, lang.Estonian, b.Attempts, people.Noon)
	if err != nil {
		t.Fatal(err)
	}
	a, err = h.store.Attempt(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	made, err := h.acquirer.Create(t.Context(), a.Card(h.url+"/v1/callbacks/card", "mari@example.ee", ""))
	if err != nil {
		t.Fatal(err)
	}
	a.Reference, a.Link = made.Reference, made.Link
	if err := h.store.Charge(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return a
}

// happens lets an outcome happen at the provider, of which nobody hears.
func (h house) happens(t *testing.T, ref card.Reference, outcome string) {
	t.Helper()
	w, err := http.Post(h.url+"/_local/everypay/"+string(ref)+"?callback=never&outcome="+outcome, "", nil)
	if err != nil || w.StatusCode != 200 {
		t.Fatalf("%s: %v %v", outcome, w, err)
	}
	w.Body.Close()
}

func (h house) book(t *testing.T, n order.Number) payment.Book { return people.Book(t, h.store, n) }

// byCard is the one attempt by card.
func byCard(b payment.Book) order.Attempt {
	return b.Attempts[slices.IndexFunc(b.Attempts, func(a order.Attempt) bool { return a.Method == order.ByCard })]
}

// ask is a message about a payment.
func ask(a order.Attempt, e card.Event) payment.CardMessage {
	return payment.CardMessage{Reference: a.Reference, Event: e, At: people.Noon}
}

// said is a provider that says what a test wants.
type said map[card.Reference]card.Payment

func (s said) Payment(_ context.Context, r card.Reference) (card.Payment, error) {
	p, ok := s[r]
	if !ok {
		return p, &acquirer.Refused{Status: 404, Code: "4024"}
	}
	return p, nil
}

func (said) Refund(context.Context, card.Refund) (card.Payment, error) {
	return card.Payment{}, errors.New("nobody asked for that")
}

const mine card.Reference = "00000000000000aa"

// says is what the provider says in an event: the state in the name of the event stands first.
var says = map[string]card.Payment{
	"settled":             {State: card.StateSettled, Standing: 496, PaidAt: people.Noon},
	"settled-from-a-bank": {State: card.StateSettled, Standing: 496, Method: "lhv_ob_ee", PaidAt: people.Noon, Transfer: &card.Transfer{Payer: "EE171010123456789017", To: "EE597700771234567897", Number: "77"}},
	"failed":              {State: card.StateFailed, Failure: "4211"},
	"abandoned":           {State: card.Abandoned},
	"pending":             {State: card.SentForProcessing},
	"unknown-state":       {State: "under_review"},
	"charged-back":        {State: card.StateChargedBack},
	"another-amount":      {State: card.StateSettled, Amount: 100, Standing: 100},
	"another-attempt":     {State: card.StateSettled, Standing: 496, Order: "1111111113000000000"},
	"disputed":            {State: card.StateSettled, Standing: 496},
	"refunded-by-hand":    {State: card.StateRefunded, Standing: 96},
	"unknown-reference":   {},
	"not-a-message":       {},
	"unknown-refund":      {},
}

func TestEvents(t *testing.T) {
	golden.Events(t, "card-settlement", func(t *testing.T, name string, event []byte) any {
		cfg, table1 := stage.Table(t)
		h := house{cfg: cfg, name: table1, store: table.Open(cfg, table1)}
		people.MoveIn(t, h.store)
		b := h.book(t, people.Waiting)
		a, err := b.Order.Start(order.Way{Method: order.ByCard}, "by card", lang.Estonian, b.Attempts, people.Noon)
		if err != nil {
			t.Fatal(err)
		}
		if a, err = h.store.Attempt(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		a.Reference, a.Link = mine, "https://pay.example/aa"
		if err := h.store.Charge(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		answer, ok := says[name]
		if !ok {
			t.Fatalf("nothing is said in the event %s", name)
		}
		answer.Reference = mine
		if answer.Amount == 0 {
			answer.Amount = a.Amount
		}
		written := ledger.Holds(t, cfg, table1)
		s := settlement{h.store, said{mine: answer}, people.Now}
		var e events.SQSEvent
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		out, err := queue.Handler[payment.CardMessage](s.handle).Handle(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		after := ledger.Holds(t, cfg, table1)
		return map[string]any{
			"answer": out, "refused": after.Refused, "letters": kinds(after, written), "order": h.book(t, people.Waiting).Document(people.Noon),
			"said": byCard(h.book(t, people.Waiting)).Said,
		}
	})
}

// kinds are the letters that one ledger has and the other has not.
func kinds(after, before ledger.Ledger) (all []letter.Kind) {
	all = []letter.Kind{}
	n := map[letter.Kind]int{}
	for _, l := range before.Letters {
		n[l.Kind]--
	}
	for _, l := range after.Letters {
		n[l.Kind]++
	}
	for _, k := range slices.Sorted(maps.Keys(n)) {
		all = append(all, slices.Repeat([]letter.Kind{k}, n[k])...)
	}
	return all
}

func TestACardPaymentWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		h := open(t)
		a := h.charge(t, people.Waiting, "by card")
		h.happens(t, a.Reference, "settled")
		s := h.settlement(broken(h.cfg), people.Noon)
		return func(ctx context.Context) error { return s.handle(ctx, ask(a, card.StatusUpdated)) }, func(t *testing.T) {
			l := ledger.Holds(t, h.cfg, h.name)
			if len(l.Payments) != 3 || len(l.Licenses) != 3 || len(l.Cases) != 0 {
				t.Errorf("%d payments, %d licenses, %d cases", len(l.Payments), len(l.Licenses), len(l.Cases))
			}
		}
	})
}

// TestMoneyThatGoesBackWithEveryCallBroken: a part by our refund, and then the card's holder takes the rest back.
func TestMoneyThatGoesBackWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		h := open(t)
		a := h.charge(t, people.Waiting, "by card")
		h.happens(t, a.Reference, "settled")
		calm := h.settlement(h.cfg, people.Noon)
		if err := calm.handle(t.Context(), ask(a, card.StatusUpdated)); err != nil {
			t.Fatal(err)
		}
		r := h.refund(t, people.Waiting, 200)
		s := h.settlement(broken(h.cfg), people.Noon)
		return func(ctx context.Context) error {
				if err := s.handle(ctx, payment.CardMessage{Refund: r.ID}); err != nil {
					return err
				}
				h.happens(t, a.Reference, "charged_back")
				return s.handle(ctx, ask(a, card.EventChargedBack))
			}, func(t *testing.T) {
				ledger.Holds(t, h.cfg, h.name)
				b := h.book(t, people.Waiting)
				if b.Refunds[0].State != payment.Done || b.Order.State != order.Reopened || len(b.License.Holds) != 1 || len(b.Cases) != 1 || b.Cases[0].Reason != payment.Charged {
					t.Errorf("refund %s, order %s, license on hold: %v, cases %+v", b.Refunds[0].State, b.Order.State, b.License.Holds, b.Cases)
				}
				if at, err := h.acquirer.Payment(t.Context(), a.Reference); err != nil || at.Standing != 0 {
					t.Errorf("at the provider %+v (%v)", at, err)
				}
			}
	})
}

// refund asks for a part of an order's price to go back.
func (h house) refund(t *testing.T, n order.Number, amount money.Amount) payment.Refund {
	t.Helper()
	return people.GiveBack(t, h.store, n, payment.Ask{Amount: &amount, Reason: payment.PriceReduction, Key: amount.String()}, people.Noon)[0]
}

func TestARefundIsOneHoweverOftenItIsAskedFor(t *testing.T) {
	h := open(t)
	a := h.charge(t, people.Waiting, "by card")
	h.happens(t, a.Reference, "settled")
	s := h.settlement(h.cfg, people.Noon)
	if err := s.handle(t.Context(), ask(a, card.StatusUpdated)); err != nil {
		t.Fatal(err)
	}
	r := h.refund(t, people.Waiting, 200)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if err := s.handle(t.Context(), payment.CardMessage{Refund: r.ID}); err != nil {
				t.Error(err)
			}
		})
		wait.Go(func() {
			if err := s.handle(t.Context(), ask(a, card.EventRefunded)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	l := ledger.Holds(t, h.cfg, h.name)
	if at, err := h.acquirer.Payment(t.Context(), a.Reference); err != nil || at.Standing != a.Amount-200 {
		t.Errorf("at the provider %s of %s stand (%v)", at.Standing, a.Amount, err)
	}
	if b := h.book(t, people.Waiting); b.Refunds[0].State != payment.Done || len(b.Refunds) != 1 || l.Count(letter.RefundDone) != 1 {
		t.Errorf("%+v, and %d letters", b.Refunds, l.Count(letter.RefundDone))
	}
}

func TestWhatTheProviderDoesNotGiveBackWaitsForAPerson(t *testing.T) {
	h := open(t)
	a := h.charge(t, people.Waiting, "by card")
	h.happens(t, a.Reference, "settled")
	s := h.settlement(h.cfg, people.Noon)
	if err := s.handle(t.Context(), ask(a, card.StatusUpdated)); err != nil {
		t.Fatal(err)
	}
	r := h.refund(t, people.Waiting, 200)
	h.happens(t, a.Reference, "refunded&amount=1.00") // by hand, meanwhile
	if err := s.handle(t.Context(), payment.CardMessage{Refund: r.ID}); err != nil {
		t.Fatal(err)
	}
	ledger.Holds(t, h.cfg, h.name)
	b := h.book(t, people.Waiting)
	i := slices.IndexFunc(b.Refunds, func(x payment.Refund) bool { return x.ID == r.ID })
	if b.Refunds[i].State != payment.Failed || b.Refunds[i].Trouble != "differs" || len(b.Refunds) != 2 || b.Cases[0].State != payment.Open || b.Cases[0].Amount != 100 {
		t.Errorf("%+v %+v", b.Refunds, b.Cases)
	}
}

// stern is a provider that gives nothing back.
type stern struct{ *acquirer.Acquirer }

func (stern) Refund(context.Context, card.Refund) (card.Payment, error) {
	return card.Payment{}, &acquirer.Refused{Status: 422, Code: "4030"}
}

// TestWhatTheProviderRefusesIsFailedAfterAWhile: a request before this one may be on its way.
func TestWhatTheProviderRefusesIsFailedAfterAWhile(t *testing.T) {
	h := open(t)
	a := h.charge(t, people.Waiting, "by card")
	h.happens(t, a.Reference, "settled")
	if err := h.settlement(h.cfg, people.Noon).handle(t.Context(), ask(a, card.StatusUpdated)); err != nil {
		t.Fatal(err)
	}
	r := h.refund(t, people.Waiting, 200)
	for _, c := range []struct {
		after   time.Duration
		want    payment.RefundState
		trouble string
	}{{29 * time.Minute, payment.Requested, ""}, {40 * time.Minute, payment.Failed, "4030"}} {
		s := h.settlement(h.cfg, people.Noon.Add(c.after))
		s.provider = stern{h.acquirer}
		if err := s.handle(t.Context(), payment.CardMessage{Refund: r.ID}); err != nil {
			t.Fatal(err)
		}
		if got := h.book(t, people.Waiting).Refunds[0]; got.State != c.want || got.Trouble != c.trouble {
			t.Errorf("after %s it is %s, %s", c.after, got.State, got.Trouble)
		}
	}
	ledger.Holds(t, h.cfg, h.name)
}

// changing is a provider at which something happens just after it was asked.
type changing struct {
	*acquirer.Acquirer
	then func()
}

func (c *changing) Payment(ctx context.Context, r card.Reference) (card.Payment, error) {
	p, err := c.Acquirer.Payment(ctx, r)
	if c.then != nil {
		then := c.then
		c.then = nil
		then()
	}
	return p, err
}

// TestAnAnswerThatWasOvertakenIsNotBelieved: somebody pretends that a refund did not get through, just while it is made.
func TestAnAnswerThatWasOvertakenIsNotBelieved(t *testing.T) {
	h := open(t)
	a := h.charge(t, people.Waiting, "by card")
	h.happens(t, a.Reference, "settled")
	s := h.settlement(h.cfg, people.Noon)
	if err := s.handle(t.Context(), ask(a, card.StatusUpdated)); err != nil {
		t.Fatal(err)
	}
	r := h.refund(t, people.Waiting, 200)
	forged := s
	forged.provider = &changing{h.acquirer, func() {
		if err := s.handle(t.Context(), payment.CardMessage{Refund: r.ID}); err != nil {
			t.Error(err)
		}
	}}
	if err := forged.handle(t.Context(), ask(a, card.RefundFailed)); err != nil && !errors.Is(err, errEarly) {
		t.Fatal(err)
	}
	ledger.Holds(t, h.cfg, h.name)
	if b := h.book(t, people.Waiting); b.Refunds[0].State != payment.Done || len(b.Cases) != 0 {
		t.Errorf("%+v %+v", b.Refunds, b.Cases)
	}
}

func TestWhoeverKnocksOftenIsHeardSixtyTimesAnHour(t *testing.T) {
	h := open(t)
	a := h.charge(t, people.Waiting, "by card")
	counted := &counting{said: said{a.Reference: {Reference: a.Reference, State: card.Initial}}}
	s := h.settlement(h.cfg, people.Noon)
	s.provider = counted
	for range account.CardTries.Max + 20 {
		if err := s.handle(t.Context(), ask(a, card.StatusUpdated)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.handle(t.Context(), payment.CardMessage{Reference: a.Reference}); err != nil { // the janitor
		t.Fatal(err)
	}
	if counted.n < account.CardTries.Max || counted.n > account.CardTries.Max+2 {
		t.Errorf("the provider was asked %d times", counted.n)
	}
}

type counting struct {
	said
	n int
}

func (c *counting) Payment(ctx context.Context, r card.Reference) (card.Payment, error) {
	c.n++
	return c.said.Payment(ctx, r)
}

// TestAnAnswerThatSaysAllIsTheOnlyOne: the provider is asked again only where money is missing that had come.
func TestAnAnswerThatSaysAllIsTheOnlyOne(t *testing.T) {
	for name, c := range map[string]struct {
		said card.Payment
		want int
	}{
		"settled": {card.Payment{State: card.StateSettled, Standing: 496}, 1},
		"pending": {card.Payment{State: card.SentForProcessing}, 1},
		"failed":  {card.Payment{State: card.StateFailed}, 1},
		"a part":  {card.Payment{State: card.StateRefunded, Standing: 96}, 2},
	} {
		h := open(t)
		a := h.charge(t, people.Waiting, "by card")
		c.said.Reference, c.said.Amount = a.Reference, a.Amount
		counted := &counting{said: said{a.Reference: c.said}}
		s := h.settlement(h.cfg, people.Noon)
		s.provider = counted
		if err := s.handle(t.Context(), ask(a, card.StatusUpdated)); err != nil || counted.n != c.want {
			t.Errorf("%s: asked %d times, want %d (%v)", name, counted.n, c.want, err)
		}
		ledger.Holds(t, h.cfg, h.name)
	}
}

func TestAPaymentThatIsNotStoredYetWaitsItsTurn(t *testing.T) {
	h := open(t)
	early := payment.CardMessage{Reference: mine, Event: card.StatusUpdated, At: people.Noon}
	if err := h.settlement(h.cfg, people.Noon.Add(time.Minute)).handle(t.Context(), early); !errors.Is(err, errEarly) {
		t.Errorf("it is taken: %v", err)
	}
	if err := h.settlement(h.cfg, people.Noon.Add(time.Hour)).handle(t.Context(), early); err != nil {
		t.Errorf("it comes for ever: %v", err)
	}
}

func TestTheProviderIsAskedAboutPaymentsOfOursOnly(t *testing.T) {
	h := open(t)
	s := settlement{h.store, said{}, func() time.Time { return people.Noon.Add(time.Hour) }}
	for i := range 3 {
		if err := s.handle(t.Context(), payment.CardMessage{Reference: card.Reference(fmt.Sprintf("%016x", i)), At: people.Noon}); err != nil {
			t.Errorf("the provider was asked: %v", err)
		}
	}
}

func TestAProviderThatIsAwayIsAskedAgain(t *testing.T) {
	h := open(t)
	a := h.charge(t, people.Waiting, "by card")
	h.happens(t, a.Reference, "settled")
	h.desk.Break(everypay.Fault{Call: "payment", Kind: "error", Times: 3})
	s := h.settlement(h.cfg, people.Noon)
	if err := s.handle(t.Context(), ask(a, card.StatusUpdated)); !errors.Is(err, acquirer.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if err := s.handle(t.Context(), ask(a, card.StatusUpdated)); err != nil {
		t.Error(err)
	}
	if b := h.book(t, people.Waiting); b.Order.State != order.Paid {
		t.Errorf("the order is %s", b.Order.State)
	}
}

// TestWhatNeverEndsIsGivenUp: and paid all the same, if the money comes later.
func TestWhatNeverEndsIsGivenUp(t *testing.T) {
	h := open(t)
	a := h.charge(t, people.Waiting, "by card")
	h.happens(t, a.Reference, "processing")
	for _, c := range []struct {
		at   time.Time
		want order.AttemptState
	}{{people.Noon.AddDate(0, 0, 4), order.Started}, {people.Noon.AddDate(0, 0, 5), order.Failed}} {
		if err := h.settlement(h.cfg, c.at).handle(t.Context(), payment.CardMessage{Reference: a.Reference}); err != nil {
			t.Fatal(err)
		}
		if got := byCard(h.book(t, people.Waiting)).State; got != c.want {
			t.Errorf("%s: %s", civil.DateOf(c.at, civil.Tallinn), got)
		}
	}
	h.happens(t, a.Reference, "settled")
	if err := h.settlement(h.cfg, people.Noon.AddDate(0, 0, 6)).handle(t.Context(), ask(a, card.StatusUpdated)); err != nil {
		t.Fatal(err)
	}
	if b := h.book(t, people.Waiting); b.Order.State != order.Paid {
		t.Errorf("the order is %s", b.Order.State)
	}
}
