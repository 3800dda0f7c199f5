package engines

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"opiq/local/child"
	"opiq/local/template"
)

// pinned is what npm fetches, and the few files of our own that stand beside it.
//
//go:embed package.json package-lock.json .npmrc sqs.mjs nothing
var pinned embed.FS

// installed is the folder with the engines: fetched before, or now. Its name depends on what is pinned, so another version
// is another folder. Processes that come at once wait for the first.
func installed(ctx context.Context, log io.Writer) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	err = walk(func(name string, text []byte) error {
		_, err := fmt.Fprintf(sum, "%s %d\n%s", name, len(text), text)
		return err
	})
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, fmt.Sprintf("engines-%x", sum.Sum(nil)[:6]))
	if exists(dir) {
		return dir, nil
	}
	unlock, err := lock(ctx, filepath.Join(cache, "lock"), log)
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(dir) {
		return dir, nil
	}
	temp, err := os.MkdirTemp(cache, "fetching-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	if err := fetch(ctx, temp, log); err != nil {
		return "", err
	}
	return dir, os.Rename(temp, dir)
}

func cacheDir() (string, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no place to keep the engines: %w", err)
	}
	cache := filepath.Join(user, "opiq")
	return cache, os.MkdirAll(cache, 0o700)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func walk(do func(name string, text []byte) error) error {
	return fs.WalkDir(pinned, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := pinned.ReadFile(name)
		if err != nil {
			return err
		}
		return do(name, text)
	})
}

// fetch fills an empty folder.
func fetch(ctx context.Context, dir string, log io.Writer) error {
	npm, err := tool("npm")
	if err != nil {
		return err
	}
	total := 0
	err = walk(func(name string, text []byte) error {
		total += bytes.Count(text, []byte(`"integrity"`))
		path := filepath.Join(dir, filepath.FromSlash(name))
		return errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600))
	})
	if err != nil {
		return err
	}

	fmt.Fprintln(log, "fetching the engines, DynamoDB Local and fauxqs: 60 MB, once")
	cmd := exec.Command(npm, "ci", "--ignore-scripts", "--loglevel=http")
	cmd.Dir = dir
	output := new(tail)
	read, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = io.MultiWriter(output, write), io.MultiWriter(output, write)
	var packages atomic.Int32
	go func() {
		lines := bufio.NewScanner(read)
		for lines.Scan() {
			if strings.Contains(lines.Text(), ".tgz ") {
				packages.Add(1)
			}
		}
		_, _ = io.Copy(io.Discard, read)
	}()
	c, err := child.Start(cmd)
	if err != nil {
		return err
	}
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			fmt.Fprintf(log, "fetching the engines: %d of %d packages\n", packages.Load(), total)
			continue
		case <-ctx.Done():
			c.Kill()
			<-c.Done()
			return ctx.Err()
		case <-c.Done():
		}
		break
	}
	write.Close()
	if err := c.Err(); err != nil {
		return fmt.Errorf("npm could not fetch the engines (%w): %s", err, output)
	}
	return prepare(dir)
}

