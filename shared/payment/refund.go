package payment

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"opiq/shared/account"
	"opiq/shared/everypay"
	"opiq/shared/invoice"
	"opiq/shared/letter"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payout"
	"opiq/shared/problem"
	"opiq/shared/reference"
)

// RefundID names a refund: the order's number, a dash, and twelve hexadecimal digits.
type RefundID string

// ParseRefundID reads a name, and the order's number in it.
func ParseRefundID(s string) (RefundID, order.Number, bool) {
	number, own, _ := strings.Cut(s, "-")
	n, ok := order.ParseNumber(number)
	return RefundID(s), n, ok && len(own) == 12 && strings.Trim(own, "0123456789abcdef") == ""
}

const endToEnd = "OPIQ-"

// EndToEnd is the refund's name on its way from bank to bank (EndToEndId), by which a statement shows it.
func (id RefundID) EndToEnd() string { return endToEnd + string(id) }

// ParseEndToEnd reads that name.
func ParseEndToEnd(s string) (RefundID, order.Number, bool) {
	id, ok := strings.CutPrefix(s, endToEnd)
	if !ok {
		return "", "", false
	}
	return ParseRefundID(id)
}

// Way is how money goes back: to where it came from, or to another order of the same buyer.
type Way string

// The ways.
const (
	ByCard     Way = "card"     // through the card provider
	ByTransfer Way = "transfer" // by a file that our bank takes
	ByOffset   Way = "offset"   // it pays another order
)

// RefundState is how far a refund is.
type RefundState string

// The states.
const (
	Requested RefundState = "requested"
	Done      RefundState = "done"
	Failed    RefundState = "failed" // the money did not get through: it is a case again
)

var refundMoves = map[RefundState]map[RefundState]bool{
	Requested: {Done: true, Failed: true},
	Done:      {Failed: true, Requested: true}, // what the statement showed comes back; a person takes back that it was shown
	Failed:    {Done: true, Requested: true},   // a person takes back that it came back
}

// Why is why staff give money back: a closed list (AMB-2, R-074, R-076).
type Why string

// The reasons.
const (
	Surplus        Why = "surplus"         // the order has not taken it: it waits in a case
	SystemError    Why = "system_error"    // price or offer were shown wrongly by an evident error
	NotPaid        Why = "not_paid"        // the order was not paid in time, or its payment was taken back
	FalseData      Why = "false_data"      // the buyer gave false data
	Breach         Why = "breach"          // the license was used against the terms
	NotSupplied    Why = "not_supplied"    // what was ordered cannot be supplied
	Agreed         Why = "agreed"          // the buyer asked, and we agreed
	PriceReduction Why = "price_reduction" // not all was as it should be
)

// Effect is what a refund does to the license.
type Effect string

// The effects.
const (
	Keeps     Effect = "keeps"
	Shortened Effect = "shortened" // by the part of the price that goes back
	Voided    Effect = "annulled"
)

// rules are what each reason does where all that was paid goes back, and where a part does; "" is not possible.
var rules = map[Why]struct{ whole, part Effect }{
	SystemError:    {Voided, Keeps},
	NotPaid:        {Voided, Voided},
	FalseData:      {Voided, Voided},
	Breach:         {Voided, Voided},
	NotSupplied:    {Voided, Shortened},
	Agreed:         {Voided, Shortened},
	PriceReduction: {"", Keeps},
}

// Whys are all reasons.
var Whys = []Why{Surplus, SystemError, NotPaid, FalseData, Breach, NotSupplied, Agreed, PriceReduction}

