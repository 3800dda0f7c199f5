// Package ledger reads the whole table from outside and holds it against the invariants of the house: after every story,
// every broken call and every killed process they must hold, to the cent.
//
// The package is for tests, and for the stand-in account; no function has the right to read everything.
package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"opiq/shared/account"
	"opiq/shared/intake"
	"opiq/shared/invoice"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/reconciliation"
)

// Ledger is all that a table holds, by kind.
type Ledger struct {
	Accounts []account.Account
	SignUps  []account.SignUp
	Orders   []order.Order
	Attempts []order.Attempt
	Payments []payment.Payment
	Cases    []payment.Case
	Refused  []payment.Refused
	Licenses []license.License
	Entries  []reconciliation.Entry
	Invoices []invoice.Invoice
	Series   map[string]int // the last number of each year's
	Imports  []intake.Import
	Letters  []letter.Letter
	Keys     []account.Key
	Acts     []account.Act
}

// Read reads a table.
func Read(ctx context.Context, cfg aws.Config, name string) (Ledger, error) {
	var l Ledger
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(cfg), &dynamodb.ScanInput{TableName: &name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return l, err
		}
		for _, i := range page.Items {
			if err := l.add(i); err != nil {
				return l, err
			}
		}
	}
	return l, nil
}

// Holds reads a table and wants every invariant to hold.
func Holds(t testing.TB, cfg aws.Config, name string) Ledger {
	t.Helper()
	l, err := Read(t.Context(), cfg, name)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range l.Check() {
		t.Error(b)
	}
	return l
}

func (l *Ledger) add(i map[string]types.AttributeValue) (err error) {
	kind, _ := i["kind"].(*types.AttributeValueMemberS)
	if kind == nil {
		return fmt.Errorf("ledger: an item without a kind: %v", i["PK"])
	}
	switch kind.Value {
	case "account":
		l.Accounts, err = with(l.Accounts, i)
	case "signup":
		l.SignUps, err = with(l.SignUps, i)
	case "order":
		l.Orders, err = with(l.Orders, i)
	case "attempt":
		l.Attempts, err = with(l.Attempts, i)
	case "payment":
		l.Payments, err = with(l.Payments, i)
	case "case":
		l.Cases, err = with(l.Cases, i)
	case "refused":
		l.Refused, err = with(l.Refused, i)
	case "license":
		l.Licenses, err = with(l.Licenses, i)
	case "entry":
		l.Entries, err = with(l.Entries, i)
	case "invoice":
		l.Invoices, err = with(l.Invoices, i)
	case "series":
		var s struct {
			Last int `json:"last"`
		}
		err = decoder.Decode(&types.AttributeValueMemberM{Value: i}, &s)
		pk, _ := i["PK"].(*types.AttributeValueMemberS)
		if l.Series == nil {
			l.Series = map[string]int{}
		}
		l.Series[strings.TrimPrefix(pk.Value, "SERIES#")] = s.Last
	case "statement":
		l.Imports, err = with(l.Imports, i)
	case "mail":
		l.Letters, err = with(l.Letters, i)
	case "key":
		l.Keys, err = with(l.Keys, i)
	case "act":
		l.Acts, err = with(l.Acts, i)
	case "address", "tries", "placed", "booking", "numbered":
	default:
		err = fmt.Errorf("ledger: nobody knows items of kind %q", kind.Value)
	}
	return err
}

var decoder = attributevalue.NewDecoder(func(o *attributevalue.DecoderOptions) {
	o.TagKey = "json"
	o.UseEncodingUnmarshalers = true
})

func with[T any](list []T, i map[string]types.AttributeValue) ([]T, error) {
	var v T
	err := decoder.Decode(&types.AttributeValueMemberM{Value: i}, &v)
	return append(list, v), err
}

