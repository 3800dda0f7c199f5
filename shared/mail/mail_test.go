package mail

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	netmail "net/mail"
	"net/textproto"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/emersion/go-message/mail"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"opiq/shared/lang"
	"opiq/shared/letter"
)

var (
	confirmation = letter.Letter{ID: "order/2600012345/confirmation", Kind: letter.OrderConfirmation, CreatedAt: time.Date(2026, 9, 1, 9, 8, 0, 0, time.UTC)}
	oie          = letter.Recipient{Address: "oie@example.com", Name: "Õie Әсем Иванова", Language: lang.Kazakh}
	words        = letter.Message{Subject: "2600012345 тапсырысы қабылданды", Text: "Сәлеметсіз бе!\n\nБағасы: 12,50 €\n-- \n.\n", HTML: "<!doctype html>\n<p>Сәлеметсіз бе!</p>\n"}
)

func open(t *testing.T, answer http.HandlerFunc) *Sender {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	s, err := Open(aws.Config{
		Region: "eu-north-1", BaseEndpoint: &server.URL, HTTPClient: server.Client(),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "key"}, nil
		}),
	}, "Opiq <no-reply@opiq.example>")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const taken = `<SendRawEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><SendRawEmailResult><MessageId>ses-1</MessageId></SendRawEmailResult></SendRawEmailResponse>`

func fault(code, text string) string {
	return `<ErrorResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><Error><Type>Sender</Type><Code>` + code + `</Code><Message>` + text + `</Message></Error></ErrorResponse>`
}

// read takes a raw message apart the way a mail program does.
func read(t interface{ Fatal(...any) }, raw []byte) (h mail.Header, parts map[string]string) {
	r, err := mail.CreateReader(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	parts = map[string]string{}
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return r.Header, parts
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := part.Header.(*mail.InlineHeader).ContentType()
		body, err := io.ReadAll(part.Body)
		if err != nil {
			t.Fatal(err)
		}
		parts[kind] = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

func TestLetterArrivesAsItWasWritten(t *testing.T) {
	var form url.Values
	s := open(t, func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		form = r.PostForm
		io.WriteString(w, taken)
	})
	id, err := s.Send(t.Context(), confirmation, oie, words, nil)
	if err != nil || id != "ses-1" {
		t.Fatalf("%q %v", id, err)
	}
	if form.Get("Source") != "no-reply@opiq.example" || form.Get("Destinations.member.1") != oie.Address {
		t.Errorf("%v", form)
	}
	raw, err := s.message(confirmation, oie, words, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, parts := read(t, raw)
	if diff := cmp.Diff(map[string]string{"text/plain": words.Text, "text/html": words.HTML}, parts); diff != "" {
		t.Error(diff)
	}
	to, _ := h.AddressList("To")
	subject, _ := h.Subject()
	if len(to) != 1 || to[0].Name != oie.Name || to[0].Address != oie.Address || subject != words.Subject {
		t.Errorf("%v %q", to, subject)
	}
	for name, want := range map[string]string{
		"Auto-Submitted": "auto-generated", "X-Opiq-Letter": "order/2600012345/confirmation", "Content-Language": "kk",
		"References": "<order.2600012345@opiq.example>", "Message-Id": "<order.2600012345.confirmation@opiq.example>", "List-Unsubscribe": "",
		"From": `"Opiq" <no-reply@opiq.example>`, "Date": "Tue, 01 Sep 2026 09:08:00 +0000",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for line := range strings.Lines(string(raw)) {
		if len(line) > 200 || strings.ContainsFunc(line, func(r rune) bool { return r > 0x7e }) {
			t.Errorf("a line that mail servers may break: %q", line)
		}
	}
}

// TestPapersGoAlong: the letter reads as without them, and each arrives byte for byte under its name. It is read by the
// standard library, which had no part in writing it.
func TestPapersGoAlong(t *testing.T) {
	binary := make([]byte, 100_000)
	for i := range binary {
		binary[i] = byte(i * i >> 3)
	}
	papers := []Attachment{{"invoice-2026-000123.pdf", "application/pdf", binary}, {"arve õ.xml", "application/xml", []byte("<Arve/>")}}
	raw, err := open(t, nil).message(confirmation, oie, words, papers)
	if err != nil {
		t.Fatal(err)
	}
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	parts := partsOf(t, m.Header.Get("Content-Type"), "multipart/mixed", m.Body)
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	both := partsOf(t, parts[0].header.Get("Content-Type"), "multipart/alternative", bytes.NewReader(parts[0].body))
	if len(both) != 2 || string(both[0].body) != strings.ReplaceAll(words.Text, "\n", "\r\n") || string(both[1].body) != strings.ReplaceAll(words.HTML, "\n", "\r\n") {
		t.Errorf("%d ways: %q", len(both), both)
	}
	for i, p := range parts[1:] {
		how, with, err := mime.ParseMediaType(p.header.Get("Content-Disposition"))
		if err != nil || how != "attachment" || with["filename"] != papers[i].Name || p.header.Get("Content-Type") != papers[i].Type ||
			p.header.Get("Content-Transfer-Encoding") != "base64" {
			t.Errorf("%v %v", p.header, err)
		}
		if data, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(p.body))); err != nil || !bytes.Equal(data, papers[i].Data) {
			t.Errorf("%s arrived with %d bytes, %v", papers[i].Name, len(data), err)
		}
	}
	for line := range strings.Lines(string(raw)) {
		if len(line) > 200 || strings.ContainsFunc(line, func(r rune) bool { return r > 0x7e }) {
			t.Errorf("a line that mail servers may break: %q", line)
		}
	}
	if most := len(binary)*4/3 + len(binary)/25 + 5_000; len(raw) > most {
		t.Errorf("%d bytes, expected at most %d", len(raw), most)
	}
}

type part struct {
	header textproto.MIMEHeader
	body   []byte
}

func partsOf(t *testing.T, contentType, want string, body io.Reader) (all []part) {
	t.Helper()
	kind, with, err := mime.ParseMediaType(contentType)
	if err != nil || kind != want {
		t.Fatalf("%q is not %s: %v", contentType, want, err)
	}
	for r := multipart.NewReader(body, with["boundary"]); ; { // undoes quoted-printable by itself
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, part{p.Header, data})
	}
}

