package statement

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"opiq/shared/money"
	"opiq/shared/problem"
)

// MaxBytes is how long a file may be. The largest honest one that we know of, a year of a busy shop, is 100 MB with
// 100,000 entries.
const MaxBytes = 256 << 20

// The other bounds.
const (
	maxElements   = 16 << 20
	maxEntries    = 1_000_000
	maxDepth      = 32       // the standard needs 14
	maxAttributes = 16       // on one element
	maxToken      = 64 << 10 // a tag, a text, a comment; and all text of one element
	maxEntry      = 4 << 20  // bytes of one entry
	maxBetween    = 1 << 20  // bytes before, between and after entries, and of statements without any
	maxParts      = 5_000    // transactions of one entry
	maxPrints     = 100_000  // entries without a reference in one statement, kept to count equal ones
	maxRecent     = 4_096    // entries with a reference of one statement, the last ones, kept for the same: about 100 kB
	maxProblems   = 100
	maxText       = 2_000 // bytes of a text that is handed on
)

const entryDepth = 4 // Document, message, statement, entry

// What a file is refused for. The error that Read answers holds the place in its detail; entries that were handed on
// before it are right.
var (
	ErrXML       = problem.New(problem.Malformed, "statement_xml", "The file is not well-formed XML.")
	ErrTruncated = problem.New(problem.Malformed, "statement_truncated", "The file ends in the middle.")
	ErrEncoding  = problem.New(problem.Malformed, "statement_encoding", "The file is not in UTF-8.")
	ErrDoctype   = problem.New(problem.Malformed, "statement_doctype", "A statement has no DOCTYPE.")
	ErrMessage   = problem.New(problem.Invalid, "statement_message", "The file is not a camt.052, 053 or 054 message of versions 02 to 08.")
	ErrAccount   = problem.New(problem.Malformed, "statement_account", "The statement does not name one account before its entries.")
	ErrForeign   = problem.New(problem.Invalid, "statement_foreign", "The statement is not of one of our accounts.")
	ErrLarge     = problem.New(problem.TooLarge, "statement_large", "The file, or something in it, is larger than any statement.")
)

// Read reads a file and hands every booked entry to each, in the order of the file. accounts are our own account
// numbers, with or without spaces.
//
// An entry that cannot be read is a Problem in the summary, and its neighbors are handed on. A file that cannot be read
// further is an error: one of the above, what the reader answered, or what each answered, as it is. The summary then
// tells what was read before. The account of a statement is known before its first entry is handed on, or the file is
// refused with ErrAccount. In a file of several statements the foreign one may be the second: who must refuse such a
// file, or a truncated one, as a whole reads it twice, first with an each that keeps nothing.
//
// Memory is bounded, whatever the file holds: see the bounds. Problems of entries are never more than 100 in the list.
func Read(r io.Reader, accounts []string, each func(Entry) error) (Summary, error) {
	return readAtMost(MaxBytes, r, accounts, each)
}

func readAtMost(bytes int64, r io.Reader, accounts []string, each func(Entry) error) (Summary, error) {
	w := walk{src: &source{r: r}, each: each, most: bytes, sum: Summary{Accounts: []string{}, Problems: []Problem{}}}
	for _, a := range accounts {
		w.own = append(w.own, compact(a))
	}
	err := w.run()
	return w.sum, err
}

// frame is an open element.
type frame struct {
	name xml.Name
	node *node // nil where nothing is read
	from int   // where its text begins in walk.text
	ccy  string
}

// walk is the state of one reading.
type walk struct {
	src  *source
	dec  *xml.Decoder
	own  []string
	each func(Entry) error
	most int64 // bytes of the file
	sum  Summary

	open     []frame
	text     []byte
	ccy      string // of the element that just ended
	elements int
	rooted   bool
	at       Position // of the token
	section  int64    // where the entry, or what lies between entries, began
	fatal    error    // what an action found that ends the reading

	message  paging
	stmt     stmt
	prints   map[seal]int
	recent   recent
	lastID   string // of the statement before, and its page: pages count on
	lastPage int

	inEntry bool
	entry   raw
	digest  []byte
}

type paging struct{ page, last string }

// stmt is a statement while it is read.
type stmt struct {
	id         string
	iban, othr string
	account    string // decided
	entered    bool   // its first entry has begun
	paging     paging
	bal        balance
	opening    balance
	closing    balance
	booked     money.Amount // credits less debits
	unsure     bool         // booked is not all
	at         Position
}

