// Package prose is short text for people, written once and shown twice: as HTML and as plain text.
//
// A source is paragraphs with an empty line between them. Lines may begin with "## " (a heading), "- " or "1. " (items of
// a list) and "| " (a row "| label | value" of a table); "[label](target)" is a link, and a paragraph that is nothing but
// a link is a button. "{name}" stands for a value. What a source means is settled before its values are put in, so a value
// is always text: it is never read as markup, as HTML or as another value's name.
package prose

import (
	"fmt"
	"html"
	"strings"
)

// Doc is a text that was read.
type Doc struct{ blocks []block }

type block struct {
	tag   string
	cells [][]piece // two in a row of a table, otherwise one
}

// piece is text, or a link where it has a target.
type piece struct{ text, target string }

var marks = []struct{ prefix, tag string }{{"## ", "h2"}, {"- ", "li"}, {"1. ", "oli"}, {"| ", "tr"}}

// Parse reads a source.
func Parse(source string) Doc {
	var d Doc
	open := false // a paragraph may go on
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		tag := "p"
		for _, m := range marks {
			if rest, ok := strings.CutPrefix(line, m.prefix); ok {
				tag, line = m.tag, rest
			}
		}
		switch {
		case line == "":
			open = false
		case tag == "p" && open:
			last := d.blocks[len(d.blocks)-1].cells
			last[0] = append(append(last[0], piece{text: " "}), inline(line)...)
		case tag == "tr":
			label, value, _ := strings.Cut(line, " | ")
			d.blocks, open = append(d.blocks, block{tag, [][]piece{inline(label), inline(value)}}), false
		default:
			d.blocks, open = append(d.blocks, block{tag, [][]piece{inline(line)}}), tag == "p"
		}
	}
	for i, b := range d.blocks {
		if b.tag == "p" && len(b.cells[0]) == 1 && b.cells[0][0].target != "" {
			d.blocks[i].tag = "button"
		}
	}
	return d
}

func inline(line string) (out []piece) {
	for line != "" {
		before, rest, _ := strings.Cut(line, "[")
		label, after, ok := strings.Cut(rest, "](")
		target, after, closed := strings.Cut(after, ")")
		if !ok || !closed {
			return append(out, piece{text: line})
		}
		if before != "" {
			out = append(out, piece{text: before})
		}
		out = append(out, piece{label, target})
		line = after
	}
	return out
}

// Fill puts the values in. A name without a value is an error; a value without a name is not.
func (d Doc) Fill(values map[string]string) (Doc, error) {
	var missing error
	fill := func(s string) string {
		var out strings.Builder
		for s != "" {
			before, rest, ok := strings.Cut(s, "{")
			out.WriteString(before)
			if !ok {
				break
			}
			name, after, _ := strings.Cut(rest, "}")
			value, known := values[name]
			if !known {
				missing = fmt.Errorf("prose: there is no value for {%s}", name)
			}
			out.WriteString(value)
			s = after
		}
		return out.String()
	}
	var filled Doc
	for _, b := range d.blocks {
		cells := make([][]piece, len(b.cells))
		for i, cell := range b.cells {
			for _, p := range cell {
				cells[i] = append(cells[i], piece{fill(p.text), fill(p.target)})
			}
		}
		filled.blocks = append(filled.blocks, block{b.tag, cells})
	}
	return filled, missing
}

// around is the element that holds neighbours of one kind.
var around = map[string]string{"li": "ul", "oli": "ol", "tr": "table"}

// Style is the style attribute of each element by its name ("p", "h2", "ul", "ol", "li", "table", "th", "td", "a", and
// "button" for a link that stands alone), for places where style sheets do not reach.
type Style map[string]string

// Escape is a text as it stands in HTML, also inside the quotes of an attribute.
func Escape(text string) string { return html.EscapeString(text) }

// Open is an opening tag with its style and other attributes, names and values in turn.
func (s Style) Open(name string, attributes ...string) string {
	tag := name
	if name == "button" {
		tag = "a"
	}
	out := "<" + tag
	for i := 0; i+1 < len(attributes); i += 2 {
		out += " " + attributes[i] + `="` + Escape(attributes[i+1]) + `"`
	}
	if s[name] != "" {
		out += ` style="` + s[name] + `"`
	}
	return out + ">"
}

// HTML is the text as an HTML fragment, headings from h2 down.
func (d Doc) HTML(s Style) string {
	var out strings.Builder
	group := ""
	for _, b := range d.blocks {
		if g := around[b.tag]; g != group {
			out.WriteString(closing(group))
			if group = g; g != "" {
				out.WriteString(s.Open(g) + "\n")
			}
		}
		switch b.tag {
		case "tr":
			out.WriteString("<tr>" + s.Open("th", "scope", "row") + s.pieces(b.cells[0]) + "</th>" + s.Open("td") + s.pieces(b.cells[1]) + "</td></tr>\n")
		case "button":
			out.WriteString(s.Open("p") + s.Open("button", "href", b.cells[0][0].target) + Escape(b.cells[0][0].text) + "</a></p>\n")
		case "oli":
			out.WriteString(s.Open("li") + s.pieces(b.cells[0]) + "</li>\n")
		default:
			out.WriteString(s.Open(b.tag) + s.pieces(b.cells[0]) + "</" + b.tag + ">\n")
		}
	}
	out.WriteString(closing(group))
	return out.String()
}

func closing(group string) string {
	if group == "" {
		return ""
	}
	return "</" + group + ">\n"
}

func (s Style) pieces(cell []piece) string {
	out := ""
	for _, p := range cell {
		if p.target == "" {
			out += Escape(p.text)
		} else {
			out += s.Open("a", "href", p.target) + Escape(p.text) + "</a>"
		}
	}
	return out
}

// Text is the text without markup; the targets of links stand behind their labels.
func (d Doc) Text() string {
	var out strings.Builder
	before, number := "", 0
	for i, b := range d.blocks {
		if i > 0 && (b.tag != before || around[b.tag] == "") {
			out.WriteString("\n")
		}
		if number++; b.tag != before {
			number = 1
		}
		switch before = b.tag; b.tag {
		case "li":
			out.WriteString("- ")
		case "oli":
			fmt.Fprintf(&out, "%d. ", number)
		case "tr":
			out.WriteString(text(b.cells[0]) + ": ")
		case "button":
			out.WriteString(b.cells[0][0].text + ":\n" + b.cells[0][0].target + "\n")
			continue
		}
		out.WriteString(text(b.cells[len(b.cells)-1]) + "\n")
	}
	return out.String()
}

func text(cell []piece) string {
	out := ""
	for _, p := range cell {
		out += p.text
		if p.target != "" && p.target != p.text {
			out += " (" + p.target + ")"
		}
	}
	return out
}
