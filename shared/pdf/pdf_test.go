package pdf_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"codeberg.org/go-fonts/liberation/liberationsansregular"
	reader "github.com/ledongthuc/pdf"
	"pgregory.net/rapid"

	"opiq/shared/pdf"
)

var (
	font  = pdf.NewFont("LiberationSans", liberationsansregular.TTF)
	style = pdf.Style{Font: font, Size: 10 * pdf.Point}
	about = pdf.About{Title: "Arve & <nr> 1 „Ő”", Author: "Star Cloud OÜ", Language: "et", Made: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
)

// page is a document with one paragraph.
func page(text string) []byte {
	d := pdf.New(about)
	d.In("P", func() { d.Text(style, 20*pdf.MM, 20*pdf.MM, text) })
	return d.Bytes()
}

// read is a document's text as somebody else's reader reads it.
func read(t interface{ Fatal(...any) }, file []byte) string {
	r, err := reader.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.GetPlainText()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryLetterOfOurLanguagesIsReadBack(t *testing.T) {
	const letters = "ABCDEFGHIJKLMNOPQRSŠZŽTUVWÕÄÖÜXY abcdefghijklmnopqrsšzžtuvwõäöüxy АӘБВГҒДЕЁЖЗИЙКҚЛМНҢОӨПРСТУҰҮФХҺЦЧШЩЪЫІЬЭЮЯ " +
		"аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя 0123456789 €№–—„“”’«»%&()[]{}<>\\/"
	if got := read(t, page(letters)); strings.TrimSpace(got) != letters {
		t.Errorf("got %q", got)
	}
}

func TestALetterWithoutAGlyphIsABoxThatReadsAsItself(t *testing.T) {
	if got := strings.TrimSpace(read(t, page("漢字 🦄"))); got != "漢字 🦄" {
		t.Errorf("got %q", got)
	}
	if got := strings.TrimSpace(read(t, page("a\x00\ue000\ufeff\ufffe\U0001ffff\x07b"))); got != "a□□□□□□b" {
		t.Errorf("got %q", got)
	}
	if font.Width("漢", 1000) != font.Width("□", 1000) {
		t.Error("it is no box")
	}
}

func TestWhateverIsWrittenIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom(nil, unicode.L, unicode.N, unicode.P, unicode.S), 1, 300, -1).Draw(t, "text")
		if got := strings.TrimSpace(read(t, page(text))); got != text {
			t.Fatalf("%q was read as %q", text, got)
		}
	})
}

func TestLinesAreNoLongerThanTheyMayBeAndLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("  \u00a0Wi.щÕ漢"))).Draw(t, "text")
		width := pdf.Length(rapid.IntRange(1, 200).Draw(t, "points")) * pdf.Point
		lines := font.Lines(text, 10*pdf.Point, width)
		for _, l := range lines {
			if font.Width(l, 10*pdf.Point) > width && len([]rune(l)) > 1 {
				t.Fatalf("%q is longer than %s", l, width)
			}
		}
		together := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if together(strings.Join(lines, "")) != together(text) {
			t.Fatalf("%q became %q", text, lines)
		}
	})
}

func TestPagesFiguresAndTablesKeepTheirOrder(t *testing.T) {
	d := pdf.New(about)
	d.In("H1", func() { d.Text(style, 0, 20*pdf.MM, "one ") })
	d.In("Table", func() {
		d.In("TR", func() { d.Heading(func() { d.Text(style, 0, 30*pdf.MM, "two ") }) })
		d.NewPage()
		d.In("TR", func() { d.In("TD", func() { d.TextRight(style, pdf.Width, 20*pdf.MM, "three ") }) })
	})
	d.Figure("a square", func() { d.Fill(pdf.Color{}, pdf.Rectangle{X: 1, Y: 1, Width: 10, Height: 10}) })
	file := d.Bytes()
	if got := strings.Join(strings.Fields(read(t, file)), " "); got != "one two three" {
		t.Errorf("got %q", got)
	}
	for _, want := range []string{"/S /Document", "/S /H1", "/S /Table", "/S /TR", "/S /TH", "/Scope /Column", "/S /TD", "/S /Figure", "/Alt <FEFF0061", "/Marked true", "/Lang <FEFF00650074>"} {
		if !bytes.Contains(file, []byte(want)) {
			t.Errorf("there is no %q", want)
		}
	}
}

// TestEveryObjectIsWhereTheTableSays follows the cross-reference table as a strict reader does.
func TestEveryObjectIsWhereTheTableSays(t *testing.T) {
	file := page("Tere")
	start := bytes.LastIndex(file, []byte("startxref\n"))
	at, err := strconv.Atoi(strings.Fields(string(file[start:]))[1])
	if err != nil || !bytes.HasPrefix(file[at:], []byte("xref\n0 ")) {
		t.Fatalf("startxref says %d (%v)", at, err)
	}
	entries := strings.Split(string(file[at:]), "\n")[3:]
	for n, e := range entries {
		if !strings.HasSuffix(e, " 00000 n ") {
			break
		}
		place, _ := strconv.Atoi(e[:10])
		if head := fmt.Sprintf("%d 0 obj\n", n+1); !bytes.HasPrefix(file[place:], []byte(head)) {
			t.Errorf("object %d is not at %d", n+1, place)
		}
	}
}

func TestWhatADocumentSaysOfItselfIsXML(t *testing.T) {
	file := page("Tere")
	from, to := bytes.Index(file, []byte("<?xpacket begin")), bytes.Index(file, []byte("<?xpacket end"))
	d := xml.NewDecoder(bytes.NewReader(file[from:to]))
	var text strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := token.(xml.CharData); ok {
			text.Write(c)
		}
	}
	for _, want := range []string{about.Title, about.Author, "2026-11-22T10:00:00Z"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("there is no %q in %q", want, text.String())
		}
	}
}

func TestTheSameCallsMakeTheSameBytes(t *testing.T) {
	if !bytes.Equal(page("Tere, Õ!"), page("Tere, Õ!")) {
		t.Error("they differ")
	}
}

func TestLengthsAreWrittenInPoints(t *testing.T) {
	for l, want := range map[pdf.Length]string{0: "0", 1: "0.001", 500: "0.5", 12345: "12.345", -250: "-0.25", -12000: "-12", 10 * pdf.MM: "28.35"} {
		if l.String() != want {
			t.Errorf("%d is %s, not %s", int(l), l, want)
		}
	}
}

func TestWhatIsNoFontPanicsWhenItIsUsed(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("OTTO"), bytes.Clone(liberationsansregular.TTF[:1000]), make([]byte, 500)} {
		func() {
			broken := pdf.NewFont("Broken", data)
			defer func() {
				if recover() != pdf.ErrFont {
					t.Errorf("%d bytes are a font", len(data))
				}
			}()
			broken.Width("a", 1000)
		}()
	}
}
