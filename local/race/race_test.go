// Package race is the story of news that overtake each other.
package race

import (
	"flag"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"opiq/local/story"
	"opiq/shared/banklink"
	"opiq/shared/letter"
	"opiq/shared/order"
	"opiq/shared/payment"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of what overtakes what")

// TestEveryOrderIsPaidOnceHoweverTheNewsCome pays 125 orders three times each, by card, by bank link and by both, and tells of it in eight
// rounds, one right after the other. In the first everybody comes at once who tells of the first two payments: the buyer's browser,
// what the bank or the provider says by itself, and the same again. In the second they tell of the third one, and in each somebody says
// again what was said before. These are 1,000 interleavings, which the seed has shuffled.
func TestEveryOrderIsPaidOnceHoweverTheNewsCome(t *testing.T) {
	const orders, rest, monies = 125, 6, 3
	s, err := story.Open(30 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("in the shop:\n%s", s.Journal)
		}
	})
	t.Logf("-seed %d", *seed)
	began := time.Now()
	p := s.Member(t)
	rounds := make([][][]news, orders)
	story.Abreast(orders, func(i int) {
		number := p.Order(12, story.Today()).Number
		link := func() []news { return tellsOfLink(p, number, p.Pay(number, story.Banks[i%len(story.Banks)]), "") }
		card := func() []news { return tellsOfCard(p, number, p.Card(number)) }
		var all [monies][]news
		switch i % 3 {
		case 0:
			form := p.Pay(number, story.Banks[i%len(story.Banks)])
			all = [monies][]news{card(), tellsOfLink(p, number, form, ""), tellsOfLink(p, number, form, "&again=1")}
		case 1:
			all = [monies][]news{link(), link(), card()}
		case 2:
			all = [monies][]news{card(), card(), link()}
		}
		again := []news{all[0][0], all[1][1], all[2][2]}
		rounds[i] = [][]news{append(slices.Clone(all[0]), all[1]...), append(slices.Clone(all[2]), all[0][1])}
		for range rest {
			rounds[i] = append(rounds[i], slices.Clone(again))
		}
	})
	dice := rand.New(rand.NewPCG(*seed, 1))
	for _, one := range rounds {
		for _, all := range one {
			dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		}
	}
	story.Abreast(orders, func(i int) {
		for _, round := range rounds[i] {
			var all sync.WaitGroup
			for _, tell := range round {
				all.Go(func() { tell(p) })
			}
			all.Wait()
		}
	})
	for end := time.Now().Add(150 * time.Second); len(s.Waiting(t)) > 0 && time.Now().Before(end); { // seldom: asking costs as much as working
		time.Sleep(time.Second)
	}
	l := s.Rest(t, 30*time.Second)
	t.Logf("at rest after %.0f s", time.Since(began).Seconds())
	if len(l.Orders) != orders || len(l.Licenses) != orders || len(l.Payments) != monies*orders || len(l.Refused) > 0 {
		t.Errorf("%d orders, %d licenses, %d payments, %d refused", len(l.Orders), len(l.Licenses), len(l.Payments), len(l.Refused))
	}
	receipts, back := map[string]int{}, map[string]int{}
	for _, x := range l.Letters {
		if x.Kind == letter.PaymentReceipt {
			receipts[x.Facts["order"]]++
		}
	}
	for _, c := range l.Cases {
		if c.State == payment.Open && c.Reason == payment.Duplicate {
			back[string(c.Order)]++
		}
	}
	for _, o := range l.Orders {
		if n := string(o.Number); o.State != order.Paid || receipts[n] != 1 || back[n] != monies-1 {
			t.Errorf("order %s is %s, with %d receipts and %d cases", n, o.State, receipts[n], back[n])
		}
	}
	for _, a := range l.Attempts {
		if a.State != order.Succeeded {
			t.Errorf("attempt %s of order %s is %s", a.ID, a.Order, a.State)
		}
	}
}

// news is somebody coming to one of the doors.
type news func(*story.Shopper)

// tellsOfCard pays by card and answers what is told of it: the buyer returns, and the provider calls back, once and once more.
func tellsOfCard(p *story.Shopper, number, reference string) []news {
	p.Does(reference, "outcome=settled&callback=never")
	door := p.Shop.URL + "/v1/callbacks/card"
	said := url.Values{"payment_reference": {reference}, "order_reference": {"1"}, "event_name": {"status_updated"}}.Encode()
	return []news{
		func(p *story.Shopper) { p.Returns(reference, number) },
		func(p *story.Shopper) { p.Want(p.Send("GET", door+"?"+said, nil), 200, "") },
		func(p *story.Shopper) {
			p.Want(p.Send("POST", door, []byte(said), "Content-Type", "application/x-www-form-urlencoded"), 200, "")
		},
	}
}

// tellsOfLink is the same of a bank link.
func tellsOfLink(p *story.Shopper, number string, form banklink.Form, query string) []news {
	back := p.At(form, "action=pay&notice=never"+query)
	own := banklink.Form{Method: back.Method, Action: back.Action, Fields: maps.Clone(back.Fields)}
	own.Fields["VK_AUTO"] = "Y"
	notice := func(p *story.Shopper) { p.Want(p.Back(own), 200, "") }
	return []news{func(p *story.Shopper) { p.Returned(p.Back(back), number) }, notice, notice}
}
