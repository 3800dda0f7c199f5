package pdf

import (
	"testing"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
)

func TestTheFontsHaveTheLettersOfOurLanguages(t *testing.T) {
	for name, ttf := range map[string][]byte{"regular": liberationsansregular.TTF, "bold": liberationsansbold.TTF} {
		read, ok := parse(ttf)
		if !ok {
			t.Fatal(ErrFont)
		}
		for _, r := range "AZazŠŽÕÄÖÜšžõäöüАЯЁЪЫЭаяёъыэӘҒҚҢӨҰҮҺІәғқңөұүһі09€№–“”„«»□\u00a0" {
			if read.glyph(r) == 0 {
				t.Errorf("%s has no %c", name, r)
			}
		}
		if read.glyph('漢') != 0 || read.glyph(0) != 0 {
			t.Errorf("%s has what it cannot have", name)
		}
		if read.kern(read.glyph('A'), read.glyph('V')) >= 0 {
			t.Errorf("%s: A and V keep their distance", name)
		}
		for _, r := range "0123456789" {
			if read.advance(read.glyph(r)) != read.advance(read.glyph('0')) {
				t.Errorf("%s: %c is not as wide as 0", name, r)
			}
		}
	}
}
