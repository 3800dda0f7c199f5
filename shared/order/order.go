// Package order is what a buyer asked for, at which price, and how they set out to pay it.
//
// An order is a license for a number of months from a date, at the price of the moment it was placed, which nothing
// changes later. Attempts to pay are things of their own; whether the order is paid follows from the money that
// came, which package payment books. This package sells nothing but licenses and knows no bank.
package order

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/letter"
	"opiq/shared/money"
	"opiq/shared/problem"
	"opiq/shared/reference"
	"opiq/shared/terms"
)

// Lives is how long an order without an invoice can be paid at its price; one with an invoice has the invoice's days. Money
// for an attempt that began before is taken whenever it comes.
const Lives = 14 * 24 * time.Hour

// Horizon is how many days ahead a license may start (AMB-9).
const Horizon = 365

// Why an order is not placed.
var (
	ErrNoKey        = problem.New(problem.Malformed, "idempotency_key_required", "Send an Idempotency-Key of 1 to 255 characters: the same for the same order, tried again.")
	ErrPriceChanged = problem.New(problem.Conflict, "price_changed", "The price list has changed. Look at the price again.")
	ErrKeyReused    = problem.New(problem.Conflict, "idempotency_key_reused", "This Idempotency-Key was used for another order.")
	ErrNotFound     = problem.New(problem.NotFound, "order_not_found", "You have no such order.")
	ErrTooMany      = problem.New(problem.TooMany, "too_many_orders", "You placed many orders in a short time. Wait a little.")
	ErrStillTaken   = problem.New(problem.Unavailable, "try_again", "Too much happens to this order at once. Try again.")
)

// Number names an order to its buyer, their bank and us: ten digits, the first not zero. The Estonian reference number is
// computed from it.
type Number string

// ParseNumber reads a number.
func ParseNumber(s string) (Number, bool) {
	ok := len(s) == 10 && s[0] != '0'
	for _, c := range []byte(s) {
		ok = ok && c >= '0' && c <= '9'
	}
	return Number(s), ok
}

// Sought reads what somebody looks for an order by: its number, its license's, or the reference number in either of its forms.
func Sought(s string) (Number, bool) {
	s = strings.ToUpper(strings.Join(strings.Fields(s), ""))
	if n, ok := ParseNumber(strings.TrimPrefix(s, "L")); ok {
		return n, true
	}
	r, err := reference.Parse(s)
	if err != nil {
		return "", false
	}
	return ParseNumber(r.Base())
}

// Reference is the number as an Estonian bank carries it (7-3-1).
func (n Number) Reference() reference.Number {
	r, err := reference.Of(string(n))
	if err != nil {
		panic(err) // ten digits always have one
	}
	return r
}

// Numbers are the numbers that an order of this account under this key may take: always the same ones in the same order,
// so that an order placed again is found where it was placed first.
func Numbers(who account.ID, key string) iter.Seq[Number] {
	return func(yield func(Number) bool) {
		for i := range 5 {
			sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d", who, key, i))
			n := 1_000_000_000 + binary.BigEndian.Uint64(sum[:8])%9_000_000_000
			if !yield(Number(strconv.FormatUint(n, 10))) {
				return
			}
		}
	}
}

// Wish is what a buyer asks for.
type Wish struct {
	Months          int           `json:"months"`
	StartsOn        civil.Date    `json:"startsOn"`
	OrderTerms      terms.Version `json:"orderTerms"`
	ImmediateSupply bool          `json:"immediateSupply"`
	PriceList       string        `json:"priceList,omitempty"` // the version that the buyer was shown; empty, they take today's as it is
}

// Check names every field that is missing.
func (w *Wish) Check() (wrong []problem.Field) {
	if w.Months < 1 {
		wrong = append(wrong, problem.Field{Pointer: "/months", Code: "required", Detail: "A license has at least one month."})
	}
	if w.StartsOn.IsZero() {
		wrong = append(wrong, problem.Field{Pointer: "/startsOn", Code: "required", Detail: "A license starts on a date like 2026-09-01."})
	}
	if w.OrderTerms == "" {
		wrong = append(wrong, problem.Field{Pointer: "/orderTerms", Code: "required", Detail: "The order terms have to be accepted, by their version."})
	}
	if !w.ImmediateSupply {
		wrong = append(wrong, problem.Field{Pointer: "/immediateSupply", Code: "required", Detail: "A license is digital content: its supply at once, and with it the loss of the right of withdrawal, has to be agreed to."})
	}
	return wrong
}

