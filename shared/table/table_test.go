package table_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"opiq/local/fault"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/stream"
	"opiq/shared/table"
)

func TestWhatIsStoredIsReadBackWhole(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	want := people.Person(people.Mari, "Mari", "Maasikas", "et")
	want.Revision = 1
	got, err := s.Account(t.Context(), people.Mari)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	l := people.License(t, s, people.Ahead)
	if l.StartsOn != (civil.Date{Year: 2027, Month: 1, Day: 1}) || !l.StartsAt.Equal(time.Date(2026, 12, 31, 22, 0, 0, 0, time.UTC)) || !l.AnnulledAt.IsZero() {
		t.Errorf("%+v", l)
	}
}

func TestAChangeOfAnotherRevisionIsRefused(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	mari, err := s.Account(t.Context(), people.Mari)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ChangeAccount(t.Context(), mari); err != nil {
		t.Fatal(err)
	}
	if err := s.ChangeAccount(t.Context(), mari); !errors.Is(err, table.ErrChanged) {
		t.Errorf("the same change a second time: %v", err)
	}
}

// TestManyWritersCountRight: of writers who write the same thing at once, one wins and the others hear of it.
func TestManyWritersCountRight(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	limit := account.Limit{Max: 20, Per: time.Hour}
	var wait sync.WaitGroup
	var mu sync.Mutex
	free := 0
	for range 30 {
		wait.Go(func() {
			left, err := s.Spend(t.Context(), "x", limit, people.Noon)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if left == 0 {
				free++
			}
		})
	}
	wait.Wait()
	if free != 20 {
		t.Errorf("%d of 20 tries were taken", free)
	}
}

func TestATransactionOfWhichNobodyHeardIsDone(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		people.MoveIn(t, table.Open(cfg, name))
		s := table.Open(broken(cfg), name)
		mari, err := table.Open(cfg, name).Account(t.Context(), people.Mari)
		if err != nil {
			t.Fatal(err)
		}
		return func(ctx context.Context) error {
				err := s.ChangeAccount(ctx, mari, mari.ChangedLetter(people.Noon))
				if errors.Is(err, table.ErrChanged) {
					err = nil // it came again after it was done
				}
				return err
			}, func(t *testing.T) {
				if now, err := table.Open(cfg, name).Account(t.Context(), people.Mari); err != nil || now.Revision != 2 {
					t.Errorf("revision %d (%v)", now.Revision, err)
				}
			}
	})
}

// TestALetterIsANewLetterInTheStream holds package stream to what package table writes.
func TestALetterIsANewLetterInTheStream(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	want := letter.Letter{ID: "account/x/password_changed/1", Kind: letter.PasswordChanged, Account: "x", CreatedAt: people.Noon}
	if err := s.KeepLetter(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	out, err := dynamodb.NewFromConfig(cfg).Scan(t.Context(), &dynamodb.ScanInput{TableName: &name})
	if err != nil || len(out.Items) != 1 {
		t.Fatal(len(out.Items), err)
	}
	image := map[string]events.DynamoDBAttributeValue{}
	for k, v := range out.Items[0] {
		if s, ok := v.(*types.AttributeValueMemberS); ok {
			image[k] = events.NewStringAttribute(s.Value)
		}
	}
	record := events.DynamoDBEventRecord{Change: events.DynamoDBStreamRecord{NewImage: image}}
	var seen []stream.New
	see := stream.Handler(func(_ context.Context, things []stream.New) (int, error) { seen = things; return len(things), nil })
	for name, want := range map[string][]stream.New{"INSERT": {{Kind: "mail", ID: string(want.ID)}}, "MODIFY": nil, "REMOVE": nil} {
		record.EventName = name
		if _, err := see.Handle(t.Context(), events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{record}}); err != nil || !slices.Equal(seen, want) {
			t.Errorf("%s: %v is seen (%v)", name, seen, err)
		}
	}
}

