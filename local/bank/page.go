package bank

import (
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"

	"opiq/local/frame"
	"opiq/shared/banklink"
)

//go:embed pages/*.html
var files embed.FS

func parse(name string) *template.Template { return frame.Parse(files, "bank", name) }

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

// fail tells why not, to a person or to a program.
func fail(w http.ResponseWriter, r *http.Request, status int, err error) {
	why, ok := errors.AsType[refusal](err)
	if !ok {
		why = refusal{"internal", err.Error()}
	}
	if !wantsJSON(r) && status == http.StatusBadRequest {
		frame.Show(w, status, failPage, "", page{Code: why.code, Detail: why.detail})
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "code": why.code, "detail": why.detail})
}

func (b *Bank) about(w http.ResponseWriter, _ *http.Request) {
	frame.Show(w, http.StatusOK, listPage, "", page{Houses: b.houses})
}

func (b *Bank) aboutOne(w http.ResponseWriter, r *http.Request) {
	h := b.house(r)
	if h == nil {
		fail(w, r, http.StatusNotFound, refusal{"unknown_bank", "There is no such bank."})
		return
	}
	frame.Show(w, http.StatusOK, housePage, "", page{House: h, Tricks: tricks})
}
