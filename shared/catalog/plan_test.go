package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"opiq/shared/civil"
	"opiq/shared/money"
)

func TestPlansOfToday(t *testing.T) {
	want := List{ValidFrom: civil.Date{Year: 2026, Month: 1, Day: 1}, Plans: []Plan{
		{1, 400, []int{14, 3}}, {3, 1100, []int{14, 3}}, {6, 2000, []int{14, 3}}, {10, 3000, []int{30, 14, 3}}, {12, 3500, []int{30, 14, 3}},
	}}
	got := Shelf{}.PlansOn(today)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.Version() != "2026-01-01" {
		t.Errorf("version %s", got.Version())
	}
}

func TestAPriceHasTheTaxOfItsDay(t *testing.T) {
	p, ok := Shelf{}.PlansOn(today).Plan(10)
	if !ok {
		t.Fatal("no plan of ten months")
	}
	if got, want := p.Price(today), (money.Price{Net: 3000, VAT: 720, Gross: 3720, Rate: 2400}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := p.Price(civil.Date{Year: 2025, Month: 6, Day: 30}), (money.Price{Net: 3000, VAT: 660, Gross: 3660, Rate: 2200}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestALengthWithoutAPlanIsNotSold(t *testing.T) {
	for _, months := range []int{-1, 0, 2, 9, 11, 13, 120} {
		if p, ok := (Shelf{}).PlansOn(today).Plan(months); ok {
			t.Errorf("%d months: %v", months, p)
		}
	}
}

func TestAListHoldsFromItsFirstDay(t *testing.T) {
	first := lists[0].ValidFrom
	if got := (Shelf{}).PlansOn(first); len(got.Plans) == 0 {
		t.Error("no plans on the first day")
	}
	if got := (Shelf{}).PlansOn(first.AddDays(-1)); len(got.Plans) != 0 {
		t.Errorf("on the day before: %v", got)
	}
}

func TestListsAreInOrder(t *testing.T) {
	for i, l := range lists {
		if i > 0 && !lists[i-1].ValidFrom.Before(l.ValidFrom) {
			t.Errorf("%s does not follow %s", l.Version(), lists[i-1].Version())
		}
		ids := map[PlanID]bool{}
		for j, p := range l.Plans {
			if j > 0 && l.Plans[j-1].Months >= p.Months || p.Months < 1 || p.Net <= 0 || ids[p.ID()] {
				t.Errorf("%s: %+v", l.Version(), p)
			}
			ids[p.ID()] = true
		}
	}
}
