package intake

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"opiq/shared/account"
	"opiq/shared/problem"
	"opiq/shared/reconciliation"
	"opiq/shared/statement"
)

const own = "EE382200221020145685"

var noon = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

const (
	head = `<Document><BkToCstmrStmt><Stmt><Acct><Id><IBAN>` + own + `</IBAN></Id></Acct>`
	tail = `</Stmt></BkToCstmrStmt></Document>`
)

func entry(ref, amount, day string) string {
	return `<Ntry><Amt Ccy="EUR">` + amount + `</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>` + day + `</Dt></BookgDt><AcctSvcrRef>` + ref + "</AcctSvcrRef></Ntry>\n"
}

// many is a file of n entries, made while it is read.
func many(n int) io.Reader {
	all := []io.Reader{strings.NewReader(head)}
	return io.MultiReader(append(all, &entries{n: n}, strings.NewReader(tail))...)
}

type entries struct {
	n, next int
	left    string
}

func (e *entries) Read(p []byte) (int, error) {
	if e.left == "" {
		if e.next == e.n {
			return 0, io.EOF
		}
		e.next++
		e.left = entry(fmt.Sprintf("R%d", e.next), "1.00", "2026-11-20")
	}
	n := copy(p, e.left)
	e.left = e.left[n:]
	return n, nil
}

// book keeps entries as the table does: each once.
type book struct {
	mu    sync.Mutex
	known map[reconciliation.ID]int
	calls int
	fail  func(call int) error
}

func (b *book) keep(ctx context.Context, all []reconciliation.Entry) ([]reconciliation.Kept, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.fail != nil {
		if err := b.fail(b.calls); err != nil {
			return nil, err
		}
	}
	if b.known == nil {
		b.known = map[reconciliation.ID]int{}
	}
	out := make([]reconciliation.Kept, len(all))
	for i, e := range all {
		if b.known[e.ID]++; b.known[e.ID] > 1 {
			out[i] = reconciliation.IsKnown
		}
	}
	return out, ctx.Err()
}

func (b *book) take(ctx context.Context, i Import, file io.Reader) (Summary, Tally, error) {
	return Taking{Accounts: []string{own}, Most: 1 << 30, Keep: b.keep, By: "machine", Now: noon}.Take(ctx, i, file)
}

