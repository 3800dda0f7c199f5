package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/hold"
	"opiq/shared/table"
	"opiq/shared/web"
)

func open(cfg aws.Config, name string) session {
	return session{table.Open(cfg, name), account.NewPasswords(people.Pepper), web.CookieAt(people.PublicURL), people.Now}
}

func TestEvents(t *testing.T) {
	golden.Events(t, "session", func(t *testing.T, _ string, event []byte) any {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		leak(t, s, people.Jaan)
		return people.Answer(t, open(cfg, name).routes(), event)
	})
}

// leak has somebody's password known to others.
func leak(t *testing.T, s *table.Table, who account.ID) {
	t.Helper()
	a, err := s.Account(t.Context(), who)
	if err == nil {
		err = s.ChangeAccount(t.Context(), a.Hold(hold.Hold{ID: "leak", On: hold.On(hold.OnAccount, who), Basis: hold.CredentialLeak, Since: people.Noon}))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func signIn(ctx context.Context, s session, email, password string) (status int, retry string) {
	out, err := s.routes().Handle(ctx, people.Request("POST /v1/session", "", nil, credentials{email, password}))
	if err != nil {
		panic(err)
	}
	return out.StatusCode, out.Headers["Retry-After"]
}

func TestTheEleventhWrongPasswordWaits(t *testing.T) {
	cfg, name := stage.Table(t)
	people.MoveIn(t, table.Open(cfg, name))
	s := open(cfg, name)
	for _, email := range []string{"mari@example.ee", "keegi@example.ee"} { // known and unknown alike
		for range 10 {
			if status, _ := signIn(t.Context(), s, email, "vale parool"); status != 401 {
				t.Fatal(status)
			}
		}
		if status, retry := signIn(t.Context(), s, email, people.Password); status != 429 || retry != "900" {
			t.Errorf("%s: %d, again in %s s", email, status, retry)
		}
	}
	s.now = func() time.Time { return people.Noon.Add(15 * time.Minute) }
	if status, _ := signIn(t.Context(), s, "mari@example.ee", people.Password); status != 200 {
		t.Errorf("a quarter of an hour later: %d", status)
	}
}

func TestTheRightPasswordEndsTheCount(t *testing.T) {
	cfg, name := stage.Table(t)
	people.MoveIn(t, table.Open(cfg, name))
	s := open(cfg, name)
	for _, want := range []int{401, 401, 401, 401, 401, 401, 401, 401, 401, 200, 401, 200} {
		password := people.Password
		if want == 401 {
			password = "vale parool"
		}
		if status, _ := signIn(t.Context(), s, "mari@example.ee", password); status != want {
			t.Fatalf("%d, not %d", status, want)
		}
	}
}

func TestManyGuessesAtOnceAreTenTries(t *testing.T) {
	cfg, name := stage.Table(t)
	people.MoveIn(t, table.Open(cfg, name))
	s := open(cfg, name)
	var mu sync.Mutex
	var wait sync.WaitGroup
	count := map[int]int{}
	for range 32 {
		wait.Go(func() {
			status, _ := signIn(t.Context(), s, "mari@example.ee", "vale parool")
			mu.Lock()
			defer mu.Unlock()
			count[status]++
		})
	}
	wait.Wait()
	if count[401] != 10 || count[429] != 22 {
		t.Error(count)
	}
}

// TestAnUnknownAddressTakesAsLong compares medians: the work is the same, so no answer may be told from another by its time.
func TestAnUnknownAddressTakesAsLong(t *testing.T) {
	cfg, name := stage.Table(t)
	people.MoveIn(t, table.Open(cfg, name))
	s := open(cfg, name)
	s.now = time.Now
	times := map[string][]time.Duration{}
	for range 9 {
		for _, email := range []string{"mari@example.ee", "keegi@example.ee"} {
			start := time.Now()
			signIn(t.Context(), s, email, "vale parool")
			times[email] = append(times[email], time.Since(start))
		}
	}
	median := func(email string) time.Duration { slices.Sort(times[email]); return times[email][4] }
	known, unknown := median("mari@example.ee"), median("keegi@example.ee")
	if unknown < known/2 || known < unknown/2 {
		t.Errorf("a known address takes %s, an unknown one %s", known, unknown)
	}
}

var errStatus = errors.New("an answer that a browser would try again")

func TestSigningInAndOutWithEveryCallBroken(t *testing.T) {
	for route, body := range map[string]any{"POST /v1/session": credentials{"mari@example.ee", people.Password}, "DELETE /v1/session": nil} {
		t.Run(route, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				cfg, name := stage.Table(t)
				people.MoveIn(t, table.Open(cfg, name))
				routes := open(broken(cfg), name).routes()
				return func(ctx context.Context) error {
						out, err := routes.Handle(ctx, people.Request(route, people.Mari, nil, body))
						if err == nil && out.StatusCode >= 300 {
							err = errStatus
						}
						return err
					}, func(t *testing.T) {
						_, err := table.Open(cfg, name).SignedIn(t.Context(), people.Token(people.Mari), people.Noon)
						if out := errors.Is(err, account.ErrSignedOut); out != (body == nil) {
							t.Errorf("signed out: %t (%v)", out, err)
						}
					}
			})
		})
	}
}
