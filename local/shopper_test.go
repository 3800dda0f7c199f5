package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opiq/local/inbox"
	"opiq/shared/banklink"
	"opiq/shared/civil"
)

// shopper is a person with a browser, who knows the shop from outside only.
type shopper struct {
	t                         testing.TB
	shop                      *shop
	browser                   *http.Client
	email, password, language string
	stubborn                  bool // tries again what broke, as a page would: with the same key
}

// answer is what a browser got.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// visitor is somebody whom the shop does not know yet.
func (s *shop) visitor(t testing.TB) *shopper {
	t.Helper()
	n := visitors.Add(1)
	p := &shopper{t: t, shop: s, email: fmt.Sprintf("visitor.%d@example.ee", n), password: s.known.password(n), language: "en"}
	p.browser = p.open()
	return p
}

var visitors atomic.Int64

// open opens a browser without cookies.
func (p *shopper) open() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	wires := http.DefaultTransport.(*http.Transport).Clone()
	p.t.Cleanup(wires.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: wires, Timeout: 40 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// as is the same person, with the same browser, in another test.
func (p *shopper) as(t testing.TB) *shopper {
	same := *p
	same.t = t
	return &same
}

// home is the address that cookies belong to.
func (p *shopper) home() *url.URL {
	u, err := url.Parse(p.shop.URL)
	if err != nil {
		p.t.Fatal(err)
	}
	return u
}

// member is somebody who has signed up, proved their address and signed in.
func (s *shop) member(t testing.TB) *shopper {
	t.Helper()
	p := s.visitor(t)
	p.signUp()
	p.verify()
	p.signIn()
	return p
}

// ask sends a request of the shop's own page. The body is sent as JSON; headers are name, value, name, value.
func (p *shopper) ask(method, path string, body any, headers ...string) answer {
	p.t.Helper()
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			p.t.Fatal(err)
		}
		headers = append([]string{"Content-Type", "application/json"}, headers...)
	}
	return p.send(method, p.shop.URL+path, sent, append([]string{"Sec-Fetch-Site", "same-origin"}, headers...)...)
}

func (p *shopper) send(method, url string, body []byte, headers ...string) answer {
	p.t.Helper()
	for try := 1; ; try++ {
		a, err := p.once(method, url, body, headers)
		if p.stubborn && try < 30 && (err != nil || a.status >= 500) {
			time.Sleep(time.Duration(min(try, 10)) * 50 * time.Millisecond)
			continue
		}
		if err != nil {
			p.t.Fatalf("%s %s: %v", method, url, err)
		}
		return a
	}
}

func (p *shopper) once(method, url string, body []byte, headers []string) (answer, error) {
	r, err := http.NewRequestWithContext(p.t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	out, err := p.browser.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer out.Body.Close()
	a := answer{status: out.StatusCode, header: out.Header}
	if a.body, err = io.ReadAll(out.Body); err != nil {
		return answer{}, err
	}
	for _, c := range out.Cookies() {
		p.shop.known.cookie(c.Value)
	}
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		p.look(a)
	}
	return a, nil
}

// look keeps an answer and checks what every answer of a function must say.
func (p *shopper) look(a answer) {
	head := maps.Clone(a.header)
	delete(head, "Set-Cookie")
	fmt.Fprintf(io.MultiWriter(p.shop.answers, p.shop.got(p.email)), "%d %v\n%s\n", a.status, head, a.body)
	if a.header.Get("Apigw-Requestid") == "" || a.status >= 500 {
		return // the gateway's own words
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'", "Strict-Transport-Security": "max-age=",
	} {
		if got := a.header.Get(name); !strings.HasPrefix(got, want) {
			p.t.Errorf("an answer says %s: %q", name, got)
		}
	}
	if a.header.Get("Access-Control-Allow-Origin") != "" || a.header.Get("Cache-Control") == "" {
		p.t.Errorf("an answer has the headers %v", a.header)
	}
}

// code is the code of a problem, "" where there is none.
func (a answer) code() string {
	var out struct{ Code string }
	if a.header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(a.body, &out) != nil {
		return ""
	}
	return out.Code
}

// pointers are the fields that a problem names.
func (a answer) pointers() (all []string) {
	var out struct{ Errors []struct{ Pointer string } }
	if json.Unmarshal(a.body, &out) != nil {
		return nil
	}
	for _, e := range out.Errors {
		all = append(all, e.Pointer)
	}
	return slices.Compact(slices.Sorted(slices.Values(all)))
}

