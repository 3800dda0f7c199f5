package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"pgregory.net/rapid"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/stage"
	"opiq/shared/payment"
	"opiq/shared/queue"
)

const (
	site      = "https://opiq.example"
	reference = "db98561ec7a380d2e0872a34ffccdd0c4d2f2fd237b6d0ac22f85f52a6b6e5ab"
	stamp     = "2600012345000000001"
)

var noon = time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)

// A knock at the door. Where attempt is set a buyer returns, else the provider calls.
type knock struct {
	method  string
	attempt string
	query   string
	body    string // of a form
}

const said = "payment_reference=" + reference + "&order_reference=" + stamp + ".1"

var knocks = map[string]knock{
	"get-settled":    {method: "GET", query: said + "&event_name=status_updated"},
	"get-refunded":   {method: "GET", query: said + "&event_name=refunded"},
	"get-other-news": {method: "GET", query: said + "&event_name=%3Cscript%3E"},
	"post-form":      {method: "POST", body: said + "&event_name=status_updated"},
	"post-query":     {method: "POST", query: said + "&event_name=abandoned"},

	"get-nothing":  {method: "GET"},
	"get-garbage":  {method: "GET", query: "payment_reference=%zz"},
	"get-twice":    {method: "GET", query: said + "&payment_reference=" + strings.Repeat("0", 64)},
	"get-too-long": {method: "GET", query: "payment_reference=" + strings.Repeat("a", 129)},
	"get-short":    {method: "GET", query: "payment_reference=0123456789abcde"},
	"get-capitals": {method: "GET", query: "payment_reference=" + strings.ToUpper(reference)},
	"get-script":   {method: "GET", query: "payment_reference=%3Cscript%3Ealert(1)%3C/script%3E"},
	"post-nothing": {method: "POST"},
	"post-garbage": {method: "POST", body: "payment_reference=%zz"},
	"post-json":    {method: "POST", body: `{"payment_reference":"` + reference + `"}`},

	"return":               {method: "GET", attempt: stamp, query: said},
	"return-no-reference":  {method: "GET", attempt: stamp, query: "order_reference=" + stamp},
	"return-foreign-stamp": {method: "GET", attempt: "77", query: said},
	"return-script":        {method: "GET", attempt: "<script>alert(1)<", query: "payment_reference=%3Cscript%3E"},
	"return-elsewhere":     {method: "GET", attempt: "//evil.example/2600", query: said},
}

// event is the knock as API Gateway hands it over: a form's body comes as base64.
func (k knock) event() map[string]any {
	path, route := "/v1/callbacks/card", k.method+" /v1/callbacks/card"
	headers := map[string]string{"host": "opiq.example", "user-agent": "EveryPay", "x-forwarded-proto": "https", "x-forwarded-port": "443"}
	e := map[string]any{"version": "2.0", "rawQueryString": k.query, "headers": headers, "isBase64Encoded": false}
	if k.attempt != "" {
		path, route = path+"/"+url.PathEscape(k.attempt), route+"/{attempt}"
		e["pathParameters"] = map[string]string{"attempt": k.attempt}
	}
	if k.method == "POST" {
		headers["content-type"] = "application/x-www-form-urlencoded"
		e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString([]byte(k.body)), true
	}
	if q, err := url.ParseQuery(k.query); err == nil && len(q) > 0 {
		joined := map[string]string{}
		for name, values := range q {
			joined[name] = strings.Join(values, ",")
		}
		e["queryStringParameters"] = joined
	}
	e["routeKey"], e["rawPath"] = route, path
	e["requestContext"] = map[string]any{
		"accountId": "123456789012", "apiId": "api", "domainName": "opiq.example", "domainPrefix": "opiq", "requestId": "JKJaXmPLvHcESHA=",
		"routeKey": route, "stage": "$default", "time": "01/Sep/2026:09:00:00 +0000", "timeEpoch": noon.UnixMilli(),
		"http": map[string]string{"method": k.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "EveryPay"},
	}
	return e
}

