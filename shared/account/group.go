package account

import (
	"slices"
	"time"

	"opiq/shared/hold"
	"opiq/shared/problem"
)

// What staff can be refused for who look for people and their groups.
var (
	ErrNoAccount     = problem.New(problem.NotFound, "account_not_found", "There is no such account.")
	ErrNoGroup       = problem.New(problem.NotFound, "group_not_found", "A group is school:<registry code> or class:<registry code>-<name>.")
	ErrTooManyGroups = problem.New(problem.Conflict, "too_many_groups", "An account is in twenty groups at most.")
)

const maxGroups = 20

// What staff do with people and their groups.
const (
	GroupJoined   Deed = "group_joined"
	GroupLeft     Deed = "group_left"
	PersonSeen    Deed = "account_seen"
	AddressSought Deed = "address_sought"
)

// ParseGroup reads the name of a group.
func ParseGroup(s string) (GroupID, bool) {
	on := hold.On(hold.OnGroup, s).Normal()
	_, id := on.Split()
	return GroupID(id), on.WellFormed()
}

// ParseID reads the name of an account.
func ParseID(s string) (ID, bool) {
	return ID(s), hold.On(hold.OnAccount, s).WellFormed()
}

// Member is a person in a group, or one who was. Revision counts its stored changes.
type Member struct {
	Account  ID        `json:"account"`
	Group    GroupID   `json:"group"`
	Since    time.Time `json:"since"`
	LeftAt   time.Time `json:"leftAt,omitzero"`
	Revision int       `json:"revision"`
}

// Membership is what becomes of a person who joins a group or leaves it.
type Membership struct {
	Account Account
	Member  Member
	Act     Act
}

// Join makes the person a member. Known is their membership as it stands, the zero Member where they never were one; news is false where
// they are one already.
func (a Account) Join(g GroupID, known Member, by Actor, now time.Time) (m Membership, news bool, err error) {
	switch {
	case slices.Contains(a.Groups, g):
		return Membership{Account: a, Member: known}, false, nil
	case len(a.Groups) >= maxGroups:
		return Membership{}, false, ErrTooManyGroups
	}
	a.Groups = append(slices.Clone(a.Groups), g)
	member := Member{Account: a.ID, Group: g, Since: now.UTC(), Revision: known.Revision}
	return Membership{a, member, a.membership(GroupJoined, g, by, now)}, true, nil
}

// Leave is the contrary.
func (a Account) Leave(g GroupID, known Member, by Actor, now time.Time) (m Membership, news bool) {
	if !slices.Contains(a.Groups, g) {
		return Membership{Account: a, Member: known}, false
	}
	a.Groups = slices.DeleteFunc(slices.Clone(a.Groups), func(o GroupID) bool { return o == g })
	known.LeftAt = now.UTC()
	return Membership{a, known, a.membership(GroupLeft, g, by, now)}, true
}

func (a Account) membership(what Deed, g GroupID, by Actor, now time.Time) Act {
	return Act{At: now.UTC(), Actor: by.String(), What: what, Object: accountObject(a.ID), Detail: map[string]string{"group": string(g)}}
}

// Seen is the line of the audit trail about somebody who looked a person up.
func (a Account) Seen(by Actor, now time.Time) Act {
	return Act{At: now.UTC(), Actor: by.String(), What: PersonSeen, Object: accountObject(a.ID)}
}

// Sought is the line about somebody who looked for whoever has an address: where nobody was found, it is about the address, by its hash.
func (a Address) Sought(found Account, by Actor, now time.Time) Act {
	if found.ID != "" {
		return found.Seen(by, now)
	}
	return Act{At: now.UTC(), Actor: by.String(), What: AddressSought, Object: "address:" + a.Hash()}
}

// Schooled tells whether the person is of a school.
func (a Account) Schooled() bool { return slices.ContainsFunc(a.Groups, GroupID.School) }

// Leaked tells whether others know the password: it signs nobody in until its owner has set another.
func (a Account) Leaked() bool { return len(a.Holds.Recorded(hold.CredentialLeak)) > 0 }

// Hold is the account closed for a reason, until that is lifted. Who came in by a password that leaked is signed out.
func (a Account) Hold(h hold.Hold) Account {
	a.Holds = a.Holds.With(h)
	if h.Basis == hold.CredentialLeak {
		a.Sessions = nil
	}
	return a
}

// Held is a hold as the owner of the account sees it.
type Held struct {
	Basis hold.Basis `json:"basis"`
	Since time.Time  `json:"since"`
	Final bool       `json:"final"` // the service has ended
}

func held(s hold.Set) []Held {
	all := []Held{}
	for _, h := range s {
		all = append(all, Held{h.Basis, h.Since, h.Final})
	}
	return all
}
