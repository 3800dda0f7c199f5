// Package everypay is the card provider on one machine: a stand-in for EveryPay's API v4, its hosted page and its callbacks, for eyes
// and for programs, at /_local/everypay/.
//
// It checks what the provider checks (the password, a nonce that is new, a time within five minutes, an order_reference that is used
// once, the fields), lets the buyer pay by card or from a bank, decline, walk away or be asked by 3-D Secure, and tells the shop by
// callbacks: up to six times, by the documented schedule, in a time that runs faster. What happens to a payment is a row of the table
// of outcomes; how the shop hears of it is a row of the table of callbacks; how the API breaks is a row of the table of faults. A
// program can have each, and so can a person on the pages.
//
// It moves no money, and remembers payments only while it runs. Its secret says that it was made for tests, and a prod stage does not
// start with it. Where no source is public, it is a guess, and says so: the codes of errors, and what stands after a chargeback. It is
// never deployed.
package everypay

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"opiq/local/parameters"
	"opiq/shared/everypay"
)

// path is where the provider stands on the shop's own address.
const path = "/_local/everypay/"

// agreement is what the shop and the provider agreed on. The secret protects nobody: everybody can read it here.
const (
	username = "opiq0000test0000"
	secret   = "test-secret-of-the-card-provider-on-one-machine"
	account  = "EUR3D1"
)

// Options of a provider.
type Options struct {
	PublicURL string        // the shop's own address: the provider is below it, and buyers may return to it though it has no dot
	Callback  string        // where the shop hears of its payments; in the real provider's portal it is set by hand
	Client    *http.Client  // brings the callbacks; nil is one that waits for ten seconds
	Speed     int           // how many times faster than the documentation says callbacks come; 0 is 300: five minutes are a second
	Patience  time.Duration // how long a buyer may take to confirm a payment; 0 is fifteen minutes
	Reuse     bool          // an order_reference may be used again until it is paid, as a shop can have it set
}

// Provider is a running stand-in. It serves everything under /_local/everypay/ and wants the whole path.
type Provider struct {
	options Options
	mux     http.ServeMux
	client  *http.Client
	now     func() time.Time

	life    context.Context // ends with Close
	end     context.CancelFunc
	waiting sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	payments map[string]*payment
	listed   []*payment // in the order of their making
	nonces   map[string]bool
	faults   []Fault
}

// Open starts a provider.
func Open(o Options) *Provider {
	if o.Speed == 0 {
		o.Speed = 300
	}
	if o.Patience == 0 {
		o.Patience = 15 * time.Minute
	}
	client := http.Client{Timeout: 10 * time.Second}
	if o.Client != nil {
		client = *o.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p := &Provider{options: o, client: &client, now: time.Now, payments: map[string]*payment{}, nonces: map[string]bool{}}
	p.life, p.end = context.WithCancel(context.Background())
	for call, do := range map[string]func(*http.Request, []byte) (int, any, *payment){
		"POST " + path + "api/v4/payments/oneoff":     p.create,
		"GET " + path + "api/v4/payments/{reference}": p.show,
		"POST " + path + "api/v4/payments/refund":     p.refund,
	} {
		p.mux.HandleFunc(call, p.api(do))
	}
	p.mux.HandleFunc("GET "+path+"{$}", p.about)
	p.mux.HandleFunc("GET "+path+"{reference}", p.page)
	p.mux.HandleFunc("POST "+path+"{reference}", p.decide)
	p.mux.HandleFunc("POST "+path+"faults", p.breaks)
	p.mux.HandleFunc("DELETE "+path+"faults", p.mends)
	return p
}

// Parameters are what the shop knows the provider by, by their full names under the path of secrets.
func (p *Provider) Parameters(secrets string) (map[string]parameters.Value, error) {
	agreement, err := json.Marshal(everypay.Agreement{BaseURL: p.options.PublicURL + path + "api/v4", Username: username, Account: account})
	return map[string]parameters.Value{
		secrets + "/" + everypay.AgreementParameter: {Text: string(agreement)},
		secrets + "/" + everypay.SecretParameter:    {Text: secret, Secret: true},
	}, err
}

// ServeHTTP serves the API and the pages.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

// Close gives up what was still to come, and returns when nothing of it runs.
func (p *Provider) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.end()
	p.waiting.Wait()
}

// later does something after a while, unless the provider is closed by then.
func (p *Provider) later(d time.Duration, do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.waiting.Go(func() {
		select {
		case <-p.life.Done():
		case <-time.After(d):
			do()
		}
	})
}

// fast is a documented time as long as it takes here.
func (p *Provider) fast(d time.Duration) time.Duration { return d / time.Duration(p.options.Speed) }

func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }
