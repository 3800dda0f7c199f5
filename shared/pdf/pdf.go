// Package pdf writes pages that print, keep and can be read aloud: PDF/A-2a (ISO 19005-2) and PDF/UA-1 (ISO 14289-1).
//
// Every text stands in an element of the document's structure (a heading, a paragraph, a cell), so that a screen reader knows
// what it reads; lines and backgrounds stand outside of it. Fonts are embedded, with the characters that were used. The same
// calls make the same bytes, on every machine: lengths are whole numbers, nothing is compressed, and the only date is the given
// one. The package reads no PDF, draws no pictures but squares, and knows no page but A4 upright.
package pdf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// Length is a distance in thousandths of a point.
type Length int

// Units of length.
const (
	Point Length = 1000
	MM    Length = 2835 // to a quarter of a micrometer
)

// The page: A4. Places on it are measured from its upper left corner.
const (
	Width  = 595276 * Point / 1000
	Height = 841890 * Point / 1000
)

// Color is red, green and blue, 0 to 255 each (sRGB).
type Color [3]uint8

// About is what a document says of itself.
type About struct {
	Title    string
	Author   string
	Language string // as BCP 47 has it: "et"
	Made     time.Time
}

// Style is how a text is written.
type Style struct {
	Font  *Font
	Size  Length
	Color Color
}

// Document is a PDF in the making.
type Document struct {
	about About
	pages []*page
	faces []*face
	open  *element
}

type page struct {
	content bytes.Buffer
	owners  []*element // of the marked contents, by their numbers
}

// element is a node of the structure: its kids are elements and marked contents.
type element struct {
	tag, attributes string
	parent          *element
	kids            []any
	object          int
}

// mark is a marked content: a page, by its place, and the content's number on it.
type mark struct{ page, number int }

// New makes a document with one empty page.
func New(a About) *Document {
	d := &Document{about: a, open: &element{tag: "Document"}}
	d.NewPage()
	return d
}

// NewPage goes on to an empty page.
func (d *Document) NewPage() { d.pages = append(d.pages, &page{}) }

func (d *Document) page() *page { return d.pages[len(d.pages)-1] }

// In puts what is drawn into an element of the structure, by a standard name of PDF: "H1", "P", "Table", "TR", "TD".
func (d *Document) In(tag string, draw func()) { d.in(&element{tag: tag}, draw) }

// Heading puts what is drawn into the head of a column.
func (d *Document) Heading(draw func()) {
	d.in(&element{tag: "TH", attributes: "/A << /O /Table /Scope /Column >>"}, draw)
}

// Figure puts what is drawn into a picture, which is told to who cannot see it.
func (d *Document) Figure(told string, draw func()) {
	d.in(&element{tag: "Figure", attributes: "/Alt " + text(told)}, draw)
}

func (d *Document) in(e *element, draw func()) {
	e.parent = d.open
	d.open.kids = append(d.open.kids, e)
	d.open = e
	draw()
	d.open = e.parent
}

// content draws something that belongs to the open element.
func (d *Document) content(draw string) {
	p := d.page()
	fmt.Fprintf(&p.content, "/%s <</MCID %d>> BDC\n%sEMC\n", d.open.tag, len(p.owners), draw)
	d.open.kids = append(d.open.kids, mark{len(d.pages) - 1, len(p.owners)})
	p.owners = append(p.owners, d.open)
}

// Text writes a text on one line; x is its left end and y its baseline.
func (d *Document) Text(s Style, x, y Length, text string) {
	if text == "" {
		return
	}
	n, f := d.face(s.Font)
	var codes strings.Builder
	before := 0
	for _, r := range text {
		r = legible(r)
		g := f.shown(r)
		if k := f.kern(before, g); k != 0 {
			fmt.Fprintf(&codes, "> %d <", -k*1000/f.units)
		}
		fmt.Fprintf(&codes, "%04X", f.code(r))
		before = g
	}
	d.content(fmt.Sprintf("BT /F%d %s Tf /C cs %s sc 1 0 0 1 %s %s Tm [<%s>] TJ ET\n", n, s.Size, s.Color, x, Height-y, codes.String()))
}

// TextRight writes a text whose right end is at x.
func (d *Document) TextRight(s Style, x, y Length, text string) {
	d.Text(s, x-s.Font.Width(text, s.Size), y, text)
}

func (d *Document) face(font *Font) (int, *face) {
	for i, f := range d.faces {
		if f.name == font.name {
			return i, f
		}
	}
	f := &face{tables: font.read(), name: font.name, codes: map[rune]int{}}
	d.faces = append(d.faces, f)
	return len(d.faces) - 1, f
}

