package einvoice

import (
	"encoding/xml"
	"strings"

	"opiq/shared/civil"
	"opiq/shared/invoice"
)

// The elements of the Estonian e-invoice 1.2, as far as they are used, in the order of its schema.
type (
	eInvoice struct {
		XMLName xml.Name      `xml:"E_Invoice"`
		Xsi     string        `xml:"xmlns:xsi,attr"`
		Schema  string        `xml:"xsi:noNamespaceSchemaLocation,attr"`
		Header  eHeader       `xml:"Header"`
		Invoice eInvoiceEntry `xml:"Invoice"`
		Footer  eFooter       `xml:"Footer"`
	}
	eHeader struct {
		Date    civil.Date
		FileID  string `xml:"FileId"`
		Version string
	}
	eInvoiceEntry struct {
		ID          string       `xml:"invoiceId,attr"`
		Buyer       string       `xml:"regNumber,attr"`
		Language    string       `xml:"languageId,attr"`
		Seller      string       `xml:"sellerRegnumber,attr"`
		Parties     eParties     `xml:"InvoiceParties"`
		Information eInformation `xml:"InvoiceInformation"`
		Sums        eSums        `xml:"InvoiceSumGroup"`
		Item        eItem        `xml:"InvoiceItem>InvoiceItemGroup>ItemEntry"`
		Payment     ePayment     `xml:"PaymentInfo"`
	}
	eParties struct {
		Seller eParty `xml:"SellerParty"`
		Buyer  eParty `xml:"BuyerParty"`
	}
	eParty struct {
		Name         string
		RegNumber    string    `xml:",omitempty"`
		VATRegNumber string    `xml:",omitempty"`
		Contact      *eContact `xml:"ContactData"`
		Account      *eAccount `xml:"AccountInfo"`
	}
	eContact struct {
		Phone   string    `xml:"PhoneNumber,omitempty"`
		Email   string    `xml:"E-mailAddress,omitempty"`
		Address *eAddress `xml:"LegalAddress"`
	}
	eAddress struct {
		PostalAddress1 string
		PostalAddress2 string `xml:",omitempty"`
		City           string
		PostalCode     string `xml:",omitempty"`
	}
	eAccount struct {
		AccountNumber string
		IBAN          string
		BIC           string
		BankName      string
	}
	eInformation struct {
		Type struct {
			Type string `xml:"type,attr"`
		}
		DocumentName           string
		InvoiceNumber          string
		PaymentReferenceNumber string
		InvoiceDate            civil.Date
		DueDate                civil.Date
		Start                  civil.Date `xml:"Period>StartDate"`
		End                    civil.Date `xml:"Period>EndDate"`
	}
	eSums struct {
		InvoiceSum  string
		VAT         eVAT
		TotalVATSum string
		TotalSum    string
		TotalToPay  string
		Currency    string
	}
	eVAT struct {
		Kind         string `xml:"vatId,attr"`
		SumBeforeVAT string
		VATRate      string
		VATSum       string
		Currency     string
		SumAfterVAT  string
	}
	eItem struct {
		Description string
		Unit        string `xml:"ItemDetailInfo>ItemUnit"`
		Amount      string `xml:"ItemDetailInfo>ItemAmount"`
		Price       string `xml:"ItemDetailInfo>ItemPrice"`
		ItemSum     string
		VAT         eVAT
		ItemTotal   string
	}
	ePayment struct {
		Currency           string
		PaymentRefID       string `xml:"PaymentRefId"`
		PaymentDescription string
		Payable            string
		PayDueDate         civil.Date
		PaymentTotalSum    string
		PayerName          string
		PaymentID          string `xml:"PaymentId"`
		PayToAccount       string
		PayToName          string
		PayToBIC           string
	}
	eFooter struct {
		TotalNumberInvoices int
		TotalAmount         string
	}
)

