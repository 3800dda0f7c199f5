package main

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/payment"
	"opiq/shared/table"
)

// TestWhoeverLooksAtOthersOrdersIsRemembered: nothing is shown before that is, whichever call breaks.
func TestWhoeverLooksAtOthersOrdersIsRemembered(t *testing.T) {
	for name, c := range map[string]struct {
		route string
		path  map[string]string
		query string
		deed  account.Deed
	}{
		"the orders of an address": {"GET /v1/staff/orders", nil, "find=mari%40example.ee", account.PersonSeen},
		"an address of nobody":     {"GET /v1/staff/orders", nil, "find=nobody%40example.ee", account.AddressSought},
		"an order":                 {"GET /v1/staff/orders/{number}", map[string]string{"number": string(people.Running)}, "", payment.SaleSeen},
	} {
		t.Run(name, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				cfg, name := stage.Table(t)
				s := table.Open(cfg, name)
				people.MoveIn(t, s)
				people.Employ(t, s)
				o := open(broken(cfg), name)
				seen := func(t *testing.T) (n int) {
					for _, a := range ledger.Holds(t, cfg, name).Acts {
						if a.What == c.deed && a.Actor == "account:"+string(people.Liis) {
							n++
						}
					}
					return n
				}
				return func(ctx context.Context) error {
						r := people.Request(c.route, people.Liis, c.path, nil)
						r.RawQueryString = c.query
						out, err := o.routes().Handle(ctx, r)
						switch {
						case err != nil:
							return err
						case out.StatusCode != 200:
							return errStatus
						case seen(t) != 1:
							t.Errorf("it was shown, and %d lines say so", seen(t))
						}
						return nil
					}, func(t *testing.T) {
						if n := seen(t); n != 1 {
							t.Errorf("%d lines", n)
						}
					}
			})
		})
	}
}