// Rectangle is an area, by its upper left corner.
type Rectangle struct{ X, Y, Width, Height Length }

// Decorate fills areas that mean nothing: lines and backgrounds.
func (d *Document) Decorate(c Color, areas ...Rectangle) {
	fmt.Fprintf(&d.page().content, "/Artifact BMC\n%sEMC\n", fill(c, areas))
}

// Fill fills areas that are a picture together.
func (d *Document) Fill(c Color, areas ...Rectangle) { d.content(fill(c, areas)) }

func fill(c Color, areas []Rectangle) string {
	var b strings.Builder
	fmt.Fprintf(&b, "/C cs %s sc\n", c)
	for _, a := range areas {
		fmt.Fprintf(&b, "%s %s %s %s re\n", a.X, Height-a.Y-a.Height, a.Width, a.Height)
	}
	return b.String() + "f\n"
}

// String is the length in points.
func (l Length) String() string {
	s := strconv.Itoa(int(l) / 1000)
	if l < 0 && l > -Point {
		s = "-" + s
	}
	if rest := max(l, -l) % 1000; rest != 0 {
		s += strings.TrimRight(fmt.Sprintf(".%03d", int(rest)), "0")
	}
	return s
}

// String is the color as an operator takes it.
func (c Color) String() string {
	part := func(i int) string { return (Length(c[i]) * 1000 / 255).String() }
	return part(0) + " " + part(1) + " " + part(2)
}

// file collects the objects of a PDF. Their numbers are given before they are written.
type file struct {
	bytes.Buffer
	places []int
}

// next is a number that no object has yet.
func (f *file) next() int {
	f.places = append(f.places, 0)
	return len(f.places)
}

func (f *file) object(number int, format string, args ...any) {
	f.places[number-1] = f.Len()
	fmt.Fprintf(f, "%d 0 obj\n", number)
	fmt.Fprintf(f, format, args...)
	f.WriteString("\nendobj\n")
}

func (f *file) stream(number int, dictionary string, data []byte) {
	f.object(number, "<< %s/Length %d >>\nstream\n%s\nendstream", dictionary, len(data), data)
}

