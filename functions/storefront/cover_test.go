package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"opiq/shared/catalog"
)

func TestEveryWorkHasACover(t *testing.T) {
	for _, w := range (catalog.Shelf{}).All() {
		drawing := drawn(w)
		switch {
		case drawings[w.Subject].draw == nil:
			t.Errorf("%s: nobody has drawn %s", w.ID, w.Subject)
		case drawing != drawn(w):
			t.Errorf("%s looks different the second time", w.ID)
		case len(drawing) > 2500:
			t.Errorf("%s takes %d bytes", w.ID, len(drawing))
		case strings.Contains(drawing, "%!") || strings.Contains(drawing, "NaN") || strings.Contains(drawing, "style="):
			t.Errorf("%s: %s", w.ID, drawing)
		}
		for d := xml.NewDecoder(strings.NewReader(drawing)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", w.ID, err)
			}
		}
	}
}

func TestTheMarkStandsAtTheFormsOfTheWork(t *testing.T) {
	for name, c := range map[string]struct {
		grades []int
		want   string
	}{
		"the first":     {[]int{1}, `<rect x="2" y="282" width="16"`},
		"the last":      {[]int{12}, `<rect x="222" y="282" width="16"`},
		"three of them": {[]int{7, 8, 9}, `<rect x="122" y="282" width="56"`},
	} {
		if drawing := drawn(catalog.Work{ID: "w001", Subject: "music", Grades: c.grades}); !strings.Contains(drawing, c.want) {
			t.Errorf("%s: no %s in %s", name, c.want, drawing)
		}
	}
}

func TestACoverIsAPictureOfAPublishedWork(t *testing.T) {
	shelf := catalog.Shelf{}
	w, err := shelf.Find("w001", shop(room{}).today())
	if err != nil {
		t.Fatal(err)
	}
	if out := answer(t, shop(room{}), visitTo("/covers/w001", nil)); out.Body != drawn(w) || out.Headers["Content-Type"] != "image/svg+xml" {
		t.Errorf("%v %s", out.Headers, out.Body)
	}
	if out := answer(t, shop(room{}), visitTo("/covers/w999", nil)); out.StatusCode != 404 {
		t.Errorf("of a work that there is not: %d", out.StatusCode)
	}
	early := shop(room{})
	early.now = func() time.Time { return now.AddDate(-30, 0, 0) }
	if out := answer(t, early, visitTo("/covers/w001", nil)); out.StatusCode != 404 {
		t.Errorf("before its publication: %d", out.StatusCode)
	}
}

func TestTheLettersOfAllLanguagesComeWithAPage(t *testing.T) {
	style := string(assets()["style.css"])
	for _, l := range []string{"literata-latin", "literata-cyrillic", "literata-names"} {
		if !strings.Contains(style, `url("fonts/`+l+`.woff2")`) {
			t.Errorf("the style does not name %s", l)
		}
		out := answer(t, shop(room{}), visitTo(assetAt("fonts/"+l+".woff2"), nil))
		if out.StatusCode != 200 || out.Headers["Content-Type"] != "font/woff2" || !out.IsBase64Encoded {
			t.Errorf("%s: %d %v", l, out.StatusCode, out.Headers)
		}
	}
}
