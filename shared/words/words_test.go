package words

import (
	"strings"
	"testing"

	"opiq/shared/civil"
	"opiq/shared/lang"
)

// say has plain spaces for those that do not break.
func say(s string) string {
	return strings.NewReplacer(Space, " ", "\u202f", " ").Replace(s)
}

func TestEachLanguageSaysItInItsOwnWay(t *testing.T) {
	from, through := civil.Date{Year: 2026, Month: 12, Day: 1}, civil.Date{Year: 2027, Month: 5, Day: 31}
	for l, want := range map[lang.Code]string{
		lang.Estonian: "1. detsember 2026 | 1. detsembrist 2026 kuni 31. maini 2027 (viimane päev kaasa arvatud) | 1 kuu, 2 kuud, 5 kuud, 21 kuud | 1 234 567,80 € | −12,40 € | 24% | 5,5% | pangalink, pangaülekanne, pangakaart, tasaarvestus teise tellimusega",
		lang.English:  "1 December 2026 | from 1 December 2026 through 31 May 2027 (the last day included) | 1 month, 2 months, 5 months, 21 months | €1,234,567.80 | −€12.40 | 24% | 5.5% | bank link, bank transfer, bank card, offset against another order",
		lang.Russian:  "1 декабря 2026 г. | с 1 декабря 2026 г. по 31 мая 2027 г. включительно | 1 месяц, 2 месяца, 5 месяцев, 21 месяц | 1 234 567,80 € | −12,40 € | 24 % | 5,5 % | банковская ссылка, банковский перевод, банковская карта, зачёт средств другого заказа",
		lang.Kazakh:   "2026 жылғы 1 желтоқсан | 2026 жылғы 1 желтоқсаннан бастап 2027 жылғы 31 мамырға дейін (соңғы күнді қоса алғанда) | 1 ай, 2 ай, 5 ай, 21 ай | 1 234 567,80 € | −12,40 € | 24% | 5,5% | банк сілтемесі, банк аударымы, банк картасы, басқа тапсырыс есебінен",
	} {
		w, ok := In(l)
		if !ok {
			t.Fatal(l)
		}
		var methods []string
		for _, code := range []string{"bank_link", "invoice", "card", "offset"} {
			said, _ := w.Method(code)
			methods = append(methods, said)
		}
		got := say(strings.Join([]string{
			w.Date(from), w.Period(from, through), strings.Join([]string{w.Months(1), w.Months(2), w.Months(5), w.Months(21)}, ", "),
			w.Euros(123456780), w.Euros(-1240), w.Percent(2400), w.Percent(550), strings.Join(methods, ", "),
		}, " | "))
		if got != want {
			t.Errorf("%s:\n%s\n%s", l, got, want)
		}
	}
}

func TestWhatHasNoName(t *testing.T) {
	if _, ok := In("fi"); ok {
		t.Error("Finnish is spoken")
	}
	w, _ := In(lang.English)
	if _, ok := w.Method("cash"); ok {
		t.Error("cash has a name")
	}
	if _, ok := Bank("revolut"); ok {
		t.Error("a bank that is not ours has a name")
	}
}

func TestNumbersStandInFours(t *testing.T) {
	for s, want := range map[string]string{"EE382200221020145685": "EE38 2200 2210 2014 5685", "48151623424": "4815 1623 424", "RF53 4815162342": "RF53 4815 1623 42", "12": "12", "": ""} {
		if got := InFours(s); got != want {
			t.Errorf("%q is %q", s, got)
		}
	}
}
