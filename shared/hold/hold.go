// Package hold is the service stopped for a reason, until that is lifted: for an account, a license, a group of people or a work.
//
// Holds are a set: several may stand at once, each is lifted by itself, and the service resumes with the last. A hold
// neither shortens nor lengthens a license, and deletes nothing. What an access decision needs of a hold stands in the thing
// that it closes (Hold); all that staff said and did about it stands in its Record.
package hold

import (
	"slices"
	"strings"
	"time"
)

// ID names a hold that staff placed.
type ID string

// Object is what a hold closes: "account:<id>", "license:<id>", "group:<id>" or "work:<id>".
type Object string

// Scope is the kind of thing that a hold closes.
type Scope string

// The scopes.
const (
	OnAccount Scope = "account"
	OnLicense Scope = "license"
	OnGroup   Scope = "group"
	OnWork    Scope = "work"
)

// On is the object of a scope and a name.
func On[T ~string](s Scope, id T) Object { return Object(string(s) + ":" + string(id)) }

// Split is the object's scope and name.
func (o Object) Split() (s Scope, id string) {
	scope, id, _ := strings.Cut(string(o), ":")
	return Scope(scope), id
}

// Hold is one hold, as it stands in what it closes.
type Hold struct {
	ID    ID        `json:"id,omitempty"` // of its record; what money does by itself has none
	On    Object    `json:"on,omitempty"`
	Basis Basis     `json:"basis"`
	Since time.Time `json:"since"`
	Final bool      `json:"final,omitempty"` // the service has ended; else it is suspended
}

// Set are the holds of one thing.
type Set []Hold

// With is the set with one more hold; one that stands already is not added again.
func (s Set) With(h Hold) Set {
	if slices.ContainsFunc(s, func(o Hold) bool { return o.ID == h.ID && o.Basis == h.Basis }) {
		return s
	}
	return append(slices.Clone(s), h)
}

// Without is the set without the hold of a record.
func (s Set) Without(id ID) Set {
	return slices.DeleteFunc(slices.Clone(s), func(h Hold) bool { return h.ID == id })
}

// Free is the set without the holds that follow by themselves from a basis which is over: they have no record.
func (s Set) Free(b Basis) Set {
	return slices.DeleteFunc(slices.Clone(s), func(h Hold) bool { return h.ID == "" && h.Basis == b })
}

// Recorded are the records of the holds for a basis.
func (s Set) Recorded(b Basis) (ids []ID) {
	for _, h := range s {
		if h.ID != "" && h.Basis == b {
			ids = append(ids, h.ID)
		}
	}
	return ids
}

// First is the hold that has stood longest, of those that end the service or of all. Not ok where there is none.
func (s Set) First(final bool) (first Hold, ok bool) {
	for _, h := range s {
		if (h.Final || !final) && (!ok || h.Since.Before(first.Since)) {
			first, ok = h, true
		}
	}
	return first, ok
}
