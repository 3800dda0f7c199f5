package metric

import (
	"encoding/json"
	"io"
	"os"
	"testing"
)

func TestACountIsOneLineOfTheEmbeddedFormat(t *testing.T) {
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "opiq-dev-PaymentSettlement")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	Count("PaymentRefused", "wrong_amount", "lhv 1")
	os.Stdout = stdout
	w.Close()
	line, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Namespace string
				Metrics   []struct{ Name string }
			}
		} `json:"_aws"`
		PaymentRefused int
		Function       string `json:"function"`
		Reason         string `json:"reason"`
	}
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	m := got.AWS.CloudWatchMetrics
	if len(m) != 1 || m[0].Namespace != "opiq" || m[0].Metrics[0].Name != "PaymentRefused" || got.PaymentRefused != 1 || got.Function != "opiq-dev-PaymentSettlement" || got.Reason != "wrong_amount" {
		t.Errorf("%s", line)
	}
}
