// Package invoice is the prepayment invoice: the third way to pay, and the paper that a bookkeeper keeps.
//
// An invoice is made once for an order and never changes: who sells, who buys, what for, at which tax, where to pay and until
// when are kept with it, so that the same paper comes out in seven years. Its number is the next of its year's series; the
// reference number by which the money finds its order follows from the order's number. The package draws no page and writes no
// XML (see papers and einvoice), and keeps no series (see table).
package invoice

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/problem"
	"opiq/shared/reference"
	"opiq/shared/seller"
)

// Why there is no invoice.
var (
	ErrNone  = problem.New(problem.NotFound, "invoice_not_found", "There is no invoice for this order.")
	ErrOther = problem.New(problem.Conflict, "invoice_exists", "The order has an invoice that is made out otherwise, and an invoice never changes.")
)

// Number names an invoice: the year of its issue, and its place in that year's series: "2026-000123".
type Number string

// NumberOf is the n-th number of a year, from 1.
func NumberOf(year, n int) Number { return Number(fmt.Sprintf("%04d-%06d", year, n)) }

// ParseNumber reads a number as we write it.
func ParseNumber(s string) (Number, bool) {
	year, n, ok := strings.Cut(s, "-")
	y, err := strconv.Atoi(year)
	m, err2 := strconv.Atoi(n)
	ok = ok && err == nil && err2 == nil && string(NumberOf(y, m)) == s && y >= 2000 && m > 0
	return Number(s), ok
}

// Buyer is who an invoice is made out to. In an invoice the name is never empty.
type Buyer struct {
	Name         string `json:"name"`
	RegistryCode string `json:"registryCode,omitempty"` // of an organization, in its country's register
	VATNumber    string `json:"vatNumber,omitempty"`
	Address      string `json:"address,omitempty"`
	Email        string `json:"email,omitempty"` // where else the invoice goes: a bookkeeper
}

// Check names every wrong field, as those of the request's "buyer".
func (b *Buyer) Check() (wrong []problem.Field) {
	add := func(name, code, detail string) {
		wrong = append(wrong, problem.Field{Pointer: "/buyer/" + name, Code: code, Detail: detail})
	}
	to := b.clean()
	for _, f := range []struct {
		name, typed, written string
		least, most          int
	}{
		{"name", b.Name, to.Name, 1, 100}, {"registryCode", b.RegistryCode, to.RegistryCode, 0, 15}, {"vatNumber", b.VATNumber, to.VATNumber, 0, 15},
		{"address", b.Address, to.Address, 0, 200},
	} {
		odd := strings.ContainsFunc(f.typed, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) })
		if n := utf8.RuneCountInString(f.written); n < f.least || n > f.most || odd || !utf8.ValidString(f.typed) {
			add(f.name, "length", fmt.Sprintf("%d to %d characters, on one line.", f.least, f.most))
		}
	}
	if to.Name != "" && !strings.ContainsFunc(to.Name, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		add("name", "characters", "A name has a letter or a digit.")
	}
	for _, f := range []struct{ name, code string }{{"registryCode", to.RegistryCode}, {"vatNumber", to.VATNumber}} {
		if strings.Trim(f.code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			add(f.name, "characters", "Codes are letters and digits.")
		}
	}
	if b.Email != "" {
		wrong = append(wrong, account.CheckAddress("/buyer/email", b.Email)...)
	}
	return wrong
}

// clean is the buyer as written on the invoice.
func (b Buyer) clean() Buyer {
	tidy := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	code := func(s string) string { return strings.ToUpper(strings.Join(strings.Fields(s), "")) }
	address, _ := account.ParseAddress(b.Email) // "" for none, and for what Check refuses
	return Buyer{tidy(b.Name), code(b.RegistryCode), code(b.VATNumber), tidy(b.Address), string(address)}
}

// Seller is who sells, as an invoice has to show it, and where to pay.
type Seller struct {
	Name      string `json:"name"`
	Register  string `json:"register"`
	VATNumber string `json:"vatNumber"`
	Address   string `json:"address"`
	Email     string `json:"email"`
	Phone     string `json:"phone"`
	Account          // on which the money is awaited
}

// Account is a bank account of ours.
type Account struct {
	IBAN string `json:"iban"` // without spaces
	BIC  string `json:"bic"`
	Bank string `json:"bank"` // its name, for people
}

