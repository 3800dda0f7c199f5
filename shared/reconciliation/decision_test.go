package reconciliation_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/fields"
	"opiq/shared/license"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/problem"
	"opiq/shared/reconciliation"
	"opiq/shared/statement"
)

func TestADecisionIsReadWithEveryWrongFieldAtOnce(t *testing.T) {
	const share = `{"order":"1111111111","amount":{"amount":496,"currency":"EUR"}}`
	amount := func(a string) string {
		return `{"allocate":[{"order":"1111111111","amount":` + a + `}],"reason":"why"}`
	}
	const wrongAmount = "wrong_type /allocate/0/amount"
	for text, want := range map[string]string{
		`{"allocate":[` + share + `],"reason":"why"}`:                               "",
		`{"ignore":true,"reason":"why"}`:                                            "",
		`{"undo":true,"refund":false,"allocate":[],"reason":"why"}`:                 "",
		`{"reason":"why"}`:                                                          "one_of ",
		`{"allocate":[],"reason":"why"}`:                                            "one_of ",
		`{"allocate":[` + share + `],"undo":true,"reason":"why"}`:                   "one_of ",
		`{"ignore":true}`:                                                           "length /reason",
		`{"ignore":true,"reason":" \n "}`:                                           "length /reason",
		`{"ignore":true,"reason":"` + strings.Repeat("ü", 501) + `"}`:               "length /reason",
		`{"ignore":"yes","reason":7}`:                                               "wrong_type /ignore, wrong_type /reason, one_of ",
		`{"allocate":` + share + `,"reason":"why"}`:                                 "wrong_type /allocate, one_of ",
		`{"allocate":[null,7,[]],"reason":"why"}`:                                   "wrong_type /allocate/0, wrong_type /allocate/1, wrong_type /allocate/2",
		`{"allocate":[{}],"reason":"why"}`:                                          "unknown_order /allocate/0/order, not_positive /allocate/0/amount",
		`{"allocate":[` + share + `,` + share + `],"reason":"why"}`:                 "repeated /allocate/1/order",
		`{"allocate":[{"order":1111111111,"amont":1}],"reason":"why","by":"me"}`:    "wrong_type /allocate/0/order, unknown /allocate/0/amont, unknown /by, not_positive /allocate/0/amount",
		`{"allocate":[` + strings.Repeat(share+",", 12) + share + `],"reason":"w"}`: "too_many /allocate" + repeated(12),

		amount(`{"amount":1,"currency":"EUR"}`):            "",
		amount(`{"amount":0,"currency":"EUR"}`):            "not_positive /allocate/0/amount",
		amount(`{"amount":-496,"currency":"EUR"}`):         "not_positive /allocate/0/amount",
		amount(`{"currency":"EUR"}`):                       "not_positive /allocate/0/amount",
		amount(`{"amount":496,"currency":"USD"}`):          wrongAmount,
		amount(`{"amount":496}`):                           wrongAmount,
		amount(`{"amount":4.96,"currency":"EUR"}`):         wrongAmount,
		amount(`{"amount":"496","currency":"EUR"}`):        wrongAmount,
		amount(`{"amount":1e30,"currency":"EUR"}`):         wrongAmount,
		amount(`{"amount":496,"currency":"EUR","vat":24}`): wrongAmount,
		amount(`496`):  wrongAmount,
		amount(`null`): wrongAmount,
		amount(`[]`):   wrongAmount,
	} {
		if got := wrong(fields.Read([]byte(text), new(reconciliation.Decision))); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func repeated(times int) (all string) {
	for i := range times {
		all += fmt.Sprintf(", repeated /allocate/%d/order", i+1)
	}
	return all
}

// wrong are the wrong fields of a failure.
func wrong(err error) string {
	var found []string
	if p, ok := errors.AsType[*problem.Error](err); ok {
		for _, f := range p.Fields {
			found = append(found, f.Code+" "+f.Pointer)
		}
	}
	return strings.Join(found, ", ")
}

// The payers and the order of the tests of returns.
const (
	mari            = "EE171010123456789017"
	jaan            = "EE382200221020145685"
	one  payment.ID = "one"
	two  payment.ID = "two"
)

// paid is the book of a paid order; of its two payments it has taken the first.
func paid(n order.Number, from, fromToo string) payment.Book {
	const price money.Amount = 496
	o := order.Order{Number: n, State: order.Paid, Received: price, Price: money.Price{Gross: price}, PlacedAt: noon}
	return payment.Book{
		Order:    o,
		License:  &license.License{ID: license.Of(string(n))},
		Payments: []payment.Payment{{ID: one, Order: n, Amount: price, Taken: price, Payer: from}, {ID: two, Order: n, Amount: price, Payer: fromToo}},
		Cases:    []payment.Case{{Payment: two, Order: n, Amount: price, Reason: payment.Duplicate, State: payment.Open}},
	}
}

// wentTo is money that went from us to an account, and of which nobody knows what it was.
func wentTo(iban string, amount money.Amount) reconciliation.Entry {
	return reconciliation.Entry{
		ID: "e", State: reconciliation.Waiting,
		Bank: statement.Entry{Direction: statement.Debit, Returned: true, Amount: amount, Other: statement.Party{Account: iban}},
	}
}

func takeBack(e reconciliation.Entry, amount money.Amount, of ...payment.Book) (reconciliation.Outcome, error) {
	d, books := reconciliation.Decision{Reason: " why "}, map[order.Number]payment.Book{}
	for _, b := range of {
		d.Allocate = append(d.Allocate, reconciliation.Share{Order: b.Order.Number, Amount: amount})
		books[b.Order.Number] = b
	}
	return d.Take(e, books, "account:liis", noon)
}

func TestAReturnMeansThePaymentThatItMostLikelyIs(t *testing.T) {
	for _, c := range []struct {
		name          string
		from, fromToo string
		to            string
		want          payment.ID
		license       bool // goes on hold
	}{
		{"from that account", mari, jaan, mari, one, true},
		{"from that account, though another waits to go back", mari, jaan, jaan, two, false},
		{"one that goes back anyway", mari, mari, mari, two, false},
		{"nobody knows from where", "", "", mari, two, false},
		{"neither from that account", mari, mari, jaan, two, false},
	} {
		o, err := takeBack(wentTo(c.to, 496), 496, paid("1111111111", c.from, c.fromToo))
		if err != nil || len(o.Entry.Allocations) != 1 || o.Entry.Allocations[0].Payment != c.want || (o.Changes[0].License != nil) != c.license {
			t.Errorf("%s: %+v (%v)", c.name, o, err)
		}
	}
}

func TestAReturnCanBeOfSeveralOrders(t *testing.T) {
	first, second := paid("1111111111", mari, jaan), paid("1111111112", mari, jaan)
	o, err := takeBack(wentTo(mari, 992), 496, first, second)
	if err != nil || len(o.Changes) != 2 || o.Entry.State != reconciliation.Allocated {
		t.Fatalf("%+v (%v)", o, err)
	}
	for _, c := range o.Changes {
		if c.Order.State != order.Reopened || c.Order.Open() != 496 {
			t.Errorf("order %s is %s", c.Order.Number, c.Order.State)
		}
	}
	if last := o.Entry.History[len(o.Entry.History)-1]; last.Reason != "why" || last.By != "account:liis" {
		t.Errorf("%+v", last)
	}
}

func TestAReturnIsAllOfItAndOfPaymentsThatThereAre(t *testing.T) {
	book := paid("1111111111", mari, jaan)
	if _, err := takeBack(wentTo(mari, 500), 496, book); !errors.Is(err, reconciliation.ErrDebit) {
		t.Errorf("a part of it: %v", err)
	}
	if _, err := takeBack(wentTo(mari, 100), 100, book); !errors.Is(err, payment.ErrReturned) {
		t.Errorf("no payment of so much: %v", err)
	}
	if _, err := takeBack(wentTo(mari, 400), 496, book); wrong(err) != "too_much /allocate/0/amount" {
		t.Errorf("too much: %v", err)
	}
	d := reconciliation.Decision{Allocate: []reconciliation.Share{{Order: "1111111113", Amount: 496}}, Reason: "why"}
	if _, err := d.Take(wentTo(mari, 496), nil, "account:liis", noon); wrong(err) != "unknown_order /allocate/0/order" {
		t.Errorf("no order: %v", err)
	}
}

func TestNoOrderIsSuggestedForMoneyThatItCannotHave(t *testing.T) {
	o := order.Order{Number: "1111111111", State: order.Placed, Price: money.Price{Gross: 496}}
	hints := reconciliation.Hints{Names: reconciliation.Names{Sure: []order.Number{o.Number}}, Named: []payment.Book{{Order: o}}}
	credit := reconciliation.Entry{Bank: statement.Entry{Direction: statement.Credit, Amount: 496}}
	if len(credit.Suggest(hints).Suggestions) != 1 {
		t.Error("nothing is suggested for money that came")
	}
	foreign := credit
	foreign.Bank.Amount = 0
	for _, e := range []reconciliation.Entry{wentTo(mari, 496), foreign} {
		if got := e.Suggest(hints).Suggestions; len(got) != 0 {
			t.Errorf("%+v", got)
		}
	}
}

// TestMoreOrdersThanOneTransactionHoldsAreForAPerson: twelve fit, whatever money does to each.
func TestMoreOrdersThanOneTransactionHoldsAreForAPerson(t *testing.T) {
	for count, want := range map[int]reconciliation.State{12: reconciliation.Allocated, 13: reconciliation.Waiting} {
		var known reconciliation.Known
		for i := range count {
			o := order.Order{Number: order.Number(fmt.Sprint(1_111_111_100 + i)), State: order.Placed, Price: money.Price{Gross: 496}, PlacedAt: noon}
			known.Sure = append(known.Sure, payment.Book{Order: o})
		}
		b := statement.Entry{Direction: statement.Credit, Amount: money.Amount(496 * count), Booked: civil.DateOf(noon, civil.Tallinn)}
		e := reconciliation.Entry{ID: "e", State: reconciliation.New, Bank: b}
		o, ok := reconciliation.Decide(e, known, noon)
		if !ok || o.Entry.State != want {
			t.Errorf("%d orders: %s", count, o.Entry.State)
		}
	}
}

func TestADocumentHoldsNoNullsWhereListsAre(t *testing.T) {
	e := reconciliation.Entry{ID: "e", State: reconciliation.New, History: []reconciliation.Happened{{What: "imported"}}}
	text, err := json.Marshal(reconciliation.PageOf([]reconciliation.Entry{e}, ""))
	for _, want := range []string{`"amount":null`, `"references":[]`, `"allocations":[]`, `"suggestions":[]`, `"next":null`} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s is not in %s (%v)", want, text, err)
		}
	}
	if text, err := json.Marshal(reconciliation.PageOf(nil, "")); err != nil || string(text) != `{"entries":[],"next":null}` {
		t.Errorf("%s (%v)", text, err)
	}
}

