package browser

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"opiq/local/story"
	"opiq/shared/lang"
)

var shots = flag.String("shots", "", "`folder` for pictures of every page, in every language, on a phone and on a desk, light and dark")

// look is a page in one of its states: who looks at it, where, and what they do there before it is as it should be looked at.
type look struct {
	who  func(*world) *story.Shopper // nil is nobody
	path func(*world) string
	does func(*tab)
	lost bool // there is no such page
}

func at(path string) func(*world) string { return func(*world) string { return path } }

func newcomer(w *world) *story.Shopper { return w.newcomer }
func family(w *world) *story.Shopper   { return w.family }
func held(w *world) *story.Shopper     { return w.held }
func finance(w *world) *story.Shopper  { return w.staff["finance"] }
func support(w *world) *story.Shopper  { return w.staff["support"] }
func editor(w *world) *story.Shopper   { return w.staff["editor"] }
func head(w *world) *story.Shopper     { return w.staff["head"] }

func order(situation, rest string) func(*world) string {
	return func(w *world) string { return "/orders/" + w.orders[situation] + rest }
}

// looks are all that there is to see.
var looks = map[string]look{
	"front":           {path: at("/")},
	"front-signed-in": {who: family, path: at("/")},
	"works":           {path: at("/works")},
	"works-found":     {path: at("/works?q=matemaatika&grade=1")},
	"works-nothing":   {path: at("/works?q=olematu")},
	"work":            {path: at("/works/w001")},
	"plans":           {path: at("/plans")},
	"terms-use":       {path: at("/terms/use")},
	"terms-order":     {path: at("/terms/order")},
	"terms-privacy":   {path: at("/terms/privacy")},
	"help":            {path: at("/help")},
	"problem":         {path: at("/problems/order_paid")},
	"works-page":      {path: at("/works?page=2")},
	"missing":         {path: at("/nowhere"), lost: true},

	"signup":         {path: at("/signup")},
	"signup-empty":   {path: at("/signup"), does: func(t *tab) { t.presses("signup.send") }},
	"verify-invalid": {path: at("/signup/verify?token=wrong")},
	"signin":         {path: at("/signin")},
	"signin-wrong": {path: at("/signin"), does: func(t *tab) {
		t.types("common.email", "nobody@example.ee")
		t.types("common.password", "not the one that I meant")
		t.presses("common.signin")
		t.sees("problems.wrong_credentials")
	}},
	"forgot":         {path: at("/password/forgot")},
	"reset-no-token": {path: at("/password/reset")},
	"reset":          {path: at("/password/reset?token=wrong")},
	"account":        {who: family, path: at("/account")},
	"account-held":   {who: held, path: at("/account")},
	"agree":          {who: family, path: at("/account/terms")},

	"checkout":            {who: newcomer, path: at("/checkout")},
	"checkout-of-a-plan":  {who: newcomer, path: at("/checkout?months=6")},
	"checkout-way":        {who: newcomer, path: at("/checkout?months=6&step=2"), does: func(t *tab) { t.presses("checkout.next"); t.sees("common.wrong_fields") }},
	"checkout-school":     {who: newcomer, path: at("/checkout?months=12&step=2"), does: func(t *tab) { t.ticks("pay.invoice"); t.ticks("pay.organization") }},
	"checkout-bank":       {who: newcomer, path: at("/checkout?months=6&way=bank_link+seb&step=3")},
	"checkout-invoice":    {who: newcomer, path: at("/checkout?months=12&way=invoice&step=3"), does: func(t *tab) { t.presses("checkout.order_invoice") }},
	"checkout-stranger":   {path: at("/checkout?months=6&way=card&step=3")},
	"orders":              {who: family, path: at("/orders")},
	"orders-none":         {who: newcomer, path: at("/orders")},
	"order-to-pay":        {who: family, path: order("to_pay", "")},
	"order-waiting":       {who: family, path: order("waiting", "")},
	"order-failed":        {who: family, path: order("failed", "")},
	"order-paid":          {who: family, path: order("paid", "")},
	"order-paid-too-much": {who: family, path: order("paid_too_much", "")},
	"order-cancelled":     {who: family, path: order("cancelled", "")},
	"order-owed-again":    {who: family, path: order("owed_again", "")},
	"order-annulled":      {who: family, path: order("annulled", "")},
	"order-invoiced":      {who: family, path: order("invoiced", "")},
	"order-paid-partly":   {who: family, path: order("paid_partly", "")},
	"order-of-another":    {who: newcomer, path: order("paid", "")},
	"invoice":             {who: family, path: order("invoiced", "/invoice")},
	"invoice-paid-partly": {who: family, path: order("paid_partly", "/invoice")},
	"invoice-none":        {who: family, path: order("to_pay", "/invoice")},

	"licenses":        {who: family, path: at("/licenses")},
	"licenses-none":   {who: newcomer, path: at("/licenses")},
	"library":         {who: family, path: at("/library")},
	"library-none":    {who: newcomer, path: at("/library")},
	"library-search":  {who: family, path: at("/library?q=tasakaal")},
	"chapter-note":    {who: family, path: at("/library/works/w001/chapters/1"), does: func(t *tab) { t.presses("chapter.add_at", "n", 2); t.types("marks.note_here", "…", "n", 2) }},
	"contents":        {who: family, path: at("/library/works/w001")},
	"contents-none":   {who: newcomer, path: at("/library/works/w001")},
	"contents-held":   {who: held, path: at("/library/works/w001")},
	"contents-nowork": {who: family, path: at("/library/works/w999"), lost: true},
	"chapter":         {who: family, path: at("/library/works/w001/chapters/1")},
	"chapter-none":    {who: newcomer, path: at("/library/works/w001/chapters/1")},
	"chapter-nowhere": {who: family, path: at("/library/works/w001/chapters/999")},

	"staff":            {who: head, path: at("/staff")},
	"staff-finance":    {who: finance, path: at("/staff")},
	"staff-support":    {who: support, path: at("/staff")},
	"staff-editor":     {who: editor, path: at("/staff")},
	"staff-nobody":     {who: newcomer, path: at("/staff")},
	"staff-entries":    {who: finance, path: at("/staff/entries")},
	"staff-entry":      {who: finance, path: func(w *world) string { return "/staff/entries/" + w.entry }},
	"staff-orders":     {who: finance, path: at("/staff/orders")},
	"staff-order":      {who: finance, path: func(w *world) string { return "/staff/orders/" + w.orders["paid_too_much"] }},
	"staff-order-back": {who: finance, path: func(w *world) string { return "/staff/orders/" + w.orders["annulled"] }},
	"staff-refunds":    {who: finance, path: at("/staff/refunds")},
	"staff-holds":      {who: support, path: at("/staff/holds")},
	"staff-hold":       {who: support, path: func(w *world) string { return "/staff/holds/" + w.hold }},
	"staff-proposed":   {who: head, path: func(w *world) string { return "/staff/holds/" + w.proposed }},
	"staff-works":      {who: editor, path: at("/staff/works")},
	"staff-work":       {who: editor, path: at("/staff/works/w003")},
	"staff-forbidden":  {who: support, path: at("/staff/refunds")},
}

