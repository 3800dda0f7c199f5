package table

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

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
		if s.Waits(now) {
			all = append(all, s)
		}
	}
	return all, nil
}

// holder says whose an address is.
type holder struct {
	Account account.ID `json:"account"`
}

// Found makes the account of a registration, with the letters that follow, once per registration and once per address: else
// account.ErrToken.
func (t *Table) Found(ctx context.Context, used account.SignUp, letters ...letter.Letter) error {
	a := used.Account
	rows := []row{signUpRow(used), accountRow(a), addressRow(a)}
	err := t.commit(ctx, append(rows, letterRows(letters)...)...)
	if errors.Is(err, ErrChanged) {
		return account.ErrToken
	}
	return err
}

func accountRow(a account.Account) row {
	return row{key: accountKey(a.ID), kind: "account", value: a, revision: a.Revision}
}

func addressRow(a account.Account) row {
	return row{key: addressKey(a.Address), kind: "address", value: holder{a.ID}}
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

// Addressee reads the account of an address that somebody wants us to write to, as often as the limit of letters lets them;
// account.ErrTooManyLetters beyond it.
func (t *Table) Addressee(ctx context.Context, door string, address account.Address, ip string, now time.Time) (account.Account, error) {
	wait, err := t.Spend(ctx, account.Tried(door, address, ip), account.LetterTries, now)
	if err != nil {
		return account.Account{}, err
	}
	if wait > 0 {
		return account.Account{}, account.ErrTooManyLetters.After(wait)
	}
	return t.ByAddress(ctx, address)
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
	return t.commit(ctx, append(letterRows(letters), accountRow(a))...)
}

// SignedIn reads whom a token signs in; account.ErrSignedOut where that is nobody.
func (t *Table) SignedIn(ctx context.Context, token account.Token, now time.Time) (a account.Account, err error) {
	if err = t.one(ctx, accountKey(token.Account), &a); err == nil && !a.SignedIn(token, now) || errors.Is(err, errNone) {
		err = account.ErrSignedOut
	}
	return a, err
}

// signedIn is whom a token signs in by an account that was read, or that was not there.
func signedIn(i item, token account.Token, now time.Time) (a account.Account, err error) {
	if err = decode(i, &a); err == nil && !a.SignedIn(token, now) {
		err = account.ErrSignedOut
	}
	return a, err
}

// Reader is all that an access decision needs, in one round trip and without a write: who is signed in, every license they have, the
// shelf, and whether so much was read by them or at their address that they have to wait.
func (t *Table) Reader(ctx context.Context, token account.Token, ip string, now time.Time) (r license.Reader, err error) {
	var items []item
	var at account.Tries
	all, inner := errgroup.WithContext(ctx)
	all.Go(func() (err error) {
		items, err = t.partition(inner, accountPartition(token.Account), accessPrefix)
		return err
	})
	all.Go(func() (err error) {
		r.Shelf, err = t.Shelf(inner)
		return err
	})
	all.Go(func() error {
		if err := t.one(inner, triesKey(readAt(ip)), &at); !errors.Is(err, errNone) {
			return err
		}
		return nil
	})
	if err = all.Wait(); err != nil {
		return r, err
	}
	by, err := access(items, &r)
	if err == nil && !r.Who.SignedIn(token, now) {
		err = account.ErrSignedOut
	}
	r.Wait = max(by.Wait(account.ReadTries, now), at.Wait(account.ReadTriesAt, now))
	return r, err
}

// access reads what stands together for an access decision into a reader, and answers how much they have read.
func access(items []item, r *license.Reader) (by account.Tries, err error) {
	for _, i := range items {
		switch textOf(i["kind"]) {
		case "account":
			err = errors.Join(err, decode(i, &r.Who))
		case "license":
			r.Owned, err = more(r.Owned, i, err)
		case "tries":
			err = errors.Join(err, decode(i, &by))
		}
	}
	return by, err
}

// readAt is what reading from an address is counted under.
func readAt(ip string) string { return "read " + account.Network(ip) }

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
