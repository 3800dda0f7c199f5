// Package table is the edge to DynamoDB: one table, and the only package that knows what its keys look like.
//
// # Items
//
// An item is a value of the trade under its json names, with PK, SK, a kind, a revision and the mark of the commit that wrote
// it beside it.
//
//	PK                    SK                    kind     holds                          written by
//	ACCOUNT#<account>     A#ACCOUNT             account  account.Account, its sessions  signup, session, account, staff, holds; payment-janitor
//	                      A#LICENSE#<license>   license  license.License                whatever moves money; license-clock, payment-janitor
//	                      A#READ                tries    activity.Count                 activity                            (expires)
//	                      M#<group>             member   account.Member                 holds
//	                      O#<instant>#<order>   placed   the order's number             checkout
//	                      R#<work>              place    reading.Place                  activity, marks
//	                      N#<work>#<note>       note     reading.Note                   marks                               (expires, where it was removed)
//	                      L#<instant>#<line>    activity activity.Line                  activity                            (expires)
//	VIEWS#<day>           <instant>#<line>      activity activity.Line about nobody     activity                            (expires)
//	ADDRESS#<hash>        ADDRESS               address  whose address this is          signup, staff, account          (expires, where it is nobody's again)
//	SIGNUP#<address hash> SIGNUP#<number>       signup   account.SignUp                 signup                              (expires)
//	TRIES#<hash>          TRIES                 tries    account.Tries, activity.Count  session, signup, account, checkout, takedown-reports, activity  (expires)
//	KEY#<hash of secret>  KEY                   key      account.Key                    staff
//	ACTS#<month>          <instant>#<digest>    act      account.Act                    whoever's deed it is, with what it tells of
//	SHELF                 WORK#<work>           work     catalog.Change                 works, holds
//	                      GROUP#<group>         group    catalog.Group                  holds
//	                      PRICES#<day>          prices   catalog.List                   works
//	TAKEDOWN#<report>     TAKEDOWN              takedown takedown.Report                takedown-reports, works             (expires, once it is decided)
//	HOLD#<hold>           HOLD                  hold     hold.Record                    holds, account; license-clock, works
//	ORDER#<order>         ORDER                 order    order.Order                    checkout, orders, payment-janitor, whatever moves money
//	                      ATTEMPT#<attempt>     attempt  order.Attempt                  checkout, payment-settlement, card-settlement
//	                      INVOICE#<number>      invoice  invoice.Invoice                checkout
//	                      CREDIT#<number>       credit   invoice.Credit                 refunds
//	                      PAYMENT#<payment>     payment  payment.Payment                whatever moves money
//	                      CASE#<payment>        case     payment.Case                   whatever moves money
//	                      REFUND#<refund>       refund   payment.Refund                 refunds; card-settlement, invoice-matching, reconciliation
//	PAYOUT#<payout>       PAYOUT                payout   payout.Payout                  refunds
//	CARD#<reference>      CARD                  card     whose payment at the card      checkout
//	                                                     provider this is
//	INVOICE#<number>      INVOICE               numbered whose order it is              checkout, refunds
//	SERIES#<year>         SERIES                series   the year's last number         checkout, refunds
//	BOOKING#<booking>     BOOKING               entry    reconciliation.Entry           statement-import, statement-intake, invoice-matching, reconciliation
//	                      BOOKING               booking  into how many parts it is      statement-import, statement-intake
//	                      PART#<part>           entry    a part, or a payment whose     as an entry
//	                                                     identity is another's
//	STATEMENT#<statement> STATEMENT             statement intake.Import                 statement-import, statement-intake
//	REFUSED#<bank>        <digest>              refused  payment.Refused                payment-settlement; card-settlement, of bank "card"
//	LETTER#<letter>       LETTER                mail     letter.Letter                  whoever it follows from; email-receipts  (expires, if it is no record: letter.Passing)
//
// What moves money is payment-settlement, card-settlement, invoice-matching, reconciliation, refunds, and orders and payment-janitor where
// they give back. What is stuck payment-janitor writes again as it is, but for how often it did: an attempt, a refund, an entry, a
// statement, a letter.
//
// What a browser waits for is one round trip: the cookie names the account, so that A# of one partition answers who is
// signed in and what they may open, and ORDER# of another all about an order. SHELF is read whole: with all 300 works changed that is
// 40 kB and 11 read units; 5.5 for those who only look (Window), once in five seconds and process.
// (go test ./shared/table -run '^$' -bench Shelf)
//
// # Uniqueness
//
// An address, an order's number, a payment, a license of an order and a letter of its kind are unique because each is the key
// of an item that is put only where there is none.
//
// # Closing
//
// Closing an account is one write of it, without password, sessions and roles, and the address is free. It is due then: a minute later
// payment-janitor ends its orders, and after 14 days it writes items of kind erased, which hold nothing and expire, over places, notes and the
// log of what was read, a thousand at a time, and then takes address and name out of the account. Orders, payments, invoices, licenses and the
// letters about them stay, and so does the name where books are made out to it.
//
// # Writing
//
// The only write is a put under a condition: that there is no such item (revision 0), or that it is still at the revision
// at which it was read. There is no unconditional write, no update in place and no deletion; what no longer counts says so
// and, where nobody will ask for it again, carries expires (TTL). TTL decides nothing.
//
// # Indexes
//
// due (sparse): partition due = kind and shard, sort dueAt = instant and id. It lists what has a next moment: licenses, holds
// of groups whose members are to be told, orders that nobody has paid, paid orders that nobody has looked at since, closed accounts, and under the kind "stuck" whatever waits for a queue, from when that
// is too long: letters that are not sent, bank entries that are to be matched, imports that have not ended, refunds that the card
// provider is to make, and card payments of which nobody knows how they ended.
//
// listed (sparse): partition list, sort listAt. It lists bank entries, cases, refunds and reports about works by their state, holds by
// state and review, the people in a group, orders with an invoice by what is left to pay, and payments by the account that they came from.
//
// An index is never consistent: what it lists is decided again by the condition of the write.
//
// # The stream
//
// An inserted item of kind mail is a letter to be sent, of kind entry money to be matched, of kind statement a file to be read, of
// kind refund with way card money that the card provider is to give back: the stream's consumer (dispatch) puts its id on the queue
// of its kind. So it does with a statement that was changed and is still to be read: a call came some way; with an entry that is to
// be matched again; and with any item whose nudged has grown: it was stuck. A nudged attempt goes to the cards, by the reference of
// its payment; an inserted one is nobody's business yet.
package table
