package main

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"
)

// given is what staff hear who give money back.
type given struct {
	Refunds []struct {
		refundPage
		Payout string
		To     *struct{ Name, IBAN string }
	}
	Order struct {
		State                    string
		Received, Credited, Open sum
	}
}

// gives lets staff give money of an order back.
func (p *shopper) gives(number string, ask map[string]any) answer {
	p.t.Helper()
	return p.ask("POST", "/v1/orders/"+number+"/refunds", ask)
}

// refunded waits until the order's last refund is in a state.
func (p *shopper) refunded(number, state string) orderPage {
	p.t.Helper()
	return p.becomes(number, 20*time.Second, func(o orderPage) bool { n := len(o.Refunds); return n > 0 && o.Refunds[n-1].State == state })
}

func TestMoneyGoesBackToTheAccountThatItCameFrom(t *testing.T) {
	s := story(t)
	p, liis := s.member(t), s.finance(t)
	o := p.buy(12, today(), "swedbank")
	p.want(p.ask("GET", chapter, nil), 200, "")
	all := map[string]any{"reason": "agreed", "note": "The family moves abroad.", "key": "once"}
	first := read[given](liis, liis.gives(o.Number, all), 201)
	if len(first.Refunds) != 1 || first.Order.State != "annulled" || first.Order.Received.Amount != 0 {
		t.Fatalf("given back is %+v", first)
	}
	r := first.Refunds[0]
	if r.Way != "transfer" || r.State != "requested" || r.Amount != o.Price.Gross || r.To == nil || r.To.IBAN != linked.IBAN || r.Payout == "" {
		t.Errorf("the refund is %+v", r)
	}
	if again := read[given](liis, liis.gives(o.Number, all), 201); len(again.Refunds) != 1 || again.Refunds[0].ID != r.ID {
		t.Errorf("asked for again it is %+v", again)
	}
	liis.want(liis.gives(o.Number, map[string]any{"reason": "breach", "key": "once"}), 409, "refund_key_reused")
	liis.want(liis.gives(o.Number, map[string]any{"reason": "agreed", "key": "twice"}), 409, "nothing_to_refund")

	// The buyer.
	o = p.see(o.Number)
	if o.State != "annulled" || o.Situation != "annulled" || o.License == nil || o.License.State != "annulled" || o.Credited != o.Price.Gross || o.Refunds[0].Account != "…"+linked.IBAN[len(linked.IBAN)-4:] {
		t.Errorf("the order is %+v", o)
	}
	p.want(p.ask("GET", chapter, nil), 403, "REVOKED")
	p.want(p.sets(o.Number), 409, "order_annulled")
	credit := p.paper(o.Number, "credits/"+r.Credit+".pdf", "application/pdf")
	says(t, credit, r.Credit, o.Number, "Mari Maasikas")
	sent, _ := p.attached(subject("refund", "{amount}", euro(r.Amount.Amount), "{order}", o.Number))
	if !bytes.Equal(sent, credit) {
		t.Error("the mail's credit invoice is not the shop's")
	}
	s.member(t).want(s.member(t).ask("GET", "/v1/orders/"+o.Number+"/credits/"+r.Credit+".pdf", nil), 404, "order_not_found")

	// The bank.
	if a := liis.want(liis.ask("GET", "/v1/refunds?state=requested&limit=100", nil), 200, ""); !bytes.Contains(a.body, []byte(r.ID)) {
		t.Errorf("the refund is not among those that wait: %s", a.body)
	}
	liis.orders(r.Payout, r.ID, linked.IBAN)
	s.happens(t, "refund_sent", o.Number)
	p.refunded(o.Number, "done")
	p.mail(subject("refund_done", "{amount}", euro(r.Amount.Amount), "{order}", o.Number))

	// The account is closed: the money comes back. It goes to another one, though the bank does not take the first file.
	s.happens(t, "refund_returned", o.Number)
	o = p.refunded(o.Number, "failed")
	if len(o.RefundCases) != 1 || o.RefundCases[0].State != "open" || o.RefundCases[0].Reason != "returned" || o.RefundCases[0].Amount != r.Amount {
		t.Errorf("the order is %+v", o)
	}
	p.mail(subject("refund_failed", "{order}", o.Number))
	if a := liis.want(liis.ask("GET", "/v1/refunds?limit=100", nil), 200, ""); !bytes.Contains(a.body, []byte(o.Number)) {
		t.Errorf("the money is not among what waits: %s", a.body)
	}
	other := map[string]any{"reason": "surplus", "key": "another account", "to": map[string]string{"name": "Mari Maasikas", "iban": somebody.IBAN}}
	r = read[given](liis, liis.gives(o.Number, other), 201).Refunds[0]
	no := map[string]string{"reason": "The file was not taken."}
	liis.want(liis.ask("POST", "/v1/orders/"+o.Number+"/refunds/"+r.ID+"/rejection", no), 200, "")
	p.refunded(o.Number, "failed")
	other["key"] = "once more"
	r = read[given](liis, liis.gives(o.Number, other), 201).Refunds[0]
	liis.orders(r.Payout, r.ID, somebody.IBAN)
	s.happens(t, "refund_sent", o.Number)
	if o = p.refunded(o.Number, "done"); len(o.Refunds) != 3 || o.RefundCases[0].State != "given" {
		t.Errorf("the order is %+v", o)
	}
}

