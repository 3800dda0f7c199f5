package everypay_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"opiq/shared/everypay"
	"opiq/shared/lang"
	"opiq/shared/money"
)

const ref = "00f1e2d3c4b5a6978877665544332211ffeeddccbbaa99887766554433221100"

func TestReferences(t *testing.T) {
	for text, want := range map[string]bool{
		ref: true,
		"0123456789abcdef0123456789abcdef01234567": true,
		"0123456789abcdef":                         true,
		strings.Repeat("a", 128):                   true,
		"":                                         false,
		"0123456789abcde":                          false,
		strings.Repeat("a", 129):                   false,
		"0123456789ABCDEF":                         false,
		"0123456789abcdeg":                         false,
		"0123456789abcdef\n":                       false,
		"../../payments/0123456789abcdef":          false,
	} {
		if _, ok := everypay.ParseReference(text); ok != want {
			t.Errorf("%q: %v", text, ok)
		}
	}
}

// ---- The agreement

func parameters(agreement string) map[string]string {
	return map[string]string{everypay.AgreementParameter: agreement, everypay.SecretParameter: "s3cret"}
}

func TestTheAgreementIsRead(t *testing.T) {
	a, secret, err := everypay.Open(parameters(`{"baseURL":"https://pay.every-pay.eu/api/v4/","username":"0a1b2c3d4e5f6071","account":"EUR3D1"}`), true)
	want := everypay.Agreement{BaseURL: "https://pay.every-pay.eu/api/v4", Username: "0a1b2c3d4e5f6071", Account: "EUR3D1"}
	if err != nil || a != want || secret != "s3cret" {
		t.Errorf("%v: %+v", err, a)
	}
	if shown := fmt.Sprintf("%v %s %+v %#v %q", secret, secret, []any{secret}, secret, secret); strings.Contains(shown, "s3cret") {
		t.Errorf("the secret prints: %s", shown)
	}
}

func TestAnAgreementThatCannotBeUsed(t *testing.T) {
	for text, field := range map[string]string{
		``: "JSON",
		`{"baseURL":"pay.every-pay.eu/api/v4","username":"u","account":"EUR3D1"}`:           "baseURL",
		`{"baseURL":"https:///api/v4","username":"u","account":"EUR3D1"}`:                   "baseURL",
		`{"baseURL":"https://u:p@pay.every-pay.eu","username":"u","account":"EUR3D1"}`:      "baseURL",
		`{"baseURL":"https://pay.every-pay.eu?x=1","username":"u","account":"EUR3D1"}`:      "baseURL",
		`{"baseURL":"https://pay.every-pay.eu/api/v4","account":"EUR3D1"}`:                  "username",
		`{"baseURL":"https://pay.every-pay.eu/api/v4","username":"u:p","account":"EUR3D1"}`: "username",
		`{"baseURL":"https://pay.every-pay.eu/api/v4","username":"u"}`:                      "account",
	} {
		if _, _, err := everypay.Open(parameters(text), false); err == nil || !strings.Contains(err.Error(), field) || strings.Contains(err.Error(), "every-pay.eu") {
			t.Errorf("%s: %v, want %s", text, err, field)
		}
	}
	if _, _, err := everypay.Open(map[string]string{everypay.AgreementParameter: `{"baseURL":"https://a.b","username":"u","account":"a"}`}, false); err == nil {
		t.Error("it does without a secret")
	}
}

func TestAProdStageTakesNoPlayMoney(t *testing.T) {
	for address, plays := range map[string]bool{
		"https://pay.every-pay.eu/api/v4":           false,
		"https://pay.ecommerce.sebgroup.com/api/v4": false,
		"http://pay.every-pay.eu/api/v4":            true,
		"https://igw-demo.every-pay.com/api/v4":     true,
		"https://IGW-DEMO.every-pay.com./api/v4":    true,
		"http://localhost:8080/_local/everypay":     true,
		"https://localhost/api/v4":                  true,
		"https://shop.localhost/api/v4":             true,
		"https://127.0.0.2/api/v4":                  true,
		"https://[::1]/api/v4":                      true,
		"https://0.0.0.0/api/v4":                    true,
	} {
		text := fmt.Sprintf(`{"baseURL":%q,"username":"u","account":"EUR3D1"}`, address)
		if _, _, err := everypay.Open(parameters(text), true); errors.Is(err, everypay.ErrLocal) != plays {
			t.Errorf("%s: %v", address, err)
		}
		if _, _, err := everypay.Open(parameters(text), false); err != nil {
			t.Errorf("%s on a stage for tests: %v", address, err)
		}
	}
}

