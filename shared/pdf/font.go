package pdf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// ErrFont is a font that the package cannot use: it wants TrueType outlines and a Unicode character map.
var ErrFont = errors.New("pdf: not a TrueType font with outlines and a Unicode character map")

// Font is a typeface. It is read when the first text is measured or written, not before, and may be used by many documents at
// once.
type Font struct {
	name string
	data []byte
	read func() *tables
}

// NewFont makes a font of a TrueType file's bytes under its PostScript name. A file that cannot be used panics with ErrFont when
// the font is first used: fonts are part of the program.
func NewFont(name string, ttf []byte) *Font {
	return &Font{name, ttf, sync.OnceValue(func() *tables {
		t, ok := parse(ttf)
		if !ok {
			panic(ErrFont)
		}
		return t
	})}
}

// tables are the parts of a TrueType file that are needed, and the few numbers of them.
type tables struct {
	head, hhea, maxp, hmtx, loca, glyf []byte

	segments []segment
	kerns    []byte // pairs of glyphs in rising order, six bytes each

	units                     int // to the em
	wide                      bool
	metrics, glyphs           int
	ascent, descent, capitals int
	box                       [4]int
}

// segment maps runes in a row to glyphs.
type segment struct{ first, last, delta int }

var big = binary.BigEndian

func parse(ttf []byte) (t *tables, ok bool) {
	defer func() { ok = recover() == nil && ok }() // a slice that ends too early
	found := map[string][]byte{}
	for i := range int(big.Uint16(ttf[4:])) {
		r := ttf[12+16*i:]
		start := big.Uint32(r[8:])
		found[string(r[:4])] = ttf[start : start+big.Uint32(r[12:])]
	}
	t = &tables{head: found["head"], hhea: found["hhea"], maxp: found["maxp"], hmtx: found["hmtx"], loca: found["loca"], glyf: found["glyf"]}
	t.units, t.wide = int(big.Uint16(t.head[18:])), big.Uint16(t.head[50:]) == 1
	for i := range t.box {
		t.box[i] = signed(t.head[36+2*i:])
	}
	t.ascent, t.descent, t.metrics = signed(t.hhea[4:]), signed(t.hhea[6:]), int(big.Uint16(t.hhea[34:]))
	t.glyphs = int(big.Uint16(t.maxp[4:]))
	if t.capitals = t.ascent; len(found["OS/2"]) >= 90 {
		t.capitals = signed(found["OS/2"][88:])
	}
	t.characters(found["cmap"])
	if k := found["kern"]; len(k) > 18 && big.Uint16(k[2:]) == 1 && big.Uint16(k[8:]) == 1 { // one subtable: horizontal pairs
		t.kerns = k[18 : 18+6*int(big.Uint16(k[10:]))]
	}
	return t, t.units > 0 && len(t.glyf) > 0 && len(t.segments) > 0
}

// characters reads the Unicode map of the Basic Multilingual Plane (format 4).
func (t *tables) characters(cmap []byte) {
	for i := range int(big.Uint16(cmap[2:])) {
		r := cmap[4+8*i:]
		m := cmap[big.Uint32(r[4:]):]
		if platform := big.Uint16(r); big.Uint16(m) != 4 || platform != 0 && platform != 3 {
			continue
		}
		n := int(big.Uint16(m[6:])) / 2
		ends, starts := m[14:], m[16+2*n:]
		deltas, offsets := starts[2*n:], starts[4*n:]
		for j := range n {
			s := segment{int(big.Uint16(starts[2*j:])), int(big.Uint16(ends[2*j:])), int(big.Uint16(deltas[2*j:]))}
			offset := int(big.Uint16(offsets[2*j:]))
			if offset == 0 {
				t.segments = append(t.segments, s)
				continue
			}
			for r := s.first; r <= s.last; r++ { // these glyphs stand in a list
				if g := int(big.Uint16(offsets[2*j+offset+2*(r-s.first):])); g != 0 {
					t.segments = append(t.segments, segment{r, r, g + s.delta - r})
				}
			}
		}
		return
	}
}

