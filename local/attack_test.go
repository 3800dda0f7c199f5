package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"opiq/local/story"
	"opiq/local/template"
	"opiq/shared/banklink"
	"opiq/shared/order"
)

// public are the routes that ask nobody to sign in. Every other route of the template must.
var public = []string{
	"POST /v1/signup", "POST /v1/signup/verify", "POST /v1/signup/resend", "POST /v1/password/forgot", "POST /v1/password/reset",
	"POST /v1/session", "DELETE /v1/session", // whoever is signed out already may sign out
	"GET /v1/terms/{document}", "GET /v1/catalog/works", "GET /v1/catalog/works/{id}", "GET /v1/catalog/plans", "GET /v1/payment-methods",
	"GET /v1/callbacks/banklink/{bank}", "POST /v1/callbacks/banklink/{bank}", // the bank signs
	"GET /v1/callbacks/card", "POST /v1/callbacks/card", "GET /v1/callbacks/card/{attempt}", // only a hint
	"POST /v1/works/{id}/takedown-reports",             // anybody may say that a work is theirs
	"GET /", "GET /{page+}", "HEAD /", "HEAD /{page+}", // the same for everybody: scripts fill them through the API
}

// desks are where staff work: the roles by what their routes begin with.
var desks = map[string][]string{
	"finance": {"/v1/statements", "/v1/reconciliation", "/v1/payouts", sales},
	"support": {"/v1/holds", "/v1/accounts", "/v1/groups"},
	"editor":  {"/v1/works", "/v1/takedown-reports", "/v1/price-lists"},
}

// sales is where orders are found: support comes there too.
const sales = "/v1/staff/orders"

// roleFor is the role that a route is for, "" where it is not for staff.
func roleFor(r template.Route) string {
	switch {
	case slices.Contains(public, r.Key()):
		return ""
	case strings.Contains(r.Path, "/refunds"):
		return "finance"
	}
	for role, begins := range desks {
		if slices.ContainsFunc(begins, func(begin string) bool { return strings.HasPrefix(r.Path, begin) }) {
			return role
		}
	}
	return ""
}

// forStaff tells whether a route is for staff and their machines: a buyer hears so, whatever they name or send.
func forStaff(r template.Route) bool {
	return roleFor(r) != ""
}

// routes are the template's routes, sorted.
func routes(s *story.Shop) (all []template.Route) {
	for _, f := range s.Template.Functions {
		all = append(all, f.Routes...)
	}
	slices.SortFunc(all, func(a, b template.Route) int { return strings.Compare(a.Key(), b.Key()) })
	return all
}

var parameter = regexp.MustCompile(`{\w+\+?}`)

// The file of a credit invoice, a refund, and the id of an entry, an account or a hold: nobody's here.
const (
	credit  = "2026-000001.pdf"
	refund  = "1111111111-000000000000"
	nothing = "00000000000000000000000000000000"
)

// body is what a route is sent so that it has nothing to complain of but the caller.
func body(p *story.Shopper, route string) any {
	return map[string]any{
		"POST /v1/orders":                   p.Wish(1, story.Today()),
		"POST /v1/orders/{number}/payments": map[string]string{"method": "bank_link", "bank": "lhv"},
		"POST /v1/account/acceptances":      map[string]any{"accept": []story.Accepting{{Document: "use", Version: p.Terms("use")}}},
		"PATCH /v1/account":                 map[string]string{"firstName": "Mari", "lastName": "Maasikas", "language": "et"},
		"POST /v1/account/password":         map[string]string{"old": "x", "new": "kolm väikest põrsast"},
		"POST /v1/account/closing":          map[string]string{"password": "x"},
	}[route]
}

// at is the path of a route with an order and a license that there are, and else with what there may be.
func at(r template.Route, number, license string) string {
	values := map[string]string{
		"{number}": number, "{n}": "1", "{id}": license, "{entry}": nothing, "{credit}": credit, "{refund}": refund,
		"{note}": "one", "{name+}": "one.txt", "{group}": "class:10001234-3b", "{account}": nothing, "{validFrom}": "2027-01-01",
	}
	switch {
	case strings.Contains(r.Path, "/works/"):
		values["{id}"] = "w001"
	case strings.Contains(r.Path, "/holds/"):
		values["{id}"] = nothing
	case strings.Contains(r.Path, "/takedown-reports/"):
		values["{id}"] = strings.Repeat("0", 16)
	}
	return parameter.ReplaceAllStringFunc(r.Path, func(name string) string { return values[name] })
}

