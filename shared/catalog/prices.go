package catalog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"opiq/shared/account"
	"opiq/shared/civil"
	"opiq/shared/money"
	"opiq/shared/problem"
)

// PricesSet is the deed of staff who set a price list, or change one before its day.
const PricesSet account.Deed = "prices_set"

// Why no price list is set.
var (
	ErrListBegun   = problem.New(problem.Conflict, "price_list_begun", "A price list is set and changed before its first day. Later prices are a list of a later day.")
	ErrListUnknown = problem.New(problem.NotFound, "unknown_price_list", "A price list has the name of its first day: 2027-09-01.")
)

// What a plan may be.
const (
	maxMonths  = 36
	maxNet     = money.Amount(10_000_00) // more is a slip of the hand
	maxReminds = 5
	maxRemind  = 60
	shortMonth = 28 // days
)

// Pricing is a price list as staff set it. Revision is that of the list as they read it; 0 where there was none.
type Pricing struct {
	Plans    []Plan `json:"plans"`
	Revision int    `json:"revision"`
}

// Check names every wrong field.
func (p *Pricing) Check() (wrong []problem.Field) {
	if len(p.Plans) == 0 {
		wrong = append(wrong, problem.Field{Pointer: "/plans", Code: "required", Detail: "A price list has a plan at least."})
	}
	for i, plan := range p.Plans {
		refuse := func(field, code, detail string) {
			wrong = append(wrong, problem.Field{Pointer: fmt.Sprintf("/plans/%d/%s", i, field), Code: code, Detail: detail})
		}
		if plan.Months < 1 || plan.Months > maxMonths {
			refuse("months", "out_of_range", fmt.Sprintf("A license has from 1 to %d months.", maxMonths))
		}
		if plan.Net <= 0 || plan.Net > maxNet {
			refuse("net", "out_of_range", "A plan costs a cent at least, and at most "+maxNet.String()+" euro.")
		}
		if i > 0 && plan.Months <= p.Plans[i-1].Months {
			refuse("months", "not_rising", "Every plan is longer than the one before it.")
		}
		if i > 0 && plan.Net < p.Plans[i-1].Net {
			refuse("net", "cheaper", "A longer plan costs no less than a shorter one.")
		}
		if !plan.reminds() {
			refuse("remind", "reminders", fmt.Sprintf("At most %d days before the end, each less than the one before it, from %d to 1, and all while the license runs.", maxReminds, maxRemind))
		}
	}
	return wrong
}

// reminds tells whether the plan says its reminders, which may be none, and they are days of the license, falling.
func (p Plan) reminds() bool {
	before := min(maxRemind+1, max(p.Months, 1)*shortMonth)
	for _, days := range p.Remind {
		if days < 1 || days >= before {
			return false
		}
		before = days
	}
	return p.Remind != nil && len(p.Remind) <= maxReminds
}

// Reprice is the price list of a day after staff have set it, and the act of it. News is false where it is so already.
func (s Shelf) Reprice(from civil.Date, p Pricing, by account.Actor, now time.Time) (l List, a account.Act, news bool, err error) {
	l = List{ValidFrom: from}
	for _, other := range s.Lists {
		if other.ValidFrom == from {
			l = other
		}
	}
	switch {
	case l.Revision > 0 && slices.EqualFunc(l.Plans, p.Plans, Plan.equal):
		return l, a, false, nil
	case !civil.DateOf(now, civil.Tallinn).Before(from):
		return l, a, false, ErrListBegun
	case l.Revision != p.Revision:
		return l, a, false, ErrRevision
	}
	before := l.text()
	l.Plans = p.Plans
	detail := map[string]string{"plans": l.text()}
	if before != "" {
		detail["before"] = before
	}
	return l, account.Act{At: now.UTC(), Actor: by.String(), What: PricesSet, Object: "prices:" + l.Version(), Detail: detail}, true, nil
}

func (p Plan) equal(o Plan) bool {
	return p.Months == o.Months && p.Net == o.Net && slices.Equal(p.Remind, o.Remind)
}

// text is the list in a line: "1: 4.00 (14 3), 12: 35.00 (30 14 3)".
func (l List) text() string {
	var all []string
	for _, p := range l.Plans {
		var days []string
		for _, d := range p.Remind {
			days = append(days, strconv.Itoa(d))
		}
		all = append(all, fmt.Sprintf("%d: %s (%s)", p.Months, p.Net, strings.Join(days, " ")))
	}
	return strings.Join(all, ", ")
}

// ListDocument is a price list as staff see it.
type ListDocument struct {
	List
	Source  string `json:"source"`  // "program", or "staff" who set it
	InForce bool   `json:"inForce"` // today
	Open    bool   `json:"open"`    // its day is ahead: it can be changed
}

// ListDocuments are all price lists as staff see them, by their days; where the program and staff have one for the same day, staff's
// comes later, and holds.
func (s Shelf) ListDocuments(today civil.Date) (all []ListDocument) {
	for _, l := range lists {
		all = append(all, s.document(l, "program", today))
	}
	for _, l := range s.Lists {
		all = append(all, s.document(l, "staff", today))
	}
	slices.SortStableFunc(all, func(a, b ListDocument) int { return strings.Compare(a.Version(), b.Version()) })
	return all
}

func (s Shelf) document(l List, source string, today civil.Date) ListDocument {
	in := s.PlansOn(today)
	return ListDocument{l, source, l.ValidFrom == in.ValidFrom && l.Revision == in.Revision, today.Before(l.ValidFrom)}
}

// ListDocument is the price list of a day that staff have set, as they see it.
func (s Shelf) ListDocument(l List, today civil.Date) ListDocument {
	return s.document(l, "staff", today)
}
