package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"opiq/local/story"
)

// wish is the end of the service, as staff ask for it.
func wish(on, basis string, school map[string]any) map[string]any {
	w := map[string]any{"on": on, "basis": basis, "measure": "end", "evidence": []string{"ticket 18"}, "reason": "It happened again."}
	if school != nil {
		w["school"] = school
	}
	return w
}

// word is what a school's management said.
func word() map[string]any {
	return map[string]any{"signatory": "Head of school", "document": "Letter 4-1/17", "on": story.Today(), "opinion": "We agree."}
}

// asks asks for a hold, each time under a key of its own.
func asks(staff *story.Shopper, w map[string]any) story.Answer {
	staff.T.Helper()
	return staff.Ask("POST", "/v1/holds", w, "Idempotency-Key", fmt.Sprint("hold-", story.Keys.Add(1)))
}

// TestTheServiceEndsForWhoBreaksTheTerms: not for a first breach, nor twice in a day; for duties that are refused, and for a pupil not before
// their school was heard. An appeal that is granted opens everything again, with the same dates.
func TestTheServiceEndsForWhoBreaksTheTerms(t *testing.T) {
	s := story.Shared(t)
	p, siim := s.Member(t), s.Employee(t, s.Staff.In("support"))
	o := p.Buy(1, story.Today(), "lhv")
	s.Rest(t, 30*time.Second) // the letters of the order have gone before the service stops
	me := string(id(p))
	school := fmt.Sprint("school:", 75_000_000+story.Keys.Add(1))
	siim.Want(siim.Ask("PUT", "/v1/groups/"+school+"/members/"+me, nil), 204, "")

	siim.Want(asks(siim, wish("account:"+me, "harmful", word())), 409, "no_prior_breach")
	first := holds(siim, "account:"+me, "harmful")
	siim.Want(asks(siim, wish("account:"+me, "harmful", word())), 409, "no_prior_breach")
	siim.Want(siim.Ask("POST", "/v1/holds/"+first+"/confirmation", map[string]string{"reason": "The logs show it."}), 200, "")
	lifts(siim, first)
	opens(p, "w001", "VALID")

	siim.Want(asks(siim, wish("account:"+me, "harmful", word())), 409, "no_prior_breach")
	siim.Want(asks(siim, wish("account:"+me, "refuses_obligations", nil)), 409, "school_not_consulted")
	end := story.Read[struct{ ID string }](siim, asks(siim, wish("account:"+me, "refuses_obligations", word())), 201).ID
	opens(p, "w001", "ACCOUNT_CLOSED")
	p.Want(p.Ask("POST", "/v1/orders", p.Wish(1, story.Today()), "Idempotency-Key", "after the end"), 403, "ACCOUNT_CLOSED")
	lifts(siim, end)
	opens(p, "w001", "VALID")
	if l := story.Read[story.LicensePage](p, p.Ask("GET", "/v1/licenses/"+o.License.ID, nil), 200); !l.StartsAt.Equal(o.License.StartsAt) || !l.EndsAt.Equal(o.License.EndsAt) {
		t.Errorf("the license's dates moved: %+v", l)
	}
	p.Gets(
		story.Subject("verify"), story.Subject("payment_receipt", "{order}", o.Number), story.Subject("order_confirmation", "{order}", o.Number), story.Subject("license_active"),
		story.Subject("service_held"), story.Subject("service_resumed"), story.Subject("service_ended"), story.Subject("service_resumed"),
	)
}

// TestALeakedPasswordIsOverWhenItsOwnerSetsAnother: whoever came in by it is out at once, and the hold ends with the password.
func TestALeakedPasswordIsOverWhenItsOwnerSetsAnother(t *testing.T) {
	s := story.Shared(t)
	p, siim := s.Member(t), s.Employee(t, s.Staff.In("support"))
	o := p.Buy(1, story.Today(), "lhv")
	s.Rest(t, 30*time.Second) // the letters of the order have gone before the service stops
	leak := holds(siim, "account:"+string(id(p)), "credential_leak")
	p.Want(p.Ask("GET", "/v1/licenses", nil), 401, "not_signed_in") // whoever had come in by it
	p.Want(p.Ask("POST", "/v1/password/forgot", map[string]string{"email": p.Email}), 202, "")
	p.Password = s.Known.Password(story.Keys.Add(1) + 2_000_000)
	p.Want(p.Ask("POST", "/v1/password/reset", map[string]string{"token": p.Token(story.Subject("password_reset")), "password": p.Password}), 204, "")
	p.SignIn()
	opens(p, "w001", "VALID")
	siim.Want(siim.Ask("POST", "/v1/holds/"+leak+"/lift", map[string]string{"reason": "It is over."}), 409, "hold_lifted")
	p.Gets(
		story.Subject("verify"), story.Subject("payment_receipt", "{order}", o.Number), story.Subject("order_confirmation", "{order}", o.Number), story.Subject("license_active"),
		story.Subject("service_held"), story.Subject("password_reset"), story.Subject("password_changed"), story.Subject("service_resumed"),
	)
}

