package banklink

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"opiq/shared/lang"
	"opiq/shared/money"
	"opiq/shared/reference"
)

// Payment is what a buyer is sent to the bank with.
type Payment struct {
	Stamp     string       // ours for this attempt: at most 20 digits, never used before at this bank
	Amount    money.Amount // above zero
	Reference string       // an Estonian reference number
	Message   string       // for the statements of both sides; see Form for what becomes of it
	Return    string       // where the bank sends the browser back and its own notice: an address without a query
	Language  lang.Code
	At        time.Time // banks refuse an order that is more than five minutes old or early
}

// Form is what a browser sends: a form of hidden fields.
type Form struct {
	Action string            `json:"action"`
	Method string            `json:"method"`
	Fields map[string]string `json:"fields"`
}

// ErrPayment is what Form refuses a payment with that no bank would take; the text behind it names the field.
var ErrPayment = errors.New("banklink: not a payment that a bank takes")

// Layout is how the protocol writes an instant: an offset without a colon, 24 characters.
const Layout = "2006-01-02T15:04:05-0700"

// languages are the protocol's names of the languages. The banks have no Kazakh; their English serves there.
var languages = map[lang.Code]string{lang.Estonian: "EST", lang.English: "ENG", lang.Russian: "RUS", lang.Kazakh: "ENG"}

// Form is the signed order (service 1012) to pay to the account of the agreement, in UTF-8. The message is cut to 95
// characters and to those that every bank's system keeps: printable Latin-1, the rest as its plain letter or "?".
func (l *Link) Form(key *rsa.PrivateKey, p Payment) (Form, error) {
	number, err := reference.Parse(p.Reference)
	switch {
	case p.Stamp == "" || len(p.Stamp) > 20 || strings.Trim(p.Stamp, "0123456789") != "":
		return Form{}, fmt.Errorf("%w: stamp", ErrPayment)
	case p.Amount <= 0 || len(p.Amount.String()) > 12:
		return Form{}, fmt.Errorf("%w: amount", ErrPayment)
	case err != nil:
		return Form{}, fmt.Errorf("%w: reference", ErrPayment)
	case !address(p.Return):
		return Form{}, fmt.Errorf("%w: return address", ErrPayment)
	case languages[p.Language] == "":
		return Form{}, fmt.Errorf("%w: language", ErrPayment)
	case p.At.IsZero():
		return Form{}, fmt.Errorf("%w: time", ErrPayment)
	}
	fields := map[string]string{
		"VK_SERVICE":  "1012",
		"VK_VERSION":  l.agreement.Version,
		"VK_SND_ID":   l.agreement.Merchant,
		"VK_STAMP":    p.Stamp,
		"VK_AMOUNT":   p.Amount.String(),
		"VK_CURR":     "EUR",
		"VK_REF":      string(number),
		"VK_MSG":      plain(p.Message, 95),
		"VK_RETURN":   p.Return,
		"VK_CANCEL":   p.Return,
		"VK_DATETIME": p.At.Format(Layout),
		"VK_ENCODING": "UTF-8", // Coop signs in a way of its own where this is missing
		"VK_LANG":     languages[p.Language],
	}
	if err := Sign(key, fields); err != nil {
		return Form{}, err
	}
	return Form{Action: l.agreement.URL, Method: "POST", Fields: fields}, nil
}

// folded are the characters outside Latin-1 that our own texts use.
var folded = strings.NewReplacer("Š", "S", "š", "s", "Ž", "Z", "ž", "z", "–", "-", "—", "-", "„", `"`, "“", `"`, "”", `"`, "’", "'", "€", "EUR")

// plain is a text of at most n characters in printable Latin-1, on one line, without spaces at its ends.
func plain(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case r > 0xFF || r == 0xAD: // the soft hyphen is invisible
			return '?'
		}
		return r
	}, folded.Replace(s))
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		s = strings.TrimSpace(string(r[:n]))
	}
	return s
}
