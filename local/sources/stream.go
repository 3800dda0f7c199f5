package sources

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"opiq/local/lambda"
	"opiq/local/template"
)

// Stream calls a function with the records of a table's stream, those of a shard in their order.
//
// A batch is what one reading found: the window and the parallel batches of a shard only trade delay for calls, and are
// not imitated. Where it has got to is not kept beyond Run: begun again at TRIM_HORIZON it
// hands over the last day's records once more, which a stream's consumer must bear anyway and which makes good what the
// queues in memory forgot.
type Stream struct {
	template.StreamSource
	Passes     Filter // of the source's patterns
	Function   string
	ARN        string // of the stream
	Client     *dynamodbstreams.Client
	FailureURL string // the queue for batches that were given up, or ""
	Failures   *sqs.Client
	Invoke     Invoke
	Log        io.Writer
}

const (
	pollEvery   = 100 * time.Millisecond
	lookEvery   = time.Second // for new shards; the end of a shard is looked at once
	longestWait = 5 * time.Second
)

// Run reads until ctx ends, and returns when the batches at work have ended.
func (s Stream) Run(ctx context.Context) {
	ended := map[string]chan struct{}{} // by shard
	look := make(chan struct{}, 1)
	var shards sync.WaitGroup
	defer shards.Wait()
	start := types.ShardIteratorType(s.Start)
	for ctx.Err() == nil {
		found, err := s.shards(ctx)
		if err != nil && ctx.Err() == nil {
			fmt.Fprintf(s.Log, "the stream of %s: %v\n", s.Table, err)
		}
		for _, shard := range found {
			id := aws.ToString(shard.ShardId)
			if ended[id] != nil {
				continue
			}
			ended[id] = make(chan struct{})
			parent, from, done := ended[aws.ToString(shard.ParentShardId)], start, ended[id]
			shards.Go(func() {
				defer close(done)
				if parent != nil {
					select {
					case <-parent: // a child's records are younger than its parent's
					case <-ctx.Done():
						return
					}
				}
				s.read(ctx, id, from)
				select {
				case look <- struct{}{}:
				default:
				}
			})
		}
		wait := lookEvery
		if len(ended) == 0 {
			wait = pollEvery
		} else {
			start = types.ShardIteratorTypeTrimHorizon // whatever opens from now on is new as a whole
		}
		select {
		case <-look:
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// shards lists the stream's shards, parents before their children.
func (s Stream) shards(ctx context.Context) (all []types.Shard, err error) {
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &s.ARN}
	for {
		out, err := s.Client.DescribeStream(ctx, in)
		if err != nil {
			return nil, err
		}
		all = append(all, out.StreamDescription.Shards...)
		if in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId; in.ExclusiveStartShardId == nil {
			break
		}
	}
	// A parent opened earlier, and its number says so.
	slices.SortStableFunc(all, func(a, b types.Shard) int {
		return compareNumbers(begin(a), begin(b))
	})
	return all, nil
}

func begin(s types.Shard) string {
	if s.SequenceNumberRange == nil {
		return ""
	}
	return aws.ToString(s.SequenceNumberRange.StartingSequenceNumber)
}

// compareNumbers compares sequence numbers: decimal digits without a fixed length.
func compareNumbers(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// read hands over a shard to its end.
func (s Stream) read(ctx context.Context, shard string, from types.ShardIteratorType) {
	var iterator, last *string
	for ctx.Err() == nil {
		if iterator == nil {
			in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &s.ARN, ShardId: &shard, ShardIteratorType: from}
			if last != nil {
				in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, last
			}
			out, err := s.Client.GetShardIterator(ctx, in)
			if err != nil {
				s.trouble(ctx, err)
				continue
			}
			iterator = out.ShardIterator
		}
		out, err := s.Client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: iterator})
		if err != nil {
			s.trouble(ctx, err)
			iterator = nil // it may have expired
			continue
		}
		for batch := range slices.Chunk(s.wanted(out.Records), max(1, s.BatchSize)) {
			if s.work(ctx, shard, batch); ctx.Err() != nil {
				return
			}
		}
		if n := len(out.Records); n > 0 {
			last = out.Records[n-1].Dynamodb.SequenceNumber
		}
		if iterator = out.NextShardIterator; iterator == nil {
			return
		}
		if len(out.Records) == 0 {
			pause(ctx, pollEvery)
		}
	}
}

func (s Stream) trouble(ctx context.Context, err error) {
	if ctx.Err() == nil {
		fmt.Fprintf(s.Log, "the stream of %s: %v\n", s.Table, err)
		pause(ctx, time.Second)
	}
}

// wanted are the records that pass the filter, as the function sees them.
func (s Stream) wanted(records []types.Record) (wanted []record) {
	for _, r := range records {
		if r := newRecord(r, s.ARN); s.Passes.Passes(r.event) {
			wanted = append(wanted, r)
		}
	}
	return wanted
}

// work hands over a batch until all of it is handled or given up.
func (s Stream) work(ctx context.Context, shard string, batch []record) {
	wait := pollEvery
	for tries := 1; len(batch) > 0; tries++ {
		handled, err := s.call(ctx, batch)
		if stopped(err) {
			return
		}
		if handled > 0 {
			batch, tries = batch[handled:], 1 // the failed record leads a batch of its own now
		}
		switch {
		case len(batch) == 0:
			return
		case s.old(batch[0]):
			s.giveUp(ctx, shard, batch[:1], "RecordAgeExceeded", tries)
			batch, tries = batch[1:], 0
			continue
		case s.Retries >= 0 && tries > s.Retries && (len(batch) == 1 || !s.Bisect):
			s.giveUp(ctx, shard, batch, "RetryAttemptsExhausted", tries)
			return
		case s.Bisect && len(batch) > 1 && handled == 0:
			s.work(ctx, shard, batch[:len(batch)/2])
			batch, tries = batch[len(batch)/2:], 0 // a split is no try
			continue
		}
		if !pause(ctx, wait) {
			return
		}
		wait = min(2*wait, longestWait)
	}
}

