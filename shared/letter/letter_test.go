package letter

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"opiq/shared/lang"
)

var now = time.Date(2026, 9, 1, 9, 8, 0, 0, time.UTC)

const lease = 30 * time.Second

var mari = Recipient{Address: "mari@example.com", Name: "Mari Maasikas", Language: lang.Estonian}

func TestLetterIsHeldByOneSenderAtATime(t *testing.T) {
	held, err := Letter{}.Take(now, lease)
	if err != nil || held.State != Sending {
		t.Fatalf("%+v %v", held, err)
	}
	if _, err := held.Take(now.Add(lease-1), lease); !errors.Is(err, ErrHeld) {
		t.Errorf("within the lease: %v", err)
	}
	again, err := held.Take(now.Add(lease), lease)
	if err != nil || !again.HeldUntil.Equal(now.Add(2*lease)) {
		t.Errorf("after the lease: %+v %v", again, err)
	}
}

func TestOutcomeIsRecorded(t *testing.T) {
	held, _ := Letter{}.Take(now, lease)
	sent, err := held.Accept(now, mari, Message{Subject: "s", Text: "t"}, "ses-1")
	if err != nil || !sent.Done() || sent.Outcome.SES != "ses-1" || sent.Outcome.To != mari.Address || len(sent.Outcome.Wording) != 64 {
		t.Errorf("%+v %v", sent, err)
	}
	dropped, err := held.Refuse(now, mari, "MessageRejected")
	if err != nil || !dropped.Done() || dropped.State != Refused || dropped.Outcome.Reason != "MessageRejected" {
		t.Errorf("%+v %v", dropped, err)
	}
}

// TestWalk plays any events in any order: what is done stays as it is, and nothing is done that nobody took.
func TestWalk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, at := Letter{}, now
		for range rapid.IntRange(1, 20).Draw(t, "events") {
			at = at.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "seconds")) * time.Second)
			before, after, err := l, l, error(nil)
			switch rapid.IntRange(0, 2).Draw(t, "event") {
			case 0:
				after, err = l.Take(at, lease)
			case 1:
				after, err = l.Accept(at, mari, Message{}, "ses")
			case 2:
				after, err = l.Refuse(at, mari, "reason")
			}
			if err == nil {
				l = after
			}
			if before.Done() && err == nil || !before.Done() && l.Done() && before.State != Sending {
				t.Fatalf("%q became %q (%v)", before.State, l.State, err)
			}
		}
	})
}
