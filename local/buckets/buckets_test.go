package buckets

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// serve serves a folder, and answers a client of it whose key is signed with secret.
func serve(t *testing.T, b *Buckets, secret string) *s3.Client {
	t.Helper()
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	return s3.New(s3.Options{
		Region: "eu-north-1", BaseEndpoint: &server.URL, UsePathStyle: true, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: secret}, nil
		}),
	})
}

func create(t *testing.T, c *s3.Client, bucket string) {
	t.Helper()
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, c *s3.Client, key, text string) error {
	t.Helper()
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("uploads"), Key: &key, Body: strings.NewReader(text)})
	return err
}

func get(t *testing.T, c *s3.Client, in s3.GetObjectInput) (string, error) {
	t.Helper()
	in.Bucket = aws.String("uploads")
	out, err := c.GetObject(t.Context(), &in)
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	return string(b), err
}

// code is S3's own word for what went wrong.
func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

func TestObjectsAreKeptInTheirFolder(t *testing.T) {
	dir := t.TempDir()
	c := serve(t, New(dir), "local")
	create(t, c, "uploads")
	keys := []string{"statements/1", "statements/", "statements", "..", ".", "../uploads2", "a b+c%2Fõ?#", "upload-1", "="}
	for _, key := range keys {
		if err := put(t, c, key, "text of "+key); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
	c = serve(t, New(dir), "local")
	for _, key := range keys {
		if got, err := get(t, c, s3.GetObjectInput{Key: &key}); got != "text of "+key || err != nil {
			t.Errorf("%q is %q, %v", key, got, err)
		}
	}
	if err := put(t, c, "statements/1", "changed"); err != nil {
		t.Error(err)
	}
	if got, _ := get(t, c, s3.GetObjectInput{Key: aws.String("statements/1")}); got != "changed" {
		t.Errorf("it is %q still", got)
	}
}

func TestPartsAndHeads(t *testing.T) {
	c := serve(t, New(t.TempDir()), "local")
	create(t, c, "uploads")
	if err := put(t, c, "a", "0123456789"); err != nil {
		t.Fatal(err)
	}
	if got, err := get(t, c, s3.GetObjectInput{Key: aws.String("a"), Range: aws.String("bytes=2-4")}); got != "234" || err != nil {
		t.Errorf("the part is %q, %v", got, err)
	}
	head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("uploads"), Key: aws.String("a")})
	if err != nil || aws.ToInt64(head.ContentLength) != 10 {
		t.Errorf("the head is %v, %v", head, err)
	}
}

