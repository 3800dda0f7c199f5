package run

import (
	_ "embed"
	"html/template"
	"net/http"
	"strings"

	"opiq/local/gateway"
	"opiq/local/sources"
)

//go:embed index.html
var index string

var indexPage = template.Must(template.New("index").Parse(index))

// handler is the shop's one address: /_local/ for what exists only here, the template's routes for all else.
func (s *Shop) handler(banks, cards, account http.Handler, schedules sources.Schedules) http.Handler {
	var routes []gateway.Route
	for _, f := range s.Template.Functions {
		for _, r := range f.Routes {
			routes = append(routes, gateway.Route{Key: r.Key(), Function: f.Name})
		}
	}
	shop := gateway.New(routes, s.Functions.Invoke)
	here := http.NewServeMux()
	here.HandleFunc("GET /_local/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = indexPage.Execute(w, s.Staff)
	})
	here.HandleFunc("GET /_local/mail", s.Mail.List)
	here.HandleFunc("GET /_local/mail/{id}/attachments/{n}", s.Mail.File)
	here.HandleFunc("GET /_local/mailbox", s.Mail.Page)
	here.Handle("GET /_local/staff", s.Staff)
	here.Handle("/_local/bank/", banks)
	here.Handle("/_local/everypay/", cards)
	here.Handle("/_local/account", account)
	here.Handle("/_local/account/", account)
	here.Handle("POST /_local/schedule/{function}", schedules)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/_local" || strings.HasPrefix(r.URL.Path, "/_local/"):
			here.ServeHTTP(w, r)
		default:
			shop.ServeHTTP(w, r)
		}
	})
}
