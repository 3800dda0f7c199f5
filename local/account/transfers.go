package account

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/reference"
)

// transfer is money that we ordered the bank to send.
type transfer struct {
	Payment
	Sent, Returned bool
}

// order is whose money goes back; "" for a transfer that is no refund.
func (t *transfer) order() order.Number {
	_, n, _ := payment.ParseEndToEnd(t.EndToEnd)
	return n
}

// comeBack lets the transfer come back.
func (t *transfer) comeBack(why string) Booking {
	t.Returned = true
	return Booking{Payments: []Payment{t.Payment}, Out: true, Return: why}
}

// send lets go out what waits for the next statement, each transfer by itself.
func (a *Account) send() (bookings []Booking) {
	for _, t := range a.ordered {
		if !t.Sent {
			t.Sent = true
			bookings = append(bookings, Booking{Payments: []Payment{t.Payment}, Out: true})
		}
	}
	return bookings
}

// concerned are the transfers that can come back, of these orders or with these EndToEndIds; or those that can go out.
func (a *Account) concerned(which string, back bool) (all []*transfer) {
	for _, t := range a.ordered {
		asked := which == ""
		for name := range strings.SplitSeq(which, ",") {
			name = strings.TrimSpace(name)
			asked = asked || name != "" && (name == t.EndToEnd || name == string(t.order()))
		}
		if !back && !t.Sent || back && !t.Returned && asked {
			all = append(all, t)
		}
	}
	return all
}

// file is what the bank reads of a pain.001.001.09 message.
type file struct {
	XMLName xml.Name `xml:"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09 Document"`
	Message string   `xml:"CstmrCdtTrfInitn>GrpHdr>MsgId"`
	Count   string   `xml:"CstmrCdtTrfInitn>GrpHdr>NbOfTxs"`
	Sum     string   `xml:"CstmrCdtTrfInitn>GrpHdr>CtrlSum"`
	Parts   []struct {
		Method    string `xml:"PmtMtd"`
		Batch     string `xml:"BtchBookg"`
		Count     string `xml:"NbOfTxs"`
		Sum       string `xml:"CtrlSum"`
		Service   string `xml:"PmtTpInf>SvcLvl>Cd"`
		From      string `xml:"DbtrAcct>Id>IBAN"`
		Transfers []struct {
			EndToEnd string   `xml:"PmtId>EndToEndId"`
			Amount   euro     `xml:"Amt>InstdAmt"`
			Name     string   `xml:"Cdtr>Nm"`
			To       string   `xml:"CdtrAcct>Id>IBAN"`
			Text     []string `xml:"RmtInf>Ustrd"`
		} `xml:"CdtTrfTxInf"`
	} `xml:"CstmrCdtTrfInitn>PmtInf"`
}

// read is the file's transfers, or why a bank would refuse them.
func (f file) read(ours string) (all []*transfer, sum money.Amount, wrong string) {
	if f.Message == "" || utf8.RuneCountInString(f.Message) > 35 {
		return nil, 0, "MsgId must have 1 to 35 characters."
	}
	for _, p := range f.Parts {
		if p.Method != "TRF" || p.Service != "SEPA" || p.Batch != "false" {
			return nil, 0, "This bank takes SEPA transfers (TRF, SEPA) that are booked one by one."
		}
		if p.From != ours {
			return nil, 0, "The money would leave another account than this one."
		}
		var part money.Amount
		for _, t := range p.Transfers {
			amount, err := money.Parse(t.Amount.Amount)
			text := strings.Join(t.Text, " ")
			switch {
			case err != nil || amount <= 0 || t.Amount.Currency != "EUR":
				return nil, 0, "InstdAmt must be more than nothing, in euros and cents."
			case !reference.IBAN(t.To):
				return nil, 0, "The creditor's IBAN is wrong."
			case t.Name == "" || utf8.RuneCountInString(t.Name) > 70:
				return nil, 0, "The creditor's name must have 1 to 70 characters."
			case t.EndToEnd == "" || len(t.EndToEnd) > 35:
				return nil, 0, "EndToEndId must have 1 to 35 characters."
			case utf8.RuneCountInString(text) > 140:
				return nil, 0, "Ustrd must have at most 140 characters."
			}
			part += amount
			all = append(all, &transfer{Payment: Payment{Payer: Payer{Name: t.Name, IBAN: t.To}, Amount: amount, EndToEnd: t.EndToEnd, Text: text}})
		}
		if p.Count != strconv.Itoa(len(p.Transfers)) || p.Sum != part.String() {
			return nil, 0, "NbOfTxs or CtrlSum of a part is wrong."
		}
		sum += part
	}
	if len(all) == 0 || f.Count != strconv.Itoa(len(all)) || f.Sum != sum.String() {
		return nil, 0, "NbOfTxs or CtrlSum of the file is wrong."
	}
	return all, sum, ""
}

// order takes a file of transfers, from a program or from the page.
func (a *Account) order(w http.ResponseWriter, r *http.Request) {
	text, no := body(w, r)
	if no != nil {
		no.tell(w)
		return
	}
	var f file
	if d := xml.NewDecoder(bytes.NewReader(text)); d.Decode(&f) != nil {
		refusal{http.StatusBadRequest, "not_pain001", "The body must be a pain.001.001.09 message."}.tell(w)
		return
	}
	all, sum, wrong := f.read(a.iban.IBAN)
	if wrong != "" {
		refusal{http.StatusUnprocessableEntity, "refused", wrong}.tell(w)
		return
	}
	a.mu.Lock()
	known := a.taken[f.Message]
	if !known {
		a.taken[f.Message], a.ordered = true, append(a.ordered, all...)
	}
	a.mu.Unlock()
	switch {
	case known:
		refusal{http.StatusConflict, "known_message", "A file with this MsgId was taken before."}.tell(w)
	case wantsPage(r):
		http.Redirect(w, r, path+"#transfers", http.StatusSeeOther)
	default:
		answer(w, http.StatusCreated, map[string]any{"message": f.Message, "transfers": len(all), "sum": sum})
	}
}

// body is the file that was sent, as it is or by the page's form: chosen there, or pasted.
func body(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, &refusal{http.StatusRequestEntityTooLarge, "too_large", "The file may have a megabyte."}
		}
		return text, nil
	}
	chosen, _, err := r.FormFile("file")
	if errors.Is(err, http.ErrMissingFile) {
		return []byte(strings.TrimSpace(r.FormValue("text"))), nil
	}
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "form", "The body is not a form."}
	}
	defer chosen.Close()
	text, err := io.ReadAll(chosen)
	if err != nil || len(text) == 0 { // a browser sends an empty file where none was chosen
		text = []byte(strings.TrimSpace(r.FormValue("text")))
	}
	return text, nil
}
