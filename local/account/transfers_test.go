package account

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"

	"opiq/shared/payout"
	"opiq/shared/statement"
)

// pain is a file of refunds of one order, as the shop makes it.
func (s *shop) pain(id string, all ...payout.Transfer) string {
	s.t.Helper()
	seller := desk.Seller()
	p, err := payout.New(payout.ID(id), payout.Debtor{Name: seller.Name, IBAN: seller.IBAN, BIC: seller.BIC}, all, noon)
	if err != nil {
		s.t.Fatal(err)
	}
	file, err := p.XML()
	if err != nil {
		s.t.Fatal(err)
	}
	return string(file)
}

var (
	jaan = payout.Transfer{EndToEnd: "OPIQ-2600012345-0123456789ab", Amount: 24_80, Name: "JAAN JÕGI", IBAN: "EE171010123456789017", Text: "Opiq 2600012345"}
	asel = payout.Transfer{EndToEnd: "OPIQ-2600012346-ba9876543210", Amount: 5, Name: "Asel", IBAN: "LV80BANK0000435195001"}
)

// orders hands a file to the bank.
func (s *shop) orders(body string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "POST", s.url+path+"/payouts", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/xml")
	w, answer := s.do(r, headers...)
	return w, string(answer)
}

func (s *shop) ordered(id string, all ...payout.Transfer) {
	s.t.Helper()
	if w, answer := s.orders(s.pain(id, all...)); w.StatusCode != 201 {
		s.t.Fatalf("the bank answers %d %s", w.StatusCode, answer)
	}
}

// booked is an entry in a line: which way, how much, whose, its name, and why it came back.
func booked(e statement.Entry) string {
	return fmt.Sprintf("%s %s %s %s %s %s%s", e.Direction, e.Amount, e.Other.Account, e.Other.Name, e.EndToEnd, e.Code.SubFamily, e.Reason)
}

