// Package crash is the story of functions that die in the middle of what they do.
package crash

import (
	"flag"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"opiq/local/account"
	"opiq/local/story"
	"opiq/shared/civil"
	"opiq/shared/money"
	"opiq/shared/reconciliation"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the moments at which functions are killed")

// TestNothingIsLostWhereFunctionsDie is twenty purchases, four at a time, and a bank statement of forty payments for twenty more
// orders that is handed in three times at once, while every few invocations a function gets SIGKILL somewhere between its first
// and its last step. Browsers, banks, the card provider and queues try again as they do; the visibility time-outs are the shortest of
// the template, for all queues. Of some payments by card only the provider knows, until payment-janitor has it asked. Then the killing
// ends, and everything that was begun must come to its end by itself.
func TestNothingIsLostWhereFunctionsDie(t *testing.T) {
	s, err := story.Open(30 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("in the shop:\n%s", s.Journal)
		}
	})
	t.Logf("-seed %d", *seed)
	var buyers []*story.Shopper
	for range 4 {
		buyers = append(buyers, s.Member(t))
	}
	school, key := s.Member(t), s.Machine(t, "statements")
	owed, xml := forty(school)
	school.Stubborn = true
	s.Rest(t, 20*time.Second)
	ahead := story.Today().AddDays(7)

	killing(s)
	orders := make([][]string, len(buyers))
	story.Together(t, len(buyers)+3, func(t *testing.T, i int) {
		if i >= len(buyers) {
			school.As(t).Want(school.As(t).Hands(xml, key...), 200, "")
			return
		}
		p := buyers[i].As(t)
		p.Stubborn = true
		orders[i] = spree(p, i, ahead)
	})
	if t.Failed() {
		return
	}
	time.Sleep(4 * time.Second) // what was paid goes on to its license and its letters
	peace(s)
	began := time.Now()
	s.Schedule(t, "payment-janitor", began.Add(3*time.Minute))

	const bound = 120 * time.Second // an entry waits once, and a letter twice: two messages of one letter can meet
	for i, p := range buyers {
		for _, number := range orders[i] {
			o := p.Becomes(number, bound, func(o story.OrderPage) bool { return o.State == "paid" })
			if o.License == nil || len(o.RefundCases) > 0 {
				t.Errorf("an order that was paid once is %+v", o)
			}
		}
		p.Want(p.Ask("GET", story.Chapter, nil), 200, "")
	}
	for _, number := range owed {
		school.Becomes(number, bound, func(o story.OrderPage) bool { return o.State == "paid" })
	}
	l := s.Rest(t, bound)
	if len(l.Orders) != 40 || len(l.Licenses) != 40 || len(l.Payments) != 20+30 || len(l.Cases) != 10 || len(l.Refused) > 0 {
		t.Errorf("%d orders, %d licenses, %d payments, %d cases, %d refused", len(l.Orders), len(l.Licenses), len(l.Payments), len(l.Cases), len(l.Refused))
	}
	ends := map[reconciliation.State]int{}
	for _, e := range l.Entries {
		ends[e.State]++
	}
	if want := (map[reconciliation.State]int{reconciliation.Allocated: 20, reconciliation.Remainder: 10, reconciliation.Waiting: 10}); !maps.Equal(ends, want) {
		t.Errorf("the bank's entries end as %v, want %v", ends, want)
	}
	t.Logf("at rest %.0f s after the last kill", time.Since(began).Seconds())

	// The schedule dies too, the clock that it sets going, and the stream's consumer.
	killing(s, "license-activation", "license-clock", "dispatch")
	s.Schedule(t, "license-activation", ahead.Start(civil.Tallinn))
	time.Sleep(2 * time.Second) // the clock is at work
	peace(s)
	s.Schedule(t, "license-activation", ahead.Start(civil.Tallinn).Add(5*time.Minute)) // as it would by itself
	l = s.Rest(t, bound)

	died := kills(s)
	t.Logf("killed: %v", died)
	for _, f := range []string{
		"checkout", "orders", "banklink-callback", "payment-settlement", "card-callback", "card-settlement", "dispatch", "email-receipts",
		"statement-import", "invoice-matching", "license-clock",
	} {
		if died[f] == 0 {
			t.Errorf("%s was never killed", f)
		}
	}
	mails := len(school.Mails())
	for i, p := range buyers {
		want := map[string]int{story.Subject("verify"): 1, story.Subject("license_active"): len(orders[i])}
		for _, number := range orders[i] {
			want[story.Subject("order_confirmation", "{order}", number)], want[story.Subject("payment_receipt", "{order}", number)] = 1, 1
		}
		got := map[string]int{}
		for _, subject := range p.Subjects() {
			got[subject]++
			mails++
		}
		for subject, n := range want {
			if got[subject] < n {
				t.Errorf("%q came %d times, must come %d times", subject, got[subject], n)
			}
		}
		if len(got) != len(want) {
			t.Errorf("the mails are %v", got)
		}
	}
	// A letter goes out twice only where SES took it from a process that died before it could say so: one a death.
	if twice := mails - len(l.Letters); twice < 0 || twice > died["email-receipts"] {
		t.Errorf("%d letters and %d mails, with %d deaths of email-receipts", len(l.Letters), mails, died["email-receipts"])
	}
}

