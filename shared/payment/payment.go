// Package payment decides what money does: it pays its order once and grants the license, or becomes a refund case.
//
// Settle is a function of what the bank said and what the table holds about the order; whatever it decides is one Change that
// the table stores whole or not at all. Money is booked under its own identity, so the same notice twice is known; a
// second payment of an order is money to give back, never a second license, and never lost (R-067…R-069).
package payment

import (
	"fmt"
	"slices"
	"time"

	"opiq/shared/banklink"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/money"
	"opiq/shared/order"
)

// Message is what the queue of payments carries: what one provider said.
type Message struct {
	Banklink *banklink.Notice `json:"banklink,omitempty"`
}

// ID is a payment's own identity: provider, attempt and the provider's number of the transfer.
type ID string

// Payment is money that came. It never changes.
type Payment struct {
	ID        ID              `json:"id"`
	Order     order.Number    `json:"order"`
	Attempt   order.AttemptID `json:"attempt"`
	Method    order.Method    `json:"method"`
	Bank      banklink.Bank   `json:"bank"`
	Number    string          `json:"number"` // the bank's own number of the transfer
	Amount    money.Amount    `json:"amount"`
	Payer     string          `json:"payer"`     // the account that it came from: for a refund, and proof
	PayerName string          `json:"payerName"` // as the bank wrote it
	PaidAt    string          `json:"paidAt"`    // as the bank wrote it
	BookedAt  time.Time       `json:"bookedAt"`
}

// Reason is why money has to go back.
type Reason string

// The reasons.
const (
	Duplicate Reason = "duplicate" // the order was paid before
	Cancelled Reason = "cancelled" // the order was given up
)

// reasons are what happens to money that comes for an order in a state in which it takes none.
var reasons = map[order.State]Reason{order.Paid: Duplicate, order.Cancelled: Cancelled}

// Case is money that waits to be given back.
type Case struct {
	Payment  ID           `json:"payment"`
	Order    order.Number `json:"order"`
	Amount   money.Amount `json:"amount"`
	Reason   Reason       `json:"reason"`
	OpenedAt time.Time    `json:"openedAt"`
}

// Book is all that the table holds about an order.
type Book struct {
	Order    order.Order
	Attempts []order.Attempt
	Payments []Payment
	Cases    []Case
}

// Change is what a notice does, stored in one transaction: the attempt always, the payment unless there was none, and either
// order and license or the case.
type Change struct {
	Attempt order.Attempt
	Payment *Payment
	Order   *order.Order
	License *license.License
	Case    *Case
	Letters []letter.Letter
}

// Refusal is why a notice, though its bank signed it, is not what the attempt asked for. It is recorded; nothing changes.
type Refusal string

func (r Refusal) Error() string { return "payment: refused: " + string(r) }

// The refusals.
const (
	UnknownAttempt Refusal = "unknown_attempt"
	OtherBank      Refusal = "other_bank"
	WrongAmount    Refusal = "wrong_amount"
	WrongReference Refusal = "wrong_reference"
)

// Settle decides what a bank's notice does. Not ok is a notice that brings no news. A Refusal is one that does not fit.
func Settle(b Book, n banklink.Notice, now time.Time) (_ Change, ok bool, err error) {
	_, id, _ := order.ParseStamp(n.Stamp)
	i := slices.IndexFunc(b.Attempts, func(a order.Attempt) bool { return a.ID == id })
	if i < 0 {
		return Change{}, false, UnknownAttempt
	}
	a := b.Attempts[i]
	switch {
	case a.Bank != n.Bank:
		return Change{}, false, OtherBank
	case n.Reference != string(a.Order.Reference()) && (n.Service == banklink.Paid || n.Reference != ""):
		return Change{}, false, WrongReference
	case n.Service == banklink.Failed:
		a, ok = a.End(order.Failed, now)
		return Change{Attempt: a}, ok, nil
	}
	if amount, err := money.Parse(n.Amount); err != nil || amount != a.Amount {
		return Change{}, false, WrongAmount
	}
	p := Payment{
		ID: ID(fmt.Sprintf("banklink/%s/%s/%s", n.Bank, n.Stamp, n.Number)), Order: a.Order, Attempt: a.ID, Method: a.Method, Bank: a.Bank,
		Number: n.Number, Amount: a.Amount, Payer: n.Payer, PayerName: n.PayerName, PaidAt: n.At, BookedAt: now.UTC(),
	}
	if slices.ContainsFunc(b.Payments, func(q Payment) bool { return q.ID == p.ID }) {
		return Change{}, false, nil
	}
	a, _ = a.End(order.Succeeded, now)
	c := Change{Attempt: a, Payment: &p}
	paid, err := b.Order.Pay(came(n, now), string(p.ID))
	if err != nil {
		c.refund(b.Order, now)
		return c, true, nil
	}
	c.grant(paid, now)
	return c, true, nil
}

