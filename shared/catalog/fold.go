package catalog

import (
	"unicode"
	"unicode/utf8"
)

// fold writes a text as a hurried hand types it: small letters, no accents, one space before every word. Letters of
// Kazakh that a Russian keyboard lacks become those that people type instead ("қазақ тілі" is found by "казак тили"),
// ё is е and й is и. What is neither letter nor digit only parts words.
func fold(text string) string {
	b := make([]byte, 0, len(text)+8)
	apart := true
	for _, r := range text {
		small := 'a' <= r && r <= 'z' || 'а' <= r && r <= 'я' // most letters: no need to look them up
		switch {
		case small:
		case r >= 0x300 && r <= 0x36f: // an accent typed on its own, as macOS gives them: õ is o and ◌̃
			continue
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			apart = true
			continue
		default:
			r = unicode.ToLower(r)
		}
		if apart {
			b = append(b, ' ')
			apart = false
		}
		b = utf8.AppendRune(b, plain(r))
	}
	return string(b)
}

// plain is the letter without what a keyboard may lack.
func plain(r rune) rune {
	switch r {
	case 'ä', 'å', 'á', 'à', 'â', 'ã', 'ā':
		return 'a'
	case 'õ', 'ö', 'ó', 'ò', 'ô', 'ō', 'ø':
		return 'o'
	case 'ü', 'ú', 'ù', 'û', 'ū':
		return 'u'
	case 'é', 'è', 'ê', 'ë', 'ē':
		return 'e'
	case 'í', 'ì', 'î', 'ï', 'ī':
		return 'i'
	case 'š':
		return 's'
	case 'ž':
		return 'z'
	case 'č', 'ç':
		return 'c'
	case 'ñ', 'ņ':
		return 'n'
	case 'ё':
		return 'е'
	case 'й', 'і':
		return 'и'
	case 'ә':
		return 'а'
	case 'ғ':
		return 'г'
	case 'қ':
		return 'к'
	case 'ң':
		return 'н'
	case 'ө':
		return 'о'
	case 'ұ', 'ү':
		return 'у'
	case 'һ':
		return 'х'
	}
	return r
}
