package einvoice

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jacoelho/xsd"
	"pgregory.net/rapid"

	"opiq/local/golden"
	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/money"
)

var (
	school = invoice.Buyer{Name: "Õismäe Gümnaasium", RegistryCode: "75012345", VATNumber: "EE100200300", Address: "Õismäe tee 1, 13511 Tallinn", Email: "raamatupidamine@oismae.example.ee"}
	mari   = invoice.Buyer{Name: "Mari Maasikas"}
)

func bill(b invoice.Buyer, p money.Price) invoice.Invoice {
	return invoice.Invoice{
		Number: "2026-000123", Order: "4815162342", Account: "mari", Buyer: b, Language: lang.Russian,
		Seller: invoice.Seller{
			Name: "Star Cloud OÜ", Register: "12731921", VATNumber: "EE101762342", Address: "Lõõtsa 5, 11415 Tallinn", Email: "info@starcloud.ee", Phone: "5323 7793",
			Account: invoice.Account{IBAN: "EE382200221020145685", BIC: "HABAEE2X", Bank: "Swedbank"},
		},
		IssuedOn: civil.Date{Year: 2026, Month: 11, Day: 22}, DueOn: civil.Date{Year: 2026, Month: 12, Day: 6}, Zone: civil.Tallinn, Months: 6,
		StartsOn: civil.Date{Year: 2026, Month: 12, Day: 1}, Price: p, IssuedAt: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
	}
}

// extensions stands in for UBL-ExtensionContentDataType-2.1.xsd, the one module that users of UBL may write for themselves: ours
// says nothing about what an extension holds, for an invoice of ours has none. The published one brings the signatures with it.
const extensions = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2">
  <xs:complexType name="ExtensionContentType"><xs:sequence><xs:any namespace="##other" processContents="skip"/></xs:sequence></xs:complexType>
</xs:schema>`

var ubl = sync.OnceValues(func() (*xsd.Schema, error) {
	published, err := zip.OpenReader(filepath.Join("testdata", "ubl-2.1.zip"))
	if err != nil {
		return nil, err
	}
	defer published.Close()
	files := fstest.MapFS{"xsd/common/UBL-ExtensionContentDataType-2.1.xsd": {Data: []byte(extensions)}}
	for _, f := range published.File {
		b, err := fs.ReadFile(published, f.Name)
		if err != nil {
			return nil, err
		}
		files[f.Name] = &fstest.MapFile{Data: b}
	}
	return xsd.LoadWithOptions(files, "xsd/maindoc/UBL-Invoice-2.1.xsd", xsd.NewLoadOptions())
})

// peppol holds a file against the published schema of UBL 2.1.
func peppol(file []byte) error {
	schema, err := ubl()
	if err != nil {
		return err
	}
	return schema.Validate(bytes.NewReader(file))
}

func TestBothKeepTheirFormats(t *testing.T) {
	for name, b := range map[string]invoice.Buyer{
		"a school": school, "a family": mari, "a family of long names": {Name: strings.Repeat("Õ", 201)},
		"the longest": {
			Name: strings.Repeat("Ж", 100), RegistryCode: "75012345", VATNumber: strings.Repeat("X", 15), Address: strings.Repeat("Õ, ", 66) + "ab", Email: "a@b.ee",
		},
		"marks":           {Name: `<&>"' ]]> – ŽӘ 🦄`, RegistryCode: "75012345", Address: "&<>, 10111 Tallinn"},
		"one long street": {Name: "a", RegistryCode: "75012345", Address: strings.Repeat("Õ", 200)},
		"a long city":     {Name: "a", RegistryCode: "75012345", Address: "a, " + strings.Repeat("Õ", 190)},
		"commas":          {Name: "a", RegistryCode: "75012345", Address: ",,,"},
	} {
		i := bill(b, money.Tax(20_00, 2400))
		file, err := Estonian(i)
		if err == nil {
			err = earve(file)
		}
		if err != nil {
			t.Errorf("%s, e-arve: %v\n%s", name, err, file)
		}
		if b.RegistryCode == "" {
			continue
		}
		if file, err = UBL(i); err == nil {
			err = peppol(file)
		}
		if err != nil {
			t.Errorf("%s, UBL: %v\n%s", name, err, file)
		}
	}
}

