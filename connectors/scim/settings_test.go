package scim

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/connectortest"
	"github.com/accordhq/accord/connectors/rest"
	"github.com/accordhq/accord/engine/access"
)

// The ways to log in, against a service that checks them.
func TestLogins(t *testing.T) {
	ref := connectors.Value{Secret: connectors.SecretRef{Env: "X"}}
	text := func(s string) connectors.Value { return connectors.Value{Text: s} }
	f := newFake(&fake{})
	people(t, f)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("accord:"+connectortest.Canary))
	f.check = func(r *http.Request, _ string, _ []byte) {
		if r.Header.Get("Authorization") == basic {
			r.Header.Set("Authorization", "Bearer "+connectortest.Canary)
		}
	}
	issued := 0
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, secret, _ := r.BasicAuth(); secret != connectortest.Canary {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		issued++
		respond(w, 200, map[string]any{"access_token": connectortest.Canary, "token_type": "bearer", "expires_in": 3600})
	}))
	defer login.Close()
	for name, s := range map[string]connectors.Settings{
		"bearer": nil,
		"basic":  {"token": {}, "user": text("accord"), "password": ref},
		"oauth":  {"token": {}, "token_url": text(login.URL + "/token"), "client_id": text("accord"), "client_secret": ref},
	} {
		c := f.serve(t).open(t, s)
		if _, err := c.Read(t.Context(), connectors.Scope{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if issued != 1 {
		t.Errorf("%d tokens were issued for one connector", issued)
	}
}

// Settings that don't fit are refused before anything is asked, and show no credential.
func TestSettings(t *testing.T) {
	ref := connectors.Value{Secret: connectors.SecretRef{Env: "X"}}
	text := func(s string) connectors.Value { return connectors.Value{Text: s} }
	base := func(more connectors.Settings) connectors.Settings {
		s := connectors.Settings{"base_url": text("https://a.example/scim")}
		maps.Copy(s, more)
		return s
	}
	good := []connectors.Settings{
		base(connectors.Settings{"token": ref}),
		base(connectors.Settings{"user": text("u"), "password": ref}),
		base(connectors.Settings{"token_url": text("https://a.example/token"), "client_id": text("c"), "client_secret": ref, "scopes": {Texts: []string{"a"}}}),
		base(connectors.Settings{"token": ref, "proxy": text("http://proxy:3128"), "profile": text("slack"), "page_size": {Number: 10}}),
	}
	bad := map[string]connectors.Settings{
		"one way to log in": base(nil),
		"one way":           base(connectors.Settings{"token": ref, "user": text("u"), "password": ref}),
		"password: one":     base(connectors.Settings{"user": text("u")}),
		"client_id":         base(connectors.Settings{"token_url": text("https://a.example/token")}),
		"token URL":         base(connectors.Settings{"token_url": text("http://a.example"), "client_id": text("c"), "client_secret": ref}),
		"base_url":          {"token": ref},
		"only https":        {"token": ref, "base_url": text("http://a.example")},
		"holds a user":      {"token": ref, "base_url": text("https://u:hunter22@a.example")},
		"profile":           base(connectors.Settings{"token": ref, "profile": text("nope")}),
		"proxy":             base(connectors.Settings{"token": ref, "proxy": text("http://u:hunter22@proxy")}),
		"page_size":         base(connectors.Settings{"token": ref, "page_size": {Number: -1}}),
		"CA file":           base(connectors.Settings{"token": ref, "ca_file": text("none.pem")}),
	}
	open := func(s connectors.Settings) (connectors.Connector, error) {
		cfg := connectortest.Config(t)
		cfg.Settings, cfg.Dir = s, t.TempDir()
		cfg.Secret = func(context.Context, connectors.SecretRef) (connectors.Secret, error) {
			t.Error("opening asked for a secret")
			return connectors.Secret{}, nil
		}
		return Type().Open(cfg)
	}
	for _, s := range good {
		c, err := open(s)
		must(t, err)
		must(t, c.Close())
		must(t, c.Close())
		if _, err := c.Read(t.Context(), connectors.Scope{}); !errors.Is(err, errClosed) {
			t.Errorf("reading after closing: %v", err)
		}
	}
	for says, s := range bad {
		if _, err := open(s); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// A connector that was opened for reading writes nothing.
func TestReadOnly(t *testing.T) {
	f := newFake(&fake{})
	people(t, f)
	far := f.serve(t)
	cfg := connectortest.Config(t)
	cfg.ReadOnly = true
	cfg.Settings = connectors.Settings{"base_url": {Text: far.url}, "token": {Secret: connectors.SecretRef{Env: "TOKEN"}}}
	c, err := openWith(cfg, rest.Options{})
	must(t, err)
	for _, ch := range []access.Change{disable("account/alice", true), revoke("account/bob", "group/sre")} {
		if err := c.Apply(t.Context(), ch); !errors.Is(err, connectors.ErrDenied) || len(f.sent) > 0 {
			t.Errorf("%s: %v", ch, err)
		}
	}
}
