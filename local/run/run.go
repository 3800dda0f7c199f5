// Package run is the whole shop on one machine: it puts the engines, the functions, the gateway with the edge before it, the
// sources, the stand-ins of banks and card provider, and the mailbox together as template.yaml says.
//
// What exists only here lives under /_local/. The package decides nothing that the template can say, and reads no other
// configuration than the SDK's own AWS_ENDPOINT_URL_*, which point a service elsewhere.
package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"

	"opiq/local/bank"
	"opiq/local/buckets"
	"opiq/local/engines"
	"opiq/local/everypay"
	"opiq/local/inbox"
	"opiq/local/lambda"
	"opiq/local/parameters"
	"opiq/local/template"
)

// Options of a run.
type Options struct {
	Addr    string    // host:port; port 0 takes a free one
	Data    string    // folder that keeps table, mail and uploads; "" forgets them
	Verbose bool      // a line for each call and all that the functions log
	Log     io.Writer // progress and trouble; nil is silent
	// Visibility, if given, replaces the queues' visibility time-outs: a test that kills functions cannot wait as long
	// as AWS does for a message to come again.
	Visibility time.Duration
	// Pace is how many times faster than its documentation says the card provider calls back; 0 is 300: five minutes are a second.
	Pace int
	// Watch, if given, sees each call of a function to AWS, with its body, before the call goes on.
	Watch func(function string, call *http.Request, body []byte)
}

// Shop is a running shop.
type Shop struct {
	URL       string // http://localhost:8080
	Functions *lambda.Host
	Mail      *inbox.Inbox
	Staff     Staff
	Template  *template.Template
	AWS       aws.Config   // the table, the queues and the buckets as the functions see them
	Made      engines.Made // their names and URLs

	log      *journal
	engines  *engines.Engines
	server   *http.Server
	stops    []func() // in the order of their making
	stopping sync.Once
}

// stage and sender are the parameters of the template that have no other place on one machine.
const (
	stage   = "dev"
	sender  = "no-reply@opiq.test"
	secrets = "/opiq/" + stage
)

// Origin is the word by which the functions' door knows the edge of this machine. It protects nobody: everybody can read it here.
const Origin = "test-word-of-the-edge-on-one-machine-it-protects-nobody"

// variables are the SDK's own names for where a service is, by its name for the service.
var variables = map[string]string{
	"DynamoDB": "AWS_ENDPOINT_URL_DYNAMODB",
	"S3":       "AWS_ENDPOINT_URL_S3",
	"SES":      "AWS_ENDPOINT_URL_SES",
	"SQS":      "AWS_ENDPOINT_URL_SQS",
	"SSM":      "AWS_ENDPOINT_URL_SSM",
}

// Start starts a shop. When it returns nil error, every function has started once and all answers. An error is one that
// a person can act on.
func Start(ctx context.Context, o Options) (_ *Shop, err error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	s := &Shop{log: &journal{to: o.Log, verbose: o.Verbose, began: time.Now()}}
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	root, err := Root()
	if err != nil {
		return nil, err
	}
	door, err := listen(o.Addr)
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, func() { door.Close() })
	s.URL = address(o.Addr, door)
	s.Template, err = template.Read(filepath.Join(root, "template.yaml"), map[string]string{"Stage": stage, "PublicUrl": s.URL, "Sender": sender})
	if err != nil {
		return nil, err
	}
	if o.Visibility > 0 {
		for i := range s.Template.Queues {
			s.Template.Queues[i].Visibility = o.Visibility
		}
	}
	binaries, err := os.MkdirTemp("", "opiq-functions-")
	if err != nil {
		return nil, err
	}
	s.stops = append(s.stops, func() { os.RemoveAll(binaries) })

	s.log.step(nil, "building %d functions, starting the engines", len(s.Template.Functions))
	both, starting := errgroup.WithContext(ctx)
	both.Go(func() (err error) {
		s.engines, err = engines.Start(starting, engines.Options{Data: o.Data, Log: s.log})
		s.log.step(err, "engines: DynamoDB Local and fauxqs")
		return err
	})
	both.Go(func() error {
		err := lambda.Build(starting, root, binaries, "./functions/...")
		s.log.step(err, "%d functions built", len(s.Template.Functions))
		return err
	})
	err = both.Wait()
	if s.engines != nil {
		s.stops = append(s.stops, s.engines.Stop)
	}
	if err != nil {
		return nil, cause(ctx, err)
	}
	if err := s.open(ctx, o, door, binaries); err != nil {
		return nil, cause(ctx, err)
	}
	return s, nil
}

