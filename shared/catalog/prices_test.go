package catalog

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"opiq/shared/civil"
	"opiq/shared/money"
)

func plan(months int, net money.Amount, remind ...int) Plan {
	return Plan{Months: months, Net: net, Remind: append([]int{}, remind...)}
}

func TestWhatAPriceListMustBe(t *testing.T) {
	for _, c := range []struct {
		name  string
		plans []Plan
		want  string
	}{
		{"a whole one", []Plan{plan(1, 400, 14, 3), plan(12, 400), plan(36, 10_000_00, 60, 30, 14, 3, 1)}, ""},
		{"of nothing", nil, "/plans required"},
		{"of no months", []Plan{plan(0, 400)}, "/plans/0/months out_of_range"},
		{"of four years", []Plan{plan(37, 400)}, "/plans/0/months out_of_range"},
		{"for nothing", []Plan{plan(1, 0)}, "/plans/0/net out_of_range"},
		{"for a slip of the hand", []Plan{plan(1, 10_000_01)}, "/plans/0/net out_of_range"},
		{"a length twice", []Plan{plan(3, 400), plan(3, 500)}, "/plans/1/months not_rising"},
		{"a shorter one after a longer one", []Plan{plan(3, 400), plan(1, 500)}, "/plans/1/months not_rising"},
		{"more for less", []Plan{plan(3, 400), plan(6, 399)}, "/plans/1/net cheaper"},
		{"six reminders", []Plan{plan(12, 400, 6, 5, 4, 3, 2, 1)}, "/plans/0/remind reminders"},
		{"not a word of reminders", []Plan{{Months: 12, Net: 400}}, "/plans/0/remind reminders"},
		{"a reminder after the end", []Plan{plan(12, 400, 14, 0)}, "/plans/0/remind reminders"},
		{"one more than two months ahead", []Plan{plan(12, 400, 61)}, "/plans/0/remind reminders"},
		{"rising reminders", []Plan{plan(12, 400, 3, 14)}, "/plans/0/remind reminders"},
		{"a reminder twice", []Plan{plan(12, 400, 14, 14)}, "/plans/0/remind reminders"},
		{"one on the first day of the shortest month", []Plan{plan(1, 400, 28)}, "/plans/0/remind reminders"},
		{"one on the second", []Plan{plan(1, 400, 27)}, ""},
	} {
		p := Pricing{Plans: c.plans}
		if got := codes(p.Check()); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAPriceListIsSetBeforeItsDay(t *testing.T) {
	p := Pricing{Plans: []Plan{plan(12, 40_00, 30)}}
	for from, want := range map[string]error{"2026-01-01": ErrListBegun, "2026-11-21": ErrListBegun, "2026-11-22": ErrListBegun, "2026-11-23": nil, "2027-09-01": nil} {
		l, act, news, err := Shelf{}.Reprice(day(from), p, elo, noon("2026-11-22"))
		if !errors.Is(err, want) || news != (want == nil) {
			t.Errorf("%s: news %t (%v)", from, news, err)
		}
		if want == nil && (l.Version() != from || act.What != PricesSet || act.Object != "prices:"+from || act.Detail["plans"] != "12: 40.00 (30)") {
			t.Errorf("%s: %+v, %+v", from, l, act)
		}
	}
}

// TestAPriceListIsAboutWhatWasRead: as a redistribution is; and once its day has come it stays.
func TestAPriceListIsAboutWhatWasRead(t *testing.T) {
	from, p := day("2027-09-01"), Pricing{Plans: []Plan{plan(12, 40_00, 30)}}
	l, _, _, err := Shelf{}.Reprice(from, p, elo, noon("2026-11-22"))
	if err != nil {
		t.Fatal(err)
	}
	l.Revision = 1
	s := Shelf{Lists: []List{l}}
	if _, _, news, err := s.Reprice(from, p, elo, noon("2026-11-22")); news || err != nil {
		t.Errorf("the same again is news: %t (%v)", news, err)
	}
	p.Plans = []Plan{plan(12, 50_00, 30)}
	for revision, want := range map[int]error{0: ErrRevision, 1: nil, 2: ErrRevision} {
		p.Revision = revision
		if _, act, _, err := s.Reprice(from, p, elo, noon("2027-08-31")); !errors.Is(err, want) || err == nil && act.Detail["before"] != "12: 40.00 (30)" {
			t.Errorf("revision %d: %v", revision, err)
		}
	}
	p.Revision = 1
	if _, _, _, err := s.Reprice(from, p, elo, noon("2027-09-01")); !errors.Is(err, ErrListBegun) {
		t.Errorf("on its day: %v", err)
	}
}

// TestWhatStaffSeeOfPrices: every list, which one is in force, and which can be changed.
func TestWhatStaffSeeOfPrices(t *testing.T) {
	s := Shelf{Lists: []List{
		{ValidFrom: day("2026-01-01"), Plans: []Plan{plan(12, 36_00)}, Revision: 1}, // set ahead of one of the program
		{ValidFrom: day("2027-09-01"), Plans: []Plan{plan(12, 40_00)}, Revision: 2},
	}}
	for today, want := range map[string][]string{
		"2025-12-31": {"2026-01-01 program open", "2026-01-01 staff open", "2027-09-01 staff open"},
		"2026-01-01": {"2026-01-01 program", "2026-01-01 staff in force", "2027-09-01 staff open"},
		"2027-09-01": {"2026-01-01 program", "2026-01-01 staff", "2027-09-01 staff in force"},
	} {
		var got []string
		for _, d := range s.ListDocuments(day(today)) {
			line := d.Version() + " " + d.Source
			if d.InForce {
				line += " in force"
			}
			if d.Open {
				line += " open"
			}
			got = append(got, line)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", today, got, want)
		}
	}
}

// TestOnEveryDayOneListIsInForce: the last of those whose day has come, whatever staff set.
func TestOnEveryDayOneListIsInForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := lists[0].ValidFrom
		var s Shelf
		for i, days := range rapid.SliceOfNDistinct(rapid.IntRange(0, 500), 0, 5, rapid.ID).Draw(t, "days") {
			s.Lists = append(s.Lists, List{ValidFrom: first.AddDays(days), Plans: []Plan{plan(1, money.Amount(i+1))}, Revision: 1})
		}
		slices.SortFunc(s.Lists, func(a, b List) int { return b.ValidFrom.DaysUntil(a.ValidFrom) })
		today := first.AddDays(rapid.IntRange(0, 600).Draw(t, "today"))
		in := civil.Date{}
		inForce := 0
		for _, d := range s.ListDocuments(today) {
			if !today.Before(d.ValidFrom) {
				in = d.ValidFrom
			}
			if d.InForce {
				inForce++
			}
		}
		if got := s.PlansOn(today); inForce != 1 || got.ValidFrom != in {
			t.Fatalf("%d are in force, and of %v is sold", inForce, got.ValidFrom)
		}
	})
}
