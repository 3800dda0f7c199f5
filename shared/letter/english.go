package letter

import (
	"fmt"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"opiq/shared/civil"
)

var english = words{
	tag:    language.English,
	hello:  "Hello %s,",
	noName: "Hello,",
	euro:   "€%s",
	months: map[plural.Form]string{plural.One: "month", plural.Other: "months"},
	days:   map[plural.Form]string{plural.One: "day", plural.Other: "days"},
	date:   dateEnglish,
	period: func(from, through civil.Date) string {
		return fmt.Sprintf("from %s through %s (the last day included)", dateEnglish(from), dateEnglish(through))
	},
	instant: func(d civil.Date, clock, zone string) string {
		return dateEnglish(d) + " at " + clock + " " + zone
	},
	clock:   "15:04",
	zones:   map[civil.Zone]string{civil.Tallinn: "Estonian time"},
	methods: map[string]string{"bank_link": "bank link"},
	reasons: map[string]string{
		"duplicate": "This order had already been paid, so this second payment was not needed. Nothing changes for the order and its license.",
		"cancelled": "This order had already been canceled when the payment arrived, so no license opens for it.",
		"expired":   "The time for paying this order was already over when the payment arrived, so no license opens for it.",
	},
}

func dateEnglish(d civil.Date) string { return fmt.Sprintf("%d"+space+"%s %d", d.Day, d.Month, d.Year) }
