package bank

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"opiq/shared/banklink"
	"opiq/shared/invoice"
	"opiq/shared/lang"
)

// shop is the other side: it orders, and hears what the banks say.
type shop struct {
	t     *testing.T
	url   string // of the banks and of itself
	bank  *Bank
	links map[banklink.Bank]*banklink.Link
	keys  map[banklink.Bank]func(banklink.Payment) banklink.Form

	mu     sync.Mutex
	heard  []banklink.Notice
	errors []error
	calls  int
	answer func(call int) int // the status for the n-th call, from 1
}

const secrets = "/opiq/local"

func openShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, keys: map[banklink.Bank]func(banklink.Payment) banklink.Form{}, answer: func(int) int { return 200 }}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	found, b, err := Local(server.URL, secrets)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	s.bank = b
	plain := map[string]string{}
	for name, p := range found {
		plain[strings.TrimPrefix(name, secrets+"/")] = p.Text
	}
	banks := banklink.Banks("swedbank,seb,lhv,luminor,coop")
	if s.links, err = banklink.Links(banks, plain, false); err != nil {
		t.Fatal(err)
	}
	keys, err := banklink.Keys(banks, plain)
	if err != nil {
		t.Fatal(err)
	}
	for id, key := range keys {
		s.keys[id] = func(p banklink.Payment) banklink.Form {
			f, err := s.links[id].Form(key, p)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	mux.Handle("/_local/bank/", b)
	mux.HandleFunc("/v1/callbacks/banklink/{bank}", s.hear)
	return s
}

func (s *shop) hear(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	status := s.answer(s.calls)
	if status/100 == 2 {
		n, err := s.read(r)
		s.heard, s.errors = append(s.heard, n), append(s.errors, err)
	}
	w.WriteHeader(status)
}

func (s *shop) read(r *http.Request) (banklink.Notice, error) {
	if err := r.ParseForm(); err != nil {
		return banklink.Notice{}, err
	}
	id := banklink.Bank(r.PathValue("bank"))
	form := r.PostForm
	if r.Method == http.MethodGet {
		form = r.URL.Query()
	}
	return s.links[id].Verify(id, form)
}

// notices are what the shop heard so far.
func (s *shop) notices() []banklink.Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard
}

func (s *shop) payment(id banklink.Bank, stamp string) banklink.Payment {
	return banklink.Payment{
		Stamp: stamp, Amount: 3720, Reference: "26000123453", Message: "Opiq 2600012345", Language: lang.Russian,
		Return: s.url + "/v1/callbacks/banklink/" + string(id), At: time.Now(),
	}
}

func (s *shop) order(id banklink.Bank, stamp string) banklink.Form {
	return s.keys[id](s.payment(id, stamp))
}

