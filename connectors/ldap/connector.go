package ldap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// connector speaks to one server. It keeps its connections between calls.
type connector struct {
	flavour *flavour
	desc    access.Description // for own use: what Describe returns is the caller's
	system  string
	set     *settings
	secret  func(context.Context, connectors.SecretRef) (connectors.Secret, error)
	log     *slog.Logger
	now     func() time.Time

	slots    chan struct{} // one for each connection that may be in use
	pageSize atomic.Int32  // the largest that the server was seen to take
	numbers  allocator

	mu     sync.Mutex
	idle   []*session
	closed bool
}

var (
	_ connectors.Connector     = (*connector)(nil)
	_ connectors.SeriesBatcher = (*connector)(nil)
	_ connectors.Creator       = (*connector)(nil)
)

func (f *flavour) open(cfg connectors.Config) (connectors.Connector, error) {
	set, err := f.parse(cfg)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", cfg.System, err)
	}
	c := &connector{flavour: f, desc: f.describe(), system: cfg.System, set: set, secret: cfg.Secret, log: cfg.Log, now: cfg.Now,
		slots: make(chan struct{}, set.connections)}
	c.pageSize.Store(int32(set.pageSize))
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	return c, nil
}

// Describe says what the connector can do.
func (c *connector) Describe() access.Description { return c.flavour.describe() }

// Close ends the connections that are kept. A call that is under way still ends as it would.
func (c *connector) Close() error {
	c.mu.Lock()
	idle := c.idle
	c.idle, c.closed = nil, true
	c.mu.Unlock()
	for _, s := range idle {
		s.close()
	}
	return nil
}

var errClosed = errors.New("the connector was closed")

// acquire gives a connection that was kept or a new one, waiting while as many as allowed are
// in use.
func (c *connector) acquire(ctx context.Context) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", c.system, err)
	}
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("connecting to %s: %w", c.system, ctx.Err())
	}
	s, err := c.take(ctx)
	if err != nil {
		<-c.slots
	}
	return s, err
}

func (c *connector) take(ctx context.Context) (*session, error) {
	for {
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return nil, fmt.Errorf("connecting to %s: %w", c.system, errClosed)
		}
		n := len(c.idle)
		if n == 0 {
			c.mu.Unlock()
			return c.connect(ctx)
		}
		s := c.idle[n-1]
		c.idle = c.idle[:n-1]
		c.mu.Unlock()
		if s.usable() {
			s.reused = true
			return s, nil
		}
		s.close()
	}
}

// stale reports whether a call failed because a connection that was kept had meanwhile been
// closed by the server or on the way, so that it is worth another try over a new one. Nothing was
// written then. The other connections that are kept are given up as well.
func (c *connector) stale(ctx context.Context, s *session, err error) bool {
	if !s.reused || !errors.Is(err, errLost) || errors.Is(err, connectors.ErrOutcomeUnknown) || ctx.Err() != nil {
		return false
	}
	c.mu.Lock()
	idle := c.idle
	c.idle = nil
	c.mu.Unlock()
	for _, s := range idle {
		s.close()
	}
	return true
}

// release keeps a connection for the next call, if it is fit for that.
func (c *connector) release(s *session) {
	c.mu.Lock()
	keep := !c.closed && s.usable()
	if keep {
		c.idle = append(c.idle, s)
	}
	c.mu.Unlock()
	if !keep {
		s.close()
	}
	<-c.slots
}
