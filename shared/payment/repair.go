package payment

import (
	"slices"
	"time"

	"opiq/shared/letter"
	"opiq/shared/order"
)

// Check is a paid order some time after its payment, as checked, with all that must have been written by then: its license, where
// the book is without, and the letters. Not ok is one that there is nothing to check of.
func (b Book) Check(now time.Time) (c Change, ok bool) {
	if at, waits := b.Order.Checks(); !waits || now.Before(at) {
		return Change{}, false
	}
	o, err := b.Order.Check(now)
	if err != nil {
		return Change{}, false
	}
	c.Order = &o
	if first, p := b.bought(); b.License == nil {
		c.grant(p, first, now)
	} else {
		c.Letters = append([]letter.Letter{receipt(first, p, *b.License)}, b.License.Letters()...)
	}
	for i := range c.Letters {
		c.Letters[i].CreatedAt = now.UTC() // one that is written again is as new as any
	}
	return c, true
}

// bought is the order as it was when it was paid for the first time, and the payment that did it: by these it got its license.
func (b Book) bought() (o order.Order, p Payment) {
	o = b.Order
	i := slices.IndexFunc(o.History, func(h order.Happened) bool { return h.Event == order.WasPaid })
	o.PaidAt = o.History[i].At
	for _, q := range b.Payments {
		if string(q.ID) == o.History[i].By {
			p = q
		}
	}
	return o, p
}

// Missing is the change without the letters that there are, and what was missing: "license", and letters by their kinds.
func (c Change) Missing(written map[letter.ID]bool) (_ Change, what []string) {
	if c.License != nil {
		what = append(what, "license")
	}
	c.Letters = slices.DeleteFunc(slices.Clone(c.Letters), func(l letter.Letter) bool { return written[l.ID] })
	for _, l := range c.Letters {
		what = append(what, string(l.Kind))
	}
	return c, what
}
