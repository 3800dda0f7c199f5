package browser

import (
	"testing"

	"opiq/local/story"
)

// TestAReaderFindsWhatTheyLeft: a bookmark, a note beside a paragraph, and where they were, also in another browser.
func TestAReaderFindsWhatTheyLeft(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	b := sits(p, phone)
	b.brings()
	b.goes("/works/w001")
	b.presses("work.read")
	b.at("/library/works/w001*")
	b.sees("access.NO_LICENSE")
	p.Buy(12, story.Today(), "lhv")
	b.reload()
	b.presses("contents.begin")
	b.at("/library/works/w001/chapters/1*")
	b.pressesAt(b.says("chapter.after") + ".*") // and its title
	b.at("/library/works/w001/chapters/2*")
	b.presses("marks.bookmark_of", "n", 2)
	b.presses("chapter.add_at", "n", 1)
	b.types("marks.note_here", "Ask about this one", "n", 1)
	b.reload() // what was begun is still there
	if got := b.reads("marks.note_here"); got != "Ask about this one" {
		t.Errorf("of the note there is %q", got)
	}
	b.presses("marks.save")
	b.seesText("Ask about this one")
	s.Rest(t, patience) // the log knows where they were

	elsewhere := sits(p, desk)
	elsewhere.brings()
	elsewhere.goes("/library")
	elsewhere.presses("library.go_on", "n", 2)
	elsewhere.at("/library/works/w001/chapters/2*")
	elsewhere.seesText("Ask about this one")
	elsewhere.presses("marks.remove")
	elsewhere.sees("marks.removed")
	elsewhere.presses("marks.undo")
	elsewhere.seesText("Ask about this one")
	b.goes("/library/works/w001")
	b.seesText("Ask about this one")
	b.presses("contents.go_on", "n", 2)
	b.at("/library/works/w001/chapters/2*")
}
