package takedown

import (
	"fmt"
	"strings"
	"time"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/page"
	"opiq/shared/problem"
	"opiq/shared/service"
	"opiq/shared/typed"
)

// What is remembered of staff who look after reports.
const (
	ReportDecided account.Deed = "report_decided"
	ReportsSeen   account.Deed = "reports_seen"
)

// reviewAfter is how many days later somebody looks again at a work that was stopped, unless the hold is given another day.
const reviewAfter = 30

// Choice is what staff can do about a report.
type Choice string

// The choices.
const (
	Suspend Choice = "suspend" // stop the work for as long as the suspicion stands
	Dismiss Choice = "dismiss"
)

// moves is what becomes of an open report by each choice. A report that is decided stays so: a work is reinstated by lifting the hold.
var moves = map[Choice]State{Suspend: Suspended, Dismiss: Dismissed}

// Decision is what staff make of a report, and why.
type Decision struct {
	Decision Choice `json:"decision"`
	Reason   string `json:"reason"`
}

// Check names every wrong field.
func (d *Decision) Check() (wrong []problem.Field) {
	if moves[d.Decision] == "" {
		wrong = append(wrong, problem.Field{Pointer: "/decision", Code: "unknown", Detail: fmt.Sprintf("Choose %s or %s.", Suspend, Dismiss)})
	}
	if !typed.Fits(d.Reason, 1, 500) {
		wrong = append(wrong, problem.Field{Pointer: "/reason", Code: "length", Detail: "Say why, in 1 to 500 characters."})
	}
	return wrong
}

// Outcome is what a decision comes to: the report, the act, and how its work is stopped, if it is.
type Outcome struct {
	Report Report
	Act    account.Act
	Stop   *service.Decision
}

// Take is the decision taken about a report of a work, as staff have left that. News is false where the same person took it before, who
// may not have heard the answer; ErrDecided where anything else was decided before.
func (d Decision) Take(r Report, w catalog.Change, by account.Actor, now time.Time) (o Outcome, news bool, err error) {
	switch {
	case r.State == moves[d.Decision] && r.Decided.By == by.String():
		return Outcome{Report: r}, false, nil
	case r.State != Open:
		return o, false, ErrDecided
	}
	reason := strings.TrimSpace(d.Reason)
	r.State, r.Decided = moves[d.Decision], &Decided{At: now.UTC(), By: by.String(), Reason: reason}
	if d.Decision == Suspend {
		stop, err := r.stop(w, reason, by, now)
		if err != nil {
			return o, false, err
		}
		o.Stop, r.Decided.Hold = &stop, stop.Records[0].ID
	}
	o.Report = r
	o.Act = account.Act{
		At: now.UTC(), Actor: by.String(), What: ReportDecided, Object: "takedown:" + string(r.ID), Reason: reason,
		Detail: map[string]string{"decision": string(d.Decision), "work": string(r.Work)},
	}
	return o, true, nil
}

// stop puts the work of the report on hold, beside other holds that it may have: each stands for a suspicion of its own.
func (r Report) stop(w catalog.Change, reason string, by account.Actor, now time.Time) (service.Decision, error) {
	object := "takedown:" + string(r.ID)
	return service.Place(hold.Wish{
		On: hold.On(hold.OnWork, r.Work), Basis: hold.SuspectedIP, Measure: hold.Suspend, Reason: reason, Evidence: []string{object},
		ReviewOn: civil.DateOf(now, civil.Tallinn).AddDays(reviewAfter),
	}, object, service.Thing{Work: &w}, by, now)
}

// Page is some of the reports of a state, the oldest first.
type Page struct {
	Reports []Report `json:"reports"`
	Next    *string  `json:"next"` // what the next page comes after, null on the last one
}

// Seen is the line of the audit trail about somebody who looked at reports, and so at what strangers say of themselves.
func Seen(s State, reports []Report, by account.Actor, now time.Time) account.Act {
	var ids []string
	for _, r := range reports {
		ids = append(ids, string(r.ID))
	}
	return account.Act{
		At: now.UTC(), Actor: by.String(), What: ReportsSeen, Object: "takedowns:" + string(s), Detail: map[string]string{"reports": strings.Join(ids, " ")},
	}
}

// PageOf is a page of reports, and the place after which the next one begins; "" for none.
func PageOf(reports []Report, next string) Page {
	return Page{Reports: append([]Report{}, reports...), Next: page.Next(next)}
}
