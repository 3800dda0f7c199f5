package account

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"opiq/shared/hold"
	"opiq/shared/problem"
)

// SessionLives is how long a person stays signed in.
const SessionLives = 30 * 24 * time.Hour

// Token is what the browser's cookie holds: whose session, and the secret that proves it. The account stands in it so that
// session, account and licenses are read together.
type Token struct {
	Account ID
	secret  string
}

// ParseToken reads a cookie's value. What is not one, or none at all, is ErrSignedOut: nobody has to be looked for.
func ParseToken(cookie string) (Token, error) {
	id, secret, _ := strings.Cut(cookie, ".")
	if len(id) != 32 || len(secret) != 64 {
		return Token{}, ErrSignedOut
	}
	return Token{ID(id), secret}, nil
}

// String is the value for the cookie. Nobody else may see it.
func (t Token) String() string { return string(t.Account) + "." + t.secret }

// Session names the session in the table: the secret itself is not kept.
func (t Token) Session() SessionID {
	sum := sha256.Sum256([]byte(t.secret))
	return SessionID(hex.EncodeToString(sum[:]))
}

// SessionID names a session.
type SessionID string

// Session is one signed-in browser. Sessions stand in their account, so that who is signed in is one read.
type Session struct {
	ID        SessionID `json:"id"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// MaxSessions are how many browsers can be signed in to an account at once; the next one signs the oldest out.
const MaxSessions = 20

// SignIn is the account with one more session, and the token of it.
func (a Account) SignIn(now time.Time) (Account, Token) {
	t := Token{a.ID, random() + random()}
	a.Sessions = slices.DeleteFunc(slices.Clone(a.Sessions), func(s Session) bool { return !now.Before(s.ExpiresAt) })
	if over := len(a.Sessions) - MaxSessions + 1; over > 0 {
		a.Sessions = a.Sessions[over:]
	}
	a.Sessions = append(a.Sessions, Session{t.Session(), now.UTC(), now.UTC().Add(SessionLives)})
	return a, t
}

// SignOut is the account without the session of a token.
func (a Account) SignOut(t Token) Account {
	a.Sessions = slices.DeleteFunc(slices.Clone(a.Sessions), func(s Session) bool { return s.ID == t.Session() })
	return a
}

// SignedIn tells whether a token signs the account in at an instant.
func (a Account) SignedIn(t Token, now time.Time) bool {
	return t.secret != "" && a.ID == t.Account && slices.ContainsFunc(a.Sessions, func(s Session) bool {
		return s.ID == t.Session() && now.Before(s.ExpiresAt)
	})
}

// ErrToken answers a link that was used, has expired, or was never ours, alike.
var ErrToken = problem.New(problem.Conflict, "link_invalid", "This link was used before or is too old. Ask for a new one.")

// Purpose is what a link in a mail is for.
type Purpose string

// The purposes.
const (
	Verify Purpose = "verify"
	Reset  Purpose = "reset"
)

// Tokens makes and reads the secrets of links in mails. A token says what it is about and until when, and proves by a MAC
// under the pepper that we made it: none is ever stored. That it serves only once follows from its subject, which
// its use changes.
type Tokens struct{ key []byte }

// NewTokens takes the stage's pepper, at least 32 bytes.
func NewTokens(pepper []byte) Tokens { return Tokens{derive(pepper, "token")} }

// Token makes a token.
func (t Tokens) Token(p Purpose, subject string, expires time.Time) string {
	claim := subject + "." + strconv.FormatInt(expires.Unix(), 36)
	return claim + "." + t.mac(p, claim)
}

func (t Tokens) mac(p Purpose, claim string) string {
	m := hmac.New(sha256.New, t.key)
	m.Write([]byte(string(p) + ":" + claim))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// Open is the subject of a token of ours for this purpose that has not expired; anything else is ErrToken.
func (t Tokens) Open(p Purpose, token string, now time.Time) (subject string, err error) {
	i := strings.LastIndexByte(token, '.')
	if i < 0 || !hmac.Equal([]byte(token[i+1:]), []byte(t.mac(p, token[:i]))) {
		return "", ErrToken
	}
	subject, until, _ := strings.Cut(token[:i], ".")
	expires, err := strconv.ParseInt(until, 36, 64)
	if err != nil || now.Unix() >= expires {
		return "", ErrToken
	}
	return subject, nil
}

// ResetSubject is what a reset link is about: this account, until its password is next set, in whatever way.
func (a Account) ResetSubject() string { return string(a.ID) + "-" + strconv.Itoa(a.Resets) }

// SplitReset is the account of a reset link's subject.
func SplitReset(subject string) ID {
	id, _, _ := strings.Cut(subject, "-")
	return ID(id)
}

// Reset sets a new password and ends every session, and with them every other reset link. It also lifts the holds of a
// leaked password: the owner has proved who they are. A subject of an earlier time is ErrToken.
func (a Account) Reset(subject string, h Hash) (Account, error) {
	if subject != a.ResetSubject() {
		return Account{}, ErrToken
	}
	a = a.renew(h)
	for _, id := range a.Holds.Recorded(hold.CredentialLeak) {
		a.Holds = a.Holds.Without(id)
	}
	return a, nil
}

// renew sets a new password.
func (a Account) renew(h Hash) Account {
	a.Password = h
	a.Sessions = nil
	a.Resets++
	return a
}

// NewPassword is what a person types on the page behind a reset link.
type NewPassword struct {
	Token    string `json:"token"`
	Password string `json:"password"`
}

// Check names every wrong field.
func (n *NewPassword) Check() (wrong []problem.Field) {
	wrong = Required("/token", n.Token)
	if f := checkPassword("/password", n.Password, ""); f != nil {
		wrong = append(wrong, *f)
	}
	return wrong
}

// Limit is how often a thing may be tried in a span of time.
type Limit struct {
	Max int
	Per time.Duration
}

// The limits of the doors: wrong passwords per account and network, and per session of who is signed in; letters per address and network, orders and copies of
// invoices per account, and such copies per account and address.
var (
	SignInTries = Limit{10, 15 * time.Minute}
	ProofTries  = Limit{10, SessionLives}
	LetterTries = Limit{5, time.Hour}
	OrderTries  = Limit{2000, time.Hour}   // a school may order much at once; a flood is more
	CardTries   = Limit{60, time.Hour}     // the card provider is asked about one payment, because somebody says that it has changed
	CopyTries   = Limit{20, time.Hour}     // invoices to addresses that the buyer names,
	CopyTriesTo = Limit{5, time.Hour}      // and to one of them
	ReadTries   = Limit{600, time.Hour}    // chapters, searches, files and marks, by one account,
	ReadTriesAt = Limit{30_000, time.Hour} // and from one network: a school is one
)

// Tried names what is counted against a limit: a door, the address that it is tried for, and the network it is tried from.
func Tried(door string, a Address, ip string) string {
	return door + " " + a.Hash() + " " + Network(ip)
}

// Network is what an address on the network counts as: itself, or the /64 that one subscriber has of IPv6.
func Network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil || a.Is4() {
		return ip
	}
	p, err := a.Prefix(64)
	if err != nil {
		return ip
	}
	return p.String()
}

// Tries counts what was tried of a limit. Revision counts its stored changes.
type Tries struct {
	Count    int       `json:"count"`
	Until    time.Time `json:"until"` // the span ends; a later try begins a new one
	Revision int       `json:"revision"`
}

// Wait is how long to wait for the next try, if one has to.
func (t Tries) Wait(l Limit, now time.Time) time.Duration {
	if t.Count < l.Max {
		return 0
	}
	return max(t.Until.Sub(now), 0)
}

// Spend takes one try, or answers how long to wait for the next.
func (t Tries) Spend(l Limit, now time.Time) (Tries, time.Duration) {
	if !now.Before(t.Until) {
		t.Count, t.Until = 0, now.UTC().Add(l.Per)
	}
	if t.Count >= l.Max {
		return t, t.Until.Sub(now)
	}
	t.Count++
	return t, 0
}
