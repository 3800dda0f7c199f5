package child

import (
	"bufio"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary play the parent that is killed.
func TestMain(m *testing.M) {
	if os.Getenv("PLAY_PARENT") == "" {
		os.Exit(m.Run())
	}
	p, err := Start(exec.Command("sleep", "60"))
	if err != nil {
		panic(err)
	}
	os.Stdout.WriteString(strconv.Itoa(p.ID()) + "\n")
	time.Sleep(time.Minute)
}

func TestAChildDiesWithItsKilledParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("only Linux ties a child to its parent's life")
		return
	}
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "PLAY_PARENT=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	id := strings.TrimSpace(line)
	time.Sleep(200 * time.Millisecond) // threads come and go; the child must not mind
	if !alive(id) {
		t.Fatal("the child died before its parent")
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	for end := time.Now().Add(5 * time.Second); alive(id); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the child lives on")
		}
	}
}

func alive(id string) bool {
	stat, err := os.ReadFile("/proc/" + id + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ") // a zombie is dead; nobody has buried it yet
}

func TestKillEndsWhatTheChildStarted(t *testing.T) {
	p, err := Start(exec.Command("sh", "-c", "sleep 60 & wait"))
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	if p.Err() == nil {
		t.Fatal("a killed process ended well")
	}
	p.Kill() // and a second time does nothing
}
