package license_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"opiq/local/fault"
	"opiq/local/stage"
	"opiq/shared/civil"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/queue"
)

var first = civil.Date{Year: 2026, Month: 12, Day: 1}.Start(civil.Tallinn)

// TestEveryShardIsRungWithEveryCallBroken: some may be rung more than once.
func TestEveryShardIsRungWithEveryCallBroken(t *testing.T) {
	fault.EveryCall(t, func(t *testing.T, broken func(aws.Config) aws.Config) (func(context.Context) error, func(*testing.T)) {
		cfg, url := stage.Config(t), stage.Queue(t, "clock")
		clock := queue.Open(broken(cfg), url)
		act := func(ctx context.Context) error {
			return license.Ring(ctx, clock, first, license.Bell{Kind: "license#activation", Shards: 12}, license.Bell{Kind: "license#expiry", Shards: 13})
		}
		return act, func(t *testing.T) {
			rung := map[license.Shard]bool{}
			for _, body := range messages(t, cfg, url) {
				var m license.Shard
				if err := json.Unmarshal([]byte(body), &m); err != nil || !m.Now.Equal(first) || m.After != "" {
					t.Fatal(body, err)
				}
				rung[license.Shard{Kind: m.Kind, Shard: m.Shard}] = true
			}
			if len(rung) != 25 {
				t.Errorf("%d shards are rung", len(rung))
			}
		}
	})
}

// messages takes all messages off a queue.
func messages(t *testing.T, cfg aws.Config, url string) (all []string) {
	t.Helper()
	for {
		out, err := sqs.NewFromConfig(cfg).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return all
		}
		for _, m := range out.Messages {
			all = append(all, *m.Body)
		}
	}
}

// half is a queue that takes the first message of each call.
type half struct{ taken []any }

func (h *half) SendAll(_ context.Context, messages []any) (int, error) {
	h.taken = append(h.taken, messages[0])
	return 1, nil
}

func TestWhatTheQueueDoesNotTakeIsAnError(t *testing.T) {
	h := new(half)
	if err := license.Ring(t.Context(), h, first, license.Bell{Kind: "license#expiry", Shards: 16}); err == nil || len(h.taken) != 2 {
		t.Errorf("%d messages of two calls are taken (%v)", len(h.taken), err)
	}
}

// shelf holds one license.
type shelf struct {
	license license.License
	letters []letter.Letter
	err     error
}

func (s *shelf) Advance(_ context.Context, l license.License, tell letter.Letter) (bool, error) {
	if s.err != nil || l.Revision != s.license.Revision {
		return false, s.err
	}
	l.Revision++
	s.license, s.letters = l, append(s.letters, tell)
	return true, nil
}

func TestALicenseAdvancesOnce(t *testing.T) {
	l := license.Grant("1234567890", "mari", 1, nil, civil.Date{Year: 2026, Month: 12, Day: 1}, civil.Tallinn, first.Add(-time.Hour))
	s := &shelf{license: l}
	for _, step := range []struct {
		listed license.License // as the index, which may be behind, has it
		now    time.Time
		moved  bool
	}{
		{l, first.Add(-time.Second), false},
		{l, first, true},
		{l, first, false},
	} {
		if moved, err := license.Advance(t.Context(), s, step.listed, step.now); moved != step.moved || err != nil {
			t.Errorf("at %s it moved: %t (%v)", step.now, moved, err)
		}
	}
	if moved, err := license.Advance(t.Context(), s, s.license, first); moved || err != nil || len(s.letters) != 1 {
		t.Errorf("it moved again: %t, %d letters (%v)", moved, len(s.letters), err)
	}
	s.err = errors.New("no table")
	if _, err := license.Advance(t.Context(), s, s.license, l.EndsAt); !errors.Is(err, s.err) || !strings.Contains(err.Error(), string(l.ID)) {
		t.Errorf("the error does not say whose it is: %v", err)
	}
}
