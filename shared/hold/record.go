package hold

import (
	"slices"
	"strings"
	"time"

	"opiq/shared/civil"
	"opiq/shared/letter"
	"opiq/shared/problem"
)

// What a record can refuse.
var (
	ErrNotFound  = problem.New(problem.NotFound, "hold_not_found", "There is no such hold.")
	ErrSecond    = problem.New(problem.Conflict, "second_person_required", "Two people decide this: one proposes it, another one approves it. A key is nobody.")
	ErrLifted    = problem.New(problem.Conflict, "hold_lifted", "The hold was lifted, or withdrawn before it stood.")
	ErrProposed  = problem.New(problem.Conflict, "hold_proposed", "The hold does not stand yet: somebody else has to approve it.")
	ErrStanding  = problem.New(problem.Conflict, "hold_standing", "The hold stands already.")
	ErrFinal     = problem.New(problem.Conflict, "hold_final", "What is final is not reviewed.")
	ErrConfirmed = problem.New(problem.Conflict, "breach_confirmed", "The breach was confirmed before.")
	ErrUnproved  = problem.New(problem.Conflict, "breach_not_confirmed", "The breach was not confirmed: there is nothing to overturn.")
	ErrNoPerson  = problem.New(problem.Conflict, "no_breach", "This hold is not for a breach of the terms by one person.")
)

// State is how far a record is.
type State string

// The states.
const (
	Proposed State = "proposed" // waits for a second person
	Standing State = "standing"
	Lifted   State = "lifted" // or withdrawn, before it stood
)

// States are all of them.
var States = []State{Standing, Proposed, Lifted}

// Event is what happens to a record.
type Event string

// The events. What it begins with is one of the first two.
const (
	WasPlaced     Event = "placed"
	WasProposed   Event = "proposed"
	WasApproved   Event = "approved"
	WasConfirmed  Event = "confirmed" // the breach was
	WasReviewed   Event = "reviewed"
	WasLifted     Event = "lifted"
	WasOverturned Event = "overturned" // lifted, and the breach that was confirmed is none
)

// moves is how a record's state changes: a pair that is not here cannot happen.
var moves = map[State]map[Event]State{
	Proposed: {WasApproved: Standing, WasLifted: Lifted},
	Standing: {WasConfirmed: Standing, WasReviewed: Standing, WasLifted: Lifted, WasOverturned: Lifted},
}

// stuck is why nothing else happens in a state.
var stuck = map[State]error{Proposed: ErrProposed, Standing: ErrStanding, Lifted: ErrLifted}

// Happened is one line of a record's history.
type Happened struct {
	Event  Event     `json:"event"`
	At     time.Time `json:"at"`
	By     string    `json:"by"` // "account:<id>", "key:<id>", "owner"
	Reason string    `json:"reason,omitempty"`
}

// Record is all about a hold that staff placed. Revision counts its stored changes.
type Record struct {
	ID           ID         `json:"id"`
	On           Object     `json:"on"`
	Account      string     `json:"account,omitempty"` // whose account, or whose license, it is
	Basis        Basis      `json:"basis"`
	Measure      Measure    `json:"measure"`
	State        State      `json:"state"`
	Since        time.Time  `json:"since,omitzero"` // when it came to stand
	ReviewOn     civil.Date `json:"reviewOn"`
	Evidence     []string   `json:"evidence"`
	ForceMajeure bool       `json:"forceMajeure"`
	School       *Word      `json:"school,omitempty"`
	History      []Happened `json:"history"`
	Telling      *Telling   `json:"telling,omitempty"`
	Wish         string     `json:"wish"` // fingerprint of what was asked for
	Revision     int        `json:"revision"`
}

// Hold is the record as it stands in what it closes.
func (r Record) Hold() Hold {
	return Hold{ID: r.ID, On: r.On, Basis: r.Basis, Since: r.Since, Final: r.Measure == End}
}

// on is the record after an event.
func (r Record) on(e Event, by, reason string, now time.Time) (Record, error) {
	to, ok := moves[r.State][e]
	if !ok {
		return r, stuck[r.State]
	}
	r.State = to
	return r.happened(e, by, reason, now), nil
}

func (r Record) happened(e Event, by, reason string, now time.Time) Record {
	r.History = append(slices.Clone(r.History), Happened{e, now.UTC(), by, strings.TrimSpace(reason)})
	return r
}

// Did tells whether something happened to the record.
func (r Record) Did(e Event) bool {
	return slices.ContainsFunc(r.History, func(h Happened) bool { return h.Event == e })
}

// Last tells whether an event was the last, and by whom it was: they may not have heard that it happened.
func (r Record) Last(e Event, by string) bool {
	last := r.History[len(r.History)-1]
	return last.Event == e && last.By == by
}

// AskedOn is the day on which the hold was asked for.
func (r Record) AskedOn() civil.Date { return civil.DateOf(r.History[0].At, civil.Tallinn) }

// stand is the record from when it closes its object.
func (r Record) stand(now time.Time) Record {
	r.State, r.Since = Standing, now.UTC()
	return r.tell(ToldPlaced, now)
}

// Approve is a proposed record after a second person agreed; ErrSecond where it is the first one, or where either is none.
func (r Record) Approve(by string, now time.Time) (Record, error) {
	next, err := r.on(WasApproved, by, "", now)
	switch {
	case err != nil:
		return r, err
	case r.History[0].By == by || !human(r.History[0].By) || !human(by):
		return r, ErrSecond
	}
	return next.stand(now), nil
}

