package invoice

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/money"
)

func TestACreditInvoiceOfABankLinkIsMadeOutToWhoOrdered(t *testing.T) {
	o := ordered(t)
	half := o.Price.Part(12_40, 0)
	got := desk.Credit(o, nil, mari, half, day("2026-12-03"), day("2027-06-02"), "agreed", noon.Add(300*time.Millisecond))
	want := Credit{
		Order: "4815162342", Account: "mari", Buyer: Buyer{Name: "Mari Maasikas"}, Seller: desk.Seller(), Language: lang.Russian, IssuedOn: day("2026-11-22"),
		Zone: civil.Tallinn, Months: 6, StartsOn: day("2026-12-03"), ValidThrough: day("2027-06-02"),
		Price: money.Price{Net: 10_00, VAT: 2_40, Gross: 12_40, Rate: 2400}, Reason: "agreed", IssuedAt: noon,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestACreditInvoiceOfAnInvoiceIsMadeOutAsItIs(t *testing.T) {
	o, moved := ordered(t), desk
	moved.Address = "Uus 2, 10111 Tallinn"
	i := desk.Draft(o, mari, &Buyer{Name: "Kool", RegistryCode: "75012345"}, noon)
	i.Number, i.Language = "2026-000123", lang.Kazakh
	got := moved.Credit(o, &i, mari, o.Price, o.StartsOn, o.EndsOn().AddDays(-1), "not_supplied", time.Date(2026, 12, 31, 22, 30, 0, 0, time.UTC))
	if got.Invoice != "2026-000123" || got.Buyer != i.Buyer || got.Seller != desk.Seller() || got.Language != lang.Kazakh || got.IssuedOn != day("2027-01-01") || got.Number != "" {
		t.Errorf("%+v", got)
	}
}
