// Package stage is AWS for tests: real engines, and a table, queues, a bucket, a mailbox and parameters of the test's own.
//
// The engine of a service starts when the first test of a binary makes a client for it, is shared by all of the binary's
// tests and dies with it. The package keeps nothing from one test for the next.
package stage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"opiq/local/buckets"
	"opiq/local/engines"
	"opiq/local/inbox"
	"opiq/local/parameters"
	"opiq/local/template"
)

// Config is AWS as the engines play it. A service that no engine plays has an address that nobody answers, until Point, Bucket,
// Inbox or Parameters give it another.
func Config(t testing.TB) aws.Config {
	cfg := engines.Config(nil)
	cfg.ConfigSources = append([]any{lazy{t}}, cfg.ConfigSources...)
	return cfg
}

// Point gives a service, named as the SDK names it ("SES"), another address.
func Point(cfg aws.Config, service, url string) aws.Config {
	cfg.ConfigSources = append([]any{address{service, url}}, slices.Clone(cfg.ConfigSources)...)
	return cfg
}

// Table makes an empty table as template.yaml defines it, under a name that no other test has. It has no time to live: items
// of tests that play in the past would vanish under their hands.
func Table(t testing.TB) (aws.Config, string) {
	t.Helper()
	table := definition(t)
	table.TTL = ""
	cfg, name := Config(t), unique(t, "table")
	if _, err := engines.CreateTable(t.Context(), cfg, table, name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := dynamodb.NewFromConfig(cfg).DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name})
		if err != nil {
			t.Error(err)
		}
	})
	return cfg, name
}

// Queue makes an empty queue without redrive policy and returns its URL. A message that was received comes again after 30 s.
func Queue(t testing.TB, name string) string {
	t.Helper()
	client := sqs.NewFromConfig(Config(t))
	q, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(unique(t, name))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: q.QueueUrl}); err != nil {
			t.Error(err)
		}
	})
	return *q.QueueUrl
}

// Bucket makes an empty bucket that is reached with the returned configuration, and returns its name.
func Bucket(t testing.TB, cfg aws.Config) (aws.Config, string) {
	t.Helper()
	const name = "uploads"
	cfg = Point(cfg, "S3", serve(t, buckets.New(t.TempDir())))
	if err := engines.CreateBucket(t.Context(), cfg, name); err != nil {
		t.Fatal(err)
	}
	return cfg, name
}

// Inbox makes an empty mailbox that receives what is sent through SES with the returned configuration.
func Inbox(t testing.TB, cfg aws.Config) (aws.Config, *inbox.Inbox) {
	t.Helper()
	box, err := inbox.New("")
	if err != nil {
		t.Fatal(err)
	}
	return Point(cfg, "SES", serve(t, box)), box
}

// Parameters serves SSM parameters by their names.
func Parameters(t testing.TB, cfg aws.Config, values map[string]parameters.Value) aws.Config {
	t.Helper()
	return Point(cfg, "SSM", serve(t, parameters.New(values)))
}

// Template is template.yaml of the collection, as a stage "dev" has it.
func Template(t testing.TB) *template.Template {
	t.Helper()
	read, err := collection()
	if err != nil {
		t.Fatal(err)
	}
	return read
}

var collection = sync.OnceValues(func() (*template.Template, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for ; ; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "template.yaml")
		if _, err := os.Stat(path); err == nil {
			return template.Read(path, map[string]string{"Stage": "dev", "PublicUrl": "http://localhost:8080", "Sender": "no-reply@opiq.test"})
		}
		if dir == filepath.Dir(dir) {
			return nil, errors.New("there is no template.yaml above this test")
		}
	}
})

func definition(t testing.TB) template.Table {
	t.Helper()
	tables := Template(t).Tables
	if len(tables) != 1 {
		t.Fatalf("template.yaml has %d tables, and a test wants the one", len(tables))
	}
	return tables[0]
}

func serve(t testing.TB, h http.Handler) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

var (
	count   atomic.Int32
	unnamed = regexp.MustCompile(`[^A-Za-z0-9_-]+`)
)

// unique is a name that AWS allows and that tells in a log whose it is.
func unique(t testing.TB, name string) string {
	test := unnamed.ReplaceAllString(t.Name(), "_")
	return fmt.Sprintf("%s-%d-%.50s", name, count.Add(1), test)
}

var (
	dynamoDB = sync.OnceValues(func() (*engines.Engines, error) { return start(engines.DynamoDB) })
	queues   = sync.OnceValues(func() (*engines.Engines, error) { return start(engines.SQS) })
)

func start(only engines.Engine) (*engines.Engines, error) {
	return engines.Start(context.Background(), engines.Options{Only: only, Log: os.Stderr})
}

// lazy starts an engine when the SDK asks where it is.
type lazy struct{ t testing.TB }

// GetServiceBaseEndpoint answers the SDK's question for the endpoint of a service. The SDK takes no error for an answer: it
// would call AWS.
func (l lazy) GetServiceBaseEndpoint(_ context.Context, service string) (string, bool, error) {
	var e *engines.Engines
	var err error
	switch service {
	case "DynamoDB", "DynamoDB Streams":
		e, err = dynamoDB()
	case "SQS":
		e, err = queues()
	default:
		return "", false, nil
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return e.DynamoDB + e.SQS, true, nil // one of them is ""
}

type address struct{ service, url string }

// GetServiceBaseEndpoint answers the SDK's question for the endpoint of a service.
func (a address) GetServiceBaseEndpoint(_ context.Context, service string) (string, bool, error) {
	return a.url, a.service == service, nil
}
