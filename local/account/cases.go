package account

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"opiq/local/ledger"
	"opiq/shared/invoice"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/reference"
)

// debt is an order, and who pays it.
type debt struct {
	Order    order.Order
	Invoice  invoice.Number
	Payer    Payer
	Payments []payment.Payment // what came to this account, and did not go back
}

// due is what is left to pay; of an order that is paid, what it costs: money for it is paid twice.
func (d debt) due() money.Amount {
	if open := d.Order.Open(); open > 0 {
		return open
	}
	return d.Order.Price.Gross
}

// paid is so much money for the debt, with its reference number.
func (d debt) paid(a money.Amount) Booking {
	return Booking{Payments: []Payment{{Payer: d.Payer, Amount: a, Reference: string(d.Order.Number.Reference())}}}
}

// story is one way in which invoices are paid, or are not, or what becomes of transfers that we ordered.
type story struct {
	Name, About string
	Paid        bool // it is told of orders that are paid, not of those that are owed
	Ours        bool // it is told of transfers of ours
	tell        func([]debt) []Booking
	back        string // an ISO code: why the transfers come back
}

// extra is what comes too much.
const extra money.Amount = 10_00

// stories are the values of case.
var stories = []story{
	{Name: "exact", About: "what is left to pay, to the cent", tell: each(func(d debt) []Booking { return []Booking{d.paid(d.due())} })},
	{Name: "short", About: "half of what is left to pay", tell: each(func(d debt) []Booking { return []Booking{d.paid(max(1, d.due()/2))} })},
	{Name: "over", About: "ten euros more", tell: each(func(d debt) []Booking { return []Booking{d.paid(d.due() + extra)} })},
	{Name: "twice", About: "two payments of the same sum", tell: each(func(d debt) []Booking { return []Booking{d.paid(d.due()), d.paid(d.due())} })},
	{Name: "wrong_reference", About: "the last digit of the reference number is wrong", tell: each(mistaken)},
	{Name: "batch", About: "all payments booked in one sum", tell: batch},
	{Name: "merged", About: "one transfer for all, with their numbers in its text", tell: merged},
	{Name: "reversal", About: "the bank takes paid money back", Paid: true, tell: each(reversed)},
	{Name: "refund_sent", About: "the transfers that we ordered go out", Ours: true},
	{Name: "refund_returned", About: "they come back, for the account is closed", Ours: true, back: "AC04"},
}

func each(tell func(debt) []Booking) func([]debt) []Booking {
	return func(all []debt) (bookings []Booking) {
		for _, d := range all {
			bookings = append(bookings, tell(d)...)
		}
		return bookings
	}
}

// mistaken writes the number into the text: in the field for it a bank takes none that is wrong.
func mistaken(d debt) []Booking {
	b := d.paid(d.due())
	p := &b.Payments[0]
	last := len(p.Reference) - 1
	p.Text, p.Reference = fmt.Sprintf("Viitenumber %s%d", p.Reference[:last], (p.Reference[last]-'0'+1)%10), ""
	return []Booking{b}
}

func batch(all []debt) []Booking {
	var b Booking
	for _, d := range all {
		b.Payments = append(b.Payments, d.paid(d.due()).Payments...)
	}
	return []Booking{b}
}

// merged is a transfer for ten invoices at most, which fits into the 140 characters that a payer has.
func merged(all []debt) (bookings []Booking) {
	for some := range slices.Chunk(all, 10) {
		p := Payment{Payer: some[0].Payer}
		var numbers []string
		for _, d := range some {
			p.Amount += d.due()
			numbers = append(numbers, string(d.Order.Number.Reference()))
		}
		p.Text = "Arved " + strings.Join(numbers, " ")
		bookings = append(bookings, Booking{Payments: []Payment{p}})
	}
	return bookings
}

// reversed takes back what the order has taken, at the wish of the payer's bank.
func reversed(d debt) (bookings []Booking) {
	for _, p := range d.Payments {
		if p.Taken > 0 {
			b := d.paid(p.Amount)
			b.Return, b.Payments[0].Payer = "FOCR", Payer{Name: p.PayerName, IBAN: p.Payer, Registry: d.Payer.Registry}
			bookings = append(bookings, b)
		}
	}
	return bookings
}

// debts are the orders with invoices that are owed, and those that are paid, by the numbers of the invoices.
func (a *Account) debts(l ledger.Ledger) (open, paid []debt) {
	for _, i := range l.Invoices {
		d, ok := a.debt(l, i.Order)
		switch {
		case !ok:
		case d.Order.State == order.Placed || d.Order.State == order.Reopened:
			open = append(open, d)
		case d.Order.State == order.Paid:
			paid = append(paid, d)
		}
	}
	for _, list := range [][]debt{open, paid} {
		slices.SortFunc(list, func(a, b debt) int { return strings.Compare(string(a.Invoice), string(b.Invoice)) })
	}
	return open, paid
}

// debt is one order, whatever became of it.
func (a *Account) debt(l ledger.Ledger, n order.Number) (d debt, ok bool) {
	for _, o := range l.Orders {
		if o.Number == n {
			d.Order, ok = o, true
		}
	}
	for _, who := range l.Accounts {
		if who.ID == d.Order.Account {
			d.Payer.Name = who.FirstName + " " + who.LastName
		}
	}
	for _, i := range l.Invoices {
		if i.Order == n {
			d.Invoice, d.Payer.Name, d.Payer.Registry = i.Number, i.Buyer.Name, i.Buyer.RegistryCode
		}
	}
	for _, p := range l.Payments {
		if p.Order == n && p.To == a.iban.IBAN && p.ReturnedAt.IsZero() {
			d.Payments = append(d.Payments, p)
		}
	}
	d.Payer.IBAN = ibanOf(string(d.Order.Account) + d.Payer.Name)
	d.Payer.Name = strings.ToUpper(d.Payer.Name) // as banks write it
	return d, ok
}

// ibanOf is an account at SEB, always the same for the same payer: with both of its check digits right.
func ibanOf(payer string) string {
	sum := sha256.Sum256([]byte(payer))
	number, err := reference.Of(fmt.Sprintf("10%011d", binary.BigEndian.Uint64(sum[:])%100_000_000_000))
	if err != nil {
		panic(err) // digits
	}
	for check := 2; ; check++ {
		if iban := fmt.Sprintf("EE%02d10%s", check, number); reference.IBAN(iban) {
			return iban
		}
	}
}
