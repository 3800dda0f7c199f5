// Package cloud is where a function finds AWS: region, credentials and endpoints as Lambda's environment gives them.
//
// It is written by hand because the SDK's default chain costs a third of a function's start and looks in places that do
// not exist in Lambda. It guesses nothing: a variable that a function needs and that is missing stops the start.
package cloud

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Env is a variable that template.yaml must have set. Without it the process ends.
func Env(name string) string {
	v := os.Getenv(name)
	if v == "" {
		log.Fatalf("the environment has no %s: template.yaml must set it", name)
	}
	return v
}

// Config is AWS as this process sees it. The SDK's own variables AWS_ENDPOINT_URL_<SERVICE> point a service elsewhere.
func Config() aws.Config {
	return Patient(2 * time.Second)
}

// Patient is the same for a service whose answer is waited for as long as it takes: where a lost answer costs more than time.
// After that the call is made again; without an end a connection that died while the process was frozen would hold a call
// until the function is killed.
func Patient(wait time.Duration) aws.Config {
	return aws.Config{
		Region:           Env("AWS_REGION"),
		Credentials:      aws.CredentialsProviderFunc(credentials),
		HTTPClient:       &http.Client{Transport: transport(wait)},
		RetryMaxAttempts: 3,
		ConfigSources:    []any{environment{}},
	}
}

func credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Source:          "Lambda's environment",
	}, nil
}

// environment answers the SDK's question for the endpoint of a service.
type environment struct{}

func (environment) GetServiceBaseEndpoint(_ context.Context, service string) (string, bool, error) {
	v, ok := os.LookupEnv("AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(service, " ", "_")))
	return v, ok, nil
}

// roots are the five authorities that sign all of AWS's endpoints (Amazon Trust Services); reading them takes a fraction
// of the time that the system's whole list takes, at the first call of every new process.
//
//go:embed amazon-roots.pem
var roots []byte

func transport(wait time.Duration) *http.Transport {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(roots)
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	t.DialContext = (&net.Dialer{Timeout: time.Second, KeepAlive: 30 * time.Second}).DialContext
	t.TLSHandshakeTimeout = 2 * time.Second
	t.ResponseHeaderTimeout = wait
	t.IdleConnTimeout = 10 * time.Minute // a warm process keeps its connection between calls
	t.MaxIdleConnsPerHost = 40           // as many writes as one process makes at once
	return t
}
