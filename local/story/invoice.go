package story

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/ledongthuc/pdf"
)

// InvoicePage is an invoice as the order shows it.
type InvoicePage struct {
	Number, DueOn, IBAN, BIC, Reference, RF, PayTo, QR string
	Amount                                             Sum
}

// Invoice asks for the order's invoice, made out to a buyer or, where that is nil, to the shopper.
func (p *Shopper) Invoice(number string, buyer map[string]string) InvoicePage {
	p.T.Helper()
	return Read[struct{ Invoice InvoicePage }](p, p.Billed(number, buyer), 201).Invoice
}

// Billed asks for the same, and answers what came.
func (p *Shopper) Billed(number string, buyer map[string]string) Answer {
	p.T.Helper()
	wish := map[string]any{"method": "invoice"}
	if buyer != nil {
		wish["buyer"] = buyer
	}
	return p.Ask("POST", "/v1/orders/"+number+"/payments", wish)
}

// Owes places an order of twelve months from today, and asks for its invoice.
func (p *Shopper) Owes() OrderPage {
	p.T.Helper()
	o := p.Order(12, Today())
	p.Invoice(o.Number, nil)
	return o
}

// Paper is a paper of the order, as its file.
func (p *Shopper) Paper(number, name, kind string, headers ...string) []byte {
	p.T.Helper()
	a := p.Want(p.Ask("GET", "/v1/orders/"+number+"/"+name, nil, headers...), 200, "")
	if got := a.Header.Get("Content-Type"); !strings.HasPrefix(got, kind) {
		p.T.Errorf("%s is %s", name, got)
	}
	return a.Body
}

// Attached is the one file of a mail, and its name.
func (p *Shopper) Attached(subject string) (file []byte, name string) {
	p.T.Helper()
	m := p.Mail(subject)
	if len(m.Attachments) != 1 || m.Attachments[0].Type != "application/pdf" {
		p.T.Fatalf("to the mail %q these are attached: %+v", subject, m.Attachments)
	}
	return p.Want(p.Send("GET", p.Shop.URL+m.Attachments[0].URL, nil), 200, "").Body, m.Attachments[0].Name
}

// Says wants a PDF to hold these words, however they are spaced.
func Says(t testing.TB, file []byte, words ...string) {
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
		if !strings.Contains(Unspaced(string(b)), Unspaced(w)) {
			t.Errorf("the PDF does not say %q:\n%s", w, b)
		}
	}
}

// Unspaced is a text without its spaces.
func Unspaced(s string) string { return strings.Join(strings.Fields(s), "") }
