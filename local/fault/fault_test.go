package fault_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"opiq/local/fault"
	"opiq/local/stage"
)

// The example: a sale is written once, and announced at least once.
func TestASaleSurvivesEveryBrokenCall(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, cfg func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		mine, table := stage.Table(t) // never broken
		queue := stage.Queue(t, "sales")
		db, messages := dynamodb.NewFromConfig(cfg(mine)), sqs.NewFromConfig(cfg(mine))

		act := func(ctx context.Context) error {
			_, err := db.PutItem(ctx, &dynamodb.PutItemInput{
				TableName:           &table,
				Item:                map[string]types.AttributeValue{"PK": text("sale"), "SK": text("1")},
				ConditionExpression: aws.String("attribute_not_exists(PK)"),
			})
			if _, already := errors.AsType[*types.ConditionalCheckFailedException](err); err != nil && !already {
				return err
			}
			_, err = messages.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: aws.String("sold")})
			return err
		}
		check := func(t *testing.T) {
			all, err := dynamodb.NewFromConfig(mine).Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
			if err != nil || all.Count != 1 {
				t.Errorf("%d sales, %v; want 1", all.Count, err)
			}
			got, err := sqs.NewFromConfig(mine).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, MaxNumberOfMessages: 10})
			if err != nil || len(got.Messages) == 0 {
				t.Errorf("%d messages, %v; want some", len(got.Messages), err)
			}
		}
		return act, check
	})
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// world is a far side that counts what arrives.
type world struct {
	mu      sync.Mutex
	arrived []string
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrived = append(w.arrived, r.Header.Get("X-Amz-Target"))
}

func (w *world) config(t *testing.T) aws.Config {
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	return aws.Config{HTTPClient: server.Client(), BaseEndpoint: &server.URL}
}

func call(ctx context.Context, cfg aws.Config, target string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, *cfg.BaseEndpoint, nil)
	if err != nil {
		return err
	}
	r.Header.Set("X-Amz-Target", target)
	answer, err := cfg.HTTPClient.Do(r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

func TestEachCallIsBrokenInEachWay(t *testing.T) {
	seen := map[string][]string{} // what arrived, by run
	var errs []error
	fault.EveryCall(t, func(t *testing.T, cfg func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		w := new(world)
		mine := w.config(t)
		broken := cfg(mine)
		act := func(ctx context.Context) error {
			if err := call(ctx, mine, "own"); err != nil { // not through the breaker
				return err
			}
			for _, target := range []string{"a", "b"} {
				if err := call(ctx, broken, target); err != nil {
					errs = append(errs, err)
					return err
				}
			}
			return nil
		}
		_, run, _ := strings.Cut(t.Name(), "/")
		return act, func(*testing.T) { seen[run] = w.arrived }
	})

	for run, want := range map[string]string{
		"lost/call_0":                         "own own a b",
		"lost/call_1":                         "own a own a b",
		"lost/call_2":                         "own a b own a b",
		"answer_lost/call_0":                  "own a own a b",
		"answer_lost/call_1":                  "own a b own a b",
		"answer_lost/call_2":                  "own a b own a b",
		"answer_lost,_the_SDK_retries/call_0": "own a own a b",
		"answer_lost,_the_SDK_retries/call_1": "own a b own a b",
		"answer_lost,_the_SDK_retries/call_2": "own a b own a b",
	} {
		if got := strings.Join(seen[run], " "); got != want {
			t.Errorf("%s: %q arrived, want %q", run, got, want)
		}
		delete(seen, run)
	}
	if len(seen) > 0 {
		t.Errorf("there were more runs: %v", seen)
	}
	if len(errs) != 6 || !errors.Is(errs[0], fault.ErrLost) {
		t.Errorf("the acts met %v", errs)
	}
}

// The plays that must be found out, each run by this test binary as a process of its own.
func TestWhatIsNotSafeIsFound(t *testing.T) {
	for name, want := range map[string]string{
		"DoesItTwice":   "call 0 is not survived",
		"FailsAlways":   "the event came again, with nothing broken, and fails: always",
		"FailsUnbroken": "it fails with nothing broken: on its own",
		"BreaksNothing": "gave no configuration to cfg",
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestPlay$")
			cmd.Env = append(os.Environ(), "PLAY="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), want) {
				t.Errorf("%v: %s\nwant it to fail with %q", err, out, want)
			}
		})
	}
}

func TestPlay(t *testing.T) {
	play := os.Getenv("PLAY")
	if play == "" {
		return // it is run by TestWhatIsNotSafeIsFound
	}
	times := 0
	fault.EveryCall(t, func(t *testing.T, cfg func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		w := new(world)
		mine := w.config(t)
		if play == "BreaksNothing" {
			return func(context.Context) error { return nil }, func(*testing.T) {}
		}
		broken := cfg(mine)
		act := func(ctx context.Context) error {
			switch play {
			case "FailsAlways":
				return errors.Join(call(ctx, broken, "a"), errors.New("always"))
			case "FailsUnbroken":
				if err := call(ctx, broken, "a"); err != nil {
					return err
				}
				if times++; times == 2 { // call 0 was broken in the first world; this is the second
					return errors.New("on its own")
				}
				return nil
			}
			return call(ctx, broken, "a")
		}
		check := func(t *testing.T) {
			if play == "DoesItTwice" && len(w.arrived) != 1 {
				t.Errorf("it was done %d times", len(w.arrived))
			}
		}
		return act, check
	})
}
