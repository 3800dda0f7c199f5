package main

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"opiq/local/template"
	"opiq/shared/banklink"
	"opiq/shared/order"
)

// public are the routes that ask nobody to sign in. Every other route of the template must.
var public = []string{
	"POST /v1/signup", "POST /v1/signup/verify", "POST /v1/signup/resend", "POST /v1/password/forgot", "POST /v1/password/reset",
	"POST /v1/session", "DELETE /v1/session", // whoever is signed out already may sign out
	"GET /v1/terms/{document}", "GET /v1/catalog/works", "GET /v1/catalog/works/{id}", "GET /v1/catalog/plans",
	"GET /v1/callbacks/banklink/{bank}", "POST /v1/callbacks/banklink/{bank}", // the bank signs
	"GET /v1/callbacks/card", "POST /v1/callbacks/card", "GET /v1/callbacks/card/{attempt}", // only a hint
}

// forStaff tells whether a route is for staff and their machines: a buyer hears so, whatever they name or send.
func forStaff(r template.Route) bool {
	return strings.Contains(r.Path, "/refunds") || slices.ContainsFunc([]string{"/v1/statements", "/v1/reconciliation", "/v1/payouts"}, func(begin string) bool {
		return strings.HasPrefix(r.Path, begin)
	})
}

// routes are the template's routes, sorted.
func (s *shop) routes() (all []template.Route) {
	for _, f := range s.Template.Functions {
		all = append(all, f.Routes...)
	}
	slices.SortFunc(all, func(a, b template.Route) int { return strings.Compare(a.Key(), b.Key()) })
	return all
}

var parameter = regexp.MustCompile(`{\w+}`)

// The file of a credit invoice, and a refund: nobody's here.
const (
	credit = "2026-000001.pdf"
	refund = "1111111111-000000000000"
)

// body is what a route is sent so that it has nothing to complain of but the caller.
func (p *shopper) body(route string) any {
	return map[string]any{
		"POST /v1/orders":                   p.wish(1, today()),
		"POST /v1/orders/{number}/payments": map[string]string{"method": "bank_link", "bank": "lhv"},
		"POST /v1/account/acceptances":      map[string]any{"accept": []accepting{{"use", p.terms("use")}}},
	}[route]
}

func TestARouteThatIsNotPublicKnowsWhoAsks(t *testing.T) {
	s := story(t)
	mari := s.member(t)
	o := mari.buy(12, today(), "lhv")
	cookie := mari.browser.Jar.Cookies(mari.home())[0]
	mari.want(mari.ask("DELETE", "/v1/session", nil), 204, "")
	id, secret, _ := strings.Cut(cookie.Value, ".")
	nobody := s.visitor(t)
	cookies := map[string]string{
		"no cookie": "", "no value": "session=", "not a token": "session=admin", "another secret": "session=" + id + "." + strings.Repeat("0", 64),
		"nobody": "session=" + strings.Repeat("0", 32) + "." + secret, "a session that ended": "session=" + cookie.Value, "two": "session=" + cookie.Value + "; session=x",
	}
	checked := 0
	for _, r := range s.routes() {
		if slices.Contains(public, r.Key()) {
			continue
		}
		checked++
		values := map[string]string{"{number}": o.Number, "{n}": "1", "{id}": o.License.ID, "{entry}": strings.Repeat("0", 32), "{credit}": credit, "{refund}": refund}
		if strings.Contains(r.Path, "/works/") {
			values["{id}"] = "w001"
		}
		path := parameter.ReplaceAllStringFunc(r.Path, func(name string) string { return values[name] })
		for name, cookie := range cookies {
			a := nobody.ask(r.Method, path, nobody.body(r.Key()), "Cookie", cookie, "Idempotency-Key", "k")
			if a.status != 401 || a.code() != "not_signed_in" {
				t.Errorf("%s with %s: %d %s", r.Key(), name, a.status, a.body)
			}
		}
	}
	t.Logf("%d routes × %d cookies", checked, len(cookies))
	for _, key := range public {
		if !slices.ContainsFunc(s.routes(), func(r template.Route) bool { return r.Key() == key }) {
			t.Errorf("%s is no route", key)
		}
	}
}

// everybodys are the routes whose path names something that belongs to nobody.
var everybodys = []string{
	"GET /v1/terms/{document}", "GET /v1/catalog/works/{id}", "GET /v1/library/works/{id}", "GET /v1/library/works/{id}/chapters/{n}",
	"GET /v1/callbacks/banklink/{bank}", "POST /v1/callbacks/banklink/{bank}", "GET /v1/callbacks/card/{attempt}",
}

