package catalog

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"opiq/shared/civil"
	"opiq/shared/fold"
	"opiq/shared/lang"
	"opiq/shared/problem"
)

// Query is a search as it was asked: texts, empty where nothing was asked for.
type Query struct {
	Text      string // words; each must begin a word of the title, an author, the publisher or the subject in any language
	Subject   string // a code
	Grade     string // 1 to 12
	Language  string // a code of lang
	Publisher string // a name as a facet gives it
	Cursor    string // Next of the page before
	Limit     string // works on the page, 1 to 100; 20 where nothing is asked
}

// Page is a part of what was found, in the catalog's order.
type Page struct {
	Works  []Work  `json:"works"`
	Next   *string `json:"next"`  // the cursor of the next page, null on the last one
	Total  int     `json:"total"` // works found, on all pages
	Facets Facets  `json:"facets"`
}

// Facets count the works that another choice would find: those of a subject under the text and all filters but the
// subject, and so on. They are sorted by value; values without a work are left out.
type Facets struct {
	Subject   []Count[string]    `json:"subject"`
	Grade     []Count[int]       `json:"grade"` // a work for several grades counts in each
	Language  []Count[lang.Code] `json:"language"`
	Publisher []Count[string]    `json:"publisher"`
}

// Count is a value of a filter and the works that it would find.
type Count[V cmp.Ordered] struct {
	Value V   `json:"value"`
	Count int `json:"count"`
}

const (
	maxText      = 200 // letters
	maxLimit     = 100
	defaultLimit = 20
)

// Search finds the works that are offered on a day. What is wrong in the query is a problem.Invalid that names every
// parameter by its name in the address: /q, /subject, /grade, /language, /cursor, /limit.
func (s Shelf) Search(q Query, today civil.Date) (Page, error) {
	f, err := q.filter()
	if err != nil {
		return Page{}, err
	}
	p := Page{Works: []Work{}}
	subject, grade, language, publisher := map[string]int{}, map[int]int{}, map[lang.Code]int{}, map[string]int{}
	for i, e := range index() {
		if !e.matches(f.words) {
			continue
		}
		if e.Work = s.work(e.Work); e.Status(today) != StatusOffered {
			continue
		}
		misses := f.misses(e.Work)
		if misses&^bySubject == 0 {
			subject[e.Subject]++
		}
		if misses&^byGrade == 0 {
			for _, g := range e.Grades {
				grade[g]++
			}
		}
		if misses&^byLanguage == 0 {
			language[e.Language]++
		}
		if misses&^byPublisher == 0 {
			publisher[e.Publisher]++
		}
		if misses != 0 {
			continue
		}
		p.Total++
		switch {
		case i < f.start:
		case len(p.Works) < f.limit:
			p.Works = append(p.Works, e.Work)
		case p.Next == nil:
			next := cursor(p.Works[f.limit-1].ID)
			p.Next = &next
		}
	}
	p.Facets = Facets{counts(subject), counts(grade), counts(language), counts(publisher)}
	return p, nil
}

// entry is a work with the words by which it is found.
type entry struct {
	Work
	words string // folded
}

func (e entry) matches(words []string) bool {
	for _, w := range words {
		if !strings.Contains(e.words, w) {
			return false
		}
	}
	return true
}

// index is made at the first search, not by those who only look for one work.
var index = sync.OnceValue(func() []entry { return indexed(works()) })

func indexed(works []Work) []entry {
	folded := map[string]string{} // names come again and again: each is folded once
	once := func(name string) string {
		if folded[name] == "" {
			folded[name] = fold.Text(name)
		}
		return folded[name]
	}
	all := make([]entry, len(works))
	for i, w := range works {
		all[i] = entry{w, fold.Text(w.Title) + once(strings.Join(w.Authors, " ")) + once(w.Publisher) + once(subjects[w.Subject])}
	}
	return all
}

// filter is a query that was understood.
type filter struct {
	words     []string // each folded, with the space before it
	subject   string
	grade     int
	language  lang.Code
	publisher string
	start     int // the first place in the index that may stand on the page
	limit     int
}

func (q Query) filter() (filter, error) {
	f := filter{subject: q.Subject, publisher: q.Publisher, limit: defaultLimit}
	var wrong []problem.Field
	refuse := func(pointer, code, detail string) {
		wrong = append(wrong, problem.Field{Pointer: pointer, Code: code, Detail: detail})
	}
	if utf8.RuneCountInString(q.Text) > maxText {
		refuse("/q", "too_long", fmt.Sprintf("The search may have %d letters.", maxText))
	}
	f.words = fold.Terms(q.Text)
	if subjects[q.Subject] == "" && q.Subject != "" {
		refuse("/subject", "unknown", "There is no such subject.")
	}
	var ok bool
	if f.grade, ok = number(q.Grade, 0, 1, 12); !ok {
		refuse("/grade", "out_of_range", "A grade is a whole number from 1 to 12.")
	}
	if f.language, ok = lang.Parse(q.Language); !ok && q.Language != "" {
		refuse("/language", "unknown", "The languages are et, en, ru and kk.")
	}
	if f.start, ok = place(q.Cursor); !ok {
		refuse("/cursor", "unknown", "The cursor must be the next of an earlier answer.")
	}
	if f.limit, ok = number(q.Limit, defaultLimit, 1, maxLimit); !ok {
		refuse("/limit", "out_of_range", fmt.Sprintf("A page has from 1 to %d works.", maxLimit))
	}
	return f, problem.Wrong(wrong)
}

// number reads a whole number from low to high; nothing is the number in its place.
func number(s string, nothing, low, high int) (int, bool) {
	if s == "" {
		return nothing, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && low <= n && n <= high
}

// cursor is the place after a work, for the next page. It holds on while works join and leave: it names a work, no count.
func cursor(last WorkID) string { return base64.RawURLEncoding.EncodeToString([]byte(last)) }

// place is where a page begins. A work that is no longer offered still has its place.
func place(cursor string) (int, bool) {
	last, err := base64.RawURLEncoding.DecodeString(cursor)
	start, known := behind(WorkID(last))
	return start, err == nil && known
}

// behind is the place after a work; after none it is the first one.
func behind(last WorkID) (int, bool) {
	i := slices.IndexFunc(works(), func(w Work) bool { return w.ID == last })
	return i + 1, i >= 0 || last == ""
}

// The filters that a work may miss, one bit each.
const (
	bySubject = 1 << iota
	byGrade
	byLanguage
	byPublisher
)

func (f filter) misses(w Work) (bits int) {
	if f.subject != "" && w.Subject != f.subject {
		bits |= bySubject
	}
	if f.grade != 0 && !slices.Contains(w.Grades, f.grade) {
		bits |= byGrade
	}
	if f.language != "" && w.Language != f.language {
		bits |= byLanguage
	}
	if f.publisher != "" && w.Publisher != f.publisher {
		bits |= byPublisher
	}
	return bits
}

func counts[V cmp.Ordered](found map[V]int) []Count[V] {
	out := []Count[V]{}
	for _, v := range slices.Sorted(maps.Keys(found)) {
		out = append(out, Count[V]{v, found[v]})
	}
	return out
}
