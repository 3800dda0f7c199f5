package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"opiq/local/stage"
	"opiq/local/template"
)

// table is a fresh table and a source of its stream.
type table struct {
	t      *testing.T
	client *dynamodb.Client
	name   string
	source Stream
}

func newTable(t *testing.T, source template.StreamSource, patterns ...string) *table {
	t.Helper()
	cfg, name := stage.Table(t)
	tab := &table{t: t, client: dynamodb.NewFromConfig(cfg), name: name}
	d, err := tab.client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		t.Fatal(err)
	}
	passes, err := Compile(patterns)
	if err != nil {
		t.Fatal(err)
	}
	if source.Start == "" {
		source.Start = "TRIM_HORIZON"
	}
	if source.BatchSize == 0 {
		source.BatchSize = 10
	}
	source.Table = name
	tab.source = Stream{
		StreamSource: source, Passes: passes, Function: "dispatch", ARN: aws.ToString(d.Table.LatestStreamArn),
		Client: dynamodbstreams.NewFromConfig(cfg), Log: t.Output(),
	}
	return tab
}

func (tab *table) put(key, kind string) {
	tab.t.Helper()
	_, err := tab.client.PutItem(tab.t.Context(), &dynamodb.PutItemInput{TableName: &tab.name, Item: map[string]types.AttributeValue{
		"PK":    &types.AttributeValueMemberS{Value: key},
		"SK":    &types.AttributeValueMemberS{Value: "x"},
		"kind":  &types.AttributeValueMemberS{Value: kind},
		"n":     &types.AttributeValueMemberN{Value: "12345678901234567890"},
		"facts": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"ok": &types.AttributeValueMemberBOOL{Value: true}, "none": &types.AttributeValueMemberNULL{Value: true}}},
		"array": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberB{Value: []byte{0, 1}}}},
		"set":   &types.AttributeValueMemberSS{Value: []string{"a"}},
	}})
	if err != nil {
		tab.t.Fatal(err)
	}
}

// reader is a function that handles the keys of new items and fails as it is told.
type reader struct {
	mu      sync.Mutex
	batches [][]string
	handled []string
	fail    func(key string) bool
	whole   bool // fails the batch instead of reporting the record
}

func (r *reader) invoke(_ context.Context, _ string, payload []byte) ([]byte, error) {
	var e events.DynamoDBEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var batch []string
	for _, rec := range e.Records {
		batch = append(batch, rec.Change.Keys["PK"].String())
	}
	r.batches = append(r.batches, batch)
	bad := slices.IndexFunc(batch, func(key string) bool { return r.fail != nil && r.fail(key) })
	switch {
	case bad < 0:
		r.handled = append(r.handled, batch...)
		return []byte(`{"batchItemFailures":[]}`), nil
	case r.whole:
		return nil, errors.New("failed")
	}
	r.handled = append(r.handled, batch[:bad]...)
	return fmt.Appendf(nil, `{"batchItemFailures":[{"itemIdentifier":%q}]}`, e.Records[bad].Change.SequenceNumber), nil
}

func (r *reader) done() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.handled, " ")
}

func TestOnlyRecordsThatPassTheFilterReachTheFunctionInOrder(t *testing.T) {
	tab := newTable(t, template.StreamSource{}, `{"eventName":["INSERT"],"dynamodb":{"NewImage":{"kind":{"S":["mail"]}}}}`)
	r := &reader{}
	tab.source.Invoke = r.invoke
	tab.put("before", "mail") // TRIM_HORIZON: what was there counts too
	run(t, tab.source.Run)
	tab.put("a", "mail")
	tab.put("b", "order")
	tab.put("a", "mail") // MODIFY, or nothing
	tab.put("c", "mail")
	eventually(t, "three records", func() bool { return r.done() == "before a c" })
}

func TestFromLatestOnlyWhatComesLaterCounts(t *testing.T) {
	tab := newTable(t, template.StreamSource{Start: "LATEST"})
	r := &reader{}
	tab.source.Invoke = r.invoke
	tab.put("before", "mail")
	run(t, tab.source.Run)
	time.Sleep(500 * time.Millisecond)
	tab.put("after", "mail")
	eventually(t, "the later record", func() bool { return r.done() == "after" })
}

