package bank

import (
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/url"

	"opiq/shared/banklink"
)

//go:embed pages/*.html
var pages embed.FS

func parse(name string) *template.Template {
	return template.Must(template.ParseFS(pages, "pages/frame.html", "pages/"+name+".html"))
}

var (
	orderPage, donePage = parse("order"), parse("done")
	failPage            = parse("fail")
	listPage, housePage = parse("list"), parse("house")
)

// page is what the pages show; each uses a part of it.
type page struct {
	Houses []*house
	House  *house
	Order  map[string]string
	Return banklink.Form
	Paid   bool
	Tricks []trick
	Code   string
	Detail string
}

// show writes a page. Its forms may be sent to the bank itself and to the shop's address.
func show(w http.ResponseWriter, t *template.Template, shop string, p page) {
	forms := "'self'"
	if u, err := url.Parse(shop); err == nil && u.Host != "" {
		forms += " " + u.Scheme + "://" + u.Host
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action "+forms)
	if p.Code != "" {
		w.WriteHeader(http.StatusBadRequest)
	}
	t.ExecuteTemplate(w, "frame.html", p)
}

// fail tells why not, to a person or to a program.
func fail(w http.ResponseWriter, r *http.Request, status int, err error) {
	why, ok := errors.AsType[refusal](err)
	if !ok {
		why = refusal{"internal", err.Error()}
	}
	if !wantsJSON(r) && status == http.StatusBadRequest {
		show(w, failPage, "", page{Code: why.code, Detail: why.detail})
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "code": why.code, "detail": why.detail})
}

func (b *Bank) about(w http.ResponseWriter, _ *http.Request) {
	show(w, listPage, "", page{Houses: b.houses})
}

func (b *Bank) aboutOne(w http.ResponseWriter, r *http.Request) {
	h := b.house(r)
	if h == nil {
		fail(w, r, http.StatusNotFound, refusal{"unknown_bank", "There is no such bank."})
		return
	}
	show(w, housePage, "", page{House: h, Tricks: tricks})
}
