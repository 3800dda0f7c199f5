package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"opiq/shared/civil"
)

const day = 24 * time.Hour

func TestAFamilyReadsFromTheFirstDayToTheLast(t *testing.T) {
	s := story(t)
	p := s.visitor(t)
	credentials := map[string]string{"email": p.email, "password": p.password}

	// An account.
	p.signUp()
	p.want(p.ask("POST", "/v1/session", credentials), 401, "wrong_credentials") // the address is not proved yet
	token := p.token(subject("verify"))
	p.want(p.ask("POST", "/v1/signup/verify", map[string]string{"token": token}), 204, "")
	p.want(p.ask("POST", "/v1/signup/verify", map[string]string{"token": token}), 409, "link_invalid")
	p.signIn()
	who := read[struct {
		Account struct{ Email, FirstName string }
	}](p, p.ask("GET", "/v1/session", nil), 200)
	if who.Account.Email != p.email || who.Account.FirstName != "Mari" {
		t.Errorf("signed in is %+v", who)
	}

	// The catalog, which everybody may keep.
	for _, path := range []string{"/v1/catalog/works?q=matemaatika&grade=1&limit=3", "/v1/catalog/works/w001", "/v1/catalog/plans", "/v1/terms/order?lang=ru"} {
		first := p.want(p.ask("GET", path, nil), 200, "")
		tag := first.header.Get("ETag")
		again := p.ask("GET", path, nil, "If-None-Match", tag)
		if tag == "" || again.status != 304 || len(again.body) > 0 || !strings.HasPrefix(first.header.Get("Cache-Control"), "public, max-age=") {
			t.Errorf("%s: ETag %s, then %d with %d bytes, %s", path, tag, again.status, len(again.body), first.header.Get("Cache-Control"))
		}
	}
	found := read[struct {
		Works []struct{ ID, Title string }
		Total int
	}](p, p.ask("GET", "/v1/catalog/works?q=MATEMAATIKA&limit=3", nil), 200)
	if len(found.Works) != 3 || found.Total < 3 {
		t.Errorf("found %+v", found)
	}
	plans := read[struct {
		Plans []struct {
			Months int
			Price  price
		}
	}](p, p.ask("GET", "/v1/catalog/plans", nil), 200)
	if len(plans.Plans) != 5 || plans.Plans[0].Months != 1 {
		t.Fatalf("the plans are %+v", plans)
	}

	// Nothing opens before there is a license.
	door := read[openedWork](p, p.ask("GET", work, nil), 200)
	if door.Allowed || door.Code != "NO_LICENSE" || len(door.Contents) > 0 {
		t.Errorf("before there is a license: %+v", door)
	}
	p.want(p.ask("GET", chapter, nil), 403, "NO_LICENSE")

	// The order. Asked for again under the same key it is the same one, to the byte.
	first := p.want(p.ask("POST", "/v1/orders", p.wish(1, today()), "Idempotency-Key", "our summer"), 201, "")
	again := p.want(p.ask("POST", "/v1/orders", p.wish(1, today()), "Idempotency-Key", "our summer"), 201, "")
	if !bytes.Equal(first.body, again.body) || first.header.Get("Location") != again.header.Get("Location") {
		t.Errorf("again the order is\n%s, not\n%s", again.body, first.body)
	}
	p.want(p.ask("POST", "/v1/orders", p.wish(3, today()), "Idempotency-Key", "our summer"), 409, "idempotency_key_reused")
	o := read[orderPage](p, first, 201)
	if o.State != "placed" || o.Price != plans.Plans[0].Price || o.EndsOn != today().AddMonths(1).String() || o.ValidThrough != today().AddMonths(1).AddDays(-1).String() {
		t.Errorf("the order is %+v", o)
	}
	form := p.pay(o.Number, "swedbank")
	p.want(p.ask("GET", chapter, nil), 403, "NO_LICENSE")
	p.returned(p.back(p.at(form, "action=pay&notice=before")), o.Number)
	o = p.paid(o.Number)
	if o.License == nil || o.License.State != "active" || len(o.RefundCases) > 0 {
		t.Fatalf("the paid order is %+v", o)
	}
	again = p.want(p.ask("POST", "/v1/orders", p.wish(1, today()), "Idempotency-Key", "our summer"), 201, "")
	if !bytes.Equal(first.body, again.body) {
		t.Errorf("after it was paid the order is\n%s, not\n%s", again.body, first.body)
	}
	p.want(p.ask("POST", "/v1/orders/"+o.Number+"/payments", map[string]string{"method": "bank_link", "bank": "seb"}), 409, "order_paid")
	p.want(p.ask("DELETE", "/v1/orders/"+o.Number, nil), 409, "order_paid")

	// Reading.
	read1 := read[struct {
		Number     int
		Title      string
		Paragraphs []string
	}](p, p.ask("GET", chapter, nil), 200)
	if read1.Number != 1 || len(read1.Paragraphs) == 0 {
		t.Errorf("the chapter is %+v", read1)
	}
	door = read[openedWork](p, p.ask("GET", work, nil), 200)
	if !door.Allowed || door.Code != "VALID" || door.LicenseID != o.License.ID || len(door.Contents) == 0 {
		t.Errorf("with a license: %+v", door)
	}
	p.want(p.ask("GET", work+"/chapters/99", nil), 404, "no_such_chapter")
	l := read[licensePage](p, p.ask("GET", "/v1/licenses/"+o.License.ID, nil), 200)
	if l.State != "active" || l.Order != o.Number || !l.StartsAt.Equal(today().Start(civil.Tallinn)) || !l.EndsAt.Equal(today().AddMonths(1).Start(civil.Tallinn)) {
		t.Errorf("the license is %+v", l)
	}

	// Each letter once.
	letters := []string{subject("verify"), subject("payment_receipt", "{order}", o.Number), subject("order_confirmation", "{order}", o.Number), subject("license_active")}
	p.gets(letters...)
	receipt := p.mail(subject("payment_receipt", "{order}", o.Number))
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
		{l.EndsAt.Add(-14 * day), subject("license_ends_soon", "{days}", "14 days")},
		{l.EndsAt.Add(-3 * day), subject("license_ends_soon", "{days}", "3 days")},
		{l.EndsAt, subject("license_ended")},
	} {
		s.schedule(t, "license-expiry", moment.at.Add(-time.Hour))
		p.gets(letters...)
		s.schedule(t, "license-expiry", moment.at)
		s.schedule(t, "license-expiry", moment.at)
		s.schedule(t, "license-expiry", moment.at.Add(time.Hour))
		letters = append(letters, moment.letter)
		p.gets(letters...)
	}
}

