package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/table"
	"opiq/shared/web"
)

func open(cfg aws.Config, name string) desk {
	return desk{table.Open(cfg, name), people.Desk, web.CookieAt(people.PublicURL), people.Now}
}

// price is what each order here costs.
const price money.Amount = 496

// The orders of Mari besides those that she has anyway.
const (
	carded   order.Number = "1111111114" // paid by card
	billed   order.Number = "1111111115" // paid by a transfer, with an invoice
	twice    order.Number = "1111111116" // paid by bank link, and by card too
	underway order.Number = "1111111117" // paid by card; a refund is on its way
	sent     order.Number = "1111111118" // paid by bank link; of two refunds one has arrived
	missed   order.Number = "1111111119" // paid by bank link; a refund did not arrive
	owed     order.Number = "1111111120" // was paid by bank link, and the bank took all of it back
)

// foreign is an order of Jaan's.
const foreign order.Number = "2222222221"

// world is a table with people and their orders.
func world(t *testing.T) (aws.Config, string) {
	t.Helper()
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	employ(t, s)
	buy(t, s, carded)
	people.ByCard(t, s, people.Charge(t, s, carded))
	buy(t, s, billed)
	people.Invoice(t, s, billed, nil)
	people.Transfer(t, s, billed, price, 1, people.Noon)
	payTwice(t, s, twice)
	buy(t, s, underway)
	people.ByCard(t, s, people.Charge(t, s, underway))
	give(t, s, underway, payment.Ask{Amount: new(money.Amount(100)), Reason: payment.PriceReduction, Key: "underway"})
	payByBank(t, s, sent)
	give(t, s, sent, payment.Ask{Amount: new(money.Amount(100)), Reason: payment.PriceReduction, Note: "Üks teos puudus", Key: "sent"})
	arrived := give(t, s, sent, payment.Ask{Amount: new(money.Amount(50)), Reason: payment.PriceReduction, Key: "arrived"})
	people.Sent(t, s, arrived, "", 2, people.Noon)
	payByBank(t, s, missed)
	lost := give(t, s, missed, payment.Ask{Amount: new(money.Amount(200)), Reason: payment.Agreed, Key: "missed"})
	people.Sent(t, s, lost, "", 3, people.Noon)
	people.Sent(t, s, lost, "AC04", 4, people.Noon)
	payByBank(t, s, owed)
	people.TakeBack(t, s, owed, people.Noon)
	people.Place(t, s, people.Person(people.Jaan, "Jaan", "Jõgi", lang.Russian), foreign, december)
	return cfg, name
}

// corner is a table with Mari, her usual orders, and Liis.
func corner(t *testing.T) (aws.Config, string) {
	t.Helper()
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	employ(t, s)
	return cfg, name
}

// employ stores Liis, who looks after the money, and machines: one hands in statements, the other one gives money back.
func employ(t *testing.T, s *table.Table) {
	t.Helper()
	people.Employ(t, s)
	people.Program(t, s, account.Refunds)
}

var december = civil.Date{Year: 2026, Month: 12, Day: 1}

// buy places an order of Mari's.
func buy(t *testing.T, s *table.Table, n order.Number) { people.Buy(t, s, n, december, false) }

// payByBank places an order of Mari's and pays it by bank link.
func payByBank(t *testing.T, s *table.Table, n order.Number) { people.Buy(t, s, n, december, true) }

// payTwice places an order of Mari's and pays it by bank link, when she has set out to pay it by card, and by card too.
func payTwice(t *testing.T, s *table.Table, n order.Number) {
	t.Helper()
	buy(t, s, n)
	card := people.Charge(t, s, n)
	change(t, s, n, func(b payment.Book) (payment.Change, error) {
		i := slices.IndexFunc(b.Attempts, func(a order.Attempt) bool { return a.Method == order.BankLink })
		c, _, err := payment.Settle(b, people.Paid(b.Attempts[i], "1"), people.Noon)
		return c, err
	})
	people.ByCard(t, s, card)
}

// payInParts places an order of Mari's with an invoice, and pays it by so many transfers.
func payInParts(t *testing.T, s *table.Table, n order.Number, parts int) {
	t.Helper()
	buy(t, s, n)
	people.Invoice(t, s, n, nil)
	part := price / money.Amount(parts)
	for i := range parts - 1 {
		people.Transfer(t, s, n, part, int(n[9]-'0')*100+i, people.Noon)
	}
	people.Transfer(t, s, n, price-part*money.Amount(parts-1), int(n[9]-'0')*100+parts, people.Noon)
}

