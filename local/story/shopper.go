package story

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
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opiq/local/inbox"
	"opiq/local/run"
	"opiq/shared/banklink"
	"opiq/shared/civil"
)

// Shopper is a person with a browser, who knows the shop from outside only.
type Shopper struct {
	T                         testing.TB
	Shop                      *Shop
	Browser                   *http.Client
	Email, Password, Language string
	Stubborn                  bool // tries again what broke, as a page would: with the same key
}

// Answer is what a browser got.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Visitor is somebody whom the shop does not know yet.
func (s *Shop) Visitor(t testing.TB) *Shopper {
	t.Helper()
	n := visitors.Add(1)
	p := &Shopper{T: t, Shop: s, Email: fmt.Sprintf("visitor.%d@example.ee", n), Password: s.Known.Password(n), Language: "en"}
	p.Browser = p.Open()
	return p
}

var visitors atomic.Int64

// Open opens a browser without cookies.
func (p *Shopper) Open() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.T.Fatal(err)
	}
	wires := http.DefaultTransport.(*http.Transport).Clone()
	p.T.Cleanup(wires.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: wires, Timeout: 40 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// As is the same person, with the same browser, in another test.
func (p *Shopper) As(t testing.TB) *Shopper {
	same := *p
	same.T = t
	return &same
}

// Home is the address that cookies belong to.
func (p *Shopper) Home() *url.URL {
	u, err := url.Parse(p.Shop.URL)
	if err != nil {
		p.T.Fatal(err)
	}
	return u
}

// Member is somebody who has signed up, proved their address and signed in.
func (s *Shop) Member(t testing.TB) *Shopper {
	t.Helper()
	p := s.Visitor(t)
	p.SignUp()
	p.Verify()
	p.SignIn()
	return p
}

// Finance is the person who looks after the money, signed in.
func (s *Shop) Finance(t testing.TB) *Shopper { return s.Employee(t, s.Staff.In("finance")) }

// Employee is somebody who works here, signed in.
func (s *Shop) Employee(t testing.TB, who run.Person) *Shopper {
	t.Helper()
	p := s.Visitor(t)
	p.Email, p.Password = who.Email, who.Password
	p.SignIn()
	return p
}

// Ask sends a request of the shop's own page. The body is sent as JSON; headers are name, value, name, value.
func (p *Shopper) Ask(method, path string, body any, headers ...string) Answer {
	p.T.Helper()
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			p.T.Fatal(err)
		}
		headers = append([]string{"Content-Type", "application/json"}, headers...)
	}
	return p.Send(method, p.Shop.URL+path, sent, append([]string{"Sec-Fetch-Site", "same-origin"}, headers...)...)
}

// Send sends a request as it is given, and looks at what comes back.
func (p *Shopper) Send(method, url string, body []byte, headers ...string) Answer {
	p.T.Helper()
	for try := 1; ; try++ {
		a, err := p.once(method, url, body, headers)
		if p.Stubborn && try < 30 && (err != nil || a.Status >= 500) {
			time.Sleep(time.Duration(min(try, 10)) * 50 * time.Millisecond)
			continue
		}
		if err != nil {
			p.T.Fatalf("%s %s: %v", method, url, err)
		}
		return a
	}
}

func (p *Shopper) once(method, url string, body []byte, headers []string) (Answer, error) {
	r, err := http.NewRequestWithContext(p.T.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	out, err := p.Browser.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer out.Body.Close()
	a := Answer{Status: out.StatusCode, Header: out.Header}
	if a.Body, err = io.ReadAll(out.Body); err != nil {
		return Answer{}, err
	}
	for _, c := range out.Cookies() {
		p.Shop.Known.cookie(c.Value)
	}
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		p.look(a)
	}
	return a, nil
}

// look keeps an answer and checks what every answer of a function must say.
func (p *Shopper) look(a Answer) {
	head := maps.Clone(a.Header)
	delete(head, "Set-Cookie")
	fmt.Fprintf(io.MultiWriter(p.Shop.Answers, p.Shop.Got(p.Email)), "%d %v\n%s\n", a.Status, head, a.Body)
	if a.Header.Get("Apigw-Requestid") == "" || a.Status >= 500 {
		return // the gateway's own words
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'", "Strict-Transport-Security": "max-age=",
	} {
		if got := a.Header.Get(name); !strings.HasPrefix(got, want) {
			p.T.Errorf("an answer says %s: %q", name, got)
		}
	}
	if a.Header.Get("Access-Control-Allow-Origin") != "" || a.Header.Get("Cache-Control") == "" {
		p.T.Errorf("an answer has the headers %v", a.Header)
	}
}

// Code is the code of a problem, "" where there is none.
func (a Answer) Code() string {
	var out struct{ Code string }
	if a.Header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(a.Body, &out) != nil {
		return ""
	}
	return out.Code
}

// Pointers are the fields that a problem names.
func (a Answer) Pointers() (all []string) {
	var out struct{ Errors []struct{ Pointer string } }
	if json.Unmarshal(a.Body, &out) != nil {
		return nil
	}
	for _, e := range out.Errors {
		all = append(all, e.Pointer)
	}
	return slices.Compact(slices.Sorted(slices.Values(all)))
}

