package terms

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/seller"
)

func day(s string) civil.Date {
	d, err := civil.Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

func TestVersionInForce(t *testing.T) {
	defer func(kept map[Document][]version) { versions = kept }(versions)
	versions = map[Document][]version{Use: {{"2017-02-01", day("2017-02-01")}, {"2027-01-01", day("2027-01-01")}}, Privacy: {{"1", civil.Date{}}}}
	for _, c := range []struct {
		document Document
		on       string
		want     Version
	}{
		{Use, "2016-12-31", "2017-02-01"},
		{Use, "2017-02-01", "2017-02-01"},
		{Use, "2026-12-31", "2017-02-01"},
		{Use, "2027-01-01", "2027-01-01"},
		{Use, "2030-06-30", "2027-01-01"},
		{Privacy, "2000-01-01", "1"},
		{"cookies", "2026-01-01", ""},
	} {
		if got := InForce(c.document, day(c.on)); got != c.want {
			t.Errorf("%s on %s: %q, want %q", c.document, c.on, got, c.want)
		}
	}
}

var tags = regexp.MustCompile(`<(/?[a-z0-9]+)[^>]*>`)

func TestEveryTextIsThere(t *testing.T) {
	hashes, files := map[string]bool{}, 0
	for _, d := range All {
		structure := ""
		for _, l := range lang.All {
			files++
			x := Current(d, day("2026-09-01"), l)
			if x.Title == "" || x.Language != l || x.Document != d || x.Version != InForce(d, day("2026-09-01")) {
				t.Errorf("%s in %s: %+v", d, l, x)
			}
			for _, other := range All {
				if linked := strings.Contains(x.HTML, `href="/terms/`+string(other)+`"`); linked != (other != d) {
					t.Errorf("%s in %s: link to %s is %t", d, l, other, linked)
				}
			}
			s := seller.StarCloud
			for _, must := range []string{s.Name, s.Register, s.Email, s.Phone} {
				if !strings.Contains(x.HTML, must) {
					t.Errorf("%s in %s does not name %s", d, l, must)
				}
			}
			if strings.ContainsAny(x.Title+x.HTML, "{}[]|") || strings.Contains(x.HTML, "<script") || strings.Contains(x.HTML, "style=") {
				t.Errorf("%s in %s holds leftovers", d, l)
			}
			// The four languages say the same things in the same order.
			same := strings.Join(tags.FindAllString(regexp.MustCompile(` href="[^"]*"`).ReplaceAllString(x.HTML, ""), -1), "")
			if structure == "" {
				structure = same
			}
			if same != structure {
				t.Errorf("%s in %s is built otherwise than in %s:\n%s\n%s", d, l, lang.All[0], same, structure)
			}
			hashes[x.SHA256()] = true
		}
	}
	if len(hashes) != files {
		t.Errorf("%d texts have %d fingerprints", files, len(hashes))
	}
	if all, _ := fs.Glob(texts, "texts/*"); len(all) != files {
		t.Errorf("%d files for %d texts", len(all), files)
	}
}

func TestOrderTermsSayWhatTheyMust(t *testing.T) {
	for _, l := range lang.All {
		x := Current(Order, day("2026-09-01"), l)
		for _, must := range []string{"€", "7¹", "VÕS", "komisjon.ee", "10"} {
			if must == "VÕS" && l == lang.Estonian {
				must = "Võlaõigusseaduse § 53 lg 4 p 7¹"
			}
			if !strings.Contains(x.HTML, must) {
				t.Errorf("%s: no %s", l, must)
			}
		}
		if n := strings.Count(x.HTML, "<li>"); n < 25 {
			t.Errorf("%s: only %d points", l, n)
		}
	}
}
