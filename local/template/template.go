// Package template is template.yaml as plain Go values: what the local run builds, and what the test of the collection checks.
//
// Read takes the template and the values of its parameters, settles conditions and intrinsic functions, and gives functions
// with their triggers, tables, queues and buckets. What is known only after a deployment, a reference to another resource, stays in
// the strings as ${Table} or ${PaymentsQueue.Arn}; Expand puts values in their place.
//
// The package starts nothing and knows no default of ours. An intrinsic function, a trigger or a property of a trigger that
// it does not know is an error that names the line: the local run must not quietly differ from the deployed one. It does not
// check AllowedValues and patterns of parameters (a local run has a public URL without https), nor what CloudFormation checks.
package template

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Template is the whole of it. Resources are in the order of the file, events of a function in that of their names.
type Template struct {
	Functions []Function
	Tables    []Table
	Queues    []Queue
	Buckets   []Bucket
	Throttle  Throttle // of the HTTP API's stage
	Door      Door     // of the HTTP API, or the zero one
	Edge      Edge     // what stands before it, or the zero one
	Resources map[string]Resource
}

// Resource is any resource whose condition holds, as it stands.
type Resource struct {
	ID, Type       string
	Line           int
	DeletionPolicy string
	Properties     map[string]any // map[string]any, []any, string, int, float64, bool
}

// Function is an AWS::Serverless::Function with Globals put in.
type Function struct {
	ID          string // "PaymentSettlement"
	Name        string // "payment-settlement": the last step of the folder
	Folder      string // "functions/payment-settlement": CodeUri
	Line        int
	Timeout     time.Duration
	Memory      int               // MB
	Environment map[string]string // for Expand
	Concurrency int               // reserved, -1: not reserved
	Routes      []Route
	Queues      []QueueSource
	Streams     []StreamSource
	Schedules   []Schedule
	Retries     int    // of an asynchronous call, as from a schedule
	OnFailure   string // logical id of the queue for asynchronous calls that were given up, or ""
	Policies    []any
	Properties  map[string]any // all of them
}

// Route is an HttpApi event.
type Route struct {
	Name   string // of the event
	Method string // upper case; "ANY"
	Path   string // "/v1/orders/{number}"
}

// Key is the route as API Gateway names it: "POST /v1/orders".
func (r Route) Key() string { return r.Method + " " + r.Path }

// QueueSource is an SQS event.
type QueueSource struct {
	Name            string
	Queue           string // logical id
	BatchSize       int
	Window          time.Duration
	Concurrency     int      // most batches at once, 0: no limit
	Filters         []string // JSON patterns; a message that fits none of them is dropped
	PartialFailures bool     // the answer names the messages that failed
}

// StreamSource is a DynamoDB event: the stream of a table.
type StreamSource struct {
	Name            string
	Table           string // logical id
	Start           string // TRIM_HORIZON or LATEST
	BatchSize       int
	Window          time.Duration
	Parallel        int
	Filters         []string // JSON patterns; a record that fits none of them is passed over
	Retries         int      // -1: for as long as the stream keeps the record
	MaxAge          time.Duration
	OnFailure       string // logical id of the queue for batches that were given up, or ""
	Bisect          bool   // a failed batch is tried again in halves
	PartialFailures bool   // the answer names the first record that failed
}

// Schedule is a Schedule or ScheduleV2 event.
type Schedule struct {
	Name       string
	Expression string        // "rate(5 minutes)"
	Every      time.Duration // of a rate, else 0
	Input      string        // JSON; may hold <aws.scheduler.scheduled-time>
	Retries    int           // to hand over, not of the function
	DeadLetter string        // logical id of the queue for what could not be handed over, or ""
}

// Door is the HTTP API's default authorizer: a function that is asked who may come in.
type Door struct {
	Function string        // logical id
	Headers  []string      // in lower case: who comes without one of them is refused unasked, and its answer is remembered by them
	Kept     time.Duration // for so long
}

// Edge is an AWS::CloudFront::Distribution with one origin.
type Edge struct {
	Headers   map[string]string // what it says to the origin; a {{resolve:…}} stays as it is
	Behaviors []Behavior        // the first that fits; the last fits all
}

