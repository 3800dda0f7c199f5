package reconciliation_test

import (
	"slices"
	"testing"
	"time"

	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/reconciliation"
	"opiq/shared/statement"
)

// The small world of the ladder: six months cost 24.80, and two orders with invoices wait to be paid.
const price = 2480

func small(t *testing.T) (w *world, first, second *payment.Book) {
	w = newWorld(t)
	first, second = w.place(6, 0), w.place(6, 0)
	w.invoice(first)
	w.invoice(second)
	return w, first, second
}

// TestTheLadder is the table of what a credit comes to: which rung it ends on, what is allocated, and what goes back.
func TestTheLadder(t *testing.T) {
	w, one, two := small(t)
	a, b := string(one.Order.Number.Reference()), string(two.Order.Number.Reference())
	bill := string(one.Invoice.Number)
	type entry = statement.Entry
	for name, c := range map[string]struct {
		entry  statement.Entry
		before func(*world, *payment.Book)
		state  reconciliation.State
		reason reconciliation.Reason
		to     int // orders
		back   money.Amount
	}{
		"exact":                           {entry{Amount: price, Reference: []string{a}}, nil, reconciliation.Allocated, reconciliation.ByReference, 1, 0},
		"by the RF form":                  {entry{Amount: price, Reference: []string{one.Order.Number.Reference().RF()}}, nil, reconciliation.Allocated, reconciliation.ByReference, 1, 0},
		"with zeros before":               {entry{Amount: price, Reference: []string{"00000" + a}}, nil, reconciliation.Allocated, reconciliation.ByReference, 1, 0},
		"with spaces":                     {entry{Amount: price, Reference: []string{a[:2] + " " + a[2:5] + " " + a[5:]}}, nil, reconciliation.Allocated, reconciliation.ByReference, 1, 0},
		"short":                           {entry{Amount: 1000, Reference: []string{a}}, nil, reconciliation.Allocated, reconciliation.ByReference, 1, 0},
		"over":                            {entry{Amount: 3000, Reference: []string{a}}, nil, reconciliation.Remainder, reconciliation.ByReference, 1, 520},
		"the reference in the text":       {entry{Amount: price, Text: "viitenumber " + a}, nil, reconciliation.Allocated, reconciliation.ByText, 1, 0},
		"the order in the text":           {entry{Amount: price, Text: "tellimus " + string(one.Order.Number) + "."}, nil, reconciliation.Allocated, reconciliation.ByText, 1, 0},
		"the invoice in the text":         {entry{Amount: price, Text: "Arve nr " + bill}, nil, reconciliation.Allocated, reconciliation.ByText, 1, 0},
		"the text, and another amount":    {entry{Amount: price - 1, Text: "viitenumber " + a}, nil, reconciliation.Waiting, reconciliation.AmountDiffers, 0, 0},
		"one bad digit":                   {entry{Amount: price, Reference: []string{a[:10] + string('0'+(a[10]-'0'+1)%10)}}, nil, reconciliation.Waiting, reconciliation.NoReference, 0, 0},
		"somebody else's reference":       {entry{Amount: price, Reference: []string{"13"}}, nil, reconciliation.Waiting, reconciliation.UnknownReference, 0, 0},
		"somebody else's, and our order":  {entry{Amount: price, Reference: []string{"13"}, Text: a}, nil, reconciliation.Allocated, reconciliation.ByText, 1, 0},
		"nothing":                         {entry{Amount: price, Text: "aitäh!"}, nil, reconciliation.Waiting, reconciliation.NoReference, 0, 0},
		"two orders that fit":             {entry{Amount: 2 * price, Reference: []string{a, b}}, nil, reconciliation.Allocated, reconciliation.ByNumbers, 2, 0},
		"two orders in the text that fit": {entry{Amount: 2 * price, Text: a + " ja " + b}, nil, reconciliation.Allocated, reconciliation.ByNumbers, 2, 0},
		"one reference, and the text fits": {
			entry{Amount: 2 * price, Reference: []string{a}, Text: b}, nil, reconciliation.Allocated, reconciliation.ByNumbers, 2, 0,
		},
		"two orders that do not fit": {entry{Amount: 2*price - 1, Reference: []string{a, b}}, nil, reconciliation.Waiting, reconciliation.SeveralOrders, 0, 0},
		"paid before": {entry{Amount: price, Reference: []string{a}}, func(w *world, b *payment.Book) {
			w.hand(w.book(entry{Amount: price, Reference: []string{a}}))
		}, reconciliation.Remainder, reconciliation.ByReference, 1, price},
		"cancelled": {entry{Amount: price, Reference: []string{a}}, func(w *world, b *payment.Book) {
			c, _, _ := b.Cancel(w.now)
			w.store(b.Order.Number, c)
		}, reconciliation.Remainder, reconciliation.ByReference, 1, price},
		"expired, at the same price": {entry{Amount: price, Reference: []string{a}}, expire, reconciliation.Allocated, reconciliation.ByReference, 1, 0},
		"expired, and a part":        {entry{Amount: price - 1000, Reference: []string{a}}, expire, reconciliation.Remainder, reconciliation.ByReference, 1, price - 1000},
		"told by the bank link": {entry{Amount: price, Reference: []string{a}, Other: statement.Party{Account: payers[0]}}, func(w *world, b *payment.Book) {
			w.link(b, "1", payers[0])
			w.tell(w.paid[0])
		}, reconciliation.Settled, reconciliation.ByBankLink, 1, 0},
		"somebody else's, after the bank link": {entry{Amount: price, Reference: []string{a}, Other: statement.Party{Account: payers[1]}}, func(w *world, b *payment.Book) {
			w.link(b, "1", payers[0])
			w.tell(w.paid[0])
		}, reconciliation.Waiting, reconciliation.UnlikeBankLink, 0, 0},
		"an old reference, and the text and the amount of another order": {
			entry{Amount: price, Reference: []string{a}, Text: b}, func(w *world, b *payment.Book) {
				w.hand(w.book(entry{Amount: price, Reference: []string{a}}))
			}, reconciliation.Waiting, reconciliation.SeveralOrders, 0, 0,
		},
		"card payments together":    {entry{Amount: 99999, Other: statement.Party{Registry: "12280690"}}, nil, reconciliation.Settled, reconciliation.Payout, 0, 0},
		"dollars":                   {entry{Original: statement.Original{Amount: "24.80", Currency: "USD"}, Reference: []string{a}}, nil, reconciliation.Waiting, reconciliation.ForeignCurrency, 0, 0},
		"several payments in a sum": {entry{Amount: price, Lump: true}, nil, reconciliation.Waiting, reconciliation.SeveralPayments, 0, 0},
		"a reversal that is credit": {entry{Amount: price, Reversal: true, Reference: []string{a}}, nil, reconciliation.Waiting, reconciliation.Reversal, 0, 0},
		"a fee":                     {entry{Amount: 38, Direction: statement.Debit, Code: statement.Code{SubFamily: "CHRG"}}, nil, reconciliation.Ignored, reconciliation.Fee, 0, 0},
		"rent":                      {entry{Amount: 38, Direction: statement.Debit}, nil, reconciliation.Ignored, reconciliation.Outgoing, 0, 0},
		"a return of nothing":       {entry{Amount: price, Direction: statement.Debit, Returned: true, Reference: []string{a}}, nil, reconciliation.Waiting, reconciliation.UnknownReturn, 0, 0},
		"a return": {entry{Amount: price, Direction: statement.Debit, Returned: true, Reference: []string{a}}, func(w *world, b *payment.Book) {
			w.hand(w.book(entry{Amount: price, Reference: []string{a}}))
		}, reconciliation.Allocated, reconciliation.TookBack, 1, 0},
		"a return of one of two": {entry{Amount: price, Direction: statement.Debit, Returned: true, Reference: []string{a}}, func(w *world, b *payment.Book) {
			w.hand(w.book(entry{Amount: price, Reference: []string{a}}))
			w.hand(w.book(entry{Amount: price, Reference: []string{a}}))
		}, reconciliation.Waiting, reconciliation.UnknownReturn, 0, 0},
		"a return without a reference": {
			entry{Amount: price, Direction: statement.Debit, Reversal: true, Other: statement.Party{Account: payers[0]}}, func(w *world, b *payment.Book) {
				w.hand(w.book(entry{Amount: price, Reference: []string{a}, Other: statement.Party{Account: payers[0]}}))
			}, reconciliation.Allocated, reconciliation.TookBack, 1, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, one, _ = small(t)
			if c.before != nil {
				c.before(w, one)
			}
			e := w.book(c.entry)
			w.hand(e)
			got := w.entries[reconciliation.IDOf(e)]
			if got.State != c.state || got.Reason != c.reason || len(got.Allocations) != c.to || got.Remainder != c.back {
				t.Errorf("%s by %s, to %v, %s goes back", got.State, got.Reason, got.Allocations, got.Remainder)
			}
			for _, breach := range w.ledger().Check() {
				t.Error(breach)
			}
			w.hand(e)
			if again := w.entries[got.ID]; again.Revision != got.Revision {
				t.Error("handed in again, it moved")
			}
		})
	}
}

