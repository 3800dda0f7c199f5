package letter

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"opiq/local/golden"
	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/seller"
	"opiq/shared/words"
)

var site = Site{PublicURL: "https://opiq.example", Seller: seller.StarCloud}

const token = "c2VjcmV0-secret_token"

// facts are all facts by their names, as the rest of the program writes them.
var facts = map[string]string{
	"order": "2600012345", "license": "L-2600012345", "months": "3", "startsOn": "2026-09-01", "endsOn": "2026-12-01", "validThrough": "2026-11-30",
	"net": "1008", "vat": "242", "gross": "1250", "vatRate": "24", "amount": "1250", "terms": "2017-07-01", "placedAt": "2026-09-01T09:08:00Z",
	"paidAt": "2026-09-01T09:10:00Z", "method": "bank_link", "bank": "swedbank", "paymentNumber": "20260901-77", "reason": "duplicate",
	"startsAt": "2026-08-31T21:00:00Z", "endsAt": "2026-11-30T22:00:00Z", "zone": "Europe/Tallinn", "days": "14", "renewOn": "2026-12-01",
	"invoice": "2026-000123", "dueOn": "2026-09-15", "iban": "EE382200221020145685", "reference": "26000123453", "rf": "RF7526000123453",
	"payTo": "Star Cloud OÜ", "open": "1250", "received": "0", "expiresAt": "2026-09-29T21:00:00Z", "askedFor": "2026-09-01", "hold": "yes", "correction": "",
	"way": "transfer", "effect": "shortened", "credit": "2026-000124", "offset": "", "account": "9017", "card": "",
	"scope": "account", "group": "", "basis": "harmful", "since": "2026-09-01T09:08:00Z", "reviewOn": "2026-09-15", "still": "", "left": "",
	"signup": "abcdef-signup", "reset": "abcdef-3", "expires": "2026-09-01T10:08:00Z",
}

func write(k Kind, change func(map[string]string)) Letter {
	l := Letter{ID: ID("test/" + string(k)), Kind: k, Facts: map[string]string{}, CreatedAt: now}
	for _, name := range slices.Concat(kinds[k].facts, kinds[k].may) {
		l.Facts[name] = facts[name]
	}
	maps.Copy(l.Facts, map[Kind]map[string]string{
		PaymentPartial: {"amount": "500", "received": "500", "open": "750"}, Refund: {"reason": "agreed"},
	}[k])
	if change != nil {
		change(l.Facts)
	}
	return l
}

func tokenOf(k Kind) string {
	if kinds[k].page == "" {
		return ""
	}
	return token
}

func render(t *testing.T, l Letter, to Recipient) Message {
	t.Helper()
	m, err := Render(l, to, site, tokenOf(l.Kind))
	if err != nil {
		t.Fatalf("%s in %s: %v", l.Kind, to.Language, err)
	}
	return m
}

func TestEveryKindInEveryLanguage(t *testing.T) {
	for _, k := range Kinds() {
		for _, l := range lang.All {
			m := render(t, write(k, nil), Recipient{Address: mari.Address, Name: mari.Name, Language: l})
			name := fmt.Sprintf("%s.%s", k, l)
			golden.Check(t, "testdata/"+name+".txt", []byte("Subject: "+m.Subject+"\n\n"+m.Text))
			if l == lang.Estonian {
				golden.Check(t, "testdata/"+name+".html", []byte(m.HTML))
			}
			if m.Subject == "" || len([]rune(m.Subject)) > 60 {
				t.Errorf("%s: subject %q", name, m.Subject)
			}
			if strings.ContainsAny(m.Subject+m.Text, "{}[]") {
				t.Errorf("%s: something was left over", name)
			}
			for _, must := range []string{seller.StarCloud.Name, seller.StarCloud.Register, seller.StarCloud.Email, seller.StarCloud.Phone} {
				must = strings.ReplaceAll(must, " ", words.Space)
				if !strings.Contains(strings.ReplaceAll(m.Text, " ", words.Space), must) || !strings.Contains(strings.ReplaceAll(m.HTML, " ", words.Space), must) {
					t.Errorf("%s does not name %s", name, must)
				}
			}
			if !strings.Contains(m.HTML, `<html lang="`+string(l)+`">`) || strings.Contains(m.HTML, "<img") || strings.Contains(m.HTML, "<script") {
				t.Errorf("%s: html", name)
			}
			if !wellFormed(m.HTML) {
				t.Errorf("%s: html is not well-formed", name)
			}
		}
	}
}

