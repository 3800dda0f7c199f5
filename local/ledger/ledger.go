// Package ledger reads the whole table from outside and holds it against the invariants of the house: after every story,
// every broken call and every killed process they must hold, to the cent.
//
// The package is for tests, and for the stand-in account; no function has the right to read everything.
package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"opiq/shared/account"
	"opiq/shared/activity"
	"opiq/shared/catalog"
	"opiq/shared/everypay"
	"opiq/shared/hold"
	"opiq/shared/intake"
	"opiq/shared/invoice"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/payout"
	"opiq/shared/reading"
	"opiq/shared/reconciliation"
	"opiq/shared/takedown"
)

// Ledger is all that a table holds, by kind.
type Ledger struct {
	Accounts []account.Account
	SignUps  []account.SignUp
	Orders   []order.Order
	Attempts []order.Attempt
	Payments []payment.Payment
	Cases    []payment.Case
	Refunds  []payment.Refund
	Cards    []Card
	Payouts  []payout.Payout
	Refused  []payment.Refused
	Licenses []license.License
	Entries  []reconciliation.Entry
	Invoices []invoice.Invoice
	Credits  []invoice.Credit
	Series   map[string]int // the last number of each year's
	Imports  []intake.Import
	Letters  []letter.Letter
	Keys     []account.Key
	Acts     []account.Act

	Lines  []activity.Line
	Places []Place
	Notes  []Note

	Works     []catalog.Change // what staff changed of them
	Prices    []catalog.List   // that staff set
	Takedowns []takedown.Report

	Holds   []hold.Record
	Groups  []catalog.Group // that are or were on hold
	Members []account.Member
}

// Card says whose a payment at the card provider is.
type Card struct {
	Reference everypay.Reference
	Order     order.Number    `json:"order"`
	Attempt   order.AttemptID `json:"attempt"`
}

// Place is where somebody was in a work, and their bookmarks.
type Place struct {
	Account account.ID `json:"-"`
	reading.Place
}

// Note is what somebody wrote at a chapter.
type Note struct {
	Account account.ID `json:"-"`
	reading.Note
}

// Read reads a table.
func Read(ctx context.Context, cfg aws.Config, name string) (Ledger, error) {
	var l Ledger
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(cfg), &dynamodb.ScanInput{
		TableName: &name, ConsistentRead: aws.Bool(true), Limit: aws.Int32(300), // the local engine takes twice as long over larger pages
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return l, err
		}
		for _, i := range page.Items {
			if err := l.add(i); err != nil {
				return l, err
			}
		}
	}
	return l, nil
}

// Holds reads a table and wants every invariant to hold.
func Holds(t testing.TB, cfg aws.Config, name string) Ledger {
	t.Helper()
	l, err := Read(t.Context(), cfg, name)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range l.Check() {
		t.Error(b)
	}
	return l
}

