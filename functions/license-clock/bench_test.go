package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"opiq/local/crowd"
	"opiq/local/stage"
	"opiq/shared/license"
	"opiq/shared/table"
)

// BenchmarkClock ends licenses that end together, as many as it is told to (-benchtime 100000x), by two workers, and says what each
// costs, and what a million would take on AWS by that.
func BenchmarkClock(b *testing.B) {
	const workers = 2
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	cfg, name := stage.Table(b)
	began := time.Now()
	for from := 0; from < b.N; from += 10_000 {
		if err := crowd.Fill(b.Context(), cfg, name, from, min(from+10_000, b.N), crowd.Ends()); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%d licenses filled in in %.0f s", b.N, time.Since(began).Seconds())
	p, meter := new(post), &meter{next: cfg.HTTPClient}
	cfg.HTTPClient = meter
	cfg.APIOptions = append(cfg.APIOptions, func(s *middleware.Stack) error { return s.Initialize.Add(meter, middleware.Before) })
	if err := license.Ring(b.Context(), p, crowd.Ends(), license.Bell{Kind: table.Expiry, Shards: table.Shards}); err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	thirds, processor := watch(), spent(b)
	b.ResetTimer()
	var all sync.WaitGroup
	for range workers {
		c := clock{table.Open(cfg, name), p, crowd.Ends}
		all.Go(func() {
			p.work(func(ctx context.Context, m license.Shard) error {
				ctx, stop := context.WithTimeout(ctx, time.Minute) // as template.yaml has it
				defer stop()
				return c.handle(ctx, m)
			})
		})
	}
	all.Wait()
	b.StopTimer()
	if len(p.dead) > 0 || p.received != p.sent {
		b.Errorf("%d messages came %d times, %d were given up", p.sent, p.received, len(p.dead))
	}
	n := float64(b.N)
	paid := bill{meter.table / n, meter.index / n, meter.read / n, (spent(b) - processor).Seconds() / n}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(n/b.Elapsed().Seconds(), "licenses/s")
	b.ReportMetric(float64(meter.requests)/n, "requests/license")
	b.ReportMetric(paid.table, "table-WU/license")
	b.ReportMetric(paid.index, "index-WU/license")
	b.ReportMetric(paid.read, "RU/license")
	b.ReportMetric(paid.processor*1e6, "µs-processor/license")
	for i, most := range thirds() {
		b.ReportMetric(float64(most)/1e6, []string{"MB-first-third", "MB-second-third", "MB-last-third"}[i])
	}
	b.Logf("%d licenses by %d messages in %.0f s; %s", b.N, p.sent, b.Elapsed().Seconds(), paid.million())
}

// bill is what a license costs: units of the table and of its indexes, units read, and seconds of a processor.
type bill struct{ table, index, read, processor float64 }

// What the extrapolation takes for granted, besides that a processor is as fast as this one's.
const (
	million    = 1_000_000
	writePrice = 0.625 / million // dollars for a write unit on demand, us-east-1, 2026-11
	readPrice  = 0.125 / million
	timePrice  = 0.0000133334          // for a GB of arm64 for a second
	memory     = 512.0 / 1024          // GB of the function, as template.yaml has it, and
	processors = 512.0 / 1769          // its part of one
	roundTrip  = 15 * time.Millisecond // of a transaction of two items
	partition  = 1000                  // write units a second of a partition; a kind of the index has as many as it has shards
	quota      = 40_000                // write units a second of a table, unless AWS was asked for more
)

// million says what a million licenses would take.
func (b bill) million() string {
	worker := min(abreast/roundTrip.Seconds(), processors/b.processor) // licenses a second
	text := fmt.Sprintf("a million takes %.2f million write units ($%.2f), %.2f million read units ($%.2f), %.0f s of workers ($%.2f); by",
		b.table+b.index, (b.table+b.index)*million*writePrice, b.read, b.read*million*readPrice, million/worker, million/worker*memory*timePrice)
	for _, n := range []float64{1, 4, 16} {
		rate := min(n*worker, table.Shards*partition/(b.index/2), quota/(b.table+b.index)) // the licenses' shards, and the letters'
		text += fmt.Sprintf(" %.0f: %.1f min", n, million/rate/60)
	}
	return text
}

// meter counts what a table is asked, and what that costs.
type meter struct {
	next               aws.HTTPClient
	mu                 sync.Mutex
	requests           int
	table, index, read float64 // units
}

func (m *meter) Do(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	m.requests++
	m.mu.Unlock()
	return m.next.Do(r)
}

func (*meter) ID() string { return "meter" }

// HandleInitialize asks what a call consumes, and adds it up.
func (m *meter) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	switch call := in.Parameters.(type) {
	case *dynamodb.TransactWriteItemsInput:
		call.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
	case *dynamodb.QueryInput:
		call.ReturnConsumedCapacity = types.ReturnConsumedCapacityIndexes
	}
	out, metadata, err := next.HandleInitialize(ctx, in)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch result := out.Result.(type) {
	case *dynamodb.TransactWriteItemsOutput:
		for _, c := range result.ConsumedCapacity {
			m.table += aws.ToFloat64(c.Table.CapacityUnits)
			for _, i := range c.GlobalSecondaryIndexes {
				m.index += aws.ToFloat64(i.CapacityUnits)
			}
		}
	case *dynamodb.QueryOutput:
		m.read += aws.ToFloat64(result.ConsumedCapacity.CapacityUnits)
	}
	return out, metadata, err
}

// watch looks at the memory in use until it is asked, and answers the most of each third of that time.
func watch() (thirds func() [3]uint64) {
	var samples []uint64
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.Tick(50 * time.Millisecond); ; {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			samples = append(samples, m.HeapInuse+m.StackInuse)
			select {
			case <-end:
				return
			case <-tick:
			}
		}
	}()
	return func() (most [3]uint64) {
		close(end)
		<-ended
		for i, s := range samples {
			third := i * 3 / len(samples)
			most[third] = max(most[third], s)
		}
		return most
	}
}

// spent is how much time of processors this process has had.
func spent(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
