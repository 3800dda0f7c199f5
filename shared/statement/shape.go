package statement

import (
	"strconv"
	"strings"
	"sync"

	"opiq/shared/money"
)

// node is an element that we know by its place. What has no node is checked to be well-formed and passed over, also
// what has the right name in the wrong place, as in SplmtryData.
type node struct {
	kids  map[string]*node
	open  func(*walk)
	shut  func(*walk, string)
	text  bool // shut wants the text
	money bool // and the attribute Ccy
}

// under is the node at a path below n, made where there is none.
func (n *node) under(path string) *node {
	for name := range strings.SplitSeq(path, "/") {
		kid := n.kids[name]
		if kid == nil {
			kid = &node{}
			if n.kids == nil {
				n.kids = map[string]*node{}
			}
			n.kids[name] = kid
		}
		n = kid
	}
	return n
}

func (n *node) read(path string, shut func(*walk, string)) *node {
	n = n.under(path)
	n.text, n.shut = true, shut
	return n
}

func (n *node) cash(path string, shut func(*walk, string)) { n.read(path, shut).money = true }

// keep reads a text into a field; where the element is repeated the first one counts.
func (n *node) keep(path string, field func(*walk) *string) {
	n.read(path, func(w *walk, text string) {
		if f := field(w); *f == "" {
			*f = text
		}
	})
}

// once reads a text into a field of the entry that decides about money; a second one makes the entry wrong.
func (n *node) once(path string, field func(*raw) *string) *node {
	return n.read(path, func(w *walk, text string) { w.entry.once(field(&w.entry), text) })
}

// document is everything that is read of the three messages. It is made when the first file is read: programs that only know
// what an entry is do not pay for it when they start.
var document = sync.OnceValue(shape)

// shape makes it. The messages differ in the names of two elements only.
func shape() *node {
	root, body := &node{}, &node{}
	for message, name := range map[string]string{
		"BkToCstmrAcctRpt": "Rpt", "BkToCstmrStmt": "Stmt", "BkToCstmrDbtCdtNtfctn": "Ntfctn",
	} {
		m := root.under(message)
		m.under(name)
		m.kids[name] = body
		m.keep("GrpHdr/MsgPgntn/PgNb", func(w *walk) *string { return &w.message.page })
		m.keep("GrpHdr/MsgPgntn/LastPgInd", func(w *walk) *string { return &w.message.last })
		body.keep(name+"Pgntn/PgNb", func(w *walk) *string { return &w.stmt.paging.page })
		body.keep(name+"Pgntn/LastPgInd", func(w *walk) *string { return &w.stmt.paging.last })
	}
	body.open = (*walk).beginStmt
	body.shut = func(w *walk, _ string) { w.endStmt() }
	body.keep("Id", func(w *walk) *string { return &w.stmt.id })
	body.keep("Acct/Id/IBAN", func(w *walk) *string { return &w.stmt.iban })
	body.keep("Acct/Id/Othr/Id", func(w *walk) *string { return &w.stmt.othr })
	body.under("Acct").shut = func(w *walk, _ string) { w.endAccount() }
	balanceShape(body.under("Bal"))
	entryShape(body.under("Ntry"))
	return root
}

func balanceShape(n *node) {
	n.open = func(w *walk) { w.stmt.bal = balance{} }
	n.shut = func(w *walk, _ string) { w.stmt.endBalance() }
	n.keep("Tp/CdOrPrtry/Cd", func(w *walk) *string { return &w.stmt.bal.kind })
	n.keep("CdtDbtInd", func(w *walk) *string { return &w.stmt.bal.direction })
	n.keep("Dt/Dt", func(w *walk) *string { return &w.stmt.bal.day })
	n.keep("Dt/DtTm", func(w *walk) *string { return &w.stmt.bal.day })
	n.cash("Amt", func(w *walk, text string) { w.stmt.bal.amount, w.stmt.bal.currency = text, w.ccy })
}

func entryShape(n *node) {
	n.open = (*walk).beginEntry
	n.shut = func(w *walk, _ string) { w.endEntry() }
	n.cash("Amt", func(w *walk, text string) { w.entry.once(&w.entry.amount, text); w.entry.currency = w.ccy })
	n.once("CdtDbtInd", func(e *raw) *string { return &e.direction })
	n.once("RvslInd", func(e *raw) *string { return &e.reversal })
	n.once("Sts", func(e *raw) *string { return &e.status })
	n.once("Sts/Cd", func(e *raw) *string { return &e.status })
	n.once("BookgDt/Dt", func(e *raw) *string { return &e.booked })
	n.once("BookgDt/DtTm", func(e *raw) *string { return &e.booked })
	n.once("ValDt/Dt", func(e *raw) *string { return &e.valued })
	n.once("ValDt/DtTm", func(e *raw) *string { return &e.valued })
	n.keep("NtryRef", func(w *walk) *string { return &w.entry.ref })
	n.keep("AcctSvcrRef", func(w *walk) *string { return &w.entry.bankRef })
	n.keep("AddtlNtryInf", func(w *walk) *string { return &w.entry.info })
	n.keep("BkTxCd/Domn/Cd", func(w *walk) *string { return &w.entry.code.Domain })
	n.keep("BkTxCd/Domn/Fmly/Cd", func(w *walk) *string { return &w.entry.code.Family })
	n.keep("BkTxCd/Domn/Fmly/SubFmlyCd", func(w *walk) *string { return &w.entry.code.SubFamily })
	n.keep("BkTxCd/Prtry/Cd", func(w *walk) *string { return &w.entry.code.Proprietary })
	n.keep("BkTxCd/Prtry/Issr", func(w *walk) *string { return &w.entry.code.Issuer })
	n.cash("AmtDtls/InstdAmt/Amt", func(w *walk, text string) { w.entry.instructed = Original{text, w.ccy} })
	n.read("NtryDtls/Btch/NbOfTxs", func(w *walk, text string) {
		count, _ := strconv.Atoi(text)
		w.entry.stated += max(0, min(count, 2*maxParts))
	})
	transactionShape(n.under("NtryDtls/TxDtls"))
}

