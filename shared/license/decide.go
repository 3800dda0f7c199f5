package license

import (
	"time"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/problem"
)

// Code says why somebody may open a work, or why not.
type Code string

// The codes in their order of precedence: of several that hold, the first is the answer.
const (
	AccountHeld     Code = "ACCOUNT_HELD"
	TermsRequired   Code = "TERMS_REQUIRED"
	WorkSuspendedIP Code = "WORK_SUSPENDED_IP"
	WorkWithdrawn   Code = "WORK_WITHDRAWN"
	Valid           Code = "VALID"
	IsRevoked       Code = "REVOKED"
	IsSuspended     Code = "SUSPENDED"
	NotStarted      Code = "NOT_STARTED"
	HasExpired      Code = "EXPIRED"
	NoLicense       Code = "NO_LICENSE"
)

// Decision is the answer to "may this person open this work now?".
type Decision struct {
	Allowed bool      `json:"allowed"`
	Code    Code      `json:"code"`
	License ID        `json:"licenseId,omitempty"` // the license that decides
	At      time.Time `json:"at,omitzero"`         // the date that matters: when it ends, ended or will start
}

// byState are the codes of licenses in their order of precedence: one that is active is enough.
var byState = []struct {
	state State
	code  Code
	at    func(License) time.Time
}{
	{State(Active), Valid, func(l License) time.Time { return l.EndsAt }},
	{Annulled, IsRevoked, func(l License) time.Time { return l.AnnulledAt }},
	{Suspended, IsSuspended, func(l License) time.Time { return l.Holds[0].Since }},
	{State(Scheduled), NotStarted, func(l License) time.Time { return l.StartsAt }},
	{Expired, HasExpired, func(l License) time.Time { return l.EndsAt }},
}

// Decide is the only place where access is given.
func Decide(now time.Time, who account.Account, licenses []License, w catalog.Work) Decision {
	switch status := w.Status(civil.DateOf(now, civil.Tallinn)); {
	case who.Held():
		return Decision{Code: AccountHeld, At: who.Holds[0].Since}
	case !who.Agreed(now):
		return Decision{Code: TermsRequired}
	case status == catalog.StatusSuspended:
		return Decision{Code: WorkSuspendedIP}
	case status == catalog.StatusWithdrawn:
		return Decision{Code: WorkWithdrawn}
	}
	for _, b := range byState {
		var best Decision
		for _, l := range licenses {
			if l.At(now) == b.state && (best.At.IsZero() || nearer(b.code, b.at(l), best.At)) {
				best = Decision{b.code == Valid, b.code, l.ID, b.at(l)}
			}
		}
		if best.Code != "" {
			return best
		}
	}
	return Decision{Code: NoLicense}
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
	AccountHeld:     account.ErrHeld,
	TermsRequired:   account.ErrTermsRequired,
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
	return refusals[d.Code]
}
