package table

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
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

// holder says whose an address is: nobody's, where its account was closed.
type holder struct {
	Account  account.ID `json:"account"`
	Revision int        `json:"revision"`
}

// Found makes the account of a registration, with the letters that follow, once per registration and once per address: else
// account.ErrToken.
func (t *Table) Found(ctx context.Context, used account.SignUp, letters ...letter.Letter) error {
	err := t.found(ctx, used, letters)
	if errors.Is(err, ErrChanged) { // an address that is free again may be gone since it was read (TTL): it is read once more
		err = t.found(ctx, used, letters)
	}
	if errors.Is(err, ErrChanged) {
		return account.ErrToken
	}
	return err
}

func (t *Table) found(ctx context.Context, used account.SignUp, letters []letter.Letter) error {
	address, err := t.claim(ctx, used.Account)
	if err != nil {
		return err
	}
	rows := []row{signUpRow(used), accountRow(used.Account), address}
	return t.commit(ctx, append(rows, letterRows(letters)...)...)
}

func accountRow(a account.Account) row {
	r := row{key: accountKey(a.ID), kind: "account", value: a, revision: a.Revision}
	if at, ok := a.Next(); ok {
		r.due, r.at = duePartition(Leaving, shard(string(a.ID))), instant(at)+"#"+string(a.ID)
	}
	return r
}

// claim is the row that makes an address an account's: of one that nobody has, or that is free again. ErrChanged where somebody has it.
func (t *Table) claim(ctx context.Context, a account.Account) (row, error) {
	var h holder
	if err := t.one(ctx, addressKey(a.Address), &h); err != nil && !errors.Is(err, errNone) {
		return row{}, err
	}
	if h.Account != "" {
		return row{}, ErrChanged
	}
	return addressRow(a.Address, holder{a.ID, h.Revision}), nil
}

func addressRow(a account.Address, h holder) row {
	return row{key: addressKey(a), kind: "address", value: h, revision: h.Revision}
}

// CloseAccount stores an account that its owner closed, and frees its address. ErrChanged where somebody was quicker.
func (t *Table) CloseAccount(ctx context.Context, c account.Closed) error {
	var h holder
	if err := t.one(ctx, addressKey(c.Account.Address), &h); err != nil {
		return err
	}
	free := addressRow(c.Account.Address, holder{"", h.Revision})
	free.expires = c.Account.ClosedAt
	a := accountRow(c.Account)
	return t.commit(ctx, a, free, actRow(c.Act, a), letterRow(c.Letter))
}

// Fade stores a closed account at its next step. Not moved where somebody was quicker.
func (t *Table) Fade(ctx context.Context, a account.Account) (moved bool, err error) {
	return quicker(t.ChangeAccount(ctx, a))
}

// eraseAtOnce is how many items one call of Erase takes away: heavy readers have tens of thousands, and others wait.
const eraseAtOnce = 1000

// Erase takes away what an account left in the reading room, so many items at most: nothing of them can be read from then on, and TTL removes
// the rest. It answers whether that was all; not where something was written meanwhile. Done again it goes on.
func (t *Table) Erase(ctx context.Context, id account.ID, now time.Time) (all bool, err error) {
	left := eraseAtOnce
	for _, begins := range traces {
		items, err := t.standing(ctx, accountPartition(id), begins, left)
		if err != nil {
			return false, err
		}
		for some := range slices.Chunk(items, 100) { // of one transaction
			var rows []row
			for _, i := range some {
				rows = append(rows, row{key: keyOf(i), kind: erased, value: struct{}{}, revision: numberOf(i["revision"]), expires: now})
			}
			if moved, err := quicker(t.commit(ctx, rows...)); err != nil || !moved {
				return false, err
			}
		}
		if left -= len(items); left == 0 {
			return false, nil
		}
	}
	return true, nil
}

// standing are the items of a partition that were not erased, at most so many.
func (t *Table) standing(ctx context.Context, pk, begins string, most int) (items []item, err error) {
	pages := dynamodb.NewQueryPaginator(t.client, &dynamodb.QueryInput{
		TableName: &t.name, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("PK = :p AND begins_with(SK, :b)"),
		FilterExpression:          aws.String("kind <> :e"),
		ExpressionAttributeValues: item{":p": text(pk), ":b": text(begins), ":e": text(erased)},
	})
	for pages.HasMorePages() && len(items) < most {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
	}
	return items[:min(len(items), most)], nil
}

// erased is the kind of an item that holds nothing any more.
const erased = "erased"

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
