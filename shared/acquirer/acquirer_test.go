package acquirer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"opiq/shared/everypay"
	"opiq/shared/lang"
	"opiq/shared/problem"
)

const (
	ref    = "00f1e2d3c4b5a6978877665544332211ffeeddccbbaa99887766554433221100"
	secret = "s3cret-of-the-api"
)

// heard is one request as the provider got it.
type heard struct {
	method, path, user, password string
	body                         map[string]json.RawMessage
	raw                          string
}

func (h heard) text(name string) (s string) {
	json.Unmarshal(h.body[name], &s)
	return s
}

// provider answers the n-th request, from 1, as a test wants it to.
type provider struct {
	*Acquirer
	mu    sync.Mutex
	heard []heard
}

func open(t *testing.T, answer func(n int, w http.ResponseWriter, h heard)) *provider {
	t.Helper()
	p := &provider{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := heard{method: r.Method, path: r.URL.RequestURI()}
		h.user, h.password, _ = r.BasicAuth()
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		h.raw = string(raw)
		json.Unmarshal(raw, &h.body)
		p.mu.Lock()
		p.heard = append(p.heard, h)
		n := len(p.heard)
		p.mu.Unlock()
		answer(n, w, h)
	}))
	t.Cleanup(server.Close)
	p.Acquirer = Open(everypay.Agreement{BaseURL: server.URL + "/api/v4", Username: "0a1b2c3d4e5f6071", Account: "EUR3D1"}, secret, nil)
	p.patience, p.pause = 300*time.Millisecond, time.Millisecond
	return p
}

func (p *provider) requests() []heard {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard
}

func write(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, body)
}

func created(w http.ResponseWriter, h heard) {
	write(w, 201, fmt.Sprintf(`{"payment_reference":%q,"payment_link":"https://igw-demo.every-pay.com/lp/abcdef/12345678","payment_state":"initial",
		"order_reference":%q,"initial_amount":%s,"standing_amount":%[3]s}`, ref, h.text("order_reference"), h.body["amount"]))
}

func standing(w http.ResponseWriter, state, amount string) {
	write(w, 200, fmt.Sprintf(`{"payment_reference":%q,"payment_state":%q,"order_reference":"26.x","initial_amount":37.20,"standing_amount":%s}`, ref, state, amount))
}

var wanted = everypay.Oneoff{Order: "2600012345000000001", Amount: 3720, Return: "https://opiq.example/orders/2600012345", Language: lang.Estonian, Email: "mari@example.ee"}

func TestAPaymentIsMade(t *testing.T) {
	p := open(t, func(_ int, w http.ResponseWriter, h heard) { created(w, h) })
	got, err := p.Create(t.Context(), wanted)
	if err != nil || got.Reference != ref || got.Order != wanted.Order || got.Amount != 3720 || got.Link != "https://igw-demo.every-pay.com/lp/abcdef/12345678" {
		t.Fatalf("%v: %+v", err, got)
	}
	h := p.requests()[0]
	if h.method != "POST" || h.path != "/api/v4/payments/oneoff" || h.user != "0a1b2c3d4e5f6071" || h.password != secret {
		t.Errorf("%+v", h)
	}
	at, err := time.Parse(time.RFC3339, h.text("timestamp"))
	if err != nil || time.Since(at).Abs() > 5*time.Minute {
		t.Errorf("%v: %s", err, h.text("timestamp"))
	}
	if h.text("api_username") != "0a1b2c3d4e5f6071" || h.text("account_name") != "EUR3D1" || string(h.body["amount"]) != "37.20" || strings.Contains(h.raw, secret) {
		t.Error(h.raw)
	}
}

func TestAPaymentIsAskedAbout(t *testing.T) {
	p := open(t, func(_ int, w http.ResponseWriter, _ heard) { standing(w, "settled", "37.20") })
	got, err := p.Payment(t.Context(), ref)
	if err != nil || got.State != everypay.StateSettled || got.Standing != 3720 {
		t.Fatalf("%v: %+v", err, got)
	}
	h := p.requests()[0]
	if h.method != "GET" || h.path != "/api/v4/payments/"+ref+"?api_username=0a1b2c3d4e5f6071" || h.user != "0a1b2c3d4e5f6071" || h.password != secret || h.raw != "" {
		t.Errorf("%+v", h)
	}
}

