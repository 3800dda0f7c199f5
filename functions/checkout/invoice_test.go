package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/order"
	"opiq/shared/seller"
	"opiq/shared/table"
)

// ask asks for the invoice of Mari's order, made out to a buyer or to herself.
func ask(ctx context.Context, c checkout, n order.Number, buyer *invoice.Buyer) (order.InvoiceDocument, error) {
	path := map[string]string{"number": string(n)}
	out, err := c.routes().Handle(ctx, people.Request("POST /v1/orders/{number}/payments", people.Mari, path, choice{Method: order.ByInvoice, Buyer: buyer}))
	if err == nil && out.StatusCode != 201 {
		err = fmt.Errorf("%w: %d %s", errStatus, out.StatusCode, out.Body)
	}
	var answer invoiced
	if err == nil {
		err = json.Unmarshal([]byte(out.Body), &answer)
	}
	return answer.Invoice, err
}

func TestAnInvoiceGoesToWhoOrderedAndToWhomTheyName(t *testing.T) {
	cfg, name := stage.Table(t)
	people.MoveIn(t, table.Open(cfg, name))
	if _, err := ask(t.Context(), simple(cfg, name), people.Waiting, &people.School); err != nil {
		t.Fatal(err)
	}
	l := ledger.Holds(t, cfg, name)
	for _, x := range l.Letters {
		to := letter.Recipient{Address: "mari@example.ee", Name: "Mari Maasikas", Language: lang.Estonian}
		switch x.Kind {
		case letter.Invoice:
			if x.Account != string(people.Mari) || x.To != "" {
				t.Errorf("the invoice goes to account %q and address %q", x.Account, x.To)
			}
		case letter.InvoiceCopy:
			if to = x.Recipient(); x.Account != "" || to.Address != people.School.Email || to.Language != lang.Estonian {
				t.Errorf("the copy goes to account %q and to %+v", x.Account, to)
			}
			for name, fact := range x.Facts { // nobody gets to read from us what somebody typed
				if strings.Contains(fact, people.School.Name) || strings.Contains(fact, "Mari") {
					t.Errorf("the copy says %s: %s", name, fact)
				}
			}
		default:
			continue
		}
		if _, err := letter.Render(x, to, letter.Site{PublicURL: people.PublicURL, Seller: seller.StarCloud}, ""); err != nil {
			t.Error(err)
		}
	}
	if l.Count(letter.Invoice) != 1 || l.Count(letter.InvoiceCopy) != 1 || l.Invoices[0].Buyer != people.School {
		t.Errorf("%d invoices and %d copies, made out to %+v", l.Count(letter.Invoice), l.Count(letter.InvoiceCopy), l.Invoices[0].Buyer)
	}
}

// TestTheCodeForBankAppsSaysWhatThePayerWouldType as EPC069-12, version 002, has it: lines that end without a carriage return, none
// of them too long, the reference in its international form.
func TestTheCodeForBankAppsSaysWhatThePayerWouldType(t *testing.T) {
	cfg, name := stage.Table(t)
	people.MoveIn(t, table.Open(cfg, name))
	i, err := ask(t.Context(), simple(cfg, name), people.Waiting, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"BCD", "002", "1", "SCT", i.BIC, i.PayTo, i.IBAN, "EUR" + i.Amount.String(), "", i.RF}
	if got := strings.Split(i.QR, "\n"); !slices.Equal(got, want) || len(i.QR) > 331 || strings.Contains(i.QR, "\r") {
		t.Errorf("it says %q", i.QR)
	}
	if i.Amount != 496 || i.RF != "RF9311111111136" || i.Reference != "11111111136" || i.IBAN != people.Desk.Accounts[0].IBAN {
		t.Errorf("%+v", i)
	}
}

func TestInvoicingWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		c := simple(broken(cfg), name)
		return func(ctx context.Context) error {
				_, err := ask(ctx, c, people.Waiting, &people.School)
				return err
			}, func(t *testing.T) {
				people.Buy(t, s, "2222222222", civil.Date{Year: 2026, Month: 12, Day: 1}, false)
				next, err := ask(t.Context(), simple(cfg, name), "2222222222", nil)
				if err != nil || next.Number != "2026-000002" {
					t.Errorf("the next invoice is %s (%v)", next.Number, err)
				}
				l := ledger.Holds(t, cfg, name)
				if len(l.Invoices) != 2 || l.Count(letter.Invoice) != 2 || l.Count(letter.InvoiceCopy) != 1 {
					t.Errorf("%d invoices, %d letters, %d copies", len(l.Invoices), l.Count(letter.Invoice), l.Count(letter.InvoiceCopy))
				}
			}
	})
}

// TestFiftyBuyersAtOnce: five of them ask twice, each with a copy to a school of its own.
func TestFiftyBuyersAtOnce(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	const many = 50
	for i := range many {
		people.Buy(t, s, order.Number(fmt.Sprint(3_000_000_000+i)), civil.Date{Year: 2026, Month: 12, Day: 1}, false)
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	orders := map[string]order.Number{} // by the numbers of their invoices
	buy := func(n order.Number, buyer *invoice.Buyer) {
		made, err := ask(t.Context(), simple(cfg, name), n, buyer)
		mu.Lock()
		defer mu.Unlock()
		if other := orders[made.Number]; err != nil || other != "" && other != n {
			t.Errorf("order %s has invoice %q, and order %s has it (%v)", n, made.Number, other, err)
		}
		orders[made.Number] = n
	}
	for i := range many {
		n := order.Number(fmt.Sprint(3_000_000_000 + i))
		if i%10 > 0 {
			wait.Go(func() { buy(n, nil) })
			continue
		}
		school := people.School
		school.Email = fmt.Sprintf("arved@kool%d.example", i)
		for range 2 {
			wait.Go(func() { buy(n, &school) })
		}
	}
	wait.Wait()
	for i := range many {
		if n := invoice.NumberOf(2026, i+1); orders[string(n)] == "" {
			t.Errorf("nobody has %s", n)
		}
	}
	l := ledger.Holds(t, cfg, name)
	if l.Count(letter.Invoice) != many || l.Count(letter.InvoiceCopy) != many/10 {
		t.Errorf("%d letters, %d copies", l.Count(letter.Invoice), l.Count(letter.InvoiceCopy))
	}
}

// TestCopiesToStrangersAreCounted: five to one address, however it is written, and twenty to all.
func TestCopiesToStrangersAreCounted(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	for i := range 23 {
		n, school := order.Number(fmt.Sprint(3_000_000_000+i)), people.School
		people.Buy(t, s, n, civil.Date{Year: 2026, Month: 12, Day: 1}, false)
		if i > 5 {
			school.Email = fmt.Sprintf("arved@kool%d.example", i)
		} else if i%2 > 0 {
			school.Email = strings.ToUpper(school.Email)
		}
		_, err := ask(t.Context(), simple(cfg, name), n, &school)
		if stopped := i == 5 || i > 20; stopped != (err != nil) || stopped && !strings.Contains(err.Error(), "too_many_letters") {
			t.Errorf("copy %d to %s: %v", i+1, school.Email, err)
		}
	}
	if l := ledger.Holds(t, cfg, name); l.Count(letter.InvoiceCopy) != account.CopyTries.Max {
		t.Errorf("%d copies", l.Count(letter.InvoiceCopy))
	}
	unsent := people.School
	unsent.Email = ""
	if _, err := ask(t.Context(), simple(cfg, name), people.Waiting, &unsent); err != nil {
		t.Errorf("without a copy: %v", err)
	}
}
