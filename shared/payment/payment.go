// Package payment decides what money does: it pays its order and grants the license, or becomes a refund case.
//
// What it decides is a function of what the bank said and what the table holds about the order; it is one Change, which the table
// stores whole or not at all. Money is booked under its own identity, so the same notice twice is known, and the same money
// told of by a bank link and shown by a statement is one payment. Of every payment, what the order has not taken waits to be
// given back: never a second license, and never a cent lost (R-067…R-071).
package payment

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"opiq/shared/account"
	"opiq/shared/banklink"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/everypay"
	"opiq/shared/invoice"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payout"
	"opiq/shared/problem"
)

// Message is what the queue of payments carries: what one provider said.
type Message struct {
	Banklink *banklink.Notice `json:"banklink,omitempty"`
}

// ID is a payment's own identity: provider, attempt and the provider's number of the transfer; or the bank entry that shows it
// and how often that entry was decided on.
type ID string

// Payment is money that came for an order. Revision counts its stored changes.
type Payment struct {
	ID      ID              `json:"id"`
	Order   order.Number    `json:"order"`
	Buyer   account.ID      `json:"buyer"`
	Attempt order.AttemptID `json:"attempt,omitempty"`
	Method  order.Method    `json:"method"`
	Bank    banklink.Bank   `json:"bank,omitempty"`

	Reference everypay.Reference `json:"reference,omitempty"` // the card provider's name of the payment
	Offset    RefundID           `json:"offset,omitempty"`    // what of another order it was to go back as

	Number     string       `json:"number"` // the bank's own number of the transfer
	Amount     money.Amount `json:"amount"`
	Taken      money.Amount `json:"taken"`     // what the order has taken of it,
	Back       money.Amount `json:"back"`      // and what was given back, or is to be; the rest is its case
	To         string       `json:"to"`        // our account
	Payer      string       `json:"payer"`     // the account that it came from: for a refund, and proof
	PayerName  string       `json:"payerName"` // as the bank wrote it
	PaidAt     string       `json:"paidAt"`    // as the bank wrote it
	BookedAt   time.Time    `json:"bookedAt"`
	Entry      string       `json:"entry,omitempty"`  // the bank entry that shows it, once a statement did
	Notice     ID           `json:"notice,omitempty"` // what the bank link called the same money, where the statement was first
	ReturnedAt time.Time    `json:"returnedAt,omitzero"`
	Corrected  bool         `json:"corrected,omitempty"` // it returned because it never was this order's
	Revision   int          `json:"revision"`
}

// Reason is why money has to go back.
type Reason string

// The reasons.
const (
	Duplicate Reason = "duplicate" // the order was paid before
	Cancelled Reason = "cancelled" // the order was given up
	Overpaid  Reason = "overpaid"  // more came than was left to pay
	Expired   Reason = "expired"   // a part had come when the order expired
	Late      Reason = "late"      // it came after the order had expired, and the price had changed or it was not enough
	Annulled  Reason = "annulled"  // the order's license was annulled
	Returned  Reason = "returned"  // it was given back and did not arrive: it is still to be given back
	Charged   Reason = "charged_back"
)

// reasons are why an order in a state does not take all of the money that comes.
var reasons = map[order.State]Reason{
	order.Placed: Overpaid, order.Reopened: Overpaid, order.Paid: Duplicate, order.Cancelled: Cancelled, order.Expired: Late,
	order.Annulled: Annulled,
}

// CaseState is how far a case is.
type CaseState string

// The states.
const (
	Open  CaseState = "open"
	Void  CaseState = "void"  // the bank, or the card's holder, took the money back before we gave it back
	Given CaseState = "given" // given back by a refund, or to be by one that is on its way
)

// Case is money that waits to be given back: what the order has not taken of a payment. Revision counts its stored changes.
type Case struct {
	Payment  ID           `json:"payment"`
	Order    order.Number `json:"order"`
	Amount   money.Amount `json:"amount"`
	Reason   Reason       `json:"reason"`
	State    CaseState    `json:"state"`
	OpenedAt time.Time    `json:"openedAt"`
	Revision int          `json:"revision"`
}

// Book is all that the table holds about an order. The license is there for those who ask for it (see table).
type Book struct {
	Order    order.Order
	Attempts []order.Attempt
	Payments []Payment
	Cases    []Case
	Refunds  []Refund
	Invoice  *invoice.Invoice
	License  *license.License
	Shelf    catalog.Shelf // by today's price list late money is taken or not
}

