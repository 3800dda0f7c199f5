package main

import (
	"slices"
	"testing"
	"time"

	"opiq/local/people"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
)

// story is an order on its way, and the letters that came of it.
type story struct {
	t       *testing.T
	book    payment.Book
	letters []letter.Letter
}

// begin is an order of one month from 1 December, with an invoice that a bookkeeper gets too.
func begin(t *testing.T) *story {
	wish := order.Wish{Months: 1, StartsOn: civil.Date{Year: 2026, Month: 12, Day: 1}, OrderTerms: "2017-07-01", ImmediateSupply: true}
	mari := people.Person(people.Mari, "Mari", "Maasikas", lang.Estonian)
	o, err := order.Place(mari, catalog.Shelf{}, wish, "story", people.Noon)
	if err != nil {
		t.Fatal(err)
	}
	o.Number = people.Waiting
	d := desk
	d.RemindBefore, d.RemindAfter = 3, 3
	draft := d.Draft(o, mari, &invoice.Buyer{Name: "Kuuse Põhikool", Email: "books@example.ee"}, people.Noon)
	issued, err := d.Issue("2026-000001", draft, o, people.Noon)
	if err != nil {
		t.Fatal(err)
	}
	return &story{t, payment.Book{Order: issued.Order}, append(issued.Letters, o.Confirmation())}
}

// pay is money that a statement shows, some days after noon.
func (s *story) pay(id payment.ID, amount money.Amount, days int) {
	at := people.Noon.AddDate(0, 0, days)
	p := payment.Payment{ID: id, Order: s.book.Order.Number, Buyer: people.Mari, Method: order.ByInvoice, Amount: amount, Payer: "EE171010123456789017", BookedAt: at}
	s.apply(s.book.Receive(p, at, at))
}

func (s *story) takeBack(id payment.ID) {
	c, err := s.book.TakeBack(id, people.Noon.AddDate(0, 0, 3))
	if err != nil {
		s.t.Fatal(err)
	}
	s.apply(c)
}

// giveBack is money that staff give back, the last of it in the given state.
func (s *story) giveBack(why payment.Why, amount money.Amount, ends payment.RefundState) {
	at := people.Noon.AddDate(0, 0, 40)
	d := payment.Desk{Invoices: desk, Buyer: people.Person(people.Mari, "Mari", "Maasikas", lang.Estonian), By: "account:" + string(people.Liis), Now: at}
	out, err := s.book.Refund(payment.Ask{Reason: why, Amount: &amount, Key: string(why)}, nil, "2026-000002", d)
	if err != nil {
		s.t.Fatal(why, err)
	}
	s.apply(out.Change)
	if ends == payment.Requested {
		return
	}
	r := out.Refunds[len(out.Refunds)-1]
	c, ok, err := map[payment.RefundState]func(payment.RefundID, string, time.Time) (payment.Change, bool, error){
		payment.Done: s.book.Finish, payment.Failed: s.book.Fail,
	}[ends](r.ID, "entry", at)
	if err != nil || !ok {
		s.t.Fatal(why, ok, err)
	}
	s.apply(c)
}

// wait lets time do what it does to the order.
func (s *story) wait() {
	at, ok := s.book.Order.Next()
	c, did := s.book.Step(at)
	if !ok || !did {
		s.t.Fatal("nothing is due")
	}
	s.apply(c)
}

func (s *story) apply(c payment.Change) {
	if c.Order != nil {
		s.book.Order = *c.Order
	}
	if c.License != nil {
		s.book.License = c.License
	}
	s.book.Payments = put(s.book.Payments, c.Payments, func(p payment.Payment) payment.ID { return p.ID })
	s.book.Cases = put(s.book.Cases, c.Cases, func(k payment.Case) payment.ID { return k.Payment })
	s.book.Refunds = put(s.book.Refunds, c.Refunds, func(r payment.Refund) payment.RefundID { return r.ID })
	s.letters = append(s.letters, c.Letters...)
}

// put is a list with things that are new, or as they are now.
func put[T any, ID comparable](all, now []T, id func(T) ID) []T {
	for _, x := range now {
		all = append(slices.DeleteFunc(all, func(y T) bool { return id(x) == id(y) }), x)
	}
	return all
}

// TestWhatTheTradeWritesCanBeSaid: each letter about money has the facts that its texts need, in all languages.
func TestWhatTheTradeWritesCanBeSaid(t *testing.T) {
	unpaid := begin(t)
	price := unpaid.book.Order.Price.Gross
	unpaid.wait()
	unpaid.pay("part", 1, 5)
	unpaid.wait()
	unpaid.wait()
	unpaid.pay("too late, and too little", 1, 60)

	paid := begin(t)
	paid.pay("too much", price+1, 20) // the chosen start has passed
	paid.takeBack("too much")
	paid.pay("again", price, 30)
	paid.pay("twice", price, 30)
	paid.giveBack(payment.Surplus, 1, payment.Failed)
	paid.takeBack("twice")

	back := begin(t)
	back.pay("all", price, 5)
	back.giveBack(payment.PriceReduction, 1, payment.Done)
	back.giveBack(payment.Agreed, 1_00, payment.Requested) // its license becomes shorter
	back.giveBack(payment.Breach, price-1_01, payment.Requested)

	gone := begin(t)
	gone.pay("all", price, 5)
	gone.takeBack("all")
	gone.giveBack(payment.NotPaid, 0, payment.Requested)

	missing := map[letter.Kind]bool{}
	for _, k := range letter.Kinds() {
		missing[k] = true
	}
	for _, l := range slices.Concat(unpaid.letters, paid.letters, back.letters, gone.letters) {
		delete(missing, l.Kind)
		for _, language := range lang.All {
			if _, err := letter.Render(l, letter.Recipient{Name: "Mari Maasikas", Language: language}, site, ""); err != nil {
				t.Errorf("%s in %s: %v", l.Kind, language, err)
			}
		}
	}
	for _, k := range []letter.Kind{
		letter.OrderConfirmation, letter.Invoice, letter.InvoiceCopy, letter.PaymentReminder, letter.PaymentOverdue, letter.OrderExpired,
		letter.PaymentPartial, letter.PaymentTakenBack, letter.PaymentReceipt, letter.LicenseRestored, letter.RefundCase,
		letter.Refund, letter.RefundDone, letter.RefundFailed, letter.RefundCaseVoid, letter.OrderAnnulled,
	} {
		if missing[k] {
			t.Errorf("nobody wrote %s", k)
		}
	}
}
