package banklink

import (
	"errors"
	"net/url"
)

// Notice is a bank's verified word about one payment. Its texts are as the bank signed them.
type Notice struct {
	Bank      Bank   `json:"bank"`
	Service   string `json:"service"` // Paid or Failed
	Stamp     string `json:"stamp"`
	Number    string `json:"number,omitempty"`   // the bank's own number of the payment, with Paid
	Amount    string `json:"amount,omitempty"`   // "10", "10.00" and ".17" are all possible
	Currency  string `json:"currency,omitempty"` // EUR
	Account   string `json:"account,omitempty"`  // ours
	Payer     string `json:"payer,omitempty"`    // the payer's account
	PayerName string `json:"payerName,omitempty"`
	Reference string `json:"reference,omitempty"`
	At        string `json:"at,omitempty"`   // when it was paid, in Layout; a late notice carries an old one
	Automatic bool   `json:"automatic"`      // by the bank itself (VK_AUTO=Y); not signed, so it is a hint and no more
	Lang      string `json:"lang,omitempty"` // "EST", "ENG", "RUS"; not signed either
}

// The services of a notice.
const (
	Paid   = "1111"
	Failed = "1911" // canceled, or not paid for another reason; the bank gives none
)

// Refusal is why a message is not believed: one stable word, for people who watch and for metrics.
type Refusal string

// The refusals.
const (
	ErrRepeated Refusal = "repeated" // a VK_ field comes more than once
	ErrService  Refusal = "service"  // not a service that we expect here
	ErrVersion  Refusal = "version"  // another version than the agreement's
	ErrEncoding Refusal = "encoding" // an encoding that we do not read, or bytes that are not in it
	ErrLength   Refusal = "length"   // a field is longer than the specification lets it be
	ErrMAC      Refusal = "mac"      // not signed by this bank, or changed on the way
	ErrSender   Refusal = "sender"   // signed, and says that it is from another bank
	ErrReceiver Refusal = "receiver" // meant for another merchant
	ErrFields   Refusal = "fields"   // a payment without stamp, number or amount
	ErrCurrency Refusal = "currency" // paid in something else than euro
	ErrAccount  Refusal = "account"  // paid to an account that is not the agreement's
)

func (r Refusal) Error() string { return "banklink: refused: " + string(r) }

// Reason is the word of a Refusal, or "other" for any other error.
func Reason(err error) string {
	if r, ok := errors.AsType[Refusal](err); ok {
		return string(r)
	}
	return "other"
}

// Verify reads a bank's answer, from a query or a form decoded once, and answers what it says, or a Refusal. A valid
// notice comes more than once, in any order and at any time: nothing here says that it is new. Spaces at the ends of
// values are not part of them, and VK_AUTO, VK_LANG and VK_ENCODING can be changed by anybody on the way.
func (l *Link) Verify(bank Bank, message url.Values) (Notice, error) {
	f, err := Check(message, l.agreement.Version, l.keys, Paid, Failed)
	if err != nil {
		return Notice{}, err
	}
	paid := f["VK_SERVICE"] == Paid
	switch {
	case f["VK_SND_ID"] != l.agreement.Bank:
		return Notice{}, ErrSender
	case f["VK_REC_ID"] != l.agreement.Merchant:
		return Notice{}, ErrReceiver
	case f["VK_STAMP"] == "" || paid && (f["VK_T_NO"] == "" || f["VK_AMOUNT"] == ""):
		return Notice{}, ErrFields
	case paid && f["VK_CURR"] != "EUR":
		return Notice{}, ErrCurrency
	case paid && account(f["VK_REC_ACC"]) != l.agreement.Account:
		return Notice{}, ErrAccount
	}
	n := Notice{
		Bank: bank, Service: f["VK_SERVICE"], Stamp: f["VK_STAMP"], Reference: f["VK_REF"], Automatic: f["VK_AUTO"] == "Y",
	}
	if paid {
		n.Number, n.Amount, n.Currency, n.Account = f["VK_T_NO"], f["VK_AMOUNT"], f["VK_CURR"], l.agreement.Account
		n.Payer, n.PayerName, n.At = account(f["VK_SND_ACC"]), f["VK_SND_NAME"], f["VK_T_DATETIME"]
	}
	for _, known := range languages {
		if f["VK_LANG"] == known {
			n.Lang = known
		}
	}
	return n, nil
}