func signed(b []byte) int { return int(int16(big.Uint16(b))) }

// glyph is the glyph of a rune, or 0.
func (t *tables) glyph(r rune) int {
	i := sort.Search(len(t.segments), func(i int) bool { return int(r) <= t.segments[i].last })
	if i == len(t.segments) || int(r) < t.segments[i].first {
		return 0
	}
	return (int(r) + t.segments[i].delta) & 0xffff
}

// shown is the glyph that stands for a rune: its own, or a box.
func (t *tables) shown(r rune) int {
	if g := t.glyph(r); g != 0 {
		return g
	}
	return t.glyph('□')
}

// legible is a rune as a document may hold it: a box in place of one that means nothing to anybody else.
func legible(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Co, r) || r == '\ufeff' || r&0xfffe == 0xfffe {
		return '□'
	}
	return r
}

func (t *tables) advance(g int) int { return int(big.Uint16(t.hmtx[4*min(g, t.metrics-1):])) }

func (t *tables) bearing(g int) int {
	if g < t.metrics {
		return signed(t.hmtx[4*g+2:])
	}
	return signed(t.hmtx[4*t.metrics+2*(g-t.metrics):])
}

func (t *tables) outline(g int) []byte {
	if t.wide {
		return t.glyf[big.Uint32(t.loca[4*g:]):big.Uint32(t.loca[4*g+4:])]
	}
	return t.glyf[2*int(big.Uint16(t.loca[2*g:])) : 2*int(big.Uint16(t.loca[2*g+2:]))]
}

// kern is by how much the second of two glyphs moves, in units of the font.
func (t *tables) kern(a, b int) int {
	pair := uint32(a)<<16 | uint32(b)
	n := len(t.kerns) / 6
	i := sort.Search(n, func(i int) bool { return big.Uint32(t.kerns[6*i:]) >= pair })
	if i == n || big.Uint32(t.kerns[6*i:]) != pair {
		return 0
	}
	return signed(t.kerns[6*i+4:])
}

// Width is the length of a text at a size.
func (f *Font) Width(text string, size Length) Length {
	t, sum, before := f.read(), 0, 0
	for _, r := range text {
		g := t.shown(legible(r))
		sum += t.advance(g) + t.kern(before, g)
		before = g
	}
	return Length(sum) * size / Length(t.units)
}

