package reading

import (
	"regexp"
	"time"

	"opiq/shared/catalog"
	"opiq/shared/problem"
	"opiq/shared/typed"
)

// NoteID names a note in its work. The browser that writes it makes it up, so that writing it again is writing it once.
type NoteID string

var noteID = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// ParseNoteID reads a note's name, or ErrNoNote: there is none of a name that no note can have.
func ParseNoteID(s string) (NoteID, error) {
	if !noteID.MatchString(s) {
		return "", ErrNoNote
	}
	return NoteID(s), nil
}

// Note is what somebody wrote at a chapter, for themselves. Revision counts its stored changes.
type Note struct {
	ID        NoteID         `json:"id"`
	Work      catalog.WorkID `json:"work"`
	Chapter   int            `json:"chapter"`
	Paragraph int            `json:"paragraph,omitempty"` // none where it is about the chapter
	Text      string         `json:"text,omitempty"`      // none where it was removed
	CreatedAt time.Time      `json:"createdAt"`
	ChangedAt time.Time      `json:"changedAt"`
	DeletedAt time.Time      `json:"deletedAt,omitzero"` // only that it was there is left
	Revision  int            `json:"revision"`
}

const (
	MaxNotes   = 100  // how many notes stand in a work,
	MaxLetters = 1000 // and how long one is
)

// maxRemoved are how many notes of a work are remembered that were removed of late.
const maxRemoved = 1000

// Left is how long it is kept that a note was there, after it was removed.
const Left = 30 * 24 * time.Hour

// What may be wrong with a note.
var (
	ErrTooManyNotes   = problem.New(problem.Conflict, "too_many_notes", "A work holds 100 notes. Remove one first.")
	ErrTooManyRemoved = problem.New(problem.Conflict, "too_many_removed_notes", "A thousand notes of this work were removed of late. Change one that is there.")
	ErrNoNote         = problem.New(problem.NotFound, "no_such_note", "There is no such note.")
)

// Words are what somebody writes, and where: at a chapter, or at one of its paragraphs.
type Words struct {
	Chapter   int    `json:"chapter"`
	Paragraph int    `json:"paragraph,omitempty"` // from 1; none where they are about the chapter
	Text      string `json:"text"`
}

// Check cleans the text and names every wrong field.
func (w *Words) Check() (wrong []problem.Field) {
	if w.Chapter < 1 {
		wrong = append(wrong, problem.Field{Pointer: "/chapter", Code: "out_of_range", Detail: "A chapter is a whole number from 1."})
	}
	if w.Paragraph < 0 {
		wrong = append(wrong, wrongParagraph)
	}
	w.Text = typed.Lines(w.Text)
	if !typed.Fits(w.Text, 1, MaxLetters) {
		wrong = append(wrong, problem.Field{Pointer: "/text", Code: "length", Detail: "A note has 1 to 1000 characters."})
	}
	return wrong
}

var wrongParagraph = problem.Field{Pointer: "/paragraph", Code: "out_of_range", Detail: "A paragraph is a whole number from 1, up to as many as the chapter has."}

// In wants the words to stand where the chapter has something.
func (w Words) In(c Chapter) error {
	if w.Paragraph > len(c.Paragraphs) {
		return problem.Wrong([]problem.Field{wrongParagraph})
	}
	return nil
}

// Stands tells whether the note is there to be read.
func (n Note) Stands() bool { return !n.CreatedAt.IsZero() && n.DeletedAt.IsZero() }

// Find is the note of a name among those of a work, as it stands or stood, or a new one.
func Find(notes []Note, w catalog.WorkID, id NoteID) Note {
	for _, n := range notes {
		if n.ID == id {
			return n
		}
	}
	return Note{ID: id, Work: w}
}

// Write is the note with other words; those that it has already change nothing. A new one needs room among the notes of the work. Of
// two browsers that write the hundredth at the same moment, both may.
func (n Note) Write(w Words, notes []Note, now time.Time) (_ Note, changed bool, err error) {
	if n.Stands() && n.Chapter == w.Chapter && n.Paragraph == w.Paragraph && n.Text == w.Text {
		return n, false, nil
	}
	if !n.Stands() {
		standing := 0
		for _, o := range notes {
			if o.Stands() {
				standing++
			}
		}
		switch {
		case standing >= MaxNotes:
			return n, false, ErrTooManyNotes
		case n.CreatedAt.IsZero() && len(notes)-standing >= maxRemoved:
			return n, false, ErrTooManyRemoved
		}
		n.CreatedAt, n.DeletedAt = now.UTC(), time.Time{}
	}
	n.Chapter, n.Paragraph, n.Text, n.ChangedAt = w.Chapter, w.Paragraph, w.Text, now.UTC()
	return n, true, nil
}

// Remove takes the note's words away, at once and for good. One that was removed before stays as it is, and one that never was there is
// ErrNoNote.
func (n Note) Remove(now time.Time) (_ Note, changed bool, err error) {
	switch {
	case n.CreatedAt.IsZero():
		return n, false, ErrNoNote
	case !n.Stands():
		return n, false, nil
	}
	n.Text, n.ChangedAt, n.DeletedAt = "", now.UTC(), now.UTC()
	return n, true, nil
}
