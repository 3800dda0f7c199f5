package functions

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestRulesFind breaks the tree in one place and wants the rule that guards it to say so.
func TestRulesFind(t *testing.T) {
	const signupRoute = "Path: /v1/signup}}\n"
	const filters = `            FilterCriteria:
              Filters:
                - Pattern: '{"eventName":["INSERT"],"dynamodb":{"NewImage":{"kind":{"S":["mail","entry"]}}}}'
                - Pattern: '{"eventName":["MODIFY"],"dynamodb":{"NewImage":{"kind":{"S":["entry"]},"state":{"S":["new"]}}}}'
                - Pattern: '{"eventName":["INSERT","MODIFY"],"dynamodb":{"NewImage":{"kind":{"S":["statement"]},"state":{"S":["received"]}}}}'
                - Pattern: '{"eventName":["INSERT"],"dynamodb":{"NewImage":{"kind":{"S":["refund"]},"way":{"S":["card"]}}}}'
                - Pattern: '{"eventName":["MODIFY"],"dynamodb":{"NewImage":{"nudged":{"N":[{"exists":true}]}}}}'
`
	const shelf = `      Policies:
        - Statement:
            - Effect: Allow
              Action: dynamodb:Query
              Resource: !GetAtt Table.Arn
              Condition: {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": `
	const pages = `Method: HEAD, Path: "/{page+}"}}` + "\n" + shelf
	const plans = "Path: /v1/catalog/plans}}\n" + shelf
	tree := load(t)
	for _, c := range []struct{ name, file, from, to, rule, want string }{
		{"folder without resource", "functions/nobody/main.go", "", "package main", "a folder is a function", "functions/nobody has no resource"},
		{"resource without folder", "template.yaml", "functions/terms/", "functions/term/", "a folder is a function", "Terms has CodeUri"},
		{"function without trigger", "template.yaml", `        Document: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: "/v1/terms/{document}"}}`, "", "a function has one kind of trigger", "Terms has 0 kinds"},
		{"trigger where only the operator calls", "template.yaml", "CodeUri: functions/staff/\n", "CodeUri: functions/staff/\n      Events: {Hire: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: POST, Path: /v1/staff}}}\n", "a function has one kind of trigger", "Staff has events"},
		{"operator's function without resource", "template.yaml", "functions/staff/", "functions/stuff/", "a function has one kind of trigger", "byHand names staff"},
		{"a door beside the API", "template.yaml", "CodeUri: functions/staff/\n", "CodeUri: functions/staff/\n      FunctionUrlConfig: {AuthType: NONE}\n", "a function has one kind of trigger", "Staff has a URL"},
		{"route outside v1", "template.yaml", signupRoute, "Path: /signup}}\n", "a function has one kind of trigger", `route "POST /signup"`},
		{"route taken twice", "template.yaml", "/v1/signup/resend}}", "/v1/signup/verify}}", "a function has one kind of trigger", "both have route"},
		{"event that is no JSON", "events/terms/broken.json", "", "{", "a function has events", "events/terms/broken.json"},
		{"events of nobody", "events/nobody/a.json", "", "{}", "a function has events", "events/nobody belongs to no function"},
		{"function without row", "README.md", "", "| `nobody` | |", "the README has a row for each function", "begins with checkout"},
		{"route not described", "openapi.yaml", "", "openapi: 3.1.0\npaths: {}", "openapi.yaml has the template's routes", "POST /v1/orders is a route of checkout"},
		{"route only described", "openapi.yaml", "", "openapi: 3.1.0\npaths: {/v1/nowhere: {get: {}}}", "openapi.yaml has the template's routes", "GET /v1/nowhere is no route"},
		{"AWS in the trade", "shared/order/x.go", "", `package order; import _ "github.com/aws/aws-sdk-go-v2/aws"`, "imports", "shared/order/x.go imports github.com/aws"},
		{"a process in the trade", "shared/order/x.go", "", `package order; import _ "os/exec"`, "imports", "imports os/exec"},
		{"HTTP in the trade", "shared/order/x.go", "", `package order; import _ "net/http"`, "imports", "imports net/http"},
		{"edge in the trade", "shared/order/x.go", "", `package order; import _ "opiq/shared/table"`, "imports", "the trade imports no edge"},
		{"edge in an edge", "shared/queue/x.go", "", `package queue; import _ "opiq/shared/table"`, "imports", "edges import no edge"},
		{"function in a function", "functions/orders/x.go", "", `package main; import _ "opiq/functions/checkout"`, "imports", "nothing imports a function"},
		{"local outside", "functions/orders/x.go", "", `package main; import _ "opiq/local/golden"`, "imports", "never deployed"},
		{"clock in the trade", "shared/order/x.go", "", `package order; import "time"; var x = time.Now()`, "the trade has no clock", "uses time.Now"},
		{"dice", "shared/account/x.go", "", `package account; import _ "math/rand/v2"`, "the trade does not throw dice", "comes from crypto/rand"},
		{"Intel", "template.yaml", "[arm64]", "[x86_64]", "functions run as they are measured", "Architectures"},
		{"old runtime", "template.yaml", "provided.al2023", "provided.al2", "functions run as they are measured", "Runtime"},
		{"too small", "template.yaml", "MemorySize: 256", "MemorySize: 128", "functions run as they are measured", "MemorySize"},
		{"five variables", "template.yaml", "BANKS: !Ref Banks}", "BANKS: !Ref Banks, FIVE: a}", "variables are few and come with the right they need", "Checkout has 5 variables"},
		{"variable without right", "template.yaml", "Action: [dynamodb:GetItem, dynamodb:Query, dynamodb:PutItem]", "Action: []", "variables are few and come with the right they need", "Signup has the variable TABLE but no right"},
		{"right without variable", "template.yaml", "{MAIL_QUEUE: !Ref MailQueue, BANK_ENTRIES_QUEUE: !Ref BankEntriesQueue, STATEMENTS_QUEUE: !Ref StatementsQueue, CARDS_QUEUE: !Ref CardsQueue}", "{}", "variables are few and come with the right they need", "Dispatch may sqs:SendMessage but"},
		{"key in the template", "template.yaml", "Conditions:", "# -----BEGIN PRIVATE KEY-----\nConditions:", "no secrets in plain sight", "looks like a secret"},
		{"password in samconfig", "samconfig.toml", "version = 0.1", `password = "hunter2"`, "no secrets in plain sight", "samconfig.toml:3"},
		{"credentials", "template.yaml", "Conditions:", "# AKIAIOSFODNN7EXAMPLE\nConditions:", "no secrets in plain sight", "looks like a secret"},
		{"any action", "template.yaml", "Action: sqs:SendMessage", `Action: "sqs:*"`, "policies name what they allow", "name the actions"},
		{"any resource", "template.yaml", "Action: sqs:SendMessage, Resource: !GetAtt PaymentsQueue.Arn", `Action: sqs:SendMessage, Resource: "*"`, "policies name what they allow", "name the resources"},
		{"any index", "template.yaml", "${Table.Arn}/index/due", "${Table.Arn}/index/*", "policies name what they allow", "name the resources"},
		{"any object", "template.yaml", "Action: sqs:SendMessage, Resource: !GetAtt PaymentsQueue.Arn", `Action: s3:GetObject, Resource: !Sub "${Uploads.Arn}/*"`, "policies name what they allow", "name the folder"},
		{"any bucket's objects", "template.yaml", "Action: sqs:SendMessage, Resource: !GetAtt PaymentsQueue.Arn", `Action: s3:GetObject, Resource: "*"`, "policies name what they allow", "name the resources"},
		{"a folder of a table", "template.yaml", "Action: sqs:SendMessage, Resource: !GetAtt PaymentsQueue.Arn", `Action: s3:GetObject, Resource: !Sub "${Table.Arn}/statements/*"`, "policies name what they allow", "name the resources"},
		{"objects named by their bucket", "template.yaml", "Action: sqs:SendMessage, Resource: !GetAtt PaymentsQueue.Arn", `Action: s3:PutObject, Resource: !GetAtt Uploads.Arn`, "policies name what they allow", "name the folder"},
		{"a list of objects", "template.yaml", "Action: sqs:SendMessage, Resource: !GetAtt PaymentsQueue.Arn", `Action: s3:ListBucket, Resource: !Sub "${Uploads.Arn}/statements/*"`, "policies name what they allow", "name the bucket"},
		{"a list of all files", "template.yaml", ", Condition: {StringLike: {\"s3:prefix\": works/*}}", "", "policies name what they allow", "Library may list all of"},
		{"a list of any folder", "template.yaml", "{\"s3:prefix\": works/*}", "{\"s3:prefix\": \"*\"}", "policies name what they allow", "Library may list all of"},
		{"object deleted", "template.yaml", "Action: sqs:SendMessage, Resource: !GetAtt PaymentsQueue.Arn", `Action: s3:DeleteObject, Resource: !Sub "${Uploads.Arn}/statements/*"`, "policies name what they allow", "put and got only"},
		{"somebody else's policy", "template.yaml", "      Policies:\n", "      Policies:\n        - AmazonDynamoDBFullAccess\n", "policies name what they allow", "write out the statement"},
		{"deletion", "template.yaml", "dynamodb:PutItem", "dynamodb:DeleteItem", "policies name what they allow", "conditional puts only"},
		{"any sender", "template.yaml", "ses:FromAddress", "aws:SourceIp", "policies name what they allow", "from any address"},
		{"callback on the table", "template.yaml", "Action: sqs:SendMessage, Resource: !GetAtt PaymentsQueue.Arn", "Action: dynamodb:PutItem, Resource: !GetAtt Table.Arn", "callbacks hold no right on the table", "BanklinkCallback may dynamodb:PutItem"},
		{"callback that knows the table", "template.yaml", "{PAYMENTS_QUEUE:", "{TABLE: !Ref Table, PAYMENTS_QUEUE:", "callbacks hold no right on the table", "take TABLE away"},
		{"the whole table to the catalog", "template.yaml", plans, strings.Replace(plans, "LeadingKeys", "Select", 1), "doors see their own partitions", "Catalog needs a part"},
		{"people on a page", "template.yaml", pages + "[SHELF]", pages + "[SHELF, \"ACCOUNT#*\"]", "doors see their own partitions", "Storefront needs a part"},
		{"people in the catalog", "template.yaml", plans + "[SHELF]", plans + "[SHELF, \"ACCOUNT#*\"]", "doors see their own partitions", "Catalog needs a part"},
		{"reports to everybody", "template.yaml", "[\"TRIES#*\", \"TAKEDOWN#*\"]", "[\"*\"]", "doors see their own partitions", "TakedownReports needs a part"},
		{"licenses to a note", "template.yaml", "{\"ForAllValues:StringLike\": {\"dynamodb:LeadingKeys\": [\"ACCOUNT#*\"]}}", "{}", "doors see their own partitions", "Marks needs a part"},
		{"door without function", "template.yaml", "functions/catalog/", "functions/catalogue/", "doors see their own partitions", "partitions names catalog"},
		{"neighbours fail too", "template.yaml", "FunctionResponseTypes: [ReportBatchItemFailures]", "FunctionResponseTypes: []", "what a source cannot hand over is kept", ": add FunctionResponseTypes"},
		{"a chain that Lambda ends", "template.yaml", "RecursiveLoop: Allow", "RecursiveLoop: Terminate", "what a source cannot hand over is kept", "LicenseClock hands on to itself"},
		{"short visibility", "template.yaml", "VisibilityTimeout: 30", "VisibilityTimeout: 29", "what a source cannot hand over is kept", "six time-outs"},
		{"stream that drops", "template.yaml", "DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt FailuresQueue.Arn}}\n      Policies", "\n      Policies", "what a source cannot hand over is kept", "Dispatch.New: add DestinationConfig"},
		{"stream for everything", "template.yaml", filters, "", "what a source cannot hand over is kept", "add FilterCriteria"},
		{"schedule that drops", "template.yaml", "DeadLetterConfig: {Arn: !GetAtt FailuresQueue.Arn}\n", "\n", "what a source cannot hand over is kept", "LicenseActivation.Due: add DeadLetterConfig"},
		{"scheduled call that drops", "template.yaml", "EventInvokeConfig: {MaximumRetryAttempts: 1, DestinationConfig", "EventInvokeConfig: {MaximumRetryAttempts: 1, NoConfig", "what a source cannot hand over is kept", "LicenseActivation: add EventInvokeConfig"},
		{"schedule without time", "template.yaml", "<aws.scheduler.scheduled-time>", "now", "what a source cannot hand over is kept", "Input must give the time"},
		{"queue without end", "template.yaml", "RedrivePolicy: {deadLetterTargetArn: !GetAtt MailDLQ.Arn, maxReceiveCount: 10}", "DelaySeconds: 0", "queues retry and park", "MailQueue has no dead-letter queue"},
		{"impatient queue", "template.yaml", "maxReceiveCount: 10", "maxReceiveCount: 4", "queues retry and park", "5 at least"},
		{"queue in clear", "template.yaml", "SqsManagedSseEnabled: true", "SqsManagedSseEnabled: false", "queues retry and park", "SqsManagedSseEnabled"},
		{"parked unseen", "template.yaml", "!GetAtt PaymentsDLQ.QueueName", "!GetAtt PaymentsQueue.QueueName", "parked messages wake somebody", "PaymentsDLQ has no alarm"},
		{"alarm unheard", "template.yaml", "AlarmActions: [!Ref Alarms]", "AlarmActions: []", "parked messages wake somebody", "tells nobody"},
		{"logs for ever", "template.yaml", "RetentionInDays: 90", "Tags: []", "logs are kept for a while", "ApiLog: add RetentionInDays"},
		{"no log group", "template.yaml", "LoggingConfig: {LogGroup: !Ref TermsLog}", "Timeout: 5", "logs are kept for a while", "!Ref TermsLog"},
		{"table can be deleted", "template.yaml", "DeletionProtectionEnabled: true", "DeletionProtectionEnabled: false", "the table is safe", "DeletionProtectionEnabled"},
		{"table without yesterday", "template.yaml", "PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false", "the table is safe", "PointInTimeRecoveryEnabled"},
		{"stream without the old image", "template.yaml", "NEW_AND_OLD_IMAGES", "NEW_IMAGE", "the table is safe", "StreamViewType"},
		{"bucket that goes with its stack", "template.yaml", "  Uploads:\n    Type: AWS::S3::Bucket\n    DeletionPolicy: Retain\n", "  Uploads:\n    Type: AWS::S3::Bucket\n", "the buckets are safe", "Uploads: add DeletionPolicy"},
		{"public bucket", "template.yaml", "RestrictPublicBuckets: true", "RestrictPublicBuckets: false", "the buckets are safe", "RestrictPublicBuckets"},
		{"somebody else's objects", "template.yaml", "BucketOwnerEnforced", "ObjectWriter", "the buckets are safe", "BucketOwnerEnforced"},
		{"bucket in clear", "template.yaml", "BucketEncryption: {", "Encryption: {", "the buckets are safe", "SSEAlgorithm"},
		{"bucket with versions", "template.yaml", "      BucketEncryption:", "      VersioningConfiguration: {Status: Enabled}\n      BucketEncryption:", "the buckets are safe", "keeps versions"},
		{"statements for ever", "template.yaml", "ExpirationInDays: 90, ", "", "the buckets are safe", "ExpirationInDays"},
		{"some statements for ever", "template.yaml", "ExpirationInDays: 90, ", "ExpirationInDays: 90, Prefix: a, ", "the buckets are safe", "ExpirationInDays"},
		{"parts of uploads for ever", "template.yaml", "ExpirationInDays: 90, AbortIncompleteMultipartUpload", "ExpirationInDays: 90, NoParts", "the buckets are safe", "Uploads: LifecycleConfiguration: add a rule for all objects with AbortIncompleteMultipartUpload"},
		{"parts of files for ever", "template.yaml", "Rules: [{Status: Enabled, AbortIncompleteMultipartUpload", "Rules: [{Status: Enabled, NoParts", "the buckets are safe", "Files: LifecycleConfiguration: add a rule for all objects with AbortIncompleteMultipartUpload"},
		{"publishers' files that vanish", "template.yaml", "Rules: [{Status: Enabled, AbortIncompleteMultipartUpload", "Rules: [{Status: Enabled, ExpirationInDays: 90, AbortIncompleteMultipartUpload", "the buckets are safe", "Files: LifecycleConfiguration: no rule may let expire"},
		{"publishers' files that vanish on a day", "template.yaml", "Rules: [{Status: Enabled, AbortIncompleteMultipartUpload", "Rules: [{Status: Enabled, Prefix: works/, ExpirationDate: 2030-01-01, AbortIncompleteMultipartUpload", "the buckets are safe", "Files: LifecycleConfiguration: no rule may let expire"},
		{"uploads that nobody may put", "template.yaml", "[s3:GetObject, s3:PutObject]", "[s3:GetObject]", "the buckets are safe", "Uploads: LifecycleConfiguration: no rule may let expire"},
		{"publishers' files that a function may change", "template.yaml", "Action: s3:GetObject, Resource: !Sub \"${Files.Arn}/works/*\"", "Action: [s3:GetObject, s3:PutObject], Resource: !Sub \"${Files.Arn}/works/*\"", "the buckets are safe", "Files: LifecycleConfiguration: add a rule for all objects with ExpirationInDays"},
		{"files of a bucket that goes with its stack", "template.yaml", "  Files:\n    Type: AWS::S3::Bucket\n    DeletionPolicy: Retain\n", "  Files:\n    Type: AWS::S3::Bucket\n", "the buckets are safe", "Files: add DeletionPolicy"},
		{"bucket without TLS", "template.yaml", `"aws:SecureTransport": "false"`, `"aws:SecureTransport": "true"`, "the buckets are safe", "aws:SecureTransport"},
		{"open CORS", "template.yaml", "DefaultRouteSettings:", "CorsConfiguration: true\n      DefaultRouteSettings:", "the API is throttled and closed", "CORS is closed"},
		{"no throttle", "template.yaml", "DefaultRouteSettings:", "SomeRouteSettings:", "the API is throttled and closed", "add DefaultRouteSettings"},
		{"sign-in unthrottled", "template.yaml", "        POST /v1/session:", "        GET /v1/session:", "the API is throttled and closed", "POST /v1/session needs"},
		{"payers in the log", "template.yaml", "$context.routeKey", "$context.path", "the API is throttled and closed", "names routes, not paths"},
		{"readers without an address in the log", "template.yaml", "$context.authorizer.viewer", "$context.identity.userAgent", "the API is throttled and closed", "loses who asked"},
		{"an open API", "template.yaml", "DefaultAuthorizer: Door", "SomeAuthorizer: Door", "the API is throttled and closed", "the function door must be asked"},
		{"a door that asks another", "template.yaml", "FunctionArn: !GetAtt Door.Arn", "FunctionArn: !GetAtt Terms.Arn", "the API is throttled and closed", "the function door must be asked"},
		{"a door that forgets who asks", "template.yaml", "[opiq-door, opiq-viewer]", "[opiq-door]", "the API is throttled and closed", "the function door must be asked"},
		{"a door that trusts for ever", "template.yaml", "ReauthorizeEvery: 300", "ReauthorizeEvery: 3600", "the API is throttled and closed", "the function door must be asked"},
		{"an API without an address", "template.yaml", "DefaultRouteSettings:", "DisableExecuteApiEndpoint: true\n      DefaultRouteSettings:", "the API is throttled and closed", "by its own address"},
		{"a function that nobody calls", "template.yaml", "FunctionArn: !GetAtt Door.Arn", "FunctionArn: !GetAtt Terms.Arn", "a function has one kind of trigger", "Door has 0 kinds"},
		{"two distributions", "template.yaml", "  CachedPages:", "  Another: {Type: AWS::CloudFront::Distribution, Properties: {DistributionConfig: {Origins: [{Id: a}], DefaultCacheBehavior: {CachePolicyId: !Ref CachedPages, OriginRequestPolicyId: !Ref OnlyTheViewer}}}}\n  CachedPages:", "the edge keeps what is everybody's", "2 distributions"},
		{"old TLS", "template.yaml", "TLSv1.2_2021", "TLSv1", "the edge keeps what is everybody's", "MinimumProtocolVersion"},
		{"people in clear", "template.yaml", "ViewerProtocolPolicy: https-only", "ViewerProtocolPolicy: allow-all", "the edge keeps what is everybody's", "HTTPS only"},
		{"the API in clear", "template.yaml", "OriginProtocolPolicy: https-only", "OriginProtocolPolicy: match-viewer", "the edge keeps what is everybody's", "the way to the API is HTTPS"},
		{"readers who say who they are", "template.yaml", "            FunctionAssociations: [{EventType: viewer-request, FunctionARN: !GetAtt Viewer.FunctionARN}]\n", "", "the edge keeps what is everybody's", "/v1/catalog/*: FunctionAssociations"},
		{"one person's 404 for all", "template.yaml", "          - {ErrorCode: 404, ErrorCachingMinTTL: 0}\n", "", "the edge keeps what is everybody's", "one person's 404"},
		{"a distribution that says no word", "template.yaml", "HeaderName: opiq-door", "HeaderName: opiq-gate", "the edge keeps what is everybody's", "does not say opiq-door"},
		{"answers kept against their will", "template.yaml", "        MinTTL: 0", "        MinTTL: 60", "the edge keeps what is everybody's", "CachedPages: MinTTL"},
		{"kept by a key", "template.yaml", "Headers: [accept-language]", "Headers: [accept-language, authorization]", "the edge keeps what is everybody's", "authorization goes on"},
		{"kept for nobody", "template.yaml", "Headers: [opiq-viewer]", "Headers: [accept-language]", "the edge keeps what is everybody's", "opiq-viewer does not go on"},
		{"orders kept", "template.yaml", "PathPattern: /v1/catalog/*", "PathPattern: /v1/*", "the edge keeps what is everybody's", `"GET /v1/orders" falls under /v1/*`},
		{"orders that never arrive", "template.yaml", "AllowedMethods: [GET, HEAD, OPTIONS, PUT, PATCH, POST, DELETE]", "AllowedMethods: [GET, HEAD]", "the edge keeps what is everybody's", `"POST /v1/orders" never arrives`},
		{"the word in a variable", "template.yaml", `{SECRETS: !Sub "/opiq/${Stage}"}`, `{SECRETS: !Sub "{{resolve:ssm:/opiq/${Stage}/origin}}"}`, "no secrets in plain sight", "looks like a secret"},
		{"floods let in", "edge.yaml", "      Rules:\n", "      NoRules:\n", "floods are stopped at the edge", "no rule has a rate for /:"},
		{"floods of files", "edge.yaml", "RegexString: ^/assets/\n", "RegexString: ^/files/\n", "floods are stopped at the edge", "no rule has a rate for /assets/"},
		{"floods of what is no callback", "edge.yaml", "v1/callbacks/(banklink/[^/]+|card|card/[^/]+)$", "v1/callbacks/", "floods are stopped at the edge", "no rule has a rate for /v1/callbacks/nobody"},
		{"banks turned away", "edge.yaml", "v1/callbacks/(banklink/[^/]+|card|card/[^/]+)$", "v1/nothing", "floods are stopped at the edge", "a rule has a rate for /v1/callbacks/banklink/lhv"},
		{"a web ACL for somebody else", "edge.yaml", "Scope: CLOUDFRONT", "Scope: REGIONAL", "floods are stopped at the edge", "it must be for CLOUDFRONT"},
		{"samples of people's links", "edge.yaml", "SampledRequestsEnabled: false, MetricName: floods", "SampledRequestsEnabled: true, MetricName: floods", "floods are stopped at the edge", "floods: SampledRequestsEnabled"},
		{"tokens kept", "template.yaml", "publisher, q, subject]", "publisher, q, subject, token]", "the edge keeps what is everybody's", `nobody reads "token"`},
		{"a page for somebody", "functions/storefront/x.go", "", "package main; import \"opiq/shared/web\"; var x = web.CookieAt(\"\")", "who answers everybody alike knows nobody", "functions/storefront/x.go has CookieAt"},
		{"a cookie with the terms", "functions/terms/x.go", "", "package main; import \"opiq/shared/web\"; var x = web.Response{Cookies: nil}", "who answers everybody alike knows nobody", "functions/terms/x.go has Cookies"},
		{"a catalog that asks for a key", "functions/catalog/x.go", "", "package main; import \"opiq/shared/web\"; func x(r web.Request) string { return r.Header(\"Authorization\") }", "who answers everybody alike knows nobody", "functions/catalog/x.go has authorization"},
		{"a log of all addresses", "template.yaml", "        HttpVersion: http2and3\n", "        HttpVersion: http2and3\n        Logging: {Bucket: !GetAtt Files.DomainName}\n", "nobody writes down what people ask for", "Distribution: the distribution's log"},
		{"a log of what was blocked", "edge.yaml", "  WebAcl:\n", "  Log: {Type: AWS::WAFv2::LoggingConfiguration}\n  WebAcl:\n", "nobody writes down what people ask for", "the web ACL's log"},
		{"third stage", "samconfig.toml", "[prod.", "[staging.", "stages are dev and prod", "must be dev and prod"},
	} {
		t.Run(c.name, func(t *testing.T) {
			broken := maps.Clone(tree)
			var before string
			if f := tree[c.file]; f != nil && c.from != "" {
				before = string(f.Data)
			}
			if !strings.Contains(before, c.from) {
				t.Fatalf("%s does not hold %q any more: let this case break something that is there", c.file, c.from)
			}
			after := c.to
			if c.from != "" {
				after = strings.Replace(before, c.from, c.to, 1)
			}
			for dir := path.Dir(c.file); dir != "."; dir = path.Dir(dir) {
				broken[dir] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
			}
			broken[c.file] = &fstest.MapFile{Data: []byte(after), Mode: 0o644}
			h := open(t, broken)
			for _, r := range rules {
				if r.name == c.rule {
					r.check(h)
				}
			}
			if !slices.ContainsFunc(h.wrong, func(w string) bool { return strings.Contains(w, c.want) }) {
				t.Errorf("the rule %q does not say %q; it says:\n%s", c.rule, c.want, strings.Join(h.wrong, "\n"))
			}
		})
	}
}
