// Marks are what somebody leaves in the works that they read: bookmarks, and notes for themselves.
//
//	GET    /v1/library/works/{id}/marks
//	PUT    /v1/library/works/{id}/chapters/{n}/bookmark
//	DELETE /v1/library/works/{id}/chapters/{n}/bookmark
//	PUT    /v1/library/works/{id}/notes/{note}
//	DELETE /v1/library/works/{id}/notes/{note}
//
// Who may open a work may mark it. What they marked is theirs: they see it and take it away whether or not a license still opens the
// work, and are told then what the activity log keeps of it.
package main

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"opiq/shared/account"
	"opiq/shared/activity"
	"opiq/shared/catalog"
	"opiq/shared/cloud"
	"opiq/shared/license"
	"opiq/shared/metric"
	"opiq/shared/queue"
	"opiq/shared/reading"
	"opiq/shared/table"
	"opiq/shared/web"
)

type store interface {
	SignedIn(context.Context, account.Token, time.Time) (account.Account, error)
	Reader(ctx context.Context, token account.Token, ip string, now time.Time) (license.Reader, error)
	PlaceIn(context.Context, account.ID, catalog.WorkID) (reading.Place, error)
	KeepPlace(context.Context, account.ID, reading.Place) error
	Notes(context.Context, account.ID, catalog.WorkID) ([]reading.Note, error)
	KeepNote(context.Context, account.ID, reading.Note) error
}

type sender interface {
	Send(ctx context.Context, message any) error
}

type marks struct {
	store    store
	activity sender
	cookie   web.Cookie
	now      func() time.Time
}

func main() {
	cfg := cloud.Config()
	web.Start(marks{
		table.Open(cfg, cloud.Env("TABLE")), queue.Open(cfg, cloud.Env("ACTIVITY_QUEUE")), web.CookieAt(cloud.Env("PUBLIC_URL")), time.Now,
	}.routes())
}

func (m marks) routes() web.Routes {
	return web.Routes{
		"GET /v1/library/works/{id}/marks":                    m.list,
		"PUT /v1/library/works/{id}/chapters/{n}/bookmark":    m.set,
		"DELETE /v1/library/works/{id}/chapters/{n}/bookmark": m.unset,
		"PUT /v1/library/works/{id}/notes/{note}":             m.write,
		"DELETE /v1/library/works/{id}/notes/{note}":          m.remove,
	}
}

// list is all that somebody left in a work, by chapters.
type list struct {
	Place     *place             `json:"place"` // where they were
	Bookmarks []reading.Bookmark `json:"bookmarks"`
	Notes     []note             `json:"notes"`
}

type place struct {
	Chapter int       `json:"chapter"`
	At      time.Time `json:"at"`
}

type note struct {
	ID        reading.NoteID `json:"id"`
	Chapter   int            `json:"chapter"`
	Paragraph int            `json:"paragraph,omitempty"`
	Text      string         `json:"text"`
	CreatedAt time.Time      `json:"createdAt"`
	ChangedAt time.Time      `json:"changedAt"`
}

func shown(n reading.Note) note {
	return note{n.ID, n.Chapter, n.Paragraph, n.Text, n.CreatedAt, n.ChangedAt}
}

// removed is what is left of a mark that was taken away: that it was there, and not what it said.
type removed struct {
	LoggedUntil time.Time `json:"loggedUntil"` // the activity log forgets it then
}

func (m marks) list(ctx context.Context, r web.Request) (web.Response, error) {
	token, work, err := m.asked(r)
	if err != nil {
		return web.Response{}, err
	}
	var was reading.Place
	var notes []reading.Note
	all, inner := errgroup.WithContext(ctx)
	all.Go(func() error { _, err := m.store.SignedIn(inner, token, m.now()); return err })
	all.Go(func() (err error) { was, err = m.store.PlaceIn(inner, token.Account, work); return err })
	all.Go(func() (err error) { notes, err = m.store.Notes(inner, token.Account, work); return err })
	if err := all.Wait(); err != nil {
		return web.Response{}, err
	}
	out := list{Bookmarks: append([]reading.Bookmark{}, was.Bookmarks...), Notes: []note{}}
	if was.Chapter > 0 {
		out.Place = &place{was.Chapter, was.At}
	}
	for _, n := range notes {
		if n.Stands() {
			out.Notes = append(out.Notes, shown(n))
		}
	}
	slices.SortStableFunc(out.Notes, func(a, b note) int {
		return cmp.Or(cmp.Compare(a.Chapter, b.Chapter), a.CreatedAt.Compare(b.CreatedAt))
	})
	return web.OK(out), nil
}

