package everypay

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"opiq/shared/acquirer"
	"opiq/shared/everypay"
	"opiq/shared/lang"
	"opiq/shared/money"
)

// shop is the other side: it asks through shared/acquirer, and hears callbacks.
type shop struct {
	*acquirer.Acquirer
	t        *testing.T
	url      string
	provider *Provider

	mu     sync.Mutex
	calls  []string // events as they came, with their method
	heard  []everypay.Callback
	answer func(call int) int // the status for the n-th callback, from 1
}

func openShop(t *testing.T, o Options) *shop {
	t.Helper()
	s := &shop{t: t, answer: func(int) int { return 200 }}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	o.PublicURL, o.Callback = server.URL, server.URL+"/v1/callbacks/card"
	if o.Speed == 0 {
		o.Speed = 3000 // five minutes are 100 ms, an hour is 1.2 s
	}
	s.provider = Open(o)
	t.Cleanup(s.provider.Close)
	values, err := s.provider.Parameters("/opiq/dev")
	if err != nil {
		t.Fatal(err)
	}
	plain := map[string]string{}
	for name, v := range values {
		plain[strings.TrimPrefix(name, "/opiq/dev/")] = v.Text
	}
	agreement, password, err := everypay.Open(plain, false)
	if err != nil {
		t.Fatal(err)
	}
	s.Acquirer = acquirer.Open(agreement, password, nil)
	mux.Handle(path, s.provider)
	mux.HandleFunc("/v1/callbacks/card", s.hear)
	mux.HandleFunc("/v1/callbacks/card/{attempt}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, s.url+r.URL.String()) })
	return s
}

func (s *shop) hear(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ParseForm()
	s.calls = append(s.calls, r.Method+" "+r.Form.Get("event_name"))
	status := s.answer(len(s.calls))
	if c, err := everypay.ReadCallback(r.Form); err == nil && status/100 == 2 {
		s.heard = append(s.heard, c)
	}
	w.WriteHeader(status)
}

func (s *shop) told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *shop) wanted(order string) everypay.Oneoff {
	return everypay.Oneoff{
		Order: order, Amount: 3720, Return: s.url + "/orders/2600012345?lang=et", Language: lang.Estonian, Email: "mari@example.ee",
		IP: "192.0.2.7", Description: "Opiq 2600012345", Reference: "26000123453",
	}
}