// orders brings a file of transfers to the bank.
func (p *shopper) orders(payout, refund, to string) {
	p.t.Helper()
	file := p.want(p.ask("GET", "/v1/payouts/"+payout+".xml", nil), 200, "").body
	if !bytes.Contains(file, []byte("OPIQ-"+refund)) || !bytes.Contains(file, []byte(to)) {
		p.t.Errorf("the file is\n%s", file)
	}
	if again := p.ask("GET", "/v1/payouts/"+payout+".xml", nil).body; !bytes.Equal(file, again) {
		p.t.Errorf("the file is another one each time:\n%s\n%s", file, again)
	}
	p.want(p.send("POST", p.shop.URL+"/_local/account/payouts", file, "Content-Type", "application/xml"), 201, "")
}

func TestMoneyOfOneOrderPaysAnother(t *testing.T) {
	s := story(t)
	p, liis := s.member(t), s.finance(t)
	o, next, strangers := p.order(12, today()), p.order(12, today()), s.member(t).order(12, today())
	for _, ref := range []string{p.card(o.Number), p.card(o.Number)} {
		p.does(ref, "outcome=settled")
	}
	p.becomes(o.Number, 20*time.Second, func(o orderPage) bool { return o.Situation == "paid_too_much" })
	liis.want(liis.gives(o.Number, map[string]any{"reason": "surplus", "key": "offset", "offset": strangers.Number}), 409, "offset_impossible")
	liis.want(liis.gives(o.Number, map[string]any{"reason": "surplus", "key": "offset", "offset": next.Number}), 201, "")
	if next = p.paid(next.Number); next.License == nil || next.License.State != "active" || next.Received != next.Price.Gross {
		t.Errorf("the other order is %+v", next)
	}
	if o = p.see(o.Number); o.Situation != "paid" || o.RefundCases[0].State != "given" || len(o.Refunds) != 1 || o.Refunds[0].Way != "offset" || o.Refunds[0].State != "done" {
		t.Errorf("the order is %+v", o)
	}
	p.mail(subject("refund", "{way=offset}", "", "{amount}", euro(o.Price.Gross.Amount)))
	p.mail(subject("payment_receipt", "{order}", next.Number))
}

func TestNoMoreGoesBackThanCameHoweverManyAskAtOnce(t *testing.T) {
	s := story(t)
	p, liis := s.member(t), s.finance(t)
	for _, way := range []string{"transfer", "card"} {
		t.Run(way, func(t *testing.T) {
			p, liis := p.as(t), liis.as(t)
			o := p.order(12, today())
			if way == "card" {
				settled(p, o.Number)
			} else {
				links("pay")(p, o.Number, "")
				p.paid(o.Number)
			}
			quarter := sum{o.Price.Gross.Amount / 4, "EUR"}
			answers := make([]answer, 16)
			together(t, len(answers), func(t *testing.T, i int) { // two for each key
				ask := map[string]any{"reason": "agreed", "amount": quarter, "key": fmt.Sprint("quarter ", i/2)}
				answers[i] = liis.as(t).gives(o.Number, ask)
			})
			ids := map[string]bool{}
			for _, a := range answers {
				switch {
				case a.status == 201:
					ids[read[given](liis, a, 201).Refunds[0].ID] = true
				case !slices.Contains([]string{"nothing_to_refund", "refund_too_much", "refund_running", "changed_meanwhile"}, a.code()):
					t.Errorf("an answer is %d %s", a.status, a.body)
				}
			}
			s.rest(t, 30*time.Second)
			o = p.see(o.Number)
			back := 0
			for _, r := range o.Refunds {
				back += r.Amount.Amount
			}
			if len(ids) == 0 || len(o.Refunds) != len(ids) || back+o.Received.Amount != o.Price.Gross.Amount {
				t.Errorf("%d asks were taken, and of %d cents %d go back: %+v", len(ids), o.Price.Gross.Amount, back, o)
			}
		})
	}
}
