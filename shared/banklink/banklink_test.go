package banklink_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"

	"opiq/shared/banklink"
	"opiq/shared/lang"
)

// The keys of one test run: ours, the bank's, the bank's next one, and a stranger's.
var keys = sync.OnceValue(func() (k struct{ ours, bank, next, other *rsa.PrivateKey }) {
	for _, to := range []**rsa.PrivateKey{&k.ours, &k.bank, &k.next, &k.other} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		*to = key
	}
	return k
})

func public(key *rsa.PrivateKey) string {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func agreement(version string) banklink.Agreement {
	return banklink.Agreement{
		URL: "https://bank.example/banklink", Merchant: "OPIQ", Bank: "HP", Version: version,
		Account: "EE38 2200 2210 2014 5685", Name: "Star Cloud OÜ", Keys: []string{public(keys().bank)},
	}
}

func open(t testing.TB, a banklink.Agreement) *banklink.Link {
	t.Helper()
	l, err := banklink.Open(a)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// paid are the fields of a bank's good news, not signed yet.
func paid(version string) map[string]string {
	return map[string]string{
		"VK_SERVICE": "1111", "VK_VERSION": version, "VK_SND_ID": "HP", "VK_REC_ID": "OPIQ", "VK_STAMP": "2600012345000000001",
		"VK_T_NO": "18193", "VK_AMOUNT": "12.50", "VK_CURR": "EUR", "VK_REC_ACC": "EE382200221020145685", "VK_REC_NAME": "Star Cloud OÜ",
		"VK_SND_ACC": "EE152200221234567897", "VK_SND_NAME": "Õie Mägi", "VK_REF": "26000123453", "VK_MSG": "Opiq 2600012345",
		"VK_T_DATETIME": "2026-09-01T07:21:14+0300", "VK_ENCODING": "UTF-8", "VK_LANG": "EST", "VK_AUTO": "N",
	}
}

func failed(version string) map[string]string {
	f := paid(version)
	f["VK_SERVICE"] = "1911"
	for _, name := range []string{"VK_T_NO", "VK_AMOUNT", "VK_CURR", "VK_REC_ACC", "VK_REC_NAME", "VK_SND_ACC", "VK_SND_NAME", "VK_T_DATETIME"} {
		delete(f, name)
	}
	return f
}

// sign signs fields with a key and makes them a message.
func sign(t testing.TB, key *rsa.PrivateKey, fields map[string]string) url.Values {
	t.Helper()
	if err := banklink.Sign(key, fields); err != nil {
		t.Fatal(err)
	}
	return message(fields)
}

func message(fields map[string]string) url.Values {
	m := url.Values{}
	for name, v := range fields {
		m.Set(name, v)
	}
	return m
}

var order = map[string][]string{
	"1111": {"VK_SERVICE", "VK_VERSION", "VK_SND_ID", "VK_REC_ID", "VK_STAMP", "VK_T_NO", "VK_AMOUNT", "VK_CURR", "VK_REC_ACC", "VK_REC_NAME",
		"VK_SND_ACC", "VK_SND_NAME", "VK_REF", "VK_MSG", "VK_T_DATETIME"},
	"1911": {"VK_SERVICE", "VK_VERSION", "VK_SND_ID", "VK_REC_ID", "VK_STAMP", "VK_REF", "VK_MSG"},
}

func TestPaidIsRead(t *testing.T) {
	want := banklink.Notice{
		Bank: "swedbank", Service: banklink.Paid, Stamp: "2600012345000000001", Number: "18193", Amount: "12.50", Currency: "EUR",
		Account: "EE382200221020145685", Payer: "EE152200221234567897", PayerName: "Õie Mägi", Reference: "26000123453",
		At: "2026-09-01T07:21:14+0300", Lang: "EST",
	}
	for _, version := range []string{"008", "009"} {
		got, err := open(t, agreement(version)).Verify("swedbank", sign(t, keys().bank, paid(version)))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("version %s: %v\n%s", version, err, diff)
		}
	}
}

func TestFailedIsRead(t *testing.T) {
	want := banklink.Notice{Bank: "lhv", Service: banklink.Failed, Stamp: "2600012345000000001", Reference: "26000123453", Lang: "EST"}
	for _, version := range []string{"008", "009"} {
		got, err := open(t, agreement(version)).Verify("lhv", sign(t, keys().bank, failed(version)))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("version %s: %v\n%s", version, err, diff)
		}
	}
}

