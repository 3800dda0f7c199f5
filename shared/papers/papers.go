// Package papers is what a bookkeeper keeps: the prepayment invoice, the receipt and the credit invoice, as PDF in the buyer's language.
//
// The same record makes the same paper, byte for byte, whenever it is asked for. A paper says all that Estonian law wants on an
// invoice (KMS § 37, Accounting Act § 7). The package computes nothing: sums and dates are the record's.
package papers

import (
	"fmt"
	"strconv"
	"strings"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"github.com/boombuler/barcode/qr"

	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/money"
	"opiq/shared/pdf"
	"opiq/shared/words"
)

// Invoice draws an invoice. An error is a language that the shop does not speak.
func Invoice(i invoice.Invoice) ([]byte, error) {
	p, err := begin(i.Language, "invoice", string(i.Number), i.Seller, i.IssuedAt)
	if err != nil {
		return nil, err
	}
	p.parties(i.Seller, i.Buyer)
	p.facts([]fact{
		{"issuedOn", p.words.Date(i.IssuedOn)}, {"dueOn", p.words.Date(i.DueOn)},
		{"reference", words.InFours(string(i.Reference()))}, {"toPay", p.words.Euros(i.Price.Gross)},
	})
	p.sale(1, p.license(i.Months, "valid", i.StartsOn, i.ValidThrough()), i.Price, "toPay")
	p.pay(i)
	return p.end(i.Seller), nil
}

// Receipt draws a receipt. An error is a language that the shop does not speak.
func Receipt(r invoice.Receipt) ([]byte, error) {
	number := string(r.Invoice)
	if number == "" {
		number = string(r.Order)
	}
	p, err := begin(r.Language, "receipt", number, r.Seller, r.PaidOn.Start(r.Zone))
	if err != nil {
		return nil, err
	}
	p.parties(r.Seller, r.Buyer)
	facts := []fact{{"paidOn", p.words.Date(r.PaidOn)}, {"order", string(r.Order)}}
	if r.Invoice != "" {
		facts = append(facts, fact{"invoiceNumber", string(r.Invoice)})
	}
	var came money.Amount
	for _, one := range r.Payments {
		came += one.Amount
	}
	p.facts(append(facts, fact{"paid", p.words.Euros(came)}))
	p.sale(1, p.license(r.Months, "valid", r.StartsOn, r.ValidThrough), r.Price, "gross")
	p.payments(r.Payments)
	return p.end(r.Seller), nil
}

// Credit draws a credit invoice. An error is a language that the shop does not speak, or a reason that it has no words for.
func Credit(c invoice.Credit) ([]byte, error) {
	p, err := begin(c.Language, "credit", string(c.Number), c.Seller, c.IssuedAt)
	if err != nil {
		return nil, err
	}
	reason, ok := p.texts["because."+c.Reason]
	if !ok {
		return nil, ErrReason
	}
	p.parties(c.Seller, c.Buyer)
	credited := fact{"creditedInvoice", string(c.Invoice)}
	if c.Invoice == "" {
		credited = fact{"creditedReceipt", string(c.Order)}
	}
	p.facts([]fact{{"issuedOn", p.words.Date(c.IssuedOn)}, credited, {"order", string(c.Order)}, {"credited", p.words.Euros(-c.Price.Gross)}})
	p.sale(-1, p.license(c.Months, "period", c.StartsOn, c.ValidThrough), c.Price, "gross")
	p.room(24 * pdf.MM)
	p.doc.In("H2", func() { p.doc.Text(head, left, p.y, p.say("reason")) })
	p.y += 6 * pdf.MM
	p.lines(body, left, right-left, 4600*pdf.MM/1000, reason)
	p.y += 4 * pdf.MM
	p.lines(strong, left, right-left, 4600*pdf.MM/1000, p.say("nothing"))
	return p.end(c.Seller), nil
}

var (
	regular = pdf.NewFont("LiberationSans", liberationsansregular.TTF)
	bold    = pdf.NewFont("LiberationSans-Bold", liberationsansbold.TTF)

	ink   = pdf.Color{27, 27, 27}
	gray  = pdf.Color{84, 84, 84} // 7:1 on white
	blue  = pdf.Color{11, 79, 138}
	faint = pdf.Color{214, 218, 222}
	panel = pdf.Color{244, 246, 248}

	body   = pdf.Style{Font: regular, Size: 9500, Color: ink}
	strong = pdf.Style{Font: bold, Size: 9500, Color: ink}
	label  = pdf.Style{Font: regular, Size: 8 * pdf.Point, Color: gray}
	head   = pdf.Style{Font: bold, Size: 10500, Color: ink}
	title  = pdf.Style{Font: bold, Size: 22 * pdf.Point, Color: ink}
	below  = pdf.Style{Font: regular, Size: 12 * pdf.Point, Color: gray}
	brand  = pdf.Style{Font: bold, Size: 15 * pdf.Point, Color: blue}
	total  = pdf.Style{Font: bold, Size: 12 * pdf.Point, Color: ink}
)

