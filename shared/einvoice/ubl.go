package einvoice

import (
	"encoding/xml"
	"regexp"
	"slices"

	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/money"
	"opiq/shared/problem"
)

// ErrNoCode answers a buyer whom no Peppol invoice can be addressed to: it wants an electronic address on both sides
// (PEPPOL-EN16931-R010), and the one that an Estonian organization has is its registry code.
var ErrNoCode = problem.New(problem.Conflict, "no_einvoice", "An e-invoice needs the buyer's registry code.")

// What a Peppol invoice says of itself.
const (
	customization = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
	profile       = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
	prepayment    = "386"  // UNTDID 1001: prepayment invoice
	transfer      = "58"   // UNTDID 4461: SEPA credit transfer
	register      = "0191" // ISO 6523: the Estonian Centre of Registers
	piece         = "C62"  // UN/ECE Recommendation 20: one
	standard      = "S"    // UNTDID 5305: standard rate
)

// The elements of a UBL 2.1 invoice, as far as they are used, in the order of its schema.
type (
	ublInvoice struct {
		XMLName       xml.Name    `xml:"Invoice"`
		Namespace     string      `xml:"xmlns,attr"`
		Aggregates    string      `xml:"xmlns:cac,attr"`
		Basics        string      `xml:"xmlns:cbc,attr"`
		Customization string      `xml:"cbc:CustomizationID"`
		Profile       string      `xml:"cbc:ProfileID"`
		ID            string      `xml:"cbc:ID"`
		IssueDate     civil.Date  `xml:"cbc:IssueDate"`
		DueDate       civil.Date  `xml:"cbc:DueDate"`
		Type          string      `xml:"cbc:InvoiceTypeCode"`
		Currency      string      `xml:"cbc:DocumentCurrencyCode"`
		BuyerRef      string      `xml:"cbc:BuyerReference"`
		Start         civil.Date  `xml:"cac:InvoicePeriod>cbc:StartDate"`
		End           civil.Date  `xml:"cac:InvoicePeriod>cbc:EndDate"`
		Seller        ublParty    `xml:"cac:AccountingSupplierParty>cac:Party"`
		Buyer         ublParty    `xml:"cac:AccountingCustomerParty>cac:Party"`
		Means         ublMeans    `xml:"cac:PaymentMeans"`
		Tax           ublTaxTotal `xml:"cac:TaxTotal"`
		Totals        ublTotals   `xml:"cac:LegalMonetaryTotal"`
		Line          ublLine     `xml:"cac:InvoiceLine"`
	}
	ublID struct {
		Scheme string `xml:"schemeID,attr"`
		ID     string `xml:",chardata"`
	}
	ublAmount struct {
		Currency string `xml:"currencyID,attr"`
		Amount   string `xml:",chardata"`
	}
	ublParty struct {
		Endpoint  ublID         `xml:"cbc:EndpointID"`
		Address   ublAddress    `xml:"cac:PostalAddress"`
		TaxScheme *ublTaxScheme `xml:"cac:PartyTaxScheme"`
		Name      string        `xml:"cac:PartyLegalEntity>cbc:RegistrationName"`
		CompanyID ublID         `xml:"cac:PartyLegalEntity>cbc:CompanyID"`
		Contact   *ublContact   `xml:"cac:Contact"`
	}
	ublAddress struct {
		Street  string `xml:"cbc:StreetName,omitempty"`
		More    string `xml:"cbc:AdditionalStreetName,omitempty"`
		City    string `xml:"cbc:CityName,omitempty"`
		Code    string `xml:"cbc:PostalZone,omitempty"`
		Country string `xml:"cac:Country>cbc:IdentificationCode"`
	}
	ublTaxScheme struct {
		CompanyID string `xml:"cbc:CompanyID"`
		Scheme    string `xml:"cac:TaxScheme>cbc:ID"`
	}
	ublContact struct {
		Phone string `xml:"cbc:Telephone,omitempty"`
		Email string `xml:"cbc:ElectronicMail,omitempty"`
	}
	ublMeans struct {
		Code      string `xml:"cbc:PaymentMeansCode"`
		Reference string `xml:"cbc:PaymentID"`
		IBAN      string `xml:"cac:PayeeFinancialAccount>cbc:ID"`
		Name      string `xml:"cac:PayeeFinancialAccount>cbc:Name"`
		BIC       string `xml:"cac:PayeeFinancialAccount>cac:FinancialInstitutionBranch>cbc:ID"`
	}
	ublTaxTotal struct {
		Amount   ublAmount   `xml:"cbc:TaxAmount"`
		Subtotal ublSubtotal `xml:"cac:TaxSubtotal"`
	}
	ublSubtotal struct {
		Taxable  ublAmount   `xml:"cbc:TaxableAmount"`
		Amount   ublAmount   `xml:"cbc:TaxAmount"`
		Category ublCategory `xml:"cac:TaxCategory"`
	}
	ublCategory struct {
		ID      string `xml:"cbc:ID"`
		Percent string `xml:"cbc:Percent"`
		Scheme  string `xml:"cac:TaxScheme>cbc:ID"`
	}
	ublTotals struct {
		Lines     ublAmount `xml:"cbc:LineExtensionAmount"`
		Exclusive ublAmount `xml:"cbc:TaxExclusiveAmount"`
		Inclusive ublAmount `xml:"cbc:TaxInclusiveAmount"`
		Payable   ublAmount `xml:"cbc:PayableAmount"`
	}
	ublLine struct {
		ID       string      `xml:"cbc:ID"`
		Quantity ublQuantity `xml:"cbc:InvoicedQuantity"`
		Amount   ublAmount   `xml:"cbc:LineExtensionAmount"`
		Name     string      `xml:"cac:Item>cbc:Name"`
		Category ublCategory `xml:"cac:Item>cac:ClassifiedTaxCategory"`
		Price    ublAmount   `xml:"cac:Price>cbc:PriceAmount"`
	}
	ublQuantity struct {
		Unit  string `xml:"unitCode,attr"`
		Count string `xml:",chardata"`
	}
)

