package order

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/letter"
	"opiq/shared/money"
)

func TestMoneyIsTakenAsFarAsItIsLeftToPay(t *testing.T) {
	for _, c := range []struct {
		name     string
		amounts  []money.Amount // of 24.80
		taken    []money.Amount
		state    State
		forgiven money.Amount
	}{
		{"all of it", []money.Amount{2480}, []money.Amount{2480}, Paid, 0},
		{"too much", []money.Amount{3000}, []money.Amount{2480}, Paid, 0},
		{"a part", []money.Amount{2000}, []money.Amount{2000}, Placed, 0},
		{"in three parts", []money.Amount{1000, 1000, 480}, []money.Amount{1000, 1000, 480}, Paid, 0},
		{"too much at last", []money.Amount{2000, 2000}, []money.Amount{2000, 480}, Paid, 0},
		{"again", []money.Amount{2480, 2480}, []money.Amount{2480, 0}, Paid, 0},
		{"five cents less", []money.Amount{2475}, []money.Amount{2475}, Paid, 5},
		{"six cents less", []money.Amount{2474}, []money.Amount{2474}, Placed, 0},
		{"five cents less in two parts, and then these", []money.Amount{2000, 475, 5}, []money.Amount{2000, 475, 0}, Paid, 5},
	} {
		o := billed(placed())
		for i, amount := range c.amounts {
			next, taken := o.Take(amount, noon, "p")
			if taken != c.taken[i] {
				t.Errorf("%s: payment %d: %s of %s taken", c.name, i, taken, amount)
			}
			o = next
		}
		if o.State != c.state || o.Forgiven != c.forgiven {
			t.Errorf("%s: it is %s, with %s forgiven", c.name, o.State, o.Forgiven)
		}
	}
}

func TestWithoutAnInvoiceNothingIsForgiven(t *testing.T) {
	if o, _ := placed().Take(2479, noon, "p"); o.State != Placed || o.Open() != 1 {
		t.Errorf("it is %s with %s left to pay", o.State, o.Open())
	}
}

func TestNothingIsNoPart(t *testing.T) {
	for _, amount := range []money.Amount{0, -1} {
		if o, taken := placed().Take(amount, noon, "p"); taken != 0 || len(o.History) != 1 {
			t.Errorf("of %s it takes %s: %+v", amount, taken, o.History)
		}
	}
}

func TestAnExpiredOrderTakesAllOrNothing(t *testing.T) {
	expired, _, _ := billed(placed()).Step(noon.AddDate(1, 0, 0))
	for amount, want := range map[money.Amount]money.Amount{1: 0, 2474: 0, 2475: 2475, 2480: 2480, 9999: 2480} {
		o, taken := expired.Take(amount, noon, "p")
		if taken != want || (o.State == Paid) != (want > 0) || want == 0 && len(o.History) != len(expired.History) {
			t.Errorf("of %s it takes %s and is %s", amount, taken, o.State)
		}
	}
}

// TestVeryManyParts: an order takes so many parts and no more, until the one that pays it.
func TestVeryManyParts(t *testing.T) {
	o := placed()
	for i := range MaxParts + 3 {
		next, taken := o.Take(1, noon, "p")
		if (taken == 1) != (i < MaxParts) {
			t.Fatalf("part %d: %s taken", i, taken)
		}
		o = next
	}
	if o, taken := o.Take(9999, noon, "p"); o.State != Paid || taken != 2480-MaxParts {
		t.Errorf("it is %s and takes %s", o.State, taken)
	}
}

func TestAReopenedOrderIsPaidAgain(t *testing.T) {
	paid, _ := billed(placed()).Take(2475, noon, "p")
	o, err := paid.Release(2475, noon, "p")
	if err != nil || o.State != Reopened || o.Open() != 2480 || o.Forgiven != 0 || !o.PaidAt.IsZero() {
		t.Fatalf("%s with %s left to pay, paid at %s (%v)", o.State, o.Open(), o.PaidAt, err)
	}
	if _, err := o.Cancel(noon); !errors.Is(err, ErrOwed) {
		t.Errorf("it was cancelled: %v", err)
	}
	if err := o.Payable(noon.AddDate(1, 0, 0)); err != nil {
		t.Errorf("nobody can set out to pay it: %v", err)
	}
	o, _ = o.Take(1000, noon, "q")
	if o.State != Reopened || o.Open() != 1480 {
		t.Fatalf("%s with %s left to pay", o.State, o.Open())
	}
	if o, _ = o.Take(1480, noon.Add(time.Hour), "r"); o.State != Paid || !o.PaidAt.Equal(noon.Add(time.Hour)) {
		t.Errorf("%s at %s", o.State, o.PaidAt)
	}
}

