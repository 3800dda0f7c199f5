package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/bucket"
	"opiq/shared/intake"
	"opiq/shared/money"
	"opiq/shared/reconciliation"
	"opiq/shared/statement"
	"opiq/shared/table"
	"opiq/shared/web"
)

func open(cfg aws.Config, name string, u uploads) statements {
	upload := func() intake.ID { return handed }
	return statements{table.Open(cfg, name), u, people.Desk.IBANs(), web.CookieAt(people.PublicURL), upload, people.Now}
}

// The uploads and imports of the events, by what became of them.
var (
	handed  = intake.ID(strings.Repeat("ab", 16)) // uploaded
	waiting = intake.ID(strings.Repeat("cd", 16)) // and handed in
	done    = intake.ID(strings.Repeat("e0", 16)) // and read
	refused = intake.ID(strings.Repeat("f0", 16)) // or not
)

// shelf is a bucket with two uploads.
type shelf struct{}

func (shelf) Upload(_ context.Context, key, contentType string, size int64, lives time.Duration) (bucket.Link, error) {
	return bucket.Link{
		Method: "PUT", URL: "https://uploads.example/" + key + "?size=" + fmt.Sprint(size),
		Headers: map[string]string{"Content-Type": contentType}, ExpiresAt: people.Noon.Add(lives),
	}, nil
}

func (shelf) Open(_ context.Context, key string) (io.ReadCloser, int64, error) {
	if key != handed.Object() && key != waiting.Object() {
		return nil, 0, bucket.ErrNone
	}
	return io.NopCloser(strings.NewReader("")), 0, nil
}

// imports stores the imports of the events.
func imports(t *testing.T, s *table.Table) {
	t.Helper()
	liis := account.Actor{Account: people.Liis}
	read, act := intake.Receive(done, liis, people.Noon).End(intake.Summary{
		Message: "camt.053.001.02", Account: people.Desk.IBANs()[0], Accounts: people.Desk.IBANs()[:1], Entries: 100_001, New: 100_000, Wrong: 1,
		Problems: []statement.Problem{{Position: statement.Position{Statement: 1, Entry: 7, Line: 70, Byte: 7000}, Code: statement.BadAmount, Detail: "…"}},
	}, people.Noon.Add(time.Minute))
	foreign, why, _ := intake.Receive(refused, liis, people.Noon).Refuse(statement.ErrForeign, people.Noon.Add(time.Minute))
	err := errors.Join(s.ChangeStatement(t.Context(), intake.Receive(waiting, liis, people.Noon)), s.ChangeStatement(t.Context(), read, act), s.ChangeStatement(t.Context(), foreign, why))
	if err != nil {
		t.Fatal(err)
	}
}

// kept is an entry in a few words.
func kept(l ledger.Ledger) []string {
	all := []string{}
	for _, e := range l.Entries {
		all = append(all, fmt.Sprintf("%s %s %s of %s, part %d of %d, %v %q, %s", e.State, e.Bank.Direction, e.Bank.Amount, e.Bank.Booked,
			e.Bank.Part, e.Bank.Parts, e.Bank.Reference, e.Bank.Text, e.Bank.Other.Name))
	}
	slices.Sort(all)
	return all
}

func TestEvents(t *testing.T) {
	golden.Events(t, "statement-import", func(t *testing.T, _ string, event []byte) any {
		cfg, name := stage.Table(t)
		s := table.Open(cfg, name)
		people.MoveIn(t, s)
		people.Employ(t, s)
		imports(t, s)
		before := ledger.Holds(t, cfg, name)
		answer := people.Answer(t, open(cfg, name, shelf{}).routes(), event)
		after := ledger.Holds(t, cfg, name)
		acts := []account.Act{}
		for _, a := range after.Acts {
			if !slices.ContainsFunc(before.Acts, func(b account.Act) bool { return a.Object == b.Object }) {
				acts = append(acts, a)
			}
		}
		return map[string]any{"answer": json.RawMessage(golden.JSON(t, answer)), "kept": kept(after), "imports": len(after.Imports) - len(before.Imports), "acts": acts}
	})
}

// sent is a request of the machine with a statement.
func sent(kind string, body []byte) events.APIGatewayV2HTTPRequest {
	e := people.Request("POST /v1/statements", "", nil, nil)
	e.Headers["authorization"], e.Headers["content-type"] = "Bearer "+people.MachineSecret, kind
	e.Body = string(body)
	if kind == "application/gzip" {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

// send hands a statement in and answers what is said of it, or the code of the problem.
func send(ctx context.Context, s statements, e events.APIGatewayV2HTTPRequest) (out intake.Document, code string, err error) {
	answer, err := s.routes().Handle(ctx, e)
	if err != nil {
		return out, "", err
	}
	var p struct {
		Code string `json:"code"`
	}
	err = errors.Join(json.Unmarshal([]byte(answer.Body), &p), json.Unmarshal([]byte(answer.Body), &out))
	return out, p.Code, err
}

// credits are payments of Mari's waiting order under numbers of the bank.
func credits(from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, people.Credit(fmt.Sprintf("2026112000%06d-1", i), money.Amount(100+i%900), people.Waiting))
	}
	return all
}

