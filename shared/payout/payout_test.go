package payout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jacoelho/xsd"
	"github.com/jacoelho/xsd/pkg/xmlstream"
	"pgregory.net/rapid"

	"opiq/local/golden"
	"opiq/shared/civil"
	"opiq/shared/money"
)

var (
	noon = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	ours = Debtor{Name: "Star Cloud OÜ", IBAN: "EE382200221020145685", BIC: "HABAEE2X"}
)

func transfers() []Transfer {
	return []Transfer{
		{EndToEnd: "OPIQ-2600012345-0123456789ab", Amount: 24_80, Name: "JÜRI ÕUNAPUU", IBAN: "EE171010123456789017", Text: "Opiq 2600012345"},
		{EndToEnd: "OPIQ-2600012345-ba9876543210", Amount: 5, Name: "Jüri Õunapuu", IBAN: "FI2112345600000785", Text: "Opiq 2600012345, tagasi: õiglane osa"},
		{EndToEnd: "OPIQ-2600012345-00ff00ff00ff", Amount: 1_234_50, Name: "Әсел Щукина", IBAN: "LV80BANK0000435195001"},
	}
}

func made(t interface{ Fatal(...any) }, from Debtor, all ...Transfer) []byte {
	p, err := New("2600012345-0123456789ab", from, all, noon)
	if err != nil {
		t.Fatal(err)
	}
	file, err := p.XML()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

var schema = sync.OnceValues(func() (*xsd.Schema, error) {
	return xsd.LoadWithOptions(os.DirFS("testdata"), "pain.001.001.09.xsd", xsd.NewLoadOptions())
})

// valid holds a file against the published schema.
func valid(file []byte) error {
	s, err := schema()
	if err != nil {
		return err
	}
	return s.Validate(bytes.NewReader(file))
}

const message = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"

// read answers what a file says at each path, by a reader of XML that is not the one which writes it. Attributes stand under @.
func read(t interface{ Fatal(...any) }, file []byte) map[string][]string {
	r, err := xmlstream.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	said := map[string][]string{}
	var path []string
	text, leaf := "", false
	for {
		e, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return said
		case err != nil:
			t.Fatal(err)
		}
		switch e.Kind {
		case xmlstream.EventStartElement:
			if e.Name.Namespace != message {
				t.Fatal(fmt.Sprintf("%s is of %q", e.Name.Local, e.Name.Namespace))
			}
			path, text, leaf = append(path, e.Name.Local), "", true
			for _, a := range e.Attrs {
				at := strings.Join(path, "/") + "@" + a.Name.Local
				said[at] = append(said[at], string(a.Value))
			}
		case xmlstream.EventCharData:
			text += string(e.Text)
		case xmlstream.EventEndElement:
			if at := strings.Join(path, "/"); leaf {
				said[at] = append(said[at], text)
			}
			path, leaf = path[:len(path)-1], false
		}
	}
}

