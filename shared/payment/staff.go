package payment

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"opiq/shared/account"
	"opiq/shared/banklink"
	"opiq/shared/everypay"
	"opiq/shared/invoice"
	"opiq/shared/license"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/page"
	"opiq/shared/payout"
	"opiq/shared/problem"
)

// What staff, or programs of theirs, do with refunds.
const (
	RefundRequested account.Deed = "refund_requested"
	RefundRejected  account.Deed = "refund_rejected"
	PayoutFetched   account.Deed = "payout_fetched"
)

// Rejection says that our bank did not carry a transfer out, and in which words: the whole file, or this line of it.
type Rejection struct {
	Reason string `json:"reason"`
}

// Check names every wrong field.
func (r *Rejection) Check() (wrong []problem.Field) {
	if n := utf8.RuneCountInString(strings.TrimSpace(r.Reason)); n == 0 || n > 500 {
		wrong = append(wrong, problem.Field{Pointer: "/reason", Code: "length", Detail: "Say why, in 1 to 500 characters."})
	}
	return wrong
}

// Take is the transfer that our bank did not carry out: its money waits to be given back again. One that a statement has shown is
// ErrRefundMoved; that it came back, a statement shows as well.
func (r Rejection) Take(b Book, id RefundID, by account.Actor, now time.Time) (Refunding, account.Act, error) {
	refund, err := b.refundOf(id)
	switch {
	case err != nil:
		return Refunding{}, account.Act{}, err
	case refund.Way != ByTransfer || refund.State != Requested:
		return Refunding{}, account.Act{}, ErrRefundMoved
	}
	c, _, err := b.Fail(id, "rejected", now)
	act := account.Act{
		At: now.UTC(), Actor: by.String(), What: RefundRejected, Object: "order:" + string(b.Order.Number), Reason: strings.TrimSpace(r.Reason),
		Detail: map[string]string{"refund": string(id), "amount": refund.Amount.String()},
	}
	return Refunding{Change: c, Refunds: c.Refunds}, act, err
}

// Act is the line of the audit trail about an ask that came to something.
func (a Ask) Act(b Book, out Refunding, by account.Actor, now time.Time) account.Act {
	var refunds, amounts, ways []string
	for _, r := range out.Refunds {
		refunds, amounts, ways = append(refunds, string(r.ID)), append(amounts, r.Amount.String()), append(ways, string(r.Way))
	}
	detail := map[string]string{}
	tell := func(name, what string) {
		if what != "" {
			detail[name] = what
		}
	}
	tell("refunds", strings.Join(refunds, ", "))
	tell("amounts", strings.Join(amounts, ", "))
	tell("ways", strings.Join(ways, ", "))
	tell("offset", string(a.Offset))
	if a.To != nil {
		tell("to", tail(a.To.IBAN))
	}
	tell("license", string(out.Effect))
	if credit := out.Change.Credit; credit != nil {
		tell("credit", string(credit.Number))
	}
	reason := string(a.Reason)
	if note := strings.TrimSpace(a.Note); note != "" {
		reason += ": " + note
	}
	return account.Act{At: now.UTC(), Actor: by.String(), What: RefundRequested, Object: "order:" + string(b.Order.Number), Reason: reason, Detail: detail}
}

// Fetched is the line of the audit trail about somebody who takes a file of transfers: it names accounts, and whoever has it can pay.
func Fetched(id payout.ID, by account.Actor, now time.Time) account.Act {
	return account.Act{At: now.UTC(), Actor: by.String(), What: PayoutFetched, Object: "payout:" + string(id)}
}

// Dossier is an order as people see it who look after the money: with whole accounts of payers. Names were written by
// strangers: whoever shows them on a page escapes them.
type Dossier struct {
	Order    OrderDocument     `json:"order"`
	Payments []PaymentDocument `json:"payments"`
	Cases    []CaseDocument    `json:"cases"`
	Refunds  []RefundDocument  `json:"refunds"`
}

// RequestedDocument is what somebody hears who asked for a refund: the refunds, and the order after them.
type RequestedDocument struct {
	Refunds []RefundDocument `json:"refunds"`
	Order   OrderDocument    `json:"order"`
}

// OrderDocument is the money of an order.
type OrderDocument struct {
	Number   order.Number      `json:"number"`
	Account  account.ID        `json:"account"` // the buyer's
	State    order.State       `json:"state"`
	Price    money.Price       `json:"price"`
	Received money.Amount      `json:"received"` // what it has taken of the money that came
	Credited money.Amount      `json:"credited"` // what of the price is not owed after all
	Open     money.Amount      `json:"open"`     // what is left to pay
	License  *license.Document `json:"license"`
}

// PaymentDocument is money that came.
type PaymentDocument struct {
	ID         ID                 `json:"id"`
	Method     order.Method       `json:"method"`
	Bank       banklink.Bank      `json:"bank,omitempty"`
	Amount     money.Amount       `json:"amount"`
	Taken      money.Amount       `json:"taken"`
	Back       money.Amount       `json:"back"`
	Payer      string             `json:"payer"`     // an account; "" where nobody knows it
	PayerName  string             `json:"payerName"` // as the bank wrote it,
	PaidAt     string             `json:"paidAt"`    // and so is this
	ReturnedAt time.Time          `json:"returnedAt,omitzero"`
	Reference  everypay.Reference `json:"reference,omitempty"` // the card provider's name of it
	Offset     RefundID           `json:"offset,omitempty"`    // the refund of another order that it is
}

