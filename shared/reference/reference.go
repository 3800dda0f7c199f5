// Package reference is the number by which a payment finds its order: the Estonian reference number (viitenumber) and
// the same number as an ISO 11649 creditor reference for payers abroad.
//
// The Estonian number is 1 to 19 digits of the issuer and a check digit by the 7-3-1 method (Estonian Banking
// Association, pangaliit.ee, "Viitenumber" and "7-3-1 meetod"). It is text: leading zeros count, and twenty digits do not
// fit an integer. The package prints no groups of four and knows no order; it never guesses a number that does not check.
package reference

import (
	"errors"
	"strings"
)

// Number is an Estonian reference number with its check digit, without spaces: "26000123452". Values come from Of and
// Parse only, so a Number is always a right one.
type Number string

// What a text is refused for.
var (
	ErrBase   = errors.New("reference: the base must be 1 to 19 digits")
	ErrNumber = errors.New("reference: not an Estonian reference number, nor an RF reference that holds one")
)

// Of adds the check digit to an issuer's own 1 to 19 digits. It answers ErrBase for anything else.
func Of(base string) (Number, error) {
	if len(base) > 19 || !digits(base) {
		return "", ErrBase
	}
	return Number(base + string(check(base))), nil
}

// Parse reads a reference number as people and banks write it, with or without spaces, or its RF form in any case. It
// answers ErrNumber where a check digit does not fit, or where an RF reference holds something that is no Estonian number.
func Parse(s string) (Number, error) {
	s = strings.ToUpper(strings.Join(strings.Fields(s), ""))
	if rf, ok := strings.CutPrefix(s, "RF"); ok {
		if len(rf) < 4 || !digits(rf) || remainder(rf[2:]+"2715"+rf[:2]) != 1 || rf[:2] < "02" || rf[:2] > "98" {
			return "", ErrNumber
		}
		s = rf[2:]
	}
	if len(s) < 2 || len(s) > 20 || !digits(s) || check(s[:len(s)-1]) != s[len(s)-1] {
		return "", ErrNumber
	}
	return Number(s), nil
}

// Base is the issuer's own digits, without the check digit.
func (n Number) Base() string { return string(n[:len(n)-1]) }

// RF is the number as a creditor reference (ISO 11649): "RF", two check digits, the number itself.
func (n Number) RF() string {
	c := 98 - remainder(string(n)+"271500") // R = 27, F = 15, and 00 in place of the check digits
	return "RF" + string([]byte{'0' + byte(c/10), '0' + byte(c%10)}) + string(n)
}

// check is the digit that fills the weighted sum up to ten: weights 7, 3, 1 from the right.
func check(base string) byte {
	sum := 0
	for i := range len(base) {
		sum += int(base[len(base)-1-i]-'0') * [...]int{7, 3, 1}[i%3]
	}
	return '0' + byte((10-sum%10)%10)
}

// remainder is a number of any length modulo 97 (ISO 7064, MOD 97-10).
func remainder(number string) int {
	r := 0
	for i := range len(number) {
		r = (r*10 + int(number[i]-'0')) % 97
	}
	return r
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
