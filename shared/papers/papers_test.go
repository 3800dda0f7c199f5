package papers

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ledongthuc/pdf"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"opiq/local/golden"
	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/money"
	"opiq/shared/order"
)

var seller = invoice.Seller{
	Name: "Star Cloud OÜ", Register: "12731921", VATNumber: "EE101762342", Address: "Lõõtsa 5, 11415 Tallinn", Email: "info@starcloud.ee", Phone: "5323 7793",
	Account: invoice.Account{IBAN: "EE382200221020145685", BIC: "HABAEE2X", Bank: "Swedbank"},
}

var school = invoice.Buyer{Name: "Õismäe Gümnaasium", RegistryCode: "75012345", VATNumber: "EE100200300", Address: "Õismäe tee 1, 13511 Tallinn"}

func bill(l lang.Code, b invoice.Buyer) invoice.Invoice {
	return invoice.Invoice{
		Number: "2026-000123", Order: "4815162342", Account: "mari", Buyer: b, Seller: seller, Language: l,
		IssuedOn: civil.Date{Year: 2026, Month: 11, Day: 22}, DueOn: civil.Date{Year: 2026, Month: 12, Day: 6}, Zone: civil.Tallinn, Months: 6,
		StartsOn: civil.Date{Year: 2026, Month: 12, Day: 1}, Price: money.Tax(20_00, 2400), IssuedAt: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
	}
}

func receipt(l lang.Code, number invoice.Number, b invoice.Buyer) invoice.Receipt {
	return invoice.Receipt{
		Order: "4815162342", Invoice: number, Buyer: b, Seller: seller, Language: l, Zone: civil.Tallinn, Months: 6,
		StartsOn: civil.Date{Year: 2026, Month: 12, Day: 3}, ValidThrough: civil.Date{Year: 2027, Month: 6, Day: 2}, Price: money.Tax(20_00, 2400),
		PaidOn: civil.Date{Year: 2026, Month: 12, Day: 3},
		Payments: []invoice.Paid{
			{Method: order.ByInvoice, Number: "2026113000123456-1", On: civil.Date{Year: 2026, Month: 11, Day: 30}, Amount: 10_00},
			{Method: order.BankLink, Bank: "lhv", Number: "987654", On: civil.Date{Year: 2026, Month: 12, Day: 3}, Amount: 14_80},
		},
	}
}

// credit is a quarter of the license that the receipt is about, not owed after all.
func credit(l lang.Code, number invoice.Number, b invoice.Buyer, reason string) invoice.Credit {
	return invoice.Credit{
		Number: "2026-000124", Order: "4815162342", Invoice: number, Account: "mari", Buyer: b, Seller: seller, Language: l,
		IssuedOn: civil.Date{Year: 2027, Month: 1, Day: 11}, Zone: civil.Tallinn, Months: 6,
		StartsOn: civil.Date{Year: 2026, Month: 12, Day: 3}, ValidThrough: civil.Date{Year: 2027, Month: 6, Day: 2},
		Price: money.Tax(20_00, 2400).Part(6_20, 0), Reason: reason, IssuedAt: time.Date(2027, 1, 11, 10, 0, 0, 0, time.UTC),
	}
}

func draw(t *testing.T, file []byte, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// read is the text of a paper as a library reads it that has nothing to do with ours, spaces of any width as one.
func read(t *testing.T, file []byte) string {
	t.Helper()
	r, err := pdf.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.GetPlainText()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(text)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(b)), " ")
}