// last is the transaction that is being read.
func (w *walk) last() *transaction { return &w.entry.parts[len(w.entry.parts)-1] }

func transactionShape(n *node) {
	n.open = func(w *walk) { w.entry.add() }
	field := func(path string, f func(*transaction) *string) {
		n.keep(path, func(w *walk) *string { return f(w.last()) })
	}
	field("Refs/AcctSvcrRef", func(t *transaction) *string { return &t.bankRef })
	field("Refs/EndToEndId", func(t *transaction) *string { return &t.endToEnd })
	field("Refs/TxId", func(t *transaction) *string { return &t.payment })
	field("Refs/InstrId", func(t *transaction) *string { return &t.order })
	field("CdtDbtInd", func(t *transaction) *string { return &t.direction })
	n.cash("Amt", func(w *walk, text string) { w.last().amount = Original{text, w.ccy} })
	n.cash("AmtDtls/TxAmt/Amt", func(w *walk, text string) { w.last().moved = Original{text, w.ccy} })
	n.cash("AmtDtls/InstdAmt/Amt", func(w *walk, text string) { w.last().instructed = Original{text, w.ccy} })

	partyShape(n.under("RltdPties"), "Dbtr", func(w *walk) *party { return &w.last().debtor })
	partyShape(n.under("RltdPties"), "Cdtr", func(w *walk) *party { return &w.last().creditor })
	field("RltdPties/UltmtDbtr/Nm", func(t *transaction) *string { return &t.onBehalf })
	field("RltdPties/UltmtDbtr/Pty/Nm", func(t *transaction) *string { return &t.onBehalf })

	words := func(w *walk, text string) { w.last().words = append(w.last().words, text) }
	n.read("RmtInf/Ustrd", words)
	n.read("RmtInf/Strd/AddtlRmtInf", words)
	n.read("RmtInf/Strd/RfrdDocInf/Nb", words)
	n.read("RmtInf/Strd/CdtrRefInf/Ref", func(w *walk, text string) {
		w.last().refs = append(w.last().refs, text)
	})
	field("AddtlTxInf", func(t *transaction) *string { return &t.info })

	n.under("RtrInf").open = func(w *walk) { w.last().returned = true }
	field("RtrInf/Rsn/Cd", func(t *transaction) *string { return &t.reason })
	field("RtrInf/Rsn/Prtry", func(t *transaction) *string { return &t.reason })
}

func partyShape(n *node, role string, p func(*walk) *party) {
	for _, path := range []string{role, role + "/Pty"} { // versions to 07, and from 08
		n.keep(path+"/Nm", func(w *walk) *string { return &p(w).name })
		other := n.under(path + "/Id/OrgId/Othr")
		other.open = func(w *walk) { p(w).id, p(w).scheme = "", "" }
		other.keep("Id", func(w *walk) *string { return &p(w).id })
		other.keep("SchmeNm/Cd", func(w *walk) *string { return &p(w).scheme })
		other.keep("SchmeNm/Prtry", func(w *walk) *string { return &p(w).scheme })
		other.shut = func(w *walk, _ string) { p(w).endID() }
	}
	n.keep(role+"/Agt/FinInstnId/Nm", func(w *walk) *string { return &p(w).name })
	n.keep(role+"Acct/Id/IBAN", func(w *walk) *string { return &p(w).account })
	n.keep(role+"Acct/Id/Othr/Id", func(w *walk) *string { return &p(w).account })
}

// balance is a balance while it is read, and what it came to.
type balance struct {
	kind, amount, currency, direction, day string

	sum *money.Amount
}

// endBalance keeps the first opening balance and the last closing one: some banks give a pair for each day.
func (s *stmt) endBalance() {
	b := s.bal
	sum, ok := b.worth()
	if !ok {
		return
	}
	b.sum = &sum
	day, _ := date(b.day)
	b.day = day.String()
	switch opens := b.kind == "OPBD" || b.kind == "PRCD"; {
	case opens && (s.opening.sum == nil || b.day < s.opening.day || b.day == s.opening.day && s.opening.kind == "PRCD"):
		s.opening = b
	case b.kind == "CLBD" && (s.closing.sum == nil || b.day >= s.closing.day):
		s.closing = b
	}
}

func (b balance) worth() (money.Amount, bool) {
	text, ok := decimal(b.amount)
	if !ok || b.currency != "EUR" {
		return 0, false
	}
	sum, err := money.Parse(text)
	switch {
	case err != nil:
		return 0, false
	case b.direction == "CRDT":
		return sum, true
	case b.direction == "DBIT":
		return -sum, true
	}
	return 0, false
}