// ---- States

func TestWhatStatesMean(t *testing.T) {
	for state, want := range map[everypay.State]everypay.Meaning{
		"initial":                  everypay.Pending,
		"waiting_for_3ds_response": everypay.Pending,
		"waiting_for_3ds":          everypay.Pending,
		"waiting_for_sca":          everypay.Pending,
		"3ds_confirmed":            everypay.Pending,
		"confirmed_3ds":            everypay.Pending,
		"sent_for_processing":      everypay.Pending,
		"authorised":               everypay.Pending,
		"authorized":               everypay.Pending,
		"settled":                  everypay.Settled,
		"failed":                   everypay.Failed,
		"abandoned":                everypay.Failed,
		"voided":                   everypay.Voided,
		"refunded":                 everypay.Refunded,
		"charged_back":             everypay.ChargedBack,
		"chargebacked":             everypay.ChargedBack,
	} {
		if got := state.Meaning(); got != want || !state.Known() {
			t.Errorf("%s means %s (known: %v), want %s", state, got, state.Known(), want)
		}
	}
	for _, state := range []everypay.State{"", "Settled", "settled ", "paid", "other", "partially_refunded"} {
		if state.Known() || state.Meaning() != everypay.Pending {
			t.Errorf("%q is taken for %s", state, state.Meaning())
		}
	}
}

// ---- Callbacks

func TestCallbacks(t *testing.T) {
	for query, want := range map[string]struct {
		everypay.Callback
		tell bool
	}{
		"payment_reference=" + ref + "&order_reference=1&event_name=status_updated": {everypay.Callback{Reference: ref, Event: everypay.StatusUpdated}, false},
		"payment_reference=" + ref + "&event_name=chargebacked":                     {everypay.Callback{Reference: ref, Event: everypay.EventChargedBack}, false},
		"payment_reference=" + ref + "&event_name=dispute_opened":                   {everypay.Callback{Reference: ref, Event: everypay.DisputeOpened}, true},
		"payment_reference=" + ref + "&event_name=refund_failed":                    {everypay.Callback{Reference: ref, Event: everypay.RefundFailed}, true},
		"payment_reference=" + ref + "&event_name=<script>":                         {everypay.Callback{Reference: ref, Event: everypay.Unknown}, true},
		"payment_reference=" + ref + "&order_reference=1":                           {everypay.Callback{Reference: ref}, false},
	} {
		v, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := everypay.ReadCallback(v)
		if err != nil || got != want.Callback || got.Event.Tell() != want.tell {
			t.Errorf("%s: %+v, tell %v, %v", query, got, got.Event.Tell(), err)
		}
	}
}

func TestCallbacksThatNameNoPayment(t *testing.T) {
	for _, query := range []string{"", "event_name=refunded", "payment_reference=", "payment_reference=1", "payment_reference=" + ref + "&payment_reference=" + ref, "payment_reference=" + strings.ToUpper(ref)} {
		v, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := everypay.ReadCallback(v); !errors.Is(err, everypay.ErrCallback) {
			t.Errorf("%s: %+v, %v", query, got, err)
		}
	}
}

// ---- Requests

var (
	agreement = everypay.Agreement{BaseURL: "https://pay.every-pay.eu/api/v4", Username: "0a1b2c3d4e5f6071", Account: "EUR3D1"}
	now       = time.Date(2026, 11, 20, 12, 30, 1, 5e8, time.FixedZone("EET", 7200))
)

