package payment

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"opiq/shared/everypay"
	"opiq/shared/order"
)

// TestWhatABuyerIsToldFirst is the table of situations, and of how the order can be paid in each.
func TestWhatABuyerIsToldFirst(t *testing.T) {
	all := order.Methods
	for _, c := range []struct {
		name    string
		play    func(*story)
		want    order.Situation
		payWith []order.Method
	}{
		{"nobody has done anything", func(s *story) {}, order.ToPay, all},
		{"just sent to pay", func(s *story) { s.card("1") }, order.WaitsForBank, all},
		{"sent to pay, and not seen again", func(s *story) { s.card("1"); s.now = s.now.Add(patience) }, order.ToPay, all},
		{"sent to a provider that did not answer", func(s *story) {
			a, _ := s.Order.Start(order.Way{Method: order.ByCard}, "1", "et", nil, s.now)
			s.keep(Change{Attempt: &a})
		}, order.ToPay, all},
		{"agreed, and the bank is slow", func(s *story) {
			s.hears(answer(s.card("1"), everypay.SentForProcessing, price), "")
			s.now = s.now.Add(24 * time.Hour)
		}, order.WaitsForBank, all},
		{"the card was refused", func(s *story) { s.hears(answer(s.card("1"), everypay.StateFailed, price), "") }, order.TryAgain, all},
		{"refused, and tried again", func(s *story) {
			s.hears(answer(s.card("1"), everypay.StateFailed, price), "")
			s.now = s.now.Add(time.Minute)
			s.card("2")
		}, order.WaitsForBank, all},
		{"tried twice, and the first is refused at last", func(s *story) {
			a := s.card("1")
			s.now = s.now.Add(time.Minute)
			s.card("2")
			s.hears(answer(a, everypay.StateFailed, price), "")
		}, order.WaitsForBank, all},
		{"an invoice", func(s *story) { s.Order.Bill = &order.Bill{ExpiresOn: today.AddDays(28)} }, order.WaitsForBill, all},
		{"a part has come", func(s *story) { s.receives("part", 1000) }, order.PaidInPart, all},
		{"paid", func(s *story) { s.pays("1") }, order.IsPaid, nil},
		{"paid twice", func(s *story) { s.receives("1", price); s.receives("2", price) }, order.PaidTooMuch, nil},
		{"paid twice, and given back", func(s *story) { s.receives("1", price); s.receives("2", price); s.back(Surplus, 0) }, order.IsPaid, nil},
		{"paid, at a lower price at last", func(s *story) { s.pays("1"); s.back(PriceReduction, 100) }, order.IsPaid, nil},
		{"charged back", func(s *story) { s.hears(answer(s.pays("1"), everypay.StateChargedBack, 0), "") }, order.OwedAgain, all},
		{"charged back, and just sent to pay again", func(s *story) {
			s.hears(answer(s.pays("1"), everypay.StateChargedBack, 0), "")
			s.now = s.now.Add(time.Minute)
			s.card("2")
		}, order.WaitsForBank, all},
		{"given up", func(s *story) { s.does(s.Cancel(s.now)) }, order.IsCancelled, nil},
		{"its time is up, and nobody has ended it", func(s *story) { s.now = s.now.Add(order.Lives) }, order.ToPay, nil},
		{"expired", func(s *story) { s.now = s.now.Add(order.Lives); s.does3(s.Step(s.now)) }, order.IsExpired, nil},
		{"annulled", func(s *story) { s.pays("1"); s.back(Agreed, 0) }, order.IsAnnulled, nil},
	} {
		s := begin(t)
		c.play(s)
		d := s.Document(s.now)
		if d.Situation != c.want || !slices.Equal(d.PayWith, c.payWith) {
			t.Errorf("%s: %s, to be paid by %v", c.name, d.Situation, d.PayWith)
		}
	}
}

// TestABuyerSeesWhatGoesBack, and of an account its end only.
func TestABuyerSeesWhatGoesBack(t *testing.T) {
	s := begin(t)
	s.receives("entry", price)
	s.receives("again", 1000)
	s.back(Surplus, 0)
	s.back(PriceReduction, 500)
	d := s.Document(s.now)
	if len(d.Refunds) != 2 || len(d.RefundCases) != 1 || d.RefundCases[0].State != "given" || d.Credited != 500 || d.Received != price-500 || d.Open != 0 {
		t.Fatalf("%+v", d)
	}
	for _, r := range d.Refunds {
		if r.Account != "…9017" || r.State != "requested" || r.Way != "transfer" || (r.Credit == "2026-000001") != (r.Reason == "price_reduction") {
			t.Errorf("%+v", r)
		}
	}
	if text, err := json.Marshal(d); err != nil || strings.Contains(string(text), "EE171010123456789017") || strings.Contains(string(text), "liis") {
		t.Errorf("%s (%v)", text, err)
	}
}
