package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"opiq/local/run"
)

// sentence is a text in one language: a string, or its forms by count.
type sentence struct {
	one   string
	forms map[string]string
}

func (s *sentence) UnmarshalJSON(b []byte) error {
	if b[0] == '{' {
		return json.Unmarshal(b, &s.forms)
	}
	return json.Unmarshal(b, &s.one)
}

// all are the ways in which the text can be said.
func (s sentence) all() []string {
	all := []string{s.one}
	for _, f := range s.forms {
		all = append(all, f)
	}
	return all
}

// texts are all texts of the pages, by section and key ("common.signin") and by language.
var texts = sync.OnceValue(func() map[string]map[string]sentence {
	root, err := run.Root()
	if err != nil {
		panic(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "functions/storefront/texts/*.json"))
	if err != nil {
		panic(err)
	}
	all := map[string]map[string]sentence{}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			panic(err)
		}
		var section map[string]map[string]sentence
		if err := json.Unmarshal(b, &section); err != nil {
			panic(fmt.Errorf("%s: %w", name, err))
		}
		for key, t := range section {
			all[strings.TrimSuffix(filepath.Base(name), ".json")+"."+key] = t
		}
	}
	return all
})

var (
	marked = regexp.MustCompile(`\[([^\]]+)\]\([a-z]+\)`)
	value  = regexp.MustCompile(`\\\{[a-zA-Z]+\\\}`)
)

// shape is what a text looks like on a page: with its links as their words, which may be followed by a word about where they lead, and
// with any values where it has values.
func shape(text string) string {
	quoted := regexp.QuoteMeta(plain(marked.ReplaceAllString(text, "$1\x00")))
	return value.ReplaceAllString(strings.ReplaceAll(quoted, "\x00", `(?: \(.*\))?`), ".*")
}

// says is a text in the person's language, as an expression that finds it; values that are given by name stand in it as they are. Of a
// text that counts, any form will do.
func (t *tab) says(key string, values ...any) string {
	t.T.Helper()
	s, ok := texts()[key][t.Language]
	if !ok {
		t.T.Fatalf("there is no text %s in %s", key, t.Language)
	}
	var forms []string
	for _, form := range s.all() {
		for i := 0; i+1 < len(values); i += 2 {
			form = strings.ReplaceAll(form, "{"+fmt.Sprint(values[i])+"}", fmt.Sprint(values[i+1]))
		}
		if form != "" {
			forms = append(forms, shape(form))
		}
	}
	return "(?:" + strings.Join(forms, "|") + ")"
}

// plainly is a text without values, as it stands.
func (t *tab) plainly(key string) string {
	t.T.Helper()
	return plain(texts()[key][t.Language].one)
}
