package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"opiq/local/account"
	"opiq/local/bank"
	"opiq/local/everypay"
)

// secrets are what nobody may find anywhere but where it belongs, with what each is.
type secrets struct {
	mu     sync.Mutex
	what   map[string]string
	owners map[string]string // of the links in mails: whose mailbox they belong into
}

func (s *secrets) add(text, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.what == nil {
		s.what, s.owners = map[string]string{}, map[string]string{}
	}
	s.what[text] = what
}

// password makes one that stands nowhere else.
func (s *secrets) password(n int64) string {
	word := fmt.Sprintf("Kanaarilind-%d-õö laulab", n)
	s.add(word, "a password")
	return word
}

// cookie knows the secret half of a session's cookie.
func (s *secrets) cookie(value string) {
	if _, secret, ok := strings.Cut(value, "."); ok {
		s.add(secret, "the secret of a session")
	}
}

// token knows what makes a link in a mail valid.
func (s *secrets) token(token, owner string) {
	proof := token[strings.LastIndexByte(token, '.')+1:]
	s.add(proof, "the token of a link")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owners[proof] = owner
}

// in are the secrets that a text holds, by what they are.
func (s *secrets) in(text string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string]string{}
	for secret, what := range s.what {
		if strings.Contains(text, secret) {
			found[secret] = what
		}
	}
	return found
}

func TestNothingSecretIsWrittenDown(t *testing.T) {
	s := story(t)
	s.tell(t, map[string]func(*testing.T){
		"TestAFamilyReadsFromTheFirstDayToTheLast": TestAFamilyReadsFromTheFirstDayToTheLast, "TestAForgottenPasswordIsReplacedAndEverySessionEnds": TestAForgottenPasswordIsReplacedAndEverySessionEnds,
		"TestTenWrongPasswordsAreEnough": TestTenWrongPasswordsAreEnough, "TestASchoolsInvoiceAlsoGoesToItsBookkeeper": TestASchoolsInvoiceAlsoGoesToItsBookkeeper,
		"TestAPersonDecidesWhatIsNotCertain": TestAPersonDecidesWhatIsNotCertain, "TestALargeStatementComesByAnUploadLink": TestALargeStatementComesByAnUploadLink,
		"TestALicenseIsPaidByCard": TestALicenseIsPaidByCard, "TestWhatCanGoWrongWhilePaying": TestWhatCanGoWrongWhilePaying,
		"TestMoneyGoesBackToTheAccountThatItCameFrom": TestMoneyGoesBackToTheAccountThatItCameFrom,
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
				s.known.add(line, "a line of "+name)
			}
		}
	}
	s.known.add(everypay.CardHolder, "the holder of a card")
	s.known.add(everypay.CardToken, "what a card can be charged by")
	s.known.add(everypay.Warning, "what the card provider thinks of a buyer")
	s.known.add("4111111111111111", "the number of a card")
	s.known.add(s.Staff.Password, "the password of the staff account")
	if t.Logf("%d secrets", len(s.known.what)); len(s.known.what) < 40 {
		t.Error("these are too few")
	}
	s.known.add("$argon2id$", "the hash of a password")
	journal, answers := s.journal.String(), s.answers.String()
	for secret, what := range s.known.in(journal) {
		t.Errorf("a line of the log holds %s: %s", what, around(journal, secret))
	}
	for secret, what := range s.known.in(answers) {
		t.Errorf("an answer holds %s: %s", what, around(answers, secret))
	}
	table := everything(t, s)
	for secret, what := range s.known.in(table) {
		if secret != "$argon2id$" {
			t.Errorf("the table holds %s: %s", what, secret)
		}
	}
	// Of a payer nothing is kept that has no use, and nobody's name, address or bank account is in a log.
	if strings.Contains(table+answers, account.PersonalCode) {
		t.Error("the personal code of a payer is kept")
	}
	personal := []string{"@example", "Maasikas", "Õunapuu", "Lepatriinu", "75012345", account.PersonalCode, somebody.Name}
	l := s.ledger(t)
	for _, e := range l.Entries {
		personal = append(personal, e.Bank.Other.Account, e.Bank.Other.Name)
	}
	for _, p := range l.Payments {
		personal = append(personal, p.Payer, p.PayerName)
	}
	for _, personal := range personal {
		if personal != "" && strings.Contains(journal, personal) {
			t.Errorf("a line of the log holds personal data: %s", around(journal, personal))
		}
	}
	links := 0
	for _, m := range s.Mail.Mail("") {
		for secret, what := range s.known.in(m.Subject + m.Text + m.HTML + strings.Join(m.Links, " ")) {
			if links++; s.known.owners[secret] != m.To {
				t.Errorf("the mail %q to %s holds %s", m.Subject, m.To, what)
			}
		}
	}
	if links == 0 || s.journal.Len() == 0 || s.answers.Len() == 0 {
		t.Error("there was nothing to look at")
	}
	// Nobody's mail names anybody else.
	for _, m := range s.Mail.Mail("") {
		for _, other := range l.Accounts {
			if address := string(other.Address); address != m.To && strings.Contains(m.Text+m.HTML, address) {
				t.Errorf("the mail %q to %s names %s", m.Subject, m.To, address)
			}
		}
	}
	// Nor does what anybody gets who buys name an account that somebody paid from, were it their own.
	for _, who := range l.Accounts {
		gets := s.got(string(who.Address)).String()
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
func everything(t *testing.T, s *shop) string {
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
