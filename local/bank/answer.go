package bank

import (
	"crypto/rsa"
	"log"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"opiq/shared/banklink"
	"opiq/shared/civil"
)

// The buyer is always the same person.
const (
	payer   = "Mari Õunapuu"
	account = "EE471000001020145685"
)

// trick is one way in which a bank, or somebody between it and the shop, can be wrong.
type trick struct {
	Name, About string
	before      func(h *house, f map[string]string) // signed
	after       func(f map[string]string)           // changed on the way
	key         func(h *house) *rsa.PrivateKey
}

// tricks are the values of tamper. The answer is signed as a real one, but for the one thing.
var tricks = []trick{
	{Name: "mac", About: "the signature has one other character", after: func(f map[string]string) {
		first := "A"
		if f["VK_MAC"][0] == 'A' {
			first = "B"
		}
		f["VK_MAC"] = first + f["VK_MAC"][1:]
	}},
	{Name: "key", About: "signed with another bank’s key", key: func(h *house) *rsa.PrivateKey { return h.next }},
	{Name: "version", About: "signed in the version that was not agreed", before: func(h *house, f map[string]string) {
		f["VK_VERSION"] = map[string]string{"008": "009", "009": "008"}[h.Agreement.Version]
	}},
	{Name: "receiver", About: "for another merchant", before: func(_ *house, f map[string]string) { f["VK_REC_ID"] = "KIOSK" }},
	{Name: "account", About: "paid to another account", before: func(_ *house, f map[string]string) { f["VK_REC_ACC"] = account }},
	{Name: "currency", About: "paid in kroons", before: func(_ *house, f map[string]string) { f["VK_CURR"] = "SEK" }},
	{Name: "amount", About: "one cent was paid", before: func(_ *house, f map[string]string) { f["VK_AMOUNT"] = "0.01" }},
	{Name: "reference", About: "another reference number", before: func(_ *house, f map[string]string) { f["VK_REF"] = "1234561" }},
	{Name: "stamp", About: "for an attempt that there is not", before: func(_ *house, f map[string]string) {
		s := f["VK_STAMP"]
		f["VK_STAMP"] = s[:len(s)-1] + string('0'+(s[len(s)-1]-'0'+1)%10)
	}},
}

// answer is the bank's signed word about an order, as it goes with the browser. One stamp is paid once: asked again, the
// bank says the same again, number and signature included.
func (b *Bank) answer(h *house, o map[string]string, d decision) (map[string]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := string(h.ID) + " " + o["VK_STAMP"]
	plain := d.pay && !d.again && d.trick == nil
	if f := b.paid[first]; f != nil && plain {
		return maps.Clone(f), nil
	}
	f := map[string]string{
		"VK_VERSION": h.Agreement.Version, "VK_SND_ID": h.Agreement.Bank, "VK_REC_ID": h.Agreement.Merchant, "VK_STAMP": o["VK_STAMP"],
		"VK_REF": o["VK_REF"], "VK_MSG": o["VK_MSG"], "VK_ENCODING": "UTF-8", "VK_LANG": o["VK_LANG"], "VK_AUTO": "N", "VK_SERVICE": banklink.Failed,
	}
	if d.pay {
		// Numbers rise also from one start to the next, because a table that was kept knows the old ones.
		b.last = max(b.last+1, b.now().UnixMilli())
		maps.Copy(f, map[string]string{
			"VK_SERVICE": banklink.Paid, "VK_T_NO": strconv.FormatInt(b.last, 10), "VK_AMOUNT": o["VK_AMOUNT"], "VK_CURR": o["VK_CURR"],
			"VK_REC_ACC": h.Agreement.Account, "VK_REC_NAME": h.Agreement.Name, "VK_SND_ACC": account, "VK_SND_NAME": payer,
			"VK_T_DATETIME": b.now().In(civil.Tallinn.Location()).Format(banklink.Layout),
		})
	}
	key := h.key
	if t := d.trick; t != nil && t.before != nil {
		t.before(h, f)
	} else if t != nil && t.key != nil {
		key = t.key(h)
	}
	if err := banklink.Sign(key, f); err != nil {
		return nil, err
	}
	if t := d.trick; t != nil && t.after != nil {
		t.after(f)
	}
	for standard, own := range h.name {
		if v, ok := f[standard]; ok {
			f[own] = v
			delete(f, standard)
		}
	}
	if plain {
		b.paid[first] = maps.Clone(f)
	}
	return f, nil
}

// delay is how long after the answer the bank speaks by itself, where it was asked to do so after it.
const delay = time.Second

// tell sends the bank's own notice: before it returns, a moment after, both, or not at all.
func (b *Bank) tell(h *house, to string, answer map[string]string, when string) {
	own := maps.Clone(answer)
	own["VK_AUTO"] = "Y" // not signed
	if when == "before" || when == "twice" {
		b.notify(h, to, own)
	}
	if when == "after" || when == "twice" {
		b.notices.Go(func() {
			if b.sleep(delay) {
				b.notify(h, to, own)
			}
		})
	}
}

// notify brings a notice to the shop until it takes it: eight times within about twelve seconds. A shop that answers
// 4xx has understood and does not want it; the bank does not insist.
func (b *Bank) notify(h *house, to string, fields map[string]string) {
	wait := 100 * time.Millisecond
	for range 8 {
		status, err := b.send(h.Method, to, fields)
		switch {
		case err == nil && status/100 == 2:
			return
		case err == nil && status/100 == 4 && status != http.StatusTooManyRequests:
			log.Printf("bank %s: the shop refused the notice of %s with %d", h.ID, fields["VK_STAMP"], status)
			return
		}
		if !b.sleep(wait) {
			return
		}
		wait = min(2*wait, 5*time.Second)
	}
	log.Printf("bank %s: the shop did not take the notice of %s", h.ID, fields["VK_STAMP"])
}

func (b *Bank) send(method, to string, fields map[string]string) (int, error) {
	form := url.Values{}
	for name, v := range fields {
		form.Set(name, v)
	}
	body := form.Encode()
	if method == http.MethodGet {
		to, body = to+"?"+body, ""
	}
	r, err := http.NewRequestWithContext(b.life, method, to, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w, err := b.client.Do(r)
	if err != nil {
		return 0, err
	}
	return w.StatusCode, w.Body.Close()
}

// sleep waits, and tells whether the bank is still open after it.
func (b *Bank) sleep(d time.Duration) bool {
	select {
	case <-b.life.Done():
		return false
	case <-time.After(d):
		return true
	}
}