func TestARouteThatIsNotPublicKnowsWhoAsks(t *testing.T) {
	s := story.Shared(t)
	mari := s.Member(t)
	o := mari.Buy(12, story.Today(), "lhv")
	cookie := mari.Browser.Jar.Cookies(mari.Home())[0]
	mari.Want(mari.Ask("DELETE", "/v1/session", nil), 204, "")
	id, secret, _ := strings.Cut(cookie.Value, ".")
	nobody := s.Visitor(t)
	cookies := map[string]string{
		"no cookie": "", "no value": "session=", "not a token": "session=admin", "another secret": "session=" + id + "." + strings.Repeat("0", 64),
		"nobody": "session=" + strings.Repeat("0", 32) + "." + secret, "a session that ended": "session=" + cookie.Value, "two": "session=" + cookie.Value + "; session=x",
	}
	checked := 0
	for _, r := range routes(s) {
		if slices.Contains(public, r.Key()) {
			continue
		}
		checked++
		path := at(r, o.Number, o.License.ID)
		for name, cookie := range cookies {
			a := nobody.Ask(r.Method, path, body(nobody, r.Key()), "Cookie", cookie, "Idempotency-Key", "k")
			if a.Status != 401 || a.Code() != "not_signed_in" {
				t.Errorf("%s with %s: %d %s", r.Key(), name, a.Status, a.Body)
			}
		}
	}
	t.Logf("%d routes × %d cookies", checked, len(cookies))
	for _, key := range public {
		if !slices.ContainsFunc(routes(s), func(r template.Route) bool { return r.Key() == key }) {
			t.Errorf("%s is no route", key)
		}
	}
}

// everybodys are the routes whose path names something that belongs to nobody.
var everybodys = []string{
	"GET /{page+}", "HEAD /{page+}", "GET /v1/terms/{document}", "GET /v1/catalog/works/{id}", "POST /v1/works/{id}/takedown-reports",
	"GET /v1/library/works/{id}", "GET /v1/library/works/{id}/files", "GET /v1/library/works/{id}/files/{name+}", "GET /v1/library/works/{id}/chapters/{n}",
	// What somebody leaves in a work is looked for among what is theirs: see TestWhatSomebodyLeavesInAWorkIsTheirs.
	"GET /v1/library/works/{id}/marks", "PUT /v1/library/works/{id}/chapters/{n}/bookmark", "DELETE /v1/library/works/{id}/chapters/{n}/bookmark",
	"PUT /v1/library/works/{id}/notes/{note}", "DELETE /v1/library/works/{id}/notes/{note}",
	"GET /v1/callbacks/banklink/{bank}", "POST /v1/callbacks/banklink/{bank}", "GET /v1/callbacks/card/{attempt}",
}