// variants are what a letter says or leaves out as the facts are.
var variants = map[string]struct {
	kind   Kind
	change map[string]string
}{
	"invoice_rest":            {Invoice, map[string]string{"received": "500", "open": "750"}},
	"payment_reminder_rest":   {PaymentReminder, map[string]string{"received": "500", "open": "750"}},
	"payment_overdue_rest":    {PaymentOverdue, map[string]string{"received": "500", "open": "750"}},
	"order_expired_rest":      {OrderExpired, map[string]string{"received": "500"}},
	"payment_partial_page":    {PaymentPartial, map[string]string{"iban": "", "payTo": "", "reference": ""}},
	"payment_taken_back_page": {PaymentTakenBack, map[string]string{"iban": "", "payTo": "", "reference": ""}},
	"payment_taken_back_ours": {PaymentTakenBack, map[string]string{"correction": "yes"}},
	"payment_taken_back_part": {PaymentTakenBack, map[string]string{"hold": ""}},
	"payment_taken_back_card": {PaymentTakenBack, map[string]string{"card": "yes"}},
	"payment_receipt_card":    {PaymentReceipt, map[string]string{"method": "card", "bank": "", "paymentNumber": ""}},
	"payment_receipt_offset":  {PaymentReceipt, map[string]string{"method": "offset", "bank": "", "paymentNumber": "2600012399"}},
	"refund_card":             {Refund, map[string]string{"way": "card", "account": "", "effect": "annulled", "validThrough": "", "reason": "not_supplied"}},
	"refund_offset":           {Refund, map[string]string{"way": "offset", "account": "", "offset": "2600012399", "effect": "", "validThrough": "", "reason": "price_reduction"}},
	"refund_surplus":          {Refund, map[string]string{"account": "", "credit": "", "effect": "", "validThrough": "", "reason": "surplus"}},
	"refund_done_card":        {RefundDone, map[string]string{"way": "card", "account": ""}},
	"refund_done_offset":      {RefundDone, map[string]string{"way": "offset", "account": ""}},
	"refund_failed_card":      {RefundFailed, map[string]string{"way": "card"}},
	"refund_failed_offset":    {RefundFailed, map[string]string{"way": "offset"}},
	"license_restored_still":  {LicenseRestored, map[string]string{"still": "yes"}},
	"service_held_leak":       {ServiceHeld, map[string]string{"license": "", "basis": "credential_leak"}},
	"service_held_license":    {ServiceHeld, map[string]string{"scope": "license", "basis": "unpaid"}},
	"service_held_school":     {ServiceHeld, map[string]string{"scope": "group", "license": "", "group": "school", "basis": "infringes_ip"}},
	"service_held_class":      {ServiceHeld, map[string]string{"scope": "group", "license": "", "group": "class", "basis": "unacceptable"}},
	"service_resumed_license": {ServiceResumed, map[string]string{"scope": "license", "basis": "unpaid"}},
	"service_resumed_still":   {ServiceResumed, map[string]string{"license": "", "still": "yes", "basis": "false_data"}},
	"service_resumed_left":    {ServiceResumed, map[string]string{"scope": "group", "license": "", "group": "class", "left": "yes"}},
	"service_resumed_school":  {ServiceResumed, map[string]string{"scope": "group", "license": "", "group": "school", "basis": "infringes_ip"}},
	"service_ended_school":    {ServiceEnded, map[string]string{"scope": "group", "group": "school", "basis": "refuses_obligations"}},
	"order_annulled_nothing":  {OrderAnnulled, map[string]string{"amount": "0", "credit": ""}},
	"payment_receipt_late":    {PaymentReceipt, map[string]string{"method": "invoice", "bank": "", "paymentNumber": "", "askedFor": "2026-08-15"}},
}

