package table_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/intake"
	"opiq/shared/reconciliation"
	"opiq/shared/statement"
	"opiq/shared/table"
)

// busy is a table that takes its first six writes only when they come again: as often as one of them is tried.
type busy struct {
	aws.HTTPClient
	puts atomic.Int32
}

func (b *busy) Do(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutItem") && b.puts.Add(1) <= 6 {
		body := `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slower"}`
		return &http.Response{
			StatusCode: 400, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: r,
		}, nil
	}
	return b.HTTPClient.Do(r)
}

// TestEntriesWaitForATableThatIsBusy: a statement writes more at once than the table may take.
func TestEntriesWaitForATableThatIsBusy(t *testing.T) {
	cfg, name := stage.Table(t)
	slow := cfg.Copy()
	slow.HTTPClient = &busy{HTTPClient: cfg.HTTPClient}
	slow.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	var all []reconciliation.Entry
	file := people.Statement(people.Credit("A1", 100, people.Waiting), people.Credit("A2", 200, people.Waiting),
		people.Batch("B1", 300, people.Part("T1", 100, people.Waiting), people.Part("T2", 200, people.Waiting)))
	_, err := statement.Read(bytes.NewReader(file), people.Desk.IBANs(), func(e statement.Entry) error {
		all = append(all, reconciliation.Keep(e, "s", "machine", people.Noon))
		return nil
	})
	if err != nil || len(all) != 4 {
		t.Fatal(len(all), err)
	}
	kept, err := table.Open(slow, name).KeepEntries(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range kept {
		if k != reconciliation.IsNew {
			t.Errorf("entry %d became %d", i, k)
		}
	}
	if l := ledger.Holds(t, cfg, name); len(l.Entries) != 4 {
		t.Errorf("%d entries", len(l.Entries))
	}
}

func TestAnImportIsChangedByOneAtATime(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	id := intake.IDOf([]byte("a statement"))
	if _, err := s.Statement(t.Context(), id); !errors.Is(err, intake.ErrNotFound) {
		t.Error(err)
	}
	i := intake.Receive(id, account.Actor{Account: people.Liis}, people.Noon)
	for try, want := range []error{nil, table.ErrChanged} {
		if err := s.ChangeStatement(t.Context(), i); !errors.Is(err, want) {
			t.Errorf("try %d: %v", try, err)
		}
	}
	i, err := s.Statement(t.Context(), id)
	if err != nil || i.State != intake.Received || i.Revision != 1 {
		t.Fatalf("%+v %v", i, err)
	}
	at := statement.Position{Statement: 1, Entry: 2, Line: 3, Byte: 4}
	done, act := i.End(intake.Summary{Account: "EE", Problems: []statement.Problem{{Position: at, Code: "amount"}}}, people.Noon)
	for try, want := range []error{nil, table.ErrChanged} {
		if err := s.ChangeStatement(t.Context(), done, act); !errors.Is(err, want) {
			t.Errorf("try %d: %v", try, err)
		}
	}
	i, err = s.Statement(t.Context(), id)
	if err != nil || i.State != intake.Done || i.Summary.Problems[0].Position != at {
		t.Errorf("%+v %v", i, err)
	}
	if l := ledger.Holds(t, cfg, name); len(l.Imports) != 1 || len(l.Acts) != 1 {
		t.Errorf("%d imports, %d acts", len(l.Imports), len(l.Acts))
	}
}
