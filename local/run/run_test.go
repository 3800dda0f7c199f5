package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	queue "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func start(t *testing.T, o Options) *Shop {
	t.Helper()
	o.Addr, o.Log = "localhost:0", t.Output()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func TestTheShopOpens(t *testing.T) {
	s := start(t, Options{Visibility: 2 * time.Second})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(method, path string) (int, string, http.Header) {
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body), answer.Header
	}
	if code, body, _ := ask("GET", "/"); code != 200 || !strings.Contains(body, "<html") {
		t.Errorf("/: %d %s", code, body)
	}
	for _, c := range []struct {
		method, path string
		code         int
		holds        string
	}{
		{"GET", "/_local/", 200, "/_local/mailbox"},
		{"GET", "/_local/", 200, "support@opiq.test <code>" + s.Staff.In("support").Password + "</code> "},
		{"GET", "/_local/mailbox", 200, "<html"},
		{"GET", "/_local/mail?to=nobody@example.com", 200, "[]"},
		{"GET", "/_local/mail/none/attachments/1", 404, ""},
		{"GET", "/_local/bank/", 200, "<html"},
		{"GET", "/_local/everypay/", 200, `{"payments":[]}`},
		{"POST", "/_local/everypay/0123456789abcdef?outcome=settled", 404, "unknown_payment"},
		{"GET", "/_local/account", 200, `{"iban":"EE382200221020145685","name":"Star Cloud OÜ","bic":"HABAEE2X"}`},
		{"POST", "/_local/account/statement?case=exact", 409, `"nothing"`},
		{"GET", "/_local/staff", 200, `{"email":"finance@opiq.test","password":"` + s.Staff.In("finance").Password + `","roles":["finance"]}`},
		{"GET", "/_local/staff", 200, `"password":"` + s.Staff.In("editor").Password + `","roles":["editor"]}`},
		{"GET", "/_local/nothing", 404, ""},
		{"GET", "/v1/catalog/plans", 200, `"plans"`},
		{"GET", "/v1/session", 401, `"code"`},
		{"GET", "/v1/nothing", 404, `"not_found"`},
		{"POST", "/", 403, "not configured to allow"}, // pages are read
		{"POST", "/_local/schedule/license-expiry?time=2026-09-01T00:00:00Z", 200, ""},
		{"POST", "/_local/schedule/checkout?time=2026-09-01T00:00:00Z", 404, ""},
		{"GET", "/_local/schedule/license-expiry", 405, ""},
	} {
		code, body, _ := ask(c.method, c.path)
		if code != c.code || !strings.Contains(body, c.holds) {
			t.Errorf("%s %s: %d %s", c.method, c.path, code, body)
		}
	}
	for name, took := range s.Functions.Starts() {
		if took <= 0 {
			t.Errorf("%s has not started", name)
		}
	}
	url := s.Made.Queues["PaymentsQueue"]
	a, err := sqs.NewFromConfig(s.AWS).GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []queue.QueueAttributeName{"VisibilityTimeout"}})
	if err != nil || a.Attributes["VisibilityTimeout"] != "2" {
		t.Errorf("visibility %v, %v", a, err)
	}
	s.Stop()
	s.Stop()
	if c, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://")); err == nil {
		c.Close()
		t.Error("the door is open still")
	}
	if _, err := s.Functions.Invoke(t.Context(), "terms", nil); err == nil {
		t.Error("a function runs still")
	}
}

func TestTheTableAndTheBucketsAreKeptInTheirFolder(t *testing.T) {
	data := t.TempDir()
	uploads := func(s *Shop) *s3.Client {
		return s3.NewFromConfig(s.AWS, func(o *s3.Options) { o.UsePathStyle = true })
	}
	key := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "a"}, "SK": &types.AttributeValueMemberS{Value: "b"}}
	s := start(t, Options{Data: data})
	table := s.Made.Tables["Table"]
	if _, err := dynamodb.NewFromConfig(s.AWS).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: key}); err != nil {
		t.Fatal(err)
	}
	bucket := s.Made.Buckets["Uploads"]
	if _, err := uploads(s).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("a/b"), Body: strings.NewReader("text")}); err != nil {
		t.Fatal(err)
	}
	before := s.Staff
	s.Stop()
	s = start(t, Options{Data: data})
	got, err := dynamodb.NewFromConfig(s.AWS).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key})
	if err != nil || len(got.Item) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	for i, p := range s.Staff {
		if p.Password == before[i].Password {
			t.Errorf("the password of %s was not changed", p.Email)
		}
		if a, want := signsIn(t, s, p), `"roles":["`+strings.Join(p.Roles, `","`)+`"]`; !strings.Contains(a, want) {
			t.Errorf("%s is now %s", p.Email, a)
		}
	}
	if _, err := uploads(s).HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: aws.String("a/b")}); err != nil {
		t.Error(err)
	}
}

// signsIn is the answer to somebody's password.
func signsIn(t *testing.T, s *Shop, p Person) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"email": p.Email, "password": p.Password})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(s.URL+"/v1/session", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestABusyPortIsOneLineThatSaysWhatToDo(t *testing.T) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_, err = Start(t.Context(), Options{Addr: "localhost:" + port})
	if err == nil || !strings.Contains(err.Error(), "port "+port+" is in use") || !strings.Contains(err.Error(), "-addr localhost:") || strings.Contains(err.Error(), "\n") {
		t.Errorf("it says %v", err)
	}
}

func TestAMissingNodeIsSaidAndLeavesNothingBehind(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var log bytes.Buffer
	_, err := Start(t.Context(), Options{Addr: "localhost:0", Log: &log})
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("it says %v", err)
	}
}

func TestAStartCanBeEnded(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := Start(ctx, Options{Addr: "localhost:0"})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it says %v", err)
	}
}

func TestItStartsOnlyInTheRepository(t *testing.T) {
	t.Chdir(os.TempDir())
	if _, err := Start(t.Context(), Options{Addr: "localhost:0"}); err == nil || !strings.Contains(err.Error(), "template.yaml") {
		t.Errorf("it says %v", err)
	}
}
