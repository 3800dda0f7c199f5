package banklink

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Banks reads a list like "swedbank,seb,lhv".
func Banks(list string) (banks []Bank) {
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			banks = append(banks, Bank(name))
		}
	}
	return banks
}

// AgreementParameter is the name of the parameter that holds the bank's Agreement as JSON, under the path of a stage.
func (b Bank) AgreementParameter() string { return "banks/" + string(b) + "/agreement" }

// KeyParameter is the name of the parameter that holds our private key for the bank.
func (b Bank) KeyParameter() string { return "banks/" + string(b) + "/key" }

// ErrLocal is what a stage where real people pay is told about a bank that it can only be playing with.
var ErrLocal = errors.New("banklink: the bank's address is not https, or is this machine")

// Links opens the agreements of banks from the parameters that hold them. A prod stage gets ErrLocal for an address to
// which nobody may send real money.
func Links(banks []Bank, parameters map[string]string, prod bool) (map[Bank]*Link, error) {
	links := map[Bank]*Link{}
	for _, b := range banks {
		var a Agreement
		if err := json.Unmarshal([]byte(parameters[b.AgreementParameter()]), &a); err != nil {
			return nil, fmt.Errorf("banklink: the agreement with %s is not JSON", b)
		}
		l, err := Open(a)
		if err == nil && prod && local(a.URL) {
			err = ErrLocal
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b, err)
		}
		links[b] = l
	}
	return links, nil
}

// Keys reads our private keys for banks from the parameters that hold them.
func Keys(banks []Bank, parameters map[string]string) (map[Bank]*rsa.PrivateKey, error) {
	keys := map[Bank]*rsa.PrivateKey{}
	for _, b := range banks {
		key, err := Key(parameters[b.KeyParameter()])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b, err)
		}
		keys[b] = key
	}
	return keys, nil
}

func local(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" {
		return true
	}
	host := u.Hostname()
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasPrefix(host, "127.") || host == "::1" || host == "0.0.0.0"
}
