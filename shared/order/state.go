package order

import "opiq/shared/problem"

// State is what an order is.
type State string

// The states.
const (
	Placed    State = "placed"    // the price stands; nobody has paid
	Paid      State = "paid"      // it has its license; never goes back
	Cancelled State = "cancelled" // by the buyer, before it was paid
)

// Event is what happened to an order.
type Event string

// The events.
const (
	WasPlaced    Event = "placed"
	WasPaid      Event = "paid"
	WasCancelled Event = "cancelled"
)

// moves is all that can happen to an order. A pair that is not here cannot happen. Money for an order that is not
// placed is no event of the order: it becomes a refund case (package payment).
var moves = map[State]map[Event]State{
	"":     {WasPlaced: Placed},
	Placed: {WasPaid: Paid, WasCancelled: Cancelled},
}

// Why an order does not do what it is asked for.
var (
	ErrPaid      = problem.New(problem.Conflict, "order_paid", "The order is paid.")
	ErrCancelled = problem.New(problem.Conflict, "order_cancelled", "The order is cancelled.")
	ErrExpired   = problem.New(problem.Conflict, "order_expired", "The order was not paid in time. Its price no longer stands: place a new one.")
	ErrAttempts  = problem.New(problem.Conflict, "too_many_attempts", "This order was tried to be paid very often. Place a new one.")
)

// refusal is why nothing more can happen in a state.
var refusal = map[State]error{Paid: ErrPaid, Cancelled: ErrCancelled}

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
