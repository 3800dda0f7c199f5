// Package lambda is AWS Lambda on one machine: each function is a process of its own behind a Runtime API of ours.
//
// A process handles one invocation at a time; a call that finds all of them busy starts another one; idle ones stay warm.
// The time-out kills, a crash fails the call and the next one gets a fresh process, and a process knows nothing but the
// environment that Lambda would give it. The Runtime API is that of
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. The package never retries: that is the caller's part.
package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Region is where the functions believe they are.
const Region = "eu-north-1"

// Function is what the template says about a function.
type Function struct {
	Name     string            // its folder: "banklink-callback"
	Binary   string            // the executable
	Env      map[string]string // what the template sets; Lambda's own variables are added
	Timeout  time.Duration
	Memory   int // MB; told to the function, not enforced
	Reserved int // reserved concurrency, zero for none
}

// What a call can fail with besides *Error and the caller's own context.
var (
	ErrUnknown   = errors.New("there is no such function")
	ErrThrottled = errors.New("Rate Exceeded.")
	ErrTooLarge  = errors.New("the payload has more than 6 MB")
	ErrStopped   = errors.New("the functions were stopped")
)

// Error is a failure of the function itself: an error it returned, a panic, a time-out or its sudden end.
type Error struct {
	Type    string `json:"errorType"` // "Sandbox.Timedout" and "Runtime.ExitError" are Lambda's own
	Message string `json:"errorMessage"`
}

func (e *Error) Error() string { return e.Type + ": " + e.Message }

// Call is one finished invocation.
type Call struct {
	Function string
	Took     time.Duration
	Cold     bool // a process was started for it
	Answer   []byte
	Err      error
}

// Options of a host.
type Options struct {
	Functions []Function
	Log       io.Writer  // what the functions write; by default only what goes wrong
	Verbose   bool       // all that they write
	Called    func(Call) // told of each finished invocation; may be nil
}

// Host runs functions.
type Host struct {
	log       *log
	called    func(Call)
	functions map[string]*function

	mu        sync.Mutex
	processes map[*process]bool
	stopped   bool
	strike    func(string) (time.Duration, bool)
}

// crowd is how many processes of one function this machine carries. A function without reserved concurrency has the
// account's thousand on AWS: here a call waits for its turn, because throttling it would be a failure that AWS has not.
const crowd = 10

// function is one function and its idle processes.
type function struct {
	Function
	turns chan struct{}
	mu    sync.Mutex
	idle  []*process
	start time.Duration
}

// Open makes a host. It starts nothing.
func Open(o Options) *Host {
	h := &Host{
		log:       &log{to: o.Log, all: o.Verbose},
		called:    o.Called,
		functions: map[string]*function{},
		processes: map[*process]bool{},
	}
	if h.log.to == nil {
		h.log.to = io.Discard
	}
	for _, f := range o.Functions {
		h.log.width = max(h.log.width, len(f.Name))
		turns := crowd
		if f.Reserved > 0 {
			turns = f.Reserved
		}
		h.functions[f.Name] = &function{Function: f, turns: make(chan struct{}, turns)}
	}
	return h
}

// maxPayload is Lambda's limit for what goes in and out of a synchronous call.
const maxPayload = 6 << 20

