package words

import (
	"fmt"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"opiq/shared/civil"
)

var estonian = Words{
	tag:    language.Estonian,
	euro:   "%s" + Space + "€",
	months: map[plural.Form]string{plural.One: "kuu", plural.Other: "kuud"},
	date: func(d civil.Date) string {
		return fmt.Sprintf("%d."+Space+"%s %d", d.Day, monthsEstonian[d.Month-1], d.Year)
	},
	period: func(from, through civil.Date) string {
		return fmt.Sprintf("%d."+Space+"%sst %d kuni %d."+Space+"%sni %d (viimane päev kaasa arvatud)",
			from.Day, MonthsEstonianGenitive[from.Month-1], from.Year, through.Day, MonthsEstonianGenitive[through.Month-1], through.Year)
	},
	methods: map[string]string{"bank_link": "pangalink", "invoice": "pangaülekanne", "card": "pangakaart", "offset": "tasaarvestus teise tellimusega"},
}

var monthsEstonian = [12]string{
	"jaanuar", "veebruar", "märts", "aprill", "mai", "juuni", "juuli", "august", "september", "oktoober", "november", "detsember",
}

// MonthsEstonianGenitive is the stem of "on" (-l), "from" (-st) and "until" (-ni).
var MonthsEstonianGenitive = [12]string{
	"jaanuari", "veebruari", "märtsi", "aprilli", "mai", "juuni", "juuli", "augusti", "septembri", "oktoobri", "novembri", "detsembri",
}
