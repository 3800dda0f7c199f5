package everypay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"opiq/shared/money"
	"opiq/shared/reference"
)

// Payment is what the provider says about a payment, as far as we keep it.
type Payment struct {
	Reference Reference    `json:"reference"`
	Order     string       `json:"order"` // our name of the attempt, without the tail (see Oneoff.Body)
	State     State        `json:"state"`
	Method    string       `json:"method,omitempty"` // what the buyer chose: "card", "apple_pay", "lhv_ob_ee"
	Amount    money.Amount `json:"amount"`           // what was asked for
	Standing  money.Amount `json:"standing"`         // what of it has not gone back
	Transfer  *Transfer    `json:"transfer,omitempty"`
	Failure   Code         `json:"failure,omitempty"` // why it failed
	Link      string       `json:"-"`                 // the hosted page, where whoever has it can pay
	CreatedAt time.Time    `json:"createdAt,omitzero"`
	PaidAt    time.Time    `json:"paidAt,omitzero"` // when the buyer paid or tried to
}

// Transfer is the bank transfer behind a payment by open banking.
type Transfer struct {
	Payer  string `json:"payer,omitempty"`  // the account that it came from: for a refund, and proof
	To     string `json:"to,omitempty"`     // ours
	Number string `json:"number,omitempty"` // the bank's own number of it
	State  string `json:"state,omitempty"`  // in ISO 20022: "ACSC" is settled at the payer's bank
}

// OpenBanking tells whether the buyer pays from a bank account. The method is known once it is chosen.
func (p Payment) OpenBanking() bool { return p.Transfer != nil || strings.Contains(p.Method, between) }

// Bank is the payer's bank by the provider's name for it, "lhv", of a payment by open banking.
func (p Payment) Bank() string {
	bank, _, ok := strings.Cut(p.Method, between)
	if !ok {
		return ""
	}
	return bank
}

const between = "_ob_"

// ErrPayment is an answer that is not about a payment in a way that we can rely on; the text behind it names the field.
var ErrPayment = errors.New("everypay: not an answer about a payment")

// answer is a payment as the provider writes it. What is not named here (cc_details, warnings, email, customer_ip) is not read.
type answer struct {
	Reference string           `json:"payment_reference"`
	Order     string           `json:"order_reference"`
	State     string           `json:"payment_state"`
	Currency  string           `json:"currency"`
	Amount    decimal          `json:"initial_amount"`
	Standing  *decimal         `json:"standing_amount"`
	Method    maybe[string]    `json:"payment_method"`
	Link      maybe[string]    `json:"payment_link"`
	Created   maybe[time.Time] `json:"payment_created_at"`
	Paid      maybe[time.Time] `json:"transaction_time"`
	Failure   maybe[failure]   `json:"processing_error"`
	Transfer  maybe[transfer]  `json:"ob_details"`
	To        maybe[string]    `json:"creditor_iban"` // beside or inside of the details
}

type failure struct {
	Code Code `json:"code"`
}

type transfer struct {
	Payer  string `json:"debtor_iban"`
	To     string `json:"creditor_iban"`
	Number string `json:"ob_payment_reference"`
	State  string `json:"ob_payment_state"`
}

// maybe is a part of an answer that no money depends on: what is not there or not of its type is as good as empty.
type maybe[T any] struct {
	T     T
	there bool
}

func (m *maybe[T]) UnmarshalJSON(b []byte) error {
	var v T
	if !bytes.Equal(b, []byte("null")) && json.Unmarshal(b, &v) == nil {
		m.T, m.there = v, true
	}
	return nil
}

