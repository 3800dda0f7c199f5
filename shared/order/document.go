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
	Received     money.Amount      `json:"received"` // of the money that came, what the order has taken
	Open         money.Amount      `json:"open"`     // what is left to pay
	PlacedAt     time.Time         `json:"placedAt"`
	ExpiresAt    time.Time         `json:"expiresAt"` // the end of the price, for an order that is not paid
	PaidAt       time.Time         `json:"paidAt,omitzero"`
	Invoice      *InvoiceDocument  `json:"invoice"`
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

// InvoiceDocument is an invoice as the buyer pays it.
type InvoiceDocument struct {
	Number    string       `json:"number"`
	DueOn     civil.Date   `json:"dueOn"`
	IBAN      string       `json:"iban"`
	BIC       string       `json:"bic"`
	Reference string       `json:"reference"` // the Estonian reference number, which has to stand on the payment
	RF        string       `json:"rf"`        // the same as a creditor reference (ISO 11649), for payers abroad
	PayTo     string       `json:"payTo"`     // whose account it is
	Amount    money.Amount `json:"amount"`
	QR        string       `json:"qr"` // what the code for bank apps says (EPC069-12)
}

// RefundCase is money of the buyer that waits to be given back.
type RefundCase struct {
	Amount   money.Amount `json:"amount"`
	Reason   string       `json:"reason"` // duplicate, cancelled, overpaid, expired, late
	State    string       `json:"state"`  // open, or void: the bank took the money back before we gave it back
	OpenedAt time.Time    `json:"openedAt"`
}

// Document is the order as its buyer sees it; the dates are the license's own once there is one.
func (o Order) Document() Document {
	return Document{
		Number: o.Number, State: o.State, Months: o.Months, StartsOn: o.StartsOn, EndsOn: o.EndsOn(), ValidThrough: o.EndsOn().AddDays(-1),
		Price: o.Price, Reference: string(o.Number.Reference()), PlacedAt: o.PlacedAt, PaidAt: o.PaidAt, ExpiresAt: o.ExpiresAt(),
		Received: o.Received, Open: o.Open(),
		Attempts: []AttemptDocument{}, RefundCases: []RefundCase{},
	}
}

// Document is the attempt as the buyer sees it.
func (a Attempt) Document() AttemptDocument {
	return AttemptDocument{a.ID, a.Method, a.Bank, a.State, a.Amount, a.StartedAt, a.EndedAt}
}
