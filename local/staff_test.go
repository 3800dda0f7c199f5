package main

import (
	"encoding/json"
	"slices"
	"testing"
)

// signedIn is what an answer about a session says of the person.
type signedIn struct {
	Account struct {
		Email         string
		Roles         []string
		TermsRequired bool
	}
}

// staff calls the function that no route leads to, as an operator does.
func (s *shop) staff(t *testing.T, command any) {
	t.Helper()
	event, err := json.Marshal(command)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Functions.Invoke(t.Context(), "staff", event); err != nil {
		t.Fatal(err)
	}
}

func TestWhoeverIsEnrolledSetsAPasswordAndComesIn(t *testing.T) {
	s := story(t)
	liis := s.visitor(t)
	s.staff(t, map[string]any{"enroll": map[string]any{
		"email": liis.email, "firstName": "Liis", "lastName": "Lepp", "language": liis.language, "roles": []string{"finance"},
	}})
	liis.want(liis.ask("POST", "/v1/password/reset", map[string]string{"token": liis.token(subject("password_reset")), "password": liis.password}), 204, "")
	who := read[signedIn](liis, liis.signIn(), 200).Account
	if who.Email != liis.email || !slices.Equal(who.Roles, []string{"finance"}) || !who.TermsRequired {
		t.Errorf("%+v", who)
	}
	s.staff(t, map[string]any{"enroll": map[string]any{"email": liis.email, "roles": []string{}}})
	if who := read[signedIn](liis, liis.ask("GET", "/v1/session", nil), 200).Account; len(who.Roles) > 0 {
		t.Errorf("%+v", who)
	}
}

func TestTheStaffAccountOfThisMachineComesIn(t *testing.T) {
	s := story(t)
	liis := s.visitor(t)
	if err := json.Unmarshal(liis.want(liis.send("GET", s.URL+"/_local/staff", nil), 200, "").body, &struct{ Email, Password *string }{&liis.email, &liis.password}); err != nil {
		t.Fatal(err)
	}
	s.known.add(liis.password, "the password of the staff account")
	if who := read[signedIn](liis, liis.signIn(), 200).Account; !slices.Equal(who.Roles, []string{"finance"}) {
		t.Errorf("%+v", who)
	}
}