func TestTheFileSaysWhatThePayoutIs(t *testing.T) {
	file := made(t, ours, transfers()...)
	if err := valid(file); err != nil {
		t.Fatalf("%v:\n%s", err, file)
	}
	golden.Check(t, filepath.Join("testdata", "payout.xml"), file)
	said := read(t, file)
	for path, want := range map[string][]string{
		"GrpHdr/MsgId":                        {"2600012345-0123456789ab"},
		"GrpHdr/CreDtTm":                      {"2026-11-22T10:00:00Z"},
		"GrpHdr/NbOfTxs":                      {"3"},
		"GrpHdr/CtrlSum":                      {"1259.35"},
		"GrpHdr/InitgPty/Nm":                  {"Star Cloud OÜ"},
		"PmtInf/PmtInfId":                     {"2600012345-0123456789ab"},
		"PmtInf/PmtMtd":                       {"TRF"},
		"PmtInf/BtchBookg":                    {"false"},
		"PmtInf/NbOfTxs":                      {"3"},
		"PmtInf/CtrlSum":                      {"1259.35"},
		"PmtInf/PmtTpInf/SvcLvl/Cd":           {"SEPA"},
		"PmtInf/ReqdExctnDt/Dt":               {"2026-11-22"},
		"PmtInf/Dbtr/Nm":                      {"Star Cloud OÜ"},
		"PmtInf/DbtrAcct/Id/IBAN":             {"EE382200221020145685"},
		"PmtInf/DbtrAcct/Ccy":                 {"EUR"},
		"PmtInf/DbtrAgt/FinInstnId/BICFI":     {"HABAEE2X"},
		"PmtInf/ChrgBr":                       {"SLEV"},
		"PmtInf/CdtTrfTxInf/PmtId/EndToEndId": {"OPIQ-2600012345-0123456789ab", "OPIQ-2600012345-ba9876543210", "OPIQ-2600012345-00ff00ff00ff"},
		"PmtInf/CdtTrfTxInf/Amt/InstdAmt":     {"24.80", "0.05", "1234.50"},
		"PmtInf/CdtTrfTxInf/Amt/InstdAmt@Ccy": {"EUR", "EUR", "EUR"},
		"PmtInf/CdtTrfTxInf/Cdtr/Nm":          {"JÜRI ÕUNAPUU", "Juri Ounapuu", "Asel Shchukina"},
		"PmtInf/CdtTrfTxInf/CdtrAcct/Id/IBAN": {"EE171010123456789017", "FI2112345600000785", "LV80BANK0000435195001"},
		"PmtInf/CdtTrfTxInf/RmtInf/Ustrd":     {"Opiq 2600012345", "Opiq 2600012345, tagasi: oiglane osa"},
	} {
		path = "Document/CstmrCdtTrfInitn/" + path
		if got := said[path]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
		delete(said, path)
	}
	if len(said) > 0 {
		t.Errorf("it says besides: %q", said)
	}
}

func TestABankWithoutABICIsNotProvided(t *testing.T) {
	file := made(t, Debtor{Name: ours.Name, IBAN: ours.IBAN}, transfers()...)
	if got := read(t, file)["Document/CstmrCdtTrfInitn/PmtInf/DbtrAgt/FinInstnId/Othr/Id"]; len(got) != 1 || got[0] != "NOTPROVIDED" || valid(file) != nil {
		t.Errorf("the bank is %q (%v)", got, valid(file))
	}
}

func TestAFileThatIsBrokenIsRefused(t *testing.T) { // so a valid one is valid because the schema was looked at
	file := string(made(t, ours, transfers()...))
	for from, to := range map[string]string{
		"<PmtMtd>TRF</PmtMtd>":                   "",
		"<Nm>JÜRI ÕUNAPUU</Nm>":                  "<Nm>" + strings.Repeat("Õ", 141) + "</Nm>",
		"<NbOfTxs>3</NbOfTxs>":                   "<NbOfTxs>three</NbOfTxs>",
		"<Dt>2026-11-22</Dt>":                    "<Dt>22.11.2026</Dt>",
		"<IBAN>FI2112345600000785</IBAN>":        "<IBAN>FI21 1234 5600 000785</IBAN>",
		"<BICFI>HABAEE2X</BICFI>":                "<BIC>HABAEE2X</BIC>",
		` Ccy="EUR"`:                             "",
		"pain.001.001.09":                        "pain.001.001.03",
		"<EndToEndId>OPIQ-":                      "<EndToEndId>OPIQ-OPIQ-OPIQ-",
		"<MsgId>2600012345-0123456789ab</MsgId>": "<MsgId></MsgId>",
	} {
		broken := strings.Replace(file, from, to, 1)
		if broken == file {
			t.Fatalf("there is no %q", from)
		}
		if valid([]byte(broken)) == nil {
			t.Errorf("%q in place of %q is valid", to, from)
		}
	}
}