// says is what each language's papers hold beside what is the same in all.
var says = map[lang.Code]struct{ invoice, receipt []string }{
	lang.Estonian: {
		[]string{"Ettemaksuarve nr 2026-000123", "Müüja", "Registrikood 12731921", "KMKR EE101762342", "Ostja", "Registrikood 75012345", "22. november 2026", "6. detsember 2026",
			"Opiqi kogu kasutuslitsents, 6 kuud", "Kehtib 1. detsembrist 2026 kuni 31. maini 2027", "Maksustatav käive 24% 20,00 €", "Käibemaks 24% 4,80 €", "Tasuda 24,80 €",
			"Kui raha laekub hiljem, hakkab see kehtima laekumise päeval ja kestab ikka terve ostetud aja."},
		[]string{"Arve-kviitung", "Kehtib 3. detsembrist 2026 kuni 2. juunini 2027", "pangaülekanne", "pangalink, LHV", "10,00 €", "14,80 €", "Kõik on tasutud."},
	},
	lang.English: {
		[]string{"Prepayment invoice No. 2026-000123", "Registry code 75012345", "VAT number EE101762342", "22 November 2026", "6 December 2026", "User license for the Opiq library, 6 months",
			"Valid from 1 December 2026 through 31 May 2027", "Taxable amount 24% €20.00", "VAT 24% €4.80", "Amount to pay €24.80", "still lasts its full time"},
		[]string{"Invoice and receipt", "bank transfer", "bank link, LHV", "€10.00", "€14.80", "Nothing is left to pay."},
	},
	lang.Russian: {
		[]string{"Счёт на предоплату № 2026-000123", "Продавец", "Регистрационный код 75012345", "22 ноября 2026 г.", "6 декабря 2026 г.", "6 месяцев",
			"с 1 декабря 2026 г. по 31 мая 2027 г. включительно", "Облагаемая сумма 24 % 20,00 €", "НДС 24 % 4,80 €", "К оплате 24,80 €", "продлится весь оплаченный срок"},
		[]string{"Счёт-квитанция", "банковский перевод", "банковская ссылка, LHV", "Всё оплачено."},
	},
	lang.Kazakh: {
		[]string{"Алдын ала төлем шоты № 2026-000123", "Сатып алушы", "Тіркеу нөмірі 75012345", "2026 жылғы 22 қараша", "2026 жылғы 6 желтоқсан", "6 ай", "ҚҚС 24% 4,80 €",
			"Төленуге тиіс сома 24,80 €", "сатып алынған мерзімі толық сақталады"},
		[]string{"Шот-түбіртек", "банк аударымы", "банк сілтемесі, LHV", "Ақысы толық төленді."},
	},
}

func TestAnInvoiceSaysAllThatTheLawWantsInEachLanguage(t *testing.T) {
	for _, l := range lang.All {
		file, err := Invoice(bill(l, school))
		text := read(t, draw(t, file, err))
		for _, want := range slices.Concat(says[l].invoice, []string{
			"Star Cloud OÜ", "Lõõtsa 5, 11415 Tallinn", "info@starcloud.ee", "5323 7793", "Õismäe Gümnaasium", "EE100200300", "Õismäe tee 1, 13511 Tallinn",
			"EE38 2200 2210 2014 5685", "HABAEE2X", "Swedbank", "4815 1623 424", "RF53 4815 1623 424",
		}) {
			if !strings.Contains(text, want) {
				t.Errorf("%s: there is no %q in:\n%s", l, want, text)
			}
		}
	}
}

func TestAReceiptSaysWhatWasPaidAndHow(t *testing.T) {
	for _, l := range lang.All {
		file, err := Receipt(receipt(l, "2026-000123", school))
		text := read(t, draw(t, file, err))
		for _, want := range slices.Concat(says[l].receipt, []string{"Star Cloud OÜ", "EE101762342", "Õismäe Gümnaasium", "2026-000123", "4815162342", "2026113000123456-1", "987654"}) {
			if !strings.Contains(text, want) {
				t.Errorf("%s: there is no %q in:\n%s", l, want, text)
			}
		}
	}
}

