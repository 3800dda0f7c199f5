package main

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"opiq/local/account"
	"opiq/local/bank"
	"opiq/local/everypay"
	"opiq/local/run"
	"opiq/local/story"
	people "opiq/shared/account"
)

func TestNothingSecretIsWrittenDown(t *testing.T) {
	s := story.Shared(t)
	s.Tell(t, map[string]func(*testing.T){
		"TestAFamilyReadsFromTheFirstDayToTheLast": TestAFamilyReadsFromTheFirstDayToTheLast, "TestAForgottenPasswordIsReplacedAndEverySessionEnds": TestAForgottenPasswordIsReplacedAndEverySessionEnds,
		"TestTenWrongPasswordsAreEnough": TestTenWrongPasswordsAreEnough, "TestASchoolsInvoiceAlsoGoesToItsBookkeeper": TestASchoolsInvoiceAlsoGoesToItsBookkeeper,
		"TestAPersonDecidesWhatIsNotCertain": TestAPersonDecidesWhatIsNotCertain, "TestALargeStatementComesByAnUploadLink": TestALargeStatementComesByAnUploadLink,
		"TestALicenseIsPaidByCard": TestALicenseIsPaidByCard, "TestWhatCanGoWrongWhilePaying": TestWhatCanGoWrongWhilePaying,
		"TestMoneyGoesBackToTheAccountThatItCameFrom": TestMoneyGoesBackToTheAccountThatItCameFrom,
		"TestALicenseThroughItsWholeLife":             TestALicenseThroughItsWholeLife, "TestWhatSomebodyLeavesInAWorkIsTheirs": TestWhatSomebodyLeavesInAWorkIsTheirs,
		"TestAStrangersReportDoesNothingByItself": TestAStrangersReportDoesNothingByItself,
	})
	values, banks, err := bank.Local(s.URL, "/opiq/dev")
	if err != nil {
		t.Fatal(err)
	}
	banks.Close()
	cards := everypay.Open(everypay.Options{PublicURL: s.URL})
	agreed, err := cards.Parameters("/opiq/dev")
	if err != nil {
		t.Fatal(err)
	}
	cards.Close()
	maps.Copy(values, agreed)
	for name, v := range values {
		for line := range strings.Lines(v.Text) {
			if line = strings.TrimSpace(line); v.Secret && len(line) > 40 {
				s.Known.Add(line, "a line of "+name)
			}
		}
	}
	s.Known.Add(run.Origin, "the edge's word to the API")
	s.Known.Add(everypay.CardHolder, "the holder of a card")
	s.Known.Add(everypay.CardToken, "what a card can be charged by")
	s.Known.Add(everypay.Warning, "what the card provider thinks of a buyer")
	s.Known.Add("4111111111111111", "the number of a card")
	for _, p := range s.Staff {
		s.Known.Add(p.Password, "the password of "+p.Email)
	}
	if t.Logf("%d secrets", len(s.Known.What)); len(s.Known.What) < 40 {
		t.Error("these are too few")
	}
	s.Known.Add("$argon2id$", "the hash of a password")
	journal, answers := s.Journal.String(), s.Answers.String()
	for secret, what := range s.Known.In(journal) {
		t.Errorf("a line of the log holds %s: %s", what, around(journal, secret))
	}
	for secret, what := range s.Known.In(answers) {
		t.Errorf("an answer holds %s: %s", what, around(answers, secret))
	}
	if strings.Contains(journal, "X-Amz-Signature") {
		t.Errorf("a line of the log holds a link that opens a file: %s", around(journal, "X-Amz-Signature"))
	}
	table := everything(t, s)
	for secret, what := range s.Known.In(table) {
		if secret != "$argon2id$" {
			t.Errorf("the table holds %s: %s", what, secret)
		}
	}
	// Of a payer nothing is kept that has no use, and nobody's name, address or bank account is in a log.
	if strings.Contains(table+answers, account.PersonalCode) {
		t.Error("the personal code of a payer is kept")
	}
	personal := []string{"@example", "Maasikas", "Õunapuu", "Lepatriinu", "75012345", account.PersonalCode, story.Somebody.Name}
	l := s.Ledger(t)
	for _, e := range l.Entries {
		personal = append(personal, e.Bank.Other.Account, e.Bank.Other.Name)
	}
	for _, p := range l.Payments {
		personal = append(personal, p.Payer, p.PayerName)
	}
	for _, r := range l.Takedowns {
		personal = append(personal, r.Email, r.Name, r.Claim)
	}
	for _, n := range l.Notes {
		personal = append(personal, n.Text)
	}
	for _, x := range l.Lines {
		personal = append(personal, x.Query)
	}
	for _, personal := range personal {
		if personal != "" && strings.Contains(journal, personal) {
			t.Errorf("a line of the log holds personal data: %s", around(journal, personal))
		}
	}
	links := 0
	for _, m := range s.Mail.Mail("") {
		for secret, what := range s.Known.In(m.Subject + m.Text + m.HTML + strings.Join(m.Links, " ")) {
			if links++; s.Known.Owners[secret] != m.To {
				t.Errorf("the mail %q to %s holds %s", m.Subject, m.To, what)
			}
		}
	}
	if links == 0 || s.Journal.Len() == 0 || s.Answers.Len() == 0 {
		t.Error("there was nothing to look at")
	}
	// Nobody's mail names anybody else.
	for _, m := range s.Mail.Mail("") {
		for _, other := range l.Accounts {
			if address := string(other.Address); address != "" && address != m.To && strings.Contains(m.Text+m.HTML, address) {
				t.Errorf("the mail %q to %s names %s", m.Subject, m.To, address)
			}
		}
	}
	// Who says that a work is theirs is known to those who look after works, and to nobody else; a note to who wrote it.
	addresses := map[people.ID]people.Address{} // who closed an account and made another one got what both may
	for _, who := range l.Accounts {
		addresses[who.ID] = who.Address
	}
	for _, who := range l.Accounts {
		if who.Address == "" { // erased
			continue
		}
		gets := s.Got(string(who.Address)).String()
		for _, m := range s.Mail.Mail(string(who.Address)) {
			gets += m.Text + m.HTML
		}
		for _, r := range l.Takedowns {
			if !slices.Contains(who.Roles, people.Editor) && (strings.Contains(gets, r.Email) && r.Email != "" || strings.Contains(gets, r.Claim)) {
				t.Errorf("what %s gets tells who reported %s", who.Address, r.Work)
			}
		}
		for _, n := range l.Notes {
			if addresses[n.Account] != who.Address && n.Text != "" && strings.Contains(gets, n.Text) {
				t.Errorf("what %s gets holds the note of somebody else: %s", who.Address, around(gets, n.Text))
			}
		}
	}
	// Nor does what anybody gets who buys name an account that somebody paid from, were it their own.
	for _, who := range l.Accounts {
		if who.Address == "" {
			continue
		}
		gets := s.Got(string(who.Address)).String()
		for _, m := range s.Mail.Mail(string(who.Address)) {
			gets += m.Text + m.HTML
		}
		for _, p := range l.Payments {
			if len(who.Roles) == 0 && p.Payer != "" && strings.Contains(gets, p.Payer) {
				t.Errorf("what %s gets names the payer of order %s: %s", who.Address, p.Order, around(gets, p.Payer))
			}
		}
	}
}

func around(text, secret string) string {
	at := strings.Index(text, secret)
	return text[max(0, at-200):min(len(text), at+len(secret)+50)]
}

// everything is the whole table as text.
func everything(t *testing.T, s *story.Shop) string {
	t.Helper()
	name := s.Made.Tables["Table"]
	var all []map[string]any
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(s.AWS), &dynamodb.ScanInput{TableName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var items []map[string]any
		if err := attributevalue.UnmarshalListOfMaps(page.Items, &items); err != nil {
			t.Fatal(err)
		}
		all = append(all, items...)
	}
	var text strings.Builder
	plain := json.NewEncoder(&text)
	plain.SetEscapeHTML(false)
	if err := plain.Encode(all); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
