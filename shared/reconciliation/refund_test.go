package reconciliation_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"opiq/shared/account"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/problem"
	"opiq/shared/reconciliation"
	"opiq/shared/statement"
)

// most is how many items of a transaction a refund may change: the series, its number and the act come besides.
const most = 97

// ask is staff asking for money to go back, which may be refused. Asked again, nothing more happens.
func (w *world) ask(n order.Number, a payment.Ask) error {
	if wrong := a.Check(); len(wrong) > 0 {
		w.t.Fatalf("%+v", wrong)
	}
	b := w.orders[n]
	if before, err := b.Asked(a); err != nil || len(before) > 0 {
		return err
	}
	number := invoice.NumberOf(2026, w.last+1)
	d := payment.Desk{Invoices: desk, Buyer: account.Account{FirstName: "Mari", LastName: "Maasikas", Language: lang.Estonian}, By: "account:liis", Now: w.now}
	out, err := b.Refund(a, w.orders[a.Offset], number, d)
	if _, ours := errors.AsType[*problem.Error](err); err != nil && !ours {
		w.t.Fatalf("%v", err)
	}
	if err != nil {
		return err
	}
	items := 0
	changes := []payment.Change{out.Change}
	if out.Other != nil {
		changes = append(changes, *out.Other)
	}
	for i, c := range changes {
		items += len(c.Payments) + len(c.Cases) + len(c.Refunds) + len(c.Letters)
		for _, there := range []bool{c.Order != nil, c.License != nil, c.Credit != nil, c.Payout != nil} {
			if there {
				items++
			}
		}
		w.store([]order.Number{n, a.Offset}[i], c)
	}
	if items > most {
		w.t.Fatalf("%d items in one transaction", items)
	}
	if (out.Change.Credit != nil) != a.Credits() {
		w.t.Fatalf("%s: a credit invoice: %t", a.Reason, a.Credits())
	}
	if a.Credits() {
		w.last++
	}
	if before, err := w.orders[n].Asked(a); err != nil || len(before) != len(out.Refunds) {
		w.t.Fatalf("asked again: %d refunds of %d (%v)", len(before), len(out.Refunds), err)
	}
	return nil
}

// someAsk is what staff may ask for.
func (w *world) someAsk(t *rapid.T, b *payment.Book) (a payment.Ask) {
	a.Key, a.Reason = fmt.Sprint(rapid.IntRange(0, 99).Draw(t, "key")), payment.Surplus
	if pick(w, t, "of the price", []bool{true, false}) {
		reasons := payment.Whys
		if b.Order.State == order.Reopened {
			reasons = []payment.Why{payment.NotPaid, payment.NotPaid, payment.Breach, payment.Agreed}
		}
		a.Reason = pick(w, t, "reason", reasons)
	}
	if pick(w, t, "a part", []bool{true, false}) {
		a.Amount = new(money.Amount(rapid.Int64Range(1, price).Draw(t, "cents")))
	}
	switch pick(w, t, "where", []string{"back", "back", "to an order", "to an account"}) {
	case "to an order":
		a.Offset = pick(w, t, "other order", slices.Sorted(maps.Keys(w.orders)))
	case "to an account":
		a.To = &payment.Party{Name: "Mari Maasikas", IBAN: jaan}
	}
	return a
}

// came tells whether money came at all.
func (w *world) came() bool {
	for _, b := range w.orders {
		if len(b.Payments) > 0 {
			return true
		}
	}
	return false
}

// refunds are those that are like this.
func (w *world) refunds(like func(payment.Refund) bool) (all []payment.Refund) {
	for _, n := range slices.Sorted(maps.Keys(w.orders)) {
		for _, r := range w.orders[n].Refunds {
			if like(r) {
				all = append(all, r)
			}
		}
	}
	return all
}

// transfer is what our bank does next with a transfer of ours: it leaves, and then it comes back.
func (w *world) transfer(r payment.Refund, named bool) statement.Entry {
	e := statement.Entry{Amount: r.Amount, Direction: statement.Debit, Other: statement.Party{Account: r.IBAN, Name: r.Name}}
	if named {
		e.EndToEnd = r.ID.EndToEnd()
	}
	if w.moved[r.ID] == "" {
		w.moved[r.ID] = "away"
		return e
	}
	e.Direction, e.Returned, e.Reason, w.moved[r.ID] = statement.Credit, true, "AC04", "back"
	return e
}

