package order

import (
	"slices"
	"testing"
	"time"

	"opiq/shared/everypay"
	"opiq/shared/lang"
	"opiq/shared/money"
	"opiq/shared/problem"
)

func TestWhatTheCardProviderSaysIsHeardOnce(t *testing.T) {
	settled := everypay.Payment{State: everypay.StateSettled, Standing: 2480}
	refunded := everypay.Payment{State: everypay.StateRefunded, Standing: 2000}
	var a Attempt
	for i, c := range []struct {
		said  everypay.Payment
		event everypay.Event
		news  bool
	}{
		{everypay.Payment{State: everypay.Initial}, "", true}, {everypay.Payment{State: everypay.Initial}, "", false},
		{settled, everypay.StatusUpdated, true}, {settled, "", false}, {settled, everypay.FundsReceived, false},
		{settled, everypay.DisputeOpened, true}, {settled, everypay.DisputeOpened, false}, {settled, everypay.DisputeUpdated, true}, {settled, "", false},
		{settled, everypay.DisputeOpened, false}, // anybody can say so, and again
		{refunded, "", true}, {everypay.Payment{State: everypay.StateRefunded, Standing: 1000}, "", true}, {refunded, "", true},
	} {
		was := len(a.Said)
		next, news := a.Hear(c.said, c.event, noon)
		if news != c.news || (len(next.Said) > was) != c.news {
			t.Errorf("%d: %s, %s is news: %t", i, c.said.State, c.event, news)
		}
		a = next
	}
}

// TestOnlySoMuchIsKept: the first line, and the latest.
func TestOnlySoMuchIsKept(t *testing.T) {
	a, _ := Attempt{}.Hear(everypay.Payment{State: everypay.Initial}, "", noon)
	for i := range 3 * maxSaid {
		before := slices.Clone(a.Said)
		next, news := a.Hear(everypay.Payment{State: everypay.StateRefunded, Standing: money.Amount(10_000 - i)}, everypay.EventRefunded, noon.Add(time.Duration(i)*time.Second))
		if !news || !slices.Equal(before, a.Said) {
			t.Fatal("it is no news, or wrote over what was heard before")
		}
		a = next
	}
	if n := len(a.Said); n != maxSaid || a.Said[0].State != everypay.Initial || !a.Said[n-1].At.Equal(noon.Add((3*maxSaid-1)*time.Second)) {
		t.Errorf("%d lines, from %+v to %+v", n, a.Said[0], a.Said[n-1])
	}
}

func TestWhoIsAskedAbout(t *testing.T) {
	for _, c := range []struct {
		a               Attempt
		pending, agreed bool
	}{
		{Attempt{State: Started, Method: BankLink}, false, false},
		{Attempt{State: Started, Method: ByCard}, false, false}, // the provider knows nothing of it
		{Attempt{State: Started, Reference: "00"}, true, false},
		{Attempt{State: Started, Reference: "00", Said: []Said{{State: everypay.Waiting3DS}}}, true, false},
		{Attempt{State: Started, Reference: "00", Said: []Said{{State: everypay.Initial}, {State: everypay.SentForProcessing}}}, true, true},
		{Attempt{State: Failed, Reference: "00", Said: []Said{{State: everypay.SentForProcessing}}}, false, false},
		{Attempt{State: Succeeded, Reference: "00", Said: []Said{{State: everypay.StateSettled}}}, false, false},
	} {
		if c.a.Pending() != c.pending || c.a.Agreed() != c.agreed {
			t.Errorf("%+v: pending %t, agreed %t", c.a, c.a.Pending(), c.a.Agreed())
		}
	}
}

// TestTheProviderTakesWhatItIsAskedFor: the request can be written, whoever pays and wherever they come back to.
func TestTheProviderTakesWhatItIsAskedFor(t *testing.T) {
	o := Order{Number: "2600012345", State: Placed, PlacedAt: noon}
	o.Price.Gross = 2480
	for _, l := range []lang.Code{lang.Estonian, lang.English, lang.Russian, lang.Kazakh} {
		a, err := o.Start(Way{Method: ByCard}, "k", l, nil, noon)
		if err != nil {
			t.Fatal(err)
		}
		asked := a.Card("https://opiq.example/v1/callbacks/card", "mari@example.ee", "192.0.2.7")
		if asked.Order != string(a.Stamp()) || asked.Amount != 2480 || asked.Return != "https://opiq.example/v1/callbacks/card/"+string(a.Stamp()) {
			t.Errorf("%+v", asked)
		}
		if _, err := asked.Body(everypay.Agreement{Username: "u", Account: "EUR3D1"}, "0123456789abcdef", noon); err != nil {
			t.Error(err)
		}
	}
}

func TestNobodyChoosesToPayByOffset(t *testing.T) {
	if got := pointers(problem.Wrong(Way{ByOffset, ""}.Check(nil))); !slices.Equal(got, []string{"/method"}) {
		t.Error(got)
	}
	for _, m := range Methods {
		bank := Way{m, "lhv"}
		if got := bank.Check(nil); len(got) == 0 {
			t.Errorf("%s takes any bank", m)
		}
	}
}
