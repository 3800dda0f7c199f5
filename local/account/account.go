// Package account is the seller's bank account on one machine: a stand-in bank that turns open invoices into a statement, so that
// the story of an invoice can be played by hand, at /_local/account. It also takes transfers that we order: the next statement shows
// them, whatever else it tells, and they can come back.
//
//	GET  /_local/account                   → {"iban", "name", "bic"}; to a browser, the invoices and what can happen to them
//	POST /_local/account/statement         case, order, key, handIn, download → {"statement": URL, "status", "result"}
//	GET  /_local/account/statements/{n}    a statement again, as XML
//	POST /_local/account/payouts           a pain.001 file → 201 {"message", "transfers", "sum"}; 409 for one that was taken before
//
// A statement is handed in over HTTP, as a bookkeeper's machine does it; with handIn=false or download=1 it is only written. Each
// call makes new money, under new numbers of the bank, but for one with a key that was used before: that is the same statement
// again. What is owed is read in the table, which no real bank can. The account begins with 1000 euros and remembers its balance
// while it runs. It is never deployed.
package account

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"opiq/local/ledger"
	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/money"
	"opiq/shared/order"
)

// path is where the account stands on the shop's own address.
const path = "/_local/account"

// Account is the account. It serves everything at /_local/account and under it, and wants the whole path.
type Account struct {
	mux   http.ServeMux
	iban  invoice.Account
	owner string
	table func(context.Context) (ledger.Ledger, error)
	hand  func(ctx context.Context, statement []byte) (status int, answer []byte, err error)
	now   func() time.Time

	mu      sync.Mutex
	balance money.Amount
	last    int64 // the bank's last number of a booking
	written []*written
	taken   map[string]bool // MsgIds of files
	ordered []*transfer
}

// written is a statement of this run.
type written struct {
	Number int
	Case   string
	Orders []order.Number
	At     time.Time
	XML    []byte
	Status int // what the shop said when it was last handed in; 0 for not at all
	Result json.RawMessage
	key    string
}

// Open opens the account that money for invoices goes to. It reads what is owed in the table, and hands statements in.
func Open(d invoice.Desk, table func(context.Context) (ledger.Ledger, error), hand func(context.Context, []byte) (int, []byte, error)) *Account {
	s := d.Seller()
	a := &Account{iban: s.Account, owner: s.Name, table: table, hand: hand, now: time.Now, balance: 1000_00, taken: map[string]bool{}}
	a.mux.HandleFunc("GET "+path, a.show)
	a.mux.HandleFunc("POST "+path+"/statement", a.serve)
	a.mux.HandleFunc("GET "+path+"/statements/{n}", a.file)
	a.mux.HandleFunc("POST "+path+"/payouts", a.order)
	return a
}

// ServeHTTP serves the account's pages.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

func (a *Account) show(w http.ResponseWriter, r *http.Request) {
	if wantsPage(r) {
		a.page(w, r)
		return
	}
	answer(w, http.StatusOK, struct {
		IBAN string `json:"iban"`
		Name string `json:"name"`
		BIC  string `json:"bic"`
	}{a.iban.IBAN, a.owner, a.iban.BIC})
}

func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	if status >= 400 {
		w.Header().Set("Content-Type", "application/problem+json")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// refusal is why there is no statement: a status, a stable word and a sentence.
type refusal struct {
	status       int
	code, detail string
}

func (r refusal) tell(w http.ResponseWriter) {
	answer(w, r.status, map[string]any{"type": "about:blank", "title": http.StatusText(r.status), "status": r.status, "code": r.code, "detail": r.detail})
}

// wish is what shall have happened at the bank.
type wish struct {
	Case   string `json:"case"`
	Order  string `json:"order"` // numbers, with commas between them; "" for every invoice, or every transfer of ours
	Key    string `json:"key"`
	HandIn *bool  `json:"handIn"` // nil is yes
}

// read reads a form, the query or JSON.
func read(w http.ResponseWriter, r *http.Request) (in wish, _ *refusal) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			return in, &refusal{http.StatusBadRequest, "not_json", "The body is not JSON as it should be: " + err.Error()}
		}
	}
	if err := r.ParseForm(); err != nil {
		return in, &refusal{http.StatusBadRequest, "form", "The body is not a form."}
	}
	in.Case = cmp.Or(in.Case, r.Form.Get("case"))
	in.Order = cmp.Or(in.Order, strings.Join(r.Form["order"], ","))
	in.Key = cmp.Or(in.Key, r.Form.Get("key"))
	if text := r.Form.Get("handIn"); text != "" {
		yes, err := strconv.ParseBool(text)
		if err != nil {
			return in, &refusal{http.StatusBadRequest, "handIn", "handIn must be true or false."}
		}
		in.HandIn = &yes
	}
	return in, nil
}