// Behavior is what becomes of the requests for some paths. What may be kept goes on without cookies.
type Behavior struct {
	Path    string   // "/v1/catalog/*"
	Methods []string // all others are refused
	Kept    bool     // else all goes on to the origin but the host, and no answer is kept
	Headers []string // of the viewer's that go on where answers are kept, in lower case
	Query   []string // names in the query that go on where answers are kept
}

// Fits tells whether a path, as it stands in the request, falls under the behavior.
func (b Behavior) Fits(path string) bool {
	before, any := strings.CutSuffix(b.Path, "*")
	return path == before || any && strings.HasPrefix(path, before)
}

// Table is an AWS::DynamoDB::Table.
type Table struct {
	ID         string
	Name       string // TableName, or the logical id where it has none
	Partition  string
	Sort       string            // or ""
	Attributes map[string]string // of keys: name → S, N or B
	Indexes    []Index
	Stream     string // NEW_AND_OLD_IMAGES …, "": none
	TTL        string // the attribute, "": none
}

// Index is a global secondary index.
type Index struct {
	Name, Partition, Sort string
	Projection            string   // ALL, KEYS_ONLY or INCLUDE
	Include               []string // with INCLUDE
}

// Queue is an AWS::SQS::Queue.
type Queue struct {
	ID          string
	Name        string // QueueName, or the logical id where it has none
	Visibility  time.Duration
	Retention   time.Duration
	Delay       time.Duration
	DeadLetter  string // logical id, or ""
	MaxReceives int    // before a message moves to DeadLetter
}

// Bucket is an AWS::S3::Bucket.
type Bucket struct {
	ID   string
	Name string // BucketName, or the logical id where it has none, in the small letters that S3 takes
}

// Throttle is how many requests are let in. Zero: as many as come.
type Throttle struct {
	Rate   float64             // a second
	Burst  int                 // at once
	Routes map[string]Throttle // by route key
}

// Function finds a function by the name of its folder.
func (t *Template) Function(name string) (Function, bool) {
	for _, f := range t.Functions {
		if f.Name == name {
			return f, true
		}
	}
	return Function{}, false
}

// Read reads the template at path. Parameters without a default need a value; the pseudo parameters ("AWS::Region") have
// one of their own and may be given another.
func Read(path string, parameters map[string]string) (*Template, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(filepath.Base(path), src, parameters)
}

// Parse reads a template from its text; name is the file's name in errors.
func Parse(name string, src []byte, parameters map[string]string) (*Template, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(doc.Content) == 0 {
		return nil, fmt.Errorf("%s: is empty", name)
	}
	t, err := read(doc.Content[0], parameters)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	return t, nil
}

// Expand puts values in the place of references. An attribute of "" is what Ref gives.
func Expand(s string, value func(id, attribute string) (string, error)) (string, error) {
	return substitute(s, func(name string) (string, error) {
		id, attribute, _ := strings.Cut(name, ".")
		return value(id, attribute)
	}, func(literal string) string { return literal })
}

// Target is the logical id in a string that is one reference and nothing else: "${Mail.Arn}" points to "Mail". Else "".
func Target(s string) string {
	name, ok := strings.CutPrefix(s, "${")
	if !ok || strings.HasPrefix(name, "!") {
		return ""
	}
	name, ok = strings.CutSuffix(name, "}")
	if !ok || strings.ContainsAny(name, "${}") {
		return ""
	}
	id, _, _ := strings.Cut(name, ".")
	return id
}

// substitute replaces each ${name} in s by what value says and hands the text between them to literal; ${!name} is the
// literal text ${name}.
func substitute(s string, value func(name string) (string, error), literal func(string) string) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(s, "${")
		out.WriteString(literal(before))
		if !found {
			return out.String(), nil
		}
		if strings.HasPrefix(rest, "!") {
			out.WriteString(literal("${"))
			s = rest[1:]
			continue
		}
		name, after, found := strings.Cut(rest, "}")
		if !found {
			return "", fmt.Errorf("${ without }")
		}
		v, err := value(strings.TrimSpace(name))
		if err != nil {
			return "", err
		}
		out.WriteString(v)
		s = after
	}
}