func (s *shop) start(order string) everypay.Payment {
	s.t.Helper()
	p, err := s.Create(s.t.Context(), s.wanted(order))
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// at lets a program play the buyer, or the buyer's bank.
func (s *shop) at(ref everypay.Reference, query string) (answer map[string]string) {
	s.t.Helper()
	w, err := http.Post(s.url+path+string(ref)+"?"+query, "", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(w.Body).Decode(&out); err != nil {
		s.t.Fatal(err)
	}
	answer = map[string]string{}
	for k, v := range out {
		answer[k] = fmt.Sprint(v)
	}
	if (w.StatusCode == 200) != (answer["state"] != "") {
		s.t.Fatalf("%d with %v", w.StatusCode, answer)
	}
	return answer
}

func (s *shop) state(ref everypay.Reference) everypay.Payment {
	s.t.Helper()
	p, err := s.Payment(s.t.Context(), ref)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// soon waits for something that takes a moment.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 400 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("it did not come: %s", what)
}

func TestABuyerPaysByCard(t *testing.T) {
	s := openShop(t, Options{})
	made := s.start("2600012345000000001")
	if made.State != everypay.Initial || made.Amount != 3720 || made.Link != s.url+path+string(made.Reference) {
		t.Fatalf("%+v", made)
	}
	if got := s.at(made.Reference, "outcome=settled&callback=once"); got["state"] != "settled" {
		t.Errorf("%v", got)
	}
	if want := []everypay.Callback{{Reference: made.Reference, Event: everypay.StatusUpdated}}; !slices.Equal(s.heard, want) {
		t.Errorf("the shop heard %v before the buyer was back", s.heard)
	}
	paid := s.state(made.Reference)
	if paid.State != everypay.StateSettled || paid.Method != "card" || paid.OpenBanking() || paid.Standing != 3720 || time.Since(paid.PaidAt) > time.Minute || paid.Order != "2600012345000000001" {
		t.Errorf("%+v", paid)
	}
}

func TestABuyerPaysFromABank(t *testing.T) {
	s := openShop(t, Options{})
	made := s.start("1")
	if asked := s.at(made.Reference, "outcome=waiting&method=lhv_ob_ee"); asked["state"] != "waiting_for_sca" {
		t.Errorf("%v", asked)
	}
	s.at(made.Reference, "outcome=settled")
	paid := s.state(made.Reference)
	if !paid.OpenBanking() || paid.Bank() != "lhv" || paid.Transfer.Payer != debtor || paid.Transfer.To != creditor || paid.Transfer.State != "ACSC" || paid.Transfer.Number == "" {
		t.Errorf("%+v %+v", paid, paid.Transfer)
	}
}

// The provider tells all about the card and the buyer, and nothing of it is kept.
func TestWhatNobodyWantsToKnowIsSentAndNotKept(t *testing.T) {
	s := openShop(t, Options{})
	made := s.start("1")
	s.at(made.Reference, "outcome=failed")
	kept, err := json.Marshal(s.state(made.Reference))
	if err != nil {
		t.Fatal(err)
	}
	told := s.raw("GET", "payments/"+string(made.Reference)+"?api_username="+username, "", nil)
	for _, word := range []string{CardHolder, CardToken, Warning, "516883", "mari@example.ee", "192.0.2.7"} {
		if !strings.Contains(told.body, word) || strings.Contains(string(kept), word) {
			t.Errorf("%q: told %v, kept %v", word, strings.Contains(told.body, word), strings.Contains(string(kept), word))
		}
	}
}

func TestWhatCanHappen(t *testing.T) {
	for _, c := range []struct {
		steps string
		state everypay.State
		means everypay.Meaning
		event everypay.Event
		tell  bool
		left  money.Amount
	}{
		{"settled", "settled", everypay.Settled, everypay.StatusUpdated, false, 3720},
		{"failed", "failed", everypay.Failed, everypay.StatusUpdated, false, 3720},
		{"abandoned", "abandoned", everypay.Failed, everypay.EventAbandoned, false, 3720},
		{"waiting", "waiting_for_3ds_response", everypay.Pending, everypay.StatusUpdated, false, 3720},
		{"waiting confirmed", "3ds_confirmed", everypay.Pending, everypay.StatusUpdated, false, 3720},
		{"waiting confirmed settled", "settled", everypay.Settled, everypay.StatusUpdated, false, 3720},
		{"processing", "sent_for_processing", everypay.Pending, everypay.StatusUpdated, false, 3720},
		{"processing settled", "settled", everypay.Settled, everypay.StatusUpdated, false, 3720},
		{"authorised", "authorised", everypay.Pending, everypay.StatusUpdated, false, 3720},
		{"authorised voided", "voided", everypay.Voided, everypay.EventVoided, false, 3720},
		{"unknown", "under_review", everypay.Pending, everypay.Unknown, true, 3720},
		{"failed settled", "settled", everypay.Settled, everypay.StatusUpdated, false, 3720},
		{"abandoned settled", "settled", everypay.Settled, everypay.StatusUpdated, false, 3720},
		{"settled refunded", "refunded", everypay.Refunded, everypay.EventRefunded, false, 0},
		{"settled refunded&amount=7.20", "refunded", everypay.Refunded, everypay.EventRefunded, false, 3000},
		{"settled refunded&amount=7.20 refunded&amount=30", "refunded", everypay.Refunded, everypay.EventRefunded, false, 0},
		{"settled refunded refund_failed", "settled", everypay.Settled, everypay.RefundFailed, true, 3720},
		{"settled disputed", "settled", everypay.Settled, everypay.DisputeOpened, true, 3720},
		{"settled charged_back", "charged_back", everypay.ChargedBack, everypay.EventChargedBack, false, 0},
		{"settled refunded&amount=1 charged_back", "charged_back", everypay.ChargedBack, everypay.EventChargedBack, false, 0},
		{"settled charged_back dispute_won", "settled", everypay.Settled, everypay.DisputeReversed, true, 3720},
	} {
		s := openShop(t, Options{})
		made := s.start("1")
		steps := strings.Fields(c.steps)
		for _, step := range steps {
			s.at(made.Reference, "outcome="+step)
		}
		p := s.state(made.Reference)
		if p.State != c.state || p.State.Meaning() != c.means || p.State.Known() == (c.state == "under_review") || p.Standing != c.left || p.Amount != 3720 {
			t.Errorf("%s: %+v", c.steps, p)
		}
		last := s.heard[len(s.heard)-1]
		if len(s.heard) != len(steps) || last.Event != c.event || last.Event.Tell() != c.tell {
			t.Errorf("%s: the shop heard %v", c.steps, s.heard)
		}
	}
}

func TestWhatCannotHappen(t *testing.T) {
	s := openShop(t, Options{})
	for steps, want := range map[string]string{
		"refunded": "not_possible", "charged_back": "not_possible", "voided": "not_possible", "disputed": "not_possible", "refund_failed": "not_possible",
		"settled dispute_won": "not_possible", "settled failed": "not_possible", "settled abandoned": "not_possible", "settled waiting": "not_possible", "failed waiting": "not_possible",
		"settled refunded&amount=37.21": "not_possible", "settled refunded refunded": "not_possible", "settled charged_back settled": "not_possible",
		"": "outcome", "paid": "outcome", "settled&callback=soon": "callback", "settled&then=later": "then", "settled&method=cash": "method",
		"settled refunded&amount=1,50": "amount", "settled refunded&amount=0": "amount",
	} {
		made := s.start(fresh()[:20])
		all := strings.Split(steps, " ")
		for _, step := range all[:len(all)-1] {
			s.at(made.Reference, "outcome="+step)
		}
		before := len(s.told())
		if got := s.at(made.Reference, "outcome="+all[len(all)-1]); got["code"] != want || len(s.told()) != before {
			t.Errorf("%s: %v, want %s", steps, got, want)
		}
	}
	if got := s.at("0123456789abcdef", "outcome=settled"); got["code"] != "unknown_payment" {
		t.Errorf("%v", got)
	}
}

// ---- Callbacks

func TestHowTheShopHears(t *testing.T) {
	const settled, again = "GET status_updated", "POST status_updated"
	for how, want := range map[string]struct{ atOnce, inTheEnd []string }{
		"once": {[]string{settled}, []string{settled}}, "twice": {[]string{settled}, []string{settled, again}},
		"late": {nil, []string{settled}}, "never": {nil, nil}, "out_of_order": {nil, []string{settled}},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, Options{})
			s.at(s.start("1").Reference, "outcome=settled&callback="+how)
			if got := s.told(); !slices.Equal(got, want.atOnce) {
				t.Errorf("at once %v, want %v", got, want.atOnce)
			}
			s.provider.waiting.Wait()
			if got := s.told(); !slices.Equal(got, want.inTheEnd) {
				t.Errorf("in the end %v, want %v", got, want.inTheEnd)
			}
		})
	}
}

