package payment

import (
	"fmt"
	"slices"
	"time"

	"opiq/shared/banklink"
	"opiq/shared/civil"
	"opiq/shared/everypay"
	"opiq/shared/letter"
	"opiq/shared/money"
	"opiq/shared/order"
)

// CardMessage is what the queue "cards" carries: ask the card provider about a payment, or give money back there.
type CardMessage struct {
	Reference everypay.Reference `json:"reference,omitempty"`
	Event     everypay.Event     `json:"event,omitempty"` // what the provider said has happened
	At        time.Time          `json:"at,omitzero"`     // when it said so
	Refund    RefundID           `json:"refund,omitempty"`
}

// Card decides what it means that the card provider, asked about an attempt, says this of its payment. The event is what made us
// ask. Not ok is nothing new. A Change may be the first of Several: ask again with the book as it is then, until nothing is new.
//
// Whoever asks reads the book first. All the same the provider may answer with what was before, and tell of what its answers do not
// show yet. So money that stands is booked once and never twice, what went back is never less than it was, and only the provider's
// own event, together with an answer that bears it out, makes it less: a refund that did not get through, a dispute that was won.
func Card(b Book, id order.AttemptID, said everypay.Payment, event everypay.Event, now time.Time) (c Change, ok bool, err error) {
	a, known := b.attempt(id)
	switch {
	case !known || a.Reference != said.Reference:
		return Change{}, false, UnknownAttempt
	case said.Order != "" && said.Order != string(a.Stamp()):
		return Change{}, false, OtherAttempt
	}
	a, news := a.Hear(said, event, now)
	p, booked := b.byCard(a, said, now)
	c = Change{Attempt: &a}
	switch m := said.State.Meaning(); {
	case m == everypay.Pending && now.Sub(a.StartedAt) < order.GivenUp:
		return c, news, nil
	case m == everypay.Pending, m == everypay.Failed, m == everypay.Voided && !booked:
		ended, failed := a.End(order.Failed, now)
		return Change{Attempt: &ended}, news || failed, nil
	case said.Amount != a.Amount && (said.Amount != 0 || m == everypay.Settled || m == everypay.Refunded): // other states may come without
		return Change{}, false, WrongAmount
	case !booked:
		return b.first(a, p, said, now), true, nil
	case m == everypay.ChargedBack && p.ReturnedAt.IsZero():
		c, err = b.chargeBack(p, now)
	case m != everypay.ChargedBack && p.Method == order.ByCard && said.Standing > 0 && event == everypay.DisputeReversed && !p.ReturnedAt.IsZero():
		c, err = b.PutBack(p.ID, now)
	case m != everypay.ChargedBack && p.Method == order.ByCard && p.ReturnedAt.IsZero(): // by open banking nothing moves there
		if m == everypay.Voided {
			said.Standing = 0
		}
		moved, ok, err := b.stands(p, said.Standing, event, now)
		if !ok || err != nil {
			return c, news, err
		}
		c = moved
	default:
		return c, news, nil
	}
	c.Attempt = &a
	return c, true, err
}

// Several tells whether an answer can mean more than one Change: where money is missing that had come, and where an event tells more than
// the state. Of what the provider does next it tells again.
func Several(said everypay.Payment, event everypay.Event) bool {
	m := said.State.Meaning()
	whole := m == everypay.Settled && said.Standing == said.Amount
	return event.Tell() || !whole && m != everypay.Pending && m != everypay.Failed
}

// byCard is the payment that the provider says was made, and whether it is booked. By open banking it came from a bank account, and a
// statement shows it.
func (b Book) byCard(a order.Attempt, said everypay.Payment, now time.Time) (p Payment, booked bool) {
	id := ID("card/" + said.Reference)
	if i := slices.IndexFunc(b.Payments, func(q Payment) bool { return q.ID == id || q.Notice == id }); i >= 0 {
		return b.Payments[i], true
	}
	p = Payment{
		ID: id, Order: a.Order, Buyer: b.Order.Account, Attempt: a.ID, Method: order.ByCard, Reference: said.Reference, Amount: a.Amount, BookedAt: now.UTC(),
	}
	at := said.PaidAt
	if at.IsZero() {
		at = now
	}
	p.PaidAt = at.In(civil.Tallinn.Location()).Format(time.RFC3339)
	if said.OpenBanking() {
		p.Method, p.Bank = order.BankLink, banklink.Bank(said.Bank())
	}
	if t := said.Transfer; t != nil {
		p.Payer, p.To, p.Number = t.Payer, t.To, t.Number
	}
	return p, false
}

