package reconciliation_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"opiq/local/ledger"
	"opiq/shared/account"
	"opiq/shared/banklink"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/payout"
	"opiq/shared/reconciliation"
	"opiq/shared/statement"
	"opiq/shared/terms"
)

var noon = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

const ours = "EE597700771234567897" // at LHV, where all of this world pays

var desk = invoice.Desk{
	Accounts: []invoice.Account{{IBAN: ours, BIC: "LHVBEE22", Bank: "LHV"}}, VATNumber: "EE100000000", Address: "Tartu",
	DueDays: 14, RemindBefore: 3, RemindAfter: 3, ExpireAfter: 14, Tolerance: 1,
}

var payers = []string{"EE171010123456789017", "EE702200221022222222", ""}

// world is a shop and a bank, in memory. It stores as the table does: whole, and only what stands at the revision that was read.
type world struct {
	t       fataler
	now     time.Time
	orders  map[order.Number]*payment.Book
	entries map[reconciliation.ID]reconciliation.Entry
	letters map[letter.ID]letter.Letter
	paid    []banklink.Notice // bank links that were paid, told of or not
	told    map[payment.ID]bool
	charges []*charge
	credits []invoice.Credit
	payouts []payout.Payout
	moved   map[payment.RefundID]string // how far the bank is with the transfer of a refund
	turn    int                         // how often something was drawn
	last    int                         // invoice number
	minted  int                         // identities given to bank entries
}

type fataler interface{ Fatalf(string, ...any) }

func newWorld(t fataler) *world {
	return &world{
		t: t, now: noon, orders: map[order.Number]*payment.Book{}, entries: map[reconciliation.ID]reconciliation.Entry{}, letters: map[letter.ID]letter.Letter{},
		told: map[payment.ID]bool{}, moved: map[payment.RefundID]string{},
	}
}

func (w *world) write(letters ...letter.Letter) {
	for _, l := range letters {
		if _, there := w.letters[l.ID]; there {
			w.t.Fatalf("letter %s is written twice: its transaction would fail for ever", l.ID)
		}
		w.letters[l.ID] = l
	}
}

// put is a conditional put: v in the place of what is the same, if that stands at the revision that v was read at.
func put[T any](w *world, list *[]T, v T, same func(T) bool, revision func(*T) *int) {
	i := slices.IndexFunc(*list, same)
	if i < 0 {
		i = len(*list)
		var none T
		*list = append(*list, none)
	}
	if there, read := *revision(&(*list)[i]), *revision(&v); there != read {
		w.t.Fatalf("%T was read at revision %d and stands at %d", v, read, there)
	}
	*revision(&v)++
	(*list)[i] = v
}

func (w *world) store(n order.Number, c payment.Change) {
	b := w.orders[n]
	if c.Attempt != nil {
		put(w, &b.Attempts, *c.Attempt, func(x order.Attempt) bool { return x.ID == c.Attempt.ID }, func(x *order.Attempt) *int { return &x.Revision })
	}
	for _, p := range c.Payments {
		put(w, &b.Payments, p, func(x payment.Payment) bool { return x.ID == p.ID }, func(x *payment.Payment) *int { return &x.Revision })
	}
	for _, r := range c.Refunds {
		put(w, &b.Refunds, r, func(x payment.Refund) bool { return x.ID == r.ID }, func(x *payment.Refund) *int { return &x.Revision })
	}
	if c.Credit != nil {
		w.credits = append(w.credits, *c.Credit)
	}
	if c.Payout != nil {
		w.payouts = append(w.payouts, *c.Payout)
	}
	for _, k := range c.Cases {
		put(w, &b.Cases, k, func(x payment.Case) bool { return x.Payment == k.Payment }, func(x *payment.Case) *int { return &x.Revision })
	}
	if o := c.Order; o != nil {
		if o.Revision != b.Order.Revision {
			w.t.Fatalf("order %s was read at another revision", n)
		}
		b.Order = *o
		b.Order.Revision++
	}
	if l := c.License; l != nil {
		if b.License != nil && l.Revision != b.License.Revision {
			w.t.Fatalf("license %s was read at another revision", l.ID)
		}
		stored := *l
		stored.Revision++
		b.License = &stored
	}
	w.write(c.Letters...)
}

