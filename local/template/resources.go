package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

func read(root *yaml.Node, given map[string]string) (*Template, error) {
	names, nodes, err := pairs(root)
	if err != nil {
		return nil, err
	}
	sections := map[string]*yaml.Node{}
	for i, name := range names {
		switch name {
		case "Parameters", "Mappings", "Conditions", "Globals", "Resources", "Outputs":
			sections[name] = nodes[i]
		case "AWSTemplateFormatVersion", "Transform", "Description", "Metadata", "Rules": // what parameters a deployment may have is no matter here
		default:
			return nil, fail(nodes[i], "the section %s is not known here", name)
		}
	}
	if sections["Resources"] == nil {
		return nil, fail(root, "there are no Resources")
	}

	e := &evaluator{conditions: map[string]*yaml.Node{}, resources: map[string]bool{}, types: map[string]string{}}
	if e.parameters, err = settle(sections["Parameters"], given); err != nil {
		return nil, err
	}
	if e.mappings, err = e.section(sections["Mappings"]); err != nil {
		return nil, err
	}
	ids, nodes, err := pairs(sections["Resources"])
	if err != nil {
		return nil, err
	}
	heads := make([]head, len(ids))
	for i, n := range nodes {
		if err := n.Decode(&heads[i]); err != nil {
			return nil, at(n, err)
		}
		if heads[i].Type == "" {
			return nil, fail(n, "%s has no Type", ids[i])
		}
		e.resources[ids[i]], e.types[ids[i]] = true, heads[i].Type
	}
	if c := sections["Conditions"]; c != nil {
		names, nodes, err := pairs(c)
		if err != nil {
			return nil, err
		}
		for i, name := range names {
			e.conditions[name] = nodes[i]
		}
		for i, name := range names { // all of them: a wrong one that nothing uses is still wrong
			if _, err := e.holds(name); err != nil {
				return nil, at(nodes[i], err)
			}
		}
	}
	for i, h := range heads {
		if h.Condition == "" {
			continue
		}
		if e.resources[ids[i]], err = e.holds(h.Condition); err != nil {
			return nil, at(nodes[i], err)
		}
	}
	globals, err := e.section(sections["Globals"])
	if err != nil {
		return nil, err
	}

	t := &Template{Resources: map[string]Resource{}}
	if g, ok := globals["HttpApi"].(map[string]any); ok {
		p := &properties{id: "Globals.HttpApi", line: sections["Globals"].Line, m: g}
		if t.Throttle = p.throttle(); p.err != nil {
			return nil, p.err
		}
	}
	for i, id := range ids {
		if !e.resources[id] {
			continue
		}
		r := Resource{ID: id, Type: heads[i].Type, Line: nodes[i].Line, DeletionPolicy: heads[i].DeletionPolicy, Properties: map[string]any{}}
		if heads[i].Properties.Kind != 0 {
			v, err := e.value(&heads[i].Properties)
			if err != nil {
				return nil, err
			}
			var ok bool
			if r.Properties, ok = v.(map[string]any); !ok {
				return nil, fail(nodes[i], "%s: Properties must be names with values", id)
			}
		}
		p := &properties{id: id, line: r.Line, m: r.Properties}
		switch r.Type {
		case "AWS::Serverless::Function":
			g, _ := globals["Function"].(map[string]any)
			r.Properties = merge(g, r.Properties)
			p.m = r.Properties
			t.Functions = append(t.Functions, p.function())
		case "AWS::Serverless::HttpApi":
			t.Throttle, t.Door = p.throttle(), p.door()
		case "AWS::DynamoDB::Table":
			t.Tables = append(t.Tables, p.table())
		case "AWS::SQS::Queue":
			t.Queues = append(t.Queues, p.queue())
		case "AWS::S3::Bucket":
			t.Buckets = append(t.Buckets, Bucket{ID: p.id, Name: p.text("BucketName", strings.ToLower(p.id))})
		}
		if p.err != nil {
			return nil, p.err
		}
		t.Resources[id] = r
	}
	if err := t.edge(); err != nil {
		return nil, err
	}
	if _, err := e.section(sections["Outputs"]); err != nil {
		return nil, err
	}
	return t, nil
}

type head struct {
	Type           string    `yaml:"Type"`
	Condition      string    `yaml:"Condition"`
	DeletionPolicy string    `yaml:"DeletionPolicy"`
	Properties     yaml.Node `yaml:"Properties"`
}

