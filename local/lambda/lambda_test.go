package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "lambda")
	if err != nil {
		panic(err)
	}
	root, err := filepath.Abs("testdata")
	if err == nil {
		err = Build(context.Background(), root, dir, "./...")
	}
	if err != nil {
		panic(err)
	}
	binaries = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

type answer struct {
	Process  int
	Request  string
	Function string
	Left     time.Duration
	Env      []string
}

func open(t *testing.T, f Function) *Host {
	t.Helper()
	if f.Binary == "" {
		f.Binary = filepath.Join(binaries, "odd")
	}
	if f.Timeout == 0 {
		f.Timeout = 5 * time.Second
	}
	f.Name, f.Memory = "odd", 256
	h := Open(Options{Functions: []Function{f}, Log: t.Output()})
	t.Cleanup(h.Stop)
	return h
}

func call(t *testing.T, h *Host, payload string) answer {
	t.Helper()
	out, err := h.Invoke(t.Context(), "odd", []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAWarmProcessServesTheNextCall(t *testing.T) {
	h := open(t, Function{})
	if err := h.Warm(); err != nil {
		t.Fatal(err)
	}
	if s := h.Starts()["odd"]; s <= 0 || s > 5*time.Second {
		t.Errorf("start took %v", s)
	}
	first, second := call(t, h, `{}`), call(t, h, `{}`)
	if first.Process != second.Process {
		t.Error("the second call met another process")
	}
	if first.Request == "" || first.Request == second.Request {
		t.Errorf("requests %q and %q", first.Request, second.Request)
	}
	if first.Left < 4*time.Second || first.Left > 5*time.Second {
		t.Errorf("the deadline leaves %v", first.Left)
	}
}

func TestTheProcessSeesOnlyTheTemplateAndLambda(t *testing.T) {
	t.Setenv("HOME_OF_SECRETS", "here")
	a := call(t, open(t, Function{Env: map[string]string{"TABLE": "opiq", "TZ": ":UTC"}}), `{}`)
	var names []string
	for _, e := range a.Env {
		name, _, _ := strings.Cut(e, "=")
		names = append(names, name)
	}
	if !slices.Contains(a.Env, "TABLE=opiq") || !slices.Contains(a.Env, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256") || a.Function != "odd" {
		t.Errorf("the environment lacks something: %q", a.Env)
	}
	for _, name := range names {
		if name != "TABLE" && name != "_HANDLER" && name != "_X_AMZN_TRACE_ID" && name != "LANG" && name != "PATH" && name != "TZ" &&
			!strings.HasPrefix(name, "AWS_") && !strings.HasPrefix(name, "LAMBDA_") {
			t.Errorf("the process sees %s", name)
		}
	}
}

func TestOverlappingCallsGetProcessesOfTheirOwn(t *testing.T) {
	h := open(t, Function{})
	var wait sync.WaitGroup
	answers := make([]answer, 3)
	for i := range answers {
		wait.Go(func() { answers[i] = call(t, h, `{"Wait":300000000}`) })
	}
	wait.Wait()
	if answers[0].Process == answers[1].Process || answers[1].Process == answers[2].Process || answers[0].Process == answers[2].Process {
		t.Errorf("processes %d, %d, %d", answers[0].Process, answers[1].Process, answers[2].Process)
	}
}

func TestReservedConcurrencyThrottles(t *testing.T) {
	h := open(t, Function{Reserved: 1})
	busy := make(chan struct{})
	go func() { defer close(busy); call(t, h, `{"Wait":500000000}`) }()
	time.Sleep(200 * time.Millisecond)
	if _, err := h.Invoke(t.Context(), "odd", []byte(`{}`)); !errors.Is(err, ErrThrottled) {
		t.Errorf("the second call got %v", err)
	}
	<-busy
	call(t, h, `{}`)
}

func TestMoreCallsThanTheMachineCarriesWait(t *testing.T) {
	h := open(t, Function{})
	var wait sync.WaitGroup
	for range 3 * crowd {
		wait.Go(func() { call(t, h, `{"Wait":20000000}`) })
	}
	wait.Wait()
	if n := h.Processes("odd"); n < 2 || n > crowd {
		t.Errorf("%d processes ran", n)
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		kind, message string
		sameProcess   bool
	}{
		{"an error keeps the process", `{"Do":"fail"}`, "errorString", "no luck", true},
		{"a panic ends it", `{"Do":"panic"}`, "string", "oh", false},
		{"so does an exit", `{"Do":"exit"}`, exited, "exit status 3", false},
		{"and the time-out", `{"Wait":60000000000}`, timedOut, "Task timed out after 0.50 seconds", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t, Function{Timeout: 500 * time.Millisecond})
			before := call(t, h, `{}`)
			_, err := h.Invoke(t.Context(), "odd", []byte(c.payload))
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Type != c.kind || !strings.Contains(e.Message, c.message) {
				t.Fatalf("got %v", err)
			}
			if after := call(t, h, `{}`); (after.Process == before.Process) != c.sameProcess {
				t.Errorf("process %d before, %d after", before.Process, after.Process)
			}
		})
	}
}

