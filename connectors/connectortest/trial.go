package connectortest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// trial is one law being held against one connector.
type trial struct {
	testing.TB
	h    Harness
	seed uint64
	why  string // why the law doesn't concern the connector, or what of it wasn't tried
}

// Skipf ends a law that doesn't concern the connector.
func (t *trial) Skipf(format string, args ...any) {
	t.Helper()
	t.why = fmt.Sprintf(format, args...)
	t.TB.Skipf(format, args...)
}

// partly says what of a law can't be tried with this harness.
func (t *trial) partly(what string) {
	t.Helper()
	t.Log(what)
	if t.why != "" {
		what = t.why + "; " + what
	}
	t.why = what
}

// bed is a connector on a system of its own, and what could be there.
type bed struct {
	*trial
	connectors.Connector
	far   System
	desc  access.Description
	fresh *access.State // what is on a fresh system
	maker *maker
}

// open opens a fresh system.
func (t *trial) open() *bed {
	t.Helper()
	c, far := t.h.Open(t.TB)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	b := &bed{trial: t, Connector: c, far: far, desc: c.Describe(), fresh: far.Dump(t.TB)}
	b.maker = newMaker(b)
	return b
}

// rand gives randomness that the seed and the name of the purpose tell.
func (t *trial) rand(purpose string) *rand.Rand {
	t.Helper()
	t.Logf("random states of seed %d; the same ones again with -seed %d", t.seed, t.seed)
	h := fnv.New64a()
	h.Write([]byte(purpose))
	return rand.New(rand.NewPCG(t.seed, h.Sum64()))
}

func (b *bed) seed(s *access.State) {
	b.Helper()
	b.far.Seed(b.TB, s)
}

func (b *bed) dump() *access.State {
	b.Helper()
	return b.far.Dump(b.TB)
}

// read reads everything, or the named objects; an error ends the law.
func (b *bed) read(ids ...access.ID) *access.State {
	b.Helper()
	s, err := b.Read(b.Context(), connectors.Scope{IDs: ids})
	if err != nil {
		b.Fatalf("reading: %v", err)
	}
	if s == nil {
		b.Fatalf("reading: neither a state nor an error")
	}
	return s
}

// apply makes one change; an error is reported.
func (b *bed) apply(c access.Change) bool {
	b.Helper()
	if err := b.Apply(b.Context(), c); err != nil {
		b.Errorf("%s: %v", c, err)
		return false
	}
	return true
}

// settled waits until Read shows what is there, for no longer than the settle time, and gives
// the last answer.
func (b *bed) settled(ids ...access.ID) *access.State {
	b.Helper()
	deadline := time.Now().Add(b.desc.Settle)
	for pause := time.Millisecond; ; pause *= 2 {
		last := time.Now().After(deadline)
		got := b.read(ids...)
		if last || len(differences(narrow(b, b.dump(), ids), got, leniency{implied: true})) == 0 {
			return got
		}
		time.Sleep(min(pause, max(time.Until(deadline), 0)+time.Millisecond))
	}
}

// narrow gives what a state says of some objects and what these hold; with none, all of it.
func narrow(t testing.TB, s *access.State, ids []access.ID) *access.State {
	t.Helper()
	if len(ids) == 0 {
		return s
	}
	b := access.NewBuilder(s.System()).Identity(s.Identity()).Only(ids...)
	done := map[access.ID]bool{}
	for _, id := range ids {
		if done[id] {
			continue
		}
		done[id] = true
		if o, ok := s.Object(id); ok {
			b.Object(o)
		}
		for _, g := range s.GrantsOf(id) {
			b.Grant(g)
		}
	}
	return build(t, b)
}

func build(t testing.TB, b *access.Builder) *access.State {
	t.Helper()
	s, err := b.Build()
	if err != nil {
		t.Fatalf("the suite made up an impossible state: %v", err)
	}
	return s
}

// merged gives all that is in either state; of an object in both, what the second says.
func merged(t testing.TB, base, more *access.State) *access.State {
	t.Helper()
	b := access.NewBuilder(base.System()).Identity(base.Identity()).Self(base.Self())
	for o := range base.Objects() {
		if _, again := more.Object(o.ID); !again {
			b.Object(o)
		}
	}
	for o := range more.Objects() {
		b.Object(o)
	}
	for _, s := range []*access.State{base, more} {
		for _, g := range s.Grants() {
			b.Grant(g)
		}
	}
	return build(t, b)
}

// unchanged reports what differs from before.
func (b *bed) unchanged(what string, before *access.State) bool {
	b.Helper()
	return b.same(what, differences(before, b.dump(), leniency{}))
}

// refuses applies a change that must be refused with that error and change nothing.
func (b *bed) refuses(what string, c access.Change, want error) error {
	b.Helper()
	before := b.dump()
	err := b.Apply(b.Context(), c)
	switch {
	case err == nil:
		b.Errorf("%s: %s was taken, want %q", what, c, want)
	case !errors.Is(err, want):
		b.Errorf("%s: %s gave %q, want an error that is %q", what, c, err, want)
	}
	b.unchanged(what+": after a refusal", before)
	return err
}

// arm makes the far side fail; it reports whether it can.
func (b *bed) arm(f Fault) bool {
	b.Helper()
	return b.h.Fault != nil && b.h.Fault(b.TB, b.far, f)
}

// cancelled is a context that is done.
func (b *bed) cancelled() context.Context {
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	return ctx
}