// ErrUnderWay is why an account is not closed yet.
var ErrUnderWay = problem.New(problem.Conflict, "money_under_way", "An order is not paid yet, or money is on its way back. Pay or cancel the order, or wait for the money.")

// Settled tells why the buyer of some orders cannot leave yet, or nil: money of theirs is owed, or goes back.
func Settled(books []Book) error {
	for _, b := range books {
		owed := b.Order.State == order.Placed || b.Order.State == order.Reopened
		waits := slices.ContainsFunc(b.Cases, func(c Case) bool { return c.State == Open })
		returns := slices.ContainsFunc(b.Refunds, func(r Refund) bool { return r.State == Requested })
		if owed || waits || returns {
			return ErrUnderWay
		}
	}
	return nil
}

// PaidSince tells whether the order is paid, and with money that was booked after an instant.
func (b Book) PaidSince(t time.Time) bool {
	return b.Order.State == order.Paid && slices.ContainsFunc(b.Payments, func(p Payment) bool { return p.Taken > 0 && p.BookedAt.After(t) })
}

// Named tells whether papers of some orders are made out to their buyer by the name in the account: a receipt, an invoice, or what goes back.
func Named(books []Book) bool {
	return slices.ContainsFunc(books, func(b Book) bool { return len(b.Payments) > 0 || b.Invoice != nil })
}

func (b Book) attempt(id order.AttemptID) (order.Attempt, bool) {
	for _, a := range b.Attempts {
		if a.ID == id {
			return a, true
		}
	}
	return order.Attempt{}, false
}

func (b Book) payment(id ID) (Payment, bool) {
	for _, p := range b.Payments {
		if p.ID == id {
			return p, true
		}
	}
	return Payment{}, false
}

// Change is what money does to one order, stored in one transaction.
type Change struct {
	Attempt  *order.Attempt
	Payments []Payment
	Cases    []Case
	Refunds  []Refund
	Credit   *invoice.Credit
	Payout   *payout.Payout
	Order    *order.Order
	License  *license.License
	Letters  []letter.Letter
}

// Refusal is why a notice, though its bank signed it, is not what the attempt asked for. It is recorded; nothing changes.
type Refusal string

func (r Refusal) Error() string { return "payment: refused: " + string(r) }

// The refusals.
const (
	UnknownAttempt Refusal = "unknown_attempt"
	OtherBank      Refusal = "other_bank"
	WrongAmount    Refusal = "wrong_amount"
	WrongReference Refusal = "wrong_reference"
	OtherAttempt   Refusal = "other_attempt" // the card provider knows the payment as another attempt's
	MoreBack       Refusal = "more_back"     // more of it went back at the card provider than is left of it in our books
)

// Settle decides what a bank's notice does. Not ok is a notice that brings no news. A Refusal is one that does not fit.
func Settle(b Book, n banklink.Notice, now time.Time) (_ Change, ok bool, err error) {
	_, id, _ := order.ParseStamp(n.Stamp)
	a, known := b.attempt(id)
	switch {
	case !known:
		return Change{}, false, UnknownAttempt
	case a.Bank != n.Bank:
		return Change{}, false, OtherBank
	case n.Reference != string(a.Order.Reference()) && (n.Service == banklink.Paid || n.Reference != ""):
		return Change{}, false, WrongReference
	case n.Service == banklink.Failed:
		a, ok = a.End(order.Failed, now)
		return Change{Attempt: &a}, ok, nil
	}
	if amount, err := money.Parse(n.Amount); err != nil || amount != a.Amount {
		return Change{}, false, WrongAmount
	}
	p := Payment{
		ID: ID(fmt.Sprintf("banklink/%s/%s/%s", n.Bank, n.Stamp, n.Number)), Order: a.Order, Buyer: b.Order.Account, Attempt: a.ID, Method: a.Method,
		Bank: a.Bank, Number: n.Number, Amount: a.Amount, To: n.Account, Payer: n.Payer, PayerName: n.PayerName, PaidAt: n.At, BookedAt: now.UTC(),
	}
	if slices.ContainsFunc(b.Payments, func(q Payment) bool { return q.ID == p.ID || q.Notice == p.ID }) {
		return Change{}, false, nil
	}
	t, err := time.Parse(banklink.Layout, n.At)
	if err != nil {
		t = now
	}
	return b.succeed(a, p, t, now), true, nil
}

