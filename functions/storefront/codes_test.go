package main

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"opiq/shared/lang"
	"opiq/shared/problem"
)

// refusals are the codes that the source of the tree holds, of problems and of wrong fields, each with the files where it stands.
type refusals struct{ problems, fields map[string][]string }

// TestEveryRefusalIsExplained: whatever the API refuses, there is a text for the person who meets it, and nothing is explained that
// never happens.
func TestEveryRefusalIsExplained(t *testing.T) {
	have := maps.Clone(sections()["problems"])
	for key, text := range sections()["staff-problems"] {
		if _, twice := have[key]; twice {
			t.Errorf("%q stands in both files of problems", key)
		}
		have[key] = text
	}
	found := refused(t)
	wanted := map[string][]string{"unknown": nil}
	maps.Copy(wanted, found.problems)
	for code, at := range found.fields {
		wanted["field_"+code] = at
	}
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		if _, ok := have[key]; !ok {
			t.Errorf("texts/problems.json and staff-problems.json lack %q (%s)", key, strings.Join(slices.Compact(wanted[key]), ", "))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(have)) {
		if _, ok := wanted[key]; !ok {
			t.Errorf("a text explains %q, which nothing says", key)
		}
	}
}

// TestWaysLeadSomewhere: what helps with a problem is a page that there is, under a name.
func TestWaysLeadSomewhere(t *testing.T) {
	for code, addresses := range ways {
		for _, l := range lang.All {
			e, err := explain(l, code)
			if err != nil || e.What == "" || e.Todo == "" {
				t.Errorf("%s in %s: %+v, %v", code, l, e, err)
			}
			for _, w := range e.Next {
				if _, err := say(l, w.Name); err != nil {
					t.Error(err)
				}
			}
		}
		for _, address := range addresses {
			if !slices.ContainsFunc(pages, func(p page) bool { return string(p.at) == address }) {
				t.Errorf("%s leads to %s", code, address)
			}
		}
	}
}

// refused finds the codes by the syntax of the source.
func refused(t *testing.T) refusals {
	all := refusals{map[string][]string{}, map[string][]string{}}
	anyWrong, _ := errors.AsType[*problem.Error](problem.Wrong([]problem.Field{{}}))
	all.problems[anyWrong.Code] = nil
	root := os.DirFS("../..")
	for _, top := range []string{"shared", "functions"} {
		err := fs.WalkDir(root, top, func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				readPackage(t, root, name, all)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	edge, err := fs.ReadFile(root, "edge.yaml") // the web ACL answers by itself
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`"code":"([a-z_]+)"`).FindAllStringSubmatch(string(edge), -1) {
		all.problems[m[1]] = append(all.problems[m[1]], "edge.yaml")
	}
	return all
}

// readPackage finds the codes of one folder.
func readPackage(t *testing.T, root fs.FS, folder string, all refusals) {
	names, err := fs.Glob(root, path.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	constants := map[string]string{}
	files := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || folder == "shared/problem" {
			continue
		}
		b, err := fs.ReadFile(root, name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, b, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = f
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok {
				for i, value := range v.Values {
					if s, ok := literal(value); ok && i < len(v.Names) {
						constants[v.Names[i].Name] = s
					}
				}
			}
			return true
		})
	}
	for name, f := range files {
		r := reader{t, name, constants, map[string]int{}, all}
		ast.Inspect(f, r.helpers)
		ast.Inspect(f, r.codes)
	}
}

// reader reads one file. Helpers are the functions in it that make a wrong field of a code that they are given: which argument it is.
type reader struct {
	t         *testing.T
	file      string
	constants map[string]string
	named     map[string]int
	all       refusals
}

func (r reader) helpers(n ast.Node) bool {
	var name string
	var kind *ast.FuncType
	var body *ast.BlockStmt
	switch n := n.(type) {
	case *ast.FuncDecl:
		name, kind, body = n.Name.Name, n.Type, n.Body
	case *ast.AssignStmt:
		f, isFunc := n.Rhs[0].(*ast.FuncLit)
		to, isName := n.Lhs[0].(*ast.Ident)
		if !isFunc || !isName {
			return true
		}
		name, kind, body = to.Name, f.Type, f.Body
	default:
		return true
	}
	if body == nil {
		return true
	}
	var parameters []string
	for _, p := range kind.Params.List {
		for _, n := range p.Names {
			parameters = append(parameters, n.Name)
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		if code, ok := fieldCode(n); ok {
			if i, ok := code.(*ast.Ident); ok && slices.Contains(parameters, i.Name) {
				r.named[name] = slices.Index(parameters, i.Name)
			}
		}
		return true
	})
	return true
}

func (r reader) codes(n ast.Node) bool {
	if code, ok := fieldCode(n); ok {
		if s, ok := r.value(code); ok {
			r.all.fields[s] = append(r.all.fields[s], r.file)
		} else if _, ok := code.(*ast.Ident); !ok || len(r.named) == 0 {
			r.t.Errorf("%s: a wrong field has a code that cannot be read here", r.file)
		}
	}
	switch n := n.(type) {
	case *ast.CallExpr:
		switch f := n.Fun.(type) {
		case *ast.Ident:
			if i, ok := r.named[f.Name]; ok {
				if s, ok := r.value(n.Args[i]); ok {
					r.all.fields[s] = append(r.all.fields[s], r.file)
				} else {
					r.t.Errorf("%s: %s is called with a code that cannot be read here", r.file, f.Name)
				}
			}
		case *ast.SelectorExpr:
			if selects(f, "problem", "New") {
				r.problem(n.Args[1])
			}
		}
	case *ast.CompositeLit:
		if selects(n.Type, "problem", "Error") {
			r.problem(value(n, "Code"))
		}
	case *ast.ValueSpec: // of decisions about reading
		if kind, ok := n.Type.(*ast.Ident); ok && kind.Name == "Code" && r.file == "shared/license/decide.go" && n.Names[0].Name != "Valid" {
			r.problem(n.Values[0])
		}
	}
	return true
}

func (r reader) problem(code ast.Expr) {
	s, ok := r.value(code)
	if !ok {
		r.t.Errorf("%s: a problem has a code that cannot be read here", r.file)
		return
	}
	r.all.problems[s] = append(r.all.problems[s], r.file)
}

// value is what an expression says: a string, a constant of the package, or string(constant).
func (r reader) value(e ast.Expr) (string, bool) {
	if c, ok := e.(*ast.CallExpr); ok && len(c.Args) == 1 {
		e = c.Args[0]
	}
	if i, ok := e.(*ast.Ident); ok {
		s, ok := r.constants[i.Name]
		return s, ok
	}
	return literal(e)
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil
}

// fieldCode is the code of a problem.Field, where a node is one.
func fieldCode(n ast.Node) (ast.Expr, bool) {
	l, ok := n.(*ast.CompositeLit)
	if !ok {
		return nil, false
	}
	if pointer, code := value(l, "Pointer"), value(l, "Code"); pointer != nil && code != nil {
		return code, true
	}
	if selects(l.Type, "problem", "Field") && len(l.Elts) == 3 {
		return l.Elts[1], true
	}
	return nil, false
}

// value is the value of a key of a literal.
func value(l *ast.CompositeLit, key string) ast.Expr {
	for _, e := range l.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if k, ok := kv.Key.(*ast.Ident); ok && k.Name == key {
				return kv.Value
			}
		}
	}
	return nil
}

func selects(e ast.Expr, pkg, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg && s.Sel.Name == name
}
