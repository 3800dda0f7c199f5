package bucket_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"opiq/local/engines"
	"opiq/local/fault"
	"opiq/local/stage"
	"opiq/shared/bucket"
)

func open(t *testing.T) *bucket.Bucket {
	t.Helper()
	return bucket.Open(stage.Bucket(t, engines.Config(nil)))
}

func link(t *testing.T, b *bucket.Bucket, key string, size int, lives time.Duration) bucket.Link {
	t.Helper()
	l, err := b.Upload(t.Context(), key, "application/xml", int64(size), lives)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// upload does what the link says, as any client would, and answers the status.
func upload(t *testing.T, l bucket.Link, body io.Reader) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), l.Method, l.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range l.Headers {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

func read(ctx context.Context, b *bucket.Bucket, key string) ([]byte, error) {
	object, size, err := b.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer object.Close()
	all, err := io.ReadAll(object)
	if err == nil && int64(len(all)) != size {
		return all, fmt.Errorf("%d bytes, and %d were announced", len(all), size)
	}
	return all, err
}

func TestWhatIsUploadedByLinkIsReadBackAsAStream(t *testing.T) {
	const size = 20 << 20
	b := open(t)
	body := bytes.Repeat([]byte("<Ntry>õ</Ntry>\n"), size/16)
	before := time.Now()
	l := link(t, b, "statements/2026 õ+1.xml", len(body), 15*time.Minute)
	if ends := l.ExpiresAt.Sub(before); ends < 14*time.Minute || ends > 15*time.Minute {
		t.Errorf("the link ends in %v", ends)
	}
	if status := upload(t, l, bytes.NewReader(body)); status != 200 {
		t.Fatalf("the upload is answered with %d", status)
	}
	object, announced, err := b.Open(t.Context(), "statements/2026 õ+1.xml")
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	sum := sha256.New()
	n, err := io.CopyBuffer(sum, struct{ io.Reader }{object}, make([]byte, 4096))
	if err != nil || n != int64(len(body)) || announced != n {
		t.Errorf("%d bytes of %d came back, %d were announced; %v", n, len(body), announced, err)
	}
	if [32]byte(sum.Sum(nil)) != sha256.Sum256(body) {
		t.Error("what came back is not what was uploaded")
	}
}

func TestAnUploadStaysWhatItIs(t *testing.T) {
	b := open(t)
	l := link(t, b, "statements/a", 5, time.Minute)
	if status := upload(t, l, strings.NewReader("first")); status != 200 {
		t.Fatalf("the upload is answered with %d", status)
	}
	for _, again := range []bucket.Link{l, link(t, b, "statements/a", 5, time.Minute)} {
		if status := upload(t, again, strings.NewReader("again")); status != 412 {
			t.Errorf("a second upload is answered with %d", status)
		}
	}
	if got, err := read(t.Context(), b, "statements/a"); string(got) != "first" || err != nil {
		t.Errorf("the upload is %q now, %v", got, err)
	}
}

func TestALinkServesForNothingElse(t *testing.T) {
	b := open(t)
	for name, bend := range map[string]func(*bucket.Link) io.Reader{
		"another key": func(l *bucket.Link) io.Reader {
			l.URL = strings.Replace(l.URL, "statements/a", "statements/b", 1)
			return strings.NewReader("right")
		},
		"another bucket": func(l *bucket.Link) io.Reader {
			l.URL = strings.Replace(l.URL, "/uploads/", "/uploadz/", 1)
			return strings.NewReader("right")
		},
		"a longer body":  func(*bucket.Link) io.Reader { return strings.NewReader("longer") },
		"a shorter body": func(*bucket.Link) io.Reader { return strings.NewReader("less") },
		"a body without length": func(*bucket.Link) io.Reader {
			return struct{ io.Reader }{strings.NewReader("right")}
		},
		"another type": func(l *bucket.Link) io.Reader {
			l.Headers["Content-Type"] = "text/html"
			return strings.NewReader("right")
		},
		"an overwriting upload": func(l *bucket.Link) io.Reader {
			delete(l.Headers, "If-None-Match")
			return strings.NewReader("right")
		},
		"reading": func(l *bucket.Link) io.Reader { l.Method = "GET"; return strings.NewReader("right") },
		"a longer life": func(l *bucket.Link) io.Reader {
			l.URL = strings.Replace(l.URL, "X-Amz-Expires=60", "X-Amz-Expires=6000", 1)
			return strings.NewReader("right")
		},
		"no signature": func(l *bucket.Link) io.Reader {
			l.URL, _, _ = strings.Cut(l.URL, "?")
			return strings.NewReader("right")
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := link(t, b, "statements/a", 5, time.Minute)
			if status := upload(t, l, bend(&l)); status != 403 {
				t.Errorf("it is answered with %d", status)
			}
			if got, err := read(t.Context(), b, "statements/a"); !errors.Is(err, bucket.ErrNone) {
				t.Errorf("it left %q, %v", got, err)
			}
		})
	}
}

