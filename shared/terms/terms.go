// Package terms is what a person agrees to: the terms of use, the order terms and the privacy notice, by version.
//
// The texts are our own short renderings in four languages, beside this file. A new version is a line in the list below
// and four texts, put there ahead of the day on which it comes into force. The package keeps no acceptances.
package terms

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"strings"
	"time"

	"opiq/shared/civil"
	"opiq/shared/lang"
	"opiq/shared/prose"
	"opiq/shared/seller"
)

// Document is one of the three documents.
type Document string

// The documents.
const (
	Use     Document = "use"
	Order   Document = "order"
	Privacy Document = "privacy"
)

// All are the documents.
var All = []Document{Use, Order, Privacy}

// Version names a version of a document: the day from which it is valid, or a number where it has none.
type Version string

type version struct {
	name Version
	from civil.Date // zero: the text names no day
}

// versions are in order of time. The privacy notice carries no date.
var versions = map[Document][]version{
	Use:     {{"2017-02-01", civil.Date{Year: 2017, Month: 2, Day: 1}}},
	Order:   {{"2017-07-01", civil.Date{Year: 2017, Month: 7, Day: 1}}},
	Privacy: {{"1", civil.Date{}}},
}

// Known tells whether there is such a document.
func Known(d Document) bool { return versions[d] != nil }

// InForce is the version of a document that is valid on a day, "" for an unknown document. Before the first day of the
// first version it is that one.
func InForce(d Document, on civil.Date) Version {
	name, _ := inForce(d, on)
	return name
}

func inForce(d Document, on civil.Date) (Version, civil.Date) {
	var now version
	for i, v := range versions[d] {
		if i == 0 || !on.Before(v.from) {
			now = v
		}
	}
	return now.name, now.from
}

// Text is one version of a document in one language.
type Text struct {
	Document  Document
	Version   Version
	ValidFrom civil.Date // zero for a text that names no day
	Language  lang.Code
	Title     string
	HTML      string // a fragment with headings from h2 down; no scripts, no styles
}

// SHA256 is the fingerprint of the wording, in hex: it tells for ever what a person read.
func (t Text) SHA256() string {
	sum := sha256.Sum256([]byte(t.Title + "\n" + t.HTML))
	return hex.EncodeToString(sum[:])
}

//go:embed texts
var texts embed.FS

// Current is the text of a known document that is valid on a day.
func Current(d Document, on civil.Date, l lang.Code) Text {
	name, from := inForce(d, on)
	source, err := texts.ReadFile("texts/" + string(d) + "-" + string(name) + "." + string(l) + ".txt")
	if err != nil {
		panic(err) // a test reads all of them
	}
	title, body, _ := strings.Cut(string(source), "\n")
	doc, err := prose.Parse(body).Fill(map[string]string{
		"seller": seller.StarCloud.Name, "register": seller.StarCloud.Register, "email": seller.StarCloud.Email, "phone": seller.StarCloud.Phone,
	})
	if err != nil {
		panic(err)
	}
	return Text{Document: d, Version: name, ValidFrom: from, Language: l, Title: title, HTML: doc.HTML(nil)}
}

// Acceptance is a person's yes to one version, written once.
type Acceptance struct {
	Document Document  `json:"document"`
	Version  Version   `json:"version"`
	Language lang.Code `json:"language"`
	SHA256   string    `json:"sha256"` // of the wording
	At       time.Time `json:"at"`
	IP       string    `json:"ip"`
}