// Bytes is the document as a file.
func (d *Document) Bytes() []byte {
	var f file
	f.WriteString("%PDF-1.7\n%\u00e2\u00e3\u00cf\u00d3\n")
	catalog, tree, root, parents, meta := f.next(), f.next(), f.next(), f.next(), f.next()

	pages := make([]int, len(d.pages))
	for i := range d.pages {
		pages[i] = f.next()
	}
	fonts := ""
	for i, face := range d.faces {
		fonts += fmt.Sprintf("/F%d %d 0 R ", i, face.write(&f))
	}
	top := d.open
	top.number(&f)
	top.write(&f, root, pages)
	f.object(root, "<< /Type /StructTreeRoot /K %d 0 R /ParentTree %d 0 R /ParentTreeNextKey %d >>", top.object, parents, len(pages))

	owners, kids := "", ""
	for i, p := range d.pages {
		content := f.next()
		f.stream(content, "", p.content.Bytes())
		f.object(pages[i], "<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %s %s] /Contents %d 0 R /StructParents %d /Tabs /S\n"+
			"/Resources << /Font << %s>> /ColorSpace << /C [/CalRGB << /WhitePoint [0.9505 1 1.089] /Gamma [2.2 2.2 2.2]\n"+
			"/Matrix [0.4124 0.2126 0.0193 0.3576 0.7152 0.1192 0.1805 0.0722 0.9505] >>] >> >> >>",
			tree, Width, Height, content, i, fonts)
		kids += fmt.Sprintf("%d 0 R ", pages[i])
		owners += fmt.Sprintf("%d [", i)
		for _, e := range p.owners {
			owners += fmt.Sprintf("%d 0 R ", e.object)
		}
		owners += "] "
	}
	f.object(tree, "<< /Type /Pages /Kids [%s] /Count %d >>", kids, len(pages))
	f.object(parents, "<< /Nums [%s] >>", owners)
	f.stream(meta, "/Type /Metadata /Subtype /XML ", d.about.xmp())
	f.object(catalog, "<< /Type /Catalog /Pages %d 0 R /StructTreeRoot %d 0 R /MarkInfo << /Marked true >> /Lang %s /Metadata %d 0 R\n"+
		"/ViewerPreferences << /DisplayDocTitle true >> >>", tree, root, text(d.about.Language), meta)

	id := sha256.Sum256(f.Bytes())
	name := hex.EncodeToString(id[:16])
	start := f.Len()
	fmt.Fprintf(&f, "xref\n0 %d\n0000000000 65535 f \n", len(f.places)+1)
	for _, at := range f.places {
		fmt.Fprintf(&f, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&f, "trailer\n<< /Size %d /Root %d 0 R /ID [<%s> <%s>] >>\nstartxref\n%d\n%%%%EOF\n", len(f.places)+1, catalog, name, name, start)
	return f.Bytes()
}

// number gives numbers to an element and all below it.
func (e *element) number(f *file) {
	e.object = f.next()
	for _, k := range e.kids {
		if sub, ok := k.(*element); ok {
			sub.number(f)
		}
	}
}

func (e *element) write(f *file, parent int, pages []int) {
	kids := ""
	for _, k := range e.kids {
		switch k := k.(type) {
		case *element:
			k.write(f, e.object, pages)
			kids += fmt.Sprintf("%d 0 R ", k.object)
		case mark:
			kids += fmt.Sprintf("<< /Type /MCR /Pg %d 0 R /MCID %d >> ", pages[k.page], k.number)
		}
	}
	f.object(e.object, "<< /Type /StructElem /S /%s /P %d 0 R /K [%s] %s >>", e.tag, parent, kids, e.attributes)
}

// write adds a font of the used characters and answers its object.
func (f *face) write(out *file) int {
	font, cid, descriptor, program, unicode := out.next(), out.next(), out.next(), out.next(), out.next()
	data := f.subset()
	tag := sha256.Sum256(data)
	name := ""
	for _, b := range tag[:6] {
		name += string('A' + b%26)
	}
	name += "+" + f.name
	widths, pairs := "", ""
	for i, r := range f.runes {
		widths += strconv.Itoa(f.em(f.advance(f.shown(r)))) + " "
		pairs += fmt.Sprintf("<%04X> <%s>\n", i+1, utf16Hex(string(r)))
	}
	out.object(font, "<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%d 0 R] /ToUnicode %d 0 R >>", name, cid, unicode)
	out.object(cid, "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>\n"+
		"/FontDescriptor %d 0 R /CIDToGIDMap /Identity /W [1 [%s]] >>", name, descriptor, widths)
	out.object(descriptor, "<< /Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [%d %d %d %d] /ItalicAngle 0 /Ascent %d /Descent %d /CapHeight %d /StemV 80 /FontFile2 %d 0 R >>",
		name, f.em(f.box[0]), f.em(f.box[1]), f.em(f.box[2]), f.em(f.box[3]), f.em(f.ascent), f.em(f.descent), f.em(f.capitals), program)
	out.stream(program, fmt.Sprintf("/Length1 %d ", len(data)), data)
	out.stream(unicode, "", fmt.Appendf(nil, "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"+
		"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"+
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n%sendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n", blocks(pairs)))
	return font
}

// em is a measure of the font in thousandths of its size.
func (f *face) em(n int) int { return n * 1000 / f.units }

// blocks lays lines out a hundred at a time, which is what a map takes.
func blocks(lines string) string {
	all := strings.SplitAfter(strings.TrimSuffix(lines, "\n"), "\n")
	out := ""
	for len(all) > 0 {
		n := min(len(all), 100)
		out += fmt.Sprintf("%d beginbfchar\n%s\nendbfchar\n", n, strings.TrimSuffix(strings.Join(all[:n], ""), "\n"))
		all = all[n:]
	}
	return out
}

// text is a text as an object of PDF.
func text(s string) string { return "<FEFF" + utf16Hex(s) + ">" }

func utf16Hex(s string) string {
	out := ""
	for _, u := range utf16.Encode([]rune(s)) {
		out += fmt.Sprintf("%04X", u)
	}
	return out
}

// xmp is what the document says of itself, and the two standards that it keeps.
func (a About) xmp() []byte {
	return fmt.Appendf(nil, `<?xpacket begin="%s" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/"
 xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"
 xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">%s</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>%s</rdf:li></rdf:Seq></dc:creator>
<dc:language><rdf:Bag><rdf:li>%s</rdf:li></rdf:Bag></dc:language>
<xmp:CreateDate>%s</xmp:CreateDate>
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance><pdfuaid:part>1</pdfuaid:part>
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource"><pdfaSchema:schema>PDF/UA</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI><pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType><pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>part of ISO 14289</pdfaProperty:description></rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>`, "\ufeff", escape(a.Title), escape(a.Author), escape(a.Language), a.Made.UTC().Format(time.RFC3339))
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
