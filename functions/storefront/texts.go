package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"opiq/shared/lang"
)

//go:embed texts
var catalogs embed.FS

// text is one text of the pages: a sentence, or its forms by CLDR's plural category of the value "n".
type text struct {
	sentence string
	forms    map[string]string
}

func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		return json.Unmarshal(b, &t.forms)
	}
	return json.Unmarshal(b, &t.sentence)
}

// MarshalJSON is the text as scripts read it.
func (t text) MarshalJSON() ([]byte, error) {
	if t.forms != nil {
		return json.Marshal(t.forms)
	}
	return json.Marshal(t.sentence)
}

// section is one file of texts, by key and language.
type section map[string]map[lang.Code]text

// sections are all texts, by the name of their file.
var sections = sync.OnceValue(func() map[string]section {
	all := map[string]section{}
	files, err := catalogs.ReadDir("texts")
	if err != nil {
		panic(err) // they are part of the program
	}
	for _, f := range files {
		var s section
		b, err := catalogs.ReadFile("texts/" + f.Name())
		if err == nil {
			err = json.Unmarshal(b, &s)
		}
		if err != nil {
			panic(fmt.Errorf("texts/%s: %w", f.Name(), err))
		}
		all[strings.TrimSuffix(f.Name(), path.Ext(f.Name()))] = s
	}
	return all
})

// say is a text in a language: "works.title" is the key title of texts/works.json. Values follow by name and value; "n" chooses the
// plural. A text that is not there is an error: a page says nothing rather than a key.
func say(l lang.Code, key string, values ...any) (string, error) {
	name, inner, _ := strings.Cut(key, ".")
	t, ok := sections()[name][inner][l]
	if !ok {
		return "", fmt.Errorf("texts/%s.json has no %q in %s", name, inner, l)
	}
	sentence, printer := t.sentence, message.NewPrinter(language.Make(string(l)))
	for i := 0; i+1 < len(values); i += 2 {
		name, value := fmt.Sprint(values[i]), values[i+1]
		written := fmt.Sprint(value)
		if n, ok := value.(int); ok {
			written = printer.Sprint(n)
			if name == "n" && t.forms != nil {
				sentence = t.forms[category(l, n)]
			}
		}
		sentence = strings.ReplaceAll(sentence, "{"+name+"}", written)
	}
	return sentence, nil
}

// category is CLDR's plural category of a count.
func category(l lang.Code, n int) string {
	return map[plural.Form]string{plural.One: "one", plural.Few: "few", plural.Many: "many", plural.Other: "other"}[plural.Cardinal.MatchPlural(language.Make(string(l)), n, 0, 0, 0, 0)]
}

// spoken are the texts of some sections by their keys.
func spoken(l lang.Code, names []string) map[string]text {
	all := map[string]text{}
	for _, name := range names {
		for key, t := range sections()[name] {
			all[name+"."+key] = t[l]
		}
	}
	return all
}

var link = regexp.MustCompile(`\[([^\]]+)\]\(([a-z]+)\)`)

// linked is a text as HTML, with its links. Nothing in it is markup but these.
func linked(text string, targets []any) template.HTML {
	return template.HTML(link.ReplaceAllStringFunc(html.EscapeString(text), func(found string) string {
		m := link.FindStringSubmatch(found)
		i := slices.Index(targets, any(m[2]))
		if i < 0 || i+1 >= len(targets) {
			return m[1]
		}
		return fmt.Sprintf(`<a href="%s">%s</a>`, html.EscapeString(fmt.Sprint(targets[i+1])), m[1])
	}))
}
