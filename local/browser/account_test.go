package browser

import (
	"net/url"
	"strings"
	"testing"

	"opiq/local/story"
)

// link is the link with a token in the newest letter of a kind.
func (t *tab) link(kind string) string {
	t.T.Helper()
	t.Token(story.Subject(kind)) // waits for it, and knows it as a secret
	for _, l := range t.Mail(story.Subject(kind)).Links {
		if strings.Contains(l, "token=") {
			return l
		}
	}
	t.T.Fatalf("the letter %s has no link", kind)
	return ""
}

// pathOf is an address without the shop's own.
func pathOf(shop, address string) string { return strings.TrimPrefix(address, shop) }

// stepOf is a step of a path.
func stepOf(path string, i int) string {
	path, _, _ = strings.Cut(path, "?")
	return strings.Split(path, "/")[i]
}

// signsUp fills in the form and sends it.
func (t *tab) signsUp() {
	t.T.Helper()
	t.types("signup.first_name", "Mari")
	t.types("signup.last_name", "Maasikas")
	t.types("common.email", t.Email)
	t.types("common.password", t.Password)
	t.ticks("signup.agree")
	t.presses("signup.send")
	t.sees("signup.sent_title")
}

// signsIn fills in the form and sends it. The story goes on in the same session outside of the browser.
func (t *tab) signsIn() {
	t.T.Helper()
	t.at("/signin*")
	t.types("common.email", t.Email)
	t.types("common.password", t.Password)
	t.presses("common.signin")
	t.until(func() string {
		if strings.HasPrefix(t.path(), "/signin") {
			return "still signing in"
		}
		return ""
	})
	t.SignIn()
}

// TestTheFormKeepsWhatWasTyped: whoever forgets something is told at the field, and goes on from there.
func TestTheFormKeepsWhatWasTyped(t *testing.T) {
	s := story.Shared(t)
	b := sits(s.Visitor(t), phone)
	b.goes("/signup")
	b.types("signup.first_name", "Mari")
	b.types("common.email", b.Email)
	b.types("common.password", "short")
	b.presses("signup.send")
	b.sees("common.required")
	if name := b.focused(); name != b.plainly("signup.last_name") {
		t.Errorf("the focus is on %q", name)
	}
	b.types("signup.last_name", "Maasikas")
	b.ticks("signup.agree")
	b.presses("signup.send")
	b.until(func() string { // the API names the field
		if b.focused() != b.plainly("common.password") {
			return "the password is not asked for again"
		}
		return ""
	})
	if b.reads("signup.first_name") != "Mari" || b.reads("common.email") != b.Email {
		t.Error("what was typed is gone")
	}
}

// TestTheTokenOfALetterLeavesTheAddress, and serves once.
func TestTheTokenOfALetterLeavesTheAddress(t *testing.T) {
	s := story.Shared(t)
	p := s.Visitor(t)
	p.SignUp()
	b := sits(p, phone)
	link := b.link("verify")
	b.goes(pathOf(s.URL, link))
	if strings.Contains(b.path(), "token") {
		t.Errorf("the address is %s", b.path())
	}
	b.presses("verify.send")
	b.sees("verify.done_title")
	b.goes(pathOf(s.URL, link))
	b.presses("verify.send")
	b.sees("verify.ask")
}

// TestANewPasswordIsSetByALetter, and the old one opens nothing.
func TestANewPasswordIsSetByALetter(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	b := sits(p, phone)
	b.goes("/signin?next=" + url.QueryEscape("/licenses"))
	b.presses("signin.forgot")
	b.at("/password/forgot*")
	b.types("common.email", p.Email)
	b.presses("forgot.send")
	b.sees("forgot.sent_title")
	b.goes(pathOf(s.URL, b.link("password_reset")))
	old := p.Password
	p.Password = s.Known.Password(story.Keys.Add(1) + 3_000_000)
	b.types("reset.password", p.Password)
	b.presses("reset.send")
	b.sees("reset.done_title")
	b.presses("common.signin")
	b.types("common.email", p.Email)
	b.types("common.password", old)
	b.presses("common.signin")
	b.sees("problems.wrong_credentials")
	b.types("common.password", p.Password)
	b.presses("common.signin")
	b.at("/licenses*") // where they wanted to go at first
}

// TestAnAccountIsChangedAndClosed by its owner: name, offers, password, and the end.
func TestAnAccountIsChangedAndClosed(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	b := sits(p, desk)
	b.brings()
	b.goes("/account")
	b.types("signup.first_name", "Maria")
	b.presses("account.save")
	b.sees("account.saved")
	b.presses("account.offers_start")
	b.sees("account.offers_on")
	b.reload()
	b.sees("account.offers_on")
	if got := b.reads("signup.first_name"); got != "Maria" {
		t.Errorf("the name is %q", got)
	}
	old := p.Password
	p.Password = s.Known.Password(story.Keys.Add(1) + 3_000_000)
	b.types("account.old", old)
	b.types("account.new", p.Password)
	b.presses("account.replace")
	b.sees("account.replaced")
	b.presses("account.close_open")
	b.types("common.password", p.Password)
	b.ticks("account.close_sure")
	b.presses("account.close_send")
	b.sees("account.closed_title")
	p.Want(p.Ask("POST", "/v1/session", map[string]string{"email": p.Email, "password": p.Password}), 401, "wrong_credentials")
}

// TestWhoIsNotSignedInComesBackAfterwards to where they wanted to go, and never to another site.
func TestWhoIsNotSignedInComesBackAfterwards(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	b := sits(p, phone)
	b.goes("/orders")
	b.signsIn()
	b.at("/orders*")
	b.pressesNamed("Mari") // what is hers
	b.presses("common.signout")
	b.at("/")
	b.goes("/signin?next=" + url.QueryEscape("//example.com/library"))
	b.signsIn()
	b.at("/library*")
}

// TestALanguageStaysChosen on every page, and for later.
func TestALanguageStaysChosen(t *testing.T) {
	s := story.Shared(t)
	b := sits(s.Visitor(t), phone)
	b.goes("/")
	b.pressesAt(b.says("layout.languages") + ": " + b.says("layout.in_en"))
	b.presses("layout.in_ru")
	b.Language = "ru"
	b.sees("layout.plans")
	b.presses("layout.plans")
	b.at("/plans*")
	b.goes("/help")
	if got := js[string](b, `document.documentElement.lang`); got != "ru" {
		t.Errorf("later the page is in %s", got)
	}
}
