package ledger

import (
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestEveryKindOfTheTableIsRead holds the table's design, as the comment of package table has it, against what this package knows.
func TestEveryKindOfTheTableIsRead(t *testing.T) {
	doc, err := os.ReadFile("../../shared/table/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	column, kinds := 0, map[string]bool{}
	for line := range strings.Lines(string(doc)) {
		switch {
		case strings.HasPrefix(line, "//\tPK "):
			column = strings.Index(line, "kind ")
		case column > 0 && strings.HasPrefix(line, "//\t") && len(line) > column && line[column-1] == ' ' && line[column] != ' ':
			kinds[strings.Fields(line[column:])[0]] = true
		}
	}
	for kind := range kinds {
		var l Ledger
		item := map[string]types.AttributeValue{"kind": &types.AttributeValueMemberS{Value: kind}, "PK": &types.AttributeValueMemberS{Value: "SERIES#2026"}}
		if err := l.add(item); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if t.Logf("%d kinds", len(kinds)); len(kinds) < 30 {
		t.Errorf("the table's design names %d kinds", len(kinds))
	}
}
