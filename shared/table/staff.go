package table

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"opiq/shared/account"
)

// Enroll stores the account of somebody who works here, made or changed, with its act and its letters. ErrChanged where
// somebody was quicker.
func (t *Table) Enroll(ctx context.Context, e account.Enlisted) error {
	a := accountRow(e.Account)
	rows := append(letterRows(e.Letters), a, actRow(e.Act, a))
	if e.Account.Revision == 0 {
		address, err := t.claim(ctx, e.Account)
		if err != nil {
			return err
		}
		rows = append(rows, address)
	}
	return t.commit(ctx, rows...)
}

// Key reads a machine's key; account.ErrNoKey where there is none.
func (t *Table) Key(ctx context.Context, id account.KeyID) (k account.Key, err error) {
	if err = t.one(ctx, keyKey(id), &k); errors.Is(err, errNone) {
		err = account.ErrNoKey
	}
	return k, err
}

// ChangeKey stores a key, new or changed, with the act that it comes from. ErrChanged where somebody was quicker.
func (t *Table) ChangeKey(ctx context.Context, k account.Key, act account.Act) error {
	r := row{key: keyKey(k.ID), kind: "key", value: k, revision: k.Revision}
	return t.commit(ctx, r, actRow(act, r))
}

// Actor reads, in one step, who asks for something that needs a right: the machine whose key the header Authorization shows, or,
// without that header, whom the cookie signs in. It fails with account.ErrKey, ErrSignedOut, ErrHeld or ErrNotAllowed.
func (t *Table) Actor(ctx context.Context, authorization, cookie string, r account.Right, now time.Time) (account.Actor, error) {
	if authorization != "" {
		return t.machine(ctx, authorization, r)
	}
	token, err := account.ParseToken(cookie)
	if err != nil {
		return account.Actor{}, err
	}
	who, err := t.SignedIn(ctx, token, now)
	if err == nil {
		err = who.May(r)
	}
	if err != nil {
		return account.Actor{}, err
	}
	return who.Actor(), nil
}

func (t *Table) machine(ctx context.Context, authorization string, r account.Right) (account.Actor, error) {
	id, err := account.ParseKey(authorization)
	if err != nil {
		return account.Actor{}, err
	}
	k, err := t.Key(ctx, id)
	if err != nil && !errors.Is(err, account.ErrNoKey) {
		return account.Actor{}, err
	}
	if err := k.May(r); err != nil { // that there is none it says itself
		return account.Actor{}, err
	}
	return k.Actor(), nil
}

// Record stores an act that comes with no other write. The same one in the same second is one line.
func (t *Table) Record(ctx context.Context, a account.Act) error {
	id := strings.Join([]string{string(a.What), a.Object, a.Actor, fmt.Sprint(a.Detail)}, "\n")
	err := t.commit(ctx, row{key: actKey(a, digest(id)), kind: "act", value: a})
	if errors.Is(err, ErrChanged) {
		err = nil
	}
	return err
}

// actRow is a line of the audit trail about the write of an item. Its key is made from the deed, its object, the item and the
// revision that the write replaces, so that one write has one line of each deed, however often the same is tried.
func actRow(a account.Act, of row) row {
	id := strings.Join([]string{string(a.What), a.Object, of.key.pk, of.key.sk, strconv.Itoa(of.revision)}, "\n")
	return row{key: actKey(a, digest(id)), kind: "act", value: a}
}
