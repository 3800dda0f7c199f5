package table_test

import (
	"errors"
	"testing"

	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/service"
	"opiq/shared/table"
)

// TestWhoeverTheServiceIsStoppedForIsKnown when a letter goes to them: by a hold of their own, or of a group that they are in.
func TestWhoeverTheServiceIsStoppedForIsKnown(t *testing.T) {
	const school account.GroupID = "school:10001234"
	cfg, name := stage.Table(t)
	reads := new(meter)
	s := table.Open(reads.on(cfg), name)
	people.MoveIn(t, s)
	stop := func(on hold.Object) {
		t.Helper()
		thing, err := s.Closing(t.Context(), on)
		if err != nil {
			t.Fatal(err)
		}
		today := civil.DateOf(people.Noon, civil.Tallinn)
		w := hold.Wish{On: on, Basis: hold.Harmful, Measure: hold.Suspend, ReviewOn: today.AddDays(7), Evidence: []string{"ticket 4711"}, Today: today}
		d, err := service.Place(w, string(on), thing, account.Actor{Account: people.Liis}, people.Noon)
		if err := errors.Join(err, s.Decide(t.Context(), d)); err != nil {
			t.Fatal(err)
		}
	}
	stopped := func(id account.ID, want bool, queries int) {
		t.Helper()
		reads.consistent = nil
		to, err := s.Recipient(t.Context(), string(id))
		if err != nil || to.Address == "" || to.Stopped != want || len(reads.consistent) != queries {
			t.Errorf("%+v, after %d queries (%v)", to, len(reads.consistent), err)
		}
	}
	a, known, group, err := s.Member(t.Context(), people.Mari, school)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := a.Join(school, known, account.Actor{Account: people.Liis}, people.Noon)
	if err := errors.Join(err, s.Enlist(t.Context(), m, group, nil)); err != nil {
		t.Fatal(err)
	}
	stopped(people.Mari, false, 1)
	stopped(people.Jaan, false, 0)
	stop(hold.On(hold.OnGroup, school))
	stopped(people.Mari, true, 1)
	stopped(people.Jaan, false, 0)
	stop(hold.On(hold.OnAccount, people.Jaan))
	stopped(people.Jaan, true, 0)
}
