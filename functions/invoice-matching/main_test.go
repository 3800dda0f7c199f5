package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/queue"
	"opiq/shared/reconciliation"
	"opiq/shared/statement"
	"opiq/shared/table"
)

const (
	ours   = "EE597700771234567897" // our account
	maris  = "EE171010123456789017" // Mari's, from which she has paid through the bank link
	school = "EE702200221022222222"
	third  = "EE411010220034796011"
)

// The orders beside those of the people, all of one month at 4.96, the first three with an invoice.
const (
	first     order.Number = "2600000001"
	second    order.Number = "2600000002"
	lakeside  order.Number = "2600000003" // made out to a school
	cancelled order.Number = "2600000004"
	expired   order.Number = "2600000005" // at a price that still stands
	outdated  order.Number = "2600000006" // expired, at a price of long ago
	nobodys   order.Number = "2600000009"
)

// entries are what the bank told of, by the last digits of their ids. Each is a credit of 4.96 booked on the day, if it does not
// say otherwise.
var entries = map[int]statement.Entry{
	1:  {Reference: ref(first), Other: statement.Party{Name: "Mari Maasikas", Account: school}},
	2:  {Reference: ref(first), Amount: 200, Other: statement.Party{Account: school}},
	3:  {Reference: ref(first), Amount: 1000, Other: statement.Party{Account: school}},
	4:  {Reference: ref(people.Ahead), Other: statement.Party{Account: school}}, // Mari paid it
	5:  {Reference: ref(people.Running), Other: statement.Party{Account: maris}},
	6:  {Reference: ref(cancelled)},
	7:  {Reference: ref(expired)},
	8:  {Reference: ref(outdated)},
	9:  {Text: "Opiq, tellimus " + string(first) + ", aitäh!"},
	10: {Text: "arve 2026-000002"},
	11: {Text: "arved 2026-000001, 2026-000002", Amount: 992},
	12: {Direction: statement.Debit, Amount: 30, Code: statement.Code{SubFamily: "CHRG"}},
	13: {Direction: statement.Debit, Other: statement.Party{Account: school}, Reference: ref(first)}, // we paid somebody
	14: {Direction: statement.Debit, Returned: true, Reference: ref(people.Running), Other: statement.Party{Account: maris}},
	15: {Direction: statement.Debit, Returned: true, Other: statement.Party{Account: maris}}, // of one of two payments
	16: {Direction: statement.Debit, Returned: true, Other: statement.Party{Account: third}}, // of the one payment of number 22
	17: {Reference: ref(nobodys), Other: statement.Party{Name: "MAASIKAS MARI", Account: maris}},
	18: {Text: "aitäh", Other: statement.Party{Name: "Järve Kool", Account: school, Registry: "75012345"}},
	19: {Amount: 0, Original: statement.Original{Amount: "6.00", Currency: "USD"}, Reference: ref(first)},
	20: {Reference: []string{swapped(first)}},
	21: {Text: "tellimused " + string(first) + " ja " + string(second), Amount: 700},
	22: {Reference: ref(second), Other: statement.Party{Account: third}},
	23: {Reference: ref(first)}, // a person has decided to ignore it
	24: {Amount: 7440, Lump: true},
	25: {Reference: ref(people.Waiting), Other: statement.Party{Account: maris}}, // which she has begun to pay through the bank link
}

func ref(n order.Number) []string { return []string{string(n.Reference())} }

// swapped is the reference number of an order with two digits in each other's place.
func swapped(n order.Number) string {
	r := []byte(n.Reference())
	r[8], r[9] = r[9], r[8]
	return string(r)
}

func id(n int) reconciliation.ID { return reconciliation.ID(fmt.Sprintf("%032d", n)) }

// kept is an entry as the import of a statement stores it.
func kept(n int) reconciliation.Entry {
	e := entries[n]
	e.ID, e.Booking, e.Part, e.Parts, e.Account, e.Booked = string(id(n)), string(id(n)), 1, 1, ours, civil.Date{Year: 2026, Month: 11, Day: 22}
	e.BankRef = fmt.Sprintf("RO%d", n)
	if e.Direction == "" {
		e.Direction = statement.Credit
	}
	if e.Amount == 0 && e.Original == (statement.Original{}) {
		e.Amount = 496
	}
	return reconciliation.Keep(e, "statement", "key:bank", people.Noon)
}

// world is a table with the people, their orders, and all that the bank told of.
type world struct {
	*table.Table
	t    *testing.T
	cfg  aws.Config
	name string
}

