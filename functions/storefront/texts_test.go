package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"opiq/shared/lang"
)

// every is all texts by section and key.
func every(yield func(key string, text map[lang.Code]text) bool) {
	for _, name := range slices.Sorted(maps.Keys(sections())) {
		for _, key := range slices.Sorted(maps.Keys(sections()[name])) {
			if !yield(name+"."+key, sections()[name][key]) {
				return
			}
		}
	}
}

func TestEveryTextIsThereInEveryLanguage(t *testing.T) {
	for key, text := range every {
		if have := slices.Sorted(maps.Keys(text)); len(have) != len(lang.All) {
			t.Errorf("%s is there in %v", key, have)
		}
		for l, one := range text {
			sentences := slices.Collect(maps.Values(one.forms))
			if one.forms == nil {
				sentences = []string{one.sentence}
			}
			for _, s := range sentences {
				if s == "" || s != strings.TrimSpace(s) {
					t.Errorf("%s in %s is %q", key, l, s)
				}
			}
		}
	}
}

// forms are the plural forms that each language has, by CLDR.
var forms = map[lang.Code][]string{lang.Estonian: {"one", "other"}, lang.English: {"one", "other"}, lang.Russian: {"few", "many", "one", "other"}, lang.Kazakh: {"one", "other"}}

func TestPluralFormsAreThoseOfTheLanguage(t *testing.T) {
	for key, text := range every {
		counted := 0
		for l, one := range text {
			if one.forms == nil {
				continue
			}
			counted++
			if have := slices.Sorted(maps.Keys(one.forms)); !slices.Equal(have, forms[l]) {
				t.Errorf("%s in %s has the forms %v", key, l, have)
			}
		}
		if counted != 0 && counted != len(text) {
			t.Errorf("%s has plural forms in some languages only", key)
		}
	}
}

var marks = regexp.MustCompile(`\{[a-zA-Z]+\}|\]\([a-z]+\)`)

// TestTextsHaveTheSameValuesInEveryLanguage: what is put in, and where links lead. The count may be left out where a form says it
// in words.
func TestTextsHaveTheSameValuesInEveryLanguage(t *testing.T) {
	for key, text := range every {
		if key == "common.month_names" {
			continue
		}
		values := func(sentence string) string {
			all := marks.FindAllString(sentence, -1)
			slices.Sort(all)
			return strings.Join(slices.Compact(all), " ")
		}
		want := values(cmp.Or(text[lang.English].sentence, text[lang.English].forms["other"]))
		for l, one := range text {
			for form, sentence := range one.forms {
				got := values(sentence)
				if got != want && values(sentence+"{n}") != want {
					t.Errorf("%s in %s, %s, has %q, in English %q", key, l, form, got, want)
				}
			}
			if one.forms == nil && values(one.sentence) != want {
				t.Errorf("%s in %s has %q, in English %q", key, l, values(one.sentence), want)
			}
		}
	}
}

// said finds keys of texts, or how they begin, in templates, scripts and the program.
var said = regexp.MustCompile("[\"`]([a-z]+(?:-[a-z]+)*)\\.([a-zA-Z0-9_]*)(?:[\"`]|\\$\\{)")

// mentioned are the keys that a file names, and the beginnings of keys: "problems." is one.
func mentioned(source string) (keys []string) {
	for _, m := range said.FindAllStringSubmatch(source, -1) {
		if sections()[m[1]] != nil && m[2] != "html" { // layout.html is a file
			keys = append(keys, m[1]+"."+m[2])
		}
	}
	return keys
}

