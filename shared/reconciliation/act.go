package reconciliation

import (
	"strings"
	"time"

	"opiq/shared/account"
)

// EntryDecided is the deed of a person, or of a program of theirs, who decides about an entry.
const EntryDecided account.Deed = "entry_decided"

// Act is the line of the audit trail about a decision: what was made of the entry as it was before.
func (d Decision) Act(before Entry, o Outcome, by account.Actor, now time.Time) account.Act {
	after := o.Entry
	subject := after
	if d.Undo {
		subject = before
	}
	detail := map[string]string{"what": after.History[len(after.History)-1].What, "before": string(before.State), "after": string(after.State)}
	var orders []string
	for _, a := range subject.Allocations {
		orders = append(orders, string(a.Order)+" "+a.Amount.String())
	}
	if len(orders) > 0 {
		detail["orders"] = strings.Join(orders, ", ")
	}
	if subject.Remainder > 0 {
		detail["remainder"] = subject.Remainder.String()
	}
	return account.Act{
		At: now.UTC(), Actor: by.String(), What: EntryDecided, Object: "entry:" + string(before.ID), Reason: strings.TrimSpace(d.Reason), Detail: detail,
	}
}
