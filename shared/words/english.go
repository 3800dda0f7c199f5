package words

import (
	"fmt"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"opiq/shared/civil"
)

var english = Words{
	tag:    language.English,
	euro:   "€%s",
	months: map[plural.Form]string{plural.One: "month", plural.Other: "months"},
	date:   dateEnglish,
	period: func(from, through civil.Date) string {
		return fmt.Sprintf("from %s through %s (the last day included)", dateEnglish(from), dateEnglish(through))
	},
	methods: map[string]string{"bank_link": "bank link", "invoice": "bank transfer", "card": "bank card", "offset": "offset against another order"},
}

func dateEnglish(d civil.Date) string { return fmt.Sprintf("%d"+Space+"%s %d", d.Day, d.Month, d.Year) }
