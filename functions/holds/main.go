// Holds stops the service for people, licenses, groups and works, as people decide who look after them, and lets it go on. It shows
// them whom they decide about, and keeps who is in which group.
//
//	POST   /v1/holds
//	GET    /v1/holds
//	GET    /v1/holds/{id}
//	POST   /v1/holds/{id}/approval
//	POST   /v1/holds/{id}/confirmation
//	POST   /v1/holds/{id}/review
//	POST   /v1/holds/{id}/lift
//	GET    /v1/accounts
//	PUT    /v1/groups/{group}/members/{account}
//	DELETE /v1/groups/{group}/members/{account}
package main

import (
	"context"
	"errors"
	"time"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/cloud"
	"opiq/shared/hold"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/page"
	"opiq/shared/problem"
	"opiq/shared/service"
	"opiq/shared/table"
	"opiq/shared/web"
)

type store interface {
	Actor(ctx context.Context, authorization, cookie string, r account.Right, now time.Time) (account.Actor, error)
	Hold(context.Context, hold.ID) (hold.Record, error)
	HoldsOf(context.Context, ...hold.ID) ([]hold.Record, error)
	Holds(ctx context.Context, s hold.State, after string, most int) ([]hold.Record, string, error)
	Closing(context.Context, hold.Object) (service.Thing, error)
	Decide(context.Context, service.Decision) error
	Person(context.Context, account.Address) (license.Reader, error)
	Member(context.Context, account.ID, account.GroupID) (account.Account, account.Member, catalog.Group, error)
	Written(context.Context, ...letter.ID) (map[letter.ID]bool, error)
	Enlist(context.Context, account.Membership, catalog.Group, []letter.Letter) error
	Record(context.Context, account.Act) error
}

type desk struct {
	store  store
	cookie web.Cookie
	now    func() time.Time
}

func main() {
	web.Start(desk{table.Open(cloud.Config(), cloud.Env("TABLE")), web.CookieAt(cloud.Env("PUBLIC_URL")), time.Now}.routes())
}

func (d desk) routes() web.Routes {
	return web.Routes{
		"POST /v1/holds": d.place, "GET /v1/holds": d.list, "GET /v1/holds/{id}": d.one,
		"POST /v1/holds/{id}/approval": d.approve, "POST /v1/holds/{id}/confirmation": d.confirm, "POST /v1/holds/{id}/review": d.review,
		"POST /v1/holds/{id}/lift": d.lift,
		"GET /v1/accounts":         d.person, "PUT /v1/groups/{group}/members/{account}": d.join, "DELETE /v1/groups/{group}/members/{account}": d.leave,
	}
}

// actor is who asks, if they may do what has to do with an object: works are for those who look after works.
func (d desk) actor(ctx context.Context, r web.Request, on hold.Object) (account.Actor, error) {
	right := account.Service
	if scope, _ := on.Split(); scope == hold.OnWork {
		right = account.Works
	}
	return d.store.Actor(ctx, r.Header("Authorization"), d.cookie.Of(r), right, d.now())
}

func (d desk) today() civil.Date { return civil.DateOf(d.now(), civil.Tallinn) }

func (d desk) place(ctx context.Context, r web.Request) (web.Response, error) {
	in := hold.Wish{Today: d.today()}
	unread := r.Decode(&in)
	who, err := d.actor(ctx, r, in.On) // before anything is said about the body
	if err != nil {
		return web.Response{}, err
	}
	key := r.Header("Idempotency-Key")
	if unread != nil { // tried again on a later day it is read as on the first
		first, err := d.store.Hold(ctx, hold.IDOf(who.String(), key))
		if err == nil {
			in = hold.Wish{Today: first.AskedOn()}
			unread = r.Decode(&in)
		} else if !errors.Is(err, hold.ErrNotFound) {
			unread = err
		}
	}
	if unread != nil {
		return web.Response{}, unread
	}
	if err := hold.CheckKey(key); err != nil {
		return web.Response{}, err
	}
	var placed hold.Record
	err = table.Again(ctx, func() (err error) {
		placed, err = d.store.Hold(ctx, hold.IDOf(who.String(), key))
		if !errors.Is(err, hold.ErrNotFound) {
			return err
		}
		thing, err := d.store.Closing(ctx, in.On)
		if err != nil {
			return err
		}
		decided, err := service.Place(in, key, thing, who, d.now())
		if err != nil {
			return err
		}
		placed = decided.Records[0]
		return d.store.Decide(ctx, decided)
	})
	if err == nil {
		placed, err = placed.Repeat(in)
	}
	if err != nil {
		return web.Response{}, err
	}
	return web.Created("/v1/holds/"+string(placed.ID), placed.Document()), nil
}

