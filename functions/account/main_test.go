package main

import (
	"context"
	"errors"
	"strings"
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
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/payment"
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
		answer := people.Answer(t, open(cfg, name).routes(), event)
		l := ledger.Holds(t, cfg, name)
		return map[string]any{
			"answer": answer, "accounts": shown(l), "passwordReset": l.Count(letter.PasswordReset), "passwordChanged": l.Count(letter.PasswordChanged),
			"accountLeft": l.Count(letter.AccountLeft),
		}
	})
}

// person is what stands about somebody in the table.
type person struct {
	Address   account.Address   `json:"address"`
	Name      string            `json:"name"`
	Language  lang.Code         `json:"language"`
	Password  bool              `json:"password"`
	Resets    int               `json:"resets,omitempty"`
	Sessions  int               `json:"sessions"`
	Accepted  []string          `json:"accepted"`
	Marketing []account.Consent `json:"marketing,omitempty"`
	ClosedAt  time.Time         `json:"closedAt,omitzero"`
}

// shown are the accounts of a ledger, by their ids.
func shown(l ledger.Ledger) map[account.ID]person {
	all := map[account.ID]person{}
	for _, a := range l.Accounts {
		p := person{a.Address, a.FirstName + " " + a.LastName, a.Language, a.Password != "", a.Resets, len(a.Sessions), nil, a.Marketing, a.ClosedAt}
		for _, x := range a.Accepted {
			p.Accepted = append(p.Accepted, string(x.Document)+" "+string(x.Version))
		}
		all[a.ID] = p
	}
	return all
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
func leak(t *testing.T, s *table.Table) hold.ID { return place(t, s, hold.CredentialLeak) }

// held stores a hold of Mari's account that suspends it.
func held(t *testing.T, s *table.Table) { place(t, s, hold.FalseData) }

func place(t *testing.T, s *table.Table, basis hold.Basis) hold.ID {
	t.Helper()
	on := hold.On(hold.OnAccount, people.Mari)
	thing, err := s.Closing(t.Context(), on)
	if err != nil {
		t.Fatal(err)
	}
	today := civil.DateOf(people.Noon, civil.Tallinn)
	wish := hold.Wish{On: on, Basis: basis, Measure: hold.Suspend, ReviewOn: today.AddDays(7), Evidence: []string{"ticket 4711"}, Today: today}
	placed, err := service.Place(wish, "once", thing, account.Operator, people.Noon)
	if err == nil {
		err = s.Decide(t.Context(), placed)
	}
	if err != nil {
		t.Fatal(err)
	}
	return placed.Records[0].ID
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

func TestOtherDetailsWithEveryCallBroken(t *testing.T) {
	liis, kazakh := "Mari-Liis", "kk"
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		people.MoveIn(t, table.Open(cfg, name))
		a := open(broken(cfg), name)
		return func(ctx context.Context) error {
				return act(ctx, a, "PATCH /v1/account", account.Details{FirstName: &liis, Language: &kazakh})
			}, func(t *testing.T) {
				if mari, err := table.Open(cfg, name).Account(t.Context(), people.Mari); err != nil || mari.FirstName != liis || mari.LastName != "Maasikas" || mari.Language != "kk" {
					t.Errorf("%+v (%v)", mari, err)
				}
			}
	})
}

func TestOffersAreWantedAndNotWantedWithEveryCallBroken(t *testing.T) {
	for route, wanted := range map[string]bool{"PUT /v1/account/consents/marketing": true, "DELETE /v1/account/consents/marketing": false} {
		t.Run(route, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				cfg, name := stage.Table(t)
				s := table.Open(cfg, name)
				people.MoveIn(t, s)
				mari, err := s.Account(t.Context(), people.Mari)
				if err == nil && !wanted {
					err = s.ChangeAccount(t.Context(), mari.Consents(people.Noon))
				}
				if err != nil {
					t.Fatal(err)
				}
				a := open(broken(cfg), name)
				return func(ctx context.Context) error { return act(ctx, a, route, nil) }, func(t *testing.T) {
					if mari, err := s.Account(t.Context(), people.Mari); err != nil || mari.WantsOffers() != wanted {
						t.Errorf("%+v (%v)", mari.Marketing, err)
					}
				}
			})
		})
	}
}

func TestAnotherPasswordWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		people.MoveIn(t, table.Open(cfg, name))
		a := open(broken(cfg), name)
		return func(ctx context.Context) error {
				return act(ctx, a, "POST /v1/account/password", account.Replacement{Old: people.Password, New: "üheksa kuuske"})
			}, func(t *testing.T) {
				s := table.Open(cfg, name)
				mari, err := s.Account(t.Context(), people.Mari)
				if err != nil || !a.passwords.Match(mari.Password, "üheksa kuuske") || len(mari.Sessions) != 1 {
					t.Errorf("the password is the old one, or there are %d sessions (%v)", len(mari.Sessions), err)
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

// TestWhoDoesNotKnowThePasswordIsSignedOut after ten tries, at both doors together: and only there.
func TestWhoDoesNotKnowThePasswordIsSignedOut(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	mari, err := s.Account(t.Context(), people.Mari)
	if err != nil {
		t.Fatal(err)
	}
	mari, elsewhere := mari.SignIn(people.Noon)
	if err := s.ChangeAccount(t.Context(), mari); err != nil {
		t.Fatal(err)
	}
	a := open(cfg, name)
	day := 0
	a.now = func() time.Time { return people.Noon.AddDate(0, 0, day) }
	for try := range 12 {
		day = try * 2 // patience does not help
		route, body := "POST /v1/account/password", any(account.Replacement{Old: "vale parool", New: "üheksa kuuske"})
		if try%2 == 0 {
			route, body = "POST /v1/account/closing", closing{"vale parool"}
		}
		out, err := a.routes().Handle(t.Context(), people.Request(route, people.Mari, nil, body))
		if want := map[bool]int{true: 422, false: 401}[try < 10]; err != nil || out.StatusCode != want {
			t.Errorf("try %d: %d (%v)", try+1, out.StatusCode, err)
		}
	}
	if _, err := s.SignedIn(t.Context(), elsewhere, a.now()); err != nil {
		t.Error("the other browser:", err)
	}
}

func TestTheEndOfAGuessingSessionWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		for range account.ProofTries.Max {
			if _, err := s.Spend(t.Context(), "password in "+string(people.Token(people.Jaan).Session()), account.ProofTries, people.Noon); err != nil {
				t.Fatal(err)
			}
		}
		a := open(broken(cfg), name)
		return func(ctx context.Context) error { return closes(ctx, a, people.Jaan) }, func(t *testing.T) {
			if jaan, err := s.Account(t.Context(), people.Jaan); err != nil || len(jaan.Sessions) != 0 || !jaan.ClosedAt.IsZero() {
				t.Errorf("%+v (%v)", jaan, err)
			}
		}
	})
}

// closes has somebody close their account.
func closes(ctx context.Context, a accounts, who account.ID) error {
	out, err := a.routes().Handle(ctx, people.Request("POST /v1/account/closing", who, nil, closing{people.Password}))
	if err == nil && out.StatusCode >= 500 {
		err = errStatus
	}
	return err
}

