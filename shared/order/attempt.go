package order

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"opiq/shared/banklink"
	"opiq/shared/lang"
	"opiq/shared/money"
	"opiq/shared/problem"
)

// Method is a way to pay.
type Method string

// The methods.
const (
	BankLink  Method = "bank_link" // through the buyer's own bank, at once
	ByInvoice Method = "invoice"   // by a transfer to our account, which a bank statement shows
)

// AttemptID tells the attempts of one order apart: nine digits.
type AttemptID string

// Stamp names an attempt to a bank (VK_STAMP, at most twenty digits): the order's number and the attempt's.
type Stamp string

// ParseStamp reads a stamp of ours.
func ParseStamp(s string) (Number, AttemptID, bool) {
	if len(s) != 19 {
		return "", "", false
	}
	n, ok := ParseNumber(s[:10])
	for _, c := range []byte(s[10:]) {
		ok = ok && c >= '0' && c <= '9'
	}
	return n, AttemptID(s[10:]), ok
}

// Attempt is one try to pay an order. Revision counts its stored changes.
type Attempt struct {
	ID        AttemptID     `json:"id"`
	Order     Number        `json:"order"`
	Method    Method        `json:"method"`
	Bank      banklink.Bank `json:"bank"`
	Amount    money.Amount  `json:"amount"`
	Language  lang.Code     `json:"language"`
	State     AttemptState  `json:"state"`
	StartedAt time.Time     `json:"startedAt"`
	EndedAt   time.Time     `json:"endedAt,omitzero"`
	Revision  int           `json:"revision"`
}

// Stamp names the attempt to its bank.
func (a Attempt) Stamp() Stamp { return Stamp(string(a.Order) + string(a.ID)) }

// Way is the method that a buyer chose.
type Way struct {
	Method Method        `json:"method"`
	Bank   banklink.Bank `json:"bank"`
}

// Check names every wrong field; banks are those that the shop has an agreement with.
func (w Way) Check(banks []banklink.Bank) (wrong []problem.Field) {
	switch {
	case w.Method == ByInvoice && w.Bank != "":
		wrong = append(wrong, problem.Field{Pointer: "/bank", Code: "not_asked", Detail: "An invoice is paid from any bank."})
	case w.Method == ByInvoice:
	case w.Method != BankLink:
		wrong = append(wrong, problem.Field{Pointer: "/method", Code: "unknown_method", Detail: "The methods are bank_link and invoice."})
	case !slices.Contains(banks, w.Bank):
		wrong = append(wrong, problem.Field{Pointer: "/bank", Code: "unknown_bank", Detail: fmt.Sprint("The banks are ", banks, ".")})
	}
	return wrong
}

// MaxAttempts are how often an order can be set out to be paid.
const MaxAttempts = 50

// Start makes an attempt to pay the order, after those that there are. One that is paid, cancelled or too old takes none. The
// same key makes the same attempt again; no key makes a new one each time.
func (o Order) Start(w Way, key string, language lang.Code, before []Attempt, now time.Time) (Attempt, error) {
	if err := o.Payable(now); err != nil {
		return Attempt{}, err
	}
	if len(before) >= MaxAttempts {
		return Attempt{}, ErrAttempts
	}
	if key == "" {
		key = rand.Text()
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s", o.Number, key))
	return Attempt{
		ID:    AttemptID(fmt.Sprintf("%09d", binary.BigEndian.Uint64(sum[:8])%1_000_000_000)),
		Order: o.Number, Method: w.Method, Bank: w.Bank, Amount: o.Open(), Language: language, State: Started,
		StartedAt: now.UTC().Truncate(time.Second),
	}, nil
}

// End is the attempt after the bank said what became of it, and whether that is news.
func (a Attempt) End(s AttemptState, now time.Time) (Attempt, bool) {
	if !attemptMoves[a.State][s] {
		return a, false
	}
	a.State, a.EndedAt = s, now.UTC()
	return a, true
}

// Banklink is what the buyer's bank is asked for. It is asked now: banks take nothing that was signed long ago.
func (a Attempt) Banklink(returnTo string, now time.Time) banklink.Payment {
	return banklink.Payment{
		Stamp: string(a.Stamp()), Amount: a.Amount, Reference: string(a.Order.Reference()), Message: "Opiq " + string(a.Order),
		Return: returnTo, Language: a.Language, At: now.UTC(),
	}
}
