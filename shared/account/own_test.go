package account

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"opiq/shared/hold"
	"opiq/shared/letter"
)

// mari has an account with all that one can have.
func mari(t *testing.T) Account {
	t.Helper()
	in := written()
	in.Marketing = true
	s, err := Register(in, passwords, noon, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	a, _ := s.Account.SignIn(noon)
	a.Roles = []Role{Finance}
	a.Breaches = []Breach{{Hold: "h1", Basis: hold.Harmful, At: noon}}
	return a
}

func TestOtherDetailsAreOnlyThoseThatAreGiven(t *testing.T) {
	a := mari(t)
	name, language := " Mari-Liis ", "kk"
	d := Details{FirstName: &name, Language: &language}
	if wrong := d.Check(); wrong != nil {
		t.Fatal(wrong)
	}
	if got := a.With(d); got.FirstName != "Mari-Liis" || got.LastName != a.LastName || got.Language != "kk" {
		t.Errorf("%+v", got)
	}
}

// TestConsentsAreADatedList: what was agreed to and taken back can be shown later, each yes once.
func TestConsentsAreADatedList(t *testing.T) {
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	a := Account{}.Withdraws(hour(0))
	for i, c := range []struct {
		change func(Account) Account
		wants  bool
		yes    int
	}{
		{func(a Account) Account { return a.Consents(hour(1)) }, true, 1},
		{func(a Account) Account { return a.Consents(hour(2)) }, true, 1},
		{func(a Account) Account { return a.Withdraws(hour(3)) }, false, 1},
		{func(a Account) Account { return a.Withdraws(hour(4)) }, false, 1},
		{func(a Account) Account { return a.Consents(hour(5)) }, true, 2},
	} {
		if a = c.change(a); a.WantsOffers() != c.wants || len(a.Marketing) != c.yes {
			t.Errorf("after change %d: %t, %+v", i, a.WantsOffers(), a.Marketing)
		}
	}
	want := []Consent{{At: hour(1), Text: offersText, WithdrawnAt: hour(3)}, {At: hour(5), Text: offersText}}
	if !slices.Equal(a.Marketing, want) {
		t.Errorf("%+v", a.Marketing)
	}
}

func TestANewPasswordLeavesOneSession(t *testing.T) {
	a := mari(t)
	a, elsewhere := a.SignIn(noon)
	link := a.ResetSubject()
	got, here := a.Replace(passwords.Hash("üheksa kuuske"), noon)
	if got.SignedIn(elsewhere, noon) || !got.SignedIn(here, noon) || len(got.Sessions) != 1 {
		t.Errorf("%+v", got.Sessions)
	}
	if _, err := got.Reset(link, "x"); !errors.Is(err, ErrToken) {
		t.Error("a link of before sets another one:", err)
	}
}

func TestAClosedAccountSignsNobodyInAndCanStillBeWrittenTo(t *testing.T) {
	a := mari(t)
	link := a.ResetSubject()
	c, err := a.Close(noon)
	if err != nil {
		t.Fatal(err)
	}
	got := c.Account
	if got.Password != "" || len(got.Roles)+len(got.Sessions) != 0 || got.WantsOffers() || len(got.Marketing) != 1 {
		t.Errorf("%+v", got)
	}
	if got.Address != a.Address || got.LastName != a.LastName || len(got.Accepted) != 2 || len(got.Breaches) != 1 {
		t.Errorf("%+v", got)
	}
	if _, err := got.Reset(link, "x"); !errors.Is(err, ErrToken) {
		t.Error("a link of before opens it again:", err)
	}
	if l := c.Letter; l.Kind != letter.AccountLeft || l.Account != string(a.ID) || c.Act.What != AccountLeft {
		t.Errorf("%+v", c)
	}
	if !a.WantsOffers() {
		t.Error("the account that was closed is another than the one that was given")
	}
}

func TestAnErasedAccountSaysNobodysName(t *testing.T) {
	a := mari(t)
	c, err := a.Close(noon)
	if err != nil {
		t.Fatal(err)
	}
	for named, personal := range map[bool][]string{
		false: {a.FirstName, a.LastName, string(a.Address), "192.0.2.1", "argon2id"}, true: {string(a.Address), "192.0.2.1", "argon2id"},
	} {
		left, err := json.Marshal(c.Account.End(noon).Erase(named, noon))
		if err != nil {
			t.Fatal(err)
		}
		if named != strings.Contains(string(left), a.FirstName) {
			t.Errorf("books need the name: %t, and %s", named, left)
		}
		for _, x := range personal {
			if strings.Contains(string(left), x) {
				t.Errorf("%q is still there: %s", x, left)
			}
		}
	}
	if c.Account.Accepted[0].IP == "" {
		t.Error("the account that was erased is another than the one that was given")
	}
}

// TestWhatTimeDoesToAClosedAccount: two things, one after the other, and nothing to one that is open.
func TestWhatTimeDoesToAClosedAccount(t *testing.T) {
	c, err := mari(t).Close(noon)
	if err != nil {
		t.Fatal(err)
	}
	ended := c.Account.End(noon.Add(time.Minute))
	for what, x := range map[string]struct {
		account Account
		at      time.Time
	}{
		"open": {account: mari(t)}, "closed": {c.Account, noon.Add(time.Minute)}, "ended": {ended, noon.AddDate(0, 0, 14)},
		"erased": {account: ended.Erase(false, noon.AddDate(0, 0, 14))},
	} {
		if at, ok := x.account.Next(); ok == x.at.IsZero() || !at.Equal(x.at) {
			t.Errorf("%s: %s (%t)", what, at, ok)
		}
	}
}

func TestWhoCannotCloseTheirAccount(t *testing.T) {
	pupil, held, ended := mari(t), mari(t), mari(t)
	pupil.Groups = []GroupID{"class:10001234-5A"}
	held.Holds = hold.Set{{ID: "h1", Basis: hold.FalseData, Since: noon}}
	ended.Holds = hold.Set{{ID: "h2", Basis: hold.Harmful, Since: noon, Final: true}}
	for want, a := range map[error]Account{ErrOfSchool: pupil, ErrHeld: held, ErrClosed: ended} {
		if _, err := a.Close(noon); !errors.Is(err, want) {
			t.Errorf("%v, not %v", err, want)
		}
	}
}
