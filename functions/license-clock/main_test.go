package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"opiq/local/crowd"
	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/order"
	"opiq/shared/queue"
	"opiq/shared/service"
	"opiq/shared/table"
)

// told is what became of the licenses: the letters about them, how many days some of those say, and the stages.
func told(l ledger.Ledger) map[string]any {
	days := map[letter.ID]string{}
	for _, x := range l.Letters {
		if x.Kind == letter.LicenseEndsSoon {
			days[x.ID] = x.Facts["days"]
		}
	}
	letters, stages := l.Told()
	return map[string]any{"letters": letters, "days": days, "stages": stages}
}

func TestEvents(t *testing.T) {
	golden.Events(t, "license-clock", func(t *testing.T, name string, event []byte) any {
		cfg, mine := stage.Table(t)
		s := table.Open(cfg, mine)
		people.MoveIn(t, s)
		p := new(post)
		c := clock{s, p, people.Now}
		if name == "it-waited-for-four-days" {
			c.now = func() time.Time { return time.Date(2026, 12, 11, 22, 0, 0, 0, time.UTC) }
		}
		var e events.SQSEvent
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		var answers [2]events.SQSEventResponse
		for i := range answers { // it comes at least once
			answer, err := queue.Handler[license.Shard](c.handle).Handle(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			answers[i] = answer
		}
		if len(p.waiting) > 0 || len(answers[0].BatchItemFailures) != len(answers[1].BatchItemFailures) {
			t.Errorf("%v is handed on, the second answer is %+v", p.waiting, answers[1])
		}
		out := told(ledger.Holds(t, cfg, mine))
		out["answer"] = answers[0]
		return out
	})
}

func TestTheClockWithEveryCallBroken(t *testing.T) {
	for kind, number := range map[string]order.Number{table.Activation: people.Ahead, table.Expiry: people.Running} {
		t.Run(kind, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				cfg, name := stage.Table(t)
				s := table.Open(cfg, name)
				people.MoveIn(t, s)
				at := people.License(t, s, people.Ahead).EndsAt
				m := license.Shard{Kind: kind, Shard: shardOf(t, s, kind, license.Of(string(number)), at), Now: at}
				c := clock{table.Open(broken(cfg), name), new(post), people.Now}
				return func(ctx context.Context) error { return c.handle(ctx, m) }, func(t *testing.T) {
					if letters, stages := ledger.Holds(t, cfg, name).Told(); len(letters) != 2 {
						t.Errorf("%v, %v", letters, stages)
					}
				}
			})
		})
	}
}

// shardOf is where a license stands in the index.
func shardOf(t *testing.T, s *table.Table, kind string, id license.ID, now time.Time) int {
	t.Helper()
	for shard := range table.Shards {
		page, _, err := s.DueLicenses(t.Context(), kind, shard, now, "")
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(page, func(l license.License) bool { return l.ID == id }) {
			return shard
		}
	}
	t.Fatalf("%s is not due", id)
	return 0
}

// slow is a table that lists one license at a time, and of each message only one before time is up.
type slow struct {
	*table.Table
	pages int
}

func (s *slow) DueLicenses(ctx context.Context, kind string, shard int, now time.Time, after string) ([]license.License, string, error) {
	if s.pages++; s.pages > 1 {
		<-ctx.Done()
		return nil, "", ctx.Err()
	}
	page, next, err := s.Table.DueLicenses(ctx, kind, shard, now, after)
	if len(page) > 1 {
		page, next = page[:1], page[0].EndsAt.UTC().Format(time.RFC3339)+"#"+string(page[0].ID)
	}
	return page, next, err
}

// TestHandingOnWithEveryCallBroken: each message moves one license, and hands the rest of its shard on.
func TestHandingOnWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		fill(t, cfg, name, 50)
		url := stage.Queue(t, "clock")
		brittle := broken(cfg)
		handle := func(ctx context.Context, m license.Shard) (err error) {
			for time := time.Second / 32; time < 10*margin; time *= 2 { // where the machine is so busy that nothing moves, the message comes again
				inTime, stop := context.WithTimeout(ctx, margin+time)
				err = clock{&slow{Table: table.Open(brittle, name)}, queue.Open(brittle, url), people.Now}.handle(inTime, m)
				stop()
				if !errors.Is(err, errStill) {
					break
				}
			}
			return err
		}
		began := license.Shard{Kind: table.Expiry, Shard: 3, Now: crowd.Ends()}
		page, _, err := table.Open(cfg, name).DueLicenses(t.Context(), began.Kind, began.Shard, began.Now, "")
		if err != nil || len(page) < 2 || len(page) > 6 {
			t.Fatalf("%d licenses are due (%v)", len(page), err)
		}
		return func(ctx context.Context) error { return handle(ctx, began) }, func(t *testing.T) {
			client := sqs.NewFromConfig(cfg)
			for {
				out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
				if err != nil {
					t.Fatal(err)
				}
				if len(out.Messages) == 0 {
					break
				}
				var m license.Shard
				if err := json.Unmarshal([]byte(*out.Messages[0].Body), &m); err != nil || m.Shard != began.Shard || !m.Now.Equal(began.Now) {
					t.Fatal(*out.Messages[0].Body, err)
				}
				if err := handle(t.Context(), m); err != nil {
					t.Error(err)
				}
			}
			w := read(t, cfg, name)
			for _, l := range page {
				once(t, w, l.ID)
			}
		}
	})
}

// fill puts a crowd into a table.
func fill(t *testing.T, cfg aws.Config, name string, n int) {
	t.Helper()
	if err := crowd.Fill(t.Context(), cfg, name, 0, n, crowd.Ends()); err != nil {
		t.Fatal(err)
	}
}

