package template

import (
	"slices"
	"strings"
)

// door is the default authorizer of an HTTP API: a function that says yes or no.
func (p *properties) door() (d Door) {
	auth := p.in("Auth")
	name := auth.text("DefaultAuthorizer", "")
	authorizers := auth.in("Authorizers")
	if name != "" {
		a := authorizers.in(name)
		a.only("FunctionArn", "EnableFunctionDefaultPermissions", "AuthorizerPayloadFormatVersion", "EnableSimpleResponses", "Identity")
		if a.text("AuthorizerPayloadFormatVersion", "") != "2.0" || !a.yes("EnableSimpleResponses") {
			a.wrong("AuthorizerPayloadFormatVersion", "only 2.0 with simple responses is known here")
		}
		identity := a.in("Identity")
		identity.only("Headers", "ReauthorizeEvery")
		d = Door{Function: a.target("FunctionArn"), Headers: identity.headers("Headers"), Kept: identity.seconds("ReauthorizeEvery", 300)}
		a.done(identity)
		authorizers.done(a)
	}
	auth.done(authorizers)
	p.done(auth)
	return d
}

// words is a list of texts.
func (p *properties) words(name string) []string {
	words, err := texts(p.list(name))
	if err != nil {
		p.wrong(name, "is not a list of texts")
	}
	return words
}

// headers is a list of names of headers, in lower case.
func (p *properties) headers(name string) []string {
	words := p.words(name)
	for i, w := range words {
		words[i] = strings.ToLower(w)
	}
	return words
}

// The policies of AWS's own that are known here.
const (
	cachingDisabled           = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
	allViewerExceptHostHeader = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
)

// edge reads the distribution, which refers to policies that stand beside it.
func (t *Template) edge() error {
	for _, r := range t.Resources {
		if r.Type != "AWS::CloudFront::Distribution" {
			continue
		}
		p := &properties{id: r.ID, line: r.Line, m: r.Properties}
		config := p.in("DistributionConfig")
		t.Edge.Headers = map[string]string{}
		config.each("Origins", func(origin *properties) {
			origin.each("OriginCustomHeaders", func(h *properties) {
				t.Edge.Headers[strings.ToLower(h.must("HeaderName"))] = h.must("HeaderValue")
			})
		})
		if len(config.list("Origins")) != 1 {
			config.wrong("Origins", "only one is known here")
		}
		config.each("CacheBehaviors", func(b *properties) { t.Edge.Behaviors = append(t.Edge.Behaviors, t.behavior(b, b.must("PathPattern"))) })
		rest := config.in("DefaultCacheBehavior")
		t.Edge.Behaviors = append(t.Edge.Behaviors, t.behavior(rest, "*"))
		config.done(rest)
		if p.done(config); p.err != nil {
			return p.err
		}
	}
	return nil
}

func (t *Template) behavior(p *properties, path string) Behavior {
	b := Behavior{Path: path, Methods: []string{"GET", "HEAD"}}
	if strings.Contains(strings.TrimSuffix(path, "*"), "*") || strings.Contains(path, "?") {
		p.wrong("PathPattern", "only a * at the end is known here")
	}
	if p.m["AllowedMethods"] != nil {
		b.Methods = p.words("AllowedMethods")
	}
	kept, forwarded := p.must("CachePolicyId"), p.must("OriginRequestPolicyId")
	if kept == cachingDisabled && forwarded == allViewerExceptHostHeader {
		return b
	}
	b.Kept = true
	for _, policy := range []struct{ id, kind, config, inner string }{
		{kept, "AWS::CloudFront::CachePolicy", "CachePolicyConfig", "ParametersInCacheKeyAndForwardedToOrigin"},
		{forwarded, "AWS::CloudFront::OriginRequestPolicy", "OriginRequestPolicyConfig", ""},
	} {
		r := t.Resources[Target(policy.id)]
		if r.Type != policy.kind {
			p.wrong("CachePolicyId", "%s with %s is not known here", kept, forwarded)
			return b
		}
		config := (&properties{id: r.ID, line: r.Line, m: r.Properties}).in(policy.config)
		if policy.inner != "" {
			config = config.in(policy.inner)
		}
		cookies, headers, query := config.in("CookiesConfig"), config.in("HeadersConfig"), config.in("QueryStringsConfig")
		if cookies.must("CookieBehavior") != "none" {
			cookies.wrong("CookieBehavior", "only none is known here")
		}
		switch headers.must("HeaderBehavior") {
		case "none":
		case "whitelist":
			b.Headers = append(b.Headers, headers.headers("Headers")...)
		default:
			headers.wrong("HeaderBehavior", "only none and whitelist are known here")
		}
		switch query.must("QueryStringBehavior") {
		case "none":
		case "whitelist":
			b.Query = append(b.Query, query.words("QueryStrings")...)
		default:
			query.wrong("QueryStringBehavior", "only none and whitelist are known here")
		}
		for _, c := range []*properties{cookies, headers, query} {
			config.done(c)
		}
		p.done(config)
	}
	slices.Sort(b.Headers)
	return b
}
