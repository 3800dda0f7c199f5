package main

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"opiq/local/account"
	"opiq/local/story"
	"opiq/shared/money"
	"opiq/shared/reconciliation"
	"opiq/shared/statement"
)

// share is what a bank entry is worth to an order.
type share struct {
	Order  string    `json:"order"`
	Amount story.Sum `json:"amount"`
}

type entryPage struct {
	ID, State, Reason string
	Amount            story.Sum
	Allocations       []share
	Remainder         story.Sum
	Suggestions       []struct {
		Allocate []share
		Score    int
		Reasons  []string
	}
	Decided bool
	History []struct{ By, What, State, Reason string }
}

// entry waits until somebody or something has decided about an entry.
func entry(p *story.Shopper, e statement.Entry) (page entryPage) {
	p.T.Helper()
	story.Until(p.T, 20*time.Second, func() string {
		a := p.Ask("GET", "/v1/reconciliation/"+string(reconciliation.IDOf(e)), nil)
		if page = story.Read[entryPage](p, a, 200); page.State == "new" {
			return "the entry is new"
		}
		return ""
	})
	return page
}

func decides(p *story.Shopper, e entryPage, decision map[string]any) story.Answer {
	p.T.Helper()
	return p.Ask("POST", "/v1/reconciliation/"+e.ID+"/decision", decision)
}

// waiting are the entries that wait for a person, by their ids, page by page.
func waiting(p *story.Shopper) (all []string) {
	p.T.Helper()
	for after := ""; ; {
		page := story.Read[struct {
			Entries []entryPage
			Next    *string
		}](p, p.Ask("GET", "/v1/reconciliation?state=waiting&limit=20&after="+after, nil), 200)
		for _, e := range page.Entries {
			all = append(all, e.ID)
		}
		if page.Next == nil {
			return all
		}
		after = *page.Next
	}
}

// TestEveryPaymentEndsAsTheLadderSays is what payers do with invoices, all at once.
func TestEveryPaymentEndsAsTheLadderSays(t *testing.T) {
	s := story.Shared(t)
	var all sync.WaitGroup
	for name, play := range map[string]func(*story.Shopper){
		"InTwoParts": inTwoParts, "TooMuch": tooMuch, "Twice": twice, "TwiceByOneStatement": twiceByOneStatement,
		"InOneSum": inOneSum, "InOneTransfer": inOneTransfer, "TakenBack": takenBack,
	} {
		all.Go(func() { t.Run(name, func(t *testing.T) { play(s.Member(t)) }) })
	}
	all.Wait()
}

func inTwoParts(p *story.Shopper) {
	o := p.Owes()
	p.Shop.Happens(p.T, "short", o.Number)
	first := o.Price.Gross.Amount / 2
	o = p.Becomes(o.Number, 20*time.Second, func(o story.OrderPage) bool { return o.Received.Amount > 0 })
	if o.State != "placed" || o.License != nil || o.Received.Amount != first || o.Open.Amount != o.Price.Gross.Amount-first {
		p.T.Errorf("after a part of the money the order is %+v", o)
	}
	p.Want(p.Ask("GET", story.Chapter, nil), 403, "NO_LICENSE")
	letter := p.Mail(story.Subject("payment_partial", "{amount}", euro(first), "{order}", o.Number))
	if !strings.Contains(letter.Text, euro(o.Open.Amount)) || !strings.Contains(story.Unspaced(letter.Text), o.Reference) {
		p.T.Errorf("the letter does not say how to pay the rest:\n%s", letter.Text)
	}
	p.Shop.Happens(p.T, "exact", o.Number)
	o = p.Paid(o.Number)
	if o.License == nil || len(o.RefundCases) > 0 || o.Open.Amount != 0 {
		p.T.Errorf("after all of it the order is %+v", o)
	}
	story.Says(p.T, p.Paper(o.Number, "receipt.pdf", "application/pdf"), plain(first), plain(o.Price.Gross.Amount-first))
}

// euro is an amount as the English letters write it, with plain spaces.
func euro(cents int) string { return "€" + plain(cents) }

