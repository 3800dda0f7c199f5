// Package mail is the edge to SES: a rendered letter and the papers that go with it become a MIME message and are handed over.
//
// SES takes no token for "the same again", so a call whose answer is lost is never repeated in here: whoever asked decides.
// The package knows no table, chooses no words and logs nothing about anybody.
package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	netmail "net/mail"
	"path"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ses"
	"github.com/aws/aws-sdk-go-v2/service/ses/types"
	"github.com/aws/smithy-go"
	"github.com/emersion/go-message"
	"github.com/emersion/go-message/mail"

	"opiq/shared/letter"
)

// ErrSender is SES not taking mail from our own address: nothing is wrong with the letter.
var ErrSender = errors.New("mail: SES does not take mail from our sender")

// Refused is SES saying that it will never take this message. Any other error may go away by itself.
type Refused struct {
	Code string // SES's own word for it; holds nothing personal
}

func (e *Refused) Error() string { return "mail: SES refused the message: " + e.Code }

// Sender hands mail over in the name of one address.
type Sender struct {
	client *ses.Client
	from   netmail.Address
}

// Attachment is a paper that goes with a letter.
type Attachment struct {
	Name string // of the file
	Type string // media type
	Data []byte
}

// Open makes a sender of an address like "Opiq <no-reply@opiq.example>", whose domain SES has verified.
func Open(cfg aws.Config, sender string) (*Sender, error) {
	from, err := netmail.ParseAddress(sender)
	if err != nil {
		return nil, fmt.Errorf("mail: sender %q: %w", sender, err)
	}
	client := ses.NewFromConfig(cfg, func(o *ses.Options) {
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.Retryables = []retry.IsErrorRetryable{retry.RetryableErrorCode{Codes: retry.DefaultThrottleErrorCodes}}
		})
	})
	return &Sender{client, *from}, nil
}

// Send hands a letter with its papers over once and answers SES's name for it. It fails with *Refused where trying again is in vain.
func (s *Sender) Send(ctx context.Context, l letter.Letter, to letter.Recipient, m letter.Message, papers []Attachment) (string, error) {
	raw, err := s.message(l, to, m, papers)
	if err != nil {
		return "", err
	}
	out, err := s.client.SendRawEmail(ctx, &ses.SendRawEmailInput{
		Source: &s.from.Address, Destinations: []string{to.Address}, RawMessage: &types.RawMessage{Data: raw},
	})
	if err != nil {
		return "", s.meaning(err)
	}
	return aws.ToString(out.MessageId), nil
}

// meaning tells a message that will never be taken from a day on which none is. SES's own text may name addresses and
// goes no further.
func (s *Sender) meaning(err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fmt.Errorf("mail: %w", err)
	}
	switch code := api.ErrorCode(); {
	case code == "MessageRejected" && strings.Contains(api.ErrorMessage(), s.from.Address):
		return ErrSender
	case code == "MessageRejected", code == "InvalidParameterValue":
		return &Refused{code}
	default:
		return fmt.Errorf("mail: SES answered %s", code)
	}
}

// message writes the letter as MIME: the text, and the same as HTML for those who prefer it; with papers, both together are
// the first part of a mixed message. Texts are quoted-printable, papers base64; headers are RFC 2047 where they need to be,
// and no header takes a line break.
func (s *Sender) message(l letter.Letter, to letter.Recipient, m letter.Message, papers []Attachment) ([]byte, error) {
	if _, err := netmail.ParseAddress(to.Address); err != nil || strings.ContainsFunc(to.Address, unicode.IsSpace) {
		return nil, &Refused{"InvalidAddress"}
	}
	var h mail.Header
	h.SetAddressList("From", []*mail.Address{{Name: s.from.Name, Address: s.from.Address}})
	name := strings.ReplaceAll(oneLine(to.Name), `\`, " ") // in an encoded name mail programs stumble over it
	h.SetAddressList("To", []*mail.Address{{Name: name, Address: to.Address}})
	h.SetSubject(oneLine(m.Subject))
	h.SetDate(l.CreatedAt)
	h.Set("MIME-Version", "1.0")
	h.Set("Content-Language", string(to.Language))
	h.Set("Auto-Submitted", "auto-generated") // RFC 3834: no robot answers a robot
	h.SetText("X-Opiq-Letter", oneLine(string(l.ID)))
	// SES gives every message an id of its own; by the reference mail programs show the letters about one thing together.
	h.Set("Message-Id", s.id(string(l.ID)))
	h.Set("References", s.id(path.Dir(string(l.ID))))

	var raw bytes.Buffer
	if err := compose(&raw, h, m, papers); err != nil {
		return nil, err
	}
	return raw.Bytes(), nil
}

func compose(out io.Writer, h mail.Header, m letter.Message, papers []Attachment) error {
	if len(papers) == 0 {
		w, err := mail.CreateInlineWriter(out, h)
		if err != nil {
			return err
		}
		return bothWays(w, m)
	}
	w, err := mail.CreateWriter(out, h)
	if err != nil {
		return err
	}
	inline, err := w.CreateInline()
	if err != nil {
		return err
	}
	if err := bothWays(inline, m); err != nil {
		return err
	}
	for _, p := range papers {
		if err := attach(w, p); err != nil {
			return err
		}
	}
	return w.Close()
}

// bothWays writes the text and the HTML, and ends the part.
func bothWays(w *mail.InlineWriter, m letter.Message) error {
	for _, part := range []struct{ kind, text string }{{"text/plain", m.Text}, {"text/html", m.HTML}} {
		if err := write(w, part.kind, part.text); err != nil {
			return err
		}
	}
	return w.Close()
}

func attach(w *mail.Writer, p Attachment) error {
	var h mail.AttachmentHeader
	h.SetContentType(p.Type, nil)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": p.Name})) // RFC 2231
	part, err := w.CreateAttachment(h)
	if err != nil {
		return err
	}
	if _, err := part.Write(p.Data); err != nil {
		return err
	}
	return part.Close()
}

func write(w *mail.InlineWriter, kind, text string) error {
	var h message.Header
	h.SetContentType(kind, map[string]string{"charset": "utf-8"})
	part, err := w.CreatePart(mail.InlineHeader{Header: h})
	if err != nil {
		return err
	}
	if _, err := io.WriteString(part, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		return err
	}
	return part.Close()
}

// id is a message id (RFC 5322) of a letter's name.
func (s *Sender) id(name string) string {
	_, domain, _ := strings.Cut(s.from.Address, "@")
	return "<" + strings.Map(func(r rune) rune {
		if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-') {
			return r
		}
		return '.'
	}, name) + "@" + domain + ">"
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}
