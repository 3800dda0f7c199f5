package people

import (
	"fmt"
	"testing"
	"time"

	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/everypay"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/reconciliation"
	"opiq/shared/statement"
	"opiq/shared/table"
)

// Desk is how the shop of the events invoices: due in a fortnight, reminded of three days before and after, and the order expires
// a fortnight after that.
var Desk = invoice.Desk{
	Accounts: []invoice.Account{
		{IBAN: "EE382200221020145685", BIC: "HABAEE2X", Bank: "Swedbank"}, {IBAN: "EE597700771234567897", BIC: "LHVBEE22", Bank: "LHV"},
	},
	VATNumber: "EE100000007", Address: "Näidise 1, 10001 Tallinn", DueDays: 14, RemindBefore: 3, RemindAfter: 3, ExpireAfter: 14,
}

// School is whom Mari has an invoice made out to, where it is not to herself.
var School = invoice.Buyer{Name: "Lepatriinu Kool", RegistryCode: "75012345", Address: "Pikk 1, 10123 Tallinn", Email: "arved@kool.example"}

// Invoice makes the invoice of Mari's order under a number, made out to a buyer or, where that is nil, to her.
func Invoice(t testing.TB, s *table.Table, n order.Number, buyer *invoice.Buyer) invoice.Invoice {
	t.Helper()
	o := Book(t, s, n).Order
	draft := Desk.Draft(o, Person(Mari, "Mari", "Maasikas", lang.Estonian), buyer, Noon)
	i, err := s.Issue(t.Context(), draft.IssuedOn.Year, func(n invoice.Number) (invoice.Issued, error) { return Desk.Issue(n, draft, o, Noon) })
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// Transfer is money for an order that a bank statement shows, under the bank's number of the booking. The ladder takes it, or Liis does
// where the ladder asks her.
func Transfer(t testing.TB, s *table.Table, n order.Number, amount money.Amount, number int, now time.Time) payment.ID {
	t.Helper()
	id := fmt.Sprintf("%032x", number)
	e := reconciliation.Keep(statement.Entry{
		ID: id, Booking: id, Part: 1, Parts: 1, Account: Desk.Accounts[0].IBAN, Amount: amount, Direction: statement.Credit, Booked: civil.DateOf(now, civil.Tallinn),
		Reference: []string{string(n.Reference())}, Other: statement.Party{Name: "MAASIKAS MARI", Account: "EE171010123456789017"}, BankRef: fmt.Sprint(number),
	}, "statement", "machine", now)
	if _, err := s.KeepEntries(t.Context(), []reconciliation.Entry{e}); err != nil {
		t.Fatal(err)
	}
	e.Revision = 1
	b := Book(t, s, n)
	out, ok := reconciliation.Decide(e, reconciliation.Known{Sure: []payment.Book{b}, Names: reconciliation.NamesOf(e.Bank)}, now)
	if out.Entry.State == reconciliation.Waiting {
		var err error
		d := reconciliation.Decision{Allocate: []reconciliation.Share{{Order: n, Amount: amount}}, Reason: "Mari maksab osade kaupa"}
		if out, err = d.Take(out.Entry, map[order.Number]payment.Book{n: b}, "account:"+string(Liis), now); err != nil {
			t.Fatal(err)
		}
	}
	if !ok || len(out.Changes) != 1 {
		t.Fatalf("the ladder makes %+v of it", out)
	}
	if err := s.Reconcile(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	return out.Changes[0].Payments[0].ID
}

// Charge is Mari setting out to pay an order by card: an attempt that the card provider knows, and has said nothing of yet.
func Charge(t testing.TB, s *table.Table, n order.Number) order.Attempt {
	t.Helper()
	b := Book(t, s, n)
	a, err := b.Order.Start(order.Way{Method: order.ByCard}, fmt.Sprint("card ", len(b.Attempts)), lang.Estonian, b.Attempts, Noon)
	if err != nil {
		t.Fatal(err)
	}
	a.Reference = everypay.Reference(fmt.Sprintf("%s%022d", n, len(b.Attempts)))
	if err := s.Charge(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	a.Revision = 1
	return a
}

// ByCard is the card provider saying that an attempt was paid.
func ByCard(t testing.TB, s *table.Table, a order.Attempt) payment.ID {
	t.Helper()
	said := everypay.Payment{
		Reference: a.Reference, Order: string(a.Stamp()), State: everypay.StateSettled, Method: "card", Amount: a.Amount, Standing: a.Amount, PaidAt: Noon,
	}
	c, ok, err := payment.Card(Book(t, s, a.Order), a.ID, said, "", Noon)
	if err == nil {
		err = s.Settle(t.Context(), c)
	}
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	return c.Payments[0].ID
}

// TakeBack is what the bank does when it takes the money of an order back: all payments that the order has taken.
func TakeBack(t testing.TB, s *table.Table, n order.Number, now time.Time) {
	t.Helper()
	for {
		b := Book(t, s, n)
		var left payment.ID
		for _, p := range b.Payments {
			if p.Taken > 0 {
				left = p.ID
			}
		}
		if left == "" {
			return
		}
		c, err := b.TakeBack(left, now)
		if err == nil {
			err = s.Settle(t.Context(), c)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// GiveBack is money of Mari's order that Liis gives back: all that the reason can mean, or an amount.
func GiveBack(t testing.TB, s *table.Table, n order.Number, ask payment.Ask, now time.Time) []payment.Refund {
	t.Helper()
	year := 0
	if ask.Credits() {
		year = civil.DateOf(now, civil.Tallinn).Year
	}
	desk := payment.Desk{Invoices: Desk, Buyer: Person(Mari, "Mari", "Maasikas", lang.Estonian), By: "account:" + string(Liis), Now: now}
	out, err := s.GiveBack(t.Context(), year, func(number invoice.Number) (payment.Refunding, account.Act, error) {
		b := Book(t, s, n)
		r, err := b.Refund(ask, nil, number, desk)
		if err != nil {
			return r, account.Act{}, err
		}
		return r, ask.Act(b, r, account.Actor{Account: Liis}, now), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Refunds
}

// Sent is the transfer of a refund as a bank statement shows it, under the bank's number of the booking; or, with a reason, that it came
// back.
func Sent(t testing.TB, s *table.Table, r payment.Refund, reason string, number int, now time.Time) {
	t.Helper()
	id := fmt.Sprintf("%032x", number)
	bank := statement.Entry{
		ID: id, Booking: id, Part: 1, Parts: 1, Account: Desk.Accounts[0].IBAN, Amount: r.Amount, Direction: statement.Debit, Booked: civil.DateOf(now, civil.Tallinn),
		EndToEnd: r.ID.EndToEnd(), Other: statement.Party{Name: r.Name, Account: r.IBAN}, BankRef: fmt.Sprint(number),
	}
	if reason != "" {
		bank.Direction, bank.Returned, bank.Reason = statement.Credit, true, reason
	}
	e := reconciliation.Keep(bank, "statement", "machine", now)
	if _, err := s.KeepEntries(t.Context(), []reconciliation.Entry{e}); err != nil {
		t.Fatal(err)
	}
	e.Revision = 1
	out, ok := reconciliation.Decide(e, reconciliation.Known{Sure: []payment.Book{Book(t, s, r.Order)}, Names: reconciliation.NamesOf(bank)}, now)
	if !ok || out.Entry.State != reconciliation.Settled {
		t.Fatalf("the ladder makes %+v of it", out)
	}
	if err := s.Reconcile(t.Context(), out); err != nil {
		t.Fatal(err)
	}
}

// Expire is time that passes until an order that nobody pays has expired.
func Expire(t testing.TB, s *table.Table, n order.Number, now time.Time) {
	t.Helper()
	c, ok := Book(t, s, n).Step(now)
	if !ok || c.Order.State != order.Expired {
		t.Fatalf("at %s the order has not expired", now)
	}
	if moved, err := s.Age(t.Context(), c); err != nil || !moved {
		t.Fatal(moved, err)
	}
}

// Book is all that stands about an order.
func Book(t testing.TB, s *table.Table, n order.Number) payment.Book {
	t.Helper()
	b, err := s.Book(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