// Refund is money of one payment that goes back. Revision counts its stored changes.
type Refund struct {
	ID        RefundID           `json:"id"`
	Key       string             `json:"key"`   // fingerprint of the key that it was asked for under,
	Asked     string             `json:"asked"` // and of all that was asked for
	Order     order.Number       `json:"order"`
	Payment   ID                 `json:"payment"`
	Buyer     account.ID         `json:"buyer"`
	Amount    money.Amount       `json:"amount"`
	Taken     money.Amount       `json:"taken"` // what of it the order had taken; the rest waited in a case
	Way       Way                `json:"way"`
	Reason    Why                `json:"reason"` // "" where somebody gave it back on the card provider's pages
	Note      string             `json:"note,omitempty"`
	State     RefundState        `json:"state"`
	Reference everypay.Reference `json:"reference,omitempty"` // of a card payment: the provider's name of it,
	Standing  money.Amount       `json:"standing"`            // what of it must stand there before the refund,
	Nonce     string             `json:"nonce,omitempty"`     // and the refund's own nonce
	Name      string             `json:"name,omitempty"`      // of a transfer: to whom,
	IBAN      string             `json:"iban,omitempty"`      // and where
	Payout    payout.ID          `json:"payout,omitempty"`
	Offset    order.Number       `json:"offset,omitempty"` // the order that it pays
	Credit    invoice.Number     `json:"credit,omitempty"`
	By        string             `json:"by"`
	At        time.Time          `json:"at"`
	EndedAt   time.Time          `json:"endedAt,omitzero"`
	Entry     string             `json:"entry,omitempty"`   // the bank entry that shows it,
	Came      string             `json:"came,omitempty"`    // and the one by which it came back
	Trouble   string             `json:"trouble,omitempty"` // why it failed, as a word
	Nudged    int                `json:"nudged,omitempty"`  // how often it was sent again, because nothing was heard
	Revision  int                `json:"revision"`
}

// Party is an account that money goes to.
type Party struct {
	Name string `json:"name"`
	IBAN string `json:"iban"`
}

// Ask is what staff ask for. Without an amount it is all that the reason can mean.
type Ask struct {
	Amount *money.Amount `json:"amount"`
	Reason Why           `json:"reason"`
	Note   string        `json:"note"`
	Key    string        `json:"key"`
	Offset order.Number  `json:"offset"` // pay this order with it
	To     *Party        `json:"to"`     // where the money cannot go back to where it came from
}

// Check names every wrong field.
func (a *Ask) Check() (wrong []problem.Field) {
	add := func(pointer, code, detail string) {
		wrong = append(wrong, problem.Field{Pointer: pointer, Code: code, Detail: detail})
	}
	if !slices.Contains(Whys, a.Reason) {
		add("/reason", "unknown_reason", fmt.Sprint("The reasons are ", Whys, "."))
	}
	if a.Amount != nil && *a.Amount <= 0 {
		add("/amount", "not_positive", "An amount is a cent at least.")
	}
	if a.Key == "" || len(a.Key) > 255 {
		add("/key", "required", "Send a key of 1 to 255 characters: the same for the same refund, tried again.")
	}
	if utf8.RuneCountInString(a.Note) > 500 {
		add("/note", "length", "At most 500 characters.")
	}
	if _, ok := order.ParseNumber(string(a.Offset)); a.Offset != "" && !ok {
		add("/offset", "unknown_order", "This is no number of an order.")
	}
	if a.To != nil {
		if !reference.IBAN(a.To.IBAN) {
			add("/to/iban", "not_an_iban", "This is no account number: capitals, no spaces.")
		}
		if n := utf8.RuneCountInString(strings.TrimSpace(a.To.Name)); n == 0 || n > 70 {
			add("/to/name", "length", "Say whose account it is, in 1 to 70 characters.")
		}
		if a.Offset != "" {
			add("/to", "one_of", "Money goes to an account or to an order.")
		}
	}
	return wrong
}

// Why a refund is not made.
var (
	ErrNothingBack   = problem.New(problem.Conflict, "nothing_to_refund", "There is no money of this order that could go back for this reason.")
	ErrTooManyBack   = problem.New(problem.Conflict, "refund_too_many", "So much came in too many payments to go back at once. Give a smaller amount back, and then the rest.")
	ErrTooMuchBack   = problem.New(problem.Conflict, "refund_too_much", "So much of this order's money is not there to go back for this reason.")
	ErrRefundRuns    = problem.New(problem.Conflict, "refund_running", "A refund of the same card payment is on its way. Wait until it has ended.")
	ErrRefundKey     = problem.New(problem.Conflict, "refund_key_reused", "This key was used for another refund of the order.")
	ErrOffset        = problem.New(problem.Conflict, "offset_impossible", "That order does not take this money: it is another buyer's, it is not open, or less is left to pay of it.")
	ErrRefundUnknown = problem.New(problem.NotFound, "refund_not_found", "There is no such refund.")
	ErrRefundMoved   = problem.New(problem.Conflict, "refund_ended", "The refund has gone on since.")
)

