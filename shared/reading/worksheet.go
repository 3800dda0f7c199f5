package reading

import (
	"fmt"
	"strings"

	"opiq/shared/catalog"
	"opiq/shared/lang"
)

// worksheets are what a worksheet is called.
var worksheets = map[lang.Code]string{
	lang.Estonian: "Tööleht", lang.English: "Worksheet", lang.Russian: "Рабочий лист", lang.Kazakh: "Жұмыс парағы",
}

// Worksheet is a file that goes with a work: what there is to try in its chapters, as plain text.
func Worksheet(w catalog.Work) (name, text string) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", w.Title, worksheets[w.Language])
	for i, t := range chapters(w) {
		fmt.Fprintf(&b, "\n%d. %s\n\n%s\n", i+1, t.title, t.paragraphs[len(t.paragraphs)-1])
	}
	return worksheets[w.Language] + ".txt", b.String()
}