// TestNothingIsPromisedThatIsStopped: whoever the service is stopped for reads the dates, and neither that works open nor that they can buy.
func TestNothingIsPromisedThatIsStopped(t *testing.T) {
	for _, k := range []Kind{LicenseActive, LicenseEndsSoon, LicenseEnded} {
		for _, l := range lang.All {
			m := render(t, write(k, nil), Recipient{Address: mari.Address, Name: mari.Name, Language: l, Stopped: true})
			golden.Check(t, fmt.Sprintf("testdata/%s_stopped.%s.txt", k, l), []byte("Subject: "+m.Subject+"\n\n"+m.Text))
			if m == render(t, write(k, nil), Recipient{Address: mari.Address, Name: mari.Name, Language: l}) {
				t.Errorf("%s in %s: %s", k, l, m.Text)
			}
		}
	}
}

func TestWhatIsNotNeededIsNotSaid(t *testing.T) {
	for name, c := range variants {
		for _, l := range lang.All {
			m := render(t, write(c.kind, func(f map[string]string) { maps.Copy(f, c.change) }), Recipient{Address: mari.Address, Name: mari.Name, Language: l})
			golden.Check(t, fmt.Sprintf("testdata/%s.%s.txt", name, l), []byte("Subject: "+m.Subject+"\n\n"+m.Text))
			if len([]rune(m.Subject)) > 60 {
				t.Errorf("%s in %s: subject %q", name, l, m.Subject)
			}
			if holes := regexp.MustCompile(`(?m)^[?!]\w|\n\n\n|  |: *$\n\n|, $|<p[^>]*></p>|\(\)`).FindString(m.Text + m.HTML); holes != "" {
				t.Errorf("%s in %s leaves %q", name, l, holes)
			}
		}
	}
}

// TestFactsThatMayBeAbsent: absent and empty are the same.
func TestFactsThatMayBeAbsent(t *testing.T) {
	for _, k := range Kinds() {
		absent := write(k, func(f map[string]string) {
			maps.DeleteFunc(f, func(name, _ string) bool { return slices.Contains(kinds[k].may, name) })
		})
		empty := write(k, func(f map[string]string) {
			for _, name := range kinds[k].may {
				f[name] = ""
			}
		})
		if render(t, absent, mari) != render(t, empty, mari) {
			t.Errorf("%s: absent and empty are not the same", k)
		}
	}
}

// TestPapersGoWithLettersThatSayHowToPayThem: what is attached is a fact that the letter cannot do without. Once a part is paid no
// reminder brings the code for bank apps that asks for the whole.
func TestPapersGoWithLettersThatSayHowToPayThem(t *testing.T) {
	var with, rest []Kind
	for _, k := range Kinds() {
		if l := write(k, func(f map[string]string) { f["invoice"], f["received"] = facts["invoice"], "500" }); l.Paper() != "" {
			rest = append(rest, k)
		}
		if l := write(k, func(f map[string]string) { f["invoice"] = facts["invoice"] }); l.Paper() != "" {
			with = append(with, k)
			if !slices.Contains(kinds[k].facts, "invoice") || l.Paper() != facts["invoice"] {
				t.Errorf("%s goes with %q", k, l.Paper())
			}
		}
	}
	if !slices.Equal(with, []Kind{Invoice, InvoiceCopy, PaymentOverdue, PaymentReminder}) || !slices.Equal(rest, []Kind{Invoice, InvoiceCopy}) {
		t.Errorf("%v; with a part paid %v", with, rest)
	}
}

