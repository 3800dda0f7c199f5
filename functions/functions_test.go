// Package functions holds no code but the functions in its folders. Its test holds the collection together: what stands
// in template.yaml, in the folders, in events/, in openapi.yaml and in README.md says the same, and the rules of the
// house that no compiler knows are kept.
package functions

import (
	"cmp"
	"encoding/json"
	"fmt"
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
	"testing/fstest"
	"time"

	"go.yaml.in/yaml/v3"

	"opiq/local/template"
)

// rules are the checks. Each reads the tree and answers what is wrong in it: which file, and what to do.
var rules = []struct {
	name  string
	check func(*house)
}{
	{"a folder is a function", folders},
	{"a function has one kind of trigger", triggers},
	{"a function has events", eventFiles},
	{"the README has a row for each function", readme},
	{"openapi.yaml has the template's routes", openapi},
	{"imports", imports},
	{"the trade has no clock", clock},
	{"the trade does not throw dice", randomness},
	{"functions run as they are measured", runtimes},
	{"variables are few and come with the right they need", variables},
	{"no secrets in plain sight", secrets},
	{"policies name what they allow", policies},
	{"callbacks hold no right on the table", callbacks},
	{"doors see their own partitions", doors},
	{"what a source cannot hand over is kept", sources},
	{"queues retry and park", queues},
	{"parked messages wake somebody", parked},
	{"logs are kept for a while", logs},
	{"the table is safe", table},
	{"the buckets are safe", buckets},
	{"the API is throttled and closed", api},
	{"the edge keeps what is everybody's", edge},
	{"who answers everybody alike knows nobody", nobodys},
	{"nobody writes down what people ask for", unwritten},
	{"floods are stopped at the edge", floods},
	{"stages are dev and prod", stages},
}

func TestCollection(t *testing.T) {
	tree := load(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			h := open(t, tree)
			r.check(h)
			for _, w := range h.wrong {
				t.Error(w)
			}
		})
	}
}

// house is the tree as the rules see it.
type house struct {
	tree      fstest.MapFS
	resources map[string]template.Resource // of functions with Globals put in
	beside    map[string]beside
	functions []template.Function
	queues    map[string]template.Queue
	throttle  template.Throttle
	door      template.Door
	edge      template.Edge
	wrong     []string
}

// beside is what stands beside a resource's properties.
type beside struct {
	UpdateReplacePolicy string            `yaml:"UpdateReplacePolicy"`
	Metadata            map[string]string `yaml:"Metadata"`
}

func (h *house) errorf(format string, args ...any) {
	h.wrong = append(h.wrong, fmt.Sprintf(format, args...))
}

