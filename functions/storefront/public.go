package main

import (
	"context"
	"html/template"

	"opiq/shared/catalog"
	"opiq/shared/web"
)

func (s storefront) front(context.Context, visit) (any, error)   { return nil, nil }
func (s storefront) works(context.Context, visit) (any, error)   { return nil, nil }
func (s storefront) work(context.Context, visit) (any, error)    { return nil, nil }
func (s storefront) plans(context.Context, visit) (any, error)   { return nil, nil }
func (s storefront) terms(context.Context, visit) (any, error)   { return nil, nil }
func (s storefront) help(context.Context, visit) (any, error)    { return nil, nil }
func (s storefront) problem(context.Context, visit) (any, error) { return nil, nil }

// cover is a work's cover, drawn from its own data, as markup.
func cover(w catalog.Work) template.HTML { return "" }

func coverOf(r web.Request, at map[string]string) (web.Response, error) {
	return web.Response{}, errNoPage
}