func (w *walk) run() error {
	w.dec = xml.NewDecoder(w.src)
	w.dec.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, ErrEncoding }
	for {
		offset := w.dec.InputOffset()
		w.src.token = offset
		w.at.Line, _ = w.dec.InputPos()
		w.at.Byte = offset + w.src.bom
		token, err := w.dec.RawToken()
		if err == io.EOF && w.src.err == io.EOF {
			return w.end()
		}
		if err != nil {
			return w.broken(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			err = w.start(t)
		case xml.EndElement:
			err = w.stop(t)
		case xml.CharData:
			err = w.chars(t)
		case xml.Directive:
			err = w.refuse(ErrDoctype)
		case xml.ProcInst:
			if t.Target == "xml" && offset != 0 {
				err = w.refuse(ErrXML)
			}
		}
		if err != nil {
			return err
		}
		if err := w.bounds(); err != nil {
			return err
		}
	}
}

// bounds holds what lies between tokens: a file of many small pieces that never becomes a statement.
func (w *walk) bounds() error {
	offset := w.dec.InputOffset()
	if offset > w.most || w.elements > maxElements || w.sum.Entries > maxEntries {
		return w.refuse(ErrLarge)
	}
	switch size := offset - w.section; {
	case !w.inEntry && size > maxBetween:
		return w.refuse(ErrLarge)
	case w.inEntry && size > maxEntry:
		w.entry.drop(TooLarge)
	}
	return nil
}

func (w *walk) end() error {
	switch {
	case len(w.open) > 0 || !w.rooted:
		return w.refuse(ErrTruncated)
	case w.sum.Stmts == 0:
		return w.refuse(ErrAccount)
	}
	return nil
}

// refuse is a failure with its place.
func (w *walk) refuse(e *problem.Error) error {
	c := *e
	c.Detail = fmt.Sprintf("%s Line %d, byte %d.", e.Detail, w.at.Line, w.at.Byte)
	return &c
}

// broken says in our words what the decoder, or the reader beneath it, answered.
func (w *walk) broken(err error) error {
	syntax, malformed := errors.AsType[*xml.SyntaxError](err)
	switch {
	case w.src.err == ErrLarge, w.src.err == ErrEncoding:
		return w.refuse(w.src.err.(*problem.Error))
	case w.src.err != nil && w.src.err != io.EOF:
		return fmt.Errorf("statement: read: %w", w.src.err)
	case w.src.err == io.EOF && w.src.next == w.src.end:
		return w.refuse(ErrTruncated)
	case errors.Is(err, ErrEncoding), malformed && syntax.Msg == "invalid UTF-8":
		return w.refuse(ErrEncoding)
	}
	return w.refuse(ErrXML)
}

func (w *walk) start(t xml.StartElement) error {
	w.elements++
	if len(w.open) == maxDepth || len(t.Attr) > maxAttributes {
		return w.refuse(ErrLarge)
	}
	for i, a := range t.Attr {
		for _, b := range t.Attr[:i] {
			if a.Name == b.Name {
				return w.refuse(ErrXML)
			}
		}
	}
	f := frame{name: t.Name, from: len(w.text)}
	switch len(w.open) {
	case 0:
		if w.rooted {
			return w.refuse(ErrXML)
		}
		w.rooted = true
		if err := w.root(t); err != nil {
			return err
		}
		f.node = document()
	case 1:
		kind, ok := kinds[t.Name.Local]
		switch {
		case !ok, w.sum.Message != "" && !strings.HasPrefix(w.sum.Message, kind), w.sum.Stmts > 0:
			return w.refuse(ErrMessage)
		case w.sum.Message == "":
			w.sum.Message = kind
		}
		fallthrough
	default:
		if up := w.open[len(w.open)-1].node; up != nil && !w.entry.dropped {
			f.node = up.kids[t.Name.Local]
		}
	}
	if f.node != nil && f.node.money {
		for _, a := range t.Attr {
			if a.Name.Local == "Ccy" {
				f.ccy = a.Value
			}
		}
	}
	w.open = append(w.open, f)
	if f.node != nil && f.node.open != nil {
		f.node.open(w)
	}
	return w.fatal
}

func (w *walk) stop(t xml.EndElement) error {
	if len(w.open) == 0 {
		return w.refuse(ErrXML)
	}
	f := &w.open[len(w.open)-1]
	if f.name != t.Name {
		return w.refuse(ErrXML)
	}
	if f.node != nil && f.node.shut != nil && (!w.entry.dropped || len(w.open) == entryDepth) {
		w.ccy = f.ccy
		f.node.shut(w, strings.TrimSpace(string(w.text[f.from:])))
	}
	w.text = w.text[:f.from]
	w.open = w.open[:len(w.open)-1]
	return w.fatal
}

