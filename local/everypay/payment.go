package everypay

import (
	"slices"
	"strings"
	"time"

	"opiq/shared/money"
)

// payment is one payment as the provider keeps it.
type payment struct {
	Reference string
	Order     string // the shop's order_reference
	Amount    money.Amount
	Standing  money.Amount
	Return    string // the shop's customer_url
	Shown     string // what the payer's bank shows
	Number    string // the reference number of a transfer
	Email, IP string
	State     string
	Method    string
	Created   time.Time
	Paid      time.Time
	held      []func() // callbacks that wait to be overtaken
	moves     int      // how often it changed: what was to happen to an older state does not
}

// method is a way to pay.
type method struct {
	Source, Name string
}

const card = "card"

// methods are the ways to pay that the hosted page offers.
var methods = []method{{card, "Card"}, {"lhv_ob_ee", "LHV"}, {"seb_ob_ee", "SEB"}, {"swedbank_ob_ee", "Swedbank"}}

// outcome is one thing that can happen to a payment.
type outcome struct {
	Name, About string
	state       string // after it; "" leaves it
	bank        string // the same where the buyer pays from a bank, where it is another one
	event       string // as the callback names it
	from        []string
}

var (
	open    = []string{"initial", "waiting_for_3ds_response", "waiting_for_sca", "sent_for_processing", "3ds_confirmed", "under_review"}
	undone  = []string{"failed", "abandoned"}
	paid    = []string{"settled", "refunded"}
	waiting = []string{"waiting_for_3ds_response", "waiting_for_sca"}
)

// outcomes are the values of outcome. A payment that is in its state already only tells of it once more.
var outcomes = []outcome{
	{Name: "settled", About: "paid, also after it had failed", state: "settled", event: "status_updated", from: slices.Concat(open, undone, []string{"authorised"})},
	{Name: "failed", About: "declined", state: "failed", event: "status_updated", from: open},
	{Name: "abandoned", About: "the buyer walks away", state: "abandoned", event: "abandoned", from: open},
	{Name: "waiting", About: "the buyer is asked to confirm (3-D Secure)", state: "waiting_for_3ds_response", bank: "waiting_for_sca", event: "status_updated", from: open},
	{Name: "confirmed", About: "the buyer has confirmed, and no more", state: "3ds_confirmed", event: "status_updated", from: open},
	{Name: "processing", About: "the buyer has agreed, the bank has not answered", state: "sent_for_processing", event: "status_updated", from: open},
	{Name: "authorised", About: "reserved on the card", state: "authorised", event: "status_updated", from: open},
	{Name: "voided", About: "the reservation is let go", state: "voided", event: "voided", from: []string{"authorised"}},
	{Name: "unknown", About: "a state that no list has", state: "under_review", event: "something_new", from: open},
	{Name: "refunded", About: "money goes back, by hand: all of it, or an amount", state: "refunded", event: "refunded", from: paid},
	{Name: "refund_failed", About: "what went back comes back", state: "settled", event: "refund_failed", from: []string{"refunded"}},
	{Name: "disputed", About: "the card’s holder complains", event: "dispute_opened", from: paid},
	{Name: "charged_back", About: "the card’s holder takes the money back", state: "charged_back", event: "chargebacked", from: paid},
	{Name: "dispute_won", About: "the money comes back from the card’s holder", state: "settled", event: "dispute_reversed", from: []string{"charged_back"}},
}

func (o outcome) after(p *payment) string {
	switch {
	case o.state == "":
		return p.State
	case o.bank != "" && p.Method != card:
		return o.bank
	}
	return o.state
}

// possible tells whether the outcome can happen to the payment now, or has.
func (o outcome) possible(p *payment) bool {
	return slices.Contains(o.from, p.State) || o.state != "" && p.State == o.after(p) && o.Name != "refund_failed" && o.Name != "dispute_won"
}

// bank tells whether the buyer pays from a bank.
func (p *payment) bank() bool { return strings.Contains(p.Method, "_ob_") }

// become lets an outcome happen. amount is for refunds. What has happened already changes nothing.
func (p *payment) become(o outcome, amount money.Amount, now time.Time) {
	if p.State == o.after(p) && o.Name != "refunded" {
		return
	}
	p.State = o.after(p)
	p.moves++
	switch o.Name {
	case "refunded":
		p.Standing -= amount
	case "refund_failed", "dispute_won":
		p.Standing = p.Amount
	case "charged_back":
		p.Standing = 0
	case "settled", "failed", "abandoned":
		p.Paid = now
	}
}

func find[T any](all []T, is func(T) bool) (T, bool) {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i], true
	}
	var none T
	return none, false
}
