package table

import (
	"context"
	"errors"

	"opiq/shared/catalog"
)

// Shelf is the library as staff have left it, in one read.
func (t *Table) Shelf(ctx context.Context) (s catalog.Shelf, err error) {
	items, err := t.partition(ctx, shelfPartition, "")
	if err != nil {
		return s, err
	}
	s.Changes = map[catalog.WorkID]catalog.Change{}
	for _, i := range items {
		switch textOf(i["kind"]) {
		case "work":
			var c catalog.Change
			err = errors.Join(err, decode(i, &c))
			s.Changes[c.ID] = c
		case "group":
			var g catalog.Group
			err = errors.Join(err, decode(i, &g))
			s.Groups = append(s.Groups, g.Holds...)
		case "prices":
			s.Lists, err = more(s.Lists, i, err)
		}
	}
	return s, err
}

func changeRow(c catalog.Change) row {
	return row{key: changeKey(c.ID), kind: "work", value: c, revision: c.Revision}
}

func groupRow(g catalog.Group) row {
	return row{key: groupKey(g.ID), kind: "group", value: g, revision: g.Revision}
}

func pricesRow(l catalog.List) row {
	return row{key: pricesKey(l), kind: "prices", value: l, revision: l.Revision}
}
