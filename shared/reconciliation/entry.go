// Package reconciliation says what money on the bank account was for: it walks the ladder from a bank entry to the orders that
// it pays, and takes the decisions of a person where the ladder ends.
//
// Every entry ends in exactly one of five: allocated, allocated with a remainder that goes back, settled elsewhere, waiting for a
// person, ignored. What it was allocated and its remainder are its amount, to the cent, as of the moment of the decision: what an
// order gives back later is that order's. Nothing is decided on a tie, and
// automation never touches what a person has decided; a person takes a decision back by another one, and both stay in the
// history. The package reads no statement (see statement) and moves no order itself: that is payment's Book.
package reconciliation

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"opiq/shared/civil"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/problem"
	"opiq/shared/statement"
)

// ErrNotFound answers an entry that there is none of.
var ErrNotFound = problem.New(problem.NotFound, "entry_not_found", "There is no such bank entry.")

// ID names an entry: the identity of the bank's booking, with that of the part after a dash where it was broken down.
type ID string

// Ready is what the queue "bank-entries" carries: an entry that nobody has looked at, by its id.
type Ready struct {
	Entry ID `json:"entry"`
}

// IDOf is the name of a bank entry.
func IDOf(e statement.Entry) ID {
	if e.Parts == 1 {
		return ID(e.Booking)
	}
	return ID(e.Booking + "-" + e.ID)
}

// ParseID reads a name.
func ParseID(s string) (ID, bool) {
	booking, part := ID(s).Split()
	hex := func(s string) bool { return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == "" }
	return ID(s), hex(booking) && (part == "" && !strings.Contains(s, "-") || hex(part))
}

// Split is the booking, and the part of it; "" where the entry is the whole.
func (id ID) Split() (booking, part string) {
	booking, part, _ = strings.Cut(string(id), "-")
	return booking, part
}

// State is where an entry has ended, or that it has not.
type State string

// The states.
const (
	New       State = "new"                      // nobody has looked at it
	Allocated State = "allocated"                // orders have taken all of it; of a debit: their payments went back by it
	Remainder State = "allocated_with_remainder" // what orders have not taken of it goes back to its payer
	Settled   State = "settled_elsewhere"        // we were told of this money before, by another way
	Waiting   State = "waiting"                  // for a person
	Ignored   State = "ignored"                  // no money of an order
)

// States are all states.
var States = []State{New, Allocated, Remainder, Settled, Waiting, Ignored}

// Reason is which rung of the ladder ended the walk.
type Reason string

// The reasons.
const (
	ByReference      Reason = "reference"         // allocated: one order, by its reference number
	ByText           Reason = "text"              // allocated: one order named in the text, and the amount is right
	ByNumbers        Reason = "sum"               // allocated: several orders are named, and what is left to pay of all is the amount
	TookBack         Reason = "taken_back"        // allocated: the one payment that this return can mean
	ByBankLink       Reason = "bank_link"         // settled: the bank link had told of it
	GaveBack         Reason = "refund"            // settled: a refund of ours, by its name
	CameBack         Reason = "refund_returned"   // settled: a refund of ours that did not arrive
	Payout           Reason = "payout"            // settled: the sum of payments that a provider collected
	Fee              Reason = "fee"               // ignored
	Outgoing         Reason = "outgoing"          // ignored: our own payment to somebody
	ForeignCurrency  Reason = "foreign_currency"  // waiting, as all that follow
	SeveralPayments  Reason = "several_payments"  // in one sum, and the bank does not say which
	Reversal         Reason = "reversal"          // banks differ in which way it goes
	ReusedReference  Reason = "reused_reference"  // the bank gave two different payments one identity
	RefundDiffers    Reason = "refund_differs"    // it has the name of a refund of ours, and is another amount or a second one
	UnknownReturn    Reason = "unknown_return"    // no payment that it can mean, or more than one
	UnlikeBankLink   Reason = "bank_link_differs" // the order has a bank link of just this amount, from another account or another week
	AmountDiffers    Reason = "amount_differs"    // an order is named in the text only, and the amount is not what is left to pay
	SeveralOrders    Reason = "several_orders"    // are named, and their sum is not the amount
	UnknownReference Reason = "unknown_reference" // is right, and no order's
	NoReference      Reason = "no_reference"
	ByPerson         Reason = "person" // a person decided
)

// Entry is a bank entry as we keep it. Revision counts its stored changes.
type Entry struct {
	ID          ID              `json:"id"`
	Bank        statement.Entry `json:"bank"`
	Reused      bool            `json:"reused,omitempty"` // the bank had given its identity to another payment
	State       State           `json:"state"`
	Reason      Reason          `json:"reason,omitempty"`
	Allocations []Allocation    `json:"allocations,omitempty"`
	Remainder   money.Amount    `json:"remainder"` // what goes back to the payer: what the orders did not take, and
	Refund      money.Amount    `json:"refund"`    // that part of it which was for no order
	Suggestions []Suggestion    `json:"suggestions,omitempty"`
	Decided     bool            `json:"decided,omitempty"` // by a person
	Turn        int             `json:"turn"`              // how often it was allocated
	Statement   string          `json:"statement"`         // the import that brought it
	History     []Happened      `json:"history"`
	Nudged      int             `json:"nudged,omitempty"` // how often it was sent again to be matched
	Revision    int             `json:"revision"`
}