func expire(w *world, b *payment.Book) {
	w.now = w.now.Add(40 * 24 * time.Hour)
	c, _ := b.Step(w.now)
	w.store(b.Order.Number, c)
}

// The same money, told of by a bank link and shown by a statement, is one payment, whoever finds out and however it is undone.
func TestABankLinkAndItsEntryAreOneMoney(t *testing.T) {
	type entry = statement.Entry
	for name, play := range map[string]func(w *world, b *payment.Book, reference []string) reconciliation.ID{
		"a person finds the entry that names nothing": func(w *world, b *payment.Book, _ []string) reconciliation.ID {
			w.tell(w.paid[0])
			e := w.book(entry{Amount: price})
			w.hand(e)
			return reconciliation.IDOf(e)
		},
		"the bank writes the payer otherwise, and a person knows": func(w *world, b *payment.Book, reference []string) reconciliation.ID {
			w.tell(w.paid[0])
			e := w.book(entry{Amount: price, Reference: reference, Other: statement.Party{Account: "171010123456789017"}})
			w.hand(e)
			return reconciliation.IDOf(e)
		},
		"settled, undone, and allocated": func(w *world, b *payment.Book, reference []string) reconciliation.ID {
			w.tell(w.paid[0])
			e := w.book(entry{Amount: price, Reference: reference, Other: statement.Party{Account: payers[0]}})
			w.hand(e)
			w.decide(reconciliation.IDOf(e), reconciliation.Decision{Undo: true, Reason: "by mistake"})
			return reconciliation.IDOf(e)
		},
		"shown, told, undone, and allocated": func(w *world, b *payment.Book, reference []string) reconciliation.ID {
			e := w.book(entry{Amount: price, Reference: reference, Other: statement.Party{Account: payers[0]}})
			w.hand(e)
			w.tell(w.paid[0])
			w.decide(reconciliation.IDOf(e), reconciliation.Decision{Undo: true, Reason: "by mistake"})
			if b.Order.State != order.Paid {
				t.Error("what a bank link told of went with an entry")
			}
			w.tell(w.paid[0])
			return reconciliation.IDOf(e)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, one, _ := small(t)
			w.link(one, "1", payers[0])
			id := play(w, one, []string{string(one.Order.Number.Reference())})
			err := w.decide(id, reconciliation.Decision{Allocate: []reconciliation.Share{{Order: one.Order.Number, Amount: price}}, Reason: "it is hers"})
			if err != nil {
				t.Fatal(err)
			}
			if w.entries[id].State != reconciliation.Settled || len(one.Payments) != 1 || len(one.Cases) != 0 || one.Order.State != order.Paid {
				t.Errorf("the entry is %s; %d payments, %d cases, the order is %s", w.entries[id].State, len(one.Payments), len(one.Cases), one.Order.State)
			}
			for _, breach := range w.ledger().Check() {
				t.Error(breach)
			}
		})
	}
}