// Estonian is the invoice as an Estonian e-invoice 1.2 (e-arve; no namespace). A buyer without a registry code, a family, gets an
// empty regNumber: the attribute has to be there, and the personal code that it would take is nobody's business.
func Estonian(i invoice.Invoice) ([]byte, error) {
	gross := i.Price.Gross.String()
	vat := eVAT{
		Kind: "TAX", SumBeforeVAT: i.Price.Net.String(), VATRate: percent(i.Price.Rate), VATSum: i.Price.VAT.String(), Currency: "EUR", SumAfterVAT: gross,
	}
	return write(eInvoice{
		Xsi: "http://www.w3.org/2001/XMLSchema-instance", Schema: "e-invoice_ver1.2.xsd",
		Header: eHeader{Date: i.IssuedOn, FileID: string(i.Number), Version: "1.2"},
		Invoice: eInvoiceEntry{
			ID: string(i.Number), Buyer: i.Buyer.RegistryCode, Language: "et", Seller: i.Seller.Register,
			Parties: eParties{
				Seller: eParty{
					Name: i.Seller.Name, RegNumber: i.Seller.Register, VATRegNumber: i.Seller.VATNumber,
					Contact: &eContact{i.Seller.Phone, i.Seller.Email, eAddressOf(i.Seller.Address)},
					Account: &eAccount{i.Seller.IBAN, i.Seller.IBAN, i.Seller.BIC, i.Seller.Bank},
				},
				Buyer: eParty{
					Name: short(i.Buyer.Name), RegNumber: i.Buyer.RegistryCode, VATRegNumber: i.Buyer.VATNumber,
					Contact: eContactOf(i.Buyer),
				},
			},
			Information: eInformation{
				Type: struct {
					Type string `xml:"type,attr"`
				}{"DEB"},
				DocumentName: "Ettemaksuarve", InvoiceNumber: string(i.Number), PaymentReferenceNumber: string(i.Reference()),
				InvoiceDate: i.IssuedOn, DueDate: i.DueOn, Start: i.StartsOn, End: i.ValidThrough(),
			},
			Sums: eSums{InvoiceSum: i.Price.Net.String(), VAT: vat, TotalVATSum: i.Price.VAT.String(), TotalSum: gross, TotalToPay: gross, Currency: "EUR"},
			Item: eItem{
				Description: sold(i), Unit: "tk", Amount: "1", Price: i.Price.Net.String(), ItemSum: i.Price.Net.String(), VAT: vat, ItemTotal: gross,
			},
			Payment: ePayment{
				Currency: "EUR", PaymentRefID: string(i.Reference()), PaymentDescription: "Ettemaksuarve " + string(i.Number), Payable: "YES", PayDueDate: i.DueOn,
				PaymentTotalSum: gross, PayerName: short(i.Buyer.Name), PaymentID: string(i.Number), PayToAccount: i.Seller.IBAN, PayToName: i.Seller.Name, PayToBIC: i.Seller.BIC,
			},
		},
		Footer: eFooter{1, gross},
	})
}

// line is how many characters the format has for a line of an address, a city or a name.
const line = 100

// eAddressOf is an address in two lines and a city; nil where there is none.
func eAddressOf(s string) *eAddress {
	a := place(s)
	if a == (parts{}) {
		return nil
	}
	if len([]rune(a.city)) > line {
		a = parts{street: s}
	}
	if len([]rune(a.street)) > line || len([]rune(a.more)) > line {
		all := []rune(strings.TrimSuffix(a.street+", "+a.more, ", "))
		a.street, a.more = string(all[:line]), string(all[line:min(len(all), 2*line)])
	}
	return &eAddress{a.street, a.more, a.city, a.code}
}

// short is a name as far as it fits: a person's two names may be longer together.
func short(name string) string {
	r := []rune(name)
	return string(r[:min(len(r), line)])
}

// eContactOf is how a buyer can be reached; nil where nobody said.
func eContactOf(b invoice.Buyer) *eContact {
	address := eAddressOf(b.Address)
	if b.Email == "" && address == nil {
		return nil
	}
	return &eContact{Email: b.Email, Address: address}
}