// Invoice is one invoice. It never changes.
type Invoice struct {
	Number   Number       `json:"number"`
	Order    order.Number `json:"order"`
	Account  account.ID   `json:"account"`
	Buyer    Buyer        `json:"buyer"`
	Seller   Seller       `json:"seller"`
	Language lang.Code    `json:"language"`
	IssuedOn civil.Date   `json:"issuedOn"`
	DueOn    civil.Date   `json:"dueOn"` // the last day to pay
	Zone     civil.Zone   `json:"zone"`
	Months   int          `json:"months"`
	StartsOn civil.Date   `json:"startsOn"` // as asked for; later, if the money comes later (AMB-7)
	Price    money.Price  `json:"price"`
	IssuedAt time.Time    `json:"issuedAt"`
}

// Reference is the number by which the money finds its order.
func (i Invoice) Reference() reference.Number { return i.Order.Reference() }

// ValidThrough is the last day of the license, if it starts as asked for.
func (i Invoice) ValidThrough() civil.Date { return i.StartsOn.AddMonths(i.Months).AddDays(-1) }

// QR is what a payer's bank app reads to pay an amount (EPC069-12, version 002): the reference in its international form, because
// the standard promises that form only.
func (i Invoice) QR(amount money.Amount) string {
	return strings.Join([]string{
		"BCD", "002", "1", "SCT", i.Seller.BIC, i.Seller.Name, i.Seller.IBAN, "EUR" + amount.String(), "", i.Reference().RF(),
	}, "\n")
}

// Document is the invoice as its buyer pays it: all of it, or what is left to pay.
func (i Invoice) Document(open money.Amount) order.InvoiceDocument {
	return order.InvoiceDocument{
		Number: string(i.Number), DueOn: i.DueOn, IBAN: i.Seller.IBAN, BIC: i.Seller.BIC, Reference: string(i.Reference()), RF: i.Reference().RF(),
		PayTo: i.Seller.Name, Amount: open, QR: i.QR(open),
		MadeOutTo: order.BillTo{Name: i.Buyer.Name, RegistryCode: i.Buyer.RegistryCode, Email: i.Buyer.Email},
	}
}

// Desk is how a stage invoices: its accounts, who we are for the tax office, and how many days people have.
type Desk struct {
	Accounts     []Account `json:"accounts"` // the first one is on invoices; statements may come of all of them
	VATNumber    string    `json:"vatNumber"`
	Address      string    `json:"address"`
	DueDays      int       `json:"dueDays"`      // from the day of issue to the due date
	RemindBefore int       `json:"remindBefore"` // days before the due date; 0 for not at all
	RemindAfter  int       `json:"remindAfter"`  // days after it; 0 for not at all
	ExpireAfter  int       `json:"expireAfter"`  // days after it, at whose end the order expires

	Tolerance money.Amount `json:"tolerance,omitzero"` // so much may be missing from a payment; none, if not given
}

// DeskParameter is the name of the parameter that holds a stage's Desk as JSON.
const DeskParameter = "invoices"

// ErrDesk is a desk that nobody can be invoiced from.
var ErrDesk = errors.New("invoice: the parameter must be JSON with accounts (iban, bic, bank), vatNumber, address, dueDays, remindBefore, remindAfter and expireAfter")

var (
	vatNumber = regexp.MustCompile(`^EE\d{9}$`)
	bic       = regexp.MustCompile(`^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$`)
)

// ParseDesk reads a parameter.
func ParseDesk(parameter string) (Desk, error) {
	var d Desk
	if err := json.Unmarshal([]byte(parameter), &d); err != nil {
		return Desk{}, ErrDesk
	}
	ok := len(d.Accounts) > 0 && vatNumber.MatchString(d.VATNumber) && d.Address != "" && d.DueDays > 0 && d.Tolerance >= 0 &&
		d.RemindBefore >= 0 && d.RemindBefore < d.DueDays && d.RemindAfter >= 0 && d.ExpireAfter > d.RemindAfter
	for _, a := range d.Accounts {
		ok = ok && reference.IBAN(a.IBAN) && bic.MatchString(a.BIC) && a.Bank != ""
	}
	if !ok {
		return Desk{}, ErrDesk
	}
	return d, nil
}

