// Invoices gives buyers their papers: the invoice, the receipt and credit invoices as PDF, the invoice for bookkeeping programs, and the
// code by which a bank's app pays it.
//
//	GET /v1/orders/{number}/invoice.pdf
//	GET /v1/orders/{number}/invoice.xml
//	GET /v1/orders/{number}/invoice.svg
//	GET /v1/orders/{number}/receipt.pdf
//	GET /v1/orders/{number}/credits/{credit}
package main

import (
	"context"
	"log"
	"mime"
	"strconv"
	"strings"
	"time"

	"opiq/shared/account"
	"opiq/shared/cloud"
	"opiq/shared/einvoice"
	"opiq/shared/invoice"
	"opiq/shared/order"
	"opiq/shared/papers"
	"opiq/shared/payment"
	"opiq/shared/problem"
	"opiq/shared/secret"
	"opiq/shared/table"
	"opiq/shared/web"
)

type store interface {
	Purchase(context.Context, account.Token, order.Number, time.Time) (account.Account, payment.Book, error)
	Credit(context.Context, order.Number, invoice.Number) (invoice.Credit, error)
}

type invoices struct {
	store  store
	seller invoice.Seller // of a receipt without an invoice
	cookie web.Cookie
	now    func() time.Time
}

func main() {
	log.SetPrefix("invoices: ")
	cfg := cloud.Config()
	desk := secret.Desk(cfg, cloud.Env("SECRETS"))
	web.Start(invoices{table.Open(cfg, cloud.Env("TABLE")), desk.Seller(), web.CookieAt(cloud.Env("PUBLIC_URL")), time.Now}.routes())
}

func (i invoices) routes() web.Routes {
	return web.Routes{
		"GET /v1/orders/{number}/invoice.pdf": i.pdf, "GET /v1/orders/{number}/invoice.xml": i.xml, "GET /v1/orders/{number}/invoice.svg": i.code,
		"GET /v1/orders/{number}/receipt.pdf": i.receipt, "GET /v1/orders/{number}/credits/{credit}": i.credit,
	}
}

func (i invoices) purchase(ctx context.Context, r web.Request) (account.Account, payment.Book, error) {
	token, err := account.ParseToken(i.cookie.Of(r))
	if err != nil {
		return account.Account{}, payment.Book{}, err
	}
	number, ok := order.ParseNumber(r.Path("number"))
	if !ok {
		return account.Account{}, payment.Book{}, order.ErrNotFound
	}
	return i.store.Purchase(ctx, token, number, i.now())
}

// invoice is the invoice of an order of the caller's.
func (i invoices) invoice(ctx context.Context, r web.Request) (invoice.Invoice, error) {
	_, book, err := i.purchase(ctx, r)
	if err == nil && book.Invoice == nil {
		err = invoice.ErrNone
	}
	if err != nil {
		return invoice.Invoice{}, err
	}
	return *book.Invoice, nil
}

func (i invoices) pdf(ctx context.Context, r web.Request) (web.Response, error) {
	found, err := i.invoice(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	file, err := papers.Invoice(found)
	return web.File("application/pdf", "invoice-"+string(found.Number)+".pdf", file), err
}

// code is of what is left to pay: nobody is asked for more by a picture.
func (i invoices) code(ctx context.Context, r web.Request) (web.Response, error) {
	_, book, err := i.purchase(ctx, r)
	if err == nil && book.Invoice == nil {
		err = invoice.ErrNone
	}
	if err == nil {
		err = book.Order.Payable(i.now())
	}
	if err != nil {
		return web.Response{}, err
	}
	picture, err := papers.Code(*book.Invoice, book.Order.Open())
	return web.File("image/svg+xml", "invoice-"+string(book.Invoice.Number)+".svg", picture), err
}

func (i invoices) receipt(ctx context.Context, r web.Request) (web.Response, error) {
	who, book, err := i.purchase(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	receipt, err := book.Receipt(who, i.seller)
	if err != nil {
		return web.Response{}, err
	}
	file, err := papers.Receipt(receipt)
	return web.File("application/pdf", "receipt-"+string(receipt.Order)+".pdf", file), err
}

// credit is a credit invoice by its file's name: "2026-000124.pdf".
func (i invoices) credit(ctx context.Context, r web.Request) (web.Response, error) {
	_, book, err := i.purchase(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	name, pdf := strings.CutSuffix(r.Path("credit"), ".pdf")
	number, ok := invoice.ParseNumber(name)
	if !pdf || !ok {
		return web.Response{}, invoice.ErrNoCredit
	}
	found, err := i.store.Credit(ctx, book.Order.Number, number)
	if err != nil {
		return web.Response{}, err
	}
	file, err := papers.Credit(found)
	return web.File("application/pdf", "credit-"+name+".pdf", file), err
}

// formats are what invoice.xml can be.
var formats = map[string]func(invoice.Invoice) ([]byte, error){"earve": einvoice.Estonian, "ubl": einvoice.UBL}

var (
	errFormat = problem.Wrong([]problem.Field{{Pointer: "/format", Code: "unknown_format", Detail: "The formats are earve and ubl."}})
	errAccept = problem.New(problem.NotAcceptable, "not_acceptable", "An invoice is application/xml, with format=earve or format=ubl.")
)

func (i invoices) xml(ctx context.Context, r web.Request) (web.Response, error) {
	format, err := wanted(r)
	if err != nil {
		return web.Response{}, err
	}
	found, err := i.invoice(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	file, err := formats[format](found)
	return web.File("application/xml", "invoice-"+string(found.Number)+"-"+format+".xml", file), err
}

// wanted is the format that the query names or, where it names none, the one that the Accept header likes best: of those that it
// likes alike the first, and of all that it does not tell apart the Estonian one.
func wanted(r web.Request) (string, error) {
	if q := r.Query(); q.Has("format") {
		if _, ok := formats[q.Get("format")]; !ok {
			return "", errFormat
		}
		return q.Get("format"), nil
	}
	if r.Header("Accept") == "" {
		return "earve", nil
	}
	best, liked := "", 0.0
	for kind := range strings.SplitSeq(r.Header("Accept"), ",") {
		name, parameters, err := mime.ParseMediaType(kind)
		if err != nil {
			continue
		}
		format, like := "earve", 1.0
		if f, ok := parameters["format"]; ok {
			format = f
		}
		if q, err := strconv.ParseFloat(parameters["q"], 64); err == nil {
			like = q
		}
		_, known := formats[format]
		if fits := name == "*/*" || name == "application/*" || name == "application/xml" || name == "text/xml"; fits && known && like > liked {
			best, liked = format, like
		}
	}
	if best == "" {
		return "", errAccept
	}
	return best, nil
}
