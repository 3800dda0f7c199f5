package order

import (
	"fmt"
	"testing"
	"time"

	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/seller"
)

// placed is Mari's order of six months from today, under a number.
func placed() Order {
	o, err := Place(mari, catalog.Shelf{}, wish(), "key", noon)
	if err != nil {
		panic(err)
	}
	o.Number = "2600012345"
	return o
}

// bill is an invoice of a day, due in a fortnight: it is reminded of three days before and after, and the order expires a fortnight
// after it was due. Five cents may be missing.
func bill(on civil.Date) Bill {
	return Bill{
		Invoice: "2026-000001", Name: "Mari Maasikas", DueOn: on.AddDays(14), RemindOn: on.AddDays(11), OverdueOn: on.AddDays(17),
		ExpiresOn: on.AddDays(29), Tolerance: 5, Account: "EE382200221020145685", PayTo: "Star Cloud OÜ",
	}
}

// billed is an order after it was invoiced.
func billed(o Order) Order {
	o, err := o.Billed(bill(today), noon)
	if err != nil {
		panic(err)
	}
	return o
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// taken is what time does to an order, step by step, as it would with a job that is never late.
func taken(o Order) (steps []string) {
	for {
		when, ok := o.Next()
		if !ok {
			return append(steps, string(o.State))
		}
		if _, _, early := o.Step(when.Add(-time.Second)); early {
			steps = append(steps, "too early:")
		}
		next, tell, ok := o.Step(when)
		if !ok {
			return append(steps, "nothing happens at "+when.String())
		}
		o, steps = next, append(steps, fmt.Sprintf("%s %s", when.Format(time.RFC3339), tell.Kind))
	}
}

func TestTimeTellsOfAnOrderThatIsNotPaid(t *testing.T) {
	fortnight := bill(today)
	day := func(s string) civil.Date {
		d, err := civil.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct {
		name string
		bill *Bill
		want string
	}{
		{"no invoice: it expires a fortnight after it was placed", nil,
			"[2026-12-06T10:00:00Z order_expired expired]"},
		{"an invoice: in the mornings of its days, and at the end of the last one", &fortnight,
			"[2026-12-03T07:00:00Z payment_reminder 2026-12-09T07:00:00Z payment_overdue 2026-12-20T22:00:00Z order_expired expired]"},
		{"an invoice that nobody is reminded of", &Bill{DueOn: day("2026-12-06"), ExpiresOn: day("2026-12-21")},
			"[2026-12-20T22:00:00Z order_expired expired]"},
		{"days on which the clock goes forward", &Bill{RemindOn: day("2027-03-27"), OverdueOn: day("2027-03-28"), ExpiresOn: day("2027-03-29")},
			"[2027-03-27T07:00:00Z payment_reminder 2027-03-28T06:00:00Z payment_overdue 2027-03-28T21:00:00Z order_expired expired]"},
		{"days on which it goes back", &Bill{RemindOn: day("2027-10-30"), OverdueOn: day("2027-10-31"), ExpiresOn: day("2027-11-01")},
			"[2027-10-30T06:00:00Z payment_reminder 2027-10-31T07:00:00Z payment_overdue 2027-10-31T22:00:00Z order_expired expired]"},
		{"it expires on the day on which the clock goes back", &Bill{ExpiresOn: day("2027-10-31")},
			"[2027-10-30T21:00:00Z order_expired expired]"},
	} {
		o := placed()
		o.Bill = c.bill
		if got := fmt.Sprint(taken(o)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestAnInvoiceThatIsAskedForLaterHasAllItsDays(t *testing.T) {
	o := placed()
	late := noon.Add(Lives - time.Second)
	o, err := o.Billed(bill(today.AddDays(14)), late)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(taken(o)), "[2026-12-17T07:00:00Z payment_reminder 2026-12-23T07:00:00Z payment_overdue 2027-01-03T22:00:00Z order_expired expired]"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if _, err := placed().Billed(bill(today.AddDays(14)), late.Add(time.Second)); err != ErrExpired {
		t.Error(err)
	}
}

func TestALateJobGoesToTheLastStepAndSendsThatLetterOnly(t *testing.T) {
	for _, c := range []struct {
		at, letter string
		state      State
		left       string
	}{
		{"2026-12-03T06:59:59Z", "", Placed, "[2026-12-03T07:00:00Z payment_reminder 2026-12-09T07:00:00Z payment_overdue 2026-12-20T22:00:00Z order_expired expired]"},
		{"2026-12-09T06:59:59Z", "payment_reminder", Placed, "[2026-12-09T07:00:00Z payment_overdue 2026-12-20T22:00:00Z order_expired expired]"},
		{"2026-12-20T21:59:59Z", "payment_overdue", Placed, "[2026-12-20T22:00:00Z order_expired expired]"},
		{"2027-12-20T22:00:00Z", "order_expired", Expired, "[expired]"},
	} {
		o, tell, ok := billed(placed()).Step(at(c.at))
		if string(tell.Kind) != c.letter || ok != (c.letter != "") || o.State != c.state || fmt.Sprint(taken(o)) != c.left {
			t.Errorf("at %s: %s, %q, then %s", c.at, o.State, tell.Kind, taken(o))
		}
	}
}

// TestLettersOfTimeCanBeRead: each has all the facts that its wording needs, in every language, also where a part was paid.
func TestLettersOfTimeCanBeRead(t *testing.T) {
	part, _ := billed(placed()).Take(480, noon, "p")
	for name, o := range map[string]Order{"without an invoice": placed(), "with one": billed(placed()), "paid in part": part} {
		for {
			when, ok := o.Next()
			if !ok {
				break
			}
			next, tell, _ := o.Step(when)
			for _, l := range lang.All {
				to := letter.Recipient{Address: "mari@example.ee", Name: "Mari Maasikas", Language: l}
				if _, err := letter.Render(tell, to, letter.Site{PublicURL: "https://opiq.example", Seller: seller.StarCloud}, ""); err != nil {
					t.Errorf("an order %s, %s in %s: %v", name, tell.Kind, l, err)
				}
			}
			if tell.Facts["open"] != o.Open().Cents() || tell.Facts["received"] != o.Received.Cents() {
				t.Errorf("an order %s, %s: %s left, %s received", name, tell.Kind, tell.Facts["open"], tell.Facts["received"])
			}
			o = next
		}
	}
}

func TestOnlyAnOrderThatWaitsForItsMoneyHasANextMoment(t *testing.T) {
	o := billed(placed())
	paid, _ := o.Take(o.Price.Gross, noon, "p")
	cancelled, err := o.Cancel(noon)
	if err != nil {
		t.Fatal(err)
	}
	reopened, err := paid.Release(o.Price.Gross, noon, "p")
	if err != nil {
		t.Fatal(err)
	}
	expired, _, _ := o.Step(o.ExpiresAt())
	for want, o := range map[State]Order{Paid: paid, Cancelled: cancelled, Reopened: reopened, Expired: expired} {
		if _, ok := o.Next(); ok || o.State != want {
			t.Errorf("an order that is %s has a next moment", o.State)
		}
		if _, _, ok := o.Step(noon.AddDate(10, 0, 0)); ok {
			t.Errorf("time does something to an order that is %s", o.State)
		}
	}
}