// TestEveryLetterIsKept but one about an address that nobody has proved, a password, or an account that ended.
func TestEveryLetterIsKept(t *testing.T) {
	passing := []letter.Kind{letter.Verify, letter.AccountExists, letter.PasswordReset, letter.PasswordChanged, letter.AccountLeft}
	for _, k := range letter.Kinds() {
		cfg, name := stage.Table(t)
		if err := table.Open(cfg, name).KeepLetter(t.Context(), letter.Letter{ID: "1", Kind: k, To: "arved@kool.example", CreatedAt: people.Noon}); err != nil {
			t.Fatal(err)
		}
		out, err := dynamodb.NewFromConfig(cfg).Scan(t.Context(), &dynamodb.ScanInput{TableName: &name})
		if err != nil || len(out.Items) != 1 {
			t.Fatal(len(out.Items), err)
		}
		if _, ends := out.Items[0]["expires"]; ends != slices.Contains(passing, k) {
			t.Errorf("%s expires: %t", k, ends)
		}
	}
}

// TestTheIndexListsWhatIsDueAndNothingElse: in its shard, the longest waiting first, a page at a time.
func TestTheIndexListsWhatIsDueAndNothingElse(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	for i := range 20 {
		people.Buy(t, s, order.Number(fmt.Sprintf("22222222%02d", i)), civil.Date{Year: 2026, Month: 12, Day: 1 + i%5}, true)
	}
	due := func(kind string, at time.Time) (all []license.License) {
		for shard := range table.Shards {
			page, next, err := s.DueLicenses(t.Context(), kind, shard, at, "")
			if err != nil || next != "" {
				t.Fatal(next, err)
			}
			for i := 1; i < len(page); i++ {
				if page[i].StartsAt.Before(page[i-1].StartsAt) {
					t.Error("a shard is out of order")
				}
			}
			all = append(all, page...)
		}
		return all
	}
	third := civil.Date{Year: 2026, Month: 12, Day: 3}.Start(civil.Tallinn)
	for _, c := range []struct {
		kind string
		at   time.Time
		want int
	}{
		{table.Activation, third.Add(-time.Second), 8},
		{table.Activation, third, 12},
		{table.Activation, people.Noon, 0},
		{table.Activation, third.AddDate(1, 0, 0), 21}, // 20, and the one of the people that starts on 1 January
		{table.Expiry, people.Noon, 0},
		{table.Expiry, third.AddDate(1, 0, 0), 1}, // only what has started is on its way to its end
	} {
		if got := due(c.kind, c.at); len(got) != c.want {
			t.Errorf("%s at %s: %d, not %d", c.kind, c.at, len(got), c.want)
		}
	}
}

// TestTheIndexListsOrdersThatNobodyHasPaid: each in one of the shards, at its next moment.
func TestTheIndexListsOrdersThatNobodyHasPaid(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	for i := range 20 {
		people.Buy(t, s, order.Number(fmt.Sprintf("22222222%02d", i)), civil.Date{Year: 2026, Month: 12, Day: 1}, i%2 == 0)
	}
	invoiced, cancelled := order.Number("2222222201"), order.Number("2222222203")
	people.Invoice(t, s, invoiced, nil)
	book, err := s.Book(t.Context(), cancelled)
	if err != nil {
		t.Fatal(err)
	}
	change, _, err := book.Cancel(people.Noon)
	if err := errors.Join(err, s.Settle(t.Context(), change)); err != nil {
		t.Fatal(err)
	}
	due := func(at time.Time) (all []order.Number) {
		for shard := range table.Shards {
			page, next, err := s.DueOrders(t.Context(), table.Unpaid, shard, at, "")
			if err != nil || next != "" {
				t.Fatal(next, err)
			}
			for _, o := range page {
				all = append(all, o.Number)
			}
		}
		return all
	}
	reminded, expired := people.Noon.AddDate(0, 0, 11), people.Noon.Add(order.Lives)
	for _, c := range []struct {
		at   time.Time
		want int
	}{
		{reminded.Add(-4 * time.Hour), 0},
		{reminded, 1}, // of its invoice
		{expired.Add(-time.Second), 1},
		{expired, 1 + 8 + 1}, // eight others, and the one of the people
	} {
		if got := due(c.at); len(got) != c.want {
			t.Errorf("at %s: %v", c.at, got)
		}
	}
}

func TestTimeDoesEachThingToAnOrderOnce(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	book, err := s.Book(t.Context(), people.Waiting)
	if err != nil {
		t.Fatal(err)
	}
	change, _ := book.Step(people.Noon.Add(order.Lives))
	for _, want := range []bool{true, false} {
		if moved, err := s.Age(t.Context(), change); err != nil || moved != want {
			t.Errorf("it moved: %t (%v)", moved, err)
		}
	}
	if l := ledger.Holds(t, cfg, name); l.Count(letter.OrderExpired) != 1 {
		t.Errorf("%d letters", l.Count(letter.OrderExpired))
	}
}

