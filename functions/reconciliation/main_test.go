package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/license"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/reconciliation"
	"opiq/shared/statement"
	"opiq/shared/table"
	"opiq/shared/web"
)

func open(cfg aws.Config, name string) desk {
	return desk{table.Open(cfg, name), web.CookieAt(people.PublicURL), people.Now}
}

// price is what each order here costs.
const price money.Amount = 496

// The orders of Jaan, each with an invoice: two that wait, one that the ladder found its money for, one that Liis did, and one
// that Liis took its money back from.
const (
	first   order.Number = "2222222221"
	second  order.Number = "2222222222"
	matched order.Number = "2222222223"
	byHand  order.Number = "2222222224"
	undone  order.Number = "2222222225"
)

// The bank entries, by the digits that their names are made of.
const (
	exact   = "a1" // waits: as much as one order
	both    = "a2" // waits: as much as two
	over    = "a3" // waits: much more
	found   = "a4" // the ladder's, for matched
	chosen  = "a5" // Liis's, for byHand
	dollars = "a6" // waits: not in euro
	back    = "a7" // waits: a return of which it is not plain what came back
	told    = "a8" // settled: the bank link had told of it
	fee     = "a9" // ignored
	fresh   = "b1" // nobody has looked at it
	again   = "b2" // waits: Liis took it back from undone
)

func id(digits string) reconciliation.ID {
	return reconciliation.ID(strings.Repeat(digits, 16))
}

// desk of the seller's invoices.
var invoices = invoice.Desk{
	Accounts:  []invoice.Account{{IBAN: "EE597700771234567897", BIC: "LHVBEE22", Bank: "LHV"}},
	VATNumber: "EE100000000", Address: "Tallinn", DueDays: 14, RemindBefore: 3, RemindAfter: 3, ExpireAfter: 14,
}

// bank is what the bank tells of a booking: a credit without a reference, until it is changed.
func bank(digits string, amount money.Amount, day int, change func(*statement.Entry)) statement.Entry {
	e := statement.Entry{
		ID: string(id(digits)), Booking: string(id(digits)), Part: 1, Parts: 1, Account: invoices.Accounts[0].IBAN, Amount: amount, Direction: statement.Credit,
		Booked: civil.Date{Year: 2026, Month: 11, Day: day}, Valued: civil.Date{Year: 2026, Month: 11, Day: day},
		Other:   statement.Party{Name: "JÕGI JAAN", Account: "EE382200221020145685"},
		BankRef: "2026112200" + digits, Text: "Opiqi litsents",
	}
	if change != nil {
		change(&e)
	}
	return e
}

// bookings are what the bank told.
func bookings() map[string]statement.Entry {
	referring := func(n order.Number) func(*statement.Entry) {
		return func(e *statement.Entry) { e.Reference = []string{string(n.Reference())} }
	}
	return map[string]statement.Entry{
		exact: bank(exact, price, 20, func(e *statement.Entry) { e.Valued = civil.Date{} }),
		both: bank(both, 2*price, 20, func(e *statement.Entry) {
			e.Other = statement.Party{Name: "LEPATRIINU KOOL", Account: "EE171010123456789017", Registry: "75012345"}
			e.OnBehalf, e.Text = "Jõgi <Jaan> & Maasikas Mari", "kaks tellimust"
		}),
		over:    bank(over, 2000, 21, func(e *statement.Entry) { e.Text = string(first) + " ja " + string(second) }),
		found:   bank(found, price, 21, referring(matched)),
		chosen:  bank(chosen, price, 21, nil),
		dollars: bank(dollars, 0, 21, func(e *statement.Entry) { e.Original = statement.Original{Amount: "5.25", Currency: "USD"} }),
		back: bank(back, price, 22, func(e *statement.Entry) {
			e.Direction, e.Returned, e.Reason, e.Text = statement.Debit, true, "AC04", "Makse tagastus"
			e.Other = statement.Party{Name: "MAASIKAS MARI", Account: "EE171010123456789017"}
		}),
		told: bank(told, price, 22, func(e *statement.Entry) {
			e.Reference, e.Other = []string{string(people.Running.Reference())}, statement.Party{Name: "Mari Maasikas", Account: "EE171010123456789017"}
		}),
		fee: bank(fee, 35, 22, func(e *statement.Entry) {
			e.Direction, e.Code, e.Other, e.Text = statement.Debit, statement.Code{SubFamily: "CHRG"}, statement.Party{}, "Teenustasu"
		}),
		fresh: bank(fresh, price, 22, nil),
		again: bank(again, price, 22, nil),
	}
}

// world is a table with people, their orders, and all that the bank told.
func world(t *testing.T) (aws.Config, string) {
	t.Helper()
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	furnish(t, s, found, told, fee, chosen, again, exact, both, over, dollars, back, fresh)
	return cfg, name
}

