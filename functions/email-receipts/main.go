// Command email-receipts sends the letters that the queue "mail" names.
//
//	SQS mail: {"letter": ID}
//
// A letter is taken with a lease, handed to SES and marked as sent, so that two deliveries at once send it once, and a
// process that dies leaves it to the next. Only where SES took it and nobody heard so can it go out twice; it is never
// forgotten. A letter about an invoice, or a credit invoice, takes it along as a PDF, which is drawn here and kept nowhere.
package main

import (
	"context"
	"errors"
	"log"
	"time"

	"opiq/shared/account"
	"opiq/shared/cloud"
	"opiq/shared/invoice"
	"opiq/shared/letter"
	"opiq/shared/mail"
	"opiq/shared/metric"
	"opiq/shared/order"
	"opiq/shared/papers"
	"opiq/shared/queue"
	"opiq/shared/secret"
	"opiq/shared/seller"
	"opiq/shared/table"
)

type store interface {
	Letter(context.Context, letter.ID) (letter.Letter, error)
	Recipient(context.Context, string) (letter.Recipient, error)
	ChangeLetter(context.Context, letter.Letter) error
	Invoice(context.Context, order.Number, invoice.Number) (invoice.Invoice, error)
	Credit(context.Context, order.Number, invoice.Number) (invoice.Credit, error)
}

type sender interface {
	Send(context.Context, letter.Letter, letter.Recipient, letter.Message, []mail.Attachment) (string, error)
}

type receipts struct {
	store  store
	mail   sender
	tokens account.Tokens
	site   letter.Site
	press  press
	now    func() time.Time
}

// press draws papers as PDF.
type press struct {
	invoice func(invoice.Invoice) ([]byte, error)
	credit  func(invoice.Credit) ([]byte, error)
}

var drawn = press{papers.Invoice, papers.Credit}

func main() {
	cfg := cloud.Config()
	pepper := secret.Pepper(cfg, cloud.Env("SECRETS"))
	ses, err := mail.Open(cloud.Patient(lease/2), cloud.Env("SENDER")) // an answer that is not waited for is a letter that goes twice
	if err != nil {
		log.Fatal(err)
	}
	site := letter.Site{PublicURL: cloud.Env("PUBLIC_URL"), Seller: seller.StarCloud}
	queue.Start(receipts{table.Open(cfg, cloud.Env("TABLE")), ses, account.NewTokens(pepper), site, drawn, time.Now}.send)
}

// lease is how long a letter is in one sender's hands: longer than the function's time-out, after which none of its processes
// lives, and shorter than the queue's visibility, after which it comes again.
const lease = 20 * time.Second

func (r receipts) send(ctx context.Context, ready letter.Ready) error {
	l, err := r.store.Letter(ctx, ready.Letter)
	if err != nil || l.Done() {
		return err
	}
	if l, err = l.Take(r.now(), lease); err != nil {
		return err
	}
	to, err := r.recipient(ctx, l)
	if err != nil {
		return err
	}
	if l.Moot(to) {
		return r.end(ctx, l, to, "account_left")
	}
	if l.Account != "" && to.Address == "" { // its owner left it long ago, and somebody has to find another way to them
		return r.refuse(ctx, l, to, "account_left")
	}
	if r.late(l) {
		return r.refuse(ctx, l, to, "link_expired")
	}
	m, err := letter.Render(l, to, r.site, r.token(l))
	if err != nil {
		return err
	}
	attached, err := r.attachments(ctx, l)
	if err != nil {
		return err
	}
	if l, err = r.change(ctx, l); err != nil {
		return err
	}
	id, err := r.mail.Send(ctx, l, to, m, attached)
	if refused, ok := errors.AsType[*mail.Refused](err); ok {
		return r.refuse(ctx, l, to, refused.Code)
	}
	if err != nil {
		return err
	}
	if l, err = l.Accept(r.now(), to, m, id); err != nil {
		return err
	}
	_, err = r.change(ctx, l)
	return err
}

// recipient is read at the last moment: a person who has moved gets the letter at the new address.
func (r receipts) recipient(ctx context.Context, l letter.Letter) (letter.Recipient, error) {
	if l.Account == "" {
		return l.Recipient(), nil
	}
	return r.store.Recipient(ctx, l.Account)
}

// attachments are what goes along with the letter: the invoice or the credit invoice that it is about, or nothing.
func (r receipts) attachments(ctx context.Context, l letter.Letter) ([]mail.Attachment, error) {
	name, pdf, err := r.paper(ctx, l)
	if name == "" || err != nil {
		return nil, err
	}
	return []mail.Attachment{{Name: name + ".pdf", Type: "application/pdf", Data: pdf}}, nil
}

// paper is the letter's paper by its name; "" where it has none.
func (r receipts) paper(ctx context.Context, l letter.Letter) (name string, pdf []byte, err error) {
	n := order.Number(l.Facts["order"])
	if number := l.Paper(); number != "" {
		i, err := r.store.Invoice(ctx, n, invoice.Number(number))
		if err == nil {
			pdf, err = r.press.invoice(i)
		}
		return "invoice-" + number, pdf, err
	}
	if number := l.Credit(); number != "" {
		c, err := r.store.Credit(ctx, n, invoice.Number(number))
		if err == nil {
			pdf, err = r.press.credit(c)
		}
		return "credit-" + number, pdf, err
	}
	return "", nil, nil
}

// late tells whether the letter's link is over already: it would only lead its reader astray, who may ask for another.
func (r receipts) late(l letter.Letter) bool {
	return l.Link() != "" && !r.now().Before(l.Expires())
}

var purposes = map[letter.Kind]account.Purpose{letter.Verify: account.Verify, letter.PasswordReset: account.Reset}

// token is the secret of the letter's link, "" where it has none. It is made here and kept nowhere.
func (r receipts) token(l letter.Letter) string {
	if l.Link() == "" {
		return ""
	}
	return r.tokens.Token(purposes[l.Kind], l.Link(), l.Expires())
}

// refuse records that the letter will never go out, and calls for somebody to look.
func (r receipts) refuse(ctx context.Context, l letter.Letter, to letter.Recipient, reason string) error {
	err := r.end(ctx, l, to, reason)
	if err == nil {
		metric.Count("LetterRefused", reason, string(l.Kind))
	}
	return err
}

// end records that the letter will never go out.
func (r receipts) end(ctx context.Context, l letter.Letter, to letter.Recipient, reason string) error {
	l, err := l.Refuse(r.now(), to, reason)
	if err != nil {
		return err
	}
	_, err = r.change(ctx, l)
	return err
}

// change stores the letter and answers it as it now stands in the table.
func (r receipts) change(ctx context.Context, l letter.Letter) (letter.Letter, error) {
	if err := r.store.ChangeLetter(ctx, l); err != nil {
		return l, err
	}
	l.Revision++
	return l, nil
}
