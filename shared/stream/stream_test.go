package stream

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// image is an item of "name=text" and, for numbers, "name:number".
func image(text string) map[string]events.DynamoDBAttributeValue {
	if text == "" {
		return nil
	}
	i := map[string]events.DynamoDBAttributeValue{}
	for field := range strings.FieldsSeq("id=1 " + text) {
		if name, number, ok := strings.Cut(field, ":"); ok {
			i[name] = events.NewNumberAttribute(number)
			continue
		}
		name, value, _ := strings.Cut(field, "=")
		i[name] = events.NewStringAttribute(value)
	}
	return i
}

// seen is what a handler is told of one record.
func seen(t *testing.T, event, before, after string) (things []New) {
	t.Helper()
	see := Handler(func(_ context.Context, all []New) (int, error) { things = all; return len(all), nil })
	r := events.DynamoDBEventRecord{EventName: event, Change: events.DynamoDBStreamRecord{SequenceNumber: "1", OldImage: image(before), NewImage: image(after)}}
	if out, err := see.Handle(t.Context(), events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{r}}); err != nil || out.BatchItemFailures != nil {
		t.Errorf("%+v %v", out, err)
	}
	return things
}

func TestWhoIsToldOfWhat(t *testing.T) {
	for name, c := range map[string]struct {
		event, before, after string
		told                 bool
	}{
		"a new letter":                      {"INSERT", "", "kind=mail", true},
		"a new entry":                       {"INSERT", "", "kind=entry state=new", true},
		"a new statement":                   {"INSERT", "", "kind=statement state=received", true},
		"a refund for the card provider":    {"INSERT", "", "kind=refund way=card state=requested", true},
		"one that somebody made there":      {"INSERT", "", "kind=refund way=card state=done", false},
		"a transfer":                        {"INSERT", "", "kind=refund way=transfer state=requested", false},
		"money for another order":           {"INSERT", "", "kind=refund way=offset state=done", false},
		"a buyer who sets out to pay":       {"INSERT", "", "kind=attempt state=started", false},
		"one who does by card":              {"INSERT", "", "kind=attempt state=started reference=abc", false},
		"a statement read in part":          {"MODIFY", "kind=statement state=received", "kind=statement state=received", true},
		"one that is done":                  {"MODIFY", "kind=statement state=received", "kind=statement state=done", false},
		"an entry that learned something":   {"MODIFY", "kind=entry state=waiting", "kind=entry state=new", true},
		"one that was matched":              {"MODIFY", "kind=entry state=new", "kind=entry state=allocated", false},
		"a letter that was taken":           {"MODIFY", "kind=mail", "kind=mail state=sending", false},
		"one that was nudged":               {"MODIFY", "kind=mail", "kind=mail nudged:1", true},
		"again":                             {"MODIFY", "kind=mail nudged:9", "kind=mail nudged:10", true},
		"and then taken":                    {"MODIFY", "kind=mail nudged:10", "kind=mail nudged:10 state=sending", false},
		"an attempt that was nudged":        {"MODIFY", "kind=attempt reference=abc", "kind=attempt reference=abc nudged:1", true},
		"one of which the provider spoke":   {"MODIFY", "kind=attempt reference=abc nudged:1", "kind=attempt reference=abc nudged:1 state=failed", false},
		"a refund that was nudged":          {"MODIFY", "kind=refund way=card nudged:1", "kind=refund way=card nudged:2", true},
		"a kind that nobody has thought of": {"MODIFY", "kind=whatever", "kind=whatever nudged:1", true},
		"a count that is no number":         {"MODIFY", "kind=mail", "kind=mail nudged=1", false},
		"a letter that has expired":         {"REMOVE", "kind=mail nudged:1", "", false},
		"something without a kind":          {"INSERT", "", "state=new", false},
		"a count that somebody set to zero": {"MODIFY", "kind=mail nudged:3", "kind=mail nudged:0", false},
	} {
		if things := seen(t, c.event, c.before, c.after); (len(things) == 1) != c.told {
			t.Errorf("%s: %+v", name, things)
		}
	}
}

func TestAThingHasTheReferenceThatItsMessageNeeds(t *testing.T) {
	things := seen(t, "MODIFY", "kind=attempt reference=abc", "kind=attempt reference=abc nudged:1")
	if len(things) != 1 || things[0] != (New{"attempt", "1", "abc"}) {
		t.Errorf("%+v", things)
	}
}

func TestWhatWasNotPassedOnComesAgainFromThereOn(t *testing.T) {
	var e events.DynamoDBEvent
	for _, n := range []string{"1", "2", "3"} {
		e.Records = append(e.Records, events.DynamoDBEventRecord{
			EventName: "INSERT", Change: events.DynamoDBStreamRecord{SequenceNumber: n, NewImage: image("kind=mail")},
		})
	}
	h := Handler(func(context.Context, []New) (int, error) { return 1, errors.New("full") })
	out, err := h.Handle(t.Context(), e)
	if err != nil || len(out.BatchItemFailures) != 1 || out.BatchItemFailures[0].ItemIdentifier != "2" {
		t.Errorf("%+v %v", out, err)
	}
}
