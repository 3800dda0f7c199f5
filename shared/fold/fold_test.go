package fold_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"opiq/shared/fold"
)

func TestATextIsFoldedAsAHurriedHandTypesIt(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "",
		" … ":                  "",
		"Sõnapuu":              " sonapuu",
		"SO\u0303NAPUU 3.":     " sonapuu 3",
		"Всё живое":            " все живое",
		"Қазақ тілі":           " казак тили",
		"x + 7 = 12":           " x 7 12",
		"jõud-ja „valgus“":     " joud ja valgus",
		"\u0303õ":              " o",
		"ŠAŽČ":                 " sazc",
		"Ұлы дала ізімен, һүң": " улы дала изимен хун",
	} {
		if got := fold.Text(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestWordsStandWhereTheyStand(t *testing.T) {
	text := "Mo\u0303õt, „ÕUN“; 3."
	got := map[string]string{}
	for _, w := range fold.Words(text) {
		got[text[w.From:w.To]] = w.Folded
	}
	if diff := cmp.Diff(map[string]string{"Mo\u0303õt": "moot", "ÕUN": "oun", "3": "3"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFoldingTwiceChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		if once := fold.Text(s); fold.Text(once) != once {
			t.Fatalf("%q becomes %q, then %q", s, once, fold.Text(once))
		}
	})
}

// What a search finds in the folded text, it finds among the words, and the other way round.
func TestWordsAndTextSayTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("aõÕäё қ-\u0303 7")))).Draw(t, "text")
		term := rapid.StringOf(rapid.SampledFrom([]rune("aoõ7е"))).Draw(t, "term")
		var joined string
		begins := false
		terms := fold.Terms(term)
		for _, w := range fold.Words(s) {
			joined += " " + w.Folded
			begins = begins || w.Begins(terms)
			if again := fold.Text(s[w.From:w.To]); again != " "+w.Folded {
				t.Fatalf("%q is folded to %q in %q, alone to %q", s[w.From:w.To], w.Folded, s, again)
			}
		}
		if joined != fold.Text(s) {
			t.Fatalf("the words of %q are %q", s, joined)
		}
		if len(terms) == 1 && begins != strings.Contains(joined, terms[0]) {
			t.Fatalf("%q in %q: %v", terms[0], joined, begins)
		}
	})
}
