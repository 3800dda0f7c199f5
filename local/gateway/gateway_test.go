package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"opiq/local/golden"
	"opiq/local/lambda"
)

// answering is a gateway whose functions all answer the same, and the last event they saw.
func answering(answer string, err error, keys ...string) (*Gateway, *[]byte) {
	var routes []Route
	for _, k := range keys {
		routes = append(routes, Route{Key: k, Function: k})
	}
	seen := new([]byte)
	g := New(routes, func(_ context.Context, _ string, payload []byte) ([]byte, error) {
		*seen = payload
		return []byte(answer), err
	})
	g.now = func() time.Time { return time.Date(2026, 9, 1, 9, 30, 0, 123e6, time.UTC) }
	return g, seen
}

func request(method, target, body string, head ...string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host, r.RemoteAddr = "localhost:8080", "203.0.113.7:51234"
	for i := 0; i < len(head); i += 2 {
		r.Header.Add(head[i], head[i+1])
	}
	return r
}

func send(g *Gateway, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Result()
}

func TestEvents(t *testing.T) {
	for _, c := range []struct {
		name string
		r    *http.Request
	}{
		{"json-with-cookies", request("POST", "/v1/orders", `{"months":10}`,
			"Content-Type", "application/json", "Cookie", "session=abc; lang=et", "Cookie", "x=1",
			"Accept", "text/html", "Accept", "application/json", "User-Agent", "curl/8", "Connection", "keep-alive", "X-Forwarded-For", "198.51.100.2")},
		{"parameters-and-query", request("GET", "/v1/works/%C3%B5un%20a/chapters/3?q=%C3%B5un&grade=1&grade=2&empty=&bad=%zz", "")},
		{"form", request("POST", "/v1/orders", "VK_MAC=a%2Bb", "Content-Type", "application/x-www-form-urlencoded")},
		{"xml", request("POST", "/v1/orders", "<Ntry a=\"&amp;\">õ</Ntry>", "Content-Type", "application/xml; charset=UTF-8")},
		{"gzip", request("POST", "/v1/orders", "\x1f\x8b\x08", "Content-Type", "application/gzip")},
		{"no-content-type", request("POST", "/v1/orders", "\x00\x01")},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, seen := answering(`{"statusCode":204}`, nil, "POST /v1/orders", "GET /v1/works/{id}/chapters/{n}")
			answer := send(g, c.r)
			if answer.StatusCode != 204 {
				t.Fatalf("status %d", answer.StatusCode)
			}
			var e, again map[string]any
			if err := json.Unmarshal(*seen, &e); err != nil {
				t.Fatal(err)
			}
			var typed events.APIGatewayV2HTTPRequest
			d := json.NewDecoder(bytes.NewReader(*seen))
			d.DisallowUnknownFields()
			if err := d.Decode(&typed); err != nil {
				t.Fatalf("aws-lambda-go does not know this event: %v", err)
			}
			id := answer.Header.Get("Apigw-Requestid")
			if id == "" || typed.RequestContext.RequestID != id {
				t.Errorf("request %q in the event, %q in the answer", typed.RequestContext.RequestID, id)
			}
			b, err := json.Marshal(typed)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &again); err != nil {
				t.Fatal(err)
			}
			context := again["requestContext"].(map[string]any)
			delete(context, "authentication") // aws-lambda-go always writes it, the gateway never
			if diff := cmp.Diff(e, again); diff != "" {
				t.Errorf("aws-lambda-go reads something else:\n%s", diff)
			}
			e["requestContext"].(map[string]any)["requestId"] = "fixed"
			golden.Check(t, "testdata/"+c.name+".golden", golden.JSON(t, e))
		})
	}
}

func TestAnEventIsNoLongerThanItMustBe(t *testing.T) {
	g, seen := answering(`{"statusCode":204}`, nil, "POST /x")
	send(g, request("POST", "/x", "<Ntry a=\"&amp;\">õ</Ntry>\n", "Content-Type", "text/xml"))
	if want := `"body":"<Ntry a=\"&amp;\">õ</Ntry>\n"`; !strings.Contains(string(*seen), want) {
		t.Errorf("%s does not hold %s", *seen, want)
	}
}

