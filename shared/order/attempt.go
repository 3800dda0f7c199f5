package order

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"opiq/shared/banklink"
	"opiq/shared/everypay"
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
	ByCard    Method = "card"      // on the card provider's page
	ByOffset  Method = "offset"    // with money of another order that was to go back; nobody chooses that here
)

// Methods are those that a buyer can choose.
var Methods = []Method{BankLink, ByCard, ByInvoice}

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

	Reference everypay.Reference `json:"reference,omitempty"` // the card provider's name of the payment
	Link      string             `json:"link,omitempty"`      // its page, where whoever has the link can pay
	Said      []Said             `json:"said,omitempty"`
	Nudged    int                `json:"nudged,omitempty"` // how often the provider was asked, because nothing was heard

	Revision int `json:"revision"`
}

// Said is one line of what the card provider said about a payment: no name, no number.
type Said struct {
	At       time.Time      `json:"at"`
	State    everypay.State `json:"state"`
	Standing money.Amount   `json:"standing"` // what of the payment has not gone back
	Event    everypay.Event `json:"event,omitempty"`
	Failure  everypay.Code  `json:"failure,omitempty"`
}

// maxSaid is how much of it is kept: the first line, and the latest.
const maxSaid = 40

// Hear is the attempt with what the card provider says about it, and whether that is news.
func (a Attempt) Hear(p everypay.Payment, e everypay.Event, now time.Time) (Attempt, bool) {
	for i, s := range a.Said {
		same, last := s.State == p.State && s.Standing == p.Standing, i == len(a.Said)-1
		if same && (last && !e.Tell() || s.Event == e && e.Tell()) { // anybody can tell of an event, as often as they like
			return a, false
		}
	}
	a.Said = append(slices.Clone(a.Said), Said{now.UTC(), p.State, p.Standing, e, p.Failure})
	if len(a.Said) > maxSaid {
		a.Said = slices.Delete(a.Said, 1, 2)
	}
	return a, true
}

// Pending tells whether the card provider has to be asked about the attempt.
func (a Attempt) Pending() bool { return a.State == Started && a.Reference != "" }

// Agreed tells whether the buyer has agreed to pay, by what the card provider said last, and nobody knows yet whether the money comes.
func (a Attempt) Agreed() bool {
	n := len(a.Said)
	if n == 0 || a.State != Started {
		return false
	}
	switch a.Said[n-1].State {
	case everypay.Initial, everypay.Waiting3DS, everypay.WaitingSCA:
		return false
	}
	return true
}

// GivenUp is how long the card provider is asked about a payment that does not end. What it says later still counts.
const GivenUp = 5 * 24 * time.Hour

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
	case w.Method == ByCard && w.Bank != "":
		wrong = append(wrong, problem.Field{Pointer: "/bank", Code: "not_asked", Detail: "A card is paid with on the card provider's page."})
	case w.Method == ByInvoice || w.Method == ByCard:
	case w.Method != BankLink:
		wrong = append(wrong, problem.Field{Pointer: "/method", Code: "unknown_method", Detail: "The methods are bank_link, card and invoice."})
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

// Card is what the card provider is asked for.
func (a Attempt) Card(returnTo, address, ip string) everypay.Oneoff {
	return everypay.Oneoff{
		Order: string(a.Stamp()), Amount: a.Amount, Return: returnTo + "/" + string(a.Stamp()), Language: a.Language, Email: address, IP: ip,
		Description: "Opiq " + string(a.Order), Reference: a.Order.Reference(),
	}
}

// Banklink is what the buyer's bank is asked for. It is asked now: banks take nothing that was signed long ago.
func (a Attempt) Banklink(returnTo string, now time.Time) banklink.Payment {
	return banklink.Payment{
		Stamp: string(a.Stamp()), Amount: a.Amount, Reference: string(a.Order.Reference()), Message: "Opiq " + string(a.Order),
		Return: returnTo, Language: a.Language, At: now.UTC(),
	}
}
