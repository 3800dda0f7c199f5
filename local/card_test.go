package main

import (
	"fmt"
	"path"
	"strings"
	"testing"
)

// card sets out to pay by card, under a key of its own where none is given, and answers the payment's reference at the provider.
func (p *shopper) card(number string, key ...string) string {
	p.t.Helper()
	to := read[struct{ Redirect string }](p, p.sets(number, key...), 201).Redirect
	if at, ok := strings.CutPrefix(to, p.shop.URL+"/_local/everypay/"); !ok || len(at) != 64 {
		p.t.Fatalf("who pays by card is sent to %s", to)
	}
	return path.Base(to)
}

// sets asks for the page on which a card is paid with.
func (p *shopper) sets(number string, key ...string) answer {
	p.t.Helper()
	if len(key) == 0 {
		key = []string{fmt.Sprint("key-", keys.Add(1))}
	}
	return p.ask("POST", "/v1/orders/"+number+"/payments", map[string]string{"method": "card"}, "Idempotency-Key", key[0])
}

// does lets something happen to a payment at the card provider, as the query says it.
func (p *shopper) does(reference, query string) {
	p.t.Helper()
	p.want(p.send("POST", p.shop.URL+"/_local/everypay/"+reference+"?"+query, nil), 200, "")
}

// returns lets the browser come back from the card provider.
func (p *shopper) returns(reference, number string) {
	p.t.Helper()
	back := read[struct{ Return string }](p, p.send("GET", p.shop.URL+"/_local/everypay/"+reference, nil), 200).Return
	p.returned(p.send("GET", back, nil, "Sec-Fetch-Site", "cross-site"), number)
}

// breaks lets the provider's API fail for an order, as the query says it.
func (p *shopper) breaks(number, query string) {
	p.t.Helper()
	p.want(p.send("POST", p.shop.URL+"/_local/everypay/faults?order="+number+"&"+query, nil), 204, "")
}

func TestALicenseIsPaidByCard(t *testing.T) {
	s := story(t)
	p := s.member(t)
	o := p.order(12, today())
	if o.Situation != "to_pay" || !strings.Contains(strings.Join(o.PayWith, " "), "card") {
		t.Errorf("the order is %+v", o)
	}
	reference := p.card(o.Number, "once")
	if again := p.card(o.Number, "once"); again != reference {
		t.Errorf("under the same key it is %s, then %s", reference, again)
	}
	if o = p.see(o.Number); o.Situation != "waiting" || len(o.Attempts) != 1 || o.Attempts[0].Method != "card" || o.Attempts[0].State != "started" {
		t.Errorf("before it is paid the order is %+v", o)
	}
	p.want(p.ask("GET", chapter, nil), 403, "NO_LICENSE")
	p.does(reference, "outcome=settled&callback=never")
	p.returns(reference, o.Number)
	o = p.paid(o.Number)
	p.want(p.ask("GET", chapter, nil), 200, "")
	p.gets(subject("verify"), subject("order_confirmation", "{order}", o.Number), subject("payment_receipt", "{order}", o.Number), subject("license_active"))
	if o = p.see(o.Number); o.Situation != "paid" || o.License == nil || o.License.State != "active" || o.Attempts[0].State != "succeeded" || len(o.PayWith) > 0 {
		t.Errorf("the paid order is %+v", o)
	}
	p.want(p.sets(o.Number, "once"), 409, "order_paid")
	says(t, p.paper(o.Number, "receipt.pdf", "application/pdf"), o.Number, "Mari Maasikas")
}
