// Package money is whole euro cents, the tax on them, and how both are written.
//
// There is one currency. Nothing here is a float: an amount is cents, a rate is hundredths of a per cent.
package money

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Amount is a sum in euro cents; below zero it is a debt.
type Amount int64

// ErrAmount is what Parse answers for a text that is not a sum of money.
var ErrAmount = errors.New("money: not an amount like 12.50")

// Parse reads "12.50", "12.5", "12" and ".17" as banks write them: a dot, at most two decimals, no sign, no separators.
func Parse(s string) (Amount, error) {
	whole, part, dot := strings.Cut(s, ".")
	if whole == "" && part == "" || len(whole) > 15 || len(part) > 2 || dot && part == "" {
		return 0, ErrAmount
	}
	digits := whole + (part + "00")[:2]
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, ErrAmount
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, ErrAmount
	}
	return Amount(n), nil
}

// String is the amount as banks and machines write it: "12.50".
func (a Amount) String() string {
	sign, n := "", int64(a)
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

type wire struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// MarshalJSON writes {"amount":1250,"currency":"EUR"}: cents, and the currency beside them.
func (a Amount) MarshalJSON() ([]byte, error) { return json.Marshal(wire{int64(a), "EUR"}) }

// UnmarshalJSON reads that form and refuses another currency, and whatever else stands there.
func (a *Amount) UnmarshalJSON(b []byte) error {
	var w wire
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return err
	}
	if w.Currency != "EUR" {
		return fmt.Errorf("money: currency %q is not EUR", w.Currency)
	}
	*a = Amount(w.Amount)
	return nil
}

// Rate is a tax rate in hundredths of a per cent: 2400 is 24 %.
type Rate int

// MarshalJSON writes the rate in per cent: 24, 9, 5.5.
func (r Rate) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(r)/100, 'f', -1, 64), nil
}

// UnmarshalJSON reads a rate in per cent.
func (r *Rate) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err == nil {
		*r = Rate(math.Round(f * 100))
	}
	return err
}

// Price is what a buyer pays and what of it is tax. Net + VAT = Gross, always.
type Price struct {
	Net   Amount `json:"net"`
	VAT   Amount `json:"vat"`
	Gross Amount `json:"gross"`
	Rate  Rate   `json:"vatRate"`
}

// Tax is the price of a net amount: the tax is rounded to the cent, half a cent up (EN 16931, BR-CO-17: tax = taxable
// amount × rate, rounded to two decimals). Net amounts are the base, so that the identity holds for every amount.
func Tax(net Amount, r Rate) Price {
	vat := (net*Amount(r) + 5_000) / 10_000
	return Price{Net: net, VAT: vat, Gross: net + vat, Rate: r}
}

// Part is a part of the price, given back after so much of its gross amount was before. Its tax is what all parts up to it have of
// the price's tax, rounded half up, without what those before it had: so the parts of a price add up to it to the cent, however it
// is cut, and no part of one is below zero. All gross amounts together are at most the price's.
func (p Price) Part(gross, before Amount) Price {
	if p.Gross == 0 {
		return Price{Rate: p.Rate}
	}
	upTo := func(gross Amount) Amount { return (2*p.VAT*gross + p.Gross) / (2 * p.Gross) }
	vat := upTo(before+gross) - upTo(before)
	return Price{Net: gross - vat, VAT: vat, Gross: gross, Rate: p.Rate}
}

// Facts adds the price to what a letter has to say: cents, and the rate in per cent.
func (p Price) Facts(to map[string]string) map[string]string {
	to["net"], to["vat"], to["gross"] = p.Net.Cents(), p.VAT.Cents(), p.Gross.Cents()
	to["vatRate"] = strconv.FormatFloat(float64(p.Rate)/100, 'f', -1, 64)
	return to
}

// Cents is the amount as a whole number of cents.
func (a Amount) Cents() string { return strconv.FormatInt(int64(a), 10) }

// Share is a split into n parts, rounded to the cent: what one month costs when n months are bought.
func (a Amount) Share(n int) Amount { return (a + Amount(n)/2) / Amount(n) }
