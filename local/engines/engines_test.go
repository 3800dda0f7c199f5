package engines

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	queue "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"opiq/local/buckets"
	"opiq/local/template"
)

// TestMain lets the test binary play the parent that is killed.
func TestMain(m *testing.M) {
	switch os.Getenv("PLAY") {
	case "":
		os.Exit(m.Run())
	case "parent":
		e, err := Start(context.Background(), Options{})
		if err != nil {
			panic(err)
		}
		fmt.Println(e.DynamoDB, e.SQS)
	case "tied":
		cmd := exec.Command("sh", "-c", "echo tied; exec sleep 60")
		cmd.Stdout = os.Stdout
		if _, err := tie(cmd); err != nil {
			panic(err)
		}
		if err := cmd.Start(); err != nil {
			panic(err)
		}
	}
	time.Sleep(time.Minute)
}

func started(t *testing.T, o Options) *Engines {
	t.Helper()
	o.Log = t.Output()
	e, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	return e
}

func shop(t *testing.T) *template.Template {
	t.Helper()
	s, err := template.Read("../template/testdata/shop.yaml", map[string]string{"Stage": "dev"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// config is AWS with buckets of the test's own beside the engines.
func config(t *testing.T, e *Engines) aws.Config {
	t.Helper()
	server := httptest.NewServer(buckets.New(t.TempDir()))
	t.Cleanup(server.Close)
	return Config(map[string]string{"DynamoDB": e.DynamoDB, "DynamoDB Streams": e.DynamoDB, "S3": server.URL, "SQS": e.SQS})
}

func TestTheTemplatesTableQueuesAndBucketsAreMade(t *testing.T) {
	e, shop := started(t, Options{}), shop(t)
	cfg := config(t, e)
	made, err := Create(t.Context(), cfg, shop)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Create(t.Context(), cfg, shop)
	if err != nil {
		t.Fatalf("the second time: %v", err)
	}
	if diff := cmp.Diff(made, again, cmp.AllowUnexported(Made{})); diff != "" {
		t.Errorf("the second time gives something else: %s", diff)
	}

	db := dynamodb.NewFromConfig(cfg)
	d, err := db.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(made.Tables["Table"])})
	if err != nil {
		t.Fatal(err)
	}
	const want = "keys PK(S) SK(S); index due by due(S) with INCLUDE[kind]; stream NEW_AND_OLD_IMAGES"
	if got := shape(d.Table); got != want {
		t.Errorf("the table has %s, want %s", got, want)
	}
	if made.Streams["Table"] != *d.Table.LatestStreamArn {
		t.Errorf("the stream is %s, want %s", made.Streams["Table"], *d.Table.LatestStreamArn)
	}
	ttl, err := db.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: d.Table.TableName})
	if err != nil || aws.ToString(ttl.TimeToLiveDescription.AttributeName) != "expires" {
		t.Errorf("time to live is %+v, %v", ttl.TimeToLiveDescription, err)
	}

	out, err := sqs.NewFromConfig(cfg).GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: aws.String(made.Queues["Work"]), AttributeNames: []queue.QueueAttributeName{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	if out.Attributes["VisibilityTimeout"] != "30" || out.Attributes["MessageRetentionPeriod"] != "1209600" || !strings.Contains(out.Attributes["RedrivePolicy"], made.ARNs["Dead"]) {
		t.Errorf("the queue is %v", out.Attributes)
	}

	_, err = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).
		PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("shop-dev-pictures"), Key: aws.String("a"), Body: strings.NewReader("text")})
	if err != nil {
		t.Errorf("the bucket takes nothing: %v", err)
	}

	for reference, want := range map[string]string{
		"${Table}": "Table", "${Table.Arn}": *d.Table.TableArn, "${Table.StreamArn}": made.Streams["Table"],
		"${Uploads}": "uploads", "${Uploads.Arn}/a/*": "arn:aws:s3:::uploads/a/*", "${Pictures}": "shop-dev-pictures",
		"${Work}": made.Queues["Work"], "${Work.Arn}": made.ARNs["Work"], "${Work.QueueName}": "shop-dev-work",
	} {
		if got, err := template.Expand(reference, made.Value); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", reference, got, err, want)
		}
	}
	if v, err := made.Value("Api", "ApiEndpoint"); err == nil {
		t.Errorf("the API's endpoint is %q", v)
	}
}

func TestAMessageThatKeepsFailingMovesToTheDeadLetterQueue(t *testing.T) {
	e, shop := started(t, Options{Only: SQS}), shop(t)
	shop.Tables, shop.Queues[0].MaxReceives, shop.Queues[0].Visibility = nil, 1, 0
	made, err := Create(t.Context(), config(t, e), shop)
	if err != nil {
		t.Fatal(err)
	}
	client := sqs.NewFromConfig(e.Config())
	if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(made.Queues["Work"]), MessageBody: aws.String("poison")}); err != nil {
		t.Fatal(err)
	}
	receive := func(queue string) int {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(made.Queues[queue])})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Messages)
	}
	if n := receive("Work"); n != 1 {
		t.Fatalf("%d messages came", n)
	}
	if n := receive("Work"); n != 0 {
		t.Errorf("it came again")
	}
	if n := receive("Dead"); n != 1 {
		t.Errorf("%d dead letters, want 1", n)
	}
}

