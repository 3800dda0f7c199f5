// Package people is the small world that the events of the tests are about: Mari, who has bought, and Jaan, who has not.
//
// Everything about them is fixed, down to their cookies, so that what a function answers can be kept in a file. The
// package is for tests and never deployed.
package people

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"opiq/shared/account"
	"opiq/shared/banklink"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/license"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/table"
	"opiq/shared/terms"
	"opiq/shared/web"
)

// Noon is when every event happens: 22 November 2026, noon in Tallinn.
var Noon = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// Now is a clock that stands at Noon.
func Now() time.Time { return Noon }

// PublicURL is where the shop of the events is.
const PublicURL = "https://opiq.example"

// Pepper protects the passwords and links of the events.
var Pepper = []byte("test-pepper-for-events-and-goldens-only")

// Password is everybody's.
const Password = "kolm väikest põrsast"

// The people, by their accounts.
const (
	Mari account.ID = "11111111111111111111111111111111"
	Jaan account.ID = "22222222222222222222222222222222"
)

// Who and what works here, where Employ has been called: Liis looks after the money, and a machine hands in bank statements and
// shows this secret.
const Liis account.ID = "44444444444444444444444444444444"

// MachineSecret is that of the machine's key, and ProgramSecret that of a program that helps Liis.
var (
	MachineSecret = "opiq_" + strings.Repeat("A", 43)
	ProgramSecret = "opiq_" + strings.Repeat("B", 43)
)

// Token is the cookie that signs somebody in.
func Token(who account.ID) account.Token {
	token, err := account.ParseToken(string(who) + "." + strings.Repeat(string(who[:1]), 64))
	if err != nil {
		panic(err)
	}
	return token
}

// The orders of Mari: paid with a running license, paid with one that starts on 1 January, waiting to be paid.
const (
	Running order.Number = "1111111111"
	Ahead   order.Number = "1111111112"
	Waiting order.Number = "1111111113"
)

// Registration is Kati's, who has not proved her address yet.
var Registration = account.SignUpID(account.Address("kati@example.ee").Hash() + "-33333333333333333333333333333333")

var hash = sync.OnceValue(func() account.Hash { return account.NewPasswords(Pepper).Hash(Password) })

// Person is an account with everything that buying needs, signed in.
func Person(id account.ID, first, last string, language lang.Code) account.Account {
	return account.Account{
		ID: id, Address: account.Address(strings.ToLower(first) + "@example.ee"), FirstName: first, LastName: last, Language: language,
		Password:  hash(),
		Accepted:  []terms.Acceptance{{Document: terms.Use, Version: "2017-02-01", At: Noon, IP: "192.0.2.17"}},
		Sessions:  []account.Session{{ID: Token(id).Session(), CreatedAt: Noon, ExpiresAt: Noon.Add(account.SessionLives)}},
		CreatedAt: Noon,
	}
}

// MoveIn stores them all, with their sessions and orders.
func MoveIn(t testing.TB, s *table.Table) {
	t.Helper()
	ctx := t.Context()
	var err error
	mari, jaan := Person(Mari, "Mari", "Maasikas", lang.Estonian), Person(Jaan, "Jaan", "Jõgi", lang.Russian)
	for _, a := range []account.Account{mari, jaan} {
		used := account.SignUp{ID: account.SignUpID(a.Address.Hash() + "-" + string(a.ID)), Account: a, ExpiresAt: Noon.Add(account.Lives), UsedAt: Noon}
		err = errors.Join(err, s.Found(ctx, used))
	}
	kati := Person("33333333333333333333333333333333", "Kati", "Kask", lang.English)
	waiting := account.SignUp{ID: Registration, Account: kati, ExpiresAt: Noon.Add(account.Lives)}
	err = errors.Join(err, s.Keep(ctx, waiting, waiting.Letter(account.Account{}, Noon)))
	if err != nil {
		t.Fatal(err)
	}
	Buy(t, s, Running, civil.Date{Year: 2026, Month: 11, Day: 22}, true)
	Buy(t, s, Ahead, civil.Date{Year: 2027, Month: 1, Day: 1}, true)
	Buy(t, s, Waiting, civil.Date{Year: 2026, Month: 12, Day: 1}, false)
}

