package scim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/rest"
	"github.com/accordhq/accord/engine/access"
)

// Type is what connectors/all lists.
func Type() connectors.Type {
	return connectors.Type{Name: "scim", Describe: describe, Open: open}
}

// connector speaks to one SCIM service.
type connector struct {
	cfg      connectors.Config
	prof     profile
	client   *rest.Client
	pageSize int
	log      *slog.Logger

	once  chan struct{} // held by whoever discovers
	found *service      // what the service says of itself; guarded by once

	dir   directory
	locks locks

	mu     sync.Mutex
	closed bool
}

var (
	_ connectors.Connector = (*connector)(nil)
	_ connectors.Batcher   = (*connector)(nil)
)

func open(cfg connectors.Config) (connectors.Connector, error) { return openWith(cfg, rest.Options{}) }

// openWith takes the limits of the HTTP client as well.
func openWith(cfg connectors.Config, o rest.Options) (connectors.Connector, error) {
	fail := func(err error) (connectors.Connector, error) {
		return nil, fmt.Errorf("opening %s: %w", cfg.System, err)
	}
	prof, ok := profileNamed(cfg.Settings["profile"].Text)
	if !ok {
		return fail(fmt.Errorf("setting profile: %q is none of %s", cfg.Settings["profile"].Text, strings.Join(profileNames(), ", ")))
	}
	if cfg.Settings["base_url"].Text == "" {
		return fail(errors.New("setting base_url is missing"))
	}
	auth, err := authOf(cfg)
	if err != nil {
		return fail(err)
	}
	o.BaseURL, o.Auth, o.Transport = cfg.Settings["base_url"].Text, auth, cfg.HTTP
	o.Accept, o.Log, o.Now, o.Proxy = "application/scim+json", cfg.Log, cfg.Now, cfg.Settings["proxy"].Text
	if u, err := url.Parse(o.Proxy); o.Proxy != "" && (err != nil || u.User != nil) {
		return fail(errors.New("setting proxy: not an URL without user and password"))
	}
	if path := cfg.Settings["ca_file"].Text; path != "" {
		o.CAFile = filepath.Join(cfg.Dir, filepath.FromSlash(path))
	}
	client, err := rest.New(o)
	if err != nil {
		return fail(err)
	}
	c := &connector{
		cfg: cfg, prof: prof, client: client, pageSize: cfg.Settings["page_size"].Number, log: cfg.Log,
		once: make(chan struct{}, 1), locks: newLocks(),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.pageSize < 0 {
		return fail(errors.New("setting page_size: less than nothing"))
	}
	return c, nil
}

// authOf makes the one way of authentication that the settings describe.
func authOf(cfg connectors.Config) (rest.Auth, error) {
	s := cfg.Settings
	none := connectors.SecretRef{}
	secret := func(name string) rest.SecretFunc {
		return func(ctx context.Context) (connectors.Secret, error) {
			if cfg.Secret == nil {
				return connectors.Secret{}, errors.New("no secrets can be had here")
			}
			return cfg.Secret(ctx, s[name].Secret)
		}
	}
	bearer, basic, oauth := s["token"].Secret != none, s["password"].Secret != none || s["user"].Text != "", s["token_url"].Text != ""
	switch {
	case bearer && !basic && !oauth:
		return rest.Bearer(secret("token")), nil
	case basic && !bearer && !oauth:
		if s["user"].Text == "" || s["password"].Secret == none {
			return nil, errors.New("settings user and password: one is missing")
		}
		return rest.Basic(s["user"].Text, secret("password")), nil
	case oauth && !bearer && !basic:
		if s["client_id"].Text == "" || s["client_secret"].Secret == none {
			return nil, errors.New("settings token_url, client_id and client_secret: one is missing")
		}
		return rest.ClientCredentials(rest.OAuth{
			TokenURL: s["token_url"].Text, ClientID: s["client_id"].Text, Secret: secret("client_secret"), Scopes: s["scopes"].Texts,
		})
	}
	return nil, errors.New("the settings must name one way to log in: token, user and password, or token_url, client_id and client_secret")
}

// Describe says what the connector can do.
func (c *connector) Describe() access.Description { return describe() }

// Close frees idle connections.
func (c *connector) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.client.Close()
	return nil
}

var errClosed = errors.New("the connector was closed")

// ready checks what every call needs, and gives what the service says of itself.
func (c *connector) ready(ctx context.Context) (*service, error) {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.discover(ctx)
}

// now is the time by which the age of what was learned is told.
func (c *connector) now() time.Time {
	if c.cfg.Now != nil {
		return c.cfg.Now()
	}
	return time.Now()
}
