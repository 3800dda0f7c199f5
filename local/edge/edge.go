// Package edge is CloudFront on one machine: the template's distribution, as a request meets it on its way to the API.
//
// It turns away what no behavior allows, says who asks and in which of our languages as the template's own viewer function does, says
// the distribution's word, and lets on only what goes on there: so nothing that is kept for everybody can come to need a cookie here.
// It keeps and compresses no answer, and speaks no TLS.
package edge

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"opiq/local/template"
	"opiq/shared/lang"
	"opiq/shared/web"
)

// Address is where requests seem to come from, behind the edge: nobody's (RFC 5737).
const Address = "198.51.100.4"

// host is what the API is called behind the edge.
const host = "local.execute-api.eu-north-1.amazonaws.com"

// Edge stands before an origin.
type Edge struct {
	behaviors []template.Behavior
	words     map[string]string // headers that it says to the origin
	origin    http.Handler
}

// parameter is how a header takes its value from SSM, perhaps of one version.
var parameter = regexp.MustCompile(`^\{\{resolve:ssm:([^:}]+)(:\d+)?\}\}$`)

// New makes the template's edge. Value gives the parameters of SSM that its headers name.
func New(t template.Edge, value func(name string) (string, error), origin http.Handler) (*Edge, error) {
	e := &Edge{behaviors: t.Behaviors, words: maps.Clone(t.Headers), origin: origin}
	for name, text := range e.words {
		m := parameter.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		v, err := value(m[1])
		if err != nil {
			return nil, fmt.Errorf("the edge's header %s: %w", name, err)
		}
		e.words[name] = v
	}
	return e, nil
}

func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	i := slices.IndexFunc(e.behaviors, func(b template.Behavior) bool { return b.Fits(path) })
	if i < 0 || !slices.Contains(e.behaviors[i].Methods, r.Method) {
		http.Error(w, "This distribution is not configured to allow the HTTP request method that was used for this request.", http.StatusForbidden)
		return
	}
	viewer, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		viewer = r.RemoteAddr
	}
	on := r.Clone(r.Context())
	on.Header.Set("Accept-Language", string(lang.Pick(strings.Join(r.Header["Accept-Language"], ","))))
	on.Header.Set(web.Viewer, viewer)
	if b := e.behaviors[i]; b.Kept {
		// By the second CloudFront asks whether what it kept is still so; the first goes on as each policy of ours has it.
		goes := append([]string{"accept-encoding", "if-none-match"}, b.Headers...)
		maps.DeleteFunc(on.Header, func(name string, _ []string) bool { return !slices.Contains(goes, strings.ToLower(name)) })
		on.URL.RawQuery = strings.Join(slices.DeleteFunc(strings.Split(on.URL.RawQuery, "&"), func(pair string) bool {
			name, _, _ := strings.Cut(pair, "=")
			return !slices.Contains(b.Query, name)
		}), "&")
	}
	if before := on.Header.Get("X-Forwarded-For"); before != "" {
		viewer = before + ", " + viewer
	}
	on.Header.Set("X-Forwarded-For", viewer)
	for name, word := range e.words {
		on.Header.Set(name, word)
	}
	on.RemoteAddr, on.Host = net.JoinHostPort(Address, "443"), host
	e.origin.ServeHTTP(w, on)
}
