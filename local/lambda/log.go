package lambda

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// log writes the functions' lines, each with the name of its function.
type log struct {
	mu    sync.Mutex
	to    io.Writer
	all   bool
	width int
}

func (l *log) line(name, text string, loud bool) {
	if !loud && !l.all {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.to, "%-*s | %s\n", l.width, name, text)
}

// of is where the processes of a function write to.
func (l *log) of(name string) *stream { return &stream{log: l, name: name} }

// stream cuts what one process writes into lines. The exec package never writes from two goroutines at once.
type stream struct {
	log   *log
	name  string
	rest  []byte
	ready atomic.Bool // what a process says before it is ready is always shown: it may be why it never will be
}

const longestLine = 64 << 10

func (s *stream) Write(b []byte) (int, error) {
	s.rest = append(s.rest, b...)
	for {
		line, rest, ok := bytes.Cut(s.rest, []byte("\n"))
		if !ok {
			break
		}
		s.log.line(s.name, string(line), loud(line) || !s.ready.Load())
		s.rest = rest
	}
	if len(s.rest) > longestLine {
		s.flush()
	}
	return len(b), nil
}

// flush writes the last line of a process that ended without ending its line.
func (s *stream) flush() {
	if len(s.rest) > 0 {
		s.log.line(s.name, string(s.rest), loud(s.rest) || !s.ready.Load())
		s.rest = nil
	}
}

// loud tells whether a line is shown although nobody asked for all of them: the functions log in JSON, so that a line
// that is none was written by a runtime in trouble.
func loud(line []byte) bool {
	return !bytes.HasPrefix(line, []byte("{")) || bytes.Contains(line, []byte(`"level":"ERROR"`)) || bytes.Contains(line, []byte("errorType"))
}
