package statement

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"opiq/shared/civil"
	"opiq/shared/money"
)

// raw is an entry while it is read: texts, as written.
type raw struct {
	at      Position
	wrong   string // code of the problem
	dropped bool   // too large: nothing more of it is kept

	amount, currency, direction, reversal, status, booked, valued string
	ref, bankRef, info                                            string
	code                                                          Code
	instructed                                                    Original
	stated                                                        int // transactions, by the bank's count
	parts                                                         []transaction
}

// transaction is one TxDtls.
type transaction struct {
	bankRef, endToEnd, payment, order string
	direction                         string
	amount, moved, instructed         Original
	debtor, creditor                  party
	onBehalf                          string
	refs, words                       []string
	info                              string
	returned                          bool
	reason                            string
}

type party struct {
	name, account, registry string
	id, scheme              string // of the Othr that is being read
}

// endID keeps the register code of an organization: the one that says it is one, else the one that says nothing.
func (p *party) endID() {
	if p.scheme == "COID" || p.scheme == "" && p.registry == "" {
		p.registry = p.id
	}
}

func (e *raw) reset(at Position) { *e = raw{at: at, parts: emptied(e.parts)} }

// emptied lets go of what the entry before held, and of the room too where it was a large batch.
func emptied(parts []transaction) []transaction {
	clear(parts)
	if cap(parts) > 16 {
		return nil
	}
	return parts[:0]
}

func (e *raw) once(field *string, text string) {
	if *field != "" && text != "" {
		e.wrong = Repeated
	}
	if text != "" {
		*field = text
	}
}

func (e *raw) drop(code string) {
	*e = raw{at: e.at, wrong: code, dropped: true, status: e.status}
}

func (e *raw) add() {
	if len(e.parts) == maxParts {
		e.drop(TooLarge)
		return
	}
	e.parts = append(e.parts, transaction{})
}

// endEntry hands on what was read, or says why not.
func (w *walk) endEntry() {
	w.inEntry, w.section = false, w.dec.InputOffset()
	e := &w.entry
	defer func() { e.dropped = false }()
	switch e.status {
	case "PDNG", "INFO", "FUTR":
		if e.wrong != Repeated {
			w.sum.Ignored++
			return
		}
	}
	whole, signed, wrong := e.whole(w.stmt.account)
	var one Entry
	if wrong == "" {
		one = e.one(whole)
		wrong = w.identify(&whole, one)
	}
	if wrong != "" {
		w.stmt.unsure = true
		w.sum.Unread++
		w.problem(e.at, wrong)
		return
	}
	w.stmt.booked += signed
	w.stmt.unsure = w.stmt.unsure || whole.Amount == 0
	w.hand(whole, one)
}

// whole is the entry without its transactions, and what it does to the balance.
func (e *raw) whole(account string) (whole Entry, signed money.Amount, wrong string) {
	if e.wrong != "" {
		return Entry{}, 0, e.wrong
	}
	if e.status != "BOOK" {
		return Entry{}, 0, BadStatus
	}
	if e.reversal != "" && !yes(e.reversal) && e.reversal != "false" && e.reversal != "0" {
		return Entry{}, 0, BadReversal
	}
	whole = Entry{
		Part: 1, Parts: 1, Account: account, Reversal: yes(e.reversal),
		Code:     Code{clip(e.code.Domain), clip(e.code.Family), clip(e.code.SubFamily), clip(e.code.Proprietary), clip(e.code.Issuer)},
		EntryRef: clip(e.ref), BankRef: clip(given(e.bankRef)), Position: e.at,
	}
	switch e.direction {
	case "CRDT":
		whole.Direction = Credit
	case "DBIT":
		whole.Direction = Debit
	default:
		return Entry{}, 0, BadDirection
	}
	if len(e.currency) != 3 || strings.Trim(e.currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return Entry{}, 0, BadCurrency
	}
	sum, ok := Original{e.amount, e.currency}.sum()
	if !ok {
		return Entry{}, 0, BadAmount
	}
	if e.currency == "EUR" {
		whole.Amount, signed = sum, sum
		if whole.Direction == Debit {
			signed = -sum
		}
		whole.Original = e.instructed.foreign()
	} else {
		whole.Original = Original{e.amount, e.currency}
	}
	if whole.Booked, ok = date(e.booked); !ok {
		return Entry{}, 0, BadDate
	}
	if whole.Valued, ok = date(e.valued); !ok && e.valued != "" {
		return Entry{}, 0, BadDate
	}
	return whole, signed, ""
}

