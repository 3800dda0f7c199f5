package service

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/terms"
)

var (
	noon  = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	today = civil.Date{Year: 2026, Month: 11, Day: 22}
	liis  = account.Actor{Account: "44444444444444444444444444444444", Name: "Liis Lepp"}
)

const school account.GroupID = "school:10001234"

// pupil has a license that is open, and is of a school.
func pupil() (account.Account, license.License) {
	a := account.Account{
		ID: "11111111111111111111111111111111", FirstName: "Mari", LastName: "Maasikas", Language: "et", Groups: []account.GroupID{school},
		Accepted: []terms.Acceptance{{Document: terms.Use, Version: "2017-02-01", At: noon}},
		Sessions: []account.Session{{ID: "s", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}},
	}
	return a, license.Grant("1111111111", a.ID, 6, []int{14}, today, civil.Tallinn, noon)
}

func wish(on hold.Object, b hold.Basis) hold.Wish {
	return hold.Wish{On: on, Basis: b, Measure: hold.Suspend, ReviewOn: today.AddDays(14), Evidence: []string{"ticket 4711"}, Today: today}
}

// world is a pupil with a license, their school and a work, as holds leave them.
type world struct {
	account account.Account
	license license.License
	group   catalog.Group
	work    catalog.Change
	records map[string]hold.Record
}

func (w *world) thing(on hold.Object) Thing {
	switch scope, _ := on.Split(); scope {
	case hold.OnAccount:
		return Thing{Account: &w.account, Groups: w.group.Holds}
	case hold.OnLicense:
		return Thing{License: &w.license}
	case hold.OnGroup:
		return Thing{Group: &w.group}
	}
	return Thing{Work: &w.work}
}

func (w *world) keep(key string, d Decision) {
	w.records[key] = d.Records[0]
	switch t := d.Thing; {
	case t.Account != nil:
		w.account = *t.Account
	case t.License != nil:
		w.license = *t.License
	case t.Group != nil:
		w.group = *t.Group
	case t.Work != nil:
		w.work = *t.Work
	}
}

// reads is what the pupil hears who opens a work.
func (w *world) reads(now time.Time) license.Decision {
	shelf := catalog.Shelf{Changes: map[catalog.WorkID]catalog.Change{w.work.ID: w.work}, Groups: w.group.Holds}
	work, err := shelf.Find(w.work.ID, today)
	if err != nil {
		panic(err)
	}
	return license.Decide(now, w.account, []license.License{w.license}, shelf.Groups, work)
}

// TestTheServiceGoesOnWithTheLastHold plays every order in which four holds can be placed and lifted: there is access exactly
// while none stands, and no date of the license moves.
func TestTheServiceGoesOnWithTheLastHold(t *testing.T) {
	a, l := pupil()
	before := l
	holds := []struct {
		on    hold.Object
		basis hold.Basis
	}{
		{hold.On(hold.OnAccount, a.ID), hold.Harmful}, {hold.On(hold.OnAccount, a.ID), hold.FalseData}, {hold.On(hold.OnLicense, l.ID), hold.Unpaid},
		{hold.On(hold.OnGroup, school), hold.Unacceptable},
	}
	orders := 0
	var play func(w world, placed, lifted int, now time.Time)
	play = func(w world, placed, lifted int, now time.Time) {
		if d := w.reads(now); d.Allowed != (placed == lifted) {
			t.Fatalf("placed %04b, lifted %04b: %s", placed, lifted, d.Code)
		}
		if w.license.StartsAt != before.StartsAt || w.license.EndsAt != before.EndsAt || w.license.EndsOn != before.EndsOn {
			t.Fatalf("placed %04b, lifted %04b: the license runs from %s to %s", placed, lifted, w.license.StartsAt, w.license.EndsAt)
		}
		if _, _, told := w.license.Next(); told != (len(w.license.Holds) == 0) {
			t.Fatalf("a license on hold is to be told of: %t", told)
		}
		if lifted == 1<<len(holds)-1 {
			orders++
			return
		}
		for i, h := range holds {
			next, bit, key := w, 1<<i, fmt.Sprint(i)
			next.records = map[string]hold.Record{}
			for k, r := range w.records {
				next.records[k] = r
			}
			switch {
			case placed&bit == 0:
				d, err := Place(wish(h.on, h.basis), key, next.thing(h.on), liis, now)
				if err != nil {
					t.Fatal(err)
				}
				next.keep(key, d)
				play(next, placed|bit, lifted, now.Add(time.Minute))
			case lifted&bit == 0:
				d, err := Lift(w.records[key], next.thing(h.on), "over", liis, now)
				if err != nil {
					t.Fatal(err)
				}
				next.keep(key, d)
				play(next, placed, lifted|bit, now.Add(time.Minute))
			}
		}
	}
	play(world{account: a, license: l, group: catalog.Group{ID: string(school)}, work: catalog.Change{ID: "w001"}, records: map[string]hold.Record{}}, 0, 0, noon)
	if orders != 2520 { // 8! / 2^4
		t.Errorf("%d orders", orders)
	}
}

