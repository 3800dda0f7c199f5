package reference_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"opiq/shared/reference"
)

// The examples of the Banking Association and of three public libraries.
var known = []struct{ base, number string }{
	{"12131295", "121312952"},
	{"12", "123"},
	{"123456", "1234561"},
	{"100", "1009"},
	{"2429974", "24299745"},
	{"66492", "664925"},
	{"1", "13"},
	{"123", "1232"},
	{"1234", "12344"},
	{"20260001", "202600017"},
	{"99", "990"},
	{"555", "5555"},
	{"0", "00"},
	{"00012", "000123"},
	{"9999999999999999999", "99999999999999999993"},
}

func TestKnownNumbers(t *testing.T) {
	for _, k := range known {
		n, err := reference.Of(k.base)
		if err != nil || string(n) != k.number {
			t.Errorf("Of(%s) = %s, %v; want %s", k.base, n, err, k.number)
		}
		back, err := reference.Parse(k.number)
		if err != nil || back.Base() != k.base {
			t.Errorf("Parse(%s) has base %s, %v; want %s", k.number, back.Base(), err, k.base)
		}
	}
}

func TestKnownRF(t *testing.T) {
	for number, rf := range map[string]string{
		"202600017": "RF85202600017",
		"1234561":   "RF341234561",
	} {
		n, err := reference.Parse(number)
		if err != nil || n.RF() != rf {
			t.Errorf("RF of %s = %s, %v; want %s", number, n.RF(), err, rf)
		}
	}
}

func TestReadsWhatPeopleWrite(t *testing.T) {
	for text, want := range map[string]reference.Number{
		"2026 0001 7":               "202600017",
		" 202600017 ":               "202600017",
		"2026\u00a00001\t7\n":       "202600017",
		"rf85 2026 0001 7":          "202600017",
		"RF85202600017":             "202600017",
		"RF34 1234 561":             "1234561",
		"9999 9999 9999 9999 9993":  "99999999999999999993",
		"000123":                    "000123",
		"Rf851234567890123456 7897": "",
	} {
		n, err := reference.Parse(text)
		if want == "" {
			if !errors.Is(err, reference.ErrNumber) {
				t.Errorf("Parse(%q) = %s, %v; want ErrNumber", text, n, err)
			}
		} else if err != nil || n != want {
			t.Errorf("Parse(%q) = %s, %v; want %s", text, n, err, want)
		}
	}
}

func TestRefusesWhatIsNoNumber(t *testing.T) {
	for _, text := range []string{
		"", " ", "7", "202600018", "2026-0001-7", "20260001７", "-13", "+13", "1e3", "1009x",
		strings.Repeat("0", 21),
		"RF", "RF1", "RF35C4", "RF85", "RF8520260001", "RF84202600017", "RF00539007547034", "RF18539007547035",
		"RF18539007547034",                                    // a right RF reference, and its number is not an Estonian one
		"RF712348231", "RF45G72UUR", "RF6518K5", "RF47ABC123", // right RF references of other issuers
		"RF85RF85202600017",
	} {
		if n, err := reference.Parse(text); !errors.Is(err, reference.ErrNumber) {
			t.Errorf("Parse(%q) = %s, %v; want ErrNumber", text, n, err)
		}
	}
	for _, base := range []string{"", "x", "1 2", "１", strings.Repeat("9", 20)} {
		if n, err := reference.Of(base); !errors.Is(err, reference.ErrBase) {
			t.Errorf("Of(%q) = %s, %v; want ErrBase", base, n, err)
		}
	}
}

func number(t *rapid.T) reference.Number {
	n, err := reference.Of(rapid.StringMatching(`[0-9]{1,19}`).Draw(t, "base"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestEveryNumberComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := number(t)
		if again, err := reference.Of(n.Base()); err != nil || again != n {
			t.Fatalf("Of(%s) = %s, %v", n.Base(), again, err)
		}
		for _, form := range []string{string(n), n.RF(), strings.ToLower(n.RF()), n.RF()[:4] + " " + n.RF()[4:]} {
			if back, err := reference.Parse(form); err != nil || back != n {
				t.Fatalf("Parse(%q) = %s, %v; want %s", form, back, err, n)
			}
		}
	})
}

func TestOneWrongDigitIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := number(t)
		for _, form := range []string{string(n), n.RF()} {
			i := rapid.IntRange(0, len(form)-1).Draw(t, "place")
			if form[i] < '0' || form[i] > '9' {
				continue
			}
			other := '0' + (form[i]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "step")))%10
			if wrong := form[:i] + string(other) + form[i+1:]; accepted(wrong) {
				t.Fatalf("%s is right, and so is %s", form, wrong)
			}
		}
	})
}

// Two neighbors change places: the weights 7, 3, 1 differ by 4, 2 or 6, so the sum stays the same only where the digits
// differ by five (or not at all). RF finds those too.
func TestSwappedNeighborsAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := string(number(t))
		i := rapid.IntRange(0, len(n)-2).Draw(t, "place")
		a, b := n[i], n[i+1]
		swapped := n[:i] + string(b) + string(a) + n[i+2:]
		if d := int(a) - int(b); accepted(swapped) != (d%5 == 0) {
			t.Fatalf("%s and %s: accepted %v", n, swapped, accepted(swapped))
		}
		rf := reference.Number(n).RF()
		if wrong := rf[:4] + swapped; a != b && accepted(wrong) {
			t.Fatalf("%s is right, and so is %s", rf, wrong)
		}
	})
}

// 00, 01 and 99 leave the same remainder as 97, 98 and 02, and are check digits of no number.
func TestEachNumberHasOneRF(t *testing.T) {
	twins := map[string]string{"97": "00", "98": "01", "02": "99"}
	for i := 0; len(twins) > 0; i++ {
		n, err := reference.Of(strconv.Itoa(i))
		if err != nil {
			t.Fatal(err)
		}
		twin, ok := twins[n.RF()[2:4]]
		if ok && accepted("RF"+twin+string(n)) {
			t.Errorf("%s is right, and so is RF%s%s", n.RF(), twin, n)
		}
		delete(twins, n.RF()[2:4])
	}
}

func accepted(s string) bool {
	_, err := reference.Parse(s)
	return err == nil
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"202600017", "RF85 2026 0001 7", "RF00", "", "RF\u00e9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := reference.Parse(s)
		if err != nil {
			return
		}
		if again, err := reference.Of(n.Base()); err != nil || again != n {
			t.Fatalf("Parse(%q) = %s, which is not the number of its base", s, n)
		}
	})
}
