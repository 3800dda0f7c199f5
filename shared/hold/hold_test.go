package hold

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"opiq/shared/civil"
	"opiq/shared/letter"
	"opiq/shared/problem"
)

var (
	noon  = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	today = civil.Date{Year: 2026, Month: 11, Day: 22}
)

const (
	mari   = "11111111111111111111111111111111"
	person = Object("account:" + mari)
	school = Object("group:school:10001234")
	class  = Object("group:class:10001234-5b")
	liis   = "account:44444444444444444444444444444444"
	peeter = "account:55555555555555555555555555555555"
)

// suspending is a wish with which nothing is wrong.
func suspending(on Object, b Basis) Wish {
	return Wish{On: on, Basis: b, Measure: Suspend, ReviewOn: today.AddDays(14), Evidence: []string{"ticket 4711"}, Today: today}
}

// ending is the same of a final one, with the school's word.
func ending(on Object, b Basis) Wish {
	return Wish{On: on, Basis: b, Measure: End, Evidence: []string{"ticket 4711", "ticket 4802"}, School: word(), Today: today}
}

func word() *Word {
	return &Word{Signatory: "Head of the school", Document: "letter 12-3/88", On: today.AddDays(-2), Opinion: "The school agrees"}
}

func placed(t testing.TB, w Wish, about About) Record {
	t.Helper()
	r, err := w.Place("once", about, liis, noon)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func pointers(wrong []problem.Field) string {
	var all []string
	for _, f := range wrong {
		all = append(all, f.Pointer)
	}
	return strings.Join(all, " ")
}

func TestWhatIsWrongWithAWish(t *testing.T) {
	with := func(w Wish, change func(*Wish)) Wish { change(&w); return w }
	good := suspending(person, Harmful)
	for name, c := range map[string]struct {
		in   Wish
		want string
	}{
		"nothing":                       {good, ""},
		"nothing of an end":             {ending(person, Harmful), ""},
		"nothing of a school's end":     {ending(school, Harmful), ""},
		"nothing, at the last day":      {with(good, func(w *Wish) { w.ReviewOn = civil.Date{Year: 2027, Month: 11, Day: 22} }), ""},
		"everything":                    {Wish{Today: today, ForceMajeure: true, School: &Word{}}, "/on /measure /evidence /reason /school/signatory /school/document /school/opinion /school/on"},
		"it is looked at again today":   {with(good, func(w *Wish) { w.ReviewOn = today }), "/reviewOn"},
		"it is looked at too late":      {with(good, func(w *Wish) { w.ReviewOn = civil.Date{Year: 2027, Month: 11, Day: 23} }), "/reviewOn"},
		"it is never looked at":         {with(good, func(w *Wish) { w.ReviewOn = civil.Date{} }), "/reviewOn"},
		"what is final is reviewed":     {with(ending(person, Harmful), func(w *Wish) { w.ReviewOn = today.AddDays(1) }), "/reviewOn"},
		"money alone does that":         {suspending("license:L1111111111", PaymentReversed), "/basis"},
		"a work is no person":           {suspending("work:w001", Harmful), "/basis"},
		"a person is no work":           {suspending(person, SuspectedIP), "/basis"},
		"a work is not ended":           {ending("work:w001", SuspectedIP), "/measure"},
		"a license is not ended":        {ending("license:L1111111111", Harmful), "/measure"},
		"a class is not ended":          {ending(class, Harmful), "/measure"},
		"a leak ends nothing":           {ending(person, CredentialLeak), "/measure"},
		"no such object":                {suspending("account:mari", Harmful), "/on"},
		"no registry code":              {suspending("group:school:Kooli", Harmful), "/on"},
		"a class of no school":          {suspending("group:class:5b", Harmful), "/on"},
		"a letter of two signs":         {suspending("group:class:10001234-5o\u0303", Harmful), ""},
		"no group":                      {suspending("group:staff", Harmful), "/on"},
		"no scope":                      {suspending("planet:earth", Harmful), "/on"},
		"evidence without words":        {with(good, func(w *Wish) { w.Evidence = []string{"ticket 1", " "} }), "/evidence/1"},
		"too much evidence":             {with(good, func(w *Wish) { w.Evidence = slices.Repeat([]string{"x"}, 21) }), "/evidence"},
		"nobody is told, and not why":   {with(good, func(w *Wish) { w.ForceMajeure = true }), "/reason"},
		"nobody is told, and it is why": {with(good, func(w *Wish) { w.ForceMajeure, w.Reason = true, "The authorities forbid it" }), ""},
		"the school speaks tomorrow":    {with(ending(person, Harmful), func(w *Wish) { w.School.On = today.AddDays(1) }), "/school/on"},
	} {
		if got := pointers(c.in.Check()); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestWhatTheTermsAskOfAnEnd(t *testing.T) {
	alone := func(w Wish) Wish { w.School = nil; return w }
	proved := func(evidence []string, at time.Time) []Record {
		return []Record{{Evidence: evidence, History: []Happened{{Event: WasPlaced, At: at.AddDate(0, 0, -9)}, {Event: WasConfirmed, At: at}}}}
	}
	before := proved([]string{"ticket 4711"}, noon.AddDate(0, 0, -1))
	for name, c := range map[string]struct {
		in    Wish
		about About
		want  error
		state State
	}{
		"a first breach":                           {alone(ending(person, Harmful)), About{}, ErrNoBreach, ""},
		"a second one":                             {alone(ending(person, Harmful)), About{Breaches: before}, nil, Standing},
		"the same day":                             {alone(ending(person, Harmful)), About{Breaches: proved([]string{"ticket 4711"}, noon)}, ErrNoBreach, ""},
		"the same evidence":                        {alone(ending(person, Harmful)), About{Breaches: proved([]string{"ticket 4802", "ticket 4711"}, noon.AddDate(0, 0, -1))}, ErrNoBreach, ""},
		"duties are refused":                       {alone(ending(person, RefusesObligations)), About{}, nil, Standing},
		"a pupil, and the school was not asked":    {alone(ending(person, Harmful)), About{Breaches: before, Schooled: true}, ErrSchool, ""},
		"a pupil who refuses, and it was not":      {alone(ending(person, RefusesObligations)), About{Schooled: true}, ErrSchool, ""},
		"a pupil, and the school was asked":        {ending(person, Harmful), About{Breaches: before, Schooled: true}, nil, Standing},
		"a pupil is suspended, and it was not":     {suspending(person, Harmful), About{Schooled: true}, nil, Standing},
		"a school, and its management was not":     {alone(ending(school, Harmful)), About{}, ErrSchool, ""},
		"a school, and its management was":         {ending(school, Harmful), About{}, nil, Proposed},
		"a school is suspended":                    {suspending(school, Harmful), About{}, nil, Standing},
		"somebody is suspended for a first breach": {suspending(person, Harmful), About{}, nil, Standing},
	} {
		r, err := c.in.Place("key", c.about, liis, noon)
		if !errors.Is(err, c.want) || r.State != c.state {
			t.Errorf("%s: %q (%v)", name, r.State, err)
		}
	}
}

func TestTheSameWishIsTheSameHold(t *testing.T) {
	w := suspending(person, Harmful)
	r := placed(t, w, About{})
	w.Today = today.AddDays(1)
	if again, err := r.Repeat(w); err != nil || again.ID != r.ID || r.ID != IDOf(liis, "once") {
		t.Errorf("%s, then %s (%v)", r.ID, again.ID, err)
	}
	w.Basis = Unacceptable
	if _, err := r.Repeat(w); !errors.Is(err, ErrKeyReused) {
		t.Error("another wish:", err)
	}
	if id, ok := ParseID(string(r.ID)); !ok || id != r.ID || IDOf(peeter, "once") == r.ID {
		t.Error(r.ID)
	}
}

func TestASchoolEndsByTwoPeople(t *testing.T) {
	r := placed(t, ending(school, Harmful), About{})
	if _, err := r.Approve(liis, noon); !errors.Is(err, ErrSecond) || !r.Since.IsZero() || r.Telling != nil {
		t.Errorf("who proposed it approves it: %v; %+v", err, r)
	}
	later := noon.Add(time.Hour)
	r, err := r.Approve(peeter, later)
	if err != nil || r.State != Standing || !r.Since.Equal(later) || !r.Hold().Final || r.Telling == nil {
		t.Errorf("%+v (%v)", r, err)
	}
	if _, err := r.Approve(peeter, later); !errors.Is(err, ErrStanding) {
		t.Error("twice:", err)
	}
}

func TestAKeyIsNobodysWord(t *testing.T) {
	for _, two := range [][2]string{{liis, "key:a"}, {"key:a", liis}, {"key:a", "key:b"}} {
		r, err := ending(school, Harmful).Place("once", About{}, two[0], noon)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Approve(two[1], noon); !errors.Is(err, ErrSecond) {
			t.Errorf("%v end a school: %v", two, err)
		}
	}
}

func TestWhatIsProposedCanBeWithdrawnAndNobodyHears(t *testing.T) {
	r, err := placed(t, ending(school, Harmful), About{}).Lift(liis, "A mistake", noon)
	if err != nil || r.State != Lifted || r.Telling != nil {
		t.Errorf("%+v (%v)", r, err)
	}
	if _, err := r.Approve(peeter, noon); !errors.Is(err, ErrLifted) {
		t.Error(err)
	}
}

func TestABreachIsConfirmedOnceAndOnlyWhereItIsOne(t *testing.T) {
	mine := About{Owner: mari}
	r, err := placed(t, suspending(person, Harmful), mine).Confirm(liis, "They said so", noon)
	if err != nil || !r.Did(WasConfirmed) || r.State != Standing {
		t.Fatal(err)
	}
	if _, err := r.Confirm(liis, "again", noon); !errors.Is(err, ErrConfirmed) {
		t.Error("again:", err)
	}
	for name, r := range map[string]Record{
		"a leak": placed(t, suspending(person, CredentialLeak), mine), "a class": placed(t, suspending(class, Harmful), About{}),
		"unpaid": placed(t, suspending("license:L1111111111", Unpaid), mine),
	} {
		if _, err := r.Confirm(liis, "why", noon); !errors.Is(err, ErrNoPerson) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOnlyWhatWasConfirmedIsOverturned(t *testing.T) {
	r := placed(t, suspending(person, Harmful), About{Owner: mari})
	if _, err := r.Overturn(liis, "why", noon); !errors.Is(err, ErrUnproved) {
		t.Error(err)
	}
	r, err := r.Confirm(liis, "why", noon)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = r.Overturn(liis, "why", noon); err != nil || r.State != Lifted {
		t.Errorf("%s (%v)", r.State, err)
	}
}

func TestAHoldIsLookedAtAgainUnlessItIsFinal(t *testing.T) {
	in := Review{ReviewOn: today.AddDays(100), Reason: "Not clear yet", Today: today}
	r, err := placed(t, suspending(person, Harmful), About{}).Review(in, liis, noon)
	if err != nil || r.ReviewOn != in.ReviewOn || pointers(in.Check()) != "" {
		t.Errorf("%s (%v)", r.ReviewOn, err)
	}
	if _, err := placed(t, ending(person, RefusesObligations), About{}).Review(in, liis, noon); !errors.Is(err, ErrFinal) {
		t.Error(err)
	}
	if got := pointers((&Review{Today: today}).Check()); got != "/reviewOn /reason" {
		t.Error(got)
	}
}

// TestWalk lets anything happen in any order: what was lifted stays lifted, what stands was approved by two where that has to be, and
// the history tells all that happened and nothing else.
func TestWalk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.SampledFrom([]Wish{suspending(person, Harmful), ending(person, RefusesObligations), suspending(class, Unacceptable), ending(school, Harmful)}).Draw(t, "wish")
		r, err := w.Place("key", About{Owner: map[bool]string{true: mari}[w.On == person]}, liis, noon)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 12).Draw(t, "events") {
			by := rapid.SampledFrom([]string{liis, peeter}).Draw(t, "by")
			before, next, err := r, r, error(nil)
			switch rapid.SampledFrom([]Event{WasApproved, WasConfirmed, WasReviewed, WasLifted}).Draw(t, "event") {
			case WasApproved:
				next, err = r.Approve(by, noon)
			case WasConfirmed:
				next, err = r.Confirm(by, "why", noon)
			case WasReviewed:
				next, err = r.Review(Review{ReviewOn: today.AddDays(1)}, by, noon)
			case WasLifted:
				next, err = r.Lift(by, "why", noon)
			}
			if err == nil {
				r = next
			}
			if before.State == Lifted && err == nil || err == nil && len(r.History) != len(before.History)+1 {
				t.Fatalf("%s became %s (%v): %+v", before.State, r.State, err, r.History)
			}
			if first := r.History[0]; r.State == Standing && first.Event == WasProposed && first.By == r.History[1].By {
				t.Fatalf("one person ended a school: %+v", r.History)
			}
			if (r.State == Standing) && r.Since.IsZero() {
				t.Fatal("it stands since never")
			}
		}
	})
}

func TestHoldsAreASet(t *testing.T) {
	unpaid := Hold{Basis: PaymentReversed, Since: noon}
	a, b := Hold{ID: "a", Basis: CredentialLeak, Since: noon.Add(-time.Hour)}, Hold{ID: "b", Basis: Harmful, Since: noon.Add(time.Hour), Final: true}
	all := Set{}.With(unpaid).With(a).With(b).With(a)
	if len(all) != 3 || !slices.Equal(all.Recorded(CredentialLeak), []ID{"a"}) {
		t.Errorf("%+v", all)
	}
	if left := all.Free(PaymentReversed); len(left) != 2 || len(left.Without("a").Without("b")) != 0 {
		t.Errorf("%+v", left)
	}
	if first, ok := all.First(true); !ok || first != b {
		t.Errorf("%+v", first)
	}
	if first, ok := all.First(false); !ok || first != a {
		t.Errorf("%+v", first)
	}
	if _, ok := (Set{unpaid}).First(true); ok {
		t.Error("a suspension is an end")
	}
}

func TestEveryBasisHasASectionAndALetter(t *testing.T) {
	for b, rule := range bases {
		if b.Section() == "" || len(rule.scopes) == 0 {
			t.Errorf("%s has no section of the terms, or no scope", b)
		}
		for _, scope := range rule.scopes {
			if scope == OnWork || b == PaymentReversed {
				continue
			}
			r := Record{ID: "a", On: map[Scope]Object{OnAccount: person, OnLicense: "license:L1111111111", OnGroup: class}[scope], Basis: b, Measure: Suspend, ReviewOn: today, Since: noon}
			for _, n := range []Notice{ToldPlaced, ToldLifted} {
				if _, err := letter.Render(r.Letter(mari, n, true, noon), letter.Recipient{Name: "Mari", Language: "et"}, letter.Site{}, ""); err != nil {
					t.Errorf("%s, %s, %s: %v", b, scope, n, err)
				}
			}
			r.Measure = End
			if _, err := letter.Render(r.Letter(mari, ToldPlaced, false, noon), letter.Recipient{Name: "Mari", Language: "kk"}, letter.Site{}, ""); err != nil {
				t.Errorf("%s, %s, ended: %v", b, scope, err)
			}
		}
	}
}