// What a failure does not sign is not believed, even if it stands there.
func TestFailedCarriesNoMoney(t *testing.T) {
	m := sign(t, keys().bank, failed("009"))
	m.Set("VK_AMOUNT", "12.50")
	m.Set("VK_T_NO", "1")
	if n, err := open(t, agreement("009")).Verify("seb", m); err != nil || n.Amount != "" || n.Number != "" {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestRefusals(t *testing.T) {
	change := func(name, value string) func(map[string]string) {
		return func(f map[string]string) { f[name] = value }
	}
	for _, c := range []struct {
		name   string
		before func(map[string]string) // what the bank signs
		after  func(url.Values)        // what becomes of it on the way
		key    *rsa.PrivateKey
		want   banklink.Refusal
	}{
		{name: "an order comes back to us", before: change("VK_SERVICE", "1012"), want: banklink.ErrService},
		{name: "no service", after: func(m url.Values) { m.Del("VK_SERVICE") }, want: banklink.ErrService},
		{name: "a weaker version", before: change("VK_VERSION", "008"), want: banklink.ErrVersion},
		{name: "a field twice", after: func(m url.Values) { m.Add("VK_AMOUNT", "12.50") }, want: banklink.ErrRepeated},
		{name: "an unsigned field twice", after: func(m url.Values) { m.Add("VK_AUTO", "Y") }, want: banklink.ErrRepeated},
		{name: "another bank's key", key: keys().other, want: banklink.ErrMAC},
		{name: "our own key", key: keys().ours, want: banklink.ErrMAC},
		{name: "no MAC", after: func(m url.Values) { m.Del("VK_MAC") }, want: banklink.ErrMAC},
		{name: "a MAC that is not base64", after: func(m url.Values) { m.Set("VK_MAC", "~~~~") }, want: banklink.ErrMAC},
		{name: "a MAC decoded twice", after: func(m url.Values) { m.Set("VK_MAC", strings.Replace(m.Get("VK_MAC"), m.Get("VK_MAC")[:1], " x", 1)) }, want: banklink.ErrMAC},
		{name: "a changed amount", after: func(m url.Values) { m.Set("VK_AMOUNT", "12.5") }, want: banklink.ErrMAC},
		{name: "a field less", after: func(m url.Values) { m.Del("VK_MSG") }, want: banklink.ErrMAC},
		{name: "another encoding", after: func(m url.Values) { m.Set("VK_ENCODING", "ISO-8859-1") }, want: banklink.ErrMAC},
		{name: "an unknown encoding", after: func(m url.Values) { m.Set("VK_ENCODING", "UTF-7") }, want: banklink.ErrEncoding},
		{name: "bytes that are not UTF-8", after: func(m url.Values) { m.Set("VK_SND_NAME", "\xd5ie") }, want: banklink.ErrEncoding},
		{name: "a name too long", after: func(m url.Values) { m.Set("VK_SND_NAME", strings.Repeat("õ", 71)) }, want: banklink.ErrLength},
		{name: "signed for another bank", before: change("VK_SND_ID", "EYP"), want: banklink.ErrSender},
		{name: "signed for another merchant", before: change("VK_REC_ID", "KIOSK"), want: banklink.ErrReceiver},
		{name: "no stamp", before: change("VK_STAMP", ""), want: banklink.ErrFields},
		{name: "no number", before: change("VK_T_NO", ""), want: banklink.ErrFields},
		{name: "no amount", before: change("VK_AMOUNT", " "), want: banklink.ErrFields},
		{name: "another currency", before: change("VK_CURR", "SEK"), want: banklink.ErrCurrency},
		{name: "another account", before: change("VK_REC_ACC", "EE471000001020145685"), want: banklink.ErrAccount},
		{name: "no account", before: change("VK_REC_ACC", ""), want: banklink.ErrAccount},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := paid("009")
			if c.before != nil {
				c.before(f)
			}
			if c.key == nil {
				c.key = keys().bank
			}
			m := sign(t, c.key, f)
			if c.after != nil {
				c.after(m)
			}
			n, err := open(t, agreement("009")).Verify("swedbank", m)
			if !errors.Is(err, c.want) || n != (banklink.Notice{}) || banklink.Reason(err) != string(c.want) {
				t.Errorf("%+v, %v; want %v", n, err, c.want)
			}
		})
	}
	if r := banklink.Reason(errors.New("x")); r != "other" {
		t.Errorf("Reason of a foreign error is %q", r)
	}
	if r := banklink.Reason(fmt.Errorf("swedbank: %w", banklink.ErrMAC)); r != "mac" {
		t.Errorf("Reason of a wrapped refusal is %q", r)
	}
}

