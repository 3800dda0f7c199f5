// Package engines is the part of AWS that the local run and the tests do not write themselves: DynamoDB Local and fauxqs,
// which speaks SQS.
//
// The first start fetches both through npm, as package-lock.json pins them, into the user's cache; after that a start takes
// about a second and no network. Each start gives engines of its own, on free ports, that die with this process. Create makes
// the table, the queues and the buckets of template.yaml in them (the buckets in package buckets), or in AWS.
//
// The package installs neither java nor node: it says which command does. It forgets the queues with every stop, and the
// table too unless Options.Data says where to keep it.
package engines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"

	"opiq/local/child"
)

// Engine is one of the two.
type Engine string

// The engines.
const (
	DynamoDB Engine = "DynamoDB"
	SQS      Engine = "SQS"
)

// Options say what is started.
type Options struct {
	Data string    // folder that keeps the table; "" keeps it in memory
	Only Engine    // "" starts both
	Log  io.Writer // what takes long says so here; nil is silent
}

// Engines are running.
type Engines struct {
	DynamoDB string // URL, or "" where it was not asked for
	SQS      string

	mu       sync.Mutex
	children []process
	release  []func()
	died     chan error
	stopped  atomic.Bool
}

// process is a child that runs.
type process interface {
	Kill()
	Done() <-chan struct{}
}

// Start fetches what is missing, starts the engines and returns when they answer. It fails with one line that says what to do
// where java, node or npm is missing.
func Start(ctx context.Context, o Options) (*Engines, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	dir, err := installed(ctx, o.Log)
	if err != nil {
		return nil, err
	}
	e := &Engines{died: make(chan error, 2)}
	both, ctx := errgroup.WithContext(ctx)
	if o.Only != SQS {
		both.Go(func() (err error) { e.DynamoDB, err = e.startDynamoDB(ctx, dir, o); return err })
	}
	if o.Only != DynamoDB {
		both.Go(func() (err error) { e.SQS, err = e.startSQS(ctx, dir); return err })
	}
	if err := both.Wait(); err != nil {
		e.Stop()
		return nil, err
	}
	return e, nil
}

// Stop ends the engines and waits until they are gone. It may be called more than once.
func (e *Engines) Stop() {
	e.stopped.Store(true)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.children {
		c.Kill()
	}
	for _, c := range e.children {
		<-c.Done()
	}
	for _, release := range e.release {
		release()
	}
	e.children, e.release = nil, nil
}

// Died tells of an engine that ended before Stop was called.
func (e *Engines) Died() <-chan error { return e.died }

// Config is AWS as these engines play it.
func (e *Engines) Config() aws.Config {
	return Config(map[string]string{"DynamoDB": e.DynamoDB, "DynamoDB Streams": e.DynamoDB, "SQS": e.SQS})
}

// Config is AWS with these endpoints, named as the SDK names its services: "DynamoDB", "DynamoDB Streams", "S3", "SES", "SQS",
// "SSM". A service that is not among them has an address that nobody answers: no call leaves the machine by mistake.
func Config(endpoints map[string]string) aws.Config {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 100
	return aws.Config{
		Region: "eu-north-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local", Source: "the local run"}, nil
		}),
		HTTPClient:       &http.Client{Transport: transport},
		RetryMaxAttempts: 3,
		ConfigSources:    []any{addresses(endpoints)},
	}
}

type addresses map[string]string

// GetServiceBaseEndpoint answers the SDK's question for the endpoint of a service.
func (a addresses) GetServiceBaseEndpoint(_ context.Context, service string) (string, bool, error) {
	if url := a[service]; url != "" {
		return url, true, nil
	}
	return "http://localhost:9", true, nil // the port that discards
}

func (e *Engines) startDynamoDB(ctx context.Context, dir string, o Options) (string, error) {
	args, err := java(ctx, dir, o.Log)
	if err != nil {
		return "", err
	}
	if o.Data == "" {
		args = append(args, "-inMemory")
	} else {
		data, err := filepath.Abs(o.Data)
		if err != nil {
			return "", err
		}
		if err := os.MkdirAll(data, 0o700); err != nil {
			return "", err
		}
		unlock, free, err := tryLock(filepath.Join(data, "lock"))
		if err != nil {
			return "", err
		}
		if !free {
			return "", fmt.Errorf("%s is in use by another local run: stop that one, or choose another folder", o.Data)
		}
		e.keep(unlock)
		args = append(args, "-dbPath", data)
	}
	for range 5 {
		port := freePort()
		url := fmt.Sprintf("http://127.0.0.1:%d", port)
		cmd := exec.Command(args[0], append(args[1:len(args):len(args)], "-port", fmt.Sprint(port))...)
		cmd.Dir = emulator(dir)
		err = e.run(ctx, "DynamoDB Local", cmd, func(output string) (bool, error) { return listens(url, output) })
		if err == nil {
			return url, nil
		}
		if !errors.Is(err, errTaken) {
			return "", err
		}
	}
	return "", err
}

