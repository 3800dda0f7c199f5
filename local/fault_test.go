package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"opiq/local/account"
	"opiq/local/ledger"
	"opiq/local/story"
	"opiq/shared/money"
	"opiq/shared/order"
)

// play lets something happen to an order, with one of the row's switches.
type play func(p *story.Shopper, number, with string)

// trouble is a row of the README's table "What can go wrong while paying": how it is played with an order that is paid by card, and
// with one that is paid by bank link. How the order ends stands there.
type trouble struct {
	with       []string // switches: each is played with an order of its own
	card, link play
}

// once are the faults of the provider's API, each of which one more try gets over.
var once = []string{"error", "error_after", "busy", "cut", "lost", "garbage", "slow"}

// thrice is as often as it is tried at once.
var thrice = []string{"error&times=3"}

// tricks are what can be wrong in a bank's answer.
var tricks = []string{"mac", "key", "version", "receiver", "account", "currency", "amount", "reference", "stamp"}

// linkedAt is where bank links are paid in this story: the account there is the one that statements are of.
const linkedAt = "swedbank"

var troubles = map[string]trouble{
	"the buyer pays": {card: cards("settled"), link: links("pay")},
	"the buyer pays, and does not return": {
		card: func(p *story.Shopper, number, _ string) { p.Does(p.Card(number), "outcome=settled") },
		link: func(p *story.Shopper, number, _ string) { p.At(p.Pay(number, linkedAt), "action=pay&notice=before") },
	},
	"the buyer pays from a bank on the provider's page": {with: []string{"lhv", "seb", "swedbank"}, card: openBanking},
	"the card is declined":                              {card: cards("failed")},
	"the buyer gives up":                                {card: cards("abandoned"), link: links("cancel")},
	"the buyer walks away, and nobody says so": {
		card: func(p *story.Shopper, number, _ string) { p.Card(number) },
		link: func(p *story.Shopper, number, _ string) { p.Pay(number, linkedAt) },
	},
	"it is not decided yet":                   {card: cards("waiting", "confirmed", "processing", "authorised")},
	"the buyer has to confirm, and does":      {card: cards("waiting", "confirmed", "settled")},
	"what was reserved is let go":             {card: cards("authorised", "voided")},
	"it is in a state that we do not know":    {card: cards("unknown")},
	"it is paid after a state like that":      {card: cards("unknown", "settled")},
	"it is paid though it had failed":         {card: cards("failed&then=settled"), link: both("cancel", "pay")},
	"we hear that it failed when it was paid": {card: cards("failed&callback=out_of_order", "settled"), link: both("pay", "cancel")},
	"it fails, and another way is paid":       {card: inTurn(cards("failed"), links("pay")), link: inTurn(links("cancel"), cards("settled"))},

	"we hear of it twice":                                     {card: cards("settled&callback=twice"), link: links("pay&notice=twice")},
	"we hear of it late":                                      {card: cards("settled&callback=late"), link: links("pay&notice=after")},
	"only the buyer's return tells":                           {card: cards("settled&callback=never"), link: links("pay&notice=never")},
	"nobody tells us: the janitor asks, a statement shows it": {card: asked, link: shown},
	"we hear of it before its name":                           {card: early},
	"we are told what is not true":                            {with: tricks, link: lies},
	"strangers tell us of it":                                 {card: knocks},

	"the provider's page is not there at first": {with: once, card: inTurn(breaks("create"), cards("settled"))},
	"the provider is down":                      {card: down},
	"the provider is down, and the buyer tries again": {card: func(p *story.Shopper, number, _ string) {
		down(p, number, "the same")
		ref := p.Card(number, "the same")
		p.Does(ref, "outcome=settled")
		p.Returns(ref, number)
	}},
	"the provider does not answer at first": {with: once, card: inTurn(breaks("payment"), cards("settled"))},
	"the provider does not answer for long": {with: thrice, card: inTurn(breaks("payment"), cards("settled"))},

	"it is paid twice": {
		card: func(p *story.Shopper, number, _ string) {
			first, second := p.Card(number), p.Card(number)
			p.Does(first, "outcome=settled")
			p.Does(second, "outcome=settled")
			p.Returns(second, number)
		},
		link: func(p *story.Shopper, number, _ string) {
			form := p.Pay(number, linkedAt)
			p.Returned(p.Back(p.At(form, "action=pay&notice=before")), number)
			p.Returned(p.Back(p.At(form, "action=pay&notice=before&again=1")), number)
		},
	},
	"it is paid by card and by bank link": {
		card: func(p *story.Shopper, number, _ string) {
			form := p.Pay(number, linkedAt)
			cards("settled")(p, number, "")
			p.Paid(number)
			p.Returned(p.Back(p.At(form, "action=pay")), number)
		},
		link: func(p *story.Shopper, number, _ string) {
			ref := p.Card(number)
			links("pay")(p, number, "")
			p.Paid(number)
			p.Does(ref, "outcome=settled")
		},
	},
	"the order was cancelled meanwhile": {
		card: func(p *story.Shopper, number, _ string) {
			ref := p.Card(number)
			p.Want(p.Ask("DELETE", "/v1/orders/"+number, nil), 204, "")
			p.Does(ref, "outcome=settled")
		},
		link: func(p *story.Shopper, number, _ string) {
			form := p.Pay(number, linkedAt)
			p.Want(p.Ask("DELETE", "/v1/orders/"+number, nil), 204, "")
			p.At(form, "action=pay")
		},
	},

	"the card's holder complains":               {card: after("disputed")},
	"the payer takes the money back":            {card: after("charged_back"), link: takenAway},
	"and it is paid again":                      {card: inTurn(after("charged_back"), again), link: inTurn(takenAway, again)},
	"staff give it back":                        {card: inTurn(cards("settled"), refunds), link: inTurn(links("pay"), refunds)},
	"and the provider does not answer at first": {with: once, card: inTurn(cards("settled"), breaks("refund"), refunds)},
	"and it does not answer for long":           {with: thrice, card: inTurn(cards("settled"), breaks("refund"), refunds)},
	"and what was given back comes back": {card: func(p *story.Shopper, number, _ string) {
		ref := settled(p, number)
		refunds(p, number, "")
		refunded(p, number, "done")
		p.Does(ref, "outcome=refund_failed")
	}},
	"or the dispute is won":                {card: after("charged_back", "dispute_won")},
	"a part is given back at the provider": {card: after("refunded&amount=1.00")},
	"all is given back at the provider":    {card: after("refunded&amount=1.00", "refunded")},
	"and comes back there":                 {card: after("refunded", "refund_failed")},
}

