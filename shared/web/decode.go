package web

import (
	"opiq/shared/fields"
	"opiq/shared/problem"
)

// What a body can be refused for before it is read.
var (
	ErrTooLarge    = problem.New(problem.TooLarge, "body_too_large", "The body may have 65536 bytes.")
	ErrUnsupported = problem.New(problem.Unsupported, "unsupported_media_type", "The body must be application/json.")
)

const maxBody = 64 << 10

// Decode reads the body into a struct as package fields does: every wrong field is named at once.
func (r Request) Decode(into any) error {
	if r.Type() != "application/json" {
		return ErrUnsupported
	}
	body, err := r.body()
	if err != nil {
		return err
	}
	return fields.Read(body, into)
}
