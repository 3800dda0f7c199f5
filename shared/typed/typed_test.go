package typed_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"opiq/shared/typed"
)

func TestWhatIsKept(t *testing.T) {
	for in, want := range map[string]struct{ line, lines string }{
		"":                        {"", ""},
		" \t\r\n ":                {"", ""},
		" Mari-Liis  Õun\u00a0":   {"Mari-Liis  Õun", "Mari-Liis  Õun"},
		"O\u0303un":               {"Õun", "Õun"},
		"üks\r\nkaks\n\nkolm":     {"ükskakskolm", "üks\nkaks\n\nkolm"},
		"üks\tkaks":               {"ükskaks", "üks kaks"},
		"a\x00b\x1b\x7f\u0085c":   {"abc", "abc"},
		"\xff\xfeõ\ufffd":         {"õ", "õ"},
		"Сәуле 👩\u200d🏫 <b>&amp;": {"Сәуле 👩\u200d🏫 <b>&amp;", "Сәуле 👩\u200d🏫 <b>&amp;"},
	} {
		if got := typed.Line(in); got != want.line {
			t.Errorf("%q: a line is %q, not %q", in, got, want.line)
		}
		if got := typed.Lines(in); got != want.lines {
			t.Errorf("%q: lines are %q, not %q", in, got, want.lines)
		}
	}
}

// TestWhatIsKeptStaysSo: nothing is lost by keeping it again, and no control character is left but the ends of lines.
func TestWhatIsKeptStaysSo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "text")
		line, lines := typed.Line(s), typed.Lines(s)
		if typed.Line(line) != line || typed.Lines(lines) != lines || strings.ContainsFunc(line, unicode.IsControl) ||
			strings.ContainsFunc(strings.ReplaceAll(lines, "\n", ""), unicode.IsControl) || !utf8.ValidString(line+lines) {
			t.Fatalf("%q is kept as %q and %q", s, line, lines)
		}
	})
}

func TestHowLongItIs(t *testing.T) {
	for _, c := range []struct {
		text        string
		least, most int
		want        bool
	}{
		{"", 0, 10, true}, {"", 1, 10, false}, {" \n ", 1, 10, false}, {"õ", 1, 1, true}, {"õõ", 1, 1, false}, {" õ ", 1, 1, true}, {strings.Repeat("õ", 500), 1, 500, true},
	} {
		if got := typed.Fits(c.text, c.least, c.most); got != c.want {
			t.Errorf("%q has %d to %d characters: %t", c.text, c.least, c.most, got)
		}
	}
}