// TestACreditInvoiceGoesWithTheLettersThatTellOfIt: where there is one, and with no other letter.
func TestACreditInvoiceGoesWithTheLettersThatTellOfIt(t *testing.T) {
	var with []Kind
	for _, k := range Kinds() {
		if l := write(k, func(f map[string]string) { f["credit"] = facts["credit"] }); l.Credit() == facts["credit"] {
			with = append(with, k)
		}
		if l := write(k, func(f map[string]string) { f["credit"] = "" }); l.Credit() != "" {
			t.Errorf("%s goes with %q", k, l.Credit())
		}
	}
	if !slices.Equal(with, []Kind{OrderAnnulled, Refund}) {
		t.Error(with)
	}
}

// TestNumbersStandAsBanksShowThem: groups of four, with spaces that a bank's form takes.
func TestNumbersStandAsBanksShowThem(t *testing.T) {
	text := render(t, write(Invoice, nil), mari).Text
	for _, must := range []string{": EE38 2200 2210 2014 5685\n", ": 2600 0123 453\n", ": RF75 2600 0123 453\n"} {
		if !strings.Contains(text, must) {
			t.Errorf("no %q in %s", must, text)
		}
	}
}

// TestAnEndIsSaidAsTheLastDayBeforeIt: nobody reads "until midnight" right.
func TestAnEndIsSaidAsTheLastDayBeforeIt(t *testing.T) {
	for at, want := range map[string]string{
		"2026-09-29T21:00:00Z": "29 September 2026", "2026-09-29T20:59:59Z": "29 September 2026", "2026-09-29T21:00:01Z": "30 September 2026",
	} {
		if got, ok := formats["expiresAt"](english, at, civil.Tallinn); !ok || strings.ReplaceAll(got, words.Space, " ") != want {
			t.Errorf("%s: %q", at, got)
		}
	}
}

func TestALineDependsOnAValueThatThereIs(t *testing.T) {
	values, facts := map[string]string{"yes": "1", "no": ""}, map[string]string{"yes": "ja"}
	for source, want := range map[string]string{
		"?yes a\n?no b\n!yes c\n!no d\n": "a\nd\n", "a\n?no b\nc": "a\nc", "?yes | x | {yes}\n": "| x | {yes}\n", "\n\n": "\n\n",
		"?yes=ja a\n?yes=jah b\n!yes=ja c\n!yes=1 d\n?no= e\n": "a\nd\ne\n", "?yes !no - a\n!no ?no b\n?yes=ja !yes c\n?yes ": "- a\n",
	} {
		if got, err := choose(source, values, facts); err != nil || got != want {
			t.Errorf("%q: %q %v", source, got, err)
		}
	}
	if _, err := choose("?yes ?maybe=1 a\n", values, facts); err == nil {
		t.Error("a line that depends on nothing was said")
	}
}

// TestTextsSayTheSame: a value that is used in one language is used in all, and so is every heading, row and link.
func TestTextsSayTheSame(t *testing.T) {
	marks := regexp.MustCompile(`\{\w+\}|(?m)^([?!]\w+(=\w+)? )*(## |- |\| )|^([?!]\w+(=\w+)? )+|\]\(|\n\n`)
	for _, k := range append(Kinds(), "foot") {
		var want []string
		for _, l := range lang.All {
			source, err := texts.ReadFile(fmt.Sprintf("texts/%s.%s.txt", k, l))
			if err != nil {
				t.Fatal(err)
			}
			got := marks.FindAllString(string(source), -1)
			slices.Sort(got)
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s.%s: %q, %s has %q", k, l, got, lang.All[0], want)
			}
		}
	}
	if files, _ := fs.Glob(texts, "texts/*"); len(files) != (len(kinds)+1)*len(lang.All) {
		t.Errorf("%d files", len(files))
	}
}

