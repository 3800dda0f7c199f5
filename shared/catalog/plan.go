package catalog

import (
	"fmt"

	"opiq/shared/civil"
	"opiq/shared/money"
	"opiq/shared/vat"
)

// PlanID names a plan in every price list: "months-1".
type PlanID string

// Plan is a license of some months for a net price.
type Plan struct {
	Months int          `json:"months"`
	Net    money.Amount `json:"net"`
	Remind []int        `json:"remind"` // so many days before its end the owner is reminded of it, falling
}

// ID names the plan.
func (p Plan) ID() PlanID { return PlanID(fmt.Sprintf("months-%d", p.Months)) }

// Price is what the plan costs a buyer on a day: the net price of its list and the tax of that day.
func (p Plan) Price(on civil.Date) money.Price { return money.Tax(p.Net, vat.On(vat.License, on)) }

// List is a version of the price list: the plans that are sold from a day on, until the next version takes its place.
// Revision counts the stored changes of a list that staff set; it changes only until its day has come.
type List struct {
	ValidFrom civil.Date `json:"validFrom"`
	Plans     []Plan     `json:"plans"` // rising by months
	Revision  int        `json:"revision"`
}

// Version names the list for good, beside the price that an order keeps: "2026-01-01".
func (l List) Version() string { return l.ValidFrom.String() }

// Plan is the plan of so many months. A length that the list does not have is not sold.
func (l List) Plan(months int) (Plan, bool) {
	for _, p := range l.Plans {
		if p.Months == months {
			return p, true
		}
	}
	return Plan{}, false
}

// lists are the versions that come with the program, oldest first; those that staff set are on the Shelf. A new price is a new
// version with its day, never a change of an old one.
var lists = []List{
	{ValidFrom: civil.Date{Year: 2026, Month: 1, Day: 1}, Plans: []Plan{
		{1, 4_00, soon}, {3, 11_00, soon}, {6, 20_00, soon}, {10, 30_00, ahead}, {12, 35_00, ahead},
	}},
}

// Who bought much gets a letter more: a school needs time to decide.
var (
	soon  = []int{14, 3}
	ahead = []int{30, 14, 3}
)