// Check holds the ledger against the invariants and names each breach.
func (l Ledger) Check() (breaches []string) {
	breach := func(format string, a ...any) { breaches = append(breaches, fmt.Sprintf(format, a...)) }
	licenses, receipts, confirmations := map[string]int{}, map[string]int{}, map[string]int{}
	for _, x := range l.Licenses {
		licenses[x.Order]++
	}
	for _, x := range l.Letters {
		switch x.Kind {
		case letter.PaymentReceipt:
			receipts[x.Facts["order"]]++
		case letter.OrderConfirmation:
			confirmations[x.Facts["order"]]++
		}
	}
	for _, o := range l.Orders {
		n, want := string(o.Number), 0
		if o.State == order.Paid || o.State == order.Reopened {
			want = 1
		}
		if licenses[n] != want || receipts[n] != want {
			breach("order %s is %s and has %d licenses and %d receipts", n, o.State, licenses[n], receipts[n])
		}
		if confirmations[n] != 1 {
			breach("order %s has %d confirmations", n, confirmations[n])
		}
		for i, h := range o.History {
			if h.Event == order.WasPaid && i < len(o.History)-1 && o.History[i+1].Event != order.WasTakenBack {
				breach("order %s: %s after it was paid", n, o.History[i+1].Event)
			}
		}
	}
	for _, x := range l.Licenses {
		i := slices.IndexFunc(l.Orders, func(o order.Order) bool { return string(o.Number) == x.Order && o.Account == x.Account })
		if i < 0 {
			breach("license %s has no order of its owner", x.ID)
			continue
		}
		held := slices.ContainsFunc(x.Holds, func(h account.Hold) bool { return h.Basis == account.PaymentReversed })
		if held != (l.Orders[i].State == order.Reopened) {
			breach("license %s is on hold for its money: %t, and its order is %s", x.ID, held, l.Orders[i].State)
		}
		if end := x.StartsOn.AddMonths(x.Months); end != x.EndsOn || !x.StartsAt.Equal(x.StartsOn.Start(x.Zone)) || !x.EndsAt.Equal(end.Start(x.Zone)) {
			breach("license %s of %d months runs from %s to %s", x.ID, x.Months, x.StartsAt, x.EndsAt)
		}
	}
	l.money(breach)
	l.entries(breach)
	l.invoices(breach)
	addresses := map[account.Address]int{}
	for _, a := range l.Accounts {
		if addresses[a.Address]++; addresses[a.Address] > 1 {
			breach("an address has %d accounts", addresses[a.Address])
		}
	}
	done := map[string]int{}
	for _, a := range l.Acts {
		done[string(a.What)+" "+a.Object]++
	}
	for _, k := range l.Keys {
		made, revoked, want := done[string(account.KeyMade)+" "+k.Actor().String()], done[string(account.KeyRevoked)+" "+k.Actor().String()], 0
		if !k.RevokedAt.IsZero() {
			want = 1
		}
		if made != 1 || revoked != want {
			breach("the key of %s was made by %d acts and revoked by %d", k.Name, made, revoked)
		}
	}
	for _, i := range l.Imports {
		told := done[string(intake.WasImported)+" statement:"+string(i.ID)] + done[string(intake.WasRefused)+" statement:"+string(i.ID)]
		if (told == 1) != (i.State != intake.Received) || told > 1 {
			breach("the import %s is %s, and %d acts tell of its end", i.ID, i.State, told)
		}
	}
	for _, a := range l.Accounts {
		if len(a.Roles) > 0 && done[string(account.Enrolled)+" "+a.Actor().String()] == 0 {
			breach("account %s has roles that no act tells of", a.ID)
		}
	}
	return breaches
}

// money holds every cent that came against what orders have taken of it and what goes back.
func (l Ledger) money(breach func(string, ...any)) {
	back, taken := map[payment.ID]money.Amount{}, map[order.Number]money.Amount{}
	for _, c := range l.Cases {
		if c.State == payment.Open {
			back[c.Payment] += c.Amount
		}
	}
	for _, p := range l.Payments {
		taken[p.Order] += p.Taken
		want := p.Amount
		if !p.ReturnedAt.IsZero() {
			want = 0
		}
		if p.Taken+back[p.ID] != want || p.Taken < 0 || back[p.ID] < 0 {
			breach("payment %s of %s: %s taken, %s to give back, returned %s", p.ID, p.Amount, p.Taken, back[p.ID], p.ReturnedAt)
		}
		delete(back, p.ID)
		if p.Attempt != "" && !slices.ContainsFunc(l.Attempts, func(a order.Attempt) bool {
			return a.Order == p.Order && a.ID == p.Attempt && a.State == order.Succeeded
		}) {
			breach("payment %s has no attempt that succeeded", p.ID)
		}
		if p.Attempt == "" && p.Entry == "" {
			breach("payment %s comes from nowhere", p.ID)
		}
	}
	for id := range back {
		breach("a case is of payment %s, which there is none of", id)
	}
	for _, o := range l.Orders {
		done := o.State == order.Cancelled || o.State == order.Expired
		if taken[o.Number] != o.Received || o.Open() < 0 || (o.State == order.Paid) != (o.Open() == 0) || done && o.Received != 0 {
			breach("order %s is %s: %s taken, %s received, %s left to pay", o.Number, o.State, taken[o.Number], o.Received, o.Open())
		}
	}
}

