package lambda

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"opiq/local/child"
)

// Lambda's own names of what can happen to a process.
const (
	timedOut = "Sandbox.Timedout"
	exited   = "Runtime.ExitError"
)

// initTime is how long a function may take before it asks for its first work.
const initTime = 10 * time.Second

// process is one running function and the Runtime API that it alone speaks to.
type process struct {
	*child.Process
	function string
	api      *http.Server
	work     chan *invocation
	ready    chan struct{} // closed at the first question for work
	firstAsk sync.Once
	broken   chan *Error // what it says about its own start

	mu      sync.Mutex
	current *invocation
}

// invocation is one event on its way through a process.
type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	timeout  time.Duration
	outcome  chan outcome
	answered atomic.Bool
}

type outcome struct {
	body []byte
	err  error
}

func newInvocation(payload []byte, timeout time.Duration) *invocation {
	return &invocation{id: uuid(), payload: payload, timeout: timeout, outcome: make(chan outcome, 1)}
}

func uuid() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// start runs a new process of the function until it asks for work.
func (h *Host) start(f *function) (*process, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{function: f.Name, work: make(chan *invocation), ready: make(chan struct{}), broken: make(chan *Error, 1)}
	p.api = &http.Server{Handler: p.routes(f.Function)}
	go p.api.Serve(l)

	cmd := exec.Command(f.Binary)
	cmd.Dir = filepath.Dir(f.Binary)
	cmd.Env = environment(f.Function, l.Addr().String())
	out := h.log.of(f.Name)
	cmd.Stdout, cmd.Stderr = out, out

	began := time.Now()
	if err := h.launch(p, cmd); err != nil {
		p.api.Close()
		return nil, err
	}
	go func() {
		<-p.Done()
		p.api.Close()
		out.flush()
		h.mu.Lock()
		delete(h.processes, p)
		h.mu.Unlock()
	}()
	limit := time.NewTimer(initTime)
	defer limit.Stop()
	select {
	case <-p.ready:
		out.ready.Store(true)
		f.mu.Lock()
		f.start = time.Since(began)
		f.mu.Unlock()
		return p, nil
	case <-p.Done():
		return nil, h.ended(p)
	case <-limit.C:
		p.Kill()
		<-p.Done()
		return nil, &Error{timedOut, fmt.Sprintf("Init timed out after %.2f seconds", initTime.Seconds())}
	}
}

// launch starts the process unless the host was stopped: between the two nothing may slip through.
func (h *Host) launch(p *process, cmd *exec.Cmd) (err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return ErrStopped
	}
	if p.Process, err = child.Start(cmd); err != nil {
		return err
	}
	h.processes[p] = true
	return nil
}

func (h *Host) ended(p *process) error {
	if h.isStopped() {
		return ErrStopped
	}
	select {
	case e := <-p.broken:
		return e
	default:
		return p.exit()
	}
}

// exit is how a process that is gone failed the call.
func (p *process) exit() *Error {
	how := "exit status 0"
	if err := p.Err(); err != nil {
		how = err.Error()
	}
	return &Error{exited, "Runtime exited with error: " + how}
}

func (p *process) ended() bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}

// environment is all that the process knows of the world: the template's variables and Lambda's.
func environment(f Function, api string) []string {
	env := map[string]string{
		"AWS_REGION":                      Region,
		"AWS_DEFAULT_REGION":              Region,
		"AWS_ACCESS_KEY_ID":               "local",
		"AWS_SECRET_ACCESS_KEY":           "local",
		"AWS_LAMBDA_FUNCTION_NAME":        f.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.Memory),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + f.Name,
		"AWS_LAMBDA_RUNTIME_API":          api,
		"LAMBDA_TASK_ROOT":                filepath.Dir(f.Binary),
		"_HANDLER":                        "bootstrap",
		"LANG":                            "en_US.UTF-8",
		"PATH":                            "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"TZ":                              ":UTC",
	}
	for name, value := range f.Env {
		env[name] = value
	}
	list := make([]string, 0, len(env))
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}

// routes is the Runtime API of one process.
func (p *process) routes(f Function) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		p.firstAsk.Do(func() { close(p.ready) })
		select {
		case i := <-p.work:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", i.id)
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline.UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:"+Region+":000000000000:function:"+f.Name)
			w.Header().Set("Lambda-Runtime-Trace-Id", trace(i.deadline))
			_, _ = w.Write(i.payload) // to a process that has just died: its end fails the call
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) {
		p.answer(w, r, func(body []byte) outcome { return outcome{body: body} })
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) {
		p.answer(w, r, func(body []byte) outcome { return outcome{err: asError(body)} })
	})
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload))
		if err != nil {
			return
		}
		select {
		case p.broken <- asError(body):
		default: // it says so twice
		}
		w.WriteHeader(http.StatusAccepted)
	})
	return mux
}

func (p *process) answer(w http.ResponseWriter, r *http.Request, read func([]byte) outcome) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	if err != nil {
		return // it died in the middle of its answer
	}
	p.mu.Lock()
	i := p.current
	if i != nil && i.id == r.PathValue("id") {
		p.current = nil
	} else {
		i = nil
	}
	p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case i == nil:
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`)
	case len(body) > maxPayload:
		i.finish(outcome{err: &Error{"Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes)."}})
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	default:
		i.finish(read(body))
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, `{"status":"OK"}`)
	}
}

func (i *invocation) finish(o outcome) {
	i.answered.Store(true)
	i.outcome <- o
}

func trace(t time.Time) string {
	var b [12]byte
	rand.Read(b[:])
	return fmt.Sprintf("Root=1-%08x-%s;Sampled=0", t.Unix(), hex.EncodeToString(b[:]))
}

// deliver hands the invocation to the process. False: the process had ended, and the invocation is as new.
func (p *process) deliver(i *invocation) bool {
	i.deadline = time.Now().Add(i.timeout)
	p.mu.Lock()
	p.current = i
	p.mu.Unlock()
	select {
	case p.work <- i:
		return true
	case <-p.Done():
		return false
	}
}

// await waits for the answer, the time-out or the end of the process.
func (p *process) await(i *invocation, timeout time.Duration) ([]byte, error) {
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	select {
	case o := <-i.outcome:
		return o.body, o.err
	case <-limit.C:
		p.Kill()
		<-p.Done()
		return nil, &Error{timedOut, fmt.Sprintf("%s Task timed out after %.2f seconds", i.id, timeout.Seconds())}
	case <-p.Done():
		select {
		case o := <-i.outcome: // answered, then died
			return o.body, o.err
		default:
			return nil, p.exit()
		}
	}
}