// give is one refund that was asked for before.
func give(t *testing.T, s *table.Table, n order.Number, ask payment.Ask) payment.Refund {
	t.Helper()
	return people.GiveBack(t, s, n, ask, people.Noon)[0]
}

// change stores what becomes of an order.
func change(t *testing.T, s *table.Table, n order.Number, decide func(payment.Book) (payment.Change, error)) {
	t.Helper()
	c, err := decide(people.Book(t, s, n))
	if err == nil {
		err = s.Settle(t.Context(), c)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// lines are what the table holds, a line a thing: what an event has changed is the lines that were not there before.
func lines(l ledger.Ledger) (all []string) {
	line := func(format string, a ...any) { all = append(all, fmt.Sprintf(format, a...)) }
	for _, a := range l.Acts {
		line("act: %s %s %s %q %v", a.Actor, a.What, a.Object, a.Reason, a.Detail)
	}
	for _, k := range l.Cases {
		line("case: %s of payment %s, %s, %s", k.Amount, k.Payment, k.Reason, k.State)
	}
	for _, c := range l.Credits {
		line("credit invoice: %s of order %s, of invoice %q, net %s, VAT %s, gross %s, %s", c.Number, c.Order, c.Invoice, c.Price.Net, c.Price.VAT, c.Price.Gross, c.Reason)
	}
	for _, x := range l.Letters {
		facts := ""
		if strings.HasPrefix(string(x.ID), "refund/") || x.Kind == letter.OrderAnnulled {
			facts = fmt.Sprint(" ", x.Facts)
		}
		line("letter: %s%s", x.ID, facts)
	}
	for _, x := range l.Licenses {
		line("license: %s of order %s, %s, through %s", x.ID, x.Order, x.At(people.Noon), x.ValidThrough())
	}
	for _, o := range l.Orders {
		line("order: %s %s, received %s, credited %s, open %s", o.Number, o.State, o.Received, o.Credited, o.Open())
	}
	for _, p := range l.Payments {
		line("payment: %s for order %s, %s, taken %s, back %s", p.ID, p.Order, p.Amount, p.Taken, p.Back)
	}
	for _, p := range l.Payouts {
		line("payout: %s %v", p.ID, p.Transfers)
	}
	for _, r := range l.Refunds {
		line("refund: %s of payment %s, %s by %s, %s, at %q", r.ID, r.Payment, r.Amount, r.Way, r.State, r.IBAN)
	}
	slices.Sort(all)
	return all
}

func TestEvents(t *testing.T) {
	golden.Changes(t, "refunds", func(t *testing.T) (func(*testing.T, []byte) any, func(*testing.T) []string) {
		cfg, name := world(t)
		play := func(t *testing.T, event []byte) any { return people.Answer(t, open(cfg, name).routes(), event) }
		return play, func(t *testing.T) []string { return lines(ledger.Holds(t, cfg, name)) }
	})
}

// heard is an answer to somebody who asked for a refund: what was given back, or why nothing was.
type heard struct {
	status  int
	Code    string
	Refunds []payment.RefundDocument
	Order   payment.OrderDocument
}

func (h heard) String() string { return strings.TrimSpace(fmt.Sprint(h.status, " ", h.Code)) }

// ask asks for a refund in the name of Liis.
func ask(ctx context.Context, routes web.Routes, n order.Number, body map[string]any) (h heard, err error) {
	out, err := routes.Handle(ctx, people.Request("POST /v1/orders/{number}/refunds", people.Liis, map[string]string{"number": string(n)}, body))
	if err != nil {
		return h, err
	}
	h.status = out.StatusCode
	return h, json.Unmarshal([]byte(out.Body), &h)
}

func must(t *testing.T, routes web.Routes, n order.Number, body map[string]any, want string) heard {
	t.Helper()
	h, err := ask(t.Context(), routes, n, body)
	if err != nil || h.String() != want {
		t.Fatalf("%s, %v: %s (%v), want %s", n, body, h, err, want)
	}
	return h
}

// wish is the body of a request for a part of an order's money, or for all of it where the amount is 0.
func wish(reason payment.Why, amount money.Amount, key string) map[string]any {
	body := map[string]any{"reason": reason, "key": key}
	if amount > 0 {
		body["amount"] = amount
	}
	return body
}

// TestMoneyGoesBackTheWayThatItCame: all of it, and a part.
func TestMoneyGoesBackTheWayThatItCame(t *testing.T) {
	cfg, name := world(t)
	s, routes := table.Open(cfg, name), open(cfg, name).routes()
	for n, c := range map[order.Number]struct {
		way  payment.Way
		iban string
	}{
		carded:         {payment.ByCard, ""},
		billed:         {payment.ByTransfer, "EE171010123456789017"},
		people.Running: {payment.ByTransfer, "EE171010123456789017"},
	} {
		part := must(t, routes, n, wish(payment.PriceReduction, 120, "a part"), "201").Refunds[0]
		if n == carded { // the provider does one after the other
			must(t, routes, n, wish(payment.NotSupplied, 0, "all"), "409 refund_running")
			change(t, s, n, func(b payment.Book) (payment.Change, error) {
				c, _, err := b.Finish(part.ID, "", people.Noon)
				return c, err
			})
		}
		h := must(t, routes, n, wish(payment.NotSupplied, 0, "all"), "201")
		rest := h.Refunds[0]
		if part.Amount != 120 || rest.Amount != price-120 || h.Order.State != order.Annulled || h.Order.Received != 0 || h.Order.Credited != price {
			t.Errorf("%s: %s went back, then %s, and the order is %+v", n, part.Amount, rest.Amount, h.Order)
		}
		for _, r := range []payment.RefundDocument{part, rest} {
			iban := ""
			if r.To != nil {
				iban = r.To.IBAN
			}
			if r.Way != c.way || iban != c.iban || r.State != payment.Requested || r.By != "account:"+string(people.Liis) {
				t.Errorf("%s: %+v", n, r)
			}
		}
		must(t, routes, n, wish(payment.NotSupplied, 0, "more"), "409 nothing_to_refund")
	}
	ledger.Holds(t, cfg, name)
}

// outcomes are what can become of a license, in the words of the README.
var outcomes = map[string]func(before, after license.License) bool{
	"annulled": func(_, after license.License) bool { return after.At(people.Noon) == license.Annulled },
	"stays": func(before, after license.License) bool {
		return after.AnnulledAt.IsZero() && after.EndsOn == before.EndsOn
	},
	"shortened": func(before, after license.License) bool {
		return after.AnnulledAt.IsZero() && after.EndsOn.Before(before.EndsOn)
	},
	"not possible": nil,
}

// TestWhatBecomesOfALicenseIsWhatTheReadmeSays: for every reason, where all of the money goes back, and where a part does.
func TestWhatBecomesOfALicenseIsWhatTheReadmeSays(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[payment.Why][2]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|[^|]*\\| ([a-z ]+) \\| ([a-z ]+) \\|$").FindAllSubmatch(readme, -1) {
		told[payment.Why(m[1])] = [2]string{string(m[2]), string(m[3])}
	}
	cfg, name := corner(t)
	s, routes := table.Open(cfg, name), open(cfg, name).routes()
	number := 1111111120
	for _, reason := range payment.Whys {
		for i, amount := range []money.Amount{0, 100} {
			number++
			n := order.Number(fmt.Sprint(number))
			switch reason {
			case payment.Surplus:
				payTwice(t, s, n)
			case payment.NotPaid: // the bank took a half of it back
				payInParts(t, s, n, 2)
				change(t, s, n, func(b payment.Book) (payment.Change, error) { return b.TakeBack(b.Payments[0].ID, people.Noon) })
			default:
				payByBank(t, s, n)
			}
			before := *people.Book(t, s, n).License
			says := told[reason][i]
			is, known := outcomes[says]
			switch {
			case !known:
				t.Errorf("README.md says %q of %s", says, reason)
			case is == nil:
				must(t, routes, n, wish(reason, amount, "once"), "422 invalid")
			default:
				must(t, routes, n, wish(reason, amount, "once"), "201")
				if after := *people.Book(t, s, n).License; !is(before, after) {
					t.Errorf("%s of %s: the license went from %+v to %+v, and README.md says: %s", reason, amount, before, after, says)
				}
			}
		}
	}
	if len(told) != len(payment.Whys) {
		t.Errorf("README.md has the reasons %v", told)
	}
	ledger.Holds(t, cfg, name)
}

// TestNeverMoreGoesBackThanCame: however it is cut.
func TestNeverMoreGoesBackThanCame(t *testing.T) {
	cfg, name := corner(t)
	routes := open(cfg, name).routes()
	must(t, routes, people.Running, wish(payment.Agreed, price+1, "1"), "409 refund_too_much")
	must(t, routes, people.Running, wish(payment.Agreed, 200, "2"), "201")
	must(t, routes, people.Running, wish(payment.Agreed, 297, "3"), "409 refund_too_much")
	must(t, routes, people.Running, wish(payment.Surplus, 1, "4"), "409 refund_too_much")
	must(t, routes, people.Running, wish(payment.Surplus, 0, "5"), "409 nothing_to_refund")
	must(t, routes, people.Running, wish(payment.Agreed, 296, "6"), "201")
	must(t, routes, people.Running, wish(payment.Agreed, 1, "7"), "409 nothing_to_refund")
	must(t, routes, people.Waiting, wish(payment.Agreed, 0, "8"), "409 nothing_to_refund")
	ledger.Holds(t, cfg, name)
}

// TestOneKeyIsOneRefund: at once, and with another body.
func TestOneKeyIsOneRefund(t *testing.T) {
	cfg, name := corner(t)
	routes := open(cfg, name).routes()
	var wait sync.WaitGroup
	var mu sync.Mutex
	given := map[payment.RefundID]int{}
	for range 6 {
		wait.Go(func() {
			h, err := ask(t.Context(), routes, people.Running, wish(payment.Agreed, 100, "once"))
			mu.Lock()
			defer mu.Unlock()
			if err != nil || h.status != 201 || len(h.Refunds) != 1 || h.Order.Received != price-100 {
				t.Errorf("%s: %+v (%v)", h, h, err)
				return
			}
			given[h.Refunds[0].ID]++
		})
	}
	wait.Wait()
	if l := ledger.Holds(t, cfg, name); len(given) != 1 || len(l.Refunds) != 1 || len(l.Credits) != 1 {
		t.Errorf("they heard of %v; there are %d refunds", given, len(l.Refunds))
	}
	must(t, routes, people.Running, wish(payment.Agreed, 101, "once"), "409 refund_key_reused")
	must(t, routes, people.Ahead, wish(payment.Agreed, 101, "once"), "201") // a key is an order's
}

// TestTwoThatDoNotGoTogetherAreNotBothDone: one is first, the other hears it.
func TestTwoThatDoNotGoTogetherAreNotBothDone(t *testing.T) {
	for name, c := range map[string]struct {
		reason payment.Why
		order  order.Number
		amount money.Amount
		second string
	}{
		"of what the order has taken": {payment.PriceReduction, people.Running, 300, "409 refund_too_much"},
		"of what waits":               {payment.Surplus, missed, 300, "409 refund_too_much"},
		"of one card payment":         {payment.Surplus, twice, 200, "409 refund_running"}, // the provider does one after the other
	} {
		t.Run(name, func(t *testing.T) {
			cfg, name := corner(t)
			s := table.Open(cfg, name)
			payTwice(t, s, twice)
			payByBank(t, s, missed)
			change(t, s, missed, func(b payment.Book) (payment.Change, error) { // the same money, under another number of the bank's
				c, _, err := payment.Settle(b, people.Paid(b.Attempts[0], "2"), people.Noon)
				return c, err
			})
			routes := open(cfg, name).routes()
			var wait sync.WaitGroup
			var mu sync.Mutex
			var all []string
			for _, key := range []string{"Liis", "Liis's program"} {
				wait.Go(func() {
					h, err := ask(t.Context(), routes, c.order, wish(c.reason, c.amount, key))
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Error(err)
					}
					all = append(all, h.String())
				})
			}
			wait.Wait()
			slices.Sort(all)
			if want := []string{"201", c.second}; !slices.Equal(all, want) {
				t.Errorf("they heard %q, want %q", all, want)
			}
			if l := ledger.Holds(t, cfg, name); len(l.Refunds) != 1 {
				t.Errorf("there are %d refunds", len(l.Refunds))
			}
		})
	}
}

