package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"opiq/local/story"
)

// TestMain lets the test binary be the program, and closes the shop after the last story.
func TestMain(m *testing.M) {
	if os.Getenv("PLAY_LOCAL") != "" {
		main()
		return
	}
	code := m.Run()
	story.Close()
	os.Exit(code)
}

func TestNoProcessIsLeftBehind(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("only Linux lists a process's children, and ties them to its life")
		return
	}
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(s.String(), func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-addr", "localhost:0")
			cmd.Env = append(os.Environ(), "PLAY_LOCAL=1", "TMPDIR="+t.TempDir()) // a killed one cannot tidy up
			cmd.Stderr = t.Output()
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cmd.Process.Kill() }()
			for lines := bufio.NewScanner(out); ; {
				if !lines.Scan() {
					t.Fatal("it ended before it was ready")
				}
				if strings.HasPrefix(lines.Text(), "mailbox ") {
					break
				}
			}
			children := childrenOf(t, cmd.Process.Pid)
			if len(children) < 16 {
				t.Fatalf("only %d children: two engines and every function should run", len(children))
			}
			_ = cmd.Process.Signal(s)
			if err := cmd.Wait(); (err == nil) != (s != syscall.SIGKILL) {
				t.Errorf("it ended with %v", err)
			}
			for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				var left []string
				for _, c := range children {
					if stat, err := os.ReadFile("/proc/" + c + "/stat"); err == nil && !strings.Contains(string(stat), ") Z ") {
						left = append(left, string(stat))
					}
				}
				if len(left) == 0 {
					return
				}
				if time.Now().After(end) {
					t.Fatalf("left behind:\n%s", strings.Join(left, ""))
				}
			}
		})
	}
}

func childrenOf(t *testing.T, process int) (children []string) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // gone meanwhile
		}
		after := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
		if fields := strings.Fields(after); fields[1] == strconv.Itoa(process) {
			children = append(children, filepath.Base(filepath.Dir(path)))
		}
	}
	return children
}
