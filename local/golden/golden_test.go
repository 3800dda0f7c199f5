package golden

import (
	"os"
	"path/filepath"
	"testing"
)

func TestJSONOpensTheBody(t *testing.T) {
	got := JSON(t, struct {
		Status int    `json:"statusCode"`
		Body   string `json:"body"`
	}{200, `{"works":[1],"next":null,"a":"<b>"}`})
	want := `{
  "body": {
    "works": [
      1
    ],
    "next": null,
    "a": "<b>"
  },
  "statusCode": 200
}
`
	if string(got) != want {
		t.Errorf("got %s", got)
	}
}

func TestJSONLeavesAPageAsItIs(t *testing.T) {
	if got := JSON(t, map[string]string{"body": "<p>õ</p>"}); string(got) != "{\n  \"body\": \"<p>õ</p>\"\n}\n" {
		t.Errorf("got %s", got)
	}
}

func TestCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "testdata", "case.golden")
	*update = true
	Check(t, path, []byte("one\n"))
	*update = false
	Check(t, path, []byte("one\n"))
	if b, err := os.ReadFile(path); err != nil || string(b) != "one\n" {
		t.Errorf("the file holds %q (%v)", b, err)
	}
}

func TestEveryEventIsAnswered(t *testing.T) {
	root := t.TempDir()
	here := filepath.Join(root, "functions", "greet")
	for path, text := range map[string]string{
		filepath.Join(root, "events", "greet", "hello.json"): `{"name":"Mari"}`,
		filepath.Join(here, "testdata", "hello.golden"):      "{\n  \"saw\": \"{\\\"name\\\":\\\"Mari\\\"}\"\n}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(here)
	var seen []string
	Events(t, "greet", func(_ *testing.T, name string, event []byte) any {
		seen = append(seen, name)
		return map[string]string{"saw": string(event)}
	})
	if len(seen) != 1 || seen[0] != "hello" {
		t.Errorf("saw %v", seen)
	}
}
