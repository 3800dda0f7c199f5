package account

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"opiq/local/ledger"
	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/reconciliation"
	"opiq/shared/reference"
	"opiq/shared/statement"
	"opiq/shared/terms"
)

var noon = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

var desk = invoice.Desk{
	Accounts:  []invoice.Account{{IBAN: "EE382200221020145685", BIC: "HABAEE2X", Bank: "Swedbank"}},
	VATNumber: "EE100000007", Address: "Tallinn", DueDays: 14, ExpireAfter: 14,
}

// shop is the other side: its table, and what was handed in to it.
type shop struct {
	t      *testing.T
	url    string
	ledger ledger.Ledger
	handed [][]byte
	status int
	answer string
}

func open(t *testing.T) *shop {
	s := &shop{t: t, status: 200, answer: `{"entries":1,"new":1,"known":0}`}
	a := Open(desk, func(context.Context) (ledger.Ledger, error) { return s.ledger, nil }, func(_ context.Context, file []byte) (int, []byte, error) {
		s.handed = append(s.handed, file)
		return s.status, []byte(s.answer), nil
	})
	a.now = func() time.Time { return noon }
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// invoice places an order with an invoice, and answers its number.
func (s *shop) invoice(buyer *invoice.Buyer) order.Number {
	n := len(s.ledger.Orders)
	mari := account.Account{
		ID: "mari", FirstName: "Mari", LastName: "Maasikas", Language: lang.Estonian, Accepted: []terms.Acceptance{{Document: terms.Use, Version: "2017-02-01"}},
	}
	wish := order.Wish{Months: 12, StartsOn: civil.Date{Year: 2026, Month: 12, Day: 1}, OrderTerms: "2017-07-01", ImmediateSupply: true}
	o, err := order.Place(mari, catalog.Shelf{}, wish, fmt.Sprint(n), noon)
	if err != nil {
		s.t.Fatal(err)
	}
	o.Number = order.Number(fmt.Sprint(2_600_012_345 + n))
	made, err := desk.Issue(invoice.NumberOf(2026, n+1), desk.Draft(o, mari, buyer, noon), o, noon)
	if err != nil {
		s.t.Fatal(err)
	}
	s.ledger.Accounts = []account.Account{mari}
	s.ledger.Orders, s.ledger.Invoices = append(s.ledger.Orders, made.Order), append(s.ledger.Invoices, made.Invoice)
	return o.Number
}

// pay pays an order.
func (s *shop) pay(n order.Number) {
	for i, o := range s.ledger.Orders {
		if o.Number == n {
			p := payment.Payment{
				ID: payment.ID("entry/" + n), Order: n, Method: order.ByInvoice, Amount: o.Open(), To: desk.Accounts[0].IBAN, Payer: "EE171010123456789017", PayerName: "JAAN JÕGI",
			}
			c := payment.Book{Order: o}.Receive(p, noon, noon)
			s.ledger.Orders[i], s.ledger.Payments = *c.Order, append(s.ledger.Payments, c.Payments...)
		}
	}
}

func (s *shop) post(form string, headers ...string) (*http.Response, []byte) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", s.url+path+"/statement", strings.NewReader(form))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(r, headers...)
}

func (s *shop) get(url string, headers ...string) (*http.Response, []byte) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.do(r, headers...)
}

func (s *shop) do(r *http.Request, headers ...string) (*http.Response, []byte) {
	s.t.Helper()
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	w, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return w, body
}

// write is the statement of a wish, read as the shop reads it.
func (s *shop) write(wish string) []statement.Entry {
	s.t.Helper()
	w, xml := s.post(wish + "&download=1")
	if w.StatusCode != 200 || w.Header.Get("Content-Type") != "application/xml" {
		s.t.Fatalf("%s: %d %s", wish, w.StatusCode, xml)
	}
	return s.read(xml)
}

func (s *shop) read(xml []byte) (all []statement.Entry) {
	s.t.Helper()
	sum, err := statement.Read(bytes.NewReader(xml), desk.IBANs(), func(e statement.Entry) error {
		all = append(all, e)
		return nil
	})
	if err != nil || sum.Wrong > 0 || sum.Ignored > 0 || sum.Message != "camt.053.001.02" {
		s.t.Fatalf("the statement is read as %+v, %v:\n%s", sum, err, xml)
	}
	return all
}

