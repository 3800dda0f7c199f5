package template

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// evaluator turns nodes into plain values.
type evaluator struct {
	parameters map[string]any // string, or []any of a list
	mappings   map[string]any
	conditions map[string]*yaml.Node
	resources  map[string]bool   // logical ids: does the resource's condition hold
	types      map[string]string // of the resources
	asking     []string          // conditions that are being settled, against circles
}

// noValue is AWS::NoValue: the property is not there.
type noValue struct{}

// at puts the line before an error that has none yet.
func at(n *yaml.Node, err error) error {
	if _, ok := errors.AsType[*lineError](err); ok || err == nil {
		return err
	}
	return &lineError{n.Line, err}
}

func fail(n *yaml.Node, format string, args ...any) error { return at(n, fmt.Errorf(format, args...)) }

type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("%d: %v", e.line, e.err) }
func (e *lineError) Unwrap() error { return e.err }

// pairs lists a mapping's keys and values and refuses doubles, which YAML's nodes let pass.
func pairs(n *yaml.Node) ([]string, []*yaml.Node, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return nil, nil, fail(n, "want names with values here")
	}
	var keys []string
	var values []*yaml.Node
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
			return nil, nil, fail(k, "want a plain name here")
		}
		if slices.Contains(keys, k.Value) {
			return nil, nil, fail(k, "%s is here twice", k.Value)
		}
		keys, values = append(keys, k.Value), append(values, n.Content[i+1])
	}
	return keys, values, nil
}

// intrinsic is the function that a node calls, without "Fn::", and its argument; "" where it calls none.
func intrinsic(n *yaml.Node) (string, *yaml.Node) {
	if tag, ok := strings.CutPrefix(n.Tag, "!"); ok && !strings.HasPrefix(tag, "!") && tag != "" {
		bare := *n
		bare.Tag = map[yaml.Kind]string{yaml.ScalarNode: "!!str", yaml.SequenceNode: "!!seq", yaml.MappingNode: "!!map"}[n.Kind]
		return tag, &bare
	}
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		name := n.Content[0].Value
		if name == "Ref" {
			return name, n.Content[1]
		}
		if f, ok := strings.CutPrefix(name, "Fn::"); ok {
			return f, n.Content[1]
		}
	}
	return "", nil
}

// value is a node as map[string]any, []any, string, int, float64, bool, nil or noValue.
func (e *evaluator) value(n *yaml.Node) (any, error) {
	if n.Kind == yaml.AliasNode {
		return e.value(n.Alias)
	}
	if f, argument := intrinsic(n); f != "" {
		v, err := e.call(f, argument)
		return v, at(n, err)
	}
	switch n.Kind {
	case yaml.MappingNode:
		keys, values, err := pairs(n)
		if err != nil {
			return nil, err
		}
		out := map[string]any{}
		for i, k := range keys {
			v, err := e.value(values[i])
			if err != nil {
				return nil, err
			}
			if v != (any)(noValue{}) {
				out[k] = v
			}
		}
		return out, nil
	case yaml.SequenceNode:
		out := []any{}
		for _, c := range n.Content {
			v, err := e.value(c)
			if err != nil {
				return nil, err
			}
			if v != (any)(noValue{}) {
				out = append(out, v)
			}
		}
		return out, nil
	}
	switch n.Tag {
	case "!!int":
		var i int
		return decoded(n, &i)
	case "!!float":
		var f float64
		return decoded(n, &f)
	case "!!bool":
		var b bool
		return decoded(n, &b)
	case "!!null":
		return nil, nil
	}
	return escape(n.Value), nil // also what YAML takes for a date: CloudFormation does not
}

func decoded[T any](n *yaml.Node, v *T) (any, error) {
	if err := n.Decode(v); err != nil {
		return nil, at(n, err)
	}
	return *v, nil
}

// escape keeps a ${ that is not ours from being read as a reference.
func escape(s string) string { return strings.ReplaceAll(s, "${", "${!") }