// old tells whether a record has reached the age at which the source gives it up.
func (s Stream) old(r record) bool {
	return s.MaxAge > 0 && time.Since(r.at) > s.MaxAge
}

// call tells how many of the batch, from its beginning, need not come again.
func (s Stream) call(ctx context.Context, batch []record) (handled int, err error) {
	payload, err := json.Marshal(map[string]any{"Records": list(batch, func(r record) any { return r.event })})
	if err != nil {
		return 0, err
	}
	out, err := s.Invoke.patiently(context.WithoutCancel(ctx), s.Function, payload)
	if err != nil || !s.PartialFailures {
		if err == nil {
			handled = len(batch)
		}
		return handled, err
	}
	failed, err := unhandled(out)
	if err != nil {
		fmt.Fprintf(s.Log, "the stream of %s: %v\n", s.Table, err)
		return 0, err
	}
	handled = len(batch)
	for _, number := range failed {
		at := slices.IndexFunc(batch, func(r record) bool { return r.number == number })
		handled = min(handled, max(0, at)) // what is not in the batch fails it as a whole
	}
	return handled, nil
}

// giveUp parks the place of a batch in the stream on the queue for failures.
func (s Stream) giveUp(ctx context.Context, shard string, batch []record, why string, tries int) {
	first, last := batch[0], batch[len(batch)-1]
	fmt.Fprintf(s.Log, "the stream of %s: %s failed %d times and gives up %d records from %s\n", s.Table, s.Function, tries, len(batch), first.number)
	if s.FailureURL == "" {
		return
	}
	const form = "2006-01-02T15:04:05.000Z"
	err := park(context.WithoutCancel(ctx), s.Failures, s.FailureURL, map[string]any{"DDBStreamBatchInfo": map[string]any{
		"shardId":                         shard,
		"startSequenceNumber":             first.number,
		"endSequenceNumber":               last.number,
		"approximateArrivalOfFirstRecord": first.at.UTC().Format(form),
		"approximateArrivalOfLastRecord":  last.at.UTC().Format(form),
		"batchSize":                       len(batch),
		"streamArn":                       s.ARN,
	}}, s.Function, why, tries)
	if err != nil {
		fmt.Fprintf(s.Log, "the stream of %s: given up and not parked: %v\n", s.Table, err)
	}
}

// record is one record of the stream.
type record struct {
	number string // sequence number
	at     time.Time
	event  map[string]any // as the function's event has it
}

func newRecord(r types.Record, arn string) record {
	d := r.Dynamodb
	at := aws.ToTime(d.ApproximateCreationDateTime)
	change := map[string]any{
		"ApproximateCreationDateTime": at.Unix(),
		"Keys":                        item(d.Keys),
		"SequenceNumber":              aws.ToString(d.SequenceNumber),
		"SizeBytes":                   aws.ToInt64(d.SizeBytes),
		"StreamViewType":              string(d.StreamViewType),
	}
	if d.NewImage != nil {
		change["NewImage"] = item(d.NewImage)
	}
	if d.OldImage != nil {
		change["OldImage"] = item(d.OldImage)
	}
	e := map[string]any{
		"eventID":        aws.ToString(r.EventID),
		"eventName":      string(r.EventName),
		"eventVersion":   aws.ToString(r.EventVersion),
		"eventSource":    "aws:dynamodb",
		"awsRegion":      lambda.Region,
		"dynamodb":       change,
		"eventSourceARN": arn,
	}
	if u := r.UserIdentity; u != nil { // the table's own doing: an item's time was over
		e["userIdentity"] = map[string]any{"type": aws.ToString(u.Type), "principalId": aws.ToString(u.PrincipalId)}
	}
	return record{aws.ToString(d.SequenceNumber), at, e}
}

func item(m map[string]types.AttributeValue) map[string]any {
	object := make(map[string]any, len(m))
	for name, v := range m {
		object[name] = value(v)
	}
	return object
}

// value writes an attribute as DynamoDB's JSON does: {"S":"text"}.
func value(v types.AttributeValue) any {
	one := func(kind string, v any) any { return map[string]any{kind: v} }
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return one("S", v.Value)
	case *types.AttributeValueMemberN:
		return one("N", v.Value)
	case *types.AttributeValueMemberB:
		return one("B", v.Value)
	case *types.AttributeValueMemberBOOL:
		return one("BOOL", v.Value)
	case *types.AttributeValueMemberNULL:
		return one("NULL", v.Value)
	case *types.AttributeValueMemberM:
		return one("M", item(v.Value))
	case *types.AttributeValueMemberL:
		return one("L", list(v.Value, value))
	case *types.AttributeValueMemberSS:
		return one("SS", list(v.Value, plain))
	case *types.AttributeValueMemberNS:
		return one("NS", list(v.Value, plain))
	case *types.AttributeValueMemberBS:
		return one("BS", list(v.Value, func(b []byte) any { return b }))
	}
	panic(fmt.Sprintf("an attribute of an unknown kind: %T", v))
}

func plain(s string) any { return s }

func list[T any](values []T, write func(T) any) []any {
	written := make([]any, len(values))
	for i, v := range values {
		written[i] = write(v)
	}
	return written
}