func (w *world) reconcile(o reconciliation.Outcome) {
	for _, c := range o.Changes {
		if len(c.Refunds) > 0 {
			w.store(c.Refunds[0].Order, c)
		} else {
			w.store(c.Payments[0].Order, c)
		}
	}
	o.Entry.Revision++
	w.entries[o.Entry.ID] = o.Entry
}

func (w *world) place(months, inDays int) *payment.Book {
	mari := account.Account{ID: "mari", FirstName: "Mari", LastName: "Maasikas", Accepted: []terms.Acceptance{{Document: terms.Use, Version: "2017-02-01"}}}
	today := civil.DateOf(w.now, civil.Tallinn)
	wish := order.Wish{Months: months, StartsOn: today.AddDays(inDays), OrderTerms: terms.InForce(terms.Order, today), ImmediateSupply: true}
	o, err := order.Place(mari, catalog.Shelf{}, wish, "key", w.now)
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	o.Number = order.Number(fmt.Sprint(2_600_012_345 + 7919*len(w.orders)))
	w.write(o.Confirmation())
	w.orders[o.Number] = &payment.Book{Order: o}
	return w.orders[o.Number]
}

func (w *world) invoice(b *payment.Book) {
	if b.Invoice != nil || b.Order.Payable(w.now) != nil {
		return
	}
	draft := desk.Draft(b.Order, account.Account{FirstName: "Mari", LastName: "Maasikas", Language: lang.Estonian}, nil, w.now)
	made, err := desk.Issue(invoice.NumberOf(2026, w.last+1), draft, b.Order, w.now)
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	w.last++
	b.Invoice = &made.Invoice
	w.store(b.Order.Number, payment.Change{Order: &made.Order, Letters: made.Letters})
}

// link begins a bank link and pays it at the bank: our account has the money, and nobody has told us.
func (w *world) link(b *payment.Book, key, payer string) {
	a, err := b.Order.Start(order.Way{Method: order.BankLink, Bank: "lhv"}, key, lang.Estonian, b.Attempts, w.now)
	if err != nil || slices.ContainsFunc(b.Attempts, func(x order.Attempt) bool { return x.ID == a.ID }) {
		return
	}
	w.store(b.Order.Number, payment.Change{Attempt: &a})
	w.paid = append(w.paid, banklink.Notice{
		Bank: "lhv", Service: banklink.Paid, Stamp: string(a.Stamp()), Number: key, Amount: a.Amount.String(), Currency: "EUR", Account: ours,
		Payer: payer, Reference: string(a.Order.Reference()), At: w.now.Format(banklink.Layout),
	})
}

// tell brings the bank's notice.
func (w *world) tell(n banklink.Notice) {
	number, _, _ := order.ParseStamp(n.Stamp)
	c, news, err := payment.Settle(*w.orders[number], n, w.now)
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	if news {
		w.store(number, c)
	}
	w.told[payment.ID("banklink/lhv/"+n.Stamp+"/"+n.Number)] = true
}

// booked tells how many payments are a bank link's.
func (w *world) booked(id payment.ID) (n int) {
	for _, b := range w.orders {
		for _, p := range b.Payments {
			if p.ID == id || p.Notice == id {
				n++
			}
		}
	}
	return n
}

// book puts a movement on the account, as the next statement shows it.
func (w *world) book(e statement.Entry) statement.Entry {
	w.minted++
	e.Booking = fmt.Sprintf("%032x", w.minted)
	e.ID, e.Part, e.Parts, e.Account, e.Booked = e.Booking, 1, 1, ours, civil.DateOf(w.now, civil.Tallinn)
	if e.Direction == "" {
		e.Direction = statement.Credit
	}
	return e
}