// human tells whether somebody who did a thing is one: a key says nothing about who holds it.
func human(by string) bool { return strings.HasPrefix(by, string(On(OnAccount, ""))) }

// Confirm is the record after its breach was found to be proved, once. Only what one person did is a breach of theirs.
func (r Record) Confirm(by, reason string, now time.Time) (Record, error) {
	next, err := r.on(WasConfirmed, by, reason, now)
	switch {
	case err != nil:
		return r, err
	case r.Account == "" || !r.Basis.Breach():
		return r, ErrNoPerson
	case r.Did(WasConfirmed):
		return r, ErrConfirmed
	}
	return next, nil
}

// Review is the record with its review on another day; ErrFinal where there is none.
func (r Record) Review(in Review, by string, now time.Time) (Record, error) {
	next, err := r.on(WasReviewed, by, in.Reason, now)
	switch {
	case err != nil:
		return r, err
	case r.Measure == End:
		return r, ErrFinal
	}
	next.ReviewOn = in.ReviewOn
	return next, nil
}

// Lift is the record after its reason is over, or an appeal was granted; or, where it did not stand yet, after it was withdrawn.
func (r Record) Lift(by, reason string, now time.Time) (Record, error) {
	next, err := r.on(WasLifted, by, reason, now)
	if err != nil || r.State == Proposed {
		return next, err
	}
	return next.tell(ToldLifted, now), nil
}

// Overturn is the record after an appeal found that its breach, which was confirmed, is none.
func (r Record) Overturn(by, reason string, now time.Time) (Record, error) {
	next, err := r.on(WasOverturned, by, reason, now)
	switch {
	case err != nil:
		return r, err
	case !r.Did(WasConfirmed):
		return r, ErrUnproved
	}
	return next.tell(ToldLifted, now), nil
}

// precedes tells whether the breach of the record is an earlier one than that of a wish: it was confirmed on an earlier day, and other
// things show it. One incident is not two.
func (r Record) precedes(w Wish) bool {
	i := slices.IndexFunc(r.History, func(h Happened) bool { return h.Event == WasConfirmed })
	return i >= 0 && civil.DateOf(r.History[i].At, civil.Tallinn).Before(w.Today) && !slices.Equal(sorted(r.Evidence), sorted(w.Evidence))
}

func sorted(evidence []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(evidence)))
}

// Notice is what people are told of a hold.
type Notice string

// The notices.
const (
	ToldPlaced Notice = "placed"
	ToldLifted Notice = "lifted"
)

// LetterID names the letter by which somebody is told, once.
func (r Record) LetterID(account string, n Notice) letter.ID {
	return letter.ID("hold/" + string(r.ID) + "/" + account + "/" + string(n))
}

// Letter tells somebody of the hold, or of its end. Still is whether something else keeps closed what this one closed.
func (r Record) Letter(account string, n Notice, still bool, now time.Time) letter.Letter {
	l := letter.Letter{ID: r.LetterID(account, n), Kind: letter.ServiceResumed, Account: account, CreatedAt: now.UTC()}
	scope, id := r.On.Split()
	l.Facts = map[string]string{"scope": string(scope), "basis": string(r.Basis), "since": r.Since.Format(time.RFC3339)}
	switch scope {
	case OnLicense:
		l.Facts["license"] = id
	case OnGroup:
		l.Facts["group"], _, _ = strings.Cut(id, ":")
	}
	switch {
	case n == ToldLifted && still:
		l.Facts["still"] = "yes"
	case n == ToldLifted:
	case r.Measure == End:
		l.Kind = letter.ServiceEnded
	default:
		l.Kind, l.Facts["reviewOn"] = letter.ServiceHeld, r.ReviewOn.String()
	}
	return l
}

// Document is a hold as staff see it.
type Document struct {
	ID           ID          `json:"id"`
	On           Object      `json:"on"`
	Account      string      `json:"account"` // "" for groups and works
	Basis        Basis       `json:"basis"`
	Breach       bool        `json:"breach"` // of the terms by a person, which can be confirmed
	Section      string      `json:"section"`
	Measure      Measure     `json:"measure"`
	State        State       `json:"state"`
	Since        *time.Time  `json:"since"`    // null before it stands
	ReviewOn     *civil.Date `json:"reviewOn"` // null where it is final
	Evidence     []string    `json:"evidence"`
	ForceMajeure bool        `json:"forceMajeure"`
	School       *Word       `json:"school"`
	Telling      bool        `json:"telling"` // the people of the group are still being told
	Events       []Happened  `json:"events"`
}

// Document is the record as staff see it.
func (r Record) Document() Document {
	d := Document{
		ID: r.ID, On: r.On, Account: r.Account, Basis: r.Basis, Breach: r.Account != "" && r.Basis.Breach(), Section: r.Basis.Section(), Measure: r.Measure,
		State: r.State, Evidence: r.Evidence, ForceMajeure: r.ForceMajeure, School: r.School, Telling: r.Telling != nil, Events: r.History,
	}
	if !r.Since.IsZero() {
		d.Since = &r.Since
	}
	if !r.ReviewOn.IsZero() {
		d.ReviewOn = &r.ReviewOn
	}
	return d
}
