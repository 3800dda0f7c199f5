// Package takedown is what anybody may report: that a work of the library infringes somebody's right; and what staff make of it.
//
// We do not check works for such rights: we stop a work on suspicion, by a hold on the work that stands for as long as the
// suspicion does, and lifting the hold is what reinstates it. Who reports says as much about themselves as they like: nobody proves an
// address here, so nobody is written to, and nobody is told what others reported. The package decides no dispute.
package takedown

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"time"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/problem"
	"opiq/shared/typed"
)

// Tries is how much is reported from one network before it has to wait. About a work there is no limit: whoever spent it would silence
// those whose right it is.
var Tries = account.Limit{Max: 10, Per: time.Hour}

// Why a report is not taken or not decided.
var (
	ErrTooMany = problem.New(problem.TooMany, "too_many_reports", "So much was reported from here that it has to wait a while.")
	ErrUnknown = problem.New(problem.NotFound, "report_not_found", "There is no such report.")
	ErrDecided = problem.New(problem.Conflict, "report_decided", "Somebody has decided about this report.")
)

// ID is the number of a report: sixteen letters and digits.
type ID string

var letters = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// ParseID reads a number.
func ParseID(s string) (ID, bool) {
	b, err := letters.DecodeString(s)
	return ID(s), err == nil && len(b) == 10 && len(s) == 16
}

// State is how far a report is.
type State string

// The states of a report.
const (
	Open      State = "open"
	Suspended State = "suspended" // the work was stopped for it
	Dismissed State = "dismissed"
)

// States are all of them.
var States = []State{Open, Suspended, Dismissed}

// Claim is what somebody says of a work.
type Claim struct {
	Name      string `json:"name"`  // theirs, if they like
	Email     string `json:"email"` // nobody has proved it
	Claim     string `json:"claim"` // what is infringed, and whose right
	GoodFaith bool   `json:"goodFaith"`
}

// Check names every wrong field.
func (c *Claim) Check() (wrong []problem.Field) {
	refuse := func(pointer, code, detail string) {
		wrong = append(wrong, problem.Field{Pointer: pointer, Code: code, Detail: detail})
	}
	if !typed.Fits(c.Name, 0, 100) {
		refuse("/name", "too_long", "A name has at most 100 characters.")
	}
	if c.Email != "" {
		wrong = append(wrong, account.CheckAddress("/email", c.Email)...)
	}
	if !typed.Fits(typed.Lines(c.Claim), 10, 4000) {
		refuse("/claim", "length", "Say what is infringed and whose right it is, in 10 to 4000 characters.")
	}
	if !c.GoodFaith {
		refuse("/goodFaith", "required", "It has to be declared that the report is made in good faith.")
	}
	return wrong
}

// Report is what was reported about a work. Revision counts its stored changes.
type Report struct {
	ID       ID             `json:"id"`
	Work     catalog.WorkID `json:"work"`
	State    State          `json:"state"`
	Name     string         `json:"name,omitempty"`
	Email    string         `json:"email,omitempty"`
	Claim    string         `json:"claim"`
	At       time.Time      `json:"at"`
	Decided  *Decided       `json:"decided,omitempty"`
	Revision int            `json:"revision"`
}

// Decided is what became of a report.
type Decided struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"` // as acts name who it was
	Reason string    `json:"reason"`
	Hold   hold.ID   `json:"hold,omitempty"` // what the work is stopped by
}

// Report is the report of a claim about a work. The same claim from the same network on the same day has the same number: it is the
// same report, however often it is sent.
func (c Claim) Report(w catalog.WorkID, network string, now time.Time) Report {
	r := Report{Work: w, State: Open, Name: typed.Line(c.Name), Email: typed.Line(c.Email), Claim: typed.Lines(c.Claim), At: now.UTC().Truncate(time.Second)}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %s", w, network, r.Name, r.Email, r.Claim, civil.DateOf(now, civil.Tallinn)))
	r.ID = ID(letters.EncodeToString(sum[:10]))
	return r
}

// Until is when a report is forgotten, with the name and the address of who made it: a year after somebody decided about it.
// Before that it has no end.
func (r Report) Until() time.Time {
	if r.Decided == nil {
		return time.Time{}
	}
	return r.Decided.At.AddDate(1, 0, 0)
}

// Receipt is what whoever reports is told.
type Receipt struct {
	Report ID `json:"report"`
}

// Receipt is what whoever reports is told.
func (r Report) Receipt() Receipt { return Receipt{r.ID} }
