package rest

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"

	"github.com/accordhq/accord/connectors"
)

// SecretFunc gets a credential at the moment that it is needed.
type SecretFunc func(context.Context) (connectors.Secret, error)

// Auth puts a credential on requests. It is made by Bearer, Basic, Header or
// ClientCredentials, for one client.
type Auth interface {
	authorize(context.Context, *http.Request) error
	// forget drops a credential that the server refused, and reports whether getting it
	// again may help.
	forget() bool
}

// binder is an Auth that needs its client: to send requests of its own, or to have its
// credentials kept out of what is said.
type binder interface{ bind(*Client) }

// gate lets one in at a time; whoever waits goes when the context is done.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g gate) leave() { <-g }

type noAuth struct{}

func (noAuth) authorize(context.Context, *http.Request) error { return nil }
func (noAuth) forget() bool                                   { return false }

// Bearer sends "Authorization: Bearer SECRET" (RFC 6750).
func Bearer(secret SecretFunc) Auth { return Header("Authorization", "Bearer ", secret) }

// Basic sends user and password (RFC 7617).
func Basic(user string, password SecretFunc) Auth {
	return &static{gate: newGate(), name: "Authorization", get: password, form: func(v *vault, s string) string {
		pair := base64.StdEncoding.EncodeToString([]byte(user + ":" + s))
		v.add(pair)
		return "Basic " + pair
	}}
}

// Header sends the secret in a header, behind a prefix.
func Header(name, prefix string, secret SecretFunc) Auth {
	return &static{gate: newGate(), name: name, get: secret, form: func(_ *vault, s string) string { return prefix + s }}
}

// static is a credential that stays as it is. It is got once, and again after a 401: it may
// have been rotated.
type static struct {
	name string
	get  SecretFunc
	form func(*vault, string) string
	v    *vault

	gate gate // guards kept
	kept *connectors.Secret
}

func (a *static) bind(c *Client) { a.v = c.secrets }

func (a *static) authorize(ctx context.Context, req *http.Request) error {
	if err := a.gate.enter(ctx); err != nil {
		return err
	}
	defer a.gate.leave()
	if a.kept == nil {
		s, err := a.get(ctx)
		if err != nil {
			return fmt.Errorf("getting the credential: %w", err)
		}
		a.v.add(s.Reveal())
		a.kept = &s
	}
	req.Header.Set(a.name, a.form(a.v, a.kept.Reveal()))
	return nil
}

func (a *static) forget() bool {
	_ = a.gate.enter(context.Background())
	defer a.gate.leave()
	a.kept = nil
	return true
}

// Format shows nothing of the credential.
func (a *static) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }
