package main

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/text/encoding/charmap"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/parameters"
	"opiq/local/stage"
	"opiq/shared/banklink"
	"opiq/shared/payment"
	"opiq/shared/problem"
	"opiq/shared/queue"
	"opiq/shared/secret"
)

// Three banks stand for all: Swedbank answers by GET, SEB calls the account VK_ACC, Luminor still signs with SHA-1.
var accounts = map[banklink.Bank]struct{ id, version, account string }{
	"swedbank": {"HP", "009", "EE382200221020145685"},
	"seb":      {"EYP", "009", "EE171010123456789017"},
	"luminor":  {"NORDEA", "008", "EE561700017123456786"},
}

const site = "https://opiq.example"

// key is the private key with which a test's bank signs.
func key(t *testing.T, bank banklink.Bank) *rsa.PrivateKey {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", string(bank)+".pem"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := banklink.Key(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// kept are the agreements as SSM keeps them.
type kept map[string]string

func (p kept) Strings(_ context.Context, names ...string) (map[string]string, error) {
	found := map[string]string{}
	for _, n := range names {
		v, ok := p[n]
		if !ok {
			return nil, errors.New("there is no parameter " + n)
		}
		found[n] = v
	}
	return found, nil
}

func (p kept) Prod() bool { return false }

func agreements(t *testing.T) kept {
	t.Helper()
	p := kept{}
	for bank, a := range accounts {
		der, err := x509.MarshalPKIXPublicKey(key(t, bank).Public())
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(banklink.Agreement{
			URL: "https://" + string(bank) + ".example/banklink", Merchant: "OPIQ", Bank: a.id, Version: a.version, Account: a.account, Name: "Star Cloud OÜ",
			Keys: []string{string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Headers: map[string]string{"Purpose": "test"}, Bytes: der}))},
		})
		if err != nil {
			t.Fatal(err)
		}
		p[bank.AgreementParameter()] = string(raw)
	}
	return p
}

