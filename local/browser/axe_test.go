package browser

import (
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// pinned is what npm fetches.
//
//go:embed package.json package-lock.json .npmrc
var pinned embed.FS

// axe is the script of axe-core. The first run fetches it, as package-lock.json pins it, into the user's cache.
var axe = sync.OnceValues(func() (string, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	lock, err := pinned.ReadFile("package-lock.json")
	if err != nil {
		return "", err
	}
	dir := filepath.Join(user, "opiq", fmt.Sprintf("axe-%x", sha256.Sum256(lock))[:10])
	script := filepath.Join(dir, "node_modules", "axe-core", "axe.min.js")
	if _, err := os.Stat(script); err != nil {
		if err := fetch(dir); err != nil {
			return "", err
		}
	}
	b, err := os.ReadFile(script)
	return string(b), err
})

// fetch fills a folder. Of two that fetch at once the first stands.
func fetch(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), "fetching-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := os.CopyFS(temp, pinned); err != nil {
		return err
	}
	npm := exec.Command("npm", "ci", "--ignore-scripts")
	npm.Dir = temp
	if said, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm could not fetch axe-core (%w): %s", err, said)
	}
	if err := os.Rename(temp, dir); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// violation is a rule that the page breaks, and where.
type violation struct {
	ID, Help string
	Nodes    []struct {
		HTML, FailureSummary string
	}
}

func (v violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", v.ID, v.Help)
	for _, n := range v.Nodes {
		fmt.Fprintf(&b, "\n\t%.300s\n\t\t%s", n.HTML, strings.ReplaceAll(n.FailureSummary, "\n", "\n\t\t"))
	}
	return b.String()
}

// violations are what axe finds against WCAG 2.2 AA on the page as it is now.
func (t *tab) violations() (found []violation) {
	t.T.Helper()
	script, err := axe()
	if err != nil {
		t.T.Fatal(err)
	}
	if !js[bool](t, `"axe" in window`) {
		js[any](t, script+"; 0")
	}
	t.do(chromedp.Evaluate(`axe.run(document, { resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
		.then((r) => r.violations)`, &found, awaited))
	return found
}

// awaited is what a promise comes to.
func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