// TestACreditLowersThePrice: the order stays paid, and where its money goes back less of it is owed.
func TestACreditLowersThePrice(t *testing.T) {
	paid, _ := billed(placed()).Take(2475, noon, "p")
	o, err := paid.Credit(480, noon, "2026-000001")
	if err != nil || o.State != Paid || o.Open() != 0 || o.Received != 1995 || o.Credited != 480 || o.Forgiven != 5 {
		t.Fatalf("%+v %v", o, err)
	}
	if o, _ = o.Release(1995, noon, "p"); o.State != Reopened || o.Open() != 2000 {
		t.Errorf("%s with %s left to pay", o.State, o.Open())
	}
	if _, err := o.Credit(1, noon, "2026-000002"); err == nil {
		t.Error("an order that is owed was credited")
	}
}

// TestAnAnnulledOrderCostsWhatItKeeps, and nothing more comes of it.
func TestAnAnnulledOrderCostsWhatItKeeps(t *testing.T) {
	paid, _ := billed(placed()).Take(2475, noon, "p")
	o, err := paid.Annul(1000, noon, "2026-000001")
	if err != nil || o.State != Annulled || o.Open() != 0 || o.Received != 1475 || o.Credited != 1005 || o.Forgiven != 0 {
		t.Fatalf("%+v %v", o, err)
	}
	if _, taken := o.Take(2480, noon, "q"); taken != 0 || o.Takes() {
		t.Errorf("it takes %s more", taken)
	}
	if o, _ = o.Release(1475, noon, "p"); o.PaidAt.IsZero() {
		t.Error("nobody knows when it was paid")
	}
	if _, again := o.Take(2480, noon, "p"); o.Open() != 1475 || again != 1475 || o.Takes() {
		t.Errorf("with %s left of what it keeps it takes %s", o.Open(), again)
	}
	for _, err := range []error{o.Payable(noon), errOf(o.Cancel(noon)), errOf(o.Annul(0, noon, "x")), errOf(o.Billed(bill(today), noon)), errOf(o.Credit(1, noon, "x"))} {
		if !errors.Is(err, ErrAnnulled) {
			t.Error(err)
		}
	}
	if _, ok := o.Next(); ok {
		t.Error("time does something to it")
	}
}

func errOf(_ Order, err error) error { return err }

// TestAPaidOrderIsLookedAtOnce, each time that it was paid.
func TestAPaidOrderIsLookedAtOnce(t *testing.T) {
	o := placed()
	if _, waits := o.Checks(); waits {
		t.Error("it is not paid")
	}
	for range 2 {
		o, _ = o.Take(2480, noon, "p")
		if at, waits := o.Checks(); !waits || !at.Equal(noon.Add(10*time.Minute)) {
			t.Errorf("it is looked at: %t, at %s", waits, at)
		}
		var err error
		if o, err = o.Check(noon.Add(time.Hour)); err != nil || o.State != Paid {
			t.Fatal(o.State, err)
		}
		if _, waits := o.Checks(); waits {
			t.Error("it is looked at again")
		}
		o, _ = o.Release(2480, noon, "p")
	}
}

func TestWhatIsOverIsNotCancelledAndNotInvoiced(t *testing.T) {
	o := placed()
	paid, _ := o.Take(2480, noon, "p")
	cancelled, err := o.Cancel(noon)
	if err != nil {
		t.Fatal(err)
	}
	expired, _, _ := o.Step(noon.Add(Lives))
	for want, o := range map[error]Order{ErrPaid: paid, ErrCancelled: cancelled, ErrExpired: expired} {
		if _, err := o.Billed(bill(today), noon); !errors.Is(err, want) {
			t.Errorf("an order that is %s gets an invoice: %v", o.State, err)
		}
		if _, err := o.Cancel(noon); o.State != Cancelled && !errors.Is(err, want) {
			t.Errorf("an order that is %s is cancelled: %v", o.State, err)
		}
	}
	if again, err := cancelled.Cancel(noon.Add(time.Hour)); err != nil || len(again.History) != len(cancelled.History) {
		t.Errorf("cancelled twice: %d lines of history (%v)", len(again.History), err)
	}
}