func TestALinkEnds(t *testing.T) {
	t.Parallel()
	b := open(t)
	l := link(t, b, "statements/a", 5, time.Second)
	time.Sleep(time.Until(l.ExpiresAt.Add(1100 * time.Millisecond))) // it may have been signed in the second after
	if status := upload(t, l, strings.NewReader("right")); status != 403 {
		t.Errorf("a link that has ended is answered with %d", status)
	}
}

func TestALinkToAWS(t *testing.T) {
	cfg := engines.Config(nil)
	cfg.ConfigSources = nil // no endpoint of our own: as in Lambda
	l := link(t, bucket.Open(cfg, "opiq-uploads-1"), "statements/a", 5, time.Minute)
	want := map[string]string{"Content-Type": "application/xml", "If-None-Match": "*"}
	where, _, _ := strings.Cut(l.URL, "?")
	if where != "https://opiq-uploads-1.s3.eu-north-1.amazonaws.com/statements/a" || l.Method != "PUT" || !maps.Equal(l.Headers, want) {
		t.Errorf("the link is %+v", l)
	}
	for _, signed := range []string{"content-length", "content-type", "if-none-match", "host"} {
		if names := query(t, l, "X-Amz-SignedHeaders"); !slices.Contains(strings.Split(names, ";"), signed) {
			t.Errorf("%s is not signed, only %s", signed, names)
		}
	}
	if checksum := query(t, l, "x-amz-sdk-checksum-algorithm"); checksum != "" {
		t.Errorf("who uploads must compute a %s", checksum)
	}
}

