package intake

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"opiq/shared/reconciliation"
	"opiq/shared/statement"
)

// Check reads a file to its end and keeps nothing of it. It fails with what the file is refused for, or as its reader does.
func Check(file io.Reader, most int64, accounts []string) error {
	_, err := statement.Read(unpack(file, most), accounts, func(statement.Entry) error { return nil })
	return err
}

// Keep stores at most fifty entries, each once, and answers what became of each. It is called by several at once.
type Keep func(context.Context, []reconciliation.Entry) ([]reconciliation.Kept, error)

// Taking is how a file is taken.
type Taking struct {
	Accounts []string // ours
	Most     int64    // bytes of the file, unpacked
	Keep     Keep
	By       string // who hands it in now
	Now      time.Time
}

const (
	chunk   = 50 // entries that are kept in one step
	abreast = 2  // chunks that are on their way at once

	// So long before its end a call sends off no more chunks, and waits for none any more: to say how far it came.
	closing = 5 * time.Second
	closed  = 2 * time.Second
)

// Take keeps the entries of a file that was checked, after those that the import's tally has. It answers what the file came
// to; or how far it came, and why no further: ErrUnfinished where the time of the call is nearly over.
func (t Taking) Take(ctx context.Context, i Import, file io.Reader) (Summary, Tally, error) {
	open, stop := before(ctx, closing)
	defer stop()
	flights, end := before(ctx, closed)
	defer end()
	k := keeper{open: open, ctx: flights, keep: t.Keep, tally: i.Tally}
	handed := 0
	sum, err := statement.Read(unpack(file, t.Most), t.Accounts, func(e statement.Entry) error {
		if handed++; handed <= i.Tally.Handed {
			return open.Err()
		}
		return k.add(reconciliation.Keep(e, string(i.ID), t.By, t.Now), reconciliation.Future(e, t.Now))
	})
	if err == nil {
		err = k.send()
	}
	if rest := k.land(0); err == nil {
		err = rest
	}
	switch {
	case err == nil:
		return k.tally.summary(sum), k.tally, nil
	case open.Err() != nil:
		err = ErrUnfinished
	}
	return Summary{}, k.tally, err
}

// before ends some time before a call does, if that ends at all.
func before(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, end.Add(-d))
	}
	return ctx, func() {}
}

// keeper keeps entries in chunks, several at once, and counts them in the order of the file.
type keeper struct {
	open   context.Context // as long as chunks are sent off
	ctx    context.Context // of a chunk on its way
	keep   Keep
	tally  Tally // of all chunks that have landed, without a gap
	failed error // of the first that did not

	next   flight
	flying []*flight
}

// flight is a chunk on its way.
type flight struct {
	entries []reconciliation.Entry
	tally   Tally
	err     error
	done    sync.WaitGroup
}

func (k *keeper) add(e reconciliation.Entry, early bool) error {
	f := &k.next
	f.tally.Handed++
	if early {
		f.tally.problem(e.Bank.Position, future)
		return k.open.Err()
	}
	f.entries = append(f.entries, e)
	if len(f.entries) < chunk {
		return nil
	}
	return k.send()
}

// send sends the chunk off, once there is room.
func (k *keeper) send() error {
	if err := k.land(abreast - 1); err != nil {
		return err
	}
	if err := k.open.Err(); err != nil {
		return err
	}
	f := &flight{entries: k.next.entries, tally: k.next.tally}
	k.next = flight{}
	k.flying = append(k.flying, f)
	f.done.Go(func() { f.fly(k.ctx, k.keep) })
	return nil
}

// land waits until no more than some chunks are on their way, the first ones first.
func (k *keeper) land(most int) error {
	for len(k.flying) > most {
		f := k.flying[0]
		k.flying = k.flying[1:]
		f.done.Wait()
		if k.failed == nil {
			k.failed = f.err
		}
		if k.failed == nil {
			k.tally.add(f.tally)
		}
	}
	return k.failed
}

func (f *flight) fly(ctx context.Context, keep Keep) {
	if len(f.entries) == 0 {
		return
	}
	kept, err := keep(ctx, f.entries)
	if err != nil {
		f.err = err
		return
	}
	for i, became := range kept {
		e := f.entries[i].Bank
		switch became {
		case reconciliation.IsNew:
			f.tally.New++
		case reconciliation.IsKnown:
			f.tally.Known++
		case reconciliation.IsReused:
			f.tally.New++
			f.tally.problem(e.Position, reused)
		case reconciliation.IsParted:
			f.tally.Known++
			if e.Part == 1 { // once for the booking
				f.tally.problem(e.Position, otherParts)
			}
		}
	}
}

// packed is a file as it comes, in gzip or not, and unpacked up to a number of bytes.
type packed struct {
	from *bufio.Reader
	fate *fate
	open io.Reader
	left int64
}

// fate remembers how the reading of a file ended, beneath what unpacks it: a connection that broke says nothing about the file.
type fate struct {
	io.Reader
	err error
}

func (f *fate) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil {
		f.err = err
	}
	return n, err
}

func unpack(file io.Reader, most int64) *packed {
	f := &fate{Reader: file}
	return &packed{from: bufio.NewReader(f), fate: f, left: most}
}

// The first bytes of gzip, and what is left of them where they were taken for text.
var (
	gzipped = []byte("\x1f\x8b")
	mangled = []byte("\x1f\uFFFD")
)

func (p *packed) Read(b []byte) (int, error) {
	if p.open == nil {
		if err := p.begin(); err != nil {
			return 0, p.verdict(err)
		}
	}
	n, err := p.open.Read(b)
	if p.left -= int64(n); p.left < 0 {
		return 0, statement.ErrLarge
	}
	if err != nil {
		err = p.verdict(err)
	}
	return n, err
}

func (p *packed) begin() (err error) {
	head, _ := p.from.Peek(len(mangled)) // what failed, the next one hears
	switch {
	case bytes.Equal(head, mangled):
		return gzip.ErrHeader
	case !bytes.HasPrefix(head, gzipped):
		p.open = p.from
		return nil
	}
	p.open, err = gzip.NewReader(p.from)
	return err
}

// verdict is what an error means: the end, a file that is wrong, or a reading that broke.
func (p *packed) verdict(err error) error {
	switch {
	case p.fate.err != nil && p.fate.err != io.EOF:
		return p.fate.err
	case err == io.EOF:
		return io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		return statement.ErrTruncated
	}
	return ErrGzip
}
