package activity

import (
	"encoding/base64"
	"hash/fnv"
	"slices"
	"time"

	"opiq/shared/account"
)

// Count is how much was read in an hour of the clock, by an account or from a network, as account.Tries counts it. It remembers the lines
// that it counted last, so that one that comes twice counts once: whoever counts may fail at any point and do all of it again.
//
// It is right but for one thing: a line that comes again after fifty others counts again.
type Count struct {
	account.Tries
	Lines []string `json:"lines,omitempty"` // the marks of those counted last, the latest last
}

// remembered keeps a count within the kilobyte that one write unit pays for.
const remembered = 50

// With is the count with lines, each in the span of the limit in which it was done, in whatever order they come: those of a span that is
// over change nothing. A count that is full grows no more; changed tells whether there is anything to store.
func (c Count) With(limit account.Limit, lines []Line) (_ Count, changed bool) {
	c.Lines = slices.Clone(c.Lines)
	for _, l := range lines {
		mark := l.mark()
		if !l.Counts() || slices.Contains(c.Lines, mark) || l.At.Before(c.Until.Add(-limit.Per)) {
			continue
		}
		if !l.At.Before(c.Until) {
			c.Count, c.Until = 0, l.At.Truncate(limit.Per).Add(limit.Per)
		}
		if c.Count < limit.Max {
			c.Count++
			c.Lines = append(c.Lines, mark)
			changed = true
		}
	}
	c.Lines = c.Lines[max(0, len(c.Lines)-remembered):]
	return c, changed
}

// Over is when nobody asks for the count any more.
func (c Count) Over() time.Time { return c.Until.Add(time.Hour) }

// mark tells a line from the others of its span.
func (l Line) mark() string {
	h := fnv.New64a()
	h.Write([]byte(l.ID))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
