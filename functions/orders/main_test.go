package main

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/order"
	"opiq/shared/table"
	"opiq/shared/web"
)

func open(cfg aws.Config, name string) orders {
	return orders{table.Open(cfg, name), web.CookieAt(people.PublicURL), people.Now}
}

func TestEvents(t *testing.T) {
	golden.Events(t, "orders", func(t *testing.T, _ string, event []byte) any {
		cfg, name := stage.Table(t)
		people.MoveIn(t, table.Open(cfg, name))
		return people.Answer(t, open(cfg, name).routes(), event)
	})
}

var errStatus = errors.New("an answer that a browser would try again")

func TestCancellingWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		routes := open(broken(cfg), name).routes()
		return func(ctx context.Context) error {
				out, err := routes.Handle(ctx, people.Request("DELETE /v1/orders/{number}", people.Mari, map[string]string{"number": string(people.Waiting)}, nil))
				if err == nil && out.StatusCode != 204 {
					err = errStatus
				}
				return err
			}, func(t *testing.T) {
				book, err := s.Book(t.Context(), people.Waiting)
				if err != nil || book.Order.State != order.Cancelled || len(book.Order.History) != 2 {
					t.Errorf("%+v (%v)", book.Order, err)
				}
			}
	})
}
