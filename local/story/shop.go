// Package story is what stories about the shop are told with: the whole shop over its real processes, and people with browsers who know
// it from outside only.
//
// The package is for tests and never deployed. It says what people can do; what must come of it the stories say.
package story

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"opiq/local/ledger"
	"opiq/local/run"
	"opiq/shared/reconciliation"
)

// Shop is the whole shop, as stories see it from outside, and all that was written and said in it.
type Shop struct {
	*run.Shop
	Journal *Record // the run's own lines and every line of the functions
	Answers *Record // every answer that a browser got, but for its cookies
	Known   Secrets
	Used    Rights
	Strike  atomic.Pointer[func(function string)] // may end a function in the middle of a call

	mu   sync.Mutex
	told map[string]bool
	gets map[string]*Record // what each person's browser got of answers, by their address
}

// Open starts a shop of its own. What a queue handed out comes again after so long, or after the template's own times where that
// is 0.
func Open(again time.Duration) (_ *Shop, err error) {
	s := &Shop{Journal: new(Record), Answers: new(Record), told: map[string]bool{}, gets: map[string]*Record{}}
	s.Shop, err = run.Start(context.Background(), run.Options{Addr: "localhost:0", Log: s.Journal, Verbose: true, Watch: s.watch, Visibility: again})
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, s.Journal)
	}
	return s, err
}

// Got is the record of what a person's browser gets.
func (s *Shop) Got(email string) *Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gets[email] == nil {
		s.gets[email] = new(Record)
	}
	return s.gets[email]
}

// watch sees every call of a function to AWS.
func (s *Shop) watch(function string, call *http.Request, body []byte) {
	s.Used.add(function, call, body)
	if strike := s.Strike.Load(); strike != nil {
		(*strike)(function)
	}
}

var (
	common  = sync.OnceValues(func() (*Shop, error) { return Open(0) })
	closing func()
)

// Close closes the shop that the stories shared, after the last of them.
func Close() {
	if closing != nil {
		closing()
	}
}

// Shared is the shop that the stories share. When a story ends everything in it has come to rest and adds up.
func Shared(t *testing.T) *Shop {
	t.Helper()
	s, err := common()
	if err != nil {
		t.Fatal(err)
	}
	closing = s.Stop
	s.mu.Lock()
	s.told[path.Base(t.Name())] = true
	s.mu.Unlock()
	from := s.Journal.Len()
	t.Cleanup(func() {
		if !t.Failed() {
			s.Rest(t, 30*time.Second)
		}
		if t.Failed() {
			t.Logf("meanwhile in the shop:\n%s", s.Journal.String()[from:])
		}
	})
	return s
}

// Tell tells those of the stories that were not told yet: for a test of what all of them leave behind.
func (s *Shop) Tell(t *testing.T, stories map[string]func(*testing.T)) {
	for _, name := range slices.Sorted(maps.Keys(stories)) {
		s.mu.Lock()
		told := s.told[name]
		s.mu.Unlock()
		if !told {
			t.Run(name, stories[name])
		}
	}
}

// Rest waits until no queue holds a message, and no letter and no bank entry waits, and then holds the table against the invariants.
func (s *Shop) Rest(t testing.TB, within time.Duration) ledger.Ledger {
	t.Helper()
	var l ledger.Ledger
	Until(t, within, func() string {
		if waiting := s.Waiting(t); len(waiting) > 0 {
			return fmt.Sprint("messages wait: ", waiting)
		}
		if l = s.Ledger(t); len(l.Unsent()) > 0 {
			return fmt.Sprint("letters wait: ", l.Unsent())
		}
		if slices.ContainsFunc(l.Entries, func(e reconciliation.Entry) bool { return e.State == reconciliation.New }) {
			return "bank entries wait"
		}
		return ""
	})
	for _, breach := range l.Check() {
		t.Error(breach)
	}
	return l
}

// Ledger is all that the table holds.
func (s *Shop) Ledger(t testing.TB) ledger.Ledger {
	t.Helper()
	l, err := ledger.Read(context.Background(), s.AWS, s.Made.Tables["Table"])
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Waiting is how many messages each queue holds, seen or not, where it holds any.
func (s *Shop) Waiting(t testing.TB) map[string]int {
	t.Helper()
	all := map[string]int{}
	client := sqs.NewFromConfig(s.AWS)
	for id, url := range s.Made.Queues {
		out, err := client.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{
			QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, count := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
			n, err := strconv.Atoi(out.Attributes[count])
			if err != nil {
				t.Fatalf("%s: %s: %v", id, count, err)
			}
			if n > 0 {
				all[id] += n
			}
		}
	}
	return all
}

// Together does a thing so many times at once, each as a test of its own.
func Together(t *testing.T, n int, do func(t *testing.T, i int)) {
	t.Helper()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { t.Run(strconv.Itoa(i), func(t *testing.T) { do(t, i) }) })
	}
	all.Wait()
}

// Abreast does a thing so many times, a dozen at once.
func Abreast(n int, do func(i int)) {
	turns := make(chan struct{}, 6)
	var all sync.WaitGroup
	for i := range n {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			do(i)
		})
	}
	all.Wait()
}

// Until waits until nothing is missing any more, and fails with what is.
func Until(t testing.TB, within time.Duration, missing func() string) {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		what := missing()
		if what == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v: %s", within, what)
		}
	}
}

// Schedule fires a function's schedule as if it were another instant.
func (s *Shop) Schedule(t testing.TB, function string, at time.Time) {
	t.Helper()
	url := s.URL + "/_local/schedule/" + function + "?time=" + at.UTC().Format(time.RFC3339)
	r, err := http.NewRequestWithContext(t.Context(), "POST", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for try := 1; ; try++ {
		out, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(out.Body)
		out.Body.Close()
		if err == nil && out.StatusCode == 200 {
			return
		}
		if try == 100 || out.StatusCode != 502 { // 502: it was killed, and Lambda would try again
			t.Fatalf("the schedule of %s at %v: %d %s", function, at, out.StatusCode, body)
		}
	}
}

// Record is text that many write at once.
type Record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds to it.
func (r *Record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

// String is all of it.
func (r *Record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// Len is how long it is so far.
func (r *Record) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Len()
}
