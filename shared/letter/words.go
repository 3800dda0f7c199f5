package letter

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"golang.org/x/text/feature/plural"

	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/money"
	"opiq/shared/words"
)

// speech is how letters speak in one language: with the words that they share with papers, and some of their own.
type speech struct {
	words.Words
	hello   string                  // %s is a name
	noName  string                  // the same to somebody whose name we do not use
	days    map[plural.Form]string  // after a number and "in"
	on      func(civil.Date) string // a day that answers "when?"
	instant string                  // %s are such a day, a time of day and a zone
	clock   string                  // layout of a time of day
	zones   map[civil.Zone]string
	reasons map[string]string // why money comes back: of cases with what it means for the order, then of refunds
	bases   map[string]string // why the service is stopped
}

var languages = map[lang.Code]speech{
	lang.Estonian: estonian, lang.English: english, lang.Russian: russian, lang.Kazakh: kazakh,
}

func shared(c lang.Code) words.Words {
	w, ok := words.In(c)
	if !ok {
		panic("letter: there are no words in " + c)
	}
	return w
}

// format writes a fact as a person reads it; ok is false for a text that is not such a fact.
type format func(w speech, fact string, zone civil.Zone) (_ string, ok bool)

// formats says how each fact is written. Facts that are not for reading (what a link is about, the zone) have none.
var formats = map[string]format{
	"order": verbatim, "license": verbatim, "paymentNumber": verbatim, "terms": verbatim, "invoice": verbatim, "payTo": verbatim,
	"correction": verbatim, "hold": verbatim, "card": verbatim, "credit": verbatim, "offset": verbatim, "account": verbatim,
	"way": one("card", "transfer", "offset"), "effect": one("annulled", "shortened"),
	"reviewOn": date, "scope": one("account", "license", "group"), "group": one("school", "class"), "still": one("yes"), "left": one("yes"), "basis": oneOf(speech.basis),
	"iban": inFours, "reference": inFours, "rf": inFours,
	"net": euros, "vat": euros, "gross": euros, "amount": euros, "open": euros, "received": eurosIfAny, "vatRate": percent,
	"startsOn": date, "endsOn": date, "validThrough": date, "dueOn": date, "askedFor": date, "renewOn": date, "expiresAt": lastDay,
	"placedAt": instant, "paidAt": instant, "startsAt": instant, "endsAt": instant, "expires": instant, "since": instant,
	"months": count(speech.Months), "days": count(speech.inDays),
	"method": oneOf(speech.Method), "reason": oneOf(speech.reason), "bank": bank,
}

func verbatim(_ speech, s string, _ civil.Zone) (string, bool) { return s, s != "" }

// bank is a bank's name. Open banking brings banks that have none here: they are said as it calls them.
func bank(_ speech, s string, _ civil.Zone) (string, bool) {
	if name, ok := words.Bank(s); ok {
		return name, true
	}
	return s, true
}

func inFours(_ speech, s string, _ civil.Zone) (string, bool) { return words.InFours(s), s != "" }

// eurosIfAny writes cents, and nothing for none.
func eurosIfAny(w speech, s string, zone civil.Zone) (string, bool) {
	if s == "0" {
		return "", true
	}
	return euros(w, s, zone)
}

func euros(w speech, s string, _ civil.Zone) (string, bool) {
	cents, err := strconv.ParseInt(s, 10, 64)
	return w.Euros(money.Amount(cents)), err == nil && cents >= 0
}

func percent(w speech, s string, _ civil.Zone) (string, bool) {
	var rate money.Rate
	err := rate.UnmarshalJSON([]byte(s))
	return w.Percent(rate), err == nil
}

func date(w speech, s string, _ civil.Zone) (string, bool) {
	d, err := civil.Parse(s)
	if err != nil {
		return "", false
	}
	return w.Date(d), true
}

func instant(w speech, s string, zone civil.Zone) (string, bool) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return "", false
	}
	return fmt.Sprintf(w.instant, w.on(civil.DateOf(t, zone)), t.In(zone.Location()).Format(w.clock), w.zone(zone)), true
}

// lastDay writes an end, which is exclusive, as the last day before it.
func lastDay(w speech, s string, zone civil.Zone) (string, bool) {
	t, err := time.Parse(time.RFC3339, s)
	return w.Date(civil.DateOf(t.Add(-1), zone)), err == nil
}

// zone is how a zone is said; one that has no name here is said by its name in the database.
func (w speech) zone(z civil.Zone) string {
	if name, ok := w.zones[z]; ok {
		return name
	}
	return string(z)
}

func (w speech) inDays(n int) string { return w.Count(n, w.days) }

func (w speech) reason(code string) (string, bool) {
	said, ok := w.reasons[code]
	return said, ok
}

func (w speech) basis(code string) (string, bool) {
	said, ok := w.bases[code]
	return said, ok
}

func count(say func(speech, int) string) format {
	return func(w speech, s string, _ civil.Zone) (string, bool) {
		n, err := strconv.Atoi(s)
		return say(w, n), err == nil && n > 0
	}
}

// one is a word of a closed list, which texts ask for and do not say.
func one(codes ...string) format {
	return func(_ speech, s string, _ civil.Zone) (string, bool) { return s, slices.Contains(codes, s) }
}

func oneOf(say func(speech, string) (string, bool)) format {
	return func(w speech, s string, _ civil.Zone) (string, bool) { return say(w, s) }
}