// TestMoneyAndStaffHoldALicenseEachForItself: in any order, with what money does between.
func TestMoneyAndStaffHoldALicenseEachForItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, l := pupil()
		end, owed := l.EndsAt, false
		standing := map[string]hold.Record{}
		for i := range rapid.IntRange(1, 20).Draw(t, "events") {
			now := noon.Add(time.Duration(i) * time.Minute)
			switch key := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "hold"); rapid.IntRange(0, 3).Draw(t, "event") {
			case 0:
				if !owed {
					l, owed = l.Reversed(now), true
				}
			case 1:
				if owed {
					l, owed = l.Restored(now), false
				}
			case 2:
				if _, ok := standing[key]; !ok {
					d, err := Place(wish(hold.On(hold.OnLicense, l.ID), hold.Unpaid), fmt.Sprint(key, i), Thing{License: &l}, liis, now)
					if err != nil {
						t.Fatal(err)
					}
					l, standing[key] = *d.Thing.License, d.Records[0]
				}
			case 3:
				if r, ok := standing[key]; ok {
					d, err := Lift(r, Thing{License: &l}, "over", liis, now)
					if err != nil {
						t.Fatal(err)
					}
					if left := len(d.Thing.License.Holds); (d.Letters[0].Facts["still"] == "yes") != (left > 0) {
						t.Fatalf("%d holds are left, and it says %v", left, d.Letters[0].Facts)
					}
					l = *d.Thing.License
					delete(standing, key)
				}
			}
			want := len(standing)
			if owed {
				want++
			}
			if len(l.Holds) != want || (l.At(now) == license.Suspended) != (want > 0) || !l.EndsAt.Equal(end) {
				t.Fatalf("owed %t, %d holds of staff: %+v", owed, len(standing), l.Holds)
			}
		}
		if annulled := l.Annul(noon); len(annulled.Holds) != len(standing) || annulled.At(noon) != license.Annulled {
			t.Fatalf("annulled with %d holds of staff: %+v", len(standing), annulled.Holds)
		}
	})
}

func TestNobodyDecidesAboutThemselves(t *testing.T) {
	a, l := pupil()
	self := account.Actor{Account: a.ID}
	for on, thing := range map[hold.Object]Thing{hold.On(hold.OnAccount, a.ID): {Account: &a}, hold.On(hold.OnLicense, l.ID): {License: &l}} {
		if _, err := Place(wish(on, hold.Harmful), "1", thing, self, noon); !errors.Is(err, account.ErrOwn) {
			t.Errorf("%s is placed: %v", on, err)
		}
		placed, err := Place(wish(on, hold.Harmful), "1", thing, liis, noon)
		if err != nil {
			t.Fatal(err)
		}
		r := placed.Records[0]
		_, confirmed := Confirm(r, a, "why", self, noon)
		_, reviewed := Review(r, hold.Review{ReviewOn: today.AddDays(1)}, self, noon)
		_, lifted := Lift(r, placed.Thing, "why", self, noon)
		for what, err := range map[string]error{"confirmed": confirmed, "reviewed": reviewed, "lifted": lifted} {
			if !errors.Is(err, account.ErrOwn) {
				t.Errorf("%s is %s: %v", on, what, err)
			}
		}
	}
}