// one is the entry as it is handed on where it is not broken down, but for its identity.
func (e *raw) one(whole Entry) Entry {
	if len(e.parts) > 1 || e.lumped() {
		return e.lump(whole)
	}
	if len(e.parts) == 1 {
		e.parts[0].fill(&whole)
	}
	if whole.Text == "" {
		whole.Text = clip(e.info)
	}
	return whole
}

// hand hands on the entry as one, or each of its transactions.
func (w *walk) hand(whole, one Entry) {
	e := &w.entry
	switch {
	case len(e.parts) < 2 || !e.divisible():
		one.ID, one.Booking = whole.ID, whole.Booking
		w.pass(one)
	default:
		equal := make(map[seal]int, len(e.parts))
		for i := range e.parts {
			t, one := &e.parts[i], whole
			one.Part, one.Parts = i+1, len(e.parts)
			one.Original = Original{}
			one.Amount, _ = t.worth()
			if t.direction != "" {
				one.Direction = towards[t.direction]
			}
			t.fill(&one)
			key := w.part(&one, &whole, t)
			equal[key]++
			one.ID = w.sign("part/1", whole.Booking, hex.EncodeToString(key[:]), strconv.Itoa(equal[key])).String()
			if w.pass(one); w.fatal != nil {
				return
			}
		}
	}
}

func (w *walk) pass(e Entry) {
	w.sum.Handed++
	w.fatal = w.each(e)
}

var towards = map[string]Direction{"CRDT": Credit, "DBIT": Debit}

// lumped tells whether the one transaction, or none, that the bank describes is not all that was booked: by its own
// count, or because a credit is more than the transaction (less is a fee on the way).
func (e *raw) lumped() bool {
	if len(e.parts) == 1 && e.stated < 2 && e.direction == "CRDT" {
		t := e.parts[0]
		t.instructed = Original{}
		part, ok := t.worth()
		whole, _ := Original{e.amount, e.currency}.sum()
		return ok && e.currency == "EUR" && part < whole
	}
	return e.stated > 1
}

func (e *raw) lump(whole Entry) Entry {
	whole.Lump, whole.Text = true, clip(e.info)
	return whole
}

// divisible tells whether the transactions make up the entry, to the cent.
func (e *raw) divisible() bool {
	if e.currency != "EUR" {
		return false
	}
	left, _ := Original{e.amount, e.currency}.sum()
	for i := range e.parts {
		t := &e.parts[i]
		part, ok := t.worth()
		if !ok || t.direction != "" && towards[t.direction] == "" {
			return false
		}
		if t.direction != "" && t.direction != e.direction {
			part = -part
		}
		left -= part
	}
	return left == 0
}

// worth is what a transaction moved on the account, in euro: the first of the three places that says so.
func (t *transaction) worth() (money.Amount, bool) {
	for _, o := range []Original{t.amount, t.moved, t.instructed} {
		if o.Currency == "EUR" {
			return o.sum()
		}
	}
	return 0, false
}

// sum is the amount where it is one: above zero, and in whole cents where it is in euro.
func (o Original) sum() (money.Amount, bool) {
	text, ok := decimal(o.Amount)
	whole, _, _ := strings.Cut(text, ".")
	if !ok || text == "0" || len(whole) > 10 {
		return 0, false
	}
	if o.Currency != "EUR" {
		return 0, true
	}
	a, err := money.Parse(text)
	return a, err == nil
}

// foreign is the amount where it is in another currency.
func (o Original) foreign() Original {
	if o.Currency == "EUR" || o.Currency == "" {
		return Original{}
	}
	return Original{clip(o.Amount), clip(o.Currency)}
}

// fill adds to an entry what its transaction says.
func (t *transaction) fill(e *Entry) {
	e.BankRef = clip(cmp.Or(given(t.bankRef), e.BankRef))
	e.EndToEnd, e.Payment, e.Order = clip(given(t.endToEnd)), clip(given(t.payment)), clip(given(t.order))
	e.Returned, e.Reason = t.returned, clip(t.reason)
	e.OnBehalf = clip(t.onBehalf)
	if e.Original == (Original{}) {
		for _, o := range []Original{t.instructed, t.moved, t.amount} {
			if e.Original == (Original{}) {
				e.Original = o.foreign()
			}
		}
	}
	e.Other = t.other(e.Direction, e.Account)

	text := strings.TrimSpace(strings.Join(t.words, " "))
	refs := t.refs
	if ref, rest, ok := rfb(text); ok {
		refs, text = append(slices.Clip(refs), ref), rest
	}
	for _, ref := range refs {
		ref = strings.TrimSpace(ref)
		switch {
		case ref == "" || slices.Contains(e.Reference, ref):
		case len(ref) > maxReference || len(e.Reference) == maxReferences:
			text = strings.TrimSpace(text + " " + ref)
		default:
			e.Reference = append(e.Reference, ref)
		}
	}
	if text == "" && len(e.Reference) == 0 {
		text = t.info
	}
	e.Text = clip(text)
}

