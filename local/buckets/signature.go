package buckets

import (
	"crypto/hmac"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	local   = "local" // the key, and its secret, that everything on one machine signs with
	instant = "20060102T150405Z"
	skew    = 15 * time.Minute // between the clocks of the two sides
	longest = 7 * 24 * 60 * 60 // seconds that a link lives
)

var (
	errUnsigned  = refuse(403, "AccessDenied", "Access Denied")
	errForeign   = refuse(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
	errSignature = refuse(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
	errSkewed    = refuse(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
	errExpired   = refuse(403, "AccessDenied", "Request has expired")
	errLife      = refuse(400, "AuthorizationQueryParametersError", "X-Amz-Expires must be between 1 and 604800 seconds.")
)

// signature is what a request says about how it was signed, in its header or in its link.
type signature struct {
	link       bool
	at         time.Time
	credential []string // key, day, region, service, "aws4_request"
	headers    []string
	hash       string // of the body, or what stands for it
	value      string
}

func read(r *http.Request) (s signature, err error) {
	q, fields := r.URL.Query(), map[string]string{}
	at := r.Header.Get("X-Amz-Date")
	if s.link = q.Has("X-Amz-Signature"); s.link {
		for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
			fields[name] = q.Get("X-Amz-" + name)
		}
		at, s.hash = q.Get("X-Amz-Date"), "UNSIGNED-PAYLOAD"
	} else {
		said, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
		if !ok {
			return s, errUnsigned
		}
		for field := range strings.SplitSeq(said, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
			fields[name] = value
		}
		s.hash = r.Header.Get("X-Amz-Content-Sha256")
	}
	if s.at, err = time.Parse(instant, at); err != nil {
		return s, errUnsigned
	}
	s.credential = strings.Split(fields["Credential"], "/")
	if len(s.credential) != 5 || s.credential[0] != local {
		return s, errForeign
	}
	s.headers, s.value = strings.Split(fields["SignedHeaders"], ";"), fields["Signature"]
	return s, nil
}

// signed refuses a request that was not signed as it stands here, or not for this moment: it is signed again, and the two
// signatures are compared.
func (b *Buckets) signed(r *http.Request) error {
	s, err := read(r)
	if err != nil {
		return err
	}
	if strings.HasPrefix(s.hash, "STREAMING-") {
		return errUnknown // the body would be cut into chunks with marks between them
	}
	again := &http.Request{Method: r.Method, Host: r.Host, URL: asked(r), Header: http.Header{}}
	for _, name := range s.headers {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = r.ContentLength
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }) // S3's own rule
	key, service, region := aws.Credentials{AccessKeyID: local, SecretAccessKey: local}, s.credential[3], s.credential[2]
	want := ""
	if s.link {
		signedURL, _, err := signer.PresignHTTP(r.Context(), key, again, s.hash, service, region, s.at)
		if err != nil {
			return err
		}
		_, want, _ = strings.Cut(signedURL, "X-Amz-Signature=")
	} else {
		if err := signer.SignHTTP(r.Context(), key, again, s.hash, service, region, s.at); err != nil {
			return err
		}
		_, want, _ = strings.Cut(again.Header.Get("Authorization"), "Signature=")
	}
	if !hmac.Equal([]byte(s.value), []byte(want)) {
		return errSignature
	}
	return b.timely(s, r.URL.Query().Get("X-Amz-Expires"))
}

// asked is the URL as its sender signed it: without the signature, and with the path that a proxy of the local run (run.watch)
// took away.
func asked(r *http.Request) *url.URL {
	u, prefix := *r.URL, r.Header.Get("X-Forwarded-Prefix")
	u.Host, u.Path = r.Host, prefix+u.Path
	if u.RawPath != "" {
		u.RawPath = prefix + u.RawPath
	}
	q := u.Query()
	q.Del("X-Amz-Signature")
	u.RawQuery = q.Encode()
	return &u
}

func (b *Buckets) timely(s signature, expires string) error {
	age := b.now().Sub(s.at)
	if !s.link {
		if age.Abs() > skew {
			return errSkewed
		}
		return nil
	}
	seconds, err := strconv.Atoi(expires)
	switch {
	case err != nil || seconds < 1 || seconds > longest:
		return errLife
	case age > time.Duration(seconds)*time.Second:
		return errExpired
	case age < -skew:
		return errSkewed
	}
	return nil
}
