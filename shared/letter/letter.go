// Package letter is what we write to people: which letters there are, what each has to say, how it is said in four
// languages, and how one goes from queued to sent.
//
// A letter is a record, written in the transaction of whatever it tells about; its address, name and language are read when
// it is sent. It holds facts and no wording, no password and no token. The package sends nothing.
package letter

import (
	"maps"
	"slices"
	"time"

	"opiq/shared/lang"
	"opiq/shared/problem"
)

// ID names a letter by its object and kind: "order/2600012345/confirmation". One that exists is never written again.
type ID string

// Ready is what the queue "mail" carries: a letter that waits to be sent, by its id, and nothing personal.
type Ready struct {
	Letter ID `json:"letter"`
}

// Kind is what a letter is for.
type Kind string

// The kinds.
const (
	Verify            Kind = "verify"
	AccountExists     Kind = "account_exists"
	PasswordReset     Kind = "password_reset"
	PasswordChanged   Kind = "password_changed"
	AccountLeft       Kind = "account_left"
	OrderConfirmation Kind = "order_confirmation"
	PaymentReceipt    Kind = "payment_receipt"
	RefundCase        Kind = "refund_case"
	Invoice           Kind = "invoice"
	InvoiceCopy       Kind = "invoice_copy"
	PaymentReminder   Kind = "payment_reminder"
	PaymentOverdue    Kind = "payment_overdue"
	OrderExpired      Kind = "order_expired"
	PaymentPartial    Kind = "payment_partial"
	PaymentTakenBack  Kind = "payment_taken_back"
	Refund            Kind = "refund"
	RefundDone        Kind = "refund_done"
	RefundFailed      Kind = "refund_failed"
	RefundCaseVoid    Kind = "refund_case_void"
	OrderAnnulled     Kind = "order_annulled"
	LicenseRestored   Kind = "license_restored"
	LicenseActive     Kind = "license_active"
	LicenseEndsSoon   Kind = "license_ends_soon"
	LicenseEnded      Kind = "license_ended"
	ServiceHeld       Kind = "service_held"
	ServiceResumed    Kind = "service_resumed"
	ServiceEnded      Kind = "service_ended"
)

// kind is what a kind of letter needs.
type kind struct {
	facts    []string
	may      []string // facts that may be absent or empty
	link     string   // the fact that its single-use link is about, and
	page     string   // the page that takes the token
	stranger bool     // goes to an address that nobody has proved: it repeats nothing that somebody typed, no name either
	paper    bool     // the invoice goes along,
	again    bool     // and once more while nothing of it is paid: its QR code asks for the whole price
	credit   bool     // the credit invoice goes along, where there is one
	passing  bool     // it is soon no record of anything, and not kept with its address
	moot     bool     // it says nothing to somebody who closed their account
}