const (
	maxReference  = 70 // bytes: Max35Text, with what people put between the digits
	maxReferences = 50
)

// other is who is on the other side. In a payment that came back banks leave the roles as they were; then it is the one
// that is not us, or the one that is named at all.
func (t *transaction) other(d Direction, own string) Party {
	near, far := t.creditor, t.debtor
	if d == Debit {
		near, far = far, near
	}
	if near != (party{}) && (compact(far.account) == own || t.returned && far == party{}) {
		far = near
	}
	return Party{clip(far.name), clip(compact(far.account)), clip(far.registry)}
}

// rfb takes apart "/RFB/<reference>/TXT/<text>", the form of the Estonian Banking Association for a payment with both.
// The text before it, if any, stays text.
func rfb(s string) (ref, text string, ok bool) {
	const mark, then = "/RFB/", "TXT/"
	i := strings.Index(strings.ToUpper(s), mark)
	if i < 0 || len(strings.ToUpper(s)) != len(s) { // a letter that grows in upper case: not in a file by that rule
		return "", s, false
	}
	before := strings.TrimSpace(s[:i])
	ref, text, _ = strings.Cut(s[i+len(mark):], "/")
	if len(text) >= len(then) && strings.EqualFold(text[:len(then)], then) {
		text = text[len(then):]
	}
	return strings.TrimSpace(ref), strings.TrimSpace(before + " " + strings.TrimSpace(text)), true
}

// seal is a digest of what an entry is.
type seal [16]byte

func (p seal) String() string { return hex.EncodeToString(p[:]) }

// sign digests fields; each stands behind its length, so that no two lists of fields are one text.
func (w *walk) sign(fields ...string) seal {
	b := w.digest[:0]
	for _, f := range fields {
		b = strconv.AppendInt(b, int64(len(f)), 10)
		b = append(b, ':')
		b = append(b, f...)
	}
	w.digest = b
	if cap(b) > maxToken {
		w.digest = nil
	}
	full := sha256.Sum256(b)
	return seal(full[:16])
}

// identify gives the entry its Booking, or says why it has none. one is what is handed on where it is not broken down.
func (w *walk) identify(whole *Entry, one Entry) (wrong string) {
	e := &w.entry
	amount, _ := decimal(e.amount)
	about := []string{
		"entry/1", whole.Account, whole.Booked.String(), string(whole.Direction), strconv.FormatBool(whole.Reversal),
		e.currency, amount,
	}
	ref := given(e.bankRef)
	if ref == "" && len(e.parts) == 1 {
		ref = given(e.parts[0].bankRef)
	}
	if ref == "" && len(strings.TrimLeft(e.ref, "0")) >= 8 { // a shorter one counts lines of the file
		ref = given(e.ref)
	}
	if ref != "" {
		key := w.sign(append(about, "ref", ref)...)
		whole.Booking = key.String()
		if n := w.recent.count(key, one); n > 1 { // the first is the booking as it stands alone
			whole.Booking = w.sign("count/1", key.String(), strconv.Itoa(n)).String()
		}
		whole.ID = whole.Booking
		return ""
	}
	about = append(about, "print")
	if len(e.parts) == 0 {
		about = append(about, compact(e.info))
	}
	for i := range e.parts {
		about = e.parts[i].traits(about)
	}
	key := w.sign(about...)
	if w.prints == nil {
		w.prints = map[seal]int{}
	}
	if len(w.prints) >= maxPrints && w.prints[key] == 0 {
		return Unidentified
	}
	w.prints[key]++
	whole.Booking = w.sign("count/1", key.String(), strconv.Itoa(w.prints[key])).String()
	whole.ID = whole.Booking
	return ""
}

// recent are the entries with a bank reference that were read last, of one statement: a ring, made when the first comes. It
// keeps digests: of what an entry is, and of what it says.
type recent struct {
	keys []uint64
	said []said
	n    int // how many came
}

// said is what Contradicts looks at, in digests; zero is what an entry does not say.
type said struct{ account, endToEnd, reference uint32 }