func TestWhatIsSomebodyElsesIsNotThere(t *testing.T) {
	s := story(t)
	mari, jaan := s.member(t), s.member(t)
	paid, waiting := mari.buy(12, today(), "lhv"), mari.order(12, today())
	form := mari.pay(waiting.Number, "seb")
	before := []string{mari.state(paid), mari.state(waiting)}
	checked := 0
	for _, r := range s.routes() {
		if !strings.Contains(r.Path, "{") || slices.Contains(everybodys, r.Key()) {
			continue
		}
		checked++
		at := func(number, license string) answer {
			path := strings.NewReplacer("{number}", number, "{id}", license, "{entry}", number, "{credit}", credit, "{refund}", refund).Replace(r.Path)
			return jaan.ask(r.Method, path, jaan.body(r.Key()), "Idempotency-Key", "k")
		}
		nobodys, want := at("9999999999", "L9999999999"), 404
		if forStaff(r) {
			want = 403
		}
		if nobodys.status != want || nobodys.code() == "" {
			t.Errorf("%s of nobody's: %d %s", r.Key(), nobodys.status, nobodys.body)
		}
		for _, c := range []struct{ name, number, license string }{
			{"somebody else's", paid.Number, paid.License.ID},
			{"somebody else's, unpaid", waiting.Number, "L" + waiting.Number},
			{"no number", "0000000000", "L"},
			{"a question", "1%20OR%201=1", "L1%20OR%201=1"},
			{"a long one", strings.Repeat("1", 3000), strings.Repeat("1", 3000)},
			{"control characters", "%00%0A", "%C0%AE%00"},
		} {
			if a := at(c.number, c.license); a.status != want || !bytes.Equal(a.body, nobodys.body) {
				t.Errorf("%s of %s: %d %s", r.Key(), c.name, a.status, a.body)
			}
		}
		if a := at("..%2F..%2FACCOUNT", "..%2F..%2FACCOUNT"); a.status != 404 {
			t.Errorf("%s on another path: %d %s", r.Key(), a.status, a.body)
		}
	}
	if t.Logf("%d routes", checked); checked < 4 {
		t.Errorf("only %d routes name something that is somebody's", checked)
	}
	if after := []string{mari.state(paid), mari.state(waiting)}; !slices.Equal(before, after) {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
	for _, path := range []string{"/v1/orders", "/v1/licenses"} {
		if a := jaan.want(jaan.ask("GET", path, nil), 200, ""); bytes.Contains(a.body, []byte(paid.Number)) {
			t.Errorf("%s of somebody else: %s", path, a.body)
		}
	}
	jaan.want(jaan.ask("GET", chapter, nil), 403, "NO_LICENSE")
	// Who pays another's order pays it for the other, and sees nothing of it.
	jaan.returned(jaan.back(jaan.at(form, "action=pay&notice=before")), waiting.Number)
	mari.paid(waiting.Number)
	jaan.want(jaan.ask("GET", "/v1/orders/"+waiting.Number, nil), 404, "order_not_found")
	jaan.want(jaan.ask("GET", chapter, nil), 403, "NO_LICENSE")
}

// state is all that the buyer sees of an order.
func (p *shopper) state(o orderPage) string {
	return string(p.want(p.ask("GET", "/v1/orders/"+o.Number, nil), 200, "").body)
}

func TestABodyThatIsNoneIsRefused(t *testing.T) {
	s := story(t)
	buyer, liis := s.member(t), s.finance(t)
	o := buyer.order(12, today())
	deep := strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000)
	for _, r := range s.routes() {
		if r.Method != "POST" || strings.Contains(r.Path, "/callbacks/") {
			continue
		}
		p, path := buyer, s.URL+strings.NewReplacer("{number}", o.Number, "{entry}", strings.Repeat("0", 32), "{refund}", refund).Replace(r.Path)
		if forStaff(r) {
			p = liis
		}
		for _, c := range []struct {
			name, kind, body string
			status           int
			code             string
			pointer          string
		}{
			{"over 64 KiB", "application/json", `{"email":"` + strings.Repeat("x", 64<<10) + `"}`, 413, "body_too_large", ""},
			{"not JSON", "application/json", `{"email":`, 400, "not_json", ""},
			{"nothing", "application/json", "", 400, "not_json", ""},
			{"a list", "application/json", "[]", 400, "not_json", ""},
			{"two objects", "application/json", "{}{}", 400, "not_json", ""},
			{"a name twice", "application/json", `{"email":"a@b.ee","email":"c@d.ee"}`, 400, "not_json", ""},
			{"very deep", "application/json", deep, 400, "not_json", ""},
			{"a form", "application/x-www-form-urlencoded", "email=a%40b.ee", 415, "unsupported_media_type", ""},
			{"an unknown field", "application/json", `{"admin":true}`, 422, "invalid", "/admin"},
		} {
			a := p.send("POST", path, []byte(c.body), "Content-Type", c.kind, "Idempotency-Key", "k")
			if a.status != c.status || a.code() != c.code || c.pointer != "" && !slices.Contains(a.pointers(), c.pointer) {
				t.Errorf("%s with %s: %d %.200s", r.Key(), c.name, a.status, a.body)
			}
		}
		a := p.send("POST", path, []byte("{}"), "Content-Type", "application/json", "Sec-Fetch-Site", "cross-site")
		if a.status != 403 || a.code() != "cross_site" {
			t.Errorf("%s from a page of another site: %d %s", r.Key(), a.status, a.body)
		}
	}
	if a := buyer.send("DELETE", s.URL+"/v1/orders/"+o.Number, nil, "Sec-Fetch-Site", "cross-site"); a.status != 403 {
		t.Errorf("another site cancels: %d %s", a.status, a.body)
	}
}

