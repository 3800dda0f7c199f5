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
	ID     PlanID
	Months int
	Net    money.Amount
}

// Price is what the plan costs a buyer on a day: the net price of its list and the tax of that day.
func (p Plan) Price(on civil.Date) money.Price { return money.Tax(p.Net, vat.On(vat.License, on)) }

// List is a version of the price list: the plans that are sold from a day on, until the next version takes its place.
type List struct {
	ValidFrom civil.Date
	Plans     []Plan // rising by months
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

// PlansOn is the price list of a day. Before the first list nothing was sold, and the list is empty.
func PlansOn(d civil.Date) List {
	for i := len(lists) - 1; i >= 0; i-- {
		if !d.Before(lists[i].ValidFrom) {
			return lists[i]
		}
	}
	return List{}
}

// lists are all versions, oldest first. A new price is a new version with its day, never a change of an old one.
var lists = []List{
	{civil.Date{Year: 2026, Month: 1, Day: 1}, []Plan{plan(1, 4_00), plan(3, 11_00), plan(6, 20_00), plan(10, 30_00), plan(12, 35_00)}},
}

func plan(months int, net money.Amount) Plan {
	return Plan{ID: PlanID(fmt.Sprintf("months-%d", months)), Months: months, Net: net}
}
