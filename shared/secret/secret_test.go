package secret_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"opiq/local/parameters"
	"opiq/local/people"
	"opiq/local/stage"
	"opiq/shared/secret"
)

const pem = "-----BEGIN PUBLIC KEY-----\nPurpose: test\n\nAAAA\n-----END PUBLIC KEY-----\n"

func TestMoreThanOneCallTakesAreRead(t *testing.T) {
	values := map[string]parameters.Value{}
	var names []string
	for i := range 23 {
		name := fmt.Sprintf("banks/b%d/key", i)
		names = append(names, name)
		values["/opiq/dev/"+name] = parameters.Value{Text: name, Secret: true}
	}
	s := secret.Open(stage.Parameters(t, stage.Config(t), values), "/opiq/dev")
	found, err := s.Strings(t.Context(), names...)
	if err != nil || len(found) != 23 || found["banks/b22/key"] != "banks/b22/key" {
		t.Error(found, err)
	}
	if _, err := s.Strings(t.Context(), "banks/b1/key", "pepper"); err == nil || !strings.Contains(err.Error(), "/opiq/dev/pepper") {
		t.Error(err)
	}
}

func TestAProdStageTakesNothingThatWasMadeForTests(t *testing.T) {
	agreement, err := json.Marshal(map[string]any{"url": "https://bank.example", "keys": []string{"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", pem}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"pepper": "test-" + strings.Repeat("x", 40), "banks/lhv/key": pem, "banks/lhv/agreement": string(agreement)} {
		for _, stageName := range []string{"dev", "prod"} {
			path := "/opiq/" + stageName
			cfg := stage.Parameters(t, stage.Config(t), map[string]parameters.Value{path + "/" + name: {Text: text}})
			_, err := secret.Open(cfg, path).Strings(t.Context(), name)
			if refused := errors.Is(err, secret.ErrTest); refused != (stageName == "prod") {
				t.Errorf("%s at %s: %v", name, stageName, err)
			}
			if err != nil && strings.Contains(err.Error(), text) {
				t.Errorf("the error tells the secret: %v", err)
			}
		}
	}
}

func TestAStageInvoicesAsItsParameterSays(t *testing.T) {
	want := people.Desk
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	for value, ok := range map[string]bool{string(text): true, "{}": false} {
		cfg := stage.Parameters(t, stage.Config(t), map[string]parameters.Value{"/opiq/dev/invoices": {Text: value}})
		got, err := secret.Open(cfg, "/opiq/dev").Desk(t.Context())
		if (err == nil) != ok || ok && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v %v", value, got, err)
		}
	}
}

func TestAShortPepperIsNone(t *testing.T) {
	cfg := stage.Parameters(t, stage.Config(t), map[string]parameters.Value{"/opiq/dev/pepper": {Text: "short", Secret: true}})
	if _, err := secret.Open(cfg, "/opiq/dev").Pepper(t.Context()); err == nil {
		t.Error("it is taken")
	}
}

func TestTheOriginIsOneWordOrTwo(t *testing.T) {
	old, young := strings.Repeat("a", 32), strings.Repeat("b", 32)
	for value, want := range map[string][]string{old: {old}, young + " " + old + "\n": {young, old}, " ": nil, old + " b": nil} {
		cfg := stage.Parameters(t, stage.Config(t), map[string]parameters.Value{"/opiq/dev/origin": {Text: value}})
		got, err := secret.Open(cfg, "/opiq/dev").Origin(t.Context())
		if !reflect.DeepEqual(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%q: %q %v", value, got, err)
		}
	}
}