// TestNoSecrets is R-022: no password, no token but in the one link that lives an hour and says so, no address of the person.
func TestNoSecrets(t *testing.T) {
	for _, k := range Kinds() {
		for _, l := range lang.All {
			m := render(t, write(k, nil), Recipient{Address: mari.Address, Name: mari.Name, Language: l})
			links := strings.Count(m.Text, "?token="+token)
			if want := map[bool]int{true: 1}[kinds[k].page != ""]; links != want || strings.Count(m.Text, token) != want || strings.Count(m.HTML, token) != want {
				t.Errorf("%s in %s: %d links with a token", k, l, links)
			}
			if links > 0 && !strings.Contains(m.Text, "60") {
				t.Errorf("%s in %s does not say how long its link lives", k, l)
			}
			for _, secret := range []string{facts["signup"], facts["reset"], mari.Address} {
				if strings.Contains(m.Text+m.HTML+m.Subject, secret) {
					t.Errorf("%s in %s shows %s", k, l, secret)
				}
			}
			if named := strings.Contains(m.Text, mari.Name); named == kinds[k].stranger {
				t.Errorf("%s in %s: name is %t", k, l, named)
			}
		}
	}
}

// TestConfirmationIsComplete is: the durable copy of the contract.
func TestConfirmationIsComplete(t *testing.T) {
	for _, c := range []struct {
		language lang.Code
		must     []string
	}{
		{lang.Estonian, []string{"3 kuud", "10,08 €", "2,42 €", "12,50 €", "24%", "1. septembrist 2026 kuni 30. novembrini 2026", "kell 12.08 Eesti aja järgi", "§ 53 lg 4 p 7¹", "komisjon.ee"}},
		{lang.English, []string{"3 months", "€10.08", "€2.42", "€12.50", "24%", "from 1 September 2026 through 30 November 2026", "12:08 Estonian time", "§ 53(4) 7¹", "komisjon.ee"}},
		{lang.Russian, []string{"3 месяца", "10,08 €", "2,42 €", "12,50 €", "24 %", "с 1 сентября 2026 г. по 30 ноября 2026 г. включительно", "12:08 по эстонскому", "п. 7¹ ч. 4 § 53", "komisjon.ee"}},
		{lang.Kazakh, []string{"3 ай", "10,08 €", "2,42 €", "12,50 €", "24%", "2026 жылғы 1 қыркүйектен бастап 2026 жылғы 30 қарашаға дейін", "12:08, Эстония", "7¹-тармағы", "komisjon.ee"}},
	} {
		text := strings.ReplaceAll(render(t, write(OrderConfirmation, nil), Recipient{Address: mari.Address, Name: mari.Name, Language: c.language}).Text, words.Space, " ")
		for _, must := range append(c.must, "2600012345", "2017-07-01", "https://opiq.example/terms/order", "https://opiq.example/orders/2600012345") {
			if !strings.Contains(text, must) {
				t.Errorf("%s: no %q", c.language, must)
			}
		}
	}
}

func TestHostileNameStaysText(t *testing.T) {
	for _, name := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `{link} [click](https://evil.example)`, "Mari\r\nBcc: all@example.com\r\n\r\n<b>",
		"Mari\u2028\u202egnp.exe", "## Mari", "%s%d%!",
	} {
		m := render(t, write(LicenseActive, nil), Recipient{Address: mari.Address, Name: name, Language: lang.English})
		if !wellFormed(m.HTML) || strings.Contains(m.HTML, "<script") || strings.Contains(m.HTML, "<img") || strings.Contains(m.HTML, "evil.example\"") {
			t.Errorf("%q: %s", name, m.HTML)
		}
		first, _, _ := strings.Cut(m.Text, "\n\n")
		if strings.ContainsAny(first, "\r\n\u2028\u202e") || !strings.HasPrefix(first, "Hello ") {
			t.Errorf("%q: %q", name, first)
		}
	}
}

func TestNobodyIsGreetedByAnEmptyName(t *testing.T) {
	if m := render(t, write(LicenseActive, nil), Recipient{Address: mari.Address, Name: " \t", Language: lang.English}); !strings.HasPrefix(m.Text, "Hello,\n") {
		t.Errorf("%q", m.Text[:20])
	}
}

