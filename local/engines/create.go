package engines

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	object "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	queue "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"opiq/local/template"
)

// Made is what stands now, by logical id.
type Made struct {
	Tables  map[string]string // name
	Streams map[string]string // ARN of a table's stream
	Queues  map[string]string // URL
	Buckets map[string]string // name
	ARNs    map[string]string // of tables, queues and buckets
	names   map[string]string // of queues
}

// Value is what a reference to a table, a queue or a bucket gives: the value function of template.Expand.
func (m Made) Value(id, attribute string) (string, error) {
	v := map[string]string{
		"":          cmp.Or(m.Tables[id], m.Queues[id], m.Buckets[id]),
		"Arn":       m.ARNs[id],
		"StreamArn": m.Streams[id],
		"QueueName": m.names[id],
		"QueueUrl":  m.Queues[id],
	}[attribute]
	if v == "" {
		return "", fmt.Errorf("nothing on this machine is %s.%s", id, attribute)
	}
	return v, nil
}

// Create makes the tables, queues and buckets of a template. What stands already is taken as it is, if it is the same.
func Create(ctx context.Context, cfg aws.Config, t *template.Template) (Made, error) {
	m := Made{map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}}
	for _, table := range t.Tables {
		d, err := createTable(ctx, dynamodb.NewFromConfig(cfg), table, table.Name)
		if err != nil {
			return Made{}, err
		}
		m.Tables[table.ID], m.ARNs[table.ID] = table.Name, aws.ToString(d.TableArn)
		if d.LatestStreamArn != nil {
			m.Streams[table.ID] = *d.LatestStreamArn
		}
	}
	client := sqs.NewFromConfig(cfg)
	for _, q := range t.Queues {
		url, arn, err := createQueue(ctx, client, q)
		if err != nil {
			return Made{}, fmt.Errorf("queue %s: %w", q.ID, err)
		}
		m.Queues[q.ID], m.ARNs[q.ID], m.names[q.ID] = url, arn, q.Name
	}
	for _, q := range t.Queues { // all stand: now what refers to another
		if q.DeadLetter == "" {
			continue
		}
		policy, err := json.Marshal(map[string]string{"deadLetterTargetArn": m.ARNs[q.DeadLetter], "maxReceiveCount": strconv.Itoa(q.MaxReceives)})
		if err != nil {
			return Made{}, err
		}
		_, err = client.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
			QueueUrl: aws.String(m.Queues[q.ID]), Attributes: map[string]string{"RedrivePolicy": string(policy)},
		})
		if err != nil {
			return Made{}, fmt.Errorf("queue %s: %w", q.ID, err)
		}
	}
	for _, bucket := range t.Buckets {
		if err := CreateBucket(ctx, cfg, bucket.Name); err != nil {
			return Made{}, err
		}
		m.Buckets[bucket.ID], m.ARNs[bucket.ID] = bucket.Name, "arn:aws:s3:::"+bucket.Name
	}
	return m, nil
}

// CreateBucket makes a bucket, if we have none of this name.
func CreateBucket(ctx context.Context, cfg aws.Config, name string) error {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name,
		CreateBucketConfiguration: &object.CreateBucketConfiguration{LocationConstraint: object.BucketLocationConstraint(cfg.Region)}})
	if _, ours := errors.AsType[*object.BucketAlreadyOwnedByYou](err); err != nil && !ours {
		return fmt.Errorf("bucket %s: %w", name, err)
	}
	return nil
}

// CreateTable makes one table under any name and returns its stream's ARN, "" where it has none.
func CreateTable(ctx context.Context, cfg aws.Config, table template.Table, name string) (stream string, err error) {
	d, err := createTable(ctx, dynamodb.NewFromConfig(cfg), table, name)
	if err != nil {
		return "", err
	}
	return aws.ToString(d.LatestStreamArn), nil
}

