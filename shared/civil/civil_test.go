package civil

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func date(t *testing.T, s string) Date {
	t.Helper()
	d, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestMonthsEndWhereTheMonthEnds(t *testing.T) {
	for _, c := range []struct {
		from   string
		months int
		to     string
	}{
		{"2026-01-31", 1, "2026-02-28"},
		{"2028-01-31", 1, "2028-02-29"},
		{"2026-01-31", 3, "2026-04-30"},
		{"2026-12-31", 2, "2027-02-28"},
		{"2028-02-29", 12, "2029-02-28"},
		{"2026-09-01", 10, "2027-07-01"},
		{"2026-11-30", 3, "2027-02-28"},
	} {
		if got := date(t, c.from).AddMonths(c.months).String(); got != c.to {
			t.Errorf("%s and %d months is %s, not %s", c.from, c.months, got, c.to)
		}
	}
}

func TestADayStartsAtItsFirstInstant(t *testing.T) {
	for _, c := range []struct {
		day   string
		zone  Zone
		start string
	}{
		{"2026-01-15", Tallinn, "2026-01-14T22:00:00Z"},
		{"2026-07-15", Tallinn, "2026-07-14T21:00:00Z"},
		{"2026-03-29", Tallinn, "2026-03-28T22:00:00Z"},             // the clock goes forward at 3
		{"2026-10-25", Tallinn, "2026-10-24T21:00:00Z"},             // and back at 4
		{"2024-03-01", "Asia/Almaty", "2024-02-29T19:00:00Z"},       // the zone moved at midnight, the hour before came twice
		{"2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00:00Z"}, // midnight did not exist
	} {
		if got := date(t, c.day).Start(c.zone).Format(time.RFC3339); got != c.start {
			t.Errorf("%s starts in %s at %s, not %s", c.day, c.zone, got, c.start)
		}
	}
}

func TestADayIsAllThatLiesBetweenItsStartAndTheNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom([]Zone{Tallinn, "Asia/Almaty", "America/Sao_Paulo", "UTC"}).Draw(t, "zone")
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "instant"), 0)
		d := DateOf(at, zone)
		if at.Before(d.Start(zone)) || !at.Before(d.AddDays(1).Start(zone)) {
			t.Fatalf("%s falls on %s and outside of it", at, d)
		}
	})
}

func TestMonthsNeverGoBackwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Date{2000, 1, 1}.AddDays(rapid.IntRange(0, 40_000).Draw(t, "day"))
		n := rapid.IntRange(1, 36).Draw(t, "months")
		end := d.AddMonths(n)
		if !d.Before(end) || end.Before(d.AddMonths(n-1)) || d.AddDays(1).AddMonths(n).Before(end) {
			t.Fatalf("%s and %d months is %s", d, n, end)
		}
	})
}

func TestOnlyDaysAreDates(t *testing.T) {
	for _, s := range []string{"", "2026-02-29", "2026-13-01", "26-01-01", "2026-1-1", "2026-01-01T00:00:00Z", "tomorrow", "0000-01-01"} {
		if d, err := Parse(s); err == nil {
			t.Errorf("%q was read as %s", s, d)
		}
	}
}