// Every bit of every signed field and of the MAC, and a byte more or less at each place.
func TestEveryChangedByteIsRefused(t *testing.T) {
	l := open(t, agreement("009"))
	for _, f := range []map[string]string{paid("009"), failed("009")} {
		good := sign(t, keys().bank, f)
		tried := 0
		for _, name := range append(slices.Clone(order[f["VK_SERVICE"]]), "VK_MAC") {
			v := good.Get(name)
			var wrong []string
			for i := range len(v) {
				for bit := range 8 {
					wrong = append(wrong, v[:i]+string([]byte{v[i] ^ 1<<bit})+v[i+1:])
				}
				wrong = append(wrong, v[:i]+v[i+1:], v[:i]+"0"+v[i:])
			}
			for _, w := range append(wrong, v+"0", v+v, "") {
				m := maps.Clone(good)
				m.Set(name, w)
				if n, err := l.Verify("swedbank", m); err == nil {
					t.Fatalf("%s %q became %q: %+v", name, v, w, n)
				}
				tried++
			}
		}
		t.Logf("%s: %d changed messages refused", f["VK_SERVICE"], tried)
	}
}

func TestEverySwappedPairIsRefused(t *testing.T) {
	l := open(t, agreement("009"))
	for _, f := range []map[string]string{paid("009"), failed("009")} {
		good := sign(t, keys().bank, f)
		names := append(slices.Clone(order[f["VK_SERVICE"]]), "VK_MAC")
		for i, a := range names {
			for _, b := range names[i+1:] {
				m := maps.Clone(good)
				m.Set(a, good.Get(b))
				m.Set(b, good.Get(a))
				if n, err := l.Verify("swedbank", m); err == nil {
					t.Errorf("%s and %s changed places: %+v", a, b, n)
				}
			}
		}
	}
}

// A character that moves over the border of two fields leaves the joined values the same; the lengths tell.
func TestMovedBordersAreRefused(t *testing.T) {
	l := open(t, agreement("009"))
	good := sign(t, keys().bank, paid("009"))
	names := order["1111"]
	for i := range len(names) - 1 {
		a, b := good.Get(names[i]), good.Get(names[i+1])
		m := maps.Clone(good)
		m.Set(names[i], a+b[:1])
		m.Set(names[i+1], b[1:])
		if n, err := l.Verify("swedbank", m); err == nil {
			t.Errorf("%s took a character of %s: %+v", names[i], names[i+1], n)
		}
	}
}

// These are not signed, so anybody can change them, and nothing about money may hang on them.
func TestUnsignedFieldsDecideNothing(t *testing.T) {
	l := open(t, agreement("009"))
	good := sign(t, keys().bank, paid("009"))
	want, err := l.Verify("swedbank", good)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, value string }{
		{"VK_AUTO", "Y"}, {"VK_AUTO", "y"}, {"VK_LANG", "RUS"}, {"VK_LANG", "<b>"}, {"VK_ENCODING", ""}, {"VK_ENCODING", "utf-8"},
		{"VK_NEW", "1"}, {"utm_source", "bank"}, {"VK_ACC", "EE471000001020145685"},
	} {
		m := maps.Clone(good)
		m.Set(c.name, c.value)
		got, err := l.Verify("swedbank", m)
		if err != nil || got.Automatic != (m.Get("VK_AUTO") == "Y") || got.Lang != "" && len(got.Lang) != 3 {
			t.Errorf("%s=%s: %+v, %v", c.name, c.value, got, err)
		}
		if got.Automatic, got.Lang = want.Automatic, want.Lang; got != want {
			t.Errorf("%s=%s changed %s", c.name, c.value, cmp.Diff(want, got))
		}
	}
	m := maps.Clone(good)
	m["session"] = []string{"a", "b"}
	if _, err := l.Verify("swedbank", m); err != nil {
		t.Errorf("a foreign field twice: %v", err)
	}
}