// want fails the story unless the answer is this one: a status, and for a problem also its code.
func (p *shopper) want(a answer, status int, code string) answer {
	p.t.Helper()
	if a.status != status || a.code() != code {
		p.t.Fatalf("the answer is %d %s, want %d %s", a.status, a.body, status, code)
	}
	return a
}

// read reads the answer as T.
func read[T any](p *shopper, a answer, status int) (v T) {
	p.t.Helper()
	p.want(a, status, "")
	if err := json.Unmarshal(a.body, &v); err != nil {
		p.t.Fatalf("%s: %v", a.body, err)
	}
	return v
}

// ---- Accounts

type accepting struct {
	Document string `json:"document"`
	Version  string `json:"version"`
}

// terms is the version of a document that is in force.
func (p *shopper) terms(document string) string {
	p.t.Helper()
	return read[struct{ Version string }](p, p.ask("GET", "/v1/terms/"+document+"?lang="+p.language, nil), 200).Version
}

// registration is what the form of signing up sends.
func (p *shopper) registration() map[string]any {
	p.t.Helper()
	return map[string]any{
		"email": p.email, "password": p.password, "firstName": "Mari", "lastName": "Maasikas", "language": p.language,
		"accept": []accepting{{"use", p.terms("use")}}, "marketing": false,
	}
}

func (p *shopper) signUp() {
	p.t.Helper()
	p.want(p.ask("POST", "/v1/signup", p.registration()), 202, "")
}

// verify follows the link in the mail.
func (p *shopper) verify() {
	p.t.Helper()
	p.want(p.ask("POST", "/v1/signup/verify", map[string]string{"token": p.token(subject("verify"))}), 204, "")
}

func (p *shopper) signIn() answer {
	p.t.Helper()
	return p.want(p.ask("POST", "/v1/session", map[string]string{"email": p.email, "password": p.password}), 200, "")
}

// ---- Mail

// subject is a letter's subject in English, as its text has it, with facts: name, value, name, value. It ends before the
// first fact that is not given. Of several, it is the first one whose condition those facts meet.
func subject(kind string, facts ...string) string {
	text, err := os.ReadFile("../shared/letter/texts/" + kind + ".en.txt")
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(text)) {
		if condition, rest, ok := strings.Cut(line, " "); ok && strings.ContainsAny(line[:1], "?!") {
			if slices.Contains(facts, "{"+condition[1:]+"}") != (condition[0] == '?') {
				continue
			}
			line = rest
		}
		line, _, _ = strings.Cut(strings.NewReplacer(facts...).Replace(strings.TrimSpace(line)), "{")
		return strings.ReplaceAll(line, "\u00a0", " ")
	}
	panic(kind + " has no subject")
}

// mails are what came to the shopper, newest first. Their subjects have plain spaces.
func (p *shopper) mails() (all []inbox.Mail) {
	p.t.Helper()
	if err := json.Unmarshal(p.send("GET", p.shop.URL+"/_local/mail?to="+url.QueryEscape(p.email), nil).body, &all); err != nil {
		p.t.Fatal(err)
	}
	for i := range all {
		all[i].Subject = strings.ReplaceAll(all[i].Subject, "\u00a0", " ")
	}
	return all
}

// subjects are the subjects of all mails that came, sorted.
func (p *shopper) subjects() (all []string) {
	for _, m := range p.mails() {
		all = append(all, m.Subject)
	}
	slices.Sort(all)
	return all
}

// mail waits for a mail by the beginning of its subject.
func (p *shopper) mail(subject string) (found inbox.Mail) {
	p.t.Helper()
	until(p.t, 20*time.Second, func() string {
		for _, m := range p.mails() {
			if strings.HasPrefix(m.Subject, subject) {
				found = m
				return ""
			}
		}
		return "no mail " + subject
	})
	return found
}

// token is the secret of the link in a mail.
func (p *shopper) token(subject string) string {
	p.t.Helper()
	for _, l := range p.mail(subject).Links {
		if u, err := url.Parse(l); err == nil && u.Query().Get("token") != "" {
			p.shop.known.token(u.Query().Get("token"), p.email)
			return u.Query().Get("token")
		}
	}
	p.t.Fatalf("the mail %q has no link with a token", subject)
	return ""
}

// ---- Orders

type sum struct {
	Amount   int    `json:"amount"`
	Currency string `json:"currency"`
}

type price struct {
	Net, VAT, Gross sum
	VATRate         float64
}