func TestWhatIsSomebodyElsesIsNotThere(t *testing.T) {
	s := story.Shared(t)
	mari, jaan := s.Member(t), s.Member(t)
	paid, waiting := mari.Buy(12, story.Today(), "lhv"), mari.Order(12, story.Today())
	form := mari.Pay(waiting.Number, "seb")
	before := []string{state(mari, paid), state(mari, waiting)}
	checked := 0
	for _, r := range routes(s) {
		if !strings.Contains(r.Path, "{") || slices.Contains(everybodys, r.Key()) {
			continue
		}
		checked++
		at := func(number, license string) story.Answer {
			path := strings.NewReplacer("{number}", number, "{id}", license, "{entry}", number, "{credit}", credit, "{refund}", refund,
				"{group}", license, "{account}", number, "{validFrom}", number).Replace(r.Path)
			return jaan.Ask(r.Method, path, body(jaan, r.Key()), "Idempotency-Key", "k")
		}
		nobodys, want := at("9999999999", "L9999999999"), 404
		if forStaff(r) {
			want = 403
		}
		if nobodys.Status != want || nobodys.Code() == "" {
			t.Errorf("%s of nobody's: %d %s", r.Key(), nobodys.Status, nobodys.Body)
		}
		for _, c := range []struct{ name, number, license string }{
			{"somebody else's", paid.Number, paid.License.ID},
			{"somebody else's, unpaid", waiting.Number, "L" + waiting.Number},
			{"no number", "0000000000", "L"},
			{"a question", "1%20OR%201=1", "L1%20OR%201=1"},
			{"a long one", strings.Repeat("1", 3000), strings.Repeat("1", 3000)},
			{"control characters", "%00%0A", "%C0%AE%00"},
		} {
			if a := at(c.number, c.license); a.Status != want || !bytes.Equal(a.Body, nobodys.Body) {
				t.Errorf("%s of %s: %d %s", r.Key(), c.name, a.Status, a.Body)
			}
		}
		if a := at("..%2F..%2FACCOUNT", "..%2F..%2FACCOUNT"); a.Status != 404 {
			t.Errorf("%s on another path: %d %s", r.Key(), a.Status, a.Body)
		}
	}
	if t.Logf("%d routes", checked); checked < 4 {
		t.Errorf("only %d routes name something that is somebody's", checked)
	}
	if after := []string{state(mari, paid), state(mari, waiting)}; !slices.Equal(before, after) {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
	for _, path := range []string{"/v1/orders", "/v1/licenses"} {
		if a := jaan.Want(jaan.Ask("GET", path, nil), 200, ""); bytes.Contains(a.Body, []byte(paid.Number)) {
			t.Errorf("%s of somebody else: %s", path, a.Body)
		}
	}
	jaan.Want(jaan.Ask("GET", story.Chapter, nil), 403, "NO_LICENSE")
	// Who pays another's order pays it for the other, and sees nothing of it.
	jaan.Returned(jaan.Back(jaan.At(form, "action=pay&notice=before")), waiting.Number)
	mari.Paid(waiting.Number)
	jaan.Want(jaan.Ask("GET", "/v1/orders/"+waiting.Number, nil), 404, "order_not_found")
	jaan.Want(jaan.Ask("GET", story.Chapter, nil), 403, "NO_LICENSE")
}

// state is all that the buyer sees of an order.
func state(p *story.Shopper, o story.OrderPage) string {
	return string(p.Want(p.Ask("GET", "/v1/orders/"+o.Number, nil), 200, "").Body)
}

// bodiless are the routes that change something and have no body: the path says it all.
var bodiless = []string{"PUT /v1/library/works/{id}/chapters/{n}/bookmark", "PUT /v1/groups/{group}/members/{account}", "POST /v1/holds/{id}/approval", "PUT /v1/account/consents/marketing"}

func TestABodyThatIsNoneIsRefused(t *testing.T) {
	s := story.Shared(t)
	buyer := s.Member(t)
	license, o := buyer.Buy(12, story.Today(), "lhv").License.ID, buyer.Order(12, story.Today())
	staff := map[string]*story.Shopper{}
	for role := range desks {
		staff[role] = s.Employee(t, s.Staff.In(role))
	}
	hold := holds(staff["support"], "group:class:10001234-nobody", "unacceptable")
	deep := strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000)
	for _, r := range routes(s) {
		if r.Method != "POST" && r.Method != "PUT" || strings.Contains(r.Path, "/callbacks/") || slices.Contains(bodiless, r.Key()) {
			continue
		}
		p, path := buyer, s.URL+strings.ReplaceAll(at(r, o.Number, license), "/holds/"+nothing, "/holds/"+hold)
		if role := roleFor(r); role != "" {
			p = staff[role]
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
			a := p.Send(r.Method, path, []byte(c.body), "Content-Type", c.kind, "Idempotency-Key", "k")
			if a.Status != c.status || a.Code() != c.code || c.pointer != "" && !slices.Contains(a.Pointers(), c.pointer) {
				t.Errorf("%s with %s: %d %.200s", r.Key(), c.name, a.Status, a.Body)
			}
		}
		a := p.Send(r.Method, path, []byte("{}"), "Content-Type", "application/json", "Sec-Fetch-Site", "cross-site")
		if a.Status != 403 || a.Code() != "cross_site" {
			t.Errorf("%s from a page of another site: %d %s", r.Key(), a.Status, a.Body)
		}
	}
	lifts(staff["support"], hold)
	if a := buyer.Send("DELETE", s.URL+"/v1/orders/"+o.Number, nil, "Sec-Fetch-Site", "cross-site"); a.Status != 403 {
		t.Errorf("another site cancels: %d %s", a.Status, a.Body)
	}
}

// TestStaffDoWhatTheirRoleIsForAndNoMore: nobody of another role comes to a desk, whatever they send. Who places a hold on a work looks
// after works, so that editors come to the desk of holds too.
func TestStaffDoWhatTheirRoleIsForAndNoMore(t *testing.T) {
	s := story.Shared(t)
	o := s.Member(t).Buy(1, story.Today(), "lhv")
	for role := range desks {
		p := s.Employee(t, s.Staff.In(role))
		for _, r := range routes(s) {
			is := roleFor(r)
			if is == "" || is == role || role == "editor" && strings.HasPrefix(r.Path, "/v1/holds/") || role == "support" && strings.HasPrefix(r.Path, sales) {
				continue
			}
			a := p.Ask(r.Method, at(r, o.Number, o.License.ID), map[string]any{"on": "account:" + nothing}, "Idempotency-Key", "k")
			if a.Status != 403 || a.Code() != "not_allowed" {
				t.Errorf("%s by %s: %d %s", r.Key(), role, a.Status, a.Body)
			}
		}
	}
}

