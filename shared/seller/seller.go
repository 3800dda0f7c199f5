// Package seller is who sells: the identity that the terms, every letter and every invoice must show.
package seller

// Seller is a company as a buyer has to know it.
type Seller struct {
	Name     string
	Register string // number in the Estonian business register
	Email    string // for suggestions, questions and complaints
	Phone    string // for daily use and outages only
}

// StarCloud is the company behind Opiq.
var StarCloud = Seller{Name: "Star Cloud OÜ", Register: "12731921", Email: "info@starcloud.ee", Phone: "5323 7793"}
