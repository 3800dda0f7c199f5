package main

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ledongthuc/pdf"

	"opiq/shared/civil"
	"opiq/shared/reference"
)

type invoicePage struct {
	Number, DueOn, IBAN, BIC, Reference, RF, PayTo, QR string
	Amount                                             sum
}

// invoice asks for the order's invoice, made out to a buyer or, where that is nil, to the shopper.
func (p *shopper) invoice(number string, buyer map[string]string) invoicePage {
	p.t.Helper()
	return read[struct{ Invoice invoicePage }](p, p.billed(number, buyer), 201).Invoice
}

func (p *shopper) billed(number string, buyer map[string]string) answer {
	p.t.Helper()
	wish := map[string]any{"method": "invoice"}
	if buyer != nil {
		wish["buyer"] = buyer
	}
	return p.ask("POST", "/v1/orders/"+number+"/payments", wish)
}

// owes places an order of twelve months from today, and asks for its invoice.
func (p *shopper) owes() orderPage {
	p.t.Helper()
	o := p.order(12, today())
	p.invoice(o.Number, nil)
	return o
}

// paper is a paper of the order, as its file.
func (p *shopper) paper(number, name, kind string, headers ...string) []byte {
	p.t.Helper()
	a := p.want(p.ask("GET", "/v1/orders/"+number+"/"+name, nil, headers...), 200, "")
	if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, kind) {
		p.t.Errorf("%s is %s", name, got)
	}
	return a.body
}

// attached is the one file of a mail, and its name.
func (p *shopper) attached(subject string) (file []byte, name string) {
	p.t.Helper()
	m := p.mail(subject)
	if len(m.Attachments) != 1 || m.Attachments[0].Type != "application/pdf" {
		p.t.Fatalf("to the mail %q these are attached: %+v", subject, m.Attachments)
	}
	return p.want(p.send("GET", p.shop.URL+m.Attachments[0].URL, nil), 200, "").body, m.Attachments[0].Name
}

// says wants a PDF to hold these words, however they are spaced.
func says(t testing.TB, file []byte, words ...string) {
	t.Helper()
	if !bytes.HasPrefix(file, []byte("%PDF-")) {
		t.Fatalf("this is no PDF: %.20q", file)
	}
	r, err := pdf.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.GetPlainText()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range words {
		if !strings.Contains(unspaced(string(b)), unspaced(w)) {
			t.Errorf("the PDF does not say %q:\n%s", w, b)
		}
	}
}

func unspaced(s string) string { return strings.Join(strings.Fields(s), "") }

