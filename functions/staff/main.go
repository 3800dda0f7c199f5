// Command staff makes accounts of people who work here and keys of machines, for whoever has the right to call it by hand: it has
// no route, no queue and no schedule.
//
//	{"enroll": {"email", "firstName", "lastName", "language", "roles", "password"}} → {"account": ID}
//	{"key": {"name", "right"}} → {"id": ID, "secret": what the machine shows; it is told this once}
//	{"revoke": {"id"}} → {}
//
// What is wrong with a command is the error of the call, as the API would say it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"opiq/shared/account"
	"opiq/shared/cloud"
	"opiq/shared/fields"
	"opiq/shared/problem"
	"opiq/shared/secret"
	"opiq/shared/table"
)

type store interface {
	ByAddress(context.Context, account.Address) (account.Account, error)
	Enroll(context.Context, account.Enlisted) error
	Key(context.Context, account.KeyID) (account.Key, error)
	ChangeKey(context.Context, account.Key, account.Act) error
}

type staff struct {
	store     store
	passwords account.Passwords
	now       func() time.Time
}

func main() {
	cfg := cloud.Config()
	passwords := account.NewPasswords(secret.Pepper(cfg, cloud.Env("SECRETS")))
	lambda.Start(staff{table.Open(cfg, cloud.Env("TABLE")), passwords, time.Now}.handle)
}

// command is one of three.
type command struct {
	Enroll *account.Enrollment `json:"enroll"`
	Key    *account.KeyWish    `json:"key"`
	Revoke *revocation         `json:"revoke"`
}

type revocation struct {
	ID account.KeyID `json:"id"`
}

// Check names every wrong field.
func (c *command) Check() (wrong []problem.Field) {
	commands := 0
	if c.Enroll != nil {
		commands, wrong = commands+1, append(wrong, within("/enroll", c.Enroll.Check())...)
	}
	if c.Key != nil {
		commands, wrong = commands+1, append(wrong, within("/key", c.Key.Check())...)
	}
	if c.Revoke != nil {
		commands, wrong = commands+1, append(wrong, account.Required("/revoke/id", string(c.Revoke.ID))...)
	}
	if commands != 1 {
		wrong = append(wrong, problem.Field{Pointer: "", Code: "one_command", Detail: "Give one of enroll, key and revoke."})
	}
	return wrong
}

// within are fields of an object inside of the command.
func within(pointer string, inner []problem.Field) (wrong []problem.Field) {
	for _, f := range inner {
		f.Pointer = pointer + f.Pointer
		wrong = append(wrong, f)
	}
	return wrong
}

func (s staff) handle(ctx context.Context, event json.RawMessage) (any, error) {
	var c command
	if err := fields.Read(event, &c); err != nil {
		return nil, told(err)
	}
	var answer any
	var err error
	switch {
	case c.Enroll != nil:
		answer, err = s.enroll(ctx, *c.Enroll)
	case c.Key != nil:
		answer, err = s.key(ctx, *c.Key)
	default:
		answer, err = struct{}{}, s.revoke(ctx, c.Revoke.ID)
	}
	if err != nil {
		return nil, told(err)
	}
	return answer, nil
}

// told is a failure as who called reads it: with every wrong field, in JSON.
func told(err error) error {
	p, ok := errors.AsType[*problem.Error](err)
	if !ok {
		return err
	}
	text, err := json.Marshal(failure{p.Code, p.Detail, p.Fields})
	if err != nil {
		return err
	}
	return errors.New(string(text))
}

type failure struct {
	Code   string          `json:"code"`
	Detail string          `json:"detail"`
	Errors []problem.Field `json:"errors,omitempty"`
}

type enrolled struct {
	Account account.ID `json:"account"`
}

// enroll decides again where the account changed meanwhile.
func (s staff) enroll(ctx context.Context, in account.Enrollment) (enrolled, error) {
	address, _ := account.ParseAddress(in.Email)
	for try := 0; ; try++ {
		known, err := s.store.ByAddress(ctx, address)
		if err != nil {
			return enrolled{}, err
		}
		if known.ID == "" {
			if err := problem.Wrong(within("/enroll", in.Missing())); err != nil {
				return enrolled{}, err
			}
		}
		e, news := account.Enroll(known, in, s.passwords, s.now())
		if !news {
			return enrolled{e.Account.ID}, nil
		}
		if err := s.store.Enroll(ctx, e); !errors.Is(err, table.ErrChanged) || try == tries {
			return enrolled{e.Account.ID}, err
		}
	}
}

// tries are how often a change is made again where somebody else was quicker.
const tries = 3

type newKey struct {
	ID     account.KeyID `json:"id"`
	Secret string        `json:"secret"`
}

func (s staff) key(ctx context.Context, in account.KeyWish) (newKey, error) {
	k, secret := account.NewKey(in, s.now())
	return newKey{k.ID, secret}, s.store.ChangeKey(ctx, k, k.Made(account.Operator))
}

func (s staff) revoke(ctx context.Context, id account.KeyID) error {
	k, err := s.store.Key(ctx, id)
	if err != nil {
		return err
	}
	k, act, news := k.Revoke(account.Operator, s.now())
	if !news {
		return nil
	}
	return s.store.ChangeKey(ctx, k, act)
}
