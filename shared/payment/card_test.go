package payment

import (
	"errors"
	"testing"
	"time"

	"opiq/shared/everypay"
	"opiq/shared/letter"
	"opiq/shared/money"
	"opiq/shared/order"
)

// TestWhatTheCardProviderSays is the table of all that it can say, about a payment that we have not booked, one that we have, one of
// which somebody gave ten euros back on the provider's pages, and one that the card's holder took back.
func TestWhatTheCardProviderSays(t *testing.T) {
	const (
		open    = "placed; open 24.80"
		whole   = "paid; card: 24.80"
		part    = "reopened; open 10.00; on hold; card: 14.80, back 10.00; card done 10.00"
		charged = "reopened; open 24.80; on hold; card: returned, void charged_back 24.80"
		gone    = "reopened; open 24.80; on hold; card: 0.00, back 24.80; card done 24.80"
		goneToo = "reopened; open 24.80; on hold; card: 0.00, back 24.80; card done 10.00; card done 14.80"
		both    = "reopened; open 24.80; on hold; card: returned, void charged_back 14.80, back 10.00; card done 10.00"
	)
	spelled := map[everypay.Meaning][]everypay.State{
		everypay.Pending: {
			everypay.Initial, everypay.Waiting3DS, "waiting_for_3ds", everypay.WaitingSCA, everypay.Confirmed3DS, "confirmed_3ds", everypay.SentForProcessing,
			everypay.Authorised, "authorized", "nobody_knows_this",
		},
		everypay.Settled:     {everypay.StateSettled},
		everypay.Failed:      {everypay.StateFailed, everypay.Abandoned},
		everypay.Voided:      {everypay.StateVoided},
		everypay.Refunded:    {everypay.StateRefunded},
		everypay.ChargedBack: {everypay.StateChargedBack, "chargebacked"},
	}
	before := []struct {
		name string
		play func(*story, order.Attempt)
	}{
		{"not booked", func(*story, order.Attempt) {}},
		{"booked", func(s *story, a order.Attempt) {
			s.hears(answer(a, everypay.StateSettled, price), everypay.StatusUpdated)
		}},
		{"given back", func(s *story, a order.Attempt) {
			s.hears(answer(a, everypay.StateSettled, price), everypay.StatusUpdated)
			s.hears(answer(a, everypay.StateRefunded, price-1000), everypay.EventRefunded)
		}},
		{"charged back", func(s *story, a order.Attempt) {
			s.hears(answer(a, everypay.StateSettled, price), everypay.StatusUpdated)
			s.hears(answer(a, everypay.StateChargedBack, 0), everypay.EventChargedBack)
		}},
	}
	for _, c := range []struct {
		meaning  everypay.Meaning
		standing money.Amount
		want     [4]string // of before
		attempt  order.AttemptState
	}{
		{everypay.Pending, price, [4]string{open, whole, part, charged}, order.Started},
		{everypay.Failed, price, [4]string{open, whole, part, charged}, order.Failed},
		{everypay.Settled, price, [4]string{whole, whole, part, charged}, order.Succeeded},
		{everypay.Voided, 0, [4]string{open, gone, goneToo, charged}, order.Failed},
		{everypay.Refunded, price - 1000, [4]string{"placed; open 10.00; card: 14.80, back 10.00; card done 10.00", part, part, charged}, order.Succeeded},
		{everypay.Refunded, 0, [4]string{"placed; open 24.80; card: 0.00, back 24.80; card done 24.80", gone, goneToo, charged}, order.Succeeded},
		{everypay.ChargedBack, 0, [4]string{"placed; open 24.80; card: returned, void charged_back 24.80", charged, both, charged}, order.Succeeded},
	} {
		for _, state := range spelled[c.meaning] {
			for i, b := range before {
				s := begin(t)
				a := s.card("1")
				b.play(s, a)
				s.hears(answer(a, state, c.standing), everypay.StatusUpdated)
				if got := s.summary(); got != c.want[i] {
					t.Errorf("%s, where it is %s:\n\t%s, not\n\t%s", state, b.name, got, c.want[i])
				}
				attempt := c.attempt
				if i > 0 { // its money came
					attempt = order.Succeeded
				}
				if got := s.Attempts[0].State; got != attempt {
					t.Errorf("%s, where it is %s: the attempt is %s, not %s", state, b.name, got, attempt)
				}
				if s.hears(answer(a, state, c.standing), everypay.StatusUpdated) {
					t.Errorf("%s, where it is %s, is news again", state, b.name)
				}
			}
		}
	}
}