// told is where a statement is, and what the shop said about it, if it was handed in.
type told struct {
	Statement string          `json:"statement"`
	Status    int             `json:"status,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
}

// serve writes a statement and hands it in.
func (a *Account) serve(w http.ResponseWriter, r *http.Request) {
	in, no := read(w, r)
	if no != nil {
		no.tell(w)
		return
	}
	s, no := a.write(r.Context(), in)
	if no != nil {
		no.tell(w)
		return
	}
	if r.Form.Get("download") == "1" {
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="statement-%d.xml"`, s.Number))
		s.serve(w)
		return
	}
	if in.HandIn == nil || *in.HandIn {
		status, result, err := a.hand(r.Context(), s.XML)
		if err != nil {
			refusal{http.StatusBadGateway, "not_handed_in", err.Error()}.tell(w)
			return
		}
		if !json.Valid(result) {
			result, _ = json.Marshal(string(result))
		}
		a.mu.Lock()
		s.Status, s.Result = status, result
		a.mu.Unlock()
	}
	if wantsPage(r) {
		http.Redirect(w, r, path+"?written="+strconv.Itoa(s.Number), http.StatusSeeOther)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	answer(w, http.StatusOK, told{"http://" + r.Host + path + "/statements/" + strconv.Itoa(s.Number), s.Status, s.Result})
}

// write is the statement of a wish, the same one for the same key.
func (a *Account) write(ctx context.Context, in wish) (*written, *refusal) {
	i := slices.IndexFunc(stories, func(s story) bool { return s.Name == in.Case })
	if i < 0 {
		var names []string
		for _, s := range stories {
			names = append(names, s.Name)
		}
		return nil, &refusal{http.StatusBadRequest, "case", "case must be one of " + strings.Join(names, ", ") + "."}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.written {
		if in.Key != "" && s.key == in.Key {
			return s, nil
		}
	}
	bookings, orders, no := a.tell(ctx, in, stories[i])
	if no != nil {
		return nil, no
	}
	s := a.book(bookings)
	s.Case, s.key, s.Orders = in.Case, in.Key, orders
	return s, nil
}

// tell is what happens on the account in a story, with all transfers that we ordered since the last statement, and the orders that the
// story is about.
func (a *Account) tell(ctx context.Context, in wish, s story) (bookings []Booking, orders []order.Number, _ *refusal) {
	if s.Ours {
		all := a.concerned(in.Order, s.back != "")
		if len(all) == 0 {
			return nil, nil, &refusal{http.StatusConflict, "nothing", "There is no transfer of ours that this could happen to."}
		}
		bookings = a.send()
		for _, t := range all {
			if s.back != "" {
				bookings = append(bookings, t.comeBack(s.back))
			}
			if n := t.order(); n != "" && !slices.Contains(orders, n) {
				orders = append(orders, n)
			}
		}
		return bookings, orders, nil
	}
	meant, no := a.meant(ctx, in, s)
	if no != nil {
		return nil, nil, no
	}
	for _, d := range meant {
		orders = append(orders, d.Order.Number)
	}
	if len(meant) > 0 {
		bookings = s.tell(meant)
	}
	if len(bookings) == 0 {
		return nil, nil, &refusal{http.StatusConflict, "nothing", "There is no invoice that this could happen to."}
	}
	return append(bookings, a.send()...), orders, nil
}

// meant are the orders that a wish is about.
func (a *Account) meant(ctx context.Context, in wish, about story) (meant []debt, _ *refusal) {
	l, err := a.table(ctx)
	if err != nil {
		return nil, &refusal{http.StatusInternalServerError, "table", err.Error()}
	}
	open, paid := a.debts(l)
	switch {
	case in.Order == "" && about.Paid:
		return paid, nil
	case in.Order == "":
		return open, nil
	}
	for number := range strings.SplitSeq(in.Order, ",") {
		d, ok := a.debt(l, order.Number(strings.TrimSpace(number)))
		if !ok {
			return nil, &refusal{http.StatusNotFound, "unknown_order", "There is no such order."}
		}
		meant = append(meant, d)
	}
	return meant, nil
}

// book books, under the next numbers, and tells of it in a statement.
func (a *Account) book(bookings []Booking) *written {
	now := a.now()
	today := civil.DateOf(now, civil.Tallinn)
	a.last = max(a.last, now.Sub(today.Start(civil.Tallinn)).Milliseconds()) // after those of an earlier run
	for i := range bookings {
		a.last++
		bookings[i].Ref = fmt.Sprintf("%04d%02d%02d%08d-1", today.Year, today.Month, today.Day, a.last)
	}
	s := Statement{
		IBAN: a.iban.IBAN, Owner: strings.ToUpper(a.owner), Number: len(a.written) + 1, On: today, At: now, Opening: a.balance, Bookings: bookings,
	}
	a.balance = s.Closing()
	w := &written{Number: s.Number, At: now, XML: s.XML()}
	a.written = append(a.written, w)
	return w
}

func (a *Account) file(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("n"))
	a.mu.Lock()
	all := a.written
	a.mu.Unlock()
	if err != nil || n < 1 || n > len(all) {
		refusal{http.StatusNotFound, "unknown_statement", "There is no such statement."}.tell(w)
		return
	}
	all[n-1].serve(w)
}

func (s *written) serve(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(s.XML)
}