func (w *walk) chars(t xml.CharData) error {
	if len(w.open) == 0 {
		if len(strings.TrimSpace(string(t))) > 0 {
			return w.refuse(ErrXML)
		}
		return nil
	}
	if f := &w.open[len(w.open)-1]; f.node != nil && f.node.text {
		if len(w.text)-f.from+len(t) > maxToken {
			return w.refuse(ErrLarge)
		}
		w.text = append(w.text, t...)
	}
	return nil
}

// kinds are the messages by the element under the root.
var kinds = map[string]string{
	"BkToCstmrAcctRpt":      "camt.052",
	"BkToCstmrStmt":         "camt.053",
	"BkToCstmrDbtCdtNtfctn": "camt.054",
}

// root takes the message and its version from the namespace of the root. A file without a namespace is read as well.
func (w *walk) root(t xml.StartElement) error {
	if t.Name.Local != "Document" {
		return w.refuse(ErrMessage)
	}
	for _, a := range t.Attr {
		plain := t.Name.Space == "" && a.Name == xml.Name{Local: "xmlns"}
		prefixed := t.Name.Space != "" && a.Name == xml.Name{Space: "xmlns", Local: t.Name.Space}
		if !plain && !prefixed {
			continue
		}
		message, ok := strings.CutPrefix(a.Value, "urn:iso:std:iso:20022:tech:xsd:")
		if !ok || !known(message) {
			return w.refuse(ErrMessage)
		}
		w.sum.Message = message
	}
	return nil
}

// known tells whether we read a message, by its name with variant and version.
func known(message string) bool {
	kind, version, _ := strings.Cut(message, ".001.")
	for _, k := range kinds {
		if k == kind {
			return len(version) == 2 && version >= "02" && version <= "08"
		}
	}
	return false
}

// problem notes what is wrong at a place.
func (w *walk) problem(at Position, code string) {
	w.sum.Wrong++
	if len(w.sum.Problems) < maxProblems {
		w.sum.Problems = append(w.sum.Problems, Problem{at, code, details[code]})
	}
}

var details = map[string]string{
	BadAmount:    "The amount is not a sum above zero with at most two decimals and ten digits before them.",
	BadCurrency:  "The currency is missing or not a code of three letters.",
	BadDirection: "CdtDbtInd is neither CRDT nor DBIT.",
	BadStatus:    "The status is missing or unknown.",
	BadReversal:  "RvslInd is neither true nor false.",
	BadDate:      "There is no booking date, or a date is not in the calendar.",
	Repeated:     "An amount, a direction, a status or a date is given twice.",
	TooLarge:     "The entry has more than 4 MB or 5,000 transactions.",
	Unidentified: "The bank gave no reference, as to 100,000 entries of this statement before.",
	BadBalance:   "Opening balance and booked entries do not make up the closing balance.",
}

func (w *walk) beginStmt() {
	w.sum.Stmts++
	w.at.Statement = w.sum.Stmts
	w.stmt = stmt{at: w.at}
}

// endAccount decides whose statement it is, before anything of it is handed on.
func (w *walk) endAccount() {
	s := &w.stmt
	account := compact(s.iban)
	if account == "" {
		account = compact(s.othr)
	}
	switch {
	case s.account != "" || account == "":
		w.fatal = w.refuse(ErrAccount)
	case !slices.Contains(w.own, account):
		w.fatal = w.refuse(ErrForeign)
	default:
		s.account = account
		if !slices.Contains(w.sum.Accounts, account) {
			w.sum.Accounts = append(w.sum.Accounts, account)
		}
	}
}

func (w *walk) beginEntry() {
	if w.stmt.account == "" {
		w.fatal = w.refuse(ErrAccount)
		return
	}
	w.sum.Entries++
	w.at.Entry = w.sum.Entries
	w.inEntry, w.section = true, w.at.Byte-w.src.bom
	w.entry.reset(w.at)
	w.at.Entry = 0
	if !w.stmt.entered {
		w.stmt.entered = true
		w.count()
	}
}

// count begins to count equal entries anew, or goes on where the statement is a further page of the one before.
func (w *walk) count() {
	page, _ := strconv.Atoi(w.stmt.paging.page)
	if w.stmt.id == "" || w.stmt.id != w.lastID || page <= w.lastPage {
		w.prints, w.recent.n = nil, 0
	}
	w.lastID, w.lastPage = w.stmt.id, page
}

func (w *walk) endStmt() {
	s := &w.stmt
	if s.account == "" {
		w.fatal = w.refuse(ErrAccount)
		return
	}
	if !s.unsure && w.message.whole() && s.paging.whole() && s.opening.sum != nil && s.closing.sum != nil &&
		*s.opening.sum+s.booked != *s.closing.sum {
		w.problem(s.at, BadBalance)
	}
}

// whole tells whether a page is all there is.
func (p paging) whole() bool {
	return (p.page == "" || p.page == "1") && (p.last == "" || yes(p.last))
}
