// Package stream is the edge to the table's stream: what was written means that something is to be done.
//
// The table says what its items look like (package table); this package knows of them only what a consumer of the stream
// needs, so that such a consumer is small and carries no client of the table. It loses no record: what was not done is
// reported, and comes again from there on.
package stream

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"opiq/shared/letter"
)

// Handler passes on the new letters of a batch, in order, and answers how many it passed on before the first that it could not.
type Handler func(context.Context, []letter.ID) (done int, err error)

// Start consumes the stream for as long as Lambda lets the process live.
func Start(h Handler) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	lambda.Start(h.Handle)
}

// Handle handles one batch. An error comes back as the first record that comes again; it is logged here.
func (h Handler) Handle(ctx context.Context, e events.DynamoDBEvent) (out events.DynamoDBEventResponse, _ error) {
	var letters []letter.ID
	var records []string
	for _, r := range e.Records {
		if id, ok := newLetter(r); ok {
			letters, records = append(letters, id), append(records, r.Change.SequenceNumber)
		}
	}
	done, err := h(ctx, letters)
	if err != nil {
		slog.ErrorContext(ctx, "letters not passed on", "error", err.Error())
	}
	if done < len(records) {
		out.BatchItemFailures = []events.DynamoDBBatchItemFailure{{ItemIdentifier: records[done]}}
	}
	return out, nil
}

// newLetter is the letter that a record tells of, if it tells of a new one.
func newLetter(r events.DynamoDBEventRecord) (letter.ID, bool) {
	if r.EventName != string(events.DynamoDBOperationTypeInsert) || text(r, "kind") != "mail" {
		return "", false
	}
	return letter.ID(text(r, "id")), true
}

func text(r events.DynamoDBEventRecord, name string) string {
	if v, ok := r.Change.NewImage[name]; ok && v.DataType() == events.DataTypeString {
		return v.String()
	}
	return ""
}