// TestABrokenPeppolInvoiceIsRefused makes sure that a valid one is valid because the schema was looked at.
func TestABrokenPeppolInvoiceIsRefused(t *testing.T) {
	file, err := UBL(bill(school, money.Tax(20_00, 2400)))
	if err == nil {
		err = peppol(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to string }{
		{"<cbc:ID>2026-000123</cbc:ID>", ""},
		{` currencyID="EUR"`, ""},
		{"<cbc:DueDate>2026-12-06</cbc:DueDate>", "<cbc:DueDate>soon</cbc:DueDate>"},
		{"<cbc:InvoiceTypeCode>386</cbc:InvoiceTypeCode>", "<cbc:InvoiceTypeCode>386</cbc:InvoiceTypeCode><cbc:ID>1</cbc:ID>"},
	} {
		broken := strings.Replace(string(file), c.from, c.to, 1)
		if broken == string(file) {
			t.Fatalf("there is no %q", c.from)
		}
		if peppol([]byte(broken)) == nil {
			t.Errorf("%q in place of %q is valid", c.to, c.from)
		}
	}
}

// node is an element of any document.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Nodes   []node     `xml:",any"`
}

// read is a file's one element, with nothing but white space after it.
func read(file []byte) (n node, err error) {
	d := xml.NewDecoder(bytes.NewReader(file))
	if err = d.Decode(&n); err != nil {
		return n, err
	}
	for {
		switch after, err := d.Token(); {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		default:
			if text, ok := after.(xml.CharData); !ok || strings.TrimSpace(string(text)) != "" {
				return n, fmt.Errorf("after the end: %v", after)
			}
		}
	}
}

func parse(t interface{ Fatal(...any) }, file []byte) node {
	n, err := read(file)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// all are the elements at a path of local names.
func (n node) all(path string) (found []node) {
	name, rest, more := strings.Cut(path, "/")
	for _, k := range n.Nodes {
		switch {
		case k.XMLName.Local != name:
		case more:
			found = append(found, k.all(rest)...)
		default:
			found = append(found, k)
		}
	}
	return found
}

// at is the text of the first element at a path; "" is none.
func (n node) at(path string) string {
	if found := n.all(path); len(found) > 0 {
		return strings.TrimSpace(found[0].Text)
	}
	return ""
}

// TestTheSumsAreRight are the rules of EN 16931 on sums and on the standard rate, for any price and any rate, in both formats.
func TestTheSumsAreRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		price := money.Tax(money.Amount(rapid.Int64Range(1, 1e10).Draw(t, "net")), money.Rate(rapid.SampledFrom([]int{500, 900, 1300, 2000, 2200, 2400, 550}).Draw(t, "rate")))
		file, err := UBL(bill(school, price))
		if err != nil {
			t.Fatal(err)
		}
		n := parse(t, file)
		sum := func(path string) money.Amount {
			a, err := money.Parse(n.at(path))
			if err != nil {
				t.Fatalf("%s is %q", path, n.at(path))
			}
			return a
		}
		line, lines := sum("InvoiceLine/LineExtensionAmount"), sum("LegalMonetaryTotal/LineExtensionAmount")
		net, gross, due := sum("LegalMonetaryTotal/TaxExclusiveAmount"), sum("LegalMonetaryTotal/TaxInclusiveAmount"), sum("LegalMonetaryTotal/PayableAmount")
		taxable, tax, total := sum("TaxTotal/TaxSubtotal/TaxableAmount"), sum("TaxTotal/TaxSubtotal/TaxAmount"), sum("TaxTotal/TaxAmount")
		rate := n.at("TaxTotal/TaxSubtotal/TaxCategory/Percent")
		for rule, kept := range map[string]bool{
			"BR-CO-10: the lines add up":                            lines == line,
			"BR-CO-13: net is lines without allowances":             net == lines,
			"BR-CO-14: the tax is the sum of its parts":             total == tax,
			"BR-CO-15: gross is net and tax":                        gross == net+total,
			"BR-CO-16: due is gross without what was paid":          due == gross,
			"BR-CO-17: tax is taxable times rate":                   tax == money.Tax(taxable, price.Rate).VAT && rate == percent(price.Rate),
			"BR-S-08: taxable is the lines of that rate":            taxable == line && n.at("InvoiceLine/Item/ClassifiedTaxCategory/Percent") == rate,
			"BR-S-01: a line at the standard rate has its category": n.at("InvoiceLine/Item/ClassifiedTaxCategory/ID") == "S" && n.at("TaxTotal/TaxSubtotal/TaxCategory/ID") == "S",
			"BR-S-02: the seller has a VAT number":                  strings.HasPrefix(n.at("AccountingSupplierParty/Party/PartyTaxScheme/CompanyID"), "EE"),
			"BR-S-05: a standard rate is more than nothing":         rate != "" && rate != "0",
			"the line is quantity times price":                      n.at("InvoiceLine/InvoicedQuantity") == "1" && sum("InvoiceLine/Price/PriceAmount") == line,
		} {
			if !kept {
				t.Errorf("%s:\n%s", rule, file)
			}
		}
		if file, err = Estonian(bill(school, price)); err != nil {
			t.Fatal(err)
		}
		if err = earve(file); err != nil {
			t.Errorf("e-arve: %v\n%s", err, file)
		}
		n = parse(t, file)
		if sum("Invoice/InvoiceSumGroup/InvoiceSum") != price.Net || sum("Footer/TotalAmount") != price.Gross || n.at("Invoice/InvoiceSumGroup/VAT/VATRate") != rate {
			t.Errorf("not %+v:\n%s", price, file)
		}
	})
}

