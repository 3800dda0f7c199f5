package license

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/hold"
)

var update = flag.Bool("update", false, "write DECISIONS.md anew")

// situation is one thing that can be so about somebody who asks for a work.
type situation struct {
	code Code
	says string
	make func(*asked)
}

// asked is what a decision is made of.
type asked struct {
	who    account.Account
	owned  []License
	groups hold.Set
	work   catalog.Work
}

// situations are all codes but the two of who has no license and who has one that is open, in their order of precedence, and for each
// what makes it so.
var situations = []situation{
	{AccountClosed, "the service has ended for the person", func(a *asked) {
		a.who.Holds = a.who.Holds.With(hold.Hold{ID: "final", Basis: hold.Harmful, Since: noon, Final: true})
	}},
	{AccountClosed, "the service has ended for their school", func(a *asked) {
		a.groups = a.groups.With(hold.Hold{ID: "final", On: "group:school:1", Basis: hold.Harmful, Since: noon, Final: true})
	}},
	{AccountHeld, "a hold on the account", func(a *asked) {
		a.who.Holds = a.who.Holds.With(hold.Hold{ID: "held", Basis: hold.FalseData, Since: noon})
	}},
	{AccountHeld, "a hold on a group that the person is in", func(a *asked) {
		a.groups = a.groups.With(hold.Hold{ID: "held", On: "group:school:1", Basis: hold.InfringesIP, Since: noon})
	}},
	{TermsRequired, "newer terms are not accepted yet", func(a *asked) { a.who.Accepted = nil }},
	{WorkUnknown, "there is no such work", func(a *asked) { a.work = catalog.Work{} }},
	{WorkUnknown, "the work is not published yet", func(a *asked) { a.work.Distribution.From = civil.Date{Year: 2026, Month: 12, Day: 1} }},
	{WorkSuspendedIP, "the work is under suspicion of infringement", func(a *asked) { a.work.Suspended = true }},
	{WorkWithdrawn, "the work's distribution is over", func(a *asked) { a.work.Distribution.Until = civil.Date{Year: 2026, Month: 6, Day: 30} }},
	{IsRevoked, "a license was annulled", func(a *asked) { a.owned = append(a.owned, bought("2026-11-22", 1, noon).Annul(noon)) }},
	{IsSuspended, "a license is on hold", func(a *asked) { a.owned = append(a.owned, bought("2026-11-22", 1, noon).Reversed(noon)) }},
	{NotStarted, "a license starts later", func(a *asked) { a.owned = append(a.owned, bought("2027-01-01", 1, noon)) }},
	{HasExpired, "a license has ended", func(a *asked) { a.owned = append(a.owned, bought("2026-10-01", 1, noon.AddDate(0, -2, 0))) }},
}

func decided(now time.Time, all ...situation) Decision {
	a := asked{who: mari, work: book}
	a.who.Groups = []account.GroupID{"school:1"}
	for _, s := range all {
		if a.work.ID != "" || s.code != WorkSuspendedIP && s.code != WorkWithdrawn { // what there is not is not withdrawn
			s.make(&a)
		}
	}
	return Decide(now, a.who, a.owned, a.groups, a.work)
}

// open is a license that is open, which outweighs what others are.
var open = situation{Valid, "a license is open", func(a *asked) { a.owned = append(a.owned, bought("2026-11-01", 1, noon.AddDate(0, -1, 0))) }}

// TestEveryOrderOfTwoReasons: of two that hold at once the one that stands first in the list is the answer, whichever came first.
func TestEveryOrderOfTwoReasons(t *testing.T) {
	for i, first := range situations {
		for _, second := range situations[i:] {
			for _, pair := range [][]situation{{first, second}, {second, first}} {
				if d := decided(noon, pair...); d.Code != first.code || d.Allowed || d.Err() == nil {
					t.Errorf("%s, and %s: %+v", pair[0].says, pair[1].says, d)
				}
			}
		}
	}
}

// TestAnOpenLicenseOutweighsTheOthers, and nothing else.
func TestAnOpenLicenseOutweighsTheOthers(t *testing.T) {
	for _, s := range situations {
		want := s.code
		if slices.Contains([]Code{IsRevoked, IsSuspended, NotStarted, HasExpired}, want) {
			want = Valid
		}
		for _, pair := range [][]situation{{open, s}, {s, open}} {
			if d := decided(noon, pair...); d.Code != want || d.Allowed != (want == Valid) || (d.Err() == nil) != d.Allowed {
				t.Errorf("a license is open, and %s: %+v", s.says, d)
			}
		}
	}
}