func TestWhatIsNotOfTheAttemptIsRefused(t *testing.T) {
	s := begin(t)
	a := s.card("1")
	right := answer(a, everypay.StateSettled, price)
	for want, change := range map[Refusal]func(*everypay.Payment){
		UnknownAttempt: func(p *everypay.Payment) { p.Reference = "ffffffffffffffff" },
		OtherAttempt:   func(p *everypay.Payment) { p.Order = string(a.Order) + "000000000" },
		WrongAmount:    func(p *everypay.Payment) { p.Amount-- },
	} {
		p := right
		change(&p)
		if c, news, err := Card(s.Book, a.ID, p, "", noon); !errors.Is(err, want) || news || c.Attempt != nil {
			t.Errorf("%s: %t %v", want, news, err)
		}
	}
	if _, _, err := Card(s.Book, "000000000", right, "", noon); !errors.Is(err, UnknownAttempt) {
		t.Error(err)
	}
	p := right
	p.Amount = 0
	if _, _, err := Card(s.Book, a.ID, p, "", noon); !errors.Is(err, WrongAmount) {
		t.Errorf("paid, and nobody says how much: %v", err)
	}
}

func TestAPaymentThatNeverEndsIsGivenUpAndCountsAllTheSame(t *testing.T) {
	s := begin(t)
	a := s.card("1")
	s.now = noon.Add(order.GivenUp - time.Second)
	if s.hears(answer(a, everypay.SentForProcessing, price), ""); s.Attempts[0].State != order.Started {
		t.Errorf("the attempt is %s", s.Attempts[0].State)
	}
	s.now = noon.Add(order.GivenUp)
	if s.hears(answer(a, everypay.SentForProcessing, price), ""); s.Attempts[0].State != order.Failed {
		t.Errorf("the attempt is %s", s.Attempts[0].State)
	}
	if s.Attempts[0].Pending() {
		t.Error("the provider is asked on")
	}
	s.hears(answer(a, everypay.StateSettled, price), everypay.StatusUpdated)
	s.is("paid; card: 24.80")
}

// TestTheSecondCardPaymentGoesBack: of the same order by another attempt, also where the first came by a bank link.
func TestTheSecondCardPaymentGoesBack(t *testing.T) {
	s := begin(t)
	first, second := s.card("1"), s.card("2")
	s.hears(answer(second, everypay.StateSettled, price), everypay.StatusUpdated)
	s.hears(answer(first, everypay.StateSettled, price), everypay.StatusUpdated)
	s.is("paid; card: 24.80; card: 0.00, open duplicate 24.80")
	s.wrote(letter.PaymentReceipt, 1)
	s.wrote(letter.RefundCase, 1)
}

func TestOpenBankingIsABankLink(t *testing.T) {
	by := func(a order.Attempt, state everypay.State, standing money.Amount) everypay.Payment {
		p := answer(a, state, standing)
		p.Method, p.Transfer = "lhv_ob_ee", &everypay.Transfer{Payer: "EE171010123456789017", To: lhv, Number: "77"}
		return p
	}
	s := begin(t)
	a := s.card("1")
	s.hears(by(a, everypay.StateSettled, price), everypay.StatusUpdated)
	s.is("paid; bank_link: 24.80")
	if p := s.Payments[0]; p.Payer != "EE171010123456789017" || p.To != lhv || p.Number != "77" || p.Bank != "lhv" || p.Reference != a.Reference {
		t.Errorf("%+v", p)
	}
	s.hears(by(a, everypay.StateRefunded, 0), everypay.EventRefunded) // only marked there
	s.hears(by(a, everypay.StateVoided, 0), everypay.EventVoided)
	s.is("paid; bank_link: 24.80")

	s = begin(t)
	a = s.card("1")
	s.receives("entry", price) // the statement was first
	s.hears(by(a, everypay.StateSettled, price), everypay.StatusUpdated)
	s.is("paid; invoice: 24.80")
	if p := s.Payments[0]; p.Reference != a.Reference || !s.Told(p.ID) {
		t.Errorf("%+v", p)
	}
	if s.hears(by(a, everypay.StateSettled, price), everypay.StatusUpdated) {
		t.Error("it is news again")
	}
}