// holds is a part of a list of them.
type holds struct {
	Holds []hold.Document `json:"holds"`
	Next  *string         `json:"next"`
}

func (d desk) list(ctx context.Context, r web.Request) (web.Response, error) {
	if _, err := d.actor(ctx, r, ""); err != nil {
		return web.Response{}, err
	}
	asked := r.Query()
	state, after, limit, err := page.Read(page.Query{State: asked.Get("state"), After: asked.Get("after"), Limit: asked.Get("limit")}, hold.Standing, hold.States)
	if err != nil {
		return web.Response{}, err
	}
	records, next, err := d.store.Holds(ctx, state, after, limit)
	if err != nil {
		return web.Response{}, err
	}
	out := holds{[]hold.Document{}, page.Next(next)}
	for _, r := range records {
		out.Holds = append(out.Holds, r.Document())
	}
	return web.OK(out), nil
}

// record is the hold that a path names, and who asks, if they may.
func (d desk) record(ctx context.Context, r web.Request) (hold.Record, account.Actor, error) {
	var record hold.Record
	id, ok := hold.ParseID(r.Path("id"))
	unread := error(hold.ErrNotFound)
	if ok {
		record, unread = d.store.Hold(ctx, id)
	}
	who, err := d.actor(ctx, r, record.On) // a stranger does not hear what there is
	if err == nil {
		err = unread
	}
	return record, who, err
}