// TestMoneyOfOneOrderPaysAnother: in as many parts as it came in.
func TestMoneyOfOneOrderPaysAnother(t *testing.T) {
	cfg, name := corner(t)
	s, routes := table.Open(cfg, name), open(cfg, name).routes()
	payInParts(t, s, billed, 2)
	to := func(n order.Number, amount money.Amount, key string) map[string]any {
		body := wish(payment.Agreed, amount, key)
		body["offset"] = n
		return body
	}
	for key, n := range map[string]order.Number{"itself": billed, "one that there is none of": "9999999999", "one that is paid": people.Running} {
		must(t, routes, billed, to(n, 0, key), "409 offset_impossible")
	}
	buy(t, s, carded)
	must(t, routes, billed, to(carded, 100, "a part"), "201")
	must(t, routes, billed, to(people.Waiting, 0, "the rest"), "201")
	must(t, routes, people.Running, to(carded, price-99, "too much"), "409 offset_impossible")
	if b := people.Book(t, s, people.Waiting); b.Order.State != order.Placed || b.Order.Open() != 100 || len(b.Payments) != 2 {
		t.Errorf("%+v", b)
	}
	must(t, routes, people.Running, to(people.Waiting, 100, "what was missing"), "201")
	b := people.Book(t, s, people.Waiting)
	if b.Order.State != order.Paid || b.License.At(people.Noon) != license.State(license.Scheduled) || len(b.Payments) != 3 {
		t.Errorf("%+v", b)
	}
	if b := people.Book(t, s, billed); b.Order.State != order.Annulled || slices.ContainsFunc(b.Refunds, func(r payment.Refund) bool { return r.State != payment.Done }) {
		t.Errorf("%+v", b)
	}
	h := must(t, routes, people.Waiting, wish(payment.Agreed, 0, "back after all"), "201") // to where it came from first
	for _, r := range h.Refunds {
		if r.Way != payment.ByTransfer || r.To.IBAN != "EE171010123456789017" {
			t.Errorf("%+v", r)
		}
	}
	ledger.Holds(t, cfg, name)
}

