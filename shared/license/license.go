// Package license is the right to read the library for a while, and the one decision whether somebody may.
//
// A license opens every work from one instant up to, not including, another. Both are computed once, from civil
// dates in the zone that the order was made in; whether it is open is computed from them whenever it is asked. The
// stage only says which of its letters have gone out: a late job delays a letter and never an hour of access.
package license

import (
	"slices"
	"strconv"
	"time"

	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/letter"
	"opiq/shared/problem"
)

// ErrNotFound answers a license that is not there, or not the caller's.
var ErrNotFound = problem.New(problem.NotFound, "license_not_found", "You have no such license.")

// ID names a license: the number of the order that it was bought with, after an L. So an order can have only one.
type ID string

// Of is the license that an order buys.
func Of(order string) ID { return ID("L" + order) }

// Stage is how far a license's letters are.
type Stage string

// The stages. Between Active and Ended there is one for each reminder of the license: "warned_14".
const (
	Scheduled Stage = "scheduled" // paid; its start lies ahead
	Active    Stage = "active"    // its start has been told
	Ended     Stage = "ended"     // its end has been told; nothing more will happen
)

// step is a stage, when a license reaches it, and the letter that says so.
type step struct {
	to     Stage
	at     time.Time
	letter letter.Kind
	days   int
}

// steps are the stages of the license in their order. It goes to the last one whose time has come, and sends that one's letter only.
func (l License) steps() []step {
	all := []step{{Active, l.StartsAt, letter.LicenseActive, 0}}
	for _, days := range l.Remind {
		all = append(all, step{Stage("warned_" + strconv.Itoa(days)), l.EndsOn.AddDays(-days).Start(l.Zone), letter.LicenseEndsSoon, days})
	}
	return append(all, step{Ended, l.EndsAt, letter.LicenseEnded, 0})
}

// License is one license. Revision counts its stored changes.
type License struct {
	ID         ID         `json:"id"`
	Account    account.ID `json:"account"`
	Order      string     `json:"order"`
	Months     int        `json:"months"`
	StartsOn   civil.Date `json:"startsOn"`
	EndsOn     civil.Date `json:"endsOn"` // the first day on which it opens nothing
	Zone       civil.Zone `json:"zone"`
	StartsAt   time.Time  `json:"startsAt"`
	EndsAt     time.Time  `json:"endsAt"`
	Remind     []int      `json:"remind"` // so many days before its end its owner is reminded of it, falling
	Stage      Stage      `json:"stage"`
	AnnulledAt time.Time  `json:"annulledAt,omitzero"`
	Holds      hold.Set   `json:"holds,omitempty"`
	History    []Happened `json:"history"`
	Revision   int        `json:"revision"`
}

// Happened is one line of a license's history.
type Happened struct {
	Event string    `json:"event"`
	At    time.Time `json:"at"`
}

// Grant is the license that was paid for: full months from the day asked for, or from the day on which the money came
// where that is later (R-060, AMB-7).
func Grant(order string, who account.ID, months int, remind []int, startsOn civil.Date, z civil.Zone, paid time.Time) License {
	if came := civil.DateOf(paid, z); startsOn.Before(came) {
		startsOn = came
	}
	endsOn := startsOn.AddMonths(months)
	return License{
		ID: Of(order), Account: who, Order: order, Months: months, StartsOn: startsOn, EndsOn: endsOn, Zone: z,
		StartsAt: startsOn.Start(z), EndsAt: endsOn.Start(z), Remind: remind, Stage: Scheduled, History: []Happened{{"granted", paid.UTC()}},
	}
}

// Next is the instant of the next stage; a license that has ended or was annulled has none, and while one is on hold nobody is
// told that it opens or ends.
func (l License) Next() (at time.Time, to Stage, ok bool) {
	ahead := l.ahead()
	if len(ahead) == 0 || !l.AnnulledAt.IsZero() || len(l.Holds) > 0 {
		return time.Time{}, "", false
	}
	return ahead[0].at, ahead[0].to, true
}

// ahead are the steps that the license has not taken.
func (l License) ahead() []step {
	all := l.steps()
	return all[1+slices.IndexFunc(all, func(s step) bool { return s.to == l.Stage }):]
}

// Step is the license in the last stage whose time has come, and the letter of it: what is late tells what is still true. It is
// not ok where no time has come.
func (l License) Step(now time.Time) (_ License, _ letter.Letter, ok bool) {
	at, _, more := l.Next()
	if !more || now.Before(at) {
		return l, letter.Letter{}, false
	}
	var s step
	for _, next := range l.ahead() {
		if !now.Before(next.at) {
			s = next
		}
	}
	l.Stage = s.to
	l.History = append(slices.Clone(l.History), Happened{string(s.to), now.UTC()})
	return l, l.letter(s, now), true
}

// Facts are what letters say about the license.
func (l License) Facts() map[string]string {
	return map[string]string{
		"license": string(l.ID), "order": l.Order, "startsOn": l.StartsOn.String(), "validThrough": l.ValidThrough().String(),
		"startsAt": l.StartsAt.Format(time.RFC3339), "endsAt": l.EndsAt.Format(time.RFC3339), "zone": string(l.Zone),
	}
}

