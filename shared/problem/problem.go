// Package problem is what can go wrong, said once in the words of the trade.
//
// A failure is a variable beside the rule that it breaks; its class says what kind of failure it is. The edge
// that answers (web for people and programs, queue for messages) holds the one map from class to what it does.
// The package knows no status code, no retry and no language but the short English detail for programmers.
package problem

import (
	"errors"
	"time"
)

// Class is the kind of a failure.
type Class uint8

// The classes. A failure that is not an *Error is an internal one.
const (
	Malformed       Class = iota + 1 // the request cannot be read at all
	Invalid                          // read, and its fields break rules; Fields names them
	Unauthenticated                  // nobody is signed in
	Forbidden                        // somebody is, and may not
	NotFound                         // there is no such thing for this caller
	Conflict                         // the thing's state does not allow it
	Gone                             // it was there, and will not come back
	TooLarge                         // more than we read
	Unsupported                      // a kind of content that we do not read
	NotAcceptable                    // a kind of content that we do not write
	TooMany                          // too often; RetryAfter says when again
	Unavailable                      // something that we depend on does not answer; again later
)

// Field is one wrong field of a request.
type Field struct {
	Pointer string `json:"pointer"` // JSON pointer (RFC 6901) into the body: "/months"
	Code    string `json:"code"`    // stable, for programs: "too_short"
	Detail  string `json:"detail"`  // for programmers, English
}

// Error is a failure with a stable code.
type Error struct {
	Class      Class
	Code       string        // stable, for programs and for the page that explains it: "terms_outdated"
	Detail     string        // for programmers, English; never holds personal data
	Fields     []Field       // with Invalid: every wrong field
	RetryAfter time.Duration // with TooMany and Unavailable: when to try again, zero for "unknown"
}

// New makes a failure. Keep it in a variable beside its rule.
func New(class Class, code, detail string) *Error {
	return &Error{Class: class, Code: code, Detail: detail}
}

// Wrong makes one failure of all the wrong fields, or nil where there is none.
func Wrong(fields []Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Class: Invalid, Code: "invalid", Detail: "Some fields are wrong.", Fields: fields}
}

func (e *Error) Error() string { return e.Code + ": " + e.Detail }

// Is makes errors.Is compare failures by class and code, so that a copy that carries more (After) is still the same failure.
func (e *Error) Is(target error) bool {
	t, ok := errors.AsType[*Error](target)
	return ok && t.Class == e.Class && t.Code == e.Code
}

// After is the same failure with the time after which another try makes sense.
func (e *Error) After(wait time.Duration) *Error {
	c := *e
	c.RetryAfter = wait
	return &c
}