// load reads the files that the rules look at.
func load(t testing.TB) fstest.MapFS {
	t.Helper()
	tree, root := fstest.MapFS{}, os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (d.Name()[0] == '.' || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir():
			tree[name] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
			return nil
		case slices.Contains([]string{".go", ".json", ".yaml", ".toml", ".md"}, path.Ext(name)):
			b, err := fs.ReadFile(root, name)
			tree[name] = &fstest.MapFile{Data: b, Mode: 0o644}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// open reads the template of a tree.
func open(t testing.TB, tree fstest.MapFS) *house {
	t.Helper()
	source := tree["template.yaml"].Data
	read, err := template.Parse("template.yaml", source, map[string]string{
		"Stage": "dev", "PublicUrl": "https://opiq.example", "Sender": "no-reply@opiq.example", "Certificate": "arn:aws:acm:us-east-1:1:certificate/a",
	})
	if err != nil {
		t.Fatal(err)
	}
	var raw struct {
		Resources map[string]beside `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(source, &raw); err != nil {
		t.Fatal(err)
	}
	h := &house{tree: tree, resources: read.Resources, beside: raw.Resources, functions: read.Functions, throttle: read.Throttle, door: read.Door, edge: read.Edge, queues: map[string]template.Queue{}}
	for _, q := range read.Queues {
		h.queues[q.ID] = q
	}
	return h
}

// get follows names into objects; what is not there is nil.
func get(v any, names ...string) any {
	for _, n := range names {
		m, _ := v.(map[string]any)
		v = m[n]
	}
	return v
}

// text is a text, a number or a truth value as text; what is not there is "".
func text(v any, names ...string) string {
	switch x := get(v, names...).(type) {
	case string, int, float64, bool:
		return fmt.Sprint(x)
	}
	return ""
}

// number is a whole number, or -1.
func number(v any, names ...string) int {
	if n, ok := get(v, names...).(int); ok {
		return n
	}
	return -1
}

// list is a list, or the one value as a list.
func list(v any, names ...string) []any {
	switch x := get(v, names...).(type) {
	case nil:
		return nil
	case []any:
		return x
	default:
		return []any{x}
	}
}

func texts(v any, names ...string) (all []string) {
	for _, x := range list(v, names...) {
		all = append(all, text(x))
	}
	return all
}

// all are the resources of a type by their logical ids, in order.
func (h *house) all(kind string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(h.resources)), func(id string) bool { return h.resources[id].Type != kind })
}

// target is the logical id that a text begins with: "${Payments.Arn}" and "${Table.Arn}/index/due" have one, else "".
func target(s string) string {
	if m := reference.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}

var reference = regexp.MustCompile(`^\$\{(\w+)(?:\.\w+)?\}`)

// logical is the name of a function's resource: payment-settlement is PaymentSettlement.
func logical(folder string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(folder, "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// subfolders are the names of the folders in a folder.
func (h *house) subfolders(in string) (names []string) {
	for name, f := range h.tree {
		if f.Mode.IsDir() && path.Dir(name) == in {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return names
}

// route is one route of a function.
type route struct{ function, key string }

func (h *house) routes() (all []route) {
	for _, f := range h.functions {
		for _, r := range f.Routes {
			all = append(all, route{f.Name, r.Key()})
		}
	}
	slices.SortFunc(all, func(a, b route) int { return strings.Compare(a.key, b.key) })
	return all
}

// ---- Folders, events, papers

func folders(h *house) {
	for _, f := range h.subfolders("functions") {
		if _, ok := h.resources[logical(f)]; !ok {
			h.errorf("template.yaml: functions/%s has no resource: add %s with CodeUri functions/%s/", f, logical(f), f)
		}
		if h.tree["functions/"+f+"/main.go"] == nil {
			h.errorf("functions/%s has no main.go", f)
		}
		if h.tree["functions/"+f+"/main_test.go"] == nil {
			h.errorf("functions/%s has no main_test.go: play events/%s through it", f, f)
		}
	}
	for _, f := range h.functions {
		if f.Folder != "functions/"+f.Name || logical(f.Name) != f.ID || h.tree[f.Folder] == nil {
			h.errorf("template.yaml: %s has CodeUri %s: it must be functions/<folder>/, and the folder's name in CamelCase %s", f.ID, f.Folder, f.ID)
		}
	}
}

// byHand are the functions that only their operator calls, by rights of their own: nothing in the template may.
var byHand = []string{"staff"}

// forPeople is the function whose routes are pages: openapi.yaml is for programs and says nothing of them.
const forPeople = "storefront"

func triggers(h *house) {
	for _, name := range byHand {
		if !slices.ContainsFunc(h.functions, func(f template.Function) bool { return f.Name == name }) {
			h.errorf("functions_test.go: byHand names %s, which is no function", name)
		}
	}
	for _, f := range h.functions {
		kinds := 0
		for _, n := range []int{len(f.Routes), len(f.Queues), len(f.Streams), len(f.Schedules)} {
			kinds += min(n, 1)
		}
		if f.ID == h.door.Function {
			kinds++
		}
		if get(f.Properties, "FunctionUrlConfig") != nil {
			h.errorf("template.yaml: %s has a URL of its own: the API is the only door", f.ID)
		}
		switch hand := slices.Contains(byHand, f.Name); {
		case hand && kinds > 0:
			h.errorf("template.yaml: %s has events: only its operator may call it", f.ID)
		case !hand && kinds != 1:
			h.errorf("template.yaml: %s has %d kinds of events: give it one (HttpApi, SQS, DynamoDB or ScheduleV2), or let it be the API's door", f.ID, kinds)
		}
		for _, r := range f.Routes {
			switch api := strings.HasPrefix(r.Path, "/v1/"); {
			case r.Method == "ANY", !api && f.Name != forPeople:
				h.errorf("template.yaml: %s: route %q: the API stands under /v1 and its methods are written out", f.ID, r.Key())
			case f.Name == forPeople && (api || r.Method != "GET" && r.Method != "HEAD"):
				h.errorf("template.yaml: %s: route %q: pages are read, and stand outside of the API", f.ID, r.Key())
			}
		}
	}
	all := h.routes()
	for i := 1; i < len(all); i++ {
		if all[i].key == all[i-1].key {
			h.errorf("template.yaml: %s and %s both have route %q", all[i-1].function, all[i].function, all[i].key)
		}
	}
}

func eventFiles(h *house) {
	played := map[route]bool{}
	for _, f := range h.functions {
		count := 0
		for name, file := range h.tree {
			if path.Dir(name) != "events/"+f.Name || path.Ext(name) != ".json" {
				continue
			}
			count++
			var event struct {
				RouteKey string `json:"routeKey"`
			}
			if err := json.Unmarshal(file.Data, &event); err != nil {
				h.errorf("%s: %v", name, err)
			}
			played[route{f.Name, event.RouteKey}] = true
		}
		if count == 0 {
			h.errorf("events/%s has no event: add one as AWS sends it", f.Name)
		}
	}
	for _, r := range h.routes() {
		if !played[r] {
			h.errorf("events/%s: no event has routeKey %q: add one", r.function, r.key)
		}
	}
	for _, f := range h.subfolders("events") {
		if _, ok := h.resources[logical(f)]; !ok {
			h.errorf("events/%s belongs to no function: delete it", f)
		}
	}
}

// readme wants a table row whose first cell is the function's name, perhaps as code or as a link.
func readme(h *house) {
	file := h.tree["README.md"]
	if file == nil {
		h.errorf("README.md is missing")
		return
	}
	rows := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\|\\s*\\[?`?([a-z][a-z0-9-]*)`?[\\]\\s|]").FindAllSubmatch(file.Data, -1) {
		rows[string(m[1])] = true
	}
	for _, f := range h.functions {
		if !rows[f.Name] {
			h.errorf("README.md: the table of functions has no row that begins with %s", f.Name)
		}
	}
}

func openapi(h *house) {
	file := h.tree["openapi.yaml"]
	if file == nil {
		h.errorf("openapi.yaml is missing")
		return
	}
	var doc struct {
		OpenAPI string                    `yaml:"openapi"`
		Paths   map[string]map[string]any `yaml:"paths"`
	}
	if err := yaml.Unmarshal(file.Data, &doc); err != nil {
		h.errorf("openapi.yaml: %v", err)
		return
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		h.errorf("openapi.yaml: openapi is %q: it must be 3.1.x", doc.OpenAPI)
	}
	described := map[string]bool{}
	for p, item := range doc.Paths {
		for method := range item {
			if slices.Contains([]string{"get", "put", "post", "delete", "patch", "head", "options"}, method) {
				described[strings.ToUpper(method)+" "+p] = true
			}
		}
	}
	for _, r := range h.routes() {
		if r.function == forPeople {
			continue
		}
		key := strings.ReplaceAll(r.key, "+}", "}") // OpenAPI has no sign for a parameter that takes slashes
		if !described[key] {
			h.errorf("openapi.yaml: %s is a route of %s: describe it", key, r.function)
		}
		delete(described, key)
	}
	for _, key := range slices.Sorted(maps.Keys(described)) {
		h.errorf("openapi.yaml: %s is no route of template.yaml: delete it there or add the event here", key)
	}
}

// ---- Go

// edges are the packages that know AWS, HTTP or the process. All others in shared/ are the trade.
var edges = []string{"cloud", "web", "queue", "table", "mail", "secret", "metric", "schedule", "stream", "bucket", "acquirer"}

// goFile is one file of Go.
type goFile struct {
	name    string
	file    *ast.File
	imports []string
}

func (s goFile) test() bool { return strings.HasSuffix(s.name, "_test.go") }

// room is the first two steps of the file's path: shared/order, functions/checkout, local/template.
func (s goFile) room() string {
	if parts := strings.SplitN(s.name, "/", 3); len(parts) == 3 {
		return parts[0] + "/" + parts[1]
	}
	return path.Dir(s.name)
}

func (s goFile) trade() bool {
	name, ok := strings.CutPrefix(s.room(), "shared/")
	return ok && !slices.Contains(edges, name)
}

func (h *house) goFiles() (all []goFile) {
	for _, name := range slices.Sorted(maps.Keys(h.tree)) {
		if path.Ext(name) != ".go" || strings.Contains(name, "/testdata/") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, h.tree[name].Data, parser.SkipObjectResolution)
		if err != nil {
			h.errorf("%v", err)
			continue
		}
		s := goFile{name: name, file: f}
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				h.errorf("%s: %v", name, err)
			}
			s.imports = append(s.imports, p)
		}
		all = append(all, s)
	}
	return all
}

// within tells whether an import is a package or below it.
func within(imported string, packages ...string) bool {
	return slices.ContainsFunc(packages, func(p string) bool { return imported == p || strings.HasPrefix(imported, p+"/") })
}

func imports(h *house) {
	for _, s := range h.goFiles() {
		for _, i := range s.imports {
			own, ours := strings.CutPrefix(i, "opiq/")
			switch {
			case s.test():
			case within(i, "opiq/local") && !strings.HasPrefix(s.name, "local/"):
				h.errorf("%s imports %s: what is never deployed is only for local/ and tests", s.name, i)
			case within(i, "opiq/functions"):
				h.errorf("%s imports %s: nothing imports a function; move what both need to shared/", s.name, i)
			case s.trade() && within(i, "os", "net", "net/http", "syscall", "log", "github.com/aws") && !within(i, "net/url", "net/mail", "net/netip"):
				h.errorf("%s imports %s: the trade knows no AWS, no HTTP and no process; give it what it needs as an argument", s.name, i)
			case s.trade() && ours && slices.Contains(edges, strings.TrimPrefix(own, "shared/")):
				h.errorf("%s imports %s: the trade imports no edge", s.name, i)
			case ours && slices.Contains(edges, strings.TrimPrefix(s.room(), "shared/")) && slices.Contains(edges, strings.TrimPrefix(own, "shared/")):
				h.errorf("%s imports %s: edges import no edge; the function joins them", s.name, i)
			}
		}
	}
}

func clock(h *house) {
	clocks := []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep"}
	for _, s := range h.goFiles() {
		if !s.trade() || s.test() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if p, ok := sel.X.(*ast.Ident); ok && p.Name == "time" && slices.Contains(clocks, sel.Sel.Name) {
					h.errorf("%s uses time.%s: now is an argument", s.name, sel.Sel.Name)
				}
			}
			return true
		})
	}
}

func randomness(h *house) {
	for _, s := range h.goFiles() {
		for _, i := range s.imports {
			if within(i, "math/rand") && !s.test() && s.trade() {
				h.errorf("%s imports %s: what a stranger may not guess comes from crypto/rand", s.name, i)
			}
		}
	}
}

// ---- Functions in the template

func runtimes(h *house) {
	for _, f := range h.functions {
		for name, want := range map[string]string{"Runtime": "provided.al2023", "Handler": "bootstrap"} {
			if got := text(f.Properties, name); got != want {
				h.errorf("template.yaml: %s: %s is %q, must be %s", f.ID, name, got, want)
			}
		}
		if got := texts(f.Properties, "Architectures"); !slices.Equal(got, []string{"arm64"}) {
			h.errorf("template.yaml: %s: Architectures is %q, must be [arm64]", f.ID, got)
		}
		if h.beside[f.ID].Metadata["BuildMethod"] != "go1.x" {
			h.errorf("template.yaml: %s: add Metadata: {BuildMethod: go1.x}", f.ID)
		}
		if f.Memory < 256 {
			h.errorf("template.yaml: %s: MemorySize must be 256 at least", f.ID)
		}
		if f.Timeout > time.Minute || len(f.Routes) > 0 && f.Timeout > 29*time.Second {
			h.errorf("template.yaml: %s: Timeout is %v: a minute at most, and less than API Gateway's 30 s for routes", f.ID, f.Timeout)
		}
	}
}

// needs are the rights that a variable is useless without, as the beginning of an action.
var needs = map[string]string{"TABLE": "dynamodb:", "PAYMENTS_QUEUE": "sqs:SendMessage", "CARDS_QUEUE": "sqs:SendMessage", "BANK_ENTRIES_QUEUE": "sqs:SendMessage", "STATEMENTS_QUEUE": "sqs:SendMessage", "MAIL_QUEUE": "sqs:SendMessage", "CLOCK_QUEUE": "sqs:SendMessage", "ACTIVITY_QUEUE": "sqs:SendMessage", "SENDER": "ses:", "SECRETS": "ssm:", "BUCKET": "s3:"}

func variables(h *house) {
	for _, f := range h.functions {
		granted, own := h.granted(f), 0
		for name := range f.Environment {
			if !strings.HasPrefix(name, "GO") { // Go's own, from Globals
				own++
			}
			if need := needs[name]; !slices.ContainsFunc(granted, func(g right) bool { return strings.HasPrefix(g.action, need) }) && need != "" {
				h.errorf("template.yaml: %s has the variable %s but no right %s…", f.ID, name, need)
			}
		}
		if own > 4 {
			h.errorf("template.yaml: %s has %d variables: four are enough", f.ID, own)
		}
		for _, g := range granted {
			told := false
			for name, need := range needs {
				told = told || f.Environment[name] != "" && strings.HasPrefix(g.action, need)
			}
			if !told {
				h.errorf("template.yaml: %s may %s but has no variable that says where: take the right away", f.ID, g.action)
			}
		}
	}
}

// secretLooking are texts that are or hold a secret: keys, credentials, and long random words.
var secretLooking = []*regexp.Regexp{
	regexp.MustCompile(`-----BEGIN `),
	regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b`),
	regexp.MustCompile(`(?im)^\s*"?\w*(password|passwd|secret|pepper|token|private_?key|api_?key)\w*"?\s*[:=]\s*["']?[^\s"'!$\[{#]`),
	regexp.MustCompile(`\b[A-Za-z0-9+/]{40,}={0,2}(\s|"|'|$)`),
	regexp.MustCompile(`resolve:(ssm|secretsmanager)`), // would write the secret into the function's environment
}

// said is where a secret is meant to stand in what is deployed: what the distribution says to the API.
var said = regexp.MustCompile(`HeaderName: opiq-door, HeaderValue: !Sub "\{\{resolve:ssm:/opiq/\$\{Stage\}/origin:\$\{OriginVersion\}\}\}"`)

func secrets(h *house) {
	for _, name := range []string{"template.yaml", "edge.yaml", "samconfig.toml"} {
		if h.tree[name] == nil {
			h.errorf("%s is missing", name)
			continue
		}
		for i, line := range strings.Split(string(h.tree[name].Data), "\n") {
			for _, r := range secretLooking {
				if r.MatchString(said.ReplaceAllString(line, "")) {
					h.errorf("%s:%d looks like a secret (%s): secrets stand in SSM", name, i+1, r)
				}
			}
		}
	}
}

// ---- Rights

// right is one action that a function may do with one resource, as the template names it.
type right struct{ action, resource string }

// granted are the rights of a function, sorted. What SAM adds for sources is not among them.
func (h *house) granted(f template.Function) (all []right) {
	for _, s := range statements(f) {
		if text(s, "Effect") != "Allow" {
			continue
		}
		for _, a := range texts(s, "Action") {
			for _, r := range texts(s, "Resource") {
				all = append(all, right{a, r})
			}
		}
	}
	slices.SortFunc(all, func(a, b right) int { return strings.Compare(a.action+a.resource, b.action+b.resource) })
	return all
}

func statements(f template.Function) (all []any) {
	for _, p := range f.Policies {
		all = append(all, list(p, "Statement")...)
	}
	return all
}

// tableActions are all that the package table does. There is no update in place, no deletion and no scan.
var tableActions = []string{"dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"}

// object is how the rights on objects name them: all of one folder of a bucket.
var object = regexp.MustCompile(`^\$\{(\w+)\.Arn\}/[a-z][a-z-]*/\*$`)

// objects tells whether a resource is all objects of a folder of ours.
func (h *house) objects(resource string) bool {
	m := object.FindStringSubmatch(resource)
	return m != nil && h.resources[m[1]].Type == "AWS::S3::Bucket"
}

// folder is how a condition names what may be listed: what is in one folder.
var folder = regexp.MustCompile(`^[a-z][a-z-]*/\*$`)

// uploads tells whether somebody's uploads come into a bucket: a function may put objects there. What is in others, people keep.
func (h *house) uploads(bucket string) bool {
	return slices.ContainsFunc(h.functions, func(f template.Function) bool {
		return slices.ContainsFunc(h.granted(f), func(r right) bool { return r.action == "s3:PutObject" && target(r.resource) == bucket })
	})
}

func policies(h *house) {
	for id, r := range h.resources {
		if strings.HasPrefix(r.Type, "AWS::IAM::") || r.Type == "AWS::Lambda::Permission" {
			h.errorf("template.yaml: %s is a %s: rights stand in the Policies of their function", id, r.Type)
		}
	}
	for _, f := range h.functions {
		if get(f.Properties, "Role") != nil {
			h.errorf("template.yaml: %s has a Role of its own: write its rights as Policies", f.ID)
		}
		for _, p := range f.Policies {
			if len(list(p, "Statement")) == 0 {
				h.errorf("template.yaml: %s has the policy %v: write out the statement", f.ID, p)
			}
		}
		for _, s := range statements(f) {
			actions, places := texts(s, "Action"), slices.Concat(texts(s, "Resource"), texts(s, "NotResource"))
			if len(actions) == 0 || len(places) == 0 {
				h.errorf("template.yaml: %s has a statement without Action or Resource: name both", f.ID)
			}
			for _, a := range actions {
				if strings.Contains(a, "*") || !strings.Contains(a, ":") {
					h.errorf("template.yaml: %s may %q: name the actions", f.ID, a)
				}
				if strings.HasPrefix(a, "ses:") && text(s, "Condition", "StringEquals", "ses:FromAddress") == "" {
					h.errorf("template.yaml: %s may send mail from any address: add the condition ses:FromAddress", f.ID)
				}
			}
			for _, r := range places {
				if strings.Contains(r, "*") && !h.objects(r) || r == "" {
					h.errorf("template.yaml: %s has the resource %q: name the resources", f.ID, r)
				}
			}
			// Of uploads nobody makes a list; but only who could hears that one is not there (404, not 403). What is kept is listed.
			for _, r := range places {
				kept := h.resources[template.Target(r)].Type == "AWS::S3::Bucket" && !h.uploads(template.Target(r))
				if prefix := text(s, "Condition", "StringLike", "s3:prefix"); kept && slices.Contains(actions, "s3:ListBucket") && !folder.MatchString(prefix) {
					h.errorf("template.yaml: %s may list all of %s: add the condition StringLike s3:prefix with a folder", f.ID, r)
				}
			}
			if text(s, "Effect") == "Allow" && get(s, "NotResource") != nil {
				h.errorf("template.yaml: %s allows all resources but one: name the resources", f.ID)
			}
		}
		for _, g := range h.granted(f) {
			switch {
			case strings.HasPrefix(g.action, "dynamodb:") && !slices.Contains(tableActions, g.action):
				h.errorf("template.yaml: %s may %s: the table is read by key and written by conditional puts only", f.ID, g.action)
			case strings.Contains(g.resource, "/index/") && g.action != "dynamodb:Query":
				h.errorf("template.yaml: %s may %s on an index: an index is only queried", f.ID, g.action)
			case slices.Contains([]string{"s3:GetObject", "s3:PutObject"}, g.action):
				if !h.objects(g.resource) {
					h.errorf("template.yaml: %s may %s %q: name the folder: ${Bucket.Arn}/folder/*", f.ID, g.action, g.resource)
				}
			case g.action == "s3:ListBucket":
				if h.resources[template.Target(g.resource)].Type != "AWS::S3::Bucket" {
					h.errorf("template.yaml: %s may %s %q: name the bucket", f.ID, g.action, g.resource)
				}
			case strings.HasPrefix(g.action, "s3:"):
				h.errorf("template.yaml: %s may %s: objects are put and got only", f.ID, g.action)
			}
		}
	}
}

func callbacks(h *house) {
	for _, f := range h.functions {
		if !strings.HasSuffix(f.Name, "-callback") {
			continue
		}
		for _, g := range h.granted(f) {
			if strings.HasPrefix(g.action, "dynamodb:") || h.resources[target(g.resource)].Type == "AWS::DynamoDB::Table" {
				h.errorf("template.yaml: %s may %s: a public door verifies and enqueues, it has no right on the table", f.ID, g.action)
			}
		}
		if f.Environment["TABLE"] != "" {
			h.errorf("template.yaml: %s knows the table's name: take TABLE away", f.ID)
		}
	}
}

// partitions are those that functions which most people come to need of the table: these, and no more.
var partitions = map[string][]string{
	"catalog": {"SHELF"}, "storefront": {"SHELF"}, "takedown-reports": {"SHELF", "TRIES#*", "TAKEDOWN#*"}, "library": {"ACCOUNT#*", "SHELF", "TRIES#*"},
	"marks": {"ACCOUNT#*", "SHELF", "TRIES#*"}, "activity": {"ACCOUNT#*", "TRIES#*", "VIEWS#*"},
}

func doors(h *house) {
	for _, name := range slices.Sorted(maps.Keys(partitions)) {
		i := slices.IndexFunc(h.functions, func(f template.Function) bool { return f.Name == name })
		if i < 0 {
			h.errorf("functions_test.go: partitions names %s, which is no function", name)
			continue
		}
		f := h.functions[i]
		for _, s := range statements(f) {
			if text(s, "Effect") != "Allow" || !slices.ContainsFunc(texts(s, "Action"), func(a string) bool { return strings.HasPrefix(a, "dynamodb:") }) {
				continue
			}
			keys := slices.Concat(texts(s, "Condition", "ForAllValues:StringEquals", leading), texts(s, "Condition", "ForAllValues:StringLike", leading))
			if len(keys) == 0 || slices.ContainsFunc(keys, func(k string) bool { return !slices.Contains(partitions[name], k) }) {
				h.errorf("template.yaml: %s needs a part of the table only and may %s of %q: add a condition %s of %q", f.ID, texts(s, "Action"), keys, leading, partitions[name])
			}
		}
	}
}

// leading is the condition on the partition of what is read or written.
const leading = "dynamodb:LeadingKeys"

// ---- Sources and queues

func sources(h *house) {
	const partial = "add FunctionResponseTypes: [ReportBatchItemFailures], or one bad message takes its neighbours with it"
	for _, f := range h.functions {
		for _, s := range f.Queues {
			where, q := "template.yaml: "+f.ID+"."+s.Name, h.queues[s.Queue]
			if !s.PartialFailures {
				h.errorf("%s: %s", where, partial)
			}
			if q.Visibility < 6*f.Timeout {
				h.errorf("%s: VisibilityTimeout of %s is %v: it must be six time-outs of the function or more, %v", where, s.Queue, q.Visibility, 6*f.Timeout)
			}
			if s.Concurrency == 0 {
				h.errorf("%s: add ScalingConfig: {MaximumConcurrency: …}", where)
			}
			self := func(r right) bool { return r.action == "sqs:SendMessage" && target(r.resource) == s.Queue }
			if slices.ContainsFunc(h.granted(f), self) && text(f.Properties, "RecursiveLoop") != "Allow" {
				h.errorf("template.yaml: %s hands on to itself: add RecursiveLoop: Allow, or Lambda ends that after sixteen calls", f.ID)
			}
		}
		for _, s := range f.Streams {
			where := "template.yaml: " + f.ID + "." + s.Name
			if !s.PartialFailures {
				h.errorf("%s: %s", where, partial)
			}
			if h.queues[s.OnFailure].ID == "" {
				h.errorf("%s: add DestinationConfig.OnFailure with a queue", where)
			}
			if s.Retries >= 0 && s.Retries < 5 || !s.Bisect {
				h.errorf("%s: one record would hold up the shard for ever: add MaximumRetryAttempts (5 or more) and BisectBatchOnFunctionError: true", where)
			}
			if len(s.Filters) == 0 {
				h.errorf("%s: add FilterCriteria: the function is for some records only", where)
			}
		}
		for _, s := range f.Schedules {
			where := "template.yaml: " + f.ID + "." + s.Name
			if h.queues[s.DeadLetter].ID == "" {
				h.errorf("%s: add DeadLetterConfig with a queue", where)
			}
			if h.queues[f.OnFailure].ID == "" {
				h.errorf("template.yaml: %s: add EventInvokeConfig.DestinationConfig.OnFailure with a queue: the scheduler does not wait for the function's answer", f.ID)
			}
			if !strings.Contains(s.Input, "<aws.scheduler.scheduled-time>") {
				h.errorf(`%s: Input must give the time: '{"time":"<aws.scheduler.scheduled-time>"}'`, where)
			}
			if text(f.Properties, "Events", s.Name, "Properties", "OmitName") != "true" {
				h.errorf("%s: add OmitName: true, or two stages cannot stand in one account", where)
			}
		}
	}
}

// parking are the queues where messages end that nobody could handle: of queues by redrive, of other sources as destinations.
func (h *house) parking() []string {
	all := map[string]bool{}
	for _, q := range h.queues {
		all[q.DeadLetter] = true
	}
	for _, f := range h.functions {
		all[f.OnFailure] = true
		for _, s := range f.Streams {
			all[s.OnFailure] = true
		}
		for _, s := range f.Schedules {
			all[s.DeadLetter] = true
		}
	}
	delete(all, "")
	return slices.Sorted(maps.Keys(all))
}

func queues(h *house) {
	const fortnight = 14 * 24 * time.Hour
	parking := h.parking()
	for id, q := range h.queues {
		if text(h.resources[id].Properties, "SqsManagedSseEnabled") != "true" {
			h.errorf("template.yaml: %s: add SqsManagedSseEnabled: true", id)
		}
		if q.Retention != fortnight {
			h.errorf("template.yaml: %s: MessageRetentionPeriod must be a fortnight, 1209600", id)
		}
		switch parked := slices.Contains(parking, id); {
		case parked && q.DeadLetter != "":
			h.errorf("template.yaml: %s takes what failed and hands it on: let it rest there", id)
		case parked:
		case h.queues[q.DeadLetter].ID == "":
			h.errorf("template.yaml: %s has no dead-letter queue: add RedrivePolicy", id)
		case q.MaxReceives < 5:
			h.errorf("template.yaml: %s: maxReceiveCount must be 5 at least", id)
		case time.Duration(q.MaxReceives)*q.Visibility < 10*time.Minute:
			h.errorf("template.yaml: %s gives up before ten minutes have passed: raise maxReceiveCount", id)
		}
	}
}

func parked(h *house) {
	watched := map[string]bool{}
	for _, id := range h.all("AWS::CloudWatch::Alarm") {
		p := h.resources[id].Properties
		if !slices.ContainsFunc(texts(p, "AlarmActions"), func(a string) bool { return h.resources[target(a)].Type == "AWS::SNS::Topic" }) {
			h.errorf("template.yaml: %s tells nobody: add AlarmActions with the topic", id)
		}
		if text(p, "MetricName") == "ApproximateNumberOfMessagesVisible" && number(p, "Threshold") == 0 && text(p, "ComparisonOperator") == "GreaterThanThreshold" {
			for _, d := range list(p, "Dimensions") {
				watched[target(text(d, "Value"))] = true
			}
		}
	}
	for _, id := range h.parking() {
		if !watched[id] {
			h.errorf("template.yaml: %s has no alarm on ApproximateNumberOfMessagesVisible > 0: add one", id)
		}
	}
}

// ---- The rest of the template

func logs(h *house) {
	users := map[string]string{}
	for _, f := range h.functions {
		group := target(text(f.Properties, "LoggingConfig", "LogGroup"))
		switch {
		case h.resources[group].Type != "AWS::Logs::LogGroup":
			h.errorf("template.yaml: %s: add LoggingConfig: {LogGroup: !Ref %sLog} and the group", f.ID, f.ID)
		case users[group] != "":
			h.errorf("template.yaml: %s and %s share %s: each function has its own", users[group], f.ID, group)
		}
		users[group] = f.ID
	}
	for _, id := range h.all("AWS::Serverless::HttpApi") {
		users[target(text(h.resources[id].Properties, "AccessLogSettings", "DestinationArn"))] = id
	}
	for _, id := range h.all("AWS::Logs::LogGroup") {
		if number(h.resources[id].Properties, "RetentionInDays") < 1 {
			h.errorf("template.yaml: %s: add RetentionInDays, or it grows for ever", id)
		}
		if users[id] == "" {
			h.errorf("template.yaml: nobody writes to %s: delete it", id)
		}
	}
}

func table(h *house) {
	tables := h.all("AWS::DynamoDB::Table")
	if len(tables) != 1 {
		h.errorf("template.yaml: %d tables: there is one", len(tables))
	}
	for _, id := range tables {
		r := h.resources[id]
		if r.DeletionPolicy != "Retain" || h.beside[id].UpdateReplacePolicy != "Retain" {
			h.errorf("template.yaml: %s: add DeletionPolicy: Retain and UpdateReplacePolicy: Retain", id)
		}
		for name, want := range map[string]string{
			"BillingMode":               "PAY_PER_REQUEST",
			"DeletionProtectionEnabled": "true",
			"PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled": "true",
			"SSESpecification.SSEEnabled":                                 "true",
			"StreamSpecification.StreamViewType":                          "NEW_AND_OLD_IMAGES",
			"TimeToLiveSpecification.AttributeName":                       "expires",
			"TimeToLiveSpecification.Enabled":                             "true",
		} {
			if got := text(r.Properties, strings.Split(name, ".")...); got != want {
				h.errorf("template.yaml: %s: %s is %q, must be %s", id, name, got, want)
			}
		}
	}
}

func buckets(h *house) {
	for _, id := range h.all("AWS::S3::Bucket") {
		r := h.resources[id]
		if r.DeletionPolicy != "Retain" || h.beside[id].UpdateReplacePolicy != "Retain" {
			h.errorf("template.yaml: %s: add DeletionPolicy: Retain and UpdateReplacePolicy: Retain", id)
		}
		for _, name := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			if text(r.Properties, "PublicAccessBlockConfiguration", name) != "true" {
				h.errorf("template.yaml: %s: PublicAccessBlockConfiguration: add %s: true", id, name)
			}
		}
		owners := list(r.Properties, "OwnershipControls", "Rules")
		if len(owners) != 1 || text(owners[0], "ObjectOwnership") != "BucketOwnerEnforced" {
			h.errorf("template.yaml: %s: OwnershipControls: ObjectOwnership must be BucketOwnerEnforced", id)
		}
		encryption := list(r.Properties, "BucketEncryption", "ServerSideEncryptionConfiguration")
		if len(encryption) != 1 || text(encryption[0], "ServerSideEncryptionByDefault", "SSEAlgorithm") != "AES256" {
			h.errorf("template.yaml: %s: BucketEncryption: SSEAlgorithm must be AES256", id)
		}
		if get(r.Properties, "VersioningConfiguration") != nil {
			h.errorf("template.yaml: %s keeps versions: what has expired would stay", id)
		}
		rules := list(r.Properties, "LifecycleConfiguration", "Rules")
		if !slices.ContainsFunc(rules, tidies) {
			h.errorf("template.yaml: %s: LifecycleConfiguration: add a rule for all objects with AbortIncompleteMultipartUpload", id)
		}
		switch uploads := h.uploads(id); {
		case uploads && !slices.ContainsFunc(rules, forgets):
			h.errorf("template.yaml: %s: LifecycleConfiguration: add a rule for all objects with ExpirationInDays: uploads are not kept for ever", id)
		case !uploads && slices.ContainsFunc(rules, expires):
			h.errorf("template.yaml: %s: LifecycleConfiguration: no rule may let expire what people put there to stay", id)
		}
		if !slices.ContainsFunc(h.all("AWS::S3::BucketPolicy"), func(p string) bool { return tls(h.resources[p].Properties, id) }) {
			h.errorf("template.yaml: %s: add a BucketPolicy that denies s3:* where aws:SecureTransport is false", id)
		}
	}
}

// whole tells whether a lifecycle rule is in force for every object.
func whole(rule any) bool {
	return get(rule, "Prefix") == nil && get(rule, "TagFilters") == nil && text(rule, "Status") == "Enabled"
}

// forgets tells whether a rule lets every object expire, and tidies whether it does so with every part of an upload that never ended.
func forgets(rule any) bool { return whole(rule) && number(rule, "ExpirationInDays") > 0 }

func tidies(rule any) bool {
	return whole(rule) && number(rule, "AbortIncompleteMultipartUpload", "DaysAfterInitiation") > 0
}

// expires tells whether a rule lets any object expire.
func expires(rule any) bool {
	for _, name := range []string{"ExpirationInDays", "ExpirationDate", "NoncurrentVersionExpiration", "NoncurrentVersionExpirationInDays"} {
		if get(rule, name) != nil {
			return true
		}
	}
	return false
}

// tls tells whether a bucket policy denies everybody all of a bucket without TLS.
func tls(policy any, bucket string) bool {
	return target(text(policy, "Bucket")) == bucket && slices.ContainsFunc(list(policy, "PolicyDocument", "Statement"), func(s any) bool {
		return text(s, "Effect") == "Deny" && text(s, "Principal") == "*" && text(s, "Action") == "s3:*" &&
			slices.Equal(texts(s, "Resource"), []string{"${" + bucket + ".Arn}", "${" + bucket + ".Arn}/*"}) &&
			text(s, "Condition", "Bool", "aws:SecureTransport") == "false"
	})
}

// slow are the routes that send mail, hash a password or call staff: what everybody may call and what costs us.
var slow = []string{"POST /v1/works/{id}/takedown-reports", "POST /v1/signup", "POST /v1/signup/resend", "POST /v1/password/forgot", "POST /v1/password/reset", "POST /v1/account/password", "POST /v1/account/closing",
	"POST /v1/session"}

func api(h *house) {
	apis := h.all("AWS::Serverless::HttpApi")
	if len(apis) != 1 {
		h.errorf("template.yaml: %d APIs: there is one", len(apis))
	}
	keys := map[string]bool{}
	for _, r := range h.routes() {
		keys[r.key] = true
	}
	for _, id := range apis {
		p := h.resources[id].Properties
		if get(p, "CorsConfiguration") != nil {
			h.errorf("template.yaml: %s: CORS is closed: take CorsConfiguration away", id)
		}
		if h.throttle.Rate == 0 || h.throttle.Burst == 0 {
			h.errorf("template.yaml: %s: add DefaultRouteSettings with ThrottlingRateLimit and ThrottlingBurstLimit", id)
		}
		for _, key := range slow {
			if own := h.throttle.Routes[key].Rate; own == 0 || own >= h.throttle.Rate {
				h.errorf("template.yaml: %s: RouteSettings: %s needs a ThrottlingRateLimit below the default", id, key)
			}
		}
		for key := range h.throttle.Routes {
			if !keys[key] {
				h.errorf("template.yaml: %s: RouteSettings has %q, which is no route", id, key)
			}
		}
		if h.resources[target(text(p, "AccessLogSettings", "DestinationArn"))].Type != "AWS::Logs::LogGroup" {
			h.errorf("template.yaml: %s: add AccessLogSettings with a log group", id)
		}
		format := text(p, "AccessLogSettings", "Format")
		if !json.Valid([]byte(format)) || regexp.MustCompile(`\$context\.(path|http\.path|customDomain)|\$request`).MatchString(format) {
			h.errorf("template.yaml: %s: the access log is JSON and names routes, not paths: these hold numbers of orders and names of payers", id)
		}
		if !strings.Contains(format, "$context.authorizer.viewer") {
			h.errorf("template.yaml: %s: the access log loses who asked: add $context.authorizer.viewer, for all come from the edge", id)
		}
		if f := h.resources[h.door.Function]; text(f.Properties, "CodeUri") != "functions/door/" || !slices.Equal(h.door.Headers, []string{"opiq-door", "opiq-viewer"}) || h.door.Kept <= 0 || h.door.Kept > 5*time.Minute {
			h.errorf("template.yaml: %s: Auth: the function door must be asked about every opiq-door and opiq-viewer, and again after five minutes", id)
		}
		if text(p, "DisableExecuteApiEndpoint") == "true" {
			h.errorf("template.yaml: %s: the edge finds the API by its own address: take DisableExecuteApiEndpoint away", id)
		}
	}
}

// everybodys are the functions whose answers are the same for everybody. What others answer is never kept, and they see who asks.
var everybodys = []string{"catalog", "storefront", "terms"}

// personal are the names by which a function reads or sets what says who somebody is: of package web, of package account and of headers.
var personal = []string{"CookieAt", "Cookie", "Cookies", "ParseToken", "ParseKey", "IP", "authorization", "cookie", "opiq-viewer"}

func nobodys(h *house) {
	for _, s := range h.goFiles() {
		name, ok := strings.CutPrefix(s.room(), "functions/")
		if !ok || s.test() || !slices.Contains(everybodys, name) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			var says string
			switch n := n.(type) {
			case *ast.SelectorExpr:
				says = n.Sel.Name
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok {
					says = key.Name
				}
			case *ast.BasicLit:
				says = strings.ToLower(strings.Trim(n.Value, `"`))
			}
			if slices.Contains(personal, says) {
				h.errorf("%s has %s: what %s answers is kept for everybody, so it may not depend on who asks", s.name, says, name)
			}
			return true
		})
	}
}