// came is when the money came: as the bank signed it, so that a notice that crosses midnight moves no start; now where the
// bank says nothing that can be, or so long ago that a buyer would lose days of a license that nobody could open.
func came(n banklink.Notice, now time.Time) time.Time {
	t, err := time.Parse(banklink.Layout, n.At)
	if err == nil && t.Before(now) && now.Sub(t) <= time.Hour {
		return t.UTC()
	}
	return now.UTC()
}

// grant gives the buyer what they paid for.
func (c *Change) grant(o order.Order, now time.Time) {
	l := license.Grant(string(o.Number), o.Account, o.Months, o.StartsOn, o.Zone, o.PaidAt)
	c.Letters = append(c.Letters, receipt(o, *c.Payment, l))
	if started, tell, ok := l.Step(now); ok {
		l = started
		c.Letters = append(c.Letters, tell)
	}
	c.Order, c.License = &o, &l
}

// refund opens the case of money that an order does not take.
func (c *Change) refund(o order.Order, now time.Time) {
	c.Case = &Case{Payment: c.Payment.ID, Order: o.Number, Amount: c.Payment.Amount, Reason: reasons[o.State], OpenedAt: now.UTC()}
	c.Letters = append(c.Letters, letter.Letter{
		ID: letter.ID("payment/" + string(c.Payment.ID) + "/refund_case"), Kind: letter.RefundCase, Account: string(o.Account), CreatedAt: now.UTC(),
		Facts: map[string]string{"order": string(o.Number), "amount": c.Payment.Amount.Cents(), "reason": string(c.Case.Reason)},
	})
}

// receipt is the letter that says that the money came and what it opened.
func receipt(o order.Order, p Payment, l license.License) letter.Letter {
	facts := o.Price.Facts(map[string]string{
		"order": string(o.Number), "months": fmt.Sprint(o.Months), "paidAt": o.PaidAt.Format(time.RFC3339), "method": string(p.Method), "bank": string(p.Bank),
		"paymentNumber": p.Number, "startsAt": l.StartsAt.Format(time.RFC3339), "endsAt": l.EndsAt.Format(time.RFC3339),
		"startsOn": l.StartsOn.String(), "validThrough": l.ValidThrough().String(), "zone": string(l.Zone),
	})
	return letter.Letter{ID: letter.ID("order/" + string(o.Number) + "/receipt"), Kind: letter.PaymentReceipt, Account: string(o.Account), CreatedAt: p.BookedAt, Facts: facts}
}

// Refused is a notice that was signed and did not fit: kept for a person to look at, because money may have moved.
type Refused struct {
	Reason Refusal         `json:"reason"`
	Notice banklink.Notice `json:"notice"`
	At     time.Time       `json:"at"`
}

// Refuse is the record of a notice that did not fit.
func Refuse(n banklink.Notice, why Refusal, now time.Time) Refused {
	return Refused{Reason: why, Notice: n, At: now.UTC()}
}

// Document is the order as its buyer sees it, with all that was tried, what it bought and what goes back.
func (b Book) Document(l *license.License, now time.Time) order.Document {
	d := b.Order.Document()
	for _, a := range b.Attempts {
		d.Attempts = append(d.Attempts, a.Document())
	}
	for _, c := range b.Cases {
		d.RefundCases = append(d.RefundCases, order.RefundCase{Amount: c.Amount, Reason: string(c.Reason), State: "open", OpenedAt: c.OpenedAt})
	}
	if l != nil {
		doc := l.Document(now)
		d.License, d.StartsOn, d.EndsOn, d.ValidThrough = &doc, l.StartsOn, l.EndsOn, l.ValidThrough()
	}
	return d
}