// kinds is the list of all letters: a kind that is not in it cannot be written.
var kinds = map[Kind]kind{
	Verify:            {facts: []string{"signup", "expires"}, link: "signup", page: "/signup/verify", stranger: true, passing: true},
	AccountExists:     {passing: true, moot: true},
	PasswordReset:     {facts: []string{"reset", "expires"}, link: "reset", page: "/password/reset", passing: true, moot: true},
	PasswordChanged:   {passing: true, moot: true},
	AccountLeft:       {passing: true},
	OrderConfirmation: {facts: []string{"order", "months", "startsOn", "endsOn", "validThrough", "net", "vat", "gross", "vatRate", "terms", "placedAt"}},
	PaymentReceipt: {
		facts: []string{"order", "months", "net", "vat", "gross", "vatRate", "paidAt", "method", "startsAt", "endsAt", "validThrough", "zone"},
		may:   []string{"bank", "paymentNumber", "askedFor"},
	},
	RefundCase:       {facts: []string{"order", "amount", "reason"}},
	Invoice:          {facts: invoiceFacts, paper: true},
	InvoiceCopy:      {facts: invoiceFacts, paper: true, stranger: true},
	PaymentReminder:  {facts: []string{"order", "invoice", "dueOn", "iban", "reference", "payTo", "open", "received"}, again: true},
	PaymentOverdue:   {facts: []string{"order", "invoice", "dueOn", "iban", "reference", "payTo", "open", "received", "expiresAt"}, again: true},
	OrderExpired:     {facts: []string{"order", "received", "gross", "startsOn", "validThrough"}},
	PaymentPartial:   {facts: []string{"order", "amount", "received", "open", "gross"}, may: []string{"iban", "payTo", "reference"}},
	PaymentTakenBack: {facts: []string{"order", "amount", "open"}, may: []string{"iban", "payTo", "reference", "correction", "hold", "card"}},
	Refund:           {facts: []string{"order", "amount", "reason", "way"}, may: []string{"credit", "effect", "validThrough", "offset", "account"}, credit: true},
	RefundDone:       {facts: []string{"order", "amount", "way"}, may: []string{"account"}},
	RefundFailed:     {facts: []string{"order", "amount", "way"}},
	RefundCaseVoid:   {facts: []string{"order", "amount"}},
	OrderAnnulled:    {facts: []string{"order", "amount", "license"}, may: []string{"credit"}, credit: true},
	LicenseRestored:  {facts: []string{"license", "order", "startsAt", "endsAt", "startsOn", "validThrough", "zone"}, may: []string{"still"}, moot: true},
	LicenseActive:    {facts: []string{"license", "order", "startsAt", "endsAt", "startsOn", "validThrough", "zone"}, moot: true},
	LicenseEndsSoon:  {facts: []string{"license", "order", "startsAt", "endsAt", "startsOn", "validThrough", "zone", "days", "renewOn"}, moot: true},
	LicenseEnded:     {facts: []string{"license", "order", "startsAt", "endsAt", "startsOn", "validThrough", "zone"}, moot: true},
	ServiceHeld:      {facts: []string{"scope", "basis", "since", "reviewOn"}, may: []string{"license", "group"}, moot: true},
	ServiceResumed:   {facts: []string{"scope", "basis", "since"}, may: []string{"license", "group", "still", "left"}, moot: true},
	ServiceEnded:     {facts: []string{"scope", "basis", "since"}, may: []string{"group"}, moot: true},
}

// invoiceFacts are what a letter with a new invoice says.
var invoiceFacts = []string{"order", "invoice", "dueOn", "iban", "reference", "rf", "payTo", "months", "startsOn", "validThrough",
	"net", "vat", "vatRate", "gross", "received", "open"}

// Kinds are all kinds, in alphabetical order.
func Kinds() []Kind { return slices.Sorted(maps.Keys(kinds)) }

// State is how far a letter is.
type State string

// The states. Bounces and complaints come after Sent.
const (
	Queued  State = "queued"
	Sending State = "sending" // somebody has it, until HeldUntil
	Sent    State = "sent"
	Refused State = "refused" // it will never go out, and Reason says why
)

type event string

const (
	taken    event = "taken"
	accepted event = "accepted"
	refused  event = "refused"
)

// moves is how a letter's state changes: a pair that is not here cannot happen.
var moves = map[State]map[event]State{
	Queued:  {taken: Sending},
	Sending: {taken: Sending, accepted: Sent, refused: Refused},
}

// What a letter can refuse.
var (
	ErrHeld = problem.New(problem.Conflict, "letter_held", "Somebody else is sending this letter just now.")
	ErrMove = problem.New(problem.Conflict, "letter_state", "The letter's state does not allow this.")
)

// Letter is one letter to one person. Facts are texts by fixed names: money in cents, dates in ISO 8601, instants in RFC
// 3339. Revision counts its stored changes.
type Letter struct {
	ID      ID     `json:"id"`
	Kind    Kind   `json:"letter"`
	Account string `json:"account,omitempty"` // whose address, name and language are read at sending

	// Where there is no account yet: to whom.
	To       string    `json:"to,omitempty"`
	Language lang.Code `json:"language,omitempty"`

	Facts     map[string]string `json:"facts,omitempty"`
	State     State             `json:"state"` // empty is queued
	CreatedAt time.Time         `json:"createdAt"`
	HeldUntil time.Time         `json:"heldUntil,omitzero"` // see Sending
	Outcome   Outcome           `json:"outcome,omitzero"`
	Nudged    int               `json:"nudged,omitempty"` // how often it was queued again
	Revision  int               `json:"revision"`
}

