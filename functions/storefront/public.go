package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/money"
	"opiq/shared/problem"
	"opiq/shared/seller"
	"opiq/shared/terms"
)

// entrance is what the front page shows.
type entrance struct {
	Total    int            // works
	Shown    []catalog.Work // some of them, in the visitor's language
	Subjects []option
	Grades   []option
	PerMonth money.Amount // of the plan where it is the least, zero where nothing is sold
}

func (s storefront) front(ctx context.Context, v visit) (any, error) {
	shelf, err := s.store.Shelf(ctx)
	if err != nil {
		return nil, err
	}
	all, err := shelf.Search(catalog.Query{Limit: "1"}, s.today())
	if err != nil {
		return nil, err
	}
	understood, err := shelf.Search(catalog.Query{Language: string(v.language), Limit: "100"}, s.today())
	if err != nil {
		return nil, err
	}
	e := entrance{Total: all.Total, Subjects: ofSubjects(all.Facets, ""), Grades: options(all.Facets.Grade, "")}
	for works := understood.Works; len(works) > 0 && len(e.Shown) < 6; { // one from the middle of each subject
		n := slices.IndexFunc(works, func(w catalog.Work) bool { return w.Subject != works[0].Subject })
		if n < 0 {
			n = len(works)
		}
		e.Shown, works = append(e.Shown, works[n/2]), works[n:]
	}
	for _, o := range s.offers(shelf) {
		if e.PerMonth == 0 || o.PerMonth < e.PerMonth {
			e.PerMonth = o.PerMonth
		}
	}
	return e, nil
}

// option is a value of a filter, and how many works it finds.
type option struct {
	Value  string
	Count  int
	Chosen bool
}

// options are the values that find something, and the chosen one in any case.
func options[V cmp.Ordered](counts []catalog.Count[V], chosen string) (all []option) {
	for _, c := range counts {
		value := fmt.Sprint(c.Value)
		all = append(all, option{value, c.Count, value == chosen})
	}
	if chosen != "" && !slices.ContainsFunc(all, func(o option) bool { return o.Chosen }) {
		all = append(all, option{chosen, 0, true})
	}
	return all
}

// timetable is the order in which subjects are shown, which is that of the catalog.
var timetable = []string{"mathematics", "literature", "nature", "biology", "geography", "physics", "chemistry", "history", "civics", "computing", "art", "music"}

func ofSubjects(f catalog.Facets, chosen string) []option {
	all := options(f.Subject, chosen)
	slices.SortFunc(all, func(a, b option) int {
		return cmp.Compare(slices.Index(timetable, a.Value), slices.Index(timetable, b.Value))
	})
	return all
}

// found is what the page of works shows.
type found struct {
	catalog.Page
	Query      catalog.Query
	Subjects   []option
	Grades     []option
	Languages  []option
	Publishers []option
	Misread    bool   // something in the address was no choice that there is, and was left out
	More       string // the address of the next page, empty on the last one
	First      string // the address of the first page, empty on it
}

const worksOnPage = "24"

func (s storefront) works(ctx context.Context, v visit) (any, error) {
	shelf, err := s.store.Shelf(ctx)
	if err != nil {
		return nil, err
	}
	asked := v.Query()
	q := catalog.Query{
		Text: strings.TrimSpace(asked.Get("q")), Subject: asked.Get("subject"), Grade: asked.Get("grade"), Language: asked.Get("language"),
		Publisher: asked.Get("publisher"), Cursor: asked.Get("cursor"), Limit: worksOnPage,
	}
	f := found{}
	f.Page, err = shelf.Search(q, s.today())
	if wrong, _ := errors.AsType[*problem.Error](err); wrong != nil && wrong.Class == problem.Invalid {
		for _, w := range wrong.Fields {
			*map[string]*string{"/q": &q.Text, "/subject": &q.Subject, "/grade": &q.Grade, "/language": &q.Language, "/cursor": &q.Cursor}[w.Pointer] = ""
		}
		f.Misread = true
		f.Page, err = shelf.Search(q, s.today())
	}
	if err != nil {
		return nil, err
	}
	f.Query = q
	f.Subjects, f.Grades = ofSubjects(f.Facets, q.Subject), options(f.Facets.Grade, q.Grade)
	f.Languages, f.Publishers = options(f.Facets.Language, q.Language), options(f.Facets.Publisher, q.Publisher)
	if f.Next != nil {
		f.More = searchFor(q, *f.Next)
	}
	if q.Cursor != "" {
		f.First = searchFor(q, "")
	}
	return f, nil
}

