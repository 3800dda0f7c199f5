package web

import (
	"fmt"
	"strings"
	"time"
)

// Cookie is the one cookie there is: it says who is signed in. No page can read it, no other site can send it along with a
// change, and no subdomain can set it where the shop is served over HTTPS.
type Cookie struct {
	name   string
	secure string
}

// CookieAt is the cookie of a shop at a public URL.
func CookieAt(publicURL string) Cookie {
	if strings.HasPrefix(publicURL, "https:") {
		return Cookie{"__Host-session", "; Secure"}
	}
	return Cookie{"session", ""}
}

// Of is the cookie's value in a request, empty where there is none.
func (c Cookie) Of(r Request) string { return r.Cookie(c.name) }

// Set is the header that keeps a value in the browser for a time; an empty value and no time remove it.
func (c Cookie) Set(value string, lives time.Duration) string {
	return fmt.Sprintf("%s=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%s", c.name, value, int(lives.Seconds()), c.secure)
}