func (e *evaluator) section(n *yaml.Node) (map[string]any, error) {
	if n == nil {
		return nil, nil
	}
	v, err := e.value(n)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fail(n, "want names with values here")
	}
	return m, nil
}

// merge is SAM's rule for Globals: maps are joined, lists put one after the other, else the function's own value stands.
func merge(global, own map[string]any) map[string]any {
	out := maps.Clone(global)
	if out == nil {
		out = map[string]any{}
	}
	for k, v := range own {
		switch g := out[k].(type) {
		case map[string]any:
			if m, ok := v.(map[string]any); ok {
				v = merge(g, m)
			}
		case []any:
			if l, ok := v.([]any); ok {
				v = slices.Concat(g, l)
			}
		}
		out[k] = v
	}
	return out
}

// properties reads values and keeps the first thing that is wrong.
type properties struct {
	id   string
	line int
	m    map[string]any
	err  error
}

func (p *properties) wrong(name, format string, args ...any) {
	if p.err == nil {
		p.err = &lineError{p.line, fmt.Errorf("%s: %s: %s", p.id, name, fmt.Sprintf(format, args...))}
	}
}

func (p *properties) text(name, fallback string) string {
	switch v := p.m[name].(type) {
	case nil:
		return fallback
	case string:
		return v
	case int, float64, bool:
		return fmt.Sprint(v)
	}
	p.wrong(name, "is not a text")
	return ""
}

func (p *properties) must(name string) string {
	v := p.text(name, "")
	if v == "" {
		p.wrong(name, "is missing")
	}
	return v
}

func (p *properties) number(name string, fallback int) int {
	v, ok := p.m[name]
	if !ok {
		return fallback
	}
	n, err := number(v)
	if err != nil {
		p.wrong(name, "is not a whole number")
	}
	return n
}

func (p *properties) seconds(name string, fallback int) time.Duration {
	return time.Duration(p.number(name, fallback)) * time.Second
}

func (p *properties) yes(name string) bool {
	switch fmt.Sprint(p.m[name]) {
	case "true":
		return true
	case "false", "<nil>":
	default:
		p.wrong(name, "is not true or false")
	}
	return false
}

func (p *properties) list(name string) []any {
	l, ok := p.m[name].([]any)
	if !ok && p.m[name] != nil {
		p.wrong(name, "is not a list")
	}
	return l
}

// in is a group of properties below this one. Its errors are this one's: call done with it.
func (p *properties) in(name string) *properties {
	m, ok := p.m[name].(map[string]any)
	if !ok && p.m[name] != nil {
		p.wrong(name, "is not names with values")
	}
	return p.sub(name, m)
}

func (p *properties) sub(name string, m map[string]any) *properties {
	return &properties{id: p.id + "." + name, line: p.line, m: m, err: p.err}
}

func (p *properties) done(sub *properties) {
	if p.err == nil {
		p.err = sub.err
	}
}

// each walks a list of groups of properties.
func (p *properties) each(name string, do func(*properties)) {
	for i, v := range p.list(name) {
		m, ok := v.(map[string]any)
		if !ok {
			p.wrong(name, "is not a list of names with values")
		}
		sub := p.sub(name+"["+strconv.Itoa(i)+"]", m)
		do(sub)
		p.done(sub)
	}
}

// target is the logical id that a property refers to.
func (p *properties) target(name string) string {
	v := p.text(name, "")
	if v == "" {
		return ""
	}
	id := Target(v)
	if id == "" {
		p.wrong(name, "does not refer to a resource of this template")
	}
	return id
}

// only refuses properties that the local run would not carry out.
func (p *properties) only(names ...string) {
	for _, name := range slices.Sorted(maps.Keys(p.m)) {
		if !slices.Contains(names, name) {
			p.wrong(name, "is not known here")
		}
	}
}