// hand hands an entry in, once however often, and matches it as invoice-matching does.
func (w *world) hand(e statement.Entry) {
	kept, there := w.entries[reconciliation.IDOf(e)]
	if !there {
		kept = reconciliation.Keep(e, "statement", "key:bank", w.now)
		kept.Revision = 1
		w.entries[kept.ID] = kept
	}
	names := reconciliation.NamesOf(e)
	k := reconciliation.Known{Sure: w.books(names.Sure), Text: w.books(names.Text), Names: names}
	for _, n := range names.Invoices {
		for _, number := range slices.Sorted(maps.Keys(w.orders)) {
			if b := w.orders[number]; b.Invoice != nil && b.Invoice.Number == n && !slices.Contains(names.Sure, number) && !slices.Contains(names.Text, number) {
				k.Text = append(k.Text, *b)
			}
		}
	}
	if kept.Return() {
		for _, number := range slices.Sorted(maps.Keys(w.orders)) {
			b := w.orders[number]
			if slices.ContainsFunc(b.Payments, func(p payment.Payment) bool {
				return p.Payer != "" && p.Payer == e.Other.Account && p.Amount == e.Amount
			}) {
				k.Payer = append(k.Payer, *b)
			}
		}
	}
	if o, news := reconciliation.Decide(kept, k, w.now); news {
		if o.Entry.State == reconciliation.Waiting {
			o.Entry = o.Entry.Suggest(w.hints(o.Entry, names, k))
		}
		w.reconcile(o)
	}
}

func (w *world) books(numbers []order.Number) (found []payment.Book) {
	for _, n := range numbers {
		if b, ok := w.orders[n]; ok {
			found = append(found, *b)
		}
	}
	return found
}

func (w *world) hints(e reconciliation.Entry, names reconciliation.Names, k reconciliation.Known) reconciliation.Hints {
	h := reconciliation.Hints{Names: names, Named: slices.Concat(k.Sure, k.Text)}
	for _, n := range slices.Sorted(maps.Keys(w.orders)) {
		if o := w.orders[n].Order; o.Bill != nil && o.Takes() && o.Open() == e.Bank.Amount {
			h.Open = append(h.Open, o)
		}
	}
	return h
}

// decide is a person's decision, which may be refused.
func (w *world) decide(id reconciliation.ID, d reconciliation.Decision) error {
	e := w.entries[id]
	books := map[order.Number]payment.Book{}
	for _, n := range d.Needs(e) {
		if b, ok := w.orders[n]; ok {
			books[n] = *b
		}
	}
	o, err := d.Take(e, books, "account:finance", w.now)
	if err == nil {
		w.reconcile(o)
	}
	return err
}

// ledger is all that the table would hold.
func (w *world) ledger() (l ledger.Ledger) {
	l.Series = map[string]int{}
	if w.last > 0 {
		l.Series["2026"] = w.last
	}
	for _, b := range w.orders {
		l.Orders = append(l.Orders, b.Order)
		l.Attempts = append(l.Attempts, b.Attempts...)
		l.Payments = append(l.Payments, b.Payments...)
		l.Cases = append(l.Cases, b.Cases...)
		l.Refunds = append(l.Refunds, b.Refunds...)
		if b.License != nil {
			l.Licenses = append(l.Licenses, *b.License)
		}
		if b.Invoice != nil {
			l.Invoices = append(l.Invoices, *b.Invoice)
		}
	}
	for _, c := range w.charges {
		l.Cards = append(l.Cards, ledger.Card{Reference: c.Reference, Order: c.order, Attempt: c.attempt})
	}
	l.Credits, l.Payouts = w.credits, w.payouts
	l.Entries = slices.Collect(maps.Values(w.entries))
	l.Letters = slices.Collect(maps.Values(w.letters))
	return l
}

// cases is how many random worlds are played. Each has up to 45 things that happen.
const cases = "10000"

