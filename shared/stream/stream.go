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
)

// New is a thing that there is something to do about: its kind, its id and, where it has one, its reference, as the table says
// them. It was put into the table where there was none, says of itself that there is more to do, or was nudged: nobody did it in
// time.
type New struct{ Kind, ID, Reference string }

// Handler passes on the new things of a batch, in order, and answers how many it passed on before the first that it could not.
type Handler func(context.Context, []New) (done int, err error)

// Start consumes the stream for as long as Lambda lets the process live.
func Start(h Handler) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	lambda.Start(h.Handle)
}

// Handle handles one batch. An error comes back as the first record that comes again; it is logged here.
func (h Handler) Handle(ctx context.Context, e events.DynamoDBEvent) (out events.DynamoDBEventResponse, _ error) {
	var things []New
	var records []string
	for _, r := range e.Records {
		if n := (New{text(r, "kind"), text(r, "id"), text(r, "reference")}); waits(r) && n.Kind != "" && n.ID != "" {
			things, records = append(things, n), append(records, r.Change.SequenceNumber)
		}
	}
	done, err := h(ctx, things)
	if err != nil {
		slog.ErrorContext(ctx, "not passed on", "error", err.Error())
	}
	if done < len(records) {
		out.BatchItemFailures = []events.DynamoDBBatchItemFailure{{ItemIdentifier: records[done]}}
	}
	return out, nil
}

// waits tells whether somebody has to be told: of what is new, but for an attempt to pay, which is the buyer's turn, and for a
// refund that the card provider has nothing to do with; of a statement of which a call has read a part (package intake); of a bank
// entry that is to be matched again, as it has learned something; and of whatever was nudged.
func waits(r events.DynamoDBEventRecord) bool {
	kind, state := text(r, "kind"), text(r, "state")
	switch events.DynamoDBOperationType(r.EventName) {
	case events.DynamoDBOperationTypeInsert:
		return kind != "attempt" && (kind != "refund" || text(r, "way") == "card" && state == "requested")
	case events.DynamoDBOperationTypeModify:
		return kind == "statement" && state == "received" || kind == "entry" && state == "new" || nudged(r.Change.NewImage) > nudged(r.Change.OldImage)
	}
	return false
}

// nudged is how often a thing was sent again.
func nudged(image map[string]events.DynamoDBAttributeValue) int64 {
	v, ok := image["nudged"]
	if !ok || v.DataType() != events.DataTypeNumber {
		return 0
	}
	n, _ := v.Integer() // one that is none is no more than before
	return n
}

func text(r events.DynamoDBEventRecord, name string) string {
	if v, ok := r.Change.NewImage[name]; ok && v.DataType() == events.DataTypeString {
		return v.String()
	}
	return ""
}
