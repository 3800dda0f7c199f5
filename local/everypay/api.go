package everypay

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"opiq/shared/money"
	"opiq/shared/reference"
)

// refusal is why the API does not do what it was asked for. Its codes are a guess: the provider's list is not public.
type refusal struct {
	Status  int    `json:"-"`
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (r refusal) body() any { return map[string]refusal{"error": r} }

func wrong(field string) refusal {
	return refusal{http.StatusUnprocessableEntity, 4002, field + " is missing or invalid"}
}

var (
	errPassword  = refusal{http.StatusUnauthorized, 4001, "Unauthorized"}
	errUsername  = refusal{http.StatusForbidden, 4003, "api_username is not the one of the authorization"}
	errTimestamp = refusal{http.StatusUnprocessableEntity, 4004, "timestamp is more than five minutes away"}
	errNonce     = refusal{http.StatusUnprocessableEntity, 4005, "nonce was used before"}
	errJSON      = refusal{http.StatusBadRequest, 4006, "the body is not JSON"}
	errPayment   = refusal{http.StatusNotFound, 4041, "Payment not found"}
	errReference = refusal{http.StatusUnprocessableEntity, 4024, "order_reference is not unique"}
	errState     = refusal{http.StatusUnprocessableEntity, 4009, "Payment cannot be refunded in its state"}
	errStanding  = refusal{http.StatusUnprocessableEntity, 4010, "amount is more than the standing amount"}
)

// skew is how far a request's time may be from ours, either way.
const skew = 5 * time.Minute

// What a payment by card carries at the provider and must not be found anywhere in the shop, and what no warning of the provider's
// should bring there.
const (
	CardHolder = "MARI KAARDIOMANIK"
	CardToken  = "5f0c1a7e9b3d2468ace02468"
	Warning    = "has been used in transaction attempts more than maximum allowed"
)

// The buyer pays from the same account always, to the same one of ours.
const (
	debtor   = "EE471000001020145685"
	creditor = "EE597700771234567897"
)

// api answers a call, if the caller is the shop: as it should, or as the next fault has it.
func (p *Provider) api(do func(*http.Request, []byte) (int, any, *payment)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != username || subtle.ConstantTimeCompare([]byte(password), []byte(secret)) == 0 {
			answer(w, errPassword.Status, errPassword.body())
			return
		}
		call := calls[1]
		if r.Method == http.MethodPost {
			call = map[bool]string{true: "refund", false: "create"}[strings.HasSuffix(r.URL.Path, "/refund")]
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
		if err != nil {
			return
		}
		f, broken := p.fault(call, p.meant(r, body))
		if broken.before != nil {
			broken.before(w)
			return
		}
		status, out, made := do(r, body)
		switch {
		case broken.after != nil:
			broken.after(w)
			return
		case f.Kind == "early" && made != nil:
			p.early(made, f.Outcome)
			p.pause(r, quick) // until the shop has asked
			out = p.written(made)
		case f.Kind == "slow":
			p.pause(r, f.Delay)
		}
		answer(w, status, out)
	}
}

// quick is a time in which the shop can act on what it hears.
const quick = 300 * time.Millisecond

// pause waits, for as long as the caller does.
func (p *Provider) pause(r *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-r.Context().Done():
	case <-p.life.Done():
	}
}

// meant is the order_reference that a call is about, "" where it does not say.
func (p *Provider) meant(r *http.Request, body []byte) string {
	var in sent
	_ = json.Unmarshal(body, &in) // what is no JSON is refused later
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.payments[cmp.Or(r.PathValue("reference"), in.Payment)]; known != nil {
		return known.Order
	}
	return in.Order
}

