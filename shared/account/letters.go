package account

import (
	"strconv"
	"time"

	"opiq/shared/letter"
)

// Letter is what is written to the address of a registration: the link that proves it, or, to somebody who has an account
// already, that they have.
func (s SignUp) Letter(known Account, now time.Time) letter.Letter {
	l := letter.Letter{ID: letterID("signup/"+string(s.ID), letter.Verify, now), Kind: letter.Verify, CreatedAt: now.UTC()}
	if known.ID != "" {
		l.Kind, l.Account = letter.AccountExists, string(known.ID)
		return l
	}
	a := s.Account
	l.To, l.Language = string(a.Address), a.Language
	l.Facts = map[string]string{"signup": string(s.ID), "expires": now.UTC().Add(LinkLives).Format(time.RFC3339)}
	return l
}

// ResetLetter carries the link that sets a new password.
func (a Account) ResetLetter(now time.Time) letter.Letter {
	return letter.Letter{
		ID: letterID("account/"+string(a.ID), letter.PasswordReset, now), Kind: letter.PasswordReset, Account: string(a.ID), CreatedAt: now.UTC(),
		Facts: map[string]string{"reset": a.ResetSubject(), "expires": now.UTC().Add(LinkLives).Format(time.RFC3339)},
	}
}

// ChangedLetter tells that the password was changed.
func (a Account) ChangedLetter(now time.Time) letter.Letter {
	return letter.Letter{
		ID: letterID("account/"+string(a.ID), letter.PasswordChanged, now), Kind: letter.PasswordChanged, Account: string(a.ID), CreatedAt: now.UTC(),
	}
}

// letterID names a letter that may be asked for more than once: one a second.
func letterID(object string, k letter.Kind, now time.Time) letter.ID {
	return letter.ID(object + "/" + string(k) + "/" + strconv.FormatInt(now.Unix(), 10))
}
