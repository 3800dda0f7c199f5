package reconciliation

import (
	"slices"
	"strconv"
	"time"

	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/statement"
)

// Known is what the table holds about an entry.
type Known struct {
	Sure  []payment.Book // of the orders that are named by a reference number
	Text  []payment.Book // of those that are named otherwise
	Payer []payment.Book // of a return: of the orders that its receiver has paid
	Names Names
}

// Outcome is an entry at the end of its walk, and what that does to orders, stored in one transaction.
type Outcome struct {
	Entry   Entry
	Changes []payment.Change
}

// rung is one question of the ladder. Not ok is no answer: the next rung is asked.
type rung func(Entry, Known, time.Time) (Outcome, bool)

// ladder is asked from the top. The last rung always answers.
var ladder = []rung{fee, gaveBack, takenBack, outgoing, unreadable, payout, told, doubtful, sure, summed, texted, rest}

// Decide walks the ladder. Not ok is an entry that somebody has looked at before.
func Decide(e Entry, k Known, now time.Time) (Outcome, bool) {
	if e.State != New || e.Decided {
		return Outcome{}, false
	}
	for _, r := range ladder {
		if o, ok := r(e, k, now); ok {
			return o, true
		}
	}
	panic("the last rung answers")
}

const automation = "ladder"

func end(e Entry, s State, why Reason, now time.Time) (Outcome, bool) {
	return Outcome{Entry: e.on(s, why, automation, "matched", "", now)}, true
}

func fee(e Entry, _ Known, now time.Time) (Outcome, bool) {
	if !e.Bank.Fee() {
		return Outcome{}, false
	}
	return end(e, Ignored, Fee, now)
}

// gaveBack finds the refund of ours that left our account by this entry, or came back by it.
func gaveBack(e Entry, k Known, now time.Time) (Outcome, bool) {
	if k.Names.Refund == "" {
		return Outcome{}, false
	}
	for _, b := range k.Sure {
		for _, r := range b.Refunds {
			if r.ID == k.Names.Refund {
				if o, ok := e.refunded(b, r, automation, "matched", "", now); ok {
					return o, true
				}
			}
		}
	}
	return end(e, Waiting, RefundDiffers, now)
}

// refunded is the entry that shows a refund of ours as it left our account, or as it came back. Not ok is one that cannot.
func (e Entry) refunded(b payment.Book, r payment.Refund, by, what, words string, now time.Time) (_ Outcome, ok bool) {
	var c payment.Change
	var err error
	why := GaveBack
	switch {
	case r.Way != payment.ByTransfer || r.Amount != e.Bank.Amount || e.Bank.Reversal || e.Outward() == e.Bank.Returned:
		return Outcome{}, false
	case e.Outward():
		c, ok, err = b.Finish(r.ID, string(e.ID), now)
	default:
		why = CameBack
		c, ok, err = b.ComeBack(r.ID, string(e.ID), e.Bank.Reason, now)
	}
	if !ok || err != nil {
		return Outcome{}, false
	}
	if e.Decided {
		why = ByPerson
	}
	e.Allocations, e.Suggestions = []Allocation{{r.Order, r.Payment, r.Amount, r.ID}}, nil
	return Outcome{e.on(Settled, why, by, what, words, now), []payment.Change{c}}, true
}

// takenBack finds the one payment that a return can mean.
func takenBack(e Entry, k Known, now time.Time) (Outcome, bool) {
	if !e.Return() {
		return Outcome{}, false
	}
	books := slices.Concat(k.Sure, k.Text)
	if len(books) == 0 {
		books = k.Payer
	}
	var meant []payment.Book
	var id payment.ID
	for _, b := range books {
		for _, p := range b.Payments {
			if p.ReturnedAt.IsZero() && p.Back == 0 && p.Amount == e.Bank.Amount && p.To == e.Bank.Account && agree(p.Payer, e.Bank.Other.Account) {
				meant, id = append(meant, b), p.ID
			}
		}
	}
	if len(meant) != 1 {
		return end(e, Waiting, UnknownReturn, now)
	}
	c, err := meant[0].TakeBack(id, now)
	if err != nil {
		return end(e, Waiting, UnknownReturn, now)
	}
	e.Allocations = []Allocation{{meant[0].Order.Number, id, e.Bank.Amount, ""}}
	o, _ := end(e, Allocated, TookBack, now)
	o.Changes = []payment.Change{c}
	return o, true
}

