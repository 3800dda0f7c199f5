package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// guarded is a gateway with a door that knows one word, how often the door was asked, and the last event that came through.
func guarded(t *testing.T) (g *Gateway, asked *int, through *events.APIGatewayV2HTTPRequest) {
	t.Helper()
	asked, through = new(int), new(events.APIGatewayV2HTTPRequest)
	g = New([]Route{{Key: "GET /x", Function: "x"}}, func(_ context.Context, function string, payload []byte) ([]byte, error) {
		if function == "x" {
			return []byte(`{"statusCode":204}`), json.Unmarshal(payload, through)
		}
		*asked++
		var q events.APIGatewayV2CustomAuthorizerV2Request
		d := json.NewDecoder(bytes.NewReader(payload))
		d.DisallowUnknownFields()
		if err := d.Decode(&q); err != nil {
			t.Errorf("aws-lambda-go does not know this question: %v", err)
		}
		if q.Type != "REQUEST" || q.RouteKey != "GET /x" || len(q.IdentitySource) != 2 || q.Headers["x-word"] != q.IdentitySource[0] {
			t.Errorf("the question is %s", payload)
		}
		switch q.Headers["x-word"] {
		case "broken":
			return nil, errors.New("broken")
		case "riddle":
			return []byte(`"perhaps"`), nil
		}
		return json.Marshal(map[string]any{"isAuthorized": q.Headers["x-word"] == "sesame", "context": map[string]string{"who": q.Headers["x-who"]}})
	})
	g.Guard(Door{Function: "door", Headers: []string{"x-word", "x-who"}, Kept: time.Minute})
	return g, asked, through
}

func TestOnlyWhomTheDoorKnowsComesIn(t *testing.T) {
	for _, c := range []struct {
		head          []string
		status, asked int
	}{
		{[]string{"X-Word", "sesame", "X-Who", "mari"}, 204, 1},
		{[]string{"X-Word", "barley", "X-Who", "mari"}, 403, 1},
		{[]string{"X-Word", "sesame"}, 401, 0},
		{[]string{"X-Who", "mari"}, 401, 0},
		{[]string{"X-Word", "broken", "X-Who", "mari"}, 500, 1},
		{[]string{"X-Word", "riddle", "X-Who", "mari"}, 500, 1},
	} {
		g, asked, _ := guarded(t)
		if answer := send(g, request("GET", "/x", "", c.head...)); answer.StatusCode != c.status || *asked != c.asked {
			t.Errorf("%v: status %d, the door was asked %d times", c.head, answer.StatusCode, *asked)
		}
	}
}

func TestTheDoorIsRememberedByItsHeaders(t *testing.T) {
	g, asked, through := guarded(t)
	now := time.Date(2026, 9, 1, 9, 30, 0, 0, time.UTC)
	g.now = func() time.Time { return now }
	for _, c := range []struct {
		who   string
		later time.Duration
		asked int
	}{{"mari", 0, 1}, {"mari", time.Minute - 1, 1}, {"juhan", 0, 2}, {"mari", 1, 3}} {
		now = now.Add(c.later)
		send(g, request("GET", "/x", "", "X-Word", "sesame", "X-Who", c.who))
		if *asked != c.asked {
			t.Errorf("%s: the door was asked %d times, want %d", c.who, *asked, c.asked)
		}
		if a := through.RequestContext.Authorizer; a == nil || a.Lambda["who"] != c.who {
			t.Errorf("%s: the function hears %+v", c.who, a)
		}
	}
}