func TestSpacesAtTheEndsDoNotCount(t *testing.T) {
	l := open(t, agreement("008"))
	m := sign(t, keys().bank, paid("008"))
	for name := range m {
		m.Set(name, "  "+m.Get(name)+" ")
	}
	if n, err := l.Verify("swedbank", m); err != nil || n.Amount != "12.50" || n.PayerName != "Õie Mägi" {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestSEBsNameOfTheAccount(t *testing.T) {
	f := paid("009")
	m := sign(t, keys().bank, f)
	m["VK_ACC"] = m["VK_REC_ACC"]
	m.Del("VK_REC_ACC")
	if n, err := open(t, agreement("009")).Verify("seb", m); err != nil || n.Account != "EE382200221020145685" {
		t.Errorf("%+v, %v", n, err)
	}
	m.Set("VK_REC_ACC", "")
	if _, err := open(t, agreement("009")).Verify("seb", m); !errors.Is(err, banklink.ErrMAC) {
		t.Errorf("both names, the right one empty: %v", err)
	}
}

func TestBothKeysOfARotationAreGood(t *testing.T) {
	a := agreement("009")
	a.Keys = append(a.Keys, public(keys().next))
	l := open(t, a)
	for name, key := range map[string]*rsa.PrivateKey{"old": keys().bank, "new": keys().next} {
		if _, err := l.Verify("lhv", sign(t, key, paid("009"))); err != nil {
			t.Errorf("the %s key: %v", name, err)
		}
	}
	if _, err := l.Verify("lhv", sign(t, keys().other, paid("009"))); !errors.Is(err, banklink.ErrMAC) {
		t.Errorf("a stranger's key: %v", err)
	}
}

func TestOtherEncodingsAreRead(t *testing.T) {
	for name, c := range map[string]*charmap.Charmap{
		"ISO-8859-1": charmap.ISO8859_1, "iso-8859-13": charmap.ISO8859_13, "WINDOWS-1257": charmap.Windows1257,
	} {
		f := paid("009")
		f["VK_ENCODING"] = name
		f["VK_SND_NAME"] = "Õie Müür"
		for _, field := range []string{"VK_SND_NAME", "VK_REC_NAME"} {
			raw, err := c.NewEncoder().String(f[field])
			if err != nil {
				t.Fatal(err)
			}
			f[field] = raw
		}
		m, err := url.ParseQuery(sign(t, keys().bank, f).Encode()) // as bytes travel in a form
		if err != nil {
			t.Fatal(err)
		}
		if n, err := open(t, agreement("009")).Verify("coop", m); err != nil || n.PayerName != "Õie Müür" {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
	}
}

// Another implementation's signatures, with its keys: 1024 bits and SHA-1, 3072 bits and SHA-512.
func TestSignaturesOfOthers(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "macs.json"))
	if err != nil {
		t.Fatal(err)
	}
	macs := map[string]string{}
	if err := json.Unmarshal(raw, &macs); err != nil {
		t.Fatal(err)
	}
	delete(macs, "source")
	for name, mac := range macs {
		version, service, _ := strings.Cut(name, " ")
		f := map[string]string{
			"VK_SERVICE": service, "VK_VERSION": version, "VK_SND_ID": "Toomas Jäär", "VK_REC_ID": "id2000", "VK_STAMP": "100", "VK_T_NO": "100",
			"VK_AMOUNT": "10", "VK_CURR": "EUR", "VK_REC_ACC": "1010342342354345435", "VK_REC_NAME": "Ülo Pääsuke", "VK_SND_ACC": "101032423434543",
			"VK_SND_NAME": "Mart Mets", "VK_REF": "100", "VK_MSG": "First payment", "VK_T_DATETIME": "2015-09-29T15:00:00+0300", "VK_MAC": mac,
		}
		if service == "1012" {
			f["VK_SND_ID"], f["VK_REF"], f["VK_DATETIME"] = "id2000", "1009", f["VK_T_DATETIME"]
			f["VK_RETURN"], f["VK_CANCEL"] = "http://example.com", "http://example.com"
		}
		if _, err := banklink.Check(message(f), version, []*rsa.PublicKey{othersKey(t, version)}, service); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func othersKey(t *testing.T, version string) *rsa.PublicKey {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", version+".pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(raw)
	if block.Type == "CERTIFICATE" {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return c.PublicKey.(*rsa.PublicKey)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PublicKey)
}

func TestWhatABankSignsIsRead(t *testing.T) {
	l := open(t, agreement("009"))
	text := func(n int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string { return strings.Trim(rapid.StringN(0, n, -1).Draw(t, "text"), " ") })
	}
	rapid.Check(t, func(t *rapid.T) {
		f := paid("009")
		f["VK_SND_NAME"] = text(70).Draw(t, "payer")
		f["VK_MSG"] = text(95).Draw(t, "message")
		f["VK_REF"] = rapid.StringMatching(`[0-9]{0,20}`).Draw(t, "reference")
		f["VK_STAMP"] = rapid.StringMatching(`[0-9]{1,20}`).Draw(t, "stamp")
		f["VK_AMOUNT"] = rapid.StringMatching(`[0-9]{0,7}\.[0-9]{2}`).Draw(t, "amount")
		want := maps.Clone(f)
		if err := banklink.Sign(keys().bank, f); err != nil {
			t.Fatal(err)
		}
		m, err := url.ParseQuery(message(f).Encode())
		if err != nil {
			t.Fatal(err)
		}
		n, err := l.Verify("swedbank", m)
		if err != nil || n.PayerName != want["VK_SND_NAME"] || n.Reference != want["VK_REF"] || n.Stamp != want["VK_STAMP"] || n.Amount != want["VK_AMOUNT"] {
			t.Fatalf("%v: %+v of %v", err, n, want)
		}
	})
}

func payment() banklink.Payment {
	return banklink.Payment{
		Stamp: "2600012345000000001", Amount: 1250, Reference: "26000123453", Message: "Opiq 2600012345", Language: lang.Estonian,
		Return: "https://opiq.example/v1/callbacks/banklink/swedbank", At: time.Date(2026, 9, 1, 7, 21, 14, 0, time.FixedZone("", 3*3600)),
	}
}

func TestFormIsASignedOrder(t *testing.T) {
	for _, version := range []string{"008", "009"} {
		form, err := open(t, agreement(version)).Form(keys().ours, payment())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := banklink.Check(message(form.Fields), version, []*rsa.PublicKey{&keys().ours.PublicKey}, "1012"); err != nil {
			t.Errorf("the bank would say: %v", err)
		}
		if mac, err := base64.StdEncoding.DecodeString(form.Fields["VK_MAC"]); err != nil || len(mac) != 256 {
			t.Errorf("a MAC of %d bytes, %v", len(mac), err)
		}
		delete(form.Fields, "VK_MAC")
		want := banklink.Form{Action: "https://bank.example/banklink", Method: "POST", Fields: map[string]string{
			"VK_SERVICE": "1012", "VK_VERSION": version, "VK_SND_ID": "OPIQ", "VK_STAMP": "2600012345000000001", "VK_AMOUNT": "12.50", "VK_CURR": "EUR",
			"VK_REF": "26000123453", "VK_MSG": "Opiq 2600012345", "VK_RETURN": "https://opiq.example/v1/callbacks/banklink/swedbank",
			"VK_CANCEL": "https://opiq.example/v1/callbacks/banklink/swedbank", "VK_DATETIME": "2026-09-01T07:21:14+0300",
			"VK_ENCODING": "UTF-8", "VK_LANG": "EST",
		}}
		if diff := cmp.Diff(want, form); diff != "" {
			t.Error(diff)
		}
	}
}

func TestFormSpeaksTheBanksLanguages(t *testing.T) {
	l := open(t, agreement("009"))
	for code, want := range map[lang.Code]string{lang.Estonian: "EST", lang.English: "ENG", lang.Russian: "RUS", lang.Kazakh: "ENG"} {
		p := payment()
		p.Language = code
		if form, err := l.Form(keys().ours, p); err != nil || form.Fields["VK_LANG"] != want {
			t.Errorf("%s: %v, %v", code, form.Fields["VK_LANG"], err)
		}
	}
}

func TestFormRefusesWhatNoBankTakes(t *testing.T) {
	l := open(t, agreement("009"))
	for field, spoil := range map[string]func(*banklink.Payment){
		"no stamp":           func(p *banklink.Payment) { p.Stamp = "" },
		"a stamp of letters": func(p *banklink.Payment) { p.Stamp = "A1" },
		"a long stamp":       func(p *banklink.Payment) { p.Stamp = strings.Repeat("1", 21) },
		"nothing to pay":     func(p *banklink.Payment) { p.Amount = 0 },
		"a debt":             func(p *banklink.Payment) { p.Amount = -1 },
		"too much":           func(p *banklink.Payment) { p.Amount = 1_000_000_000_000 },
		"no reference":       func(p *banklink.Payment) { p.Reference = "" },
		"a wrong reference":  func(p *banklink.Payment) { p.Reference = "26000123454" },
		"a query":            func(p *banklink.Payment) { p.Return += "?VK_MAC=1" },
		"an empty query":     func(p *banklink.Payment) { p.Return += "?" },
		"a path only":        func(p *banklink.Payment) { p.Return = "/v1/callbacks/banklink/swedbank" },
		"a script":           func(p *banklink.Payment) { p.Return = "javascript://opiq.example/%0aalert(1)" },
		"a long address":     func(p *banklink.Payment) { p.Return += strings.Repeat("a", 255) },
		"no language":        func(p *banklink.Payment) { p.Language = "" },
		"no time":            func(p *banklink.Payment) { p.At = time.Time{} },
	} {
		p := payment()
		spoil(&p)
		if form, err := l.Form(keys().ours, p); !errors.Is(err, banklink.ErrPayment) {
			t.Errorf("%s: %v, %v", field, form, err)
		}
	}
}

func TestOpenRefusesABrokenAgreement(t *testing.T) {
	for field, spoil := range map[string]func(*banklink.Agreement){
		"url":      func(a *banklink.Agreement) { a.URL = "bank.example" },
		"merchant": func(a *banklink.Agreement) { a.Merchant = "" },
		"bank":     func(a *banklink.Agreement) { a.Bank = strings.Repeat("X", 16) },
		"version":  func(a *banklink.Agreement) { a.Version = "007" },
		"account":  func(a *banklink.Agreement) { a.Account = "" },
		"keys":     func(a *banklink.Agreement) { a.Keys = nil },
		"key 2":    func(a *banklink.Agreement) { a.Keys = append(a.Keys, "-----BEGIN PUBLIC KEY-----") },
		"key 1":    func(a *banklink.Agreement) { a.Keys[0] = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY"})) },
	} {
		a := agreement("009")
		spoil(&a)
		if _, err := banklink.Open(a); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestKeyReadsBothForms(t *testing.T) {
	eight, err := x509.MarshalPKCS8PrivateKey(keys().ours)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range []*pem.Block{
		{Type: "PRIVATE KEY", Bytes: eight, Headers: map[string]string{"Purpose": "test"}},
		{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(keys().ours)},
	} {
		if key, err := banklink.Key(string(pem.EncodeToMemory(block))); err != nil || !key.Equal(keys().ours) {
			t.Errorf("%s: %v", block.Type, err)
		}
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	old := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(short)}))
	for _, text := range []string{"", "key", public(keys().ours), old} {
		if _, err := banklink.Key(text); err == nil {
			t.Errorf("%q is a key", text)
		}
	}
}

func TestLinksOpenFromParameters(t *testing.T) {
	eight, err := x509.MarshalPKCS8PrivateKey(keys().ours)
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: eight}))
	agreed := func(url string) string {
		a := agreement("009")
		a.URL = url
		raw, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for _, c := range []struct {
		agreement string
		prod      bool
		want      string // in the error; empty is none
	}{
		{agreed("https://bank.example/banklink"), true, ""},
		{agreed("http://localhost:8080/_local/bank/lhv"), false, ""},
		{agreed("http://localhost:8080/_local/bank/lhv"), true, "lhv: " + banklink.ErrLocal.Error()},
		{agreed("https://localhost/_local/bank/lhv"), true, "lhv: " + banklink.ErrLocal.Error()},
		{agreed("https://127.0.0.1/bank"), true, "lhv: " + banklink.ErrLocal.Error()},
		{agreed("http://bank.example/banklink"), true, "lhv: " + banklink.ErrLocal.Error()},
		{agreed(""), false, "lhv: banklink: the agreement's url"},
		{"", false, "the agreement with lhv is not JSON"},
	} {
		links, err := banklink.Links(banklink.Banks(" lhv,"), map[string]string{"banks/lhv/agreement": c.agreement}, c.prod)
		if c.want == "" && (err != nil || links["lhv"] == nil) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s, prod %v: %v; want %q", c.agreement, c.prod, err, c.want)
		}
	}
	if got, err := banklink.Keys([]banklink.Bank{"seb"}, map[string]string{"banks/seb/key": key}); err != nil || !got["seb"].Equal(keys().ours) {
		t.Errorf("the key: %v", err)
	}
	if _, err := banklink.Keys([]banklink.Bank{"seb", "lhv"}, map[string]string{"banks/seb/key": key}); err == nil || !strings.HasPrefix(err.Error(), "lhv: ") {
		t.Errorf("a missing key: %v", err)
	}
}

