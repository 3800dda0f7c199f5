// Package account is people: how they register, prove their address, sign in, what they agreed to, and what staff and machines
// may do.
//
// There is no account before its address is proved: a registration waits on its own, and only the link in the mail makes
// an account of it. Nothing here tells a stranger whether an address is known. The package stores nothing and sends
// nothing; it makes no decision about money or licenses.
package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/lang"
	"opiq/shared/problem"
	"opiq/shared/terms"
	"opiq/shared/typed"
)

// What a person can be refused for. The first answers every wrong sign-in alike, whether or not the address is known.
var (
	ErrCredentials    = problem.New(problem.Unauthenticated, "wrong_credentials", "No account has this address and password. A new account works once its address is confirmed.")
	ErrLeaked         = problem.New(problem.Forbidden, "password_leaked", "Others know this password. Set a new one first, by a link in a mail.")
	ErrSignedOut      = problem.New(problem.Unauthenticated, "not_signed_in", "Sign in first.")
	ErrTooManyTries   = problem.New(problem.TooMany, "too_many_tries", "Too many tries. Wait, or set a new password.")
	ErrTooManyLetters = problem.New(problem.TooMany, "too_many_letters", "This address was written to often enough for now.")
	ErrTooManyReads   = problem.New(problem.TooMany, "too_many_reads", "So much was read from here that no person reads. Wait a while.")
	ErrTermsOutdated  = problem.New(problem.Conflict, "terms_outdated", "A newer version of the terms is in force.")
	ErrTermsRequired  = problem.New(problem.Forbidden, "TERMS_REQUIRED", "The terms in force have to be accepted first.")
	ErrHeld           = problem.New(problem.Forbidden, "ACCOUNT_HELD", "The account is on hold until the matter is clarified.")
	ErrClosed         = problem.New(problem.Forbidden, "ACCOUNT_CLOSED", "The service has ended for this account.")
)

// ID names an account. It says nothing about the person.
type ID string

// Address is an e-mail address as it is compared and written to: trimmed, lower case, ASCII (SES sends to no other; a domain
// with other letters has an ASCII form).
type Address string

// Hash names an address in keys, so that lists of keys are not lists of people.
func (a Address) Hash() string {
	sum := sha256.Sum256([]byte(a))
	return hex.EncodeToString(sum[:16])
}

// ParseAddress reads an address that a person typed.
func ParseAddress(s string) (Address, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if len(s) > 254 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", false
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return "", false
	}
	_, domain, _ := strings.Cut(s, "@")
	return Address(s), !strings.ContainsAny(domain, "[]@") && strings.Contains(strings.Trim(domain, "."), ".")
}

// Account is a person who may sign in. Revision counts its stored changes.
type Account struct {
	ID        ID                 `json:"id"`
	Address   Address            `json:"address"`
	FirstName string             `json:"firstName"`
	LastName  string             `json:"lastName"`
	Language  lang.Code          `json:"language"`
	Password  Hash               `json:"password"`
	Sessions  []Session          `json:"sessions"` // the oldest first
	Resets    int                `json:"resets"`   // how often the password was replaced
	Accepted  []terms.Acceptance `json:"accepted"`
	Roles     []Role             `json:"roles,omitempty"` // of staff
	Groups    []GroupID          `json:"groups,omitempty"`
	Marketing []Consent          `json:"marketing,omitempty"` // to offers by e-mail, the oldest first
	Holds     hold.Set           `json:"holds,omitempty"`
	Breaches  []Breach           `json:"breaches,omitempty"` // that were confirmed, the oldest first
	CreatedAt time.Time          `json:"createdAt"`
	ClosedAt  time.Time          `json:"closedAt,omitzero"` // by its owner (see Close),
	EndedAt   time.Time          `json:"endedAt,omitzero"`  // and when their orders ended,
	ErasedAt  time.Time          `json:"erasedAt,omitzero"` // and what says who they were went
	Revision  int                `json:"revision"`
}

// Consent is a person's yes to offers by e-mail. What was withdrawn stays as proof of what once was agreed to.
type Consent struct {
	At          time.Time `json:"at"`
	Text        string    `json:"text"` // version of the wording beside the box that was ticked
	WithdrawnAt time.Time `json:"withdrawnAt,omitzero"`
}

// offersText is the version of that wording on the page that signs people up.
const offersText = "1"

// GroupID names a group of people: "school:10001234" by its registry code, "class:10001234-5A" by its school's and its name.
type GroupID string

// School tells whether the group is a school.
func (g GroupID) School() bool { return strings.HasPrefix(string(g), "school:") }

// Breach is a breach of the terms that was confirmed: a second one may end the service.
type Breach struct {
	Hold  hold.ID    `json:"hold"` // by whose record
	Basis hold.Basis `json:"basis"`
	At    time.Time  `json:"at"`
}