// at lets a program play the buyer: it answers the form with which the buyer returns, or the problem's code.
func (s *shop) at(form banklink.Form, query string) (back banklink.Form, code string) {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodPost, form.Action+"?"+query, strings.NewReader(values(form.Fields).Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.Body.Close()
	var answer struct {
		Return banklink.Form
		Code   string
	}
	if err := json.NewDecoder(w.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	if (w.StatusCode == 200) != (answer.Code == "") {
		s.t.Fatalf("%d with code %q", w.StatusCode, answer.Code)
	}
	return answer.Return, answer.Code
}

func values(fields map[string]string) url.Values {
	v := url.Values{}
	for name, value := range fields {
		v.Set(name, value)
	}
	return v
}

func TestEveryBankIsPaidAndSaysSo(t *testing.T) {
	s := openShop(t)
	for _, h := range models {
		t.Run(string(h.ID), func(t *testing.T) {
			before := len(s.notices())
			back, code := s.at(s.order(h.ID, "2600012345000000001"), "action=pay")
			if code != "" || back.Method != h.Method || back.Action != s.url+"/v1/callbacks/banklink/"+string(h.ID) {
				t.Fatalf("%s %+v", code, back)
			}
			heard := s.notices()
			if len(heard) != before+1 || s.errors[before] != nil {
				t.Fatalf("the notice is not there when the bank answers: %v %v", heard, s.errors)
			}
			own := heard[before]
			n, err := s.links[h.ID].Verify(h.ID, values(back.Fields))
			if err != nil || n.Service != banklink.Paid || n.Automatic || !own.Automatic {
				t.Errorf("%v: %+v, %+v", err, n, own)
			}
			if n.Amount != "37.20" || n.Reference != "26000123453" || n.Account != h.Agreement.Account || n.PayerName != payer || n.Lang != "RUS" {
				t.Errorf("%+v", n)
			}
			if n.Automatic = true; n != own {
				t.Errorf("the notice says %+v, the browser %+v", own, n)
			}
			if _, standard := back.Fields["VK_REC_ACC"]; standard == (h.ID == "seb") {
				t.Errorf("the account's name: %v", back.Fields)
			}
		})
	}
}

func TestCanceledIsToldByTheBrowserOnly(t *testing.T) {
	s := openShop(t)
	back, _ := s.at(s.order("lhv", "2600012345000000001"), "action=cancel&notice=twice")
	n, err := s.links["lhv"].Verify("lhv", values(back.Fields))
	if err != nil || n.Service != banklink.Failed || n.Automatic || n.Number != "" {
		t.Errorf("%v: %+v", err, n)
	}
	s.bank.Close()
	if heard := s.notices(); len(heard) != 0 {
		t.Errorf("%+v", heard)
	}
}

func TestNoticeComesWhenItIsAsked(t *testing.T) {
	for when, want := range map[string]struct{ atOnce, inTheEnd int }{"before": {1, 1}, "after": {0, 1}, "twice": {1, 2}, "never": {0, 0}} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			s := openShop(t)
			s.at(s.order("coop", "1"), "action=pay&notice="+when)
			if n := len(s.notices()); n != want.atOnce {
				t.Errorf("%d notices when the bank answers, want %d", n, want.atOnce)
			}
			s.bank.notices.Wait()
			if n := len(s.notices()); n != want.inTheEnd {
				t.Errorf("%d notices in the end, want %d", n, want.inTheEnd)
			}
		})
	}
}

func TestNoticeComesAgainUntilItIsTaken(t *testing.T) {
	for _, c := range []struct {
		name         string
		answer       func(int) int
		calls, heard int
	}{
		{"the shop is down for a moment", func(n int) int { return map[bool]int{true: 503, false: 200}[n <= 3] }, 4, 1},
		{"the shop refuses", func(int) int { return 400 }, 1, 0},
		{"the shop is busy", func(n int) int { return map[bool]int{true: 429, false: 200}[n <= 1] }, 2, 1},
		{"the shop takes the bank for a person", func(n int) int { return map[bool]int{true: 303, false: 200}[n <= 1] }, 2, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t)
			s.answer = c.answer
			if _, code := s.at(s.order("swedbank", "1"), "action=pay"); code != "" {
				t.Fatal(code)
			}
			if s.calls != c.calls || len(s.heard) != c.heard {
				t.Errorf("%d calls and %d notices, want %d and %d", s.calls, len(s.heard), c.calls, c.heard)
			}
		})
	}
}

func TestCloseGivesUpWaitingNotices(t *testing.T) {
	s := openShop(t)
	s.at(s.order("lhv", "1"), "action=pay&notice=after")
	start := time.Now()
	s.bank.Close()
	if len(s.notices()) != 0 || time.Since(start) > delay/2 {
		t.Errorf("%v, %s", s.notices(), time.Since(start))
	}
}

func TestOneStampIsOnePayment(t *testing.T) {
	s := openShop(t)
	form := s.order("seb", "2600012345000000001")
	first, _ := s.at(form, "action=pay&notice=never")
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if again, code := s.at(form, "action=pay&notice=never"); code != "" || !maps.Equal(first.Fields, again.Fields) {
				t.Errorf("the second answer is another one: %s %v", code, again.Fields)
			}
		})
	}
	wait.Wait()
	second, _ := s.at(form, "action=pay&notice=never&again=1")
	other, _ := s.at(s.order("seb", "2600012345000000002"), "action=pay&notice=never")
	canceled, _ := s.at(form, "action=cancel")
	numbers := map[string]bool{first.Fields["VK_T_NO"]: true, second.Fields["VK_T_NO"]: true, other.Fields["VK_T_NO"]: true}
	if len(numbers) != 3 || canceled.Fields["VK_SERVICE"] != banklink.Failed {
		t.Errorf("%v, %v", numbers, canceled.Fields)
	}
	if still, _ := s.at(form, "action=pay&notice=never"); !maps.Equal(first.Fields, still.Fields) {
		t.Errorf("after all this the first payment reads %v", still.Fields)
	}
}

