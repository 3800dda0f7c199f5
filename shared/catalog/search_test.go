package catalog

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"opiq/shared/lang"
	"opiq/shared/problem"
)

func search(t *testing.T, q Query) Page {
	t.Helper()
	p, err := Shelf{}.Search(q, today)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func titles(p Page) (out []string) {
	for _, w := range p.Works {
		out = append(out, w.Title)
	}
	return out
}

func TestAWorkIsFoundHoweverItIsTyped(t *testing.T) {
	for title, typed := range map[string][]string{
		"Sõnapuu. Eesti keel 3. klassile":              {"sõnapuu 3", "SÕNAPUU 3", "sonapuu 3", "so\u0303napuu 3", "  õunamägi,  sõnapuu 3 ", "ounamagi sonapuu 3"},
		"Jõud ja valgus. Füüsika 8. klassile":          {"fuusika joud 8", "физика jõud 8", "physics joud 8"},
		"Всё живое. Биология, 7 класс":                 {"все живое 7", "ВСЁ ЖИВОЕ 7", "озерин всё живое 7", "biology ЖИВОЕ 7"},
		"Звонкая нотка. Музыка, 1 класс":               {"звонкая 1", "muusika нотка 1", "тихолугов 1"},
		"Сөз бұлағы. Қазақ тілі мен әдебиеті, 5-сынып": {"қазақ тілі 5", "казак тили 5", "КАЗАК ТІЛІ 5", "соз булагы 5", "отегенкызы 5", "адебиети 5"},
		"Заттар құпиясы. Химия, 8-сынып":               {"купия 8", "халыкова 8", "keemia мөлдір 8"},
		"Ұлы дала ізімен. Қазақстан тарихы, 6-сынып":   {"улы дала изимен 6", "казакстан тарихы 6", "history казакстан 6"},
		"Тіршілік әлемі. Биология, 7-сынып":            {"тиршилик алеми 7", "тогаибеккызы 7", "тоғайбекқызы бұлақ тірші 7"},
	} {
		for _, text := range typed {
			if got := titles(search(t, Query{Text: text})); !slices.Equal(got, []string{title}) {
				t.Errorf("%q finds %q, want %q", text, got, title)
			}
		}
	}
}

func TestEveryWordMustBeginAWord(t *testing.T) {
	if got := search(t, Query{Text: "matemaatika kunst"}); got.Total != 0 || got.Works == nil || got.Next != nil {
		t.Errorf("two subjects at once: %+v", got)
	}
	if got := search(t, Query{Text: "temaatika"}); got.Total != 0 {
		t.Errorf("the middle of a word finds %d works", got.Total)
	}
	if got, all := search(t, Query{Text: " … "}), search(t, Query{}); got.Total != all.Total {
		t.Errorf("no word at all finds %d works of %d", got.Total, all.Total)
	}
}

func TestOnlyWhatIsOfferedIsListed(t *testing.T) {
	p := search(t, Query{Limit: "100"})
	if p.Total != 290 {
		t.Errorf("%d works are offered", p.Total)
	}
	for _, text := range []string{"vanaaja lood", "füüsikakatsed köögis"} {
		if got := search(t, Query{Text: text}); got.Total != 0 {
			t.Errorf("%q finds %q", text, titles(got))
		}
	}
	first := works()[0].Distribution.From
	for _, w := range works() {
		if w.Distribution.From.Before(first) {
			first = w.Distribution.From
		}
	}
	if got, err := (Shelf{}).Search(Query{}, first.AddDays(-1)); err != nil || got.Total != 0 {
		t.Errorf("before the first publication: %d works (%v)", got.Total, err)
	}
}

func TestFacetsTellWhatAnotherChoiceWouldFind(t *testing.T) {
	q := Query{Text: "matem", Grade: "5", Language: "et"}
	p := search(t, q)
	for _, c := range p.Facets.Grade {
		other := q
		other.Grade = strconv.Itoa(c.Value)
		if got := search(t, other).Total; got != c.Count {
			t.Errorf("grade %d: the facet says %d, the search finds %d", c.Value, c.Count, got)
		}
	}
	for _, c := range p.Facets.Language {
		other := q
		other.Language = string(c.Value)
		if got := search(t, other).Total; got != c.Count {
			t.Errorf("language %s: the facet says %d, the search finds %d", c.Value, c.Count, got)
		}
	}
	want := []Count[lang.Code]{{"en", 1}, {"et", 3}, {"kk", 1}, {"ru", 1}}
	if diff := cmp.Diff(want, p.Facets.Language); diff != "" {
		t.Error(diff)
	}
}

// What a person may choose: mostly real values, so that the filters meet.
func anyQuery(t *rapid.T) Query {
	return Query{
		Text:      rapid.SampledFrom([]string{"", "", "matem", "klass", "4", "история", "қазақ"}).Draw(t, "text"),
		Subject:   rapid.SampledFrom([]string{"", "", "mathematics", "history", "art"}).Draw(t, "subject"),
		Grade:     rapid.SampledFrom([]string{"", "", "1", "5", "12"}).Draw(t, "grade"),
		Language:  rapid.SampledFrom([]string{"", "", "et", "en", "ru", "kk"}).Draw(t, "language"),
		Publisher: rapid.SampledFrom([]string{"", "", "Sinisild", "Жасыл Бұлақ"}).Draw(t, "publisher"),
	}
}

func TestPagesJoinToTheWholeAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := anyQuery(t)
		q.Limit = strconv.Itoa(rapid.IntRange(1, 100).Draw(t, "limit"))
		var got []WorkID
		for {
			p, err := Shelf{}.Search(q, today)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range p.Works {
				got = append(got, w.ID)
			}
			if p.Next == nil {
				if len(got) != p.Total || !slices.IsSorted(got) || len(slices.Compact(got)) != p.Total {
					t.Fatalf("the pages hold %v, the total is %d", got, p.Total)
				}
				return
			}
			q.Cursor = *p.Next
		}
	})
}

func TestEveryFacetKeepsItsWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := anyQuery(t)
		p, err := Shelf{}.Search(q, today)
		if err != nil {
			t.Fatal(err)
		}
		check := func(name, value string, count int, q Query) {
			if got, err := (Shelf{}).Search(q, today); err != nil || got.Total != count {
				t.Fatalf("%s %s: the facet says %d, the search finds %d (%v)", name, value, count, got.Total, err)
			}
		}
		for _, c := range p.Facets.Subject {
			other := q
			other.Subject = c.Value
			check("subject", c.Value, c.Count, other)
		}
		for _, c := range p.Facets.Grade {
			other := q
			other.Grade = strconv.Itoa(c.Value)
			check("grade", other.Grade, c.Count, other)
		}
		for _, c := range p.Facets.Language {
			other := q
			other.Language = string(c.Value)
			check("language", other.Language, c.Count, other)
		}
		for _, c := range p.Facets.Publisher {
			other := q
			other.Publisher = c.Value
			check("publisher", c.Value, c.Count, other)
		}
	})
}

func TestEveryWrongParameterIsNamed(t *testing.T) {
	for want, q := range map[string]Query{
		"/q":                              {Text: strings.Repeat("õ", 201)},
		"/subject":                        {Subject: "alchemy"},
		"/grade":                          {Grade: "0"},
		"/language":                       {Language: "fi"},
		"/cursor":                         {Cursor: "not a cursor"},
		"/limit":                          {Limit: "101"},
		"/q /subject /grade":              {Text: strings.Repeat("a ", 101), Subject: "Mathematics", Grade: "five"},
		"/grade /language /cursor /limit": {Grade: "13", Language: "ET", Cursor: cursor("w999"), Limit: "0"},
		"/grade /cursor":                  {Grade: "1.5", Cursor: "AA"},
		"/grade /limit":                   {Grade: "-1", Limit: "99999999999999999999"},
	} {
		_, err := Shelf{}.Search(q, today)
		p, ok := errors.AsType[*problem.Error](err)
		if !ok || p.Class != problem.Invalid {
			t.Errorf("%s: %v", want, err)
			continue
		}
		var got []string
		for _, f := range p.Fields {
			got = append(got, f.Pointer)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
}

func TestTheEdgesOfWhatMayBeAsked(t *testing.T) {
	for name, q := range map[string]Query{
		"text of 200 letters":   {Text: strings.Repeat("õ", 200)},
		"grade 1, one work":     {Grade: "1", Limit: "1"},
		"grade 12, 100 works":   {Grade: "12", Limit: "100"},
		"after the last work":   {Cursor: cursor("w300")},
		"after a withdrawn one": {Cursor: cursor("w215")},
		"an unknown publisher":  {Publisher: "Nobody"},
	} {
		if _, err := (Shelf{}).Search(q, today); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(search(t, Query{}).Works); n != defaultLimit {
		t.Errorf("a page holds %d works where nothing is asked", n)
	}
}

func TestSearchSurvivesAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := Query{rapid.String().Draw(t, "text"), rapid.String().Draw(t, "subject"), rapid.String().Draw(t, "grade"), rapid.String().Draw(t, "language"),
			rapid.String().Draw(t, "publisher"), rapid.String().Draw(t, "cursor"), rapid.String().Draw(t, "limit")}
		if _, err := (Shelf{}).Search(q, today); err != nil && !errors.Is(err, &problem.Error{Class: problem.Invalid, Code: "invalid"}) {
			t.Fatal(err)
		}
	})
}

// What a new process pays at its first search.
func BenchmarkFirstSearch(b *testing.B) {
	for b.Loop() {
		all, err := read(file)
		if err != nil {
			b.Fatal(err)
		}
		indexed(all)
	}
}

func BenchmarkSearch(b *testing.B) {
	for name, q := range map[string]Query{"everything": {}, "words": {Text: "қазақ тілі"}, "filters": {Text: "matem", Grade: "5", Language: "et"}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (Shelf{}).Search(q, today); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