// gets waits until all has come to rest and wants exactly these mails to have come, each once.
func (p *shopper) gets(subjects ...string) {
	p.t.Helper()
	p.shop.rest(p.t, 30*time.Second)
	slices.Sort(subjects)
	if got := p.subjects(); !slices.Equal(got, subjects) {
		p.t.Errorf("the mails are\n%q, want\n%q", got, subjects)
	}
}

func TestALicenseForALaterDayOpensOnThatDay(t *testing.T) {
	s := story(t)
	p := s.member(t)
	starts := today().AddDays(7)
	o := p.buy(12, starts, "lhv")
	if o.License.State != "scheduled" || o.License.StartsOn != starts.String() || o.License.ValidThrough != starts.AddMonths(12).AddDays(-1).String() {
		t.Errorf("the license is %+v", o.License)
	}
	p.want(p.ask("GET", chapter, nil), 403, "NOT_STARTED")
	door := read[openedWork](p, p.ask("GET", work, nil), 200)
	if door.Allowed || door.Code != "NOT_STARTED" || !door.At.Equal(starts.Start(civil.Tallinn)) {
		t.Errorf("before the first day: %+v", door)
	}
	letters := []string{subject("verify"), subject("payment_receipt", "{order}", o.Number), subject("order_confirmation", "{order}", o.Number)}
	p.gets(letters...)
	s.schedule(t, "license-activation", starts.Start(civil.Tallinn).Add(-time.Second))
	p.gets(letters...)
	for range 2 {
		s.schedule(t, "license-activation", starts.Start(civil.Tallinn))
		p.gets(append(letters, subject("license_active"))...)
	}
	// The letter is not the key: what opens is decided by the clock when it is asked.
	p.want(p.ask("GET", chapter, nil), 403, "NOT_STARTED")
	if events := read[licensePage](p, p.ask("GET", "/v1/licenses/"+o.License.ID, nil), 200).Events; len(events) != 2 {
		t.Errorf("the license's history is %+v", events)
	}
	if all := read[struct{ Licenses []licensePage }](p, p.ask("GET", "/v1/licenses", nil), 200); len(all.Licenses) != 1 || all.Licenses[0].ID != o.License.ID {
		t.Errorf("the licenses are %+v", all)
	}
}

