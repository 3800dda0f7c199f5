package invoice

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/terms"
)

var (
	noon = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	mari = account.Account{ID: "mari", FirstName: "Mari", LastName: "Maasikas", Language: lang.Russian, Accepted: []terms.Acceptance{{Document: terms.Use, Version: "2017-02-01"}}}
	desk = Desk{
		Accounts:  []Account{{"EE382200221020145685", "HABAEE2X", "Swedbank"}, {"EE171010123456789017", "EEUHEE2X", "SEB"}},
		VATNumber: "EE100000000", Address: "Näidise 1, 10001 Tallinn", DueDays: 14, RemindBefore: 3, RemindAfter: 2, ExpireAfter: 10,
	}
)

func day(s string) civil.Date {
	d, err := civil.Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

// ordered is Mari's order of six months.
func ordered(t testing.TB) order.Order {
	t.Helper()
	o, err := order.Place(mari, catalog.Shelf{}, order.Wish{Months: 6, StartsOn: day("2026-12-01"), OrderTerms: "2017-07-01", ImmediateSupply: true}, "key", noon)
	if err != nil {
		t.Fatal(err)
	}
	o.Number = "4815162342"
	return o
}

func TestASchoolAsksForAnInvoiceAndGetsIt(t *testing.T) {
	o := ordered(t)
	school := &Buyer{Name: "  Õismäe \u00a0 Gümnaasium ", RegistryCode: "7501 2345", VATNumber: "ee 100 200 300", Address: "Õismäe tee 1,  Tallinn", Email: " Arved@Oismae.Example.EE "}
	if wrong := school.Check(); wrong != nil {
		t.Fatal(wrong)
	}

	// The draft has everything but a number, and the order does not know of it.
	draft := desk.Draft(o, mari, school, noon.Add(300*time.Millisecond))
	want := Invoice{
		Order: "4815162342", Account: "mari", Language: lang.Russian, Zone: civil.Tallinn, Months: 6, Price: o.Price, IssuedAt: noon,
		Buyer:    Buyer{"Õismäe Gümnaasium", "75012345", "EE100200300", "Õismäe tee 1, Tallinn", "arved@oismae.example.ee"},
		Seller:   Seller{"Star Cloud OÜ", "12731921", "EE100000000", "Näidise 1, 10001 Tallinn", "info@starcloud.ee", "5323 7793", desk.Accounts[0]},
		IssuedOn: day("2026-11-22"), DueOn: day("2026-12-06"), StartsOn: day("2026-12-01"),
	}
	if diff := cmp.Diff(want, draft); diff != "" {
		t.Fatal(diff)
	}

	// A number makes it an invoice: the order is billed, and two letters go out, one of them to an address that nobody has proved.
	made, err := desk.Issue("2026-000123", draft, o, noon)
	if err != nil || made.Invoice.Number != "2026-000123" {
		t.Fatal(made.Invoice.Number, err)
	}
	bill := &order.Bill{
		Invoice: "2026-000123", Name: "Õismäe Gümnaasium", Code: "75012345", DueOn: day("2026-12-06"), RemindOn: day("2026-12-03"), OverdueOn: day("2026-12-08"),
		ExpiresOn: day("2026-12-17"), Account: "EE382200221020145685", PayTo: "Star Cloud OÜ",
	}
	if diff := cmp.Diff(bill, made.Order.Bill); diff != "" || made.Order.State != order.Placed {
		t.Error(made.Order.State, diff)
	}
	var sent []string
	for _, l := range made.Letters {
		sent = append(sent, fmt.Sprintf("%s %s to %s%s in %q about %s until %s", l.ID, l.Kind, l.Account, l.To, l.Language, l.Facts["reference"], l.Facts["dueOn"]))
	}
	if diff := cmp.Diff([]string{
		`invoice/2026-000123/invoice invoice to mari in "" about 48151623424 until 2026-12-06`,
		`invoice/2026-000123/copy invoice_copy to arved@oismae.example.ee in "ru" about 48151623424 until 2026-12-06`,
	}, sent); diff != "" {
		t.Error(diff)
	}

	// Asked for again it is the same invoice, however the wish is written; made out to somebody else it is refused.
	again := *school
	again.VATNumber = "EE100200300"
	for _, wish := range []*Buyer{nil, school, &again} {
		if i, err := made.Invoice.Repeat(wish); err != nil || i.Number != made.Invoice.Number {
			t.Error(i.Number, err)
		}
	}
	if _, err := made.Invoice.Repeat(&Buyer{Name: "Tallinna Linnavalitsus"}); !errors.Is(err, ErrOther) {
		t.Error(err)
	}
	if _, err := desk.Issue("2026-000124", draft, made.Order, noon.AddDate(0, 2, 0)); err == nil {
		t.Error("an expired order is invoiced")
	}
}

func TestAFamilysInvoiceIsMadeOutToWhoOrdered(t *testing.T) {
	draft := desk.Draft(ordered(t), mari, nil, noon)
	if diff := cmp.Diff(Buyer{Name: "Mari Maasikas"}, draft.Buyer); diff != "" {
		t.Error(diff)
	}
	made, err := desk.Issue("2026-000001", draft, ordered(t), noon)
	if err != nil || len(made.Letters) != 1 || made.Letters[0].Kind != letter.Invoice {
		t.Error(made.Letters, err)
	}
}

func TestAnInvoiceIsOfTheDayInTallinn(t *testing.T) {
	draft := desk.Draft(ordered(t), mari, nil, time.Date(2026, 12, 31, 22, 30, 0, 0, time.UTC))
	if draft.IssuedOn != day("2027-01-01") || draft.DueOn != day("2027-01-15") {
		t.Errorf("issued on %s, due on %s", draft.IssuedOn, draft.DueOn)
	}
}

func TestADeskThatNeverRemindsSetsNoDates(t *testing.T) {
	d := desk
	d.RemindBefore, d.RemindAfter = 0, 0
	if b := d.Bill(desk.Draft(ordered(t), mari, nil, noon)); !b.RemindOn.IsZero() || !b.OverdueOn.IsZero() {
		t.Errorf("%+v", b)
	}
}

func TestWhatPayersNeedToKnow(t *testing.T) {
	i := desk.Draft(ordered(t), mari, nil, noon)
	i.Number = "2026-000123"
	if i.ValidThrough() != day("2027-05-31") {
		t.Error(i.ValidThrough())
	}
	want := order.InvoiceDocument{
		Number: "2026-000123", DueOn: day("2026-12-06"), IBAN: "EE382200221020145685", BIC: "HABAEE2X", Reference: "48151623424", RF: "RF5348151623424",
		PayTo: "Star Cloud OÜ", Amount: 24_80, QR: "BCD\n002\n1\nSCT\nHABAEE2X\nStar Cloud OÜ\nEE382200221020145685\nEUR24.80\n\nRF5348151623424",
		MadeOutTo: order.BillTo{Name: "Mari Maasikas"},
	}
	if diff := cmp.Diff(want, i.Document(i.Price.Gross)); diff != "" {
		t.Error(diff)
	}
}

// TestTheCodeKeepsTheStandard: EPC069-12 v2.1, for any order and price.
func TestTheCodeKeepsTheStandard(t *testing.T) {
	i := desk.Draft(ordered(t), mari, nil, noon)
	rapid.Check(t, func(t *rapid.T) {
		i.Order = order.Number(rapid.StringMatching(`[1-9]\d{9}`).Draw(t, "order"))
		i.Price = money.Tax(money.Amount(rapid.Int64Range(1, 10_000_000).Draw(t, "net")), 2400)
		lines := strings.Split(i.QR(i.Price.Gross), "\n")
		if len(i.QR(i.Price.Gross)) > 331 || len(lines) != 10 || len(lines[5]) > 70 || lines[7] != "EUR"+i.Price.Gross.String() || lines[9] != i.Reference().RF() || len(lines[9]) > 35 {
			t.Fatalf("%q", i.QR(i.Price.Gross))
		}
	})
}

func TestNumbersAreOfTheirYearAndRise(t *testing.T) {
	for _, s := range []string{"2026-000001", "2026-999999", "2026-1000000"} {
		if n, ok := ParseNumber(s); !ok || string(n) != s {
			t.Errorf("%q is none", s)
		}
	}
	for _, s := range []string{"", "2026", "2026-", "-000001", "2026-000000", "2026-1", "2026-0000001", "26-000001", "1999-000001", "2026-00001x", "+2026-000001", "2026-+00001",
		"2026-000001 ", "2026-000001-1", "2026–000001", "２０２６-000001", "2026-99999999999999999999"} {
		if n, ok := ParseNumber(s); ok {
			t.Errorf("%q is %s", s, n)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		year, n := rapid.IntRange(2000, 9999).Draw(t, "year"), rapid.IntRange(1, 2_000_000).Draw(t, "n")
		if got, ok := ParseNumber(string(NumberOf(year, n))); !ok || got != NumberOf(year, n) {
			t.Fatalf("%s does not come back", NumberOf(year, n))
		}
	})
}

func TestWhatIsWrongWithABuyer(t *testing.T) {
	for _, c := range []struct {
		about string
		b     Buyer
		want  string
	}{
		{"all that there can be", Buyer{strings.Repeat("Õ", 100), strings.Repeat("A", 15), strings.Repeat("1", 15), strings.Repeat("Ж", 200), "a@b.ee"}, ""},
		{"spaces do not count", Buyer{Name: " a ", VATNumber: "EE 100 200 300 400 5", RegistryCode: "1234567-8"}, ""},
		{"no name", Buyer{}, "/buyer/name length"},
		{"a name of spaces", Buyer{Name: " \u00a0\u2003 "}, "/buyer/name length"},
		{"a name that nobody sees", Buyer{Name: "\u200b\u200d"}, "/buyer/name characters"},
		{"two lines", Buyer{Name: "a\nb", Address: "c\rd"}, "/buyer/name length, /buyer/address length"},
		{"turned around", Buyer{Name: "a\u202eb"}, "/buyer/name length"},
		{"no UTF-8", Buyer{Name: "a\xff"}, "/buyer/name length"},
		{"too long", Buyer{Name: strings.Repeat("a", 101), RegistryCode: strings.Repeat("1", 16), VATNumber: strings.Repeat("1", 16), Address: strings.Repeat("a", 201)},
			"/buyer/name length, /buyer/registryCode length, /buyer/vatNumber length, /buyer/address length"},
		{"codes that are none", Buyer{Name: "a", RegistryCode: "12<34", VATNumber: "ЕЕ100"}, "/buyer/registryCode characters, /buyer/vatNumber characters"},
		{"no address", Buyer{Name: "a", Email: "kool"}, "/buyer/email not_an_address"},
	} {
		var got []string
		for _, f := range c.b.Check() {
			got = append(got, f.Pointer+" "+f.Code)
		}
		if all := strings.Join(got, ", "); all != c.want {
			t.Errorf("%s: %q", c.about, all)
		}
	}
}

// TestABuyerWhoPassesIsWrittenWithinTheBounds: whatever is typed, what Check lets through fits its field.
func TestABuyerWhoPassesIsWrittenWithinTheBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := Buyer{
			rapid.String().Draw(t, "name"), rapid.StringMatching(`[ 0-9A-Za-z-]{0,20}`).Draw(t, "code"), rapid.StringMatching(`[ 0-9A-Za-z]{0,20}`).Draw(t, "vat"),
			rapid.String().Draw(t, "address"), "",
		}
		if b.Check() != nil {
			return
		}
		to := b.clean()
		if to.Name == "" || len([]rune(to.Name)) > 100 || len(to.RegistryCode) > 15 || len(to.VATNumber) > 15 || len([]rune(to.Address)) > 200 || to.clean() != to {
			t.Fatalf("%+v", to)
		}
	})
}