// cut breaks the connection without an answer.
func cut(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		c.Close()
	}
}

// right would be an answer to a question, if it came as it should.
const right = `{"payment_reference":"` + ref + `","payment_state":"settled","initial_amount":37.20,"standing_amount":37.20}`

// bad are the ways in which a provider can be not there.
var bad = map[string]func(w http.ResponseWriter){
	"500":             func(w http.ResponseWriter) { write(w, 500, `{"error":{"code":4999,"message":"mari@example.ee"}}`) },
	"502 with a page": func(w http.ResponseWriter) { w.WriteHeader(502); io.WriteString(w, "<html>") },
	"503, soon back":  func(w http.ResponseWriter) { w.Header().Set("Retry-After", "0"); write(w, 503, "") },
	"too many":        func(w http.ResponseWriter) { write(w, 429, `{}`) },
	"somewhere else": func(w http.ResponseWriter) {
		w.Header().Set("Location", "/api/v4/payments/oneoff")
		write(w, 307, right)
	},
	"cut": cut,
	"cut in half": func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "1000")
		write(w, 201, `{"payment_reference":"`+ref)
		w.(http.Flusher).Flush()
		cut(w)
	},
	"too slow": func(http.ResponseWriter) { time.Sleep(600 * time.Millisecond) },
	"garbage":  func(w http.ResponseWriter) { write(w, 200, `{"payment_`) },
	"a list":   func(w http.ResponseWriter) { write(w, 200, `[]`) },
	"no amounts": func(w http.ResponseWriter) {
		write(w, 200, `{"payment_reference":"`+ref+`","payment_state":"settled"}`)
	},
	"huge": func(w http.ResponseWriter) { write(w, 200, right+strings.Repeat(" ", limit)) },
	"a page": func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, `{"payment_reference":"`+ref+`","payment_state":"initial"}`)
	},
	"another payment": func(w http.ResponseWriter) {
		write(w, 200, `{"payment_reference":"0123456789abcdef","payment_state":"settled","order_reference":"1.2","initial_amount":1,"standing_amount":1}`)
	},
}

func TestAProviderThatFailsOnceIsAskedAgain(t *testing.T) {
	for name, fail := range bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t, func(n int, w http.ResponseWriter, h heard) {
				switch {
				case n == 1 || n == 3:
					fail(w)
				case h.method == "POST":
					created(w, h)
				default:
					standing(w, "settled", "37.20")
				}
			})
			if got, err := p.Create(t.Context(), wanted); err != nil || got.Reference != ref {
				t.Fatalf("%v: %+v", err, got)
			}
			if got, err := p.Payment(t.Context(), ref); err != nil || got.Reference != ref {
				t.Fatalf("%v: %+v", err, got)
			}
			all := p.requests()
			if len(all) != 4 {
				t.Fatalf("%d requests", len(all))
			}
			first, second := all[0], all[1]
			if first.text("nonce") == second.text("nonce") || first.text("order_reference") == second.text("order_reference") {
				t.Errorf("the second creation cannot be told from the first: %s", second.raw)
			}
			for _, h := range all[:2] {
				if order, _, _ := strings.Cut(h.text("order_reference"), "."); order != wanted.Order {
					t.Errorf("another attempt's: %s", h.raw)
				}
			}
		})
	}
}

func TestAProviderThatIsDownIsUnavailable(t *testing.T) {
	for name, fail := range bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t, func(_ int, w http.ResponseWriter, _ heard) { fail(w) })
			_, err := p.Payment(t.Context(), ref)
			if !errors.Is(err, ErrUnavailable) || len(p.requests()) != 3 {
				t.Errorf("%v after %d requests", err, len(p.requests()))
			}
			silent(t, err)
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		p := open(t, nil)
		p.agreement.BaseURL = "http://127.0.0.1:1/api/v4"
		_, err := p.Create(t.Context(), wanted)
		if !errors.Is(err, ErrUnavailable) {
			t.Error(err)
		}
		silent(t, err)
	})
}

