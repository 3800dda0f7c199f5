package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/bucket"
	"opiq/shared/intake"
	"opiq/shared/money"
	"opiq/shared/queue"
	"opiq/shared/reconciliation"
	"opiq/shared/table"
)

var liis = account.Actor{Account: people.Liis}

// world is a table and a bucket, and the function that reads them.
func world(t testing.TB) (cfg aws.Config, name, uploads string, r reading) {
	t.Helper()
	cfg, name = stage.Table(t)
	cfg, uploads = stage.Bucket(t, cfg)
	return cfg, name, uploads, open(cfg, name, uploads)
}

func open(cfg aws.Config, name, uploads string) reading {
	return reading{table.Open(cfg, name), bucket.Open(cfg, uploads), people.Desk.IBANs(), people.Now}
}

// upload puts a file where a link says.
func upload(t testing.TB, cfg aws.Config, uploads string, id intake.ID, file []byte) {
	t.Helper()
	to, err := bucket.Open(cfg, uploads).Upload(t.Context(), id.Object(), "application/xml", int64(len(file)), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), to.Method, to.URL, bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range to.Headers {
		r.Header.Set(k, v)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Fatalf("the upload is answered with %d", answer.StatusCode)
	}
}

// handIn writes the import of an upload, as it is before it was read.
func handIn(t testing.TB, r reading, id intake.ID) {
	t.Helper()
	if err := r.store.ChangeStatement(t.Context(), intake.Receive(id, liis, people.Noon)); err != nil {
		t.Fatal(err)
	}
}

// credits are payments of Mari's waiting order under numbers of the bank.
func credits(from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, people.Credit(fmt.Sprintf("2026112000%06d-1", i), money.Amount(100+i%900), people.Waiting))
	}
	return all
}

func TestEvents(t *testing.T) {
	golden.Events(t, "statement-intake", func(t *testing.T, _ string, event []byte) any {
		cfg, name, uploads, r := world(t)
		name16 := func(s string) intake.ID { return intake.ID(strings.Repeat(s, 16)) }
		whole := people.Statement(credits(0, 3)...)
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := w.Write(whole); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		foreign := strings.ReplaceAll(string(people.Message("camt.053", "EE471000001020145685", credits(5, 6)...)), `<?xml version="1.0" encoding="UTF-8"?>`, "")
		_, second, _ := strings.Cut(foreign, "</GrpHdr>")
		first, _, _ := strings.Cut(string(whole), "</BkToCstmrStmt>")
		for id, file := range map[string][]byte{
			"a1": whole, "a2": packed.Bytes(), "a3": []byte(first + second), "a4": whole[:len(whole)-100],
		} {
			upload(t, cfg, uploads, name16(id), file)
		}
		for _, id := range []string{"a1", "a2", "a3", "a4", "a5"} {
			handIn(t, r, name16(id))
		}
		done, act := intake.Receive(name16("a6"), liis, people.Noon).End(intake.Summary{Accounts: people.Desk.IBANs()}, people.Noon)
		if err := r.store.ChangeStatement(t.Context(), done, act); err != nil {
			t.Fatal(err)
		}

		var e events.SQSEvent
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		answer, err := queue.Handler[intake.Ready](r.handle).Handle(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		l := ledger.Holds(t, cfg, name)
		moved := []intake.Import{}
		for _, i := range l.Imports {
			if i.State != intake.Received && i.ID != done.ID {
				moved = append(moved, i)
			}
		}
		acts := slices.DeleteFunc(l.Acts, func(a account.Act) bool { return a.Object == act.Object })
		kept := []string{}
		for _, k := range l.Entries {
			kept = append(kept, fmt.Sprintf("%s %s %s by %s in %s", k.State, k.Bank.BankRef, k.Bank.Amount, k.History[0].By, k.Statement))
		}
		slices.Sort(kept)
		return map[string]any{"answer": answer, "imports": moved, "acts": acts, "kept": kept}
	})
}

const id = intake.ID("0123456789abcdef0123456789abcdef")

func TestAnIntakeWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name, uploads, r := world(t)
		upload(t, cfg, uploads, id, people.Statement(append(credits(0, 4), people.Batch("B1", 10_000, people.Part("T1", 3000, people.Waiting), people.Part("T2", 7000, people.Running)))...))
		handIn(t, r, id)
		read := open(broken(cfg), name, uploads)
		return func(ctx context.Context) error { return read.handle(ctx, intake.Ready{Statement: id}) }, func(t *testing.T) {
			l := ledger.Holds(t, cfg, name)
			if len(l.Entries) != 6 || len(l.Imports) != 1 || l.Imports[0].State != intake.Done || l.Imports[0].Summary.Entries != 6 || len(l.Acts) != 1 {
				t.Errorf("%d entries, %+v", len(l.Entries), l.Imports)
			}
		}
	})
}

func TestARefusalWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name, uploads, r := world(t)
		upload(t, cfg, uploads, id, people.Statement(credits(0, 4)...)[:1500])
		handIn(t, r, id)
		read := open(broken(cfg), name, uploads)
		return func(ctx context.Context) error { return read.handle(ctx, intake.Ready{Statement: id}) }, func(t *testing.T) {
			l := ledger.Holds(t, cfg, name)
			if len(l.Entries) != 0 || len(l.Imports) != 1 || l.Imports[0].State != intake.Refused || l.Imports[0].Refusal.Code != "statement_truncated" || len(l.Acts) != 1 {
				t.Errorf("%d entries, %+v", len(l.Entries), l.Imports)
			}
		}
	})
}

// limited keeps some chunks, and then takes for ever; it remembers the first entry that it was given.
type limited struct {
	*table.Table
	mu    sync.Mutex
	left  int
	first string
}

func (s *limited) KeepEntries(ctx context.Context, all []reconciliation.Entry) ([]reconciliation.Kept, error) {
	s.mu.Lock()
	s.left--
	over := s.left < 0
	if s.first == "" || all[0].Bank.BankRef < s.first {
		s.first = all[0].Bank.BankRef
	}
	s.mu.Unlock()
	if over {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Table.KeepEntries(ctx, all)
}

// TestALongStatementGoesOnWhereTheCallBeforeStopped: its beginning is not looked at again, and each entry is kept and counted
// once.
func TestALongStatementGoesOnWhereTheCallBeforeStopped(t *testing.T) {
	cfg, name, uploads, r := world(t)
	upload(t, cfg, uploads, id, people.Statement(credits(0, 500)...))
	handIn(t, r, id)
	s := &limited{Table: table.Open(cfg, name)}
	r.store = s
	calls, before := 0, 0
	for {
		s.left, s.first = 3, ""
		ctx, stop := context.WithTimeout(t.Context(), 8*time.Second)
		err := r.handle(ctx, intake.Ready{Statement: id})
		stop()
		if want := fmt.Sprintf("2026112000%06d-1", before); s.first != want {
			t.Errorf("it goes on at %s, and not at %s", s.first, want)
		}
		i, broken := r.store.Statement(t.Context(), id)
		if i.State == intake.Done {
			break
		}
		if err != nil || broken != nil || i.Tally.Handed <= before || i.Tally.Handed > before+150 || !i.Checked {
			t.Fatalf("it was at %d and is at %+v: %v, %v", before, i, err, broken)
		}
		calls, before = calls+1, i.Tally.Handed
	}
	l := ledger.Holds(t, cfg, name)
	if i := l.Imports[0]; calls < 3 || len(l.Entries) != 500 || i.State != intake.Done || i.Summary.New+i.Summary.Known != 500 {
		t.Errorf("after %d calls %d entries, %+v %+v", calls, len(l.Entries), i, i.Summary)
	}
}

// TestACallThatComesNowhereFails: else nobody would hear that a statement cannot be read.
func TestACallThatComesNowhereFails(t *testing.T) {
	cfg, name, uploads, r := world(t)
	upload(t, cfg, uploads, id, people.Statement(credits(0, 60)...))
	handIn(t, r, id)
	r.store = &limited{Table: table.Open(cfg, name)}
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
	defer stop()
	if err := r.handle(ctx, intake.Ready{Statement: id}); !errors.Is(err, intake.ErrUnfinished) {
		t.Error(err)
	}
	if l := ledger.Holds(t, cfg, name); len(l.Entries) != 0 || l.Imports[0].Revision != 1 {
		t.Errorf("%d entries, %+v", len(l.Entries), l.Imports)
	}
}

// TestOneUploadDeliveredManyTimesAtOnce: queues do that.
func TestOneUploadDeliveredManyTimesAtOnce(t *testing.T) {
	cfg, name, uploads, r := world(t)
	upload(t, cfg, uploads, id, people.Statement(credits(0, 110)...))
	handIn(t, r, id)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if err := r.handle(t.Context(), intake.Ready{Statement: id}); err != nil && !errors.Is(err, table.ErrChanged) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if err := r.handle(t.Context(), intake.Ready{Statement: id}); err != nil {
		t.Error(err)
	}
	l := ledger.Holds(t, cfg, name)
	if len(l.Entries) != 110 || l.Imports[0].State != intake.Done || len(l.Acts) != 1 {
		t.Errorf("%d entries, %+v", len(l.Entries), l.Imports)
	}
}