func query(t *testing.T, l bucket.Link, name string) string {
	t.Helper()
	u, err := url.Parse(l.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get(name)
}

func TestThereIsNoLinkForAnySize(t *testing.T) {
	b := open(t)
	for _, size := range []int64{0, -1} {
		if l, err := b.Upload(t.Context(), "statements/a", "application/xml", size, time.Minute); err == nil {
			t.Errorf("size %d gives %s", size, l.URL)
		}
	}
}

func TestWhatWasNotUploadedIsNotThere(t *testing.T) {
	b := open(t)
	link(t, b, "statements/a", 5, time.Minute) // a link is no upload
	if _, _, err := b.Open(t.Context(), "statements/a"); !errors.Is(err, bucket.ErrNone) {
		t.Errorf("it says %v", err)
	}
}

func TestAMissingBucketIsOurMistake(t *testing.T) {
	cfg, _ := stage.Bucket(t, engines.Config(nil))
	_, _, err := bucket.Open(cfg, "elsewhere").Open(t.Context(), "statements/a")
	if err == nil || errors.Is(err, bucket.ErrNone) {
		t.Errorf("it says %v", err)
	}
}

func TestAnUploadThatBreaksLeavesNothing(t *testing.T) {
	b := open(t)
	l := link(t, b, "statements/a", 5, time.Minute)
	to, err := url.Parse(l.URL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", to.Host)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 5\r\n", to.RequestURI(), to.Host)
	for name, value := range l.Headers {
		fmt.Fprintf(c, "%s: %s\r\n", name, value)
	}
	fmt.Fprint(c, "\r\nrig")
	c.(*net.TCPConn).CloseWrite()
	if answer, err := io.ReadAll(c); err != nil || !strings.Contains(string(answer), "IncompleteBody") {
		t.Errorf("it is answered with %s, %v", answer, err)
	}
	if _, _, err := b.Open(t.Context(), "statements/a"); !errors.Is(err, bucket.ErrNone) {
		t.Errorf("it left something: %v", err)
	}
	if status := upload(t, l, strings.NewReader("right")); status != 200 {
		t.Errorf("the second try is answered with %d", status)
	}
}

func TestAStreamThatBreaksIsAnError(t *testing.T) {
	for name, cut := range map[string]func(w http.ResponseWriter){
		"early": func(w http.ResponseWriter) {},
		"late":  func(w http.ResponseWriter) { io.WriteString(w, strings.Repeat("x", 99_999)) },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100000")
				cut(w)
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}))
			defer server.Close()
			b := bucket.Open(stage.Point(engines.Config(nil), "S3", server.URL), "uploads")
			got, err := read(t.Context(), b, "statements/a")
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("after %d bytes it says %v", len(got), err)
			}
		})
	}
}

func TestAnObjectOfUnknownLengthIsNotRead(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() }))
	defer server.Close()
	b := bucket.Open(stage.Point(engines.Config(nil), "S3", server.URL), "uploads")
	if _, _, err := b.Open(t.Context(), "statements/a"); err == nil {
		t.Error("it is read")
	}
}

// A reader's event comes again until the object was read whole.
func TestReadingSurvivesEveryBrokenCall(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, cfg func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		mine, name := stage.Bucket(t, engines.Config(nil))
		if status := upload(t, link(t, bucket.Open(mine, name), "statements/a", 5, time.Minute), strings.NewReader("right")); status != 200 {
			t.Fatalf("the upload is answered with %d", status)
		}
		b, got := bucket.Open(cfg(mine), name), ""
		act := func(ctx context.Context) error {
			all, err := read(ctx, b, "statements/a")
			if errors.Is(err, bucket.ErrNone) {
				t.Error("a broken call looks like no upload")
			}
			got = string(all)
			return err
		}
		return act, func(t *testing.T) {
			if got != "right" {
				t.Errorf("it read %q", got)
			}
		}
	})
}

// kept puts objects by links, each with its key as its text.
func kept(t *testing.T, b *bucket.Bucket, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if status := upload(t, link(t, b, key, len(key), time.Minute), strings.NewReader(key)); status != 200 {
			t.Fatalf("%s: the upload is answered with %d", key, status)
		}
	}
}

func download(t *testing.T, b *bucket.Bucket, key string, lives time.Duration) bucket.Link {
	t.Helper()
	l, err := b.Download(t.Context(), key, "text/plain; charset=utf-8", "Tööleht \"1\".txt", lives)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// fetch does what the link says, as a browser does.
func fetch(t *testing.T, l bucket.Link) (status int, body string, head http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), l.Method, l.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(all), answer.Header
}

