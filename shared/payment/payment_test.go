package payment

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"opiq/shared/account"
	"opiq/shared/banklink"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/terms"
)

var noon = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

const lhv = "EE597700771234567897" // our account there

var mari = account.Account{ID: "mari", Accepted: []terms.Acceptance{{Document: terms.Use, Version: "2017-02-01"}}}

// placed is the book of an order of six months from a day, with some attempts to pay it.
func placed(startsOn civil.Date, attempts int) Book {
	wish := order.Wish{Months: 6, StartsOn: startsOn, OrderTerms: terms.InForce(terms.Order, startsOn), ImmediateSupply: true}
	o, err := order.Place(mari, catalog.Shelf{}, wish, "key", noon)
	if err != nil {
		panic(err)
	}
	o.Number = "2600012345"
	b := Book{Order: o}
	for i := range attempts {
		a, err := o.Start(order.Way{Method: order.BankLink, Bank: "lhv"}, fmt.Sprint(i), lang.Estonian, nil, noon)
		if err != nil {
			panic(err)
		}
		b.Attempts = append(b.Attempts, a)
	}
	return b
}

func paid(a order.Attempt, number string) banklink.Notice {
	return banklink.Notice{
		Bank: a.Bank, Service: banklink.Paid, Stamp: string(a.Stamp()), Number: number, Amount: a.Amount.String(), Currency: "EUR", Account: lhv,
		Payer: "EE171010123456789017", PayerName: "Mari Maasikas", Reference: string(a.Order.Reference()), At: "2026-11-22T12:00:00+0200",
	}
}

func failed(a order.Attempt) banklink.Notice {
	return banklink.Notice{Bank: a.Bank, Service: banklink.Failed, Stamp: string(a.Stamp()), Reference: string(a.Order.Reference())}
}

// store is the table: it takes a change whole.
func (b *Book) store(c Change) {
	if a := c.Attempt; a != nil {
		put(&b.Attempts, *a, func(x order.Attempt) bool { return x.ID == a.ID })
	}
	for _, p := range c.Payments {
		was := put(&b.Payments, p, func(x Payment) bool { return x.ID == p.ID })
		b.Payments[was].Revision++
	}
	for _, k := range c.Cases {
		for _, there := range b.Cases {
			if there.Payment == k.Payment && there.Revision != k.Revision {
				panic("a case was written over at another revision")
			}
		}
		was := put(&b.Cases, k, func(x Case) bool { return x.Payment == k.Payment })
		b.Cases[was].Revision++
	}
	for _, r := range c.Refunds {
		was := put(&b.Refunds, r, func(x Refund) bool { return x.ID == r.ID })
		b.Refunds[was].Revision++
	}
	if c.Order != nil {
		b.Order = *c.Order
	}
	if c.License != nil {
		b.License = c.License
	}
}

// put replaces what is the same, or adds it, and answers where it stands.
func put[T any](list *[]T, v T, same func(T) bool) int {
	i := slices.IndexFunc(*list, same)
	if i < 0 {
		i = len(*list)
		*list = append(*list, v)
	}
	(*list)[i] = v
	return i
}

var today = civil.DateOf(noon, civil.Tallinn)

func TestMoneyForAnOrderOfTodayOpensItsLicenseAtOnce(t *testing.T) {
	b := placed(today, 1)
	c, news, err := Settle(b, paid(b.Attempts[0], "1"), noon)
	if err != nil || !news {
		t.Fatal(news, err)
	}
	if c.Order.State != order.Paid || c.License.Stage != license.Active || c.Attempt.State != order.Succeeded || len(c.Cases) != 0 {
		t.Errorf("order %s, license %s, attempt %s, cases %v", c.Order.State, c.License.Stage, c.Attempt.State, c.Cases)
	}
	if kinds(c.Letters) != "payment_receipt license_active" {
		t.Error(kinds(c.Letters))
	}
}

