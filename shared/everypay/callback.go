package everypay

import (
	"errors"
	"net/url"
)

// Event is what a callback says has happened.
type Event string

// The documented events. Unknown is every other one: anybody can send a callback, so no other text is taken over.
const (
	StatusUpdated              Event = "status_updated"
	FundsReceived              Event = "status_update" // not the one above: the money is on our account
	EventAbandoned             Event = "abandoned"
	EventVoided                Event = "voided"
	EventRefunded              Event = "refunded"
	RefundFailed               Event = "refund_failed"
	EventChargedBack           Event = "chargebacked"
	MarkedForCapture           Event = "marked_for_capture"
	IssuerReportedFraudulent   Event = "issuer_reported_fraudulent"
	MerchantReportedFraudulent Event = "merchant_reported_fraudulent"
	DisputeOpened              Event = "dispute_opened"
	DisputeUpdated             Event = "dispute_updated"
	DisputeReversed            Event = "dispute_reversed"
	DisputeChargedBack         Event = "dispute_charged_back"
	DisputeReopened            Event = "dispute_reopened"
	CardArtUpdated             Event = "card_art_updated"
	TokenUpdated               Event = "token_updated"
	NoEvent                    Event = "" // a buyer who returns brings none
	Unknown                    Event = "unknown"
)

// events are the documented events, and whether a person has to know of one: a payment's state does not tell of a dispute, or that
// a refund did not get through.
var events = map[Event]bool{
	StatusUpdated: false, FundsReceived: false, EventAbandoned: false, EventVoided: false, EventRefunded: false, EventChargedBack: false,
	MarkedForCapture: false, CardArtUpdated: false, TokenUpdated: false, NoEvent: false,
	RefundFailed: true, IssuerReportedFraudulent: true, MerchantReportedFraudulent: true,
	DisputeOpened: true, DisputeUpdated: true, DisputeReversed: true, DisputeChargedBack: true, DisputeReopened: true,
}

// Tell tells whether a person has to know of the event: a dispute, a suspicion, a refund that did not get through, or news that we
// do not know.
func (e Event) Tell() bool {
	tell, ok := events[e]
	return tell || !ok
}

// Callback is a hint that a payment should be asked about.
type Callback struct {
	Reference Reference `json:"reference"`
	Event     Event     `json:"event,omitempty"`
}

// ErrCallback answers a callback whose payment_reference is missing, repeated or not well formed.
var ErrCallback = errors.New("everypay: the callback has no well-formed payment_reference")

// ReadCallback reads a callback, or what a returning buyer brings, from a query or a form. Its order_reference is deprecated and not
// looked at; nothing else in it is believed either.
func ReadCallback(v url.Values) (Callback, error) {
	if len(v["payment_reference"]) != 1 {
		return Callback{}, ErrCallback
	}
	r, ok := ParseReference(v.Get("payment_reference"))
	if !ok {
		return Callback{}, ErrCallback
	}
	e := Event(v.Get("event_name"))
	if _, ok := events[e]; !ok {
		e = Unknown
	}
	return Callback{r, e}, nil
}