// Whatever comes, Verify answers; and what it believes is what a bank has signed.
func FuzzVerify(f *testing.F) {
	l := open(f, agreement("009"))
	good := sign(f, keys().bank, paid("009"))
	want, err := l.Verify("swedbank", good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good.Encode())
	f.Add(sign(f, keys().other, paid("009")).Encode())
	f.Add("VK_SERVICE=1111&VK_VERSION=009&VK_MAC=AAAA&VK_ENCODING=WINDOWS-1257&VK_SND_NAME=%D5")
	f.Add("VK_SERVICE=1911&VK_VERSION=009&VK_STAMP=1&VK_STAMP=2")
	f.Fuzz(func(t *testing.T, query string) {
		for _, m := range []url.Values{parse(query), merge(good, parse(query))} {
			n, err := l.Verify("swedbank", m)
			if err != nil {
				if banklink.Reason(err) == "other" || n != (banklink.Notice{}) {
					t.Fatalf("%+v, %v", n, err)
				}
				continue
			}
			n.Automatic, n.Lang, n.PayerName = want.Automatic, want.Lang, want.PayerName // see encodings
			if n != want {
				t.Fatalf("believed %q: %s", query, cmp.Diff(want, n))
			}
		}
	})
}

func parse(query string) url.Values {
	m, err := url.ParseQuery(query)
	if err != nil {
		return url.Values{}
	}
	return m
}

// merge is a good message with some fields of another.
func merge(good, change url.Values) url.Values {
	m := maps.Clone(good)
	maps.Copy(m, change)
	return m
}

func BenchmarkForm(b *testing.B) {
	for _, version := range []string{"008", "009"} {
		b.Run(version, func(b *testing.B) {
			l := open(b, agreement(version))
			for b.Loop() {
				if _, err := l.Form(keys().ours, payment()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, version := range []string{"008", "009"} {
		b.Run(version, func(b *testing.B) {
			l, m := open(b, agreement(version)), sign(b, keys().bank, paid(version))
			for b.Loop() {
				if _, err := l.Verify("swedbank", m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
