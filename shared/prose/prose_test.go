package prose

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const source = `One line
and another with a [link](https://opiq.example/{page}).

## Heading

- first
- second

1. one
1. two

| Label | {value}
| Next | 2

[Press me](https://opiq.example)
`

var values = map[string]string{"page": "a?b=1&c=2", "value": `<b>"x"</b>`}

func TestOneSourceIsShownTwice(t *testing.T) {
	d, err := Parse(source).Fill(values)
	if err != nil {
		t.Fatal(err)
	}
	text := `One line and another with a link (https://opiq.example/a?b=1&c=2).

Heading

- first
- second

1. one
2. two

Label: <b>"x"</b>
Next: 2

Press me:
https://opiq.example
`
	if diff := cmp.Diff(text, d.Text()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	html := `<p>One line and another with a <a href="https://opiq.example/a?b=1&amp;c=2">link</a>.</p>
<h2>Heading</h2>
<ul>
<li>first</li>
<li>second</li>
</ul>
<ol>
<li>one</li>
<li>two</li>
</ol>
<table style="width:100%">
<tr><th scope="row">Label</th><td>&lt;b&gt;&#34;x&#34;&lt;/b&gt;</td></tr>
<tr><th scope="row">Next</th><td>2</td></tr>
</table>
<p><a href="https://opiq.example" style="color:red">Press me</a></p>
`
	if diff := cmp.Diff(html, d.HTML(Style{"table": "width:100%", "button": "color:red"})); diff != "" {
		t.Errorf("html (-want +got):\n%s", diff)
	}
}

func TestNameWithoutValueIsAnError(t *testing.T) {
	for _, s := range []string{"{unknown}", "[x]({unknown})", "| {unknown} | x", "{}"} {
		if _, err := Parse(s).Fill(values); err == nil {
			t.Errorf("%q was filled", s)
		}
	}
}

func TestValueIsNeverRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SampledFrom([]string{"{page}", "[x](javascript:1)", "## x", "| a | b", "- x", "<script>", `"><img>`, "' onclick='"}).Draw(t, "bad") +
			rapid.StringOfN(rapid.RuneFrom([]rune(`<>"'&{}[]()|#- ax`)), 0, 20, -1).Draw(t, "rest")
		d, err := Parse("before {v} after [label](https://opiq.example/?q={v})\n\n| label | {v}").Fill(map[string]string{"v": value})
		if err != nil {
			t.Fatal(err)
		}
		var read strings.Builder
		tags := ""
		for x := xml.NewDecoder(strings.NewReader(d.HTML(nil))); ; {
			token, err := x.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			switch token := token.(type) {
			case xml.StartElement:
				tags += token.Name.Local + " "
				for _, a := range token.Attr {
					if a.Name.Local == "href" && a.Value != "https://opiq.example/?q="+value || a.Name.Local != "href" && a.Name.Local != "scope" {
						t.Fatalf("attribute %s=%q", a.Name.Local, a.Value)
					}
				}
			case xml.CharData:
				read.Write(token)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if want := "before " + value + " after label\n\nlabel" + value + "\n\n"; tags != "p a table tr th td " || read.String() != want {
			t.Fatalf("read %q with %s", read.String(), tags)
		}
	})
}
