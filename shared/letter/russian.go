package letter

import (
	"golang.org/x/text/feature/plural"

	"opiq/shared/civil"
	"opiq/shared/lang"
)

var russian = speech{
	Words:   shared(lang.Russian),
	hello:   "Здравствуйте, %s!",
	noName:  "Здравствуйте!",
	days:    map[plural.Form]string{plural.One: "день", plural.Few: "дня", plural.Many: "дней", plural.Other: "дня"},
	on:      shared(lang.Russian).Date,
	instant: "%s в %s %s",
	clock:   "15:04",
	zones:   map[civil.Zone]string{civil.Tallinn: "по эстонскому времени"},
	reasons: map[string]string{
		"duplicate": "Этот заказ уже был оплачен, поэтому второй платёж не понадобился. С заказом и лицензией ничего не изменится.",
		"cancelled": "Этот заказ отменён, поэтому лицензии по нему не будет.",
		"overpaid":  "Денег поступило больше, чем оставалось заплатить; остальная сумма зачтена в оплату заказа.",
		"expired":   "Заказ не был полностью оплачен в срок и больше не действует, поэтому лицензии по нему не будет.",
		"late":      "Когда деньги поступили, срок этого заказа уже истёк и оплатить его этой суммой было нельзя, поэтому лицензии по нему не будет.",
	},
}