// forty is a statement of forty payments: twenty invoices of one buyer are paid in two parts, twice, with too much, or by a number
// in the text, and ten payments are nobody's.
func forty(p *story.Shopper) (owed []string, xml []byte) {
	var payments []account.Payment
	for i := range 20 {
		o := p.Owes()
		owed = append(owed, o.Number)
		gross := money.Amount(o.Price.Gross.Amount)
		pay := func(a money.Amount, reference, text string) {
			payments = append(payments, account.Payment{Payer: story.Somebody, Amount: a, Reference: reference, Text: text})
		}
		switch i % 4 {
		case 0:
			pay(gross/2, o.Reference, "")
			pay(gross-gross/2, o.Reference, "")
		case 1:
			pay(gross, o.Reference, "")
			pay(gross, o.Reference, "")
		case 2:
			pay(gross+1, o.Reference, "")
			pay(gross, "", "Aitäh!")
		case 3:
			pay(gross, "", "Arve "+o.Reference)
			pay(gross+1, "", "Annetus")
		}
	}
	return owed, story.Transfers(payments...)
}

// spree is five purchases by one buyer, one after the other, at all banks and by card, in all ways that end with the money known.
func spree(p *story.Shopper, i int, ahead civil.Date) (numbers []string) {
	for n := range 5 {
		startsOn := story.Today()
		if n == 4 {
			startsOn = ahead
		}
		o := p.Order(12, startsOn)
		if n%2 == 1 {
			ref := p.Card(o.Number)
			p.Does(ref, "outcome=settled&callback="+[]string{"once", "twice", "late", "never"}[(i+n/2)%4])
			if i%2 == 1 {
				p.Returns(ref, o.Number)
			}
		} else {
			back := p.At(p.Pay(o.Number, story.Banks[(i+n)%len(story.Banks)]), "action=pay&notice="+[]string{"after", "twice", "before"}[(i+n)%3])
			if n%4 == 0 {
				p.Returned(p.Back(back), o.Number)
			}
		}
		if p.See(o.Number).Number != o.Number {
			p.T.Errorf("the order %s is not there", o.Number)
		}
		numbers = append(numbers, o.Number)
	}
	return numbers
}

// killing begins: of some functions, or of all, some processes get SIGKILL as they call AWS or in the milliseconds after it,
// and some a while after an invocation began; the first three invocations of each function early, so that none gets away.
// What a process had sent when it died arrives all the same. All processes of a function die together, so it is left alone for a
// second after each death: on a slow machine, where calls of many buyers overlap, none of them would ever come through else.
func killing(s *story.Shop, functions ...string) {
	var mu sync.Mutex
	dice, calls, died := rand.New(rand.NewPCG(*seed, 0)), map[string]int{}, map[string]time.Time{}
	dies := func(function string, kill bool) bool {
		if !kill || time.Since(died[function]) < time.Second || len(functions) > 0 && !slices.Contains(functions, function) {
			return false
		}
		died[function] = time.Now()
		return true
	}
	s.Functions.Strike(func(function string) (time.Duration, bool) {
		mu.Lock()
		defer mu.Unlock()
		if n := calls[function]; n < 3 && dies(function, true) {
			calls[function]++
			return time.Millisecond << n, true
		}
		return time.Millisecond << dice.IntN(7), dies(function, dice.IntN(10) == 0)
	})
	strike := func(function string) {
		mu.Lock()
		after, kill := time.Duration(dice.IntN(12))*time.Millisecond, dies(function, dice.IntN(8) == 0)
		mu.Unlock()
		if kill {
			time.AfterFunc(after, func() { s.Functions.Kill(function) })
		}
	}
	s.Strike.Store(&strike)
}

// peace ends the killing.
func peace(s *story.Shop) {
	s.Strike.Store(nil)
	s.Functions.Strike(nil)
	time.Sleep(20 * time.Millisecond) // for the last one
}

var killed = regexp.MustCompile(`(?m)^(\S+) +[0-9.]+ ms  Runtime\.ExitError`)

// kills is how often each function died in the middle of an invocation.
func kills(s *story.Shop) map[string]int {
	n := map[string]int{}
	for _, m := range killed.FindAllStringSubmatch(s.Journal.String(), -1) {
		n[m[1]]++
	}
	return n
}
