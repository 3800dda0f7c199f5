package browser

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"opiq/local/story"
	"opiq/shared/seller"
)

// said are all texts that a page shows or says aloud, each by itself: of its elements, and in what screen readers tell of them.
const said = `(() => {
	const all = new Set([document.title]);
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n; (n = walk.nextNode()); ) {
		if (["SCRIPT", "STYLE", "TEMPLATE", "TEXTAREA", "CODE"].includes(n.parentElement.tagName)) continue;
		if (n.parentElement.closest("body [lang]")) continue; // it names its own language: titles, chapters, names of languages
		all.add(n.data.replace(/\s+/g, " ").trim());
	}
	for (const e of document.querySelectorAll("*")) {
		for (const a of ["aria-label", "title", "placeholder", "alt", "aria-description", "aria-roledescription", "aria-valuetext", "label"]) {
			if (e.hasAttribute(a)) all.add(e.getAttribute(a).replace(/\s+/g, " ").trim());
		}
	}
	return [...all];
})()`

// both are the texts that a page shows in two languages alike, though no catalog has them and they are nobody's data: they are
// written somewhere else.
func both(one, other *tab) (found []string) {
	there, data := js[[]string](other, said), one.data()
	for _, text := range js[[]string](one, said) {
		if slices.Contains(there, text) && !same(one, other, text) && letters(without(text, data)) {
			found = append(found, text)
		}
	}
	return found
}

// letters tells whether a text says anything in words; numbers of accounts are none.
func letters(s string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }), func(w string) bool {
		return len([]rune(w)) > 1 && strings.ContainsFunc(w, unicode.IsLower)
	})
}

// same tells whether a catalog has the text alike in both languages.
func same(one, other *tab, text string) bool {
	for _, t := range texts() {
		for _, a := range t[one.Language].all() {
			if a != "" && slices.Contains(t[other.Language].all(), a) && regexp.MustCompile("^"+shape(a)+"( · Opiq)?$").MatchString(text) {
				return true
			}
		}
	}
	return false
}

// without is a text without the data in it, the longest first.
func without(text string, data []string) string {
	for _, d := range data {
		text = strings.ReplaceAll(text, d, "")
	}
	return text
}

// answers keeps what the API answers to the scripts of a page.
const answers = `window.answers = [];
	const ask = window.fetch;
	window.fetch = async (...asked) => {
		const answer = await ask(...asked);
		answers.push(await answer.clone().text());
		return answer;
	}`

// data is all that the page may show of somebody or something: what the API told it, what the catalog tells everybody, and who is there.
func (t *tab) data() []string {
	t.T.Helper()
	all := map[string]bool{"Opiq": true, seller.StarCloud.Name: true, seller.StarCloud.Email: true, t.Email: true}
	for _, answer := range append(js[[]string](t, `window.answers`), catalogs(t)...) {
		collect([]byte(answer), all)
	}
	if who := t.Ask("GET", "/v1/session", nil); who.Status == 200 { // the menu remembers their name
		collect(who.Body, all)
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b string) int { return len(b) - len(a) })
}

// catalogs is what the catalog tells everybody.
func catalogs(t *tab) (all []string) {
	for next := ""; ; {
		a := t.Ask("GET", "/v1/catalog/works?limit=100&cursor="+url.QueryEscape(next), nil)
		all = append(all, string(a.Body))
		page := story.Read[struct{ Next *string }](t.Shopper, a, 200)
		if page.Next == nil {
			return all
		}
		next = *page.Next
	}
}

// collect takes every string of a document.
func collect(document []byte, all map[string]bool) {
	var v any
	if json.Unmarshal(document, &v) != nil {
		return
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			if len(v) > 1 {
				all[plain(v)] = true
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		case map[string]any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(v)
}