// Asked are the refunds that were made for this ask before; ErrRefundKey where its key was used for something else.
func (b Book) Asked(a Ask) (before []Refund, err error) {
	key, asked := fingerprint(string(b.Order.Number), a.Key), a.fingerprint()
	for _, r := range b.Refunds {
		if r.Key == key {
			before = append(before, r)
			if r.Asked != asked {
				err = ErrRefundKey
			}
		}
	}
	return before, err
}

func (a Ask) fingerprint() string {
	amount, to := "", ""
	if a.Amount != nil {
		amount = a.Amount.String()
	}
	if a.To != nil {
		to = a.To.IBAN + " " + a.To.Name
	}
	return fingerprint(amount, string(a.Reason), a.Note, string(a.Offset), to)
}

func fingerprint(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return hex.EncodeToString(sum[:16])
}

// Desk is what giving money back needs to know: who pays, who the buyer is, and who decides.
type Desk struct {
	Invoices invoice.Desk
	Buyer    account.Account
	By       string
	Now      time.Time
}

// Refunding is what an ask comes to: the change of the order, that of the order which is paid with the money (nil where none is), the
// refunds, and what becomes of the license ("" where the money had bought none).
type Refunding struct {
	Change  Change
	Other   *Change
	Refunds []Refund
	Effect  Effect
}

// most is of how many payments money goes back at once. A transaction has room for a hundred items: each part is six of them where
// another order takes it, four out of a case, and three else, so that all that an order has taken can go back.
func (a Ask) most() int {
	switch {
	case a.Offset != "":
		return 15
	case a.Reason == Surplus:
		return 22
	}
	return order.MaxParts + 1
}

// Credits tells whether an ask takes money back that the order had taken, so that a credit invoice has to be made of it.
func (a Ask) Credits() bool { return a.Reason != Surplus }

// Refund decides what an ask comes to. Other is the book of the order that is to be paid with the money; number is the credit
// invoice's, where the ask Credits. Σ of what goes back of a payment is never more than what came: each refund changes the payment,
// so that of two at once only one is stored, and the other one is decided again.
func (b Book) Refund(a Ask, other *Book, number invoice.Number, d Desk) (out Refunding, err error) {
	if other != nil {
		own := *other
		other = &own
	}
	have, err := b.spare(a)
	if err != nil {
		return out, err
	}
	total := sum(have)
	amount := total
	if a.Amount != nil {
		amount = *a.Amount
	}
	c, effect := Change{}, Effect("")
	switch {
	case amount > total:
		return out, ErrTooMuchBack
	case a.Reason == Surplus && amount == 0:
		return out, ErrNothingBack
	case a.Reason != Surplus:
		r := rules[a.Reason]
		if effect = r.part; amount == total {
			effect = r.whole
		}
		if effect == "" {
			return out, problem.Wrong([]problem.Field{{Pointer: "/amount", Code: "too_much", Detail: "A lower price is still a price. For all of it there are other reasons."}})
		}
		if amount == 0 && (effect != Voided || b.Order.State != order.Reopened) {
			return out, ErrNothingBack
		}
	}
	left, asked := amount, a.To == nil
	for _, s := range have {
		part := min(s.amount, left)
		if left -= part; part == 0 {
			continue
		}
		if len(out.Refunds) == a.most() {
			return Refunding{}, ErrTooManyBack
		}
		r, err := b.part(a, s.payment, part, len(out.Refunds), d)
		if err != nil {
			return Refunding{}, err
		}
		asked = asked || r.IBAN == a.To.IBAN
		s.payment.Back += part
		if a.Reason == Surplus {
			c.Cases = append(c.Cases, b.caseOf(s.payment).less(part))
		} else {
			s.payment.Taken -= part
			r.Taken, r.Credit = part, number
		}
		c.Payments = append(c.Payments, s.payment)
		out.Refunds = append(out.Refunds, r)
	}
	if !asked {
		return Refunding{}, problem.Wrong([]problem.Field{{Pointer: "/to", Code: "not_asked", Detail: "The money goes back to where it came from."}})
	}
	if a.Reason != Surplus {
		if err := c.credit(b, a, effect, amount, number, d); err != nil {
			return Refunding{}, err
		}
	}
	if err := c.payOut(out.Refunds, d); err != nil {
		return Refunding{}, err
	}
	var paid []Change
	for i, r := range out.Refunds {
		l := r.letter(letter.Refund, d.Now)
		switch {
		case effect == Voided:
			l.Facts["effect"] = string(effect)
		case effect == Shortened && c.License.EndsOn != b.License.EndsOn:
			l.Facts["effect"], l.Facts["validThrough"] = string(effect), c.License.ValidThrough().String()
		}
		c.Letters = append(c.Letters, l)
		if r.Way == ByOffset {
			take, err := r.offset(b, other, d.Now)
			if err != nil {
				return Refunding{}, err
			}
			paid = append(paid, take)
			out.Refunds[i], _ = r.end(Done, "", d.Now)
		}
	}
	c.Refunds, out.Effect = out.Refunds, effect
	out.Change = c
	if len(paid) > 0 {
		out.Other = new(joined(paid))
	}
	return out, nil
}