// silent makes sure that an error tells nothing that is not for logs.
func silent(t *testing.T, err error) {
	t.Helper()
	for _, word := range []string{secret, "0a1b2c3d4e5f6071", "api_username", "http", "mari@", "127.0.0.1", "<html>", ref} {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), word) {
			t.Errorf("the error tells %q: %v", word, err)
		}
	}
	if p, ok := errors.AsType[*problem.Error](err); ok && strings.Contains(p.Detail, "status") {
		t.Errorf("the buyer reads %q", p.Detail)
	}
}

func TestANoIsANo(t *testing.T) {
	for status, code := range map[int]everypay.Code{400: "4001", 401: "other", 403: "other", 404: "4041", 409: "other", 422: "4024"} {
		p := open(t, func(_ int, w http.ResponseWriter, _ heard) {
			if code == "other" {
				w.WriteHeader(status)
				return
			}
			write(w, status, fmt.Sprintf(`{"error":{"code":%s,"message":"mari@example.ee %s"}}`, code, secret))
		})
		for _, call := range []func() error{
			func() error { _, err := p.Create(t.Context(), wanted); return err },
			func() error { _, err := p.Payment(t.Context(), ref); return err },
		} {
			err := call()
			no, ok := errors.AsType[*Refused](err)
			if !ok || no.Status != status || no.Code != code {
				t.Fatalf("%d: %v", status, err)
			}
			silent(t, err)
		}
		if n := len(p.requests()); n != 2 {
			t.Errorf("%d was asked %d times", status, n)
		}
	}
}

func TestABuyerIsSentOverHTTPSOnly(t *testing.T) {
	p := open(t, func(_ int, w http.ResponseWriter, h heard) {
		write(w, 201, fmt.Sprintf(`{"payment_reference":%q,"payment_link":"http://pay.every-pay.eu/lp/1","payment_state":"initial","order_reference":%q}`, ref, h.text("order_reference")))
	})
	if _, err := p.Create(t.Context(), wanted); err != nil {
		t.Errorf("a stand-in has no https: %v", err)
	}
	p.agreement.BaseURL = strings.Replace(p.agreement.BaseURL, "http", "https", 1)
	if p.trusted("http://pay.every-pay.eu/lp/1") || p.trusted("") || p.trusted("javascript:alert(1)") || !p.trusted("https://pay.every-pay.eu/lp/1") {
		t.Error("a buyer of the real provider is sent anywhere")
	}
}

func TestWhatWouldBeRefusedIsNotSent(t *testing.T) {
	p := open(t, nil)
	o := wanted
	o.Amount = 0
	if _, err := p.Create(t.Context(), o); !errors.Is(err, everypay.ErrOneoff) {
		t.Error(err)
	}
	if _, err := p.Refund(t.Context(), everypay.Refund{Payment: ref, Amount: 2, Standing: 1, Nonce: nonce}); !errors.Is(err, everypay.ErrRefund) {
		t.Error(err)
	}
}

// ---- Refunds

const nonce = "REFUND-000000000001"

// bank is the provider's side of refunds: it takes a nonce once, and fails as a test wants.
type bank struct {
	mu       sync.Mutex
	stands   int
	state    string
	nonces   map[string]bool
	refunds  int
	requests int
	fail     func(request int, w http.ResponseWriter) (before, after bool) // whether it failed, before or after it did it
}

func (b *bank) answer(_ int, w http.ResponseWriter, h heard) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if h.method == "GET" {
		standing(w, b.state, fmt.Sprintf("%d.%02d", b.stands/100, b.stands%100))
		return
	}
	b.requests++
	before, after := false, false
	if b.fail != nil {
		before, after = b.fail(b.requests, nil)
	}
	if before {
		b.fail(b.requests, w)
		return
	}
	var amount float64
	json.Unmarshal(h.body["amount"], &amount)
	cents := int(amount*100 + .5)
	switch {
	case b.nonces[h.text("nonce")]:
		write(w, 422, `{"error":{"code":4005}}`)
		return
	case cents > b.stands:
		write(w, 422, `{"error":{"code":4010}}`)
		return
	}
	b.nonces[h.text("nonce")] = true
	b.stands, b.state = b.stands-cents, "refunded"
	b.refunds++
	if after {
		b.fail(b.requests, w)
		return
	}
	standing(w, b.state, fmt.Sprintf("%d.%02d", b.stands/100, b.stands%100))
}

