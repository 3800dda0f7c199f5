package reading

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"opiq/shared/catalog"
	"opiq/shared/fold"
	"opiq/shared/hold"
	"opiq/shared/lang"
	"opiq/shared/problem"
)

func search(t testing.TB, q Query) Found {
	t.Helper()
	f, err := Search(q, catalog.Shelf{}, today)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// shown is a snippet with what was looked for in brackets.
func shown(parts []Part) (text string) {
	for _, p := range parts {
		if p.Hit {
			p.Text = "[" + p.Text + "]"
		}
		text += p.Text
	}
	return text
}

func TestAChapterIsFoundInEveryLanguageHoweverItIsTyped(t *testing.T) {
	for typed, want := range map[string]struct {
		language lang.Code
		snippet  string
	}{
		"fence POSTS":      {lang.English, "Look out of the window: [fence] [posts] stand equally far apart, and the steps of a staircase are all the same height. Numbers have patterns too. The numbers 2, 4…"},
		"bala\u0301nc":     {lang.English, "…not know yet. An equation is like a [balanced] scale: do the same to both sides and it stays [balanced]. Subtract 7 from both sides and you get x = 5…"},
		"vorrand kaal":     {lang.Estonian, "[Võrrand] on nagu [kaal], mis"},
		"VÕRRAND kaal":     {lang.Estonian, "[Võrrand] on nagu [kaal], mis"},
		"посмотри в ОКНО":  {lang.Russian, "[Посмотри] [в] [окно]: столбики"},
		"перескажи ее":     {lang.Russian, "[перескажи] [её]"},
		"казак хандыгы":    {lang.Kazakh, "[Қазақ] [хандығы]"},
		"Терезеден қара":   {lang.Kazakh, "[Терезеден] [қара]"},
		"терезеден кара":   {lang.Kazakh, "[Терезеден] [қара]"},
		"nothing likethis": {lang.English, ""},
	} {
		f := search(t, Query{Text: typed, Language: string(want.language)})
		if (f.Total == 0) != (want.snippet == "") || f.Total < len(f.Chapters) || f.Chapters == nil {
			t.Errorf("%q finds %d chapters", typed, f.Total)
		}
		for i, h := range f.Chapters {
			if got := shown(h.Snippet); i == 0 && !strings.Contains(got, want.snippet) {
				t.Errorf("%q finds %q", typed, got)
			}
			if h.Work.Language != want.language {
				t.Errorf("%q finds %q in %s", typed, h.Title, h.Work.Language)
			}
		}
	}
}

func TestEveryWordMustBeginAWord(t *testing.T) {
	for _, nothing := range []string{"window volcanic", "indow", "terns everywhere"} {
		if got := search(t, Query{Text: nothing}); got.Total != 0 {
			t.Errorf("%q finds %q", nothing, got.Chapters[0].Title)
		}
	}
}

// What has the words in its title stands before what only speaks of them.
func TestTitlesComeFirst(t *testing.T) {
	titled, others := 0, 0
	q := Query{Text: "half", Limit: "100"}
	for {
		f := search(t, q)
		for _, h := range f.Chapters {
			switch in := strings.Contains(fold.Text(h.Title), " half"); {
			case in && others > 0:
				t.Errorf("%q comes late", h.Title)
			case in:
				titled++
			default:
				others++
			}
		}
		if f.Next == nil {
			break
		}
		q.After = *f.Next
	}
	if titled == 0 || others == 0 {
		t.Errorf("%d in titles, %d elsewhere: another word shows more", titled, others)
	}
}

func TestAWorkIsFoundByItsName(t *testing.T) {
	f := search(t, Query{Text: "numbrirada 1 klassile"})
	if f.Total == 0 || f.Chapters[0].Work.ID != "w001" || f.Chapters[0].Number != 1 {
		t.Errorf("%+v", f)
	}
}

// What may not be opened is not found: withdrawn, suspended, and not published yet.
func TestOnlyWhatIsOfferedIsFound(t *testing.T) {
	q := Query{Text: "numbrirada 1 klassile"}
	w, err := catalog.Shelf{}.Find("w001", today)
	if err != nil {
		t.Fatal(err)
	}
	before := search(t, q).Total
	withdrawn, ahead := w.Distribution, w.Distribution
	withdrawn.Until, ahead.From = today.AddDays(-1), today.AddDays(1)
	for name, c := range map[string]catalog.Change{
		"suspended": {Holds: hold.Set{{On: hold.On(hold.OnWork, w.ID)}}}, "withdrawn": {Distribution: &withdrawn}, "ahead": {Distribution: &ahead},
	} {
		f, err := Search(q, catalog.Shelf{Changes: map[catalog.WorkID]catalog.Change{w.ID: c}}, today)
		if err != nil || f.Total != before-1 || slices.ContainsFunc(f.Chapters, func(h Hit) bool { return h.Work.ID == w.ID }) {
			t.Errorf("%s: %d of %d are found (%v)", name, f.Total, before, err)
		}
	}
}

// anySearch is what a person may look for: words of the texts, begun.
func anySearch(t *rapid.T) string {
	word := rapid.SampledFrom([]string{"a", "the", "number", "вода", "су", "vee", "ja", "и", "x", "5", "қазақ", "half", "võrr"})
	return strings.Join(rapid.SliceOfN(word, 1, 3).Draw(t, "words"), " ")
}

func TestPagesJoinToTheWholeAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := Query{Text: anySearch(t), Language: rapid.SampledFrom([]string{"", "et", "ru"}).Draw(t, "language")}
		q.Limit = fmt.Sprint(rapid.IntRange(20, 100).Draw(t, "limit"))
		seen, total := map[string]bool{}, 0
		for {
			f, err := Search(q, catalog.Shelf{}, today)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range f.Chapters {
				seen[fmt.Sprint(h.Work.ID, h.Number)] = true
				total++
			}
			if f.Next == nil {
				if total != f.Total || len(seen) != total {
					t.Fatalf("the pages hold %d, %d of them different; the total is %d", total, len(seen), f.Total)
				}
				return
			}
			q.After = *f.Next
		}
	})
}

