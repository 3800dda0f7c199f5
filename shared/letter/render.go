package letter

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"opiq/shared/civil"
	"opiq/shared/prose"
	"opiq/shared/seller"
	"opiq/shared/words"
)

// Site is the shop as letters speak of it.
type Site struct {
	PublicURL string // no slash at the end
	Seller    seller.Seller
}

// Message is a letter as it is read.
type Message struct {
	Subject string
	Text    string
	HTML    string
}

// SHA256 is the fingerprint of the wording, in hex.
func (m Message) SHA256() string {
	sum := sha256.Sum256([]byte(m.Subject + "\n" + m.Text))
	return hex.EncodeToString(sum[:])
}

// Why a letter cannot be written: mistakes in the program, all of them.
var (
	ErrKind     = errors.New("letter: there is no such kind")
	ErrLanguage = errors.New("letter: there is no such language")
	ErrFact     = errors.New("letter: a fact is missing or is not what its name promises")
	ErrToken    = errors.New("letter: a link needs a token, and a letter without a link takes none")
	ErrExpires  = errors.New("letter: a link lives an hour at most")
)

const linkLives = time.Hour

// texts are the wordings, one file for each kind and language: the first line is the subject, the rest is prose with
// lines that are said or not (see choose).
//
//go:embed texts
var texts embed.FS

// Render writes the letter in the recipient's language. Token is the secret of its link, "" where its kind has none.
func Render(l Letter, to Recipient, site Site, token string) (Message, error) {
	k, ok := kinds[l.Kind]
	if !ok {
		return Message{}, ErrKind
	}
	w, ok := languages[to.Language]
	if !ok {
		return Message{}, ErrLanguage
	}
	if (k.page == "") != (token == "") {
		return Message{}, ErrToken
	}
	if k.page != "" && l.Expires().Sub(l.CreatedAt) > linkLives {
		return Message{}, ErrExpires
	}
	values, err := values(l, k, w, site, token)
	if err != nil {
		return Message{}, err
	}
	values["stopped"] = ""
	if to.Stopped {
		values["stopped"] = "yes"
	}
	subject, body, err := text(string(l.Kind), to, values, l.Facts)
	if err != nil {
		return Message{}, err
	}
	_, foot, err := text("foot", to, values, l.Facts)
	if err != nil {
		return Message{}, err
	}
	hello := w.noName
	if name := plain(to.Name); name != "" && !k.stranger {
		hello = fmt.Sprintf(w.hello, name)
	}
	return Message{
		Subject: subject,
		Text:    hello + "\n\n" + body.Text() + "\n-- \n" + foot.Text(),
		HTML:    page(to, subject, hello, body, foot),
	}, nil
}

// values are what a text of this kind may say: its facts as people read them, and what follows from them.
func values(l Letter, k kind, w speech, site Site, token string) (map[string]string, error) {
	zone := civil.Tallinn
	if z := l.Facts["zone"]; z != "" {
		if _, err := time.LoadLocation(z); err != nil {
			return nil, fmt.Errorf("%w: zone of %s", ErrFact, l.ID)
		}
		zone = civil.Zone(z)
	}
	v := map[string]string{
		"site": site.PublicURL, "seller": site.Seller.Name, "register": site.Seller.Register, "email": site.Seller.Email,
		"phone": strings.ReplaceAll(site.Seller.Phone, " ", words.Space),
		"zone":  w.zone(zone),
	}
	for _, name := range k.facts {
		fact, ok := l.Facts[name]
		if !ok {
			return nil, fmt.Errorf("%w: %s of %s", ErrFact, name, l.ID)
		}
		if write := formats[name]; write != nil {
			if v[name], ok = write(w, plain(fact), zone); !ok {
				return nil, fmt.Errorf("%w: %s of %s", ErrFact, name, l.ID)
			}
		}
	}
	for _, name := range k.may {
		v[name] = ""
		if fact := plain(l.Facts[name]); fact != "" {
			var ok bool
			if v[name], ok = formats[name](w, fact, zone); !ok {
				return nil, fmt.Errorf("%w: %s of %s", ErrFact, name, l.ID)
			}
		}
	}
	if order := l.Facts["order"]; order != "" {
		v["orderPage"] = site.PublicURL + "/orders/" + url.PathEscape(order)
	}
	if _, ok := v["terms"]; ok {
		v["termsPage"] = site.PublicURL + "/terms/order"
	}
	if through, err := civil.Parse(l.Facts["validThrough"]); err == nil && !firstDay(l, zone).IsZero() {
		first := firstDay(l, zone)
		v["period"], v["firstDay"] = w.Period(first, through), w.Date(first)
		if v["askedFor"] == v["firstDay"] {
			v["askedFor"] = "" // the license begins as it was asked for, and nothing is to be said
		}
	}
	if at, err := time.Parse(time.RFC3339, l.Facts["paidAt"]); err == nil {
		v["paidOn"] = w.Date(civil.DateOf(at, zone))
	}
	if k.page != "" {
		v["link"] = site.PublicURL + k.page + "?token=" + url.QueryEscape(token)
	}
	return v, nil
}