func TestADeskIsReadOrRefusedWhole(t *testing.T) {
	text, err := json.Marshal(desk)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ParseDesk(string(text))
	if err != nil || !cmp.Equal(desk, read) {
		t.Fatalf("%+v %v", read, err)
	}
	if diff := cmp.Diff([]string{"EE382200221020145685", "EE171010123456789017"}, read.IBANs()); diff != "" {
		t.Error(diff)
	}
	for about, change := range map[string]func(*Desk){
		"no account":              func(d *Desk) { d.Accounts = nil },
		"a wrong account":         func(d *Desk) { d.Accounts = []Account{{"EE382200221020145684", "HABAEE2X", "Swedbank"}} },
		"no bank":                 func(d *Desk) { d.Accounts = []Account{{"EE382200221020145685", "HABAEE2X", ""}} },
		"a wrong BIC":             func(d *Desk) { d.Accounts = []Account{{"EE382200221020145685", "HABA", "Swedbank"}} },
		"a VAT number of nobody":  func(d *Desk) { d.VATNumber = "12731921" },
		"no address":              func(d *Desk) { d.Address = "" },
		"due at once":             func(d *Desk) { d.DueDays = 0 },
		"reminds before it is":    func(d *Desk) { d.RemindBefore = 14 },
		"reminds after it is not": func(d *Desk) { d.RemindAfter = 10 },
		"a debt forgiven":         func(d *Desk) { d.Tolerance = -1 },
	} {
		d := desk
		change(&d)
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseDesk(string(text)); !errors.Is(err, ErrDesk) {
			t.Errorf("%s: %v", about, err)
		}
	}
	for _, text := range []string{"", "{", "null", "[]", `{"dueDays":"14"}`} {
		if _, err := ParseDesk(text); !errors.Is(err, ErrDesk) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
