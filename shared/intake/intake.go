// Package intake is a bank statement as it is handed in: whose file it is, what became of each of its entries, and what it is
// refused for.
//
// A file is taken whole or not at all. It is read twice: first to the end with nothing kept (Check), so that a foreign account
// in its last statement, or an end in the middle, leaves no half behind; then again, and its entries are kept in chunks, several
// at once (Take). Every entry is kept once, whoever hands it in how often, in whichever file; so an import that was broken off is
// simply done again. An entry that is wrong is a problem with its place, and its neighbors are kept.
//
// The package opens no file and has no table and no clock. It reads XML by package statement and decides nothing about money:
// that is for package reconciliation.
package intake

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"opiq/shared/account"
	"opiq/shared/problem"
	"opiq/shared/statement"
)

// Why a statement is not taken. What its content is refused for stands in package statement.
var (
	ErrNotFound   = problem.New(problem.NotFound, "statement_not_found", "There is no such import of a statement.")
	ErrBody       = problem.New(problem.TooLarge, "statement_large", "A request may hold 5 MiB of XML, or 4 MiB of gzip. Ask for an upload link for a larger file.")
	ErrType       = problem.New(problem.Unsupported, "unsupported_media_type", "A statement is sent as application/xml, text/xml or application/gzip; an upload is handed in as application/json.")
	ErrGzip       = problem.New(problem.Malformed, "statement_gzip", "The gzip is broken. It has to be sent as application/gzip.")
	ErrUnfinished = problem.New(problem.Unavailable, "import_unfinished", "Time was up. What was kept is known: send the same again.").After(time.Second)
)

// ID names an import: 128 bits of the SHA-256 of a file that came in a request, or the upload that it came by.
type ID string

// IDOf is the name of a file that came in a request.
func IDOf(file []byte) ID {
	sum := sha256.Sum256(file)
	return ID(hex.EncodeToString(sum[:16]))
}

// NewUpload is the name of an upload that nobody can guess.
func NewUpload() ID {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	return ID(hex.EncodeToString(b))
}

// ParseID reads a name.
func ParseID(s string) (ID, bool) {
	return ID(s), len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""
}

// Object is where the file of an upload lies.
func (id ID) Object() string { return "statements/" + string(id) }

// Ready is the message of the queue "statements": an upload was handed in.
type Ready struct {
	Statement ID `json:"statement"`
}

// State is how far an import is.
type State string

// The states. Only the first one is ever left.
const (
	Received State = "received" // an upload that was handed in
	Done     State = "done"     // every entry is kept, or is a problem that is told
	Refused  State = "refused"  // as a whole
)

// Import is one file that was handed in. Revision counts its stored changes.
type Import struct {
	ID       ID        `json:"id"`
	State    State     `json:"state"`
	By       string    `json:"by"` // who handed it in, as the audit trail names them
	At       time.Time `json:"at"`
	Checked  bool      `json:"checked"` // the file was read to its end, and stands as a whole
	Tally    Tally     `json:"tally"`   // so far
	Summary  *Summary  `json:"summary,omitempty"`
	Refusal  *Refusal  `json:"refusal,omitempty"`
	EndedAt  time.Time `json:"endedAt,omitzero"`
	Nudged   int       `json:"nudged,omitempty"` // how often it was queued again
	Revision int       `json:"revision"`
}

// Receive is an import that begins.
func Receive(id ID, by account.Actor, now time.Time) Import {
	return Import{ID: id, State: Received, By: by.String(), At: now.UTC().Truncate(time.Second)}
}

// Refusal is why a file was refused, as an answer to a request says it.
type Refusal struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// What is done to statements, for the audit trail.
const (
	WasImported account.Deed = "statement_imported"
	WasRepeated account.Deed = "statement_repeated" // it had been imported before
	WasRefused  account.Deed = "statement_refused"
)

// End is the import of a file that was taken, and its line in the audit trail.
func (i Import) End(s Summary, now time.Time) (Import, account.Act) {
	i.State, i.Checked, i.Tally, i.Summary, i.EndedAt = Done, true, Tally{}, &s, now.UTC().Truncate(time.Second)
	return i, i.tell(WasImported)
}

// Repeated is the line in the audit trail of a file that was taken, and had been taken before: the import of that time stays as it
// was. It is called on the import that would be.
func (i Import) Repeated() account.Act { return i.tell(WasRepeated) }

// tell is the line of a file that was taken.
func (i Import) tell(what account.Deed) account.Act {
	s := i.Summary
	return i.act(what, map[string]string{
		"message": s.Message, "account": s.Account, "entries": strconv.Itoa(s.Entries), "new": strconv.Itoa(s.New), "wrong": strconv.Itoa(s.Wrong),
	})
}

// Refuse is the import of a file that is refused for an error, and its line in the audit trail. Not ok is an error that says
// nothing about the file: the import has to be tried again.
func (i Import) Refuse(err error, now time.Time) (_ Import, a account.Act, ok bool) {
	p, ok := errors.AsType[*problem.Error](err)
	if !ok || p.Class == problem.Unavailable || p.Class == problem.TooMany {
		return i, a, false
	}
	i.State, i.Refusal, i.EndedAt = Refused, &Refusal{p.Code, p.Detail}, now.UTC().Truncate(time.Second)
	return i, i.act(WasRefused, map[string]string{"code": p.Code}), true
}

