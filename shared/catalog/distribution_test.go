package catalog

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/problem"
)

func day(s string) civil.Date {
	d, err := civil.Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

// noon is a moment of a day, in Tallinn.
func noon(s string) time.Time { return day(s).Start(civil.Tallinn).Add(12 * time.Hour) }

var elo = account.Actor{Account: "55555555555555555555555555555555"}

// codes are the pointers and codes of what is wrong.
func codes(wrong []problem.Field) string {
	var all []string
	for _, f := range wrong {
		all = append(all, f.Pointer+" "+f.Code)
	}
	return strings.Join(all, ", ")
}

func TestWhatARedistributionMustSay(t *testing.T) {
	whole := Redistribution{From: day("2023-08-15"), Until: day("2030-08-31"), Agreement: "LK-2023-02", Reason: "Kirjastus soovis"}
	for want, change := range map[string]func(*Redistribution){
		"":                    func(*Redistribution) {},
		"/agreement required": func(r *Redistribution) { r.Agreement = " " },
		"/until before_from":  func(r *Redistribution) { r.Until = day("2023-08-14") },
		"/until required":     func(r *Redistribution) { r.Until = civil.Date{} },
		"/from required":      func(r *Redistribution) { r.From = civil.Date{} },
		"/reason length":      func(r *Redistribution) { r.Reason = strings.Repeat("õ", 501) },
	} {
		r := whole
		change(&r)
		if got := codes(r.Check()); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	r := whole
	if r.Until = r.From; r.Check() != nil {
		t.Error("a work cannot be distributed for a day")
	}
}

// TestWhoTakesAWorkFromASchoolYearIsAsked: the work is distributed from 15 August 2023 to 31 August 2036.
func TestWhoTakesAWorkFromASchoolYearIsAsked(t *testing.T) {
	for _, c := range []struct {
		name, today, from, until string
		asked                    bool
	}{
		{"it ends with the holidays", "2026-11-22", "2023-08-15", "2027-08-31", false},
		{"it ends on the first day of school", "2026-11-22", "2023-08-15", "2027-09-01", true},
		{"it ends in winter", "2026-11-22", "2023-08-15", "2027-12-31", true},
		{"it ends on the day before the last of school", "2026-11-22", "2023-08-15", "2027-06-09", true},
		{"it ends on the last day of school", "2026-11-22", "2023-08-15", "2027-06-10", false},
		{"it ended, while there is school", "2026-11-22", "2023-08-15", "2026-08-31", true},
		{"it ended, while there are holidays", "2026-07-15", "2023-08-15", "2026-06-30", false},
		{"it ended, on the first day of school", "2026-09-01", "2023-08-15", "2026-08-31", false},
		{"it ended yesterday, on the second", "2026-09-02", "2023-08-15", "2026-09-01", true},
		{"it ends today, on the last", "2026-06-10", "2023-08-15", "2026-06-10", false},
		{"it is put off, while there is school", "2026-11-22", "2027-08-15", "2036-08-31", true},
		{"it is put off, while there are holidays", "2026-07-15", "2027-08-15", "2036-08-31", false},
		{"only its first day changes", "2026-11-22", "2024-01-01", "2036-08-31", false},
		{"it was not out yet, and is put off", "2023-05-01", "2024-08-15", "2036-08-31", false},
		{"it had ended before, and ended earlier", "2036-11-22", "2023-08-15", "2030-12-31", false},
		{"it had ended before, and goes on into the year", "2036-11-22", "2023-08-15", "2037-02-28", true},
	} {
		r := Redistribution{From: day(c.from), Until: day(c.until), Agreement: "LK-2023-02", Reason: "Kirjastus soovis"}
		_, _, _, err := Shelf{}.Redistribute("w002", r, elo, noon(c.today))
		if asked := errors.Is(err, ErrInSchoolYear); asked != c.asked || err != nil && !asked {
			t.Errorf("%s: asked %t (%v)", c.name, asked, err)
		}
		r.Confirmed = true
		change, act, news, err := Shelf{}.Redistribute("w002", r, elo, noon(c.today))
		if err != nil || !news || *change.Distribution != (Distribution{r.From, r.Until}) || act.What != WorkRedistributed || act.Object != "work:w002" {
			t.Errorf("%s, confirmed: %+v (%v)", c.name, change, err)
		}
	}
}

// TestARedistributionIsAboutWhatWasRead: what is so already is no news, and over what somebody else has changed nobody writes.
func TestARedistributionIsAboutWhatWasRead(t *testing.T) {
	r := Redistribution{From: day("2023-08-15"), Until: day("2030-08-31"), Agreement: " LK-2026-11 ", Reason: "Kirjastus soovis"}
	c, _, news, err := Shelf{}.Redistribute("w002", r, elo, noon("2026-11-22"))
	if err != nil || !news || c.Agreement != "LK-2026-11" {
		t.Fatalf("%+v (%v)", c, err)
	}
	c.Revision = 1
	s := Shelf{}.With(c)
	if _, _, news, err := s.Redistribute("w002", r, elo, noon("2026-11-22")); news || err != nil {
		t.Errorf("the same again is news: %t (%v)", news, err)
	}
	r.Until = day("2031-08-31")
	for revision, want := range map[int]error{0: ErrRevision, 1: nil, 2: ErrRevision} {
		r.Revision = revision
		if _, _, _, err := s.Redistribute("w002", r, elo, noon("2026-11-22")); !errors.Is(err, want) {
			t.Errorf("revision %d: %v", revision, err)
		}
	}
	if _, _, _, err := s.Redistribute("w999", r, elo, noon("2026-11-22")); !errors.Is(err, ErrUnknown) {
		t.Errorf("a work that there is not: %v", err)
	}
	if len((Shelf{}).Changes) != 0 || s.All()[1].Distribution.Until != day("2030-08-31") {
		t.Errorf("%+v", s.All()[1])
	}
}

// TestWhereNobodyIsAskedTheSchoolYearIsWhole: no change that is taken without a question lets a work go between two days of school.
func TestWhereNobodyIsAskedTheSchoolYearIsWhole(t *testing.T) {
	first := day("2025-01-01")
	rapid.Check(t, func(t *rapid.T) {
		at := func(name string) civil.Date { return first.AddDays(rapid.IntRange(0, 1000).Draw(t, name)) }
		was, to, today := Distribution{at("from"), at("until")}, Distribution{at("new from"), at("new until")}, at("today")
		if was.breaksOff(to, today) {
			return
		}
		for d := today; d.Before(first.AddDays(1001)); d = d.AddDays(1) {
			before, yesterday := to, d.AddDays(-1)
			if d == today {
				before = was
			}
			if schoolDay(yesterday) && schoolDay(d) && before.on(yesterday) && was.on(d) && !to.on(d) {
				t.Fatalf("%v became %v on %v: it is gone on %v", was, to, today, d)
			}
		}
	})
}

func schoolDay(d civil.Date) bool {
	return d.Month >= time.September || d.Month < time.June || d.Month == time.June && d.Day <= 10
}