func (d desk) one(ctx context.Context, r web.Request) (web.Response, error) {
	record, _, err := d.record(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(record.Document()), nil
}

// decide takes a decision about the hold that a path names, as it stands.
func (d desk) decide(ctx context.Context, r web.Request, in any, take func(hold.Record, account.Actor) (service.Decision, error)) (web.Response, error) {
	var out hold.Record
	err := table.Again(ctx, func() error {
		record, who, err := d.record(ctx, r)
		if err != nil {
			return err
		}
		if in != nil {
			if err := r.Decode(in); err != nil {
				return err
			}
		}
		decided, err := take(record, who)
		if err != nil {
			return err
		}
		out = decided.Records[0]
		if len(decided.Acts) == 0 {
			return nil
		}
		return d.store.Decide(ctx, decided)
	})
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(out.Document()), nil
}

func (d desk) approve(ctx context.Context, r web.Request) (web.Response, error) {
	return d.decide(ctx, r, nil, func(record hold.Record, who account.Actor) (service.Decision, error) {
		thing, err := d.store.Closing(ctx, record.On)
		if err != nil {
			return service.Decision{}, err
		}
		return service.Approve(record, thing, who, d.now())
	})
}

func (d desk) confirm(ctx context.Context, r web.Request) (web.Response, error) {
	var in hold.Reason
	return d.decide(ctx, r, &in, func(record hold.Record, who account.Actor) (service.Decision, error) {
		if record.Account == "" {
			return service.Decision{}, hold.ErrNoPerson
		}
		thing, err := d.store.Closing(ctx, hold.On(hold.OnAccount, record.Account))
		if err != nil {
			return service.Decision{}, err
		}
		return service.Confirm(record, *thing.Account, in.Reason, who, d.now())
	})
}

func (d desk) review(ctx context.Context, r web.Request) (web.Response, error) {
	in := hold.Review{Today: d.today()}
	return d.decide(ctx, r, &in, func(record hold.Record, who account.Actor) (service.Decision, error) {
		return service.Review(record, in, who, d.now())
	})
}

func (d desk) lift(ctx context.Context, r web.Request) (web.Response, error) {
	var in hold.Lifting
	return d.decide(ctx, r, &in, func(record hold.Record, who account.Actor) (service.Decision, error) {
		thing, err := d.store.Closing(ctx, record.On)
		if err != nil {
			return service.Decision{}, err
		}
		if in.Overturned {
			return service.Overturn(record, thing, in.Reason, who, d.now())
		}
		return service.Lift(record, thing, in.Reason, who, d.now())
	})
}

func (d desk) person(ctx context.Context, r web.Request) (web.Response, error) {
	who, err := d.actor(ctx, r, "")
	if err != nil {
		return web.Response{}, err
	}
	address, ok := account.ParseAddress(r.Query().Get("email"))
	if !ok {
		return web.Response{}, problem.Wrong(account.CheckAddress("/email", r.Query().Get("email")))
	}
	person, err := d.store.Person(ctx, address)
	if err != nil {
		return web.Response{}, err
	}
	if err := d.store.Record(ctx, address.Sought(person.Who, who, d.now())); err != nil { // nothing is shown that is not remembered, not even that there is nobody
		return web.Response{}, err
	}
	if person.Who.ID == "" {
		return web.Response{}, account.ErrNoAccount
	}
	return web.OK(service.PersonOf(person, d.now())), nil
}

// membership is the person and the group that a path names, and who asks, if they may.
func (d desk) membership(ctx context.Context, r web.Request) (id account.ID, g account.GroupID, who account.Actor, err error) {
	if who, err = d.actor(ctx, r, ""); err != nil {
		return "", "", who, err
	}
	g, ok := account.ParseGroup(r.Path("group"))
	if !ok {
		return "", "", who, account.ErrNoGroup
	}
	if id, ok = account.ParseID(r.Path("account")); !ok {
		return "", "", who, account.ErrNoAccount
	}
	return id, g, who, who.Decides(id)
}

func (d desk) join(ctx context.Context, r web.Request) (web.Response, error) {
	id, g, who, err := d.membership(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	err = table.Again(ctx, func() error {
		person, known, group, err := d.store.Member(ctx, id, g)
		if err != nil {
			return err
		}
		m, news, err := person.Join(g, known, who, d.now())
		if err != nil || !news {
			return err
		}
		letters, err := d.letters(ctx, id, group, service.Arrivals)
		if err != nil {
			return err
		}
		return d.store.Enlist(ctx, m, group, letters)
	})
	return web.NoContent(), err
}

// telling makes the letters to somebody who joins a group or leaves it, of the holds that stand and of what they were told.
type telling func(account.ID, []hold.Record, map[letter.ID]bool, time.Time) []letter.Letter

// letters are those, where the group is on hold.
func (d desk) letters(ctx context.Context, id account.ID, group catalog.Group, tell telling) ([]letter.Letter, error) {
	var standing []hold.ID
	for _, h := range group.Holds {
		standing = append(standing, h.ID)
	}
	if len(standing) == 0 {
		return nil, nil
	}
	records, err := d.store.HoldsOf(ctx, standing...)
	if err != nil {
		return nil, err
	}
	var told []letter.ID
	for _, r := range records {
		told = append(told, r.LetterID(string(id), hold.ToldPlaced), r.LetterID(string(id), hold.ToldLifted))
	}
	written, err := d.store.Written(ctx, told...)
	return tell(id, records, written, d.now()), err
}

func (d desk) leave(ctx context.Context, r web.Request) (web.Response, error) {
	id, g, who, err := d.membership(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	err = table.Again(ctx, func() error {
		person, known, group, err := d.store.Member(ctx, id, g)
		if err != nil {
			return err
		}
		m, news := person.Leave(g, known, who, d.now())
		if !news {
			return nil
		}
		letters, err := d.letters(ctx, id, group, service.Departures)
		if err != nil {
			return err
		}
		return d.store.Enlist(ctx, m, group, letters)
	})
	return web.NoContent(), err
}
