package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"opiq/local/story"
	"opiq/shared/civil"
)

const day = 24 * time.Hour

func TestAFamilyReadsFromTheFirstDayToTheLast(t *testing.T) {
	s := story.Shared(t)
	p := s.Visitor(t)
	credentials := map[string]string{"email": p.Email, "password": p.Password}

	// An account.
	p.SignUp()
	p.Want(p.Ask("POST", "/v1/session", credentials), 401, "wrong_credentials") // the address is not proved yet
	token := p.Token(story.Subject("verify"))
	p.Want(p.Ask("POST", "/v1/signup/verify", map[string]string{"token": token}), 204, "")
	p.Want(p.Ask("POST", "/v1/signup/verify", map[string]string{"token": token}), 409, "link_invalid")
	p.SignIn()
	who := story.Read[struct {
		Account struct{ Email, FirstName string }
	}](p, p.Ask("GET", "/v1/session", nil), 200)
	if who.Account.Email != p.Email || who.Account.FirstName != "Mari" {
		t.Errorf("signed in is %+v", who)
	}

	// The catalog, which everybody may keep, and the page of a work.
	p.Want(p.Ask("GET", "/works/w001", nil), 200, "")
	for _, path := range []string{"/v1/catalog/works?q=matemaatika&grade=1&limit=3", "/v1/catalog/works/w001", "/v1/catalog/plans", "/v1/terms/order?lang=ru"} {
		first := p.Want(p.Ask("GET", path, nil), 200, "")
		tag := first.Header.Get("ETag")
		again := p.Ask("GET", path, nil, "If-None-Match", tag)
		if tag == "" || again.Status != 304 || len(again.Body) > 0 || !strings.HasPrefix(first.Header.Get("Cache-Control"), "public, max-age=") {
			t.Errorf("%s: ETag %s, then %d with %d bytes, %s", path, tag, again.Status, len(again.Body), first.Header.Get("Cache-Control"))
		}
	}
	found := story.Read[struct {
		Works []struct{ ID, Title string }
		Total int
	}](p, p.Ask("GET", "/v1/catalog/works?q=MATEMAATIKA&limit=3", nil), 200)
	if len(found.Works) != 3 || found.Total < 3 {
		t.Errorf("found %+v", found)
	}
	plans := story.Read[struct {
		Plans []struct {
			Months int
			Price  story.Price
		}
	}](p, p.Ask("GET", "/v1/catalog/plans", nil), 200)
	if len(plans.Plans) != 5 || plans.Plans[0].Months != 1 {
		t.Fatalf("the plans are %+v", plans)
	}

	// Nothing opens before there is a license.
	door := story.Read[story.OpenedWork](p, p.Ask("GET", story.Work, nil), 200)
	if door.Allowed || door.Code != "NO_LICENSE" || len(door.Contents) > 0 {
		t.Errorf("before there is a license: %+v", door)
	}
	p.Want(p.Ask("GET", story.Chapter, nil), 403, "NO_LICENSE")

	// The order. Asked for again under the same key it is the same one, to the byte.
	first := p.Want(p.Ask("POST", "/v1/orders", p.Wish(1, story.Today()), "Idempotency-Key", "our summer"), 201, "")
	again := p.Want(p.Ask("POST", "/v1/orders", p.Wish(1, story.Today()), "Idempotency-Key", "our summer"), 201, "")
	if !bytes.Equal(first.Body, again.Body) || first.Header.Get("Location") != again.Header.Get("Location") {
		t.Errorf("again the order is\n%s, not\n%s", again.Body, first.Body)
	}
	p.Want(p.Ask("POST", "/v1/orders", p.Wish(3, story.Today()), "Idempotency-Key", "our summer"), 409, "idempotency_key_reused")
	o := story.Read[story.OrderPage](p, first, 201)
	if o.State != "placed" || o.Price != plans.Plans[0].Price || o.EndsOn != story.Today().AddMonths(1).String() || o.ValidThrough != story.Today().AddMonths(1).AddDays(-1).String() {
		t.Errorf("the order is %+v", o)
	}
	form := p.Pay(o.Number, "swedbank")
	p.Want(p.Ask("GET", story.Chapter, nil), 403, "NO_LICENSE")
	p.Returned(p.Back(p.At(form, "action=pay&notice=before")), o.Number)
	o = p.Paid(o.Number)
	if o.License == nil || o.License.State != "active" || len(o.RefundCases) > 0 {
		t.Fatalf("the paid order is %+v", o)
	}
	again = p.Want(p.Ask("POST", "/v1/orders", p.Wish(1, story.Today()), "Idempotency-Key", "our summer"), 201, "")
	if !bytes.Equal(first.Body, again.Body) {
		t.Errorf("after it was paid the order is\n%s, not\n%s", again.Body, first.Body)
	}
	p.Want(p.Ask("POST", "/v1/orders/"+o.Number+"/payments", map[string]string{"method": "bank_link", "bank": "seb"}), 409, "order_paid")
	p.Want(p.Ask("DELETE", "/v1/orders/"+o.Number, nil), 409, "order_paid")

	// Reading.
	read1 := story.Read[struct {
		Number     int
		Title      string
		Paragraphs []string
	}](p, p.Ask("GET", story.Chapter, nil), 200)
	if read1.Number != 1 || len(read1.Paragraphs) == 0 {
		t.Errorf("the chapter is %+v", read1)
	}
	door = story.Read[story.OpenedWork](p, p.Ask("GET", story.Work, nil), 200)
	if !door.Allowed || door.Code != "VALID" || door.LicenseID != o.License.ID || len(door.Contents) == 0 {
		t.Errorf("with a license: %+v", door)
	}
	p.Want(p.Ask("GET", story.Work+"/chapters/99", nil), 404, "no_such_chapter")
	l := story.Read[story.LicensePage](p, p.Ask("GET", "/v1/licenses/"+o.License.ID, nil), 200)
	if l.State != "active" || l.Order != o.Number || !l.StartsAt.Equal(story.Today().Start(civil.Tallinn)) || !l.EndsAt.Equal(story.Today().AddMonths(1).Start(civil.Tallinn)) {
		t.Errorf("the license is %+v", l)
	}

	// Each letter once.
	letters := []string{story.Subject("verify"), story.Subject("payment_receipt", "{order}", o.Number), story.Subject("order_confirmation", "{order}", o.Number), story.Subject("license_active")}
	p.Gets(letters...)
	receipt := p.Mail(story.Subject("payment_receipt", "{order}", o.Number))
	for _, fact := range []string{o.Number, fmt.Sprintf("%d.%02d", o.Price.Gross.Amount/100, o.Price.Gross.Amount%100), "24"} {
		if !strings.Contains(receipt.Text, fact) || !strings.Contains(receipt.HTML, fact) {
			t.Errorf("the receipt does not hold %s:\n%s", fact, receipt.Text)
		}
	}

	// Time goes by; the schedule fires at each moment more than once, and an hour before it.
	for _, moment := range []struct {
		at     time.Time
		letter string
	}{
		{l.EndsAt.Add(-14 * day), story.Subject("license_ends_soon", "{days}", "14 days")},
		{l.EndsAt.Add(-3 * day), story.Subject("license_ends_soon", "{days}", "3 days")},
		{l.EndsAt, story.Subject("license_ended")},
	} {
		s.Schedule(t, "license-expiry", moment.at.Add(-time.Hour))
		p.Gets(letters...)
		s.Schedule(t, "license-expiry", moment.at)
		s.Schedule(t, "license-expiry", moment.at)
		s.Schedule(t, "license-expiry", moment.at.Add(time.Hour))
		letters = append(letters, moment.letter)
		p.Gets(letters...)
	}
}