func newWorld(t *testing.T) world {
	t.Helper()
	w := smallWorld(t, slices.Sorted(maps.Keys(entries))...)
	w.place(lakeside, people.Noon, nil)
	people.Invoice(t, w.Table, lakeside, &invoice.Buyer{Name: "Järve Kool", RegistryCode: "75012345"})
	w.place(cancelled, people.Noon, nil)
	change, _, err := w.book(cancelled).Cancel(people.Noon)
	w.must(err)
	w.must(w.Settle(t.Context(), change))
	w.expire(expired, func(o *order.Order) { o.StartsOn = civil.Date{Year: 2026, Month: 11, Day: 10} })
	w.expire(outdated, func(o *order.Order) { o.Price = money.Tax(300, 2000) })
	return w
}

// smallWorld has only the first two of the orders, and some of the entries.
func smallWorld(t *testing.T, numbers ...int) world {
	t.Helper()
	cfg, name := stage.Table(t)
	w := world{table.Open(cfg, name), t, cfg, name}
	people.MoveIn(t, w.Table)
	w.place(first, people.Noon, nil)
	w.place(second, people.Noon, nil)
	people.Invoice(t, w.Table, first, nil)
	people.Invoice(t, w.Table, second, nil)
	var all []reconciliation.Entry
	for _, n := range numbers {
		e := kept(n)
		if n == 23 {
			out, err := reconciliation.Decision{Ignore: true, Reason: "a gift"}.Take(e, nil, "account:liis", people.Noon)
			w.must(err)
			e = out.Entry
		}
		all = append(all, e)
	}
	_, err := w.KeepEntries(t.Context(), all)
	w.must(err)
	return w
}

func (w world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w world) place(n order.Number, at time.Time, change func(*order.Order)) {
	w.t.Helper()
	wish := order.Wish{Months: 1, StartsOn: civil.Date{Year: 2026, Month: 12, Day: 1}, OrderTerms: "2017-07-01", ImmediateSupply: true}
	o, err := order.Place(people.Person(people.Mari, "Mari", "Maasikas", lang.Estonian), catalog.Shelf{}, wish, string(n), at)
	w.must(err)
	o.Number = n
	if change != nil {
		change(&o)
	}
	_, err = w.Place(w.t.Context(), o)
	w.must(err)
}

// expire places an order 20 days ago and lets it expire.
func (w world) expire(n order.Number, change func(*order.Order)) {
	w.t.Helper()
	w.place(n, people.Noon.AddDate(0, 0, -20), change)
	aged, _ := w.book(n).Step(people.Noon.AddDate(0, 0, -6))
	if moved, err := w.Age(w.t.Context(), aged); !moved || err != nil {
		w.t.Fatal(moved, err)
	}
}

func (w world) book(n order.Number) payment.Book {
	w.t.Helper()
	b, err := w.Book(w.t.Context(), n)
	w.must(err)
	return b
}

func (w world) entry(n int) reconciliation.Entry {
	w.t.Helper()
	e, err := w.Entry(w.t.Context(), id(n))
	w.must(err)
	return e
}

// match lets invoice-matching see entries in one batch.
func (w world) match(cfg aws.Config, numbers ...int) error {
	var messages []reconciliation.Ready
	for _, n := range numbers {
		messages = append(messages, reconciliation.Ready{Entry: id(n)})
	}
	for _, err := range open(cfg, w.name).handle(w.t.Context(), messages) {
		if err != nil {
			return err
		}
	}
	return nil
}

func open(cfg aws.Config, name string) matching {
	return matching{table.Open(cfg, name), people.Now}
}

// ended is what became of an entry.
type ended struct {
	State       reconciliation.State        `json:"state"`
	Reason      reconciliation.Reason       `json:"reason"`
	Allocations []reconciliation.Allocation `json:"allocations,omitempty"`
	Remainder   money.Amount                `json:"remainder,omitzero"`
	Refund      money.Amount                `json:"refund,omitzero"`
	Suggestions []reconciliation.Suggestion `json:"suggestions,omitempty"`
	By          string                      `json:"by"`
}

// purchase is what became of an order.
type purchase struct {
	State    order.State       `json:"state"`
	Received money.Amount      `json:"received"`
	Open     money.Amount      `json:"open"`
	License  string            `json:"license,omitempty"`
	Payments map[string]string `json:"payments,omitempty"`
	Cases    map[string]string `json:"cases,omitempty"`
}

