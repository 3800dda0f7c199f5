package table

import (
	"context"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"opiq/shared/problem"
)

// ErrChanged is what a write is refused with where somebody else was quicker: read again, decide again, write again.
var ErrChanged = problem.New(problem.Unavailable, "changed_meanwhile", "Somebody else changed this at the same moment. Try again.").After(time.Second)

// ErrBusy is what a write is refused with that the table takes no more of for the moment, after it was tried for a while.
var ErrBusy = problem.New(problem.Unavailable, "busy", "Too much is written just now. Try again.").After(time.Second)

// errNone is what reading a thing that is not there answers inside this package.
var errNone = errors.New("table: no such item")

// Table is the table.
type Table struct {
	client *dynamodb.Client
	name   string
}

// Open makes the table of its name.
func Open(cfg aws.Config, name string) *Table {
	return &Table{dynamodb.NewFromConfig(cfg), name}
}

type item = map[string]types.AttributeValue

// key is where an item stands. Only the constructors in keys.go make one.
type key struct{ pk, sk string }

func (k key) item() item { return item{"PK": text(k.pk), "SK": text(k.sk)} }

func keyOf(i item) key { return key{textOf(i["PK"]), textOf(i["SK"])} }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func textOf(v types.AttributeValue) string {
	s, _ := v.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func numberOf(v types.AttributeValue) int {
	n, _ := v.(*types.AttributeValueMemberN)
	if n == nil {
		return 0
	}
	i, _ := strconv.Atoi(n.Value)
	return i
}

// row is an item about to be written.
type row struct {
	key      key
	kind     string
	value    any       // a struct with json names
	revision int       // at which the item was read; zero where there must be none
	due, at  string    // its place in the index of what is due, or empty
	list, on string    // its place in the index of lists, or empty
	expires  time.Time // when nobody asks for it any more, or zero
}

var encoder = attributevalue.NewEncoder(func(o *attributevalue.EncoderOptions) {
	o.TagKey = "json"
	o.UseEncodingMarshalers = true
})

var decoder = attributevalue.NewDecoder(func(o *attributevalue.DecoderOptions) {
	o.TagKey = "json"
	o.UseEncodingUnmarshalers = true
})

// put is the write of a row. The mark is another for every commit: what stands in the table and carries it was written by
// this very commit, even if no answer came.
func (t *Table) put(r row, mark string) (types.Put, error) {
	v, err := encoder.Encode(r.value)
	if err != nil {
		return types.Put{}, fmt.Errorf("table: %s: %w", r.kind, err)
	}
	m, ok := v.(*types.AttributeValueMemberM)
	if !ok {
		return types.Put{}, fmt.Errorf("table: %s is not a struct", r.kind)
	}
	i := m.Value
	maps.Copy(i, r.key.item())
	i["kind"] = text(r.kind)
	if r.due != "" {
		i["due"], i["dueAt"] = text(r.due), text(r.at)
	}
	if r.list != "" {
		i["list"], i["listAt"] = text(r.list), text(r.on)
	}
	if !r.expires.IsZero() {
		i["expires"] = number(r.expires.Unix())
	}
	return t.conditional(i, r.revision, mark), nil
}

// conditional is the write of an item that was read at a revision, or that there must be none of.
func (t *Table) conditional(i item, revision int, mark string) types.Put {
	i["revision"], i["mark"] = number(int64(revision)+1), text(mark)
	p := types.Put{
		TableName: &t.name, Item: i, ConditionExpression: aws.String("attribute_not_exists(PK)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if revision > 0 {
		p.ConditionExpression = aws.String("revision = :r")
		p.ExpressionAttributeValues = item{":r": number(int64(revision))}
	}
	return p
}

// commit writes all rows or none. Where another write came between, it is ErrChanged; where what is there was written by
// this commit, an answer was lost on the way, the SDK tried again, and the write is done. Where the table asks to wait, and still
// does after all tries, it is ErrBusy.
func (t *Table) commit(ctx context.Context, rows ...row) error {
	mark := crand.Text()
	puts := make([]types.Put, len(rows))
	for i, r := range rows {
		p, err := t.put(r, mark)
		if err != nil {
			return err
		}
		puts[i] = p
	}
	var err error
	if len(puts) == 1 {
		err = t.putOne(ctx, puts[0])
	} else {
		err = t.transact(ctx, puts)
	}
	if throttled(err) {
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return err
}

func (t *Table) putOne(ctx context.Context, p types.Put) error {
	_, err := t.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: p.TableName, Item: p.Item, ConditionExpression: p.ConditionExpression, ExpressionAttributeValues: p.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: p.ReturnValuesOnConditionCheckFailure,
	})
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if textOf(failed.Item["mark"]) == textOf(p.Item["mark"]) {
			return nil
		}
		return ErrChanged
	}
	return err
}

// attempts are how often a transaction is tried that met another one: the SDK does not try those again by itself.
const attempts = 6

