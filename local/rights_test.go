package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"opiq/local/template"
)

// rights are what functions did with AWS: by function, actions and their resources as the template names these.
type rights struct {
	mu   sync.Mutex
	done map[string]map[string]bool
}

// call is what the bodies of calls to AWS say about themselves.
type call struct {
	TableName, IndexName, QueueURL string
	RequestItems                   map[string]any
	TransactItems                  []map[string]struct{ TableName string }
	Names                          []string
}

// add notes a call.
func (r *rights) add(function string, c *http.Request, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done == nil {
		r.done = map[string]map[string]bool{}
	}
	if r.done[function] == nil {
		r.done[function] = map[string]bool{}
	}
	for _, right := range of(c, body) {
		r.done[function][right] = true
	}
}

// of are the rights that a call needs: "dynamodb:PutItem table/NAME".
func of(c *http.Request, body []byte) (all []string) {
	if strings.Contains(c.Header.Get("Authorization")+c.URL.Query().Get("X-Amz-Credential"), "/s3/aws4_request") {
		return ofObject(c)
	}
	if c.Header.Get("X-Amz-Target") == "" { // SES speaks in forms
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return []string{"a call that is not understood: " + string(body)}
		}
		_, domain, _ := strings.Cut(form.Get("Source"), "@")
		return []string{"ses:" + form.Get("Action") + " identity/" + domain}
	}
	var b call
	service, action, _ := strings.Cut(c.Header.Get("X-Amz-Target"), ".")
	if err := json.Unmarshal(body, &b); err != nil {
		return []string{"a call that is not understood: " + string(body)}
	}
	switch {
	case action == "TransactWriteItems": // needs the rights of what is in it
		names := map[string]string{"Put": "PutItem", "ConditionCheck": "ConditionCheckItem", "Update": "UpdateItem", "Delete": "DeleteItem"}
		for _, item := range b.TransactItems {
			for kind, one := range item {
				all = append(all, "dynamodb:"+names[kind]+" table/"+one.TableName)
			}
		}
	case len(b.RequestItems) > 0:
		for table := range b.RequestItems {
			all = append(all, "dynamodb:"+action+" table/"+table)
		}
	case b.IndexName != "":
		all = append(all, "dynamodb:"+action+" table/"+b.TableName+"/index/"+b.IndexName)
	case b.TableName != "":
		all = append(all, "dynamodb:"+action+" table/"+b.TableName)
	case service == "AmazonSQS":
		all = append(all, "sqs:"+strings.TrimSuffix(action, "Batch")+" "+b.QueueURL)
	case service == "AmazonSSM":
		for _, name := range b.Names {
			all = append(all, "ssm:"+action+" parameter"+name)
		}
	default:
		all = append(all, service+":"+action+" ?")
	}
	return all
}

// ofObject are the rights that a call to S3 needs, or a link that somebody uses in the function's name. The template names
// objects by the folder that they are in.
func ofObject(c *http.Request) []string {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(c.URL.Path, "/"), "/")
	folder, _, _ := strings.Cut(key, "/")
	object := " bucket/" + bucket + "/" + folder + "/*"
	switch c.Method {
	case http.MethodPut:
		return []string{"s3:PutObject" + object}
	case http.MethodGet, http.MethodHead: // who may not list hears "forbidden" of what is not there
		return []string{"s3:GetObject" + object, "s3:ListBucket bucket/" + bucket}
	}
	return []string{"a call that is not understood: " + c.Method + " " + c.URL.Path}
}