const (
	left   = 22 * pdf.MM
	right  = pdf.Width - 22*pdf.MM
	bottom = pdf.Height - 21*pdf.MM
	hair   = pdf.Point / 2
)

// fact is a word of the language's and its value.
type fact struct{ name, value string }

// parties names who sells and who buys, side by side.
func (p *paper) parties(s invoice.Seller, b invoice.Buyer) {
	const width = 78 * pdf.MM
	top := p.y
	lowest := top
	for i, who := range []struct {
		role, name string
		lines      []string
	}{
		{"seller", s.Name, []string{
			p.say("register", "code", s.Register), p.say("vatNumber", "code", s.VATNumber), s.Address, s.Email, s.Phone,
		}},
		{"buyer", b.Name, []string{
			p.sayIf("register", "code", b.RegistryCode), p.sayIf("vatNumber", "code", b.VATNumber), b.Address,
		}},
	} {
		x := left + pdf.Length(i)*(right-left-width)
		p.y = top
		p.doc.In("H2", func() { p.doc.Text(label, x, p.y, p.say(who.role)) })
		p.y += 6 * pdf.MM
		p.lines(head, x, width, 4800*pdf.MM/1000, plain(who.name))
		for _, line := range who.lines {
			if line != "" {
				p.lines(body, x, width, 4600*pdf.MM/1000, plain(line))
			}
		}
		lowest = max(lowest, p.y)
	}
	p.y = lowest + 4*pdf.MM
}

// facts shows what matters at first sight, in a row from edge to edge.
func (p *paper) facts(all []fact) {
	width := func(f fact) pdf.Length {
		return max(label.Font.Width(p.say(f.name), label.Size), strong.Font.Width(f.value, strong.Size))
	}
	gap := right - left
	for _, f := range all {
		gap -= width(f)
	}
	gap /= pdf.Length(len(all) - 1)
	p.rule(p.y)
	x := left
	for _, f := range all {
		p.doc.In("P", func() {
			p.doc.Text(label, x, p.y+6*pdf.MM, p.say(f.name))
			p.doc.Text(strong, x, p.y+11*pdf.MM, f.value)
		})
		x += width(f) + gap
	}
	p.y += 15 * pdf.MM
	p.rule(p.y)
	p.y += 11 * pdf.MM
}

// item is a thing sold, in two lines.
type item struct{ name, more string }

// license is the one thing that we sell; when tells how to say its time.
func (p *paper) license(months int, when string, from, through civil.Date) item {
	return item{p.say("license", "months", p.words.Months(months)), p.say(when, "period", p.words.Period(from, through))}
}

// sale is the table of what was sold at a price or, with a quantity below zero, is not owed of it after all; and the sums.
func (p *paper) sale(quantity int, sold item, price money.Price, sum string) {
	const labels = left + 131*pdf.MM
	columns := []column{{"item", left, 84 * pdf.MM, false}, {"quantity", left + 99*pdf.MM, 0, true}, {"price", labels, 0, true}, {"sum", right, 0, true}}
	euros := func(a money.Amount) string { return p.words.Euros(a * money.Amount(quantity)) }
	pieces := strings.Replace(strconv.Itoa(quantity), "-", words.Minus, 1)
	p.table(columns, [][]string{{sold.name, pieces, p.words.Euros(price.Net), euros(price.Net)}}, sold.more)
	rate := p.words.Percent(price.Rate)
	for _, row := range []struct{ label, value string }{
		{p.say("taxable", "rate", rate), euros(price.Net)}, {p.say("vat", "rate", rate), euros(price.VAT)},
	} {
		p.doc.In("P", func() {
			p.doc.TextRight(body, labels, p.y, row.label)
			p.doc.TextRight(body, right, p.y, row.value)
		})
		p.y += 5500 * pdf.MM / 1000
	}
	p.y += 2 * pdf.MM
	p.doc.In("P", func() {
		p.doc.TextRight(total, labels, p.y, p.say(sum))
		p.doc.TextRight(total, right, p.y, euros(price.Gross))
	})
	p.y += 11 * pdf.MM
}