func TestAListHasWhatIsUnderItsPrefix(t *testing.T) {
	c := serve(t, New(t.TempDir()), "local")
	create(t, c, "uploads")
	for _, key := range []string{"works/w002/a", "works/w001/õun & pirn.txt", "works/w001/b", "works/w001/B/c", "works/w0011/d", "works"} {
		if err := put(t, c, key, key); err != nil {
			t.Fatal(err)
		}
	}
	for _, size := range []int32{1, 2, 3, 1000} {
		var got []string
		pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String("uploads"), Prefix: aws.String("works/w001/"), MaxKeys: &size})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Contents) > int(size) || int(aws.ToInt32(page.KeyCount)) != len(page.Contents) {
				t.Errorf("a page of %d has %d", size, len(page.Contents))
			}
			for _, o := range page.Contents {
				if aws.ToInt64(o.Size) != int64(len(*o.Key)) {
					t.Errorf("%s has %d bytes", *o.Key, *o.Size)
				}
				got = append(got, *o.Key)
			}
		}
		if want := []string{"works/w001/B/c", "works/w001/b", "works/w001/õun & pirn.txt"}; !slices.Equal(got, want) {
			t.Errorf("by %d: %q", size, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	c := serve(t, New(t.TempDir()), "local")
	create(t, c, "uploads")
	if err := put(t, c, "there", "text"); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]struct {
		do   func(context.Context) error
		code string
	}{
		"a bucket twice": {func(ctx context.Context) error {
			_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("uploads")})
			return err
		}, "BucketAlreadyOwnedByYou"},
		"a bucket with a wrong name": {func(ctx context.Context) error {
			_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("Uploads")})
			return err
		}, "InvalidBucketName"},
		"an object that is not there": {func(context.Context) error {
			_, err := get(t, c, s3.GetObjectInput{Key: aws.String("nothing")})
			return err
		}, "NoSuchKey"},
		"a bucket that is not there": {func(ctx context.Context) error {
			_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("nowhere"), Key: aws.String("a")})
			return err
		}, "NoSuchBucket"},
		"the head of what is not there": {func(ctx context.Context) error {
			_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String("uploads"), Key: aws.String("nothing")})
			return err
		}, "NotFound"},
		"an object where there is one": {func(ctx context.Context) error {
			in := &s3.PutObjectInput{Bucket: aws.String("uploads"), Key: aws.String("there"), IfNoneMatch: aws.String("*"), Body: strings.NewReader("x")}
			_, err := c.PutObject(ctx, in)
			return err
		}, "PreconditionFailed"},
		"a copy": {func(ctx context.Context) error {
			_, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String("uploads"), Key: aws.String("b"), CopySource: aws.String("uploads/there")})
			return err
		}, "NotImplemented"},
		"an old list": {func(ctx context.Context) error {
			_, err := c.ListObjects(ctx, &s3.ListObjectsInput{Bucket: aws.String("uploads")})
			return err
		}, "NotImplemented"},
		"a list by folders": {func(ctx context.Context) error {
			_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("uploads"), Delimiter: aws.String("/")})
			return err
		}, "NotImplemented"},
		"a list of what is not there": {func(ctx context.Context) error {
			_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("nowhere")})
			return err
		}, "NoSuchBucket"},
		"a deletion": {func(ctx context.Context) error {
			_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String("uploads"), Key: aws.String("there")})
			return err
		}, "NotImplemented"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := code(call.do(t.Context())); got != call.code {
				t.Errorf("it is %q, want %q", got, call.code)
			}
		})
	}
}

func TestOnlyWhatIsSignedNow(t *testing.T) {
	b := New(t.TempDir())
	mine, theirs := serve(t, b, "local"), serve(t, b, "guessed")
	create(t, mine, "uploads")
	if err := put(t, theirs, "a", "text"); code(err) != "SignatureDoesNotMatch" {
		t.Errorf("a wrong secret: %v", err)
	}
	plain := httptest.NewRecorder()
	b.ServeHTTP(plain, httptest.NewRequest("PUT", "/uploads/a", strings.NewReader("text")))
	if plain.Code != 403 || !strings.Contains(plain.Body.String(), "<Code>AccessDenied</Code>") {
		t.Errorf("no signature: %d %s", plain.Code, plain.Body)
	}
	for _, off := range []time.Duration{-16 * time.Minute, 16 * time.Minute} {
		b.now = func() time.Time { return time.Now().Add(off) }
		if err := put(t, mine, "a", "text"); code(err) != "RequestTimeTooSkewed" {
			t.Errorf("%v off: %v", off, err)
		}
	}
	b.now = time.Now
	if _, err := get(t, mine, s3.GetObjectInput{Key: aws.String("a")}); code(err) != "NoSuchKey" {
		t.Errorf("something was kept: %v", err)
	}
}

func TestALinkLivesAsLongAsItSays(t *testing.T) {
	b := New(t.TempDir())
	c := serve(t, b, "local")
	create(t, c, "uploads")
	if err := put(t, c, "a", "text"); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		lives, off time.Duration
		status     int
	}{
		{time.Hour, 0, 200},
		{time.Hour, 59 * time.Minute, 200},
		{time.Hour, 61 * time.Minute, 403},
		{time.Hour, -14 * time.Minute, 200},
		{time.Hour, -16 * time.Minute, 403},
		{7 * 24 * time.Hour, 0, 200},
		{8 * 24 * time.Hour, 0, 400},
	} {
		in := &s3.GetObjectInput{Bucket: aws.String("uploads"), Key: aws.String("a")}
		link, err := s3.NewPresignClient(c).PresignGetObject(t.Context(), in, s3.WithPresignExpires(x.lives))
		if err != nil {
			t.Fatal(err)
		}
		b.now = func() time.Time { return time.Now().Add(x.off) }
		answer, err := http.Get(link.URL)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != x.status {
			t.Errorf("a link of %v after %v: %d", x.lives, x.off, answer.StatusCode)
		}
	}
}