// Stopped is the hold that keeps the person from the service, of their own and of those given that are on groups of theirs: one that
// ends it before one that suspends it, and of several the longest standing. Not ok where none does.
func (a Account) Stopped(groups hold.Set) (h hold.Hold, ok bool) {
	mine := a.Closed(groups)
	if h, ok = mine.First(true); !ok {
		h, ok = mine.First(false)
	}
	return h, ok
}

// Closed are the holds that keep the person from the service, of their own and of those given that are on groups of theirs.
func (a Account) Closed(groups hold.Set) hold.Set {
	mine := slices.Clone(a.Holds)
	for _, h := range groups {
		if slices.ContainsFunc(a.Groups, func(g GroupID) bool { return h.On == hold.On(hold.OnGroup, g) }) {
			mine = append(mine, h)
		}
	}
	return mine
}

// serves tells why the service is stopped for the person, or nil.
func (a Account) serves(groups hold.Set) error {
	switch h, ok := a.Stopped(groups); {
	case ok && h.Final:
		return ErrClosed
	case ok:
		return ErrHeld
	}
	return nil
}

// Agreed tells whether the terms of use in force were accepted.
func (a Account) Agreed(now time.Time) bool {
	version := terms.InForce(terms.Use, civil.DateOf(now, civil.Tallinn))
	return slices.ContainsFunc(a.Accepted, func(x terms.Acceptance) bool {
		return x.Document == terms.Use && x.Version == version
	})
}

// MayBuy tells why this person may not order now, or nil: nobody pays for what would not open. Groups are the holds of groups.
func (a Account) MayBuy(groups hold.Set, now time.Time) error {
	if err := a.serves(groups); err != nil {
		return err
	}
	if !a.Agreed(now) {
		return ErrTermsRequired
	}
	return nil
}

// Accepting is a document and version that a person says yes to.
type Accepting struct {
	Document terms.Document `json:"document"`
	Version  terms.Version  `json:"version"`
}

// Accept adds acceptances of the versions in force, with the wording that the person could read in their language. Another
// version is ErrTermsOutdated; an acceptance is written once.
func (a Account) Accept(in []Accepting, now time.Time, ip string) (Account, error) {
	a.Accepted = slices.Clone(a.Accepted)
	for _, x := range in {
		text := terms.Current(x.Document, civil.DateOf(now, civil.Tallinn), a.Language)
		if text.Version != x.Version {
			return Account{}, ErrTermsOutdated
		}
		if !slices.ContainsFunc(a.Accepted, func(y terms.Acceptance) bool { return y.Document == x.Document && y.Version == x.Version }) {
			a.Accepted = append(a.Accepted, terms.Acceptance{
				Document: x.Document, Version: x.Version, Language: text.Language, SHA256: text.SHA256(), At: now.UTC(), IP: ip,
			})
		}
	}
	return a, nil
}

// CheckAccept names documents that there are not, and a list without any.
func CheckAccept(pointer string, in []Accepting) (wrong []problem.Field) {
	for i, x := range in {
		if !terms.Known(x.Document) {
			at := pointer + "/" + strconv.Itoa(i) + "/document"
			wrong = append(wrong, problem.Field{Pointer: at, Code: "unknown_document", Detail: "The documents are use, order and privacy."})
		}
	}
	if len(in) == 0 {
		wrong = append(wrong, problem.Field{Pointer: pointer, Code: "required", Detail: "Name what is accepted: document and version."})
	}
	return wrong
}

// Registration is what a person types to get an account.
type Registration struct {
	Email     string      `json:"email"`
	Password  string      `json:"password"`
	FirstName string      `json:"firstName"`
	LastName  string      `json:"lastName"`
	Language  string      `json:"language"`
	Accept    []Accepting `json:"accept"`
	Marketing bool        `json:"marketing"`
}

