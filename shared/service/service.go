// Package service stops the service for people, licenses, groups and works, as staff decide, and lets it go on.
//
// Package hold has the rules of a hold by itself; this one joins it with what it closes: each decision is one Decision, which the
// table stores in one transaction. It stores and sends nothing.
package service

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/hold"
	"opiq/shared/letter"
	"opiq/shared/license"
)

// What staff do with holds.
const (
	HoldPlaced       account.Deed = "hold_placed"
	HoldProposed     account.Deed = "hold_proposed"
	HoldApproved     account.Deed = "hold_approved"
	HoldReviewed     account.Deed = "hold_reviewed"
	HoldLifted       account.Deed = "hold_lifted"
	BreachConfirmed  account.Deed = "breach_confirmed"
	BreachOverturned account.Deed = "breach_overturned"
)

// deeds are what the events of a record are called in the audit trail.
var deeds = map[hold.Event]account.Deed{
	hold.WasPlaced: HoldPlaced, hold.WasProposed: HoldProposed, hold.WasApproved: HoldApproved, hold.WasReviewed: HoldReviewed, hold.WasLifted: HoldLifted,
	hold.WasConfirmed: BreachConfirmed, hold.WasOverturned: BreachOverturned,
}

// Thing is what a hold closes, as it stands: one of the four.
type Thing struct {
	Account  *account.Account
	Breaches []hold.Record // of an account: by which its breaches were confirmed
	License  *license.License
	Owner    *account.Account // of a license
	Groups   hold.Set         // the holds of groups, which may close the account, or the owner's, too
	Group    *catalog.Group
	Work     *catalog.Change
}

// closed is the thing with a hold more.
func (t Thing) closed(h hold.Hold) Thing {
	switch {
	case t.Account != nil:
		t.Account = new(t.Account.Hold(h))
	case t.License != nil:
		t.License = new(t.License.Hold(h))
	case t.Group != nil:
		g := *t.Group
		g.Holds = g.Holds.With(h)
		t.Group = &g
	case t.Work != nil:
		w := *t.Work
		w.Holds = w.Holds.With(h)
		t.Work = &w
	}
	return t
}

// opened is the thing without the hold of a record.
func (t Thing) opened(id hold.ID, now time.Time) Thing {
	switch {
	case t.Account != nil:
		a := *t.Account
		a.Holds = a.Holds.Without(id)
		t.Account = &a
	case t.License != nil:
		t.License = new(t.License.Lift(id, now))
	case t.Group != nil:
		g := *t.Group
		g.Holds = g.Holds.Without(id)
		t.Group = &g
	case t.Work != nil:
		w := *t.Work
		w.Holds = w.Holds.Without(id)
		t.Work = &w
	}
	return t
}

// acquitted is the thing without the breach that was confirmed by a record.
func (t Thing) acquitted(id hold.ID) Thing {
	who := *cmp.Or(t.Account, t.Owner)
	who.Breaches = slices.DeleteFunc(slices.Clone(who.Breaches), func(b account.Breach) bool { return b.Hold == id })
	t.Account = &who
	return t
}

// still tells whether something else keeps the thing closed.
func (t Thing) still(now time.Time) bool {
	if t.License != nil && slices.Contains([]license.State{license.Suspended, license.Expired, license.Annulled}, t.License.At(now)) {
		return true
	}
	who := cmp.Or(t.Account, t.Owner)
	if who == nil {
		return false
	}
	_, stopped := who.Stopped(t.Groups)
	return stopped
}

func (t Thing) about() (about hold.About) {
	switch {
	case t.Account != nil:
		return hold.About{Breaches: t.Breaches, Schooled: t.Account.Schooled(), Owner: string(t.Account.ID)}
	case t.License != nil:
		about.Owner = string(t.License.Account)
	}
	return about
}

// Decision is what somebody decided about a hold, or about several at once, stored in one transaction. Whoever decides the same again,
// because they heard no answer, gets the record as it stands, and no act: there is nothing to store.
type Decision struct {
	Records []hold.Record
	Acts    []account.Act // one of each record
	Thing   Thing         // as it becomes; empty where it stays as it was
	Letters []letter.Letter
}

// with is a decision with a record, the act of what happened to it last, and the letter to the one person whom it is about. Members
// of a group are told afterwards (hold.Notify).
func (d Decision) with(r hold.Record, n hold.Notice, by account.Actor, now time.Time) Decision {
	d.Records, d.Acts = append(d.Records, r), append(d.Acts, act(r, by, now))
	if n != "" && r.Account != "" && !r.ForceMajeure {
		d.Letters = append(d.Letters, r.Letter(r.Account, n, n == hold.ToldLifted && d.Thing.still(now), now))
	}
	return d
}

// act is the line of the audit trail about what happened to a record last.
func act(r hold.Record, by account.Actor, now time.Time) account.Act {
	last := r.History[len(r.History)-1]
	detail := map[string]string{
		"on": string(r.On), "basis": string(r.Basis), "section": r.Basis.Section(), "measure": string(r.Measure), "evidence": strings.Join(r.Evidence, "; "),
	}
	if !r.ReviewOn.IsZero() {
		detail["reviewOn"] = r.ReviewOn.String()
	}
	if r.School != nil {
		detail["school"] = r.School.Document
	}
	if r.ForceMajeure {
		detail["forceMajeure"] = strconv.FormatBool(r.ForceMajeure)
	}
	return account.Act{At: now.UTC(), Actor: by.String(), What: deeds[last.Event], Object: "hold:" + string(r.ID), Reason: last.Reason, Detail: detail}
}

