package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"opiq/local/account"
	"opiq/shared/money"
	"opiq/shared/reconciliation"
	"opiq/shared/statement"
)

// happens lets a thing happen at the bank, and answers what its statement says.
func (s *shop) happens(t testing.TB, what string, orders ...string) []statement.Entry {
	t.Helper()
	p := s.visitor(t)
	told := read[struct {
		Statement string
		Status    int
		Result    imported
	}](p, p.ask("POST", "/_local/account/statement", map[string]string{"case": what, "order": strings.Join(orders, ",")}), 200)
	all := s.written(t, p.send("GET", told.Statement, nil).body)
	if told.Status != 200 || told.Result.New != len(all) || told.Result.Wrong > 0 {
		t.Fatalf("the shop says %d %+v", told.Status, told.Result)
	}
	return all
}

// written are the entries of a statement.
func (s *shop) written(t testing.TB, xml []byte) (all []statement.Entry) {
	t.Helper()
	_, err := statement.Read(bytes.NewReader(xml), []string{ours}, func(e statement.Entry) error {
		all = append(all, e)
		return nil
	})
	if err != nil {
		t.Fatalf("%v:\n%s", err, xml)
	}
	return all
}

// ours is the account that money for invoices comes to, at Swedbank.
const ours = "EE382200221020145685"

// imported is what became of a statement.
type imported struct {
	Statement, State, Account           string
	Entries, New, Known, Ignored, Wrong int
}

// transfers writes a statement of these payments.
func transfers(payments ...account.Payment) []byte {
	s := account.Statement{IBAN: ours, Owner: "STAR CLOUD OÜ", Number: int(transferred.Add(1)), On: today(), At: time.Now()}
	for _, p := range payments {
		ref := fmt.Sprintf("%s%08d-1", strings.ReplaceAll(s.On.String(), "-", ""), 90_000_000+transferred.Add(1)) // the stand-in's are times of the day
		s.Bookings = append(s.Bookings, account.Booking{Ref: ref, Payments: []account.Payment{p}})
	}
	return s.XML()
}

var transferred atomic.Int64

// machine makes a key, and answers what its holder sends along.
func (s *shop) machine(t testing.TB, right string) []string {
	t.Helper()
	command := fmt.Sprintf(`{"key":{"name":"A bookkeeper's machine","right":%q}}`, right)
	out, err := s.Functions.Invoke(t.Context(), "staff", []byte(command))
	if err != nil {
		t.Fatal(err)
	}
	var key struct{ Secret string }
	if err := json.Unmarshal(out, &key); err != nil {
		t.Fatal(err)
	}
	s.known.add(key.Secret, "the secret of a key")
	return []string{"Authorization", "Bearer " + key.Secret}
}

// hands hands a statement in.
func (p *shopper) hands(xml []byte, headers ...string) answer {
	p.t.Helper()
	return p.send("POST", p.shop.URL+"/v1/statements", xml, append([]string{"Content-Type", "application/xml", "Sec-Fetch-Site", "same-origin"}, headers...)...)
}

// finance is the person who looks after the money, signed in.
func (s *shop) finance(t testing.TB) *shopper {
	t.Helper()
	liis := s.visitor(t)
	liis.email, liis.password = s.Staff.Email, s.Staff.Password
	liis.signIn()
	return liis
}

// share is what a bank entry is worth to an order.
type share struct {
	Order  string `json:"order"`
	Amount sum    `json:"amount"`
}

type entryPage struct {
	ID, State, Reason string
	Amount            sum
	Allocations       []share
	Remainder         sum
	Suggestions       []struct {
		Allocate []share
		Score    int
		Reasons  []string
	}
	Decided bool
	History []struct{ By, What, State, Reason string }
}

// entry waits until somebody or something has decided about an entry.
func (p *shopper) entry(e statement.Entry) (page entryPage) {
	p.t.Helper()
	until(p.t, 20*time.Second, func() string {
		a := p.ask("GET", "/v1/reconciliation/"+string(reconciliation.IDOf(e)), nil)
		if page = read[entryPage](p, a, 200); page.State == "new" {
			return "the entry is new"
		}
		return ""
	})
	return page
}

