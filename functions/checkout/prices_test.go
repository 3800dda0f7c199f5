package main

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/letter"
	"opiq/shared/order"
	"opiq/shared/table"
)

// TestThePriceIsThatOfTheOrder: staff set dearer prices for 1 December. Whoever ordered before has the old price on the invoice that is
// made after it, pays it, and is reminded as they were told; whoever orders a moment later has the new one.
func TestThePriceIsThatOfTheOrder(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	first := civil.Date{Year: 2026, Month: 12, Day: 1}
	dearer := catalog.Pricing{Plans: []catalog.Plan{{Months: 1, Net: 6_00, Remind: []int{10}}}}
	l, act, _, err := catalog.Shelf{}.Reprice(first, dearer, account.Operator, people.Noon)
	if err == nil {
		_, err = s.SetPrices(t.Context(), l, act)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := simple(cfg, name)
	place := func(key string) order.Order {
		t.Helper()
		wish := order.Wish{Months: 1, StartsOn: first, OrderTerms: "2017-07-01", ImmediateSupply: true}
		e := people.Request("POST /v1/orders", people.Mari, nil, wish)
		e.Headers["idempotency-key"] = key
		out, err := c.routes().Handle(t.Context(), e)
		var o order.Order
		if err != nil || out.StatusCode != 201 || json.Unmarshal([]byte(out.Body), &o) != nil {
			t.Fatalf("%d %s (%v)", out.StatusCode, out.Body, err)
		}
		return people.Book(t, s, o.Number).Order
	}
	c.now = func() time.Time { return first.Start(civil.Tallinn).Add(-time.Second) }
	before := place("before midnight")
	c.now = func() time.Time { return first.Start(civil.Tallinn) }
	after := place("after midnight")
	if again := place("before midnight"); again.Number != before.Number || again.Price != before.Price {
		t.Errorf("the same order, sent again, costs %s", again.Price.Gross)
	}
	for _, o := range []struct {
		order.Order
		list   string
		gross  int64
		remind []int
	}{{before, "2026-01-01", 4_96, []int{14, 3}}, {after, "2026-12-01", 7_44, []int{10}}} {
		if o.PriceList != o.list || int64(o.Price.Gross) != o.gross || !slices.Equal(o.Order.Remind, o.remind) {
			t.Errorf("the order of list %s costs %s and reminds %v", o.PriceList, o.Price.Gross, o.Order.Remind)
		}
		invoice, err := ask(t.Context(), c, o.Number, nil)
		if err != nil || int64(invoice.Amount) != o.gross {
			t.Errorf("its invoice is of %s (%v)", invoice.Amount, err)
		}
		people.Transfer(t, s, o.Number, o.Price.Gross, int(o.gross), c.now())
		paid := people.Book(t, s, o.Number)
		if paid.Order.State != order.Paid || paid.Order.Price != o.Price || !slices.Equal(paid.License.Remind, o.remind) {
			t.Errorf("it is %s, costs %s, and its license reminds %v", paid.Order.State, paid.Order.Price.Gross, paid.License.Remind)
		}
		for _, x := range ledger.Holds(t, cfg, name).Letters {
			if x.Kind == letter.PaymentReceipt && x.Facts["order"] == string(o.Number) && x.Facts["gross"] != o.Price.Gross.Cents() {
				t.Errorf("its receipt is of %s", x.Facts["gross"])
			}
		}
	}
}
