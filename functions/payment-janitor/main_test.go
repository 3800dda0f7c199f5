package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/letter"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/schedule"
	"opiq/shared/table"
)

// The orders that have an invoice, beside the one that waits without: not paid, and paid in part.
const (
	invoiced order.Number = "1111111114"
	inPart   order.Number = "1111111115"
)

// The instants at which something happens to an invoice of the people's noon.
var (
	reminded = at("2026-12-03T07:00:00Z")
	overdue  = at("2026-12-09T07:00:00Z")
	over     = at("2026-12-23T22:00:00Z") // also for those that were paid in part, which have three days more
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// world is a table in which three orders wait for their money.
func world(t *testing.T) (aws.Config, string) {
	t.Helper()
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	for _, n := range []order.Number{invoiced, inPart} {
		people.Buy(t, s, n, civil.Date{Year: 2026, Month: 12, Day: 1}, false)
		people.Invoice(t, s, n, nil)
	}
	people.Transfer(t, s, inPart, 200, 1, people.Noon)
	people.Transfer(t, s, inPart, 96, 2, people.Noon)
	return cfg, name
}

// waiting is what became of an order.
type waiting struct {
	State   order.State   `json:"state"`
	Open    string        `json:"open"`
	Letters []letter.Kind `json:"letters,omitempty"`
	Back    []string      `json:"back,omitempty"`
}

// told is what became of the three.
func told(l ledger.Ledger) map[order.Number]waiting {
	all := map[order.Number]waiting{}
	for _, o := range l.Orders {
		if o.Number == people.Running || o.Number == people.Ahead {
			continue
		}
		w := waiting{State: o.State, Open: o.Open().String()}
		for _, x := range l.Letters {
			if x.Facts["order"] == string(o.Number) && x.CreatedAt.After(people.Noon) {
				w.Letters = append(w.Letters, x.Kind)
			}
		}
		for _, c := range l.Cases {
			if c.Order == o.Number {
				w.Back = append(w.Back, fmt.Sprintf("%s %s", c.Amount, c.Reason))
			}
		}
		slices.Sort(w.Letters)
		slices.Sort(w.Back)
		all[o.Number] = w
	}
	return all
}

// again is how often each letter was sent again.
func again(l ledger.Ledger) map[letter.ID]int {
	all := map[letter.ID]int{}
	for _, x := range l.Letters {
		if x.Nudged > 0 {
			all[x.ID] = x.Nudged
		}
	}
	return all
}

// looked are the paid orders that somebody has looked at.
func looked(l ledger.Ledger) (all []order.Number) {
	for _, o := range l.Orders {
		if !o.CheckedAt.IsZero() {
			all = append(all, o.Number)
		}
	}
	slices.Sort(all)
	return all
}

// everyone are the paid orders of the people.
var everyone = []order.Number{people.Running, people.Ahead}

// once wants every letter that waited before to have been sent again once, and no other.
func once(t *testing.T, before, after ledger.Ledger) {
	t.Helper()
	want := map[letter.ID]int{}
	for _, id := range before.Unsent() {
		want[id] = 1
	}
	if diff := cmp.Diff(want, again(after)); diff != "" {
		t.Error(diff)
	}
}

// lose takes things out of the table that nothing ever takes out: kinds and ids.
func lose(t *testing.T, cfg aws.Config, name string, things ...[2]string) {
	t.Helper()
	db := dynamodb.NewFromConfig(cfg)
	out, err := db.Scan(t.Context(), &dynamodb.ScanInput{TableName: &name})
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, i := range out.Items {
		kind, _ := i["kind"].(*types.AttributeValueMemberS)
		id, _ := i["id"].(*types.AttributeValueMemberS)
		if id == nil || !slices.Contains(things, [2]string{kind.Value, id.Value}) {
			continue
		}
		lost++
		if _, err := db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &name, Key: map[string]types.AttributeValue{"PK": i["PK"], "SK": i["SK"]}}); err != nil {
			t.Fatal(err)
		}
	}
	if lost != len(things) {
		t.Fatalf("%d of %v were there to lose", lost, things)
	}
}

