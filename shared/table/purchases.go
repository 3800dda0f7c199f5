package table

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/everypay"
	"opiq/shared/invoice"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/order"
	"opiq/shared/payment"
)

// placed lists an order among its buyer's.
type placed struct {
	Order order.Number `json:"order"`
}

// Buyer reads who is signed in and, in the same round trip, the order under a number; ok is false where there is none.
func (t *Table) Buyer(ctx context.Context, token account.Token, n order.Number, now time.Time) (who account.Account, o order.Order, ok bool, err error) {
	items, err := t.get(ctx, accountKey(token.Account), orderKey(n))
	if err != nil {
		return who, o, false, err
	}
	if who, err = signedIn(items[accountKey(token.Account)], token, now); err != nil {
		return who, o, false, err
	}
	i, ok := items[orderKey(n)]
	return who, o, ok, decode(i, &o)
}

// Place stores an order that was not there, with its letter, and answers the order that stands under the number: this one, or
// one that took the number before.
func (t *Table) Place(ctx context.Context, o order.Order) (order.Order, error) {
	err := t.commit(ctx, orderRow(o), row{key: placedKey(o.Account, o.PlacedAt, o.Number), kind: "placed", value: placed{o.Number}}, letterRow(o.Confirmation()))
	if errors.Is(err, ErrChanged) {
		return t.Order(ctx, o.Number)
	}
	return o, err
}

// Order is an order without what happened to its payments; order.ErrNotFound where there is none.
func (t *Table) Order(ctx context.Context, n order.Number) (o order.Order, err error) {
	if err = t.one(ctx, orderKey(n), &o); errors.Is(err, errNone) {
		err = order.ErrNotFound
	}
	return o, err
}

func orderRow(o order.Order) row {
	r := row{key: orderKey(o.Number), kind: "order", value: o, revision: o.Revision}
	if at, ok := o.Next(); ok {
		r.due, r.at = duePartition(Unpaid, shard(string(o.Number))), instant(at)+"#"+string(o.Number)
	}
	if at, ok := o.Checks(); ok {
		r.due, r.at = duePartition(Unchecked, shard(string(o.Number))), instant(at)+"#"+string(o.Number)
	}
	if o.Bill != nil && o.Takes() {
		r.list, r.on = openList(o.Open()), instant(o.PlacedAt)+"#"+string(o.Number)
	}
	return r
}

// Attempt stores an attempt that was not there, and answers the one that stands under its id.
func (t *Table) Attempt(ctx context.Context, a order.Attempt) (order.Attempt, error) {
	err := t.commit(ctx, attemptRow(a))
	if errors.Is(err, ErrChanged) {
		err = t.one(ctx, attemptKey(a.Order, a.ID), &a)
		return a, err
	}
	a.Revision = 1
	return a, err
}

func attemptRow(a order.Attempt) row {
	r := row{key: attemptKey(a.Order, a.ID), kind: "attempt", value: a, revision: a.Revision}
	if a.Pending() {
		r = r.waits(string(a.Stamp()), a.StartedAt, a.Nudged)
	}
	return r
}

// charged says whose a payment at the card provider is.
type charged struct {
	Order   order.Number    `json:"order"`
	Attempt order.AttemptID `json:"attempt"`
}

// Charge stores what the card provider calls the payment of an attempt. ErrChanged where somebody was quicker.
func (t *Table) Charge(ctx context.Context, a order.Attempt) error {
	return t.commit(ctx, attemptRow(a), row{key: cardKey(a.Reference), kind: "card", value: charged{a.Order, a.ID}})
}

// Charged is whose a payment at the card provider is; payment.UnknownAttempt where it is not one of ours.
func (t *Table) Charged(ctx context.Context, r everypay.Reference) (order.Number, order.AttemptID, error) {
	var c charged
	err := t.one(ctx, cardKey(r), &c)
	if errors.Is(err, errNone) {
		err = payment.UnknownAttempt
	}
	return c.Order, c.Attempt, err
}