// Order is a license asked for. Revision counts its stored changes.
type Order struct {
	Number    Number        `json:"number"`
	Account   account.ID    `json:"account"`
	State     State         `json:"state"`
	Months    int           `json:"months"`
	StartsOn  civil.Date    `json:"startsOn"` // as asked for; the license says when it really started
	Zone      civil.Zone    `json:"zone"`
	Price     money.Price   `json:"price"`
	PriceList string        `json:"priceList"` // the version of the list that the price is from
	Remind    []int         `json:"remind"`    // and how many days before its end its owner is reminded of the license
	Terms     terms.Version `json:"terms"`
	Key       string        `json:"key"`      // fingerprint of the idempotency key it was placed under
	Wish      string        `json:"wish"`     // and of all that was asked for
	PlacedAt  time.Time     `json:"placedAt"` // also of the terms' acceptance and the consent to immediate supply
	PaidAt    time.Time     `json:"paidAt,omitzero"`
	CheckedAt time.Time     `json:"checkedAt,omitzero"` // that it has what it was paid for
	Received  money.Amount  `json:"received"`           // what it has taken of the money that came
	Forgiven  money.Amount  `json:"forgiven"`           // a few cents that were missing when it counted as paid
	Credited  money.Amount  `json:"credited"`           // what of the price is not owed after all
	Bill      *Bill         `json:"bill,omitempty"`     // where an invoice was asked for
	History   []Happened    `json:"history"`
	Revision  int           `json:"revision"`
}

// Bill is what an order remembers of its invoice.
type Bill struct {
	Invoice   string       `json:"invoice"` // its number
	Name      string       `json:"name"`    // who it is made out to, and
	Code      string       `json:"code"`    // their registry code: by these a payment without a reference may be recognized
	DueOn     civil.Date   `json:"dueOn"`
	RemindOn  civil.Date   `json:"remindOn,omitzero"`
	OverdueOn civil.Date   `json:"overdueOn,omitzero"`
	ExpiresOn civil.Date   `json:"expiresOn"` // the first day on which it can no longer be paid
	Tolerance money.Amount `json:"tolerance"` // so much may be missing
	Account   string       `json:"account"`   // the IBAN to pay to, and
	PayTo     string       `json:"payTo"`     // its owner
}

// Happened is one line of an order's history.
type Happened struct {
	Event Event     `json:"event"`
	At    time.Time `json:"at"`
	By    string    `json:"by"` // account, or the payment that did it
}

// EndsOn is the day on which the license asked for no longer opens anything.
func (o Order) EndsOn() civil.Date { return o.StartsOn.AddMonths(o.Months) }

// CheckKey refuses an Idempotency-Key that is none.
func CheckKey(key string) error {
	if key == "" || len(key) > 255 {
		return ErrNoKey
	}
	return nil
}

// Place makes the order of a wish at today's price, but for its number. A wish that cannot be met names every wrong
// field; outdated terms are account.ErrTermsOutdated, and somebody who may not buy hears why.
func Place(who account.Account, shelf catalog.Shelf, w Wish, key string, now time.Time) (Order, error) {
	if err := who.MayBuy(shelf.Groups, now); err != nil {
		return Order{}, err
	}
	today := civil.DateOf(now, civil.Tallinn)
	prices := shelf.PlansOn(today)
	plan, ok := prices.Plan(w.Months)
	var wrong []problem.Field
	if !ok {
		wrong = append(wrong, problem.Field{Pointer: "/months", Code: "no_plan", Detail: "There is no plan of so many months."})
	}
	if w.StartsOn.Before(today) {
		wrong = append(wrong, problem.Field{Pointer: "/startsOn", Code: "in_the_past", Detail: "A license starts today at the earliest."})
	}
	if today.AddDays(Horizon).Before(w.StartsOn) {
		wrong = append(wrong, problem.Field{Pointer: "/startsOn", Code: "too_far", Detail: "A license starts within 365 days."})
	}
	if err := problem.Wrong(wrong); err != nil {
		return Order{}, err
	}
	if w.PriceList != "" && w.PriceList != prices.Version() {
		return Order{}, ErrPriceChanged
	}
	if w.OrderTerms != terms.InForce(terms.Order, today) {
		return Order{}, account.ErrTermsOutdated
	}
	o := Order{
		Account: who.ID, Months: w.Months, StartsOn: w.StartsOn, Zone: civil.Tallinn, Price: plan.Price(today), PriceList: prices.Version(),
		Remind: plan.Remind, Terms: w.OrderTerms, Key: fingerprint(key), Wish: w.fingerprint(), PlacedAt: now.UTC().Truncate(time.Second),
	}
	return o.on(WasPlaced, o.PlacedAt, string(who.ID))
}

