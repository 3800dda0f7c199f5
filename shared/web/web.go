// Package web is the edge to API Gateway: HTTP APIs with payload 2.0, JSON in, JSON or a problem (RFC 9457) out.
//
// A function's main gives Start its handlers by route, as template.yaml names the routes. A handler decodes, asks the
// trade, stores, and returns a Response or an error; which status an error becomes, what is logged and which headers
// every answer carries is decided here and nowhere else. The package makes no session and knows no table.
package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"opiq/shared/fields"
	"opiq/shared/problem"
)

// Request is one HTTP request as API Gateway hands it over.
type Request struct {
	event events.APIGatewayV2HTTPRequest
}

// Path is a parameter of the path: "number" of /v1/orders/{number}.
func (r Request) Path(name string) string { return r.event.PathParameters[name] }

// RouteKey is the route that the request came by, as template.yaml names it: "POST /v1/orders".
func (r Request) RouteKey() string { return r.event.RouteKey }

// Method is the HTTP method.
func (r Request) Method() string { return r.event.RequestContext.HTTP.Method }

// ID names the request: API Gateway gives each one another.
func (r Request) ID() string { return r.event.RequestContext.RequestID }

// Viewer is the header in which the distribution names the caller's network address, in place of whatever the caller wrote there.
const Viewer = "opiq-viewer"

// IP is the caller's network address. Who comes to the API without the distribution is turned away at its door, so that the header is
// missing only where an event was made by hand. Were it missing from others, all of them would come from one address: the log says so.
func (r Request) IP() string {
	if ip := r.Header(Viewer); ip != "" {
		return ip
	}
	slog.Error("no viewer", "route", r.event.RouteKey, "request", r.event.RequestContext.RequestID)
	return r.event.RequestContext.HTTP.SourceIP
}

// Header is a header of the request, by its name in any case.
func (r Request) Header(name string) string { return r.event.Headers[strings.ToLower(name)] }

// Query is the query string. A string that cannot be read is an empty one.
func (r Request) Query() url.Values {
	v, err := url.ParseQuery(r.event.RawQueryString)
	if err != nil {
		return url.Values{}
	}
	return v
}

// Form is the query string of a GET, or the form in the body of a POST, decoded once.
func (r Request) Form() (url.Values, error) {
	if r.Method() == "GET" {
		return r.Query(), nil
	}
	b, err := r.body()
	if err != nil {
		return nil, err
	}
	v, err := url.ParseQuery(string(b))
	if err != nil {
		return nil, ErrNotForm
	}
	return v, nil
}

// ErrNotForm is what a body that is not a form is refused with.
var ErrNotForm = problem.New(problem.Malformed, "not_a_form", "The body must be application/x-www-form-urlencoded.")

// Cookie is the value of a cookie, empty where there is none.
func (r Request) Cookie(name string) string {
	for _, c := range r.event.Cookies {
		if k, v, ok := strings.Cut(c, "="); ok && k == name {
			return v
		}
	}
	return ""
}

// Bytes is the body as it came, however long it is.
func (r Request) Bytes() ([]byte, error) {
	if !r.event.IsBase64Encoded {
		return []byte(r.event.Body), nil
	}
	body, err := base64.StdEncoding.DecodeString(r.event.Body)
	if err != nil {
		return nil, fields.ErrNotJSON
	}
	return body, nil
}

// Binary tells whether the gateway took the body for bytes, and handed it on in base64.
func (r Request) Binary() bool { return r.event.IsBase64Encoded }

// Mangled tells whether the gateway took the body for text and lost what in it was not UTF-8: it is no longer as long as its
// sender says.
func (r Request) Mangled() bool {
	sent, err := strconv.Atoi(r.Header("Content-Length"))
	return err == nil && !r.event.IsBase64Encoded && sent != len(r.event.Body) && strings.Contains(r.event.Body, "\uFFFD")
}