// ---- What goes back on the provider's pages

// TestGivenBackElsewhere: first what waited for that, then what the order had taken.
func TestGivenBackElsewhere(t *testing.T) {
	s := begin(t)
	s.receives("entry", 1480)
	a := s.card("1") // of 10.00
	s.Attempts[0].Amount = 1500
	a.Amount = 1500
	s.hears(answer(a, everypay.StateSettled, 1500), everypay.StatusUpdated)
	s.is("paid; invoice: 14.80; card: 10.00, open overpaid 5.00")
	s.hears(answer(a, everypay.StateRefunded, 1200), everypay.EventRefunded)
	s.is("paid; invoice: 14.80; card: 10.00, open overpaid 2.00, back 3.00; card done 3.00")
	s.wrote(letter.RefundDone, 1)
	s.hears(answer(a, everypay.StateRefunded, 900), everypay.EventRefunded)
	s.is("reopened; open 1.00; on hold; invoice: 14.80; card: 9.00, given overpaid 2.00, back 6.00; card done 3.00; card done 3.00")
	s.wrote(letter.PaymentTakenBack, 1)
	if by := s.Refunds[1]; by.By != "provider" || by.Reason != "" || by.Taken != 100 {
		t.Errorf("%+v", by)
	}
	s.receives("rest", 100)
	if s.is("paid; invoice: 14.80; card: 9.00, given overpaid 2.00, back 6.00; invoice: 1.00; card done 3.00; card done 3.00"); !s.open() {
		t.Error("the license is closed")
	}
}

// TestARefundOfTheirsThatFailed: its money stands again, and comes for the order as if it were new.
func TestARefundOfTheirsThatFailed(t *testing.T) {
	s := begin(t)
	a := s.pays("1")
	for range 3 { // each time is another refund
		s.hears(answer(a, everypay.StateRefunded, price-1000), everypay.EventRefunded)
		if s.open() || s.Order.State != order.Reopened {
			t.Error("the order is not owed")
		}
		s.hears(answer(a, everypay.StateSettled, price), everypay.RefundFailed)
		if !s.open() || s.Payments[0].Taken != price || s.Payments[0].Back != 0 {
			t.Errorf("it is %s", s.summary())
		}
	}
	s.is("paid; card: 24.80; card failed 10.00; card failed 10.00; card failed 10.00")
	s.wrote(letter.RefundFailed, 0)
	s.wrote(letter.LicenseRestored, 3)
}

// TestOneOfTwoRefundsFails: the provider says how much stands, and so which.
func TestOneOfTwoRefundsFails(t *testing.T) {
	s := begin(t)
	s.receives("entry", price)
	a := s.cardOf(price)
	for _, amount := range []money.Amount{500, 700} {
		r := s.back(Surplus, amount)[0]
		s.does(s.Finish(r.ID, "", s.now))
	}
	s.is("paid; invoice: 24.80; card: 0.00, open duplicate 12.80, back 12.00; card done 5.00; card done 7.00")
	if s.hears(answer(a, everypay.StateRefunded, price-1200), everypay.RefundFailed); s.Payments[1].Back != 1200 {
		t.Error("nothing stands there again")
	}
	s.hears(answer(a, everypay.StateRefunded, price-500), everypay.EventRefunded)
	if s.Payments[1].Back != 1200 {
		t.Error("an old answer made less of what is gone")
	}
	s.hears(answer(a, everypay.StateRefunded, price-500), everypay.RefundFailed)
	s.is("paid; invoice: 24.80; card: 0.00, open duplicate 19.80, back 5.00; card done 5.00; card failed 7.00")
	s.wrote(letter.RefundFailed, 1)
}

// cardOf is a card payment of so much, of which the order has no need.
func (s *story) cardOf(amount money.Amount) order.Attempt {
	s.Helper()
	was := s.Order.State
	s.Order.State = order.Reopened // the buyer had the page open
	a := s.card("of " + amount.String())
	s.Order.State = was
	s.Attempts[len(s.Attempts)-1].Amount = amount
	a.Amount = amount
	s.hears(answer(a, everypay.StateSettled, amount), everypay.StatusUpdated)
	return a
}

