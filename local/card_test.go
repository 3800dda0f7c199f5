package main

import (
	"strings"
	"testing"

	"opiq/local/story"
)

func TestALicenseIsPaidByCard(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	o := p.Order(12, story.Today())
	if o.Situation != "to_pay" || !strings.Contains(strings.Join(o.PayWith, " "), "card") {
		t.Errorf("the order is %+v", o)
	}
	reference := p.Card(o.Number, "once")
	if again := p.Card(o.Number, "once"); again != reference {
		t.Errorf("under the same key it is %s, then %s", reference, again)
	}
	if o = p.See(o.Number); o.Situation != "waiting" || len(o.Attempts) != 1 || o.Attempts[0].Method != "card" || o.Attempts[0].State != "started" {
		t.Errorf("before it is paid the order is %+v", o)
	}
	p.Want(p.Ask("GET", story.Chapter, nil), 403, "NO_LICENSE")
	p.Does(reference, "outcome=settled&callback=never")
	p.Returns(reference, o.Number)
	o = p.Paid(o.Number)
	p.Want(p.Ask("GET", story.Chapter, nil), 200, "")
	p.Gets(story.Subject("verify"), story.Subject("order_confirmation", "{order}", o.Number), story.Subject("payment_receipt", "{order}", o.Number), story.Subject("license_active"))
	if o = p.See(o.Number); o.Situation != "paid" || o.License == nil || o.License.State != "active" || o.Attempts[0].State != "succeeded" || len(o.PayWith) > 0 {
		t.Errorf("the paid order is %+v", o)
	}
	p.Want(p.Sets(o.Number, "once"), 409, "order_paid")
	story.Says(t, p.Paper(o.Number, "receipt.pdf", "application/pdf"), o.Number, "Mari Maasikas")
}
