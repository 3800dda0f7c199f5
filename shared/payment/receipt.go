package payment

import (
	"cmp"
	"slices"

	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/order"
	"opiq/shared/problem"
)

// ErrUnpaid answers who wants a receipt for an order that is not paid, or no longer.
var ErrUnpaid = problem.New(problem.Conflict, "order_not_paid", "The order is not paid, so there is no receipt.")

// Receipt is the proof that the order was paid: made out as its invoice is or, where it has none, by a seller to the person who
// ordered. It has the payments that the order has taken, and what of them it has taken, also where a part of that was credited since:
// about this there is a credit invoice.
func (b Book) Receipt(who account.Account, by invoice.Seller) (invoice.Receipt, error) {
	o, l := b.Order, b.License
	if o.State != order.Paid || l == nil {
		return invoice.Receipt{}, ErrUnpaid
	}
	r := invoice.Receipt{
		Order: o.Number, Buyer: invoice.Buyer{Name: who.FirstName + " " + who.LastName}, Seller: by, Language: who.Language, Zone: o.Zone, Months: o.Months,
		StartsOn: l.StartsOn, ValidThrough: l.ValidThrough(), Price: o.Price, PaidOn: civil.DateOf(o.PaidAt, o.Zone),
	}
	if i := b.Invoice; i != nil {
		r.Invoice, r.Buyer, r.Seller, r.Language = i.Number, i.Buyer, i.Seller, i.Language
	}
	payments := slices.SortedFunc(slices.Values(b.Payments), func(p, q Payment) int {
		return cmp.Or(p.BookedAt.Compare(q.BookedAt), cmp.Compare(p.ID, q.ID))
	})
	for _, p := range payments {
		taken := p.Taken
		for _, back := range b.Refunds {
			if back.Payment == p.ID && back.Credit != "" {
				taken += back.Taken
			}
		}
		if taken > 0 {
			r.Payments = append(r.Payments, invoice.Paid{Method: p.Method, Bank: string(p.Bank), Number: p.Number, On: p.on(o.Zone), Amount: taken})
		}
	}
	return r, nil
}

// on is the day of the payment as the bank wrote it, or the day on which it was booked here.
func (p Payment) on(z civil.Zone) civil.Date {
	if d, err := civil.Parse(p.PaidAt[:min(10, len(p.PaidAt))]); err == nil {
		return d
	}
	return civil.DateOf(p.BookedAt, z)
}
