package lambda

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build builds the packages (./functions/...) of the module at root as they are deployed, but for this machine, and
// puts an executable per function into dir. The linker runs only for what has changed since the last build of this root.
func Build(ctx context.Context, root, dir string, packages ...string) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	// The builder skips a link whose result stands where it is asked for; so each module keeps a place for them.
	kept := filepath.Join(cache, "opiq", fmt.Sprintf("functions-%x", sha256.Sum256([]byte(root)))[:26])
	parts := filepath.Join(kept, ".parts") // on the same file system, so that executables are moved into place whole
	if err := os.MkdirAll(parts, 0o755); err != nil {
		return err
	}
	args := []string{"build", "-trimpath", "-tags", "lambda.norpc", "-ldflags=-s -w", "-o", kept + string(filepath.Separator)}
	cmd := exec.CommandContext(ctx, "go", append(args, packages...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOTMPDIR="+parts)
	if out, err := cmd.CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return errors.New("there is no go command: install Go from https://go.dev/dl")
		}
		return fmt.Errorf("the functions do not build:\n%s", strings.TrimSpace(string(out)))
	}
	return collect(kept, dir)
}

// collect links the executables into the run's own folder, where the next build of another run does not change them.
func collect(kept, dir string) error {
	entries, err := os.ReadDir(kept)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		from, to := filepath.Join(kept, e.Name()), filepath.Join(dir, e.Name())
		if os.Link(from, to) == nil {
			continue
		}
		b, err := os.ReadFile(from) // another file system
		if err != nil {
			return err
		}
		if err := os.WriteFile(to, b, 0o755); err != nil {
			return err
		}
	}
	return nil
}
