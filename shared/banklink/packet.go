package banklink

import (
	"crypto"
	"crypto/rsa"
	_ "crypto/sha1"   // version 008
	_ "crypto/sha512" // version 009
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// field is a place in the signed text: a parameter's name and the most characters it may have.
type field struct {
	name string
	max  int
}

// packets are the fields that are signed, in their order (specification 1.1; the same at every bank).
var packets = map[string][]field{
	"1012": { // to the bank: a payment to the account of the agreement
		{"VK_SERVICE", 4}, {"VK_VERSION", 3}, {"VK_SND_ID", 15}, {"VK_STAMP", 20}, {"VK_AMOUNT", 12}, {"VK_CURR", 3},
		{"VK_REF", 35}, {"VK_MSG", 95}, {"VK_RETURN", 255}, {"VK_CANCEL", 255}, {"VK_DATETIME", 24},
	},
	"1111": { // from the bank: it is paid
		{"VK_SERVICE", 4}, {"VK_VERSION", 3}, {"VK_SND_ID", 15}, {"VK_REC_ID", 15}, {"VK_STAMP", 20}, {"VK_T_NO", 20},
		{"VK_AMOUNT", 12}, {"VK_CURR", 3}, {"VK_REC_ACC", 34}, {"VK_REC_NAME", 70}, {"VK_SND_ACC", 34}, {"VK_SND_NAME", 70},
		{"VK_REF", 35}, {"VK_MSG", 95}, {"VK_T_DATETIME", 24},
	},
	"1911": { // from the bank: it is not
		{"VK_SERVICE", 4}, {"VK_VERSION", 3}, {"VK_SND_ID", 15}, {"VK_REC_ID", 15}, {"VK_STAMP", 20}, {"VK_REF", 35}, {"VK_MSG", 95},
	},
}

// hashes are the versions of the protocol: a version is a hash.
var hashes = map[string]crypto.Hash{"008": crypto.SHA1, "009": crypto.SHA512}

// encodings are the encodings in which banks sign their answers (VK_ENCODING). We ask for UTF-8 (nil here) in every order
// and banks answer in what they were asked in; the others are read because a bank's own notice has come in them before.
// The name is not signed. Changing it cannot move a character from one field to another, because the lengths are signed
// and every field that decides anything is ASCII; it can at most misspell the payer.
var encodings = map[string]*charmap.Charmap{
	"": nil, "UTF-8": nil, "ISO-8859-1": charmap.ISO8859_1, "ISO-8859-13": charmap.ISO8859_13, "WINDOWS-1257": charmap.Windows1257,
}

// encoding is the encoding of a message's values; nil is UTF-8.
func encoding(fields map[string]string) (*charmap.Charmap, error) {
	c, ok := encodings[strings.ToUpper(fields["VK_ENCODING"])]
	if !ok {
		return nil, ErrEncoding
	}
	return c, nil
}

// signed is the text under the MAC: for each field the number of its characters in three digits, and its value. Values
// are bytes in the message's encoding, already trimmed; a missing one counts as empty.
func signed(packet []field, fields map[string]string) ([]byte, error) {
	c, err := encoding(fields)
	if err != nil {
		return nil, err
	}
	var text []byte
	for _, f := range packet {
		v := fields[f.name]
		n := len(v) // one byte, one character
		if c == nil {
			if !utf8.ValidString(v) {
				return nil, ErrEncoding
			}
			n = utf8.RuneCountInString(v)
		}
		if n > f.max {
			return nil, ErrLength
		}
		text = fmt.Appendf(text, "%03d%s", n, v)
	}
	return text, nil
}

// digest is the hash of the signed text and its kind. The version of the fields chooses it: compare it with the
// agreement's first.
func digest(fields map[string]string) (crypto.Hash, []byte, error) {
	packet, ok := packets[fields["VK_SERVICE"]]
	if !ok {
		return 0, nil, ErrService
	}
	hash, ok := hashes[fields["VK_VERSION"]]
	if !ok {
		return 0, nil, ErrVersion
	}
	text, err := signed(packet, fields)
	if err != nil {
		return 0, nil, err
	}
	h := hash.New()
	h.Write(text)
	return hash, h.Sum(nil), nil
}

// Sign trims the fields of a packet (1012, 1111, 1911), as the specification wants, and adds their VK_MAC. A Form is
// signed already; this is for whoever plays the bank.
func Sign(key *rsa.PrivateKey, fields map[string]string) error {
	for name, v := range fields {
		fields[name] = strings.Trim(v, " ")
	}
	hash, sum, err := digest(fields)
	if err != nil {
		return err
	}
	mac, err := rsa.SignPKCS1v15(nil, key, hash, sum)
	if err != nil {
		return fmt.Errorf("banklink: cannot sign: %w", err)
	}
	fields["VK_MAC"] = base64.StdEncoding.EncodeToString(mac)
	return nil
}

// Check reads a packet of one of the services and makes sure that it is signed, in the agreed version, with one of the
// keys. It answers the VK_ fields, trimmed and in UTF-8, or a Refusal: ErrRepeated, ErrService, ErrVersion, ErrEncoding,
// ErrLength, ErrMAC, in this order.
func Check(message url.Values, version string, keys []*rsa.PublicKey, services ...string) (map[string]string, error) {
	fields := map[string]string{}
	for name, values := range message {
		if !strings.HasPrefix(name, "VK_") {
			continue // banks and browsers may add their own
		}
		if len(values) != 1 {
			return nil, ErrRepeated
		}
		fields[name] = strings.Trim(values[0], " ")
	}
	if !slices.Contains(services, fields["VK_SERVICE"]) {
		return nil, ErrService
	}
	if fields["VK_VERSION"] != version {
		return nil, ErrVersion
	}
	if _, named := fields["VK_REC_ACC"]; !named && fields["VK_SERVICE"] == "1111" {
		fields["VK_REC_ACC"] = fields["VK_ACC"] // SEB's name for the same place
	}
	hash, sum, err := digest(fields)
	if err != nil {
		return nil, err
	}
	mac, err := base64.StdEncoding.Strict().DecodeString(fields["VK_MAC"])
	if err != nil {
		return nil, ErrMAC
	}
	for _, key := range keys {
		if rsa.VerifyPKCS1v15(key, hash, sum, mac) == nil {
			return decoded(fields), nil
		}
	}
	return nil, ErrMAC
}

// decoded is the fields in UTF-8, whatever they were signed in.
func decoded(fields map[string]string) map[string]string {
	c, err := encoding(fields)
	if err != nil || c == nil {
		return fields
	}
	for name, v := range fields {
		var text strings.Builder
		for i := range len(v) {
			text.WriteRune(c.DecodeByte(v[i]))
		}
		fields[name] = text.String()
	}
	return fields
}
