package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/letter"
	"opiq/shared/table"
)

func open(cfg aws.Config, name string) staff {
	return staff{table.Open(cfg, name), account.NewPasswords(people.Pepper), people.Now}
}

// world is a table with people, of whom Liis works here, and with a machine's key.
func world(t *testing.T) (aws.Config, string) {
	t.Helper()
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	people.Employ(t, s)
	return cfg, name
}

// call does what a command in JSON says.
func call(t *testing.T, s staff, event string) (any, error) {
	t.Helper()
	return s.handle(t.Context(), json.RawMessage(event))
}

// random are secrets, and the names of what is made: another each time.
var random = regexp.MustCompile(`opiq_[A-Za-z0-9_-]{43}|\b[0-9a-f]{32,64}\b`)

func masked(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return json.RawMessage(random.ReplaceAllStringFunc(string(text), func(found string) string {
		switch {
		case strings.HasPrefix(found, "opiq_"):
			return "<secret>"
		case strings.Trim(found, found[:1]) == "" || found == string(machine()):
			return found // a name that the events know
		}
		return "<new>"
	}))
}

func machine() account.KeyID {
	id, err := account.ParseKey("Bearer " + people.MachineSecret)
	if err != nil {
		panic(err)
	}
	return id
}

func TestEvents(t *testing.T) {
	golden.Events(t, "staff", func(t *testing.T, _ string, event []byte) any {
		cfg, name := world(t)
		before := ledger.Holds(t, cfg, name)
		answer, err := open(cfg, name).handle(t.Context(), event)
		after := ledger.Holds(t, cfg, name)
		out := map[string]any{"answer": answer}
		if err != nil {
			out["error"] = json.RawMessage(err.Error())
		}
		var acts []account.Act
		for _, a := range after.Acts {
			if !slices.ContainsFunc(before.Acts, func(b account.Act) bool { return cmp.Equal(a, b) }) {
				acts = append(acts, a)
			}
		}
		var staff []string
		for _, a := range after.Accounts {
			if len(a.Roles) > 0 {
				staff = append(staff, fmt.Sprintf("%s %s, %s, %s: %v, %d sessions", a.FirstName, a.LastName, a.Address, a.Language, a.Roles, len(a.Sessions)))
			}
		}
		slices.Sort(staff)
		var letters []string
		for _, l := range after.Letters {
			if l.Kind == letter.PasswordReset || l.Kind == letter.PasswordChanged {
				letters = append(letters, string(l.Kind)+" to "+l.Account)
			}
		}
		out["acts"], out["staff"], out["letters"] = acts, staff, letters
		return masked(t, out)
	})
}

const (
	newcomer     = `{"enroll":{"email":"uuno@example.ee","firstName":"Uuno","lastName":"Uus","language":"et","roles":["finance"]}}`
	withPassword = `{"enroll":{"email":"uuno@example.ee","firstName":"Uuno","lastName":"Uus","language":"et","roles":["finance"],"password":"kolm kollast kukke"}}`
	promotion    = `{"enroll":{"email":"mari@example.ee","roles":["finance"],"password":"kolm kollast kukke"}}`
	newKeyPlease = `{"key":{"name":"bookkeeping","right":"statements"}}`
)

func TestEveryCommandWithEveryCallBroken(t *testing.T) {
	for name, c := range map[string]struct {
		event string
		check func(*testing.T, ledger.Ledger)
	}{
		"a newcomer": {newcomer, func(t *testing.T, l ledger.Ledger) {
			if a := one(t, l, "uuno@example.ee"); a.Password != "" || l.Count(letter.PasswordReset) != 1 || enrollments(l, a) != 1 {
				t.Errorf("%d letters, %d acts", l.Count(letter.PasswordReset), enrollments(l, a))
			}
		}},
		"a newcomer with a password": {withPassword, func(t *testing.T, l ledger.Ledger) {
			if a := one(t, l, "uuno@example.ee"); a.Password == "" || l.Count(letter.PasswordReset) != 0 || enrollments(l, a) != 1 {
				t.Errorf("%d letters, %d acts", l.Count(letter.PasswordReset), enrollments(l, a))
			}
		}},
		"somebody who has an account": {promotion, func(t *testing.T, l ledger.Ledger) {
			if a := one(t, l, "mari@example.ee"); len(a.Sessions) != 0 || a.Resets != 1 || l.Count(letter.PasswordChanged) != 1 || enrollments(l, a) != 1 {
				t.Errorf("%d sessions, %d passwords set, %d letters, %d acts", len(a.Sessions), a.Resets, l.Count(letter.PasswordChanged), enrollments(l, a))
			}
		}},
		"a key": {newKeyPlease, func(t *testing.T, l ledger.Ledger) { // whose answer was lost is a key that nobody knows
			if n := len(l.Keys) - 1; n < 1 || n > 2 {
				t.Errorf("%d keys", n)
			}
		}},
		"the end of a key": {`{"revoke":{"id":"` + string(machine()) + `"}}`, func(t *testing.T, l ledger.Ledger) {
			if len(l.Keys) != 1 || l.Keys[0].RevokedAt.IsZero() {
				t.Errorf("%+v", l.Keys)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				cfg, table := world(t)
				s := open(broken(cfg), table)
				return func(ctx context.Context) error {
					_, err := s.handle(ctx, json.RawMessage(c.event))
					return err
				}, func(t *testing.T) { c.check(t, ledger.Holds(t, cfg, table)) }
			})
		})
	}
}

