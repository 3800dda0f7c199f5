package seller

import (
	"time"

	"opiq/shared/civil"
)

// The hours in Tallinn from and until which somebody answers the phone, on days that are neither of a weekend nor holidays.
const (
	OpensAt  = 10
	ClosesAt = 16
)

// Answers tells whether somebody answers the phone now.
func Answers(now time.Time) bool {
	t := now.In(civil.Tallinn.Location())
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && !holiday(civil.DateOf(now, civil.Tallinn)) && OpensAt <= t.Hour() && t.Hour() < ClosesAt
}

// holidays are those that come on the same day each year. Easter Sunday and Pentecost are Sundays anyway.
var holidays = map[civil.Date]bool{
	{Month: time.January, Day: 1}: true, {Month: time.February, Day: 24}: true, {Month: time.May, Day: 1}: true, {Month: time.June, Day: 23}: true, {Month: time.June, Day: 24}: true,
	{Month: time.August, Day: 20}: true, {Month: time.December, Day: 24}: true, {Month: time.December, Day: 25}: true, {Month: time.December, Day: 26}: true,
}

// holiday tells whether a day is a public holiday in Estonia (AMB-15).
func holiday(d civil.Date) bool {
	return holidays[civil.Date{Month: d.Month, Day: d.Day}] || d == easter(d.Year).AddDays(-2) // Good Friday
}

// easter is the Easter Sunday of a year: the Sunday after the full moon of the church's own calendar, by the rule of 1876 that bears no
// name (Nature 13, p. 487).
func easter(year int) civil.Date {
	a, b, c := year%19, year/100, year%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	n := h + l - 7*((a+11*h+22*l)/451) + 114
	return civil.Date{Year: year, Month: time.Month(n / 31), Day: n%31 + 1}
}
