package reconciliation

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/text/cases"

	"opiq/shared/account"
	"opiq/shared/order"
	"opiq/shared/payment"
)

// Suggestion is what a person may decide with one click, and why they might.
type Suggestion struct {
	Allocate []Share  `json:"allocate"`
	Score    int      `json:"score"`   // of 100
	Reasons  []string `json:"reasons"` // see clues
}

// clues are what speaks for an order, and how much.
var clues = []struct {
	reason string
	score  int
	speaks func(Entry, order.Order, Hints) bool
}{
	{"amount", 30, func(e Entry, o order.Order, _ Hints) bool { return o.Open() == e.Bank.Amount }},
	{"reference", 40, func(_ Entry, o order.Order, h Hints) bool { return slices.Contains(h.Names.Sure, o.Number) }},
	{"text", 30, func(_ Entry, o order.Order, h Hints) bool { return slices.Contains(h.Names.Text, o.Number) }},
	{"payer", 25, func(_ Entry, o order.Order, h Hints) bool { return slices.Contains(h.Buyers, o.Account) }},
	{"registry_code", 25, func(e Entry, o order.Order, _ Hints) bool {
		return o.Bill != nil && o.Bill.Code != "" && o.Bill.Code == e.Bank.Other.Registry
	}},
	{"name", 15, func(e Entry, o order.Order, _ Hints) bool {
		return o.Bill != nil && (alike(o.Bill.Name, e.Bank.Other.Name) || alike(o.Bill.Name, e.Bank.OnBehalf))
	}},
	{"nearly_reference", 20, func(e Entry, o order.Order, _ Hints) bool { return nearly(string(o.Number.Reference()), e) }},
}

// Hints are what else the table knows about an entry that waits.
type Hints struct {
	Names  Names
	Named  []payment.Book // orders that the payer named
	Open   []order.Order  // orders of which as much is left to pay
	Buyers []account.ID   // people for whom this account has paid before
}

// most are how many suggestions a person is shown.
const most = 5

// Suggest is the entry with what a person may make of it, the likeliest first.
func (e Entry) Suggest(h Hints) Entry {
	e.Suggestions = nil
	if e.Outward() || e.Bank.Amount == 0 {
		return e // no order can have it
	}
	if named := h.Named; len(named) > 1 && len(named) <= maxNames {
		if s, ok := e.split(named); ok {
			e.Suggestions = append(e.Suggestions, s)
		}
	}
	for _, b := range h.Named {
		if slices.ContainsFunc(b.Payments, e.unshown) { // allocated to its order, the entry shows what the bank link told of
			e.Suggestions = append(e.Suggestions, Suggestion{[]Share{{b.Order.Number, e.Bank.Amount}}, 60, []string{"bank_link"}})
		}
	}
	seen := map[order.Number]bool{}
	candidates := slices.Clone(h.Open)
	for _, b := range h.Named {
		candidates = append(candidates, b.Order)
	}
	for _, o := range candidates {
		if seen[o.Number] || !o.Takes() {
			continue
		}
		seen[o.Number] = true
		s := Suggestion{Allocate: []Share{{o.Number, min(o.Open(), e.Bank.Amount)}}}
		for _, c := range clues {
			if c.speaks(e, o, h) {
				s.Score += c.score
				s.Reasons = append(s.Reasons, c.reason)
			}
		}
		if s.Score = min(s.Score, 100); len(s.Reasons) > 0 {
			e.Suggestions = append(e.Suggestions, s)
		}
	}
	slices.SortStableFunc(e.Suggestions, func(a, b Suggestion) int { return cmp.Compare(b.Score, a.Score) })
	e.Suggestions = e.Suggestions[:min(most, len(e.Suggestions))]
	return e
}

// split pays the named orders one after the other for as long as the money lasts.
func (e Entry) split(named []payment.Book) (s Suggestion, ok bool) {
	left := e.Bank.Amount
	for _, b := range named {
		if share := min(b.Order.Open(), left); b.Order.Takes() && share > 0 {
			s.Allocate = append(s.Allocate, Share{b.Order.Number, share})
			left -= share
		}
	}
	s.Score, s.Reasons = 50, []string{"text"}
	return s, len(s.Allocate) > 1
}

// alike tells whether two names share most of their words, in any order: "MARI MAASIKAS" and "Maasikas, Mari".
func alike(a, b string) bool {
	x, y := words(a), words(b)
	if len(x) == 0 || len(y) == 0 {
		return false
	}
	shared := 0
	for w := range x {
		if y[w] {
			shared++
		}
	}
	return shared*2 > max(len(x), len(y))
}

func words(name string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.FieldsFunc(cases.Fold().String(name), func(r rune) bool { return strings.ContainsRune(" ,.;-\"'«»„“”", r) }) {
		if !forms[w] {
			all[w] = true
		}
	}
	return all
}

// forms of companies tell nobody apart.
var forms = map[string]bool{"oü": true, "as": true, "mtü": true, "sa": true, "fie": true, "ou": true, "mtu": true}

// nearly tells whether the payer wrote the reference number with one wrong digit, or with two neighbors in each other's place.
func nearly(want string, e Entry) bool {
	for _, t := range append(slices.Clone(e.Bank.Reference), e.Bank.Text) {
		for _, run := range runs.FindAllString(t, 50) {
			if got := bare.Replace(run); len(got) == len(want) && got != want && slips(got, want) {
				return true
			}
		}
	}
	return false
}

func slips(got, want string) bool {
	var at []int
	for i := range want {
		if got[i] != want[i] {
			at = append(at, i)
		}
	}
	return len(at) == 1 || len(at) == 2 && at[1] == at[0]+1 && got[at[0]] == want[at[1]] && got[at[1]] == want[at[0]]
}
