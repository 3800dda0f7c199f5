package words

import (
	"fmt"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"opiq/shared/civil"
)

var russian = Words{
	tag:    language.Russian,
	euro:   "%s" + Space + "€",
	months: map[plural.Form]string{plural.One: "месяц", plural.Few: "месяца", plural.Many: "месяцев", plural.Other: "месяца"},
	date:   dateRussian,
	period: func(from, through civil.Date) string {
		return fmt.Sprintf("с %s по %s включительно", dateRussian(from), dateRussian(through))
	},
	methods: map[string]string{"bank_link": "банковская ссылка", "invoice": "банковский перевод", "card": "банковская карта", "offset": "зачёт средств другого заказа"},
}

func dateRussian(d civil.Date) string {
	return fmt.Sprintf("%d"+Space+"%s %d"+Space+"г.", d.Day, monthsRussian[d.Month-1], d.Year)
}

// In a date a month stands in the genitive.
var monthsRussian = [12]string{
	"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря",
}
