package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/accordhq/accord/connectors/rest"
)

// Webhook posts the message as JSON. With a key it is signed as Standard Webhooks has it
// (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md): webhook-id is the
// message's ID, webhook-timestamp when it was sent, and webhook-signature "v1," and the base64 of
// the HMAC-SHA256 over "ID.TIMESTAMP.BODY".
type Webhook struct {
	// URL is where to post; with Hidden it is a credential.
	URL    rest.SecretFunc
	Hidden bool
	// Key is "whsec_" and base64, or any other text as it is; nil: nothing is signed.
	Key  rest.SecretFunc
	HTTP HTTP
}

// Send posts the message.
func (w Webhook) Send(ctx context.Context, m Message) error {
	address, err := w.URL(ctx)
	if err != nil {
		return fmt.Errorf("getting the address: %w", err)
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return fmt.Errorf("writing the message: %w", err)
	}
	header := http.Header{}
	header.Set("Webhook-Id", m.ID)
	if w.Key != nil {
		key, err := w.Key(ctx)
		if err != nil {
			return fmt.Errorf("getting the key: %w", err)
		}
		raw, err := signingKey(key.Reveal())
		if err != nil {
			return err
		}
		at := w.HTTP.now()
		header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
		header.Set("Webhook-Signature", Signature(raw, m.ID, at, body.Bytes()))
	}
	return w.HTTP.post(ctx, address.Reveal(), w.Hidden, body.Bytes(), header)
}

func (h HTTP) now() time.Time {
	if h.Now == nil {
		return time.Now()
	}
	return h.Now()
}

// signingKey reads a key: bytes in base64 behind "whsec_", as Standard Webhooks writes them, or
// the text itself.
func signingKey(s string) ([]byte, error) {
	coded, ok := strings.CutPrefix(s, "whsec_")
	if !ok {
		return []byte(s), nil
	}
	raw, err := base64.StdEncoding.DecodeString(coded)
	if err != nil {
		return nil, fmt.Errorf("the key isn't base64 behind whsec_")
	}
	return raw, nil
}

// Signature signs a body.
func Signature(key []byte, id string, at time.Time, body []byte) string {
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s.%d.", id, at.Unix())
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}
