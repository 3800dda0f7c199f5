package account

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"opiq/shared/hold"
	"opiq/shared/terms"
)

var noon = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

var passwords = NewPasswords([]byte("test-pepper-of-thirty-two-bytes!"))

func written() Registration {
	return Registration{
		Email: " Mari@Example.EE", Password: "kolm väikest põrsast", FirstName: "Mari", LastName: "<b>Maasikas</b>\x00\x1b", Language: "et",
		Accept: []Accepting{{terms.Use, "2017-02-01"}, {terms.Privacy, "1"}},
	}
}

func TestARegistrationKeepsWhatWasTypedAsText(t *testing.T) {
	in := written()
	if wrong := in.Check(); wrong != nil {
		t.Fatal(wrong)
	}
	s, err := Register(in, passwords, noon, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	a := s.Account
	if a.Address != "mari@example.ee" || a.LastName != "<b>Maasikas</b>" || a.Marketing != nil || !a.Agreed(noon) || len(a.Accepted) != 2 {
		t.Errorf("%+v", a)
	}
}

func TestEveryWrongFieldIsNamed(t *testing.T) {
	in := Registration{Email: "mari", Password: "short", FirstName: "\x00", LastName: strings.Repeat("x", 101), Language: "fi", Accept: []Accepting{{"rules", "1"}}}
	var got []string
	for _, f := range in.Check() {
		got = append(got, f.Pointer)
	}
	if want := []string{"/accept", "/accept/0/document", "/email", "/firstName", "/language", "/lastName", "/password"}; !slices.Equal(got, want) {
		t.Error(got)
	}
}

func TestAddresses(t *testing.T) {
	for text, ok := range map[string]bool{
		"mari@example.ee": true, "MARI@EXAMPLE.EE ": true, "m.a+x@sub.example.ee": true, "mari@xn--nide-loa.ee": true,
		"": false, "mari": false, "õnne@example.ee": false, "mari@näide.ee": false, "mari@": false, "@example.ee": false, "mari@localhost": false, "a@b@example.ee": false, "Mari <mari@example.ee>": false,
		"mari@example.ee\r\nBcc: all@example.ee": false, "mari@[127.0.0.1]": false, strings.Repeat("a", 250) + "@example.ee": false, "ma ri@example.ee": false,
	} {
		if _, got := ParseAddress(text); got != ok {
			t.Errorf("%q is an address: %t", text, got)
		}
	}
}

func TestPasswords(t *testing.T) {
	for password, code := range map[string]string{
		"1234567": "too_short", "PASSWORD": "too_common", "qwertyuiop": "too_common", "mari@example.ee": "too_common",
		strings.Repeat("x", 257): "too_long", strings.Repeat("õ", 256): "", "kolm põrsast": "", "        ": "", "пароль для меня": "",
	} {
		f := checkPassword("/password", password, "mari@example.ee")
		if (f == nil) != (code == "") || f != nil && f.Code != code {
			t.Errorf("%q: %v", password, f)
		}
	}
}

func TestAHashFitsItsPasswordAndNoOther(t *testing.T) {
	p := NewPasswords([]byte("test-pepper-of-thirty-two-bytes!"))
	h := p.Hash("kolm väikest põrsast")
	if !strings.HasPrefix(string(h), "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Error(h)
	}
	if !p.Match(h, "kolm väikest põrsast") || p.Match(h, "kolm väikest põrsas") || p.Match("", "") || p.Match("nonsense", "x") {
		t.Error("a wrong match")
	}
	long := strings.Repeat("a", 100)
	if p.Match(p.Hash(long+"x"), long+"y") {
		t.Error("the end of a long password does not count")
	}
	if NewPasswords([]byte("another pepper of thirty-two byte")).Match(h, "kolm väikest põrsast") {
		t.Error("another pepper matches")
	}
}

func TestATokenServesItsPurposeUntilItExpires(t *testing.T) {
	tokens := NewTokens([]byte("test-pepper-of-thirty-two-bytes!"))
	token := tokens.Token(Verify, "abc-def", noon.Add(time.Hour))
	if got, err := tokens.Open(Verify, token, noon); err != nil || got != "abc-def" {
		t.Fatal(got, err)
	}
	for name, open := range map[string]func() (string, error){
		"for another purpose": func() (string, error) { return tokens.Open(Reset, token, noon) },
		"an hour later":       func() (string, error) { return tokens.Open(Verify, token, noon.Add(time.Hour)) },
		"under another pepper": func() (string, error) {
			return NewTokens([]byte("another pepper of thirty-two byte")).Open(Verify, token, noon)
		},
		"nothing": func() (string, error) { return tokens.Open(Verify, "", noon) },
	} {
		if _, err := open(); !errors.Is(err, ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range token {
		if _, err := tokens.Open(Verify, token[:i]+"~"+token[i+1:], noon); !errors.Is(err, ErrToken) {
			t.Errorf("changed at %d it still opens", i)
		}
	}
}

func TestAResetEndsEverySessionAndEveryOtherLink(t *testing.T) {
	a := Account{ID: "0123456789abcdef0123456789abcdef", Holds: hold.Set{{ID: "leak", Basis: hold.CredentialLeak}, {ID: "lie", Basis: hold.FalseData}}}
	a, token := a.SignIn(noon)
	if back, err := ParseToken(token.String()); err != nil || back != token || !a.SignedIn(token, noon) {
		t.Fatal("the session does not sign in")
	}
	subject := a.ResetSubject()
	b, err := a.Reset(subject, "new")
	if err != nil || b.SignedIn(token, noon) || len(b.Holds) != 1 || len(a.Holds) != 2 {
		t.Errorf("%+v %v", b, err)
	}
	if _, err := b.Reset(subject, "again"); !errors.Is(err, ErrToken) {
		t.Error(err)
	}
}

func TestACookieThatIsNoneSignsNobodyIn(t *testing.T) {
	for _, cookie := range []string{"", ".", "x", strings.Repeat("1", 97), strings.Repeat("1", 32) + "." + strings.Repeat("1", 63)} {
		if token, err := ParseToken(cookie); !errors.Is(err, ErrSignedOut) || token != (Token{}) {
			t.Errorf("%q is a token", cookie)
		}
	}
}

func TestASessionIsOverWhenItIs(t *testing.T) {
	a, token := Account{ID: "0123456789abcdef0123456789abcdef"}.SignIn(noon)
	more := a
	for range MaxSessions {
		more, _ = more.SignIn(noon)
	}
	for name, valid := range map[string]bool{
		"expired":    a.SignedIn(token, noon.Add(SessionLives)),
		"ended":      a.SignOut(token).SignedIn(token, noon),
		"of another": Account{ID: "jaan", Sessions: a.Sessions}.SignedIn(token, noon),
		"of nobody":  Account{}.SignedIn(Token{}, noon),
		"the oldest": more.SignedIn(token, noon),
	} {
		if valid {
			t.Errorf("a session that is %s signs in", name)
		}
	}
	if len(more.Sessions) != MaxSessions || !a.SignedIn(token, noon) {
		t.Error(len(more.Sessions), "sessions")
	}
}

func TestTenTriesInAQuarterOfAnHour(t *testing.T) {
	var tries Tries
	for i := range 10 {
		var wait time.Duration
		if tries, wait = tries.Spend(SignInTries, noon.Add(time.Duration(i)*time.Second)); wait != 0 {
			t.Fatalf("try %d waits %s", i, wait)
		}
	}
	if _, wait := tries.Spend(SignInTries, noon.Add(time.Minute)); wait != 14*time.Minute {
		t.Errorf("the eleventh waits %s", wait)
	}
	if _, wait := tries.Spend(SignInTries, noon.Add(15*time.Minute)); wait != 0 {
		t.Errorf("a quarter of an hour later it still waits %s", wait)
	}
}

func TestTermsAreAcceptedByTheVersionInForceAndOnce(t *testing.T) {
	a, err := Account{Language: "et"}.Accept([]Accepting{{terms.Use, "2017-02-01"}}, noon, "")
	if err != nil || !a.Agreed(noon) || !errors.Is(Account{}.MayBuy(nil, noon), ErrTermsRequired) || a.MayBuy(nil, noon) != nil {
		t.Fatal(a, err)
	}
	again, _ := a.Accept([]Accepting{{terms.Use, "2017-02-01"}}, noon.Add(time.Hour), "")
	if len(again.Accepted) != 1 || !again.Accepted[0].At.Equal(noon) {
		t.Errorf("%+v", again.Accepted)
	}
	if _, err := (Account{Language: "et"}).Accept([]Accepting{{terms.Use, "2010-01-01"}}, noon, ""); !errors.Is(err, ErrTermsOutdated) {
		t.Error(err)
	}
	if (Account{Holds: hold.Set{{}}}).MayBuy(nil, noon) == nil {
		t.Error("an account on hold may buy")
	}
}

func TestAWaitingRegistrationIsUsedOnce(t *testing.T) {
	s, _ := Register(written(), passwords, noon, "")
	used, reset, err := s.Use([]SignUp{s}, noon)
	if err != nil || reset || used.Account.Password == "" {
		t.Fatal(reset, err)
	}
	_, _, again := used.Use(nil, noon)
	_, _, late := s.Use(nil, noon.Add(Lives))
	if !errors.Is(again, ErrToken) || !errors.Is(late, ErrToken) {
		t.Error(again, late)
	}
}

// TestWhoRegistersTheAddressOfAnotherSetsNoPassword: whichever of two links the owner uses, the other's password opens nothing.
func TestWhoRegistersTheAddressOfAnotherSetsNoPassword(t *testing.T) {
	theirs := written()
	theirs.Password = "minu salajane sõna"
	owner, _ := Register(written(), passwords, noon, "")
	twice, _ := Register(written(), passwords, noon, "")
	other, _ := Register(theirs, passwords, noon, "")
	for _, s := range []SignUp{owner, other} {
		used, reset, err := s.Use([]SignUp{owner, other}, noon)
		if err != nil || !reset || used.Account.Password != "" {
			t.Errorf("a password counts: %t %v", reset, err)
		}
	}
	if used, reset, err := twice.Use([]SignUp{owner, twice}, noon); err != nil || reset || used.Account.Password == "" {
		t.Errorf("who registers twice with one password has to reset it: %v", err)
	}
}

func TestANetworkIsAnAddressOrASubscribersRange(t *testing.T) {
	for ip, want := range map[string]string{"192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "": ""} {
		if got := Network(ip); got != want {
			t.Errorf("%q is %q", ip, got)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	p := NewPasswords([]byte("test-pepper-of-thirty-two-bytes!"))
	for b.Loop() {
		p.Hash("kolm väikest põrsast")
	}
}
