package run

import (
	"context"
	_ "embed"
	"html/template"
	"net/http"
	"path"
	"strings"

	"opiq/local/edge"
	"opiq/local/gateway"
	"opiq/local/sources"
	"opiq/shared/secret"
)

//go:embed index.html
var index string

var indexPage = template.Must(template.New("index").Parse(index))

// shop is the template's routes behind its edge and its door.
func (s *Shop) shop(ctx context.Context) (http.Handler, error) {
	var routes []gateway.Route
	door := gateway.Door{Headers: s.Template.Door.Headers, Kept: s.Template.Door.Kept}
	for _, f := range s.Template.Functions {
		if f.ID == s.Template.Door.Function {
			door.Function = f.Name
		}
		for _, r := range f.Routes {
			routes = append(routes, gateway.Route{Key: r.Key(), Function: f.Name})
		}
	}
	api := gateway.New(routes, s.Functions.Invoke)
	api.Guard(door)
	return edge.New(s.Template.Edge, func(name string) (string, error) {
		found, err := secret.Open(s.AWS, path.Dir(name)).Strings(ctx, path.Base(name))
		return found[path.Base(name)], err
	}, api)
}

// handler is the shop's one address: /_local/ for what exists only here, the shop for all else.
func (s *Shop) handler(shop, banks, cards, account http.Handler, schedules sources.Schedules) http.Handler {
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
