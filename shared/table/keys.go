package table

import (
	"time"

	"opiq/shared/account"
	"opiq/shared/banklink"
	"opiq/shared/letter"
	"opiq/shared/license"
	"opiq/shared/order"
	"opiq/shared/payment"
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

// caseKey is money that goes back.
func caseKey(n order.Number, p payment.ID) key { return key{orderPartition(n), "CASE#" + string(p)} }

// refusedKey is a notice that did not fit, once however often it comes.
func refusedKey(b banklink.Bank, notice string) key {
	return key{"REFUSED#" + string(b), digest(notice)}
}

// letterKey is a letter, once per object and kind.
func letterKey(id letter.ID) key { return key{"LETTER#" + string(id), "LETTER"} }

// instant is a time as sort keys hold it: UTC, to the second, so that the order of text is the order of time.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }
