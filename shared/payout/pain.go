package payout

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"time"
)

// document and what follows are the elements of the message, as far as they are used, in the order of its schema.
type (
	document struct {
		XMLName  xml.Name `xml:"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09 Document"`
		Header   header   `xml:"CstmrCdtTrfInitn>GrpHdr"`
		Transfer payment  `xml:"CstmrCdtTrfInitn>PmtInf"`
	}
	header struct {
		Message string `xml:"MsgId"`
		Created string `xml:"CreDtTm"`
		Count   string `xml:"NbOfTxs"`
		Sum     string `xml:"CtrlSum"`
		By      string `xml:"InitgPty>Nm"`
	}
	payment struct {
		ID        string     `xml:"PmtInfId"`
		Method    string     `xml:"PmtMtd"`
		Batch     bool       `xml:"BtchBookg"`
		Count     string     `xml:"NbOfTxs"`
		Sum       string     `xml:"CtrlSum"`
		Service   string     `xml:"PmtTpInf>SvcLvl>Cd"`
		ExecuteOn string     `xml:"ReqdExctnDt>Dt"`
		Debtor    string     `xml:"Dbtr>Nm"`
		From      string     `xml:"DbtrAcct>Id>IBAN"`
		Currency  string     `xml:"DbtrAcct>Ccy"`
		Bank      bank       `xml:"DbtrAgt>FinInstnId"`
		Charges   string     `xml:"ChrgBr"`
		Transfers []transfer `xml:"CdtTrfTxInf"`
	}
	bank struct {
		BIC   string  `xml:"BICFI,omitempty"`
		Other *string `xml:"Othr>Id"`
	}
	transfer struct {
		EndToEnd string  `xml:"PmtId>EndToEndId"`
		Amount   euro    `xml:"Amt>InstdAmt"`
		Creditor string  `xml:"Cdtr>Nm"`
		To       string  `xml:"CdtrAcct>Id>IBAN"`
		Text     *string `xml:"RmtInf>Ustrd"`
	}
	euro struct {
		Currency string `xml:"Ccy,attr"`
		Amount   string `xml:",chardata"`
	}
)

// notProvided is what SEPA says where something has to be said and nobody knows it.
const notProvided = "NOTPROVIDED"

// XML is the file for the bank: SEPA credit transfers, each booked by itself, so that the statement shows each under its EndToEndId.
func (p Payout) XML() ([]byte, error) {
	count, sum, at := strconv.Itoa(len(p.Transfers)), p.Sum().String(), domestic(p.Debtor.IBAN)
	debtor := at.name(p.Debtor.Name)
	out := document{
		Header: header{Message: string(p.ID), Created: p.CreatedAt.UTC().Format(time.RFC3339), Count: count, Sum: sum, By: debtor},
		Transfer: payment{
			ID: string(p.ID), Method: "TRF", Count: count, Sum: sum, Service: "SEPA", ExecuteOn: p.ExecuteOn.String(), Debtor: debtor, From: p.Debtor.IBAN,
			Currency: "EUR", Bank: bank{BIC: p.Debtor.BIC}, Charges: "SLEV",
		},
	}
	if p.Debtor.BIC == "" {
		out.Transfer.Bank.Other = new(notProvided)
	}
	for _, t := range p.Transfers {
		to := at && domestic(t.IBAN)
		one := transfer{EndToEnd: t.EndToEnd, Amount: euro{"EUR", t.Amount.String()}, Creditor: to.name(t.Name), To: t.IBAN}
		if text := to.write(t.Text, maxText); text != "" {
			one.Text = &text
		}
		out.Transfer.Transfers = append(out.Transfer.Transfers, one)
	}
	text, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("payout: %w", err)
	}
	return append([]byte(xml.Header), append(text, '\n')...), nil
}
