package seller

import (
	"testing"
	"time"

	"opiq/shared/civil"
)

func TestTheDayOfEaster(t *testing.T) {
	for _, want := range []string{"2000-04-23", "2008-03-23", "2011-04-24", "2024-03-31", "2026-04-05", "2027-03-28", "2038-04-25"} {
		d, err := civil.Parse(want)
		if err != nil {
			t.Fatal(err)
		}
		if got := easter(d.Year); got != d {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

func TestWhenThePhoneIsAnswered(t *testing.T) {
	for at, want := range map[string]bool{
		"2026-11-23T10:00:00+02:00": true,  // a Monday
		"2026-11-23T15:59:59+02:00": true,  //
		"2026-11-23T16:00:00+02:00": false, //
		"2026-11-23T09:59:59+02:00": false, //
		"2026-07-01T10:00:00+03:00": true,  // in summer
		"2026-07-01T09:59:00+03:00": false, //
		"2026-11-21T12:00:00+02:00": false, // a Saturday
		"2026-11-22T12:00:00+02:00": false, // a Sunday
		"2026-02-24T12:00:00+02:00": false, // Independence Day
		"2026-04-03T12:00:00+03:00": false, // Good Friday
		"2026-04-06T12:00:00+03:00": true,  // Easter Monday is a working day in Estonia
		"2026-06-23T12:00:00+03:00": false, // Victory Day
		"2026-12-24T12:00:00+02:00": false, // Christmas Eve
		"2026-12-23T12:00:00+02:00": true,  //
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if Answers(now) != want {
			t.Errorf("%s: %v", at, !want)
		}
	}
}
