package run

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"opiq/local/lambda"
)

// journal is what the run tells: progress, trouble and, if asked for, each call. Many write to it at once.
type journal struct {
	mu      sync.Mutex
	to      io.Writer
	verbose bool
	began   time.Time
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.to.Write(b)
}

// step tells that a part of the start is done.
func (j *journal) step(err error, format string, args ...any) {
	if err == nil {
		fmt.Fprintf(j, "%5.1f s  %s\n", time.Since(j.began).Seconds(), fmt.Sprintf(format, args...))
	}
}

// call tells of one finished call: function, time, and the status of an answer over HTTP.
func (j *journal) call(c lambda.Call) {
	if !j.verbose {
		return
	}
	var answer struct {
		StatusCode        int   `json:"statusCode"`
		BatchItemFailures []any `json:"batchItemFailures"`
	}
	how := "ok"
	switch {
	case c.Err != nil:
		how = c.Err.Error()
	case json.Unmarshal(c.Answer, &answer) != nil:
	case answer.StatusCode != 0:
		how = fmt.Sprint(answer.StatusCode)
	case len(answer.BatchItemFailures) > 0:
		how = fmt.Sprintf("%d failed", len(answer.BatchItemFailures))
	}
	cold := ""
	if c.Cold {
		cold = "  (new process)"
	}
	fmt.Fprintf(j, "%-20s %7.1f ms  %s%s\n", c.Function, float64(c.Took.Microseconds())/1000, how, cold)
}
