package order

import (
	"time"

	"opiq/shared/civil"
	"opiq/shared/letter"
)

// step is what time does to an order that is not paid, when, and the letter that says so.
type step struct {
	event  Event
	at     func(Order) time.Time // zero for never
	letter letter.Kind
}

// steps are in their order. An order goes to the last one whose time has come, and sends that one's letter only.
var steps = []step{
	{WasReminded, func(o Order) time.Time { return o.morning(o.bill().RemindOn) }, letter.PaymentReminder},
	{WasOverdue, func(o Order) time.Time { return o.morning(o.bill().OverdueOn) }, letter.PaymentOverdue},
	{WasExpired, Order.end, letter.OrderExpired},
}

// end is when the order expires: at the end of its price, or three days later where a part of it has come: the rest may be on its
// way, or on a statement that comes after a weekend, and what was paid in time counts (see package payment).
func (o Order) end() time.Time {
	if o.Received > 0 {
		return o.ExpiresAt().AddDate(0, 0, 3)
	}
	return o.ExpiresAt()
}

// bill is the order's, or one without dates.
func (o Order) bill() Bill {
	if o.Bill == nil {
		return Bill{}
	}
	return *o.Bill
}

// morning is nine o'clock of a day, when a letter is welcome.
func (o Order) morning(d civil.Date) time.Time {
	if d.IsZero() {
		return time.Time{}
	}
	return time.Date(d.Year, d.Month, d.Day, 9, 0, 0, 0, o.Zone.Location()).UTC()
}

// ahead are the steps that an order still has before it: those after the last that it took.
func (o Order) ahead() (rest []step) {
	if o.State != Placed {
		return nil
	}
	taken := 0
	for _, h := range o.History {
		for i, s := range steps {
			if h.Event == s.event {
				taken = max(taken, i+1)
			}
		}
	}
	for _, s := range steps[taken:] {
		if !s.at(o).IsZero() {
			rest = append(rest, s)
		}
	}
	return rest
}

// Next is when time next does something to the order.
func (o Order) Next() (at time.Time, ok bool) {
	rest := o.ahead()
	if len(rest) == 0 {
		return time.Time{}, false
	}
	return rest[0].at(o), true
}

// Step is the order after the last step whose time has come, and its letter; or not ok where none has. One that expires is without
// what it had taken.
func (o Order) Step(now time.Time) (_ Order, _ letter.Letter, ok bool) {
	var due *step
	for _, s := range o.ahead() {
		if !now.Before(s.at(o)) {
			due = &s
		}
	}
	if due == nil {
		return o, letter.Letter{}, false
	}
	tell := o.dun(due.letter, now)
	o, err := o.on(due.event, now, "time")
	if o.State == Expired {
		o.Received = 0
	}
	return o, tell, err == nil
}

// dun is a letter about an order that is not paid.
func (o Order) dun(k letter.Kind, now time.Time) letter.Letter {
	return letter.Letter{
		ID: letter.ID("order/" + string(o.Number) + "/" + string(k)), Kind: k, Account: string(o.Account), CreatedAt: now.UTC(),
		Facts: o.PayFacts(map[string]string{"startsOn": o.StartsOn.String(), "validThrough": o.EndsOn().AddDays(-1).String()}),
	}
}

// PayFacts adds to what a letter has to say how the order can be paid, and what is left of it to pay.
func (o Order) PayFacts(to map[string]string) map[string]string {
	b := o.bill()
	to["order"], to["open"], to["received"], to["gross"] = string(o.Number), o.Open().Cents(), o.Received.Cents(), o.Price.Gross.Cents()
	to["reference"], to["rf"] = string(o.Number.Reference()), o.Number.Reference().RF()
	to["invoice"], to["iban"], to["payTo"] = b.Invoice, b.Account, b.PayTo
	to["expiresAt"] = o.ExpiresAt().UTC().Format(time.RFC3339)
	if !b.DueOn.IsZero() {
		to["dueOn"] = b.DueOn.String()
	}
	return to
}
