package reconciliation

import "opiq/shared/page"

// Query asks for entries, those that wait where no state is asked for.
type Query page.Query

// Page is some of the entries of a state, the oldest booking first.
type Page struct {
	Entries []Document `json:"entries"`
	Next    *string    `json:"next"` // what the next page comes after, null on the last one
}

// Read answers the state, the place to begin after ("" is the beginning) and how many entries are asked for, or what is wrong.
func (q Query) Read() (s State, after string, limit int, err error) {
	return page.Read(page.Query(q), Waiting, States)
}

// PageOf is a page of entries, and the place after which the next one begins; "" for none.
func PageOf(entries []Entry, next string) Page {
	p := Page{Entries: []Document{}, Next: page.Next(next)}
	for _, e := range entries {
		p.Entries = append(p.Entries, e.Document())
	}
	return p
}
