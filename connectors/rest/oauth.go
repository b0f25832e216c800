package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/accordhq/accord/connectors"
)

// OAuth are the settings of a client credentials grant (RFC 6749 §4.4).
type OAuth struct {
	// TokenURL is where tokens are had; https, or http to this machine.
	TokenURL string
	ClientID string
	Secret   SecretFunc
	Scopes   []string
	// InBody sends id and secret in the body instead of by Basic (§2.3.1).
	InBody bool
}

// ClientCredentials gets an access token, keeps it until shortly before it expires, and gets
// another one when the server refuses it.
func ClientCredentials(o OAuth) (Auth, error) {
	u, err := baseURL(o.TokenURL)
	if err != nil {
		return nil, fmt.Errorf("the token URL: %w", err)
	}
	return &tokens{gate: newGate(), o: o, url: u}, nil
}

type tokens struct {
	o   OAuth
	url *url.URL
	c   *Client

	gate    gate // guards what follows
	token   connectors.Secret
	expires time.Time // by the monotonic clock; zero: it doesn't say
	held    bool
}

// early is how long before its end a token isn't used any more.
const early = 30 * time.Second

func (a *tokens) bind(c *Client) { a.c = c }

// Format shows nothing of the credentials.
func (a *tokens) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

func (a *tokens) forget() bool {
	_ = a.gate.enter(context.Background())
	defer a.gate.leave()
	a.held = false
	return true
}

func (a *tokens) authorize(ctx context.Context, req *http.Request) error {
	if err := a.gate.enter(ctx); err != nil {
		return err
	}
	defer a.gate.leave()
	if !a.held || !a.expires.IsZero() && time.Now().After(a.expires) {
		if err := a.fetch(ctx); err != nil {
			return fmt.Errorf("getting an access token from %s: %w", a.url.Host, err)
		}
	}
	req.Header.Set("Authorization", "Bearer "+a.token.Reveal())
	return nil
}

// fetch gets a token. It is not repeated here: the request that needs it is, where that is right.
func (a *tokens) fetch(ctx context.Context) error {
	secret, err := a.o.Secret(ctx)
	if err != nil {
		return fmt.Errorf("getting the client's secret: %w", err)
	}
	a.c.secrets.add(secret.Reveal())
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(a.o.Scopes) > 0 {
		form.Set("scope", strings.Join(a.o.Scopes, " "))
	}
	if a.o.InBody {
		form.Set("client_id", a.o.ClientID)
		form.Set("client_secret", secret.Reveal())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return errors.New("the token URL can't be asked")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", UserAgent)
	if !a.o.InBody {
		req.SetBasicAuth(url.QueryEscape(a.o.ClientID), url.QueryEscape(secret.Reveal()))
	}
	res, err := a.c.opt.Transport.RoundTrip(req) // redirects aren't followed
	if err != nil {
		return &unsent{a.c.secrets.clean(err)}
	}
	defer res.Body.Close()
	const most = 1 << 20
	body, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err != nil {
		return &unsent{fmt.Errorf("the answer was cut off: %w", err)}
	}
	return a.take(&Response{Status: res.StatusCode, Header: res.Header, Body: body, URL: a.url, read: true, what: "POST " + a.url.Path})
}

// take keeps the token of an answer.
func (a *tokens) take(r *Response) error {
	if r.Status != http.StatusOK {
		says, code := message(r)
		err := fmt.Errorf("status %d: %s", r.Status, a.c.quote(strings.TrimPrefix(code+": "+says, ": ")))
		if r.Status >= 400 && r.Status < 500 && r.Status != http.StatusTooManyRequests {
			return fmt.Errorf("%w: %w", connectors.ErrDenied, err)
		}
		return &unsent{err}
	}
	var t struct {
		AccessToken string      `json:"access_token"`
		TokenType   string      `json:"token_type"`
		ExpiresIn   json.Number `json:"expires_in"`
	}
	if looksLikeHTML(r) || json.NewDecoder(bytes.NewReader(r.Body)).Decode(&t) != nil || t.AccessToken == "" {
		return fmt.Errorf("the answer holds no token: %w", connectors.ErrIncomplete)
	}
	if t.TokenType != "" && !strings.EqualFold(t.TokenType, "bearer") {
		return fmt.Errorf("the token is of the type %s, only bearer tokens are known", a.c.quote(t.TokenType))
	}
	a.c.secrets.add(t.AccessToken)
	a.token, a.held, a.expires = connectors.NewSecret(t.AccessToken), true, time.Time{}
	if d, ok := seconds(t.ExpiresIn.String()); ok && d > 0 {
		a.expires = time.Now().Add(max(d-early, d/2))
	}
	return nil
}