func TestAForgottenPasswordIsReplacedAndEverySessionEnds(t *testing.T) {
	s := story(t)
	p := s.member(t)
	kitchen := p.browser
	p.browser = p.open()
	p.signIn()
	p.browser = p.open() // a third, which never signed in
	p.want(p.ask("POST", "/v1/password/forgot", map[string]string{"email": p.email}), 202, "")
	token := p.token(subject("password_reset"))
	fresh := s.known.password(keys.Add(1) + 1_000_000)
	p.want(p.ask("POST", "/v1/password/reset", map[string]string{"token": token + "x", "password": fresh}), 409, "link_invalid")
	p.want(p.ask("POST", "/v1/password/reset", map[string]string{"token": token, "password": fresh}), 204, "")
	p.want(p.ask("POST", "/v1/password/reset", map[string]string{"token": token, "password": fresh}), 409, "link_invalid")
	p.browser = kitchen
	p.want(p.ask("GET", "/v1/session", nil), 401, "not_signed_in")
	p.want(p.ask("GET", "/v1/licenses", nil), 401, "not_signed_in")
	p.want(p.ask("POST", "/v1/session", map[string]string{"email": p.email, "password": p.password}), 401, "wrong_credentials")
	p.password = fresh
	p.signIn()
	p.gets(subject("verify"), subject("password_reset"), subject("password_changed"))
}

func TestWhoSignsOutIsOut(t *testing.T) {
	s := story(t)
	p := s.member(t)
	kitchen := p.browser
	p.browser = p.open()
	p.signIn()
	p.browser = kitchen
	cookies := kitchen.Jar.Cookies(p.home())
	p.want(p.ask("DELETE", "/v1/session", nil), 204, "")
	p.want(p.ask("GET", "/v1/session", nil), 401, "not_signed_in")
	p.browser = p.open()
	p.browser.Jar.SetCookies(p.home(), cookies) // somebody kept the cookie
	p.want(p.ask("GET", "/v1/session", nil), 401, "not_signed_in")
	p.want(p.ask("DELETE", "/v1/session", nil), 204, "")
}

func TestAKnownAddressIsToldByMailOnly(t *testing.T) {
	s := story(t)
	p, stranger := s.member(t), s.visitor(t)
	stranger.email = p.email
	first := s.visitor(t)
	want := first.want(first.ask("POST", "/v1/signup", first.registration()), 202, "")
	got := p.want(stranger.ask("POST", "/v1/signup", stranger.registration()), 202, "")
	if !bytes.Equal(want.body, got.body) {
		t.Errorf("a known address is answered %s, a new one %s", got.body, want.body)
	}
	p.gets(subject("verify"), subject("account_exists"))
	p.signIn()
}

func TestALostMailIsSentAgainWhenAskedFor(t *testing.T) {
	s := story(t)
	p := s.visitor(t)
	p.signUp()
	p.mail(subject("verify"))
	time.Sleep(1100 * time.Millisecond) // one letter a second
	p.want(p.ask("POST", "/v1/signup/resend", map[string]string{"email": p.email}), 202, "")
	p.gets(subject("verify"), subject("verify"))
	p.verify()
	p.signIn()
	p.want(p.ask("POST", "/v1/account/acceptances", map[string]any{"accept": []accepting{{"privacy", p.terms("privacy")}}}), 204, "")
	p.want(p.ask("POST", "/v1/account/acceptances", map[string]any{"accept": []accepting{{"use", "1999-01-01"}}}), 409, "terms_outdated")
	nobody := s.visitor(t)
	p.want(nobody.ask("POST", "/v1/signup/resend", map[string]string{"email": nobody.email}), 202, "")
	p.want(nobody.ask("POST", "/v1/password/forgot", map[string]string{"email": nobody.email}), 202, "")
	nobody.gets()
}