// Employ stores Liis and the machine's key, and answers the key.
func Employ(t testing.TB, s *table.Table) account.Key {
	t.Helper()
	liis := Person(Liis, "Liis", "Lepp", lang.Estonian)
	liis.Roles = []account.Role{account.Finance}
	act := account.Act{At: Noon, Actor: account.Operator.String(), What: account.Enrolled, Object: liis.Actor().String()}
	err := s.Enroll(t.Context(), account.Enlisted{Account: liis, Act: act})
	id, unread := account.ParseKey("Bearer " + MachineSecret)
	k := account.Key{ID: id, Name: "The bookkeeper's machine", Right: account.Statements, CreatedAt: Noon}
	if err := errors.Join(err, unread, s.ChangeKey(t.Context(), k, k.Made(account.Operator))); err != nil {
		t.Fatal(err)
	}
	return k
}

// Program stores the key of a program that helps Liis with what takes a right.
func Program(t testing.TB, s *table.Table, r account.Right) {
	t.Helper()
	id, err := account.ParseKey("Bearer " + ProgramSecret)
	k := account.Key{ID: id, Name: "A program that helps Liis", Right: r, CreatedAt: Noon}
	if err := errors.Join(err, s.ChangeKey(t.Context(), k, k.Made(account.Operator))); err != nil {
		t.Fatal(err)
	}
}

// Place places somebody's order of one month under a number.
func Place(t testing.TB, s *table.Table, who account.Account, n order.Number, startsOn civil.Date) order.Order {
	t.Helper()
	wish := order.Wish{Months: 1, StartsOn: startsOn, OrderTerms: "2017-07-01", ImmediateSupply: true}
	o, err := order.Place(who, catalog.Shelf{}, wish, string(n), Noon)
	if err != nil {
		t.Fatal(err)
	}
	o.Number = n
	if _, err := s.Place(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o
}

// Buy places Mari's order of one month under a number, begins to pay it at LHV, and pays it where that is wanted.
func Buy(t testing.TB, s *table.Table, n order.Number, startsOn civil.Date, pay bool) {
	t.Helper()
	o := Place(t, s, Person(Mari, "Mari", "Maasikas", lang.Estonian), n, startsOn)
	a, err := o.Start(order.Way{Method: order.BankLink, Bank: "lhv"}, string(n), lang.Estonian, nil, Noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Attempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if !pay {
		return
	}
	book := Book(t, s, n)
	change, _, err := payment.Settle(book, Paid(book.Attempts[0], "1"), Noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Settle(t.Context(), change); err != nil {
		t.Fatal(err)
	}
}

// Paid is what the bank says about an attempt that was paid, under the bank's own number of the payment.
func Paid(a order.Attempt, number string) banklink.Notice {
	return banklink.Notice{
		Bank: a.Bank, Service: banklink.Paid, Stamp: string(a.Stamp()), Number: number, Amount: a.Amount.String(), Currency: "EUR", Account: "EE597700771234567897",
		Payer: "EE171010123456789017", PayerName: "Mari Maasikas", Reference: string(a.Order.Reference()), At: "2026-11-22T12:00:00+0200",
	}
}

// License reads Mari's license of an order.
func License(t testing.TB, s *table.Table, n order.Number) license.License {
	t.Helper()
	_, b, err := s.Purchase(t.Context(), Token(Mari), n, Noon)
	if err != nil || b.License == nil {
		t.Fatalf("order %s has license %v (%v)", n, b.License, err)
	}
	return *b.License
}

// Answer is what a function answers to an event of API Gateway. A new cookie's secret is another each time: it is masked.
func Answer(t testing.TB, routes web.Routes, event []byte) events.APIGatewayV2HTTPResponse {
	t.Helper()
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &e); err != nil {
		t.Fatal(err)
	}
	out, err := routes.Handle(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range out.Cookies {
		out.Cookies[i] = secret.ReplaceAllString(c, "$1<secret>")
	}
	return out
}

var secret = regexp.MustCompile(`(\.)[0-9a-f]{64}`)

// Request is an event of API Gateway for a route: somebody's, who may be nobody, with path parameters and a JSON body.
func Request(route string, who account.ID, path map[string]string, body any) events.APIGatewayV2HTTPRequest {
	method, _, _ := strings.Cut(route, " ")
	e := events.APIGatewayV2HTTPRequest{RouteKey: route, PathParameters: path, Headers: map[string]string{"idempotency-key": "once"}}
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.SourceIP = method, "192.0.2.17"
	if who != "" {
		e.Cookies = []string{"__Host-session=" + Token(who).String()}
	}
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		e.Headers["content-type"], e.Body = "application/json", string(b)
	}
	return e
}
