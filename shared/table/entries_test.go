package table_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/payment"
	"opiq/shared/reconciliation"
	"opiq/shared/statement"
	"opiq/shared/table"
)

// part is one of some parts of a booking of the bank.
func part(booking string, n, of int) reconciliation.Entry {
	e := statement.Entry{
		ID: booking, Booking: booking, Part: n, Parts: of, Account: "EE597700771234567897", Amount: 496, Direction: statement.Credit,
		Booked: civil.Date{Year: 2026, Month: 11, Day: 22},
	}
	if of > 1 {
		e.ID = fmt.Sprintf("%032d", n)
	}
	return reconciliation.Keep(e, "statement", "key:bank", people.Noon)
}

func TestEntriesAreReadTogether(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	whole, batch := strings.Repeat("a", 32), strings.Repeat("b", 32)
	all := []reconciliation.Entry{part(whole, 1, 1), part(batch, 1, 2), part(batch, 2, 2)}
	if _, err := s.KeepEntries(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	ids := []reconciliation.ID{reconciliation.ID(batch), reconciliation.ID(strings.Repeat("c", 32))} // the head of a booking, and one that nobody knows
	for _, e := range all {
		ids = append(ids, e.ID)
	}
	found, err := s.EntriesOf(t.Context(), ids...)
	if err != nil || len(found) != len(all) {
		t.Fatalf("%v (%v)", found, err)
	}
	for _, e := range all {
		e.Revision = 1
		if diff := cmp.Diff(e, found[e.ID]); diff != "" {
			t.Error(diff)
		}
	}
}

// TestABareEntryLearns: a payment comes bare in the report of the day, and with its reference in the statement.
func TestABareEntryLearns(t *testing.T) {
	bare := part(strings.Repeat("a", 32), 1, 1)
	full := bare
	full.Bank.Reference, full.Bank.Text, full.Bank.Other.Account = []string{"26000000017"}, "arve", "EE637700771011212909"
	full.History = []reconciliation.Happened{{At: people.Noon.Add(time.Hour), By: "key:evening", What: "imported", State: reconciliation.New}}
	waits := func(e *reconciliation.Entry) { e.State, e.Reason = reconciliation.Waiting, reconciliation.NoReference }
	for _, c := range []struct {
		name   string
		change func(kept *reconciliation.Entry)
		learns bool
	}{
		{"it waits", waits, true},
		{"nobody has looked at it", func(*reconciliation.Entry) {}, false},
		{"a person decided", func(e *reconciliation.Entry) { waits(e); e.Decided = true }, false},
		{"it waits for something else", func(e *reconciliation.Entry) { waits(e); e.Reason = reconciliation.SeveralOrders }, false},
		{"it has them", func(e *reconciliation.Entry) { waits(e); e.Bank = full.Bank }, false},
		{"it has another text", func(e *reconciliation.Entry) { waits(e); e.Bank.Text = "laekumine" }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, name := stage.Table(t)
			s := table.Open(cfg, name)
			before := bare
			c.change(&before)
			for _, e := range []reconciliation.Entry{before, full, full, bare} {
				kept, err := s.KeepEntries(t.Context(), []reconciliation.Entry{e})
				if err != nil || kept[0] == reconciliation.IsReused {
					t.Fatal(kept, err)
				}
			}
			want := before
			want.Revision = 1
			if c.learns {
				want.Bank, want.State, want.Reason, want.Revision = full.Bank, reconciliation.New, "", 2
				if before.Bank.Text != "" {
					want.Bank.Text = before.Bank.Text
				}
				want.History = append(slices.Clone(want.History), reconciliation.Happened{
					At: people.Noon.Add(time.Hour), By: "key:evening", What: "described", State: reconciliation.New,
				})
			}
			got, err := s.Entry(t.Context(), bare.ID)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}

func TestOrdersAreFoundByTheirInvoicesHoweverManyAreNamed(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	var named []invoice.Number
	for n := range 120 {
		named = append(named, invoice.NumberOf(2026, n+1))
	}
	for i, o := range waiting(t, s, 2) {
		if _, err := issue(t.Context(), s, 2026, o); err != nil {
			t.Fatal(err)
		}
		slices.Reverse(named) // the first and the last of the list
		found, err := s.Invoiced(t.Context(), named...)
		if err != nil || len(found) != i+1 || found[invoice.NumberOf(2026, i+1)] != o.Number {
			t.Errorf("%v (%v)", found, err)
		}
	}
	if found, err := s.Invoiced(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("%v (%v)", found, err)
	}
}

func TestTheLatestPaymentsFromAnAccountAreTheFirst(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	const iban = "EE702200221022222222"
	for i := range 3 {
		p := payment.Payment{ID: payment.ID(fmt.Sprint(i)), Order: "2600000001", Payer: iban, BookedAt: people.Noon.Add(time.Duration(i) * time.Hour)}
		if err := s.Settle(t.Context(), payment.Change{Payments: []payment.Payment{p}}); err != nil {
			t.Fatal(err)
		}
	}
	paid, err := s.PaidFrom(t.Context(), iban)
	if err != nil || len(paid) != 3 || paid[0].ID != "2" || paid[2].ID != "0" {
		t.Errorf("%v (%v)", paid, err)
	}
	if paid, err := s.PaidFrom(t.Context(), ""); err != nil || paid != nil {
		t.Errorf("%v (%v)", paid, err)
	}
}
