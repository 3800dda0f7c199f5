// Package golden compares what the code answers with what it answered when somebody last looked.
//
// The answers stand in testdata/<case>.golden beside the test; `go test ./functions/... -update` writes them anew and
// the diff of the commit is the review. JSON is indented, also where it travels as text in an HTTP body, so that a
// diff shows the line that changed. The package hides nothing: a test that has instants, random or secret values in its
// answer gives the code a fixed clock and a fixed source.
package golden

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Check compares got with the file at path, or writes the file where the test runs with -update.
func Check(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (-update writes it)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// Events gives every file of events/<function>/*.json to answer, each in a subtest of the case's name, and checks what
// it returns, as JSON, against testdata/<case>.golden. It runs in functions/<function>. A function without events and
// a golden file without its event are failures.
func Events(t *testing.T, function string, answer func(t *testing.T, name string, event []byte) any) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "events", function, "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("events/%s holds no events (%v)", function, err)
	}
	cases := map[string]bool{}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		cases[name] = true
		t.Run(name, func(t *testing.T) {
			event, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			Check(t, filepath.Join("testdata", name+".golden"), JSON(t, answer(t, name, event)))
		})
	}
	left, _ := filepath.Glob(filepath.Join("testdata", "*.golden")) // the pattern is a good one
	for _, path := range left {
		if !cases[strings.TrimSuffix(filepath.Base(path), ".golden")] {
			t.Errorf("%s has no event", path)
		}
	}
}

// Changes is Events for a function that works on a table: a golden file has the answer, and what stands otherwise in the table after it.
// World makes a table, and answers what plays an event there and what tells its lines. The events are played in one world for as long as
// none has changed it.
func Changes(t *testing.T, function string, world func(*testing.T) (play func(*testing.T, []byte) any, lines func(*testing.T) []string)) {
	t.Helper()
	whole := t
	var play func(*testing.T, []byte) any
	var lines func(*testing.T) []string
	var before []string
	Events(t, function, func(t *testing.T, _ string, event []byte) any {
		if before == nil {
			play, lines = world(whole)
			before = lines(t)
		}
		answer := play(t, event)
		changed := slices.DeleteFunc(lines(t), func(l string) bool { return slices.Contains(before, l) })
		if len(changed) > 0 {
			before = nil
		}
		return map[string]any{"answer": json.RawMessage(JSON(t, answer)), "changed": changed}
	})
}

// JSON writes a value as it is compared: indented, and where it is an object with a "body" of JSON in a string (an
// answer to API Gateway, a message of SQS), with that body as JSON too.
func JSON(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]json.RawMessage
	var body string
	if json.Unmarshal(raw, &object) == nil && json.Unmarshal(object["body"], &body) == nil && json.Valid([]byte(body)) {
		object["body"] = json.RawMessage(body)
		v = object
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
