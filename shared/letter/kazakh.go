package letter

import (
	"fmt"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"opiq/shared/civil"
)

var kazakh = words{
	tag:    language.Kazakh,
	hello:  "Сәлеметсіз бе, %s!",
	noName: "Сәлеметсіз бе!",
	euro:   "%s" + space + "€",
	months: map[plural.Form]string{plural.One: "ай", plural.Other: "ай"},
	days:   map[plural.Form]string{plural.One: "күннен", plural.Other: "күннен"},
	date:   func(d civil.Date) string { return dateKazakh(d, monthsKazakh) },
	period: func(from, through civil.Date) string {
		return fmt.Sprintf("%s бастап %s дейін (соңғы күнді қоса алғанда)", dateKazakh(from, monthsKazakhFrom), dateKazakh(through, monthsKazakhTo))
	},
	instant: func(d civil.Date, clock, zone string) string {
		return dateKazakh(d, monthsKazakh) + ", сағат " + clock + ", " + zone
	},
	clock:   "15:04",
	zones:   map[civil.Zone]string{civil.Tallinn: "Эстония уақытымен"},
	methods: map[string]string{"bank_link": "банк сілтемесі"},
	reasons: map[string]string{
		"duplicate": "Бұл тапсырыстың ақысы бұған дейін төленген, сондықтан екінші төлем қажет болмады. Тапсырыс пен лицензияда ештеңе өзгермейді.",
		"cancelled": "Төлем келіп түскенде бұл тапсырыстан бас тартылған еді, сондықтан ол бойынша лицензия берілмейді.",
		"expired":   "Төлем келіп түскенде бұл тапсырысты төлеу мерзімі өтіп кеткен еді, сондықтан ол бойынша лицензия берілмейді.",
	},
}

func dateKazakh(d civil.Date, months [12]string) string {
	return fmt.Sprintf("%d"+space+"жылғы %d"+space+"%s", d.Year, d.Day, months[d.Month-1])
}

var monthsKazakh = [12]string{
	"қаңтар", "ақпан", "наурыз", "сәуір", "мамыр", "маусым", "шілде", "тамыз", "қыркүйек", "қазан", "қараша", "желтоқсан",
}

// "From" and "until" put the month in the ablative and the dative.
var (
	monthsKazakhFrom = [12]string{
		"қаңтардан", "ақпаннан", "наурыздан", "сәуірден", "мамырдан", "маусымнан",
		"шілдеден", "тамыздан", "қыркүйектен", "қазаннан", "қарашадан", "желтоқсаннан",
	}
	monthsKazakhTo = [12]string{
		"қаңтарға", "ақпанға", "наурызға", "сәуірге", "мамырға", "маусымға", "шілдеге", "тамызға", "қыркүйекке", "қазанға", "қарашаға", "желтоқсанға",
	}
)
