package words

import (
	"fmt"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"opiq/shared/civil"
)

var kazakh = Words{
	tag:    language.Kazakh,
	euro:   "%s" + Space + "€",
	months: map[plural.Form]string{plural.One: "ай", plural.Other: "ай"},
	date:   func(d civil.Date) string { return dateKazakh(d, monthsKazakh) },
	period: func(from, through civil.Date) string {
		return fmt.Sprintf("%s бастап %s дейін (соңғы күнді қоса алғанда)", dateKazakh(from, monthsKazakhFrom), dateKazakh(through, monthsKazakhTo))
	},
	methods: map[string]string{"bank_link": "банк сілтемесі", "invoice": "банк аударымы", "card": "банк картасы", "offset": "басқа тапсырыс есебінен"},
}

func dateKazakh(d civil.Date, months [12]string) string {
	return fmt.Sprintf("%d"+Space+"жылғы %d"+Space+"%s", d.Year, d.Day, months[d.Month-1])
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
