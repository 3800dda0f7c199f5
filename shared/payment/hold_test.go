package payment

import (
	"testing"
	"time"

	"opiq/shared/hold"
	"opiq/shared/letter"
	"opiq/shared/license"
)

// TestALicenseThatStaffHoldStaysClosedWhenItsMoneyIsBack: and the letter does not say that it is open.
func TestALicenseThatStaffHoldStaysClosedWhenItsMoneyIsBack(t *testing.T) {
	for name, held := range map[string]bool{"held by staff": true, "held by nobody": false} {
		b := placed(today, 0)
		b.receive("entry", price)
		c, err := b.TakeBack("entry", noon.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		b.store(c)
		want, still := license.State(license.Active), ""
		if held {
			l := b.License.Hold(hold.Hold{ID: "staff", On: hold.On(hold.OnLicense, b.License.ID), Basis: hold.Harmful, Since: noon})
			b.License = &l
			want, still = license.Suspended, "yes"
		}
		c = b.receive("again", price)
		l := c.Letters[len(c.Letters)-1]
		if l.Kind != letter.LicenseRestored || l.Facts["still"] != still || b.License.At(noon.Add(time.Hour)) != want {
			t.Errorf("%s: %s, %s %v", name, b.License.At(noon.Add(time.Hour)), l.Kind, l.Facts)
		}
	}
}
