package fields

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"opiq/shared/problem"
)

// order has what a body can be made of: an object that may be absent, with fields of its own.
type order struct {
	Months int    `json:"months"`
	Buyer  *buyer `json:"buyer"`
}

type buyer struct {
	Name string `json:"name"`
}

func (o *order) Check() (wrong []problem.Field) {
	if o.Buyer != nil && o.Buyer.Name == "" {
		wrong = append(wrong, problem.Field{Pointer: "/buyer/name", Code: "required"})
	}
	return wrong
}

func TestAnObjectMayBeAbsent(t *testing.T) {
	for text, want := range map[string]string{`{"months":1}`: "", `{"months":1,"buyer":null}`: "", `{"months":1,"buyer":{"name":"Kool"}}`: "Kool"} {
		var o order
		if err := Read([]byte(text), &o); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if (o.Buyer == nil) != (want == "") || o.Buyer != nil && o.Buyer.Name != want {
			t.Errorf("%s: the buyer is %v", text, o.Buyer)
		}
	}
}

func TestWhatIsWrongInsideAnObjectIsNamedOnce(t *testing.T) {
	for text, want := range map[string]string{
		`{"buyer":{}}`:                   "required /buyer/name",
		`{"buyer":7}`:                    "wrong_type /buyer",
		`{"buyer":{"name":7}}`:           "wrong_type /buyer/name",
		`{"buyer":{"name":null}}`:        "wrong_type /buyer/name",
		`{"buyer":{"nme":"Kool"}}`:       "unknown /buyer/nme, required /buyer/name",
		`{"months":"1","buyer":[]}`:      "wrong_type /months, wrong_type /buyer",
		`{"buyer":{"name":"a"},"x/y":1}`: "unknown /x~1y",
	} {
		var found []string
		if p, ok := errors.AsType[*problem.Error](Read([]byte(text), new(order))); ok {
			for _, f := range p.Fields {
				found = append(found, f.Code+" "+f.Pointer)
			}
		}
		if got := strings.Join(found, ", "); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// choice is wrong as a whole, and in its field too.
type choice struct {
	Reason string `json:"reason"`
}

func (*choice) Check() []problem.Field {
	return []problem.Field{{Pointer: "", Code: "one_of"}, {Pointer: "/reason", Code: "required"}}
}

func TestWhatIsWrongAsAWholeHidesNoField(t *testing.T) {
	p, ok := errors.AsType[*problem.Error](Read([]byte(`{}`), new(choice)))
	if !ok || len(p.Fields) != 2 {
		t.Errorf("%v", p)
	}
}

func TestOnlyOneObjectIsRead(t *testing.T) {
	for _, text := range []string{"", "null", "[]", "{", "{}{}", `{"months":1,"months":2}`, `{"buyer":{"name":"a","name":"b"}}`, strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)} {
		if err := Read([]byte(text), new(order)); !errors.Is(err, ErrNotJSON) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"months":1,"buyer":{"name":"Kool"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, wrong := errors.AsType[*problem.Error](Read(text, new(order)))
		if wrong && p.Class != problem.Malformed && len(p.Fields) == 0 {
			t.Error("something is wrong, and no field is named")
		}
		if wrong && slices.ContainsFunc(p.Fields, func(f problem.Field) bool { return f.Code == "" }) {
			t.Error("a field has no code")
		}
	})
}
