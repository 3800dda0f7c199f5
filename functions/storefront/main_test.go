package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"opiq/local/golden"
	"opiq/shared/activity"
	"opiq/shared/catalog"
	"opiq/shared/civil"
)

// room is a store that holds a shelf, or cannot be reached.
type room struct {
	shelf catalog.Shelf
	err   error
}

func (r room) Shelf(context.Context) (catalog.Shelf, error) { return r.shelf, r.err }

var now = time.Date(2026, 9, 1, 9, 8, 0, 0, time.UTC)

// book keeps the lines that are told.
type book struct{ lines []activity.Line }

func (b *book) Send(_ context.Context, m any) error {
	b.lines = append(b.lines, m.(activity.Line))
	return nil
}

func shop(r room) storefront { return storefront{r, &book{}, func() time.Time { return now }} }

func answer(t *testing.T, s storefront, e events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	t.Helper()
	out, err := s.routes().Handle(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// visitTo is what a browser sends that asks for a page.
func visitTo(path string, headers map[string]string) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{RouteKey: "GET /{page+}", RawPath: path, Headers: headers, PathParameters: map[string]string{"page": path[1:]}}
	e.RequestContext.HTTP.Method = "GET"
	return e
}

// TestEvents: a golden file has the head of the answer, and of a page what a person reads.
func TestEvents(t *testing.T) {
	golden.Events(t, "storefront", func(t *testing.T, _ string, event []byte) any {
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		s := shop(room{})
		out := answer(t, s, e)
		delete(out.Headers, "ETag") // it changes with every style
		seen := map[string]any{"status": out.StatusCode, "headers": out.Headers}
		if strings.HasPrefix(out.Headers["Content-Type"], "text/html") {
			seen["page"] = read(out.Body)
		} else {
			seen["body"] = strings.Split(strings.TrimSpace(out.Body), "\n")
		}
		if told := s.activity.(*book).lines; len(told) > 0 {
			for i := range told {
				told[i].ID = "line" // it is another each time
			}
			seen["told"] = told
		}
		return seen
	})
}

var (
	unseen = regexp.MustCompile(`(?s)<(svg|script|style)[ >].*?</(svg|script|style)>`)
	opened = regexp.MustCompile(`<a [^>]*?href="([^"]*)"[^>]*>(?s:(.*?))</a>`)
	heads  = regexp.MustCompile(`<(h[1-6])[^>]*>`)
	blocks = regexp.MustCompile(`</?(p|li|ul|ol|dl|dt|dd|div|h[1-6]|section|article|nav|form|details|summary|option|select|label|button|br|tr|td|th|table)\b[^>]*>`)
	tags   = regexp.MustCompile(`<[^>]*>`)
)

// read is a page as it is read aloud: its language, its title and the lines of its main part, with where links lead.
func read(body string) (lines []string) {
	_, rest, _ := strings.Cut(body, `<html lang="`)
	language, rest, _ := strings.Cut(rest, `"`)
	_, title, _ := strings.Cut(rest, "<title>")
	title, _, _ = strings.Cut(title, "</title>")
	_, main, _ := strings.Cut(rest, `<main id="main" tabindex="-1">`)
	main, _, _ = strings.Cut(main, "</main>")
	main = unseen.ReplaceAllString(main, "")
	main = opened.ReplaceAllString(main, "$2 ($1)")
	main = heads.ReplaceAllString(main, "<$1>$1: ")
	main = tags.ReplaceAllString(blocks.ReplaceAllString(main, "\n"), "")
	lines = []string{language + ": " + html.UnescapeString(title)}
	for line := range strings.Lines(html.UnescapeString(main)) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestASecondVisitGets304(t *testing.T) {
	for _, zip := range []string{"", "gzip, deflate, br"} {
		headers := map[string]string{"accept-encoding": zip}
		first := answer(t, shop(room{}), visitTo("/plans", headers))
		headers["if-none-match"] = first.Headers["ETag"]
		if again := answer(t, shop(room{}), visitTo("/plans", headers)); again.StatusCode != 304 || again.Body != "" {
			t.Errorf("%q: %d, %d bytes", zip, again.StatusCode, len(again.Body))
		}
		headers["accept-language"] = "ru"
		if other := answer(t, shop(room{}), visitTo("/plans", headers)); other.StatusCode != 200 {
			t.Errorf("%q, another language: %d", zip, other.StatusCode)
		}
	}
}

func TestAPageIsSmallForWhoTakesItZipped(t *testing.T) {
	plain := answer(t, shop(room{}), visitTo("/works", nil))
	small := answer(t, shop(room{}), visitTo("/works", map[string]string{"accept-encoding": "br;q=1.0, gzip;q=0.8"}))
	if small.Headers["Content-Encoding"] != "gzip" || !small.IsBase64Encoded {
		t.Fatalf("%v", small.Headers)
	}
	var raw []byte
	if err := json.Unmarshal([]byte(`"`+small.Body+`"`), &raw); err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != plain.Body {
		t.Errorf("another page comes out (%v)", err)
	}
}

func TestAnAssetIsKeptForGoodUnderItsVersionOnly(t *testing.T) {
	for path, want := range map[string]string{
		assetAt("main.js"):               "public, max-age=31536000, immutable",
		"/assets/0123456789ab/main.js":   "public, max-age=300",
		"/assets/0123456789ab/style.css": "public, max-age=300",
		"/robots.txt":                    "public, max-age=300",
		"/favicon.ico":                   "public, max-age=300",
	} {
		out := answer(t, shop(room{}), visitTo(path, nil))
		if out.StatusCode != 200 || out.Headers["Cache-Control"] != want {
			t.Errorf("%s: %d %v", path, out.StatusCode, out.Headers)
		}
	}
}

func TestACoverIsAPicture(t *testing.T) {
	for path, want := range map[string]int{"/covers/w001": 200, "/covers/w215": 200, "/covers/w999": 404} {
		out := answer(t, shop(room{}), visitTo(path, nil))
		if picture := strings.HasPrefix(out.Headers["Content-Type"], "image/svg+xml"); out.StatusCode != want || picture != (want == 200) {
			t.Errorf("%s: %d %v", path, out.StatusCode, out.Headers)
		}
	}
}

// TestAPageThatCannotBeMadeSaysSo: whoever looks at it is told in their language, and nobody keeps it.
func TestAPageThatCannotBeMadeSaysSo(t *testing.T) {
	out := answer(t, shop(room{err: errors.New("the table is away")}), visitTo("/works", map[string]string{"accept-language": "ru"}))
	want, err := explain("ru", "internal")
	if err != nil {
		t.Fatal(err)
	}
	if out.StatusCode != 503 || out.Headers["Cache-Control"] != "no-store" || !strings.Contains(out.Body, "<h1>"+want.What+"</h1>") || strings.Contains(out.Body, "the table is away") {
		t.Errorf("%d %v\n%s", out.StatusCode, out.Headers, out.Body)
	}
}

// TestEveryPageOfEveryLanguageIsWritten: no template lacks a text, and each page has one main heading.
func TestEveryPageOfEveryLanguageIsWritten(t *testing.T) {
	step := regexp.MustCompile(`\{[a-z]+\}`)
	known := map[string]string{"/works/{id}": "/works/w001", "/terms/{document}": "/terms/use", "/problems/{code}": "/problems/not_found"}
	for _, p := range pages {
		path := known[string(p.at)]
		if path == "" {
			path = step.ReplaceAllString(strings.Replace(string(p.at), "works/{id}", "works/w001", 1), "1")
		}
		for _, l := range []string{"et", "en", "ru", "kk"} {
			out := answer(t, shop(room{}), visitTo(path, map[string]string{"accept-language": l}))
			if out.StatusCode != 200 || !strings.Contains(out.Body, `<html lang="`+l+`">`) || strings.Count(out.Body, "<h1") != 1 {
				t.Errorf("%s in %s: %d, %d main headings", path, l, out.StatusCode, strings.Count(out.Body, "<h1"))
			}
		}
	}
}

// TestStaffChangeWhatIsShown: a publisher ended a work, and there is a new price.
func TestStaffChangeWhatIsShown(t *testing.T) {
	shelf := catalog.Shelf{
		Changes: map[catalog.WorkID]catalog.Change{"w001": {ID: "w001", Distribution: &catalog.Distribution{From: day("2023-08-15"), Until: day("2026-08-31")}, Agreement: "LK-1"}},
		Lists:   []catalog.List{{ValidFrom: day("2026-09-01"), Plans: []catalog.Plan{{Months: 2, Net: 9_00}}}},
	}
	in := map[string]string{"accept-language": "en"}
	for path, want := range map[string]string{"/works/w001": "The last day was 31\u00a0August 2026.", "/plans": "€11.16", "/": "From €5.58 a month"} {
		if out := answer(t, shop(room{shelf: shelf}), visitTo(path, in)); !strings.Contains(out.Body, want) {
			t.Errorf("%s lacks %q", path, want)
		}
	}
}

func day(s string) civil.Date {
	d, err := civil.Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

func TestPatternsOfPaths(t *testing.T) {
	for _, c := range []struct {
		at   pattern
		path string
		want string // the step that stands for anything; "-" where the path is another
	}{
		{"/", "/", ""},
		{"/works", "/works", ""},
		{"/works", "/works/", "-"},
		{"/works/{x}", "/works/w001", "w001"},
		{"/works/{x}", "/works/", "-"},
		{"/works/{x}", "/works/w001/more", "-"},
		{"/a/{x}/b", "/a/1/b", "1"},
		{"/a/{x}/b", "/a/1/c", "-"},
		{"/assets/{x+}", "/assets/1/2.js", "1/2.js"},
		{"/works", "/", "-"},
	} {
		found, ok := c.at.match(c.path)
		if ok != (c.want != "-") || ok && found["x"] != c.want {
			t.Errorf("%s at %s: %v %v", c.path, c.at, found, ok)
		}
	}
}