// Seller is who sells, from this desk.
func (d Desk) Seller() Seller {
	s := seller.StarCloud
	return Seller{s.Name, s.Register, d.VATNumber, d.Address, s.Email, s.Phone, d.Accounts[0]}
}

// IBANs are all accounts of ours.
func (d Desk) IBANs() (all []string) {
	for _, a := range d.Accounts {
		all = append(all, a.IBAN)
	}
	return all
}

// Draft is the invoice of an order, but for its number, made out to a buyer or, where none is named, to the person who ordered.
func (d Desk) Draft(o order.Order, who account.Account, buyer *Buyer, now time.Time) Invoice {
	to := Buyer{Name: who.FirstName + " " + who.LastName}
	if buyer != nil {
		to = buyer.clean()
	}
	issued := civil.DateOf(now, o.Zone)
	return Invoice{
		Order: o.Number, Account: o.Account, Buyer: to, Seller: d.Seller(), Language: who.Language, IssuedOn: issued, DueOn: issued.AddDays(d.DueDays),
		Zone: o.Zone, Months: o.Months, StartsOn: o.StartsOn, Price: o.Price, IssuedAt: now.UTC().Truncate(time.Second),
	}
}

// Bill is what the order remembers of its invoice: when to remind of it, and when the order expires.
func (d Desk) Bill(i Invoice) order.Bill {
	b := order.Bill{
		Invoice: string(i.Number), Name: i.Buyer.Name, Code: i.Buyer.RegistryCode, DueOn: i.DueOn, ExpiresOn: i.DueOn.AddDays(d.ExpireAfter + 1),
		Tolerance: d.Tolerance, Account: i.Seller.IBAN, PayTo: i.Seller.Name,
	}
	if d.RemindBefore > 0 {
		b.RemindOn = i.DueOn.AddDays(-d.RemindBefore)
	}
	if d.RemindAfter > 0 {
		b.OverdueOn = i.DueOn.AddDays(d.RemindAfter)
	}
	return b
}

// Issued is what an invoice's number makes: the invoice, its order with the bill, and the letters that take it to its buyer.
type Issued struct {
	Invoice Invoice
	Order   order.Order
	Letters []letter.Letter
}

// Issue makes a draft an invoice under a number.
func (d Desk) Issue(n Number, draft Invoice, o order.Order, now time.Time) (Issued, error) {
	draft.Number = n
	o, err := o.Billed(d.Bill(draft), now)
	if err != nil {
		return Issued{}, err
	}
	facts := draft.Price.Facts(o.PayFacts(map[string]string{
		"months": strconv.Itoa(o.Months), "startsOn": o.StartsOn.String(), "validThrough": draft.ValidThrough().String(),
	}))
	l := letter.Letter{ID: letter.ID("invoice/" + string(n) + "/invoice"), Kind: letter.Invoice, Account: string(o.Account), CreatedAt: now.UTC(), Facts: facts}
	letters := []letter.Letter{l}
	if draft.Buyer.Email != "" {
		l.ID, l.Kind, l.Account, l.To, l.Language = letter.ID("invoice/"+string(n)+"/copy"), letter.InvoiceCopy, "", draft.Buyer.Email, draft.Language
		letters = append(letters, l)
	}
	return Issued{draft, o, letters}, nil
}

// Repeat is the invoice for the same wish again; made out to somebody else it is ErrOther.
func (i Invoice) Repeat(buyer *Buyer) (Invoice, error) {
	if buyer != nil && buyer.clean() != i.Buyer {
		return Invoice{}, ErrOther
	}
	return i, nil
}

// Receipt is the proof that an order was paid.
type Receipt struct {
	Order        order.Number
	Invoice      Number // "" where the buyer asked for none
	Buyer        Buyer
	Seller       Seller
	Language     lang.Code
	Zone         civil.Zone
	Months       int
	StartsOn     civil.Date // of the license, as it really runs
	ValidThrough civil.Date
	Price        money.Price
	PaidOn       civil.Date
	Payments     []Paid
}

// Paid is a payment on a receipt.
type Paid struct {
	Method order.Method
	Bank   string // the buyer's bank link, or ""
	Number string // the bank's own number of the payment, or ""
	On     civil.Date
	Amount money.Amount // what the order took of it
}
