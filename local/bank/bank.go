// Package bank is the buyer's bank on one machine: five stand-ins that speak the bank link as the real ones do, for eyes
// and for programs, at /_local/bank/{bank}.
//
// A stand-in takes the order's form, checks what a real bank checks (our signature, the fields, the reference's check
// digit, an order not older than five minutes), lets the buyer pay or cancel, and answers with its own signature through the
// browser and by itself (VK_AUTO=Y), again and again until the shop takes it. It has the quirks of its model: Swedbank
// answers by GET, SEB calls our account VK_ACC, Luminor still signs with SHA-1. Asked to, it lies; see tricks.
//
// It moves no money and remembers payments only while it runs. Its keys are in the repository, say so in their headers
// (Purpose: test), and a prod stage refuses them. It is never deployed.
package bank

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"embed"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"sync"
	"time"

	"opiq/local/frame"
	"opiq/local/parameters"
	"opiq/shared/banklink"
	"opiq/shared/invoice"
)

// path is where the banks stand on the shop's own address.
const path = "/_local/bank/"

// house is one bank.
type house struct {
	ID        banklink.Bank
	Name      string
	BIC       string
	Agreement banklink.Agreement
	Method    string // how it brings its answers: Swedbank by GET, the others by POST

	key  *rsa.PrivateKey   // its own
	shop []*rsa.PublicKey  // ours
	next *rsa.PrivateKey   // another bank's, for the trick with the wrong key
	name map[string]string // its own names of fields
}

// models are the banks that are played. Ids and versions as the banks have them, as far as public sources tell.
var models = []house{
	{ID: "swedbank", Name: "Swedbank", BIC: "HABAEE2X", Method: "GET", Agreement: banklink.Agreement{Bank: "HP", Version: "009", Account: "EE382200221020145685"}},
	{ID: "seb", Name: "SEB", BIC: "EEUHEE2X", Method: "POST", Agreement: banklink.Agreement{Bank: "EYP", Version: "009", Account: "EE171010123456789017"}, name: map[string]string{"VK_REC_ACC": "VK_ACC"}},
	{ID: "lhv", Name: "LHV", BIC: "LHVBEE22", Method: "POST", Agreement: banklink.Agreement{Bank: "LHV", Version: "009", Account: "EE597700771234567897"}},
	{ID: "luminor", Name: "Luminor", BIC: "RIKOEE22", Method: "POST", Agreement: banklink.Agreement{Bank: "NORDEA", Version: "008", Account: "EE561700017123456786"}},
	{ID: "coop", Name: "Coop Pank", BIC: "EKRDEE22", Method: "POST", Agreement: banklink.Agreement{Bank: "KREP", Version: "009", Account: "EE684204212345678907"}},
}

// keys are two keys per bank: its own and ours for it. They are fixed, so that a start takes no time.
//
//go:embed keys/*.pem
var keys embed.FS

// pepper protects nobody: everybody can read it here.
const pepper = "test-pepper-of-the-shop-on-one-machine-it-protects-nobody"

// desk is how the shop on this machine invoices, but for its accounts, which are those at the banks. Neither the VAT number nor the
// address is anybody's.
var desk = invoice.Desk{
	VATNumber: "EE100000007", Address: "Näidise 1, 10001 Tallinn", DueDays: 14, RemindBefore: 3, RemindAfter: 3, ExpireAfter: 14,
}

// Local makes the five banks for a shop at publicURL, and the parameters by which the shop knows them, has the keys to order
// from them and invoices, by their full names under the path of secrets. It also gives the stage its pepper.
func Local(publicURL, secrets string) (map[string]parameters.Value, *Bank, error) {
	values := map[string]parameters.Value{secrets + "/pepper": {Text: pepper, Secret: true}}
	var houses []*house
	invoices := desk
	for _, h := range models {
		ours, text, err := read(h.ID, "ours")
		if err != nil {
			return nil, nil, err
		}
		if h.key, _, err = read(h.ID, "bank"); err != nil {
			return nil, nil, err
		}
		public, err := x509.MarshalPKIXPublicKey(h.key.Public())
		if err != nil {
			return nil, nil, err
		}
		h.shop = []*rsa.PublicKey{&ours.PublicKey}
		h.Agreement.URL = publicURL + path + string(h.ID)
		h.Agreement.Merchant, h.Agreement.Name = "OPIQ", "Star Cloud OÜ"
		h.Agreement.Keys = []string{string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Headers: map[string]string{"Purpose": "test"}, Bytes: public}))}
		agreement, err := json.Marshal(h.Agreement)
		if err != nil {
			return nil, nil, err
		}
		values[secrets+"/"+h.ID.AgreementParameter()] = parameters.Value{Text: string(agreement)}
		values[secrets+"/"+h.ID.KeyParameter()] = parameters.Value{Text: text, Secret: true}
		houses = append(houses, &h)
		invoices.Accounts = append(invoices.Accounts, invoice.Account{IBAN: h.Agreement.Account, BIC: h.BIC, Bank: h.Name})
	}
	text, err := json.Marshal(invoices)
	if err != nil {
		return nil, nil, err
	}
	values[secrets+"/"+invoice.DeskParameter] = parameters.Value{Text: string(text)}
	return values, open(houses, time.Now), nil
}

