// Package crowd is very many licenses that end together, as all those of a school year do: for tests and measurements of the clock.
//
// Their items are those that the shop writes, in its own words. Only the way is another: many in one call and under no condition,
// which no function has a right to. The package is never deployed.
package crowd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/sync/errgroup"

	"opiq/shared/account"
	"opiq/shared/catalog"
	"opiq/shared/civil"
	"opiq/shared/license"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/table"
)

// Starts is the first day of the crowd's licenses.
var Starts = civil.Date{Year: 2026, Month: 8, Day: 31}

// License is one of the crowd, by its number: of a year, told all that there is to tell before an instant, and so often stored.
func License(n int, before time.Time) license.License {
	plan, _ := catalog.Shelf{}.PlansOn(Starts).Plan(12)
	who := account.ID(fmt.Sprintf("%032x", n))
	var number order.Number
	for number = range order.Numbers(who, "crowd") {
		break
	}
	l := license.Grant(string(number), who, plan.Months, plan.Remind, Starts, civil.Tallinn, Starts.Start(civil.Tallinn).AddDate(0, 0, -10))
	for at, _, ok := l.Next(); ok && at.Before(before); at, _, ok = l.Next() {
		l, _, _ = l.Step(at)
		l.Revision++
	}
	return l
}

// Ends is when the licenses of the crowd end, all of them.
func Ends() time.Time { return License(0, time.Time{}).EndsAt }

// Fill puts licenses into a table: those of the crowd from one number up to, not including, another.
func Fill(ctx context.Context, cfg aws.Config, name string, from, to int, before time.Time) error {
	caught := new(catch)
	shop := cfg.Copy()
	shop.APIOptions = append(shop.APIOptions, func(s *middleware.Stack) error { return s.Initialize.Add(caught, middleware.Before) })
	settle, db := table.Open(shop, name), dynamodb.NewFromConfig(cfg)
	for n := from; n < to; n++ {
		l := License(n, before)
		if err := settle.Settle(ctx, payment.Change{License: &l}); err != nil {
			return err
		}
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(4)
	for part := range slices.Chunk(caught.items, 25) {
		work.Go(func() error { return write(ctx, db, name, part) })
	}
	return work.Wait()
}

func write(ctx context.Context, db *dynamodb.Client, name string, items []map[string]types.AttributeValue) error {
	var puts []types.WriteRequest
	for _, i := range items {
		puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: i}})
	}
	out, err := db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{name: puts}})
	if err == nil && len(out.UnprocessedItems) > 0 {
		err = errors.New("crowd: the table does not take all")
	}
	return err
}

// catch keeps the items that the shop would put, and says that it has.
type catch struct {
	items []map[string]types.AttributeValue
}

func (*catch) ID() string { return "crowd" }

func (c *catch) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	put, ok := in.Parameters.(*dynamodb.PutItemInput)
	if !ok {
		return middleware.InitializeOutput{}, middleware.Metadata{}, fmt.Errorf("crowd: a license is written by %T", in.Parameters)
	}
	c.items = append(c.items, put.Item)
	return middleware.InitializeOutput{Result: &dynamodb.PutItemOutput{}}, middleware.Metadata{}, nil
}
