// Package gateway is API Gateway's HTTP API on one machine: it finds the template's route of a request, turns the request
// into an event of payload format 2.0, and what the function answers into a response.
//
// What the documentation leaves open is done as the real gateway was seen to do it: the path is decoded before it is
// matched, a form is base64 like every body that is not text, a method without a route is 404. No cross-origin header is
// ever added. The package knows no stages and no authorizer but one function for all routes: who somebody is the functions
// look at themselves.
package gateway

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"opiq/local/lambda"
)

// Route is one route of the template.
type Route struct {
	Key      string // "GET /v1/orders/{number}", "ANY /files/{path+}" or "$default"
	Function string
}

// Gateway answers requests with functions.
type Gateway struct {
	routes []route
	invoke Invoke
	now    func() time.Time
	limit  time.Duration

	door  Door
	mu    sync.Mutex
	heard map[string]heard // by the headers of the door
}

// Invoke calls a function by its name, as lambda.Host.Invoke does.
type Invoke func(ctx context.Context, function string, payload []byte) ([]byte, error)

const (
	integrationTime = 30 * time.Second // the longest that an HTTP API waits for a function
	maxBody         = 10 << 20
)

// New makes a gateway of the template's routes.
func New(routes []Route, invoke Invoke) *Gateway {
	g := &Gateway{invoke: invoke, now: time.Now, limit: integrationTime}
	for _, r := range routes {
		g.routes = append(g.routes, parse(r))
	}
	// The most specific path first; of two equal ones, the one that names its method.
	slices.SortStableFunc(g.routes, func(a, b route) int { return strings.Compare(a.rank(), b.rank()) })
	return g
}

// Serves tells whether a request has a route.
func (g *Gateway) Serves(method, path string) bool {
	_, _, ok := g.find(method, path)
	return ok
}

func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	route, params, ok := g.find(r.Method, r.URL.Path)
	if !ok {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	if err != nil {
		return // the caller is gone
	}
	id := requestID()
	w.Header().Set("Apigw-Requestid", id)
	e := newEvent(r, body, g.now().UTC())
	e.RouteKey, e.RequestContext.RouteKey = route.Key, route.Key
	e.PathParameters, e.RequestContext.RequestID = params, id
	// A caller who hangs up does not end the function: the gateway waits for it all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), g.limit)
	defer cancel()
	if status := g.ask(ctx, &e); status != http.StatusOK {
		refuse(w, status, http.StatusText(status))
		return
	}
	payload, err := e.payload()
	if err != nil {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	out, err := g.invoke(ctx, route.Function, payload)
	switch {
	case errors.Is(err, lambda.ErrThrottled):
		refuse(w, http.StatusTooManyRequests, "Too Many Requests")
	case errors.Is(err, lambda.ErrTooLarge):
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, lambda.ErrStopped):
		refuse(w, http.StatusServiceUnavailable, "Service Unavailable")
	case err != nil:
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
	default:
		respond(w, out)
	}
}

// refuse answers in the gateway's own words.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

// route is a route cut into the steps of its path.
type route struct {
	Route
	method string   // "ANY" fits all
	steps  []string // nil for $default
}

func parse(r Route) route {
	method, path, ok := strings.Cut(r.Key, " ")
	if !ok {
		return route{r, "ANY", nil} // $default
	}
	return route{r, method, strings.Split(path, "/")[1:]}
}

// rank sorts routes: fixed steps before parameters before greedy ones before $default, a method before ANY.
func (r route) rank() string {
	var rank strings.Builder
	for _, step := range r.steps {
		rank.WriteByte("abc"[kind(step)])
	}
	if r.steps == nil {
		rank.WriteByte('d')
	}
	if r.method == "ANY" {
		rank.WriteByte('z')
	}
	return rank.String()
}

const (
	fixed = iota
	param
	greedy
)

func kind(step string) int {
	switch {
	case !strings.HasPrefix(step, "{"):
		return fixed
	case strings.HasSuffix(step, "+}"):
		return greedy
	}
	return param
}

func (g *Gateway) find(method, path string) (route, map[string]string, bool) {
	for _, r := range g.routes {
		if r.method != "ANY" && r.method != method {
			continue
		}
		if params, ok := r.match(strings.TrimPrefix(path, "/")); ok {
			return r, params, true
		}
	}
	return route{}, nil, false
}

func (r route) match(path string) (map[string]string, bool) {
	if r.steps == nil {
		return nil, true
	}
	var params map[string]string
	set := func(name, value string) bool {
		if params == nil {
			params = map[string]string{}
		}
		params[name] = value
		return value != ""
	}
	for i, step := range r.steps {
		here, rest, more := strings.Cut(path, "/")
		switch kind(step) {
		case greedy:
			return params, set(step[1:len(step)-2], path)
		case param:
			if !set(step[1:len(step)-1], here) {
				return nil, false
			}
		case fixed:
			if step != here {
				return nil, false
			}
		}
		if last := i == len(r.steps)-1; more == last {
			return nil, false
		}
		path = rest
	}
	return params, true
}

func requestID() string {
	var b [11]byte
	rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

// peer is the address of the caller, and the port it came to.
func peer(r *http.Request) (ip, port string) {
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	if _, port, err = net.SplitHostPort(r.Host); err != nil {
		port = "80"
	}
	return ip, port
}
