package main

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"opiq/shared/banklink"
)

var banks = []string{"swedbank", "seb", "lhv", "luminor", "coop"}

// TestMoneyIsBookedOnceHoweverTheBankSpeaks is every way in which a bank's notice and the buyer's return can come.
func TestMoneyIsBookedOnceHoweverTheBankSpeaks(t *testing.T) {
	s := story(t)
	for _, notice := range []string{"before", "after", "twice", "never"} {
		for _, returns := range []int{0, 1, 2} {
			if notice == "never" && returns == 0 {
				continue // nobody tells us: see TestMoneyThatNobodyTellsOfIsFoundWhenTheBuyerReturns
			}
			together(t, len(banks), func(t *testing.T, i int) {
				t.Logf("%s, notice %s the return, %d returns", banks[i], notice, returns)
				purchase(s.member(t), banks[i], notice, returns)
			})
		}
	}
}

// purchase is one purchase of a license that starts today.
func purchase(p *shopper, bank, notice string, returns int) {
	p.want(p.ask("GET", chapter, nil), 403, "NO_LICENSE")
	o := p.order(12, today())
	form := p.pay(o.Number, bank)
	if o = p.see(o.Number); o.State != "placed" || o.License != nil || len(o.Attempts) != 1 || o.Attempts[0].State != "started" {
		p.t.Errorf("before it is paid the order is %+v", o)
	}
	back := p.at(form, "action=pay&notice="+notice)
	for range returns {
		p.returned(p.back(back), o.Number)
	}
	o = p.paid(o.Number)
	if notice == "after" || notice == "twice" { // the bank speaks once more
		time.Sleep(1200 * time.Millisecond)
	}
	p.want(p.ask("GET", chapter, nil), 200, "")
	p.gets(subject("verify"), subject("payment_receipt", "{order}", o.Number), subject("order_confirmation", "{order}", o.Number), subject("license_active"))
	o = p.see(o.Number)
	if o.License == nil || o.License.State != "active" || len(o.Attempts) != 1 || o.Attempts[0].State != "succeeded" || o.Attempts[0].Bank != bank || len(o.RefundCases) > 0 {
		p.t.Errorf("the paid order is %+v", o)
	}
	if all := read[struct{ Licenses []licensePage }](p, p.ask("GET", "/v1/licenses", nil), 200); len(all.Licenses) != 1 {
		p.t.Errorf("the licenses are %+v", all)
	}
}

func TestMoneyThatNobodyTellsOfIsFoundWhenTheBuyerReturns(t *testing.T) {
	s := story(t)
	p := s.member(t)
	o := p.order(12, today())
	back := p.at(p.pay(o.Number, "luminor"), "action=pay&notice=never")
	s.rest(t, 20*time.Second)
	if o = p.see(o.Number); o.State != "placed" || o.Attempts[0].State != "started" {
		t.Errorf("nobody told us, and the order is %+v", o)
	}
	p.want(p.ask("GET", chapter, nil), 403, "NO_LICENSE")
	p.returned(p.back(back), o.Number) // the buyer finds the page again
	p.paid(o.Number)
	p.want(p.ask("GET", chapter, nil), 200, "")
}

func TestMoneyForACancelledOrderGoesBack(t *testing.T) {
	s := story(t)
	p := s.member(t)
	o := p.order(12, today())
	form := p.pay(o.Number, "seb")
	p.want(p.ask("DELETE", "/v1/orders/"+o.Number, nil), 204, "")
	p.want(p.ask("DELETE", "/v1/orders/"+o.Number, nil), 204, "")
	p.want(p.ask("POST", "/v1/orders/"+o.Number+"/payments", map[string]string{"method": "bank_link", "bank": "seb"}), 409, "order_cancelled")
	p.returned(p.back(p.at(form, "action=pay&notice=twice")), o.Number) // the bank's page was open still
	o = p.becomes(o.Number, 20*time.Second, func(o orderPage) bool { return len(o.RefundCases) > 0 })
	if o.State != "cancelled" || o.License != nil || len(o.RefundCases) != 1 || o.RefundCases[0].Amount != o.Price.Gross || o.RefundCases[0].Reason != "cancelled" || o.RefundCases[0].State != "open" {
		t.Errorf("the order is %+v", o)
	}
	p.want(p.ask("GET", chapter, nil), 403, "NO_LICENSE")
	time.Sleep(1200 * time.Millisecond) // the second notice
	refund := p.mail(subject("refund_case", "{order}", o.Number)).Subject
	p.gets(subject("verify"), subject("order_confirmation", "{order}", o.Number), refund)
}

func TestTheSameFormPaidTwiceIsMoneyBack(t *testing.T) {
	s := story(t)
	p := s.member(t)
	o := p.order(12, today())
	form := p.pay(o.Number, "coop")
	p.returned(p.back(p.at(form, "action=pay&notice=before")), o.Number)
	p.paid(o.Number)
	p.returned(p.back(p.at(form, "action=pay&notice=before&again=1")), o.Number)
	o = p.becomes(o.Number, 20*time.Second, func(o orderPage) bool { return len(o.RefundCases) > 0 })
	if o.State != "paid" || len(o.RefundCases) != 1 || o.RefundCases[0].Reason != "duplicate" || o.RefundCases[0].Amount != o.Price.Gross {
		t.Errorf("the order is %+v", o)
	}
}

