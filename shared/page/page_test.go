package page_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"opiq/shared/page"
	"opiq/shared/problem"
)

type state string

var states = []state{"new", "waiting"}

func TestWhatIsNotAskedForIsTheUsual(t *testing.T) {
	s, after, limit, err := page.Read(page.Query{}, "waiting", states)
	if err != nil || s != "waiting" || after != "" || limit != 50 {
		t.Errorf("%s %q %d (%v)", s, after, limit, err)
	}
	if page.Next("") != nil {
		t.Error("the last page has a next one")
	}
}

func TestEveryWrongParameterIsNamed(t *testing.T) {
	for _, q := range []page.Query{
		{"New", "?", "0"}, {"old", strings.Repeat("A", 400), "101"}, {" ", "_w", "ten"}, {"new ", "a b", "1.5"},
	} {
		_, _, _, err := page.Read(q, "waiting", states)
		p, ok := errors.AsType[*problem.Error](err)
		if !ok || len(p.Fields) != 3 {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// TestAListWithoutStatesHasItsPlaces: what is wrong is named alike, and begins nowhere.
func TestAListWithoutStatesHasItsPlaces(t *testing.T) {
	if after, limit, wrong := page.Place(*page.Next("w001"), "100"); after != "w001" || limit != 100 || wrong != nil {
		t.Errorf("%q %d %v", after, limit, wrong)
	}
	after, _, wrong := page.Place("_w", "101")
	if after != "" || len(wrong) != 2 || wrong[0].Pointer != "/after" || wrong[1].Pointer != "/limit" {
		t.Errorf("%q %v", after, wrong)
	}
}

func TestThePlaceOfAPageSurvivesTheAddress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		place := rapid.StringN(1, 50, 200).Draw(t, "place")
		next := *page.Next(place)
		if strings.Trim(next, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("%q does not fit into an address", next)
		}
		if _, after, _, err := page.Read(page.Query{After: next}, "new", states); err != nil || after != place {
			t.Fatalf("%q became %q (%v)", place, after, err)
		}
	})
}