func TestCallbacksOutOfOrder(t *testing.T) {
	s := openShop(t, Options{})
	ref := s.start("1").Reference
	s.at(ref, "outcome=processing&callback=out_of_order")
	s.at(ref, "outcome=settled&callback=out_of_order")
	s.at(ref, "outcome=refunded")
	if want := []string{"GET status_updated", "GET refunded", "GET status_updated"}; !slices.Equal(s.told(), want) {
		t.Errorf("%v", s.told())
	}
	s.provider.waiting.Wait()
	if len(s.told()) != 3 {
		t.Errorf("one came twice: %v", s.told())
	}
}

func TestACallbackComesUntilItIsTaken(t *testing.T) {
	for _, c := range []struct {
		name         string
		answer       func(int) int
		calls, heard int
	}{
		{"the shop is down for a moment", func(n int) int { return map[bool]int{true: 503, false: 200}[n <= 3] }, 4, 1},
		{"the shop takes the provider for a person", func(n int) int { return map[bool]int{true: 303, false: 200}[n <= 1] }, 2, 1},
		{"the shop never wants it", func(int) int { return 404 }, 6, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, Options{Speed: 1_000_000})
			s.answer = c.answer
			s.at(s.start("1").Reference, "outcome=settled")
			s.provider.waiting.Wait()
			if len(s.calls) != c.calls || len(s.heard) != c.heard {
				t.Errorf("%d calls, %d taken, want %d and %d", len(s.calls), len(s.heard), c.calls, c.heard)
			}
		})
	}
}

func TestCloseGivesUpWhatIsToCome(t *testing.T) {
	s := openShop(t, Options{Speed: 1})
	ref := s.start("1").Reference
	for _, how := range []string{"late", "twice", "out_of_order"} {
		s.at(ref, "outcome=waiting&then=settled&callback="+how)
	}
	began := time.Now()
	s.provider.Close()
	s.provider.Close()
	if time.Since(began) > time.Second || len(s.told()) != 1 {
		t.Errorf("%s, %v", time.Since(began), s.told())
	}
	s.at(ref, "outcome=settled&callback=late") // nothing starts any more
	s.provider.waiting.Wait()
}

func TestItIsPaidAfterAll(t *testing.T) {
	for _, first := range []string{"failed", "abandoned"} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, Options{})
			ref := s.start("1").Reference
			if got := s.at(ref, "then=settled&outcome="+first); got["state"] != first {
				t.Fatalf("%v", got)
			}
			soon(t, "the success after the failure", func() bool { return s.state(ref).State == everypay.StateSettled && len(s.told()) == 2 })
		})
	}
}

