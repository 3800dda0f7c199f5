package main

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"opiq/local/story"
	"opiq/shared/civil"
	"opiq/shared/reference"
)

func TestAnInvoiceIsPaidByATransfer(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	o := p.Order(12, story.Today())
	i := p.Invoice(o.Number, nil)
	seller := story.Read[struct{ IBAN, Name, BIC string }](p, p.Send("GET", s.URL+"/_local/account", nil), 200)
	rf := reference.Number(o.Reference).RF()
	want := story.InvoicePage{
		Number: i.Number, DueOn: story.Today().AddDays(14).String(), IBAN: seller.IBAN, BIC: seller.BIC, Reference: o.Reference, RF: rf, PayTo: seller.Name, Amount: o.Price.Gross,
		QR: fmt.Sprintf("BCD\n002\n1\nSCT\n%s\n%s\n%s\nEUR%d.%02d\n\n%s", seller.BIC, seller.Name, seller.IBAN, i.Amount.Amount/100, i.Amount.Amount%100, rf),
	}
	if i != want || !regexp.MustCompile(`^20\d\d-\d{6}$`).MatchString(i.Number) {
		t.Errorf("the invoice is\n%+v, want\n%+v", i, want)
	}
	if again := p.Invoice(o.Number, nil); again != i {
		t.Errorf("asked for again it is %+v", again)
	}
	if o = p.See(o.Number); o.State != "placed" || o.Invoice == nil || *o.Invoice != i || o.Open != o.Price.Gross {
		t.Errorf("the order is %+v", o)
	}
	p.Want(p.Ask("GET", story.Chapter, nil), 403, "NO_LICENSE")
	p.Want(p.Ask("GET", "/v1/orders/"+o.Number+"/receipt.pdf", nil), 409, "order_not_paid")

	// The invoice, by mail and in the shop: one paper, the same bytes.
	sent, name := p.Attached(story.Subject("invoice", "{invoice}", i.Number))
	if name != "invoice-"+i.Number+".pdf" {
		t.Errorf("the file is called %s", name)
	}
	story.Says(t, sent, i.Number, i.IBAN, i.Reference, i.RF, "Star Cloud OÜ", "12731921", "Mari Maasikas")
	if !bytes.Equal(sent, p.Paper(o.Number, "invoice.pdf", "application/pdf")) {
		t.Error("the mail's invoice is not the shop's")
	}
	if xml := p.Paper(o.Number, "invoice.xml", "application/xml"); !bytes.Contains(xml, []byte(i.Reference)) {
		t.Errorf("the e-invoice is\n%s", xml)
	}
	p.Want(p.Ask("GET", "/v1/orders/"+o.Number+"/invoice.xml?format=ubl", nil), 409, "no_einvoice") // Peppol knows organizations only
	stranger := s.Member(t)
	for _, paper := range []string{"invoice.pdf", "invoice.xml", "receipt.pdf"} {
		p.Want(stranger.Ask("GET", "/v1/orders/"+o.Number+"/"+paper, nil), 404, "order_not_found")
	}

	// The money.
	s.Happens(t, "exact", o.Number)
	o = p.Paid(o.Number)
	if o.License == nil || o.License.State != "active" || o.License.StartsOn != story.Today().String() || o.Received != o.Price.Gross || o.Open.Amount != 0 || len(o.RefundCases) > 0 {
		t.Errorf("the paid order is %+v", o)
	}
	p.Want(p.Ask("GET", story.Chapter, nil), 200, "")
	p.Gets(
		story.Subject("verify"), story.Subject("order_confirmation", "{order}", o.Number), story.Subject("invoice", "{invoice}", i.Number),
		story.Subject("payment_receipt", "{order}", o.Number), story.Subject("license_active"),
	)
	receipt := p.Paper(o.Number, "receipt.pdf", "application/pdf")
	story.Says(t, receipt, i.Number, o.Number, "Mari Maasikas", "Star Cloud OÜ")
	if !bytes.Equal(receipt, p.Paper(o.Number, "receipt.pdf", "application/pdf")) {
		t.Error("the receipt is another one each time")
	}
	p.Want(p.Billed(o.Number, nil), 409, "order_paid")
}

