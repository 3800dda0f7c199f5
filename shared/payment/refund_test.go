package payment

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"opiq/shared/account"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/problem"
)

// fields are the wrong fields of a failure, or its code.
func fields(err error) string {
	p, ok := errors.AsType[*problem.Error](err)
	if !ok {
		return fmt.Sprint(err)
	}
	var all []string
	for _, f := range p.Fields {
		all = append(all, f.Code+" "+f.Pointer)
	}
	return cmp.Or(strings.Join(all, ", "), p.Code)
}

func TestNamesOfRefunds(t *testing.T) {
	id := RefundID("2600012345-0123456789ab")
	if got, n, ok := ParseEndToEnd(id.EndToEnd()); !ok || got != id || n != "2600012345" || len(id.EndToEnd()) > 35 {
		t.Errorf("%s %s %t", got, n, ok)
	}
	for _, bad := range []string{"", "OPIQ-", "2600012345-0123456789ab", "OPIQ-0600012345-0123456789ab", "OPIQ-2600012345-0123456789aB", "OPIQ-2600012345-0123456789", "opiq-2600012345-0123456789ab"} {
		if _, _, ok := ParseEndToEnd(bad); ok {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestAnAskNamesEveryWrongField(t *testing.T) {
	zero := money.Amount(0)
	for name, c := range map[string]struct {
		ask  Ask
		want string
	}{
		"right":                      {Ask{Reason: Agreed, Key: "k"}, ""},
		"nothing":                    {Ask{}, "unknown_reason /reason, required /key"},
		"no reason of ours":          {Ask{Reason: "because", Key: "k"}, "unknown_reason /reason"},
		"no cent, and a long story":  {Ask{Reason: Agreed, Key: "k", Amount: &zero, Note: strings.Repeat("ü", 501)}, "not_positive /amount, length /note"},
		"no order":                   {Ask{Reason: Agreed, Key: "k", Offset: "12"}, "unknown_order /offset"},
		"nobody's account":           {Ask{Reason: Agreed, Key: "k", To: &Party{" ", "EE00"}}, "not_an_iban /to/iban, length /to/name"},
		"to an account and an order": {Ask{Reason: Agreed, Key: "k", Offset: "2600012346", To: &Party{"Mari", lhv}}, "one_of /to"},
	} {
		if got := fields(problem.Wrong(c.ask.Check())); got != c.want && (c.want != "" || got != "<nil>") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestWhatEachReasonDoes is the table of the closed list (AMB-2): all that was paid, and a part, of an order that is paid, and of one
// whose money was taken back in part.
func TestWhatEachReasonDoes(t *testing.T) {
	const (
		none     = "nothing_to_refund"
		annulled = "annulled; credited 24.80"
		kept     = "annulled; credited 14.80"
	)
	for _, c := range []struct {
		why                                 Why
		whole, part, reopened, reopenedPart string // the whole is 24.80, a part 10.00; reopened, 14.80 are left, and a part is 4.80
	}{
		{SystemError, annulled, "paid; credited 10.00", none, none},
		{NotPaid, none, none, annulled, kept},
		{FalseData, annulled, "annulled; credited 10.00", annulled, kept},
		{Breach, annulled, "annulled; credited 10.00", annulled, kept},
		{NotSupplied, annulled, "paid; credited 10.00; shortened", none, none},
		{Agreed, annulled, "paid; credited 10.00; shortened", none, none},
		{PriceReduction, "too_much /amount", "paid; credited 10.00", none, none},
		{Surplus, none, none, none, none},
	} {
		for _, x := range []struct {
			want     string
			amount   money.Amount
			reopened bool
		}{{c.whole, 0, false}, {c.whole, price, false}, {c.part, 1000, false}, {c.reopened, 0, true}, {c.reopenedPart, 480, true}} {
			s := begin(t)
			s.receives("first", 1480)
			s.receives("second", 1000)
			if x.reopened {
				s.must(s.TakeBack("second", s.now))
			}
			credit := s.number
			_, err := s.asks(Ask{Reason: c.why, Amount: some(x.amount)}, nil)
			got, _, _ := strings.Cut(s.summary(), "; invoice")
			if s.License.EndsOn.Before(s.License.StartsOn.AddMonths(6)) {
				got += "; shortened"
			}
			if err != nil {
				got = fields(err)
			}
			if got == "refund_too_much" && c.why == Surplus {
				got = none
			}
			if x.amount > 0 && x.amount < price && got == "refund_too_much" { // of nothing, a part is too much
				got = none
			}
			if got != x.want {
				t.Errorf("%s, %s of an order that is reopened %t: %s, not %s", c.why, x.amount, x.reopened, got, x.want)
			}
			annuls := strings.HasPrefix(got, "annulled")
			if annuls != (s.License.At(s.now) == license.Annulled) || (err == nil) != (s.number > credit) {
				t.Errorf("%s: the license is %s, %d credit invoices", c.why, s.License.At(s.now), s.number)
			}
		}
	}
}

// ---- How money goes back

func TestMoneyGoesBackToWhereItCameFrom(t *testing.T) {
	s := begin(t)
	s.receives("entry", 1000)
	s.pays("1")
	refunds := s.back(Agreed, 0)
	s.is("annulled; credited 24.80; invoice: 0.00, back 10.00; card: 0.00, back 14.80; card requested 14.80; transfer requested 10.00")
	r := refunds[1]
	if r.IBAN != "EE171010123456789017" || r.Name != "Mari Maasikas" || r.Credit != "2026-000001" || r.Taken != 1000 || r.Payout == "" {
		t.Errorf("%+v", r)
	}
	s.wrote(letter.Refund, 2)
}

// TestTheFileHasEachTransferByItsName: of one ask, in one file.
func TestTheFileHasEachTransferByItsName(t *testing.T) {
	s := begin(t)
	s.receives("first", 1480)
	s.receives("second", 1000)
	out, err := s.Refund(Ask{Reason: Agreed, Key: "k"}, nil, "2026-000001", s.desk())
	if err != nil {
		t.Fatal(err)
	}
	file := out.Change.Payout
	if len(file.Transfers) != 2 || file.Sum() != price || file.ExecuteOn != today || file.Debtor.IBAN != lhv {
		t.Fatalf("%+v", file)
	}
	for i, r := range out.Refunds {
		if x := file.Transfers[i]; r.Payout != file.ID || x.EndToEnd != r.ID.EndToEnd() || x.Amount != r.Amount || x.IBAN != r.IBAN {
			t.Errorf("%+v is sent as %+v", r, x)
		}
	}
}

// TestWhereItCameFromTakesNothing: nobody knows the account, no transfer reaches it, or it sent the money back.
func TestWhereItCameFromTakesNothing(t *testing.T) {
	to := &Party{" Jaan Tamm ", "EE382200221020145685"}
	for name, c := range map[string]struct {
		payer, without string
		fails          bool // a refund has failed before
	}{
		"a known account":            {"EE171010123456789017", "<nil>", false},
		"nobody knows":               {"", "required /to", false},
		"an old account number":      {"10101234567890", "required /to", false},
		"no bank of SEPA":            {"KZ86125KZT5004100100", "required /to", false},
		"the account sent it back":   {"EE171010123456789017", "<nil>", true},
		"a known account by another": {"FI2112345600000785", "<nil>", false},
	} {
		s := begin(t)
		s.receives("entry", price)
		s.Payments[0].Payer = c.payer
		if c.fails {
			r := s.back(PriceReduction, 100)[0]
			s.does(s.ComeBack(r.ID, "bounce", "AC04", s.now))
		}
		if _, err := s.Refund(Ask{Reason: Agreed, Amount: some(1000), Key: "k"}, nil, "2026-000009", s.desk()); fields(err) != c.without {
			t.Errorf("%s: %s", name, fields(err))
		}
		want := "not_asked /to"
		if c.without != "<nil>" || c.fails {
			want = "<nil>"
		}
		out, err := s.Refund(Ask{Reason: Agreed, Amount: some(1000), Key: "k", To: to}, nil, "2026-000009", s.desk())
		if fields(err) != want {
			t.Errorf("%s, and staff say another one: %s", name, fields(err))
		}
		if err == nil && (out.Refunds[0].Name != "Jaan Tamm" || out.Refunds[0].IBAN != to.IBAN) {
			t.Errorf("%s: %+v", name, out.Refunds[0])
		}
	}
}

// TestOneOfTheAccountsIsUnknown: the other part goes back to where it came from all the same, and a card's money to the card.
func TestOneOfTheAccountsIsUnknown(t *testing.T) {
	s := begin(t)
	s.receives("known", 1000)
	s.receives("unknown", 400)
	s.Payments[1].Payer = ""
	s.pays("1")
	refunds, err := s.asks(Ask{Reason: FalseData, To: &Party{"Jaan", "EE382200221020145685"}}, nil)
	if err != nil || len(refunds) != 3 {
		t.Fatalf("%+v %v", refunds, err)
	}
	for _, r := range refunds {
		if want := map[ID]string{"known": "EE171010123456789017", "unknown": "EE382200221020145685"}[r.Payment]; r.IBAN != want {
			t.Errorf("%s goes to %q", r.Payment, r.IBAN)
		}
	}
}

// TestWhatWaitedLongestGoesBackFirst, and of the price what came last.
func TestWhatWaitedLongestGoesBackFirst(t *testing.T) {
	s := begin(t)
	for _, id := range []ID{"z", "m", "a"} {
		s.receives(id, 1000)
		s.now = s.now.AddDate(0, 0, 1)
	}
	s.receives("too much", 500)
	s.is("paid; invoice: 10.00; invoice: 10.00; invoice: 4.80, open overpaid 5.20; invoice: 0.00, open duplicate 5.00")
	s.back(Surplus, 600)
	s.is("paid; invoice: 10.00; invoice: 10.00; invoice: 4.80, given overpaid 5.20, back 5.20; invoice: 0.00, open duplicate 4.20, back 0.80; " +
		"transfer requested 5.20; transfer requested 0.80")
	s.back(Agreed, 600)
	s.is("paid; credited 6.00; invoice: 10.00; invoice: 8.80, back 1.20; invoice: 0.00, given overpaid 5.20, back 10.00; invoice: 0.00, open duplicate 4.20, back 0.80; " +
		"transfer requested 5.20; transfer requested 0.80; transfer requested 4.80; transfer requested 1.20")
	if _, err := s.asks(Ask{Reason: Surplus, Amount: some(421)}, nil); !errors.Is(err, ErrTooMuchBack) {
		t.Error("more goes back than waits:", err)
	}
	if _, err := s.asks(Ask{Reason: Agreed, Amount: some(1881)}, nil); !errors.Is(err, ErrTooMuchBack) {
		t.Error("more goes back than the order has taken:", err)
	}
}

func TestTheSameAskIsTheSameRefund(t *testing.T) {
	s := begin(t)
	s.receives("entry", price)
	ask := Ask{Reason: PriceReduction, Amount: some(500), Note: "two works less", Key: "k"}
	first, err := s.asks(ask, nil)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Asked(ask); err != nil || len(again) != 1 || again[0].ID != first[0].ID {
		t.Errorf("%+v %v", again, err)
	}
	for _, other := range []Ask{
		{Reason: Agreed, Amount: some(500), Note: ask.Note, Key: "k"}, {Reason: PriceReduction, Amount: some(501), Note: ask.Note, Key: "k"},
		{Reason: PriceReduction, Amount: some(500), Key: "k"}, {Reason: PriceReduction, Note: ask.Note, Key: "k"},
	} {
		if _, err := s.Asked(other); !errors.Is(err, ErrRefundKey) {
			t.Errorf("%+v: %v", other, err)
		}
	}
	ask.Key = "l"
	if again, err := s.Asked(ask); len(again) > 0 || err != nil {
		t.Errorf("%+v %v", again, err)
	}
}

// TestOneAfterTheOther: the provider does one refund of a card payment at a time.
func TestOneAfterTheOther(t *testing.T) {
	s := begin(t)
	s.pays("1")
	r := s.back(PriceReduction, 500)[0]
	if _, err := s.asks(Ask{Reason: PriceReduction, Amount: some(500)}, nil); !errors.Is(err, ErrRefundRuns) {
		t.Error(err)
	}
	s.does(s.Finish(r.ID, "", s.now))
	s.back(PriceReduction, 500)
}

// TestTooManyParts: what was paid in as many parts as an order takes goes back in one transaction, and more does not.
func TestTooManyParts(t *testing.T) {
	size := func(out Refunding) (n int) {
		all := []Change{out.Change}
		if out.Other != nil {
			all = append(all, *out.Other)
		}
		for _, c := range all {
			n += len(c.Payments) + len(c.Cases) + len(c.Refunds) + len(c.Letters)
			for _, is := range []bool{c.Order != nil, c.License != nil, c.Credit != nil, c.Payout != nil} {
				if is {
					n++
				}
			}
		}
		return n + 3 // the series, the number and the act
	}
	s := begin(t)
	for i := range order.MaxParts {
		s.receives(ID(fmt.Sprint("part", i)), 10)
	}
	s.receives("rest", price-10*order.MaxParts)
	for i := range 23 {
		s.receives(ID(fmt.Sprint("more", i)), 10)
	}
	if out, err := s.Refund(Ask{Reason: Agreed, Key: "k"}, nil, "2026-000001", s.desk()); err != nil || len(out.Refunds) != order.MaxParts+1 || size(out) > 100 {
		t.Errorf("all that it has taken: %d refunds, %d items (%v)", len(out.Refunds), size(out), err)
	}
	if out, err := s.Refund(Ask{Reason: Surplus, Amount: some(220), Key: "k"}, nil, "", s.desk()); err != nil || size(out) > 100 {
		t.Errorf("what waits of 22: %d items (%v)", size(out), err)
	}
	if _, err := s.Refund(Ask{Reason: Surplus, Key: "k"}, nil, "", s.desk()); !errors.Is(err, ErrTooManyBack) {
		t.Error("what waits of 23:", err)
	}
	other := begin(t)
	other.Order.Number = "2600012346"
	if out, err := s.Refund(Ask{Reason: Surplus, Amount: some(150), Key: "k", Offset: other.Order.Number}, &other.Book, "", s.desk()); err != nil || size(out) > 100 {
		t.Errorf("fifteen to another order: %d items (%v)", size(out), err)
	}
	if _, err := s.Refund(Ask{Reason: Surplus, Amount: some(151), Key: "k", Offset: other.Order.Number}, &other.Book, "", s.desk()); !errors.Is(err, ErrTooManyBack) {
		t.Error("sixteen:", err)
	}
}

// ---- To another order

func TestMoneyPaysAnotherOrder(t *testing.T) {
	s, other := begin(t), begin(t)
	other.Order.Number = "2600012346"
	s.receives("entry", price)
	s.receives("again", 2000)
	s.receives("and again", 1000)
	if _, err := s.asks(Ask{Reason: Surplus, Amount: some(price)}, other); err != nil {
		t.Fatal(err)
	}
	s.is("paid; invoice: 24.80; invoice: 0.00, given duplicate 20.00, back 20.00; invoice: 0.00, open duplicate 5.20, back 4.80; offset done 20.00; offset done 4.80")
	other.is("paid; offset: 20.00; offset: 4.80")
	if !other.open() || other.Payments[0].Offset != s.Refunds[0].ID || other.Payments[0].Number != string(s.Order.Number) {
		t.Errorf("%+v", other.Payments)
	}
	other.wrote(letter.PaymentPartial, 1)
	other.wrote(letter.PaymentReceipt, 1)
	if _, _, err := s.Fail(s.Refunds[0].ID, "x", s.now); !errors.Is(err, ErrRefundMoved) {
		t.Errorf("what paid another order did not get through: %v", err)
	}
	other.back(Agreed, 0) // to where it had come from at first
	other.is("annulled; credited 24.80; offset: 0.00, back 20.00; offset: 0.00, back 4.80; transfer requested 4.80; transfer requested 20.00")
}

func TestAnOrderThatDoesNotTakeTheMoney(t *testing.T) {
	for name, change := range map[string]func(s, other *story){
		"there is none":          nil,
		"somebody else's":        func(_, other *story) { other.Order.Account = "jaan" },
		"the same one":           func(s, other *story) { other.Order.Number = s.Order.Number },
		"paid":                   func(_, other *story) { other.receives("x", price) },
		"cancelled":              func(_, other *story) { other.does(other.Cancel(noon)) },
		"annulled":               func(_, other *story) { other.receives("x", price); other.back(Agreed, 0) },
		"less is left to pay":    func(_, other *story) { other.receives("x", 1481) },
		"expired, and of a part": func(_, other *story) { other.does3(other.Step(noon.Add(order.Lives))) },
	} {
		s, other := begin(t), begin(t)
		other.Order.Number = "2600012346"
		s.receives("entry", price)
		s.receives("again", 1000)
		var book *Book
		if change != nil {
			change(s, other)
			book = &other.Book
		}
		if _, err := s.Refund(Ask{Reason: Surplus, Key: "k", Offset: "2600012346"}, book, "", s.desk()); !errors.Is(err, ErrOffset) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// does3 is does of a step that cannot fail.
func (s *story) does3(c Change, ok bool) {
	s.Helper()
	s.does(c, ok, nil)
}

// TestMoneyOpensALicenseAgain: of an order whose own money went back.
func TestMoneyOpensALicenseAgain(t *testing.T) {
	s, other := begin(t), begin(t)
	other.Order.Number = "2600012346"
	other.receives("x", price)
	other.must(other.TakeBack("x", noon))
	s.receives("entry", price)
	if _, err := s.asks(Ask{Reason: Agreed}, other); err != nil {
		t.Fatal(err)
	}
	if other.is("paid; invoice: returned; offset: 24.80"); !other.open() {
		t.Error("its license is closed")
	}
}

// ---- What becomes of a refund

// TestTheEndsOfARefund is the table of all that can be heard of a transfer, in any order: what is news, and where it ends.
func TestTheEndsOfARefund(t *testing.T) {
	steps := map[string]func(*story) (Change, bool, error){
		"goes":       func(s *story) (Change, bool, error) { return s.Finish(s.Refunds[0].ID, "out", s.now) },
		"comes back": func(s *story) (Change, bool, error) { return s.ComeBack(s.Refunds[0].ID, "in", "AC04", s.now) },
		"did not go": func(s *story) (Change, bool, error) {
			c, err := s.Unfinish(s.Refunds[0].ID, s.now)
			return c, true, err
		},
		"did not come":  func(s *story) (Change, bool, error) { c, err := s.Unfail(s.Refunds[0].ID, s.now); return c, true, err },
		"is recalled":   func(s *story) (Change, bool, error) { c, err := s.TakeBack("entry", s.now); return c, true, err },
		"was no recall": func(s *story) (Change, bool, error) { c, err := s.PutBack("entry", s.now); return c, true, err },
		"is rejected": func(s *story) (Change, bool, error) {
			out, _, err := Rejection{"no such account"}.Take(s.Book, s.Refunds[0].ID, account.Actor{}, s.now)
			if err != nil {
				return Change{}, false, err
			}
			return out.Change, true, nil
		},
		"back again": func(s *story) (Change, bool, error) { s.back(Surplus, 0); return Change{}, true, nil },
	}
	const (
		asked  = "paid; credited 10.00; invoice: 14.80, back 10.00; transfer requested 10.00"
		done   = "paid; credited 10.00; invoice: 14.80, back 10.00; transfer done 10.00"
		failed = "paid; credited 10.00; invoice: 14.80, open returned 10.00; transfer failed 10.00"
		given  = "paid; credited 10.00; invoice: 14.80, given returned 10.00, back 10.00; " // and had been open
	)
	for path, want := range map[string]string{
		"goes":                                         done,
		"goes, goes":                                   "no news",
		"goes, comes back":                             failed,
		"comes back":                                   failed, // before it was seen to go
		"comes back, comes back":                       "no news",
		"comes back, goes":                             failed,
		"comes back, goes, goes":                       "refund_ended",
		"goes, did not go":                             asked,
		"did not go":                                   "refund_ended",
		"goes, did not go, goes":                       done,
		"goes, did not come":                           "refund_ended",
		"comes back, did not come":                     given + "transfer requested 10.00",
		"goes, comes back, did not come":               given + "transfer done 10.00",
		"comes back, goes, did not come":               given + "transfer done 10.00",
		"comes back, goes, did not go":                 failed,
		"goes, comes back, did not go":                 failed,
		"goes, comes back, back again":                 given + "transfer failed 10.00; transfer requested 10.00",
		"goes, comes back, back again, did not come":   "refund_ended",
		"is rejected":                                  failed,
		"is rejected, is rejected":                     "refund_ended",
		"is rejected, goes":                            given + "transfer done 10.00", // our bank did carry it out
		"is rejected, goes, goes":                      "no news",
		"is rejected, goes, comes back":                failed,
		"is rejected, goes, did not go":                given + "transfer requested 10.00",
		"is rejected, comes back":                      "no news",
		"is rejected, back again, goes":                "refund_ended", // twice: for a person
		"goes, is rejected":                            "refund_ended",
		"is rejected, is recalled, goes":               "reopened; open 14.80; credited 10.00; on hold; invoice: returned, void returned 10.00, back 10.00; transfer done 10.00",
		"goes, is recalled":                            "reopened; open 14.80; credited 10.00; on hold; invoice: returned, back 10.00; transfer done 10.00",
		"is recalled, goes":                            "reopened; open 14.80; credited 10.00; on hold; invoice: returned, back 10.00; transfer done 10.00",
		"is recalled, goes, comes back":                "reopened; open 14.80; credited 10.00; on hold; invoice: returned; transfer failed 10.00",
		"comes back, is recalled, did not come":        "reopened; open 14.80; credited 10.00; on hold; invoice: returned, void returned 10.00, back 10.00; transfer requested 10.00",
		"goes, is recalled, was no recall":             done,
		"goes, is recalled, comes back, was no recall": "paid; credited 10.00; invoice: 14.80, open overpaid 10.00; transfer failed 10.00",
	} {
		s := begin(t)
		s.receives("entry", price)
		s.back(PriceReduction, 1000)
		got := ""
		for _, step := range strings.Split(path, ", ") {
			c, news, err := steps[step](s)
			switch {
			case err != nil:
				got = fields(err)
			case !news:
				got = "no news"
			default:
				s.keep(c)
				got = s.summary()
			}
		}
		if got != want {
			t.Errorf("%s:\n\t%s, not\n\t%s", path, got, want)
		}
	}
}

// ---- The order and its license

// TestCentsThatWereForgivenAndCredits: what is credited is what is not owed, and what goes back is what had come.
func TestCentsThatWereForgivenAndCredits(t *testing.T) {
	bill := func(s *story) *story {
		s.Order.Bill = &order.Bill{Tolerance: 5}
		s.receives("entry", price-5)
		return s
	}
	s := bill(begin(t))
	if _, err := s.asks(Ask{Reason: PriceReduction, Amount: some(price - 5)}, nil); fields(err) != "too_much /amount" {
		t.Errorf("all that came was a part: %v", err)
	}
	s.back(PriceReduction, 1000)
	if s.is("paid; credited 10.00; invoice: 14.75, back 10.00; transfer requested 10.00"); s.Order.Forgiven != 5 {
		t.Errorf("%s forgiven", s.Order.Forgiven)
	}
	s.must(s.TakeBack("entry", s.now))
	s.is("reopened; open 14.80; credited 10.00; on hold; invoice: returned, back 10.00; transfer requested 10.00")
	s.receives("again", 1475)
	s.is("paid; credited 10.00; invoice: returned, back 10.00; invoice: 14.75; transfer requested 10.00")

	s = bill(begin(t))
	s.back(Agreed, 0)
	if s.is("annulled; credited 24.80; invoice: 0.00, back 24.75; transfer requested 24.75"); s.Order.Forgiven != 0 {
		t.Errorf("%s forgiven", s.Order.Forgiven)
	}
}

// TestTheCreditsOfAnOrderAddUpToItsPrice, tax and all, however it is cut.
func TestTheCreditsOfAnOrderAddUpToItsPrice(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := begin(t)
		s.receives("first", money.Amount(rapid.Int64Range(1, price-1).Draw(r, "first")))
		s.receives("second", price)
		s.back(Surplus, 0)
		var net, vat, gross money.Amount
		for s.Order.State == order.Paid {
			ask := Ask{Reason: SystemError, Amount: some(money.Amount(rapid.Int64Range(1, 1500).Draw(r, "cents"))), Key: fmt.Sprint(gross)}
			if *ask.Amount > s.Order.Received {
				ask.Amount = nil
			}
			out, err := s.Refund(ask, nil, "2026-000001", s.desk())
			if err != nil {
				r.Fatal(err)
			}
			credit := out.Change.Credit
			net, vat, gross = net+credit.Price.Net, vat+credit.Price.VAT, gross+credit.Price.Gross
			s.keep(out.Change)
		}
		if p := s.Order.Price; net != p.Net || vat != p.VAT || gross != p.Gross || s.Order.Credited != p.Gross {
			r.Fatalf("%s and %s are %s, of %+v", net, vat, gross, p)
		}
	})
}

// TestALicenseIsShortenedByWhatItCosts: a lower price is no shorter license, and what was bought for it is less of it.
func TestALicenseIsShortenedByWhatItCosts(t *testing.T) {
	s := begin(t) // 181 days from today
	s.receives("entry", price)
	days := func() int { return s.License.StartsOn.DaysUntil(s.License.EndsOn) }
	s.back(PriceReduction, 480)
	if days() != 181 {
		t.Errorf("%d days at a lower price", days())
	}
	s.back(Agreed, 500) // a quarter of what it costs now
	if days() != 136 {
		t.Errorf("%d days for three quarters", days())
	}
	s.back(PriceReduction, 500)
	s.back(NotSupplied, 500) // a half
	if days() != 68 || !s.open() {
		t.Errorf("%d days for a half of them", days())
	}
	s.now = s.License.EndsAt.AddDate(0, 0, -10)
	before := s.License.EndsOn
	s.back(Agreed, 499) // today it keeps
	if s.License.EndsOn == before || !s.open() {
		t.Errorf("it ends on %s", s.License.EndsOn)
	}
	s.now = s.License.EndsAt.AddDate(0, 0, 5)
	s.back(Agreed, 0)
	if s.License.At(s.now) != license.Annulled {
		t.Error("it is not annulled")
	}
}

// TestALetterSaysWhatBecomesOfTheLicense: and nothing of one that stays as it is.
func TestALetterSaysWhatBecomesOfTheLicense(t *testing.T) {
	for _, c := range []struct {
		why    Why
		amount money.Amount
		days   int // later
		effect string
	}{
		{PriceReduction, 500, 0, ""}, {SystemError, 500, 0, ""}, {Agreed, 500, 0, "shortened"}, {Agreed, 0, 0, "annulled"}, {Breach, 500, 0, "annulled"},
		{Agreed, 500, 170, "shortened"}, {Agreed, 500, 180, ""}, {Agreed, 500, 300, ""},
	} {
		s := begin(t)
		s.receives("entry", price)
		s.now = s.now.AddDate(0, 0, c.days)
		out, err := s.Refund(Ask{Reason: c.why, Amount: some(c.amount), Key: "k"}, nil, "2026-000001", s.desk())
		if err != nil {
			t.Fatal(err)
		}
		facts := out.Change.Letters[0].Facts
		through := ""
		if c.effect == "shortened" {
			through = out.Change.License.ValidThrough().String()
		}
		if facts["effect"] != c.effect || facts["validThrough"] != through || facts["credit"] != "2026-000001" || facts["account"] != "9017" {
			t.Errorf("%s of %s after %d days: %v", c.amount, c.why, c.days, facts)
		}
	}
}

// TestAnOrderThatIsNotPaidAgainIsAnnulled: nothing goes back, and there is a credit invoice about what is not owed.
func TestAnOrderThatIsNotPaidAgainIsAnnulled(t *testing.T) {
	s := begin(t)
	s.receives("entry", price)
	s.must(s.TakeBack("entry", s.now))
	out, err := s.Refund(Ask{Reason: NotPaid, Key: "k"}, nil, "2026-000001", s.desk())
	if err != nil || len(out.Refunds) != 0 || out.Change.Credit.Price != s.Order.Price {
		t.Fatalf("%+v %v", out, err)
	}
	s.keep(out.Change)
	s.is("annulled; credited 24.80; invoice: returned")
	s.wrote(letter.OrderAnnulled, 1)
	if _, err := s.asks(Ask{Reason: NotPaid}, nil); !errors.Is(err, ErrNothingBack) {
		t.Error("annulled twice:", err)
	}
	s.receives("late", price)
	s.is("annulled; credited 24.80; invoice: returned; invoice: 0.00, open annulled 24.80")
	s.back(Surplus, 0)
	s.is("annulled; credited 24.80; invoice: returned; invoice: 0.00, given annulled 24.80, back 24.80; transfer requested 24.80")
}

// TestWhatAnAnnulledOrderKeeps can be taken back, and put back.
func TestWhatAnAnnulledOrderKeeps(t *testing.T) {
	s := begin(t)
	s.receives("entry", price)
	s.back(Breach, 1000)
	const kept = "annulled; credited 10.00; invoice: 14.80, back 10.00; transfer requested 10.00"
	s.is(kept)
	for range 2 {
		s.must(s.TakeBack("entry", s.now))
		s.is("annulled; open 14.80; credited 10.00; invoice: returned, back 10.00; transfer requested 10.00")
		s.must(s.PutBack("entry", s.now))
		s.is(kept)
	}
	s.receives("more", 100)
	s.is("annulled; credited 10.00; invoice: 14.80, back 10.00; invoice: 0.00, open annulled 1.00; transfer requested 10.00")
	s.wrote(letter.PaymentTakenBack, 0)
	s.wrote(letter.PaymentPartial, 0)
	if s.License.At(s.now) != license.Annulled {
		t.Error("its license is back")
	}
}

// TestWhatWentBackIsNotThisOrdersMistake: a payment of which money was given back stays where it was booked.
func TestWhatWentBackIsNotThisOrdersMistake(t *testing.T) {
	s := begin(t)
	s.receives("entry", price)
	r := s.back(PriceReduction, 500)[0]
	if _, err := s.Correct("entry", s.now); !errors.Is(err, ErrGivenBack) {
		t.Error(err)
	}
	s.does(s.ComeBack(r.ID, "in", "AC04", s.now))
	s.must(s.Correct("entry", s.now))
	s.is("reopened; open 19.80; credited 5.00; on hold; invoice: returned, void returned 5.00; transfer failed 5.00")
	s.wrote(letter.RefundCaseVoid, 0) // nobody had taken anything
	if _, err := s.Unfail(r.ID, s.now); !errors.Is(err, ErrRefundMoved) {
		t.Error("it went back after all:", err)
	}
}

// TestAPaymentThatWentBackWholeIsPutBackAsNothing: the bank had taken back what we had given back.
func TestAPaymentThatWentBackWholeIsPutBackAsNothing(t *testing.T) {
	s := begin(t)
	s.receives("entry", price)
	s.receives("again", price)
	s.back(Surplus, 0)
	s.must(s.TakeBack("again", s.now))
	history := len(s.Order.History)
	s.must(s.PutBack("again", s.now))
	if s.is("paid; invoice: 24.80; invoice: 0.00, given duplicate 24.80, back 24.80; transfer requested 24.80"); len(s.Order.History) != history {
		t.Errorf("%+v", s.Order.History)
	}
}

// TestTheReceiptStays: of what was credited since there is a credit invoice.
func TestTheReceiptStays(t *testing.T) {
	s := begin(t)
	s.receives("first", 1000)
	s.receives("second", price)
	s.back(Surplus, 0)
	before, err := s.Receipt(buyer, s.desk().Invoices.Seller())
	if err != nil {
		t.Fatal(err)
	}
	s.back(PriceReduction, 1500)
	after, err := s.Receipt(buyer, s.desk().Invoices.Seller())
	if err != nil || !slices.Equal(before.Payments, after.Payments) || after.Payments[0].Amount+after.Payments[1].Amount != price {
		t.Errorf("%+v and then %+v (%v)", before.Payments, after.Payments, err)
	}
}