// cards pays by card: one thing happens after the other at the provider, and the buyer returns.
func cards(outcomes ...string) play {
	return func(p *story.Shopper, number, _ string) {
		ref := p.Card(number)
		for _, o := range outcomes {
			p.Does(ref, "outcome="+o)
		}
		p.Returns(ref, number)
	}
}

// links does something at the bank, and returns.
func links(action string) play {
	return func(p *story.Shopper, number, _ string) {
		p.Returned(p.Back(p.At(p.Pay(number, linkedAt), "action="+action)), number)
	}
}

// both does two things with one form at the bank, and returns from each.
func both(actions ...string) play {
	return func(p *story.Shopper, number, _ string) {
		form := p.Pay(number, linkedAt)
		for _, a := range actions {
			p.Returned(p.Back(p.At(form, "action="+a)), number)
		}
	}
}

// after is what happens to a payment by card when its order is paid; each thing when we know of the one before.
func after(outcomes ...string) play {
	return func(p *story.Shopper, number, _ string) {
		ref := settled(p, number)
		for _, o := range outcomes {
			p.Does(ref, "outcome="+o)
			heard(p.T, p.Shop)
		}
	}
}

// inTurn is one after the other.
func inTurn(plays ...play) play {
	return func(p *story.Shopper, number, with string) {
		for _, do := range plays {
			do(p, number, with)
		}
	}
}

// breaks lets a call to the provider fail for the order, by the row's switch.
func breaks(call string) play {
	return func(p *story.Shopper, number, fault string) { p.Breaks(number, "call="+call+"&fault="+fault) }
}

// again pays an order that is owed again.
func again(p *story.Shopper, number, _ string) {
	p.Becomes(number, 20*time.Second, func(o story.OrderPage) bool { return o.State == "reopened" && o.License.State == "suspended" })
	cards("settled")(p, number, "")
}

// asked is money of which only the provider knows, until payment-janitor has it asked.
func asked(p *story.Shopper, number, _ string) {
	p.Does(p.Card(number), "outcome=settled&callback=never")
	p.Shop.Schedule(p.T, "payment-janitor", time.Now().Add(3*time.Minute))
}