// Orders are the buyer's latest orders, at most a hundred, the newest first, with who is signed in, in two round trips.
func (t *Table) Orders(ctx context.Context, token account.Token, now time.Time) ([]order.Order, error) {
	var keys []key
	both, inner := errgroup.WithContext(ctx)
	both.Go(func() error { _, err := t.SignedIn(inner, token, now); return err })
	both.Go(func() (err error) { keys, err = t.placed(inner, token.Account); return err })
	if err := both.Wait(); err != nil {
		return []order.Order{}, err
	}
	return t.orders(ctx, keys)
}

// OrdersOf are the same of an account, for who looks after its owner.
func (t *Table) OrdersOf(ctx context.Context, id account.ID) ([]order.Order, error) {
	keys, err := t.placed(ctx, id)
	if err != nil {
		return nil, err
	}
	return t.orders(ctx, keys)
}

// BooksOf are the books of all orders of an account, without licenses and the shelf.
func (t *Table) BooksOf(ctx context.Context, id account.ID) ([]payment.Book, error) {
	items, err := t.partition(ctx, accountPartition(id), placedPrefix)
	if err != nil {
		return nil, err
	}
	numbers, err := numbersOf(items)
	if err != nil {
		return nil, err
	}
	books := make([]payment.Book, len(numbers))
	all, inner := errgroup.WithContext(ctx)
	all.SetLimit(16)
	for i, n := range numbers {
		all.Go(func() (err error) { books[i], err = t.book(inner, n); return err })
	}
	return books, all.Wait()
}

// placed are the keys of an account's latest orders, the newest first.
func (t *Table) placed(ctx context.Context, id account.ID) (keys []key, err error) {
	list, err := t.client.Query(ctx, &dynamodb.QueryInput{
		TableName: &t.name, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("PK = :p AND begins_with(SK, :b)"),
		ExpressionAttributeValues: item{":p": text(accountPartition(id)), ":b": text(placedPrefix)},
		ScanIndexForward:          aws.Bool(false), Limit: aws.Int32(100),
	})
	if err != nil {
		return nil, err
	}
	numbers, err := numbersOf(list.Items)
	for _, n := range numbers {
		keys = append(keys, orderKey(n))
	}
	return keys, err
}

// numbersOf are the orders that items of a buyer's list name.
func numbersOf(items []item) (numbers []order.Number, err error) {
	for _, i := range items {
		var p placed
		err = errors.Join(err, decode(i, &p))
		numbers = append(numbers, p.Order)
	}
	return numbers, err
}

func (t *Table) orders(ctx context.Context, keys []key) ([]order.Order, error) {
	if len(keys) == 0 {
		return []order.Order{}, nil
	}
	found, err := t.get(ctx, keys...)
	if err != nil {
		return nil, err
	}
	orders := make([]order.Order, len(keys))
	for i, k := range keys {
		if err := decode(found[k], &orders[i]); err != nil {
			return nil, err
		}
	}
	return orders, nil
}

// Purchase is all about one order of whoever is signed in, in one round trip. Somebody else's is order.ErrNotFound.
func (t *Table) Purchase(ctx context.Context, token account.Token, n order.Number, now time.Time) (who account.Account, b payment.Book, err error) {
	who, b, err = t.purchase(ctx, token, n, now)
	if err == nil && licensed(b.Order) != (b.License != nil) {
		return t.purchase(ctx, token, n, now) // the order was settled between the two reads
	}
	return who, b, err
}

// licensed tells whether an order has its license.
func licensed(o order.Order) bool {
	return o.State == order.Paid || o.State == order.Reopened || o.State == order.Annulled
}

func (t *Table) purchase(ctx context.Context, token account.Token, n order.Number, now time.Time) (who account.Account, b payment.Book, err error) {
	var people map[key]item
	owned := licenseKey(token.Account, license.Of(string(n)))
	both, inner := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		people, err = t.get(inner, accountKey(token.Account), owned)
		return err
	})
	both.Go(func() (err error) {
		if b, err = t.book(inner, n); errors.Is(err, order.ErrNotFound) {
			err = nil // an error would end the other read
		}
		return err
	})
	if err = both.Wait(); err != nil {
		return who, payment.Book{}, err
	}
	if who, err = signedIn(people[accountKey(token.Account)], token, now); err != nil {
		return who, payment.Book{}, err
	}
	if b.Order.Account != who.ID {
		return who, payment.Book{}, order.ErrNotFound
	}
	if i, ok := people[owned]; ok {
		b.License = new(license.License)
		err = decode(i, b.License)
	}
	return who, b, err
}

