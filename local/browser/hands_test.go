package browser

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// What a person can find, by the roles that a screen reader tells.
var (
	pressed = []string{"button", "link", "summary"}
	typed   = []string{"textbox", "searchbox", "spinbutton", "date"}
	ticked  = []string{"checkbox", "radio", "switch"}
	chosen  = []string{"combobox", "listbox"}
)

// thing is something on the page that has a name.
type thing struct {
	Role, Name string
	At         int // among all things that were ever found on the page
}

// found are what is on the page and seen, with the roles and names that the browser tells screen readers.
const found = `(() => {
	const all = (window.things ??= []);
	const own = { SUMMARY: "summary", INPUT: "date" };
	return [...document.querySelectorAll("a, button, summary, input, select, textarea, [role]")].filter((e) => e.checkVisibility({ visibilityProperty: true })).map((e) => {
		if (!all.includes(e)) all.push(e);
		return { role: e.type === "date" || e.tagName === "SUMMARY" ? own[e.tagName] : e.computedRole, name: e.computedName, at: all.indexOf(e) };
	});
})()`

// things are all on the page that have one of these roles, those of the first role first: a form's button before a link of the same name.
func (t *tab) things(roles []string) (all []thing, err error) {
	err = t.try(chromedp.Evaluate(found, &all))
	all = slices.DeleteFunc(all, func(o thing) bool { return !slices.Contains(roles, o.Role) })
	for i := range all {
		all[i].Name = plain(all[i].Name)
	}
	slices.SortStableFunc(all, func(a, b thing) int { return slices.Index(roles, a.Role) - slices.Index(roles, b.Role) })
	return all, err
}

// plain is a text with plain spaces, one at a time.
func plain(s string) string { return strings.Join(strings.Fields(s), " ") }

// finds waits for a thing by an expression of its name, the first of several.
func (t *tab) finds(roles []string, name string) (found thing) {
	t.T.Helper()
	whole := regexp.MustCompile("^" + name + "$")
	t.until(func() string {
		all, err := t.things(roles)
		if err != nil {
			return err.Error()
		}
		if i := slices.IndexFunc(all, func(o thing) bool { return whole.MatchString(o.Name) }); i >= 0 {
			found = all[i]
			return ""
		}
		return fmt.Sprintf("there is no %v %q, but %+v", roles, name, all)
	})
	return found
}

// has tells whether there is a thing now whose name is a text.
func (t *tab) has(roles []string, key string, values ...any) bool {
	t.T.Helper()
	whole := regexp.MustCompile("^" + t.says(key, values...) + "$")
	all, err := t.things(roles)
	if err != nil {
		t.T.Fatal(err)
	}
	return slices.ContainsFunc(all, func(o thing) bool { return whole.MatchString(o.Name) })
}

// asks calls a function of a script on the thing.
func (t *tab) asks(o thing, function string, answer any) error {
	return t.try(chromedp.Evaluate(fmt.Sprintf("(%s).call(window.things[%d])", function, o.At), answer))
}

// presses presses a button, a link or what opens more, by its text.
func (t *tab) presses(key string, values ...any) {
	t.T.Helper()
	t.pressesAt(t.says(key, values...))
}

// pressesNamed presses what a page that is not ours calls so.
func (t *tab) pressesNamed(name string) { t.T.Helper(); t.pressesAt(regexp.QuoteMeta(name)) }

func (t *tab) pressesAt(name string) {
	t.T.Helper()
	o := t.finds(pressed, name)
	if t.keyboard {
		t.reaches(o)
		t.hits(o)
		return
	}
	t.clicks(o)
}

// hits lets a thing be pressed, as the browser does it for a finger or a key.
func (t *tab) hits(o thing) {
	t.T.Helper()
	if err := t.asks(o, `function () { setTimeout(() => this.click()) }`, nil); err != nil {
		t.T.Fatalf("%q: %v\n%s", o.Name, err, t.situation())
	}
}

// clicks presses a thing by its middle, once nothing lies above it.
func (t *tab) clicks(o thing) {
	t.T.Helper()
	t.until(func() string {
		var above string
		err := t.asks(o, `function () {
			this.scrollIntoView({ block: "center", behavior: "instant" });
			const r = this.getClientRects()[0] ?? this.getBoundingClientRect();
			const there = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
			const mine = there && (this.contains(there) || there.contains(this) || [...(this.labels ?? [])].some((l) => l.contains(there)));
			return mine ? "" : there ? there.outerHTML.slice(0, 200) : "nothing";
		}`, &above)
		if err != nil {
			return err.Error()
		}
		if above != "" {
			return fmt.Sprintf("above %q lies %s", o.Name, above)
		}
		return ""
	})
	t.hits(o)
}

