package run

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"opiq/local/sources"
)

// drawn are the running sources.
type drawn struct {
	schedules sources.Schedules
	cancel    context.CancelFunc
	running   sync.WaitGroup
	functions interface{ Stop() }
}

// draw starts the template's queues, streams and schedules.
func (s *Shop) draw() (*drawn, error) {
	queues, streams := sqs.NewFromConfig(s.AWS), dynamodbstreams.NewFromConfig(s.AWS)
	ctx, cancel := context.WithCancel(context.Background())
	d := &drawn{cancel: cancel, functions: s.Functions, schedules: sources.Schedules{Failures: queues, Invoke: s.Functions.Invoke, Log: s.log}}
	var runs []func(context.Context)
	for _, f := range s.Template.Functions {
		for _, q := range f.Queues {
			if len(q.Filters) > 0 {
				cancel()
				return nil, fmt.Errorf("%s: a filter on a queue is not known here", f.ID)
			}
			runs = append(runs, sources.Queue{
				QueueSource: q, Function: f.Name, URL: s.Made.Queues[q.Queue], ARN: s.Made.ARNs[q.Queue], Client: queues, Invoke: s.Functions.Invoke, Log: s.log,
			}.Run)
		}
		for _, st := range f.Streams {
			passes, err := sources.Compile(st.Filters)
			if err != nil {
				cancel()
				return nil, fmt.Errorf("%s: %w", f.ID, err)
			}
			runs = append(runs, sources.Stream{
				StreamSource: st, Passes: passes, Function: f.Name, ARN: s.Made.Streams[st.Table], Client: streams,
				FailureURL: s.Made.Queues[st.OnFailure], Failures: queues, Invoke: s.Functions.Invoke, Log: s.log,
			}.Run)
		}
		for _, at := range f.Schedules {
			d.schedules.List = append(d.schedules.List, sources.Schedule{Schedule: at, Function: f.Name, Retries: f.Retries, FailureURL: s.Made.Queues[f.OnFailure]})
		}
	}
	if err := d.schedules.Check(); err != nil {
		cancel()
		return nil, err
	}
	runs = append(runs, d.schedules.Run)
	for _, run := range runs {
		d.running.Go(func() { run(ctx) })
	}
	return d, nil
}

// stop lets the sources end. Batches that take longer than the grace fail with their functions.
func (d *drawn) stop() {
	d.cancel()
	ended := make(chan struct{})
	go func() {
		d.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(grace):
		d.functions.Stop()
		<-ended
	}
}