func TestNothingOfAPeppolInvoiceIsEmpty(t *testing.T) { // PEPPOL-EN16931-R008
	for _, b := range []invoice.Buyer{school, {Name: "Kool", RegistryCode: "75012345"}} {
		file, err := UBL(bill(b, money.Tax(20_00, 2400)))
		if err != nil {
			t.Fatal(err)
		}
		var walk func(node)
		walk = func(n node) {
			if len(n.Nodes) == 0 && strings.TrimSpace(n.Text) == "" {
				t.Errorf("%s is empty", n.XMLName.Local)
			}
			for _, k := range n.Nodes {
				walk(k)
			}
		}
		walk(parse(t, file))
	}
}

func TestAPeppolInvoiceNeedsARegistryCode(t *testing.T) {
	for _, code := range []string{"", "1234567-8", "7501234", "HRB12345", "05012345"} {
		if _, err := UBL(bill(invoice.Buyer{Name: "a", RegistryCode: code}, money.Tax(20_00, 2400))); !errors.Is(err, ErrNoCode) {
			t.Errorf("%q: %v", code, err)
		}
	}
}

func TestAVATNumberOfNoCountryIsLeftOut(t *testing.T) { // BR-CO-09
	for number, kept := range map[string]bool{"EE100200300": true, "FI12345678": true, "100200300": false, "ZZ1234": false, "EE": false} {
		file, err := UBL(bill(invoice.Buyer{Name: "a", RegistryCode: "75012345", VATNumber: number}, money.Tax(20_00, 2400)))
		if got := parse(t, file).at("AccountingCustomerParty/Party/PartyTaxScheme/CompanyID"); err != nil || (got == number) != kept {
			t.Errorf("%s: %q (%v)", number, got, err)
		}
	}
}

func TestAddressesAreTakenApart(t *testing.T) {
	for text, want := range map[string]parts{
		"Lõõtsa 5, 11415 Tallinn":                  {"Lõõtsa 5", "", "Tallinn", "11415"},
		"Lõõtsa 5, Tallinn 11415":                  {"Lõõtsa 5", "", "Tallinn", "11415"},
		"Pärnu mnt 10-3,Kesklinn , 10148  Tallinn": {"Pärnu mnt 10-3", "Kesklinn", "Tallinn", "10148"},
		"Riia 1, II korrus, Kesklinn, Tartu":       {"Riia 1", "II korrus, Kesklinn", "Tartu", ""},
		"Rõuge vald":                               {"Rõuge vald", "", "", ""},
		"":                                         {},
		"12345":                                    {"12345", "", "", ""},
		"Kooli 1, 66202":                           {"Kooli 1", "", "66202", ""},
		"Kooli 1,, 66202 Valga,":                   {"Kooli 1", "", "Valga", "66202"},
		" , ,,":                                    {},
		"Brīvības iela 1, Rīga, LV-1010":           {"Brīvības iela 1", "Rīga", "LV-1010", ""},
	} {
		if got := place(text); got != want {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

func TestTheSameInvoiceEachTime(t *testing.T) {
	for name, make := range map[string]func(invoice.Invoice) ([]byte, error){"earve.xml": Estonian, "ubl.xml": UBL} {
		file, err := make(bill(school, money.Tax(20_00, 2400)))
		if err != nil {
			t.Fatal(err)
		}
		golden.Check(t, filepath.Join("testdata", name), file)
	}
	file, err := Estonian(bill(mari, money.Tax(20_00, 2400)))
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("testdata", "earve-family.xml"), file)
}
