package main

import (
	"strings"
	"testing"
	"time"

	"opiq/local/story"
)

// TestWhoLeavesMayComeBack: under the same address, as somebody else, who knows nothing of what was.
func TestWhoLeavesMayComeBack(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	elsewhere := p.Browser
	p.Browser = p.Open()
	p.SignIn()

	// She sets another password, and is still signed in where she did that.
	fresh := s.Known.Password(story.Keys.Add(1) + 2_000_000)
	p.Want(p.Ask("POST", "/v1/account/password", map[string]string{"old": p.Password, "new": fresh}), 204, "")
	p.Password = fresh
	p.Want(p.Ask("PATCH", "/v1/account", map[string]string{"firstName": "Mari-Liis"}), 200, "")
	p.Want(p.Ask("PUT", "/v1/account/consents/marketing", nil), 204, "")
	here := p.Browser
	p.Browser = elsewhere
	p.Want(p.Ask("GET", "/v1/session", nil), 401, "not_signed_in")
	p.Browser = here

	// She reads, and has one order that she has not paid: that comes first.
	p.Buy(1, story.Today(), "lhv")
	p.Want(p.Ask("GET", "/v1/library/works/w001/chapters/1", nil), 200, "")
	p.Want(p.Ask("PUT", "/v1/library/works/w001/notes/mine", map[string]any{"chapter": 1, "text": "Ainult mulle"}), 200, "")
	unpaid := p.Order(1, story.Today())
	leave := map[string]string{"password": p.Password}
	p.Want(p.Ask("POST", "/v1/account/closing", leave), 409, "money_under_way")
	p.Want(p.Ask("DELETE", "/v1/orders/"+unpaid.Number, nil), 204, "")
	p.Want(p.Ask("POST", "/v1/account/closing", leave), 204, "")
	p.Want(p.Ask("GET", "/v1/session", nil), 401, "not_signed_in")
	p.Want(p.Ask("POST", "/v1/session", map[string]string{"email": p.Email, "password": p.Password}), 401, "wrong_credentials")
	p.Mail(story.Subject("account_left"))

	// The address is free.
	p.SignUp()
	story.Until(t, 20*time.Second, func() string {
		if n := strings.Count(strings.Join(p.Subjects(), "\n"), story.Subject("verify")); n != 2 {
			return "the second link has not come"
		}
		return ""
	})
	p.Verify()
	p.SignIn()
	if all := story.Read[struct{ Orders []story.OrderPage }](p, p.Ask("GET", "/v1/orders", nil), 200); len(all.Orders) != 0 {
		t.Errorf("she has %d orders", len(all.Orders))
	}
}