func TestAPageGoesOnWhereTheLastOneEndedThoughItsWorkWasTakenAway(t *testing.T) {
	q := Query{Text: "number", Limit: "5"}
	first := search(t, q)
	last, whole := first.Chapters[4], search(t, Query{Text: "number", Limit: "100"})
	after := whole.Chapters[5:]
	q.After = *first.Next
	after = slices.DeleteFunc(after, func(h Hit) bool { return h.Work.ID == last.Work.ID })
	f, err := Search(q, catalog.Shelf{Changes: map[catalog.WorkID]catalog.Change{last.Work.ID: {Holds: hold.Set{{}}}}}, today)
	if err != nil || f.Chapters[0].Work.ID != after[0].Work.ID || f.Chapters[0].Number != after[0].Number {
		t.Errorf("%+v (%v), want %+v", f.Chapters, err, after[0])
	}
}

// A snippet is a part of its chapter, and marks words that begin as those that were looked for.
func TestASnippetIsWhatTheChapterSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := anySearch(t)
		terms := fold.Terms(text)
		f, err := Search(Query{Text: text}, catalog.Shelf{}, today)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range f.Chapters {
			c, err := Read(h.Work, h.Number)
			if err != nil {
				t.Fatal(err)
			}
			said, marked := "", 0
			for _, p := range h.Snippet {
				said += p.Text
				if p.Hit {
					marked++
				}
				if words := fold.Words(p.Text); p.Hit && (len(words) != 1 || !words[0].Begins(terms)) {
					t.Fatalf("%q is marked", p.Text)
				}
			}
			whole := strings.Join(c.Paragraphs, "\n")
			if !strings.Contains(whole, strings.Trim(said, "…")) || len(fold.Words(said)) > most {
				t.Fatalf("%q is not in %q", said, whole)
			}
			if elsewhere := strings.Contains(fold.Text(h.Title), terms[0]); marked == 0 && !elsewhere {
				t.Fatalf("nothing is marked in %q", said)
			}
		}
	})
}

