// Command load measures how quick the shop answers readers, beside a function that only echoes, behind the same gateway.
//
//	go run ./local/load
//
// It starts the whole shop on a free port, with members whose license is open. Then -clients ask one question, each again as soon as it
// has its answer, for -seconds; then the next question, for as many -rounds, so that a slow moment of the machine is everybody's. After
// each it waits until the queues are empty: what was read is written down beside the reading, and after it. Clients, gateway, functions
// and engines have one machine together: the figures are good to compare, and say nothing of AWS.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"opiq/local/gateway"
	"opiq/local/lambda"
	"opiq/local/run"
	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/license"
	"opiq/shared/payment"
	"opiq/shared/table"
	"opiq/shared/terms"
	"opiq/shared/web"
)

// plan is how much is asked.
type plan struct {
	clients, rounds int
	turn            time.Duration
}

func main() {
	log.SetFlags(0)
	var p plan
	flag.IntVar(&p.clients, "clients", 16, "how many ask at once")
	flag.DurationVar(&p.turn, "turn", 4*time.Second, "how long they ask one question")
	flag.IntVar(&p.rounds, "rounds", 3, "how often they ask each question for so long")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := load(ctx, p); err != nil {
		log.Fatal(err)
	}
}

func load(ctx context.Context, p plan) error {
	shop, err := run.Start(ctx, run.Options{Addr: "localhost:0", Log: os.Stderr})
	if err != nil {
		return err
	}
	defer shop.Stop()
	members, err := moveIn(ctx, shop)
	if err != nil {
		return err
	}
	binaries, err := os.MkdirTemp("", "load")
	if err != nil {
		return err
	}
	defer os.RemoveAll(binaries)
	echo, host, err := echo(ctx, binaries)
	if err != nil {
		return err
	}
	defer host.Stop()
	questions := []*question{
		{name: "echo", host: host, function: "echo", url: echo, of: []string{"/echo/w001", "/echo/w002"}},
		{name: "`GET /v1/catalog/works?q=`", host: shop.Functions, function: "catalog", url: shop.URL, of: words("/v1/catalog/works?q=")},
		{name: "`GET /v1/catalog/works/{id}`", host: shop.Functions, function: "catalog", url: shop.URL, of: works("")},
		{name: "`GET /v1/library/works/{id}/chapters/{n}`", host: shop.Functions, function: "library", url: shop.URL, of: works("/chapters/1"), members: members},
		{name: "`GET /v1/library/search?q=`", host: shop.Functions, function: "library", url: shop.URL, of: words("/v1/library/search?q="), members: members},
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: p.clients}}
	for round := range p.rounds + 1 {
		for _, q := range questions {
			if err := q.ask(ctx, client, p); err != nil {
				return err
			}
			if round == 0 { // the processes had to start
				q.took, q.lasted = nil, 0
			}
			if err := quiet(ctx, shop); err != nil {
				return err
			}
		}
	}
	report(p, questions)
	return nil
}

// words are addresses of searches, and works those of works or of what is in them.
func words(path string) (all []string) {
	for _, w := range []string{"matemaatika", "mets", "vesi", "lugu", "number", "kool"} {
		all = append(all, path+w)
	}
	return all
}

func works(rest string) (all []string) {
	folder := "/v1/catalog/works/"
	if rest != "" {
		folder = "/v1/library/works/"
	}
	for n := range 12 { // which are for sale
		all = append(all, fmt.Sprintf("%sw%03d%s", folder, n+1, rest))
	}
	return all
}

// question is asked over and over, of one thing after the other, by one member after the other.
type question struct {
	name, function, url string
	host                *lambda.Host
	of, members         []string

	took   []time.Duration
	lasted time.Duration
}

// most is how often a question is asked in a turn at most: from one network people may read only so much in an hour.
const most = 7000

// ask asks the question for a turn. An answer that is not 200 ends it all: nobody wants to know how quick a refusal is.
func (q *question) ask(ctx context.Context, client *http.Client, p plan) error {
	times := make([][]time.Duration, p.clients)
	all, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for c := range p.clients {
		all.Go(func() error {
			for n := c; n < most && time.Since(began) < p.turn; n += p.clients {
				asked := time.Now()
				if err := q.once(ctx, client, n); err != nil {
					return err
				}
				times[c] = append(times[c], time.Since(asked))
			}
			return nil
		})
	}
	err := all.Wait()
	q.lasted += time.Since(began)
	q.took = append(q.took, slices.Concat(times...)...)
	return err
}

