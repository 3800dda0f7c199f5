package order

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"opiq/shared/account"
	"opiq/shared/banklink"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/lang"
	"opiq/shared/problem"
	"opiq/shared/terms"
)

var (
	noon  = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	today = civil.Date{Year: 2026, Month: 11, Day: 22}
	mari  = account.Account{ID: "mari", Accepted: []terms.Acceptance{{Document: terms.Use, Version: "2017-02-01"}}}
)

func wish() Wish {
	return Wish{Months: 6, StartsOn: today, OrderTerms: terms.InForce(terms.Order, today), ImmediateSupply: true}
}

func TestAnOrderKeepsThePriceOfItsMoment(t *testing.T) {
	o, err := Place(mari, catalog.Shelf{}, wish(), "key", noon)
	if err != nil {
		t.Fatal(err)
	}
	if o.Price.Net != 2000 || o.Price.VAT != 480 || o.Price.Gross != 2480 || o.Price.Rate != 2400 || o.PriceList != "2026-01-01" {
		t.Errorf("six months cost %+v of list %s", o.Price, o.PriceList)
	}
	if o.State != Placed || o.EndsOn().String() != "2027-05-22" {
		t.Errorf("the order is %s and ends on %s", o.State, o.EndsOn())
	}
}

func TestEveryWrongWishIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Wish)
		want   []string
	}{
		"no plan of so many months": {func(w *Wish) { w.Months = 7 }, []string{"/months"}},
		"yesterday":                 {func(w *Wish) { w.StartsOn = today.AddDays(-1) }, []string{"/startsOn"}},
		"a year and a day":          {func(w *Wish) { w.StartsOn = today.AddDays(366) }, []string{"/startsOn"}},
		"both":                      {func(w *Wish) { w.Months, w.StartsOn = 99, today.AddDays(-1) }, []string{"/months", "/startsOn"}},
	} {
		w := wish()
		c.change(&w)
		_, err := Place(mari, catalog.Shelf{}, w, "key", noon)
		if got := pointers(err); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v names %v", name, err, got)
		}
	}
	if got := pointers(problem.Wrong((&Wish{}).Check())); !slices.Equal(got, []string{"/months", "/startsOn", "/orderTerms", "/immediateSupply"}) {
		t.Errorf("an empty wish names %v", got)
	}
}

func pointers(err error) (all []string) {
	if p, ok := errors.AsType[*problem.Error](err); ok {
		for _, f := range p.Fields {
			all = append(all, f.Pointer)
		}
	}
	return all
}

func TestTodayIsTallinnsToday(t *testing.T) {
	late := time.Date(2026, 11, 22, 22, 30, 0, 0, time.UTC) // half past midnight in Tallinn
	if _, err := Place(mari, catalog.Shelf{}, wish(), "key", late); pointers(err) == nil {
		t.Error("a license was sold for a day that is over in Tallinn")
	}
}

func TestWhoMayNotBuyIsTold(t *testing.T) {
	held := mari
	held.Holds = hold.Set{{Basis: hold.CredentialLeak}}
	for want, who := range map[error]account.Account{account.ErrHeld: held, account.ErrTermsRequired: {ID: "new"}} {
		if _, err := Place(who, catalog.Shelf{}, wish(), "key", noon); !errors.Is(err, want) {
			t.Error(err)
		}
	}
}

func TestOldTermsAreNotAccepted(t *testing.T) {
	w := wish()
	w.OrderTerms = "2016-01-01"
	if _, err := Place(mari, catalog.Shelf{}, w, "key", noon); !errors.Is(err, account.ErrTermsOutdated) {
		t.Error(err)
	}
}

func TestTheSameKeyIsTheSameOrder(t *testing.T) {
	o := placed()
	paid, _ := billed(o).Take(o.Price.Gross-1, noon.Add(time.Hour), "payment")
	again, err := paid.Repeat(wish())
	if diff := cmp.Diff(o.Document(), again.Document()); diff != "" || err != nil {
		t.Errorf("placed again it is another: %s (%v)", diff, err)
	}
	other := wish()
	other.Months = 12
	if _, err := paid.Repeat(other); !errors.Is(err, ErrKeyReused) {
		t.Error(err)
	}
	if !o.Under("mari", "key") || o.Under("mari", "other") || o.Under("jaan", "key") {
		t.Error("an order is found under a key that it was not placed under")
	}
}

func TestNumbersAreTenDigitsWithAReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		who, key := account.ID(rapid.String().Draw(t, "who")), rapid.String().Draw(t, "key")
		var all []Number
		for n := range Numbers(who, key) {
			if p, ok := ParseNumber(string(n)); !ok || p != n || len(n.Reference()) != 11 {
				t.Fatalf("%q is no number", n)
			}
			all = append(all, n)
		}
		if !slices.Equal(all, slices.Collect(Numbers(who, key))) {
			t.Fatal("the numbers are others the second time")
		}
	})
}

func TestAFailureNeverUndoesMoney(t *testing.T) {
	for _, c := range []struct {
		from, to AttemptState
		news     bool
	}{
		{Started, Failed, true}, {Started, Succeeded, true}, {Failed, Succeeded, true},
		{Failed, Failed, false}, {Succeeded, Failed, false}, {Succeeded, Succeeded, false},
	} {
		if _, news := (Attempt{State: c.from}).End(c.to, noon); news != c.news {
			t.Errorf("%s after %s is news: %t", c.to, c.from, news)
		}
	}
}

func TestAttemptsAreToldApartAndRepeatUnderAKey(t *testing.T) {
	o := Order{Number: "2600012345", State: Placed, PlacedAt: noon}
	way := Way{Method: BankLink, Bank: "lhv"}
	one, _ := o.Start(way, "k", lang.Estonian, nil, noon)
	same, _ := o.Start(way, "k", lang.Estonian, nil, noon)
	other, _ := o.Start(way, "", lang.Estonian, nil, noon)
	if one.ID != same.ID || one.ID == other.ID {
		t.Errorf("attempts %s, %s, %s", one.ID, same.ID, other.ID)
	}
	number, id, ok := ParseStamp(string(one.Stamp()))
	if !ok || number != o.Number || id != one.ID {
		t.Errorf("the stamp %s reads %s and %s", one.Stamp(), number, id)
	}
	for _, bad := range []string{"", "123", "0600012345123456789", "260001234512345678x", "26000123451234567890"} {
		if _, _, ok := ParseStamp(bad); ok {
			t.Errorf("%q was read as a stamp", bad)
		}
	}
}

func TestNoAttemptOnceItIsOver(t *testing.T) {
	old, tried := noon.Add(-Lives-time.Second), make([]Attempt, MaxAttempts)
	for want, c := range map[error]struct {
		o      Order
		before []Attempt
	}{
		ErrPaid:      {Order{State: Paid, PlacedAt: noon}, nil},
		ErrCancelled: {Order{State: Cancelled, PlacedAt: noon}, nil},
		ErrExpired:   {Order{State: Placed, PlacedAt: old}, nil},
		nil:          {Order{State: Reopened, PlacedAt: old}, nil},
		ErrAttempts:  {Order{State: Placed, PlacedAt: noon}, tried},
	} {
		if _, err := c.o.Start(Way{}, "", lang.Estonian, c.before, noon); !errors.Is(err, want) {
			t.Errorf("%v, not %v", err, want)
		}
	}
}

func TestAWayNamesWhatIsWrongWithIt(t *testing.T) {
	banks := []banklink.Bank{"lhv", "seb"}
	if got := pointers(problem.Wrong(Way{"cheque", "nordbank"}.Check(banks))); !slices.Equal(got, []string{"/method"}) {
		t.Error(got)
	}
	if got := pointers(problem.Wrong(Way{ByInvoice, "seb"}.Check(banks))); !slices.Equal(got, []string{"/bank"}) {
		t.Error(got)
	}
	for _, w := range []Way{{BankLink, "seb"}, {ByInvoice, ""}} {
		if got := w.Check(banks); got != nil {
			t.Error(w, got)
		}
	}
}

func TestAnOrderIsFoundByWhatItsBuyerReadsOutLoud(t *testing.T) {
	const n Number = "1111111113"
	for said, want := range map[string]Number{
		"1111111113": n, " 11111 11113 ": n, "L1111111113": n, "l1111111113": n, "11111111136": n, "111 1111 1136": n, n.Reference().RF(): n,
		"1111111113x": "", "11111111137": "", "": "", "mari@example.ee": "", "0111111111": "",
	} {
		if got, ok := Sought(said); got != want || ok != (want != "") {
			t.Errorf("%q: %q", said, got)
		}
	}
}