func links(t *testing.T) map[banklink.Bank]*banklink.Link {
	t.Helper()
	l, err := open(t.Context(), agreements(t), []banklink.Bank{"swedbank", "seb", "luminor"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// fields are what a bank signs when a family has paid.
func fields(bank banklink.Bank) map[string]string {
	f := map[string]string{
		"VK_SERVICE": "1111", "VK_VERSION": accounts[bank].version, "VK_SND_ID": accounts[bank].id, "VK_REC_ID": "OPIQ",
		"VK_STAMP": "2600012345000000001", "VK_T_NO": "18193", "VK_AMOUNT": "37.20", "VK_CURR": "EUR", "VK_REC_ACC": accounts[bank].account,
		"VK_REC_NAME": "Star Cloud OÜ", "VK_SND_ACC": "EE471000001020145685", "VK_SND_NAME": "Õie Mägi", "VK_REF": "26000123453",
		"VK_MSG": "Opiq 2600012345", "VK_T_DATETIME": "2026-09-01T07:21:14+0300", "VK_ENCODING": "UTF-8", "VK_LANG": "EST", "VK_AUTO": "N",
	}
	return f
}

// A knock at the door: what the bank says, before and after it signs.
type knock struct {
	bank   banklink.Bank
	method string
	before func(f map[string]string) // changed by the bank, and signed
	signer banklink.Bank             // who signs, if not the bank
	after  func(f map[string]string) // changed on the way
	accept string                    // Accept-Language
	raw    string                    // the body instead of the form
}

func set(pairs ...string) func(map[string]string) {
	return func(f map[string]string) {
		for i := 0; i < len(pairs); i += 2 {
			f[pairs[i]] = pairs[i+1]
		}
	}
}

func cancel(f map[string]string) {
	f["VK_SERVICE"] = "1911"
	for _, name := range []string{"VK_T_NO", "VK_AMOUNT", "VK_CURR", "VK_REC_ACC", "VK_REC_NAME", "VK_SND_ACC", "VK_SND_NAME", "VK_T_DATETIME"} {
		delete(f, name)
	}
}

var knocks = map[string]knock{
	"get-notice":     {bank: "swedbank", method: "GET", before: set("VK_AUTO", "Y")},
	"get-return":     {bank: "swedbank", method: "GET"},
	"post-notice":    {bank: "luminor", method: "POST", before: set("VK_AUTO", "Y")},
	"post-paid":      {bank: "luminor", method: "POST"},
	"post-cancelled": {bank: "seb", method: "POST", before: cancel},
	"seb-account": {bank: "seb", method: "POST", after: func(f map[string]string) {
		f["VK_ACC"] = f["VK_REC_ACC"]
		delete(f, "VK_REC_ACC")
	}},
	"latin-1": {bank: "seb", method: "POST", before: func(f map[string]string) {
		f["VK_ENCODING"] = "ISO-8859-1"
		for _, name := range []string{"VK_REC_NAME", "VK_SND_NAME"} {
			f[name], _ = charmap.ISO8859_1.NewEncoder().String(f[name]) // Õ, ä and Ü are in it
		}
	}},
	"foreign-stamp": {bank: "seb", method: "POST", before: set("VK_STAMP", "77")},

	"wrong-mac":        {bank: "seb", method: "POST", after: set("VK_AMOUNT", "0.01")},
	"wrong-mac-notice": {bank: "seb", method: "POST", after: set("VK_AMOUNT", "0.01", "VK_AUTO", "Y")},
	"other-banks-key":  {bank: "seb", method: "POST", signer: "swedbank", before: set("VK_LANG", "RUS")},
	"other-bank":       {bank: "seb", method: "POST", before: set("VK_SND_ID", "HP", "VK_LANG", "ENG")},
	"other-version":    {bank: "seb", method: "POST", before: set("VK_VERSION", "008", "VK_LANG", "ENG"), accept: "kk-KZ,kk;q=0.9,ru;q=0.8"},
	"other-merchant":   {bank: "luminor", method: "POST", before: set("VK_REC_ID", "KIOSK", "VK_LANG", "ENG"), accept: "ru, en;q=0.5"},
	"other-currency":   {bank: "luminor", method: "POST", before: set("VK_CURR", "SEK")},
	"other-account":    {bank: "luminor", method: "POST", before: set("VK_REC_ACC", "EE471000001020145685")},
	"script-in-stamp":  {bank: "seb", method: "POST", after: set("VK_STAMP", "<script>alert(1)</script>", "VK_LANG", `"><script>`), accept: "et"},
	"nothing":          {bank: "swedbank", method: "GET", after: func(f map[string]string) { clear(f) }, accept: "et"},
	"not-a-form":       {bank: "seb", method: "POST", raw: "VK_SERVICE=%zz", accept: "en"},
	"unknown-bank":     {bank: "sampo", method: "POST", signer: "seb"},
}

// event is the knock as API Gateway hands it over: a form's body comes as base64.
func (k knock) event(t *testing.T) map[string]any {
	t.Helper()
	f := fields(k.bank)
	if k.before != nil {
		k.before(f)
	}
	signer := k.bank
	if k.signer != "" {
		signer = k.signer
		f["VK_VERSION"] = accounts[signer].version
	}
	if err := banklink.Sign(key(t, signer), f); err != nil {
		t.Fatal(err)
	}
	if k.after != nil {
		k.after(f)
	}
	form := url.Values{}
	for name, v := range f {
		form.Set(name, v)
	}
	path, route := "/v1/callbacks/banklink/"+string(k.bank), k.method+" /v1/callbacks/banklink/{bank}"
	headers := map[string]string{"host": "opiq.example", "user-agent": "Mozilla/5.0", "x-forwarded-proto": "https", "x-forwarded-port": "443"}
	if k.accept != "" {
		headers["accept-language"] = k.accept
	}
	e := map[string]any{
		"version": "2.0", "routeKey": route, "rawPath": path, "rawQueryString": "", "headers": headers, "isBase64Encoded": false,
		"pathParameters": map[string]string{"bank": string(k.bank)},
		"requestContext": map[string]any{
			"accountId": "123456789012", "apiId": "api", "domainName": "opiq.example", "domainPrefix": "opiq", "requestId": "JKJaXmPLvHcESHA=",
			"routeKey": route, "stage": "$default", "time": "01/Sep/2026:04:21:15 +0000", "timeEpoch": 1788236475000,
			"http": map[string]string{"method": k.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "Mozilla/5.0"},
		},
	}
	if k.method == "GET" {
		e["rawQueryString"], e["queryStringParameters"] = form.Encode(), f
		return e
	}
	if k.raw == "" {
		k.raw = form.Encode()
	}
	headers["content-type"] = "application/x-www-form-urlencoded"
	e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString([]byte(k.raw)), true
	return e
}

// The events stand in events/ for whoever wants to send one by hand; here is how they were made.
func TestEventsAreWhatBanksSend(t *testing.T) {
	for name, k := range knocks {
		golden.Check(t, filepath.Join("..", "..", "events", "banklink-callback", name+".json"), golden.JSON(t, k.event(t)))
	}
}

// post is the queue: what it took, and why it takes nothing more.
type post struct {
	sent []any
	err  error
}

func (p *post) Send(_ context.Context, message any) error {
	if p.err != nil {
		return p.err
	}
	p.sent = append(p.sent, message)
	return nil
}

type outcome struct {
	Status  int               `json:"statusCode"`
	Headers map[string]string `json:"headers"` // but those that every answer has
	Body    string            `json:"body"`
	Queued  []any             `json:"queued"`
	Counted []string          `json:"counted"`
}

// answer lets the door answer one event.
func answer(t *testing.T, q *post, event []byte) outcome {
	t.Helper()
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &e); err != nil {
		t.Fatal(err)
	}
	var o outcome
	o.Counted = golden.Counted(t, func() {
		r, err := routes(links(t), q, site).Handle(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		o.Status, o.Headers, o.Body = r.StatusCode, r.Headers, r.Body
	})
	maps.DeleteFunc(o.Headers, func(name, _ string) bool {
		return name != "Location" && name != "Content-Type" && name != "Cache-Control"
	})
	o.Queued = q.sent
	return o
}

func TestEvents(t *testing.T) {
	golden.Events(t, "banklink-callback", func(t *testing.T, _ string, event []byte) any {
		return answer(t, &post{}, event)
	})
}

// A refusal changes nothing, is counted once with its reason, and names nobody.
func TestRefusals(t *testing.T) {
	for name, reason := range map[string]string{
		"wrong-mac": "mac", "wrong-mac-notice": "mac", "other-banks-key": "mac", "other-bank": "sender", "other-version": "version",
		"other-merchant": "receiver", "other-currency": "currency", "other-account": "account", "script-in-stamp": "length",
		"nothing": "service", "not-a-form": "form",
	} {
		t.Run(name, func(t *testing.T) {
			o := answer(t, &post{}, golden.JSON(t, knocks[name].event(t)))
			if o.Status != 400 || len(o.Queued) != 0 || len(o.Counted) != 1 || !strings.HasPrefix(o.Counted[0], "BanklinkRefused "+reason+" ") {
				t.Errorf("%d, queued %v, counted %q", o.Status, o.Queued, o.Counted)
			}
			for _, secret := range []string{"Mägi", "EE47", "<script", "37.20"} {
				if strings.Contains(o.Body+strings.Join(o.Counted, ""), secret) {
					t.Errorf("the answer or the log shows %q", secret)
				}
			}
		})
	}
}

// What the queue did not take is not confirmed: the bank hears a failure and comes again, a person may reload.
func TestNothingIsConfirmedBeforeItIsQueued(t *testing.T) {
	for name, want := range map[string]int{"get-notice": 500, "post-notice": 500, "get-return": 503, "post-paid": 503, "post-cancelled": 503} {
		for _, lost := range []error{errors.New("the queue is away"), problem.New(problem.Unavailable, "busy", "Again later."), context.DeadlineExceeded} {
			o := answer(t, &post{err: lost}, golden.JSON(t, knocks[name].event(t)))
			if o.Status < 500 || o.Status != want && !errors.Is(lost, problem.New(problem.Unavailable, "busy", "")) {
				t.Errorf("%s, %v: %d", name, lost, o.Status)
			}
			if len(o.Counted) != 1 || !strings.HasPrefix(o.Counted[0], "BanklinkNotQueued queue ") {
				t.Errorf("%s: counted %q", name, o.Counted)
			}
		}
	}
}

// Whatever call to AWS breaks, from the start of the process on: once the bank or the person was answered, the notice is on
// the queue. It may be there twice; settlement knows it again.
func TestEveryBrokenCallIsSurvived(t *testing.T) {
	for _, name := range []string{"get-notice", "post-paid"} {
		t.Run(name, func(t *testing.T) { everyCall(t, golden.JSON(t, knocks[name].event(t))) })
	}
}

func everyCall(t *testing.T, event []byte) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &e); err != nil {
		t.Fatal(err)
	}
	values := map[string]parameters.Value{}
	for name, text := range agreements(t) {
		values["/opiq/test/"+name] = parameters.Value{Text: text}
	}
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg := stage.Parameters(t, stage.Config(t), values)
		url := stage.Queue(t, "payments")
		mine := broken(cfg)
		knock := func(ctx context.Context) error {
			links, err := open(ctx, secret.Open(mine, "/opiq/test"), []banklink.Bank{"swedbank", "luminor"})
			if err != nil {
				return err // the process does not start
			}
			r, err := routes(links, queue.Open(mine, url), site).Handle(ctx, e)
			if err == nil && r.StatusCode >= 400 {
				err = fmt.Errorf("answered %d", r.StatusCode)
			}
			return err
		}
		return knock, func(t *testing.T) {
			out, err := sqs.NewFromConfig(cfg).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
			if err != nil || len(out.Messages) == 0 {
				t.Fatalf("nothing is on the queue (%v)", err)
			}
			for _, m := range out.Messages {
				var said payment.Message
				if err := json.Unmarshal([]byte(*m.Body), &said); err != nil || said.Banklink == nil || said.Banklink.Number != "18193" {
					t.Errorf("%v: %s", err, *m.Body)
				}
			}
		}
	})
}