// corner is a table with as much of the world as some entries need.
func corner(t *testing.T, entries ...string) (aws.Config, string) {
	t.Helper()
	cfg, name := stage.Table(t)
	furnish(t, table.Open(cfg, name), entries...)
	return cfg, name
}

// furnish stores Liis, who looks after the money, and machines, Jaan's orders, and entries, each decided as far as it is.
func furnish(t *testing.T, s *table.Table, entries ...string) {
	t.Helper()
	people.Employ(t, s)
	people.Program(t, s, account.Reconciliation)
	bill(t, s, first)
	bill(t, s, second)
	told := bookings()
	var kept []reconciliation.Entry
	for _, digits := range entries {
		kept = append(kept, reconciliation.Keep(told[digits], "statement-1", "machine", people.Noon))
	}
	if _, err := s.KeepEntries(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	for _, digits := range entries {
		n, ordered := map[string]order.Number{found: matched, chosen: byHand, again: undone}[digits]
		if ordered {
			bill(t, s, n)
		}
		if digits != fresh {
			walk(t, s, digits)
		}
		if digits == chosen || digits == again {
			decide(t, s, digits, reconciliation.Decision{Allocate: []reconciliation.Share{{Order: n, Amount: price}}, Reason: "Jaan helistas"})
		}
		if digits == again {
			decide(t, s, digits, reconciliation.Decision{Undo: true, Reason: "Ta eksis"})
		}
	}
}

// bill places Jaan's order under a number, with an invoice.
func bill(t *testing.T, s *table.Table, n order.Number) {
	t.Helper()
	jaan := people.Person(people.Jaan, "Jaan", "Jõgi", lang.Russian)
	people.Place(t, s, jaan, n, civil.Date{Year: 2026, Month: 12, Day: 1})
	book := people.Book(t, s, n)
	if book.Order.Open() != price {
		t.Fatalf("an order costs %s", book.Order.Open())
	}
	draft := invoices.Draft(book.Order, jaan, nil, people.Noon)
	_, err := s.Issue(t.Context(), 2026, func(i invoice.Number) (invoice.Issued, error) {
		return invoices.Issue(i, draft, book.Order, people.Noon)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// walk is the ladder's walk with an entry.
func walk(t *testing.T, s *table.Table, digits string) {
	t.Helper()
	ctx := t.Context()
	e, err := s.Entry(ctx, id(digits))
	if err != nil {
		t.Fatal(err)
	}
	known := reconciliation.Known{Names: reconciliation.NamesOf(e.Bank)}
	known.Sure, err = s.Books(ctx, known.Names.Sure...)
	if err == nil {
		known.Text, err = s.Books(ctx, known.Names.Text...)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, _ := reconciliation.Decide(e, known, people.Noon)
	if out.Entry.State == reconciliation.Waiting {
		orders, err := s.OpenAt(ctx, e.Bank.Amount)
		if err != nil {
			t.Fatal(err)
		}
		out.Entry = out.Entry.Suggest(reconciliation.Hints{Names: known.Names, Named: slices.Concat(known.Sure, known.Text), Open: orders})
	}
	if err := s.Reconcile(ctx, out); err != nil {
		t.Fatal(err)
	}
}

// decide is what Liis decided before.
func decide(t *testing.T, s *table.Table, digits string, d reconciliation.Decision) {
	t.Helper()
	e, err := s.Entry(t.Context(), id(digits))
	if err != nil {
		t.Fatal(err)
	}
	books := map[order.Number]payment.Book{}
	for _, n := range d.Needs(e) {
		books[n] = people.Book(t, s, n)
	}
	liis := account.Actor{Account: people.Liis}
	out, err := d.Take(e, books, liis.String(), people.Noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Reconcile(t.Context(), out, d.Act(e, out, liis, people.Noon)); err != nil {
		t.Fatal(err)
	}
}

// holds wants the invariants to hold, and every decision of somebody's to stand in the audit trail.
func holds(t *testing.T, cfg aws.Config, name string) ledger.Ledger {
	t.Helper()
	l := ledger.Holds(t, cfg, name)
	for _, e := range l.Entries {
		decided, told := 0, 0
		for _, h := range e.History {
			if strings.HasPrefix(h.By, "account:") || strings.HasPrefix(h.By, "key:") {
				decided++
			}
		}
		for _, a := range l.Acts {
			if a.What == reconciliation.EntryDecided && a.Object == "entry:"+string(e.ID) {
				told++
			}
		}
		if told != decided {
			t.Errorf("entry %s was decided %d times, and %d acts tell of it", e.ID, decided, told)
		}
	}
	return l
}

// lines are what the table holds, a line a thing: what an event has changed is the lines that were not there before.
func lines(l ledger.Ledger) (all []string) {
	line := func(format string, a ...any) { all = append(all, fmt.Sprintf(format, a...)) }
	for _, a := range l.Acts {
		line("act: %s %s %s %q %v", a.Actor, a.What, a.Object, a.Reason, a.Detail)
	}
	for _, c := range l.Cases {
		line("case: %s of payment %s, %s, %s", c.Amount, c.Payment, c.Reason, c.State)
	}
	for _, e := range l.Entries {
		line("entry: %s %s, %v, remainder %s", e.ID, e.State, e.Allocations, e.Remainder)
	}
	for _, x := range l.Letters {
		line("letter: %s", x.ID)
	}
	for _, x := range l.Licenses {
		line("license: %s of order %s, %s", x.ID, x.Order, x.At(people.Noon))
	}
	for _, o := range l.Orders {
		line("order: %s %s, received %s, open %s", o.Number, o.State, o.Received, o.Open())
	}
	for _, p := range l.Payments {
		line("payment: %s for order %s, %s, taken %s, returned %t, entry %q", p.ID, p.Order, p.Amount, p.Taken, !p.ReturnedAt.IsZero(), p.Entry)
	}
	slices.Sort(all)
	return all
}

func TestEvents(t *testing.T) {
	golden.Changes(t, "reconciliation", func(t *testing.T) (func(*testing.T, []byte) any, func(*testing.T) []string) {
		cfg, name := world(t)
		play := func(t *testing.T, event []byte) any { return people.Answer(t, open(cfg, name).routes(), event) }
		return play, func(t *testing.T) []string { return lines(holds(t, cfg, name)) }
	})
}

// ask sends a decision of Liis's and answers the status and the code of a problem.
func ask(ctx context.Context, routes web.Routes, digits string, d map[string]any) (status int, code string, err error) {
	out, err := routes.Handle(ctx, people.Request("POST /v1/reconciliation/{entry}/decision", people.Liis, map[string]string{"entry": string(id(digits))}, d))
	if err != nil {
		return 0, "", err
	}
	var said struct {
		Code string `json:"code"`
	}
	err = json.Unmarshal([]byte(out.Body), &said)
	return out.StatusCode, said.Code, err
}

func allocate(shares ...reconciliation.Share) map[string]any {
	return map[string]any{"allocate": shares, "reason": "Jaan helistas"}
}

func undo() map[string]any {
	return map[string]any{"undo": true, "reason": "See oli teise tellimuse eest"}
}

var errAgain = errors.New("a person would try again")

// TestDecisionsWithEveryCallBroken: whoever hears nothing decides again, and hears then that it is decided.
func TestDecisionsWithEveryCallBroken(t *testing.T) {
	for name, c := range map[string]struct {
		entry    string
		decision map[string]any
		then     string // what the second of two hears
		check    func(*testing.T, ledger.Ledger)
	}{
		"to two orders": {both, allocate(reconciliation.Share{Order: first, Amount: price}, reconciliation.Share{Order: second, Amount: price}), "entry_decided", func(t *testing.T, l ledger.Ledger) {
			if a, b := state(l, first), state(l, second); a != order.Paid || b != order.Paid || len(l.Licenses) != 2 {
				t.Errorf("the orders are %s and %s, there are %d licenses", a, b, len(l.Licenses))
			}
		}},
		"back from an order": {found, undo(), "nothing_to_undo", func(t *testing.T, l ledger.Ledger) {
			if s := state(l, matched); s != order.Reopened {
				t.Errorf("the order is %s", s)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				cfg, name := corner(t, c.entry)
				routes := open(broken(cfg), name).routes()
				return func(ctx context.Context) error {
						status, code, err := ask(ctx, routes, c.entry, c.decision)
						if err == nil && status != 200 && code != c.then {
							err = fmt.Errorf("%w: %d %s", errAgain, status, code)
						}
						return err
					}, func(t *testing.T) {
						c.check(t, holds(t, cfg, name))
					}
			})
		})
	}
}

func state(l ledger.Ledger, n order.Number) order.State {
	for _, o := range l.Orders {
		if o.Number == n {
			return o.State
		}
	}
	return ""
}

// TestTwoPeopleDecideAtOnce: one is first, the other hears it.
func TestTwoPeopleDecideAtOnce(t *testing.T) {
	cfg, name := corner(t, exact, both, over, fresh, again)
	routes := open(cfg, name).routes()
	for _, digits := range []string{exact, both, over, fresh, again} {
		var wait sync.WaitGroup
		var mu sync.Mutex
		var heard []string
		for _, d := range []map[string]any{allocate(reconciliation.Share{Order: first, Amount: price}), {"ignore": true, "reason": "Pole meie raha"}} {
			wait.Go(func() {
				status, code, err := ask(t.Context(), routes, digits, d)
				mu.Lock()
				defer mu.Unlock()
				heard = append(heard, fmt.Sprint(status, " ", code, err))
			})
		}
		wait.Wait()
		slices.Sort(heard)
		if want := []string{"200 <nil>", "409 entry_decided<nil>"}; !slices.Equal(heard, want) {
			t.Errorf("entry %s: %q, want %q", digits, heard, want)
		}
	}
	holds(t, cfg, name)
}

// TestTwoEntriesForOneOrderAtOnce: both are taken, and the order's price once.
func TestTwoEntriesForOneOrderAtOnce(t *testing.T) {
	cfg, name := corner(t, exact, fresh, again)
	routes := open(cfg, name).routes()
	var wait sync.WaitGroup
	for _, digits := range []string{exact, fresh, again} {
		wait.Go(func() {
			if status, code, err := ask(t.Context(), routes, digits, allocate(reconciliation.Share{Order: first, Amount: price})); err != nil || status != 200 {
				t.Errorf("entry %s: %d %s (%v)", digits, status, code, err)
			}
		})
	}
	wait.Wait()
	if l := holds(t, cfg, name); state(l, first) != order.Paid || len(l.Cases) != 2 {
		t.Errorf("the order is %s, there are %d cases", state(l, first), len(l.Cases))
	}
}

// TestDecidedBackAndForth: money goes from order to order and back, however often, and each license opens and closes with it.
func TestDecidedBackAndForth(t *testing.T) {
	cfg, name := corner(t, found)
	s, routes := table.Open(cfg, name), open(cfg, name).routes()
	to := func(n order.Number) map[string]any { return allocate(reconciliation.Share{Order: n, Amount: price}) }
	for round := range 3 {
		for _, step := range []struct {
			decision map[string]any
			paid     order.Number
			not      order.Number
		}{{undo(), "", matched}, {to(first), first, matched}, {undo(), "", first}, {to(matched), matched, first}} {
			if status, code, err := ask(t.Context(), routes, found, step.decision); err != nil || status != 200 {
				t.Fatalf("round %d, %v: %d %s (%v)", round, step.decision, status, code, err)
			}
			holds(t, cfg, name)
			if b := people.Book(t, s, step.not); b.Order.State == order.Paid || b.License != nil && b.License.At(people.Noon) != license.Suspended {
				t.Errorf("round %d: order %s is %s without its money", round, step.not, b.Order.State)
			}
			if step.paid == "" {
				continue
			}
			if b := people.Book(t, s, step.paid); b.Order.State != order.Paid || b.License.At(people.Noon) != license.State(license.Scheduled) {
				t.Errorf("round %d: order %s is %s, its license is %s", round, step.paid, b.Order.State, b.License.At(people.Noon))
			}
		}
	}
}

// TestWhatTheBankTookBackIsNotUndone: a payment goes back once, by the bank or by us.
func TestWhatTheBankTookBackIsNotUndone(t *testing.T) {
	cfg, name := corner(t, found, back)
	routes := open(cfg, name).routes()
	for _, c := range []struct {
		entry    string
		decision map[string]any
		want     string
	}{
		{back, allocate(reconciliation.Share{Order: matched, Amount: price}), "200 "}, // the bank took it back
		{found, undo(), "409 payment_returned"},
		{back, undo(), "200 "}, // it had not
		{found, undo(), "200 "},
		{back, allocate(reconciliation.Share{Order: matched, Amount: price}), "409 payment_returned"},
		{back, map[string]any{"ignore": true, "reason": "Tagastatud"}, "200 "},
	} {
		status, code, err := ask(t.Context(), routes, c.entry, c.decision)
		if got := fmt.Sprint(status, " ", code); err != nil || got != c.want {
			t.Fatalf("%s %v: %s (%v), want %s", c.entry, c.decision, got, err, c.want)
		}
		holds(t, cfg, name)
	}
}

// busy is a table in which somebody else is always quicker.
type busy struct {
	*table.Table
	tries int
}

func (b *busy) Reconcile(context.Context, reconciliation.Outcome, ...account.Act) error {
	b.tries++
	return table.ErrChanged
}

func TestWhoIsNeverQuickEnoughHearsSo(t *testing.T) {
	cfg, name := corner(t, exact)
	d := open(cfg, name)
	b := &busy{Table: table.Open(cfg, name)}
	d.store = b
	status, code, err := ask(t.Context(), d.routes(), exact, map[string]any{"ignore": true, "reason": "Pole meie raha"})
	if err != nil || status != 503 || code != table.ErrChanged.Code || b.tries != tries+1 {
		t.Errorf("%d %s after %d tries (%v)", status, code, b.tries, err)
	}
}