// UBL is the invoice as a Peppol BIS Billing 3 invoice, which is EN 16931 in UBL 2.1. ErrNoCode is a buyer without an Estonian
// registry code.
func UBL(i invoice.Invoice) ([]byte, error) {
	if !registryCode.MatchString(i.Buyer.RegistryCode) {
		return nil, ErrNoCode
	}
	category := ublCategory{standard, percent(i.Price.Rate), "VAT"}
	return write(ublInvoice{
		Namespace:  "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2",
		Aggregates: "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
		Basics:     "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",

		Customization: customization, Profile: profile, ID: string(i.Number), IssueDate: i.IssuedOn, DueDate: i.DueOn, Type: prepayment, Currency: "EUR",
		BuyerRef: string(i.Order), Start: i.StartsOn, End: i.ValidThrough(),
		Seller: ublParty{
			Endpoint: ublID{register, i.Seller.Register}, Address: ublAddressOf(i.Seller.Address), TaxScheme: taxed(i.Seller.VATNumber),
			Name: i.Seller.Name, CompanyID: ublID{register, i.Seller.Register}, Contact: &ublContact{i.Seller.Phone, i.Seller.Email},
		},
		Buyer: ublParty{
			Endpoint: ublID{register, i.Buyer.RegistryCode}, Address: ublAddressOf(i.Buyer.Address), TaxScheme: taxed(i.Buyer.VATNumber),
			Name: i.Buyer.Name, CompanyID: ublID{register, i.Buyer.RegistryCode},
		},
		Means: ublMeans{transfer, string(i.Reference()), i.Seller.IBAN, i.Seller.Name, i.Seller.BIC},
		Tax:   ublTaxTotal{euros(i.Price.VAT), ublSubtotal{euros(i.Price.Net), euros(i.Price.VAT), category}},
		Totals: ublTotals{
			Lines: euros(i.Price.Net), Exclusive: euros(i.Price.Net), Inclusive: euros(i.Price.Gross), Payable: euros(i.Price.Gross),
		},
		Line: ublLine{ID: "1", Quantity: ublQuantity{piece, "1"}, Amount: euros(i.Price.Net), Name: sold(i), Category: category, Price: euros(i.Price.Net)},
	})
}

func euros(a money.Amount) ublAmount { return ublAmount{"EUR", a.String()} }

// registryCode is a number of the Estonian registers.
var registryCode = regexp.MustCompile(`^[1-9]\d{7}$`)

// taxCountries are whose VAT numbers begin with their code, as BR-CO-09 wants: the European Union's and its neighbors'.
var taxCountries = []string{
	"AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "GB", "HR", "HU", "IE", "IS", "IT", "LT", "LU", "LV", "MT", "NL", "NO", "PL",
	"PT", "RO", "SE", "SI", "SK", "XI",
}

// taxed is a party's VAT number, or nil where it has none that says of which country it is.
func taxed(number string) *ublTaxScheme {
	if len(number) < 3 || !slices.Contains(taxCountries, number[:2]) {
		return nil
	}
	return &ublTaxScheme{number, "VAT"}
}

// ublAddressOf is an address in Estonia, where every buyer with a code of its registers is at home.
func ublAddressOf(s string) ublAddress {
	a := place(s)
	return ublAddress{a.street, a.more, a.city, a.code, "EE"}
}
