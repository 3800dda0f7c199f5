package reconciliation_test

import (
	"errors"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"opiq/shared/everypay"
	"opiq/shared/lang"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
)

// charge is a payment at the card provider: as it is there, and all that was ever said about it.
type charge struct {
	everypay.Payment
	order   order.Number
	attempt order.AttemptID
	given   []money.Amount // what went back there, each time
	nonces  map[string]bool
	said    []everypay.Payment
	events  []everypay.Event
	refused bool // our books had less to give back than went back
	undone  bool // a refund did not get through after all
}

// charge begins a card payment: its page is open.
func (w *world) charge(b *payment.Book, key string) {
	a, err := b.Order.Start(order.Way{Method: order.ByCard}, key, lang.Estonian, b.Attempts, w.now)
	if err != nil || slices.ContainsFunc(b.Attempts, func(x order.Attempt) bool { return x.ID == a.ID }) {
		return
	}
	a.Reference = everypay.Reference(fmt.Sprintf("%016x", len(w.charges)))
	w.store(b.Order.Number, payment.Change{Attempt: &a})
	c := &charge{order: b.Order.Number, attempt: a.ID, nonces: map[string]bool{}}
	c.Payment = everypay.Payment{Reference: a.Reference, Order: string(a.Stamp()), State: everypay.Initial, Amount: a.Amount, Standing: a.Amount}
	c.say(everypay.NoEvent)
	w.charges = append(w.charges, c)
}

// say is the provider's answer from now on, and what it calls out.
func (c *charge) say(e everypay.Event) {
	p := c.Payment
	if m := p.State.Meaning(); m == everypay.ChargedBack || m == everypay.Voided {
		p.Amount, p.Standing = 0, 0 // such an answer need not have them
	}
	c.said, c.events = append(c.said, p), append(c.events, e)
}

// give is money that goes back at the provider.
func (c *charge) give(amount money.Amount) {
	c.given, c.State, c.Standing = append(c.given, amount), everypay.StateRefunded, c.Standing-amount
	c.say(everypay.EventRefunded)
}

// moves are what can happen to a payment at the provider, by what its state means.
var moves = map[everypay.Meaning][]string{
	everypay.Pending: {"pays", "pays", "pays", "fails", "waits"}, everypay.Failed: {"pays"}, everypay.Settled: {"given", "charged back", "voided"},
	everypay.Refunded: {"given", "not given", "charged back"}, everypay.ChargedBack: {"won"}, everypay.Voided: {"nothing"},
}

// move lets one thing happen at the provider.
func (c *charge) move(w *world, t *rapid.T) {
	what := pick(w, t, "what", moves[c.State.Meaning()])
	switch what {
	case "pays":
		c.State = everypay.StateSettled
		c.say(everypay.StatusUpdated)
	case "fails":
		c.State = everypay.StateFailed
		c.say(everypay.StatusUpdated)
	case "waits":
		c.State = everypay.SentForProcessing
		c.say(everypay.StatusUpdated)
	case "given":
		if c.Standing > 0 {
			c.give(money.Amount(rapid.Int64Range(1, int64(c.Standing)).Draw(t, "cents")))
		}
	case "not given":
		i := rapid.IntRange(0, len(c.given)-1).Draw(t, "refund")
		c.Standing += c.given[i]
		if c.given = slices.Delete(c.given, i, i+1); len(c.given) == 0 {
			c.State = everypay.StateSettled
		}
		c.undone = true
		c.say(everypay.RefundFailed)
	case "charged back":
		if c.Standing > 0 {
			c.State = everypay.StateChargedBack
			c.say(everypay.EventChargedBack)
		}
	case "won":
		if c.State = everypay.StateSettled; len(c.given) > 0 {
			c.State = everypay.StateRefunded
		}
		c.undone = true
		c.say(everypay.DisputeReversed)
	case "voided":
		c.State, c.Standing = everypay.StateVoided, 0
		c.say(everypay.EventVoided)
	}
}

// hear makes what the provider said what it means, as card-settlement does. What cannot mean several changes is nothing new after one.
func (w *world) hear(c *charge, said everypay.Payment, e everypay.Event) {
	more := true
	for range 6 {
		change, news, err := payment.Card(*w.orders[c.order], c.attempt, said, e, w.now)
		if errors.Is(err, payment.MoreBack) {
			c.refused = true
			return
		}
		if err != nil {
			w.t.Fatalf("%+v: %v", said, err)
		}
		if !news {
			return
		}
		if !more {
			w.t.Fatalf("%+v means more than one change", said)
		}
		w.store(c.order, change)
		more, e = payment.Several(said, e), everypay.NoEvent // the event is heard
	}
	w.t.Fatalf("%+v, %s, is always news", said, e)
}

// provide lets the provider do a refund of ours, as it is asked by card-settlement: the answer may be lost, or be a no.
func (w *world) provide(r payment.Refund, answer string) {
	b := w.orders[r.Order]
	ask, err := b.ForProvider(r.ID)
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	i := slices.IndexFunc(w.charges, func(c *charge) bool { return ask != nil && c.Reference == ask.Payment })
	if i < 0 {
		return
	}
	c, trouble := w.charges[i], ""
	switch m := c.State.Meaning(); {
	case m == everypay.Refunded && c.Standing == ask.Standing-ask.Amount:
	case c.Standing != ask.Standing || m != everypay.Settled && m != everypay.Refunded:
		trouble = "differs"
	case answer == "no" || c.nonces[ask.Nonce]:
		trouble = "4028"
	default:
		c.nonces[ask.Nonce] = true
		if c.give(ask.Amount); answer == "lost" {
			return
		}
	}
	change, news, err := b.Finish(r.ID, "", w.now)
	if trouble != "" {
		change, news, err = b.Fail(r.ID, trouble, w.now)
	}
	if err != nil || !news {
		w.t.Fatalf("refund %s: %t, %v", r.ID, news, err)
	}
	w.store(r.Order, change)
}

// agree asks the provider about all once more, and holds the books against its own: each payment that was made is booked once, and
// no less of it is gone than there. More may be, where an old answer was heard last after a refund had failed or a dispute was won.
func (w *world) agree() {
	for _, c := range w.charges {
		w.hear(c, c.said[len(c.said)-1], everypay.NoEvent)
		id := payment.ID("card/" + c.Reference)
		m := c.State.Meaning()
		paid := m != everypay.Pending && m != everypay.Failed
		n := w.booked(id)
		if n > 1 || n == 1 && m == everypay.Pending || n == 0 && paid && m != everypay.Voided {
			w.t.Fatalf("the card payment %+v is %d payments", c.Payment, n)
		}
		for _, p := range w.orders[c.order].Payments {
			if p.ID != id {
				continue
			}
			stands := p.Amount
			for _, r := range w.orders[c.order].Refunds {
				if r.Payment == id && r.Way == payment.ByCard && r.State == payment.Done {
					stands -= r.Amount
				}
			}
			gone := m == everypay.ChargedBack
			if gone && p.ReturnedAt.IsZero() || !gone && !c.undone && !p.ReturnedAt.IsZero() {
				w.t.Fatalf("the provider says %+v, and the payment is %+v", c.Payment, p)
			}
			if p.ReturnedAt.IsZero() && !c.refused && (stands > c.Standing || stands < c.Standing && !c.undone) {
				w.t.Fatalf("the provider says %+v, and by our books %s stand there: %+v %+v", c.Payment, stands, p, w.orders[c.order].Refunds)
			}
		}
	}
}
