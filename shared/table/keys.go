package table

import (
	"strconv"
	"time"

	"opiq/shared/account"
	"opiq/shared/activity"
	"opiq/shared/catalog"
	"opiq/shared/everypay"
	"opiq/shared/hold"
	"opiq/shared/intake"
	"opiq/shared/invoice"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/money"
	"opiq/shared/order"
	"opiq/shared/payment"
	"opiq/shared/payout"
	"opiq/shared/reading"
	"opiq/shared/reconciliation"
	"opiq/shared/takedown"
)

// accessPrefix begins the sort keys of all that an access decision needs.
const accessPrefix = "A#"

func accountPartition(id account.ID) string { return "ACCOUNT#" + string(id) }

// accountKey is a person, with their sessions.
func accountKey(id account.ID) key { return key{accountPartition(id), accessPrefix + "ACCOUNT"} }

// licenseKey is a license, beside its owner.
func licenseKey(id account.ID, l license.ID) key {
	return key{accountPartition(id), accessPrefix + "LICENSE#" + string(l)}
}

const placedPrefix = "O#"

// placedKey lists an order among its buyer's, in the order of placing.
func placedKey(id account.ID, at time.Time, n order.Number) key {
	return key{accountPartition(id), placedPrefix + instant(at) + "#" + string(n)}
}

// readKey counts what an account reads, beside all else that an access decision needs.
func readKey(id account.ID) key { return key{accountPartition(id), accessPrefix + "READ"} }

const placePrefix = "R#"

// placeKey is what is kept of somebody's reading in a work.
func placeKey(id account.ID, w catalog.WorkID) key {
	return key{accountPartition(id), placePrefix + string(w)}
}

func notePrefix(w catalog.WorkID) string { return "N#" + string(w) + "#" }

// noteKey is a note, beside the others of its work.
func noteKey(id account.ID, n reading.Note) key {
	return key{accountPartition(id), notePrefix(n.Work) + string(n.ID)}
}

// lineKey is a line of the activity log: a person's among all that is theirs, anybody's in a partition of its day; in the order of time.
func lineKey(l activity.Line) key {
	if l.Anonymous() {
		return key{"VIEWS#" + l.At.UTC().Format(time.DateOnly), instant(l.At) + "#" + l.ID}
	}
	return key{accountPartition(l.Account), "L#" + instant(l.At) + "#" + l.ID}
}

// traces begin the sort keys of what is nobody's business once an account is closed: places, notes and the log of what was read.
var traces = []string{placePrefix, "N#", "L#"}

// addressKey says whose an address is, once.
func addressKey(a account.Address) key { return key{"ADDRESS#" + a.Hash(), "ADDRESS"} }

func signUpPartition(addressHash string) string { return "SIGNUP#" + addressHash }

// signUpKey is a registration that waits, beside the others of its address.
func signUpKey(id account.SignUpID) key {
	address, own := id.Split()
	return key{signUpPartition(address), "SIGNUP#" + own}
}

// triesKey counts what is tried under a name.
func triesKey(name string) key { return key{"TRIES#" + digest(name), "TRIES"} }

// keyKey is a machine's key, by the hash of its secret.
func keyKey(id account.KeyID) key { return key{"KEY#" + string(id), "KEY"} }

// actKey is a line of the audit trail: a month is a partition, in the order of time.
func actKey(a account.Act, id string) key {
	return key{"ACTS#" + a.At.UTC().Format("2006-01"), instant(a.At) + "#" + id}
}

// shelfPartition is what staff have set for everybody.
const shelfPartition = "SHELF"

// changeKey is what staff changed of a work.
func changeKey(w catalog.WorkID) key { return key{shelfPartition, "WORK#" + string(w)} }

// groupKey is a group of people that is or was on hold.
func groupKey(id string) key { return key{shelfPartition, "GROUP#" + id} }

// pricesKey is a price list, by its first day.
func pricesKey(l catalog.List) key { return key{shelfPartition, "PRICES#" + l.Version()} }

// takedownKey is a report about a work.
func takedownKey(r takedown.ID) key { return key{"TAKEDOWN#" + string(r), "TAKEDOWN"} }