func (p *properties) function() Function {
	f := Function{
		ID: p.id, Line: p.line, Properties: p.m,
		Folder:      path.Clean(p.must("CodeUri")),
		Timeout:     p.seconds("Timeout", 3),
		Memory:      p.number("MemorySize", 128),
		Concurrency: p.number("ReservedConcurrentExecutions", -1),
		Environment: map[string]string{},
		Policies:    p.list("Policies"),
	}
	f.Name = path.Base(f.Folder)

	environment := p.in("Environment")
	variables := environment.in("Variables")
	for name := range variables.m {
		f.Environment[name] = variables.text(name, "")
	}
	environment.done(variables)
	p.done(environment)

	invoke := p.in("EventInvokeConfig")
	f.Retries = invoke.number("MaximumRetryAttempts", 2)
	f.OnFailure = invoke.onFailure()
	p.done(invoke)

	events := p.in("Events")
	for _, name := range slices.Sorted(maps.Keys(events.m)) {
		event := events.in(name)
		kind := event.must("Type")
		ep := event.in("Properties")
		ep.id = event.id
		switch kind {
		case "HttpApi":
			f.Routes = append(f.Routes, ep.route(name))
		case "SQS":
			f.Queues = append(f.Queues, ep.queueSource(name))
		case "DynamoDB":
			f.Streams = append(f.Streams, ep.streamSource(name))
		case "Schedule", "ScheduleV2":
			f.Schedules = append(f.Schedules, ep.schedule(name))
		default:
			event.wrong("Type", "a trigger of the kind %q is not known here", kind)
		}
		event.done(ep)
		events.done(event)
	}
	p.done(events)
	return f
}

func (p *properties) route(name string) Route {
	p.only("ApiId", "Method", "Path", "PayloadFormatVersion", "TimeoutInMillis")
	if v := p.text("PayloadFormatVersion", "2.0"); v != "2.0" {
		p.wrong("PayloadFormatVersion", "only 2.0 is known here")
	}
	return Route{Name: name, Method: strings.ToUpper(p.must("Method")), Path: p.must("Path")}
}

func (p *properties) queueSource(name string) QueueSource {
	p.only("Queue", "BatchSize", "MaximumBatchingWindowInSeconds", "ScalingConfig", "FilterCriteria", "FunctionResponseTypes")
	p.must("Queue")
	scaling := p.in("ScalingConfig")
	s := QueueSource{
		Name: name, Queue: p.target("Queue"),
		BatchSize:       p.number("BatchSize", 10),
		Window:          p.seconds("MaximumBatchingWindowInSeconds", 0),
		Concurrency:     scaling.number("MaximumConcurrency", 0),
		Filters:         p.filters(),
		PartialFailures: p.partialFailures(),
	}
	p.done(scaling)
	return s
}

