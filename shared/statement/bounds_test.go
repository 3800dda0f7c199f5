package statement_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	. "opiq/shared/statement"
)

// generated is a file made while it is read: a head, n pieces, a tail.
type generated struct {
	head, tail string
	piece      func(i int, to []byte) []byte
	n          int

	begun bool
	next  int
	buf   []byte
	left  []byte
}

func (g *generated) Read(p []byte) (int, error) {
	for len(g.left) == 0 {
		switch {
		case !g.begun:
			g.begun, g.buf = true, append(g.buf[:0], g.head...)
		case g.next < g.n:
			g.buf = g.piece(g.next, g.buf[:0])
			g.next++
		case g.next == g.n:
			g.buf = append(g.buf[:0], g.tail...)
			g.next++
		default:
			return 0, io.EOF
		}
		g.left = g.buf
	}
	n := copy(p, g.left)
	g.left = g.left[n:]
	return n, nil
}

func repeated(head, piece string, n int, tail string) *generated {
	return &generated{head: head, tail: tail, n: n, piece: func(_ int, to []byte) []byte { return append(to, piece...) }}
}

var head, tail, _ = strings.Cut(file("CUT"), "CUT")

// year is a statement of n entries as a bank writes them, about 1 kB each.
func year(n int) *generated {
	text := "\n" + `    <Ntry>
      <NtryRef>%[1]d-1</NtryRef>
      <Amt Ccy="EUR">%[2]d.%02[3]d</Amt>
      <CdtDbtInd>CRDT</CdtDbtInd>
      <Sts>BOOK</Sts>
      <BookgDt><Dt>2026-09-%02[4]d</Dt></BookgDt>
      <ValDt><Dt>2026-09-%02[4]d</Dt></ValDt>
      <AcctSvcrRef>%[1]d-1</AcctSvcrRef>
      <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>
      <NtryDtls>
        <TxDtls>
          <Refs><AcctSvcrRef>%[1]d-1</AcctSvcrRef><InstrId>114</InstrId><EndToEndId>NOTPROVIDED</EndToEndId></Refs>
          <AmtDtls><TxAmt><Amt Ccy="EUR">%[2]d.%02[3]d</Amt></TxAmt></AmtDtls>
          <RltdPties>
            <Dbtr><Nm>MARI MAASIKAS</Nm><Id><PrvtId><Othr><Id>48001010000</Id><SchmeNm><Cd>NIDN</Cd></SchmeNm></Othr></PrvtId></Id></Dbtr>
            <DbtrAcct><Id><IBAN>EE637700771011212909</IBAN></Id></DbtrAcct>
          </RltdPties>
          <RmtInf><Ustrd>/RFB/%[5]d/TXT/Õpiku kasutusõigus</Ustrd></RmtInf>
        </TxDtls>
      </NtryDtls>
    </Ntry>`
	return &generated{head: head, tail: tail, n: n, piece: func(i int, to []byte) []byte {
		return fmt.Appendf(to, text, 2026090100000000+i, 10+i%90, i%100, 1+i*30/n, 26000000000+i)
	}}
}

// live is the memory that is in use, after a collection.
func live() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// peak reads a file and answers the most memory in use above what was before, looked at every some entries.
func peak(t testing.TB, r io.Reader, want, every int) int {
	before, most, n := live(), uint64(0), 0
	_, err := Read(r, []string{own}, func(Entry) error {
		if n++; n%every == 0 {
			most = max(most, live())
		}
		return nil
	})
	if err != nil || n != want {
		t.Fatal(n, err)
	}
	return int(most) - int(before)
}

func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	short, long := peak(t, year(1_000), 1_000, 100), peak(t, year(20_000), 20_000, 1_000)
	if long > short+64<<10 || long > 1<<20 {
		t.Errorf("1,000 entries take %d bytes, 20,000 take %d", short, long)
	}
}

func TestBombsAreRefusedAtOnce(t *testing.T) {
	const gigabyte = 1 << 30
	laughs := "<!DOCTYPE lolz [<!ENTITY lol0 \"lol\">"
	for i := range 9 {
		laughs += fmt.Sprintf("<!ENTITY lol%d \"%s\">", i+1, strings.Repeat(fmt.Sprintf("&lol%d;", i), 10))
	}
	kilobyte := strings.Repeat(" ", 1000)
	for _, c := range []struct {
		name string
		r    io.Reader
		want error
	}{
		{"BillionLaughs", strings.NewReader(laughs + "]>" + strings.Replace(file(entry), "hello", "&lol9;", 1)), ErrDoctype},
		{"EndlessDoctype", repeated("<!DOCTYPE d [", `<!ENTITY a "b">`, gigabyte/15, "]>"), ErrLarge},
		{"Deep", repeated("", "<a>", 10_000, ""), ErrMessage},
		{"DeepInAnEntry", repeated(head+"<Ntry>", "<a>", 10_000, ""), ErrLarge},
		{"ManyAttributes", repeated("<Document ", `a="b" `, 1_000_000, ">"), ErrLarge},
		{"SomeAttributes", repeated("<Document ", `a="b" `, 1_000, ">"), ErrLarge},
		{"LongText", repeated(head+"<Ntry><AddtlNtryInf>", kilobyte, gigabyte/1000, tail), ErrLarge},
		{"LongTextInPieces", repeated(head+"<Ntry><AddtlNtryInf>", kilobyte+"<!-- -->", gigabyte/1000, tail), ErrLarge},
		{"LongName", repeated(head+"<", "a", gigabyte, ""), ErrLarge},
		{"LongComment", repeated(head+"<!--", kilobyte, gigabyte/1000, tail), ErrLarge},
		{"LongInstruction", repeated(head+"<?a ", kilobyte, gigabyte/1000, tail), ErrLarge},
		{"LongCDATA", repeated(head+"<![CDATA[", kilobyte, gigabyte/1000, tail), ErrLarge},
		{"LongAttribute", repeated(head+`<a b="`, kilobyte, gigabyte/1000, tail), ErrLarge},
		{"SpacesBeforeAll", repeated("", kilobyte, gigabyte/1000, ""), ErrLarge},
		{"ManyComments", repeated(head, "<!-- -->", gigabyte/8, tail), ErrLarge},
		{"ManyElements", repeated(head, "<a/>", gigabyte/4, tail), ErrLarge},
		{"ManyBalances", repeated(head, `<Bal><Amt Ccy="EUR">1</Amt></Bal>`, gigabyte/32, tail), ErrLarge},
		{"ManyStatements", repeated(head, "</Stmt><Stmt><Acct><Id><IBAN>"+own+"</IBAN></Id></Acct>", gigabyte/50, tail), ErrLarge},
		{"ManyRoots", repeated("", "<!-- -->", gigabyte/8, ""), ErrLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := &counted{Reader: c.r}
			_, err := Read(r, []string{own}, func(Entry) error { return errors.New("handed on") })
			runtime.ReadMemStats(&after)
			if !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if all := after.TotalAlloc - before.TotalAlloc; r.n > 5<<20 || all > 64<<20 {
				t.Errorf("%d bytes are read, with %d of memory in all", r.n, all)
			}
		})
	}
}