func TestANoticeThatComesAfterTheMoneyWentBackPaysNothing(t *testing.T) {
	w, one, _ := small(t)
	reference := []string{string(one.Order.Number.Reference())}
	w.link(one, "1", payers[0])
	w.hand(w.book(statement.Entry{Amount: price, Reference: reference, Other: statement.Party{Account: payers[0]}}))
	w.hand(w.book(statement.Entry{Amount: price, Direction: statement.Debit, Returned: true, Reference: reference, Other: statement.Party{Account: payers[0]}}))
	if w.tell(w.paid[0]); one.Order.State != order.Reopened || len(one.Payments) != 1 {
		t.Errorf("the order is %s with %d payments", one.Order.State, len(one.Payments))
	}
}

func TestAReversalThatIsWrittenAsACreditIsTakenBackByAPerson(t *testing.T) {
	w, one, _ := small(t)
	w.hand(w.book(statement.Entry{Amount: price, Reference: []string{string(one.Order.Number.Reference())}}))
	e := w.book(statement.Entry{Amount: price, Reversal: true})
	w.hand(e)
	id := reconciliation.IDOf(e)
	if err := w.decide(id, reconciliation.Decision{Refund: true, Reason: "away"}); err != reconciliation.ErrDebit {
		t.Error("money that left goes back once more:", err)
	}
	share := []reconciliation.Share{{Order: one.Order.Number, Amount: price}}
	if err := w.decide(id, reconciliation.Decision{Allocate: share, Reason: "the bank said so"}); err != nil || one.Order.State != order.Reopened {
		t.Errorf("the order is %s (%v)", one.Order.State, err)
	}
	if err := w.decide(id, reconciliation.Decision{Undo: true, Reason: "no"}); err != nil || one.Order.State != order.Paid {
		t.Errorf("the order is %s (%v)", one.Order.State, err)
	}
	for _, breach := range w.ledger().Check() {
		t.Error(breach)
	}
}

