// Package activity is the log of what people did in the library: what was opened, read, looked for and marked, when, and from which
// address on the network (R-114…R-118); and, without a word about who it was, what was looked at in the open catalog. The edge
// keeps what is open to all for some minutes and asks for it anew only where it has changed, so those lines say what was looked at, and not how often.
//
// A line is told through a queue, never in the reader's way: who cannot tell it in a moment counts it as lost and goes on. It holds
// what the log is for and no more: of a note, that it was written and not what it says. Lines are kept for a time and
// then forgotten; the terms name none, so the times are ours.
//
// The package writes nothing and judges nobody. How much was read it counts (Count); what follows from that, account.Tries says.
package activity

import (
	"context"
	"crypto/rand"
	"errors"
	"time"
	"unicode/utf8"

	"opiq/shared/account"
	"opiq/shared/catalog"
)

// What says what was done.
type What string

// What people who are signed in do, and what anybody does.
const (
	WorkOpened      What = "work_opened"
	ChapterRead     What = "chapter_read"
	Searched        What = "searched" // in the library
	FileLinked      What = "file_linked"
	BookmarkSet     What = "bookmark_set"
	BookmarkRemoved What = "bookmark_removed"
	NoteWritten     What = "note_written"
	NoteRemoved     What = "note_removed"
	WorkViewed      What = "work_viewed" // in the open catalog, by anybody,
	CatalogSearched What = "catalog_searched"
)

// The times that lines are kept for: long enough for a school year and the questions after it, and for last season's visitors.
const (
	Kept          = 365 * 24 * time.Hour
	KeptAnonymous = 90 * 24 * time.Hour
)

// rules are what a line of each kind must have and may have, beside its name and its time.
var rules = map[What]struct{ anonymous, work, chapter, query, file, counts bool }{
	WorkOpened:      {work: true},
	ChapterRead:     {work: true, chapter: true, counts: true},
	Searched:        {query: true, counts: true},
	FileLinked:      {work: true, file: true, counts: true},
	BookmarkSet:     {work: true, chapter: true, counts: true},
	BookmarkRemoved: {work: true, chapter: true},
	NoteWritten:     {work: true, chapter: true, counts: true},
	NoteRemoved:     {work: true, chapter: true},
	WorkViewed:      {anonymous: true, work: true},
	CatalogSearched: {anonymous: true},
}

// Line is one line of the log. Of and Seen make them; then the caller says about which work, chapter, words or file.
type Line struct {
	ID      string         `json:"id"` // unique: a line that comes twice is written once
	What    What           `json:"what"`
	Account account.ID     `json:"account,omitempty"`
	Work    catalog.WorkID `json:"work,omitempty"`
	Chapter int            `json:"chapter,omitempty"`
	Query   string         `json:"query,omitempty"` // the words of a search in the library
	File    string         `json:"file,omitempty"`  // the file's name in its work
	At      time.Time      `json:"at"`
	IP      string         `json:"ip,omitempty"`
}

// Of is a line about somebody who is signed in. It is named by the request that they did it with.
func Of(who account.ID, what What, request, ip string, at time.Time) Line {
	return Line{ID: request + "-" + string(what), What: what, Account: who, At: at.UTC(), IP: ip}
}

// Seen is a line about anybody. It is named by chance and knows the hour only: no access log leads from it to an address.
func Seen(what What, at time.Time) Line {
	return Line{ID: rand.Text(), What: what, At: at.UTC().Truncate(time.Hour)}
}

// Anonymous tells whether the line is about nobody in particular.
func (l Line) Anonymous() bool { return rules[l.What].anonymous }

// Counts tells whether the line counts against how much may be read: what takes words or files out of the
// library, or puts a mark into it.
func (l Line) Counts() bool { return rules[l.What].counts }

// Until is when the line is forgotten.
func (l Line) Until() time.Time {
	if l.Anonymous() {
		return l.At.Add(KeptAnonymous)
	}
	return l.At.Add(Kept)
}

const (
	maxName  = 100  // bytes
	maxFile  = 1024 // bytes: as long as S3 lets the name of an object be
	maxWords = 200  // letters, as many as a search may have
)

// Err is what is wrong with a line, or nil. What is wrong is never written: a line of the open catalog that tells who it was least of all.
func (l Line) Err() error {
	r, known := rules[l.What]
	switch {
	case !known:
		return errors.New("activity: nobody does " + string(l.What))
	case l.ID == "" || len(l.ID) > maxName || l.At.IsZero():
		return errors.New("activity: a line has a name and a time")
	case r.anonymous && (l.Account != "" || l.IP != "" || l.Query != "" || l.File != "" || !l.At.Equal(l.At.Truncate(time.Hour))):
		return errors.New("activity: a line about anybody tells who it was")
	case !r.anonymous && l.Account == "":
		return errors.New("activity: the line does not say who it was")
	case r.work != (l.Work != "") || r.chapter != (l.Chapter > 0) || l.Chapter < 0 || r.file != (l.File != "") || !r.query && l.Query != "":
		return errors.New("activity: the line does not say what it is about, or more")
	case len(l.Work) > maxName || len(l.File) > maxFile || len(l.IP) > maxName || utf8.RuneCountInString(l.Query) > maxWords:
		return errors.New("activity: the line is too long")
	}
	return nil
}

// patience is how long somebody who reads waits for a line to be taken.
const patience = 300 * time.Millisecond

// Tell puts a line on the queue, in a moment or not at all: nobody waits for the log, and nobody's reading fails for it. What is lost
// is counted, which is what package metric's Count is for.
func (l Line) Tell(ctx context.Context, queue interface {
	Send(ctx context.Context, message any) error
}, lost func(name, reason, detail string)) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if err := queue.Send(ctx, l); err != nil {
		lost("ActivityLost", string(l.What), err.Error())
	}
}
