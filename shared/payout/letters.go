package payout

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// What SEPA has room for.
const (
	maxName = 70
	maxText = 140
)

// plain are the characters that every bank in SEPA takes (EPC217-08), and local those that Estonian banks take besides.
const (
	plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ "
	local = "õäöüšžÕÄÖÜŠŽ"
)

// estonian tells whether money stays between Estonian banks, so that Õ is written as Õ. Abroad it is O: nobody promises more, and a
// bank may refuse the file.
type estonian bool

func domestic(iban string) estonian { return estonian(strings.HasPrefix(iban, "EE")) }

// name is a name as the bank takes it. It is never empty: where nothing of it can be said in Latin letters, it is not provided, and the
// account number alone says where the money goes.
func (e estonian) name(s string) string {
	if s = e.write(s, maxName); strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return s
	}
	return notProvided
}

// write is a text in the characters that the bank takes, so many of them at most. What has no place in it is a space, and what nobody
// sees (accents that stand alone, marks of direction) is nothing.
func (e estonian) write(s string, most int) string {
	var b strings.Builder
	for _, r := range norm.NFKC.String(s) {
		e.letter(&b, r)
	}
	out := strings.Join(strings.Fields(b.String()), " ")
	if s == strings.ToUpper(s) { // Щ is SHCH among capitals, and else Shch
		out = strings.ToUpper(out)
	}
	if letters := []rune(out); len(letters) > most {
		out = strings.TrimSpace(string(letters[:most]))
	}
	return out
}

func (e estonian) letter(b *strings.Builder, r rune) {
	small := unicode.ToLower(r)
	like, known := likes[small]
	apart := norm.NFKD.String(string(r))
	switch {
	case strings.ContainsRune(plain, r) || bool(e) && strings.ContainsRune(local, r):
		b.WriteRune(r)
	case known && r != small && like != "":
		b.WriteString(strings.ToUpper(like[:1]) + like[1:])
	case known:
		b.WriteString(like)
	case apart != string(r): // é is e and an accent
		for _, r := range apart {
			e.letter(b, r)
		}
	case !unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		b.WriteByte(' ')
	}
}

// likes are letters that no accent makes out of a Latin one: those of Europe, Cyrillic as passports have it (ICAO 9303), Kazakh as the
// nearest Latin one; and signs, as banks replace them (EPC217-08).
var likes = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d", 'þ': "th", 'ł': "l", 'ı': "i", 'ħ': "h", 'ŋ': "n", 'ŧ': "t",

	'а': "a", 'б': "b", 'в': "v", 'г': "g", 'д': "d", 'е': "e", 'ж': "zh", 'з': "z", 'и': "i", 'к': "k", 'л': "l", 'м': "m", 'н': "n", 'о': "o", 'п': "p",
	'р': "r", 'с': "s", 'т': "t", 'у': "u", 'ф': "f", 'х': "kh", 'ц': "ts", 'ч': "ch", 'ш': "sh", 'щ': "shch", 'ъ': "ie", 'ы': "y", 'ь': "", 'э': "e",
	'ю': "iu", 'я': "ia", 'і': "i", 'є': "ie", 'ґ': "g", 'ђ': "d", 'ј': "j", 'љ': "lj", 'њ': "nj", 'ћ': "c", 'џ': "dz", 'ѕ': "dz",
	'ә': "a", 'ғ': "g", 'қ': "k", 'ң': "n", 'ө': "o", 'ұ': "u", 'ү': "u", 'һ': "h",

	'&': "+", '"': "'", '„': "'", '“': "'", '”': "'", '«': "'", '»': "'", '‘': "'", '’': "'", '`': "'", '–': "-", '—': "-", '‐': "-", '−': "-", '_': "-", '~': "-",
	'[': "(", '{': "(", '<': "(", ']': ")", '}': ")", '>': ")", '\\': "/", '|': "/", ';': ",", '!': ".", '@': "(at)", '€': "EUR",
}
