package letter

import (
	"fmt"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"opiq/shared/civil"
)

var estonian = words{
	tag:    language.Estonian,
	hello:  "Tere, %s!",
	noName: "Tere!",
	euro:   "%s" + space + "€",
	months: map[plural.Form]string{plural.One: "kuu", plural.Other: "kuud"},
	days:   map[plural.Form]string{plural.One: "päeva", plural.Other: "päeva"},
	date: func(d civil.Date) string {
		return fmt.Sprintf("%d."+space+"%s %d", d.Day, monthsEstonian[d.Month-1], d.Year)
	},
	period: func(from, through civil.Date) string {
		return fmt.Sprintf("%d."+space+"%sst %d kuni %d."+space+"%sni %d (viimane päev kaasa arvatud)",
			from.Day, monthsEstonianGenitive[from.Month-1], from.Year, through.Day, monthsEstonianGenitive[through.Month-1], through.Year)
	},
	instant: func(d civil.Date, clock, zone string) string {
		return fmt.Sprintf("%d."+space+"%sl %d kell %s %s", d.Day, monthsEstonianGenitive[d.Month-1], d.Year, clock, zone)
	},
	clock:   "15.04",
	zones:   map[civil.Zone]string{civil.Tallinn: "Eesti aja järgi"},
	methods: map[string]string{"bank_link": "pangalink"},
	reasons: map[string]string{
		"duplicate": "See tellimus oli juba tasutud, nii et teist makset polnud vaja. Tellimuse ja litsentsiga ei muutu midagi.",
		"cancelled": "Makse laekudes oli see tellimus juba tühistatud, nii et selle alusel litsentsi ei anta.",
		"expired":   "Makse laekudes oli selle tellimuse maksetähtaeg juba möödas, nii et selle alusel litsentsi ei anta.",
	},
}

var monthsEstonian = [12]string{
	"jaanuar", "veebruar", "märts", "aprill", "mai", "juuni", "juuli", "august", "september", "oktoober", "november", "detsember",
}

// The genitive is the stem of "on" (-l), "from" (-st) and "until" (-ni).
var monthsEstonianGenitive = [12]string{
	"jaanuari", "veebruari", "märtsi", "aprilli", "mai", "juuni", "juuli", "augusti", "septembri", "oktoobri", "novembri", "detsembri",
}