// lapse is time that passes for what is paid: licenses go on, and somebody sees that orders have what they should.
func (w *world) lapse() {
	for _, n := range slices.Sorted(maps.Keys(w.orders)) {
		b := w.orders[n]
		if b.License != nil {
			if l, tell, ok := b.License.Step(w.now); ok {
				w.store(n, payment.Change{License: &l, Letters: []letter.Letter{tell}})
			}
		}
		if c, ok := b.Check(w.now); ok {
			written := map[letter.ID]bool{}
			for id := range w.letters {
				written[id] = true
			}
			c, missing := c.Missing(written)
			if len(missing) > 0 {
				w.t.Fatalf("order %s is paid, and has no %v", n, missing)
			}
			w.store(n, c)
		}
	}
}

// TestARefundOnTheStatement is the table of what an entry with the name of a refund of ours comes to, or one that a person knows as such.
func TestARefundOnTheStatement(t *testing.T) {
	type entry = statement.Entry
	out := func(r payment.Refund) entry {
		return entry{Amount: r.Amount, Direction: statement.Debit, EndToEnd: r.ID.EndToEnd(), Other: statement.Party{Account: r.IBAN}}
	}
	in := func(r payment.Refund) entry {
		return entry{Amount: r.Amount, Returned: true, Reason: "AC04", EndToEnd: r.ID.EndToEnd(), Other: statement.Party{Account: r.IBAN}}
	}
	with := func(e func(payment.Refund) entry, change func(*entry)) func(payment.Refund) entry {
		return func(r payment.Refund) entry { x := e(r); change(&x); return x }
	}
	differs := []string{"waiting refund_differs"}
	for name, c := range map[string]struct {
		entries []func(payment.Refund) entry
		want    []string
		state   payment.RefundState
	}{
		"it goes":                            {[]func(payment.Refund) entry{out}, []string{"settled_elsewhere refund"}, payment.Done},
		"it comes back":                      {[]func(payment.Refund) entry{out, in}, []string{"settled_elsewhere refund", "settled_elsewhere refund_returned"}, payment.Failed},
		"it comes back before it goes":       {[]func(payment.Refund) entry{in, out}, []string{"settled_elsewhere refund_returned", "settled_elsewhere refund"}, payment.Failed},
		"it goes twice":                      {[]func(payment.Refund) entry{out, out}, []string{"settled_elsewhere refund", "waiting refund_differs"}, payment.Done},
		"it comes back twice":                {[]func(payment.Refund) entry{out, in, in}, []string{"settled_elsewhere refund", "settled_elsewhere refund_returned", "waiting refund_differs"}, payment.Failed},
		"another amount goes":                {[]func(payment.Refund) entry{with(out, func(e *entry) { e.Amount-- })}, differs, payment.Requested},
		"less comes back":                    {[]func(payment.Refund) entry{out, with(in, func(e *entry) { e.Amount -= 10 })}, []string{"settled_elsewhere refund", "waiting refund_differs"}, payment.Done},
		"a reversal":                         {[]func(payment.Refund) entry{with(out, func(e *entry) { e.Reversal = true })}, differs, payment.Requested},
		"a return of ours, as money we paid": {[]func(payment.Refund) entry{with(out, func(e *entry) { e.Returned = true })}, differs, payment.Requested},
		"nobody's refund":                    {[]func(payment.Refund) entry{with(out, func(e *entry) { e.EndToEnd = e.EndToEnd[:len(e.EndToEnd)-2] + "zz" })}, []string{"ignored outgoing"}, payment.Requested},
		"none of ours":                       {[]func(payment.Refund) entry{with(out, func(e *entry) { e.EndToEnd = "OPIQ-9999999999-0123456789ab" })}, differs, payment.Requested},
		"a buyer who writes our name":        {[]func(payment.Refund) entry{with(in, func(e *entry) { e.Returned = false })}, []string{"waiting no_reference"}, payment.Requested},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := refunded(t)
			for i, e := range c.entries {
				shown := w.book(e(r))
				w.hand(shown)
				got := w.entries[reconciliation.IDOf(shown)]
				if is := fmt.Sprintf("%s %s", got.State, got.Reason); is != c.want[i] {
					t.Errorf("entry %d is %s, not %s", i+1, is, c.want[i])
				}
			}
			if got := w.orders[r.Order].Refunds[0].State; got != c.state {
				t.Errorf("the refund is %s, not %s", got, c.state)
			}
			for _, breach := range w.ledger().Check() {
				t.Error(breach)
			}
		})
	}
}

