package browser

import (
	"fmt"
	"testing"
	"time"

	"opiq/local/story"
)

// world is who is there when pages are looked at: somebody who has just come, a family in the middle of everything, and staff.
type world struct {
	shop     *story.Shop
	newcomer *story.Shopper            // has bought nothing
	family   *story.Shopper            // reads, and has bought in every way
	orders   map[string]string         // the family's, by what became of them
	held     *story.Shopper            // somebody whom the service is stopped for
	staff    map[string]*story.Shopper // by their role, and "head"
	entry    string                    // money on the account that waits for a person
	hold     string                    // stands
	proposed string                    // waits for a second person
}

// made makes the world by the API, as quickly as it goes.
func made(t *testing.T, s *story.Shop) *world {
	t.Helper()
	w := &world{shop: s, newcomer: s.Member(t), family: s.Member(t), held: s.Member(t), staff: map[string]*story.Shopper{"head": s.Employee(t, s.Staff[len(s.Staff)-1])}, orders: map[string]string{}}
	for _, role := range []string{"finance", "support", "editor"} {
		w.staff[role] = s.Employee(t, s.Staff.In(role))
	}
	p, liis, siim := w.family, w.staff["finance"], w.staff["support"]
	for situation, happens := range map[string]func(o story.OrderPage){
		"to_pay":  func(story.OrderPage) {},
		"waiting": func(o story.OrderPage) { p.Pay(o.Number, "seb") },
		"failed": func(o story.OrderPage) {
			p.Returned(p.Back(p.At(p.Pay(o.Number, "swedbank"), "action=cancel")), o.Number)
		},
		"paid": func(o story.OrderPage) { p.Does(p.Card(o.Number), "outcome=settled") },
		"paid_too_much": func(o story.OrderPage) {
			for _, reference := range []string{p.Card(o.Number), p.Card(o.Number)} {
				p.Does(reference, "outcome=settled")
			}
		},
		"cancelled": func(o story.OrderPage) { p.Want(p.Ask("DELETE", "/v1/orders/"+o.Number, nil), 204, "") },
		"owed_again": func(o story.OrderPage) {
			r := p.Card(o.Number)
			p.Does(r, "outcome=settled")
			p.Paid(o.Number)
			p.Does(r, "outcome=charged_back")
		},
		"invoiced":    func(o story.OrderPage) { p.Invoice(o.Number, nil) },
		"paid_partly": func(o story.OrderPage) { p.Invoice(o.Number, nil); s.Happens(t, "short", o.Number) },
		"annulled": func(o story.OrderPage) {
			p.Does(p.Card(o.Number), "outcome=settled")
			p.Paid(o.Number)
			liis.Want(liis.Ask("POST", "/v1/orders/"+o.Number+"/refunds", map[string]string{"reason": "agreed", "key": "once"}), 201, "")
		},
	} {
		o := p.Order(12, story.Today())
		w.orders[situation] = o.Number
		happens(o)
	}
	later := p.Order(6, story.Today().AddMonths(2))
	p.Returned(p.Back(p.At(p.Pay(later.Number, "lhv"), "action=pay")), later.Number)
	p.Paid(later.Number)

	// What the family reads.
	for _, chapter := range []string{"1", "2"} {
		p.Want(p.Ask("GET", "/v1/library/works/w001/chapters/"+chapter, nil), 200, "")
	}
	p.Want(p.Ask("PUT", "/v1/library/works/w001/chapters/2/bookmark", nil), 200, "")
	p.Want(p.Ask("PUT", "/v1/library/works/w001/notes/n1", map[string]any{"chapter": 1, "paragraph": 1, "text": "Siit küsitakse kontrolltöös!"}), 200, "")
	p.Want(p.Ask("PUT", "/v1/library/works/w001/notes/n2", map[string]any{"chapter": 1, "text": "Терминдерді қайталау"}), 200, "")

	// What waits for staff.
	lost := p.Order(12, story.Today())
	p.Invoice(lost.Number, nil)
	w.orders["lost"] = lost.Number
	s.Happens(t, "wrong_reference", lost.Number)
	story.Until(t, 20*time.Second, func() string {
		waiting := story.Read[struct{ Entries []struct{ ID string } }](liis, liis.Ask("GET", "/v1/reconciliation?state=waiting", nil), 200).Entries
		if len(waiting) == 0 {
			return "no entry waits"
		}
		w.entry = waiting[0].ID
		return ""
	})
	who := story.Read[struct{ Account struct{ ID string } }](w.held, w.held.Ask("GET", "/v1/session", nil), 200).Account.ID
	hold := func(wish map[string]any) string {
		return story.Read[struct{ ID string }](siim, siim.Ask("POST", "/v1/holds", wish, "Idempotency-Key", fmt.Sprint("hold-", story.Keys.Add(1))), 201).ID
	}
	w.hold = hold(map[string]any{"on": "account:" + who, "basis": "unacceptable", "measure": "suspend", "reviewOn": story.Today().AddDays(14), "evidence": []string{"ticket 18"}, "reason": "Rude words in a note to support."})
	w.proposed = hold(map[string]any{
		"on": "group:school:75000001", "basis": "infringes_ip", "measure": "end", "evidence": []string{"ticket 19"}, "reason": "Copies were sold.",
		"school": map[string]any{"signatory": "Head of school", "document": "Letter 4-1/17", "on": story.Today(), "opinion": "We agree."},
	})
	w.newcomer.Want(w.newcomer.Ask("POST", "/v1/works/w003/takedown-reports", map[string]any{
		"name": "Juhan Juurikas", "email": "juhan@example.ee", "claim": "The drawings of chapter 3 are mine. Nobody asked me.", "goodFaith": true}), 202, "")
	s.Rest(t, 60*time.Second)
	return w
}
