package sources

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Filter passes the events that fit at least one of its patterns; one without patterns passes all.
type Filter []any

// Compile reads patterns in the language of
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html as far as exact values,
// prefix, anything-but and exists go. A pattern that says more is refused, not passed over.
func Compile(patterns []string) (Filter, error) {
	var f Filter
	for _, text := range patterns {
		var p any
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			return nil, fmt.Errorf("the pattern %s: %w", text, err)
		}
		if err := check(p); err != nil {
			return nil, fmt.Errorf("the pattern %s: %w", text, err)
		}
		f = append(f, p)
	}
	return f, nil
}

func check(p any) error {
	object, ok := p.(map[string]any)
	if !ok {
		return fmt.Errorf("%v is no object", p)
	}
	for name, p := range object {
		list, ok := p.([]any)
		if !ok {
			if err := check(p); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			continue
		}
		for _, rule := range list {
			if r, ok := rule.(map[string]any); ok && !known(r) {
				return fmt.Errorf("%s: the rule %v is not known here", name, r)
			}
		}
	}
	return nil
}

func known(rule map[string]any) bool {
	if len(rule) != 1 {
		return false
	}
	switch v := first(rule).(type) {
	case string:
		return rule["prefix"] != nil || rule["anything-but"] != nil
	case bool:
		return rule["exists"] != nil || rule["anything-but"] != nil
	case map[string]any:
		prefix, ok := v["prefix"].(string)
		return rule["anything-but"] != nil && len(v) == 1 && ok && prefix != ""
	default:
		return rule["anything-but"] != nil
	}
}

func first(rule map[string]any) any {
	for _, v := range rule {
		return v
	}
	return nil
}

// Passes tells whether the event, as JSON decodes it, fits.
func (f Filter) Passes(event any) bool {
	return len(f) == 0 || slices.ContainsFunc(f, func(p any) bool { return fits(p.(map[string]any), event) })
}

func fits(pattern map[string]any, event any) bool {
	object, _ := event.(map[string]any)
	for name, p := range pattern {
		value, there := object[name]
		switch p := p.(type) {
		case map[string]any:
			if !fits(p, value) {
				return false
			}
		case []any:
			if !slices.ContainsFunc(p, func(rule any) bool { return allows(rule, value, there) }) {
				return false
			}
		}
	}
	return true
}

// allows tells whether one rule of a leaf allows the value. Of a list in the event, one value is enough.
func allows(rule, value any, there bool) bool {
	r, ok := rule.(map[string]any)
	if want, ok := r["exists"].(bool); ok {
		_, object := value.(map[string]any)
		return want == (there && !object) // only a leaf exists
	}
	if list, isList := value.([]any); isList && there {
		return slices.ContainsFunc(list, func(v any) bool { return allows(rule, v, true) })
	}
	switch {
	case !there:
		return false
	case !ok:
		return reflect.DeepEqual(rule, value)
	case r["prefix"] != nil:
		return hasPrefix(value, r["prefix"])
	}
	switch not := r["anything-but"].(type) {
	case map[string]any:
		return !hasPrefix(value, not["prefix"])
	case []any:
		return !slices.ContainsFunc(not, func(v any) bool { return reflect.DeepEqual(v, value) })
	default:
		return !reflect.DeepEqual(not, value)
	}
}

func hasPrefix(value, prefix any) bool {
	v, isText := value.(string)
	p, _ := prefix.(string)
	return isText && strings.HasPrefix(v, p)
}
