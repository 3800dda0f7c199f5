package inbox

import (
	_ "embed"
	"html/template"
	"net/http"
	"strings"
)

//go:embed page.html
var page string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	// A mail's links open beside the mailbox, not inside the frame.
	"framed": func(html string) string { return `<base target="_blank">` + html },
}).Parse(page))

// Page answers GET ?to=ADDRESS with the mails for eyes. A mail's HTML stands in a frame that runs no scripts.
func (in *Inbox) Page(w http.ResponseWriter, r *http.Request) {
	to := strings.TrimSpace(r.URL.Query().Get("to"))
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'self'")
	_ = pageTemplate.Execute(w, struct {
		To    string
		Mails []Mail
	}{to, in.Mail(to)})
}
