// Package typed is what people type into a field: how it is kept, and how long it is. It knows nothing of what it means.
package typed

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Line is a text as it is kept that has one line: composed (NFC), without control characters and outer spaces.
func Line(s string) string { return clean(s, -1, -1) }

// Lines is a text as it is kept that may have several lines.
func Lines(s string) string { return clean(strings.ReplaceAll(s, "\r\n", "\n"), '\n', ' ') }

// clean keeps of control characters what is given for the end of a line and for a tab, -1 for nothing.
func clean(s string, end, tab rune) string {
	return strings.TrimSpace(norm.NFC.String(strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return end
		case r == '\t':
			return tab
		case unicode.IsControl(r) || r == utf8.RuneError:
			return -1
		}
		return r
	}, s)))
}

// Fits tells whether a text has so many characters, but for outer spaces.
func Fits(s string, least, most int) bool {
	n := utf8.RuneCountInString(strings.TrimSpace(s))
	return least <= n && n <= most
}