func (s *shop) says(wish string, want ...string) {
	s.t.Helper()
	var got []string
	for _, e := range s.write(wish) {
		got = append(got, booked(e))
		if e.Returned != (e.Reason != "") || e.Parts != 1 || e.Other.Registry != "" {
			s.t.Errorf("an entry is %+v", e)
		}
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("%s: it says\n%s\nwant\n%s", wish, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const (
	jaanOut  = "debit 24.80 EE171010123456789017 JAAN JÕGI OPIQ-2600012345-0123456789ab ESCT"
	jaanBack = "credit 24.80 EE171010123456789017 JAAN JÕGI OPIQ-2600012345-0123456789ab RRTNAC04"
	aselOut  = "debit 0.05 LV80BANK0000435195001 Asel OPIQ-2600012346-ba9876543210 ESCT"
	aselBack = "credit 0.05 LV80BANK0000435195001 Asel OPIQ-2600012346-ba9876543210 RRTNAC04"
)

func TestTheNextStatementShowsEachTransferThatWeOrdered(t *testing.T) {
	s := open(t)
	n := s.invoice(nil)
	w, answer := s.orders(s.pain("A", jaan, asel))
	if want := `{"message":"A","sum":{"amount":2485,"currency":"EUR"},"transfers":2}`; w.StatusCode != 201 || strings.TrimSpace(answer) != want {
		t.Errorf("the bank answers %d %s", w.StatusCode, answer)
	}
	all := s.write("case=exact")
	if len(all) != 3 || all[0].Reference[0] != string(n.Reference()) || booked(all[1]) != jaanOut || booked(all[2]) != aselOut || all[1].Text != "Opiq 2600012345" {
		t.Errorf("the statement says %+v", all)
	}
	if all := s.write("case=exact"); len(all) != 1 {
		t.Errorf("the one after it says %+v", all)
	}
}

func TestTransfersGoOutWithoutAnInvoice(t *testing.T) {
	s := open(t)
	s.ordered("A", jaan)
	s.ordered("B", asel)
	s.says("case=refund_sent", jaanOut, aselOut)
}

func TestATransferComesBackOnce(t *testing.T) {
	s := open(t)
	s.ordered("A", jaan, asel)
	s.says("case=refund_sent", jaanOut, aselOut)
	s.says("case=refund_returned&order="+asel.EndToEnd, aselBack)
	s.says("case=refund_returned&order=2600012345,2600012346", jaanBack)
	if w, answer := s.post("case=refund_returned"); w.StatusCode != 409 {
		t.Errorf("a second return is answered with %d %s", w.StatusCode, answer)
	}
}

func TestATransferThatComesBackAtOnceWentOutBefore(t *testing.T) {
	s := open(t)
	s.ordered("A", jaan, asel)
	s.says("case=refund_returned&order=2600012345", jaanOut, aselOut, jaanBack)
}

func TestAFileIsTakenOnce(t *testing.T) {
	s := open(t)
	s.ordered("A", jaan)
	w, answer := s.orders(s.pain("A", jaan))
	if w.StatusCode != 409 || !strings.Contains(answer, `"known_message"`) {
		t.Errorf("the second time the bank answers %d %s", w.StatusCode, answer)
	}
	s.says("case=refund_sent", jaanOut)
}

func TestTheBankRefusesFilesThatAreWrong(t *testing.T) {
	s := open(t)
	file := s.pain("A", jaan, asel)
	for what, c := range map[string]struct{ from, to, want string }{
		"no XML":                {file, "transfer 24.80 to Jaan", "400 not_pain001"},
		"another version":       {"pain.001.001.09", "pain.001.001.03", "400 not_pain001"},
		"no MsgId":              {"<MsgId>A</MsgId>", "", "422 refused"},
		"a long MsgId":          {"<MsgId>A</MsgId>", "<MsgId>" + strings.Repeat("A", 36) + "</MsgId>", "422 refused"},
		"another count":         {"<NbOfTxs>2</NbOfTxs>", "<NbOfTxs>3</NbOfTxs>", "422 refused"},
		"another sum":           {"<CtrlSum>24.85</CtrlSum>", "<CtrlSum>24.80</CtrlSum>", "422 refused"},
		"another sum of a part": {"<CtrlSum>24.85</CtrlSum>\n      <PmtTpInf>", "<CtrlSum>24.84</CtrlSum>\n      <PmtTpInf>", "422 refused"},
		"checks":                {"<PmtMtd>TRF</PmtMtd>", "<PmtMtd>CHK</PmtMtd>", "422 refused"},
		"one sum for all":       {"<BtchBookg>false</BtchBookg>", "<BtchBookg>true</BtchBookg>", "422 refused"},
		"no SEPA":               {"<Cd>SEPA</Cd>", "<Cd>URGP</Cd>", "422 refused"},
		"another's money":       {"EE382200221020145685", "EE171010123456789017", "422 refused"},
		"a wrong account":       {"LV80BANK0000435195001", "LV80BANK0000435195002", "422 refused"},
		"dollars":               {`Ccy="EUR"`, `Ccy="USD"`, "422 refused"},
		"no money":              {">0.05<", ">0.00<", "422 refused"},
		"nobody":                {"<Nm>Asel</Nm>", "", "422 refused"},
		"a long name":           {"<Nm>Asel</Nm>", "<Nm>" + strings.Repeat("õ", 71) + "</Nm>", "422 refused"},
		"a nameless transfer":   {asel.EndToEnd, "", "422 refused"},
		"a long text":           {"<Ustrd>", "<Ustrd>" + strings.Repeat("õ", 140), "422 refused"},
	} {
		broken := strings.Replace(file, c.from, c.to, 1)
		if broken == file {
			t.Fatalf("%s: there is no %q", what, c.from)
		}
		w, answer := s.orders(broken)
		var out struct{ Code string }
		if err := json.Unmarshal([]byte(answer), &out); err != nil || fmt.Sprint(w.StatusCode, " ", out.Code) != c.want {
			t.Errorf("%s is answered with %d %s", what, w.StatusCode, answer)
		}
	}
	if w, _ := s.orders(strings.Repeat(" ", 1<<20+1)); w.StatusCode != 413 {
		t.Errorf("a large file is answered with %d", w.StatusCode)
	}
	if w, _ := s.post("case=refund_sent"); w.StatusCode != 409 {
		t.Errorf("something goes out: %d", w.StatusCode)
	}
}

// form is the page's form, with a file that was chosen, or "", and a text that was pasted.
func form(t *testing.T, chosen, pasted string) (body, kind string) {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	file, err := m.CreateFormFile("file", "payout.xml") // a browser sends it empty where none was chosen
	if err == nil {
		_, err = file.Write([]byte(chosen))
	}
	if err == nil {
		err = m.WriteField("text", pasted)
	}
	if err == nil {
		err = m.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), m.FormDataContentType()
}

func TestPeopleOrderTransfersOnThePage(t *testing.T) {
	s := open(t)
	for _, c := range [][2]string{{s.pain("A", jaan), ""}, {"", "\n " + s.pain("B", payout.Transfer{EndToEnd: "B", Amount: 1, Name: "(b) & Ko", IBAN: jaan.IBAN})}} {
		body, kind := form(t, c[0], c[1])
		if w, answer := s.orders(body, "Content-Type", kind, "Accept", "text/html"); w.StatusCode != 303 || w.Header.Get("Location") != path+"#transfers" {
			t.Errorf("a browser is answered with %d %s", w.StatusCode, answer)
		}
	}
	if w, answer := s.orders("--", "Content-Type", "multipart/form-data; boundary=x"); w.StatusCode != 400 {
		t.Errorf("no form is answered with %d %s", w.StatusCode, answer)
	}
	_, page := s.get(s.url+path, "Accept", "text/html")
	for _, want := range []string{"JAAN JÕGI", "24.80 €", jaan.EndToEnd, "(b) &#43; Ko", "waits for the next statement", `value="refund_sent"`, `value="refund_returned"`} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not hold %s:\n%s", want, page)
		}
	}
	s.post("case=refund_sent")
	s.post("case=refund_returned&order=" + jaan.EndToEnd)
	_, page = s.get(s.url+path, "Accept", "text/html")
	for _, want := range []string{"went out", "came back", `refund_returned, for <a href="/orders/2600012345">`} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not hold %s:\n%s", want, page)
		}
	}
	if strings.Contains(string(page), "waits for the next statement") {
		t.Errorf("something still waits:\n%s", page)
	}
}
