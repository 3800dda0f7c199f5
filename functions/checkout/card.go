package main

import (
	"context"
	"errors"

	"opiq/shared/account"
	"opiq/shared/acquirer"
	"opiq/shared/everypay"
	"opiq/shared/metric"
	"opiq/shared/order"
	"opiq/shared/table"
	"opiq/shared/web"
)

// cards is the card provider.
type cards interface {
	Create(context.Context, everypay.Oneoff) (everypay.Payment, error)
}

// card sends the buyer to the card provider's page: always to the same one for an attempt.
func (c checkout) card(ctx context.Context, a, wanted order.Attempt, who account.Account, ip string) (web.Response, error) {
	if a.Reference == "" {
		var err error
		if a, err = c.charge(ctx, a, wanted, who, ip); err != nil {
			return web.Response{}, err
		}
	}
	page := "/v1/orders/" + string(a.Order)
	if a.State != order.Started { // the provider's page has nothing to offer any more
		return web.Created(page, started{Attempt: a.Document(), Redirect: c.publicURL + "/orders/" + string(a.Order)}), nil
	}
	return web.Created(page, started{Attempt: a.Document(), Redirect: a.Link}), nil
}

// charge makes the payment at the provider. Its name is stored before anybody hears of its page. So of two requests at once only one
// sends its buyer to a payment of its own; the other payment is one that nobody can make.
func (c checkout) charge(ctx context.Context, a, wanted order.Attempt, who account.Account, ip string) (order.Attempt, error) {
	made, err := c.cards.Create(ctx, a.Card(c.publicURL+"/v1/callbacks/card", string(who.Address), ip))
	if refused, ok := errors.AsType[*acquirer.Refused](err); ok {
		metric.Count("CardRefused", "create", string(a.Stamp())+" "+string(refused.Code))
		err = acquirer.ErrUnavailable
	}
	if err != nil {
		return a, err
	}
	a.Reference, a.Link = made.Reference, made.Link
	err = c.store.Charge(ctx, a)
	if errors.Is(err, table.ErrChanged) {
		a, err = c.store.Attempt(ctx, wanted) // as it stands
	}
	if err == nil && a.Reference == "" {
		err = order.ErrStillTaken
	}
	return a, err
}