func one(t *testing.T, l ledger.Ledger, address account.Address) account.Account {
	t.Helper()
	i := slices.IndexFunc(l.Accounts, func(a account.Account) bool { return a.Address == address })
	if i < 0 {
		t.Fatalf("%s has no account", address)
	}
	return l.Accounts[i]
}

func enrollments(l ledger.Ledger, a account.Account) (n int) {
	for _, act := range l.Acts {
		if act.What == account.Enrolled && act.Object == a.Actor().String() {
			n++
		}
	}
	return n
}

func TestStaffMayUntilTheRoleIsTaken(t *testing.T) {
	cfg, name := world(t)
	s := open(cfg, name)
	may := func() error {
		who, err := table.Open(cfg, name).Actor(t.Context(), "", people.Token(people.Mari).String(), account.Reconciliation, people.Noon)
		if err == nil && who.String() != "account:"+string(people.Mari) {
			t.Errorf("it was %s", who)
		}
		return err
	}
	for _, c := range []struct {
		event string
		want  error
	}{
		{`{"enroll":{"email":"mari@example.ee","roles":[]}}`, account.ErrNotAllowed},
		{`{"enroll":{"email":"mari@example.ee","roles":["finance"]}}`, nil},
		{`{"enroll":{"email":"mari@example.ee","roles":[]}}`, account.ErrNotAllowed},
		{promotion, account.ErrSignedOut}, // a new password ends every session
	} {
		if _, err := call(t, s, c.event); err != nil {
			t.Fatal(err)
		}
		if err := may(); !errors.Is(err, c.want) {
			t.Errorf("after %s: %v", c.event, err)
		}
	}
}

func TestAKeyOpensWhatItIsForUntilItIsRevoked(t *testing.T) {
	cfg, name := world(t)
	s, doors := open(cfg, name), table.Open(cfg, name)
	out, err := call(t, s, newKeyPlease)
	if err != nil {
		t.Fatal(err)
	}
	made := out.(newKey)
	show := func(right account.Right) error {
		_, err := doors.Actor(t.Context(), "Bearer "+made.Secret, "", right, people.Noon)
		return err
	}
	if err := show(account.Statements); err != nil {
		t.Error(err)
	}
	if err := show(account.Reconciliation); !errors.Is(err, account.ErrNotAllowed) {
		t.Errorf("it opens more: %v", err)
	}
	for range 2 {
		if _, err := call(t, s, `{"revoke":{"id":"`+string(made.ID)+`"}}`); err != nil {
			t.Fatal(err)
		}
		if err := show(account.Statements); !errors.Is(err, account.ErrSignedOut) {
			t.Errorf("after it was revoked: %v", err)
		}
	}
}

// TestNobodyKeepsTheSecret: neither table nor audit trail holds what the machine shows, nor a password.
func TestNobodyKeepsTheSecret(t *testing.T) {
	cfg, name := world(t)
	s := open(cfg, name)
	out, err := call(t, s, newKeyPlease)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call(t, s, withPassword); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%+v", ledger.Holds(t, cfg, name))
	for _, secret := range []string{out.(newKey).Secret, "kolm kollast kukke"} {
		if strings.Contains(text, secret) {
			t.Errorf("the table holds %s", secret)
		}
	}
}

func TestWhoeverIsQuickerOneAddressHasOneAccount(t *testing.T) {
	cfg, name := world(t)
	s := open(cfg, name)
	var wait sync.WaitGroup
	var mu sync.Mutex
	accounts := map[account.ID]bool{}
	for range 4 {
		wait.Go(func() {
			out, err := s.handle(t.Context(), json.RawMessage(newcomer))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			accounts[out.(enrolled).Account] = true
		})
	}
	wait.Wait()
	l := ledger.Holds(t, cfg, name)
	if a := one(t, l, "uuno@example.ee"); len(accounts) != 1 || !accounts[a.ID] || enrollments(l, a) != 1 {
		t.Errorf("%d accounts were answered", len(accounts))
	}
}