func TestARecordReachesTheFunctionAsOnAWS(t *testing.T) {
	tab := newTable(t, template.StreamSource{})
	got := make(chan []byte, 1)
	tab.source.Invoke = func(_ context.Context, _ string, payload []byte) ([]byte, error) {
		got <- payload
		return nil, nil
	}
	tab.put("a", "mail")
	run(t, tab.source.Run)
	payload := <-got
	var e events.DynamoDBEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		t.Fatal(err)
	}
	r := e.Records[0]
	if r.EventName != "INSERT" || r.EventSource != "aws:dynamodb" || r.AWSRegion != "eu-north-1" || r.EventID == "" || r.EventVersion == "" || r.EventSourceArn != tab.source.ARN ||
		r.UserIdentity != nil || r.Change.SequenceNumber == "" || r.Change.StreamViewType != "NEW_AND_OLD_IMAGES" || r.Change.SizeBytes == 0 || len(r.Change.OldImage) != 0 ||
		time.Since(r.Change.ApproximateCreationDateTime.Time).Abs() > 2*time.Minute {
		t.Errorf("%+v", r)
	}
	image := r.Change.NewImage
	if image["PK"].String() != "a" || image["n"].Number() != "12345678901234567890" || !image["facts"].Map()["ok"].Boolean() || !image["facts"].Map()["none"].IsNull() ||
		string(image["array"].List()[0].Binary()) != "\x00\x01" || !slices.Equal(image["set"].StringSet(), []string{"a"}) {
		t.Errorf("%s", payload)
	}
}

func TestAReportedRecordIsWhereTheSourceGoesOn(t *testing.T) {
	tab := newTable(t, template.StreamSource{PartialFailures: true, Retries: -1})
	left := 3
	r := &reader{fail: func(key string) bool {
		if key == "c" && left > 0 {
			left--
			return true
		}
		return false
	}}
	tab.source.Invoke = r.invoke
	for _, key := range strings.Fields("a b c d e") {
		tab.put(key, "mail")
	}
	run(t, tab.source.Run)
	eventually(t, "all in order, each once", func() bool { return r.done() == "a b c d e" })
}

func TestABatchThatKeepsFailingIsHalvedAndOnlyTheBadRecordGivenUp(t *testing.T) {
	for _, whole := range []bool{true, false} {
		t.Run(fmt.Sprintf("whole=%v", whole), func(t *testing.T) {
			tab := newTable(t, template.StreamSource{PartialFailures: !whole, Bisect: true, Retries: 2})
			client := sqs.NewFromConfig(stage.Config(t))
			parked := stage.Queue(t, "failures")
			tab.source.Failures, tab.source.FailureURL = client, parked
			r := &reader{whole: whole, fail: func(key string) bool { return key == "c" }}
			tab.source.Invoke = r.invoke
			for _, key := range strings.Fields("a b c d e") {
				tab.put(key, "mail")
			}
			run(t, tab.source.Run)
			eventually(t, "all but c", func() bool { return r.done() == "a b d e" })
			var body struct {
				RequestContext     struct{ Condition, FunctionArn string }
				DDBStreamBatchInfo struct {
					ShardID, StartSequenceNumber, EndSequenceNumber, StreamArn string
					BatchSize                                                  int
				}
			}
			if err := json.Unmarshal([]byte(waiting(t, client, parked)[0]), &body); err != nil {
				t.Fatal(err)
			}
			info := body.DDBStreamBatchInfo
			if body.RequestContext.Condition != "RetryAttemptsExhausted" || !strings.HasSuffix(body.RequestContext.FunctionArn, ":dispatch") ||
				info.BatchSize != 1 || info.StartSequenceNumber == "" || info.StartSequenceNumber != info.EndSequenceNumber || info.ShardID == "" || info.StreamArn != tab.source.ARN {
				t.Errorf("%+v", body)
			}
			alone := 0
			for _, b := range r.batches {
				if slices.Equal(b, []string{"c"}) {
					alone++
				}
			}
			if alone != 3 {
				t.Errorf("c was tried alone %d times, want one and two retries", alone)
			}
		})
	}
}

func TestARecordThatIsTooOldIsGivenUp(t *testing.T) {
	tab := newTable(t, template.StreamSource{PartialFailures: true, Retries: -1, MaxAge: time.Second})
	r := &reader{fail: func(key string) bool { return key == "a" }}
	tab.source.Invoke = r.invoke
	tab.put("a", "mail")
	run(t, tab.source.Run)
	tab.put("b", "mail")
	eventually(t, "the next record", func() bool { return r.done() == "b" })
}

func TestARecordIsHandedOverWithinASecond(t *testing.T) {
	tab := newTable(t, template.StreamSource{})
	r := &reader{}
	tab.source.Invoke = r.invoke
	run(t, tab.source.Run)
	tab.put("first", "mail")
	eventually(t, "the first record", func() bool { return r.done() == "first" })
	began := time.Now()
	tab.put("second", "mail")
	eventually(t, "the second record", func() bool { return r.done() == "first second" })
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
}