// TestWhateverHappensEveryCentIsAccountedFor plays random worlds: orders, invoices, bank links, transfers that are exact, short, too
// much, misdirected, split and merged, repeated and returned, in any order; cards, and whatever their provider says, late, twice and
// out of date; refunds of every reason and way, which get through, fail, come back, or are not heard of; persons who decide, and undo;
// time that passes. After each, every invariant of the ledger holds, no letter was written twice, and nobody wrote over what somebody
// else had changed.
func TestWhateverHappensEveryCentIsAccountedFor(t *testing.T) {
	before := flag.Lookup("rapid.checks").Value.String()
	if err := flag.Set("rapid.checks", cases); err != nil {
		t.Fatal(err)
	}
	defer flag.Set("rapid.checks", before)
	ends := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		var bank []statement.Entry // booked, and not handed in yet or again
		for range rapid.SampledFrom([]int{30, 10, 45}).Draw(t, "events") {
			w.happen(t, &bank)
		}
		for _, e := range bank { // the last statement
			w.hand(e)
		}
		w.agree()
		for _, breach := range w.ledger().Check() {
			t.Fatalf("%s", breach)
		}
		for id := range w.told {
			if n := w.booked(id); n != 1 {
				t.Fatalf("%s was told of, and is %d payments", id, n)
			}
		}
		for _, e := range w.entries {
			if e.State == reconciliation.New {
				t.Fatalf("entry %s was left lying", e.ID)
			}
			ends["entry "+string(e.State)]++
		}
		for _, b := range w.orders {
			ends["order "+string(b.Order.State)]++
			for _, k := range b.Cases {
				ends["case "+string(k.State)+" "+string(k.Reason)]++
			}
			for _, r := range b.Refunds {
				ends[string(r.Way)+" "+string(r.State)]++
				ends["reason "+string(r.Reason)]++
			}
		}
	})
	all := []string{
		"order placed", "order paid", "order cancelled", "order expired", "order reopened", "order annulled", "case open returned", "case void charged_back",
		"card requested", "card done", "card failed", "transfer requested", "transfer done", "transfer failed", "offset done", "reason ",
	}
	for _, s := range reconciliation.States[1:] { // none stays new
		all = append(all, "entry "+string(s))
	}
	for _, why := range payment.Whys {
		all = append(all, "reason "+string(why))
	}
	for _, end := range all {
		if ends[end] < 10 {
			t.Errorf("%q: only %d: this test shows nothing about it", end, ends[end])
		}
	}
}

// pick is one of a list. What is drawn at random favors the beginning of a list, so that begins elsewhere each time.
func pick[T any](w *world, t *rapid.T, label string, list []T) T {
	w.turn++
	at := int(uint32(w.turn)*2654435761>>8) % len(list)
	return rapid.SampledFrom(slices.Concat(list[at:], list[:at])).Draw(t, label)
}

