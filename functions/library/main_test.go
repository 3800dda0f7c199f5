package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"opiq/local/fault"
	"opiq/local/golden"
	"opiq/local/ledger"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/account"
	"opiq/shared/activity"
	"opiq/shared/bucket"
	"opiq/shared/catalog"
	"opiq/shared/hold"
	"opiq/shared/license"
	"opiq/shared/payment"
	"opiq/shared/queue"
	"opiq/shared/reading"
	"opiq/shared/table"
	"opiq/shared/web"
)

// shelf are the files of a work.
type shelf struct{}

func (shelf) List(_ context.Context, prefix string) ([]bucket.Object, error) {
	all := []bucket.Object{
		{Key: "works/w001/"}, {Key: "works/w001/Tööleht.txt", Size: 512}, {Key: "works/w001/laul.MP3", Size: 1 << 20}, {Key: "works/w001/lisa/"},
		{Key: "works/w001/lisa/hindamine 100%.pdf", Size: 2048}, {Key: "works/w001/page.html", Size: 9},
	}
	return slices.DeleteFunc(all, func(o bucket.Object) bool { return !strings.HasPrefix(o.Key, prefix) }), nil
}

func (shelf) Download(_ context.Context, key, contentType, name string, lives time.Duration) (bucket.Link, error) {
	return bucket.Link{Method: "GET", URL: "https://works.example/" + key + "?as=" + contentType + "&name=" + name, ExpiresAt: people.Noon.Add(lives)}, nil
}

// log keeps the lines that it is told.
type log struct {
	mu    sync.Mutex
	lines []activity.Line
}

func (l *log) Send(_ context.Context, message any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, message.(activity.Line))
	return nil
}

// told are the lines by their names; each is one that the log takes.
func (l *log) told(t *testing.T) []activity.Line {
	t.Helper()
	slices.SortFunc(l.lines, func(a, b activity.Line) int { return strings.Compare(a.ID, b.ID) })
	for _, one := range l.lines {
		if err := one.Err(); err != nil {
			t.Error(err)
		}
	}
	return l.lines
}

func open(cfg aws.Config, name string) library {
	return library{table.Open(cfg, name), shelf{}, new(log), web.CookieAt(people.PublicURL), people.Now}
}

// world is a table in which people have moved in.
func world(t testing.TB) (aws.Config, string, *table.Table) {
	t.Helper()
	cfg, name := stage.Table(t)
	s := table.Open(cfg, name)
	people.MoveIn(t, s)
	return cfg, name, s
}

