package main

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/inbox"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/mail"
	"opiq/shared/papers"
	"opiq/shared/payment"
	"opiq/shared/table"
)

const waiting letter.ID = "order/" + letter.ID(people.Waiting) + "/confirmation"

// post is the function on real engines: cfg is for it, and the mailbox is where its letters arrive.
func post(t *testing.T, cfg aws.Config, name string, now func() time.Time) receipts {
	t.Helper()
	ses, err := mail.Open(cfg, "Opiq <no-reply@opiq.example>")
	if err != nil {
		t.Fatal(err)
	}
	return receipts{table.Open(cfg, name), ses, tokens, site, drawn, now}
}

// desk is how this shop invoices. It reminds nobody.
var desk = invoice.Desk{
	Accounts:  []invoice.Account{{IBAN: "EE382200221020145685", BIC: "HABAEE2X", Bank: "Swedbank"}},
	VATNumber: "EE101234567", Address: "Narva mnt 1, 10111 Tallinn", DueDays: 14, ExpireAfter: 14,
}

// bill gives the order that waits an invoice, to be sent to Mari and to a bookkeeper.
func bill(t *testing.T, s *table.Table) invoice.Invoice {
	t.Helper()
	buyer := invoice.Buyer{Name: "Kuuse Põhikool", Email: "books@example.ee"}
	i, err := s.Issue(t.Context(), 2026, func(n invoice.Number) (invoice.Issued, error) {
		b, err := s.Book(t.Context(), people.Waiting)
		if err != nil {
			return invoice.Issued{}, err
		}
		mari := people.Person(people.Mari, "Mari", "Maasikas", lang.Estonian)
		return desk.Issue(n, desk.Draft(b.Order, mari, &buyer, people.Noon), b.Order, people.Noon)
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func state(t *testing.T, cfg aws.Config, name string, id letter.ID) letter.State {
	t.Helper()
	l, err := table.Open(cfg, name).Letter(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return l.State
}

// TestALetterWithEveryCallBroken: it is never forgotten, and goes out twice only where SES took it and nobody heard, or where
// the note that it went was lost. Whenever it goes, its paper goes along.
func TestALetterWithEveryCallBroken(t *testing.T) {
	for id, to := range map[letter.ID]string{waiting: "mari@example.ee", "invoice/2026-000001/copy": "books@example.ee"} {
		t.Run(to, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				plain, name := stage.Table(t)
				people.MoveIn(t, table.Open(plain, name))
				i := bill(t, table.Open(plain, name))
				cfg, box := stage.Inbox(t, plain)
				clock := people.Noon
				r := post(t, broken(cfg), name, func() time.Time { return clock })
				return func(ctx context.Context) error {
						err := r.send(ctx, letter.Ready{Letter: id})
						clock = clock.Add(time.Minute) // the queue brings it again after the lease
						return err
					}, func(t *testing.T) {
						got := box.Mail(to)
						if n := len(got); n < 1 || n > 2 {
							t.Errorf("it arrived %d times", n)
						}
						if s := state(t, plain, name, id); s != letter.Sent {
							t.Errorf("it is %s", s)
						}
						for _, m := range got {
							if with := len(m.Attachments) == 1 && drawing(t, i, m.Attachments[0]); with != (id != waiting) {
								t.Errorf("it goes with %+v", m.Attachments)
							}
						}
					}
			})
		})
	}
}

// TestACreditInvoiceGoesAlong with the letter about the refund, as the buyer finds it under the order.
func TestACreditInvoiceGoesAlong(t *testing.T) {
	plain, name := stage.Table(t)
	s := table.Open(plain, name)
	people.MoveIn(t, s)
	refund := people.GiveBack(t, s, people.Running, payment.Ask{Reason: payment.NotSupplied, Key: "once"}, people.Noon)[0]
	cfg, box := stage.Inbox(t, plain)
	if err := post(t, cfg, name, people.Now).send(t.Context(), letter.Ready{Letter: letter.ID("refund/" + refund.ID + "/refund")}); err != nil {
		t.Fatal(err)
	}
	c, err := s.Credit(t.Context(), people.Running, refund.Credit)
	if err != nil {
		t.Fatal(err)
	}
	want, err := papers.Credit(c)
	got := box.Mail("mari@example.ee")
	if err != nil || len(got) != 1 || len(got[0].Attachments) != 1 {
		t.Fatal(err, got)
	}
	if a := got[0].Attachments[0]; a.Name != "credit-2026-000001.pdf" || a.Type != "application/pdf" || !bytes.Equal(a.Data, want) {
		t.Errorf("%s, %s", a.Name, a.Type)
	}
}

// drawing tells whether an attachment is the paper of an invoice.
func drawing(t *testing.T, i invoice.Invoice, a inbox.Attachment) bool {
	t.Helper()
	want, err := papers.Invoice(i)
	if err != nil {
		t.Fatal(err)
	}
	return a.Name == "invoice-"+string(i.Number)+".pdf" && a.Type == "application/pdf" && bytes.Equal(a.Data, want)
}

func TestALetterThatComesManyTimesAtOnceGoesOutOnce(t *testing.T) {
	plain, name := stage.Table(t)
	people.MoveIn(t, table.Open(plain, name))
	cfg, box := stage.Inbox(t, plain)
	r := post(t, cfg, name, people.Now)
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() { _ = r.send(t.Context(), letter.Ready{Letter: waiting}) }) // most find it taken
	}
	wait.Wait()
	if n := len(box.Mail("mari@example.ee")); n != 1 || state(t, plain, name, waiting) != letter.Sent {
		t.Errorf("it arrived %d times and is %s", n, state(t, plain, name, waiting))
	}
}

// TestEveryLetterOfThePeopleCanBeSent: what the trade writes is what the letters need.
func TestEveryLetterOfThePeopleCanBeSent(t *testing.T) {
	plain, name := stage.Table(t)
	people.MoveIn(t, table.Open(plain, name))
	bill(t, table.Open(plain, name))
	cfg, box := stage.Inbox(t, plain)
	r := post(t, cfg, name, people.Now)
	l := ledger.Holds(t, plain, name)
	for _, x := range l.Letters {
		if err := r.send(t.Context(), letter.Ready{Letter: x.ID}); err != nil {
			t.Errorf("%s: %v", x.ID, err)
		}
	}
	if got := count(box, "mari@example.ee", "kati@example.ee", "books@example.ee"); got != len(l.Letters) {
		t.Errorf("%d of %d arrived", got, len(l.Letters))
	}
}

func count(box *inbox.Inbox, to ...string) (n int) {
	for _, a := range to {
		n += len(box.Mail(a))
	}
	return n
}
