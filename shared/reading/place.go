package reading

import (
	"cmp"
	"slices"
	"time"

	"opiq/shared/catalog"
	"opiq/shared/problem"
)

// Place is what is kept of somebody's reading in a work: the chapter that they read last, and their bookmarks. It is theirs, and stays
// theirs when no license opens the work any more. Revision counts its stored changes.
type Place struct {
	Work      catalog.WorkID `json:"work"`
	Chapter   int            `json:"chapter,omitempty"` // read last; none where there are bookmarks only
	At        time.Time      `json:"at,omitzero"`
	Bookmarks []Bookmark     `json:"bookmarks,omitempty"` // by their chapters
	Revision  int            `json:"revision"`
}

// Bookmark is a chapter that somebody wants to find again.
type Bookmark struct {
	Chapter int       `json:"chapter"`
	At      time.Time `json:"at"` // when it was set
}

// ErrNoBookmark answers who asks for a bookmark that is not there.
var ErrNoBookmark = problem.New(problem.NotFound, "no_such_bookmark", "There is no bookmark at this chapter.")

// Read is the place after a chapter was read at an instant. What was read before the latest moves nothing, in whatever order it is
// heard of; changed tells whether the place is another now.
func (p Place) Read(chapter int, at time.Time) (_ Place, changed bool) {
	if cmp.Or(at.Compare(p.At), cmp.Compare(chapter, p.Chapter)) <= 0 {
		return p, false
	}
	p.Chapter, p.At = chapter, at.UTC()
	return p, true
}

// Mark is the place with a bookmark at a chapter. One that stands there already stays as it is.
func (p Place) Mark(chapter int, at time.Time) (_ Place, changed bool) {
	i, there := p.bookmark(chapter)
	if there {
		return p, false
	}
	p.Bookmarks = slices.Insert(slices.Clone(p.Bookmarks), i, Bookmark{chapter, at.UTC()})
	return p, true
}

// Unmark is the place without the bookmark at a chapter, or ErrNoBookmark.
func (p Place) Unmark(chapter int) (_ Place, changed bool, err error) {
	i, there := p.bookmark(chapter)
	if !there {
		return p, false, ErrNoBookmark
	}
	p.Bookmarks = slices.Delete(slices.Clone(p.Bookmarks), i, i+1)
	return p, true, nil
}

// Bookmark is the bookmark at a chapter, or ErrNoBookmark.
func (p Place) Bookmark(chapter int) (Bookmark, error) {
	i, there := p.bookmark(chapter)
	if !there {
		return Bookmark{}, ErrNoBookmark
	}
	return p.Bookmarks[i], nil
}

func (p Place) bookmark(chapter int) (int, bool) {
	return slices.BinarySearchFunc(p.Bookmarks, chapter, func(b Bookmark, c int) int { return cmp.Compare(b.Chapter, c) })
}