func TestABuyerWhoDoesNotConfirmHasWalkedAway(t *testing.T) {
	s := openShop(t, Options{Patience: 200 * time.Millisecond})
	slow, fast := s.start("1").Reference, s.start("2").Reference
	s.at(slow, "outcome=waiting")
	s.at(fast, "outcome=waiting")
	s.at(fast, "outcome=settled")
	soon(t, "the end of patience", func() bool { return s.state(slow).State == everypay.Abandoned })
	s.provider.waiting.Wait()
	if p := s.state(fast); p.State != everypay.StateSettled {
		t.Errorf("a payment was taken away: %s", p.State)
	}
	if got := s.told(); got[len(got)-1] != "GET abandoned" {
		t.Errorf("%v", got)
	}
}

// ---- The API

type reply struct {
	status int
	body   string
}

// raw calls the API as something else than the shop would.
func (s *shop) raw(method, to, body string, change func(*http.Request)) reply {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path+"api/v4/"+to, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.SetBasicAuth(username, secret)
	r.Header.Set("Content-Type", "application/json")
	if change != nil {
		change(r)
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.Body.Close()
	all, err := io.ReadAll(w.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{w.StatusCode, string(all)}
}

// fields are the body of a creation that is right, with changes; "-" takes a field away.
func (s *shop) fields(changes map[string]any) string {
	f := map[string]any{
		"api_username": username, "account_name": account, "amount": json.Number("37.20"), "order_reference": fresh()[:20], "nonce": fresh(),
		"timestamp": time.Now().UTC().Format(time.RFC3339), "customer_url": s.url + "/orders/1", "locale": "et",
	}
	maps.Copy(f, changes)
	maps.DeleteFunc(f, func(_ string, v any) bool { return v == "-" })
	body, err := json.Marshal(f)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(body)
}

func TestTheProviderTakesWhatItSaysItTakes(t *testing.T) {
	s := openShop(t, Options{})
	for name, changes := range map[string]map[string]any{
		"the least":           {"locale": "-"},
		"an amount as text":   {"amount": "37.20"},
		"whole euros":         {"amount": 37},
		"a shop in the world": {"customer_url": "https://opiq.example/orders/1?x=1"},
		"local, with a dot":   {"customer_url": "http://shop.localhost:8080/orders/1"},
		"all characters":      {"order_reference": "aZ09/-?:().,'+", "payment_description": "aZ09/-?:().,'+ "},
		"an old clock":        {"timestamp": time.Now().Add(-4 * time.Minute).UTC().Format(time.RFC3339)},
		"an Estonian time":    {"timestamp": time.Now().In(time.FixedZone("", 7200)).Format(time.RFC3339)},
	} {
		if got := s.raw("POST", "payments/oneoff", s.fields(changes), nil); got.status != 201 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestTheProviderRefusesWhatItSaysItRefuses(t *testing.T) {
	s := openShop(t, Options{})
	used := s.fields(map[string]any{"order_reference": "26.1", "nonce": "used-used-used-used"})
	if got := s.raw("POST", "payments/oneoff", used, nil); got.status != 201 {
		t.Fatalf("%+v", got)
	}
	change := func(name string, value any) string { return s.fields(map[string]any{name: value}) }
	for name, c := range map[string]struct {
		body   string
		change func(*http.Request)
		status int
		code   everypay.Code
	}{
		"no password":            {s.fields(nil), func(r *http.Request) { r.Header.Del("Authorization") }, 401, "4001"},
		"a wrong password":       {s.fields(nil), func(r *http.Request) { r.SetBasicAuth(username, "x") }, 401, "4001"},
		"another user":           {s.fields(nil), func(r *http.Request) { r.SetBasicAuth("x", secret) }, 401, "4001"},
		"another user inside":    {change("api_username", "x"), nil, 403, "4003"},
		"a form":                 {"a=b", func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 400, "4006"},
		"half":                   {`{"api_username":`, nil, 400, "4006"},
		"the same again":         {used, nil, 422, "4005"},
		"a nonce that was used":  {change("nonce", "used-used-used-used"), nil, 422, "4005"},
		"no nonce":               {change("nonce", "-"), nil, 422, "4002"},
		"an old request":         {change("timestamp", time.Now().Add(-6*time.Minute).UTC().Format(time.RFC3339)), nil, 422, "4004"},
		"a request of tomorrow":  {change("timestamp", time.Now().Add(6*time.Minute).UTC().Format(time.RFC3339)), nil, 422, "4004"},
		"seconds":                {change("timestamp", "1700000000"), nil, 422, "4004"},
		"an order that was used": {change("order_reference", "26.1"), nil, 422, "4024"},
		"an order with a space":  {change("order_reference", "a b"), nil, 422, "4002"},
		"a long order":           {change("order_reference", strings.Repeat("1", 121)), nil, 422, "4002"},
		"another account":        {change("account_name", "EUR9"), nil, 422, "4002"},
		"no amount":              {change("amount", "-"), nil, 422, "4002"},
		"nothing to pay":         {change("amount", 0), nil, 422, "4002"},
		"less than nothing":      {change("amount", -1), nil, 422, "4002"},
		"half a cent":            {change("amount", json.Number("1.005")), nil, 422, "4002"},
		"a host without a dot":   {change("customer_url", "http://localhost/orders/1"), nil, 422, "4002"},
		"a number":               {change("customer_url", "https://192.0.2.1/orders/1"), nil, 422, "4002"},
		"a script":               {change("customer_url", "javascript:alert(1)"), nil, 422, "4002"},
		"Kazakh":                 {change("locale", "kk"), nil, 422, "4002"},
		"no e-mail address":      {change("email", "mari"), nil, 422, "4002"},
		"no IP address":          {change("customer_ip", "home"), nil, 422, "4002"},
		"Finland":                {change("preferred_country", "FI"), nil, 422, "4002"},
		"a wide description":     {change("payment_description", "õpik"), nil, 422, "4002"},
		"a wrong check digit":    {change("structured_reference", "26000123454"), nil, 422, "4002"},
	} {
		if got := s.raw("POST", "payments/oneoff", c.body, c.change); got.status != c.status || everypay.ReadFailure([]byte(got.body)) != c.code {
			t.Errorf("%s: %+v, want %d %s", name, got, c.status, c.code)
		}
	}
	if got := s.raw("GET", "payments/0123456789abcdef?api_username="+username, "", nil); got.status != 404 {
		t.Errorf("%+v", got)
	}
	if got := s.raw("GET", "payments/0123456789abcdef", "", nil); got.status != 403 {
		t.Errorf("%+v", got)
	}
}

func TestAShopThatUsesReferencesAgain(t *testing.T) {
	s := openShop(t, Options{Reuse: true})
	body := func() string { return s.fields(map[string]any{"order_reference": "26"}) }
	for range 2 {
		if got := s.raw("POST", "payments/oneoff", body(), nil); got.status != 201 {
			t.Fatalf("%+v", got)
		}
	}
	s.at(everypay.Reference(s.provider.listed[1].Reference), "outcome=settled")
	if got := s.raw("POST", "payments/oneoff", body(), nil); got.status != 422 {
		t.Errorf("an order that is paid: %+v", got)
	}
}

func TestMoneyGoesBack(t *testing.T) {
	s := openShop(t, Options{})
	for _, method := range []string{"card", "seb_ob_ee"} {
		ref := s.start(method[:3]).Reference
		part := everypay.Refund{Payment: ref, Amount: 720, Standing: 3720, Nonce: fresh()}
		if _, err := s.Refund(t.Context(), part); !errors.Is(err, acquirer.ErrDiffers) {
			t.Errorf("before it is paid: %v", err)
		}
		s.at(ref, "outcome=settled&method="+method)
		if p, err := s.Refund(t.Context(), part); err != nil || p.Standing != 3000 {
			t.Errorf("%v %+v", err, p)
		}
		rest := everypay.Refund{Payment: ref, Amount: 3000, Standing: 3000, Nonce: fresh()}
		for range 2 {
			if p, err := s.Refund(t.Context(), rest); err != nil || p.Standing != 0 || p.State != everypay.StateRefunded {
				t.Errorf("%v %+v", err, p)
			}
		}
	}
	for field, c := range map[string]struct {
		changes map[string]any
		code    everypay.Code
	}{
		"unknown":  {map[string]any{"payment_reference": fresh()}, "4041"},
		"too much": {map[string]any{"payment_reference": s.paid(), "amount": json.Number("37.21")}, "4010"},
		"unpaid":   {map[string]any{"payment_reference": s.start("unpaid").Reference}, "4009"},
	} {
		if got := s.raw("POST", "payments/refund", s.fields(c.changes), nil); got.status/100 != 4 || everypay.ReadFailure([]byte(got.body)) != c.code {
			t.Errorf("%s: %+v", field, got)
		}
	}
}

func (s *shop) paid() everypay.Reference {
	ref := s.start(fresh()[:20]).Reference
	s.at(ref, "outcome=settled&callback=never")
	return ref
}

// ---- Faults

func TestTheShopGetsThroughEachFault(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, Options{})
			broken := func(call string, delay time.Duration) {
				s.provider.Break(Fault{Call: call, Kind: k.Name, Delay: delay})
			}

			broken("create", 6*time.Second) // longer than a try
			ref := s.start("1").Reference
			made := len(s.provider.listed)
			if want := map[bool]int{true: 2, false: 1}[slices.Contains([]string{"error_after", "lost", "garbage", "slow"}, k.Name)]; made != want {
				t.Errorf("%d payments were made, want %d", made, want)
			}

			s.at(ref, "outcome=settled&callback=never")
			broken("payment", time.Second)
			if p := s.state(ref); p.State != everypay.StateSettled {
				t.Errorf("%+v", p)
			}

			broken("refund", time.Second)
			if p, err := s.Refund(t.Context(), everypay.Refund{Payment: ref, Amount: 720, Standing: 3720, Nonce: fresh()}); err != nil || p.Standing != 3000 {
				t.Errorf("%v %+v", err, p)
			}
			if len(s.provider.faults) != 0 {
				t.Errorf("left: %+v", s.provider.faults)
			}
		})
	}
}