// Every trick is refused by the shop for its own reason, or is well signed and wrong.
func TestTricks(t *testing.T) {
	refused := map[string]banklink.Refusal{
		"mac": banklink.ErrMAC, "key": banklink.ErrMAC, "version": banklink.ErrVersion, "receiver": banklink.ErrReceiver,
		"account": banklink.ErrAccount, "currency": banklink.ErrCurrency,
	}
	s := openShop(t)
	for _, h := range models {
		honest, _ := s.at(s.order(h.ID, "2600012345000000009"), "action=pay&notice=never")
		n0, err := s.links[h.ID].Verify(h.ID, values(honest.Fields))
		if err != nil {
			t.Fatal(err)
		}
		for _, trick := range tricks {
			back, code := s.at(s.order(h.ID, "2600012345000000009"), "action=pay&notice=never&tamper="+trick.Name)
			n, err := s.links[h.ID].Verify(h.ID, values(back.Fields))
			if want, ok := refused[trick.Name]; ok {
				if code != "" || err != want {
					t.Errorf("%s, %s: %s %v, want %v", h.ID, trick.Name, code, err, want)
				}
				continue
			}
			wrong := map[string]bool{
				"amount": n.Amount == "0.01", "reference": n.Reference == "1234561", "stamp": n.Stamp == "2600012345000000000",
			}
			if err != nil || !wrong[trick.Name] || n.Number == n0.Number {
				t.Errorf("%s, %s: %v %+v", h.ID, trick.Name, err, n)
			}
		}
	}
}

func TestRefusesWhatARealBankRefuses(t *testing.T) {
	s := openShop(t)
	signed := func(change func(map[string]string)) func(banklink.Form) {
		return func(f banklink.Form) {
			change(f.Fields)
			ours, _, err := read("lhv", "ours")
			if err != nil {
				t.Fatal(err)
			}
			if err := banklink.Sign(ours, f.Fields); err != nil {
				t.Fatal(err)
			}
		}
	}
	set := func(name, value string) func(banklink.Form) {
		return signed(func(f map[string]string) { f[name] = value })
	}
	for name, c := range map[string]struct {
		spoil func(banklink.Form)
		query string
		want  string
	}{
		"a changed amount":        {func(f banklink.Form) { f.Fields["VK_AMOUNT"] = "0.01" }, "", "signature"},
		"no signature":            {func(f banklink.Form) { delete(f.Fields, "VK_MAC") }, "", "signature"},
		"another version":         {set("VK_VERSION", "008"), "", "version"},
		"another service":         {set("VK_SERVICE", "1111"), "", "service"},
		"another merchant":        {set("VK_SND_ID", "KIOSK"), "", "merchant"},
		"a stamp of letters":      {set("VK_STAMP", "A1"), "", "stamp"},
		"no stamp":                {set("VK_STAMP", ""), "", "stamp"},
		"nothing to pay":          {set("VK_AMOUNT", "0.00"), "", "amount"},
		"a comma":                 {set("VK_AMOUNT", "37,20"), "", "amount"},
		"kroons":                  {set("VK_CURR", "EEK"), "", "currency"},
		"a wrong check digit":     {set("VK_REF", "26000123454"), "", "reference"},
		"an RF reference":         {set("VK_REF", "RF341234561"), "", "reference"},
		"a query to return to":    {set("VK_RETURN", "http://localhost/x?y=1"), "", "return"},
		"nowhere to go on cancel": {set("VK_CANCEL", ""), "", "return"},
		"no encoding":             {signed(func(f map[string]string) { delete(f, "VK_ENCODING") }), "", "encoding"},
		"no language":             {signed(func(f map[string]string) { delete(f, "VK_LANG") }), "", "language"},
		"a colon in the offset":   {set("VK_DATETIME", "2026-09-01T07:21:14+03:0"), "", "datetime"},
		"an old order":            {set("VK_DATETIME", time.Now().Add(-6*time.Minute).Format(banklink.Layout)), "", "stale"},
		"an early order":          {set("VK_DATETIME", time.Now().Add(6*time.Minute).Format(banklink.Layout)), "", "stale"},
		"a long message":          {func(f banklink.Form) { f.Fields["VK_MSG"] = strings.Repeat("õ", 96) }, "", "length"},
		"no decision":             {func(banklink.Form) {}, "notice=never", "action"},
		"an unknown decision":     {func(banklink.Form) {}, "action=steal", "action"},
		"an unknown moment":       {func(banklink.Form) {}, "action=pay&notice=soon", "notice"},
		"an unknown trick":        {func(banklink.Form) {}, "action=pay&tamper=all", "tamper"},
		"an unknown bank":         {func(banklink.Form) {}, "", "unknown_bank"},
	} {
		form := s.order("lhv", "1")
		c.spoil(form)
		if c.want == "unknown_bank" {
			form.Action = s.url + "/_local/bank/sampo"
		}
		if c.query == "" {
			c.query = "action=pay"
		}
		if _, code := s.at(form, c.query); code != c.want {
			t.Errorf("%s: %q, want %q", name, code, c.want)
		}
	}
	if n := len(s.notices()); n != 0 {
		t.Errorf("the shop heard of %d payments", n)
	}
}