func (w world) purchases() map[order.Number]purchase {
	w.t.Helper()
	all := map[order.Number]purchase{}
	for _, o := range ledger.Holds(w.t, w.cfg, w.name).Orders {
		b := w.book(o.Number)
		p := purchase{State: o.State, Received: o.Received, Open: o.Open(), Payments: map[string]string{}, Cases: map[string]string{}}
		if l := b.License; l != nil {
			p.License = fmt.Sprintf("%s, %s to %s", l.At(people.Noon), l.StartsOn, l.ValidThrough())
		}
		for _, x := range b.Payments {
			p.Payments[string(x.ID)] = fmt.Sprintf("%s of %s taken", x.Taken, x.Amount)
			if x.Entry != "" {
				p.Payments[string(x.ID)] += ", shown"
			}
			if !x.ReturnedAt.IsZero() {
				p.Payments[string(x.ID)] += ", returned"
			}
		}
		for _, c := range b.Cases {
			p.Cases[string(c.Payment)] = fmt.Sprintf("%s %s %s", c.Amount, c.Reason, c.State)
		}
		all[o.Number] = p
	}
	return all
}

func (w world) letters() (all []letter.ID) {
	for _, l := range ledger.Holds(w.t, w.cfg, w.name).Letters {
		all = append(all, l.ID)
	}
	slices.Sort(all)
	return all
}

func TestEvents(t *testing.T) {
	golden.Events(t, "invoice-matching", func(t *testing.T, _ string, event []byte) any {
		w := newWorld(t)
		var e events.SQSEvent
		w.must(json.Unmarshal(event, &e))
		before, told := w.purchases(), w.letters()
		answer, err := queue.Batch[reconciliation.Ready](open(w.cfg, w.name).handle).Handle(t.Context(), e)
		w.must(err)
		after := w.purchases()
		maps.DeleteFunc(after, func(n order.Number, p purchase) bool { return fmt.Sprint(p) == fmt.Sprint(before[n]) })
		became := map[reconciliation.ID]ended{}
		for n := range entries {
			if e := w.entry(n); len(e.History) > 1 && n != 23 {
				became[e.ID] = ended{e.State, e.Reason, e.Allocations, e.Remainder, e.Refund, e.Suggestions, e.History[len(e.History)-1].By}
			}
		}
		letters := slices.DeleteFunc(w.letters(), func(l letter.ID) bool { return slices.Contains(told, l) })
		return map[string]any{"answer": answer, "entries": became, "orders": after, "letters": letters}
	})
}

// TestEveryEntryEnds: all that the bank told of, in batches, whatever comes first; in the end each has ended, and the sums hold.
func TestEveryEntryEnds(t *testing.T) {
	w := newWorld(t)
	all := slices.Sorted(maps.Keys(entries))
	for batch := range slices.Chunk(all, 10) {
		w.must(w.match(w.cfg, batch...))
	}
	for _, e := range ledger.Holds(t, w.cfg, w.name).Entries {
		if e.State == reconciliation.New {
			t.Errorf("entry %s was left lying", e.ID)
		}
	}
}

