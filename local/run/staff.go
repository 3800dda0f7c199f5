package run

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
)

// Staff are those who work here on this machine. The passwords are others at every start.
type Staff []Person

// Person is one of them.
type Person struct {
	Email    string   `json:"email"`
	Password string   `json:"password"`
	Roles    []string `json:"roles"`
}

// employed is one for each role, and one more for what takes two.
var employed = []struct {
	name, first, last string
	roles             []string
}{
	{"finance", "Liis", "Lepp", []string{"finance"}},
	{"support", "Siim", "Saar", []string{"support"}},
	{"editor", "Eve", "Ester", []string{"editor"}},
	{"head", "Helle", "Hein", []string{"editor", "finance", "support"}},
}

// enroll makes the staff accounts by the function that makes such accounts on AWS too; those of an earlier run get new passwords.
func (s *Shop) enroll(ctx context.Context) error {
	for _, e := range employed {
		p := Person{e.name + "@opiq.test", rand.Text(), e.roles}
		command, err := json.Marshal(map[string]any{"enroll": map[string]any{
			"email": p.Email, "password": p.Password, "firstName": e.first, "lastName": e.last, "language": "en", "roles": p.Roles,
		}})
		if err != nil {
			return err
		}
		if _, err := s.Functions.Invoke(ctx, "staff", command); err != nil {
			return fmt.Errorf("there is no staff account %s: %w", p.Email, err)
		}
		s.Staff = append(s.Staff, p)
	}
	return nil
}

// In is who of them has a role; of several the one who has no other.
func (s Staff) In(role string) Person {
	for _, p := range s {
		if len(p.Roles) == 1 && p.Roles[0] == role {
			return p
		}
	}
	return Person{}
}

// ServeHTTP tells programs who they are.
func (s Staff) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s)
}