// failing makes a fault of the n-th request.
func failing(n int, done bool, how func(http.ResponseWriter)) func(int, http.ResponseWriter) (bool, bool) {
	return func(request int, w http.ResponseWriter) (bool, bool) {
		if request != n {
			return false, false
		}
		if w != nil {
			how(w)
		}
		return !done, done
	}
}

func openBank(t *testing.T) (*bank, *provider) {
	b := &bank{stands: 3720, state: "settled", nonces: map[string]bool{}}
	return b, open(t, b.answer)
}

func TestMoneyGoesBackOnce(t *testing.T) {
	b, p := openBank(t)
	part := everypay.Refund{Payment: ref, Amount: 1000, Standing: 3720, Nonce: nonce}
	rest := everypay.Refund{Payment: ref, Amount: 2720, Standing: 2720, Nonce: "REFUND-000000000002"}
	for range 3 { // asked for again, it is done
		if got, err := p.Refund(t.Context(), part); err != nil || got.Standing != 2720 || got.State != everypay.StateRefunded {
			t.Fatalf("%v: %+v", err, got)
		}
	}
	if got, err := p.Refund(t.Context(), rest); err != nil || got.Standing != 0 {
		t.Fatalf("%v: %+v", err, got)
	}
	if b.requests != 2 || b.refunds != 2 || b.stands != 0 {
		t.Errorf("%+v", b)
	}
	if _, err := p.Refund(t.Context(), part); !errors.Is(err, ErrDiffers) {
		t.Errorf("an old refund, asked for when more has gone back: %v", err)
	}
}

// Each fault, before and after the provider did it, once and for ever: the money goes back once, or not at all and we know that we
// do not know.
func TestMoneyGoesBackOnceWhateverBreaks(t *testing.T) {
	refund := everypay.Refund{Payment: ref, Amount: 3720, Standing: 3720, Nonce: nonce}
	for name, how := range bad {
		for _, done := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, done %v", name, done), func(t *testing.T) {
				t.Parallel()
				b, p := openBank(t)
				b.fail = failing(1, done, how)
				got, err := p.Refund(t.Context(), refund)
				if err != nil || got.Standing != 0 || b.refunds != 1 {
					t.Fatalf("%v: %+v, %d refunds", err, got, b.refunds)
				}
				if want := map[bool]int{false: 2, true: 1}[done]; b.requests != want {
					t.Errorf("asked for %d times, want %d", b.requests, want)
				}
			})
		}
		t.Run(name+", for ever", func(t *testing.T) {
			t.Parallel()
			b, p := openBank(t)
			b.fail = func(_ int, w http.ResponseWriter) (bool, bool) {
				if w != nil {
					how(w)
				}
				return true, false
			}
			_, err := p.Refund(t.Context(), refund)
			if !errors.Is(err, ErrUnavailable) || b.refunds != 0 || b.requests != 3 {
				t.Fatalf("%v: %d refunds, asked for %d times", err, b.refunds, b.requests)
			}
			silent(t, err)
			b.fail = nil
			if _, err := p.Refund(t.Context(), refund); err != nil || b.refunds != 1 {
				t.Errorf("the provider is back: %v, %d refunds", err, b.refunds)
			}
		})
	}
}