func TestMoneyThatIsToldOfAfterMidnightCameBeforeIt(t *testing.T) {
	b := placed(today, 1)
	n := paid(b.Attempts[0], "1")
	n.At = "2026-11-22T23:59:00+0200"
	c, _, err := Settle(b, n, noon.Add(12*time.Hour+15*time.Minute)) // a quarter past midnight in Tallinn
	if err != nil || c.License.StartsOn != today || c.Order.PaidAt.Format(time.RFC3339) != "2026-11-22T21:59:00Z" {
		t.Errorf("%+v %v", c.License, err)
	}
	for _, at := range []string{"", "yesterday", "2031-01-01T00:00:00+0200", "1970-01-01T00:00:00+0000", "2026-11-22T10:59:59+0200"} {
		n.At = at
		if c, _, err := Settle(b, n, noon); err != nil || !c.Order.PaidAt.Equal(noon) {
			t.Errorf("%q: paid at %s (%v)", at, c.Order.PaidAt, err)
		}
	}
}

func kinds(letters []letter.Letter) string {
	var all []string
	for _, l := range letters {
		all = append(all, string(l.Kind))
	}
	return strings.Join(all, " ")
}

func TestMoneyForALaterDateWaitsForIt(t *testing.T) {
	b := placed(today.AddDays(10), 1)
	c, _, err := Settle(b, paid(b.Attempts[0], "1"), noon)
	if err != nil || c.License.Stage != license.Scheduled || kinds(c.Letters) != "payment_receipt" {
		t.Errorf("%+v %v", c, err)
	}
}

func TestTheSecondMoneyOfAnOrderGoesBack(t *testing.T) {
	b := placed(today, 2)
	for i, a := range b.Attempts {
		c, news, err := Settle(b, paid(a, fmt.Sprint(i)), noon)
		if err != nil || !news {
			t.Fatal(news, err)
		}
		b.store(c)
	}
	if len(b.Payments) != 2 || len(b.Cases) != 1 || b.Cases[0].Reason != Duplicate || b.Cases[0].Amount != b.Order.Price.Gross {
		t.Errorf("%d payments, cases %+v", len(b.Payments), b.Cases)
	}
}

func TestTheSameFormPaidTwiceIsMoneyTwice(t *testing.T) {
	b := placed(today, 1)
	for _, number := range []string{"1", "1", "2", "1", "2"} {
		c, news, err := Settle(b, paid(b.Attempts[0], number), noon)
		if err != nil {
			t.Fatal(err)
		}
		if news {
			b.store(c)
		}
	}
	if len(b.Payments) != 2 || len(b.Cases) != 1 {
		t.Errorf("%d payments, %d cases", len(b.Payments), len(b.Cases))
	}
}

func TestMoneyForACancelledOrderGoesBack(t *testing.T) {
	b := placed(today, 1)
	b.Order, _ = b.Order.Cancel(noon)
	c, _, err := Settle(b, paid(b.Attempts[0], "1"), noon)
	if err != nil || c.Order.State != order.Cancelled || c.License != nil || c.Cases[0].Reason != Cancelled || kinds(c.Letters) != "refund_case" {
		t.Errorf("%+v %v", c, err)
	}
}

func TestWhatDoesNotFitChangesNothing(t *testing.T) {
	b := placed(today, 1)
	a := b.Attempts[0]
	for want, change := range map[Refusal]func(*banklink.Notice){
		UnknownAttempt: func(n *banklink.Notice) { n.Stamp = n.Stamp[:10] + "000000000" },
		OtherBank:      func(n *banklink.Notice) { n.Bank = "seb" },
		WrongAmount:    func(n *banklink.Notice) { n.Amount = "24.79" },
		WrongReference: func(n *banklink.Notice) { n.Reference = "13" },
	} {
		n := paid(a, "1")
		change(&n)
		if _, news, err := Settle(b, n, noon); !errors.Is(err, want) || news {
			t.Errorf("%s: %v %t", want, err, news)
		}
	}
	n := paid(a, "1")
	n.Amount = "024.8"
	if _, news, err := Settle(b, n, noon); err != nil || !news {
		t.Errorf("24.80 written as %s: %v", n.Amount, err)
	}
}