func TestTheDataFolderKeepsTheTable(t *testing.T) {
	shop, dir := shop(t), filepath.Join(t.TempDir(), "data")
	shop.Queues = nil
	item := map[string]types.AttributeValue{"PK": text("a"), "SK": text("b")}

	first := started(t, Options{Only: DynamoDB, Data: dir})
	if _, err := Create(t.Context(), config(t, first), shop); err != nil {
		t.Fatal(err)
	}
	if _, err := dynamodb.NewFromConfig(first.Config()).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("Table"), Item: item}); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{Only: DynamoDB, Data: dir}); err == nil || !strings.Contains(err.Error(), "is in use by another local run") {
		t.Errorf("a second run in the same folder: %v", err)
	}
	first.Stop()

	second := started(t, Options{Only: DynamoDB, Data: dir})
	made, err := Create(t.Context(), config(t, second), shop)
	if err != nil || made.Streams["Table"] == "" {
		t.Fatalf("after a new start: %+v, %v", made, err)
	}
	got, err := dynamodb.NewFromConfig(second.Config()).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("Table"), Key: item})
	if err != nil || len(got.Item) != 2 {
		t.Errorf("the item is %v, %v", got, err)
	}

	shop.Tables[0].Sort = "due"
	delete(shop.Tables[0].Attributes, "SK")
	if _, err := Create(t.Context(), config(t, second), shop); err == nil || !strings.Contains(err.Error(), "start with an empty folder") {
		t.Errorf("another template's table: %v", err)
	}
}

func TestNoEngineOutlivesAKilledParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "PLAY=parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	urls := strings.Fields(line)
	if err != nil || len(urls) != 2 || !answers(urls[0]) || !answers(urls[1]) {
		t.Fatalf("the parent says %q, %v", line, err)
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	for _, url := range urls {
		for end := time.Now().Add(10 * time.Second); answers(url); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s still answers", url)
			}
		}
	}
}

func TestATiedEngineEndsWithItsParentOnOtherSystemsToo(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // has no sh, and ties nothing
	}
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "PLAY=tied")
	out, err := parent.StdoutPipe() // held by the engine too: it ends when both have ended
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); err != nil || line != "tied\n" {
		t.Fatalf("the engine says %q, %v", line, err)
	}
	ended := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, lines); close(ended) }()
	_ = parent.Process.Kill()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the engine runs on")
	}
	_ = parent.Wait()
}

func TestAnEngineThatEndsIsToldOf(t *testing.T) {
	e := started(t, Options{Only: SQS})
	e.children[0].Kill()
	select {
	case err := <-e.Died():
		if !strings.HasPrefix(err.Error(), "fauxqs ended") {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("nobody is told")
	}
	e.Stop()
	e.Stop()
}

func TestStoppedEnginesAnswerNoMore(t *testing.T) {
	e := started(t, Options{Only: SQS})
	e.Stop()
	if answers(e.SQS) {
		t.Error("fauxqs still answers")
	}
	select {
	case err := <-e.Died():
		t.Errorf("a stop is told as a death: %v", err)
	default:
	}
}

func TestAMissingProgramIsNamedWithWhatInstallsIt(t *testing.T) {
	started(t, Options{Only: SQS}) // the engines are fetched
	t.Setenv("PATH", "")
	for only, want := range map[Engine]string{
		DynamoDB: "java is missing: apt-get install default-jre-headless, or brew install openjdk",
		SQS:      "node is missing: apt-get install nodejs (version 20 or newer), or brew install node",
	} {
		if _, err := Start(t.Context(), Options{Only: only}); err == nil || err.Error() != want {
			t.Errorf("%s: %v; want %s", only, err, want)
		}
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	if _, err := Start(t.Context(), Options{}); err == nil || err.Error() != "npm is missing: apt-get install npm, or brew install node" {
		t.Errorf("nothing fetched: %v", err)
	}
}

func TestAServiceThatNobodyPlaysIsNotAWS(t *testing.T) {
	cfg := Config(nil)
	cfg.RetryMaxAttempts = 1
	_, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err == nil || !strings.Contains(err.Error(), "localhost:9") {
		t.Errorf("the call went elsewhere: %v", err)
	}
}

func TestTheLockCarriesNoAddresses(t *testing.T) {
	lock, err := pinned.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(lock, []byte("://")) {
		t.Error("package-lock.json names addresses: npm must run beside our .npmrc; leave out what it says of funding")
	}
	if n := bytes.Count(lock, []byte(`"integrity"`)); n < 10 {
		t.Errorf("%d packages are pinned by what they hold", n)
	}
}
