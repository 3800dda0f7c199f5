// Package secret is the edge to the SSM parameters of a stage: pepper, bank keys, bank agreements, how it invoices, and how the API
// knows its distribution.
//
// They are read when a process starts, by the few functions that need them, and stay in memory. A stage named prod does not
// start with what was made for tests. The package writes and logs none of them.
package secret

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"opiq/shared/invoice"
)

// ErrTest is what a prod stage answers to a secret that was made for tests.
var ErrTest = errors.New("secret: made for tests; a prod stage does not start with it")

// Store is the parameters of one stage.
type Store struct {
	client *ssm.Client
	path   string
}

// Open makes the store of a path like /opiq/dev, whose last step is the stage.
func Open(cfg aws.Config, path string) *Store { return &Store{ssm.NewFromConfig(cfg), path} }

// Pepper is what passwords and links of a stage are protected with. Without it the process ends.
func Pepper(cfg aws.Config, path string) []byte {
	pepper, err := Open(cfg, path).Pepper(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	return pepper
}

// Desk is how a stage invoices. Without it the process ends.
func Desk(cfg aws.Config, path string) invoice.Desk {
	desk, err := Open(cfg, path).Desk(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	return desk
}

// Strings reads parameters by their names under the path: "pepper", "banks/lhv/key". One that is missing is an error that names it.
func (s *Store) Strings(ctx context.Context, names ...string) (map[string]string, error) {
	found := map[string]string{}
	for part := range slices.Chunk(names, 10) { // as many as one call takes
		full := make([]string, len(part))
		for i, n := range part {
			full[i] = s.path + "/" + n
		}
		out, err := s.client.GetParameters(ctx, &ssm.GetParametersInput{Names: full, WithDecryption: aws.Bool(true)})
		if err != nil {
			return nil, fmt.Errorf("secret: %w", err)
		}
		if len(out.InvalidParameters) > 0 {
			return nil, fmt.Errorf("secret: there is no parameter %s", strings.Join(out.InvalidParameters, ", "))
		}
		for _, p := range out.Parameters {
			name, value := strings.TrimPrefix(aws.ToString(p.Name), s.path+"/"), aws.ToString(p.Value)
			if s.Prod() && test(value) {
				return nil, fmt.Errorf("%s: %w", name, ErrTest)
			}
			found[name] = value
		}
	}
	return found, nil
}

// Prod tells whether real people buy at this stage.
func (s *Store) Prod() bool { return path.Base(s.path) == "prod" }

// Pepper reads what passwords and links are protected with, at least 32 bytes.
func (s *Store) Pepper(ctx context.Context) ([]byte, error) {
	found, err := s.Strings(ctx, "pepper")
	if err == nil && len(found["pepper"]) < 32 {
		err = errors.New("secret: the pepper is shorter than 32 characters")
	}
	return []byte(found["pepper"]), err
}

// Origin reads the words by which the API knows its distribution, each at least 32 bytes: one, or two while it changes.
func (s *Store) Origin(ctx context.Context) ([]string, error) {
	found, err := s.Strings(ctx, "origin")
	if err != nil {
		return nil, err
	}
	words := strings.Fields(found["origin"])
	if len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return len(w) < 32 }) {
		return nil, errors.New("secret: a word of the origin is shorter than 32 characters")
	}
	return words, nil
}

// Desk reads how the stage invoices.
func (s *Store) Desk(ctx context.Context) (invoice.Desk, error) {
	found, err := s.Strings(ctx, invoice.DeskParameter)
	if err != nil {
		return invoice.Desk{}, err
	}
	return invoice.ParseDesk(found[invoice.DeskParameter])
}

// unquoted lays the strings of a JSON text out as lines of their own.
var unquoted = strings.NewReplacer(`\n`, "\n", `"`, "\n")

// test tells whether a value was made for tests: a pepper that begins with "test-", or a PEM that says so in its headers,
// also inside of the JSON of an agreement.
func test(value string) bool {
	if strings.HasPrefix(value, "test-") {
		return true
	}
	rest := []byte(unquoted.Replace(value))
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return false
		}
		if block.Headers["Purpose"] == "test" {
			return true
		}
	}
}
