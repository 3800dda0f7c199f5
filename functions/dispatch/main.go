// Command dispatch reads the table's stream and puts what is new on the queue of those who have to do with it: a letter on
// "mail", a bank entry on "bank-entries", a statement that was uploaded on "statements", money that goes back on a card and a card
// payment that is to be asked about on "cards". What nobody did in time payment-janitor nudges, and so it is sent again. What a
// transaction wrote is what is sent, and nothing is published from memory.
package main

import (
	"context"
	"errors"
	"maps"
	"slices"

	"opiq/shared/cloud"
	"opiq/shared/everypay"
	"opiq/shared/intake"
	"opiq/shared/letter"
	"opiq/shared/payment"
	"opiq/shared/queue"
	"opiq/shared/reconciliation"
	"opiq/shared/stream"
)

type sender interface {
	SendAll(context.Context, []any) (taken int, err error)
}

// route is where a kind of new things goes, and the message that says so.
type route struct {
	queue   sender
	message func(stream.New) any
}

// dispatch are the routes by kind.
type dispatch map[string]route

func main() {
	cfg := cloud.Config()
	to := func(variable string) sender { return queue.Open(cfg, cloud.Env(variable)) }
	stream.Start(routes(to("MAIL_QUEUE"), to("BANK_ENTRIES_QUEUE"), to("STATEMENTS_QUEUE"), to("CARDS_QUEUE")).handle)
}

func routes(mail, entries, statements, cards sender) dispatch {
	return dispatch{
		"mail":      {mail, func(n stream.New) any { return letter.Ready{Letter: letter.ID(n.ID)} }},
		"entry":     {entries, func(n stream.New) any { return reconciliation.Ready{Entry: reconciliation.ID(n.ID)} }},
		"statement": {statements, func(n stream.New) any { return intake.Ready{Statement: intake.ID(n.ID)} }},
		"attempt":   {cards, func(n stream.New) any { return payment.CardMessage{Reference: everypay.Reference(n.Reference)} }},
		"refund":    {cards, func(n stream.New) any { return payment.CardMessage{Refund: payment.RefundID(n.ID)} }},
	}
}

// most is how many messages a queue takes at once.
const most = 10

// handle sends each queue what is for it, and lets no queue wait for another that takes nothing. What is sent twice is known
// by its consumer.
func (d dispatch) handle(ctx context.Context, things []stream.New) (done int, err error) {
	waiting := map[string][]int{}
	for i, n := range things {
		if _, ok := d[n.Kind]; ok {
			waiting[n.Kind] = append(waiting[n.Kind], i)
		}
	}
	done = len(things)
	for _, kind := range slices.Sorted(maps.Keys(waiting)) {
		for batch := range slices.Chunk(waiting[kind], most) {
			var messages []any
			for _, i := range batch {
				messages = append(messages, d[kind].message(things[i]))
			}
			taken, failed := d[kind].queue.SendAll(ctx, messages)
			err = errors.Join(err, failed)
			if taken < len(batch) {
				done = min(done, batch[taken])
				break
			}
		}
	}
	return done, err
}