// succeed is an attempt whose money came: new money, or the same that a statement has shown before.
func (b Book) succeed(a order.Attempt, p Payment, at, now time.Time) Change {
	a, _ = a.End(order.Succeeded, now)
	if shown, ok := b.shown(p); ok {
		shown.Notice, shown.Attempt, shown.Bank, shown.Reference = p.ID, a.ID, p.Bank, p.Reference
		return Change{Attempt: &a, Payments: []Payment{shown}}
	}
	c := b.Receive(p, came(at, now), now)
	c.Attempt = &a
	return c
}

// shown is the payment that a statement has shown before the bank link told of it: the same money, also where the bank has
// taken it back since.
func (b Book) shown(p Payment) (Payment, bool) {
	i := slices.IndexFunc(b.Payments, func(q Payment) bool {
		return p.Method == order.BankLink && q.Method == order.ByInvoice && q.Notice == "" && !q.Corrected && q.Same(p)
	})
	if i < 0 {
		return Payment{}, false
	}
	return b.Payments[i], true
}

// Same tells whether two payments, one told of by a bank link and one shown by a statement, are the same money: as much, to the
// same account of ours, from the same payer, within a few days. Two real payments that agree in all this show twice on the
// statement, and the second is then one too many: the sum is right either way.
func (p Payment) Same(q Payment) bool {
	return p.Amount == q.Amount && (p.To == q.To || p.To == "" || q.To == "") &&
		(p.Payer == q.Payer || p.Payer == "" || q.Payer == "") && near(p.PaidAt, q.PaidAt)
}

// near tells whether two dates as banks write them, perhaps with a time, lie within five days. What is no date is near to all.
func near(a, b string) bool {
	x, err := civil.Parse(a[:min(10, len(a))])
	y, err2 := civil.Parse(b[:min(10, len(b))])
	return err != nil || err2 != nil || !x.AddDays(5).Before(y) && !y.AddDays(5).Before(x)
}

// came is when the money came: as the bank says, so that a notice that crosses midnight moves no start; now where that cannot
// be, or is so long ago that a buyer would lose days of a license that nobody could open.
func came(at, now time.Time) time.Time {
	if at.Before(now) && now.Sub(at) <= time.Hour {
		return at.UTC()
	}
	return now.UTC()
}

// Receive decides what money of a payment does that came for the order, at an instant: the order takes what is left to pay, the rest
// goes back.
func (b Book) Receive(p Payment, came, now time.Time) (c Change) {
	o, why := b.Order, reasons[b.Order.State]
	fresh, taken := p.rest()-p.Taken-b.waits(p), money.Amount(0)
	if b.honors(p, now) {
		o, taken = o.Take(fresh, came, string(p.ID))
	} else if o.Takes() {
		why = Late
	}
	p.Taken += taken
	switch {
	case taken == 0 || o.State == order.Annulled:
	case o.State != order.Paid:
		c.tell(p, letter.PaymentPartial, o.PayFacts(map[string]string{"amount": taken.Cents()}), now)
	case b.Order.State == order.Reopened && b.License == nil: // Check finds that out
	case b.Order.State == order.Reopened:
		c.restore(p, *b.License, now)
	default:
		c.grant(p, o, now)
	}
	c.Order = &o // also where it takes nothing: two that tell of the same money at once meet in it, and the second decides again
	c.Payments = []Payment{p}
	if taken < fresh {
		c.owe(b, p, why, now)
	}
	return c
}

// rest is what of a payment was not given back.
func (p Payment) rest() money.Amount { return p.Amount - p.Back }

// honors tells whether the order's price counts for a payment: it was set out to be made while the price stood, it came while the
// price stood, or the price is the same today.
func (b Book) honors(p Payment, now time.Time) bool {
	came, err := civil.Parse(p.PaidAt[:min(10, len(p.PaidAt))])
	inTime := err == nil && came.Start(b.Order.Zone).Before(b.Order.ExpiresAt())
	return p.Attempt != "" || b.Order.State == order.Reopened || inTime || b.Order.StillPriced(b.Shelf, now)
}