func (i Import) act(what account.Deed, detail map[string]string) account.Act {
	return account.Act{At: i.EndedAt, Actor: i.By, What: what, Object: "statement:" + string(i.ID), Detail: detail}
}

// Tally is what became of the entries of a file, from its first to some entry.
type Tally struct {
	Handed   int                 `json:"handed"` // so many entries
	New      int                 `json:"new"`
	Known    int                 `json:"known"`
	Wrong    int                 `json:"wrong"`    // all problems
	Problems []statement.Problem `json:"problems"` // the first hundred of them
}

// Problems of entries that could be read.
const (
	future     = "future"
	otherParts = "other_parts"
	reused     = "reused_reference"
)

var details = map[string]string{
	future:     "The booking date has not come: the entry is not kept. Hand it in again when it has.",
	otherParts: "This booking was kept before, divided into other parts. It is the same money, and counts once.",
	reused:     "The bank gave this payment the reference of another one. It is kept, and waits for a person.",
}

const maxProblems = 100

func (t *Tally) problem(at statement.Position, code string) {
	t.Wrong++
	if len(t.Problems) < maxProblems {
		t.Problems = append(t.Problems, statement.Problem{Position: at, Code: code, Detail: details[code]})
	}
}

// add counts what became of the entries after those that are counted.
func (t *Tally) add(o Tally) {
	t.Handed, t.New, t.Known, t.Wrong = t.Handed+o.Handed, t.New+o.New, t.Known+o.Known, t.Wrong+o.Wrong
	t.Problems = first(t.Problems, o.Problems)
}

// first are the first hundred problems of two lists, in the order of the file.
func first(a, b []statement.Problem) []statement.Problem {
	all := append(append([]statement.Problem{}, a...), b...)
	slices.SortStableFunc(all, func(x, y statement.Problem) int { return cmp.Compare(x.Byte, y.Byte) })
	return all[:min(len(all), maxProblems)]
}

// Summary is what a file came to. An entry is a booking, or each payment of a batch that the bank breaks down: new, known,
// ignored, or a problem for which it is not kept.
type Summary struct {
	Message  string              `json:"message"`  // "camt.053.001.02"
	Account  string              `json:"account"`  // the first of
	Accounts []string            `json:"accounts"` // ours
	Entries  int                 `json:"entries"`
	New      int                 `json:"new"`
	Known    int                 `json:"known"`   // kept before
	Ignored  int                 `json:"ignored"` // not booked
	Problems []statement.Problem `json:"problems"`
	Wrong    int                 `json:"wrong"` // all problems; the list holds the first hundred
}

// summary is what a file came to of which every entry is counted.
func (t Tally) summary(s statement.Summary) Summary {
	return Summary{
		Message: s.Message, Account: s.Accounts[0], Accounts: s.Accounts, Entries: s.Handed + s.Ignored + s.Unread,
		New: t.New, Known: t.Known, Ignored: s.Ignored, Problems: first(s.Problems, t.Problems), Wrong: s.Wrong + t.Wrong,
	}
}

// Document is an import as whoever handed it in sees it.
type Document struct {
	Statement ID        `json:"statement"`
	State     State     `json:"state"`
	By        string    `json:"by"`
	At        time.Time `json:"at"`
	EndedAt   time.Time `json:"endedAt,omitzero"`
	*Summary
	Refusal *Refusal `json:"refusal,omitempty"`
}

// Document is the import as it is shown.
func (i Import) Document() Document {
	return Document{i.ID, i.State, i.By, i.At, i.EndedAt, i.Summary, i.Refusal}
}

// Wish is the upload that somebody asks a link for.
type Wish struct {
	Size int64  `json:"size"` // in bytes, exactly
	Type string `json:"type"`
}

// types are what an upload may be; which it is, its first bytes say.
var types = []string{"application/xml", "text/xml", "application/gzip"}

// Check names every wrong field, and takes a file of no type as XML.
func (w *Wish) Check() (wrong []problem.Field) {
	if w.Size < 1 || w.Size > statement.MaxBytes {
		detail := fmt.Sprintf("An upload has 1 to %d bytes.", statement.MaxBytes)
		wrong = append(wrong, problem.Field{Pointer: "/size", Code: "size", Detail: detail})
	}
	w.Type = cmp.Or(w.Type, types[0])
	if !slices.Contains(types, w.Type) {
		wrong = append(wrong, problem.Field{Pointer: "/type", Code: "unknown_type", Detail: "The types are " + strings.Join(types, ", ") + "."})
	}
	return wrong
}

// Handing is an upload that is handed in.
type Handing struct {
	Upload ID `json:"upload"`
}

// Check names a name that we never gave.
func (h *Handing) Check() []problem.Field {
	if _, ok := ParseID(string(h.Upload)); ok {
		return nil
	}
	return []problem.Field{{Pointer: "/upload", Code: "unknown_upload", Detail: "This is not the name of an upload."}}
}