func TestNobodySeesTheOrderOfAnother(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	if _, _, err := s.Purchase(t.Context(), people.Token(people.Jaan), people.Running, people.Noon); !errors.Is(err, order.ErrNotFound) {
		t.Error(err)
	}
	for range 10 { // whichever of the two reads is quicker
		if _, _, err := s.Purchase(t.Context(), people.Token(people.Jaan), "9999999999", people.Noon); !errors.Is(err, order.ErrNotFound) {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Purchase(t.Context(), account.Token{}, people.Running, people.Noon); !errors.Is(err, account.ErrSignedOut) {
		t.Error(err)
	}
}

// between does something once, after the first answer to one call and before the first of another goes on.
type between struct {
	aws.HTTPClient
	after, before string
	do            func()
	answered      chan struct{}
	first, second sync.Once
}

func (b *between) Do(r *http.Request) (*http.Response, error) {
	call := r.Header.Get("X-Amz-Target")
	if strings.HasSuffix(call, "."+b.before) {
		b.second.Do(func() {
			<-b.answered
			b.do()
		})
	}
	w, err := b.HTTPClient.Do(r)
	if strings.HasSuffix(call, "."+b.after) {
		b.first.Do(func() { close(b.answered) })
	}
	return w, err
}

func TestAnOrderIsSeenWithItsLicenseOrUnpaid(t *testing.T) {
	for after, before := range map[string]string{"BatchGetItem": "Query", "Query": "BatchGetItem"} {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		slow := cfg.Copy()
		slow.HTTPClient = &between{HTTPClient: cfg.HTTPClient, after: after, before: before, answered: make(chan struct{}), do: func() {
			book, err := s.Book(t.Context(), people.Waiting)
			if err != nil {
				t.Error(err)
				return
			}
			change, _, err := payment.Settle(book, people.Paid(book.Attempts[0], "1"), people.Noon)
			if err := errors.Join(err, s.Settle(t.Context(), change)); err != nil {
				t.Error(err)
			}
		}}
		_, book, err := table.Open(slow, name).Purchase(t.Context(), people.Token(people.Mari), people.Waiting, people.Noon)
		if err != nil || book.Order.State != order.Paid || book.License == nil {
			t.Errorf("paid after %s and before %s: the order is %s with the license %v (%v)", after, before, book.Order.State, book.License, err)
		}
	}
}

// gone is a table in which a free address goes (TTL) after it was read.
type gone struct {
	aws.HTTPClient
	once sync.Once
	goes func()
}

func (g *gone) Do(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		g.once.Do(g.goes)
	}
	return g.HTTPClient.Do(r)
}

// TestAFreeAddressMayGoWhileItIsTaken: the link in the letter works all the same, once.
func TestAFreeAddressMayGoWhileItIsTaken(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	jaan, err := s.Account(t.Context(), people.Jaan)
	if err != nil {
		t.Fatal(err)
	}
	closed, err := jaan.Close(people.Noon)
	if err == nil {
		err = s.CloseAccount(t.Context(), closed)
	}
	if err != nil {
		t.Fatal(err)
	}
	db := dynamodb.NewFromConfig(cfg)
	other := cfg.Copy()
	other.HTTPClient = &gone{HTTPClient: cfg.HTTPClient, goes: func() {
		key := map[string]types.AttributeValue{
			"PK": &types.AttributeValueMemberS{Value: "ADDRESS#" + jaan.Address.Hash()}, "SK": &types.AttributeValueMemberS{Value: "ADDRESS"},
		}
		if out, err := db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &name, Key: key, ReturnValues: types.ReturnValueAllOld}); err != nil || out.Attributes == nil {
			t.Error("no free address is gone:", err)
		}
	}}
	again := people.Person(people.Liis, "Jaan", "Jõgi", "ru")
	used := account.SignUp{ID: account.SignUpID(again.Address.Hash() + "-" + string(again.ID)), Account: again, ExpiresAt: people.Noon.Add(account.Lives), UsedAt: people.Noon}
	for try, want := range []error{nil, account.ErrToken} {
		if err := table.Open(other, name).Found(t.Context(), used); !errors.Is(err, want) {
			t.Errorf("try %d: %v", try+1, err)
		}
	}
}
