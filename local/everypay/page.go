package everypay

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"opiq/local/frame"
	"opiq/shared/money"
)

//go:embed pages/*.html
var files embed.FS

func parse(name string) *template.Template {
	return frame.Parse(files, "card provider", "common", name)
}

var payPage, waitPage, donePage, failPage, listPage = parse("pay"), parse("wait"), parse("done"), parse("fail"), parse("list")

// view is what the pages show; each uses a part of it.
type view struct {
	Payment  payment
	Payments []payment
	Methods  []method
	Bank     bool
	Back     string // where the buyer returns to…
	Carries  url.Values
	Outcomes []outcome // that can happen now
	Habits   []habit
	Kinds    []kind
	Calls    []string
	Faults   []Fault
	Code     string
	Detail   string
}

// fail tells why not, to a person or to a program.
func fail(w http.ResponseWriter, r *http.Request, status int, code, detail string) {
	if wantsPage(r) {
		frame.Show(w, status, failPage, "", view{Code: code, Detail: detail})
		return
	}
	body := map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail}
	answer(w, status, body)
}

// form reads a form, from the query and the body.
func form(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if r.ParseForm() != nil {
		fail(w, r, http.StatusBadRequest, "form", "The body is not a form.")
		return false
	}
	return true
}

// look is a payment as it is now, and what can happen to it.
func (p *Provider) look(ref string) (view, *payment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.payments[ref]
	if known == nil {
		return view{}, nil
	}
	v := view{Payment: *known, Methods: methods, Habits: habits, Bank: known.bank()}
	for _, o := range outcomes {
		if o.possible(known) && (known.State != o.after(known) || o.Name == "refunded" || o.Name == "disputed") {
			v.Outcomes = append(v.Outcomes, o)
		}
	}
	v.Back, v.Carries = back(known)
	return v, known
}

// back is where a buyer returns to, without its query, and the query with what the provider adds to it.
func back(of *payment) (string, url.Values) {
	to, query, _ := strings.Cut(of.Return, "?")
	values, _ := url.ParseQuery(query)
	values.Set("payment_reference", of.Reference)
	values.Set("order_reference", of.Order)
	return to, values
}

// page is the hosted page: it lets the buyer choose, waits for them to confirm, or lets them return.
func (p *Provider) page(w http.ResponseWriter, r *http.Request) {
	v, known := p.look(r.PathValue("reference"))
	if known == nil {
		fail(w, r, http.StatusNotFound, "unknown_payment", "There is no such payment.")
		return
	}
	if !wantsPage(r) {
		answer(w, http.StatusOK, p.told(v))
		return
	}
	t := donePage
	switch {
	case v.Payment.State == "initial":
		t = payPage
	case slices.Contains(waiting, v.Payment.State):
		t = waitPage
	}
	frame.Show(w, http.StatusOK, t, v.Back, v)
}

// told is what a program hears of a payment.
func (p *Provider) told(v view) any {
	return map[string]string{
		"state": v.Payment.State, "payment_reference": v.Payment.Reference, "order_reference": v.Payment.Order, "amount": v.Payment.Amount.String(),
		"standing": v.Payment.Standing.String(), "method": v.Payment.Method, "return": v.Back + "?" + v.Carries.Encode(),
	}
}

