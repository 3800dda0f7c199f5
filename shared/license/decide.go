package license

import (
	"time"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/problem"
)

// Code says why somebody may open a work, or why not.
type Code string

// The codes in their order of precedence: of several that hold, the first is the answer. A license that is open is enough: those of
// others are asked for only where there is none.
const (
	AccountClosed   Code = "ACCOUNT_CLOSED"
	AccountHeld     Code = "ACCOUNT_HELD"
	TermsRequired   Code = "TERMS_REQUIRED"
	WorkUnknown     Code = "WORK_UNKNOWN"
	WorkSuspendedIP Code = "WORK_SUSPENDED_IP"
	WorkWithdrawn   Code = "WORK_WITHDRAWN"
	IsRevoked       Code = "REVOKED"
	IsSuspended     Code = "SUSPENDED"
	NotStarted      Code = "NOT_STARTED"
	HasExpired      Code = "EXPIRED"
	NoLicense       Code = "NO_LICENSE"
	Valid           Code = "VALID"
)

// Decision is the answer to "may this person open this work now?".
type Decision struct {
	Allowed bool      `json:"allowed"`
	Code    Code      `json:"code"`
	License ID        `json:"licenseId,omitempty"` // the license that decides
	At      time.Time `json:"at,omitzero"`         // the date that matters: when it ends, ended or will start, since when it is stopped
}

// byState are the codes of licenses in their order of precedence, but that one which is active is enough.
var byState = []struct {
	state State
	code  Code
	at    func(License) time.Time
}{
	{State(Active), Valid, func(l License) time.Time { return l.EndsAt }},
	{Annulled, IsRevoked, func(l License) time.Time { return l.AnnulledAt }},
	{Suspended, IsSuspended, suspendedSince},
	{State(Scheduled), NotStarted, func(l License) time.Time { return l.StartsAt }},
	{Expired, HasExpired, func(l License) time.Time { return l.EndsAt }},
}

func suspendedSince(l License) time.Time {
	first, _ := l.Holds.First(false)
	return first.Since
}

// Decide is the only place where access to a work is given. Groups are the holds of groups of people; the work is the zero Work where
// there is none of the name that was asked for.
func Decide(now time.Time, who account.Account, owned []License, groups hold.Set, w catalog.Work) Decision {
	if d := person(now, who, groups); d.Code != "" {
		return d
	}
	if d := work(now, w); d.Code != "" {
		return d
	}
	return library(now, owned)
}

// DecideLibrary is the same about the library as a whole, and no work of it.
func DecideLibrary(now time.Time, who account.Account, owned []License, groups hold.Set) Decision {
	if d := person(now, who, groups); d.Code != "" {
		return d
	}
	return library(now, owned)
}

// person is what keeps somebody from everything, or nothing.
func person(now time.Time, who account.Account, groups hold.Set) Decision {
	switch h, stopped := who.Stopped(groups); {
	case stopped && h.Final:
		return Decision{Code: AccountClosed, At: h.Since}
	case stopped:
		return Decision{Code: AccountHeld, At: h.Since}
	case !who.Agreed(now):
		return Decision{Code: TermsRequired}
	}
	return Decision{}
}

// work is what keeps everybody from a work, or nothing.
func work(now time.Time, w catalog.Work) Decision {
	today := civil.DateOf(now, civil.Tallinn)
	if w.ID == "" || today.Before(w.Distribution.From) { // what is not published yet is not there
		return Decision{Code: WorkUnknown}
	}
	switch w.Status(today) {
	case catalog.StatusSuspended:
		return Decision{Code: WorkSuspendedIP}
	case catalog.StatusWithdrawn:
		return Decision{Code: WorkWithdrawn, At: w.Distribution.Until.AddDays(1).Start(civil.Tallinn)}
	}
	return Decision{}
}

// library is what the licenses say.
func library(now time.Time, owned []License) Decision {
	for _, b := range byState {
		var best Decision
		for _, l := range owned {
			if l.now(now) == b.state && (best.Code == "" || nearer(b.code, b.at(l), best.At)) {
				best = Decision{b.code == Valid, b.code, l.ID, b.at(l)}
			}
		}
		if best.Code != "" {
			return best
		}
	}
	return Decision{Code: NoLicense}
}

// now is the state that a license speaks for: once its time is over, it no longer matters that it was annulled or on hold.
func (l License) now(now time.Time) State {
	if !now.Before(l.EndsAt) {
		return Expired
	}
	return l.At(now)
}

// nearer tells which of two licenses of one state speaks for it: the next to start, else the last to end.
func nearer(c Code, a, b time.Time) bool {
	if c == NotStarted {
		return a.Before(b)
	}
	return a.After(b)
}

// refusals are what reading without permission is refused with.
var refusals = map[Code]error{
	AccountClosed:   account.ErrClosed,
	AccountHeld:     account.ErrHeld,
	TermsRequired:   account.ErrTermsRequired,
	WorkUnknown:     catalog.ErrUnknown,
	WorkSuspendedIP: problem.New(problem.Gone, string(WorkSuspendedIP), "The work is not shown while a claim about its rights is looked into."),
	WorkWithdrawn:   problem.New(problem.Gone, string(WorkWithdrawn), "Its publisher no longer distributes this work."),
	IsRevoked:       problem.New(problem.Forbidden, string(IsRevoked), "The license was annulled."),
	IsSuspended:     problem.New(problem.Forbidden, string(IsSuspended), "The license is suspended."),
	NotStarted:      problem.New(problem.Forbidden, string(NotStarted), "The license has not started yet."),
	HasExpired:      problem.New(problem.Forbidden, string(HasExpired), "The license has ended."),
	NoLicense:       problem.New(problem.Forbidden, string(NoLicense), "The library opens with a license."),
}

// Err is why the work may not be opened, or nil where it may.
func (d Decision) Err() error {
	if d.Allowed {
		return nil
	}
	if err, ok := refusals[d.Code]; ok {
		return err
	}
	return refusals[NoLicense] // a decision that nobody made gives no access
}
