package ldap

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// series takes batches that come close upon one another. It remembers for a short time where
// accounts are: one that is put into five groups is looked up once. The groups are looked up for
// each batch, since that is what is written to.
type series struct {
	c *connector

	mu   sync.Mutex
	seen map[access.ID]sighting
}

// sighting is the one entry of a name, and when it was asked for.
type sighting struct {
	entry *entry
	at    time.Time
}

// Series gives a Batcher for the batches of one run.
func (c *connector) Series() connectors.Batcher {
	return &series{c: c, seen: map[access.ID]sighting{}}
}

// ApplyBatch is that of the connector. What fails while it goes by what was seen before is tried
// again by what is there now.
func (s *series) ApplyBatch(ctx context.Context, changes []access.Change) error {
	known := s.known(changes)
	err := s.c.applyBatch(ctx, changes, s, known)
	if err == nil || len(known) == 0 || errors.Is(err, connectors.ErrOutcomeUnknown) || ctx.Err() != nil {
		return err
	}
	s.forget(known)
	return s.c.applyBatch(ctx, changes, s, nil)
}

// known are the entries of the changes' subjects that were seen a short time ago.
func (s *series) known(changes []access.Change) subjects {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.c.now()
	out := subjects{}
	for _, ch := range changes {
		if seen, ok := s.seen[ch.Subject]; ok && now.Sub(seen.at) < connectors.Fresh {
			out[ch.Subject] = seen.entry
		}
	}
	return out
}

// note remembers accounts that weren't known and were asked for at an instant. Outside of a series
// nothing is remembered.
func (s *series) note(who, known subjects, at time.Time) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, e := range who {
		if id.IsAccount() && known[id] == nil {
			s.seen[id] = sighting{e, at}
		}
	}
}

func (s *series) forget(who subjects) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range who {
		delete(s.seen, id)
	}
}
