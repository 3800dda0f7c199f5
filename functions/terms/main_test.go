package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"opiq/local/golden"
)

var now = time.Date(2026, 9, 1, 9, 8, 0, 0, time.UTC)

func handle(t *testing.T, event []byte, change func(*events.APIGatewayV2HTTPRequest)) events.APIGatewayV2HTTPResponse {
	t.Helper()
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &e); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&e)
	}
	out, err := shelf{func() time.Time { return now }}.routes().Handle(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEvents(t *testing.T) {
	golden.Events(t, "terms", func(t *testing.T, _ string, event []byte) any { return handle(t, event, nil) })
}

func TestSecondVisitGets304(t *testing.T) {
	ask := func(change func(*events.APIGatewayV2HTTPRequest)) events.APIGatewayV2HTTPResponse {
		event := []byte(`{"routeKey":"GET /v1/terms/{document}","pathParameters":{"document":"use"},"requestContext":{"http":{"method":"GET"}}}`)
		return handle(t, event, change)
	}
	first := ask(nil)
	again := ask(func(e *events.APIGatewayV2HTTPRequest) {
		e.Headers = map[string]string{"if-none-match": first.Headers["ETag"]}
	})
	if again.StatusCode != 304 || again.Body != "" {
		t.Errorf("same tag: %d, %d bytes", again.StatusCode, len(again.Body))
	}
	russian := ask(func(e *events.APIGatewayV2HTTPRequest) {
		e.Headers = map[string]string{"if-none-match": first.Headers["ETag"], "accept-language": "ru"}
	})
	if russian.StatusCode != 200 || russian.Headers["ETag"] == first.Headers["ETag"] || russian.Headers["Vary"] != "Accept-Language" {
		t.Errorf("another language: %d %v", russian.StatusCode, russian.Headers)
	}
}
