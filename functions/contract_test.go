package functions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// TestAnswersFitTheContract holds what the functions answer to their events against openapi.yaml: every status is described,
// and every body fits its schema.
func TestAnswersFitTheContract(t *testing.T) {
	api, schemas := contract(t)
	answers := 0
	goldens, err := filepath.Glob("*/testdata/*.golden")
	if err != nil || len(goldens) == 0 {
		t.Fatal("there are no golden answers", err)
	}
	for _, file := range goldens {
		function, name := strings.Split(file, "/")[0], strings.TrimSuffix(filepath.Base(file), ".golden")
		var event struct {
			RouteKey string `json:"routeKey"`
		}
		var golden struct {
			answer
			Answer answer `json:"answer"`
		}
		read(t, "../events/"+function+"/"+name+".json", &event)
		read(t, file, &golden)
		a := golden.answer
		if a.Status == 0 {
			a = golden.Answer
		}
		if event.RouteKey == "" || a.Status == 0 {
			continue // no HTTP
		}
		answers++
		t.Run(function+"/"+name, func(t *testing.T) {
			method, path, _ := strings.Cut(strings.ReplaceAll(event.RouteKey, "+}", "}"), " ")
			status := fmt.Sprint(a.Status)
			responses := api.Paths[path][strings.ToLower(method)].Responses
			response, ok := responses[status]
			if !ok && a.Status >= 400 { // what is not said of a problem is said of all
				status = "default"
				response, ok = responses[status]
			}
			if !ok {
				t.Fatalf("openapi.yaml does not say that %s may answer %d", event.RouteKey, a.Status)
			}
			if kind, _, _ := strings.Cut(a.Headers["Content-Type"], ";"); strings.HasSuffix(kind, "json") {
				at := "/paths/" + escape(path) + "/" + strings.ToLower(method) + "/responses/" + status
				if response.Ref != "" {
					at = strings.TrimPrefix(response.Ref, "#")
				}
				fits(t, schemas, at+"/content/"+escape(kind)+"/schema", a.Body)
			}
		})
	}
	if answers < 100 {
		t.Errorf("only %d answers were checked", answers)
	}
}

type answer struct {
	Status  int               `json:"statusCode"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

type openAPI struct {
	Paths map[string]map[string]operation `json:"paths"`
}

// operation is what stands under a method; under a path there are parameters too.
type operation struct {
	Responses map[string]struct {
		Ref string `json:"$ref"`
	} `json:"responses"`
}

func (o *operation) UnmarshalJSON(b []byte) error {
	if b[0] != '{' {
		return nil
	}
	type plain operation
	return json.Unmarshal(b, (*plain)(o))
}

const document = "openapi.json"

func contract(t *testing.T) (api openAPI, schemas *jsonschema.Compiler) {
	t.Helper()
	text, err := os.ReadFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(asJSON, &api); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	schemas = jsonschema.NewCompiler()
	schemas.AssertFormat()
	if err := schemas.AddResource(document, doc); err != nil {
		t.Fatal(err)
	}
	return api, schemas
}

// fits wants a body to fit the schema at a pointer. A golden holds a JSON body opened up, or as the text that was sent.
func fits(t *testing.T, schemas *jsonschema.Compiler, pointer string, body json.RawMessage) {
	t.Helper()
	schema, err := schemas.Compile(document + "#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	if json.Unmarshal(body, &text) == nil {
		body = json.RawMessage(text)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Error(err)
	}
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(file, err)
	}
}

func escape(step string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(step) }