// counted is what an operator is told while something is done: how often each metric counted each reason.
func counted(t *testing.T, do func()) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, line := range golden.Counted(t, do) {
		said := strings.Fields(line)
		all[said[0]+" "+said[1]]++
	}
	return all
}

func TestEvents(t *testing.T) {
	golden.Events(t, "payment-janitor", func(t *testing.T, _ string, event []byte) any {
		cfg, name := world(t)
		var e schedule.Event
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the scheduler fires at least once
			if err := schedule.Handler(janitor{table.Open(cfg, name)}.handle).Handle(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		l := ledger.Holds(t, cfg, name)
		return map[string]any{"orders": told(l), "again": again(l), "looked": looked(l)}
	})
}

// TestAnInvoiceThatNobodyPays is the whole story.
func TestAnInvoiceThatNobodyPays(t *testing.T) {
	cfg, name := world(t)
	j := janitor{table.Open(cfg, name)}
	for _, instant := range []time.Time{reminded, overdue, over, over.Add(15 * time.Minute), over.AddDate(1, 0, 0)} {
		if err := j.handle(t.Context(), instant); err != nil {
			t.Fatal(err)
		}
	}
	l := ledger.Holds(t, cfg, name)
	for kind, want := range map[letter.Kind]int{letter.PaymentReminder: 2, letter.PaymentOverdue: 2, letter.OrderExpired: 3, letter.RefundCase: 2} {
		if got := l.Count(kind); got != want {
			t.Errorf("%d letters %s", got, kind)
		}
	}
}

// TestWhatNobodyDoesIsSentAgain: nobody sends a letter here, and nobody asks the card provider. That it is sent again a second time is
// for an operator to know; that a buyer takes their time over a card is not.
func TestWhatNobodyDoesIsSentAgain(t *testing.T) {
	cfg, name := world(t)
	s := table.Open(cfg, name)
	a, err := s.Attempt(t.Context(), order.Attempt{
		ID: "123456789", Order: people.Waiting, Method: order.ByCard, Amount: 496, State: order.Started, StartedAt: people.Noon,
	})
	if err != nil {
		t.Fatal(err)
	}
	if a.Reference = "abc"; s.Charge(t.Context(), a) != nil {
		t.Fatal("the attempt is not charged")
	}
	letters := len(ledger.Holds(t, cfg, name).Letters)
	for _, c := range []struct{ minute, letters, attempts, alarms int }{
		{5, 0, 1, 0}, {10, 1, 2, 0}, {15, 1, 3, 0}, {20, 2, 4, letters}, {25, 2, 4, 0}, {30, 2, 4, 0}, {35, 2, 5, 0}, {40, 3, 5, letters}, {45, 3, 5, 0},
	} {
		alarms := counted(t, func() {
			if err := (janitor{s}).handle(t.Context(), people.Noon.Add(time.Duration(c.minute)*time.Minute)); err != nil {
				t.Error(err)
			}
		})
		l := ledger.Holds(t, cfg, name)
		for _, x := range l.Letters {
			if x.Nudged != c.letters {
				t.Errorf("after %d minutes %s was sent again %d times, not %d", c.minute, x.ID, x.Nudged, c.letters)
			}
		}
		i := slices.IndexFunc(l.Attempts, func(x order.Attempt) bool { return x.ID == a.ID })
		if l.Attempts[i].Nudged != c.attempts || alarms["Stuck mail"] != c.alarms || alarms["Stuck attempt"] != 0 {
			t.Errorf("after %d minutes the provider was asked %d times, not %d; counted: %v", c.minute, l.Attempts[i].Nudged, c.attempts, alarms)
		}
	}
}

// TestAPaidOrderGetsWhatItLacks: ten minutes after its payment, in one transaction, and an operator hears of it.
func TestAPaidOrderGetsWhatItLacks(t *testing.T) {
	license, receipt, active := [2]string{"license", "L1111111111"}, [2]string{"mail", "order/1111111111/receipt"}, [2]string{"mail", "license/L1111111111/active"}
	for _, c := range []struct {
		lost [][2]string
		want map[string]int
	}{
		{nil, map[string]int{}},
		{[][2]string{receipt}, map[string]int{"Repaired payment_receipt": 1}},
		{[][2]string{active}, map[string]int{"Repaired license_active": 1}},
		{[][2]string{license}, map[string]int{"Repaired license": 1}},
		{[][2]string{license, receipt, active}, map[string]int{"Repaired license": 1, "Repaired payment_receipt": 1, "Repaired license_active": 1}},
	} {
		cfg, name := world(t)
		s := table.Open(cfg, name)
		was := people.License(t, s, people.Running)
		lose(t, cfg, name, c.lost...)
		for _, round := range []struct {
			minute int
			want   map[string]int
			looked []order.Number
		}{{9, map[string]int{}, nil}, {10, c.want, everyone}, {11, map[string]int{}, everyone}} {
			got := counted(t, func() {
				if err := (janitor{s}).handle(t.Context(), people.Noon.Add(time.Duration(round.minute)*time.Minute)); err != nil {
					t.Error(err)
				}
			})
			l, err := ledger.Read(t.Context(), cfg, name)
			if diff := cmp.Diff(round.want, got); err != nil || diff != "" || !slices.Equal(looked(l), round.looked) {
				t.Errorf("%v is lost: after %d minutes the orders %v were looked at (%v): %s", c.lost, round.minute, looked(l), err, diff)
			}
		}
		ledger.Holds(t, cfg, name)
		now := people.License(t, s, people.Running)
		if now.StartsAt != was.StartsAt || now.EndsAt != was.EndsAt || now.Stage != was.Stage || now.At(people.Noon) != was.At(people.Noon) {
			t.Errorf("%v is lost: the license was %+v and is %+v", c.lost, was, now)
		}
	}
}

// lame is a table that fails at one kind of work.
type lame struct {
	store
	at string
}

var errLame = errors.New("the table is lame")

func (l lame) DueOrders(ctx context.Context, kind string, shard int, now time.Time, after string) ([]order.Order, string, error) {
	if kind == l.at {
		return nil, "", errLame
	}
	return l.store.DueOrders(ctx, kind, shard, now, after)
}

func (l lame) Nudge(ctx context.Context, w table.Overdue, now time.Time) (bool, error) {
	if l.at == table.Stuck {
		return false, errLame
	}
	return l.store.Nudge(ctx, w, now)
}

func (l lame) DueAccounts(ctx context.Context, shard int, now time.Time, after string) ([]account.Account, string, error) {
	if l.at == table.Leaving {
		return nil, "", errLame
	}
	return l.store.DueAccounts(ctx, shard, now, after)
}

func TestWhereOneKindOfWorkFailsTheOthersAreDone(t *testing.T) {
	for at, want := range map[string][4]bool{
		table.Unpaid: {false, true, true, true}, table.Stuck: {true, false, true, true}, table.Unchecked: {true, true, false, true}, table.Leaving: {true, true, true, false},
	} {
		cfg, name := world(t)
		leaves(t, table.Open(cfg, name), people.Jaan)
		if err := (janitor{lame{table.Open(cfg, name), at}}).handle(t.Context(), over); !errors.Is(err, errLame) {
			t.Errorf("%s: %v", at, err)
		}
		l := ledger.Holds(t, cfg, name)
		if got := [4]bool{l.Count(letter.OrderExpired) == 3, len(again(l)) > 0, len(looked(l)) == 2, !of(l, people.Jaan).EndedAt.IsZero()}; got != want {
			t.Errorf("%s fails: of the four this is done: %v", at, got)
		}
	}
}

// crowded are the shards of a table in which something waits, by their kinds: the others are not asked. The call that finds nothing
// in one breaks as it does in another.
type crowded struct {
	store
	shards map[string]bool
}

func crowd(t *testing.T, s *table.Table, now time.Time) map[string]bool {
	t.Helper()
	shards := map[string]bool{}
	for shard := range table.Shards {
		for _, kind := range []string{table.Unpaid, table.Unchecked} {
			page, _, err := s.DueOrders(t.Context(), kind, shard, now, "")
			if err != nil {
				t.Fatal(err)
			}
			shards[fmt.Sprint(kind, shard)] = len(page) > 0
		}
		page, _, err := s.Overdue(t.Context(), shard, now, "")
		if err != nil {
			t.Fatal(err)
		}
		shards[fmt.Sprint(table.Stuck, shard)] = len(page) > 0
		left, _, err := s.DueAccounts(t.Context(), shard, now, "")
		if err != nil {
			t.Fatal(err)
		}
		shards[fmt.Sprint(table.Leaving, shard)] = len(left) > 0
	}
	return shards
}

func (c crowded) DueAccounts(ctx context.Context, shard int, now time.Time, after string) ([]account.Account, string, error) {
	if !c.shards[fmt.Sprint(table.Leaving, shard)] {
		return nil, "", nil
	}
	return c.store.DueAccounts(ctx, shard, now, after)
}

func (c crowded) DueOrders(ctx context.Context, kind string, shard int, now time.Time, after string) ([]order.Order, string, error) {
	if !c.shards[fmt.Sprint(kind, shard)] {
		return nil, "", nil
	}
	return c.store.DueOrders(ctx, kind, shard, now, after)
}

func (c crowded) Overdue(ctx context.Context, shard int, now time.Time, after string) ([]table.Overdue, string, error) {
	if !c.shards[fmt.Sprint(table.Stuck, shard)] {
		return nil, "", nil
	}
	return c.store.Overdue(ctx, shard, now, after)
}

// TestEveryCallBroken: an order that was paid in part ends, eight letters are sent again, and one of two paid orders gets its license
// and a letter.
func TestEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		people.Transfer(t, s, people.Waiting, 200, 1, people.Noon)
		lose(t, cfg, name, [2]string{"license", "L1111111111"}, [2]string{"mail", "license/L1111111111/active"})
		before, err := ledger.Read(t.Context(), cfg, name)
		if err != nil {
			t.Fatal(err)
		}
		j := janitor{crowded{table.Open(broken(cfg), name), crowd(t, s, over)}}
		return func(ctx context.Context) error { return j.handle(ctx, over) }, func(t *testing.T) {
			l := ledger.Holds(t, cfg, name)
			want := map[order.Number]waiting{people.Waiting: {order.Expired, "4.96", []letter.Kind{letter.OrderExpired, letter.RefundCase}, []string{"2.00 expired"}}}
			if diff := cmp.Diff(want, told(l)); diff != "" {
				t.Error(diff)
			}
			if !slices.Equal(looked(l), everyone) || len(l.Licenses) != 2 || l.Count(letter.LicenseEnded) != 1 {
				t.Errorf("%d licenses, %d letters about one that is over; looked at: %v", len(l.Licenses), l.Count(letter.LicenseEnded), looked(l))
			}
			once(t, before, l)
		}
	})
}