func TestAProviderThatIsDownForLong(t *testing.T) {
	s := openShop(t, Options{})
	s.provider.Break(Fault{Kind: "error", Times: 100})
	for range 3 {
		if _, err := s.Create(t.Context(), s.wanted("1")); !errors.Is(err, acquirer.ErrUnavailable) {
			t.Error(err)
		}
	}
	if used := 100 - s.provider.faults[0].Times; used != 5 {
		t.Errorf("the shop asked %d times; after five it leaves the provider alone", used)
	}
	s.provider.Mend()
	if len(s.provider.faults) != 0 || len(s.provider.listed) != 0 {
		t.Error("something is left")
	}
}

func TestACallbackBeforeTheAnswer(t *testing.T) {
	for outcome, want := range map[string]everypay.State{"": everypay.Initial, "settled": everypay.StateSettled} {
		s := openShop(t, Options{})
		s.provider.Break(Fault{Call: "create", Kind: "early", Outcome: outcome})
		made := s.start("1")
		if made.State != want || len(s.heard) != 1 || s.heard[0].Reference != made.Reference {
			t.Errorf("%q: %+v, heard %v", outcome, made, s.heard)
		}
	}
}

func TestProgramsBreakTheAPI(t *testing.T) {
	s := openShop(t, Options{})
	ask := func(method, query string) (int, string) {
		r, err := http.NewRequest(method, s.url+path+"faults?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Body.Close()
		var p struct{ Code string }
		json.NewDecoder(w.Body).Decode(&p)
		return w.StatusCode, p.Code
	}
	for query, want := range map[string]string{
		"fault=fire": "fault", "": "fault", "fault=error&call=void": "call", "fault=error&times=x": "times", "fault=error&times=-1": "times",
		"fault=slow&delay=7": "delay", "fault=slow&delay=-7s": "delay", "fault=early&outcome=x": "outcome",
	} {
		if status, code := ask("POST", query); status != 400 || code != want {
			t.Errorf("%s: %d %s", query, status, code)
		}
	}
	if status, _ := ask("POST", "call=create&fault=slow&delay=20ms&times=2"); status != 204 {
		t.Fatal(status)
	}
	for _, query := range []string{"call=create&fault=early&outcome=failed", "call=create&fault=error&order=4"} {
		if status, _ := ask("POST", query); status != 204 {
			t.Fatal(status)
		}
	}
	want := []Fault{
		{Call: "create", Kind: "slow", Times: 2, Delay: 20 * time.Millisecond}, {Call: "create", Kind: "early", Times: 1, Delay: 7 * time.Second, Outcome: "failed"},
		{Call: "create", Order: "4", Kind: "error", Times: 1, Delay: 7 * time.Second},
	}
	if !slices.Equal(s.provider.faults, want) {
		t.Errorf("%+v", s.provider.faults)
	}
	for n, state := range []everypay.State{"initial", "initial", "failed", "initial"} {
		if p := s.start(fmt.Sprint(n)); p.State != state {
			t.Errorf("%d: %s", n, p.State)
		}
	}
	if len(s.provider.faults) != 1 {
		t.Errorf("a fault of another order is used up: %+v", s.provider.faults)
	}
	if s.start("4"); len(s.provider.faults) != 0 {
		t.Errorf("left are %+v", s.provider.faults)
	}
	ask("POST", "fault=error")
	if status, _ := ask("DELETE", ""); status != 204 || len(s.provider.faults) != 0 {
		t.Errorf("%d %+v", status, s.provider.faults)
	}
}

func TestManyAtOnce(t *testing.T) {
	s := openShop(t, Options{})
	var all sync.WaitGroup
	for n := range 24 {
		all.Go(func() {
			ref := s.start(fmt.Sprint(n)).Reference
			var each sync.WaitGroup
			for _, how := range []string{"once", "twice", "late", "out_of_order", "never"} {
				each.Go(func() {
					s.at(ref, "outcome=settled&callback="+how)
					s.state(ref)
				})
			}
			each.Wait()
			if p := s.state(ref); p.State != everypay.StateSettled {
				t.Errorf("%+v", p)
			}
		})
	}
	all.Wait()
	s.provider.waiting.Wait()
	if got := len(s.told()); got != 24*5 {
		t.Errorf("%d callbacks, want %d", got, 24*5)
	}
}

// ---- Pages

var (
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
	formOf = regexp.MustCompile(`<form method="([a-z]+)" action="([^"]+)">`)
)

// browse gets a page as a browser does.
func (s *shop) browse(method, to string, form url.Values) (*http.Response, string) {
	s.t.Helper()
	if strings.HasPrefix(to, "/") {
		to = s.url + to
	}
	var body io.Reader
	if method == "POST" {
		body = strings.NewReader(form.Encode())
	} else if form != nil {
		to += "?" + form.Encode()
	}
	r, err := http.NewRequest(method, to, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,*/*")
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.Body.Close()
	all, err := io.ReadAll(w.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return w, string(all)
}

// press sends a page's first form with what the buyer chose, and answers the next page.
func (s *shop) press(page string, chosen url.Values) (*http.Response, string) {
	s.t.Helper()
	to := formOf.FindStringSubmatch(page)
	if to == nil {
		s.t.Fatalf("no form in %s", page)
	}
	form := url.Values{}
	for _, f := range hidden.FindAllStringSubmatch(page, -1) {
		form.Add(f[1], html.UnescapeString(f[2]))
	}
	maps.Copy(form, chosen)
	return s.browse(strings.ToUpper(to[1]), html.UnescapeString(to[2]), form)
}

func contains(t *testing.T, page string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(page, word) {
			t.Errorf("the page does not show %q", word)
		}
	}
}

func TestAPersonPaysConfirmsAndReturns(t *testing.T) {
	s := openShop(t, Options{})
	made := s.start("2600012345000000001")
	w, page := s.browse("GET", made.Link, nil)
	contains(t, page, "stand-in, not a real card provider", "37.20 EUR", "26000123453", "Opiq 2600012345", ">Pay<", " LHV</label>", ">Be declined<", ">Walk away<")
	if csp := w.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' "+s.url) || strings.Contains(page, "<script") {
		t.Errorf("%s", csp)
	}
	_, page = s.press(page, url.Values{"outcome": {"waiting"}, "method": {"lhv_ob_ee"}, "callback": {"never"}, "then": {""}})
	contains(t, page, "Your bank: is it you who pays?", ">Confirm<", ">Refuse<")
	_, page = s.press(page, url.Values{"outcome": {"settled"}, "callback": {"once"}})
	contains(t, page, "The payment is made", ">Return to merchant<", "<code>settled</code>")
	w, _ = s.press(page, nil)
	back := w.Request.URL
	if back.Path != "/orders/2600012345" || back.Query().Get("lang") != "et" || back.Query().Get("payment_reference") != string(made.Reference) ||
		!strings.HasPrefix(back.Query().Get("order_reference"), "2600012345000000001.") {
		t.Errorf("the buyer returns to %s", back)
	}
	if len(s.heard) != 1 || s.state(made.Reference).Bank() != "lhv" {
		t.Errorf("%v", s.heard)
	}
}

func TestAPersonIsDeclinedAndPlaysWithIt(t *testing.T) {
	s := openShop(t, Options{})
	made := s.start("1")
	_, page := s.browse("GET", made.Link, nil)
	_, page = s.press(page, url.Values{"outcome": {"failed"}, "method": {"card"}, "callback": {"once"}})
	contains(t, page, "Nothing was paid", "paid, also after it had failed")
	_, page = s.browse("POST", made.Link, url.Values{"outcome": {"settled"}})
	contains(t, page, "The payment is made", "takes the money back")
	_, page = s.browse("POST", made.Link, url.Values{"outcome": {"refunded"}, "amount": {"7.20"}})
	contains(t, page, "30.00 EUR", "The payment is refunded")
	w, page := s.browse("POST", made.Link, url.Values{"outcome": {"failed"}})
	if w.StatusCode != 409 {
		t.Error(w.StatusCode)
	}
	contains(t, page, "<code>not_possible</code>")
}

func TestTextsDoNotRun(t *testing.T) {
	s := openShop(t, Options{})
	o := s.wanted("1")
	o.Return = s.url + "/orders/1?x=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
	made, err := s.Create(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s.at(made.Reference, "outcome=settled")
	if _, page := s.browse("GET", made.Link, nil); strings.Contains(page, "<script") {
		t.Error(page)
	}
}

func TestThePagesTellWhatThereIs(t *testing.T) {
	s := openShop(t, Options{})
	w, page := s.browse("GET", path, nil)
	if w.StatusCode != 200 {
		t.Fatal(w.StatusCode)
	}
	contains(t, page, "Nobody has paid yet", "charged_back", "out_of_order", "error_after", "swedbank_ob_ee")
	s.start("2600012345000000001")
	_, page = s.browse("POST", path+"faults", url.Values{"call": {"refund"}, "fault": {"lost"}})
	contains(t, page, "2600012345000000001", "37.20 EUR, initial", "refund: lost, 1 times")
	if w, page := s.browse("GET", path+"0123456789abcdef", nil); w.StatusCode != 404 || !strings.Contains(page, "unknown_payment") {
		t.Errorf("%d %s", w.StatusCode, page)
	}
}

// What a program may rely on: the state and nothing else, whatever it accepts, and wherever it says what it wants.
func TestAProgramPlaysTheBuyer(t *testing.T) {
	s := openShop(t, Options{})
	states := map[string]string{"settled": "settled", "failed": "failed", "abandoned": "abandoned", "waiting": "waiting_for_3ds_response"}
	for outcome, state := range states {
		for _, habit := range []string{"", "once", "twice", "late", "never"} {
			for _, accept := range []string{"", "*/*", "application/json"} {
				for where, c := range map[string]struct{ query, form url.Values }{
					"query": {url.Values{"outcome": {outcome}, "callback": {habit}}, nil},
					"form":  {nil, url.Values{"outcome": {outcome}, "callback": {habit}}},
					"both":  {url.Values{"outcome": {outcome}}, url.Values{"callback": {habit}}},
				} {
					made := s.start(fresh()[:20])
					if status, body := s.asked(made.Link+"?"+c.query.Encode(), accept, c.form); status != 200 || body != `{"state":"`+state+`"}`+"\n" {
						t.Errorf("%s, %q, accepting %q, in %s: %d %s", outcome, habit, accept, where, status, body)
					}
				}
			}
		}
	}
	made := s.start("1")
	for to, want := range map[string]int{
		made.Link: 400, made.Link + "?outcome=paid": 400, made.Link + "?outcome=settled&callback=soon": 400, s.url + path + fresh() + "?outcome=settled": 404,
		s.url + path + "nobody?outcome=settled": 404,
	} {
		if status, body := s.asked(to, "", nil); status != want {
			t.Errorf("%s: %d %s", to, status, body)
		}
	}
	if p := s.state(made.Reference); p.State != everypay.Initial {
		t.Errorf("%+v", p)
	}
}