// unwritten holds that no log has paths or queries: these name orders, payers and people that staff look for, and carry the tokens of letters.
func unwritten(h *house) {
	for _, id := range slices.Sorted(maps.Keys(h.resources)) {
		r := h.resources[id]
		if r.Type == "AWS::CloudFront::RealtimeLogConfig" || strings.HasPrefix(r.Type, "AWS::Logs::Delivery") || get(r.Properties, "DistributionConfig", "Logging") != nil {
			h.errorf("template.yaml: %s: the distribution's log would hold what people ask for: take it away", id)
		}
	}
	if file := h.tree["edge.yaml"]; file != nil && strings.Contains(string(file.Data), "AWS::WAFv2::LoggingConfiguration") {
		h.errorf("edge.yaml: the web ACL's log would hold what people ask for: take it away")
	}
}

// askable are the words in the query of an address that make another answer, of those that are kept: each value is kept by itself.
var askable = []string{"cursor", "grade", "lang", "language", "limit", "publisher", "q", "subject"}

func edge(h *house) {
	distributions := h.all("AWS::CloudFront::Distribution")
	if len(distributions) != 1 {
		h.errorf("template.yaml: %d distributions: there is one", len(distributions))
	}
	for _, id := range distributions {
		config := get(h.resources[id].Properties, "DistributionConfig")
		for name, want := range map[string]string{
			"Enabled": "true", "HttpVersion": "http2and3", "IPV6Enabled": "true", "ViewerCertificate.MinimumProtocolVersion": "TLSv1.2_2021", "ViewerCertificate.SslSupportMethod": "sni-only",
		} {
			if got := text(config, strings.Split(name, ".")...); got != want {
				h.errorf("template.yaml: %s: %s is %q, must be %s", id, name, got, want)
			}
		}
		for _, origin := range list(config, "Origins") {
			if text(origin, "CustomOriginConfig", "OriginProtocolPolicy") != "https-only" || !slices.Equal(texts(origin, "CustomOriginConfig", "OriginSSLProtocols"), []string{"TLSv1.2"}) {
				h.errorf("template.yaml: %s: the way to the API is HTTPS: OriginProtocolPolicy: https-only, OriginSSLProtocols: [TLSv1.2]", id)
			}
		}
		for _, b := range append(list(config, "CacheBehaviors"), get(config, "DefaultCacheBehavior")) {
			where := fmt.Sprintf("template.yaml: %s: %s", id, cmp.Or(text(b, "PathPattern"), "DefaultCacheBehavior"))
			if p := text(b, "ViewerProtocolPolicy"); p != "https-only" && p != "redirect-to-https" {
				h.errorf("%s: ViewerProtocolPolicy is %q: HTTPS only", where, p)
			}
			viewer := func(a any) bool {
				return text(a, "EventType") == "viewer-request" && h.resources[target(text(a, "FunctionARN"))].Type == "AWS::CloudFront::Function"
			}
			if !slices.ContainsFunc(list(b, "FunctionAssociations"), viewer) {
				h.errorf("%s: FunctionAssociations: without the viewer's function anybody may say who they are", where)
			}
		}
		for _, code := range []int{400, 403, 404, 405, 414, 500, 501, 502, 503, 504} {
			if !slices.ContainsFunc(list(config, "CustomErrorResponses"), func(e any) bool { return number(e, "ErrorCode") == code && number(e, "ErrorCachingMinTTL") == 0 }) {
				h.errorf("template.yaml: %s: CustomErrorResponses: one person's %d would be kept for others: add ErrorCachingMinTTL: 0", id, code)
			}
		}
	}
	if h.edge.Headers["opiq-door"] == "" {
		h.errorf("template.yaml: the distribution does not say opiq-door: the API would turn everybody away")
	}
	for _, id := range h.all("AWS::CloudFront::CachePolicy") {
		if c := get(h.resources[id].Properties, "CachePolicyConfig"); number(c, "MinTTL") != 0 || number(c, "DefaultTTL") != 0 {
			h.errorf("template.yaml: %s: MinTTL and DefaultTTL must be 0: only what says so itself is kept", id)
		}
	}
	for _, b := range h.edge.Behaviors {
		for _, name := range b.Query {
			if !slices.Contains(askable, name) {
				h.errorf("template.yaml: %s: QueryStrings: nobody reads %q where answers are kept for everybody", b.Path, name)
			}
		}
		for _, name := range b.Headers {
			if name != "accept-language" && name != "opiq-viewer" {
				h.errorf("template.yaml: %s: %s goes on where answers are kept for everybody", b.Path, name)
			}
		}
		if b.Kept && !slices.Contains(b.Headers, "opiq-viewer") {
			h.errorf("template.yaml: %s: opiq-viewer does not go on: the API would turn everybody away", b.Path)
		}
	}
	for _, f := range h.functions {
		for _, r := range f.Routes {
			i := slices.IndexFunc(h.edge.Behaviors, func(b template.Behavior) bool { return b.Fits(r.Path) })
			if i < 0 {
				continue
			}
			switch b := h.edge.Behaviors[i]; {
			case !slices.Contains(b.Methods, r.Method):
				h.errorf("template.yaml: %s: route %q never arrives: the behavior %s does not allow it", f.ID, r.Key(), b.Path)
			case b.Kept && !slices.Contains(everybodys, f.Name):
				h.errorf("template.yaml: %s: route %q falls under %s, where answers are kept for everybody and nobody is known", f.ID, r.Key(), b.Path)
			}
		}
	}
}

