package letter

import (
	"fmt"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"opiq/shared/civil"
)

var russian = words{
	tag:    language.Russian,
	hello:  "Здравствуйте, %s!",
	noName: "Здравствуйте!",
	euro:   "%s" + space + "€",
	months: map[plural.Form]string{plural.One: "месяц", plural.Few: "месяца", plural.Many: "месяцев", plural.Other: "месяца"},
	days:   map[plural.Form]string{plural.One: "день", plural.Few: "дня", plural.Many: "дней", plural.Other: "дня"},
	date:   dateRussian,
	period: func(from, through civil.Date) string {
		return fmt.Sprintf("с %s по %s включительно", dateRussian(from), dateRussian(through))
	},
	instant: func(d civil.Date, clock, zone string) string {
		return dateRussian(d) + " в " + clock + " " + zone
	},
	clock:   "15:04",
	zones:   map[civil.Zone]string{civil.Tallinn: "по эстонскому времени"},
	methods: map[string]string{"bank_link": "банковская ссылка"},
	reasons: map[string]string{
		"duplicate": "Этот заказ уже был оплачен, поэтому второй платёж не понадобился. С заказом и лицензией ничего не изменится.",
		"cancelled": "К моменту поступления платежа этот заказ уже был отменён, поэтому лицензии по нему не будет.",
		"expired":   "К моменту поступления платежа срок оплаты этого заказа уже истёк, поэтому лицензии по нему не будет.",
	},
}

func dateRussian(d civil.Date) string {
	return fmt.Sprintf("%d"+space+"%s %d"+space+"г.", d.Day, monthsRussian[d.Month-1], d.Year)
}

// In a date a month stands in the genitive.
var monthsRussian = [12]string{
	"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря",
}