func zip(t *testing.T, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(p)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestAFileIsReadPackedOrNot(t *testing.T) {
	whole := head + entry("A", "1.00", "2026-11-20") + tail
	zipped := zip(t, whole)
	spoilt := slices.Clone(zipped)
	spoilt[len(spoilt)-5]++ // the checksum
	lost := errors.New("the line is dead")
	for name, c := range map[string]struct {
		file io.Reader
		want error
	}{
		"as it is":                     {strings.NewReader(whole), nil},
		"packed":                       {bytes.NewReader(zipped), nil},
		"packed, byte by byte":         {iotest.OneByteReader(bytes.NewReader(zipped)), nil},
		"packed in two pieces":         {bytes.NewReader(zip(t, whole[:50], whole[50:])), nil},
		"packed twice":                 {bytes.NewReader(zip(t, string(zipped))), statement.ErrXML},
		"packed, with another file":    {io.MultiReader(bytes.NewReader(zipped), strings.NewReader(whole)), ErrGzip},
		"packed, cut":                  {bytes.NewReader(zipped[:len(zipped)/2]), statement.ErrTruncated},
		"packed, cut in its head":      {bytes.NewReader(zipped[:5]), statement.ErrTruncated},
		"packed, with a wrong sum":     {bytes.NewReader(spoilt), ErrGzip},
		"packed, and taken for text":   {strings.NewReader(strings.ToValidUTF8(string(zipped), "\uFFFD")), ErrGzip},
		"one byte":                     {strings.NewReader("<"), statement.ErrTruncated},
		"nothing":                      {strings.NewReader(""), statement.ErrTruncated},
		"a connection that breaks":     {io.MultiReader(strings.NewReader(whole[:99]), iotest.ErrReader(lost)), lost},
		"one that breaks at once":      {iotest.ErrReader(lost), lost},
		"one that breaks, packed":      {io.MultiReader(bytes.NewReader(zipped[:40]), iotest.ErrReader(lost)), lost},
		"one that ends early, packed":  {io.MultiReader(bytes.NewReader(zipped[:40]), iotest.ErrReader(io.ErrUnexpectedEOF)), io.ErrUnexpectedEOF},
		"more than is read":            {strings.NewReader(head + strings.Repeat(entry("A", "1.00", "2026-11-20"), 100)), statement.ErrLarge},
		"more than is read, in a gzip": {bytes.NewReader(zip(t, head+strings.Repeat(" ", 9000))), statement.ErrLarge},
	} {
		err := Check(c.file, 8<<10, []string{own})
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, refused := (Import{}).Refuse(err, noon); refused != (err != nil && c.want != lost && c.want != io.ErrUnexpectedEOF) {
			t.Errorf("%s: refused for good: %v", name, refused)
		}
	}
}

func TestWhatAFileComesTo(t *testing.T) {
	again := "</Stmt>" + head[strings.Index(head, "<Stmt>"):] // the next statement tells of the same day
	file := head + entry("A", "1.00", "2026-11-20") + again + entry("A", "1.00", "2026-11-20") + entry("B", "1.00", "2999-01-01") + entry("C", "-1.00", "2026-11-20") +
		strings.Replace(entry("D", "1.00", "2026-11-20"), "BOOK", "PDNG", 1) + entry("E", "2.00", "2026-11-23") + tail
	s, tally, err := new(book).take(t.Context(), Import{ID: "x"}, strings.NewReader(file))
	if err != nil || tally.Handed != 4 {
		t.Fatal(tally, err)
	}
	want := Summary{Message: "camt.053", Account: own, Accounts: []string{own}, Entries: 6, New: 2, Known: 1, Ignored: 1, Wrong: 2, Problems: s.Problems}
	if d := cmp.Diff(want, s); d != "" || s.Entries != s.New+s.Known+s.Ignored+s.Wrong {
		t.Error(d)
	}
	if len(s.Problems) != 2 || s.Problems[0].Code != "future" || s.Problems[0].Line != 3 || s.Problems[0].Detail == "" || s.Problems[1].Code != statement.BadAmount {
		t.Errorf("%+v", s.Problems)
	}
}

func TestAnEmptyStatementComesToNothing(t *testing.T) {
	s, _, err := new(book).take(t.Context(), Import{}, strings.NewReader(head+tail))
	if err != nil || s.Problems == nil || s.Entries != 0 || s.Account != own {
		t.Errorf("%+v %v", s, err)
	}
}

func TestOneBookingInOtherPartsIsOneProblem(t *testing.T) {
	part := `<TxDtls><AmtDtls><TxAmt><Amt Ccy="EUR">1.00</Amt></TxAmt></AmtDtls></TxDtls>`
	batch := strings.Replace(entry("A", "3.00", "2026-11-20"), "</Ntry>", "<NtryDtls>"+strings.Repeat(part, 3)+"</NtryDtls></Ntry>", 1)
	parted := func(_ context.Context, all []reconciliation.Entry) ([]reconciliation.Kept, error) {
		return slices.Repeat([]reconciliation.Kept{reconciliation.IsParted}, len(all)), nil
	}
	s, _, err := Taking{Accounts: []string{own}, Most: 1 << 20, Keep: parted, Now: noon}.Take(t.Context(), Import{}, strings.NewReader(head+batch+tail))
	if err != nil || s.Entries != 3 || s.Known != 3 || s.Wrong != 1 || s.Problems[0].Code != "other_parts" || s.Problems[0].Entry != 1 {
		t.Errorf("%+v %v", s, err)
	}
}

func TestTheFirstHundredProblemsAreTold(t *testing.T) {
	wrong := strings.Repeat(entry("A", "x", "2026-11-20")+entry("B", "1.00", "2999-01-01"), 150)
	s, _, err := new(book).take(t.Context(), Import{}, strings.NewReader(head+wrong+tail))
	if err != nil || s.Wrong != 300 || len(s.Problems) != 100 || s.Problems[0].Code != "amount" || s.Problems[1].Code != "future" || s.Problems[99].Entry != 100 {
		t.Errorf("%d problems, %d told, the last is %+v, %v", s.Wrong, len(s.Problems), s.Problems[len(s.Problems)-1], err)
	}
}

// TestAnImportGoesOnUntilItIsDone: whichever chunks fail, in whatever order they end, what is counted is kept, and in the end every
// entry is counted once.
func TestAnImportGoesOnUntilItIsDone(t *testing.T) {
	broken := errors.New("broken")
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 700).Draw(t, "entries")
		bad := rapid.SliceOfN(rapid.IntRange(1, 40), 0, 12).Draw(t, "calls that fail")
		b := &book{fail: func(call int) error {
			if slices.Contains(bad, call) {
				return broken
			}
			return nil
		}}
		i := Import{ID: "x"}
		for try := 0; ; try++ {
			s, tally, err := b.take(context.Background(), i, many(n))
			if tally.Handed < i.Tally.Handed || tally.New+tally.Known != tally.Handed {
				t.Fatalf("it was at %+v and is at %+v", i.Tally, tally)
			}
			i.Tally = tally
			for e := range tally.Handed { // in the order of the file
				if b.known[reconciliation.ID(id(e+1))] == 0 {
					t.Fatalf("entry %d is counted and was not kept", e+1)
				}
			}
			if err == nil {
				if s.Entries != n || s.New+s.Known != n || len(b.known) != n {
					t.Fatalf("%+v of %d", s, n)
				}
				return
			}
			if !errors.Is(err, broken) || try > len(bad) {
				t.Fatal(err)
			}
		}
	})
}

