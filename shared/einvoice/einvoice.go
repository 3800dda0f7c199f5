// Package einvoice is the invoice for programs: as an Estonian e-invoice (e-arve 1.2), and as EN 16931 in UBL (Peppol BIS
// Billing 3), which Estonian bookkeeping programs both take.
//
// The same invoice makes the same bytes each time. What is sold stands in Estonian, the language of the books. The package
// sends nothing anywhere.
package einvoice

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"opiq/shared/invoice"
	"opiq/shared/lang"
	"opiq/shared/money"
	"opiq/shared/words"
)

func write(v any) ([]byte, error) {
	b, err := xml.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("einvoice: %w", err)
	}
	return append([]byte(xml.Header), append(b, '\n')...), nil
}

// sold is the one line of every invoice.
func sold(i invoice.Invoice) string {
	et, _ := words.In(lang.Estonian)
	return strings.ReplaceAll("Opiqi kogu kasutuslitsents, "+et.Months(i.Months)+", "+i.StartsOn.String()+" kuni "+i.ValidThrough().String(), words.Space, " ")
}

// percent is a rate as both formats write it: "24", "5.5".
func percent(r money.Rate) string { return strconv.FormatFloat(float64(r)/100, 'f', -1, 64) }

// parts are an address in its parts.
type parts struct{ street, more, city, code string }

var codeAndCity = regexp.MustCompile(`^(?:(\d{5})\s+)?(.*?)(?:\s+(\d{5}))?$`)

// place takes an address apart as people write it in Estonia: street and house, perhaps more, and at the end the city with its
// code. One without a comma is all street, one of commas is none.
func place(s string) (p parts) {
	var steps []string
	for step := range strings.SplitSeq(s, ",") {
		if step = strings.TrimSpace(step); step != "" {
			steps = append(steps, step)
		}
	}
	if len(steps) == 0 {
		return p
	}
	if n := len(steps) - 1; n > 0 {
		m := codeAndCity.FindStringSubmatch(steps[n])
		p.city, p.code = m[2], m[1]+m[3]
		steps = steps[:n]
	}
	p.street, p.more = steps[0], strings.Join(steps[1:], ", ")
	return p
}
