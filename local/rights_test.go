package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"opiq/local/story"
	"opiq/local/template"
)

// seldom are rights for what no story comes to, and what that is: the function's own tests come to it.
var seldom = map[string]string{"license-clock sqs:SendMessage": "a shard that takes more than a call's time, and is handed on"}

// TestFunctionsUseTheRightsThatTheyAreGranted holds what functions did in all stories against what the template allows: no
// more, and no less. What AWS's own poller does for a source (SAM grants that) is not done by functions, here and there.
func TestFunctionsUseTheRightsThatTheyAreGranted(t *testing.T) {
	s := story.Shared(t)
	s.Tell(t, map[string]func(*testing.T){
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
		"TestALicenseThroughItsWholeLife":             TestALicenseThroughItsWholeLife, "TestTheServiceEndsForWhoBreaksTheTerms": TestTheServiceEndsForWhoBreaksTheTerms,
		"TestTheEndOfASchoolTakesTwo": TestTheEndOfASchoolTakesTwo, "TestAPriceListIsSetAhead": TestAPriceListIsSetAhead,
		"TestALeakedPasswordIsOverWhenItsOwnerSetsAnother": TestALeakedPasswordIsOverWhenItsOwnerSetsAnother,
		"TestAStrangersReportDoesNothingByItself":          TestAStrangersReportDoesNothingByItself,
	})
	s.Used.Mu.Lock()
	defer s.Used.Mu.Unlock()
	for _, f := range s.Template.Functions {
		granted := granted(t, s, f)
		used := s.Used.Done[f.Name]
		for _, right := range slices.Sorted(maps.Keys(used)) {
			if !granted[right] {
				t.Errorf("%s did %s and has no right to: it would fail on AWS", f.Name, right)
			}
		}
		for _, right := range slices.Sorted(maps.Keys(granted)) {
			if action, _, _ := strings.Cut(right, " "); !used[right] && seldom[f.Name+" "+action] == "" {
				t.Errorf("%s may %s and never does: take the right away", f.Name, right)
			}
		}
		leading(t, f, s.Used.Partitions[f.Name])
		t.Logf("%s: %d rights granted, %d used", f.Name, len(granted), len(used))
	}
}

// leading wants what a function did to lie in the partitions that its rights are limited to, where they are.
func leading(t *testing.T, f template.Function, partitions map[string]bool) {
	t.Helper()
	limits := map[string][]any{} // by action
	for _, p := range f.Policies {
		for _, st := range several(p.(map[string]any)["Statement"]) {
			statement := st.(map[string]any)
			condition, _ := statement["Condition"].(map[string]any)
			for _, kind := range []string{"ForAllValues:StringEquals", "ForAllValues:StringLike"} {
				keys, _ := condition[kind].(map[string]any)
				for _, action := range several(statement["Action"]) {
					if keys["dynamodb:LeadingKeys"] != nil {
						limits[fmt.Sprint(action)] = several(keys["dynamodb:LeadingKeys"])
					}
				}
			}
		}
	}
	for did := range partitions {
		action, partition, _ := strings.Cut(did, " ")
		if limit, ok := limits[action]; ok && !slices.ContainsFunc(limit, func(key any) bool {
			begins, any := strings.CutSuffix(fmt.Sprint(key), "*")
			return partition == begins || any && strings.HasPrefix(partition, begins)
		}) {
			t.Errorf("%s did %s and may do that in %v only: it would fail on AWS", f.Name, did, limit)
		}
	}
}

// granted are the rights that the template gives a function, with the names of this machine.
func granted(t *testing.T, s *story.Shop, f template.Function) map[string]bool {
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
func here(t *testing.T, s *story.Shop, resource string) string {
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