// CaseDocument is money that waits, or waited, to be given back.
type CaseDocument struct {
	Order    order.Number `json:"order"`
	Payment  ID           `json:"payment"`
	Amount   money.Amount `json:"amount"`
	Reason   Reason       `json:"reason"`
	State    CaseState    `json:"state"`
	OpenedAt time.Time    `json:"openedAt"`
}

// RefundDocument is money on its way back.
type RefundDocument struct {
	ID      RefundID       `json:"id"`
	Order   order.Number   `json:"order"`
	Payment ID             `json:"payment"`
	Amount  money.Amount   `json:"amount"`
	Way     Way            `json:"way"`
	Reason  Why            `json:"reason"` // "" where somebody gave it back on the card provider's pages
	Note    string         `json:"note,omitempty"`
	State   RefundState    `json:"state"`
	Trouble string         `json:"trouble,omitempty"` // why it failed, as a word
	To      *Party         `json:"to,omitempty"`
	Payout  payout.ID      `json:"payout,omitempty"` // the file that it stands in
	Offset  order.Number   `json:"offset,omitempty"`
	Credit  invoice.Number `json:"credit,omitempty"`
	By      string         `json:"by"`
	At      time.Time      `json:"at"`
	EndedAt time.Time      `json:"endedAt,omitzero"`
}

// Dossier is the order as people see it who look after the money: what came first, first.
func (b Book) Dossier(now time.Time) Dossier {
	d := Dossier{b.money(now), []PaymentDocument{}, []CaseDocument{}, documents(slices.SortedFunc(slices.Values(b.Refunds), earliest))}
	for _, p := range slices.SortedFunc(slices.Values(b.Payments), func(x, y Payment) int { return cmp.Or(x.BookedAt.Compare(y.BookedAt), cmp.Compare(x.ID, y.ID)) }) {
		d.Payments = append(d.Payments, PaymentDocument{
			p.ID, p.Method, p.Bank, p.Amount, p.Taken, p.Back, p.Payer, p.PayerName, p.PaidAt, p.ReturnedAt, p.Reference, p.Offset,
		})
	}
	for _, k := range slices.SortedFunc(slices.Values(b.Cases), oldest) {
		d.Cases = append(d.Cases, k.document())
	}
	return d
}

// Requested is what somebody hears who asked for refunds, of the order as the book has it.
func (b Book) Requested(refunds []Refund, now time.Time) RequestedDocument {
	return RequestedDocument{documents(slices.SortedFunc(slices.Values(refunds), earliest)), b.money(now)}
}

// After is the book with the order and the license as refunds have left them.
func (b Book) After(out Refunding) Book {
	c := out.Change
	b.Order, b.License = *cmp.Or(c.Order, &b.Order), cmp.Or(c.License, b.License)
	return b
}

func (b Book) money(now time.Time) OrderDocument {
	o := b.Order
	d := OrderDocument{Number: o.Number, Account: o.Account, State: o.State, Price: o.Price, Received: o.Received, Credited: o.Credited, Open: o.Open()}
	if b.License != nil {
		d.License = new(b.License.Document(now))
	}
	return d
}

func (k Case) document() CaseDocument {
	return CaseDocument{k.Order, k.Payment, k.Amount, k.Reason, k.State, k.OpenedAt}
}

func documents(refunds []Refund) []RefundDocument {
	all := []RefundDocument{}
	for _, r := range refunds {
		d := RefundDocument{
			ID: r.ID, Order: r.Order, Payment: r.Payment, Amount: r.Amount, Way: r.Way, Reason: r.Reason, Note: r.Note, State: r.State, Trouble: r.Trouble,
			Payout: r.Payout, Offset: r.Offset, Credit: r.Credit, By: r.By, At: r.At, EndedAt: r.EndedAt,
		}
		if r.IBAN != "" {
			d.To = &Party{r.Name, r.IBAN}
		}
		all = append(all, d)
	}
	return all
}

// List is what staff look through: cases that are open, or refunds of a state.
type List string

// OpenCases is the list of cases.
const OpenCases = List(Open)

// Lists are all of them.
var Lists = []List{OpenCases, List(Requested), List(Failed), List(Done)}

// CasePage is some of the money that waits to be given back, the oldest first.
type CasePage struct {
	Cases []CaseDocument `json:"cases"`
	Next  *string        `json:"next"` // what the next page comes after, null on the last one
}

// RefundPage is some of the refunds of a state, the oldest first.
type RefundPage struct {
	Refunds []RefundDocument `json:"refunds"`
	Next    *string          `json:"next"`
}

// CasesOf is a page of cases, and the place after which the next one begins; "" for none.
func CasesOf(cases []Case, next string) CasePage {
	p := CasePage{[]CaseDocument{}, page.Next(next)}
	for _, k := range cases {
		p.Cases = append(p.Cases, k.document())
	}
	return p
}

// RefundsOf is the same of refunds.
func RefundsOf(refunds []Refund, next string) RefundPage {
	return RefundPage{documents(refunds), page.Next(next)}
}
