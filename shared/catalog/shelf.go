package catalog

import (
	"maps"

	"opiq/shared/civil"
	"opiq/shared/hold"
)

// Shelf is the library as staff have left it: what they changed of the works, the groups that are on hold, and the price lists that
// they set. Empty, it is the library as it comes with the program.
type Shelf struct {
	Changes map[WorkID]Change
	Groups  hold.Set // the holds of groups: whoever is in one is kept from reading
	Lists   []List   // rising by their day
}

// Change is what staff changed of a work. Revision counts its stored changes.
type Change struct {
	ID           WorkID        `json:"id"`
	Distribution *Distribution `json:"distribution,omitempty"` // as the publisher has it now, under
	Agreement    string        `json:"agreement,omitempty"`    // this agreement
	Holds        hold.Set      `json:"holds,omitempty"`
	Revision     int           `json:"revision"`
}

// Group is a group of people that is or was on hold. Revision counts its stored changes.
type Group struct {
	ID       string   `json:"id"` // "school:10001234"
	Holds    hold.Set `json:"holds,omitempty"`
	Revision int      `json:"revision"`
}

// work is a work as staff have left it.
func (s Shelf) work(w Work) Work {
	c := s.Changes[w.ID]
	if c.Distribution != nil {
		w.Distribution, w.Agreement = *c.Distribution, c.Agreement
	}
	w.Suspended = w.Suspended || len(c.Holds) > 0
	return w
}

// Find is the work of an id. One that is no longer offered is found too, its Status says so; one that is not published
// yet is ErrUnknown.
func (s Shelf) Find(id WorkID, today civil.Date) (Work, error) {
	w, err := s.known(id)
	if err != nil || !w.published(today) {
		return Work{}, ErrUnknown
	}
	return w, nil
}

// known is the work of an id, published or not.
func (s Shelf) known(id WorkID) (Work, error) {
	for _, w := range works() {
		if w.ID == id {
			return s.work(w), nil
		}
	}
	return Work{}, ErrUnknown
}

// Change is what staff have changed of a work so far.
func (s Shelf) Change(id WorkID) Change {
	c := s.Changes[id]
	c.ID = id
	return c
}

// With is the shelf after a work was changed.
func (s Shelf) With(c Change) Shelf {
	s.Changes = maps.Clone(s.Changes)
	if s.Changes == nil {
		s.Changes = map[WorkID]Change{}
	}
	s.Changes[c.ID] = c
	return s
}

// All are all works, of every status and also those that are not published yet, in the catalog's order.
func (s Shelf) All() []Work {
	all := make([]Work, len(works()))
	for i, w := range works() {
		all[i] = s.work(w)
	}
	return all
}

// PlansOn is the price list of a day. Before the first list nothing was sold, and the list is empty. Where staff set a list for the
// first day of one that comes with the program, theirs holds.
func (s Shelf) PlansOn(d civil.Date) (in List) {
	for _, all := range [][]List{lists, s.Lists} {
		for _, l := range all {
			if !d.Before(l.ValidFrom) && !l.ValidFrom.Before(in.ValidFrom) {
				in = l
			}
		}
	}
	return in
}
