package main

import (
	"strings"
	"testing"
)

// TestABookIsNamedByItsPage, also where it is no longer shown: what somebody left in it is theirs.
func TestABookIsNamedByItsPage(t *testing.T) {
	for path, want := range map[string]string{
		"/library/works/w001":            "<title>Numbrirada. Matemaatika 1. klassile · Opiq</title>",
		"/library/works/w001/chapters/2": "<h1>Chapter 2</h1>",
		"/library/works/w015":            `<h1 lang="et">`,
	} {
		out := answer(t, shop(room{}), visitTo(path, map[string]string{"accept-language": "en"}))
		if out.StatusCode != 200 || !strings.Contains(out.Body, want) {
			t.Errorf("%s: %d, without %q", path, out.StatusCode, want)
		}
	}
}

func TestThereIsNoPageForABookThatIsNot(t *testing.T) {
	for _, path := range []string{"/library/works/w999", "/library/works/w999/chapters/1", "/library/works/w001/chapters/first", "/library/works/w001/chapters/-1"} {
		if out := answer(t, shop(room{}), visitTo(path, nil)); out.StatusCode != 404 {
			t.Errorf("%s: %d", path, out.StatusCode)
		}
	}
}