// looksAt lets the one whose page it is look at it, in a language.
func (l look) looksAt(t *testing.T, w *world, language lang.Code, s size, scheme string) *tab {
	t.Helper()
	var p *story.Shopper
	if l.who != nil {
		p = l.who(w).As(t)
	} else {
		p = w.shop.Visitor(t)
	}
	p.Language = string(language)
	b := sits(p, s)
	if l.who != nil {
		b.brings()
	}
	b.do(b.screen(s, scheme), first(answers))
	if l.lost {
		b.expects("404")
	}
	b.goes(l.path(w))
	if l.does != nil {
		l.does(b)
	}
	return b
}

// TestPages looks at every page: on a phone in Estonian and on a desk in another language.
func TestPages(t *testing.T) {
	s := story.Shared(t)
	w := made(t, s)
	for i, name := range slices.Sorted(maps.Keys(looks)) {
		l := looks[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if *shots != "" {
				l.shoots(t, w, name)
				return
			}
			here := l.looksAt(t, w, lang.Estonian, phone, "light")
			here.good()
			there := l.looksAt(t, w, []lang.Code{lang.English, lang.Russian, lang.Kazakh}[i%3], desk, "dark")
			there.good()
			for _, text := range both(here, there) {
				t.Errorf("%q stands in no catalog of texts: it is the same in two languages", text)
			}
			here.follows(w)
		})
	}
}

