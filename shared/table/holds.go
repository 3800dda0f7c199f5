package table

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/hold"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/order"
	"opiq/shared/service"
)

// Notices is the kind of the index for the holds of groups that their members are to be told of. They are few, and in one shard.
const Notices = "hold#notice"

// holdRow lists a record by its review; what is final comes after all that is looked at again.
func holdRow(r hold.Record) row {
	on := "9999-12-31"
	if !r.ReviewOn.IsZero() {
		on = r.ReviewOn.String()
	}
	x := row{key: holdKey(r.ID), kind: "hold", value: r, revision: r.Revision, list: holdList(r.State), on: on + "#" + string(r.ID)}
	if r.Telling != nil {
		x.due, x.at = duePartition(Notices, 0), instant(r.Telling.From)+"#"+string(r.ID)
	}
	return x
}

// Hold reads all about a hold; hold.ErrNotFound where there is none.
func (t *Table) Hold(ctx context.Context, id hold.ID) (r hold.Record, err error) {
	if err = t.one(ctx, holdKey(id), &r); errors.Is(err, errNone) {
		err = hold.ErrNotFound
	}
	return r, err
}

// HoldsOf are those of some holds that have a record, each named once. At most a hundred.
func (t *Table) HoldsOf(ctx context.Context, ids ...hold.ID) (records []hold.Record, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var keys []key
	for _, id := range ids {
		keys = append(keys, holdKey(id))
	}
	items, err := t.get(ctx, keys...)
	for _, k := range keys {
		if i, ok := items[k]; ok {
			records, err = more(records, i, err)
		}
	}
	return records, err
}

// Holds is a page of the holds of a state, by their review: candidates, as the index lists them.
func (t *Table) Holds(ctx context.Context, s hold.State, after string, most int) (page []hold.Record, next string, err error) {
	return listed[hold.Record](ctx, t, holdList(s), after, most, true)
}

// Closing is what a hold closes, as it stands; hold.ErrNoObject where there is no such thing. Every group is one, whoever is in it.
func (t *Table) Closing(ctx context.Context, on hold.Object) (thing service.Thing, err error) {
	scope, id := on.Split()
	switch scope {
	case hold.OnAccount:
		thing.Account, thing.Groups, err = t.stopped(ctx, account.ID(id))
		if err == nil {
			var breaches []hold.ID
			for _, b := range thing.Account.Breaches {
				breaches = append(breaches, b.Hold)
			}
			thing.Breaches, err = t.HoldsOf(ctx, breaches...)
		}
	case hold.OnLicense:
		if thing.License, err = t.license(ctx, license.ID(id)); err == nil {
			thing.Owner, thing.Groups, err = t.stopped(ctx, thing.License.Account)
		}
	case hold.OnGroup:
		thing.Group = &catalog.Group{ID: id}
		if err = t.one(ctx, groupKey(id), thing.Group); errors.Is(err, errNone) {
			err = nil
		}
	case hold.OnWork:
		work := catalog.WorkID(id)
		if !slices.ContainsFunc(catalog.Shelf{}.All(), func(w catalog.Work) bool { return w.ID == work }) {
			return thing, hold.ErrNoObject
		}
		thing.Work = &catalog.Change{ID: work}
		if err = t.one(ctx, changeKey(work), thing.Work); errors.Is(err, errNone) {
			err = nil
		}
	default:
		err = hold.ErrNoObject
	}
	if errors.Is(err, errNone) {
		err = hold.ErrNoObject
	}
	return thing, err
}

// stopped is an account and the holds of groups: all that may keep its owner from the service.
func (t *Table) stopped(ctx context.Context, id account.ID) (a *account.Account, groups hold.Set, err error) {
	a = new(account.Account)
	both, inner := errgroup.WithContext(ctx)
	both.Go(func() error { return t.one(inner, accountKey(id), a) })
	both.Go(func() error {
		shelf, err := t.Shelf(inner)
		groups = shelf.Groups
		return err
	})
	return a, groups, both.Wait()
}

// license reads a license by its id alone, which names the order that it was bought with.
func (t *Table) license(ctx context.Context, id license.ID) (*license.License, error) {
	o, err := t.Order(ctx, order.Number(strings.TrimPrefix(string(id), "L")))
	if errors.Is(err, order.ErrNotFound) {
		err = errNone
	}
	if err != nil {
		return nil, err
	}
	l := new(license.License)
	return l, t.one(ctx, licenseKey(o.Account, id), l)
}