// joined is what several payments do to the order that takes them, one after the other, as one change: of what they all change, the
// last one counts.
func joined(steps []Change) (c Change) {
	for _, s := range steps {
		c.Payments, c.Letters = append(c.Payments, s.Payments...), append(c.Letters, s.Letters...)
		c.Order, c.License = s.Order, cmp.Or(s.License, c.License)
	}
	return c
}

var errUnlicensed = errors.New("payment: the order was paid, and its license is not in the book")

// spared is money of a payment that can go back.
type spared struct {
	payment Payment
	amount  money.Amount
}

func sum(all []spared) (total money.Amount) {
	for _, s := range all {
		total += s.amount
	}
	return total
}

// spare is the money that can go back for a reason: what waits in cases, the oldest first; or what the order has taken, the
// latest first.
func (b Book) spare(a Ask) (all []spared, err error) {
	if a.Reason == Surplus {
		for _, k := range slices.SortedFunc(slices.Values(b.Cases), oldest) {
			if p, ok := b.payment(k.Payment); ok && k.State == Open {
				all = append(all, spared{p, k.Amount})
			}
		}
		return all, nil
	}
	if b.License == nil && (b.Order.State == order.Paid || b.Order.State == order.Reopened) {
		return nil, errUnlicensed
	}
	if b.License == nil || b.Order.State == order.Annulled || b.Order.State == order.Reopened && rules[a.Reason].part != Voided {
		return nil, ErrNothingBack
	}
	if a.Reason == NotPaid && b.Order.State != order.Reopened {
		return nil, ErrNothingBack
	}
	payments := slices.SortedFunc(slices.Values(b.Payments), func(x, y Payment) int { return cmp.Or(y.BookedAt.Compare(x.BookedAt), cmp.Compare(x.ID, y.ID)) })
	for _, p := range payments {
		if p.Taken > 0 {
			all = append(all, spared{p, p.Taken})
		}
	}
	return all, nil
}

// oldest puts cases into the order in which they were opened, and earliest refunds into that in which they were asked for.
func oldest(x, y Case) int {
	return cmp.Or(x.OpenedAt.Compare(y.OpenedAt), cmp.Compare(x.Payment, y.Payment))
}

func earliest(x, y Refund) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.ID, y.ID)) }

// less is the case after so much of it was given back.
func (k Case) less(amount money.Amount) Case {
	if k.Amount == amount {
		k.State = Given
		return k
	}
	k.Amount -= amount
	return k
}

// refund is a refund of a payment.
func (b Book) refund(p Payment, amount money.Amount, way Way, key string, now time.Time) Refund {
	return Refund{
		ID: RefundID(string(b.Order.Number) + "-" + key[:12]), Order: b.Order.Number, Payment: p.ID, Buyer: p.Buyer, Amount: amount, Way: way, State: Requested,
		Reference: p.Reference, At: now.UTC(),
	}
}

