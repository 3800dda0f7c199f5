package account

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
)

//go:embed page.html
var source string

var pageTemplate = template.Must(template.New("account").Parse(source))

// view is what the page shows.
type view struct {
	Owner      string
	IBAN, BIC  string
	Open, Paid []debt
	Stories    []story
	Ordered    []transfer // newest first
	Written    []*written // newest first
	Latest     int
}

// page shows the invoices, what can happen to them, and the statements so far.
func (a *Account) page(w http.ResponseWriter, r *http.Request) {
	l, err := a.table(r.Context())
	if err != nil {
		refusal{http.StatusInternalServerError, "table", err.Error()}.tell(w)
		return
	}
	v := view{Owner: a.owner, IBAN: a.iban.IBAN, BIC: a.iban.BIC, Stories: stories}
	v.Open, v.Paid = a.debts(l)
	v.Latest, _ = strconv.Atoi(r.FormValue("written"))
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range slices.Backward(a.ordered) {
		v.Ordered = append(v.Ordered, *t)
	}
	v.Written = slices.Clone(a.written)
	slices.Reverse(v.Written)
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, v); err != nil {
		refusal{http.StatusInternalServerError, "page", err.Error()}.tell(w)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'")
	_, _ = w.Write(out.Bytes())
}

// Due is what is left to pay, for the page.
func (d debt) Due() string { return d.Order.Open().String() }

// Said is what the shop made of the statement, in a line.
func (s *written) Said() string {
	var said struct {
		Entries, New, Known int
		Code, Detail        string
	}
	switch {
	case s.Status == 0:
		return "It was not handed in."
	case json.Unmarshal(s.Result, &said) != nil || said.Code != "":
		return fmt.Sprintf("The shop refused it with %d %s: %s", s.Status, said.Code, said.Detail)
	}
	return fmt.Sprintf("The shop took it: %d new, %d known, of %d in all.", said.New, said.Known, said.Entries)
}
