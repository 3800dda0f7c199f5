package people

import (
	"fmt"
	"strings"

	"opiq/shared/money"
	"opiq/shared/order"
)

// Statement is what our bank says was booked on our first account: a camt.053 message of version 02 with these entries.
func Statement(entries ...string) []byte {
	return Message("camt.053", Desk.Accounts[0].IBAN, entries...)
}

// Message is a bank's message of a kind (camt.052, camt.053, camt.054) about an account.
func Message(kind, iban string, entries ...string) []byte {
	names := map[string][2]string{
		"camt.052": {"BkToCstmrAcctRpt", "Rpt"}, "camt.053": {"BkToCstmrStmt", "Stmt"}, "camt.054": {"BkToCstmrDbtCdtNtfctn", "Ntfctn"},
	}[kind]
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:%[1]s.001.02"><%[2]s><GrpHdr><MsgId>M1</MsgId></GrpHdr>
<%[3]s><Id>S1</Id><Acct><Id><IBAN>%[4]s</IBAN></Id></Acct>
%[5]s</%[3]s></%[2]s></Document>
`, kind, names[0], names[1], iban, strings.Join(entries, ""))
}

// Credit is an entry by which Mari paid an order, under the bank's reference of the booking.
func Credit(bankRef string, amount money.Amount, n order.Number) string {
	return fmt.Sprintf(`<Ntry><NtryRef>%[1]s</NtryRef><Amt Ccy="EUR">%[2]s</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>
<BookgDt><Dt>2026-11-20</Dt></BookgDt><ValDt><Dt>2026-11-20</Dt></ValDt><AcctSvcrRef>%[1]s</AcctSvcrRef>
<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>
<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>
<RltdPties><Dbtr><Nm>MAASIKAS MARI</Nm></Dbtr><DbtrAcct><Id><IBAN>EE171010123456789017</IBAN></Id></DbtrAcct></RltdPties>
<RmtInf><Strd><CdtrRefInf><Ref>%[3]s</Ref></CdtrRefInf></Strd></RmtInf></TxDtls></NtryDtls></Ntry>
`, bankRef, amount, n.Reference())
}

// Batch is an entry of payments that the bank booked as one, with as much of them as it says.
func Batch(bankRef string, amount money.Amount, parts ...string) string {
	return fmt.Sprintf(`<Ntry><Amt Ccy="EUR">%s</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-20</Dt></BookgDt>
<AcctSvcrRef>%s</AcctSvcrRef><NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>%s</NtryDtls></Ntry>
`, amount, bankRef, strings.Join(parts, ""))
}

// Part is one payment of a batch.
func Part(bankRef string, amount money.Amount, n order.Number) string {
	return fmt.Sprintf(`<TxDtls><Refs><AcctSvcrRef>%s</AcctSvcrRef></Refs><AmtDtls><TxAmt><Amt Ccy="EUR">%s</Amt></TxAmt></AmtDtls>
<RmtInf><Strd><CdtrRefInf><Ref>%s</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>`, bankRef, amount, n.Reference())
}
