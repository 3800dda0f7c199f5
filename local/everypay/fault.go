package everypay

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault is one way in which the API breaks, for the next calls of one kind.
type Fault struct {
	Call    string        // create, payment, refund; "" is all
	Order   string        // how the order_reference begins whose calls break; "" is all
	Kind    string        // see the table
	Times   int           // 0 is once
	Delay   time.Duration // with slow; 0 is seven seconds, longer than the shop waits
	Outcome string        // with early: what happens to the payment before it is answered; "" is nothing
}

// kind is one way to break.
type kind struct {
	Name, About string
	before      func(w http.ResponseWriter) // instead of doing what was asked for
	after       func(w http.ResponseWriter) // instead of the answer, when it is done
}

// kinds are the values of fault. slow and early answer as they should, in their own time.
var kinds = []kind{
	{Name: "error", About: "500, and nothing was done", before: failed},
	{Name: "error_after", About: "500, though it was done", after: failed},
	{Name: "busy", About: "429, Retry-After: 1", before: busy},
	{Name: "cut", About: "the connection breaks, and nothing was done", before: cut},
	{Name: "lost", About: "the connection breaks, though it was done", after: cut},
	{Name: "garbage", About: "200 and a page, though it was done", after: garbage},
	{Name: "slow", About: "the answer comes after delay=7s"},
	{Name: "early", About: "the callback comes before the answer to create, and so does outcome="},
}

func failed(w http.ResponseWriter) {
	answer(w, http.StatusInternalServerError, refusal{Code: 4999, Message: "Internal error"}.body())
}

func busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	answer(w, http.StatusTooManyRequests, refusal{Code: 4998, Message: "Too many requests"}.body())
}

func cut(http.ResponseWriter) { panic(http.ErrAbortHandler) }

func garbage(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html")
	w.Write([]byte("<html><title>Maintenance</title></html>"))
}

// Break makes the API fail. Faults of one call come one after the other.
func (p *Provider) Break(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	if f.Delay == 0 {
		f.Delay = 7 * time.Second
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, f)
}

// Mend takes all faults away that are left.
func (p *Provider) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// fault takes the next fault of a call about an order_reference.
func (p *Provider) fault(call, order string) (Fault, kind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, f := range p.faults {
		if f.Call != call && f.Call != "" || !strings.HasPrefix(order, f.Order) {
			continue
		}
		if p.faults[i].Times--; p.faults[i].Times == 0 {
			p.faults = append(p.faults[:i:i], p.faults[i+1:]...)
		}
		k, _ := find(kinds, func(k kind) bool { return k.Name == f.Kind })
		return f, k
	}
	return Fault{}, kind{}
}

// calls are the values of call.
var calls = []string{"create", "payment", "refund"}

// breaks is Break for programs and people.
func (p *Provider) breaks(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	f := Fault{Call: r.Form.Get("call"), Order: r.Form.Get("order"), Kind: r.Form.Get("fault"), Outcome: r.Form.Get("outcome")}
	_, known := find(kinds, func(k kind) bool { return k.Name == f.Kind })
	_, called := find(calls, func(c string) bool { return c == f.Call })
	_, happens := find(outcomes, func(o outcome) bool { return o.Name == f.Outcome })
	var errTimes, errDelay error
	if v := r.Form.Get("times"); v != "" {
		f.Times, errTimes = strconv.Atoi(v)
	}
	if v := r.Form.Get("delay"); v != "" {
		f.Delay, errDelay = time.ParseDuration(v)
	}
	switch {
	case !known:
		fail(w, r, http.StatusBadRequest, "fault", "There is no such fault.")
	case !called && f.Call != "":
		fail(w, r, http.StatusBadRequest, "call", "call must be create, payment or refund.")
	case !happens && f.Outcome != "":
		fail(w, r, http.StatusBadRequest, "outcome", "There is no such outcome.")
	case errTimes != nil || f.Times < 0:
		fail(w, r, http.StatusBadRequest, "times", "times must be a number.")
	case errDelay != nil || f.Delay < 0:
		fail(w, r, http.StatusBadRequest, "delay", "delay must be a time like 7s.")
	default:
		p.Break(f)
		settle(w, r)
	}
}

func (p *Provider) mends(w http.ResponseWriter, r *http.Request) {
	p.Mend()
	settle(w, r)
}

// settle ends a request that has nothing to say.
func settle(w http.ResponseWriter, r *http.Request) {
	if wantsPage(r) {
		http.Redirect(w, r, path, http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
