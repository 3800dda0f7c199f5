// Package payout is money that we send to accounts: one file of SEPA credit transfers for each request of a refund, as our bank takes
// it (ISO 20022, pain.001.001.09).
//
// A payout is made once and never changes, and its file has the same bytes each time. Its ID is the file's MsgId, so that a bank that
// is handed the file twice refuses the second; each transfer has an EndToEndId, by which the statement shows it. The package sends
// nothing and decides nothing about who gets money.
package payout

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"opiq/shared/civil"
	"opiq/shared/money"
	"opiq/shared/problem"
	"opiq/shared/reference"
)

// ID names a payout: up to 35 letters, digits and dashes.
type ID string

// Payout is a file of transfers from one account. Revision counts its stored changes.
type Payout struct {
	ID        ID         `json:"id"`
	Debtor    Debtor     `json:"debtor"`
	ExecuteOn civil.Date `json:"executeOn"`
	CreatedAt time.Time  `json:"createdAt"`
	Transfers []Transfer `json:"transfers"`
	Revision  int        `json:"revision"`
}

// Debtor is whose account the money leaves.
type Debtor struct {
	Name string `json:"name"`
	IBAN string `json:"iban"`
	BIC  string `json:"bic,omitempty"`
}

// Transfer is money to one account. Name and Text are as people wrote them; the file says them in the letters that a bank takes.
type Transfer struct {
	EndToEnd string       `json:"endToEnd"` // names it on its way from bank to bank, and back where it comes back
	Amount   money.Amount `json:"amount"`
	Name     string       `json:"name"`
	IBAN     string       `json:"iban"`
	Text     string       `json:"text,omitempty"`
}

// What there is not, and what a transfer is refused for.
var (
	ErrNotFound = problem.New(problem.NotFound, "payout_not_found", "There is no such file of transfers.")
	ErrAccount  = problem.New(problem.Conflict, "payout_account", "No SEPA transfer reaches this account: its number is wrong, or its bank is in a country outside of SEPA.")
	ErrAmount   = problem.New(problem.Conflict, "payout_amount", "A transfer is of 0.01 to 999999999.99 euros.")
	ErrName     = problem.New(problem.Conflict, "payout_name", "A transfer needs the name of who gets it.")
)

// What is wrong with a payout of ours.
var (
	ErrID        = errors.New("payout: the ID must be 1 to 35 letters, digits and dashes")
	ErrDebtor    = errors.New("payout: the debtor needs a name, an account in SEPA, and a right BIC or none")
	ErrTransfers = errors.New("payout: there must be 1 to 100 transfers")
	ErrEndToEnd  = errors.New("payout: the EndToEndId must be 1 to 35 characters of SEPA without spaces, other than the rest, and no slash at an end or beside a slash")
)

const (
	maxTransfers = 100
	maxAmount    = 999_999_999_99 // of SEPA credit transfers
)

var (
	ids      = regexp.MustCompile(`^[A-Za-z0-9-]{1,35}$`)
	endToEnd = regexp.MustCompile(`^[A-Za-z0-9?:().,'+-]+(/[A-Za-z0-9?:().,'+-]+)*$`)
	bics     = regexp.MustCompile(`^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$`)
)

// New is a payout of transfers that the bank shall make today. It answers one of the errors above for the first thing that is wrong.
func New(id ID, from Debtor, transfers []Transfer, now time.Time) (Payout, error) {
	if !ids.MatchString(string(id)) {
		return Payout{}, ErrID
	}
	if strings.TrimSpace(from.Name) == "" || !reachable(from.IBAN) || from.BIC != "" && !bics.MatchString(from.BIC) {
		return Payout{}, ErrDebtor
	}
	if len(transfers) == 0 || len(transfers) > maxTransfers {
		return Payout{}, ErrTransfers
	}
	for i, t := range transfers {
		switch {
		case len(t.EndToEnd) > 35 || !endToEnd.MatchString(t.EndToEnd):
			return Payout{}, ErrEndToEnd
		case slices.ContainsFunc(transfers[:i], func(before Transfer) bool { return before.EndToEnd == t.EndToEnd }):
			return Payout{}, ErrEndToEnd
		case t.Amount <= 0 || t.Amount > maxAmount:
			return Payout{}, ErrAmount
		case strings.TrimSpace(t.Name) == "":
			return Payout{}, ErrName
		case !reachable(t.IBAN):
			return Payout{}, ErrAccount
		}
	}
	return Payout{ID: id, Debtor: from, ExecuteOn: civil.DateOf(now, civil.Tallinn), CreatedAt: now.UTC(), Transfers: slices.Clone(transfers)}, nil
}

// sepa are the countries, by the letters in their account numbers, whose banks can take SEPA credit transfers (EPC409-09; Serbia's are
// the last, since May 2026). Gibraltar has letters of its own; other territories have those of their country.
var sepa = strings.Fields(`AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS SE SI SK SM VA`)

func reachable(iban string) bool { return reference.IBAN(iban) && slices.Contains(sepa, iban[:2]) }

// Sum is the money of all transfers.
func (p Payout) Sum() (sum money.Amount) {
	for _, t := range p.Transfers {
		sum += t.Amount
	}
	return sum
}