func (l *Ledger) add(i map[string]types.AttributeValue) (err error) {
	kind, _ := i["kind"].(*types.AttributeValueMemberS)
	pk, _ := i["PK"].(*types.AttributeValueMemberS)
	if kind == nil || pk == nil {
		return fmt.Errorf("ledger: an item without a kind: %v", i["PK"])
	}
	switch kind.Value {
	case "account":
		l.Accounts, err = with(l.Accounts, i)
	case "signup":
		l.SignUps, err = with(l.SignUps, i)
	case "order":
		l.Orders, err = with(l.Orders, i)
	case "attempt":
		l.Attempts, err = with(l.Attempts, i)
	case "payment":
		l.Payments, err = with(l.Payments, i)
	case "case":
		l.Cases, err = with(l.Cases, i)
	case "refund":
		l.Refunds, err = with(l.Refunds, i)
	case "card":
		l.Cards, err = with(l.Cards, i)
		l.Cards[len(l.Cards)-1].Reference = everypay.Reference(strings.TrimPrefix(pk.Value, "CARD#"))
	case "payout":
		l.Payouts, err = with(l.Payouts, i)
	case "refused":
		l.Refused, err = with(l.Refused, i)
	case "license":
		l.Licenses, err = with(l.Licenses, i)
	case "entry":
		l.Entries, err = with(l.Entries, i)
	case "invoice":
		l.Invoices, err = with(l.Invoices, i)
	case "credit":
		l.Credits, err = with(l.Credits, i)
	case "series":
		var s struct {
			Last int `json:"last"`
		}
		err = decoder.Decode(&types.AttributeValueMemberM{Value: i}, &s)
		if l.Series == nil {
			l.Series = map[string]int{}
		}
		l.Series[strings.TrimPrefix(pk.Value, "SERIES#")] = s.Last
	case "statement":
		l.Imports, err = with(l.Imports, i)
	case "mail":
		l.Letters, err = with(l.Letters, i)
	case "key":
		l.Keys, err = with(l.Keys, i)
	case "act":
		l.Acts, err = with(l.Acts, i)
	case "work":
		l.Works, err = with(l.Works, i)
	case "prices":
		l.Prices, err = with(l.Prices, i)
	case "takedown":
		l.Takedowns, err = with(l.Takedowns, i)
	case "hold":
		l.Holds, err = with(l.Holds, i)
	case "group":
		l.Groups, err = with(l.Groups, i)
	case "member":
		l.Members, err = with(l.Members, i)
	case "activity":
		l.Lines, err = with(l.Lines, i)
	case "place":
		l.Places, err = with(l.Places, i)
		l.Places[len(l.Places)-1].Account = account.ID(strings.TrimPrefix(pk.Value, "ACCOUNT#"))
	case "note":
		l.Notes, err = with(l.Notes, i)
		l.Notes[len(l.Notes)-1].Account = account.ID(strings.TrimPrefix(pk.Value, "ACCOUNT#"))
	case "address", "tries", "placed", "booking", "numbered", "erased":
	default:
		err = fmt.Errorf("ledger: nobody knows items of kind %q", kind.Value)
	}
	return err
}

var decoder = attributevalue.NewDecoder(func(o *attributevalue.DecoderOptions) {
	o.TagKey = "json"
	o.UseEncodingUnmarshalers = true
})

func with[T any](list []T, i map[string]types.AttributeValue) ([]T, error) {
	var v T
	err := decoder.Decode(&types.AttributeValueMemberM{Value: i}, &v)
	return append(list, v), err
}

// afterPaid is what may come to an order that is paid.
var afterPaid = []order.Event{order.WasChecked, order.WasCredited, order.WasAnnulled, order.WasTakenBack}