// pay says how to pay, with the code for bank apps, and what happens when the money comes late.
func (p *paper) pay(i invoice.Invoice) {
	const inset, code, height = 7 * pdf.MM, 40 * pdf.MM, 58 * pdf.MM
	p.room(height + 27*pdf.MM)
	top := p.y
	p.doc.Decorate(panel, pdf.Rectangle{X: left, Y: top, Width: right - left, Height: height})
	p.y += 9 * pdf.MM
	p.doc.In("H2", func() { p.doc.Text(head, left+inset, p.y, p.say("payment")) })
	p.y += 8 * pdf.MM
	x := left + inset + 45*pdf.MM
	for _, f := range []fact{
		{"payee", i.Seller.Name}, {"account", words.InFours(i.Seller.IBAN)}, {"bank", i.Seller.Bank + ", " + i.Seller.BIC},
		{"reference", words.InFours(string(i.Reference()))}, {"rf", words.InFours(i.Reference().RF())}, {"toPay", p.words.Euros(i.Price.Gross)},
		{"dueOn", p.words.Date(i.DueOn)},
	} {
		p.doc.In("P", func() {
			p.doc.Text(label, left+inset, p.y, p.say(f.name))
			p.doc.Text(strong, x, p.y, f.value)
		})
		p.y += 5500 * pdf.MM / 1000
	}
	p.code(i, right-inset-code, top+inset, code)
	p.y = top + height + 7*pdf.MM
	for _, text := range []string{p.say("how"), p.say("late")} {
		p.lines(body, left, right-left, 4600*pdf.MM/1000, text)
		p.y += 1500 * pdf.MM / 1000
	}
}

// bar is a stretch of dark modules in a row of a QR code.
type bar struct{ x, y, width int }

// bars are what is dark of the code that a bank's app reads to pay an amount, and how many modules wide the code is, with four white ones
// at each side.
func bars(i invoice.Invoice, amount money.Amount) (all []bar, n int, err error) {
	c, err := qr.Encode(i.QR(amount), qr.M, qr.Unicode)
	if err != nil {
		return nil, 0, err // a text of at most 331 bytes always fits
	}
	n = c.Bounds().Dx()
	for row := range n {
		for from := 0; from < n; from++ {
			to := from
			for to < n && dark(c.At(to, row)) {
				to++
			}
			if to > from {
				all = append(all, bar{from + 4, row + 4, to - from})
				from = to
			}
		}
	}
	return all, n + 8, nil
}

// Code is the QR code that a bank's app reads to pay an amount of an invoice, as an SVG of its own.
func Code(i invoice.Invoice, amount money.Amount) ([]byte, error) {
	all, n, err := bars(i, amount)
	if err != nil {
		return nil, err
	}
	out := fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, n, n, n, n)
	for _, b := range all {
		out = fmt.Appendf(out, "M%d %dh%dv1H%dz", b.x, b.y, b.width, b.x)
	}
	return append(out, `"/></svg>`...), nil
}

// code draws the QR code that a bank's app reads, on white, and what it is for.
func (p *paper) code(i invoice.Invoice, x, y, size pdf.Length) {
	all, n, err := bars(i, i.Price.Gross)
	if err != nil {
		return
	}
	module := size / pdf.Length(n)
	var squares []pdf.Rectangle
	for _, b := range all {
		squares = append(squares, pdf.Rectangle{X: x + pdf.Length(b.x)*module, Y: y + pdf.Length(b.y)*module, Width: pdf.Length(b.width) * module, Height: module})
	}
	p.doc.Decorate(pdf.Color{255, 255, 255}, pdf.Rectangle{X: x, Y: y, Width: pdf.Length(n) * module, Height: pdf.Length(n) * module})
	told := p.say("told", "payee", i.Seller.Name, "account", words.InFours(i.Seller.IBAN), "gross", p.words.Euros(i.Price.Gross), "rf", words.InFours(i.Reference().RF()))
	p.doc.Figure(told, func() { p.doc.Fill(pdf.Color{}, squares...) })
	p.doc.In("Caption", func() {
		caption := p.say("code")
		p.doc.Text(label, x+(size-label.Font.Width(caption, label.Size))/2, y+size+4*pdf.MM, caption)
	})
}

// payments is the list of the money that came.
func (p *paper) payments(all []invoice.Paid) {
	p.room(30 * pdf.MM)
	p.doc.In("H2", func() { p.doc.Text(head, left, p.y, p.say("payments")) })
	p.y += 8 * pdf.MM
	var rows [][]string
	for _, one := range all {
		how, _ := p.words.Method(string(one.Method))
		if bank, ok := words.Bank(one.Bank); ok {
			how += ", " + bank
		}
		rows = append(rows, []string{p.words.Date(one.On), how, plain(one.Number), p.words.Euros(one.Amount)})
	}
	p.table([]column{
		{"date", left, 42 * pdf.MM, false}, {"method", left + 45*pdf.MM, 47 * pdf.MM, false},
		{"paymentNumber", left + 95*pdf.MM, 42 * pdf.MM, false}, {"amount", right, 0, true},
	}, rows, "")
	p.lines(strong, left, right-left, 4600*pdf.MM/1000, p.say("done"))
}
