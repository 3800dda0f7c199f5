package license

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/terms"
)

const day = 24 * time.Hour

var (
	remind = []int{14, 3}
	always = catalog.Work{ID: "w", Distribution: catalog.Distribution{From: civil.Date{Year: 1, Month: 1, Day: 1}, Until: civil.Date{Year: 9999, Month: 1, Day: 1}}}
)

var (
	noon = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	mari = account.Account{ID: "mari", Accepted: []terms.Acceptance{{Document: terms.Use, Version: "2017-02-01"}}}
	book = catalog.Work{ID: "w", Language: lang.Estonian, Distribution: catalog.Distribution{From: civil.Date{Year: 2020, Month: 1, Day: 1}, Until: civil.Date{Year: 2040, Month: 1, Day: 1}}}
)

func bought(startsOn string, months int, paid time.Time) License {
	d, err := civil.Parse(startsOn)
	if err != nil {
		panic(err)
	}
	return Grant("1234567890", "mari", months, remind, d, civil.Tallinn, paid)
}

func TestALicenseIsFullMonthsFromMidnight(t *testing.T) {
	for _, c := range []struct{ startsOn, paid, from, until, through string }{
		{"2026-12-01", "2026-11-22T10:00:00Z", "2026-11-30T22:00:00Z", "2026-12-31T22:00:00Z", "2026-12-31"},
		{"2026-11-22", "2026-11-22T10:00:00Z", "2026-11-21T22:00:00Z", "2026-12-21T22:00:00Z", "2026-12-21"},
		{"2027-01-31", "2026-11-22T10:00:00Z", "2027-01-30T22:00:00Z", "2027-02-27T22:00:00Z", "2027-02-27"},
		{"2026-11-22", "2026-12-05T23:00:00Z", "2026-12-05T22:00:00Z", "2027-01-05T22:00:00Z", "2027-01-05"}, // the money was late
	} {
		paid, _ := time.Parse(time.RFC3339, c.paid)
		l := bought(c.startsOn, 1, paid)
		if got := l.StartsAt.Format(time.RFC3339) + " " + l.EndsAt.Format(time.RFC3339) + " " + l.ValidThrough().String(); got != c.from+" "+c.until+" "+c.through {
			t.Errorf("one month from %s, paid %s: %s", c.startsOn, c.paid, got)
		}
	}
}

// TestTimeDecides: whatever stage the jobs brought a license to, and whatever the calendar and the clocks of its zone do, it is open
// exactly from its start up to its end.
func TestTimeDecides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom([]civil.Zone{civil.Tallinn, civil.Almaty}).Draw(t, "zone")
		startsOn := civil.Date{Year: 2019, Month: 1, Day: 1}.AddDays(rapid.IntRange(0, 12_000).Draw(t, "day"))
		l := Grant("1", "mari", rapid.IntRange(1, 36).Draw(t, "months"), remind, startsOn, zone, time.Time{})
		l.Stage = rapid.SampledFrom([]Stage{Scheduled, Active, "warned_14", "warned_3", Ended}).Draw(t, "stage")
		border := rapid.SampledFrom([]time.Time{l.StartsAt, l.EndsAt}).Draw(t, "border")
		at := border.Add(time.Duration(rapid.OneOf(rapid.Int64Range(-int64(2*time.Hour), int64(2*time.Hour)), rapid.Int64Range(-int64(500*day), int64(500*day))).Draw(t, "offset")))
		days := civil.DateOf(at, zone)
		open := !days.Before(l.StartsOn) && days.Before(l.EndsOn)
		if got := Decide(at, mari, []License{l}, nil, always).Allowed; got != open || got != (!at.Before(l.StartsAt) && at.Before(l.EndsAt)) {
			t.Fatalf("at %s a license from %s until %s is open: %t", at, l.StartsAt, l.EndsAt, got)
		}
		if l.EndsOn != startsOn.AddMonths(l.Months) {
			t.Fatalf("%d months from %s end on %s", l.Months, startsOn, l.EndsOn)
		}
	})
}

