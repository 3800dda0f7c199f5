package table

import (
	"context"
	"errors"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/takedown"
)

// ChangeWork stores what staff changed of a work, with the act, and answers it as it stands then. ErrChanged where somebody was quicker.
func (t *Table) ChangeWork(ctx context.Context, c catalog.Change, a account.Act) (catalog.Change, error) {
	r := changeRow(c)
	c.Revision++
	return c, t.commit(ctx, r, actRow(a, r))
}

// SetPrices stores a price list, new or changed, with the act, and answers it as it stands then. ErrChanged where somebody was quicker.
func (t *Table) SetPrices(ctx context.Context, l catalog.List, a account.Act) (catalog.List, error) {
	r := pricesRow(l)
	l.Revision++
	return l, t.commit(ctx, r, actRow(a, r))
}

// Report stores a report about a work, once, and answers whether it was new.
func (t *Table) Report(ctx context.Context, r takedown.Report) (news bool, err error) {
	return quicker(t.commit(ctx, takedownRow(r)))
}

func takedownRow(r takedown.Report) row {
	return row{
		key: takedownKey(r.ID), kind: "takedown", value: r, revision: r.Revision, list: takedownList(r.State), on: instant(r.At) + "#" + string(r.ID),
		expires: r.Until(),
	}
}

// Takedown reads a report about a work; takedown.ErrUnknown where there is none.
func (t *Table) Takedown(ctx context.Context, id takedown.ID) (r takedown.Report, err error) {
	if err = t.one(ctx, takedownKey(id), &r); errors.Is(err, errNone) {
		err = takedown.ErrUnknown
	}
	return r, err
}

// Takedowns is a page of the reports of a state, the oldest first: candidates, as the index lists them.
func (t *Table) Takedowns(ctx context.Context, s takedown.State, after string, most int) (page []takedown.Report, next string, err error) {
	return listed[takedown.Report](ctx, t, takedownList(s), after, most, true)
}

// DecideTakedown stores what a decision about a report came to, whole or not at all: the report, the act, and the hold on its work. It
// answers the report as it stands then; ErrChanged where any of it moved meanwhile.
func (t *Table) DecideTakedown(ctx context.Context, o takedown.Outcome) (takedown.Report, error) {
	r := takedownRow(o.Report)
	rows := []row{r, actRow(o.Act, r)}
	if o.Stop != nil {
		rows = append(rows, decisionRows(*o.Stop)...)
	}
	o.Report.Revision++
	return o.Report, t.commit(ctx, rows...)
}