// shown is money of which only the bank's statement tells.
func shown(p *story.Shopper, number, _ string) {
	p.At(p.Pay(number, linkedAt), "action=pay&notice=never")
	o := p.See(number)
	xml := story.Transfers(account.Payment{Payer: linked, Amount: money.Amount(o.Price.Gross.Amount), Reference: o.Reference})
	p.Want(p.Hands(xml, p.Shop.Machine(p.T, "statements")...), 200, "")
}

// openBanking is a payment from a bank on the card provider's page: it is one by bank link.
func openBanking(p *story.Shopper, number, bank string) {
	cards("waiting&method="+bank+"_ob_ee", "settled")(p, number, "")
	p.Paid(number)
	for _, x := range p.Shop.Ledger(p.T).Payments {
		if string(x.Order) == number && (x.Method != order.BankLink || string(x.Bank) != bank || x.Payer != linked.IBAN) {
			p.T.Errorf("the payment is %+v", x)
		}
	}
}

// early is a payment that is made, and told of, before the provider has answered how it is called.
func early(p *story.Shopper, number, _ string) {
	p.Breaks(number, "call=create&fault=early&outcome=settled")
	p.Card(number)
}

// lies are answers that are not the bank's, or not about this order.
func lies(p *story.Shopper, number, trick string) {
	p.At(p.Pay(number, linkedAt), "action=pay&notice=before&tamper="+trick)
}

// knocks are callbacks about a payment that was not made.
func knocks(p *story.Shopper, number, _ string) {
	ref := p.Card(number)
	for _, event := range []string{"status_updated", "refunded", "chargebacked", "dispute_reversed", "<script>"} {
		p.Want(p.Send("GET", p.Shop.URL+"/v1/callbacks/card?payment_reference="+ref+"&order_reference=1&event_name="+event, nil), 200, "")
	}
}

// down is a provider that fails as often as it is tried.
func down(p *story.Shopper, number, key string) {
	p.Breaks(number, "call=create&fault=error&times=3")
	a := p.Want(p.Sets(number, cmp.Or(key, "once")), 503, "card_unavailable")
	if strings.Contains(string(a.Body), "everypay") {
		p.T.Errorf("the answer names the provider's address: %s", a.Body)
	}
}

// takenAway is a transfer that the payer's bank takes back.
func takenAway(p *story.Shopper, number, _ string) {
	links("pay")(p, number, "")
	p.Paid(number)
	p.Shop.Happens(p.T, "reversal", number)
}

// settled is a payment by card that we know of, by its reference.
func settled(p *story.Shopper, number string) string {
	ref := p.Card(number)
	p.Does(ref, "outcome=settled")
	p.Paid(number)
	return ref
}

// refunds is staff giving back all that was paid.
func refunds(p *story.Shopper, number, _ string) {
	p.Paid(number)
	staff := p.Shop.Visitor(p.T)
	a := staff.Ask("POST", "/v1/orders/"+number+"/refunds", map[string]string{"reason": "agreed", "key": "once"}, p.Shop.Machine(p.T, "refunds")...)
	staff.Want(a, 201, "")
}

// heard waits until no message about cards waits.
func heard(t testing.TB, s *story.Shop) {
	t.Helper()
	story.Until(t, 60*time.Second, func() string {
		if n := s.Waiting(t)["CardsQueue"]; n > 0 {
			return fmt.Sprint(n, " messages about cards wait")
		}
		return ""
	})
}

