package run

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"opiq/local/account"
	"opiq/local/ledger"
	"opiq/local/parameters"
	"opiq/shared/invoice"
)

// account is the account that money for invoices goes to, as this shop's parameters have it.
func (s *Shop) account(values map[string]parameters.Value) (*account.Account, error) {
	desk, err := invoice.ParseDesk(values[secrets+"/"+invoice.DeskParameter].Text)
	if err != nil {
		return nil, err
	}
	table := func(ctx context.Context) (ledger.Ledger, error) {
		return ledger.Read(ctx, s.AWS, s.Made.Tables["Table"])
	}
	return account.Open(desk, table, (&machine{shop: s, client: http.Client{Timeout: 40 * time.Second}}).hand), nil
}

// machine hands statements in, as a bookkeeper's does, with a key of its own that is made when it is first needed.
type machine struct {
	shop   *Shop
	client http.Client

	mu     sync.Mutex
	secret string
}

func (m *machine) hand(ctx context.Context, statement []byte) (status int, answer []byte, err error) {
	secret, err := m.key(ctx)
	if err != nil {
		return 0, nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.shop.URL+"/v1/statements", bytes.NewReader(statement))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+secret)
	r.Header.Set("Content-Type", "application/xml")
	w, err := m.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer w.Body.Close()
	answer, err = io.ReadAll(w.Body)
	return w.StatusCode, answer, err
}

func (m *machine) key(ctx context.Context) (secret string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.secret != "" {
		return m.secret, nil
	}
	out, err := m.shop.Functions.Invoke(ctx, "staff", []byte(`{"key":{"name":"the stand-in account","right":"statements"}}`))
	if err != nil {
		return "", fmt.Errorf("there is no key for the machine: %w", err)
	}
	var made struct {
		Secret string `json:"secret"`
	}
	err = json.Unmarshal(out, &made)
	m.secret = made.Secret
	return m.secret, err
}
