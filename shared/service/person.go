package service

import (
	"time"

	"opiq/shared/account"
	"opiq/shared/hold"
	"opiq/shared/license"
)

// Person is somebody as people see them who decide about holds.
type Person struct {
	Account   account.ID        `json:"account"`
	Email     account.Address   `json:"email"`
	FirstName string            `json:"firstName"`
	LastName  string            `json:"lastName"`
	Groups    []account.GroupID `json:"groups"`
	Licenses  []Licensed        `json:"licenses"`
	Holds     hold.Set          `json:"holds"` // that stand: of the account, of its licenses and of its groups
	Breaches  []account.Breach  `json:"breaches"`
}

// Licensed is a license as far as holds have to do with it.
type Licensed struct {
	ID       license.ID    `json:"id"`
	State    license.State `json:"state"`
	StartsAt time.Time     `json:"startsAt"`
	EndsAt   time.Time     `json:"endsAt"`
}

// PersonOf is what people see of somebody at an instant.
func PersonOf(r license.Reader, now time.Time) Person {
	a := r.Who
	p := Person{
		Account: a.ID, Email: a.Address, FirstName: a.FirstName, LastName: a.LastName, Groups: append([]account.GroupID{}, a.Groups...),
		Licenses: []Licensed{}, Holds: append(hold.Set{}, a.Closed(r.Shelf.Groups)...), Breaches: append([]account.Breach{}, a.Breaches...),
	}
	for _, l := range r.Owned {
		p.Licenses = append(p.Licenses, Licensed{l.ID, l.At(now), l.StartsAt, l.EndsAt})
		p.Holds = append(p.Holds, l.Holds...)
	}
	return p
}