func (e *evaluator) call(f string, n *yaml.Node) (any, error) {
	switch f {
	case "Ref":
		return e.reference(n.Value)
	case "GetAtt":
		name := n.Value
		if n.Kind == yaml.SequenceNode {
			parts, err := e.texts(n)
			if err != nil {
				return nil, err
			}
			name = strings.Join(parts, ".")
		}
		if !strings.Contains(name, ".") {
			return nil, fmt.Errorf("GetAtt %s: names no attribute", name)
		}
		return e.attribute(name)
	case "Sub":
		return e.sub(n)
	case "Join":
		a, err := e.arguments(f, n, 2)
		if err != nil {
			return nil, err
		}
		separator, ok := a[0].(string)
		list, err := texts(a[1])
		if !ok || err != nil {
			return nil, errors.New("Join wants a text and a list of texts")
		}
		return strings.Join(list, separator), nil
	case "Split":
		a, err := e.arguments(f, n, 2)
		if err != nil {
			return nil, err
		}
		separator, ok1 := a[0].(string)
		text, ok2 := a[1].(string)
		if !ok1 || !ok2 || separator == "" {
			return nil, errors.New("Split wants two texts")
		}
		if err := settled(text); err != nil {
			return nil, fmt.Errorf("Split: %w", err)
		}
		list := []any{}
		for part := range strings.SplitSeq(text, separator) {
			list = append(list, part)
		}
		return list, nil
	case "Select":
		a, err := e.arguments(f, n, 2)
		if err != nil {
			return nil, err
		}
		i, err := number(a[0])
		list, ok := a[1].([]any)
		if err != nil || !ok {
			return nil, errors.New("Select wants a number and a list")
		}
		if i < 0 || i >= len(list) {
			return nil, fmt.Errorf("Select: there is no number %d in a list of %d", i, len(list))
		}
		return list[i], nil
	case "FindInMap":
		a, err := e.arguments(f, n, 3)
		if err != nil {
			return nil, err
		}
		var v any = e.mappings
		for _, step := range a {
			m, _ := v.(map[string]any)
			if v = m[fmt.Sprint(step)]; v == nil {
				return nil, fmt.Errorf("FindInMap: there is no %v", step)
			}
		}
		return v, nil
	case "If":
		if n.Kind != yaml.SequenceNode || len(n.Content) != 3 {
			return nil, errors.New("If wants a condition and two values")
		}
		yes, err := e.holds(n.Content[0].Value)
		if err != nil {
			return nil, err
		}
		if yes {
			return e.value(n.Content[1])
		}
		return e.value(n.Content[2])
	case "Equals", "And", "Or", "Not", "Condition":
		return nil, fmt.Errorf("%s stands in Conditions only", f)
	}
	return nil, fmt.Errorf("the function %s is not known here", f)
}

func (e *evaluator) arguments(f string, n *yaml.Node, count int) ([]any, error) {
	v, err := e.value(n)
	if err != nil {
		return nil, err
	}
	a, _ := v.([]any)
	if len(a) != count {
		return nil, fmt.Errorf("%s wants %d arguments", f, count)
	}
	return a, nil
}

func (e *evaluator) texts(n *yaml.Node) ([]string, error) {
	v, err := e.value(n)
	if err != nil {
		return nil, err
	}
	return texts(v)
}

func texts(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, errors.New("want a list of texts")
	}
	var out []string
	for _, x := range list {
		switch x.(type) {
		case string, int, float64, bool:
			out = append(out, fmt.Sprint(x))
		default:
			return nil, errors.New("want a list of texts")
		}
	}
	return out, nil
}

func number(v any) (int, error) {
	switch v := v.(type) {
	case int:
		return v, nil
	case string:
		return strconv.Atoi(v)
	}
	return 0, fmt.Errorf("%v is not a whole number", v)
}

// settled refuses a text of which a part is known only after the deployment.
func settled(s string) error {
	_, err := Expand(s, func(id, _ string) (string, error) {
		return "", fmt.Errorf("%s is known only after the deployment", id)
	})
	return err
}

// reference is what Ref gives.
func (e *evaluator) reference(name string) (any, error) {
	if name == "AWS::NoValue" {
		return noValue{}, nil
	}
	if v, ok := e.parameters[name]; ok {
		return v, nil
	}
	return "${" + name + "}", e.exists(name)
}

// attribute is what GetAtt gives.
func (e *evaluator) attribute(name string) (any, error) {
	id, _, _ := strings.Cut(name, ".")
	return "${" + name + "}", e.exists(id)
}

func (e *evaluator) exists(id string) error {
	there, known := e.resources[id]
	if there || e.generated(id) {
		return nil
	}
	if known {
		return fmt.Errorf("the resource %s is not there: its condition does not hold", id)
	}
	return fmt.Errorf("there is no parameter or resource %s", id)
}

// generated tells whether SAM makes the resource: CheckoutRole, ApiApiGatewayDefaultStage, ServerlessHttpApi.
func (e *evaluator) generated(id string) bool {
	if id == "ServerlessHttpApi" {
		return true
	}
	for owner, there := range e.resources {
		if there && strings.HasPrefix(e.types[owner], "AWS::Serverless::") && strings.HasPrefix(id, owner) && id != owner {
			return true
		}
	}
	return false
}