// Allocation is what an order has taken of an entry; of a debit, what went back of the order's payment.
type Allocation struct {
	Order   order.Number     `json:"order"`
	Payment payment.ID       `json:"payment"`
	Amount  money.Amount     `json:"amount"`
	Refund  payment.RefundID `json:"refund,omitempty"` // of ours, which the entry shows, or which comes back by it
}

// Happened is one line of an entry's history.
type Happened struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"` // "ladder", or who decided
	What   string    `json:"what"`
	State  State     `json:"state"`
	Reason string    `json:"reason,omitempty"` // in the words of the person who decided
}

// Keep is a bank entry as it comes in by an import.
func Keep(e statement.Entry, imported string, by string, now time.Time) Entry {
	return Entry{
		ID: IDOf(e), Bank: e, State: New, Statement: imported, History: []Happened{{At: now.UTC(), By: by, What: "imported", State: New}},
	}
}

// Reuse is the entry under an identity made of what is its own, because the bank gave the other one to another payment.
func (e Entry) Reuse() Entry {
	b := e.Bank
	own := strings.Join(append([]string{b.Other.Account, b.EndToEnd, b.Text}, b.Reference...), "\n")
	sum := sha256.Sum256([]byte(own))
	e.ID, e.Reused = ID(b.Booking+"-"+hex.EncodeToString(sum[:16])), true
	return e
}

// Learn is the entry with what the bank says about its payment by now, to be matched again. A payment may come bare in the report
// of the day and with its reference in the statement: nobody has decided about it, and it waits because it named no order, or was
// taken for a payment of ours to somebody and is a refund. Only what it lacks is added, so it learns once. Not ok is one that stays as it is.
func (e Entry) Learn(now Entry) (Entry, bool) {
	b, n := e.Bank, now.Bank
	lacks := len(b.Reference) == 0 && len(n.Reference) > 0 || b.Text == "" && n.Text != ""
	_, _, refund := payment.ParseEndToEnd(n.EndToEnd)
	refund = refund && b.EndToEnd == "" && e.State == Ignored && e.Reason == Outgoing
	if e.Decided || !(refund || lacks && e.State == Waiting && e.Reason == NoReference) || n.Lump || n.Contradicts(b) {
		return e, false
	}
	if len(b.Reference) == 0 {
		b.Reference = n.Reference
	}
	b.Text, b.EndToEnd, b.OnBehalf = cmp.Or(b.Text, n.Text), cmp.Or(b.EndToEnd, n.EndToEnd), cmp.Or(b.OnBehalf, n.OnBehalf)
	b.Other = statement.Party{
		Name: cmp.Or(b.Other.Name, n.Other.Name), Account: cmp.Or(b.Other.Account, n.Other.Account), Registry: cmp.Or(b.Other.Registry, n.Other.Registry),
	}
	b.Returned, b.Reason = b.Returned || n.Returned, cmp.Or(b.Reason, n.Reason)
	e.Bank, e.Suggestions = b, nil
	told := now.History[0]
	return e.on(New, "", told.By, "described", "", told.At), true
}

// Kept is what became of a bank entry that was handed in.
type Kept int

// The outcomes.
const (
	IsNew    Kept = iota
	IsKnown       // it was handed in before; what is said of it now, and was not then, is added to it (Learn)
	IsReused      // its identity is another payment's: kept as well, for a person
	IsParted      // its booking was handed in before in other parts, so this money is known
)

// Future tells whether an entry says that it was booked on a day that has not come: what is wrong with the file then is not
// for us to guess.
func Future(e statement.Entry, now time.Time) bool {
	return civil.DateOf(now, civil.Tallinn).AddDays(1).Before(e.Booked)
}

func (e Entry) on(s State, why Reason, by, what, words string, now time.Time) Entry {
	e.State, e.Reason = s, why
	e.History = append(slices.Clone(e.History), Happened{now.UTC(), by, what, s, words})
	return e
}

// Outward tells whether a decision about the entry can only be that it takes payments back: it left our account, or it is marked as
// the reversal of what came, whichever way the bank writes that.
func (e Entry) Outward() bool { return e.Bank.Direction == statement.Debit || e.Bank.Reversal }

// Return tells whether the entry takes money back from us that had come.
func (e Entry) Return() bool {
	return e.Bank.Direction == statement.Debit && (e.Bank.Returned || e.Bank.Reversal)
}