// TestMoneyOfManyPaymentsGoesBackInSeveralSteps: what is written of fifteen that pay another order is as much as a transaction holds.
func TestMoneyOfManyPaymentsGoesBackInSeveralSteps(t *testing.T) {
	cfg, name := corner(t)
	s, routes := table.Open(cfg, name), open(cfg, name).routes()
	buy(t, s, billed)
	people.Invoice(t, s, billed, nil)
	for i := range 24 {
		people.Transfer(t, s, billed, 20, i, people.Noon)
	}
	change(t, s, billed, func(b payment.Book) (payment.Change, error) {
		c, _, err := b.Cancel(people.Noon)
		return c, err
	})
	must(t, routes, billed, wish(payment.Surplus, 0, "all"), "409 refund_too_many")
	most := wish(payment.Surplus, 15*20, "most of it")
	most["offset"] = people.Waiting
	if h := must(t, routes, billed, most, "201"); len(h.Refunds) != 15 {
		t.Errorf("%d refunds", len(h.Refunds))
	}
	must(t, routes, billed, wish(payment.Surplus, 0, "the rest"), "201")
	if b := people.Book(t, s, people.Waiting); b.Order.Open() != price-15*20 {
		t.Errorf("%s is left to pay", b.Order.Open())
	}
	ledger.Holds(t, cfg, name)
}