// TestFunctionsUseTheRightsThatTheyAreGranted holds what functions did in all stories against what the template allows: no
// more, and no less. What AWS's own poller does for a source (SAM grants that) is not done by functions, here and there.
func TestFunctionsUseTheRightsThatTheyAreGranted(t *testing.T) {
	s := story(t)
	s.tell(t, map[string]func(*testing.T){
		"TestAFamilyReadsFromTheFirstDayToTheLast": TestAFamilyReadsFromTheFirstDayToTheLast, "TestALicenseForALaterDayOpensOnThatDay": TestALicenseForALaterDayOpensOnThatDay,
		"TestAForgottenPasswordIsReplacedAndEverySessionEnds": TestAForgottenPasswordIsReplacedAndEverySessionEnds, "TestALostMailIsSentAgainWhenAskedFor": TestALostMailIsSentAgainWhenAskedFor,
		"TestMoneyForACancelledOrderGoesBack": TestMoneyForACancelledOrderGoesBack, "TestSixteenOrdersUnderOneKeyAreOne": TestSixteenOrdersUnderOneKeyAreOne,
		"TestAnInvoiceIsPaidByATransfer": TestAnInvoiceIsPaidByATransfer, "TestASchoolsInvoiceAlsoGoesToItsBookkeeper": TestASchoolsInvoiceAlsoGoesToItsBookkeeper,
		"TestAnInvoiceThatNobodyPaysIsRemindedOfAndExpiresAndStillTakesItsMoney": TestAnInvoiceThatNobodyPaysIsRemindedOfAndExpiresAndStillTakesItsMoney,
		"TestEveryPaymentEndsAsTheLadderSays":                                    TestEveryPaymentEndsAsTheLadderSays, "TestAPersonDecidesWhatIsNotCertain": TestAPersonDecidesWhatIsNotCertain,
		"TestStatementsAreForStaffAndTheirMachines": TestStatementsAreForStaffAndTheirMachines, "TestALargeStatementComesByAnUploadLink": TestALargeStatementComesByAnUploadLink,
		"TestWhoeverIsEnrolledSetsAPasswordAndComesIn": TestWhoeverIsEnrolledSetsAPasswordAndComesIn,
		"TestALicenseIsPaidByCard":                     TestALicenseIsPaidByCard, "TestWhatCanGoWrongWhilePaying": TestWhatCanGoWrongWhilePaying,
		"TestMoneyGoesBackToTheAccountThatItCameFrom": TestMoneyGoesBackToTheAccountThatItCameFrom,
	})
	s.used.mu.Lock()
	defer s.used.mu.Unlock()
	for _, f := range s.Template.Functions {
		granted := granted(t, s, f)
		used := s.used.done[f.Name]
		for _, right := range slices.Sorted(maps.Keys(used)) {
			if !granted[right] {
				t.Errorf("%s did %s and has no right to: it would fail on AWS", f.Name, right)
			}
		}
		for _, right := range slices.Sorted(maps.Keys(granted)) {
			if !used[right] {
				t.Errorf("%s may %s and never does: take the right away", f.Name, right)
			}
		}
		t.Logf("%s: %d rights granted, %d used", f.Name, len(granted), len(used))
	}
}

// granted are the rights that the template gives a function, with the names of this machine.
func granted(t *testing.T, s *shop, f template.Function) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, p := range f.Policies {
		for _, st := range several(p.(map[string]any)["Statement"]) {
			statement := st.(map[string]any)
			if statement["Effect"] != "Allow" {
				continue
			}
			for _, action := range several(statement["Action"]) {
				for _, resource := range several(statement["Resource"]) {
					all[fmt.Sprint(action)+" "+here(t, s, fmt.Sprint(resource))] = true
				}
			}
		}
	}
	return all
}

func several(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// here is a resource of the template under its name on this machine, as a call names it.
func here(t *testing.T, s *shop, resource string) string {
	t.Helper()
	id, rest, _ := strings.Cut(strings.TrimPrefix(resource, "${"), ".Arn}")
	switch {
	case s.Made.Tables[id] != "":
		return "table/" + s.Made.Tables[id] + rest
	case s.Made.Queues[id] != "" && rest == "":
		return s.Made.Queues[id]
	case s.Made.Buckets[id] != "":
		return "bucket/" + s.Made.Buckets[id] + rest
	}
	part := strings.SplitN(resource, ":", 6) // arn:aws:ssm:region:account:parameter/…
	if len(part) != 6 {
		t.Fatalf("the resource %s is not understood", resource)
	}
	return part[5]
}