// Lines breaks a text into lines that are no longer than a width: at spaces, and inside of a word that is longer than a line.
func (f *Font) Lines(text string, size, width Length) (lines []string) {
	line := ""
	for word := range strings.SplitSeq(text, " ") {
		if whole := strings.TrimLeft(line+" "+word, " "); f.Width(whole, size) <= width {
			line = whole
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for f.Width(word, size) > width {
			n := f.fits(word, size, width)
			lines, word = append(lines, word[:n]), word[n:]
		}
		line = word
	}
	return append(lines, line)
}

// fits is how many bytes of a word a line takes: those of one rune at least.
func (f *Font) fits(word string, size, width Length) (n int) {
	for i, r := range word {
		end := i + utf8.RuneLen(r)
		if n > 0 && f.Width(word[:end], size) > width {
			break
		}
		n = end
	}
	return n
}

// face is a font as one document uses it. A character's code is its place in the list, from 1.
type face struct {
	*tables
	name  string
	runes []rune
	codes map[rune]int
}

func (f *face) code(r rune) int {
	c, ok := f.codes[r]
	if !ok {
		f.runes = append(f.runes, r)
		c = len(f.runes)
		f.codes[r] = c
	}
	return c
}

// subset is the font with the glyphs that were used and nothing else, in the order of their codes.
func (f *face) subset() []byte {
	glyphs := []int{0}
	for _, r := range f.runes {
		glyphs = append(glyphs, f.shown(r))
	}
	var glyf, loca, hmtx []byte
	for i := 0; i < len(glyphs); i++ { // parts of composite glyphs are added on the way
		loca = big.AppendUint32(loca, uint32(len(glyf)))
		outline := f.bare(glyphs[i], func(part int) int {
			glyphs = append(glyphs, part)
			return len(glyphs) - 1
		})
		glyf = append(glyf, outline...)
		for len(glyf)%4 != 0 {
			glyf = append(glyf, 0)
		}
		hmtx = big.AppendUint16(hmtx, uint16(f.advance(glyphs[i])))
		hmtx = big.AppendUint16(hmtx, uint16(f.bearing(glyphs[i])))
	}
	loca = big.AppendUint32(loca, uint32(len(glyf)))
	head, hhea, maxp := slices.Clone(f.head), slices.Clone(f.hhea), slices.Clone(f.maxp)
	big.PutUint32(head[8:], 0)  // the sum over the whole file, which nobody checks inside of a PDF
	big.PutUint16(head[50:], 1) // loca in four bytes
	big.PutUint16(hhea[34:], uint16(len(glyphs)))
	big.PutUint16(maxp[4:], uint16(len(glyphs)))
	return assemble([]string{"glyf", "head", "hhea", "hmtx", "loca", "maxp"}, [][]byte{glyf, head, hhea, hmtx, loca, maxp})
}

// The bits of a composite glyph's parts.
const (
	wordArguments   = 0x0001
	oneScale        = 0x0008
	moreParts       = 0x0020
	twoScales       = 0x0040
	fourScales      = 0x0080
	hasInstructions = 0x0100
)

// bare is a glyph's outline without the instructions for coarse screens, its parts renumbered.
func (f *face) bare(g int, renumber func(int) int) []byte {
	o := f.outline(g)
	if len(o) == 0 {
		return nil
	}
	if contours := signed(o); contours >= 0 {
		at := 10 + 2*contours
		return slices.Concat(o[:at], []byte{0, 0}, o[at+2+int(big.Uint16(o[at:])):])
	}
	o = slices.Clone(o)
	for at := 10; ; {
		flags := big.Uint16(o[at:])
		big.PutUint16(o[at:], flags&^hasInstructions)
		big.PutUint16(o[at+2:], uint16(renumber(int(big.Uint16(o[at+2:])))))
		at += 6
		if flags&wordArguments != 0 {
			at += 2
		}
		switch {
		case flags&oneScale != 0:
			at += 2
		case flags&twoScales != 0:
			at += 4
		case flags&fourScales != 0:
			at += 8
		}
		if flags&moreParts == 0 {
			return o[:at]
		}
	}
}

// assemble makes a TrueType file of its tables, which are in the order of their names.
func assemble(names []string, parts [][]byte) []byte {
	n := len(names)
	power := 1
	for 2*power <= n {
		power *= 2
	}
	out := []byte{0, 1, 0, 0, 0, byte(n), 0, byte(16 * power), 0, byte(bits(power)), 0, byte(16 * (n - power))}
	at := 12 + 16*n
	for i, part := range parts {
		out = append(out, names[i]...)
		out = big.AppendUint32(out, sum(part))
		out = big.AppendUint32(out, uint32(at))
		out = big.AppendUint32(out, uint32(len(part)))
		at += (len(part) + 3) &^ 3
	}
	for _, part := range parts {
		out = append(out, part...)
		out = append(out, make([]byte, (4-len(part)%4)%4)...)
	}
	return out
}

func bits(power int) (n int) {
	for ; power > 1; power /= 2 {
		n++
	}
	return n
}

func sum(part []byte) (s uint32) {
	for chunk := range slices.Chunk(part, 4) {
		s += big.Uint32(bytes.Join([][]byte{chunk, make([]byte, 4-len(chunk))}, nil))
	}
	return s
}