func (t *Table) transact(ctx context.Context, puts []types.Put) error {
	var all []types.TransactWriteItem
	for _, p := range puts {
		all = append(all, types.TransactWriteItem{Put: &p})
	}
	for try := 0; ; try++ {
		_, err := t.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: all}) // a token of its own each time
		cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
		if !ok {
			return err
		}
		switch verdict(cancelled.CancellationReasons, textOf(puts[0].Item["mark"])) {
		case done:
			return nil
		case changed:
			return ErrChanged
		case fault:
			return err
		}
		if try == attempts {
			if throttled(err) { // nobody was quicker
				return err
			}
			return ErrChanged
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

// Again lets decide read, decide and write, and again where what it had read moved meanwhile (ErrChanged): for as long as the call lasts.
func Again(ctx context.Context, decide func() error) error {
	for try := 0; ; try++ {
		if err := decide(); !errors.Is(err, ErrChanged) {
			return err
		}
		if err := pause(ctx, min(try, 3)); err != nil {
			return err
		}
	}
}

// pause waits a moment, longer at each try, and never as long as somebody else.
func pause(ctx context.Context, try int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(rand.IntN(20<<try)+1) * time.Millisecond):
		return nil
	}
}

// outcome is what the reasons of a cancelled transaction come to.
type outcome int

const (
	done    outcome = iota // all that failed stands there by this very commit: an answer was lost
	changed                // another write came between
	met                    // another transaction was under way, or the table asks to wait
	fault                  // anything else
)

// The reasons of a cancelled transaction for which the table asks to wait.
const (
	throttling = "ThrottlingError"
	throughput = "ProvisionedThroughputExceeded"
)

// throttled tells whether the table asks to wait.
func throttled(err error) bool {
	if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return slices.ContainsFunc(cancelled.CancellationReasons, func(r types.CancellationReason) bool {
			return aws.ToString(r.Code) == throttling || aws.ToString(r.Code) == throughput
		})
	}
	_, capacity := errors.AsType[*types.ProvisionedThroughputExceededException](err)
	_, pace := errors.AsType[*types.ThrottlingException](err)
	_, limit := errors.AsType[*types.RequestLimitExceeded](err)
	return capacity || pace || limit
}

func verdict(reasons []types.CancellationReason, mark string) outcome {
	out := done
	for _, r := range reasons {
		switch aws.ToString(r.Code) {
		case "None", "":
		case "ConditionalCheckFailed":
			if textOf(r.Item["mark"]) != mark {
				return changed
			}
		case "TransactionConflict", throttling, throughput:
			out = met
		default:
			return fault
		}
	}
	return out
}

// get reads items in one round trip, each as it stands after every write that was answered. What is not there is not in the answer.
func (t *Table) get(ctx context.Context, keys ...key) (map[key]item, error) {
	want := map[string]types.KeysAndAttributes{t.name: {ConsistentRead: aws.Bool(true)}}
	k := want[t.name]
	for _, x := range keys {
		k.Keys = append(k.Keys, x.item())
	}
	want[t.name] = k
	found := map[key]item{}
	for try := 0; len(want) > 0; try++ {
		if try == attempts {
			return nil, errors.New("table: the table does not read all that it is asked for")
		}
		out, err := t.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: want})
		if err != nil {
			return nil, err
		}
		for _, i := range out.Responses[t.name] {
			found[keyOf(i)] = i
		}
		if want = out.UnprocessedKeys; len(want) > 0 {
			if err := pause(ctx, try); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// one reads one item into a value, or errNone.
func (t *Table) one(ctx context.Context, k key, into any) error {
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.name, Key: k.item(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return err
	}
	if out.Item == nil {
		return errNone
	}
	return decode(out.Item, into)
}

// partition reads the items of a partition whose sort key begins as given, in its order, as they stand.
func (t *Table) partition(ctx context.Context, pk, begins string) ([]item, error) {
	return t.query(ctx, pk, begins, true)
}

// query is partition, for half the price as it stood a moment ago.
func (t *Table) query(ctx context.Context, pk, begins string, consistent bool) ([]item, error) {
	in := &dynamodb.QueryInput{
		TableName: &t.name, ConsistentRead: &consistent, KeyConditionExpression: aws.String("PK = :p AND begins_with(SK, :b)"),
		ExpressionAttributeValues: item{":p": text(pk), ":b": text(begins)},
	}
	if begins == "" {
		in.KeyConditionExpression, in.ExpressionAttributeValues = aws.String("PK = :p"), item{":p": text(pk)}
	}
	var all []item
	for {
		out, err := t.client.Query(ctx, in)
		if err != nil {
			return nil, err
		}
		all = append(all, out.Items...)
		if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return all, nil
		}
	}
}

func decode(i item, into any) error {
	return decoder.Decode(&types.AttributeValueMemberM{Value: i}, into)
}

// digest names a thing in a key by 128 bits of its hash.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
