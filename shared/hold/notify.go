package hold

import (
	"context"
	"time"

	"opiq/shared/letter"
)

// Telling is how far the members of a group have been told of a hold.
type Telling struct {
	What  Notice    `json:"what"`
	From  time.Time `json:"from"`            // nobody is told before this
	After string    `json:"after,omitempty"` // the members up to this place of their list have been told
}

// settles is how long a change waits before members are told of it. By then everybody is in the list who joined before it, also by a
// request that was under way; who joins later is told when they join.
const settles = time.Minute

// tell is the record with its members to be told. What they are told of replaces what they were being told of: who was not told yet
// that a hold was placed has not to hear that it was lifted.
func (r Record) tell(what Notice, now time.Time) Record {
	if scope, _ := r.On.Split(); scope == OnGroup && !r.ForceMajeure {
		r.Telling = &Telling{What: what, From: now.UTC().Add(settles)}
	}
	return r
}

// Store is what telling needs of the table.
type Store interface {
	// Members is a page of the accounts in a group, at most PerPage. Next continues after it; empty is the end, and the beginning.
	Members(ctx context.Context, group, after string) (accounts []string, next string, err error)
	Written(context.Context, ...letter.ID) (map[letter.ID]bool, error)
	// Tell stores a record and the letters that bring it so far, whole or not at all; not moved where somebody was quicker.
	Tell(context.Context, Record, []letter.Letter) (moved bool, err error)
}

// PerPage is how many members are told in one transaction.
const PerPage = 50

// Notify tells the members of a group of a hold, page by page, until all are told or time is up, and answers whether any page was
// written. A page is its letters and the place that it comes to, in one transaction: so it may be killed anywhere, run late, and run
// twice at once. Nobody gets a letter twice, and only who was told of a hold is told of its end.
func Notify(ctx context.Context, s Store, r Record, now time.Time) (moved bool, err error) {
	for r.Telling != nil && !now.Before(r.Telling.From) {
		next, letters, err := r.page(ctx, s, now)
		if err != nil {
			return moved, err
		}
		told, err := s.Tell(ctx, next, letters)
		if err != nil || !told {
			return moved, err
		}
		moved, r = true, next
		r.Revision++
	}
	return moved, nil
}

// page is the record one page of members further, and their letters.
func (r Record) page(ctx context.Context, s Store, now time.Time) (_ Record, letters []letter.Letter, err error) {
	_, group := r.On.Split()
	t := *r.Telling
	accounts, after, err := s.Members(ctx, group, t.After)
	if err != nil {
		return r, nil, err
	}
	var ids []letter.ID
	for _, a := range accounts {
		ids = append(ids, r.LetterID(a, ToldPlaced), r.LetterID(a, ToldLifted))
	}
	written := map[letter.ID]bool{}
	if len(ids) > 0 {
		if written, err = s.Written(ctx, ids...); err != nil {
			return r, nil, err
		}
	}
	for _, a := range accounts {
		if written[r.LetterID(a, ToldPlaced)] == (t.What == ToldLifted) && !written[r.LetterID(a, ToldLifted)] {
			letters = append(letters, r.Letter(a, t.What, false, now))
		}
	}
	r.Telling = nil
	if t.After = after; after != "" {
		r.Telling = &t
	}
	return r, letters, nil
}
