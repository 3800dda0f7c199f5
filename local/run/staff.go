package run

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
)

// Staff is who looks after the money on this machine. The password is another at every start.
type Staff struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// enroll makes the staff account by the function that makes such accounts on AWS too; one of an earlier run gets the new password.
func (s *Shop) enroll(ctx context.Context) error {
	staff := Staff{"finance@opiq.test", rand.Text()}
	command, err := json.Marshal(map[string]any{"enroll": map[string]any{
		"email": staff.Email, "password": staff.Password, "firstName": "Liis", "lastName": "Lepp", "language": "en", "roles": []string{"finance"},
	}})
	if err != nil {
		return err
	}
	if _, err := s.Functions.Invoke(ctx, "staff", command); err != nil {
		return fmt.Errorf("there is no staff account: %w", err)
	}
	s.Staff = staff
	return nil
}

// ServeHTTP tells programs who it is.
func (s Staff) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s)
}
