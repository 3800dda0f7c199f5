package browser

import (
	"testing"
	"time"

	"opiq/local/run"
	"opiq/local/story"
)

// employed lets somebody of the staff sit down, signed in.
func employed(t *testing.T, s *story.Shop, who run.Person) *tab {
	t.Helper()
	b := sits(s.Employee(t, who), desk)
	b.brings()
	return b
}

// TestStaffFindOutWhatMoneyWasFor: a transfer with a wrong reference waits, is given to its order, and pays it.
func TestStaffFindOutWhatMoneyWasFor(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	o := p.Owes()
	s.Happens(t, "wrong_reference", o.Number)
	b := employed(t, s, s.Staff.In("finance"))
	b.until(func() string { // a bank entry is matched in a while
		b.goes("/staff/entries")
		if !b.hasText(o.Number) {
			return "the entry does not wait"
		}
		return ""
	})
	entry := js[string](b, `[...document.querySelectorAll("tr, li")].filter((r) => r.textContent.includes("`+o.Number+`")).map((r) => r.querySelector("a[href*='/staff/entries/']").getAttribute("href"))[0]`)
	b.goes(entry)
	b.presses("staff-entry.take")
	b.types("staff-entry.reason", "The last digit was mistyped.")
	b.presses("staff-entry.decide")
	b.sees("staff-entry.decided")
	b.seesText("The last digit was mistyped.")
	p.Paid(o.Number)
	buyer := sits(p, phone)
	buyer.brings()
	buyer.goes("/orders/" + o.Number)
	buyer.sees("order.paid")
}

// TestStaffGiveMoneyBack: found by the buyer's address, and the buyer's page says how it comes.
func TestStaffGiveMoneyBack(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	o := p.Order(12, story.Today())
	p.Does(p.Card(o.Number), "outcome=settled")
	p.Paid(o.Number)
	b := employed(t, s, s.Staff.In("finance"))
	b.goes("/staff/orders")
	b.types("staff-orders.find", p.Email)
	b.do(enter())
	b.seesText(o.Number)
	b.pressesNamed(o.Number)
	b.at("/staff/orders/" + o.Number)
	b.chooses("staff-order.reason", "agreed")
	b.sees("staff-order.effect_annulled")
	b.types("staff-order.note", "The family moves abroad.")
	b.presses("staff-order.give_back")
	b.sees("staff-order.given")
	p.Becomes(o.Number, 20*time.Second, func(o story.OrderPage) bool { return len(o.Refunds) == 1 && o.Refunds[0].State == "done" })
	buyer := sits(p, phone)
	buyer.brings()
	buyer.goes("/orders/" + o.Number)
	buyer.sees("order.annulled")
	buyer.sees("order.refund_done")
}

// TestSupportStopsTheServiceAndLetsItGoOn for a person who is found by their address; meanwhile the person reads why.
func TestSupportStopsTheServiceAndLetsItGoOn(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	b := employed(t, s, s.Staff.In("support"))
	b.goes("/staff/holds")
	b.types("staff-holds.email", p.Email)
	b.do(enter())
	b.seesText(p.Email)
	b.presses("staff-holds.stop")
	b.chooses("staff.basis", "unacceptable")
	b.types("staff.review_on", story.Today().AddDays(14).String())
	b.types("staff.evidence", "ticket 18")
	b.presses("staff.place")
	b.at("/staff/holds/*")
	b.sees("staff.hold_was_placed")
	reader := sits(p, phone)
	reader.brings()
	reader.goes("/account")
	reader.sees("account.held")
	reader.sees("holds.unacceptable")
	b.presses("staff-hold.lift") // opens
	b.types("staff-hold.reason", "They said sorry.")
	b.presses("staff-hold.lift")
	b.sees("staff-hold.lifted")
	reader.reload()
	reader.until(func() string {
		if reader.hasText(reader.plainly("holds.unacceptable")) {
			return "the service is still on hold"
		}
		return ""
	})
}

// TestWhoDecidesSecondSeesWhatTheFirstDecided: of two people, or of one with two tabs.
func TestWhoDecidesSecondSeesWhatTheFirstDecided(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	o := p.Owes()
	s.Happens(t, "wrong_reference", o.Number)
	first := employed(t, s, s.Staff.In("finance"))
	first.until(func() string {
		first.goes("/staff/entries")
		if !first.hasText(o.Number) {
			return "the entry does not wait"
		}
		return ""
	})
	entry := js[string](first, `[...document.querySelectorAll("tr")].find((r) => r.textContent.includes("`+o.Number+`")).querySelector("a[href*='/staff/entries/']").getAttribute("href")`)
	first.goes(entry)
	second := first.another()
	second.goes(entry)
	first.presses("staff-entry.take")
	first.types("staff-entry.reason", "The last digit was mistyped.")
	first.presses("staff-entry.decide")
	first.sees("staff-entry.decided")
	second.ticks("staff-entry.ignore")
	second.types("staff-entry.reason", "It is not ours.")
	second.presses("staff-entry.decide")
	second.sees("staff-problems.entry_decided")
	second.seesText("The last digit was mistyped.")
}

// TestSupportKeepsWhoIsOfASchool: somebody joins it and leaves it.
func TestSupportKeepsWhoIsOfASchool(t *testing.T) {
	s := story.Shared(t)
	p := s.Member(t)
	b := employed(t, s, s.Staff.In("support"))
	b.goes("/staff/holds")
	b.types("staff-holds.email", p.Email)
	b.do(enter())
	b.presses("staff-holds.join")
	b.types("staff-holds.group", "75000009")
	b.presses("staff-holds.add")
	b.sees("staff-problems.group_not_found")
	b.types("staff-holds.group", "school:75000009")
	b.presses("staff-holds.add")
	b.sees("staff-holds.joined")
	b.seesText("75000009")
	b.presses("staff-holds.leave_which")
	b.sees("staff-holds.left")
}
