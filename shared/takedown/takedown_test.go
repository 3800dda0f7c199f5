package takedown

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/hold"
	"opiq/shared/problem"
)

var (
	noon = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	elo  = account.Actor{Account: "55555555555555555555555555555555"}
)

// said are the pointers of what is wrong with a claim, or a decision.
func said(wrong []problem.Field) string {
	var all []string
	for _, f := range wrong {
		all = append(all, f.Pointer)
	}
	return strings.Join(all, " ")
}

func TestWhatAClaimMustSay(t *testing.T) {
	for want, c := range map[string]Claim{
		"":                  {Claim: strings.Repeat("õ", 4000), GoodFaith: true, Email: "autor@example.ee", Name: strings.Repeat("õ", 100)},
		"/claim":            {Claim: strings.Repeat("õ", 4001), GoodFaith: true},
		"/claim /goodFaith": {Claim: " minu oma\x00\x01\x02"},
		"/name /email":      {Claim: "Minu raamat", GoodFaith: true, Email: "autor", Name: strings.Repeat("õ", 101)},
	} {
		if got := said(c.Check()); got != want {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
}

// TestANumberIsANumber: whatever is claimed, its number can be read again, and says nothing of what it was made from but whether that is
// the same.
func TestANumberIsANumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Claim{Name: rapid.String().Draw(t, "name"), Email: rapid.String().Draw(t, "email"), Claim: rapid.String().Draw(t, "claim")}
		r := c.Report("w001", "192.0.2.17", noon)
		if id, ok := ParseID(string(r.ID)); !ok || id != r.ID || len(id) != 16 {
			t.Fatalf("%q is no number", r.ID)
		}
		if again := c.Report("w001", "192.0.2.17", noon.Add(time.Minute)); again.ID != r.ID {
			t.Fatalf("%q became %q", r.ID, again.ID)
		}
		for _, other := range []Report{c.Report("w002", "192.0.2.17", noon), c.Report("w001", "192.0.2.18", noon), c.Report("w001", "192.0.2.17", noon.AddDate(0, 0, 1))} {
			if other.ID == r.ID {
				t.Fatalf("%+v has the number of another", other)
			}
		}
	})
}

func TestWhatIsNoNumber(t *testing.T) {
	for _, s := range []string{"", "x", "111111111111111", "11111111111111111", "111111111111111i", "111111111111111A", "1111111111111 11"} {
		if _, ok := ParseID(s); ok {
			t.Errorf("%q was read", s)
		}
	}
}

func TestAReportIsDecidedOnce(t *testing.T) {
	for choice, want := range moves {
		open := Claim{Claim: "Minu raamat"}.Report("w001", "192.0.2.17", noon)
		out, news, err := Decision{Decision: choice, Reason: " Leping on "}.Take(open, catalog.Change{ID: "w001"}, elo, noon)
		if err != nil || !news || out.Report.State != want || out.Report.Decided.Reason != "Leping on" || out.Act.What != ReportDecided {
			t.Fatalf("%s: %+v (%v)", choice, out, err)
		}
		if (out.Stop != nil) != (choice == Suspend) || (out.Report.Decided.Hold != "") != (choice == Suspend) {
			t.Errorf("%s: the work is stopped by %v", choice, out.Stop)
		}
		for again := range moves {
			for _, by := range []account.Actor{elo, {Account: "66666666666666666666666666666666"}} {
				second, news, err := Decision{Decision: again, Reason: "Ei"}.Take(out.Report, catalog.Change{ID: "w001"}, by, noon.Add(time.Hour))
				same := again == choice && by == elo // whoever did not hear the answer asks again
				if same && (err != nil || news || !reflect.DeepEqual(second, Outcome{Report: out.Report})) || !same && !errors.Is(err, ErrDecided) {
					t.Errorf("%s by %s after %s: %+v, %t (%v)", again, by, choice, second, news, err)
				}
			}
		}
	}
}

// TestAReportIsForgottenAYearAfterItsDecision: one that nobody has decided about waits.
func TestAReportIsForgottenAYearAfterItsDecision(t *testing.T) {
	r := Claim{Claim: "Minu raamat"}.Report("w001", "192.0.2.17", noon)
	if !r.Until().IsZero() {
		t.Errorf("nobody has decided, and it is forgotten on %s", r.Until())
	}
	out, _, err := Decision{Decision: Dismiss, Reason: "Leping on"}.Take(r, catalog.Change{ID: "w001"}, elo, noon.AddDate(0, 2, 0))
	if want := noon.AddDate(1, 2, 0); err != nil || !out.Report.Until().Equal(want) {
		t.Errorf("it is forgotten on %s, not on %s (%v)", out.Report.Until(), want, err)
	}
}

// TestASuspicionStopsItsWorkBesideOthers: each report has a hold of its own.
func TestASuspicionStopsItsWorkBesideOthers(t *testing.T) {
	w := catalog.Change{ID: "w001", Revision: 3}
	for i, text := range []string{"Minu raamat", "Minu joonised"} {
		out, _, err := Decision{Decision: Suspend, Reason: "Ei leia lepingut"}.Take(Claim{Claim: text}.Report("w001", "192.0.2.17", noon), w, elo, noon)
		if err != nil {
			t.Fatal(err)
		}
		r := out.Stop.Records[0]
		w = *out.Stop.Thing.Work
		if len(w.Holds) != i+1 || r.State != hold.Standing || r.ReviewOn.String() != "2026-12-22" || r.Evidence[0] != "takedown:"+string(out.Report.ID) || len(out.Stop.Letters) != 0 {
			t.Errorf("%+v of %+v", r, w)
		}
	}
}

func TestWhatADecisionMustSay(t *testing.T) {
	for want, d := range map[string]Decision{
		"":                  {Suspend, strings.Repeat("õ", 500)},
		"/reason":           {Dismiss, strings.Repeat("õ", 501)},
		"/decision /reason": {"open", " "},
	} {
		if got := said(d.Check()); got != want {
			t.Errorf("%+v: %q, want %q", d, got, want)
		}
	}
}
