package main

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"

	"opiq/local/run"
	"opiq/local/story"
	"opiq/shared/order"
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
func staff(t *testing.T, s *story.Shop, command any) {
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
	s := story.Shared(t)
	liis := s.Visitor(t)
	staff(t, s, map[string]any{"enroll": map[string]any{
		"email": liis.Email, "firstName": "Liis", "lastName": "Lepp", "language": liis.Language, "roles": []string{"finance"},
	}})
	liis.Want(liis.Ask("POST", "/v1/password/reset", map[string]string{"token": liis.Token(story.Subject("password_reset")), "password": liis.Password}), 204, "")
	who := story.Read[signedIn](liis, liis.SignIn(), 200).Account
	if who.Email != liis.Email || !slices.Equal(who.Roles, []string{"finance"}) || !who.TermsRequired {
		t.Errorf("%+v", who)
	}
	staff(t, s, map[string]any{"enroll": map[string]any{"email": liis.Email, "roles": []string{}}})
	if who := story.Read[signedIn](liis, liis.Ask("GET", "/v1/session", nil), 200).Account; len(who.Roles) > 0 {
		t.Errorf("%+v", who)
	}
}

func TestTheStaffOfThisMachineComeIn(t *testing.T) {
	s := story.Shared(t)
	p := s.Visitor(t)
	for _, who := range story.Read[run.Staff](p, p.Send("GET", s.URL+"/_local/staff", nil), 200) {
		s.Known.Add(who.Password, "the password of "+who.Email)
		liis := s.Visitor(t)
		liis.Email, liis.Password = who.Email, who.Password
		if is := story.Read[signedIn](liis, liis.SignIn(), 200).Account; !slices.Equal(is.Roles, who.Roles) {
			t.Errorf("%+v", is)
		}
	}
}

// TestSupportFindsAnOrderByWhatItsBuyerSays: with its buyer and its history, and without the account that its money came from.
func TestSupportFindsAnOrderByWhatItsBuyerSays(t *testing.T) {
	s := story.Shared(t)
	mari, siim := s.Member(t), s.Employee(t, s.Staff.In("support"))
	o := mari.Buy(1, story.Today(), "lhv")
	for _, said := range []string{o.Number, string(order.Number(o.Number).Reference()), o.License.ID, mari.Email} {
		found := story.Read[struct{ Orders []struct{ Number string } }](siim, siim.Ask("GET", sales+"?find="+url.QueryEscape(said), nil), 200).Orders
		if len(found) != 1 || found[0].Number != o.Number {
			t.Errorf("%s: %+v", said, found)
		}
	}
	sale := story.Read[struct {
		Buyer   struct{ Email string }
		History []struct{ Event string }
	}](siim, siim.Ask("GET", sales+"/"+o.Number, nil), 200)
	if sale.Buyer.Email != mari.Email || len(sale.History) < 2 || sale.History[1].Event != "paid" {
		t.Errorf("%+v", sale)
	}
	siim.Want(siim.Ask("GET", "/v1/orders/"+o.Number+"/refunds", nil), 403, "not_allowed")
}
