package statement_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"opiq/shared/money"
	"opiq/shared/problem"
	. "opiq/shared/statement"
)

const own = "EE382200221020145685"

var update = flag.Bool("update", false, "write the golden files anew")

func read(r io.Reader) ([]Entry, Summary, error) {
	var all []Entry
	s, err := Read(r, []string{own}, func(e Entry) error {
		all = append(all, e)
		return nil
	})
	return all, s, err
}

// file is a camt.053.001.02 with one statement of our account.
func file(inside ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt>` +
		stmt(inside...) + `</BkToCstmrStmt></Document>`
}

func stmt(inside ...string) string {
	return `<Stmt><Id>S1</Id><Acct><Id><IBAN>` + own + `</IBAN></Id></Acct>` + strings.Join(inside, "\n") + `</Stmt>`
}

const entry = `<Ntry><Amt Ccy="EUR">35.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-09-01</Dt></BookgDt>` +
	`<AcctSvcrRef>A1</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs>` +
	`<RltdPties><Dbtr><Nm>Mari</Nm></Dbtr><DbtrAcct><Id><IBAN>EE637700771011212909</IBAN></Id></DbtrAcct></RltdPties>` +
	`<RmtInf><Ustrd>hello</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>`

// with is the entry after replacements: old, new, old, new.
func with(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(entry) }

func TestSamples(t *testing.T) {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) != 7 {
		t.Fatal(len(files), err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			entries, summary, err := read(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if summary.Wrong > 0 || summary.Message+".xml" != filepath.Base(name) {
				t.Errorf("%+v", summary)
			}
			got, err := json.MarshalIndent(map[string]any{"entries": entries, "summary": summary}, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(name, ".xml") + ".json"
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)+"\n"); d != "" {
				t.Error(d)
			}
			if bytes.Contains(got, []byte("48001010000")) {
				t.Error("the personal code of a payer was read")
			}
			slow, _, err := read(iotest.OneByteReader(bytes.NewReader(b)))
			if d := cmp.Diff(entries, slow); d != "" || err != nil {
				t.Error("read byte by byte:", d, err)
			}
		})
	}
}

func TestOneBookingHasOneIdentityInAllMessages(t *testing.T) {
	ids := map[string]bool{}
	parts := map[string]bool{}
	for _, kind := range []string{"052.001.02", "052.001.08", "053.001.02", "053.001.08", "054.001.02", "054.001.08", "053.001.04"} {
		b, err := os.ReadFile("testdata/camt." + kind + ".xml")
		if err != nil {
			t.Fatal(err)
		}
		versions := []string{string(b)}
		if strings.HasSuffix(kind, ".02") { // what 04 adds is optional
			versions = append(versions, strings.Replace(string(b), ".001.02", ".001.04", 1))
		}
		for _, text := range versions {
			entries, _, err := read(strings.NewReader(text))
			if err != nil {
				t.Fatal(kind, err)
			}
			for _, e := range entries {
				if e.BankRef == "2026090100000070-1" {
					ids[e.ID] = true
				}
				if strings.HasPrefix(e.BankRef, "RO4126090100L01") {
					parts[e.ID] = true
				}
			}
		}
	}
	if len(ids) != 1 || len(parts) != 2 {
		t.Errorf("one booking has the identities %v, a batch of two %v", ids, parts)
	}
}

func TestEveryAmountIsTakenExactlyOrNotAtAll(t *testing.T) {
	for text, want := range map[string]money.Amount{
		"35.00": 3500, "1000": 100000, "474.4": 47440, "000000000000149.87": 14987, "8.85000": 885, ".5": 50, "5.": 500,
		" 12.30 ": 1230, "+1.00": 100, "9999999999.99": 999999999999,
		"0": 0, "0.00": 0, "-5.00": 0, "1.005": 0, "1,00": 0, "1e3": 0, "": 0, ".": 0, "NaN": 0, "１２": 0, "1 000": 0,
		"10000000000": 0, "1000000000000000": 0, strings.Repeat("9", 5000): 0, "0x10": 0, "1.0.0": 0,
	} {
		entries, s, err := read(strings.NewReader(file(entry, with("35.00", text, "A1", "A2"), with("A1", "A3"))))
		if err != nil {
			t.Fatal(text, err)
		}
		if want == 0 {
			if len(entries) != 2 || s.Wrong != 1 || s.Problems[0].Code != BadAmount || s.Problems[0].Entry != 2 || s.Problems[0].Line != 2 {
				t.Errorf("%q: %d entries, %+v", text, len(entries), s)
			}
		} else if len(entries) != 3 || entries[1].Amount != want || s.Wrong != 0 {
			t.Errorf("%q: %+v, %+v", text, entries, s)
		}
	}
}

func TestABadEntryNeverLosesItsNeighbors(t *testing.T) {
	for _, c := range []struct{ name, entry, code string }{
		{"NoAmount", with(`<Amt Ccy="EUR">35.00</Amt>`, ""), BadCurrency}, // which is looked at first
		{"EmptyAmount", with("35.00", ""), BadAmount},
		{"NoCurrency", with(` Ccy="EUR"`, ""), BadCurrency},
		{"SmallCurrency", with(`"EUR"`, `"eur"`), BadCurrency},
		{"NoDirection", with("<CdtDbtInd>CRDT</CdtDbtInd>", ""), BadDirection},
		{"WrongDirection", with("CRDT", "CREDIT"), BadDirection},
		{"NoStatus", with("<Sts>BOOK</Sts>", ""), BadStatus},
		{"WrongStatus", with("BOOK", "BOOKED"), BadStatus},
		{"ProprietaryStatus", with("BOOK", "<Prtry>BOOK</Prtry>"), BadStatus},
		{"ReversalInWords", with("<Sts>", "<RvslInd>Yes</RvslInd><Sts>"), BadReversal},
		{"NoDate", with("<BookgDt><Dt>2026-09-01</Dt></BookgDt>", ""), BadDate},
		{"NoSuchDay", with("2026-09-01", "2026-02-29"), BadDate},
		{"DayInWords", with("2026-09-01", "1 September 2026"), BadDate},
		{"WrongTime", with("2026-09-01", "2026-09-01T25:00:00Z"), BadDate},
		{"WrongValueDate", with("<AcctSvcrRef>", "<ValDt><Dt>soon</Dt></ValDt><AcctSvcrRef>"), BadDate},
		{"TwoAmounts", with("<CdtDbtInd>", `<Amt Ccy="EUR">1.00</Amt><CdtDbtInd>`), Repeated},
		{"TwoStatuses", with("<Sts>BOOK</Sts>", "<Sts>BOOK</Sts><Sts>PDNG</Sts>"), Repeated},
		{"Empty", "<Ntry/>", BadStatus},
		{"MillionsOfBytes", with("hello", "hello"+strings.Repeat("<a>"+strings.Repeat("x", 1000)+"</a>", 4200)+"bye"), TooLarge},
		{"ManyTransactions", with("</NtryDtls>", strings.Repeat("<TxDtls><Refs><TxId>1</TxId></Refs></TxDtls>", 5001)+"</NtryDtls>"), TooLarge},
		{"LargeBetweenTexts", with("hello</Ustrd>", strings.Repeat("hello</Ustrd><Ustrd>", 250_000)+"</Ustrd>"), TooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			entries, s, err := read(strings.NewReader(file(entry, c.entry, with("A1", "A3"))))
			if err != nil {
				t.Fatal(err)
			}
			if len(entries) != 2 || entries[0].BankRef != "A1" || entries[1].BankRef != "A3" || entries[1].Text != "hello" {
				t.Errorf("the neighbors: %+v", entries)
			}
			if s.Wrong != 1 || len(s.Problems) != 1 || s.Problems[0].Code != c.code || s.Problems[0].Detail == "" || s.Problems[0].Entry != 2 ||
				s.Problems[0].Byte == 0 || s.Entries != 3 || s.Handed != 2 || s.Unread != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestWhatIsNotBookedIsIgnored(t *testing.T) {
	for _, status := range []string{"PDNG", "INFO", "FUTR", "<Cd>PDNG</Cd>"} {
		entries, s, err := read(strings.NewReader(file(with("BOOK", status), entry)))
		if err != nil || len(entries) != 1 || s.Ignored != 1 || s.Wrong != 0 {
			t.Errorf("%s: %d entries, %+v, %v", status, len(entries), s, err)
		}
	}
}

func TestDatesAreDaysInTallinn(t *testing.T) {
	for text, want := range map[string]string{
		"2026-09-01": "2026-09-01", "2026-09-01Z": "2026-09-01", "2026-09-01+03:00": "2026-09-01",
		"2026-09-01T23:30:00": "2026-09-01", "2026-09-01T23:30:00.123": "2026-09-01",
		"2026-09-01T23:30:00Z": "2026-09-02", "2026-09-01T23:30:00+03:00": "2026-09-01", "2026-09-01T23:30:00.5+02:00": "2026-09-02",
		"2999-12-31": "2999-12-31", // the future is for the caller to see
	} {
		for _, element := range []string{"Dt", "DtTm"} {
			entries, _, err := read(strings.NewReader(file(with("<Dt>2026-09-01</Dt>", "<"+element+">"+text+"</"+element+">"))))
			if err != nil || len(entries) != 1 || entries[0].Booked.String() != want {
				t.Errorf("%s: %+v, %v", text, entries, err)
			}
		}
	}
}

func TestReferencesAndText(t *testing.T) {
	strd := func(ref string) string {
		return "<Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>" + ref + "</Ref></CdtrRefInf></Strd>"
	}
	for _, c := range []struct {
		name, remittance string
		refs             []string
		text             string
	}{
		{"Text", "<Ustrd>arve 5</Ustrd>", nil, "arve 5"},
		{"Lines", "<Ustrd>arve</Ustrd><Ustrd>5</Ustrd>", nil, "arve 5"},
		{"Structured", strd("202600017"), []string{"202600017"}, ""},
		{"RF", strd("RF85202600017"), []string{"RF85202600017"}, ""},
		{"Several", strd("202600017") + strd("1234561") + strd("202600017"), []string{"202600017", "1234561"}, ""},
		{"Both", "<Ustrd>arve nr 99</Ustrd>" + strd("44407737"), []string{"44407737"}, "arve nr 99"},
		{"RFB", "<Ustrd>/RFB/202600017/TXT/Tere, maailm</Ustrd>", []string{"202600017"}, "Tere, maailm"},
		{"RFBSpaces", "<Ustrd>/rfb/ 2026 0001 7 /txt/ Tere / maailm </Ustrd>", []string{"2026 0001 7"}, "Tere / maailm"},
		{"RFBAlone", "<Ustrd>/RFB/202600017</Ustrd>", []string{"202600017"}, ""},
		{"RFBEmpty", "<Ustrd>/RFB//TXT/Tere</Ustrd>", nil, "Tere"},
		{"RFBAfterText", "<Ustrd>Tere /RFB/202600017/TXT/maailm</Ustrd>", []string{"202600017"}, "Tere maailm"},
		{"RFBAndStructured", "<Ustrd>/RFB/202600017/TXT/Tere</Ustrd>" + strd("202600017"), []string{"202600017"}, "Tere"},
		{"InvoiceNumber", "<Strd><RfrdDocInf><Nb>2026-77</Nb></RfrdDocInf><AddtlRmtInf>klass 5</AddtlRmtInf></Strd>", nil, "2026-77 klass 5"},
		{"TooLongForAReference", strd(strings.Repeat("1", 71)), nil, strings.Repeat("1", 71)},
		{"Escapes", "<Ustrd><![CDATA[<b>]]>&amp;&#x20AC;<!-- no -->;</Ustrd>", nil, "<b>&€;"},
		{"Long", "<Ustrd>" + strings.Repeat("õ", 1500) + "</Ustrd>", nil, strings.Repeat("õ", 1000)},
		{"Nothing", "", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			entries, s, err := read(strings.NewReader(file(with("<Ustrd>hello</Ustrd>", c.remittance))))
			if err != nil || len(entries) != 1 {
				t.Fatalf("%+v, %v", s, err)
			}
			if d := cmp.Diff(c.refs, entries[0].Reference); d != "" || entries[0].Text != c.text {
				t.Errorf("%s, text %q", d, entries[0].Text)
			}
		})
	}
}

func transaction(amount, ref string) string {
	if amount != "" {
		amount = `<AmtDtls><TxAmt><Amt Ccy="EUR">` + amount + `</Amt></TxAmt></AmtDtls>`
	}
	return `<TxDtls><Refs><AcctSvcrRef>` + ref + `</AcctSvcrRef></Refs>` + amount +
		`<RmtInf><Strd><CdtrRefInf><Ref>202600017</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>`
}

func batch(amount string, details ...string) string {
	return `<Ntry><Amt Ccy="EUR">` + amount + `</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-09-01</Dt></BookgDt>` +
		`<AcctSvcrRef>B1</AcctSvcrRef><NtryDtls>` + strings.Join(details, "") + `</NtryDtls><AddtlNtryInf>sum 202600017</AddtlNtryInf></Ntry>`
}

func TestBatches(t *testing.T) {
	debit := strings.Replace(transaction("5.00", "T3"), "<AmtDtls>", "<CdtDbtInd>DBIT</CdtDbtInd><AmtDtls>", 1)
	for _, c := range []struct {
		name, entry string
		want        string // amounts, a lump in brackets
	}{
		{"Divided", batch("100.00", transaction("30.00", "T1"), transaction("70", "T2")), "30.00 70.00"},
		{"DividedOverDetails", batch("100.00", transaction("30.00", "T1")+"</NtryDtls><NtryDtls>", transaction("70", "T2")), "30.00 70.00"},
		{"OneReferenceForAll", batch("60.00", transaction("30.00", "B1"), transaction("30.00", "B1")), "30.00 30.00"},
		{"LessACorrection", batch("95.00", transaction("30.00", "T1"), transaction("70", "T2"), debit), "30.00 70.00 5.00"},
		{"OneCentShort", batch("100.00", transaction("30.00", "T1"), transaction("69.99", "T2")), "(100.00)"},
		{"NoAmounts", batch("100.00", transaction("", "T1"), transaction("", "T2")), "(100.00)"},
		{"CountOnly", batch("100.00", "<Btch><NbOfTxs>2</NbOfTxs></Btch>"), "(100.00)"},
		{"OneOfTwo", batch("100.00", "<Btch><NbOfTxs>2</NbOfTxs></Btch>", transaction("30.00", "T1")), "(100.00)"},
		{"OneThatIsLess", batch("100.00", transaction("30.00", "T1")), "(100.00)"},
		{"OneLessItsFee", batch("99.50", transaction("100.00", "T1")), "99.50"},
		{"One", batch("100.00", "<Btch><NbOfTxs>1</NbOfTxs></Btch>", transaction("", "T1")), "100.00"},
		{"ZeroPart", batch("100.00", transaction("100.00", "T1"), transaction("0", "T2")), "(100.00)"},
		{"InDollars", strings.ReplaceAll(batch("100.00", transaction("30.00", "T1"), transaction("70.00", "T2")), "EUR", "USD"), "(0.00)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			entries, s, err := read(strings.NewReader(file(c.entry)))
			if err != nil || s.Wrong != 0 {
				t.Fatalf("%+v, %v", s, err)
			}
			var got []string
			ids := map[string]bool{}
			for i, e := range entries {
				text := e.Amount.String()
				if e.Lump {
					text = "(" + text + ")"
				}
				if e.Lump != (e.Reference == nil) || e.Part != i+1 || e.Parts != len(entries) {
					t.Errorf("%+v", e)
				}
				got = append(got, text)
				ids[e.ID] = true
			}
			if strings.Join(got, " ") != c.want || len(ids) != len(entries) {
				t.Errorf("%v with %d identities, want %s", got, len(ids), c.want)
			}
		})
	}
	lump, _, _ := read(strings.NewReader(file(batch("100.00"))))
	parts, _, _ := read(strings.NewReader(file(batch("100.00", transaction("30.00", "T1"), transaction("70", "T2")))))
	if lump[0].Booking != parts[0].Booking || parts[0].Booking != parts[1].Booking || lump[0].ID == parts[0].ID {
		t.Error("a batch that is broken down later is another booking")
	}
}

func TestIdentity(t *testing.T) {
	none := func(pairs ...string) string { return with(append(pairs, "<AcctSvcrRef>A1</AcctSvcrRef>", "")...) }
	page := func(n string, inside ...string) string {
		return strings.Replace(stmt(inside...), "<Acct>", "<StmtPgntn><PgNb>"+n+"</PgNb></StmtPgntn><Acct>", 1)
	}
	// then is a file with two statements, of an entry each.
	then := func(one, other string) string {
		return strings.Replace(file(one), "</BkToCstmrStmt>", stmt(other)+"</BkToCstmrStmt>", 1)
	}
	for _, c := range []struct {
		name string
		file string
		want int // different identities
	}{
		{"TheSameTwice", file(entry, entry), 2},
		{"TheSameAgain", then(entry, entry), 1},
		{"OtherReference", file(entry, with("A1", "A2")), 2},
		{"FeeUnderTheSameReference", file(entry, with("35.00", "0.55", "CRDT", "DBIT")), 2},
		{"TakenBackUnderTheSameReference", file(entry, with("CRDT", "DBIT"), with("<Sts>", "<RvslInd>true</RvslInd><Sts>")), 3},
		{"AmountWrittenOtherwise", then(entry, with("35.00", "0035")), 1},
		{"NoDetails", then(entry, strings.Split(entry, "<NtryDtls>")[0]+"</Ntry>"), 1},
		{"TextAppears", then(entry, with("hello", "bye")), 1},
		{"NoReferenceTwice", file(none(), none()), 2},
		{"NoReferenceOtherPayer", file(none(), none("EE6377", "EE6378")), 2},
		{"NotProvided", file(with("A1", "NOTPROVIDED"), with("A1", "NOTPROVIDED")), 2},
		{"NoReferenceInZeros", file(with("A1", "0000-0"), with("A1", "0000-0")), 2},
		{"NoReferenceInWords", file(with("A1", "N/A"), with("A1", "n/a")), 2},
		{"NoReferenceSpacesMove", file(none("hello", "hel lo"), `</Stmt>`+stmt(none())+`<Stmt><Acct><Id><IBAN>`+own+`</IBAN></Id></Acct>`), 1},
		{"StatementTwiceInAFile", file(none(), none(), `</Stmt>`+strings.TrimSuffix(stmt(none(), none()), "</Stmt>")), 2},
		{"PagesOfAStatement", strings.Replace(file(), stmt(), page("1", none())+page("2", none()), 1), 2},
		{"LineNumbers", file(none("<Amt", "<NtryRef>0001</NtryRef><Amt"), none("<Amt", "<NtryRef>0002</NtryRef><Amt")), 2},
		{"EntryReference", then(none("<Amt", "<NtryRef>2026090100000070-1</NtryRef><Amt"), none("<Amt", "<NtryRef>2026090100000070-1</NtryRef><Amt")), 1},
		{"ReferenceOfTheTransaction", then(none("<EndToEndId>", "<AcctSvcrRef>T1</AcctSvcrRef><EndToEndId>"), none("<EndToEndId>", "<AcctSvcrRef>T1</AcctSvcrRef><EndToEndId>")), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			ids := func() map[string]bool {
				entries, s, err := read(strings.NewReader(c.file))
				if err != nil || s.Wrong != 0 || len(entries) < 2 {
					t.Fatalf("%+v, %v", s, err)
				}
				all := map[string]bool{}
				for _, e := range entries {
					if len(e.ID) != 32 {
						t.Errorf("identity %q", e.ID)
					}
					all[e.ID] = true
				}
				return all
			}
			got := ids()
			if len(got) != c.want {
				t.Errorf("%d identities, want %d", len(got), c.want)
			}
			if d := cmp.Diff(got, ids()); d != "" {
				t.Error("read again:", d)
			}
		})
	}
}

func TestEntriesOfOneIdentityThatContradict(t *testing.T) {
	one := func(pairs ...string) Entry {
		entries, _, err := read(strings.NewReader(file(with(pairs...))))
		if err != nil || len(entries) != 1 {
			t.Fatal(err)
		}
		return entries[0]
	}
	first := one()
	var got []bool
	for _, e := range []Entry{first, one("hello", "bye"), one("E1", "NOTPROVIDED"), one("E1", "E2"), one("EE6377", "EE6378")} {
		if e.ID != first.ID {
			t.Error("another identity")
		}
		got = append(got, e.Contradicts(first))
	}
	if !slices.Equal(got, []bool{false, false, false, true, true}) {
		t.Error(got)
	}
}

// A bank gives two payments of one day, sum and payer the same reference: both are money, however often and in whatever order
// they are told.
func TestAReferenceGivenToSeveralPaymentsOfOneStatement(t *testing.T) {
	ids := func(inside ...string) (all []string) {
		entries, s, err := read(strings.NewReader(file(inside...)))
		if err != nil || s.Wrong > 0 || len(entries) == 0 {
			t.Fatal(s, err)
		}
		for _, e := range entries {
			all = append(all, e.ID)
		}
		return all
	}
	one, two := with("E1", "NOTPROVIDED", "hello", "arve 2026-000123"), with("E1", "NOTPROVIDED", "hello", "arve 2026-000124")
	three := with("E1", "NOTPROVIDED", "hello", "arve 2026-000125")
	alone, both := ids(one), ids(one, two)
	if both[0] != alone[0] {
		t.Error("the first of two is another than it is alone")
	}
	if both[0] == both[1] {
		t.Error("two payments are one")
	}
	if d := cmp.Diff(both, ids(one, two)); d != "" {
		t.Error("told again:", d)
	}
	if d := cmp.Diff(both, ids(two, one)); d != "" {
		t.Error("told in another order:", d)
	}
	if all := ids(one, with("A1", "A2"), two); all[0] != both[0] || all[2] != both[1] {
		t.Error("told among others:", all)
	}
	if all := ids(one, two, three); !slices.Equal(all[:2], both) || slices.Contains(both, all[2]) {
		t.Error("a third one:", all)
	}
	if d := cmp.Diff(alone, ids(two)); d != "" {
		t.Error("the other one alone is not the first:", d)
	}
}

// Payments that can be told apart wherever they come need no count: it would depend on their order.
func TestOnlyWhatDoesNotContradictIsCounted(t *testing.T) {
	one, two := entry, with("E1", "E2")
	for _, inside := range [][]string{{one, two, one, two}, {two, two, one, one}, {one, one, two, two}} {
		entries, _, err := read(strings.NewReader(file(inside...)))
		if err != nil || len(entries) != 4 {
			t.Fatal(err)
		}
		got := map[string][]string{}
		for _, e := range entries {
			got[e.EndToEnd] = append(got[e.EndToEnd], e.ID)
		}
		if d := cmp.Diff(got["E1"], got["E2"]); d != "" || got["E1"][0] == got["E1"][1] {
			t.Error(got)
		}
	}
}

// Two batches under one reference are two, however many parts each has.
func TestAReferenceGivenToTwoBatches(t *testing.T) {
	two := batch("100.00", transaction("30.00", "T1"), transaction("70.00", "T2"))
	three := batch("100.00", transaction("30.00", "T1"), transaction("30.00", "T3"), transaction("40.00", "T4"))
	for _, second := range []string{two, three, batch("100.00")} {
		entries, s, err := read(strings.NewReader(file(two, second)))
		if err != nil || s.Wrong > 0 {
			t.Fatal(s, err)
		}
		ids := map[string]bool{}
		for _, e := range entries {
			ids[e.ID] = true
		}
		if len(ids) != len(entries) || entries[0].Booking != entries[1].Booking || entries[1].Booking == entries[2].Booking {
			t.Error(entries)
		}
	}
}

func TestBalances(t *testing.T) {
	balance := func(kind, amount, day string) string {
		sign := "CRDT"
		if strings.HasPrefix(amount, "-") {
			sign, amount = "DBIT", amount[1:]
		}
		return `<Bal><Tp><CdOrPrtry><Cd>` + kind + `</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">` + amount + `</Amt><CdtDbtInd>` + sign +
			`</CdtDbtInd><Dt><Dt>` + day + `</Dt></Dt></Bal>`
	}
	for _, c := range []struct {
		name, file string
		wrong      bool
	}{
		{"Right", file(balance("OPBD", "10", "2026-09-01"), balance("CLBD", "45", "2026-09-01"), entry), false},
		{"AfterTheEntries", file(entry, balance("OPBD", "10", "2026-09-01"), balance("CLBD", "45", "2026-09-01")), false},
		{"FromDebt", file(balance("OPBD", "-40", "2026-09-01"), balance("CLBD", "-5", "2026-09-01"), entry), false},
		{"APairForEachDay", file(balance("OPBD", "45", "2026-09-02"), balance("CLBD", "45", "2026-09-01"),
			balance("OPBD", "10", "2026-09-01"), balance("CLBD", "45", "2026-09-02"), entry), false},
		{"PreviousClosing", file(balance("PRCD", "10", "2026-08-31"), balance("CLBD", "45", "2026-09-01"), entry), false},
		{"PendingDoesNotCount", file(balance("OPBD", "10", "2026-09-01"), balance("CLBD", "45", "2026-09-01"), entry, with("BOOK", "PDNG")), false},
		{"Empty", file(balance("OPBD", "10", "2026-09-01"), balance("CLBD", "10", "2026-09-01")), false},
		{"NotAllIsKnown", file(balance("OPBD", "10", "2026-09-01"), entry), false},
		{"APageOfSeveral", file("<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>", balance("OPBD", "10", "2026-09-01"), balance("CLBD", "99", "2026-09-01"), entry), false},
		{"OneCentOff", file(balance("OPBD", "10", "2026-09-01"), balance("CLBD", "45.01", "2026-09-01"), entry), true},
		{"AnEntryIsMissing", file(balance("OPBD", "10", "2026-09-01"), balance("CLBD", "45", "2026-09-01")), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, s, err := read(strings.NewReader(c.file))
			if err != nil || (s.Wrong == 1) != c.wrong || c.wrong && (s.Problems[0].Code != BadBalance || s.Problems[0].Statement != 1) {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
}

func TestAFileIsRefused(t *testing.T) {
	const foreign = "EE471000001020145685"
	whole := file(entry)
	for _, c := range []struct {
		name, file string
		want       *problem.Error
		handed     int
	}{
		{"Empty", "", ErrTruncated, 0},
		{"Spaces", " \n ", ErrTruncated, 0},
		{"NotXML", "%PDF-1.7", ErrXML, 0},
		{"JSON", `{"amount": 5}`, ErrXML, 0},
		{"AnotherDocument", "<html><body/></html>", ErrMessage, 0},
		{"AnotherMessage", strings.Replace(whole, "camt.053.001.02", "pain.001.001.03", 1), ErrMessage, 0},
		{"AnotherVersion", strings.Replace(whole, "camt.053.001.02", "camt.053.001.14", 1), ErrMessage, 0},
		{"NamespaceOfAnother", strings.Replace(whole, "camt.053.001.02", "camt.054.001.02", 1), ErrMessage, 0},
		{"Foreign", strings.Replace(whole, own, foreign, 1), ErrForeign, 0},
		{"ForeignWithoutEntries", strings.Replace(file(), own, foreign, 1), ErrForeign, 0},
		{"ForeignAfterOurs", file(entry, "</Stmt><Stmt><Acct><Id><IBAN>"+foreign+"</IBAN></Id></Acct>", with("A1", "A2")), ErrForeign, 1},
		{"NoAccount", strings.Replace(whole, own, "", 1), ErrAccount, 0},
		{"AccountAfterEntries", `<Document><BkToCstmrStmt><Stmt>` + entry + `<Acct><Id><IBAN>` + own + `</IBAN></Id></Acct></Stmt></BkToCstmrStmt></Document>`, ErrAccount, 0},
		{"TwoAccounts", strings.Replace(whole, "<Ntry>", "<Acct><Id><IBAN>"+own+"</IBAN></Id></Acct><Ntry>", 1), ErrAccount, 0},
		{"NoStatement", `<Document><BkToCstmrStmt><GrpHdr/></BkToCstmrStmt></Document>`, ErrAccount, 0},
		{"Mismatch", strings.Replace(whole, "</Sts>", "</Sta>", 1), ErrXML, 0},
		{"MismatchAtTheEnd", strings.Replace(whole, "</Document>", "</document>", 1), ErrXML, 1},
		{"TwoRoots", whole + "<Document/>", ErrXML, 1},
		{"TextAfterTheRoot", whole + "x", ErrXML, 1},
		{"DeclarationInside", strings.Replace(whole, "<Stmt>", `<?xml version="1.0"?><Stmt>`, 1), ErrXML, 0},
		{"AttributeTwice", strings.Replace(whole, `Ccy="EUR"`, `Ccy="EUR" Ccy="USD"`, 1), ErrXML, 0},
		{"UnknownEntity", strings.Replace(whole, "hello", "&hello;", 1), ErrXML, 0},
		{"Doctype", `<!DOCTYPE Document>` + whole, ErrDoctype, 0},
		{"ExternalEntity", `<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + file(with("hello", "&x;")), ErrDoctype, 0},
		{"DoctypeInside", strings.Replace(whole, "<Stmt>", "<!DOCTYPE d><Stmt>", 1), ErrDoctype, 0},
		{"DeclaredLatin", strings.Replace(whole, "UTF-8", "ISO-8859-1", 1), ErrEncoding, 0},
		{"LatinDeclaredUTF8", strings.Replace(whole, "Mari", "M\xe4ri", 1), ErrEncoding, 0},
		{"UTF16", "\xff\xfe<\x00?\x00x\x00", ErrEncoding, 0},
		{"UTF16WithoutMark", "<\x00?\x00x\x00", ErrEncoding, 0},
		{"ControlCharacter", strings.Replace(whole, "hello", "\x01", 1), ErrXML, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			entries, s, err := read(strings.NewReader(c.file))
			if !errors.Is(err, c.want) || len(entries) != c.handed || s.Handed != c.handed {
				t.Errorf("%d entries, %v", len(entries), err)
			}
		})
	}
}

func TestAByteOrderMarkIsNoText(t *testing.T) {
	entries, s, err := read(strings.NewReader("\xef\xbb\xbf" + file(with("35.00", "x"), entry)))
	if err != nil || len(entries) != 1 {
		t.Fatal(err)
	}
	if at := s.Problems[0].Byte; at != int64(strings.Index(file(entry), "<Ntry>"))+3 {
		t.Error(at)
	}
}

func TestAccountsArePrintedInGroups(t *testing.T) {
	grouped := strings.Replace(file(entry), own, "ee38 2200 2210 2014 5685", 1)
	s, err := Read(strings.NewReader(grouped), []string{"EE38 2200 2210 2014 5685"}, func(e Entry) error { return nil })
	if err != nil || len(s.Accounts) != 1 || s.Accounts[0] != own {
		t.Error(s, err)
	}
}

// Cut anywhere, a file is truncated, and what was handed on before is what is handed on of the whole.
func TestTruncatedAnywhere(t *testing.T) {
	whole := file(entry, with("A1", "A2", "Mari", "Õie"), with("A1", "A3"))
	all, _, err := read(strings.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		some, s, err := read(strings.NewReader(whole[:i]))
		if !errors.Is(err, ErrTruncated) || s.Wrong > 0 {
			t.Fatalf("cut at %d: %v", i, err)
		}
		if d := cmp.Diff(all[:len(some)], some); len(some) > 0 && d != "" {
			t.Fatal(i, d)
		}
	}
}

func TestFailuresOfOthersComeBackAsTheyAre(t *testing.T) {
	lost := errors.New("lost")
	broken := io.MultiReader(strings.NewReader(file(entry)[:500]), iotest.ErrReader(lost))
	if _, _, err := read(broken); !errors.Is(err, lost) {
		t.Error(err)
	}
	n := 0
	stop := func(Entry) error { n++; return lost }
	if _, err := Read(strings.NewReader(file(entry, entry, entry)), []string{own}, stop); err != lost || n != 1 {
		t.Error(err, n)
	}
	if _, err := Read(still{}, []string{own}, func(Entry) error { return nil }); !errors.Is(err, io.ErrNoProgress) {
		t.Error(err)
	}
}

// still is a reader that never gives anything.
type still struct{}

func (still) Read([]byte) (int, error) { return 0, nil }

func TestManyProblemsAreCountedAndNotKept(t *testing.T) {
	_, s, err := read(strings.NewReader(file(strings.Repeat(with("35.00", "x"), 500))))
	if err != nil || s.Wrong != 500 || len(s.Problems) != 100 {
		t.Error(len(s.Problems), s.Wrong, err)
	}
}

func TestFees(t *testing.T) {
	for code, want := range map[string]bool{"DBIT CHRG": true, "CRDT CHRG": false, "DBIT ESCT": false} {
		direction, family, _ := strings.Cut(code, " ")
		entries, _, err := read(strings.NewReader(file(with("CRDT", direction, "<NtryDtls>",
			"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>MDOP</Cd><SubFmlyCd>"+family+"</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls>"))))
		if err != nil || entries[0].Fee() != want {
			t.Error(code, err)
		}
	}
}

// However a bank cuts the days of an account into files that overlap and are sent again, each payment has one identity,
// if the bank gives references; and without them, if a day is always whole.
func TestOverlappingFilesHoldEachPaymentOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		referenced := rapid.Bool().Draw(t, "referenced")
		var days [][]string
		total := 0
		for d := range rapid.IntRange(1, 5).Draw(t, "days") {
			var day []string
			for range rapid.IntRange(0, 6).Draw(t, "entries") {
				total++
				ref := ""
				if referenced {
					ref = fmt.Sprintf("<AcctSvcrRef>R%d</AcctSvcrRef>", total)
				}
				day = append(day, with("2026-09-01", fmt.Sprintf("2026-09-%02d", d+1), "<AcctSvcrRef>A1</AcctSvcrRef>", ref,
					"35.00", rapid.SampledFrom([]string{"35.00", "12.00"}).Draw(t, "amount")))
			}
			days = append(days, day)
		}
		seen := map[string]string{}
		send := func(from, to int, skip int) {
			var inside []string
			for _, day := range days[from:to] {
				if referenced {
					day = day[min(skip, len(day)):]
				}
				inside = append(inside, day...)
			}
			entries, s, err := read(strings.NewReader(file(inside...)))
			if err != nil || s.Wrong > 0 || len(entries) != len(inside) {
				t.Fatal(s, err)
			}
			for _, e := range entries {
				what := fmt.Sprint(e.Amount, e.Booked, e.BankRef)
				if seen[e.ID] != "" && seen[e.ID] != what {
					t.Fatalf("%s and %s are one", seen[e.ID], what)
				}
				seen[e.ID] = what
			}
		}
		for range rapid.IntRange(0, 4).Draw(t, "files") {
			from := rapid.IntRange(0, len(days)-1).Draw(t, "from")
			send(from, rapid.IntRange(from, len(days)).Draw(t, "to"), rapid.IntRange(0, 3).Draw(t, "skip"))
		}
		send(0, len(days), 0)
		if len(seen) != total {
			t.Fatalf("%d payments have %d identities", total, len(seen))
		}
	})
}

// Nobody's bytes make the reader panic, lose count, or hand on what is not an amount of ours.
func FuzzRead(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.xml")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(file(entry, batch("100.00", transaction("30.00", "T1"), transaction("70", "T2")))))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, s, err := read(bytes.NewReader(b))
		again, s2, err2 := read(iotest.HalfReader(bytes.NewReader(b)))
		if d := cmp.Diff(entries, again) + cmp.Diff(s, s2); d != "" || fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Fatal("read in other pieces:", d, err, err2)
		}
		if err != nil {
			if _, ours := errors.AsType[*problem.Error](err); !ours {
				t.Fatal(err)
			}
		}
		for i, e := range entries {
			if e.Account != own || e.Amount < 0 || e.Amount == 0 && e.Original == (Original{}) || e.Booked.IsZero() || len(e.ID) != 32 ||
				e.Direction != Credit && e.Direction != Debit || len(e.Text) > 2000 || e.Lump && e.Reference != nil ||
				e.Part < 1 || e.Part > e.Parts || i > 0 && e.Part > 1 && e.Booking != entries[i-1].Booking {
				t.Fatalf("%+v", e)
			}
		}
		if s.Handed != len(entries) || s.Wrong < len(s.Problems) || s.Unread > s.Wrong || s.Ignored+s.Unread > s.Entries {
			t.Fatalf("%+v", s)
		}
	})
}