// Check holds the ledger against the invariants and names each breach.
func (l Ledger) Check() (breaches []string) {
	breach := func(format string, a ...any) { breaches = append(breaches, fmt.Sprintf(format, a...)) }
	licenses, receipts, confirmations := map[string]int{}, map[string]int{}, map[string]int{}
	for _, x := range l.Licenses {
		licenses[x.Order]++
	}
	for _, x := range l.Letters {
		switch x.Kind {
		case letter.PaymentReceipt:
			receipts[x.Facts["order"]]++
		case letter.OrderConfirmation:
			confirmations[x.Facts["order"]]++
		}
	}
	l.left(breach)
	for _, o := range l.Orders {
		n, want := string(o.Number), 0
		if did(o.History, order.WasPaid) {
			want = 1
		}
		if licenses[n] != want || receipts[n] != want {
			breach("order %s is %s and has %d licenses and %d receipts", n, o.State, licenses[n], receipts[n])
		}
		if confirmations[n] != 1 {
			breach("order %s has %d confirmations", n, confirmations[n])
		}
		paid := false
		for _, h := range o.History {
			if paid && !slices.Contains(afterPaid, h.Event) {
				breach("order %s: %s while it was paid", n, h.Event)
			}
			paid = h.Event == order.WasPaid || paid && h.Event != order.WasTakenBack && h.Event != order.WasAnnulled
		}
	}
	for _, x := range l.Licenses {
		i := slices.IndexFunc(l.Orders, func(o order.Order) bool { return string(o.Number) == x.Order && o.Account == x.Account })
		if i < 0 {
			breach("license %s has no order of its owner", x.ID)
			continue
		}
		held := slices.ContainsFunc(x.Holds, func(h hold.Hold) bool { return h.Basis == hold.PaymentReversed })
		if held != (l.Orders[i].State == order.Reopened) {
			breach("license %s is on hold for its money: %t, and its order is %s", x.ID, held, l.Orders[i].State)
		}
		if annulled := l.Orders[i].State == order.Annulled; annulled == x.AnnulledAt.IsZero() {
			breach("license %s was annulled at %s, and its order is %s", x.ID, x.AnnulledAt, l.Orders[i].State)
		}
		end, right := x.StartsOn.AddMonths(x.Months), false
		if slices.ContainsFunc(x.History, func(h license.Happened) bool { return h.Event == "shortened" }) {
			right = x.StartsOn.Before(x.EndsOn) && x.EndsOn.Before(end) && did(l.Orders[i].History, order.WasCredited)
		} else {
			right = x.EndsOn == end
		}
		if !right || !x.StartsAt.Equal(x.StartsOn.Start(x.Zone)) || !x.EndsAt.Equal(x.EndsOn.Start(x.Zone)) {
			breach("license %s of %d months runs from %s to %s: %+v", x.ID, x.Months, x.StartsAt, x.EndsAt, x.History)
		}
	}
	l.money(breach)
	l.cards(breach)
	l.refunds(breach)
	l.entries(breach)
	l.invoices(breach)
	l.reading(breach)
	l.works(breach)
	l.holds(breach)
	l.licenses(breach)
	addresses := map[account.Address]int{}
	for _, a := range l.Accounts {
		if !a.ClosedAt.IsZero() {
			continue
		}
		if addresses[a.Address]++; addresses[a.Address] > 1 {
			breach("an address has %d accounts", addresses[a.Address])
		}
	}
	done := map[string]int{}
	for _, a := range l.Acts {
		done[string(a.What)+" "+a.Object]++
	}
	for _, k := range l.Keys {
		made, revoked, want := done[string(account.KeyMade)+" "+k.Actor().String()], done[string(account.KeyRevoked)+" "+k.Actor().String()], 0
		if !k.RevokedAt.IsZero() {
			want = 1
		}
		if made != 1 || revoked != want {
			breach("the key of %s was made by %d acts and revoked by %d", k.Name, made, revoked)
		}
	}
	for _, i := range l.Imports {
		told := done[string(intake.WasImported)+" statement:"+string(i.ID)] + done[string(intake.WasRefused)+" statement:"+string(i.ID)]
		if (told == 1) != (i.State != intake.Received) || told > 1 {
			breach("the import %s is %s, and %d acts tell of its end", i.ID, i.State, told)
		}
	}
	for _, a := range l.Accounts {
		if len(a.Roles) > 0 && done[string(account.Enrolled)+" "+a.Actor().String()] == 0 {
			breach("account %s has roles that no act tells of", a.ID)
		}
	}
	return breaches
}

// left wants a closed account to sign nobody in; once its orders ended, none of them to wait for money; and once it is erased, nothing of it
// to say who read what, or who they were, but for the name that books are made out to.
func (l Ledger) left(breach func(string, ...any)) {
	for _, a := range l.Accounts {
		if a.ClosedAt.IsZero() {
			continue
		}
		if a.Password != "" || len(a.Sessions)+len(a.Roles)+len(a.Groups) > 0 || a.WantsOffers() {
			breach("account %s is closed, and still its owner's", a.ID)
		}
		books := false
		for _, o := range l.Orders {
			if o.Account != a.ID {
				continue
			}
			books = books || o.Bill != nil || slices.ContainsFunc(l.Payments, func(p payment.Payment) bool { return p.Order == o.Number })
			if !a.EndedAt.IsZero() && (o.State == order.Placed || o.State == order.Expired) {
				breach("account %s is closed, and its order %s waits for money", a.ID, o.Number)
			}
		}
		if a.ErasedAt.IsZero() {
			continue
		}
		reads := slices.ContainsFunc(l.Lines, func(x activity.Line) bool { return x.Account == a.ID }) ||
			slices.ContainsFunc(l.Places, func(p Place) bool { return p.Account == a.ID }) || slices.ContainsFunc(l.Notes, func(n Note) bool { return n.Account == a.ID })
		if reads || a.Address != "" || books != (a.FirstName+a.LastName != "") {
			breach("account %s is erased, and says %q, %q; it has books: %t, and traces of reading: %t", a.ID, a.Address, a.FirstName+a.LastName, books, reads)
		}
	}
}

