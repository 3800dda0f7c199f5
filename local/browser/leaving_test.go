package browser

import (
	"net/url"
	"testing"

	"github.com/chromedp/cdproto/network"

	"opiq/local/story"
)

// leaves signs out by the menu at the top.
func (t *tab) leaves() {
	t.T.Helper()
	if !t.has(pressed, "common.signout") { // the menu may be open
		t.pressesNamed("Mari")
	}
	t.presses("common.signout")
}

// TestWhoLeavesLeavesNothingBehind: not by the back button, not in another tab, and not what they typed.
func TestWhoLeavesLeavesNothingBehind(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	p.Buy(12, story.Today(), "seb")
	b := sits(p, desk)
	b.brings()
	b.goes("/account")
	other := b.another()
	other.goes("/library/works/w001/chapters/1")
	other.presses("chapter.add_at", "n", 1)
	other.types("marks.note_here", "For nobody else", "n", 1)
	b.leaves()
	b.at("/")
	b.back()
	b.at("/signin*")
	if b.hasText(p.Email) {
		t.Error("the back button shows the account of who has left")
	}
	other.at("/signin*")
	if kept := js[string](other, `JSON.stringify(sessionStorage)`); kept != "{}" {
		t.Errorf("the other tab keeps %s", kept)
	}
}

// TestAnotherPersonIsShownInEveryTab, and finds nothing of the one before.
func TestAnotherPersonIsShownInEveryTab(t *testing.T) {
	s := story.Shared(t)
	first, second := s.Member(t), s.Member(t)
	b := sits(first, desk)
	b.brings()
	b.goes("/account")
	other := b.another()
	other.goes("/signin")
	other.Shopper = second
	other.signsIn()
	b.seesText(second.Email)
	if b.hasText(first.Email) {
		t.Error("both are shown")
	}
}

// TestWhoCannotBeSignedOutIsToldSo: others may use the computer too.
func TestWhoCannotBeSignedOutIsToldSo(t *testing.T) {
	s := story.Shared(t)
	b := sits(s.Member(t), phone)
	b.brings()
	b.goes("/account")
	b.offline(true)
	b.leaves()
	b.sees("common.still_in")
	b.offline(false)
	b.presses("common.signout")
	b.at("/")
	b.goes("/account")
	b.at("/signin*")
}

// TestALetterIsReadInAnotherLanguage: its link works on.
func TestALetterIsReadInAnotherLanguage(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	b := sits(p, phone)
	b.goes("/password/forgot")
	b.types("common.email", p.Email)
	b.presses("forgot.send")
	b.sees("forgot.sent_title")
	b.goes(pathOf(s.URL, b.link("password_reset")))
	b.pressesAt(b.says("layout.languages") + ": " + b.says("layout.in_"+b.Language))
	b.presses("layout.in_ru")
	b.Language = "ru"
	b.at("/password/reset?lang=ru")
	p.Password = s.Known.Password(story.Keys.Add(1) + 3_000_000)
	b.types("reset.password", p.Password)
	b.presses("reset.send")
	b.sees("reset.done_title")
}

// TestAChapterIsTriedAgain where the network was lost under way.
func TestAChapterIsTriedAgain(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	p.Buy(12, story.Today(), "seb")
	b := sits(p, phone)
	b.brings()
	b.expects("ERR_BLOCKED_BY_CLIENT")
	b.do(network.SetBlockedURLs([]string{"*/v1/library/works/w001/chapters/*"}))
	b.goes("/library/works/w001/chapters/1")
	b.sees("common.offline")
	b.do(network.SetBlockedURLs([]string{}))
	b.presses("common.again")
	b.sees("chapter.notes")
}

// TestAnInvoiceIsAskedForAfterTheSessionHasEnded: its buyer signs in, and is back where its link stands.
func TestAnInvoiceIsAskedForAfterTheSessionHasEnded(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	o := p.Order(12, story.Today())
	p.Invoice(o.Number, nil)
	b := sits(p, phone)
	b.brings()
	page := "/orders/" + o.Number + "/invoice"
	b.goes(page)
	b.do(network.ClearBrowserCookies())
	b.presses("invoice.pdf")
	b.at("/signin?next=" + url.QueryEscape(page))
	b.signsIn()
	b.at(page)
}
