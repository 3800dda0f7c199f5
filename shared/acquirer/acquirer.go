// Package acquirer is the edge to the card provider: it asks what shared/everypay says, and brings the answer.
//
// A call is tried up to three times, each for five seconds at most and all together for as long as the caller's context lives, with
// pauses of random length in between. What the provider refuses (4xx) is not tried again. Money never moves twice for that:
//
//   - A creation moves none. Each try makes a payment of its own, under an order_reference of its own (everypay.Oneoff.Body): where
//     an answer was lost, there is a payment that nobody can pay, because its link was in that answer. The provider would refuse the
//     same order_reference a second time, and has no call that finds a payment by it.
//   - A question changes nothing.
//   - A refund is looked for before it is asked for, each time, and carries one nonce in all tries, in this call and in later ones:
//     see Refund.
//
// A provider that fails five times in a row within a minute is left alone for twenty seconds; then one call tries whether it is back.
// Each process learns that by itself, and that is enough: a Lambda process does one thing at a time, and lives long enough to learn.
//
// Errors name no address, no secret and nothing of an answer but the provider's code. The package knows no order and logs nothing.
package acquirer

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"

	"opiq/shared/everypay"
	"opiq/shared/problem"
)

// What can go wrong, besides a Refused.
var (
	ErrUnavailable = problem.New(problem.Unavailable, "card_unavailable", "The card provider does not answer. Try again in a while, or pay in another way.")
	ErrDiffers     = problem.New(problem.Conflict, "card_payment_differs", "At the card provider the payment is not as our books have it. Look at it there.")
)

// Refused is the provider saying no: it understood, and trying again is in vain.
type Refused struct {
	Status int           // of HTTP
	Code   everypay.Code // the provider's own; holds nothing personal
}

func (e *Refused) Error() string {
	return fmt.Sprintf("acquirer: the provider refused with %d, code %s", e.Status, e.Code)
}

const (
	tries   = 3
	limit   = 256 << 10        // bytes of an answer
	longest = 10 * time.Second // that we wait for a provider who names a time

	patience = 5 * time.Second        // with one try
	pause    = 300 * time.Millisecond // at most, before the second try; twice that before the third

	failures = 5                // in a row…
	window   = time.Minute      // …within
	rest     = 20 * time.Second // that a failing provider is left alone
)

// Acquirer talks to the provider in the name of one agreement. It may be used from many goroutines.
type Acquirer struct {
	agreement everypay.Agreement
	secret    everypay.Secret
	client    *http.Client
	circuit   *gobreaker.CircuitBreaker[everypay.Payment]
	patience  time.Duration
	pause     time.Duration
}

// Open makes an acquirer. Calls go through the transport; nil is one that suits a function.
func Open(a everypay.Agreement, secret everypay.Secret, through http.RoundTripper) *Acquirer {
	if through == nil {
		through = transport()
	}
	return &Acquirer{
		agreement: a, secret: secret, patience: patience, pause: pause,
		client: &http.Client{Transport: through, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		circuit: gobreaker.NewCircuitBreaker[everypay.Payment](gobreaker.Settings{
			Interval: window, Timeout: rest, MaxRequests: 1,
			ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failures },
			IsSuccessful: func(err error) bool { _, refused := errors.AsType[*Refused](err); return err == nil || refused },
			IsExcluded:   func(err error) bool { return errors.Is(err, context.Canceled) }, // the caller gave up, not the provider
		}),
	}
}

func transport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	t.DialContext = (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	t.TLSHandshakeTimeout = 3 * time.Second
	return t
}

// Create makes a payment and answers it with the link to its hosted page. It fails with ErrUnavailable or a *Refused.
func (a *Acquirer) Create(ctx context.Context, o everypay.Oneoff) (p everypay.Payment, err error) {
	err = a.persist(ctx, func() error {
		body, err := o.Body(a.agreement, rand.Text(), time.Now())
		if err != nil {
			return err
		}
		p, err = a.try(ctx, http.MethodPost, "/payments/oneoff", body, func(p everypay.Payment) bool {
			return p.Order == o.Order && (p.Amount == o.Amount || p.Amount == 0) && a.trusted(p.Link)
		})
		return err
	})
	return p, err
}

// trusted tells whether a buyer may be sent to an address: over https, except by a stand-in that has none itself.
func (a *Acquirer) trusted(link string) bool {
	return strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") && strings.HasPrefix(a.agreement.BaseURL, "http://")
}

// Payment asks what has become of a payment. It fails with ErrUnavailable or a *Refused, with status 404 for a payment that is not there.
func (a *Acquirer) Payment(ctx context.Context, ref everypay.Reference) (p everypay.Payment, err error) {
	path := "/payments/" + url.PathEscape(string(ref)) + "?api_username=" + url.QueryEscape(a.agreement.Username)
	err = a.persist(ctx, func() error {
		p, err = a.try(ctx, http.MethodGet, path, nil, func(p everypay.Payment) bool { return p.Reference == ref })
		return err
	})
	return p, err
}

