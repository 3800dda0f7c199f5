package inbox_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ses"
	"github.com/aws/aws-sdk-go-v2/service/ses/types"
	"github.com/emersion/go-message/mail"
	"github.com/google/go-cmp/cmp"

	"opiq/local/engines"
	"opiq/local/inbox"
)

// letter is a message as the shop writes them: text, HTML and a file.
func letter(t *testing.T, to, subject, text, html string) []byte {
	t.Helper()
	var out bytes.Buffer
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var h mail.Header
	h.SetAddressList("From", []*mail.Address{{Name: "Opiq", Address: "no-reply@opiq.test"}})
	h.SetAddressList("To", []*mail.Address{{Name: "Õie Ööbik", Address: to}})
	h.SetSubject(subject)
	w, err := mail.CreateWriter(&out, h)
	must(err)
	inline, err := w.CreateInline()
	must(err)
	for kind, body := range map[string]string{"text/plain": text, "text/html": html} {
		var ih mail.InlineHeader
		ih.SetContentType(kind, map[string]string{"charset": "utf-8"})
		p, err := inline.CreatePart(ih)
		must(err)
		_, err = p.Write([]byte(body))
		must(err)
		must(p.Close())
	}
	must(inline.Close())
	var ah mail.AttachmentHeader
	ah.SetContentType("application/pdf", nil)
	ah.SetFilename("kviitung.pdf")
	a, err := w.CreateAttachment(ah)
	must(err)
	_, err = a.Write([]byte("%PDF"))
	must(err)
	must(a.Close())
	must(w.Close())
	return out.Bytes()
}

func open(t *testing.T, dir string) (*inbox.Inbox, *ses.Client) {
	t.Helper()
	box, err := inbox.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box)
	t.Cleanup(server.Close)
	return box, ses.NewFromConfig(engines.Config(map[string]string{"SES": server.URL}))
}

func send(t *testing.T, client *ses.Client, raw []byte, to ...string) (string, error) {
	t.Helper()
	out, err := client.SendRawEmail(t.Context(), &ses.SendRawEmailInput{RawMessage: &types.RawMessage{Data: raw}, Destinations: to})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.MessageId), nil
}

