// Package reading is the inside of the works: short chapters in our own words, in each work's language, by subject and
// grade.
//
// A publisher's real pages would come from the publisher's files; these stand in their place, so that what a license
// opens can be opened. A work has the same chapters every day. The texts are plain text, never HTML, and are read when
// the first work of their language is opened; the index of their words is made at the first search. The package does not ask who reads.
package reading

import (
	"embed"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"sync"

	"opiq/shared/catalog"
	"opiq/shared/lang"
	"opiq/shared/problem"
)

// Heading is a line of the table of contents.
type Heading struct {
	Number int    `json:"number"` // from 1
	Title  string `json:"title"`
}

// Chapter is one chapter, paragraph by paragraph: what there is to know, and something to try.
type Chapter struct {
	Number     int      `json:"number"`
	Title      string   `json:"title"`
	Paragraphs []string `json:"paragraphs"`
}

// ErrNoChapter is the answer for a chapter that the work does not have.
var ErrNoChapter = problem.New(problem.NotFound, "no_such_chapter", "The work has no such chapter.")

// Contents are the chapters of a work, three to five.
func Contents(w catalog.Work) []Heading {
	var out []Heading
	for i, t := range chapters(w) {
		out = append(out, Heading{i + 1, t.title})
	}
	return out
}

// Read is the nth chapter of a work, from 1, or ErrNoChapter. The first one welcomes, the last one takes leave.
func Read(w catalog.Work, n int) (Chapter, error) {
	all := chapters(w)
	if n < 1 || n > len(all) {
		return Chapter{}, ErrNoChapter
	}
	c := Chapter{Number: n, Title: all[n-1].title}
	if n == 1 {
		c.Paragraphs = append(c.Paragraphs, strings.ReplaceAll(one(w, "opening"), "{title}", w.Title))
	}
	c.Paragraphs = append(c.Paragraphs, all[n-1].paragraphs...)
	if n == len(all) {
		c.Paragraphs = append(c.Paragraphs, one(w, "closing"))
	}
	return c, nil
}

// chapters are a few of the topics that suit the work, beginning at a place of its own, so that two works of a shelf differ.
func chapters(w catalog.Work) []topic {
	fit := fitting(w, w.Subject)
	mark := mark(w.ID)
	out := make([]topic, min(3+mark%3, len(fit)))
	for i := range out {
		out[i] = fit[(mark+i)%len(fit)]
	}
	return out
}

// one is one of the paragraphs of a frame that suit the work.
func one(w catalog.Work, frame string) string {
	p := fitting(w, frame)[0].paragraphs
	return p[mark(w.ID)%len(p)]
}

// mark is a number that a work keeps.
func mark(id catalog.WorkID) int {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int(h.Sum32() >> 1)
}

// topic is a chapter's text for some grades.
type topic struct {
	from, to   int
	title      string
	paragraphs []string
}

func fitting(w catalog.Work, section string) (out []topic) {
	for _, t := range texts[w.Language]()[section] {
		if t.from <= w.Grades[len(w.Grades)-1] && w.Grades[0] <= t.to {
			out = append(out, t)
		}
	}
	return out
}

//go:embed *.txt
var files embed.FS

// texts are the topics of a language by subject, and its two frames "opening" and "closing", where every paragraph is a
// choice of its own.
var texts = map[lang.Code]func() map[string][]topic{
	lang.Estonian: text("et.txt"),
	lang.English:  text("en.txt"),
	lang.Russian:  text("ru.txt"),
	lang.Kazakh:   text("kk.txt"),
}

// text reads a file once, when it is first asked for. What cannot be read in it is a mistake in the program and panics.
func text(name string) func() map[string][]topic {
	return sync.OnceValue(func() map[string][]topic {
		b, err := files.ReadFile(name)
		if err != nil {
			panic(err)
		}
		t, err := parse(string(b))
		if err != nil {
			panic(fmt.Errorf("%s: %w", name, err))
		}
		return t
	})
}

// parse reads a file of texts: "# section", "= 1-6 Title", and one paragraph a line.
func parse(file string) (map[string][]topic, error) {
	out := map[string][]topic{}
	section := ""
	for i, line := range strings.Split(file, "\n") {
		switch kind, rest, _ := strings.Cut(line, " "); {
		case line == "":
		case kind == "#":
			section = rest
		case kind == "=":
			grades, title, _ := strings.Cut(rest, " ")
			first, last, _ := strings.Cut(grades, "-")
			from, err := strconv.Atoi(first)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			to, err := strconv.Atoi(last)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			out[section] = append(out[section], topic{from: from, to: to, title: title})
		case len(out[section]) == 0:
			return nil, fmt.Errorf("line %d: a paragraph without a title", i+1)
		default:
			t := &out[section][len(out[section])-1]
			t.paragraphs = append(t.paragraphs, line)
		}
	}
	return out, nil
}