// tell writes the buyer about a payment: once about each of its changes.
func (c *Change) tell(p Payment, k letter.Kind, facts map[string]string, now time.Time) {
	id := "payment/" + string(p.ID) + "/" + string(k)
	if p.Revision > 0 {
		id += "/" + strconv.Itoa(p.Revision)
	}
	c.Letters = append(c.Letters, letter.Letter{ID: letter.ID(id), Kind: k, Account: string(p.Buyer), CreatedAt: now.UTC(), Facts: facts})
}

// grant gives the buyer what they paid for.
func (c *Change) grant(p Payment, o order.Order, now time.Time) {
	l := license.Grant(string(o.Number), o.Account, o.Months, o.Remind, o.StartsOn, o.Zone, o.PaidAt)
	c.Letters = append(c.Letters, receipt(o, p, l))
	if started, tell, ok := l.Step(now); ok {
		l = started
		c.Letters = append(c.Letters, tell)
	}
	c.License = &l
}

// restore opens a license again whose money had gone back, as far as that kept it closed.
func (c *Change) restore(p Payment, l license.License, now time.Time) {
	l = l.Restored(now)
	facts := l.Facts()
	if len(l.Holds) > 0 {
		facts["still"] = "yes"
	}
	c.License = &l
	c.tell(p, letter.LicenseRestored, facts, now)
}

// owe opens the case of what the order has not taken of a payment.
func (c *Change) owe(b Book, p Payment, why Reason, now time.Time) {
	rest := p.rest() - p.Taken
	k := b.caseOf(p)
	k.Amount, k.Reason, k.State, k.OpenedAt = rest, why, Open, now.UTC()
	c.Cases = append(c.Cases, k)
	c.tell(p, letter.RefundCase, map[string]string{"order": string(p.Order), "amount": rest.Cents(), "reason": string(why)}, now)
}

// Why a payment cannot be taken back.
var (
	ErrReturned  = problem.New(problem.Conflict, "payment_returned", "There is no such payment of this order, or its money went back before.")
	ErrGivenBack = problem.New(problem.Conflict, "payment_given_back", "Money of this payment was given back, so it stays where it was booked.")
)

// TakeBack decides what it means that the bank took a payment back to its payer: the order is owed again, and its license is on
// hold until it is paid. What waited to be given back of it no longer does.
func (b Book) TakeBack(id ID, now time.Time) (Change, error) {
	return b.release(id, "", now)
}

// Correct is the same for a payment that we had booked to the order by mistake.
func (b Book) Correct(id ID, now time.Time) (Change, error) {
	return b.release(id, "yes", now)
}

func (b Book) release(id ID, correction string, now time.Time) (c Change, err error) {
	p, ok := b.payment(id)
	if !ok || !p.ReturnedAt.IsZero() {
		return Change{}, ErrReturned
	}
	if correction != "" && p.Back > 0 {
		return Change{}, ErrGivenBack
	}
	void := b.waits(p)
	if void > 0 {
		k := b.caseOf(p)
		k.State = Void
		c.Cases = []Case{k}
	}
	for _, r := range b.Refunds { // the card provider has nothing left to give
		if r.Payment == id && r.State == Requested && r.Way == ByCard {
			r, _ = r.end(Failed, "taken_back", now)
			c.Refunds = append(c.Refunds, r)
			p.Back -= r.Amount
			void += r.Amount
		}
	}
	p.ReturnedAt, p.Corrected = now.UTC(), correction != ""
	if void > 0 && correction == "" {
		c.tell(p, letter.RefundCaseVoid, map[string]string{"order": string(p.Order), "amount": void.Cents()}, now)
	}
	if p.Taken > 0 {
		taken := p.Taken
		p.Taken = 0
		if err := c.reopen(b, p, taken, map[string]string{"correction": correction}, now); err != nil {
			return Change{}, err
		}
	}
	c.Payments = []Payment{p}
	return c, nil
}