// Want fails the story unless the answer is this one: a status, and for a problem also its code.
func (p *Shopper) Want(a Answer, status int, code string) Answer {
	p.T.Helper()
	if a.Status != status || a.Code() != code {
		p.T.Fatalf("the answer is %d %s, want %d %s", a.Status, a.Body, status, code)
	}
	return a
}

// Read reads the answer as T.
func Read[T any](p *Shopper, a Answer, status int) (v T) {
	p.T.Helper()
	p.Want(a, status, "")
	if err := json.Unmarshal(a.Body, &v); err != nil {
		p.T.Fatalf("%s: %v", a.Body, err)
	}
	return v
}

// ---- Accounts

// Accepting is a version of a document that somebody agrees to.
type Accepting struct {
	Document string `json:"document"`
	Version  string `json:"version"`
}

// Terms is the version of a document that is in force.
func (p *Shopper) Terms(document string) string {
	p.T.Helper()
	return Read[struct{ Version string }](p, p.Ask("GET", "/v1/terms/"+document+"?lang="+p.Language, nil), 200).Version
}

// Registration is what the form of signing up sends.
func (p *Shopper) Registration() map[string]any {
	p.T.Helper()
	return map[string]any{
		"email": p.Email, "password": p.Password, "firstName": "Mari", "lastName": "Maasikas", "language": p.Language,
		"accept": []Accepting{{"use", p.Terms("use")}}, "marketing": false,
	}
}

// SignUp sends the registration.
func (p *Shopper) SignUp() {
	p.T.Helper()
	p.Want(p.Ask("POST", "/v1/signup", p.Registration()), 202, "")
}

// Verify follows the link in the mail.
func (p *Shopper) Verify() {
	p.T.Helper()
	p.Want(p.Ask("POST", "/v1/signup/verify", map[string]string{"token": p.Token(Subject("verify"))}), 204, "")
}

// SignIn begins a session in the browser.
func (p *Shopper) SignIn() Answer {
	p.T.Helper()
	return p.Want(p.Ask("POST", "/v1/session", map[string]string{"email": p.Email, "password": p.Password}), 200, "")
}

// ---- Mail