// A request that was given up arrives after the next one: the provider knows the nonce.
func TestARequestThatComesLateIsTheSameRefund(t *testing.T) {
	b, p := openBank(t)
	b.nonces[nonce] = true // it is on its way through the provider
	_, err := p.Refund(t.Context(), everypay.Refund{Payment: ref, Amount: 100, Standing: 3720, Nonce: nonce})
	if no, ok := errors.AsType[*Refused](err); !ok || no.Code != "4005" || b.refunds != 0 {
		t.Fatalf("%v, %d refunds", err, b.refunds)
	}
	b.stands, b.state = 3620, "refunded" // now it got through
	if got, err := p.Refund(t.Context(), everypay.Refund{Payment: ref, Amount: 100, Standing: 3720, Nonce: nonce}); err != nil || got.Standing != 3620 || b.refunds != 0 {
		t.Errorf("%v: %+v", err, got)
	}
}

func TestNoMoneyGoesBackWhereTheBooksDiffer(t *testing.T) {
	for name, c := range map[string]struct {
		stands int
		state  string
	}{
		"somebody gave a part back by hand":                           {3000, "refunded"},
		"the holder took it back":                                     {0, "charged_back"},
		"the holder took it back, and it stands":                      {3720, "chargebacked"},
		"it was never paid":                                           {3720, "failed"},
		"it is not paid yet":                                          {3720, "sent_for_processing"},
		"it stands at what would be left, but nothing was given back": {0, "settled"},
	} {
		b, p := openBank(t)
		b.stands, b.state = c.stands, c.state
		if _, err := p.Refund(t.Context(), everypay.Refund{Payment: ref, Amount: 3720, Standing: 3720, Nonce: nonce}); !errors.Is(err, ErrDiffers) || b.requests != 0 {
			t.Errorf("%s: %v, asked for %d times", name, err, b.requests)
		}
	}
}

func TestOneRefundAskedForByManyIsOne(t *testing.T) {
	b, p := openBank(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := p.Refund(t.Context(), everypay.Refund{Payment: ref, Amount: 3720, Standing: 3720, Nonce: nonce})
			if _, refused := errors.AsType[*Refused](err); err != nil && !refused {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if b.refunds != 1 || b.stands != 0 {
		t.Errorf("%d refunds", b.refunds)
	}
}

// ---- Time

// still is a provider without a network, so that the time of a test is its own.
func still(answer func(n int) (*http.Response, error)) (*Acquirer, *atomic.Int64) {
	var n atomic.Int64
	a := Open(everypay.Agreement{BaseURL: "https://pay.every-pay.eu/api/v4", Username: "u", Account: "EUR3D1"}, secret, through(func(r *http.Request) (*http.Response, error) {
		w, err := answer(int(n.Add(1)))
		if w == nil && err == nil {
			<-r.Context().Done()
			err = r.Context().Err()
		}
		return w, err
	}))
	return a, &n
}

type through func(*http.Request) (*http.Response, error)

func (t through) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func response(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{"Content-Type": {"application/json"}}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

func TestATryTakesFiveSecondsAndThreeAreEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, n := still(func(int) (*http.Response, error) { return nil, nil })
		began := time.Now()
		_, err := a.Payment(t.Context(), ref)
		if took := time.Since(began); !errors.Is(err, ErrUnavailable) || n.Load() != 3 || took < 15*time.Second || took > 16*time.Second {
			t.Errorf("%v after %d tries and %s", err, n.Load(), took)
		}
	})
}

func TestTheCallerSaysHowLongAllTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, n := still(func(int) (*http.Response, error) { return nil, nil })
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		began := time.Now()
		_, err := a.Payment(ctx, ref)
		if took := time.Since(began); !errors.Is(err, ErrUnavailable) || n.Load() != 2 || took > 7*time.Second {
			t.Errorf("%v after %d tries and %s", err, n.Load(), took)
		}
	})
}

func TestACallerWhoGivesUpIsNoFailureOfTheProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := still(func(n int) (*http.Response, error) {
			if n <= 2*failures {
				return nil, nil
			}
			return response(200, nil, right), nil
		})
		for range 2 * failures {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			if _, err := a.Payment(ctx, ref); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
				t.Fatal(err)
			}
		}
		if _, err := a.Payment(t.Context(), ref); err != nil {
			t.Error(err)
		}
	})
}