func (p *properties) streamSource(name string) StreamSource {
	p.only("Stream", "StartingPosition", "BatchSize", "MaximumBatchingWindowInSeconds", "ParallelizationFactor", "FilterCriteria",
		"MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "DestinationConfig", "BisectBatchOnFunctionError", "FunctionResponseTypes")
	p.must("Stream")
	s := StreamSource{
		Name: name, Table: p.target("Stream"),
		Start:           p.must("StartingPosition"),
		BatchSize:       p.number("BatchSize", 100),
		Window:          p.seconds("MaximumBatchingWindowInSeconds", 0),
		Parallel:        p.number("ParallelizationFactor", 1),
		Filters:         p.filters(),
		Retries:         p.number("MaximumRetryAttempts", -1),
		MaxAge:          p.seconds("MaximumRecordAgeInSeconds", 0),
		OnFailure:       p.onFailure(),
		Bisect:          p.yes("BisectBatchOnFunctionError"),
		PartialFailures: p.partialFailures(),
	}
	if s.MaxAge < 0 {
		s.MaxAge = 0 // -1 means the same: no limit but the stream's own
	}
	return s
}

func (p *properties) schedule(name string) Schedule {
	p.only("Schedule", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Input", "RetryPolicy", "DeadLetterConfig",
		"Name", "OmitName", "GroupName", "Description", "RoleArn")
	s := Schedule{Name: name, Expression: p.text("Schedule", p.text("ScheduleExpression", "")), Input: p.text("Input", "")}
	if s.Expression == "" {
		p.wrong("ScheduleExpression", "is missing")
	}
	if strings.HasPrefix(s.Expression, "rate(") {
		s.Every = p.rate(s.Expression)
	}
	if s.Input != "" && !json.Valid([]byte(s.Input)) {
		p.wrong("Input", "is not JSON")
	}
	retry := p.in("RetryPolicy")
	s.Retries = retry.number("MaximumRetryAttempts", 185)
	p.done(retry)
	dead := p.in("DeadLetterConfig")
	s.DeadLetter = dead.target("Arn")
	p.done(dead)
	return s
}

var rate = regexp.MustCompile(`^rate\(([1-9][0-9]*) (minute|hour|day)s?\)$`)

func (p *properties) rate(expression string) time.Duration {
	m := rate.FindStringSubmatch(expression)
	if m == nil {
		p.wrong("ScheduleExpression", "%q is not a rate", expression)
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return time.Duration(n) * map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[m[2]]
}

func (p *properties) filters() (patterns []string) {
	criteria := p.in("FilterCriteria")
	criteria.each("Filters", func(f *properties) {
		pattern := f.must("Pattern")
		if !json.Valid([]byte(pattern)) {
			f.wrong("Pattern", "is not JSON")
		}
		patterns = append(patterns, pattern)
	})
	p.done(criteria)
	return patterns
}

func (p *properties) partialFailures() bool {
	types := p.list("FunctionResponseTypes")
	for _, v := range types {
		if v != "ReportBatchItemFailures" {
			p.wrong("FunctionResponseTypes", "%v is not known here", v)
		}
	}
	return len(types) > 0
}

func (p *properties) onFailure() string {
	config := p.in("DestinationConfig")
	destination := config.in("OnFailure")
	id := destination.target("Destination")
	config.done(destination)
	p.done(config)
	return id
}

func (p *properties) throttle() Throttle {
	t := Throttle{Routes: map[string]Throttle{}}
	defaults := p.in("DefaultRouteSettings")
	t.Rate, t.Burst = defaults.limits()
	p.done(defaults)
	routes := p.in("RouteSettings")
	for _, key := range slices.Sorted(maps.Keys(routes.m)) {
		route := routes.in(key)
		var one Throttle
		one.Rate, one.Burst = route.limits()
		t.Routes[key] = one
		routes.done(route)
	}
	p.done(routes)
	return t
}

func (p *properties) limits() (rate float64, burst int) {
	switch v := p.m["ThrottlingRateLimit"].(type) {
	case nil:
	case int:
		rate = float64(v)
	case float64:
		rate = v
	default:
		p.wrong("ThrottlingRateLimit", "is not a number")
	}
	return rate, p.number("ThrottlingBurstLimit", 0)
}

func (p *properties) table() Table {
	t := Table{ID: p.id, Name: p.text("TableName", p.id), Attributes: map[string]string{}}
	t.Partition, t.Sort = p.keys()
	p.each("AttributeDefinitions", func(a *properties) {
		t.Attributes[a.must("AttributeName")] = a.must("AttributeType")
	})
	p.each("GlobalSecondaryIndexes", func(x *properties) {
		projection := x.in("Projection")
		i := Index{Name: x.must("IndexName"), Projection: projection.must("ProjectionType")}
		i.Partition, i.Sort = x.keys()
		for _, v := range projection.list("NonKeyAttributes") {
			i.Include = append(i.Include, fmt.Sprint(v))
		}
		x.done(projection)
		t.Indexes = append(t.Indexes, i)
	})
	if p.m["LocalSecondaryIndexes"] != nil {
		p.wrong("LocalSecondaryIndexes", "are not known here")
	}
	stream := p.in("StreamSpecification")
	t.Stream = stream.text("StreamViewType", "")
	p.done(stream)
	ttl := p.in("TimeToLiveSpecification")
	if ttl.yes("Enabled") {
		t.TTL = ttl.must("AttributeName")
	}
	p.done(ttl)
	return t
}

func (p *properties) keys() (partition, sort string) {
	p.each("KeySchema", func(k *properties) {
		switch k.must("KeyType") {
		case "HASH":
			partition = k.must("AttributeName")
		case "RANGE":
			sort = k.must("AttributeName")
		default:
			k.wrong("KeyType", "is HASH or RANGE")
		}
	})
	if partition == "" {
		p.wrong("KeySchema", "has no HASH")
	}
	return partition, sort
}

func (p *properties) queue() Queue {
	if p.yes("FifoQueue") {
		p.wrong("FifoQueue", "is not known here")
	}
	redrive := p.in("RedrivePolicy")
	q := Queue{
		ID: p.id, Name: p.text("QueueName", p.id),
		Visibility:  p.seconds("VisibilityTimeout", 30),
		Retention:   p.seconds("MessageRetentionPeriod", 345600),
		Delay:       p.seconds("DelaySeconds", 0),
		DeadLetter:  redrive.target("deadLetterTargetArn"),
		MaxReceives: redrive.number("maxReceiveCount", 0),
	}
	if q.DeadLetter != "" && q.MaxReceives < 1 {
		redrive.wrong("maxReceiveCount", "is missing")
	}
	p.done(redrive)
	return q
}
