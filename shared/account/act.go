package account

import "time"

// Actor is who does something that is remembered: a person, a machine by its key, or the operator.
type Actor struct {
	Account ID
	Key     KeyID
	Name    string // as people know them
}

// Operator is whoever may call functions of ours by hand.
var Operator = Actor{Name: "operator"}

// Owner is the person whom a thing belongs to, where only they can have done it.
var Owner = Actor{Name: "owner"}

// String names the actor in the audit trail and in histories, without anything personal.
func (a Actor) String() string {
	switch {
	case a.Account != "":
		return accountObject(a.Account)
	case a.Key != "":
		return keyObject(a.Key)
	}
	return a.Name
}

// Decides tells why the actor decides nothing about somebody, or nil: nobody does about themselves.
func (a Actor) Decides(about ID) error {
	if a.Account != "" && a.Account == about {
		return ErrOwn
	}
	return nil
}

func accountObject(id ID) string { return "account:" + string(id) }

func keyObject(id KeyID) string { return "key:" + string(id) }

// Deed is what was done, by its stable name.
type Deed string

// What the operator does. Other deeds stand beside the things that they are done to.
const (
	Enrolled   Deed = "account_enrolled"
	KeyMade    Deed = "key_made"
	KeyRevoked Deed = "key_revoked"
)

// Act is one line of the audit trail: who did what to which object, and why. It is written with what it tells of, where that is
// written, whole or not at all, and never changed. It holds no secret and no name of a person.
type Act struct {
	At     time.Time         `json:"at"`
	Actor  string            `json:"actor"`  // "account:<id>", "key:<id>", "operator", "owner"
	What   Deed              `json:"what"`   // "key_made"
	Object string            `json:"object"` // "key:<id>"
	Reason string            `json:"reason,omitempty"`
	Detail map[string]string `json:"detail,omitempty"`
}
