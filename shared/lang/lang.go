// Package lang is the four languages in which the shop speaks: Estonian, English, Russian and Kazakh.
package lang

import "golang.org/x/text/language"

// Code is a language that the shop speaks, by its ISO 639-1 code.
type Code string

// The languages.
const (
	Estonian Code = "et"
	English  Code = "en"
	Russian  Code = "ru"
	Kazakh   Code = "kk"
)

// All are the languages; the first is the seller's own and the last resort.
var All = []Code{Estonian, English, Russian, Kazakh}

// Parse reads a code. Another language, or no code at all, is not ok.
func Parse(s string) (Code, bool) {
	for _, c := range All {
		if string(c) == s {
			return c, true
		}
	}
	return "", false
}

// Pick is the language that suits an Accept-Language header best.
func Pick(accept string) Code {
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return All[0]
	}
	for _, w := range wanted {
		base, _ := w.Base()
		if c, ok := Parse(base.String()); ok {
			return c
		}
	}
	return All[0]
}
