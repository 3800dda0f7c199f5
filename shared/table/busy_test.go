package table_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/people"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/problem"
	"opiq/shared/table"
)

// cancels is a table that cancels each transaction, for reasons of its own.
type cancels struct {
	reasons string
	calls   int
}

func (c *cancels) Do(r *http.Request) (*http.Response, error) {
	c.calls++
	body := `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"no","CancellationReasons":[` + c.reasons + `]}`
	return &http.Response{
		StatusCode: 400, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: r,
	}, nil
}

// TestATableThatTakesNoMoreIsNoQuickerOne: who is told that somebody was quicker goes on, and nobody moves the license.
func TestATableThatTakesNoMoreIsNoQuickerOne(t *testing.T) {
	for name, c := range map[string]struct {
		reasons string
		busy    bool
	}{
		"the index is full":           {`{"Code":"None"},{"Code":"ThrottlingError"}`, true},
		"the table is full":           {`{"Code":"ProvisionedThroughputExceeded"},{"Code":"None"}`, true},
		"full, and a transaction met": {`{"Code":"ThrottlingError"},{"Code":"TransactionConflict"}`, true},
		"a transaction met":           {`{"Code":"None"},{"Code":"TransactionConflict"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				full := &cancels{reasons: c.reasons}
				cfg := aws.Config{Region: "eu-north-1", Credentials: aws.AnonymousCredentials{}, HTTPClient: full}
				s := table.Open(cfg, "opiq")
				moved, err := s.Advance(t.Context(), license.License{ID: "l", Account: people.Mari}, letter.Letter{ID: "x"})
				p, known := errors.AsType[*problem.Error](err)
				if moved || errors.Is(err, table.ErrBusy) != c.busy || (err != nil) != c.busy || full.calls != 7 {
					t.Errorf("moved: %t, after %d calls (%v)", moved, full.calls, err)
				}
				if c.busy && (!known || p.Class != problem.Unavailable || p.RetryAfter == 0) {
					t.Errorf("nobody is told when to try again: %+v", p)
				}
			})
		})
	}
}
