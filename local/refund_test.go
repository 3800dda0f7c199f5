package main

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"opiq/local/story"
)

// given is what staff hear who give money back.
type given struct {
	Refunds []struct {
		story.RefundPage
		Payout string
		To     *struct{ Name, IBAN string }
	}
	Order struct {
		State                    string
		Received, Credited, Open story.Sum
	}
}

// gives lets staff give money of an order back.
func gives(p *story.Shopper, number string, ask map[string]any) story.Answer {
	p.T.Helper()
	return p.Ask("POST", "/v1/orders/"+number+"/refunds", ask)
}

// refunded waits until the order's last refund is in a state.
func refunded(p *story.Shopper, number, state string) story.OrderPage {
	p.T.Helper()
	return p.Becomes(number, 20*time.Second, func(o story.OrderPage) bool { n := len(o.Refunds); return n > 0 && o.Refunds[n-1].State == state })
}

func TestMoneyGoesBackToTheAccountThatItCameFrom(t *testing.T) {
	s := story.Shared(t)
	p, liis := s.Member(t), s.Finance(t)
	o := p.Buy(12, story.Today(), "swedbank")
	p.Want(p.Ask("GET", story.Chapter, nil), 200, "")
	all := map[string]any{"reason": "agreed", "note": "The family moves abroad.", "key": "once"}
	first := story.Read[given](liis, gives(liis, o.Number, all), 201)
	if len(first.Refunds) != 1 || first.Order.State != "annulled" || first.Order.Received.Amount != 0 {
		t.Fatalf("given back is %+v", first)
	}
	r := first.Refunds[0]
	if r.Way != "transfer" || r.State != "requested" || r.Amount != o.Price.Gross || r.To == nil || r.To.IBAN != linked.IBAN || r.Payout == "" {
		t.Errorf("the refund is %+v", r)
	}
	if again := story.Read[given](liis, gives(liis, o.Number, all), 201); len(again.Refunds) != 1 || again.Refunds[0].ID != r.ID {
		t.Errorf("asked for again it is %+v", again)
	}
	liis.Want(gives(liis, o.Number, map[string]any{"reason": "breach", "key": "once"}), 409, "refund_key_reused")
	liis.Want(gives(liis, o.Number, map[string]any{"reason": "agreed", "key": "twice"}), 409, "nothing_to_refund")

	// The buyer.
	o = p.See(o.Number)
	if o.State != "annulled" || o.Situation != "annulled" || o.License == nil || o.License.State != "annulled" || o.Credited != o.Price.Gross || o.Refunds[0].Account != "…"+linked.IBAN[len(linked.IBAN)-4:] {
		t.Errorf("the order is %+v", o)
	}
	p.Want(p.Ask("GET", story.Chapter, nil), 403, "REVOKED")
	p.Want(p.Sets(o.Number), 409, "order_annulled")
	credit := p.Paper(o.Number, "credits/"+r.Credit+".pdf", "application/pdf")
	story.Says(t, credit, r.Credit, o.Number, "Mari Maasikas")
	sent, _ := p.Attached(story.Subject("refund", "{amount}", euro(r.Amount.Amount), "{order}", o.Number))
	if !bytes.Equal(sent, credit) {
		t.Error("the mail's credit invoice is not the shop's")
	}
	s.Member(t).Want(s.Member(t).Ask("GET", "/v1/orders/"+o.Number+"/credits/"+r.Credit+".pdf", nil), 404, "order_not_found")

	// The bank.
	if a := liis.Want(liis.Ask("GET", "/v1/refunds?state=requested&limit=100", nil), 200, ""); !bytes.Contains(a.Body, []byte(r.ID)) {
		t.Errorf("the refund is not among those that wait: %s", a.Body)
	}
	orders(liis, r.Payout, r.ID, linked.IBAN)
	s.Happens(t, "refund_sent", o.Number)
	refunded(p, o.Number, "done")
	p.Mail(story.Subject("refund_done", "{amount}", euro(r.Amount.Amount), "{order}", o.Number))

	// The account is closed: the money comes back. It goes to another one, though the bank does not take the first file.
	s.Happens(t, "refund_returned", o.Number)
	o = refunded(p, o.Number, "failed")
	if len(o.RefundCases) != 1 || o.RefundCases[0].State != "open" || o.RefundCases[0].Reason != "returned" || o.RefundCases[0].Amount != r.Amount {
		t.Errorf("the order is %+v", o)
	}
	p.Mail(story.Subject("refund_failed", "{order}", o.Number))
	if a := liis.Want(liis.Ask("GET", "/v1/refunds?limit=100", nil), 200, ""); !bytes.Contains(a.Body, []byte(o.Number)) {
		t.Errorf("the money is not among what waits: %s", a.Body)
	}
	other := map[string]any{"reason": "surplus", "key": "another account", "to": map[string]string{"name": "Mari Maasikas", "iban": story.Somebody.IBAN}}
	r = story.Read[given](liis, gives(liis, o.Number, other), 201).Refunds[0]
	no := map[string]string{"reason": "The file was not taken."}
	liis.Want(liis.Ask("POST", "/v1/orders/"+o.Number+"/refunds/"+r.ID+"/rejection", no), 200, "")
	refunded(p, o.Number, "failed")
	other["key"] = "once more"
	r = story.Read[given](liis, gives(liis, o.Number, other), 201).Refunds[0]
	orders(liis, r.Payout, r.ID, story.Somebody.IBAN)
	s.Happens(t, "refund_sent", o.Number)
	if o = refunded(p, o.Number, "done"); len(o.Refunds) != 3 || o.RefundCases[0].State != "given" {
		t.Errorf("the order is %+v", o)
	}
}

