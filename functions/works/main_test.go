package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/lang"
	"opiq/shared/service"
	"opiq/shared/table"
	"opiq/shared/takedown"
	"opiq/shared/web"
)

func open(cfg aws.Config, name string) desk {
	return desk{table.Open(cfg, name), web.CookieAt(people.PublicURL), people.Now}
}

// Elo looks after the works.
const elo account.ID = "55555555555555555555555555555555"

// The reports: one that nobody has looked at, one that a work was stopped for, one that was dismissed, and one more of the work that
// is stopped.
const (
	fresh     takedown.ID = "1111111111111111"
	suspended takedown.ID = "2222222222222222"
	dismissed takedown.ID = "3333333333333333"
	another   takedown.ID = "4444444444444444"
)

func day(s string) civil.Date {
	d, err := civil.Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

// world is a table with Elo and those who may not do this, a work that was redistributed, one that is to come out, four reports, and a
// price list ahead.
func world(t *testing.T) (aws.Config, string) {
	t.Helper()
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.Employ(t, s)
	editor := people.Person(elo, "Elo", "Eller", lang.Estonian)
	editor.Roles = []account.Role{account.Editor}
	act := account.Act{At: people.Noon, Actor: account.Operator.String(), What: account.Enrolled, Object: editor.Actor().String()}
	if err := s.Enroll(t.Context(), account.Enlisted{Account: editor, Act: act}); err != nil {
		t.Fatal(err)
	}
	redistribute(t, s, "w007", catalog.Redistribution{From: day("2023-08-15"), Until: day("2027-08-31"), Agreement: "LK-2023-02", Reason: "Kirjastus soovis"})
	redistribute(t, s, "w008", catalog.Redistribution{From: day("2027-01-01"), Until: day("2036-08-31"), Agreement: "LK-2026-11", Reason: "Uus trükk", Confirmed: true})
	price(t, s, day("2027-02-01"), catalog.Pricing{Plans: []catalog.Plan{{Months: 1, Net: 5_00, Remind: []int{7}}, {Months: 12, Net: 42_00, Remind: []int{30, 7}}}})
	for id, w := range map[takedown.ID]catalog.WorkID{fresh: "w001", suspended: "w002", dismissed: "w003", another: "w002"} {
		r := takedown.Claim{Name: "Autor Autorson", Email: "autor@example.ee", Claim: "Joonised on minu raamatust."}.Report(w, "192.0.2.99", people.Noon)
		r.ID = id
		if _, err := s.Report(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	decide(t, s, suspended, takedown.Suspend)
	decide(t, s, dismissed, takedown.Dismiss)
	return cfg, name
}

func shelf(t *testing.T, s *table.Table) catalog.Shelf {
	t.Helper()
	all, err := s.Shelf(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func redistribute(t *testing.T, s *table.Table, id catalog.WorkID, r catalog.Redistribution) {
	t.Helper()
	c, act, _, err := shelf(t, s).Redistribute(id, r, account.Actor{Account: elo}, people.Noon)
	if err == nil {
		_, err = s.ChangeWork(t.Context(), c, act)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func price(t *testing.T, s *table.Table, from civil.Date, p catalog.Pricing) {
	t.Helper()
	l, act, _, err := shelf(t, s).Reprice(from, p, account.Actor{Account: elo}, people.Noon)
	if err == nil {
		_, err = s.SetPrices(t.Context(), l, act)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// decide is what Elo decided before.
func decide(t *testing.T, s *table.Table, id takedown.ID, c takedown.Choice) takedown.Report {
	t.Helper()
	r, err := s.Takedown(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := takedown.Decision{Decision: c, Reason: "Elo küsis kirjastuselt"}.Take(r, shelf(t, s).Change(r.Work), account.Actor{Account: elo}, people.Noon)
	if err == nil {
		r, err = s.DecideTakedown(t.Context(), out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines are what the table holds, a line a thing: what an event has changed is the lines that were not there before.
func lines(l ledger.Ledger) (all []string) {
	line := func(format string, a ...any) { all = append(all, fmt.Sprintf(format, a...)) }
	for _, a := range l.Acts {
		line("act: %s %s %s %q %v", a.Actor, a.What, a.Object, a.Reason, a.Detail)
	}
	for _, w := range l.Works {
		line("work: %s %v %s, %d holds, revision %d", w.ID, w.Distribution, w.Agreement, len(w.Holds), w.Revision)
	}
	for _, p := range l.Prices {
		line("prices: %s %v, revision %d", p.Version(), p.Plans, p.Revision)
	}
	for _, r := range l.Takedowns {
		line("report: %s of %s, %s", r.ID, r.Work, r.State)
	}
	for _, h := range l.Holds {
		line("hold: %s for %s, %s, review on %s, %v", h.On, h.Basis, h.State, h.ReviewOn, h.Evidence)
	}
	slices.Sort(all)
	return all
}

func TestEvents(t *testing.T) {
	golden.Changes(t, "works", func(t *testing.T) (func(*testing.T, []byte) any, func(*testing.T) []string) {
		cfg, name := world(t)
		play := func(t *testing.T, event []byte) any { return people.Answer(t, open(cfg, name).routes(), event) }
		return play, func(t *testing.T) []string { return lines(ledger.Holds(t, cfg, name)) }
	})
}

// change is something that Elo asks for.
type change struct {
	route string
	path  map[string]string
	body  map[string]any
}

var (
	withdraw = change{"PUT /v1/works/{id}/distribution", map[string]string{"id": "w001"}, map[string]any{
		"from": "2023-08-15", "until": "2027-08-31", "agreement": "LK-2023-02", "reason": "Kirjastus soovis",
	}}
	set = change{"PUT /v1/price-lists/{validFrom}", map[string]string{"validFrom": "2027-09-01"}, map[string]any{
		"plans": []catalog.Plan{{Months: 12, Net: 40_00, Remind: []int{30}}},
	}}
	stop    = change{"POST /v1/takedown-reports/{id}/decision", map[string]string{"id": string(fresh)}, map[string]any{"decision": "suspend", "reason": "Lepingut ei ole"}}
	dismiss = change{stop.route, stop.path, map[string]any{"decision": "dismiss", "reason": "Leping on"}}
)

// ask answers the status and the code of a problem.
func ask(ctx context.Context, routes web.Routes, c change) (status int, code string, err error) {
	out, err := routes.Handle(ctx, people.Request(c.route, elo, c.path, c.body))
	if err != nil {
		return 0, "", err
	}
	var said struct {
		Code string `json:"code"`
	}
	err = json.Unmarshal([]byte(out.Body), &said)
	return out.StatusCode, said.Code, err
}

var errAgain = errors.New("a person would try again")

// TestChangesWithEveryCallBroken: whoever hears nothing asks again, and it is done once.
func TestChangesWithEveryCallBroken(t *testing.T) {
	for name, c := range map[string]struct {
		change
		done func(ledger.Ledger) int
	}{
		"a distribution": {withdraw, func(l ledger.Ledger) int { return deeds(l, catalog.WorkRedistributed, "work:w001") }},
		"a price list":   {set, func(l ledger.Ledger) int { return deeds(l, catalog.PricesSet, "prices:2027-09-01") }},
		"a suspicion": {stop, func(l ledger.Ledger) int {
			return deeds(l, takedown.ReportDecided, "takedown:"+string(fresh)) * (len(l.Holds) - 1)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				cfg, name := world(t)
				routes := open(broken(cfg), name).routes()
				return func(ctx context.Context) error {
						status, code, err := ask(ctx, routes, c.change)
						if err == nil && status != 200 {
							err = fmt.Errorf("%w: %d %s", errAgain, status, code)
						}
						return err
					}, func(t *testing.T) {
						if n := c.done(ledger.Holds(t, cfg, name)); n != 1 {
							t.Errorf("it was done %d times", n)
						}
					}
			})
		})
	}
}

// TestNobodySeesReportsUnremembered: where the act cannot be written, nothing is shown; and two pages in the same second are two acts.
func TestNobodySeesReportsUnremembered(t *testing.T) {
	look := func(ctx context.Context, routes web.Routes, query string) (int, error) {
		e := people.Request("GET /v1/takedown-reports", elo, nil, nil)
		e.RawQueryString = query
		out, err := routes.Handle(ctx, e)
		return out.StatusCode, err
	}
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := world(t)
		routes := open(broken(cfg), name).routes()
		seen := 0
		return func(ctx context.Context) error {
				for _, query := range []string{"state=suspended", "state=open&limit=1"} {
					status, err := look(ctx, routes, query)
					if err != nil || status != 200 {
						return fmt.Errorf("%w: %d (%v)", errAgain, status, err)
					}
				}
				seen++
				return nil
			}, func(t *testing.T) {
				l := ledger.Holds(t, cfg, name)
				if seen == 0 || deeds(l, takedown.ReportsSeen, "takedowns:suspended") != 1 || deeds(l, takedown.ReportsSeen, "takedowns:open") != 1 {
					t.Errorf("seen %d times, and %+v tell of it", seen, l.Acts)
				}
			}
	})
	cfg, name := world(t)
	routes := open(cfg, name).routes()
	for _, query := range []string{"limit=1", "limit=100", "limit=1"} {
		if status, err := look(t.Context(), routes, query); status != 200 || err != nil {
			t.Fatal(status, err)
		}
	}
	if n := deeds(ledger.Holds(t, cfg, name), takedown.ReportsSeen, "takedowns:open"); n != 2 {
		t.Errorf("%d acts tell of two pages", n)
	}
}

func deeds(l ledger.Ledger, d account.Deed, object string) (n int) {
	for _, a := range l.Acts {
		if a.What == d && a.Object == object {
			n++
		}
	}
	return n
}

// TestTwoEditorsAtOnce: neither writes over what the other one wrote.
func TestTwoEditorsAtOnce(t *testing.T) {
	longer, dearer := withdraw, set
	longer.body = map[string]any{"from": "2023-08-15", "until": "2040-08-31", "agreement": "LK-2023-02", "reason": "Kirjastus soovis"}
	dearer.body = map[string]any{"plans": []catalog.Plan{{Months: 12, Net: 50_00, Remind: []int{30}}}}
	for name, c := range map[string]struct {
		one, other change
		want       []string
	}{
		"two distributions":              {withdraw, longer, []string{"200 ", "409 revision_changed"}},
		"two price lists":                {set, dearer, []string{"200 ", "409 revision_changed"}},
		"the same price list":            {set, set, []string{"200 ", "200 "}},
		"the same decision":              {stop, stop, []string{"200 ", "200 "}},
		"two decisions about one report": {stop, dismiss, []string{"200 ", "409 report_decided"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, table := world(t)
			routes := open(cfg, table).routes()
			var wait sync.WaitGroup
			heard := make([]string, 2)
			for i, one := range []change{c.one, c.other} {
				wait.Go(func() {
					status, code, err := ask(t.Context(), routes, one)
					if heard[i] = fmt.Sprint(status, " ", code); err != nil {
						t.Error(err)
					}
				})
			}
			wait.Wait()
			slices.Sort(heard)
			if !slices.Equal(heard, c.want) {
				t.Errorf("%q, want %q", heard, c.want)
			}
			ledger.Holds(t, cfg, table)
		})
	}
}

// TestAWorkIsReinstatedWithTheLastOfItsHolds: two suspicions stop a work twice, and each is cleared up by itself.
func TestAWorkIsReinstatedWithTheLastOfItsHolds(t *testing.T) {
	cfg, name := world(t)
	s := table.Open(cfg, name)
	first, err := s.Takedown(t.Context(), suspended)
	if err != nil {
		t.Fatal(err)
	}
	second := decide(t, s, another, takedown.Suspend)
	today := civil.DateOf(people.Noon, civil.Tallinn)
	for i, c := range []struct {
		lift hold.ID
		want catalog.Status
	}{{"", catalog.StatusSuspended}, {first.Decided.Hold, catalog.StatusSuspended}, {second.Decided.Hold, catalog.StatusOffered}} {
		if c.lift != "" {
			lift(t, s, c.lift)
		}
		if w, err := shelf(t, s).Find("w002", today); err != nil || w.Status(today) != c.want {
			t.Errorf("after %d were lifted it is %s (%v)", i, w.Status(today), err)
		}
		ledger.Holds(t, cfg, name)
	}
}

func lift(t *testing.T, s *table.Table, id hold.ID) {
	t.Helper()
	r, err := s.Hold(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	thing, err := s.Closing(t.Context(), r.On)
	if err != nil {
		t.Fatal(err)
	}
	d, err := service.Lift(r, thing, "Leping leiti", account.Actor{Account: elo}, people.Noon)
	if err == nil {
		err = s.Decide(t.Context(), d)
	}
	if err != nil {
		t.Fatal(err)
	}
}