func TestWhoIsHeldIsToldAndTheActSaysAll(t *testing.T) {
	a, _ := pupil()
	w := wish(hold.On(hold.OnAccount, a.ID), hold.Harmful)
	w.Reason = " Ticket 4711 says how "
	d, err := Place(w, "once", Thing{Account: &a}, liis, noon)
	if err != nil || len(d.Letters) != 1 || d.Letters[0].Kind != letter.ServiceHeld || d.Letters[0].Account != string(a.ID) {
		t.Fatalf("%+v (%v)", d.Letters, err)
	}
	act, r := d.Acts[0], d.Records[0]
	want := map[string]string{"on": "account:" + string(a.ID), "basis": "harmful", "section": "rules for using the service", "measure": "suspend",
		"evidence": "ticket 4711", "reviewOn": "2026-12-06"}
	if act.What != HoldPlaced || act.Actor != liis.String() || act.Object != "hold:"+string(r.ID) || act.Reason != "Ticket 4711 says how" || fmt.Sprint(act.Detail) != fmt.Sprint(want) {
		t.Errorf("%+v", act)
	}
	w.ForceMajeure = true
	if d, err = Place(w, "twice", Thing{Account: &a}, liis, noon); err != nil || len(d.Letters) != 0 || d.Acts[0].Detail["forceMajeure"] != "true" {
		t.Errorf("%+v (%v)", d, err)
	}
	if d, err = Lift(d.Records[0], Thing{Account: d.Thing.Account}, "over", liis, noon); err != nil || len(d.Letters) != 0 {
		t.Errorf("who never heard of it hears of its end: %+v (%v)", d.Letters, err)
	}
}

// TestAPersonIsEndedAfterABreachThatWasConfirmed goes the whole way of.
func TestAPersonIsEndedAfterABreachThatWasConfirmed(t *testing.T) {
	a, _ := pupil()
	on := hold.On(hold.OnAccount, a.ID)
	end := hold.Wish{On: on, Basis: hold.Harmful, Measure: hold.End, Evidence: []string{"ticket 4802"}, Today: today}
	if _, err := Place(end, "1", Thing{Account: &a}, liis, noon); !errors.Is(err, hold.ErrNoBreach) {
		t.Fatal(err)
	}
	d, err := Place(wish(on, hold.Harmful), "2", Thing{Account: &a}, liis, noon)
	if err != nil {
		t.Fatal(err)
	}
	if d, err = Confirm(d.Records[0], *d.Thing.Account, "They said so", liis, noon.AddDate(0, 0, -1)); err != nil || len(d.Letters) != 0 || d.Acts[0].What != BreachConfirmed {
		t.Fatalf("%+v (%v)", d, err)
	}
	if b := d.Thing.Account.Breaches; len(b) != 1 || b[0].Hold != d.Records[0].ID || len(a.Breaches) != 0 {
		t.Fatalf("%+v", b)
	}
	proved := d.Records
	if d, err = Lift(d.Records[0], Thing{Account: d.Thing.Account}, "They promised", liis, noon); err != nil {
		t.Fatal(err)
	}
	guilty := *d.Thing.Account
	if _, err := Place(end, "3", Thing{Account: &guilty, Breaches: proved}, liis, noon); !errors.Is(err, hold.ErrSchool) {
		t.Fatal(err)
	}
	end.School = &hold.Word{Signatory: "Head of the school", Document: "letter 12-3/88", On: today, Opinion: "The school agrees"}
	d, err = Place(end, "4", Thing{Account: &guilty, Breaches: proved}, liis, noon)
	if err != nil || d.Letters[0].Kind != letter.ServiceEnded || d.Acts[0].Detail["school"] != "letter 12-3/88" {
		t.Fatalf("%+v (%v)", d, err)
	}
	if err := d.Thing.Account.MayBuy(nil, noon); !errors.Is(err, account.ErrClosed) {
		t.Error(err)
	}
	if d, err = Lift(d.Records[0], Thing{Account: d.Thing.Account}, "The appeal was granted", liis, noon); err != nil || d.Thing.Account.MayBuy(nil, noon) != nil {
		t.Errorf("after the appeal: %v", err)
	}
}

func TestABreachThatWasOverturnedCountsNoMore(t *testing.T) {
	a, l := pupil()
	for on, thing := range map[hold.Object]Thing{hold.On(hold.OnAccount, a.ID): {Account: &a}, hold.On(hold.OnLicense, l.ID): {License: &l, Owner: &a}} {
		placed, err := Place(wish(on, hold.Harmful), "1", thing, liis, noon)
		if err != nil {
			t.Fatal(err)
		}
		who := a
		if placed.Thing.Account != nil {
			who = *placed.Thing.Account
		}
		confirmed, err := Confirm(placed.Records[0], who, "why", liis, noon)
		if err != nil {
			t.Fatal(err)
		}
		now := Thing{Account: confirmed.Thing.Account}
		if placed.Thing.License != nil {
			now = Thing{License: placed.Thing.License, Owner: confirmed.Thing.Account}
		}
		d, err := Overturn(confirmed.Records[0], now, "The appeal was granted", liis, noon)
		if err != nil || len(d.Thing.Account.Breaches) != 0 || len(d.Thing.Account.Holds) != 0 || len(d.Letters) != 1 || d.Acts[0].What != BreachOverturned {
			t.Errorf("%s: %+v (%v)", on, d, err)
		}
		if d.Thing.License != nil && len(d.Thing.License.Holds) != 0 {
			t.Errorf("%+v", d.Thing.License.Holds)
		}
	}
}

