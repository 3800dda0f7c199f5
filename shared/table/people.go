package table

import (
	"context"
	"errors"
	"time"

	"opiq/shared/account"
	"opiq/shared/letter"
	"opiq/shared/license"
)

// Keep puts a registration and its letter. The registration waits in vain where its address is somebody's already.
func (t *Table) Keep(ctx context.Context, s account.SignUp, l letter.Letter) error {
	return t.commit(ctx, signUpRow(s), letterRow(l))
}

// KeepLetter puts a letter, once.
func (t *Table) KeepLetter(ctx context.Context, l letter.Letter) error {
	if err := t.commit(ctx, letterRow(l)); !errors.Is(err, ErrChanged) {
		return err
	}
	return nil
}

func signUpRow(s account.SignUp) row {
	return row{key: signUpKey(s.ID), kind: "signup", value: s, revision: s.Revision, expires: s.ExpiresAt.Add(time.Hour)}
}

// SignUp reads a registration; account.ErrToken where there is none (any more).
func (t *Table) SignUp(ctx context.Context, id account.SignUpID) (s account.SignUp, err error) {
	if err = t.one(ctx, signUpKey(id), &s); errors.Is(err, errNone) {
		err = account.ErrToken
	}
	return s, err
}

// Waiting are the registrations that wait for this address to be proved.
func (t *Table) Waiting(ctx context.Context, a account.Address, now time.Time) ([]account.SignUp, error) {
	items, err := t.partition(ctx, signUpPartition(a.Hash()), "SIGNUP#")
	if err != nil {
		return nil, err
	}
	var all []account.SignUp
	for _, i := range items {
		var s account.SignUp
		if err := decode(i, &s); err != nil {
			return nil, err
		}
		if _, err := s.Use(now); err == nil {
			all = append(all, s)
		}
	}
	return all, nil
}

// holder says whose an address is.
type holder struct {
	Account account.ID `json:"account"`
}

// Found makes the account of a registration, once per registration and once per address: else account.ErrToken.
func (t *Table) Found(ctx context.Context, used account.SignUp) error {
	a := used.Account
	err := t.commit(ctx, signUpRow(used), accountRow(a), row{key: addressKey(a.Address), kind: "address", value: holder{a.ID}})
	if errors.Is(err, ErrChanged) {
		return account.ErrToken
	}
	return err
}

func accountRow(a account.Account) row {
	return row{key: accountKey(a.ID), kind: "account", value: a, revision: a.Revision}
}

// ByAddress reads the account of an address, in the same number of steps whether or not there is one. No account has an empty ID.
func (t *Table) ByAddress(ctx context.Context, address account.Address) (a account.Account, err error) {
	var h holder
	if err = t.one(ctx, addressKey(address), &h); err != nil && !errors.Is(err, errNone) {
		return a, err
	}
	if err = t.one(ctx, accountKey(h.Account), &a); errors.Is(err, errNone) {
		err = nil
	}
	return a, err
}

// Account reads an account by its id; account.ErrSignedOut where there is none.
func (t *Table) Account(ctx context.Context, id account.ID) (a account.Account, err error) {
	if err = t.one(ctx, accountKey(id), &a); errors.Is(err, errNone) {
		err = account.ErrSignedOut
	}
	return a, err
}

// ChangeAccount stores a changed account, and the letters that follow from the change. ErrChanged where somebody was quicker.
func (t *Table) ChangeAccount(ctx context.Context, a account.Account, letters ...letter.Letter) error {
	rows := []row{accountRow(a)}
	for _, l := range letters {
		rows = append(rows, letterRow(l))
	}
	return t.commit(ctx, rows...)
}

// PutSession stores a session that began or ended.
func (t *Table) PutSession(ctx context.Context, s account.Session) error {
	return t.commit(ctx, row{key: sessionKey(s.Account, s.ID), kind: "session", value: s, revision: s.Revision, expires: s.ExpiresAt})
}

// Session reads the session of a token, with its account; account.ErrSignedOut where it signs nobody in.
func (t *Table) Session(ctx context.Context, token account.Token, now time.Time) (account.Session, account.Account, error) {
	if token == (account.Token{}) {
		return account.Session{}, account.Account{}, account.ErrSignedOut
	}
	items, err := t.get(ctx, accountKey(token.Account), sessionKey(token.Account, token.Session()))
	if err != nil {
		return account.Session{}, account.Account{}, err
	}
	return signedIn(items, token, now)
}

func signedIn(items map[key]item, token account.Token, now time.Time) (s account.Session, a account.Account, err error) {
	err = errors.Join(decode(items[sessionKey(token.Account, token.Session())], &s), decode(items[accountKey(token.Account)], &a))
	if err == nil && !s.Valid(a, now) {
		err = account.ErrSignedOut
	}
	return s, a, err
}

// Reader is all that an access decision needs, in one read: who is signed in, and every license they have.
func (t *Table) Reader(ctx context.Context, token account.Token, now time.Time) (account.Account, []license.License, error) {
	if token == (account.Token{}) {
		return account.Account{}, nil, account.ErrSignedOut
	}
	items, err := t.partition(ctx, accountPartition(token.Account), accessPrefix)
	if err != nil {
		return account.Account{}, nil, err
	}
	byKey := map[key]item{}
	licenses := []license.License{}
	for _, i := range items {
		byKey[keyOf(i)] = i
		if textOf(i["kind"]) == "license" {
			var l license.License
			if err := decode(i, &l); err != nil {
				return account.Account{}, nil, err
			}
			licenses = append(licenses, l)
		}
	}
	_, a, err := signedIn(byKey, token, now)
	return a, licenses, err
}

// Spend takes one try of a limit under a name; where none is left it answers how long to wait.
func (t *Table) Spend(ctx context.Context, name string, limit account.Limit, now time.Time) (wait time.Duration, err error) {
	for range 2 * limit.Max { // whoever is quicker takes a try, so this ends
		var tries account.Tries
		if err := t.one(ctx, triesKey(name), &tries); err != nil && !errors.Is(err, errNone) {
			return 0, err
		}
		spent, wait := tries.Spend(limit, now)
		if wait > 0 {
			return wait, nil
		}
		if err := t.putTries(ctx, name, spent); !errors.Is(err, ErrChanged) {
			return 0, err
		}
	}
	return limit.Per, nil
}

// Forgive gives the tries under a name back: the right password ends the count of the wrong ones.
func (t *Table) Forgive(ctx context.Context, name string) error {
	var tries account.Tries
	if err := t.one(ctx, triesKey(name), &tries); err != nil {
		return err
	}
	tries.Count = 0
	if err := t.putTries(ctx, name, tries); !errors.Is(err, ErrChanged) {
		return err
	}
	return nil // somebody tries at this moment: the count stays, and ends by itself
}

func (t *Table) putTries(ctx context.Context, name string, tries account.Tries) error {
	return t.commit(ctx, row{key: triesKey(name), kind: "tries", value: tries, revision: tries.Revision, expires: tries.Until.Add(time.Hour)})
}
