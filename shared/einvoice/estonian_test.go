package einvoice

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"opiq/shared/money"
)

// The official schema of the Estonian e-invoice, e-invoice_ver1.2.xsd, is not in this repository: we found no package on PyPI or
// npm that carries it, and know of no license to hand it on under. So its rules stand here in our own words, for what we write of
// the format and no more: an element that we don't write is refused, though the format may know it.
//
// Before a change of estonian.go goes out, hold an invoice against the official one by hand. Its publisher is the Estonian
// Association of Information Technology and Telecommunications (https://www.itl.ee/e_arve_kirjeldus has the description and the
// schema of 1.2.EN, which adds to 1.2). With it at hand and libxml2 installed:
//
//	xmllint --noout --schema e-invoice_ver1.2.EN.xsd testdata/earve.xml testdata/earve-family.xml

// contents are what stands in each element that has parts, as a DTD would say it: attributes by name, then children in order; one
// of each, ? for one or none, * for any number, + for one or more.
var contents = map[string]*regexp.Regexp{
	"E_Invoice": model(`Header Invoice+ Footer`),
	"Header":    model(`Date FileId Version`),
	"Invoice": model(`@invoiceId @languageId? @regNumber @sellerRegnumber
		InvoiceParties InvoiceInformation InvoiceSumGroup InvoiceItem PaymentInfo`),
	"InvoiceParties":     model(`SellerParty BuyerParty`),
	"SellerParty":        model(`Name RegNumber VATRegNumber? ContactData? AccountInfo*`),
	"BuyerParty":         model(`Name RegNumber? VATRegNumber? ContactData? AccountInfo*`),
	"ContactData":        model(`PhoneNumber? E-mailAddress? LegalAddress?`),
	"LegalAddress":       model(`PostalAddress1 PostalAddress2? City PostalCode?`),
	"AccountInfo":        model(`AccountNumber IBAN? BIC? BankName?`),
	"InvoiceInformation": model(`Type DocumentName InvoiceNumber PaymentReferenceNumber? InvoiceDate DueDate? Period?`),
	"Type":               model(`@type`),
	"Period":             model(`StartDate? EndDate?`),
	"InvoiceSumGroup":    model(`InvoiceSum? VAT* TotalVATSum? TotalSum TotalToPay? Currency?`),
	"VAT":                model(`@vatId? SumBeforeVAT? VATRate VATSum Currency? SumAfterVAT?`),
	"InvoiceItem":        model(`InvoiceItemGroup+`),
	"InvoiceItemGroup":   model(`ItemEntry+`),
	"ItemEntry":          model(`Description ItemDetailInfo* ItemSum? VAT? ItemTotal?`),
	"ItemDetailInfo":     model(`ItemUnit? ItemAmount? ItemPrice?`),
	"PaymentInfo": model(`Currency (PaymentRefId PaymentDescription? | PaymentDescription) Payable PayDueDate? PaymentTotalSum PayerName PaymentId
		PayToAccount PayToName PayToBIC?`),
	"Footer": model(`TotalNumberInvoices TotalAmount`),
}

var names, spaces = regexp.MustCompile(`@?[\w-]+`), regexp.MustCompile(`\s+`)

// model makes a line of contents the expression of a list of names with a comma after each.
func model(s string) *regexp.Regexp {
	return regexp.MustCompile(`^` + spaces.ReplaceAllString(names.ReplaceAllString(s, `(?:$0,)`), "") + `$`)
}

// The kinds of text. Where we know nothing, the address has no city and a family no registry code: these two may be empty.
var (
	text20   = chars(`.{1,20}`)
	text100  = chars(`.{1,100}`)
	city     = chars(`.{0,100}`)
	code     = chars(`.{1,15}`)
	noCode   = chars(`.{0,15}`)
	account  = chars(`[0-9A-Z]{1,35}`)
	bic      = chars(`[0-9A-Z]{8,11}`)
	ref      = chars(`[0-9]{1,20}`)
	currency = chars(`[A-Z]{3}`)
	sum2     = chars(`-?[0-9]+(\.[0-9]{1,2})?`)
	sum4     = chars(`-?[0-9]+(\.[0-9]{1,4})?`)
	day      = func(s string) bool { _, err := time.Parse(time.DateOnly, s); return err == nil }
)

