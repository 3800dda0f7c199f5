package everypay

// State is where a payment is, in the provider's word.
type State string

// The documented states. Where two spellings are about, this is the documentation's newer one.
const (
	Initial           State = "initial"                  // made; the buyer has not chosen how to pay
	Waiting3DS        State = "waiting_for_3ds_response" // the buyer proves to the card's bank who they are; fifteen minutes
	WaitingSCA        State = "waiting_for_sca"          // the same at a bank
	Confirmed3DS      State = "3ds_confirmed"            // proved, but not processed any further yet
	SentForProcessing State = "sent_for_processing"      // the buyer agreed, the bank has not answered yet
	Authorised        State = "authorised"               // reserved on the card, to be captured by hand; our account captures by itself
	StateSettled      State = "settled"                  // paid
	StateFailed       State = "failed"                   // declined, or broken
	Abandoned         State = "abandoned"                // the buyer walked away
	StateVoided       State = "voided"                   // a reservation was let go
	StateRefunded     State = "refunded"                 // all or a part went back: the standing amount says how much is left
	StateChargedBack  State = "charged_back"             // the card's holder took the money back
)

// Meaning is what a state means for an attempt to pay. "We do not know yet" is one of them.
type Meaning string

// The meanings. The last three undo what may have been settled before.
const (
	Pending     Meaning = "pending"
	Settled     Meaning = "settled"
	Failed      Meaning = "failed"
	Voided      Meaning = "voided"
	Refunded    Meaning = "refunded"
	ChargedBack Meaning = "charged_back"
)

// meanings are the documented states, in every spelling that the provider or its clients use. Authorised is no success: money that
// is only reserved can be let go.
var meanings = map[State]Meaning{
	Initial:               Pending,
	Waiting3DS:            Pending,
	"waiting_for_3ds":     Pending,
	WaitingSCA:            Pending,
	Confirmed3DS:          Pending,
	"confirmed_3ds":       Pending,
	SentForProcessing:     Pending,
	Authorised:            Pending,
	"authorized":          Pending,
	StateSettled:          Settled,
	StateFailed:           Failed,
	Abandoned:             Failed,
	StateVoided:           Voided,
	StateRefunded:         Refunded,
	StateChargedBack:      ChargedBack,
	State("chargebacked"): ChargedBack,
}

// Meaning is what the state means. One that we do not know means that we wait: it never pays an order and never fails an attempt.
func (s State) Meaning() Meaning {
	if m, ok := meanings[s]; ok {
		return m
	}
	return Pending
}

// Known tells whether the state is in the list. One that is not is for a person to look at.
func (s State) Known() bool {
	_, ok := meanings[s]
	return ok
}
