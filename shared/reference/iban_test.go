package reference_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"opiq/shared/reference"
)

func TestAccountNumbersThatThereAre(t *testing.T) {
	for _, s := range []string{
		"EE382200221020145685", "EE171010123456789017", "EE597700771234567897", "EE561700017123456786", "EE684204212345678907", "EE471000001020145685",
		"EE637700771011212909", "DE89370400440532013000", "FI2112345600000785", "LV80BANK0000435195001", "LT121000011101001000",
		"NO9386011117947",                 // the shortest
		"MT84MALT011000012345MTLCAST001S", // letters in the middle
	} {
		if !reference.IBAN(s) {
			t.Errorf("%s is none", s)
		}
	}
}

func TestWhatIsNoAccountNumber(t *testing.T) {
	for name, s := range map[string]string{
		"nothing": "", "a country": "EE", "a wrong digit": "EE382200221020145684", "too short for Estonia": "EE38220022102014568",
		"too long for Estonia": "EE3822002210201456850", "spaces": "EE38 2200 2210 2014 5685", "small letters": "ee382200221020145685",
		"no country": "38EE2200221020145685", "a digit in the country": "E3E82200221020145685", "other digits": "EE３８2200221020145685", "a minus": "EE38-200221020145685",
		"very long": "DE" + strings.Repeat("8", 40), "letters in the check digits": "EEAA2200221020145685",
	} {
		if reference.IBAN(s) {
			t.Errorf("%s: %q is one", name, s)
		}
	}
}

// The check digits 00, 01 and 99 leave the same remainder as 97, 98 and 02, and belong to no account.
func TestEachAccountHasOneNumber(t *testing.T) {
	for right, wrong := range map[string]string{"02": "99", "97": "00", "98": "01"} {
		found := ""
		for i := 0; found == ""; i++ {
			if s := "LV" + right + "BANK" + strings.Repeat("0", 11) + string([]byte{'0' + byte(i/10%10), '0' + byte(i%10)}); reference.IBAN(s) {
				found = s
			}
		}
		if s := "LV" + wrong + found[4:]; reference.IBAN(s) {
			t.Errorf("%s and %s are one account", found, s)
		}
	}
}

// A digit for a digit, or a letter for a letter. One for the other moves all that stands before it by a place, and such a
// mistake the remainder may miss: EE382G00221020145685 would pass for an account, if Estonia had letters in them.
func TestOneWrongCharacterOfAnAccountIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := []byte(rapid.SampledFrom([]string{"EE382200221020145685", "LV80BANK0000435195001", "NO9386011117947"}).Draw(t, "account"))
		i := rapid.IntRange(0, len(s)-1).Draw(t, "place")
		before := s[i]
		others := "0123456789"
		if before >= 'A' {
			others = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		}
		s[i] = rapid.SampledFrom([]byte(others)).Draw(t, "other")
		if s[i] != before && reference.IBAN(string(s)) {
			t.Fatalf("%s is one too", s)
		}
	})
}
