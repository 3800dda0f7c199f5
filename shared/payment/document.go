package payment

import (
	"cmp"
	"slices"
	"time"

	"opiq/shared/order"
)

// Document is the order as its buyer sees it, with all that was tried, what it bought and what goes back.
func (b Book) Document(now time.Time) order.Document {
	d := b.Order.Document()
	d.Situation = b.situation(d.Situation, now)
	if b.Order.Payable(now) != nil { // its time may be up, though nobody has ended it yet
		d.PayWith = []order.Method{}
	}
	for _, a := range b.Attempts {
		if led(a) {
			d.Attempts = append(d.Attempts, a.Document())
		}
	}
	for _, c := range b.Cases {
		d.RefundCases = append(d.RefundCases, order.RefundCase{Amount: c.Amount, Reason: string(c.Reason), State: string(c.State), OpenedAt: c.OpenedAt})
	}
	for _, r := range slices.SortedFunc(slices.Values(b.Refunds), earliest) {
		d.Refunds = append(d.Refunds, r.buyers())
	}
	if b.Invoice != nil {
		doc := b.Invoice.Document(cmp.Or(b.Order.Open(), b.Order.Price.Gross))
		d.Invoice = &doc
	}
	if l := b.License; l != nil {
		doc := l.Document(now)
		d.License, d.StartsOn, d.EndsOn, d.ValidThrough = &doc, l.StartsOn, l.EndsOn, l.ValidThrough()
	}
	return d
}

// patience is how long a buyer who was sent to pay may still be doing that, where nobody tells us that they walked away.
const patience = 30 * time.Minute

// led tells whether an attempt led anywhere: without a name at the card provider it did not answer, and nobody was sent there.
func led(a order.Attempt) bool { return a.Method != order.ByCard || a.Reference != "" }

// situation is the order's in the light of its attempts and of the money that goes back.
func (b Book) situation(s order.Situation, now time.Time) order.Situation {
	switch s {
	case order.IsPaid:
		for _, k := range b.Cases {
			if k.State == Open && (k.Reason == Duplicate || k.Reason == Overpaid) {
				return order.PaidTooMuch
			}
		}
	case order.ToPay, order.WaitsForBill, order.PaidInPart, order.OwedAgain:
		var last order.Attempt // of those that led somewhere
		for _, a := range b.Attempts {
			if a.Agreed() {
				return order.WaitsForBank
			}
			if led(a) && cmp.Or(a.StartedAt.Compare(last.StartedAt), a.EndedAt.Compare(last.EndedAt)) >= 0 {
				last = a
			}
		}
		switch {
		case last.State == order.Started && now.Sub(last.StartedAt) < patience:
			return order.WaitsForBank
		case (s == order.ToPay || s == order.WaitsForBill) && last.State == order.Failed:
			return order.TryAgain
		}
	}
	return s
}