func TestAnInvoiceIsPaidByATransfer(t *testing.T) {
	s := story(t)
	p := s.member(t)
	o := p.order(12, today())
	i := p.invoice(o.Number, nil)
	seller := read[struct{ IBAN, Name, BIC string }](p, p.send("GET", s.URL+"/_local/account", nil), 200)
	rf := reference.Number(o.Reference).RF()
	want := invoicePage{
		Number: i.Number, DueOn: today().AddDays(14).String(), IBAN: seller.IBAN, BIC: seller.BIC, Reference: o.Reference, RF: rf, PayTo: seller.Name, Amount: o.Price.Gross,
		QR: fmt.Sprintf("BCD\n002\n1\nSCT\n%s\n%s\n%s\nEUR%d.%02d\n\n%s", seller.BIC, seller.Name, seller.IBAN, i.Amount.Amount/100, i.Amount.Amount%100, rf),
	}
	if i != want || !regexp.MustCompile(`^20\d\d-\d{6}$`).MatchString(i.Number) {
		t.Errorf("the invoice is\n%+v, want\n%+v", i, want)
	}
	if again := p.invoice(o.Number, nil); again != i {
		t.Errorf("asked for again it is %+v", again)
	}
	if o = p.see(o.Number); o.State != "placed" || o.Invoice == nil || *o.Invoice != i || o.Open != o.Price.Gross {
		t.Errorf("the order is %+v", o)
	}
	p.want(p.ask("GET", chapter, nil), 403, "NO_LICENSE")
	p.want(p.ask("GET", "/v1/orders/"+o.Number+"/receipt.pdf", nil), 409, "order_not_paid")

	// The invoice, by mail and in the shop: one paper, the same bytes.
	sent, name := p.attached(subject("invoice", "{invoice}", i.Number))
	if name != "invoice-"+i.Number+".pdf" {
		t.Errorf("the file is called %s", name)
	}
	says(t, sent, i.Number, i.IBAN, i.Reference, i.RF, "Star Cloud OÜ", "12731921", "Mari Maasikas")
	if !bytes.Equal(sent, p.paper(o.Number, "invoice.pdf", "application/pdf")) {
		t.Error("the mail's invoice is not the shop's")
	}
	if xml := p.paper(o.Number, "invoice.xml", "application/xml"); !bytes.Contains(xml, []byte(i.Reference)) {
		t.Errorf("the e-invoice is\n%s", xml)
	}
	p.want(p.ask("GET", "/v1/orders/"+o.Number+"/invoice.xml?format=ubl", nil), 409, "no_einvoice") // Peppol knows organizations only
	stranger := s.member(t)
	for _, paper := range []string{"invoice.pdf", "invoice.xml", "receipt.pdf"} {
		p.want(stranger.ask("GET", "/v1/orders/"+o.Number+"/"+paper, nil), 404, "order_not_found")
	}

	// The money.
	s.happens(t, "exact", o.Number)
	o = p.paid(o.Number)
	if o.License == nil || o.License.State != "active" || o.License.StartsOn != today().String() || o.Received != o.Price.Gross || o.Open.Amount != 0 || len(o.RefundCases) > 0 {
		t.Errorf("the paid order is %+v", o)
	}
	p.want(p.ask("GET", chapter, nil), 200, "")
	p.gets(
		subject("verify"), subject("order_confirmation", "{order}", o.Number), subject("invoice", "{invoice}", i.Number),
		subject("payment_receipt", "{order}", o.Number), subject("license_active"),
	)
	receipt := p.paper(o.Number, "receipt.pdf", "application/pdf")
	says(t, receipt, i.Number, o.Number, "Mari Maasikas", "Star Cloud OÜ")
	if !bytes.Equal(receipt, p.paper(o.Number, "receipt.pdf", "application/pdf")) {
		t.Error("the receipt is another one each time")
	}
	p.want(p.billed(o.Number, nil), 409, "order_paid")
}

func TestASchoolsInvoiceAlsoGoesToItsBookkeeper(t *testing.T) {
	s := story(t)
	p, bookkeeper := s.member(t), s.visitor(t)
	school := map[string]string{
		"name": "Lepatriinu Kool", "registryCode": "75012345", "vatNumber": "EE100200300", "address": "Pikk 1, 10123 Tallinn", "email": bookkeeper.email,
	}
	o := p.order(12, today())
	wrong := p.want(p.billed(o.Number, map[string]string{"name": " ", "email": "nobody"}), 422, "invalid").pointers()
	if !slices.Equal(wrong, []string{"/buyer/email", "/buyer/name"}) {
		t.Errorf("wrong are %q", wrong)
	}
	i := p.invoice(o.Number, school)
	if again := p.invoice(o.Number, school); again != i {
		t.Errorf("again it is %+v", again)
	}
	p.want(p.billed(o.Number, map[string]string{"name": "Another School"}), 409, "invoice_exists")
	own, _ := p.attached(subject("invoice", "{invoice}", i.Number))
	copied, _ := bookkeeper.attached(subject("invoice_copy", "{invoice}", i.Number))
	if says(t, own, "Lepatriinu Kool", "75012345", "EE100200300", "Pikk 1, 10123 Tallinn", i.Number); !bytes.Equal(own, copied) {
		t.Error("the bookkeeper has another invoice")
	}
	estonian, ubl := p.paper(o.Number, "invoice.xml?format=earve", "application/xml"), p.paper(o.Number, "invoice.xml", "application/xml", "Accept", "application/xml;format=ubl")
	for _, x := range []struct {
		file  []byte
		words []string
	}{
		{estonian, []string{"<E_Invoice", i.Number, i.IBAN, i.Reference, "75012345"}},
		{ubl, []string{"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2", i.Number, i.IBAN, i.Reference, "75012345"}},
	} {
		for _, w := range x.words {
			if !bytes.Contains(x.file, []byte(w)) {
				t.Errorf("the XML does not hold %s:\n%s", w, x.file)
			}
		}
	}
	all := s.happens(t, "exact", o.Number)
	if payer := all[0].Other; payer.Registry != "75012345" || payer.Name != "LEPATRIINU KOOL" {
		t.Errorf("the bank says that %+v paid", payer)
	}
	p.paid(o.Number)
	says(t, p.paper(o.Number, "receipt.pdf", "application/pdf"), "Lepatriinu Kool", "75012345")
	bookkeeper.gets(subject("invoice_copy", "{invoice}", i.Number))
}

