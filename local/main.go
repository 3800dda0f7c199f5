// Local is the whole shop on this machine: go run ./local
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"opiq/local/run"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "where the shop listens, `host:port`")
	data := flag.String("data", "", "`folder` that keeps the table, the mail and the uploads; without it they are forgotten")
	verbose := flag.Bool("v", false, "a line for each call, and all that the functions log")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := serve(withParent(ctx), stop, run.Options{Addr: *addr, Data: *data, Verbose: *verbose, Log: os.Stderr}); err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, stop func(), o run.Options) error {
	shop, err := run.Start(ctx, o)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	if err != nil {
		return err
	}
	defer shop.Stop()
	welcome(shop)
	select {
	case err := <-shop.Died():
		return err
	case <-ctx.Done():
		stop() // a second Ctrl-C ends us at once
		fmt.Fprintln(os.Stderr, "stopping")
		return nil
	}
}

func welcome(shop *run.Shop) {
	starts := shop.Functions.Starts()
	var names []string
	for name := range starts {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Println("\nfunction               start ms")
	for _, name := range names {
		fmt.Printf("%-20s %10.1f\n", name, float64(starts[name].Microseconds())/1000)
	}
	fmt.Printf("\nshop     %s\nmailbox  %s/_local/mailbox\nstaff    %s/_local/staff\n\n", shop.URL, shop.URL, shop.URL)
}

// withParent also ends the context when the process that started us is gone: go run passes on Ctrl-C, but neither its own
// SIGTERM nor its SIGKILL.
func withParent(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	parent := os.Getppid()
	go func() {
		for os.Getppid() == parent {
			time.Sleep(200 * time.Millisecond)
		}
		cancel()
	}()
	return ctx
}