// Refund gives money of a payment back, once, and answers the payment after it. The caller does the refunds of one payment one after
// the other, keeps each with its nonce before it is asked for, and may ask for the same one as often as it likes, also after a crash:
//
// Where the payment stands at less by just this refund, it is done. Where it stands as our books have it, the provider is asked, and
// after a no, or an answer that did not come, it is looked at again before anything else. All tries carry the refund's own nonce,
// which the provider takes once: two requests that overtake each other are one refund. Where anything else stands, somebody else gave
// money back or took it: Refund asks for nothing and fails with ErrDiffers. It also fails with a *Refused, or with ErrUnavailable:
// then nobody knows, and it is to be asked for again.
//
// Money of a payment by open banking moves only at merchants of LHV; elsewhere the provider just notes the refund.
func (a *Acquirer) Refund(ctx context.Context, r everypay.Refund) (everypay.Payment, error) {
	done := func(p everypay.Payment) bool {
		return p.Reference == r.Payment && p.State.Meaning() == everypay.Refunded && p.Standing == r.Standing-r.Amount
	}
	var before error // what the request before was answered with
	for n := 0; ; n++ {
		body, err := r.Body(a.agreement, time.Now())
		if err != nil {
			return everypay.Payment{}, err
		}
		p, err := a.Payment(ctx, r.Payment)
		switch m := p.State.Meaning(); {
		case err != nil:
			return everypay.Payment{}, err
		case done(p):
			return p, nil
		case p.Standing != r.Standing || m != everypay.Settled && m != everypay.Refunded:
			return everypay.Payment{}, ErrDiffers
		}
		if f, unclear := errors.AsType[fault](before); unclear && !a.wait(ctx, n, f) {
			return everypay.Payment{}, f.unavailable()
		} else if before != nil && !unclear {
			return everypay.Payment{}, before
		}
		if p, before = a.try(ctx, http.MethodPost, "/payments/refund", body, done); before == nil {
			return p, nil
		}
	}
}

// fault is a try that may do better another time.
type fault struct {
	why  string        // a few words of ours
	wait time.Duration // for how long the provider wants to be left alone
	last bool          // another try is in vain now
}

func (f fault) Error() string { return "acquirer: " + f.why }

func (f fault) unavailable() error {
	return fmt.Errorf("%w (%s)", ErrUnavailable.After(f.wait), f.why)
}

// persist tries until it is done, refused, or in vain.
func (a *Acquirer) persist(ctx context.Context, try func() error) error {
	for n := 1; ; n++ {
		err := try()
		f, again := errors.AsType[fault](err)
		if !again {
			return err
		}
		if !a.wait(ctx, n, f) {
			return f.unavailable()
		}
	}
}

// wait waits before the n-th try after the first, and tells whether there is one. What cannot be over while the caller still waits
// does not begin.
func (a *Acquirer) wait(ctx context.Context, n int, f fault) bool {
	d := max(mathrand.N(a.pause<<(n-1)), f.wait) // full jitter
	end, bounded := ctx.Deadline()
	if f.last || n >= tries || d > longest || bounded && time.Until(end) <= d {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// try asks once, where the circuit lets it. An answer that is not right is as good as none.
func (a *Acquirer) try(ctx context.Context, method, path string, body []byte, right func(everypay.Payment) bool) (everypay.Payment, error) {
	p, err := a.circuit.Execute(func() (everypay.Payment, error) {
		p, err := a.exchange(ctx, method, path, body)
		if err == nil && !right(p) {
			err = fault{why: "an answer to something else"}
		}
		return p, err
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		err = fault{why: "left alone after failures", last: true}
	}
	if err != nil {
		return everypay.Payment{}, err
	}
	return p, nil
}

// exchange is one request and its answer. Its errors are made of our own words: the client's name the address, and in it the user.
func (a *Acquirer) exchange(ctx context.Context, method, path string, body []byte) (everypay.Payment, error) {
	try, cancel := context.WithTimeout(ctx, a.patience)
	defer cancel()
	r, err := http.NewRequestWithContext(try, method, a.agreement.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return everypay.Payment{}, errors.New("acquirer: the provider's address cannot be used")
	}
	r.SetBasicAuth(a.agreement.Username, string(a.secret))
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "opiq")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	w, err := a.client.Do(r)
	if err != nil {
		return everypay.Payment{}, lost(ctx, try)
	}
	defer w.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(w.Body, limit+1))
	if err != nil {
		return everypay.Payment{}, lost(ctx, try)
	}
	if len(answer) > limit {
		return everypay.Payment{}, fault{why: "an answer that does not end"}
	}
	return read(w, answer)
}

// lost is why there is no answer: the caller gave up, it took too long, or the connection broke.
func lost(caller, try context.Context) error {
	switch {
	case errors.Is(caller.Err(), context.Canceled):
		return context.Canceled
	case try.Err() != nil:
		return fault{why: "no answer in time"}
	}
	return fault{why: "no connection"}
}

// read is what an answer says.
func read(w *http.Response, answer []byte) (everypay.Payment, error) {
	switch {
	case w.StatusCode == http.StatusTooManyRequests || w.StatusCode == http.StatusServiceUnavailable:
		return everypay.Payment{}, fault{why: "status " + strconv.Itoa(w.StatusCode), wait: retryAfter(w.Header)}
	case w.StatusCode/100 == 4:
		return everypay.Payment{}, &Refused{w.StatusCode, everypay.ReadFailure(answer)}
	case w.StatusCode/100 != 2:
		return everypay.Payment{}, fault{why: "status " + strconv.Itoa(w.StatusCode)}
	}
	if kind, _, err := mime.ParseMediaType(w.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return everypay.Payment{}, fault{why: "an answer that is not JSON"}
	}
	p, err := everypay.ReadPayment(answer)
	if err != nil {
		return everypay.Payment{}, fault{why: err.Error()}
	}
	return p, nil
}

// retryAfter is for how long the provider wants to be left alone (RFC 9110): seconds, or until a time.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(v); err == nil {
		return time.Duration(min(max(seconds, 0), 86_400)) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}
