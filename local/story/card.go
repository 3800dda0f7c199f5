package story

import (
	"fmt"
	"path"
	"strings"
)

// Card sets out to pay by card, under a key of its own where none is given, and answers the payment's reference at the provider.
func (p *Shopper) Card(number string, key ...string) string {
	p.T.Helper()
	to := Read[struct{ Redirect string }](p, p.Sets(number, key...), 201).Redirect
	if at, ok := strings.CutPrefix(to, p.Shop.URL+"/_local/everypay/"); !ok || len(at) != 64 {
		p.T.Fatalf("who pays by card is sent to %s", to)
	}
	return path.Base(to)
}

// Sets asks for the page on which a card is paid with.
func (p *Shopper) Sets(number string, key ...string) Answer {
	p.T.Helper()
	if len(key) == 0 {
		key = []string{fmt.Sprint("key-", Keys.Add(1))}
	}
	return p.Ask("POST", "/v1/orders/"+number+"/payments", map[string]string{"method": "card"}, "Idempotency-Key", key[0])
}

// Does lets something happen to a payment at the card provider, as the query says it.
func (p *Shopper) Does(reference, query string) {
	p.T.Helper()
	p.Want(p.Send("POST", p.Shop.URL+"/_local/everypay/"+reference+"?"+query, nil), 200, "")
}

// Returns lets the browser come back from the card provider.
func (p *Shopper) Returns(reference, number string) {
	p.T.Helper()
	back := Read[struct{ Return string }](p, p.Send("GET", p.Shop.URL+"/_local/everypay/"+reference, nil), 200).Return
	p.Returned(p.Send("GET", back, nil, "Sec-Fetch-Site", "cross-site"), number)
}

// Breaks lets the provider's API fail for an order, as the query says it.
func (p *Shopper) Breaks(number, query string) {
	p.T.Helper()
	p.Want(p.Send("POST", p.Shop.URL+"/_local/everypay/faults?order="+number+"&"+query, nil), 204, "")
}
