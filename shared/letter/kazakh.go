package letter

import (
	"golang.org/x/text/feature/plural"

	"opiq/shared/civil"
	"opiq/shared/lang"
)

var kazakh = speech{
	Words:   shared(lang.Kazakh),
	hello:   "Сәлеметсіз бе, %s!",
	noName:  "Сәлеметсіз бе!",
	days:    map[plural.Form]string{plural.One: "күннен", plural.Other: "күннен"},
	on:      shared(lang.Kazakh).Date,
	instant: "%s, сағат %s, %s",
	clock:   "15:04",
	zones:   map[civil.Zone]string{civil.Tallinn: "Эстония уақытымен"},
	reasons: map[string]string{
		"duplicate": "Бұл тапсырыстың ақысы бұған дейін төленген, сондықтан екінші төлем қажет болмады. Тапсырыс пен лицензияда ештеңе өзгермейді.",
		"cancelled": "Бұл тапсырыстан бас тартылған, сондықтан ол бойынша лицензия берілмейді.",
		"overpaid":  "Төленуге тиіс сомадан артық ақша түсті; қалған ақша тапсырыстың ақысына есептелді.",
		"expired":   "Тапсырыстың ақысы уақытында толық төленбеді, оның мерзімі өтті, сондықтан ол бойынша лицензия берілмейді.",
		"late":      "Ақша түскенде бұл тапсырыстың мерзімі өтіп кеткен еді және оны бұл сомамен төлеу мүмкін болмады, сондықтан ол бойынша лицензия берілмейді.",
	},
}