func world(t testing.TB) (aws.Config, string, statements) {
	t.Helper()
	cfg, name := stage.Table(t)
	people.Employ(t, table.Open(cfg, name))
	return cfg, name, open(cfg, name, shelf{})
}

// TestAHundredAtOnce: of the same file each entry is kept once, and only one of all who hand it in hears that it is new.
func TestAHundredAtOnce(t *testing.T) {
	cfg, name, s := world(t)
	const n = 60
	file := people.Statement(credits(0, n)...)
	var mu sync.Mutex
	var wait sync.WaitGroup
	all := map[string]int{}
	for range 100 {
		wait.Go(func() {
			d, code, err := send(t.Context(), s, sent("application/xml", file))
			mu.Lock()
			defer mu.Unlock()
			if err != nil || code != "" || d.Entries != n || d.New+d.Known != n || d.Wrong != 0 {
				t.Errorf("%+v %q %v", d, code, err)
				return
			}
			all["new"] += d.New
			all[string(d.Statement)]++
		})
	}
	wait.Wait()
	l := ledger.Holds(t, cfg, name)
	if all["new"] != n || len(all) != 2 || len(l.Entries) != n || len(l.Imports) != 1 {
		t.Errorf("%v; %d entries, %d imports", all, len(l.Entries), len(l.Imports))
	}
}

// TestTheSameMoneyInAnyFile: a report during the day, overlapping statements, one of them in gzip, and notifications hold each
// payment once.
func TestTheSameMoneyInAnyFile(t *testing.T) {
	cfg, name, s := world(t)
	iban := people.Desk.IBANs()[0]
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	w.Write(people.Statement(credits(50, 170)...))
	w.Close()
	for _, c := range []struct {
		e              events.APIGatewayV2HTTPRequest
		entries, fresh int
	}{
		{sent("text/xml", people.Message("camt.052", iban, credits(0, 60)...)), 60, 60},
		{sent("application/xml", people.Statement(credits(0, 100)...)), 100, 40},
		{sent("application/gzip", packed.Bytes()), 120, 70},
		{sent("application/xml", people.Message("camt.054", iban, credits(160, 175)...)), 15, 5},
		{sent("application/xml", people.Statement(credits(0, 175)...)), 175, 0},
	} {
		d, code, err := send(t.Context(), s, c.e)
		if err != nil || code != "" || d.Entries != c.entries || d.New != c.fresh || d.Known != c.entries-c.fresh {
			t.Errorf("%+v %q %v, want %d new of %d", d, code, err, c.fresh, c.entries)
		}
	}
	if l := ledger.Holds(t, cfg, name); len(l.Entries) != 175 {
		t.Errorf("%d entries", len(l.Entries))
	}
}

// TestWhoHandsTheSameIn leaves a line of its own in the audit trail, and the import as it was.
func TestWhoHandsTheSameIn(t *testing.T) {
	cfg, name, s := world(t)
	file := sent("application/xml", people.Statement(credits(0, 3)...))
	for i, at := range []time.Time{people.Noon, people.Noon.Add(time.Hour), people.Noon.Add(time.Hour)} { // the last is the same once more
		s.now = func() time.Time { return at }
		if d, code, err := send(t.Context(), s, file); err != nil || code != "" || d.Known != min(3*i, 3) {
			t.Errorf("%d: %+v %q %v", i, d, code, err)
		}
	}
	l := ledger.Holds(t, cfg, name)
	told := map[account.Deed]string{}
	for _, a := range l.Acts {
		if strings.HasPrefix(a.Object, "statement:") {
			told[a.What] += fmt.Sprintf("%s %s new by %s\n", a.At.Format(time.TimeOnly), a.Detail["new"], a.Actor)
		}
	}
	by := " new by " + l.Keys[0].Actor().String() + "\n"
	want := map[account.Deed]string{
		intake.WasImported: people.Noon.UTC().Format(time.TimeOnly) + " 3" + by, intake.WasRepeated: people.Noon.Add(time.Hour).UTC().Format(time.TimeOnly) + " 0" + by,
	}
	if !maps.Equal(told, want) || len(l.Imports) != 1 || l.Imports[0].Summary.New != 3 {
		t.Errorf("%v, want %v; %+v", told, want, l.Imports)
	}
}

