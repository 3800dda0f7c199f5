package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/activity"
	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/reading"
	"opiq/shared/table"
)

// When the janitor comes by after somebody left at Noon, and when it erases them.
var (
	soon   = people.Noon.Add(5 * time.Minute)
	erased = people.Noon.Add(account.Waiting)
)

// leaves closes somebody's account at Noon, whatever is under way.
func leaves(t *testing.T, s *table.Table, who account.ID) {
	t.Helper()
	a, err := s.Account(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.Close(people.Noon)
	if err == nil {
		err = s.CloseAccount(t.Context(), c)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// reads has somebody read: a place, a note and a line of the log.
func reads(t *testing.T, s *table.Table, who account.ID) {
	t.Helper()
	note := reading.Note{ID: "a", Work: "w001", Chapter: 1, Text: "päris oma", CreatedAt: people.Noon, ChangedAt: people.Noon}
	err := errors.Join(
		s.KeepNote(t.Context(), who, note),
		s.KeepPlace(t.Context(), who, reading.Place{Work: "w001", Chapter: 1, At: people.Noon}),
		s.Log(t.Context(), activity.Line{ID: "1", At: people.Noon, Account: who, What: activity.ChapterRead, Work: "w001", Chapter: 1}),
	)
	if err != nil {
		t.Fatal(err)
	}
}

// of is an account of a ledger.
func of(l ledger.Ledger, who account.ID) account.Account {
	return l.Accounts[slices.IndexFunc(l.Accounts, func(a account.Account) bool { return a.ID == who })]
}

// comes has the janitor come by, and answers what is counted.
func comes(t *testing.T, s *table.Table, now time.Time) map[string]int {
	t.Helper()
	return counted(t, func() {
		if err := (janitor{s}).handle(t.Context(), now); err != nil {
			t.Error(err)
		}
	})
}

// pays has Mari's bank say that an attempt of hers was paid.
func pays(t *testing.T, s *table.Table, n order.Number, now time.Time) {
	t.Helper()
	b := people.Book(t, s, n)
	c, _, err := payment.Settle(b, people.Paid(b.Attempts[0], "1"), now)
	if err == nil {
		err = s.Settle(t.Context(), c)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestAClosedAccountIsErasedAfterTheWaitingTime: of Jaan nothing is left but that he was there, and of Mari the name that her receipts have.
func TestAClosedAccountIsErasedAfterTheWaitingTime(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	for _, who := range []account.ID{people.Mari, people.Jaan} {
		reads(t, s, who)
		leaves(t, s, who)
	}
	for _, now := range []time.Time{people.Noon.Add(time.Second), soon, erased.Add(-time.Second)} {
		comes(t, s, now)
		if l := ledger.Holds(t, cfg, name); len(l.Notes) != 2 || of(l, people.Jaan).Address == "" || now.Before(soon) != of(l, people.Jaan).EndedAt.IsZero() {
			t.Errorf("at %s: %+v", now, of(l, people.Jaan))
		}
	}
	for range 2 {
		comes(t, s, erased)
		l := ledger.Holds(t, cfg, name)
		if len(l.Notes)+len(l.Places)+len(l.Lines) != 0 {
			t.Errorf("%d notes, %d places, %d lines", len(l.Notes), len(l.Places), len(l.Lines))
		}
		for who, want := range map[account.ID]string{people.Mari: "Mari Maasikas", people.Jaan: " "} {
			if a := of(l, who); a.Address != "" || a.FirstName+" "+a.LastName != want || a.Revision != 4 {
				t.Errorf("%+v", a)
			}
		}
	}
}

// TestAnOrderThatIsPlacedWhileItsBuyerLeavesIsCancelled: and what comes for it goes back.
func TestAnOrderThatIsPlacedWhileItsBuyerLeavesIsCancelled(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	leaves(t, s, people.Mari)
	people.Buy(t, s, "3000000001", civil.Date{Year: 2026, Month: 12, Day: 1}, false) // another tab had read who is signed in
	comes(t, s, soon)
	pays(t, s, "3000000001", soon)
	if w := told(ledger.Holds(t, cfg, name))["3000000001"]; w.State != order.Cancelled || !slices.Equal(w.Back, []string{"4.96 cancelled"}) {
		t.Errorf("%+v", w)
	}
}

// TestMoneyForAnExpiredOrderOfSomebodyWhoLeftGoesBack: of an attempt that began in time, which would have paid it else.
func TestMoneyForAnExpiredOrderOfSomebodyWhoLeftGoesBack(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	b := people.Book(t, s, people.Waiting)
	c, _ := b.Step(over)
	if moved, err := s.Age(t.Context(), c); err != nil || !moved {
		t.Fatal(moved, err)
	}
	leaves(t, s, people.Mari)
	comes(t, s, soon)
	pays(t, s, people.Waiting, soon)
	if w := told(ledger.Holds(t, cfg, name))[people.Waiting]; w.State != order.Cancelled || !slices.Equal(w.Back, []string{"4.96 cancelled"}) {
		t.Errorf("%+v", w)
	}
}

// TestAnOrderThatIsPaidWhileItsBuyerLeavesIsSomebodysBusiness: it has a license that nobody opens. An alarm rings, once.
func TestAnOrderThatIsPaidWhileItsBuyerLeavesIsSomebodysBusiness(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	leaves(t, s, people.Mari)
	pays(t, s, people.Waiting, people.Noon.Add(2*time.Second))
	for _, want := range []int{1, 0} {
		if got := comes(t, s, soon)["Stuck account"]; got != want {
			t.Errorf("counted %d times, not %d", got, want)
		}
	}
	if l := ledger.Holds(t, cfg, name); of(l, people.Mari).EndedAt.IsZero() {
		t.Error("nothing has ended")
	}
}

// TestWhatComesLateIsErasedWithTheRest: a line that waited in its queue, and a note of another tab.
func TestWhatComesLateIsErasedWithTheRest(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	leaves(t, s, people.Jaan)
	comes(t, s, soon)
	reads(t, s, people.Jaan)
	comes(t, s, erased)
	if l := ledger.Holds(t, cfg, name); len(l.Notes)+len(l.Places)+len(l.Lines) != 0 || of(l, people.Jaan).ErasedAt.IsZero() {
		t.Errorf("%d notes, %d places, %d lines: %+v", len(l.Notes), len(l.Places), len(l.Lines), of(l, people.Jaan))
	}
}

// onlyLeft is a janitor that has only closed accounts to look after, and a broken table.
func onlyLeft(t *testing.T, s, broken *table.Table, now time.Time) janitor {
	t.Helper()
	shards := crowd(t, s, now)
	for k := range shards {
		shards[k] = shards[k] && strings.HasPrefix(k, table.Leaving)
	}
	return janitor{crowded{broken, shards}}
}

// TestTheEndOfOrdersWithEveryCallBroken: an order that was paid in part, one that waits, and one that had expired.
func TestTheEndOfOrdersWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		jaan := people.Person(people.Jaan, "Jaan", "Jõgi", lang.Russian)
		for i := range 2 {
			people.Place(t, s, jaan, order.Number(fmt.Sprint(3_000_000_000+i)), civil.Date{Year: 2026, Month: 12, Day: 1})
		}
		people.Transfer(t, s, "3000000000", 200, 1, people.Noon)
		c, _ := people.Book(t, s, "3000000001").Step(over)
		if moved, err := s.Age(t.Context(), c); err != nil || !moved {
			t.Fatal(moved, err)
		}
		leaves(t, s, people.Jaan)
		j := onlyLeft(t, s, table.Open(broken(cfg), name), soon)
		return func(ctx context.Context) error { return j.handle(ctx, soon) }, func(t *testing.T) {
			l := ledger.Holds(t, cfg, name)
			if w := told(l); of(l, people.Jaan).EndedAt.IsZero() || w["3000000000"].State != order.Cancelled || len(w["3000000000"].Back) != 1 || w["3000000001"].State != order.Cancelled {
				t.Errorf("%+v", w)
			}
		}
	})
}

func TestErasingWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		reads(t, s, people.Jaan)
		leaves(t, s, people.Jaan)
		comes(t, s, soon)
		j := onlyLeft(t, s, table.Open(broken(cfg), name), erased)
		return func(ctx context.Context) error { return j.handle(ctx, erased) }, func(t *testing.T) {
			l := ledger.Holds(t, cfg, name)
			if len(l.Notes)+len(l.Places)+len(l.Lines) != 0 || of(l, people.Jaan).ErasedAt.IsZero() {
				t.Errorf("%d notes, %d places, %d lines", len(l.Notes), len(l.Places), len(l.Lines))
			}
		}
	})
}