// count adds an entry, and answers its place, from 1, among those of its identity that it does not contradict. One that it
// contradicts is told from it where entries are stored, whichever of the two comes in which file.
func (r *recent) count(identity seal, e Entry) int {
	key, says := binary.BigEndian.Uint64(identity[:]), said{account: digest(e.Other.Account), endToEnd: digest(e.EndToEnd)}
	if len(e.Reference) > 0 {
		says.reference = digest(e.Reference[0])
	}
	if r.keys == nil {
		r.keys, r.said = make([]uint64, maxRecent), make([]said, maxRecent)
	}
	nth := 1
	for i, k := range r.keys[:min(r.n, maxRecent)] {
		if k == key && !says.contradicts(r.said[i]) {
			nth++
		}
	}
	at := r.n % maxRecent
	r.keys[at], r.said[at] = key, says
	r.n++
	return nth
}

func (s said) contradicts(o said) bool {
	differ := func(a, b uint32) bool { return a != 0 && b != 0 && a != b }
	return differ(s.account, o.account) || differ(s.endToEnd, o.endToEnd) || differ(s.reference, o.reference)
}

// digest tells a text from others; zero is none.
func digest(s string) uint32 {
	if s == "" {
		return 0
	}
	return crc32.ChecksumIEEE([]byte(s)) | 1
}

// part digests what a transaction is among those of its batch.
func (w *walk) part(one, whole *Entry, t *transaction) seal {
	about := []string{string(one.Direction), one.Amount.Cents()}
	if ref := given(t.bankRef); ref != "" && ref != whole.BankRef {
		return w.sign(append(about, "ref", ref)...)
	}
	return w.sign(t.traits(append(about, "print"))...)
}

// traits are what tells a transaction from another where the bank gives no reference: in full, but for spaces, which
// banks put where lines end.
func (t *transaction) traits(to []string) []string {
	return append(to, compact(cmp.Or(t.debtor.account, t.debtor.name)), compact(t.creditor.account),
		given(t.endToEnd), given(t.payment), given(t.order),
		compact(strings.Join(t.refs, "/")), compact(strings.Join(t.words, "")))
}

// given is an identifier, unless it says that there is none: by one of the words for it, or in signs and zeros only.
func given(id string) string {
	switch strings.ToUpper(id) {
	case "NOTPROVIDED", "NOTAVAILABLE", "NONREF", "NOREF", "NONE", "N/A", "NA":
		return ""
	}
	if !strings.ContainsFunc(id, func(r rune) bool { return r != '0' && (unicode.IsDigit(r) || unicode.IsLetter(r)) }) {
		return ""
	}
	return id
}

func yes(s string) bool { return s == "true" || s == "1" }

// compact is a number as machines write it: no spaces, upper case.
func compact(s string) string {
	return strings.ToUpper(strings.Join(strings.Fields(s), ""))
}

// clip cuts a text at maxText bytes, between characters.
func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	i := maxText
	for !utf8.RuneStart(s[i]) {
		i--
	}
	return strings.TrimRightFunc(s[:i], unicode.IsSpace)
}

// decimal is a number of XML Schema (xs:decimal), without a sign, in its shortest form: "000149.870" is "149.87",
// "0.00" is "0".
func decimal(s string) (string, bool) {
	whole, part, _ := strings.Cut(strings.TrimPrefix(s, "+"), ".")
	if whole+part == "" || strings.Trim(whole+part, "0123456789") != "" {
		return "", false
	}
	whole, part = strings.TrimLeft(whole, "0"), strings.TrimRight(part, "0")
	if whole == "" {
		whole = "0"
	}
	if part != "" {
		whole += "." + part
	}
	return whole, true
}

var tallinn = civil.Tallinn.Location()

// date reads a date or an instant: as written, or the day in Tallinn where the file names a zone.
func date(s string) (civil.Date, bool) {
	if len(s) < len(time.DateOnly) {
		return civil.Date{}, false
	}
	if day, rest := s[:len(time.DateOnly)], s[len(time.DateOnly):]; rest == "" || rest[0] != 'T' {
		// xs:date may carry a zone, which changes nothing about the day
		if _, err := time.Parse("Z07:00", rest); err != nil && rest != "" {
			return civil.Date{}, false
		}
		d, err := civil.Parse(day)
		return d, err == nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		y, m, d := t.In(tallinn).Date()
		return civil.Date{Year: y, Month: m, Day: d}, y > 0 && y < 10_000
	}
	if _, err := time.Parse("2006-01-02T15:04:05", s); err != nil {
		return civil.Date{}, false
	}
	d, err := civil.Parse(s[:len(time.DateOnly)])
	return d, err == nil
}