// ReadPayment reads the answer to a creation, a question or a refund. Where money has come, the amounts have to be there, in euro:
// without them nobody could say how much of it still stands. A text that we do not rely on is left out where it is not of the kind
// that it should be.
func ReadPayment(body []byte) (Payment, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return Payment{}, ErrPayment // the decoder's own text may show some of the answer
	}
	ref, known := ParseReference(a.Reference)
	state := State(a.State)
	if !word.is(a.State) {
		state = "other" // one that we do not know, like any other
	}
	came := state.Meaning() == Settled || state.Meaning() == Refunded
	for _, field := range []struct {
		name  string
		right bool
	}{
		{"payment_reference", known},
		{"order_reference", a.Order == "" || tailed.is(a.Order)}, // the answer to a refund need not have it
		{"payment_state", a.State != ""},
		{"initial_amount", a.Amount > 0 || !came},
		{"standing_amount", a.Standing != nil || !came},
		{"currency", a.Currency == "" || a.Currency == "EUR"}, // most answers have none: the account fixes it
	} {
		if !field.right {
			return Payment{}, fmt.Errorf("%w: %s", ErrPayment, field.name)
		}
	}
	p := Payment{
		Reference: ref, Order: a.Order, State: state, Method: only(word, a.Method.T), Amount: money.Amount(a.Amount),
		CreatedAt: a.Created.T.UTC(), PaidAt: a.Paid.T.UTC(), Failure: a.Failure.T.Code,
	}
	if a.Standing != nil {
		p.Standing = money.Amount(*a.Standing)
	}
	if i := strings.LastIndexByte(a.Order, '.'); i >= 0 {
		p.Order = a.Order[:i]
	}
	if address(a.Link.T) {
		p.Link = a.Link.T
	}
	if a.Transfer.there {
		t := a.Transfer.T
		if t.To == "" {
			t.To = a.To.T
		}
		p.Transfer = &Transfer{Payer: iban(t.Payer), To: iban(t.To), Number: only(number, t.Number), State: only(word, t.State)}
	}
	return p, nil
}

var (
	tailed = text{letters + capital + digits + "/?:().,'+-", 1, 255}
	word   = text{letters + capital + digits + "_", 1, 64}
	number = text{letters + capital + digits + "._:/-", 1, 64}
)

func only(kind text, s string) string {
	if !kind.is(s) {
		return ""
	}
	return s
}

// iban is an account number, without spaces. What only stands in its place is left out: it could be the number of a card.
func iban(s string) string {
	s = strings.ToUpper(strings.Join(strings.Fields(s), ""))
	if !reference.IBAN(s) {
		return ""
	}
	return s
}

// Code is the provider's code of a failure: "4028". Its messages may show what we or the buyer wrote, and are not read.
type Code string

// The codes are numbers, and words that begin with a letter.
var (
	codeNumber = text{digits, 1, 6}
	codeWord   = text{letters + "_", 1, 64}
)

// UnmarshalJSON reads a number or a word. Anything else becomes the code "other".
func (c *Code) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	*c = Code(strings.Trim(string(b), `"`))
	if s := string(*c); !codeNumber.is(s) && (!codeWord.is(s) || s[0] == '_') {
		*c = "other"
	}
	return nil
}

// ReadFailure reads why the provider does not do what it was asked for: the code of {"error": {"code", "message"}}, "other" where there
// is none.
func ReadFailure(body []byte) Code {
	var a struct {
		Error failure `json:"error"`
	}
	if err := json.Unmarshal(body, &a); err != nil || a.Error.Code == "" {
		return "other"
	}
	return a.Error.Code
}

// decimal is an amount as the provider writes it: a number in euro, two decimals.
type decimal money.Amount

// MarshalJSON writes 12.50: exactly two decimals, no float on the way.
func (d decimal) MarshalJSON() ([]byte, error) { return []byte(money.Amount(d).String()), nil }

// UnmarshalJSON reads 12, 12.5, 12.50, 12.500 and the same as a text. What is not whole cents is no amount.
func (d *decimal) UnmarshalJSON(b []byte) error {
	s := string(b)
	if s == "null" {
		return nil
	}
	if len(s) >= 2 && s[0] == '"' {
		s = s[1 : len(s)-1]
	}
	if whole, part, ok := strings.Cut(s, "."); ok && len(part) > 2 {
		s = whole + "." + part[:2] + strings.TrimRight(part[2:], "0")
	}
	a, err := money.Parse(s)
	*d = decimal(a)
	return err
}
