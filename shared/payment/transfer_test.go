package payment

import (
	"testing"
	"time"

	"opiq/shared/hold"
	"opiq/shared/license"
	"opiq/shared/money"
	"opiq/shared/order"
)

// transfer is money on our account at LHV for the order, as a statement shows it.
func (b *Book) transfer(id ID, amount money.Amount) Payment {
	return Payment{
		ID: id, Order: b.Order.Number, Buyer: b.Order.Account, Method: order.ByInvoice, Amount: amount, To: lhv,
		Payer: "EE171010123456789017", PaidAt: "2026-11-22", BookedAt: noon, Entry: string(id),
	}
}

// receive books a transfer.
func (b *Book) receive(id ID, amount money.Amount) Change {
	c := b.Receive(b.transfer(id, amount), noon, noon)
	b.store(c)
	return c
}

const price = 2480 // six months, with tax

func TestAPartOpensNothingAndTheRestDoes(t *testing.T) {
	b := placed(today, 0)
	if c := b.receive("first", 2000); c.License != nil || kinds(c.Letters) != "payment_partial" || c.Letters[0].Facts["open"] != "480" {
		t.Errorf("a part: %+v", c)
	}
	if c := b.receive("second", 480); c.License == nil || c.Order.State != order.Paid || kinds(c.Letters) != "payment_receipt license_active" {
		t.Errorf("the rest: %+v", c)
	}
	if len(b.Cases) != 0 || b.Order.Received != price {
		t.Errorf("%s received, cases %+v", b.Order.Received, b.Cases)
	}
}

func TestWhatIsTooMuchGoesBack(t *testing.T) {
	b := placed(today, 0)
	c := b.receive("entry", 3000)
	if b.Order.State != order.Paid || len(c.Cases) != 1 || c.Cases[0].Amount != 520 || c.Cases[0].Reason != Overpaid || c.Payments[0].Taken != price {
		t.Errorf("%+v", c)
	}
}

func TestAFewMissingCentsAreForgivenWhereTheInvoiceSaysSo(t *testing.T) {
	b := placed(today, 0)
	b.Order.Bill = &order.Bill{Tolerance: 5}
	if b.receive("entry", price-6); b.Order.State != order.Placed {
		t.Error("six cents were forgiven")
	}
	if b.receive("cent", 1); b.Order.State != order.Paid || b.Order.Forgiven != 5 || b.Order.Open() != 0 {
		t.Errorf("%+v", b.Order)
	}
}

func TestLateMoney(t *testing.T) {
	expired := func() Book {
		b := placed(today, 1)
		c, ok := b.Step(noon.Add(order.Lives))
		if !ok || c.Order.State != order.Expired || kinds(c.Letters) != "order_expired" {
			t.Fatalf("%+v", c)
		}
		b.store(c)
		return b
	}
	b := expired()
	if b.receive("all", price); b.Order.State != order.Paid || b.License == nil {
		t.Error("the price still stood, and the order was not paid")
	}
	b = expired()
	if c := b.receive("a part", price-1); c.Order.State != order.Expired || b.Cases[0].Reason != Late || b.Cases[0].Amount != price-1 {
		t.Errorf("%+v", c)
	}
	b = expired()
	b.Order.Price.Gross++ // what it cost once is not what it costs today
	late := b.transfer("the old price", price+1)
	late.PaidAt = "2026-12-07"
	if b.store(b.Receive(late, noon, noon)); b.Order.State != order.Expired || b.Cases[0].Reason != Late {
		t.Errorf("%+v %+v", b.Order.State, b.Cases)
	}
	late.ID, late.PaidAt = "shown late, booked in time", "2026-12-06"
	if c := b.Receive(late, noon, noon); c.Order == nil || c.Order.State != order.Paid {
		t.Errorf("%+v", c)
	}
	placed := placed(today, 0) // the clock is late
	placed.Order.Price.Gross++
	late.PaidAt = "2026-12-07"
	if c := placed.Receive(late, noon, noon); c.Order.State != order.Placed || c.Cases[0].Reason != Late {
		t.Errorf("%+v", c)
	}
	b.Payments[0].Payer = "EE702200221022222222" // somebody else's
	b.Attempts[0].Amount++
	c, _, err := Settle(b, paid(b.Attempts[0], "1"), noon.Add(order.Lives)) // set out to pay before
	if err != nil || c.Order == nil || c.Order.State != order.Paid {
		t.Errorf("%+v %v", c, err)
	}
}

