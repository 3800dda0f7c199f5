// Package vat is the Estonian value added tax by product and by day.
//
// The rate of a sale is the one of its day and is kept with the sale; the table only grows. The package computes no tax
// (money does), knows no other country's rates, and gives no rate for a day before its table.
package vat

import (
	"fmt"

	"opiq/shared/civil"
	"opiq/shared/money"
)

// Product is a kind of thing sold, as far as its tax differs.
type Product string

// License is the access to the library for some months.
const License Product = "license"

// column is a kind of rate in the table.
type column int

const (
	standard column = iota
	book            // books and educational literature, electronic ones too
)

// columns says which rate a product has.
//
// A license is taxed at the standard rate: it is access to a service (exercises, search over the whole library, progress
// and messages), and an electronic publication with functions that its printed edition lacks is outside the reduced rate
// (numeri.ee); a whole library has no printed edition. The seller's tax adviser decides: this is the line to change.
var columns = map[Product]column{License: standard}

// table holds the rates from a day on, oldest first.
var table = []struct {
	from  civil.Date
	rates [2]money.Rate // standard, book
}{
	{civil.Date{Year: 2020, Month: 5, Day: 1}, [2]money.Rate{2000, 900}}, // e-books join the 9 %: vatcalc.com/estonia/estonia-vat-e-book-vat-cut
	{civil.Date{Year: 2024, Month: 1, Day: 1}, [2]money.Rate{2200, 900}}, // tungstenautomation.com, taxopolis.eu
	{civil.Date{Year: 2025, Month: 7, Day: 1}, [2]money.Rate{2400, 900}}, // marosavat.com/vat/estonia, vatapi.com
}

// On is the rate of a product that is sold on a day. A product without a rate and a day before 1 May 2020 are mistakes
// in the program and panic: a wrong rate would stay on the books for seven years.
func On(p Product, d civil.Date) money.Rate {
	c, ok := columns[p]
	for i := len(table) - 1; ok && i >= 0; i-- {
		if !d.Before(table[i].from) {
			return table[i].rates[c]
		}
	}
	panic(fmt.Sprintf("vat: no rate for %q on %v", p, d))
}