// refunded is a world with an order of which ten euros go back to its payer.
func refunded(t *testing.T) (*world, payment.Refund) {
	w, b, _ := small(t)
	w.hand(w.book(statement.Entry{Amount: price, Reference: []string{string(b.Order.Number.Reference())}, Other: statement.Party{Account: payers[0]}}))
	if err := w.ask(b.Order.Number, payment.Ask{Reason: payment.PriceReduction, Amount: new(money.Amount(1000)), Key: "k"}); err != nil {
		t.Fatal(err)
	}
	return w, b.Refunds[0]
}

// TestAPersonKnowsARefundWithoutItsName, and what they say is undone in any order.
func TestAPersonKnowsARefundWithoutItsName(t *testing.T) {
	for _, first := range []int{0, 1} {
		w, r := refunded(t)
		b := w.orders[r.Order]
		out := w.book(statement.Entry{Amount: r.Amount, Direction: statement.Debit})
		in := w.book(statement.Entry{Amount: r.Amount, Returned: true, Other: statement.Party{Account: r.IBAN}})
		ids := []reconciliation.ID{reconciliation.IDOf(out), reconciliation.IDOf(in)}
		allocate := reconciliation.Decision{Allocate: []reconciliation.Share{{Order: r.Order, Amount: r.Amount}}, Reason: "by the payer's letter"}
		undo := reconciliation.Decision{Undo: true, Reason: "by mistake"}
		w.hand(out)
		w.hand(in)
		for i, step := range []struct {
			id    reconciliation.ID
			d     reconciliation.Decision
			state payment.RefundState
		}{
			{ids[0], undo, payment.Requested}, {ids[0], allocate, payment.Done}, {ids[1], allocate, payment.Failed},
			{ids[first], undo, []payment.RefundState{payment.Failed, payment.Done}[first]}, {ids[1-first], undo, payment.Requested},
		} {
			if err := w.decide(step.id, step.d); err != nil || b.Refunds[0].State != step.state {
				t.Fatalf("step %d: the refund is %s, not %s (%v)", i, b.Refunds[0].State, step.state, err)
			}
			if got := w.entries[step.id].Reason; got != reconciliation.ByPerson {
				t.Errorf("step %d: decided by %s", i, got)
			}
			for _, breach := range w.ledger().Check() {
				t.Errorf("step %d: %s", i, breach)
			}
		}
	}
}

// TestABareEntryTurnsOutToBeARefund: the report of the day did not name it, the statement does.
func TestABareEntryTurnsOutToBeARefund(t *testing.T) {
	w, r := refunded(t)
	bare := w.book(statement.Entry{Amount: r.Amount, Direction: statement.Debit, Other: statement.Party{Account: r.IBAN}})
	w.hand(bare)
	full := bare
	full.EndToEnd = r.ID.EndToEnd()
	e, ok := w.entries[reconciliation.IDOf(bare)].Learn(reconciliation.Keep(full, "statement", "key:bank", w.now))
	if !ok || e.State != reconciliation.New {
		t.Fatalf("it learns: %t, and is %s", ok, e.State)
	}
	w.entries[e.ID] = e
	w.hand(full)
	if e = w.entries[e.ID]; e.Reason != reconciliation.GaveBack || w.orders[r.Order].Refunds[0].State != payment.Done {
		t.Errorf("it is %s by %s", e.State, e.Reason)
	}
	if _, ok := e.Learn(reconciliation.Keep(full, "statement", "key:bank", w.now)); ok {
		t.Error("it learns twice")
	}
	for _, breach := range w.ledger().Check() {
		t.Error(breach)
	}
}

// TestNoBankTakesACardPaymentBack, nor what came from another order.
func TestNoBankTakesACardPaymentBack(t *testing.T) {
	for _, m := range []order.Method{order.ByCard, order.ByOffset} {
		book := paid("1111111111", "", "")
		book.Payments = book.Payments[:1]
		book.Payments[0].Method = m
		if _, err := takeBack(wentTo(mari, 496), 496, book); !errors.Is(err, payment.ErrReturned) {
			t.Errorf("%s: %v", m, err)
		}
	}
}