func TestEachStageHasItsLetter(t *testing.T) {
	l := bought("2026-12-01", 1, noon)
	var told []string
	for now := noon; now.Before(l.EndsAt.Add(2 * day)); now = now.Add(time.Hour) {
		next, tell, due := l.Step(now)
		if !due {
			continue
		}
		told = append(told, string(tell.Kind)+" "+tell.Facts["days"]+" "+now.In(civil.Tallinn.Location()).Format("01-02 15:04"))
		l = next
	}
	want := []string{"license_active  12-01 00:00", "license_ends_soon 14 12-18 00:00", "license_ends_soon 3 12-29 00:00", "license_ended  01-01 00:00"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
	if at, to, ok := l.Next(); ok {
		t.Errorf("an ended license goes to %s at %s", to, at)
	}
}

// TestRemindersOfEachPlan: however often the clock comes by, and for however long it did not, each stage is told once, in its order,
// with as many days as are left.
func TestRemindersOfEachPlan(t *testing.T) {
	for _, plan := range (catalog.Shelf{}).PlansOn(civil.DateOf(noon, civil.Tallinn)).Plans {
		t.Run(string(plan.ID()), rapid.MakeCheck(func(t *rapid.T) {
			startsOn := civil.DateOf(noon, civil.Tallinn).AddDays(rapid.IntRange(1, 400).Draw(t, "day"))
			l := Grant("1", "mari", plan.Months, plan.Remind, startsOn, civil.Tallinn, noon)
			down := time.Duration(rapid.Int64Range(0, int64(40*day)).Draw(t, "down"))
			from := l.StartsAt.Add(time.Duration(rapid.Int64Range(-int64(50*day), int64(l.EndsAt.Sub(l.StartsAt))).Draw(t, "from")))
			var told []int // so many days before the end
			want := append(slices.Clone(plan.Remind), 0)
			for now := noon; now.Before(l.EndsAt.Add(50 * day)); now = now.Add(6 * time.Hour) {
				if now.After(from) && now.Before(from.Add(down)) {
					continue
				}
				next, tell, ok := l.Step(now)
				if !ok {
					continue
				}
				l = next
				left := civil.DateOf(now, civil.Tallinn).DaysUntil(l.EndsOn)
				switch tell.Kind {
				case letter.LicenseActive:
					if len(told) > 0 || left <= 0 {
						t.Fatalf("that it begins is told %d days before its end, after %v", left, told)
					}
				case letter.LicenseEndsSoon:
					if tell.Facts["days"] != strconv.Itoa(left) || tell.Facts["renewOn"] != l.EndsOn.String() || left <= 0 {
						t.Fatalf("%d days are left, and it says %v", left, tell.Facts)
					}
					told = append(told, left)
				case letter.LicenseEnded:
					if left > 0 {
						t.Fatalf("it ends %d days too early", left)
					}
					told = append(told, 0)
				}
			}
			if down == 0 && !slices.Equal(told, want) {
				t.Fatalf("told %v days before the end, want %v", told, want)
			}
			if len(told) == 0 || told[len(told)-1] != 0 || len(told) > len(want) || !slices.IsSortedFunc(told, func(a, b int) int { return b - a }) {
				t.Fatalf("told %v days before the end", told)
			}
		}))
	}
}

func TestALateJobTellsOnlyWhatIsStillTrue(t *testing.T) {
	l := bought("2026-12-01", 1, noon)
	l, tell, due := l.Step(l.EndsAt.Add(time.Minute))
	if !due || tell.Kind != letter.LicenseEnded || l.Stage != Ended {
		t.Errorf("%s %s %t", tell.Kind, l.Stage, due)
	}
}

func TestAnAnnulledLicenseWritesNoLetters(t *testing.T) {
	l := bought("2026-12-01", 1, noon)
	l.AnnulledAt = noon
	if _, tell, due := l.Step(l.EndsAt); due {
		t.Errorf("a letter: %s", tell.Kind)
	}
}

// TestAnAnnulledLicenseIsOverForGood, with the holds that it had.
func TestAnAnnulledLicenseIsOverForGood(t *testing.T) {
	l := bought("2026-11-22", 1, noon).Reversed(noon).Annul(noon.Add(time.Hour))
	if l.At(noon) != Annulled || len(l.Holds) != 0 || !l.AnnulledAt.Equal(noon.Add(time.Hour)) {
		t.Errorf("%+v", l)
	}
	if d := Decide(noon.Add(time.Hour), mari, []License{l}, nil, book); d.Allowed || d.Code != IsRevoked {
		t.Errorf("%+v", d)
	}
	if _, _, ok := l.Next(); ok {
		t.Error("it has another stage before it")
	}
}

func TestTheDaysOfAShorterLicense(t *testing.T) {
	for _, c := range []struct {
		startsOn    string
		months      int
		kept, whole int64
		after       int // days
		through     string
	}{
		{"2026-11-22", 6, 1, 2, 0, "2027-02-20"}, // 91 of 181 days
		{"2026-11-22", 6, 2479, 2480, 0, "2027-05-21"},
		{"2026-11-22", 6, 2466, 2480, 0, "2027-05-20"}, // a day is 13.7 cents
		{"2026-11-22", 6, 1, 2480, 0, "2026-11-22"},
		{"2026-11-22", 6, 1, 2480, 5, "2026-11-27"},      // today it keeps
		{"2026-11-22", 6, 1, 2, 120, "2027-03-22"},       // and so it does later
		{"2026-11-22", 6, 1, 2, 180, "2027-05-21"},       // its last day
		{"2026-11-22", 6, 1, 2, 300, "2027-05-21"},       // it is over
		{"2027-01-31", 1, 1, 2, 0, "2027-02-13"},         // 14 of 28 days
		{"2027-01-31", 1, 1, 1_000_000, 0, "2027-01-31"}, // a day that has not come
	} {
		l := bought(c.startsOn, c.months, noon)
		short := l.Shorten(c.kept, c.whole, noon.AddDate(0, 0, c.after))
		if short.ValidThrough().String() != c.through || !short.EndsAt.Equal(short.EndsOn.Start(short.Zone)) || short.StartsOn != l.StartsOn {
			t.Errorf("%d/%d of %d months from %s after %d days: through %s", c.kept, c.whole, c.months, c.startsOn, c.after, short.ValidThrough())
		}
		told := short.History[len(short.History)-1].Event == "shortened"
		if told != (short.EndsOn != l.EndsOn) {
			t.Errorf("%s: that it is shortened is told: %t", c.through, told)
		}
	}
}

// TestShorteningTakesNoMoreThanItsPart: never today, never what a smaller part leaves, and step by step a day a step less at most.
func TestShorteningTakesNoMoreThanItsPart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := noon.Add(time.Duration(rapid.Int64Range(0, int64(200*day)).Draw(t, "later")))
		l := Grant("1", "mari", rapid.IntRange(1, 12).Draw(t, "months"), remind, civil.DateOf(noon, civil.Tallinn).AddDays(rapid.IntRange(0, 365).Draw(t, "days")), civil.Tallinn, noon)
		days := func(l License) int { return l.StartsOn.DaysUntil(l.EndsOn) }
		whole := rapid.Int64Range(3, 1e6).Draw(t, "whole")
		half := rapid.Int64Range(2, whole-1).Draw(t, "half")
		kept := rapid.Int64Range(1, half-1).Draw(t, "kept")
		once, first := l.Shorten(kept, whole, now), l.Shorten(half, whole, now)
		twice := first.Shorten(kept, half, now)
		if l.EndsOn.Before(first.EndsOn) || first.EndsOn.Before(once.EndsOn) || twice.EndsOn.Before(once.EndsOn) || once.EndsOn.AddDays(1).Before(twice.EndsOn) {
			t.Fatalf("%d days; %d of %d: %d; %d of %d: %d; and then: %d", days(l), kept, whole, days(once), half, whole, days(first), days(twice))
		}
		if l.At(now) == State(Active) && once.At(now) != State(Active) {
			t.Fatalf("today is gone: it ends on %s", once.EndsOn)
		}
		if int64(days(once))*whole < int64(days(l))*kept {
			t.Fatalf("%d of %d days are less than %d of %d", days(once), days(l), kept, whole)
		}
	})
}