func (e *evaluator) sub(n *yaml.Node) (any, error) {
	text, own := n.Value, map[string]any{}
	if n.Kind == yaml.SequenceNode {
		if len(n.Content) != 2 || n.Content[0].Kind != yaml.ScalarNode {
			return nil, errors.New("Sub wants a text, or a text and names with values")
		}
		text = n.Content[0].Value
		v, err := e.value(n.Content[1])
		if err != nil {
			return nil, err
		}
		var ok bool
		if own, ok = v.(map[string]any); !ok {
			return nil, errors.New("Sub wants a text, or a text and names with values")
		}
	}
	return substitute(text, func(name string) (string, error) {
		v, ok := own[name]
		if !ok {
			var err error
			if strings.Contains(name, ".") {
				v, err = e.attribute(name)
			} else {
				v, err = e.reference(name)
			}
			if err != nil {
				return "", err
			}
		}
		switch v.(type) {
		case string, int, float64, bool:
			return fmt.Sprint(v), nil
		}
		return "", fmt.Errorf("Sub: %s is not a text", name)
	}, escape)
}

// holds settles a condition by its name.
func (e *evaluator) holds(name string) (bool, error) {
	n, ok := e.conditions[name]
	if !ok {
		return false, fmt.Errorf("there is no condition %s", name)
	}
	if slices.Contains(e.asking, name) {
		return false, fail(n, "the condition %s asks for itself", name)
	}
	e.asking = append(e.asking, name)
	defer func() { e.asking = e.asking[:len(e.asking)-1] }()
	return e.condition(n)
}

func (e *evaluator) condition(n *yaml.Node) (yes bool, err error) {
	defer func() { err = at(n, err) }()
	f, argument := intrinsic(n)
	if f == "" && n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "Condition" {
		f, argument = "Condition", n.Content[1]
	}
	switch f {
	case "Condition":
		return e.holds(argument.Value)
	case "Equals":
		a, err := e.arguments(f, argument, 2)
		if err != nil {
			return false, err
		}
		for _, v := range a {
			if err := settled(fmt.Sprint(v)); err != nil {
				return false, fmt.Errorf("Equals: %w", err)
			}
		}
		return fmt.Sprint(a[0]) == fmt.Sprint(a[1]), nil
	case "Not", "And", "Or":
		if argument.Kind != yaml.SequenceNode || len(argument.Content) == 0 || f == "Not" && len(argument.Content) != 1 {
			return false, fmt.Errorf("%s wants conditions", f)
		}
		yes := f == "And"
		for _, c := range argument.Content {
			one, err := e.condition(c)
			if err != nil {
				return false, err
			}
			switch f {
			case "Not":
				yes = !one
			case "And":
				yes = yes && one
			case "Or":
				yes = yes || one
			}
		}
		return yes, nil
	}
	return false, errors.New("this is no condition that is known here")
}

// pseudo are the pseudo parameters of a machine that is not AWS.
var pseudo = map[string]any{
	"AWS::AccountId": "000000000000",
	"AWS::Partition": "aws",
	"AWS::Region":    "eu-north-1",
	"AWS::StackId":   "arn:aws:cloudformation:eu-north-1:000000000000:stack/opiq/0",
	"AWS::StackName": "opiq",
	"AWS::URLSuffix": "amazonaws.com",
}

// settle gives each parameter its value.
func settle(declared *yaml.Node, given map[string]string) (map[string]any, error) {
	out := maps.Clone(pseudo)
	kinds := map[string]string{}
	missing := []string{}
	if declared != nil {
		names, nodes, err := pairs(declared)
		if err != nil {
			return nil, err
		}
		for i, name := range names {
			var p struct {
				Type    string  `yaml:"Type"`
				Default *string `yaml:"Default"`
			}
			if err := nodes[i].Decode(&p); err != nil {
				return nil, at(nodes[i], err)
			}
			kinds[name] = p.Type
			v, ok := given[name]
			if !ok && p.Default == nil {
				missing = append(missing, name)
				continue
			}
			if !ok {
				v = *p.Default
			}
			out[name] = parameter(p.Type, v)
		}
	}
	if len(missing) > 0 {
		return nil, fail(declared, "no value for %s", strings.Join(missing, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, isPseudo := pseudo[name]; isPseudo {
			out[name] = given[name]
		} else if _, ok := kinds[name]; !ok {
			return nil, &lineError{1, fmt.Errorf("a value was given for %s, and there is no such parameter", name)}
		}
	}
	return out, nil
}

func parameter(kind, v string) any {
	if kind != "CommaDelimitedList" && !strings.HasPrefix(kind, "List<") {
		return escape(v)
	}
	list := []any{}
	for part := range strings.SplitSeq(v, ",") {
		list = append(list, escape(strings.TrimSpace(part)))
	}
	return list
}