// TestWhatSomebodyLeavesInAWorkIsTheirs: of two who read the same work under the same names each finds what they wrote, and nobody
// else's word is in an answer, a line of the log or the activity log.
func TestWhatSomebodyLeavesInAWorkIsTheirs(t *testing.T) {
	s := story.Shared(t)
	mari, jaan, kati := s.Member(t), s.Member(t), s.Member(t)
	const work, note = "/v1/library/works/w003", "/v1/library/works/w003/notes/one"
	const secret = "Päevik: homme ujuma"
	for _, p := range []*story.Shopper{mari, jaan} {
		p.Buy(1, story.Today(), "lhv")
	}
	mari.Want(mari.Ask("PUT", note, map[string]any{"chapter": 1, "text": secret}), 200, "")
	mari.Want(mari.Ask("PUT", work+"/chapters/1/bookmark", nil), 200, "")
	if left := story.Read[marks](jaan, jaan.Ask("GET", work+"/marks", nil), 200); left.Place != nil || len(left.Notes)+len(left.Bookmarks) > 0 {
		t.Errorf("in a work that others marked there are %+v", left)
	}
	jaan.Want(jaan.Ask("DELETE", note, nil), 404, "no_such_note")
	jaan.Want(jaan.Ask("DELETE", work+"/chapters/1/bookmark", nil), 404, "no_such_bookmark")
	jaan.Want(jaan.Ask("PUT", note, map[string]any{"chapter": 2, "text": "Mine"}), 200, "")
	kati.Want(kati.Ask("PUT", note, map[string]any{"chapter": 1, "text": "Nothing is paid"}), 403, "NO_LICENSE")
	kati.Want(kati.Ask("PUT", work+"/chapters/1/bookmark", nil), 403, "NO_LICENSE")
	for _, name := range []string{"..%2F..%2FA%23ACCOUNT", "%23", "One", strings.Repeat("x", 41)} {
		if a := mari.Ask("PUT", work+"/notes/"+name, map[string]any{"chapter": 1, "text": "x"}); a.Status != 404 {
			t.Errorf("a note called %s: %d %s", name, a.Status, a.Body)
		}
	}
	if left := story.Read[marks](mari, mari.Ask("GET", work+"/marks", nil), 200); len(left.Notes) != 1 || left.Notes[0].Text != secret || len(left.Bookmarks) != 1 {
		t.Errorf("left in the work are %+v", left)
	}
	s.Rest(t, 20*time.Second)
	for _, other := range []*story.Shopper{jaan, kati} {
		if strings.Contains(s.Got(other.Email).String(), secret) {
			t.Error("somebody else's note was shown")
		}
	}
	if lines := fmt.Sprint(s.Ledger(t).Lines); strings.Contains(lines, secret) || strings.Contains(s.Journal.String(), secret) {
		t.Error("a note is written down where it does not belong")
	}
}

// TestAStrangersReportDoesNothingByItself: a work stays open however many say that it is theirs, nobody is written to, and who floods
// us waits.
func TestAStrangersReportDoesNothingByItself(t *testing.T) {
	s := story.Shared(t)
	p, flood := s.Member(t), s.Visitor(t)
	p.Buy(1, story.Today(), "lhv")
	if runtime.GOOS == "linux" { // which lets us come from another address, so that other stories are not made to wait
		wires := flood.Browser.Transport.(*http.Transport)
		wires.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}).DialContext
	} else {
		t.Log("only Linux has more addresses of its own than one: the flood comes from where everybody comes from")
	}
	const path = "/v1/works/w004/takedown-reports"
	claim := func(text string) map[string]any {
		return map[string]any{"name": "<script>alert(1)</script>", "email": "victim@elsewhere.example", "claim": text, "goodFaith": true}
	}
	flood.Want(flood.Ask("POST", "/v1/works/w999/takedown-reports", claim("It is all mine.")), 404, "unknown_work")
	taken, waits := 0, 0
	for i := range 15 {
		another := fmt.Sprintf("203.0.113.%d", i) // is what it says; we know better
		switch a := flood.Ask("POST", path, claim(fmt.Sprint("It is all mine, part ", i)), "Opiq-Viewer", another, "X-Forwarded-For", another); {
		case a.Status == 202:
			taken++
		case a.Status == 429 && a.Code() == "too_many_reports" && a.Header.Get("Retry-After") != "":
			waits++
		default:
			t.Errorf("report %d: %d %s", i, a.Status, a.Body)
		}
	}
	if taken == 0 || taken > 10 || waits == 0 {
		t.Errorf("%d reports were taken, and %d have to wait", taken, waits)
	}
	opens(p, "w004", "VALID")
	s.Rest(t, 20*time.Second)
	if n := len(s.Mail.Mail("victim@elsewhere.example")); n > 0 {
		t.Errorf("%d mails went to an address that nobody has proved", n)
	}
	// A stranger decides nothing, and reads nothing of what others say.
	for _, route := range []string{"GET /v1/takedown-reports", "GET /v1/works", "POST /v1/holds"} {
		method, path, _ := strings.Cut(route, " ")
		flood.Want(flood.Ask(method, path, map[string]any{"on": "work:w004"}, "Idempotency-Key", "k"), 401, "not_signed_in")
		p.Want(p.Ask(method, path, map[string]any{"on": "work:w004"}, "Idempotency-Key", "k"), 403, "not_allowed")
	}
	eve := s.Employee(t, s.Staff.In("editor"))
	seen := eve.Want(eve.Ask("GET", "/v1/takedown-reports?limit=100", nil), 200, "")
	if bytes.Contains(seen.Body, []byte("<script")) || !bytes.Contains(seen.Body, []byte("It is all mine, part 0")) {
		t.Errorf("staff see %s", seen.Body)
	}
}