func TestThePlaceOfAPageSurvivesTheAddress(t *testing.T) {
	for _, place := range []string{"2026-11-22#a1", "ä?&=/+ #%", strings.Repeat("x", 200)} {
		next := *reconciliation.PageOf(nil, place).Next
		if strings.Trim(next, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("%q does not fit into an address", next)
		}
		state, after, limit, err := reconciliation.Query{After: next}.Read()
		if err != nil || state != reconciliation.Waiting || after != place || limit != 50 {
			t.Errorf("%q became %s %q %d (%v)", place, state, after, limit, err)
		}
	}
	for _, q := range []reconciliation.Query{{After: "?"}, {After: strings.Repeat("A", 400)}, {After: "_w"}, {Limit: "0"}, {Limit: "101"}, {Limit: "ten"}, {State: "Waiting"}} {
		if _, _, _, err := q.Read(); wrong(err) == "" {
			t.Errorf("%+v was read", q)
		}
	}
}

func TestAnActTellsWhatWasUndone(t *testing.T) {
	before := reconciliation.Entry{
		ID: "e", State: reconciliation.Remainder, Remainder: 104, Allocations: []reconciliation.Allocation{{Order: "1111111111", Payment: one, Amount: 496}},
		Bank: statement.Entry{Direction: statement.Credit, Amount: 600},
	}
	d := reconciliation.Decision{Undo: true, Reason: " why "}
	o, err := d.Take(before, map[order.Number]payment.Book{"1111111111": paid("1111111111", mari, jaan)}, "account:liis", noon)
	if err != nil {
		t.Fatal(err)
	}
	a := d.Act(before, o, account.Actor{Account: "liis"}, noon)
	want := "map[after:waiting before:allocated_with_remainder orders:1111111111 4.96 remainder:1.04 what:undone]"
	if fmt.Sprint(a.Detail) != want || a.Object != "entry:e" || a.Reason != "why" || a.Actor != "account:liis" || a.What != reconciliation.EntryDecided {
		t.Errorf("%+v", a)
	}
}