// TestAllOfAnOrderThatWasPaidInManyPartsGoesBackAtOnce: its license is annulled then, and nothing could be asked for after that.
func TestAllOfAnOrderThatWasPaidInManyPartsGoesBackAtOnce(t *testing.T) {
	cfg, name := corner(t)
	s, routes := table.Open(cfg, name), open(cfg, name).routes()
	payInParts(t, s, billed, order.MaxParts)
	if h := must(t, routes, billed, wish(payment.NotSupplied, 0, "all"), "201"); len(h.Refunds) != order.MaxParts {
		t.Errorf("%d refunds", len(h.Refunds))
	}
	ledger.Holds(t, cfg, name)
}

// TestAPaidOrderWithoutItsLicenseIsOurMistake: nothing is decided about it.
func TestAPaidOrderWithoutItsLicenseIsOurMistake(t *testing.T) {
	cfg, name := corner(t)
	d := open(cfg, name)
	d.store = blind{table.Open(cfg, name)}
	must(t, d.routes(), people.Running, wish(payment.Agreed, 0, "once"), "500 internal")
	body := wish(payment.Agreed, 0, "once")
	body["offset"] = people.Waiting
	must(t, d.routes(), people.Running, body, "500 internal")
	ledger.Holds(t, cfg, name)
}

