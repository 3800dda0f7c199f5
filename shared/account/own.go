package account

import (
	"slices"
	"time"

	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/problem"
	"opiq/shared/typed"
)

// Why somebody cannot close their account by themselves: holds (ErrHeld, ErrClosed) besides, and money that is under way.
var ErrOfSchool = problem.New(problem.Forbidden, "closing_by_school", "This account is of a school. Its representative asks for its closing.")

// AccountLeft is what an owner did who closed their account.
const AccountLeft Deed = "account_left"

// Details are what people may change about themselves. What is absent stays as it is.
type Details struct {
	FirstName *string `json:"firstName"`
	LastName  *string `json:"lastName"`
	Language  *string `json:"language"`
}

// Check names every field that breaks a rule.
func (d *Details) Check() (wrong []problem.Field) {
	if d.FirstName != nil {
		wrong = append(wrong, checkName("/firstName", *d.FirstName)...)
	}
	if d.LastName != nil {
		wrong = append(wrong, checkName("/lastName", *d.LastName)...)
	}
	if d.Language != nil {
		wrong = append(wrong, checkLanguage("/language", *d.Language)...)
	}
	return wrong
}

// With is the account with other details. What was ordered and invoiced under the old ones stays as it was.
func (a Account) With(d Details) Account {
	if d.FirstName != nil {
		a.FirstName = typed.Line(*d.FirstName)
	}
	if d.LastName != nil {
		a.LastName = typed.Line(*d.LastName)
	}
	if d.Language != nil {
		a.Language, _ = lang.Parse(*d.Language)
	}
	return a
}

// WantsOffers tells whether its owner has said yes to offers by e-mail, and not taken that back.
func (a Account) WantsOffers() bool {
	n := len(a.Marketing)
	return n > 0 && a.Marketing[n-1].WithdrawnAt.IsZero()
}

// Consents is the account with its owner's yes to offers by e-mail. Another yes changes nothing.
func (a Account) Consents(now time.Time) Account {
	if !a.WantsOffers() {
		a.Marketing = append(slices.Clone(a.Marketing), Consent{At: now.UTC(), Text: offersText})
	}
	return a
}

// Withdraws is the account after that yes was taken back.
func (a Account) Withdraws(now time.Time) Account {
	if a.WantsOffers() {
		a.Marketing = slices.Clone(a.Marketing)
		a.Marketing[len(a.Marketing)-1].WithdrawnAt = now.UTC()
	}
	return a
}

// Replacement is a new password of somebody who knows the old one.
type Replacement struct {
	Old string `json:"old"`
	New string `json:"new"`
}

// Check names every wrong field.
func (r *Replacement) Check() (wrong []problem.Field) {
	if f := checkPassword("/new", r.New, ""); f != nil {
		wrong = append(wrong, *f)
	}
	return append(wrong, Required("/old", r.Old)...)
}

// Replace sets a new password and ends every session; the browser that it is done in gets a new one.
func (a Account) Replace(h Hash, now time.Time) (Account, Token) {
	return a.renew(h).SignIn(now)
}

// WrongPassword is what somebody gets who is signed in and does not know the password.
func WrongPassword(pointer string) error {
	return problem.Wrong([]problem.Field{{Pointer: pointer, Code: "wrong_password", Detail: "This is not the password of the account."}})
}

// Waiting is how long the name and the address of somebody who closed their account are kept, and what they read and wrote: letters
// about money still find them.
const Waiting = 14 * 24 * time.Hour

// settling is how long after the closing nobody who was signed in before is still at something.
const settling = time.Minute

// Closed is what becomes of an account that its owner closed. The address is free for a new one.
type Closed struct {
	Account Account
	Act     Act
	Letter  letter.Letter
}

// Close ends the account: nobody signs in any more, so a license opens nothing. The rest is done by time (see Next). Somebody of a school
// cannot do so by themselves (ErrOfSchool), nor who is on hold, until that is clarified (ErrHeld, ErrClosed).
func (a Account) Close(now time.Time) (Closed, error) {
	if len(a.Groups) > 0 {
		return Closed{}, ErrOfSchool
	}
	if err := a.serves(nil); err != nil {
		return Closed{}, err
	}
	a = a.renew("").Withdraws(now)
	a.Roles = nil
	a.ClosedAt = now.UTC()
	return Closed{
		Account: a,
		Act:     Act{At: now.UTC(), Actor: Owner.String(), What: AccountLeft, Object: accountObject(a.ID)},
		Letter:  letter.Letter{ID: letterID("account/"+string(a.ID), letter.AccountLeft, now), Kind: letter.AccountLeft, Account: string(a.ID), CreatedAt: now.UTC()},
	}, nil
}

// Next is when time next does something to an account that its owner closed: its orders end, and then it is erased.
func (a Account) Next() (at time.Time, ok bool) {
	switch {
	case a.ClosedAt.IsZero() || !a.ErasedAt.IsZero():
		return time.Time{}, false
	case a.EndedAt.IsZero():
		return a.ClosedAt.Add(settling), true
	}
	return a.ClosedAt.Add(Waiting), true
}

// End is the closed account after its orders ended.
func (a Account) End(now time.Time) Account {
	a.EndedAt = now.UTC()
	return a
}

// Erase takes out of the closed account whatever says who its owner was (R-156, AMB-18), but for their name where books are made out to it.
// What stays is that there was an account, and under its ID what it ordered and agreed to.
func (a Account) Erase(named bool, now time.Time) Account {
	a.Address = ""
	if !named {
		a.FirstName, a.LastName = "", ""
	}
	a.Accepted = slices.Clone(a.Accepted)
	for i := range a.Accepted {
		a.Accepted[i].IP = ""
	}
	a.ErasedAt = now.UTC()
	return a
}