func TestAReceiptWithoutAnInvoiceHasTheOrdersNumber(t *testing.T) {
	file, err := Receipt(receipt(lang.Estonian, "", invoice.Buyer{Name: "Mari Maasikas"}))
	text := read(t, draw(t, file, err))
	if !strings.Contains(text, "Arve-kviitung nr 4815162342") || strings.Contains(text, "Ettemaksuarve") {
		t.Error(text)
	}
}

func TestACreditInvoiceSaysWhatIsNotOwedAndWhy(t *testing.T) {
	for l, all := range map[lang.Code][]string{
		lang.Estonian: {"Kreeditarve nr 2026-000124", "11. jaanuar 2027", "Krediteeritav arve 2026-000123", "Tellimus 4815162342", "Opiqi kogu kasutuslitsents, 6 kuud", "−1 5,00 € −5,00 €",
			"Litsentsi kehtivusaeg: 3. detsembrist 2026 kuni 2. juunini 2027", "Maksustatav käive 24% −5,00 €", "Käibemaks 24% −1,20 €", "Kokku −6,20 €", "Hinda alandati"},
		lang.English: {"Credit invoice No. 2026-000124", "11 January 2027", "Credited invoice 2026-000123", "Order 4815162342", "User license for the Opiq library, 6 months", "−1 €5.00 −€5.00",
			"License period: from 3 December 2026 through 2 June 2027", "Taxable amount 24% −€5.00", "VAT 24% −€1.20", "Total −€6.20", "The price was lowered"},
		lang.Russian: {"Кредит-счёт № 2026-000124", "11 января 2027 г.", "Исходный счёт 2026-000123", "Заказ 4815162342", "6 месяцев", "−1 5,00 € −5,00 €",
			"Срок лицензии: с 3 декабря 2026 г. по 2 июня 2027 г.", "Облагаемая сумма 24 % −5,00 €", "НДС 24 % −1,20 €", "Итого −6,20 €", "Цена снижена"},
		lang.Kazakh: {"Кредиттік шот-фактура № 2026-000124", "2027 жылғы 11 қаңтар", "Бастапқы шот 2026-000123", "Тапсырыс 4815162342", "6 ай", "−1 5,00 € −5,00 €",
			"Лицензия мерзімі: 2026 жылғы 3 желтоқсаннан", "Салық салынатын сома 24% −5,00 €", "ҚҚС 24% −1,20 €", "Барлығы −6,20 €", "баға төмендетілді"},
	} {
		file, err := Credit(credit(l, "2026-000123", school, "price_reduction"))
		text := read(t, draw(t, file, err))
		for _, want := range append(all, "Star Cloud OÜ", "12731921", "EE101762342", "Lõõtsa 5, 11415 Tallinn", "Õismäe Gümnaasium", "75012345", "EE100200300", "Õismäe tee 1, 13511 Tallinn") {
			if !strings.Contains(text, want) {
				t.Errorf("%s: there is no %q in:\n%s", l, want, text)
			}
		}
	}
}

func TestACreditInvoiceWithoutAnInvoiceNamesTheReceipt(t *testing.T) {
	file, err := Credit(credit(lang.Estonian, "", invoice.Buyer{Name: "Mari Maasikas"}, "agreed"))
	if text := read(t, draw(t, file, err)); !strings.Contains(text, "Krediteeritav arve-kviitung 4815162342") || strings.Contains(text, "Krediteeritav arve ") {
		t.Error(text)
	}
}

func TestEveryReasonOfACreditInvoiceHasWords(t *testing.T) {
	said := map[string]bool{}
	for _, reason := range []string{"system_error", "not_paid", "false_data", "breach", "not_supplied", "agreed", "price_reduction"} {
		for _, l := range lang.All {
			file, err := Credit(credit(l, "", school, reason))
			said[read(t, draw(t, file, err))] = true
		}
	}
	if len(said) != 7*len(lang.All) {
		t.Errorf("two of %d papers say the same", len(said))
	}
	for _, reason := range []string{"", "surplus", "invoice"} {
		if _, err := Credit(credit(lang.Estonian, "", school, reason)); !errors.Is(err, ErrReason) {
			t.Errorf("%q: %v", reason, err)
		}
	}
}