// decide lets something happen to a payment, as the buyer, their bank or a program wants it.
func (p *Provider) decide(w http.ResponseWriter, r *http.Request) {
	if !form(w, r) {
		return
	}
	ref := r.PathValue("reference")
	_, known := p.look(ref)
	if known == nil {
		fail(w, r, http.StatusNotFound, "unknown_payment", "There is no such payment.")
		return
	}
	value := r.Form.Get
	o, ok := find(outcomes, func(o outcome) bool { return o.Name == value("outcome") })
	how, told := find(habits, func(h habit) bool { return h.Name == value("callback") })
	if value("callback") == "" {
		how, told = habits[0], true
	}
	then, after := find(outcomes, func(o outcome) bool { return o.Name == value("then") })
	_, way := find(methods, func(m method) bool { return m.Source == value("method") })
	amount, errAmount := money.Parse(value("amount"))
	switch {
	case !ok:
		fail(w, r, http.StatusBadRequest, "outcome", "There is no such outcome.")
		return
	case !told:
		fail(w, r, http.StatusBadRequest, "callback", "There is no such way to tell.")
		return
	case !after && value("then") != "":
		fail(w, r, http.StatusBadRequest, "then", "There is no such outcome.")
		return
	case !way && value("method") != "":
		fail(w, r, http.StatusBadRequest, "method", "There is no such way to pay.")
		return
	case errAmount != nil && value("amount") != "" || value("amount") != "" && amount == 0:
		fail(w, r, http.StatusBadRequest, "amount", "amount must be a sum like 12.50.")
		return
	}
	p.choose(known, value("method"))
	if !p.happen(known, o, amount, how) {
		fail(w, r, http.StatusConflict, "not_possible", "That cannot happen to the payment as it is now.")
		return
	}
	if after {
		p.later(p.fast(slots[1]), func() { p.happen(known, then, 0, habits[0]) })
	}
	v, _ := p.look(ref)
	if wantsPage(r) {
		http.Redirect(w, r, path+ref, http.StatusSeeOther)
		return
	}
	answer(w, http.StatusOK, map[string]string{"state": v.Payment.State})
}

// choose is the buyer choosing how to pay: by card where nothing is said. Who has begun to pay keeps to it.
func (p *Provider) choose(of *payment, source string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if of.State != "initial" {
		return
	}
	if of.Method = source; source == "" {
		of.Method = card
	}
}

// happen lets an outcome happen, and tells the shop. amount is for refunds; zero is all that stands. A buyer who is asked to confirm
// and does not has walked away in the end.
func (p *Provider) happen(to *payment, o outcome, amount money.Amount, how habit) bool {
	p.mu.Lock()
	if amount == 0 {
		amount = to.Standing
	}
	ok := o.possible(to) && (o.Name != "refunded" || amount > 0 && amount <= to.Standing)
	if ok {
		if to.Method == "" {
			to.Method = card
		}
		to.become(o, amount, p.now())
	}
	move, waits := to.moves, slices.Contains(waiting, to.State)
	p.mu.Unlock()
	if !ok {
		return false
	}
	if waits {
		p.later(p.options.Patience, func() { p.abandon(to, move) })
	}
	p.tell(callback{payment: to, event: o.event}, how)
	return true
}

// abandon ends a payment that has not moved since.
func (p *Provider) abandon(of *payment, move int) {
	p.mu.Lock()
	same := of.moves == move
	p.mu.Unlock()
	if same {
		away, _ := find(outcomes, func(o outcome) bool { return o.Name == "abandoned" })
		p.happen(of, away, 0, habits[0])
	}
}

// about shows what there is and what can be asked for.
func (p *Provider) about(w http.ResponseWriter, r *http.Request) {
	v := view{Habits: habits, Kinds: kinds, Calls: calls, Methods: methods, Outcomes: outcomes}
	p.mu.Lock()
	for _, one := range slices.Backward(p.listed) {
		if order := r.URL.Query().Get("order"); order == "" || strings.HasPrefix(one.Order, order) {
			v.Payments = append(v.Payments, *one)
		}
	}
	v.Faults = slices.Clone(p.faults)
	p.mu.Unlock()
	if wantsPage(r) {
		v.Payments = v.Payments[:min(len(v.Payments), 50)]
		frame.Show(w, http.StatusOK, listPage, "", v)
		return
	}
	all := []any{}
	for _, one := range v.Payments {
		one.held = nil
		v, _ := p.look(one.Reference)
		all = append(all, p.told(v))
	}
	answer(w, http.StatusOK, map[string]any{"payments": all})
}
