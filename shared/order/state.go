package order

import "opiq/shared/problem"

// State is what an order is.
type State string

// The states.
const (
	Placed    State = "placed"    // the price stands; not all of it was paid
	Paid      State = "paid"      // it has its license; goes back only with its money
	Cancelled State = "cancelled" // by the buyer, before it was paid
	Expired   State = "expired"   // not paid in time
	Reopened  State = "reopened"  // was paid, and the bank took money back: it is owed again, its license is on hold
	Annulled  State = "annulled"  // was paid; its license was annulled, and what had to go back goes back
)

// Event is what happened to an order.
type Event string

// The events.
const (
	WasPlaced    Event = "placed"
	WasInvoiced  Event = "invoiced"
	WasPaidPart  Event = "paid_part"
	WasPaid      Event = "paid"
	WasCancelled Event = "cancelled"
	WasReminded  Event = "reminded" // that the due date is near
	WasOverdue   Event = "overdue"  // told that it has passed
	WasExpired   Event = "expired"
	WasTakenBack Event = "taken_back" // money of it went back
	WasCredited  Event = "credited"   // a part of its price is given back, and is not owed
	WasAnnulled  Event = "annulled"
	WasChecked   Event = "checked" // it has its license and its letters
)

// moves is all that can happen to an order. A pair that is not here cannot happen. Money that an order does not take is no
// event of the order: it becomes a refund case (package payment).
var moves = map[State]map[Event]State{
	"": {WasPlaced: Placed},
	Placed: {
		WasInvoiced: Placed, WasReminded: Placed, WasOverdue: Placed, WasPaidPart: Placed, WasTakenBack: Placed,
		WasPaid: Paid, WasCancelled: Cancelled, WasExpired: Expired,
	},
	Expired:  {WasPaid: Paid, WasCancelled: Cancelled}, // the latter only where its buyer has left
	Paid:     {WasChecked: Paid, WasTakenBack: Reopened, WasCredited: Paid, WasAnnulled: Annulled},
	Reopened: {WasInvoiced: Reopened, WasPaidPart: Reopened, WasTakenBack: Reopened, WasPaid: Paid, WasAnnulled: Annulled},
	Annulled: {WasTakenBack: Annulled, WasPaidPart: Annulled},
}

// Why an order does not do what it is asked for.
var (
	ErrPaid      = problem.New(problem.Conflict, "order_paid", "The order is paid.")
	ErrCancelled = problem.New(problem.Conflict, "order_cancelled", "The order is cancelled.")
	ErrOwed      = problem.New(problem.Conflict, "order_reopened", "Money of the order went back to its payer. It can be paid, and no longer be cancelled.")
	ErrAnnulled  = problem.New(problem.Conflict, "order_annulled", "The license of this order was annulled. Place a new order.")
	ErrExpired   = problem.New(problem.Conflict, "order_expired", "The order was not paid in time. Its price no longer stands: place a new one.")
	ErrAttempts  = problem.New(problem.Conflict, "too_many_attempts", "This order was tried to be paid very often. Place a new one.")
)

// refusal is why nothing more can happen in a state.
var refusal = map[State]error{Paid: ErrPaid, Cancelled: ErrCancelled, Expired: ErrExpired, Annulled: ErrAnnulled}

// AttemptState is what a payment attempt is. That it was not heard of yet is a state of its own.
type AttemptState string

// The states of an attempt.
const (
	Started   AttemptState = "started"   // the buyer was sent to pay; nothing is known yet
	Succeeded AttemptState = "succeeded" // its money came
	Failed    AttemptState = "failed"    // the bank says that the buyer did not pay
)

// attemptMoves is all that can happen to an attempt: money may come after a failure, a failure never after money.
var attemptMoves = map[AttemptState]map[AttemptState]bool{
	Started: {Succeeded: true, Failed: true},
	Failed:  {Succeeded: true},
}