// Under tells whether the order was placed by this account under this key.
func (o Order) Under(who account.ID, key string) bool {
	return o.Account == who && o.Key == fingerprint(key)
}

// Repeat is the order as it was when it was first placed, for the same wish again; another wish is ErrKeyReused.
func (o Order) Repeat(w Wish) (Order, error) {
	if o.Wish != w.fingerprint() {
		return Order{}, ErrKeyReused
	}
	o.State, o.PaidAt, o.CheckedAt, o.Received, o.Forgiven, o.Credited, o.Bill = Placed, time.Time{}, time.Time{}, 0, 0, 0, nil
	return o, nil
}

func (w Wish) fingerprint() string {
	all := fmt.Sprintf("%d %s %s %t", w.Months, w.StartsOn, w.OrderTerms, w.ImmediateSupply)
	if w.PriceList != "" {
		all += " " + w.PriceList
	}
	return fingerprint(all)
}

func fingerprint(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

func (o Order) on(e Event, at time.Time, by string) (Order, error) {
	to, ok := moves[o.State][e]
	if !ok {
		return Order{}, cmp.Or(refusal[o.State], fmt.Errorf("order %s: %s is not possible when %q", o.Number, e, o.State))
	}
	o.State = to
	o.History = append(slices.Clone(o.History), Happened{e, at.UTC(), by})
	return o, nil
}

// Open is what is left to pay.
func (o Order) Open() money.Amount { return o.Price.Gross - o.Received - o.Forgiven - o.Credited }

// MaxParts are in how many parts an order may be paid, whoever says so: what came for one that is given up goes back in one transaction.
const MaxParts = 30

// TakesParts tells whether the order can be paid in one more part.
func (o Order) TakesParts() bool { return o.times(WasPaidPart) < MaxParts }

// Take is the order after money came for it, and how much of it the order takes, which may be none; the rest has to go back.
// An expired order takes only all that it costs at once, and so does one that was paid in very many parts. One that was annulled
// takes back what it was to keep, where that had gone.
func (o Order) Take(amount money.Amount, at time.Time, by string) (Order, money.Amount) {
	taken, event := min(amount, o.Open()), WasPaidPart
	missing := o.Open() - taken
	if o.State != Annulled && (missing == 0 || o.Bill != nil && missing <= o.Bill.Tolerance) {
		event = WasPaid
	}
	if taken <= 0 || event == WasPaidPart && o.State != Annulled && !o.TakesParts() {
		return o, 0
	}
	next, err := o.on(event, at, by)
	if err != nil {
		return o, 0
	}
	next.Received += taken
	if event == WasPaid {
		next.Forgiven, next.PaidAt, next.CheckedAt = missing, at.UTC(), time.Time{}
	}
	return next, taken
}

// times is how often something happened to the order.
func (o Order) times(e Event) (n int) {
	for _, h := range o.History {
		if h.Event == e {
			n++
		}
	}
	return n
}

// Release is the order after money that it had taken went back to its payer.
func (o Order) Release(taken money.Amount, at time.Time, by string) (Order, error) {
	o, err := o.on(WasTakenBack, at, by)
	o.Received -= taken
	if o.State == Reopened {
		o.Forgiven, o.PaidAt = 0, time.Time{}
	}
	return o, err
}

// Credit is the order after a part of what it had taken is given back: it stays paid, at a lower price.
func (o Order) Credit(amount money.Amount, at time.Time, by string) (Order, error) {
	o, err := o.on(WasCredited, at, by)
	o.Received -= amount
	o.Credited += amount
	return o, err
}

// Annul is the order at its end, after so much of what it had taken is given back: what it keeps is its price.
func (o Order) Annul(amount money.Amount, at time.Time, by string) (Order, error) {
	o, err := o.on(WasAnnulled, at, by)
	o.Received -= amount
	o.Forgiven, o.Credited = 0, o.Price.Gross-o.Received
	return o, err
}

// Check is a paid order after somebody saw that it has its license and its letters.
func (o Order) Check(at time.Time) (Order, error) {
	o, err := o.on(WasChecked, at, "time")
	o.CheckedAt = at.UTC()
	return o, err
}

// Checks is when a paid order is looked at: a while after its money came, when all that follows from it has long been done.
func (o Order) Checks() (at time.Time, ok bool) {
	return o.PaidAt.Add(10 * time.Minute), o.State == Paid && o.CheckedAt.IsZero()
}

// Cancel is the order after its buyer gave it up, without what it had taken. One that was given up before stays so.
func (o Order) Cancel(now time.Time) (Order, error) {
	switch o.State {
	case Cancelled:
		return o, nil
	case Reopened:
		return o, ErrOwed
	case Expired:
		return o, ErrExpired
	}
	return o.giveUp(now)
}

// Leave is the order after its buyer closed their account: no money pays it any more. Not ok is one that none would have paid.
func (o Order) Leave(now time.Time) (_ Order, ok bool) {
	if o.State != Placed && o.State != Expired {
		return o, false
	}
	o, err := o.giveUp(now)
	return o, err == nil
}

func (o Order) giveUp(now time.Time) (Order, error) {
	o, err := o.on(WasCancelled, now, string(o.Account))
	o.Received = 0
	return o, err
}

// Takes tells whether money can still pay the order.
func (o Order) Takes() bool {
	_, ok := moves[o.State][WasPaid]
	return ok
}

// StillPriced tells whether what was ordered costs the same today.
func (o Order) StillPriced(shelf catalog.Shelf, now time.Time) bool {
	today := civil.DateOf(now, o.Zone)
	plan, ok := shelf.PlansOn(today).Plan(o.Months)
	return ok && plan.Price(today) == o.Price
}

// Billed is the order after an invoice was made for it. One that is paid, cancelled or too old takes none.
func (o Order) Billed(b Bill, now time.Time) (Order, error) {
	if err := o.Payable(now); err != nil {
		return o, err
	}
	o.Bill = &b
	return o.on(WasInvoiced, now, b.Invoice)
}

// PayableBy tells why its buyer cannot set out to pay the order now, or nil: nobody pays for what would not open. What somebody owes they
// may always pay.
func (o Order) PayableBy(who account.Account, groups hold.Set, now time.Time) error {
	if err := o.Payable(now); err != nil || o.State == Reopened {
		return err
	}
	return who.MayBuy(groups, now)
}

// Payable tells why nobody can set out to pay the order now, or nil.
func (o Order) Payable(now time.Time) error {
	if err := refusal[o.State]; err != nil {
		return err
	}
	if o.State == Placed && !now.Before(o.ExpiresAt()) {
		return ErrExpired
	}
	return nil
}

// ExpiresAt is the end of the order's price.
func (o Order) ExpiresAt() time.Time {
	if o.Bill != nil {
		return o.Bill.ExpiresOn.Start(o.Zone)
	}
	return o.PlacedAt.Add(Lives)
}

// Confirmation is the letter that tells the buyer what they ordered, on a durable medium.
func (o Order) Confirmation() letter.Letter {
	return letter.Letter{
		ID: letter.ID("order/" + string(o.Number) + "/confirmation"), Kind: letter.OrderConfirmation, Account: string(o.Account), CreatedAt: o.PlacedAt,
		Facts: o.Price.Facts(map[string]string{
			"order": string(o.Number), "months": strconv.Itoa(o.Months), "startsOn": o.StartsOn.String(), "endsOn": o.EndsOn().String(),
			"validThrough": o.EndsOn().AddDays(-1).String(), "terms": string(o.Terms), "placedAt": o.PlacedAt.Format(time.RFC3339),
		}),
	}
}
