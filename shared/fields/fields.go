// Package fields reads one JSON object into a struct, strictly: every field that does not fit is named by its JSON pointer, all at
// once, and no name is passed over or taken twice.
//
// It reads bodies of requests and commands of operators alike. It knows no rule of the trade: what is read says itself what
// is wrong with it (Checker).
package fields

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"opiq/shared/problem"
)

// ErrNotJSON is what a text is refused with before its fields are looked at.
var ErrNotJSON = problem.New(problem.Malformed, "not_json", "The body must be one JSON object without repeated names.")

// Checker is a body that knows which of its fields break a rule.
type Checker interface{ Check() []problem.Field }

// Read reads an object into a struct by its json tags and answers with every wrong field at once: unknown names, wrong types,
// and what the struct's own Check finds. Fields of the struct without a json tag are not read; one that is a pointer to a
// struct is an object that may be absent.
func Read(object []byte, into any) error {
	if !oneObject(object) {
		return ErrNotJSON
	}
	unread := fill(reflect.ValueOf(into).Elem(), object, "")
	wrong := slices.Clone(unread)
	if c, ok := into.(Checker); ok {
		for _, f := range c.Check() {
			if !slices.ContainsFunc(unread, func(w problem.Field) bool { return under(f.Pointer, w.Pointer) }) {
				wrong = append(wrong, f)
			}
		}
	}
	return problem.Wrong(wrong)
}

// under tells whether a field stands in another: what could not be read is not judged a second time.
func under(pointer, parent string) bool {
	return pointer == parent || strings.HasPrefix(pointer, parent+"/")
}

// oneObject tells whether b is a single JSON object in which no name is repeated, at any depth.
func oneObject(b []byte) bool {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') || !distinct(d, true, 0) {
		return false
	}
	_, err := d.Token()
	return errors.Is(err, io.EOF)
}

const maxDepth = 32

func distinct(d *json.Decoder, object bool, depth int) bool {
	seen := map[string]bool{}
	for d.More() && depth < maxDepth {
		t, err := d.Token()
		if err != nil {
			return false
		}
		if object {
			name, ok := t.(string)
			if !ok || seen[name] {
				return false
			}
			seen[name] = true
			if t, err = d.Token(); err != nil {
				return false
			}
		}
		if open, ok := t.(json.Delim); ok && !distinct(d, open == '{', depth+1) {
			return false
		}
	}
	t, err := d.Token()
	end, ok := t.(json.Delim)
	return err == nil && ok && (end == '}') == object
}

// fill reads one JSON value into v and names what does not fit, each by its pointer.
func fill(v reflect.Value, raw []byte, at string) []problem.Field {
	switch _, own := v.Addr().Interface().(json.Unmarshaler); {
	case own || isText(v):
	case v.Kind() == reflect.Struct:
		return fillStruct(v, raw, at)
	case v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct && string(raw) != "null":
		v.Set(reflect.New(v.Type().Elem()))
		return fill(v.Elem(), raw, at)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		return fillSlice(v, raw, at)
	}
	if string(raw) == "null" && v.Kind() != reflect.Pointer || json.Unmarshal(raw, v.Addr().Interface()) != nil {
		return []problem.Field{{Pointer: at, Code: "wrong_type", Detail: "The value does not fit this field."}}
	}
	return nil
}

func isText(v reflect.Value) bool {
	_, ok := v.Addr().Interface().(interface{ UnmarshalText([]byte) error })
	return ok
}

func fillStruct(v reflect.Value, raw []byte, at string) (wrong []problem.Field) {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || object == nil {
		return []problem.Field{{Pointer: at, Code: "wrong_type", Detail: "This field must be an object."}}
	}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if raw, ok := object[name]; ok && name != "" {
			wrong = append(wrong, fill(v.Field(i), raw, at+"/"+name)...)
			delete(object, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		wrong = append(wrong, problem.Field{Pointer: at + "/" + escape(name), Code: "unknown", Detail: "There is no such field."})
	}
	return wrong
}

func fillSlice(v reflect.Value, raw []byte, at string) (wrong []problem.Field) {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil || items == nil {
		return []problem.Field{{Pointer: at, Code: "wrong_type", Detail: "This field must be a list."}}
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, raw := range items {
		wrong = append(wrong, fill(v.Index(i), raw, at+"/"+strconv.Itoa(i))...)
	}
	return wrong
}

// escape writes a name as a step of a JSON pointer (RFC 6901, section 3).
func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
