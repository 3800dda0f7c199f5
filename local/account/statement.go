package account

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"time"

	"opiq/shared/civil"
	"opiq/shared/money"
)

// Statement is a day of the account as the bank tells of it.
type Statement struct {
	IBAN, Owner string
	Number      int // of the statement in this year
	On          civil.Date
	At          time.Time // when the bank wrote it
	Opening     money.Amount
	Bookings    []Booking
}

// Booking is one sum that came to the account, or went from it.
type Booking struct {
	Ref      string    // the bank's own number of it: AcctSvcrRef, NtryRef
	Payments []Payment // several, where the bank booked them in one sum
	Out      bool      // we ordered it; its Payer is who gets it
	Return   string    // an ISO code: the payment was booked before, and goes back to where it came from
}

// Payment is what somebody paid.
type Payment struct {
	Payer
	Amount    money.Amount
	EndToEnd  string // "" where whoever ordered it gave none
	Reference string // in the field that is for it
	Text      string
}

// Payer is whose money it is: a company or a school, where there is a registry code, and else a person.
type Payer struct {
	Name, IBAN, Registry string
}

// Sum is what the booking moved, whichever way.
func (b Booking) Sum() (sum money.Amount) {
	for _, p := range b.Payments {
		sum += p.Amount
	}
	return sum
}

// signed is what the booking does to the balance, with the bank's words for it.
func (b Booking) signed() (sum money.Amount, direction, family, subfamily string) {
	sum, direction, family, subfamily = b.Sum(), "CRDT", "RCDT", "ESCT"
	if b.Out {
		family = "ICDT"
	}
	if b.Return != "" {
		subfamily = "RRTN"
	}
	if b.Out != (b.Return != "") {
		sum, direction = -sum, "DBIT"
	}
	return sum, direction, family, subfamily
}

// Closing is the balance after all bookings.
func (s Statement) Closing() money.Amount {
	closing := s.Opening
	for _, b := range s.Bookings {
		sum, _, _, _ := b.signed()
		closing += sum
	}
	return closing
}

// XML is the statement as Estonian banks write it: camt.053.001.02, with the personal or the registry code of each payer.
func (s Statement) XML() []byte {
	id := fmt.Sprintf("%s-%04d", s.On, s.Number)
	day := s.On.Start(civil.Tallinn)
	out := document{
		Message: "M" + id, Written: stamp(s.At), ID: id, Sequence: s.Number, WrittenToo: stamp(s.At),
		From: stamp(day), To: stamp(s.On.AddDays(1).Start(civil.Tallinn).Add(-time.Second)), IBAN: s.IBAN, Currency: "EUR", Owner: s.Owner,
		Balances: []balance{s.balance("OPBD", s.Opening), s.balance("CLBD", s.Closing())},
	}
	for _, b := range s.Bookings {
		out.Entries = append(out.Entries, b.entry(s.On))
	}
	text, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		panic(err) // texts and numbers only
	}
	return append([]byte(xml.Header), append(text, '\n')...)
}

func stamp(t time.Time) string { return t.In(civil.Tallinn.Location()).Format(time.RFC3339) }

// document and what follows are the elements of the message in the order of its schema.
type document struct {
	XMLName    xml.Name  `xml:"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02 Document"`
	Message    string    `xml:"BkToCstmrStmt>GrpHdr>MsgId"`
	Written    string    `xml:"BkToCstmrStmt>GrpHdr>CreDtTm"`
	ID         string    `xml:"BkToCstmrStmt>Stmt>Id"`
	Sequence   int       `xml:"BkToCstmrStmt>Stmt>ElctrncSeqNb"`
	WrittenToo string    `xml:"BkToCstmrStmt>Stmt>CreDtTm"`
	From       string    `xml:"BkToCstmrStmt>Stmt>FrToDt>FrDtTm"`
	To         string    `xml:"BkToCstmrStmt>Stmt>FrToDt>ToDtTm"`
	IBAN       string    `xml:"BkToCstmrStmt>Stmt>Acct>Id>IBAN"`
	Currency   string    `xml:"BkToCstmrStmt>Stmt>Acct>Ccy"`
	Owner      string    `xml:"BkToCstmrStmt>Stmt>Acct>Ownr>Nm"`
	Balances   []balance `xml:"BkToCstmrStmt>Stmt>Bal"`
	Entries    []entry   `xml:"BkToCstmrStmt>Stmt>Ntry"`
}

type euro struct {
	Currency string `xml:"Ccy,attr"`
	Amount   string `xml:",chardata"`
}

