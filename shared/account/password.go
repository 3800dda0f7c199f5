package account

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"opiq/shared/problem"
)

// Hash is a password as it is kept: argon2id in the PHC string format, over a password that a pepper was mixed into.
type Hash string

// The cost of a hash: OWASP's first choice of 2025 for argon2id (19 MiB, two passes, one lane).
const (
	memory = 19 << 10 // KiB
	passes = 2
	lanes  = 1
)

// Passwords hashes and checks passwords under a pepper that is not in the table.
type Passwords struct{ pepper []byte }

// NewPasswords takes the stage's pepper, at least 32 bytes.
func NewPasswords(pepper []byte) Passwords { return Passwords{derive(pepper, "password")} }

// Hash makes what is kept of a password.
func (p Passwords) Hash(password string) Hash {
	salt := make([]byte, 16)
	rand.Read(salt)
	return p.hash(password, salt)
}

func (p Passwords) hash(password string, salt []byte) Hash {
	mixed := hmac.New(sha256.New, p.pepper)
	mixed.Write([]byte(norm.NFKC.String(password)))
	key := argon2.IDKey(mixed.Sum(nil), salt, passes, memory, lanes, 32)
	b64 := base64.RawStdEncoding
	return Hash(fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", memory, passes, lanes, b64.EncodeToString(salt), b64.EncodeToString(key)))
}

// Match tells whether a password belongs to a hash. An empty hash (nobody has this address) takes the same work and never matches.
func (p Passwords) Match(h Hash, password string) bool {
	known := h != ""
	if !known {
		h = "$argon2id$$$AAAAAAAAAAAAAAAAAAAAAA$"
	}
	part := strings.Split(string(h), "$")
	if len(part) != 6 {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(part[4])
	if err != nil {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(p.hash(password, salt)), []byte(h)) == 1 && known
}

//go:embed common-passwords.txt
var commonText string

// common are the passwords that everybody tries first, of those long enough to pass otherwise.
var common = sync.OnceValue(func() map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(commonText) {
		set[strings.TrimSpace(line)] = true
	}
	return set
})

// checkPassword names what is wrong with a new password, or nil: 8 to 256 characters of any kind, not one of the common
// ones, not the address (NIST SP 800-63B, OWASP ASVS 5.0 6.2).
func checkPassword(pointer, password, email string) *problem.Field {
	folded := strings.ToLower(norm.NFKC.String(password))
	local, _, _ := strings.Cut(strings.ToLower(email), "@")
	switch n := utf8.RuneCountInString(password); {
	case n < 8:
		return &problem.Field{Pointer: pointer, Code: "too_short", Detail: "A password has at least 8 characters."}
	case n > 256:
		return &problem.Field{Pointer: pointer, Code: "too_long", Detail: "A password has at most 256 characters."}
	case common()[folded] || folded == strings.ToLower(email) || folded == local:
		return &problem.Field{Pointer: pointer, Code: "too_common", Detail: "This password is among the first that are tried."}
	}
	return nil
}

// mark is equal for equal passwords and tells nothing else to who has no pepper. It is kept only as long as a registration waits.
func (p Passwords) mark(password string) string {
	m := hmac.New(sha256.New, derive(p.pepper, "mark"))
	m.Write([]byte(norm.NFKC.String(password)))
	return base64.RawStdEncoding.EncodeToString(m.Sum(nil))
}

// derive makes a key for one purpose, so that the pepper serves several without serving as the same key twice.
func derive(pepper []byte, purpose string) []byte {
	m := hmac.New(sha256.New, pepper)
	m.Write([]byte("opiq " + purpose))
	return m.Sum(nil)
}
