// Package bucket is the edge to S3: what is too large for a request is uploaded by a link and read back as a stream, and what is too
// large for an answer is fetched by a link.
//
// A link is a right to put one object of one size and type, once, or to get one object, for a while, whoever holds it. What was put by
// a link nobody can change later, so that what was read stays what it was. The package never holds an object in memory and deletes
// none: where they are to go, the bucket's own lifecycle sees to it (template.yaml).
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"opiq/shared/problem"
)

// ErrNone is what reading an object fails with that was not uploaded, or whose time is over.
var ErrNone = problem.New(problem.NotFound, "upload_not_found", "There is no such upload, or it is still under way.")

// Bucket is one bucket.
type Bucket struct {
	client *s3.Client
	links  *s3.PresignClient
	name   string
}

// Open makes a bucket of its name. Where the configuration has an endpoint of its own for S3 the name stands in the path, and
// not in a host's name that nobody would find.
func Open(cfg aws.Config, name string) *Bucket {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil
		// Who uploads by a link would have to compute the checksum that was signed. TLS and the signed length are enough.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	return &Bucket{client, s3.NewPresignClient(client), name}
}

// Link is how to put or get one object: a request with this method and these headers. One that puts has a body of exactly the size
// that was asked for, which goes with its Content-Length (not in chunks). S3 answers 200 where the object is kept, or comes; 412 where
// there is one already, as when the answer to a first try was lost; 403 after ExpiresAt and to all else.
type Link struct {
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	ExpiresAt time.Time         `json:"expiresAt"` // at the latest: the link also ends with the credentials that signed it
}

// Upload makes a link for one object of this type and size, in bytes. No call is made.
func (b *Bucket) Upload(ctx context.Context, key, contentType string, size int64, lives time.Duration) (Link, error) {
	if size < 1 {
		return Link{}, fmt.Errorf("bucket: a link for %d bytes: a size of none is not signed, and any would do", size)
	}
	now := signing()
	r, err := b.links.PresignPutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, ContentType: &contentType, ContentLength: &size, IfNoneMatch: aws.String("*"),
	}, s3.WithPresignExpires(lives))
	return link(r, now.Add(lives), err)
}

// Download makes a link to one object, which comes as this type, under a name that a browser may keep it by, and is kept by no cache.
// Whoever has the link may change none of it. No call is made: nobody looks whether there is such an object.
func (b *Bucket) Download(ctx context.Context, key, contentType, name string, lives time.Duration) (Link, error) {
	now := signing()
	r, err := b.links.PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: &b.name, Key: &key, ResponseContentType: &contentType, ResponseCacheControl: aws.String("private, no-store"),
		ResponseContentDisposition: aws.String(mime.FormatMediaType("inline", map[string]string{"filename": name})),
	}, s3.WithPresignExpires(lives))
	return link(r, now.Add(lives), err)
}

// signing is when a link is signed that is made now: a signature has no smaller unit than a second.
func signing() time.Time { return time.Now().UTC().Truncate(time.Second) }

func link(r *v4.PresignedHTTPRequest, ends time.Time, err error) (Link, error) {
	if err != nil {
		return Link{}, fmt.Errorf("bucket: %w", err)
	}
	headers := map[string]string{}
	for name := range r.SignedHeader {
		headers[name] = r.SignedHeader.Get(name)
	}
	delete(headers, "Host") // these two every client makes of the URL and the body
	delete(headers, "Content-Length")
	return Link{r.Method, r.URL, headers, ends}, nil
}

// Object is one object of a bucket.
type Object struct {
	Key  string
	Size int64 // bytes
}

// List is what there is under a prefix, in the order of the keys: the first thousand, which is what one call answers.
func (b *Bucket) List(ctx context.Context, prefix string) (all []Object, err error) {
	page, err := b.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix})
	if err != nil {
		return nil, fmt.Errorf("bucket: %w", err)
	}
	for _, o := range page.Contents {
		all = append(all, Object{aws.ToString(o.Key), aws.ToInt64(o.Size)})
	}
	return all, nil
}

// Open reads an object as it comes; the caller closes it. It fails with ErrNone where there is none. A stream that breaks in
// the middle ends with an error and never with io.EOF.
func (b *Bucket) Open(ctx context.Context, key string) (object io.ReadCloser, size int64, err error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if _, none := errors.AsType[*types.NoSuchKey](err); none {
		return nil, 0, ErrNone
	}
	if err != nil {
		return nil, 0, fmt.Errorf("bucket: %w", err)
	}
	if out.ContentLength == nil { // net/http watches over the end of a body only where it knows the length
		out.Body.Close()
		return nil, 0, errors.New("bucket: S3 does not say how long the object is")
	}
	return out.Body, *out.ContentLength, nil
}