func TestTheMostSpecificRouteAnswers(t *testing.T) {
	keys := []string{"$default", "ANY /{proxy+}", "GET /v1/works/{id}", "GET /v1/works/new", "ANY /v1/works/new", "POST /v1/works/{id}", "GET /v1/{rest+}", "GET /"}
	g, seen := answering(`{"statusCode":200}`, nil, keys...)
	for _, c := range []struct{ method, path, key string }{
		{"GET", "/v1/works/new", "GET /v1/works/new"},
		{"PUT", "/v1/works/new", "ANY /v1/works/new"},
		{"GET", "/v1/works/7", "GET /v1/works/{id}"},
		{"POST", "/v1/works/7", "POST /v1/works/{id}"},
		{"GET", "/v1/works/", "GET /v1/{rest+}"},
		{"GET", "/v1/works/7/chapters", "GET /v1/{rest+}"},
		{"DELETE", "/v1/works/7", "ANY /{proxy+}"},
		{"GET", "/", "GET /"},
		{"POST", "/", "$default"},
	} {
		send(g, request(c.method, c.path, ""))
		var e event
		if err := json.Unmarshal(*seen, &e); err != nil {
			t.Fatal(err)
		}
		if e.RouteKey != c.key {
			t.Errorf("%s %s went to %s, want %s", c.method, c.path, e.RouteKey, c.key)
		}
	}
}

// TestAGreedyParameterTakesAllThatIsLeft, decoded once: slashes of both kinds, letters of all kinds, and a percent sign.
func TestAGreedyParameterTakesAllThatIsLeft(t *testing.T) {
	g, seen := answering(`{"statusCode":200}`, nil, "GET /v1/works/{id}/files", "GET /v1/works/{id}/files/{name+}")
	for path, want := range map[string]string{
		"T%C3%B6%C3%B6leht%201.txt": "Tööleht 1.txt", "a%2Fb.txt": "a/b.txt", "a/b.txt": "a/b.txt", "100%25%2F.txt": "100%/.txt", "a+b%2525": "a+b%25",
	} {
		send(g, request("GET", "/v1/works/7/files/"+path, ""))
		var e event
		if err := json.Unmarshal(*seen, &e); err != nil {
			t.Fatal(err)
		}
		if e.PathParameters["name"] != want || e.PathParameters["id"] != "7" {
			t.Errorf("%s: %q", path, e.PathParameters)
		}
	}
}

func TestWhatHasNoRouteIs404(t *testing.T) {
	g, seen := answering(`{"statusCode":200}`, nil, "GET /v1/works/{id}")
	for _, r := range []*http.Request{
		request("GET", "/", ""), request("GET", "/v1/works", ""), request("GET", "/v1/works/", ""), request("GET", "/v1/works/7/", ""),
		request("POST", "/v1/works/7", ""), request("HEAD", "/v1/works/7", ""), request("OPTIONS", "/v1/works/7", "", "Origin", "https://elsewhere.example"),
		request("GET", "/v1/works/a%2Fb", ""),
	} {
		answer := send(g, r)
		body, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != 404 || strings.TrimSpace(string(body)) != `{"message":"Not Found"}` || *seen != nil {
			t.Errorf("%s %s: %d %s", r.Method, r.URL, answer.StatusCode, body)
		}
		for name := range answer.Header {
			if strings.HasPrefix(name, "Access-Control") {
				t.Errorf("%s %s allows a foreign page: %s", r.Method, r.URL, name)
			}
		}
	}
}

