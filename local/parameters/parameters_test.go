package parameters_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/google/go-cmp/cmp"

	"opiq/local/parameters"
	"opiq/local/stage"
)

func client(t *testing.T) *ssm.Client {
	return ssm.NewFromConfig(stage.Parameters(t, stage.Config(t), map[string]parameters.Value{
		"/opiq/dev/pepper": {Text: "test-pepper", Secret: true},
		"/opiq/dev/plain":  {Text: "{}"},
	}))
}

func TestParametersAreServedAndUnknownOnesNamed(t *testing.T) {
	out, err := client(t).GetParameters(t.Context(), &ssm.GetParametersInput{
		Names: []string{"/opiq/dev/pepper", "/opiq/dev/none", "/opiq/dev/plain"}, WithDecryption: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range out.Parameters {
		got[*p.Name] = string(p.Type) + " " + *p.Value
	}
	if diff := cmp.Diff(map[string]string{"/opiq/dev/pepper": "SecureString test-pepper", "/opiq/dev/plain": "String {}"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/opiq/dev/none"}, out.InvalidParameters); diff != "" {
		t.Error(diff)
	}
}

func TestASecretStaysClosedToWhoDoesNotAskForDecryption(t *testing.T) {
	out, err := client(t).GetParameters(t.Context(), &ssm.GetParametersInput{Names: []string{"/opiq/dev/pepper"}})
	if err != nil || *out.Parameters[0].Value == "test-pepper" {
		t.Errorf("got %v, %v", out, err)
	}
}

func TestWhatSSMRefusesIsRefused(t *testing.T) {
	var many []string
	for i := range 11 {
		many = append(many, fmt.Sprint("/", i))
	}
	if _, err := client(t).GetParameters(t.Context(), &ssm.GetParametersInput{Names: many}); err == nil {
		t.Error("eleven names at once are taken")
	}
	if _, err := client(t).DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: aws.String("/opiq/dev/pepper")}); err == nil {
		t.Error("a parameter can be deleted")
	}
}