// Decide stores what was decided about holds, whole or not at all. ErrChanged where any of it moved meanwhile: decide again.
func (t *Table) Decide(ctx context.Context, d service.Decision) error {
	return t.commit(ctx, decisionRows(d)...)
}

func decisionRows(d service.Decision) (rows []row) {
	for i, r := range d.Records {
		record := holdRow(r)
		rows = append(rows, record, actRow(d.Acts[i], record))
	}
	if d.Thing.Account != nil {
		rows = append(rows, accountRow(*d.Thing.Account))
	}
	if d.Thing.License != nil {
		rows = append(rows, licenseRow(*d.Thing.License))
	}
	if d.Thing.Group != nil {
		rows = append(rows, groupRow(*d.Thing.Group))
	}
	if d.Thing.Work != nil {
		rows = append(rows, changeRow(*d.Thing.Work))
	}
	return append(rows, letterRows(d.Letters)...)
}

// Person is all that people see who look after somebody: the account of an address, its licenses, and the holds of groups. No account
// has an empty ID.
func (t *Table) Person(ctx context.Context, address account.Address) (r license.Reader, err error) {
	var h holder
	if err = t.one(ctx, addressKey(address), &h); err != nil && !errors.Is(err, errNone) {
		return r, err
	}
	var items []item
	both, inner := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		items, err = t.partition(inner, accountPartition(h.Account), accessPrefix)
		return err
	})
	both.Go(func() (err error) {
		r.Shelf, err = t.Shelf(inner)
		return err
	})
	if err = both.Wait(); err == nil {
		_, err = access(items, &r)
	}
	return r, err
}

// Member reads an account, its membership of a group, and the group; the zero Member where it never was in it, account.ErrNoAccount
// where there is no such account, or its owner closed it.
func (t *Table) Member(ctx context.Context, id account.ID, g account.GroupID) (a account.Account, m account.Member, group catalog.Group, err error) {
	person, member, held := accountKey(id), memberKey(id, g), groupKey(string(g))
	items, err := t.get(ctx, person, member, held)
	if err != nil {
		return a, m, group, err
	}
	if items[person] == nil {
		return a, m, group, account.ErrNoAccount
	}
	if err = decode(items[person], &a); err == nil && !a.ClosedAt.IsZero() {
		return a, m, group, account.ErrNoAccount
	}
	if i, ok := items[member]; ok {
		err = errors.Join(err, decode(i, &m))
	}
	group.ID = string(g)
	if i, ok := items[held]; ok {
		err = errors.Join(err, decode(i, &group))
	}
	return a, m, group, err
}

// Enlist stores a membership that began or ended, with its act and letters. Where somebody joins a group on hold it is written again as it
// is, so that nobody joins while that changes. ErrChanged where somebody was quicker.
func (t *Table) Enlist(ctx context.Context, m account.Membership, group catalog.Group, letters []letter.Letter) error {
	member := row{key: memberKey(m.Member.Account, m.Member.Group), kind: "member", value: m.Member, revision: m.Member.Revision}
	if m.Member.LeftAt.IsZero() {
		member.list, member.on = groupList(m.Member.Group), string(m.Member.Account)
	}
	rows := append(letterRows(letters), accountRow(m.Account), member, actRow(m.Act, member))
	if len(group.Holds) > 0 && m.Member.LeftAt.IsZero() {
		rows = append(rows, groupRow(group))
	}
	return t.commit(ctx, rows...)
}

// Members is a page of the accounts in a group, as the index lists them. Next continues after it; empty is the end, and the beginning.
func (t *Table) Members(ctx context.Context, group, after string) (accounts []string, next string, err error) {
	page, next, err := listed[account.Member](ctx, t, groupList(account.GroupID(group)), after, hold.PerPage, true)
	for _, m := range page {
		accounts = append(accounts, string(m.Account))
	}
	return accounts, next, err
}

// Tell stores how far the members of a group have been told, with the letters that bring it so far. Not moved where somebody was quicker.
func (t *Table) Tell(ctx context.Context, r hold.Record, letters []letter.Letter) (moved bool, err error) {
	return quicker(t.commit(ctx, append(letterRows(letters), holdRow(r))...))
}

// DueNotices is a page of the holds of a shard whose members are to be told by now: candidates, as the index lists them. Next continues
// after it; empty is the end, and the beginning.
func (t *Table) DueNotices(ctx context.Context, shard int, now time.Time, after string) (page []hold.Record, next string, err error) {
	return due[hold.Record](ctx, t, Notices, shard, now, after)
}