func TestALicenseForALaterDayOpensOnThatDay(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	starts := story.Today().AddDays(7)
	o := p.Buy(12, starts, "lhv")
	if o.License.State != "scheduled" || o.License.StartsOn != starts.String() || o.License.ValidThrough != starts.AddMonths(12).AddDays(-1).String() {
		t.Errorf("the license is %+v", o.License)
	}
	p.Want(p.Ask("GET", story.Chapter, nil), 403, "NOT_STARTED")
	door := story.Read[story.OpenedWork](p, p.Ask("GET", story.Work, nil), 200)
	if door.Allowed || door.Code != "NOT_STARTED" || !door.At.Equal(starts.Start(civil.Tallinn)) {
		t.Errorf("before the first day: %+v", door)
	}
	letters := []string{story.Subject("verify"), story.Subject("payment_receipt", "{order}", o.Number), story.Subject("order_confirmation", "{order}", o.Number)}
	p.Gets(letters...)
	s.Schedule(t, "license-activation", starts.Start(civil.Tallinn).Add(-time.Second))
	p.Gets(letters...)
	for range 2 {
		s.Schedule(t, "license-activation", starts.Start(civil.Tallinn))
		p.Gets(append(letters, story.Subject("license_active"))...)
	}
	// The letter is not the key: what opens is decided by the clock when it is asked.
	p.Want(p.Ask("GET", story.Chapter, nil), 403, "NOT_STARTED")
	if events := story.Read[story.LicensePage](p, p.Ask("GET", "/v1/licenses/"+o.License.ID, nil), 200).Events; len(events) != 2 {
		t.Errorf("the license's history is %+v", events)
	}
	if all := story.Read[struct{ Licenses []story.LicensePage }](p, p.Ask("GET", "/v1/licenses", nil), 200); len(all.Licenses) != 1 || all.Licenses[0].ID != o.License.ID {
		t.Errorf("the licenses are %+v", all)
	}
}

