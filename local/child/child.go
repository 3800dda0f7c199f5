// Package child starts the processes that must not outlive this one: engines and functions.
//
// Each gets a process group of its own, so that Ctrl-C in a terminal reaches only us and we end the others in order.
// On Linux the kernel kills them when we are killed; elsewhere a SIGKILL of this process leaves them behind.
package child

import (
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// Process is a started process.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

var starts = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		// The kernel ties a child to the thread that forked it, not to the process. This one stays.
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})

// Start starts cmd, bound to the life of this process, and waits for its end in the background.
func Start(cmd *exec.Cmd) (*Process, error) {
	bind(cmd)
	cmd.WaitDelay = time.Second // for output that something outside the group still holds open
	started := make(chan error)
	starts() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// ID is the number of the process.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended and all it wrote has been read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the process ended: nil, or an *exec.ExitError. It waits for the end.
func (p *Process) Err() error {
	<-p.done
	return p.err
}

// Kill ends the process and, on Linux, what it started. It does not wait.
func (p *Process) Kill() {
	select {
	case <-p.done: // its number may belong to another by now
	default:
		kill(p.cmd.Process)
	}
}
