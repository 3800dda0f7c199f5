// Package everypay is what the card provider says and is told: EveryPay's API v4, which SEB, LHV and Swedbank sell in Estonia
// (support.every-pay.com/apidoc; it is not everypay.gr). Its hosted page takes cards, wallets and the bank links of open banking.
//
// A payment is created with a Oneoff and is known by its Reference from then on. A Callback only hints that something happened to it:
// it is not signed, so it says nothing but "ask". What a Payment is, its State says, when we ask; a state that is not in our list
// means that we wait, and that a person looks. Amounts are exact decimals and never floats.
//
// Of an answer only what we keep is decoded. Details of cards (number, holder, token), and warnings, which name addresses of e-mail
// and of computers, are never read. The package opens no connection and reads no clock.
package everypay

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Reference is the provider's own name of a payment (payment_reference).
type Reference string

// text is so many characters of a set. Regular expressions that count take two milliseconds to compile, in every function that
// knows what an order is.
type text struct {
	of          string
	least, most int
}

const (
	digits  = "0123456789"
	letters = "abcdefghijklmnopqrstuvwxyz"
	capital = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// is tells whether s is such a text.
func (t text) is(s string) bool {
	return len(s) >= t.least && len(s) <= t.most && strings.Trim(s, t.of) == ""
}

var wellFormed = text{"abcdef" + digits, 16, 128}

// ParseReference reads a reference. Whoever may have written it: what is well formed can stand in an address and in a log.
func ParseReference(s string) (Reference, bool) {
	return Reference(s), wellFormed.is(s)
}

// Agreement is what we and the provider agreed on, as its parameter holds it.
type Agreement struct {
	BaseURL  string `json:"baseURL"`  // of the API: "https://pay.every-pay.eu/api/v4"
	Username string `json:"username"` // the API's user (api_username)
	Account  string `json:"account"`  // the processing account, which fixes the currency and the ways to pay: "EUR3D1"
}

// Secret is the API user's password. It does not print.
type Secret string

func (Secret) String() string { return "(secret)" }

// GoString keeps the secret out of %#v.
func (Secret) GoString() string { return "(secret)" }

// The names of the parameters that hold the agreement and the secret, under the path of a stage.
const (
	AgreementParameter = "card/agreement"
	SecretParameter    = "card/secret"
)

// ErrLocal is what a stage where real people pay is told about a provider that moves no money.
var ErrLocal = errors.New("everypay: the provider's address is not https, is this machine, or is a demo")

// Open reads the agreement and the secret from the parameters that hold them. Its errors name what is wrong and hold none of it. A
// prod stage gets ErrLocal for an address where payments cost nothing.
func Open(parameters map[string]string, prod bool) (Agreement, Secret, error) {
	var a Agreement
	if err := json.Unmarshal([]byte(parameters[AgreementParameter]), &a); err != nil {
		return Agreement{}, "", errors.New("everypay: the agreement is not JSON")
	}
	a.BaseURL = strings.TrimSuffix(a.BaseURL, "/")
	secret := Secret(parameters[SecretParameter])
	for _, part := range []struct {
		name  string
		right bool
	}{
		{"baseURL", address(a.BaseURL) && !strings.ContainsAny(a.BaseURL, "?#")},
		{"username", a.Username != "" && !strings.Contains(a.Username, ":")}, // RFC 7617
		{"account", a.Account != ""},
		{"secret", secret != ""},
	} {
		if !part.right {
			return Agreement{}, "", fmt.Errorf("everypay: the agreement's %s is missing or wrong", part.name)
		}
	}
	if prod && playful(a.BaseURL) {
		return Agreement{}, "", ErrLocal
	}
	return a, secret, nil
}

// address tells whether s is an absolute address without a user.
func address(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && u.Fragment == "" && len(s) <= 255
}

// playful tells whether nobody pays with real money at an address.
func playful(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" {
		return true
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.Contains(host, "demo") ||
		err == nil && (ip.IsLoopback() || ip.IsUnspecified())
}
