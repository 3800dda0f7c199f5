package catalog

import (
	"fmt"
	"slices"

	"opiq/shared/civil"
	"opiq/shared/hold"
	"opiq/shared/page"
	"opiq/shared/problem"
)

// RegisterQuery asks for works as staff see them: texts, empty where nothing was asked for.
type RegisterQuery struct {
	Status string // every one where nothing is asked
	After  string // Next of the page before
	Limit  string // works on the page, 1 to 100; 50 where nothing is asked
}

// Register is a part of all works, in the catalog's order.
type Register struct {
	Works []Record `json:"works"`
	Next  *string  `json:"next"` // what the next page comes after, null on the last one
}

// Record is a work as staff see it.
type Record struct {
	ID           WorkID       `json:"id"`
	Title        string       `json:"title"`
	Publisher    string       `json:"publisher"`
	Status       Status       `json:"status"`
	Distribution Distribution `json:"distribution"`
	Agreement    string       `json:"agreement"`
	Holds        hold.Set     `json:"holds"`
	Revision     int          `json:"revision"` // of what staff changed of it; 0 where they have not
}

// statuses are all that a work can have.
var statuses = []Status{StatusOffered, StatusAhead, StatusWithdrawn, StatusSuspended}

// Register finds the works of a status, and every work where none is asked for. What is wrong in the query is a problem.Invalid that
// names every parameter by its name in the address: /status, /after, /limit.
func (s Shelf) Register(q RegisterQuery, today civil.Date) (Register, error) {
	var wrong []problem.Field
	if q.Status != "" && !slices.Contains(statuses, Status(q.Status)) {
		wrong = append(wrong, problem.Field{Pointer: "/status", Code: "unknown", Detail: fmt.Sprintf("The statuses are %v.", statuses)})
	}
	after, limit, misplaced := page.Place(q.After, q.Limit)
	wrong = append(wrong, misplaced...)
	start, known := behind(WorkID(after))
	if !known {
		wrong = append(wrong, problem.Field{Pointer: "/after", Code: "unknown", Detail: "It must be the next of an earlier answer."})
	}
	if err := problem.Wrong(wrong); err != nil {
		return Register{}, err
	}
	out := Register{Works: []Record{}}
	for _, w := range s.All()[start:] {
		if q.Status != "" && w.Status(today) != Status(q.Status) {
			continue
		}
		if len(out.Works) == limit {
			out.Next = page.Next(string(out.Works[limit-1].ID))
			break
		}
		out.Works = append(out.Works, s.record(w, today))
	}
	return out, nil
}

// Record is a work as staff see it; ErrUnknown where there is none.
func (s Shelf) Record(id WorkID, today civil.Date) (Record, error) {
	w, err := s.known(id)
	return s.record(w, today), err
}

func (s Shelf) record(w Work, today civil.Date) Record {
	c := s.Changes[w.ID]
	return Record{
		ID: w.ID, Title: w.Title, Publisher: w.Publisher, Status: w.Status(today), Distribution: w.Distribution, Agreement: w.Agreement,
		Holds: append(hold.Set{}, c.Holds...), Revision: c.Revision,
	}
}
