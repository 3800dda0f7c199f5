package license

import (
	"slices"
	"time"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
)

// Reader is somebody who is signed in, with all that an access decision needs.
type Reader struct {
	Who   account.Account
	Owned []License
	Shelf catalog.Shelf
	Wait  time.Duration // they, or somebody at their address, read too much for now: so long they have to wait for more
}

// Work decides about a work, which is the zero Work where there is none of that name.
func (r Reader) Work(id catalog.WorkID, now time.Time) (catalog.Work, Decision) {
	w, err := r.Shelf.Find(id, civil.DateOf(now, civil.Tallinn))
	if err != nil {
		w = catalog.Work{}
	}
	return w, Decide(now, r.Who, r.Owned, r.Shelf.Groups, w)
}

// Library decides about the library as a whole.
func (r Reader) Library(now time.Time) Decision {
	return DecideLibrary(now, r.Who, r.Owned, r.Shelf.Groups)
}

// Refuse is why somebody may not read now what was decided about, or nil.
func (r Reader) Refuse(d Decision) error {
	if err := d.Err(); err != nil {
		return err
	}
	if r.Wait > 0 {
		return account.ErrTooManyReads.After(r.Wait)
	}
	return nil
}

// Access is what several licenses come to, in one line: "you have access until …". Licenses that overlap, or follow each other without
// a gap, are one stretch of time.
type Access struct {
	Open         bool       `json:"open"`                  // now, as far as licenses decide
	From         time.Time  `json:"from,omitzero"`         // the stretch that runs, or else the next one; none, and all of this is empty
	Until        time.Time  `json:"until,omitzero"`        // exclusive
	ValidThrough civil.Date `json:"validThrough,omitzero"` // its last day
	RenewOn      civil.Date `json:"renewOn,omitzero"`      // the day that a new license is best bought for: the one after, or today; none where that is too far ahead
}

// AccessOf is the stretch of time that licenses open the library for. Those that are suspended, annulled or over count for nothing. The
// horizon is how many days ahead a license can be bought to start.
func AccessOf(owned []License, z civil.Zone, horizon int, now time.Time) Access {
	var count []License
	for _, l := range owned {
		if s := l.At(now); s == State(Active) || s == State(Scheduled) {
			count = append(count, l)
		}
	}
	slices.SortFunc(count, func(a, b License) int { return a.StartsAt.Compare(b.StartsAt) })
	a := Access{RenewOn: civil.DateOf(now, z)}
	for _, l := range count {
		if a.Until.IsZero() {
			a.From, a.Until, a.Open = l.StartsAt, l.EndsAt, l.At(now) == State(Active)
			a.ValidThrough, a.RenewOn = l.ValidThrough(), l.EndsOn
		}
		if !l.StartsAt.After(a.Until) && l.EndsAt.After(a.Until) {
			a.Until, a.ValidThrough, a.RenewOn = l.EndsAt, l.ValidThrough(), l.EndsOn
		}
	}
	if civil.DateOf(now, z).AddDays(horizon).Before(a.RenewOn) {
		a.RenewOn = civil.Date{}
	}
	return a
}
