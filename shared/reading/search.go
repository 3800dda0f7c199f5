package reading

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/fold"
	"opiq/shared/lang"
	"opiq/shared/page"
	"opiq/shared/problem"
)

// Query is a search in the chapters as it was asked: texts, empty where nothing was asked for.
type Query struct {
	Text     string // words, 1 to 200 letters; each must begin a word of the chapter's title or text
	Language string // of the work, a code of lang
	After    string // Next of the page before
	Limit    string // chapters on the page, 1 to 100; 50 where nothing is asked
}

// Found is a part of what was found: what has the words in its title comes first, then what has them more often.
type Found struct {
	Chapters []Hit   `json:"chapters"`
	Next     *string `json:"next"`  // for the next page, null on the last one
	Total    int     `json:"total"` // chapters found, on all pages
}

// Hit is one chapter that was found.
type Hit struct {
	Work    catalog.Work `json:"work"`
	Number  int          `json:"number"`
	Title   string       `json:"title"`
	Snippet []Part       `json:"snippet"` // put together, the place in its text
}

// Part is a word that was looked for, or what stands between two such words. It is plain text.
type Part struct {
	Text string `json:"text"`
	Hit  bool   `json:"hit,omitempty"`
}

const maxText = 200 // letters

// Search finds chapters of the works that are offered on a day. What is wrong in the query is a problem.Invalid that names every
// parameter by its name in the address: /q, /language, /after, /limit.
func Search(q Query, shelf catalog.Shelf, today civil.Date) (Found, error) {
	terms, after, limit, err := q.read()
	if err != nil {
		return Found{}, err
	}
	ranked := index().rank(terms)
	if after != "" && !slices.ContainsFunc(ranked, func(r result) bool { return r.place() == after }) {
		return Found{}, problem.Wrong([]problem.Field{{Pointer: "/after", Code: "unknown", Detail: "It must be the next of an earlier answer to the same search."}})
	}
	offered := map[catalog.WorkID]catalog.Work{}
	for _, w := range shelf.All() {
		if w.Status(today) == catalog.StatusOffered && (q.Language == "" || string(w.Language) == q.Language) {
			offered[w.ID] = w
		}
	}
	out := Found{Chapters: []Hit{}}
	begun, last := after == "", ""
	for _, r := range ranked {
		w, ok := offered[r.work]
		switch {
		case !ok:
		case begun && len(out.Chapters) < limit:
			out.Chapters, last = append(out.Chapters, hit(w, r.number, terms)), r.place()
		case begun && out.Next == nil:
			out.Next = page.Next(last)
		}
		if ok {
			out.Total++
		}
		begun = begun || r.place() == after // also a work that was taken away meanwhile keeps its place
	}
	return out, nil
}

func (q Query) read() (terms []string, after string, limit int, err error) {
	var wrong []problem.Field
	refuse := func(pointer, code, detail string) {
		wrong = append(wrong, problem.Field{Pointer: pointer, Code: code, Detail: detail})
	}
	terms = fold.Terms(q.Text)
	slices.Sort(terms)
	switch terms = slices.Compact(terms); { // a word that is said twice is looked for once
	case utf8.RuneCountInString(q.Text) > maxText:
		refuse("/q", "too_long", fmt.Sprintf("The search may have %d letters.", maxText))
	case len(terms) == 0:
		refuse("/q", "required", "Say what to look for.")
	}
	if _, ok := lang.Parse(q.Language); !ok && q.Language != "" {
		refuse("/language", "unknown", "The languages are et, en, ru and kk.")
	}
	after, limit, misplaced := page.Place(q.After, q.Limit)
	return terms, after, limit, problem.Wrong(append(wrong, misplaced...))
}

// concordance is all chapters of all works, as they are searched. Many chapters share a paragraph: each is kept, and looked through, once.
type concordance struct {
	passages []string // folded
	chapters []indexed
}

type indexed struct {
	work     catalog.WorkID
	number   int
	passages []int // the title is the first one
}

// index is made at the first search, not by those who only read.
var index = sync.OnceValue(indexAll)

func indexAll() (all concordance) {
	known := map[string]int{}
	passage := func(text string) int {
		i, ok := known[text]
		if !ok {
			i = len(all.passages)
			known[text], all.passages = i, append(all.passages, fold.Text(text))
		}
		return i
	}
	for _, w := range (catalog.Shelf{}).All() {
		for _, h := range Contents(w) {
			c, err := Read(w, h.Number)
			if err != nil {
				panic(err) // its own contents name the chapter
			}
			one := indexed{w.ID, c.Number, []int{passage(c.Title)}}
			for _, p := range c.Paragraphs {
				one.passages = append(one.passages, passage(p))
			}
			all.chapters = append(all.chapters, one)
		}
	}
	return all
}

// result is a chapter in which every term begins a word.
type result struct {
	indexed
	titled int // terms in its title
	times  int // that a term begins a word in it
}

// place names the chapter, for the page that begins after it.
func (r result) place() string { return fmt.Sprintf("%s/%d", r.work, r.number) }

// rank finds the chapters, the best first.
func (c concordance) rank(terms []string) (all []result) {
	times := make([][]int, len(terms)) // by term and passage
	for i, term := range terms {
		times[i] = make([]int, len(c.passages))
		for j, text := range c.passages {
			times[i][j] = strings.Count(text, term)
		}
	}
chapters:
	for _, one := range c.chapters {
		r := result{indexed: one}
		for i := range terms {
			before := r.times
			for _, p := range one.passages {
				r.times += times[i][p]
			}
			if r.times == before {
				continue chapters
			}
			r.titled += min(times[i][one.passages[0]], 1)
		}
		all = append(all, r)
	}
	slices.SortStableFunc(all, func(a, b result) int {
		return cmp.Or(cmp.Compare(b.titled, a.titled), cmp.Compare(b.times, a.times))
	})
	return all
}

// hit shows a chapter that was found.
func hit(w catalog.Work, number int, terms []string) Hit {
	c, err := Read(w, number)
	if err != nil {
		panic(err) // it is in the index
	}
	return Hit{w, c.Number, c.Title, snippet(c.Paragraphs, terms)}
}

const (
	before = 8  // words of a snippet before the first one that was looked for,
	most   = 30 // and in all
)

// snippet is the beginning of the paragraphs, or of what stands around the words in that paragraph which has most of them.
func snippet(paragraphs, terms []string) (parts []Part) {
	text, words, first, count := "", []fold.Word(nil), 0, -1
	for _, p := range paragraphs {
		all, at, n := fold.Words(p), 0, 0
		for i, w := range all {
			if w.Begins(terms) {
				if n == 0 {
					at = i
				}
				n++
			}
		}
		if n > count {
			text, words, first, count = p, all, at, n
		}
	}
	add := func(text string, hit bool) {
		if text != "" {
			parts = append(parts, Part{text, hit})
		}
	}
	begin := max(0, first-before)
	shown := words[begin:min(begin+most, len(words))]
	lead, at, end, trail := "", 0, len(text), ""
	if begin > 0 {
		lead, at = "…", shown[0].From
	}
	if begin+most < len(words) {
		end, trail = shown[len(shown)-1].To, "…"
	}
	for _, w := range shown {
		if w.Begins(terms) {
			add(lead+text[at:w.From], false)
			add(text[w.From:w.To], true)
			lead, at = "", w.To
		}
	}
	add(lead+text[at:end]+trail, false)
	return parts
}
