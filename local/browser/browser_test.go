// Package browser tells stories about people with a real browser: Chromium without a window, on the pages of the shop, over its real
// processes.
//
// People find things as they read them and as screen readers name them: by the texts of the pages, never by how these are built.
package browser

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"opiq/local/story"
)

// TestMain closes the shop and the browser after the last story.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	quit()
	story.Close()
	os.Exit(code)
}

// quit ends the browser.
var quit = func() {}

// chromium is the one browser of all stories.
var chromium = sync.OnceValues(func() (context.Context, error) {
	if !slices.ContainsFunc([]string{"chromium", "chromium-browser", "google-chrome", "chrome"}, installed) {
		return nil, fmt.Errorf("Chromium is missing: apt-get install chromium, or brew install chromium")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.Flag("enable-automation", false), // its bar takes room
		chromedp.Flag("enable-blink-features", "ComputedAccessibilityInfo"),
		chromedp.Flag("disable-back-forward-cache", true), // what is asked of a page that it keeps is never answered
		chromedp.WSURLReadTimeout(time.Minute))            // the machine may be busy
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	machine, end := chromedp.NewExecAllocator(context.Background(), options...)
	b, stop := chromedp.NewContext(machine)
	quit = func() { stop(); end() }
	return b, chromedp.Run(b)
})

func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// size is a screen.
type size struct {
	name          string
	width, height int64
	touch         bool
}

var (
	phone = size{"phone", 390, 844, true}
	desk  = size{"desk", 1280, 900, false}
)

// tab is a person before a browser. Whatever takes time is waited for; what does not come in time, or what the browser complains of,
// fails the story.
type tab struct {
	*story.Shopper
	browser  context.Context
	own      cdp.BrowserContextID
	size     size
	keyboard bool // no mouse and no touch: the keyboard alone

	mu      sync.Mutex
	wrong   []string // what the browser complained of
	excused []string // parts of complaints that a story expects
}

// sits lets a person sit down before a browser that knows nothing of them, at a screen.
func sits(p *story.Shopper, s size) *tab {
	p.T.Helper()
	b, err := chromium()
	if err != nil {
		p.T.Fatal(err)
	}
	var own cdp.BrowserContextID
	err = chromedp.Run(b, chromedp.ActionFunc(func(c context.Context) (err error) {
		own, err = target.CreateBrowserContext().WithDisposeOnDetach(true).Do(whole(c))
		return err
	}))
	if err != nil {
		p.T.Fatal(err)
	}
	return opened(p, own, s)
}

// another is one more tab of the same browser.
func (t *tab) another() *tab {
	t.T.Helper()
	return opened(t.Shopper, t.own, t.size)
}

// whole is the context for what concerns the browser and no page.
func whole(c context.Context) context.Context {
	return cdp.WithExecutor(c, chromedp.FromContext(c).Browser)
}

func opened(p *story.Shopper, own cdp.BrowserContextID, s size) *tab {
	p.T.Helper()
	b, err := chromium()
	if err != nil {
		p.T.Fatal(err)
	}
	var id target.ID
	err = chromedp.Run(b, chromedp.ActionFunc(func(c context.Context) (err error) {
		id, err = target.CreateTarget("about:blank").WithBrowserContextID(own).WithNewWindow(true).Do(whole(c))
		return err
	}))
	if err != nil {
		p.T.Fatal(err)
	}
	here, close := chromedp.NewContext(b, chromedp.WithTargetID(id))
	p.T.Cleanup(close)
	t := &tab{Shopper: p, browser: here, own: own}
	chromedp.ListenTarget(here, t.listen)
	if err := chromedp.Run(here); err != nil { // its context lives as long as the tab
		p.T.Fatal(err)
	}
	t.do(
		network.Enable(), log.Enable(), runtime.Enable(), page.Enable(),
		network.SetExtraHTTPHeaders(network.Headers{"Accept-Language": p.Language}),
		t.screen(s, "light"),
	)
	p.T.Cleanup(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, w := range t.wrong {
			t.T.Errorf("the browser complains: %s", w)
		}
	})
	return t
}

// screen makes the window of a size, in light or dark colors. Nothing moves.
func (t *tab) screen(s size, scheme string) chromedp.Tasks {
	t.size = s
	return chromedp.Tasks{
		emulation.SetDeviceMetricsOverride(s.width, s.height, 1, s.touch),
		emulation.SetTouchEmulationEnabled(s.touch),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}),
	}
}

// listen notes what the browser complains of: errors of scripts, what the policy of the page forbids, files that are not there. What
// the API refuses is no mistake of the page.
func (t *tab) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		t.complains(e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			var said []string
			for _, a := range e.Args {
				said = append(said, string(a.Value)+a.Description)
			}
			t.complains(strings.Join(said, " "))
		}
	case *log.EventEntryAdded:
		api := e.Entry.Source == log.SourceNetwork && strings.Contains(e.Entry.URL, "/v1/")
		if !api && (e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning) {
			t.complains(e.Entry.Text + " " + e.Entry.URL)
		}
	case *inspector.EventTargetCrashed:
		t.complains("the page crashed")
	case *page.EventJavascriptDialogOpening:
		t.complains("a dialog: " + e.Message)
	}
}

