package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/table"
	"opiq/shared/takedown"
	"opiq/shared/web"
)

func open(cfg aws.Config, name string) door { return door{table.Open(cfg, name), people.Now} }

// world is a table in which staff have put a work off.
func world(t *testing.T) (aws.Config, string) {
	t.Helper()
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	later := catalog.Redistribution{
		From: civil.Date{Year: 2027, Month: 1, Day: 1}, Until: civil.Date{Year: 2036, Month: 8, Day: 31}, Agreement: "LK-2026-11", Reason: "Uus trükk", Confirmed: true,
	}
	c, act, _, err := catalog.Shelf{}.Redistribute("w008", later, account.Operator, people.Noon)
	if err == nil {
		_, err = s.ChangeWork(t.Context(), c, act)
	}
	if err != nil {
		t.Fatal(err)
	}
	return cfg, name
}

// TestEvents plays each event twice in its own world: the second answer is the first one, and there is one report at most.
func TestEvents(t *testing.T) {
	golden.Events(t, "takedown-reports", func(t *testing.T, _ string, event []byte) any {
		cfg, name := world(t)
		routes := open(cfg, name).routes()
		answer, again := people.Answer(t, routes, event), people.Answer(t, routes, event)
		if answer.StatusCode != again.StatusCode || answer.Body != again.Body {
			t.Errorf("the second answer is %d %s", again.StatusCode, again.Body)
		}
		return map[string]any{"answer": json.RawMessage(golden.JSON(t, answer)), "kept": ledger.Holds(t, cfg, name).Takedowns}
	})
}

// claim is what somebody at an address on the network says of a work.
func claim(work, ip, text string) events.APIGatewayV2HTTPRequest {
	e := people.Request("POST /v1/works/{id}/takedown-reports", "", map[string]string{"id": work}, map[string]any{"claim": text, "goodFaith": true})
	e.RequestContext.HTTP.SourceIP = ip
	return e
}

const mine = "Joonised on minu raamatust, ja luba ei ole."

// tell sends a claim and answers the status, the code of a problem and the number of the report.
func tell(ctx context.Context, routes web.Routes, e events.APIGatewayV2HTTPRequest) (status int, code string, id takedown.ID, wait string, err error) {
	out, err := routes.Handle(ctx, e)
	if err != nil {
		return 0, "", "", "", err
	}
	var said struct {
		Code   string
		Report takedown.ID
	}
	err = json.Unmarshal([]byte(out.Body), &said)
	return out.StatusCode, said.Code, said.Report, out.Headers["Retry-After"], err
}

var errAgain = errors.New("somebody would try again")

func TestReportingWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		routes := open(broken(cfg), name).routes()
		return func(ctx context.Context) error {
				status, code, _, _, err := tell(ctx, routes, claim("w001", "192.0.2.17", mine))
				if err == nil && status != 202 {
					err = fmt.Errorf("%w: %d %s", errAgain, status, code)
				}
				return err
			}, func(t *testing.T) {
				if all := ledger.Holds(t, cfg, name).Takedowns; len(all) != 1 || all[0].State != takedown.Open {
					t.Errorf("%+v", all)
				}
			}
	})
}

// TestTheSameClaimIsOneReport: on one day, from one network, about one work, in the same words.
func TestTheSameClaimIsOneReport(t *testing.T) {
	cfg, name := stage.Table(t)
	d := open(cfg, name)
	var numbers []takedown.ID
	for _, c := range []struct {
		work, ip, text string
		at             time.Time
	}{
		{"w001", "192.0.2.17", mine, people.Noon},
		{"w001", "192.0.2.17", " " + mine + "\n", people.Noon.Add(12*time.Hour - time.Second)}, // the last second of the day in Tallinn
		{"w001", "192.0.2.17", mine, people.Noon.Add(12 * time.Hour)},
		{"w002", "192.0.2.17", mine, people.Noon},
		{"w001", "192.0.2.18", mine, people.Noon},
		{"w001", "192.0.2.17", mine + " Päriselt.", people.Noon},
		{"w001", "2001:db8::1", mine, people.Noon},
		{"w001", "2001:db8::2", mine, people.Noon}, // the same subscriber
	} {
		d.now = func() time.Time { return c.at }
		status, code, id, _, err := tell(t.Context(), d.routes(), claim(c.work, c.ip, c.text))
		if status != 202 || err != nil {
			t.Fatalf("%+v: %d %s (%v)", c, status, code, err)
		}
		numbers = append(numbers, id)
	}
	if numbers[0] == numbers[2] {
		t.Error("a claim of another day is the same report")
	}
	slices.Sort(numbers)
	if n := len(slices.Compact(numbers)); n != 6 || len(ledger.Holds(t, cfg, name).Takedowns) != 6 {
		t.Errorf("%d reports: %v", n, numbers)
	}
}

func TestWhoReportsVeryMuchWaits(t *testing.T) {
	cfg, name := stage.Table(t)
	d := open(cfg, name)
	about := func(i int) events.APIGatewayV2HTTPRequest {
		return claim(fmt.Sprintf("w%03d", i+1), "192.0.2.17", mine)
	}
	for i := range takedown.Tries.Max + 1 {
		want := "202 "
		if i == takedown.Tries.Max {
			want = "429 too_many_reports3600"
		}
		status, code, _, wait, err := tell(t.Context(), d.routes(), about(i))
		if got := fmt.Sprint(status, " ", code, wait); got != want || err != nil {
			t.Fatalf("report %d: %s (%v)", i+1, got, err)
		}
	}
	d.now = func() time.Time { return people.Noon.Add(takedown.Tries.Per) }
	if status, code, _, _, err := tell(t.Context(), d.routes(), about(takedown.Tries.Max)); status != 202 || err != nil {
		t.Errorf("an hour later: %d %s (%v)", status, code, err)
	}
	if n := len(ledger.Holds(t, cfg, name).Takedowns); n != takedown.Tries.Max+1 {
		t.Errorf("%d reports", n)
	}
}

// TestNobodySilencesAWork: whatever some networks say of it, whose work it is is heard.
func TestNobodySilencesAWork(t *testing.T) {
	cfg, name := stage.Table(t)
	routes := open(cfg, name).routes()
	for network := range 4 {
		for i := range takedown.Tries.Max {
			ip := fmt.Sprintf("192.0.2.%d", network)
			if status, code, _, _, err := tell(t.Context(), routes, claim("w001", ip, fmt.Sprint(mine, i))); status != 202 || err != nil {
				t.Fatalf("report %d from %s: %d %s (%v)", i+1, ip, status, code, err)
			}
		}
	}
	if status, code, _, _, err := tell(t.Context(), routes, claim("w001", "198.51.100.7", mine)); status != 202 || err != nil {
		t.Errorf("whose work it is hears %d %s (%v)", status, code, err)
	}
}
