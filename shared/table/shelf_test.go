package table_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/table"
)

var errDown = errors.New("the table is down")

// meter stands between a table and its engine: it notes whether each query was consistent and what it cost, and lets none through where
// the table is down.
type meter struct {
	sync.Mutex
	consistent []bool
	units      float64
	bytes      int64
	down       bool
}

func (m *meter) on(cfg aws.Config) aws.Config {
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), func(s *middleware.Stack) error { return s.Initialize.Add(m, middleware.Before) })
	return cfg
}

func (*meter) ID() string { return "meter" }

func (m *meter) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	q, ok := in.Parameters.(*dynamodb.QueryInput)
	if !ok {
		return next.HandleInitialize(ctx, in)
	}
	m.Lock()
	m.consistent = append(m.consistent, aws.ToBool(q.ConsistentRead))
	m.Unlock()
	if m.down {
		return middleware.InitializeOutput{}, middleware.Metadata{}, errDown
	}
	q.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, metadata, err := next.HandleInitialize(ctx, in)
	m.Lock()
	defer m.Unlock()
	if q, ok := out.Result.(*dynamodb.QueryOutput); ok {
		m.units += aws.ToFloat64(q.ConsumedCapacity.CapacityUnits)
		for _, i := range q.Items {
			m.bytes += size(&types.AttributeValueMemberM{Value: i})
		}
	}
	return out, metadata, err
}

// size is what a value has in bytes, but for what the table adds to it.
func size(v types.AttributeValue) (n int64) {
	switch v := v.(type) {
	case *types.AttributeValueMemberM:
		for name, v := range v.Value {
			n += int64(len(name)) + size(v)
		}
	case *types.AttributeValueMemberS:
		n = int64(len(v.Value))
	case *types.AttributeValueMemberN:
		n = int64(len(v.Value))
	}
	return n
}

// withdraw stores that works are distributed until a day, as staff do who write down what publishers decided.
func withdraw(t testing.TB, s *table.Table, works ...catalog.WorkID) {
	t.Helper()
	for _, id := range works {
		c, act, _, err := catalog.Shelf{}.Redistribute(id, catalog.Redistribution{
			From: civil.Date{Year: 2023, Month: 8, Day: 15}, Until: civil.Date{Year: 2027, Month: 8, Day: 31}, Agreement: "LK-2026-114", Reason: "Kirjastus soovis",
		}, account.Operator, people.Noon)
		if err == nil {
			_, err = s.ChangeWork(t.Context(), c, act)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestAWindowShowsTheShelfOfAMoment: five seconds long nobody reads it again, and then as it stands.
func TestAWindowShowsTheShelfOfAMoment(t *testing.T) {
	cfg, name := stage.Table(t)
	s, m, now := table.Open(cfg, name), &meter{}, people.Noon
	w := table.Open(m.on(cfg), name).Window(func() time.Time { return now })
	for _, c := range []struct {
		after   time.Duration
		change  catalog.WorkID
		changed int // works that the window shows changed
		reads   int
	}{
		{0, "w001", 1, 1},
		{5*time.Second - 1, "w002", 1, 1},
		{5 * time.Second, "w003", 3, 2},
		{9 * time.Second, "w004", 3, 2},
		{time.Minute, "w005", 5, 3},
		{time.Second, "w006", 6, 4}, // a clock that was set back shows nothing for long
	} {
		withdraw(t, s, c.change)
		now = people.Noon.Add(c.after)
		shelf, err := w.Shelf(t.Context())
		if err != nil || len(shelf.Changes) != c.changed || len(m.consistent) != c.reads {
			t.Errorf("after %s: %d changed works in %d reads, want %d in %d (%v)", c.after, len(shelf.Changes), len(m.consistent), c.changed, c.reads, err)
		}
	}
	if slices.Contains(m.consistent, true) {
		t.Error("those who only look pay for what stands this instant")
	}
}

func TestAReadOfTheShelfThatFailsIsNotKept(t *testing.T) {
	cfg, name := stage.Table(t)
	m := &meter{down: true}
	s := table.Open(m.on(cfg), name)
	w := s.Window(func() time.Time { return people.Noon })
	if _, err := w.Shelf(t.Context()); !errors.Is(err, errDown) {
		t.Fatalf("the table is down: %v", err)
	}
	m.down = false
	withdraw(t, s, "w001")
	if shelf, err := w.Shelf(t.Context()); err != nil || len(shelf.Changes) != 1 {
		t.Errorf("it is up again: %d changed works (%v)", len(shelf.Changes), err)
	}
}

// BenchmarkShelf says what it costs to read a shelf on which every work was changed: by whoever decides, and by those who only look.
func BenchmarkShelf(b *testing.B) {
	cfg, name := stage.Table(b)
	m := &meter{}
	s := table.Open(m.on(cfg), name)
	var all []catalog.WorkID
	for _, w := range (catalog.Shelf{}).All() {
		all = append(all, w.ID)
	}
	withdraw(b, s, all...)
	far := people.Noon
	w := s.Window(func() time.Time { far = far.Add(time.Minute); return far })
	for who, read := range map[string]func(context.Context) (catalog.Shelf, error){"decides": s.Shelf, "looks": w.Shelf} {
		b.Run(who, func(b *testing.B) {
			m.units, m.bytes = 0, 0
			for b.Loop() {
				if shelf, err := read(b.Context()); err != nil || len(shelf.Changes) != len(all) {
					b.Fatal(len(shelf.Changes), err)
				}
			}
			b.ReportMetric(float64(len(all)), "works")
			b.ReportMetric(m.units/float64(b.N), "RU")
			b.ReportMetric(float64(m.bytes)/float64(b.N), "bytes")
		})
	}
}
