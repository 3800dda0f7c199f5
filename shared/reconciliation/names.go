package reconciliation

import (
	"regexp"
	"slices"
	"strings"

	"opiq/shared/invoice"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/reference"
	"opiq/shared/statement"
)

// Names are the orders that a bank entry can mean, each once.
type Names struct {
	Sure     []order.Number   // by a reference number in its own field
	Text     []order.Number   // by a number in the text, or in a field that holds no right reference
	Invoices []invoice.Number // by the numbers of their invoices
	Numbered bool             // there is a right reference number, whoever's
	Refund   payment.RefundID // of ours, by the name that it has from bank to bank: then its order is the one that is sure
}

// NamesOf reads what the payer wrote.
func NamesOf(e statement.Entry) (n Names) {
	if id, o, ok := payment.ParseEndToEnd(e.EndToEnd); ok && (e.Direction == statement.Debit || e.Returned) {
		return Names{Refund: id, Sure: []order.Number{o}, Numbered: true}
	}
	texts := []string{e.Text}
	for _, r := range e.Reference {
		number, err := reference.Parse(r)
		if err != nil {
			texts = append(texts, r)
			continue
		}
		n.Numbered = true
		if o, ok := orderOf(number); ok {
			n.Sure = once(n.Sure, o)
		}
	}
	for _, t := range texts {
		n.read(t)
	}
	n.Text = slices.DeleteFunc(n.Text, func(o order.Number) bool { return slices.Contains(n.Sure, o) })
	return n
}

// With are the names, with the orders whose invoices are named.
func (n Names) With(invoiced map[invoice.Number]order.Number) Names {
	n.Text = slices.Clone(n.Text)
	for _, i := range n.Invoices {
		if o, ok := invoiced[i]; ok && !slices.Contains(n.Sure, o) {
			n.Text = once(n.Text, o)
		}
	}
	return n
}

var (
	rfs      = regexp.MustCompile(`(?i)\brf ?\d{2}(?: ?\d){2,21}\b`)
	runs     = regexp.MustCompile(`\b\d(?:[ -]?\d)*\b`)
	invoices = regexp.MustCompile(`\b20\d\d[-/ ]?\d{6}\b`)
	dashed   = regexp.MustCompile(`^20\d\d-\d{6}$`) // is an invoice's number, though without the dash it could be an order's
	digits   = regexp.MustCompile(`\d+`)
)

// read finds numbers in a text: a run of digits, with the spaces between that people and banks put there and without.
func (n *Names) read(text string) {
	for _, m := range invoices.FindAllString(text, 20) {
		if i, ok := invoice.ParseNumber(m[:4] + "-" + m[len(m)-6:]); ok {
			n.Invoices = once(n.Invoices, i)
		}
	}
	var found []string
	found = append(found, rfs.FindAllString(text, 20)...)
	for _, run := range runs.FindAllString(text, 50) {
		if dashed.MatchString(run) {
			continue
		}
		found = append(found, run)
		found = append(found, digits.FindAllString(run, 50)...)
	}
	for _, f := range found {
		f = bare.Replace(f)
		if number, err := reference.Parse(f); err == nil {
			if o, ok := orderOf(number); ok {
				n.Text = once(n.Text, o)
				n.Numbered = true
			}
		}
		if o, ok := order.ParseNumber(f); ok {
			n.Text = once(n.Text, o)
		}
	}
}

// bare takes out of a number what people and banks put between its digits.
var bare = strings.NewReplacer(" ", "", "-", "")

// orderOf is the order that a right reference number can be of; zeros before it do not count.
func orderOf(n reference.Number) (order.Number, bool) {
	return order.ParseNumber(strings.TrimLeft(n.Base(), "0"))
}

func once[T comparable](all []T, x T) []T {
	if slices.Contains(all, x) || len(all) == maxNames {
		return all
	}
	return append(all, x)
}

// maxNames are how many orders one payment can be for. A text with more numbers is for a person.
const maxNames = 12
