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
		"annulled":  "The license of this order was annulled, so the order needs no more money.",

		"surplus":         "The order did not need it.",
		"system_error":    "By an evident error in our system, the price or the offer was shown wrongly. We are sorry.",
		"not_paid":        "The order was not paid in time, or its payment was taken back.",
		"false_data":      "The data given for the order was not true.",
		"breach":          "The license was used against the terms.",
		"not_supplied":    "We cannot supply what you ordered. We are sorry.",
		"agreed":          "You asked for it, and we agreed.",
		"price_reduction": "We have lowered the price, because not everything was as it should have been. We are sorry.",
	},
	bases: map[string]string{
		"harmful":             "We noticed activity that does harm to other people or to the service.",
		"off_purpose":         "Material of Opiq was used for something that it is not meant for.",
		"indecent_content":    "Text or material was added that goes against generally accepted morals.",
		"infringes_ip":        "The rules of intellectual property were broken.",
		"unacceptable":        "There were insults or rude behavior.",
		"refuses_obligations": "Duties under the terms of use or the law were refused.",
		"unpaid":              "The service was not paid for.",
		"credential_leak":     "We have reason to believe that somebody else knows the password.",
		"false_data":          "The data given at registration is not true.",
	},
}