// reading wants each line of the activity log to be whole and about somebody there is, or about nobody; each place to be where the log
// has it; and a note that was removed to have no words.
func (l Ledger) reading(breach func(string, ...any)) {
	is := func(id account.ID) bool {
		return slices.ContainsFunc(l.Accounts, func(a account.Account) bool { return a.ID == id })
	}
	for _, x := range l.Lines {
		if err := x.Err(); err != nil || !x.Anonymous() && !is(x.Account) {
			breach("the line %s of the activity log: account %q (%v)", x.ID, x.Account, err)
		}
	}
	for _, p := range l.Places {
		read := slices.ContainsFunc(l.Lines, func(x activity.Line) bool {
			return x.What == activity.ChapterRead && x.Account == p.Account && x.Work == p.Work && x.Chapter == p.Chapter && x.At.Equal(p.At)
		})
		if !is(p.Account) || read != (p.Chapter > 0) {
			breach("account %s was in chapter %d of %s at %s, and the log has it: %t", p.Account, p.Chapter, p.Work, p.At, read)
		}
	}
	for _, n := range l.Notes {
		if !is(n.Account) || n.Stands() != (n.Text != "") {
			breach("the note %s of account %s stands: %t, and has %d letters", n.ID, n.Account, n.Stands(), len(n.Text))
		}
	}
}

// did tells whether something happened.
func did(history []order.Happened, e order.Event) bool {
	return slices.ContainsFunc(history, func(h order.Happened) bool { return h.Event == e })
}

// money holds every cent that came against what orders have taken of it, what went back and what is still to go back.
func (l Ledger) money(breach func(string, ...any)) {
	waits, back, taken := map[payment.ID]money.Amount{}, map[payment.ID]money.Amount{}, map[order.Number]money.Amount{}
	for _, c := range l.Cases {
		if c.State == payment.Open {
			waits[c.Payment] += c.Amount
		}
		if c.Amount < 0 || c.Amount == 0 && c.State == payment.Open {
			breach("the case of payment %s is %s, and %s", c.Payment, c.Amount, c.State)
		}
	}
	for _, r := range l.Refunds {
		if r.State != payment.Failed {
			back[r.Payment] += r.Amount
		}
	}
	for _, p := range l.Payments {
		taken[p.Order] += p.Taken
		live := p.Amount - p.Back
		if !p.ReturnedAt.IsZero() {
			live = 0
		}
		if p.Corrected && p.Back > 0 {
			breach("payment %s was none of order %s, and %s of it was given back", p.ID, p.Order, p.Back)
		}
		if p.Taken+waits[p.ID] != live || p.Back != back[p.ID] || p.Taken < 0 || p.Back < 0 || p.Back > p.Amount {
			breach("payment %s of %s: %s taken, %s to give back, %s given back by refunds of %s, returned %s",
				p.ID, p.Amount, p.Taken, waits[p.ID], p.Back, back[p.ID], p.ReturnedAt)
		}
		delete(waits, p.ID)
		delete(back, p.ID)
		if p.Attempt != "" && !slices.ContainsFunc(l.Attempts, func(a order.Attempt) bool {
			return a.Order == p.Order && a.ID == p.Attempt && a.State == order.Succeeded
		}) {
			breach("payment %s has no attempt that succeeded", p.ID)
		}
		if p.Attempt == "" && p.Entry == "" && !slices.ContainsFunc(l.Refunds, func(r payment.Refund) bool { return r.ID == p.Offset }) {
			breach("payment %s comes from nowhere", p.ID)
		}
	}
	for id := range waits {
		breach("a case is of payment %s, which there is none of", id)
	}
	for id := range back {
		breach("a refund is of payment %s, which there is none of", id)
	}
	for _, o := range l.Orders {
		right := (o.State == order.Paid) == (o.Open() == 0)
		switch o.State {
		case order.Cancelled, order.Expired:
			right = o.Received == 0
		case order.Annulled: // it keeps its price, but for what was taken back since
			i := slices.IndexFunc(o.History, func(h order.Happened) bool { return h.Event == order.WasAnnulled })
			right = o.Forgiven == 0 && (o.Open() == 0 || did(o.History[i:], order.WasTakenBack))
		}
		if !right || taken[o.Number] != o.Received || o.Received < 0 || o.Credited < 0 || o.Forgiven < 0 || o.Open() < 0 {
			breach("order %s is %s: %s taken, %s received, %s credited, %s forgiven, %s left to pay",
				o.Number, o.State, taken[o.Number], o.Received, o.Credited, o.Forgiven, o.Open())
		}
	}
}