// Type is what the body is said to be, as "application/json"; empty where nothing is said.
func (r Request) Type() string {
	kind, _, err := mime.ParseMediaType(r.Header("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

func (r Request) body() ([]byte, error) {
	body, err := r.Bytes()
	if err == nil && len(body) > maxBody {
		err = ErrTooLarge
	}
	return body, err
}

// Response is one answer. The zero Status is 200.
type Response struct {
	Status  int
	Header  map[string]string
	Cookies []string
	Body    string
}

// JSON answers a value with a status. What cannot be written as JSON is a mistake in the program and panics.
func JSON(status int, v any) Response {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return Response{Status: status, Header: map[string]string{"Content-Type": "application/json"}, Body: string(b)}
}

// OK answers 200 with a value.
func OK(v any) Response { return JSON(200, v) }

// Created answers 201 with a value and where it is to be found.
func Created(location string, v any) Response {
	r := JSON(201, v)
	r.Header["Location"] = location
	return r
}

// Accepted answers 202: the request was heard, and what comes of it comes by mail.
func Accepted() Response { return JSON(202, struct{}{}) }

// NoContent answers 204.
func NoContent() Response { return Response{Status: 204} }

// SeeOther sends a person on, with GET.
func SeeOther(location string) Response {
	return Response{Status: 303, Header: map[string]string{"Location": location}}
}

// HTML answers a page. The page may hold no script and no style but what its own policy allows.
func HTML(status int, page string) Response {
	return Response{Status: status, Header: map[string]string{"Content-Type": "text/html; charset=utf-8"}, Body: page}
}

// File answers a file of the caller's own under a name, which a browser shows by itself and no cache keeps. It is no page: what
// the browser needs to show it may come from here, and nothing else may.
func File(kind, name string, content []byte) Response {
	return Response{Body: string(content), Header: map[string]string{
		"Content-Type": kind, "Content-Disposition": mime.FormatMediaType("inline", map[string]string{"filename": name}),
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'none'",
	}}
}

// Download answers a file for a program of the caller's: a browser saves it, and no cache keeps it.
func Download(kind, name string, content []byte) Response {
	r := File(kind, name, content)
	r.Header["Content-Disposition"] = mime.FormatMediaType("attachment", map[string]string{"filename": name})
	r.Header["Cache-Control"] = "private, no-store"
	return r
}

// Public answers a value that is the same for everybody and may be kept by caches for the given time: with an
// ETag of its content, and 304 to a caller who has it already.
func Public(r Request, v any, age time.Duration) Response {
	return Kept(r, OK(v), "public, max-age="+strconv.Itoa(int(age.Seconds())))
}

// Kept is an answer that caches may keep as Cache-Control says: with an ETag of its content, and 304 to a caller who has it already.
func Kept(r Request, a Response, control string) Response {
	tag := fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(a.Body)))
	a.Header["ETag"] = tag
	a.Header["Cache-Control"] = control
	for have := range strings.SplitSeq(r.Header("If-None-Match"), ",") {
		if have = strings.TrimPrefix(strings.TrimSpace(have), "W/"); have == tag || have == "*" {
			a.Status, a.Body = 304, ""
			delete(a.Header, "Content-Type")
			break
		}
	}
	return a
}

// Handler answers the requests of one route. It returns errors and logs nothing.
type Handler func(context.Context, Request) (Response, error)

// Routes are the handlers of one function by API Gateway's route key: "POST /v1/orders".
type Routes map[string]Handler

// Start serves the routes for as long as Lambda lets the process live.
func Start(routes Routes) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	lambda.Start(routes.Handle)
}

var (
	errNoRoute   = problem.New(problem.NotFound, "not_found", "There is nothing here.")
	errForeign   = problem.New(problem.Forbidden, "cross_site", "A page of another site may not do this.")
	errInternal  = problem.New(0, "internal", "Something broke on our side. Nothing was done twice; try again.")
	securityHead = map[string]string{
		"Content-Security-Policy":   "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":    "nosniff",
		"Referrer-Policy":           "no-referrer",
		"Strict-Transport-Security": "max-age=63072000; includeSubDomains",
	}
)