func TestAForgottenPasswordIsReplacedAndEverySessionEnds(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	kitchen := p.Browser
	p.Browser = p.Open()
	p.SignIn()
	p.Browser = p.Open() // a third, which never signed in
	p.Want(p.Ask("POST", "/v1/password/forgot", map[string]string{"email": p.Email}), 202, "")
	token := p.Token(story.Subject("password_reset"))
	fresh := s.Known.Password(story.Keys.Add(1) + 1_000_000)
	p.Want(p.Ask("POST", "/v1/password/reset", map[string]string{"token": token + "x", "password": fresh}), 409, "link_invalid")
	p.Want(p.Ask("POST", "/v1/password/reset", map[string]string{"token": token, "password": fresh}), 204, "")
	p.Want(p.Ask("POST", "/v1/password/reset", map[string]string{"token": token, "password": fresh}), 409, "link_invalid")
	p.Browser = kitchen
	p.Want(p.Ask("GET", "/v1/session", nil), 401, "not_signed_in")
	p.Want(p.Ask("GET", "/v1/licenses", nil), 401, "not_signed_in")
	p.Want(p.Ask("POST", "/v1/session", map[string]string{"email": p.Email, "password": p.Password}), 401, "wrong_credentials")
	p.Password = fresh
	p.SignIn()
	p.Gets(story.Subject("verify"), story.Subject("password_reset"), story.Subject("password_changed"))
}

func TestWhoSignsOutIsOut(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	kitchen := p.Browser
	p.Browser = p.Open()
	p.SignIn()
	p.Browser = kitchen
	cookies := kitchen.Jar.Cookies(p.Home())
	p.Want(p.Ask("DELETE", "/v1/session", nil), 204, "")
	p.Want(p.Ask("GET", "/v1/session", nil), 401, "not_signed_in")
	p.Browser = p.Open()
	p.Browser.Jar.SetCookies(p.Home(), cookies) // somebody kept the cookie
	p.Want(p.Ask("GET", "/v1/session", nil), 401, "not_signed_in")
	p.Want(p.Ask("DELETE", "/v1/session", nil), 204, "")
}

func TestAKnownAddressIsToldByMailOnly(t *testing.T) {
	s := story.Shared(t)
	p, stranger := s.Member(t), s.Visitor(t)
	stranger.Email = p.Email
	first := s.Visitor(t)
	want := first.Want(first.Ask("POST", "/v1/signup", first.Registration()), 202, "")
	got := p.Want(stranger.Ask("POST", "/v1/signup", stranger.Registration()), 202, "")
	if !bytes.Equal(want.Body, got.Body) {
		t.Errorf("a known address is answered %s, a new one %s", got.Body, want.Body)
	}
	p.Gets(story.Subject("verify"), story.Subject("account_exists"))
	p.SignIn()
}

func TestALostMailIsSentAgainWhenAskedFor(t *testing.T) {
	s := story.Shared(t)
	p := s.Visitor(t)
	p.SignUp()
	p.Mail(story.Subject("verify"))
	time.Sleep(1100 * time.Millisecond) // one letter a second
	p.Want(p.Ask("POST", "/v1/signup/resend", map[string]string{"email": p.Email}), 202, "")
	p.Gets(story.Subject("verify"), story.Subject("verify"))
	p.Verify()
	p.SignIn()
	p.Want(p.Ask("POST", "/v1/account/acceptances", map[string]any{"accept": []story.Accepting{{Document: "privacy", Version: p.Terms("privacy")}}}), 204, "")
	p.Want(p.Ask("POST", "/v1/account/acceptances", map[string]any{"accept": []story.Accepting{{Document: "use", Version: "1999-01-01"}}}), 409, "terms_outdated")
	nobody := s.Visitor(t)
	p.Want(nobody.Ask("POST", "/v1/signup/resend", map[string]string{"email": nobody.Email}), 202, "")
	p.Want(nobody.Ask("POST", "/v1/password/forgot", map[string]string{"email": nobody.Email}), 202, "")
	nobody.Gets()
}