// reaches goes on by the Tab key until the thing has the focus, and wants to see it.
func (t *tab) reaches(o thing) {
	t.T.Helper()
	for range 150 {
		var here, seen bool
		if err := t.asks(o, `function () { return document.activeElement === this }`, &here); err != nil {
			t.T.Fatalf("%q: %v\n%s", o.Name, err, t.situation())
		}
		if here {
			err := t.asks(o, `function () {
				const s = getComputedStyle(this), r = this.getBoundingClientRect();
				const bar = [...document.querySelectorAll("body *")].filter((e) => ["sticky", "fixed"].includes(getComputedStyle(e).position) && !e.contains(this));
				const hidden = bar.some((e) => { const b = e.getBoundingClientRect(); return r.top >= b.top && r.bottom <= b.bottom && r.left >= b.left && r.right <= b.right });
				return (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 || s.boxShadow !== "none") && !hidden;
			}`, &seen)
			if err != nil || !seen {
				t.T.Errorf("whoever comes to %q by the keyboard does not see that they are there (%v)", o.Name, err)
			}
			return
		}
		// Of some radio buttons the Tab key comes to one only, and arrows lead on.
		var beside bool
		_ = t.asks(o, `function () { const a = document.activeElement; return this.type === "radio" && a?.type === "radio" && a.name === this.name && a.form === this.form }`, &beside)
		key := kb.Tab
		if beside {
			key = kb.ArrowDown
		}
		t.do(chromedp.KeyEvent(key))
	}
	t.T.Fatalf("nobody comes to %q by the keyboard\n%s", o.Name, t.situation())
}

// types writes into a field instead of what stands there.
func (t *tab) types(key, text string, values ...any) {
	t.T.Helper()
	o := t.finds(typed, t.says(key, values...))
	if o.Role == "date" { // a browser's own field for a day takes no text
		if err := t.asks(o, fmt.Sprintf(`function () { this.value = %q; this.dispatchEvent(new Event("input", { bubbles: true })); this.dispatchEvent(new Event("change", { bubbles: true })) }`, text), nil); err != nil {
			t.T.Fatal(err)
		}
		return
	}
	if t.keyboard {
		t.reaches(o)
	}
	if err := t.asks(o, `function () { this.focus(); this.select() }`, nil); err != nil {
		t.T.Fatal(err)
	}
	if text == "" {
		t.do(chromedp.KeyEvent(kb.Delete))
		return
	}
	t.do(input.InsertText(text))
}

// reads is what stands in a field.
func (t *tab) reads(key string) (value string) {
	t.T.Helper()
	if err := t.asks(t.finds(append(typed, chosen...), t.says(key)), `function () { return this.value }`, &value); err != nil {
		t.T.Fatal(err)
	}
	return value
}

// ticks sets a tick or takes it off, or takes one of several.
func (t *tab) ticks(key string, values ...any) { t.T.Helper(); t.ticksAt(t.says(key, values...)) }

func (t *tab) ticksNamed(name string) { t.T.Helper(); t.ticksAt(regexp.QuoteMeta(name)) }

func (t *tab) ticksAt(name string) {
	t.T.Helper()
	o := t.finds(ticked, name)
	if !t.keyboard {
		t.clicks(o)
		return
	}
	t.reaches(o)
	var taken bool
	if err := t.asks(o, `function () { return this.type === "radio" && this.checked }`, &taken); err != nil {
		t.T.Fatal(err)
	}
	if !taken { // an arrow takes a radio button as it comes there
		t.do(chromedp.KeyEvent(" "))
	}
}

// chooses takes an entry of a list, by its value.
func (t *tab) chooses(key, value string) {
	t.T.Helper()
	o := t.finds(chosen, t.says(key))
	script := fmt.Sprintf(`function () {
		if (![...this.options].some((o) => o.value === %[1]q)) throw new Error("no such entry");
		this.value = %[1]q; this.dispatchEvent(new Event("input", { bubbles: true })); this.dispatchEvent(new Event("change", { bubbles: true }));
	}`, value)
	if err := t.asks(o, script, nil); err != nil {
		t.T.Fatalf("%s: %v", o.Name, err)
	}
}

// sees waits until the page says a text, by its key.
func (t *tab) sees(key string, values ...any) {
	t.T.Helper()
	there := regexp.MustCompile(t.says(key, values...))
	t.until(func() string {
		if there.MatchString(t.text()) {
			return ""
		}
		return fmt.Sprintf("the page does not say %q", there)
	})
}

// text is what the page shows.
func (t *tab) text() string {
	var text string
	if err := t.try(chromedp.Evaluate(`document.body.innerText`, &text)); err != nil {
		return ""
	}
	return plain(text)
}

// seesText waits until the page shows somebody's own words.
func (t *tab) seesText(words string) {
	t.T.Helper()
	t.until(func() string {
		if strings.Contains(t.text(), plain(words)) {
			return ""
		}
		return fmt.Sprintf("the page does not show %q", words)
	})
}

// focused is what has the focus, by its name.
func (t *tab) focused() string {
	t.T.Helper()
	return plain(js[string](t, `document.activeElement?.labels?.[0]?.textContent ?? document.activeElement?.textContent ?? ""`))
}

// hasText tells whether the page shows somebody's own words now.
func (t *tab) hasText(words string) bool { return strings.Contains(t.text(), plain(words)) }

// enter is the key that sends a form.
func enter() chromedp.Action { return chromedp.KeyEvent(kb.Enter) }