// Invoke calls a function and waits for its answer. When ctx ends first the function goes on to its end, as on AWS.
func (h *Host) Invoke(ctx context.Context, name string, payload []byte) ([]byte, error) {
	f := h.functions[name]
	switch {
	case f == nil:
		return nil, fmt.Errorf("%s: %w", name, ErrUnknown)
	case len(payload) > maxPayload:
		return nil, ErrTooLarge
	}
	if err := f.turn(ctx); err != nil {
		return nil, err
	}
	type result struct {
		out []byte
		err error
	}
	done := make(chan result, 1)
	go func() {
		began := time.Now()
		out, cold, err := h.invoke(f, payload)
		<-f.turns
		if h.called != nil {
			h.called(Call{name, time.Since(began), cold, out, err})
		}
		done <- result{out, err}
	}()
	select {
	case r := <-done:
		return r.out, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// turn takes one of the function's places.
func (f *function) turn(ctx context.Context) error {
	if f.Reserved > 0 {
		select {
		case f.turns <- struct{}{}:
			return nil
		default:
			return ErrThrottled
		}
	}
	select {
	case f.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Host) invoke(f *function, payload []byte) (answer []byte, cold bool, err error) {
	for {
		p, cold, err := h.process(f)
		if err != nil {
			return nil, cold, err
		}
		i := newInvocation(payload, f.Timeout)
		if !p.deliver(i) {
			continue // it had ended before: nothing has happened yet
		}
		if after, ok := h.struck(f.Name); ok {
			blow := time.AfterFunc(after, func() {
				if !i.answered.Load() {
					p.Kill()
				}
			})
			defer blow.Stop()
		}
		out, err := p.await(i, f.Timeout)
		if err != nil && h.isStopped() {
			err = ErrStopped
		}
		if err != nil {
			h.failed(f.Name, err)
		}
		f.rest(p)
		return out, cold, err
	}
}

// process is an idle process of the function, or a new one that has just asked for work.
func (h *Host) process(f *function) (p *process, cold bool, err error) {
	f.mu.Lock()
	if n := len(f.idle); n > 0 {
		p, f.idle = f.idle[n-1], f.idle[:n-1]
		f.mu.Unlock()
		return p, false, nil
	}
	f.mu.Unlock()
	p, err = h.start(f)
	if err != nil {
		h.failed(f.Name, err)
	}
	return p, true, err
}

// rest keeps a process warm for the next call.
func (f *function) rest(p *process) {
	if p.ended() {
		return
	}
	f.mu.Lock()
	f.idle = append(f.idle, p)
	f.mu.Unlock()
}

// failed shows what the platform saw; a function's own error it has logged itself.
func (h *Host) failed(name string, err error) {
	e, ok := errors.AsType[*Error](err)
	if h.isStopped() || ok && !e.platform() {
		return
	}
	h.log.line(name, err.Error(), true)
}

func (e *Error) platform() bool { return e.Type == timedOut || e.Type == exited }

// Warm starts a process of each function, one after the other so that the measured starts are fair, and joins the
// errors of those that do not start.
func (h *Host) Warm() error {
	var wrong []error
	for name, f := range h.functions {
		p, err := h.start(f)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", name, err))
			continue
		}
		f.rest(p)
	}
	return errors.Join(wrong...)
}

// Starts is how long each function took from exec to its first question for work, at its latest start.
func (h *Host) Starts() map[string]time.Duration {
	starts := map[string]time.Duration{}
	for name, f := range h.functions {
		f.mu.Lock()
		starts[name] = f.start
		f.mu.Unlock()
	}
	return starts
}

// Processes is how many processes of a function there are, busy or idle.
func (h *Host) Processes(name string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for p := range h.processes {
		if p.function == name {
			n++
		}
	}
	return n
}

// Kill ends all processes of a function with SIGKILL, busy or idle, and answers how many there were.
func (h *Host) Kill(name string) int {
	f := h.functions[name]
	if f == nil {
		return 0
	}
	f.mu.Lock()
	f.idle = nil
	f.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for p := range h.processes {
		if p.function == name {
			p.Kill()
			n++
		}
	}
	return n
}

// Strike makes the host ask, as each invocation begins, whether and how long after that moment its process gets SIGKILL.
// One that has answered by then lives on. Nil ends it.
func (h *Host) Strike(ask func(function string) (after time.Duration, kill bool)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.strike = ask
}

func (h *Host) struck(name string) (time.Duration, bool) {
	h.mu.Lock()
	ask := h.strike
	h.mu.Unlock()
	if ask == nil {
		return 0, false
	}
	return ask(name)
}

func (h *Host) isStopped() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stopped
}

// Stop kills every process and waits until they are gone. What was running fails.
func (h *Host) Stop() {
	h.mu.Lock()
	h.stopped = true
	var all []*process
	for p := range h.processes {
		p.Kill()
		all = append(all, p)
	}
	h.mu.Unlock()
	for _, p := range all {
		<-p.Done()
	}
}

// asError reads the error that a function reports.
func asError(body []byte) *Error {
	e := &Error{}
	if json.Unmarshal(body, e) != nil || e.Type == "" && e.Message == "" {
		e.Message = string(body)
	}
	return e
}