func TestEveryWrongFieldIsNamed(t *testing.T) {
	s := story(t)
	p := s.member(t)
	o := p.order(12, today())
	use := []accepting{{"use", p.terms("use")}}
	without := func(body map[string]any, change map[string]any) map[string]any {
		for name, v := range change {
			if body[name] = v; v == nil {
				delete(body, name)
			}
		}
		return body
	}
	payments := "/v1/orders/" + o.Number + "/payments"
	for _, c := range []struct {
		name, path string
		body       any
		status     int
		code       string
		pointers   []string
	}{
		{"nothing", "/v1/signup", map[string]any{}, 422, "invalid", []string{"/accept", "/email", "/firstName", "/language", "/lastName", "/password"}},
		{"wrong types", "/v1/signup", map[string]any{"email": 1, "password": []int{}, "firstName": nil, "lastName": map[string]int{}, "language": true, "accept": "yes", "marketing": "no"}, 422, "invalid",
			[]string{"/accept", "/email", "/firstName", "/language", "/lastName", "/marketing", "/password"}},
		{"two addresses", "/v1/signup", without(p.registration(), map[string]any{"email": "a@b.ee, c@d.ee"}), 422, "invalid", []string{"/email"}},
		{"a header in the address", "/v1/signup", without(p.registration(), map[string]any{"email": "a@b.ee\r\nBcc: c@d.ee"}), 422, "invalid", []string{"/email"}},
		{"a short password", "/v1/signup", without(p.registration(), map[string]any{"password": "kuu"}), 422, "invalid", []string{"/password"}},
		{"a password that everybody tries", "/v1/signup", without(p.registration(), map[string]any{"password": "Password1"}), 422, "invalid", []string{"/password"}},
		{"a long password", "/v1/signup", without(p.registration(), map[string]any{"password": strings.Repeat("õ", 257)}), 422, "invalid", []string{"/password"}},
		{"an unknown language", "/v1/signup", without(p.registration(), map[string]any{"language": "fi"}), 422, "invalid", []string{"/language"}},
		{"other terms only", "/v1/signup", without(p.registration(), map[string]any{"accept": []accepting{{"privacy", p.terms("privacy")}}}), 422, "invalid", []string{"/accept"}},
		{"old terms", "/v1/signup", without(p.registration(), map[string]any{"accept": []accepting{{"use", "1999-01-01"}}}), 409, "terms_outdated", nil},
		{"a field of ours", "/v1/signup", without(p.registration(), map[string]any{"id": "1", "holds": []any{}}), 422, "invalid", []string{"/holds", "/id"}},
		{"nothing", "/v1/session", map[string]any{}, 422, "invalid", []string{"/email", "/password"}},
		{"no link", "/v1/signup/verify", map[string]any{"token": ""}, 422, "invalid", []string{"/token"}},
		{"a made-up link", "/v1/signup/verify", map[string]any{"token": "a.b.c"}, 409, "link_invalid", nil},
		{"no address", "/v1/signup/resend", map[string]any{"email": "Mari"}, 422, "invalid", []string{"/email"}},
		{"no address", "/v1/password/forgot", map[string]any{}, 422, "invalid", []string{"/email"}},
		{"a short password", "/v1/password/reset", map[string]any{"token": "x", "password": "kuu"}, 422, "invalid", []string{"/password"}},
		{"nothing to accept", "/v1/account/acceptances", map[string]any{"accept": []accepting{}}, 422, "invalid", []string{"/accept"}},
		{"an unknown document", "/v1/account/acceptances", map[string]any{"accept": append(use, accepting{"war", "1"})}, 422, "invalid", []string{"/accept/1/document"}},

		{"nothing", "/v1/orders", map[string]any{}, 422, "invalid", []string{"/immediateSupply", "/months", "/orderTerms", "/startsOn"}},
		{"yesterday", "/v1/orders", p.wish(1, today().AddDays(-1)), 422, "invalid", []string{"/startsOn"}},
		{"a year and a day ahead", "/v1/orders", p.wish(1, today().AddDays(order.Horizon+1)), 422, "invalid", []string{"/startsOn"}},
		{"a length without a plan", "/v1/orders", p.wish(2, today()), 422, "invalid", []string{"/months"}},
		{"both wrong", "/v1/orders", p.wish(13, today().AddDays(-1)), 422, "invalid", []string{"/months", "/startsOn"}},
		{"a debt", "/v1/orders", p.wish(-12, today()), 422, "invalid", []string{"/months"}},
		{"half a month", "/v1/orders", without(p.wish(1, today()), map[string]any{"months": 1.5}), 422, "invalid", []string{"/months"}},
		{"31 April", "/v1/orders", without(p.wish(1, today()), map[string]any{"startsOn": "2027-04-31"}), 422, "invalid", []string{"/startsOn"}},
		{"a price of one's own", "/v1/orders", without(p.wish(1, today()), map[string]any{"price": 1, "state": "paid"}), 422, "invalid", []string{"/price", "/state"}},
		{"no consent", "/v1/orders", without(p.wish(1, today()), map[string]any{"immediateSupply": false}), 422, "invalid", []string{"/immediateSupply"}},
		{"no terms", "/v1/orders", without(p.wish(1, today()), map[string]any{"orderTerms": nil}), 422, "invalid", []string{"/orderTerms"}},
		{"old terms", "/v1/orders", without(p.wish(1, today()), map[string]any{"orderTerms": "1999-01-01"}), 409, "terms_outdated", nil},
		{"nothing", payments, map[string]any{}, 422, "invalid", []string{"/method"}},
		{"no bank", payments, map[string]any{"method": "bank_link"}, 422, "invalid", []string{"/bank"}},
		{"an unknown bank", payments, map[string]any{"method": "bank_link", "bank": "sampo"}, 422, "invalid", []string{"/bank"}},
		{"an unknown method", payments, map[string]any{"method": "cash", "bank": "lhv"}, 422, "invalid", []string{"/method"}},
		{"a bank for an invoice", payments, map[string]any{"method": "invoice", "bank": "lhv"}, 422, "invalid", []string{"/bank"}},
		{"a bank for a card", payments, map[string]any{"method": "card", "bank": "lhv"}, 422, "invalid", []string{"/bank"}},
		{"a school for a card", payments, map[string]any{"method": "card", "buyer": map[string]string{"name": "Kool"}}, 422, "invalid", []string{"/buyer"}},
		{"a card's number", payments, map[string]any{"method": "card", "number": "4111111111111111"}, 422, "invalid", []string{"/number"}},
		{"other money", payments, map[string]any{"method": "offset"}, 422, "invalid", []string{"/method"}},
		{"a school for a bank", payments, map[string]any{"method": "bank_link", "bank": "lhv", "buyer": map[string]string{"name": "Kool"}}, 422, "invalid", []string{"/buyer"}},
		{"nobody for an invoice", payments, map[string]any{"method": "invoice", "buyer": map[string]string{"registryCode": strings.Repeat("7", 16)}}, 422, "invalid", []string{"/buyer/name", "/buyer/registryCode"}},
	} {
		a := p.ask("POST", c.path, c.body, "Idempotency-Key", fmt.Sprint("wrong-", keys.Add(1)))
		if a.status != c.status || a.code() != c.code || !slices.Equal(a.pointers(), c.pointers) {
			t.Errorf("%s with %s: %d %s", c.path, c.name, a.status, a.body)
		}
	}
	p.want(p.ask("POST", "/v1/orders", p.wish(1, today())), 400, "idempotency_key_required")
	p.want(p.ask("POST", "/v1/orders", p.wish(1, today()), "Idempotency-Key", strings.Repeat("k", 256)), 400, "idempotency_key_required")
	for path, want := range map[string]int{
		"/v1/catalog/works?limit=0": 422, "/v1/catalog/works?limit=101": 422, "/v1/catalog/works?grade=13": 422, "/v1/catalog/works?language=fi": 422,
		"/v1/catalog/works?cursor=%00": 422, "/v1/catalog/works?q=" + strings.Repeat("x", 2000): 422, "/v1/catalog/works?q=%3Cscript%3E": 200,
		"/v1/catalog/works/w999": 404, "/v1/terms/war": 404, "/v1/terms/use?lang=fi": 422, chapter[:len(chapter)-1] + "0": 403, "/v1/library/works/w999": 404,
	} {
		if a := p.ask("GET", path, nil); a.status != want {
			t.Errorf("%.100s: %d %.200s", path, a.status, a.body)
		}
	}
	if orders := read[struct{ Orders []orderPage }](p, p.ask("GET", "/v1/orders", nil), 200).Orders; len(orders) != 1 {
		t.Errorf("%d orders were placed", len(orders))
	}
}

