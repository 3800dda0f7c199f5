// Command weigh prints what each function costs before it has done anything: the size of its binary, the time from exec to
// its first question for work, and the most memory it had until then, beside a function that does nothing.
//
//	go run ./local/weigh
//
// It starts every function as often as -runs says, in turn, so that a slow moment of the machine is everybody's. A function
// that reads secrets has them served on this machine. Nothing is invoked. It needs Linux.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opiq/local/bank"
	"opiq/local/everypay"
	"opiq/local/lambda"
	"opiq/local/parameters"
	"opiq/local/template"
)

const publicURL = "http://localhost:8080"

func main() {
	log.SetFlags(0)
	runs := flag.Int("runs", 21, "starts of each function")
	flag.Parse()
	if err := weigh(context.Background(), *runs); err != nil {
		log.Fatal(err)
	}
}

// scale is one function on the scale.
type scale struct {
	name, binary string
	env          []string
	starts       []time.Duration
	memory       []int64 // bytes
}

func weigh(ctx context.Context, runs int) error {
	binaries, err := os.MkdirTemp("", "weigh")
	if err != nil {
		return err
	}
	defer os.RemoveAll(binaries)
	if err := lambda.Build(ctx, ".", binaries, "./functions/...", "./local/weigh/nothing"); err != nil {
		return err
	}
	scales, err := all(binaries)
	if err != nil {
		return err
	}
	for range runs {
		for _, s := range scales {
			if err := s.start(); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return report(scales)
}

// all are the functions of the template, after the one that does nothing.
func all(binaries string) ([]*scale, error) {
	read, err := template.Read("template.yaml", map[string]string{"Stage": "dev", "PublicUrl": publicURL, "Sender": "no-reply@opiq.test"})
	if err != nil {
		return nil, err
	}
	values, banks, err := bank.Local(publicURL, "/opiq/dev")
	if err != nil {
		return nil, err
	}
	banks.Close()
	cards := everypay.Open(everypay.Options{PublicURL: publicURL})
	cards.Close()
	agreed, err := cards.Parameters("/opiq/dev")
	if err != nil {
		return nil, err
	}
	maps.Copy(values, agreed)
	ssm, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go http.Serve(ssm, parameters.New(values))

	scales := []*scale{{name: "nothing", binary: filepath.Join(binaries, "nothing")}}
	for _, f := range read.Functions {
		s := &scale{name: f.Name, binary: filepath.Join(binaries, f.Name)}
		s.env = []string{"AWS_REGION=eu-north-1", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_ENDPOINT_URL_SSM=http://" + ssm.Addr().String()}
		for name, value := range f.Environment {
			v, err := template.Expand(value, func(id, _ string) (string, error) { return id, nil })
			if err != nil {
				return nil, err
			}
			s.env = append(s.env, name+"="+v)
		}
		scales = append(scales, s)
	}
	return scales, nil
}

// start runs the function until it asks for work, and kills it.
func (s *scale) start() error {
	api, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	asked := make(chan time.Time, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case asked <- time.Now():
		default:
		}
		<-r.Context().Done() // there is no work
	})}
	go server.Serve(api)
	defer server.Close()

	cmd := exec.Command(s.binary)
	cmd.Env = append(s.env, "AWS_LAMBDA_RUNTIME_API="+api.Addr().String())
	cmd.Stderr = os.Stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	select {
	case at := <-asked:
		s.starts = append(s.starts, at.Sub(began))
	case <-time.After(10 * time.Second):
		err = fmt.Errorf("it has not asked for work in ten seconds")
	}
	peak, unread := peak(cmd.Process.Pid)
	s.memory = append(s.memory, peak)
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // "killed" is what is expected
	return errors.Join(err, unread)
}

// peak is the most memory that a process has had, in bytes. What the kernel says of it after its end would count ours too.
func peak(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kB int64
	_, err = fmt.Sscanf(after, "%d kB", &kB)
	return kB << 10, err
}

func report(scales []*scale) error {
	nothing := median(scales[0].starts)
	slices.SortFunc(scales[1:], func(a, b *scale) int { return cmp.Compare(a.name, b.name) })
	fmt.Println("| function | binary MB | start ms | least–most | times nothing | peak MB |\n|---|---:|---:|---:|---:|---:|")
	var medians []time.Duration
	for _, s := range scales {
		info, err := os.Stat(s.binary)
		if err != nil {
			return err
		}
		m := median(s.starts)
		medians = append(medians, m)
		fmt.Printf("| %s | %.1f | %.1f | %.1f–%.1f | %.1f | %.1f |\n", s.name, float64(info.Size())/1e6, ms(m), ms(slices.Min(s.starts)), ms(slices.Max(s.starts)),
			float64(m)/float64(nothing), float64(median(s.memory))/1e6)
	}
	all := median(medians[1:])
	fmt.Printf("\nThe median function starts in %.1f ms, %.1f times nothing.\n", ms(all), float64(all)/float64(nothing))
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median[T cmp.Ordered](list []T) T {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}