// orders brings a file of transfers to the bank.
func orders(p *story.Shopper, payout, refund, to string) {
	p.T.Helper()
	file := p.Want(p.Ask("GET", "/v1/payouts/"+payout+".xml", nil), 200, "").Body
	if !bytes.Contains(file, []byte("OPIQ-"+refund)) || !bytes.Contains(file, []byte(to)) {
		p.T.Errorf("the file is\n%s", file)
	}
	if again := p.Ask("GET", "/v1/payouts/"+payout+".xml", nil).Body; !bytes.Equal(file, again) {
		p.T.Errorf("the file is another one each time:\n%s\n%s", file, again)
	}
	p.Want(p.Send("POST", p.Shop.URL+"/_local/account/payouts", file, "Content-Type", "application/xml"), 201, "")
}

func TestMoneyOfOneOrderPaysAnother(t *testing.T) {
	s := story.Shared(t)
	p, liis := s.Member(t), s.Finance(t)
	o, next, strangers := p.Order(12, story.Today()), p.Order(12, story.Today()), s.Member(t).Order(12, story.Today())
	for _, ref := range []string{p.Card(o.Number), p.Card(o.Number)} {
		p.Does(ref, "outcome=settled")
	}
	p.Becomes(o.Number, 20*time.Second, func(o story.OrderPage) bool { return o.Situation == "paid_too_much" })
	liis.Want(gives(liis, o.Number, map[string]any{"reason": "surplus", "key": "offset", "offset": strangers.Number}), 409, "offset_impossible")
	liis.Want(gives(liis, o.Number, map[string]any{"reason": "surplus", "key": "offset", "offset": next.Number}), 201, "")
	if next = p.Paid(next.Number); next.License == nil || next.License.State != "active" || next.Received != next.Price.Gross {
		t.Errorf("the other order is %+v", next)
	}
	if o = p.See(o.Number); o.Situation != "paid" || o.RefundCases[0].State != "given" || len(o.Refunds) != 1 || o.Refunds[0].Way != "offset" || o.Refunds[0].State != "done" {
		t.Errorf("the order is %+v", o)
	}
	p.Mail(story.Subject("refund", "{way=offset}", "", "{amount}", euro(o.Price.Gross.Amount)))
	p.Mail(story.Subject("payment_receipt", "{order}", next.Number))
}

func TestNoMoreGoesBackThanCameHoweverManyAskAtOnce(t *testing.T) {
	s := story.Shared(t)
	p, liis := s.Member(t), s.Finance(t)
	for _, way := range []string{"transfer", "card"} {
		t.Run(way, func(t *testing.T) {
			p, liis := p.As(t), liis.As(t)
			o := p.Order(12, story.Today())
			if way == "card" {
				settled(p, o.Number)
			} else {
				links("pay")(p, o.Number, "")
				p.Paid(o.Number)
			}
			quarter := story.Sum{Amount: o.Price.Gross.Amount / 4, Currency: "EUR"}
			answers := make([]story.Answer, 16)
			story.Together(t, len(answers), func(t *testing.T, i int) { // two for each key
				ask := map[string]any{"reason": "agreed", "amount": quarter, "key": fmt.Sprint("quarter ", i/2)}
				answers[i] = gives(liis.As(t), o.Number, ask)
			})
			ids := map[string]bool{}
			for _, a := range answers {
				switch {
				case a.Status == 201:
					ids[story.Read[given](liis, a, 201).Refunds[0].ID] = true
				case !slices.Contains([]string{"nothing_to_refund", "refund_too_much", "refund_running", "changed_meanwhile"}, a.Code()):
					t.Errorf("an answer is %d %s", a.Status, a.Body)
				}
			}
			s.Rest(t, 30*time.Second)
			o = p.See(o.Number)
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
