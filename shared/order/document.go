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
	Refunds      []Refund          `json:"refunds"`     // money on its way back
	Credited     money.Amount      `json:"credited"`    // what of the price is not owed after all
	Situation    Situation         `json:"situation"`   // what a page tells the buyer first
	PayWith      []Method          `json:"payWith"`     // the ways in which the order can be paid now
}

// Situation is an order in one word for its buyer.
type Situation string

// The situations.
const (
	ToPay        Situation = "to_pay"        // nobody has set out to pay it
	WaitsForBank Situation = "waiting"       // the buyer was sent to pay, and what became of it is not known yet
	WaitsForBill Situation = "invoiced"      // by a transfer to our account
	PaidInPart   Situation = "paid_in_part"  // a part has come
	TryAgain     Situation = "failed"        // the last try did not succeed: the same way again, or another one
	IsPaid       Situation = "paid"          // and its license is there
	PaidTooMuch  Situation = "paid_too_much" // it is paid, and money that came besides goes back: see refundCases
	OwedAgain    Situation = "owed_again"    // its money went back to its payer
	IsCancelled  Situation = "cancelled"
	IsExpired    Situation = "expired"
	IsAnnulled   Situation = "annulled"
)

// Refund is money on its way back, as its buyer sees it.
type Refund struct {
	ID          string       `json:"id"`
	Amount      money.Amount `json:"amount"`
	Reason      string       `json:"reason"`            // "" where it was given back on the card provider's pages
	Way         string       `json:"way"`               // card, transfer, offset
	State       string       `json:"state"`             // requested, done, failed
	Account     string       `json:"account,omitempty"` // the end of the account that it goes to
	Offset      Number       `json:"offset,omitempty"`  // the order that it pays
	Credit      string       `json:"credit,omitempty"`  // the credit invoice about it
	RequestedAt time.Time    `json:"requestedAt"`
	EndedAt     time.Time    `json:"endedAt,omitzero"`
}

// AttemptDocument is an attempt as the buyer sees it.
type AttemptDocument struct {
	ID        AttemptID     `json:"id"`
	Method    Method        `json:"method"`
	Bank      banklink.Bank `json:"bank,omitempty"` // of a bank link
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
	MadeOutTo BillTo       `json:"madeOutTo"`
}

// BillTo is who an invoice is made out to.
type BillTo struct {
	Name         string `json:"name"`
	RegistryCode string `json:"registryCode,omitempty"`
	Email        string `json:"email,omitempty"` // where a copy of it went
}

// RefundCase is money of the buyer that waits to be given back.
type RefundCase struct {
	Amount   money.Amount `json:"amount"`
	Reason   string       `json:"reason"` // duplicate, cancelled, overpaid, expired, late, annulled, returned, charged_back
	State    string       `json:"state"`  // open; given: see refunds; void: the bank or the card's holder took the money back
	OpenedAt time.Time    `json:"openedAt"`
}

// Document is the order as its buyer sees it; the dates are the license's own once there is one.
func (o Order) Document() Document {
	d := Document{
		Number: o.Number, State: o.State, Months: o.Months, StartsOn: o.StartsOn, EndsOn: o.EndsOn(), ValidThrough: o.EndsOn().AddDays(-1),
		Price: o.Price, Reference: string(o.Number.Reference()), PlacedAt: o.PlacedAt, PaidAt: o.PaidAt, ExpiresAt: o.ExpiresAt(),
		Received: o.Received, Open: o.Open(),
		Credited: o.Credited, Attempts: []AttemptDocument{}, RefundCases: []RefundCase{}, Refunds: []Refund{}, Situation: o.situation(), PayWith: []Method{},
	}
	if refusal[o.State] == nil {
		d.PayWith = Methods
	}
	return d
}

// situations are those that follow from the order's state alone.
var situations = map[State]Situation{
	Paid: IsPaid, Cancelled: IsCancelled, Expired: IsExpired, Reopened: OwedAgain, Annulled: IsAnnulled,
}

func (o Order) situation() Situation {
	switch s := situations[o.State]; {
	case s != "":
		return s
	case o.Received > 0:
		return PaidInPart
	case o.Bill != nil:
		return WaitsForBill
	}
	return ToPay
}

// Document is the attempt as the buyer sees it.
func (a Attempt) Document() AttemptDocument {
	return AttemptDocument{a.ID, a.Method, a.Bank, a.State, a.Amount, a.StartedAt, a.EndedAt}
}