// TestTheLettersOfALicenseAreThoseThatItWrote, however late and shortened.
func TestTheLettersOfALicenseAreThoseThatItWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, now := bought("2026-12-01", 2, noon), noon
		var wrote []letter.ID
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(1, int64(30*day)).Draw(t, "later")))
			if rapid.Bool().Draw(t, "shorten") {
				l = l.Shorten(2, 3, now)
			}
			if next, tell, ok := l.Step(now); ok {
				l, wrote = next, append(wrote, tell.ID)
			}
		}
		var all []letter.ID
		for _, x := range l.Letters() {
			all = append(all, x.ID)
		}
		if !slices.Equal(all, wrote) {
			t.Fatalf("%v, and it wrote %v", all, wrote)
		}
	})
}

// TestAHoldMovesNoDate: a license that was on hold, and no longer is, runs as it did, and its letters come as they would have.
func TestAHoldMovesNoDate(t *testing.T) {
	l := bought("2026-11-22", 6, noon)
	held := l.Reversed(noon.Add(time.Hour))
	if held.At(noon.Add(2*time.Hour)) != Suspended || held.StartsAt != l.StartsAt || held.EndsAt != l.EndsAt {
		t.Errorf("%s from %s to %s", held.At(noon.Add(2*time.Hour)), held.StartsAt, held.EndsAt)
	}
	lifted := held.Restored(noon.Add(3 * time.Hour))
	if lifted.At(noon.Add(4*time.Hour)) != State(Active) || len(lifted.Holds) != 0 || lifted.EndsAt != l.EndsAt || len(lifted.History) != 3 {
		t.Errorf("%s, %d holds, to %s: %v", lifted.At(noon.Add(4*time.Hour)), len(lifted.Holds), lifted.EndsAt, lifted.History)
	}
	if _, tell, ok := held.Step(l.EndsAt); ok {
		t.Errorf("while it is on hold its owner is told %s", tell.Kind)
	}
	before, _, _ := l.Next()
	if after, _, ok := lifted.Next(); !ok || !after.Equal(before) {
		t.Errorf("its next moment moved from %s to %s", before, after)
	}
}

func TestAHoldIsLiftedForItsOwnReasonOnly(t *testing.T) {
	another := hold.Hold{ID: "another", Basis: hold.PaymentReversed, Since: noon}
	l := bought("2026-11-22", 6, noon).Reversed(noon).Hold(another).Restored(noon)
	if len(l.Holds) != 1 || l.Holds[0] != another {
		t.Errorf("%v", l.Holds)
	}
}