func chars(pattern string) func(string) bool {
	return regexp.MustCompile(`^(?s:` + pattern + `)$`).MatchString
}

// leaves are the attributes and the elements that hold a text, and which.
var leaves = map[string]func(string) bool{
	"@invoiceId": text100, "@languageId": chars(`[a-z]{2}`), "@regNumber": noCode, "@sellerRegnumber": code, "@type": chars(`DEB|CRE`), "@vatId": chars(`TAX`),
	"Date": day, "FileId": text20, "Version": chars(`1\.2`),
	"Name": text100, "RegNumber": code, "VATRegNumber": code, "PhoneNumber": text100, "E-mailAddress": chars(`.+@.+`),
	"PostalAddress1": text100, "PostalAddress2": text100, "City": city, "PostalCode": chars(`.{1,10}`),
	"AccountNumber": account, "IBAN": account, "BIC": bic, "BankName": text100,
	"DocumentName": text100, "InvoiceNumber": text100, "PaymentReferenceNumber": ref, "InvoiceDate": day, "DueDate": day, "StartDate": day, "EndDate": day,
	"InvoiceSum": sum4, "TotalVATSum": sum2, "TotalSum": sum2, "TotalToPay": sum2, "Currency": currency,
	"SumBeforeVAT": sum4, "VATRate": sum2, "VATSum": sum4, "SumAfterVAT": sum4,
	"Description": chars(`.{1,500}`), "ItemUnit": text20, "ItemAmount": sum4, "ItemPrice": sum4, "ItemSum": sum4, "ItemTotal": sum4,
	"PaymentRefId": ref, "PaymentDescription": chars(`[\x20-\xffŠšŽž]{1,210}`), "Payable": chars(`YES|NO`), "PayDueDate": day, "PaymentTotalSum": sum2,
	"PayerName": text100, "PaymentId": text100, "PayToAccount": account, "PayToName": text100, "PayToBIC": bic,
	"TotalNumberInvoices": chars(`[0-9]+`), "TotalAmount": sum2,
}

// earve holds a file against the format and against itself.
func earve(file []byte) error {
	n, err := read(file)
	if err == nil && n.XMLName.Local != "E_Invoice" {
		err = fmt.Errorf("%s is no e-invoice", n.XMLName.Local)
	}
	if err == nil {
		err = keeps(n)
	}
	if err == nil {
		err = addsUp(n)
	}
	return err
}

// keeps holds an element, and all in it, against the tables.
func keeps(n node) (err error) {
	name := n.XMLName.Local
	if n.XMLName.Space != "" {
		err = fmt.Errorf("%s is in a namespace", name)
	}
	var parts []string
	for _, a := range n.Attrs {
		if a.Name.Space != "" { // the prefix of the schema's address, and that address
			continue
		}
		parts = append(parts, "@"+a.Name.Local)
		if fits := leaves["@"+a.Name.Local]; fits == nil || !fits(a.Value) {
			err = errors.Join(err, fmt.Errorf("%s@%s is %q", name, a.Name.Local, a.Value))
		}
	}
	slices.Sort(parts)
	for _, k := range n.Nodes {
		parts = append(parts, k.XMLName.Local)
		err = errors.Join(err, keeps(k))
	}
	has, fits := contents[name], leaves[name]
	switch list := strings.Join(append(parts, ""), ","); {
	case has != nil && (!has.MatchString(list) || strings.TrimSpace(n.Text) != ""):
		err = errors.Join(err, fmt.Errorf("%s holds %s %q", name, list, strings.TrimSpace(n.Text)))
	case has == nil && (fits == nil || !fits(n.Text) || list != ""):
		err = errors.Join(err, fmt.Errorf("%s is %q with %q", name, n.Text, list))
	}
	return err
}