// TestWhateverTheBankSaysInWhateverOrder: notices of several attempts, paid and failed, repeated and mixed, with the buyer
// cancelling in between. Money in = the order's price, if it was paid, and the refund cases.
func TestWhateverTheBankSaysInWhateverOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := placed(today, rapid.IntRange(1, 4).Draw(t, "attempts"))
		told := map[string]bool{}
		licenses := 0
		for range rapid.IntRange(1, 12).Draw(t, "notices") {
			a := rapid.SampledFrom(b.Attempts).Draw(t, "attempt")
			switch rapid.SampledFrom([]string{"paid", "paid", "failed", "cancel"}).Draw(t, "what") {
			case "cancel":
				if o, err := b.Order.Cancel(noon); err == nil {
					b.Order = o
				}
				continue
			case "failed":
				c, news, err := Settle(b, failed(a), noon)
				if err != nil || c.Payments != nil || c.Order != nil {
					t.Fatalf("a failure did %+v (%v)", c, err)
				}
				if news {
					b.store(c)
				}
			default:
				number := rapid.SampledFrom([]string{"1", "2"}).Draw(t, "number")
				c, news, err := Settle(b, paid(a, number), noon)
				if err != nil {
					t.Fatal(err)
				}
				if known := told[string(a.Stamp())+number]; news == known {
					t.Fatalf("news %t of a payment that was known %t", news, known)
				}
				told[string(a.Stamp())+number] = true
				if news {
					b.store(c)
				}
				if c.License != nil {
					licenses++
				}
			}
		}
		var in, back money.Amount
		for _, p := range b.Payments {
			in += p.Amount
		}
		for _, c := range b.Cases {
			back += c.Amount
		}
		allocated := money.Amount(0)
		if b.Order.State == order.Paid {
			allocated = b.Order.Price.Gross
		}
		if len(b.Payments) != len(told) || in != allocated+back || licenses > 1 || (licenses == 1) != (b.Order.State == order.Paid) {
			t.Fatalf("told of %d, booked %d: %s in, %s allocated, %s back; %d licenses, order %s", len(told), len(b.Payments), in, allocated, back, licenses, b.Order.State)
		}
	})
}

// TestWhoHasMoneyUnderWayCannotLeave: neither who owes some nor who gets some back.
func TestWhoHasMoneyUnderWayCannotLeave(t *testing.T) {
	in := func(s order.State, cases []Case, refunds []Refund) Book {
		return Book{Order: order.Order{State: s}, Cases: cases, Refunds: refunds}
	}
	for name, c := range map[string]struct {
		book Book
		want error
	}{
		"not paid":              {in(order.Placed, nil, nil), ErrUnderWay},
		"owed again":            {in(order.Reopened, nil, nil), ErrUnderWay},
		"to be given back":      {in(order.Cancelled, []Case{{State: Open}}, nil), ErrUnderWay},
		"on its way back":       {in(order.Annulled, nil, []Refund{{State: Requested}}), ErrUnderWay},
		"paid":                  {in(order.Paid, nil, nil), nil},
		"cancelled":             {in(order.Cancelled, nil, nil), nil},
		"given back, all of it": {in(order.Annulled, []Case{{State: Given}}, []Refund{{State: Done}}), nil},
	} {
		if err := Settled([]Book{in(order.Expired, nil, nil), c.book}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAnOrderOfSomebodyWhoLeftTakesNoMoney: what came of it goes back, and what comes later.
func TestAnOrderOfSomebodyWhoLeftTakesNoMoney(t *testing.T) {
	for s, ends := range map[order.State]bool{order.Placed: true, order.Expired: true, order.Paid: false, order.Reopened: false, order.Cancelled: false, order.Annulled: false} {
		b := Book{Order: order.Order{Number: "2600012345", State: s, Received: 200}, Payments: []Payment{{ID: "p1", Amount: 200, Taken: 200, Revision: 1}}}
		c, ok := b.Leave(noon)
		if ok != ends || ends && (c.Order.State != order.Cancelled || c.Order.Received != 0 || c.Order.Takes() || len(c.Cases) != 1 || c.Cases[0].Amount != 200) {
			t.Errorf("%s: %t %+v", s, ok, c)
		}
	}
}

func TestWhoseNameBooksNeed(t *testing.T) {
	for want, books := range map[bool][]Book{false: {{Order: order.Order{State: order.Cancelled}}}, true: {{}, {Payments: []Payment{{ID: "p1"}}}}} {
		if got := Named(books); got != want {
			t.Errorf("%+v: %t", books, got)
		}
	}
	if !Named([]Book{{Invoice: &invoice.Invoice{}}}) {
		t.Error("an invoice is made out to nobody")
	}
}