func TestLetterThatLacksSomethingIsNotWritten(t *testing.T) {
	for _, k := range Kinds() {
		for _, name := range kinds[k].facts {
			l := write(k, func(f map[string]string) { delete(f, name) })
			if _, err := Render(l, mari, site, tokenOf(k)); err == nil {
				t.Errorf("%s was written without %s", k, name)
			}
		}
	}
	for name, c := range map[string]struct {
		l     Letter
		to    Recipient
		token string
		want  error
	}{
		"unknown kind":           {Letter{Kind: "offer"}, mari, "", ErrKind},
		"unknown language":       {write(LicenseActive, nil), Recipient{Language: "fi"}, "", ErrLanguage},
		"link without token":     {write(Verify, nil), mari, "", ErrToken},
		"token without link":     {write(LicenseActive, nil), mari, token, ErrToken},
		"link of over an hour":   {write(Verify, func(f map[string]string) { f["expires"] = "2026-09-01T10:08:01Z" }), mari, token, ErrExpires},
		"amount with a dot":      {write(RefundCase, func(f map[string]string) { f["amount"] = "12.50" }), mari, "", ErrFact},
		"amount below zero":      {write(RefundCase, func(f map[string]string) { f["amount"] = "-1" }), mari, "", ErrFact},
		"reason that is none":    {write(RefundCase, func(f map[string]string) { f["reason"] = "mood" }), mari, "", ErrFact},
		"day not in the year":    {write(LicenseActive, func(f map[string]string) { f["validThrough"] = "2026-02-30" }), mari, "", ErrFact},
		"zone that is none":      {write(LicenseActive, func(f map[string]string) { f["zone"] = "Mars/Base" }), mari, "", ErrFact},
		"months that are none":   {write(OrderConfirmation, func(f map[string]string) { f["months"] = "0" }), mari, "", ErrFact},
		"instant without zone":   {write(PaymentReceipt, func(f map[string]string) { f["paidAt"] = "2026-09-01 09:10" }), mari, "", ErrFact},
		"day that may be, wrong": {write(PaymentReceipt, func(f map[string]string) { f["askedFor"] = "soon" }), mari, "", ErrFact},
		"due on no day":          {write(PaymentReminder, func(f map[string]string) { f["dueOn"] = "" }), mari, "", ErrFact},
		"expires at no instant":  {write(PaymentOverdue, func(f map[string]string) { f["expiresAt"] = "2026-09-29" }), mari, "", ErrFact},
		"no account to pay to":   {write(Invoice, func(f map[string]string) { f["iban"] = " " }), mari, "", ErrFact},
		"way that is none":       {write(Refund, func(f map[string]string) { f["way"] = "cash" }), mari, "", ErrFact},
		"effect that is none":    {write(Refund, func(f map[string]string) { f["effect"] = "doubled" }), mari, "", ErrFact},
		"shortened to no day":    {write(Refund, func(f map[string]string) { f["validThrough"] = "2026-02-30" }), mari, "", ErrFact},
		"refund without a cent":  {write(Refund, func(f map[string]string) { f["amount"] = "" }), mari, "", ErrFact},
	} {
		if _, err := Render(c.l, c.to, site, c.token); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestAnotherZoneIsNamed(t *testing.T) {
	l := write(LicenseEnded, func(f map[string]string) { f["zone"], f["startsAt"] = "Asia/Almaty", "2026-08-31T19:00:00Z" })
	if m := render(t, l, Recipient{Address: mari.Address, Name: mari.Name, Language: lang.English}); !strings.Contains(m.Text, "Asia/Almaty") ||
		!strings.Contains(strings.ReplaceAll(m.Text, words.Space, " "), "from 1 September 2026 through") {
		t.Error(m.Text)
	}
}

func TestABankWithoutANameIsSaidAsOpenBankingCallsIt(t *testing.T) {
	l := write(PaymentReceipt, func(f map[string]string) { f["bank"] = "citadele" })
	if m := render(t, l, Recipient{Address: mari.Address, Name: mari.Name, Language: lang.English}); !strings.Contains(m.Text, "bank link, citadele\n") {
		t.Error(m.Text)
	}
}

func TestCounts(t *testing.T) {
	months := formats["months"]
	for l, want := range map[lang.Code]map[string]string{
		lang.Estonian: {"1": "1 kuu", "3": "3 kuud", "12": "12 kuud"},
		lang.English:  {"1": "1 month", "3": "3 months", "12": "12 months"},
		lang.Russian:  {"1": "1 месяц", "3": "3 месяца", "6": "6 месяцев", "12": "12 месяцев", "21": "21 месяц", "24": "24 месяца"},
		lang.Kazakh:   {"1": "1 ай", "3": "3 ай", "12": "12 ай"},
	} {
		for n, said := range want {
			if got, ok := months(languages[l], n, civil.Tallinn); !ok || strings.ReplaceAll(got, words.Space, " ") != said {
				t.Errorf("%s: %q, want %q", l, got, said)
			}
		}
		for n := range 200 { // every form that CLDR asks for is there
			for _, unit := range []string{"months", "days"} {
				if got, _ := formats[unit](languages[l], strconv.Itoa(n), civil.Tallinn); strings.HasSuffix(got, words.Space) {
					t.Errorf("%s: %d %s have no form", l, n, unit)
				}
			}
		}
	}
}

func TestEveryMonthHasItsName(t *testing.T) {
	for l, w := range languages {
		names := map[string]bool{}
		for month := range 12 {
			d := civil.Date{Year: 2026, Month: 1, Day: 7}.AddMonths(month)
			for _, s := range []string{w.Date(d), w.Period(d, d), w.on(d)} {
				if strings.Contains(s, words.Space+words.Space) || strings.Contains(s, "  ") {
					t.Errorf("%s: %q", l, s)
				}
				names[s] = true
			}
		}
		if len(names) < 24 {
			t.Errorf("%s has only %d ways to say twelve days", l, len(names))
		}
	}
}

// TestEuros: whatever the language, the digits are those of the sum.
func TestEuros(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cents := rapid.Int64Range(0, 1_000_000_000_000).Draw(t, "cents")
		l := rapid.SampledFrom(lang.All).Draw(t, "language")
		said, ok := euros(languages[l], strconv.FormatInt(cents, 10), civil.Tallinn)
		digits := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, said)
		if want := fmt.Sprintf("%03d", cents); !ok || digits != want {
			t.Fatalf("%s: %d is %q", l, cents, said)
		}
	})
}