// floods looks at the template of us-east-1.
func floods(h *house) {
	file := h.tree["edge.yaml"]
	if file == nil {
		h.errorf("edge.yaml is missing")
		return
	}
	read, err := template.Parse("edge.yaml", file.Data, map[string]string{"Host": "opiq.example"})
	if err != nil {
		h.errorf("%v", err)
		return
	}
	for _, r := range read.Resources {
		if r.Type != "AWS::WAFv2::WebACL" {
			continue
		}
		var counted []any
		for _, rule := range append(list(r.Properties, "Rules"), any(r.Properties)) {
			if rate := get(rule, "Statement", "RateBasedStatement"); rate != nil {
				counted = append(counted, get(rate, "ScopeDownStatement"))
			}
			if text(rule, "VisibilityConfig", "SampledRequestsEnabled") != "false" {
				h.errorf("edge.yaml: %s: SampledRequestsEnabled must be false: samples hold cookies and links of people", cmp.Or(text(rule, "Name"), r.ID))
			}
		}
		if text(r.Properties, "Scope") != "CLOUDFRONT" {
			h.errorf("edge.yaml: %s: it must be for CLOUDFRONT", r.ID)
		}
		for _, place := range []string{"/", "/works", "/assets/0123456789ab/style.css", "/%61ssets/1/style.css", "/v1/orders", "/v1/callbacks/nobody", "/v1/callbacks/card/a/b"} {
			if !slices.ContainsFunc(counted, func(statement any) bool { return concerns(statement, place) }) {
				h.errorf("edge.yaml: %s: no rule has a rate for %s: one network could ask for it without end", r.ID, place)
			}
		}
		for _, place := range []string{"/v1/callbacks/card", "/v1/callbacks/card/a", "/v1/callbacks/banklink/lhv"} {
			if slices.ContainsFunc(counted, func(statement any) bool { return concerns(statement, place) }) {
				h.errorf("edge.yaml: %s: a rule has a rate for %s: a bank that is turned away is a payment that nobody hears of", r.ID, place)
			}
		}
	}
}

// concerns tells whether a statement is about a path.
func concerns(statement any, place string) bool {
	if not := get(statement, "NotStatement", "Statement"); not != nil {
		return !concerns(not, place)
	}
	if statement == nil {
		return true
	}
	about, err := regexp.Compile(text(statement, "RegexMatchStatement", "RegexString"))
	return err == nil && about.MatchString(place)
}

func stages(h *house) {
	file := h.tree["samconfig.toml"]
	if file == nil {
		h.errorf("samconfig.toml is missing")
		return
	}
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\[(\w+)\.`).FindAllSubmatch(file.Data, -1) {
		found[string(m[1])] = true
	}
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, []string{"dev", "prod"}) {
		h.errorf("samconfig.toml: the stages are %v: they must be dev and prod", got)
	}
	for stage := range found {
		if !strings.Contains(string(file.Data), `"Stage=`+stage+`"`) {
			h.errorf("samconfig.toml: %s does not set Stage=%s", stage, stage)
		}
	}
}
