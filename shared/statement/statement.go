// Package statement reads bank statements: the ISO 20022 messages camt.053 (statement), camt.052 (report during the
// day) and camt.054 (notification) of versions 02 to 08, as banks send them, and makes typed entries of what was booked.
//
// It reads by local names, so that prefix and version do not matter where the element is the same, and knows both
// spellings where it is not (Sts and Sts/Cd, Dbtr/Nm and Dbtr/Pty/Nm, AmtDtls/TxAmt/Amt and TxDtls/Amt). A file is a
// stream: memory does not grow with its length, and entries are handed on as they are read. Bounds on bytes, depth,
// elements, attributes and on a single token are part of the reader; a DOCTYPE or an entity of the file's own is
// refused.
//
// # What becomes an entry
//
// Only what is booked (BOOK) is handed on; what is pending, for information or in the future is counted as ignored.
// The direction is CdtDbtInd as written, also where RvslInd marks a reversal: banks differ in what they mean by one, so
// a reversal is marked for a person and not turned around here. A batch becomes one entry for each of its transactions
// where the bank gives every amount and they make up the sum, to the cent; else it stays one entry, marked as a Lump,
// without references, because they belong to a part of the money only. A single transaction is worth what was booked,
// not what was instructed: fees on the way and conversion are in the difference. Amounts in another currency are kept
// as text (Original), and Amount is zero.
//
// # Identity
//
// The bank's own reference is not enough: a payment and its fee, or all parts of a batch, may share one. Booking is a
// digest, version 1 and frozen, over our account, booking date, direction, reversal mark, currency, amount and the
// bank's reference: AcctSvcrRef of the entry, else of its only transaction, else NtryRef unless that is just a line
// number. Where there is none of them it is over payer, identifiers, references and text in full, and an occurrence
// count within the statement, so that two equal payments of one day are two, and the same two when the statement comes
// again. A part's ID adds what is particular to the part, and a count among equal ones; the order of parts does not
// matter.
//
// A bank that gives one reference to two payments of one day and amount gives them one identity. Within a statement they
// are counted as well: the first keeps the digest above, which is what it has alone, and the second, third, … have one that
// adds the count, so that each of them is money of its own, whatever the order, and the same when the statement comes
// again. Those that Contradict each other are not counted with each other, as it is they that can be told apart wherever
// they come. Counted are the last 4,096 entries with a reference, about 100 kB however long the statement is: equal ones
// have one booking date, and the entries of a day stand together. In a report that holds one of them alone it is the
// first, whichever it is; the statement of the day, which holds all, then brings the money that is missing.
//
// So the same booking has the same identity in 052, 053 and 054, today and next year, alone or among others. Whoever
// stores entries books each ID once, and keeps for each Booking the number of Parts in which it came first: the same
// booking in other parts (a batch that was a Lump in the morning and is broken down in the evening) is the same money.
// Two entries of one identity that Contradict each other are for a person: that bank reuses its references.
//
// The package opens nothing, stores nothing, matches nothing and has no clock: that a date lies in the future is for
// the caller to say. It never repairs an amount or a date, and does not read the personal codes of payers.
package statement

import (
	"opiq/shared/civil"
	"opiq/shared/money"
)

// Direction is which way the money went, seen from our account.
type Direction string

// The directions.
const (
	Credit Direction = "credit" // to us
	Debit  Direction = "debit"  // from us
)

// Entry is one booked movement on our account, or one transaction of a batch that was booked as a whole.
//
// Texts come from the bank's file, hence from strangers: escape them wherever they are shown. None is longer than 2,000
// bytes.
type Entry struct {
	ID      string `json:"id"`             // 32 hexadecimal digits; the same whenever and wherever this money is reported
	Booking string `json:"booking"`        // identity of the bank's whole entry; equal to ID where Parts is 1
	Part    int    `json:"part"`           // from 1, in the order of this file
	Parts   int    `json:"parts"`          // into how many entries the booking was broken down
	Lump    bool   `json:"lump,omitempty"` // several payments in one sum, and the file does not say which; no references

	Account   string       `json:"account"`             // our IBAN, without spaces
	Amount    money.Amount `json:"amount"`              // above zero; zero where the entry is not in euro
	Original  Original     `json:"original,omitzero"`   // what was paid, or booked, where that was not in euro
	Direction Direction    `json:"direction"`           // as booked, also for a reversal
	Reversal  bool         `json:"reversal,omitempty"`  // takes back an earlier entry
	Returned  bool         `json:"returned,omitempty"`  // a payment that came back
	Reason    string       `json:"reason,omitempty"`    // why it came back: an ISO code such as "AC04", or the bank's own
	Booked    civil.Date   `json:"booked"`              // booking date
	Valued    civil.Date   `json:"valued,omitzero"`     // value date; zero where the bank gives none
	Code      Code         `json:"code"`                // what kind of transaction the bank calls it
	Other     Party        `json:"other"`               // the payer of a credit, the receiver of a debit
	OnBehalf  string       `json:"onBehalf,omitempty"`  // name of the ultimate debtor
	BankRef   string       `json:"bankRef,omitempty"`   // AcctSvcrRef of the transaction, else of the entry
	EntryRef  string       `json:"entryRef,omitempty"`  // NtryRef
	EndToEnd  string       `json:"endToEnd,omitempty"`  // EndToEndId; empty for NOTPROVIDED
	Payment   string       `json:"payment,omitempty"`   // TxId
	Order     string       `json:"order,omitempty"`     // InstrId: the number of the payment order
	Reference []string     `json:"reference,omitempty"` // structured ones and those of /RFB/, as written, unchecked, each once
	Text      string       `json:"text,omitempty"`      // what the payer wrote; else what the bank says about the entry

	Position Position `json:"position"` // where in this file; not part of what the entry is
}