// cause prefers to say that the start was ended from outside.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// open makes what needs the engines and the executables.
func (s *Shop) open(ctx context.Context, o Options, door net.Listener, binaries string) (err error) {
	mailbox, objects := filepath.Join(o.Data, "mail"), filepath.Join(o.Data, "buckets")
	if o.Data == "" {
		mailbox = ""
		if objects, err = os.MkdirTemp("", "opiq-buckets-"); err != nil {
			return err
		}
		s.stops = append(s.stops, func() { os.RemoveAll(objects) })
	}
	if s.Mail, err = inbox.New(mailbox); err != nil {
		return err
	}
	values, banks, err := bank.Local(s.URL, secrets)
	if err != nil {
		return err
	}
	s.stops = append(s.stops, banks.Close)
	cards := everypay.Open(everypay.Options{PublicURL: s.URL, Callback: s.URL + "/v1/callbacks/card", Speed: o.Pace})
	s.stops = append(s.stops, cards.Close)
	agreed, err := cards.Parameters(secrets)
	if err != nil {
		return err
	}
	maps.Copy(values, agreed)
	values[secrets+"/origin"] = parameters.Value{Text: Origin}
	endpoints := map[string]string{"DynamoDB": s.engines.DynamoDB, "SQS": s.engines.SQS}
	for service, handler := range map[string]http.Handler{"S3": buckets.New(objects), "SES": s.Mail, "SSM": parameters.New(values)} {
		if endpoints[service], err = s.serve(handler); err != nil {
			return err
		}
	}
	environment := map[string]string{}
	for service, variable := range variables {
		if elsewhere := os.Getenv(variable); elsewhere != "" {
			endpoints[service] = elsewhere
		}
		environment[variable] = endpoints[service]
	}
	endpoints["DynamoDB Streams"] = endpoints["DynamoDB"]
	s.AWS = engines.Config(endpoints)
	if s.Made, err = engines.Create(ctx, s.AWS, s.Template); err != nil {
		return err
	}
	s.log.step(nil, "table, queues and buckets as template.yaml says")

	services := func(string) map[string]string { return environment }
	if o.Watch != nil {
		if services, err = s.watch(environment, o.Watch); err != nil {
			return err
		}
	}
	functions, err := s.functions(binaries, services)
	if err != nil {
		return err
	}
	s.Functions = lambda.Open(lambda.Options{Functions: functions, Log: s.log, Verbose: o.Verbose, Called: s.log.call})
	s.stops = append(s.stops, s.Functions.Stop)
	stocking, inner := errgroup.WithContext(ctx)
	stocking.Go(func() error { return s.stock(inner) }) // beside the functions' starts, which take longer
	if err := s.Functions.Warm(); err != nil {
		return errors.Join(fmt.Errorf("a function does not start: %w", err), stocking.Wait())
	}
	s.log.step(nil, "every function started once")
	if err := stocking.Wait(); err != nil {
		return err
	}
	s.log.step(nil, "a worksheet beside every work")
	if err := s.enroll(ctx); err != nil {
		return err
	}

	seller, err := s.account(values)
	if err != nil {
		return err
	}
	drawn, err := s.draw()
	if err != nil {
		return err
	}
	s.stops = append(s.stops, drawn.stop)
	shop, err := s.shop(ctx)
	if err != nil {
		return err
	}
	s.server = &http.Server{Handler: s.handler(shop, banks, cards, seller, drawn.schedules), ReadHeaderTimeout: 10 * time.Second}
	s.stops = append(s.stops, s.shut)
	go s.server.Serve(door)
	return nil
}

// Stop ends everything in the reverse order of its start and returns when no process is left. Calls that are running
// have two seconds to end. It may be called more than once.
func (s *Shop) Stop() {
	s.stopping.Do(func() {
		for i := len(s.stops) - 1; i >= 0; i-- {
			s.stops[i]()
		}
	})
}

// Died tells of an engine that ended by itself: the shop is of no use then.
func (s *Shop) Died() <-chan error { return s.engines.Died() }

const grace = 2 * time.Second

func (s *Shop) shut() {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		s.server.Close()
	}
}

// functions are the template's functions with their environment made whole.
func (s *Shop) functions(binaries string, services func(function string) map[string]string) ([]lambda.Function, error) {
	var all []lambda.Function
	for _, f := range s.Template.Functions {
		env := maps.Clone(services(f.Name))
		for name, value := range f.Environment {
			v, err := template.Expand(value, s.Made.Value)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", f.ID, name, err)
			}
			env[name] = v
		}
		all = append(all, lambda.Function{
			Name:     f.Name,
			Binary:   filepath.Join(binaries, f.Name),
			Env:      env,
			Timeout:  f.Timeout,
			Memory:   f.Memory,
			Reserved: max(0, f.Concurrency),
		})
	}
	return all, nil
}

// serve gives a receiver an address of its own on this machine.
func (s *Shop) serve(h http.Handler) (url string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	s.stops = append(s.stops, func() { server.Close() })
	go server.Serve(l)
	return "http://" + l.Addr().String(), nil
}

// Root is the folder of the template: this one or one above it.
func Root() (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := here; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "template.yaml")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("there is no template.yaml in %s or above it: start in the repository", here)
		}
	}
}

func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		host, port, _ := net.SplitHostPort(addr)
		return nil, fmt.Errorf("port %s is in use: stop what listens there, or choose another one: -addr %s", port, net.JoinHostPort(host, "8081"))
	}
	if err != nil {
		return nil, fmt.Errorf("-addr %s: %w", addr, err)
	}
	return l, nil
}

// address is the shop's own URL: the host as it was asked for, the port as it was given.
func address(asked string, l net.Listener) string {
	host, _, _ := net.SplitHostPort(asked)
	if host == "" {
		host = "localhost"
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return "http://" + net.JoinHostPort(host, port)
}
