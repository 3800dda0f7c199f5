package main

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/letter"
	"opiq/shared/service"
	"opiq/shared/table"
	"opiq/shared/web"
)

func open(cfg aws.Config, name string) accounts {
	return accounts{table.Open(cfg, name), account.NewPasswords(people.Pepper), account.NewTokens(people.Pepper), web.CookieAt(people.PublicURL), people.Now}
}

func TestEvents(t *testing.T) {
	golden.Events(t, "account", func(t *testing.T, _ string, event []byte) any {
		cfg, name := stage.Table(t)
		people.MoveIn(t, table.Open(cfg, name))
		return map[string]any{
			"answer":          people.Answer(t, open(cfg, name).routes(), event),
			"passwordReset":   ledger.Holds(t, cfg, name).Count(letter.PasswordReset),
			"passwordChanged": ledger.Holds(t, cfg, name).Count(letter.PasswordChanged),
		}
	})
}

var errStatus = errors.New("an answer that a browser would try again")

func act(ctx context.Context, a accounts, route string, body any) error {
	out, err := a.routes().Handle(ctx, people.Request(route, people.Mari, nil, body))
	if err == nil && out.StatusCode >= 500 {
		err = errStatus
	}
	return err
}

func TestAForgottenPasswordWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		people.MoveIn(t, table.Open(cfg, name))
		a := open(broken(cfg), name)
		return func(ctx context.Context) error {
				return act(ctx, a, "POST /v1/password/forgot", forgetting{"mari@example.ee"})
			}, func(t *testing.T) {
				if n := ledger.Holds(t, cfg, name).Count(letter.PasswordReset); n != 1 {
					t.Errorf("%d letters", n)
				}
			}
	})
}

func TestANewPasswordWithEveryCallBroken(t *testing.T) {
	token := account.NewTokens(people.Pepper).Token(account.Reset, string(people.Mari)+"-0", people.Noon.Add(time.Hour))
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		people.MoveIn(t, table.Open(cfg, name))
		a := open(broken(cfg), name)
		return func(ctx context.Context) error {
				return act(ctx, a, "POST /v1/password/reset", account.NewPassword{Token: token, Password: "üheksa kuuske"})
			}, func(t *testing.T) {
				s := table.Open(cfg, name)
				mari, err := s.Account(t.Context(), people.Mari)
				if err != nil || !a.passwords.Match(mari.Password, "üheksa kuuske") || mari.Resets != 1 {
					t.Errorf("the password is the old one, or it was set %d times (%v)", mari.Resets, err)
				}
				if _, err := s.SignedIn(t.Context(), people.Token(people.Mari), people.Noon); !errors.Is(err, account.ErrSignedOut) {
					t.Error("an old session signs in:", err)
				}
				if n := ledger.Holds(t, cfg, name).Count(letter.PasswordChanged); n != 1 {
					t.Errorf("%d letters", n)
				}
			}
	})
}

// leak stores a hold of Mari's account, for a password that others know.
func leak(t *testing.T, s *table.Table) hold.ID {
	t.Helper()
	on := hold.On(hold.OnAccount, people.Mari)
	thing, err := s.Closing(t.Context(), on)
	if err != nil {
		t.Fatal(err)
	}
	today := civil.DateOf(people.Noon, civil.Tallinn)
	wish := hold.Wish{On: on, Basis: hold.CredentialLeak, Measure: hold.Suspend, ReviewOn: today.AddDays(7), Evidence: []string{"ticket 4711"}, Today: today}
	leak, err := service.Place(wish, "once", thing, account.Operator, people.Noon)
	if err == nil {
		err = s.Decide(t.Context(), leak)
	}
	if err != nil {
		t.Fatal(err)
	}
	return leak.Records[0].ID
}

// overtaken is a store in which somebody does something between two reads, once.
type overtaken struct {
	store
	once sync.Once
	by   func()
}

func (o *overtaken) HoldsOf(ctx context.Context, ids ...hold.ID) ([]hold.Record, error) {
	o.once.Do(o.by)
	return o.store.HoldsOf(ctx, ids...)
}

// TestANewPasswordIsSetThoughStaffLiftTheHoldMeanwhile: the owner hears nothing of two who were there at once.
func TestANewPasswordIsSetThoughStaffLiftTheHoldMeanwhile(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	id := leak(t, s)
	a := open(cfg, name)
	a.store = &overtaken{store: a.store, by: func() {
		r, err := s.Hold(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		thing, err := s.Closing(t.Context(), r.On)
		if err != nil {
			t.Fatal(err)
		}
		lifted, err := service.Lift(r, thing, "A mistake", account.Operator, people.Noon)
		if err == nil {
			err = s.Decide(t.Context(), lifted)
		}
		if err != nil {
			t.Fatal(err)
		}
	}}
	token := account.NewTokens(people.Pepper).Token(account.Reset, string(people.Mari)+"-0", people.Noon.Add(time.Hour))
	if err := act(t.Context(), a, "POST /v1/password/reset", account.NewPassword{Token: token, Password: "üheksa kuuske"}); err != nil {
		t.Fatal(err)
	}
	if mari, err := s.Account(t.Context(), people.Mari); err != nil || mari.Resets != 1 || len(mari.Holds) != 0 {
		t.Errorf("%d resets, %v (%v)", mari.Resets, mari.Holds, err)
	}
}

// TestANewPasswordLiftsTheHoldOfALeakedOne with every call broken: the account and the hold's record go together.
func TestANewPasswordLiftsTheHoldOfALeakedOne(t *testing.T) {
	token := account.NewTokens(people.Pepper).Token(account.Reset, string(people.Mari)+"-0", people.Noon.Add(time.Hour))
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		leak(t, s)
		a := open(broken(cfg), name)
		return func(ctx context.Context) error {
				return act(ctx, a, "POST /v1/password/reset", account.NewPassword{Token: token, Password: "üheksa kuuske"})
			}, func(t *testing.T) {
				l := ledger.Holds(t, cfg, name)
				if h := l.Holds[0]; h.State != hold.Lifted || h.History[1].By != "owner" || l.Count(letter.ServiceResumed) != 1 || l.Count(letter.PasswordChanged) != 1 {
					t.Errorf("%+v", h)
				}
				if mari, err := s.Account(t.Context(), people.Mari); err != nil || len(mari.Holds) != 0 {
					t.Errorf("%+v (%v)", mari.Holds, err)
				}
			}
	})
}

func TestAcceptingWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		people.MoveIn(t, table.Open(cfg, name))
		a := open(broken(cfg), name)
		return func(ctx context.Context) error {
				return act(ctx, a, "POST /v1/account/acceptances", accepting{[]account.Accepting{{Document: "order", Version: "2017-07-01"}}})
			}, func(t *testing.T) {
				if mari, err := table.Open(cfg, name).Account(t.Context(), people.Mari); err != nil || len(mari.Accepted) != 2 {
					t.Errorf("accepted %v (%v)", mari.Accepted, err)
				}
			}
	})
}
