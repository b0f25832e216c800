package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/accordhq/accord/connectors/rest"
)

// HTTP is how posts are sent.
type HTTP struct {
	// Transport carries them; nil: the default, which verifies servers.
	Transport http.RoundTripper
	Log       *slog.Logger
	Now       func() time.Time
	// Pause is the longest first pause between two attempts; zero: half a second.
	Pause time.Duration
}

// A run waits for its notifications, so they get little time; what isn't delivered in it is told
// by the next run.
const (
	attempts   = 4
	oneAttempt = 15 * time.Second
	longWait   = 20 * time.Second
	allOfIt    = time.Minute
)

// post sends a body as JSON. Posting twice is better than not at all: a message says who it is,
// so that a reader who minds can tell. With hidden set the address is a credential.
func (h HTTP) post(ctx context.Context, address string, hidden bool, body []byte, header http.Header) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return errors.New("the address isn't one that can be posted to")
	}
	var secrets []string
	if hidden {
		secrets = []string{address, u.EscapedPath(), u.Path, u.RawQuery, u.RequestURI()}
	}
	c, err := rest.New(rest.Options{BaseURL: u.Scheme + "://" + u.Host, Secrets: secrets, Transport: h.Transport, Log: h.Log, Now: h.Now,
		Attempts: attempts, Timeout: oneAttempt, MaxWait: longWait, MaxElapsed: allOfIt, Pause: h.Pause, MaxBody: 1 << 20})
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Do(ctx, rest.Request{Method: http.MethodPost, URL: u.String(), Header: header, Body: body, Repeat: true}); err != nil {
		return fmt.Errorf("posting to %s: %w", u.Host, err)
	}
	return nil
}