var (
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
	formOf = regexp.MustCompile(`<form method="([A-Za-z]+)" action="([^"]+)">`)
)

// submit sends a page's form as a browser does, with more fields of the buyer's choice, and answers the next page.
func (s *shop) submit(page string, more url.Values) (*http.Response, string) {
	s.t.Helper()
	to := formOf.FindStringSubmatch(page)
	form := url.Values{}
	for _, f := range hidden.FindAllStringSubmatch(page, -1) {
		form.Add(f[1], html.UnescapeString(f[2]))
	}
	maps.Copy(form, more)
	address := html.UnescapeString(to[2])
	if strings.HasPrefix(address, "/") {
		address = s.url + address
	}
	var w *http.Response
	var err error
	if strings.EqualFold(to[1], "GET") {
		w, err = http.Get(address + "?" + form.Encode())
	} else {
		w, err = http.PostForm(address, form)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return w, string(body)
}

func TestAPersonPaysAndReturns(t *testing.T) {
	for _, h := range models {
		t.Run(string(h.ID), func(t *testing.T) {
			s := openShop(t)
			p := s.payment(h.ID, "2600012345000000001")
			p.Message = `Opiq "õpik" <script>alert(1)</script>`
			form := s.keys[h.ID](p)
			w, err := http.PostForm(form.Action, values(form.Fields))
			if err != nil {
				t.Fatal(err)
			}
			first, err := io.ReadAll(w.Body)
			w.Body.Close()
			if err != nil || w.StatusCode != 200 {
				t.Fatalf("%d %v", w.StatusCode, err)
			}
			for _, want := range []string{"stand-in, not a real bank", "37.20 EUR", "26000123453", "Star Cloud OÜ", ">Pay<", ">Cancel<", "&lt;script&gt;"} {
				if !strings.Contains(string(first), want) {
					t.Errorf("the order's page does not show %q", want)
				}
			}
			if strings.Contains(string(first), "<script") {
				t.Error("the message runs")
			}
			if csp := w.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' "+s.url) {
				t.Errorf("the browser could not return: %s", csp)
			}
			s.bank.now = func() time.Time { return time.Now().Add(20 * time.Minute) } // the buyer looks for a card
			_, second := s.submit(string(first), url.Values{"action": {"pay"}, "notice": {"before"}, "tamper": {""}})
			if !strings.Contains(second, "Return to merchant") || !strings.Contains(second, "the payment is made") {
				t.Fatalf("after Pay: %s", second)
			}
			if w, _ := s.submit(second, nil); w.StatusCode != 200 {
				t.Errorf("the shop answered %d", w.StatusCode)
			}
			heard := s.notices()
			if len(heard) != 2 || s.errors[0] != nil || s.errors[1] != nil || !heard[0].Automatic || heard[1].Automatic {
				t.Errorf("%+v %v", heard, s.errors)
			}
		})
	}
}

