package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"opiq/shared/activity"
	"opiq/shared/catalog"
	"opiq/shared/lang"
	"opiq/shared/metric"
	"opiq/shared/problem"
	"opiq/shared/seller"
	"opiq/shared/web"
	"opiq/shared/words"
)

// page is one page: pages/<name>.html is how it looks, texts/<name>.json what it says, assets/pages/<name>.js what its script does,
// where it has one.
type page struct {
	at       pattern
	name     string
	sections []string      // of texts that its script needs besides those of its own name and of every script
	leaves   bool          // its script sends forms to banks
	seen     activity.What // is told where it is looked at
	data     func(storefront, context.Context, visit) (any, error)
}

// pages are all there are. What stands first is found first.
var pages = []page{
	// Everybody's
	{at: "/", name: "front", data: storefront.front},
	{at: "/works", name: "works", data: storefront.works, seen: activity.CatalogSearched},
	{at: "/works/{id}", name: "work", data: storefront.work, seen: activity.WorkViewed},
	{at: "/plans", name: "plans", data: storefront.plans},
	{at: "/terms/{document}", name: "terms", data: storefront.terms},
	{at: "/help", name: "help", data: storefront.help},
	{at: "/problems/{code}", name: "problem", data: storefront.problem},

	// A person and their account
	{at: "/signup", name: "signup"},
	{at: "/signup/verify", name: "verify"},
	{at: "/signin", name: "signin"},
	{at: "/password/forgot", name: "forgot"},
	{at: "/password/reset", name: "reset"},
	{at: "/account", name: "account", sections: []string{"holds", "signup"}},
	{at: "/account/terms", name: "agree"},

	// A purchase
	{at: "/checkout", name: "checkout", sections: []string{"pay"}, leaves: true},
	{at: "/orders", name: "orders", sections: []string{"pay"}},
	{at: "/orders/{number}", name: "order", sections: []string{"pay"}, leaves: true},
	{at: "/orders/{number}/invoice", name: "invoice", sections: []string{"pay"}},

	// The reading room
	{at: "/licenses", name: "licenses", sections: []string{"access", "holds"}},
	{at: "/library", name: "library", sections: []string{"access", "holds", "languages"}},
	{at: "/library/works/{id}", name: "contents", sections: []string{"access", "holds", "marks"}, data: storefront.book},
	{at: "/library/works/{id}/chapters/{n}", name: "chapter", sections: []string{"access", "holds", "marks", "problems"}, data: storefront.book},

	// Who works here
	{at: "/staff", name: "staff", sections: []string{"staff-problems"}},
	{at: "/staff/entries", name: "staff-entries", sections: []string{"staff", "staff-problems"}},
	{at: "/staff/entries/{id}", name: "staff-entry", sections: []string{"staff", "staff-problems"}},
	{at: "/staff/orders", name: "staff-orders", sections: []string{"staff", "staff-problems"}},
	{at: "/staff/orders/{number}", name: "staff-order", sections: []string{"staff", "staff-problems"}},
	{at: "/staff/refunds", name: "staff-refunds", sections: []string{"staff", "staff-problems"}},
	{at: "/staff/holds", name: "staff-holds", sections: []string{"staff", "staff-problems"}},
	{at: "/staff/holds/{id}", name: "staff-hold", sections: []string{"staff", "staff-problems"}},
	{at: "/staff/works", name: "staff-works", sections: []string{"staff", "staff-problems"}},
	{at: "/staff/works/{id}", name: "staff-work", sections: []string{"staff", "staff-problems"}},
}

// What is shown where there is no page, and where a page cannot be made.
var (
	missing = page{name: "missing"}
	broken  = page{name: "problem"}
)

// pattern is a path whose steps in braces stand for anything, "{rest+}" for all that follows.
type pattern string

func (p pattern) match(path string) (map[string]string, bool) {
	wanted, have := strings.Split(string(p), "/"), strings.Split(path, "/")
	found := map[string]string{}
	for i, step := range wanted {
		name, open := strings.CutPrefix(step, "{")
		switch {
		case i >= len(have):
			return nil, false
		case open && strings.HasSuffix(name, "+}"):
			found[strings.TrimSuffix(name, "+}")] = strings.Join(have[i:], "/")
			return found, true
		case open && have[i] != "":
			found[strings.TrimSuffix(name, "}")] = have[i]
		case step != have[i]:
			return nil, false
		}
	}
	return found, len(wanted) == len(have)
}

// visit is one look at a page.
type visit struct {
	web.Request
	place      string
	parameters map[string]string
	language   lang.Code
}

// spokenTo is the language that the address names, or else the one that suits the browser best.
func spokenTo(r web.Request) lang.Code {
	if l, ok := lang.Parse(r.Query().Get("lang")); ok {
		return l
	}
	return lang.Pick(r.Header("Accept-Language"))
}

// view is what a page is written from.
type view struct {
	visit
	Name   string
	Lang   lang.Code
	Words  words.Words
	Seller seller.Seller
	Data   any
	page   page
}

// Place is the path of the page.
func (v view) Place() string { return v.place }

// Parameter is a step of the path that stands for anything.
func (v view) Parameter(name string) string { return v.parameters[name] }

// T is a text by its section and name, with values by their names: {{.T "works.in_grade" "grade" 3}}.
func (v view) T(key string, values ...any) (string, error) { return say(v.Lang, key, values...) }

// Rich is a text in which "[words](name)" is a link: the values name where it leads.
func (v view) Rich(key string, values ...any) (template.HTML, error) {
	text, err := say(v.Lang, key, values...)
	return linked(text, values), err
}

// Href is an address of the shop in the language that was chosen, where one was.
func (v view) Href(address string) string { return v.in(address, v.Query().Get("lang")) }

