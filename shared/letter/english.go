package letter

import (
	"golang.org/x/text/feature/plural"

	"opiq/shared/civil"
	"opiq/shared/lang"
)

var english = speech{
	Words:   shared(lang.English),
	hello:   "Hello %s,",
	noName:  "Hello,",
	days:    map[plural.Form]string{plural.One: "day", plural.Other: "days"},
	on:      shared(lang.English).Date,
	instant: "%s at %s %s",
	clock:   "15:04",
	zones:   map[civil.Zone]string{civil.Tallinn: "Estonian time"},
	reasons: map[string]string{
		"duplicate": "This order had already been paid, so this second payment was not needed. Nothing changes for the order and its license.",
		"cancelled": "This order was canceled, so no license opens for it.",
		"overpaid":  "More came than was left to pay; the rest of the money went toward the order.",
		"expired":   "The order was not paid in full in time, so it has expired and no license opens for it.",
		"late":      "When the money arrived, this order had already expired and could no longer be paid with it, so no license opens for it.",
	},
}
