// Command door lets in who comes through the distribution, and nobody else: API Gateway asks it about each viewer, and remembers what
// it said for some minutes.
//
//	{"headers": {"opiq-door", "opiq-viewer"}} → {"isAuthorized", "context": {"viewer": the viewer's address, for the log}}
//
// The distribution says a word with every request that nobody else knows. Whoever comes straight to the API can say anything about
// where they come from, and is turned away here. Who somebody is and what they may do is for the functions behind to see.
package main

import (
	"context"
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"opiq/shared/cloud"
	"opiq/shared/metric"
	"opiq/shared/secret"
	"opiq/shared/web"
)

// fresh is for how long the words hold that were read: one that was taken away opens for so long, and as long as API Gateway remembers.
const fresh = 5 * time.Minute

type store interface {
	Origin(context.Context) ([]string, error)
}

type door struct {
	store store
	now   func() time.Time

	words []string
	read  time.Time
}

func main() {
	lambda.Start((&door{store: secret.Open(cloud.Config(), cloud.Env("SECRETS")), now: time.Now}).open)
}

type (
	request = events.APIGatewayV2CustomAuthorizerV2Request
	answer  = events.APIGatewayV2CustomAuthorizerSimpleResponse
)

// open answers a request. While a word changes, the distribution says the old and the new one: one that is known is enough.
func (d *door) open(ctx context.Context, r request) (answer, error) {
	known, err := d.known(ctx)
	if err != nil {
		return answer{}, err
	}
	viewer := r.Headers[web.Viewer]
	for said := range strings.FieldsSeq(r.Headers["opiq-door"]) {
		if slices.ContainsFunc(known, func(w string) bool { return subtle.ConstantTimeCompare([]byte(w), []byte(said)) == 1 }) && viewer != "" {
			return answer{IsAuthorized: true, Context: map[string]any{"viewer": viewer}}, nil
		}
	}
	metric.Count("DoorRefused", "word", "") // who says no word at all, API Gateway refuses by itself
	return answer{}, nil
}

// known are the words, which are read again after a while. Where that fails, those hold on that were read before.
func (d *door) known(ctx context.Context) ([]string, error) {
	if now := d.now(); now.Sub(d.read) >= fresh {
		words, err := d.store.Origin(ctx)
		if err != nil && d.words == nil {
			return nil, err
		}
		if err == nil {
			d.words = words
		}
		d.read = now
	}
	return d.words, nil
}