// cards holds every payment at the card provider against the attempt that it is of.
func (l Ledger) cards(breach func(string, ...any)) {
	whose := map[everypay.Reference][]Card{}
	for _, c := range l.Cards {
		whose[c.Reference] = append(whose[c.Reference], c)
	}
	for _, a := range l.Attempts {
		if a.Reference == "" {
			continue
		}
		if c := whose[a.Reference]; len(c) != 1 || c[0].Order != a.Order || c[0].Attempt != a.ID || a.Method != order.ByCard {
			breach("attempt %s of order %s is the card payment %s, which is of %v", a.ID, a.Order, a.Reference, c)
		}
		delete(whose, a.Reference)
	}
	for reference, c := range whose {
		breach("card payment %s is of no attempt, or of two: %v", reference, c)
	}
}

// refunds holds what goes back against where it goes: the file for our bank and the entries that show it, or the order that it pays;
// and against the credit invoice and the letter about it.
func (l Ledger) refunds(breach func(string, ...any)) {
	transfers, offsets := map[string][]money.Amount{}, map[payment.RefundID][]payment.Payment{}
	for _, p := range l.Payouts {
		for _, t := range p.Transfers {
			transfers[t.EndToEnd] = append(transfers[t.EndToEnd], t.Amount)
		}
	}
	for _, p := range l.Payments {
		if p.Offset != "" {
			offsets[p.Offset] = append(offsets[p.Offset], p)
		}
	}
	shown := map[payment.RefundID][]reconciliation.Entry{}
	for _, e := range l.Entries {
		for _, a := range e.Allocations {
			if a.Refund != "" {
				shown[a.Refund] = append(shown[a.Refund], e)
			}
		}
	}
	letters := map[string]int{}
	for _, x := range l.Letters {
		if x.Kind == letter.Refund || x.Kind == letter.OrderAnnulled {
			letters[x.Facts["credit"]]++
		}
	}
	credited, of, running := map[invoice.Number]money.Amount{}, map[invoice.Number]int{}, map[payment.ID]int{}
	for _, r := range l.Refunds {
		if r.Way == payment.ByCard && r.State == payment.Requested {
			running[r.Payment]++
		}
	}
	for _, r := range l.Refunds {
		file, pays := transfers[r.ID.EndToEnd()], offsets[r.ID]
		delete(transfers, r.ID.EndToEnd())
		delete(offsets, r.ID)
		transfer, offset := r.Way == payment.ByTransfer, r.Way == payment.ByOffset
		var entries []string
		for _, e := range shown[r.ID] {
			entries = append(entries, string(e.ID))
			a := e.Allocations[0]
			if len(e.Allocations) != 1 || a.Payment != r.Payment || a.Amount != r.Amount || e.Bank.Amount != r.Amount || e.State != reconciliation.Settled ||
				string(e.ID) != r.Entry && e.Outward() || string(e.ID) != r.Came && !e.Outward() {
				breach("entry %s of %s is %s, and does not show refund %+v", e.ID, e.Bank.Amount, e.State, r)
			}
		}
		delete(shown, r.ID)
		known := slices.DeleteFunc([]string{r.Entry, r.Came}, func(id string) bool { return id == "" })
		slices.Sort(known)
		slices.Sort(entries)
		for what, wrong := range map[string]bool{
			"is of nothing, or the order had taken more": r.Amount <= 0 || r.Taken < 0 || r.Taken > r.Amount,
			"stands otherwise in a file":                 transfer != (len(file) == 1 && file[0] == r.Amount && r.Payout != "") || !transfer && len(file) > 0,
			"pays another order otherwise":               offset != (len(pays) == 1 && pays[0].Amount == r.Amount && pays[0].Order == r.Offset && r.State == payment.Done),
			"knows of other entries":                     !slices.Equal(known, entries),
			"was shown, and is on its way, or was not":   transfer && r.State != payment.Failed && (r.State == payment.Done) != (r.Entry != ""),
			"goes back beside another one":               r.Way == payment.ByCard && r.State == payment.Requested && running[r.Payment] > 1,
			"came back, and has not failed":              r.Came != "" && r.State != payment.Failed,
			"has no end, or one before it":               (r.State == payment.Requested) != r.EndedAt.IsZero(),
			"is of money of the price, without a credit": r.Reason != "" && (r.Taken > 0) != (r.Credit != ""),
		} {
			if wrong {
				breach("refund %s %s: %+v", r.ID, what, r)
			}
		}
		if r.Credit != "" {
			credited[r.Credit] += r.Taken
			of[r.Credit]++
		}
	}
	for name := range transfers {
		breach("the transfer %s is of no refund", name)
	}
	for id := range offsets {
		breach("an order was paid with refund %s, which there is none of", id)
	}
	for id := range shown {
		breach("an entry shows refund %s, which there is none of", id)
	}
	for _, c := range l.Credits {
		if c.Price.Gross <= 0 || credited[c.Number] > c.Price.Gross || letters[string(c.Number)] != max(of[c.Number], 1) {
			breach("credit invoice %s of %s: %s go back, in %d letters", c.Number, c.Price.Gross, credited[c.Number], letters[string(c.Number)])
		}
		delete(credited, c.Number)
	}
	for n := range credited {
		breach("a refund has credit invoice %s, which there is none of", n)
	}
}

