// Package inbox is where the mail of a local run goes: an SES that takes SendRawEmail and delivers to nobody.
//
// An Inbox is the http.Handler that SES's clients talk to; List, Page and File show what came, to programs and to eyes. What cannot
// be read as a mail, or goes to nobody, is refused as SES refuses it. The package sends nothing and checks no sender.
package inbox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-message/mail"
)

// Mail is a message as it came.
type Mail struct {
	ID          string       `json:"-"` // what SES would call it
	At          time.Time    `json:"-"`
	From        string       `json:"-"`
	To          string       `json:"to"` // addresses, separated by commas
	Subject     string       `json:"subject"`
	Text        string       `json:"text"`
	HTML        string       `json:"html"`
	Attachments []Attachment `json:"attachments"`
	Links       []string     `json:"links"` // http and https, of the text and then of the HTML, each once
}

// Attachment is a part of a mail that is not its text.
type Attachment struct {
	Name string `json:"name"`
	Type string `json:"type"` // media type
	Size int    `json:"size"` // bytes
	URL  string `json:"url"`  // where File answers it
	Data []byte `json:"-"`    // only in an inbox without a folder
}

// Inbox holds mails.
type Inbox struct {
	dir   string
	mu    sync.Mutex
	mails []Mail // oldest first
}

// New opens an inbox that keeps each message as an .eml file in dir and begins with those that are there. With "" it keeps
// them in memory alone.
func New(dir string) (*Inbox, error) {
	in := &Inbox{dir: dir}
	if dir == "" {
		return in, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.eml")) // sorted: their names begin with the time
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		m, err := parse(raw, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		id := strings.TrimSuffix(filepath.Base(file), ".eml")
		m.At, _ = time.Parse(stamp, id) // another name than ours: no time to show
		in.add(m, id)
	}
	return in, nil
}

const stamp = "20060102T150405.000000000Z"

// add lists a message under its name. What its file holds stays there.
func (in *Inbox) add(m Mail, id string) {
	m.ID = id
	for i := range m.Attachments {
		m.Attachments[i].URL = fmt.Sprintf("/_local/mail/%s/attachments/%d", url.PathEscape(id), i+1)
		if in.dir != "" {
			m.Attachments[i].Data = nil
		}
	}
	in.mails = append(in.mails, m)
}

// Mail is what came for an address, newest first; "" is everybody's.
func (in *Inbox) Mail(to string) []Mail {
	in.mu.Lock()
	defer in.mu.Unlock()
	found := []Mail{}
	for _, m := range slices.Backward(in.mails) {
		if to == "" || slices.ContainsFunc(strings.Split(m.To, ", "), func(a string) bool { return strings.EqualFold(a, to) }) {
			found = append(found, m)
		}
	}
	return found
}

// most is what SES takes in one message, bytes.
const most = 10 << 20

// ServeHTTP is SES: the query protocol, of which it knows SendRawEmail.
func (in *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 2*most)
	if err := r.ParseForm(); err != nil {
		refuse(w, "MalformedQueryString", "The form cannot be read.")
		return
	}
	if action := r.PostForm.Get("Action"); action != "SendRawEmail" {
		refuse(w, "InvalidAction", fmt.Sprintf("%q is not played here, only SendRawEmail.", action))
		return
	}
	raw, err := base64.StdEncoding.DecodeString(r.PostForm.Get("RawMessage.Data"))
	if err != nil {
		refuse(w, "InvalidParameterValue", "RawMessage.Data is not base64.")
		return
	}
	if len(raw) > most {
		refuse(w, "InvalidParameterValue", "The message is longer than 10 MB.")
		return
	}
	var to []string
	for i := 1; r.PostForm.Has(fmt.Sprintf("Destinations.member.%d", i)); i++ {
		to = append(to, r.PostForm.Get(fmt.Sprintf("Destinations.member.%d", i)))
	}
	m, err := parse(raw, to)
	if err != nil {
		refuse(w, "MessageRejected", err.Error())
		return
	}
	id, err := in.keep(m, raw)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	answer(w, http.StatusOK, struct {
		XMLName xml.Name `xml:"http://ses.amazonaws.com/doc/2010-12-01/ SendRawEmailResponse"`
		ID      string   `xml:"SendRawEmailResult>MessageId"`
		Request string   `xml:"ResponseMetadata>RequestId"`
	}{ID: id, Request: id})
}

// keep gives a message a name that no other has and that sorts by time.
func (in *Inbox) keep(m Mail, raw []byte) (id string, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	m.At = time.Now().UTC()
	if n := len(in.mails); n > 0 && !m.At.After(in.mails[n-1].At) {
		m.At = in.mails[n-1].At.Add(1)
	}
	id = m.At.Format(stamp)
	if in.dir != "" {
		if err := os.WriteFile(filepath.Join(in.dir, id+".eml"), raw, 0o600); err != nil {
			return "", err
		}
	}
	in.add(m, id)
	return id, nil
}