// hostile are names and texts that somebody may have, or may have thought of.
var hostile = []string{
	"", " ", "\x00\x01\x1b[31m", "</Nm><Nm>", "]]>", "<!--", "&amp;&#x41;", `"'<&>`, "\u202etxet\u202c", "\ufeffMari", "a\nb\tc\r\n", "🦄🦄", "👩‍👩‍👧‍👧 Mari", "\xff\xfe", "王伟", "Ž̸̢a̴͓l̵g̷o̶",
	"Åsa Ångström", "Ğ Ş İ ı", "ﬁnance ½ №5 ™", "Ώμέγα", "ИВАН ИВАНОВ-ЩУКИН", "Құдайберген", "Straße 5/7", "//", "/RFB/123/TXT/x", "=cmd|' /C calc'!A0", strings.Repeat("õ", 300), strings.Repeat("щ", 300),
	strings.Repeat("ﷺ", 300), "OÜ „Õismäe & Ko” <info@oismae.ee>",
}

func words(t *rapid.T, label string) string {
	return rapid.OneOf(rapid.SampledFrom(hostile), rapid.String(), rapid.StringMatching(`[\p{Latin}\p{Cyrillic}' -]{1,90}`)).Draw(t, label)
}

// promised is what every bank takes; at home a few letters more.
var (
	promised = regexp.MustCompile(`^[a-zA-Z0-9/?:().,'+-]([a-zA-Z0-9/?:().,'+ -]*[a-zA-Z0-9/?:().,'+-])?$`)
	atHome   = regexp.MustCompile(`^[a-zA-ZõäöüšžÕÄÖÜŠŽ0-9/?:().,'+-]([a-zA-ZõäöüšžÕÄÖÜŠŽ0-9/?:().,'+ -]*[a-zA-ZõäöüšžÕÄÖÜŠŽ0-9/?:().,'+-])?$`)
)

func TestAnyNamesAndAmountsMakeAFileThatABankTakes(t *testing.T) {
	accounts := []string{"EE171010123456789017", "FI2112345600000785", "LV80BANK0000435195001", "NO9386011117947", "MT84MALT011000012345MTLCAST001S"}
	rapid.Check(t, func(t *rapid.T) {
		var all []Transfer
		var sum money.Amount
		for i := range rapid.IntRange(1, 8).Draw(t, "transfers") {
			one := Transfer{
				EndToEnd: fmt.Sprintf("OPIQ-2600012345-%012x", i), Amount: money.Amount(rapid.Int64Range(1, maxAmount).Draw(t, "amount")),
				Name: words(t, "name") + rapid.SampledFrom([]string{".", "Ә", "🦄"}).Draw(t, "end"), IBAN: rapid.SampledFrom(accounts).Draw(t, "account"), Text: words(t, "text"),
			}
			sum += one.Amount
			all = append(all, one)
		}
		from := ours
		from.Name = words(t, "debtor") + "!"
		file := made(t, from, all...)
		if err := valid(file); err != nil {
			t.Fatalf("%v:\n%s", err, file)
		}
		if !bytes.Equal(file, made(t, from, all...)) {
			t.Fatal("the second file is another one")
		}
		said := read(t, file)
		const info = "Document/CstmrCdtTrfInitn/PmtInf/"
		names, texts := said[info+"CdtTrfTxInf/Cdtr/Nm"], said[info+"CdtTrfTxInf/RmtInf/Ustrd"]
		for _, path := range []string{"Document/CstmrCdtTrfInitn/GrpHdr/", info} {
			if s := said[path+"CtrlSum"]; len(s) != 1 || s[0] != sum.String() || said[path+"NbOfTxs"][0] != fmt.Sprint(len(all)) {
				t.Fatalf("%s sums up to %q, and is %s", path, s, sum)
			}
		}
		if len(names) != len(all) || len(said[info+"CdtTrfTxInf/Amt/InstdAmt"]) != len(all) {
			t.Fatalf("there are %d names for %d transfers", len(names), len(all))
		}
		for i, n := range names {
			letters := promised
			if all[i].IBAN[:2] == "EE" {
				letters = atHome
			}
			if !letters.MatchString(n) || utf8.RuneCountInString(n) > 70 || said[info+"CdtTrfTxInf/Amt/InstdAmt"][i] != all[i].Amount.String() {
				t.Fatalf("%q is written as %q", all[i].Name, n)
			}
		}
		for _, s := range append(texts, said[info+"Dbtr/Nm"]...) {
			if !atHome.MatchString(s) || utf8.RuneCountInString(s) > 140 {
				t.Fatalf("it says %q", s)
			}
		}
	})
}