func TestAnswers(t *testing.T) {
	const broken = `{"message":"Internal Server Error"}` + "\n"
	for _, c := range []struct {
		name, out string
		status    int
		body      string
		head      http.Header
	}{
		{"a whole one", `{"statusCode":201,"headers":{"content-type":"application/json","location":"/x"},"cookies":["a=1; Path=/","b=2"],"body":"{}"}`,
			201, "{}", http.Header{"Content-Type": {"application/json"}, "Location": {"/x"}, "Set-Cookie": {"a=1; Path=/", "b=2"}}},
		{"binary", `{"statusCode":200,"isBase64Encoded":true,"headers":{"content-type":"image/png"},"body":"AAE="}`, 200, "\x00\x01", http.Header{"Content-Type": {"image/png"}}},
		{"without a type", `{"statusCode":200,"body":"hi"}`, 200, "hi", http.Header{"Content-Type": {"text/plain;charset=UTF-8"}}},
		{"without a status", `{"a":1}`, 200, `{"a":1}`, http.Header{"Content-Type": {"application/json"}}},
		{"a bare string", `"hello"`, 200, "hello", http.Header{"Content-Type": {"application/json"}}},
		{"no JSON", `<html>`, 500, broken, nil},
		{"a strange status", `{"statusCode":42}`, 500, broken, nil},
		{"a status in words", `{"statusCode":"fine"}`, 500, broken, nil},
		{"broken base64", `{"statusCode":200,"isBase64Encoded":true,"body":"%%"}`, 500, broken, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, _ := answering(c.out, nil, "GET /x")
			answer := send(g, request("GET", "/x", ""))
			body, _ := io.ReadAll(answer.Body)
			if answer.StatusCode != c.status || string(body) != c.body {
				t.Errorf("%d %q", answer.StatusCode, body)
			}
			for name, want := range c.head {
				if diff := cmp.Diff(want, answer.Header[name]); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
	}
}

func TestTroubleInTheGatewaysOwnWords(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{&lambda.Error{Type: "errorString", Message: "a secret"}, 500, "Internal Server Error"},
		{lambda.ErrThrottled, 429, "Too Many Requests"},
		{lambda.ErrTooLarge, 413, "Request Entity Too Large"},
		{lambda.ErrStopped, 503, "Service Unavailable"},
		{context.DeadlineExceeded, 503, "Service Unavailable"},
		{errors.New("fork failed"), 500, "Internal Server Error"},
	} {
		g, _ := answering("", c.err, "GET /x")
		answer := send(g, request("GET", "/x", ""))
		body, _ := io.ReadAll(answer.Body)
		if answer.StatusCode != c.status || strings.TrimSpace(string(body)) != `{"message":"`+c.body+`"}` {
			t.Errorf("%v: %d %s", c.err, answer.StatusCode, body)
		}
	}
}

func TestABodyOverTenMegabytesIs413(t *testing.T) {
	g, seen := answering(`{"statusCode":200}`, nil, "POST /x")
	if s := send(g, request("POST", "/x", strings.Repeat("x", maxBody+1))).StatusCode; s != 413 || *seen != nil {
		t.Errorf("status %d", s)
	}
	body := strings.Repeat("x", maxBody)
	if s := send(g, request("POST", "/x", body)).StatusCode; s != 200 {
		t.Errorf("exactly ten: status %d", s)
	}
	var e event
	if err := json.Unmarshal(*seen, &e); err != nil || e.Body != base64.StdEncoding.EncodeToString([]byte(body)) {
		t.Error("the body did not go through")
	}
}

func TestTheGatewayWaitsOnlySoLong(t *testing.T) {
	g := New([]Route{{Key: "GET /x", Function: "x"}}, func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	g.limit = 10 * time.Millisecond
	if s := send(g, request("GET", "/x", "")).StatusCode; s != 503 {
		t.Errorf("status %d", s)
	}
}

func TestAHeadOfARouteThatTakesItHasNoBody(t *testing.T) {
	g, _ := answering(`{"statusCode":200,"body":"hello"}`, nil, "HEAD /x")
	server := httptest.NewServer(g)
	defer server.Close()
	answer, err := http.Head(server.URL + "/x")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); answer.StatusCode != 200 || len(body) != 0 {
		t.Errorf("%d %q", answer.StatusCode, body)
	}
}