// The events stand in events/ for whoever wants to send one by hand; here is how they were made.
func TestEventsAreWhatComes(t *testing.T) {
	for name, k := range knocks {
		golden.Check(t, filepath.Join("..", "..", "events", "card-callback", name+".json"), golden.JSON(t, k.event()))
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
func answer(t *testing.T, q sender, event []byte) (o outcome) {
	t.Helper()
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &e); err != nil {
		t.Fatal(err)
	}
	o.Counted = golden.Counted(t, func() {
		r, err := open(q).routes().Handle(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		o.Status, o.Headers, o.Body = r.StatusCode, r.Headers, r.Body
	})
	maps.DeleteFunc(o.Headers, func(name, _ string) bool {
		return name != "Location" && name != "Content-Type" && name != "Cache-Control"
	})
	if q, ok := q.(*post); ok {
		o.Queued = q.sent
	}
	return o
}

func open(q sender) door { return door{q, site, func() time.Time { return noon }} }

func TestEvents(t *testing.T) {
	golden.Events(t, "card-callback", func(t *testing.T, _ string, event []byte) any { return answer(t, &post{}, event) })
}

// A refusal changes nothing, is counted once, and repeats nothing of what came.
func TestRefusals(t *testing.T) {
	for _, name := range []string{
		"get-nothing", "get-garbage", "get-twice", "get-too-long", "get-short", "get-capitals", "get-script", "post-nothing", "post-garbage", "post-json",
	} {
		k := knocks[name]
		o := answer(t, &post{}, golden.JSON(t, k.event()))
		if o.Status != 400 || len(o.Queued) != 0 || len(o.Counted) != 1 || o.Counted[0] != "CardCallbackRefused reference "+k.method {
			t.Errorf("%s: %d, queued %v, counted %q", name, o.Status, o.Queued, o.Counted)
		}
		if strings.Contains(o.Body, "script") || strings.Contains(o.Body, "aaaa") || strings.Contains(strings.ToLower(o.Body), reference) {
			t.Errorf("%s: the answer is %s", name, o.Body)
		}
	}
}

func TestAHugeBodyIsRefused(t *testing.T) {
	k := knock{method: "POST", body: said + "&x=" + strings.Repeat("a", 65<<10)}
	if o := answer(t, &post{}, golden.JSON(t, k.event())); o.Status != 400 || len(o.Queued) != 0 || len(o.Counted) != 1 {
		t.Errorf("%d, queued %v, counted %q", o.Status, o.Queued, o.Counted)
	}
}

// A person who comes without a reference is nobody's attack: they reloaded the page, or typed its address.
func TestAPersonIsNotCounted(t *testing.T) {
	for _, name := range []string{"return", "return-no-reference", "return-foreign-stamp", "return-script", "return-elsewhere"} {
		if o := answer(t, &post{}, golden.JSON(t, knocks[name].event())); o.Status != 303 || len(o.Counted) != 0 {
			t.Errorf("%s: %d, counted %q", name, o.Status, o.Counted)
		}
	}
}

// What the queue did not take is not confirmed: the provider comes again. A person goes on, and the janitor asks.
func TestNothingIsConfirmedBeforeItIsQueued(t *testing.T) {
	for name, want := range map[string]int{"get-settled": 500, "post-form": 500, "post-query": 500, "return": 303, "return-foreign-stamp": 303} {
		for _, lost := range []error{errors.New("the queue is away"), context.DeadlineExceeded} {
			o := answer(t, &post{err: lost}, golden.JSON(t, knocks[name].event()))
			if o.Status != want {
				t.Errorf("%s, %v: %d", name, lost, o.Status)
			}
			if len(o.Counted) != 1 || o.Counted[0] != "CardCallbackNotQueued queue "+reference+": "+lost.Error() {
				t.Errorf("%s: counted %q", name, o.Counted)
			}
		}
	}
}

// silence is a queue that never answers.
type silence struct{}

func (silence) Send(ctx context.Context, _ any) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestAPersonDoesNotWaitForAQueueThatIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		o := answer(t, silence{}, golden.JSON(t, knocks["return"].event()))
		if waited := time.Since(began); waited != patience || o.Status != 303 || o.Headers["Location"] != site+"/orders/2600012345" || len(o.Counted) != 1 {
			t.Errorf("after %s: %+v", waited, o)
		}
	})
}

