// Package words is how each language says dates, sums and counts, the same in letters and on papers.
//
// Plural rules and digits are CLDR's, by x/text; dates and the place of the euro sign, which it does not know, stand in the
// language's own file, after CLDR too. The package holds no sentence.
package words

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/money"
)

// Words is one language.
type Words struct {
	tag     language.Tag
	euro    string                 // %s is the number
	months  map[plural.Form]string // after a number
	date    func(civil.Date) string
	period  func(from, through civil.Date) string
	methods map[string]string // ways to pay
}

var languages = map[lang.Code]Words{lang.Estonian: estonian, lang.English: english, lang.Russian: russian, lang.Kazakh: kazakh}

var banks = map[string]string{"swedbank": "Swedbank", "seb": "SEB", "lhv": "LHV", "luminor": "Luminor", "coop": "Coop Pank"}

// Space keeps a number and its unit on one line.
const Space = "\u00a0"

// Minus is the sign that screen readers say; of a hyphen they are silent.
const Minus = "\u2212"

// In is the words of a language; not ok is a language that the shop does not speak.
func In(c lang.Code) (w Words, ok bool) {
	w, ok = languages[c]
	return w, ok
}

// Euros is a sum with its currency; one below zero begins with a minus. x/text takes no fractions but floats: a float holds every
// sum under 10^13 euros to the cent.
func (w Words) Euros(a money.Amount) string {
	if a < 0 {
		return Minus + w.Euros(-a)
	}
	return fmt.Sprintf(w.euro, w.number(number.Decimal(float64(a)/100, number.Scale(2))))
}

// Percent is a rate.
func (w Words) Percent(r money.Rate) string {
	return w.number(number.Percent(float64(r)/10_000, number.MaxFractionDigits(2)))
}

func (w Words) number(n number.Formatter) string { return message.NewPrinter(w.tag).Sprint(n) }

// Date is a day, its month in letters.
func (w Words) Date(d civil.Date) string { return w.date(d) }

// Period is all days from one to another, both with it.
func (w Words) Period(from, through civil.Date) string { return w.period(from, through) }

// Months is a number of months.
func (w Words) Months(n int) string { return w.Count(n, w.months) }

// Count is a number and its unit, whose forms are given.
func (w Words) Count(n int, unit map[plural.Form]string) string {
	return strconv.Itoa(n) + Space + unit[plural.Cardinal.MatchPlural(w.tag, n, 0, 0, 0, 0)]
}

// Method is a way to pay, by its code; not ok is a code without a name.
func (w Words) Method(code string) (_ string, ok bool) {
	said, ok := w.methods[code]
	return said, ok
}

// Bank is the name of a bank, by its code, the same in all languages.
func Bank(code string) (_ string, ok bool) {
	said, ok := banks[code]
	return said, ok
}

// InFours is an account or reference number as banks show it. The spaces are plain ones: people copy it into their bank's form.
func InFours(s string) string {
	var groups []string
	for part := range slices.Chunk([]byte(strings.ReplaceAll(s, " ", "")), 4) {
		groups = append(groups, string(part))
	}
	return strings.Join(groups, " ")
}
