package sources

import (
	"encoding/json"
	"testing"
)

func TestTheFilterPassesWhatThePatternSays(t *testing.T) {
	const event = `{"eventName":"INSERT","n":3,"b":true,"tags":["x","y"],"dynamodb":{"NewImage":{"kind":{"S":"mail"},"empty":{"NULL":true}}}}`
	for _, c := range []struct {
		pattern string
		passes  bool
	}{
		{`{}`, true},
		{`{"eventName":["INSERT"]}`, true},
		{`{"eventName":["MODIFY","INSERT"]}`, true},
		{`{"eventName":["MODIFY"]}`, false},
		{`{"eventName":["INSERT"],"dynamodb":{"NewImage":{"kind":{"S":["mail"]}}}}`, true},
		{`{"eventName":["INSERT"],"dynamodb":{"NewImage":{"kind":{"S":["order"]}}}}`, false},
		{`{"dynamodb":{"OldImage":{"kind":{"S":["mail"]}}}}`, false},
		{`{"n":[3]}`, true},
		{`{"n":["3"]}`, false},
		{`{"b":[true]}`, true},
		{`{"tags":["y"]}`, true},
		{`{"tags":["z"]}`, false},
		{`{"dynamodb":{"NewImage":{"kind":{"S":[{"prefix":"ma"}]}}}}`, true},
		{`{"dynamodb":{"NewImage":{"kind":{"S":[{"prefix":"mo"}]}}}}`, false},
		{`{"n":[{"prefix":"3"}]}`, false},
		{`{"eventName":[{"anything-but":"REMOVE"}]}`, true},
		{`{"eventName":[{"anything-but":["REMOVE","INSERT"]}]}`, false},
		{`{"eventName":[{"anything-but":{"prefix":"IN"}}]}`, false},
		{`{"nowhere":[{"anything-but":"x"}]}`, false},
		{`{"eventName":[{"exists":true}]}`, true},
		{`{"eventName":[{"exists":false}]}`, false},
		{`{"nowhere":[{"exists":false}]}`, true},
		{`{"dynamodb":[{"exists":true}]}`, false}, // only leaves exist
		{`{"dynamodb":{"OldImage":{"kind":{"S":[{"exists":false}]}}}}`, true},
	} {
		f, err := Compile([]string{c.pattern})
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		var e any
		if err := json.Unmarshal([]byte(event), &e); err != nil {
			t.Fatal(err)
		}
		if f.Passes(e) != c.passes {
			t.Errorf("%s passes: %v", c.pattern, !c.passes)
		}
	}
}

func TestOneOfSeveralPatternsIsEnough(t *testing.T) {
	f, err := Compile([]string{`{"a":[1]}`, `{"b":[1]}`})
	if err != nil {
		t.Fatal(err)
	}
	if !f.Passes(map[string]any{"b": 1.0}) || f.Passes(map[string]any{"c": 1.0}) || !Filter(nil).Passes(nil) {
		t.Error("the filter is wrong")
	}
}

func TestWhatTheFilterDoesNotKnowIsRefused(t *testing.T) {
	for _, p := range []string{``, `[]`, `{"a":1}`, `{"a":[{"suffix":"x"}]}`, `{"a":[{"numeric":[">",1]}]}`, `{"a":[{"exists":"yes"}]}`,
		`{"a":[{"prefix":{"equals-ignore-case":"x"}}]}`, `{"a":[{"anything-but":{"suffix":"x"}}]}`, `{"$or":[{"a":[1]}]}`} {
		if _, err := Compile([]string{p}); err == nil {
			t.Errorf("%s is taken", p)
		}
	}
}
