package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/activity"
	"opiq/shared/reading"
	"opiq/shared/table"
	"opiq/shared/web"
)

// heard keeps what is sent to it.
type heard struct {
	mu    sync.Mutex
	lines []activity.Line
	err   error
}

func (q *heard) Send(_ context.Context, message any) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.lines = append(q.lines, message.(activity.Line))
	}
	return q.err
}

func open(cfg aws.Config, name string, q *heard) marks {
	return marks{table.Open(cfg, name), q, web.CookieAt(people.PublicURL), people.Now}
}

var ago = people.Noon.Add(-time.Hour)

// leave leaves marks of Mari's: in w001 she was in chapter 2, where she has a bookmark, and has one note and had another; in w015, which
// is no longer shown, she has a bookmark and a note.
func leave(t *testing.T, s *table.Table) {
	t.Helper()
	l := activity.Of(people.Mari, activity.ChapterRead, "earlier", "192.0.2.17", ago)
	l.Work, l.Chapter = "w001", 2
	err := errors.Join(
		s.Log(t.Context(), l),
		s.KeepPlace(t.Context(), people.Mari, reading.Place{Work: "w001", Chapter: 2, At: ago, Bookmarks: []reading.Bookmark{{Chapter: 2, At: ago}}}),
		s.KeepPlace(t.Context(), people.Mari, reading.Place{Work: "w015", Bookmarks: []reading.Bookmark{{Chapter: 1, At: ago}}}),
		s.KeepNote(t.Context(), people.Mari, reading.Note{ID: "old-1", Work: "w001", Chapter: 1, Text: "Read this twice", CreatedAt: ago, ChangedAt: ago}),
		s.KeepNote(t.Context(), people.Mari, reading.Note{ID: "old-2", Work: "w015", Chapter: 1, Text: "Is this still true?", CreatedAt: ago, ChangedAt: ago}),
		s.KeepNote(t.Context(), people.Mari, reading.Note{ID: "gone-1", Work: "w001", Chapter: 1, CreatedAt: ago, ChangedAt: ago, DeletedAt: ago}),
	)
	if err != nil {
		t.Fatal(err)
	}
}

// before is what happened before an event.
var before = map[string]func(*testing.T, *table.Table){
	"bookmark-read-too-much": func(t *testing.T, s *table.Table) {
		full := activity.Count{Tries: account.Tries{Count: account.ReadTries.Max, Until: people.Noon.Add(20 * time.Minute)}}
		if err := s.CountBy(t.Context(), people.Mari, full); err != nil {
			t.Fatal(err)
		}
	},
	"note-too-many": func(t *testing.T, s *table.Table) {
		for i := range reading.MaxNotes - 1 {
			n := reading.Note{ID: reading.NoteID(fmt.Sprint("n-", i)), Work: "w001", Chapter: 1, Text: "Once more", CreatedAt: ago, ChangedAt: ago}
			if err := s.KeepNote(t.Context(), people.Mari, n); err != nil {
				t.Fatal(err)
			}
		}
	},
}