// TestClosingWithEveryCallBroken: Jaan is signed out for good, his address is free, and what is erased later is due.
func TestClosingWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		a := open(broken(cfg), name)
		return func(ctx context.Context) error { return closes(ctx, a, people.Jaan) }, func(t *testing.T) {
			l := ledger.Holds(t, cfg, name)
			if acts := l.Acts; len(acts) != 1 || acts[0].What != account.AccountLeft || l.Count(letter.AccountLeft) != 1 {
				t.Errorf("%+v, %d letters", acts, l.Count(letter.AccountLeft))
			}
			jaan, err := s.Account(t.Context(), people.Jaan)
			if err != nil || !jaan.ClosedAt.Equal(people.Noon) || jaan.Address != "jaan@example.ee" || len(jaan.Sessions) != 0 {
				t.Errorf("%+v (%v)", jaan, err)
			}
			due := 0
			for shard := range table.Shards {
				page, _, err := s.DueAccounts(t.Context(), shard, people.Noon.Add(time.Minute), "")
				if due += len(page); err != nil {
					t.Error(err)
				}
			}
			if due != 1 {
				t.Errorf("%d accounts are due", due)
			}
			again := people.Person(people.Liis, "Jaan", "Jõgi", "ru") // somebody with his address
			used := account.SignUp{ID: account.SignUpID(again.Address.Hash() + "-" + string(again.ID)), Account: again, ExpiresAt: people.Noon.Add(account.Lives), UsedAt: people.Noon}
			if err := s.Found(t.Context(), used); err != nil {
				t.Error("the address is not free:", err)
			}
			if who, err := s.ByAddress(t.Context(), again.Address); err != nil || who.ID != again.ID {
				t.Errorf("%s has the address (%v)", who.ID, err)
			}
			ledger.Holds(t, cfg, name)
		}
	})
}

// TestWhoCannotCloseTheirAccountKeepsIt: with all that is in it, and the session.
func TestWhoCannotCloseTheirAccountKeepsIt(t *testing.T) {
	for code, before := range map[string]func(*testing.T, *table.Table){
		"closing_by_school": func(t *testing.T, s *table.Table) { joins(t, s, people.Mari) },
		"ACCOUNT_HELD":      func(t *testing.T, s *table.Table) { held(t, s) },
		"money_under_way":   func(*testing.T, *table.Table) {},
	} {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		before(t, s)
		was, err := s.Account(t.Context(), people.Mari)
		if err != nil {
			t.Fatal(err)
		}
		out, err := open(cfg, name).routes().Handle(t.Context(), people.Request("POST /v1/account/closing", people.Mari, nil, closing{people.Password}))
		if err != nil || !strings.Contains(out.Body, `"`+code+`"`) {
			t.Errorf("%s: %d %s (%v)", code, out.StatusCode, out.Body, err)
		}
		if is, err := s.Account(t.Context(), people.Mari); err != nil || is.Revision != was.Revision {
			t.Errorf("%s: %+v (%v)", code, is, err)
		}
	}
}

// joins makes somebody a member of a school.
func joins(t *testing.T, s *table.Table, who account.ID) {
	t.Helper()
	const school = "school:10001234"
	a, known, group, err := s.Member(t.Context(), who, school)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := a.Join(school, known, account.Operator, people.Noon)
	if err == nil {
		err = s.Enlist(t.Context(), m, group, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (o *overtaken) BooksOf(ctx context.Context, id account.ID) ([]payment.Book, error) {
	o.once.Do(o.by)
	return o.store.BooksOf(ctx, id)
}

// TestWhoJoinsASchoolWhileTheyLeaveStays: the closing is decided again by what stands then.
func TestWhoJoinsASchoolWhileTheyLeaveStays(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	a := open(cfg, name)
	a.store = &overtaken{store: a.store, by: func() { joins(t, s, people.Jaan) }}
	if err := closes(t.Context(), a, people.Jaan); err != nil {
		t.Fatal(err)
	}
	if jaan, err := s.Account(t.Context(), people.Jaan); err != nil || !jaan.ClosedAt.IsZero() || len(jaan.Groups) != 1 {
		t.Errorf("%+v (%v)", jaan, err)
	}
}

// TestNobodyJoinsASchoolAfterTheyLeft, by whatever list of accounts staff have.
func TestNobodyJoinsASchoolAfterTheyLeft(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	if err := closes(t.Context(), open(cfg, name), people.Jaan); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.Member(t.Context(), people.Jaan, "school:10001234"); !errors.Is(err, account.ErrNoAccount) {
		t.Error(err)
	}
}