func TestAnInvoiceThatNobodyPaysIsRemindedOfAndExpiresAndStillTakesItsMoney(t *testing.T) {
	s := story(t)
	p, neighbor := s.member(t), s.member(t)
	partly := neighbor.owes()
	s.happens(t, "short", partly.Number)
	neighbor.mail(subject("payment_partial"))
	o := p.order(12, today())
	i := p.invoice(o.Number, nil)
	letters := []string{subject("verify"), subject("order_confirmation", "{order}", o.Number), subject("invoice", "{invoice}", i.Number)}
	nine := func(days int) time.Time {
		d := today().AddDays(14 + days)
		return time.Date(d.Year, d.Month, d.Day, 9, 0, 0, 0, civil.Tallinn.Location())
	}
	p.gets(letters...) // what is under way now is late for a janitor of another day
	for _, moment := range []struct {
		at     time.Time
		letter string
		paper  bool
	}{
		{nine(-3), subject("payment_reminder", "{invoice}", i.Number), true},
		{nine(3), subject("payment_overdue", "{invoice}", i.Number), true},
		{today().AddDays(14 + 14 + 1).Start(civil.Tallinn), subject("order_expired", "{order}", o.Number), false},
	} {
		s.schedule(t, "payment-janitor", moment.at.Add(-time.Second))
		p.gets(letters...)
		s.schedule(t, "payment-janitor", moment.at)
		s.schedule(t, "payment-janitor", moment.at)
		letters = append(letters, moment.letter)
		p.gets(letters...)
		if moment.paper {
			file, _ := p.attached(moment.letter)
			says(t, file, i.Number)
		}
	}
	if o = p.see(o.Number); o.State != "expired" || o.License != nil {
		t.Errorf("the order is %+v", o)
	}
	p.want(p.billed(o.Number, nil), 409, "order_expired")
	s.schedule(t, "payment-janitor", today().AddDays(14+14+1+3).Start(civil.Tallinn)) // what is paid in part waits for the rest
	partly = neighbor.see(partly.Number)
	half := partly.Price.Gross.Amount / 2
	if c := partly.RefundCases; partly.State != "expired" || partly.Received.Amount != 0 || len(c) != 1 || c[0].Reason != "expired" || c[0].Amount.Amount != half {
		t.Errorf("the order that was paid in part is %+v", partly)
	}
	neighbor.mail(subject("refund_case", "{amount}", euro(half)))
	s.happens(t, "short", o.Number) // not all that it costs
	o = p.becomes(o.Number, 20*time.Second, func(o orderPage) bool { return len(o.RefundCases) == 1 })
	if c := o.RefundCases[0]; o.State != "expired" || c.Reason != "late" || c.Amount.Amount != half {
		t.Errorf("the order is %+v", o)
	}
	s.happens(t, "exact", o.Number)
	if o = p.paid(o.Number); o.License == nil || o.License.State != "active" || len(o.RefundCases) != 1 {
		t.Errorf("the order is %+v", o)
	}
	s.rest(t, 30*time.Second)
	s.schedule(t, "payment-janitor", time.Now().Add(11*time.Minute)) // sees that it has all that was paid for
	p.want(p.ask("GET", chapter, nil), 200, "")
}
