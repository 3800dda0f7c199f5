package browser

import (
	"testing"
	"time"

	"opiq/local/story"
)

// opensLetter follows the link of a letter.
func (t *tab) opensLetter(kind string) {
	t.T.Helper()
	t.goes(pathOf(t.Shop.URL, t.link(kind)))
}

// orders goes through the steps of an order up to its last one.
func (t *tab) orders(way string) {
	t.T.Helper()
	t.goes("/checkout?months=12")
	t.presses("checkout.next")
	t.ticksNamed(way)
	t.presses("checkout.next")
	t.ticks("checkout.terms")
	t.ticks("checkout.supply")
}

// number is the number of the order that the browser is at.
func (t *tab) number() string {
	t.T.Helper()
	t.at("/orders/*")
	return stepOf(t.path(), 2)
}

// TestAFamilySignsUpAndPaysAtItsBank with a phone: from the price to the reading room. At the bank they give up first.
func TestAFamilySignsUpAndPaysAtItsBank(t *testing.T) {
	s := story.Shared(t)
	b := sits(s.Visitor(t), phone)
	b.goes("/")
	b.presses("layout.plans")
	b.at("/plans*")
	b.presses("plans.choose_months", "n", 6)
	b.at("/checkout*")
	b.presses("checkout.next")
	b.ticksNamed("SEB")
	b.presses("checkout.next")
	b.presses("checkout.signup")
	b.at("/signup*")
	b.signsUp()
	b.opensLetter("verify")
	b.presses("verify.send")
	b.sees("verify.done_title")
	b.presses("common.signin")
	b.signsIn()
	b.at("/checkout*") // where they were, with what they had chosen
	b.ticks("checkout.terms")
	b.ticks("checkout.supply")
	b.presses("checkout.order_pay")
	b.pressesNamed("Cancel")
	b.pressesNamed("Return to merchant")
	number := b.number()
	b.sees("order.failed")
	b.presses("order.same_again")
	b.pressesNamed("Pay")
	b.pressesNamed("Return to merchant")
	b.at("/orders/" + number)
	b.sees("order.paid")
	if o := b.See(number); o.State != "paid" || len(o.Attempts) != 2 || o.Months != 6 {
		t.Errorf("the order is %+v", o)
	}
	b.presses("order.read")
	b.at("/library*")
	b.sees("library.first")
}

// TestSomebodyWithAKeyboardAloneOrdersAndPays: no mouse, no touch, and the focus is seen at every step.
func TestSomebodyWithAKeyboardAloneOrdersAndPays(t *testing.T) {
	s := story.Shared(t)
	b := sits(s.Member(t), desk)
	b.brings()
	b.keyboard = true
	b.orders("Swedbank")
	b.presses("checkout.order_pay")
	b.pressesNamed("Pay")
	b.pressesNamed("Return to merchant")
	b.sees("order.paid")
}

// TestADeclinedCardIsNoEnd: the order stands, and another try pays it.
func TestADeclinedCardIsNoEnd(t *testing.T) {
	s := story.Shared(t)
	b := sits(s.Member(t), phone)
	b.brings()
	b.orders(b.plainly("pay.card"))
	b.presses("checkout.order_pay")
	b.pressesNamed("Be declined")
	b.pressesNamed("Return to merchant")
	number := b.number()
	b.sees("order.failed")
	b.presses("order.same_again")
	b.pressesNamed("Pay")
	b.pressesNamed("Return to merchant")
	b.sees("order.paid")
	if o := b.See(number); len(o.Attempts) != 2 {
		t.Errorf("the order is %+v", o)
	}
}