// good wants what every page must be.
func (t *tab) good() {
	t.T.Helper()
	for _, v := range t.violations() {
		t.T.Errorf("%s, %s: %s", t.Language, t.size.name, v)
	}
	if n := js[int](t, `document.querySelectorAll("h1").length`); n != 1 {
		t.T.Errorf("the page has %d headings of the first level", n)
	}
	if got := js[string](t, `document.documentElement.lang`); got != t.Language {
		t.T.Errorf("the page is in %q, not in %s", got, t.Language)
	}
	narrow := size{"narrow phone", 320, 640, true}
	was := t.size
	t.do(t.screen(narrow, "light"))
	if wide := js[[]string](t, `document.documentElement.scrollWidth <= 320 ? [] : [document.documentElement.scrollWidth + " px", ...[...document.querySelectorAll("body *")].filter((e) =>
		e.getBoundingClientRect().right > 321 && !e.closest(".scroll, .unseen")).map((e) => e.outerHTML.slice(0, 120)).slice(-3)]`); len(wide) > 0 {
		t.T.Errorf("on a screen of 320 px it is wider: %s", strings.Join(wide, "\n\t"))
	}
	t.do(t.screen(was, "light"))
}

// followed are the addresses that were looked at, by who did.
var followed sync.Map

// follows looks at every address that the page leads to.
func (t *tab) follows(w *world) {
	t.T.Helper()
	for _, address := range js[[]string](t, `[...document.querySelectorAll("a[href]")].map((a) => a.href)`) {
		address, fragment, _ := strings.Cut(address, "#")
		if fragment != "" && address == strings.Split(js[string](t, `location.href`), "#")[0] {
			if !js[bool](t, fmt.Sprintf(`!!document.getElementById(decodeURIComponent(%q))`, fragment)) {
				t.T.Errorf("the page has no place #%s", fragment)
			}
		}
		if !strings.HasPrefix(address, t.Shop.URL+"/") {
			if !strings.HasPrefix(address, "mailto:") && !strings.HasPrefix(address, "tel:") && !strings.HasPrefix(address, "https://") {
				t.T.Errorf("a link leads to %s", address)
			}
			continue
		}
		path, _, _ := strings.Cut(strings.TrimPrefix(address, t.Shop.URL), "?")
		if own, _, _ := strings.Cut(t.path(), "?"); path == own { // another language of this page
			continue
		}
		if _, before := followed.LoadOrStore(t.Email+address, true); before {
			continue
		}
		if a := t.Send("GET", address, nil, "Sec-Fetch-Site", "same-origin"); a.Status != http.StatusOK {
			t.T.Errorf("a link leads to %s, which answers %d", address, a.Status)
		}
	}
}

// shoots takes pictures.
func (l look) shoots(t *testing.T, w *world, name string) {
	for _, language := range lang.All {
		b := l.looksAt(t, w, language, phone, "light")
		for _, s := range []size{phone, desk} {
			for _, scheme := range []string{"light", "dark"} {
				if scheme == "dark" && language != lang.Estonian {
					continue
				}
				b.do(b.screen(s, scheme))
				var picture []byte
				b.do(chromedp.FullScreenshot(&picture, 100))
				file := filepath.Join(*shots, fmt.Sprintf("%s-%s-%s-%s.png", name, s.name, scheme, language))
				if err := os.MkdirAll(*shots, 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, picture, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// TestTheTestsSee: what is looked for on every page is found where it is.
func TestTheTestsSee(t *testing.T) {
	s := story.Shared(t)
	en, et := s.Visitor(t), s.Visitor(t)
	et.Language = "et"
	one, other := sits(et, phone), sits(en, desk)
	for _, b := range []*tab{one, other} {
		b.do(first(answers))
		b.goes("/")
		js[any](b, `const p = document.createElement("p"); p.textContent = "Nobody has translated this"; p.setAttribute("role", "lamp"); document.querySelector("main").append(p); 0`)
	}
	if found := one.violations(); len(found) != 1 || found[0].ID != "aria-roles" {
		t.Errorf("axe finds %v", found)
	}
	if found := both(one, other); !slices.Equal(found, []string{"Nobody has translated this"}) {
		t.Errorf("of texts outside of the catalogs these are found: %q", found)
	}
}