func TestTheSameNoticeTwiceIsQueuedTwice(t *testing.T) {
	q := &post{}
	event := golden.JSON(t, knocks["get-notice"].event(t))
	for range 2 {
		if o := answer(t, q, event); o.Status != 200 {
			t.Fatalf("%d %s", o.Status, o.Body)
		}
	}
	if len(q.sent) != 2 {
		t.Errorf("%d messages; whether it is news is settlement's to say", len(q.sent))
	}
}

func TestAHugeBodyIsRefused(t *testing.T) {
	k := knocks["post-paid"]
	k.raw = "VK_MSG=" + strings.Repeat("a", 65<<10)
	if o := answer(t, &post{}, golden.JSON(t, k.event(t))); o.Status != 400 || len(o.Queued) != 0 {
		t.Errorf("%d, queued %v", o.Status, o.Queued)
	}
}

func TestStartsOnlyWithEveryAgreement(t *testing.T) {
	p := agreements(t)
	delete(p, "banks/seb/agreement")
	if _, err := open(t.Context(), p, []banklink.Bank{"swedbank", "seb"}); err == nil {
		t.Error("it starts without one")
	}
	p["banks/seb/agreement"] = `{"url":"https://seb.example"}`
	if _, err := open(t.Context(), p, []banklink.Bank{"swedbank", "seb"}); err == nil || !strings.HasPrefix(err.Error(), "seb: ") {
		t.Errorf("with half of one: %v", err)
	}
}