// TestTheTable prints the decisions: DECISIONS.md is what it prints.
func TestTheTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Who may open a work, and if not, why not\n\n")
	b.WriteString("The first line that is so is the answer; a license that is open outweighs the lines from REVOKED on. This table is printed by\n")
	b.WriteString("`go test ./shared/license -run TestTheTable -update`.\n\n| code | what is so | the date that goes with it | status |\n|---|---|---|---|\n")
	line := func(s situation, d Decision) {
		at := ""
		if !d.At.IsZero() {
			at = d.At.Format(time.RFC3339)
		}
		status := "200"
		if err := d.Err(); err != nil {
			status = fmt.Sprint(statuses[d.Code])
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", d.Code, s.says, at, status)
	}
	reached := map[Code]bool{}
	for _, s := range append(slices.Clone(situations), situation{NoLicense, "there is no license", func(*asked) {}}, open) {
		d := decided(noon, s)
		if d.Code != s.code {
			t.Errorf("%s: %+v", s.says, d)
		}
		reached[d.Code] = true
		line(s, d)
	}
	for c := range statuses {
		if !reached[c] {
			t.Errorf("nothing is %s", c)
		}
	}
	if *update {
		if err := os.WriteFile("DECISIONS.md", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile("DECISIONS.md"); err != nil || string(got) != b.String() {
		t.Errorf("DECISIONS.md (%v) is not\n%s", err, b.String())
	}
}

// statuses are what a refusal is answered with over HTTP.
var statuses = map[Code]int{
	AccountClosed: 403, AccountHeld: 403, TermsRequired: 403, WorkUnknown: 404, WorkSuspendedIP: 410, WorkWithdrawn: 410,
	IsRevoked: 403, IsSuspended: 403, NotStarted: 403, HasExpired: 403, NoLicense: 403, Valid: 200,
}

// TestWhatIsLongOverHidesNothing: a license that was annulled or on hold speaks for itself until its time is over, and not of another
// that starts later.
func TestWhatIsLongOverHidesNothing(t *testing.T) {
	ahead := bought("2027-09-01", 1, noon)
	for _, l := range []License{bought("2026-11-22", 1, noon).Annul(noon), bought("2026-11-22", 1, noon).Reversed(noon)} {
		for _, c := range []struct {
			owned []License
			at    time.Time
			want  Code
		}{
			{[]License{l, ahead}, l.EndsAt.Add(-time.Second), map[bool]Code{true: IsRevoked, false: IsSuspended}[l.At(noon) == Annulled]},
			{[]License{l, ahead}, l.EndsAt, NotStarted},
			{[]License{l}, l.EndsAt, HasExpired},
		} {
			if d := Decide(c.at, mari, c.owned, nil, book); d.Code != c.want {
				t.Errorf("%s at %s: %+v", l.At(noon), c.at, d)
			}
		}
	}
}

func TestADecisionThatNobodyMadeGivesNoAccess(t *testing.T) {
	if (Decision{}).Err() == nil || (Decision{Code: "NEWS"}).Err() == nil {
		t.Error("the library opens")
	}
}

func TestTheStretchThatLicensesOpen(t *testing.T) {
	run, next, later, far := bought("2026-11-22", 1, noon), bought("2026-12-22", 2, noon), bought("2027-01-10", 1, noon), bought("2027-06-01", 1, noon)
	over := bought("2026-09-01", 1, noon.AddDate(0, -3, 0))
	for _, c := range []struct {
		name    string
		owned   []License
		open    bool
		through string
		renew   string
	}{
		{"none", nil, false, "", "2026-11-22"},
		{"one that is over", []License{over}, false, "", "2026-11-22"},
		{"one that runs", []License{over, run}, true, "2026-12-21", "2026-12-22"},
		{"one that follows", []License{next, run}, true, "2027-02-21", "2027-02-22"},
		{"one inside of another", []License{later, next, run}, true, "2027-02-21", "2027-02-22"},
		{"one after a gap", []License{far, run}, true, "2026-12-21", "2026-12-22"},
		{"only one ahead", []License{far}, false, "2027-06-30", "2027-07-01"},
		{"one that is suspended", []License{run.Reversed(noon), far}, false, "2027-06-30", "2027-07-01"},
		{"one that ends too far ahead", []License{bought("2026-11-22", 13, noon)}, true, "2027-12-21", ""},
		{"one that was annulled", []License{run.Annul(noon)}, false, "", "2026-11-22"},
	} {
		for range 2 {
			a := AccessOf(c.owned, civil.Tallinn, 365, noon)
			day := func(d civil.Date) string {
				text, _ := d.MarshalText()
				return string(text)
			}
			if a.Open != c.open || day(a.ValidThrough) != c.through || day(a.RenewOn) != c.renew {
				t.Errorf("%s: %+v", c.name, a)
			}
			slices.Reverse(c.owned)
		}
	}
}
