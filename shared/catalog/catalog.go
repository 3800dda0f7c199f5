// Package catalog is what the shop shows: the works of the library, the search over them, and the plans with their prices.
//
// A license opens the whole library, so works have no price and plans have no works. The works stand in a file
// beside this one, every one under its publisher's distribution agreement, and are read when they are first
// asked for; what staff changed of them, and the price lists that they set, come from the table (Shelf). The package decides what is
// offered on a day; it does not decide who may open a work (license does).
package catalog

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/lang"
	"opiq/shared/problem"
)

// WorkID names a work for as long as anybody may ask for it: "w001".
type WorkID string

// Work is one study work of the library.
type Work struct {
	ID           WorkID       `json:"id"`
	Title        string       `json:"title"`
	Subject      string       `json:"subject"` // a code: "mathematics"
	Grades       []int        `json:"grades"`  // 1 to 12, rising
	Language     lang.Code    `json:"language"`
	Publisher    string       `json:"publisher"`
	Authors      []string     `json:"authors"`
	Distribution Distribution `json:"distribution"`
	Agreement    string       `json:"-"` // the publisher's distribution agreement
	Suspended    bool         `json:"-"` // stopped on suspicion of infringement
}

// Distribution is the time for which the publisher lets a work be offered. Until is the last day of it.
type Distribution struct {
	From  civil.Date `json:"from"`
	Until civil.Date `json:"until"`
}

// Status says whether a work is offered, and if not, why.
type Status string

// The statuses of a work. Suspicion weighs more than the calendar.
const (
	StatusOffered   Status = "offered"
	StatusAhead     Status = "ahead"     // not published yet: only staff see it
	StatusWithdrawn Status = "withdrawn" // past the end of its distribution
	StatusSuspended Status = "suspended"
)

// Status is the work's status on a day in Tallinn.
func (w Work) Status(today civil.Date) Status {
	switch {
	case w.Suspended:
		return StatusSuspended
	case today.Before(w.Distribution.From):
		return StatusAhead
	case w.Distribution.Until.Before(today):
		return StatusWithdrawn
	}
	return StatusOffered
}

// published tells whether a work has reached the public at all: a work of tomorrow is nobody's business today.
func (w Work) published(today civil.Date) bool { return !today.Before(w.Distribution.From) }

// ErrUnknown is the answer for a work that there is not, or not yet.
var ErrUnknown = problem.New(problem.NotFound, "unknown_work", "There is no such work.")

// ParseWorkID reads a work's name, or ErrUnknown: there is none of a name that no work can have.
func ParseWorkID(s string) (WorkID, error) {
	if !hold.On(hold.OnWork, s).WellFormed() {
		return "", ErrUnknown
	}
	return WorkID(s), nil
}

//go:embed works.tsv
var file string

// works are all works in the catalog's order: subject by subject, language by language, rising by grade. The file is
// part of the program: what cannot be read in it is a mistake in the program and panics.
var works = sync.OnceValue(func() []Work {
	all, err := read(file)
	if err != nil {
		panic(err)
	}
	return all
})

func read(file string) ([]Work, error) {
	lines := strings.Split(strings.TrimSuffix(file, "\n"), "\n")[1:]
	all := make([]Work, len(lines))
	for i, line := range lines {
		w, err := parse(line)
		if err != nil {
			return nil, fmt.Errorf("works.tsv:%d: %w", i+2, err)
		}
		all[i] = w
	}
	return all, nil
}

// parse reads a line: id, title, subject, grades, language, publisher, authors, from, until, agreement, suspended.
func parse(line string) (w Work, err error) {
	f := strings.Split(line, "\t")
	if len(f) != 11 {
		return w, fmt.Errorf("%d columns", len(f))
	}
	w = Work{
		ID: WorkID(f[0]), Title: f[1], Subject: f[2], Language: lang.Code(f[4]), Publisher: f[5],
		Authors: strings.Split(f[6], "; "), Agreement: f[9], Suspended: f[10] == "suspended",
	}
	first, last, isRange := strings.Cut(f[3], "-")
	if !isRange {
		last = first
	}
	from, err := strconv.Atoi(first)
	if err != nil {
		return w, err
	}
	to, err := strconv.Atoi(last)
	if err != nil {
		return w, err
	}
	for g := from; g <= to; g++ {
		w.Grades = append(w.Grades, g)
	}
	if w.Distribution.From, err = civil.Parse(f[7]); err != nil {
		return w, err
	}
	w.Distribution.Until, err = civil.Parse(f[8])
	return w, err
}