// first is a payment when it is first heard of. What of it is gone already never comes for the order.
func (b Book) first(a order.Attempt, p Payment, said everypay.Payment, now time.Time) Change {
	switch gone := p.Amount - said.Standing; {
	case said.State.Meaning() == everypay.ChargedBack:
		a, _ = a.End(order.Succeeded, now)
		p.ReturnedAt = now.UTC()
		return Change{Attempt: &a, Payments: []Payment{p}, Cases: []Case{b.charged(p, now)}, Order: &b.Order}
	case said.State.Meaning() == everypay.Refunded && p.Method == order.ByCard && gone > 0:
		r := b.theirs(p, gone, now)
		p.Back = gone
		c := b.succeed(a, p, said.PaidAt, now)
		c.Refunds, c.Letters = []Refund{r}, append(c.Letters, r.letter(letter.RefundDone, now))
		return c
	}
	return b.succeed(a, p, said.PaidAt, now)
}

// chargeBack is the card's holder taking back what stood of a payment: the license waits, and the case says where the money is.
func (b Book) chargeBack(p Payment, now time.Time) (Change, error) {
	c, err := b.TakeBack(p.ID, now)
	if err == nil {
		c.Cases = []Case{b.charged(c.Payments[0], now)}
	}
	return c, err
}

// charged is the case of a payment that the card's holder took back.
func (b Book) charged(p Payment, now time.Time) Case {
	k := b.caseOf(p)
	k.Amount, k.Reason, k.State, k.OpenedAt = p.rest(), Charged, Void, now.UTC()
	return k
}

// caseOf is the case of a payment as it stands, or a new one.
func (b Book) caseOf(p Payment) Case {
	for _, k := range b.Cases {
		if k.Payment == p.ID {
			return k
		}
	}
	return Case{Payment: p.ID, Order: p.Order}
}

// waits is what of a payment waits to be given back.
func (b Book) waits(p Payment) money.Amount {
	if k := b.caseOf(p); k.State == Open {
		return k.Amount
	}
	return 0
}

// standing is what of a card payment stands at the provider, by our books: by other ways money goes back without it.
func (b Book) standing(p Payment) money.Amount {
	stands := p.Amount
	for _, r := range b.Refunds {
		if r.Payment == p.ID && r.Way == ByCard && r.State == Done {
			stands -= r.Amount
		}
	}
	return stands
}

// stands is what it means that so much of a card payment stands at the provider. What is missing there beyond our own refunds was
// given back by somebody on the provider's pages.
func (b Book) stands(p Payment, standing money.Amount, event everypay.Event, now time.Time) (Change, bool, error) {
	gone := b.standing(p) - standing
	find := func(s RefundState, amount money.Amount) int {
		return slices.IndexFunc(b.Refunds, func(r Refund) bool {
			return r.Payment == p.ID && r.Way == ByCard && r.State == s && (amount == 0 || r.Amount == amount)
		})
	}
	waiting, failed := find(Requested, 0), find(Done, -gone)
	switch {
	case gone < 0 && event == everypay.RefundFailed && failed >= 0:
		return b.Fail(b.Refunds[failed].ID, string(event), now)
	case gone <= 0:
		return Change{}, false, nil
	case waiting < 0:
		return b.elsewhere(p, gone, now)
	case b.Refunds[waiting].Amount == gone:
		return b.Finish(b.Refunds[waiting].ID, "", now)
	}
	return b.Fail(b.Refunds[waiting].ID, "differs", now) // the provider will not do it, as what stands differs
}

// theirs is a refund that somebody made on the provider's pages.
func (b Book) theirs(p Payment, amount money.Amount, now time.Time) Refund {
	r := b.refund(p, amount, ByCard, fingerprint(string(p.ID), fmt.Sprint(p.Revision)), now)
	r.By, r.State, r.EndedAt = "provider", Done, now.UTC()
	return r
}

// elsewhere is money of a card payment that was given back on the provider's pages, and not by a refund of ours: first what waited
// for that, then what the order had taken, which is owed again.
func (b Book) elsewhere(p Payment, amount money.Amount, now time.Time) (c Change, ok bool, err error) {
	if amount > p.rest() {
		return Change{}, false, MoreBack
	}
	r := b.theirs(p, amount, now)
	part := min(b.waits(p), amount)
	if part > 0 {
		c.Cases = []Case{b.caseOf(p).less(part)}
	}
	p.Back += amount
	if r.Taken = amount - part; r.Taken > 0 {
		p.Taken -= r.Taken
		if err := c.reopen(b, p, r.Taken, map[string]string{}, now); err != nil {
			return Change{}, false, err
		}
	}
	if len(c.Letters) == 0 {
		c.Letters = []letter.Letter{r.letter(letter.RefundDone, now)}
	}
	c.Payments, c.Refunds = []Payment{p}, []Refund{r}
	return c, true, nil
}
