package table_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/intake"
	"opiq/shared/letter"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/reconciliation"
	"opiq/shared/stream"
	"opiq/shared/table"
)

// in is some minutes after noon.
func in(minutes int) time.Time { return people.Noon.Add(time.Duration(minutes) * time.Minute) }

// overdue is all that waits too long at an instant.
func overdue(t *testing.T, s *table.Table, now time.Time) (all []table.Overdue) {
	t.Helper()
	for shard := range table.Shards {
		page, next, err := s.Overdue(t.Context(), shard, now, "")
		if err != nil || next != "" {
			t.Fatal(next, err)
		}
		all = append(all, page...)
	}
	return all
}

// nudge sends again all that waits too long, and answers what it was, by kind and id.
func nudge(t *testing.T, s *table.Table, now time.Time) (all []string) {
	t.Helper()
	for _, w := range overdue(t, s, now) {
		if moved, err := s.Nudge(t.Context(), w, now); err != nil || !moved {
			t.Errorf("%s %s: moved %t (%v)", w.Kind, w.ID, moved, err)
		}
		all = append(all, w.Kind+" "+w.ID)
	}
	slices.Sort(all)
	return all
}

// queued is a table with a letter that nobody sends.
func queued(t *testing.T) (*table.Table, letter.Letter) {
	t.Helper()
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	l := letter.Letter{ID: "account/x/password_changed/1", Kind: letter.PasswordChanged, Account: "x", CreatedAt: people.Noon}
	if err := s.KeepLetter(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	l.Revision = 1
	return s, l
}

// nudges are the minutes at which the letter is sent again by somebody who comes by at these.
func nudges(t *testing.T, s *table.Table, minutes ...int) (at []int) {
	t.Helper()
	for _, m := range minutes {
		if len(nudge(t, s, in(m))) > 0 {
			at = append(at, m)
		}
	}
	return at
}

func every(step, until int) (minutes []int) {
	for m := 0; m <= until; m += step {
		minutes = append(minutes, m)
	}
	return minutes
}

func TestALetterThatStaysQueuedIsSentAgainMoreAndMoreSeldom(t *testing.T) {
	for _, c := range []struct{ come, want []int }{
		{every(5, 160), []int{10, 20, 40, 80, 160}},
		{every(3, 90), []int{12, 21, 42, 81}},                            // what comes late moves nothing
		{[]int{10, 10, 10, 20, 20}, []int{10, 20}},                       // twice at once, and late
		{[]int{240, 245, 250, 255, 260, 265, 270}, []int{240, 250, 270}}, // nobody came by for hours: nothing is made up for
	} {
		s, l := queued(t)
		if got := nudges(t, s, c.come...); !slices.Equal(got, c.want) {
			t.Errorf("it is sent again after %v minutes, not after %v", got, c.want)
		}
		if got, err := s.Letter(t.Context(), l.ID); err != nil || got.Nudged != len(c.want) || got.State != l.State {
			t.Errorf("%+v (%v)", got, err)
		}
	}
}

func TestALetterThatSomebodyHoldsIsLeftAlone(t *testing.T) {
	s, l := queued(t)
	held, err := l.Take(in(5), 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ChangeLetter(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	held.Revision++
	if got := nudges(t, s, 10, 15); got != nil {
		t.Errorf("it is sent again after %v minutes, and somebody has it", got)
	}
	if got := nudges(t, s, 16, 17); !slices.Equal(got, []int{16}) {
		t.Errorf("whoever had it is gone: it is sent again after %v minutes", got)
	}
	held.Revision++
	sent, err := held.Accept(in(17), letter.Recipient{}, letter.Message{}, "ses")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ChangeLetter(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	if got := nudges(t, s, every(10, 160)...); got != nil {
		t.Errorf("it was sent, and is sent again after %v minutes", got)
	}
}

func TestWhatHasChangedIsNotWrittenOver(t *testing.T) {
	s, l := queued(t)
	seen := overdue(t, s, in(10))
	held, err := l.Take(in(10), 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ChangeLetter(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	if moved, err := s.Nudge(t.Context(), seen[0], in(10)); err != nil || moved {
		t.Errorf("moved: %t (%v)", moved, err)
	}
	held.Revision++
	got, err := s.Letter(t.Context(), l.ID)
	if diff := cmp.Diff(held, got); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
}

func TestOfManyWhoNudgeAtOnceOneDoes(t *testing.T) {
	s, l := queued(t)
	seen := overdue(t, s, in(10))
	var done atomic.Int32
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			moved, err := s.Nudge(t.Context(), seen[0], in(10))
			if err != nil {
				t.Error(err)
			}
			if moved {
				done.Add(1)
			}
		})
	}
	wait.Wait()
	if got, err := s.Letter(t.Context(), l.ID); err != nil || done.Load() != 1 || got.Nudged != 1 {
		t.Errorf("%d did, and it was sent again %d times (%v)", done.Load(), got.Nudged, err)
	}
}

// leave stores things of all kinds that wait for a queue since noon, and some that do not.
func leave(t *testing.T, s *table.Table) {
	t.Helper()
	ctx := t.Context()
	entry := part(strings.Repeat("a", 32), 1, 1)
	if _, err := s.KeepEntries(ctx, []reconciliation.Entry{entry}); err != nil {
		t.Fatal(err)
	}
	people.Buy(t, s, people.Waiting, entry.Bank.Booked, false) // its bank link is the buyer's and their bank's
	a := order.Attempt{ID: "123456789", Order: people.Waiting, Method: order.ByCard, Amount: 496, State: order.Started, StartedAt: people.Noon}
	a, err := s.Attempt(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	if a.Reference = "abc"; s.Charge(ctx, a) != nil {
		t.Fatal("the attempt is not charged")
	}
	if err := s.ChangeStatement(ctx, intake.Receive(intake.ID(strings.Repeat("b", 32)), account.Operator, people.Noon)); err != nil {
		t.Fatal(err)
	}
	refund := func(id payment.RefundID, way payment.Way) payment.Refund {
		return payment.Refund{ID: id, Order: people.Waiting, Amount: 496, Way: way, State: payment.Requested, At: people.Noon}
	}
	err = s.Settle(ctx, payment.Change{Refunds: []payment.Refund{refund("1111111113-0123456789ab", payment.ByCard), refund("1111111113-ba9876543210", payment.ByTransfer)}})
	if err != nil {
		t.Fatal(err)
	}
}

// items are all items of a table, by their keys.
func items(t *testing.T, cfg aws.Config, name string) map[string]map[string]types.AttributeValue {
	t.Helper()
	out, err := dynamodb.NewFromConfig(cfg).Scan(t.Context(), &dynamodb.ScanInput{TableName: &name})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]types.AttributeValue{}
	for _, i := range out.Items {
		all[i["PK"].(*types.AttributeValueMemberS).Value+" "+i["SK"].(*types.AttributeValueMemberS).Value] = i
	}
	return all
}

// TestEachKindWaitsItsOwnTime, and what is nudged is told of by the stream as what it is, and stays as it was.
func TestEachKindWaitsItsOwnTime(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	leave(t, s)
	before := items(t, cfg, name)
	for _, c := range []struct {
		minute int
		want   []string
	}{
		{1, nil},
		{2, []string{"attempt 123456789"}},
		{10, []string{"attempt 123456789", "mail order/1111111113/confirmation", "refund 1111111113-0123456789ab"}},
		{30, []string{"attempt 123456789", "entry " + strings.Repeat("a", 32), "mail order/1111111113/confirmation", "refund 1111111113-0123456789ab"}},
		{60, []string{"attempt 123456789", "entry " + strings.Repeat("a", 32), "mail order/1111111113/confirmation", "refund 1111111113-0123456789ab", "statement " + strings.Repeat("b", 32)}},
		{61, nil},
	} {
		if got := nudge(t, s, in(c.minute)); !slices.Equal(got, c.want) {
			t.Errorf("after %d minutes: %v", c.minute, got)
		}
	}
	nudged := map[string]stream.New{}
	for key, after := range items(t, cfg, name) {
		var told []stream.New
		see := stream.Handler(func(_ context.Context, things []stream.New) (int, error) { told = things; return len(things), nil })
		record := events.DynamoDBEventRecord{EventName: "MODIFY", Change: events.DynamoDBStreamRecord{OldImage: image(before[key]), NewImage: image(after)}}
		if _, err := see.Handle(t.Context(), events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{record}}); err != nil {
			t.Fatal(err)
		}
		if after["nudged"] != nil {
			if len(told) != 1 {
				t.Fatalf("%s was nudged, and of that the stream tells %v", key, told)
			}
			nudged[told[0].Kind] = told[0]
		}
		for _, moving := range []string{"nudged", "dueAt", "revision", "mark"} {
			delete(before[key], moving)
			delete(after, moving)
		}
		if diff := cmp.Diff(image(before[key]), image(after), cmp.AllowUnexported(events.DynamoDBAttributeValue{})); diff != "" {
			t.Errorf("%s is not what it was: %s", key, diff)
		}
	}
	want := map[string]stream.New{
		"attempt": {Kind: "attempt", ID: "123456789", Reference: "abc"}, "entry": {Kind: "entry", ID: strings.Repeat("a", 32)},
		"mail": {Kind: "mail", ID: "order/1111111113/confirmation"}, "refund": {Kind: "refund", ID: "1111111113-0123456789ab"},
		"statement": {Kind: "statement", ID: strings.Repeat("b", 32)},
	}
	if diff := cmp.Diff(want, nudged); diff != "" {
		t.Error(diff)
	}
}

// image are the texts and numbers of an item, as the stream has them.
func image(i map[string]types.AttributeValue) map[string]events.DynamoDBAttributeValue {
	all := map[string]events.DynamoDBAttributeValue{}
	for k, v := range i {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			all[k] = events.NewStringAttribute(v.Value)
		case *types.AttributeValueMemberN:
			all[k] = events.NewNumberAttribute(v.Value)
		}
	}
	return all
}

func TestLettersAreLookedForTogether(t *testing.T) {
	s, l := queued(t)
	written, err := s.Written(t.Context(), "order/1/receipt", l.ID, "order/2/receipt")
	if diff := cmp.Diff(map[letter.ID]bool{"order/1/receipt": false, l.ID: true, "order/2/receipt": false}, written); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
}

// TestAPaidOrderIsListedUntilItIsChecked: ten minutes after its payment, in one of the shards.
func TestAPaidOrderIsListedUntilItIsChecked(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	list := func(now time.Time) (all []order.Number) {
		for shard := range table.Shards {
			page, next, err := s.DueOrders(t.Context(), table.Unchecked, shard, now, "")
			if err != nil || next != "" {
				t.Fatal(next, err)
			}
			for _, o := range page {
				all = append(all, o.Number)
			}
		}
		slices.Sort(all)
		return all
	}
	if got := list(in(9)); got != nil {
		t.Errorf("too early: %v", got)
	}
	if got := list(in(10)); !slices.Equal(got, []order.Number{people.Running, people.Ahead}) {
		t.Errorf("to be looked at: %v", got)
	}
	book, err := s.Book(t.Context(), people.Running)
	if err != nil {
		t.Fatal(err)
	}
	change, ok := book.Check(in(10))
	change.Letters = nil // all are there
	for _, want := range []bool{true, false} {
		if moved, err := s.Age(t.Context(), change); err != nil || !ok || moved != want {
			t.Errorf("moved: %t (%v)", moved, err)
		}
	}
	if got := list(in(1000)); !slices.Equal(got, []order.Number{people.Ahead}) {
		t.Errorf("left to be looked at: %v", got)
	}
}
