// Package page is a part of a long list, as people look through it who work here: what of it is asked for, and where the next part
// begins. It knows nothing of what is in the list.
package page

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"opiq/shared/problem"
)

// Query asks for a part of a list, in the words of an address.
type Query struct {
	State string // of the entries; the usual one where nothing is asked
	After string // Next of the page before
	Limit string // entries on the page, 1 to 100; 50 where nothing is asked
}

const (
	maxLimit     = 100
	defaultLimit = 50
	maxPlace     = 200 // bytes
)

// Read answers which of the states, the place to begin after and how many entries are asked for. It names every wrong parameter: /state,
// /after, /limit.
func Read[S ~string](q Query, usual S, states []S) (s S, after string, limit int, err error) {
	var wrong []problem.Field
	if s = S(q.State); s == "" {
		s = usual
	}
	if !slices.Contains(states, s) {
		wrong = append(wrong, problem.Field{Pointer: "/state", Code: "unknown", Detail: fmt.Sprintf("The states are %v.", states)})
	}
	after, limit, misplaced := Place(q.After, q.Limit)
	return s, after, limit, problem.Wrong(append(wrong, misplaced...))
}

// Place answers the place to begin after ("" is the beginning) and how many entries are asked for, of a list that has no states, and what
// is wrong: /after, /limit.
func Place(next, most string) (after string, limit int, wrong []problem.Field) {
	place, err := base64.RawURLEncoding.DecodeString(next)
	if err != nil || len(place) > maxPlace || !utf8.Valid(place) {
		place, wrong = nil, append(wrong, problem.Field{Pointer: "/after", Code: "unknown", Detail: "It must be the next of an earlier answer."})
	}
	if limit, err = strconv.Atoi(most); most == "" {
		limit, err = defaultLimit, nil
	}
	if err != nil || limit < 1 || limit > maxLimit {
		wrong = append(wrong, problem.Field{Pointer: "/limit", Code: "out_of_range", Detail: fmt.Sprintf("A page has from 1 to %d entries.", maxLimit)})
	}
	return string(place), limit, wrong
}

// Next is what the next page comes after, fit for an address, whatever the table calls its places; nil where there is none.
func Next(place string) *string {
	if place == "" {
		return nil
	}
	return new(base64.RawURLEncoding.EncodeToString([]byte(place)))
}
