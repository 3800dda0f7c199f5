// Command statement-intake reads the bank statements that were uploaded, from the queue "statements". Of one that is too long for
// one call it remembers how far it came; the table's stream tells of that as of an upload, so that the next call goes on there.
package main

import (
	"context"
	"errors"
	"io"
	"time"

	"opiq/shared/account"
	"opiq/shared/bucket"
	"opiq/shared/cloud"
	"opiq/shared/intake"
	"opiq/shared/queue"
	"opiq/shared/reconciliation"
	"opiq/shared/secret"
	"opiq/shared/statement"
	"opiq/shared/table"
)

type store interface {
	Statement(context.Context, intake.ID) (intake.Import, error)
	KeepEntries(context.Context, []reconciliation.Entry) ([]reconciliation.Kept, error)
	ChangeStatement(context.Context, intake.Import, ...account.Act) error
}

type uploads interface {
	Open(ctx context.Context, key string) (object io.ReadCloser, size int64, err error)
}

type reading struct {
	store    store
	uploads  uploads
	accounts []string // ours
	now      func() time.Time
}

func main() {
	cfg := cloud.Config()
	desk := secret.Desk(cfg, cloud.Env("SECRETS"))
	queue.Start(reading{table.Open(cfg, cloud.Env("TABLE")), bucket.Open(cfg, cloud.Env("BUCKET")), desk.IBANs(), time.Now}.handle)
}

func (r reading) handle(ctx context.Context, m intake.Ready) error {
	i, err := r.store.Statement(ctx, m.Statement)
	if err != nil || i.State != intake.Received {
		return err
	}
	before := i.Tally.Handed
	i, summary, err := r.read(ctx, i)
	if err == nil {
		done, act := i.End(summary, r.now())
		return r.store.ChangeStatement(ctx, done, act)
	}
	if refused, act, ok := i.Refuse(err, r.now()); ok {
		return r.store.ChangeStatement(ctx, refused, act)
	}
	if errors.Is(err, intake.ErrUnfinished) && i.Tally.Handed > before {
		return r.store.ChangeStatement(ctx, i)
	}
	return err
}

// read reads the file, twice the first time, and answers how far the import is and what the file came to.
func (r reading) read(ctx context.Context, i intake.Import) (_ intake.Import, summary intake.Summary, err error) {
	if !i.Checked {
		err := r.open(ctx, i, func(file io.Reader) error { return intake.Check(file, statement.MaxBytes, r.accounts) })
		if err != nil {
			return i, intake.Summary{}, err
		}
		i.Checked = true
	}
	taking := intake.Taking{Accounts: r.accounts, Most: statement.MaxBytes, Keep: r.store.KeepEntries, By: i.By, Now: r.now()}
	err = r.open(ctx, i, func(file io.Reader) error {
		summary, i.Tally, err = taking.Take(ctx, i, file)
		return err
	})
	return i, summary, err
}

func (r reading) open(ctx context.Context, i intake.Import, read func(io.Reader) error) error {
	object, _, err := r.uploads.Open(ctx, i.ID.Object())
	if err != nil {
		return err
	}
	defer object.Close()
	return read(object)
}