func TestWhoPaysCentByCentIsAsked(t *testing.T) {
	w, one, _ := small(t)
	reference := []string{string(one.Order.Number.Reference())}
	for range order.MaxParts + 5 {
		w.hand(w.book(statement.Entry{Amount: 1, Reference: reference}))
	}
	if one.Order.Received != order.MaxParts {
		t.Errorf("%s received in parts of a cent", one.Order.Received)
	}
	w.hand(w.book(statement.Entry{Amount: price - order.MaxParts, Reference: reference}))
	if one.Order.State != order.Paid {
		t.Errorf("the last part left the order %s", one.Order.State)
	}
}

func TestTheLadderNeverTouchesWhatAPersonDecided(t *testing.T) {
	w, one, _ := small(t)
	e := w.book(statement.Entry{Amount: price, Reference: []string{string(one.Order.Number.Reference())}})
	w.hand(e)
	id := reconciliation.IDOf(e)
	if err := w.decide(id, reconciliation.Decision{Undo: true, Reason: "another school's"}); err != nil {
		t.Fatal(err)
	}
	if w.hand(e); w.entries[id].State != reconciliation.Waiting || one.Order.State != order.Reopened {
		t.Errorf("the entry is %s, its order %s", w.entries[id].State, one.Order.State)
	}
}

func TestWhatAPersonMayMakeOfAnEntryIsSaidWithItsReasons(t *testing.T) {
	w, one, two := small(t)
	reference := string(one.Order.Number.Reference())
	slip := reference[:4] + string(reference[5]) + string(reference[4]) + reference[6:]
	e := w.book(statement.Entry{Amount: price, Text: "viitenumber " + slip, Other: statement.Party{Name: "MAASIKAS, MARI"}})
	w.hand(e)
	got := w.entries[reconciliation.IDOf(e)].Suggestions
	if len(got) != 2 || got[0].Allocate[0].Order != one.Order.Number || got[0].Score <= got[1].Score || !slices.Equal(got[0].Reasons, []string{"amount", "name", "nearly_reference"}) {
		t.Errorf("%+v", got)
	}
	e = w.book(statement.Entry{Amount: price + 100, Reference: []string{reference, string(two.Order.Number.Reference())}})
	w.hand(e)
	got = w.entries[reconciliation.IDOf(e)].Suggestions
	if !slices.ContainsFunc(got, func(s reconciliation.Suggestion) bool { return len(s.Allocate) == 2 && s.Allocate[1].Amount == 100 }) {
		t.Errorf("no split is suggested: %+v", got)
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"", "viitenumber 2600 0123 454", "RF85202600017", "Arve nr 2026-000123", "/RFB/26000123454/TXT/aitäh", "12345678901234567890123456789012345"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := reconciliation.NamesOf(statement.Entry{Text: s, Reference: []string{s}})
		for _, o := range append(n.Sure, n.Text...) {
			if _, ok := order.ParseNumber(string(o)); !ok {
				t.Errorf("%q names %q", s, o)
			}
		}
	})
}