// part is the refund of a part of a payment, by the way that it came.
func (b Book) part(a Ask, p Payment, amount money.Amount, n int, d Desk) (Refund, error) {
	key := fingerprint(string(b.Order.Number), a.Key)
	r := b.refund(p, amount, ByTransfer, fingerprint(key, fmt.Sprint(n)), d.Now)
	r.Key, r.Asked, r.Reason, r.Note, r.By = key, a.fingerprint(), a.Reason, a.Note, d.By
	r.Name, r.IBAN = cmp.Or(p.PayerName, d.Buyer.FirstName+" "+d.Buyer.LastName), p.Payer
	failed := false // it was tried, and did not get through
	for _, before := range b.Refunds {
		if before.Payment == p.ID && before.Way == ByCard && before.State == Requested {
			return Refund{}, ErrRefundRuns
		}
		failed = failed || before.Payment == p.ID && before.State == Failed
	}
	unknown := p.Method != order.ByCard && errors.Is(d.reaches(r), payout.ErrAccount)
	switch {
	case a.Offset != "":
		r.Way, r.Offset, r.Name, r.IBAN = ByOffset, a.Offset, "", ""
	case a.To != nil && (failed || unknown):
		r.Name, r.IBAN = strings.TrimSpace(a.To.Name), a.To.IBAN
	case p.Method == order.ByCard:
		r.Way, r.Name, r.IBAN, r.Nonce, r.Standing = ByCard, "", "", "refund-"+fingerprint(string(r.ID)), b.standing(p)
	case unknown:
		return Refund{}, problem.Wrong([]problem.Field{{Pointer: "/to", Code: "required", Detail: "No transfer reaches the account that the money came from, or nobody knows it: say which it goes to."}})
	}
	return r, nil
}

// credit is what giving back money of the price does to the order and its license, and the credit invoice about it.
func (c *Change) credit(b Book, a Ask, effect Effect, amount money.Amount, number invoice.Number, d Desk) (err error) {
	o, l, by := b.Order, *b.License, string(number)
	if effect == Voided {
		o, err = o.Annul(amount, d.Now, by)
		l = l.Annul(d.Now)
	} else {
		o, err = o.Credit(amount, d.Now, by)
	}
	if err != nil {
		return err
	}
	if effect == Shortened {
		l = l.Shorten(int64(o.Price.Gross-o.Credited), int64(o.Price.Gross-b.Order.Credited), d.Now)
	}
	price := o.Price.Part(o.Credited-b.Order.Credited, b.Order.Credited)
	credit := d.Invoices.Credit(b.Order, b.Invoice, d.Buyer, price, b.License.StartsOn, b.License.ValidThrough(), string(a.Reason), d.Now)
	credit.Number = number
	c.Order, c.License, c.Credit = &o, &l, &credit
	if amount == 0 {
		c.Letters = append(c.Letters, letter.Letter{
			ID: letter.ID("order/" + string(o.Number) + "/annulled"), Kind: letter.OrderAnnulled, Account: string(o.Account), CreatedAt: d.Now.UTC(),
			Facts: map[string]string{"order": string(o.Number), "amount": amount.Cents(), "license": string(l.ID), "credit": string(number)},
		})
	}
	return nil
}

// payOut puts the transfers of an ask into one file for our bank.
func (c *Change) payOut(refunds []Refund, d Desk) error {
	var transfers []payout.Transfer
	id := payout.ID("")
	for i, r := range refunds {
		if r.Way == ByTransfer {
			id = cmp.Or(id, payout.ID(r.ID))
			refunds[i].Payout = id
			transfers = append(transfers, r.transfer())
		}
	}
	if len(transfers) == 0 {
		return nil
	}
	p, err := d.file(id, transfers)
	c.Payout = &p
	return err
}

func (r Refund) transfer() payout.Transfer {
	return payout.Transfer{EndToEnd: r.ID.EndToEnd(), Amount: r.Amount, Name: r.Name, IBAN: r.IBAN, Text: "Opiq " + string(r.Order)}
}

func (d Desk) file(id payout.ID, transfers []payout.Transfer) (payout.Payout, error) {
	s := d.Invoices.Seller()
	return payout.New(id, payout.Debtor{Name: s.Name, IBAN: s.IBAN, BIC: s.BIC}, transfers, d.Now)
}

// reaches tells why no transfer reaches the account of a refund, or nil.
func (d Desk) reaches(r Refund) error {
	_, err := d.file(payout.ID(r.ID), []payout.Transfer{r.transfer()})
	return err
}