func TestWhatHasNoRouteIsNotThere(t *testing.T) {
	s := story(t)
	p := s.member(t)
	for _, route := range []string{
		"GET /v1", "GET /v1/", "GET /v1/nothing", "GET /v1/orders/", "GET /v1/orders/1/2/3", "GET /V1/orders", "GET /v1/../template.yaml", "GET /.env", "GET /v1/signup",
		"PUT /v1/orders", "PATCH /v1/session", "DELETE /v1/orders", "HEAD /v1/catalog/plans", "OPTIONS /v1/orders", "TRACE /v1/session", "POST /", "POST /v1/catalog/works",
	} {
		method, path, _ := strings.Cut(route, " ")
		if a := p.ask(method, path, nil, "Origin", "https://other.example"); a.status != 404 || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %s", route, a.status, a.body)
		}
	}
}

func TestTenWrongPasswordsAreEnough(t *testing.T) {
	s := story(t)
	known, unknown := s.member(t), s.visitor(t)
	var refused [][]byte
	for _, p := range []*shopper{known, unknown} {
		for range 10 {
			a := p.want(p.ask("POST", "/v1/session", map[string]string{"email": p.email, "password": p.password + "!"}), 401, "wrong_credentials")
			refused = append(refused, a.body)
		}
		a := p.want(p.ask("POST", "/v1/session", map[string]string{"email": p.email, "password": p.password}), 429, "too_many_tries")
		if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 800 || wait > 900 {
			t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
		}
	}
	if len(slices.CompactFunc(refused, bytes.Equal)) != 1 {
		t.Errorf("the refusals are not all alike: %s", refused)
	}
	known.want(known.ask("GET", "/v1/session", nil), 200, "") // the kitchen is still signed in
}