func TestTheSameCallbackTwiceIsQueuedTwice(t *testing.T) {
	q := &post{}
	for _, name := range []string{"get-settled", "get-settled", "return"} {
		answer(t, q, golden.JSON(t, knocks[name].event()))
	}
	if len(q.sent) != 3 {
		t.Errorf("%d messages; whether it is news is settlement's to say", len(q.sent))
	}
}

// Whatever call to AWS breaks: once the provider was answered 200, its hint is on the queue. A person is sent on either way.
func TestEveryBrokenCallIsSurvived(t *testing.T) {
	for _, name := range []string{"get-settled", "post-form", "return"} {
		t.Run(name, func(t *testing.T) { everyCall(t, golden.JSON(t, knocks[name].event())) })
	}
}

func everyCall(t *testing.T, event []byte) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &e); err != nil {
		t.Fatal(err)
	}
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, url := stage.Config(t), stage.Queue(t, "cards")
		d := open(queue.Open(broken(cfg), url))
		knock := func(ctx context.Context) error {
			r, err := d.routes().Handle(ctx, e)
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
				var said payment.CardMessage
				if err := json.Unmarshal([]byte(*m.Body), &said); err != nil || said.Reference != reference || !said.At.Equal(noon) || said.Refund != "" {
					t.Errorf("%v: %s", err, *m.Body)
				}
			}
		}
	})
}

var (
	ours       = regexp.MustCompile(`^https://opiq\.example/orders(/[0-9]{10})?$`)
	wellFormed = regexp.MustCompile(`^[a-f0-9]{16,128}$`)
)

// Whatever comes: a person goes on to a page of ours, the provider hears 200 or 400, and only what is well formed is queued.
func TestWhateverComes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		field := rapid.SampledFrom([]string{"payment_reference", "event_name", "order_reference", "x"})
		value := rapid.OneOf(rapid.StringMatching(`[a-f0-9]{10,140}`), rapid.String(), rapid.SampledFrom([]string{reference, "status_updated", "%zz", ""}))
		text := rapid.Custom(func(r *rapid.T) string {
			v := url.Values{}
			for range rapid.IntRange(0, 4).Draw(r, "fields") {
				v.Add(field.Draw(r, "field"), value.Draw(r, "value"))
			}
			return v.Encode()
		})
		k := knock{method: rapid.SampledFrom([]string{"GET", "POST"}).Draw(r, "method"), query: text.Draw(r, "query"), body: text.Draw(r, "body")}
		if k.method == "GET" {
			k.attempt = rapid.OneOf(rapid.Just(""), rapid.Just(stamp), rapid.StringMatching(`[0-9]{18,20}`), rapid.String()).Draw(r, "attempt")
		}
		q := &post{}
		o := answer(t, q, golden.JSON(t, k.event()))
		switch {
		case k.attempt != "" && (o.Status != 303 || !ours.MatchString(o.Headers["Location"])):
			r.Fatalf("a person gets %d to %q", o.Status, o.Headers["Location"])
		case k.attempt == "" && o.Status != map[bool]int{true: 200, false: 400}[len(q.sent) == 1]:
			r.Fatalf("the provider gets %d, queued %v", o.Status, q.sent)
		}
		for _, m := range q.sent {
			if said := m.(payment.CardMessage); !wellFormed.MatchString(string(said.Reference)) || strings.Contains(string(said.Event), "%") {
				r.Fatalf("queued %+v", said)
			}
		}
	})
}