// reopen is the order without money of a payment that it had taken: it is owed again, and its license waits for that.
func (c *Change) reopen(b Book, p Payment, taken money.Amount, facts map[string]string, now time.Time) error {
	o, err := b.Order.Release(taken, now, string(p.ID))
	if err != nil {
		return err
	}
	facts["amount"] = taken.Cents()
	if p.Method == order.ByCard {
		facts["card"] = "yes"
	}
	if b.Order.State == order.Paid {
		if b.License == nil {
			return errUnlicensed
		}
		l := b.License.Reversed(now)
		c.License, facts["hold"] = &l, "yes"
	}
	if o.State != order.Annulled {
		c.tell(p, letter.PaymentTakenBack, o.PayFacts(facts), now)
	}
	c.Order = &o
	return nil
}

// PutBack is the contrary of TakeBack: the money had not gone back after all, and comes for the order as if it were new.
func (b Book) PutBack(id ID, now time.Time) (Change, error) {
	p, ok := b.payment(id)
	if !ok || p.ReturnedAt.IsZero() {
		return Change{}, ErrReturned
	}
	p.ReturnedAt = time.Time{}
	return b.Receive(p, now, now), nil
}

// Told tells whether a bank link told of a payment.
func (b Book) Told(id ID) bool {
	p, _ := b.payment(id)
	return p.Notice != "" || p.Method == order.BankLink
}

// Hide is a payment that the bank entry which was taken for it does not show after all. What a bank link has told of besides stays
// the bank link's.
func (b Book) Hide(id ID) (Change, error) {
	p, ok := b.payment(id)
	if !ok {
		return Change{}, ErrReturned
	}
	p.Entry, p.Method = "", order.BankLink
	return Change{Payments: []Payment{p}}, nil
}

// Cancel is the order given up by its buyer, and what had come of its price to be given back. Not ok is one that was before.
func (b Book) Cancel(now time.Time) (c Change, ok bool, err error) {
	o, err := b.Order.Cancel(now)
	if err != nil || o.State == b.Order.State {
		return Change{}, false, err
	}
	c.Order = &o
	c.giveBack(b, Cancelled, now)
	return c, true, nil
}

// Leave is the same after the buyer closed their account. Not ok is an order that no money would have paid.
func (b Book) Leave(now time.Time) (c Change, ok bool) {
	o, ok := b.Order.Leave(now)
	if ok {
		c.Order = &o
		c.giveBack(b, Cancelled, now)
	}
	return c, ok
}

// Step is what time does to the order (see order.Order.Step): a reminder, or its end, with what had come of its price.
func (b Book) Step(now time.Time) (c Change, ok bool) {
	o, tell, ok := b.Order.Step(now)
	if !ok {
		return Change{}, false
	}
	c.Letters = []letter.Letter{tell}
	if o.State == order.Expired {
		c.giveBack(b, Expired, now)
	}
	c.Order = &o
	return c, true
}

// giveBack opens cases for all that the order had taken.
func (c *Change) giveBack(b Book, why Reason, now time.Time) {
	for _, p := range b.Payments {
		if p.Taken > 0 {
			p.Taken = 0
			c.Payments = append(c.Payments, p)
			c.owe(b, p, why, now)
		}
	}
}

// receipt is the letter that says that the money came and what it opened.
func receipt(o order.Order, p Payment, l license.License) letter.Letter {
	facts := o.Price.Facts(map[string]string{
		"order": string(o.Number), "months": fmt.Sprint(o.Months), "paidAt": o.PaidAt.Format(time.RFC3339), "method": string(p.Method), "bank": string(p.Bank),
		"paymentNumber": p.Number, "startsAt": l.StartsAt.Format(time.RFC3339), "endsAt": l.EndsAt.Format(time.RFC3339),
		"startsOn": l.StartsOn.String(), "validThrough": l.ValidThrough().String(), "zone": string(l.Zone), "askedFor": o.StartsOn.String(),
	})
	return letter.Letter{ID: letter.ID("order/" + string(o.Number) + "/receipt"), Kind: letter.PaymentReceipt, Account: string(o.Account), CreatedAt: p.BookedAt, Facts: facts}
}

// Refused is a notice that was signed and did not fit: kept for a person to look at, because money may have moved.
type Refused struct {
	Reason Refusal           `json:"reason"`
	Notice banklink.Notice   `json:"notice,omitzero"`
	Card   *everypay.Payment `json:"card,omitempty"`
	At     time.Time         `json:"at"`
}

// Refuse is the record of a notice that did not fit.
func Refuse(n banklink.Notice, why Refusal, now time.Time) Refused {
	return Refused{Reason: why, Notice: n, At: now.UTC()}
}
