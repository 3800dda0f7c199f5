package story

import (
	"fmt"
	"strings"
	"sync"
)

// Secrets are what nobody may find anywhere but where it belongs, with what each is.
type Secrets struct {
	mu     sync.Mutex
	What   map[string]string
	Owners map[string]string // of the links in mails: whose mailbox they belong into
}

// Add knows one more secret.
func (s *Secrets) Add(text, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.What == nil {
		s.What, s.Owners = map[string]string{}, map[string]string{}
	}
	s.What[text] = what
}

// Password makes one that stands nowhere else.
func (s *Secrets) Password(n int64) string {
	word := fmt.Sprintf("Kanaarilind-%d-õö laulab", n)
	s.Add(word, "a password")
	return word
}

// cookie knows the secret half of a session's cookie.
func (s *Secrets) cookie(value string) {
	if _, secret, ok := strings.Cut(value, "."); ok {
		s.Add(secret, "the secret of a session")
	}
}

// token knows what makes a link in a mail valid.
func (s *Secrets) token(token, owner string) {
	proof := token[strings.LastIndexByte(token, '.')+1:]
	s.Add(proof, "the token of a link")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Owners[proof] = owner
}

// In are the secrets that a text holds, by what they are.
func (s *Secrets) In(text string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string]string{}
	for secret, what := range s.What {
		if strings.Contains(text, secret) {
			found[secret] = what
		}
	}
	return found
}