// TestNoTextIsMissingAndNoneIsLeftOver: what pages say there is, and what there is somebody says.
func TestNoTextIsMissingAndNoneIsLeftOver(t *testing.T) {
	used := map[string]bool{}
	for key := range every {
		used[key] = false
	}
	here := os.DirFS(".")
	err := fs.WalkDir(here, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") || !slices.Contains([]string{".go", ".js", ".html"}, path.Ext(name)) {
			return err
		}
		source, err := fs.ReadFile(here, name)
		if err != nil {
			return err
		}
		for _, key := range mentioned(string(source)) {
			found := false
			for have := range used {
				if have == key || strings.HasSuffix(key, ".") && strings.HasPrefix(have, key) || strings.HasSuffix(key, "_") && strings.HasPrefix(have, key) {
					used[have], found = true, true
				}
			}
			if !found {
				t.Errorf("%s says %s, and there is no such text", name, key)
			}
		}
		if name, ok := strings.CutPrefix(name, "pages/"); ok && !strings.Contains(string(source), `define "title"`) {
			used[strings.TrimSuffix(name, ".html")+".title"] = true // the layout says it
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range ways { // a problem's page says them
		for _, address := range w {
			used["problem."+strings.ReplaceAll(address[1:], "/", "_")] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(used)) {
		if _, ok := sections()[strings.Split(key, ".")[0]]; ok && !used[key] {
			t.Errorf("nothing says %s", key)
		}
	}
}

var imported = regexp.MustCompile(`from "(\.{1,2}/[a-z./-]+\.js)"`)

// TestAScriptHasTheTextsThatItSays: a page is written with the sections that its script, and what it imports, name. Texts of problems
// are looked for before they are said.
func TestAScriptHasTheTextsThatItSays(t *testing.T) {
	for _, p := range pages {
		first := "pages/" + p.name + ".js"
		if assets()[first] == nil {
			continue
		}
		given := append([]string{"common", "problems", "staff-problems", p.name}, p.sections...)
		done := map[string]bool{}
		for left := []string{first}; len(left) > 0; {
			name := left[0]
			left = left[1:]
			if done[name] {
				continue
			}
			done[name] = true
			source := string(assets()[name])
			if source == "" {
				t.Errorf("%s imports %s, which is not there", p.name, name)
			}
			for _, key := range mentioned(source) {
				if section, _, _ := strings.Cut(key, "."); !slices.Contains(given, section) {
					t.Errorf("%s says %s on the page %s, which has no texts of %s", name, key, p.name, section)
				}
			}
			for _, m := range imported.FindAllStringSubmatch(source, -1) {
				left = append(left, path.Join(path.Dir(name), m[1]))
			}
		}
	}
}

func TestCountsChooseTheForm(t *testing.T) {
	for _, c := range []struct {
		l    lang.Code
		n    int
		want string
	}{
		{"et", 1, "1 õpik"}, {"et", 0, "0 õpikut"}, {"et", 12345, "12\u00a0345 õpikut"},
		{"en", 1, "1 textbook"}, {"en", 2, "2 textbooks"},
		{"ru", 1, "1 учебник"}, {"ru", 3, "3 учебника"}, {"ru", 5, "5 учебников"}, {"ru", 11, "11 учебников"}, {"ru", 21, "21 учебник"},
		{"kk", 1, "1 оқулық"}, {"kk", 7, "7 оқулық"},
	} {
		if got, err := say(c.l, "works.found", "n", c.n); got != c.want || err != nil {
			t.Errorf("%d in %s: %q, %v", c.n, c.l, got, err)
		}
	}
}

func TestALinkedTextIsNoMarkupButItsLinks(t *testing.T) {
	for text, want := range map[string]string{
		"a [b](to) c":        `a <a href="/x?y=1&amp;z=2">b</a> c`,
		"[b](nowhere) <b>&":  "b &lt;b&gt;&amp;",
		`[<i>](to) "q" 'r'`:  fmt.Sprintf(`<a href="/x?y=1&amp;z=2">%s</a> &#34;q&#34; &#39;r&#39;`, "&lt;i&gt;"),
		"no link [at] (all)": "no link [at] (all)",
	} {
		if got := linked(text, []any{"to", "/x?y=1&z=2"}); string(got) != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