func TestTwoAtOnceDoEachThingOnce(t *testing.T) {
	cfg, name := world(t)
	for i := range 40 {
		people.Buy(t, table.Open(cfg, name), order.Number(fmt.Sprint(3_000_000_000+i)), civil.Date{Year: 2026, Month: 12, Day: 1}, i%4 == 0)
	}
	before := ledger.Holds(t, cfg, name)
	both := func(instant time.Time) {
		var wait sync.WaitGroup
		for range 2 {
			wait.Go(func() {
				if err := (janitor{table.Open(cfg, name)}).handle(t.Context(), instant); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
	}
	both(reminded)
	once(t, before, ledger.Holds(t, cfg, name))
	both(over)
	l := ledger.Holds(t, cfg, name)
	if l.Count(letter.PaymentReminder) != 2 || l.Count(letter.OrderExpired) != 33 || l.Count(letter.RefundCase) != 2 || len(looked(l)) != 12 {
		t.Errorf("%d reminders, %d have expired, %d go back, %d were looked at", l.Count(letter.PaymentReminder), l.Count(letter.OrderExpired), l.Count(letter.RefundCase), len(looked(l)))
	}
	for id, n := range again(l) {
		if n > 2 {
			t.Errorf("%s was sent again %d times at two instants", id, n)
		}
	}
}

// slow ends the janitor's time after some calls.
type slow struct {
	aws.HTTPClient
	left atomic.Int32
	stop context.CancelFunc
}

func (s *slow) Do(r *http.Request) (*http.Response, error) {
	if s.left.Add(-1) == 0 {
		s.stop()
	}
	return s.HTTPClient.Do(r)
}

func TestCutOffItGoesOnTheNextTime(t *testing.T) {
	for _, calls := range []int32{80, 120} {
		cfg, name := world(t)
		for i := range 40 {
			people.Buy(t, table.Open(cfg, name), order.Number(fmt.Sprint(3_000_000_000+i)), civil.Date{Year: 2026, Month: 12, Day: 1}, i%4 == 0)
		}
		before := ledger.Holds(t, cfg, name)
		ctx, stop := context.WithCancel(t.Context())
		hurried := cfg.Copy()
		client := &slow{HTTPClient: cfg.HTTPClient, stop: stop}
		client.left.Store(calls)
		hurried.HTTPClient = client
		if err := (janitor{table.Open(hurried, name)}).handle(ctx, over); err != nil {
			t.Errorf("that time is up is a fault: %v", err)
		}
		l := ledger.Holds(t, cfg, name)
		if done := l.Count(letter.OrderExpired) + len(again(l)) + len(looked(l)); done == 0 || done == 33+len(before.Unsent())+12 {
			t.Fatalf("%d things were done before it was cut off after %d calls", done, calls)
		}
		if err := (janitor{table.Open(cfg, name)}).handle(t.Context(), over); err != nil {
			t.Error(err)
		}
		l = ledger.Holds(t, cfg, name)
		if n := l.Count(letter.OrderExpired); n != 33 || len(looked(l)) != 12 {
			t.Errorf("%d have expired, %d were looked at", n, len(looked(l)))
		}
		once(t, before, l)
	}
}

// TestMoneyAndTheEndAtOnce: whichever is first, the order is paid or its money waits to go back.
func TestMoneyAndTheEndAtOnce(t *testing.T) {
	cfg, name := world(t)
	s := table.Open(cfg, name)
	var wait sync.WaitGroup
	for i := range 10 {
		n := order.Number(fmt.Sprint(3_000_000_000 + i))
		people.Buy(t, s, n, civil.Date{Year: 2026, Month: 12, Day: 1}, false)
		book, err := s.Book(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		notice := people.Paid(book.Attempts[0], "1")
		wait.Go(func() {
			for {
				book, err := s.Book(t.Context(), n)
				if err != nil {
					t.Error(err)
					return
				}
				c, _, err := payment.Settle(book, notice, over)
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Settle(t.Context(), c); err == nil {
					return
				}
			}
		})
	}
	wait.Go(func() {
		if err := (janitor{s}).handle(t.Context(), over); err != nil {
			t.Error(err)
		}
	})
	wait.Wait()
	paid := 0
	for n, w := range told(ledger.Holds(t, cfg, name)) {
		if strings.HasPrefix(string(n), "3") && w.State == order.Paid {
			paid++
		}
	}
	if paid != 10 {
		t.Errorf("%d of 10 are paid: their attempts began in time", paid)
	}
}

// TestAnOrderInVeryManyPartsEnds: all that came of it goes back in one transaction.
func TestAnOrderInVeryManyPartsEnds(t *testing.T) {
	cfg, name := world(t)
	s := table.Open(cfg, name)
	for i := range order.MaxParts {
		people.Transfer(t, s, people.Waiting, 1, 100+i, people.Noon)
	}
	if err := (janitor{s}).handle(t.Context(), over); err != nil {
		t.Fatal(err)
	}
	if w := told(ledger.Holds(t, cfg, name))[people.Waiting]; w.State != order.Expired || len(w.Back) != order.MaxParts {
		t.Errorf("it is %s, and %d parts go back", w.State, len(w.Back))
	}
}