func agree(a, b string) bool { return a == b || a == "" || b == "" }

func outgoing(e Entry, _ Known, now time.Time) (Outcome, bool) {
	if e.Bank.Direction != statement.Debit {
		return Outcome{}, false
	}
	return end(e, Ignored, Outgoing, now)
}

// unreadable are entries of which it is not plain how much money they are, or whose.
func unreadable(e Entry, _ Known, now time.Time) (Outcome, bool) {
	switch {
	case e.Bank.Amount == 0:
		return end(e, Waiting, ForeignCurrency, now)
	case e.Bank.Lump:
		return end(e, Waiting, SeveralPayments, now)
	case e.Bank.Reversal || e.Bank.Returned:
		return end(e, Waiting, Reversal, now)
	case e.Reused:
		return end(e, Waiting, ReusedReference, now)
	}
	return Outcome{}, false
}

// payouts are the companies that collect card payments for us and pay them out in one sum, by their registry codes.
var payouts = map[string]bool{
	"12280690": true, // EveryPay AS
}

func payout(e Entry, k Known, now time.Time) (Outcome, bool) {
	if !payouts[e.Bank.Other.Registry] || len(k.Sure)+len(k.Text) > 0 {
		return Outcome{}, false
	}
	return end(e, Settled, Payout, now)
}

// told finds the payment that a bank link told us of, and marks it as shown: the next entry like this is other money. That it
// went back since changes nothing about what this entry is.
func told(e Entry, k Known, now time.Time) (Outcome, bool) {
	for _, b := range slices.Concat(k.Sure, k.Text) {
		for _, p := range b.Payments {
			if e.unshown(p) && p.Same(e.payment(b.Order, e.Bank.Amount, now)) {
				return e.settle(p, ByBankLink, automation, "matched", "", now), true
			}
		}
	}
	return Outcome{}, false
}

// unshown tells whether a bank link told of a payment of just so much to this account, which no entry has shown yet.
func (e Entry) unshown(p payment.Payment) bool {
	return p.Method == order.BankLink && p.Entry == "" && p.Amount == e.Bank.Amount && agree(p.To, e.Bank.Account)
}

// settle says which payment, that we were told of before, the entry shows.
func (e Entry) settle(p payment.Payment, why Reason, by, what, words string, now time.Time) Outcome {
	p.Entry = string(e.ID)
	e.Allocations, e.Suggestions = []Allocation{{p.Order, p.ID, p.Amount, ""}}, nil
	return Outcome{e.on(Settled, why, by, what, words, now), []payment.Change{{Payments: []payment.Payment{p}}}}
}

// doubtful is an order by its reference number, where the entry may well be something else: the money of a bank link that was
// written a little differently, or money for another order that the text names and whose amount is right.
func doubtful(e Entry, k Known, now time.Time) (Outcome, bool) {
	if len(k.Sure) != 1 {
		return Outcome{}, false
	}
	if slices.ContainsFunc(k.Sure[0].Payments, e.unshown) {
		return end(e, Waiting, UnlikeBankLink, now)
	}
	other := func(b payment.Book) bool { return fits([]payment.Book{b}, e.Bank.Amount) }
	if !other(k.Sure[0]) && slices.ContainsFunc(k.Text, other) {
		return end(e, Waiting, SeveralOrders, now)
	}
	return Outcome{}, false
}

