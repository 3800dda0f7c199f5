// Package table is the edge to DynamoDB: one table, and the only package that knows what its keys look like.
//
// # Items
//
// An item is a value of the trade under its json names, with PK, SK, a kind, a revision and the mark of the commit that wrote
// it beside it.
//
//	PK                    SK                    kind     holds                          written by
//	ACCOUNT#<account>     A#ACCOUNT             account  account.Account, its sessions  signup, session, account
//	                      A#LICENSE#<license>   license  license.License                payment-settlement, license-activation, license-expiry
//	                      O#<instant>#<order>   placed   the order's number             checkout
//	ADDRESS#<hash>        ADDRESS               address  whose address this is          signup
//	SIGNUP#<address hash> SIGNUP#<number>       signup   account.SignUp                 signup                              (expires)
//	TRIES#<hash>          TRIES                 tries    account.Tries                  session, signup, account            (expires)
//	ORDER#<order>         ORDER                 order    order.Order                    checkout, orders, payment-settlement
//	                      ATTEMPT#<attempt>     attempt  order.Attempt                  checkout, payment-settlement
//	                      PAYMENT#<payment>     payment  payment.Payment                payment-settlement
//	                      CASE#<payment>        case     payment.Case                   payment-settlement
//	REFUSED#<bank>        <digest>              refused  payment.Refused                payment-settlement
//	LETTER#<letter>       LETTER                mail     letter.Letter                  whoever it follows from; email-receipts  (expires, if to nobody's account)
//
// What a browser waits for is one round trip: the cookie names the account, so that A# of one partition answers who is
// signed in and what they may open, and ORDER# of another all about an order.
//
// # Uniqueness
//
// An address, an order's number, a payment, a license of an order and a letter of its kind are unique because each is the key
// of an item that is put only where there is none.
//
// # Writing
//
// The only write is a put under a condition: that there is no such item (revision 0), or that it is still at the revision
// at which it was read. There is no unconditional write, no update in place and no deletion; what no longer counts says so
// and, where nobody will ask for it again, carries expires (TTL). TTL decides nothing.
//
// # Indexes
//
// due (sparse): partition due = kind and shard, sort dueAt = instant and id. It lists licenses that have a next moment. An
// index is never consistent: what it lists is decided again by the condition of the write.
//
// # The stream
//
// An inserted item of kind mail is a letter to be sent: the stream's consumer (dispatch) puts its id on the queue.
package table
