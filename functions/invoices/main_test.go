package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/ledongthuc/pdf"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/civil"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/table"
	"opiq/shared/web"
)

func open(cfg aws.Config, name string) invoices {
	return invoices{table.Open(cfg, name), people.Desk.Seller(), web.CookieAt(people.PublicURL), people.Now}
}

// owed is an order of Mari's with an invoice to herself; the one that waits has an invoice to her school; the one ahead was paid by
// bank link, and is given back.
const owed order.Number = "1111111114"

func moveIn(t testing.TB, s *table.Table) {
	people.MoveIn(t, s)
	people.Invoice(t, s, people.Waiting, &people.School)
	people.Buy(t, s, owed, civil.Date{Year: 2026, Month: 12, Day: 1}, false)
	people.Invoice(t, s, owed, nil)
	people.GiveBack(t, s, people.Ahead, payment.Ask{Reason: payment.Agreed, Key: "once"}, people.Noon)
}

// file is the content of an answer.
func file(t testing.TB, out events.APIGatewayV2HTTPResponse) []byte {
	t.Helper()
	if !out.IsBase64Encoded {
		return []byte(out.Body)
	}
	b, err := base64.StdEncoding.DecodeString(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// text is what stands in a PDF.
func text(t testing.TB, file []byte) string {
	t.Helper()
	r, err := pdf.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := r.GetPlainText()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(b)), " ")
}

// TestEvents keeps of a PDF its fingerprint and its text.
func TestEvents(t *testing.T) {
	golden.Events(t, "invoices", func(t *testing.T, _ string, event []byte) any {
		cfg, name := stage.Table(t)
		moveIn(t, table.Open(cfg, name))
		out := people.Answer(t, open(cfg, name).routes(), event)
		if out.Headers["Content-Type"] == "application/pdf" {
			b := file(t, out)
			out.Body = fmt.Sprintf("%x %s", sha256.Sum256(b), text(t, b))
		}
		return out
	})
}

// ask is what Mari gets for a paper of an order.
func ask(t testing.TB, i invoices, n order.Number, paper string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	route, path := "GET /v1/orders/{number}/"+paper, map[string]string{"number": string(n)}
	if name, ok := strings.CutPrefix(paper, "credits/"); ok {
		route, path["credit"] = "GET /v1/orders/{number}/credits/{credit}", name
	}
	out, err := i.routes().Handle(t.Context(), people.Request(route, people.Mari, path, nil))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnOrderThatWasPaidInTwoPartsHasAReceiptOfBoth(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	moveIn(t, s)
	i := open(cfg, name)

	people.Transfer(t, s, people.Waiting, 2_00, 1, people.Noon)
	if out := ask(t, i, people.Waiting, "receipt.pdf"); out.StatusCode != 409 || !strings.Contains(out.Body, "order_not_paid") {
		t.Fatalf("of an order that is paid in part: %d %s", out.StatusCode, out.Body)
	}
	people.Transfer(t, s, people.Waiting, 2_96, 2, people.Noon.AddDate(0, 0, 12))
	out := ask(t, i, people.Waiting, "receipt.pdf")
	if out.StatusCode != 200 {
		t.Fatalf("%d %s", out.StatusCode, out.Body)
	}
	got := text(t, file(t, out))
	for _, want := range []string{
		"Arve-kviitung nr 2026-000001", people.School.Name, "22. november 2026 pangaülekanne 1 2,00 €", "4. detsember 2026 pangaülekanne 2 2,96 €",
		"Kehtib 4. detsembrist 2026 kuni 3. jaanuarini 2027", "Laekunud kokku 4,96 €",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in %s", want, got)
		}
	}

	people.TakeBack(t, s, people.Waiting, people.Noon.AddDate(0, 0, 13))
	if out := ask(t, i, people.Waiting, "receipt.pdf"); out.StatusCode != 409 {
		t.Errorf("of an order whose money went back: %d %s", out.StatusCode, out.Body)
	}
}

