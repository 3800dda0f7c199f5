package table

import (
	"context"
	"errors"

	"opiq/shared/account"
	"opiq/shared/intake"
)

// Statement reads the import of a bank statement; intake.ErrNotFound where there is none.
func (t *Table) Statement(ctx context.Context, id intake.ID) (i intake.Import, err error) {
	if err = t.one(ctx, statementKey(id), &i); errors.Is(err, errNone) {
		err = intake.ErrNotFound
	}
	return i, err
}

// ChangeStatement stores an import, new or changed, with the acts that end it. ErrChanged where somebody was quicker.
func (t *Table) ChangeStatement(ctx context.Context, i intake.Import, acts ...account.Act) error {
	r := row{key: statementKey(i.ID), kind: "statement", value: i, revision: i.Revision}
	if i.State == intake.Received {
		r = r.waits(string(i.ID), i.At, i.Nudged)
	}
	rows := []row{r}
	for _, a := range acts {
		rows = append(rows, actRow(a, r))
	}
	return t.commit(ctx, rows...)
}