// searchFor is the address of a page of a search.
func searchFor(q catalog.Query, cursor string) string {
	address := url.Values{}
	for name, value := range map[string]string{"q": q.Text, "subject": q.Subject, "grade": q.Grade, "language": q.Language, "publisher": q.Publisher, "cursor": cursor} {
		if value != "" {
			address.Set(name, value)
		}
	}
	if len(address) == 0 {
		return "/works"
	}
	return "/works?" + address.Encode()
}

// choice is something that was chosen, and the address of the search without it.
type choice struct{ Name, Address string }

// Without is a choice by the name of its parameter and by its own.
func (f found) Without(parameter, name string) choice {
	q := f.Query
	*map[string]*string{"subject": &q.Subject, "grade": &q.Grade, "language": &q.Language, "publisher": &q.Publisher}[parameter] = ""
	return choice{name, searchFor(q, "")}
}

// Filtered tells whether anything but words was chosen.
func (f found) Filtered() bool {
	return f.Query.Subject+f.Query.Grade+f.Query.Language+f.Query.Publisher != ""
}

// blurb is what the page of a work shows.
type blurb struct {
	catalog.Work
	Status  catalog.Status
	Similar []catalog.Work
}

// Published is the address of all works of the same publisher.
func (b blurb) Published() string { return searchFor(catalog.Query{Publisher: b.Publisher}, "") }

// Forms are the grades of the work in figures.
func (b blurb) Forms() string {
	if first, last := slices.Min(b.Grades), slices.Max(b.Grades); first != last {
		return fmt.Sprintf("%d–%d", first, last)
	}
	return fmt.Sprint(b.Grades[0])
}

func (s storefront) work(ctx context.Context, v visit) (any, error) {
	shelf, err := s.store.Shelf(ctx)
	if err != nil {
		return nil, err
	}
	w, err := shelf.Find(catalog.WorkID(v.parameters["id"]), s.today())
	if err != nil {
		return nil, err
	}
	beside, err := shelf.Search(catalog.Query{Subject: w.Subject, Language: string(w.Language), Limit: "100"}, s.today())
	if err != nil {
		return nil, err
	}
	return blurb{w, w.Status(s.today()), nearest(w, beside.Works)}, nil
}

// nearest are the works that stand nearest to one by their grades.
func nearest(w catalog.Work, all []catalog.Work) []catalog.Work {
	all = slices.DeleteFunc(all, func(o catalog.Work) bool { return o.ID == w.ID })
	slices.SortStableFunc(all, func(a, b catalog.Work) int { return cmp.Compare(apart(a, w), apart(b, w)) })
	return all[:min(4, len(all))]
}

// apart is how many grades lie between the first ones of two works.
func apart(a, b catalog.Work) int {
	return max(a.Grades[0]-b.Grades[0], b.Grades[0]-a.Grades[0])
}

// offer is a plan that begins today.
type offer struct {
	Months   int
	Price    money.Price
	PerMonth money.Amount // of the gross price
	From     civil.Date
	Through  civil.Date // the last day
}

func (s storefront) offers(shelf catalog.Shelf) (all []offer) {
	today := s.today()
	for _, p := range shelf.PlansOn(today).Plans {
		price := p.Price(today)
		all = append(all, offer{p.Months, price, price.Gross.Share(p.Months), today, today.AddMonths(p.Months).AddDays(-1)})
	}
	return all
}

func (s storefront) plans(ctx context.Context, _ visit) (any, error) {
	shelf, err := s.store.Shelf(ctx)
	if err != nil {
		return nil, err
	}
	return s.offers(shelf), nil
}