type orderPage struct {
	Number, State, StartsOn, EndsOn, ValidThrough, Reference string
	Months                                                   int
	Price                                                    price
	Received, Open, Credited                                 sum
	Situation                                                string
	PayWith                                                  []string
	Invoice                                                  *invoicePage
	Attempts                                                 []attemptPage
	License                                                  *licensePage
	RefundCases                                              []struct {
		Amount        sum
		Reason, State string
	}
	Refunds []refundPage
}

type attemptPage struct{ ID, Method, Bank, State string }

type refundPage struct {
	ID, Reason, Way, State, Credit, Account string
	Amount                                  sum
}

type licensePage struct {
	ID, Order, State, StartsOn, ValidThrough string
	StartsAt, EndsAt                         time.Time
	Events                                   []struct {
		Event string
		At    time.Time
	}
}

func today() civil.Date { return civil.DateOf(time.Now(), civil.Tallinn) }

func (p *shopper) wish(months int, startsOn civil.Date) map[string]any {
	p.t.Helper()
	return map[string]any{"months": months, "startsOn": startsOn.String(), "orderTerms": p.terms("order"), "immediateSupply": true}
}

// order places an order, under a key of its own where none is given.
func (p *shopper) order(months int, startsOn civil.Date, key ...string) orderPage {
	p.t.Helper()
	if len(key) == 0 {
		key = []string{fmt.Sprint("key-", keys.Add(1))}
	}
	return read[orderPage](p, p.ask("POST", "/v1/orders", p.wish(months, startsOn), "Idempotency-Key", key[0]), 201)
}

var keys atomic.Int64

// see is the order's page.
func (p *shopper) see(number string) orderPage {
	p.t.Helper()
	return read[orderPage](p, p.ask("GET", "/v1/orders/"+number, nil), 200)
}

// becomes waits until the order's page is as wanted, and answers it.
func (p *shopper) becomes(number string, within time.Duration, right func(orderPage) bool) (o orderPage) {
	p.t.Helper()
	until(p.t, within, func() string {
		if o = p.see(number); right(o) {
			return ""
		}
		return fmt.Sprintf("the order is %+v", o)
	})
	return o
}

func (p *shopper) paid(number string) orderPage {
	p.t.Helper()
	return p.becomes(number, 20*time.Second, func(o orderPage) bool { return o.State == "paid" })
}

// pay chooses a bank and gets the form that leads there.
func (p *shopper) pay(number, bank string) banklink.Form {
	p.t.Helper()
	key := fmt.Sprint("key-", keys.Add(1))
	a := p.ask("POST", "/v1/orders/"+number+"/payments", map[string]string{"method": "bank_link", "bank": bank}, "Idempotency-Key", key)
	return read[struct{ Form banklink.Form }](p, a, 201).Form
}

// at goes to the bank with the shop's form and does there as the query says; it answers the form that leads back.
func (p *shopper) at(form banklink.Form, query string) banklink.Form {
	p.t.Helper()
	a := p.send(form.Method, form.Action+"?"+query, encode(form), "Content-Type", "application/x-www-form-urlencoded", "Accept", "application/json")
	return read[struct{ Return banklink.Form }](p, a, 200).Return
}

// back lets the browser return from the bank.
func (p *shopper) back(form banklink.Form) answer {
	p.t.Helper()
	if form.Method == "GET" {
		return p.send("GET", form.Action+"?"+string(encode(form)), nil, "Sec-Fetch-Site", "cross-site")
	}
	return p.send("POST", form.Action, encode(form), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site")
}

func encode(form banklink.Form) []byte {
	v := url.Values{}
	for name, text := range form.Fields {
		v.Set(name, text)
	}
	return []byte(v.Encode())
}

// returned wants the person to stand on the order's page after coming back.
func (p *shopper) returned(a answer, number string) {
	p.t.Helper()
	if to := p.want(a, 303, "").header.Get("Location"); to != p.shop.URL+"/orders/"+number {
		p.t.Errorf("the bank's answer leads to %s", to)
	}
}

// buy places an order and pays it, and waits until it is paid.
func (p *shopper) buy(months int, startsOn civil.Date, bank string) orderPage {
	p.t.Helper()
	o := p.order(months, startsOn)
	p.returned(p.back(p.at(p.pay(o.Number, bank), "action=pay&notice=before")), o.Number)
	return p.paid(o.Number)
}

// ---- Reading

type openedWork struct {
	Allowed         bool
	Code, LicenseID string
	At              time.Time
	Contents        []struct{ Title string }
}

const (
	work    = "/v1/library/works/w001"
	chapter = work + "/chapters/1"
)