// squares are the rectangles of a picture in a page's content.
var (
	figure = regexp.MustCompile(`(?s)/Figure <</MCID \d+>> BDC\n(.*?)EMC`)
	square = regexp.MustCompile(`(?m)^([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re$`)
)

// scan draws the picture of a paper on a canvas, three dots to the point, and reads it with somebody else's reader of QR codes.
func scan(t *testing.T, file []byte) string {
	t.Helper()
	drawn := figure.FindSubmatch(file)
	if drawn == nil {
		t.Fatal("there is no picture")
	}
	canvas := image.NewGray(image.Rect(0, 0, 1800, 2600))
	for i := range canvas.Pix {
		canvas.Pix[i] = 255
	}
	for _, s := range square.FindAllSubmatch(drawn[1], -1) {
		var at [4]float64
		for i := range at {
			at[i], _ = strconv.ParseFloat(string(s[i+1]), 64)
		}
		for y := int(3 * at[1]); y < int(3*(at[1]+at[3])); y++ {
			for x := int(3 * at[0]); x < int(3*(at[0]+at[2])); x++ {
				canvas.SetGray(x, 2599-y, color.Gray{})
			}
		}
	}
	return readCode(t, canvas)
}

// readCode reads the QR code on a canvas.
func readCode(t *testing.T, canvas image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(canvas)
	if err != nil {
		t.Fatal(err)
	}
	read, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_CHARACTER_SET: "UTF-8"})
	if err != nil {
		t.Fatal(err)
	}
	if level := read.GetResultMetadata()[gozxing.ResultMetadataType_ERROR_CORRECTION_LEVEL]; level != "M" {
		t.Errorf("error correction level %v", level)
	}
	return read.GetText()
}

