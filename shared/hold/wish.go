package hold

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"opiq/shared/civil"
	"opiq/shared/problem"
	"opiq/shared/typed"
)

// What staff can be refused for who ask for a hold.
var (
	ErrNoKey     = problem.New(problem.Malformed, "idempotency_key_required", "Send an Idempotency-Key of 1 to 255 characters: the same for the same hold, tried again.")
	ErrKeyReused = problem.New(problem.Conflict, "idempotency_key_reused", "This Idempotency-Key was used for another hold.")
	ErrNoObject  = problem.New(problem.NotFound, "nothing_to_hold", "There is no such account, license, group or work.")
	ErrNoBreach  = problem.New(problem.Conflict, "no_prior_breach", "The service ends for a person after another breach, which was confirmed on an earlier day, or where duties are refused.")
	ErrSchool    = problem.New(problem.Conflict, "school_not_consulted", "This is decided together with the school: its word has to be recorded.")
)

// Measure is what a hold does.
type Measure string

// The measures.
const (
	Suspend Measure = "suspend" // until it is lifted; it is looked at again on its review date
	End     Measure = "end"     // the service is ended; an appeal that is granted lifts it
)

// Wish is a hold that staff ask for.
type Wish struct {
	On           Object     `json:"on"`
	Basis        Basis      `json:"basis"`
	Measure      Measure    `json:"measure"`
	ReviewOn     civil.Date `json:"reviewOn"`
	Evidence     []string   `json:"evidence"`     // references to what shows the reason: tickets, files, registers
	Reason       string     `json:"reason"`       // in words of staff
	ForceMajeure bool       `json:"forceMajeure"` // the cause is one that nobody could foresee: no letter is owed
	School       *Word      `json:"school"`
	Today        civil.Date // which days are held against; no part of the body
}

// Word is what a school said about a decision, as it was recorded.
type Word struct {
	Signatory string     `json:"signatory"` // who spoke for it
	Document  string     `json:"document"`  // where that is kept
	On        civil.Date `json:"on"`
	Opinion   string     `json:"opinion"`
}

// objects are what the names of things look like, by their scope. Most functions never ask: nobody's start waits for it.
var objects = sync.OnceValue(func() map[Scope]*regexp.Regexp {
	return map[Scope]*regexp.Regexp{
		OnAccount: regexp.MustCompile(`^[0-9a-f]{32}$`),
		OnLicense: regexp.MustCompile(`^L[1-9][0-9]{9}$`),
		OnGroup:   regexp.MustCompile(`^(school:[0-9]{8,12}|class:[0-9]{8,12}-[\pL\pN][\pL\pN ._-]*)$`),
		OnWork:    regexp.MustCompile(`^[a-z0-9-]{1,50}$`),
	}
})

const maxName = 106 // characters

// Normal is the object by the one spelling of its name: a letter can be typed in one sign, or in two.
func (o Object) Normal() Object { return Object(norm.NFC.String(string(o))) }

// WellFormed tells whether the object's name could be one.
func (o Object) WellFormed() bool {
	scope, id := o.Split()
	name, ok := objects()[scope]
	return ok && utf8.RuneCountInString(id) <= maxName && name.MatchString(id)
}

// School tells whether the object is a school.
func (o Object) School() bool { return strings.HasPrefix(string(o), string(OnGroup)+":school:") }

const (
	maxEvidence = 20
	maxText     = 1000 // characters
	maxLine     = 200
)

// Check names every wrong field. It spells the object as Normal does.
func (w *Wish) Check() (wrong []problem.Field) {
	w.On = w.On.Normal()
	bad := func(pointer, code, detail string) {
		wrong = append(wrong, problem.Field{Pointer: pointer, Code: code, Detail: detail})
	}
	scope, _ := w.On.Split()
	if !w.On.WellFormed() {
		bad("/on", "unknown", "Name an object: account:<id>, license:<id>, group:school:<registry code>, group:class:<registry code>-<name> or work:<id>.")
	} else if !w.Basis.Closes(scope) || w.Basis == PaymentReversed { // that one follows from money, and from nobody's word
		bad("/basis", "unknown", "This is no reason to stop the service for such an object.")
	}
	switch {
	case w.Measure == Suspend:
		wrong = append(wrong, w.checkReview()...)
	case w.Measure != End:
		bad("/measure", "unknown", "The measures are suspend and end.")
	case scope != OnAccount && !w.On.School():
		bad("/measure", "not_possible", "The service ends for a person or a school; everything else is suspended.")
	case !w.Basis.Breach():
		bad("/measure", "not_possible", "Only a breach of the terms ends the service.")
	}
	if w.Measure == End && !w.ReviewOn.IsZero() {
		bad("/reviewOn", "not_asked", "What is final is not reviewed.")
	}
	if len(w.Evidence) == 0 || len(w.Evidence) > maxEvidence {
		bad("/evidence", "length", "Name what shows it, in 1 to 20 references.")
	}
	for i, e := range w.Evidence {
		if !typed.Fits(e, 1, maxLine) {
			bad("/evidence/"+strconv.Itoa(i), "length", "A reference has 1 to 200 characters.")
		}
	}
	least := 0
	if w.ForceMajeure {
		least = 1
	}
	if !typed.Fits(w.Reason, least, maxText) {
		bad("/reason", "length", "At most 1000 characters; where nobody is told of the hold it has to be said why.")
	}
	return append(wrong, w.School.check(w.Today)...)
}

