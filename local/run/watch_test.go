package run

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"opiq/local/buckets"
	"opiq/local/engines"
	"opiq/shared/bucket"
)

func TestWhoWatchesSeesWhatAFunctionAndItsLinksDoWithABucket(t *testing.T) {
	s := &Shop{}
	defer s.Stop()
	s3, err := s.serve(buckets.New(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if err := engines.CreateBucket(t.Context(), engines.Config(map[string]string{"S3": s3}), "uploads"); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var seen []string
	services, err := s.watch(map[string]string{variables["S3"]: s3}, func(function string, call *http.Request, body []byte) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, function+" "+call.Method+" "+call.URL.Path+" "+string(body))
	})
	if err != nil {
		t.Fatal(err)
	}

	b := bucket.Open(engines.Config(map[string]string{"S3": services("reader")[variables["S3"]]}), "uploads")
	link, err := b.Upload(t.Context(), "statements/1+õ.xml", "application/xml", 4, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), link.Method, link.URL, strings.NewReader("text"))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range link.Headers {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Errorf("the upload is answered with %d", answer.StatusCode)
	}
	object, _, err := b.Open(t.Context(), "statements/1+õ.xml")
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	if text, err := io.ReadAll(object); string(text) != "text" || err != nil {
		t.Errorf("the object is %q, %v", text, err)
	}
	if want := []string{"reader PUT /uploads/statements/1+õ.xml text", "reader GET /uploads/statements/1+õ.xml "}; !slices.Equal(seen, want) {
		t.Errorf("%q was seen, want %q", seen, want)
	}
}
