package main

import (
	"context"
	"strconv"

	"opiq/shared/catalog"
)

// book is the work that a page of the reading room is about. What it is called is for everybody to know; who may read in it, the page's
// script asks.
func (s storefront) book(ctx context.Context, v visit) (any, error) {
	if n, chapter := v.parameters["n"]; chapter {
		if _, err := strconv.ParseUint(n, 10, 16); err != nil {
			return nil, errNoPage
		}
	}
	shelf, err := s.store.Shelf(ctx)
	if err != nil {
		return nil, err
	}
	return shelf.Find(catalog.WorkID(v.parameters["id"]), s.today())
}