// Check names every field that breaks a rule. Nothing else about a person is asked.
func (r *Registration) Check() (wrong []problem.Field) {
	wrong = CheckAddress("/email", r.Email)
	if f := checkPassword("/password", r.Password, r.Email); f != nil {
		wrong = append(wrong, *f)
	}
	wrong = append(wrong, checkName("/firstName", r.FirstName)...)
	wrong = append(wrong, checkName("/lastName", r.LastName)...)
	wrong = append(wrong, checkLanguage("/language", r.Language)...)
	wrong = append(wrong, CheckAccept("/accept", r.Accept)...)
	if len(r.Accept) > 0 && !slices.ContainsFunc(r.Accept, func(x Accepting) bool { return x.Document == terms.Use }) {
		wrong = append(wrong, problem.Field{Pointer: "/accept", Code: "required", Detail: "The terms of use have to be accepted."})
	}
	slices.SortFunc(wrong, func(a, b problem.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
	return wrong
}

func checkName(pointer, name string) []problem.Field {
	if typed.Fits(typed.Line(name), 1, 100) {
		return nil
	}
	return []problem.Field{{Pointer: pointer, Code: "length", Detail: "A name has 1 to 100 characters."}}
}

func checkLanguage(pointer, language string) []problem.Field {
	if _, ok := lang.Parse(language); ok {
		return nil
	}
	return []problem.Field{{Pointer: pointer, Code: "unknown_language", Detail: "The languages are et, en, ru and kk."}}
}

// SignUpID names a registration that waits for its address to be proved: the address's hash, and a number of its own.
type SignUpID string

// Split is the address's hash and the registration's own number.
func (id SignUpID) Split() (address, own string) {
	address, own, _ = strings.Cut(string(id), "-")
	return address, own
}

// SignUp is a registration that waits. It becomes the account inside it when the link is used, once, before it expires.
type SignUp struct {
	ID        SignUpID  `json:"id"`
	Account   Account   `json:"account"`
	Mark      string    `json:"mark"` // of the password: equal for equal passwords
	ExpiresAt time.Time `json:"expiresAt"`
	UsedAt    time.Time `json:"usedAt,omitzero"`
	Revision  int       `json:"revision"`
}

// Lives is how long a registration waits; a link in a mail lives LinkLives and may be asked for again.
const (
	Lives     = 24 * time.Hour
	LinkLives = time.Hour
)

// Register makes a registration of what was typed. It fails with ErrTermsOutdated.
func Register(in Registration, p Passwords, now time.Time, ip string) (SignUp, error) {
	address, _ := ParseAddress(in.Email)
	language, _ := lang.Parse(in.Language)
	a := Account{
		ID: ID(random()), Address: address, FirstName: typed.Line(in.FirstName), LastName: typed.Line(in.LastName),
		Language: language, Password: p.Hash(in.Password), CreatedAt: now.UTC(),
	}
	if in.Marketing {
		a = a.Consents(now)
	}
	a, err := a.Accept(in.Accept, now, ip)
	if err != nil {
		return SignUp{}, err
	}
	return SignUp{ID: SignUpID(address.Hash() + "-" + random()), Account: a, Mark: p.mark(in.Password), ExpiresAt: now.UTC().Add(Lives)}, nil
}

// Waits tells whether the registration can still be used.
func (s SignUp) Waits(now time.Time) bool { return s.UsedAt.IsZero() && now.Before(s.ExpiresAt) }

// Use makes the registration an account, beside others that wait for the same address. It fails with ErrToken where it was
// used before or has expired. Where another waits with another password, somebody may have registered an address that is
// not theirs, and whose link was used is chance: no password counts then, and its owner sets one by a letter (reset).
func (s SignUp) Use(waiting []SignUp, now time.Time) (used SignUp, reset bool, err error) {
	if !s.Waits(now) {
		return SignUp{}, false, ErrToken
	}
	s.UsedAt = now.UTC()
	reset = slices.ContainsFunc(waiting, func(o SignUp) bool { return o.Mark != s.Mark })
	if reset {
		s.Account.Password = ""
	}
	return s, reset, nil
}

// random is 128 bits that nobody can guess.
func random() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Document is an account as its owner sees it.
type Document struct {
	ID            ID        `json:"id"`
	Email         Address   `json:"email"`
	FirstName     string    `json:"firstName"`
	LastName      string    `json:"lastName"`
	Language      lang.Code `json:"language"`
	Roles         []Role    `json:"roles"` // of staff; a customer has none
	Marketing     bool      `json:"marketing"`
	TermsRequired bool      `json:"termsRequired"` // the terms of use in force still have to be accepted
	Holds         []Held    `json:"holds"`         // why the service is stopped for the account
}

// Document is the account as its owner sees it at an instant.
func (a Account) Document(now time.Time) Document {
	return Document{a.ID, a.Address, a.FirstName, a.LastName, a.Language, append([]Role{}, a.Roles...), a.WantsOffers(), !a.Agreed(now), held(a.Holds)}
}

// Required names a field that is empty.
func Required(pointer, value string) []problem.Field {
	if value != "" {
		return nil
	}
	return []problem.Field{{Pointer: pointer, Code: "required", Detail: "This field is required."}}
}

// CheckAddress names an address that is none.
func CheckAddress(pointer, email string) []problem.Field {
	if _, ok := ParseAddress(email); ok {
		return nil
	}
	return []problem.Field{{Pointer: pointer, Code: "not_an_address", Detail: "This is not an e-mail address."}}
}
