package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"opiq/local/story"
)

// TestTheStoryOfTheReadmeWorksAsItStands copies it into a shell.
func TestTheStoryOfTheReadmeWorksAsItStands(t *testing.T) {
	s := story.Shared(t)
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sh\n(U=http.*?)```").FindSubmatch(readme)
	if block == nil {
		t.Fatal("README.md has no story that begins with U=")
	}
	shell := exec.CommandContext(t.Context(), "sh", "-e", "-c", strings.Replace(string(block[1]), "http://localhost:8080", s.URL, 1))
	shell.Dir = t.TempDir()
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`"state":"paid"`, `"state":"active"`, `"paragraphs":[`, `on tasutud"`, `on vastu võetud"`, `litsents kehtib"`, `"payTo":"Star Cloud OÜ"`, `"new":1,`, `{"state":"settled"}`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the story does not come to %s:\n%s", want, out)
		}
	}
	if n := strings.Count(string(out), `"state":"paid"`); n != 3 {
		t.Errorf("%d orders are paid:\n%s", n, out)
	}
	file, err := os.ReadFile(filepath.Join(shell.Dir, "invoice.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	story.Says(t, file, "Mari Maasikas", "EE382200221020145685")
}