// entries holds every bank entry against the payments that it became.
func (l Ledger) entries(breach func(string, ...any)) {
	live, shown := map[string]money.Amount{}, map[string]int{}
	for _, p := range l.Payments {
		switch {
		case p.Entry == "":
		case p.Method == order.BankLink:
			shown[p.Entry]++
		case p.ReturnedAt.IsZero() || !l.undone(p):
			live[p.Entry] += p.Amount
		}
	}
	for _, e := range l.Entries {
		id, credit := string(e.ID), !e.Outward()
		allocated := money.Amount(0)
		for _, a := range e.Allocations {
			allocated += a.Amount
		}
		want, links := money.Amount(0), 0
		switch {
		case len(e.Allocations) == 1 && e.Allocations[0].Refund != "": // a refund of ours
		case credit && (e.State == reconciliation.Allocated || e.State == reconciliation.Remainder):
			want = e.Bank.Amount
			if allocated+e.Remainder != e.Bank.Amount || (e.State == reconciliation.Remainder) != (e.Remainder > 0) {
				breach("entry %s of %s is %s: %s allocated, remainder %s", id, e.Bank.Amount, e.State, allocated, e.Remainder)
			}
		case e.State == reconciliation.Settled && len(e.Allocations) == 1: // by a bank link
			links = 1
		case e.State == reconciliation.Allocated: // a return
		case len(e.Allocations) > 0 || e.Remainder != 0 || e.Refund != 0:
			breach("entry %s is %s and was allocated", id, e.State)
		}
		if live[id]+e.Refund != want || shown[id] != links {
			breach("entry %s of %s is %s: payments of %s, refund %s; shows %d bank links", id, e.Bank.Amount, e.State, live[id], e.Refund, shown[id])
		}
	}
}

