package letter

import (
	"fmt"

	"golang.org/x/text/feature/plural"

	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/words"
)

var estonian = speech{
	Words:  shared(lang.Estonian),
	hello:  "Tere, %s!",
	noName: "Tere!",
	days:   map[plural.Form]string{plural.One: "päeva", plural.Other: "päeva"},
	on: func(d civil.Date) string {
		return fmt.Sprintf("%d."+words.Space+"%sl %d", d.Day, words.MonthsEstonianGenitive[d.Month-1], d.Year)
	},
	instant: "%s kell %s %s",
	clock:   "15.04",
	zones:   map[civil.Zone]string{civil.Tallinn: "Eesti aja järgi"},
	reasons: map[string]string{
		"duplicate": "See tellimus oli juba tasutud, nii et teist makset polnud vaja. Tellimuse ja litsentsiga ei muutu midagi.",
		"cancelled": "See tellimus on tühistatud, nii et selle alusel litsentsi ei anta.",
		"overpaid":  "Laekus rohkem, kui tellimuse eest oli tasuda; ülejäänud raha läks tellimuse katteks.",
		"expired":   "Tellimust ei tasutud õigeks ajaks täies ulatuses, nii et see on aegunud ja selle alusel litsentsi ei anta.",
		"late":      "Kui raha laekus, oli see tellimus juba aegunud ja seda ei saanud selle rahaga enam tasuda, nii et litsentsi selle alusel ei anta.",
		"annulled":  "Selle tellimuse litsents on tühistatud, nii et tellimuse jaoks enam raha vaja ei ole.",

		"surplus":         "Tellimuse tasumiseks seda raha vaja ei olnud.",
		"system_error":    "Hind või pakkumine oli meie süsteemi ilmse vea tõttu valesti näidatud. Palume vabandust.",
		"not_paid":        "Tellimust ei tasutud õigeks ajaks või võeti selle makse tagasi.",
		"false_data":      "Tellimuse andmed ei vastanud tõele.",
		"breach":          "Litsentsi kasutati tingimuste vastaselt.",
		"not_supplied":    "Me ei saa sulle tellitut anda. Palume vabandust.",
		"agreed":          "Sa palusid seda ja me olime nõus.",
		"price_reduction": "Alandasime hinda, sest kõik ei olnud nii, nagu pidi. Palume vabandust.",
	},
	bases: map[string]string{
		"harmful":             "Märkasime tegevust, mis kahjustab teisi inimesi või teenust.",
		"off_purpose":         "Opiqi materjale kasutati muuks, kui need on mõeldud.",
		"indecent_content":    "Lisati teksti või materjali, mis on vastuolus üldtunnustatud moraalinormidega.",
		"infringes_ip":        "Rikuti intellektuaalse omandi reegleid.",
		"unacceptable":        "Solvati teisi või käituti ebaviisakalt.",
		"refuses_obligations": "Keelduti kasutustingimustest või seadusest tulenevatest kohustustest.",
		"unpaid":              "Teenuse eest ei ole tasutud.",
		"credential_leak":     "Meil on põhjust arvata, et parooli teab keegi teine.",
		"false_data":          "Registreerimisel antud andmed ei ole õiged.",
	},
}