// firstDay is the day on which a license begins, where the letter knows it; the instant is nearer to the truth than the wish.
func firstDay(l Letter, zone civil.Zone) civil.Date {
	if at, err := time.Parse(time.RFC3339, l.Facts["startsAt"]); err == nil {
		return civil.DateOf(at, zone)
	}
	d, _ := civil.Parse(l.Facts["startsOn"]) // was read before, if it is a fact
	return d
}

func text(name string, to Recipient, values, facts map[string]string) (first string, rest prose.Doc, err error) {
	source, err := texts.ReadFile("texts/" + name + "." + string(to.Language) + ".txt")
	if err != nil {
		return "", prose.Doc{}, err
	}
	said, err := choose(string(source), values, facts)
	if err != nil {
		return "", prose.Doc{}, err
	}
	subject, body, _ := strings.Cut(said, "\n")
	title, err := prose.Parse(subject).Fill(values)
	if err != nil {
		return "", prose.Doc{}, err
	}
	rest, err = prose.Parse(body).Fill(values)
	return strings.TrimSpace(title.Text()), rest, err
}

// choose is a source as it is for these values: a line that begins with "?name " is said only where that value is not empty,
// one with "!name " only where it is. "?name=fact " and "!name=fact " ask which fact the value was made of. Of several such
// beginnings all have to hold.
func choose(source string, values, facts map[string]string) (string, error) {
	var said strings.Builder
	for line := range strings.Lines(source) {
		spoken, err := spoken(line, values, facts)
		if err != nil {
			return "", err
		}
		said.WriteString(spoken)
	}
	return said.String(), nil
}

// spoken is what is said of a line: all of it without its conditions, or nothing.
func spoken(line string, values, facts map[string]string) (string, error) {
	if line == "" || line[0] != '?' && line[0] != '!' {
		return line, nil
	}
	condition, rest, _ := strings.Cut(line[1:], " ")
	name, fact, exact := strings.Cut(condition, "=")
	value, known := values[name]
	if !known {
		return "", fmt.Errorf("letter: a line depends on %q, which is no value", name)
	}
	holds := value != ""
	if exact {
		holds = facts[name] == fact
	}
	if holds != (line[0] == '?') {
		return "", nil
	}
	return spoken(rest, values, facts)
}

// plain is a text on one line, without what moves the cursor or turns the direction of writing.
func plain(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar
	}), " ")
}

// style is the look, in the only form that mail programs respect. Contrast is 7:1 or better everywhere.
var style = prose.Style{
	"body":   "margin:0;padding:24px 16px;background:#ffffff;color:#1b1b1b;overflow-wrap:break-word;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif",
	"main":   "display:block;max-width:576px;margin:0 auto",
	"h1":     "font-size:24px;line-height:1.25;margin:0 0 24px",
	"h2":     "font-size:18px;line-height:1.3;margin:24px 0 8px",
	"p":      "margin:0 0 16px",
	"ul":     "margin:0 0 16px;padding:0 0 0 24px",
	"table":  "margin:0 0 16px;border-collapse:collapse;width:100%",
	"th":     "text-align:left;vertical-align:top;font-weight:normal;color:#4a4a4a;padding:6px 16px 6px 0;border-bottom:1px solid #d9d9d9",
	"td":     "text-align:left;vertical-align:top;padding:6px 0;border-bottom:1px solid #d9d9d9",
	"a":      "color:#0b4f8a",
	"button": "display:inline-block;padding:12px 24px;border-radius:6px;background:#0b4f8a;color:#ffffff;font-weight:bold;text-decoration:none",
	"footer": "display:block;max-width:576px;margin:32px auto 0;padding:16px 0 0;border-top:1px solid #d9d9d9;color:#4a4a4a;font-size:14px",
}

func page(to Recipient, subject, hello string, body, foot prose.Doc) string {
	return "<!doctype html>\n<html lang=\"" + string(to.Language) + "\">\n<head>\n<meta charset=\"utf-8\">\n" +
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n" + element("title", subject) + "</head>\n" +
		style.Open("body") + "\n" + style.Open("main") + "\n" + element("h1", subject) + element("p", hello) + body.HTML(style) + "</main>\n" +
		style.Open("footer") + "\n" + foot.HTML(style) + "</footer>\n</body>\n</html>\n"
}

func element(name, text string) string {
	return style.Open(name) + prose.Escape(text) + "</" + name + ">\n"
}
