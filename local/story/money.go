package story

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opiq/local/account"
	"opiq/shared/statement"
)

// Happens lets a thing happen at the bank, and answers what its statement says.
func (s *Shop) Happens(t testing.TB, what string, orders ...string) []statement.Entry {
	t.Helper()
	p := s.Visitor(t)
	told := Read[struct {
		Statement string
		Status    int
		Result    Imported
	}](p, p.Ask("POST", "/_local/account/statement", map[string]string{"case": what, "order": strings.Join(orders, ",")}), 200)
	all := s.Written(t, p.Send("GET", told.Statement, nil).Body)
	if told.Status != 200 || told.Result.New != len(all) || told.Result.Wrong > 0 {
		t.Fatalf("the shop says %d %+v", told.Status, told.Result)
	}
	return all
}

// Written are the entries of a statement.
func (s *Shop) Written(t testing.TB, xml []byte) (all []statement.Entry) {
	t.Helper()
	_, err := statement.Read(bytes.NewReader(xml), []string{Ours}, func(e statement.Entry) error {
		all = append(all, e)
		return nil
	})
	if err != nil {
		t.Fatalf("%v:\n%s", err, xml)
	}
	return all
}

// Ours is the account that money for invoices comes to, at Swedbank.
const Ours = "EE382200221020145685"

// Imported is what became of a statement.
type Imported struct {
	Statement, State, Account           string
	Entries, New, Known, Ignored, Wrong int
}

// Transfers writes a statement of these payments.
func Transfers(payments ...account.Payment) []byte {
	s := account.Statement{IBAN: Ours, Owner: "STAR CLOUD OÜ", Number: int(transferred.Add(1)), On: Today(), At: time.Now()}
	for _, p := range payments {
		ref := fmt.Sprintf("%s%08d-1", strings.ReplaceAll(s.On.String(), "-", ""), 90_000_000+transferred.Add(1)) // the stand-in's are times of the day
		s.Bookings = append(s.Bookings, account.Booking{Ref: ref, Payments: []account.Payment{p}})
	}
	return s.XML()
}

var transferred atomic.Int64

// Machine makes a key, and answers what its holder sends along.
func (s *Shop) Machine(t testing.TB, right string) []string {
	t.Helper()
	command := fmt.Sprintf(`{"key":{"name":"A bookkeeper's machine","right":%q}}`, right)
	out, err := s.Functions.Invoke(t.Context(), "staff", []byte(command))
	if err != nil {
		t.Fatal(err)
	}
	var key struct{ Secret string }
	if err := json.Unmarshal(out, &key); err != nil {
		t.Fatal(err)
	}
	s.Known.Add(key.Secret, "the secret of a key")
	return []string{"Authorization", "Bearer " + key.Secret}
}

// Hands hands a statement in.
func (p *Shopper) Hands(xml []byte, headers ...string) Answer {
	p.T.Helper()
	return p.Send("POST", p.Shop.URL+"/v1/statements", xml, append([]string{"Content-Type", "application/xml", "Sec-Fetch-Site", "same-origin"}, headers...)...)
}

// Somebody has an account.
var Somebody = account.Payer{Name: "KEEGI", IBAN: "EE637700771011212909"}