// TestTwoBatchesThatMeet: entries of the same orders in two batches at once. Nothing is lost or doubled.
func TestTwoBatchesThatMeet(t *testing.T) {
	w := smallWorld(t, 1, 2, 3, 9, 11, 22)
	var both sync.WaitGroup
	for _, batch := range [][]int{{1, 2, 3, 9, 11, 22}, {22, 11, 9, 3, 2, 1}} {
		both.Go(func() {
			if err := w.match(w.cfg, batch...); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	ledger.Holds(t, w.cfg, w.name)
	for _, n := range []order.Number{first, second} {
		if b := w.book(n); b.Order.State != order.Paid {
			t.Errorf("order %s is %s", n, b.Order.State)
		}
	}
}

func TestMatchingWithEveryCallBroken(t *testing.T) {
	for name, c := range map[string]struct {
		entries []int
		check   func(*testing.T, ledger.Ledger, world)
	}{
		"Exact": {[]int{1}, func(t *testing.T, l ledger.Ledger, w world) {
			if b := w.book(first); b.Order.State != order.Paid || len(b.Payments) != 1 || len(b.Cases) != 0 || l.Count(letter.PaymentReceipt) != 3 {
				t.Errorf("%+v", b)
			}
		}},
		"Over": {[]int{3}, func(t *testing.T, l ledger.Ledger, w world) {
			if b := w.book(first); b.Order.State != order.Paid || len(b.Payments) != 1 || len(b.Cases) != 1 || b.Cases[0].Amount != 504 || l.Count(letter.RefundCase) != 1 {
				t.Errorf("%+v", b)
			}
		}},
		"Return": {[]int{14}, func(t *testing.T, l ledger.Ledger, w world) {
			if b := w.book(people.Running); b.Order.State != order.Reopened || len(b.License.Holds) != 1 || l.Count(letter.PaymentTakenBack) != 1 {
				t.Errorf("%+v", b)
			}
		}},
		"Waiting": {[]int{17}, func(t *testing.T, _ ledger.Ledger, w world) {
			if e := w.entry(17); e.State != reconciliation.Waiting || len(e.Suggestions) == 0 || len(e.History) != 2 {
				t.Errorf("%+v", e)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				w := smallWorld(t, c.entries...)
				cfg := broken(w.cfg)
				return func(context.Context) error { return w.match(cfg, c.entries...) }, func(t *testing.T) {
					c.check(t, ledger.Holds(t, w.cfg, w.name), w)
				}
			})
		})
	}
}

// counter counts calls to AWS by their names.
type counter struct {
	mu    sync.Mutex
	calls map[string]int
}

func (c *counter) Do(r *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c.mu.Lock()
	c.calls[action]++
	c.mu.Unlock()
	return http.DefaultClient.Do(r)
}

// TestWhatABatchCosts: one reading for all entries, one more where invoices are named, one for each order, one for the shelf beside
// them, one transaction for each entry. What was done before costs the reading only.
func TestWhatABatchCosts(t *testing.T) {
	for name, c := range map[string]struct {
		entries []int
		want    map[string]int
	}{
		"OneExact":          {[]int{1}, map[string]int{"BatchGetItem": 1, "Query": 2, "TransactWriteItems": 1}},
		"TwoExact":          {[]int{1, 22}, map[string]int{"BatchGetItem": 1, "Query": 3, "TransactWriteItems": 2}},
		"ByTheirInvoices":   {[]int{11}, map[string]int{"BatchGetItem": 2, "Query": 3, "TransactWriteItems": 1}},
		"PartsOfOneOrder":   {[]int{2, 1}, map[string]int{"BatchGetItem": 1, "Query": 4, "TransactWriteItems": 2}},
		"NothingToFind":     {[]int{12, 13}, map[string]int{"BatchGetItem": 1, "Query": 2, "PutItem": 2}},
		"DoneBefore":        {[]int{23, 23, 23}, map[string]int{"BatchGetItem": 1}},
		"TheSameTwice":      {[]int{1, 1}, map[string]int{"BatchGetItem": 1, "Query": 2, "TransactWriteItems": 1}},
		"WaitingForAPerson": {[]int{18}, map[string]int{"BatchGetItem": 1, "Query": 2, "PutItem": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			w := smallWorld(t, c.entries...)
			calls := &counter{calls: map[string]int{}}
			cfg := w.cfg
			cfg.HTTPClient = calls
			w.must(w.match(cfg, c.entries...))
			if !maps.Equal(calls.calls, c.want) {
				t.Errorf("%v, not %v", calls.calls, c.want)
			}
		})
	}
}

// settle is what payment-settlement does with a notice.
func (w world) settle(a order.Attempt, number string) {
	w.t.Helper()
	change, news, err := payment.Settle(w.book(a.Order), people.Paid(a, number), people.Noon)
	w.must(err)
	if !news {
		w.t.Fatal("the notice brings no news")
	}
	w.must(w.Settle(w.t.Context(), change))
}

// TestOneMoneyToldOfByBankLinkAndStatement: whichever is first, the order has one license, and nothing goes back.
func TestOneMoneyToldOfByBankLinkAndStatement(t *testing.T) {
	for _, statementFirst := range []bool{true, false} {
		w := smallWorld(t, 25)
		a := w.book(people.Waiting).Attempts[0]
		want := reconciliation.Settled
		if statementFirst {
			want = reconciliation.Allocated
			w.must(w.match(w.cfg, 25))
			w.settle(a, "77")
		} else {
			w.settle(a, "77")
			w.must(w.match(w.cfg, 25))
		}
		l := ledger.Holds(t, w.cfg, w.name)
		b := w.book(people.Waiting)
		if b.Order.State != order.Paid || len(b.Payments) != 1 || len(b.Cases) != 0 || b.Attempts[0].State != order.Succeeded || l.Count(letter.PaymentReceipt) != 3 {
			t.Errorf("the statement first: %t: %+v", statementFirst, b)
		}
		if got := w.entry(25).State; got != want {
			t.Errorf("the statement first: %t: the entry is %s", statementFirst, got)
		}
	}
}

// TestMoneyThatCameByBankLinkAndWentBackBeforeItIsShown: that it came is no new money, whichever of the two the ladder sees first.
func TestMoneyThatCameByBankLinkAndWentBackBeforeItIsShown(t *testing.T) {
	w := smallWorld(t, 5, 14)
	w.must(w.match(w.cfg, 14))
	w.must(w.match(w.cfg, 5))
	ledger.Holds(t, w.cfg, w.name)
	if b := w.book(people.Running); b.Order.State != order.Reopened || len(b.Payments) != 1 || w.entry(5).State != reconciliation.Settled {
		t.Errorf("%+v", b)
	}
}

// meeting lets something happen between a decision and its being stored, once.
type meeting struct {
	*table.Table
	first func()
}

func (m *meeting) Reconcile(ctx context.Context, o reconciliation.Outcome, acts ...account.Act) error {
	if first := m.first; first != nil {
		m.first = nil
		first()
	}
	return m.Table.Reconcile(ctx, o, acts...)
}

// TestANoticeBetweenDecisionAndTransaction: the entry is decided on again, also where the order takes nothing of the money, and
// it is one payment.
func TestANoticeBetweenDecisionAndTransaction(t *testing.T) {
	for _, given := range []bool{false, true} {
		w := smallWorld(t, 25)
		a := w.book(people.Waiting).Attempts[0]
		if given {
			change, _, err := w.book(people.Waiting).Cancel(people.Noon)
			w.must(err)
			w.must(w.Settle(t.Context(), change))
		}
		m := matching{&meeting{w.Table, func() { w.settle(a, "77") }}, people.Now}
		if errs := m.handle(t.Context(), []reconciliation.Ready{{Entry: id(25)}}); errs[0] != nil {
			t.Fatal(errs)
		}
		ledger.Holds(t, w.cfg, w.name)
		if b := w.book(people.Waiting); len(b.Payments) != 1 || b.Payments[0].Entry == "" || w.entry(25).State != reconciliation.Settled {
			t.Errorf("given up: %t: %+v", given, b)
		}
	}
}

// TestAPersonBetweenDecisionAndTransaction: what they decided stays.
func TestAPersonBetweenDecisionAndTransaction(t *testing.T) {
	w := smallWorld(t, 1)
	m := matching{&meeting{w.Table, func() {
		out, err := reconciliation.Decision{Ignore: true, Reason: "a gift"}.Take(w.entry(1), nil, "account:liis", people.Noon)
		w.must(err)
		w.must(w.Table.Reconcile(t.Context(), out))
	}}, people.Now}
	if errs := m.handle(t.Context(), []reconciliation.Ready{{Entry: id(1)}}); errs[0] != nil {
		t.Fatal(errs)
	}
	ledger.Holds(t, w.cfg, w.name)
	if e := w.entry(1); e.State != reconciliation.Ignored || len(w.book(first).Payments) != 0 {
		t.Errorf("%+v", e)
	}
}

// restless is a store where all about one entry moves all the time.
type restless struct {
	*table.Table
	entry reconciliation.ID
}

func (r restless) Reconcile(ctx context.Context, o reconciliation.Outcome, acts ...account.Act) error {
	if o.Entry.ID == r.entry {
		return table.ErrChanged
	}
	return r.Table.Reconcile(ctx, o, acts...)
}

// TestWhatMovesAllTheTimeComesAgain: it is tried for as long as the call lasts, and its neighbors do not wait for it.
func TestWhatMovesAllTheTimeComesAgain(t *testing.T) {
	w := smallWorld(t, 1, 22)
	ctx, stop := context.WithTimeout(t.Context(), 4*time.Second)
	defer stop()
	errs := matching{restless{w.Table, id(1)}, people.Now}.handle(ctx, []reconciliation.Ready{{Entry: id(1)}, {Entry: id(22)}})
	if errs[0] == nil || errs[1] != nil || ctx.Err() == nil || w.entry(1).State != reconciliation.New || w.entry(22).State != reconciliation.Allocated {
		t.Error(errs)
	}
}
