package table

import (
	"context"
	"errors"

	"opiq/shared/payment"
	"opiq/shared/payout"
)

// OpenCases is a page of the cases of money that waits to be given back, the oldest first: candidates, as the index lists them.
func (t *Table) OpenCases(ctx context.Context, after string, most int) (page []payment.Case, next string, err error) {
	return listed[payment.Case](ctx, t, caseList(payment.Open), after, most, true)
}

// Refunds is the same of the refunds of a state.
func (t *Table) Refunds(ctx context.Context, s payment.RefundState, after string, most int) (page []payment.Refund, next string, err error) {
	return listed[payment.Refund](ctx, t, refundList(s), after, most, true)
}

// Payout reads a file of transfers; payout.ErrNotFound where there is none.
func (t *Table) Payout(ctx context.Context, id payout.ID) (p payout.Payout, err error) {
	if err = t.one(ctx, payoutKey(id), &p); errors.Is(err, errNone) {
		err = payout.ErrNotFound
	}
	return p, err
}