func TestASchoolsInvoiceAlsoGoesToItsBookkeeper(t *testing.T) {
	s := story.Shared(t)
	p, bookkeeper := s.Member(t), s.Visitor(t)
	school := map[string]string{
		"name": "Lepatriinu Kool", "registryCode": "75012345", "vatNumber": "EE100200300", "address": "Pikk 1, 10123 Tallinn", "email": bookkeeper.Email,
	}
	o := p.Order(12, story.Today())
	wrong := p.Want(p.Billed(o.Number, map[string]string{"name": " ", "email": "nobody"}), 422, "invalid").Pointers()
	if !slices.Equal(wrong, []string{"/buyer/email", "/buyer/name"}) {
		t.Errorf("wrong are %q", wrong)
	}
	i := p.Invoice(o.Number, school)
	if again := p.Invoice(o.Number, school); again != i {
		t.Errorf("again it is %+v", again)
	}
	p.Want(p.Billed(o.Number, map[string]string{"name": "Another School"}), 409, "invoice_exists")
	own, _ := p.Attached(story.Subject("invoice", "{invoice}", i.Number))
	copied, _ := bookkeeper.Attached(story.Subject("invoice_copy", "{invoice}", i.Number))
	if story.Says(t, own, "Lepatriinu Kool", "75012345", "EE100200300", "Pikk 1, 10123 Tallinn", i.Number); !bytes.Equal(own, copied) {
		t.Error("the bookkeeper has another invoice")
	}
	estonian, ubl := p.Paper(o.Number, "invoice.xml?format=earve", "application/xml"), p.Paper(o.Number, "invoice.xml", "application/xml", "Accept", "application/xml;format=ubl")
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
	all := s.Happens(t, "exact", o.Number)
	if payer := all[0].Other; payer.Registry != "75012345" || payer.Name != "LEPATRIINU KOOL" {
		t.Errorf("the bank says that %+v paid", payer)
	}
	p.Paid(o.Number)
	story.Says(t, p.Paper(o.Number, "receipt.pdf", "application/pdf"), "Lepatriinu Kool", "75012345")
	bookkeeper.Gets(story.Subject("invoice_copy", "{invoice}", i.Number))
}

func TestAnInvoiceThatNobodyPaysIsRemindedOfAndExpiresAndStillTakesItsMoney(t *testing.T) {
	s := story.Shared(t)
	p, neighbor := s.Member(t), s.Member(t)
	partly := neighbor.Owes()
	s.Happens(t, "short", partly.Number)
	neighbor.Mail(story.Subject("payment_partial"))
	o := p.Order(12, story.Today())
	i := p.Invoice(o.Number, nil)
	letters := []string{story.Subject("verify"), story.Subject("order_confirmation", "{order}", o.Number), story.Subject("invoice", "{invoice}", i.Number)}
	nine := func(days int) time.Time {
		d := story.Today().AddDays(14 + days)
		return time.Date(d.Year, d.Month, d.Day, 9, 0, 0, 0, civil.Tallinn.Location())
	}
	p.Gets(letters...) // what is under way now is late for a janitor of another day
	for _, moment := range []struct {
		at     time.Time
		letter string
		paper  bool
	}{
		{nine(-3), story.Subject("payment_reminder", "{invoice}", i.Number), true},
		{nine(3), story.Subject("payment_overdue", "{invoice}", i.Number), true},
		{story.Today().AddDays(14 + 14 + 1).Start(civil.Tallinn), story.Subject("order_expired", "{order}", o.Number), false},
	} {
		s.Schedule(t, "payment-janitor", moment.at.Add(-time.Second))
		p.Gets(letters...)
		s.Schedule(t, "payment-janitor", moment.at)
		s.Schedule(t, "payment-janitor", moment.at)
		letters = append(letters, moment.letter)
		p.Gets(letters...)
		if moment.paper {
			file, _ := p.Attached(moment.letter)
			story.Says(t, file, i.Number)
		}
	}
	if o = p.See(o.Number); o.State != "expired" || o.License != nil {
		t.Errorf("the order is %+v", o)
	}
	p.Want(p.Billed(o.Number, nil), 409, "order_expired")
	s.Schedule(t, "payment-janitor", story.Today().AddDays(14+14+1+3).Start(civil.Tallinn)) // what is paid in part waits for the rest
	partly = neighbor.See(partly.Number)
	half := partly.Price.Gross.Amount / 2
	if c := partly.RefundCases; partly.State != "expired" || partly.Received.Amount != 0 || len(c) != 1 || c[0].Reason != "expired" || c[0].Amount.Amount != half {
		t.Errorf("the order that was paid in part is %+v", partly)
	}
	neighbor.Mail(story.Subject("refund_case", "{amount}", euro(half)))
	s.Happens(t, "short", o.Number) // not all that it costs
	o = p.Becomes(o.Number, 20*time.Second, func(o story.OrderPage) bool { return len(o.RefundCases) == 1 })
	if c := o.RefundCases[0]; o.State != "expired" || c.Reason != "late" || c.Amount.Amount != half {
		t.Errorf("the order is %+v", o)
	}
	s.Happens(t, "exact", o.Number)
	if o = p.Paid(o.Number); o.License == nil || o.License.State != "active" || len(o.RefundCases) != 1 {
		t.Errorf("the order is %+v", o)
	}
	s.Rest(t, 30*time.Second)
	s.Schedule(t, "payment-janitor", time.Now().Add(11*time.Minute)) // sees that it has all that was paid for
	p.Want(p.Ask("GET", story.Chapter, nil), 200, "")
}
