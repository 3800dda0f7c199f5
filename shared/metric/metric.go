// Package metric counts what an operator wants to be woken for, as a log line in CloudWatch's embedded metric format:
// no call, no waiting, no client. Dimensions are few and never personal.
package metric

import (
	"encoding/json"
	"os"
	"time"
)

// Count writes that a thing happened once in this function, which the alarm of its stage knows by its name in AWS. Name and
// reason are fixed words of the program; detail goes into the log line beside the metric and is neither a dimension nor
// anything secret or personal.
func Count(name, reason, detail string) {
	line, err := json.Marshal(map[string]any{
		"_aws": map[string]any{
			"Timestamp": time.Now().UnixMilli(),
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace":  "opiq",
				"Dimensions": [][]string{{"function"}, {"function", "reason"}},
				"Metrics":    []any{map[string]any{"Name": name, "Unit": "Count"}},
			}},
		},
		name: 1, "function": os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), "reason": reason, "detail": detail,
	})
	if err == nil {
		os.Stdout.Write(append(line, '\n'))
	}
}
