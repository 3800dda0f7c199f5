package letter

import (
	"fmt"
	"strconv"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"opiq/shared/civil"
	"opiq/shared/lang"
)

// words is how one language says dates, sums and counts. Plural rules and digits are CLDR's, by x/text; dates and the
// place of the euro sign, which it does not know, stand in the language's own file, after CLDR too.
type words struct {
	tag     language.Tag
	hello   string                 // %s is a name
	noName  string                 // the same to somebody whose name we do not use
	euro    string                 // %s is the number
	months  map[plural.Form]string // after a number
	days    map[plural.Form]string // after a number and "in"
	date    func(civil.Date) string
	period  func(from, through civil.Date) string
	instant func(day civil.Date, clock, zone string) string // answers "when?"
	clock   string                                          // layout of a time of day
	zones   map[civil.Zone]string
	methods map[string]string // ways to pay
	reasons map[string]string // why money comes back, and what it means for the order
}

var languages = map[lang.Code]words{
	lang.Estonian: estonian, lang.English: english, lang.Russian: russian, lang.Kazakh: kazakh,
}

var banks = map[string]string{"swedbank": "Swedbank", "seb": "SEB", "lhv": "LHV", "luminor": "Luminor", "coop": "Coop Pank"}

const space = "\u00a0" // a number and its unit stay on one line

// format writes a fact as a person reads it; ok is false for a text that is not such a fact.
type format func(w words, fact string, zone civil.Zone) (_ string, ok bool)

// formats says how each fact is written. Facts that are not for reading (what a link is about, the zone) have none.
var formats = map[string]format{
	"order": verbatim, "license": verbatim, "paymentNumber": verbatim, "terms": verbatim,
	"net": euros, "vat": euros, "gross": euros, "amount": euros, "vatRate": percent,
	"startsOn": date, "endsOn": date, "validThrough": date,
	"placedAt": instant, "paidAt": instant, "startsAt": instant, "endsAt": instant, "expires": instant,
	"months": count(func(w words) map[plural.Form]string { return w.months }),
	"days":   count(func(w words) map[plural.Form]string { return w.days }),
	"method": oneOf(func(w words) map[string]string { return w.methods }),
	"reason": oneOf(func(w words) map[string]string { return w.reasons }),
	"bank":   oneOf(func(words) map[string]string { return banks }),
}

func verbatim(_ words, s string, _ civil.Zone) (string, bool) { return s, s != "" }

// euros writes cents. x/text takes no fractions but floats: a float holds every sum under 10^13 euros to the cent.
func euros(w words, s string, _ civil.Zone) (string, bool) {
	cents, err := strconv.ParseInt(s, 10, 64)
	return fmt.Sprintf(w.euro, w.number(number.Decimal(float64(cents)/100, number.Scale(2)))), err == nil && cents >= 0
}

func percent(w words, s string, _ civil.Zone) (string, bool) {
	rate, err := strconv.ParseFloat(s, 64)
	return w.number(number.Percent(rate/100, number.MaxFractionDigits(2))), err == nil
}

func (w words) number(n number.Formatter) string { return message.NewPrinter(w.tag).Sprint(n) }

func date(w words, s string, _ civil.Zone) (string, bool) {
	d, err := civil.Parse(s)
	if err != nil {
		return "", false
	}
	return w.date(d), true
}

func instant(w words, s string, zone civil.Zone) (string, bool) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return "", false
	}
	return w.instant(civil.DateOf(t, zone), t.In(zone.Location()).Format(w.clock), w.zone(zone)), true
}

// zone is how a zone is said; one that has no name here is said by its name in the database.
func (w words) zone(z civil.Zone) string {
	if name, ok := w.zones[z]; ok {
		return name
	}
	return string(z)
}

func count(unit func(words) map[plural.Form]string) format {
	return func(w words, s string, _ civil.Zone) (string, bool) {
		n, err := strconv.Atoi(s)
		return s + space + unit(w)[plural.Cardinal.MatchPlural(w.tag, n, 0, 0, 0, 0)], err == nil && n > 0
	}
}

func oneOf(list func(words) map[string]string) format {
	return func(w words, s string, _ civil.Zone) (string, bool) {
		said, ok := list(w)[s]
		return said, ok
	}
}