// TestMoreGoesBackThanThereIs: money that paid another order was given back on the provider's pages too.
func TestMoreGoesBackThanThereIs(t *testing.T) {
	s, other := begin(t), begin(t)
	other.Order.Number = "2600012346"
	s.receives("entry", price)
	a := s.cardOf(price)
	if _, err := s.asks(Ask{Reason: Surplus, Amount: some(1000)}, other); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Card(s.Book, a.ID, answer(a, everypay.StateRefunded, 0), everypay.EventRefunded, s.now); !errors.Is(err, MoreBack) {
		t.Errorf("it was booked: %v", err)
	}
	s.hears(answer(a, everypay.StateRefunded, 1000), everypay.EventRefunded) // what was left of it
	s.is("paid; invoice: 24.80; card: 0.00, given duplicate 14.80, back 24.80; offset done 10.00; card done 14.80")
}

// ---- Our own refunds

func TestARefundIsDoneWhenTheProviderSaysSo(t *testing.T) {
	s := begin(t)
	a := s.pays("1")
	r := s.back(Agreed, 0)[0]
	s.is("annulled; credited 24.80; card: 0.00, back 24.80; card requested 24.80")
	ask, err := s.ForProvider(r.ID)
	if err != nil || ask.Amount != price || ask.Standing != price || ask.Payment != a.Reference || len(ask.Nonce) < 16 {
		t.Errorf("%+v %v", ask, err)
	}
	if s.hears(answer(a, everypay.StateSettled, price), everypay.StatusUpdated) {
		t.Error("it did not happen yet")
	}
	s.hears(answer(a, everypay.StateRefunded, 0), everypay.EventRefunded)
	s.is("annulled; credited 24.80; card: 0.00, back 24.80; card done 24.80")
	s.wrote(letter.RefundDone, 1)
	if _, news, err := s.Finish(r.ID, "", s.now); news || err != nil {
		t.Errorf("done twice: %t %v", news, err)
	}
	if ask, err := s.ForProvider(r.ID); ask != nil || err != nil {
		t.Errorf("the provider is asked again: %+v %v", ask, err)
	}
}

// TestWhatStandsAtTheProviderIsWhatWentBackByCard: what went back otherwise the provider knows nothing of.
func TestWhatStandsAtTheProviderIsWhatWentBackByCard(t *testing.T) {
	s, other := begin(t), begin(t)
	other.Order.Number = "2600012346"
	s.receives("entry", price)
	a := s.cardOf(price)
	if _, err := s.asks(Ask{Reason: Surplus, Amount: some(1000)}, other); err != nil {
		t.Fatal(err)
	}
	first := s.back(Surplus, 480)[0]
	if first.Standing != price {
		t.Errorf("before the first refund %s stand", first.Standing)
	}
	s.hears(answer(a, everypay.StateRefunded, price-480), everypay.EventRefunded)
	second := s.back(Surplus, 0)[0]
	if second.Standing != price-480 || second.Amount != 1000 {
		t.Errorf("before the second %s stand, and %s goes back", second.Standing, second.Amount)
	}
	s.hears(answer(a, everypay.StateRefunded, 1000), everypay.EventRefunded)
	s.is("paid; invoice: 24.80; card: 0.00, given duplicate 10.00, back 24.80; offset done 10.00; card done 4.80; card done 10.00")
}

// TestSomebodyWasQuickerThanOurRefund: the provider will not do ours, because another amount stands.
func TestSomebodyWasQuickerThanOurRefund(t *testing.T) {
	s := begin(t)
	s.receives("entry", price)
	a := s.cardOf(price)
	r := s.back(Surplus, 1000)[0]
	s.hears(answer(a, everypay.StateRefunded, price-300), everypay.EventRefunded)
	s.is("paid; invoice: 24.80; card: 0.00, open duplicate 21.80, back 3.00; card failed 10.00; card done 3.00")
	if failed, _ := s.refundOf(r.ID); failed.Trouble != "differs" {
		t.Errorf("%+v", failed)
	}
	if _, _, err := s.Finish(r.ID, "", s.now); !errors.Is(err, ErrRefundMoved) { // its own answer came late
		t.Errorf("a refund that failed was done: %v", err)
	}
}

// ---- Disputes