// mari changes Mari's account.
func mari(change func(*account.Account)) func(*testing.T, *table.Table) {
	return func(t *testing.T, s *table.Table) {
		a, err := s.Account(t.Context(), people.Mari)
		if err == nil {
			change(&a)
			err = s.ChangeAccount(t.Context(), a)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

var (
	closed = mari(func(a *account.Account) {
		a.Holds = hold.Set{{ID: "h1", On: hold.On(hold.OnAccount, a.ID), Basis: hold.Harmful, Since: people.Noon, Final: true}}
	})
	held = mari(func(a *account.Account) {
		a.Holds = hold.Set{{ID: "h1", On: hold.On(hold.OnAccount, a.ID), Basis: hold.Unacceptable, Since: people.Noon}}
	})
	outdated = mari(func(a *account.Account) { a.Accepted = nil })
	// stays signs her in for long, so that she sees how her licenses end.
	stays     = mari(func(a *account.Account) { a.Sessions[0].ExpiresAt = people.Noon.AddDate(1, 0, 0) })
	suspended = func(t *testing.T, s *table.Table) { people.TakeBack(t, s, people.Running, people.Noon) }
	revoked   = func(t *testing.T, s *table.Table) {
		people.GiveBack(t, s, people.Running, payment.Ask{Reason: payment.Agreed, Key: "once"}, people.Noon)
	}
)

// hour is a full count of the hour that has begun at noon.
func hour(limit account.Limit) activity.Count {
	return activity.Count{Tries: account.Tries{Count: limit.Max, Until: people.Noon.Add(limit.Per)}}
}

func full(t *testing.T, s *table.Table) {
	if err := s.CountBy(t.Context(), people.Mari, hour(account.ReadTries)); err != nil {
		t.Fatal(err)
	}
}

func crowded(t *testing.T, s *table.Table) {
	if err := s.CountAt(t.Context(), "192.0.2.17", hour(account.ReadTriesAt)); err != nil {
		t.Fatal(err)
	}
}

// read is somebody who read a chapter, as the log has it.
func read(t *testing.T, s *table.Table, who account.ID, in reading.Place, chapter int, at time.Time) {
	t.Helper()
	in, _ = in.Read(chapter, at)
	line := activity.Of(who, activity.ChapterRead, string(in.Work), "192.0.2.17", at)
	line.Work, line.Chapter = in.Work, chapter
	if err := errors.Join(s.Log(t.Context(), line), s.KeepPlace(t.Context(), who, in)); err != nil {
		t.Fatal(err)
	}
}

// places are what Mari has read and marked: more than is shown, and one of them in a work that is withdrawn.
func places(t *testing.T, s *table.Table) {
	read(t, s, people.Mari, reading.Place{Work: "w215"}, 2, people.Noon.Add(-time.Minute))
	for i := range 22 {
		p := reading.Place{Work: catalog.WorkID(fmt.Sprintf("w%03d", i+1))}
		if i == 0 {
			p.Bookmarks = []reading.Bookmark{{Chapter: 1, At: people.Noon}, {Chapter: 3, At: people.Noon}}
		}
		read(t, s, people.Mari, p, 1+i%3, people.Noon.Add(-time.Duration(i)*time.Hour))
	}
}

func jaanHasRead(t *testing.T, s *table.Table) {
	read(t, s, people.Jaan, reading.Place{Work: "w001"}, 1, people.Noon)
}

// before is what happened before an event, and at is when the event comes, where that is not at noon.
var before = map[string]func(*testing.T, *table.Table){
	"entitlement-account-closed": closed, "entitlement-account-held": held, "entitlement-terms-required": outdated, "entitlement-suspended": suspended,
	"entitlement-revoked": revoked, "entitlement-expired": stays, "license-suspended": suspended, "library": places, "library-without-license": jaanHasRead,
	"chapter-too-many": full, "chapter-too-many-at-the-address": crowded, "search-too-many": full, "files-too-many": full, "file-too-many": full,
}

var at = map[string]time.Time{
	"entitlement-not-started": time.Date(2026, 12, 21, 22, 0, 0, 0, time.UTC), // between her licenses
	"entitlement-expired":     time.Date(2027, 1, 31, 22, 0, 0, 0, time.UTC),
}

func TestEvents(t *testing.T) {
	played := maps.Clone(before)
	cfg, all, _ := world(t)
	golden.Events(t, "library", func(t *testing.T, name string, event []byte) any {
		l := open(cfg, all)
		if prepare := before[name]; prepare != nil {
			cfg, mine, s := world(t)
			prepare(t, s)
			l = open(cfg, mine)
			delete(played, name)
		}
		if now, ok := at[name]; ok {
			l.now = func() time.Time { return now }
		}
		answer := people.Answer(t, l.routes(), event)
		return map[string]any{"answer": json.RawMessage(golden.JSON(t, answer)), "told": l.activity.(*log).told(t)}
	})
	for name := range played {
		t.Errorf("there is no event %s", name)
	}
}

// questions are a request for each route, of a reader who finds something.
func questions() map[string]events.APIGatewayV2HTTPRequest {
	all := map[string]events.APIGatewayV2HTTPRequest{}
	for route := range (library{}).routes() {
		path := map[string]string{"id": "w001", "n": "1", "name": "Tööleht.txt"}
		if strings.HasPrefix(route, "GET /v1/licenses/") {
			path["id"] = string(license.Of(string(people.Running)))
		}
		e := people.Request(route, people.Mari, path, nil)
		if strings.HasSuffix(route, "/search") {
			e.RawQueryString = "q=kaal"
		}
		all[route] = e
	}
	return all
}

// together lets calls go on only when so many are under way at once.
type together struct {
	next  aws.HTTPClient
	want  int
	mu    sync.Mutex
	calls []string
	all   chan struct{}
}

func (c *together) Do(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.calls = append(c.calls, strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810."))
	if len(c.calls) == c.want {
		close(c.all)
	}
	c.mu.Unlock()
	select {
	case <-c.all:
		return c.next.Do(r)
	case <-time.After(10 * time.Second):
		return nil, errors.New("the other calls do not come: it is more than one round trip")
	}
}

// TestADecisionIsOneRoundTripAndNoWrite counts what every route asks of the table: the reads of the decision, all at once, and nothing
// else. The page of the library reads where somebody was beside them.
func TestADecisionIsOneRoundTripAndNoWrite(t *testing.T) {
	cfg, name, _ := world(t)
	for route, e := range questions() {
		want := []string{"GetItem", "Query", "Query"}
		if route == "GET /v1/library" {
			want = append(want, "Query")
		}
		seen := &together{next: http.DefaultClient, want: len(want), all: make(chan struct{})}
		mine := cfg.Copy()
		mine.HTTPClient, mine.Retryer = seen, func() aws.Retryer { return aws.NopRetryer{} }
		out, err := open(mine, name).routes().Handle(t.Context(), e)
		if err != nil || out.StatusCode != 200 {
			t.Errorf("%s: %d %s (%v)", route, out.StatusCode, out.Body, err)
		}
		if slices.Sort(seen.calls); !slices.Equal(seen.calls, want) {
			t.Errorf("%s makes the calls %v", route, seen.calls)
		}
	}
}

// TestItMayNotWrite holds that against the template: what the function never does, it has no right to.
func TestItMayNotWrite(t *testing.T) {
	var granted []string
	for _, f := range stage.Template(t).Functions {
		if f.Name == "library" {
			text, err := json.Marshal(f.Policies)
			if err != nil {
				t.Fatal(err)
			}
			actions := strings.ReplaceAll(string(text), "dynamodb:LeadingKeys", "a condition")
			granted = regexp.MustCompile(`(dynamodb|s3|sqs):[A-Z][A-Za-z]+`).FindAllString(actions, -1)
		}
	}
	if want := []string{"dynamodb:GetItem", "dynamodb:Query", "s3:GetObject", "s3:ListBucket", "sqs:SendMessage"}; !slices.Equal(slices.Sorted(slices.Values(granted)), want) {
		t.Errorf("it may %v", granted)
	}
}

// doors are the routes that give something of a work away.
var doors = []string{"GET /v1/library/works/{id}/chapters/{n}", "GET /v1/library/works/{id}/files/{name+}", "GET /v1/library/works/{id}/files", "GET /v1/library/search"}

// TestEveryDoorStandsBehindTheDecision asks for a chapter, a file, the files and the words of works in every state that keeps somebody out, and
// hears why each time; nothing that was refused is told to the log.
func TestEveryDoorStandsBehindTheDecision(t *testing.T) {
	cfg, all, _ := world(t)
	for _, c := range []struct {
		code    license.Code
		before  func(*testing.T, *table.Table)
		who     account.ID
		work    string
		at      time.Time
		status  int
		library bool // the whole of it is closed, and not only the work
	}{
		{license.AccountClosed, closed, people.Mari, "w001", people.Noon, 403, true},
		{license.AccountHeld, held, people.Mari, "w001", people.Noon, 403, true},
		{license.TermsRequired, outdated, people.Mari, "w001", people.Noon, 403, true},
		{"unknown_work", nil, people.Mari, "w999", people.Noon, 404, false},
		{license.WorkSuspendedIP, nil, people.Mari, "w183", people.Noon, 410, false},
		{license.WorkWithdrawn, nil, people.Mari, "w215", people.Noon, 410, false},
		{license.IsRevoked, revoked, people.Mari, "w001", people.Noon, 403, true},
		{license.IsSuspended, suspended, people.Mari, "w001", people.Noon, 403, true},
		{license.NotStarted, nil, people.Mari, "w001", at["entitlement-not-started"], 403, true},
		{license.HasExpired, stays, people.Mari, "w001", at["entitlement-expired"], 403, true},
		{license.NoLicense, nil, people.Jaan, "w001", people.Noon, 403, true},
		{"too_many_reads", full, people.Mari, "w001", people.Noon, 429, true},
		{"too_many_reads", crowded, people.Mari, "w001", people.Noon, 429, true},
		{"not_signed_in", nil, "", "w001", people.Noon, 401, true},
	} {
		t.Run(string(c.code), func(t *testing.T) {
			l := open(cfg, all)
			if c.before != nil {
				cfg, name, s := world(t)
				c.before(t, s)
				l = open(cfg, name)
			}
			l.now = func() time.Time { return c.at }
			for _, door := range doors {
				e := people.Request(door, c.who, map[string]string{"id": c.work, "n": "1", "name": "Tööleht.txt"}, nil)
				e.RawQueryString = "q=kaal"
				out, err := l.routes().Handle(t.Context(), e)
				if err != nil {
					t.Fatal(err)
				}
				status := c.status
				if strings.HasSuffix(door, "/search") && !c.library {
					status = 200
				}
				if out.StatusCode != status || status != 200 && !strings.Contains(out.Body, `"code":"`+string(c.code)+`"`) {
					t.Errorf("%s: %d %s", door, out.StatusCode, out.Body)
				}
			}
			for _, line := range l.activity.(*log).told(t) {
				if line.What != activity.Searched || c.library {
					t.Errorf("the log hears %+v", line)
				}
			}
		})
	}
}

// TestWhoIsShutOutHearsThatOfAnyWork: what there is and what not is told to those who may ask.
func TestWhoIsShutOutHearsThatOfAnyWork(t *testing.T) {
	for code, before := range map[license.Code]func(*testing.T, *table.Table){license.AccountClosed: closed, license.AccountHeld: held} {
		cfg, name, s := world(t)
		before(t, s)
		e := people.Request("GET /v1/library/works/{id}", people.Mari, map[string]string{"id": "w999"}, nil)
		out, err := open(cfg, name).routes().Handle(t.Context(), e)
		if err != nil || out.StatusCode != 403 || !strings.Contains(out.Body, `"code":"`+string(code)+`"`) {
			t.Errorf("%s: %d %s (%v)", code, out.StatusCode, out.Body, err)
		}
	}
}

// TestNamesThatNoFileCanHaveAreNotLookedFor: S3 could not write some of them into a list.
func TestNamesThatNoFileCanHaveAreNotLookedFor(t *testing.T) {
	cfg, name, _ := world(t)
	l := open(cfg, name)
	l.files = nil
	for _, file := range []string{"", "/", "a/", "a\x00b", "a\nb", "\uffff", strings.Repeat("õ", 510)} {
		out, err := l.routes().Handle(t.Context(), people.Request(doors[1], people.Mari, map[string]string{"id": "w001", "name": file}, nil))
		if err != nil || out.StatusCode != 404 || !strings.Contains(out.Body, `"code":"no_such_file"`) {
			t.Errorf("%q: %d %s (%v)", file, out.StatusCode, out.Body, err)
		}
	}
}

func TestTheDoorOpensAndClosesByTheClockAlone(t *testing.T) {
	cfg, name, s := world(t)
	l := open(cfg, name)
	path := map[string]string{"id": "w001", "n": "1"}
	opens := func(who account.ID, at time.Time) int {
		l.now = func() time.Time { return at }
		out, err := l.routes().Handle(t.Context(), people.Request(doors[0], who, path, nil))
		if err != nil {
			t.Fatal(err)
		}
		return out.StatusCode
	}
	running := people.License(t, s, people.Running)
	for at, want := range map[time.Time]int{
		running.StartsAt: 200, running.EndsAt.Add(-time.Nanosecond): 200, running.EndsAt: 403,
	} {
		if got := opens(people.Mari, at); got != want {
			t.Errorf("at %s: %d, not %d", at, got, want)
		}
	}
	if got := opens(people.Jaan, people.Noon); got != 403 {
		t.Errorf("without a license: %d", got)
	}
}

// TestWhoReadsTooMuchWaitsForTheNextHour comes to both limits, by the account and by the network, and to their ends.
func TestWhoReadsTooMuchWaitsForTheNextHour(t *testing.T) {
	last := func(c activity.Count) activity.Count { c.Count--; return c }
	for name, c := range map[string]struct {
		before     func(context.Context, *table.Table) error
		at         time.Duration
		status     int
		retryAfter string
	}{
		"one chapter is left": {func(ctx context.Context, s *table.Table) error {
			return s.CountBy(ctx, people.Mari, last(hour(account.ReadTries)))
		}, 0, 200, ""},
		"one is left at the address": {func(ctx context.Context, s *table.Table) error {
			return s.CountAt(ctx, "192.0.2.17", last(hour(account.ReadTriesAt)))
		}, 0, 200, ""},
		"none is left": {func(ctx context.Context, s *table.Table) error {
			return s.CountBy(ctx, people.Mari, hour(account.ReadTries))
		}, 20 * time.Minute, 429, "2400"},
		"none is left at the address": {func(ctx context.Context, s *table.Table) error {
			return s.CountAt(ctx, "192.0.2.17", hour(account.ReadTriesAt))
		}, 59*time.Minute + 59*time.Second, 429, "1"},
		"a new hour": {func(ctx context.Context, s *table.Table) error {
			return s.CountBy(ctx, people.Mari, hour(account.ReadTries))
		}, time.Hour, 200, ""},
		"a new hour at the address": {func(ctx context.Context, s *table.Table) error {
			return s.CountAt(ctx, "192.0.2.17", hour(account.ReadTriesAt))
		}, time.Hour, 200, ""},
		"somebody else read too much": {func(ctx context.Context, s *table.Table) error {
			return s.CountBy(ctx, people.Jaan, hour(account.ReadTries))
		}, 0, 200, ""},
		"somewhere else they read more": {func(ctx context.Context, s *table.Table) error {
			return s.CountAt(ctx, "192.0.2.18", hour(account.ReadTriesAt))
		}, 0, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, mine, s := world(t)
			if err := c.before(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			l := open(cfg, mine)
			l.now = func() time.Time { return people.Noon.Add(c.at) }
			for route, e := range questions() {
				status, wait := c.status, c.retryAfter
				if !slices.Contains(doors, route) { // whoever has to wait may still ask why, and what they have
					status, wait = 200, ""
				}
				out, err := l.routes().Handle(t.Context(), e)
				if err != nil || out.StatusCode != status || out.Headers["Retry-After"] != wait {
					t.Errorf("%s: %d, again after %q (%v)", route, out.StatusCode, out.Headers["Retry-After"], err)
				}
			}
		})
	}
}

// deaf is a queue that does not answer.
type deaf struct{}

func (deaf) Send(ctx context.Context, _ any) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestNobodyWaitsForTheLog reads while the queue of the log is down: all is answered, and in a moment.
func TestNobodyWaitsForTheLog(t *testing.T) {
	cfg, name, _ := world(t)
	l := open(cfg, name)
	l.activity = deaf{}
	for route, e := range questions() {
		began := time.Now()
		out, err := l.routes().Handle(t.Context(), e)
		if took := time.Since(began); err != nil || out.StatusCode != 200 || took > 800*time.Millisecond {
			t.Errorf("%s: %d after %v (%v)", route, out.StatusCode, took, err)
		}
	}
}

// kept makes a bucket with files of two works.
func kept(t *testing.T, cfg aws.Config) (aws.Config, string) {
	t.Helper()
	cfg, name := stage.Bucket(t, cfg)
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	for _, key := range []string{"works/w001/Tööleht.txt", "works/w001/Tööleht.txt.bak", "works/w002/other.txt"} {
		if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: strings.NewReader("text of " + key)}); err != nil {
			t.Fatal(err)
		}
	}
	return cfg, name
}

// TestALinkOpensItsFileAndNoOther follows a link to the bucket.
func TestALinkOpensItsFileAndNoOther(t *testing.T) {
	cfg, name, _ := world(t)
	cfg, works := kept(t, cfg)
	l := open(cfg, name)
	l.files = bucket.Open(cfg, works)
	out, err := l.routes().Handle(t.Context(), people.Request(doors[1], people.Mari, map[string]string{"id": "w001", "name": "Tööleht.txt"}, nil))
	var got linked
	if err := errors.Join(err, json.Unmarshal([]byte(out.Body), &got)); err != nil || out.StatusCode != 200 {
		t.Fatalf("%d %s (%v)", out.StatusCode, out.Body, err)
	}
	if got.Name != "Tööleht.txt" || got.Size != int64(len("text of works/w001/Tööleht.txt")) {
		t.Fatalf("%+v", got)
	}
	if lives := time.Until(got.ExpiresAt); lives > linkLives {
		t.Errorf("the link lives for %v", lives)
	}
	fetch := func(url string) (int, string, http.Header) {
		answer, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body), answer.Header
	}
	status, body, head := fetch(got.URL)
	if status != 200 || body != "text of works/w001/Tööleht.txt" || head.Get("Content-Type") != got.Type || head.Get("Cache-Control") != "private, no-store" {
		t.Errorf("%d %q %v", status, body, head)
	}
	other := strings.Replace(got.URL, "w001/T%C3%B6%C3%B6leht.txt", "w002/other.txt", 1)
	if status, body, _ := fetch(other); other == got.URL || status != 403 {
		t.Errorf("the link to another file, %s, is answered with %d %s", other, status, body)
	}
}

var errStatus = errors.New("an answer that a browser would try again")

// TestReadingWithEveryCallBroken breaks each call to the table, to the bucket and to the log's queue: what could not be decided is not
// answered, the log costs nobody an answer, and nothing is ever written.
func TestReadingWithEveryCallBroken(t *testing.T) {
	cfg, name, s := world(t)
	read(t, s, people.Mari, reading.Place{Work: "w001"}, 1, people.Noon)
	cfg, works := kept(t, cfg)
	url := stage.Queue(t, "activity")
	before := ledger.Holds(t, cfg, name)
	for route, e := range questions() {
		t.Run(strings.ReplaceAll(route, "/", " "), func(t *testing.T) {
			fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
				mine := broken(cfg)
				l := open(mine, name)
				l.files, l.activity = bucket.Open(mine, works), queue.Open(mine, url)
				bodies := map[string]bool{}
				act := func(ctx context.Context) error {
					out, err := l.routes().Handle(ctx, e)
					if err == nil && out.StatusCode != 200 {
						return fmt.Errorf("%w: %d", errStatus, out.StatusCode)
					}
					bodies[signature.ReplaceAllString(out.Body, "")] = true
					return err
				}
				return act, func(t *testing.T) {
					if len(bodies) != 1 {
						t.Errorf("it answers one thing and another: %v", slices.Collect(maps.Keys(bodies)))
					}
				}
			})
		})
	}
	if diff := cmp.Diff(before, ledger.Holds(t, cfg, name)); diff != "" {
		t.Errorf("it wrote: %s", diff)
	}
}

// signature is what differs between two links to the same file.
var signature = regexp.MustCompile(`\?[^"]*X-Amz-Signature[^"]*|"expiresAt":"[^"]*"`)