func TestEachCaseIsAStatementThatAddsUp(t *testing.T) {
	s := open(t)
	first := s.invoice(nil)
	second := s.invoice(&invoice.Buyer{Name: "Õismäe <Kool> & Ko", RegistryCode: "75012345"})
	third := s.invoice(nil)
	s.pay(third)
	price := s.ledger.Orders[0].Price.Gross
	one, two := string(first.Reference()), string(second.Reference())
	for _, c := range []struct {
		name string
		want []string // amount, direction, references, text
	}{
		{"exact", []string{line(price, "credit", one, ""), line(price, "credit", two, "")}},
		{"short", []string{line(price/2, "credit", one, ""), line(price/2, "credit", two, "")}},
		{"over", []string{line(price+1000, "credit", one, ""), line(price+1000, "credit", two, "")}},
		{"twice", []string{line(price, "credit", one, ""), line(price, "credit", one, ""), line(price, "credit", two, ""), line(price, "credit", two, "")}},
		{"batch", []string{line(price, "credit", one, ""), line(price, "credit", two, "")}},
		{"merged", []string{line(2*price, "credit", "", "Arved "+one+" "+two)}},
		{"reversal", []string{line(price, "debit", string(third.Reference()), "")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, e := range s.write("case=" + c.name) {
				got = append(got, line(e.Amount, string(e.Direction), strings.Join(e.Reference, " "), e.Text))
				if e.Returned != (c.name == "reversal") || (e.Parts > 1) != (c.name == "batch") || e.Lump || e.BankRef == "" || e.Booked != (civil.Date{Year: 2026, Month: 11, Day: 22}) {
					t.Errorf("an entry is %+v", e)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("it says\n%q, want\n%q", got, c.want)
			}
		})
	}
}

func line(a money.Amount, direction, refs, text string) string {
	return fmt.Sprintf("%s %s [%s] %s", a, direction, refs, text)
}

func TestAWrongReferenceIsNobodysAndNearlyTheRightOne(t *testing.T) {
	s := open(t)
	n := s.invoice(nil)
	e := s.write("case=wrong_reference")[0]
	right := string(n.Reference())
	wrong := strings.TrimPrefix(e.Text, "Viitenumber ")
	if _, err := reference.Parse(wrong); err == nil || wrong[:10] != right[:10] || len(wrong) != len(right) || len(e.Reference) > 0 {
		t.Errorf("%q is written for %s", e.Text, right)
	}
	kept := reconciliation.Keep(e, "statement", "machine", noon).Suggest(reconciliation.Hints{Open: s.ledger.Orders})
	if len(kept.Suggestions) != 1 || !slices.Contains(kept.Suggestions[0].Reasons, "nearly_reference") || !slices.Contains(kept.Suggestions[0].Reasons, "name") {
		t.Errorf("the suggestions are %+v", kept.Suggestions)
	}
}

func TestPayersAreWhoInvoicesAreMadeOutTo(t *testing.T) {
	s := open(t)
	s.invoice(nil)
	s.invoice(&invoice.Buyer{Name: "Õismäe <Kool> & Ko", RegistryCode: "75012345"})
	s.pay(s.invoice(nil))
	person, school := s.write("case=exact")[0].Other, s.write("case=exact")[1].Other
	if person.Name != "MARI MAASIKAS" || person.Registry != "" || !reference.IBAN(person.Account) {
		t.Errorf("the person is %+v", person)
	}
	if school.Name != "ÕISMÄE <KOOL> & KO" || school.Registry != "75012345" || !reference.IBAN(school.Account) || school.Account == person.Account {
		t.Errorf("the school is %+v", school)
	}
	if back := s.write("case=reversal")[0].Other; back.Account != "EE171010123456789017" || back.Name != "JAAN JÕGI" {
		t.Errorf("the money goes back to %+v", back)
	}
}

func TestTheBalanceGoesOnWhereItEnded(t *testing.T) {
	s := open(t)
	s.pay(s.invoice(nil))
	s.invoice(nil)
	price := s.ledger.Orders[0].Price.Gross
	for i, c := range []struct {
		name            string
		opening, closes money.Amount
	}{{"exact", 1000_00, 1000_00 + price}, {"reversal", 1000_00 + price, 1000_00}, {"reversal", 1000_00, 1000_00 - price}} {
		_, xml := s.post("case=" + c.name + "&download=1")
		if c.closes < 0 {
			c.closes = -c.closes
		}
		opening, closes := strings.Index(string(xml), ">"+c.opening.String()+"<"), strings.LastIndex(string(xml), ">"+c.closes.String()+"<")
		if s.read(xml); opening < 0 || closes < opening {
			t.Errorf("%d: from %s to %s:\n%s", i, c.opening, c.closes, xml)
		}
	}
}

func TestTheSameCaseTwiceIsNewMoneyAndTheSameKeyIsNot(t *testing.T) {
	s := open(t)
	s.invoice(nil)
	if one, two := s.write("case=exact")[0], s.write("case=exact")[0]; one.ID == two.ID {
		t.Error("the second payment is the first")
	}
	w, first := s.post("case=exact&key=once")
	_, again := s.post("case=exact&key=once")
	if w.StatusCode != 200 || !bytes.Equal(first, again) || len(s.handed) != 2 || !bytes.Equal(s.handed[0], s.handed[1]) {
		t.Errorf("%d statements were handed in; the answers are\n%s\n%s", len(s.handed), first, again)
	}
}

func TestOneOrderIsPaidWhateverBecameOfIt(t *testing.T) {
	s := open(t)
	s.invoice(nil)
	paid := s.invoice(nil)
	s.pay(paid)
	all := s.write("case=exact&order=" + string(paid))
	if len(all) != 1 || all[0].Reference[0] != string(paid.Reference()) || all[0].Amount != s.ledger.Orders[1].Price.Gross {
		t.Errorf("it says %+v", all)
	}
	last := s.invoice(nil)
	for _, several := range []string{"case=exact&order=" + string(paid+",+"+last), "case=exact&order=" + string(paid+"&order="+last)} {
		if all := s.write(several); len(all) != 2 || all[1].Reference[0] != string(last.Reference()) {
			t.Errorf("%s: it says %+v", several, all)
		}
	}
}

func TestAStatementIsHandedInUnlessItShallNot(t *testing.T) {
	s := open(t)
	s.invoice(nil)
	var out struct {
		Statement string
		Status    int
		Result    struct{ New int }
	}
	w, body := s.post(`{"case":"exact"}`, "Content-Type", "application/json")
	if err := json.Unmarshal(body, &out); err != nil || w.StatusCode != 200 || out.Status != 200 || out.Result.New != 1 || len(s.handed) != 1 {
		t.Fatalf("%v: %s", err, body)
	}
	if _, xml := s.get(out.Statement); !bytes.Equal(xml, s.handed[0]) {
		t.Errorf("%s is\n%s", out.Statement, xml)
	}
	for _, wish := range []string{"case=exact&handIn=false", "case=exact&download=1"} {
		if w, body := s.post(wish); w.StatusCode != 200 || strings.Contains(string(body), "result") || len(s.handed) != 1 {
			t.Errorf("%s: %d %s", wish, w.StatusCode, body)
		}
	}
	s.status, s.answer = 502, "Bad Gateway"
	if _, body := s.post("case=exact"); !strings.Contains(string(body), `"status":502,"result":"Bad Gateway"`) {
		t.Errorf("what the shop said is told as %s", body)
	}
}

func TestWhatCannotHappenIsRefused(t *testing.T) {
	s := open(t)
	for form, want := range map[string]string{
		"":                                   "400 case",
		"case=all":                           "400 case",
		"case=exact":                         "409 nothing",
		"case=reversal":                      "409 nothing",
		"case=exact&order=1":                 "404 unknown_order",
		"case=exact&handIn=perhaps":          "400 handIn",
		"case=exact&" + url.QueryEscape("%"): "409 nothing",
		"case=%":                             "400 form",
	} {
		w, body := s.post(form)
		var out struct{ Code string }
		if err := json.Unmarshal(body, &out); err != nil || fmt.Sprint(w.StatusCode, " ", out.Code) != want || w.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%q is answered with %d %s", form, w.StatusCode, body)
		}
	}
	if w, _ := s.post("{", "Content-Type", "application/json"); w.StatusCode != 400 {
		t.Errorf("broken JSON is answered with %d", w.StatusCode)
	}
	if w, _ := s.get(s.url + path + "/statements/1"); w.StatusCode != 404 {
		t.Errorf("no statement is answered with %d", w.StatusCode)
	}
}

