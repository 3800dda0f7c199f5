// Banklink-callback is the door at which banks and returning buyers knock.
//
//	GET  /v1/callbacks/banklink/{bank}    Swedbank's own notice, and its buyers
//	POST /v1/callbacks/banklink/{bank}    everybody else's
//
// It verifies what the bank signed, queues it for payment-settlement and answers: 200 to the bank, the order's page to a
// person. It holds no key, has no right on the table and decides nothing about money. What it cannot verify changes
// nothing: it is counted with its reason, and a person reads that nothing is lost.
package main

import (
	"context"
	"log"
	"strings"

	"opiq/shared/banklink"
	"opiq/shared/cloud"
	"opiq/shared/metric"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/problem"
	"opiq/shared/queue"
	"opiq/shared/secret"
	"opiq/shared/web"
)

type sender interface {
	Send(ctx context.Context, message any) error
}

var errUnknownBank = problem.New(problem.NotFound, "unknown_bank", "There is no such bank.")

type door struct {
	links     map[banklink.Bank]*banklink.Link
	payments  sender
	publicURL string
}

func routes(links map[banklink.Bank]*banklink.Link, payments sender, publicURL string) web.Routes {
	d := door{links, payments, publicURL}
	return web.Routes{"GET /v1/callbacks/banklink/{bank}": d.hear, "POST /v1/callbacks/banklink/{bank}": d.hear}
}

func (d door) hear(ctx context.Context, r web.Request) (web.Response, error) {
	bank := banklink.Bank(r.Path("bank"))
	link, ok := d.links[bank]
	if !ok {
		return web.Response{}, errUnknownBank
	}
	fields, err := r.Form()
	if err != nil {
		metric.Count("BanklinkRefused", "form", string(bank))
		return web.HTML(400, d.unread(r, "")), nil
	}
	notice, err := link.Verify(bank, fields)
	if err != nil {
		metric.Count("BanklinkRefused", banklink.Reason(err), string(bank)+" "+digits(fields.Get("VK_STAMP")))
		return web.HTML(400, d.unread(r, fields.Get("VK_LANG"))), nil
	}
	if err := d.payments.Send(ctx, payment.Message{Banklink: &notice}); err != nil {
		metric.Count("BanklinkNotQueued", "queue", string(bank)+" "+digits(notice.Stamp)+": "+err.Error())
		if notice.Automatic {
			return web.Response{}, err // the bank comes again
		}
		return web.HTML(503, d.busy(r, notice.Lang)), nil
	}
	if notice.Automatic {
		return web.Response{Header: map[string]string{"Content-Type": "text/plain"}, Body: "OK"}, nil
	}
	return web.SeeOther(d.orderPage(notice.Stamp)), nil
}

// orderPage is where a person sees what became of the payment: the order's page, or all orders where the stamp is not one of ours.
func (d door) orderPage(stamp string) string {
	number, _, ok := order.ParseStamp(stamp)
	if !ok {
		return d.publicURL + "/orders"
	}
	return d.publicURL + "/orders/" + string(number)
}

// digits is a stamp that may be logged. Before it is verified it can be any text.
func digits(stamp string) string {
	if len(stamp) > 20 || strings.Trim(stamp, "0123456789") != "" {
		return "-"
	}
	return stamp
}

func main() {
	banks := banklink.Banks(cloud.Env("BANKS"))
	cfg := cloud.Config()
	links, err := open(context.Background(), secret.Open(cfg, cloud.Env("SECRETS")), banks)
	if err != nil {
		log.Fatal(err)
	}
	web.Start(routes(links, queue.Open(cfg, cloud.Env("PAYMENTS_QUEUE")), cloud.Env("PUBLIC_URL")))
}

type store interface {
	Strings(ctx context.Context, names ...string) (map[string]string, error)
	Prod() bool
}

// open reads the agreements; our own keys are for checkout only.
func open(ctx context.Context, s store, banks []banklink.Bank) (map[banklink.Bank]*banklink.Link, error) {
	names := make([]string, len(banks))
	for i, b := range banks {
		names[i] = b.AgreementParameter()
	}
	parameters, err := s.Strings(ctx, names...)
	if err != nil {
		return nil, err
	}
	return banklink.Links(banks, parameters, s.Prod())
}