// stretch is a dark stretch of a code as SVG, and its module's place.
var stretch = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1H`)

func TestTheCodeOfAnInvoicePaysWhatIsLeft(t *testing.T) {
	i := bill(lang.Russian, school)
	svg, err := Code(i, 10_05)
	if err != nil {
		t.Fatal(err)
	}
	canvas := image.NewGray(image.Rect(0, 0, 400, 400))
	for n := range canvas.Pix {
		canvas.Pix[n] = 255
	}
	for _, s := range stretch.FindAllSubmatch(svg, -1) {
		var at [3]int
		for n := range at {
			at[n], _ = strconv.Atoi(string(s[n+1]))
		}
		draw := image.Rect(at[0]*8, at[1]*8, (at[0]+at[2])*8, (at[1]+1)*8)
		for y := draw.Min.Y; y < draw.Max.Y; y++ {
			for x := draw.Min.X; x < draw.Max.X; x++ {
				canvas.SetGray(x, y, color.Gray{})
			}
		}
	}
	if got := readCode(t, canvas); got != i.QR(10_05) || !strings.Contains(got, "EUR10.05") {
		t.Errorf("the code says %q", got)
	}
}

func TestTheCodeOnAnInvoicePaysIt(t *testing.T) {
	i := bill(lang.Kazakh, school)
	file, err := Invoice(i)
	const want = "BCD\n002\n1\nSCT\nHABAEE2X\nStar Cloud OÜ\nEE382200221020145685\nEUR24.80\n\nRF534815162342"
	if got := scan(t, draw(t, file, err)); got != i.QR(i.Price.Gross) || !strings.HasPrefix(got, want) {
		t.Errorf("the code says %q", got)
	}
}

// hostile are buyers whose names and addresses try to break a page.
var hostile = map[string]invoice.Buyer{
	"wide":         {Name: strings.Repeat("W", 100), RegistryCode: strings.Repeat("W", 15), VATNumber: strings.Repeat("W", 20), Address: strings.Repeat("W", 200)},
	"wide words":   {Name: strings.TrimSpace(strings.Repeat("WWWWWWWWW ", 10)), Address: strings.TrimSpace(strings.Repeat("Щ ", 100))},
	"no glyphs":    {Name: "漢字 👩‍👩‍👧 ไทย " + strings.Repeat("🦄", 50)},
	"controls":     {Name: "Mari\x00\x1b[31m\u202eskisaaM\u202c\r\nSelf 1\tx", Address: "(a) Tj ET \\) <</MCID 0>> EMC"},
	"not UTF-8":    {Name: "Mari \xff\xfe Maasikas"},
	"combined":     {Name: "Põhja e\u0301\u0302\u0303\u0304\u0305 Kool"},
	"hebrew":       {Name: "בית ספר"},
	"only spaces":  {Name: " \u00a0 \u2007 ", Address: "\u00a0"},
	"zero widths":  {Name: strings.Repeat("\u200b\u200d\ufeff", 30)},
	"private uses": {Name: "\ue000\U0010fffd\ufffe"},
}

func TestNoBuyerBreaksAPage(t *testing.T) {
	for name, b := range hostile {
		for _, l := range lang.All {
			file, err := Invoice(bill(l, b))
			if problem := untidy(draw(t, file, err)); problem != "" {
				t.Errorf("invoice for %s, %s: %s", name, l, problem)
			}
			file, err = Receipt(receipt(l, "2026-000123", b))
			if problem := untidy(draw(t, file, err)); problem != "" {
				t.Errorf("receipt for %s, %s: %s", name, l, problem)
			}
			file, err = Credit(credit(l, "", b, "price_reduction"))
			if problem := untidy(draw(t, file, err)); problem != "" {
				t.Errorf("credit invoice for %s, %s: %s", name, l, problem)
			}
		}
	}
}

func TestManyPaymentsGoOnToTheNextPage(t *testing.T) {
	r := receipt(lang.Estonian, "2026-000123", school)
	for n := range 40 {
		r.Payments = append(r.Payments, invoice.Paid{Method: order.ByInvoice, Number: fmt.Sprintf("WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW%03d", n), On: r.PaidOn, Amount: 1})
	}
	file, err := Receipt(r)
	if problem := untidy(draw(t, file, err)); problem != "" {
		t.Error(problem)
	}
	if text := read(t, file); !strings.Contains(text, "039") || bytes.Count(file, []byte("/Type /Page ")) < 3 {
		t.Errorf("%d pages: %s", bytes.Count(file, []byte("/Type /Page ")), text)
	}
}

var (
	widths = regexp.MustCompile(`/W \[1 \[([\d ]+)\]\]`)
	shown  = regexp.MustCompile(`BT /F(\d) ([\d.]+) Tf /C cs [\d. ]+ sc 1 0 0 1 ([\d.-]+) ([\d.-]+) Tm \[(.*?)\] TJ ET`)
	codes  = regexp.MustCompile(`<([0-9A-F]*)>|(-?\d+)`)
)

// line is a text as it stands in a file: where it begins and ends, and its baseline.
type line struct{ from, to, y, size float64 }

// lines are the texts of each page, measured with the widths that the file gives.
func lines(file []byte) (pages [][]line) {
	number := func(b []byte) float64 {
		n, _ := strconv.ParseFloat(string(b), 64)
		return n
	}
	var fonts [][]string
	for _, w := range widths.FindAllSubmatch(file, -1) {
		fonts = append(fonts, strings.Fields(string(w[1])))
	}
	for page := range bytes.SplitSeq(file, []byte("endstream")) {
		var all []line
		for _, s := range shown.FindAllSubmatch(page, -1) {
			l := line{number(s[3]), number(s[3]), number(s[4]), number(s[2])}
			for _, c := range codes.FindAllSubmatch(s[5], -1) {
				l.to -= number(c[2]) * l.size / 1000
				for code := range slices.Chunk(c[1], 4) {
					n, _ := strconv.ParseInt(string(code), 16, 32)
					l.to += number([]byte(fonts[int(number(s[1]))][n-1])) * l.size / 1000
				}
			}
			all = append(all, l)
		}
		if len(all) > 0 {
			pages = append(pages, all)
		}
	}
	return pages
}

// untidy tells of a text outside of the margins, or of two that overlap.
func untidy(file []byte) string {
	pages := lines(file)
	if len(pages) == 0 || len(pages) != bytes.Count(file, []byte("/Type /Page ")) {
		return fmt.Sprintf("%d pages with texts", len(pages))
	}
	for n, all := range pages {
		for i, a := range all {
			if a.from < 62 || a.to > 533.5 || a.y < 40 || a.y > 800 {
				return fmt.Sprintf("page %d: a text from %.1f to %.1f at %.1f", n+1, a.from, a.to, a.y)
			}
			for _, b := range all[i+1:] {
				if max(a.y-b.y, b.y-a.y) < 0.9*min(a.size, b.size) && a.from < b.to && b.from < a.to {
					return fmt.Sprintf("page %d: texts overlap: %v and %v", n+1, a, b)
				}
			}
		}
	}
	return ""
}

func TestAnUnknownLanguageIsAnError(t *testing.T) {
	for _, l := range []lang.Code{"", "fi", "../et"} {
		if _, err := Invoice(bill(l, school)); !errors.Is(err, ErrLanguage) {
			t.Errorf("%q: %v", l, err)
		}
		if _, err := Credit(credit(l, "", school, "agreed")); !errors.Is(err, ErrLanguage) {
			t.Errorf("%q: %v", l, err)
		}
	}
}

// TestTheSamePaperEachTime compares papers with what other processes made of the same records, by their sums.
func TestTheSamePaperEachTime(t *testing.T) {
	var sums strings.Builder
	for _, l := range lang.All {
		for kind, make := range map[string]func() ([]byte, error){
			"1-invoice": func() ([]byte, error) { return Invoice(bill(l, school)) },
			"2-receipt": func() ([]byte, error) { return Receipt(receipt(l, "", school)) },
			"3-credit":  func() ([]byte, error) { return Credit(credit(l, "2026-000123", school, "price_reduction")) },
		} {
			first, err := make()
			again, err2 := make()
			if err = errors.Join(err, err2); err != nil || !bytes.Equal(first, again) {
				t.Fatalf("%s %s is another each time (%v)", kind, l, err)
			}
			fmt.Fprintf(&sums, "%x  %s.%s\n", sha256.Sum256(first), kind[2:], l)
		}
	}
	lines := strings.SplitAfter(sums.String(), "\n")
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[min(66, len(a)):], b[min(66, len(b)):]) })
	golden.Check(t, filepath.Join("testdata", "sums.txt"), []byte(strings.Join(lines, "")))
}

func TestEachLanguageSaysTheSame(t *testing.T) {
	names := map[lang.Code][]string{}
	for _, l := range lang.All {
		source, err := texts.ReadFile("texts/" + string(l) + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		values := regexp.MustCompile(`\{\w+\}`)
		for line := range strings.Lines(string(source)) {
			name, text, ok := strings.Cut(strings.TrimSpace(line), ": ")
			if !ok || text == "" {
				t.Errorf("%s: %q", l, line)
			}
			found := values.FindAllString(text, -1)
			slices.Sort(found)
			names[l] = append(names[l], name+strings.Join(found, ""))
		}
	}
	for l, all := range maps.All(names) {
		if !slices.Equal(all, names[lang.Estonian]) {
			t.Errorf("%s has %v, Estonian %v", l, all, names[lang.Estonian])
		}
	}
}

func BenchmarkInvoice(b *testing.B) {
	i := bill(lang.Estonian, school)
	for b.Loop() {
		if _, err := Invoice(i); err != nil {
			b.Fatal(err)
		}
	}
}
