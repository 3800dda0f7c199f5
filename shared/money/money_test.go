package money

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

func TestParseReadsWhatBanksWrite(t *testing.T) {
	for text, want := range map[string]Amount{"10": 1000, "10.00": 1000, "10.5": 1050, ".17": 17, "0.01": 1, "123456789012.34": 12345678901234} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%q is %d (%v), not %d", text, got, err, want)
		}
	}
}

func TestParseRefusesTheRest(t *testing.T) {
	for _, text := range []string{"", ".", "1.", "1,50", "1.234", "-1", "+1", "1e3", "1 000", "NaN", "0x10", "٣", "9999999999999999"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q was read as %s", text, got)
		}
	}
}

func TestAmountsSurviveTheirText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Amount(rapid.Int64Range(0, 1e14).Draw(t, "cents"))
		if back, err := Parse(a.String()); err != nil || back != a {
			t.Fatalf("%d became %q and %d (%v)", a, a.String(), back, err)
		}
	})
}

func TestAnAmountIsCentsAndEuro(t *testing.T) {
	b, err := json.Marshal(Amount(1250))
	if err != nil || string(b) != `{"amount":1250,"currency":"EUR"}` {
		t.Fatalf("%s %v", b, err)
	}
	var a Amount
	if err := json.Unmarshal(b, &a); err != nil || a != 1250 {
		t.Errorf("%s is read %d (%v)", b, a, err)
	}
	for _, text := range []string{`{"amount":1,"currency":"USD"}`, `{"amount":1}`, `{"amount":1,"currency":"EUR","cents":2}`, `{"amount":1.5,"currency":"EUR"}`, `12`, `"0.01"`, `[]`} {
		if json.Unmarshal([]byte(text), &a) == nil {
			t.Errorf("%s was read as %s", text, a)
		}
	}
}

func TestRatesArePercent(t *testing.T) {
	for rate, text := range map[Rate]string{2400: "24", 900: "9", 550: "5.5"} {
		b, err := json.Marshal(rate)
		if err != nil || string(b) != text {
			t.Errorf("%d is written %s (%v)", rate, b, err)
		}
		var back Rate
		if err := json.Unmarshal(b, &back); err != nil || back != rate {
			t.Errorf("%s is read %d (%v)", b, back, err)
		}
	}
}

func TestTheTaxIsWithinHalfACentAndAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		net, rate := Amount(rapid.Int64Range(0, 1e10).Draw(t, "net")), Rate(rapid.IntRange(0, 3000).Draw(t, "rate"))
		p := Tax(net, rate)
		if p.Net+p.VAT != p.Gross {
			t.Fatalf("%d + %d is not %d", p.Net, p.VAT, p.Gross)
		}
		if off := int64(p.VAT)*10_000 - int64(net)*int64(rate); off > 5_000 || off <= -5_000 {
			t.Fatalf("the tax of %d at %d is off by %d hundredths of a hundredth", net, rate, off)
		}
	})
}

func TestPartsOfAPriceAddUpToIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Tax(Amount(rapid.Int64Range(0, 1e8).Draw(t, "net")), Rate(rapid.IntRange(0, 3000).Draw(t, "rate")))
		sum := Price{Rate: p.Rate}
		for range rapid.IntRange(0, 20).Draw(t, "parts") {
			cut := rapid.OneOf(rapid.Int64Range(1, 9), rapid.Int64Range(1, max(1, int64(p.Gross))), rapid.Just(int64(p.Gross))).Draw(t, "cut")
			gross := min(Amount(cut), p.Gross-sum.Gross)
			part := p.Part(gross, sum.Gross)
			if part.Gross != gross || part.Net+part.VAT != gross || part.Net < 0 || part.VAT < 0 || part.Rate != p.Rate {
				t.Fatalf("%d of %+v after %d is %+v", gross, p, sum.Gross, part)
			}
			if off := 2 * (part.VAT*p.Gross - gross*p.VAT); off > 2*p.Gross || off < -2*p.Gross {
				t.Fatalf("the tax of %+v is off by more than a cent", part)
			}
			sum.Net, sum.VAT, sum.Gross = sum.Net+part.Net, sum.VAT+part.VAT, sum.Gross+part.Gross
		}
		if rest := p.Part(p.Gross-sum.Gross, sum.Gross); sum.Net+rest.Net != p.Net || sum.VAT+rest.VAT != p.VAT {
			t.Fatalf("%+v and %+v are not %+v", sum, rest, p)
		}
	})
}

func TestThePartsOfAPrice(t *testing.T) {
	for _, c := range []struct {
		about         string
		price         Price
		gross, before Amount
		want          Price
	}{
		{"all of it", Tax(20_00, 2400), 24_80, 0, Price{20_00, 4_80, 24_80, 2400}},
		{"a half", Tax(20_00, 2400), 12_40, 0, Price{10_00, 2_40, 12_40, 2400}},
		{"the other half", Tax(20_00, 2400), 12_40, 12_40, Price{10_00, 2_40, 12_40, 2400}},
		{"a cent has no tax", Tax(20_00, 2400), 1, 0, Price{1, 0, 1, 2400}},
		{"the third cent has the tax of three", Tax(20_00, 2400), 1, 2, Price{0, 1, 1, 2400}},
		{"nothing", Tax(20_00, 2400), 0, 5, Price{0, 0, 0, 2400}},
		{"of what was free", Tax(0, 2400), 0, 0, Price{Rate: 2400}},
	} {
		if got := c.price.Part(c.gross, c.before); got != c.want {
			t.Errorf("%s: %+v", c.about, got)
		}
	}
}
