package table_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/activity"
	"opiq/shared/catalog"
	"opiq/shared/reading"
	"opiq/shared/table"
)

// TestPlacesAreTheLatestFirst: those where somebody read, and not those where they only have bookmarks.
func TestPlacesAreTheLatestFirst(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	bookmarks := reading.Place{Work: "w900", Bookmarks: []reading.Bookmark{{Chapter: 1, At: people.Noon.Add(time.Hour)}}}
	err := s.KeepPlace(t.Context(), people.Mari, bookmarks)
	for i := range 55 {
		p := reading.Place{Work: catalog.WorkID(fmt.Sprintf("w%03d", i)), Chapter: 1, At: people.Noon.Add(time.Duration(i*37%55) * time.Minute)}
		err = errors.Join(err, s.KeepPlace(t.Context(), people.Mari, p))
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Places(t.Context(), people.Mari)
	if err != nil || len(got) != 55 {
		t.Fatalf("%d places (%v)", len(got), err)
	}
	for i, p := range got {
		if !p.At.Equal(people.Noon.Add(time.Duration(54-i) * time.Minute)) {
			t.Errorf("place %d is of %s", i, p.At)
		}
	}
	if others, err := s.Places(t.Context(), people.Jaan); err != nil || len(others) != 0 {
		t.Errorf("Jaan has %d (%v)", len(others), err)
	}
}

func TestAPlaceIsKeptAsItWasReadOnly(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	none, err := s.PlaceIn(t.Context(), people.Mari, "w001")
	if err != nil || none.Work != "w001" || none.Revision != 0 {
		t.Fatalf("%+v (%v)", none, err)
	}
	none.Chapter, none.At = 1, people.Noon
	if err := s.KeepPlace(t.Context(), people.Mari, none); err != nil {
		t.Error(err)
	}
	if err := s.KeepPlace(t.Context(), people.Mari, none); !errors.Is(err, table.ErrChanged) {
		t.Errorf("kept twice: %v", err)
	}
	if p, err := s.PlaceIn(t.Context(), people.Mari, "w001"); err != nil || p.Revision != 1 || p.Chapter != 1 || !p.At.Equal(people.Noon) {
		t.Errorf("%+v (%v)", p, err)
	}
}

// TestNotesOfAWorkAreItsOwn: the name of another may begin with its.
func TestNotesOfAWorkAreItsOwn(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	for _, w := range []catalog.WorkID{"w1", "w10"} {
		n := reading.Note{ID: "a", Work: w, Chapter: 1, Text: string(w), CreatedAt: people.Noon, ChangedAt: people.Noon}
		if err := s.KeepNote(t.Context(), people.Mari, n); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Notes(t.Context(), people.Mari, "w1"); err != nil || len(got) != 1 || got[0].Text != "w1" {
		t.Errorf("%+v (%v)", got, err)
	}
}

// TestWhatIsForgottenSaysWhen: a line of the log after its time, a note's name a month after the note, a count when nobody asks for it;
// a place and a note that stands never.
func TestWhatIsForgottenSaysWhen(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	mine := activity.Of(people.Mari, activity.ChapterRead, "r", "192.0.2.17", people.Noon)
	mine.Work, mine.Chapter = "w001", 1
	viewed := activity.Seen(activity.CatalogSearched, people.Noon)
	stands := reading.Note{ID: "stands", Work: "w001", Chapter: 1, Text: "x", CreatedAt: people.Noon, ChangedAt: people.Noon}
	gone := reading.Note{ID: "gone", Work: "w001", Chapter: 1, CreatedAt: people.Noon, ChangedAt: people.Noon, DeletedAt: people.Noon}
	err := errors.Join(
		s.Log(t.Context(), mine), s.Log(t.Context(), viewed), s.Log(t.Context(), mine),
		s.KeepNote(t.Context(), people.Mari, stands), s.KeepNote(t.Context(), people.Mari, gone),
		s.KeepPlace(t.Context(), people.Mari, reading.Place{Work: "w001", Chapter: 1, At: people.Noon}),
		s.CountBy(t.Context(), people.Mari, activity.Count{Tries: account.Tries{Count: 1, Until: people.Noon.Add(time.Hour)}}),
	)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]time.Time{
		"ACCOUNT#" + string(people.Mari) + " L#2026-11-22T10:00:00Z#r-chapter_read": people.Noon.AddDate(1, 0, 0),
		"VIEWS#2026-11-22 2026-11-22T10:00:00Z#" + viewed.ID:                        people.Noon.AddDate(0, 0, 90),
		"ACCOUNT#" + string(people.Mari) + " N#w001#gone":                           people.Noon.AddDate(0, 0, 30),
		"ACCOUNT#" + string(people.Mari) + " N#w001#stands":                         {},
		"ACCOUNT#" + string(people.Mari) + " R#w001":                                {},
		"ACCOUNT#" + string(people.Mari) + " A#READ":                                people.Noon.Add(2 * time.Hour),
	}
	all, err := dynamodb.NewFromConfig(cfg).Scan(t.Context(), &dynamodb.ScanInput{TableName: &name})
	if err != nil || len(all.Items) != len(want) {
		t.Fatalf("%d items (%v)", len(all.Items), err)
	}
	for _, i := range all.Items {
		at := i["PK"].(*types.AttributeValueMemberS).Value + " " + i["SK"].(*types.AttributeValueMemberS).Value
		says := ""
		if n, ok := i["expires"].(*types.AttributeValueMemberN); ok {
			says = n.Value
		}
		expires, known := want[at]
		expected := ""
		if !expires.IsZero() {
			expected = strconv.FormatInt(expires.Unix(), 10)
		}
		if !known || says != expected {
			t.Errorf("%s expires at %q, not %q", strings.TrimSpace(at), says, expected)
		}
	}
}

// TestWhatWasReadIsErasedWhole: a thousand items at a time, and of one account.
func TestWhatWasReadIsErasedWhole(t *testing.T) {
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	err := s.KeepPlace(t.Context(), people.Jaan, reading.Place{Work: "w001", Chapter: 1, At: people.Noon})
	var all errgroup.Group
	all.SetLimit(16)
	for i := range 1001 {
		all.Go(func() error {
			n := reading.Note{ID: reading.NoteID(fmt.Sprint(i)), Work: "w001", Chapter: 1, Text: strings.Repeat("a", 3000), CreatedAt: people.Noon, ChangedAt: people.Noon}
			return s.KeepNote(t.Context(), people.Mari, n)
		})
	}
	if err := errors.Join(err, all.Wait()); err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		all  bool
		left int
	}{{false, 1}, {true, 0}, {true, 0}} {
		whole, err := s.Erase(t.Context(), people.Mari, people.Noon)
		notes, more := s.Notes(t.Context(), people.Mari, "w001")
		notes = slices.DeleteFunc(notes, func(n reading.Note) bool { return n.Text == "" })
		if err != nil || more != nil || whole != want.all || len(notes) != want.left {
			t.Errorf("time %d: %d notes are left, and all is erased: %t (%v, %v)", i, len(notes), whole, err, more)
		}
	}
	if places, err := s.Places(t.Context(), people.Jaan); err != nil || len(places) != 1 {
		t.Errorf("Jaan has %d places (%v)", len(places), err)
	}
}