func TestAnAddressIsNotFloodedWithMail(t *testing.T) {
	s := story(t)
	p := s.member(t)
	for path, free := range map[string]int{"/v1/password/forgot": 5, "/v1/signup/resend": 5, "/v1/signup": 4} { // one sign-up was
		body := any(map[string]string{"email": p.email})
		if path == "/v1/signup" {
			body = p.registration()
		}
		for range free {
			p.want(p.ask("POST", path, body), 202, "")
		}
		if a := p.want(p.ask("POST", path, body), 429, "too_many_letters"); a.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	s.rest(t, 20*time.Second)
	if n := len(p.mails()); n > 15 {
		t.Errorf("%d mails came", n)
	}
}

func TestNamesAreTextAndNeverRun(t *testing.T) {
	s := story(t)
	for first, want := range map[string]string{
		`<img src=x onerror=alert(1)>`:          `<img src=x onerror=alert(1)>`,
		"Mari\r\nBcc: everybody@example.ee\x00": "MariBcc: everybody@example.ee",
		`"Mari" & {{.Password}} ${PEPPER} %s`:   `"Mari" & {{.Password}} ${PEPPER} %s`,
		"  \u0007Õnne\u0301\u202e ":             "Õnné\u202e",
	} {
		p := s.visitor(t)
		body := p.registration()
		body["firstName"], body["lastName"] = first, "</title><script>alert(2)</script>"
		p.want(p.ask("POST", "/v1/signup", body), 202, "")
		p.verify()
		a := p.signIn()
		if got := read[struct{ Account struct{ FirstName string } }](p, a, 200).Account.FirstName; got != want {
			t.Errorf("%q became %q", first, got)
		}
		if bytes.Contains(a.body, []byte("<")) {
			t.Errorf("an answer holds HTML: %s", a.body)
		}
		o := p.order(12, today())
		for _, m := range []string{subject("verify"), subject("order_confirmation", "{order}", o.Number)} {
			mail := p.mail(m)
			if strings.Contains(mail.HTML, "<script") || strings.Contains(mail.HTML, "<img") || mail.To != p.email {
				t.Errorf("the mail to %s is %s", mail.To, mail.HTML)
			}
			if m != subject("verify") && want == `<img src=x onerror=alert(1)>` && !strings.Contains(mail.Text, want) {
				t.Errorf("the name is not text: %s", mail.Text)
			}
		}
	}
	if n := len(s.Mail.Mail("everybody@example.ee")); n > 0 {
		t.Errorf("%d mails went to an address in a name", n)
	}
}

// TestAnAnswerThatIsNotTheBanksChangesNothing: the door refuses what is not signed as agreed; settlement refuses what is
// signed and not what the attempt asked for. Either way the person reads a calm page and the order stays as it was.
func TestAnAnswerThatIsNotTheBanksChangesNothing(t *testing.T) {
	s := story(t)
	p := s.member(t)
	tricks := map[string]string{ // and the reason that is counted
		"mac": "mac", "key": "mac", "version": "version", "receiver": "receiver", "account": "account", "currency": "currency",
		"amount": "wrong_amount", "reference": "wrong_reference", "stamp": "unknown_attempt",
	}
	for _, bank := range banks {
		o := p.order(12, today())
		for trick, reason := range tricks {
			settled := strings.Contains(reason, "_")
			metric := map[bool]string{false: "BanklinkRefused", true: "PaymentRefused"}[settled]
			counted := s.counted(metric, reason)
			refused := len(s.ledger(t).Refused)
			form := p.pay(o.Number, bank)
			before := p.state(o)
			back := p.at(form, "action=pay&notice=before&tamper="+trick)
			a := p.back(back)
			if settled {
				if a.status != 303 {
					t.Errorf("%s, %s: %d %s", bank, trick, a.status, a.body)
				}
				until(t, 20*time.Second, func() string {
					if now := len(s.ledger(t).Refused); now <= refused {
						return fmt.Sprintf("%s, %s: %d records of refused notices", bank, trick, now)
					}
					return ""
				})
			} else {
				calm(t, a)
			}
			s.rest(t, 20*time.Second)
			if now := s.counted(metric, reason); now < counted+1 {
				t.Errorf("%s, %s: the metric %s counts %s %d times, before %d", bank, trick, metric, reason, now, counted)
			}
			if after := p.state(o); after != before {
				t.Errorf("%s, %s: the order was\n%s\nand is\n%s", bank, trick, before, after)
			}
		}
	}
	if l := s.ledger(t); len(l.Refused) < 3*len(banks) {
		t.Errorf("%d refused notices are on record", len(l.Refused))
	}
	p.want(p.ask("GET", chapter, nil), 403, "NO_LICENSE")
}

// counted is how often a metric was counted for a reason.
func (s *shop) counted(metric, reason string) (n int) {
	for line := range strings.Lines(s.journal.String()) {
		if strings.Contains(line, `"`+metric+`":1`) && strings.Contains(line, `"reason":"`+reason+`"`) {
			n++
		}
	}
	return n
}

// calm wants a page that a person can read without fear.
func calm(t *testing.T, a answer) {
	t.Helper()
	page := string(a.body)
	if a.status != 400 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !strings.Contains(page, `<html lang="en">`) ||
		!strings.Contains(page, "lost") || !strings.Contains(page, "pay again") || strings.Contains(page, "<script") || strings.Contains(page, "VK_") {
		t.Errorf("the page is %d %s", a.status, page)
	}
}

func TestWhatComesToTheBanksDoorIsReadWithCare(t *testing.T) {
	s := story(t)
	p := s.member(t)
	o := p.order(12, today())
	back := p.at(p.pay(o.Number, "lhv"), "action=pay&notice=never")
	before := p.state(o)
	const door = "/v1/callbacks/banklink/"
	for name, form := range map[string]banklink.Form{
		"nothing":             {Method: "POST", Action: s.URL + door + "lhv"},
		"nothing, asked":      {Method: "GET", Action: s.URL + door + "lhv"},
		"too much":            {Method: "POST", Action: s.URL + door + "lhv", Fields: map[string]string{"VK_MSG": strings.Repeat("x", 70<<10)}},
		"another bank's":      {Method: "POST", Action: s.URL + door + "coop", Fields: back.Fields},
		"HTML":                {Method: "POST", Action: s.URL + door + "lhv", Fields: map[string]string{"VK_LANG": "<script>", "VK_STAMP": "<script>alert(1)</script>", "VK_SERVICE": "1111"}},
		"our own order again": {Method: "POST", Action: s.URL + door + "lhv", Fields: p.pay(o.Number, "lhv").Fields},
	} {
		t.Run(name, func(t *testing.T) {
			calm(t, p.as(t).send(form.Method, form.Action, encode(form), "Content-Type", "application/x-www-form-urlencoded", "Accept-Language", "en"))
		})
	}
	if a := p.send("POST", s.URL+door+"sampo", encode(back), "Content-Type", "application/x-www-form-urlencoded"); a.status != 404 {
		t.Errorf("an unknown bank: %d %s", a.status, a.body)
	}
	for name := range back.Fields { // one more character in any signed field, and it is no longer the bank's word
		if name == "VK_AUTO" || name == "VK_LANG" || name == "VK_ENCODING" {
			continue // not signed
		}
		changed := banklink.Form{Method: back.Method, Action: back.Action, Fields: map[string]string{}}
		for n, v := range back.Fields {
			changed.Fields[n] = v
		}
		changed.Fields[name] += "1"
		if a := p.back(changed); a.status != 400 {
			t.Errorf("%s was changed: %d %s", name, a.status, a.body)
		}
	}
	if now := p.see(o.Number); now.State != "placed" || now.License != nil {
		t.Errorf("the order was\n%s\nand is %+v", before, now)
	}
	p.returned(p.back(back), o.Number) // the bank's own word, unchanged
	p.paid(o.Number)
}

func TestWhatComesToTheCardsDoorIsReadWithCare(t *testing.T) {
	s := story(t)
	p := s.member(t)
	o := p.order(12, today())
	reference := p.card(o.Number)
	before := p.state(o)
	door := s.URL + "/v1/callbacks/card"
	for name, said := range map[string]string{
		"nothing": "", "another name": "reference=" + reference, "a short one": "payment_reference=abc", "capitals": "payment_reference=" + strings.ToUpper(reference),
		"two": "payment_reference=" + reference + "&payment_reference=" + reference, "a path": "payment_reference=..%2Frefund%3F" + reference,
		"HTML": "payment_reference=<script>alert(1)</script>", "a long one": "payment_reference=" + strings.Repeat("0", 129), "no form": "%zz",
	} {
		for _, a := range []answer{
			p.send("GET", door+"?"+said, nil), p.send("POST", door, []byte(said), "Content-Type", "application/x-www-form-urlencoded"),
		} {
			if a.status != 400 || a.code() != "no_payment_reference" || bytes.Contains(a.body, []byte("<script")) {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		// Who returns with it is sent on, to this shop and nowhere else.
		for path, to := range map[string]string{
			"/" + o.Number + "123456789": "/orders/" + o.Number, "/0": "/orders", "/other.example": "/orders", "/" + o.Number: "/orders",
		} {
			if a := p.send("GET", door+path+"?"+said, nil, "Sec-Fetch-Site", "cross-site"); a.status != 303 || a.header.Get("Location") != s.URL+to {
				t.Errorf("%s, returning to %s: %d %q", name, path, a.status, a.header.Get("Location"))
			}
		}
	}
	s.rest(t, 20*time.Second)
	if after := p.state(o); after != before {
		t.Errorf("the order was\n%s\nand is\n%s", before, after)
	}
}

func TestTheCookieIsHiddenFromPages(t *testing.T) {
	s := story(t)
	p := s.member(t)
	a := p.signIn()
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name != "session" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("the cookie is %s", c.Raw)
		}
	}
}