// early lets something happen, and tells of it, before the shop knows what it made.
func (p *Provider) early(made *payment, name string) {
	if o, ok := find(outcomes, func(o outcome) bool { return o.Name == name }); ok {
		p.happen(made, o, made.Amount, habits[0])
		return
	}
	p.tell(callback{payment: made, event: "status_updated"}, habits[0])
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

// sent is the body of a request, as far as it is looked at.
type sent struct {
	Username    string      `json:"api_username"`
	Nonce       string      `json:"nonce"`
	Timestamp   string      `json:"timestamp"`
	Account     string      `json:"account_name"`
	Amount      json.Number `json:"amount"`
	Order       string      `json:"order_reference"`
	Return      string      `json:"customer_url"`
	Locale      string      `json:"locale"`
	Email       string      `json:"email"`
	IP          string      `json:"customer_ip"`
	Country     string      `json:"preferred_country"`
	Description string      `json:"payment_description"`
	Reference   string      `json:"structured_reference"`
	Payment     string      `json:"payment_reference"`
}

// read checks what every request has to have. A nonce is used up by it, whatever comes of the request.
func (p *Provider) read(r *http.Request, body []byte) (in sent, amount money.Amount, no *refusal) {
	refuse := func(why refusal) (sent, money.Amount, *refusal) { return sent{}, 0, &why }
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" || json.Unmarshal(body, &in) != nil {
		return refuse(errJSON)
	}
	at, err := time.Parse(time.RFC3339, in.Timestamp)
	switch {
	case in.Username != username:
		return refuse(errUsername)
	case err != nil || at.Sub(p.now()).Abs() > skew:
		return refuse(errTimestamp)
	case in.Nonce == "":
		return refuse(wrong("nonce"))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.nonces[in.Nonce] {
		return refuse(errNonce)
	}
	p.nonces[in.Nonce] = true
	if amount, err = money.Parse(in.Amount.String()); err != nil || amount <= 0 {
		return refuse(wrong("amount"))
	}
	return in, amount, nil
}

var (
	orders       = regexp.MustCompile(`^[a-zA-Z0-9/?:().,'+-]{1,120}$`) // 255 where nobody pays from a bank
	descriptions = regexp.MustCompile(`^[a-zA-Z0-9/?:().,'+ -]{0,65}$`)
	locales      = []string{"cz", "da", "de", "en", "es", "et", "fi", "fr", "hu", "it", "lt", "lv", "nl", "no", "pl", "pt", "ru", "sk", "sv", "uk"}
	countries    = []string{"EE", "LV", "LT"}
)

// create is POST /payments/oneoff.
func (p *Provider) create(r *http.Request, body []byte) (int, any, *payment) {
	in, amount, no := p.read(r, body)
	if no != nil {
		return no.Status, no.body(), nil
	}
	_, errIP := netip.ParseAddr(in.IP)
	_, errNumber := reference.Parse(in.Reference)
	for _, field := range []struct {
		name  string
		right bool
	}{
		{"account_name", in.Account == account},
		{"order_reference", orders.MatchString(in.Order)},
		{"customer_url", p.returns(in.Return)},
		{"locale", in.Locale == "" || slices.Contains(locales, in.Locale)},
		{"email", in.Email == "" || strings.Contains(in.Email, "@") && len(in.Email) <= 255},
		{"customer_ip", in.IP == "" || errIP == nil},
		{"preferred_country", in.Country == "" || slices.Contains(countries, in.Country)},
		{"payment_description", descriptions.MatchString(in.Description)},
		{"structured_reference", in.Reference == "" || errNumber == nil},
	} {
		if !field.right {
			no := wrong(field.name)
			return no.Status, no.body(), nil
		}
	}
	made := &payment{
		Reference: fresh(), Order: in.Order, Amount: amount, Standing: amount, Return: in.Return, Shown: in.Description, Number: in.Reference,
		Email: in.Email, IP: in.IP, State: "initial", Created: p.now(),
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, other := range p.listed {
		if other.Order == made.Order && (!p.options.Reuse || slices.Contains(paid, other.State)) {
			return errReference.Status, errReference.body(), nil
		}
	}
	p.payments[made.Reference] = made
	p.listed = append(p.listed, made)
	return http.StatusCreated, p.write(made), made
}

// fresh is a reference that nobody can guess.
func fresh() string {
	b := make([]byte, 32)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// returns tells whether a buyer may return to an address: one with a dot in its host's name that is no number, as the provider wants
// it, or below the shop's own.
func (p *Provider) returns(to string) bool {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return false
	}
	_, number := netip.ParseAddr(u.Hostname())
	own, err := url.Parse(p.options.PublicURL)
	return strings.Contains(u.Hostname(), ".") && number != nil || err == nil && u.Scheme == own.Scheme && u.Host == own.Host
}

// show is GET /payments/{reference}.
func (p *Provider) show(r *http.Request, _ []byte) (int, any, *payment) {
	if r.URL.Query().Get("api_username") != username {
		return errUsername.Status, errUsername.body(), nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.payments[r.PathValue("reference")]
	if known == nil {
		return errPayment.Status, errPayment.body(), nil
	}
	return http.StatusOK, p.write(known), nil
}

// refund is POST /payments/refund. Of a payment from a bank it is only noted here, as for all merchants but LHV's.
func (p *Provider) refund(r *http.Request, body []byte) (int, any, *payment) {
	in, amount, no := p.read(r, body)
	if no != nil {
		return no.Status, no.body(), nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.payments[in.Payment]
	switch {
	case known == nil:
		no = &errPayment
	case !slices.Contains(paid, known.State):
		no = &errState
	case amount > known.Standing:
		no = &errStanding
	default:
		back, _ := find(outcomes, func(o outcome) bool { return o.Name == "refunded" })
		known.become(back, amount, p.now())
		return http.StatusCreated, p.write(known), nil
	}
	return no.Status, no.body(), nil
}

// written is write for who does not hold the lock.
func (p *Provider) written(of *payment) any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.write(of)
}

// write is a payment in the API's words, with all that the provider tells and the shop does not want to know.
func (p *Provider) write(of *payment) any {
	out := map[string]any{
		"account_name": account, "api_username": username, "order_reference": of.Order, "email": of.Email, "customer_ip": of.IP,
		"customer_url": of.Return, "payment_created_at": of.Created.UTC().Format("2006-01-02T15:04:05.000Z"),
		"initial_amount": json.Number(of.Amount.String()), "standing_amount": json.Number(of.Standing.String()), "currency": "EUR",
		"payment_reference": of.Reference, "payment_link": p.options.PublicURL + path + of.Reference, "payment_state": of.State,
		"payment_method": nil, "stan": 665795, "fraud_score": 0, "transaction_time": nil,
		"warnings": map[string][]string{"transaction_attempts_email_usage_frequency": {fmt.Sprintf("Email (%s) %s: '5'.", of.Email, Warning)}},
	}
	var ways []map[string]string
	for _, m := range methods {
		ways = append(ways, map[string]string{"source": m.Source, "display_name": m.Name, "payment_link": p.options.PublicURL + path + of.Reference + "?method=" + m.Source})
	}
	out["payment_methods"] = ways
	if !of.Paid.IsZero() {
		out["transaction_time"] = of.Paid.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	if of.Method != "" {
		out["payment_method"] = of.Method
	}
	switch {
	case of.Method == "":
	case of.bank():
		out["ob_details"] = map[string]any{
			"debtor_iban": debtor, "creditor_iban": creditor, "ob_payment_reference": of.Reference[:8] + "-" + of.Reference[8:12],
			"ob_payment_state": map[bool]string{true: "ACSC", false: "RCVD"}[slices.Contains(paid, of.State)],
		}
		out["creditor_iban"] = creditor
	default:
		out["cc_details"] = map[string]any{
			"token": CardToken, "bin": "516883", "last_four_digits": "3438", "month": "10", "year": "2029", "holder_name": CardHolder,
			"type": "master_card", "issuer_country": "EE", "issuer": "AS LHV Pank", "state_3ds": "3ds", "authorisation_code": "123456",
		}
	}
	if of.State == "failed" {
		out["processing_error"] = map[string]any{"code": 4028, "message": "3DS failure of " + CardHolder}
	}
	return out
}
