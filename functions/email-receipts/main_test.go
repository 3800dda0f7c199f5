package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"opiq/local/golden"
	"opiq/shared/account"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/mail"
	"opiq/shared/order"
	"opiq/shared/queue"
	"opiq/shared/seller"
	"opiq/shared/table"
)

var (
	start  = time.Date(2026, 9, 1, 9, 8, 0, 0, time.UTC)
	tokens = account.NewTokens([]byte("test-pepper-0123456789-0123456789"))
	site   = letter.Site{PublicURL: "https://opiq.example", Seller: seller.StarCloud}

	errLost = errors.New("the call was lost")
)

// shelf is table and mailbox in memory, with a clock that stands still until it is moved. A write is taken at the revision
// that was read, as the table takes it. Broken breaks one call by its number: before it works, or after.
type shelf struct {
	mu       sync.Mutex
	now      time.Time
	letters  map[letter.ID]letter.Letter
	people   map[string]letter.Recipient
	invoices map[order.Number]invoice.Invoice
	credits  map[order.Number]invoice.Credit
	sent     []posted
	refuse   map[string]error // by address

	calls  int
	broken int // the number of the call to break, from 1
	kept   bool
	last   string // the name of the call that broke
}

type posted struct {
	Letter  letter.ID `json:"letter"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Papers  []string  `json:"papers,omitempty"`
	text    string
}

func (s *shelf) call(name string, work func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls++; s.calls == s.broken {
		s.last = name
		if s.kept {
			work()
		}
		return errLost
	}
	return work()
}

func (s *shelf) Letter(_ context.Context, id letter.ID) (l letter.Letter, err error) {
	err = s.call("Letter", func() error {
		found, ok := s.letters[id]
		if !ok {
			return errors.New("there is no such letter")
		}
		l = found
		return nil
	})
	return l, err
}

func (s *shelf) Recipient(_ context.Context, id string) (to letter.Recipient, err error) {
	err = s.call("Recipient", func() error {
		to = s.people[id]
		return nil
	})
	return to, err
}

func (s *shelf) ChangeLetter(_ context.Context, l letter.Letter) error {
	return s.call("ChangeLetter", func() error {
		if s.letters[l.ID].Revision != l.Revision {
			return table.ErrChanged
		}
		l.Revision++
		s.letters[l.ID] = l
		return nil
	})
}

func (s *shelf) Invoice(_ context.Context, n order.Number, number invoice.Number) (i invoice.Invoice, err error) {
	err = s.call("Invoice", func() error {
		i = s.invoices[n]
		if i.Number != number {
			return invoice.ErrNone
		}
		return nil
	})
	return i, err
}

func (s *shelf) Credit(_ context.Context, n order.Number, number invoice.Number) (c invoice.Credit, err error) {
	err = s.call("Credit", func() error {
		c = s.credits[n]
		if c.Number != number {
			return invoice.ErrNoCredit
		}
		return nil
	})
	return c, err
}

// simple draws papers that can be told from others.
var simple = press{
	func(i invoice.Invoice) ([]byte, error) { return []byte("%PDF of " + i.Number), nil },
	func(c invoice.Credit) ([]byte, error) { return []byte("%PDF of credit " + c.Number), nil },
}

func (s *shelf) Send(_ context.Context, l letter.Letter, to letter.Recipient, m letter.Message, papers []mail.Attachment) (id string, err error) {
	err = s.call("Send", func() error {
		if err := s.refuse[to.Address]; err != nil {
			return err
		}
		p := posted{Letter: l.ID, To: to.Address, Subject: m.Subject, text: m.Text}
		for _, a := range papers {
			p.Papers = append(p.Papers, fmt.Sprintf("%s, %s: %s", a.Name, a.Type, a.Data))
		}
		s.sent = append(s.sent, p)
		id = "ses-" + strconv.Itoa(len(s.sent))
		return nil
	})
	return id, err
}

func (s *shelf) receipts() receipts {
	return receipts{s, s, tokens, site, simple, func() time.Time { return s.now }}
}

// What the trade says about an order, and about its invoice.
var (
	orderFacts = map[string]string{
		"order": "2600012345", "months": "3", "startsOn": "2026-09-01", "endsOn": "2026-12-01", "validThrough": "2026-11-30", "net": "1008", "vat": "242",
		"gross": "1250", "vatRate": "24", "terms": "2017-07-01", "placedAt": "2026-09-01T09:00:00Z",
	}
	invoiceFacts = map[string]string{
		"order": "2600012345", "invoice": "2026-000123", "dueOn": "2026-09-15", "iban": "EE382200221020145685", "reference": "26000123453",
		"rf": "RF7526000123453", "payTo": "Star Cloud OÜ", "months": "3", "startsOn": "2026-09-01", "validThrough": "2026-11-30",
		"net": "1008", "vat": "242", "gross": "1250", "vatRate": "24", "open": "1250", "received": "0", "expiresAt": "2026-09-29T21:00:00Z",
	}
)

// stocked is a shelf with a letter of each situation. The ids name the situations.
func stocked() *shelf {
	created := start.Add(-time.Minute)
	link := func(subject string, left time.Duration) map[string]string {
		return map[string]string{subject: "subject-1", "expires": start.Add(left).Format(time.RFC3339)}
	}
	s := &shelf{
		now: start, letters: map[letter.ID]letter.Letter{},
		people: map[string]letter.Recipient{
			"mari":  {Address: "mari@example.com", Name: "Mari Maasikas", Language: lang.Estonian},
			"asel":  {Address: "asel@example.com", Name: "Әсел <b>", Language: lang.Kazakh},
			"gone":  {Address: "gone@example.com", Name: "Gone Girl", Language: lang.English},
			"pause": {Address: "pause@example.com", Name: "Peter Pause", Language: lang.English},
		},
		invoices: map[order.Number]invoice.Invoice{"2600012345": {Number: "2026-000123"}},
		credits:  map[order.Number]invoice.Credit{"2600012345": {Number: "2026-000125"}},
		refuse:   map[string]error{"gone@example.com": &mail.Refused{Code: "MessageRejected"}, "pause@example.com": errors.New("mail: SES answered Throttling")},
	}
	sold := func(id letter.ID, who string) letter.Letter {
		return letter.Letter{ID: id, Kind: letter.OrderConfirmation, Account: who, Facts: orderFacts, CreatedAt: created, Revision: 1}
	}
	held := sold("order/held/confirmation", "mari")
	held.State, held.HeldUntil = letter.Sending, start.Add(time.Second)
	left := sold("order/left/confirmation", "mari")
	left.State, left.HeldUntil = letter.Sending, start
	done := sold("order/sent/confirmation", "mari")
	done.State = letter.Sent
	poor := sold("order/poor/confirmation", "mari")
	poor.Facts = map[string]string{"order": "2600012345"}
	bill := sold("invoice/2026-000123/invoice", "mari")
	bill.Kind, bill.Facts = letter.Invoice, invoiceFacts
	unknown := bill
	unknown.ID, unknown.Facts = "invoice/2026-000124/invoice", maps.Clone(invoiceFacts)
	unknown.Facts["invoice"] = "2026-000124"
	back := sold("refund/2600012345-0123456789ab/refund", "mari")
	back.Kind, back.Facts = letter.Refund, map[string]string{
		"order": "2600012345", "amount": "620", "reason": "price_reduction", "way": "transfer", "account": "9017", "credit": "2026-000125",
	}
	surplus := sold("refund/2600012345-ba9876543210/refund", "mari")
	surplus.Kind, surplus.Facts = letter.Refund, map[string]string{"order": "2600012345", "amount": "1", "reason": "surplus", "way": "card", "credit": ""}
	copied := bill
	copied.ID, copied.Kind, copied.Account, copied.To, copied.Language = "invoice/2026-000123/copy", letter.InvoiceCopy, "", "books@example.com", lang.English
	for _, l := range []letter.Letter{
		sold("order/2600012345/confirmation", "mari"), sold("order/kazakh/confirmation", "asel"), sold("order/refused/confirmation", "gone"),
		sold("order/again/confirmation", "pause"), held, left, done, poor,
		bill, unknown, copied, back, surplus,
		{ID: "signup/1/verify/1", Kind: letter.Verify, To: "new@example.com", Language: lang.Russian, Facts: link("signup", 59*time.Minute), CreatedAt: created, Revision: 1},
		{ID: "signup/2/verify/1", Kind: letter.Verify, To: "late@example.com", Language: lang.English, Facts: link("signup", 0), CreatedAt: created, Revision: 1},
		{ID: "account/1/password_reset/1", Kind: letter.PasswordReset, Account: "mari", Facts: link("reset", 59*time.Minute), CreatedAt: created, Revision: 1},
		{ID: "account/1/password_changed/1", Kind: letter.PasswordChanged, Account: "mari", CreatedAt: created, Revision: 1},
	} {
		s.letters[l.ID] = l
	}
	return s
}

func TestEvents(t *testing.T) {
	golden.Events(t, "email-receipts", func(t *testing.T, _ string, event []byte) any {
		var e events.SQSEvent
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		s := stocked()
		before := maps.Clone(s.letters)
		out, err := queue.Handler[letter.Ready](s.receipts().send).Handle(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(s.letters, func(id letter.ID, l letter.Letter) bool { return l.Revision == before[id].Revision })
		return struct {
			Answer  events.SQSEventResponse     `json:"answer"`
			Sent    []posted                    `json:"sent"`
			Changed map[letter.ID]letter.Letter `json:"changed"`
		}{out, s.sent, s.letters}
	})
}

const (
	confirmation letter.ID = "order/2600012345/confirmation"
	billed       letter.ID = "invoice/2026-000123/invoice"
	credited     letter.ID = "refund/2600012345-0123456789ab/refund"
)

// TestEveryBrokenCall breaks each call of a sending once before it works and once after, until there is none left to
// break. The letter comes again, as SQS brings it, and is sent: once, but where SES had taken it and the record of it broke.
func TestEveryBrokenCall(t *testing.T) {
	for id, calls := range map[letter.ID]int{confirmation: 5, billed: 6, credited: 6} { // the last two: SES takes it; that it did is recorded
		for _, kept := range []bool{false, true} {
			for i := 1; ; i++ {
				s := stocked()
				s.broken, s.kept = i, kept
				r := s.receipts()
				err := r.send(t.Context(), letter.Ready{Letter: id})
				if s.last == "" {
					if i != calls+1 || err != nil {
						t.Fatalf("%s: %d calls, %v", id, i-1, err)
					}
					break
				}
				if err == nil {
					t.Errorf("%s: call %d (%s) broke and nobody said so", id, i, s.last)
				}
				for range 2 {
					s.now = s.now.Add(lease)
					if err := r.send(t.Context(), letter.Ready{Letter: id}); err != nil {
						t.Errorf("%s: call %d (%s, kept %t): again: %v", id, i, s.last, kept, err)
					}
				}
				allowed := 1
				if i == calls-1 && kept || i == calls && !kept { // SES took it; its answer, or the record of it, was lost
					allowed = 2
				}
				if l := s.letters[id]; l.State != letter.Sent || len(s.sent) != allowed {
					t.Errorf("%s: call %d (%s, kept %t): %s after %d mails, want %d", id, i, s.last, kept, l.State, len(s.sent), allowed)
				}
			}
		}
	}
}

// TestALetterWithoutItsPaperWaits: it is not taken, and goes out once its paper can be drawn.
func TestALetterWithoutItsPaperWaits(t *testing.T) {
	blot := errors.New("a blot")
	for _, id := range []letter.ID{billed, credited} {
		s := stocked()
		r := s.receipts()
		r.press = press{func(invoice.Invoice) ([]byte, error) { return nil, blot }, func(invoice.Credit) ([]byte, error) { return nil, blot }}
		if err := r.send(t.Context(), letter.Ready{Letter: id}); !errors.Is(err, blot) || s.letters[id].State != "" || len(s.sent) != 0 {
			t.Fatalf("%v, it is %q after %d mails", err, s.letters[id].State, len(s.sent))
		}
		if err := s.receipts().send(t.Context(), letter.Ready{Letter: id}); err != nil || len(s.sent) != 1 || len(s.sent[0].Papers) != 1 {
			t.Errorf("%v %+v", err, s.sent)
		}
	}
}

func TestManyDeliveriesAtOnceSendOnce(t *testing.T) {
	s := stocked()
	r := s.receipts()
	var all sync.WaitGroup
	answers := make([]error, 32)
	for i := range answers {
		all.Go(func() { answers[i] = r.send(t.Context(), letter.Ready{Letter: confirmation}) })
	}
	all.Wait()
	for _, err := range answers {
		if err != nil && !errors.Is(err, letter.ErrHeld) && !errors.Is(err, table.ErrChanged) {
			t.Error(err)
		}
	}
	if len(s.sent) != 1 || s.letters[confirmation].State != letter.Sent {
		t.Errorf("%d mails, %s", len(s.sent), s.letters[confirmation].State)
	}
	if err := r.send(t.Context(), letter.Ready{Letter: confirmation}); err != nil || len(s.sent) != 1 {
		t.Errorf("later: %v, %d mails", err, len(s.sent))
	}
}

func TestTemporaryFailureComesAgain(t *testing.T) {
	s := stocked()
	r := s.receipts()
	ready := letter.Ready{Letter: "order/again/confirmation"}
	if err := r.send(t.Context(), ready); err == nil || s.letters[ready.Letter].State != letter.Sending {
		t.Fatalf("%v %s", err, s.letters[ready.Letter].State)
	}
	if err := r.send(t.Context(), ready); !errors.Is(err, letter.ErrHeld) {
		t.Errorf("within the lease: %v", err)
	}
	delete(s.refuse, "pause@example.com")
	s.now = s.now.Add(lease)
	if err := r.send(t.Context(), ready); err != nil || s.letters[ready.Letter].State != letter.Sent {
		t.Errorf("after the lease: %v %s", err, s.letters[ready.Letter].State)
	}
}

// TestWhoClosedTheirAccount hears of their orders and money for as long as there is an address. Where there is none, somebody is called: but
// not for what no longer matters to them.
func TestWhoClosedTheirAccount(t *testing.T) {
	for _, c := range []struct {
		to      string
		id      letter.ID
		state   letter.State
		counted []string
	}{
		{"maris@example.com", confirmation, letter.Sent, nil},
		{"maris@example.com", "account/1/password_reset/1", letter.Refused, nil},
		{"", confirmation, letter.Refused, []string{"LetterRefused account_left order_confirmation"}},
		{"", "account/1/password_reset/1", letter.Refused, nil},
	} {
		s := stocked()
		for id := range s.people {
			s.people[id] = letter.Recipient{Address: c.to, Language: lang.Estonian, Left: true}
		}
		var err error
		counted := golden.Counted(t, func() { err = s.receipts().send(t.Context(), letter.Ready{Letter: c.id}) })
		if l := s.letters[c.id]; err != nil || l.State != c.state || !slices.Equal(counted, c.counted) {
			t.Errorf("%s to %q: %+v, counted: %v (%v)", c.id, c.to, l, counted, err)
		}
	}
}

func TestLinkOpensWhatItIsFor(t *testing.T) {
	for id, purpose := range map[letter.ID]account.Purpose{"signup/1/verify/1": account.Verify, "account/1/password_reset/1": account.Reset} {
		s := stocked()
		if err := s.receipts().send(t.Context(), letter.Ready{Letter: id}); err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`https://opiq\.example/\S+\?token=(\S+)`).FindStringSubmatch(s.sent[0].text)
		if found == nil {
			t.Fatalf("%s: no link in %s", id, s.sent[0].text)
		}
		secret, err := url.QueryUnescape(found[1])
		if err != nil {
			t.Fatal(err)
		}
		if subject, err := tokens.Open(purpose, secret, s.now); err != nil || subject != "subject-1" {
			t.Errorf("%s: %q %v", id, subject, err)
		}
		if kept := fmt.Sprint(s.letters[id]); regexp.MustCompile(regexp.QuoteMeta(secret)).MatchString(kept) {
			t.Errorf("%s: the token was stored", id)
		}
	}
}

func TestEveryLinkHasItsPurpose(t *testing.T) {
	for _, k := range letter.Kinds() {
		_, ok := purposes[k]
		linked := letter.Letter{Kind: k, Facts: map[string]string{"signup": "x", "reset": "x"}}.Link() != ""
		if ok != linked {
			t.Errorf("%s: link %t, purpose %t", k, linked, ok)
		}
	}
}
