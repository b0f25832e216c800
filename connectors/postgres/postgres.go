package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// The versions that are supported.
const (
	oldestMajor = 15
	newestMajor = 18
)

const (
	defaultConnectTimeout   = 10 * time.Second
	defaultStatementTimeout = time.Minute
)

// Type is what connectors/all lists.
func Type() connectors.Type {
	return connectors.Type{Name: "postgres", Describe: describe, Open: open}
}

// connector speaks to one database of one server. It keeps one connection between calls.
type connector struct {
	system           string
	dsn              connectors.SecretRef
	secret           func(context.Context, connectors.SecretRef) (connectors.Secret, error)
	handover         string
	creators         []string
	connectTimeout   time.Duration
	statementTimeout time.Duration
	allowInsecure    bool
	readOnly         bool
	log              *slog.Logger

	mu     sync.Mutex
	idle   *session
	closed bool
}

var (
	_ connectors.Connector = (*connector)(nil)
	_ connectors.Batcher   = (*connector)(nil)
)

func open(cfg connectors.Config) (connectors.Connector, error) {
	c := &connector{
		system:           cfg.System,
		dsn:              cfg.Settings["dsn"].Secret,
		secret:           cfg.Secret,
		handover:         cfg.Settings["handover"].Text,
		creators:         cfg.Settings["creators"].Texts,
		connectTimeout:   cfg.Settings["connect_timeout"].Period,
		statementTimeout: cfg.Settings["statement_timeout"].Period,
		allowInsecure:    cfg.Settings["allow_insecure_tls"].Bool,
		readOnly:         cfg.ReadOnly,
		log:              cfg.Log,
	}
	if c.dsn == (connectors.SecretRef{}) {
		return nil, fmt.Errorf("opening %s: setting dsn is missing", cfg.System)
	}
	if c.connectTimeout <= 0 {
		c.connectTimeout = defaultConnectTimeout
	}
	if c.statementTimeout <= 0 {
		c.statementTimeout = defaultStatementTimeout
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	for _, name := range c.creators {
		if err := checkName(name); err != nil {
			return nil, fmt.Errorf("opening %s: setting creators: %q: %w", cfg.System, name, err)
		}
	}
	if c.handover != "" {
		if err := checkName(c.handover); err != nil {
			return nil, fmt.Errorf("opening %s: setting handover: %q: %w", cfg.System, c.handover, err)
		}
	}
	return c, nil
}

// Describe says what the connector can do.
func (c *connector) Describe() access.Description { return describe() }

// Close ends the connection that is kept. A call that is under way still ends as it would.
func (c *connector) Close() error {
	c.mu.Lock()
	s := c.idle
	c.idle, c.closed = nil, true
	c.mu.Unlock()
	if s != nil {
		s.close()
	}
	return nil
}

var errClosed = errors.New("the connector was closed")

// acquire gives the connection that is kept, if it still answers, or a new one.
func (c *connector) acquire(ctx context.Context) (*session, error) {
	c.mu.Lock()
	s, closed := c.idle, c.closed
	c.idle = nil
	c.mu.Unlock()
	if closed {
		return nil, fmt.Errorf("connecting to %s: %w", c.system, errClosed)
	}
	if err := ctx.Err(); err != nil {
		c.release(s)
		return nil, fmt.Errorf("connecting to %s: %w", c.system, err)
	}
	if s != nil {
		if s.pg.Ping(ctx) == nil {
			return s, nil
		}
		s.close()
	}
	return c.connect(ctx, "")
}

// release keeps a connection for the next call if it is fit for that and there is none kept.
func (c *connector) release(s *session) {
	if s == nil {
		return
	}
	if !s.pg.IsClosed() && s.pg.TxStatus() == 'I' {
		c.mu.Lock()
		if c.idle == nil && !c.closed {
			c.idle, s = s, nil
		}
		c.mu.Unlock()
	}
	if s != nil {
		s.close()
	}
}
