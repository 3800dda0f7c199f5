package bank

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"opiq/shared/banklink"
	"opiq/shared/money"
	"opiq/shared/reference"
)

// refusal is why the bank does not take an order: a stable word, and a sentence.
type refusal struct{ code, detail string }

func (r refusal) Error() string { return r.detail }

// patience is how far an order's time may be from ours, either way.
const patience = 5 * time.Minute

var (
	digits = regexp.MustCompile(`^[0-9]+$`)
	amount = regexp.MustCompile(`^[0-9]*(\.[0-9]{1,2})?$`)
)

// read checks an order as banks do and answers its fields. An order that a buyer is looking at does not get too old.
func (b *Bank) read(h *house, form url.Values) (map[string]string, error) {
	o, err := banklink.Check(form, h.Agreement.Version, h.shop, "1012")
	if err == banklink.ErrMAC {
		return nil, refusal{"signature", "The order is not signed with the shop's key, or was changed."}
	}
	if err != nil {
		return nil, refusal{banklink.Reason(err), "The order does not keep to the bank link’s protocol."}
	}
	sum, err := money.Parse(o["VK_AMOUNT"])
	at, errAt := time.Parse(banklink.Layout, o["VK_DATETIME"])
	_, errRef := reference.Parse(o["VK_REF"])
	b.mu.Lock()
	fresh := b.shown[o["VK_MAC"]] || at.Sub(b.now()).Abs() <= patience
	b.mu.Unlock()
	for _, rule := range []struct {
		right bool
		refusal
	}{
		{o["VK_SND_ID"] == h.Agreement.Merchant, refusal{"merchant", "VK_SND_ID is not a merchant of this bank."}},
		{digits.MatchString(o["VK_STAMP"]), refusal{"stamp", "VK_STAMP must be digits."}},
		{err == nil && sum > 0 && amount.MatchString(o["VK_AMOUNT"]), refusal{"amount", "VK_AMOUNT must be a sum like 12.50."}},
		{o["VK_CURR"] == "EUR", refusal{"currency", "VK_CURR must be EUR."}},
		{o["VK_REF"] == "" || errRef == nil && digits.MatchString(o["VK_REF"]), refusal{"reference", "VK_REF has a wrong check digit."}},
		{target(o["VK_RETURN"]) && target(o["VK_CANCEL"]), refusal{"return", "VK_RETURN and VK_CANCEL must be addresses without a query."}},
		{o["VK_ENCODING"] == "UTF-8", refusal{"encoding", "VK_ENCODING must be given, as UTF-8."}},
		{o["VK_LANG"] == "EST" || o["VK_LANG"] == "ENG" || o["VK_LANG"] == "RUS", refusal{"language", "VK_LANG must be EST, ENG or RUS."}},
		{errAt == nil && len(o["VK_DATETIME"]) == 24, refusal{"datetime", "VK_DATETIME must be like 2026-09-01T07:21:14+0300."}},
		{fresh, refusal{"stale", "The order is more than five minutes old or early. Start the payment again."}},
	} {
		if !rule.right {
			return nil, rule.refusal
		}
	}
	return o, nil
}

func target(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && !strings.ContainsAny(s, "?#")
}

// decision is what the buyer, or the program that plays one, wants.
type decision struct {
	pay    bool
	notice string // before, after, twice, never: when the bank speaks by itself
	again  bool   // pay once more with the same stamp, as no real bank lets anybody
	trick  *trick
}

func decide(form url.Values) (decision, error) {
	d := decision{notice: form.Get("notice"), again: form.Get("again") == "1"}
	switch form.Get("action") {
	case "pay":
		d.pay = true
	case "cancel":
	default:
		return d, refusal{"action", "action must be pay or cancel."}
	}
	switch d.notice {
	case "":
		d.notice = "before"
	case "before", "after", "twice", "never":
	default:
		return d, refusal{"notice", "notice must be before, after, twice or never."}
	}
	name := form.Get("tamper")
	for i := range tricks {
		if tricks[i].Name == name {
			d.trick = &tricks[i]
		}
	}
	if name != "" && d.trick == nil {
		return d, refusal{"tamper", "There is no such trick."}
	}
	return d, nil
}