func createTable(ctx context.Context, client *dynamodb.Client, table template.Table, name string) (*types.TableDescription, error) {
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest, KeySchema: keySchema(table.Partition, table.Sort)}
	for _, attribute := range slices.Sorted(maps.Keys(table.Attributes)) {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(attribute), AttributeType: types.ScalarAttributeType(table.Attributes[attribute]),
		})
	}
	for _, x := range table.Indexes {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(x.Name), KeySchema: keySchema(x.Partition, x.Sort),
			Projection: &types.Projection{ProjectionType: types.ProjectionType(x.Projection), NonKeyAttributes: x.Include},
		})
	}
	if table.Stream != "" {
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(table.Stream)}
	}
	d, err := standing(ctx, client, in)
	if err != nil || table.TTL == "" {
		return d, err
	}
	ttl, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err != nil {
		return nil, err
	}
	if aws.ToString(ttl.TimeToLiveDescription.AttributeName) == table.TTL {
		return d, nil
	}
	_, err = client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &name,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(table.TTL), Enabled: aws.Bool(true)}})
	return d, err
}

// standing is the table, made now or before.
func standing(ctx context.Context, client *dynamodb.Client, in *dynamodb.CreateTableInput) (*types.TableDescription, error) {
	out, err := client.CreateTable(ctx, in)
	if err == nil && out.TableDescription.TableStatus == types.TableStatusActive {
		return out.TableDescription, nil
	}
	if _, stands := errors.AsType[*types.ResourceInUseException](err); err != nil && !stands {
		return nil, fmt.Errorf("table %s: %w", *in.TableName, err)
	}
	described, err := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = time.Second }).
		WaitForOutput(ctx, &dynamodb.DescribeTableInput{TableName: in.TableName}, 5*time.Minute)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", *in.TableName, err)
	}
	if is, want := shape(described.Table), shapeOf(in); is != want {
		return nil, fmt.Errorf("the table %s that stands there is not the one of the template: it has %s, the template wants %s; start with an empty folder", *in.TableName, is, want)
	}
	return described.Table, nil
}

// shape is what of a table cannot be changed in passing, as a text to compare.
func shape(d *types.TableDescription) string {
	in := &dynamodb.CreateTableInput{KeySchema: d.KeySchema, AttributeDefinitions: d.AttributeDefinitions, StreamSpecification: d.StreamSpecification}
	for _, x := range d.GlobalSecondaryIndexes {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{IndexName: x.IndexName, KeySchema: x.KeySchema, Projection: x.Projection})
	}
	return shapeOf(in)
}

func shapeOf(in *dynamodb.CreateTableInput) string {
	kind := map[string]string{}
	for _, a := range in.AttributeDefinitions {
		kind[*a.AttributeName] = string(a.AttributeType)
	}
	keys := func(schema []types.KeySchemaElement) (text string) {
		for _, k := range schema {
			text += fmt.Sprintf(" %s(%s)", *k.AttributeName, kind[*k.AttributeName])
		}
		return text
	}
	parts := []string{}
	for _, x := range in.GlobalSecondaryIndexes {
		slices.Sort(x.Projection.NonKeyAttributes)
		parts = append(parts, fmt.Sprintf("; index %s by%s with %s%v", *x.IndexName, keys(x.KeySchema), x.Projection.ProjectionType, x.Projection.NonKeyAttributes))
	}
	slices.Sort(parts)
	text := "keys" + keys(in.KeySchema)
	for _, p := range parts {
		text += p
	}
	if in.StreamSpecification != nil && aws.ToBool(in.StreamSpecification.StreamEnabled) {
		text += "; stream " + string(in.StreamSpecification.StreamViewType)
	}
	return text
}

func keySchema(partition, sort string) []types.KeySchemaElement {
	keys := []types.KeySchemaElement{{AttributeName: aws.String(partition), KeyType: types.KeyTypeHash}}
	if sort != "" {
		keys = append(keys, types.KeySchemaElement{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange})
	}
	return keys
}

func createQueue(ctx context.Context, client *sqs.Client, q template.Queue) (url, arn string, err error) {
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	made, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(q.Name), Attributes: map[string]string{
		"VisibilityTimeout":      seconds(q.Visibility),
		"MessageRetentionPeriod": seconds(q.Retention),
		"DelaySeconds":           seconds(q.Delay),
	}})
	if err != nil {
		return "", "", err
	}
	is, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: made.QueueUrl, AttributeNames: []queue.QueueAttributeName{"QueueArn"}})
	if err != nil {
		return "", "", err
	}
	return *made.QueueUrl, is.Attributes["QueueArn"], nil
}
