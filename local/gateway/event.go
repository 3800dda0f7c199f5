package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// event is a request in payload format 2.0, with the names and the omissions of
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
type event struct {
	Version               string            `json:"version"`
	RouteKey              string            `json:"routeKey"`
	RawPath               string            `json:"rawPath"`
	RawQueryString        string            `json:"rawQueryString"`
	Cookies               []string          `json:"cookies,omitempty"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters,omitempty"`
	PathParameters        map[string]string `json:"pathParameters,omitempty"`
	RequestContext        requestContext    `json:"requestContext"`
	Body                  string            `json:"body,omitempty"`
	IsBase64Encoded       bool              `json:"isBase64Encoded"`
}

type requestContext struct {
	AccountID    string      `json:"accountId"`
	APIID        string      `json:"apiId"`
	Authorizer   *authorizer `json:"authorizer,omitempty"`
	DomainName   string      `json:"domainName"`
	DomainPrefix string      `json:"domainPrefix"`
	HTTP         httpContext `json:"http"`
	RequestID    string      `json:"requestId"`
	RouteKey     string      `json:"routeKey"`
	Stage        string      `json:"stage"`
	Time         string      `json:"time"`
	TimeEpoch    int64       `json:"timeEpoch"`
}

// authorizer is what the door said beside its yes.
type authorizer struct {
	Lambda map[string]any `json:"lambda"`
}

type httpContext struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

func newEvent(r *http.Request, body []byte, now time.Time) event {
	ip, port := peer(r)
	prefix, _, _ := strings.Cut(r.Host, ".")
	e := event{
		Version:               "2.0",
		RawPath:               r.URL.Path, // decoded, as the real one is
		RawQueryString:        r.URL.RawQuery,
		Headers:               map[string]string{},
		QueryStringParameters: query(r.URL.RawQuery),
		RequestContext: requestContext{
			AccountID:    "000000000000",
			APIID:        "local",
			DomainName:   r.Host,
			DomainPrefix: prefix,
			HTTP:         httpContext{r.Method, r.URL.Path, r.Proto, ip, r.UserAgent()},
			Stage:        "$default",
			Time:         now.Format("02/Jan/2006:15:04:05 -0700"),
			TimeEpoch:    now.UnixMilli(),
		},
	}
	for name, values := range r.Header {
		switch name = strings.ToLower(name); name {
		case "cookie":
			for _, v := range values {
				for c := range strings.SplitSeq(v, ";") {
					e.Cookies = append(e.Cookies, strings.TrimSpace(c))
				}
			}
		case "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade":
			// between the caller and the gateway only
		default:
			e.Headers[name] = strings.Join(values, ",")
		}
	}
	e.Headers["host"] = r.Host
	e.Headers["content-length"] = strconv.Itoa(len(body))
	e.Headers["x-forwarded-port"] = port
	e.Headers["x-forwarded-proto"] = "http"
	if before := e.Headers["x-forwarded-for"]; before != "" {
		ip = before + ", " + ip
	}
	e.Headers["x-forwarded-for"] = ip
	if len(body) > 0 {
		e.IsBase64Encoded = !text(r.Header.Get("Content-Type"))
		e.Body = string(body)
		if e.IsBase64Encoded {
			e.Body = base64.StdEncoding.EncodeToString(body)
		}
	}
	return e
}

// payload is the event as it goes to Lambda, which counts its bytes: the real gateway does not make six of a "<".
func (e event) payload() ([]byte, error) {
	var b bytes.Buffer
	to := json.NewEncoder(&b)
	to.SetEscapeHTML(false)
	err := to.Encode(e)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// query joins the values of a repeated name with commas. What cannot be decoded is left to the raw string.
func query(raw string) map[string]string {
	values, _ := url.ParseQuery(raw)
	if len(values) == 0 {
		return nil
	}
	joined := map[string]string{}
	for name, v := range values {
		joined[name] = strings.Join(v, ",")
	}
	return joined
}

// text tells whether a body of this content type goes through as it is, and loses every byte that is not UTF-8. A form does
// not, and neither does a body without a type. The documentation has no list; this one was seen on the real gateway
// (ministackorg/ministack, pull request 766).
func text(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	return strings.HasPrefix(kind, "text/") || kind == "application/json" || kind == "application/javascript" || kind == "application/xml"
}