// prepare leaves the manifest out of DynamoDB Local's jar. It names a folder as a place for classes, and java keeps no
// archive of classes (see java) with such a one among them.
func prepare(dir string) (err error) {
	from, err := zip.OpenReader(filepath.Join(emulator(dir), "DynamoDBLocal.jar"))
	if err != nil {
		return err
	}
	defer from.Close()
	file, err := os.Create(filepath.Join(emulator(dir), "classes.jar"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	to := zip.NewWriter(file)
	for _, f := range from.File {
		if f.Name == "META-INF/MANIFEST.MF" {
			continue
		}
		if err := to.Copy(f); err != nil {
			return err
		}
	}
	return to.Close()
}

func emulator(dir string) string {
	return filepath.Join(dir, "node_modules", "amplify-dynamodb-simulator", "emulator")
}

// java is the command line of DynamoDB Local but for its port and where it keeps the data. It starts in a third of the time
// with an archive of its classes, which is made at the first start with each java.
func java(ctx context.Context, dir string, log io.Writer) ([]string, error) {
	path, err := tool("java")
	if err != nil {
		return nil, err
	}
	jars, err := filepath.Glob(filepath.Join(emulator(dir), "DynamoDBLocal_lib", "*.jar"))
	if err != nil {
		return nil, err
	}
	for i, jar := range jars {
		jars[i] = filepath.Join("DynamoDBLocal_lib", filepath.Base(jar)) // the command line stays short enough to read
	}
	line := func(archive string) []string {
		return []string{path,
			"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", archive, "-Xlog:disable",
			"-Dlog4j2.disable.jmx=true", "-Djava.library.path=DynamoDBLocal_lib",
			"-cp", strings.Join(append([]string{"classes.jar"}, jars...), string(os.PathListSeparator)),
			"com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-sharedDb", "-disableTelemetry"}
	}

	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(real)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", real, info.Size(), info.ModTime().UnixNano()))
	archive := filepath.Join(dir, fmt.Sprintf("java-%x.jsa", id[:4]))
	if !exists(archive) {
		unlock, err := lock(ctx, filepath.Join(dir, "lock"), log)
		if err != nil {
			return nil, err
		}
		defer unlock()
		if !exists(archive) {
			fmt.Fprintln(log, "preparing DynamoDB Local for faster starts, once")
			if err := learn(ctx, dir, archive, line); err != nil {
				return nil, err
			}
		}
	}
	return line("-XX:SharedArchiveFile=" + archive), nil
}

// learn runs DynamoDB Local through a few calls and has java write down the classes that it took. A java that cannot leaves
// an empty archive, which the next starts pass over.
func learn(ctx context.Context, dir, archive string, line func(string) []string) error {
	temp := archive + ".new"
	defer os.Remove(temp)
	e := &Engines{died: make(chan error, 1)}
	defer e.Stop()
	port := freePort()
	args := append(line("-XX:ArchiveClassesAtExit="+temp), "-inMemory", "-port", fmt.Sprint(port))
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = emulator(dir)
	e.DynamoDB = fmt.Sprintf("http://127.0.0.1:%d", port)
	err := e.run(ctx, "DynamoDB Local", cmd, func(output string) (bool, error) { return listens(e.DynamoDB, output) })
	if err == nil {
		err = exercise(ctx, e.Config())
	}
	if err == nil {
		e.stopped.Store(true)
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-e.children[0].Done():
		case <-time.After(time.Minute):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !exists(temp) {
		if err := os.WriteFile(temp, nil, 0o600); err != nil {
			return err
		}
	}
	return os.Rename(temp, archive)
}

// exercise makes the calls that a table's first minute brings.
func exercise(ctx context.Context, cfg aws.Config) error {
	name := aws.String("exercise")
	arn, err := CreateTable(ctx, cfg, template.Table{
		Partition: "PK", Sort: "SK", Attributes: map[string]string{"PK": "S", "SK": "S", "due": "S"},
		Indexes: []template.Index{{Name: "due", Partition: "due", Projection: "ALL"}},
		Stream:  "NEW_AND_OLD_IMAGES", TTL: "expires",
	}, *name)
	if err != nil {
		return err
	}
	client, streams := dynamodb.NewFromConfig(cfg), dynamodbstreams.NewFromConfig(cfg)
	key := map[string]types.AttributeValue{"PK": text("a"), "SK": text("a")}
	_, err1 := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: key, ConditionExpression: aws.String("attribute_not_exists(PK)")})
	_, err2 := client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Update: &types.Update{
		TableName: name, Key: key, UpdateExpression: aws.String("SET due = :d"), ConditionExpression: aws.String("attribute_exists(PK)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":d": text("d")},
	}}}})
	_, err3 := client.Query(ctx, &dynamodb.QueryInput{TableName: name, IndexName: aws.String("due"), KeyConditionExpression: aws.String("due = :d"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":d": text("d")}})
	_, err4 := client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*name: {Keys: []map[string]types.AttributeValue{key}}}})
	_, err5 := streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	return errors.Join(err1, err2, err3, err4, err5)
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// packages name who brings a tool, by system.
var packages = map[string]string{
	"java": "apt-get install default-jre-headless, or brew install openjdk",
	"node": "apt-get install nodejs (version 20 or newer), or brew install node",
	"npm":  "apt-get install npm, or brew install node",
}

// tool finds a program of the machine.
func tool(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is missing: %s", name, packages[name])
	}
	return path, nil
}

// lock waits until this process alone holds the file.
func lock(ctx context.Context, path string, log io.Writer) (unlock func(), err error) {
	for said := false; ; {
		unlock, free, err := tryLock(path)
		if err != nil || free {
			return unlock, err
		}
		if !said {
			fmt.Fprintln(log, "waiting for another process that prepares the engines")
			said = true
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