// blind is a table that shows no licenses.
type blind struct{ *table.Table }

func (b blind) Books(ctx context.Context, numbers ...order.Number) ([]payment.Book, error) {
	books, err := b.Table.Books(ctx, numbers...)
	for i := range books {
		books[i].License = nil
	}
	return books, err
}

var errAgain = errors.New("a person would try again")

// TestRefundsWithEveryCallBroken: whoever hears nothing asks again under the same key.
func TestRefundsWithEveryCallBroken(t *testing.T) {
	for name, c := range map[string]struct {
		order order.Number
		pay   func(*testing.T, *table.Table, order.Number)
		body  map[string]any
		pays  order.Number
	}{
		"by transfer, with a credit invoice": {carded, payByBank, wish(payment.Agreed, 0, "once"), ""},
		"what waits, to another order":       {twice, payTwice, map[string]any{"reason": payment.Surplus, "key": "once", "offset": people.Waiting}, people.Waiting},
	} {
		t.Run(name, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				cfg, name := corner(t)
				c.pay(t, table.Open(cfg, name), c.order)
				routes := open(broken(cfg), name).routes()
				return func(ctx context.Context) error {
						h, err := ask(ctx, routes, c.order, c.body)
						if err == nil && h.status != 201 {
							err = fmt.Errorf("%w: %s", errAgain, h)
						}
						return err
					}, func(t *testing.T) {
						l := ledger.Holds(t, cfg, name)
						if len(l.Refunds) != 1 || l.Refunds[0].Amount != price || l.Count(letter.Refund) != 1 {
							t.Errorf("%+v, %d letters", l.Refunds, l.Count(letter.Refund))
						}
						if i := slices.IndexFunc(l.Orders, func(o order.Order) bool { return o.Number == c.pays }); i >= 0 && l.Orders[i].State != order.Paid {
							t.Errorf("the order %s is %s", c.pays, l.Orders[i].State)
						}
					}
			})
		})
	}
}

// busy is a table in which somebody else is always quicker.
type busy struct {
	*table.Table
	tries int
}

func (b *busy) GiveBack(context.Context, int, func(invoice.Number) (payment.Refunding, account.Act, error)) (payment.Refunding, error) {
	b.tries++
	return payment.Refunding{}, table.ErrChanged
}

func TestWhoIsNeverQuickEnoughHearsSo(t *testing.T) {
	cfg, name := corner(t)
	d := open(cfg, name)
	b := &busy{Table: table.Open(cfg, name)}
	d.store = b
	must(t, d.routes(), people.Running, wish(payment.Agreed, 0, "once"), "503 changed_meanwhile")
	if b.tries != tries+1 {
		t.Errorf("%d tries", b.tries)
	}
}

// TestAFileIsTheSameEachTime: also when the refund has arrived.
func TestAFileIsTheSameEachTime(t *testing.T) {
	cfg, name := corner(t)
	s, routes := table.Open(cfg, name), open(cfg, name).routes()
	r := must(t, routes, people.Running, wish(payment.Agreed, 0, "once"), "201").Refunds[0]
	fetch := func() string {
		out, err := routes.Handle(t.Context(), people.Request("GET /v1/payouts/{id}", people.Liis, map[string]string{"id": string(r.Payout) + ".xml"}, nil))
		if err != nil || out.StatusCode != 200 {
			t.Fatal(out, err)
		}
		return out.Body
	}
	first := fetch()
	people.Sent(t, s, people.Book(t, s, people.Running).Refunds[0], "", 1, people.Noon)
	if again := fetch(); again != first || !strings.Contains(first, r.ID.EndToEnd()) {
		t.Errorf("%s\nand then\n%s", first, again)
	}
	ledger.Holds(t, cfg, name)
}