func plain(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

func tooMuch(p *story.Shopper) {
	o := p.Owes()
	p.Shop.Happens(p.T, "over", o.Number)
	o = p.Paid(o.Number)
	if len(o.RefundCases) != 1 || o.RefundCases[0].Reason != "overpaid" || o.RefundCases[0].Amount.Amount != 1000 || o.Received != o.Price.Gross {
		p.T.Errorf("the order is %+v", o)
	}
	p.Mail(story.Subject("refund_case", "{amount}", euro(1000)))
}

func twice(p *story.Shopper) {
	o := p.Owes()
	p.Shop.Happens(p.T, "exact", o.Number)
	p.Paid(o.Number)
	p.Shop.Happens(p.T, "exact", o.Number)
	cameTwice(p, o.Number)
}

func twiceByOneStatement(p *story.Shopper) {
	o := p.Owes()
	p.Shop.Happens(p.T, "twice", o.Number)
	cameTwice(p, o.Number)
}

// again wants an order to be paid, and the second payment to go back.
func cameTwice(p *story.Shopper, number string) {
	p.T.Helper()
	o := p.Becomes(number, 20*time.Second, func(o story.OrderPage) bool { return o.State == "paid" && len(o.RefundCases) > 0 })
	if len(o.RefundCases) != 1 || o.RefundCases[0].Reason != "duplicate" || o.RefundCases[0].Amount != o.Price.Gross {
		p.T.Errorf("the order is %+v", o)
	}
}

func inOneSum(p *story.Shopper) {
	a, b := p.Owes(), p.Owes()
	if all := p.Shop.Happens(p.T, "batch", a.Number, b.Number); len(all) != 2 || all[0].Booking != all[1].Booking {
		p.T.Errorf("the bank says %+v", all)
	}
	p.Paid(a.Number)
	p.Paid(b.Number)
}

func inOneTransfer(p *story.Shopper) {
	a, b, c := p.Owes(), p.Owes(), p.Owes()
	if all := p.Shop.Happens(p.T, "merged", a.Number, b.Number, c.Number); len(all) != 1 {
		p.T.Errorf("the bank says %+v", all)
	}
	for _, o := range []story.OrderPage{a, b, c} {
		if o = p.Paid(o.Number); len(o.RefundCases) > 0 {
			p.T.Errorf("the order is %+v", o)
		}
	}
}

func takenBack(p *story.Shopper) {
	o := p.Owes()
	p.Shop.Happens(p.T, "exact", o.Number)
	license := p.Paid(o.Number).License
	p.Want(p.Ask("GET", story.Chapter, nil), 200, "")
	p.Shop.Happens(p.T, "reversal", o.Number)
	o = p.Becomes(o.Number, 20*time.Second, func(o story.OrderPage) bool { return o.State != "paid" })
	if o.State != "reopened" || o.License == nil || o.License.State != "suspended" || o.Open != o.Price.Gross {
		p.T.Errorf("after the money went back the order is %+v", o)
	}
	p.Want(p.Ask("GET", story.Chapter, nil), 403, "SUSPENDED")
	p.Want(p.Ask("DELETE", "/v1/orders/"+o.Number, nil), 409, "order_reopened")
	p.Mail(story.Subject("payment_taken_back", "{order}", o.Number))
	p.Shop.Happens(p.T, "exact", o.Number)
	o = p.Paid(o.Number)
	if o.License == nil || o.License.ID != license.ID || o.License.State != "active" || !o.License.EndsAt.Equal(license.EndsAt) || len(o.RefundCases) > 0 {
		p.T.Errorf("paid again the order is %+v", o)
	}
	p.Want(p.Ask("GET", story.Chapter, nil), 200, "")
	p.Mail(story.Subject("license_restored"))
}

func TestAPersonDecidesWhatIsNotCertain(t *testing.T) {
	s := story.Shared(t)
	p, liis := s.Member(t), s.Finance(t)
	o, other := p.Owes(), p.Owes()
	money := s.Happens(t, "wrong_reference", o.Number)[0]
	e := entry(liis, money)
	if e.State != "waiting" || len(e.Allocations) > 0 || !slices.Contains(waiting(liis), e.ID) {
		t.Errorf("the entry is %+v", e)
	}
	if len(e.Suggestions) == 0 || !slices.Equal(e.Suggestions[0].Allocate, []share{{o.Number, o.Price.Gross}}) || e.Suggestions[0].Score < 50 {
		t.Errorf("the suggestions are %+v", e.Suggestions)
	}
	if o := p.See(o.Number); o.State != "placed" || o.Received.Amount > 0 {
		t.Errorf("the order is %+v", o)
	}

	// The wrong order; undone, its license is on hold, and the entry waits again.
	wrong := map[string]any{"allocate": []share{{other.Number, other.Price.Gross}}, "reason": "The name is the same."}
	liis.Want(decides(liis, e, map[string]any{"allocate": wrong["allocate"]}), 422, "invalid")
	e = story.Read[entryPage](liis, decides(liis, e, wrong), 200)
	if e.State != "allocated" || !e.Decided || e.Allocations[0].Order != other.Number {
		t.Errorf("the entry is %+v", e)
	}
	p.Paid(other.Number)
	liis.Want(decides(liis, e, wrong), 409, "entry_decided")
	e = story.Read[entryPage](liis, decides(liis, e, map[string]any{"undo": true, "reason": "It is for the other one."}), 200)
	if e.State != "waiting" || len(e.Allocations) > 0 || !slices.Contains(waiting(liis), e.ID) {
		t.Errorf("undone the entry is %+v", e)
	}
	if o := p.See(other.Number); o.State != "reopened" || o.License == nil || o.License.State != "suspended" {
		t.Errorf("undone the order is %+v", o)
	}
	p.Want(p.Ask("GET", story.Chapter, nil), 403, "SUSPENDED")

	// The right one.
	e = story.Read[entryPage](liis, decides(liis, e, map[string]any{"allocate": []share{{o.Number, o.Price.Gross}}, "reason": "A digit was wrong."}), 200)
	p.Paid(o.Number)
	p.Want(p.Ask("GET", story.Chapter, nil), 200, "")
	var said []string
	for _, h := range e.History {
		said = append(said, h.What+" "+h.State)
	}
	if want := []string{"imported new", "matched waiting", "allocated allocated", "undone waiting", "allocated allocated"}; !slices.Equal(said, want) {
		t.Errorf("the entry's history is %q", said)
	}

	// Money that nobody knows goes back, or is none of ours.
	strange := []account.Payment{{Payer: story.Somebody, Amount: 7_00, Text: "Tänan!"}, {Payer: story.Somebody, Amount: 8_00, Text: "Intress"}}
	xml := story.Transfers(strange...)
	liis.Want(liis.Hands(xml), 200, "")
	for i, decision := range []map[string]any{{"refund": true, "reason": "Nobody knows it."}, {"ignore": true, "reason": "It is interest."}} {
		e := entry(liis, s.Written(t, xml)[i])
		if e.State != "waiting" {
			t.Errorf("the entry is %+v", e)
		}
		e = story.Read[entryPage](liis, decides(liis, e, decision), 200)
		if want := []string{"allocated_with_remainder", "ignored"}[i]; e.State != want || e.Remainder.Amount != []int{700, 0}[i] {
			t.Errorf("the entry is %+v, want %s", e, want)
		}
	}
	s.Happens(t, "exact", other.Number)
	p.Paid(other.Number)
}

func TestStatementsAreForStaffAndTheirMachines(t *testing.T) {
	s := story.Shared(t)
	p, liis := s.Member(t), s.Finance(t)
	o := p.Owes()
	xml := story.Transfers(account.Payment{Payer: story.Somebody, Amount: money.Amount(o.Price.Gross.Amount), Reference: o.Reference})
	nobody := s.Visitor(t)
	statements, desk := s.Machine(t, "statements"), s.Machine(t, "reconciliation")
	p.Want(nobody.Hands(xml), 401, "not_signed_in")
	p.Want(p.Hands(xml), 403, "not_allowed")
	p.Want(nobody.Hands(xml, desk...), 403, "not_allowed")
	p.Want(p.Ask("GET", "/v1/reconciliation?state=waiting", nil), 403, "not_allowed")
	p.Want(nobody.Ask("GET", "/v1/reconciliation?state=waiting", nil, statements...), 403, "not_allowed")
	liis.Want(liis.Hands(bytes.ReplaceAll(xml, []byte(story.Ours), []byte(story.Somebody.IBAN))), 422, "statement_foreign")
	s.Rest(t, 20*time.Second)
	if o := p.See(o.Number); o.State != "placed" || o.Received.Amount > 0 {
		t.Errorf("the order is %+v", o)
	}
	first := story.Read[story.Imported](liis, nobody.Hands(xml, statements...), 200)
	if first.State != "done" || first.Account != story.Ours || first.Entries != 1 || first.New != 1 {
		t.Errorf("the import is %+v", first)
	}
	for range 3 {
		if again := story.Read[story.Imported](liis, liis.Hands(xml), 200); again.New != 0 || again.Known != 1 {
			t.Errorf("the same statement again is %+v", again)
		}
	}
	if kept := story.Read[story.Imported](liis, nobody.Ask("GET", "/v1/statements/"+first.Statement, nil, statements...), 200); kept != first {
		t.Errorf("the import is kept as %+v", kept)
	}
	p.Paid(o.Number)
	s.Rest(t, 20*time.Second)
	if o := p.See(o.Number); len(o.RefundCases) > 0 {
		t.Errorf("the order is %+v", o)
	}
	story.Read[struct{ Entries []entryPage }](liis, nobody.Ask("GET", "/v1/reconciliation?state=allocated&limit=1", nil, desk...), 200)
}

// The payer of every bank link (see local/bank).
var linked = account.Payer{Name: "MARI ÕUNAPUU", IBAN: "EE471000001020145685"}

// TestTheSameMoneyByBankLinkAndStatementIsOnePayment is both orders: who tells of it first.
func TestTheSameMoneyByBankLinkAndStatementIsOnePayment(t *testing.T) {
	s := story.Shared(t)
	machine := s.Machine(t, "statements")
	for _, first := range []string{"the bank link", "the statement"} {
		t.Run(first, func(t *testing.T) {
			p := s.Member(t)
			o := p.Owes()
			transfer := account.Payment{Payer: linked, Amount: money.Amount(o.Price.Gross.Amount), Reference: o.Reference}
			xml := story.Transfers(transfer)
			back := p.At(p.Pay(o.Number, "swedbank"), "action=pay&notice=never")
			steps := []func(){func() { p.Returned(p.Back(back), o.Number) }, func() { p.Want(p.Hands(xml, machine...), 200, "") }}
			if first == "the statement" {
				slices.Reverse(steps)
			}
			for _, step := range steps {
				step()
				p.Paid(o.Number)
				s.Rest(t, 20*time.Second)
			}
			o = p.See(o.Number)
			if o.License == nil || len(o.RefundCases) > 0 || len(o.Attempts) != 1 || o.Attempts[0].State != "succeeded" {
				t.Errorf("the order is %+v", o)
			}
			receipts := slices.DeleteFunc(p.Subjects(), func(got string) bool { return got != story.Subject("payment_receipt", "{order}", o.Number) })
			licenses := story.Read[struct{ Licenses []story.LicensePage }](p, p.Ask("GET", "/v1/licenses", nil), 200).Licenses
			if len(receipts) != 1 || len(licenses) != 1 {
				t.Errorf("%d receipts came, and the licenses are %+v", len(receipts), licenses)
			}
			// The next transfer that looks like it is other money.
			p.Want(p.Hands(story.Transfers(transfer), machine...), 200, "")
			cameTwice(p, o.Number)
		})
	}
}

func TestALargeStatementComesByAnUploadLink(t *testing.T) {
	s := story.Shared(t)
	p, liis := s.Member(t), s.Finance(t)
	o := p.Owes()
	payments := []account.Payment{{Payer: story.Somebody, Amount: money.Amount(o.Price.Gross.Amount), Reference: o.Reference}}
	for i := range 59 {
		payments = append(payments, account.Payment{Payer: story.Somebody, Amount: money.Amount(1 + i), Text: "Annetus " + strconv.Itoa(i)})
	}
	xml := story.Transfers(payments...)
	link := story.Read[struct {
		Upload, Method, URL string
		Headers             map[string]string
	}](liis, liis.Ask("POST", "/v1/statements/uploads", map[string]any{"size": len(xml), "type": "application/xml"}), 201)
	p.Want(p.Ask("POST", "/v1/statements/uploads", map[string]any{"size": len(xml), "type": "application/xml"}), 403, "not_allowed")
	liis.Want(liis.Ask("POST", "/v1/statements", map[string]string{"upload": link.Upload}), 404, "upload_not_found")
	var headers []string
	for name, value := range link.Headers {
		headers = append(headers, name, value)
	}
	liis.Want(liis.Send(link.Method, link.URL, xml, headers...), 200, "")
	for range 2 {
		a := liis.Want(liis.Ask("POST", "/v1/statements", map[string]string{"upload": link.Upload}), 202, "")
		if to := a.Header.Get("Location"); to != "/v1/statements/"+link.Upload {
			t.Errorf("the import is at %s", to)
		}
	}
	var done story.Imported
	story.Until(t, 30*time.Second, func() string {
		done = story.Read[story.Imported](liis, liis.Ask("GET", "/v1/statements/"+link.Upload, nil), 200)
		if done.State == "received" {
			return "the upload is not read"
		}
		return ""
	})
	if want := (story.Imported{Statement: link.Upload, State: "done", Account: story.Ours, Entries: 60, New: 60}); done != want {
		t.Errorf("the import is %+v, want %+v", done, want)
	}
	p.Paid(o.Number)
}