func TestWhatIsOrderedCostsWhatItDidOrNot(t *testing.T) {
	o := placed()
	dearer := o
	dearer.Price = money.Tax(o.Price.Net+1, o.Price.Rate)
	unknown := o
	unknown.Months = 7
	for name, c := range map[string]struct {
		o    Order
		at   time.Time
		want bool
	}{
		"the same":                   {o, noon.AddDate(0, 1, 0), true},
		"another price":              {dearer, noon, false},
		"another rate of tax":        {o, noon.AddDate(-1, 0, 0), false},
		"no plan of so many months":  {unknown, noon, false},
		"the last second of a price": {o, at("2025-12-31T21:59:59Z"), false},
		"its first":                  {o, at("2025-12-31T22:00:00Z"), true},
	} {
		if got := c.o.StillPriced(catalog.Shelf{}, c.at); got != c.want {
			t.Errorf("%s: still priced %t", name, got)
		}
	}
}

// TestWhateverHappensToAnOrder walks from state to state at random: money comes in parts and goes back, the buyer cancels, leaves or asks for
// an invoice, and time passes, in leaps.
func TestWhateverHappensToAnOrder(t *testing.T) {
	was := map[State]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := walk{T: t, o: placed(), now: noon, letters: map[letter.ID]bool{}}
		for range rapid.IntRange(1, MaxParts).Draw(t, "events") {
			w.happen()
			w.check()
			was[w.o.State]++
		}
	})
	for _, s := range []State{Placed, Paid, Cancelled, Expired, Reopened, Annulled} {
		if was[s] == 0 {
			t.Errorf("no order was %s: this test shows nothing about it", s)
		}
	}
}

// walk is an order on its way.
type walk struct {
	*rapid.T
	o       Order
	now     time.Time
	parts   []money.Amount // what it took, and did not give back
	letters map[letter.ID]bool
}

func (w *walk) happen() {
	left := int64(w.o.Open())
	switch rapid.SampledFrom([]string{"a part", "a part", "nearly all", "all", "more", "back", "back", "cancel", "leave", "credit", "credit", "annul", "check", "invoice", "an hour", "weeks"}).Draw(w.T, "what") {
	case "a part":
		w.pay(rapid.Int64Range(1, int64(w.o.Price.Gross)).Draw(w.T, "cents"))
	case "nearly all":
		w.pay(max(1, left-rapid.Int64Range(1, 10).Draw(w.T, "missing")))
	case "all":
		w.pay(max(1, left))
	case "more":
		w.pay(left + rapid.Int64Range(1, 5000).Draw(w.T, "cents"))
	case "back":
		if len(w.parts) > 0 {
			i := rapid.IntRange(0, len(w.parts)-1).Draw(w.T, "part")
			o, err := w.o.Release(w.parts[i], w.now, "p")
			if err != nil {
				w.Fatalf("what an order that is %s has taken cannot go back: %v", w.o.State, err)
			}
			w.o, w.parts = o, slices.Delete(w.parts, i, i+1)
		}
	case "credit": // a part of what it has
		if w.o.Received > 1 {
			w.give(w.o.Credit, rapid.Int64Range(1, int64(w.o.Received)-1).Draw(w.T, "cents"), w.o.State == Paid)
		}
	case "annul": // all of it, a part, or nothing
		w.give(w.o.Annul, rapid.Int64Range(0, int64(w.o.Received)).Draw(w.T, "cents"), w.o.State == Paid || w.o.State == Reopened)
	case "check":
		if o, err := w.o.Check(w.now); (err == nil) != (w.o.State == Paid) {
			w.Fatalf("an order that is %s is checked: %v", w.o.State, err)
		} else if err == nil {
			w.o = o
		}
	case "cancel":
		if o, err := w.o.Cancel(w.now); err == nil {
			w.o, w.parts = o, nil
		} else if w.o.State == Placed {
			w.Fatalf("it cannot be cancelled: %v", err)
		}
	case "leave":
		o, ok := w.o.Leave(w.now)
		if ok != (w.o.State == Placed || w.o.State == Expired) {
			w.Fatalf("an order that is %s ends with its buyer's account: %t", w.o.State, ok)
		}
		if ok {
			w.o, w.parts = o, nil
		}
	case "invoice":
		if w.o.Bill != nil {
			break
		}
		if o, err := w.o.Billed(bill(civil.DateOf(w.now, w.o.Zone)), w.now); err == nil {
			w.o = o
		}
	case "an hour":
		w.pass(time.Hour)
	case "weeks":
		w.pass(time.Duration(rapid.IntRange(1, 30).Draw(w.T, "days")) * 24 * time.Hour)
	}
}