func TestProgramsAndPeopleSeeTheAccount(t *testing.T) {
	s := open(t)
	n := s.invoice(&invoice.Buyer{Name: "<b>Kool"})
	s.pay(s.invoice(nil))
	if _, body := s.get(s.url + path); strings.TrimSpace(string(body)) != `{"iban":"EE382200221020145685","name":"Star Cloud OÜ","bic":"HABAEE2X"}` {
		t.Errorf("programs see %s", body)
	}
	w, _ := s.post("case=short", "Accept", "text/html")
	if to := w.Header.Get("Location"); w.StatusCode != 303 || to != path+"?written=1" {
		t.Fatalf("a browser is sent to %s by %d", to, w.StatusCode)
	}
	_, page := s.get(s.url+path+"?written=1", "Accept", "text/html")
	for _, want := range []string{
		"EE382200221020145685", "2026-000001", "&lt;B&gt;KOOL", `name="order" value="` + string(n) + `"`, `value="wrong_reference"`, `value="reversal"`, "/_local/mailbox",
		"The shop took it: 1 new, 0 known, of 1 in all.", path + "/statements/1", "/orders/" + string(n),
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not hold %s:\n%s", want, page)
		}
	}
	s.status, s.answer = 403, `{"code":"not_allowed","detail":"No."}`
	s.post("case=short", "Accept", "text/html")
	if _, page := s.get(s.url+path, "Accept", "text/html"); !strings.Contains(string(page), "The shop refused it with 403 not_allowed: No.") {
		t.Errorf("the page does not say that it was refused:\n%s", page)
	}
}
