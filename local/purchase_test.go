package main

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"opiq/local/story"
	"opiq/shared/banklink"
)

// TestMoneyIsBookedOnceHoweverTheBankSpeaks is every way in which a bank's notice and the buyer's return can come.
func TestMoneyIsBookedOnceHoweverTheBankSpeaks(t *testing.T) {
	s := story.Shared(t)
	for _, notice := range []string{"before", "after", "twice", "never"} {
		for _, returns := range []int{0, 1, 2} {
			if notice == "never" && returns == 0 {
				continue // nobody tells us: see TestMoneyThatNobodyTellsOfIsFoundWhenTheBuyerReturns
			}
			story.Together(t, len(story.Banks), func(t *testing.T, i int) {
				t.Logf("%s, notice %s the return, %d returns", story.Banks[i], notice, returns)
				purchase(s.Member(t), story.Banks[i], notice, returns)
			})
		}
	}
}

// purchase is one purchase of a license that starts today.
func purchase(p *story.Shopper, bank, notice string, returns int) {
	p.Want(p.Ask("GET", story.Chapter, nil), 403, "NO_LICENSE")
	o := p.Order(12, story.Today())
	form := p.Pay(o.Number, bank)
	if o = p.See(o.Number); o.State != "placed" || o.License != nil || len(o.Attempts) != 1 || o.Attempts[0].State != "started" {
		p.T.Errorf("before it is paid the order is %+v", o)
	}
	back := p.At(form, "action=pay&notice="+notice)
	for range returns {
		p.Returned(p.Back(back), o.Number)
	}
	o = p.Paid(o.Number)
	if notice == "after" || notice == "twice" { // the bank speaks once more
		time.Sleep(1200 * time.Millisecond)
	}
	p.Want(p.Ask("GET", story.Chapter, nil), 200, "")
	p.Gets(story.Subject("verify"), story.Subject("payment_receipt", "{order}", o.Number), story.Subject("order_confirmation", "{order}", o.Number), story.Subject("license_active"))
	o = p.See(o.Number)
	if o.License == nil || o.License.State != "active" || len(o.Attempts) != 1 || o.Attempts[0].State != "succeeded" || o.Attempts[0].Bank != bank || len(o.RefundCases) > 0 {
		p.T.Errorf("the paid order is %+v", o)
	}
	if all := story.Read[struct{ Licenses []story.LicensePage }](p, p.Ask("GET", "/v1/licenses", nil), 200); len(all.Licenses) != 1 {
		p.T.Errorf("the licenses are %+v", all)
	}
}

func TestMoneyThatNobodyTellsOfIsFoundWhenTheBuyerReturns(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	o := p.Order(12, story.Today())
	back := p.At(p.Pay(o.Number, "luminor"), "action=pay&notice=never")
	s.Rest(t, 20*time.Second)
	if o = p.See(o.Number); o.State != "placed" || o.Attempts[0].State != "started" {
		t.Errorf("nobody told us, and the order is %+v", o)
	}
	p.Want(p.Ask("GET", story.Chapter, nil), 403, "NO_LICENSE")
	p.Returned(p.Back(back), o.Number) // the buyer finds the page again
	p.Paid(o.Number)
	p.Want(p.Ask("GET", story.Chapter, nil), 200, "")
}

func TestMoneyForACancelledOrderGoesBack(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	o := p.Order(12, story.Today())
	form := p.Pay(o.Number, "seb")
	p.Want(p.Ask("DELETE", "/v1/orders/"+o.Number, nil), 204, "")
	p.Want(p.Ask("DELETE", "/v1/orders/"+o.Number, nil), 204, "")
	p.Want(p.Ask("POST", "/v1/orders/"+o.Number+"/payments", map[string]string{"method": "bank_link", "bank": "seb"}), 409, "order_cancelled")
	p.Returned(p.Back(p.At(form, "action=pay&notice=twice")), o.Number) // the bank's page was open still
	o = p.Becomes(o.Number, 20*time.Second, func(o story.OrderPage) bool { return len(o.RefundCases) > 0 })
	if o.State != "cancelled" || o.License != nil || len(o.RefundCases) != 1 || o.RefundCases[0].Amount != o.Price.Gross || o.RefundCases[0].Reason != "cancelled" || o.RefundCases[0].State != "open" {
		t.Errorf("the order is %+v", o)
	}
	p.Want(p.Ask("GET", story.Chapter, nil), 403, "NO_LICENSE")
	time.Sleep(1200 * time.Millisecond) // the second notice
	refund := p.Mail(story.Subject("refund_case", "{order}", o.Number)).Subject
	p.Gets(story.Subject("verify"), story.Subject("order_confirmation", "{order}", o.Number), refund)
}

func TestTheSameFormPaidTwiceIsMoneyBack(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	o := p.Order(12, story.Today())
	form := p.Pay(o.Number, "coop")
	p.Returned(p.Back(p.At(form, "action=pay&notice=before")), o.Number)
	p.Paid(o.Number)
	p.Returned(p.Back(p.At(form, "action=pay&notice=before&again=1")), o.Number)
	o = p.Becomes(o.Number, 20*time.Second, func(o story.OrderPage) bool { return len(o.RefundCases) > 0 })
	if o.State != "paid" || len(o.RefundCases) != 1 || o.RefundCases[0].Reason != "duplicate" || o.RefundCases[0].Amount != o.Price.Gross {
		t.Errorf("the order is %+v", o)
	}
}