func TestHowNamesAreWritten(t *testing.T) {
	for name, want := range map[string][2]string{ // at home, abroad
		"Jüri Õunapuu-Šnizer":             {"Jüri Õunapuu-Šnizer", "Juri Ounapuu-Snizer"},
		"ŽANNA ÕUN":                       {"ŽANNA ÕUN", "ZANNA OUN"},
		"O\u0303un":                       {"Õun", "Oun"},
		"Žļaģu Ķīķerītis":                 {"Žlagu Kikeritis", "Zlagu Kikeritis"},
		"Søren Æbleskov Łódź":             {"Soren Aebleskov Lodz", "Soren Aebleskov Lodz"},
		"Großmann":                        {"Grossmann", "Grossmann"},
		"Щукин Юрий Ёлкович":              {"Shchukin Iurii Elkovich", "Shchukin Iurii Elkovich"},
		"ИВАН ЩУКИН":                      {"IVAN SHCHUKIN", "IVAN SHCHUKIN"},
		"Әсел Құдайбергенқызы":            {"Asel Kudaibergenkyzy", "Asel Kudaibergenkyzy"},
		"Їжакевич Ґалаґан":                {"Izhakevich Galagan", "Izhakevich Galagan"},
		"OÜ „Õismäe & Ko”":                {"OÜ 'Õismäe + Ko'", "OU 'Oismae + Ko'"},
		"MTÜ [Kool]; {lasteaed} _ 100%":   {"MTÜ (Kool), (lasteaed) - 100", "MTU (Kool), (lasteaed) - 100"},
		"  Mari\u00a0\t\nMaasikas ":       {"Mari Maasikas", "Mari Maasikas"},
		"\u202eMari\u202c Maa\u00adsikas": {"Mari Maasikas", "Mari Maasikas"},
		"Mari 🦄 Maasikas":                 {"Mari Maasikas", "Mari Maasikas"},
		"王 Wei":                           {"Wei", "Wei"},
		"王伟":                              {"NOTPROVIDED", "NOTPROVIDED"},
		"…":                               {"NOTPROVIDED", "NOTPROVIDED"},
		"Ь":                               {"NOTPROVIDED", "NOTPROVIDED"},
		strings.Repeat("Õ", 69) + " Õ":    {strings.Repeat("Õ", 69), strings.Repeat("O", 69)},
		strings.Repeat("щ", 18):           {strings.Repeat("shch", 17) + "sh", strings.Repeat("shch", 17) + "sh"},
	} {
		if got := [2]string{estonian(true).name(name), estonian(false).name(name)}; got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

func TestWhatIsWrittenOnceIsWrittenSoAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := estonian(rapid.Bool().Draw(t, "at home"))
		once := at.name(words(t, "name"))
		if again := at.name(once); again != once {
			t.Fatalf("%q is %q the second time", once, again)
		}
	})
}

