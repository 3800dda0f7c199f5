package frame

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestAPageSaysThatItIsNotReal(t *testing.T) {
	files := fstest.MapFS{
		"pages/common.html": {Data: []byte(`{{define "care"}}, be careful{{end}}`)},
		"pages/pay.html":    {Data: []byte(`{{define "title"}}Pay{{end}}{{define "main"}}<p>{{.}}</p>{{end}}`)},
	}
	for _, c := range []struct {
		names     []string
		to        string
		forms     string
		said, not string
	}{
		{[]string{"pay"}, "", "form-action 'self'", "No money moves here.", "careful"},
		{[]string{"common", "pay"}, "https://shop.example/back?x=1", "form-action 'self' https://shop.example", "No money moves here, be careful.", "<script"},
		{[]string{"pay"}, "%zz", "form-action 'self'", "<title>Pay · stand-in bank</title>", "<script"},
	} {
		w := httptest.NewRecorder()
		Show(w, 402, Parse(files, "bank", c.names...), c.to, "<script>alert(1)</script>")
		page := w.Body.String()
		if w.Code != 402 || !strings.Contains(page, "not a real bank") || !strings.Contains(page, c.said) || strings.Contains(page, c.not) || !strings.Contains(page, "&lt;script") {
			t.Errorf("%v: %d %s", c.names, w.Code, page)
		}
		if policy := w.Header().Get("Content-Security-Policy"); !strings.HasSuffix(policy, c.forms) || !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%v: %s", c.names, policy)
		}
	}
}