// TestABatchThatIsBrokenDownLaterIsTheSameMoney, and one that was broken down and comes as a lump too.
func TestABatchThatIsBrokenDownLaterIsTheSameMoney(t *testing.T) {
	parts := []string{people.Part("T1", 3000, people.Waiting), people.Part("T2", 7000, people.Running)}
	lump, broken := people.Statement(people.Batch("B1", 10_000)), people.Statement(people.Batch("B1", 10_000, parts...))
	turned := people.Statement(people.Batch("B1", 10_000, parts[1], parts[0]))
	for name, c := range map[string]struct {
		first, second []byte
		kept, parted  int
	}{
		"first a lump":     {lump, broken, 1, 1},
		"first in parts":   {broken, lump, 2, 1},
		"in another order": {broken, turned, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, name, s := world(t)
			first, _, err := send(t.Context(), s, sent("application/xml", c.first))
			if err != nil || first.New != c.kept || first.Wrong != 0 {
				t.Errorf("%+v %v", first, err)
			}
			second, _, err := send(t.Context(), s, sent("application/xml", c.second))
			if err != nil || second.New != 0 || second.Known != second.Entries || second.Wrong != c.parted {
				t.Errorf("%+v %v", second, err)
			}
			for _, p := range second.Problems {
				if p.Code != "other_parts" || p.Entry != 1 {
					t.Errorf("%+v", p)
				}
			}
			if l := ledger.Holds(t, cfg, name); len(l.Entries) != c.kept {
				t.Errorf("%d entries", len(l.Entries))
			}
		})
	}
}

var errStatus = errors.New("an answer that a machine would try again")

func TestAnImportWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name, _ := world(t)
		s := open(broken(cfg), name, shelf{})
		file := people.Statement(append(credits(0, 4), people.Batch("B1", 10_000, people.Part("T1", 3000, people.Waiting), people.Part("T2", 7000, people.Running)))...)
		return func(ctx context.Context) error {
				d, code, err := send(ctx, s, sent("application/xml", file))
				if err == nil && (code != "" || d.New+d.Known != 6 || d.State != intake.Done) {
					err = fmt.Errorf("%w: %q %+v", errStatus, code, d)
				}
				return err
			}, func(t *testing.T) {
				if l := ledger.Holds(t, cfg, name); len(l.Entries) != 6 || len(l.Imports) != 1 || l.Imports[0].Summary.Entries != 6 {
					t.Errorf("%v, %+v", kept(l), l.Imports)
				}
			}
	})
}

func TestHandingInWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name, _ := world(t)
		routes := open(broken(cfg), name, shelf{}).routes()
		return func(ctx context.Context) error {
				out, err := routes.Handle(ctx, people.Request("POST /v1/statements", people.Liis, nil, intake.Handing{Upload: handed}))
				if err == nil && out.StatusCode != 202 {
					err = errStatus
				}
				return err
			}, func(t *testing.T) {
				if l := ledger.Holds(t, cfg, name); len(l.Imports) != 1 || l.Imports[0].State != intake.Received || l.Imports[0].Revision != 1 {
					t.Errorf("%+v", l.Imports)
				}
			}
	})
}