func (q *question) once(ctx context.Context, client *http.Client, n int) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, q.url+q.of[n%len(q.of)], nil)
	if err != nil {
		return err
	}
	if len(q.members) > 0 {
		r.Header.Set("Cookie", q.members[n%len(q.members)])
	}
	w, err := client.Do(r)
	if err != nil {
		return err
	}
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body)
	if err == nil && w.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", r.URL, w.StatusCode, body)
	}
	return err
}

// echo starts the echo, behind a gateway of its own: the shop's has the routes of the template only.
func echo(ctx context.Context, binaries string) (url string, host *lambda.Host, err error) {
	root, err := run.Root()
	if err != nil {
		return "", nil, err
	}
	if err := lambda.Build(ctx, root, binaries, "./local/load/echo"); err != nil {
		return "", nil, err
	}
	door, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return "", nil, err
	}
	host = lambda.Open(lambda.Options{Log: os.Stderr, Functions: []lambda.Function{
		{Name: "echo", Binary: filepath.Join(binaries, "echo"), Timeout: 10 * time.Second, Memory: 256},
	}})
	server := &http.Server{Handler: gateway.New([]gateway.Route{{Key: "GET /echo/{word}", Function: "echo"}}, host.Invoke), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(door)
	return "http://" + door.Addr().String(), host, nil // until the command ends
}

// readers are how many members read in turn: an account may read only so much in an hour.
const readers = 200

// moveIn stores members with an open license each, and answers the cookies that sign them in.
func moveIn(ctx context.Context, shop *run.Shop) ([]string, error) {
	cookies := make([]string, readers)
	s, now := table.Open(shop.AWS, shop.Made.Tables["Table"]), time.Now().UTC()
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(8)
	for n := range readers {
		all.Go(func() error {
			id, today := account.ID(fmt.Sprintf("%032x", n)), civil.DateOf(now, civil.Tallinn)
			who, token := account.Account{
				ID: id, Address: account.Address(fmt.Sprintf("reader.%d@example.ee", n)), FirstName: "Mari", LastName: "Maasikas", Language: lang.Estonian,
				Accepted: []terms.Acceptance{{Document: terms.Use, Version: terms.InForce(terms.Use, today), At: now, IP: "192.0.2.17"}}, CreatedAt: now,
			}.SignIn(now)
			used := account.SignUp{ID: account.SignUpID(who.Address.Hash() + "-" + string(id)), Account: who, ExpiresAt: now.Add(account.Lives), UsedAt: now}
			if err := s.Found(ctx, used); err != nil {
				return err
			}
			l, _, _ := license.Grant(fmt.Sprintf("9%09d", n), id, 12, nil, today, civil.Tallinn, now).Step(now)
			cookies[n] = strings.Split(web.CookieAt(shop.URL).Set(token.String(), time.Hour), ";")[0]
			return s.Settle(ctx, payment.Change{License: &l})
		})
	}
	return cookies, all.Wait()
}

// quiet waits until the shop has nothing left to do.
func quiet(ctx context.Context, shop *run.Shop) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	client := sqs.NewFromConfig(shop.AWS)
	for _, url := range slices.Sorted(maps.Values(shop.Made.Queues)) {
		for left := true; left; {
			out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: aws.String(url), AttributeNames: []types.QueueAttributeName{
				types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
			}})
			if err != nil {
				return fmt.Errorf("%s is not empty: %w", url, err)
			}
			left = false
			for _, n := range out.Attributes {
				left = left || n != "0"
			}
			if left {
				time.Sleep(100 * time.Millisecond)
			}
		}
	}
	return nil
}

func report(p plan, questions []*question) {
	fmt.Printf("%d clients, %d rounds of %s for each; %d cores, %s/%s, %s, %s\n\n", p.clients, p.rounds, p.turn, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH,
		runtime.Version(), time.Now().Format(time.DateOnly))
	fmt.Println("| asked for | p50 ms | p99 ms | requests/s | times the echo's p50 | processes | answers |\n|---|---:|---:|---:|---:|---:|---:|")
	var echo time.Duration
	for _, q := range questions {
		slices.Sort(q.took)
		p50, p99 := q.took[len(q.took)/2], q.took[len(q.took)*99/100]
		if echo == 0 {
			echo = p50
		}
		fmt.Printf("| %s | %.1f | %.1f | %.0f | %.1f | %d | %d |\n", q.name, ms(p50), ms(p99), float64(len(q.took))/q.lasted.Seconds(), float64(p50)/float64(echo),
			q.host.Processes(q.function), len(q.took))
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