var errTaken = errors.New("its port was taken meanwhile")

// listens tells whether DynamoDB Local answers. Where another process took its port it says so, and stays.
func listens(url, output string) (bool, error) {
	if strings.Contains(output, "Failed to bind") {
		return false, errTaken
	}
	return answers(url), nil
}

func (e *Engines) startSQS(ctx context.Context, dir string) (url string, err error) {
	node, err := tool("node")
	if err != nil {
		return "", err
	}
	cmd := exec.Command(node, "sqs.mjs")
	cmd.Dir = dir
	err = e.run(ctx, "fauxqs", cmd, func(output string) (bool, error) {
		line, _, found := strings.Cut(output, "\n")
		if found && strings.HasPrefix(line, "http://") {
			url = line
		}
		return url != "", nil
	})
	return url, err
}

// run starts a process and waits until it is ready, which is asked with its output so far.
func (e *Engines) run(ctx context.Context, name string, cmd *exec.Cmd, ready func(output string) (bool, error)) error {
	output := new(tail)
	cmd.Stdout, cmd.Stderr = output, output
	release, err := leash(cmd)
	if err != nil {
		return err
	}
	c, err := child.Start(cmd)
	if err != nil {
		release()
		return err
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	slow := time.After(time.Minute)
	for {
		select {
		case <-c.Done():
			release()
			return fmt.Errorf("%s ended at once: %s", name, output)
		case <-ctx.Done():
			err = ctx.Err()
		case <-slow:
			err = fmt.Errorf("%s does not answer after a minute: %s", name, output)
		case <-tick.C:
			yes, failed := ready(output.String())
			if failed != nil {
				err = fmt.Errorf("%s: %w", name, failed)
				break
			}
			if !yes {
				continue
			}
			e.mu.Lock()
			e.children = append(e.children, c)
			e.release = append(e.release, release)
			e.mu.Unlock()
			go func() {
				if <-c.Done(); !e.stopped.Load() {
					e.died <- fmt.Errorf("%s ended: %s", name, output)
				}
			}()
			return nil
		}
		c.Kill()
		<-c.Done()
		release()
		return err
	}
}

func (e *Engines) keep(release func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.release = append(e.release, release)
}

var probe = &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// answers tells whether anything there speaks HTTP.
func answers(url string) bool {
	r, err := probe.Get(url)
	if err != nil {
		return false
	}
	r.Body.Close()
	return true
}

var ports atomic.Int32

// freePort is a port that nobody listens on. Processes that start engines at the same time must not meet on one, so it
// depends on the process and lies below those that the system hands out itself.
func freePort() int {
	for {
		port := 16384 + (os.Getpid()*8+int(ports.Add(1)))%16000
		if l, err := net.Listen("tcp", fmt.Sprintf(":%d", port)); err == nil {
			l.Close()
			return port
		}
	}
}

// leash makes cmd end with this process also where the kernel does not see to it (child says where it does): a shell stays
// beside it and kills it when our end of a pipe closes. The returned function lets go of the pipe.
func leash(cmd *exec.Cmd) (release func(), err error) {
	if runtime.GOOS == "linux" || runtime.GOOS == "windows" {
		return func() {}, nil
	}
	return tie(cmd)
}

func tie(cmd *exec.Cmd) (release func(), err error) {
	// $$ is the number of the first shell, which becomes the engine.
	const script = `exec 3<&0; (cat <&3; kill -9 $$) >/dev/null 2>&1 & exec "$@" </dev/null 3<&-`
	sh, err := exec.LookPath("sh")
	if err != nil {
		return nil, err
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Args = append([]string{"sh", "-c", script, "sh", cmd.Path}, cmd.Args[1:]...)
	cmd.Path = sh
	cmd.Stdin = theirs
	return func() { ours.Close(); theirs.Close() }, nil
}

// tail keeps the end of what a process says.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - 4096; over > 0 {
		t.text = bytes.Clone(t.text[over:])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