// sure is one order by its reference number, whatever the amount: what it does not take goes back.
func sure(e Entry, k Known, now time.Time) (Outcome, bool) {
	if len(k.Sure) != 1 || crumbs(k.Sure[0].Order, e.Bank.Amount) || k.Sure[0].Order.Open() != e.Bank.Amount && fits(slices.Concat(k.Sure, k.Text), e.Bank.Amount) {
		return Outcome{}, false
	}
	return e.allocate([]part{{k.Sure[0], e.Bank.Amount}}, ByReference, automation, "matched", "", now), true
}

// crumbs tells whether the amount would be one part too many of an order: somebody who pays cent by cent is to be asked why.
func crumbs(o order.Order, amount money.Amount) bool { return amount < o.Open() && !o.TakesParts() }

// summed is several orders whose open amounts make up the sum: one transfer for many invoices.
func summed(e Entry, k Known, now time.Time) (Outcome, bool) {
	books := slices.Concat(k.Sure, k.Text)
	if len(books) < 2 || len(books) > maxNames || !fits(books, e.Bank.Amount) { // more are no one transaction
		return Outcome{}, false
	}
	var parts []part
	for _, b := range books {
		parts = append(parts, part{b, b.Order.Open()})
	}
	return e.allocate(parts, ByNumbers, automation, "matched", "", now), true
}

// fits tells whether all orders take money, and what is left to pay of them is the amount.
func fits(books []payment.Book, amount money.Amount) bool {
	for _, b := range books {
		if !b.Order.Takes() {
			return false
		}
		amount -= b.Order.Open()
	}
	return amount == 0
}

// texted is one order that only the text names: surely meant only if the amount is right too.
func texted(e Entry, k Known, now time.Time) (Outcome, bool) {
	if len(k.Sure) != 0 || len(k.Text) != 1 || !fits(k.Text, e.Bank.Amount) {
		return Outcome{}, false
	}
	return e.allocate([]part{{k.Text[0], e.Bank.Amount}}, ByText, automation, "matched", "", now), true
}

// rest is for a person.
func rest(e Entry, k Known, now time.Time) (Outcome, bool) {
	switch named := len(k.Sure) + len(k.Text); {
	case named > 1:
		return end(e, Waiting, SeveralOrders, now)
	case named == 1:
		return end(e, Waiting, AmountDiffers, now)
	case k.Names.Numbered:
		return end(e, Waiting, UnknownReference, now)
	}
	return end(e, Waiting, NoReference, now)
}

// part is how much of an entry is for an order.
type part struct {
	book   payment.Book
	amount money.Amount
}

// allocate gives orders their parts. What they do not take, and what is for none of them, goes back.
func (e Entry) allocate(parts []part, why Reason, by, what, words string, now time.Time) (o Outcome) {
	e.Turn++
	e.Allocations, e.Remainder, e.Refund, e.Suggestions = nil, 0, e.Bank.Amount, nil
	for _, p := range parts {
		c := p.book.Receive(e.payment(p.book.Order, p.amount, now), now, now)
		taken := c.Payments[0]
		e.Allocations = append(e.Allocations, Allocation{p.book.Order.Number, taken.ID, taken.Taken, ""})
		e.Refund -= p.amount
		e.Remainder += taken.Amount - taken.Taken
		o.Changes = append(o.Changes, c)
	}
	e.Remainder += e.Refund
	state := Allocated
	if e.Remainder > 0 {
		state = Remainder
	}
	o.Entry = e.on(state, why, by, what, words, now)
	return o
}

// payment is the money of the entry, or a part of it, as it comes for an order.
func (e Entry) payment(o order.Order, amount money.Amount, now time.Time) payment.Payment {
	return payment.Payment{
		ID:    payment.ID("entry/" + string(e.ID) + "/" + strconv.Itoa(e.Turn) + "/" + string(o.Number)),
		Order: o.Number, Buyer: o.Account, Method: order.ByInvoice, Number: e.Bank.BankRef, Amount: amount, To: e.Bank.Account,
		Payer: e.Bank.Other.Account, PayerName: e.Bank.Other.Name, PaidAt: e.Bank.Booked.String(), BookedAt: now.UTC(), Entry: string(e.ID),
	}
}