// TestWhatStaysClosedIsNotSaidToBeOpen: the license is free of its hold, and something else keeps it closed.
func TestWhatStaysClosedIsNotSaidToBeOpen(t *testing.T) {
	a, l := pupil()
	rude := a.Hold(hold.Hold{ID: "rude", On: hold.On(hold.OnAccount, a.ID), Basis: hold.Unacceptable, Since: noon})
	class := hold.Set{{ID: "class", On: hold.On(hold.OnGroup, school), Basis: hold.Unacceptable, Since: noon}}
	for name, c := range map[string]struct {
		license license.License
		owner   account.Account
		groups  hold.Set
		at      time.Time
		want    string
	}{
		"nothing":                 {l, a, nil, noon, ""},
		"it is annulled":          {l.Annul(noon), a, nil, noon, "yes"},
		"it is over":              {l, a, nil, l.EndsAt, "yes"},
		"its owner is on hold":    {l, rude, nil, noon, "yes"},
		"their school is on hold": {l, a, class, noon, "yes"},
	} {
		thing := Thing{License: &c.license, Owner: &c.owner, Groups: c.groups}
		d, err := Place(wish(hold.On(hold.OnLicense, l.ID), hold.Harmful), "1", thing, liis, noon)
		if err != nil {
			t.Fatal(err)
		}
		if d, err = Lift(d.Records[0], Thing{License: d.Thing.License, Owner: &c.owner, Groups: c.groups}, "over", liis, c.at); err != nil || d.Letters[0].Facts["still"] != c.want {
			t.Errorf("%s: %v (%v)", name, d.Letters, err)
		}
	}
}

func TestWhoHeardNoAnswerDecidesTheSameAgain(t *testing.T) {
	a, _ := pupil()
	placed, err := Place(wish(hold.On(hold.OnAccount, a.ID), hold.Harmful), "1", Thing{Account: &a}, liis, noon)
	if err != nil {
		t.Fatal(err)
	}
	confirmed, err := Confirm(placed.Records[0], *placed.Thing.Account, "why", liis, noon)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Confirm(confirmed.Records[0], *confirmed.Thing.Account, "why", liis, noon)
	if err != nil || len(again.Acts) != 0 || len(again.Records[0].History) != 2 {
		t.Errorf("%+v (%v)", again, err)
	}
	if _, err := Confirm(confirmed.Records[0], *confirmed.Thing.Account, "why", account.Actor{Account: "peeter"}, noon); !errors.Is(err, hold.ErrConfirmed) {
		t.Error("somebody else:", err)
	}
	lifted, err := Lift(confirmed.Records[0], confirmed.Thing, "over", liis, noon)
	if err != nil {
		t.Fatal(err)
	}
	if again, err = Lift(lifted.Records[0], lifted.Thing, "over", liis, noon); err != nil || len(again.Acts)+len(again.Letters) != 0 {
		t.Errorf("%+v (%v)", again, err)
	}
	if _, err := Overturn(lifted.Records[0], lifted.Thing, "over", liis, noon); !errors.Is(err, hold.ErrLifted) {
		t.Error("what was only lifted is overturned:", err)
	}
}

func TestALeakedPasswordSignsNobodyInUntilItsOwnerSetsAnother(t *testing.T) {
	a, _ := pupil()
	on := hold.On(hold.OnAccount, a.ID)
	leak, err := Place(wish(on, hold.CredentialLeak), "1", Thing{Account: &a}, liis, noon)
	if err != nil || len(leak.Thing.Account.Sessions) != 0 || len(a.Sessions) != 1 {
		t.Fatalf("%+v (%v)", leak.Thing.Account, err)
	}
	rude, err := Place(wish(on, hold.Unacceptable), "2", leak.Thing, liis, noon)
	if err != nil {
		t.Fatal(err)
	}
	who, err := rude.Thing.Account.Reset(rude.Thing.Account.ResetSubject(), "new")
	if err != nil {
		t.Fatal(err)
	}
	d, err := Recover(who, nil, leak.Records, noon.Add(time.Hour))
	if err != nil || len(d.Records) != 1 || d.Records[0].State != hold.Lifted || d.Records[0].History[1].By != "owner" || d.Acts[0].Actor != "owner" {
		t.Fatalf("%+v (%v)", d, err)
	}
	if left := d.Thing.Account.Holds; len(left) != 1 || left[0].Basis != hold.Unacceptable {
		t.Errorf("%+v", left)
	}
	kinds := []letter.Kind{d.Letters[0].Kind, d.Letters[1].Kind}
	if !slices.Equal(kinds, []letter.Kind{letter.ServiceResumed, letter.PasswordChanged}) || d.Letters[0].Facts["still"] != "yes" {
		t.Errorf("%v %v", kinds, d.Letters[0].Facts)
	}
}

