// Package banklink speaks the Estonian bank link (pangalink, the iPizza protocol of the Estonian Banking Association,
// specification 1.1 of 2014): it builds the signed order that a browser carries to the buyer's bank, and reads what the
// bank answers, through the browser (VK_AUTO=N) and by itself (VK_AUTO=Y).
//
// Everything that differs by bank stands in its Agreement: address, our id and theirs, version, account, the bank's keys.
// A version is a hash (008 SHA-1, 009 SHA-512) and is taken from the agreement, never from the message. Signed is the
// text of the packet's fields in fixed order, each behind its length in characters (code points, not bytes); the rest of
// a message (VK_AUTO, VK_LANG, VK_ENCODING, what is not VK_) is not signed and decides nothing about money.
//
// The package opens no connection, reads no clock, and knows neither orders nor attempts: that a stamp is ours and that
// the amount and the reference are the attempt's is for the one to check who books the money. It refuses what it cannot
// verify, with a Refusal, and never repairs a message.
package banklink

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Bank is a bank by the name it has in paths, parameters and the list of banks: "swedbank".
type Bank string

// Agreement is what we and a bank agreed on, as the parameter of that bank holds it.
type Agreement struct {
	URL      string   `json:"url"`      // where the browser posts the order
	Merchant string   `json:"merchant"` // we, in the bank's words: VK_SND_ID of orders, VK_REC_ID of answers
	Bank     string   `json:"bank"`     // the bank's own id, VK_SND_ID of answers: "HP", "EYP", "LHV", "NORDEA", "KREP"
	Version  string   `json:"version"`  // "008" or "009"
	Account  string   `json:"account"`  // our IBAN at that bank
	Name     string   `json:"name"`     // the receiver's name, as the bank shows it
	Keys     []string `json:"keys"`     // the bank's public keys or certificates (PEM); more than one while it changes them
}

// Link is an agreement ready for use.
type Link struct {
	agreement Agreement
	keys      []*rsa.PublicKey
}

// Open reads an agreement. Its errors name the field that is wrong and hold no key. A key of fewer than 2048 bits is wrong.
func Open(a Agreement) (*Link, error) {
	a.Account = account(a.Account)
	for _, field := range []struct {
		name  string
		right bool
	}{
		{"url", address(a.URL)},
		{"merchant", a.Merchant != "" && len(a.Merchant) <= 15},
		{"bank", a.Bank != "" && len(a.Bank) <= 15},
		{"version", hashes[a.Version] != 0},
		{"account", a.Account != "" && len(a.Account) <= 34},
		{"keys", len(a.Keys) > 0},
	} {
		if !field.right {
			return nil, fmt.Errorf("banklink: the agreement's %s is missing or wrong", field.name)
		}
	}
	l := &Link{agreement: a}
	for i, text := range a.Keys {
		key, err := publicKey(text)
		if err != nil {
			return nil, fmt.Errorf("banklink: key %d of the agreement: %w", i+1, err)
		}
		l.keys = append(l.keys, key)
	}
	return l, nil
}

var errKey = errors.New("not a PEM of an RSA key of 2048 bits or more")

const minBits = 2048

// Key reads our private key for a bank: PKCS #8 or PKCS #1, PEM, at least 2048 bits.
func Key(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("banklink: %w", errKey)
	}
	var parsed any
	var err error
	if block.Type == "RSA PRIVATE KEY" {
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	} else {
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if key, ok := parsed.(*rsa.PrivateKey); ok && err == nil && key.N.BitLen() >= minBits {
		return key, nil
	}
	return nil, fmt.Errorf("banklink: %w", errKey)
}

// publicKey reads a bank's key as banks hand it out: a certificate or a public key. A certificate's dates and signer are
// not looked at: the agreement is what we trust, and banks have run for years on certificates that had ended.
func publicKey(text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errKey
	}
	var parsed any
	var err error
	switch block.Type {
	case "CERTIFICATE":
		var c *x509.Certificate
		if c, err = x509.ParseCertificate(block.Bytes); err == nil {
			parsed = c.PublicKey
		}
	case "RSA PUBLIC KEY":
		parsed, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "PUBLIC KEY":
		parsed, err = x509.ParsePKIXPublicKey(block.Bytes)
	}
	if key, ok := parsed.(*rsa.PublicKey); ok && err == nil && key.N.BitLen() >= minBits {
		return key, nil
	}
	return nil, errKey
}

// address tells whether s is an absolute address that a form may be sent to: no query (Swedbank forbids any), no
// fragment, no user, at most 255 characters.
func address(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil &&
		!strings.ContainsAny(s, "?#") && len(s) <= 255
}

// account is an IBAN as banks send it: no spaces.
func account(s string) string { return strings.ToUpper(strings.Join(strings.Fields(s), "")) }