// Original is an amount in another currency, as written in the file.
type Original struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// Code is a bank transaction code (ISO 20022 external code set) and the bank's own code.
type Code struct {
	Domain      string `json:"domain,omitempty"`
	Family      string `json:"family,omitempty"`
	SubFamily   string `json:"subFamily,omitempty"`
	Proprietary string `json:"proprietary,omitempty"` // some banks mark payments through their bank link here
	Issuer      string `json:"issuer,omitempty"`
}

// Party is the other side of a payment. A private person's code is not read.
type Party struct {
	Name     string `json:"name,omitempty"`
	Account  string `json:"account,omitempty"`  // IBAN without spaces, or another number where there is no IBAN
	Registry string `json:"registry,omitempty"` // register code of an organization
}

// Position is a place in a file.
type Position struct {
	Statement int   `json:"statement"` // from 1; zero before the first
	Entry     int   `json:"entry"`     // which entry of the file, from 1; zero for a statement as a whole
	Line      int   `json:"line"`      // from 1
	Byte      int64 `json:"byte"`      // offset from 0
}

// Problem is what is wrong with one entry, which then is not handed on, or with a statement's balances.
type Problem struct {
	Position
	Code   string `json:"code"`   // stable, for programs: one of the codes below
	Detail string `json:"detail"` // for programmers, English; holds nothing of the file
}

// The codes of problems.
const (
	BadAmount    = "amount"       // not a sum above zero with at most two decimals and ten digits before them
	BadCurrency  = "currency"     // missing, or not three letters
	BadDirection = "direction"    // neither CRDT nor DBIT
	BadStatus    = "status"       // missing or unknown
	BadReversal  = "reversal"     // neither true nor false
	BadDate      = "date"         // no booking date, or a day that is not in the calendar
	Repeated     = "repeated"     // amount, direction, status or date stands there twice
	TooLarge     = "entry_large"  // an entry of more than 4 MB or 5,000 transactions
	Unidentified = "unidentified" // after 100,000 entries of a statement to which the bank gave no reference
	BadBalance   = "balance"      // opening balance and entries do not make up the closing balance
)

// Summary is what Read found in a file.
type Summary struct {
	Message  string    `json:"message"`  // "camt.053.001.02"; without the version where the file does not give one
	Accounts []string  `json:"accounts"` // ours, in the order of the file
	Stmts    int       `json:"statements"`
	Entries  int       `json:"entries"`  // entries in the file, of any status
	Handed   int       `json:"handed"`   // entries handed on, each part of a batch for itself
	Ignored  int       `json:"ignored"`  // entries that are not booked
	Unread   int       `json:"unread"`   // entries that are a problem, and were not handed on
	Wrong    int       `json:"wrong"`    // all problems
	Problems []Problem `json:"problems"` // the first 100 of them
}

// Fee tells whether the bank charged this entry for its own services.
func (e Entry) Fee() bool {
	if e.Direction != Debit {
		return false
	}
	switch e.Code.SubFamily {
	case "CHRG", "FEES", "COMM", "COME", "COMI", "COMT":
		return true
	}
	return false
}

// Contradicts tells whether two entries of one identity cannot be the same money: both name a payer's account, an
// end-to-end identifier or a reference, and not the same.
func (e Entry) Contradicts(o Entry) bool {
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	return differ(e.Other.Account, o.Other.Account) || differ(e.EndToEnd, o.EndToEnd) ||
		len(e.Reference) > 0 && len(o.Reference) > 0 && e.Reference[0] != o.Reference[0]
}
