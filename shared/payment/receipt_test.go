package payment

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/order"
)

var buyer = account.Account{ID: "mari", FirstName: "Mari", LastName: "Maasikas", Language: lang.Russian}

func TestTheReceiptOfABankLinkIsMadeOutToWhoOrdered(t *testing.T) {
	b := placed(today, 2)
	if _, err := b.Receipt(buyer, invoice.Seller{}); !errors.Is(err, ErrUnpaid) {
		t.Errorf("before it is paid: %v", err)
	}
	for i, a := range b.Attempts { // the second goes back, and is not on the receipt
		c, _, err := Settle(b, paid(a, string(rune('7'+i))), noon)
		if err != nil {
			t.Fatal(err)
		}
		b.store(c)
	}
	got, err := b.Receipt(buyer, invoice.Seller{Name: "Star Cloud OÜ"})
	want := invoice.Receipt{
		Order: b.Order.Number, Buyer: invoice.Buyer{Name: "Mari Maasikas"}, Seller: invoice.Seller{Name: "Star Cloud OÜ"}, Language: lang.Russian, Zone: civil.Tallinn,
		Months: 6, StartsOn: today, ValidThrough: today.AddMonths(6).AddDays(-1), Price: b.Order.Price, PaidOn: today,
		Payments: []invoice.Paid{{Method: order.BankLink, Bank: "lhv", Number: "7", On: today, Amount: price}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestTheReceiptOfAnInvoiceIsMadeOutAsItIs(t *testing.T) {
	b := placed(today.AddDays(2), 0)
	b.Invoice = &invoice.Invoice{Number: "2026-000123", Buyer: invoice.Buyer{Name: "Kool"}, Seller: invoice.Seller{Name: "Then OÜ"}, Language: lang.Kazakh}
	b.receive("part", 1000)
	if _, err := b.Receipt(buyer, invoice.Seller{}); !errors.Is(err, ErrUnpaid) {
		t.Errorf("when it is paid in part: %v", err)
	}
	late := noon.AddDate(0, 0, 5)
	c := b.Receive(b.transfer("rest", 2000), late, late)
	b.store(c)
	got, err := b.Receipt(buyer, invoice.Seller{Name: "Now OÜ"})
	if err != nil || got.Invoice != "2026-000123" || got.Buyer.Name != "Kool" || got.Seller.Name != "Then OÜ" || got.Language != lang.Kazakh {
		t.Errorf("%+v (%v)", got, err)
	}
	if first := today.AddDays(5); got.StartsOn != first || got.ValidThrough != first.AddMonths(6).AddDays(-1) || got.PaidOn != first { // the money came after the day asked for
		t.Errorf("from %s through %s, paid on %s", got.StartsOn, got.ValidThrough, got.PaidOn)
	}
	want := []invoice.Paid{{Method: order.ByInvoice, On: today, Amount: 1000}, {Method: order.ByInvoice, On: today, Amount: price - 1000}}
	if diff := cmp.Diff(want, got.Payments); diff != "" {
		t.Error(diff)
	}

	taken, err := b.TakeBack(c.Payments[0].ID, noon)
	if err != nil {
		t.Fatal(err)
	}
	b.store(taken)
	if _, err := b.Receipt(buyer, invoice.Seller{}); !errors.Is(err, ErrUnpaid) {
		t.Errorf("after money went back: %v", err)
	}
}

func TestAPaymentWithoutADateIsOfTheDayItWasBooked(t *testing.T) {
	b := placed(today, 0)
	p := b.transfer("entry", price)
	p.PaidAt = "soon"
	b.store(b.Receive(p, noon, noon))
	if got, err := b.Receipt(buyer, invoice.Seller{}); err != nil || got.Payments[0].On != today {
		t.Errorf("%+v (%v)", got, err)
	}
}