func TestAPartThatHadComeGoesBackWithTheOrder(t *testing.T) {
	for want, end := range map[Reason]func(Book) (Change, bool){
		Cancelled: func(b Book) (Change, bool) { c, ok, _ := b.Cancel(noon); return c, ok },
		Expired:   func(b Book) (Change, bool) { return b.Step(noon.Add(order.Lives).AddDate(0, 0, 3)) },
	} {
		b := placed(today, 0)
		b.receive("part", 1000)
		c, ok := end(b)
		if !ok || c.Order.Received != 0 || c.Payments[0].Taken != 0 || c.Cases[0].Amount != 1000 || c.Cases[0].Reason != want {
			t.Errorf("%s: %+v", want, c)
		}
	}
}

func TestMoneyThatGoesBackReopensTheOrderUntilItIsPaidAgain(t *testing.T) {
	b := placed(today, 0)
	b.receive("entry", 3000)
	starts, ends := b.License.StartsAt, b.License.EndsAt
	c, err := b.TakeBack("entry", noon.Add(time.Hour))
	if err != nil || c.Order.State != order.Reopened || c.Order.Open() != price || c.Cases[0].State != Void || kinds(c.Letters) != "refund_case_void payment_taken_back" {
		t.Fatalf("%+v %v", c, err)
	}
	b.store(c)
	if b.License.At(noon.Add(time.Hour)) != license.Suspended || b.License.Holds[0].Basis != hold.PaymentReversed {
		t.Errorf("%+v", b.License)
	}
	if _, err := b.TakeBack("entry", noon); err != ErrReturned {
		t.Error("one payment went back twice:", err)
	}
	if _, _, err := b.Cancel(noon); err != order.ErrOwed {
		t.Error("an order that is owed was cancelled:", err)
	}
	c = b.receive("again", price)
	if b.Order.State != order.Paid || len(b.License.Holds) != 0 || kinds(c.Letters) != "license_restored" || !b.License.StartsAt.Equal(starts) || !b.License.EndsAt.Equal(ends) {
		t.Errorf("%+v %+v", b.Order.State, b.License)
	}
}

func TestMoneyThatHadNotGoneBackAfterAllComesAgain(t *testing.T) {
	b := placed(today, 0)
	b.receive("entry", 3000)
	seen := map[string]bool{}
	for range 3 {
		for _, turn := range []func(Book, ID, time.Time) (Change, error){Book.TakeBack, Book.PutBack} {
			c, err := turn(b, "entry", noon)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range c.Letters {
				if seen[string(l.ID)] {
					t.Fatalf("letter %s is written twice", l.ID)
				}
				seen[string(l.ID)] = true
			}
			b.store(c)
		}
	}
	if b.Order.State != order.Paid || len(b.Payments) != 1 || len(b.Cases) != 1 || b.Cases[0].State != Open || b.Cases[0].Amount != 520 {
		t.Errorf("%s, %+v", b.Order.State, b.Cases)
	}
}

func TestWhatTheStatementShowedBeforeTheBankLinkToldIsTheSameMoney(t *testing.T) {
	b := placed(today, 2)
	b.receive("entry", price)
	c, news, err := Settle(b, paid(b.Attempts[0], "1"), noon)
	if err != nil || !news || c.Order != nil || c.License != nil || len(c.Cases) != 0 || c.Attempt.State != order.Succeeded {
		t.Fatalf("%+v %v", c, err)
	}
	b.store(c)
	if _, news, _ := Settle(b, paid(b.Attempts[0], "1"), noon); news {
		t.Error("the same notice is news again")
	}
	c, _, _ = Settle(b, paid(b.Attempts[1], "2"), noon)
	if len(c.Cases) != 1 || c.Cases[0].Reason != Duplicate {
		t.Errorf("the second bank link is %+v", c)
	}
	b = placed(today, 1)
	b.receive("entry", price)
	b.Payments[0].Payer = "EE702200221022222222" // somebody else's transfer
	if c, _, _ := Settle(b, paid(b.Attempts[0], "1"), noon); len(c.Cases) != 1 {
		t.Errorf("two people's money is one: %+v", c)
	}
}
