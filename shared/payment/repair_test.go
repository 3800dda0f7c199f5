package payment

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"opiq/shared/civil"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/order"
)

// later is when a paid order of noon is looked at.
var later = noon.Add(10 * time.Minute)

// bought is the book of an order that was paid in two parts, with the letters that were written about it.
func bought(t *testing.T, startsOn civil.Date) (Book, []letter.Letter) {
	t.Helper()
	b := placed(startsOn, 0)
	letters := slices.Concat(b.receive("first", 2000).Letters, b.receive("second", 480).Letters)
	return b, letters
}

// ids are the letters that there are.
func ids(letters []letter.Letter) map[letter.ID]bool {
	written := map[letter.ID]bool{}
	for _, l := range letters {
		written[l.ID] = true
	}
	return written
}

// checked is what a check of the book changes where these letters are written, and what it found to be missing.
func checked(t *testing.T, b Book, written map[letter.ID]bool, now time.Time) (Change, string) {
	t.Helper()
	c, ok := b.Check(now)
	if !ok {
		t.Fatalf("the order is %s, and nobody looks at it", b.Order.State)
	}
	c, missing := c.Missing(written)
	if len(c.Payments)+len(c.Cases) > 0 || c.Order.State != order.Paid || !c.Order.CheckedAt.Equal(now) {
		t.Errorf("%+v", c)
	}
	return c, strings.Join(missing, " ")
}

func TestAnOrderThatHasAllIsOnlyMarkedAsChecked(t *testing.T) {
	for _, startsOn := range []civil.Date{today, today.AddDays(10)} {
		b, letters := bought(t, startsOn)
		c, missing := checked(t, b, ids(letters), later)
		if missing != "" || c.License != nil || len(c.Letters) != 0 {
			t.Errorf("from %s: %q was missing, %+v", startsOn, missing, c)
		}
		b.store(c)
		if _, ok := b.Check(later.Add(time.Hour)); ok {
			t.Error("it is looked at twice")
		}
	}
}

func TestOnlyPaidOrdersAreLookedAtAndNotAtOnce(t *testing.T) {
	b, _ := bought(t, today)
	if _, ok := b.Check(later.Add(-time.Second)); ok {
		t.Error("it was paid only just now")
	}
	if back, err := b.TakeBack("first", noon); err != nil {
		t.Error(err)
	} else if b.store(back); b.Order.State != order.Reopened {
		t.Error(b.Order.State)
	}
	for _, b := range []Book{b, placed(today, 1)} {
		if _, ok := b.Check(later); ok {
			t.Errorf("an order that is %s is looked at", b.Order.State)
		}
	}
}

// TestALicenseThatIsMissingIsGrantedAsItWas: from the day on which it was paid for, however late somebody finds out.
func TestALicenseThatIsMissingIsGrantedAsItWas(t *testing.T) {
	for startsOn, want := range map[civil.Date]string{today: "license payment_receipt license_active", today.AddDays(10): "license payment_receipt"} {
		b, _ := bought(t, startsOn)
		was := *b.License
		b.License = nil
		now := noon.AddDate(0, 0, 3)
		c, missing := checked(t, b, nil, now)
		if missing != want || kinds(c.Letters) != strings.TrimPrefix(want, "license ") {
			t.Errorf("from %s: %q was missing, the letters are %s", startsOn, missing, kinds(c.Letters))
		}
		for i := range c.License.History[1:] {
			c.License.History[1+i].At = was.History[1+i].At // that it has begun is told only now
		}
		if diff := cmp.Diff(was, *c.License); diff != "" {
			t.Errorf("from %s: %s", startsOn, diff)
		}
	}
}

// TestAMissingLicenseWhoseLettersWereWritten: they are not written a second time.
func TestAMissingLicenseWhoseLettersWereWritten(t *testing.T) {
	b, letters := bought(t, today)
	b.License = nil
	c, missing := checked(t, b, ids(letters), later)
	if missing != "license" || c.License.Stage != license.Active || len(c.Letters) != 0 {
		t.Errorf("%q was missing, %+v", missing, c)
	}
}

func TestALetterThatIsMissingIsWrittenAsItWas(t *testing.T) {
	b, letters := bought(t, today)
	for _, lost := range letters {
		if lost.Kind == letter.PaymentPartial { // nothing follows from that
			continue
		}
		written := ids(letters)
		delete(written, lost.ID)
		c, missing := checked(t, b, written, later)
		lost.CreatedAt = later // and not as if it had waited all the time
		if diff := cmp.Diff([]letter.Letter{lost}, c.Letters); missing != string(lost.Kind) || c.License != nil || diff != "" {
			t.Errorf("%s: %q was missing: %s", lost.ID, missing, diff)
		}
	}
}

// TestALicenseThatHasGoneOnHasTheLettersOfItsStages: where nobody looked for months.
func TestALicenseThatHasGoneOnHasTheLettersOfItsStages(t *testing.T) {
	b, letters := bought(t, today)
	soon := b.License.EndsAt.AddDate(0, 0, -10)
	l, _, _ := b.License.Step(soon)
	b.License = &l
	c, missing := checked(t, b, ids(letters), soon)
	if missing != "license_ends_soon" || c.Letters[0].Facts["days"] != "10" {
		t.Errorf("%q was missing: %+v", missing, c.Letters)
	}
}

// TestAnOrderThatIsPaidAgainIsLookedAtAgain: its license and its receipt are those of the first time.
func TestAnOrderThatIsPaidAgainIsLookedAtAgain(t *testing.T) {
	b, letters := bought(t, today)
	c, _ := checked(t, b, ids(letters), later)
	b.store(c)
	back, err := b.TakeBack("first", later)
	if err != nil {
		t.Fatal(err)
	}
	b.store(back)
	week := noon.AddDate(0, 0, 7)
	b.store(b.Receive(b.transfer("third", 2000), week, week))
	if c, missing := checked(t, b, ids(letters), week.Add(10*time.Minute)); missing != "" {
		t.Errorf("%q was missing: %+v", missing, c)
	}
	was := *b.License
	b.License = nil
	c, missing := checked(t, b, nil, week.Add(10*time.Minute))
	if c.License.StartsOn != was.StartsOn || c.License.EndsOn != was.EndsOn || missing != "license payment_receipt license_active" {
		t.Errorf("%q was missing: %+v", missing, c.License)
	}
	if paidAt := c.Letters[0].Facts["paidAt"]; paidAt != noon.Format(time.RFC3339) {
		t.Errorf("the receipt says that it was paid at %s", paidAt)
	}
}

// TestMoneyMeetsNoLicenseWhereThereShouldBeOne: what closes the license waits until it is there again; what opens it does not.
func TestMoneyMeetsNoLicenseWhereThereShouldBeOne(t *testing.T) {
	b, letters := bought(t, today)
	back, err := b.TakeBack("first", later)
	if err != nil {
		t.Fatal(err)
	}
	lost := b
	lost.License = nil
	if _, err := lost.TakeBack("first", later); err == nil {
		t.Error("money goes back, and nobody knows of the license")
	}
	b.store(back)
	b.License = nil
	b.store(b.Receive(b.transfer("third", 2000), later, later))
	c, missing := checked(t, b, ids(letters), later.Add(10*time.Minute))
	if missing != "license" || len(c.License.Holds) != 0 {
		t.Errorf("%q was missing: %+v", missing, c.License)
	}
}
