package papers

import (
	"embed"
	"errors"
	"fmt"
	"image/color"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/pdf"
	"opiq/shared/words"
)

// What a record can have that no paper says: mistakes in the program, both of them.
var (
	ErrLanguage = errors.New("papers: there is no such language")
	ErrReason   = errors.New("papers: there are no words for this reason")
)

// texts are what stands on papers, one file for each language: a name, a colon and the text, in which {name} is a value's place.
//
//go:embed texts
var texts embed.FS

// paper is a document in the making: y is where the next line goes.
type paper struct {
	doc   *pdf.Document
	words words.Words
	texts map[string]string
	y     pdf.Length
}

// begin draws the head of a paper.
func begin(language lang.Code, kind, number string, s invoice.Seller, made time.Time) (*paper, error) {
	w, ok := words.In(language)
	source, err := texts.ReadFile("texts/" + string(language) + ".txt")
	if err != nil || !ok {
		return nil, ErrLanguage
	}
	p := &paper{words: w, texts: map[string]string{}}
	for line := range strings.Lines(string(source)) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), ": ")
		p.texts[name] = text
	}
	name := p.say(kind)
	number = p.say("number", "number", number)
	p.doc = pdf.New(pdf.About{Title: name + " " + number, Author: s.Name, Language: string(language), Made: made})
	p.doc.In("H1", func() {
		p.doc.Text(title, left, 31*pdf.MM, name)
		p.doc.Text(below, left, 38500*pdf.MM/1000, number)
	})
	p.doc.In("P", func() { p.doc.TextRight(brand, right, 31*pdf.MM, "Opiq") })
	p.y = 52 * pdf.MM
	return p, nil
}

// end draws the foot of a paper and answers its bytes.
func (p *paper) end(s invoice.Seller) []byte {
	p.doc.In("P", func() {
		p.doc.Text(label, left, pdf.Height-15*pdf.MM, p.say("questions", "email", s.Email, "phone", s.Phone))
	})
	return p.doc.Bytes()
}

// say is a text of the language with values, given as names and values in turn. A name without a text is a mistake in the
// program and panics.
func (p *paper) say(name string, values ...string) string {
	text, ok := p.texts[name]
	if !ok {
		panic(fmt.Sprintf("papers: there is no text %q", name))
	}
	for i := 0; i < len(values); i += 2 {
		values[i] = "{" + values[i] + "}"
	}
	return strings.NewReplacer(values...).Replace(text)
}

// sayIf is the text, or nothing where its value is empty.
func (p *paper) sayIf(name, key, value string) string {
	if value == "" {
		return ""
	}
	return p.say(name, key, value)
}

// lines writes a text in lines of a width as a paragraph.
func (p *paper) lines(s pdf.Style, x, width, height pdf.Length, text string) {
	p.doc.In("P", func() {
		for _, line := range s.Font.Lines(text, s.Size, width) {
			p.doc.Text(s, x, p.y, line)
			p.y += height
		}
	})
}

// rule draws a line over the page.
func (p *paper) rule(y pdf.Length) {
	p.doc.Decorate(faint, pdf.Rectangle{X: left, Y: y, Width: right - left, Height: hair})
}

// room goes on to a new page where so much does not fit on this one.
func (p *paper) room(height pdf.Length) {
	if p.y+height > bottom {
		p.doc.NewPage()
		p.y = 31 * pdf.MM
	}
}

// column is a column of a table: its head, and where it begins and how wide it is or, if it is one of numbers, where it ends.
type column struct {
	head     string
	x, width pdf.Length
	number   bool
}

// table draws rows under heads; more stands in small below the first cell of each.
func (p *paper) table(columns []column, rows [][]string, more string) {
	p.doc.In("Table", func() {
		p.doc.In("TR", func() {
			for _, c := range columns {
				p.doc.Heading(func() { p.cell(c, label, p.say(c.head)) })
			}
		})
		p.rule(p.y + 2500*pdf.MM/1000)
		p.y += 8500 * pdf.MM / 1000
		for _, row := range rows {
			p.room(14 * pdf.MM)
			p.doc.In("TR", func() {
				top, lowest := p.y, p.y
				for i, c := range columns {
					p.y = top
					p.doc.In("TD", func() {
						if i > 0 || more == "" {
							p.cell(c, body, row[i])
							return
						}
						p.cell(c, strong, row[i])
						p.y += 4600 * pdf.MM / 1000
						p.cell(c, label, more)
					})
					lowest = max(lowest, p.y)
				}
				p.y = lowest + 6*pdf.MM
			})
		}
	})
	p.rule(p.y - 2*pdf.MM)
	p.y += 5 * pdf.MM
}

// cell writes a text into a column, in lines; p.y is then the last one's.
func (p *paper) cell(c column, s pdf.Style, text string) {
	if c.number {
		p.doc.TextRight(s, c.x, p.y, text)
		return
	}
	for i, line := range s.Font.Lines(text, s.Size, c.width) {
		if i > 0 {
			p.y += s.Size * 135 / 100
		}
		p.doc.Text(s, c.x, p.y, line)
	}
}

// plain is a text on one line, its letters composed, without what moves the cursor or turns the direction of writing.
func plain(s string) string {
	return norm.NFC.String(strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) && r != '\u00a0' || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar
	}), " "))
}

func dark(c color.Color) bool {
	r, _, _, _ := c.RGBA()
	return r == 0
}
