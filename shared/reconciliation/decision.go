package reconciliation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/problem"
)

// Why a decision is not taken.
var (
	ErrEnded   = problem.New(problem.Conflict, "entry_decided", "The entry is decided. Undo that first.")
	ErrNothing = problem.New(problem.Conflict, "nothing_to_undo", "Nothing was decided about this entry.")
	ErrAmount  = problem.New(problem.Conflict, "amount_unknown", "It is not plain how much money this entry is: it can only be ignored.")
	ErrDebit   = problem.New(problem.Conflict, "not_a_credit", "This is money that went from us: all of it can be the return of payments, one of each order, or it can be ignored.")
)

// Share is how much of an entry a person means for an order.
type Share struct {
	Order  order.Number `json:"order"`
	Amount money.Amount `json:"amount"`
}

// Decision is what a person makes of an entry: one of the four, and why.
type Decision struct {
	Allocate []Share `json:"allocate"` // what is left over goes back
	Ignore   bool    `json:"ignore"`   // it is no money of an order
	Refund   bool    `json:"refund"`   // all of it goes back
	Undo     bool    `json:"undo"`     // the decision before, a person's or the ladder's; the entry waits again
	Reason   string  `json:"reason"`
}

// Check names every wrong field.
func (d *Decision) Check() (wrong []problem.Field) {
	chosen := 0
	for _, is := range []bool{len(d.Allocate) > 0, d.Ignore, d.Refund, d.Undo} {
		if is {
			chosen++
		}
	}
	if chosen != 1 {
		wrong = append(wrong, problem.Field{Pointer: "", Code: "one_of", Detail: "Choose one of allocate, ignore, refund and undo."})
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(d.Reason)); n == 0 || n > 500 {
		wrong = append(wrong, problem.Field{Pointer: "/reason", Code: "length", Detail: "Say why, in 1 to 500 characters."})
	}
	if len(d.Allocate) > maxNames {
		wrong = append(wrong, problem.Field{Pointer: "/allocate", Code: "too_many", Detail: fmt.Sprintf("One payment is for %d orders at most.", maxNames)})
	}
	for i, s := range d.Allocate {
		at := fmt.Sprintf("/allocate/%d/", i)
		if _, ok := order.ParseNumber(string(s.Order)); !ok {
			wrong = append(wrong, problem.Field{Pointer: at + "order", Code: "unknown_order", Detail: "This is no number of an order."})
		}
		if slices.ContainsFunc(d.Allocate[:i], func(b Share) bool { return b.Order == s.Order }) {
			wrong = append(wrong, problem.Field{Pointer: at + "order", Code: "repeated", Detail: "Each order once."})
		}
		if s.Amount <= 0 {
			wrong = append(wrong, problem.Field{Pointer: at + "amount", Code: "not_positive", Detail: "An amount is a cent at least."})
		}
	}
	return wrong
}

// Needs are the orders whose books the decision has to be taken with.
func (d Decision) Needs(e Entry) (all []order.Number) {
	for _, s := range d.Allocate {
		all = append(all, s.Order)
	}
	if d.Undo {
		for _, a := range e.Allocations {
			all = append(all, a.Order)
		}
	}
	return all
}