// An entry that never ends is passed over without keeping it, until the file itself is too long.
func TestAnEntryThatNeverEnds(t *testing.T) {
	const n = 12 << 20 / 42 // 12 MB
	const end = "</TxDtls></NtryDtls></Ntry>"
	r := repeated(head+strings.TrimSuffix(entry, end), "<RmtInf><Ustrd>more</Ustrd></RmtInf>\n", n, end+entry+tail)
	before, during := live(), uint64(0)
	s, err := Read(r, []string{own}, func(Entry) error { during = live(); return nil })
	if err != nil || s.Handed != 1 || s.Wrong != 1 || s.Problems[0].Code != TooLarge {
		t.Error(s, err)
	}
	if during > before+8<<20 {
		t.Errorf("%d bytes are kept", during-before)
	}
}

func TestAFileThatNeverEnds(t *testing.T) {
	handed := 0
	s, err := ReadAtMost(1<<20, repeated(head, entry, 1<<30, tail), []string{own}, func(Entry) error { handed++; return nil })
	if !errors.Is(err, ErrLarge) || handed != s.Handed || handed != (1<<20-len(head))/len(entry) {
		t.Error(handed, err)
	}
}

// Equal payments without a reference are counted, in bounded memory: of a statement that holds more of them than that,
// the rest are problems.
func TestManyEntriesWithoutAReference(t *testing.T) {
	g := &generated{head: head, tail: tail, n: 101_000, piece: func(i int, to []byte) []byte {
		return fmt.Appendf(to, `<Ntry><Amt Ccy="EUR">%d</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-09-01</Dt></BookgDt></Ntry>`, i+1)
	}}
	before, most := live(), uint64(0)
	s, err := Read(g, []string{own}, func(e Entry) error {
		if e.Amount == 100_000_00 {
			most = live()
		}
		return nil
	})
	if err != nil || s.Handed != 100_000 || s.Wrong != 1_000 || s.Problems[0].Code != Unidentified {
		t.Error(s.Handed, s.Wrong, err)
	}
	if most > before+16<<20 {
		t.Errorf("%d bytes are kept", most-before)
	}
}

// A reference that comes again is looked for among the last ones only, as memory is bounded: far away, it is taken for the same.
func TestHowFarAReferenceIsRemembered(t *testing.T) {
	for between, want := range map[int]bool{4_095: true, 4_096: false} {
		g := &generated{head: head, tail: tail, n: between + 2, piece: func(i int, to []byte) []byte {
			return fmt.Appendf(to, `<Ntry><Amt Ccy="EUR">1</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-09-01</Dt></BookgDt>`+
				`<AcctSvcrRef>A%d</AcctSvcrRef></Ntry>`, i%(between+1))
		}}
		ids := map[string]bool{}
		_, err := Read(g, []string{own}, func(e Entry) error { ids[e.ID] = true; return nil })
		if err != nil || len(ids) == between+2 != want {
			t.Errorf("%d between: %d identities, %v", between, len(ids), err)
		}
	}
}

const many = 100_000

// The two benchmarks read the same bytes; peak-B is the most memory in use, measured in a reading of its own.
func BenchmarkRead(b *testing.B) {
	most := peak(b, year(many), many, 5_000)
	b.ReportAllocs()
	var size int64
	for b.Loop() {
		g := &counted{Reader: year(many)}
		s, err := Read(g, []string{own}, func(Entry) error { return nil })
		if err != nil || s.Handed != many {
			b.Fatal(s, err)
		}
		size = g.n
	}
	b.SetBytes(size)
	b.ReportMetric(float64(most), "peak-B")
}

// BenchmarkTokens is a bare walk over the tokens by encoding/xml.
func BenchmarkTokens(b *testing.B) {
	b.ReportAllocs()
	var size int64
	for b.Loop() {
		g := &counted{Reader: year(many)}
		d := xml.NewDecoder(g)
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
		size = g.n
	}
	b.SetBytes(size)
}

type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}