func TestEveryWrongParameterOfASearchIsNamed(t *testing.T) {
	other := *search(t, Query{Text: "number", Limit: "1"}).Next
	for want, q := range map[string]Query{
		"/q":                         {},
		"/q ":                        {Text: " … "},
		"/q  ":                       {Text: strings.Repeat("õ", 201)},
		"/q /language":               {Text: strings.Repeat("a ", 101), Language: "fi"},
		"/language /limit":           {Text: "a", Language: "ET", Limit: "101"},
		"/after":                     {Text: "a", After: "?"},
		"/after ":                    {Text: "қазақ", After: other},
		"/q /language /after /limit": {Language: "x", After: "?", Limit: "0"},
	} {
		_, err := Search(q, catalog.Shelf{}, today)
		p, ok := errors.AsType[*problem.Error](err)
		if !ok || p.Class != problem.Invalid {
			t.Errorf("%s: %v", want, err)
			continue
		}
		var got []string
		for _, f := range p.Fields {
			got = append(got, f.Pointer)
		}
		if strings.Join(got, " ") != strings.TrimSpace(want) {
			t.Errorf("got %v, want %s", got, want)
		}
	}
	if _, err := Search(Query{Text: strings.Repeat("õ", 200)}, catalog.Shelf{}, today); err != nil {
		t.Errorf("200 letters: %v", err)
	}
}

func TestSearchSurvivesAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := Query{rapid.String().Draw(t, "text"), rapid.String().Draw(t, "language"), rapid.String().Draw(t, "after"), rapid.String().Draw(t, "limit")}
		if _, err := Search(q, catalog.Shelf{}, today); err != nil && !errors.Is(err, &problem.Error{Class: problem.Invalid, Code: "invalid"}) {
			t.Fatal(err)
		}
	})
}

func TestAWorksheetHoldsTheTasks(t *testing.T) {
	for _, w := range library(t) {
		name, text := Worksheet(w)
		if !strings.HasSuffix(name, ".txt") || !strings.HasPrefix(text, w.Title+"\n"+strings.TrimSuffix(name, ".txt")+"\n") {
			t.Errorf("%s: %s begins with %.100q", w.ID, name, text)
		}
		for _, h := range Contents(w) {
			c, err := Read(w, h.Number)
			if err != nil || !strings.Contains(text, fmt.Sprintf("\n%d. %s\n\n", h.Number, h.Title)) || !slices.ContainsFunc(c.Paragraphs, func(p string) bool { return strings.Contains(text, p) }) {
				t.Errorf("%s: %q has no task (%v)", w.ID, h.Title, err)
			}
		}
	}
}

// What a new process pays at its first search, and what it keeps for the next ones.
func BenchmarkFirstSearchInChapters(b *testing.B) {
	for _, l := range lang.All { // who searches has read before, or pays for this too: BenchmarkFirstChapter
		texts[l]()
	}
	var kept concordance
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.ReportAllocs()
	for b.Loop() {
		kept = indexAll()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/1024, "KiB-kept")
	b.ReportMetric(float64(len(kept.chapters)), "chapters")
	b.ReportMetric(float64(len(kept.passages)), "passages")
}

func BenchmarkSearchInChapters(b *testing.B) {
	fifty := ""
	for i := range 50 {
		fifty += fmt.Sprintf("%x ", i) // the longest way through
	}
	index()
	for name, q := range map[string]Query{
		"one word": {Text: "number"}, "three words": {Text: "the numbers grow", Limit: "20"}, "kazakh": {Text: "байкап кор"}, "nothing": {Text: "zzz"},
		"everything": {Text: "a", Limit: "100"}, "fifty words": {Text: fifty},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Search(q, catalog.Shelf{}, today); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
