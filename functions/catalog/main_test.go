package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/activity"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/table"
)

// room is a store that holds a shelf.
type room struct{ shelf catalog.Shelf }

func (r room) Shelf(context.Context) (catalog.Shelf, error) { return r.shelf, nil }

// book keeps the lines that are told.
type book struct{ lines []activity.Line }

func (b *book) Send(_ context.Context, m any) error {
	b.lines = append(b.lines, m.(activity.Line))
	return nil
}

// at is a shop at an instant whose shelf nobody has touched.
func at(instant string) shop {
	t, err := time.Parse(time.RFC3339, instant)
	if err != nil {
		panic(err)
	}
	return shop{room{}, &book{}, func() time.Time { return t }}
}

var today = at("2026-09-01T09:00:00Z")

func day(s string) civil.Date {
	d, err := civil.Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

// furnish is what staff have set: a work has ended, one is to come out, and prices are to change.
func furnish(t *testing.T, s *table.Table, now time.Time) {
	t.Helper()
	editor := account.Actor{Account: "55555555555555555555555555555555"}
	for id, r := range map[catalog.WorkID]catalog.Redistribution{
		"w007": {From: day("2023-08-15"), Until: day("2026-08-31"), Agreement: "LK-2023-02", Reason: "Kirjastus soovis"},
		"w008": {From: day("2027-01-01"), Until: day("2036-08-31"), Agreement: "LK-2026-11", Reason: "Uus trükk", Confirmed: true},
	} {
		c, act, _, err := catalog.Shelf{}.Redistribute(id, r, editor, now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.ChangeWork(t.Context(), c, act); err != nil {
			t.Fatal(err)
		}
	}
	dearer := catalog.Pricing{Plans: []catalog.Plan{{Months: 1, Net: 5_00, Remind: []int{7}}, {Months: 12, Net: 42_00, Remind: []int{30, 7}}}}
	l, act, _, err := catalog.Shelf{}.Reprice(day("2027-02-01"), dearer, editor, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetPrices(t.Context(), l, act); err != nil {
		t.Fatal(err)
	}
}

// TestEvents plays the events over a table in which staff have set things, each at its own time.
func TestEvents(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	furnish(t, s, today.now())
	golden.Events(t, "catalog", func(t *testing.T, _ string, event []byte) any {
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		told := &book{}
		now := func() time.Time { return time.UnixMilli(e.RequestContext.TimeEpoch) }
		out := answer(t, shop{s.Window(now), told, now}, e)
		return map[string]any{"answer": json.RawMessage(golden.JSON(t, out)), "told": told.named("line")}
	})
	ledger.Holds(t, cfg, name)
}

// named are the lines that were told, under a name that does not come from chance.
func (b *book) named(id string) []activity.Line {
	all := slices.Clone(b.lines)
	for i := range all {
		all[i].ID = id
	}
	return all
}

func answer(t *testing.T, s shop, e events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	t.Helper()
	out, err := s.routes().Handle(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func get(t *testing.T, s shop, route, query string, headers map[string]string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	return answer(t, s, events.APIGatewayV2HTTPRequest{RouteKey: route, RawQueryString: query, Headers: headers})
}

func TestEveryWorkIsOnOnePage(t *testing.T) {
	seen, cursor := map[string]bool{}, ""
	for {
		out := get(t, today, "GET /v1/catalog/works", "limit=37&cursor="+url.QueryEscape(cursor), nil)
		var page struct {
			Works []struct{ ID string }
			Next  *string
			Total int
		}
		if err := json.Unmarshal([]byte(out.Body), &page); err != nil {
			t.Fatal(err)
		}
		for _, w := range page.Works {
			if seen[w.ID] {
				t.Errorf("%s stands on two pages", w.ID)
			}
			seen[w.ID] = true
		}
		if page.Next == nil {
			if len(seen) != page.Total {
				t.Errorf("the pages hold %d works of %d", len(seen), page.Total)
			}
			return
		}
		cursor = *page.Next
	}
}

func TestTheTagFollowsTheContent(t *testing.T) {
	route := "GET /v1/catalog/plans"
	tag := get(t, today, route, "", nil).Headers["ETag"]
	if out := get(t, at("2027-01-31T09:00:00Z"), route, "", map[string]string{"if-none-match": tag}); out.StatusCode != 304 || out.Body != "" {
		t.Errorf("the same list months later: %d %q", out.StatusCode, out.Body)
	}
	if out := get(t, at("2025-12-31T09:00:00Z"), route, "", map[string]string{"if-none-match": tag}); out.StatusCode != 200 {
		t.Errorf("another list: %d", out.StatusCode)
	}
}

func TestTheDayTurnsInTallinn(t *testing.T) {
	// Midnight of the New Year in Tallinn is 22:00 in Greenwich.
	for instant, want := range map[string]int{"2025-12-31T21:59:59Z": 0, "2025-12-31T22:00:00Z": 5} {
		var list struct{ Plans []any }
		if err := json.Unmarshal([]byte(get(t, at(instant), "GET /v1/catalog/plans", "", nil).Body), &list); err != nil {
			t.Fatal(err)
		}
		if len(list.Plans) != want {
			t.Errorf("%s: %d plans, want %d", instant, len(list.Plans), want)
		}
	}
}

// TestWhatStaffSetShowsFromItsDayOn reads a shelf of the table over the days.
func TestWhatStaffSetShowsFromItsDayOn(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	furnish(t, s, today.now())
	for _, c := range []struct{ instant, ended, coming, months string }{
		{"2026-08-31T20:59:59Z", "200 offered", "404 ", "2026-01-01 5"},
		{"2026-08-31T21:00:00Z", "200 withdrawn", "404 ", "2026-01-01 5"},
		{"2026-12-31T21:59:59Z", "200 withdrawn", "404 ", "2026-01-01 5"},
		{"2026-12-31T22:00:00Z", "200 withdrawn", "200 offered", "2026-01-01 5"},
		{"2027-01-31T22:00:00Z", "200 withdrawn", "200 offered", "2027-02-01 2"},
	} {
		then := at(c.instant)
		then.store = s.Window(then.now)
		status := func(id string) string {
			out := answer(t, then, events.APIGatewayV2HTTPRequest{RouteKey: "GET /v1/catalog/works/{id}", PathParameters: map[string]string{"id": id}})
			var w struct{ Status catalog.Status }
			if err := json.Unmarshal([]byte(out.Body), &w); err != nil && out.StatusCode == 200 {
				t.Fatal(err)
			}
			if out.StatusCode != 200 {
				return fmt.Sprint(out.StatusCode, " ")
			}
			return fmt.Sprint(out.StatusCode, " ", w.Status)
		}
		var list struct {
			Plans     []any
			ValidFrom string
		}
		if err := json.Unmarshal([]byte(get(t, then, "GET /v1/catalog/plans", "", nil).Body), &list); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(list.ValidFrom, " ", len(list.Plans)); status("w007") != c.ended || status("w008") != c.coming || got != c.months {
			t.Errorf("%s: %s, %s, %s", c.instant, status("w007"), status("w008"), got)
		}
	}
}

// TestAnAnswerThatACacheKeepsTellsNothing: who has it already hears 304, and is not counted; nor is a question that has no answer.
func TestAnAnswerThatACacheKeepsTellsNothing(t *testing.T) {
	told := &book{}
	s := shop{room{}, told, today.now}
	route := "GET /v1/catalog/works"
	tag := get(t, s, route, "q=numbrirada", nil).Headers["ETag"]
	if len(told.lines) != 1 || told.lines[0].What != activity.CatalogSearched || told.lines[0].Err() != nil {
		t.Fatalf("%+v", told.lines)
	}
	for status, c := range map[int]struct {
		query   string
		headers map[string]string
	}{304: {"q=numbrirada", map[string]string{"if-none-match": tag}}, 422: {"grade=13", nil}} {
		if out := get(t, s, route, c.query, c.headers); out.StatusCode != status || len(told.lines) != 1 {
			t.Errorf("%d, and told of %d", out.StatusCode, len(told.lines))
		}
	}
}

// full is a queue that takes nothing for as long as somebody waits.
type full struct{}

func (full) Send(ctx context.Context, _ any) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestNobodyWaitsForTheLog: what cannot be told within a moment is lost, and the reader has the answer.
func TestNobodyWaitsForTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		out := get(t, shop{room{}, full{}, today.now}, "GET /v1/catalog/works", "", nil)
		if took := time.Since(began); out.StatusCode != 200 || took > 300*time.Millisecond {
			t.Errorf("%d after %v", out.StatusCode, took)
		}
	})
}
