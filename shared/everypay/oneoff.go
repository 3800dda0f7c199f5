package everypay

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"opiq/shared/lang"
	"opiq/shared/money"
	"opiq/shared/reference"
)

// Oneoff is one payment that we want to be made.
type Oneoff struct {
	Order       string           // our name of the attempt: at most 100 of the provider's characters, and no dot
	Amount      money.Amount     // above zero
	Return      string           // where the buyer comes back to; a host with a dot in its name, and no number (the provider refuses others)
	Language    lang.Code        // of the hosted page
	Email       string           // the buyer's; may be empty
	IP          string           // the buyer's; left out where it is not an IPv4 address, the only kind that is documented
	Description string           // what the payer of an open-banking payment sees: at most 65 of the provider's characters
	Reference   reference.Number // what a transfer by open banking carries
}

// What a request is refused with that the provider would refuse; the text behind it names the field.
var (
	ErrOneoff = errors.New("everypay: not a payment that the provider takes")
	ErrRefund = errors.New("everypay: not a refund that the provider takes")
)

// The characters are SEPA's. The dot is ours: it comes before the tail of an order_reference.
var (
	order       = text{letters + capital + digits + "/?:(),'+-", 1, 100}
	description = text{letters + capital + digits + "/?:().,'+ -", 0, 65}
	nonce       = text{letters + capital + digits + "_-", 16, 64}
)

// locales are the hosted page's languages. It has no Kazakh; English serves there.
var locales = map[lang.Code]string{lang.Estonian: "et", lang.English: "en", lang.Russian: "ru", lang.Kazakh: "en"}

// tail is how much of the nonce makes an order_reference the only one of its kind.
const tail = 8

// Body is the request (POST /payments/oneoff). The nonce, 16 to 64 letters and digits that nobody can guess, is used once; the time
// is now, to five minutes.
//
// A shop's order_reference can be used once, at least once it is paid, and no call finds a payment by it. So each request gets one
// of its own: the attempt's name, a dot, and the beginning of the nonce. Where an answer was lost, the payment can then be made
// again under any setting of the shop; the first one stays without a payer, because its link was in the answer that nobody got.
func (o Oneoff) Body(a Agreement, once string, now time.Time) ([]byte, error) {
	for _, field := range []struct {
		name  string
		right bool
	}{
		{"order", order.is(o.Order)},
		{"amount", o.Amount > 0},
		{"return address", address(o.Return)},
		{"language", locales[o.Language] != ""},
		{"e-mail address", len(o.Email) <= 255},
		{"description", description.is(o.Description)},
		{"reference", o.Reference == "" || checked(o.Reference)},
		{"nonce", nonce.is(once)},
		{"time", !now.IsZero()},
	} {
		if !field.right {
			return nil, fmt.Errorf("%w: %s", ErrOneoff, field.name)
		}
	}
	ip, err := netip.ParseAddr(o.IP)
	if err != nil || !ip.Is4() {
		o.IP = ""
	}
	return json.Marshal(oneoff{
		call:    call{a.Username, once, now.UTC().Format(time.RFC3339)},
		Account: a.Account, Amount: decimal(o.Amount), Order: o.Order + "." + once[:tail], Return: o.Return, Locale: locales[o.Language],
		Email: o.Email, IP: o.IP, Country: "EE", Description: o.Description, Reference: string(o.Reference),
		Integration: integration{"custom", "opiq", "1"},
	})
}

func checked(n reference.Number) bool {
	_, err := reference.Parse(string(n))
	return err == nil
}

// call is what stands in the body of every request.
type call struct {
	Username  string `json:"api_username"`
	Nonce     string `json:"nonce"`
	Timestamp string `json:"timestamp"`
}

type oneoff struct {
	call
	Account     string      `json:"account_name"`
	Amount      decimal     `json:"amount"`
	Order       string      `json:"order_reference"`
	Return      string      `json:"customer_url"`
	Locale      string      `json:"locale"`
	Email       string      `json:"email,omitempty"`
	IP          string      `json:"customer_ip,omitempty"`
	Country     string      `json:"preferred_country"`
	Description string      `json:"payment_description,omitempty"`
	Reference   string      `json:"structured_reference,omitempty"`
	Integration integration `json:"integration_details"`
}

// integration is how the provider tells its integrations apart.
type integration struct {
	Integration string `json:"integration"`
	Software    string `json:"software"`
	Version     string `json:"version"`
}

// Refund is money of a payment that is to go back.
type Refund struct {
	Payment  Reference
	Amount   money.Amount // above zero, and no more than stands
	Standing money.Amount // what of the payment must still stand, by our books, before this refund
	Nonce    string       // this refund's own, kept with it: however often it is asked for, the provider hears one refund
}

// Body is the request (POST /payments/refund).
func (r Refund) Body(a Agreement, now time.Time) ([]byte, error) {
	_, known := ParseReference(string(r.Payment))
	for _, field := range []struct {
		name  string
		right bool
	}{
		{"payment", known},
		{"amount", r.Amount > 0 && r.Amount <= r.Standing},
		{"nonce", nonce.is(r.Nonce)},
		{"time", !now.IsZero()},
	} {
		if !field.right {
			return nil, fmt.Errorf("%w: %s", ErrRefund, field.name)
		}
	}
	return json.Marshal(refund{call{a.Username, r.Nonce, now.UTC().Format(time.RFC3339)}, r.Payment, decimal(r.Amount)})
}

type refund struct {
	call
	Payment Reference `json:"payment_reference"`
	Amount  decimal   `json:"amount"`
}