func TestWhoJoinsAGroupOnHoldIsToldOnce(t *testing.T) {
	w := wish(hold.On(hold.OnGroup, school), hold.Harmful)
	told, err := Place(w, "1", Thing{Group: &catalog.Group{ID: string(school)}}, liis, noon)
	if err != nil || len(told.Letters) != 0 || told.Records[0].Telling == nil {
		t.Fatalf("%+v (%v)", told, err)
	}
	w.ForceMajeure, w.Reason = true, "The authorities forbid it"
	silent, err := Place(w, "2", told.Thing, liis, noon)
	if err != nil {
		t.Fatal(err)
	}
	standing := []hold.Record{told.Records[0], silent.Records[0]}
	letters := Arrivals("jaan", standing, nil, noon)
	if len(letters) != 1 || letters[0].Facts["group"] != "school" || letters[0].Account != "jaan" {
		t.Fatalf("%+v", letters)
	}
	if gone := Departures("jaan", standing, map[letter.ID]bool{letters[0].ID: true}, noon); len(gone) != 1 || gone[0].Kind != letter.ServiceResumed || gone[0].Facts["left"] != "yes" {
		t.Errorf("who leaves hears %+v", gone)
	}
	if gone := Departures("jaan", standing, nil, noon); len(gone) != 0 {
		t.Errorf("who never heard of it hears of its end: %+v", gone)
	}
	if again := Arrivals("jaan", standing, map[letter.ID]bool{letters[0].ID: true}, noon); len(again) != 0 {
		t.Errorf("%+v", again)
	}
}

func TestAWorkIsStoppedAndShownAgain(t *testing.T) {
	a, l := pupil()
	w := world{account: a, license: l, work: catalog.Change{ID: "w001"}, records: map[string]hold.Record{}}
	d, err := Place(wish("work:w001", hold.SuspectedIP), "1", w.thing("work:w001"), liis, noon)
	if err != nil || len(d.Letters) != 0 {
		t.Fatalf("%+v (%v)", d.Letters, err)
	}
	if w.keep("1", d); w.reads(noon).Code != license.WorkSuspendedIP {
		t.Error(w.reads(noon).Code)
	}
	if d, err = Lift(d.Records[0], w.thing("work:w001"), "The claim was withdrawn", liis, noon); err != nil {
		t.Fatal(err)
	}
	if w.keep("1", d); w.reads(noon).Code != license.Valid {
		t.Error(w.reads(noon).Code)
	}
}

func TestASchoolIsEndedByTwoPeople(t *testing.T) {
	g := catalog.Group{ID: string(school)}
	w := wish(hold.On(hold.OnGroup, school), hold.Harmful)
	w.Measure, w.ReviewOn = hold.End, civil.Date{}
	w.School = &hold.Word{Signatory: "Head of the school", Document: "order 3", On: today, Opinion: "We agree"}
	proposed, err := Place(w, "1", Thing{Group: &g}, liis, noon)
	if err != nil || proposed.Thing.Group != nil || proposed.Acts[0].What != HoldProposed {
		t.Fatalf("%+v (%v)", proposed, err)
	}
	if _, err := Approve(proposed.Records[0], Thing{Group: &g}, liis, noon); !errors.Is(err, hold.ErrSecond) {
		t.Fatal(err)
	}
	d, err := Approve(proposed.Records[0], Thing{Group: &g}, account.Actor{Account: "peeter"}, noon)
	if err != nil || len(d.Thing.Group.Holds) != 1 || !d.Thing.Group.Holds[0].Final || d.Acts[0].What != HoldApproved {
		t.Errorf("%+v (%v)", d, err)
	}
	a, l := pupil()
	if got := license.DecideLibrary(noon, a, []license.License{l}, d.Thing.Group.Holds).Code; got != license.AccountClosed {
		t.Error(got)
	}
}
