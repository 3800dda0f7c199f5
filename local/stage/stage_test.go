package stage_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ses"
	mail "github.com/aws/aws-sdk-go-v2/service/ses/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"opiq/local/parameters"
	"opiq/local/stage"
	"opiq/shared/bucket"
)

func TestEachTableIsEmptyAndAsTheTemplateSays(t *testing.T) {
	cfg, first := stage.Table(t)
	_, second := stage.Table(t)
	if first == second {
		t.Fatalf("both are %s", first)
	}
	client := dynamodb.NewFromConfig(cfg)
	item := map[string]types.AttributeValue{"PK": text("a"), "SK": text("a"), "due": text("d"), "dueAt": text("1")}
	if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &first, Item: item}); err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]int32{first: 1, second: 0} {
		got, err := client.Query(t.Context(), &dynamodb.QueryInput{
			TableName: &table, IndexName: aws.String("due"), KeyConditionExpression: aws.String("due = :d"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":d": text("d")},
		})
		if err != nil || got.Count != want {
			t.Errorf("%d items are due in %s, %v; want %d", got.Count, table, err, want)
		}
	}
}

func TestAnItemOfThePastDoesNotVanish(t *testing.T) {
	cfg, table := stage.Table(t)
	got, err := dynamodb.NewFromConfig(cfg).DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &table})
	if err != nil || got.TimeToLiveDescription.TimeToLiveStatus != types.TimeToLiveStatusDisabled {
		t.Errorf("time to live is %+v, %v", got.TimeToLiveDescription, err)
	}
}

func TestOneConfigurationReachesAllThatATestSetUp(t *testing.T) {
	cfg, _ := stage.Table(t)
	cfg, box := stage.Inbox(t, cfg)
	cfg = stage.Parameters(t, cfg, map[string]parameters.Value{"/opiq/dev/pepper": {Text: "test-"}})
	cfg, name := stage.Bucket(t, cfg)
	url := stage.Queue(t, "mail")

	if _, err := sqs.NewFromConfig(cfg).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x")}); err != nil {
		t.Error(err)
	}
	_, err := ses.NewFromConfig(cfg).SendRawEmail(t.Context(), &ses.SendRawEmailInput{RawMessage: &mail.RawMessage{Data: []byte("From: a@b.test\r\nTo: c@d.test\r\n\r\nhi")}})
	if err != nil || len(box.Mail("c@d.test")) != 1 {
		t.Errorf("the inbox has %v, %v", box.Mail(""), err)
	}
	out, err := ssm.NewFromConfig(cfg).GetParameters(t.Context(), &ssm.GetParametersInput{Names: []string{"/opiq/dev/pepper"}})
	if err != nil || len(out.Parameters) != 1 {
		t.Errorf("parameters: %v, %v", out, err)
	}
	if _, _, err := bucket.Open(cfg, name).Open(t.Context(), "a"); !errors.Is(err, bucket.ErrNone) {
		t.Errorf("the bucket: %v", err)
	}
}

func TestAServiceThatNoTestSetUpIsNotAWS(t *testing.T) {
	cfg := stage.Config(t)
	cfg.RetryMaxAttempts = 1
	if _, err := ses.NewFromConfig(cfg).GetSendQuota(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "localhost:9") {
		t.Errorf("the call went elsewhere: %v", err)
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