// inLanguage is a link to a page of ours.
var inLanguage = regexp.MustCompile(`href="/[^"]*"`)

// paper is a document of the terms as its page shows it.
type paper struct {
	terms.Text
	Body   template.HTML
	Others []terms.Document
}

func (s storefront) terms(_ context.Context, v visit) (any, error) {
	d := terms.Document(v.parameters["document"])
	if !terms.Known(d) {
		return nil, errNoPage
	}
	p := paper{Text: terms.Current(d, s.today(), v.language)}
	for _, other := range terms.All {
		if other != d {
			p.Others = append(p.Others, other)
		}
	}
	// The text leads to the other documents: in the language in which this one is read.
	p.Body = template.HTML(inLanguage.ReplaceAllStringFunc(p.HTML, func(link string) string {
		address := html.UnescapeString(strings.TrimSuffix(strings.TrimPrefix(link, `href="`), `"`))
		return `href="` + html.EscapeString(view{visit: v}.Href(address)) + `"`
	}))
	return p, nil
}

// advice is what the page of help shows.
type advice struct {
	From, To  int // hours in which the phone is answered
	Open      bool
	Questions []string // by the end of their keys
}

func (s storefront) help(context.Context, visit) (any, error) {
	return advice{seller.OpensAt, seller.ClosesAt, seller.Answers(s.now()), []string{"buy", "paid", "password", "stranger", "school", "browser", "data"}}, nil
}

// explained is what is told about a problem.
type explained struct {
	Code string
	What string
	Todo string
	Next []way
}

// way is a page that helps: the key of what it is called, and its address.
type way struct{ Name, Address string }

// ways are the pages that help with a problem, by its code. With all else it is the page of help alone.
var ways = map[string][]string{
	"wrong_credentials": {"/signin", "/password/forgot"}, "password_leaked": {"/password/forgot"}, "link_invalid": {"/password/forgot", "/signin"},
	"too_many_tries": {"/password/forgot"}, "not_signed_in": {"/signin"}, "TERMS_REQUIRED": {"/account/terms"}, "terms_outdated": {"/account/terms"},
	"NO_LICENSE": {"/plans"}, "EXPIRED": {"/plans", "/licenses"}, "NOT_STARTED": {"/licenses"}, "SUSPENDED": {"/licenses", "/orders"}, "REVOKED": {"/licenses", "/orders"},
	"license_not_found": {"/licenses"}, "price_changed": {"/plans"}, "money_under_way": {"/orders"}, "order_not_found": {"/orders"}, "order_paid": {"/orders"}, "order_not_paid": {"/orders"},
	"order_cancelled": {"/plans", "/orders"}, "order_expired": {"/plans", "/orders"}, "order_annulled": {"/plans", "/orders"}, "order_reopened": {"/orders"},
	"invoice_not_found": {"/orders"}, "no_payment_reference": {"/orders"}, "card_unavailable": {"/orders"}, "too_many_orders": {"/orders"}, "too_many_attempts": {"/orders"},
	"unknown_work": {"/works"}, "WORK_UNKNOWN": {"/works"}, "WORK_WITHDRAWN": {"/works"}, "WORK_SUSPENDED_IP": {"/works"},
}

func (s storefront) problem(_ context.Context, v visit) (any, error) {
	return explain(v.language, v.parameters["code"])
}

// explain is what is told about a problem by its code; errNoPage where there is no such code.
func explain(l lang.Code, code string) (explained, error) {
	text, err := say(l, "problems."+code)
	if err != nil {
		text, err = say(l, "staff-problems."+code)
	}
	if err != nil || strings.HasPrefix(code, "field_") {
		return explained{}, errNoPage
	}
	what, todo, _ := strings.Cut(text, ". ") // its first sentence says what happened, the rest what to do
	e := explained{Code: code, What: strings.TrimSuffix(what, "."), Todo: todo}
	for _, address := range ways[code] {
		e.Next = append(e.Next, way{"problem." + strings.ReplaceAll(address[1:], "/", "_"), address})
	}
	return e, nil
}