// offset is the money of a refund as it pays the other order.
func (r Refund) offset(b Book, other *Book, now time.Time) (Change, error) {
	if other != nil && other.Order.State == order.Reopened && other.License == nil {
		return Change{}, errUnlicensed
	}
	if other == nil || other.Order.Account != b.Order.Account || other.Order.Number == b.Order.Number || !other.Order.Takes() {
		return Change{}, ErrOffset
	}
	from, _ := b.payment(r.Payment)
	p := Payment{
		ID: ID("offset/" + r.ID), Order: other.Order.Number, Buyer: other.Order.Account, Method: order.ByOffset, Offset: r.ID, Number: string(r.Order),
		Amount: r.Amount, Payer: from.Payer, PayerName: from.PayerName, PaidAt: now.In(other.Order.Zone.Location()).Format(time.RFC3339), BookedAt: now.UTC(),
	}
	c := other.Receive(p, now, now)
	if c.Payments[0].Taken < r.Amount {
		return Change{}, ErrOffset
	}
	other.Order, other.License = *c.Order, cmp.Or(c.License, other.License) // for the next part of the same ask
	return c, nil
}

func (r Refund) end(to RefundState, trouble string, now time.Time) (Refund, bool) {
	if !refundMoves[r.State][to] {
		return r, false
	}
	r.State, r.Trouble, r.EndedAt = to, trouble, now.UTC()
	if to == Requested {
		r.EndedAt = time.Time{}
	}
	return r, true
}

func (b Book) refundOf(id RefundID) (Refund, error) {
	i := slices.IndexFunc(b.Refunds, func(r Refund) bool { return r.ID == id })
	if i < 0 {
		return Refund{}, ErrRefundUnknown
	}
	return b.Refunds[i], nil
}

// Finish is a refund whose money has gone: the provider says so, or a bank entry shows it. Not ok is one that was finished before.
func (b Book) Finish(id RefundID, entry string, now time.Time) (Change, bool, error) {
	r, err := b.refundOf(id)
	switch {
	case err != nil || r.State == Done:
		return Change{}, false, err
	case r.State == Failed && (entry == "" || r.Entry != ""):
		return Change{}, false, ErrRefundMoved
	case r.Came != "": // it was seen to come back before it was seen to go
		r.Entry = entry
		return Change{Refunds: []Refund{r}}, true, nil
	}
	failed := r.State == Failed
	r, _ = r.end(Done, "", now)
	r.Entry = entry
	c := Change{Refunds: []Refund{r}}
	if failed { // our bank did carry it out
		c, err = b.gone(r)
	}
	c.Letters = []letter.Letter{r.letter(letter.RefundDone, now)}
	return c, err == nil, err
}

// gone is a refund that had failed, and whose money went all the same: it no longer waits to be given back.
func (b Book) gone(r Refund) (Change, error) {
	p, ok := b.payment(r.Payment)
	if !ok {
		return Change{}, ErrRefundMoved
	}
	c := Change{Refunds: []Refund{r}}
	switch returned := !p.ReturnedAt.IsZero(); {
	case !returned && b.waits(p) >= r.Amount:
		c.Cases = []Case{b.caseOf(p).less(r.Amount)}
	case !returned || p.Corrected || p.rest() < r.Amount:
		return Change{}, ErrRefundMoved
	}
	p.Back += r.Amount
	c.Payments = []Payment{p}
	return c, nil
}

// Fail is a refund whose money did not get through, or came back: it waits to be given back again. Not ok is one that failed before.
func (b Book) Fail(id RefundID, trouble string, now time.Time) (c Change, ok bool, err error) {
	r, err := b.refundOf(id)
	if err != nil || r.State == Failed {
		return Change{}, false, err
	}
	r, ok = r.end(Failed, trouble, now)
	p, known := b.payment(r.Payment)
	if !ok || !known || r.Way == ByOffset {
		return Change{}, false, ErrRefundMoved
	}
	p.Back -= r.Amount
	switch {
	case !p.ReturnedAt.IsZero(): // the payer has it: all of the payment was taken back
		c.Payments, c.Letters = []Payment{p}, []letter.Letter{r.letter(letter.RefundCaseVoid, now)}
	case r.Reason == "" && r.Taken > 0: // we had not meant to give it back: it comes for the order again
		c = b.Receive(p, now, now)
	default:
		k := b.caseOf(p)
		if k.State != Open {
			k.Amount, k.Reason, k.State, k.OpenedAt = 0, Returned, Open, now.UTC()
		}
		k.Amount += r.Amount
		c.Payments, c.Cases, c.Letters = []Payment{p}, []Case{k}, []letter.Letter{r.letter(letter.RefundFailed, now)}
	}
	c.Refunds = []Refund{r}
	return c, true, nil
}