func (w *Wish) checkReview() []problem.Field {
	return Review{ReviewOn: w.ReviewOn, Today: w.Today}.check()
}

// check names what is wrong with the word of a school, if there is one.
func (w *Word) check(today civil.Date) (wrong []problem.Field) {
	if w == nil {
		return nil
	}
	for _, f := range []struct {
		pointer, said string
		most          int
	}{{"/school/signatory", w.Signatory, maxLine}, {"/school/document", w.Document, maxLine}, {"/school/opinion", w.Opinion, maxText}} {
		if !typed.Fits(f.said, 1, f.most) {
			wrong = append(wrong, problem.Field{Pointer: f.pointer, Code: "length", Detail: "Write 1 to " + strconv.Itoa(f.most) + " characters."})
		}
	}
	if w.On.IsZero() || today.Before(w.On) {
		wrong = append(wrong, problem.Field{Pointer: "/school/on", Code: "out_of_range", Detail: "Name the day on which the school spoke."})
	}
	return wrong
}

// Review moves a hold's review to another day.
type Review struct {
	ReviewOn civil.Date `json:"reviewOn"`
	Reason   string     `json:"reason"`
	Today    civil.Date // which the day is held against; no part of the body
}

// Check names every wrong field.
func (r *Review) Check() []problem.Field { return append(r.check(), checkReason(r.Reason)...) }

func (r Review) check() []problem.Field {
	if r.Today.Before(r.ReviewOn) && !r.Today.AddMonths(12).Before(r.ReviewOn) {
		return nil
	}
	return []problem.Field{{Pointer: "/reviewOn", Code: "out_of_range", Detail: "A hold is looked at again on a day after today, within a year."}}
}

// Reason is why something is done to a hold.
type Reason struct {
	Reason string `json:"reason"`
}

// Lifting is why a hold is lifted.
type Lifting struct {
	Reason     string `json:"reason"`
	Overturned bool   `json:"overturned"` // an appeal was granted: the breach that was confirmed is none
}

// Check names every wrong field.
func (l *Lifting) Check() []problem.Field { return checkReason(l.Reason) }

// Check names every wrong field.
func (r *Reason) Check() []problem.Field { return checkReason(r.Reason) }

func checkReason(reason string) []problem.Field {
	if typed.Fits(reason, 1, maxText) {
		return nil
	}
	return []problem.Field{{Pointer: "/reason", Code: "length", Detail: "Say why, in 1 to 1000 characters."}}
}

// CheckKey refuses an Idempotency-Key that is none.
func CheckKey(key string) error {
	if n := utf8.RuneCountInString(key); n == 0 || n > 255 {
		return ErrNoKey
	}
	return nil
}

// IDOf is the hold that somebody asks for under a key: the same as often as they ask.
func IDOf(by, key string) ID { return ID(digest(by + "\n" + key)) }

// ParseID reads the name of a hold.
func ParseID(s string) (ID, bool) { return ID(s), objects()[OnAccount].MatchString(s) }

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// fingerprint is equal for equal wishes.
func (w Wish) fingerprint() string {
	w.Today = civil.Date{}
	b, err := json.Marshal(w)
	if err != nil {
		panic(err) // a wish is texts and days
	}
	return digest(string(b))
}

// About is what is known of what a wish is about.
type About struct {
	Breaches []Record // by which breaches of the person were confirmed, and not overturned
	Schooled bool     // the person is of a school
	Owner    string   // whose account, or whose license, it is; "" for groups and works
}

// Place is the record of the hold that was wished for, by somebody whose own word is enough for it: it stands. The end of a school
// is only proposed. It fails with ErrNoBreach or ErrSchool.
func (w Wish) Place(key string, about About, by string, now time.Time) (Record, error) {
	scope, _ := w.On.Split()
	switch {
	case w.Measure != End:
	case scope == OnAccount && w.Basis != RefusesObligations && !slices.ContainsFunc(about.Breaches, func(r Record) bool { return r.precedes(w) }):
		return Record{}, ErrNoBreach
	case w.School == nil && (scope == OnGroup || about.Schooled):
		return Record{}, ErrSchool
	}
	r := Record{
		ID: IDOf(by, key), On: w.On, Account: about.Owner, Basis: w.Basis, Measure: w.Measure, ReviewOn: w.ReviewOn,
		Evidence: slices.Clone(w.Evidence), ForceMajeure: w.ForceMajeure, School: w.School, Wish: w.fingerprint(),
	}
	if w.Measure == End && scope == OnGroup {
		r.State = Proposed
		return r.happened(WasProposed, by, w.Reason, now), nil
	}
	return r.stand(now).happened(WasPlaced, by, w.Reason, now), nil
}

// Repeat is the record as it stands for somebody who asks for it again under the same key; ErrKeyReused where they ask for another.
func (r Record) Repeat(w Wish) (Record, error) {
	if r.Wish != w.fingerprint() {
		return Record{}, ErrKeyReused
	}
	return r, nil
}
