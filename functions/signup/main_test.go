package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/letter"
	"opiq/shared/table"
	"opiq/shared/terms"
	"opiq/shared/web"
)

func open(cfg aws.Config, name string) signup {
	return signup{table.Open(cfg, name), account.NewPasswords(people.Pepper), account.NewTokens(people.Pepper), people.Now}
}

// written are the letters about addresses, by kind and recipient.
func written(t *testing.T, cfg aws.Config, name string) (out []string) {
	t.Helper()
	for _, x := range ledger.Holds(t, cfg, name).Letters {
		if x.Kind == letter.Verify || x.Kind == letter.AccountExists {
			out = append(out, string(x.Kind)+" to "+x.To+x.Account)
		}
	}
	slices.Sort(out)
	return out
}

func TestEvents(t *testing.T) {
	golden.Events(t, "signup", func(t *testing.T, _ string, event []byte) any {
		cfg, name := stage.Table(t)
		people.MoveIn(t, table.Open(cfg, name))
		return map[string]any{
			"answer":  people.Answer(t, open(cfg, name).routes(), event),
			"letters": written(t, cfg, name),
		}
	})
}

func register(email string) any {
	return account.Registration{
		Email: email, Password: people.Password, FirstName: "Uuno", LastName: "Uus", Language: "et", Accept: []account.Accepting{{Document: terms.Use, Version: "2017-02-01"}},
	}
}

var errStatus = errors.New("an answer that a browser would try again")

// act sends a request and fails where a browser would have to send it again.
func act(ctx context.Context, routes web.Routes, route string, body any) error {
	out, err := routes.Handle(ctx, people.Request(route, "", nil, body))
	if err == nil && out.StatusCode >= 500 {
		err = errStatus
	}
	return err
}

func TestRegisteringWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		routes := open(broken(cfg), name).routes()
		return func(ctx context.Context) error {
				return act(ctx, routes, "POST /v1/signup", register("uuno@example.ee"))
			}, func(t *testing.T) {
				l, err := ledger.Read(t.Context(), cfg, name)
				if err != nil {
					t.Fatal(err)
				}
				if n := len(l.SignUps); n < 1 || n > 2 || n != len(l.Letters) || len(l.Accounts) != 0 {
					t.Errorf("%d registrations, %d letters, %d accounts", n, len(l.Letters), len(l.Accounts))
				}
			}
	})
}

func TestVerifyingWithEveryCallBroken(t *testing.T) {
	token := account.NewTokens(people.Pepper).Token(account.Verify, string(people.Registration), people.Noon.Add(time.Hour))
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		people.MoveIn(t, table.Open(cfg, name))
		routes := open(broken(cfg), name).routes()
		return func(ctx context.Context) error {
				return act(ctx, routes, "POST /v1/signup/verify", verifying{token})
			}, func(t *testing.T) {
				kati, err := table.Open(cfg, name).ByAddress(t.Context(), "kati@example.ee")
				if err != nil || kati.FirstName != "Kati" {
					t.Errorf("Kati is %+v (%v)", kati, err)
				}
			}
	})
}

func TestALinkWorksOnce(t *testing.T) {
	cfg, name := stage.Table(t)
	people.MoveIn(t, table.Open(cfg, name))
	routes := open(cfg, name).routes()
	token := account.NewTokens(people.Pepper).Token(account.Verify, string(people.Registration), people.Noon.Add(time.Hour))
	for _, want := range []int{204, 409} {
		out, _ := routes.Handle(t.Context(), people.Request("POST /v1/signup/verify", "", nil, verifying{token}))
		if out.StatusCode != want {
			t.Errorf("%d %s", out.StatusCode, out.Body)
		}
	}
}

func TestTwoRegistrationsOfOneAddressMakeOneAccount(t *testing.T) {
	cfg, name := stage.Table(t)
	s := open(cfg, name)
	for range 2 {
		if err := act(t.Context(), s.routes(), "POST /v1/signup", register("uuno@example.ee")); err != nil {
			t.Fatal(err)
		}
	}
	waiting, err := s.store.Waiting(t.Context(), "uuno@example.ee", people.Noon)
	if err != nil || len(waiting) != 2 {
		t.Fatal(waiting, err)
	}
	var status []int
	for _, w := range waiting {
		token := s.tokens.Token(account.Verify, string(w.ID), people.Noon.Add(time.Hour))
		out, _ := s.routes().Handle(t.Context(), people.Request("POST /v1/signup/verify", "", nil, verifying{token}))
		status = append(status, out.StatusCode)
	}
	if !slices.Equal(status, []int{204, 409}) {
		t.Error(status)
	}
}

func TestAnAddressIsWrittenToFiveTimesAnHour(t *testing.T) {
	cfg, name := stage.Table(t)
	routes := open(cfg, name).routes()
	for i := range 6 {
		out, _ := routes.Handle(t.Context(), people.Request("POST /v1/signup", "", nil, register("uuno@example.ee")))
		if want := map[bool]int{true: 202, false: 429}[i < 5]; out.StatusCode != want {
			t.Errorf("registration %d: %d", i+1, out.StatusCode)
		}
	}
}

// TestWhoRegistersTheAddressOfAnotherGetsNothing: two people register one address with two passwords. Whichever link its owner
// uses, no password opens the account, and a letter lets its owner set one.
func TestWhoRegistersTheAddressOfAnotherGetsNothing(t *testing.T) {
	cfg, name := stage.Table(t)
	s := open(cfg, name)
	theirs := register("uuno@example.ee").(account.Registration)
	theirs.Password = "minu salajane sõna"
	for _, in := range []any{register("uuno@example.ee"), theirs} {
		if err := act(t.Context(), s.routes(), "POST /v1/signup", in); err != nil {
			t.Fatal(err)
		}
	}
	waiting, err := s.store.Waiting(t.Context(), "uuno@example.ee", people.Noon)
	if err != nil || len(waiting) != 2 {
		t.Fatal(waiting, err)
	}
	token := s.tokens.Token(account.Verify, string(waiting[1].ID), people.Noon.Add(time.Hour))
	if out, _ := s.routes().Handle(t.Context(), people.Request("POST /v1/signup/verify", "", nil, verifying{token})); out.StatusCode != 204 {
		t.Fatal(out.StatusCode, out.Body)
	}
	a, err := table.Open(cfg, name).ByAddress(t.Context(), "uuno@example.ee")
	if err != nil || a.ID == "" || s.passwords.Match(a.Password, people.Password) || s.passwords.Match(a.Password, theirs.Password) {
		t.Errorf("a password opens the account (%v)", err)
	}
	if n := ledger.Holds(t, cfg, name).Count(letter.PasswordReset); n != 1 {
		t.Errorf("%d letters to set a password", n)
	}
}
