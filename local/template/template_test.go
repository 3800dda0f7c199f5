package template_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"opiq/local/template"
)

func TestATemplateBecomesPlainValues(t *testing.T) {
	got, err := template.Read("testdata/shop.yaml", map[string]string{"Stage": "dev"})
	if err != nil {
		t.Fatal(err)
	}
	want := &template.Template{
		Functions: []template.Function{{
			ID: "Till", Name: "till", Folder: "functions/till", Line: 16,
			Timeout: 5 * time.Second, Memory: 256, Concurrency: 7,
			Environment: map[string]string{"GOGC": "400", "TABLE": "${Table}", "QUEUE": "${Work}", "SENDER": "Shop <no-reply@example.test>", "SECRETS": "/shop/dev"},
			Routes:      []template.Route{{Name: "Buy", Method: "POST", Path: "/v1/orders"}},
			Queues: []template.QueueSource{{
				Name: "Work", Queue: "Work", BatchSize: 4, Window: 2 * time.Second, Concurrency: 3, PartialFailures: true,
			}},
			Streams: []template.StreamSource{{
				Name: "Changes", Table: "Table", Start: "TRIM_HORIZON", BatchSize: 100, Parallel: 1, Retries: 9, MaxAge: time.Hour,
				Filters: []string{`{"eventName":["INSERT"]}`}, OnFailure: "Dead", Bisect: true,
			}},
			Schedules: []template.Schedule{
				{Name: "Night", Expression: "cron(0 3 * * ? *)", Retries: 185},
				{Name: "Often", Expression: "rate(5 minutes)", Every: 5 * time.Minute, Input: `{"time":"<aws.scheduler.scheduled-time>"}`, Retries: 3, DeadLetter: "Dead"},
			},
			Retries: 1, OnFailure: "Dead",
			Policies: []any{map[string]any{"Statement": []any{
				map[string]any{"Effect": "Allow", "Action": "dynamodb:Query", "Resource": "${Table.Arn}/index/due"},
			}}},
		}},
		Tables: []template.Table{{
			ID: "Table", Name: "Table", Partition: "PK", Sort: "SK",
			Attributes: map[string]string{"PK": "S", "SK": "S", "due": "S"},
			Indexes:    []template.Index{{Name: "due", Partition: "due", Projection: "INCLUDE", Include: []string{"kind"}}},
			Stream:     "NEW_AND_OLD_IMAGES", TTL: "expires",
		}},
		Queues: []template.Queue{
			{ID: "Work", Name: "shop-dev-work", Visibility: 30 * time.Second, Retention: 14 * 24 * time.Hour, DeadLetter: "Dead", MaxReceives: 5},
			{ID: "Dead", Name: "Dead", Visibility: 30 * time.Second, Retention: 4 * 24 * time.Hour},
		},
		Buckets:  []template.Bucket{{ID: "Uploads", Name: "uploads"}, {ID: "Pictures", Name: "shop-dev-pictures"}},
		Throttle: template.Throttle{Rate: 100, Burst: 200, Routes: map[string]template.Throttle{"POST /v1/orders": {Rate: 0.5, Burst: 2}}},
		Door:     template.Door{Function: "Till", Headers: []string{"x-word", "x-who"}, Kept: time.Minute},
		Edge: template.Edge{
			Headers: map[string]string{"x-word": "{{resolve:ssm:/shop/dev/word}}"},
			Behaviors: []template.Behavior{
				{Path: "/v1/*", Methods: []string{"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}},
				{Path: "*", Methods: []string{"GET", "HEAD"}, Kept: true, Headers: []string{"accept-language", "x-who"}, Query: []string{"q"}},
			},
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(template.Template{}, "Resources"), cmpopts.IgnoreFields(template.Function{}, "Properties")); diff != "" {
		t.Error(diff)
	}
	if key := got.Functions[0].Routes[0].Key(); key != "POST /v1/orders" {
		t.Errorf("the route's key is %q", key)
	}
	if r := got.Resources["Table"]; r.Type != "AWS::DynamoDB::Table" || r.DeletionPolicy != "Retain" || r.Line == 0 {
		t.Errorf("the table as a resource is %+v", r)
	}
	if _, ok := got.Resources["Told"]; ok {
		t.Error("a resource is there whose condition does not hold")
	}
	if f, ok := got.Function("till"); !ok || f.ID != "Till" {
		t.Error("a function is not found by the name of its folder")
	}
	if _, ok := got.Function("Till"); ok {
		t.Error("a function is found by another name than its folder's")
	}
}

func TestTheCollectionsOwnTemplateIsRead(t *testing.T) {
	got, err := template.Read("../../template.yaml", map[string]string{"Stage": "dev", "PublicUrl": "http://localhost:8080", "Sender": "no-reply@opiq.test"})
	if err != nil {
		t.Fatal(err)
	}
	dispatch, ok := got.Function("dispatch")
	if !ok || len(dispatch.Streams) != 1 || len(dispatch.Streams[0].Filters) == 0 {
		t.Errorf("dispatch does not read a filtered stream: %+v", dispatch.Streams)
	}
	if checkout, _ := got.Function("checkout"); checkout.Environment["PUBLIC_URL"] != "http://localhost:8080" {
		t.Errorf("checkout's PUBLIC_URL is %q", checkout.Environment["PUBLIC_URL"])
	}
	if len(got.Tables) != 1 || len(got.Queues) < 4 || got.Throttle.Rate == 0 {
		t.Errorf("%d tables, %d queues, throttle %v", len(got.Tables), len(got.Queues), got.Throttle)
	}
}

// read gives the value of one property in a template that has a few things to refer to.
func read(expression string) (any, error) {
	src := `
Parameters:
  Stage: {Type: String}
  Banks: {Type: CommaDelimitedList, Default: "swedbank, seb"}
Mappings:
  Sizes: {dev: {Memory: 128}, prod: {Memory: 512}}
Conditions:
  Prod: !Equals [!Ref Stage, prod]
  Dev: !Not [!Condition Prod]
  Both: !And [!Condition Prod, {Condition: Dev}]
  Any: {"Fn::Or": [!Condition Prod, !Condition Dev]}
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Api: {Type: AWS::Serverless::HttpApi}
  Absent: {Type: AWS::SNS::Topic, Condition: Prod}
  Probe:
    Type: A::Probe
    Properties:
      value: ` + expression + "\n"
	t, err := template.Parse("t.yaml", []byte(src), map[string]string{"Stage": "dev"})
	if err != nil {
		return nil, err
	}
	return t.Resources["Probe"].Properties["value"], nil
}

func TestIntrinsicFunctions(t *testing.T) {
	for expression, want := range map[string]any{
		`!Ref Stage`:                                  "dev",
		`{Ref: Stage}`:                                "dev",
		`!Ref Banks`:                                  []any{"swedbank", "seb"},
		`!Ref AWS::Region`:                            "eu-north-1",
		`!Ref Queue`:                                  "${Queue}",
		`!Ref ApiApiGatewayDefaultStage`:              "${ApiApiGatewayDefaultStage}",
		`!GetAtt Queue.Arn`:                           "${Queue.Arn}",
		`!GetAtt [Queue, Arn]`:                        "${Queue.Arn}",
		`{"Fn::GetAtt": [Queue, Arn]}`:                "${Queue.Arn}",
		`!Sub "a ${Stage} of ${Queue.Arn}"`:           "a dev of ${Queue.Arn}",
		`!Sub ["${Who}-${Stage}", {Who: !Ref Queue}]`: "${Queue}-dev",
		`!Sub "${!aws:username}"`:                     "${!aws:username}",
		`"${aws:username}"`:                           "${!aws:username}",
		`!Join [":", [a, 1, !Ref Stage]]`:             "a:1:dev",
		`!If [Prod, 1, 2]`:                            2,
		`!If [Dev, [a], !GetAZs ""]`:                  []any{"a"},
		`!If [Both, yes, no]`:                         "no",
		`!If [Any, true, false]`:                      true,
		`{a: !If [Prod, 1, !Ref AWS::NoValue], b: 2}`: map[string]any{"b": 2},
		`[a, !If [Prod, b, !Ref AWS::NoValue]]`:       []any{"a"},
		`!Select [1, !Split ["@", "a@b.test"]]`:       "b.test",
		`!FindInMap [Sizes, !Ref Stage, Memory]`:      128,
		`2012-10-17`:                                  "2012-10-17",
		`1.5`:                                         1.5,
	} {
		got, err := read(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", expression, diff)
		}
	}
}

func TestWhatIsNotUnderstoodIsNamedWithItsLine(t *testing.T) {
	for expression, want := range map[string]string{
		`!GetAZs ""`:                         "t.yaml:19: the function GetAZs is not known here",
		`{"Fn::ImportValue": x}`:             "t.yaml:19: the function ImportValue is not known here",
		`!Ref Nothing`:                       "t.yaml:19: there is no parameter or resource Nothing",
		`!GetAtt Nothing.Arn`:                "t.yaml:19: there is no parameter or resource Nothing",
		`!GetAtt Queue`:                      "t.yaml:19: GetAtt Queue: names no attribute",
		`!Ref Absent`:                        "t.yaml:19: the resource Absent is not there: its condition does not hold",
		`!Sub "${Nothing}"`:                  "t.yaml:19: there is no parameter or resource Nothing",
		`!Sub "${Stage"`:                     "t.yaml:19: ${ without }",
		`!Sub "${Banks}"`:                    "t.yaml:19: Sub: Banks is not a text",
		`!If [Nothing, 1, 2]`:                "t.yaml:19: there is no condition Nothing",
		`!Equals [1, 1]`:                     "t.yaml:19: Equals stands in Conditions only",
		`!Select [7, [a]]`:                   "t.yaml:19: Select: there is no number 7 in a list of 1",
		`!Split [":", !GetAtt Queue.Arn]`:    "t.yaml:19: Split: Queue is known only after the deployment",
		`!FindInMap [Sizes, x, Memory]`:      "t.yaml:19: FindInMap: there is no x",
		`!Join [":"]`:                        "t.yaml:19: Join wants 2 arguments",
		`{a: 1, a: 2}`:                       "t.yaml:19: a is here twice",
		"[a,\n        !GetAZs x]":            "t.yaml:20: the function GetAZs is not known here",
		`!Join [":", [!Ref Banks, "x"]]`:     "t.yaml:19: Join wants a text and a list of texts",
		`!Sub [a, b]`:                        "t.yaml:19: Sub wants a text, or a text and names with values",
		`{"Fn::Transform": {Name: Include}}`: "t.yaml:19: the function Transform is not known here",
	} {
		_, err := read(expression)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v; want %s", expression, err, want)
		}
	}
}

func TestATemplateThatCannotBeRunIsRefused(t *testing.T) {
	const function = "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      CodeUri: functions/f/\n"
	event := func(text string) string {
		return function + "      Events: {E: " + text + "}\n  Q: {Type: AWS::SQS::Queue}\n"
	}
	for name, c := range map[string]struct{ src, want string }{
		"Empty":                  {"", "is empty"},
		"NotYAML":                {"a: [", "t.yaml: yaml"},
		"NoResources":            {"Description: x", "there are no Resources"},
		"UnknownSection":         {"Hooks: {}\nResources: {}", "the section Hooks is not known"},
		"NoType":                 {"Resources: {A: {}}", "A has no Type"},
		"ParameterWithoutValue":  {"Parameters: {A: {Type: String}, B: {Type: String}}\nResources: {}", "no value for A, B"},
		"ConditionInACircle":     {"Conditions: {A: !Not [!Condition B], B: !Not [!Condition A]}\nResources: {}", "asks for itself"},
		"ConditionOnALaterValue": {"Conditions: {A: !Equals [!Ref Q, x]}\nResources: {Q: {Type: AWS::SQS::Queue}}", "Q is known only after the deployment"},
		"NoCode":                 {"Resources: {F: {Type: AWS::Serverless::Function}}", "F: CodeUri: is missing"},
		"UnknownTrigger":         {event("{Type: Kinesis}"), `F.Events.E: Type: a trigger of the kind "Kinesis" is not known`},
		"UnknownProperty":        {event("{Type: HttpApi, Properties: {Method: GET, Path: /, Auth: {}}}"), "F.Events.E: Auth: is not known"},
		"NoQueue":                {event("{Type: SQS}"), "F.Events.E: Queue: is missing"},
		"QueueElsewhere":         {event("{Type: SQS, Properties: {Queue: 'arn:aws:sqs:x:1:q'}}"), "Queue: does not refer to a resource"},
		"WordForNumber":          {event("{Type: SQS, Properties: {Queue: !GetAtt Q.Arn, BatchSize: ten}}"), "BatchSize: is not a whole number"},
		"PatternIsNoJSON":        {event("{Type: SQS, Properties: {Queue: !GetAtt Q.Arn, FilterCriteria: {Filters: [{Pattern: '{'}]}}}"), "Pattern: is not JSON"},
		"NoRate":                 {event("{Type: ScheduleV2, Properties: {ScheduleExpression: rate(soon)}}"), "is not a rate"},
		"NoMaxReceives":          {"Resources:\n  D: {Type: AWS::SQS::Queue}\n  Q: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt D.Arn}}}", "maxReceiveCount: is missing"},
		"FIFO":                   {"Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}", "FifoQueue: is not known"},
		"DoorOfAnotherKind":      {"Resources:\n  A: {Type: AWS::Serverless::HttpApi, Properties: {Auth: {DefaultAuthorizer: J, Authorizers: {J: {JwtConfiguration: {}}}}}}", "JwtConfiguration: is not known"},
		"PolicyOfSomebodyElse":   {"Resources:\n  D: {Type: AWS::CloudFront::Distribution, Properties: {DistributionConfig: {Origins: [{Id: a}], DefaultCacheBehavior: {CachePolicyId: a, OriginRequestPolicyId: b}}}}", "a with b is not known here"},
		"StarInTheMiddle":        {"Resources:\n  D: {Type: AWS::CloudFront::Distribution, Properties: {DistributionConfig: {Origins: [{Id: a}], CacheBehaviors: [{PathPattern: '/*.js'}], DefaultCacheBehavior: {}}}}", "only a * at the end"},
		"TableWithoutKey":        {"Resources:\n  T: {Type: AWS::DynamoDB::Table}", "KeySchema: has no HASH"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := template.Parse("t.yaml", []byte(c.src), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want …%s…", err, c.want)
			}
		})
	}

	_, err := template.Parse("t.yaml", []byte("Resources: {}"), map[string]string{"Stge": "dev"})
	if err == nil || !strings.Contains(err.Error(), "Stge, and there is no such parameter") {
		t.Errorf("a value for a parameter that is not there: %v", err)
	}
}

func TestExpandPutsValuesInThePlaceOfReferences(t *testing.T) {
	var asked []string
	got, err := template.Expand("a ${Table} b ${Queue.Arn} c ${!left}", func(id, attribute string) (string, error) {
		asked = append(asked, id+"/"+attribute)
		return "«" + id + "»", nil
	})
	if err != nil || got != "a «Table» b «Queue» c ${left}" {
		t.Errorf("got %q, %v", got, err)
	}
	if !slices.Equal(asked, []string{"Table/", "Queue/Arn"}) {
		t.Errorf("asked for %q", asked)
	}
	if _, err := template.Expand("${A}", func(string, string) (string, error) { return "", fmt.Errorf("none") }); err == nil {
		t.Error("an error of the values is lost")
	}
}

func TestABehaviorIsForAPathOrForAllThatBeginWithIt(t *testing.T) {
	for pattern, fits := range map[string]map[string]bool{
		"/v1/*":        {"/v1/": true, "/v1/a/b": true, "/v1": false, "/V1/a": false, "/v1%2Fa": false},
		"/favicon.ico": {"/favicon.ico": true, "/favicon.icon": false},
		"*":            {"/": true, "": true},
	} {
		for path, want := range fits {
			if got := (template.Behavior{Path: pattern}).Fits(path); got != want {
				t.Errorf("%s fits %q: %v", pattern, path, got)
			}
		}
	}
}

func TestTargetIsTheResourceOfAPureReference(t *testing.T) {
	for s, want := range map[string]string{"${Mail.Arn}": "Mail", "${Mail}": "Mail", "x${Mail}": "", "${Mail}/x": "", "${A}${B}": "", "${!A}": "", "": "", "arn:x": ""} {
		if got := template.Target(s); got != want {
			t.Errorf("Target(%q) = %q, want %q", s, got, want)
		}
	}
}
