package table_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/table"
)

// counted counts calls.
type counted struct {
	aws.HTTPClient
	calls atomic.Int32
}

func (c *counted) Do(r *http.Request) (*http.Response, error) {
	c.calls.Add(1)
	return c.HTTPClient.Do(r)
}

func TestWhoActs(t *testing.T) {
	cfg, name := stage.Table(t)
	people.MoveIn(t, table.Open(cfg, name))
	machine := people.Employ(t, table.Open(cfg, name))
	key, liis, mari := "Bearer "+people.MachineSecret, people.Token(people.Liis).String(), people.Token(people.Mari).String()
	unknown := key[:len(key)-1] + "E"
	for _, c := range []struct {
		name, authorization, cookie string
		right                       account.Right
		at                          time.Time
		want                        string
		err                         error
		reads                       int32
	}{
		{"staff", "", liis, account.Reconciliation, people.Noon, "account:" + string(people.Liis), nil, 1},
		{"staff whose session is over", "", liis, account.Reconciliation, people.Noon.Add(account.SessionLives), "", account.ErrSignedOut, 1},
		{"a customer", "", mari, account.Reconciliation, people.Noon, "", account.ErrNotAllowed, 1},
		{"nobody", "", "", account.Reconciliation, people.Noon, "", account.ErrSignedOut, 0},
		{"a machine", key, "", account.Statements, people.Noon, "key:" + string(machine.ID), nil, 1},
		{"a machine that shows a cookie too", key, mari, account.Statements, people.Noon, "key:" + string(machine.ID), nil, 1},
		{"a machine that may something else", key, "", account.Reconciliation, people.Noon, "", account.ErrNotAllowed, 1},
		{"a key that nobody made", unknown, "", account.Statements, people.Noon, "", account.ErrKey, 1},
		{"no key, beside a cookie that would do", "Bearer x", liis, account.Reconciliation, people.Noon, "", account.ErrKey, 0},
		{"a wrong key, beside a cookie that would do", unknown, liis, account.Reconciliation, people.Noon, "", account.ErrKey, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			counting := cfg.Copy()
			calls := &counted{HTTPClient: cfg.HTTPClient}
			counting.HTTPClient = calls
			who, err := table.Open(counting, name).Actor(t.Context(), c.authorization, c.cookie, c.right, c.at)
			if !errors.Is(err, c.err) || who.String() != c.want {
				t.Errorf("it is %q (%v)", who, err)
			}
			if n := calls.calls.Load(); n != c.reads {
				t.Errorf("after %d reads", n)
			}
		})
	}
}

// TestOneWriteIsOneLineOfTheAuditTrail: changes within one second are lines of their own, and a change that is not made has none.
func TestOneWriteIsOneLineOfTheAuditTrail(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	k, _ := account.NewKey(account.KeyWish{Name: "bookkeeping", Right: account.Statements}, people.Noon)
	for try, want := range []error{nil, table.ErrChanged} {
		if err := s.ChangeKey(t.Context(), k, k.Made(account.Operator)); !errors.Is(err, want) {
			t.Errorf("try %d: %v", try, err)
		}
	}
	k.Revision = 1
	for try, want := range []error{nil, table.ErrChanged} {
		revoked, act, _ := k.Revoke(account.Operator, people.Noon)
		if err := s.ChangeKey(t.Context(), revoked, act); !errors.Is(err, want) {
			t.Errorf("try %d: %v", try, err)
		}
	}
	if acts := ledger.Holds(t, cfg, name).Acts; len(acts) != 2 {
		t.Errorf("%+v", acts)
	}
}
