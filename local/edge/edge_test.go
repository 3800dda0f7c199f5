package edge_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"opiq/local/edge"
	"opiq/local/stage"
	"opiq/shared/web"
)

const word = "a word that only the distribution says"

// through sends a request through the collection's own edge and answers what the API hears of it, or the status of a refusal.
func through(t *testing.T, method, target string, head ...string) (heard *http.Request, status int) {
	t.Helper()
	e, err := edge.New(stage.Template(t).Edge, func(name string) (string, error) {
		if name != "/opiq/dev/origin" {
			return "", errors.New("there is no " + name)
		}
		return word, nil
	}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard = r }))
	if err != nil {
		t.Fatal(err)
	}
	r, w := httptest.NewRequest(method, target, nil), httptest.NewRecorder()
	r.RemoteAddr = "[2001:db8::7]:51234"
	for i := 0; i < len(head); i += 2 {
		r.Header.Add(head[i], head[i+1])
	}
	e.ServeHTTP(w, r)
	return heard, w.Code
}

func TestWhoAsksIsWhomTheEdgeSees(t *testing.T) {
	for _, place := range []string{"/", "/v1/orders", "/v1/catalog/works", "/assets/1/style.css"} {
		heard, _ := through(t, "GET", place, "Opiq-Viewer", "203.0.113.66", "Opiq-Door", "sesame", "X-Forwarded-For", "203.0.113.66", "Host", "elsewhere.example")
		if got := heard.Header["Opiq-Viewer"]; !slices.Equal(got, []string{"2001:db8::7"}) {
			t.Errorf("%s: the viewer is %q", place, got)
		}
		if got := heard.Header["Opiq-Door"]; !slices.Equal(got, []string{word}) {
			t.Errorf("%s: the door hears %q", place, got)
		}
		if !strings.HasPrefix(heard.RemoteAddr, edge.Address+":") || heard.Host == "example.com" {
			t.Errorf("%s: it comes from %s and asks for %s", place, heard.RemoteAddr, heard.Host)
		}
	}
}

func TestWhatIsKeptForEverybodyComesWithoutWhatIsOnesOwn(t *testing.T) {
	own := []string{"Cookie", "__Host-session=somebody", "Authorization", "Bearer opiq_key", "User-Agent", "curl/8", "Accept-Language", "ru-RU,ru;q=0.9"}
	for place, want := range map[string]struct {
		names string
		query string
	}{
		"/works?q=matemaatika":            {"Accept-Language Opiq-Door Opiq-Viewer X-Forwarded-For", "q=matemaatika"},
		"/works?x=1&q=a%26b&fbclid=2":     {"Accept-Language Opiq-Door Opiq-Viewer X-Forwarded-For", "q=a%26b"},
		"/password/reset?token=abc":       {"Accept-Language Opiq-Door Opiq-Viewer X-Forwarded-For", ""},
		"/v1/catalog/works?q=matemaatika": {"Accept-Language Opiq-Door Opiq-Viewer X-Forwarded-For", "q=matemaatika"},
		"/v1/terms/use?lang=kk":           {"Accept-Language Opiq-Door Opiq-Viewer X-Forwarded-For", "lang=kk"},
		"/assets/1/style.css?x=1":         {"Opiq-Door Opiq-Viewer X-Forwarded-For", ""},
		"/v1%2Forders?x=1":                {"Accept-Language Opiq-Door Opiq-Viewer X-Forwarded-For", ""}, // the API decodes it, and finds the route of orders
		"/v1/orders?x=1":                  {"Accept-Language Authorization Cookie Opiq-Door Opiq-Viewer User-Agent X-Forwarded-For", "x=1"},
	} {
		heard, _ := through(t, "GET", place, own...)
		if got := strings.Join(slices.Sorted(maps.Keys(heard.Header)), " "); got != want.names {
			t.Errorf("%s: the API hears %s", place, got)
		}
		if heard.URL.RawQuery != want.query {
			t.Errorf("%s: the query is %q", place, heard.URL.RawQuery)
		}
	}
}

func TestOnlyTheAPIIsToldToDoAnything(t *testing.T) {
	for _, c := range []struct {
		method, place string
		passes        bool
	}{
		{"GET", "/works", true}, {"HEAD", "/works", true}, {"POST", "/works", false}, {"DELETE", "/assets/1/style.css", false}, {"POST", "/v1/catalog/works", false},
		{"POST", "/v1/orders", true}, {"PATCH", "/v1/account", true}, {"TRACE", "/v1/orders", false},
	} {
		heard, status := through(t, c.method, c.place)
		if (heard != nil) != c.passes || !c.passes && status != 403 {
			t.Errorf("%s %s: passes %v, status %d", c.method, c.place, heard != nil, status)
		}
	}
}

// TestTheTemplatesFunctionSaysWhatTheEdgeHereSays runs the viewer function as it is deployed, and holds the edge of this machine against it.
func TestTheTemplatesFunctionSaysWhatTheEdgeHereSays(t *testing.T) {
	code := stage.Template(t).Resources["Viewer"].Properties["FunctionCode"].(string)
	accepted := []string{
		"", "et", "en-US,en;q=0.5", "ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "kk-KZ, kk ; q=0.9, ru;q=0.8", "de-DE,de;q=0.9", "fr,en;q=0.3,et;q=0.7", "en;q=0.8,ru;q=0.8",
		"ru;q=0,en;q=0.1", "*", "*;q=0.5,kk;q=0.1", "ET", "en-GB-oxendict", "est", "zh-Hans-CN,ru;q=0.2", "en;q=1.0,et;q=0.999", "kk-Cyrl-KZ",
	}
	type header map[string]map[string]string
	var events []map[string]any
	for _, a := range accepted {
		head := header{"opiq-viewer": {"value": "203.0.113.66"}, "cookie-like": {"value": "x"}}
		if a != "" {
			head["accept-language"] = map[string]string{"value": a}
		}
		events = append(events, map[string]any{"version": "1.0", "viewer": map[string]string{"ip": "2001:db8::7"}, "request": map[string]any{"method": "GET", "uri": "/", "headers": head}})
	}
	in, err := json.Marshal(events)
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), "node", "-e", `"use strict";`+code+`console.log(JSON.stringify(JSON.parse(require("fs").readFileSync(0)).map(handler)))`)
	run.Stdin = strings.NewReader(string(in))
	out, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	var requests []struct {
		Headers header `json:"headers"`
	}
	if err := json.Unmarshal(out, &requests); err != nil || len(requests) != len(accepted) {
		t.Fatalf("%v: %s", err, out)
	}
	for i, a := range accepted {
		heard, _ := through(t, "GET", "/", "Accept-Language", a)
		for _, name := range []string{"accept-language", web.Viewer} {
			if got, want := requests[i].Headers[name]["value"], heard.Header.Get(name); got != want {
				t.Errorf("%q: the template's function says %s: %q, the edge here %q", a, name, got, want)
			}
		}
		if requests[i].Headers["cookie-like"]["value"] != "x" {
			t.Errorf("%q: another header is lost", a)
		}
	}
}