// TestASchoolPaysItsInvoiceInTwoParts: the page says how much is left, and follows what the bank tells.
func TestASchoolPaysItsInvoiceInTwoParts(t *testing.T) {
	s := story.Shared(t)
	b := sits(s.Member(t), desk)
	b.brings()
	b.goes("/checkout?months=12")
	b.presses("checkout.next")
	b.ticks("pay.invoice")
	b.ticks("pay.organization")
	b.types("pay.buyer_name", "Kase Põhikool")
	b.types("pay.buyer_code", "75000001")
	b.presses("checkout.next")
	b.ticks("checkout.terms")
	b.ticks("checkout.supply")
	b.presses("checkout.order_invoice")
	b.at("/orders/*")
	number := stepOf(b.path(), 2)
	o := b.See(number)
	b.sees("invoice.named", "number", o.Invoice.Number)
	b.sees("invoice.to_pay")
	for _, shown := range []string{o.Invoice.Reference, "Kase Põhikool"} {
		b.seesText(shown)
	}
	b.presses("invoice.to_order")
	b.at("/orders/" + number)
	b.sees("order.invoiced")
	s.Happens(t, "short", number)
	b.Becomes(number, 20*time.Second, func(o story.OrderPage) bool { return o.Received.Amount > 0 })
	b.reload()
	b.sees("order.paid_in_part")
	s.Happens(t, "exact", number)
	b.Paid(number)
	b.reload()
	b.sees("order.paid")
}

// TestThePageFollowsTheBank: the answer comes while the order is looked at, and nobody has to do anything.
func TestThePageFollowsTheBank(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	o := p.Order(12, story.Today())
	form := p.Pay(o.Number, "lhv")
	b := sits(p, phone)
	b.brings()
	b.goes("/orders/" + o.Number)
	b.sees("order.waiting_bank_link")
	p.At(form, "action=pay")
	b.sees("order.paid")
}

// TestTheNetworkIsLostWhilePaying: before the order nothing happens, and pressing again orders once; on the order's page what was known
// stays, and the news come with the network.
func TestTheNetworkIsLostWhilePaying(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	b := sits(p, phone)
	b.brings()
	b.orders("LHV")
	b.offline(true)
	b.presses("checkout.order_pay")
	b.sees("common.offline")
	b.offline(false)
	b.presses("checkout.order_pay")
	b.pressesNamed("Cancel")
	b.pressesNamed("Return to merchant")
	number := b.number()
	b.sees("order.failed")
	if all := story.Read[struct{ Orders []story.OrderPage }](p, p.Ask("GET", "/v1/orders", nil), 200).Orders; len(all) != 1 {
		t.Errorf("there are %d orders", len(all))
	}
	time.Sleep(time.Second) // nobody begins two payments within one
	form := p.Pay(number, "seb")
	b.reload()
	b.sees("order.waiting_bank_link")
	b.offline(true)
	b.sees("order.lost")
	p.At(form, "action=pay")
	b.offline(false)
	b.sees("order.paid")
}

// TestTheBackButtonPaysNothingTwice: from the bank's page it leads to the order, and from there the same payment goes on.
func TestTheBackButtonPaysNothingTwice(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	b := sits(p, desk)
	b.brings()
	b.orders("Coop Pank")
	b.presses("checkout.order_pay")
	b.finds(pressed, "Pay")
	b.back()
	number := b.number()
	b.sees("order.waiting_bank_link")
	b.reload()
	b.sees("order.waiting_bank_link")
	b.presses("order.did_not")
	b.ticksNamed("Coop Pank")
	b.presses("order.pay")
	b.pressesNamed("Pay")
	b.pressesNamed("Return to merchant")
	b.sees("order.paid")
	if o := b.See(number); len(o.Attempts) != 1 || len(o.RefundCases) > 0 {
		t.Errorf("the order is %+v", o)
	}
}

// TestTwoTabsPayOneOrderTwice: each at another bank. The order is paid, and the page says where the second money goes.
func TestTwoTabsPayOneOrderTwice(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	one := sits(p, desk)
	one.brings()
	o := p.Order(12, story.Today())
	other := one.another()
	for i, b := range []*tab{one, other} {
		b.goes("/orders/" + o.Number)
		if b == other {
			b.presses("order.did_not") // for all that this tab knows
		}
		b.ticksNamed([]string{"SEB", "LHV"}[i])
		b.presses("order.pay")
		b.finds(pressed, "Pay")
	}
	for _, b := range []*tab{one, other} {
		b.pressesNamed("Pay")
		b.pressesNamed("Return to merchant")
		b.at("/orders/" + o.Number)
	}
	p.Becomes(o.Number, 20*time.Second, func(o story.OrderPage) bool { return len(o.RefundCases) == 1 })
	one.reload()
	one.sees("order.paid_too_much")
	one.sees("order.why_duplicate")
}