func (t *tab) complains(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.ContainsFunc(t.excused, func(part string) bool { return strings.Contains(what, part) }) {
		t.wrong = append(t.wrong, what)
	}
}

// expects excuses complaints of the browser that hold these words.
func (t *tab) expects(part string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.excused = append(t.excused, part)
}

// do does things in the browser.
func (t *tab) do(actions ...chromedp.Action) {
	t.T.Helper()
	c, cancel := context.WithTimeout(t.browser, patience)
	defer cancel()
	if err := chromedp.Run(c, actions...); err != nil {
		t.T.Fatalf("%v\n%s", err, t.situation())
	}
}

// patience is how long a person waits for what must come.
const patience = 30 * time.Second

// try does things in the browser, once. While one page gives way to another of somebody else, the browser may lose what it was asked: who
// waits for something asks again soon.
func (t *tab) try(actions ...chromedp.Action) error {
	c, cancel := context.WithTimeout(t.browser, 3*time.Second)
	defer cancel()
	return chromedp.Run(c, actions...)
}

// js is what a script of ours answers on the page.
func js[V any](t *tab, script string) (v V) {
	t.T.Helper()
	t.do(chromedp.Evaluate(script, &v))
	return v
}

// situation is where the person is and what they see.
func (t *tab) situation() string {
	var at, text string
	if err := t.try(chromedp.Location(&at), chromedp.Evaluate("document.body.innerText", &text)); err != nil {
		return err.Error()
	}
	return "at " + at + "\n" + strings.TrimSpace(text)
}

// until waits until nothing is missing any more. A page that changes meanwhile is only looked at again.
func (t *tab) until(missing func() string) {
	t.T.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(30 * time.Millisecond) {
		what := missing()
		if what == "" {
			return
		}
		if time.Now().After(end) {
			t.T.Fatalf("%s\n%s", what, t.situation())
		}
	}
}

// goes opens a page of the shop and waits until it is there.
func (t *tab) goes(path string) {
	t.T.Helper()
	t.do(chromedp.Navigate(t.Shop.URL + path))
	t.rests()
}

// rests waits until the page has all that it asked for and shows that nothing is under way.
func (t *tab) rests() {
	t.T.Helper()
	t.until(func() string {
		var ready bool
		err := t.try(chromedp.Evaluate(`document.readyState === "complete" && !document.querySelector("[aria-busy=true], .busy")
			&& !!document.querySelector("main") && ![...document.querySelectorAll("#page")].some((p) => p.children.length === 0 || p.querySelector(".bones"))`, &ready))
		if err != nil {
			return err.Error()
		}
		if !ready {
			return "the page is busy"
		}
		return ""
	})
}

// at waits until the browser is at a path of the shop, which may end in "*".
func (t *tab) at(path string) {
	t.T.Helper()
	t.until(func() string {
		got := t.path()
		if begin, open := strings.CutSuffix(path, "*"); got == path || open && strings.HasPrefix(got, begin) {
			return ""
		}
		return fmt.Sprintf("the browser is at %s, not at %s", got, path)
	})
	t.rests()
}

// path is where the browser is, without the shop's own address.
func (t *tab) path() string {
	t.T.Helper()
	var at string
	if err := t.try(chromedp.Location(&at)); err != nil {
		return err.Error()
	}
	return strings.TrimPrefix(at, t.Shop.URL)
}

// back is the browser's own button. A page that the browser kept comes back without being loaded.
func (t *tab) back() {
	t.T.Helper()
	t.do(chromedp.ActionFunc(func(c context.Context) error {
		at, pages, err := page.GetNavigationHistory().Do(c)
		if err != nil {
			return err
		}
		return page.NavigateToHistoryEntry(pages[at-1].ID).Do(c)
	}))
}

// reload is the browser's own button.
func (t *tab) reload() { t.T.Helper(); t.do(chromedp.Reload()); t.rests() }

// offline takes the network away, or gives it back.
func (t *tab) offline(gone bool) {
	t.T.Helper()
	if gone {
		t.expects("ERR_INTERNET_DISCONNECTED")
	}
	t.do(network.EmulateNetworkConditions(gone, 0, -1, -1))
}

// brings takes the session of somebody who signed in elsewhere into this browser.
func (t *tab) brings() {
	t.T.Helper()
	t.do(chromedp.Navigate(t.Shop.URL + "/robots.txt"))
	for _, c := range t.Browser.Jar.Cookies(t.Home()) {
		t.do(network.SetCookie(c.Name, c.Value).WithURL(t.Shop.URL).WithHTTPOnly(true))
	}
	who := story.Read[struct {
		Account struct {
			ID, FirstName string
			Roles         []string
		}
	}](t.Shopper, t.Ask("GET", "/v1/session", nil), 200).Account
	kept, err := json.Marshal(map[string]any{"id": who.ID, "name": who.FirstName, "roles": append([]string{}, who.Roles...)})
	if err != nil {
		t.T.Fatal(err)
	}
	js[any](t, fmt.Sprintf(`localStorage.setItem("who", %q)`, kept))
}

// first runs a script before those of every page that comes.
func first(script string) chromedp.Action {
	return chromedp.ActionFunc(func(c context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(script).Do(c)
		return err
	})
}
