// Package buckets is S3 on one machine: objects in files, and a look at every signature.
//
// It speaks path style and knows what the shop needs: PUT of a bucket, and a list of the objects under a prefix; PUT of an object, also
// with If-None-Match; GET and HEAD of one, also of a range, and with the headers that a link wants the answer to have. A request that
// is not signed with the local run's key, or carries a link that was made for another method, key, size or type, or whose time is over,
// is refused as S3 refuses it. (The engine of the queues plays S3 too, but takes every link and no object over 11 MiB.)
//
// The package keeps an object's bytes and nothing else about it. It deletes nothing, and does not compare a body with the hash that a
// signed request may name.
package buckets

import (
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Buckets serves the buckets in a folder.
type Buckets struct {
	dir string
	now func() time.Time
	mu  sync.Mutex // one object at a time takes its place
}

// New serves the buckets in a folder, which is made with the first of them and keeps them.
func New(dir string) *Buckets { return &Buckets{dir: dir, now: time.Now} }

// refusal is an answer that is none, in S3's own words.
type refusal struct {
	XMLName xml.Name `xml:"Error"`
	Code    string
	Message string
	status  int
}

func (r *refusal) Error() string { return r.Code + ": " + r.Message }

func refuse(status int, code, message string) *refusal {
	return &refusal{Code: code, Message: message, status: status}
}

var (
	errUnknown  = refuse(501, "NotImplemented", "This is not played here.")
	errName     = refuse(400, "InvalidBucketName", "The specified bucket is not valid.")
	errOwned    = refuse(409, "BucketAlreadyOwnedByYou", "You made this bucket before.")
	errNoBucket = refuse(404, "NoSuchBucket", "The specified bucket does not exist.")
	errNoKey    = refuse(404, "NoSuchKey", "The specified key does not exist.")
	errThere    = refuse(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
	errLength   = refuse(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	errBody     = refuse(400, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header.")
	errInternal = refuse(500, "InternalError", "This machine could not do it.")
)

// bucketName is what S3 takes for the name of a bucket; it leads to no other folder.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// listing are the parameters of a list that are played here, and overrides the headers that a link can want its answer to have.
var (
	listing   = []string{"list-type", "prefix", "max-keys", "continuation-token"}
	overrides = map[string]string{
		"response-content-type": "Content-Type", "response-content-disposition": "Content-Disposition", "response-cache-control": "Cache-Control",
	}
)

// ServeHTTP answers one request.
func (b *Buckets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := b.serve(w, r)
	if err == nil {
		return
	}
	no, ok := errors.AsType[*refusal](err)
	if !ok {
		no = errInternal
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(no.status)
	if r.Method != http.MethodHead {
		_ = xml.NewEncoder(w).Encode(no)
	}
}

func (b *Buckets) serve(w http.ResponseWriter, r *http.Request) error {
	if err := b.signed(r); err != nil {
		return err
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	list := key == "" && r.Method == http.MethodGet
	for name := range r.URL.Query() { // ?lifecycle, ?uploadId and their like are other operations
		switch {
		case name == "x-id" || strings.HasPrefix(name, "X-Amz-"):
		case list && slices.Contains(listing, name):
		case key != "" && overrides[name] != "":
		default:
			return errUnknown
		}
	}
	if !bucketName.MatchString(bucket) {
		return errName
	}
	folder := filepath.Join(b.dir, bucket)
	if key == "" && r.Method == http.MethodPut {
		return b.create(folder)
	}
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return errNoBucket
	}
	file := filepath.Join(folder, "="+url.PathEscape(key)) // one name, never ".", ".." or that of an upload under way
	switch {
	case list && r.URL.Query().Get("list-type") == "2":
		return b.list(w, r, bucket, folder)
	case key == "":
		return errUnknown
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") == "":
		return b.put(r, folder, file)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return b.get(w, r, file)
	}
	return errUnknown
}

func (b *Buckets) create(folder string) error {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	err := os.Mkdir(folder, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return errOwned
	}
	return err
}

// page is a part of a list, and what its next part comes after.
type page struct {
	XMLName  xml.Name `xml:"ListBucketResult"`
	Name     string
	Prefix   string
	KeyCount int
	MaxKeys  int
	More     bool   `xml:"IsTruncated"`
	Next     string `xml:"NextContinuationToken,omitempty"`
	Contents []object
}

type object struct {
	Key  string
	Size int64
}

const mostKeys = 1000 // on a page

// list is a page of the objects under a prefix, in the order of their keys. Its token is the last key.
func (b *Buckets) list(w http.ResponseWriter, r *http.Request, bucket, folder string) error {
	q := r.URL.Query()
	out := page{Name: bucket, Prefix: q.Get("prefix"), MaxKeys: mostKeys}
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil && n > 0 {
		out.MaxKeys = min(n, mostKeys)
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var all []object
	for _, f := range files {
		name, kept := strings.CutPrefix(f.Name(), "=")
		key, err := url.PathUnescape(name)
		if !kept || err != nil || !strings.HasPrefix(key, out.Prefix) || key <= q.Get("continuation-token") {
			continue
		}
		info, err := f.Info()
		if err != nil {
			return err
		}
		all = append(all, object{key, info.Size()})
	}
	slices.SortFunc(all, func(a, b object) int { return strings.Compare(a.Key, b.Key) })
	if out.More = len(all) > out.MaxKeys; out.More {
		all = all[:out.MaxKeys]
		out.Next = all[len(all)-1].Key
	}
	out.Contents, out.KeyCount = all, len(all)
	w.Header().Set("Content-Type", "application/xml")
	return xml.NewEncoder(w).Encode(out)
}

// put keeps a whole body or nothing of it.
func (b *Buckets) put(r *http.Request, folder, file string) (err error) {
	if r.ContentLength < 0 {
		return errLength
	}
	upload, err := os.CreateTemp(folder, "upload-")
	if err != nil {
		return err
	}
	defer os.Remove(upload.Name()) // in vain where it has become the object
	_, broken := io.Copy(upload, r.Body)
	if err := upload.Close(); err != nil {
		return err
	}
	if broken != nil {
		return errBody
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := os.Stat(file); err == nil && r.Header.Get("If-None-Match") == "*" {
		return errThere
	}
	return os.Rename(upload.Name(), file)
}

func (b *Buckets) get(w http.ResponseWriter, r *http.Request, file string) error {
	object, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return errNoKey
	}
	if err != nil {
		return err
	}
	defer object.Close()
	info, err := object.Stat()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	for name, header := range overrides {
		if value := r.URL.Query().Get(name); value != "" {
			w.Header().Set(header, value)
		}
	}
	http.ServeContent(w, r, "", info.ModTime(), object)
	return nil
}
