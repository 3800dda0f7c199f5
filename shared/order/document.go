package order

import (
	"time"

	"opiq/shared/banklink"
	"opiq/shared/civil"
	"opiq/shared/license"
	"opiq/shared/money"
)

// Document is an order as its buyer sees it.
type Document struct {
	Number       Number            `json:"number"`
	State        State             `json:"state"`
	Months       int               `json:"months"`
	StartsOn     civil.Date        `json:"startsOn"`
	EndsOn       civil.Date        `json:"endsOn"`       // the first day without the license
	ValidThrough civil.Date        `json:"validThrough"` // the last day with it
	Price        money.Price       `json:"price"`
	Reference    string            `json:"reference"`
	PlacedAt     time.Time         `json:"placedAt"`
	PaidAt       time.Time         `json:"paidAt,omitzero"`
	Attempts     []AttemptDocument `json:"attempts"`
	License      *license.Document `json:"license"`
	RefundCases  []RefundCase      `json:"refundCases"` // money that came too often and goes back
}

// AttemptDocument is an attempt as the buyer sees it.
type AttemptDocument struct {
	ID        AttemptID     `json:"id"`
	Method    Method        `json:"method"`
	Bank      banklink.Bank `json:"bank"`
	State     AttemptState  `json:"state"`
	Amount    money.Amount  `json:"amount"`
	StartedAt time.Time     `json:"startedAt"`
	EndedAt   time.Time     `json:"endedAt,omitzero"`
}

// RefundCase is money of the buyer that waits to be given back.
type RefundCase struct {
	Amount   money.Amount `json:"amount"`
	Reason   string       `json:"reason"` // duplicate, cancelled
	State    string       `json:"state"`  // open
	OpenedAt time.Time    `json:"openedAt"`
}

// Document is the order as its buyer sees it; the dates are the license's own once there is one.
func (o Order) Document() Document {
	return Document{
		Number: o.Number, State: o.State, Months: o.Months, StartsOn: o.StartsOn, EndsOn: o.EndsOn(), ValidThrough: o.EndsOn().AddDays(-1),
		Price: o.Price, Reference: string(o.Number.Reference()), PlacedAt: o.PlacedAt, PaidAt: o.PaidAt,
		Attempts: []AttemptDocument{}, RefundCases: []RefundCase{},
	}
}

// Document is the attempt as the buyer sees it.
func (a Attempt) Document() AttemptDocument {
	return AttemptDocument{a.ID, a.Method, a.Bank, a.State, a.Amount, a.StartedAt, a.EndedAt}
}