// Subject is a letter's subject in English, as its text has it, with facts: name, value, name, value. It ends before the
// first fact that is not given. Of several, it is the first one whose condition those facts meet.
func Subject(kind string, facts ...string) string {
	root, err := run.Root()
	if err != nil {
		panic(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "shared/letter/texts", kind+".en.txt"))
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

// Mails are what came to the shopper, newest first. Their subjects have plain spaces.
func (p *Shopper) Mails() (all []inbox.Mail) {
	p.T.Helper()
	if err := json.Unmarshal(p.Send("GET", p.Shop.URL+"/_local/mail?to="+url.QueryEscape(p.Email), nil).Body, &all); err != nil {
		p.T.Fatal(err)
	}
	for i := range all {
		all[i].Subject = strings.ReplaceAll(all[i].Subject, "\u00a0", " ")
	}
	return all
}

// Subjects are the subjects of all mails that came, sorted.
func (p *Shopper) Subjects() (all []string) {
	for _, m := range p.Mails() {
		all = append(all, m.Subject)
	}
	slices.Sort(all)
	return all
}

// Mail waits for a mail by the beginning of its subject.
func (p *Shopper) Mail(subject string) (found inbox.Mail) {
	p.T.Helper()
	Until(p.T, 20*time.Second, func() string {
		for _, m := range p.Mails() {
			if strings.HasPrefix(m.Subject, subject) {
				found = m
				return ""
			}
		}
		return "no mail " + subject
	})
	return found
}

// Gets waits until all has come to rest and wants exactly these mails to have come, each once.
func (p *Shopper) Gets(subjects ...string) {
	p.T.Helper()
	p.Shop.Rest(p.T, 30*time.Second)
	slices.Sort(subjects)
	if got := p.Subjects(); !slices.Equal(got, subjects) {
		p.T.Errorf("the mails are\n%q, want\n%q", got, subjects)
	}
}

// Token is the secret of the link in a mail.
func (p *Shopper) Token(subject string) string {
	p.T.Helper()
	for _, l := range p.Mail(subject).Links {
		if u, err := url.Parse(l); err == nil && u.Query().Get("token") != "" {
			p.Shop.Known.token(u.Query().Get("token"), p.Email)
			return u.Query().Get("token")
		}
	}
	p.T.Fatalf("the mail %q has no link with a token", subject)
	return ""
}

// ---- Orders

// Sum is money as answers have it.
type Sum struct {
	Amount   int    `json:"amount"`
	Currency string `json:"currency"`
}

// Price is a price with its tax.
type Price struct {
	Net, VAT, Gross Sum
	VATRate         float64
}

// OrderPage is an order as its buyer sees it.
type OrderPage struct {
	Number, State, StartsOn, EndsOn, ValidThrough, Reference string
	Months                                                   int
	Price                                                    Price
	Received, Open, Credited                                 Sum
	Situation                                                string
	PayWith                                                  []string
	Invoice                                                  *InvoicePage
	Attempts                                                 []AttemptPage
	License                                                  *LicensePage
	RefundCases                                              []struct {
		Amount        Sum
		Reason, State string
	}
	Refunds []RefundPage
}

// AttemptPage is one way in which the buyer set out to pay.
type AttemptPage struct{ ID, Method, Bank, State string }

// RefundPage is money that goes back.
type RefundPage struct {
	ID, Reason, Way, State, Credit, Account string
	Amount                                  Sum
}

// LicensePage is a license as its owner sees it.
type LicensePage struct {
	ID, Order, State, StartsOn, ValidThrough string
	StartsAt, EndsAt                         time.Time
	Events                                   []struct {
		Event string
		At    time.Time
	}
}

// Today is the day in Tallinn.
func Today() civil.Date { return civil.DateOf(time.Now(), civil.Tallinn) }

// Wish is what the form of an order sends.
func (p *Shopper) Wish(months int, startsOn civil.Date) map[string]any {
	p.T.Helper()
	return map[string]any{"months": months, "startsOn": startsOn.String(), "orderTerms": p.Terms("order"), "immediateSupply": true}
}

// Order places an order, under a key of its own where none is given.
func (p *Shopper) Order(months int, startsOn civil.Date, key ...string) OrderPage {
	p.T.Helper()
	if len(key) == 0 {
		key = []string{fmt.Sprint("key-", Keys.Add(1))}
	}
	return Read[OrderPage](p, p.Ask("POST", "/v1/orders", p.Wish(months, startsOn), "Idempotency-Key", key[0]), 201)
}

// Keys counts what must be another each time.
var Keys atomic.Int64

// See is the order's page.
func (p *Shopper) See(number string) OrderPage {
	p.T.Helper()
	return Read[OrderPage](p, p.Ask("GET", "/v1/orders/"+number, nil), 200)
}

// Becomes waits until the order's page is as wanted, and answers it.
func (p *Shopper) Becomes(number string, within time.Duration, right func(OrderPage) bool) (o OrderPage) {
	p.T.Helper()
	Until(p.T, within, func() string {
		if o = p.See(number); right(o) {
			return ""
		}
		return fmt.Sprintf("the order is %+v", o)
	})
	return o
}

// Paid waits until the order is paid.
func (p *Shopper) Paid(number string) OrderPage {
	p.T.Helper()
	return p.Becomes(number, 20*time.Second, func(o OrderPage) bool { return o.State == "paid" })
}

// Banks are those that a bank link leads to.
var Banks = []string{"swedbank", "seb", "lhv", "luminor", "coop"}

// Pay chooses a bank and gets the form that leads there.
func (p *Shopper) Pay(number, bank string) banklink.Form {
	p.T.Helper()
	key := fmt.Sprint("key-", Keys.Add(1))
	a := p.Ask("POST", "/v1/orders/"+number+"/payments", map[string]string{"method": "bank_link", "bank": bank}, "Idempotency-Key", key)
	return Read[struct{ Form banklink.Form }](p, a, 201).Form
}

// At goes to the bank with the shop's form and does there as the query says; it answers the form that leads back.
func (p *Shopper) At(form banklink.Form, query string) banklink.Form {
	p.T.Helper()
	a := p.Send(form.Method, form.Action+"?"+query, Encode(form), "Content-Type", "application/x-www-form-urlencoded", "Accept", "application/json")
	return Read[struct{ Return banklink.Form }](p, a, 200).Return
}

// Back lets the browser return from the bank.
func (p *Shopper) Back(form banklink.Form) Answer {
	p.T.Helper()
	if form.Method == "GET" {
		return p.Send("GET", form.Action+"?"+string(Encode(form)), nil, "Sec-Fetch-Site", "cross-site")
	}
	return p.Send("POST", form.Action, Encode(form), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site")
}

// Encode is a form as a browser sends it.
func Encode(form banklink.Form) []byte {
	v := url.Values{}
	for name, text := range form.Fields {
		v.Set(name, text)
	}
	return []byte(v.Encode())
}

// Returned wants the person to stand on the order's page after coming back.
func (p *Shopper) Returned(a Answer, number string) {
	p.T.Helper()
	if to := p.Want(a, 303, "").Header.Get("Location"); to != p.Shop.URL+"/orders/"+number {
		p.T.Errorf("the bank's answer leads to %s", to)
	}
}

// Buy places an order and pays it, and waits until it is paid.
func (p *Shopper) Buy(months int, startsOn civil.Date, bank string) OrderPage {
	p.T.Helper()
	o := p.Order(months, startsOn)
	p.Returned(p.Back(p.At(p.Pay(o.Number, bank), "action=pay&notice=before")), o.Number)
	return p.Paid(o.Number)
}

// ---- Reading

// OpenedWork is a work as the reading room answers it.
type OpenedWork struct {
	Allowed         bool
	Code, LicenseID string
	At              time.Time
	Contents        []struct{ Title string }
}

// Work is a work of the library, and Chapter its first chapter.
const (
	Work    = "/v1/library/works/w001"
	Chapter = Work + "/chapters/1"
)