func (w *walk) pay(cents int64) {
	before, amount := w.o, money.Amount(cents)
	o, taken := before.Take(amount, w.now, "p")
	missing, tolerance := before.Open()-taken, money.Amount(0)
	if before.State == Annulled { // it takes what it was to keep
		if taken != min(amount, before.Open()) || o.State != Annulled {
			w.Fatalf("of %s, with %s of what it keeps gone, it took %s and is %s", amount, before.Open(), taken, o.State)
		}
		w.took(o, taken)
		return
	}
	if before.Bill != nil {
		tolerance = before.Bill.Tolerance
	}
	enough := amount >= before.Open()-tolerance
	want, state := min(amount, before.Open()), before.State
	switch {
	case before.State == Paid || before.State == Cancelled || before.State == Expired && !enough:
		want = 0
	case enough:
		state = Paid
	}
	if taken != want || o.State != state || state == Paid && before.State != Paid && o.Forgiven != missing {
		w.Fatalf("of %s, with %s left to pay, an order that was %s took %s and is %s", amount, before.Open(), before.State, taken, o.State)
	}
	w.took(o, taken)
}

// give is money that goes back for a credit invoice, where it can.
func (w *walk) give(how func(money.Amount, time.Time, string) (Order, error), cents int64, can bool) {
	o, err := how(money.Amount(cents), w.now, "credit")
	if (err == nil) != can {
		w.Fatalf("an order that is %s gives back: %v", w.o.State, err)
	}
	if can {
		w.o = o
		w.less(money.Amount(cents))
	}
}

func (w *walk) took(o Order, taken money.Amount) {
	if w.o = o; taken > 0 {
		w.parts = append(w.parts, taken)
	}
}

// less takes so much out of the parts, the last ones first.
func (w *walk) less(amount money.Amount) {
	for amount > 0 {
		last := &w.parts[len(w.parts)-1]
		part := min(*last, amount)
		amount -= part
		if *last -= part; *last == 0 {
			w.parts = w.parts[:len(w.parts)-1]
		}
	}
}

func (w *walk) pass(d time.Duration) {
	w.now = w.now.Add(d)
	o, tell, ok := w.o.Step(w.now)
	if !ok {
		return
	}
	if w.letters[tell.ID] {
		w.Fatalf("letter %s is written twice", tell.ID)
	}
	w.letters[tell.ID] = true
	if w.o = o; o.State == Expired {
		w.parts = nil
	}
}

func (w *walk) check() {
	o, sum := w.o, money.Amount(0)
	for _, p := range w.parts {
		sum += p
	}
	state := State("")
	for _, h := range o.History {
		to, ok := moves[state][h.Event]
		if !ok {
			w.Fatalf("%s is not possible when %q", h.Event, state)
		}
		state = to
	}
	next, waits := o.Next()
	_, looked := o.Checks()
	for broken, is := range map[string]bool{
		"its history tells of another state":   state != o.State,
		"it has not what it took":              o.Received != sum,
		"a sum is below zero":                  o.Received < 0 || o.Forgiven < 0 || o.Open() < 0,
		"it is paid and something is left":     o.State != Annulled && (o.State == Paid) != (o.Open() == 0),
		"it is paid and nobody knows when":     o.State != Annulled && (o.State == Paid) == o.PaidAt.IsZero(),
		"it is looked at, or not":              looked != (o.State == Paid && o.CheckedAt.IsZero()),
		"it was credited and never paid":       o.Credited != 0 && o.times(WasPaid) == 0,
		"something is forgiven and it is owed": o.State != Paid && o.Forgiven != 0,
		"more is forgiven than may be":         o.Forgiven > 0 && (o.Bill == nil || o.Forgiven > o.Bill.Tolerance),
		"it is over and has money":             (o.State == Cancelled || o.State == Expired) && o.Received != 0,
		"its next moment is not of what it is": waits != (o.State == Placed),
		"its next moment is past":              waits && !next.After(w.now) && w.now.Before(o.ExpiresAt()), // after it, what went back may have ended the days of grace
		"it can be set out to be paid, or not": (o.Payable(w.now) == nil) != (o.State == Placed && w.now.Before(o.ExpiresAt()) || o.State == Reopened),
		"it takes money, or not, as it should": o.Takes() != (o.State == Placed || o.State == Reopened || o.State == Expired),
	} {
		if is {
			w.Fatalf("%s: %+v", broken, o)
		}
	}
}
