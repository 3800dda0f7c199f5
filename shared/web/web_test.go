package web

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"opiq/shared/civil"
	"opiq/shared/fields"
	"opiq/shared/problem"
)

// item and body are a body with everything that bodies have.
type item struct {
	Name string `json:"name"`
}

type body struct {
	Months int        `json:"months"`
	On     civil.Date `json:"on"`
	Yes    bool       `json:"yes"`
	Items  []item     `json:"items"`
}

func (b *body) Check() (wrong []problem.Field) {
	if b.Months < 1 {
		wrong = append(wrong, problem.Field{Pointer: "/months", Code: "required"})
	}
	return wrong
}

func post(contentType, text string) Request {
	e := events.APIGatewayV2HTTPRequest{RouteKey: "POST /v1/x", Headers: map[string]string{"content-type": contentType}, Body: text}
	e.RequestContext.HTTP.Method = "POST"
	return Request{e}
}

func TestABodyIsReadWhole(t *testing.T) {
	var b body
	if err := post("application/json; charset=utf-8", `{"months":6,"on":"2026-09-01","yes":true,"items":[{"name":"a"},{"name":"b"}]}`).Decode(&b); err != nil {
		t.Fatal(err)
	}
	want := body{Months: 6, On: civil.Date{Year: 2026, Month: 9, Day: 1}, Yes: true, Items: []item{{"a"}, {"b"}}}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsWrongWithABody(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	for _, c := range []struct {
		name, kind, text string
		want             error
		fields           string
	}{
		{"a form", "application/x-www-form-urlencoded", "months=1", ErrUnsupported, ""},
		{"no content type", "", "{}", ErrUnsupported, ""},
		{"nothing", "application/json", "", fields.ErrNotJSON, ""},
		{"a list", "application/json", "[]", fields.ErrNotJSON, ""},
		{"half an object", "application/json", `{"months":1`, fields.ErrNotJSON, ""},
		{"two objects", "application/json", `{"months":1}{}`, fields.ErrNotJSON, ""},
		{"a name twice", "application/json", `{"months":1,"months":2}`, fields.ErrNotJSON, ""},
		{"a name twice, deep", "application/json", `{"months":1,"items":[{"name":"a","name":"b"}]}`, fields.ErrNotJSON, ""},
		{"too deep", "application/json", deep, fields.ErrNotJSON, ""},
		{"too large", "application/json", `{"x":"` + strings.Repeat("x", 64<<10) + `"}`, ErrTooLarge, ""},
		{"a wrong type", "application/json", `{"months":"6"}`, nil, "/months wrong_type"},
		{"a broken number", "application/json", `{"months":1.5}`, nil, "/months wrong_type"},
		{"null", "application/json", `{"months":1,"yes":null}`, nil, "/yes wrong_type"},
		{"a wrong date", "application/json", `{"months":1,"on":"2026-02-30"}`, nil, "/on wrong_type"},
		{"unknown names", "application/json", `{"months":1,"price":1,"a/b":1,"hidden":true}`, nil, "/a~1b unknown, /hidden unknown, /price unknown"},
		{"deep", "application/json", `{"months":1,"items":[{"name":1},3,{"nom":"x"}]}`, nil, "/items/0/name wrong_type, /items/1 wrong_type, /items/2/nom unknown"},
		{"everything at once", "application/json", `{"yes":1,"x":2}`, nil, "/yes wrong_type, /x unknown, /months required"},
		{"a Months", "application/json", `{"Months":1}`, nil, "/Months unknown, /months required"},
	} {
		var b body
		err := post(c.kind, c.text).Decode(&b)
		if c.want != nil {
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		p, _ := errors.AsType[*problem.Error](err)
		var got []string
		for _, f := range p.Fields {
			got = append(got, f.Pointer+" "+f.Code)
		}
		if strings.Join(got, ", ") != c.fields {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func call(t *testing.T, h Handler, change func(*events.APIGatewayV2HTTPRequest)) events.APIGatewayV2HTTPResponse {
	t.Helper()
	e := post("application/json", "{}").event
	if change != nil {
		change(&e)
	}
	out, err := Routes{"POST /v1/x": h, "GET /v1/x": h}.Handle(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestProblemsSayWhatWentWrong(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		want   string
	}{
		{problem.New(problem.Conflict, "order_paid", "It is."), 409, `{"type":"/problems/order_paid","title":"Conflict","status":409,"code":"order_paid","detail":"It is."}`},
		{problem.Wrong([]problem.Field{{Pointer: "/a", Code: "b", Detail: "c"}}), 422, `{"type":"/problems/invalid","title":"Invalid fields","status":422,"code":"invalid","detail":"Some fields are wrong.","errors":[{"pointer":"/a","code":"b","detail":"c"}]}`},
		{errors.New("dial tcp 10.0.0.1: secret"), 500, `{"type":"/problems/internal","title":"Internal error","status":500,"code":"internal","detail":"Something broke on our side. Nothing was done twice; try again."}`},
	} {
		out := call(t, func(context.Context, Request) (Response, error) { return Response{}, c.err }, nil)
		if out.StatusCode != c.status || out.Body != c.want || out.Headers["Content-Type"] != "application/problem+json" {
			t.Errorf("%d %s", out.StatusCode, out.Body)
		}
	}
}

// TestAPersonWhoseSessionEndedGoesToSignIn: they followed a link to a file, or wrote its address; a program is told what is wrong.
func TestAPersonWhoseSessionEndedGoesToSignIn(t *testing.T) {
	unknown := problem.New(problem.Unauthenticated, "not_signed_in", "Sign in first.")
	for _, c := range []struct {
		name                        string
		method, mode, site, referer string
		err                         error
		status                      int
		to                          string
	}{
		{"by a link of ours", "GET", "navigate", "same-origin", "https://shop.example/orders/26000123453/invoice?lang=ru", unknown, 303, "/signin?next=%2Forders%2F26000123453%2Finvoice%3Flang%3Dru"},
		{"by a bookmark", "GET", "navigate", "none", "", unknown, 303, "/signin?next=%2Forders"},
		{"by a link of others", "GET", "navigate", "cross-site", "https://other.example/staff/refunds", unknown, 303, "/signin?next=%2Forders"},
		{"by a script", "GET", "cors", "same-origin", "", unknown, 401, ""},
		{"by a program", "GET", "", "", "", unknown, 401, ""},
		{"by a form", "POST", "navigate", "same-origin", "", unknown, 401, ""},
		{"to what is not there", "GET", "navigate", "same-origin", "", errNoRoute, 404, ""},
		{"to what is broken", "GET", "navigate", "same-origin", "", errors.New("secret"), 500, ""},
	} {
		out := call(t, func(context.Context, Request) (Response, error) { return Response{}, c.err }, func(e *events.APIGatewayV2HTTPRequest) {
			e.RouteKey, e.RequestContext.HTTP.Method = c.method+" /v1/x", c.method
			e.Headers = map[string]string{"sec-fetch-mode": c.mode, "sec-fetch-site": c.site, "referer": c.referer}
		})
		if out.StatusCode != c.status || out.Headers["Location"] != c.to {
			t.Errorf("%s: %d to %q", c.name, out.StatusCode, out.Headers["Location"])
		}
	}
}

func TestEveryClassHasAStatusAndATitle(t *testing.T) {
	for class := problem.Malformed; class <= problem.Unavailable; class++ {
		if titles[statuses[class]] == "" {
			t.Errorf("class %d has status %d", class, statuses[class])
		}
	}
}

func TestRetryAfterIsWholeSecondsUp(t *testing.T) {
	slow := problem.New(problem.TooMany, "slow", "").After(1500 * time.Millisecond)
	out := call(t, func(context.Context, Request) (Response, error) { return Response{}, slow }, nil)
	if out.StatusCode != 429 || out.Headers["Retry-After"] != "2" {
		t.Errorf("%d %q", out.StatusCode, out.Headers["Retry-After"])
	}
}

func TestAPanicIsA500WithoutItsStory(t *testing.T) {
	out := call(t, func(context.Context, Request) (Response, error) { panic("secret") }, nil)
	if out.StatusCode != 500 || strings.Contains(out.Body, "secret") || out.Headers["X-Content-Type-Options"] != "nosniff" {
		t.Errorf("%+v", out)
	}
}

func TestAnswersArePrivateAndProtected(t *testing.T) {
	out := call(t, func(context.Context, Request) (Response, error) { return OK(1), nil }, nil)
	for _, name := range []string{"Content-Security-Policy", "Strict-Transport-Security", "X-Content-Type-Options", "Referrer-Policy"} {
		if out.Headers[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	if out.Headers["Cache-Control"] != "no-store" {
		t.Error(out.Headers["Cache-Control"])
	}
}

func TestAPageOfAnotherSiteChangesNothing(t *testing.T) {
	ok := func(context.Context, Request) (Response, error) { return NoContent(), nil }
	foreign := func(e *events.APIGatewayV2HTTPRequest) { e.Headers["sec-fetch-site"] = "cross-site" }
	if out := call(t, ok, foreign); out.StatusCode != 403 {
		t.Error(out.StatusCode)
	}
	if out := call(t, ok, func(e *events.APIGatewayV2HTTPRequest) {
		foreign(e)
		e.RouteKey, e.RequestContext.HTTP.Method = "GET /v1/x", "GET"
	}); out.StatusCode != 204 {
		t.Error("a link from another site is refused:", out.StatusCode)
	}
}

func TestAnUnknownRouteIsNotFound(t *testing.T) {
	if out := call(t, nil, func(e *events.APIGatewayV2HTTPRequest) { e.RouteKey = "$default" }); out.StatusCode != 404 {
		t.Error(out.StatusCode)
	}
}

func TestPublicAnswersAreKeptByTheirTag(t *testing.T) {
	public := func(_ context.Context, r Request) (Response, error) { return Public(r, []int{1}, time.Minute), nil }
	first := call(t, public, nil)
	tag := first.Headers["ETag"]
	if first.StatusCode != 200 || tag == "" || first.Headers["Cache-Control"] != "public, max-age=60" {
		t.Fatalf("%+v", first)
	}
	for _, have := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
		if out := call(t, public, func(e *events.APIGatewayV2HTTPRequest) { e.Headers["if-none-match"] = have }); out.StatusCode != 304 || out.Body != "" || out.Headers["ETag"] != tag {
			t.Errorf("%s: %+v", have, out)
		}
	}
	if out := call(t, public, func(e *events.APIGatewayV2HTTPRequest) { e.Headers["if-none-match"] = `"other"` }); out.StatusCode != 200 {
		t.Error(out.StatusCode)
	}
}

func TestAFileIsItsCallersOwnAndKeepsItsBytes(t *testing.T) {
	for content, encoded := range map[string]bool{"<a>õ</a>": false, "%PDF\xff\x00": true} {
		out := call(t, func(context.Context, Request) (Response, error) {
			return File("application/pdf", "invoice-1.pdf", []byte(content)), nil
		}, nil)
		got := out.Body
		if out.IsBase64Encoded {
			b, err := base64.StdEncoding.DecodeString(out.Body)
			if err != nil {
				t.Fatal(err)
			}
			got = string(b)
		}
		if got != content || out.IsBase64Encoded != encoded || out.Headers["Cache-Control"] != "no-store" || out.Headers["Content-Type"] != "application/pdf" ||
			out.Headers["Content-Disposition"] != "inline; filename=invoice-1.pdf" {
			t.Errorf("%q: %+v", content, out)
		}
	}
}

func TestFormsComeInTheBodyOrTheQuery(t *testing.T) {
	r := post("application/x-www-form-urlencoded", "a=1%2B2&b=+")
	r.event.RawQueryString = "c=3"
	if f, err := r.Form(); err != nil || f.Get("a") != "1+2" || f.Get("b") != " " || f.Has("c") {
		t.Error(f, err)
	}
	r.event.Body, r.event.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte("a=1")), true
	if f, err := r.Form(); err != nil || f.Get("a") != "1" {
		t.Error(f, err)
	}
	r.event.RequestContext.HTTP.Method = "GET"
	if f, err := r.Form(); err != nil || f.Get("c") != "3" {
		t.Error(f, err)
	}
}

func TestBodiesOfAnyKind(t *testing.T) {
	r := post("Text/XML; charset=utf-8", "<õ/>")
	r.event.Headers["content-length"] = "5"
	if b, err := r.Bytes(); string(b) != "<õ/>" || err != nil || r.Type() != "text/xml" || r.Mangled() {
		t.Errorf("%q of type %q, mangled %v, %v", b, r.Type(), r.Mangled(), err)
	}
	r.event.Body = "<\uFFFD/>" // 4 bytes, of which one was lost: they are 6 now
	r.event.Headers["content-length"] = "4"
	if !r.Mangled() {
		t.Error("a byte was lost, and nobody sees it")
	}
	r.event.Headers["content-length"] = "6" // somebody sent the character itself
	if r.Mangled() {
		t.Error("nothing was lost")
	}
	r = post("application/gzip", base64.StdEncoding.EncodeToString([]byte("\x1f\x8b")))
	r.event.IsBase64Encoded = true
	if b, err := r.Bytes(); string(b) != "\x1f\x8b" || err != nil || r.Mangled() {
		t.Errorf("%q, mangled %v, %v", b, r.Mangled(), err)
	}
	if kind := post("", "").Type(); kind != "" {
		t.Errorf("a body of no type is %q", kind)
	}
}

func TestTheCookieIsAsStrictAsTheAddressAllows(t *testing.T) {
	if got := CookieAt("http://localhost:8080").Set("v", time.Hour); got != "session=v; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax" {
		t.Error(got)
	}
	c := CookieAt("https://shop.example")
	if got := c.Set("", 0); got != "__Host-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure" {
		t.Error(got)
	}
	r := Request{events.APIGatewayV2HTTPRequest{Cookies: []string{"session=no", "__Host-session=yes"}}}
	if got := c.Of(r); got != "yes" {
		t.Error(got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"months":6,"on":"2026-09-01","yes":true,"items":[{"name":"a"}]}`)
	f.Add(`{"items":[[],{"name":{}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var b body
		err := post("application/json", text).Decode(&b)
		if err == nil && !json.Valid([]byte(text)) {
			t.Errorf("%q was read", text)
		}
	})
}

func TestTheCallerIsWhomTheDistributionNames(t *testing.T) {
	e := events.APIGatewayV2HTTPRequest{Headers: map[string]string{"x-forwarded-for": "203.0.113.1, 198.51.100.4"}}
	e.RequestContext.HTTP.SourceIP = "198.51.100.4"
	if ip := (Request{e}).IP(); ip != "198.51.100.4" {
		t.Errorf("without a distribution: %q", ip)
	}
	e.Headers["opiq-viewer"] = "2001:db8:0:7::1"
	if ip := (Request{e}).IP(); ip != "2001:db8:0:7::1" {
		t.Errorf("through it: %q", ip)
	}
}
