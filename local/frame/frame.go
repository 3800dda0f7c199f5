// Package frame is what the pages of the stand-ins share: how they look, that each says first that nothing on it is real, and that
// none runs a script.
package frame

import (
	_ "embed"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
)

//go:embed frame.html
var source string

// Parse reads a page of a stand-in from the named files in the folder pages: they define "title" and "main", and may define "care",
// which is said beside the note. who is what the stand-in is not: a real bank.
func Parse(files fs.FS, who string, names ...string) *template.Template {
	t := template.Must(template.New("frame").Funcs(template.FuncMap{"who": func() string { return who }}).Parse(source))
	for _, name := range names {
		t = template.Must(t.ParseFS(files, "pages/"+name+".html"))
	}
	return t
}

// Show writes a page. Its forms may be sent to where it came from and, where to is an address, to its site.
func Show(w http.ResponseWriter, status int, page *template.Template, to string, v any) {
	forms := "'self'"
	if u, err := url.Parse(to); err == nil && u.Host != "" {
		forms += " " + u.Scheme + "://" + u.Host
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action "+forms)
	w.WriteHeader(status)
	_ = page.Execute(w, v)
}
