package reconciliation

import (
	"opiq/shared/civil"
	"opiq/shared/money"
	"opiq/shared/statement"
)

// Document is an entry as people see it who look after the money: with the whole account of the payer. Names, references
// and texts were written by strangers: whoever shows them on a page escapes them.
type Document struct {
	ID          ID                  `json:"id"`
	State       State               `json:"state"`
	Reason      Reason              `json:"reason"` // "" while it is new
	Direction   statement.Direction `json:"direction"`
	Amount      *money.Amount       `json:"amount"`             // null where it is not in euro
	Original    *statement.Original `json:"original,omitempty"` // what was paid, or booked, where that was not in euro
	Booked      civil.Date          `json:"booked"`
	Valued      civil.Date          `json:"valued,omitzero"`
	Account     string              `json:"account"` // ours
	Payer       PartyDocument       `json:"payer"`   // of money that went from us: its receiver
	OnBehalf    string              `json:"onBehalf,omitempty"`
	References  []string            `json:"references"`
	Text        string              `json:"text"`
	BankRef     string              `json:"bankRef"`
	Allocations []Share             `json:"allocations"`
	Remainder   money.Amount        `json:"remainder"` // what goes back to the payer
	Suggestions []Suggestion        `json:"suggestions"`
	Decided     bool                `json:"decided"` // by a person: automation leaves it alone
	History     []Happened          `json:"history"`
}

// PartyDocument is the other side of a payment; what the bank did not write is "".
type PartyDocument struct {
	Name         string `json:"name"`
	Account      string `json:"account"`
	RegistryCode string `json:"registryCode"`
}

// Document is the entry as people see it who look after the money.
func (e Entry) Document() Document {
	b := e.Bank
	d := Document{
		ID: e.ID, State: e.State, Reason: e.Reason, Direction: b.Direction, Booked: b.Booked, Valued: b.Valued, Account: b.Account,
		Payer: PartyDocument{b.Other.Name, b.Other.Account, b.Other.Registry}, OnBehalf: b.OnBehalf,
		References: append([]string{}, b.Reference...), Text: b.Text, BankRef: b.BankRef,
		Allocations: []Share{}, Remainder: e.Remainder, Suggestions: append([]Suggestion{}, e.Suggestions...),
		Decided: e.Decided, History: e.History,
	}
	if b.Amount != 0 {
		d.Amount = &b.Amount
	}
	if b.Original != (statement.Original{}) {
		d.Original = &b.Original
	}
	for _, a := range e.Allocations {
		d.Allocations = append(d.Allocations, Share{a.Order, a.Amount})
	}
	return d
}
