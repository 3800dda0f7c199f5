package table_test

import (
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/table"
	"opiq/shared/takedown"
)

// TestAReportExpiresOnceItIsDecided: a year later, with the name and the address of who made it.
func TestAReportExpiresOnceItIsDecided(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	r := takedown.Claim{Name: "Autor Autorson", Claim: "Joonised on minu raamatust."}.Report("w001", "192.0.2.17", people.Noon)
	if _, err := s.Report(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if at := expires(t, dynamodb.NewFromConfig(cfg), name, r.ID); at != "" {
		t.Errorf("nobody has decided, and it expires at %s", at)
	}
	r.Revision++
	out, _, err := takedown.Decision{Decision: takedown.Dismiss, Reason: "Leping on"}.Take(r, catalog.Change{ID: "w001"}, account.Operator, people.Noon)
	if err == nil {
		_, err = s.DecideTakedown(t.Context(), out)
	}
	if err != nil {
		t.Fatal(err)
	}
	if at, want := expires(t, dynamodb.NewFromConfig(cfg), name, r.ID), strconv.FormatInt(people.Noon.AddDate(1, 0, 0).Unix(), 10); at != want {
		t.Errorf("it expires at %q, not at %s", at, want)
	}
}

// expires is when a report's item does, "" where it does not.
func expires(t *testing.T, client *dynamodb.Client, name string, id takedown.ID) string {
	t.Helper()
	key := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "TAKEDOWN#" + string(id)}, "SK": &types.AttributeValueMemberS{Value: "TAKEDOWN"}}
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &name, Key: key})
	if err != nil || out.Item == nil {
		t.Fatalf("there is no report %s (%v)", id, err)
	}
	n, _ := out.Item["expires"].(*types.AttributeValueMemberN)
	if n == nil {
		return ""
	}
	return n.Value
}