func TestADownloadIsWhatItsLinkSays(t *testing.T) {
	b := open(t)
	const key = "works/w001/Tööleht 1+2.txt"
	kept(t, b, key)
	before := time.Now()
	l := download(t, b, key, 5*time.Minute)
	if ends := l.ExpiresAt.Sub(before); ends < 4*time.Minute || ends > 5*time.Minute || l.Method != "GET" || len(l.Headers) != 0 {
		t.Errorf("the link is %+v", l)
	}
	status, body, head := fetch(t, l)
	if status != 200 || body != key {
		t.Errorf("it is answered with %d %q", status, body)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "private, no-store",
		"Content-Disposition": "inline; filename*=utf-8''T%C3%B6%C3%B6leht%20%221%22.txt",
	} {
		if got := head.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestALinkToADownloadServesForNothingElse(t *testing.T) {
	b := open(t)
	kept(t, b, "works/w001/a", "works/w002/b")
	for name, bend := range map[string]func(*bucket.Link){
		"another object": func(l *bucket.Link) { l.URL = strings.Replace(l.URL, "works/w001/a", "works/w002/b", 1) },
		"another bucket": func(l *bucket.Link) { l.URL = strings.Replace(l.URL, "/uploads/", "/uploadz/", 1) },
		"another type":   func(l *bucket.Link) { l.URL = strings.Replace(l.URL, "text%2Fplain", "text%2Fhtml", 1) },
		"another name":   func(l *bucket.Link) { l.URL = strings.Replace(l.URL, "inline", "attachment", 1) },
		"no type":        func(l *bucket.Link) { l.URL = strings.Replace(l.URL, "response-content-type", "x-id", 1) },
		"a longer life":  func(l *bucket.Link) { l.URL = strings.Replace(l.URL, "X-Amz-Expires=60", "X-Amz-Expires=6000", 1) },
		"putting":        func(l *bucket.Link) { l.Method = "PUT" },
		"deleting":       func(l *bucket.Link) { l.Method = "DELETE" },
		"a list": func(l *bucket.Link) {
			before, _, _ := strings.Cut(l.URL, "works/w001/a")
			_, signature, _ := strings.Cut(l.URL, "?")
			l.URL = before + "?list-type=2&" + signature
		},
		"no signature": func(l *bucket.Link) { l.URL, _, _ = strings.Cut(l.URL, "?") },
	} {
		t.Run(name, func(t *testing.T) {
			l := download(t, b, "works/w001/a", time.Minute)
			straight := l
			if bend(&l); l.Method == straight.Method && l.URL == straight.URL {
				t.Fatal("this bends nothing any more")
			}
			if status, body, _ := fetch(t, l); status != 403 {
				t.Errorf("it is answered with %d %s", status, body)
			}
		})
	}
}

func TestALinkToADownloadEnds(t *testing.T) {
	t.Parallel()
	b := open(t)
	kept(t, b, "works/w001/a")
	l := download(t, b, "works/w001/a", time.Second)
	time.Sleep(time.Until(l.ExpiresAt.Add(1100 * time.Millisecond))) // it may have been signed in the second after
	if status, body, _ := fetch(t, l); status != 403 {
		t.Errorf("a link that has ended is answered with %d %s", status, body)
	}
}

func TestAListHasWhatIsUnderItsPrefix(t *testing.T) {
	b := open(t)
	kept(t, b, "works/w001/õun.txt", "works/w001/a", "works/w0011/b", "works/w002/c")
	got, err := b.List(t.Context(), "works/w001/")
	if want := []bucket.Object{{Key: "works/w001/a", Size: 12}, {Key: "works/w001/õun.txt", Size: 19}}; !slices.Equal(got, want) || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := b.List(t.Context(), "works/w003/"); len(got) != 0 || err != nil {
		t.Errorf("of nothing: %v, %v", got, err)
	}
}

// TestAListIsOneCall: it is the first thousand of many.
func TestAListIsOneCall(t *testing.T) {
	calls := 0
	s3 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		fmt.Fprint(w, `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>b</NextContinuationToken><Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>`)
	}))
	defer s3.Close()
	b := bucket.Open(aws.Config{Region: "eu-north-1", BaseEndpoint: &s3.URL, Credentials: aws.AnonymousCredentials{}}, "works")
	if got, err := b.List(t.Context(), ""); len(got) != 1 || calls != 1 || err != nil {
		t.Errorf("%d calls: %v, %v", calls, got, err)
	}
}