// Here is the address of this page in another language. The secret of a letter's link is no part of what caches keep.
func (v view) Here(l lang.Code) string {
	address, q := v.place, v.Query()
	q.Del("token")
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	return v.in(address, string(l))
}

func (v view) in(address, l string) string {
	if _, ok := lang.Parse(l); !ok {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	q := u.Query()
	q.Set("lang", l)
	u.RawQuery = q.Encode()
	return u.String()
}

// With is the same view of something else, for a part of the page.
func (v view) With(data any) view {
	v.Data = data
	return v
}

// Grades says which grades a work is for.
func (v view) Grades(w catalog.Work) (string, error) {
	if first, last := slices.Min(w.Grades), slices.Max(w.Grades); first != last {
		return v.T("works.in_grades", "from", first, "to", last)
	}
	return v.T("works.in_grade", "grade", w.Grades[0])
}

// Dial is the seller's number as a phone takes it.
func (v view) Dial() string { return "+372" + strings.ReplaceAll(v.Seller.Phone, " ", "") }

// Languages are all there are.
func (v view) Languages() []lang.Code { return lang.All }

// Asset is the address of a file that pages are made of.
func (v view) Asset(name string) string { return assetAt(name) }

// Script is the address of the page's own script, empty where it has none.
func (v view) Script() string {
	name := "pages/" + v.Name + ".js"
	if _, ok := assets()[name]; !ok {
		return ""
	}
	return assetAt(name)
}

// Texts are what the page's scripts say, by key. The template writes them as JSON.
func (v view) Texts() map[string]text {
	all := spoken(v.Lang, append([]string{"common"}, v.page.sections...))
	if v.Script() == "" {
		return all
	}
	maps.Copy(all, spoken(v.Lang, []string{v.Name}))
	for key, t := range spoken(v.Lang, []string{"problems"}) { // what a form says by itself; the rest is fetched with the first problem
		if strings.HasPrefix(key, "problems.field_") || key == "problems.unknown" {
			all[key] = t
		}
	}
	return all
}

//go:embed pages
var layouts embed.FS

var templates sync.Map // by the name of the page

// layout is a page's template, read when somebody asks for it first.
func layout(name string) (*template.Template, error) {
	if t, ok := templates.Load(name); ok {
		return t.(*template.Template), nil
	}
	t, err := template.New("layout.html").Funcs(template.FuncMap{"cover": cover}).ParseFS(layouts, "pages/layout.html", "pages/parts.html", "pages/"+name+".html")
	if err == nil {
		templates.Store(name, t)
	}
	return t, err
}

func (s storefront) page(ctx context.Context, p page, v visit) (web.Response, error) {
	status := 200
	show := view{visit: v, Name: p.name, Lang: v.language, Seller: seller.StarCloud, page: p}
	show.Words, _ = words.In(v.language)
	var err error
	if p.data != nil {
		show.Data, err = p.data(s, ctx, v)
	}
	switch lost, _ := errors.AsType[*problem.Error](err); {
	case lost != nil && lost.Class == problem.NotFound:
		status, show.page, show.Name = 404, missing, missing.name
	case err != nil: // a person looks at it: they are told in their language
		slog.ErrorContext(ctx, "failed", "page", p.name, "error", err.Error())
		if show.Data, err = explain(v.language, "internal"); err != nil {
			return web.Response{}, err
		}
		status, show.page, show.Name = 503, broken, broken.name
	case p.name == missing.name:
		status = 404
	}
	t, err := layout(show.Name)
	if err != nil {
		return web.Response{}, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, show); err != nil {
		return web.Response{}, err
	}
	a := web.HTML(status, out.String())
	a.Header["Content-Security-Policy"] = policy(p.leaves)
	a.Header["Cross-Origin-Opener-Policy"] = "same-origin"
	a.Header["Vary"] = "Accept-Language, Accept-Encoding"
	if status != 200 {
		return zipped(v.Request, a), nil
	}
	control := "public, max-age=0, must-revalidate, s-maxage=" + strconv.Itoa(int(fresh.Seconds()))
	a = web.Kept(v.Request, a, control)
	if p.seen != "" && a.Status == 200 && v.Method() == "GET" { // who has the page already sees nothing new
		line := activity.Seen(p.seen, s.now())
		line.Work = catalog.WorkID(v.parameters["id"])
		line.Tell(ctx, s.activity, metric.Count)
	}
	return zipped(v.Request, a), nil
}

// policy is what a page may do: run our own files, call our own API and nothing else. Markup is never made of text: Trusted Types
// refuse it. Who goes to pay leaves by a form, to whichever of its addresses the bank sends them on.
func policy(leaves bool) string {
	forms := "'self'"
	if leaves {
		forms += " https:"
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action " + forms +
		"; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

// zipped is the answer made small, where the browser takes it: the gateway does not do it, and CloudFront leaves alone what is.
func zipped(r web.Request, a web.Response) web.Response {
	if len(a.Body) < 1000 || !takesGzip(r) {
		return a
	}
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	_, _ = w.Write([]byte(a.Body)) // a buffer refuses nothing
	_ = w.Close()
	a.Body = out.String()
	a.Header["Content-Encoding"] = "gzip"
	if tag, ok := a.Header["ETag"]; ok {
		a.Header["ETag"] = "W/" + tag // the same page in other bytes
	}
	return a
}

func takesGzip(r web.Request) bool {
	return slices.ContainsFunc(strings.Split(r.Header("Accept-Encoding"), ","), func(s string) bool {
		name, _, _ := strings.Cut(strings.TrimSpace(s), ";")
		return name == "gzip"
	})
}