// left is an answer, with what it told and what it left of the notes and places that it changed.
type left struct {
	Status  int               `json:"statusCode"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Told    []activity.Line   `json:"told"`
	Places  []ledger.Place    `json:"places"`
	Notes   []ledger.Note     `json:"notes"`
}

func TestEvents(t *testing.T) {
	played := maps.Clone(before)
	golden.Events(t, "marks", func(t *testing.T, name string, event []byte) any {
		cfg, mine := stage.Table(t)
		s := table.Open(cfg, mine)
		people.MoveIn(t, s)
		leave(t, s)
		if prepare := before[name]; prepare != nil {
			prepare(t, s)
			delete(played, name)
		}
		var q heard
		m := open(cfg, mine, &q)
		if strings.HasSuffix(name, "-license-over") {
			end := people.License(t, s, people.Running).EndsAt
			m.now = func() time.Time { return end }
		}
		was := ledger.Holds(t, cfg, mine)
		answer := people.Answer(t, m.routes(), event)
		l := ledger.Holds(t, cfg, mine)
		return left{
			answer.StatusCode, answer.Headers, answer.Body, q.lines,
			slices.DeleteFunc(l.Places, func(p ledger.Place) bool { return has(was.Places, p) }),
			slices.DeleteFunc(l.Notes, func(n ledger.Note) bool { return has(was.Notes, n) }),
		}
	})
	for name := range played {
		t.Errorf("there is no event %s", name)
	}
}

func has[T any](all []T, one T) bool {
	return slices.ContainsFunc(all, func(x T) bool { return fmt.Sprint(x) == fmt.Sprint(one) })
}

const (
	bookmark = "/v1/library/works/{id}/chapters/{n}/bookmark"
	noteAt   = "/v1/library/works/{id}/notes/{note}"
)

// ask sends a request of Mari's about w001 and wants it to be done.
func ask(ctx context.Context, m marks, route string, path map[string]string, body any) (events.APIGatewayV2HTTPResponse, error) {
	all := map[string]string{"id": "w001"}
	maps.Copy(all, path)
	out, err := m.routes().Handle(ctx, people.Request(route, people.Mari, all, body))
	if err == nil && out.StatusCode != 200 {
		err = fmt.Errorf("%s %v: %d %s", route, all, out.StatusCode, out.Body)
	}
	return out, err
}

func TestEveryChangeWithEveryCallBroken(t *testing.T) {
	for _, c := range []struct {
		name, route string
		path        map[string]string
		body        any
		bookmarks   []int
		notes       string
		gone        bool // done once, there is nothing to do again
	}{
		{"a bookmark", "PUT " + bookmark, map[string]string{"n": "1"}, nil, []int{1, 2}, "Read this twice", false},
		{"no bookmark", "DELETE " + bookmark, map[string]string{"n": "2"}, nil, nil, "Read this twice", true},
		{"a note", "PUT " + noteAt, map[string]string{"note": "new"}, reading.Words{Chapter: 3, Text: "New"}, []int{2}, "Read this twice, New", false},
		{"no note", "DELETE " + noteAt, map[string]string{"note": "old-1"}, nil, []int{2}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				cfg, name := stage.Table(t)
				s := table.Open(cfg, name)
				people.MoveIn(t, s)
				leave(t, s)
				var q heard
				m := open(broken(cfg), name, &q)
				act := func(ctx context.Context) error {
					out, err := ask(ctx, m, c.route, c.path, c.body)
					if c.gone && out.StatusCode == 404 {
						err = nil
					}
					return err
				}
				return act, func(t *testing.T) {
					ledger.Holds(t, cfg, name)
					p, err := s.PlaceIn(t.Context(), people.Mari, "w001")
					notes, failed := s.Notes(t.Context(), people.Mari, "w001")
					if err := errors.Join(err, failed); err != nil {
						t.Fatal(err)
					}
					var chapters []int
					for _, b := range p.Bookmarks {
						chapters = append(chapters, b.Chapter)
					}
					var texts []string
					for _, n := range notes {
						if n.Stands() {
							texts = append(texts, n.Text)
						}
					}
					slices.SortFunc(texts, func(a, b string) int { return strings.Compare(b, a) })
					if !slices.Equal(chapters, c.bookmarks) || strings.Join(texts, ", ") != c.notes || p.Chapter != 2 || !p.At.Equal(ago) {
						t.Errorf("place %+v, notes %q", p, texts)
					}
				}
			})
		})
	}
}

// TestBrowsersAtOnceLoseNothing: two browsers mark different things while the activity moves the place on.
func TestBrowsersAtOnceLoseNothing(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	leave(t, s)
	var wait sync.WaitGroup
	do := func(route string, path map[string]string, body any) {
		wait.Go(func() {
			if _, err := ask(t.Context(), open(cfg, name, &heard{}), route, path, body); err != nil {
				t.Error(err)
			}
		})
	}
	for n := range 3 {
		for range 2 {
			do("PUT "+bookmark, map[string]string{"n": strconv.Itoa(n + 1)}, nil)
			do("PUT "+noteAt, map[string]string{"note": fmt.Sprint("n-", n)}, reading.Words{Chapter: n + 1, Text: fmt.Sprint("note ", n)})
		}
	}
	do("DELETE "+noteAt, map[string]string{"note": "old-1"}, nil)
	wait.Go(func() {
		l := activity.Of(people.Mari, activity.ChapterRead, "later", "192.0.2.17", people.Noon)
		l.Work, l.Chapter = "w001", 3
		err := errors.Join(s.Log(t.Context(), l), table.Again(t.Context(), func() error {
			p, err := s.PlaceIn(t.Context(), people.Mari, "w001")
			p, _ = p.Read(3, people.Noon)
			return errors.Join(err, s.KeepPlace(t.Context(), people.Mari, p))
		}))
		if err != nil {
			t.Error(err)
		}
	})
	wait.Wait()
	ledger.Holds(t, cfg, name)
	out, err := ask(t.Context(), open(cfg, name, &heard{}), "GET /v1/library/works/{id}/marks", nil, nil)
	var got list
	if err := errors.Join(err, json.Unmarshal([]byte(out.Body), &got)); err != nil {
		t.Fatal(err)
	}
	if len(got.Bookmarks) != 3 || len(got.Notes) != 3 || got.Place == nil || got.Place.Chapter != 3 {
		t.Errorf("left is %s", out.Body)
	}
}

// TestALogThatDoesNotAnswerKeepsNobodyFromMarking: the line is lost, and the mark is set.
func TestALogThatDoesNotAnswerKeepsNobodyFromMarking(t *testing.T) {
	cfg, name := stage.Table(t)
	people.MoveIn(t, table.Open(cfg, name))
	m := open(cfg, name, &heard{err: errors.New("the queue is away")})
	for _, route := range []string{"PUT " + bookmark, "DELETE " + bookmark} {
		if _, err := ask(t.Context(), m, route, map[string]string{"n": "1"}, nil); err != nil {
			t.Error(err)
		}
	}
}

// TestTheLogHoldsNoWordOfANote looks for the words in all that is told, and after the note is gone in all that is left.
func TestTheLogHoldsNoWordOfANote(t *testing.T) {
	cfg, name := stage.Table(t)
	people.MoveIn(t, table.Open(cfg, name))
	var q heard
	m := open(cfg, name, &q)
	path := map[string]string{"note": "my-own"}
	for _, c := range []struct {
		route string
		body  any
	}{
		{"PUT " + noteAt, reading.Words{Chapter: 1, Text: "unforgettable"}},
		{"PUT " + noteAt, reading.Words{Chapter: 1, Text: "unforgettable still"}},
		{"DELETE " + noteAt, nil},
	} {
		if _, err := ask(t.Context(), m, c.route, path, c.body); err != nil {
			t.Fatal(err)
		}
	}
	if all := fmt.Sprintf("%+v %+v", q.lines, ledger.Holds(t, cfg, name)); len(q.lines) != 3 || strings.Contains(all, "unforgettable") {
		t.Errorf("it is remembered: %s", all)
	}
}

// TestAWorkThatCannotBeIsAskedForNowhere: a name that no work can have becomes no key, and nothing is read for it.
func TestAWorkThatCannotBeIsAskedForNowhere(t *testing.T) {
	m := marks{nil, &heard{}, web.CookieAt(people.PublicURL), people.Now} // without a table
	for _, work := range []string{"", "W001", "w001#n", "w 1", "õ", strings.Repeat("w", 101)} {
		for route := range m.routes() {
			path := map[string]string{"id": work, "n": "1", "note": "one"}
			out, err := m.routes().Handle(t.Context(), people.Request(route, people.Mari, path, reading.Words{Chapter: 1, Text: "x"}))
			if err != nil || out.StatusCode != 404 || !strings.Contains(out.Body, `"code":"unknown_work"`) {
				t.Errorf("%s of %q: %d %s (%v)", route, work, out.StatusCode, out.Body, err)
			}
		}
	}
}