var ids = sync.OnceValue(func() (all []string) {
	_, err := statement.Read(many(700), []string{own}, func(e statement.Entry) error { all = append(all, e.ID); return nil })
	if err != nil {
		panic(err)
	}
	return all
})

func id(n int) string { return ids()[n-1] }

func TestTimeIsUp(t *testing.T) {
	stuck := func(ctx context.Context, _ []reconciliation.Entry) ([]reconciliation.Kept, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	slow := func(ctx context.Context, all []reconciliation.Entry) ([]reconciliation.Kept, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second):
			return make([]reconciliation.Kept, len(all)), nil
		}
	}
	var err error
	for _, c := range []struct {
		keep Keep
		want int
	}{{stuck, 0}, {slow, abreast * chunk}} { // what is on its way when time is up has time to land
		ctx, stop := context.WithTimeout(t.Context(), closing+100*time.Millisecond)
		defer stop()
		var tally Tally
		_, tally, err = Taking{Accounts: []string{own}, Most: 1 << 30, Keep: c.keep, Now: noon}.Take(ctx, Import{}, many(1000))
		if !errors.Is(err, ErrUnfinished) || tally.Handed != c.want || ctx.Err() != nil {
			t.Errorf("%+v, %v; the call itself: %v", tally, err, ctx.Err())
		}
	}
	if _, _, refused := (Import{}).Refuse(err, noon); refused {
		t.Error("a file is refused because time was up")
	}
}

// TestMemoryDoesNotGrowWithTheFile: a statement of 40,000 entries takes as much as one of 2,000.
func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	peak := func(n int) int {
		var mu sync.Mutex
		before, most, calls := live(), uint64(0), 0
		keep := func(_ context.Context, all []reconciliation.Entry) ([]reconciliation.Kept, error) {
			mu.Lock()
			defer mu.Unlock()
			if calls++; calls%(n/chunk/20) == 0 {
				most = max(most, live())
			}
			return make([]reconciliation.Kept, len(all)), nil
		}
		s, _, err := Taking{Accounts: []string{own}, Most: 1 << 30, Keep: keep, Now: noon}.Take(t.Context(), Import{}, many(n))
		if err != nil || s.New != n {
			t.Fatal(s, err)
		}
		return int(most) - int(before)
	}
	short, long := peak(2_000), peak(40_000)
	t.Logf("2,000 entries take %d bytes, 40,000 take %d", short, long)
	if long > short+256<<10 {
		t.Errorf("2,000 entries take %d bytes, 40,000 take %d", short, long)
	}
}

func TestTheEndOfAnImport(t *testing.T) {
	i := Receive("ab", account.Actor{Account: "7"}, noon)
	i.Tally.Handed = 3
	done, act := i.End(Summary{Account: own, Entries: 3, New: 2}, noon.Add(time.Minute))
	if done.State != Done || done.Summary.New != 2 || done.Tally.Handed != 0 || act.What != WasImported || act.Object != "statement:ab" || act.Actor != "account:7" ||
		act.Detail["new"] != "2" || !act.At.Equal(noon.Add(time.Minute)) {
		t.Errorf("%+v %+v", done, act)
	}
	no, why, ok := i.Refuse(fmt.Errorf("read: %w", statement.ErrForeign), noon)
	if !ok || no.State != Refused || no.Refusal.Code != statement.ErrForeign.Code || why.What != WasRefused || why.Detail["code"] != statement.ErrForeign.Code {
		t.Errorf("%+v %+v", no, why)
	}
	for _, err := range []error{nil, io.ErrUnexpectedEOF, context.Canceled, ErrUnfinished, problem.New(problem.Unavailable, "changed_meanwhile", "")} {
		if _, _, ok := i.Refuse(err, noon); ok {
			t.Errorf("%v says nothing about the file", err)
		}
	}
}

func TestNames(t *testing.T) {
	a, b := NewUpload(), NewUpload()
	if _, ok := ParseID(string(a)); !ok || a == b || IDOf([]byte("x")) == IDOf([]byte("y")) {
		t.Error(a, b)
	}
	for _, s := range []string{"", "ab", strings.Repeat("A", 32), strings.Repeat("g", 32), strings.Repeat("a", 33), "../" + strings.Repeat("a", 29)} {
		if _, ok := ParseID(s); ok {
			t.Errorf("%q is a name", s)
		}
	}
}