// world is what a table holds of licenses, by their ids, and of letters about them.
type world struct {
	licenses map[license.ID]license.License
	letters  map[license.ID][]letter.Letter
}

func read(t *testing.T, cfg aws.Config, name string) world {
	t.Helper()
	l, err := ledger.Read(t.Context(), cfg, name)
	if err != nil {
		t.Fatal(err)
	}
	w := world{map[license.ID]license.License{}, map[license.ID][]letter.Letter{}}
	for _, x := range l.Licenses {
		w.licenses[x.ID] = x
	}
	for _, x := range l.Letters {
		id := license.ID(x.Facts["license"])
		w.letters[id] = append(w.letters[id], x)
	}
	return w
}

// once wants a license of the crowd to have moved to its end by one write, and its owner to have been told by one letter.
func once(t *testing.T, w world, id license.ID) {
	t.Helper()
	l, letters := w.licenses[id], w.letters[id]
	ends := 0
	for _, h := range l.History {
		if h.Event == string(license.Ended) {
			ends++
		}
	}
	if l.Stage != license.Ended || ends != 1 || l.Revision != len(l.History) {
		t.Errorf("%s is %s after %d writes: %v", id, l.Stage, l.Revision, l.History)
	}
	if len(letters) != 1 || letters[0].Kind != letter.LicenseEnded || letters[0].Revision != 1 {
		t.Errorf("%s has the letters %+v", id, letters)
	}
}

// TestOneThatAlwaysFailsStopsNoOther: all else of its shard moves, and its message rests with those that nobody could handle.
func TestOneThatAlwaysFailsStopsNoOther(t *testing.T) {
	for name, broken := range map[string]map[string]types.AttributeValue{
		"a license that nobody can read": {"startsAt": &types.AttributeValueMemberS{Value: "tomorrow"}},
		"a license that makes us panic":  {"zone": &types.AttributeValueMemberS{Value: "Mars/Base"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, name := stage.Table(t)
			fill(t, cfg, name, 300)
			s, now := table.Open(cfg, name), crowd.Ends()
			page, _, err := s.DueLicenses(t.Context(), table.Expiry, 3, now, "")
			if err != nil || len(page) < 10 {
				t.Fatal(len(page), err)
			}
			spoil(t, cfg, name, page[0], broken)
			p := &post{}
			if err := p.Send(t.Context(), license.Shard{Kind: table.Expiry, Shard: 3, Now: now}); err != nil {
				t.Fatal(err)
			}
			p.work(clock{s, p, people.Now}.handle)
			if len(p.dead) != 1 || p.sent != 1 || p.received != receives {
				t.Errorf("%d messages were sent, received %d times, and %d given up", p.sent, p.received, len(p.dead))
			}
			l, err := dynamodb.NewFromConfig(cfg).Query(t.Context(), &dynamodb.QueryInput{
				TableName: &name, IndexName: aws.String("due"), KeyConditionExpression: aws.String("due = :d"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":d": &types.AttributeValueMemberS{Value: table.Expiry + "#d"}},
			})
			if err != nil || l.Count != 1 {
				t.Errorf("%d of %d are still due (%v)", l.Count, len(page), err)
			}
		})
	}
}

// spoil overwrites some of a license.
func spoil(t *testing.T, cfg aws.Config, name string, l license.License, with map[string]types.AttributeValue) {
	t.Helper()
	for attribute, value := range with {
		_, err := dynamodb.NewFromConfig(cfg).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &name, UpdateExpression: aws.String("SET #a = :v"), ExpressionAttributeNames: map[string]string{"#a": attribute},
			ExpressionAttributeValues: map[string]types.AttributeValue{":v": value},
			Key: map[string]types.AttributeValue{
				"PK": &types.AttributeValueMemberS{Value: "ACCOUNT#" + string(l.Account)}, "SK": &types.AttributeValueMemberS{Value: "A#LICENSE#" + string(l.ID)},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestMembersOfAGroupAreToldOfAHold, once however often their shard is drained.
func TestMembersOfAGroupAreToldOfAHold(t *testing.T) {
	const school account.GroupID = "school:10001234"
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	by := account.Actor{Account: people.Liis}
	for _, id := range []account.ID{people.Mari, people.Jaan} {
		a, known, group, err := s.Member(t.Context(), id, school)
		if err != nil {
			t.Fatal(err)
		}
		m, _, err := a.Join(school, known, by, people.Noon)
		if err := errors.Join(err, s.Enlist(t.Context(), m, group, nil)); err != nil {
			t.Fatal(err)
		}
	}
	today := civil.DateOf(people.Noon, civil.Tallinn)
	w := hold.Wish{
		On: hold.On(hold.OnGroup, school), Basis: hold.Harmful, Measure: hold.Suspend, ReviewOn: today.AddDays(7), Evidence: []string{"ticket 4711"}, Today: today,
	}
	thing, err := s.Closing(t.Context(), w.On)
	if err != nil {
		t.Fatal(err)
	}
	d, err := service.Place(w, "once", thing, by, people.Noon)
	if err := errors.Join(err, s.Decide(t.Context(), d)); err != nil {
		t.Fatal(err)
	}
	p := new(post)
	for range 2 {
		if err := license.Ring(t.Context(), p, people.Noon.Add(time.Hour), license.Bell{Kind: table.Notices, Shards: 1}); err != nil {
			t.Fatal(err)
		}
	}
	p.work(clock{s, p, people.Now}.handle)
	l := ledger.Holds(t, cfg, name)
	if l.Count(letter.ServiceHeld) != 2 || l.Holds[0].Telling != nil || len(p.dead) > 0 || p.received != 2 {
		t.Errorf("%d letters, %+v, %d messages given up", l.Count(letter.ServiceHeld), l.Holds[0], len(p.dead))
	}
}