// TestTheEndOfASchoolTakesTwo: the word of its management, and of our people two.
func TestTheEndOfASchoolTakesTwo(t *testing.T) {
	s := story.Shared(t)
	p, siim, helle := s.Member(t), s.Employee(t, s.Staff.In("support")), s.Employee(t, s.Staff[len(s.Staff)-1])
	o := p.Buy(1, story.Today(), "lhv")
	s.Rest(t, 30*time.Second) // the letters of the order have gone before the service stops
	school := fmt.Sprint("school:", 75_000_000+story.Keys.Add(1))
	siim.Want(siim.Ask("PUT", "/v1/groups/"+school+"/members/"+string(id(p)), nil), 204, "")
	siim.Want(asks(siim, wish("group:"+school, "infringes_ip", nil)), 409, "school_not_consulted")
	end := story.Read[struct{ ID, State string }](siim, asks(siim, wish("group:"+school, "infringes_ip", word())), 201)
	if end.State != "proposed" {
		t.Errorf("one person's word makes it %s", end.State)
	}
	opens(p, "w001", "VALID")
	siim.Want(siim.Ask("POST", "/v1/holds/"+end.ID+"/approval", nil), 409, "second_person_required")
	opens(p, "w001", "VALID")
	helle.Want(helle.Ask("POST", "/v1/holds/"+end.ID+"/approval", nil), 200, "")
	opens(p, "w001", "ACCOUNT_CLOSED")
	rings(t, s, "license-activation", time.Now().Add(5*time.Minute)) // the school is told in a while
	s.Rest(t, 30*time.Second)
	siim.Want(siim.Ask("DELETE", "/v1/groups/"+school+"/members/"+string(id(p)), nil), 204, "")
	opens(p, "w001", "VALID") // who leaves the school is out of it
	p.Gets(
		story.Subject("verify"), story.Subject("payment_receipt", "{order}", o.Number), story.Subject("order_confirmation", "{order}", o.Number), story.Subject("license_active"),
		story.Subject("service_ended"), story.Subject("service_resumed"),
	)
	if all := story.Read[struct{ Holds []struct{ ID string } }](siim, siim.Ask("GET", "/v1/holds?state=standing&limit=100", nil), 200); len(all.Holds) == 0 {
		t.Error("no hold is listed")
	}
	lifts(helle, end.ID)
}

// TestAPriceListIsSetAhead: staff set the prices of a day to come, change them until it has come, and nobody's price of today is another.
func TestAPriceListIsSetAhead(t *testing.T) {
	s := story.Shared(t)
	p, eve := s.Member(t), s.Employee(t, s.Staff.In("editor"))
	before := p.Order(1, story.Today()).Price
	day := story.Today().AddDays(2000 + int(story.Keys.Add(1))).String() // another one each time that this is told
	path := "/v1/price-lists/" + day
	for revision, net := range []int{450, 475} {
		plans := []map[string]any{{"months": 1, "net": map[string]any{"amount": net, "currency": "EUR"}, "remind": []int{7}}}
		eve.Want(eve.Ask("PUT", path, map[string]any{"plans": plans, "revision": revision}), 200, "")
	}
	eve.Want(eve.Ask("PUT", "/v1/price-lists/"+story.Today().String(), map[string]any{
		"plans": []map[string]any{{"months": 1, "net": map[string]any{"amount": 1, "currency": "EUR"}, "remind": []int{7}}},
	}), 409, "price_list_begun")
	type list struct{ ValidFrom string }
	if lists := story.Read[struct{ Lists []list }](eve, eve.Ask("GET", "/v1/price-lists", nil), 200).Lists; !slices.Contains(lists, list{day}) {
		t.Errorf("the lists are %+v", lists)
	}
	if now := p.Order(1, story.Today()).Price; now != before {
		t.Errorf("the price of today was %+v, and is %+v", before, now)
	}
}
