package invoice

import (
	"time"

	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/problem"
)

// ErrNoCredit answers a credit invoice that is not there, or not the order's.
var ErrNoCredit = problem.New(problem.NotFound, "invoice_not_found", "There is no such credit invoice for this order.")

// Credit is a credit invoice: what of the price of an order is not owed after all. It never changes.
type Credit struct {
	Number       Number       `json:"number"` // of the same series as invoices
	Order        order.Number `json:"order"`
	Invoice      Number       `json:"invoice,omitempty"` // that it credits; "" where the order has none: then it credits the order's receipt
	Account      account.ID   `json:"account"`
	Buyer        Buyer        `json:"buyer"`
	Seller       Seller       `json:"seller"`
	Language     lang.Code    `json:"language"`
	IssuedOn     civil.Date   `json:"issuedOn"`
	Zone         civil.Zone   `json:"zone"`
	Months       int          `json:"months"`
	StartsOn     civil.Date   `json:"startsOn"`     // of the license, as it ran
	ValidThrough civil.Date   `json:"validThrough"` // before this
	Price        money.Price  `json:"price"`        // what is credited, above zero: the paper writes it with a minus
	Reason       string       `json:"reason"`       // why, by its code: see package payment
	IssuedAt     time.Time    `json:"issuedAt"`
}

// Credit is a credit invoice about a part of an order's price, but for its number: made out as the order's invoice is or, where it
// has none, by the seller of today to the person who ordered.
func (d Desk) Credit(o order.Order, i *Invoice, who account.Account, price money.Price, startsOn, validThrough civil.Date, reason string, now time.Time) Credit {
	draft := d.Draft(o, who, nil, now)
	c := Credit{
		Order: o.Number, Account: o.Account, Buyer: draft.Buyer, Seller: draft.Seller, Language: draft.Language, IssuedOn: draft.IssuedOn, Zone: o.Zone,
		Months: o.Months, StartsOn: startsOn, ValidThrough: validThrough, Price: price, Reason: reason, IssuedAt: draft.IssuedAt,
	}
	if i != nil {
		c.Invoice, c.Buyer, c.Seller, c.Language = i.Number, i.Buyer, i.Seller, i.Language
	}
	return c
}