// read reads a bank's embedded key and its text.
func read(id banklink.Bank, whose string) (*rsa.PrivateKey, string, error) {
	text, err := keys.ReadFile("keys/" + string(id) + "-" + whose + ".pem")
	if err != nil {
		return nil, "", err
	}
	key, err := banklink.Key(string(text))
	return key, string(text), err
}

// Bank is the five banks. It serves everything under /_local/bank/ and wants the whole path.
type Bank struct {
	mux    http.ServeMux
	houses []*house
	now    func() time.Time
	client *http.Client

	life    context.Context // ends with Close
	end     context.CancelFunc
	notices sync.WaitGroup

	mu    sync.Mutex
	last  int64                        // the number of the last payment
	paid  map[string]map[string]string // bank and stamp → the signed answer
	shown map[string]bool              // the MACs of orders that a buyer is looking at
}

func open(houses []*house, now func() time.Time) *Bank {
	b := &Bank{
		houses: houses, now: now, paid: map[string]map[string]string{}, shown: map[string]bool{},
		client: &http.Client{
			Timeout:       10 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	for i, h := range houses {
		h.next = houses[(i+1)%len(houses)].key
	}
	b.life, b.end = context.WithCancel(context.Background())
	b.mux.HandleFunc("GET "+path+"{$}", b.about)
	b.mux.HandleFunc("GET "+path+"{bank}", b.aboutOne)
	b.mux.HandleFunc("POST "+path+"{bank}", b.serve)
	return b
}

// ServeHTTP serves the banks' pages.
func (b *Bank) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.mux.ServeHTTP(w, r) }

// Close gives up the notices that the shop has not taken yet.
func (b *Bank) Close() {
	b.end()
	b.notices.Wait()
}

func (b *Bank) house(r *http.Request) *house {
	for _, h := range b.houses {
		if string(h.ID) == r.PathValue("bank") {
			return h
		}
	}
	return nil
}

// serve takes an order: shows it, or does what the buyer, or a program, has decided.
func (b *Bank) serve(w http.ResponseWriter, r *http.Request) {
	h := b.house(r)
	if h == nil {
		fail(w, r, http.StatusNotFound, refusal{"unknown_bank", "There is no such bank."})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		fail(w, r, http.StatusBadRequest, refusal{"form", "The body is not a form."})
		return
	}
	o, err := b.read(h, r.PostForm)
	if err != nil {
		fail(w, r, http.StatusBadRequest, err)
		return
	}
	if r.Form.Get("action") == "" && !wantsJSON(r) {
		b.mu.Lock()
		b.shown[o["VK_MAC"]] = true
		b.mu.Unlock()
		frame.Show(w, http.StatusOK, orderPage, o["VK_RETURN"], page{House: h, Order: o, Tricks: tricks})
		return
	}
	d, err := decide(r.Form)
	if err != nil {
		fail(w, r, http.StatusBadRequest, err)
		return
	}
	answer, err := b.answer(h, o, d)
	if err != nil {
		fail(w, r, http.StatusInternalServerError, err)
		return
	}
	if d.pay {
		b.tell(h, o["VK_RETURN"], answer, d.notice)
	}
	back := banklink.Form{Action: o["VK_RETURN"], Method: h.Method, Fields: answer}
	if !d.pay {
		back.Action = o["VK_CANCEL"]
	}
	if wantsJSON(r) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]banklink.Form{"return": back})
		return
	}
	frame.Show(w, http.StatusOK, donePage, back.Action, page{House: h, Order: o, Return: back, Paid: d.pay})
}

func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}