// addsUp holds what a file says more than once against each other.
func addsUp(file node) (err error) {
	must := func(kept bool, rule string) {
		if !kept {
			err = errors.Join(err, errors.New(rule))
		}
	}
	sum := func(n node, path string) (total money.Amount) {
		found := n.all(path)
		must(len(found) > 0, "there is no "+path)
		for _, k := range found {
			a, err := money.Parse(k.Text)
			must(err == nil, path+" is no money of ours: "+k.Text)
			total += a
		}
		return total
	}
	const line = "InvoiceItem/InvoiceItemGroup/ItemEntry"
	for _, i := range file.all("Invoice") {
		gross := sum(i, "InvoiceSumGroup/TotalSum")
		must(sum(i, "InvoiceSumGroup/InvoiceSum")+sum(i, "InvoiceSumGroup/TotalVATSum") == gross, "net and tax are not the total")
		must(sum(i, "InvoiceSumGroup/InvoiceSum") == sum(i, line+"/ItemSum"), "the lines are not the net")
		must(sum(i, "InvoiceSumGroup/TotalVATSum") == sum(i, "InvoiceSumGroup/VAT/VATSum"), "the taxes are not the tax")
		must(sum(i, "InvoiceSumGroup/TotalVATSum") == sum(i, line+"/VAT/VATSum"), "the taxes of the lines are not the tax")
		must(sum(i, "InvoiceSumGroup/TotalToPay") == gross && sum(i, "PaymentInfo/PaymentTotalSum") == gross, "what is to be paid is not the total")
		for _, v := range append(i.all("InvoiceSumGroup/VAT"), i.all(line+"/VAT")...) {
			net, tax := sum(v, "SumBeforeVAT"), sum(v, "VATSum")
			must(tax == money.Tax(net, money.Rate(sum(v, "VATRate"))).VAT, "the tax is not the net times the rate")
			must(sum(v, "SumAfterVAT") == net+tax, "net and tax are not the sum after tax")
		}
		for _, e := range i.all(line) {
			net := sum(e, "ItemSum")
			must(sum(e, "ItemDetailInfo/ItemAmount")*sum(e, "ItemDetailInfo/ItemPrice") == net*1_00, "the line is not quantity times price")
			must(sum(e, "VAT/SumBeforeVAT") == net && sum(e, "VAT/SumAfterVAT") == sum(e, "ItemTotal"), "the line and its tax differ")
		}
		must(i.at("PaymentInfo/Payable") == "YES", "it is not to be paid")
		must(i.at("PaymentInfo/PayDueDate") == i.at("InvoiceInformation/DueDate"), "there is no day to pay by, or there are two")
		must(i.at("PaymentInfo/PaymentRefId") == i.at("InvoiceInformation/PaymentReferenceNumber"), "there are two references")
		must(i.at("PaymentInfo/PaymentId") == i.at("InvoiceInformation/InvoiceNumber"), "there are two numbers")
	}
	must(file.at("Footer/TotalNumberInvoices") == fmt.Sprint(len(file.all("Invoice"))), "there are not as many invoices as said")
	must(sum(file, "Footer/TotalAmount") == sum(file, "Invoice/InvoiceSumGroup/TotalSum"), "the invoices are not the file's total")
	return err
}