// TestADispute: the holder takes the money back and loses; whatever happened to the order meanwhile, no cent is lost or doubled.
func TestADispute(t *testing.T) {
	for _, c := range []struct {
		name, want string
		before     func(*story, order.Attempt)
		meanwhile  func(*story)
		standing   money.Amount // when it is won
	}{
		{"nothing else", "paid; card: 24.80, void charged_back 24.80", nil, nil, price},
		{"paid again", "paid; card: 0.00, open duplicate 24.80; invoice: 24.80", nil, func(s *story) { s.receives("again", price) }, price},
		{"paid again in part", "paid; card: 14.80, open overpaid 10.00; invoice: 10.00", nil, func(s *story) { s.receives("again", 1000) }, price},
		{"annulled", "annulled; credited 24.80; card: 0.00, open annulled 24.80", nil, func(s *story) { s.back(NotPaid, 0) }, price},
		{
			"given back in part before", "paid; credited 10.00; card: 14.80, void charged_back 14.80, back 10.00; card done 10.00",
			func(s *story, a order.Attempt) {
				s.back(PriceReduction, 1000)
				s.hears(answer(a, everypay.StateRefunded, price-1000), everypay.EventRefunded)
			}, nil, price - 1000,
		},
		{
			"kept in part of a license that was annulled", "annulled; credited 10.00; card: 14.80, void charged_back 14.80, back 10.00; card done 10.00",
			func(s *story, a order.Attempt) {
				s.back(Breach, 1000)
				s.hears(answer(a, everypay.StateRefunded, price-1000), everypay.EventRefunded)
			}, nil, price - 1000,
		},
		{
			"a refund was on its way, and had got through", "paid; credited 10.00; card: 14.80, given overpaid 10.00, back 10.00; card failed 10.00; card done 10.00",
			func(s *story, _ order.Attempt) { s.back(PriceReduction, 1000) }, nil, price - 1000,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := begin(t)
			a := s.pays("1")
			if c.before != nil {
				c.before(s, a)
			}
			s.hears(answer(a, everypay.StateChargedBack, 0), everypay.EventChargedBack)
			if s.open() || s.Payments[0].ReturnedAt.IsZero() {
				t.Errorf("charged back: %s", s.summary())
			}
			if c.meanwhile != nil {
				c.meanwhile(s)
			}
			state := everypay.StateSettled
			if c.standing < price {
				state = everypay.StateRefunded
			}
			was := s.summary()
			s.hears(answer(a, state, c.standing), everypay.StatusUpdated)
			s.is(was) // only its own event undoes it
			s.hears(answer(a, everypay.StateChargedBack, 0), everypay.DisputeReversed)
			s.is(was) // and an answer that bears it out
			s.hears(answer(a, state, c.standing), everypay.DisputeReversed)
			s.is(c.want)
			s.hears(answer(a, state, c.standing), everypay.DisputeReversed) // told again
			s.is(c.want)
		})
	}
}

// TestARefundMeetsAChargeBack: what was on its way by card is the holder's already, and they hear that nothing more comes.
func TestARefundMeetsAChargeBack(t *testing.T) {
	s := begin(t)
	s.receives("entry", price)
	a := s.cardOf(price)
	r := s.back(Surplus, 1000)[0]
	s.hears(answer(a, everypay.StateChargedBack, 0), everypay.EventChargedBack)
	s.is("paid; invoice: 24.80; card: returned, void charged_back 24.80; card failed 10.00")
	if told := s.wrote(letter.RefundCaseVoid, 1); told.Facts["amount"] != "2480" {
		t.Errorf("they hear that %s cents do not come", told.Facts["amount"])
	}
	s.wrote(letter.PaymentTakenBack, 0) // the order has its money
	if ask, _ := s.ForProvider(r.ID); ask != nil {
		t.Error("the provider is still asked to give it back")
	}
}

// TestChargedBackTwice: won, and lost after all.
func TestChargedBackTwice(t *testing.T) {
	s := begin(t)
	a := s.pays("1")
	for range 3 {
		s.hears(answer(a, everypay.StateChargedBack, 0), everypay.EventChargedBack)
		s.hears(answer(a, everypay.StateSettled, price), everypay.DisputeReversed)
	}
	s.hears(answer(a, everypay.StateChargedBack, 0), everypay.DisputeChargedBack)
	s.is("reopened; open 24.80; on hold; card: returned, void charged_back 24.80")
	s.wrote(letter.PaymentTakenBack, 4)
	s.wrote(letter.PaymentReceipt, 1)
}
