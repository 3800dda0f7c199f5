package main

import (
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
	"opiq/shared/letter"
	"opiq/shared/mail"
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
	return receipts{table.Open(cfg, name), ses, tokens, site, now}
}

func state(t *testing.T, cfg aws.Config, name string) letter.State {
	t.Helper()
	l, err := table.Open(cfg, name).Letter(t.Context(), waiting)
	if err != nil {
		t.Fatal(err)
	}
	return l.State
}

// TestALetterWithEveryCallBroken: it is never forgotten, and goes out twice only where SES took it and nobody heard, or where
// the note that it went was lost.
func TestALetterWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		plain, name := stage.Table(t)
		people.MoveIn(t, table.Open(plain, name))
		cfg, box := stage.Inbox(t, plain)
		clock := people.Noon
		r := post(t, broken(cfg), name, func() time.Time { return clock })
		return func(ctx context.Context) error {
				err := r.send(ctx, letter.Ready{Letter: waiting})
				clock = clock.Add(time.Minute) // the queue brings it again after the lease
				return err
			}, func(t *testing.T) {
				if n := len(box.Mail("mari@example.ee")); n < 1 || n > 2 {
					t.Errorf("it arrived %d times", n)
				}
				if s := state(t, plain, name); s != letter.Sent {
					t.Errorf("it is %s", s)
				}
			}
	})
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
	if n := len(box.Mail("mari@example.ee")); n != 1 || state(t, plain, name) != letter.Sent {
		t.Errorf("it arrived %d times and is %s", n, state(t, plain, name))
	}
}

// TestEveryLetterOfThePeopleCanBeSent: what the trade writes is what the letters need.
func TestEveryLetterOfThePeopleCanBeSent(t *testing.T) {
	plain, name := stage.Table(t)
	people.MoveIn(t, table.Open(plain, name))
	cfg, box := stage.Inbox(t, plain)
	r := post(t, cfg, name, people.Now)
	l := ledger.Holds(t, plain, name)
	for _, x := range l.Letters {
		if err := r.send(t.Context(), letter.Ready{Letter: x.ID}); err != nil {
			t.Errorf("%s: %v", x.ID, err)
		}
	}
	if got := count(box, "mari@example.ee", "kati@example.ee"); got != len(l.Letters) {
		t.Errorf("%d of %d arrived", got, len(l.Letters))
	}
}

func count(box *inbox.Inbox, to ...string) (n int) {
	for _, a := range to {
		n += len(box.Mail(a))
	}
	return n
}