// asked posts as a program does; an empty accept is no such header.
func (s *shop) asked(to, accept string, form url.Values) (int, string) {
	s.t.Helper()
	r, err := http.NewRequest("POST", to, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return w.StatusCode, string(body)
}

// The buyer comes back to the attempt's own address with the two references, and by no other way than the page shows to a person.
func TestTheBuyerBringsTheReferences(t *testing.T) {
	s := openShop(t, Options{})
	const order = "2600012345000000001"
	wanted := s.wanted(order)
	wanted.Return = s.url + "/v1/callbacks/card/" + order
	made, err := s.Create(t.Context(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	s.at(made.Reference, "outcome=failed")
	w, err := http.Get(made.Link)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	var out struct{ Return string }
	if err := json.NewDecoder(w.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(out.Return)
	if err != nil {
		t.Fatal(err)
	}
	q := back.Query()
	if back.Path != "/v1/callbacks/card/"+order || len(q) != 2 || q.Get("payment_reference") != string(made.Reference) || !strings.HasPrefix(q.Get("order_reference"), order) {
		t.Errorf("a program returns to %s", back)
	}
	_, page := s.browse("GET", made.Link, nil)
	if _, at := s.press(page, nil); at != back.String() {
		t.Errorf("a person returns to %s, a program to %s", at, back)
	}
}

func TestAProgramFindsThePaymentsOfAnAttempt(t *testing.T) {
	s := openShop(t, Options{})
	made := s.start("2600012345000000001")
	s.start("2600099999000000001")
	w, err := http.Get(s.url + path + "?order=2600012345")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	var out struct{ Payments []map[string]string }
	if err := json.NewDecoder(w.Body).Decode(&out); err != nil || len(out.Payments) != 1 {
		t.Fatalf("%v %v", err, out)
	}
	one := out.Payments[0]
	if one["payment_reference"] != string(made.Reference) || one["state"] != "initial" || one["amount"] != "37.20" || one["return"] == "" {
		t.Errorf("%v", one)
	}
}