func TestAMailSentThroughSESIsListedNewestFirst(t *testing.T) {
	box, client := open(t, "")
	id1, err := send(t, client, letter(t, "oie@example.test", "Kinnita oma aadress", "Tere! https://opiq.test/verify?token=a.b-c_d.", `<a href="https://opiq.test/verify?token=a.b-c_d&amp;x=1">Kinnita</a>`))
	if err != nil {
		t.Fatal(err)
	}
	id2, err := send(t, client, letter(t, "OIE@example.test", "Kviitung", "Aitäh!", "<p>Aitäh!</p>"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := send(t, client, letter(t, "other@example.test", "x", "x", "x")); err != nil {
		t.Fatal(err)
	}
	if id1 == "" || id1 == id2 {
		t.Errorf("the messages are called %q and %q", id1, id2)
	}

	answer := httptest.NewRecorder()
	box.List(answer, httptest.NewRequest("GET", "/_local/mail?to=oie@example.test", nil))
	var got []map[string]any
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	file := func(id string) []any {
		return []any{map[string]any{"name": "kviitung.pdf", "type": "application/pdf", "size": 4.0, "url": "/_local/mail/" + id + "/attachments/1"}}
	}
	want := []map[string]any{
		{"to": "OIE@example.test", "subject": "Kviitung", "text": "Aitäh!", "html": "<p>Aitäh!</p>", "attachments": file(id2), "links": []any{}},
		{"to": "oie@example.test", "subject": "Kinnita oma aadress", "text": "Tere! https://opiq.test/verify?token=a.b-c_d.",
			"html": `<a href="https://opiq.test/verify?token=a.b-c_d&amp;x=1">Kinnita</a>`, "attachments": file(id1),
			"links": []any{"https://opiq.test/verify?token=a.b-c_d", "https://opiq.test/verify?token=a.b-c_d&x=1"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if all := box.Mail(""); len(all) != 3 || all[0].To != "other@example.test" || all[0].From != "no-reply@opiq.test" {
		t.Errorf("all mails are %+v", all)
	}
}

// TestAttachmentsCanBeOpened: whether the mail is in memory or in its file, byte for byte. The message is written by the standard
// library, which had no part in reading it.
func TestAttachmentsCanBeOpened(t *testing.T) {
	pdf := bytes.Repeat([]byte{0, '%', 'P', 'D', 'F', '\r', '\n', 0xff}, 5_000)
	var raw bytes.Buffer
	w := multipart.NewWriter(&raw)
	fmt.Fprintf(&raw, "From: no-reply@opiq.test\r\nTo: oie@example.test\r\nSubject: Arve\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n", w.Boundary())
	for _, p := range []struct {
		kind, file string
		data       []byte
	}{{"text/plain; charset=utf-8", "", []byte("Tere!")}, {"application/pdf", "arve.pdf", pdf}, {"text/html", "kuri.html", []byte("<script>alert(1)</script>")}} {
		h := textproto.MIMEHeader{"Content-Type": {p.kind}, "Content-Transfer-Encoding": {"base64"}}
		if p.file != "" {
			h.Set("Content-Disposition", `attachment; filename="`+p.file+`"`)
		}
		part, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(part, base64.StdEncoding.EncodeToString(p.data))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"InMemory": "", "InAFolder": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			box, client := open(t, dir)
			if _, err := send(t, client, raw.Bytes(), "envelope@example.test"); err != nil {
				t.Fatal(err)
			}
			doors := http.NewServeMux()
			doors.HandleFunc("GET /_local/mail/{id}/attachments/{n}", box.File)
			get := func(url string) *http.Response {
				answer := httptest.NewRecorder()
				doors.ServeHTTP(answer, httptest.NewRequest("GET", url, nil))
				return answer.Result()
			}
			m := box.Mail("")[0]
			if len(m.Attachments) != 2 {
				t.Fatalf("%+v", m)
			}
			paper := get(m.Attachments[0].URL)
			if data, err := io.ReadAll(paper.Body); err != nil || !bytes.Equal(data, pdf) || m.Attachments[0].Size != len(pdf) {
				t.Errorf("%d of %d bytes, %v", len(data), len(pdf), err)
			}
			if h := paper.Header; h.Get("Content-Type") != "application/pdf" || h.Get("Content-Disposition") != "inline; filename=arve.pdf" {
				t.Errorf("%v", h)
			}
			evil := get(m.Attachments[1].URL)
			if h := evil.Header; h.Get("Content-Type") != "application/octet-stream" || h.Get("Content-Disposition") != "attachment; filename=kuri.html" {
				t.Errorf("a page of strangers is answered with %v", h)
			}
			for _, none := range []string{"/_local/mail/" + m.ID + "/attachments/3", "/_local/mail/" + m.ID + "/attachments/0", "/_local/mail/" + m.ID + "/attachments/x",
				"/_local/mail/..%2f" + m.ID + "/attachments/1", "/_local/mail/x/attachments/1"} {
				if answer := get(none); answer.StatusCode != 404 {
					t.Errorf("%s: %d", none, answer.StatusCode)
				}
			}
			if dir != "" {
				if again, _ := open(t, dir); again.Mail("")[0].Attachments[0].URL != m.Attachments[0].URL {
					t.Errorf("after a new start there is %+v", again.Mail(""))
				}
			}
		})
	}
}

func TestNobodysMailIsAnEmptyList(t *testing.T) {
	box, _ := open(t, "")
	answer := httptest.NewRecorder()
	box.List(answer, httptest.NewRequest("GET", "/_local/mail?to=nobody@example.test", nil))
	if got := strings.TrimSpace(answer.Body.String()); got != "[]" {
		t.Errorf("got %s", got)
	}
}

func TestTheEnvelopeNamesWhoGetsIt(t *testing.T) {
	box, client := open(t, "")
	if _, err := send(t, client, letter(t, "header@example.test", "x", "x", "x"), "envelope@example.test", "second@example.test"); err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]int{"header@example.test": 0, "envelope@example.test": 1, "second@example.test": 1} {
		if got := len(box.Mail(to)); got != want {
			t.Errorf("%s has %d mails, want %d", to, got, want)
		}
	}
}

func TestMailsAreKeptAsFilesAndReadAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	_, client := open(t, dir)
	raw := letter(t, "oie@example.test", "Alles", "Alles", "<p>Alles</p>")
	id, err := send(t, client, raw)
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(filepath.Join(dir, id+".eml")); err != nil || !bytes.Equal(kept, raw) {
		t.Errorf("the file is not the message: %v", err)
	}
	again, _ := open(t, dir)
	if got := again.Mail("oie@example.test"); len(got) != 1 || got[0].ID != id || got[0].Subject != "Alles" || got[0].At.IsZero() {
		t.Errorf("after a new start there is %+v", got)
	}
}

func TestWhatSESRefusesIsRefused(t *testing.T) {
	box, client := open(t, "")
	for name, raw := range map[string]string{
		"NoFrom":      "To: a@b.test\r\n\r\nx",
		"ToNobody":    "From: a@b.test\r\n\r\nx",
		"BadAddress":  "From: a@b.test\r\nTo: @@\r\n\r\nx",
		"NoHeader":    "no header at all",
		"BrokenParts": "From: a@b.test\r\nTo: a@b.test\r\nContent-Type: multipart/mixed\r\n\r\nx",
	} {
		if _, err := send(t, client, []byte(raw)); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	if _, err := client.VerifyEmailIdentity(t.Context(), &ses.VerifyEmailIdentityInput{EmailAddress: aws.String("a@b.test")}); err == nil || !strings.Contains(err.Error(), "InvalidAction") {
		t.Errorf("another action: %v", err)
	}
	answer := httptest.NewRecorder()
	form := httptest.NewRequest("POST", "/", strings.NewReader("Action=SendRawEmail&RawMessage.Data=%%"))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	box.ServeHTTP(answer, form)
	if answer.Code != 400 {
		t.Errorf("a broken form: %d", answer.Code)
	}
	if got := box.Mail(""); len(got) != 0 {
		t.Errorf("refused and kept: %+v", got)
	}
}

func TestLinksAreFoundOnceAndWithoutTheSentenceAroundThem(t *testing.T) {
	for text, want := range map[string][]string{
		"See https://a.test/x, or (https://b.test/y).": {"https://a.test/x", "https://b.test/y"},
		"https://a.test/x_(1) https://a.test/x_(1)":    {"https://a.test/x_(1)"},
		"<http://localhost:8080/verify?token=t-_>":     {"http://localhost:8080/verify?token=t-_"},
		"ftp://a.test mailto:a@b.test":                 {},
	} {
		box, client := open(t, "")
		if _, err := send(t, client, letter(t, "a@b.test", "x", text, `<!DOCTYPE html PUBLIC "x" "http://www.w3.org/x.dtd"><html xmlns="http://www.w3.org/1999/xhtml"></html>`)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, box.Mail("")[0].Links); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestThePageShowsMailsAndRunsNothing(t *testing.T) {
	box, client := open(t, "")
	const evil = `</iframe><script>alert(1)</script>`
	if _, err := send(t, client, letter(t, "a@b.test", "Tere "+evil, evil, `<p onclick="x">"hi"</p>`+evil)); err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	box.Page(answer, httptest.NewRequest("GET", "/_local/mailbox?to=a@b.test", nil))
	got := answer.Body.String()
	for _, want := range []string{`lang="en"`, `<label for="to">`, "Tere &lt;/iframe&gt;", `sandbox="allow-popups allow-popups-to-escape-sandbox"`, `/attachments/1" target="_blank" rel="noreferrer">kviitung.pdf</a>`, "Plain text"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page has no %s:\n%s", want, got)
		}
	}
	if strings.Contains(got, "<script") || strings.Contains(got, "ZgotmplZ") {
		t.Errorf("the page holds what a mail wanted it to hold:\n%s", got)
	}
	if policy := answer.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("the policy is %q", policy)
	}

	answer = httptest.NewRecorder()
	box.Page(answer, httptest.NewRequest("GET", "/_local/mailbox?to=%22%3E%3Cscript%3E", nil))
	if got := answer.Body.String(); !strings.Contains(got, "No mail") || strings.Contains(got, "<script") {
		t.Errorf("the empty page is\n%s", got)
	}
}