func TestWhoGivesUpAtTheBankCanPayAfterAll(t *testing.T) {
	s := story(t)
	for _, bank := range banks {
		t.Run(bank, func(t *testing.T) {
			p := s.member(t)
			o := p.order(12, today())
			form := p.pay(o.Number, bank)
			p.returned(p.back(p.at(form, "action=cancel")), o.Number)
			o = p.becomes(o.Number, 20*time.Second, func(o orderPage) bool { return o.Attempts[0].State == "failed" })
			if o.State != "placed" || o.License != nil {
				t.Errorf("after giving up the order is %+v", o)
			}
			second := p.pay(o.Number, bank)
			if second.Fields["VK_STAMP"] == form.Fields["VK_STAMP"] {
				t.Error("both attempts have one stamp")
			}
			p.returned(p.back(p.at(second, "action=pay&notice=before")), o.Number)
			p.paid(o.Number)
			// A failure that comes after the money changes nothing.
			p.returned(p.back(p.at(second, "action=cancel")), o.Number)
			s.rest(t, 20*time.Second)
			o = p.see(o.Number)
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
	s := story(t)
	p := s.member(t)
	o := p.order(12, today())
	forms := make([]banklink.Form, 16)
	for i := range forms {
		forms[i] = p.pay(o.Number, banks[i%len(banks)])
	}
	together(t, len(forms), func(t *testing.T, i int) {
		p := p.as(t)
		p.returned(p.back(p.at(forms[i], "action=pay&notice=twice")), o.Number)
	})
	o = p.becomes(o.Number, 40*time.Second, func(o orderPage) bool { return o.State == "paid" && len(o.RefundCases) == 15 })
	time.Sleep(1500 * time.Millisecond) // the banks' second notices
	s.rest(t, 40*time.Second)
	o = p.see(o.Number)
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
	if got := len(p.subjects()); got != 4+15 {
		t.Errorf("%d mails came: %q", got, p.subjects())
	}
	if licenses := read[struct{ Licenses []licensePage }](p, p.ask("GET", "/v1/licenses", nil), 200).Licenses; len(licenses) != 1 {
		t.Errorf("the licenses are %+v", licenses)
	}
}

func TestWhoCancelsWhilePayingHasALicenseOrTheMoneyBack(t *testing.T) {
	s := story(t)
	p := s.member(t)
	together(t, 8, func(t *testing.T, i int) {
		p := p.as(t)
		o := p.order(12, today())
		form := p.pay(o.Number, banks[i%len(banks)])
		var cancelled answer
		together(t, 2, func(t *testing.T, i int) {
			p := p.as(t)
			if i == 0 {
				p.returned(p.back(p.at(form, "action=pay&notice=before")), o.Number)
				return
			}
			time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
			cancelled = p.ask("DELETE", "/v1/orders/"+o.Number, nil)
		})
		o = p.becomes(o.Number, 20*time.Second, func(o orderPage) bool { return o.State == "paid" || len(o.RefundCases) > 0 })
		if paid := o.State == "paid"; paid != (cancelled.status == 409) || paid != (o.License != nil) || paid == (len(o.RefundCases) == 1) {
			t.Errorf("cancelling was answered %d, and the order is %+v", cancelled.status, o)
		}
	})
}

func TestSixteenOrdersUnderOneKeyAreOne(t *testing.T) {
	s := story(t)
	p := s.member(t)
	answers := make([]answer, 16)
	wish := p.wish(12, today())
	together(t, len(answers), func(t *testing.T, i int) {
		answers[i] = p.as(t).ask("POST", "/v1/orders", wish, "Idempotency-Key", "once")
	})
	for _, a := range answers {
		if p.want(a, 201, ""); string(a.body) != string(answers[0].body) {
			t.Errorf("one answer is\n%s, another\n%s", a.body, answers[0].body)
		}
	}
	if orders := read[struct{ Orders []orderPage }](p, p.ask("GET", "/v1/orders", nil), 200).Orders; len(orders) != 1 {
		t.Errorf("the orders are %+v", orders)
	}
	number := read[orderPage](p, answers[0], 201).Number
	together(t, len(answers), func(t *testing.T, i int) {
		answers[i] = p.as(t).ask("POST", "/v1/orders/"+number+"/payments", map[string]string{"method": "bank_link", "bank": "lhv"}, "Idempotency-Key", "once")
	})
	stamps := map[string]bool{} // the form itself bears the time at which it was asked for
	for _, a := range answers {
		stamps[read[struct{ Form banklink.Form }](p, a, 201).Form.Fields["VK_STAMP"]] = true
	}
	if o := p.see(number); len(o.Attempts) != 1 || len(stamps) != 1 {
		t.Errorf("the attempts are %+v, the forms' stamps %v", o.Attempts, stamps)
	}
	p.want(p.ask("POST", "/v1/orders/"+number+"/payments", map[string]string{"method": "bank_link", "bank": "seb"}, "Idempotency-Key", "once"), 409, "idempotency_key_reused")
}
