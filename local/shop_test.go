package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
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

// shop is the whole shop, as stories see it from outside, and all that was written and said in it.
type shop struct {
	*run.Shop
	journal *record // the run's own lines and every line of the functions
	answers *record // every answer that a browser got, but for its cookies
	known   secrets
	used    rights
	strike  atomic.Pointer[func(function string)] // may end a function in the middle of a call

	mu   sync.Mutex
	told map[string]bool
	gets map[string]*record // what each person's browser got of answers, by their address
}

// open starts a shop of its own. What a queue handed out comes again after so long, or after the template's own times where that
// is 0.
func open(again time.Duration) (_ *shop, err error) {
	s := &shop{journal: new(record), answers: new(record), told: map[string]bool{}, gets: map[string]*record{}}
	s.Shop, err = run.Start(context.Background(), run.Options{Addr: "localhost:0", Log: s.journal, Verbose: true, Watch: s.watch, Visibility: again})
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, s.journal)
	}
	return s, err
}

// got is the record of what a person's browser gets.
func (s *shop) got(email string) *record {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gets[email] == nil {
		s.gets[email] = new(record)
	}
	return s.gets[email]
}

// watch sees every call of a function to AWS.
func (s *shop) watch(function string, call *http.Request, body []byte) {
	s.used.add(function, call, body)
	if strike := s.strike.Load(); strike != nil {
		(*strike)(function)
	}
}

var (
	common  = sync.OnceValues(func() (*shop, error) { return open(0) })
	closing func()
)

// story is the shop that the stories share. When a story ends everything in it has come to rest and adds up.
func story(t *testing.T) *shop {
	t.Helper()
	s, err := common()
	if err != nil {
		t.Fatal(err)
	}
	closing = s.Stop
	s.mu.Lock()
	s.told[path.Base(t.Name())] = true
	s.mu.Unlock()
	from := s.journal.Len()
	t.Cleanup(func() {
		if !t.Failed() {
			s.rest(t, 30*time.Second)
		}
		if t.Failed() {
			t.Logf("meanwhile in the shop:\n%s", s.journal.String()[from:])
		}
	})
	return s
}

// tell tells those of the stories that were not told yet: for a test of what all of them leave behind.
func (s *shop) tell(t *testing.T, stories map[string]func(*testing.T)) {
	for _, name := range slices.Sorted(maps.Keys(stories)) {
		s.mu.Lock()
		told := s.told[name]
		s.mu.Unlock()
		if !told {
			t.Run(name, stories[name])
		}
	}
}

// rest waits until no queue holds a message, and no letter and no bank entry waits, and then holds the table against the invariants.
func (s *shop) rest(t testing.TB, within time.Duration) ledger.Ledger {
	t.Helper()
	var l ledger.Ledger
	until(t, within, func() string {
		if waiting := s.waiting(t); len(waiting) > 0 {
			return fmt.Sprint("messages wait: ", waiting)
		}
		if l = s.ledger(t); len(l.Unsent()) > 0 {
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

func (s *shop) ledger(t testing.TB) ledger.Ledger {
	t.Helper()
	l, err := ledger.Read(context.Background(), s.AWS, s.Made.Tables["Table"])
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// waiting is how many messages each queue holds, seen or not, where it holds any.
func (s *shop) waiting(t testing.TB) map[string]int {
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

// together does a thing so many times at once, each as a test of its own.
func together(t *testing.T, n int, do func(t *testing.T, i int)) {
	t.Helper()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { t.Run(strconv.Itoa(i), func(t *testing.T) { do(t, i) }) })
	}
	all.Wait()
}

// abreast does a thing so many times, a dozen at once.
func abreast(n int, do func(i int)) {
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

// until waits until nothing is missing any more, and fails with what is.
func until(t testing.TB, within time.Duration, missing func() string) {
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

// schedule fires a function's schedule as if it were another instant.
func (s *shop) schedule(t testing.TB, function string, at time.Time) {
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

// record is text that many write at once.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func (r *record) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Len()
}

// TestMain lets the test binary be the program, and closes the shop after the last story.
func TestMain(m *testing.M) {
	if os.Getenv("PLAY_LOCAL") != "" {
		main()
		return
	}
	code := m.Run()
	if closing != nil {
		closing()
	}
	os.Exit(code)
}
