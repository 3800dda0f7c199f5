package gateway

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
)

// response is a function's answer in payload format 2.0.
type response struct {
	StatusCode      *int              `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// respond writes what a function answered. JSON that names no status is a body of its own with status 200; anything else
// that is not in the format is the function's mistake.
func respond(w http.ResponseWriter, out []byte) {
	status, r, ok := read(out)
	body := []byte(r.Body)
	if ok && r.IsBase64Encoded {
		var err error
		body, err = base64.StdEncoding.DecodeString(r.Body)
		ok = err == nil
	}
	if !ok {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	head := w.Header()
	for name, value := range r.Headers {
		head.Set(name, value)
	}
	for _, c := range r.Cookies {
		head.Add("Set-Cookie", c)
	}
	if head.Get("Content-Type") == "" && len(body) > 0 {
		head.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // net/http leaves it out where the method or the status has none
}

func read(out []byte) (status int, r response, ok bool) {
	var value any
	if json.Unmarshal(out, &value) != nil {
		return 0, r, false
	}
	object, _ := value.(map[string]any)
	if _, named := object["statusCode"]; !named {
		r = response{Headers: map[string]string{"Content-Type": "application/json"}, Body: string(out)}
		if s, ok := value.(string); ok {
			r.Body = s
		}
		return http.StatusOK, r, true
	}
	if json.Unmarshal(out, &r) != nil || r.StatusCode == nil || *r.StatusCode < 200 || *r.StatusCode > 599 {
		return 0, response{}, false
	}
	return *r.StatusCode, r, true
}