// entries holds every bank entry against the payments that it became.
func (l Ledger) entries(breach func(string, ...any)) {
	live, shown := map[string]money.Amount{}, map[string]int{}
	for _, p := range l.Payments {
		switch {
		case p.Entry == "":
		case p.Method == order.BankLink:
			shown[p.Entry]++
		case p.ReturnedAt.IsZero() || !l.undone(p):
			live[p.Entry] += p.Amount
		}
	}
	for _, e := range l.Entries {
		id, credit := string(e.ID), !e.Outward()
		allocated := money.Amount(0)
		for _, a := range e.Allocations {
			allocated += a.Amount
		}
		want, links := money.Amount(0), 0
		switch {
		case credit && (e.State == reconciliation.Allocated || e.State == reconciliation.Remainder):
			want = e.Bank.Amount
			if allocated+e.Remainder != e.Bank.Amount || (e.State == reconciliation.Remainder) != (e.Remainder > 0) {
				breach("entry %s of %s is %s: %s allocated, remainder %s", id, e.Bank.Amount, e.State, allocated, e.Remainder)
			}
		case e.State == reconciliation.Settled && len(e.Allocations) == 1: // by a bank link
			links = 1
		case e.State == reconciliation.Allocated: // a return
		case len(e.Allocations) > 0 || e.Remainder != 0 || e.Refund != 0:
			breach("entry %s is %s and was allocated", id, e.State)
		}
		if live[id]+e.Refund != want || shown[id] != links {
			breach("entry %s of %s is %s: payments of %s, refund %s; shows %d bank links", id, e.Bank.Amount, e.State, live[id], e.Refund, shown[id])
		}
	}
}

// undone tells whether the entry of a payment that went back is decided otherwise by now: else the bank took the money back.
func (l Ledger) undone(p payment.Payment) bool {
	return !slices.ContainsFunc(l.Entries, func(e reconciliation.Entry) bool {
		return string(e.ID) == p.Entry && slices.ContainsFunc(e.Allocations, func(a reconciliation.Allocation) bool { return a.Payment == p.ID })
	})
}

// invoices holds the series of each year against the invoices with its numbers.
func (l Ledger) invoices(breach func(string, ...any)) {
	count := map[string]int{}
	for _, i := range l.Invoices {
		year, _, _ := strings.Cut(string(i.Number), "-")
		count[year]++
		if !slices.ContainsFunc(l.Orders, func(o order.Order) bool {
			return o.Number == i.Order && o.Bill != nil && o.Bill.Invoice == string(i.Number)
		}) {
			breach("invoice %s is not the one of order %s", i.Number, i.Order)
		}
		if !slices.ContainsFunc(l.Letters, func(x letter.Letter) bool { return x.Kind == letter.Invoice && x.Facts["invoice"] == string(i.Number) }) {
			breach("invoice %s has no letter", i.Number)
		}
	}
	for year, last := range l.Series {
		if count[year] != last {
			breach("the series of %s is at %d, and there are %d invoices", year, last, count[year])
		}
		delete(count, year)
	}
	for year := range count {
		breach("there are invoices of %s and no series", year)
	}
}

// Told are the letters about licenses by their ids, and how far each license is.
func (l Ledger) Told() (letters, stages []string) {
	for _, x := range l.Letters {
		if x.Facts["license"] != "" {
			letters = append(letters, string(x.ID))
		}
	}
	for _, x := range l.Licenses {
		stages = append(stages, string(x.ID)+" "+string(x.Stage))
	}
	slices.Sort(letters)
	slices.Sort(stages)
	return letters, stages
}

// Count is how many letters of a kind there are.
func (l Ledger) Count(k letter.Kind) (n int) {
	for _, x := range l.Letters {
		if x.Kind == k {
			n++
		}
	}
	return n
}

// Unsent are the letters for which something is left to do.
func (l Ledger) Unsent() (ids []letter.ID) {
	for _, x := range l.Letters {
		if !x.Done() {
			ids = append(ids, x.ID)
		}
	}
	return ids
}