func TestWhoGivesUpAtTheBankCanPayAfterAll(t *testing.T) {
	s := story.Shared(t)
	for _, bank := range story.Banks {
		t.Run(bank, func(t *testing.T) {
			p := s.Member(t)
			o := p.Order(12, story.Today())
			form := p.Pay(o.Number, bank)
			p.Returned(p.Back(p.At(form, "action=cancel")), o.Number)
			o = p.Becomes(o.Number, 20*time.Second, func(o story.OrderPage) bool { return o.Attempts[0].State == "failed" })
			if o.State != "placed" || o.License != nil {
				t.Errorf("after giving up the order is %+v", o)
			}
			second := p.Pay(o.Number, bank)
			if second.Fields["VK_STAMP"] == form.Fields["VK_STAMP"] {
				t.Error("both attempts have one stamp")
			}
			p.Returned(p.Back(p.At(second, "action=pay&notice=before")), o.Number)
			p.Paid(o.Number)
			// A failure that comes after the money changes nothing.
			p.Returned(p.Back(p.At(second, "action=cancel")), o.Number)
			s.Rest(t, 20*time.Second)
			o = p.See(o.Number)
			var states []string
			for _, a := range o.Attempts {
				states = append(states, a.State)
			}
			if slices.Sort(states); o.State != "paid" || !slices.Equal(states, []string{"failed", "succeeded"}) {
				t.Errorf("after all the order is %+v", o)
			}
		})
	}
}

func TestOfSixteenPaymentsAtOnceOneIsBookedAndTheRestGoesBack(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	o := p.Order(12, story.Today())
	forms := make([]banklink.Form, 16)
	for i := range forms {
		forms[i] = p.Pay(o.Number, story.Banks[i%len(story.Banks)])
	}
	story.Together(t, len(forms), func(t *testing.T, i int) {
		p := p.As(t)
		p.Returned(p.Back(p.At(forms[i], "action=pay&notice=twice")), o.Number)
	})
	o = p.Becomes(o.Number, 40*time.Second, func(o story.OrderPage) bool { return o.State == "paid" && len(o.RefundCases) == 15 })
	time.Sleep(1500 * time.Millisecond) // the banks' second notices
	s.Rest(t, 40*time.Second)
	o = p.See(o.Number)
	if len(o.RefundCases) != 15 || len(o.Attempts) != 16 {
		t.Errorf("the order has %d refund cases and %d attempts", len(o.RefundCases), len(o.Attempts))
	}
	for _, a := range o.Attempts {
		if a.State != "succeeded" {
			t.Errorf("the attempt %+v was paid", a)
		}
	}
	for _, c := range o.RefundCases {
		if c.Amount != o.Price.Gross || c.Reason != "duplicate" {
			t.Errorf("the case is %+v", c)
		}
	}
	if got := len(p.Subjects()); got != 4+15 {
		t.Errorf("%d mails came: %q", got, p.Subjects())
	}
	if licenses := story.Read[struct{ Licenses []story.LicensePage }](p, p.Ask("GET", "/v1/licenses", nil), 200).Licenses; len(licenses) != 1 {
		t.Errorf("the licenses are %+v", licenses)
	}
}

func TestWhoCancelsWhilePayingHasALicenseOrTheMoneyBack(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	story.Together(t, 8, func(t *testing.T, i int) {
		p := p.As(t)
		o := p.Order(12, story.Today())
		form := p.Pay(o.Number, story.Banks[i%len(story.Banks)])
		var cancelled story.Answer
		story.Together(t, 2, func(t *testing.T, i int) {
			p := p.As(t)
			if i == 0 {
				p.Returned(p.Back(p.At(form, "action=pay&notice=before")), o.Number)
				return
			}
			time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
			cancelled = p.Ask("DELETE", "/v1/orders/"+o.Number, nil)
		})
		o = p.Becomes(o.Number, 20*time.Second, func(o story.OrderPage) bool { return o.State == "paid" || len(o.RefundCases) > 0 })
		if paid := o.State == "paid"; paid != (cancelled.Status == 409) || paid != (o.License != nil) || paid == (len(o.RefundCases) == 1) {
			t.Errorf("cancelling was answered %d, and the order is %+v", cancelled.Status, o)
		}
	})
}

func TestSixteenOrdersUnderOneKeyAreOne(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	answers := make([]story.Answer, 16)
	wish := p.Wish(12, story.Today())
	story.Together(t, len(answers), func(t *testing.T, i int) {
		answers[i] = p.As(t).Ask("POST", "/v1/orders", wish, "Idempotency-Key", "once")
	})
	for _, a := range answers {
		if p.Want(a, 201, ""); string(a.Body) != string(answers[0].Body) {
			t.Errorf("one answer is\n%s, another\n%s", a.Body, answers[0].Body)
		}
	}
	if orders := story.Read[struct{ Orders []story.OrderPage }](p, p.Ask("GET", "/v1/orders", nil), 200).Orders; len(orders) != 1 {
		t.Errorf("the orders are %+v", orders)
	}
	number := story.Read[story.OrderPage](p, answers[0], 201).Number
	story.Together(t, len(answers), func(t *testing.T, i int) {
		answers[i] = p.As(t).Ask("POST", "/v1/orders/"+number+"/payments", map[string]string{"method": "bank_link", "bank": "lhv"}, "Idempotency-Key", "once")
	})
	stamps := map[string]bool{} // the form itself bears the time at which it was asked for
	for _, a := range answers {
		stamps[story.Read[struct{ Form banklink.Form }](p, a, 201).Form.Fields["VK_STAMP"]] = true
	}
	if o := p.See(number); len(o.Attempts) != 1 || len(stamps) != 1 {
		t.Errorf("the attempts are %+v, the forms' stamps %v", o.Attempts, stamps)
	}
	p.Want(p.Ask("POST", "/v1/orders/"+number+"/payments", map[string]string{"method": "bank_link", "bank": "seb"}, "Idempotency-Key", "once"), 409, "idempotency_key_reused")
}
