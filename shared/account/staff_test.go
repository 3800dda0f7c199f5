package account

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"opiq/shared/hold"
	"opiq/shared/letter"
	"opiq/shared/problem"
)

func TestARoleLetsDoWhatItIsForAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		name  string
		who   Account
		right Right
		want  error
	}{
		{"a customer", Account{}, Statements, ErrNotAllowed},
		{"finance", Account{Roles: []Role{Finance}}, Statements, nil},
		{"finance", Account{Roles: []Role{Finance}}, Reconciliation, nil},
		{"finance", Account{Roles: []Role{Finance}}, Orders, nil},
		{"support", Account{Roles: []Role{Support}}, Orders, nil},
		{"support", Account{Roles: []Role{Support}}, Refunds, ErrNotAllowed},
		{"editors", Account{Roles: []Role{Editor}}, Orders, ErrNotAllowed},
		{"finance", Account{Roles: []Role{Finance}}, "anything", ErrNotAllowed},
		{"a role that there is no more", Account{Roles: []Role{"king"}}, Statements, ErrNotAllowed},
		{"finance on hold", Account{Roles: []Role{Finance}, Holds: hold.Set{{Basis: hold.CredentialLeak}}}, Statements, ErrHeld},
	} {
		if err := c.who.May(c.right); !errors.Is(err, c.want) {
			t.Errorf("%s, %s: %v", c.name, c.right, err)
		}
	}
}

func TestEveryRightOfARoleIsKnown(t *testing.T) {
	for role, may := range roles {
		for _, r := range may {
			if !slices.Contains(rights, r) {
				t.Errorf("%s may %s, which no key can be made for", role, r)
			}
		}
	}
}

func enrolling() Enrollment {
	return Enrollment{Email: "Liis@Example.ee", FirstName: "Liis", LastName: "Lepp", Language: "et", Roles: []Role{Finance}}
}

func TestANewAccountWithoutAPasswordGetsALetterToSetOne(t *testing.T) {
	out, news := Enroll(Account{}, enrolling(), passwords, noon)
	a := out.Account
	if !news || a.ID == "" || a.Address != "liis@example.ee" || a.Password != "" || a.May(Statements) != nil {
		t.Errorf("%t %+v", news, a)
	}
	if len(out.Letters) != 1 || out.Letters[0].Kind != letter.PasswordReset || out.Letters[0].Facts["reset"] != a.ResetSubject() {
		t.Errorf("%+v", out.Letters)
	}
	if a.MayBuy(nil, noon) == nil {
		t.Error("it has agreed to terms that nobody showed it")
	}
}

func TestTheSameEnrollmentAgainIsNoNews(t *testing.T) {
	e := enrolling()
	e.Password = "kolm kollast kukke"
	out, _ := Enroll(Account{}, e, passwords, noon)
	if len(out.Letters) != 0 || !passwords.Match(out.Account.Password, e.Password) {
		t.Errorf("%+v", out)
	}
	if again, news := Enroll(out.Account, e, passwords, noon.Add(time.Hour)); news || again.Account.ID != out.Account.ID {
		t.Errorf("%+v", again)
	}
}

func TestANewPasswordEndsWhatTheOldOneOpened(t *testing.T) {
	out, _ := Enroll(Account{}, enrolling(), passwords, noon)
	known, token := out.Account.SignIn(noon)
	link := known.ResetSubject()
	changed, news := Enroll(known, Enrollment{Email: "liis@example.ee", Roles: []Role{Finance}, Password: "kolm kollast kukke"}, passwords, noon)
	a := changed.Account
	if _, err := a.Reset(link, ""); !news || err == nil || a.SignedIn(token, noon) {
		t.Errorf("news %t, the old link: %v, signed in: %t", news, err, a.SignedIn(token, noon))
	}
	if len(changed.Letters) != 1 || changed.Letters[0].Kind != letter.PasswordChanged {
		t.Errorf("its owner is told by %+v", changed.Letters)
	}
	if a.FirstName != "Liis" || a.Language != "et" {
		t.Errorf("what was not given is gone: %+v", a)
	}
}

func TestRolesAreTakenAwayAndTheActSaysSo(t *testing.T) {
	out, _ := Enroll(Account{}, enrolling(), passwords, noon)
	left, news := Enroll(out.Account, Enrollment{Email: "liis@example.ee", Roles: []Role{}}, passwords, noon)
	if d := left.Act.Detail; !news || left.Account.May(Statements) == nil || d["rolesBefore"] != "finance" || d["roles"] != "" || len(left.Letters) != 0 {
		t.Errorf("%+v", left)
	}
}