func TestEveryWrongFieldIsNamed(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	o := p.Order(12, story.Today())
	use := []story.Accepting{{Document: "use", Version: p.Terms("use")}}
	without := func(body map[string]any, change map[string]any) map[string]any {
		for name, v := range change {
			if body[name] = v; v == nil {
				delete(body, name)
			}
		}
		return body
	}
	payments, report := "/v1/orders/"+o.Number+"/payments", "/v1/works/w001/takedown-reports"
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
		{"two addresses", "/v1/signup", without(p.Registration(), map[string]any{"email": "a@b.ee, c@d.ee"}), 422, "invalid", []string{"/email"}},
		{"a header in the address", "/v1/signup", without(p.Registration(), map[string]any{"email": "a@b.ee\r\nBcc: c@d.ee"}), 422, "invalid", []string{"/email"}},
		{"a short password", "/v1/signup", without(p.Registration(), map[string]any{"password": "kuu"}), 422, "invalid", []string{"/password"}},
		{"a password that everybody tries", "/v1/signup", without(p.Registration(), map[string]any{"password": "Password1"}), 422, "invalid", []string{"/password"}},
		{"a long password", "/v1/signup", without(p.Registration(), map[string]any{"password": strings.Repeat("õ", 257)}), 422, "invalid", []string{"/password"}},
		{"an unknown language", "/v1/signup", without(p.Registration(), map[string]any{"language": "fi"}), 422, "invalid", []string{"/language"}},
		{"other terms only", "/v1/signup", without(p.Registration(), map[string]any{"accept": []story.Accepting{{Document: "privacy", Version: p.Terms("privacy")}}}), 422, "invalid", []string{"/accept"}},
		{"old terms", "/v1/signup", without(p.Registration(), map[string]any{"accept": []story.Accepting{{Document: "use", Version: "1999-01-01"}}}), 409, "terms_outdated", nil},
		{"a field of ours", "/v1/signup", without(p.Registration(), map[string]any{"id": "1", "holds": []any{}}), 422, "invalid", []string{"/holds", "/id"}},
		{"nothing", "/v1/session", map[string]any{}, 422, "invalid", []string{"/email", "/password"}},
		{"no link", "/v1/signup/verify", map[string]any{"token": ""}, 422, "invalid", []string{"/token"}},
		{"a made-up link", "/v1/signup/verify", map[string]any{"token": "a.b.c"}, 409, "link_invalid", nil},
		{"no address", "/v1/signup/resend", map[string]any{"email": "Mari"}, 422, "invalid", []string{"/email"}},
		{"no address", "/v1/password/forgot", map[string]any{}, 422, "invalid", []string{"/email"}},
		{"a short password", "/v1/password/reset", map[string]any{"token": "x", "password": "kuu"}, 422, "invalid", []string{"/password"}},
		{"nothing to accept", "/v1/account/acceptances", map[string]any{"accept": []story.Accepting{}}, 422, "invalid", []string{"/accept"}},
		{"an unknown document", "/v1/account/acceptances", map[string]any{"accept": append(use, story.Accepting{Document: "war", Version: "1"})}, 422, "invalid", []string{"/accept/1/document"}},

		{"nothing", "/v1/orders", map[string]any{}, 422, "invalid", []string{"/immediateSupply", "/months", "/orderTerms", "/startsOn"}},
		{"yesterday", "/v1/orders", p.Wish(1, story.Today().AddDays(-1)), 422, "invalid", []string{"/startsOn"}},
		{"a year and a day ahead", "/v1/orders", p.Wish(1, story.Today().AddDays(order.Horizon+1)), 422, "invalid", []string{"/startsOn"}},
		{"a length without a plan", "/v1/orders", p.Wish(2, story.Today()), 422, "invalid", []string{"/months"}},
		{"both wrong", "/v1/orders", p.Wish(13, story.Today().AddDays(-1)), 422, "invalid", []string{"/months", "/startsOn"}},
		{"a debt", "/v1/orders", p.Wish(-12, story.Today()), 422, "invalid", []string{"/months"}},
		{"half a month", "/v1/orders", without(p.Wish(1, story.Today()), map[string]any{"months": 1.5}), 422, "invalid", []string{"/months"}},
		{"31 April", "/v1/orders", without(p.Wish(1, story.Today()), map[string]any{"startsOn": "2027-04-31"}), 422, "invalid", []string{"/startsOn"}},
		{"a price of one's own", "/v1/orders", without(p.Wish(1, story.Today()), map[string]any{"price": 1, "state": "paid"}), 422, "invalid", []string{"/price", "/state"}},
		{"no consent", "/v1/orders", without(p.Wish(1, story.Today()), map[string]any{"immediateSupply": false}), 422, "invalid", []string{"/immediateSupply"}},
		{"no terms", "/v1/orders", without(p.Wish(1, story.Today()), map[string]any{"orderTerms": nil}), 422, "invalid", []string{"/orderTerms"}},
		{"old terms", "/v1/orders", without(p.Wish(1, story.Today()), map[string]any{"orderTerms": "1999-01-01"}), 409, "terms_outdated", nil},
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
		{"nothing", report, map[string]any{}, 422, "invalid", []string{"/claim", "/goodFaith"}},
		{"no good faith", report, map[string]any{"claim": "It is all mine.", "goodFaith": false, "email": "Mari"}, 422, "invalid", []string{"/email", "/goodFaith"}},
		{"a decision of theirs", report, map[string]any{"claim": "It is all mine.", "goodFaith": true, "state": "suspended"}, 422, "invalid", []string{"/state"}},
		{"nobody for an invoice", payments, map[string]any{"method": "invoice", "buyer": map[string]string{"registryCode": strings.Repeat("7", 16)}}, 422, "invalid", []string{"/buyer/name", "/buyer/registryCode"}},
	} {
		a := p.Ask("POST", c.path, c.body, "Idempotency-Key", fmt.Sprint("wrong-", story.Keys.Add(1)))
		if a.Status != c.status || a.Code() != c.code || !slices.Equal(a.Pointers(), c.pointers) {
			t.Errorf("%s with %s: %d %s", c.path, c.name, a.Status, a.Body)
		}
	}
	p.Want(p.Ask("POST", "/v1/orders", p.Wish(1, story.Today())), 400, "idempotency_key_required")
	p.Want(p.Ask("POST", "/v1/orders", p.Wish(1, story.Today()), "Idempotency-Key", strings.Repeat("k", 256)), 400, "idempotency_key_required")
	for path, want := range map[string]int{
		"/v1/catalog/works?limit=0": 422, "/v1/catalog/works?limit=101": 422, "/v1/catalog/works?grade=13": 422, "/v1/catalog/works?language=fi": 422,
		"/v1/catalog/works?cursor=%00": 422, "/v1/catalog/works?q=" + strings.Repeat("x", 2000): 422, "/v1/catalog/works?q=%3Cscript%3E": 200,
		"/v1/catalog/works/w999": 404, "/v1/terms/war": 404, "/v1/terms/use?lang=fi": 422, story.Chapter[:len(story.Chapter)-1] + "0": 403, "/v1/library/works/w999": 404,
	} {
		if a := p.Ask("GET", path, nil); a.Status != want {
			t.Errorf("%.100s: %d %.200s", path, a.Status, a.Body)
		}
	}
	if orders := story.Read[struct{ Orders []story.OrderPage }](p, p.Ask("GET", "/v1/orders", nil), 200).Orders; len(orders) != 1 {
		t.Errorf("%d orders were placed", len(orders))
	}
}

