package everypay

import (
	"log"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// slots are when a callback is tried, after what it tells of: the documented six. The first one is at once here.
var slots = []time.Duration{0, 5 * time.Minute, time.Hour, 24 * time.Hour, 48 * time.Hour, 72 * time.Hour}

// habit is a way in which the shop hears of an outcome.
type habit struct {
	Name, About string
	tell        func(p *Provider, c callback)
}

// habits are the values of callback. The first is what happens where nothing is said. What is told at once is told before the
// provider answers.
var habits = []habit{
	{"once", "before you return", func(p *Provider, c callback) { p.deliver(c, 0) }},
	{"twice", "before you return, and again five minutes later, by POST", func(p *Provider, c callback) {
		p.deliver(c, 0)
		c.method = http.MethodPost
		p.later(p.fast(slots[1]), func() { p.send(c) })
	}},
	{"late", "five minutes later", func(p *Provider, c callback) { p.later(p.fast(slots[1]), func() { p.deliver(c, 1) }) }},
	{"never", "never", func(*Provider, callback) {}},
	{"out_of_order", "after the next thing that happens, or an hour later", func(p *Provider, c callback) { p.hold(c) }},
}

// callback is one thing to tell the shop.
type callback struct {
	payment *payment
	event   string
	method  string // of HTTP; GET where it is empty
}

// tell tells of an event, by the habit; whatever waited to be overtaken comes after it.
func (p *Provider) tell(c callback, how habit) {
	p.mu.Lock()
	held := c.payment.held
	c.payment.held = nil
	p.mu.Unlock()
	how.tell(p, c)
	for _, release := range held {
		release()
	}
}

// hold keeps a callback until something else has been told of, or an hour has passed.
func (p *Provider) hold(c callback) {
	told := make(chan struct{}, 1)
	told <- struct{}{}
	release := func() {
		select {
		case <-told:
			p.deliver(c, 0)
		default: // it was told
		}
	}
	p.mu.Lock()
	c.payment.held = append(c.payment.held, release)
	p.mu.Unlock()
	p.later(p.fast(slots[2]), release)
}

// deliver tries now, and by the schedule until the shop takes it. slot is which of its times now is.
func (p *Provider) deliver(c callback, slot int) {
	if p.send(c) {
		return
	}
	if slot == len(slots)-1 {
		log.Printf("everypay: the shop did not take %s of %s", c.event, c.payment.Reference)
		return
	}
	p.later(p.fast(slots[slot+1]-slots[slot]), func() { p.deliver(c, slot+1) })
}

// send brings a callback to the shop, and tells whether it took it.
func (p *Provider) send(c callback) bool {
	values := url.Values{"payment_reference": {c.payment.Reference}, "order_reference": {c.payment.Order}, "event_name": {c.event}}.Encode()
	to, body := p.options.Callback+"?"+values, ""
	if c.method == http.MethodPost {
		to, body = p.options.Callback, values
	}
	r, err := http.NewRequestWithContext(p.life, c.method, to, strings.NewReader(body))
	if err != nil {
		return false
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w, err := p.client.Do(r)
	if err != nil {
		return false
	}
	w.Body.Close()
	return w.StatusCode/100 == 2
}