type balance struct {
	Kind      string `xml:"Tp>CdOrPrtry>Cd"`
	Amount    euro   `xml:"Amt"`
	Direction string `xml:"CdtDbtInd"`
	On        string `xml:"Dt>Dt"`
}

func (s Statement) balance(kind string, a money.Amount) balance {
	b := balance{kind, euro{"EUR", a.String()}, "CRDT", s.On.String()}
	if a < 0 {
		b.Amount.Amount, b.Direction = (-a).String(), "DBIT"
	}
	return b
}

type entry struct {
	EntryRef     string        `xml:"NtryRef"`
	Amount       euro          `xml:"Amt"`
	Direction    string        `xml:"CdtDbtInd"`
	Status       string        `xml:"Sts"`
	Booked       string        `xml:"BookgDt>Dt"`
	Valued       string        `xml:"ValDt>Dt"`
	Ref          string        `xml:"AcctSvcrRef"`
	Domain       string        `xml:"BkTxCd>Domn>Cd"`
	Family       string        `xml:"BkTxCd>Domn>Fmly>Cd"`
	SubFamily    string        `xml:"BkTxCd>Domn>Fmly>SubFmlyCd"`
	Batch        *parts        `xml:"NtryDtls>Btch"`
	Transactions []transaction `xml:"NtryDtls>TxDtls"`
}

type transaction struct {
	Ref       string  `xml:"Refs>AcctSvcrRef"`
	EndToEnd  string  `xml:"Refs>EndToEndId"`
	Amount    euro    `xml:"AmtDtls>TxAmt>Amt"`
	Debtor    *party  `xml:"RltdPties>Dbtr"`
	From      *iban   `xml:"RltdPties>DbtrAcct"`
	Creditor  *party  `xml:"RltdPties>Cdtr"`
	To        *iban   `xml:"RltdPties>CdtrAcct"`
	Text      *string `xml:"RmtInf>Ustrd"`
	Structure *scor   `xml:"RmtInf>Strd"`
	Return    *reason `xml:"RtrInf"`
}

type parts struct {
	Count int `xml:"NbOfTxs"`
}

type iban struct {
	Number string `xml:"Id>IBAN"`
}

type party struct {
	Name    string `xml:"Nm"`
	Company *code  `xml:"Id>OrgId>Othr"`
	Person  *code  `xml:"Id>PrvtId>Othr"`
}

type code struct {
	ID     string `xml:"Id"`
	Scheme string `xml:"SchmeNm>Cd"`
}

type scor struct {
	Type string `xml:"CdtrRefInf>Tp>CdOrPrtry>Cd"`
	Ref  string `xml:"CdtrRefInf>Ref"`
}

type reason struct {
	Code string `xml:"Rsn>Cd"`
}

// PersonalCode is what this bank says of every person; it is nobody's.
const PersonalCode = "48001010000"

func (b Booking) entry(on civil.Date) entry {
	_, direction, family, subfamily := b.signed()
	e := entry{
		EntryRef: b.Ref, Amount: euro{"EUR", b.Sum().String()}, Direction: direction, Status: "BOOK", Booked: on.String(), Valued: on.String(), Ref: b.Ref,
		Domain: "PMNT", Family: family, SubFamily: subfamily,
	}
	if len(b.Payments) > 1 {
		e.Batch = &parts{len(b.Payments)}
	}
	for i, p := range b.Payments {
		t := transaction{Ref: b.Ref, EndToEnd: cmp.Or(p.EndToEnd, "NOTPROVIDED"), Amount: euro{"EUR", p.Amount.String()}}
		if len(b.Payments) > 1 {
			t.Ref = fmt.Sprintf("%s-%d", b.Ref, i+1)
		}
		if p.Text != "" {
			t.Text = &p.Text
		}
		if p.Reference != "" {
			t.Structure = &scor{"SCOR", p.Reference}
		}
		switch {
		case b.Out: // of who gets it, the bank knows what we said
			t.Creditor, t.To = &party{Name: p.Name}, &iban{p.IBAN}
		case b.Return != "":
			t.Creditor, t.To = p.party(), &iban{p.IBAN}
		default:
			t.Debtor, t.From = p.party(), &iban{p.IBAN}
		}
		if b.Return != "" {
			t.Return = &reason{b.Return}
		}
		e.Transactions = append(e.Transactions, t)
	}
	return e
}

func (p Payer) party() *party {
	if p.Registry != "" {
		return &party{Name: p.Name, Company: &code{p.Registry, "COID"}}
	}
	return &party{Name: p.Name, Person: &code{PersonalCode, "NIDN"}}
}