// impatient lets what a queue hands out come again sooner, until the story ends.
func impatient(t *testing.T, s *story.Shop, queue string, again time.Duration) {
	t.Helper()
	client, url := sqs.NewFromConfig(s.AWS), s.Made.Queues[queue]
	set := func(again time.Duration) {
		_, err := client.SetQueueAttributes(context.Background(), &sqs.SetQueueAttributesInput{
			QueueUrl: &url, Attributes: map[string]string{"VisibilityTimeout": strconv.Itoa(int(again / time.Second))},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range s.Template.Queues {
		if q.ID == queue {
			t.Cleanup(func() { set(q.Visibility) })
		}
	}
	set(again)
}

// TestWhatCanGoWrongWhilePaying plays every row of the README's table, a dozen at once, and wants each order to end as the README says.
func TestWhatCanGoWrongWhilePaying(t *testing.T) {
	s := story.Shared(t)
	impatient(t, s, "CardsQueue", 2*time.Second) // what the provider did not answer is asked again
	p := s.Member(t)
	said := tables(t, "What can go wrong while paying")
	rows, ends := said[0], said[1]
	type scene struct {
		name, with, number, end string
		play                    play
	}
	var scenes []scene
	switches := ""
	for what, x := range troubles {
		row := append(rows[what], "", "", "")
		delete(rows, what)
		switches += row[0] + " "
		if x.with == nil {
			x.with = []string{""}
		}
		for i, play := range []play{x.card, x.link} {
			end := row[1+i]
			if (play == nil) != (end == "") || play != nil && ends[end] == nil {
				t.Errorf("where %s an order ends as %q in the README", what, end)
				continue
			}
			for _, with := range x.with {
				if play != nil {
					scenes = append(scenes, scene{name: what + "/" + []string{"card", "link"}[i] + "/" + with, with: with, end: end, play: play})
				}
			}
		}
	}
	for what := range rows {
		t.Errorf("nobody plays where %s", what)
	}
	for _, page := range []string{"everypay/", "bank/" + linkedAt} {
		a := p.Send("GET", s.URL+"/_local/"+page, nil, "Accept", "text/html")
		for _, name := range regexp.MustCompile(`<dt><code>(\w+)</code>`).FindAllSubmatch(a.Body, -1) {
			if !slices.Contains(strings.FieldsFunc(switches, func(c rune) bool { return strings.ContainsRune(" ;:=", c) }), string(name[1])) {
				t.Errorf("no row of the README has the switch %s", name[1])
			}
		}
	}
	story.Abreast(len(scenes), func(i int) {
		t.Run(scenes[i].name, func(t *testing.T) {
			p := p.As(t)
			scenes[i].number = p.Order(12, story.Today()).Number
			scenes[i].play(p, scenes[i].number, scenes[i].with)
		})
	})
	if t.Failed() {
		return
	}
	time.Sleep(1500 * time.Millisecond) // what comes late
	l := s.Rest(t, 60*time.Second)
	for _, x := range scenes {
		if got := ended(p.See(x.number), l); !slices.Equal(got, ends[x.end]) {
			t.Errorf("%s: the order ends as %q, %s is %q", x.name, got, x.end, ends[x.end])
		}
	}
	for _, trouble := range []string{"state", "dispute_opened", "dispute_reversed", "refund_failed", "unknown"} {
		if counted(s, "CardTrouble", trouble) == 0 {
			t.Errorf("nobody is told of %s", trouble)
		}
	}
	t.Logf("%d orders", len(scenes))
}

// tables are the tables of a section of the README: their rows by the first cell.
func tables(t *testing.T, section string) (all []map[string][]string) {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "\n## "+section+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	var rows map[string][]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case !strings.HasPrefix(line, "|"):
			rows = nil
		case strings.HasPrefix(line, "|--"):
			rows = map[string][]string{}
			all = append(all, rows)
		case rows != nil:
			cells := strings.Split(strings.ReplaceAll(strings.Trim(line, "|"), "`", ""), "|")
			for i, c := range cells {
				cells[i] = strings.TrimSpace(c)
			}
			rows[cells[0]] = cells[1:]
		}
	}
	return all
}

// ended is how an order ended: what its buyer sees of it, and what the table has.
func ended(o story.OrderPage, l ledger.Ledger) []string {
	license, has := "", "a part"
	if o.License != nil {
		license = o.License.State
	}
	switch o.Received.Amount {
	case 0:
		has = "nothing"
	case o.Price.Gross.Amount:
		has = "all"
	}
	payments := 0
	for _, x := range l.Payments {
		if string(x.Order) == o.Number && x.ReturnedAt.IsZero() {
			payments++
		}
	}
	var waits, went []string
	for _, c := range o.RefundCases {
		if c.State == "open" {
			waits = append(waits, c.Reason)
		}
	}
	for _, r := range o.Refunds {
		went = append(went, r.Way+" "+r.State)
	}
	return []string{o.State, o.Situation, license, has, strconv.Itoa(payments), strings.Join(slices.Sorted(slices.Values(waits)), ", "), strings.Join(went, ", ")}
}