func TestNobodyWritesHeadersThroughAName(t *testing.T) {
	s := open(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		bad := rapid.SampledFrom([]string{"\r\nBcc: all@example.com", "\nSubject: x\n\n<b>", "\r", "\u2028", "\x00", `"`, "<a@b.cc>,", "=?utf-8?q?=0D=0ABcc:?="})
		hostile := func(name string) string {
			return rapid.StringN(0, 20, -1).Draw(t, name) + bad.Draw(t, name+"!") + rapid.StringN(0, 20, -1).Draw(t, name)
		}
		to, m, l := oie, words, confirmation
		to.Name, m.Subject, l.ID = hostile("name"), hostile("subject"), letter.ID(hostile("id"))
		raw, err := s.message(l, to, m, nil)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := netmail.ReadMessage(strings.NewReader(string(raw)))
		if err != nil {
			t.Fatalf("%v\n%s", err, raw)
		}
		if len(parsed.Header) != 11 || parsed.Header.Get("Bcc") != "" {
			t.Fatalf("headers: %v", parsed.Header)
		}
		h, parts := read(t, raw)
		if list, err := h.AddressList("To"); err != nil || len(list) != 1 || list[0].Address != to.Address || strings.ContainsAny(list[0].Name, "\r\n") {
			t.Fatalf("%v %v", list, err)
		}
		if parts["text/plain"] != words.Text {
			t.Fatalf("body: %q", parts["text/plain"])
		}
	})
}

func TestAddressThatIsNoneIsRefused(t *testing.T) {
	s := open(t, nil)
	for _, address := range []string{"", "mari", "mari@example.com\r\nBcc: x@example.com", "a@example.com, b@example.com", "mari @example.com"} {
		if _, err := s.message(confirmation, letter.Recipient{Address: address, Language: lang.English}, words, nil); !isRefused(err) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func isRefused(err error) bool {
	_, ok := errors.AsType[*Refused](err)
	return ok
}

func TestAnswersOfSES(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		answer  string
		calls   int
		refused bool
		want    error
	}{
		"the address is refused for good":      {400, fault("MessageRejected", "Address is on the suppression list: oie@example.com"), 1, true, nil},
		"the address is none":                  {400, fault("InvalidParameterValue", "Missing final '@domain'"), 1, true, nil},
		"our own address is not verified":      {400, fault("MessageRejected", "Email address is not verified: no-reply@opiq.example"), 1, false, ErrSender},
		"sending is paused":                    {400, fault("AccountSendingPausedException", "paused for oie@example.com"), 1, false, nil},
		"too fast":                             {400, fault("Throttling", "Maximum sending rate exceeded."), 3, false, nil},
		"broken, and nobody knows if it went":  {500, fault("InternalFailure", ""), 1, false, nil},
		"an answer that says nothing readable": {502, "<html>", 1, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			s := open(t, func(w http.ResponseWriter, _ *http.Request) {
				calls++
				w.WriteHeader(c.status)
				io.WriteString(w, c.answer)
			})
			_, err := s.Send(t.Context(), confirmation, oie, words, nil)
			if err == nil || isRefused(err) != c.refused || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%v", err)
			}
			if calls != c.calls {
				t.Errorf("%d calls, want %d", calls, c.calls)
			}
			if strings.Contains(err.Error(), oie.Address) {
				t.Errorf("the error names a person: %v", err)
			}
		})
	}
}

func TestLostAnswerIsNotAskedForAgain(t *testing.T) {
	var calls atomic.Int32
	s := open(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		panic(http.ErrAbortHandler)
	})
	if _, err := s.Send(t.Context(), confirmation, oie, words, nil); err == nil || isRefused(err) || calls.Load() != 1 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
}

func TestSenderHasToBeAnAddress(t *testing.T) {
	if _, err := Open(aws.Config{Region: "eu-north-1"}, "no-reply"); err == nil {
		t.Error("opened")
	}
}
