// Package fold writes texts as a hurried hand types them, so that a search finds them: small letters, no accents.
//
// Letters of Kazakh that a Russian keyboard lacks become those that people type instead ("қазақ тілі" is found by "казак тили"), ё is е
// and й is и. What is neither letter nor digit only parts words. The package knows no language and no search.
package fold

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is a text folded, with one space before every word: what begins a word in it is found after a space.
func Text(text string) string {
	b := make([]byte, 0, len(text)+8)
	for _, word := range words(text) {
		b = append(append(b, ' '), word...)
	}
	return string(b)
}

// Terms are the words of a search, each folded and with the space before it, as it stands in a Text where it begins a word.
func Terms(search string) (all []string) {
	for _, word := range words(search) {
		all = append(all, " "+string(word))
	}
	return all
}

// Span is a part of a text, in bytes.
type Span struct{ From, To int }

// Word is a word of a text: where it stands, and how it looks folded.
type Word struct {
	Span
	Folded string
}

// Words are the words of a text, one after the other.
func Words(text string) (all []Word) {
	for at, word := range words(text) {
		all = append(all, Word{at, string(word)})
	}
	return all
}

// Begins tells whether one of the terms begins the word.
func (w Word) Begins(terms []string) bool {
	for _, t := range terms {
		if strings.HasPrefix(w.Folded, t[1:]) {
			return true
		}
	}
	return false
}

// words gives each word's place, and its letters folded, which are good until the next one.
func words(text string) iter.Seq2[Span, []byte] {
	return func(yield func(Span, []byte) bool) {
		var word []byte
		from := 0
		for i, r := range text {
			small := 'a' <= r && r <= 'z' || 'а' <= r && r <= 'я' // most letters: no need to look them up
			switch {
			case small:
			case r >= 0x300 && r <= 0x36f: // an accent typed on its own, as macOS gives them: õ is o and ◌̃
				continue
			case !unicode.IsLetter(r) && !unicode.IsDigit(r):
				if len(word) > 0 && !yield(Span{from, i}, word) {
					return
				}
				word = word[:0]
				continue
			default:
				r = unicode.ToLower(r)
			}
			if len(word) == 0 {
				from = i
			}
			word = utf8.AppendRune(word, plain(r))
		}
		if len(word) > 0 {
			yield(Span{from, len(text)}, word)
		}
	}
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
