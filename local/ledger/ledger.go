// Package ledger reads the whole table from outside and holds it against the invariants of the house: after every story,
// every broken call and every killed process they must hold, to the cent.
//
// The package is for tests; no function has the right to read everything.
package ledger

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"opiq/shared/account"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
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
	Letters  []letter.Letter
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
	case "mail":
		l.Letters, err = with(l.Letters, i)
	case "address", "tries", "placed":
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
	in, back := map[order.Number]money.Amount{}, map[order.Number]money.Amount{}
	for _, p := range l.Payments {
		in[p.Order] += p.Amount
		if !slices.ContainsFunc(l.Attempts, func(a order.Attempt) bool {
			return a.Order == p.Order && a.ID == p.Attempt && a.State == order.Succeeded
		}) {
			breach("payment %s has no attempt that succeeded", p.ID)
		}
	}
	for _, c := range l.Cases {
		back[c.Order] += c.Amount
		if !slices.ContainsFunc(l.Payments, func(p payment.Payment) bool { return p.ID == c.Payment && p.Amount == c.Amount }) {
			breach("refund case of %s has no payment of its amount", c.Payment)
		}
	}
	for _, o := range l.Orders {
		n, allocated := string(o.Number), money.Amount(0)
		if o.State == order.Paid {
			allocated = o.Price.Gross
		}
		if in[o.Number] != allocated+back[o.Number] {
			breach("order %s: %s in, %s allocated, %s to give back", n, in[o.Number], allocated, back[o.Number])
		}
		want := 0
		if o.State == order.Paid {
			want = 1
		}
		if licenses[n] != want || receipts[n] != want {
			breach("order %s is %s and has %d licenses and %d receipts", n, o.State, licenses[n], receipts[n])
		}
		if confirmations[n] != 1 {
			breach("order %s has %d confirmations", n, confirmations[n])
		}
		for i, h := range o.History {
			if h.Event == order.WasPaid && i < len(o.History)-1 {
				breach("order %s: %s after it was paid", n, o.History[i+1].Event)
			}
		}
	}
	for _, x := range l.Licenses {
		if !slices.ContainsFunc(l.Orders, func(o order.Order) bool {
			return string(o.Number) == x.Order && o.Account == x.Account && o.State == order.Paid
		}) {
			breach("license %s has no paid order of its owner", x.ID)
		}
		if end := x.StartsOn.AddMonths(x.Months); end != x.EndsOn || !x.StartsAt.Equal(x.StartsOn.Start(x.Zone)) || !x.EndsAt.Equal(end.Start(x.Zone)) {
			breach("license %s of %d months runs from %s to %s", x.ID, x.Months, x.StartsAt, x.EndsAt)
		}
	}
	addresses := map[account.Address]int{}
	for _, a := range l.Accounts {
		if addresses[a.Address]++; addresses[a.Address] > 1 {
			breach("an address has %d accounts", addresses[a.Address])
		}
	}
	return breaches
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