// TestAnUploadIsHandedIn: by a link that takes just that file, and not before the file is there.
func TestAnUploadIsHandedIn(t *testing.T) {
	cfg, name, _ := world(t)
	cfg, uploads := stage.Bucket(t, cfg)
	routes := open(cfg, name, bucket.Open(cfg, uploads)).routes()
	post := func(route string, body any) (status int, to link) {
		t.Helper()
		out, err := routes.Handle(t.Context(), people.Request(route, people.Liis, nil, body))
		if err == nil {
			err = json.Unmarshal([]byte(out.Body), &to)
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.StatusCode, to
	}
	file := people.Statement(credits(0, 10)...)
	status, to := post("POST /v1/statements/uploads", intake.Wish{Size: int64(len(file)), Type: "text/xml"})
	if status != 201 || to.Upload != handed || to.Method != "PUT" || !to.ExpiresAt.After(time.Now()) {
		t.Fatalf("%d %+v", status, to)
	}
	if status, _ := post("POST /v1/statements", intake.Handing{Upload: to.Upload}); status != 404 {
		t.Errorf("what is not there is answered with %d", status)
	}
	for _, c := range []struct {
		file   []byte
		status int
	}{{file[:100], 403}, {file, 200}, {file, 412}} {
		r, err := http.NewRequestWithContext(t.Context(), to.Method, to.URL, bytes.NewReader(c.file))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range to.Headers {
			r.Header.Set(k, v)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != c.status {
			t.Errorf("an upload of %d bytes is answered with %d", len(c.file), answer.StatusCode)
		}
	}
	for range 2 {
		if status, _ := post("POST /v1/statements", intake.Handing{Upload: to.Upload}); status != 202 {
			t.Errorf("it is handed in with %d", status)
		}
	}
	if l := ledger.Holds(t, cfg, name); len(l.Imports) != 1 || l.Imports[0].ID != to.Upload || l.Imports[0].State != intake.Received {
		t.Errorf("%+v", l.Imports)
	}
}

// TestTooMuch: more than a request may hold, and a small gzip with more than that in it. Nothing of them is kept.
func TestTooMuch(t *testing.T) {
	cfg, name, s := world(t)
	bomb := func(inside func(io.Writer)) []byte {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		inside(w)
		w.Close()
		return b.Bytes()
	}
	whole := string(people.Statement(credits(0, 1)...))
	head, tail, _ := strings.Cut(whole, "</Stmt>")
	space := bytes.Repeat([]byte(" "), 1<<20)
	pending := []byte("<Ntry><Sts>PDNG</Sts><AddtlNtryInf>" + strings.Repeat(" ", 60<<10) + "</AddtlNtryInf></Ntry>")
	for name, e := range map[string]events.APIGatewayV2HTTPRequest{
		"six megabytes": sent("application/xml", bytes.Repeat([]byte(whole), 6<<20/len(whole))),
		"a byte more of gzip than base64 takes through": sent("application/gzip", make([]byte, mostBinary+1)),
		"spaces": sent("application/gzip", bomb(func(w io.Writer) { io.WriteString(w, head); w.Write(bytes.Repeat(space, 200)) })),
		"entries": sent("application/gzip", bomb(func(w io.Writer) {
			io.WriteString(w, head)
			for range mostUnpacked/len(pending) + 1 {
				w.Write(pending)
			}
			io.WriteString(w, "</Stmt>"+tail)
		})),
		"a gzip of a gzip": sent("application/gzip", bomb(func(w io.Writer) { w.Write(bomb(func(w io.Writer) { io.WriteString(w, whole) })) })),
	} {
		want := "statement_large"
		if name == "a gzip of a gzip" {
			want = "statement_xml"
		}
		begun := time.Now()
		if _, code, err := send(t.Context(), s, e); code != want || err != nil {
			t.Errorf("%s: %q %v", name, code, err)
		}
		t.Logf("%s: %d bytes, %v", name, len(e.Body), time.Since(begun).Round(time.Millisecond))
	}
	if l := ledger.Holds(t, cfg, name); len(l.Entries)+len(l.Imports) != 0 {
		t.Errorf("%d entries, %d imports", len(l.Entries), len(l.Imports))
	}
}

// slow keeps entries as fast as a table that is asked for too much.
type slow struct {
	*table.Table
	left int // chunks, before it takes for ever
	mu   sync.Mutex
}

func (s *slow) KeepEntries(ctx context.Context, e []reconciliation.Entry) ([]reconciliation.Kept, error) {
	s.mu.Lock()
	s.left--
	over := s.left < 0
	s.mu.Unlock()
	if over {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Table.KeepEntries(ctx, e)
}

// TestWhenTimeIsUpTheRestComesByTheNextTry: what was kept is known then.
func TestWhenTimeIsUpTheRestComesByTheNextTry(t *testing.T) {
	cfg, name, s := world(t)
	s.store = &slow{Table: table.Open(cfg, name), left: 2}
	file := sent("application/xml", people.Statement(credits(0, 300)...))
	ctx, stop := context.WithTimeout(t.Context(), 8*time.Second)
	defer stop()
	out, err := s.routes().Handle(ctx, file)
	if err != nil || out.StatusCode != 503 || !strings.Contains(out.Body, `"import_unfinished"`) || out.Headers["Retry-After"] == "" || ctx.Err() != nil {
		t.Fatalf("%+v %v", out, err)
	}
	known := len(ledger.Holds(t, cfg, name).Entries)
	d, code, err := send(t.Context(), open(cfg, name, shelf{}), file)
	if err != nil || code != "" || known == 0 || d.Known != known || d.New != 300-known {
		t.Errorf("%d were kept; then %+v %q %v", known, d, code, err)
	}
}

// BenchmarkImport hands in statements of a thousand new entries each.
func BenchmarkImport(b *testing.B) {
	_, _, s := world(b)
	next, each := 0, 1000
	for b.Loop() {
		b.StopTimer()
		e := sent("application/xml", people.Statement(credits(next, next+each)...))
		next += each
		b.StartTimer()
		if d, code, err := send(b.Context(), s, e); d.New != each || code != "" || err != nil {
			b.Fatal(d, code, err)
		}
	}
	b.ReportMetric(float64(next)/b.Elapsed().Seconds(), "entries/s")
}
