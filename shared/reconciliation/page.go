package reconciliation

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"opiq/shared/problem"
)

// Query asks for entries, in the words of an address.
type Query struct {
	State string // of the entries; waiting where nothing is asked
	After string // Next of the page before
	Limit string // entries on the page, 1 to 100; 50 where nothing is asked
}

// Page is some of the entries of a state, the oldest booking first.
type Page struct {
	Entries []Document `json:"entries"`
	Next    *string    `json:"next"` // what the next page comes after, null on the last one
}

const (
	maxLimit     = 100
	defaultLimit = 50
	maxPlace     = 200 // bytes
)

// Read answers the state, the place to begin after ("" is the beginning) and how many entries are asked for. It names every wrong
// parameter: /state, /after, /limit.
func (q Query) Read() (s State, after string, limit int, err error) {
	var wrong []problem.Field
	if s = State(q.State); s == "" {
		s = Waiting
	}
	if !slices.Contains(States, s) {
		wrong = append(wrong, problem.Field{Pointer: "/state", Code: "unknown", Detail: fmt.Sprintf("The states are %v.", States)})
	}
	place, err := base64.RawURLEncoding.DecodeString(q.After)
	if err != nil || len(place) > maxPlace || !utf8.Valid(place) {
		wrong = append(wrong, problem.Field{Pointer: "/after", Code: "unknown", Detail: "It must be the next of an earlier answer."})
	}
	if limit, err = strconv.Atoi(q.Limit); q.Limit == "" {
		limit, err = defaultLimit, nil
	}
	if err != nil || limit < 1 || limit > maxLimit {
		wrong = append(wrong, problem.Field{Pointer: "/limit", Code: "out_of_range", Detail: fmt.Sprintf("A page has from 1 to %d entries.", maxLimit)})
	}
	return s, string(place), limit, problem.Wrong(wrong)
}

// PageOf is a page of entries, and the place after which the next one begins; "" for none.
func PageOf(entries []Entry, next string) Page {
	p := Page{Entries: []Document{}}
	for _, e := range entries {
		p.Entries = append(p.Entries, e.Document())
	}
	if next != "" {
		after := base64.RawURLEncoding.EncodeToString([]byte(next)) // fit for an address, whatever the table calls its places
		p.Next = &after
	}
	return p
}
