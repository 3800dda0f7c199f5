// Terms shows what people agree to: the terms of use, the order terms and the privacy notice.
//
//	GET /v1/terms/{document}
//
// It has no right on anything: the texts are part of the program.
package main

import (
	"context"
	"time"

	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/problem"
	"opiq/shared/terms"
	"opiq/shared/web"
)

// fresh is how long caches may keep a text: a new version reaches everybody within it.
const fresh = 5 * time.Minute

var errUnknown = problem.New(problem.NotFound, "unknown_document", "The documents are use, order and privacy.")

func main() { web.Start(shelf{time.Now}.routes()) }

type shelf struct{ now func() time.Time }

func (s shelf) routes() web.Routes { return web.Routes{"GET /v1/terms/{document}": s.document} }

type text struct {
	Document  terms.Document            `json:"document"`
	Version   terms.Version             `json:"version"`
	ValidFrom *civil.Date               `json:"validFrom"` // null: the text names no day
	Language  lang.Code                 `json:"language"`
	Title     string                    `json:"title"`
	HTML      string                    `json:"html"`
	Links     map[terms.Document]string `json:"links"`
}

func (s shelf) document(_ context.Context, r web.Request) (web.Response, error) {
	d := terms.Document(r.Path("document"))
	if !terms.Known(d) {
		return web.Response{}, errUnknown
	}
	language, err := wanted(r)
	if err != nil {
		return web.Response{}, err
	}
	t := terms.Current(d, civil.DateOf(s.now(), civil.Tallinn), language)
	answer := text{Document: d, Version: t.Version, Language: language, Title: t.Title, HTML: t.HTML, Links: map[terms.Document]string{}}
	if !t.ValidFrom.IsZero() {
		answer.ValidFrom = &t.ValidFrom
	}
	for _, other := range terms.All {
		answer.Links[other] = "/v1/terms/" + string(other) + "?lang=" + string(language)
	}
	a := web.Public(r, answer, fresh)
	a.Header["Vary"] = "Accept-Language"
	return a, nil
}

// wanted is the language asked for, or else the one that suits the browser best.
func wanted(r web.Request) (lang.Code, error) {
	asked := r.Query().Get("lang")
	if asked == "" {
		return lang.Pick(r.Header("Accept-Language")), nil
	}
	language, ok := lang.Parse(asked)
	if !ok {
		return "", problem.Wrong([]problem.Field{{Pointer: "/lang", Code: "unknown_language", Detail: "The languages are et, en, ru and kk."}})
	}
	return language, nil
}
