package account

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"opiq/shared/lang"
	"opiq/shared/letter"
	"opiq/shared/problem"
	"opiq/shared/typed"
)

// ErrNotAllowed is what somebody gets who is known and has not the right.
var ErrNotAllowed = problem.New(problem.Forbidden, "not_allowed", "This account or key has not the right to do that.")

// ErrOwn is what staff get whom it is about.
var ErrOwn = problem.New(problem.Forbidden, "own_case", "Nobody decides about their own account. Ask somebody else.")

// Right is one thing that staff and machines may be let do.
type Right string

// The rights.
const (
	Statements     Right = "statements"     // hand in bank statements
	Reconciliation Right = "reconciliation" // see what the bank told, and decide what waits for a person
	Refunds        Right = "refunds"        // see what came for orders and from where, and give it back
	Orders         Right = "orders"         // find orders, and see who placed them and all that happened to them
	Service        Right = "service"        // stop the service for people, and let it go on
	Works          Right = "works"          // say which works are offered, and at what price
)

var rights = []Right{Statements, Reconciliation, Refunds, Orders, Service, Works}

// Role is a set of rights that a person has.
type Role string

// The roles.
const (
	Finance Role = "finance" // looks after the money that comes and goes back
	Support Role = "support" // looks after people
	Editor  Role = "editor"  // looks after the works and the price lists
)

// roles is what each role may. A role that is not here may nothing.
var roles = map[Role][]Right{
	Finance: {Statements, Reconciliation, Refunds, Orders},
	Support: {Orders, Service},
	Editor:  {Works},
}

// May tells why this person may not do a thing that is for staff, or nil.
func (a Account) May(r Right) error {
	if err := a.serves(nil); err != nil {
		return err
	}
	if !slices.ContainsFunc(a.Roles, func(role Role) bool { return slices.Contains(roles[role], r) }) {
		return ErrNotAllowed
	}
	return nil
}

// Actor is the person in what is remembered of their acts.
func (a Account) Actor() Actor { return Actor{Account: a.ID, Name: a.FirstName + " " + a.LastName} }

// Enrollment is what the operator says of a person who works here. Names and language have to be given for an address that has
// no account yet. An empty list of roles takes all of them away.
type Enrollment struct {
	Email     string `json:"email"`
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
	Language  string `json:"language"`
	Roles     []Role `json:"roles"`
	Password  string `json:"password"`
}

// Check names every field that breaks a rule.
func (e *Enrollment) Check() (wrong []problem.Field) {
	wrong = CheckAddress("/email", e.Email)
	if e.FirstName != "" {
		wrong = append(wrong, checkName("/firstName", e.FirstName)...)
	}
	if e.LastName != "" {
		wrong = append(wrong, checkName("/lastName", e.LastName)...)
	}
	if e.Language != "" {
		wrong = append(wrong, checkLanguage("/language", e.Language)...)
	}
	if e.Roles == nil {
		wrong = append(wrong, problem.Field{Pointer: "/roles", Code: "required", Detail: "Name the roles; an empty list takes them away."})
	}
	for i, r := range e.Roles {
		if roles[r] == nil {
			known := list(slices.Sorted(maps.Keys(roles)))
			wrong = append(wrong, problem.Field{Pointer: "/roles/" + strconv.Itoa(i), Code: "unknown_role", Detail: "Known roles: " + known + "."})
		}
	}
	if e.Password != "" {
		if f := checkPassword("/password", e.Password, e.Email); f != nil {
			wrong = append(wrong, *f)
		}
	}
	return wrong
}

// Missing names what has to be given where there is no account yet.
func (e *Enrollment) Missing() []problem.Field {
	return slices.Concat(checkName("/firstName", e.FirstName), checkName("/lastName", e.LastName), checkLanguage("/language", e.Language))
}

// Enlisted is what an enrollment comes to.
type Enlisted struct {
	Account Account
	Act     Act
	Letters []letter.Letter
}

// Enroll makes the account of an address what the operator says of it, or makes it: the operator's word proves the address.
// Known is the account as it stands, without an ID where there is none. A new account without a password gets a letter to set
// one; a new password of an old one ends its sessions, and its owner is told. News is false where all is so already.
func Enroll(known Account, e Enrollment, p Passwords, now time.Time) (out Enlisted, news bool) {
	a, fresh := known, known.ID == ""
	if fresh {
		address, _ := ParseAddress(e.Email)
		a = Account{ID: ID(random()), Address: address, CreatedAt: now.UTC()}
	}
	e.describe(&a)
	a.Roles = slices.Compact(slices.Sorted(slices.Values(e.Roles)))
	password := e.Password != "" && !p.Match(known.Password, e.Password)
	if password {
		a = a.renew(p.Hash(e.Password))
	}
	same := a.FirstName == known.FirstName && a.LastName == known.LastName && a.Language == known.Language && slices.Equal(a.Roles, known.Roles)
	if same && !password {
		return Enlisted{Account: known}, false
	}
	out.Account = a
	out.Act = Act{At: now.UTC(), Actor: Operator.String(), What: Enrolled, Object: accountObject(a.ID), Detail: map[string]string{
		"rolesBefore": list(known.Roles), "roles": list(a.Roles), "passwordSet": strconv.FormatBool(password),
	}}
	switch {
	case fresh && !password:
		out.Letters = append(out.Letters, a.ResetLetter(now))
	case !fresh && password:
		out.Letters = append(out.Letters, a.ChangedLetter(now))
	}
	return out, true
}

// describe writes names and language that are given into an account.
func (e Enrollment) describe(a *Account) {
	if name := typed.Line(e.FirstName); name != "" {
		a.FirstName = name
	}
	if name := typed.Line(e.LastName); name != "" {
		a.LastName = name
	}
	if language, ok := lang.Parse(e.Language); ok {
		a.Language = language
	}
}

// list writes names one after the other.
func list[T ~string](names []T) string {
	all := make([]string, len(names))
	for i, n := range names {
		all[i] = string(n)
	}
	return strings.Join(all, ", ")
}