// happen lets one thing happen.
func (w *world) happen(t *rapid.T, bank *[]statement.Entry) {
	draw := func(list ...string) string { return pick(w, t, "what", list) }
	some := func() *payment.Book {
		if len(w.orders) == 0 {
			return w.place(6, 0)
		}
		return w.orders[pick(w, t, "order", slices.Sorted(maps.Keys(w.orders)))]
	}
	payer := pick(w, t, "payer", payers)
	show := func(e statement.Entry) { // on the next statement
		e = w.book(e)
		if *bank = append(*bank, e); draw("handed in", "later") == "handed in" {
			w.hand(e)
		}
	}
	credit := func(amount money.Amount, refs []string, text string) {
		if amount > 0 {
			show(statement.Entry{Amount: amount, Reference: refs, Text: text, Other: statement.Party{Account: payer, Name: "Mari Maasikas"}})
		}
	}
	atWork := func(r payment.Refund) bool { return r.Way == payment.ByCard && r.State == payment.Requested }
	toSend := func(r payment.Refund) bool { return r.Way == payment.ByTransfer && r.State == payment.Requested }
	abroad := func(r payment.Refund) bool { return r.Way == payment.ByTransfer && w.moved[r.ID] != "back" }
	var can []string
	for _, x := range []struct {
		what  string
		times int
		can   bool
	}{
		{"transfer", 3, true}, {"card", 2, true}, {"link", 1, true}, {"invoice", 1, true}, {"merged", 1, true}, {"other", 1, true}, {"time", 1, true},
		{"place", 1, len(w.orders) < 3}, {"cancel", 1, len(w.orders) > 1}, {"tell", 1, len(w.paid) > 0}, {"shown", 1, len(w.paid) > 0}, {"return", 1, w.came()},
		{"hand", 3, len(*bank) > 0}, {"decide", 1, len(w.entries) > 0}, {"undo", 1, len(w.entries) > 1}, {"provider", 3, len(w.charges) > 0},
		{"hear", 2, len(w.charges) > 0}, {"refund", 4, w.came()}, {"provide", 3, len(w.refunds(atWork)) > 0}, {"away", 4, len(w.refunds(abroad)) > 0},
		{"rejected", 1, len(w.refunds(toSend)) > 0},
	} {
		if x.can {
			can = append(can, slices.Repeat([]string{x.what}, x.times)...)
		}
	}
	switch draw(can...) {
	case "place":
		w.place(rapid.SampledFrom([]int{1, 6, 12}).Draw(t, "months"), rapid.IntRange(0, 40).Draw(t, "days"))
	case "invoice":
		w.invoice(some())
	case "transfer":
		b := some()
		amount := b.Order.Open()
		switch draw("exact", "exact", "short", "over", "cent") {
		case "short":
			amount /= 2
		case "over":
			amount = amount*3/2 + 1
		case "cent":
			amount--
		}
		right := string(b.Order.Number.Reference())
		switch draw("structured", "structured", "rf", "text", "spaces", "zeros", "wrong", "unknown", "none") {
		case "structured":
			credit(amount, []string{right}, "")
		case "rf":
			credit(amount, []string{b.Order.Number.Reference().RF()}, "")
		case "text":
			credit(amount, nil, "Opiq, viitenumber "+right+" aitäh")
		case "spaces":
			credit(amount, nil, "arve "+right[:4]+" "+right[4:8]+" "+right[8:])
		case "zeros":
			credit(amount, []string{"000" + right}, "")
		case "wrong":
			credit(amount, []string{right[:10] + string('0'+(right[10]-'0'+1)%10)}, "")
		case "unknown":
			credit(amount, []string{"13"}, "")
		case "none":
			credit(amount, nil, "aitäh")
		}
	case "merged":
		x, y := some(), some()
		amount := x.Order.Open()
		if x != y {
			amount += y.Order.Open()
		}
		if draw("fits", "does not") == "does not" {
			amount -= 100
		}
		refs := []string{string(x.Order.Number.Reference()), string(y.Order.Number.Reference())}
		if draw("structured", "text") == "text" {
			credit(amount, nil, strings.Join(refs, ", "))
		} else {
			credit(amount, refs, "")
		}
	case "link":
		w.link(some(), fmt.Sprint(len(w.paid)), payer)
	case "tell":
		w.tell(pick(w, t, "notice", w.paid))
	case "shown": // a bank link's money is on the account too
		n := pick(w, t, "notice", w.paid)
		amount, _ := money.Parse(n.Amount)
		payer = n.Payer
		credit(amount, []string{n.Reference}, "")
	case "other":
		e := statement.Entry{Amount: 250, Other: statement.Party{Account: payer}}
		switch draw("fee", "outgoing", "foreign", "lump", "reversal", "payout") {
		case "fee":
			e.Direction, e.Code.SubFamily = statement.Debit, "CHRG"
		case "outgoing":
			e.Direction = statement.Debit
		case "foreign":
			e.Amount, e.Original = 0, statement.Original{Amount: "10", Currency: "USD"}
		case "lump":
			e.Lump = true
		case "reversal":
			e.Reversal = true
		case "payout":
			e.Other.Registry = "12280690"
		}
		show(e)
	case "return":
		b := some()
		if len(b.Payments) > 0 {
			p := pick(w, t, "payment", b.Payments)
			e := statement.Entry{Amount: p.Amount, Direction: statement.Debit, Other: statement.Party{Account: p.Payer}}
			e.Returned = draw("returned", "reversal") == "returned"
			e.Reversal = !e.Returned
			if draw("named", "unnamed") == "named" {
				e.Reference = []string{string(p.Order.Reference())}
			}
			show(e)
		}
	case "hand": // a statement with some of it, perhaps handed in before
		w.hand(pick(w, t, "entry", *bank))
	case "decide":
		id := pick(w, t, "entry", slices.Sorted(maps.Keys(w.entries)))
		d := reconciliation.Decision{Reason: "so it is"}
		switch draw("allocate", "allocate", "two", "ignore", "refund", "undo", "undo") {
		case "allocate":
			b := some()
			d.Allocate = []reconciliation.Share{{Order: b.Order.Number, Amount: max(1, w.entries[id].Bank.Amount)}}
		case "two":
			x, y, amount := some(), some(), w.entries[id].Bank.Amount
			if x == y || amount < 2 {
				return
			}
			half := amount / 2
			d.Allocate = []reconciliation.Share{{Order: x.Order.Number, Amount: half}, {Order: y.Order.Number, Amount: amount - half - amount%2}}
		case "ignore":
			d.Ignore = true
		case "refund":
			d.Refund = true
		case "undo":
			d.Undo = true
		}
		if wrong := d.Check(); len(wrong) > 0 {
			t.Fatalf("%+v", wrong)
		}
		w.decide(id, d) // may be refused, and does nothing then
	case "undo": // what the ladder said of a return, or a person of a payment
		var decided []reconciliation.ID
		for _, id := range slices.Sorted(maps.Keys(w.entries)) {
			if len(w.entries[id].Allocations) > 0 {
				decided = append(decided, id)
			}
		}
		if len(decided) > 0 {
			w.decide(pick(w, t, "entry", decided), reconciliation.Decision{Undo: true, Reason: "it was not so"})
		}
	case "card":
		w.charge(some(), fmt.Sprint("card", len(w.charges)))
	case "provider":
		c := pick(w, t, "card payment", w.charges)
		c.move(w, t)
		if last := len(c.said) - 1; draw("told at once", "not yet") == "told at once" {
			w.hear(c, c.said[last], c.events[last])
		}
	case "hear": // perhaps again, perhaps about something else, and with an old answer
		c := pick(w, t, "card payment", w.charges)
		i := len(c.said) - 1
		if draw("fresh", "fresh", "old") == "old" {
			i = rapid.IntRange(0, i).Draw(t, "answer")
		}
		w.hear(c, c.said[i], pick(w, t, "event", c.events))
	case "refund":
		b := some()
		w.ask(b.Order.Number, w.someAsk(t, b)) // may be refused, and does nothing then
	case "provide":
		w.provide(pick(w, t, "refund", w.refunds(atWork)), draw("yes", "yes", "lost", "no"))
	case "away":
		show(w.transfer(pick(w, t, "refund", w.refunds(abroad)), draw("named", "named", "named", "unnamed") == "named"))
	case "rejected": // somebody says so, and it need not be true
		r := pick(w, t, "refund", w.refunds(toSend))
		out, _, err := payment.Rejection{Reason: "no such account"}.Take(*w.orders[r.Order], r.ID, account.Actor{}, w.now)
		if err != nil {
			t.Fatal(err)
		}
		w.store(r.Order, out.Change)
	case "cancel":
		b := some()
		if c, news, err := b.Cancel(w.now); err == nil && news {
			w.store(b.Order.Number, c)
		}
	case "time":
		w.now = w.now.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "days")) * 24 * time.Hour)
		for _, n := range slices.Sorted(maps.Keys(w.orders)) {
			if c, ok := w.orders[n].Step(w.now); ok {
				w.store(n, c)
			}
		}
		w.lapse()
	}
}