// parse reads a message. Where the envelope names nobody, the header does.
func parse(raw []byte, to []string) (Mail, error) {
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return Mail{}, fmt.Errorf("the message cannot be read: %w", err)
	}
	defer r.Close()
	m := Mail{Attachments: []Attachment{}, Links: []string{}}
	if m.Subject, err = r.Header.Subject(); err != nil {
		return Mail{}, fmt.Errorf("the subject cannot be read: %w", err)
	}
	from, err := addresses(r.Header, "From")
	if err != nil {
		return Mail{}, err
	}
	if len(from) == 0 {
		return Mail{}, errors.New("the message has no From")
	}
	m.From = strings.Join(from, ", ")
	if len(to) == 0 {
		for _, field := range []string{"To", "Cc", "Bcc"} {
			more, err := addresses(r.Header, field)
			if err != nil {
				return Mail{}, err
			}
			to = append(to, more...)
		}
	}
	if len(to) == 0 {
		return Mail{}, errors.New("the message goes to nobody")
	}
	m.To = strings.Join(to, ", ")

	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Mail{}, fmt.Errorf("a part of the message cannot be read: %w", err)
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			return Mail{}, fmt.Errorf("a part of the message cannot be read: %w", err)
		}
		switch h := part.Header.(type) {
		case *mail.InlineHeader:
			kind, parameters, _ := h.ContentType()
			switch {
			case kind == "text/plain" && m.Text == "":
				m.Text = string(body)
			case kind == "text/html" && m.HTML == "":
				m.HTML = string(body)
			default:
				m.Attachments = append(m.Attachments, Attachment{Name: parameters["name"], Type: kind, Size: len(body), Data: body})
			}
		case *mail.AttachmentHeader:
			kind, _, _ := h.ContentType()
			name, err := h.Filename()
			if err != nil {
				return Mail{}, fmt.Errorf("the name of an attachment cannot be read: %w", err)
			}
			m.Attachments = append(m.Attachments, Attachment{Name: name, Type: kind, Size: len(body), Data: body})
		}
	}
	m.Links = links(m.Text, m.HTML)
	return m, nil
}

func addresses(h mail.Header, field string) (list []string, err error) {
	found, err := h.AddressList(field)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", field, err)
	}
	for _, a := range found {
		list = append(list, a.Address)
	}
	return list, nil
}

var (
	link = regexp.MustCompile("https?://[^\\s<>\"'`]+")
	// names of the notation, which nobody follows
	notation = regexp.MustCompile(`(?i)<!doctype[^>]*>|\bxmlns(:\w+)?\s*=\s*("[^"]*"|'[^']*')`)
)

// links finds the addresses in a mail. A sentence's end behind one is not part of it.
func links(text, page string) []string {
	found := link.FindAllString(text, -1)
	found = append(found, link.FindAllString(html.UnescapeString(notation.ReplaceAllString(page, "")), -1)...)
	once := []string{}
	for _, l := range found {
		l = strings.TrimRight(l, ".,;:!?")
		if strings.HasSuffix(l, ")") && !strings.Contains(l, "(") {
			l = strings.TrimRight(l, ").,;:!?")
		}
		if !slices.Contains(once, l) {
			once = append(once, l)
		}
	}
	return once
}

func refuse(w http.ResponseWriter, code, message string) {
	answer(w, http.StatusBadRequest, struct {
		XMLName xml.Name `xml:"http://ses.amazonaws.com/doc/2010-12-01/ ErrorResponse"`
		Type    string   `xml:"Error>Type"`
		Code    string   `xml:"Error>Code"`
		Message string   `xml:"Error>Message"`
		Request string   `xml:"RequestId"`
	}{Type: "Sender", Code: code, Message: message, Request: "local"})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(v)
}

// List answers GET ?to=ADDRESS with the mails as JSON, newest first.
func (in *Inbox) List(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	_ = out.Encode(in.Mail(strings.TrimSpace(r.URL.Query().Get("to"))))
}

// File answers GET /_local/mail/{id}/attachments/{n} with the n-th attachment of a mail, from 1. A PDF opens in the browser,
// anything else is downloaded: it came from outside and runs nowhere.
func (in *Inbox) File(w http.ResponseWriter, r *http.Request) {
	a, ok := in.attachment(r.PathValue("id"), r.PathValue("n"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	kind, how := "application/octet-stream", "attachment"
	if a.Type == "application/pdf" {
		kind, how = a.Type, "inline"
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", mime.FormatMediaType(how, map[string]string{"filename": a.Name}))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(a.Data)
}

func (in *Inbox) attachment(id, nth string) (Attachment, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	i := slices.IndexFunc(in.mails, func(m Mail) bool { return m.ID == id })
	n, err := strconv.Atoi(nth)
	if i < 0 || err != nil || n < 1 || n > len(in.mails[i].Attachments) {
		return Attachment{}, false
	}
	m := in.mails[i]
	if in.dir != "" {
		raw, err := os.ReadFile(filepath.Join(in.dir, id+".eml"))
		if err != nil {
			return Attachment{}, false
		}
		if m, err = parse(raw, []string{m.To}); err != nil || n > len(m.Attachments) { // somebody changed the file
			return Attachment{}, false
		}
	}
	return m.Attachments[n-1], true
}