func TestWhatHasNoRouteIsNotThere(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	for status, routes := range map[int][]string{
		404: {
			"GET /v1", "GET /v1/", "GET /v1/nothing", "GET /v1/orders/", "GET /v1/orders/1/2/3", "GET /V1/orders", "GET /v1/../template.yaml", "GET /.env", "GET /v1/signup",
			"PUT /v1/orders", "PATCH /v1/session", "DELETE /v1/orders", "HEAD /v1/catalog/plans", "OPTIONS /v1/orders",
		},
		403: {"TRACE /v1/session", "POST /", "POST /v1/catalog/works"}, // the edge lets nobody write where answers are kept
	} {
		for _, route := range routes {
			method, path, _ := strings.Cut(route, " ")
			if a := p.Ask(method, path, nil, "Origin", "https://other.example"); a.Status != status || a.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: %d %s", route, a.Status, a.Body)
			}
		}
	}
}

func TestTenWrongPasswordsAreEnough(t *testing.T) {
	s := story.Shared(t)
	known, unknown := s.Member(t), s.Visitor(t)
	var refused [][]byte
	for _, p := range []*story.Shopper{known, unknown} {
		for range 10 {
			a := p.Want(p.Ask("POST", "/v1/session", map[string]string{"email": p.Email, "password": p.Password + "!"}), 401, "wrong_credentials")
			refused = append(refused, a.Body)
		}
		a := p.Want(p.Ask("POST", "/v1/session", map[string]string{"email": p.Email, "password": p.Password}), 429, "too_many_tries")
		if wait, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || wait < 800 || wait > 900 {
			t.Errorf("Retry-After is %q", a.Header.Get("Retry-After"))
		}
	}
	if len(slices.CompactFunc(refused, bytes.Equal)) != 1 {
		t.Errorf("the refusals are not all alike: %s", refused)
	}
	known.Want(known.Ask("GET", "/v1/session", nil), 200, "") // the kitchen is still signed in
}