func TestAPersonCancels(t *testing.T) {
	s := openShop(t)
	form := s.order("seb", "1")
	w, err := http.PostForm(form.Action, values(form.Fields))
	if err != nil {
		t.Fatal(err)
	}
	first, err := io.ReadAll(w.Body)
	w.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	_, second := s.submit(string(first), url.Values{"action": {"cancel"}})
	s.submit(second, nil)
	if heard := s.notices(); len(heard) != 1 || s.errors[0] != nil || heard[0].Service != banklink.Failed {
		t.Errorf("%+v %v", heard, s.errors)
	}
}

func TestAPersonReadsWhyNot(t *testing.T) {
	s := openShop(t)
	form := s.order("seb", "1")
	form.Fields["VK_AMOUNT"] = "0.01"
	w, err := http.PostForm(form.Action, values(form.Fields))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	page, err := io.ReadAll(w.Body)
	if err != nil || w.StatusCode != 400 || !strings.Contains(string(page), "does not take this order") || !strings.Contains(string(page), "<code>signature</code>") {
		t.Errorf("%d %v %s", w.StatusCode, err, page)
	}
}

func TestPagesTellWhatThereIs(t *testing.T) {
	s := openShop(t)
	for path, want := range map[string][]string{
		"/_local/bank/":         {"Swedbank", "SEB", "LHV", "Luminor", "Coop Pank", "version 008"},
		"/_local/bank/swedbank": {"HP", "GET", "again=1", "tamper=", "another bank’s key"},
	} {
		w, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(w.Body)
		w.Body.Close()
		if err != nil || w.StatusCode != 200 {
			t.Fatalf("%s: %d %v", path, w.StatusCode, err)
		}
		for _, text := range want {
			if !strings.Contains(string(page), text) {
				t.Errorf("%s does not show %q", path, text)
			}
		}
	}
	if w, err := http.Get(s.url + "/_local/bank/sampo"); err != nil || w.StatusCode != 404 {
		t.Errorf("%v %v", w, err)
	}
}

// Nothing of this may ever be used where real people pay: the keys say so, and the addresses are refused.
func TestEverythingSaysThatItIsATest(t *testing.T) {
	found, b, err := Local("http://localhost:8080", secrets)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if len(found) != 12 || len(found[secrets+"/pepper"].Text) < 32 || !strings.HasPrefix(found[secrets+"/pepper"].Text, "test-") {
		t.Errorf("%d parameters", len(found))
	}
	plain := map[string]string{}
	for name, p := range found {
		plain[strings.TrimPrefix(name, secrets+"/")] = p.Text
		if plain := strings.HasSuffix(name, "/agreement") || strings.HasSuffix(name, "/"+invoice.DeskParameter); p.Secret == plain {
			t.Errorf("%s: secret is %v", name, p.Secret)
		}
		texts := []string{p.Text}
		var a banklink.Agreement
		if json.Unmarshal([]byte(p.Text), &a) == nil {
			texts = a.Keys
		}
		for _, text := range texts {
			if block, _ := pem.Decode([]byte(text)); block != nil && block.Headers["Purpose"] != "test" {
				t.Errorf("%s has a key that does not say that it is a test's", name)
			}
		}
	}
	if _, err := banklink.Links(banklink.Banks("lhv"), plain, true); err == nil {
		t.Error("a prod stage takes the address")
	}
	if context.Cause(b.life) != nil {
		t.Error("the bank is closed")
	}
	invoices, err := invoice.ParseDesk(plain[invoice.DeskParameter])
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range invoices.Accounts {
		if a.IBAN != models[i].Agreement.Account {
			t.Errorf("money for an invoice comes to %+v", a)
		}
	}
}