// TestABrokenEInvoiceIsRefused makes sure that a good one is good because it was looked at.
func TestABrokenEInvoiceIsRefused(t *testing.T) {
	file, err := Estonian(bill(school, money.Tax(20_00, 2400)))
	if err == nil {
		err = earve(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ what, from, to string }{
		{"no version", "<Version>1.2</Version>", ""},
		{"another version", "<Version>1.2<", "<Version>1.1<"},
		{"a namespace", "<E_Invoice ", `<E_Invoice xmlns="urn:x" `},
		{"another root", "E_Invoice", "Invoices"},
		{"two roots", "</E_Invoice>", "</E_Invoice><E_Invoice></E_Invoice>"},
		{"an open end", "</E_Invoice>", ""},
		{"no header", "Header>", "Footer>"},
		{"no buyer's code", `regNumber="75012345"`, ""},
		{"a code twice", `regNumber="75012345"`, `regNumber="75012345" regNumber="75012345"`},
		{"a long code", `regNumber="75012345"`, `regNumber="7501234575012345"`},
		{"an attribute of nobody's", `languageId="et"`, `lang="et"`},
		{"a long file's name", "<FileId>", "<FileId>0123456789"},
		{"a nameless seller", "<Name>Star Cloud OÜ</Name>", ""},
		{"a seller without a code", "<RegNumber>12731921</RegNumber>", ""},
		{"an empty name", "<Name>Õismäe Gümnaasium</Name>", "<Name></Name>"},
		{"a long name", "<Name>Õismäe Gümnaasium<", "<Name>" + strings.Repeat("Õ", 101) + "<"},
		{"a long payer", "<PayerName>", "<PayerName>" + strings.Repeat("Õ", 100)},
		{"an address without a city's place", "<City>Tallinn</City>", ""},
		{"mail to nowhere", "info@starcloud.ee", "starcloud.ee"},
		{"neither debit nor credit", `type="DEB"`, `type="PRO"`},
		{"a wrong order", "<InvoiceDate>2026-11-22</InvoiceDate>", "<DueDate>2026-12-06</DueDate><InvoiceDate>2026-11-22</InvoiceDate>"},
		{"a day that never comes", "<DueDate>2026-12-06<", "<DueDate>2026-12-36<"},
		{"a day of another country", "<InvoiceDate>2026-11-22<", "<InvoiceDate>22.11.2026<"},
		{"three decimals", "<TotalSum>24.80<", "<TotalSum>24.805<"},
		{"five decimals", "<ItemPrice>20.00<", "<ItemPrice>20.00000<"},
		{"a comma", "<TotalSum>24.80<", "<TotalSum>24,80<"},
		{"no total", "<TotalSum>24.80</TotalSum>", ""},
		{"no rate", "<VATRate>24</VATRate>", ""},
		{"nothing sold", "<Description>Opiqi", "<Description></Description><Description>Opiqi"},
		{"much sold", "<Description>", "<Description>" + strings.Repeat("õ", 500)},
		{"no lines", "<InvoiceItemGroup>", "<InvoiceItemGroup></InvoiceItemGroup><InvoiceItemGroup>"},
		{"a reference of letters", "<PaymentRefId>4815", "<PaymentRefId>RF15"},
		{"a long reference", "<PaymentRefId>", "<PaymentRefId>0123456789"},
		{"a description that banks can't write", "<PaymentDescription>", "<PaymentDescription>Ж"},
		{"a long description", "<PaymentDescription>", "<PaymentDescription>" + strings.Repeat("õ", 210)},
		{"perhaps payable", "<Payable>YES<", "<Payable>yes<"},
		{"an element of nobody's", "</Payable>", "</Payable><Extra></Extra>"},
		{"words between the elements", "</Payable>", "</Payable>and"},
		{"an element in a text", "<BankName>Swedbank<", "<BankName><Name>Swedbank</Name><"},
		{"no account", "<PayToAccount>EE382200221020145685</PayToAccount>", ""},
		{"an account with spaces", "<IBAN>EE38", "<IBAN>EE38 "},

		{"another total", "<TotalSum>24.80<", "<TotalSum>24.81<"},
		{"another net", "<InvoiceSum>20.00<", "<InvoiceSum>20.01<"},
		{"another tax", "<TotalVATSum>4.80<", "<TotalVATSum>4.79<"},
		{"a wrong tax", "<VATSum>4.80<", "<VATSum>4.81<"},
		{"another rate", "<VATRate>24<", "<VATRate>22<"},
		{"another sum to pay", "<PaymentTotalSum>24.80<", "<PaymentTotalSum>24.08<"},
		{"two of it", "<ItemAmount>1<", "<ItemAmount>2<"},
		{"another line", "<ItemTotal>24.80<", "<ItemTotal>20.00<"},
		{"nothing to pay", "<Payable>YES<", "<Payable>NO<"},
		{"no day to pay by", "<PayDueDate>2026-12-06</PayDueDate>", ""},
		{"another reference", "<PaymentRefId>48151623424<", "<PaymentRefId>13<"},
		{"another number", "<PaymentId>2026-000123<", "<PaymentId>2026-000124<"},
		{"another count", "<TotalNumberInvoices>1<", "<TotalNumberInvoices>2<"},
		{"another amount", "<TotalAmount>24.80<", "<TotalAmount>20.00<"},
	} {
		broken := strings.Replace(string(file), c.from, c.to, 1)
		if c.what == "another root" || c.what == "no header" {
			broken = strings.ReplaceAll(string(file), c.from, c.to)
		}
		if broken == string(file) {
			t.Fatalf("%s: there is no %q", c.what, c.from)
		}
		if earve([]byte(broken)) == nil {
			t.Errorf("%s: %q in place of %q is taken", c.what, c.to, c.from)
		}
	}
}
