package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Door is a function that is asked about a request before the route's own is.
type Door struct {
	Function string
	Headers  []string      // in lower case: without one of them a request is refused unasked, and the answer is remembered by them
	Kept     time.Duration // for so long
}

// Guard puts a door before all routes. It is called before the gateway answers anybody.
func (g *Gateway) Guard(d Door) { g.door, g.heard = d, map[string]heard{} }

// question is a request as a door sees it: an authorizer's, in payload format 2.0 as well.
type question struct {
	Version               string            `json:"version"`
	Type                  string            `json:"type"`
	RouteARN              string            `json:"routeArn"`
	IdentitySource        []string          `json:"identitySource"`
	RouteKey              string            `json:"routeKey"`
	RawPath               string            `json:"rawPath"`
	RawQueryString        string            `json:"rawQueryString"`
	Cookies               []string          `json:"cookies,omitempty"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext        requestContext    `json:"requestContext"`
	PathParameters        map[string]string `json:"pathParameters,omitempty"`
}

// heard is what a door said, and until when that holds.
type heard struct {
	IsAuthorized bool           `json:"isAuthorized"`
	Context      map[string]any `json:"context"`
	until        time.Time
}

// ask asks the door, and writes what it says beside a yes into the event. The status is 200, or what the caller is refused with.
func (g *Gateway) ask(ctx context.Context, e *event) (status int) {
	if g.door.Function == "" {
		return http.StatusOK
	}
	var identity []string
	for _, name := range g.door.Headers {
		if e.Headers[name] == "" {
			return http.StatusUnauthorized
		}
		identity = append(identity, e.Headers[name])
	}
	key, now := strings.Join(identity, "\n"), g.now()
	g.mu.Lock()
	said, known := g.heard[key]
	g.mu.Unlock()
	if !known || !now.Before(said.until) {
		payload, err := json.Marshal(question{
			"2.0", "REQUEST", "arn:aws:execute-api:local:000000000000:local/$default/" + e.RequestContext.HTTP.Method + e.RawPath, identity,
			e.RouteKey, e.RawPath, e.RawQueryString, e.Cookies, e.Headers, e.QueryStringParameters, e.RequestContext, e.PathParameters,
		})
		if err != nil {
			return http.StatusInternalServerError
		}
		out, err := g.invoke(ctx, g.door.Function, payload)
		said = heard{}
		if err != nil || json.Unmarshal(out, &said) != nil {
			return http.StatusInternalServerError
		}
		said.until = now.Add(g.door.Kept)
		g.mu.Lock()
		g.heard[key] = said
		g.mu.Unlock()
	}
	if !said.IsAuthorized {
		return http.StatusForbidden
	}
	if said.Context != nil {
		e.RequestContext.Authorizer = &authorizer{said.Context}
	}
	return http.StatusOK
}
