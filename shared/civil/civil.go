// Package civil is the calendar as a family reads it: dates without a clock, months that end where the month ends,
// and the instant at which a date begins in a zone.
//
// A license is bought in dates and checked in instants; this is the only place where one becomes the other.
package civil

import (
	"cmp"
	"fmt"
	"sync"
	"time"
	_ "time/tzdata" // zones are part of the trade, wherever the binary runs
)

// Date is a day of the Gregorian calendar. The zero value is no day.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// Zone is the name of a time zone of the IANA database, kept beside every date that was promised in it.
type Zone string

// Tallinn is the zone of the Estonian seller (ambiguity AMB-9 of the terms: the terms name none).
const Tallinn Zone = "Europe/Tallinn"

// Almaty is the zone of a second market.
const Almaty Zone = "Asia/Almaty"

// zones are the locations that were asked for, by their Zone: reading one takes a while.
var zones sync.Map

// Location is the zone's rules. A name that is not in the database is a mistake in the program and panics.
func (z Zone) Location() *time.Location {
	if l, ok := zones.Load(z); ok {
		return l.(*time.Location)
	}
	l, err := time.LoadLocation(string(z))
	if err != nil {
		panic(err)
	}
	zones.Store(z, l)
	return l
}

// DateOf is the day on which an instant falls in a zone.
func DateOf(t time.Time, z Zone) Date {
	y, m, d := t.In(z.Location()).Date()
	return Date{y, m, d}
}

// Parse reads "2026-09-01". A day that is not in the calendar is an error.
func Parse(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1 {
		return Date{}, fmt.Errorf("civil: %q is not a date like 2026-09-01", s)
	}
	y, m, d := t.Date()
	return Date{y, m, d}, nil
}

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// String is the day as ISO 8601 writes it.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// IsZero tells whether d is no day.
func (d Date) IsZero() bool { return d == Date{} }

// Before tells whether d is an earlier day than o.
func (d Date) Before(o Date) bool {
	return cmp.Or(cmp.Compare(d.Year, o.Year), cmp.Compare(d.Month, o.Month), cmp.Compare(d.Day, o.Day)) < 0
}

// DaysUntil is how many days later another date is.
func (d Date) DaysUntil(o Date) int { return int(o.utc().Sub(d.utc()) / (24 * time.Hour)) }

// AddDays is the day n days later.
func (d Date) AddDays(n int) Date {
	y, m, day := d.utc().AddDate(0, 0, n).Date()
	return Date{y, m, day}
}

// AddMonths is the same day n calendar months later, or the last day of that month where it has no such day:
// 31 January and one month is 28 or 29 February (AMB-8).
func (d Date) AddMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return Date{first.Year(), first.Month(), min(d.Day, last)}
}

// Start is the first instant of the day in a zone. Where the clock jumps over midnight it is the first instant after the jump.
func (d Date) Start(z Zone) time.Time {
	l := z.Location()
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, l)
	if DateOf(t, z).Before(d) { // midnight does not exist: Go answers an hour early
		_, end := t.ZoneBounds()
		t = end
	}
	return t.UTC()
}

// MarshalText and UnmarshalText write and read the ISO form, in JSON and in the table.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads the ISO form.
func (d *Date) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Date{}
		return nil
	}
	p, err := Parse(string(b))
	if err == nil {
		*d = p
	}
	return err
}