// ComeBack is a refund whose money a bank entry brings back, for a reason of the bank's. Not ok is one that failed before.
func (b Book) ComeBack(id RefundID, entry, why string, now time.Time) (Change, bool, error) {
	c, ok, err := b.Fail(id, why, now)
	if ok {
		c.Refunds[0].Came = entry
	}
	return c, ok, err
}

// patient is for how long the card provider is asked to do a refund that it refuses: longer than any request for it can be on its way.
const patient = 30 * time.Minute

// GiveUp is a refund that the card provider refuses, and has for a while. Not ok is one that it may still do, or that has ended.
func (b Book) GiveUp(id RefundID, code string, now time.Time) (Change, bool, error) {
	r, err := b.refundOf(id)
	if err != nil || r.State != Requested || now.Sub(r.At) < patient {
		return Change{}, false, err
	}
	return b.Fail(id, code, now)
}

// Unfinish is a refund that a bank entry does not show after all. That it came back stays.
func (b Book) Unfinish(id RefundID, now time.Time) (Change, error) {
	r, err := b.refundOf(id)
	if err == nil && r.Entry == "" {
		err = ErrRefundMoved
	}
	if err != nil {
		return Change{}, err
	}
	if r.Entry = ""; r.State == Done {
		r, _ = r.end(Requested, "", now)
	}
	return Change{Refunds: []Refund{r}}, nil
}

// Unfail is a refund that had not come back by a bank entry after all, where its money still waits.
func (b Book) Unfail(id RefundID, now time.Time) (Change, error) {
	r, err := b.refundOf(id)
	if err != nil {
		return Change{}, err
	}
	if r.State != Failed || r.Came == "" {
		return Change{}, ErrRefundMoved
	}
	to := Requested
	if r.Entry != "" {
		to = Done
	}
	r, _ = r.end(to, "", now)
	r.Came = ""
	return b.gone(r)
}

// ForProvider is what the card provider is asked for to do a refund; nil where it has nothing to do with it, or has ended.
func (b Book) ForProvider(id RefundID) (*everypay.Refund, error) {
	r, err := b.refundOf(id)
	if err != nil || r.Way != ByCard || r.State != Requested {
		return nil, err
	}
	return &everypay.Refund{Payment: r.Reference, Amount: r.Amount, Standing: r.Standing, Nonce: r.Nonce}, nil
}

// tail is what people are told of an account that money goes to: enough to recognize it, and no more.
func tail(iban string) string { return iban[len(iban)-4:] }

// letter is what the buyer is told of a refund.
func (r Refund) letter(k letter.Kind, now time.Time) letter.Letter {
	facts := map[string]string{"order": string(r.Order), "amount": r.Amount.Cents(), "way": string(r.Way)}
	id := "refund/" + string(r.ID) + "/" + string(k)
	if r.Revision > 1 { // it was done or had failed before
		id += fmt.Sprint("/", r.Revision)
	}
	if k == letter.Refund {
		facts["reason"], facts["credit"], facts["offset"] = string(r.Reason), string(r.Credit), string(r.Offset)
	}
	if r.IBAN != "" && k != letter.RefundFailed {
		facts["account"] = tail(r.IBAN)
	}
	return letter.Letter{ID: letter.ID(id), Kind: k, Account: string(r.Buyer), CreatedAt: now.UTC(), Facts: facts}
}

// buyers is a refund as its buyer sees it.
func (r Refund) buyers() order.Refund {
	out := order.Refund{
		ID: string(r.ID), Amount: r.Amount, Reason: string(r.Reason), Way: string(r.Way), State: string(r.State), Credit: string(r.Credit), Offset: r.Offset,
		RequestedAt: r.At, EndedAt: r.EndedAt,
	}
	if r.IBAN != "" {
		out.Account = "…" + tail(r.IBAN)
	}
	return out
}