func TestWhatABankWouldRefuseIsNotMade(t *testing.T) {
	change := func(f func(*Transfer)) []Transfer {
		all := transfers()
		f(&all[1])
		return all
	}
	many := make([]Transfer, 101)
	for i := range many {
		many[i] = transfers()[0]
		many[i].EndToEnd = fmt.Sprint("OPIQ-", i)
	}
	named := func(id string) []Transfer { return change(func(t *Transfer) { t.EndToEnd = id }) }
	to := func(iban string) []Transfer { return change(func(t *Transfer) { t.IBAN = iban }) }
	of := func(a money.Amount) []Transfer { return change(func(t *Transfer) { t.Amount = a }) }
	all := transfers()
	for what, c := range map[string]struct {
		id        ID
		from      Debtor
		transfers []Transfer
		want      error
	}{
		"as it should be":                 {"a-1", ours, all, nil},
		"a long ID that fits":             {ID(strings.Repeat("a", 35)), ours, all, nil},
		"a hundred transfers":             {"a-1", ours, many[:100], nil},
		"every sign that a name may have": {"a-1", ours, named("a/1?:().,'+-"), nil},
		"the most":                        {"a-1", ours, of(999_999_999_99), nil},
		"no BIC":                          {"a-1", Debtor{"a", ours.IBAN, ""}, all, nil},
		"no ID":                           {"", ours, all, ErrID},
		"a long ID":                       {ID(strings.Repeat("a", 36)), ours, all, ErrID},
		"an ID with a slash":              {"a/1", ours, all, ErrID},
		"an ID with a letter of Estonia":  {"õ", ours, all, ErrID},
		"an ID with an end of line":       {"a\n", ours, all, ErrID},
		"nobody's account":                {"a-1", Debtor{" ", ours.IBAN, ours.BIC}, all, ErrDebtor},
		"from a wrong account":            {"a-1", Debtor{"a", "EE382200221020145684", ours.BIC}, all, ErrDebtor},
		"a wrong BIC":                     {"a-1", Debtor{"a", ours.IBAN, "HABAEE2"}, all, ErrDebtor},
		"a small BIC":                     {"a-1", Debtor{"a", ours.IBAN, "habaee2x"}, all, ErrDebtor},
		"no transfers":                    {"a-1", ours, nil, ErrTransfers},
		"many transfers":                  {"a-1", ours, many, ErrTransfers},
		"no name of a transfer":           {"a-1", ours, named(""), ErrEndToEnd},
		"a long name of a transfer":       {"a-1", ours, named(strings.Repeat("a", 36)), ErrEndToEnd},
		"one name for two transfers":      {"a-1", ours, named(all[0].EndToEnd), ErrEndToEnd},
		"a slash before it":               {"a-1", ours, named("/a"), ErrEndToEnd},
		"a slash after it":                {"a-1", ours, named("a/"), ErrEndToEnd},
		"two slashes":                     {"a-1", ours, named("a//b"), ErrEndToEnd},
		"a space in it":                   {"a-1", ours, named("a b"), ErrEndToEnd},
		"a letter of Estonia in it":       {"a-1", ours, named("õ"), ErrEndToEnd},
		"an end of line in it":            {"a-1", ours, named("a\n"), ErrEndToEnd},
		"nothing":                         {"a-1", ours, of(0), ErrAmount},
		"less than nothing":               {"a-1", ours, of(-1), ErrAmount},
		"too much":                        {"a-1", ours, of(1_000_000_000_00), ErrAmount},
		"nobody":                          {"a-1", ours, change(func(t *Transfer) { t.Name = " \t" }), ErrName},
		"no account":                      {"a-1", ours, to(""), ErrAccount},
		"a wrong account":                 {"a-1", ours, to("FI2112345600000786"), ErrAccount},
		"an account with spaces":          {"a-1", ours, to("FI21 1234 5600 0007 85"), ErrAccount},
		"an account outside of SEPA":      {"a-1", ours, to("KZ86125KZT5004100100"), ErrAccount},
	} {
		if _, err := New(c.id, c.from, c.transfers, noon); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
}

func TestAPayoutDoesNotChange(t *testing.T) {
	all := transfers()
	evening := time.Date(2026, 11, 22, 22, 30, 0, 123, time.UTC) // in Tallinn it is the next day
	p, err := New("a-1", ours, all, evening)
	if err != nil {
		t.Fatal(err)
	}
	file, _ := p.XML()
	all[0].Amount = 1
	var stored Payout
	raw, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(raw, &stored)
	}
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := stored.XML(); !bytes.Equal(file, again) || p.ExecuteOn != (civil.Date{Year: 2026, Month: 11, Day: 23}) || p.Sum() != 1_259_35 {
		t.Errorf("%+v is\n%s", stored, again)
	}
}
