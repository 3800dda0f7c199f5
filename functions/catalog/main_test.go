package main

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"opiq/local/golden"
)

func at(instant string) shelf {
	t, err := time.Parse(time.RFC3339, instant)
	if err != nil {
		panic(err)
	}
	return shelf{func() time.Time { return t }}
}

var today = at("2026-09-01T09:00:00Z")

func TestEvents(t *testing.T) {
	golden.Events(t, "catalog", func(t *testing.T, _ string, event []byte) any {
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		return answer(t, today, e)
	})
}

func answer(t *testing.T, s shelf, e events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	t.Helper()
	out, err := s.routes().Handle(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func get(t *testing.T, s shelf, route, query string, headers map[string]string) events.APIGatewayV2HTTPResponse {
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
