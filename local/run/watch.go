package run

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// watch puts a proxy before the services: each function has a path of its own to them, so that whoever watches knows
// whose call it sees; so do the links to S3 that the function makes. It answers the services' addresses for a function, by the
// same names.
func (s *Shop) watch(services map[string]string, see func(string, *http.Request, []byte)) (func(function string) map[string]string, error) {
	wires := http.DefaultTransport.(*http.Transport).Clone()
	wires.MaxIdleConnsPerHost = 100
	pass := &httputil.ReverseProxy{
		Transport: wires,
		Rewrite: func(p *httputil.ProxyRequest) {
			if to, err := url.Parse(services[p.In.PathValue("service")]); err == nil {
				p.SetURL(to)
				p.Out.Host = p.In.Host // S3's signatures are of the host and the path that the sender knows
			}
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	handle := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the function died in the middle of its call
		}
		r = r.WithContext(context.WithoutCancel(r.Context())) // what was sent arrives, though its sender dies now
		r.Body = io.NopCloser(bytes.NewReader(body))
		prefix := "/" + r.PathValue("function") + "/" + r.PathValue("service")
		r.Header.Set("X-Forwarded-Prefix", prefix)
		http.StripPrefix(prefix, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			see(r.PathValue("function"), r, body)
			pass.ServeHTTP(w, r)
		})).ServeHTTP(w, r)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{function}/{service}", handle)
	mux.HandleFunc("/{function}/{service}/", handle)
	proxy, err := s.serve(mux)
	if err != nil {
		return nil, err
	}
	return func(function string) map[string]string {
		addresses := map[string]string{}
		for service := range services {
			addresses[service] = proxy + "/" + function + "/" + service
		}
		return addresses
	}, nil
}