func (m marks) set(ctx context.Context, r web.Request) (web.Response, error) {
	who, work, err := m.reader(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	chapter, err := chapter(r)
	if err == nil {
		_, err = reading.Read(work, chapter)
	}
	if err != nil {
		return web.Response{}, err
	}
	p, err := m.place(ctx, who, work.ID, func(p reading.Place) (reading.Place, bool, error) {
		p, changed := p.Mark(chapter, m.now())
		return p, changed, nil
	})
	if err != nil {
		return web.Response{}, err
	}
	m.tell(ctx, r, who, activity.BookmarkSet, work.ID, chapter)
	set, err := p.Bookmark(chapter)
	return web.OK(set), err
}

func (m marks) unset(ctx context.Context, r web.Request) (web.Response, error) {
	who, work, err := m.owner(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	chapter, err := chapter(r)
	if err != nil {
		return web.Response{}, err
	}
	_, err = m.place(ctx, who, work, func(p reading.Place) (reading.Place, bool, error) { return p.Unmark(chapter) })
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(removed{m.tell(ctx, r, who, activity.BookmarkRemoved, work, chapter)}), nil
}

func (m marks) write(ctx context.Context, r web.Request) (web.Response, error) {
	who, work, err := m.reader(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	id, err := reading.ParseNoteID(r.Path("note"))
	if err != nil {
		return web.Response{}, err
	}
	var words reading.Words
	if err := r.Decode(&words); err != nil {
		return web.Response{}, err
	}
	in, err := reading.Read(work, words.Chapter)
	if err == nil {
		err = words.In(in)
	}
	if err != nil {
		return web.Response{}, err
	}
	n, err := m.note(ctx, who, work.ID, id, func(n reading.Note, all []reading.Note) (reading.Note, bool, error) {
		return n.Write(words, all, m.now())
	})
	if err != nil {
		return web.Response{}, err
	}
	m.tell(ctx, r, who, activity.NoteWritten, work.ID, n.Chapter)
	return web.OK(shown(n)), nil
}

func (m marks) remove(ctx context.Context, r web.Request) (web.Response, error) {
	who, work, err := m.owner(ctx, r)
	if err != nil {
		return web.Response{}, err
	}
	id, err := reading.ParseNoteID(r.Path("note"))
	if err != nil {
		return web.Response{}, err
	}
	n, err := m.note(ctx, who, work, id, func(n reading.Note, _ []reading.Note) (reading.Note, bool, error) { return n.Remove(m.now()) })
	if err != nil {
		return web.Response{}, err
	}
	return web.OK(removed{m.tell(ctx, r, who, activity.NoteRemoved, work, n.Chapter)}), nil
}

// asked is whose session is said to ask about which work; neither is looked for yet.
func (m marks) asked(r web.Request) (account.Token, catalog.WorkID, error) {
	token, err := account.ParseToken(m.cookie.Of(r))
	if err != nil {
		return token, "", err
	}
	work, err := catalog.ParseWorkID(r.Path("id"))
	return token, work, err
}

// reader is who may mark a work because they may open it, and the work.
func (m marks) reader(ctx context.Context, r web.Request) (account.ID, catalog.Work, error) {
	token, id, err := m.asked(r)
	if err != nil {
		return "", catalog.Work{}, err
	}
	reader, err := m.store.Reader(ctx, token, r.IP(), m.now())
	if err != nil {
		return "", catalog.Work{}, err
	}
	work, decision := reader.Work(id, m.now())
	return reader.Who.ID, work, reader.Refuse(decision)
}

// owner is who is signed in, and the work that they name: what they left in it is theirs, whatever became of the work.
func (m marks) owner(ctx context.Context, r web.Request) (account.ID, catalog.WorkID, error) {
	token, work, err := m.asked(r)
	if err != nil {
		return "", "", err
	}
	who, err := m.store.SignedIn(ctx, token, m.now())
	return who.ID, work, err
}

func chapter(r web.Request) (int, error) {
	n, err := strconv.Atoi(r.Path("n"))
	if err != nil || n < 1 {
		return 0, reading.ErrNoChapter
	}
	return n, nil
}

// tell hands on what was done to a mark, without what it says, and answers until when the log keeps that. What is asked for twice is
// told twice: the first time it may not have come to the telling.
func (m marks) tell(ctx context.Context, r web.Request, who account.ID, what activity.What, work catalog.WorkID, chapter int) time.Time {
	l := activity.Of(who, what, r.ID(), r.IP(), m.now())
	l.Work, l.Chapter = work, chapter
	l.Tell(ctx, m.activity, metric.Count)
	return l.Until()
}

// place changes what somebody keeps of a work, on top of whatever another browser of theirs does.
func (m marks) place(ctx context.Context, who account.ID, w catalog.WorkID, with func(reading.Place) (reading.Place, bool, error)) (p reading.Place, err error) {
	err = table.Again(ctx, func() (err error) {
		if p, err = m.store.PlaceIn(ctx, who, w); err != nil {
			return err
		}
		changed := false
		if p, changed, err = with(p); err != nil || !changed {
			return err
		}
		return m.store.KeepPlace(ctx, who, p)
	})
	return p, err
}

// note does the same with a note.
func (m marks) note(ctx context.Context, who account.ID, w catalog.WorkID, id reading.NoteID, with func(reading.Note, []reading.Note) (reading.Note, bool, error)) (n reading.Note, err error) {
	err = table.Again(ctx, func() error {
		all, err := m.store.Notes(ctx, who, w)
		if err != nil {
			return err
		}
		changed := false
		if n, changed, err = with(reading.Find(all, w, id), all); err != nil || !changed {
			return err
		}
		return m.store.KeepNote(ctx, who, n)
	})
	return n, err
}