func TestACreditInvoiceIsMadeOutAsItsInvoiceAndStaysAsItWas(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	moveIn(t, s)
	i := open(cfg, name)
	people.Transfer(t, s, people.Waiting, 4_96, 1, people.Noon)
	third, rest := money.Amount(1_65), money.Amount(3_31)
	people.GiveBack(t, s, people.Waiting, payment.Ask{Reason: payment.PriceReduction, Amount: &third, Key: "a third"}, people.Noon)
	before := ask(t, i, people.Waiting, "credits/2026-000004.pdf")
	people.GiveBack(t, s, people.Waiting, payment.Ask{Reason: payment.NotSupplied, Amount: &rest, Key: "and the rest"}, people.Noon.AddDate(0, 1, 20))

	for credit, want := range map[string][]string{
		"2026-000004": {"Kreeditarve nr 2026-000004", people.School.Name, "Krediteeritav arve 2026-000001", "Käibemaks 24% −0,32 €", "Kokku −1,65 €", "Hinda alandati"},
		"2027-000001": {"Kreeditarve nr 2027-000001", people.School.Name, "Krediteeritav arve 2026-000001", "Käibemaks 24% −0,64 €", "Kokku −3,31 €", "Tellitut ei ole võimalik anda"},
	} {
		out := ask(t, i, people.Waiting, "credits/"+credit+".pdf")
		got := text(t, file(t, out))
		for _, want := range want {
			if !strings.Contains(got, want) {
				t.Errorf("there is no %q in %s", want, got)
			}
		}
	}
	if after := ask(t, i, people.Waiting, "credits/2026-000004.pdf"); after.StatusCode != 200 || after.Body != before.Body {
		t.Errorf("%d, and it is another after more was credited", after.StatusCode)
	}
}

func TestTheInvoiceStaysAsItWas(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	moveIn(t, s)
	i := open(cfg, name)
	papers := []string{"invoice.pdf", "invoice.xml"}
	before := map[string]string{}
	for _, p := range papers {
		before[p] = ask(t, i, people.Waiting, p).Body
	}
	people.Transfer(t, s, people.Waiting, 4_96, 1, people.Noon)
	for _, p := range papers {
		if ask(t, i, people.Waiting, p).Body != before[p] {
			t.Errorf("%s is another after the order was paid", p)
		}
	}
}

func TestNobodyIsAskedByACodeForWhatTheyNeedNotPay(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	moveIn(t, s)
	i := open(cfg, name)
	whole := ask(t, i, people.Waiting, "invoice.svg")
	people.Transfer(t, s, people.Waiting, 2_00, 1, people.Noon)
	if rest := ask(t, i, people.Waiting, "invoice.svg"); rest.StatusCode != 200 || rest.Body == whole.Body {
		t.Errorf("%d, and after a part was paid the code is the same", rest.StatusCode)
	}
	people.Transfer(t, s, people.Waiting, 2_96, 2, people.Noon)
	if out := ask(t, i, people.Waiting, "invoice.svg"); out.StatusCode != 409 || !strings.Contains(out.Body, "order_paid") {
		t.Errorf("of a paid invoice: %d %s", out.StatusCode, out.Body)
	}
}

func TestWhichFormatIsWanted(t *testing.T) {
	for _, c := range []struct{ query, accept, want string }{
		{"", "", "earve"}, {"", "*/*", "earve"}, {"", "text/html, application/xml;q=0.9, */*;q=0.8", "earve"},
		{"format=ubl", "application/json", "ubl"}, {"format=earve", "", "earve"}, {"format=", "", "422"}, {"format=UBL", "", "422"},
		{"", "application/xml;format=ubl", "ubl"}, {"", "application/xml;format=ubl;q=0.5, */*;q=0.1", "ubl"}, {"", "application/xml;format=ubl;q=0.5, text/xml", "earve"},
		{"", "application/xml;format=docx", "406"}, {"", "application/xml;q=0", "406"}, {"", "application/json", "406"}, {"", "nonsense;;;", "406"},
	} {
		cookie := people.Request("GET /v1/orders/{number}/invoice.xml", people.Mari, nil, nil)
		cookie.RawQueryString, cookie.Headers["accept"] = c.query, c.accept
		routes := web.Routes{cookie.RouteKey: func(_ context.Context, r web.Request) (web.Response, error) {
			format, err := wanted(r)
			return web.OK(format), err
		}}
		out, err := routes.Handle(t.Context(), cookie)
		if got := strings.Trim(out.Body, `"`); err != nil || got != c.want && fmt.Sprint(out.StatusCode) != c.want {
			t.Errorf("%q %q: %d %s (%v)", c.query, c.accept, out.StatusCode, out.Body, err)
		}
	}
}

func TestAskingWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, name := stage.Table(t)
		moveIn(t, table.Open(cfg, name))
		routes := open(broken(cfg), name).routes()
		return func(ctx context.Context) error {
			path := map[string]string{"number": string(people.Ahead), "credit": "2026-000003.pdf"}
			out, err := routes.Handle(ctx, people.Request("GET /v1/orders/{number}/credits/{credit}", people.Mari, path, nil))
			if err == nil && out.StatusCode != 200 {
				err = fmt.Errorf("%d", out.StatusCode)
			}
			return err
		}, func(*testing.T) {}
	})
}
