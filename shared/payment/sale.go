package payment

import (
	"time"

	"opiq/shared/account"
	"opiq/shared/order"
)

// SaleSeen is the deed of staff who look at an order and at who placed it.
const SaleSeen account.Deed = "order_seen"

// Sale is an order as people see it who look after its buyer: as the buyer does, with who that is and all that happened to it. Accounts
// that money came from are not in it: those have a right of their own, and a Dossier.
type Sale struct {
	order.Document
	Buyer   BuyerDocument    `json:"buyer"`
	History []order.Happened `json:"history"`
}

// BuyerDocument is who placed an order.
type BuyerDocument struct {
	Account   account.ID      `json:"account"`
	Email     account.Address `json:"email"`
	FirstName string          `json:"firstName"`
	LastName  string          `json:"lastName"`
}

// Sale is the order with its buyer.
func (b Book) Sale(buyer account.Account, now time.Time) Sale {
	return Sale{b.Document(now), BuyerDocument{buyer.ID, buyer.Address, buyer.FirstName, buyer.LastName}, b.Order.History}
}

// Seen is the line of the audit trail about somebody who looked at the order.
func (b Book) Seen(by account.Actor, now time.Time) account.Act {
	return account.Act{At: now.UTC(), Actor: by.String(), What: SaleSeen, Object: "order:" + string(b.Order.Number)}
}