// Place decides about a hold that somebody wishes under a key. It fails as hold.Wish.Place does, and as all here with account.ErrOwn
// for the person whom it is about.
func Place(w hold.Wish, key string, t Thing, by account.Actor, now time.Time) (Decision, error) {
	about := t.about()
	if err := by.Decides(account.ID(about.Owner)); err != nil {
		return Decision{}, err
	}
	r, err := w.Place(key, about, by.String(), now)
	switch {
	case err != nil:
		return Decision{}, err
	case r.State == hold.Proposed:
		return Decision{}.with(r, "", by, now), nil
	}
	return Decision{Thing: t.closed(r.Hold())}.with(r, hold.ToldPlaced, by, now), nil
}

// Approve decides that a hold stands which somebody else proposed. It fails as hold.Record.Approve does.
func Approve(r hold.Record, t Thing, by account.Actor, now time.Time) (Decision, error) {
	if r.Last(hold.WasApproved, by.String()) {
		return Decision{Records: []hold.Record{r}}, nil
	}
	r, err := r.Approve(by.String(), now)
	if err != nil {
		return Decision{}, err
	}
	return Decision{Thing: t.closed(r.Hold())}.with(r, hold.ToldPlaced, by, now), nil
}

// Lift decides that a hold is over, or withdraws one that did not stand yet. It fails with hold.ErrLifted.
func Lift(r hold.Record, t Thing, reason string, by account.Actor, now time.Time) (Decision, error) {
	if err := by.Decides(account.ID(r.Account)); err != nil {
		return Decision{}, err
	}
	if r.Last(hold.WasLifted, by.String()) {
		return Decision{Records: []hold.Record{r}}, nil
	}
	stood := r.State == hold.Standing
	r, err := r.Lift(by.String(), reason, now)
	switch {
	case err != nil:
		return Decision{}, err
	case !stood:
		return Decision{}.with(r, "", by, now), nil
	}
	return Decision{Thing: t.opened(r.ID, now)}.with(r, hold.ToldLifted, by, now), nil
}

// Overturn decides that a hold is over because an appeal was granted: its breach, which was confirmed, counts no more. It fails as
// hold.Record.Overturn does.
func Overturn(r hold.Record, t Thing, reason string, by account.Actor, now time.Time) (Decision, error) {
	if err := by.Decides(account.ID(r.Account)); err != nil {
		return Decision{}, err
	}
	if r.Last(hold.WasOverturned, by.String()) {
		return Decision{Records: []hold.Record{r}}, nil
	}
	r, err := r.Overturn(by.String(), reason, now)
	if err != nil {
		return Decision{}, err
	}
	return Decision{Thing: t.opened(r.ID, now).acquitted(r.ID)}.with(r, hold.ToldLifted, by, now), nil
}

// Confirm decides that the breach for which a hold stands is proved: the person keeps it. It fails as hold.Record.Confirm does.
func Confirm(r hold.Record, who account.Account, reason string, by account.Actor, now time.Time) (Decision, error) {
	if err := by.Decides(account.ID(r.Account)); err != nil {
		return Decision{}, err
	}
	if r.Last(hold.WasConfirmed, by.String()) {
		return Decision{Records: []hold.Record{r}}, nil
	}
	r, err := r.Confirm(by.String(), reason, now)
	if err != nil {
		return Decision{}, err
	}
	who.Breaches = append(who.Breaches[:len(who.Breaches):len(who.Breaches)], account.Breach{Hold: r.ID, Basis: r.Basis, At: now.UTC()})
	return Decision{Thing: Thing{Account: &who}}.with(r, "", by, now), nil
}

// Review moves a hold's review to another day. It fails as hold.Record.Review does.
func Review(r hold.Record, in hold.Review, by account.Actor, now time.Time) (Decision, error) {
	if err := by.Decides(account.ID(r.Account)); err != nil {
		return Decision{}, err
	}
	r, err := r.Review(in, by.String(), now)
	if err != nil {
		return Decision{}, err
	}
	return Decision{}.with(r, "", by, now), nil
}

// Recover is an account whose owner has set a new password by a link that only they got: the holds of the leaked one, which are those
// records, are over with it, unless staff lifted them meanwhile.
func Recover(who account.Account, groups hold.Set, leaks []hold.Record, now time.Time) (Decision, error) {
	d := Decision{Thing: Thing{Account: &who, Groups: groups}}
	for _, r := range leaks {
		if r.State == hold.Lifted {
			continue
		}
		r, err := r.Lift(account.Owner.String(), "", now)
		if err != nil {
			return Decision{}, err
		}
		d = d.with(r, hold.ToldLifted, account.Owner, now)
	}
	d.Letters = append(d.Letters, who.ChangedLetter(now))
	return d, nil
}

// Departures are the letters to somebody who leaves a group on hold: of what they were told of, that it closes them no more.
func Departures(who account.ID, standing []hold.Record, written map[letter.ID]bool, now time.Time) (letters []letter.Letter) {
	for _, r := range standing {
		if written[r.LetterID(string(who), hold.ToldPlaced)] && !written[r.LetterID(string(who), hold.ToldLifted)] {
			l := r.Letter(string(who), hold.ToldLifted, false, now)
			l.Facts["left"] = "yes"
			letters = append(letters, l)
		}
	}
	return letters
}

// Arrivals are the letters to somebody who joins a group on hold: what the others were told. Each hold is told of once: who left and
// comes back hears no more of the same one.
func Arrivals(who account.ID, standing []hold.Record, written map[letter.ID]bool, now time.Time) (letters []letter.Letter) {
	for _, r := range standing {
		if r.State == hold.Standing && !r.ForceMajeure && !written[r.LetterID(string(who), hold.ToldPlaced)] {
			letters = append(letters, r.Letter(string(who), hold.ToldPlaced, false, now))
		}
	}
	return letters
}
