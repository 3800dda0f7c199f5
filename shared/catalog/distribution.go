package catalog

import (
	"strconv"
	"strings"
	"time"

	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/problem"
	"opiq/shared/typed"
)

// WorkRedistributed is the deed of staff who write down what a publisher decided about a work.
const WorkRedistributed account.Deed = "work_redistributed"

// Why what staff set of works and prices is not taken.
var (
	ErrRevision     = problem.New(problem.Conflict, "revision_changed", "Somebody else has changed this since it was read. Look at it, and send the change with its revision.")
	ErrInSchoolYear = problem.New(problem.Conflict, "in_school_year", "The work would be taken away within a school year: the publisher has to confirm that.")
)

// Redistribution is what a publisher decided about a work's distribution, as staff write it down. Revision is that of the work as
// they read it.
type Redistribution struct {
	From      civil.Date `json:"from"`
	Until     civil.Date `json:"until"`
	Agreement string     `json:"agreement"`
	Confirmed bool       `json:"confirmed"` // the publisher knows that it ends within a school year
	Reason    string     `json:"reason"`
	Revision  int        `json:"revision"`
}

// Check names every wrong field.
func (r *Redistribution) Check() (wrong []problem.Field) {
	refuse := func(pointer, code, detail string) {
		wrong = append(wrong, problem.Field{Pointer: pointer, Code: code, Detail: detail})
	}
	if r.From.IsZero() {
		refuse("/from", "required", "Say the first day of the distribution.")
	}
	switch {
	case r.Until.IsZero():
		refuse("/until", "required", "Say the last day of the distribution.")
	case r.Until.Before(r.From):
		refuse("/until", "before_from", "The last day is not before the first one.")
	}
	if !typed.Fits(r.Agreement, 1, 50) {
		refuse("/agreement", "required", "No work is distributed without an agreement with its publisher: name it, in 1 to 50 characters.")
	}
	if !typed.Fits(r.Reason, 1, 500) {
		refuse("/reason", "length", "Say why, in 1 to 500 characters.")
	}
	return wrong
}

// Redistribute is what staff have changed of a work after a redistribution, and the act of it; ErrUnknown where there is no such work.
// News is false where all is so already.
func (s Shelf) Redistribute(id WorkID, r Redistribution, by account.Actor, now time.Time) (c Change, a account.Act, news bool, err error) {
	w, err := s.known(id)
	if err != nil {
		return c, a, false, err
	}
	to := Distribution{r.From, r.Until}
	r.Agreement, r.Reason = strings.TrimSpace(r.Agreement), strings.TrimSpace(r.Reason)
	c = s.Change(id)
	switch {
	case w.Distribution == to && w.Agreement == r.Agreement:
		return c, a, false, nil
	case r.Revision != c.Revision:
		return c, a, false, ErrRevision
	case w.Distribution.breaksOff(to, civil.DateOf(now, civil.Tallinn)) && !r.Confirmed:
		return c, a, false, ErrInSchoolYear
	}
	c.Distribution, c.Agreement = &to, r.Agreement
	return c, account.Act{
		At: now.UTC(), Actor: by.String(), What: WorkRedistributed, Object: "work:" + string(id), Reason: r.Reason, Detail: map[string]string{
			"before": w.Distribution.From.String() + " " + w.Distribution.Until.String() + " " + w.Agreement, "after": to.From.String() + " " + to.Until.String() + " " + r.Agreement,
			"confirmed": strconv.FormatBool(r.Confirmed),
		},
	}, true, nil
}

// breaksOff tells whether a change of a distribution takes the work away from a school year that has begun.
func (d Distribution) breaksOff(to Distribution, today civil.Date) bool {
	switch {
	case d.on(today) && !to.on(today): // it takes effect at once
		return withinSchoolYear(today.AddDays(-1))
	case to.Until == d.Until || to.Until.Before(today): // it takes nothing away
		return false
	}
	return withinSchoolYear(to.Until)
}

func (d Distribution) on(day civil.Date) bool { return !day.Before(d.From) && !d.Until.Before(day) }

// withinSchoolYear tells whether the day after a last day still belongs to the school year of that day, which is 1 September to 10 June.
func withinSchoolYear(last civil.Date) bool {
	return last.Month >= time.September || last.Before(civil.Date{Year: last.Year, Month: time.June, Day: 10})
}