func TestAnAddressIsNotFloodedWithMail(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	for path, free := range map[string]int{"/v1/password/forgot": 5, "/v1/signup/resend": 5, "/v1/signup": 4} { // one sign-up was
		body := any(map[string]string{"email": p.Email})
		if path == "/v1/signup" {
			body = p.Registration()
		}
		for range free {
			p.Want(p.Ask("POST", path, body), 202, "")
		}
		if a := p.Want(p.Ask("POST", path, body), 429, "too_many_letters"); a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	s.Rest(t, 20*time.Second)
	if n := len(p.Mails()); n > 15 {
		t.Errorf("%d mails came", n)
	}
}

func TestNamesAreTextAndNeverRun(t *testing.T) {
	s := story.Shared(t)
	for first, want := range map[string]string{
		`<img src=x onerror=alert(1)>`:          `<img src=x onerror=alert(1)>`,
		"Mari\r\nBcc: everybody@example.ee\x00": "MariBcc: everybody@example.ee",
		`"Mari" & {{.Password}} ${PEPPER} %s`:   `"Mari" & {{.Password}} ${PEPPER} %s`,
		"  \u0007Õnne\u0301\u202e ":             "Õnné\u202e",
	} {
		p := s.Visitor(t)
		body := p.Registration()
		body["firstName"], body["lastName"] = first, "</title><script>alert(2)</script>"
		p.Want(p.Ask("POST", "/v1/signup", body), 202, "")
		p.Verify()
		a := p.SignIn()
		if got := story.Read[struct{ Account struct{ FirstName string } }](p, a, 200).Account.FirstName; got != want {
			t.Errorf("%q became %q", first, got)
		}
		if bytes.Contains(a.Body, []byte("<")) {
			t.Errorf("an answer holds HTML: %s", a.Body)
		}
		o := p.Order(12, story.Today())
		for _, m := range []string{story.Subject("verify"), story.Subject("order_confirmation", "{order}", o.Number)} {
			mail := p.Mail(m)
			if strings.Contains(mail.HTML, "<script") || strings.Contains(mail.HTML, "<img") || mail.To != p.Email {
				t.Errorf("the mail to %s is %s", mail.To, mail.HTML)
			}
			if m != story.Subject("verify") && want == `<img src=x onerror=alert(1)>` && !strings.Contains(mail.Text, want) {
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
	s := story.Shared(t)
	p := s.Member(t)
	tricks := map[string]string{ // and the reason that is counted
		"mac": "mac", "key": "mac", "version": "version", "receiver": "receiver", "account": "account", "currency": "currency",
		"amount": "wrong_amount", "reference": "wrong_reference", "stamp": "unknown_attempt",
	}
	for _, bank := range story.Banks {
		o := p.Order(12, story.Today())
		for trick, reason := range tricks {
			settled := strings.Contains(reason, "_")
			metric := map[bool]string{false: "BanklinkRefused", true: "PaymentRefused"}[settled]
			first := counted(s, metric, reason)
			refused := len(s.Ledger(t).Refused)
			form := p.Pay(o.Number, bank)
			before := state(p, o)
			back := p.At(form, "action=pay&notice=before&tamper="+trick)
			a := p.Back(back)
			if settled {
				if a.Status != 303 {
					t.Errorf("%s, %s: %d %s", bank, trick, a.Status, a.Body)
				}
				story.Until(t, 20*time.Second, func() string {
					if now := len(s.Ledger(t).Refused); now <= refused {
						return fmt.Sprintf("%s, %s: %d records of refused notices", bank, trick, now)
					}
					return ""
				})
			} else {
				calm(t, a)
			}
			s.Rest(t, 20*time.Second)
			if now := counted(s, metric, reason); now < first+1 {
				t.Errorf("%s, %s: the metric %s counts %s %d times, before %d", bank, trick, metric, reason, now, first)
			}
			if after := state(p, o); after != before {
				t.Errorf("%s, %s: the order was\n%s\nand is\n%s", bank, trick, before, after)
			}
		}
	}
	if l := s.Ledger(t); len(l.Refused) < 3*len(story.Banks) {
		t.Errorf("%d refused notices are on record", len(l.Refused))
	}
	p.Want(p.Ask("GET", story.Chapter, nil), 403, "NO_LICENSE")
}

// counted is how often a metric was counted for a reason.
func counted(s *story.Shop, metric, reason string) (n int) {
	for line := range strings.Lines(s.Journal.String()) {
		if strings.Contains(line, `"`+metric+`":1`) && strings.Contains(line, `"reason":"`+reason+`"`) {
			n++
		}
	}
	return n
}

// calm wants a page that a person can read without fear.
func calm(t *testing.T, a story.Answer) {
	t.Helper()
	page := string(a.Body)
	if a.Status != 400 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || !strings.Contains(page, `<html lang="en">`) ||
		!strings.Contains(page, "lost") || !strings.Contains(page, "pay again") || strings.Contains(page, "<script") || strings.Contains(page, "VK_") {
		t.Errorf("the page is %d %s", a.Status, page)
	}
}

func TestWhatComesToTheBanksDoorIsReadWithCare(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	o := p.Order(12, story.Today())
	back := p.At(p.Pay(o.Number, "lhv"), "action=pay&notice=never")
	before := state(p, o)
	const door = "/v1/callbacks/banklink/"
	for name, form := range map[string]banklink.Form{
		"nothing":             {Method: "POST", Action: s.URL + door + "lhv"},
		"nothing, asked":      {Method: "GET", Action: s.URL + door + "lhv"},
		"too much":            {Method: "POST", Action: s.URL + door + "lhv", Fields: map[string]string{"VK_MSG": strings.Repeat("x", 70<<10)}},
		"another bank's":      {Method: "POST", Action: s.URL + door + "coop", Fields: back.Fields},
		"HTML":                {Method: "POST", Action: s.URL + door + "lhv", Fields: map[string]string{"VK_LANG": "<script>", "VK_STAMP": "<script>alert(1)</script>", "VK_SERVICE": "1111"}},
		"our own order again": {Method: "POST", Action: s.URL + door + "lhv", Fields: p.Pay(o.Number, "lhv").Fields},
	} {
		t.Run(name, func(t *testing.T) {
			calm(t, p.As(t).Send(form.Method, form.Action, story.Encode(form), "Content-Type", "application/x-www-form-urlencoded", "Accept-Language", "en"))
		})
	}
	if a := p.Send("POST", s.URL+door+"sampo", story.Encode(back), "Content-Type", "application/x-www-form-urlencoded"); a.Status != 404 {
		t.Errorf("an unknown bank: %d %s", a.Status, a.Body)
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
		if a := p.Back(changed); a.Status != 400 {
			t.Errorf("%s was changed: %d %s", name, a.Status, a.Body)
		}
	}
	if now := p.See(o.Number); now.State != "placed" || now.License != nil {
		t.Errorf("the order was\n%s\nand is %+v", before, now)
	}
	p.Returned(p.Back(back), o.Number) // the bank's own word, unchanged
	p.Paid(o.Number)
}

func TestWhatComesToTheCardsDoorIsReadWithCare(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	o := p.Order(12, story.Today())
	reference := p.Card(o.Number)
	before := state(p, o)
	door := s.URL + "/v1/callbacks/card"
	for name, said := range map[string]string{
		"nothing": "", "another name": "reference=" + reference, "a short one": "payment_reference=abc", "capitals": "payment_reference=" + strings.ToUpper(reference),
		"two": "payment_reference=" + reference + "&payment_reference=" + reference, "a path": "payment_reference=..%2Frefund%3F" + reference,
		"HTML": "payment_reference=<script>alert(1)</script>", "a long one": "payment_reference=" + strings.Repeat("0", 129), "no form": "%zz",
	} {
		for _, a := range []story.Answer{
			p.Send("GET", door+"?"+said, nil), p.Send("POST", door, []byte(said), "Content-Type", "application/x-www-form-urlencoded"),
		} {
			if a.Status != 400 || a.Code() != "no_payment_reference" || bytes.Contains(a.Body, []byte("<script")) {
				t.Errorf("%s: %d %s", name, a.Status, a.Body)
			}
		}
		// Who returns with it is sent on, to this shop and nowhere else.
		for path, to := range map[string]string{
			"/" + o.Number + "123456789": "/orders/" + o.Number, "/0": "/orders", "/other.example": "/orders", "/" + o.Number: "/orders",
		} {
			if a := p.Send("GET", door+path+"?"+said, nil, "Sec-Fetch-Site", "cross-site"); a.Status != 303 || a.Header.Get("Location") != s.URL+to {
				t.Errorf("%s, returning to %s: %d %q", name, path, a.Status, a.Header.Get("Location"))
			}
		}
	}
	s.Rest(t, 20*time.Second)
	if after := state(p, o); after != before {
		t.Errorf("the order was\n%s\nand is\n%s", before, after)
	}
}

func TestTheCookieIsHiddenFromPages(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	a := p.SignIn()
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		if c.Name != "session" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("the cookie is %s", c.Raw)
		}
	}
}
