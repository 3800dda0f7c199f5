package golden

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// Counted are the metrics that act writes (see package metric): "name reason detail". Nothing else may write to standard output meanwhile.
func Counted(t *testing.T, act func()) (lines []string) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "stdout")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stdout := os.Stdout
	os.Stdout = file
	act()
	os.Stdout = stdout
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var m struct {
			AWS struct {
				CloudWatchMetrics [1]struct{ Metrics [1]struct{ Name string } }
			} `json:"_aws"`
			Reason string `json:"reason"`
			Detail string `json:"detail"`
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		lines = append(lines, m.AWS.CloudWatchMetrics[0].Metrics[0].Name+" "+m.Reason+" "+m.Detail)
	}
	return lines
}