func (l License) letter(s step, now time.Time) letter.Letter {
	facts := l.Facts()
	if s.days > 0 {
		facts["days"] = strconv.Itoa(civil.DateOf(now, l.Zone).DaysUntil(l.EndsOn)) // s.days, or less where the reminder is late
		facts["renewOn"] = l.EndsOn.String()
	}
	return letter.Letter{
		ID: letter.ID("license/" + string(l.ID) + "/" + string(s.to)), Kind: s.letter, Account: string(l.Account), CreatedAt: now.UTC(), Facts: facts,
	}
}

// Hold is the license closed for a reason, until that is lifted. It neither shortens nor lengthens the license.
func (l License) Hold(h hold.Hold) License {
	l.Holds = l.Holds.With(h)
	l.History = append(slices.Clone(l.History), Happened{"held", h.Since})
	return l
}

// Reversed is the license closed because its money went back to the payer, and
func (l License) Reversed(now time.Time) License {
	return l.Hold(hold.Hold{On: hold.On(hold.OnLicense, l.ID), Basis: hold.PaymentReversed, Since: now.UTC()})
}

// Restored is it after the money came again.
func (l License) Restored(now time.Time) License {
	return l.freed(l.Holds.Free(hold.PaymentReversed), now)
}

// Lift is the license without the hold of a record.
func (l License) Lift(id hold.ID, now time.Time) License { return l.freed(l.Holds.Without(id), now) }

func (l License) freed(left hold.Set, now time.Time) License {
	l.Holds = left
	l.History = append(slices.Clone(l.History), Happened{"lifted", now.UTC()})
	return l
}

// Annul is the license at its end, for good. Its money keeps it on hold no longer; what staff placed stands until they lift it.
func (l License) Annul(now time.Time) License {
	l.AnnulledAt, l.Holds = now.UTC(), l.Holds.Free(hold.PaymentReversed)
	l.History = append(slices.Clone(l.History), Happened{"annulled", now.UTC()})
	return l
}

// Shorten is the license with that part of its days which kept is of whole, rounded up; today it keeps in any case. A license
// that ends before that stays as it is.
func (l License) Shorten(kept, whole int64, now time.Time) License {
	days := l.StartsOn.DaysUntil(l.EndsOn)
	endsOn := l.StartsOn.AddDays(int((int64(days)*kept + whole - 1) / whole))
	if tomorrow := civil.DateOf(now, l.Zone).AddDays(1); endsOn.Before(tomorrow) {
		endsOn = tomorrow
	}
	if !endsOn.Before(l.EndsOn) {
		return l
	}
	l.EndsOn, l.EndsAt = endsOn, endsOn.Start(l.Zone)
	l.History = append(slices.Clone(l.History), Happened{"shortened", now.UTC()})
	return l
}

// Letters are those that must have been written by now: of each stage that the license has reached.
func (l License) Letters() (all []letter.Letter) {
	for _, h := range l.History {
		for _, s := range l.steps() {
			if string(s.to) == h.Event {
				all = append(all, l.letter(s, h.At))
			}
		}
	}
	return all
}

// ValidThrough is the last day on which the license opens the library.
func (l License) ValidThrough() civil.Date { return l.EndsOn.AddDays(-1) }

// State is what a license is at an instant, as its owner is told.
type State string

// The states that are not stages.
const (
	Expired   State = "expired"
	Suspended State = "suspended"
	Annulled  State = "annulled"
)

// At is the state at an instant: annulled before suspended before expired before active before scheduled.
func (l License) At(now time.Time) State {
	switch {
	case !l.AnnulledAt.IsZero():
		return Annulled
	case len(l.Holds) > 0:
		return Suspended
	case !now.Before(l.EndsAt):
		return Expired
	case !now.Before(l.StartsAt):
		return State(Active)
	}
	return State(Scheduled)
}

// Document is a license as its owner sees it.
type Document struct {
	ID           ID         `json:"id"`
	Order        string     `json:"order"`
	State        State      `json:"state"`
	Months       int        `json:"months"`
	StartsOn     civil.Date `json:"startsOn"`
	ValidThrough civil.Date `json:"validThrough"`
	StartsAt     time.Time  `json:"startsAt"`
	EndsAt       time.Time  `json:"endsAt"`
	Zone         civil.Zone `json:"zone"`
	Holds        []Held     `json:"holds"` // why it is suspended
	Events       []Happened `json:"events"`
	UpdatedAt    time.Time  `json:"updatedAt"` // when the last of them happened
}

// Held is a hold as the owner of what it closes sees it.
type Held struct {
	Basis hold.Basis `json:"basis"`
	Since time.Time  `json:"since"`
}

// Document is the license as its owner sees it at an instant.
func (l License) Document(now time.Time) Document {
	held := []Held{}
	for _, h := range l.Holds {
		held = append(held, Held{h.Basis, h.Since})
	}
	return Document{
		l.ID, l.Order, l.At(now), l.Months, l.StartsOn, l.ValidThrough(), l.StartsAt, l.EndsAt, l.Zone, held, l.History, l.History[len(l.History)-1].At,
	}
}