// holdKey is all about a hold that staff placed.
func holdKey(id hold.ID) key { return key{"HOLD#" + string(id), "HOLD"} }

// memberKey says that a person is in a group, or was.
func memberKey(id account.ID, g account.GroupID) key {
	return key{accountPartition(id), "M#" + string(g)}
}

func orderPartition(n order.Number) string { return "ORDER#" + string(n) }

// orderKey is an order; all that happens to it stands in its partition.
func orderKey(n order.Number) key { return key{orderPartition(n), "ORDER"} }

// attemptKey is one try to pay an order.
func attemptKey(n order.Number, a order.AttemptID) key {
	return key{orderPartition(n), "ATTEMPT#" + string(a)}
}

// paymentKey is money that came for an order, once.
func paymentKey(n order.Number, p payment.ID) key {
	return key{orderPartition(n), "PAYMENT#" + string(p)}
}

// cardKey says whose a payment at the card provider is, once.
func cardKey(r everypay.Reference) key { return key{"CARD#" + string(r), "CARD"} }

// refundKey is money on its way back.
func refundKey(n order.Number, r payment.RefundID) key {
	return key{orderPartition(n), "REFUND#" + string(r)}
}

// payoutKey is a file of transfers for our bank.
func payoutKey(p payout.ID) key { return key{"PAYOUT#" + string(p), "PAYOUT"} }

// caseKey is money that goes back.
func caseKey(n order.Number, p payment.ID) key { return key{orderPartition(n), "CASE#" + string(p)} }

// invoiceKey is the invoice of an order, beside it.
func invoiceKey(n order.Number, i invoice.Number) key {
	return key{orderPartition(n), "INVOICE#" + string(i)}
}

// creditKey is a credit invoice of an order, beside it.
func creditKey(n order.Number, i invoice.Number) key {
	return key{orderPartition(n), "CREDIT#" + string(i)}
}

// numberedKey says whose an invoice's number is, once.
func numberedKey(i invoice.Number) key { return key{"INVOICE#" + string(i), "INVOICE"} }

// seriesKey is the last number of a year's invoices.
func seriesKey(year int) key { return key{"SERIES#" + strconv.Itoa(year), "SERIES"} }

// entryKey is a bank entry: the booking itself, or a part of it.
func entryKey(id reconciliation.ID) key {
	booking, part := id.Split()
	if part == "" {
		return bookingKey(booking)
	}
	return key{"BOOKING#" + booking, "PART#" + part}
}

// bookingKey is a booking of the bank, once: the entry, or how many parts it was broken down into.
func bookingKey(booking string) key { return key{"BOOKING#" + booking, "BOOKING"} }

// statementKey is the import of a bank statement.
func statementKey(id intake.ID) key { return key{"STATEMENT#" + string(id), "STATEMENT"} }

// The lists of the index of that name.

// openList are the orders with an invoice of which so much is left to pay.
func openList(left money.Amount) string { return "open#" + left.Cents() }

// payerList are the payments from an account.
func payerList(iban string) string { return "payer#" + digest(iban) }

// caseList are the cases of a state.
func caseList(s payment.CaseState) string { return "case#" + string(s) }

// refundList are the refunds of a state.
func refundList(s payment.RefundState) string { return "refund#" + string(s) }

// entryList are the bank entries of a state.
func entryList(s reconciliation.State) string { return "entry#" + string(s) }

// takedownList are the reports about works of a state.
func takedownList(s takedown.State) string { return "takedown#" + string(s) }

// holdList are the holds of a state.
func holdList(s hold.State) string { return "hold#" + string(s) }

// groupList are the people in a group.
func groupList(g account.GroupID) string { return "group#" + string(g) }

// refusedKey is a notice that did not fit, once however often it comes.
func refusedKey(from, notice string) key { return key{"REFUSED#" + from, digest(notice)} }

// letterKey is a letter, once per object and kind.
func letterKey(id letter.ID) key { return key{"LETTER#" + string(id), "LETTER"} }

// instant is a time as sort keys hold it: UTC, to the second, so that the order of text is the order of time.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }
