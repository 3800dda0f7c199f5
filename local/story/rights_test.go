package story

import (
	"net/http"
	"testing"
)

func TestThePartitionOfACall(t *testing.T) {
	for want, c := range map[string]struct{ action, body string }{
		"dynamodb:Query SHELF":        {"Query", `{"TableName":"T","KeyConditionExpression":"PK = :p","ExpressionAttributeValues":{":p":{"S":"SHELF"}}}`},
		"dynamodb:GetItem TRIES#1":    {"GetItem", `{"TableName":"T","Key":{"PK":{"S":"TRIES#1"},"SK":{"S":"TRIES"}}}`},
		"dynamodb:PutItem TAKEDOWN#1": {"PutItem", `{"TableName":"T","Item":{"PK":{"S":"TAKEDOWN#1"},"n":{"N":"1"},"m":{"M":{"S":{"S":"x"}}},"l":{"L":[]}},"ExpressionAttributeValues":{":r":{"N":"1"}}}`},
		"":                            {"Query", `{"TableName":"T","IndexName":"due","ExpressionAttributeValues":{":d":{"S":"x"}}}`},
	} {
		r := &http.Request{Header: http.Header{"X-Amz-Target": {"DynamoDB_20120810." + c.action}}}
		if got := partition(r, []byte(c.body)); got != want {
			t.Errorf("%s: %q, want %q", c.body, got, want)
		}
	}
}