func (p *shopper) decides(e entryPage, decision map[string]any) answer {
	p.t.Helper()
	return p.ask("POST", "/v1/reconciliation/"+e.ID+"/decision", decision)
}

// waiting are the entries that wait for a person, by their ids, page by page.
func (p *shopper) waiting() (all []string) {
	p.t.Helper()
	for after := ""; ; {
		page := read[struct {
			Entries []entryPage
			Next    *string
		}](p, p.ask("GET", "/v1/reconciliation?state=waiting&limit=20&after="+after, nil), 200)
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
	s := story(t)
	var all sync.WaitGroup
	for name, play := range map[string]func(*shopper){
		"InTwoParts": inTwoParts, "TooMuch": tooMuch, "Twice": twice, "TwiceByOneStatement": twiceByOneStatement,
		"InOneSum": inOneSum, "InOneTransfer": inOneTransfer, "TakenBack": takenBack,
	} {
		all.Go(func() { t.Run(name, func(t *testing.T) { play(s.member(t)) }) })
	}
	all.Wait()
}

func inTwoParts(p *shopper) {
	o := p.owes()
	p.shop.happens(p.t, "short", o.Number)
	first := o.Price.Gross.Amount / 2
	o = p.becomes(o.Number, 20*time.Second, func(o orderPage) bool { return o.Received.Amount > 0 })
	if o.State != "placed" || o.License != nil || o.Received.Amount != first || o.Open.Amount != o.Price.Gross.Amount-first {
		p.t.Errorf("after a part of the money the order is %+v", o)
	}
	p.want(p.ask("GET", chapter, nil), 403, "NO_LICENSE")
	letter := p.mail(subject("payment_partial", "{amount}", euro(first), "{order}", o.Number))
	if !strings.Contains(letter.Text, euro(o.Open.Amount)) || !strings.Contains(unspaced(letter.Text), o.Reference) {
		p.t.Errorf("the letter does not say how to pay the rest:\n%s", letter.Text)
	}
	p.shop.happens(p.t, "exact", o.Number)
	o = p.paid(o.Number)
	if o.License == nil || len(o.RefundCases) > 0 || o.Open.Amount != 0 {
		p.t.Errorf("after all of it the order is %+v", o)
	}
	says(p.t, p.paper(o.Number, "receipt.pdf", "application/pdf"), plain(first), plain(o.Price.Gross.Amount-first))
}

// euro is an amount as the English letters write it, with plain spaces.
func euro(cents int) string { return "€" + plain(cents) }

func plain(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

func tooMuch(p *shopper) {
	o := p.owes()
	p.shop.happens(p.t, "over", o.Number)
	o = p.paid(o.Number)
	if len(o.RefundCases) != 1 || o.RefundCases[0].Reason != "overpaid" || o.RefundCases[0].Amount.Amount != 1000 || o.Received != o.Price.Gross {
		p.t.Errorf("the order is %+v", o)
	}
	p.mail(subject("refund_case", "{amount}", euro(1000)))
}

func twice(p *shopper) {
	o := p.owes()
	p.shop.happens(p.t, "exact", o.Number)
	p.paid(o.Number)
	p.shop.happens(p.t, "exact", o.Number)
	p.again(o.Number)
}

func twiceByOneStatement(p *shopper) {
	o := p.owes()
	p.shop.happens(p.t, "twice", o.Number)
	p.again(o.Number)
}

// again wants an order to be paid, and the second payment to go back.
func (p *shopper) again(number string) {
	p.t.Helper()
	o := p.becomes(number, 20*time.Second, func(o orderPage) bool { return o.State == "paid" && len(o.RefundCases) > 0 })
	if len(o.RefundCases) != 1 || o.RefundCases[0].Reason != "duplicate" || o.RefundCases[0].Amount != o.Price.Gross {
		p.t.Errorf("the order is %+v", o)
	}
}

func inOneSum(p *shopper) {
	a, b := p.owes(), p.owes()
	if all := p.shop.happens(p.t, "batch", a.Number, b.Number); len(all) != 2 || all[0].Booking != all[1].Booking {
		p.t.Errorf("the bank says %+v", all)
	}
	p.paid(a.Number)
	p.paid(b.Number)
}

func inOneTransfer(p *shopper) {
	a, b, c := p.owes(), p.owes(), p.owes()
	if all := p.shop.happens(p.t, "merged", a.Number, b.Number, c.Number); len(all) != 1 {
		p.t.Errorf("the bank says %+v", all)
	}
	for _, o := range []orderPage{a, b, c} {
		if o = p.paid(o.Number); len(o.RefundCases) > 0 {
			p.t.Errorf("the order is %+v", o)
		}
	}
}

func takenBack(p *shopper) {
	o := p.owes()
	p.shop.happens(p.t, "exact", o.Number)
	license := p.paid(o.Number).License
	p.want(p.ask("GET", chapter, nil), 200, "")
	p.shop.happens(p.t, "reversal", o.Number)
	o = p.becomes(o.Number, 20*time.Second, func(o orderPage) bool { return o.State != "paid" })
	if o.State != "reopened" || o.License == nil || o.License.State != "suspended" || o.Open != o.Price.Gross {
		p.t.Errorf("after the money went back the order is %+v", o)
	}
	p.want(p.ask("GET", chapter, nil), 403, "SUSPENDED")
	p.want(p.ask("DELETE", "/v1/orders/"+o.Number, nil), 409, "order_reopened")
	p.mail(subject("payment_taken_back", "{order}", o.Number))
	p.shop.happens(p.t, "exact", o.Number)
	o = p.paid(o.Number)
	if o.License == nil || o.License.ID != license.ID || o.License.State != "active" || !o.License.EndsAt.Equal(license.EndsAt) || len(o.RefundCases) > 0 {
		p.t.Errorf("paid again the order is %+v", o)
	}
	p.want(p.ask("GET", chapter, nil), 200, "")
	p.mail(subject("license_restored"))
}

func TestAPersonDecidesWhatIsNotCertain(t *testing.T) {
	s := story(t)
	p, liis := s.member(t), s.finance(t)
	o, other := p.owes(), p.owes()
	money := s.happens(t, "wrong_reference", o.Number)[0]
	e := liis.entry(money)
	if e.State != "waiting" || len(e.Allocations) > 0 || !slices.Contains(liis.waiting(), e.ID) {
		t.Errorf("the entry is %+v", e)
	}
	if len(e.Suggestions) == 0 || !slices.Equal(e.Suggestions[0].Allocate, []share{{o.Number, o.Price.Gross}}) || e.Suggestions[0].Score < 50 {
		t.Errorf("the suggestions are %+v", e.Suggestions)
	}
	if o := p.see(o.Number); o.State != "placed" || o.Received.Amount > 0 {
		t.Errorf("the order is %+v", o)
	}

	// The wrong order; undone, its license is on hold, and the entry waits again.
	wrong := map[string]any{"allocate": []share{{other.Number, other.Price.Gross}}, "reason": "The name is the same."}
	liis.want(liis.decides(e, map[string]any{"allocate": wrong["allocate"]}), 422, "invalid")
	e = read[entryPage](liis, liis.decides(e, wrong), 200)
	if e.State != "allocated" || !e.Decided || e.Allocations[0].Order != other.Number {
		t.Errorf("the entry is %+v", e)
	}
	p.paid(other.Number)
	liis.want(liis.decides(e, wrong), 409, "entry_decided")
	e = read[entryPage](liis, liis.decides(e, map[string]any{"undo": true, "reason": "It is for the other one."}), 200)
	if e.State != "waiting" || len(e.Allocations) > 0 || !slices.Contains(liis.waiting(), e.ID) {
		t.Errorf("undone the entry is %+v", e)
	}
	if o := p.see(other.Number); o.State != "reopened" || o.License == nil || o.License.State != "suspended" {
		t.Errorf("undone the order is %+v", o)
	}
	p.want(p.ask("GET", chapter, nil), 403, "SUSPENDED")

	// The right one.
	e = read[entryPage](liis, liis.decides(e, map[string]any{"allocate": []share{{o.Number, o.Price.Gross}}, "reason": "A digit was wrong."}), 200)
	p.paid(o.Number)
	p.want(p.ask("GET", chapter, nil), 200, "")
	var said []string
	for _, h := range e.History {
		said = append(said, h.What+" "+h.State)
	}
	if want := []string{"imported new", "matched waiting", "allocated allocated", "undone waiting", "allocated allocated"}; !slices.Equal(said, want) {
		t.Errorf("the entry's history is %q", said)
	}

	// Money that nobody knows goes back, or is none of ours.
	strange := []account.Payment{{Payer: somebody, Amount: 7_00, Text: "Tänan!"}, {Payer: somebody, Amount: 8_00, Text: "Intress"}}
	xml := transfers(strange...)
	liis.want(liis.hands(xml), 200, "")
	for i, decision := range []map[string]any{{"refund": true, "reason": "Nobody knows it."}, {"ignore": true, "reason": "It is interest."}} {
		e := liis.entry(s.written(t, xml)[i])
		if e.State != "waiting" {
			t.Errorf("the entry is %+v", e)
		}
		e = read[entryPage](liis, liis.decides(e, decision), 200)
		if want := []string{"allocated_with_remainder", "ignored"}[i]; e.State != want || e.Remainder.Amount != []int{700, 0}[i] {
			t.Errorf("the entry is %+v, want %s", e, want)
		}
	}
	s.happens(t, "exact", other.Number)
	p.paid(other.Number)
}

// somebody has an account.
var somebody = account.Payer{Name: "KEEGI", IBAN: "EE637700771011212909"}

func TestStatementsAreForStaffAndTheirMachines(t *testing.T) {
	s := story(t)
	p, liis := s.member(t), s.finance(t)
	o := p.owes()
	xml := transfers(account.Payment{Payer: somebody, Amount: money.Amount(o.Price.Gross.Amount), Reference: o.Reference})
	nobody := s.visitor(t)
	statements, desk := s.machine(t, "statements"), s.machine(t, "reconciliation")
	p.want(nobody.hands(xml), 401, "not_signed_in")
	p.want(p.hands(xml), 403, "not_allowed")
	p.want(nobody.hands(xml, desk...), 403, "not_allowed")
	p.want(p.ask("GET", "/v1/reconciliation?state=waiting", nil), 403, "not_allowed")
	p.want(nobody.ask("GET", "/v1/reconciliation?state=waiting", nil, statements...), 403, "not_allowed")
	liis.want(liis.hands(bytes.ReplaceAll(xml, []byte(ours), []byte(somebody.IBAN))), 422, "statement_foreign")
	s.rest(t, 20*time.Second)
	if o := p.see(o.Number); o.State != "placed" || o.Received.Amount > 0 {
		t.Errorf("the order is %+v", o)
	}
	first := read[imported](liis, nobody.hands(xml, statements...), 200)
	if first.State != "done" || first.Account != ours || first.Entries != 1 || first.New != 1 {
		t.Errorf("the import is %+v", first)
	}
	for range 3 {
		if again := read[imported](liis, liis.hands(xml), 200); again.New != 0 || again.Known != 1 {
			t.Errorf("the same statement again is %+v", again)
		}
	}
	if kept := read[imported](liis, nobody.ask("GET", "/v1/statements/"+first.Statement, nil, statements...), 200); kept != first {
		t.Errorf("the import is kept as %+v", kept)
	}
	p.paid(o.Number)
	s.rest(t, 20*time.Second)
	if o := p.see(o.Number); len(o.RefundCases) > 0 {
		t.Errorf("the order is %+v", o)
	}
	read[struct{ Entries []entryPage }](liis, nobody.ask("GET", "/v1/reconciliation?state=allocated&limit=1", nil, desk...), 200)
}

// The payer of every bank link (see local/bank).
var linked = account.Payer{Name: "MARI ÕUNAPUU", IBAN: "EE471000001020145685"}

// TestTheSameMoneyByBankLinkAndStatementIsOnePayment is both orders: who tells of it first.
func TestTheSameMoneyByBankLinkAndStatementIsOnePayment(t *testing.T) {
	s := story(t)
	machine := s.machine(t, "statements")
	for _, first := range []string{"the bank link", "the statement"} {
		t.Run(first, func(t *testing.T) {
			p := s.member(t)
			o := p.owes()
			transfer := account.Payment{Payer: linked, Amount: money.Amount(o.Price.Gross.Amount), Reference: o.Reference}
			xml := transfers(transfer)
			back := p.at(p.pay(o.Number, "swedbank"), "action=pay&notice=never")
			steps := []func(){func() { p.returned(p.back(back), o.Number) }, func() { p.want(p.hands(xml, machine...), 200, "") }}
			if first == "the statement" {
				slices.Reverse(steps)
			}
			for _, step := range steps {
				step()
				p.paid(o.Number)
				s.rest(t, 20*time.Second)
			}
			o = p.see(o.Number)
			if o.License == nil || len(o.RefundCases) > 0 || len(o.Attempts) != 1 || o.Attempts[0].State != "succeeded" {
				t.Errorf("the order is %+v", o)
			}
			receipts := slices.DeleteFunc(p.subjects(), func(got string) bool { return got != subject("payment_receipt", "{order}", o.Number) })
			licenses := read[struct{ Licenses []licensePage }](p, p.ask("GET", "/v1/licenses", nil), 200).Licenses
			if len(receipts) != 1 || len(licenses) != 1 {
				t.Errorf("%d receipts came, and the licenses are %+v", len(receipts), licenses)
			}
			// The next transfer that looks like it is other money.
			p.want(p.hands(transfers(transfer), machine...), 200, "")
			p.again(o.Number)
		})
	}
}

func TestALargeStatementComesByAnUploadLink(t *testing.T) {
	s := story(t)
	p, liis := s.member(t), s.finance(t)
	o := p.owes()
	payments := []account.Payment{{Payer: somebody, Amount: money.Amount(o.Price.Gross.Amount), Reference: o.Reference}}
	for i := range 59 {
		payments = append(payments, account.Payment{Payer: somebody, Amount: money.Amount(1 + i), Text: "Annetus " + strconv.Itoa(i)})
	}
	xml := transfers(payments...)
	link := read[struct {
		Upload, Method, URL string
		Headers             map[string]string
	}](liis, liis.ask("POST", "/v1/statements/uploads", map[string]any{"size": len(xml), "type": "application/xml"}), 201)
	p.want(p.ask("POST", "/v1/statements/uploads", map[string]any{"size": len(xml), "type": "application/xml"}), 403, "not_allowed")
	liis.want(liis.ask("POST", "/v1/statements", map[string]string{"upload": link.Upload}), 404, "upload_not_found")
	var headers []string
	for name, value := range link.Headers {
		headers = append(headers, name, value)
	}
	liis.want(liis.send(link.Method, link.URL, xml, headers...), 200, "")
	for range 2 {
		a := liis.want(liis.ask("POST", "/v1/statements", map[string]string{"upload": link.Upload}), 202, "")
		if to := a.header.Get("Location"); to != "/v1/statements/"+link.Upload {
			t.Errorf("the import is at %s", to)
		}
	}
	var done imported
	until(t, 30*time.Second, func() string {
		done = read[imported](liis, liis.ask("GET", "/v1/statements/"+link.Upload, nil), 200)
		if done.State == "received" {
			return "the upload is not read"
		}
		return ""
	})
	if want := (imported{Statement: link.Upload, State: "done", Account: ours, Entries: 60, New: 60}); done != want {
		t.Errorf("the import is %+v, want %+v", done, want)
	}
	p.paid(o.Number)
}