func TestWhatIsWrongWithAnEnrollment(t *testing.T) {
	for _, c := range []struct {
		in   Enrollment
		want string
	}{
		{enrolling(), ""},
		{Enrollment{Email: "liis@example.ee", Roles: []Role{}}, ""},
		{Enrollment{}, "/email /roles"},
		{Enrollment{Email: "liis", FirstName: " ", LastName: strings.Repeat("x", 101), Language: "fi", Roles: []Role{"king", Finance}, Password: "liis"},
			"/email /firstName /lastName /language /roles/0 /password"},
	} {
		if got := pointers(c.in.Check()); got != c.want {
			t.Errorf("%+v: %s", c.in, got)
		}
	}
	if got := pointers((&Enrollment{}).Missing()); got != "/firstName /lastName /language" {
		t.Error(got)
	}
}

func pointers(wrong []problem.Field) string {
	var all []string
	for _, f := range wrong {
		all = append(all, f.Pointer)
	}
	return strings.Join(all, " ")
}

func TestAKeyIsKnownByItsSecretAlone(t *testing.T) {
	k, secret := NewKey(KeyWish{Name: " bookkeeping\x00 ", Right: Statements}, noon)
	other, _ := NewKey(KeyWish{Name: "bookkeeping", Right: Statements}, noon)
	if id, err := ParseKey("Bearer " + secret); err != nil || id != k.ID || id == other.ID {
		t.Errorf("%s is %s (%v)", k.ID, id, err)
	}
	if bits, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(secret, "opiq_")); err != nil || len(bits) != 32 {
		t.Errorf("%d bytes (%v)", len(bits), err)
	}
	if k.Name != "bookkeeping" || strings.Contains(k.Actor().String()+string(k.ID), secret) {
		t.Errorf("%+v", k)
	}
}

func TestWhatIsNoKeyIsNotLookedFor(t *testing.T) {
	_, secret := NewKey(KeyWish{Name: "x", Right: Statements}, noon)
	for header, ok := range map[string]bool{
		"Bearer " + secret: true, "bearer " + secret: true,
		"": false, "Bearer": false, "Bearer ": false, secret: false, "Basic " + secret: false, "Bearer  " + secret: false, "Bearer " + secret + " ": false,
		"Bearer " + secret[:47]: false, "Bearer " + secret + "A": false, "Bearer " + strings.ToUpper(secret): false, "Bearer " + strings.Repeat("x", 48): false,
	} {
		if _, err := ParseKey(header); (err == nil) != ok || err != nil && !errors.Is(err, ErrSignedOut) {
			t.Errorf("%q: %v", header, err)
		}
	}
}

func TestAKeyLetsDoOneThingUntilItIsRevoked(t *testing.T) {
	k, _ := NewKey(KeyWish{Name: "bookkeeping", Right: Statements}, noon)
	if err := k.May(Statements); err != nil {
		t.Error(err)
	}
	if err := k.May(Reconciliation); !errors.Is(err, ErrNotAllowed) {
		t.Error(err)
	}
	if err := (Key{}).May(Statements); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	revoked, act, news := k.Revoke(Operator, noon.Add(time.Hour))
	if !news || !errors.Is(revoked.May(Statements), ErrKey) || act.Object != k.Actor().String() || act.Actor != "operator" {
		t.Errorf("%t %+v", news, act)
	}
	if again, _, news := revoked.Revoke(Operator, noon.Add(2*time.Hour)); news || !again.RevokedAt.Equal(noon.Add(time.Hour)) {
		t.Errorf("%+v", again)
	}
}

func TestWhatIsWrongWithAKey(t *testing.T) {
	for _, c := range []struct {
		in   KeyWish
		want string
	}{
		{KeyWish{"bookkeeping", Statements}, ""}, {KeyWish{"bookkeeping", Reconciliation}, ""},
		{KeyWish{"", "statement"}, "/name /right"}, {KeyWish{strings.Repeat("x", 101), ""}, "/name /right"},
	} {
		if got := pointers(c.in.Check()); got != c.want {
			t.Errorf("%+v: %s", c.in, got)
		}
	}
}

func TestActorsAreNamedWithoutTheirNames(t *testing.T) {
	a, k := Account{ID: "a1", FirstName: "Liis", LastName: "Lepp"}, Key{ID: "b2", Name: "bookkeeping"}
	for actor, want := range map[Actor]string{a.Actor(): "account:a1", k.Actor(): "key:b2", Operator: "operator"} {
		if actor.String() != want {
			t.Errorf("%+v is %s", actor, actor)
		}
	}
	if a.Actor().Name != "Liis Lepp" || k.Actor().Name != "bookkeeping" {
		t.Error("nobody knows who it was")
	}
}