const nonce = "0123456789abcdef0123456789abcdef"

func wanted() everypay.Oneoff {
	return everypay.Oneoff{
		Order: "2600012345000000001", Amount: 3720, Return: "https://opiq.example/orders/2600012345", Language: lang.Kazakh,
		Email: "mari@example.ee", IP: "192.0.2.7", Description: "Opiq 2600012345", Reference: "26000123453",
	}
}

func TestAPaymentIsAskedFor(t *testing.T) {
	body, err := wanted().Body(agreement, nonce, now)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"api_username":"0a1b2c3d4e5f6071","nonce":"0123456789abcdef0123456789abcdef","timestamp":"2026-11-20T10:30:01Z",` +
		`"account_name":"EUR3D1","amount":37.20,"order_reference":"2600012345000000001.01234567","customer_url":"https://opiq.example/orders/2600012345",` +
		`"locale":"en","email":"mari@example.ee","customer_ip":"192.0.2.7","preferred_country":"EE","payment_description":"Opiq 2600012345",` +
		`"structured_reference":"26000123453","integration_details":{"integration":"custom","software":"opiq","version":"1"}}`
	if diff := cmp.Diff(want, string(body)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatThereIsNotIsNotSent(t *testing.T) {
	o := wanted()
	o.Email, o.IP, o.Description, o.Reference = "", "2001:db8::1", "", ""
	body, err := o.Body(agreement, nonce, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"email", "customer_ip", "payment_description", "structured_reference"} {
		if strings.Contains(string(body), `"`+field+`"`) {
			t.Errorf("%s is there: %s", field, body)
		}
	}
}

func TestPaymentsThatTheProviderWouldRefuse(t *testing.T) {
	for field, change := range map[string]func(*everypay.Oneoff){
		"order":          func(o *everypay.Oneoff) { o.Order = "26.1" },
		"order ":         func(o *everypay.Oneoff) { o.Order = "õ" },
		"order  ":        func(o *everypay.Oneoff) { o.Order = strings.Repeat("1", 101) },
		"amount":         func(o *everypay.Oneoff) { o.Amount = 0 },
		"amount ":        func(o *everypay.Oneoff) { o.Amount = -1 },
		"return address": func(o *everypay.Oneoff) { o.Return = "/orders" },
		"language":       func(o *everypay.Oneoff) { o.Language = "fi" },
		"e-mail address": func(o *everypay.Oneoff) { o.Email = strings.Repeat("a", 256) },
		"description":    func(o *everypay.Oneoff) { o.Description = "õpik" },
		"description ":   func(o *everypay.Oneoff) { o.Description = strings.Repeat("a", 66) },
		"reference":      func(o *everypay.Oneoff) { o.Reference = "26000123454" },
	} {
		o := wanted()
		change(&o)
		if body, err := o.Body(agreement, nonce, now); !errors.Is(err, everypay.ErrOneoff) || !strings.HasSuffix(err.Error(), ": "+strings.TrimSpace(field)) || body != nil {
			t.Errorf("%s: %v %s", field, err, body)
		}
	}
	for field, call := range map[string]func() ([]byte, error){
		"nonce": func() ([]byte, error) { return wanted().Body(agreement, "1", now) },
		"time":  func() ([]byte, error) { return wanted().Body(agreement, nonce, time.Time{}) },
	} {
		if _, err := call(); !errors.Is(err, everypay.ErrOneoff) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestARefundIsAskedFor(t *testing.T) {
	body, err := everypay.Refund{Payment: ref, Amount: 705, Standing: 3720, Nonce: nonce}.Body(agreement, now)
	want := `{"api_username":"0a1b2c3d4e5f6071","nonce":"` + nonce + `","timestamp":"2026-11-20T10:30:01Z","payment_reference":"` + ref + `","amount":7.05}`
	if err != nil || string(body) != want {
		t.Errorf("%v: %s", err, body)
	}
	for field, r := range map[string]everypay.Refund{
		"payment": {Payment: "x", Amount: 1, Standing: 1, Nonce: nonce},
		"amount":  {Payment: ref, Standing: 1, Nonce: nonce},
		"more":    {Payment: ref, Amount: 2, Standing: 1, Nonce: nonce},
		"nonce":   {Payment: ref, Amount: 1, Standing: 1},
	} {
		if _, err := r.Body(agreement, now); !errors.Is(err, everypay.ErrRefund) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// ---- Answers

// The documentation's and the public clients' examples, card and open banking, first and last.
func TestAnswers(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		name, body string
		want       everypay.Payment
	}{
		{"created", `{"payment_reference":"` + ref + `","payment_link":"https://igw-demo.every-pay.com/lp/abcdef/12345678","payment_state":"initial",
			"account_name":"EUR3D1","order_reference":"2600012345000000001.01234567","initial_amount":37.2,"standing_amount":37.2,"currency":"EUR",
			"payment_created_at":"2021-03-24T11:27:45.501Z","payment_methods":[{"source":"card"}],"warnings":{}}`,
			everypay.Payment{Reference: ref, Order: "2600012345000000001", State: "initial", Amount: 3720, Standing: 3720,
				Link: "https://igw-demo.every-pay.com/lp/abcdef/12345678", CreatedAt: at("2021-03-24T11:27:45.501Z")}},
		{"settled by open banking", `{"account_name":"EUR3D1","order_reference":"83240","email":null,"initial_amount":10.0,"standing_amount":10.0,
			"payment_created_at":"2021-12-03T11:12:32.391Z","payment_reference":"` + ref + `","payment_state":"settled","payment_method":"lhv_ob_ee",
			"warnings":{"transaction_attempts_email_usage_frequency":["Email (mari@example.ee) has been used"]},"stan":665795,"fraud_score":1400,
			"ob_details":{"debtor_iban":"EE47 1000 0010 2014 5685","creditor_iban":"EE382200221020145685","ob_payment_reference":"8c1d2e3f-4a5b-46c7-8d9e-0f1a2b3c4d5e",
			"ob_payment_state":"ACSC"},"transaction_time":"2021-12-03T11:12:32.676Z","acquiring_completed_at":"2021-12-03 11:00:59"}`,
			everypay.Payment{Reference: ref, Order: "83240", State: "settled", Method: "lhv_ob_ee", Amount: 1000, Standing: 1000,
				CreatedAt: at("2021-12-03T11:12:32.391Z"), PaidAt: at("2021-12-03T11:12:32.676Z"),
				Transfer: &everypay.Transfer{Payer: "EE471000001020145685", To: "EE382200221020145685", Number: "8c1d2e3f-4a5b-46c7-8d9e-0f1a2b3c4d5e", State: "ACSC"}}},
		{"settled by card", `{"order_reference":"12.00000000","initial_amount":12,"standing_amount":12,"payment_reference":"` + ref + `",
			"payment_state":"settled","payment_method":"card","cc_details":{"bin":"516883","last_four_digits":"3438","month":"10","year":"2024",
			"holder_name":"Every Pay","token":"5f0c1a7e9b3d2468ace02468","authorisation_code":123456},"transaction_time":"2021-12-19T19:41:04.409Z"}`,
			everypay.Payment{Reference: ref, Order: "12", State: "settled", Method: "card", Amount: 1200, Standing: 1200, PaidAt: at("2021-12-19T19:41:04.409Z")}},
		{"failed", `{"order_reference":"12.00000000","initial_amount":"12.00","standing_amount":null,"payment_reference":"` + ref + `",
			"payment_state":"failed","payment_method":"card","processing_error":{"code":4028,"message":"3DS failure due to technical errors"}}`,
			everypay.Payment{Reference: ref, Order: "12", State: "failed", Method: "card", Amount: 1200, Failure: "4028"}},
		{"refunded in part", `{"payment_reference":"` + ref + `","payment_state":"refunded","initial_amount":10.00,"standing_amount":5.00}`,
			everypay.Payment{Reference: ref, State: "refunded", Amount: 1000, Standing: 500}},
		{"refunded whole", `{"payment_reference":"` + ref + `","payment_state":"refunded","initial_amount":"10","standing_amount":0}`,
			everypay.Payment{Reference: ref, State: "refunded", Amount: 1000}},
		{"in a state that we do not know", `{"payment_reference":"` + ref + `","payment_state":"on hold, 4111 1111 1111 1111"}`,
			everypay.Payment{Reference: ref, State: "other"}},
		{"our account beside the details", `{"payment_reference":"` + ref + `","payment_state":"initial","creditor_iban":"EE382200221020145685","ob_details":{"debtor_iban":"4111111111111111"}}`,
			everypay.Payment{Reference: ref, State: "initial", Transfer: &everypay.Transfer{To: "EE382200221020145685"}}},
		{"parts that no money depends on are broken", `{"payment_reference":"` + ref + `","payment_state":"initial","payment_method":{},"payment_link":"javascript:alert(1)",
			"payment_created_at":"today","transaction_time":7,"processing_error":[],"ob_details":"none","creditor_iban":0}`,
			everypay.Payment{Reference: ref, State: "initial"}},
	} {
		got, err := everypay.ReadPayment([]byte(c.body))
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", c.name, err, diff)
		}
	}
}

func TestAnswersThatNobodyCanRelyOn(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":                     ``,
		"a page":                      `<html>502 Bad Gateway</html>`,
		"a list":                      `[]`,
		"half":                        `{"payment_reference":"` + ref,
		"no reference":                `{"payment_state":"settled","initial_amount":1,"standing_amount":1}`,
		"a reference like a path":     `{"payment_reference":"../shops","payment_state":"initial"}`,
		"no state":                    `{"payment_reference":"` + ref + `","initial_amount":1,"standing_amount":1}`,
		"settled without an amount":   `{"payment_reference":"` + ref + `","payment_state":"settled","standing_amount":1}`,
		"settled, who knows if still": `{"payment_reference":"` + ref + `","payment_state":"settled","initial_amount":1}`,
		"refunded, who knows what":    `{"payment_reference":"` + ref + `","payment_state":"refunded","initial_amount":1,"standing_amount":null}`,
		"kroons":                      `{"payment_reference":"` + ref + `","payment_state":"settled","initial_amount":1,"standing_amount":1,"currency":"SEK"}`,
		"a tenth of a cent":           `{"payment_reference":"` + ref + `","payment_state":"settled","initial_amount":1.001,"standing_amount":1}`,
		"an exponent":                 `{"payment_reference":"` + ref + `","payment_state":"settled","initial_amount":1e1,"standing_amount":1}`,
		"below zero":                  `{"payment_reference":"` + ref + `","payment_state":"settled","initial_amount":1,"standing_amount":-1}`,
		"a comma":                     `{"payment_reference":"` + ref + `","payment_state":"settled","initial_amount":"1,00","standing_amount":1}`,
		"an order that is not ours":   `{"payment_reference":"` + ref + `","payment_state":"initial","order_reference":"a b"}`,
	} {
		if got, err := everypay.ReadPayment([]byte(body)); !errors.Is(err, everypay.ErrPayment) || got != (everypay.Payment{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestOpenBankingIsAPaymentFromABank(t *testing.T) {
	for method, bank := range map[string]string{"lhv_ob_ee": "lhv", "seb_ob_ee": "seb", "card": "", "": "", "apple_pay": ""} {
		p := everypay.Payment{Method: method}
		if p.OpenBanking() != (bank != "") || p.Bank() != bank {
			t.Errorf("%s: %v %q", method, p.OpenBanking(), p.Bank())
		}
	}
}

func TestFailuresAreCodes(t *testing.T) {
	for body, want := range map[string]everypay.Code{
		`{"error":{"code":4024,"message":"Order reference of mari@example.ee"}}`: "4024",
		`{"error":{"code":"4024"}}`:                 "4024",
		`{"error":{"code":"unauthorized"}}`:         "unauthorized",
		`{"error":{"code":"4111111111111111"}}`:     "other",
		`{"error":{"code":"mari@example.ee"}}`:      "other",
		`{"error":{"code":{"a":1}}}`:                "other",
		`{"error":{"code":null}}`:                   "other",
		`{"error":"no"}`:                            "other",
		`{}`:                                        "other",
		`<html>`:                                    "other",
		`{"error":{"code":4024,"message":{"a":1}}}`: "4024",
	} {
		if got := everypay.ReadFailure([]byte(body)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestAmountsSurviveTheWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := wanted()
		o.Amount = money.Amount(rapid.Int64Range(1, 1e14).Draw(t, "cents"))
		body, err := o.Body(agreement, nonce, now)
		if err != nil {
			t.Fatal(err)
		}
		var sent struct {
			Amount json.Number `json:"amount"`
		}
		if err := json.Unmarshal(body, &sent); err != nil {
			t.Fatal(err)
		}
		if _, decimals, _ := strings.Cut(sent.Amount.String(), "."); len(decimals) != 2 {
			t.Fatalf("%d is sent as %s", o.Amount, sent.Amount)
		}
		text := string(sent.Amount)
		shapes := []string{text, `"` + text + `"`, text + "0"}
		if cut, ok := strings.CutSuffix(text, "0"); ok {
			shapes = append(shapes, cut, strings.TrimSuffix(cut, ".0"))
		}
		shape := rapid.SampledFrom(shapes).Draw(t, "as")
		p, err := everypay.ReadPayment(fmt.Appendf(nil, `{"payment_reference":%q,"payment_state":"settled","initial_amount":%s,"standing_amount":%[2]s}`, ref, shape))
		if err != nil || p.Amount != o.Amount || p.Standing != o.Amount {
			t.Fatalf("%d came back from %s as %d, %d (%v)", o.Amount, shape, p.Amount, p.Standing, err)
		}
	})
}

// What is read of any answer has the shape that it should have, and holds nothing of a card.
func FuzzReadPayment(f *testing.F) {
	f.Add([]byte(`{"payment_reference":"` + ref + `","payment_state":"settled","initial_amount":12,"standing_amount":12,"payment_method":"card","cc_details":{"holder_name":"Every Pay"}}`))
	f.Add([]byte(`{"payment_reference":"` + ref + `","payment_state":"initial","ob_details":{"debtor_iban":"EE471000001020145685"},"processing_error":{"code":"x"}}`))
	f.Add([]byte(`{"PAYMENT_REFERENCE":"` + ref + `","payment_state":"initial","payment_link":"http://[::1]","initial_amount":"12.340"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := everypay.ReadPayment(body)
		if err != nil {
			if !errors.Is(err, everypay.ErrPayment) || p != (everypay.Payment{}) {
				t.Fatalf("%v %+v", err, p)
			}
			return
		}
		if _, ok := everypay.ParseReference(string(p.Reference)); !ok || p.State == "" || p.Amount < 0 || p.Standing < 0 {
			t.Fatalf("%+v", p)
		}
		if slices.Contains([]everypay.Meaning{everypay.Settled, everypay.Refunded}, p.State.Meaning()) && p.Amount == 0 {
			t.Fatalf("paid, and nothing: %+v", p)
		}
		kept, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var back everypay.Payment
		if err := json.Unmarshal(kept, &back); err != nil {
			t.Fatal(err)
		}
		p.Link = ""
		if diff := cmp.Diff(p, back); diff != "" {
			t.Fatal(diff)
		}
		if everypay.ReadFailure(body) == "" {
			t.Fatal("a failure without a code")
		}
	})
}

func FuzzReadCallback(f *testing.F) {
	f.Add("payment_reference=" + ref + "&event_name=status_updated")
	f.Add("payment_reference=" + ref + "&event_name=%00")
	f.Fuzz(func(t *testing.T, query string) {
		v, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		c, err := everypay.ReadCallback(v)
		if err != nil {
			return
		}
		if _, ok := everypay.ParseReference(string(c.Reference)); !ok || strings.Trim(string(c.Event), "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Fatalf("%+v", c)
		}
	})
}
