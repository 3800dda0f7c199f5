package ledger

import (
	"slices"
	"time"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/letter"
	"opiq/shared/order"
)

// Opens tells whether a work has to open for somebody at an instant. It goes by what people decided: what was paid for and from which
// day, which holds staff placed and lifted, who was put into which group, what publishers agreed to. So it says the same in other
// words as the decision of the reading room, which goes by what follows from all that.
func (l Ledger) Opens(who account.ID, work catalog.WorkID, now time.Time) bool {
	i := slices.IndexFunc(l.Accounts, func(a account.Account) bool { return a.ID == who })
	if i < 0 || !l.Accounts[i].ClosedAt.IsZero() || !l.Accounts[i].Agreed(now) || l.stopped(hold.On(hold.OnAccount, who)) || l.stopped(hold.On(hold.OnWork, work)) || !l.distributed(work, now) {
		return false
	}
	for _, m := range l.Members {
		if m.Account == who && m.LeftAt.IsZero() && l.stopped(hold.On(hold.OnGroup, m.Group)) {
			return false
		}
	}
	for _, x := range l.Licenses {
		paid := slices.ContainsFunc(l.Orders, func(o order.Order) bool {
			return string(o.Number) == x.Order && o.Account == who && o.State == order.Paid
		})
		if paid && !now.Before(x.StartsOn.Start(x.Zone)) && now.Before(x.EndsOn.Start(x.Zone)) && !l.stopped(hold.On(hold.OnLicense, x.ID)) {
			return true
		}
	}
	return false
}

// stopped tells whether a hold on a thing stands.
func (l Ledger) stopped(on hold.Object) bool {
	return slices.ContainsFunc(l.Holds, func(r hold.Record) bool { return r.On == on && r.State == hold.Standing })
}

// distributed tells whether a work's publisher lets it be shown.
func (l Ledger) distributed(work catalog.WorkID, now time.Time) bool {
	for _, w := range (catalog.Shelf{}).All() {
		if w.ID != work {
			continue
		}
		d, today := w.Distribution, civil.DateOf(now, civil.Tallinn)
		for _, c := range l.Works {
			if c.ID == work && c.Distribution != nil {
				d = *c.Distribution
			}
		}
		return !today.Before(d.From) && !d.Until.Before(today)
	}
	return false
}

// holds wants each hold that stands to stand in what it closes, and nothing else to stand there that has a record; each thing that
// happened to one to have its act; and each person to have been told.
func (l Ledger) holds(breach func(string, ...any)) {
	closed := map[hold.Object]hold.Set{}
	for _, a := range l.Accounts {
		closed[hold.On(hold.OnAccount, a.ID)] = a.Holds
	}
	for _, x := range l.Licenses {
		closed[hold.On(hold.OnLicense, x.ID)] = x.Holds
	}
	for _, g := range l.Groups {
		closed[hold.On(hold.OnGroup, g.ID)] = g.Holds
	}
	for _, w := range l.Works {
		closed[hold.On(hold.OnWork, w.ID)] = w.Holds
	}
	stand := map[hold.ID]bool{}
	for _, r := range l.Holds {
		stand[r.ID] = r.State == hold.Standing
		if there := slices.Contains(closed[r.On], r.Hold()); there != stand[r.ID] {
			breach("hold %s on %s is %s, and stands there: %t", r.ID, r.On, r.State, there)
		}
		acts := 0
		for _, a := range l.Acts {
			if a.Object == "hold:"+string(r.ID) || a.Detail["hold"] == string(r.ID) {
				acts++
			}
		}
		if acts != len(r.History) {
			breach("%d acts tell of hold %s: %+v", acts, r.ID, r.History)
		}
		l.told(r, breach)
	}
	for on, holds := range closed {
		for _, h := range holds {
			if h.ID != "" && !stand[h.ID] {
				breach("on %s stands hold %s, and its record does not", on, h.ID)
			}
		}
	}
	for _, a := range l.Accounts {
		for _, b := range a.Breaches {
			if !slices.ContainsFunc(l.Holds, func(r hold.Record) bool { return r.ID == b.Hold && r.Basis == b.Basis && r.Did(hold.WasConfirmed) }) {
				breach("account %s has a breach that nobody confirmed: %+v", a.ID, b)
			}
		}
		for _, g := range a.Groups {
			if !l.member(a.ID, g) {
				breach("account %s is in group %s, and no member", a.ID, g)
			}
		}
	}
	for _, m := range l.Members {
		if !slices.ContainsFunc(l.Accounts, func(a account.Account) bool { return a.ID == m.Account && slices.Contains(a.Groups, m.Group) }) && m.LeftAt.IsZero() {
			breach("account %s is a member of group %s, and not in it", m.Account, m.Group)
		}
	}
}

func (l Ledger) member(who account.ID, g account.GroupID) bool {
	return slices.ContainsFunc(l.Members, func(m account.Member) bool { return m.Account == who && m.Group == g && m.LeftAt.IsZero() })
}

// told wants the person whom a hold is about, and each member of a group that it is on, to have been told of its beginning and its end;
// and nobody where no letter is owed.
func (l Ledger) told(r hold.Record, breach func(string, ...any)) {
	has := func(who string, n hold.Notice) bool {
		id := r.LetterID(who, n)
		return slices.ContainsFunc(l.Letters, func(x letter.Letter) bool { return x.ID == id })
	}
	over := r.State == hold.Lifted
	if r.Account != "" {
		began, ended := has(r.Account, hold.ToldPlaced), has(r.Account, hold.ToldLifted)
		if owed := !r.ForceMajeure; began != (owed && !r.Since.IsZero()) || ended != (owed && !r.Since.IsZero() && over) {
			breach("of hold %s on %s its person was told: %t, of its end: %t", r.ID, r.On, began, ended)
		}
	}
	for _, m := range l.Members {
		if hold.On(hold.OnGroup, m.Group) != r.On {
			continue
		}
		began, ended := has(string(m.Account), hold.ToldPlaced), has(string(m.Account), hold.ToldLifted)
		all := r.Telling == nil && !r.ForceMajeure && m.LeftAt.IsZero() // are told by now
		if ended && !began || began && r.ForceMajeure || all && (r.State == hold.Standing && !began || over && began && !ended) {
			breach("of hold %s on %s account %s was told: %t, of its end: %t", r.ID, r.On, m.Account, began, ended)
		}
	}
}

// licenses wants a license to have the letters of the stages that it has come to, and no others.
func (l Ledger) licenses(breach func(string, ...any)) {
	written := map[letter.ID]letter.Kind{}
	for _, x := range l.Letters {
		switch x.Kind {
		case letter.LicenseActive, letter.LicenseEndsSoon, letter.LicenseEnded:
			written[x.ID] = x.Kind
		}
	}
	for _, x := range l.Licenses {
		for _, want := range x.Letters() {
			if written[want.ID] != want.Kind {
				breach("license %s has come to %s, and there is no letter of it", x.ID, want.Kind)
			}
			delete(written, want.ID)
		}
	}
	for id := range written {
		breach("the letter %s is of no stage that a license has come to", id)
	}
}