// Outcome is the record of how a letter ended.
type Outcome struct {
	At       time.Time `json:"at"`
	To       string    `json:"to,omitempty"`       // the address it went to
	Language lang.Code `json:"language,omitempty"` // in which it went
	Wording  string    `json:"wording,omitempty"`  // SHA-256 of the text that went
	SES      string    `json:"ses,omitempty"`      // message id
	Reason   string    `json:"reason,omitempty"`   // why it never went
}

// Recipient is a person to write to.
type Recipient struct {
	Address  string
	Name     string
	Language lang.Code
	Stopped  bool // the service is stopped for them: no letter promises works, or that they may buy
	Left     bool // they closed their account: letters about money still go to them, until their address is erased
}

// Recipient is to whom the letter goes where it names no account.
func (l Letter) Recipient() Recipient { return Recipient{Address: l.To, Language: l.Language} }

// Done tells whether nothing is left to do for the letter.
func (l Letter) Done() bool { return len(moves[l.state()]) == 0 }

func (l Letter) state() State {
	if l.State == "" {
		return Queued
	}
	return l.State
}

func (l Letter) on(e event) (Letter, error) {
	to, ok := moves[l.state()][e]
	if !ok {
		return l, ErrMove
	}
	l.State, l.HeldUntil = to, time.Time{}
	return l, nil
}

// Take is the letter in the hands of one sender for the length of a lease; ErrHeld while another's has not ended.
func (l Letter) Take(now time.Time, lease time.Duration) (Letter, error) {
	if l.State == Sending && now.Before(l.HeldUntil) {
		return l, ErrHeld
	}
	l, err := l.on(taken)
	l.HeldUntil = now.UTC().Add(lease)
	return l, err
}

// Accept is the letter after SES took it.
func (l Letter) Accept(now time.Time, to Recipient, m Message, ses string) (Letter, error) {
	l, err := l.on(accepted)
	l.Outcome = Outcome{At: now.UTC(), To: to.Address, Language: to.Language, Wording: m.SHA256(), SES: ses}
	return l, err
}

// Refuse is the letter after it became plain that it will never go out.
func (l Letter) Refuse(now time.Time, to Recipient, reason string) (Letter, error) {
	l, err := l.on(refused)
	l.Outcome = Outcome{At: now.UTC(), To: to.Address, Language: to.Language, Reason: reason}
	return l, err
}

// Expires is the end of the letter's link; zero where it has none.
func (l Letter) Expires() time.Time {
	t, err := time.Parse(time.RFC3339, l.Facts["expires"])
	if err != nil {
		return time.Time{}
	}
	return t
}

// Paper is the number of the invoice that goes along with the letter; "" where none does.
func (l Letter) Paper() string {
	k, received := kinds[l.Kind], l.Facts["received"]
	if k.paper || k.again && (received == "" || received == "0") {
		return l.Facts["invoice"]
	}
	return ""
}

// Credit is the number of the credit invoice that goes along with the letter; "" where none does.
func (l Letter) Credit() string {
	if !kinds[l.Kind].credit {
		return ""
	}
	return l.Facts["credit"]
}

// Link is what the letter's single-use link is about; "" where it has none.
func (l Letter) Link() string { return l.Facts[kinds[l.Kind].link] }

// Passing tells whether the letter is not kept for long: it is about an address that nobody has proved, a password, or an account that ended.
func (l Letter) Passing() bool { return kinds[l.Kind].passing }

// Moot tells whether the letter says nothing any more to whom it is for.
func (l Letter) Moot(to Recipient) bool { return to.Left && kinds[l.Kind].moot }