// TestLanguagesAreComplete: no language lacks a word that another has.
func TestLanguagesAreComplete(t *testing.T) {
	if !slices.Equal(slices.Sorted(maps.Keys(languages)), slices.Sorted(slices.Values(lang.All))) {
		t.Fatal("the languages are not those of the shop")
	}
	for l, w := range languages {
		for i := range reflect.TypeFor[speech]().NumField() {
			if reflect.ValueOf(w).Field(i).IsZero() {
				t.Errorf("%s has no %s", l, reflect.TypeFor[speech]().Field(i).Name)
			}
		}
		for reason := range english.reasons {
			for _, k := range []Kind{RefundCase, Refund} {
				render(t, write(k, func(f map[string]string) { f["reason"] = reason }), Recipient{Address: mari.Address, Name: mari.Name, Language: l})
			}
		}
		for _, method := range []string{"bank_link", "invoice", "card", "offset"} {
			render(t, write(PaymentReceipt, func(f map[string]string) { f["method"] = method }), Recipient{Address: mari.Address, Name: mari.Name, Language: l})
		}
		if len(w.reasons) != len(english.reasons) {
			t.Errorf("%s is not complete", l)
		}
	}
	for _, k := range kinds {
		for _, name := range slices.Concat(k.facts, k.may) {
			if _, known := facts[name]; !known {
				t.Errorf("the tests know no %s", name)
			}
		}
	}
}

var void = regexp.MustCompile("<meta[^>]*>")

// wellFormed tells whether every element that begins also ends, in order.
func wellFormed(page string) bool {
	for x := xml.NewDecoder(strings.NewReader(void.ReplaceAllString(page, ""))); ; {
		if _, err := x.Token(); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}