// Take is the entry after a person decided, and what that does to orders. Books are those that the decision needs, in that
// order; one that there is none of is a wrong field.
func (d Decision) Take(e Entry, books map[order.Number]payment.Book, by string, now time.Time) (Outcome, error) {
	d.Reason = strings.TrimSpace(d.Reason)
	if d.Undo {
		return e.undo(books, by, d.Reason, now)
	}
	if e.State != New && e.State != Waiting {
		return Outcome{}, ErrEnded
	}
	e.Decided = true
	switch {
	case d.Ignore:
		e.Suggestions = nil
		return Outcome{Entry: e.on(Ignored, ByPerson, by, "ignored", d.Reason, now)}, nil
	case e.Bank.Amount == 0:
		return Outcome{}, ErrAmount
	case d.Refund && e.Outward():
		return Outcome{}, ErrDebit
	case d.Refund:
		return e.allocate(nil, ByPerson, by, "refunded", d.Reason, now), nil
	}
	var parts []part
	var wrong []problem.Field
	left := e.Bank.Amount
	for i, s := range d.Allocate {
		b, ok := books[s.Order]
		if !ok {
			wrong = append(wrong, problem.Field{Pointer: fmt.Sprintf("/allocate/%d/order", i), Code: "unknown_order", Detail: "There is no such order."})
		}
		if left -= s.Amount; left < 0 {
			wrong = append(wrong, problem.Field{Pointer: fmt.Sprintf("/allocate/%d/amount", i), Code: "too_much", Detail: "The entry is not so much money."})
		}
		parts = append(parts, part{b, s.Amount})
	}
	if err := problem.Wrong(wrong); err != nil {
		return Outcome{}, err
	}
	if b := parts[0].book; len(parts) == 1 && left == 0 {
		for _, r := range b.Refunds { // of ours, which this entry shows
			if agree(r.IBAN, e.Bank.Other.Account) {
				if o, ok := e.refunded(b, r, by, "allocated", d.Reason, now); ok {
					return o, nil
				}
			}
		}
		for _, p := range b.Payments { // of a bank link, which this entry shows: no new money
			if !e.Outward() && e.unshown(p) {
				return e.settle(p, ByPerson, by, "allocated", d.Reason, now), nil
			}
		}
	}
	if !e.Outward() {
		return e.allocate(parts, ByPerson, by, "allocated", d.Reason, now), nil
	}
	if left > 0 {
		return Outcome{}, ErrDebit
	}
	return e.takeBack(parts, by, d.Reason, now)
}

// takeBack is money that went from us, and that a person knows as the return of payments, one of each order.
func (e Entry) takeBack(parts []part, by, words string, now time.Time) (o Outcome, err error) {
	e.Allocations, e.Suggestions = nil, nil
	for _, p := range parts {
		id := e.returned(p)
		c, err := p.book.TakeBack(id, now)
		if err != nil {
			return Outcome{}, err
		}
		e.Allocations = append(e.Allocations, Allocation{p.book.Order.Number, id, p.amount, ""})
		o.Changes = append(o.Changes, c)
	}
	o.Entry = e.on(Allocated, ByPerson, by, "allocated", words, now)
	return o, nil
}

// returned is the payment of so much that went back to this account: one from there before any other, and then one that waits
// to be given back before one that its order needs. "" is none.
func (e Entry) returned(p part) payment.ID {
	rank := func(q payment.Payment) (unlikely int) {
		if !agree(q.Payer, e.Bank.Other.Account) {
			unlikely += 2
		}
		if q.Taken > 0 {
			unlikely++
		}
		return unlikely
	}
	all := slices.DeleteFunc(slices.Clone(p.book.Payments), func(q payment.Payment) bool {
		return !q.ReturnedAt.IsZero() || q.Amount != p.amount || q.Method == order.ByOffset || q.Method == order.ByCard // no bank takes these
	})
	if len(all) == 0 {
		return ""
	}
	return slices.MinFunc(all, func(a, b payment.Payment) int { return cmp.Compare(rank(a), rank(b)) }).ID
}

// undo takes back what was decided before, by a person or by the ladder. The entry waits again, for a person.
func (e Entry) undo(books map[order.Number]payment.Book, by, words string, now time.Time) (o Outcome, err error) {
	if e.State == New || e.State == Waiting {
		return Outcome{}, ErrNothing
	}
	for _, a := range e.Allocations {
		c, err := e.contrary(books[a.Order], a, now)
		if err != nil {
			return Outcome{}, err
		}
		o.Changes = append(o.Changes, c)
	}
	e.Allocations, e.Remainder, e.Refund, e.Decided = nil, 0, 0, true
	o.Entry = e.on(Waiting, ByPerson, by, "undone", words, now)
	return o, nil
}

// contrary is what undoes an allocation.
func (e Entry) contrary(b payment.Book, a Allocation, now time.Time) (payment.Change, error) {
	id := a.Payment
	switch {
	case a.Refund != "" && e.Outward():
		return b.Unfinish(a.Refund, now)
	case a.Refund != "":
		return b.Unfail(a.Refund, now)
	case e.Outward():
		return b.PutBack(id, now)
	case e.State == Settled || b.Told(id):
		return b.Hide(id)
	}
	return b.Correct(id, now)
}