// Handle answers one event.
func (routes Routes) Handle(ctx context.Context, e events.APIGatewayV2HTTPRequest) (out events.APIGatewayV2HTTPResponse, _ error) {
	r := Request{e}
	defer func() {
		if p := recover(); p != nil {
			slog.ErrorContext(ctx, "panic", "route", e.RouteKey, "request", e.RequestContext.RequestID, "panic", fmt.Sprint(p))
			out = write(failure(r, errInternal))
		}
	}()
	handler, ok := routes[e.RouteKey]
	if !ok {
		return write(failure(r, errNoRoute)), nil
	}
	if r.foreign() {
		return write(failure(r, errForeign)), nil
	}
	answer, err := handler(ctx, r)
	if err != nil {
		return write(refusal(r, err)), nil
	}
	return write(answer), nil
}

// refusal is a failure as who asked can read it. Where a browser was led to something of a person's own and the session has ended, a
// problem helps nobody: the person goes to sign in, and comes back to the page whose link they followed.
func refusal(r Request, err error) Response {
	if p, ok := errors.AsType[*problem.Error](err); !ok || p.Class != problem.Unauthenticated || r.Method() != "GET" || r.Header("Sec-Fetch-Mode") != "navigate" {
		return failure(r, err)
	}
	next := "/orders"
	if from, err := url.Parse(r.Header("Referer")); err == nil && r.Header("Sec-Fetch-Site") == "same-origin" && strings.HasPrefix(from.Path, "/") {
		next = from.RequestURI()
	}
	return SeeOther("/signin?next=" + url.QueryEscape(next))
}

// foreign tells whether a page of another site makes the browser change something here: a browser says so itself.
// The banks' returns come from other sites by design, carry a signature and change nothing by the session.
func (r Request) foreign() bool {
	return r.Method() != "GET" && r.Method() != "HEAD" && r.Header("Sec-Fetch-Site") == "cross-site" &&
		!strings.Contains(r.event.RouteKey, " /v1/callbacks/")
}

// statuses is the one map from what went wrong to what HTTP calls it.
var statuses = map[problem.Class]int{
	problem.Malformed: 400, problem.Invalid: 422, problem.Unauthenticated: 401, problem.Forbidden: 403,
	problem.NotFound: 404, problem.Conflict: 409, problem.Gone: 410, problem.TooLarge: 413, problem.Unsupported: 415, problem.NotAcceptable: 406,
	problem.TooMany: 429, problem.Unavailable: 503,
}

var titles = map[int]string{
	400: "Bad request", 401: "Not signed in", 403: "Not allowed", 404: "Not found", 406: "Not acceptable", 409: "Conflict", 410: "Gone", 413: "Too large",
	415: "Unsupported media type", 422: "Invalid fields", 429: "Too many requests", 500: "Internal error", 503: "Try again later",
}

type problemBody struct {
	Type   string          `json:"type"` // the page that explains the code
	Title  string          `json:"title"`
	Status int             `json:"status"`
	Code   string          `json:"code"`
	Detail string          `json:"detail"`
	Errors []problem.Field `json:"errors,omitempty"`
}

// failure is the answer to an error, and the log line of one that is ours.
func failure(r Request, err error) Response {
	p, ok := errors.AsType[*problem.Error](err)
	if !ok {
		slog.Error("failed", "route", r.event.RouteKey, "request", r.event.RequestContext.RequestID, "error", err.Error())
		p = errInternal
	}
	status := statuses[p.Class]
	if status == 0 {
		status = 500
	}
	a := JSON(status, problemBody{"/problems/" + p.Code, titles[status], status, p.Code, p.Detail, p.Fields})
	a.Header["Content-Type"] = "application/problem+json"
	if p.RetryAfter > 0 {
		a.Header["Retry-After"] = strconv.Itoa(int((p.RetryAfter + time.Second - 1) / time.Second))
	}
	return a
}

func write(a Response) events.APIGatewayV2HTTPResponse {
	if a.Status == 0 {
		a.Status = 200
	}
	head := map[string]string{"Cache-Control": "no-store"}
	for k, v := range securityHead {
		head[k] = v
	}
	for k, v := range a.Header {
		head[k] = v
	}
	out := events.APIGatewayV2HTTPResponse{StatusCode: a.Status, Headers: head, Body: a.Body, Cookies: a.Cookies}
	if !utf8.ValidString(a.Body) { // what is no text travels as base64
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(a.Body)), true
	}
	return out
}
