package payment

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"opiq/shared/account"
	"opiq/shared/everypay"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/money"
	"opiq/shared/order"
)

// story is an order, and what happens to it.
type story struct {
	*testing.T
	Book
	now     time.Time
	written map[letter.ID]letter.Letter
	asked   int // how often staff asked for money to go back
	number  int // the last one of the year's series
}

// begin is the story of an order of six months, which nobody has set out to pay.
func begin(t *testing.T) *story {
	return &story{T: t, Book: placed(today, 0), now: noon, written: map[letter.ID]letter.Letter{}}
}

// keep stores a change, and fails where it could not be stored.
func (s *story) keep(c Change) {
	s.Helper()
	for _, l := range c.Letters {
		if _, there := s.written[l.ID]; there {
			s.Fatalf("letter %s is written twice: its transaction would fail for ever", l.ID)
		}
		s.written[l.ID] = l
		if _, err := letter.Render(l, letter.Recipient{Name: "Mari Maasikas", Language: lang.Estonian}, letter.Site{PublicURL: "https://opiq.example"}, ""); err != nil {
			s.Errorf("letter %s cannot be sent: %v", l.ID, err)
		}
	}
	s.store(c)
}

// is wants the story to stand so.
func (s *story) is(want string) {
	s.Helper()
	if got := s.summary(); got != want {
		s.Errorf("it is\n\t%s, not\n\t%s", got, want)
	}
}

// wrote wants so many letters of a kind to have been written, and answers one of them.
func (s *story) wrote(k letter.Kind, times int) (last letter.Letter) {
	s.Helper()
	n := 0
	for _, l := range s.written {
		if l.Kind == k {
			n++
			last = l
		}
	}
	if n != times {
		s.Errorf("%d letters %s, not %d", n, k, times)
	}
	return last
}

// summary is the order in a line: its state and what is left to pay; of each payment what is taken, waits and went back.
func (b Book) summary() string {
	parts := []string{string(b.Order.State)}
	if open := b.Order.Open(); open != 0 {
		parts = append(parts, "open "+open.String())
	}
	if b.Order.Credited != 0 {
		parts = append(parts, "credited "+b.Order.Credited.String())
	}
	if b.License != nil && len(b.License.Holds) > 0 {
		parts = append(parts, "on hold")
	}
	for _, p := range b.Payments {
		line := fmt.Sprintf("%s: %s", p.Method, p.Taken)
		if !p.ReturnedAt.IsZero() {
			line = fmt.Sprintf("%s: returned", p.Method)
		}
		if k := b.caseOf(p); k.State != "" {
			line += fmt.Sprintf(", %s %s %s", k.State, k.Reason, k.Amount)
		}
		if p.Back != 0 {
			line += ", back " + p.Back.String()
		}
		parts = append(parts, line)
	}
	for _, r := range b.Refunds {
		parts = append(parts, fmt.Sprintf("%s %s %s", r.Way, r.State, r.Amount))
	}
	return strings.Join(parts, "; ")
}

// card sets out to pay what is left by card, and answers the attempt.
func (s *story) card(key string) order.Attempt {
	s.Helper()
	a, err := s.Order.Start(order.Way{Method: order.ByCard}, key, lang.Estonian, s.Attempts, s.now)
	if err != nil {
		s.Fatal(err)
	}
	a.Reference = everypay.Reference(fmt.Sprintf("%016x", len(s.Attempts)))
	s.keep(Change{Attempt: &a})
	return a
}

// answer is what the provider says about a payment, of which so much stands.
func answer(a order.Attempt, state everypay.State, standing money.Amount) everypay.Payment {
	p := everypay.Payment{Reference: a.Reference, Order: string(a.Stamp()), State: state, Method: "card", Amount: a.Amount, Standing: standing}
	if m := state.Meaning(); m == everypay.ChargedBack || m == everypay.Voided { // need not say how much
		p.Amount, p.Standing = 0, 0
	}
	return p
}

// hears makes what the provider says what it means, step by step, and answers whether it was news.
func (s *story) hears(p everypay.Payment, e everypay.Event) (news bool) {
	s.Helper()
	_, id, _ := order.ParseStamp(p.Order)
	for range 5 {
		c, more, err := Card(s.Book, id, p, e, s.now)
		if err != nil {
			s.Fatal(err)
		}
		if !more {
			return news
		}
		s.keep(c)
		news = true
	}
	s.Fatalf("%+v is always news", p)
	return news
}

// pays is a card payment of what is left.
func (s *story) pays(key string) order.Attempt {
	s.Helper()
	a := s.card(key)
	s.hears(answer(a, everypay.StateSettled, a.Amount), everypay.StatusUpdated)
	return a
}

// receives is a transfer on our account.
func (s *story) receives(id ID, amount money.Amount) {
	s.Helper()
	p := s.transfer(id, amount)
	p.BookedAt = s.now
	s.keep(s.Receive(p, s.now, s.now))
}

// does stores a step that has to be possible and new.
func (s *story) does(c Change, ok bool, err error) {
	s.Helper()
	if !ok || err != nil {
		s.Fatalf("new: %t, %v", ok, err)
	}
	s.keep(c)
}

// must is the same of a step that is always new.
func (s *story) must(c Change, err error) {
	s.Helper()
	s.does(c, true, err)
}

// back is staff giving money back, as it may be.
func (s *story) back(why Why, amount money.Amount) []Refund {
	s.Helper()
	refunds, err := s.asks(Ask{Reason: why, Amount: some(amount)}, nil)
	if err != nil {
		s.Fatal(err)
	}
	return refunds
}

// some is an amount to ask for; none of it is all that there is.
func some(amount money.Amount) *money.Amount {
	if amount == 0 {
		return nil
	}
	return &amount
}

// asks is staff asking for money to go back, perhaps to another order.
func (s *story) asks(a Ask, other *story) ([]Refund, error) {
	s.Helper()
	if a.Key == "" {
		s.asked++
		a.Key = fmt.Sprint(s.asked)
	}
	var book *Book
	if other != nil {
		book, a.Offset = &other.Book, other.Order.Number
	}
	number := invoice.NumberOf(2026, s.number+1)
	out, err := s.Refund(a, book, number, s.desk())
	if err != nil {
		return nil, err
	}
	if s.keep(out.Change); out.Change.Credit != nil {
		s.number++
	}
	if out.Other != nil {
		other.keep(*out.Other)
	}
	return out.Refunds, nil
}

func (s *story) desk() Desk {
	return Desk{
		Invoices: invoice.Desk{Accounts: []invoice.Account{{IBAN: lhv, BIC: "LHVBEE22", Bank: "LHV"}}, VATNumber: "EE100000000", Address: "Tartu"},
		Buyer:    account.Account{ID: "mari", FirstName: "Mari", LastName: "Maasikas", Language: lang.Estonian}, By: "account:liis", Now: s.now,
	}
}

// open tells whether the license opens the library.
func (s *story) open() bool {
	return s.License != nil && s.License.At(s.now) == license.State(license.Active)
}