// undone tells whether the entry of a payment that went back is decided otherwise by now: else the bank took the money back.
func (l Ledger) undone(p payment.Payment) bool {
	return !slices.ContainsFunc(l.Entries, func(e reconciliation.Entry) bool {
		return string(e.ID) == p.Entry && slices.ContainsFunc(e.Allocations, func(a reconciliation.Allocation) bool { return a.Payment == p.ID })
	})
}

// invoices holds the series of each year against the invoices and credit invoices with its numbers, and what an order is credited
// against its credit invoices.
func (l Ledger) invoices(breach func(string, ...any)) {
	count, given := map[string]int{}, map[invoice.Number]bool{}
	number := func(n invoice.Number) {
		year, _, _ := strings.Cut(string(n), "-")
		if count[year]++; given[n] {
			breach("the number %s was given twice", n)
		}
		given[n] = true
	}
	for _, i := range l.Invoices {
		number(i.Number)
		if !slices.ContainsFunc(l.Orders, func(o order.Order) bool {
			return o.Number == i.Order && o.Bill != nil && o.Bill.Invoice == string(i.Number)
		}) {
			breach("invoice %s is not the one of order %s", i.Number, i.Order)
		}
		if !slices.ContainsFunc(l.Letters, func(x letter.Letter) bool { return x.Kind == letter.Invoice && x.Facts["invoice"] == string(i.Number) }) {
			breach("invoice %s has no letter", i.Number)
		}
	}
	credited := map[order.Number]money.Price{}
	for _, c := range l.Credits {
		number(c.Number)
		sum := credited[c.Order]
		credited[c.Order] = money.Price{Net: sum.Net + c.Price.Net, VAT: sum.VAT + c.Price.VAT, Gross: sum.Gross + c.Price.Gross, Rate: c.Price.Rate}
	}
	for _, o := range l.Orders {
		if sum := credited[o.Number]; sum != o.Price.Part(o.Credited, 0) && (sum != money.Price{} || o.Credited != 0) {
			breach("order %s is credited %s, and its credit invoices say %+v", o.Number, o.Credited, sum)
		}
		delete(credited, o.Number)
	}
	for n := range credited {
		breach("a credit invoice is of order %s, which there is none of", n)
	}
	for year, last := range l.Series {
		if count[year] != last {
			breach("the series of %s is at %d, and there are %d invoices and credit invoices", year, last, count[year])
		}
		delete(count, year)
	}
	for year := range count {
		breach("there are invoices of %s and no series", year)
	}
}

// Told are the letters about licenses by their ids, and how far each license is.
func (l Ledger) Told() (letters, stages []string) {
	for _, x := range l.Letters {
		if x.Facts["license"] != "" {
			letters = append(letters, string(x.ID))
		}
	}
	for _, x := range l.Licenses {
		stages = append(stages, string(x.ID)+" "+string(x.Stage))
	}
	slices.Sort(letters)
	slices.Sort(stages)
	return letters, stages
}

// Count is how many letters of a kind there are.
func (l Ledger) Count(k letter.Kind) (n int) {
	for _, x := range l.Letters {
		if x.Kind == k {
			n++
		}
	}
	return n
}

// Unsent are the letters for which something is left to do.
func (l Ledger) Unsent() (ids []letter.ID) {
	for _, x := range l.Letters {
		if !x.Done() {
			ids = append(ids, x.ID)
		}
	}
	return ids
}