func TestAKilledProcessFailsItsCallAndTheNextGetsAFreshOne(t *testing.T) {
	h := open(t, Function{})
	before := call(t, h, `{}`)
	failed := make(chan error)
	go func() {
		_, err := h.Invoke(t.Context(), "odd", []byte(`{"Wait":60000000000}`))
		failed <- err
	}()
	time.Sleep(200 * time.Millisecond)
	if n := h.Kill("odd"); n != 1 {
		t.Fatalf("%d processes killed", n)
	}
	if e, ok := errors.AsType[*Error](<-failed); !ok || !strings.Contains(e.Message, "signal: killed") {
		t.Errorf("the call got %v", e)
	}
	if after := call(t, h, `{}`); after.Process == before.Process {
		t.Error("the dead answered")
	}
}

func TestAnIdleProcessThatDiedCostsNoCall(t *testing.T) {
	h := open(t, Function{})
	before := call(t, h, `{}`)
	if err := syscall.Kill(before.Process, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	if after := call(t, h, `{}`); after.Process == before.Process {
		t.Error("the dead answered")
	}
}

func TestAStrikeMeetsTheMiddleOfACall(t *testing.T) {
	h := open(t, Function{})
	h.Strike(func(name string) (time.Duration, bool) { return 50 * time.Millisecond, name == "odd" })
	first := call(t, h, `{}`) // answers before the blow
	time.Sleep(100 * time.Millisecond)
	if second := call(t, h, `{}`); second.Process != first.Process {
		t.Error("an answered call was struck")
	}
	if _, err := h.Invoke(t.Context(), "odd", []byte(`{"Wait":5000000000}`)); err == nil {
		t.Error("the call survived")
	}
	h.Strike(nil)
	call(t, h, `{"Wait":100000000}`)
}

func TestAFunctionThatCannotStartSaysWhy(t *testing.T) {
	var log bytes.Buffer
	h := Open(Options{Functions: []Function{{Name: "broken", Binary: filepath.Join(binaries, "broken"), Timeout: time.Second}}, Log: &log})
	defer h.Stop()
	if err := h.Warm(); err == nil || !strings.Contains(err.Error(), "broken: Runtime.ExitError") {
		t.Errorf("the start said %v", err)
	}
	if !strings.Contains(log.String(), "broken | ") || !strings.Contains(log.String(), "the environment has no TABLE") {
		t.Errorf("the log says %q", log.String())
	}
	if _, err := h.Invoke(t.Context(), "broken", nil); err == nil {
		t.Error("the call went well")
	}
}

func TestTheCallersImpatienceDoesNotEndTheFunction(t *testing.T) {
	calls := make(chan Call, 1)
	h := Open(Options{
		Functions: []Function{{Name: "odd", Binary: filepath.Join(binaries, "odd"), Timeout: 5 * time.Second}},
		Called:    func(c Call) { calls <- c },
	})
	defer h.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := h.Invoke(ctx, "odd", []byte(`{"Wait":300000000}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the caller got %v", err)
	}
	if c := <-calls; c.Err != nil || !c.Cold || c.Took < 300*time.Millisecond {
		t.Errorf("the function got %+v", c)
	}
}

func TestStopLeavesNoProcess(t *testing.T) {
	h := open(t, Function{})
	a := call(t, h, `{}`)
	failed := make(chan error)
	go func() {
		_, err := h.Invoke(context.Background(), "odd", []byte(`{"Wait":60000000000}`))
		failed <- err
	}()
	time.Sleep(100 * time.Millisecond)
	h.Stop()
	if err := <-failed; !errors.Is(err, ErrStopped) {
		t.Errorf("the running call got %v", err)
	}
	if err := syscall.Kill(a.Process, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process answers: %v", err)
	}
	if _, err := h.Invoke(t.Context(), "odd", []byte(`{}`)); !errors.Is(err, ErrStopped) {
		t.Errorf("a call after the end got %v", err)
	}
}

func TestAQuietLogShowsOnlyTrouble(t *testing.T) {
	var log bytes.Buffer
	h := Open(Options{Functions: []Function{{Name: "odd", Binary: filepath.Join(binaries, "odd"), Timeout: 5 * time.Second}}, Log: &log})
	call(t, h, `{}`)
	if _, err := h.Invoke(t.Context(), "odd", []byte(`{"Do":"panic"}`)); err == nil {
		t.Fatal("no panic")
	}
	h.Stop()
	if strings.Contains(log.String(), "at work") || !strings.Contains(log.String(), "odd | ") || !strings.Contains(log.String(), "oh") {
		t.Errorf("the log says %q", log.String())
	}
}

func TestWhatIsTooLargeOrUnknownIsNotCalled(t *testing.T) {
	h := open(t, Function{})
	if _, err := h.Invoke(t.Context(), "odd", make([]byte, maxPayload+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("7 MB: %v", err)
	}
	if _, err := h.Invoke(t.Context(), "even", nil); !errors.Is(err, ErrUnknown) {
		t.Errorf("unknown: %v", err)
	}
}