// Book is all that is known about an order; order.ErrNotFound where there is none. An order that has a license takes one more
// round trip; where that is not there, somebody has to see it: the book is without.
func (t *Table) Book(ctx context.Context, n order.Number) (payment.Book, error) {
	books, err := t.Books(ctx, n)
	if err != nil {
		return payment.Book{}, err
	}
	if len(books) == 0 {
		return payment.Book{}, order.ErrNotFound
	}
	return books[0], nil
}

// Books are the books of those of some orders that there are, read at once.
func (t *Table) Books(ctx context.Context, numbers ...order.Number) ([]payment.Book, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	books := make([]payment.Book, len(numbers))
	var shelf catalog.Shelf
	all, inner := errgroup.WithContext(ctx)
	all.SetLimit(16)
	all.Go(func() (err error) { shelf, err = t.Shelf(inner); return err })
	for i, n := range numbers {
		all.Go(func() (err error) {
			if books[i], err = t.withLicense(inner, n); errors.Is(err, order.ErrNotFound) {
				err = nil
			}
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	for i := range books {
		books[i].Shelf = shelf
	}
	return slices.DeleteFunc(books, func(b payment.Book) bool { return b.Order.Number == "" }), nil
}

func (t *Table) withLicense(ctx context.Context, n order.Number) (payment.Book, error) {
	b, err := t.book(ctx, n)
	if err != nil || !licensed(b.Order) {
		return b, err
	}
	var l license.License
	switch err = t.one(ctx, licenseKey(b.Order.Account, license.Of(string(n))), &l); {
	case err == nil:
		b.License = &l
	case errors.Is(err, errNone):
		err = nil
	}
	return b, err
}

func (t *Table) book(ctx context.Context, n order.Number) (b payment.Book, err error) {
	items, err := t.partition(ctx, orderPartition(n), "")
	if err != nil {
		return b, err
	}
	for _, i := range items {
		switch textOf(i["kind"]) {
		case "order":
			err = errors.Join(err, decode(i, &b.Order))
		case "attempt":
			b.Attempts, err = more(b.Attempts, i, err)
		case "payment":
			b.Payments, err = more(b.Payments, i, err)
		case "case":
			b.Cases, err = more(b.Cases, i, err)
		case "refund":
			b.Refunds, err = more(b.Refunds, i, err)
		case "invoice":
			b.Invoice = new(invoice.Invoice)
			err = errors.Join(err, decode(i, b.Invoice))
		}
	}
	if err == nil && b.Order.Number == "" {
		err = order.ErrNotFound
	}
	slices.SortFunc(b.Attempts, func(x, y order.Attempt) int { return x.StartedAt.Compare(y.StartedAt) })
	return b, err
}

func more[T any](list []T, i item, err error) ([]T, error) {
	var v T
	err = errors.Join(err, decode(i, &v))
	return append(list, v), err
}

// Settle stores what money did, whole or not at all. ErrChanged where the order moved meanwhile: decide again.
func (t *Table) Settle(ctx context.Context, c payment.Change) error {
	return t.commit(ctx, changeRows(c)...)
}

func changeRows(c payment.Change) (rows []row) {
	if c.Attempt != nil {
		rows = append(rows, attemptRow(*c.Attempt))
	}
	for _, p := range c.Payments {
		rows = append(rows, paymentRow(p))
	}
	if c.Order != nil {
		rows = append(rows, orderRow(*c.Order))
	}
	if c.License != nil {
		rows = append(rows, licenseRow(*c.License))
	}
	for _, k := range c.Cases {
		rows = append(rows, row{
			key: caseKey(k.Order, k.Payment), kind: "case", value: k, revision: k.Revision, list: caseList(k.State), on: instant(k.OpenedAt) + "#" + string(k.Payment),
		})
	}
	for _, r := range c.Refunds {
		rows = append(rows, refundRow(r))
	}
	if c.Credit != nil {
		rows = append(rows, row{key: creditKey(c.Credit.Order, c.Credit.Number), kind: "credit", value: *c.Credit})
	}
	if c.Payout != nil {
		rows = append(rows, row{key: payoutKey(c.Payout.ID), kind: "payout", value: *c.Payout})
	}
	return append(rows, letterRows(c.Letters)...)
}

func refundRow(r payment.Refund) row {
	x := row{
		key: refundKey(r.Order, r.ID), kind: "refund", value: r, revision: r.Revision, list: refundList(r.State), on: instant(r.At) + "#" + string(r.ID),
	}
	if r.State == payment.Requested && r.Way == payment.ByCard {
		x = x.waits(string(r.ID), r.At, r.Nudged)
	}
	return x
}

func paymentRow(p payment.Payment) row {
	r := row{key: paymentKey(p.Order, p.ID), kind: "payment", value: p, revision: p.Revision}
	if p.Payer != "" {
		r.list, r.on = payerList(p.Payer), instant(p.BookedAt)+"#"+string(p.ID)
	}
	return r
}

// Refuse keeps a notice that did not fit, once however often it comes.
func (t *Table) Refuse(ctx context.Context, r payment.Refused) error {
	n := r.Notice
	from, what := string(n.Bank), []string{string(r.Reason), n.Service, n.Stamp, n.Number, n.Amount, n.Reference}
	if c := r.Card; c != nil {
		from, what = "card", []string{string(r.Reason), string(c.Reference), string(c.State), c.Order, c.Amount.String()}
	}
	k := refusedKey(from, strings.Join(what, "\n"))
	if err := t.commit(ctx, row{key: k, kind: "refused", value: r}); !errors.Is(err, ErrChanged) {
		return err
	}
	return nil
}

// Shards are how many partitions of the index each kind of due thing is spread over: a thousand write units a second each.
const Shards = 16

// The kinds of the index: what the schedules ask for.
const (
	Activation = "license#activation"
	Expiry     = "license#expiry"
	Unpaid     = "order#unpaid"
	Unchecked  = "order#paid"
	Leaving    = "account#left"
	Stuck      = "stuck"
)

func duePartition(kind string, shard int) string { return kind + "#" + string(rune('a'+shard)) }

// shard spreads things over the partitions of their kind by their names.
func shard(name string) int {
	h := fnv.New32a()
	h.Write([]byte(name))
	return int(h.Sum32() % Shards)
}

func licenseRow(l license.License) row {
	r := row{key: licenseKey(l.Account, l.ID), kind: "license", value: l, revision: l.Revision}
	if at, to, ok := l.Next(); ok {
		kind := Expiry
		if to == license.Active {
			kind = Activation
		}
		r.due, r.at = duePartition(kind, shard(string(l.ID))), instant(at)+"#"+string(l.ID)
	}
	return r
}

// DueLicenses is a page of the licenses of a kind and shard whose next moment has come, the longest waiting first: candidates, as
// the index lists them. Next continues after it; empty is the end, and the beginning.
func (t *Table) DueLicenses(ctx context.Context, kind string, shard int, now time.Time, after string) (page []license.License, next string, err error) {
	return due[license.License](ctx, t, kind, shard, now, after)
}

// DueOrders is the same of orders: those that nobody has paid (Unpaid), those that nobody has looked at since (Unchecked).
func (t *Table) DueOrders(ctx context.Context, kind string, shard int, now time.Time, after string) (page []order.Order, next string, err error) {
	return due[order.Order](ctx, t, kind, shard, now, after)
}

// DueAccounts is the same of accounts that their owners closed.
func (t *Table) DueAccounts(ctx context.Context, shard int, now time.Time, after string) (page []account.Account, next string, err error) {
	return due[account.Account](ctx, t, Leaving, shard, now, after)
}

func due[T any](ctx context.Context, t *Table, kind string, shard int, now time.Time, after string) (page []T, next string, err error) {
	items, next, err := t.dueItems(ctx, kind, shard, now, after)
	for _, i := range items {
		var v T
		if wrong := decode(i, &v); wrong != nil { // one that nobody can read keeps nobody from the others
			err = errors.Join(err, fmt.Errorf("table: %s %s: %w", textOf(i["PK"]), textOf(i["SK"]), wrong))
			continue
		}
		page = append(page, v)
	}
	return page, next, err
}

func (t *Table) dueItems(ctx context.Context, kind string, shard int, now time.Time, after string) (page []item, next string, err error) {
	out, err := t.client.Query(ctx, &dynamodb.QueryInput{
		TableName: &t.name, IndexName: aws.String("due"), Limit: aws.Int32(duePage), KeyConditionExpression: aws.String("due = :d AND dueAt BETWEEN :a AND :n"),
		ExpressionAttributeValues: item{":d": text(duePartition(kind, shard)), ":a": text(after + " "), ":n": text(instant(now) + "$")}, // "$" follows "#"
	})
	if err != nil {
		return nil, "", err
	}
	if n := len(out.Items); n > 0 && out.LastEvaluatedKey != nil {
		next = textOf(out.Items[n-1]["dueAt"])
	}
	return out.Items, next, nil
}

const duePage = 100

// Advance stores a license at its next stage, with its letter, and answers whether it moved: not where somebody was quicker.
func (t *Table) Advance(ctx context.Context, l license.License, tell letter.Letter) (moved bool, err error) {
	return quicker(t.commit(ctx, letterRow(tell), licenseRow(l)))
}

// Age is the same of an order, with what time does to its money or to what it was paid for.
func (t *Table) Age(ctx context.Context, c payment.Change) (moved bool, err error) {
	return quicker(t.commit(ctx, changeRows(c)...))
}

func quicker(err error) (bool, error) {
	if errors.Is(err, ErrChanged) {
		return false, nil
	}
	return err == nil, err
}

func letterRow(l letter.Letter) row {
	r := row{key: letterKey(l.ID), kind: "mail", value: l, revision: l.Revision}
	if !l.Done() {
		since := l.CreatedAt
		if l.HeldUntil.After(since) { // somebody is at it
			since = l.HeldUntil
		}
		r = r.waits(string(l.ID), since, l.Nudged)
	}
	if l.Passing() { // every other letter is a record
		r.expires = l.CreatedAt.Add(30 * 24 * time.Hour)
	}
	return r
}

func letterRows(letters []letter.Letter) (rows []row) {
	for _, l := range letters {
		rows = append(rows, letterRow(l))
	}
	return rows
}

// Letter reads a letter. That there is none is a fault: its id came from the table.
func (t *Table) Letter(ctx context.Context, id letter.ID) (l letter.Letter, err error) {
	return l, t.one(ctx, letterKey(id), &l)
}

// Written tells which of some letters there are, each named once, in one round trip. At most a hundred.
func (t *Table) Written(ctx context.Context, ids ...letter.ID) (map[letter.ID]bool, error) {
	var keys []key
	for _, id := range ids {
		keys = append(keys, letterKey(id))
	}
	items, err := t.get(ctx, keys...)
	written := map[letter.ID]bool{}
	for i, k := range keys {
		_, written[ids[i]] = items[k]
	}
	return written, err
}

// ChangeLetter stores a changed letter. ErrChanged where somebody was quicker.
func (t *Table) ChangeLetter(ctx context.Context, l letter.Letter) error {
	return t.commit(ctx, letterRow(l))
}

// Recipient is whom to write to for an account, and whether the service is stopped for them, by a hold of their own or of a group of
// theirs. The shelf, which has those of groups, is read for whoever is in one.
func (t *Table) Recipient(ctx context.Context, id string) (to letter.Recipient, err error) {
	a, err := t.Account(ctx, account.ID(id))
	if err != nil {
		return to, err
	}
	var shelf catalog.Shelf
	if len(a.Groups) > 0 {
		if shelf, err = t.shelf(ctx, false); err != nil {
			return to, err
		}
	}
	_, stopped := a.Stopped(shelf.Groups)
	return letter.Recipient{Address: string(a.Address), Name: a.FirstName + " " + a.LastName, Language: a.Language, Stopped: stopped, Left: !a.ClosedAt.IsZero()}, nil
}