func TestAProviderThatNamesATimeIsLeftAloneForIt(t *testing.T) {
	soon := func() string { return time.Now().Add(4 * time.Second).UTC().Format(http.TimeFormat) }
	for name, c := range map[string]struct {
		status     int
		retryAfter func() string
		least      time.Duration
		tries      int64
		wait       time.Duration
	}{
		"three seconds":       {429, func() string { return "3" }, 3 * time.Second, 2, 0},
		"a moment of the day": {503, soon, 3 * time.Second, 2, 0},
		"an hour":             {429, func() string { return "3600" }, 0, 1, time.Hour},
		"no time":             {429, func() string { return "soon" }, 0, 2, 0},
		"the past":            {503, func() string { return "-5" }, 0, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, n := still(func(n int) (*http.Response, error) {
					if n == 1 {
						return response(c.status, http.Header{"Retry-After": {c.retryAfter()}}, ""), nil
					}
					return response(200, nil, right), nil
				})
				began := time.Now()
				_, err := a.Payment(t.Context(), ref)
				if took := time.Since(began); (err == nil) != (c.tries == 2) || n.Load() != c.tries || took < c.least {
					t.Errorf("%v after %d tries and %s", err, n.Load(), took)
				}
				if p, ok := errors.AsType[*problem.Error](err); ok && p.RetryAfter != c.wait {
					t.Errorf("the caller hears of %s", p.RetryAfter)
				}
			})
		})
	}
}

func TestNothingBeginsThatCannotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, n := still(func(int) (*http.Response, error) { return response(429, http.Header{"Retry-After": {"5"}}, ""), nil })
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		began := time.Now()
		if _, err := a.Payment(ctx, ref); !errors.Is(err, ErrUnavailable) || n.Load() != 1 || time.Since(began) != 0 {
			t.Errorf("%v after %d tries and %s", err, n.Load(), time.Since(began))
		}
	})
}

func TestTheCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		a, n := still(func(int) (*http.Response, error) {
			if down.Load() {
				return response(500, nil, ""), nil
			}
			time.Sleep(time.Second)
			return response(200, nil, right), nil
		})
		ask := func() error { _, err := a.Payment(t.Context(), ref); return err }

		for range 4 { // two calls break it, the others do not get through
			if err := ask(); !errors.Is(err, ErrUnavailable) {
				t.Fatal(err)
			}
		}
		if n.Load() != failures {
			t.Fatalf("the provider was asked %d times, want %d", n.Load(), failures)
		}

		time.Sleep(rest + time.Second)
		if err := ask(); !errors.Is(err, ErrUnavailable) || n.Load() != failures+1 {
			t.Fatalf("%v: one call looks whether it is back: %d", err, n.Load()-failures)
		}
		if ask(); n.Load() != failures+1 {
			t.Fatal("and it is not")
		}

		down.Store(false)
		time.Sleep(rest + time.Second)
		var all sync.WaitGroup
		var through atomic.Int64
		for range 8 {
			all.Go(func() {
				if ask() == nil {
					through.Add(1)
				}
			})
		}
		all.Wait()
		if through.Load() != 1 || n.Load() != failures+2 {
			t.Fatalf("%d of 8 got through, %d asked", through.Load(), n.Load()-failures-1)
		}
		if err := ask(); err != nil {
			t.Errorf("it is back: %v", err)
		}
	})
}

func TestWhoSaysNoIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, n := still(func(n int) (*http.Response, error) {
			if n%3 == 0 {
				return response(404, nil, ""), nil
			}
			return response(500, nil, ""), nil
		})
		for range failures {
			if _, err := a.Payment(t.Context(), ref); errors.Is(err, ErrUnavailable) {
				t.Fatalf("%v after %d requests", err, n.Load())
			}
		}
	})
}

func TestFailuresOfLongAgoDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, n := still(func(int) (*http.Response, error) { return response(500, nil, ""), nil })
		try := func() { a.try(t.Context(), http.MethodGet, "/", nil, nil) }
		for range failures - 1 {
			try()
		}
		time.Sleep(window + time.Second)
		for range 2 {
			try()
		}
		if n.Load() != failures+1 {
			t.Errorf("the provider was asked %d times of %d", n.Load(), failures+1)
		}
	})
}
